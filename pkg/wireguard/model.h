/* wireguard/model.h - one tunnel interface, as it is wanted or as it was seen.
 *
 *      struct hv_wg_interface
 *        link        exists, whose it is, up, MTU
 *        device      private key, port, firewall mark   (WireGuard's own: back ends, backend.h)
 *        peers       public key -> preshared key, endpoint, keepalive, networks
 *        addresses   of the interface                   (rtnetlink: links.h)
 *        routes      that lead into it
 *
 * Model    The wanted and the seen one have the same shape, so that diff.h compares them part by part. Pure.
 * Keys     A secret key is compared by its seal (its SHA-256; a key of 256 random bits is not guessed from that). Only
 *          what is wanted holds the key itself, as hv_secret; what was seen never does.
 * Marks    An interface is ours by its alias, "hivelet:<node>"; an address and a route by the protocol number HV_WG_PROTOCOL
 *          (rtnetlink(7): rtm_protocol; IFA_PROTO, which the kernel knows since 5.18). Nothing else is ever removed.
 * Owner    hv_wg_interface_done() ends all that it holds.
 */
#pragma once

#include "base/secret.h"
#include "base/vec.h"
#include "spec/value_name.h"
#include "spec/value_net.h"
#include "wireguard/keypair.h"

#define HV_WG_INTERFACE_SIZE 16 /* IFNAMSIZ */
#define HV_WG_ENDPOINT_SIZE (HV_ADDRESS_SIZE + sizeof "[]:65535%4294967295")
#define HV_WG_PROTOCOL 119   /* of our routes and addresses; no other program's in rt_protos */
#define HV_WG_ALIAS_SIZE 256 /* IFALIASZ */

struct hv_wg_key {
        unsigned char bytes[HV_WG_KEY_SIZE];
};

/* SHA-256 of a secret key; all zero: there is none. */
struct hv_wg_seal {
        unsigned char bytes[32];
};

struct hv_wg_endpoint {
        struct hv_address address;
        uint16_t port;  /* 0: there is no endpoint */
        uint32_t scope; /* of a link-local IPv6 address, else 0 */
};

struct hv_wg_peer {
        struct hv_wg_key public_key;
        struct hv_wg_seal preshared_seal;
        struct hv_secret *preshared_key; /* wanted only, 32 bytes; NULL: none */
        struct hv_wg_endpoint endpoint;  /* wanted: none leaves the one that is there */
        bool endpoint_wins;  /* wanted: also over another one, which the peer was seen at; else it may roam */
        bool endpoint_again; /* wanted: is written though it is the same one (names.h says why) */
        uint16_t keepalive_s;            /* 0: off */
        HV_VEC(struct hv_cidr) networks; /* allowed IPs, without host bits, none twice */

        /* seen only */
        uint64_t handshake_us; /* CLOCK_REALTIME of the last one; 0: there was none */
        uint64_t rx_bytes, tx_bytes;
};

struct hv_wg_address {
        struct hv_cidr cidr; /* with host bits */
        bool is_ours;
        bool is_secondary; /* seen: goes with the primary one of its network (IFA_F_SECONDARY) */
};

struct hv_wg_route {
        struct hv_cidr network;
        bool is_ours;
};

enum hv_wg_link_kind {
        HV_WG_LINK_NONE,   /* there is no interface of this name */
        HV_WG_LINK_KERNEL, /* WireGuard in the kernel */
        HV_WG_LINK_TUN,    /* a program's, perhaps wireguard-go's */
        HV_WG_LINK_OTHER,  /* a bridge, a veth, ...: somebody else's */
};

struct hv_wg_interface {
        char name[HV_WG_INTERFACE_SIZE];

        enum hv_wg_link_kind kind; /* wanted: NONE, it is to go; anything else, it is to be there */
        int index;                 /* seen */
        char alias[HV_WG_ALIAS_SIZE];
        bool is_up;
        uint32_t mtu; /* wanted: 0 leaves it */

        struct hv_wg_seal private_seal;
        struct hv_secret *private_key; /* wanted only */
        uint16_t listen_port;          /* wanted: 0 leaves the one that the kernel chose */
        uint32_t firewall_mark;
        HV_VEC(struct hv_wg_peer) peers;

        HV_VEC(struct hv_wg_address) addresses;
        HV_VEC(struct hv_wg_route) routes; /* wanted ones are all ours */
};

void hv_wg_peer_done(struct hv_wg_peer *p);
void hv_wg_interface_done(struct hv_wg_interface *i); /* leaves it empty and usable */

/* Of 32 bytes; of 32 zeros, which is how WireGuard says "no key", the zero seal. */
struct hv_wg_seal hv_wg_seal(const void *key);
bool hv_wg_seal_is_set(const struct hv_wg_seal *s);

bool hv_wg_key_equal(const struct hv_wg_key *a, const struct hv_wg_key *b);
const char *hv_wg_key_text(const struct hv_wg_key *k, char ret[HV_WG_KEY_TEXT_SIZE]); /* base64 */

bool hv_wg_endpoint_equal(const struct hv_wg_endpoint *a, const struct hv_wg_endpoint *b);
/* "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820"; "(none)". */
const char *hv_wg_endpoint_format(const struct hv_wg_endpoint *e, char ret[HV_WG_ENDPOINT_SIZE]);
bool hv_wg_endpoint_parse(const char *text, struct hv_wg_endpoint *ret);

/* By family, address and length: an order for sorting, 0 for one and the same. Host bits count. */
int hv_wg_cidr_compare(const struct hv_cidr *a, const struct hv_cidr *b);
struct hv_cidr hv_wg_network(const struct hv_cidr *c); /* host bits cleared */

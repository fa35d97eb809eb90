/* wireguard/echo.h - does an address behind an interface answer? ICMP echo, as ping(8) asks.
 *
 *      hv_wg_echo_new() --> a request at once, and every HV_WG_ECHO_EVERY_US --> the first answer, or the end of patience --> done()
 *
 * Model    The socket is bound to the interface (SO_BINDTODEVICE): what answers has answered through the tunnel, whatever other
 *          way there may be. An answer is known by 16 random bytes that it brings back, not by a number that the kernel may
 *          change and others may use.
 * Rights   A ping socket, which needs none where net.ipv4.ping_group_range holds the agent's group (systemd opens it to all of
 *          them); else a raw socket (CAP_NET_RAW). -EPERM: neither.
 * Source   RFC 792 and RFC 4443 (echo request and reply); icmp(7).
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wireguard/model.h"

#define HV_WG_ECHO_EVERY_US HV_USEC_PER_SEC
#define HV_WG_ECHO_NONCE_SIZE 16
#define HV_WG_ECHO_SIZE (8 + HV_WG_ECHO_NONCE_SIZE)

struct sd_event;
struct hv_wg_echo;

struct hv_wg_echoed {
        bool answered;
        uint64_t took_us; /* from the request to its answer */
        unsigned n_sent;  /* requests that left */
        const struct hv_err *
                err; /* not answered: what the machine itself said last (no route, down, ...); NULL: nothing */
};

/* On the loop, once, never before hv_wg_echo_new() returned. The echo is over then, and is still to be freed. */
typedef void (*hv_wg_echoed_fn)(void *userdata, const struct hv_wg_echoed *result);

int hv_wg_echo_new(struct sd_event *event, const char *interface, const struct hv_address *to,
                   uint64_t patience_us, hv_wg_echoed_fn done, void *userdata, struct hv_wg_echo **ret,
                   struct hv_err *err);
struct hv_wg_echo *hv_wg_echo_free(
        struct hv_wg_echo *e); /* takes NULL, gives NULL; done() is not called any more */
HV_DEFINE_CLEANUP(struct hv_wg_echo, hv_wg_echo_free);

/* ---- pure ---- */

/* Whom to ask of a peer: its first network that is one host, else the first host of its first network, unless that is this node's
 * own. False: it has none that says where somebody is (0.0.0.0/0). *ret_is_host: it is the former. */
bool hv_wg_echo_target(const struct hv_wg_peer *peer, const struct hv_wg_interface *own,
                       struct hv_address *ret, bool *ret_is_host);

void hv_wg_echo_write(bool is_v6, uint16_t sequence, const unsigned char nonce[HV_WG_ECHO_NONCE_SIZE],
                      unsigned char ret[HV_WG_ECHO_SIZE]);
/* `with_ip`: raw sockets of IPv4 give the IP header, too. False: it is no answer to ours. Hard against any bytes. */
bool hv_wg_echo_read(const unsigned char *data, size_t len, bool is_v6, bool with_ip,
                     const unsigned char nonce[HV_WG_ECHO_NONCE_SIZE], uint16_t *ret_sequence);

/* wireguard/genl_message.c - see genl_message.h. */
#include "wireguard/genl_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include "base/time.h"
#include "wireguard/netlink.h"

#define PEER_ROOM 256   /* of a peer without networks, at most */
#define NETWORK_ROOM 64 /* of one network, at most */

static struct nlmsghdr *begin(void *buffer, uint16_t family, uint16_t flags, uint8_t command,
                              uint8_t version) {
        struct nlmsghdr *m;
        struct genlmsghdr *g;

        memset(buffer, 0, HV_WG_MESSAGE_SIZE);
        m = mnl_nlmsg_put_header(buffer);
        m->nlmsg_type = family;
        m->nlmsg_flags = flags;
        g = mnl_nlmsg_put_extra_header(m, sizeof *g);
        g->cmd = command;
        g->version = version;
        return m;
}

/* --- the family --- */

struct nlmsghdr *hv_wg_genl_ask_family(void *buffer) {
        struct nlmsghdr *m = begin(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);

        mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
        return m;
}

int hv_wg_genl_read_family(const struct nlmsghdr *m, uint16_t *ret) {
        const struct nlattr *a;

        if (mnl_nlmsg_get_payload_len(m) < sizeof(struct genlmsghdr))
                return -EBADMSG;
        mnl_attr_for_each(a, m, sizeof(struct genlmsghdr)) {
                if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(a, MNL_TYPE_U16) >= 0)
                        *ret = mnl_attr_get_u16(a);
        }
        return 0;
}

/* --- reading a device --- */

struct nlmsghdr *hv_wg_genl_ask_device(void *buffer, uint16_t family, const char *interface) {
        struct nlmsghdr *m = begin(buffer, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);

        mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, interface);
        return m;
}

static bool is_key(const struct nlattr *a) {
        return mnl_attr_get_payload_len(a) == HV_WG_KEY_SIZE;
}

static bool read_network(const struct nlattr *ip, struct hv_cidr *ret) {
        struct hv_cidr c = {};
        const struct nlattr *a;
        size_t size = 0;
        bool has_bits = false;

        mnl_attr_for_each_nested(a, ip) {
                switch (mnl_attr_get_type(a)) {
                case WGALLOWEDIP_A_IPADDR:
                        size = mnl_attr_get_payload_len(a);
                        if (size != 4 && size != 16)
                                return false;
                        c.address.is_v6 = size == 16;
                        memcpy(c.address.bytes, mnl_attr_get_payload(a), size);
                        break;
                case WGALLOWEDIP_A_CIDR_MASK:
                        has_bits = mnl_attr_validate(a, MNL_TYPE_U8) >= 0;
                        c.bits = has_bits ? mnl_attr_get_u8(a) : 0;
                        break;
                default:
                        break;
                }
        }
        if (!size || !has_bits || c.bits > size * 8)
                return false;
        *ret = hv_wg_network(&c);
        return true;
}

static bool read_networks(const struct nlattr *ips, struct hv_wg_peer *p) {
        const struct nlattr *ip;

        mnl_attr_for_each_nested(ip, ips) {
                struct hv_cidr c;

                if (!read_network(ip, &c))
                        return false;
                hv_vec_push(&p->networks, c);
        }
        return true;
}

static bool read_endpoint(const struct nlattr *a, struct hv_wg_endpoint *ret) {
        size_t size = mnl_attr_get_payload_len(a);
        struct hv_wg_endpoint e = {};
        struct sockaddr_in6 v6 = {};
        struct sockaddr_in v4 = {};

        if (size == sizeof v4) {
                memcpy(&v4, mnl_attr_get_payload(a), size);
                memcpy(e.address.bytes, &v4.sin_addr, 4);
                e.port = ntohs(v4.sin_port);
        } else if (size == sizeof v6) {
                memcpy(&v6, mnl_attr_get_payload(a), size);
                memcpy(e.address.bytes, &v6.sin6_addr, 16);
                e.address.is_v6 = true;
                e.port = ntohs(v6.sin6_port);
                e.scope = v6.sin6_scope_id;
        } else
                return false;
        *ret = e;
        return true;
}

static bool read_handshake(const struct nlattr *a, struct hv_wg_peer *p) {
        struct __kernel_timespec t;

        if (mnl_attr_get_payload_len(a) != sizeof t)
                return false;
        memcpy(&t, mnl_attr_get_payload(a), sizeof t);
        if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999 ||
            (uint64_t) t.tv_sec > UINT64_MAX / HV_USEC_PER_SEC - 1)
                return false;
        p->handshake_us = (uint64_t) t.tv_sec * HV_USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
        return true;
}

static bool read_peer_attribute(const struct nlattr *a, struct hv_wg_peer *p) {
        switch (mnl_attr_get_type(a)) {
        case WGPEER_A_PRESHARED_KEY:
                if (!is_key(a))
                        return false;
                p->preshared_seal = hv_wg_seal(mnl_attr_get_payload(a));
                return true;
        case WGPEER_A_ENDPOINT:
                return read_endpoint(a, &p->endpoint);
        case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
                if (mnl_attr_validate(a, MNL_TYPE_U16) < 0)
                        return false;
                p->keepalive_s = mnl_attr_get_u16(a);
                return true;
        case WGPEER_A_LAST_HANDSHAKE_TIME:
                return read_handshake(a, p);
        case WGPEER_A_RX_BYTES:
        case WGPEER_A_TX_BYTES:
                if (mnl_attr_validate(a, MNL_TYPE_U64) < 0)
                        return false;
                *(mnl_attr_get_type(a) == WGPEER_A_RX_BYTES ? &p->rx_bytes : &p->tx_bytes) =
                        mnl_attr_get_u64(a);
                return true;
        case WGPEER_A_ALLOWEDIPS:
                return read_networks(a, p);
        default:
                return true;
        }
}

static bool read_peer(const struct nlattr *peer, struct hv_wg_interface *into) {
        struct hv_wg_peer *last = into->peers.n ? &into->peers.v[into->peers.n - 1] : NULL;
        const struct hv_wg_key *key = NULL;
        const struct nlattr *a;

        mnl_attr_for_each_nested(a, peer) {
                if (mnl_attr_get_type(a) == WGPEER_A_PUBLIC_KEY && is_key(a))
                        key = mnl_attr_get_payload(a);
        }
        if (!key)
                return false;
        if (!last || !hv_wg_key_equal(&last->public_key, key)) {
                last = hv_vec_add(&into->peers);
                last->public_key = *key;
        }
        mnl_attr_for_each_nested(a, peer) {
                if (!read_peer_attribute(a, last))
                        return false;
        }
        return true;
}

static bool read_device_attribute(const struct nlattr *a, struct hv_wg_interface *into) {
        const struct nlattr *peer;

        switch (mnl_attr_get_type(a)) {
        case WGDEVICE_A_PRIVATE_KEY:
                if (!is_key(a))
                        return false;
                into->private_seal = hv_wg_seal(mnl_attr_get_payload(a));
                return true;
        case WGDEVICE_A_LISTEN_PORT:
                if (mnl_attr_validate(a, MNL_TYPE_U16) < 0)
                        return false;
                into->listen_port = mnl_attr_get_u16(a);
                return true;
        case WGDEVICE_A_FWMARK:
                if (mnl_attr_validate(a, MNL_TYPE_U32) < 0)
                        return false;
                into->firewall_mark = mnl_attr_get_u32(a);
                return true;
        case WGDEVICE_A_PEERS:
                mnl_attr_for_each_nested(peer, a) {
                        if (!read_peer(peer, into))
                                return false;
                }
                return true;
        default:
                return true;
        }
}

int hv_wg_genl_read_device(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err) {
        const struct nlattr *a;

        if (mnl_nlmsg_get_payload_len(m) < sizeof(struct genlmsghdr))
                return hv_err_set(err, -EBADMSG, "netlink: a message about WireGuard is too short");
        mnl_attr_for_each(a, m, sizeof(struct genlmsghdr)) {
                if (!read_device_attribute(a, into))
                        return hv_err_set(err, -EBADMSG,
                                          "netlink: attribute %u of WireGuard's device is malformed",
                                          mnl_attr_get_type(a));
        }
        return 0;
}

/* --- setting --- */

struct writer {
        const struct hv_wg_genl_set *to;
        struct hv_err *err;
        struct nlmsghdr *m; /* NULL: none is begun */
        struct nlattr *peers, *peer, *ips;
};

static void begin_message(struct writer *w) {
        w->m = begin(w->to->buffer, w->to->family, 0, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
        mnl_attr_put_strz(w->m, WGDEVICE_A_IFNAME, w->to->interface);
        w->peers = w->peer = w->ips = NULL;
}

static void end_peer(struct writer *w) {
        if (w->ips)
                mnl_attr_nest_end(w->m, w->ips);
        if (w->peer)
                mnl_attr_nest_end(w->m, w->peer);
        w->ips = w->peer = NULL;
}

static int flush(struct writer *w) {
        struct nlmsghdr *m = w->m;

        if (!m)
                return 0;
        end_peer(w);
        if (w->peers)
                mnl_attr_nest_end(m, w->peers);
        w->m = NULL;
        return w->to->send(m, w->to->userdata, w->err);
}

static int make_room(struct writer *w, size_t size) {
        int r = 0;

        if (w->m && w->m->nlmsg_len + size > HV_WG_MESSAGE_SIZE)
                r = flush(w);
        if (r >= 0 && !w->m)
                begin_message(w);
        return r;
}

static int begin_peer(struct writer *w, const struct hv_wg_key *key, uint32_t flags) {
        int r;

        end_peer(w);
        r = make_room(w, PEER_ROOM);
        if (r < 0)
                return r;
        if (!w->peers)
                w->peers = mnl_attr_nest_start(w->m, WGDEVICE_A_PEERS);
        w->peer = mnl_attr_nest_start(w->m, 0);
        mnl_attr_put(w->m, WGPEER_A_PUBLIC_KEY, sizeof *key, key);
        if (flags)
                mnl_attr_put_u32(w->m, WGPEER_A_FLAGS, flags);
        return 0;
}

static void put_network(struct writer *w, const struct hv_cidr *c) {
        struct nlattr *ip;

        if (!w->ips)
                w->ips = mnl_attr_nest_start(w->m, WGPEER_A_ALLOWEDIPS);
        ip = mnl_attr_nest_start(w->m, 0);
        mnl_attr_put_u16(w->m, WGALLOWEDIP_A_FAMILY, c->address.is_v6 ? AF_INET6 : AF_INET);
        mnl_attr_put(w->m, WGALLOWEDIP_A_IPADDR, c->address.is_v6 ? 16 : 4, c->address.bytes);
        mnl_attr_put_u8(w->m, WGALLOWEDIP_A_CIDR_MASK, (uint8_t) c->bits);
        mnl_attr_nest_end(w->m, ip);
}

static int put_networks(struct writer *w, const struct hv_wg_key *key, const struct hv_wg_step *s) {
        for (size_t i = 0; i < s->n_networks; i++) {
                if (w->m->nlmsg_len + NETWORK_ROOM > HV_WG_MESSAGE_SIZE) {
                        int r = flush(w);

                        if (r >= 0)
                                r = begin_peer(w, key, WGPEER_F_UPDATE_ONLY);
                        if (r < 0)
                                return r;
                }
                put_network(w, &s->networks[i]);
        }
        return 0;
}

static void put_endpoint(struct writer *w, const struct hv_wg_endpoint *e) {
        if (e->address.is_v6) {
                struct sockaddr_in6 a = { .sin6_family = AF_INET6,
                                          .sin6_port = htons(e->port),
                                          .sin6_scope_id = e->scope };

                memcpy(&a.sin6_addr, e->address.bytes, 16);
                mnl_attr_put(w->m, WGPEER_A_ENDPOINT, sizeof a, &a);
        } else {
                struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(e->port) };

                memcpy(&a.sin_addr, e->address.bytes, 4);
                mnl_attr_put(w->m, WGPEER_A_ENDPOINT, sizeof a, &a);
        }
}

static void put_key(struct writer *w, uint16_t type, const struct hv_secret *key) {
        static const unsigned char none[HV_WG_KEY_SIZE];

        mnl_attr_put(w->m, type, HV_WG_KEY_SIZE, key ? hv_secret_bytes(key) : none);
}

static int put_peer(struct writer *w, const struct hv_wg_step *s) {
        int r = begin_peer(w, &s->peer->public_key, s->fields & HV_WG_NEW ? 0 : WGPEER_F_UPDATE_ONLY);

        if (r < 0)
                return r;
        if (s->fields & HV_WG_PRESHARED_KEY)
                put_key(w, WGPEER_A_PRESHARED_KEY, s->peer->preshared_key);
        if (s->fields & HV_WG_ENDPOINT)
                put_endpoint(w, &s->peer->endpoint);
        if (s->fields & HV_WG_KEEPALIVE)
                mnl_attr_put_u16(w->m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, s->peer->keepalive_s);
        return put_networks(w, &s->peer->public_key, s);
}

static int put_device(struct writer *w, const struct hv_wg_step *s) {
        int r = flush(w); /* the device's attributes are not to follow a list of peers */

        if (r < 0)
                return r;
        begin_message(w);
        if (s->fields & HV_WG_PRIVATE_KEY)
                put_key(w, WGDEVICE_A_PRIVATE_KEY, s->want->private_key);
        if (s->fields & HV_WG_LISTEN_PORT)
                mnl_attr_put_u16(w->m, WGDEVICE_A_LISTEN_PORT, s->want->listen_port);
        if (s->fields & HV_WG_FIREWALL_MARK)
                mnl_attr_put_u32(w->m, WGDEVICE_A_FWMARK, s->want->firewall_mark);
        return 0;
}

static int put_drop(struct writer *w, const struct hv_wg_step *s) {
        int r = begin_peer(w, &hv_wg_drop_key, 0);

        if (r >= 0)
                r = put_networks(w, &hv_wg_drop_key, s);
        return r < 0 ? r : begin_peer(w, &hv_wg_drop_key, WGPEER_F_REMOVE_ME);
}

int hv_wg_genl_set(const struct hv_wg_genl_set *to, const struct hv_wg_step *steps, size_t n,
                   struct hv_err *err) {
        struct writer w = { .to = to, .err = err };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                switch (steps[i].kind) {
                case HV_WG_DEVICE_SET:
                        r = put_device(&w, &steps[i]);
                        break;
                case HV_WG_PEER_SET:
                        r = put_peer(&w, &steps[i]);
                        break;
                case HV_WG_NETWORKS_DROP:
                        r = put_drop(&w, &steps[i]);
                        break;
                case HV_WG_PEER_REMOVE:
                        r = begin_peer(&w, &steps[i].peer->public_key, WGPEER_F_REMOVE_ME);
                        break;
                default:
                        break;
                }
        return r < 0 ? r : flush(&w);
}

/* wireguard/diff.h - the smallest changes that make an interface what is wanted.
 *
 *      want, seen --> hv_wg_diff() --> steps, in their order --> links.h (link, addresses, routes)
 *                                                                backend.h (device, peers)
 *
 * Model    Pure. A step is one change that can be made by itself; whoever performs them may stop behind any of them, look
 *          again and ask for a new plan. Nothing is ever taken down to be brought up again.
 * Order    Link, mark, MTU; device; peers that come or change; networks that nobody wants; peers that go; addresses; up;
 *          routes that come, then routes that go. So a network that moves from peer to peer is given (which takes it from the
 *          other in one move) before anything is removed, and a packet never finds it without an owner.
 * Networks WireGuard before Linux 6.16 and wireguard-go of Debian 12 can take one network from a peer only by writing its
 *          whole list anew, which leaves a moment without. Instead the network is given to a peer that nobody has the key of
 *          (HV_WG_DROP_KEY) and that peer is removed: the rest of the list is never touched.
 * Addresses The kernel removes the secondary addresses of a network with its primary one, and the routes of an interface
 *          with its last IPv4 address (inet_del_ifa() and fib_disable_ip()). So addresses of other networks come first, then
 *          go what goes, then comes what is missing after that; the routes are planned from what will be left.
 * Owner    Steps borrow from `want` and `seen`, which must outlive the plan.
 */
#pragma once

#include "base/arena.h"
#include "wireguard/model.h"

enum hv_wg_step_kind {
        HV_WG_LINK_ADD,
        HV_WG_LINK_MARK, /* the alias */
        HV_WG_LINK_MTU,
        HV_WG_DEVICE_SET,
        HV_WG_PEER_SET,
        HV_WG_NETWORKS_DROP,
        HV_WG_PEER_REMOVE,
        HV_WG_ADDRESS_ADD,
        HV_WG_ADDRESS_REMOVE,
        HV_WG_LINK_UP,
        HV_WG_ROUTE_ADD,
        HV_WG_ROUTE_REMOVE,
        HV_WG_LINK_REMOVE,
        HV_WG_STEP_KINDS
};

/* What a DEVICE_SET or a PEER_SET writes; what is not named stays as it is. */
enum hv_wg_field {
        HV_WG_PRIVATE_KEY = 1 << 0,
        HV_WG_LISTEN_PORT = 1 << 1,
        HV_WG_FIREWALL_MARK = 1 << 2,
        HV_WG_NEW = 1 << 3, /* the peer is not there yet; without it a peer that is gone is not made */
        HV_WG_PRESHARED_KEY = 1 << 4,
        HV_WG_ENDPOINT = 1 << 5,
        HV_WG_KEEPALIVE = 1 << 6,
};

struct hv_wg_step {
        enum hv_wg_step_kind kind;
        unsigned fields; /* enum hv_wg_field */
        const struct hv_wg_interface *want;
        const struct hv_wg_peer *peer;  /* PEER_SET: of want; PEER_REMOVE: of seen */
        const struct hv_cidr *networks; /* PEER_SET: that are added; NETWORKS_DROP */
        size_t n_networks;
        struct hv_cidr cidr; /* ADDRESS_*, ROUTE_* */
        bool is_ours; /* ADDRESS_ADD: bears our mark; false for a foreign one that goes and comes back */
};

struct hv_wg_plan {
        struct hv_arena *arena;
        HV_VEC(struct hv_wg_step) steps;
};

/* Nobody knows a private key to this one: it is a SHA-256 of a text. */
extern const struct hv_wg_key hv_wg_drop_key;

/* `seen` is ours or does not exist: whether it is, is judged before (hv_wg_owner()). */
void hv_wg_diff(const struct hv_wg_interface *want, const struct hv_wg_interface *seen,
                struct hv_wg_plan *ret);
void hv_wg_plan_done(struct hv_wg_plan *p);

/* One line for an operator: "peer r81sF60T...: endpoint, +10.1.0.0/16". No key but public ones. */
void hv_wg_step_describe(const struct hv_wg_step *s, char *ret, size_t size);

enum hv_wg_owner {
        HV_WG_ABSENT,
        HV_WG_OURS, /* by its alias */
        HV_WG_BLANK, /* a WireGuard interface without alias, key, peer and address: ours whose mark a crash kept us from
                          setting, or nobody's; there is nothing in it to lose */
        HV_WG_FOREIGN, /* anything else: never touched */
};

/* `alias` is the one that ours bear. */
enum hv_wg_owner hv_wg_owner(const struct hv_wg_interface *seen, const char *alias);

/* wireguard/kernel.c - see kernel.h. */
#include "wireguard/kernel.h"

#include <errno.h>

#include "base/alloc.h"
#include "wireguard/genl_message.h"
#include "wireguard/netlink.h"

struct hv_wg_kernel {
        struct hv_wg_links *links;
        struct hv_wg_netlink *netlink;
        uint16_t family; /* 0: not asked for yet */
        struct hv_wg_backend backend;
};

/* --- the family --- */

static int take_family(const struct nlmsghdr *m, void *userdata, struct hv_err *err) {
        return hv_wg_genl_read_family(m, userdata) < 0
                       ? hv_err_set(err, -EBADMSG, "netlink: a family without a number")
                       : 0;
}

/* The module may come with the first interface, so nothing is asked before there is one. */
static int reach(struct hv_wg_kernel *k, void *buffer, struct hv_err *err) {
        const struct hv_wg_reply reply = { .message = take_family, .userdata = &k->family };
        int r = k->netlink ? 0 : hv_wg_netlink_open(NETLINK_GENERIC, &k->netlink, err);

        if (r < 0 || k->family)
                return r;
        r = hv_wg_netlink_ask(k->netlink, hv_wg_genl_ask_family(buffer), &reply, err);
        if (r == -ENOENT || (r >= 0 && !k->family))
                return hv_err_set(err, -ENODEV, "this kernel has no WireGuard");
        return r;
}

/* --- the table --- */

static int make(void *self, const char *interface, struct hv_wg_answer *a, struct hv_err *err) {
        struct hv_wg_kernel *k = self;

        (void) a;
        return hv_wg_links_make(k->links, interface, err);
}

static void forget(void *userdata) {
        struct hv_wg_interface *i = userdata;

        for (size_t n = 0; n < i->peers.n; n++)
                hv_wg_peer_done(&i->peers.v[n]);
        i->peers.n = 0;
}

static int take_device(const struct nlmsghdr *m, void *userdata, struct hv_err *err) {
        return hv_wg_genl_read_device(m, userdata, err);
}

static int get(void *self, const char *interface, struct hv_wg_interface *into, struct hv_wg_answer *a,
               struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(HV_WG_MESSAGE_SIZE);
        const struct hv_wg_reply reply = { forget, take_device, into };
        struct hv_wg_kernel *k = self;
        int r = reach(k, buffer, err);

        (void) a;
        if (r >= 0)
                r = hv_wg_netlink_ask(k->netlink, hv_wg_genl_ask_device(buffer, k->family, interface), &reply,
                                      err);
        return r < 0 ? hv_err_prefix(err, r, "WireGuard %s", interface) : 0;
}

static int send_one(struct nlmsghdr *m, void *userdata, struct hv_err *err) {
        struct hv_wg_kernel *k = userdata;

        return hv_wg_netlink_ask(k->netlink, m, NULL, err);
}

static int set(void *self, const char *interface, const struct hv_wg_step *steps, size_t n,
               struct hv_wg_answer *a, struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(HV_WG_MESSAGE_SIZE);
        struct hv_wg_kernel *k = self;
        int r = reach(k, buffer, err);

        (void) a;
        if (r >= 0) {
                const struct hv_wg_genl_set to = { buffer, k->family, interface, send_one, k };

                r = hv_wg_genl_set(&to, steps, n, err);
        }
        explicit_bzero(buffer, HV_WG_MESSAGE_SIZE);
        return r < 0 ? hv_err_prefix(err, r, "WireGuard %s", interface) : 0;
}

static void cancel(void *self, struct hv_wg_answer *a) {
        (void) self;
        (void) a; /* nothing is ever pending */
}

struct hv_wg_kernel *hv_wg_kernel_new(struct hv_wg_links *links) {
        struct hv_wg_kernel *k = HV_NEW(struct hv_wg_kernel);

        k->links = links;
        k->backend = (struct hv_wg_backend){ .name = "kernel",
                                             .link_kind = HV_WG_LINK_KERNEL,
                                             .self = k,
                                             .make = make,
                                             .get = get,
                                             .set = set,
                                             .cancel = cancel };
        return k;
}

struct hv_wg_kernel *hv_wg_kernel_free(struct hv_wg_kernel *k) {
        if (!k)
                return NULL;
        (void) hv_wg_netlink_free(k->netlink);
        free(k);
        return NULL;
}

const struct hv_wg_backend *hv_wg_kernel_backend(const struct hv_wg_kernel *k) {
        return &k->backend;
}

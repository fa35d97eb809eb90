/* wireguard/links.c - see links.h. */
#include "wireguard/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "wireguard/link_message.h"
#include "wireguard/netlink.h"

#define NOTICE_ROOM_BYTES (1 << 20) /* some 2,000 notices; what goes over it costs a look at everything */
#define NOTICES_A_TURN 64

struct hv_wg_links {
        struct hv_wg_netlink *requests;
        struct mnl_socket *notices;
        sd_event_source *source;
        hv_wg_notice_fn notice;
        void *userdata;
};

/* --- reading --- */

typedef int (*read_fn)(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err);

struct reading {
        struct hv_wg_interface *into;
        read_fn read;
        size_t n_addresses, n_routes; /* of before the dump */
};

static void begin(void *userdata) {
        struct reading *r = userdata;

        r->into->addresses.n = r->n_addresses;
        r->into->routes.n = r->n_routes;
}

static int message(const struct nlmsghdr *m, void *userdata, struct hv_err *err) {
        struct reading *r = userdata;

        return r->read(m, r->into, err);
}

static int ask(struct hv_wg_links *l, struct nlmsghdr *request, read_fn read, struct hv_wg_interface *into,
               struct hv_err *err) {
        struct reading reading = { into, read, into->addresses.n, into->routes.n };
        const struct hv_wg_reply reply = { begin, message, &reading };

        return hv_wg_netlink_ask(l->requests, request, &reply, err);
}

int hv_wg_links_read(struct hv_wg_links *l, const char *name, struct hv_wg_interface *into,
                     struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(HV_WG_MESSAGE_SIZE);
        int r;

        memcpy(into->name, name, strnlen(name, sizeof into->name - 1) + 1);
        r = ask(l, hv_wg_ask_link(buffer, name), hv_wg_read_link, into, err);
        if (r == -ENODEV) {
                into->kind = HV_WG_LINK_NONE;
                return 0;
        }
        if (r >= 0)
                r = ask(l, hv_wg_ask_addresses(buffer, into->index), hv_wg_read_address, into, err);
        if (r >= 0)
                r = ask(l, hv_wg_ask_routes(buffer, AF_INET, into->index), hv_wg_read_route, into, err);
        if (r >= 0)
                r = ask(l, hv_wg_ask_routes(buffer, AF_INET6, into->index), hv_wg_read_route, into, err);
        return r < 0 ? hv_err_prefix(err, r, "interface %s", name) : 0;
}

/* --- changing --- */

int hv_wg_links_make(struct hv_wg_links *l, const char *name, struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(HV_WG_MESSAGE_SIZE);
        int r = hv_wg_netlink_ask(l->requests, hv_wg_make_link(buffer, name), NULL, err);

        return r < 0 ? hv_err_prefix(err, r, "cannot make the WireGuard interface %s", name) : 0;
}

static bool is_gone(const struct hv_wg_step *s, int r) {
        switch (s->kind) {
        case HV_WG_LINK_REMOVE:
                return r == -ENODEV;
        case HV_WG_ADDRESS_REMOVE:
                return r == -EADDRNOTAVAIL;
        case HV_WG_ROUTE_REMOVE:
                return r == -ESRCH;
        default:
                return false;
        }
}

int hv_wg_links_apply(struct hv_wg_links *l, const struct hv_wg_step *s, int index, struct hv_err *err) {
        _hv_cleanup_free_ char *buffer = hv_malloc(HV_WG_MESSAGE_SIZE);
        struct nlmsghdr *m = hv_wg_step_message(buffer, s, index);
        char what[256];
        int r;

        hv_wg_step_describe(s, what, sizeof what);
        if (!m)
                return hv_err_set(err, -EINVAL, "%s: not a change of a link", what);
        r = hv_wg_netlink_ask(l->requests, m, NULL, err);
        if (r >= 0 || is_gone(s, r))
                return 0;
        if (r == -EEXIST && s->kind == HV_WG_ROUTE_ADD)
                return hv_err_set(err, r,
                                  "%s: there is a route to this network that is not ours; it is left alone",
                                  what);
        return hv_err_prefix(err, r, "%s", what);
}

/* --- notices --- */

static int on_notices(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct hv_wg_links *l = userdata;
        char buffer[16384] __attribute__((aligned(__alignof__(struct nlmsghdr))));

        (void) source;
        (void) fd;
        (void) revents;
        for (unsigned i = 0; i < NOTICES_A_TURN; i++) {
                ssize_t len = mnl_socket_recvfrom(l->notices, buffer, sizeof buffer);
                const struct nlmsghdr *m = (const void *) buffer;
                char name[HV_WG_INTERFACE_SIZE];
                int left = (int) len, index;

                if (len < 0 && errno == EAGAIN)
                        break;
                if (len < 0 && errno != EINTR)
                        l->notice(l->userdata, 0, ""); /* ENOBUFS, and what else was lost */
                for (; len > 0 && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
                        if (hv_wg_read_notice(m, &index, name))
                                l->notice(l->userdata, index, name);
        }
        return 0;
}

static int listen_on(struct hv_wg_links *l, struct sd_event *event, struct hv_err *err) {
        const unsigned groups =
                RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
        int room = NOTICE_ROOM_BYTES, fd, r;

        l->notices = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (!l->notices || mnl_socket_bind(l->notices, groups, MNL_SOCKET_AUTOPID) < 0)
                return hv_err_errno(err, -errno, "cannot listen for changes of interfaces");
        fd = mnl_socket_get_fd(l->notices);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        r = sd_event_add_io(event, &l->source, fd, EPOLLIN, on_notices, l);
        return r < 0 ? hv_err_errno(err, r, "cannot listen for changes of interfaces") : 0;
}

int hv_wg_links_new(struct sd_event *event, hv_wg_notice_fn notice, void *userdata, struct hv_wg_links **ret,
                    struct hv_err *err) {
        _hv_cleanup_(hv_wg_links_freep) struct hv_wg_links *l = HV_NEW(struct hv_wg_links);
        int r;

        l->notice = notice;
        l->userdata = userdata;
        r = hv_wg_netlink_open(NETLINK_ROUTE, &l->requests, err);
        if (r >= 0 && event)
                r = listen_on(l, event, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(l);
        return 0;
}

struct hv_wg_links *hv_wg_links_free(struct hv_wg_links *l) {
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->source);
        if (l->notices)
                (void) mnl_socket_close(l->notices);
        (void) hv_wg_netlink_free(l->requests);
        free(l);
        return NULL;
}

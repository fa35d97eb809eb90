/* wireguard/echo.c - see echo.h; its pure half is echo_message.c. */
#include "wireguard/echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define REQUESTS_MAX 64

struct hv_wg_echo {
        hv_wg_echoed_fn done;
        void *userdata;
        struct sd_event *event;
        sd_event_source *io, *timer;
        int fd;
        bool is_v6, with_ip;
        unsigned char nonce[HV_WG_ECHO_NONCE_SIZE];
        uint64_t until_us, sent_us[REQUESTS_MAX];
        unsigned n_asked; /* requests that were written, and those that could not be */
        unsigned n_sent;
        struct hv_err err; /* what the machine said last */
        char to[HV_ADDRESS_SIZE];
};

static uint64_t now_us(const struct hv_wg_echo *e) {
        uint64_t now = 0;

        (void) sd_event_now(e->event, CLOCK_BOOTTIME, &now);
        return now;
}

static void end(struct hv_wg_echo *e, bool answered, uint64_t took_us) {
        const struct hv_wg_echoed result = { answered, took_us, e->n_sent,
                                             answered || !e->err.code ? NULL : &e->err };

        (void) sd_event_source_set_enabled(e->io, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        e->done(e->userdata, &result); /* which may free it */
}

static void note(struct hv_wg_echo *e, int r) {
        if (r != -EAGAIN && r != -EINTR)
                (void) hv_err_errno(&e->err, r, "%s", e->to);
}

static void ask(struct hv_wg_echo *e) {
        unsigned char request[HV_WG_ECHO_SIZE];

        hv_wg_echo_write(e->is_v6, (uint16_t) e->n_asked, e->nonce, request);
        e->sent_us[e->n_asked++ % REQUESTS_MAX] = now_us(e);
        if (send(e->fd, request, sizeof request, MSG_NOSIGNAL) < 0)
                note(e, -errno);
        else
                e->n_sent++;
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_wg_echo *e = userdata;
        uint64_t now = now_us(e);

        (void) at_us;
        if (now >= e->until_us) {
                end(e, false, 0);
                return 0;
        }
        ask(e);
        (void) sd_event_source_set_time(s, HV_MIN(e->until_us, now + HV_WG_ECHO_EVERY_US));
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_wg_echo *e = userdata;
        unsigned char data[512];
        uint16_t sequence;
        ssize_t n;

        (void) s;
        (void) revents;
        while ((n = recv(fd, data, sizeof data, 0)) >= 0)
                if (hv_wg_echo_read(data, (size_t) n, e->is_v6, e->with_ip, e->nonce, &sequence) &&
                    sequence < e->n_asked) {
                        end(e, true, now_us(e) - e->sent_us[sequence % REQUESTS_MAX]);
                        return 0;
                }
        note(e,
             -errno); /* an ICMP error, such as WireGuard's own about a peer without endpoint: others may follow */
        return 0;
}

static int open_socket(struct hv_wg_echo *e, struct hv_err *err) {
        int family = e->is_v6 ? AF_INET6 : AF_INET, protocol = e->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

        e->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
        if (e->fd < 0) {
                e->fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
                e->with_ip = !e->is_v6;
        }
        return e->fd < 0
                       ? hv_err_set(
                                 err, -EPERM,
                                 "no echo can be asked for: net.ipv4.ping_group_range leaves out the agent's "
                                 "group, and it has no CAP_NET_RAW")
                       : 0;
}

/* Connected: only what comes from there is heard. */
static int reach(struct hv_wg_echo *e, const char *interface, const struct hv_address *to,
                 struct hv_err *err) {
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        const struct sockaddr *where = e->is_v6 ? (const void *) &v6 : (const void *) &v4;

        memcpy(&v4.sin_addr, to->bytes, sizeof v4.sin_addr);
        memcpy(&v6.sin6_addr, to->bytes, sizeof v6.sin6_addr);
        if (setsockopt(e->fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t) strlen(interface) + 1) < 0)
                return hv_err_errno(err, -errno, "cannot ask through interface %s", interface);
        if (connect(e->fd, where, e->is_v6 ? sizeof v6 : sizeof v4) < 0)
                return hv_err_errno(err, -errno, "%s cannot be reached through interface %s", e->to,
                                    interface);
        return 0;
}

int hv_wg_echo_new(struct sd_event *event, const char *interface, const struct hv_address *to,
                   uint64_t patience_us, hv_wg_echoed_fn done, void *userdata, struct hv_wg_echo **ret,
                   struct hv_err *err) {
        _hv_cleanup_(hv_wg_echo_freep) struct hv_wg_echo *e = HV_NEW(struct hv_wg_echo);
        int r;

        e->event = event;
        e->done = done;
        e->userdata = userdata;
        e->fd = -1;
        e->is_v6 = to->is_v6;
        e->until_us = hv_time_add(now_us(e), patience_us);
        (void) hv_address_format(to, e->to);
        r = open_socket(e, err);
        if (r >= 0)
                r = reach(e, interface, to, err);
        if (r < 0)
                return r;
        if (getrandom(e->nonce, sizeof e->nonce, 0) != (ssize_t) sizeof e->nonce)
                return hv_err_errno(err, -errno, "no random numbers");
        r = sd_event_add_io(event, &e->io, e->fd, EPOLLIN, on_io, e);
        if (r >= 0)
                r = sd_event_add_time(event, &e->timer, CLOCK_BOOTTIME, 0, 1, on_timer, e);
        if (r < 0)
                return hv_err_errno(err, r, "cannot wait for an answer of %s", e->to);
        *ret = HV_STEAL(e);
        return 0;
}

struct hv_wg_echo *hv_wg_echo_free(struct hv_wg_echo *e) {
        if (!e)
                return NULL;
        sd_event_source_disable_unref(e->io);
        sd_event_source_disable_unref(e->timer);
        hv_fd_closep(&e->fd);
        free(e);
        return NULL;
}

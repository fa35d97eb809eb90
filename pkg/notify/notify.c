/* notify/notify.c - see notify.h.
 *
 * sd_notify(3) waits for a manager that does not read (its queue has net.unix.max_dgram_qlen places), and so would the
 * loop. The protocol is one datagram for each message: it is sent here without waiting, and what finds no place is kept
 * until there is one.
 *
 *      timer (every period) ---> due = true; the loop is awake now
 *      hv_notify_loop_turned() -> if due: WATCHDOG=1, due = false
 */
#include "notify/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"
#include "base/vec.h"

/* Of a manager that reads nothing; more than a start, some reloads and an end. */
#define MAX_WAITING 32

struct hv_notify {
        bool active;
        bool ping_due;
        sd_event *event;
        struct sockaddr_un manager;
        socklen_t manager_len;
        int fd;                    /* connected; -1: not yet, or the manager is gone */
        sd_event_source *writable; /* on while messages wait */
        HV_VEC(char *) waiting;    /* oldest first */
        uint64_t watchdog_us;
        char *status;           /* the last one sent */
        sd_event_source *timer; /* NULL: no watchdog */
};

/* --- sending --- */

static void hang_up(struct hv_notify *n) {
        n->writable = sd_event_source_disable_unref(n->writable);
        if (n->fd >= 0)
                (void) close(n->fd);
        n->fd = -1;
}

static int on_writable(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static int dial(struct hv_notify *n) {
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (n->fd < 0)
                return -errno;
        if (connect(n->fd, (const struct sockaddr *) &n->manager, n->manager_len) == 0 &&
            sd_event_add_io(n->event, &n->writable, n->fd, EPOLLOUT, on_writable, n) >= 0 &&
            sd_event_source_set_enabled(n->writable, SD_EVENT_OFF) >= 0)
                return 0;
        hang_up(n);
        return -ENOTCONN;
}

/* 0 sent; -EAGAIN: no place for it now; else there is nobody to tell. */
static int post(struct hv_notify *n, const char *text) {
        for (int attempt = 0; attempt < 2; attempt++) {
                if (n->fd < 0 && dial(n) < 0)
                        return -ENOTCONN;
                if (send(n->fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno == EAGAIN || errno == ENOBUFS)
                        return -EAGAIN;
                hang_up(n); /* a manager that began anew has another socket there */
        }
        return -ENOTCONN;
}

static void drop(struct hv_notify *n, size_t i) {
        free(n->waiting.v[i]);
        memmove(&n->waiting.v[i], &n->waiting.v[i + 1], (--n->waiting.n - i) * sizeof *n->waiting.v);
}

/* A status or a ping that waits is made void by the next one. */
static void keep(struct hv_notify *n, const char *text) {
        static const char *const voids[] = { "STATUS=", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=" };

        for (size_t k = 0; k < HV_ARRAY_SIZE(voids); k++)
                for (size_t i = 0; hv_has_prefix(text, voids[k]) && i < n->waiting.n; i++)
                        if (hv_has_prefix(n->waiting.v[i], voids[k])) {
                                drop(n, i);
                                break;
                        }
        if (n->waiting.n == MAX_WAITING)
                drop(n, 0);
        hv_vec_push(&n->waiting, hv_strdup(text));
        (void) sd_event_source_set_enabled(n->writable, SD_EVENT_ON);
}

static int on_writable(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_notify *n = userdata;

        (void) s;
        (void) fd;
        (void) revents;
        while (n->waiting.n > 0 && post(n, n->waiting.v[0]) != -EAGAIN)
                drop(n, 0);
        if (n->writable)
                (void) sd_event_source_set_enabled(n->writable,
                                                   n->waiting.n > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
        return 0;
}

/* A path, or an abstract name that begins with '@'. */
static bool find_manager(struct hv_notify *n) {
        const char *path = getenv("NOTIFY_SOCKET");
        size_t len = path ? strlen(path) : 0;

        if (len < 2 || (path[0] != '/' && path[0] != '@') || len >= sizeof n->manager.sun_path)
                return false;
        n->manager.sun_family = AF_UNIX;
        memcpy(n->manager.sun_path, path, len);
        n->manager_len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
        if (path[0] == '@')
                n->manager.sun_path[0] = '\0';
        return true;
}

static _hv_printf_(2, 3) void send_message(struct hv_notify *n, const char *fmt, ...) {
        struct hv_buf text = {};
        va_list ap;

        if (!n->active)
                return;
        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        if (n->waiting.n > 0 || post(n, hv_buf_str(&text)) == -EAGAIN)
                keep(n, hv_buf_str(&text));
        hv_buf_done(&text);
}

/* --- the watchdog --- */

static int on_period(sd_event_source *timer, uint64_t usec, void *userdata) {
        struct hv_notify *n = userdata;

        (void) usec;
        n->ping_due = true;
        (void) sd_event_source_set_time_relative(timer, n->watchdog_us / 2);
        (void) sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        return 0;
}

int hv_notify_new(sd_event *event, struct hv_notify **ret, struct hv_err *err) {
        _hv_cleanup_(hv_notify_freep) struct hv_notify *n = HV_NEW(struct hv_notify);
        int r;

        n->fd = -1;
        n->event = sd_event_ref(event);
        n->active = find_manager(n);
        r = sd_watchdog_enabled(0, &n->watchdog_us);
        if (r < 0)
                return hv_err_errno(err, r, "WATCHDOG_USEC=%s, WATCHDOG_PID=%s: not usable",
                                    getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
        if (r == 0 || !n->active)
                n->watchdog_us = 0;
        if (n->watchdog_us > 0) {
                /* An eighth of slack: the ping then comes at 5/8 of what systemd waits, at the latest. */
                r = sd_event_add_time_relative(event, &n->timer, CLOCK_MONOTONIC, n->watchdog_us / 2,
                                               n->watchdog_us / 8, on_period, n);
                if (r < 0)
                        return hv_err_errno(err, r, "cannot add the watchdog's timer to the loop");
                (void) sd_event_source_set_description(n->timer, "watchdog");
                n->ping_due = true;
        }
        *ret = HV_STEAL(n);
        return 0;
}

struct hv_notify *hv_notify_free(struct hv_notify *n) {
        if (!n)
                return NULL;
        (void) sd_event_source_disable_unref(n->timer);
        hang_up(n);
        for (size_t i = 0; i < n->waiting.n; i++)
                free(n->waiting.v[i]);
        hv_vec_done(&n->waiting);
        sd_event_unref(n->event);
        free(n->status);
        free(n);
        return NULL;
}

bool hv_notify_is_active(const struct hv_notify *n) {
        return n->active;
}

uint64_t hv_notify_watchdog_us(const struct hv_notify *n) {
        return n->watchdog_us;
}

void hv_notify_ready(struct hv_notify *n) {
        send_message(n, "READY=1");
}

void hv_notify_status(struct hv_notify *n, const char *fmt, ...) {
        struct hv_buf text = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        /* A line end would start another assignment of the protocol. */
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] == '\n')
                        text.data[i] = ' ';
        if (!hv_streq(n->status, hv_buf_str(&text))) {
                send_message(n, "STATUS=%s", hv_buf_str(&text));
                free(n->status);
                n->status = hv_buf_steal(&text);
        }
        hv_buf_done(&text);
}

void hv_notify_reloading(struct hv_notify *n) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        send_message(n, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                     (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000);
}

void hv_notify_stopping(struct hv_notify *n) {
        send_message(n, "STOPPING=1");
}

void hv_notify_errno(struct hv_notify *n, int error) {
        send_message(n, "ERRNO=%d", abs(error));
}

void hv_notify_extend_timeout(struct hv_notify *n, uint64_t timeout_us) {
        send_message(n, "EXTEND_TIMEOUT_USEC=%" PRIu64, timeout_us);
}

void hv_notify_watchdog_trigger(struct hv_notify *n) {
        send_message(n, "WATCHDOG=trigger");
}

void hv_notify_loop_turned(struct hv_notify *n) {
        if (!n->ping_due)
                return;
        n->ping_due = false;
        send_message(n, "WATCHDOG=1");
}

void hv_notify_barrier(struct hv_notify *n, uint64_t timeout_us) {
        if (n->active)
                (void) sd_notify_barrier(0, timeout_us);
}

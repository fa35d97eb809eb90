/* notify/notify.c - see notify.h.
 *
 *      timer (every period) ---> due = true; the loop is awake now
 *      hv_notify_loop_turned() -> if due: WATCHDOG=1, due = false
 */
#include "notify/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/time.h"

struct hv_notify {
        bool active;
        bool ping_due;
        uint64_t watchdog_us;
        char *status;           /* the last one sent */
        sd_event_source *timer; /* NULL: no watchdog */
};

/* sd_notify(3) fails when the manager is gone or its queue is full; there is nobody to tell, and the next
 * message or the watchdog settles it. */
static _hv_printf_(2, 3) void send_message(struct hv_notify *n, const char *fmt, ...) {
        struct hv_buf text = {};
        va_list ap;

        if (!n->active)
                return;
        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        (void) sd_notify(0, hv_buf_str(&text));
        hv_buf_done(&text);
}

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

        n->active = !hv_str_empty(getenv("NOTIFY_SOCKET"));
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

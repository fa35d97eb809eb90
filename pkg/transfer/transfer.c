/* transfer/transfer.c - life of a request; see transfer.h for what it promises, lane.h for how libcurl is
 * driven.
 *
 *     start -> [queued while libcurl runs] -> in the multi -> ended (libcurl, timer or cancel) -> freed
 *
 * Two rules shape the code. libcurl must not be called while it calls us, so what a callback starts or
 * cancels waits for sweep(). And a callback may free anything, so after one nothing is touched but what
 * `busy` keeps alive.
 */
#include "transfer/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "transfer/easy.h"
#include "transfer/lane.h"

/* Parallel calls to one engine: more is slower on the engine's side (measured with 2 to 16). */
#define CALL_CONNECTIONS 8L

struct hv_transfer {
        sd_event *event;
        bool read_only, dead;
        unsigned busy; /* callers of callbacks on the stack: not freed below them */
        struct lane lanes[2];
        TAILQ_HEAD(, hv_request) requests;
        uint64_t n_connections;
};

uint64_t hv_transfer_now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* --- end of a request --- */

static void request_free(struct hv_request *r) {
        struct hv_transfer *t = r->transfer;

        TAILQ_REMOVE(&t->requests, r, entry);
        if (r->added)
                (void) curl_multi_remove_handle(t->lanes[r->options.lane].multi, r->easy);
        sd_event_source_disable_unref(r->timer);
        hv_easy_free(r);
}

static void transfer_free(struct hv_transfer *t) {
        struct hv_request *r;

        while ((r = TAILQ_FIRST(&t->requests)))
                request_free(r);
        for (size_t i = 0; i < HV_ARRAY_SIZE(t->lanes); i++)
                lane_done(&t->lanes[i]);
        sd_event_unref(t->event);
        free(t);
        curl_global_cleanup();
}

static bool is_inside(const struct hv_transfer *t) {
        return t->lanes[HV_LANE_CALLS].inside || t->lanes[HV_LANE_STREAMS].inside;
}

static void leave(struct hv_transfer *t) {
        if (--t->busy == 0 && t->dead)
                transfer_free(t);
}

void hv_request_cancel(struct hv_request *r) {
        if (!r)
                return;
        r->silent = true;
        if (!is_inside(r->transfer) && !r->ending)
                request_free(r);
}

static int pauses(const struct hv_request *r) {
        return (r->paused ? CURLPAUSE_RECV : 0) | (r->starved ? CURLPAUSE_SEND : 0);
}

static void go_on_later(struct hv_request *r) {
        r->resume = true;
        lane_wake(&r->transfer->lanes[r->options.lane]);
}

void hv_request_pause(struct hv_request *r, bool paused) {
        if (!r->added || r->silent || r->ending)
                return;
        r->paused = paused;
        if (paused)
                (void) curl_easy_pause(r->easy, pauses(r));
        else
                go_on_later(r);
}

void hv_request_wake(struct hv_request *r) {
        if (!r->added || r->silent || r->ending || !r->starved)
                return;
        r->starved = false;
        go_on_later(r);
}

static void finish(struct hv_request *r, enum hv_transfer_end end, CURLcode code) {
        struct hv_transfer *t = r->transfer;
        struct hv_reply reply = {};

        r->ending = true;
        hv_easy_reply(r, end, code, hv_transfer_now_us(), &reply);
        /* Out of the multi before the callback: what that starts can use the connection. */
        (void) curl_multi_remove_handle(t->lanes[r->options.lane].multi, r->easy);
        r->added = false;
        r->options.on_done(r->options.userdata, &reply);
        request_free(r);
}

/* --- what waited until libcurl returned --- */

static void add_to_multi(struct hv_request *r) {
        r->added = true;
        (void) curl_multi_add_handle(r->transfer->lanes[r->options.lane].multi, r->easy);
}

/* libcurl may give what it kept from inside this very call. */
static void go_on(struct hv_request *r) {
        struct lane *lane = &r->transfer->lanes[r->options.lane];

        r->resume = false;
        lane->inside = true;
        (void) curl_easy_pause(r->easy, pauses(r));
        lane->inside = false;
}

static bool sweep_once(struct hv_transfer *t) {
        struct hv_request *next;
        bool called_back = false;

        for (struct hv_request *r = TAILQ_FIRST(&t->requests); r; r = next) {
                next = TAILQ_NEXT(r, entry);
                if (r->silent && !r->ending)
                        request_free(r);
                else if (!r->added && !r->ending)
                        add_to_multi(r);
                else if (r->resume && !r->ending) {
                        go_on(r);
                        called_back = true;
                }
        }
        return called_back;
}

static void sweep(struct hv_transfer *t) {
        while (sweep_once(t))
                ; /* a callback may have started and cancelled more */
}

static void on_wake(struct lane *lane) {
        struct hv_transfer *t = lane->userdata;
        struct hv_request *r;
        CURLcode code;
        CURL *easy;

        t->busy++;
        sweep(t);
        while (!t->dead && (easy = lane_next_ended(lane, &code))) {
                (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &r);
                finish(r, hv_easy_end(r, code), code);
        }
        leave(t);
}

/* --- deadlines --- */

static uint64_t next_deadline(const struct hv_request *r) {
        uint64_t open = r->opened ? HV_TIME_NEVER : r->open_by_us;
        uint64_t idle = r->options.idle_us ? hv_time_add(r->active_us, r->options.idle_us) : HV_TIME_NEVER;

        return HV_MIN(HV_MIN(r->deadline_us, open), idle);
}

/* The timer is not moved with every byte: it looks again when it fires. */
static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_request *r = userdata;
        struct hv_transfer *t = r->transfer;
        uint64_t now = hv_transfer_now_us();

        (void) usec;
        if (next_deadline(r) == HV_TIME_NEVER)
                return 0; /* it had to open by now, and did */
        if (now < next_deadline(r)) {
                (void) sd_event_source_set_time(s, next_deadline(r));
                (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
                return 0;
        }
        t->busy++;
        finish(r,
               now >= HV_MIN(r->deadline_us, r->opened ? HV_TIME_NEVER : r->open_by_us) ? HV_TRANSFER_LATE
                                                                                        : HV_TRANSFER_STALLED,
               CURLE_OPERATION_TIMEDOUT);
        leave(t);
        return 0;
}

/* A deadline at which nothing else happens may be late by some milliseconds: fewer wake-ups. */
static int arm(struct hv_request *r, struct hv_err *err) {
        int e;

        if (next_deadline(r) == HV_TIME_NEVER)
                return 0;
        e = sd_event_add_time(r->transfer->event, &r->timer, CLOCK_MONOTONIC, next_deadline(r),
                              5 * HV_USEC_PER_MSEC, on_deadline, r);
        if (e < 0)
                return hv_err_errno(err, e, "transfer: timer");
        (void) sd_event_source_set_description(r->timer, "transfer-deadline");
        return 0;
}

/* --- the way in --- */

int hv_transfer_start(struct hv_transfer *t, const struct hv_request_options *options,
                      struct hv_request **ret, struct hv_err *err) {
        struct hv_request *r;
        int e;

        if (t->read_only && !hv_method_is_safe(options->method))
                return hv_err_set(err, -EPERM, "%s %s: this connection only reads",
                                  hv_method_name(options->method), options->url);
        r = HV_NEW(struct hv_request);
        r->transfer = t;
        r->options = *options;
        r->begun_us = r->active_us = hv_transfer_now_us();
        r->deadline_us = options->timeout_us ? hv_time_add(r->begun_us, options->timeout_us) : HV_TIME_NEVER;
        r->open_by_us = options->open_us ? hv_time_add(r->begun_us, options->open_us) : HV_TIME_NEVER;
        r->n_connections = &t->n_connections;
        TAILQ_INSERT_TAIL(&t->requests, r, entry);
        e = hv_easy_init(r, err);
        if (e == 0)
                e = arm(r, err);
        if (e < 0) {
                request_free(r);
                return e;
        }
        if (!is_inside(t))
                add_to_multi(r);
        if (ret)
                *ret = r;
        return 0;
}

int hv_transfer_new(struct sd_event *event, const struct hv_transfer_options *options,
                    struct hv_transfer **ret, struct hv_err *err) {
        struct hv_transfer *t;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return hv_err_set(err, -EIO, "transfer: libcurl does not start");
        t = HV_NEW(struct hv_transfer);
        t->event = sd_event_ref(event);
        t->read_only = options && options->read_only;
        TAILQ_INIT(&t->requests);
        r = lane_init(&t->lanes[HV_LANE_CALLS], event, CALL_CONNECTIONS, on_wake, t, err);
        if (r == 0)
                r = lane_init(&t->lanes[HV_LANE_STREAMS], event, 0, on_wake, t, err);
        if (r < 0) {
                transfer_free(t);
                return r;
        }
        *ret = t;
        return 0;
}

struct hv_transfer *hv_transfer_free(struct hv_transfer *t) {
        struct hv_request *r;

        if (!t)
                return NULL;
        TAILQ_FOREACH (r, &t->requests, entry)
                r->silent = true;
        t->dead = true;
        if (t->busy == 0 && !is_inside(t))
                transfer_free(t);
        return NULL;
}

uint64_t hv_transfer_connections_total(const struct hv_transfer *t) {
        return t->n_connections;
}

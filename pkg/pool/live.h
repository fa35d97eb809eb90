/* pool/live.h - logs of tasks that run, told to the pool while they grow.
 *
 *      backend->log_open() --> room for what came --> put_log, about once a second --> the pool
 *             ^                      |
 *             '---- paused: full ----'
 *
 * Model    A courtesy: what a result brings (outbox.h) is the log that counts, and it goes on where this one ended. So a pool that
 *          does not take live logs, or has lost some of one, just does not get the rest of it live. Nothing is kept beyond a
 *          quarter of a mebibyte a task: a pool that is slower than the task holds the reading back.
 *          A log that is followed anew (the agent began anew, the link was lost) starts from its beginning; what the pool has of
 *          it is left out.
 */
#pragma once

#include "pool/dialect.h"

struct hv_live;

struct hv_live_options {
        struct sd_event *event; /* borrowed, as all */
        const struct hv_pool_dialect *dialect;
        struct hv_pool_peer *peer;
        const struct hv_pool_backend *backend;
        void *backend_data;
        void (*heard)(void *userdata, enum hv_pool_outcome outcome, bool answered, const char *message);
        void *userdata;
};

#define HV_LIVE_MAX 256          /* logs followed at a time */
#define HV_LIVE_ROOM 262144      /* bytes of one that wait */
#define HV_LIVE_FLUSH_US 1000000 /* how long they may wait */

struct hv_live *hv_live_new(const struct hv_live_options *options);
struct hv_live *hv_live_free(struct hv_live *l); /* after close() of the peer; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_live, hv_live_free);

/* The pool's tasks as they are now: follows those that run, and lets go of the others. n 0: of all. */
void hv_live_follow(struct hv_live *l, const struct hv_pool_task *tasks, size_t n);

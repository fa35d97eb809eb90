/* task/worker.h - one thread for what would block the loop: copying, hashing, unpacking, removing trees.
 *
 *      loop:    hv_worker_add(job) ----.                        .--> done(job)
 *      thread:                         '--> run(job), in order -'        (eventfd)
 *
 * Model    Jobs run one after the other in the order in which they were added. A job is embedded in what it works on;
 *          between add and done it belongs to the worker, and the loop touches nothing of it but hv_job_cancel(). The
 *          lock that hands it over orders all memory, so neither side needs atomics for what the job holds.
 * Rules    every job gets its run(), also a cancelled one, and exactly one done(). Jobs that hv_worker_free() finds get
 *          only done(), with `dropped`: free what is yours, tell nobody. done() may add jobs and free its own; it must not
 *          free the worker. run() looks at hv_job_is_cancelled() at least once a second.
 */
#pragma once

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/err.h"

struct sd_event;
struct hv_worker;

struct hv_job {
        void (*run)(struct hv_job *job);  /* on the thread */
        void (*done)(struct hv_job *job); /* on the loop */

        bool dropped; /* the worker ended; run() may not have been called */

        /* of the worker */
        atomic_bool cancelled;
        TAILQ_ENTRY(hv_job) entry;
};

int hv_worker_new(struct sd_event *event, struct hv_worker **ret, struct hv_err *err);
/* Cancels all jobs, waits for the one that runs, gives each its done(). Takes NULL, gives NULL. */
struct hv_worker *hv_worker_free(struct hv_worker *w);
HV_DEFINE_CLEANUP(struct hv_worker, hv_worker_free);

void hv_worker_add(struct hv_worker *w, struct hv_job *job);
void hv_job_cancel(struct hv_job *job);
bool hv_job_is_cancelled(const struct hv_job *job);

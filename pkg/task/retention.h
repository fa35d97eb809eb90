/* task/retention.h - one round of cleaning up in the store of results, on the worker's thread.
 *
 *      outputs.keep after its end       the collected files of a result go
 *      all results above max_bytes      files and logs of the oldest ends go, until the rest is below
 *
 * Rules    Only of the tasks that are named: those that ended, and whose results nobody is waiting for. What was collected, and its
 *          checksums, stays in manifest.json as long as the task is remembered; kept.json says why the files are gone.
 * Owner    options are copied. `done` comes once, on the loop, never from inside the call. hv_retention_free() before that: nothing is
 *          called any more, and the round ends where it is. Before hv_worker_free().
 */
#pragma once

#include "base/err.h"

struct hv_retention;
struct hv_worker;

struct hv_retention_task {
        const char *id;
        uint64_t ended_us; /* wall clock */
        unsigned attempts; /* 1 .. attempts are looked at */
};

struct hv_retained {
        int error; /* of the first that could not be removed; the others were gone on with */
        const char *message;
        uint64_t bytes; /* of all results, afterwards */
        unsigned n_expired, n_evicted;
};

struct hv_retention_options {
        struct hv_worker *worker;
        const char *results_root;
        const struct hv_retention_task *tasks;
        size_t n_tasks;
        uint64_t now_us;    /* wall clock */
        uint64_t max_bytes; /* 0: no cap */
        void (*done)(void *userdata, const struct hv_retained *result);
        void *userdata;
};

struct hv_retention *hv_retention_new(const struct hv_retention_options *options);
struct hv_retention *hv_retention_free(struct hv_retention *r); /* takes NULL, gives NULL */

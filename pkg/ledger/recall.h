/* ledger/recall.h - reading tasks back: all of them at the start, pages of them for the API. */
#pragma once

#include "ledger/attempt.h"

struct hv_ledger_task {
        uint64_t seq; /* order of acceptance; never used twice */
        const char *id, *name, *source, *cron, *digest;
        const char *document; /* NULL in a page */
        unsigned priority;
        uint64_t accepted_us;
        uint64_t retried_us; /* the promise was given anew; 0: never */
        const char *state;   /* "Queued", "Running" or the last one */
        uint64_t ended_us;   /* 0: a live task */

        const char *stop_by, *stop_reason; /* NULL: nobody asked */
        uint64_t stop_us;

        unsigned attempts_before;    /* numbers up to this one are of before it was retried */
        unsigned last_attempt;       /* highest number; 0: none yet */
        uint64_t last_begun_us;      /* 0: none yet, or it ended without having been begun */
        const char *last_boot;       /* id of the boot in which it was; NULL: not known */
        uint64_t last_begun_boot_us; /* ... and when, since that boot */
        bool last_ended;             /* false also when there is none */
        struct hv_ledger_eviction last_eviction;
        unsigned n_ended_by_task, n_ended_by_node; /* attempts, since it was retried */

        /* The last result, of an attempt or of the task; cause is NULL while there is none (since it was retried). */
        const char *cause, *reason, *message;
        int exit_code;                    /* -1: none */
        bool is_owed;                     /* the pool that assigned it has not got its result yet */
        uint64_t started_us, finished_us; /* of the last attempt */
};

/* Visitors end a walk by returning other than 0, which is then returned by the walk too. */
typedef int (*hv_ledger_task_visit)(const struct hv_ledger_task *t, void *userdata);

/* All tasks, with documents: the live ones first, each part in the order of acceptance. */
int hv_ledger_recall(struct hv_ledger *l, hv_ledger_task_visit visit, void *userdata, struct hv_err *err);

/* One task, with its document. -ENOENT: no such task. */
int hv_ledger_task(struct hv_ledger *l, const char *id, hv_ledger_task_visit visit, void *userdata,
                   struct hv_err *err);

struct hv_ledger_filter {
        const char *const *states; /* any of them; n_states 0: all */
        size_t n_states;
        const char *name, *cron; /* NULL: any */
        uint64_t before;         /* seq: only what was accepted before it; 0: from the newest */
        unsigned limit;          /* 1.. */
};

/* Newest first, without documents. *ret_next (may be NULL): `before` of the next page, 0 at the end. Pages stay in step
 * whatever is accepted or forgotten between two of them. */
int hv_ledger_page(struct hv_ledger *l, const struct hv_ledger_filter *f, hv_ledger_task_visit visit,
                   void *userdata, uint64_t *ret_next, struct hv_err *err);

/* How many tasks are kept, and how many of them are live. */
int hv_ledger_count(struct hv_ledger *l, uint64_t *ret_all, uint64_t *ret_live, struct hv_err *err);

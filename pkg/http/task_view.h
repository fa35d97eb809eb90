/* http/task_view.h - tasks as users know them: the core's word on what is alive, the ledger's on the rest, joined by id.
 *
 * Model    A live task is shown as the core sees it, with what only the ledger knows (when it was accepted, who asked
 *          for its end and why). An ended one is a row of the ledger.
 * Owner    everything is in the arena, or borrowed from what was handed in.
 */
#pragma once

#include "http/tasks.h"
#include "ledger/attempt.h"

struct hv_task_item {
        const char *id, *name, *source, *cron, *digest;
        const char *document;                /* NULL in a page */
        const struct hv_task_status *status; /* of a live one; NULL: it has ended and nothing is left to do */
        bool recorded;                       /* it is in the ledger */
        enum hv_task_state state;
        unsigned attempt, priority;
        const char *reason, *message, *cause; /* message "" and others NULL where there is nothing to say */
        int exit_code;                        /* -1: none */
        uint64_t accepted_wall_us, started_wall_us, ended_wall_us, retried_wall_us;
        const char *stop_by, *stop_reason;
        uint64_t stop_wall_us;
};

#define HV_TASK_PAGE_MAX 1000u

struct hv_task_filter {
        unsigned states;                  /* bits 1u << enum hv_task_state; 0: all */
        const char *source, *name, *cron; /* NULL: any */
        const char *search;               /* a part of its id or its name, in any case; NULL: any */
        uint64_t before;                  /* where the last page ended; 0: from the newest */
        size_t limit;                     /* 1..HV_TASK_PAGE_MAX */
};

struct hv_task_page {
        const struct hv_task_item *items; /* newest first */
        size_t n;
        uint64_t next; /* `before` of the next page; 0: that was all */
};

/* < 0: the ledger cannot be read. Without a ledger what is alive is all there is. */
int hv_task_page_read(const struct hv_api_tasks *t, const struct hv_task_filter *f, struct hv_arena *a,
                      struct hv_task_page *ret, struct hv_err *err);

/* -ENOENT: there is none; -EAGAIN: the ledger, which might know it, is not there. With its document. */
int hv_task_find(const struct hv_api_tasks *t, const char *id, struct hv_arena *a, struct hv_task_item *ret,
                 struct hv_err *err);

/* Its attempts, oldest first, in the arena. */
int hv_task_attempts(const struct hv_api_tasks *t, const char *id, struct hv_arena *a,
                     const struct hv_ledger_attempt **ret, size_t *ret_n, struct hv_err *err);

/* reconcile/cron.h - cron tasks: which of their scheduled times become runs.
 *
 *      until --------- scheduled ------- scheduled ------ now ------ scheduled (next)
 *        |                 |                 |             |
 *        dealt with        missed?           due          wall clock
 *
 * Model    `until` is the last scheduled time that was dealt with; it is durable, and moves on in the very transaction that
 *          accepts the run (or in one of its own, where no run comes of it), so no time makes two runs and none is forgotten.
 *          Missed times count from it, not from the start of the agent: a node that was off knows what it missed. A cron task
 *          that is seen for the first time begins now.
 * Rules    A time is missed when its minute is over. Of those `runOnce` runs the latest, `runAll` each, oldest first, `skip` none; a
 *          time older than the starting deadline makes no run in any case. While the last run goes on `forbid` leaves a time out,
 *          `allow` runs both, `replace` stops the older. The jitter of a time depends on its name and on the time alone, so
 *          that a restart changes nothing about it.
 * Source   docs/desired-state.md, "cronTasks"; Kubernetes' CronJob for the words.
 */
#pragma once

#include "reconcile/core.h"

struct hv_zone;

/* What the ledger remembers of one, handed to the core before TASKS_KNOWN. */
struct hv_cron_recalled {
        const char *name;
        uint64_t until_wall_us;  /* 0: nothing was dealt with yet */
        struct hv_order suspend; /* by NULL: it is not suspended */
};

struct hv_cron_status {
        const char *name, *schedule, *zone;
        enum hv_cron_concurrency concurrency;
        struct hv_order suspend; /* by NULL: it is not suspended */
        bool can_run;            /* false: nothing runs, `message` says why */
        uint64_t until_wall_us;  /* 0: none yet */
        uint64_t next_wall_us;   /* 0: never, or suspended */
        const char *const *live; /* ids of runs that have not ended */
        size_t n_live;
        const char *
                message; /* by whom it is suspended, what stands in the way, or why the last time made no run; "" */
        bool is_recorded; /* the ledger was read, and no change of `suspend` is under way: what it says is durable */
        const char *
                ledger_failure; /* what could not be made durable and is tried again: one sentence; NULL: nothing */
};

/* One; false: the active revision does not declare it. */
bool hv_core_cron_status(const struct hv_core *c, const char *name, uint64_t now_us, struct hv_arena *arena,
                         struct hv_cron_status *ret);

/* The id of the run that CRON_TRIGGER makes at this instant; NULL: it is not declared. */
const char *hv_core_cron_run_now(const struct hv_core *c, const char *name, uint64_t now_us,
                                 struct hv_arena *arena);

/* All that the active revision declares, by name. Everything lives in `arena`. */
const struct hv_cron_status *hv_core_crons(const struct hv_core *c, uint64_t now_us, struct hv_arena *arena,
                                           size_t *ret_n);

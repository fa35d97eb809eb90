/* attempt.h - what really became of each attempt of each task, and the invariants that are judged by it.
 *
 *      I1    at most one START of hivelet's takes effect for one attempt, and none without its begin in the ledger
 *      I2    of one task at most one attempt is alive, and none when its end is recorded
 *      I4    the container of an attempt is removed, and its workspace cleaned, only after its end is durable
 *      I5    the recorded end is what the container really did
 *      WHY   hivelet stops it only for what is durable: somebody's stop, an eviction, a timeout
 *      P3    what the node stopped for its own sake is not called the task's fault, whoever records the end
 *      I7    what all that is alive has booked was there to be given when the last of them was admitted
 *
 * Model    A start by people does not count for I1, I2 and I7; what a container does after it is still what it did.
 */
#pragma once

#include "base/vec.h"
#include "reconcile/task.h"
#include "sim/truth.h"

struct sim;
struct sim_promise;

struct sim_end_of_run {
        int exit_code;
        bool oom_killed;
        uint64_t ran_us; /* since it ran first: an engine may have run it again meanwhile */
};

struct sim_try { /* an attempt of a task, by the labels of its containers */
        const char *id;
        unsigned number, n_starts; /* starts: hivelet's that took effect */
        HV_VEC(struct sim_end_of_run) ends;
        uint64_t first_run_us;                      /* whoever started it; 0: never */
        bool has_workspace, is_withheld, collected; /* is_withheld: no container finds it to mount it */
        bool was_ended_by_hivelet;                  /* a stop of its took effect */
        bool took_too_much;                         /* of the disk */
        bool clock_was_set; /* while it ran: how long it did so, an agent that did not see it can only bound */
        struct hv_task_collected kept;
};

struct sim_booking { /* what was allocatable when a task was admitted last */
        const char *id;
        uint64_t order;
        uint64_t nano_cpus, memory_bytes, disk_bytes;
        unsigned n_slots;
};

struct sim_tries {
        HV_VEC(struct sim_try *) v;
        HV_VEC(struct sim_booking) admitted;
        uint64_t n_admissions;
};

struct sim_tries *sim_tries_new(struct sim *s);
void sim_tries_done(struct sim_tries *t);
struct sim_try *sim_try_get(struct sim *s, const char *id, unsigned number); /* made when absent */

/* Of containers of tasks; called by truth.c and engine.c. */
void sim_attempt_runs(struct sim *s, struct sim_container *k);    /* whoever started it: its life begins */
void sim_attempt_started(struct sim *s, struct sim_container *k); /* it was hivelet */
void sim_attempt_stopped(struct sim *s, const struct sim_container *k); /* it has ended, with what k says */
void sim_attempt_removed(struct sim *s, const struct sim_container *k); /* by hivelet */

/* Whoever starts it, it finds nothing to mount: the engine says no. What runs already keeps what it has. */
bool sim_attempt_is_withheld(struct sim *s, const struct sim_container *k);

void sim_attempt_clock_was_set(struct sim *s);
void sim_attempt_admitted(struct sim *s, const char *id);
/* Hivelet asks the engine to stop it: why stands in the ledger, or anybody can compute it. */
void sim_attempt_judge_stop(struct sim *s, const struct sim_container *k);
void sim_attempt_judge_end(struct sim *s, const struct sim_promise *p, const struct hv_task_end *e);
void sim_attempt_cleaned(struct sim *s, const char *id, unsigned number);
void sim_attempt_forget(struct sim *s, const char *id); /* the ledger did: the id is free */

/* A container of this task that runs because hivelet started it; NULL: none. number 0: of any attempt. */
const struct sim_container *sim_attempt_alive(const struct sim *s, const char *id, unsigned number);

/* What can be given now, computed from the machine and the settings in force. */
struct sim_booking sim_allocatable(const struct sim *s);

/* ledger.h - the simulated ledger: what is durable of tasks, whatever dies.
 *
 * Model    A write is one transaction: it is there, or it is not. Three things go wrong: the disk is full for a while (an
 * error, no effect); the power goes before or after it (desk.c); a flush fails, which is told as an error, and yet the
 * record may be found after the next power cut (`limbo`), as pkg/ledger/ledger.h says of real disks.
 * The ledger judges each write itself: what the core must never ask for (a second begin of one attempt, a second end) is an
 * invariant broken, not an error to be handled.
 */
#pragma once

#include "base/vec.h"
#include "sim/engine.h"

struct sim;

struct sim_attempt {
        unsigned number;
        uint64_t begun_us, begun_wall_us;
        bool ended;
        struct hv_task_end end;
        enum hv_eviction eviction; /* why the node stops it; NONE: it does not */
        const char *eviction_text;
        uint64_t evicted_wall_us;
};

struct sim_promise {
        const char *id;
        struct hv_task *task; /* borrowed from job.h */
        uint64_t accepted_wall_us, ended_wall_us, attempt_ended_wall_us;
        bool ended, forgotten;
        struct hv_task_end end; /* with ended */
        bool stop_asked;
        const char *stop_by;
        uint64_t stop_asked_of; /* number of the core that was last told to stop it by the desk; 0: none */
        bool is_owed;           /* to the pool: it ended */
        uint64_t back_asked_of; /* number of the core that was last asked to hand it back; 0: none */
        unsigned
                n_counted; /* ended attempts since the promise was given (anew) that count against the retries */
        uint64_t order;    /* of acceptance */
        HV_VEC(struct sim_attempt) attempts;
};

struct sim_limbo { /* a write whose flush failed */
        struct hv_action action;
        uint64_t n_writes; /* made before it: a later one that succeeds settles it */
};

struct sim_ledger {
        HV_VEC(struct sim_promise *) promises;
        HV_VEC(struct sim_limbo) limbo;
        uint64_t n_writes, full_until_us, busy_until_us; /* one write after the other */
        int trust_score;
};

struct sim_ledger *sim_ledger_new(struct sim *s);
void sim_ledger_done(struct sim_ledger *l);

bool sim_action_is_write(enum hv_action_type type); /* of the ledger; the others work on the disk */

/* One transaction. The texts of `a` live as long as the run. */
struct sim_reply sim_ledger_write(struct sim *s, const struct hv_action *a);
struct sim_reply sim_ledger_fail_to_flush(struct sim *s, const struct hv_action *a);
void sim_ledger_power_cut(struct sim *s); /* decides what is in limbo */

/* Tells a new core all of it, as the agent does at its start. */
void sim_ledger_recall(struct sim *s);

struct sim_promise *sim_ledger_find(const struct sim *s, const char *id); /* NULL: none, or forgotten */
bool sim_ledger_is_evicted(const struct sim_promise *p);                  /* its last attempt */
bool sim_ledger_forgot(const struct sim *s, const char *id);
struct sim_attempt *sim_ledger_attempt(const struct sim_promise *p, unsigned number); /* NULL: not begun */

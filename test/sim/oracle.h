/* oracle.h - the invariants, judged after every event against the ground truth and not against what the core believes.
 *
 *      I6    nothing that is not ours is the target of an effect
 *      I9    the fixed point is reached within the bound (schedule.c)
 *      I10   at the fixed point nothing is changed (schedule.c)
 *      I11   nor after a restart, and the status is the same (schedule.c)
 *      I12   only a valid, active revision that leaves an object out removes it; the guard holds
 *      I13   no effect before a complete observation; none on what is in doubt; nothing made that is known to exist
 *      I15   failed attempts keep to their schedule; no hot loop
 *      I17   generations never go back; `synced` is never claimed against what the core was told
 *      INV3  whatever is not in sync has an action in flight or a dated deadline
 *      ONE   one effect at a time for one object; not more than workers and parallel pulls allow
 *      QUIET a plan that says that nothing changed shows what the one before showed (oracle_quiet.c)
 *      PURE  the core's own contract: ids, deadlines, a plan that repeats itself gives nothing new
 */
#pragma once

#include "base/vec.h"
#include "reconcile/core.h"
#include "sim/driver.h"
#include "sim/workload.h"

/* Attempts of one kind on one object that failed one after another. */
struct sim_attempts {
        const char *name;
        enum hv_action_type type;
        unsigned n_failed;
        uint64_t next_us; /* no earlier attempt */
};

struct sim_doubt {
        const char *name; /* of the container, network or volume whose effect is unknown */
        enum hv_action_type type;
        uint64_t word; /* number of the input that said so */
};

/* What the present core was last told of whoever bears this name. */
struct sim_word_on {
        const char *name;
        uint64_t n; /* number of the input */
};

struct sim_oracle {
        uint64_t n_words; /* inputs to all cores so far */
        /* of the present core */
        uint64_t last_action_id, connect_id;
        unsigned parts; /* listed completely since the connect */
        uint64_t n_generations;
        HV_VEC(struct sim_doubt) doubts;
        HV_VEC(struct sim_attempts) attempts;
        HV_VEC(struct sim_word_on) words;
        const char *active;  /* revision; NULL: none */
        const char *offered; /* the last one that the core was given; NULL: decided */
        const char *accepted;
        const char *held; /* parked by the guard; NULL: none */
        bool synced, observed, parked;
        bool busy;         /* something is being pulled, or waits for its next attempt */
        unsigned n_events; /* told so far */
        char *shown;       /* all that it showed after its last plan; NULL: none yet */
        /* of the whole run */
        uint64_t n_quiet; /* plans that changed nothing */
        uint64_t minute, n_calls_in_minute, n_events_in_minute;
};

struct sim_oracle *sim_oracle_new(struct sim *s);
void sim_oracle_done(struct sim_oracle *o);

void sim_oracle_core_started(struct sim *s);
void sim_oracle_before_offer(struct sim *s);
void sim_oracle_before_done(struct sim *s, const struct sim_call *c, const struct hv_input *in);
void sim_oracle_after_input(struct sim *s, const struct hv_input *in, int r, const struct hv_err *err);
void sim_oracle_after_plan(struct sim *s, const struct hv_effects *e);
void sim_oracle_before_action(struct sim *s, const struct hv_action *a);
void sim_oracle_after_actions(struct sim *s);
void sim_oracle_quiet_after_plan(struct sim *s,
                                 const struct hv_effects *e); /* after each plan, whoever asked for it */

/* oracle_told.c: what the core was told. */
void sim_oracle_told_event(struct sim *s, const struct hv_engine_event *e);
void sim_oracle_told_effect(struct sim *s, const struct sim_call *c, enum hv_outcome outcome);
void sim_oracle_told_look(struct sim *s, const struct sim_call *c, const struct hv_input *in);
void sim_oracle_forget_told(struct sim *s);                       /* a new core knows nothing */
void sim_oracle_forget_attempts(struct sim *s, const char *name); /* they need no back-off any more */
bool sim_call_in_flight(const struct sim *s);                     /* looks, too */
bool sim_effect_in_flight(const struct sim *s, const char *name); /* NULL: any at all */

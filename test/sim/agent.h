/* agent.h - the shell around the core: what pkg/agent is in production.
 *
 * Model    Takes inputs to the core, asks it for a plan, hands the actions to the driver, keeps the deadline. It
 * remembers the last revision that became active, as the real agent keeps it on disk; a crash loses everything
 * else.
 */
#pragma once

#include "reconcile/core.h"
#include "sim/workload.h"

struct sim;

/* How many revisions the agent keeps (node.history.revisions). */
#define SIM_N_KEPT 10

/* How much later than its input a plan may come. */
#define SIM_PLAN_LATE_US (2 * HV_USEC_PER_SEC)

enum sim_word { SIM_WORD_NONE, SIM_WORD_RETAIN, SIM_WORD_DELETE };

struct sim_agent {
        struct hv_core *core;         /* NULL while it is down */
        uint64_t core_number;         /* counts starts */
        uint64_t plan_number;         /* a deadline of an older plan is void */
        bool plan_due;                /* a late plan is on its way */
        uint64_t deadline_us;         /* HV_TIME_NEVER: the core waits for a completion */
        struct hv_desired *last_good; /* owned */
        const struct hv_desired
                *kept[SIM_N_KEPT]; /* that were in force, newest first, as the real one keeps them */
        unsigned n_kept;
        enum sim_word words[SIM_N_VOLUMES], last_words[SIM_N_VOLUMES];
        unsigned n_plans_at_once; /* at one instant, without an input */
        uint64_t n_rounds;        /* plans that handed out actions */
        uint64_t n_notes;
        int last_answer; /* to the last input */
};

struct sim_agent *sim_agent_new(struct sim *s);
void sim_agent_done(struct sim_agent *a);

void sim_agent_start(struct sim *s);
void sim_agent_crash(struct sim *s, uint64_t down_us);          /* and starts again */
void sim_agent_input(struct sim *s, const struct hv_input *in); /* lost while the agent is down */
void sim_agent_offer(struct sim *s);                            /* the source changed */
void sim_agent_plan(struct sim *s);

/* What was last said of a volume's data: as far as this agent can know, and in truth. */
enum sim_word sim_agent_word(const struct sim *s, const char *volume);
enum sim_word sim_agent_last_word(const struct sim *s, const char *volume);

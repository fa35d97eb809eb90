/* desk.h - where tasks are handed in: people and programs that submit, stop, run again and forget them, and the machine.
 *
 * Model    A request reaches the core or, while the agent is down, nobody. Whoever asks twice gets the same answer. What
 * the core accepts it must have said so only after the ledger had it (I3).
 */
#pragma once

#include "reconcile/core.h"

struct sim;
struct sim_known;

struct sim_desk {
        struct hv_room machine;
        uint64_t wall_offset_us; /* of the wall clock, which people set */
        bool wants_tasks;        /* some histories have none */
        unsigned n_stopped;
};

struct sim_desk *sim_desk_new(struct sim *s);
uint64_t sim_wall_us(const struct sim *s);

void sim_desk_agent_starts(struct sim *s); /* the clock and the machine, told to a new core */

void sim_desk_submit(struct sim *s);
void sim_desk_stop(struct sim *s);
void sim_desk_ask_again(struct sim *s); /* runs something anew, or has it forgotten */
/* Several that run for long and fit beside each other, no two of them as important; the machine is big enough for all. */
void sim_desk_submit_crowd(struct sim *s);
/* Whoever runs takes more of the disk than it asked for. False: it does not run, or nobody is told. */
bool sim_desk_fill(struct sim *s, const struct sim_known *k);
void sim_desk_fill_any(struct sim *s);
void sim_desk_set_machine(struct sim *s);
void sim_desk_set_clock(struct sim *s);
void sim_desk_move_clock(struct sim *s, int64_t by_us);

/* Who asks at this instant; the texts are literals. */
struct hv_order sim_desk_order(const struct sim *s);
int sim_desk_ask(struct sim *s, enum hv_input_type type, const char *id, struct hv_task *task);

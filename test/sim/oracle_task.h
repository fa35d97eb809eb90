/* oracle_task.h - what the core says of tasks, against what the ledger and the engine hold; see oracle.h for the rest.
 *
 *      I3    nobody is told of a promise, a stop or an end that is not durable
 *      I8    what runs has the limits that were booked
 *      I9    the fixed point of tasks: each promise has ended, or runs without an end, or waits for what is not there;
 *            no container of what has ended is left, and nothing else is booked
 */
#pragma once

#include "reconcile/core.h"

struct sim;

void sim_oracle_tasks_after_plan(struct sim *s, const struct hv_effects *e);
void sim_oracle_before_errand(struct sim *s, const struct hv_action *a); /* an action that is a task's own */

/* True when there is nothing left to do for tasks; else *ret_why says what differs. */
bool sim_tasks_are_settled(struct sim *s, const char **ret_why);
/* How long all that is live may take once nothing goes wrong any more. */
uint64_t sim_tasks_bound_us(const struct sim *s);
bool sim_has_live_tasks(const struct sim *s);

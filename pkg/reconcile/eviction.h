/* reconcile/eviction.h - the node itself stops an attempt: because the machine runs short, or for what became of the attempt.
 *
 *      decided --TASK_EVICTING--> durable --STOP--> ended --TASK_END--> nodeError, diskLimit
 *         '--> given up: what it was for is over, or something else ends the attempt first
 *
 * Model    What is left of an attempt that was stopped is the exit code of the stop, whatever it was stopped for. So the reason stands in
 *          the ledger before the engine is asked: an agent that dies in between finds it there, goes on with the stop, and blames
 *          whom it would have blamed. Until then a decision counts for nothing: an end that comes first is judged as if nobody had
 *          meant to stop it, a timeout or somebody's stop goes first, and nothing is stopped while the ledger cannot be written.
 * Cost     one record for each eviction; none for whoever ends by himself.
 * Not      evictions: a stop that somebody asks for (TASK_STOPPING, a record of its own) and a timeout (task_advance.c).
 * New one  a word in enum hv_eviction (task.h), its row in eviction.c, and hv_task_evict().
 */
#pragma once

#include "reconcile/task_state.h"

/* An attempt that runs, and that nothing is about to end. (A decision for another reason that is not durable counts as nothing
 * about to end it; hv_task_evict() lets it stand.) */
bool hv_task_may_be_evicted(const struct task *t);

/* Decides that the attempt is stopped for `why`; `text`: a sentence without an end, for people. Does nothing when that may not be,
 * or another reason was decided on before. */
void hv_task_evict(struct task *t, enum hv_eviction why, const char *text);

/* Its record is not durable and not on its way: it is not evicted after all. */
void hv_task_give_up_eviction(struct task *t);

/* Decided on, whether durable or not; NONE once it is given up. */
bool hv_task_is_being_evicted(const struct task *t, enum hv_eviction why);

/* Its record is not there yet, and has to be before anything is done. */
bool hv_task_eviction_is_due(const struct task *t);

/* It is durable: by this process (`is_recalled` false) or by one before it, of which nobody knows whether it asked for the stop. */
void hv_task_eviction_recorded(struct hv_core *c, struct task *t, uint64_t wall_us, bool is_recalled);

const char *hv_eviction_why(enum hv_eviction why); /* for the action that stops it: "the node runs short" */

/* It ended, and the eviction is what ended it: the end of the attempt. */
void hv_task_over_by_eviction(struct hv_core *c, struct task *t);

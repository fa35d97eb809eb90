/* pool.h - a pool that assigns tasks to the simulated node: what it is owed, and what is handed back to it.
 *
 * Model    In one history in four some of what is handed in is the pool's. What ended is owed to it until it has it. Now and then the
 *          node is drained for a while: whoever drains asks the core, again and again, to hand back what it says can be handed back,
 *          as the agent does; a core that dies has to be asked again.
 *
 *      H1    what is handed back was asked for, is the pool's, has no begin in the ledger and never had a container that was started; what
 *            is to be handed back is neither admitted nor begun, unless somebody has started it by hand
 *
 *          That nothing of it begins after its end, is I3; that nothing starts without a begin, is I1.
 */
#pragma once

#include "reconcile/core.h"

struct sim;
struct sim_promise;

struct sim_pool {
        bool wanted;
        bool is_drained;
};

struct sim_pool *sim_pool_new(struct sim *s);
/* Whose task the next one is that is handed in. */
enum hv_task_source sim_pool_source(struct sim *s);
void sim_pool_changes(struct sim *s); /* it takes what it is owed, or the node is drained, or not any more */
void sim_pool_ends(struct sim *s);

void sim_pool_ended(struct sim *s, const struct sim_promise *p, const struct hv_task_end *e);
void sim_pool_admitted(struct sim *s, const char *id); /* by the present core */
void sim_pool_begun(struct sim *s, const char *id);

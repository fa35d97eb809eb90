/* errand.h - performs a task's own actions: the ledger's writes, and the work on workspaces and results.
 *
 * Model    As driver.h for the engine, of which it borrows the calls; but what is done here is done in the agent's own
 * process. So the faults are others: the power goes right before or right after an effect (faults 2 and 1), the disk says
 * no (4), says no and yes (5: a flush that failed, of which the record may be found after the next power cut; half a
 * workspace), an input is wrong (10), all of it is slow (11); the disk is full for a while. What was under way when the
 * agent died is done or not, in the order in which it was asked for.
 */
#pragma once

#include "sim/driver.h"

void sim_errand_issue(struct sim *s, struct sim_call *c);
void sim_errand_agent_died(struct sim *s);
void sim_errand_calm(struct sim *s); /* what takes long is done soon */

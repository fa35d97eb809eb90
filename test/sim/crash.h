/* crash.h - the agent dies at one given point of a history: before or after its n-th effect.
 *
 * Model    An effect is a write of the ledger, work on a workspace, or something done at the engine. In a run that is to
 * die at point n, side s, the agent dies right before (nothing of it took place) or right after it (it took place and
 * nobody will know). Without such an order the points are only counted.
 */
#pragma once

#include "reconcile/action.h"

struct sim;

enum sim_crash_side {
        SIM_CRASH_BEFORE, /* the effect is lost */
        SIM_CRASH_AFTER,  /* the effect is there, its reply is lost */
        SIM_CRASH_LATE, /* an effect at the engine takes place after the agent's next start; else as BEFORE */
        SIM_N_CRASH_SIDES
};

/* True: the agent has just died here. Call it with BEFORE and, when that is false, with AFTER once the effect is there. */
bool sim_crash_point(struct sim *s, enum sim_crash_side side, const struct hv_action *a);

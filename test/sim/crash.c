/* crash.c - see crash.h. */
#include "sim/crash.h"

#include "sim/agent.h"
#include "sim/sim.h"

bool sim_crash_point(struct sim *s, enum sim_crash_side side, const struct hv_action *a) {
        const struct sim_config *config = s->config;

        if (side == SIM_CRASH_BEFORE && !s->calm)
                s->n_crash_points++;
        for (unsigned i = 0; i < HV_ARRAY_SIZE(config->crashes); i++) {
                const bool before = config->crashes[i].side != SIM_CRASH_AFTER;

                if (s->calm || config->crashes[i].point != s->n_crash_points ||
                    before != (side == SIM_CRASH_BEFORE) || !s->agent->core)
                        continue;
                sim_trace(s, "CRASH POINT %u: the agent dies %s %s %s", s->n_crash_points,
                          before ? "before" : "after", hv_action_name(a->type), a->name);
                sim_agent_crash(s, HV_USEC_PER_SEC);
                return true;
        }
        return false;
}

/* builder.c - see builder.h. */
#include "sim/builder.h"

#include <inttypes.h>

#include "sim/agent.h"
#include "sim/sim.h"
#include "sim/truth.h"

static void begin(struct sim *s, void *arg) {
        struct sim_call *c = arg;
        const char *name = hv_task_builder(c->action.task_id, c->action.attempt, s->arena);
        struct sim_container *k;

        if (c->worked || !s->truth->engine_up || sim_container_find(s, name))
                return;
        k = sim_container_add(s, name, SIM_OWNER_NODE);
        k->kind = HV_KIND_NONE;
        k->is_builder = true;
        k->object = hv_arena_strdup(s->arena, c->action.task_id);
        k->replica = c->action.attempt;
        k->digest = "packages";
        k->image = c->action.task->unit.image;
        sim_container_made(s, k);
        sim_container_run(s, k);
        c->builder_id = k->id;
}

void sim_builder_issue(struct sim *s, struct sim_call *c, uint64_t span_us) {
        const char *name = hv_task_builder(c->action.task_id, c->action.attempt, s->arena);
        const struct sim_container *k = sim_container_find(s, name);

        if (k && k->owner == SIM_OWNER_NODE && k->known_tick >= k->tick)
                sim_fail(s, "I13", "packages are to be installed, and the core was told that %s is there",
                         name);
        sim_after(s, span_us / 2, begin, c);
}

bool sim_builder_end(struct sim *s, struct sim_call *c) {
        struct sim_container *k = c->builder_id ? sim_container_by_id(s, c->builder_id) : NULL;

        if (!k || !k->exists || !s->truth->engine_up || k->state != HV_CONTAINER_RUNNING || k->run != 1)
                return false;
        sim_container_end(s, k, 0, false);
        return true;
}

void sim_builder_judge_removal(struct sim *s, const struct hv_action *a) {
        const struct sim_container *k = sim_container_by_id(s, a->target);

        for (size_t i = 0; k && k->is_builder && i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];

                if (!c->done && c->core == s->agent->core_number &&
                    c->action.type == HV_ACTION_TASK_PACKAGES && hv_streq(c->builder_id, k->id))
                        sim_fail(s, "I12", "%s %s while it installs packages", hv_action_name(a->type),
                                 k->name);
        }
}

const char *sim_builder_left(struct sim *s) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && k->is_builder && k->owner == SIM_OWNER_NODE)
                        return k->name;
        }
        return NULL;
}

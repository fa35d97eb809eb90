/* pool.c - see pool.h. */
#include "sim/pool.h"

#include "sim/agent.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/truth.h"

#define LOOK_US (2 * HV_USEC_PER_SEC)

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_POOL, permille);
}

struct sim_pool *sim_pool_new(struct sim *s) {
        s->pool = HV_ARENA_NEW(s->arena, struct sim_pool);
        s->pool->wanted = !s->config->scenario && chance(s, 250);
        return s->pool;
}

enum hv_task_source sim_pool_source(struct sim *s) {
        return s->pool->wanted && chance(s, 600) ? HV_TASK_FROM_POOL : HV_TASK_FROM_API;
}

/* ---- what is handed back ---- */

static void ask(struct sim *s, const char *id) {
        struct sim_promise *p = sim_ledger_find(s, id);

        if (!p)
                return;
        p->back_asked_of = s->agent->core_number;
        sim_trace(s, "DESK wants %s handed back", p->id);
        sim_agent_input(
                s, &(struct hv_input){ .type = HV_INPUT_TASK_HAND_BACK, .text = p->id, .message = "ana" });
}

static void hand_back(struct sim *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        uint64_t core = s->agent->core_number;
        const struct hv_task_status *t;
        size_t n;

        if (!s->agent->core)
                return;
        t = hv_core_live_tasks(s->agent->core, s->now_us, arena, &n);
        for (size_t i = 0; i < n && s->agent->core && s->agent->core_number == core; i++)
                if (t[i].can_be_handed_back)
                        ask(s, t[i].id);
}

static void drained_is_looked_at(struct sim *s, void *arg) {
        (void) arg;
        if (!s->pool->is_drained)
                return;
        hand_back(s);
        sim_after(s, LOOK_US, drained_is_looked_at, NULL);
}

/* ---- what happens ---- */

static void deliver(struct sim *s) {
        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                struct sim_promise *p = s->ledger->promises.v[i];

                if (!p->is_owed || p->forgotten)
                        continue;
                p->is_owed = false;
                sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_TASK_DELIVERED, .text = p->id });
        }
}

void sim_pool_changes(struct sim *s) {
        if (chance(s, 400)) {
                deliver(s);
                return;
        }
        s->pool->is_drained = !s->pool->is_drained;
        sim_trace(s, "ORDER %sdrained", s->pool->is_drained ? "" : "not ");
        drained_is_looked_at(s, NULL);
}

void sim_pool_ends(struct sim *s) {
        s->pool->is_drained = false;
        deliver(s);
}

/* ---- what is judged ---- */

void sim_pool_ended(struct sim *s, const struct sim_promise *p, const struct hv_task_end *e) {
        const char *why = NULL;

        if (e->cause != HV_CAUSE_HANDED_BACK)
                return;
        if (p->task->source != HV_TASK_FROM_POOL)
                why = "it is not the pool's";
        else if (!p->back_asked_of)
                why = "nobody asked for it";
        else if (e->attempt || !e->final || p->attempts.n)
                why = "it was begun";
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->kind == HV_KIND_TASK && k->was_started_by_hivelet && hv_streq(k->object, p->id))
                        why = "a container of it was started";
        }
        if (why)
                sim_fail(s, "H1", "%s is handed back to its pool: %s", p->id, why);
}

/* What was begun cannot go back any more, whoever asked for it. */
static bool is_to_go_back(struct sim *s, const char *id) {
        const struct sim_promise *p = sim_ledger_find(s, id);

        return p && !p->ended && !p->attempts.n && p->back_asked_of == s->agent->core_number;
}

void sim_pool_admitted(struct sim *s, const char *id) {
        if (is_to_go_back(s, id))
                sim_fail(s, "H1", "%s is admitted, and was to be handed back", id);
}

/* Somebody may have started it before it was asked for, and the core, whose engine was away, learns of it only afterwards. Given to
 * another node it would run twice. What is gone counts until the core was told so. */
static bool was_started_by_hand(const struct sim *s, const char *id) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->kind == HV_KIND_TASK && k->owner == SIM_OWNER_NODE && hv_streq(k->object, id) &&
                    !k->is_builder && !k->was_started_by_hivelet && k->state != HV_CONTAINER_CREATED &&
                    (k->exists || k->known_tick < k->tick))
                        return true;
        }
        return false;
}

void sim_pool_begun(struct sim *s, const char *id) {
        if (is_to_go_back(s, id) && !was_started_by_hand(s, id))
                sim_fail(s, "H1", "%s is begun, and was to be handed back", id);
}

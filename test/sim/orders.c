/* orders.c - see orders.h. */
#include "sim/orders.h"

#include "sim/agent.h"
#include "sim/driver.h"
#include "sim/expect.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/workload.h"

#define MAX_RESTARTS 64u

struct sim_orders {
        struct hv_order cordon, hold;
        struct hv_service_orders services[SIM_N_SERVICES];
        struct hv_restart_order restarts[MAX_RESTARTS]; /* of all of them, those that are over too */
        size_t n_restarts;
};

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_ORDERS, bound);
}

struct sim_orders *sim_orders_new(struct sim *s) {
        struct sim_orders *o = HV_ARENA_NEW(s->arena, struct sim_orders);

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                o->services[i].name = sim_service_name(i);
        return o;
}

static void tell(struct sim *s) {
        const struct sim_orders *o = s->orders;
        const struct hv_orders all = { o->cordon,   o->hold,      o->services, HV_ARRAY_SIZE(o->services),
                                       o->restarts, o->n_restarts };

        if (s->agent->core && s->faults.enabled & UINT64_C(1) << SIM_FAULT_ORDERS)
                sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &all });
}

void sim_orders_agent_starts(struct sim *s) {
        tell(s);
}

/* ---- people ---- */

static void toggle(struct sim *s, struct hv_order *o, const char *word, const char *name) {
        *o = (struct hv_order){ .by = o->by ? NULL : "ana", .since_wall_us = 1 };
        sim_trace(s, "ORDER %s%s %s", o->by ? "" : "not ", word, name);
}

/* As the agent does: of what the core shows. */
static void restart(struct sim *s, const char *service, bool now) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct sim_orders *o = s->orders;
        struct hv_status st;

        if (!s->agent->core)
                return;
        hv_core_status(s->agent->core, s->now_us, arena, &st);
        for (size_t i = 0; i < st.n_unit_status && o->n_restarts < MAX_RESTARTS; i++) {
                const struct hv_unit_status *u = &st.units[i];

                if (u->kind == HV_KIND_SERVICE && u->wanted_digest && u->id && u->started_wall_us &&
                    hv_streq(u->object, service))
                        o->restarts[o->n_restarts++] =
                                (struct hv_restart_order){ hv_arena_strdup(s->arena, u->id),
                                                           u->started_wall_us, now };
        }
        sim_trace(s, "ORDER restart %s%s", service, now ? " now" : "");
}

void sim_orders_change(struct sim *s) {
        struct sim_orders *o = s->orders;
        struct hv_service_orders *service = &o->services[below(s, SIM_N_SERVICES)];

        switch (below(s, 8)) {
        case 0:
        case 1:
                toggle(s, &o->cordon, "cordon", "");
                break;
        case 2:
                toggle(s, &o->hold, "hold", "");
                break;
        case 3:
                toggle(s, &service->hold, "hold", service->name);
                break;
        case 4:
                toggle(s, &service->stop, "stop", service->name);
                break;
        case 5:
                toggle(s, &service->pause, "pause", service->name);
                break;
        default:
                restart(s, service->name, below(s, 3) == 0);
        }
        tell(s);
}

void sim_orders_end(struct sim *s) {
        struct sim_orders *o = s->orders;

        o->cordon = o->hold = (struct hv_order){};
        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                o->services[i].stop = o->services[i].hold = o->services[i].pause = (struct hv_order){};
        tell(s);
}

/* ---- what holds ---- */

static const struct hv_service_orders *of(const struct sim *s, const char *service) {
        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                if (hv_streq(s->orders->services[i].name, service))
                        return &s->orders->services[i];
        return NULL;
}

bool sim_orders_hold(const struct sim *s, const char *service) {
        const struct hv_service_orders *o = service ? of(s, service) : NULL;

        return s->orders->hold.by || (o && o->hold.by);
}

bool sim_orders_stop(const struct sim *s, const char *service) {
        const struct hv_service_orders *o = of(s, service);

        return o && o->stop.by;
}

bool sim_orders_pause(const struct sim *s, const char *service) {
        const struct hv_service_orders *o = of(s, service);

        return o && o->pause.by;
}

/* Asked for twice it is restarted at once where somebody said so. */
static const struct hv_restart_order *restart_of(const struct sim *s, const struct sim_container *k) {
        const struct hv_restart_order *found = NULL;

        for (size_t i = 0; i < s->orders->n_restarts; i++) {
                const struct hv_restart_order *o = &s->orders->restarts[i];

                if (hv_streq(o->container_id, k->id) && o->started_wall_us == k->started_wall_us &&
                    (!found || o->now))
                        found = o;
        }
        return found;
}

bool sim_orders_restart(const struct sim *s, const struct sim_container *k) {
        return restart_of(s, k) != NULL;
}

bool sim_orders_are_done(const struct sim *s) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; d && i < d->n_units; i++) {
                const struct sim_container *k = sim_container_find(s, d->units[i].container);
                const struct hv_restart_order *o = k ? restart_of(s, k) : NULL;

                if (!o || k->owner != SIM_OWNER_NODE || !sim_container_is_up(k))
                        continue;
                if (!o->now && sim_start_waits_for(s, &d->units[i], k))
                        continue;
                if (hv_streq(k->digest, d->units[i].digest) &&
                    !sim_limits_need_new_container(s, &k->limits, &d->units[i].limits))
                        return false; /* else it is to be made anew, and may wait for that */
        }
        return true;
}

/* ---- what is judged ---- */

void sim_orders_admitted(struct sim *s, const char *task) {
        if (s->orders->cordon.by || s->orders->hold.by)
                sim_fail(s, "O1", "%s is admitted while the node is %s", task,
                         s->orders->cordon.by ? "cordoned" : "held");
}

static bool is_declared(const struct sim *s, const char *container) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, container))
                        return true;
        return false;
}

static bool has_company(const struct sim *s, const struct sim_container *k) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];
                const struct sim_container *other =
                        c->action.target ? sim_container_by_id(s, c->action.target) : NULL;

                if (!c->done && c->core == s->agent->core_number && !hv_action_is_look(c->action.type) &&
                    !hv_action_is_task(c->action.type) && other && other != k && other->kind == k->kind &&
                    is_declared(s, other->name) && hv_streq(other->object, k->object))
                        return true;
        }
        return false;
}

static void judge_stop(struct sim *s, const struct hv_action *a, const struct sim_container *k) {
        const struct hv_restart_order *o;
        const char *lacking;

        if (!hv_streq(a->why, "a restart was asked for"))
                return;
        o = restart_of(s, k);
        if (!o && k->known_detail_tick >= k->detail_tick && k->known_tick >= k->tick)
                sim_fail(s, "O4", "%s is stopped for a restart that nobody asked for", k->name);
        else if (o && !o->now && has_company(s, k))
                sim_fail(s, "O4", "%s is stopped for a restart while another replica is on its way", k->name);
        lacking = o && !o->now ? sim_start_waits_for(s, a->unit, k) : NULL;
        if (lacking)
                sim_fail(s, "O4", "%s is stopped for a restart, and would wait for %s then", k->name,
                         lacking);
}

/* It may be started and stopped, but not go. */
static void judge_pause(struct sim *s, const struct hv_action *a, const struct sim_container *k) {
        if (!sim_orders_pause(s, a->unit->object) || k->owner != SIM_OWNER_NODE ||
            hv_streq(k->digest, a->unit->digest))
                return;
        if (a->type == HV_ACTION_STOP && !sim_orders_stop(s, a->unit->object) && !restart_of(s, k))
                sim_fail(s, "O5", "%s is stopped to be made anew while its roll-out is paused", k->name);
        if (a->type == HV_ACTION_REMOVE && k->state != HV_CONTAINER_DEAD && k->state != HV_CONTAINER_REMOVING)
                sim_fail(s, "O5", "%s is removed to be made anew while its roll-out is paused", k->name);
}

void sim_orders_judge_action(struct sim *s, const struct hv_action *a) {
        const struct sim_container *k = a->target ? sim_container_by_id(s, a->target) : NULL;
        bool on_item = a->type >= HV_ACTION_NETWORK_CREATE && a->type <= HV_ACTION_VOLUME_REMOVE &&
                       a->type != HV_ACTION_NETWORK_CONNECT && a->type != HV_ACTION_NETWORK_DISCONNECT;
        const char *service = a->unit && a->unit->kind == HV_KIND_SERVICE   ? a->unit->object
                              : !a->unit && k && k->kind == HV_KIND_SERVICE ? k->object
                                                                            : NULL;

        if (a->type == HV_ACTION_PULL || hv_action_is_task(a->type))
                return;
        if (on_item && sim_orders_hold(s, NULL))
                sim_fail(s, "O2", "%s %s while the node is held", hv_action_name(a->type), a->name);
        if (on_item || !service)
                return;
        if (sim_orders_hold(s, service))
                sim_fail(s, "O2", "%s %s while it is held", hv_action_name(a->type), a->name);
        if (a->unit && sim_orders_stop(s, service) && a->type != HV_ACTION_STOP &&
            a->type != HV_ACTION_UNPAUSE)
                sim_fail(s, "O3", "%s %s while it is stopped by hand", hv_action_name(a->type), a->name);
        if (k && a->type == HV_ACTION_STOP)
                judge_stop(s, a, k);
        if (k && a->unit)
                judge_pause(s, a, k);
}

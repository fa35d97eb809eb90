/* reconcile/orders.c - see orders.h. */
#include "reconcile/orders.h"

#include "reconcile/mutant.h"
#include "reconcile/state.h"

/* ---- the value ---- */

static struct hv_order copy(const struct hv_order *o, struct hv_arena *a) {
        return (struct hv_order){ hv_arena_strdup(a, o->by), hv_arena_strdup(a, o->reason),
                                  o->since_wall_us };
}

struct hv_orders hv_orders_copy(const struct hv_orders *o, struct hv_arena *a) {
        struct hv_service_orders *services = HV_ARENA_NEW_N(a, struct hv_service_orders, o->n_services);
        struct hv_restart_order *restarts = HV_ARENA_NEW_N(a, struct hv_restart_order, o->n_restarts);

        for (size_t i = 0; i < o->n_services; i++)
                services[i] = (struct hv_service_orders){ hv_arena_strdup(a, o->services[i].name),
                                                          copy(&o->services[i].stop, a),
                                                          copy(&o->services[i].hold, a),
                                                          copy(&o->services[i].pause, a) };
        for (size_t i = 0; i < o->n_restarts; i++) {
                restarts[i] = o->restarts[i];
                restarts[i].container_id = hv_arena_strdup(a, o->restarts[i].container_id);
        }
        return (struct hv_orders){ copy(&o->cordon, a), copy(&o->hold, a), services,
                                   o->n_services,       restarts,          o->n_restarts };
}

const struct hv_service_orders *hv_orders_of(const struct hv_orders *o, const char *service) {
        for (size_t i = 0; i < o->n_services; i++)
                if (hv_streq(o->services[i].name, service))
                        return &o->services[i];
        return NULL;
}

const char *hv_orders_closed_text(const struct hv_orders *o, struct hv_arena *a) {
        const struct hv_order *order = o->cordon.by ? &o->cordon : &o->hold;

        if (!order->by)
                return NULL;
        return hv_arena_printf(a, "the node is %s by %s%s%s", o->cordon.by ? "cordoned" : "held", order->by,
                               order->reason ? ": " : "", order->reason ? order->reason : "");
}

/* ---- in the core ---- */

void hv_orders_input(struct hv_core *c, const struct hv_orders *orders) {
        struct hv_arena *arena = hv_arena_new();
        const char *text;

        c->seq++;
        c->orders = hv_orders_copy(orders, arena);
        text = hv_orders_closed_text(&c->orders, arena);
        c->orders_closed_text = text;
        hv_arena_free(c->orders_arena);
        c->orders_arena = arena;
}

void hv_orders_like(struct hv_core *c, const struct hv_core *other) {
        struct hv_orders orders = other->orders;

        orders.n_restarts = 0; /* one under way is no difference */
        hv_orders_input(c, &orders);
}

void hv_orders_end(struct hv_core *c) {
        c->orders_arena = hv_arena_free(c->orders_arena);
}

const struct hv_order *hv_order_to_hold(const struct hv_core *c, const struct slot *s) {
        const struct hv_service_orders *o;
        const char *object = s->want ? s->want->object : s->have ? s->have->object : NULL;
        enum hv_kind kind = s->want ? s->want->kind : s->have ? s->have->kind : HV_KIND_NONE;

        if (kind != HV_KIND_SERVICE || HV_MUTANT(HV_MUTANT_HOLD_ACTS))
                return NULL;
        if (c->orders.hold.by)
                return &c->orders.hold;
        o = hv_orders_of(&c->orders, object);
        return o && o->hold.by ? &o->hold : NULL;
}

static const struct hv_service_orders *orders_of_wanted(const struct hv_core *c, const struct slot *s) {
        return s->want && s->want->kind == HV_KIND_SERVICE ? hv_orders_of(&c->orders, s->want->object) : NULL;
}

const struct hv_order *hv_order_to_stop(const struct hv_core *c, const struct slot *s) {
        const struct hv_service_orders *o = orders_of_wanted(c, s);

        return o && o->stop.by && !HV_MUTANT(HV_MUTANT_STOPPED_RUNS) ? &o->stop : NULL;
}

const struct hv_order *hv_order_to_pause(const struct hv_core *c, const struct slot *s) {
        const struct hv_service_orders *o = orders_of_wanted(c, s);

        return o && o->pause.by && !HV_MUTANT(HV_MUTANT_PAUSED_REPLACES) ? &o->pause : NULL;
}

const struct hv_restart_order *hv_order_to_restart(const struct hv_core *c, const struct slot *s) {
        const struct hv_restart_order *found = NULL;
        const struct container *k = s->have;

        if (!k || !k->ours || !k->detailed)
                return NULL;
        for (size_t i = 0; i < c->orders.n_restarts; i++) {
                const struct hv_restart_order *o = &c->orders.restarts[i];

                if (o->started_wall_us == k->started_wall_us && hv_streq(o->container_id, k->id) &&
                    (!found || o->now)) /* who was told to wait may be told not to */
                        found = o;
        }
        return found;
}

bool hv_core_restart_is_over(const struct hv_core *c, const struct hv_restart_order *o) {
        const struct slot *s = hv_map_get(c->ids, o->container_id);

        if (c->engine.state != HV_ENGINE_READY)
                return false;
        if (!s || !s->have)
                return true;
        return !s->doubt && !s->effect && s->have->detailed && s->have->started_wall_us != o->started_wall_us;
}

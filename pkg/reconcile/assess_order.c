/* reconcile/assess_order.c - what a container needs next that people asked for by hand. Pure.
 *
 *      restart    running: stop, when its turn is there; ended: start, whatever its policy and back-off say (assess.c)
 *      stop       running: stop; else nothing
 *      hold       nothing but looks
 */
#include "reconcile/mutant.h"
#include "reconcile/state.h"

const char hv_why_restart[] = "a restart was asked for";

static struct verdict quiet(enum hv_phase phase, enum hv_reason reason) {
        return (struct verdict){ .phase = phase, .reason = reason, .next_us = HV_TIME_NEVER };
}

bool hv_container_is_up(const struct container *k) {
        return k->state == HV_CONTAINER_RUNNING || k->state == HV_CONTAINER_RESTARTING ||
               k->state == HV_CONTAINER_PAUSED;
}

/* Another replica of its service is on its way: this one runs on meanwhile. */
static bool is_sibling_moving(const struct hv_core *c, const struct slot *s) {
        for (size_t i = 0; i < c->active->n_units; i++) {
                const struct hv_unit *u = &c->active->units[i];
                const struct slot *other = u->kind == s->want->kind && hv_streq(u->object, s->want->object)
                                                   ? hv_map_get(c->slots, u->container)
                                                   : NULL;

                if (!other || other == s)
                        continue;
                if (other->effect || (other->doubt && !other->audited) || other->phase == HV_PHASE_STOPPING ||
                    other->phase == HV_PHASE_STARTING || other->phase == HV_PHASE_CREATING)
                        return true;
        }
        return false;
}

struct verdict hv_assess_restart(const struct hv_core *c, const struct slot *s, uint64_t now_us) {
        bool at_once = hv_order_to_restart(c, s)->now;
        struct verdict v;

        if (at_once || !is_sibling_moving(c, s) || HV_MUTANT(HV_MUTANT_RESTARTS_ALL))
                v = hv_clear_away(s, now_us, HV_PHASE_STOPPING, hv_why_restart);
        else
                v = quiet(HV_PHASE_RUNNING, HV_REASON_PENDING);
        v.ready = v.phase == HV_PHASE_RUNNING;
        return v;
}

struct verdict hv_assess_stopped(const struct slot *s, uint64_t now_us) {
        const struct container *k = s->have;
        struct verdict v;

        if (k && k->ours && (hv_container_is_up(k) || k->state == HV_CONTAINER_REMOVING)) {
                v = hv_clear_away(s, now_us, HV_PHASE_STOPPING, "stopped by hand");
                if (v.reason == HV_REASON_PENDING)
                        v.reason = HV_REASON_STOPPED_BY_USER;
                return v;
        }
        v = quiet(HV_PHASE_SUSPENDED, HV_REASON_STOPPED_BY_USER);
        v.in_sync = true;
        return v;
}

/* What becomes of it is looked at all the same: whoever holds it wants to see. */
struct verdict hv_assess_held(const struct slot *s, uint64_t now_us) {
        struct verdict v = s->doubt ? hv_look(s, now_us, HV_PHASE_SUSPENDED)
                                    : quiet(HV_PHASE_SUSPENDED, HV_REASON_SUSPENDED);

        v.reason = HV_REASON_SUSPENDED;
        v.in_sync = !s->doubt || s->audited;
        v.ready = s->want && s->have && s->have->ours && s->have->state == HV_CONTAINER_RUNNING;
        return v;
}

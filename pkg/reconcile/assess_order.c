/* reconcile/assess_order.c - what a container needs next that people asked for by hand. Pure.
 *
 *      restart    running: stop, when its turn is there and all that its next start needs; ended: start, whatever its policy
 *                 and back-off say (assess.c)
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

static struct verdict wait_for(enum hv_reason reason, const char *about, const char *why) {
        struct verdict v = quiet(HV_PHASE_RUNNING, reason);

        v.about = about;
        v.why = why;
        return v;
}

static const char on_its_way[] = "is on its way";

/* NULL: it runs, or nothing is done for it now. */
static const char *how_it_stands(const struct slot *s) {
        if (s->effect || (s->doubt && !s->audited) || s->phase == HV_PHASE_STOPPING ||
            s->phase == HV_PHASE_STARTING || s->phase == HV_PHASE_CREATING)
                return on_its_way;
        return s->failure.reason == HV_REASON_START_FAILED && s->have && !hv_container_is_up(s->have)
                       ? "cannot be started"
                       : NULL;
}

/* Another replica of its service is on its way, or does not come up, as this one might not either: it runs on meanwhile. */
static bool waits_for_sibling(const struct hv_core *c, const struct slot *s, struct verdict *ret) {
        for (size_t i = 0; i < c->active->n_units; i++) {
                const struct hv_unit *u = &c->active->units[i];
                const struct slot *other = u->kind == s->want->kind && hv_streq(u->object, s->want->object)
                                                   ? hv_map_get(c->slots, u->container)
                                                   : NULL;
                const char *how;

                if (!other || other == s)
                        continue;
                how = how_it_stands(other);
                if (!how)
                        continue;
                *ret = wait_for(how == on_its_way ? HV_REASON_PENDING : HV_REASON_WAITING_DEPENDENCY,
                                other->name, how);
                return true;
        }
        return false;
}

/* What comes before a start is done while it still runs; what it has as long as it runs must be there for the next run. */
static bool lacks_something(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                            struct verdict *ret) {
        const struct container *k = s->have;
        const char *missing = NULL;

        if (hv_assess_before_start(c, s, now_us, HV_PHASE_RUNNING, ret))
                return true;
        for (size_t i = 0; i < k->volumes.n; i++) {
                const struct item *o = hv_map_get(c->volumes, k->volumes.v[i]);

                if (o && !o->exists)
                        missing = o->name;
        }
        /* Where its roll-out is paused it may have been made with other ports. */
        for (size_t i = 0; i < s->want->n_ports && !hv_slot_is_paused(c, s); i++) {
                const char *tunnel = s->want->ports[i].tunnel;

                if (tunnel && !hv_tunnel_is_up(c, tunnel, false))
                        missing = tunnel;
        }
        if (missing)
                *ret = wait_for(HV_REASON_WAITING_DEPENDENCY, missing, NULL);
        else if (k->gpus && c->gpus.is_told && (c->gpus.is_silent || c->gpus.withheld))
                *ret = wait_for(HV_REASON_WAITING_GPU, NULL, NULL);
        else
                return false;
        return true;
}

/* Nothing that runs is stopped before all that its next start needs is there, as far as that is known here. Whoever said `now` does
 * not want it to wait. */
bool hv_restart_is_put_off(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                           struct verdict *ret) {
        if (hv_order_to_restart(c, s)->now)
                return false;
        if ((HV_MUTANT(HV_MUTANT_RESTARTS_BLINDLY) || !lacks_something(c, s, now_us, ret)) &&
            (HV_MUTANT(HV_MUTANT_RESTARTS_ALL) || !waits_for_sibling(c, s, ret)))
                return false;
        if (ret->phase == HV_PHASE_PENDING)
                ret->phase = HV_PHASE_RUNNING;
        ret->ready = true;
        return true;
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

/* reconcile/assess_item.c - what a network, a volume or an image needs next. Pure.
 *
 * Networks cannot be changed: one with another digest is emptied (assess.c moves its containers off), removed
 * and made again. Volumes hold data: one with another digest is left alone, and says so.
 */
#include "reconcile/reclaim.h"
#include "reconcile/state.h"

static struct verdict in_place(void) {
        return (struct verdict){
                .phase = HV_PHASE_RUNNING,
                .reason = HV_REASON_SYNCED,
                .in_sync = true,
                .next_us = HV_TIME_NEVER,
        };
}

static struct verdict left_alone(const char *why) {
        struct verdict v = in_place();

        v.reason = HV_REASON_SUSPENDED;
        v.why = why;
        return v;
}

static struct verdict not_yet(enum hv_phase phase, enum hv_reason reason) {
        return (struct verdict){ .phase = phase, .reason = reason, .next_us = HV_TIME_NEVER };
}

static struct verdict due(const struct failure *f, uint64_t now_us, enum hv_phase phase,
                          enum hv_action_type action, const char *why) {
        struct verdict v = not_yet(phase, f->reason != HV_REASON_SYNCED ? f->reason : HV_REASON_PENDING);
        uint64_t next_us = HV_TIME_NEVER;

        v.action = action;
        v.why = why;
        v.act = hv_backoff_is_over(&f->backoff, now_us, &next_us);
        v.next_us = next_us;
        return v;
}

static const char *wanted_digest(const struct item *o) {
        return o->network ? o->network->digest : o->volume ? o->volume->digest : NULL;
}

/* A stranger of that name serves as well: the documented network "hivemind", which an older worker may have
 * made. */
static bool is_stand_in(const struct item *o) {
        return o->exists && !o->ours && o->network && o->network->use_foreign &&
               hv_streq(o->driver, o->network->driver);
}

static bool is_alive(const struct container *k) {
        return k->state == HV_CONTAINER_RUNNING || k->state == HV_CONTAINER_PAUSED ||
               k->state == HV_CONTAINER_RESTARTING;
}

/* Who is held by hand stays on his network as it is: it cannot be made anew until he is let go, and serves everybody until then. */
static bool is_held(const struct hv_core *c, const struct item *o) {
        const struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (o->kind == HV_KIND_NETWORK && s->have && is_alive(s->have) && hv_order_to_hold(c, s) &&
                    hv_container_endpoint(s->have, o->name))
                        return true;
        return false;
}

bool hv_item_is_usable(const struct hv_core *c, const struct item *o) {
        if (!o->exists || o->doubt || o->effect)
                return false;
        if (!o->network && !o->volume)
                return true;
        return is_stand_in(o) ||
               (o->ours && (o->volume || hv_streq(o->digest, wanted_digest(o)) || is_held(c, o)));
}

/* A doubt is not enough: nobody is moved off a network because of an event. */
bool hv_item_is_outdated(const struct hv_core *c, const struct item *o) {
        const char *digest = wanted_digest(o);

        return o->exists && o->ours && !o->doubt && digest && !hv_streq(o->digest, digest) && !is_held(c, o);
}

/* Somebody of ours still hangs on it: on a network while he runs, on a volume until he is removed. (One that ended, and
 * that its policy leaves so, would hold up a network for ever; before it starts again it is put on the new one. A paused
 * one is started as it is.) */
static bool is_in_use(const struct hv_core *c, const struct item *o) {
        const struct slot *s;
        size_t it = 0;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s)) {
                if (!s->have)
                        continue;
                if (o->kind == HV_KIND_NETWORK && (is_alive(s->have) || hv_slot_is_paused(c, s)) &&
                    hv_container_endpoint(s->have, o->name))
                        return true;
                for (size_t i = 0; o->kind == HV_KIND_VOLUME && i < s->have->volumes.n; i++)
                        if (hv_streq(s->have->volumes.v[i], o->name))
                                return true;
        }
        return false;
}

static struct verdict remove_when_free(const struct hv_core *c, const struct item *o, uint64_t now_us,
                                       const char *why) {
        if (is_in_use(c, o))
                return not_yet(HV_PHASE_STOPPING, HV_REASON_PENDING);
        return due(&o->failure, now_us, HV_PHASE_STOPPING,
                   o->kind == HV_KIND_NETWORK ? HV_ACTION_NETWORK_REMOVE : HV_ACTION_VOLUME_REMOVE, why);
}

static struct verdict kept(const struct item *o) {
        struct verdict v = in_place();

        v.why = o->label_delete
                        ? "kept with its data: no declaration that is known here says reclaim: delete last (its "
                          "label does, and is that of the first one)"
                        : "kept with its data: no declaration that is known here says reclaim: delete last";
        return v;
}

struct verdict hv_assess_item(const struct hv_core *c, const struct item *o, uint64_t now_us) {
        const char *digest = wanted_digest(o);

        if (o->effect || o->doubt)
                return not_yet(HV_PHASE_PENDING, HV_REASON_PENDING);
        if (c->orders.hold.by)
                return left_alone("the node is held by hand");
        if (!digest) {
                if (!o->ours)
                        return in_place();
                if (o->kind == HV_KIND_VOLUME && !hv_reclaim_is_delete(c, o))
                        return kept(o);
                return remove_when_free(c, o, now_us, "not wanted any more");
        }
        if (!o->exists)
                return due(&o->failure, now_us, HV_PHASE_CREATING,
                           o->kind == HV_KIND_NETWORK ? HV_ACTION_NETWORK_CREATE : HV_ACTION_VOLUME_CREATE,
                           "missing");
        if (!o->ours)
                return is_stand_in(o) ? in_place() : not_yet(HV_PHASE_PENDING, HV_REASON_NAME_CONFLICT);
        if (hv_streq(o->digest, digest))
                return in_place();
        if (o->kind == HV_KIND_VOLUME)
                return not_yet(HV_PHASE_PENDING, HV_REASON_CONFLICT);
        if (is_held(c, o))
                return left_alone("a service on it is held by hand: it is made anew after hivectl release");
        return remove_when_free(c, o, now_us, "spec changed");
}

/* in_sync: the image is there as its pull policy asks. i may be NULL: never heard of it. */
struct verdict hv_assess_image(const struct hv_core *c, const struct image *i, const struct hv_unit *u,
                               uint64_t needs_pull, uint64_t now_us) {
        static const struct failure none;
        const struct failure *f = i ? &i->failure : &none;
        struct verdict v;

        (void) c;
        if (i && i->effect)
                return not_yet(HV_PHASE_PULLING, HV_REASON_PULLING);
        if (i && i->look)
                return not_yet(HV_PHASE_PENDING, HV_REASON_PENDING);
        if (u->pull_policy == HV_PULL_ALWAYS) {
                if (i && needs_pull && i->pulled > needs_pull)
                        return in_place();
                v = due(f, now_us, HV_PHASE_PULLING, HV_ACTION_PULL, "pullPolicy is always");
        } else if (!i || i->state == IMAGE_UNKNOWN) {
                v = due(f, now_us, HV_PHASE_PENDING, HV_ACTION_INSPECT_IMAGE, "is the image there?");
        } else if (i->state == IMAGE_PRESENT) {
                return in_place();
        } else if (u->pull_policy == HV_PULL_NEVER) {
                return not_yet(HV_PHASE_FAILED, HV_REASON_IMAGE_MISSING);
        } else
                v = due(f, now_us, HV_PHASE_PULLING, HV_ACTION_PULL, "missing");
        if (!v.act)
                v.phase = HV_PHASE_BACK_OFF;
        return v;
}

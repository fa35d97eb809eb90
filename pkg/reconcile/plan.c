/* reconcile/plan.c - one pass over everything: verdicts become actions as far as the budget goes.
 *
 *      1. the engine: reach it, list it; until it was listed completely nothing else happens
 *      2. looks at what is in doubt
 *      3. what is on its way out (frees names, ports and memory), networks, volumes
 *      4. what is wanted, in the order of its keys
 */
#include <stdio.h>

#include "base/duration.h"
#include "reconcile/cron_state.h"
#include "reconcile/mutant.h"
#include "reconcile/pass.h"
#include "reconcile/task_state.h"

void hv_pass_hand_out(struct pass *p, struct flight *f) {
        p->c->changed |= !f->is_routine;
        p->out->actions = hv_realloc(p->out->actions, (p->out->n_actions + 1) * sizeof *p->out->actions);
        p->out->actions[p->out->n_actions++] = &f->action;
}

void hv_pass_not_later_than(struct pass *p, uint64_t when_us) {
        p->out->deadline_us = HV_MIN(p->out->deadline_us, when_us);
}

static bool has_room(const struct pass *p, enum hv_action_type type) {
        if (type == HV_ACTION_PULL)
                return p->c->n_pulls < p->max_pulls;
        if (hv_action_is_look(type))
                return p->c->n_looks < HV_MAX_LOOKS;
        return p->c->n_effects < p->max_effects;
}

/* ---- engine ---- */

static void list(struct pass *p, unsigned parts, const char *why) {
        struct engine *e = &p->c->engine;
        struct flight *f = hv_flight_new(p->c, HV_ACTION_LIST, "engine", "engine", why);

        f->action.parts = parts;
        f->is_routine = e->list_is_routine;
        e->list = f;
        e->look_parts &= ~parts;
        hv_pass_hand_out(p, f);
}

static void arm_resync(struct pass *p) {
        struct hv_core *c = p->c;
        const struct hv_settings *s = &(c->active ? c->active : c->parked)->settings;
        uint64_t spread_us = s->resync_us / 100 * s->jitter_percent;

        c->engine.resync_at_us =
                p->now_us + s->resync_us - spread_us + hv_rng_below(&c->rng, 2 * spread_us + 1);
}

/* Only what there is to know is asked for: a node without networks of its own pays for no list of networks.
 * But every tenth time for everything: a create whose answer was lost may have had its effect after nobody
 * wanted it any more. */
static unsigned resync_parts(struct hv_core *c) {
        if (++c->engine.n_resyncs % 10 == 0)
                return HV_LOOK_ALL;
        return HV_LOOK_CONTAINERS | (hv_map_size(c->networks) ? HV_LOOK_NETWORKS : 0) |
               (hv_map_size(c->volumes) ? HV_LOOK_VOLUMES : 0);
}

static void plan_engine(struct pass *p) {
        struct hv_core *c = p->c;
        struct engine *e = &c->engine;
        bool routine = false;

        if (e->state < HV_ENGINE_LOOKING) {
                if (e->connect || !hv_backoff_is_over(&e->retry, p->now_us, &p->out->deadline_us))
                        return;
                e->connect = hv_flight_new(c, HV_ACTION_CONNECT, "engine", "engine", "not connected");
                hv_pass_hand_out(p, e->connect);
                return;
        }
        if (e->list)
                return;
        if (e->state == HV_ENGINE_READY && (c->active || c->parked)) {
                if (e->resync_at_us == 0)
                        arm_resync(p);
                if (e->resync_at_us <= p->now_us) {
                        routine = !e->look_parts;
                        e->look_parts |= resync_parts(c);
                        e->audit_due = true;
                        arm_resync(p);
                }
                p->look_at_us = e->resync_at_us;
        }
        if (!e->look_parts || !hv_backoff_is_over(&e->list_retry, p->now_us, &p->out->deadline_us))
                return;
        e->list_is_routine = routine;
        list(p, e->look_parts, e->state == HV_ENGINE_READY ? "look again" : "first look");
}

/* ---- images ---- */

static struct flight *plan_image(struct pass *p, struct slot *s, const struct verdict *v) {
        struct hv_core *c = p->c;
        struct image *i = hv_image_get(c, s->want->image);
        char key[600];
        struct flight *f;

        if (v->action == HV_ACTION_PULL && s->want->pull_policy == HV_PULL_ALWAYS && !s->needs_pull)
                s->needs_pull = ++c->seq;
        if (i->effect || i->look || !has_room(p, v->action))
                return NULL;
        (void) snprintf(key, sizeof key, "image/%s", i->ref);
        f = hv_flight_new(c, v->action, key, i->ref, v->why);
        f->image = i;
        f->action.image = f->image->ref;
        f->action.pull_policy = s->want->pull_policy;
        if (v->action == HV_ACTION_PULL)
                i->effect = f;
        else
                i->look = f;
        hv_pass_hand_out(p, f);
        return f;
}

/* ---- containers ---- */

static struct flight *plan_look(struct pass *p, struct slot *s, const struct verdict *v) {
        struct flight *f;

        if (!has_room(p, HV_ACTION_INSPECT))
                return NULL;
        f = hv_flight_new(p->c, HV_ACTION_INSPECT, s->want ? s->want->key : s->name, s->name, v->why);
        f->slot = s;
        f->is_routine = s->audited && !s->task;
        f->action.target = s->name;
        s->look = f;
        hv_pass_hand_out(p, f);
        return f;
}

/* An effect is under way on this very container, begun when it went by another name. */
static bool is_busy(const struct hv_core *c, const struct container *k) {
        for (size_t i = 0; i < c->flights.n; i++) {
                const struct hv_action *a = &c->flights.v[i]->action;

                if (!hv_action_is_look(a->type) && hv_streq(a->target, k->id))
                        return true;
        }
        return false;
}

static struct flight *plan_effect(struct pass *p, struct slot *s, const struct verdict *v) {
        struct flight *f;

        if (!has_room(p, v->action) ||
            (s->have && is_busy(p->c, s->have) && !HV_MUTANT(HV_MUTANT_TWO_EFFECTS)))
                return NULL;
        f = hv_flight_new(p->c, v->action, s->want ? s->want->key : s->name, s->name, v->why);
        f->slot = s;
        f->action.unit = s->want;
        f->action.target = s->have ? hv_arena_strdup(f->arena, s->have->id) : NULL;
        f->action.endpoint = hv_arena_strdup(f->arena, v->about);
        if (s->want) {
                f->action.image = s->want->image;
                f->action.limits = hv_caps_limits(p->c, s->want);
                f->action.gpus = s->want->n_gpus ? hv_arena_strdup(f->arena, s->gpus) : NULL;
                f->action.node_has_gpus = p->c->gpus.is_told && (!p->c->gpus.is_known || p->c->gpus.v.n > 0);
                f->action.stop_signal = s->want->stop_signal;
                f->action.stop_grace_us = s->want->stop_grace_us;
        }
        s->effect = f;
        if (s->have && v->action == HV_ACTION_START)
                s->have->started_wall_us = 0; /* that of the run before says nothing about this one */
        s->event_dropped = false;
        s->conflict_told = false;
        hv_pass_hand_out(p, f);
        return f;
}

struct flight *hv_pass_act(struct pass *p, struct slot *s, const struct verdict *v, bool looks) {
        if (v->action == HV_ACTION_INSPECT)
                return looks ? plan_look(p, s, v) : NULL;
        if (v->action == HV_ACTION_PULL || v->action == HV_ACTION_INSPECT_IMAGE)
                return plan_image(p, s, v);
        return plan_effect(p, s, v);
}

static void tell_conflict(struct pass *p, struct slot *s) {
        if (s->conflict_told)
                return;
        s->conflict_told = true;
        hv_note_slot(p->c, s, HV_NOTE_NAME_CONFLICT, HV_REASON_NAME_CONFLICT,
                     "a container named %s exists that is not hivelet's; it is left alone, and %s waits",
                     s->name, s->want->object);
}

static void tell_wait(struct pass *p, struct slot *s, const struct verdict *v) {
        char span[HV_DURATION_SIZE];
        uint64_t wait_us, unit_us;

        if (s->doubt)
                return; /* while it is looked at, nothing is known of a wait or of its end */
        /* What comes in between (it waits for another, it is suspended) does not make another wait of it. */
        if (v->phase == HV_PHASE_BACK_OFF && s->phase != v->phase && v->next_us != s->back_off_told_us) {
                s->back_off_told_us = v->next_us;
                /* To the second, or the millisecond below one: it is for people. */
                wait_us = v->next_us - p->now_us;
                unit_us = wait_us >= HV_USEC_PER_SEC ? HV_USEC_PER_SEC : HV_USEC_PER_MSEC;
                hv_duration_format((wait_us + unit_us - 1) / unit_us * unit_us, span);
                hv_note_slot(p->c, s, HV_NOTE_BACK_OFF, v->reason, "the next try is in %s (%s)", span,
                             hv_reason_name(v->reason));
        }
        if (v->reason != HV_REASON_WAITING_DEPENDENCY)
                s->wait_told = false;
        else if (!s->wait_told && s->want) {
                s->wait_told = true;
                hv_note_slot(p->c, s, HV_NOTE_WAITING, v->reason, "waits for %s", v->about);
        }
}

void hv_pass_note_phase(struct pass *p, struct slot *s, const struct verdict *v) {
        if (v->in_sync && s->failure.reason != HV_REASON_SYNCED && s->want) {
                hv_failure_reset(&s->failure);
                p->c->changed = true;
        }
        tell_wait(p, s, v);
        if (s->phase != v->phase || s->phase_since_us == 0) {
                s->phase = v->phase;
                s->phase_since_us = HV_MAX(p->now_us, 1u);
                p->c->changed = true;
        }
        if (v->reason == HV_REASON_NAME_CONFLICT && s->have && !s->have->ours && s->want)
                tell_conflict(p, s);
}

static void plan_slot(struct pass *p, struct slot *s, bool looks) {
        struct verdict v = hv_assess_slot(p->c, s, p->now_us);

        if (!v.in_sync || s->effect || (s->look && !s->audited))
                p->settled = false;
        if (s->audited && !v.in_sync)
                p->c->changed = true; /* of what is not in sync it shows that it is looked at */
        hv_pass_note_phase(p, s, &v);
        hv_pass_not_later_than(p, v.next_us);
        if (v.act)
                (void) hv_pass_act(p, s, &v, looks);
}

/* ---- networks and volumes ---- */

/* Who waits to be restarted is judged by how its siblings are, so those come first: with a phase of the pass before, the next
 * pass would decide otherwise. */
static void plan_units(struct pass *p) {
        const struct hv_desired *d = p->c->active;

        for (int restarts = 0; restarts <= 1; restarts++)
                for (size_t i = 0; i < d->n_units; i++) {
                        struct slot *s = hv_map_get(p->c->slots, d->units[i].container);

                        if ((hv_order_to_restart(p->c, s) != NULL) == restarts)
                                plan_slot(p, s, true);
                }
}

static void plan_item(struct pass *p, struct item *o) {
        struct verdict v = hv_assess_item(p->c, o, p->now_us);
        char key[300];
        struct flight *f;

        if (!v.in_sync)
                p->settled = false;
        else if (o->failure.reason != HV_REASON_SYNCED) {
                hv_failure_reset(&o->failure);
                p->c->changed = true;
        }
        hv_pass_not_later_than(p, v.next_us);
        if ((v.reason == HV_REASON_NAME_CONFLICT || v.reason == HV_REASON_CONFLICT) && !o->conflict_told) {
                o->conflict_told = true;
                hv_note(p->c, v.reason == HV_REASON_CONFLICT ? HV_NOTE_CONFLICT : HV_NOTE_NAME_CONFLICT,
                        v.reason, o->kind, o->name, NULL,
                        v.reason == HV_REASON_CONFLICT
                                ? "its driver or options changed; its data is kept, so it is not replaced"
                                : "one of that name exists that is not hivelet's; it is left alone");
        } else if (v.in_sync)
                o->conflict_told = false;
        if (!v.act || !has_room(p, v.action))
                return;
        (void) snprintf(key, sizeof key, "%s/%s", hv_kind_label(o->kind), o->name);
        f = hv_flight_new(p->c, v.action, key, o->name, v.why);
        f->item = o;
        if (v.action == HV_ACTION_NETWORK_CREATE)
                f->action.network = o->network;
        else if (v.action == HV_ACTION_VOLUME_CREATE)
                f->action.volume = o->volume;
        else
                f->action.target = hv_arena_strdup(f->arena, o->id);
        o->effect = f;
        hv_pass_hand_out(p, f);
}

static void plan_items(struct pass *p, struct hv_map *items) {
        struct item *o;
        const char *name;
        size_t it = 0;

        while (hv_map_next(items, &it, &name, (void **) &o)) {
                if (!o->exists && !o->network && !o->volume && !o->effect && !o->doubt)
                        (void) hv_map_remove(items, name);
                else
                        plan_item(p, o);
        }
}

/* ---- the pass ---- */

static void plan_orphans(struct pass *p) {
        struct slot *s;
        const char *name;
        size_t it = 0;

        while (hv_map_next(p->c->slots, &it, &name, (void **) &s)) {
                if (s->want)
                        continue;
                if (s->effect || s->look || s->doubt || (s->have && s->have->ours))
                        plan_slot(p, s, true);
                else {
                        hv_slot_set_have(p->c, s, NULL);
                        (void) hv_map_remove(p->c->slots, name);
                }
        }
}

/* While the guard holds the only revision nothing is done, but what it counts is kept true. */
static void plan_looks(struct pass *p) {
        struct slot *s;
        size_t it = 0;

        while (hv_map_next(p->c->slots, &it, NULL, (void **) &s)) {
                struct verdict v = hv_assess_slot(p->c, s, p->now_us);

                hv_pass_not_later_than(p, v.next_us);
                if (v.act && v.action == HV_ACTION_INSPECT)
                        plan_look(p, s, &v);
        }
}

static void tell_synced(struct pass *p) {
        struct hv_core *c = p->c;
        bool looking = c->engine.look_parts || (c->engine.list && !c->engine.list_is_routine);
        bool synced = p->settled && hv_tunnels_are_in_sync(c) && hv_caps_are_in_sync(c) && !looking &&
                      !c->pending && c->n_effects == 0 && c->n_pulls == 0;

        if (synced && !c->synced)
                hv_note(c, HV_NOTE_SYNCED, HV_REASON_SYNCED, HV_KIND_NODESTATE, NULL, NULL,
                        "everything is as revision %.8s wants it", c->active->revision);
        if (!synced && c->synced)
                hv_note(c, HV_NOTE_OUT_OF_SYNC, HV_REASON_PENDING, HV_KIND_NODESTATE, NULL, NULL,
                        "something is not as revision %.8s wants it", c->active->revision);
        if (!synced && (c->synced || c->out_of_sync_since_us == 0))
                c->out_of_sync_since_us = HV_MAX(p->now_us, 1u);
        c->synced = synced;
        if (synced)
                c->out_of_sync_since_us = 0;
}

static bool wants_engine(const struct hv_core *c) {
        const struct hv_desired *d = c->pending ? c->pending : c->active;

        return !d || d->settings.docker_enabled;
}

/* While nothing is planned for units, no deadline says when time decides otherwise about one. */
static bool may_change_by_itself(const struct hv_core *c, uint64_t now_us) {
        return now_us >= c->due_us || c->pending || (wants_engine(c) && c->engine.state != HV_ENGINE_READY);
}

void hv_core_plan(struct hv_core *c, uint64_t now_us, struct hv_effects *ret) {
        struct pass p = {
                .c = c, .out = ret, .now_us = now_us, .settled = true, .look_at_us = HV_TIME_NEVER
        };

        *ret = (struct hv_effects){ .deadline_us = HV_TIME_NEVER };
        c->changed |= may_change_by_itself(c, now_us);
        hv_pass_advance_tasks(&p);  /* the guard counts those that are not over */
        hv_guard_decide(c, now_us); /* the revision says how often to resync */
        hv_pass_advance_tasks(&p);
        if (wants_engine(c))
                plan_engine(&p);
        if (c->active) {
                p.max_effects = hv_caps_are_known(c) ? c->active->settings.workers : 0;
                p.max_pulls = c->active->settings.parallel_pulls;
        }
        if (c->active && !c->active->settings.docker_enabled)
                tell_synced(&p);
        else if (c->active &&
                 (c->engine.state == HV_ENGINE_READY || HV_MUTANT(HV_MUTANT_STALE_LOOK_UNLOCKS))) {
                hv_pass_caps(&p);
                hv_pass_gpus(&p);
                plan_orphans(&p);
                plan_items(&p, c->networks);
                plan_items(&p, c->volumes);
                plan_units(&p);
                hv_pass_tasks(&p);
                tell_synced(&p);
        } else {
                hv_pass_tasks(&p); /* promises need no engine */
                if ((c->parked || c->pending) && !c->active && c->engine.state == HV_ENGINE_READY)
                        plan_looks(&p);
                c->synced = false;
                c->out_of_sync_since_us =
                        c->out_of_sync_since_us ? c->out_of_sync_since_us : HV_MAX(now_us, 1u);
        }
        ret->changed = hv_crons_show_another_time(c, now_us, c->changed);
        c->changed = false;
        c->due_us = ret->deadline_us;
        hv_pass_not_later_than(&p, p.look_at_us);
        ret->notes = c->notes.v;
        ret->n_notes = c->notes.n;
        memset(&c->notes, 0, sizeof c->notes);
}

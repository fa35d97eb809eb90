/* reconcile/observe.c - facts and hints coming in: listings, inspects, events.
 *
 * A listing may be older than what is known (it was asked for before a completion or an event), or staler
 * than the engine's own event stream. So it teaches only about what was never seen before; about the rest it
 * can raise a doubt, which an inspect settles. Networks and volumes have no such trouble: there a fresh
 * listing is taken as it is.
 */
#include "reconcile/mutant.h"
#include "reconcile/state.h"

static void doubt(struct hv_core *c, struct slot *s, bool audited) {
        s->doubt = ++c->seq;
        s->audited = audited;
        s->retry_at_us = 0;
}

void hv_doubt_slot(struct hv_core *c, struct slot *s) {
        doubt(c, s, false);
        c->changed = true;
}

void hv_audit_slot(struct hv_core *c, struct slot *s) {
        doubt(c, s, true);
        c->changed |= s->task != NULL;
}

void hv_doubt_item(struct hv_core *c, struct item *o) {
        o->doubt = ++c->seq;
        c->changed = true;
        c->engine.look_doubt = c->seq;
        c->engine.look_parts |= o->kind == HV_KIND_NETWORK ? HV_LOOK_NETWORKS : HV_LOOK_VOLUMES;
}

/* ---- one container ---- */

static bool is_alive(enum hv_container_state state) {
        return state == HV_CONTAINER_RUNNING || state == HV_CONTAINER_PAUSED ||
               state == HV_CONTAINER_RESTARTING;
}

/* It ran (or might have), now it does not, and nobody here asked for that. */
static void ended_by_itself(struct hv_core *c, struct slot *s, uint64_t now_us) {
        const struct hv_backoff_spec *spec = s->want ? &s->want->backoff : &hv_default_backoff;
        const struct container *k = s->have;
        uint64_t ran_us = s->running_since_us ? now_us - s->running_since_us : 0;

        hv_backoff_exited(&s->restart, spec, now_us, ran_us, k->exit_code == 0);
        s->last_exit_code = k->exit_code;
        s->last_oom_killed = k->oom_killed;
        s->stopped_by_us = false;
        if (s->task || k->is_builder)
                return; /* that is what they are for: a task's end is told when it is recorded */
        hv_note_slot(c, s, HV_NOTE_EXITED, k->oom_killed ? HV_REASON_OOM_KILLED : HV_REASON_EXITED,
                     k->oom_killed ? "ended with exit code %d after it ran out of memory"
                                   : "ended with exit code %d",
                     k->exit_code);
}

/* Compares the new fact with the old one and keeps the slot's history true. */
static void take_over(struct hv_core *c, struct slot *s, uint64_t now_us, struct container *now) {
        bool same = s->have && now && hv_streq(s->have->id, now->id);
        bool ran = same && is_alive(s->have->state);
        bool known = s->touched != 0;

        bool removed_by_us = s->failure.type == HV_ACTION_REMOVE && s->failure.reason != HV_REASON_SYNCED;

        if (s->have && !same && s->have->ours && !removed_by_us)
                hv_note_slot(c, s, HV_NOTE_VANISHED, HV_REASON_PENDING, "was removed by somebody else");
        if (!same) {
                s->stopped_by_us = false;
                s->running_since_us = 0;
                s->conflict_told = false;
        }
        c->changed |= !hv_container_equal(s->have, now) && !HV_MUTANT(HV_MUTANT_FOUND_UNTOLD);
        hv_slot_set_have(c, s, now);
        s->touched = ++c->seq;
        if (!now)
                return;
        if (is_alive(now->state)) {
                if (!ran || s->running_since_us == 0)
                        s->running_since_us = HV_MAX(now_us, 1u);
                s->stopped_by_us = false;
                return;
        }
        /* An end counts once: when it is seen after a run, or with the details the first time it is seen at
         * all. */
        if (now->state == HV_CONTAINER_EXITED && now->detailed && now->ours && !s->stopped_by_us &&
            (ran || !known || s->running_since_us != 0))
                ended_by_itself(c, s, now_us);
        s->running_since_us = 0;
}

void hv_observe_container(struct hv_core *c, uint64_t now_us, struct slot *s, uint64_t issued,
                          const struct hv_seen_container *seen) {
        bool fresh = s->touched <= issued && s->doubt <= issued;

        if (!fresh && !HV_MUTANT(HV_MUTANT_OLD_OVERWRITES_NEW))
                return;
        s->doubt = 0;
        s->audited = false;
        hv_backoff_reset(&s->look_retry);
        if (seen && !hv_streq(seen->name, s->name)) {
                /* Found by an id whose container goes by another name now: this name is free, that one is
                 * not. */
                hv_doubt_slot(c, hv_slot_get(c, seen->name));
                seen = NULL;
        }
        take_over(c, s, now_us, seen ? hv_container_copy(seen) : NULL);
        if (s->endpoints_doubt > issued && s->have && s->have->state != HV_CONTAINER_EXITED &&
            s->have->state != HV_CONTAINER_DEAD)
                hv_doubt_slot(c, s);
        if (seen && seen->state == HV_CONTAINER_REMOVING)
                s->retry_at_us = now_us + HV_USEC_PER_SEC;
}

/* ---- a listing ---- */

static bool same_endpoints(const struct container *k, const struct hv_seen_container *seen) {
        if (k->endpoints.n != seen->n_endpoints)
                return false;
        for (size_t i = 0; i < seen->n_endpoints; i++)
                if (!hv_container_endpoint(k, seen->endpoints[i].network))
                        return false;
        return true;
}

static bool agrees(const struct slot *s, const struct hv_seen_container *seen) {
        const struct container *k = s->have;

        return k && hv_streq(k->id, seen->id) && k->state == seen->state && k->ours == seen->ours &&
               hv_streq(k->digest, seen->digest) && same_endpoints(k, seen);
}

/* Nothing may be concluded about this slot from something that was asked for at `issued`. */
static bool is_newer(const struct slot *s, uint64_t issued) {
        return s->effect || s->touched > issued || s->doubt > issued;
}

/* A stranger matters as soon as a revision wants his name; one that waits for this very listing counts already. */
static bool is_awaited(const struct hv_core *c, enum hv_kind kind, const char *name) {
        const struct hv_desired *d = c->pending;

        if (!d)
                return false;
        if (kind == HV_KIND_NETWORK)
                return hv_desired_network(d, name) != NULL;
        if (kind == HV_KIND_VOLUME)
                return hv_desired_volume(d, name) != NULL;
        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, name))
                        return true;
        return false;
}

static void list_container(struct hv_core *c, uint64_t now_us, uint64_t issued,
                           const struct hv_seen_container *seen, struct hv_map *listed) {
        struct slot *by_id = hv_map_get(c->ids, seen->id), *s;

        if (by_id && !hv_streq(by_id->name, seen->name) && !is_newer(by_id, issued))
                hv_doubt_slot(c, by_id); /* renamed */
        s = hv_map_get(c->slots, seen->name);
        /* Strangers matter only where they hold a name that is wanted: before the first revision that may be any. */
        if (!s && !seen->ours && c->active)
                return;
        s = s ? s : hv_slot_get(c, seen->name);
        hv_map_put(listed, s->name, s);
        if (is_newer(s, issued) || agrees(s, seen))
                return;
        if (s->touched == 0 && !s->doubt) {
                take_over(c, s, now_us, hv_container_copy(seen));
                if (seen->state == HV_CONTAINER_REMOVING)
                        s->retry_at_us = now_us + HV_USEC_PER_SEC;
        } else
                hv_doubt_slot(c, s);
}

static void list_containers(struct hv_core *c, uint64_t now_us, uint64_t issued, const struct hv_listing *l) {
        _hv_cleanup_(hv_map_freep) struct hv_map *listed = hv_map_new(NULL);
        struct slot *s;
        size_t it = 0;

        for (size_t i = 0; i < l->n_containers; i++)
                list_container(c, now_us, issued, &l->containers[i], listed);
        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (s->have && !is_newer(s, issued) && !hv_map_get(listed, s->name))
                        hv_doubt_slot(c, s);
}

static void learn(struct hv_core *c, struct item *o, bool exists, bool ours, const char *id,
                  const char *driver, const char *digest) {
        c->changed |= o->exists != exists ||
                      (exists && (o->ours != ours || !hv_streq(o->id, id) || !hv_streq(o->driver, driver) ||
                                  !hv_streq(o->digest, digest)));
        hv_item_set(o, exists, ours, id, driver, digest);
}

static void forget_unlisted(struct hv_core *c, struct hv_map *items, struct hv_map *listed, uint64_t issued) {
        struct item *o;
        size_t it = 0;

        while (hv_map_next(items, &it, NULL, (void **) &o)) {
                if (o->effect || o->touched > issued || hv_map_get(listed, o->name))
                        continue;
                learn(c, o, false, false, NULL, NULL, NULL);
                o->doubt = o->doubt > issued ? o->doubt : 0;
        }
}

/* NULL when the listing says nothing new about it. */
static struct item *list_item(struct hv_core *c, enum hv_kind kind, const char *name, bool ours,
                              uint64_t issued, struct hv_map *listed) {
        struct item *o = hv_map_get(kind == HV_KIND_NETWORK ? c->networks : c->volumes, name);

        if (!o && !ours && !is_awaited(c, kind, name))
                return NULL;
        o = o ? o : hv_item_get(c, kind, name);
        /* Engines allow two networks of one name: ours is the one that counts. */
        if (hv_map_get(listed, name) && !ours)
                return NULL;
        hv_map_put(listed, name, o);
        if (o->effect || o->touched > issued)
                return NULL;
        o->doubt = o->doubt > issued ? o->doubt : 0;
        return o;
}

static void list_networks(struct hv_core *c, uint64_t issued, const struct hv_listing *l) {
        _hv_cleanup_(hv_map_freep) struct hv_map *listed = hv_map_new(NULL);

        for (size_t i = 0; i < l->n_networks; i++) {
                const struct hv_seen_network *n = &l->networks[i];
                struct item *o = list_item(c, HV_KIND_NETWORK, n->name, n->ours, issued, listed);

                if (o)
                        learn(c, o, true, n->ours, n->id, n->driver, n->digest);
        }
        forget_unlisted(c, c->networks, listed, issued);
}

static void list_volumes(struct hv_core *c, uint64_t issued, const struct hv_listing *l) {
        _hv_cleanup_(hv_map_freep) struct hv_map *listed = hv_map_new(NULL);

        for (size_t i = 0; i < l->n_volumes; i++) {
                const struct hv_seen_volume *v = &l->volumes[i];
                struct item *o = list_item(c, HV_KIND_VOLUME, v->name, v->ours, issued, listed);

                if (!o)
                        continue;
                c->changed |= o->label_delete != v->reclaim_delete;
                o->label_delete = v->reclaim_delete;
                learn(c, o, true, v->ours, v->name, v->driver, v->digest);
        }
        forget_unlisted(c, c->volumes, listed, issued);
}

void hv_observe_listing(struct hv_core *c, uint64_t now_us, uint64_t issued, const struct hv_listing *l) {
        unsigned parts = HV_MUTANT(HV_MUTANT_PARTIAL_IS_FULL) ? (unsigned) HV_LOOK_ALL : l->parts;

        if (parts & HV_LOOK_CONTAINERS)
                list_containers(c, now_us, issued, l);
        if (parts & HV_LOOK_NETWORKS)
                list_networks(c, issued, l);
        if (parts & HV_LOOK_VOLUMES)
                list_volumes(c, issued, l);
}

/* ---- events ---- */

static bool is_one_of(const char *word, const char *const *words) {
        for (; *words; words++)
                if (hv_streq(word, *words))
                        return true;
        return false;
}

/* What an effect in flight makes the engine say. A `die` during a start is not among them: that is news. */
static bool is_expected(const struct flight *f, const char *action) {
        static const char *const created[] = { "create", "init", NULL };
        static const char *const started[] = { "start", "init", NULL };
        static const char *const stopped[] = { "kill", "die", "stop", "cleanup", NULL };
        static const char *const removed[] = { "kill", "die", "stop", "destroy", "remove", "cleanup", NULL };
        static const char *const updated[] = { "update", NULL };
        static const char *const unpaused[] = { "unpause", NULL };

        if (!f)
                return false;
        switch (f->action.type) {
        case HV_ACTION_CREATE:
                return is_one_of(action, created);
        case HV_ACTION_START:
                return is_one_of(action, started);
        case HV_ACTION_STOP:
                return is_one_of(action, stopped);
        case HV_ACTION_REMOVE:
                return is_one_of(action, removed);
        case HV_ACTION_UPDATE:
                return is_one_of(action, updated);
        case HV_ACTION_UNPAUSE:
                return is_one_of(action, unpaused);
        default:
                return false;
        }
}

/* The event only repeats what is known, from a completion that overtook it for example. */
static bool is_known(const struct slot *s, const struct hv_engine_event *e) {
        const struct container *k = s->have;
        bool same = k && hv_streq(k->id, e->id);

        if (hv_streq(e->action, "die"))
                return s->touched != 0 && (!same || k->state == HV_CONTAINER_EXITED);
        if (hv_streq(e->action, "start") || hv_streq(e->action, "unpause"))
                return same && k->state == HV_CONTAINER_RUNNING;
        if (hv_streq(e->action, "pause"))
                return same && k->state == HV_CONTAINER_PAUSED;
        if (hv_streq(e->action, "create"))
                return same;
        if (hv_streq(e->action, "destroy") || hv_streq(e->action, "remove"))
                return s->touched != 0 && !same;
        return false;
}

static void container_event(struct hv_core *c, const struct hv_engine_event *e) {
        static const char *const news[] = { "create", "start",   "die",    "destroy", "remove", "rename",
                                            "pause",  "unpause", "update", "restart", NULL };
        struct slot *s = hv_map_get(c->ids, e->id);

        if (!is_one_of(e->action, news))
                return;
        if (s && e->name && !hv_streq(s->name, e->name)) {
                hv_doubt_slot(c, s); /* renamed, whether this event says so or its own was lost */
                s = NULL;
        }
        if (!s && e->name)
                s = e->ours ? hv_slot_get(c, e->name) : hv_map_get(c->slots, e->name);
        if (!s)
                return;
        /* The reply to a start does not say when; the event does, and spares an inspect. */
        if (hv_streq(e->action, "start") && s->have && hv_streq(s->have->id, e->id) && e->time_us) {
                c->changed |= s->have->started_wall_us != e->time_us;
                s->have->started_wall_us = e->time_us;
        }
        if (is_expected(s->effect, e->action)) {
                s->event_dropped = true;
                return;
        }
        /* While an effect is in flight only what concerns another, older container can be ruled out. While a look is under way
         * nothing can: it may have seen what is not known yet, and what this event has put an end to. */
        if (!s->look && is_known(s, e) && (!s->effect || !s->have || !hv_streq(s->have->id, e->id)))
                return;
        if (HV_MUTANT(HV_MUTANT_EVENT_IS_TRUTH) && hv_streq(e->action, "die") && s->have) {
                s->have->state = HV_CONTAINER_EXITED;
                s->running_since_us = 0;
                return;
        }
        hv_doubt_slot(c, s);
}

/* A container that stops or starts leaves and joins its networks: while it does not run that is no news (a paused one does),
 * and neither is what our own effect makes of it. */
static void attachment_event(struct hv_core *c, const struct hv_engine_event *e) {
        struct slot *s = e->container ? hv_map_get(c->ids, e->container) : NULL;
        const struct container *k = s ? s->have : NULL;
        const struct flight *f = s ? s->effect : NULL;
        bool joined = hv_streq(e->action, "connect");

        /* What is known is no news, unless a look that is under way may have seen something else. */
        if (!k || (!s->look && joined == (e->name && hv_container_endpoint(k, e->name) != NULL)))
                return;
        if (!f ? k->state != HV_CONTAINER_RUNNING && k->state != HV_CONTAINER_PAUSED &&
                            k->state != HV_CONTAINER_CREATED
               : f->action.type == HV_ACTION_STOP || f->action.type == HV_ACTION_REMOVE ||
                            (f->action.endpoint && hv_streq(f->action.endpoint, e->name)))
                return;
        /* An engine takes a container that ended off its networks, and tells after its end: where the look that is under
         * way shows such an end, this is no news. */
        if (s->look && !joined) {
                s->endpoints_doubt = ++c->seq;
                s->audited = false; /* something speaks against what is known */
                c->changed = true;
                return;
        }
        hv_doubt_slot(c, s);
}

static void item_event(struct hv_core *c, enum hv_kind kind, const struct hv_engine_event *e) {
        const char *name = e->name ? e->name : e->id;
        struct item *o = hv_map_get(kind == HV_KIND_NETWORK ? c->networks : c->volumes, name);
        bool made = hv_streq(e->action, "create");
        bool gone = hv_streq(e->action, "destroy") || hv_streq(e->action, "remove");

        if ((!made && !gone) || (!o && !e->ours))
                return;
        o = o ? o : hv_item_get(c, kind, name);
        /* A list that is under way because of a doubt may have seen what this event has put an end to. */
        if (o->effect ||
            (!o->doubt && ((made && o->exists && hv_streq(o->id, e->id)) || (gone && !o->exists))))
                return;
        hv_doubt_item(c, o);
}

/* Images come and go under any of their names: what is missing may be there now, what was there may be gone; a create
 * will tell. The back-off of a pull stays: it is not tried more often because others succeed. */
static void image_event(struct hv_core *c, const struct hv_engine_event *e) {
        bool gone = hv_streq(e->action, "delete") || hv_streq(e->action, "untag");
        struct image *i;
        size_t it = 0;

        while (hv_map_next(c->images, &it, NULL, (void **) &i)) {
                if (i->effect || i->state != (gone ? IMAGE_PRESENT : IMAGE_MISSING))
                        continue;
                i->state = IMAGE_UNKNOWN;
                c->changed = true;
        }
}

void hv_observe_event(struct hv_core *c, const struct hv_engine_event *e) {
        switch (e->type) {
        case HV_EVENT_CONTAINER:
                container_event(c, e);
                break;
        case HV_EVENT_NETWORK:
                if (hv_streq(e->action, "connect") || hv_streq(e->action, "disconnect"))
                        attachment_event(c, e);
                else
                        item_event(c, HV_KIND_NETWORK, e);
                break;
        case HV_EVENT_VOLUME:
                item_event(c, HV_KIND_VOLUME, e);
                break;
        case HV_EVENT_IMAGE:
                image_event(c, e);
                break;
        }
}

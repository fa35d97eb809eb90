/* reconcile/done.c - what the outcome of an action means.
 *
 *      ok            the reply is the observation: the object's facts move on
 *      unreachable   certainly nothing happened; the engine is down
 *      unknown       nobody knows: the object is looked at before anything else
 *      the rest      it failed: reason kept, back-off armed, and a look where the object may have changed
 */
#include "reconcile/cron_state.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

void hv_engine_down(struct hv_core *c, uint64_t now_us, enum hv_engine_state state, const char *message) {
        struct engine *e = &c->engine;
        bool was_up = e->state == HV_ENGINE_READY || e->state == HV_ENGINE_LOOKING;

        hv_set_text(&e->message, message ? message : "the engine does not answer");
        if (was_up || e->state == HV_ENGINE_CONNECTING)
                hv_note(c, HV_NOTE_ENGINE_DOWN,
                        state == HV_ENGINE_UNRESPONSIVE ? HV_REASON_DOCKER_UNRESPONSIVE
                                                        : HV_REASON_DOCKER_DOWN,
                        HV_KIND_NONE, NULL, NULL, "%s", e->message);
        /* After a good while the first try to come back is made at once; an engine that comes and goes is not
         * run after. */
        if (was_up)
                hv_backoff_exited(&e->retry, &hv_connect_backoff, now_us,
                                  e->state == HV_ENGINE_READY ? now_us - e->ready_since_us : 0, false);
        e->state = state;
        e->look_parts = 0;
        c->changed = true;
        hv_task_engine_lost(c);
}

/* ---- looks ---- */

static void connect_done(struct hv_core *c, uint64_t now_us, const struct hv_input *in) {
        struct engine *e = &c->engine;

        e->connect = NULL;
        if (in->outcome != HV_OUTCOME_OK) {
                hv_backoff_failed(&e->retry, &hv_connect_backoff, now_us);
                hv_engine_down(c, now_us,
                               in->outcome == HV_OUTCOME_UNKNOWN ? HV_ENGINE_UNRESPONSIVE : HV_ENGINE_DOWN,
                               in->message);
                return;
        }
        e->state = HV_ENGINE_LOOKING;
        e->no_update = false; /* it may be another version now */
        hv_set_text(&e->message, "");
        e->look_parts = HV_LOOK_ALL;
        e->look_doubt = ++c->seq;
        if (HV_MUTANT(HV_MUTANT_NO_RELIST) && c->observed) {
                e->state = HV_ENGINE_READY;
                e->look_parts = 0;
        }
}

/* Every few resyncs each container's details (limits, restart policy) are read again: a change of those shows
 * in no list, and the event that told of it may have been lost. A tenth at a time keeps the cost even. */
static void audit(struct hv_core *c) {
        size_t n = hv_map_size(c->slots), quota = (n + 9) / 10, at = 0, it = 0;
        size_t begin = n ? c->engine.audit_cursor % n : 0;
        struct slot *s;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s)) {
                size_t behind = (at++ + n - begin) % n;

                if (behind >= quota || !s->have || !s->have->ours || s->effect || s->doubt)
                        continue;
                if (c->engine.list_is_routine)
                        hv_audit_slot(c, s);
                else
                        hv_doubt_slot(c, s);
        }
        c->engine.audit_cursor = begin + quota;
}

/* An image that is missing and cannot be pulled may have come without an event that reached us. */
static void expire_images(struct hv_core *c) {
        struct image *i;
        size_t it = 0;

        while (hv_map_next(c->images, &it, NULL, (void **) &i))
                if (i->state == IMAGE_MISSING && !i->effect && i->failure.reason == HV_REASON_SYNCED) {
                        i->state = IMAGE_UNKNOWN;
                        c->changed = true;
                }
}

static void list_done(struct hv_core *c, uint64_t now_us, const struct flight *f, const struct hv_input *in) {
        static const struct hv_listing nothing = { .parts = HV_LOOK_ALL };
        const struct hv_listing *listing = in->listing;
        enum hv_outcome outcome = in->outcome;
        struct engine *e = &c->engine;

        e->list = NULL;
        if (HV_MUTANT(HV_MUTANT_LIST_ERROR_IS_EMPTY) && outcome == HV_OUTCOME_FAILED) {
                outcome = HV_OUTCOME_OK;
                listing = &nothing;
        }
        if (outcome == HV_OUTCOME_UNREACHABLE || outcome == HV_OUTCOME_UNKNOWN) {
                hv_engine_down(c, now_us,
                               outcome == HV_OUTCOME_UNKNOWN ? HV_ENGINE_UNRESPONSIVE : HV_ENGINE_DOWN,
                               in->message);
                return;
        }
        if (outcome != HV_OUTCOME_OK || !listing) {
                c->changed = true;
                e->look_parts |= f->action.parts;
                hv_backoff_failed(&e->list_retry, &hv_default_backoff, now_us);
                hv_set_text(&e->message,
                            in->message ? in->message : "the engine refused to list its objects");
                return;
        }
        hv_observe_listing(c, now_us, f->issued, listing);
        if (listing->parts & HV_LOOK_CONTAINERS)
                e->listed = f->issued;
        e->look_parts |= f->action.parts & ~listing->parts;
        if (f->action.parts & ~listing->parts) {
                c->changed = true;
                hv_backoff_failed(&e->list_retry, &hv_default_backoff, now_us);
                return;
        }
        hv_backoff_reset(&e->list_retry);
        if (e->audit_due) {
                e->audit_due = false;
                audit(c);
                expire_images(c);
        }
        if (e->state == HV_ENGINE_LOOKING && !(e->look_parts & HV_LOOK_ALL)) {
                e->state = HV_ENGINE_READY;
                e->ready_since_us = now_us;
                e->resync_at_us = 0; /* counted from now */
                hv_set_text(&e->message, "");
                hv_note(c, HV_NOTE_ENGINE_UP, HV_REASON_SYNCED, HV_KIND_NONE, NULL, NULL,
                        "the engine answers and was listed completely");
                c->observed = true;
        }
}

static void inspect_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                         const struct hv_input *in) {
        struct slot *s = f->slot;

        if (f->is_routine && !hv_assess_slot(c, s, now_us).in_sync)
                c->changed = true; /* ... and that it was (plan.c) */
        s->look = NULL;
        switch (in->outcome) {
        case HV_OUTCOME_OK:
                hv_observe_container(c, now_us, s, f->issued, in->container);
                return;
        case HV_OUTCOME_NOT_FOUND:
                hv_observe_container(c, now_us, s, f->issued, NULL);
                return;
        case HV_OUTCOME_UNREACHABLE:
                hv_engine_down(c, now_us, HV_ENGINE_DOWN, in->message);
                return;
        case HV_OUTCOME_UNKNOWN:
                hv_engine_down(c, now_us, HV_ENGINE_UNRESPONSIVE, in->message);
                return;
        default:
                s->audited = false; /* what is known can no longer be confirmed */
                c->changed = true;
                hv_backoff_failed(&s->look_retry, &hv_default_backoff, now_us);
        }
}

static void inspect_image_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                               const struct hv_input *in) {
        struct image *i = f->image;

        i->look = NULL;
        if (in->outcome == HV_OUTCOME_OK || in->outcome == HV_OUTCOME_NOT_FOUND) {
                i->state = in->outcome == HV_OUTCOME_OK ? IMAGE_PRESENT : IMAGE_MISSING;
                if (i->failure.type == f->action.type)
                        hv_failure_reset(&i->failure);
        } else if (in->outcome == HV_OUTCOME_UNREACHABLE)
                hv_engine_down(c, now_us, HV_ENGINE_DOWN, in->message);
        else
                hv_failure_set(&i->failure, &hv_default_backoff, now_us, f->action.type, HV_REASON_PENDING,
                               in->message);
}

/* ---- effects ---- */

static void pull_done(struct hv_core *c, uint64_t now_us, const struct flight *f, const struct hv_input *in) {
        struct image *i = f->image;
        bool ok = in->outcome == HV_OUTCOME_OK || HV_MUTANT(HV_MUTANT_PULL_ERROR_IGNORED);

        i->effect = NULL;
        if (ok) {
                i->state = IMAGE_PRESENT;
                i->pulled = ++c->seq;
                hv_failure_reset(&i->failure);
                hv_note(c, HV_NOTE_PULLED, HV_REASON_SYNCED, HV_KIND_IMAGE, i->ref, NULL, "pulled %s",
                        i->ref);
                return;
        }
        hv_failure_set(&i->failure, &hv_default_backoff, now_us, HV_ACTION_PULL,
                       in->outcome == HV_OUTCOME_DENIED ? HV_REASON_AUTH_FAILED : HV_REASON_PULL_FAILED,
                       in->message);
        hv_note(c, HV_NOTE_FAILED, i->failure.reason, HV_KIND_IMAGE, i->ref, NULL, "cannot pull %s: %s",
                i->ref, i->failure.message);
}

static void item_done(struct hv_core *c, uint64_t now_us, const struct flight *f, const struct hv_input *in) {
        const struct hv_action *a = &f->action;
        bool creates = a->type == HV_ACTION_NETWORK_CREATE || a->type == HV_ACTION_VOLUME_CREATE;
        struct item *o = f->item;

        o->effect = NULL;
        if (in->outcome == HV_OUTCOME_OK || (!creates && in->outcome == HV_OUTCOME_NOT_FOUND)) {
                if (a->network)
                        hv_item_set(o, true, true, in->created_id, a->network->driver, a->network->digest);
                else if (a->volume)
                        hv_item_set(o, true, true, a->volume->name, a->volume->driver, a->volume->digest);
                else
                        hv_item_set(o, false, false, NULL, NULL, NULL);
                o->touched = ++c->seq;
                hv_failure_reset(&o->failure);
                hv_note(c, creates ? HV_NOTE_CREATED : HV_NOTE_REMOVED, HV_REASON_SYNCED, o->kind, o->name,
                        NULL, creates ? "created" : "removed: %s", a->why);
                return;
        }
        hv_doubt_item(c, o);
        hv_failure_set(&o->failure, &hv_default_backoff, now_us, a->type,
                       creates ? HV_REASON_CREATE_FAILED : HV_REASON_REMOVE_FAILED, in->message);
        hv_note(c, HV_NOTE_FAILED, o->failure.reason, o->kind, o->name, NULL, "cannot %s: %s",
                hv_action_name(a->type), o->failure.message);
}

/* A container as it must be right after a create that was answered with its id. */
static struct container *just_created(const struct flight *f, const char *id) {
        const struct hv_unit *u = f->action.unit;
        struct container *k = HV_NEW(struct container);

        k->id = hv_strdup(id);
        k->ours = true;
        k->kind = u->kind;
        k->object = hv_strdup(u->object);
        k->digest = hv_strdup(u->digest);
        k->image = hv_strdup(u->image);
        k->gpus = hv_strdup(f->action.gpus);
        k->tells_gpu_memory = f->action.gpus;
        k->gpu_memory_bytes = f->action.gpus ? u->gpu_memory_bytes : 0;
        k->replica = u->replica;
        k->state = HV_CONTAINER_CREATED;
        k->detailed = true;
        k->limits = f->action.limits;
        if (u->network_mode)
                hv_container_add_endpoint(k, u->network_mode, NULL);
        else if (u->n_networks > 0) /* by name: which network that is shows when it starts */
                hv_container_add_endpoint(k, u->networks[0].name, NULL);
        for (size_t i = 0; i < u->n_mounts; i++)
                if (u->mounts[i].type == HV_MOUNT_VOLUME)
                        hv_vec_push(&k->volumes, hv_strdup(u->mounts[i].source));
        return k;
}

/* The effect is certain: move the facts on, as the reply says they are now. */
static void effect_took_place(struct hv_core *c, uint64_t now_us, const struct flight *f,
                              const struct hv_input *in) {
        const struct hv_action *a = &f->action;
        struct slot *s = f->slot;
        struct container *k = s->have;

        switch (a->type) {
        case HV_ACTION_CREATE:
                hv_slot_set_have(c, s, just_created(f, in->created_id));
                hv_set_text(&s->made_id, in->created_id);
                s->made_limits = a->limits;
                s->needs_pull = 0;
                s->stopped_by_us = false;
                s->running_since_us = 0;
                hv_note_slot(c, s, HV_NOTE_CREATED, HV_REASON_SYNCED, "created: %s", a->why);
                return;
        case HV_ACTION_REMOVE:
                hv_note_slot(c, s, HV_NOTE_REMOVED, HV_REASON_SYNCED, "removed: %s", a->why);
                hv_slot_set_have(c, s, NULL);
                s->conflict_told = false;
                return;
        default:
                break;
        }
        if (!k || !hv_streq(k->id, a->target) || hv_map_get(c->ids, k->id) != s) {
                hv_doubt_slot(c, s); /* the name changed hands meanwhile */
                return;
        }
        switch (a->type) {
        case HV_ACTION_START:
                if (k->state == HV_CONTAINER_EXITED)
                        s->n_restarts++;
                k->state = HV_CONTAINER_RUNNING;
                /* It joined whatever goes by the names of its networks now. */
                for (size_t i = 0; i < k->endpoints.n; i++)
                        hv_set_text(&k->endpoints.v[i].network_id, NULL);
                s->stopped_by_us = false;
                s->running_since_us = HV_MAX(now_us, 1u);
                hv_note_slot(c, s, HV_NOTE_STARTED, HV_REASON_SYNCED, "started: %s", a->why);
                break;
        case HV_ACTION_STOP:
                k->state = HV_CONTAINER_EXITED;
                s->stopped_by_us = true;
                s->running_since_us = 0;
                hv_note_slot(c, s, HV_NOTE_STOPPED, HV_REASON_SYNCED, "stopped: %s", a->why);
                break;
        case HV_ACTION_UNPAUSE:
                k->state = HV_CONTAINER_RUNNING;
                break;
        case HV_ACTION_UPDATE:
                /* Read back what the engine made of it. Should it still show other limits, the next try
                 * waits; a slot that is in sync forgets this. */
                hv_doubt_slot(c, s);
                hv_failure_set(&s->failure, s->want ? &s->want->backoff : &hv_default_backoff, now_us,
                               a->type, HV_REASON_UPDATE_FAILED,
                               "the engine took the change and still shows other limits");
                hv_note_slot(c, s, HV_NOTE_UPDATED, HV_REASON_SYNCED, "limits changed in place");
                break;
        case HV_ACTION_NETWORK_CONNECT:
                hv_container_drop_endpoint(k, a->endpoint);
                hv_container_add_endpoint(k, a->endpoint, NULL);
                break;
        case HV_ACTION_NETWORK_DISCONNECT:
                hv_container_drop_endpoint(k, a->endpoint);
                break;
        default:
                break;
        }
}

static enum hv_reason failure_reason(enum hv_action_type type) {
        switch (type) {
        case HV_ACTION_CREATE:
                return HV_REASON_CREATE_FAILED;
        case HV_ACTION_STOP:
                return HV_REASON_STOP_FAILED;
        case HV_ACTION_REMOVE:
                return HV_REASON_REMOVE_FAILED;
        case HV_ACTION_UPDATE:
                return HV_REASON_UPDATE_FAILED;
        default:
                return HV_REASON_START_FAILED;
        }
}

static bool is_success(const struct hv_action *a, enum hv_outcome outcome) {
        switch (outcome) {
        case HV_OUTCOME_OK:
        case HV_OUTCOME_NOT_MODIFIED: /* started, stopped already */
                return true;
        case HV_OUTCOME_NOT_FOUND:
                return a->type == HV_ACTION_REMOVE;
        default:
                return false;
        }
}

static void effect_failed(struct hv_core *c, uint64_t now_us, const struct flight *f,
                          const struct hv_input *in) {
        const struct hv_action *a = &f->action;
        struct slot *s = f->slot;
        const struct hv_backoff_spec *spec = s->want ? &s->want->backoff : &hv_default_backoff;

        if (a->type == HV_ACTION_CREATE && in->outcome == HV_OUTCOME_NOT_FOUND) {
                struct image *i = hv_image_get(c, a->unit->image);

                s->needs_pull = 0; /* what was pulled for this creation is gone */
                /* The engine's way to say "no such image". Not a failure of the unit yet: a pull comes first.
                 * But an image that was just pulled and is missing again must not be pulled in a circle. */
                if (s->event_dropped)
                        hv_doubt_slot(c, s); /* somebody else made a container of this name meanwhile */
                if (i->state != IMAGE_PRESENT) {
                        i->state = IMAGE_MISSING;
                        return;
                }
                i->state = IMAGE_MISSING;
        } else
                hv_doubt_slot(c, s);
        if (a->type == HV_ACTION_STOP && in->outcome == HV_OUTCOME_NOT_FOUND)
                return;
        hv_failure_set(&s->failure, spec, now_us, a->type, failure_reason(a->type),
                       in->message                         ? in->message
                       : in->outcome == HV_OUTCOME_UNKNOWN ? "the engine's answer was lost"
                                                           : "");
        hv_note_slot(c, s, HV_NOTE_FAILED, s->failure.reason, "cannot %s: %s", hv_action_name(a->type),
                     s->failure.message);
}

static void effect_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                        const struct hv_input *in) {
        struct slot *s = f->slot;
        enum hv_outcome outcome = in->outcome;
        struct hv_input taken_for_ours;

        if (s->effect == f)
                s->effect = NULL;
        if (HV_MUTANT(HV_MUTANT_CONFLICT_IS_SUCCESS) && outcome == HV_OUTCOME_CONFLICT) {
                taken_for_ours = *in;
                taken_for_ours.created_id = f->action.name;
                in = &taken_for_ours;
                outcome = HV_OUTCOME_OK;
        }
        if (is_success(&f->action, outcome) && (f->action.type != HV_ACTION_CREATE || in->created_id)) {
                s->touched = ++c->seq;
                effect_took_place(c, now_us, f, in);
                if (f->action.type != HV_ACTION_UPDATE &&
                    (s->failure.type == f->action.type || f->action.type == HV_ACTION_START))
                        hv_failure_reset(&s->failure);
                return;
        }
        if (f->action.type == HV_ACTION_UPDATE && outcome == HV_OUTCOME_UNSUPPORTED) {
                c->engine.no_update = true; /* nothing happened, and there is another way */
                if (s->event_dropped)
                        hv_doubt_slot(c, s);
                return;
        }
        if (HV_MUTANT(HV_MUTANT_TIMEOUT_IS_FAILURE) && outcome == HV_OUTCOME_UNKNOWN) {
                s->touched = ++c->seq;
                return;
        }
        effect_failed(c, now_us, f, in);
}

static void container_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                           const struct hv_input *in) {
        effect_done(c, now_us, f, in);
        hv_task_container_done(c, now_us, f, in);
}

void hv_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in) {
        switch (f->action.type) {
        case HV_ACTION_CONNECT:
                connect_done(c, now_us, in);
                return;
        case HV_ACTION_LIST:
                list_done(c, now_us, f, in);
                return;
        case HV_ACTION_INSPECT:
                inspect_done(c, now_us, f, in);
                return;
        case HV_ACTION_INSPECT_IMAGE:
                inspect_image_done(c, now_us, f, in);
                return;
        case HV_ACTION_PULL:
                pull_done(c, now_us, f, in);
                break;
        case HV_ACTION_NETWORK_CREATE:
        case HV_ACTION_NETWORK_REMOVE:
        case HV_ACTION_VOLUME_CREATE:
        case HV_ACTION_VOLUME_REMOVE:
                item_done(c, now_us, f, in);
                break;
        case HV_ACTION_CAPS_SET:
                hv_caps_done(c, now_us, f, in);
                return;
        default:
                if (f->cron) {
                        hv_cron_done(c, now_us, f, in);
                        return;
                }
                if (hv_action_is_task(f->action.type)) {
                        hv_task_done(c, now_us, f, in);
                        if (f->action.type != HV_ACTION_TASK_COLLECT)
                                return;
                } else
                        container_done(c, now_us, f, in);
        }
        if (in->outcome == HV_OUTCOME_UNREACHABLE)
                hv_engine_down(c, now_us, HV_ENGINE_DOWN, in->message);
}

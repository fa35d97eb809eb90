/* reconcile/status.c - see status.h: the core's state in words. The verdicts are the planner's own
 * (assess.c), so what is shown is what will be done. */
#include "reconcile/status.h"

#include "base/buf.h"
#include "reconcile/task_state.h"

const char *hv_phase_name(enum hv_phase phase) {
        static const char *const names[HV_N_PHASES] = {
                [HV_PHASE_PENDING] = "Pending",   [HV_PHASE_PULLING] = "Pulling",
                [HV_PHASE_CREATING] = "Creating", [HV_PHASE_STARTING] = "Starting",
                [HV_PHASE_RUNNING] = "Running",   [HV_PHASE_BACK_OFF] = "BackOff",
                [HV_PHASE_STOPPING] = "Stopping", [HV_PHASE_COMPLETED] = "Completed",
                [HV_PHASE_FAILED] = "Failed",     [HV_PHASE_SUSPENDED] = "Suspended",
                [HV_PHASE_ORPHAN] = "Orphan",
        };

        return (size_t) phase < HV_N_PHASES ? names[phase] : "";
}

const char *hv_engine_state_name(enum hv_engine_state state) {
        switch (state) {
        case HV_ENGINE_DOWN:
                return "Down";
        case HV_ENGINE_UNRESPONSIVE:
                return "Unresponsive";
        case HV_ENGINE_CONNECTING:
                return "Connecting";
        case HV_ENGINE_LOOKING:
                return "Looking";
        case HV_ENGINE_READY:
                return "Ready";
        }
        return "";
}

/* ---- sentences ---- */

static const char *failure_text(const struct failure *f, struct hv_arena *a) {
        return hv_arena_printf(a, "cannot %s (try %u): %s", hv_action_name(f->type), f->backoff.n,
                               hv_str_empty(f->message) ? "no reason given" : f->message);
}

static const char *image_text(const struct hv_core *c, const struct slot *s, const struct verdict *v,
                              struct hv_arena *a) {
        const struct image *i = hv_map_get(c->images, s->want->image);

        if (v->reason == HV_REASON_IMAGE_MISSING)
                return hv_arena_printf(a, "image %s is not here, and pullPolicy is never", s->want->image);
        if (i && i->failure.reason != HV_REASON_SYNCED)
                return hv_arena_printf(a, "%s: %s", s->want->image, failure_text(&i->failure, a));
        return hv_arena_printf(a, "pulling %s", s->want->image);
}

static const char *waiting_text(const struct hv_core *c, const struct slot *s, const struct verdict *v,
                                struct hv_arena *a) {
        const struct tunnel *t;

        if (hv_map_get(c->networks, v->about))
                return hv_arena_printf(a, "waits for network %s", v->about);
        if (hv_map_get(c->volumes, v->about))
                return hv_arena_printf(a, "waits for volume %s", v->about);
        t = hv_map_get(c->tunnels, v->about);
        if (t)
                return hv_arena_printf(a, "waits for WireGuard interface %s%s%s", v->about,
                                       hv_str_empty(t->message) ? "" : ": ", t->message ? t->message : "");
        for (size_t i = 0; i < s->want->n_depends_on; i++) {
                const struct hv_dependency *d = &s->want->depends_on[i];

                if (hv_streq(d->name, v->about))
                        return hv_arena_printf(a, "waits for %s %s", hv_kind_label(d->kind), d->name);
        }
        if (hv_streq(v->about, "wireguard"))
                return c->active->n_tunnels
                               ? "waits for an address: a port is bound to WireGuard, and the first interface has none yet"
                               : "waits for an address: a port is bound to WireGuard, and no interface is declared; declare one "
                                 "with keys and peers, or with join, under wireguard";
        return hv_arena_printf(a, "waits for %s to end: it is the same replica under another name", v->about);
}

static const char *conflict_text(const struct slot *s, const struct verdict *v, struct hv_arena *a) {
        if (hv_streq(v->about, s->name))
                return hv_arena_printf(
                        a,
                        "a container named %s exists that is not hivelet's; remove or rename it, or "
                        "set the annotation hivelet/adopt: \"true\"",
                        s->name);
        return hv_arena_printf(a, "%s exists and is not hivelet's", v->about);
}

static const char *order_text(const struct hv_core *c, const struct slot *s, const struct verdict *v,
                              struct hv_arena *a) {
        bool is_stop = v->reason == HV_REASON_STOPPED_BY_USER,
             is_pause = v->reason == HV_REASON_ROLLOUT_PAUSED;
        const struct hv_order *o = is_stop    ? hv_order_to_stop(c, s)
                                   : is_pause ? hv_order_to_pause(c, s)
                                              : hv_order_to_hold(c, s);

        if (!o || (s->want && s->want->suspended))
                return "node.docker.enabled is false";
        return hv_arena_printf(a, "%s by %s%s%s; until hivectl %s",
                               is_stop    ? "stopped"
                               : is_pause ? "made as it was declared before, and paused"
                                          : "held",
                               o->by, o->reason ? ": " : "", o->reason ? o->reason : "",
                               is_stop    ? "start"
                               : is_pause ? "rollout resume"
                                          : "release");
}

static const char *sentence(const struct hv_core *c, const struct slot *s, const struct verdict *v,
                            struct hv_arena *a) {
        switch (v->reason) {
        case HV_REASON_SYNCED:
                return "";
        case HV_REASON_PULLING:
        case HV_REASON_PULL_FAILED:
        case HV_REASON_AUTH_FAILED:
        case HV_REASON_IMAGE_MISSING:
                return image_text(c, s, v, a);
        case HV_REASON_WAITING_DEPENDENCY:
                return s->want ? waiting_text(c, s, v, a) : "";
        case HV_REASON_WAITING_GPU:
                if (c->gpus.withheld)
                        return hv_arena_strdup(a, c->gpus.withheld);
                return c->gpus.message ? hv_arena_printf(a, "waits for GPUs: %s", c->gpus.message)
                                       : hv_arena_printf(a, "waits for %u GPU%s that nobody else holds",
                                                         s->want->n_gpus, s->want->n_gpus == 1 ? "" : "s");
        case HV_REASON_GPU_LOST:
                return s->gpu_fault ? hv_arena_strdup(a, s->gpu_fault) : "";
        case HV_REASON_NAME_CONFLICT:
                return conflict_text(s, v, a);
        case HV_REASON_EXITED:
                return hv_arena_printf(a, "ended with exit code %d; its restart policy leaves it so",
                                       s->have->exit_code);
        case HV_REASON_OOM_KILLED:
                return "ran out of memory and was killed";
        case HV_REASON_BACK_OFF:
                return hv_arena_printf(a, "ended with exit code %d, %u restarts so far", s->last_exit_code,
                                       s->n_restarts);
        case HV_REASON_SUSPENDED:
        case HV_REASON_STOPPED_BY_USER:
        case HV_REASON_ROLLOUT_PAUSED:
                return order_text(c, s, v, a);
        case HV_REASON_NOT_WANTED:
                return "not in the desired state any more";
        default:
                break;
        }
        if (s->failure.reason != HV_REASON_SYNCED && s->failure.reason == v->reason)
                return failure_text(&s->failure, a);
        if (v->reason == HV_REASON_UPDATE_FAILED)
                return "it has other limits than the ones that are wanted, and this engine changes none in place";
        if (s->effect)
                return hv_arena_printf(a, "%s: %s", hv_action_name(s->effect->action.type),
                                       s->effect->action.why);
        if ((s->doubt || s->look) && !s->audited)
                return "being looked at";
        return v->act ? hv_arena_printf(a, "%s is next: %s", hv_action_name(v->action), v->why) : "";
}

/* It runs on until then. */
static const char *put_off_text(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                                struct hv_arena *a) {
        struct verdict v;
        bool is_sibling;

        if (!hv_restart_is_put_off(c, s, now_us, &v))
                return "";
        is_sibling = !v.act && v.why &&
                     (v.reason == HV_REASON_PENDING || v.reason == HV_REASON_WAITING_DEPENDENCY);
        return hv_arena_printf(a, "its restart is put off: %s",
                               is_sibling ? hv_arena_printf(a, "%s %s", v.about, v.why)
                                          : sentence(c, s, &v, a));
}

/* ---- parts ---- */

static const char *next_action(const struct slot *s, const struct verdict *v) {
        if (s->effect)
                return hv_action_name(s->effect->action.type);
        if (s->audited && v->in_sync)
                return NULL; /* a look of the routine is not shown, nor that it waits for its turn */
        if (v->act || v->next_us != HV_TIME_NEVER)
                return v->action == HV_ACTION_CONNECT ? "start" : hv_action_name(v->action);
        return NULL;
}

static void slot_status(const struct hv_core *c, const struct slot *s, uint64_t now_us, struct hv_arena *a,
                        struct hv_unit_status *u) {
        struct verdict v = hv_assess_slot(c, s, now_us);
        const struct container *k = s->have;

        *u = (struct hv_unit_status){
                .kind = s->want ? s->want->kind
                        : k     ? k->kind
                                : HV_KIND_NONE,
                .object = hv_arena_strdup(a, s->want          ? s->want->object
                                             : k && k->object ? k->object
                                                              : s->name),
                .key = hv_arena_strdup(a, s->want ? s->want->key : s->name),
                .container = hv_arena_strdup(a, s->name),
                .replica = s->want ? s->want->replica
                           : k     ? k->replica
                                   : 0,
                .phase = v.phase,
                .in_sync = v.in_sync,
                .ready = v.ready,
                .reason = v.reason,
                .message = v.puts_off_restart ? put_off_text(c, s, now_us, a) : sentence(c, s, &v, a),
                .next_action = next_action(s, &v),
                .next_us = v.next_us == HV_TIME_NEVER ? 0 : v.next_us,
                .since_us = s->phase_since_us,
                .n_restarts = s->n_restarts,
                .id = k ? hv_arena_strdup(a, k->id) : NULL,
                .image = hv_arena_strdup(a, s->want ? s->want->image
                                            : k     ? k->image
                                                    : NULL),
                .digest = k ? hv_arena_strdup(a, k->digest) : NULL,
                .wanted_digest = s->want ? hv_arena_strdup(a, s->want->digest) : NULL,
                .exit_code = s->last_exit_code,
                .oom_killed = s->last_oom_killed,
                .started_wall_us = k ? k->started_wall_us : 0,
                .gpus = hv_arena_strdup(a, hv_slot_gpus(s)),
        };
        if (c->engine.state == HV_ENGINE_READY || v.phase == HV_PHASE_SUSPENDED)
                return;
        /* Without the engine nothing is certain, and nothing will be done until it is back. */
        u->in_sync = u->ready = false;
        u->reason = c->engine.state == HV_ENGINE_UNRESPONSIVE ? HV_REASON_DOCKER_UNRESPONSIVE
                    : c->engine.state == HV_ENGINE_DOWN       ? HV_REASON_DOCKER_DOWN
                                                              : HV_REASON_WAITING_ENGINE;
        u->message = "the engine must answer first; what runs goes on running";
        u->next_action = NULL;
        u->next_us = 0;
}

/* Before the first revision is active its units are shown as what they are: waiting. */
static void pending_status(const struct hv_core *c, const struct hv_unit *u, struct hv_arena *a,
                           struct hv_unit_status *ret) {
        *ret = (struct hv_unit_status){
                .kind = u->kind,
                .object = hv_arena_strdup(a, u->object),
                .key = hv_arena_strdup(a, u->key),
                .container = hv_arena_strdup(a, u->container),
                .replica = u->replica,
                .phase = HV_PHASE_PENDING,
                .reason = c->engine.state == HV_ENGINE_DOWN           ? HV_REASON_DOCKER_DOWN
                          : c->engine.state == HV_ENGINE_UNRESPONSIVE ? HV_REASON_DOCKER_UNRESPONSIVE
                                                                      : HV_REASON_WAITING_ENGINE,
                .message = "the engine must be seen completely first",
                .image = hv_arena_strdup(a, u->image),
                .wanted_digest = hv_arena_strdup(a, u->digest),
                .exit_code = -1,
        };
}

static int by_key(const void *a, const void *b) {
        const struct hv_unit_status *x = a, *y = b;

        return strcmp(x->key, y->key);
}

/* Who installs packages belongs to a task; what is left of him is cleared away, and is no unit of anybody. */
static bool is_orphan(const struct slot *s) {
        return !s->want && s->have && s->have->ours && !s->have->is_builder;
}

static void all_units(const struct hv_core *c, uint64_t now_us, struct hv_arena *a, struct hv_status *ret) {
        const struct hv_desired *d = c->active ? c->active : c->pending;
        size_t n = d ? d->n_units : 0, n_orphans = 0, at = 0, it = 0;
        struct hv_unit_status *units;
        const struct slot *s;

        while (hv_map_next(c->slots, &it, NULL, (void **) &s))
                n_orphans += c->active && is_orphan(s);
        units = HV_ARENA_NEW_N(a, struct hv_unit_status, n + n_orphans);
        for (; at < n; at++) {
                if (c->active)
                        slot_status(c, hv_map_get(c->slots, d->units[at].container), now_us, a, &units[at]);
                else
                        pending_status(c, &d->units[at], a, &units[at]);
                ret->n_units_in_sync += units[at].in_sync;
                ret->n_pulling += units[at].phase == HV_PHASE_PULLING;
                ret->n_back_off += units[at].phase == HV_PHASE_BACK_OFF;
        }
        it = 0;
        while (n_orphans && hv_map_next(c->slots, &it, NULL, (void **) &s))
                if (is_orphan(s))
                        slot_status(c, s, now_us, a, &units[at++]);
        qsort(units + n, n_orphans, sizeof *units, by_key);
        ret->units = units;
        ret->n_units = (unsigned) n;
        ret->n_orphans = (unsigned) n_orphans;
        ret->n_unit_status = n + n_orphans;
}

static const char *item_sentence(const struct item *o, const struct verdict *v, struct hv_arena *a) {
        if (v->reason == HV_REASON_NAME_CONFLICT)
                return hv_arena_printf(a, "a %s named %s exists that is not hivelet's; it is left alone",
                                       hv_kind_label(o->kind), o->name);
        if (v->reason == HV_REASON_SUSPENDED)
                return v->why;
        if (v->reason == HV_REASON_CONFLICT)
                return "its driver or options changed; its data is kept, so it is not replaced";
        if (o->failure.reason != HV_REASON_SYNCED)
                return failure_text(&o->failure, a);
        if (v->in_sync && o->exists && !o->ours && o->network)
                return "not hivelet's; used as it is, never changed";
        return v->why ? v->why : "";
}

static const char *tunnel_sentence(const struct tunnel *t, bool in_sync, struct hv_arena *a) {
        if (!hv_str_empty(t->message))
                return hv_arena_strdup(a, t->message);
        if (in_sync)
                return "";
        return t->want ? "is being made as it is wanted" : "not in the desired state any more";
}

static size_t tunnels_status(const struct hv_core *c, struct hv_arena *a, struct hv_object_status *ret) {
        const struct tunnel *t;
        size_t it = 0, n = 0;

        while (hv_map_next(c->tunnels, &it, NULL, (void **) &t)) {
                bool in_sync = hv_tunnel_is_up(c, t->name, false);

                ret[n++] = (struct hv_object_status){
                        .kind = HV_KIND_WIREGUARD,
                        .name = hv_arena_strdup(a, t->name),
                        .in_sync = in_sync,
                        .exists = t->state == HV_TUNNEL_OURS || t->state == HV_TUNNEL_FOREIGN,
                        .foreign = t->state == HV_TUNNEL_FOREIGN,
                        .wanted = t->want != NULL,
                        .reason = t->reason != HV_REASON_SYNCED ? t->reason
                                  : in_sync                     ? HV_REASON_SYNCED
                                  : t->want                     ? HV_REASON_PENDING
                                                                : HV_REASON_NOT_WANTED,
                        .message = tunnel_sentence(t, in_sync, a),
                };
        }
        return n;
}

static int by_kind_and_name(const void *a, const void *b) {
        const struct hv_object_status *x = a, *y = b;

        return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static size_t items_status(const struct hv_core *c, struct hv_map *items, uint64_t now_us, struct hv_arena *a,
                           struct hv_object_status *ret) {
        struct item *o;
        size_t it = 0, n = 0;

        while (hv_map_next(items, &it, NULL, (void **) &o)) {
                struct verdict v = hv_assess_item(c, o, now_us);
                bool wanted = o->network || o->volume;

                if (!wanted && !o->ours)
                        continue;
                ret[n++] = (struct hv_object_status){
                        .kind = o->kind,
                        .name = hv_arena_strdup(a, o->name),
                        .id = hv_arena_strdup(a, o->id),
                        .in_sync = v.in_sync && c->engine.state == HV_ENGINE_READY,
                        .exists = o->exists,
                        .foreign = o->exists && !o->ours,
                        .wanted = wanted,
                        .reason = v.reason,
                        .message = item_sentence(o, &v, a),
                };
        }
        return n;
}

void hv_core_status(const struct hv_core *c, uint64_t now_us, struct hv_arena *arena, struct hv_status *ret) {
        size_t n_items = hv_map_size(c->networks) + hv_map_size(c->volumes) + hv_map_size(c->tunnels);
        struct hv_object_status *objects = HV_ARENA_NEW_N(arena, struct hv_object_status, n_items);
        char **removals = HV_ARENA_NEW_N(arena, char *, c->parked_removals.n + 1);
        char text[HV_PRESSURE_TEXT_SIZE];

        for (size_t i = 0; c->parked && i < c->parked_removals.n; i++)
                removals[i] = hv_arena_strdup(arena, c->parked_removals.v[i]);
        *ret = (struct hv_status){
                .active_revision = c->active ? hv_arena_strdup(arena, c->active->revision) : "",
                .parked_revision = c->parked ? hv_arena_strdup(arena, c->parked->revision) : NULL,
                .parked_message = c->parked ? hv_arena_strdup(arena, c->parked_message) : NULL,
                .parked_removals = (const char *const *) removals,
                .n_parked_removals = c->parked ? (unsigned) c->parked_removals.n : 0,
                .n_parked_existing = c->parked ? c->n_parked_existing : 0,
                .engine = c->engine.state,
                .engine_message = hv_arena_strdup(arena, c->engine.message ? c->engine.message : ""),
                .observed = c->observed || (c->active && !c->active->settings.docker_enabled),
                .synced = c->synced &&
                          (c->engine.state == HV_ENGINE_READY || !c->active->settings.docker_enabled),
                .out_of_sync_since_us = c->out_of_sync_since_us,
                .n_generations = c->n_generations,
                .objects = objects,
        };
        hv_caps_status(c, arena, ret->caps);
        if (hv_pressure_lacks(c) != HV_RESOURCE_NONE) {
                ret->pressure = hv_arena_strdup(arena, hv_pressure_text(c));
                ret->is_cordoned = c->orders_closed_text != NULL;
                ret->is_busy = !ret->is_cordoned && !c->pressure.is_closed;
        }
        if (c->active && hv_pressure_is_disk_short(&c->active->settings.pressure, &c->pressure.seen, text))
                ret->disk_pressure = hv_arena_strdup(arena, text);
        all_units(c, now_us, arena, ret);
        hv_task_count(c, &ret->n_tasks_queued, &ret->n_tasks_running);
        ret->n_objects = items_status(c, c->networks, now_us, arena, objects);
        ret->n_objects += items_status(c, c->volumes, now_us, arena, objects + ret->n_objects);
        ret->n_objects += tunnels_status(c, arena, objects + ret->n_objects);
        qsort(objects, ret->n_objects, sizeof *objects, by_kind_and_name);
}

const char *hv_status_line(const struct hv_status *s, struct hv_arena *arena) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        hv_buf_printf(&b, "%u/%u in sync", s->n_units_in_sync, s->n_units);
        if (s->n_pulling)
                hv_buf_printf(&b, ", %u pulling", s->n_pulling);
        if (s->n_back_off)
                hv_buf_printf(&b, ", %u back-off", s->n_back_off);
        if (s->n_orphans)
                hv_buf_printf(&b, ", %u to remove", s->n_orphans);
        if (s->n_tasks_running || s->n_tasks_queued)
                hv_buf_printf(&b, "; tasks: %u running, %u queued", s->n_tasks_running, s->n_tasks_queued);
        if (s->engine != HV_ENGINE_READY)
                hv_buf_printf(&b, "; engine %s%s%s", hv_engine_state_name(s->engine),
                              hv_str_empty(s->engine_message) ? "" : ": ", s->engine_message);
        if (*s->active_revision)
                hv_buf_printf(&b, "; rev %.8s", s->active_revision);
        if (s->parked_revision)
                hv_buf_printf(&b, "; PruneBlocked %.8s", s->parked_revision);
        return hv_arena_strdup(arena, hv_buf_str(&b));
}

bool hv_core_is_abandoned(const struct hv_core *c, const char *container_id) {
        const struct slot *s = hv_map_get(c->ids, container_id);

        if (!s || !c->tasks_known || !s->have || s->doubt || s->effect || s->want || s->task)
                return false;
        return s->have->ours && s->have->kind == HV_KIND_TASK && !s->have->is_builder &&
               s->have->state == HV_CONTAINER_EXITED && !hv_task_is_left_over(c, s);
}

const char *hv_core_container_object(const struct hv_core *c, const char *container_id) {
        const struct slot *s = hv_map_get(c->ids, container_id);

        return s && s->have && s->have->object ? s->have->object : "";
}

size_t hv_core_pulls(const struct hv_core *c) {
        return c->n_pulls;
}

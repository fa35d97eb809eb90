/* reconcile/state.c - making, finding and ending the things of state.h. */
#include "reconcile/state.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

const struct hv_backoff_spec hv_default_backoff = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = 2 * HV_USEC_PER_MIN,
        .reset_after_us = 10 * HV_USEC_PER_MIN,
};

const struct hv_backoff_spec hv_connect_backoff = {
        .initial_us = 100 * HV_USEC_PER_MSEC,
        .factor_milli = 2000,
        .max_us = 5 * HV_USEC_PER_SEC,
        .reset_after_us = HV_USEC_PER_MIN,
};

void hv_set_text(char **where, const char *text) {
        if (hv_streq(*where, text))
                return;
        free(*where);
        *where = hv_strdup(text);
}

/* ---- failures ---- */

void hv_failure_set(struct failure *f, const struct hv_backoff_spec *spec, uint64_t now_us,
                    enum hv_action_type type, enum hv_reason reason, const char *message) {
        hv_backoff_failed(&f->backoff, spec, now_us);
        f->asked_anew = false;
        f->type = type;
        f->reason = reason;
        hv_set_text(&f->message, message ? message : "");
}

void hv_failure_reset(struct failure *f) {
        hv_backoff_reset(&f->backoff);
        f->asked_anew = false;
        f->reason = HV_REASON_SYNCED;
        free(f->message);
        f->message = NULL;
}

/* The disk may have room again, and whoever asks waits for the answer: the end of an earlier wait would be a stale one. */
void hv_failure_ask_anew(struct failure *f) {
        if (f->reason != HV_REASON_LEDGER_FAILED)
                return;
        f->asked_anew = true;
        f->backoff.not_before_us = 0;
}

bool hv_failure_is_of_ledger(const struct failure *f) {
        return f->reason == HV_REASON_LEDGER_FAILED && !f->asked_anew;
}

/* ---- containers ---- */

void hv_container_add_endpoint(struct container *k, const char *network, const char *network_id) {
        hv_vec_push(&k->endpoints, ((struct endpoint){ hv_strdup(network), hv_strdup(network_id) }));
}

void hv_container_drop_endpoint(struct container *k, const char *network) {
        for (size_t i = 0; i < k->endpoints.n; i++) {
                struct endpoint *e = &k->endpoints.v[i];

                if (!hv_streq(e->network, network))
                        continue;
                free(e->network);
                free(e->network_id);
                *e = k->endpoints.v[--k->endpoints.n];
                return;
        }
}

const struct endpoint *hv_container_endpoint(const struct container *k, const char *network) {
        for (size_t i = 0; i < k->endpoints.n; i++)
                if (hv_streq(k->endpoints.v[i].network, network))
                        return &k->endpoints.v[i];
        return NULL;
}

struct container *hv_container_copy(const struct hv_seen_container *seen) {
        struct container *k = HV_NEW(struct container);

        k->id = hv_strdup(seen->id);
        k->ours = seen->ours;
        k->kind = seen->kind ? hv_kind_parse(seen->kind) : HV_KIND_NONE;
        k->object = hv_strdup(seen->object);
        k->digest = hv_strdup(seen->digest);
        k->image = hv_strdup(seen->image);
        k->replica = seen->replica;
        k->is_builder = seen->is_builder;
        k->gpus = hv_strdup(seen->gpus);
        k->tells_gpu_memory = seen->tells_gpu_memory;
        k->gpu_memory_bytes = seen->gpu_memory_bytes;
        k->state = seen->state;
        for (size_t i = 0; i < seen->n_endpoints; i++)
                hv_container_add_endpoint(k, seen->endpoints[i].network, seen->endpoints[i].network_id);
        for (size_t i = 0; i < seen->n_volumes; i++)
                hv_vec_push(&k->volumes, hv_strdup(seen->volumes[i]));
        k->detailed = seen->detailed;
        if (!seen->detailed)
                return k;
        k->exit_code = seen->exit_code;
        k->oom_killed = seen->oom_killed;
        k->restart_policy_set = seen->restart_policy_set;
        k->started_wall_us = seen->started_us;
        k->finished_wall_us = seen->finished_us;
        k->limits = seen->limits;
        k->never_ran = seen->never_ran;
        return k;
}

bool hv_limits_equal(const struct hv_limits *a, const struct hv_limits *b) {
        return a->memory_bytes == b->memory_bytes && a->nano_cpus == b->nano_cpus && a->pids == b->pids;
}

static bool equal_endpoints(const struct container *a, const struct container *b) {
        if (a->endpoints.n != b->endpoints.n)
                return false;
        for (size_t i = 0; i < a->endpoints.n; i++) {
                const struct endpoint *x = &a->endpoints.v[i], *y = hv_container_endpoint(b, x->network);

                if (!y || !hv_streq(x->network_id, y->network_id))
                        return false;
        }
        return true;
}

static bool equal_volumes(const struct container *a, const struct container *b) {
        if (a->volumes.n != b->volumes.n)
                return false;
        for (size_t i = 0; i < a->volumes.n; i++)
                if (!hv_streq(a->volumes.v[i], b->volumes.v[i]))
                        return false;
        return true;
}

bool hv_container_equal(const struct container *a, const struct container *b) {
        if (!a || !b)
                return a == b;
        return hv_streq(a->id, b->id) && a->ours == b->ours && a->kind == b->kind &&
               hv_streq(a->object, b->object) && hv_streq(a->digest, b->digest) &&
               hv_streq(a->image, b->image) && a->replica == b->replica && a->is_builder == b->is_builder &&
               a->state == b->state && equal_endpoints(a, b) && equal_volumes(a, b) &&
               a->detailed == b->detailed && a->exit_code == b->exit_code && a->oom_killed == b->oom_killed &&
               a->restart_policy_set == b->restart_policy_set && a->never_ran == b->never_ran &&
               a->started_wall_us == b->started_wall_us && a->finished_wall_us == b->finished_wall_us &&
               hv_limits_equal(&a->limits, &b->limits) && hv_streq(a->gpus, b->gpus);
}

struct container *hv_container_free(struct container *k) {
        if (!k)
                return NULL;
        for (size_t i = 0; i < k->endpoints.n; i++) {
                free(k->endpoints.v[i].network);
                free(k->endpoints.v[i].network_id);
        }
        for (size_t i = 0; i < k->volumes.n; i++)
                free(k->volumes.v[i]);
        hv_vec_done(&k->endpoints);
        hv_vec_done(&k->volumes);
        free(k->id);
        free(k->object);
        free(k->digest);
        free(k->image);
        free(k->gpus);
        free(k);
        return NULL;
}

/* ---- slots ---- */

struct slot *hv_slot_get(struct hv_core *c, const char *name) {
        struct slot *s = hv_map_get(c->slots, name);

        if (s)
                return s;
        s = HV_NEW(struct slot);
        s->name = hv_strdup(name);
        s->last_exit_code = -1;
        hv_map_put(c->slots, name, s);
        return s;
}

void hv_slot_set_have(struct hv_core *c, struct slot *s, struct container *have) {
        if (s->have) {
                s->had_gpus |= s->have->ours && s->have->gpus;
                if (hv_map_get(c->ids, s->have->id) == s)
                        (void) hv_map_remove(c->ids, s->have->id);
                hv_container_free(s->have);
        }
        s->have = have;
        s->had_gpus = s->had_gpus && !(have && have->ours);
        if (have)
                hv_map_put(c->ids, have->id, s);
}

void hv_slot_free(void *slot) {
        struct slot *s = slot;

        hv_container_free(s->have);
        free(s->failure.message);
        free(s->made_id);
        free(s->gpus);
        free(s->gpu_fault_id);
        free(s->gpu_fault);
        free(s->name);
        free(s);
}

/* ---- networks, volumes, images ---- */

static struct hv_map *items_of(struct hv_core *c, enum hv_kind kind) {
        return kind == HV_KIND_NETWORK ? c->networks : c->volumes;
}

struct item *hv_item_get(struct hv_core *c, enum hv_kind kind, const char *name) {
        struct item *o = hv_map_get(items_of(c, kind), name);

        if (o)
                return o;
        o = HV_NEW(struct item);
        o->kind = kind;
        o->name = hv_strdup(name);
        hv_map_put(items_of(c, kind), name, o);
        return o;
}

void hv_item_set(struct item *o, bool exists, bool ours, const char *id, const char *driver,
                 const char *digest) {
        o->exists = exists;
        o->ours = exists && ours;
        hv_set_text(&o->id, exists ? id : NULL);
        hv_set_text(&o->driver, exists ? driver : NULL);
        hv_set_text(&o->digest, exists ? digest : NULL);
}

void hv_item_free(void *item) {
        struct item *o = item;

        free(o->name);
        free(o->id);
        free(o->digest);
        free(o->driver);
        free(o->failure.message);
        free(o);
}

struct image *hv_image_get(struct hv_core *c, const char *ref) {
        struct image *i = hv_map_get(c->images, ref);

        if (i)
                return i;
        i = HV_NEW(struct image);
        i->ref = hv_strdup(ref);
        hv_map_put(c->images, ref, i);
        return i;
}

void hv_image_free(void *image) {
        struct image *i = image;

        free(i->ref);
        free(i->failure.message);
        free(i);
}

/* ---- flights ---- */

struct flight *hv_flight_new(struct hv_core *c, enum hv_action_type type, const char *key, const char *name,
                             const char *why) {
        struct flight *f = HV_NEW(struct flight);

        f->arena = hv_arena_new();
        f->issued = ++c->seq;
        f->desired = c->active ? hv_desired_ref(c->active) : NULL;
        f->action = (struct hv_action){
                .id = ++c->next_id,
                .type = type,
                .key = hv_arena_strdup(f->arena, key),
                .name = hv_arena_strdup(f->arena, name),
                .why = hv_arena_strdup(f->arena, why),
                .stop_grace_us = HV_TIME_NEVER,
                .desired = f->desired,
        };
        hv_vec_push(&c->flights, f);
        if (type == HV_ACTION_PULL)
                c->n_pulls++;
        else if (!hv_action_is_look(type))
                c->n_effects += !hv_action_is_task(type);
        else if (type == HV_ACTION_INSPECT || type == HV_ACTION_INSPECT_IMAGE)
                c->n_looks++;
        return f;
}

struct flight *hv_flight_take(struct hv_core *c, uint64_t action_id) {
        for (size_t i = 0; i < c->flights.n; i++) {
                struct flight *f = c->flights.v[i];
                enum hv_action_type type = f->action.type;

                if (f->action.id != action_id)
                        continue;
                c->flights.v[i] = c->flights.v[--c->flights.n];
                if (type == HV_ACTION_PULL)
                        c->n_pulls--;
                else if (!hv_action_is_look(type))
                        c->n_effects -= !hv_action_is_task(type);
                else if (type == HV_ACTION_INSPECT || type == HV_ACTION_INSPECT_IMAGE)
                        c->n_looks--;
                return f;
        }
        return NULL;
}

struct flight *hv_flight_free(struct flight *f) {
        if (!f)
                return NULL;
        hv_desired_unref(f->desired);
        hv_task_unref(f->task_value);
        hv_arena_free(f->arena);
        free(f);
        return NULL;
}

/* ---- notes ---- */

_hv_printf_(7, 0) static void note_add(struct hv_core *c, enum hv_note_type type, enum hv_reason reason,
                                       enum hv_kind kind, const char *object, const char *container,
                                       const char *fmt, va_list ap) {
        struct hv_buf b = {};

        hv_buf_vprintf(&b, fmt, ap);
        c->changed = true;
        *hv_vec_add(&c->notes) = (struct hv_note){
                .type = type,
                .reason = reason,
                .kind = kind,
                .object = hv_strdup(object),
                .container = hv_strdup(container),
                .message = hv_buf_steal(&b),
        };
}

void hv_note(struct hv_core *c, enum hv_note_type type, enum hv_reason reason, enum hv_kind kind,
             const char *object, const char *container, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        note_add(c, type, reason, kind, object, container, fmt, ap);
        va_end(ap);
}

void hv_note_slot(struct hv_core *c, const struct slot *s, enum hv_note_type type, enum hv_reason reason,
                  const char *fmt, ...) {
        const char *object = s->want ? s->want->object : s->have ? s->have->object : NULL;
        enum hv_kind kind = s->want ? s->want->kind : s->have ? s->have->kind : HV_KIND_SERVICE;
        va_list ap;

        if (!s->want && s->have && s->have->is_builder)
                kind = HV_KIND_TASK;
        va_start(ap, fmt);
        note_add(c, type, reason, kind, object, s->name, fmt, ap);
        va_end(ap);
}

void hv_effects_done(struct hv_effects *e) {
        for (size_t i = 0; i < e->n_notes; i++) {
                free(e->notes[i].object);
                free(e->notes[i].container);
                free(e->notes[i].message);
        }
        free(e->notes);
        free(e->actions);
        *e = (struct hv_effects){ .deadline_us = HV_TIME_NEVER };
}

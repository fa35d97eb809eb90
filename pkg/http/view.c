/* Joins desired state and status by name. Services gather their units; orphans come last in status, so a
 * service's own replicas always come before what is being removed under the same name. */
#include "http/view.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"

struct builder {
        struct hv_arena *arena;
        const struct hv_api_snapshot *snapshot;
        enum hv_kind kind;
        struct hv_map *by_name; /* -> struct hv_view_item */
};

bool hv_view_acts_on(enum hv_kind kind) {
        switch (kind) {
        case HV_KIND_SERVICE:
        case HV_KIND_NETWORK:
        case HV_KIND_VOLUME:
        case HV_KIND_REGISTRY:
        case HV_KIND_CRONTASK:
        case HV_KIND_WIREGUARD:
        case HV_KIND_IMAGE:
                return true;
        default:
                return false;
        }
}

static struct hv_view_item *item_of(struct builder *b, const char *name) {
        struct hv_view_item *item = hv_map_get(b->by_name, name);

        if (!item) {
                item = HV_ARENA_NEW(b->arena, struct hv_view_item);
                item->kind = b->kind;
                item->name = name;
                item->acted_on = hv_view_acts_on(b->kind);
                item->message = "";
                hv_map_put(b->by_name, name, item);
        }
        return item;
}

static void add_declared(struct builder *b, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_objects; i++) {
                struct hv_view_item *item;

                if (d->objects[i].kind != b->kind)
                        continue;
                item = item_of(b, d->objects[i].name);
                item->object = &d->objects[i];
                item->origin = &d->objects[i].origin;
                item->wanted = true;
        }
        for (size_t i = 0; b->kind == HV_KIND_NETWORK && i < d->n_networks; i++) {
                struct hv_view_item *item = item_of(b, d->networks[i].name);

                item->network = &d->networks[i];
                item->origin = &d->networks[i].origin;
                item->wanted = true;
        }
        for (size_t i = 0; b->kind == HV_KIND_VOLUME && i < d->n_volumes; i++) {
                struct hv_view_item *item = item_of(b, d->volumes[i].name);

                item->volume = &d->volumes[i];
                item->origin = &d->volumes[i].origin;
                item->wanted = true;
        }
}

/* Units are sorted by key, so those of one service follow each other: two passes, no growing arrays. */
static void add_units(struct builder *b, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_units; i++) {
                if (d->units[i].kind == b->kind)
                        item_of(b, d->units[i].object)->n_units++;
        }
        for (size_t i = 0; i < d->n_units; i++) {
                struct hv_view_item *item;
                size_t n = 0;

                if (d->units[i].kind != b->kind)
                        continue;
                item = item_of(b, d->units[i].object);
                if (!item->units)
                        item->units = HV_ARENA_NEW_N(b->arena, const struct hv_unit *, item->n_units);
                while (item->units[n])
                        n++;
                item->units[n] = &d->units[i];
        }
}

static void add_unit_status(struct builder *b, const struct hv_status *s) {
        for (size_t i = 0; i < s->n_unit_status; i++) {
                if (s->units[i].kind == b->kind && s->units[i].object)
                        item_of(b, s->units[i].object)->n_status++;
        }
        for (size_t i = 0; i < s->n_unit_status; i++) {
                const struct hv_unit_status *u = &s->units[i];
                struct hv_view_item *item;
                size_t n = 0;

                if (u->kind != b->kind || !u->object)
                        continue;
                item = item_of(b, u->object);
                if (!item->status)
                        item->status =
                                HV_ARENA_NEW_N(b->arena, const struct hv_unit_status *, item->n_status);
                while (item->status[n])
                        n++;
                item->status[n] = u;
                /* Of a revision that waits for the first look at the engine nothing but its units is shown. */
                if (u->wanted_digest)
                        item->wanted = true;
        }
}

static void add_seen(struct builder *b, const struct hv_status *s) {
        for (size_t i = 0; i < s->n_objects; i++) {
                if (s->objects[i].kind == b->kind)
                        item_of(b, s->objects[i].name)->seen = &s->objects[i];
        }
}

static void add_crons(struct builder *b, const struct hv_api_snapshot *s) {
        for (size_t i = 0; b->kind == HV_KIND_CRONTASK && i < s->n_crons; i++)
                item_of(b, s->crons[i].name)->cron = &s->crons[i];
}

static void add_tunnels(struct builder *b, const struct hv_api_snapshot *s) {
        for (size_t i = 0; b->kind == HV_KIND_WIREGUARD && i < s->n_tunnels; i++)
                item_of(b, s->tunnels[i].name)->tunnel = &s->tunnels[i];
}

static void add_images(struct builder *b, const struct hv_api_snapshot *s) {
        for (size_t i = 0; b->kind == HV_KIND_IMAGE && i < s->n_images; i++)
                item_of(b, s->images[i].name)->image = &s->images[i];
}

static void sum_up_image(struct hv_view_item *item) {
        item->phase = item->image ? item->image->phase : "Pending";
        item->reason = item->image ? item->image->reason : HV_REASON_PENDING;
        item->message = item->image ? item->image->message : "";
        item->in_sync = item->image && item->image->is_ready;
}

static void sum_up_service(struct hv_view_item *item) {
        item->n_wanted = (unsigned) item->n_units;
        for (size_t i = 0; item->n_units == 0 && i < item->n_status; i++)
                item->n_wanted += item->status[i]->wanted_digest != NULL;
        for (size_t i = 0; i < item->n_status; i++) {
                const struct hv_unit_status *u = item->status[i];

                item->n_restarts += u->n_restarts;
                if (u->phase != HV_PHASE_ORPHAN) {
                        item->n_in_sync += u->in_sync;
                        item->n_ready += u->ready;
                        item->n_updated += u->digest && hv_streq(u->digest, u->wanted_digest);
                }
                if (!item->worst && !u->in_sync)
                        item->worst = u;
        }
        item->in_sync = item->wanted && !item->worst && item->n_status >= item->n_units;
        if (item->worst) {
                item->phase = hv_phase_name(item->worst->phase);
                item->reason = item->worst->reason;
                item->message = item->worst->message ? item->worst->message : "";
        } else if (item->n_status == 0 && item->n_units == 0) {
                item->phase = "Idle";
                item->message = "0 replicas are wanted";
        } else if (item->n_status == 0) {
                item->phase = hv_phase_name(HV_PHASE_PENDING);
                item->reason = HV_REASON_PENDING;
                item->message = item->wanted ? "not looked at yet" : "";
        } else {
                item->phase = hv_phase_name(item->status[0]->phase);
                item->reason = HV_REASON_SYNCED;
                for (size_t i = 0; i < item->n_status && item->reason == HV_REASON_SYNCED; i++)
                        if (hv_api_is_by_hand(item->status[i])) {
                                item->reason = item->status[i]->reason;
                                item->message = item->status[i]->message;
                        }
        }
}

static void sum_up_object(struct hv_view_item *item) {
        const struct hv_object_status *seen = item->seen;

        if (!seen) {
                item->phase = "Pending";
                item->reason = HV_REASON_PENDING;
                item->message = "not looked at yet";
                return;
        }
        item->wanted = seen->wanted;
        item->in_sync = seen->in_sync;
        item->reason = seen->reason;
        item->message = seen->message ? seen->message : "";
        if (!seen->wanted)
                item->phase = seen->in_sync ? "Kept" : "Orphan"; /* a volume whose reclaim is retain stays */
        else if (seen->in_sync)
                item->phase = "Ready";
        else
                item->phase = seen->exists ? "Differs" : "Missing";
}

/* A cron task is as wished when nothing keeps it from its next run but somebody's wish. */
static void sum_up_cron(struct hv_view_item *item) {
        const struct hv_cron_status *k = item->cron;

        item->in_sync = k && k->can_run && !k->ledger_failure;
        item->message = k ? k->message : "not looked at yet";
        item->phase = "Scheduled";
        item->reason = HV_REASON_SYNCED;
        if (!k || !k->can_run) {
                item->phase = "Pending";
                item->reason = HV_REASON_PENDING;
        } else if (k->ledger_failure) {
                item->reason = HV_REASON_LEDGER_FAILED;
                item->message = k->ledger_failure;
        } else if (k->suspend.by) {
                item->phase = "Suspended";
                item->reason = HV_REASON_SUSPENDED;
        } else if (k->n_live > 0)
                item->phase = "Running";
}

static void sum_up(struct hv_view_item *item) {
        switch (item->kind) {
        case HV_KIND_SERVICE:
                sum_up_service(item);
                break;
        case HV_KIND_NETWORK:
        case HV_KIND_VOLUME:
        case HV_KIND_WIREGUARD:
                sum_up_object(item);
                break;
        case HV_KIND_CRONTASK:
                sum_up_cron(item);
                break;
        case HV_KIND_IMAGE:
                sum_up_image(item);
                break;
        case HV_KIND_REGISTRY:
                item->phase = "Ready";
                item->reason = HV_REASON_SYNCED;
                item->in_sync = true;
                break;
        default:
                /* Neither in sync nor out of it: nothing looks. */
                item->phase = "Declared";
                item->reason = HV_REASON_SUSPENDED;
                item->message = "declared; this version of hivelet does not act on it";
                item->in_sync = true;
        }
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct hv_view_item *) a)->name, ((const struct hv_view_item *) b)->name);
}

const struct hv_view_item *hv_view_list(struct hv_arena *a, const struct hv_api_snapshot *s,
                                        enum hv_kind kind, size_t *ret_n) {
        _hv_cleanup_(hv_map_freep) struct hv_map *map = hv_map_new(NULL);
        struct builder b = { .arena = a, .snapshot = s, .kind = kind, .by_name = map };
        struct hv_view_item *items;
        void *value;
        size_t n = 0, it = 0;

        if (s->desired) {
                add_declared(&b, s->desired);
                add_units(&b, s->desired);
        }
        add_unit_status(&b, s->status);
        add_seen(&b, s->status);
        add_crons(&b, s);
        add_tunnels(&b, s);
        add_images(&b, s);

        items = HV_ARENA_NEW_N(a, struct hv_view_item, hv_map_size(map));
        while (hv_map_next(map, &it, NULL, &value)) {
                items[n] = *(struct hv_view_item *) value;
                sum_up(&items[n++]);
        }
        if (n > 1)
                qsort(items, n, sizeof *items, by_name);
        *ret_n = n;
        return items;
}

const struct hv_view_item *hv_view_find(struct hv_arena *a, const struct hv_api_snapshot *s,
                                        enum hv_kind kind, const char *name, const char **ret_near) {
        struct hv_suggestion near = { .text = name };
        size_t n;
        const struct hv_view_item *items = hv_view_list(a, s, kind, &n);

        for (size_t i = 0; i < n; i++) {
                if (hv_streq(items[i].name, name))
                        return &items[i];
                hv_suggestion_add(&near, items[i].name);
        }
        if (ret_near)
                *ret_near = near.best;
        return NULL;
}

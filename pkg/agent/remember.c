/* agent/remember.c - what the kept revisions said of each volume last, for the core (reconcile/reclaim.h).
 *
 * Newest first, and only as far back as every revision can be read: what one said that cannot be read any more may have taken
 * back what an older one said. */
#include "agent/private.h"
#include "base/arena.h"
#include "base/map.h"
#include "log/log.h"

struct words {
        struct hv_arena *arena;
        struct hv_map *seen;
        HV_VEC(struct hv_volume_word) v;
};

static void add(struct words *w, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_volumes; i++) {
                const struct hv_volume *v = &d->volumes[i];

                if (hv_map_get(w->seen, v->name))
                        continue;
                hv_map_put(w->seen, v->name, w);
                hv_vec_push(&w->v, ((struct hv_volume_word){ hv_arena_strdup(w->arena, v->name),
                                                             v->reclaim_delete }));
        }
}

void hv_agent_remember_volumes(struct hv_agent *a) {
        struct words w = { .arena = hv_arena_new(), .seen = hv_map_new(NULL) };
        struct hv_revision_store *store = hv_source_set_revisions(a->sources);
        struct hv_input in = { .type = HV_INPUT_REMEMBER };
        size_t n = 0;
        const struct hv_revision_entry *kept = store ? hv_revision_store_all(store, &n) : NULL;

        for (size_t i = 1; i < n; i++) { /* the newest is about to be resumed, and speaks for itself */
                _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l =
                        hv_source_set_kept(a->sources, kept[i].revision);

                if (!l->desired) {
                        (void) hv_log_warn(
                                l->err.code,
                                "revision %.8s is kept and cannot be read any more: volumes that only "
                                "it and older ones declare are kept",
                                kept[i].revision);
                        break;
                }
                add(&w, l->desired);
        }
        in.volumes = w.v.v;
        in.n_volumes = w.v.n;
        (void) hv_agent_input(a, &in, NULL);
        hv_vec_done(&w.v);
        hv_map_free(w.seen);
        hv_arena_free(w.arena);
}

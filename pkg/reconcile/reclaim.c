/* reconcile/reclaim.c - see reclaim.h. */
#include "reconcile/reclaim.h"

#include "reconcile/mutant.h"

static void learn(struct hv_core *c, const char *volume, bool is_delete) {
        hv_map_put(c->reclaims, volume, (void *) (uintptr_t) (is_delete ? RECLAIM_DELETE : RECLAIM_RETAIN));
}

void hv_reclaim_declare(struct hv_core *c, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_volumes; i++)
                learn(c, d->volumes[i].name, d->volumes[i].reclaim_delete);
}

void hv_reclaim_remember(struct hv_core *c, const struct hv_volume_word *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (hv_reclaim_of(c, words[i].name) == RECLAIM_UNKNOWN)
                        learn(c, words[i].name, words[i].reclaim_delete);
}

enum reclaim hv_reclaim_of(const struct hv_core *c, const char *volume) {
        return (enum reclaim)(uintptr_t) hv_map_get(c->reclaims, volume);
}

bool hv_reclaim_is_delete(const struct hv_core *c, const struct item *volume) {
        if (HV_MUTANT(HV_MUTANT_LABEL_DECIDES))
                return volume->label_delete;
        return hv_reclaim_of(c, volume->name) == RECLAIM_DELETE;
}

void hv_core_remember_like(struct hv_core *c, const struct hv_core *other) {
        const char *volume;
        size_t it = 0;
        void *word;

        hv_caps_like(c, other);
        hv_gpus_like(c, other);
        hv_orders_like(c, other);
        while (hv_map_next(other->reclaims, &it, &volume, &word))
                hv_map_put(c->reclaims, volume, word);
}

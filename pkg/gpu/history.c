/* gpu/history.c - see history.h. */
#include "gpu/history.h"

#include <stdio.h>

#include "base/alloc.h"

struct series {
        char uuid[HV_GPU_TEXT_SIZE];
        size_t n, next;
        struct hv_gpu_point v[HV_GPU_POINTS];
};

struct hv_gpu_history {
        struct series *series[HV_GPUS_MAX];
        size_t n;
};

struct hv_gpu_history *hv_gpu_history_new(void) {
        return HV_NEW(struct hv_gpu_history);
}

struct hv_gpu_history *hv_gpu_history_free(struct hv_gpu_history *h) {
        for (size_t i = 0; h && i < h->n; i++)
                free(h->series[i]);
        free(h);
        return NULL;
}

static struct series *find(const struct hv_gpu_history *h, const char *uuid) {
        for (size_t i = 0; i < h->n; i++)
                if (hv_streq(h->series[i]->uuid, uuid))
                        return h->series[i];
        return NULL;
}

static void forget_absent(struct hv_gpu_history *h, const struct hv_gpus *gpus) {
        size_t n_kept = 0;

        for (size_t i = 0; i < h->n; i++)
                if (hv_gpus_find(gpus, h->series[i]->uuid))
                        h->series[n_kept++] = h->series[i];
                else
                        free(h->series[i]);
        h->n = n_kept;
}

void hv_gpu_history_add(struct hv_gpu_history *h, const struct hv_gpus *gpus, uint64_t wall_us) {
        if (!gpus->is_known)
                return;
        forget_absent(h, gpus);
        for (size_t i = 0; i < gpus->n; i++) {
                const struct hv_gpu *g = &gpus->v[i];
                struct series *s = find(h, g->uuid);

                if (!*g->uuid) /* one that never told who it is */
                        continue;
                if (!s) {
                        s = h->series[h->n++] = HV_NEW(struct series);
                        (void) snprintf(s->uuid, sizeof s->uuid, "%s", g->uuid);
                }
                s->v[s->next] = (struct hv_gpu_point){ .wall_us = wall_us,
                                                       .memory_used_bytes = g->memory_used_bytes,
                                                       .use_percent = g->use_percent,
                                                       .temperature_c = g->temperature_c };
                s->next = (s->next + 1) % HV_GPU_POINTS;
                s->n = HV_MIN(s->n + 1, (size_t) HV_GPU_POINTS);
        }
}

size_t hv_gpu_history_size(const struct hv_gpu_history *h, const char *uuid) {
        const struct series *s = find(h, uuid);

        return s ? s->n : 0;
}

const struct hv_gpu_point *hv_gpu_history_at(const struct hv_gpu_history *h, const char *uuid, size_t i) {
        const struct series *s = find(h, uuid);

        return &s->v[(s->next + HV_GPU_POINTS - s->n + i) % HV_GPU_POINTS];
}

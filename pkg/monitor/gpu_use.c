/* monitor/gpu_use.c - see gpu_use.h. */
#include "monitor/gpu_use.h"

#include "base/alloc.h"
#include "base/map.h"

struct use {
        char *id;
        int64_t memory_peak_bytes; /* -1: no sample told */
        uint64_t n_percents, percents;
        int percent_peak;
        bool is_kept;
};

struct hv_gpu_uses {
        struct hv_map *by_name; /* of the container */
};

static void use_free(void *data) {
        struct use *k = data;

        free(k->id);
        free(k);
}

struct hv_gpu_uses *hv_gpu_uses_new(void) {
        struct hv_gpu_uses *u = HV_NEW(struct hv_gpu_uses);

        u->by_name = hv_map_new(use_free);
        return u;
}

struct hv_gpu_uses *hv_gpu_uses_free(struct hv_gpu_uses *u) {
        if (!u)
                return NULL;
        (void) hv_map_free(u->by_name);
        free(u);
        return NULL;
}

void hv_gpu_uses_add(struct hv_gpu_uses *u, const char *container, const char *id,
                     const struct hv_container_gpus_sum *sample) {
        struct use *k = hv_map_get(u->by_name, container);

        if (!k || !hv_streq(k->id, id)) {
                k = HV_NEW(struct use);
                *k = (struct use){ .id = hv_strdup(id), .memory_peak_bytes = -1, .is_kept = true };
                hv_map_put(u->by_name, container, k);
        }
        k->memory_peak_bytes = HV_MAX(k->memory_peak_bytes, sample->memory_used_bytes);
        if (sample->use_percent < 0)
                return;
        k->n_percents++;
        k->percents += (uint64_t) sample->use_percent;
        k->percent_peak = HV_MAX(k->percent_peak, sample->use_percent);
}

void hv_gpu_uses_begin_keep(struct hv_gpu_uses *u) {
        struct use *k;
        size_t it = 0;

        while (hv_map_next(u->by_name, &it, NULL, (void **) &k))
                k->is_kept = false;
}

void hv_gpu_uses_keep(struct hv_gpu_uses *u, const char *container) {
        struct use *k = hv_map_get(u->by_name, container);

        if (k)
                k->is_kept = true;
}

void hv_gpu_uses_end_keep(struct hv_gpu_uses *u) {
        const char *name;
        struct use *k;
        size_t it = 0;

        while (hv_map_next(u->by_name, &it, &name, (void **) &k))
                if (!k->is_kept)
                        (void) hv_map_remove(u->by_name, name);
}

struct hv_gpu_use hv_gpu_uses_get(const struct hv_gpu_uses *u, const char *container, const char *id) {
        const struct use *k = hv_map_get(u->by_name, container);

        if (!k || (id && !hv_streq(k->id, id)))
                return (struct hv_gpu_use){ -1, -1, -1 };
        return (struct hv_gpu_use){
                .memory_peak_bytes = k->memory_peak_bytes,
                .use_mean_percent =
                        k->n_percents ? (int) ((k->percents + k->n_percents / 2) / k->n_percents) : -1,
                .use_peak_percent = k->n_percents ? k->percent_peak : -1,
        };
}

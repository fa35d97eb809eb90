/* monitor/gpus.c - see gpus.h. */
#include "monitor/gpus.h"

#include <stdio.h>

#include "base/vec.h"

void hv_container_gpus_done(struct hv_container_gpus *list) {
        hv_vec_done(list);
}

/* Before any process of it is counted. */
static struct hv_container_gpu *add(struct hv_container_gpus *list, const char *uuid, size_t len,
                                    const struct hv_gpu *gpu) {
        struct hv_container_gpu *c = hv_vec_add(list);
        bool is_told = gpu && gpu->processes_are_listed;

        *c = (struct hv_container_gpu){ .memory_bytes = gpu ? gpu->memory_bytes : 0,
                                        .memory_used_bytes = is_told ? 0 : -1,
                                        .use_percent = is_told ? 0 : -1 };
        (void) snprintf(c->uuid, sizeof c->uuid, "%.*s", (int) len, uuid);
        return c;
}

void hv_container_gpus_begin(struct hv_container_gpus *list, const char *given, const struct hv_gpus *all) {
        hv_vec_clear(list);
        for (const char *p = given ? given : ""; *p;) {
                size_t len = strcspn(p, ",");
                char uuid[HV_GPU_TEXT_SIZE];

                (void) snprintf(uuid, sizeof uuid, "%.*s", (int) len, p);
                add(list, p, len, hv_gpus_find(all, uuid))->is_given = true;
                p += len + (p[len] == ',');
        }
}

void hv_container_gpus_add(struct hv_container_gpus *list, const struct hv_gpu *gpu,
                           const struct hv_gpu_process *process) {
        struct hv_container_gpu *c = NULL;

        for (size_t i = 0; i < list->n && !c; i++)
                if (hv_streq(list->v[i].uuid, gpu->uuid))
                        c = &list->v[i];
        if (!c)
                c = add(list, gpu->uuid, strlen(gpu->uuid), gpu);
        c->n_processes++;
        c->memory_used_bytes = c->memory_used_bytes < 0 || process->memory_bytes < 0
                                       ? -1
                                       : c->memory_used_bytes + process->memory_bytes;
        c->use_percent = c->use_percent < 0 || process->use_percent < 0
                                 ? -1
                                 : HV_MIN(c->use_percent + process->use_percent, 100);
}

struct hv_container_gpus_sum hv_container_gpus_sum(const struct hv_container_gpu *v, size_t n) {
        struct hv_container_gpus_sum sum = { .use_percent = n ? 0 : -1,
                                             .memory_used_bytes = n ? 0 : -1,
                                             .n = n };

        for (size_t i = 0; i < n; i++) {
                sum.use_percent =
                        sum.use_percent < 0 || v[i].use_percent < 0 ? -1 : sum.use_percent + v[i].use_percent;
                sum.memory_used_bytes = sum.memory_used_bytes < 0 || v[i].memory_used_bytes < 0
                                                ? -1
                                                : sum.memory_used_bytes + v[i].memory_used_bytes;
                sum.memory_bytes += v[i].memory_bytes;
        }
        return sum;
}

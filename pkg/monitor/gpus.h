/* monitor/gpus.h - how much one container uses of which GPU.
 *
 * Model    The driver tells what each process uses; whose process it is, its cgroup tells. A container is shown with each GPU that it was
 *          given, used or not, and with any other on which a process of it computes.
 * Rules    - What the driver does not tell of one of its processes is not known of the container either: -1, which is not 0.
 *          - More processes than can be listed are nobody's: then nothing is known of anybody.
 * Units    bytes; percent of the time in which one GPU computed.
 */
#pragma once

#include "gpu/gpu.h"

struct hv_container_gpu {
        char uuid[HV_GPU_TEXT_SIZE];
        bool is_given;             /* to it; else it found its own way */
        uint64_t memory_bytes;     /* that the GPU has; 0: not known */
        int64_t memory_used_bytes; /* by the container; -1: not known */
        int use_percent;           /* by the container; -1: not known */
        unsigned n_processes;
};

struct hv_container_gpus { /* base/vec.h */
        struct hv_container_gpu *v;
        size_t n, cap;
};

void hv_container_gpus_done(struct hv_container_gpus *list);

/* Begins anew, with the GPUs that it was given: UUIDs, commas between them; NULL: none. */
void hv_container_gpus_begin(struct hv_container_gpus *list, const char *given, const struct hv_gpus *all);
void hv_container_gpus_add(struct hv_container_gpus *list, const struct hv_gpu *gpu,
                           const struct hv_gpu_process *process);

/* Of all of them together, where one GPU is 100 %; -1: not known of each, or there are none. */
struct hv_container_gpus_sum {
        int use_percent;
        int64_t memory_used_bytes;
        uint64_t memory_bytes;
        size_t n;
};
struct hv_container_gpus_sum hv_container_gpus_sum(const struct hv_container_gpu *v, size_t n);

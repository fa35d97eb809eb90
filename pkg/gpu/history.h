/* gpu/history.h - what each GPU did in the last hour, for charts, in memory that does not grow.
 *
 * Memory   24 bytes a point, 17 KiB a GPU: HV_GPU_POINTS are an hour at the default interval of samples. */
#pragma once

#include "gpu/gpu.h"

#define HV_GPU_POINTS 720u

struct hv_gpu_point {
        uint64_t wall_us;
        int64_t memory_used_bytes; /* -1: not known, as of the others */
        int use_percent, temperature_c;
};

struct hv_gpu_history;

struct hv_gpu_history *hv_gpu_history_new(void);
struct hv_gpu_history *hv_gpu_history_free(struct hv_gpu_history *h); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_gpu_history, hv_gpu_history_free);

/* The oldest goes where there is no room. One that is not there any more is forgotten; while nobody can say, none is. */
void hv_gpu_history_add(struct hv_gpu_history *h, const struct hv_gpus *gpus, uint64_t wall_us);

/* 0: there is none of it. */
size_t hv_gpu_history_size(const struct hv_gpu_history *h, const char *uuid);
/* 0 is the oldest. */
const struct hv_gpu_point *hv_gpu_history_at(const struct hv_gpu_history *h, const char *uuid, size_t i);

/* monitor/gpu_use.h - what containers used of their GPUs since they were seen first: the driver's samples, added up.
 *
 * Model    By container's name, and its id: one that was made anew begins at nothing. What is kept outlives the container, until nobody
 *          asks for it any more; it does not outlive the process.
 * Units    bytes; percent, where one GPU all the time is 100.
 */
#pragma once

#include "monitor/gpus.h"

struct hv_gpu_uses;

struct hv_gpu_uses *hv_gpu_uses_new(void);
struct hv_gpu_uses *hv_gpu_uses_free(struct hv_gpu_uses *u); /* takes NULL, gives NULL */

void hv_gpu_uses_add(struct hv_gpu_uses *u, const char *container, const char *id,
                     const struct hv_container_gpus_sum *sample);

/* Who was not named between the two is forgotten. */
void hv_gpu_uses_begin_keep(struct hv_gpu_uses *u);
void hv_gpu_uses_keep(struct hv_gpu_uses *u, const char *container);
void hv_gpu_uses_end_keep(struct hv_gpu_uses *u);

struct hv_gpu_use { /* -1: not known */
        int64_t memory_peak_bytes;
        int use_mean_percent, use_peak_percent;
};

/* id NULL: whatever container had the name last. */
struct hv_gpu_use hv_gpu_uses_get(const struct hv_gpu_uses *u, const char *container, const char *id);

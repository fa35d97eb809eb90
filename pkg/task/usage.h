/* task/usage.h - what an attempt at a task used, by the kernel's account; of GPUs by the driver's samples, which nobody adds up but us.
 *
 * Source   docs/tasks.md, "Usage".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_json_writer;

struct hv_task_gpu_use { /* of all its GPUs together: one of them all the time is 100 % */
        bool memory_is_known, use_is_known;
        uint64_t memory_peak_bytes;
        unsigned use_mean_percent, use_peak_percent;
};

struct hv_task_usage {
        uint64_t cpu_us, memory_peak_bytes; /* 0: not known; shown as null */
        struct hv_task_gpu_use gpu;
};

/* The member `gpu`: null where nothing is known. */
void hv_task_put_gpu_use(struct hv_json_writer *w, const struct hv_task_gpu_use *use);

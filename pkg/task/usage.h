/* task/usage.h - what an attempt at a task used, by the kernel's account.
 *
 * Source   docs/tasks.md, "Usage".
 */
#pragma once

#include <stdint.h>

struct hv_task_usage {
        uint64_t cpu_us, memory_peak_bytes; /* 0: not known; shown as null */
};

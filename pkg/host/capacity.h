/* host/capacity.h - what this machine has to give: processors, memory, disk.
 *
 * Units    10^-9 CPUs, bytes.
 * Rules    processors are those this process may run on (an agent in a cpuset has no more); memory is what the kernel has
 *          in all, not what is free now; disk is the whole of the file system that `dir` is on.
 * Source   sched_getaffinity(2), sysinfo(2), statvfs(3).
 */
#pragma once

#include "base/err.h"

struct hv_capacity {
        uint64_t nano_cpus, memory_bytes, disk_bytes;
};

/* How many threads the kernel can have at a time; 0: it does not tell. Source: proc_sys_kernel(5), pid_max, threads-max. */
uint64_t hv_capacity_threads(void);

/* `dir` need not exist yet: the nearest directory above it counts. Cheap, but statvfs() waits for its disk. */
int hv_capacity_read(const char *dir, struct hv_capacity *ret, struct hv_err *err);

/* Processors that this process may run on. */
unsigned hv_host_count_cpus(void);

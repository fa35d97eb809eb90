/* host/figures.h - what the kernel's files say of the whole machine: text in, figures out.
 *
 * Model    Pure. false: not as expected, and *ret stays as it was.
 * Source   proc(5): /proc/stat, /proc/meminfo, /proc/loadavg, /proc/cpuinfo.
 */
#pragma once

#include "base/kernel_text.h"

/* Clock ticks since the machine started, of all processors. */
struct hv_cpu_ticks {
        uint64_t busy, total;
};

bool hv_host_cpu_ticks(const char *proc_stat, struct hv_cpu_ticks *ret);

/* Between two looks, 0..100 of all processors. false: no time has passed between them. */
bool hv_host_cpu_percent(const struct hv_cpu_ticks *before, const struct hv_cpu_ticks *now, double *ret);

struct hv_host_memory {
        uint64_t total_bytes,
                available_bytes; /* available: what programs can still have, caches given back */
        uint64_t free_bytes, cached_bytes, swap_total_bytes, swap_free_bytes;
};

bool hv_host_memory(const char *proc_meminfo, struct hv_host_memory *ret);

double hv_host_memory_percent(const struct hv_host_memory *m); /* used of all */

struct hv_host_load {
        double of_1_min, of_5_min, of_15_min;
        unsigned n_running, n_threads;
};

bool hv_host_load(const char *proc_loadavg, struct hv_host_load *ret);

#define HV_CPU_MODEL_SIZE 64

/* Of the first processor: "AMD EPYC"; and its frequency when the file was read, 0: not told. */
void hv_host_cpu_model(const char *proc_cpuinfo, char ret_model[HV_CPU_MODEL_SIZE], unsigned *ret_mhz);

/* Does what goes through it count as traffic of the machine? Not what goes on to another interface: loopback, the ends of
 * containers, bridges and tunnels (`device_type`: DEVTYPE of its uevent in /sys, NULL: none). */
bool hv_host_counts_interface(const char *name, const char *device_type);

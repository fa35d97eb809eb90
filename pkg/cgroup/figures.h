/* cgroup/figures.h - what the kernel counts for a cgroup and all below it: which file tells what, in both versions.
 *
 *      version 1   cpuacct.usage  memory.usage_in_bytes  memory.max_usage_in_bytes  memory.stat  memory.oom_control
 *                  pids.current   blkio.throttle.io_service_bytes_recursive   cpu.stat
 *      version 2   cpu.stat  memory.current  memory.peak (Linux 5.19)  memory.max  memory.stat  memory.events  pids.current
 *                  io.stat   cpu.pressure  memory.pressure  io.pressure
 *
 * Model    Pure: text in, figures out. Where both versions are mixed each file is looked for in the hierarchy that has it.
 * Units    microseconds, bytes. A figure without its bit in `known` is 0 and means nothing.
 * Source   Linux Documentation/admin-guide/cgroup-v1 (cpuacct.rst, memory.rst, blkio-controller.rst, pids.rst), cgroup-v2.rst.
 */
#pragma once

#include "base/kernel_text.h"

enum hv_cgroup_known {
        HV_CGROUP_CPU = 1 << 0,
        HV_CGROUP_THROTTLED = 1 << 1,
        HV_CGROUP_MEMORY = 1 << 2,
        HV_CGROUP_MEMORY_STAT = 1 << 3,
        HV_CGROUP_MEMORY_PEAK = 1 << 4,
        HV_CGROUP_MEMORY_LIMIT = 1 << 5,
        HV_CGROUP_OOM = 1 << 6,
        HV_CGROUP_PIDS = 1 << 7,
        HV_CGROUP_IO = 1 << 8,
};

struct hv_cgroup_figures {
        unsigned known; /* enum hv_cgroup_known */
        uint64_t cpu_us;
        uint64_t throttled_us; /* time that it could have run in, had it had more CPU */
        uint64_t memory_bytes; /* with the page cache */
        uint64_t inactive_file_bytes, anonymous_bytes;
        uint64_t memory_peak_bytes;
        uint64_t memory_limit_bytes;        /* 0: none. Version 1: the lowest on the way up */
        uint64_t n_oom_kills;               /* processes that the kernel killed in it, each of them */
        uint64_t n_pids;                    /* threads */
        uint64_t read_bytes, written_bytes; /* block devices */
        struct hv_pressure cpu_pressure, memory_pressure, io_pressure;
};

/* What it uses and cannot be taken from it without loss: without the page cache that nobody touched lately, as `docker stats` and
 * cAdvisor's "working set" tell it. */
uint64_t hv_cgroup_working_set(const struct hv_cgroup_figures *f);

struct hv_cgroup_file {
        const char *controller; /* of version 1; version 2 has one hierarchy */
        const char *name;
        bool is_v2;
        unsigned
                period; /* every so many looks are enough: 2 for what seldom moves, 4 for averages of some time */
        bool (*parse)(const char *text, struct hv_cgroup_figures *ret); /* false: not understood */
};

/* All of them, in the order in which they are read; NULL: past the last. */
const struct hv_cgroup_file *hv_cgroup_file_at(size_t i);

/* The line of /proc/PID/cgroup that is about a controller ("" version 2): the path of its cgroup, the caller frees it. With `id` the
 * path is cut behind the part that holds it: a program in a container may have made cgroups of its own. NULL: no such line, or
 * none with the id. */
char *hv_cgroup_path_of_process(const char *text, const char *controller, const char *id);

/* cgroup/caps.h - what a cgroup and all below it may take together: read, and written where no systemd keeps the folder.
 *
 *                    version 2                          version 1
 *      CPU           cpu.max                            cpu.cfs_quota_us, cpu.cfs_period_us
 *      memory        memory.max, memory.high            memory.limit_in_bytes
 *      processes     pids.max                           pids.max
 *
 * Units    10^-9 CPUs, bytes, threads; 0: no cap. CPU is written as time in each 100 ms, 1 ms at least.
 * Rules    - Memory is never capped below what is used: version 2 would kill for it. It is capped softly (memory.high), the kernel
 *            reclaims, and the answer is -EBUSY: try again later. Version 1 refuses with EBUSY by itself.
 *          - Version 1 has no soft cap of this kind, and refuses a cap of CPU that is below one of what is below (EINVAL).
 * Source   Linux Documentation: admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst.
 */
#pragma once

#include "cgroup/tree.h"

struct hv_cgroup_caps {
        uint64_t nano_cpus, memory_bytes, memory_high_bytes, pids;
};

enum hv_cgroup_cap { /* each of them, as a bit */
                     HV_CGROUP_CAP_CPU = 1 << 0,
                     HV_CGROUP_CAP_MEMORY = 1 << 1,
                     HV_CGROUP_CAP_MEMORY_HIGH = 1 << 2,
                     HV_CGROUP_CAP_PIDS = 1 << 3,
};

struct hv_cgroup_capped { /* as it is */
        struct hv_cgroup_caps caps;
        uint64_t memory_used_bytes;
        bool has_memory_high;
};

/* A limit of CPU below a cap is refused where it is above it. */
bool hv_cgroup_cpu_is_v1(const struct hv_cgroup_tree *t);

/* -ENOENT there is no such cgroup; a controller that is off there caps nothing. */
int hv_cgroup_caps_read(const struct hv_cgroup_tree *t, const char *path, struct hv_cgroup_capped *ret,
                        struct hv_err *err);

/* The same for who reads again and again: each file is opened once (cgroup/counters.h says why), and anew when its cgroup is gone. */
struct hv_cgroup_caps_files;
struct hv_cgroup_caps_files *hv_cgroup_caps_files_new(const struct hv_cgroup_tree *t); /* borrows the tree */
struct hv_cgroup_caps_files *hv_cgroup_caps_files_free(
        struct hv_cgroup_caps_files *files); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_cgroup_caps_files, hv_cgroup_caps_files_free);

int hv_cgroup_caps_read_again(struct hv_cgroup_caps_files *files, const char *path,
                              struct hv_cgroup_capped *ret, struct hv_err *err);

/* Makes the folders that are missing, and switches the controllers on down to it. What is as it should be is not written. */
int hv_cgroup_caps_write(const struct hv_cgroup_tree *t, const char *path, const struct hv_cgroup_caps *caps,
                         struct hv_err *err);

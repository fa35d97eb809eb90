/* cgroup/counters.h - the figures of one cgroup, read again and again: its files are opened once.
 *
 * Why      A read of a file that is open costs a fifth of opening, reading and closing it; asking the engine instead costs it
 *          3 ms of CPU and up to a second for each container.
 * Model    An open file outlives its cgroup: reading it is -ENODEV then. It holds on to the kernel's record of a cgroup that is
 *          gone, so whoever gets that answer closes.
 * Errors   -ENODEV the cgroup is gone; -ESRCH, -ENOENT it is not there. */
#pragma once

#include "cgroup/figures.h"
#include "cgroup/tree.h"

struct hv_cgroup_counters;

/* Of the container with this id, one process of which has `proc_dir` (an open /proc/PID, borrowed for the call): -ESRCH when that
 * process is not in it, a number may mean another process by now. */
int hv_cgroup_counters_of_process(const struct hv_cgroup_tree *t, int proc_dir, const char *id,
                                  struct hv_cgroup_counters **ret, struct hv_err *err);

/* Of a path, from the root of a hierarchy on: the same in each. */
int hv_cgroup_counters_of_path(const struct hv_cgroup_tree *t, const char *path,
                               struct hv_cgroup_counters **ret, struct hv_err *err);

struct hv_cgroup_counters *hv_cgroup_counters_free(struct hv_cgroup_counters *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_cgroup_counters, hv_cgroup_counters_free);

/* Whether the kernel ends it whole when its memory runs out (memory.oom.group). Version 2 of cgroups; 0 also where there is no such
 * thing. What is so already is not written; -ENOENT it is gone. */
int hv_cgroup_counters_oom_group(const struct hv_cgroup_counters *c, bool whole, struct hv_err *err);

/* CPU time, memory, processes and I/O are of now. What seldom moves (peak, limit, time throttled, kills) is of now or of the time before,
 * read every second time; pressures, which are averages, every fourth. A figure that cannot be read is unknown from the fourth time on. */
int hv_cgroup_counters_read(struct hv_cgroup_counters *c, struct hv_cgroup_figures *ret, struct hv_err *err);

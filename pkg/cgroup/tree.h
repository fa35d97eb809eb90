/* cgroup/tree.h - the kernel's tree of cgroups: its figures and its folders, in version 1, in version 2 and where both are mixed.
 *
 * Model    A path counts from the root of a hierarchy on. Version 1 has a hierarchy for each controller, and one path stands in
 *          many of them; version 2 has one. Which is where is read from the mounts once. A hierarchy of which only a part is
 *          mounted here (an agent in a container without a cgroup namespace of its own) is not used: paths would lead astray.
 * Cost     reading is two small files, without a disk behind them: for the loop's thread.
 * Errors   -ENOENT the cgroup is not there; -EOPNOTSUPP this kernel or this mount does not tell that; -ENODEV no hierarchy is
 *          mounted here at all.
 * Source   Linux Documentation/admin-guide/cgroup-v1 (cpuacct.rst, memory.rst), cgroup-v2.rst; proc_pid_mountinfo(5).
 */
#pragma once

#include "base/err.h"

struct hv_cgroup_tree;

/* `mountinfo`: NULL is /proc/self/mountinfo. */
int hv_cgroup_tree_new(const char *mountinfo, struct hv_cgroup_tree **ret, struct hv_err *err);
struct hv_cgroup_tree *hv_cgroup_tree_free(struct hv_cgroup_tree *t); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_cgroup_tree, hv_cgroup_tree_free);

/* Where a cgroup stands in the hierarchy that has a controller ("cpu", "memory", "pids"); it need not be there yet. */
struct hv_cgroup_place {
        char *dir;       /* the caller frees it */
        size_t root_len; /* its beginning is the mount point */
        bool is_v2;
};

int hv_cgroup_find(const struct hv_cgroup_tree *t, const char *controller, const char *path,
                   struct hv_cgroup_place *ret, struct hv_err *err);

/* Time of processors that it took, with all below it, also what is gone: microseconds. */
int hv_cgroup_cpu(const struct hv_cgroup_tree *t, const char *path, uint64_t *ret_us, struct hv_err *err);

/* The most memory that was charged to it and all below it at one time, page cache included. Version 2: Linux 5.19 and newer. */
int hv_cgroup_memory_peak(const struct hv_cgroup_tree *t, const char *path, uint64_t *ret_bytes,
                          struct hv_err *err);

/* Removes its folder in all hierarchies: only where it is empty, which is all that the kernel allows. 0 also where there is none;
 * -EBUSY: something is below it or runs in it. */
int hv_cgroup_remove(const struct hv_cgroup_tree *t, const char *path, struct hv_err *err);

/* In any hierarchy. */
bool hv_cgroup_is_there(const struct hv_cgroup_tree *t, const char *path);

/* Visits what stands right below it, in each hierarchy: a name may come more than once. */
void hv_cgroup_children(const struct hv_cgroup_tree *t, const char *path,
                        void (*visit)(const char *name, void *userdata), void *userdata);

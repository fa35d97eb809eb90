/* gpu/access.h - may what runs in a container still use its GPU?
 *
 * Why      A container's GPU is let through by the device controller of its cgroup. The runtime's hook for NVIDIA adds the device
 *          there, unknown to systemd: when systemd writes that controller anew ("systemctl daemon-reload", or an update of the
 *          container's limits), the device is gone for the container, which goes on and looks healthy.
 * Model    Version 1: the rules stand in devices.list of the cgroup; read, and nothing else. Version 2: the rules are a program of
 *          the kernel's, which cannot be read: a short-lived process joins the cgroup and asks access(2), which the kernel answers
 *          by that program without the device's driver being called. (It counts to the container's processes for less than a
 *          millisecond.)
 * Not      clone3(2) into the cgroup: RestrictNamespaces= of the unit answers it with ENOSYS, since a filter cannot see its flags.
 * Source   Linux Documentation/admin-guide/cgroup-v1/devices.rst, cgroup-v2.rst "Device controller"; fs/namei.c, inode_permission();
 *          systemd, seccomp_restrict_namespaces().
 */
#pragma once

#include "base/err.h"

#define HV_GPU_MAJOR 195 /* Linux Documentation/admin-guide/devices.txt: /dev/nvidia<minor> */

/* Does a devices.list let the character device through for reading and writing? Pure. */
bool hv_gpu_rules_allow(const char *devices_list, unsigned major, unsigned minor);

/* 0: yes. -EPERM: no. Else it cannot be said: `directory` is the cgroup's of version 1. */
int hv_gpu_access_v1(const char *directory, unsigned major, unsigned minor, struct hv_err *err);

/* The same for a directory of version 2, in which processes stand, and a device node of the machine. Makes a process, and waits for it
 * for HV_GPU_ACCESS_MS at most (-ETIMEDOUT: what stands in there is frozen): for the helper. */
#define HV_GPU_ACCESS_MS 2000
int hv_gpu_access_within(const char *directory, const char *device);

/* lib/devices/rules.h - the rules for devices of a cgroup of version 2, which are a program of the kernel's (BPF_CGROUP_DEVICE). Root. */
#pragma once

#include <stdbool.h>

/* Every device, or none, from now on, whatever the rules of this cgroup were. 0 or -errno. */
int hv_test_devices_replace(const char *cgroup, bool allow);

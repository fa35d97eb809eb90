/* cgroup/systemd.h - slices that systemd keeps: where an engine's containers hang below systemd's own tree.
 *
 * Model    systemd makes a slice, and those above it, when the first scope in it starts, and keeps it with its counters when that
 *          scope has ended (seen with 252, also over a daemon-reload): nothing has to be made here. It must be told when the slice
 *          is not needed any more; a folder that is removed behind its back would be made again.
 *          With version 1 of cgroups folders stay in the hierarchies that systemd does not use: hv_cgroup_remove() when it ended.
 * Source   org.freedesktop.systemd1(5), StopUnit(), SetUnitProperties(), StartUnit(), JobRemoved, Subscribe(); systemd.resource-control(5).
 */
#pragma once

#include "cgroup/caps.h"

struct sd_event;
struct hv_systemd;

/* A slice that was to be stopped has ended: what its folders hold elsewhere may go. `slice` ends with the call. */
typedef void hv_systemd_stopped_fn(void *userdata, const char *slice);

struct hv_systemd *hv_systemd_new(struct sd_event *event, hv_systemd_stopped_fn *stopped,
                                  void *userdata);        /* connects when it is first needed */
struct hv_systemd *hv_systemd_free(struct hv_systemd *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_systemd, hv_systemd_free);

/* Asks for its end; what comes of it is logged where it is not what was wanted. A scope in it would be stopped with it: only for
 * a slice in which nothing runs. Negative: systemd cannot be asked. */
int hv_systemd_stop_slice(struct hv_systemd *s, const char *slice, struct hv_err *err);

/* r: 0, -errno; the slice stands in the kernel's tree then, with these caps. */
typedef void hv_systemd_capped_fn(void *userdata, int r, const struct hv_err *err);

/* Gives a slice its caps, until the machine is started anew, and starts it. `which` (enum hv_cgroup_cap): the others stay what
 * they are.
 * `done` is called once, later, unless it was negative. Freeing cancels. */
int hv_systemd_cap_slice(struct hv_systemd *s, const char *slice, const struct hv_cgroup_caps *caps,
                         unsigned which, hv_systemd_capped_fn *done, void *userdata, struct hv_err *err);

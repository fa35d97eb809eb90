/* wireguard/launch.h - starts a wireguard-go that outlives the agent.
 *
 *      systemd runs the machine:   StartUnit hivelet-wg@NAME.service  (a unit and a cgroup of its own, its log in the journal)
 *      else:                       wireguard-go NAME                  (makes itself a daemon, in a session of its own)
 *
 * Model    Over when the program answers or has failed. wireguard-go ends its first process when its socket is there, so that both
 *          ways tell when it is ready. Nothing is kept of it: it is found again by its socket (uapi.h), and it ends by itself
 *          when its interface is deleted.
 * Why      A child of the agent would be in the agent's cgroup, which systemd empties when it stops, restarts or kills the
 *          agent's unit.
 * Environment  of the program: PATH and LOG_LEVEL=error, nothing of the agent's.
 */
#pragma once

#include "wireguard/backend.h"

#define HV_WG_PROGRAM "/usr/bin/wireguard-go"
#define HV_WG_LAUNCH_TIMEOUT_US (30 * HV_USEC_PER_SEC)

struct sd_event;

enum hv_wg_launch_way {
        HV_WG_LAUNCH_AUTO, /* by systemd where it runs the machine: sd_booted(3) */
        HV_WG_LAUNCH_SYSTEMD,
        HV_WG_LAUNCH_DETACHED,
};

/* HV_WG_LATER and a->done(), or -errno: -EOPNOTSUPP where there is no such program. hv_wg_launch_cancel() forgets the launch; what
 * was started goes on. */
int hv_wg_launch(struct sd_event *event, enum hv_wg_launch_way way, const char *program,
                 const char *interface, struct hv_wg_answer *a, struct hv_err *err);
void hv_wg_launch_cancel(struct hv_wg_answer *a);

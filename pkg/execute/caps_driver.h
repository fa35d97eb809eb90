/* execute/caps_driver.h - the driver that caps the node's slices, and reads them for the core.
 *
 *      engine with the driver cgroupfs   the files of the kernel are written (cgroup/caps.h)
 *      engine with the driver systemd    systemd is asked: what was written beside it would not stay
 *      no driver that is known           (podman without root) nothing can be capped: the core is told why
 *
 * Owner    the slice that resources.cgroup.slice names belongs to this node: a cap that the node asks for and somebody changes is
 *          drift. One that it does not ask for is left, unless hivelet set it (caps_record.h).
 */
#pragma once

#include "execute/driver.h"

struct hv_docker;
struct sd_event;

struct hv_caps_driver_options {
        struct sd_event *event;   /* borrowed, as the engine; both outlive it */
        struct hv_docker *docker; /* says which driver it has */
        const char *state_dir;    /* where it is kept which caps are hivelet's; NULL: nowhere */
        const char *mountinfo;    /* for tests; NULL: of this process */
        hv_driver_input_fn *input;
        void *input_userdata;
};

struct hv_driver *hv_caps_driver_new(const struct hv_caps_driver_options *options);

/* Reads each slice now, and gives one HV_INPUT_CAPS for each. False: the engine has not said yet what it is. */
bool hv_caps_driver_look(struct hv_driver *caps_driver, const char *slice);

/* execute/docker_driver.h - the driver for a container engine.
 *
 * Looks    CONNECT agrees on a version, asks what the engine is (once), opens the event stream where the last
 *          one ended, and is done when nothing can be missed any more. LIST asks for its parts at the same
 *          time; a part that fails is absent. INSPECT, INSPECT_IMAGE.
 * Effects  one call each; stop waits for the container's grace plus the call time, a pull as execute/image_fetch.h
 *          says.
 * Events   come as HV_INPUT_EVENT from CONNECT on; when the stream ends, one HV_INPUT_ENGINE_LOST.
 */
#pragma once

#include "docker/client.h"
#include "execute/driver.h"
#include "execute/image_fetch.h"

struct hv_attempt_cgroups;

struct hv_docker_driver_options {
        struct hv_docker *docker; /* borrowed; outlives the driver */
        const char *node_id;      /* copied */
        const char *work_root; /* of the tasks' workspaces; borrowed, outlives the driver; NULL: no tasks */
        struct hv_attempt_cgroups *cgroups; /* borrowed, outlives the driver; NULL: nothing is measured */
        hv_driver_input_fn *input;
        void *input_userdata;
        const struct hv_image_source
                *images;                 /* where pulls find logins and room; borrowed, outlives the driver */
        void (*no_room)(void *userdata); /* an image did not fit on the disk; may be NULL */
        void *userdata;                  /* of no_room */
};

struct hv_driver *hv_docker_driver_new(const struct hv_docker_driver_options *options);

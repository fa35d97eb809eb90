/* execute/docker_driver.h - the driver for a container engine.
 *
 * Looks    CONNECT agrees on a version, asks what the engine is (once), opens the event stream where the last
 *          one ended, and is done when nothing can be missed any more. LIST asks for its parts at the same
 *          time; a part that fails is absent. INSPECT, INSPECT_IMAGE.
 * Effects  one call each; stop waits for the container's grace plus the call time, a pull as long as data
 *          flows.
 * Events   come as HV_INPUT_EVENT from CONNECT on; when the stream ends, one HV_INPUT_ENGINE_LOST.
 */
#pragma once

#include "base/secret.h"
#include "docker/client.h"
#include "docker/image.h"
#include "execute/driver.h"

struct hv_attempt_cgroups;

struct hv_docker_driver_options {
        struct hv_docker *docker; /* borrowed; outlives the driver */
        const char *node_id;      /* copied */
        const char *work_root; /* of the tasks' workspaces; borrowed, outlives the driver; NULL: no tasks */
        struct hv_attempt_cgroups *cgroups; /* borrowed, outlives the driver; NULL: nothing is measured */
        hv_driver_input_fn *input;
        void *input_userdata;
        /* A secret of the desired state by its name, borrowed until the call returns; NULL: not known. */
        const struct hv_secret *(*secret)(void *userdata, const char *name);
        /* How far a pull is; may be NULL. */
        void (*progress)(void *userdata, const char *image, const struct hv_docker_progress *progress);
        void *userdata; /* of secret and progress */
};

struct hv_driver *hv_docker_driver_new(const struct hv_docker_driver_options *options);

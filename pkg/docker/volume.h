/* docker/volume.h - volumes of an engine; every field of a reply is optional, as in container.h. */
#pragma once

#include "docker/client.h"

struct hv_docker_volume {
        const char *name, *driver, *mountpoint;
        uint64_t created_us;
        struct hv_pairs labels, options; /* sorted by name */
};

struct hv_docker_volumes {
        const struct hv_docker_volume *v; /* sorted by name */
        size_t n;
};

struct hv_docker_volume_create {
        const char *name;   /* never empty: nobody would find an anonymous one again */
        const char *driver; /* NULL: "local" */
        struct hv_pairs labels, options;
};

struct hv_docker_call *hv_docker_volume_list(struct hv_docker *d, bool managed_only,
                                             struct hv_docker_then then); /* result->volumes */
struct hv_docker_call *hv_docker_volume_inspect(struct hv_docker *d, const char *name,
                                                struct hv_docker_then then); /* result->volume */

/* result->volume. An engine answers 201 with the existing volume when the name is taken: compare its labels.
 * REFUSED without a call for options of the driver "local" that would mount a path of the host. */
struct hv_docker_call *hv_docker_volume_create(struct hv_docker *d,
                                               const struct hv_docker_volume_create *create,
                                               struct hv_docker_then then);
struct hv_docker_call *hv_docker_volume_remove(struct hv_docker *d, const char *name,
                                               struct hv_docker_then then);

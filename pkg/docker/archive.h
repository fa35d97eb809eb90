/* docker/archive.h - files out of a container and into one, as a tar.
 *
 * Model    The engine packs and unpacks; the container need not run, and nothing of it is started. What a path leads to is followed
 *          in the container's own tree. hivelet itself never moves files this way (docs/security.md, S8): only who asks for it by
 *          hand does.
 * Source   Docker Engine API, "Get an archive of a filesystem resource in a container" and the two beside it; podman 4.3.1.
 */
#pragma once

#include "docker/client.h"

struct hv_docker_path {
        const char *name; /* its last component */
        uint64_t size_bytes;
        unsigned mode; /* as of stat(2) */
        uint64_t changed_us;
        const char *link; /* of a symbolic link: where it leads to; NULL: it is none */
};

/* result->path. NOT_FOUND: no such container, or no such path; an engine does not say which. */
struct hv_docker_call *hv_docker_archive_look(struct hv_docker *d, const char *container, const char *path,
                                              struct hv_docker_then then);

struct hv_docker_archive_sink {
        void (*data)(void *userdata, const char *data, size_t len); /* hv_docker_call_pause() holds it back */
        void *userdata;
};

/* What is at the path, with everything below it, named from its last component on. */
struct hv_docker_call *hv_docker_archive_get(struct hv_docker *d, const char *container, const char *path,
                                             const struct hv_docker_archive_sink *sink,
                                             struct hv_docker_then then);

struct hv_docker_archive_source {
        /* As of struct hv_request_options: 0 the end, -EAGAIN nothing before hv_docker_archive_wake(). */
        ssize_t (*read)(void *userdata, void *buf, size_t size);
        void *userdata;
};

/* Into a folder that is there. A folder is never replaced by a file, nor a file by a folder. CONFLICT, DENIED or REFUSED as the engine
 * says; what was unpacked until then stays. */
struct hv_docker_call *hv_docker_archive_put(struct hv_docker *d, const char *container, const char *folder,
                                             const struct hv_docker_archive_source *source,
                                             struct hv_docker_then then);
void hv_docker_archive_wake(struct hv_docker_call *call);

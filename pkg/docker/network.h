/* docker/network.h - networks of an engine. `id` is a name or an id; every field of a reply is optional, as
 * in container.h. */
#pragma once

#include "docker/client.h"

struct hv_docker_network {
        const char *id, *name, *driver, *scope;
        bool internal;
        const char *subnet, *gateway; /* of the first IPv4 pool */
        uint64_t created_us;
        struct hv_pairs labels, options; /* sorted by name */
        struct hv_strv containers;       /* full ids of those in it; inspect only */
};

struct hv_docker_networks {
        const struct hv_docker_network *v; /* sorted by name */
        size_t n;
};

struct hv_docker_network_create {
        const char *name;
        const char *driver; /* NULL: "bridge" */
        bool internal;
        const char *subnet, *gateway; /* NULL: the engine's choice */
        struct hv_pairs labels, options;
};

struct hv_docker_call *hv_docker_network_list(struct hv_docker *d, bool managed_only,
                                              struct hv_docker_then then); /* result->networks */
struct hv_docker_call *hv_docker_network_inspect(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then); /* result->network */

/* result->created. A taken name is CONFLICT. */
struct hv_docker_call *hv_docker_network_create(struct hv_docker *d,
                                                const struct hv_docker_network_create *create,
                                                struct hv_docker_then then);
/* With containers in it: CONFLICT or REFUSED (20.10 says 403: DENIED), as the engine likes. */
struct hv_docker_call *hv_docker_network_remove(struct hv_docker *d, const char *id,
                                                struct hv_docker_then then);

struct hv_docker_call *hv_docker_network_connect(struct hv_docker *d, const char *id, const char *container,
                                                 const struct hv_strv *aliases, /* may be NULL */
                                                 struct hv_docker_then then);
struct hv_docker_call *hv_docker_network_disconnect(struct hv_docker *d, const char *id,
                                                    const char *container, bool force,
                                                    struct hv_docker_then then);

/* cli/convert_compose.h - what the parts of the conversion of a compose file share.
 *
 *      convert_compose.c          the file: variables, services, and what they name (networks, volumes, secrets, configs)
 *      compose_service.c          a service: image, command, variables, health, resources, end
 *      compose_attach.c           what is attached to it: networks, mounts, ports, files of secrets and configs
 *
 * Source   https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */
#pragma once

#include "cli/convert_part.h"
#include "cli/convert_variables.h"

/* One of the lists at the top: what it says, and which of it a service names. */
struct hv_compose_objects {
        struct hv_part part;
        struct hv_convert_words used; /* keys */
};

struct hv_compose {
        struct hv_convert *c;
        const struct hv_convert_world *world;
        struct hv_variables variables;
        const char *project; /* a name that hivelet takes */
        struct hv_part services;
        struct hv_compose_objects networks, volumes, secrets, configs;
        struct hv_convert_words anonymous; /* volumes that have a name only here */
        bool wants_capabilities;           /* a service may start as root with what Docker gives it */
        struct hv_err *err;
};

/* A service on its way. */
struct hv_compose_service {
        struct hv_compose *m;
        struct hv_part part;
        const char *key, *name; /* as it was written; as hivelet takes it */
        unsigned replicas;
        bool is_host_network;
};

/* Keys that begin with x- are for the author of the file. */
void hv_compose_tell_rest(struct hv_part *p);
/* What brings something in from other files. */
void hv_compose_tell_merge(struct hv_part *p, const char *key);
void hv_compose_use(struct hv_compose_objects *o, const char *key);
/* Is it one of those that are carried over, by its profiles? */
bool hv_compose_is_chosen(struct hv_compose *m, const char *service);
/* The name of a network or volume: an external one has its own, the default network that of the project. */
const char *hv_compose_name(struct hv_compose *m, const struct hv_compose_objects *o, const char *key);
/* The path of the host that such a volume is; NULL: it is one. */
const char *hv_compose_bound(const struct hv_compose *m, const char *volume);
/* Absolute, without "." and ".."; a relative one begins at the folder of the file. */
const char *hv_compose_path(struct hv_compose *m, const char *path);
/* Texts of a list, or of "NAME: VALUE" as "NAME=VALUE". */
void hv_compose_pairs(struct hv_part *p, const char *key, struct hv_convert_words *ret);
void hv_compose_put_map(struct hv_part *p, const char *key, const char *name);

int hv_compose_service(struct hv_compose *m, const struct hv_node *key, const struct hv_node *service);

int hv_compose_put_networks(struct hv_compose_service *s);
void hv_compose_put_mounts(struct hv_compose_service *s);
void hv_compose_put_ports(struct hv_compose_service *s);
void hv_compose_put_files(struct hv_compose_service *s);

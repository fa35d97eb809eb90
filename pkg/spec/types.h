/* spec/types.h - documents as typed structs: what was written, with defaults, before lowering.
 *
 * Model    One struct per mapping of the schema (spec/schema.h), members in its order. Each starts with
 *          `node`, the mapping it was decoded from: NULL when it was absent, and then the members hold the
 *          defaults. Whether a field was written, and where, the node tells: hv_node_get(x->node,
 *          "replicas"). Checks point messages at hv_node_at(x->node, "ports[0].host").
 * Units    _us microseconds, _bytes bytes, _milli thousandths (of a factor), nano_cpus as the engine counts.
 * Owner    The arena of the load (spec/load.h), as everything the structs point at.
 */
#pragma once

#include "spec/types_node.h"
#include "spec/types_unit.h"

/* `spec` of NodeState; the lists hold the objects of every document. */
struct hv_spec_state {
        const struct hv_node *node;
        struct hv_spec_node host; /* field `node` */
        struct hv_spec_resources resources;
        HV_SPEC_LIST(struct hv_spec_registry) registries;
        struct hv_spec_images images;
        HV_SPEC_LIST(struct hv_spec_network) networks;
        HV_SPEC_LIST(struct hv_spec_volume) volumes;
        HV_SPEC_LIST(struct hv_spec_secret) secrets;
        HV_SPEC_LIST(struct hv_spec_config) configs;
        HV_SPEC_LIST(struct hv_spec_wireguard) wireguard;
        HV_SPEC_LIST(struct hv_spec_service) services;
        struct hv_spec_task_defaults task_defaults;
        HV_SPEC_LIST(struct hv_spec_task) tasks;
        HV_SPEC_LIST(struct hv_spec_cron_task) cron_tasks;
        struct hv_spec_master master;
        struct hv_spec_trust trust;
        struct hv_spec_http http;
        struct hv_spec_gc gc;
        struct hv_spec_logging logging;
        HV_SPEC_LIST(struct hv_spec_source) sources;
};

struct hv_spec_tree {
        struct hv_arena *arena;
        const struct hv_spec_document *documents;
        size_t n_documents;
        const char *const *files; /* their names, by hv_pos.file */
        size_t n_files;
        const struct hv_spec_document *primary; /* the NodeState; its root is NULL where none was given */
        const char *node_id;                    /* node.id, else metadata.name, else the host name */
        bool complete; /* false: a file or a document could not be read, so what is missing may be there */
        struct hv_spec_state state;                      /* lists sorted by name */
        HV_SPEC_LIST(struct hv_spec_wireguard) declared; /* interfaces as they were written (spec/join.h) */
};

/* An object by name; NULL when there is none. Not for HV_KIND_NODESTATE. */
const struct hv_spec_object *hv_spec_find(const struct hv_spec_tree *t, enum hv_kind kind, const char *name);

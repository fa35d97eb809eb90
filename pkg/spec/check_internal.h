/* spec/check_internal.h - what the parts of the check share.
 *
 * Model    check.c makes one hv_check and runs the parts, one file a theme. Parts only add findings; they see a tree whose
 *          decoding may have gone wrong, where a member that could not be read has its default, so each of them passes
 *          over what it does not understand: whoever decoded it has said so.
 */
#pragma once

#include "base/map.h"
#include "spec/check.h"
#include "spec/value.h"

#define HV_DOCKER_MIN_MEMORY (UINT64_C(6) << 20) /* moby/daemon: linuxMinMemory */

/* A service, a task, or the task of a cron task: what runs in a container, seen alike. */
struct hv_check_unit {
        enum hv_kind kind;
        const struct hv_spec_object *object;   /* who is named in messages */
        const struct hv_node *node;            /* mapping that holds the fields */
        const struct hv_spec_service *service; /* one of these two is set */
        const struct hv_spec_task *task;
        const char *image, *network;
        int pull_policy;
        const struct hv_spec_env *env;
        const struct hv_spec_mount *mounts;
        const struct hv_spec_secret_use *secrets;
        const struct hv_spec_config_use *configs;
        const struct hv_spec_depends_on *depends_on;
        size_t n_env, n_mounts, n_secrets, n_configs, n_depends_on;
        const struct hv_spec_unit_resources *resources;
        const struct hv_spec_security *security;
        unsigned replicas;
};

struct hv_check {
        const struct hv_spec_tree *tree;
        const struct hv_spec_state *state;
        const struct hv_spec_policy *policy;
        const struct hv_spec_facts *facts; /* NULL: the text alone is judged */
        struct hv_diags *diags;
        struct hv_arena *arena;            /* for the time of the check */
        const struct hv_check_unit *units; /* services, tasks, cron tasks, each in the order of the tree */
        size_t n_units;
        bool one;                        /* units[0] alone is judged, a task that is not in the tree */
        struct hv_map *services, *tasks; /* name -> unit, for hv_check_find() */
};

/* The parts, in the order in which they run. */
void hv_check_formats(const struct hv_check *c);      /* every text by its hv_format, labels */
void hv_check_references(const struct hv_check *c);   /* names of other objects; unused ones */
void hv_check_dependencies(const struct hv_check *c); /* dependsOn: conditions, cycles */
void hv_check_mounts(const struct hv_check *c);       /* targets, host paths, sockets */
void hv_check_images(const struct hv_check *c);       /* policy, :latest */
void hv_check_ports(const struct hv_check *c);        /* host ports, replicas, policy, hivelet's own */
void hv_check_subnets(const struct hv_check *c);      /* overlaps, gateways, host network */
void hv_check_wireguard(const struct hv_check *c);
void hv_check_units(const struct hv_check *c);      /* resources, security, environment */
void hv_check_services(const struct hv_check *c);   /* probes, updates, replicas */
void hv_check_tasks(const struct hv_check *c);      /* inputs, outputs, timeouts, checkpoints, what fits */
void hv_check_containers(const struct hv_check *c); /* two of one name */
void hv_check_node(const struct hv_check *c);       /* watermarks, trust, admission, hardware */
void hv_check_gpus(const struct hv_check *c); /* with facts: what is declared of them, and what there is */
void hv_check_endpoints(const struct hv_check *c); /* master, http, sources: plain text, TLS, loops */
void hv_check_files(const struct hv_check *c);     /* with facts: files and their modes */

/* GPUs of this machine that are given away and have that much memory; where they are known. */
unsigned hv_check_count_gpus(const struct hv_check *c, uint64_t memory_bytes);
/* "2 GPUs with 12Gi" */
const char *hv_check_gpus_text(const struct hv_check *c, unsigned n, uint64_t memory_bytes);

/* The service or task of this name; NULL when there is none. */
const struct hv_check_unit *hv_check_find(const struct hv_check *c, enum hv_kind kind, const char *name);

/* A fault of a value parser, at a node. */
void hv_check_fault(const struct hv_check *c, const struct hv_node *at, const struct hv_fault *fault);

/* Node of the field, or the mapping itself: something to point at in any case. */
const struct hv_node *hv_check_field(const struct hv_node *mapping, const char *field);

/* Element `text` of the list `field` (or the field itself where it is one text). */
const struct hv_node *hv_check_item(const struct hv_node *mapping, const char *field, const char *text);

/* "service", "cron task", "WireGuard": as messages call a kind. */
const char *hv_check_word(enum hv_kind kind);

/* "512Mi", "1500m", "90s" in the memory of the findings; a duration as it was written where it was. */
const char *hv_check_bytes(const struct hv_check *c, uint64_t bytes);
const char *hv_check_cpus(const struct hv_check *c, uint64_t nano_cpus);
const char *hv_check_duration(const struct hv_check *c, uint64_t us, const struct hv_node *written);

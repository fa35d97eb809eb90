/* reconcile/observed.h - what an engine was seen to hold.
 *
 * Model    Plain data that a shell (pkg/execute, the simulator) fills from whatever it talks to. `ours` is
 *          decided there, by the labels of reconcile/labels.h and the node's id; the core never looks at a
 *          label again.
 * Owner    borrowed for the length of one hv_core_input() call: the core copies what it keeps.
 */
#pragma once

#include "reconcile/reason.h"
#include "spec/desired.h"

enum hv_container_state {
        HV_CONTAINER_CREATED,
        HV_CONTAINER_RUNNING,
        HV_CONTAINER_PAUSED,
        HV_CONTAINER_RESTARTING, /* by the engine's own restart policy, which hivelet never sets */
        HV_CONTAINER_REMOVING,
        HV_CONTAINER_EXITED,
        HV_CONTAINER_DEAD,
};

struct hv_seen_endpoint {
        const char *network;    /* name */
        const char *network_id; /* may be NULL */
};

struct hv_seen_container {
        const char *id;   /* full id */
        const char *name; /* without the slash */
        bool ours;
        const char *kind, *object; /* labels; NULL on strangers */
        unsigned replica;
        const char *gpus;          /* label: UUIDs that it was given, commas between them; NULL: none */
        bool tells_gpu_memory;     /* label; false: who made it wrote none that can be read */
        uint64_t gpu_memory_bytes; /* ... of each; 0: it has them alone */
        bool is_builder;           /* installs packages for task `object`; `kind` is HV_LABEL_KIND_BUILDER */
        const char *digest, *revision; /* labels; NULL on strangers */
        const char *image;             /* as the engine names it; for display */
        enum hv_container_state state;
        const struct hv_seen_endpoint *endpoints;
        size_t n_endpoints;
        const char *const *volumes; /* names of mounted volumes */
        size_t n_volumes;

        bool detailed; /* from an inspect: what follows is known */
        int exit_code;
        bool oom_killed;
        const char *error;                /* State.Error; NULL or "" when none */
        uint64_t started_us, finished_us; /* wall clock, 0 = never; for display */
        struct hv_limits limits;
        bool restart_policy_set; /* somebody gave it a restart policy of the engine's */
        /* Since the machine was booted nothing of it has run: the kernel would know of a start, or the engine tells why its start
         * failed. False: nobody can tell. */
        bool never_ran;
};

struct hv_seen_network {
        const char *id, *name, *driver;
        bool ours;
        const char *digest;
};

struct hv_seen_volume {
        const char *name, *driver;
        bool ours;
        bool reclaim_delete; /* its label: what the declaration that made it said */
        const char *digest;
};

/* Parts of a listing; a part that was not asked for, or not read to its end, is not there. */
enum hv_look {
        HV_LOOK_CONTAINERS = 1 << 0,
        HV_LOOK_NETWORKS = 1 << 1,
        HV_LOOK_VOLUMES = 1 << 2,
        HV_LOOK_ALL = HV_LOOK_CONTAINERS | HV_LOOK_NETWORKS | HV_LOOK_VOLUMES,
};

struct hv_listing {
        unsigned parts; /* enum hv_look: the parts that are complete */
        const struct hv_seen_container *containers;
        size_t n_containers;
        const struct hv_seen_network *networks;
        size_t n_networks;
        const struct hv_seen_volume *volumes;
        size_t n_volumes;
};

enum hv_tunnel_state {
        HV_TUNNEL_UNKNOWN, /* it cannot be looked at */
        HV_TUNNEL_ABSENT,
        HV_TUNNEL_OURS,
        HV_TUNNEL_FOREIGN, /* an interface of this name is somebody else's */
};

/* What a slice and all below it may take together; 0: no cap. */
struct hv_caps {
        struct hv_limits limits;
        uint64_t memory_high_bytes; /* soft: from there on the kernel reclaims; version 2 of cgroups only */
};

enum hv_cap { /* each of them, as a bit */
              HV_CAP_CPU = 1 << 0,
              HV_CAP_MEMORY = 1 << 1,
              HV_CAP_MEMORY_HIGH = 1 << 2,
              HV_CAP_PIDS = 1 << 3,
};

enum hv_caps_place {
        HV_CAPS_NODE,  /* resources.cgroup.slice */
        HV_CAPS_TASKS, /* the slice of all tasks below it */
        HV_N_CAPS
};

enum hv_caps_state {
        HV_CAPS_UNKNOWN, /* it cannot be looked at, or not be set: `message` says why */
        HV_CAPS_ABSENT,  /* there is no such cgroup: it has no caps */
        HV_CAPS_THERE,
};

/* One of these slices as the kernel shows it, and what the machine has. */
struct hv_seen_caps {
        enum hv_caps_place place;
        enum hv_caps_state state;
        const char *slice;
        struct hv_caps caps;
        unsigned foreign;     /* enum hv_cap: of those that are set, which somebody else set */
        bool has_memory_high; /* this kernel knows a soft cap */
        bool cpu_is_v1;       /* a limit of CPU below it must not be above its own */
        uint64_t machine_nano_cpus, machine_memory_bytes, machine_threads;
        const char *message; /* may be NULL */
};

/* One WireGuard interface, looked at by whoever keeps it as the revision in force wants it (pkg/wireguard). */
struct hv_seen_tunnel {
        const char *name;
        enum hv_tunnel_state state;
        const char *digest;    /* of the hv_tunnel that it is as; NULL: it is not as any */
        bool healthy;          /* by the rule of that hv_tunnel */
        enum hv_reason reason; /* SYNCED, or why it is as none, or not healthy */
        const char *message;   /* ... in words; may be NULL */
};

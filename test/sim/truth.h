/* truth.h - what really is: the engine's containers, networks, volumes and images.
 *
 * Model    Whoever changes something (an action, a person, a process that ends) does it through these functions.
 * Each change gets a tick, later ones higher ones, and sends its event; the oracle reads ticks to know what the
 * core could know. What is gone stays in the list (`exists` false), so that every id can be judged for ever.
 * Source   states, exit codes and event names: Engine API 1.41, checked against docker.io 20.10.24.
 */
#pragma once

#include "base/vec.h"
#include "reconcile/observed.h"

struct sim;

#define SIM_MAX_NETWORKS 6 /* of one container */
#define SIM_MAX_VOLUMES 6

enum sim_owner {
        SIM_OWNER_NODE,       /* carries our mark and our node's id */
        SIM_OWNER_OTHER_NODE, /* carries our mark and another node's id: a stranger */
        SIM_OWNER_STRANGER,
};

struct sim_container {
        const char *id, *name;
        const char *former_name; /* before somebody renamed it; NULL: never */
        enum sim_owner owner;
        enum hv_kind kind;  /* label: service or task */
        bool is_builder;    /* label: the kind that no document has; installs packages for task `object` */
        const char *object; /* label */
        unsigned replica;
        const char *digest, *revision, *image;
        bool exists;
        enum hv_container_state state;
        struct hv_limits limits;
        bool restart_policy;
        const char *networks[SIM_MAX_NETWORKS];
        const char *network_ids[SIM_MAX_NETWORKS]; /* NULL until it first runs there */
        unsigned n_networks;
        const char *volumes[SIM_MAX_VOLUMES];
        unsigned n_volumes;
        int exit_code;
        bool oom_killed;
        const char *error;
        uint64_t started_us, finished_us; /* virtual */
        uint64_t started_wall_us, finished_wall_us;
        uint64_t listed_running_until_us; /* a list says so until then */
        unsigned run;          /* counts starts: an end that was planned for an older run is void */
        bool ended_by_itself;  /* the last end: no doing of an action or a person */
        uint64_t restarted_by; /* number of the core that restarted it last, and how often without a rest */
        unsigned n_restarts, restart_run;
        bool start_was_told;
        bool run_is_hivelets;        /* the present or last run was begun by an action */
        bool was_started_by_hivelet; /* some run was */
        uint64_t promise;            /* ... for this promise of its task: its number; 0: none */
        unsigned n_runs_of_others;
        bool is_touched;  /* a start of it got as far as the kernel */
        const char *gpus; /* label: UUIDs, commas between them; NULL: none */
        unsigned n_gpus;  /* that it asked for, each with so much memory; 0: all of it */
        uint64_t gpu_memory_bytes;
        bool gpu_denied;      /* it may not use them any more */
        bool doomed;          /* a removal by somebody else is under way */
        unsigned detail_mark; /* counts changes of limits and restart policy */

        uint64_t tick, detail_tick; /* of the last change that a list shows; that only an inspect shows */
        uint64_t tick_before;       /* of the change before that one */
        uint64_t known_tick, known_detail_tick;  /* of what the present core was told */
        uint64_t joined_tick, known_joined_tick; /* the same of its networks */
        uint64_t joined_tick_before;
        uint64_t last_word; /* number of the core's input that last told of it, looks apart */
};

struct sim_network {
        const char *id, *name, *driver, *digest;
        enum sim_owner owner;
        bool exists;
        uint64_t tick, known_tick;
};

struct sim_volume {
        const char *name, *driver, *digest;
        enum sim_owner owner;
        bool exists, reclaim_delete;
        uint64_t tick, known_tick;
};

struct sim_image {
        const char *ref;
        bool present;
};

struct sim_truth {
        HV_VEC(struct sim_container *) containers;
        HV_VEC(struct sim_network *) networks;
        HV_VEC(struct sim_volume *) volumes;
        HV_VEC(struct sim_image *) images;
        uint64_t tick;
        bool engine_up;
        bool has_update;            /* the engine can change a container in place */
        uint64_t hangs_until_us;    /* requests are accepted and not answered until then */
        uint64_t n_foreign_changes; /* by people, failing processes, restarts: not by actions */
};

struct sim_truth *sim_truth_new(struct sim *s);
void sim_truth_done(struct sim_truth *t);

/* Containers. A name or an id finds what exists; an id alone finds what once was, too. */
struct sim_container *sim_container_add(struct sim *s, const char *name, enum sim_owner owner);
struct sim_container *sim_container_find(const struct sim *s, const char *id_or_name);
struct sim_container *sim_container_by_id(const struct sim *s, const char *id);
void sim_container_made(struct sim *s, struct sim_container *k); /* all fields are set: sends the event */
void sim_container_run(struct sim *s, struct sim_container *k);
void sim_container_end(struct sim *s, struct sim_container *k, int exit_code, bool oom_killed);
void sim_container_start_failed(struct sim *s, struct sim_container *k, const char *error);
void sim_container_pause(struct sim *s, struct sim_container *k, bool pause);
void sim_container_rename(struct sim *s, struct sim_container *k, const char *name);
void sim_container_update(struct sim *s, struct sim_container *k, const struct hv_limits *limits,
                          bool restart_policy);
bool sim_container_is_on(const struct sim_container *k, const char *network);
void sim_container_join(struct sim *s, struct sim_container *k, const char *network);
void sim_container_leave(struct sim *s, struct sim_container *k, const char *network);
void sim_container_remove(struct sim *s, struct sim_container *k);
/* `removing` now, gone after a while. */
void sim_container_doom(struct sim *s, struct sim_container *k, uint64_t span_us);
bool sim_container_is_up(const struct sim_container *k); /* has a process: running or paused */

struct sim_network *sim_network_add(struct sim *s, const char *name, const char *driver, enum sim_owner owner,
                                    const char *digest);
struct sim_network *sim_network_find(const struct sim *s, const char *id_or_name);
bool sim_network_is_used(const struct sim *s, const struct sim_network *n); /* by something that runs */
void sim_network_remove(struct sim *s, struct sim_network *n);

struct sim_volume *sim_volume_add(struct sim *s, const char *name, const char *driver, enum sim_owner owner,
                                  const char *digest, bool reclaim_delete);
struct sim_volume *sim_volume_find(const struct sim *s, const char *name);
bool sim_volume_is_used(const struct sim *s, const struct sim_volume *v); /* by any container */
void sim_volume_remove(struct sim *s, struct sim_volume *v);

struct sim_image *sim_image_get(struct sim *s, const char *ref);
void sim_image_set(struct sim *s, struct sim_image *i, bool present);

/* spec/desired.h - what a node should run, after lowering: typed, complete, no default left open.
 *
 * Model    The loader (spec/load.h) turns documents into this one value; planner, guard, status and engine driver read
 *          it and nothing else of a document. One *unit* is one container with what it needs; a service of three
 *          replicas is three units. Networks and volumes are objects of their own; a network that a unit joins without
 *          anybody declaring it ("hivemind") is declared implicitly.
 * Digests  cover the fields whose change needs a new object in the engine, in a canonical form (see spec/digest.h);
 *          what can be changed in place (limits) is left out and compared with what the engine shows.
 * Owner    everything lives in one arena: hv_desired_unref() ends all of it. Values are never changed once built, so
 *          several holders may share one (hv_desired_ref()).
 */
#pragma once

#include "base/sha256.h"
#include "base/time.h"
#include "spec/kind.h"
#include "spec/value_cron.h"

struct hv_arena;
struct hv_node;
struct hv_spec_tree;
struct hv_spec_wireguard; /* spec/types.h */
struct hv_task;           /* spec/task.h */
struct hv_task_types;     /* spec/task_type.h */

struct hv_strv { /* a list of texts; v[n] is NULL */
        const char *const *v;
        size_t n;
};

struct hv_pair {
        const char *name, *value;
};

struct hv_pairs { /* sorted by name, names unique */
        const struct hv_pair *v;
        size_t n;
};

enum hv_pull_policy {
        HV_PULL_MISSING,
        HV_PULL_ALWAYS, /* before each creation of a container, not before a restart */
        HV_PULL_NEVER,
};

enum hv_restart_policy {
        HV_RESTART_ALWAYS,
        HV_RESTART_ON_FAILURE,
        HV_RESTART_NEVER,
};

enum hv_condition_wanted { /* dependsOn[].condition */
                           HV_WANT_STARTED,
                           HV_WANT_READY,
                           HV_WANT_COMPLETED,
                           HV_WANT_HEALTHY,
};

enum hv_mount_type {
        HV_MOUNT_VOLUME,    /* source is a volume's name */
        HV_MOUNT_HOST_PATH, /* source is an absolute path inside node.policy.hostPaths */
        HV_MOUNT_TMPFS,     /* source is NULL, size_bytes may be set */
        HV_MOUNT_WORKSPACE, /* source is NULL: whoever made the attempt's workspace knows its path */
        HV_MOUNT_PACKAGES,  /* the same: installed Python packages, read-only */
};

struct hv_mount {
        enum hv_mount_type type;
        const char *source, *target;
        bool read_only;
        uint64_t size_bytes;
};

struct hv_port {
        const char *name;         /* may be NULL */
        uint16_t container, host; /* host 0: the engine picks one */
        const char *protocol;     /* "tcp", "udp", "sctp" */
        const char *address; /* the bind class resolved: "127.0.0.1", "0.0.0.0", the tunnel's address; NULL
                                         * where the class has no address (yet): the unit waits */
        const char *bind;    /* as written: "loopback", "wireguard", "public" or an address */
        const char *tunnel;  /* the interface that the address is one of; NULL: no declared one */
};

struct hv_unit_network {
        const char *name;
        struct hv_strv aliases;
};

struct hv_limits {             /* 0 = no limit; changed in place, not part of the digest */
        uint64_t memory_bytes; /* the swap limit is the same: no swap */
        uint64_t nano_cpus;    /* 10^9 = one CPU */
        uint64_t pids;
};

struct hv_security {
        bool read_only_root, no_new_privileges, privileged, init;
        const char *user; /* NULL: the image's */
        bool drop_all;
        struct hv_strv drop_capabilities, add_capabilities; /* without CAP_, upper case, sorted */
};

struct hv_backoff_spec {
        uint64_t initial_us, max_us, reset_after_us;
        uint32_t factor_milli; /* 2000 = doubles */
};

struct hv_dependency {
        enum hv_kind kind; /* HV_KIND_SERVICE, HV_KIND_TASK, HV_KIND_WIREGUARD */
        const char *name;
        enum hv_condition_wanted condition;
};

/* Where an object stands in the documents, for messages and for `hivectl explain`. */
struct hv_origin {
        const char *source; /* "file", "api", ... */
        const char *file;
        unsigned line, column;
};

struct hv_unit {
        enum hv_kind kind;     /* HV_KIND_SERVICE, HV_KIND_TASK */
        const char *object;    /* name of the service: "web"; id of the task: "sieve-0f3a9c21" */
        unsigned replica;      /* 1..; of a task: the attempt */
        const char *key;       /* "service/web/1", "task/sieve-0f3a9c21/1": unique, stable over revisions */
        const char *container; /* "hive-web", "hive-web-2", "task-sieve-0f3a9c21" */

        const char *image; /* full name with tag or digest: "docker.io/library/nginx:1.27-alpine" */
        enum hv_pull_policy pull_policy;
        bool has_command, has_args;             /* false: the image's own */
        struct hv_strv command, args;           /* ENTRYPOINT, CMD */
        const char *workdir;                    /* NULL: the image's */
        const char *hostname;                   /* NULL: the engine's choice */
        struct hv_pairs env;                    /* sorted by name */
        struct hv_pairs labels;                 /* the user's, without hivelet's own */
        const char *network_mode;               /* "none", "host", or NULL: `networks` */
        const struct hv_unit_network *networks; /* sorted by name; the first one is joined at creation */
        size_t n_networks;
        const struct hv_mount *mounts; /* sorted by target */
        size_t n_mounts;
        const struct hv_port *ports; /* sorted by port of the container, port of the host, protocol */
        size_t n_ports;
        struct hv_limits limits;
        unsigned n_gpus; /* that it has while it is there: which ones is decided when it is made */
        uint64_t
                gpu_memory_bytes; /* that each of them must have, or has left for it; 0: any, and all of it */
        struct hv_security security;
        const char *stop_signal; /* "SIGTERM" */
        uint64_t stop_grace_us;
        const char *log_driver; /* NULL: the engine's default */
        struct hv_pairs log_options;
        const char *
                cgroup_parent; /* path of the slice, without the driver's own form; NULL: the engine's default */

        enum hv_restart_policy restart;
        struct hv_backoff_spec backoff;
        const struct hv_dependency *depends_on;
        size_t n_depends_on;
        bool adopt;     /* annotation hivelet/adopt: an unlabelled container of this name may be replaced */
        bool suspended; /* node.docker.enabled false */

        struct hv_origin origin;
        char digest[HV_SHA256_HEX_SIZE];
};

struct hv_network {
        const char *name;        /* the engine's name too */
        const char *driver;      /* "bridge" */
        bool internal, implicit; /* implicit: joined by somebody, declared by nobody */
        bool use_foreign;        /* an unlabelled network of this name is used when its driver fits, and never
                                         * changed or removed (the documented network "hivemind") */
        const char *subnet, *gateway; /* NULL: the engine's choice */
        struct hv_pairs options, labels;
        struct hv_origin origin;
        char digest[HV_SHA256_HEX_SIZE];
};

struct hv_volume {
        const char *name;
        const char *driver; /* "local" */
        struct hv_pairs options, labels;
        bool reclaim_delete; /* false: kept when it leaves the desired state */
        bool exclusive;
        struct hv_origin origin;
        char digest[HV_SHA256_HEX_SIZE];
};

struct hv_tunnel { /* a WireGuard interface */
        const char *name;
        const struct hv_spec_wireguard
                *spec; /* of the tree: what it is to be is made of that where the keys are (pkg/wireguard) */
        struct hv_origin origin;
        char digest[HV_SHA256_HEX_SIZE]; /* of all of it */
};

struct hv_registry {
        const char *name, *host;
        const char *auth_secret; /* name of a secret that holds a Docker config.json; NULL: anonymous */
        struct hv_strv mirrors;
};

/* Every declared object, the ones nothing acts on yet included: what `get`, the guard and the API list. */
struct hv_object {
        enum hv_kind kind;
        const char *name;
        unsigned n_units; /* of a service: its replicas */
        struct hv_pairs labels;
        struct hv_origin origin;
};

enum hv_cron_concurrency {                  /* the next run is due while the last one still goes on */
                           HV_CRON_FORBID,  /* it is left out */
                           HV_CRON_ALLOW,   /* both go on */
                           HV_CRON_REPLACE, /* the last one is stopped */
};

enum hv_cron_missed { /* runs that were due while the node was off */
                      HV_CRON_RUN_ONCE,
                      HV_CRON_SKIP,
                      HV_CRON_RUN_ALL,
};

/* Makes tasks at given times: when they are is spec/cron_next.h, one of them is hv_cron_run() (spec/task.h). */
struct hv_cron_task {
        const char *name;
        struct hv_cron schedule;
        const char *schedule_text; /* as written: "15 3 * * *" */
        const char *zone;          /* IANA name: "Europe/Berlin", "UTC" */
        enum hv_cron_concurrency concurrency;
        enum hv_cron_missed missed;
        uint64_t starting_deadline_us;       /* after the scheduled time; HV_TIME_NEVER: none */
        uint64_t jitter_us;                  /* a run begins up to this much later */
        unsigned keep_success, keep_failed;  /* ended runs that are remembered */
        const char *document;                /* the Task of each run, without a run's id */
        const struct hv_node *tree;          /* its fields as they were read */
        struct hv_pairs labels, annotations; /* of the containers, not of the cron task */
        char digest[HV_SHA256_HEX_SIZE];     /* of the document's meaning */
        bool suspended;                      /* node.docker.enabled false */
        struct hv_origin origin;
};

struct hv_amounts { /* of a node; 0: nothing is held back, or all that the machine has */
        uint64_t nano_cpus, memory_bytes, disk_bytes;
};

struct hv_trust_settings {
        int success, failure;  /* what one end of a task adds: 2, -5 */
        unsigned high, medium; /* scores from which a node is in the group */
        bool count_task_faults;
};

struct hv_pressure_rules { /* gc.pressure, when the machine runs short; 0: does not count */
        unsigned memory_some10_percent, disk_free_percent;
        unsigned cpu_used_percent, max_celsius;
        unsigned engine_disk_percent; /* gc.disk.high: above it, when nothing more may be collected */
        unsigned memory_used_percent; /* above it a collection is started: nobody waits for that */
};

#define HV_QUIET_GPUS_ALL 64u /* more than a node has */
struct hv_quiet_hours {       /* of each day; `to` before `from`: over midnight */
        unsigned from_minute, to_minute;
        const char *zone;
        uint64_t nano_cpus; /* that all tasks together may take; 0: as ever */
        unsigned n_gpus;    /* that all tasks together may hold: HV_QUIET_GPUS_ALL: as ever */
};

enum hv_http_who { HV_HTTP_NOBODY, HV_HTTP_VIEWER, HV_HTTP_OPERATOR, HV_HTTP_ADMIN };

struct hv_http_group {
        const char *name;
        enum hv_http_who role;
};

/* Who may use the HTTP interface, and how it is protected. */
struct hv_http_settings {
        bool needs_login;                    /* over TCP nothing but probes is shown without one */
        bool metrics_are_open;               /* written so: metrics are shown all the same */
        const char *users_file, *token_file; /* NULL: none */
        uint64_t session_us;
        enum hv_http_who pool_role;         /* NOBODY: the pool is not asked */
        const struct hv_http_group *groups; /* of callers of the unix socket; none: all are admins */
        size_t n_groups;
        const char *cert_file, *key_file; /* NULL: no TLS */
        unsigned connections_max, connections_per_address_max, streams_max;
        bool pages_are_off;
        const char *page_theme; /* "light", "dark"; NULL: as the reader's system has it */
};

struct hv_gpu_selector { /* NULL, 0: any */
        const char *vendor, *model, *uuid;
        uint64_t min_memory_bytes;
};

struct hv_gpu_rules { /* resources.gpus */
        bool is_shared;
        const struct hv_gpu_selector *select; /* one of them is enough; none: all are given away */
        size_t n_select;
        uint64_t health_interval_us;
};

/* logging: where the agent's own log goes besides what the journal or standard error hear. */
struct hv_log_settings {
        const char *level; /* "info" */
        bool to_stderr;    /* plain lines, also where stderr is the journal's */
        bool only_files;   /* neither journal nor stderr, as long as the files can be written */
        const char *dir;   /* NULL: no files */
        uint64_t file_max_bytes;
        unsigned max_files;                        /* of hivelet.log, the one that is written among them */
        uint64_t events_keep_us, events_max_bytes; /* of all files of events */
};

struct hv_settings {
        const char *node_id;
        const char *node_name; /* metadata.name */
        bool docker_enabled;
        uint64_t resync_us;
        unsigned jitter_percent;
        unsigned workers; /* objects that converge in parallel, 1..64 */
        uint64_t call_timeout_us;
        unsigned max_prune_percent;
        bool allow_empty;
        unsigned keep_revisions;
        unsigned parallel_pulls, pull_retries;
        uint64_t pull_stall_us;
        const char *slice;       /* "hivelet.slice" */
        const char *http_listen; /* "127.0.0.1:5000" */
        bool http_metrics;
        struct hv_http_settings http; /* who may, and how it is protected */
        struct hv_log_settings log;
        uint64_t shutdown_grace_us;

        unsigned max_concurrent_tasks; /* 0: no limit */
        struct hv_amounts reserved, limits;
        unsigned overcommit_cpu_milli, overcommit_memory_milli; /* 1500: half as much again as there is */
        struct hv_trust_settings trust;
        uint64_t keep_workspace_us, keep_results_us; /* gc.tasks, after the end of a task */
        uint64_t gc_interval_us, results_max_bytes;  /* 0: no cap */
        uint64_t keep_packages_us;                   /* ... after the last task that used them; 0: for ever */
        struct hv_pressure_rules pressure;
        uint64_t monitor_us; /* between two samples of what the machine does */
        struct hv_gpu_rules gpus;
        const struct hv_quiet_hours *quiet_hours;
        size_t n_quiet_hours;
        const char *work_dir, *temp_dir; /* NULL: `tasks`, `tmp` below the state directory */
};

struct hv_desired {
        struct hv_arena *arena;
        unsigned n_refs;
        char revision[HV_SHA256_HEX_SIZE]; /* of the normalised set: same meaning, same revision */
        const struct hv_spec_tree
                *tree; /* the typed documents (spec/types.h), in the same arena; may be NULL */
        struct hv_settings settings;
        const struct hv_unit *units; /* sorted by key */
        size_t n_units;
        struct hv_amounts services;        /* what they count as in the books of admission */
        const struct hv_network *networks; /* sorted by name */
        size_t n_networks;
        const struct hv_volume *volumes; /* sorted by name */
        size_t n_volumes;
        const struct hv_tunnel *tunnels; /* sorted by name */
        size_t n_tunnels;
        const struct hv_registry *registries;
        size_t n_registries;
        struct hv_task *const *tasks; /* sorted by id; one reference each */
        size_t n_tasks;
        const struct hv_cron_task *cron_tasks; /* sorted by name */
        size_t n_cron_tasks;
        const struct hv_task_types *types; /* kinds of work that a submitted task may name; NULL: none */
        const struct hv_object *objects;   /* sorted by kind, then name */
        size_t n_objects;
};

struct hv_desired *hv_desired_ref(struct hv_desired *d);
struct hv_desired *hv_desired_unref(struct hv_desired *d); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_desired, hv_desired_unref);

/* Binary search in the sorted arrays; NULL when absent. */
const struct hv_unit *hv_desired_unit(const struct hv_desired *d, const char *key);
const struct hv_network *hv_desired_network(const struct hv_desired *d, const char *name);
const struct hv_volume *hv_desired_volume(const struct hv_desired *d, const char *name);
const struct hv_tunnel *hv_desired_tunnel(const struct hv_desired *d, const char *name);
struct hv_task *hv_desired_task(const struct hv_desired *d, const char *id);
const struct hv_cron_task *hv_desired_cron_task(const struct hv_desired *d, const char *name);

/* spec/types.h - documents as typed structs: what was written, with defaults, before lowering.
 *
 * Model    One struct per mapping of the schema (spec/schema.h), members in its order. Each starts with
 * `node`, the mapping it was decoded from: NULL when it was absent, and then the members hold the defaults.
 * Whether a field was written, and where, the node tells: hv_node_get(x->node, "replicas"). Checks point
 * messages at hv_node_at(x->node, "ports[0].host"). Units    _us microseconds, _bytes bytes, _milli
 * thousandths (of a CPU, of a factor). Owner    the arena of the load (spec/load.h), as everything the
 * structs point at.
 */
#pragma once

#include "spec/desired.h"
#include "spec/node.h"

#define HV_SPEC_LIST(type)     \
        struct {               \
                const type *v; \
                size_t n;      \
        }

/* Head of everything that has a name: first member of the structs of the lists of objects. */
struct hv_spec_object {
        const struct hv_node *node; /* entry in NodeState's list, or `spec` of its own document */
        const char *name;
        struct hv_pairs labels, annotations; /* of the entry, and of `metadata` of its own document */
        enum hv_kind kind;
        const struct hv_node *name_node; /* where the name stands */
        const struct hv_spec_document *document;
};

struct hv_spec_metadata {
        const struct hv_node *node;
        const char *name;
        struct hv_pairs labels, annotations;
};

/* One YAML document of the set. */
struct hv_spec_document {
        const struct hv_node *root; /* NULL: the empty NodeState that is assumed without a file */
        enum hv_kind kind;
        unsigned file;           /* hv_diags_file() */
        const char *source;      /* "file", "api", "fleet", ... */
        bool primary, overrides; /* overrides: annotation hivelet/override */
        struct hv_spec_metadata metadata;
};

/* --- the node --- */

enum hv_allow { HV_DENY, HV_ALLOW };

enum hv_publish { HV_PUBLISH_LOOPBACK, HV_PUBLISH_WIREGUARD, HV_PUBLISH_PUBLIC };

struct hv_spec_docker {
        const struct hv_node *node;
        bool enabled;
};
struct hv_spec_paths {
        const struct hv_node *node;
        const char *work, *temp;
};
struct hv_spec_reconcile {
        const struct hv_node *node;
        uint64_t resync_us;
        int64_t jitter_percent;
        int64_t workers;
        uint64_t call_timeout_us;
};
struct hv_spec_safety {
        const struct hv_node *node;
        int64_t max_prune_percent;
        bool allow_empty;
        int64_t keep_revisions;
};
struct hv_spec_policy_images {
        const struct hv_node *node;
        struct hv_strv allow;
        bool require_digest;
};
struct hv_spec_policy {
        const struct hv_node *node;
        int privileged, host_network; /* enum hv_allow */
        struct hv_strv host_paths;
        struct hv_strv capabilities; /* as written: with or without CAP_ */
        struct hv_spec_policy_images images;
        HV_SPEC_LIST(int) publish;    /* enum hv_publish */
        uint64_t max_task_timeout_us; /* 0: no cap */
};
struct hv_spec_shutdown {
        const struct hv_node *node;
        uint64_t grace_us;
};
struct hv_spec_node {
        const struct hv_node *node;
        const char *id, *location;
        struct hv_spec_docker docker;
        struct hv_spec_paths paths;
        struct hv_spec_reconcile reconcile;
        struct hv_spec_safety safety;
        struct hv_spec_policy policy;
        struct hv_spec_shutdown shutdown;
};

struct hv_spec_amounts { /* of the node; 0: nothing, or all of it */
        const struct hv_node *node;
        uint64_t nano_cpus, memory_bytes, disk_bytes;
};
struct hv_spec_overcommit {
        const struct hv_node *node;
        int64_t cpu_milli, memory_milli;
}; /* 1500 = 1.5 times */
enum hv_gpu_mode { HV_GPU_EXCLUSIVE, HV_GPU_SHARED };
struct hv_spec_gpu_selector {
        const struct hv_node *node;
        const char *vendor, *model, *uuid;
        uint64_t min_memory_bytes;
};
struct hv_spec_gpus {
        const struct hv_node *node;
        int mode; /* enum hv_gpu_mode */
        HV_SPEC_LIST(struct hv_spec_gpu_selector) select;
        uint64_t health_interval_us;
};
struct hv_spec_cgroup {
        const struct hv_node *node;
        const char *slice;
        bool memory_oom_group;
};
struct hv_spec_monitor {
        const struct hv_node *node;
        uint64_t interval_us;
};
struct hv_spec_quiet_hours {
        const struct hv_node *node;
        const char *from, *to, *timezone;
        uint64_t max_nano_cpus;
        int64_t gpus;
};
struct hv_spec_resources {
        const struct hv_node *node;
        struct hv_spec_amounts reserved, limits;
        struct hv_spec_overcommit overcommit;
        struct hv_spec_gpus gpus;
        struct hv_spec_cgroup cgroup;
        struct hv_spec_monitor monitor;
        HV_SPEC_LIST(struct hv_spec_quiet_hours) quiet_hours;
};

/* --- shared objects --- */

struct hv_spec_registry_auth {
        const struct hv_node *node;
        const char *secret;
};
struct hv_spec_registry {
        struct hv_spec_object o;
        const char *host;
        struct hv_spec_registry_auth auth;
        struct hv_strv mirrors;
};

struct hv_spec_image {
        struct hv_spec_object o;
        const char *ref;
        bool pin;
}; /* o.name is `ref` where none is given */
struct hv_spec_pull {
        const struct hv_node *node;
        int64_t parallel;
        uint64_t stall_timeout_us;
        int64_t retries;
        const char *window;
};
struct hv_spec_images {
        const struct hv_node *node;
        struct hv_spec_pull pull;
        HV_SPEC_LIST(struct hv_spec_image) preload; /* of every document, as the lists of hv_spec_tree */
};

struct hv_spec_network {
        struct hv_spec_object o;
        const char *driver;
        bool internal;
        const char *subnet, *gateway;
        struct hv_pairs options;
};

enum hv_reclaim { HV_RECLAIM_RETAIN, HV_RECLAIM_DELETE };
enum hv_access { HV_ACCESS_SHARED, HV_ACCESS_EXCLUSIVE };
struct hv_spec_volume {
        struct hv_spec_object o;
        const char *driver;
        struct hv_pairs options;
        int reclaim, access;
};

enum hv_generate { HV_GENERATE_NONE, HV_GENERATE_WIREGUARD };
struct hv_spec_secret { /* exactly one of the three is set */
        struct hv_spec_object o;
        const char *from_file, *from_credential;
        int generate; /* enum hv_generate */
};
struct hv_spec_config {
        struct hv_spec_object o;
        struct hv_pairs data;
};

/* --- WireGuard --- */

struct hv_spec_key {
        const struct hv_node *node;
        const char *secret, *file;
};
struct hv_spec_resolve {
        const struct hv_node *node;
        uint64_t interval_us, on_stale_handshake_us;
};
struct hv_spec_peer {
        const struct hv_node *node;
        const char *name, *public_key;
        struct hv_spec_key preshared_key;
        const char *endpoint;
        struct hv_spec_resolve resolve;
        struct hv_strv allowed_ips;
        uint64_t persistent_keepalive_us; /* 0: off */
};
struct hv_spec_wireguard_healthy {
        const struct hv_node *node;
        struct hv_strv peers;
        uint64_t max_handshake_age_us;
};
struct hv_spec_join {
        const struct hv_node *node;
        const char *url, *client_name;
};
struct hv_spec_wireguard {
        struct hv_spec_object o;
        struct hv_spec_key private_key;
        struct hv_strv addresses;
        int64_t listen_port, mtu; /* 0: chosen by the kernel; 0: 1420 */
        struct hv_strv routes;    /* {"auto"}, {"none"} or CIDRs */
        HV_SPEC_LIST(struct hv_spec_peer) peers;
        struct hv_spec_wireguard_healthy healthy;
        struct hv_spec_join join;
};

/* --- parts of services and tasks --- */

struct hv_spec_env {
        const struct hv_node *node;
        const char *name, *value;
};
struct hv_spec_service_network {
        const struct hv_node *node;
        const char *name;
        struct hv_strv aliases;
};
struct hv_spec_mount { /* exactly one of volume, hostPath, tmpfs */
        const struct hv_node *node;
        const char *volume, *host_path;
        uint64_t tmpfs_bytes;
        const char *target;
        bool read_only;
};
struct hv_spec_port {
        const struct hv_node *node;
        const char *name;
        int64_t container;
        const char *host; /* "8080", "8080-8081"; NULL: the engine picks one */
        const char *bind;
        int protocol; /* enum hv_protocol */
};
enum hv_protocol { HV_PROTOCOL_TCP, HV_PROTOCOL_UDP, HV_PROTOCOL_SCTP };

struct hv_spec_requests {
        const struct hv_node *node;
        uint64_t nano_cpus, memory_bytes, disk_bytes;
        int64_t gpus;
        uint64_t gpu_memory_bytes;
};
struct hv_spec_limits {
        const struct hv_node *node;
        uint64_t nano_cpus, memory_bytes;
        int64_t pids;
};
struct hv_spec_unit_resources {
        const struct hv_node *node;
        struct hv_spec_requests requests;
        struct hv_spec_limits limits;
};

struct hv_spec_probe_http {
        const struct hv_node *node;
        const char *port, *path;
        int scheme;
}; /* 0 http, 1 https */
struct hv_spec_probe_tcp {
        const struct hv_node *node;
        const char *port;
};
struct hv_spec_probe_grpc {
        const struct hv_node *node;
        const char *port, *service;
};
struct hv_spec_probe { /* exactly one of http, tcp, exec, grpc */
        const struct hv_node *node;
        struct hv_spec_probe_http http;
        struct hv_spec_probe_tcp tcp;
        struct hv_strv exec;
        struct hv_spec_probe_grpc grpc;
        uint64_t period_us, timeout_us, initial_delay_us;
        int64_t failure_threshold, success_threshold;
};

struct hv_spec_backoff {
        const struct hv_node *node;
        uint64_t initial_us;
        int64_t factor_milli;
        uint64_t max_us, reset_after_us;
};
struct hv_spec_restart {
        const struct hv_node *node;
        int policy; /* enum hv_restart_policy */
        struct hv_spec_backoff backoff;
};
struct hv_spec_security {
        const struct hv_node *node;
        bool read_only_root, no_new_privileges, privileged, init;
        struct hv_strv drop_capabilities, add_capabilities;
        const char *user;
};
struct hv_spec_stop {
        const struct hv_node *node;
        const char *signal;
        uint64_t grace_us;
};
struct hv_spec_hook {
        const struct hv_node *node;
        struct hv_strv exec;
        uint64_t timeout_us;
};
struct hv_spec_hooks {
        const struct hv_node *node;
        struct hv_spec_hook post_start, pre_stop;
};
struct hv_spec_unit_logging {
        const struct hv_node *node;
        const char *driver;      /* NULL: logging.containers.driver */
        uint64_t max_size_bytes; /* 0: logging.containers.maxSize */
        int64_t max_files;       /* 0: logging.containers.maxFiles */
        struct hv_pairs options;
};
enum hv_on_change { HV_ON_CHANGE_RESTART, HV_ON_CHANGE_RELOAD, HV_ON_CHANGE_NONE };
struct hv_spec_secret_use {
        const struct hv_node *node;
        const char *name, *target;
        int64_t mode;
        int on_change;
};
struct hv_spec_config_use {
        const struct hv_node *node;
        const char *name, *key, *target;
        int64_t mode;
        int on_change;
};
struct hv_spec_depends_on { /* exactly one of service, task, wireguard */
        const struct hv_node *node;
        const char *service, *task, *wireguard;
        int condition; /* enum hv_condition_wanted */
};
struct hv_spec_reload {
        const struct hv_node *node;
        const char *signal;
};

/* --- services --- */

enum hv_update_strategy { HV_UPDATE_RECREATE, HV_UPDATE_ROLLING, HV_UPDATE_START_FIRST };
enum hv_update_failure { HV_FAILURE_PAUSE, HV_FAILURE_ROLLBACK, HV_FAILURE_CONTINUE };
struct hv_spec_lock {
        const struct hv_node *node;
        const char *file;
};
struct hv_spec_update {
        const struct hv_node *node;
        int strategy;
        int64_t max_unavailable;
        uint64_t monitor_us;
        int on_failure;
        bool pull_first;
        struct hv_spec_lock lock;
};
enum hv_auto_update_policy { HV_AUTO_UPDATE_NONE, HV_AUTO_UPDATE_DIGEST, HV_AUTO_UPDATE_SEMVER };
struct hv_spec_auto_update {
        const struct hv_node *node;
        int policy;
        uint64_t interval_us;
};

struct hv_spec_service {
        struct hv_spec_object o;
        const char *image;
        int pull_policy; /* enum hv_pull_policy */
        int64_t replicas;
        struct hv_strv command, args; /* node tells whether they were set: an empty list is a value */
        const char *workdir, *hostname;
        HV_SPEC_LIST(struct hv_spec_env) env;
        const char *network; /* "none", "host" or NULL: `networks` */
        HV_SPEC_LIST(struct hv_spec_service_network) networks;
        HV_SPEC_LIST(struct hv_spec_mount) mounts;
        HV_SPEC_LIST(struct hv_spec_port) ports;
        HV_SPEC_LIST(struct hv_spec_secret_use) secrets;
        HV_SPEC_LIST(struct hv_spec_config_use) configs;
        HV_SPEC_LIST(struct hv_spec_depends_on) depends_on;
        struct hv_spec_probe startup, readiness, liveness;
        struct hv_spec_unit_resources resources;
        int64_t cpu_quota; /* deprecated: microseconds of CPU per 100 ms */
        struct hv_spec_restart restart;
        struct hv_spec_security security;
        struct hv_spec_stop stop;
        struct hv_spec_reload reload;
        struct hv_spec_hooks hooks;
        struct hv_spec_update update;
        struct hv_spec_auto_update auto_update;
        struct hv_spec_unit_logging logging;
};

/* --- tasks --- */

struct hv_spec_task_input { /* exactly one of inline, url, archive */
        const struct hv_node *node;
        const char *path, *inline_text, *url, *archive, *sha256;
        uint64_t max_size_bytes;
};
struct hv_spec_outputs {
        const struct hv_node *node;
        struct hv_strv paths;
        uint64_t max_size_bytes;
        int64_t max_files;
        uint64_t keep_us;
};
enum hv_retry_on { HV_RETRY_NODE_ERROR, HV_RETRY_OOM, HV_RETRY_TIMEOUT, HV_RETRY_EXIT_CODE };
struct hv_spec_retries {
        const struct hv_node *node;
        int64_t limit;
        uint64_t backoff_us;
        HV_SPEC_LIST(int) on; /* enum hv_retry_on */
        HV_SPEC_LIST(int64_t) exit_codes;
};
struct hv_spec_checkpoint {
        const struct hv_node *node;
        int64_t exit_code;
        const char *path;
        uint64_t interval_us;
};
struct hv_spec_task {
        struct hv_spec_object o; /* inside a cron task: no name of its own */
        const char *image;       /* NULL: taskDefaults.image */
        int pull_policy;
        struct hv_strv command, args;
        const char *workdir;
        HV_SPEC_LIST(struct hv_spec_env) env;
        HV_SPEC_LIST(struct hv_spec_task_input) inputs;
        struct hv_spec_outputs outputs;
        uint64_t timeout_us; /* 0: taskDefaults.timeout */
        struct hv_spec_stop stop;
        struct hv_spec_retries retries;
        struct hv_spec_checkpoint checkpoint;
        const char *network; /* NULL: taskDefaults.network */
        HV_SPEC_LIST(struct hv_spec_mount) mounts;
        HV_SPEC_LIST(struct hv_spec_secret_use) secrets;
        HV_SPEC_LIST(struct hv_spec_config_use) configs;
        HV_SPEC_LIST(struct hv_spec_depends_on) depends_on;
        struct hv_spec_unit_resources resources;
        int64_t cpu_quota; /* deprecated */
        struct hv_spec_security security;
        struct hv_spec_unit_logging logging;
        int64_t priority;
};
struct hv_spec_task_defaults {
        const struct hv_node *node;
        const char *image, *network; /* network NULL: "none", in the hivemind dialect "hivemind" */
        uint64_t timeout_us, wait_for_resources_us;
        struct hv_spec_unit_resources resources;
};

enum hv_cron_concurrency { HV_CRON_FORBID, HV_CRON_ALLOW, HV_CRON_REPLACE };
enum hv_cron_missed { HV_CRON_RUN_ONCE, HV_CRON_SKIP, HV_CRON_RUN_ALL };
struct hv_spec_history {
        const struct hv_node *node;
        int64_t success, failed;
};
struct hv_spec_cron_task {
        struct hv_spec_object o;
        const char *schedule, *timezone;
        int concurrency, missed;
        uint64_t starting_deadline_us, jitter_us;
        struct hv_spec_history history;
        struct hv_spec_task task; /* task.o.node is the mapping `task` */
};

/* --- master, trust --- */

struct hv_spec_tls {
        const struct hv_node *node;
        const char *ca_file, *cert_file, *key_file;
};
struct hv_spec_credentials {
        const struct hv_node *node;
        const char *username, *password_secret;
};
struct hv_spec_reconnect {
        const struct hv_node *node;
        uint64_t initial_us;
        int64_t factor_milli;
        uint64_t max_us;
};
struct hv_spec_accept {
        const struct hv_node *node;
        bool services, tasks;
        int64_t max_concurrent_tasks;
        int64_t min_price_per_hour_milli;
};
enum hv_dialect { HV_DIALECT_V1, HV_DIALECT_HIVEMIND };
enum hv_on_conflict { HV_CONFLICT_FILE_WINS, HV_CONFLICT_MASTER_WINS };
enum hv_on_lost { HV_LOST_KEEP, HV_LOST_DRAIN, HV_LOST_STOP };
struct hv_spec_master {
        const struct hv_node *node;
        const char *address, *listen; /* address NULL: no pool */
        int protocol;                 /* enum hv_dialect */
        bool insecure;
        struct hv_spec_tls tls;
        struct hv_spec_credentials credentials;
        uint64_t heartbeat_us;
        struct hv_spec_reconnect reconnect;
        struct hv_spec_accept accept;
        int on_conflict;
        uint64_t lost_after_us;
        int on_lost;
};

struct hv_spec_trust_groups {
        const struct hv_node *node;
        int64_t high, medium;
};
struct hv_spec_trust {
        const struct hv_node *node;
        int64_t success, failure;
        struct hv_spec_trust_groups groups;
        bool count_task_faults;
};

/* --- interfaces, housekeeping, logs, sources --- */

struct hv_spec_http_auth {
        const struct hv_node *node;
        const char *token_file;
        uint64_t session_timeout_us;
};
struct hv_spec_http_tls {
        const struct hv_node *node;
        const char *cert_file, *key_file;
};
struct hv_spec_metrics {
        const struct hv_node *node;
        bool enabled, auth;
};
enum hv_ui_theme { HV_UI_AUTO, HV_UI_LIGHT, HV_UI_DARK };
struct hv_spec_ui {
        const struct hv_node *node;
        bool enabled;
        int theme;
};
struct hv_spec_http {
        const struct hv_node *node;
        const char *listen;
        struct hv_spec_http_auth auth;
        struct hv_spec_http_tls tls;
        struct hv_spec_metrics metrics;
        struct hv_spec_ui ui;
};

struct hv_spec_gc_disk {
        const struct hv_node *node;
        int64_t high_percent, low_percent;
        uint64_t min_age_us;
};
struct hv_spec_gc_images {
        const struct hv_node *node;
        int64_t keep_last;
        uint64_t max_age_us;
};
struct hv_spec_gc_containers {
        const struct hv_node *node;
        int64_t keep_exited;
        uint64_t max_age_us;
};
struct hv_spec_gc_tasks {
        const struct hv_node *node;
        uint64_t workspace_us, results_us;
};
enum hv_pressure_action { HV_PRESSURE_PAUSE_ADMISSION, HV_PRESSURE_NONE };
struct hv_spec_pressure {
        const struct hv_node *node;
        int64_t memory_psi_some10_percent, memory_used_percent, disk_free_percent;
        int action;
};
struct hv_spec_gc {
        const struct hv_node *node;
        uint64_t interval_us;
        struct hv_spec_gc_disk disk;
        struct hv_spec_gc_images images;
        struct hv_spec_gc_containers containers;
        struct hv_spec_gc_tasks tasks;
        struct hv_spec_pressure pressure;
        bool unmanaged;
};

enum hv_spec_log_target { HV_LOG_TARGET_JOURNAL, HV_LOG_TARGET_STDERR, HV_LOG_TARGET_FILE };
struct hv_spec_log_containers {
        const struct hv_node *node;
        const char *driver; /* NULL: the engine's default */
        uint64_t max_size_bytes;
        int64_t max_files;
};
struct hv_spec_log_events {
        const struct hv_node *node;
        uint64_t keep_us, max_size_bytes;
};
struct hv_spec_logging {
        const struct hv_node *node;
        int level; /* index of: error, warning, info, debug */
        int target;
        const char *dir;
        struct hv_spec_log_containers containers;
        struct hv_spec_log_events events;
};

struct hv_spec_etcd {
        const struct hv_node *node;
        struct hv_strv endpoints;
        const char *prefix;
        struct hv_spec_tls tls;
};
struct hv_spec_source { /* exactly one of dir, url, etcd */
        const struct hv_node *node;
        const char *name, *dir, *pattern, *url;
        uint64_t interval_us;
        const char *verify_key;
        struct hv_spec_etcd etcd;
};

/* --- the whole --- */

struct hv_spec_state { /* `spec` of NodeState; the lists hold the objects of every document */
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
        const struct hv_spec_document *primary; /* the NodeState; its root is NULL where none was given */
        const char *node_id;                    /* node.id, else metadata.name, else the host name */
        bool complete; /* false: a file or a document could not be read, so what is missing may be there */
        struct hv_spec_state state; /* lists sorted by name */
};

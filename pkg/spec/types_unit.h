/* spec/types_unit.h - services, tasks and what they are made of; see types.h. */
#pragma once

#include "spec/types_object.h"

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

struct hv_spec_task_input { /* exactly one of inline, url, archive, inbox */
        const struct hv_node *node;
        const char *path, *inline_text, *url, *archive, *inbox, *sha256;
        bool unpack; /* with inbox */
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
        struct hv_spec_object o;          /* inside a cron task: no name of its own */
        const char *type;                 /* NULL once the type is put in its place: spec/task_type.h */
        const struct hv_node *parameters; /* what its program finds in task.json; NULL: nothing */
        struct hv_strv requirements;      /* Python packages */
        const char *image;                /* NULL: taskDefaults.image */
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
struct hv_spec_python_packages { /* where they come from */
        const struct hv_node *node;
        const char *index, *wheels, *network; /* NULL: none; network: "bridge", the engine's own */
};
struct hv_spec_task_defaults {
        const struct hv_node *node;
        const char *image, *network; /* network NULL: "none", in the hivemind dialect "hivemind" */
        uint64_t timeout_us, wait_for_resources_us;
        struct hv_spec_unit_resources resources;
        struct hv_spec_python_packages python;
};

struct hv_spec_history {
        const struct hv_node *node;
        int64_t success, failed;
};
struct hv_spec_cron_task {
        struct hv_spec_object o;
        const char *schedule, *timezone;
        int concurrency, missed; /* enum hv_cron_concurrency, hv_cron_missed */
        uint64_t starting_deadline_us, jitter_us;
        struct hv_spec_history history;
        struct hv_spec_task task; /* task.o.node is the mapping `task` */
};

/* spec/types_node.h - the sections about the node and its agent; see types.h. */
#pragma once

#include "spec/types_object.h"

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

/* --- master, trust --- */

struct hv_spec_tls {
        const struct hv_node *node;
        const char *ca_file, *cert_file, *key_file;
};
struct hv_spec_listen_tls {
        const struct hv_node *node;
        const char *cert_file, *key_file, *client_ca_file;
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
struct hv_spec_outbox {
        const struct hv_node *node;
        uint64_t max_size_bytes;
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
        const char *address, *listen, *advertise; /* address NULL: no pool */
        struct hv_strv peers;
        int protocol; /* enum hv_dialect */
        bool insecure;
        struct hv_spec_tls tls;
        struct hv_spec_listen_tls listen_tls; /* node NULL: plain text */
        struct hv_spec_credentials credentials;
        uint64_t heartbeat_us;
        struct hv_spec_reconnect reconnect;
        struct hv_spec_accept accept;
        struct hv_spec_outbox outbox;
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

struct hv_spec_http_group {
        const struct hv_node *node;
        const char *group;
        int role; /* 0 viewer, 1 operator, 2 admin */
};
struct hv_spec_http_auth {
        const struct hv_node *node;
        bool required; /* only where it is written: hv_node_get(node, "required") */
        const char *users_file, *token_file;
        int pool_role; /* 0 none, 1 viewer, 2 operator, 3 admin */
        HV_SPEC_LIST(struct hv_spec_http_group) groups;
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
struct hv_spec_http_limits {
        const struct hv_node *node;
        int64_t connections, connections_per_address, streams;
};
struct hv_spec_http {
        const struct hv_node *node;
        const char *listen;
        struct hv_spec_http_auth auth;
        struct hv_spec_http_tls tls;
        struct hv_spec_metrics metrics;
        struct hv_spec_ui ui;
        struct hv_spec_http_limits limits;
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
        uint64_t workspace_us, results_us, packages_us, max_size_bytes;
};
enum hv_pressure_action { HV_PRESSURE_PAUSE_ADMISSION, HV_PRESSURE_NONE };
struct hv_spec_pressure {
        const struct hv_node *node;
        int64_t memory_psi_some10_percent, memory_used_percent, disk_free_percent, cpu_used_percent,
                max_celsius;
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
struct hv_spec_log_file {
        const struct hv_node *node;
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
        struct hv_spec_log_file file;
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

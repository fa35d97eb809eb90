/* docker/create.h - all that a container can be created with, and the last look at it before it leaves.
 *
 * Model    An allow-list: what is not a member here cannot reach an engine (no devices but GPUs by their UUIDs, no sysctls, host
 *          namespaces, shared propagation, volumes-from, security options, runtimes). hv_docker_create_body()
 *          refuses what could still do harm whoever filled the struct, and fails closed: an empty text where
 *          a value belongs is an error, NULL is "the image's own". Nothing is ever split at a ',', '=' or
 *          '+', and mounts go out in one form only. Pure: no I/O. Symbolic links in a host path are the
 *          caller's to resolve (openat2 at use).
 * Units    bytes, microseconds, 10^-9 CPUs.
 */
#pragma once

#include "base/err.h"
#include "spec/desired.h"

struct hv_buf;
struct hv_docker_policy;

struct hv_docker_ulimit {
        const char *name; /* "nofile" */
        int64_t soft, hard;
};

struct hv_docker_create {
        const char *name, *image;
        bool has_command, has_args;
        struct hv_strv command, args; /* entrypoint and its arguments */
        const char *workdir, *hostname, *user;
        struct hv_pairs env, labels;

        const char *network_mode; /* "none", "host", "bridge"; NULL: `network`, and without that the engine's
                                     default */
        const char *network;      /* joined at creation; NULL: none */
        struct hv_strv aliases;   /* in `network` */
        const struct hv_mount *mounts;
        size_t n_mounts;
        const struct hv_port *ports;
        size_t n_ports;

        struct hv_limits limits;
        const struct hv_docker_ulimit *ulimits;
        size_t n_ulimits;
        const char *cgroup_parent; /* in the engine's own form: "/hivelet" (cgroupfs), "hivelet.slice"
                                      (systemd) */

        struct hv_strv gpus; /* UUIDs of NVIDIA's */
        bool read_only_root, no_new_privileges, privileged, init;
        struct hv_strv cap_drop, cap_add; /* without CAP_; cap_drop may be "ALL" */
        const char *stop_signal;          /* NULL: the image's */
        uint64_t stop_grace_us;           /* whole seconds, rounded up; HV_TIME_NEVER: the engine's default */
        const char *log_driver;           /* NULL: the engine's default; json-file, local, journald, none */
        struct hv_pairs log_options;
};

/* Appends the JSON body of POST /containers/create. policy NULL: the strictest. private_paths: never mounted.
 * -EINVAL a value that cannot be; -EPERM a value that the policy or security forbids. err names the field. */
int hv_docker_create_body(const struct hv_docker_create *create, const struct hv_docker_policy *policy,
                          const struct hv_strv *private_paths, struct hv_buf *buf, struct hv_err *err);

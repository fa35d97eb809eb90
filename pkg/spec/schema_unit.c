/* spec/schema_unit.c - rows of what services and tasks have in common. */
#include "spec/schema_internal.h"

#define RECREATE .cost = HV_COST_RECREATE
#define LIVE .cost = HV_COST_LIVE

static const struct hv_field env_rows[] = {
        { HV_ROW(env, "name", TEXT, name), .required = true, .format = HV_FORMAT_ENV_NAME, RECREATE,
          .doc = "Name of the variable.", .example = "TZ" },
        { HV_ROW(env, "value", TEXT, value), .value = "", .sensitive = true, RECREATE,
          .doc = "Its value; secrets belong into files, not here.", .example = "Europe/Berlin" },
};
const struct hv_schema hv_schema_env = { .name = "Env",
                                         .doc = "An environment variable of the container.",
                                         HV_FIELDS(env_rows),
                                         HV_SIZED(env),
                                         .key = "name",
                                         .item_word = "env" };

static const struct hv_field mount_rows[] = {
        { HV_ROW(mount, "volume", TEXT, volume), .format = HV_FORMAT_REF_VOLUME, RECREATE,
          .doc = "Volume to mount, by name.", .example = "redis-data" },
        { HV_ROW(mount, "hostPath", TEXT, host_path), .format = HV_FORMAT_ABSOLUTE_PATH, RECREATE,
          .doc = "Path of the host to mount; must be below one of node.policy.hostPaths.",
          .example = "/srv/data" },
        { HV_ROW(mount, "tmpfs", BYTES, tmpfs_bytes), RECREATE,
          .doc = "Size of an empty file system in memory.", .example = "64Mi" },
        { HV_ROW(mount, "target", TEXT, target), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          RECREATE, .doc = "Where it appears in the container.", .example = "/data" },
        { HV_ROW(mount, "readOnly", BOOL, read_only), .value = "false", RECREATE,
          .doc = "Whether the container may only read it." },
};
static const struct hv_group mount_groups[] = {
        { HV_NAMES("volume", "hostPath", "tmpfs"), .exclusive = true, .needed = true },
};
const struct hv_schema hv_schema_mount = { .name = "Mount",
                                           .doc = "A volume, host path or memory file system.",
                                           HV_FIELDS(mount_rows),
                                           HV_GROUPS(mount_groups),
                                           HV_SIZED(mount),
                                           .item_word = "mount" };

#define REQUEST_ROWS                                                                           \
        { HV_ROW(requests, "cpu", CPU, nano_cpus),                                             \
          .doc = "CPUs held for it when the node decides what fits.", .example = "250m" },     \
        {                                                                                      \
                HV_ROW(requests, "memory", BYTES, memory_bytes), .doc = "Memory held for it.", \
                                                                 .example = "256Mi"            \
        }
#define GPU_ROWS                                                                                                    \
        { HV_ROW(requests, "gpus", INT, gpus), HV_RANGE(0, 64), .doc = "Whole GPUs held for it.",                   \
          .example = "1" },                                                                                         \
        {                                                                                                           \
                HV_ROW(requests, "gpuMemory", BYTES, gpu_memory_bytes),                                             \
                        .doc = "Memory that each of those GPUs must have; with mode shared: that is held of each.", \
                        .example = "8Gi"                                                                            \
        }
#define DISK_ROW(planned_)                                                                                 \
        {                                                                                                  \
                HV_ROW(requests, "disk", BYTES, disk_bytes),                                               \
                        .planned = planned_, .doc = "Disk space held for its workspace.", .example = "4Gi" \
        }

static const struct hv_field requests_rows[] = { REQUEST_ROWS, DISK_ROW(true), GPU_ROWS };
static const struct hv_schema requests = { .name = "Requests",
                                           .doc = "What is held for it on this node.",
                                           HV_FIELDS(requests_rows),
                                           HV_SIZED(requests) };
static const struct hv_field task_requests_rows[] = { REQUEST_ROWS, DISK_ROW(false), GPU_ROWS };
static const struct hv_schema task_requests = { .name = "TaskRequests",
                                                .doc = "What is held for a task on this node.",
                                                HV_FIELDS(task_requests_rows),
                                                HV_SIZED(requests) };

static const struct hv_field limits_rows[] = {
        { HV_ROW(limits, "cpu", CPU, nano_cpus), LIVE,
          .doc = "CPUs it can use at most; below 10m: 10m; none: no limit.", .example = "\"1\"" },
        { HV_ROW(limits, "memory", BYTES, memory_bytes), LIVE,
          .doc = "Memory at which the kernel stops it, swap included; none: no limit.", .example = "512Mi" },
        { HV_ROW(limits, "pids", INT, pids), HV_RANGE(1, 4194304), .value = "1024", LIVE,
          .doc = "Processes and threads it can have at most." },
};
static const struct hv_schema limits = {
        .name = "Limits", .doc = "What it can use at most.", HV_FIELDS(limits_rows), HV_SIZED(limits)
};

static const struct hv_field unit_resources_rows[] = {
        { HV_NESTED(unit_resources, "requests", requests, requests),
          .doc = "What is held for it; missing values are its limits.",
          .example = "{cpu: 250m, memory: 256Mi}" },
        { HV_NESTED(unit_resources, "limits", limits, limits), .doc = "What it can use at most.",
          .example = "{cpu: \"1\", memory: 512Mi}" },
};
const struct hv_schema hv_schema_unit_resources = { .name = "UnitResources",
                                                    .doc = "CPU, memory and the like.",
                                                    HV_FIELDS(unit_resources_rows),
                                                    HV_SIZED(unit_resources) };

static const struct hv_field task_limits_rows[] = {
        { HV_ROW(limits, "cpu", CPU, nano_cpus),
          .doc = "CPUs it can use at most; below 10m: 10m; none: what it requests.", .example = "\"1\"" },
        { HV_ROW(limits, "memory", BYTES, memory_bytes),
          .doc = "Memory at which the kernel stops it, swap included; none: what it requests.",
          .example = "512Mi" },
        { HV_ROW(limits, "pids", INT, pids), HV_RANGE(1, 4194304), .value = "1024",
          .doc = "Processes and threads it can have at most; none: taskDefaults.resources.limits.pids." },
};
static const struct hv_schema task_limits = { .name = "TaskLimits",
                                              .doc = "What a task can use at most.",
                                              HV_FIELDS(task_limits_rows),
                                              HV_SIZED(limits) };
static const struct hv_field task_resources_rows[] = {
        { HV_NESTED(unit_resources, "requests", requests, task_requests),
          .doc = "What it asks for; missing values are its limits.",
          .example = "{cpu: 250m, memory: 256Mi}" },
        { HV_NESTED(unit_resources, "limits", limits, task_limits),
          .doc = "What it can use at most, and what is held for it.",
          .example = "{cpu: \"1\", memory: 512Mi}" },
};
const struct hv_schema hv_schema_task_resources = { .name = "TaskResources",
                                                    .doc = "CPU, memory and the like.",
                                                    HV_FIELDS(task_resources_rows),
                                                    HV_SIZED(unit_resources) };

static const struct hv_field default_limits_rows[] = {
        { HV_ROW(limits, "cpu", CPU, nano_cpus), .value = "1", .doc = "CPUs.", .example = "\"1\"" },
        { HV_ROW(limits, "memory", BYTES, memory_bytes), .value = "1Gi", .doc = "Memory, swap included." },
        { HV_ROW(limits, "pids", INT, pids), HV_RANGE(1, 4194304), .value = "1024",
          .doc = "Processes and threads." },
};
static const struct hv_schema default_limits = { .name = "DefaultLimits",
                                                 .doc = "Limits of a task that names none.",
                                                 HV_FIELDS(default_limits_rows),
                                                 HV_SIZED(limits) };
static const struct hv_field default_resources_rows[] = {
        { HV_NESTED(unit_resources, "requests", requests, task_requests), .doc = "What such a task asks for.",
          .example = "{cpu: 500m}" },
        { HV_NESTED(unit_resources, "limits", limits, default_limits),
          .doc = "What such a task can use at most.", .example = "{memory: 2Gi}" },
};
const struct hv_schema hv_schema_default_resources = { .name = "DefaultResources",
                                                       .doc = "Resources of a task that names none.",
                                                       HV_FIELDS(default_resources_rows),
                                                       HV_SIZED(unit_resources) };

/* The profile of a service is `baseline`, that of a task `restricted`: they differ in what stands in here as
 * default. */
#define READ_ONLY_ROOT_ROW(value_)                                                     \
        {                                                                              \
                HV_ROW(security, "readOnlyRoot", BOOL, read_only_root),                \
                        .value = value_, RECREATE,                                     \
                        .doc = "Whether the container's own file system is read-only." \
        }
#define NO_NEW_PRIVILEGES_ROW                                                                                   \
        {                                                                                                       \
                HV_ROW(security, "noNewPrivileges", BOOL, no_new_privileges),                                   \
                        .value = "true", RECREATE,                                                              \
                        .doc = "Whether programs are kept from gaining privileges (setuid, file capabilities)." \
        }
#define DROP_ROW(doc_)                                                                            \
        {                                                                                         \
                HV_LIST(security, "dropCapabilities", TEXT, drop_capabilities),                   \
                        .format = HV_FORMAT_CAPABILITY, RECREATE, .doc = doc_, .example = "[ALL]" \
        }
#define ADD_ROW                                                                                  \
        {                                                                                        \
                HV_LIST(security, "addCapabilities", TEXT, add_capabilities),                    \
                        .format = HV_FORMAT_CAPABILITY, RECREATE,                                \
                        .doc = "Capabilities to add; each must be in node.policy.capabilities.", \
                        .example = "[NET_BIND_SERVICE]"                                          \
        }
#define PRIVILEGED_ROW                                                                                     \
        {                                                                                                  \
                HV_ROW(security, "privileged", BOOL, privileged),                                          \
                        .value = "false", RECREATE,                                                        \
                        .doc = "Full access to the host; refused unless node.policy.privileged allows it." \
        }
#define USER_ROW(doc_)                                                                                 \
        {                                                                                              \
                HV_ROW(security, "user", TEXT, user), .format = HV_FORMAT_USER, RECREATE, .doc = doc_, \
                                                      .example = "\"999:999\""                         \
        }
#define INIT_ROW                                                                                                 \
        {                                                                                                        \
                HV_ROW(security, "init", BOOL, init),                                                            \
                        .value = "true", RECREATE,                                                               \
                        .doc = "Whether a small init runs as process 1, reaping zombies and passing signals on." \
        }
#define SECURITY_ROWS(read_only, drop, user)                                                           \
        READ_ONLY_ROOT_ROW(read_only), NO_NEW_PRIVILEGES_ROW, DROP_ROW(drop), ADD_ROW, PRIVILEGED_ROW, \
                USER_ROW(user), INIT_ROW

static const struct hv_field security_rows[] = { SECURITY_ROWS(
        "false",
        "Capabilities to take away from those that node.policy.capabilities leaves; ALL for every one.",
        "User, or user:group, by number or by name in the image; none: the image's.") };
const struct hv_schema hv_schema_security = { .name = "Security",
                                              .doc = "What the container may do to the host.",
                                              HV_FIELDS(security_rows),
                                              HV_SIZED(security) };
static const struct hv_field task_security_rows[] = { SECURITY_ROWS(
        "true", "A task begins without any capability: [ALL] changes nothing.",
        "User, or user:group, in numbers, since the workspace is given to it; a group that is not "
        "written has the user's number; none: 65534:65534.") };
const struct hv_schema hv_schema_task_security = { .name = "TaskSecurity",
                                                   .doc = "What the task's container may do to the host.",
                                                   HV_FIELDS(task_security_rows),
                                                   HV_SIZED(security) };

static const struct hv_field stop_rows[] = {
        { HV_ROW(stop, "signal", TEXT, signal), .value = "TERM", .format = HV_FORMAT_SIGNAL, RECREATE,
          .doc = "Signal that asks it to end." },
        { HV_ROW(stop, "grace", DURATION, grace_us), .value = "10s", HV_RANGE(0, INT64_C(86400000000)), LIVE,
          .doc = "How long it may take before it is killed." },
};
const struct hv_schema hv_schema_stop = {
        .name = "Stop", .doc = "How it is ended.", HV_FIELDS(stop_rows), HV_SIZED(stop)
};

static const struct hv_field logging_rows[] = {
        { HV_ROW(unit_logging, "driver", TEXT, driver), RECREATE,
          .doc = "Where the engine writes its output; none: logging.containers.driver.",
          .example = "journald" },
        { HV_ROW(unit_logging, "maxSize", BYTES, max_size_bytes), RECREATE,
          .doc = "Size at which a log file is rotated (drivers json-file and local).", .example = "20Mi" },
        { HV_ROW(unit_logging, "maxFiles", INT, max_files), HV_RANGE(1, 1000), RECREATE,
          .doc = "Rotated files kept (drivers json-file and local).", .example = "3" },
        { HV_ROW(unit_logging, "options", MAP, options), RECREATE, .doc = "Further options of the driver.",
          .example = "{tag: web}" },
};
const struct hv_schema hv_schema_unit_logging = { .name = "UnitLogging",
                                                  .doc = "What happens to its output.",
                                                  HV_FIELDS(logging_rows),
                                                  HV_SIZED(unit_logging) };

#define ON_CHANGE HV_WORDS("restart", "reload", "none"), .value = "restart"

static const struct hv_field secret_use_rows[] = {
        { HV_ROW(secret_use, "name", TEXT, name), .required = true, .format = HV_FORMAT_REF_SECRET, RECREATE,
          .doc = "Secret, by name.", .example = "db-password" },
        { HV_ROW(secret_use, "target", TEXT, target), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          RECREATE, .doc = "File that it appears as in the container.", .example = "/run/secrets/db" },
        { HV_ROW(secret_use, "mode", MODE, mode), .value = "0400", RECREATE,
          .doc = "Mode of that file, in quotes.", .example = "\"0400\"" },
        { HV_ROW(secret_use, "onChange", ENUM, on_change), ON_CHANGE,
          .doc = "What to do when the secret changes." },
};
const struct hv_schema hv_schema_secret_use = { .name = "SecretUse",
                                                .doc = "A secret as a file in the container.",
                                                HV_FIELDS(secret_use_rows),
                                                HV_SIZED(secret_use),
                                                .key = "target",
                                                .item_word = "secret target" };

static const struct hv_field config_use_rows[] = {
        { HV_ROW(config_use, "name", TEXT, name), .required = true, .format = HV_FORMAT_REF_CONFIG, RECREATE,
          .doc = "Config, by name.", .example = "web-conf" },
        { HV_ROW(config_use, "key", TEXT, key), .required = true, RECREATE, .doc = "Which of its texts.",
          .example = "nginx.conf" },
        { HV_ROW(config_use, "target", TEXT, target), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          RECREATE, .doc = "File that it appears as in the container.", .example = "/etc/nginx/nginx.conf" },
        { HV_ROW(config_use, "mode", MODE, mode), .value = "0444", RECREATE,
          .doc = "Mode of that file, in quotes.", .example = "\"0444\"" },
        { HV_ROW(config_use, "onChange", ENUM, on_change), ON_CHANGE,
          .doc = "What to do when the text changes." },
};
const struct hv_schema hv_schema_config_use = { .name = "ConfigUse",
                                                .doc = "A config's text as a file.",
                                                HV_FIELDS(config_use_rows),
                                                HV_SIZED(config_use),
                                                .key = "target",
                                                .item_word = "config target" };

static const struct hv_field depends_on_rows[] = {
        { HV_ROW(depends_on, "service", TEXT, service), .format = HV_FORMAT_REF_SERVICE,
          .doc = "Service to wait for.", .example = "redis" },
        { HV_ROW(depends_on, "task", TEXT, task), .format = HV_FORMAT_REF_TASK, .doc = "Task to wait for.",
          .example = "migrate" },
        { HV_ROW(depends_on, "wireguard", TEXT, wireguard), .format = HV_FORMAT_REF_WIREGUARD,
          .doc = "Tunnel to wait for.", .example = "hive0" },
        { HV_ROW(depends_on, "condition", ENUM, condition),
          HV_WORDS("started", "ready", "completed", "healthy"), .value = "started",
          .doc = "What it must have reached." },
};
static const struct hv_group depends_on_groups[] = {
        { HV_NAMES("service", "task", "wireguard"), .exclusive = true, .needed = true },
};
const struct hv_schema hv_schema_depends_on = { .name = "Dependency",
                                                .doc = "What must be there first.",
                                                HV_FIELDS(depends_on_rows),
                                                HV_GROUPS(depends_on_groups),
                                                HV_SIZED(depends_on),
                                                .item_word = "dependency" };

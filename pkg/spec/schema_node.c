/* spec/schema_node.c - rows of the sections `node` and `resources`: what this machine is and may do. */
#include "spec/schema_internal.h"

static const struct hv_field docker_rows[] = {
        { HV_ROW(docker, "enabled", BOOL, enabled), .value = "true",
          .doc = "Whether the engine is used at all; false suspends every service and task." },
};
static const struct hv_schema docker = {
        .name = "Docker", .doc = "The container engine.", HV_FIELDS(docker_rows), HV_SIZED(docker)
};

static const struct hv_field paths_rows[] = {
        { HV_ROW(paths, "work", TEXT, work), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Where workspaces of tasks are made; none: `tasks` below the state directory.",
          .example = "/var/lib/hivelet/tasks" },
        { HV_ROW(paths, "temp", TEXT, temp), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "For files on the way; none: `tmp` below the state directory.",
          .example = "/var/lib/hivelet/tmp" },
};
static const struct hv_schema paths = {
        .name = "Paths", .doc = "Folders of the agent.", HV_FIELDS(paths_rows), HV_SIZED(paths)
};

static const struct hv_field reconcile_rows[] = {
        { HV_ROW(reconcile, "resync", DURATION, resync_us), .value = "60s",
          HV_RANGE(1000000, INT64_C(86400000000)),
          .doc = "How often everything is looked at anew, even when no event arrived." },
        { HV_ROW(reconcile, "jitter", PERCENT, jitter_percent), .value = "10%",
          .doc = "By how much that time varies, so that many nodes do not act at once." },
        { HV_ROW(reconcile, "workers", INT, workers), .value = "4", HV_RANGE(1, 64),
          .doc = "Objects that converge at the same time." },
        { HV_ROW(reconcile, "callTimeout", DURATION, call_timeout_us), .value = "20s",
          HV_RANGE(100000, INT64_C(3600000000)), .doc = "How long a call to the engine may take." },
};
static const struct hv_schema reconcile = {
        .name = "Reconcile", .doc = "Pace of the agent.", HV_FIELDS(reconcile_rows), HV_SIZED(reconcile)
};

static const struct hv_field safety_rows[] = {
        { HV_ROW(safety, "maxPrune", PERCENT, max_prune_percent), .value = "50%",
          .doc = "A revision that leaves out more of the managed objects waits for the operator's word." },
        { HV_ROW(safety, "allowEmpty", BOOL, allow_empty), .value = "false",
          .doc = "Whether a state without any object may remove everything." },
        { HV_ROW(safety, "keepRevisions", INT, keep_revisions), .value = "10", HV_RANGE(1, 1000),
          .doc = "Good states kept for rollback and for starting beside a broken file." },
};
static const struct hv_schema safety = { .name = "Safety",
                                         .doc = "What a mistake in a file cannot do.",
                                         HV_FIELDS(safety_rows),
                                         HV_SIZED(safety) };

static const struct hv_field policy_images_rows[] = {
        { HV_LIST(policy_images, "allow", TEXT, allow), .format = HV_FORMAT_IMAGE_PATTERN,
          .doc = "Patterns of full image names that may run; none: every image.",
          .example = "[\"docker.io/library/*\"]" },
        { HV_ROW(policy_images, "requireDigest", BOOL, require_digest), .value = "false",
          .doc = "Whether every image must be named by digest." },
};
static const struct hv_schema policy_images = { .name = "ImagePolicy",
                                                .doc = "Which images may run.",
                                                HV_FIELDS(policy_images_rows),
                                                HV_SIZED(policy_images) };
static const struct hv_field policy_rows[] = {
        { HV_ROW(policy, "privileged", ENUM, privileged), HV_WORDS("deny", "allow"), .value = "deny",
          .doc = "Containers with full access to the host." },
        { HV_ROW(policy, "hostNetwork", ENUM, host_network), HV_WORDS("deny", "allow"), .value = "deny",
          .doc = "Containers in the host's own network." },
        { HV_LIST(policy, "hostPaths", TEXT, host_paths), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Folders of the host below which containers may mount; none: nowhere.",
          .example = "[/srv/data]" },
        { HV_LIST(policy, "capabilities", TEXT, capabilities), .format = HV_FORMAT_CAPABILITY,
          .cost = HV_COST_RECREATE, .doc = "Capabilities that containers may have; none: none at all.",
          .example = "[CHOWN, NET_BIND_SERVICE, SETGID, SETUID]" },
        { HV_NESTED(policy, "images", images, policy_images), .doc = "Which images may run.",
          .example = "{allow: [\"docker.io/library/*\"]}" },
        { HV_LIST(policy, "publish", ENUM, publish), HV_WORDS("loopback", "wireguard", "public"),
          .value = "loopback", .doc = "Where ports may be published.", .example = "[loopback, wireguard]" },
        { HV_ROW(policy, "maxTaskTimeout", DURATION, max_task_timeout_us), .value = "0s",
          .doc = "Longest time that a task may ask for; 0s: no cap.", .example = "24h" },
};
static const struct hv_schema policy = {
        .name = "Policy",
        .doc = "The ceiling that no other file, no source and no master exceeds.",
        HV_FIELDS(policy_rows),
        HV_SIZED(policy)
};

static const struct hv_field shutdown_rows[] = {
        { HV_ROW(shutdown, "grace", DURATION, grace_us), .value = "60s", .planned = true,
          .doc = "Time that a shutdown of the machine leaves for stopping in order." },
};
static const struct hv_schema shutdown = {
        .name = "Shutdown", .doc = "When the machine goes down.", HV_FIELDS(shutdown_rows), HV_SIZED(shutdown)
};

static const struct hv_field node_rows[] = {
        { HV_ROW(node, "id", TEXT, id),
          .doc = "Id under which the node is known; none: metadata.name, else the host name.",
          .example = "worker-berlin-07" },
        { HV_ROW(node, "location", TEXT, location), .planned = true,
          .doc = "Where it stands, as the pool is told.", .example = "DE" },
        { HV_NESTED(node, "docker", docker, docker), .doc = "The container engine.",
          .example = "{enabled: true}" },
        { HV_NESTED(node, "paths", paths, paths), .doc = "Folders of the agent.",
          .example = "{work: /var/lib/hivelet/tasks}" },
        { HV_NESTED(node, "reconcile", reconcile, reconcile), .doc = "Pace of the agent.",
          .example = "{resync: 60s, workers: 4}" },
        { HV_NESTED(node, "safety", safety, safety), .doc = "What a mistake in a file cannot do.",
          .example = "{maxPrune: 50%}" },
        { HV_NESTED(node, "policy", policy, policy),
          .doc = "The ceiling that no other file, no source and no master exceeds.",
          .example = "{publish: [loopback, wireguard]}" },
        { HV_NESTED(node, "shutdown", shutdown, shutdown), .doc = "When the machine goes down.",
          .example = "{grace: 60s}" },
};
const struct hv_schema hv_schema_node = { .name = "Node",
                                          .doc = "The node itself: what it is, what it allows.",
                                          HV_FIELDS(node_rows),
                                          HV_SIZED(node) };

static const struct hv_field reserved_rows[] = {
        { HV_ROW(amounts, "cpu", CPU, nano_cpus), HV_OR_ZERO, .value = "0", .doc = "CPUs.",
          .example = "500m" },
        { HV_ROW(amounts, "memory", BYTES, memory_bytes), HV_OR_ZERO, .value = "0", .doc = "Memory.",
          .example = "1Gi" },
        { HV_ROW(amounts, "disk", BYTES, disk_bytes), HV_OR_ZERO, .value = "0", .doc = "Disk.",
          .example = "5Gi" },
};
static const struct hv_schema amounts = { .name = "Amounts",
                                          .doc = "CPU, memory and disk; 0: nothing, or no limit.",
                                          HV_FIELDS(reserved_rows),
                                          HV_SIZED(amounts) };

static const struct hv_field overcommit_rows[] = {
        { HV_ROW(overcommit, "cpu", DECIMAL, cpu_milli), .value = "1", HV_RANGE(100, 100000),
          .doc = "How often each CPU is given away.", .example = "1.5" },
        { HV_ROW(overcommit, "memory", DECIMAL, memory_milli), .value = "1", HV_RANGE(100, 100000),
          .doc = "How often each byte is given away.", .example = "1.0" },
};
static const struct hv_schema overcommit = { .name = "Overcommit",
                                             .doc = "How much more than there is may be asked for.",
                                             HV_FIELDS(overcommit_rows),
                                             HV_SIZED(overcommit) };

static const struct hv_field gpu_selector_rows[] = {
        { HV_ROW(gpu_selector, "vendor", TEXT, vendor), .doc = "Maker.", .example = "nvidia" },
        { HV_ROW(gpu_selector, "model", TEXT, model), .doc = "Part of the model's name.", .example = "A100" },
        { HV_ROW(gpu_selector, "uuid", TEXT, uuid), .doc = "One certain GPU.", .example = "GPU-5d5ba0d6" },
        { HV_ROW(gpu_selector, "minMemory", BYTES, min_memory_bytes), .doc = "Memory that it must have.",
          .example = "16Gi" },
};
static const struct hv_schema gpu_selector = { .name = "GpuSelector",
                                               .doc = "Which GPUs are given away.",
                                               HV_FIELDS(gpu_selector_rows),
                                               HV_SIZED(gpu_selector),
                                               .item_word = "selector" };
static const struct hv_field gpus_rows[] = {
        { HV_ROW(gpus, "mode", ENUM, mode), HV_WORDS("exclusive", "shared"), .value = "exclusive",
          .doc = "Whether a GPU belongs to one task at a time." },
        { HV_STRUCTS(gpus, "select", select, gpu_selector), .doc = "Which GPUs are given away; none: all.",
          .example = "[{vendor: nvidia, minMemory: 16Gi}]" },
        { HV_ROW(gpus, "healthInterval", DURATION, health_interval_us), .value = "30s", HV_POSITIVE,
          .doc = "How often they are looked at." },
};
static const struct hv_schema gpus = {
        .name = "Gpus", .doc = "GPUs of this node.", HV_FIELDS(gpus_rows), HV_SIZED(gpus)
};

static const struct hv_field cgroup_rows[] = {
        { HV_ROW(cgroup, "slice", TEXT, slice), .value = "hivelet.slice",
          .doc = "Slice that all containers run in." },
        { HV_ROW(cgroup, "memoryOomGroup", BOOL, memory_oom_group), .value = "true",
          .doc = "Whether the kernel ends a container whole when its memory runs out. Version 2 of cgroups; with version 1 "
                 "it ends one process." },
};
static const struct hv_schema cgroup = { .name = "Cgroup",
                                         .doc = "Where containers stand in the kernel's tree.",
                                         HV_FIELDS(cgroup_rows),
                                         HV_SIZED(cgroup) };

static const struct hv_field monitor_rows[] = {
        { HV_ROW(monitor, "interval", DURATION, interval_us), .value = "5s", HV_POSITIVE,
          .doc = "Time between samples of use; 1s at least." },
};
static const struct hv_schema monitor = {
        .name = "Monitor", .doc = "How use is measured.", HV_FIELDS(monitor_rows), HV_SIZED(monitor)
};

static const struct hv_field quiet_hours_rows[] = {
        { HV_ROW(quiet_hours, "from", TEXT, from), .required = true, .format = HV_FORMAT_CLOCK,
          .doc = "First minute.", .example = "\"08:00\"" },
        { HV_ROW(quiet_hours, "to", TEXT, to), .required = true, .format = HV_FORMAT_CLOCK,
          .doc = "First minute after it.", .example = "\"18:00\"" },
        { HV_ROW(quiet_hours, "timezone", TEXT, timezone), .value = "UTC", .format = HV_FORMAT_ZONE,
          .doc = "Zone of these times.", .example = "Europe/Berlin" },
        { HV_ROW(quiet_hours, "maxCpu", CPU, max_nano_cpus), .doc = "CPUs that tasks may use then.",
          .example = "\"4\"" },
        { HV_ROW(quiet_hours, "gpus", INT, gpus), HV_RANGE(0, 64), .value = "64",
          .doc = "GPUs that tasks may use then.", .example = "0" },
};
static const struct hv_schema quiet_hours = { .name = "QuietHours",
                                              .doc = "Times at which tasks get less.",
                                              HV_FIELDS(quiet_hours_rows),
                                              HV_SIZED(quiet_hours),
                                              .item_word = "window" };

static const struct hv_field resources_rows[] = {
        { HV_NESTED(resources, "reserved", reserved, amounts), .doc = "Kept for the host.",
          .example = "{cpu: 500m, memory: 1Gi}" },
        { HV_NESTED(resources, "limits", limits, amounts),
          .doc = "Given away at most; none: what the machine has.",
          .example = "{cpu: \"16\", memory: 48Gi}" },
        { HV_NESTED(resources, "overcommit", overcommit, overcommit),
          .doc = "How much more than there is may be asked for.", .example = "{cpu: 1.5}" },
        { HV_NESTED(resources, "gpus", gpus, gpus), .doc = "GPUs of this node.",
          .example = "{mode: exclusive}" },
        { HV_NESTED(resources, "cgroup", cgroup, cgroup),
          .doc = "Where containers stand in the kernel's tree.", .example = "{slice: hivelet.slice}" },
        { HV_NESTED(resources, "monitor", monitor, monitor), .doc = "How use is measured.",
          .example = "{interval: 5s}" },
        { HV_STRUCTS(resources, "quietHours", quiet_hours, quiet_hours),
          .doc = "Times at which tasks get less.",
          .example = "[{from: \"08:00\", to: \"18:00\", maxCpu: \"4\"}]" },
};
const struct hv_schema hv_schema_resources = { .name = "Resources",
                                               .doc = "What is given away, what is held back.",
                                               HV_FIELDS(resources_rows),
                                               HV_SIZED(resources) };

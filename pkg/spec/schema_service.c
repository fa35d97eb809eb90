/* spec/schema_service.c - rows of services and of what only they have. */
#include "spec/schema_internal.h"

#define RECREATE .cost = HV_COST_RECREATE
#define LIVE .cost = HV_COST_LIVE

static const struct hv_field service_network_rows[] = {
        { HV_ROW(service_network, "name", TEXT, name), .required = true, .format = HV_FORMAT_REF_NETWORK,
          RECREATE, .doc = "Network, by name.", .example = "backend" },
        { HV_ROW(service_network, "aliases", LIST, aliases), .item = HV_FIELD_TEXT,
          .format = HV_FORMAT_HOSTNAME, RECREATE,
          .doc = "Further names under which others on that network reach it.", .example = "[cache]" },
};
static const struct hv_schema service_network = { .name = "ServiceNetwork",
                                                  .doc = "A network that it joins.",
                                                  HV_FIELDS(service_network_rows),
                                                  HV_SIZED(service_network),
                                                  .key = "name",
                                                  .item_word = "network" };

static const struct hv_field port_rows[] = {
        { HV_ROW(port, "name", TEXT, name), .format = HV_FORMAT_NAME, .doc = "Name that probes can use.",
          .example = "http" },
        { HV_ROW(port, "container", INT, container), .required = true, HV_RANGE(1, 65535), .code = "E0301",
          RECREATE, .doc = "Port on which the program listens.", .example = "8080" },
        { HV_ROW(port, "host", TEXT, host), .format = HV_FORMAT_HOST_PORTS, RECREATE,
          .doc = "Port of the host, or a range with one for each replica; none: the engine picks one.",
          .example = "8080-8081" },
        { HV_ROW(port, "bind", TEXT, bind), .value = "loopback", .format = HV_FORMAT_BIND, RECREATE,
          .doc = "Where it listens on the host: loopback, wireguard, public or an address." },
        { HV_ROW(port, "protocol", ENUM, protocol), HV_WORDS("tcp", "udp", "sctp"), .value = "tcp",
          .code = "E0302", RECREATE, .doc = "Protocol." },
};
static const struct hv_schema port = { .name = "Port",
                                       .doc = "A port of the container that the host publishes.",
                                       HV_FIELDS(port_rows),
                                       HV_SIZED(port),
                                       .key = "name",
                                       .item_word = "port" };

static const struct hv_field probe_http_rows[] = {
        { HV_ROW(probe_http, "port", TEXT, port), .required = true, .format = HV_FORMAT_PORT_OR_NAME, LIVE,
          .doc = "Port in the container, by number or by name.", .example = "8080" },
        { HV_ROW(probe_http, "path", TEXT, path), .value = "/", .format = HV_FORMAT_HTTP_PATH, LIVE,
          .doc = "Path to get; 200 to 399 is success.", .example = "/healthz" },
        { HV_ROW(probe_http, "scheme", ENUM, scheme), HV_WORDS("http", "https"), .value = "http", LIVE,
          .doc = "Protocol; a certificate is not verified." },
};
static const struct hv_schema probe_http = {
        .name = "HttpProbe", .doc = "An HTTP request.", HV_FIELDS(probe_http_rows), HV_SIZED(probe_http)
};
static const struct hv_field probe_tcp_rows[] = {
        { HV_ROW(probe_tcp, "port", TEXT, port), .required = true, .format = HV_FORMAT_PORT_OR_NAME, LIVE,
          .doc = "Port in the container, by number or by name.", .example = "6379" },
};
static const struct hv_schema probe_tcp = {
        .name = "TcpProbe", .doc = "A TCP connection.", HV_FIELDS(probe_tcp_rows), HV_SIZED(probe_tcp)
};
static const struct hv_field probe_grpc_rows[] = {
        { HV_ROW(probe_grpc, "port", TEXT, port), .required = true, .format = HV_FORMAT_PORT_OR_NAME, LIVE,
          .doc = "Port in the container, by number or by name.", .example = "9000" },
        { HV_ROW(probe_grpc, "service", TEXT, service), LIVE,
          .doc = "Service to ask about; none: the whole server.", .example = "api.v1" },
};
static const struct hv_schema probe_grpc = {
        .name = "GrpcProbe", .doc = "The gRPC health check.", HV_FIELDS(probe_grpc_rows), HV_SIZED(probe_grpc)
};

static const struct hv_field probe_rows[] = {
        { HV_NESTED(probe, "http", http, probe_http), LIVE, .doc = "Success is an HTTP status of 200 to 399.",
          .example = "{port: 8080, path: /healthz}" },
        { HV_NESTED(probe, "tcp", tcp, probe_tcp), LIVE, .doc = "Success is an accepted connection.",
          .example = "{port: 6379}" },
        { HV_LIST(probe, "exec", TEXT, exec), LIVE,
          .doc = "Command in the container; success is exit code 0.", .example = "[redis-cli, ping]" },
        { HV_NESTED(probe, "grpc", grpc, probe_grpc), LIVE, .doc = "Success is the state SERVING.",
          .example = "{port: 9000}" },
        { HV_ROW(probe, "period", DURATION, period_us), .value = "10s", HV_POSITIVE, LIVE,
          .doc = "Time between tries." },
        { HV_ROW(probe, "timeout", DURATION, timeout_us), .value = "1s", HV_POSITIVE, LIVE,
          .doc = "How long one try may take; never longer than the period." },
        { HV_ROW(probe, "initialDelay", DURATION, initial_delay_us), .value = "0s", LIVE,
          .doc = "Time from start to the first try." },
        { HV_ROW(probe, "failureThreshold", INT, failure_threshold), .value = "3", HV_RANGE(1, 1000),
          .code = "E0402", LIVE, .doc = "Failures in a row that count." },
        { HV_ROW(probe, "successThreshold", INT, success_threshold), .value = "1", HV_RANGE(1, 1000),
          .code = "E0402", LIVE, .doc = "Successes in a row that count." },
};
static const struct hv_group probe_groups[] = {
        { HV_NAMES("http", "tcp", "exec", "grpc"), .exclusive = true, .needed = true },
};
static const struct hv_schema probe = { .name = "Probe",
                                        .doc = "How to find out whether the program is well.",
                                        HV_FIELDS(probe_rows),
                                        HV_GROUPS(probe_groups),
                                        HV_SIZED(probe) };

static const struct hv_field backoff_rows[] = {
        { HV_ROW(backoff, "initial", DURATION, initial_us), .value = "1s", HV_POSITIVE, LIVE,
          .doc = "Wait before the second restart; the first comes at once." },
        { HV_ROW(backoff, "factor", DECIMAL, factor_milli), .value = "2", HV_RANGE(1000, 100000),
          .code = "E0425", LIVE, .doc = "By how much each further wait grows." },
        { HV_ROW(backoff, "max", DURATION, max_us), .value = "2m", HV_POSITIVE, LIVE,
          .doc = "Longest wait." },
        { HV_ROW(backoff, "resetAfter", DURATION, reset_after_us), .value = "10m", HV_POSITIVE, LIVE,
          .doc = "Time of running after which the waits begin anew." },
};
static const struct hv_schema backoff = {
        .name = "Backoff", .doc = "How long restarts wait.", HV_FIELDS(backoff_rows), HV_SIZED(backoff)
};
static const struct hv_field restart_rows[] = {
        { HV_ROW(restart, "policy", ENUM, policy), HV_WORDS("always", "onFailure", "never"),
          .value = "always", LIVE, .doc = "When a container that ended is started again." },
        { HV_NESTED(restart, "backoff", backoff, backoff), LIVE, .doc = "How long restarts wait.",
          .example = "{initial: 1s, factor: 2, max: 2m}" },
};
static const struct hv_schema restart = { .name = "Restart",
                                          .doc = "What happens when the program ends.",
                                          HV_FIELDS(restart_rows),
                                          HV_SIZED(restart) };

static const struct hv_field reload_rows[] = {
        { HV_ROW(reload, "signal", TEXT, signal), .value = "HUP", .format = HV_FORMAT_SIGNAL, LIVE,
          .doc = "Signal that makes the program read its files again." },
};
static const struct hv_schema reload = { .name = "Reload",
                                         .doc = "How a program takes over changed files.",
                                         HV_FIELDS(reload_rows),
                                         HV_SIZED(reload) };

static const struct hv_field hook_rows[] = {
        { HV_LIST(hook, "exec", TEXT, exec), .required = true, LIVE, .doc = "Command in the container.",
          .example = "[nginx, -s, quit]" },
        { HV_ROW(hook, "timeout", DURATION, timeout_us), .value = "5s", HV_POSITIVE, LIVE,
          .doc = "How long it may take." },
};
static const struct hv_schema hook = { .name = "Hook",
                                       .doc = "A command at a point of the container's life.",
                                       HV_FIELDS(hook_rows),
                                       HV_SIZED(hook) };
static const struct hv_field hooks_rows[] = {
        { HV_NESTED(hooks, "postStart", post_start, hook), LIVE, .doc = "Right after the start.",
          .example = "{exec: [/bin/warm-up]}" },
        { HV_NESTED(hooks, "preStop", pre_stop, hook), LIVE, .doc = "Before the stop signal.",
          .example = "{exec: [nginx, -s, quit], timeout: 5s}" },
};
static const struct hv_schema hooks = { .name = "Hooks",
                                        .doc = "Commands at points of the container's life.",
                                        HV_FIELDS(hooks_rows),
                                        HV_SIZED(hooks) };

static const struct hv_field lock_rows[] = {
        { HV_ROW(lock, "file", TEXT, file), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "While this file exists nothing is replaced.", .example = "/run/hivelet/locks/web.lock" },
};
static const struct hv_schema lock = {
        .name = "Lock", .doc = "What holds replacements back.", HV_FIELDS(lock_rows), HV_SIZED(lock)
};
static const struct hv_field update_rows[] = {
        { HV_ROW(update, "strategy", ENUM, strategy), HV_WORDS("recreate", "rolling", "startFirst"),
          .value = "recreate", .doc = "Stop then start, one replica at a time, or start before stopping." },
        { HV_ROW(update, "maxUnavailable", INT, max_unavailable), .value = "1", HV_RANGE(1, 100),
          .doc = "Replicas that may be missing during a rolling update." },
        { HV_ROW(update, "monitor", DURATION, monitor_us), .value = "10s",
          .doc = "How long a new replica must stay ready before it counts." },
        { HV_ROW(update, "onFailure", ENUM, on_failure), HV_WORDS("pause", "rollback", "continue"),
          .value = "pause", .doc = "What to do when a new replica does not become ready." },
        { HV_ROW(update, "pullFirst", BOOL, pull_first), .value = "true",
          .doc = "Whether the new image is there before the old container is stopped." },
        { HV_NESTED(update, "lock", lock, lock), .doc = "What holds replacements back.",
          .example = "{file: /run/hivelet/locks/web.lock}" },
};
static const struct hv_schema update = { .name = "Update",
                                         .doc = "How a changed service is replaced.",
                                         HV_FIELDS(update_rows),
                                         HV_SIZED(update) };
static const struct hv_field auto_update_rows[] = {
        { HV_ROW(auto_update, "policy", ENUM, policy), HV_WORDS("none", "digest", "semver"), .value = "none",
          .doc = "Follow what the tag points at, or newer versions, or nothing." },
        { HV_ROW(auto_update, "interval", DURATION, interval_us), .value = "1h", HV_POSITIVE,
          .doc = "Time between looks at the registry." },
};
static const struct hv_schema auto_update = { .name = "AutoUpdate",
                                              .doc = "Whether new images are taken by itself.",
                                              HV_FIELDS(auto_update_rows),
                                              HV_SIZED(auto_update) };

static const struct hv_field service_rows[] = {
        { HV_ROW(service, "name", TEXT, o.name), .required = true, .format = HV_FORMAT_NAME, RECREATE,
          .doc = "Name, unique among services; its containers are hive-NAME, hive-NAME-2, ...",
          .example = "web" },
        { HV_ROW(service, "labels", MAP, o.labels), RECREATE, .doc = "Labels of the containers.",
          .example = "{tier: front}" },
        { HV_ROW(service, "annotations", MAP, o.annotations),
          .doc = "Notes for tools, hivelet/adopt among them.", .example = "{hivelet/adopt: \"true\"}" },
        { HV_ROW(service, "image", TEXT, image), .required = true, .format = HV_FORMAT_IMAGE, RECREATE,
          .doc = "Image to run; a missing registry is docker.io, a missing tag latest.",
          .example = "docker.io/library/nginx:1.27-alpine" },
        { HV_ROW(service, "pullPolicy", ENUM, pull_policy), HV_WORDS("missing", "always", "never"),
          .value = "missing", .doc = "When the image is pulled." },
        { HV_ROW(service, "replicas", INT, replicas), .value = "1", HV_RANGE(1, 100),
          .doc = "Containers that run at the same time." },
        { HV_STRUCTS(service, "dependsOn", depends_on, hv_schema_depends_on),
          .doc = "What must be there first.", .example = "[{service: redis, condition: ready}]" },
        { HV_LIST(service, "command", TEXT, command), RECREATE,
          .doc = "Program and arguments in place of the image's ENTRYPOINT.",
          .example = "[nginx, -g, daemon off;]" },
        { HV_LIST(service, "args", TEXT, args), RECREATE, .doc = "Arguments in place of the image's CMD.",
          .example = "[--appendonly, \"yes\"]" },
        { HV_ROW(service, "workdir", TEXT, workdir), .format = HV_FORMAT_ABSOLUTE_PATH, RECREATE,
          .doc = "Working directory; none: the image's.", .example = "/srv" },
        { HV_ROW(service, "hostname", TEXT, hostname), .format = HV_FORMAT_HOSTNAME, RECREATE,
          .doc = "Host name inside the container; none: the engine's choice.", .example = "web" },
        { HV_STRUCTS(service, "env", env, hv_schema_env), RECREATE, .doc = "Environment variables.",
          .example = "[{name: TZ, value: Europe/Berlin}]" },
        { HV_STRUCTS(service, "secrets", secrets, hv_schema_secret_use), .planned = true, RECREATE,
          .doc = "Secrets as files.", .example = "[{name: db-password, target: /run/secrets/db}]" },
        { HV_STRUCTS(service, "configs", configs, hv_schema_config_use), .planned = true, RECREATE,
          .doc = "Texts of configs as files.",
          .example = "[{name: web-conf, key: nginx.conf, target: /etc/nginx/nginx.conf}]" },
        { HV_NESTED(service, "reload", reload, reload), .is_switch = true, .planned = true, LIVE,
          .doc = "How the program takes over changed files.", .example = "{signal: HUP}" },
        { HV_ROW(service, "network", TEXT, network), RECREATE,
          .doc = "The word none: no network; host: the host's own (if node.policy.hostNetwork allows it).",
          .example = "none" },
        { HV_STRUCTS(service, "networks", networks, service_network), RECREATE,
          .doc = "Networks it joins; none: hivemind.", .example = "[{name: backend}]" },
        { HV_STRUCTS(service, "mounts", mounts, hv_schema_mount), RECREATE, .doc = "Volumes and host paths.",
          .example = "[{volume: redis-data, target: /data}]" },
        { HV_STRUCTS(service, "ports", ports, port), RECREATE, .doc = "Ports that the host publishes.",
          .example = "[{container: 8080, host: 8080}]" },
        { HV_NESTED(service, "startup", startup, probe), .planned = true, LIVE,
          .doc = "Until it succeeds, the other probes wait.",
          .example = "{http: {port: 8080}, failureThreshold: 60}" },
        { HV_NESTED(service, "readiness", readiness, probe), .planned = true, LIVE,
          .doc = "While it fails, the service is not ready.",
          .example = "{http: {port: 8080, path: /healthz}}" },
        { HV_NESTED(service, "liveness", liveness, probe), .planned = true, LIVE,
          .doc = "When it fails, the container is restarted.", .example = "{tcp: {port: 6379}}" },
        { HV_NESTED(service, "resources", resources, hv_schema_unit_resources), LIVE,
          .doc = "CPU, memory, processes.", .example = "{limits: {memory: 512Mi}}" },
        { HV_ROW(service, "cpuQuota", INT, cpu_quota), HV_RANGE(1000, 1000000000), LIVE,
          .deprecated = "resources.limits.cpu",
          .doc = "Microseconds of CPU in each 100 ms, as Docker counts.", .example = "100000" },
        { HV_NESTED(service, "restart", restart, restart), LIVE, .doc = "What happens when the program ends.",
          .example = "{policy: always}" },
        { HV_NESTED(service, "security", security, hv_schema_security), RECREATE,
          .doc = "What the container may do to the host.", .example = "{readOnlyRoot: true}" },
        { HV_NESTED(service, "update", update, update), .planned = true,
          .doc = "How a changed service is replaced.", .example = "{strategy: rolling}" },
        { HV_NESTED(service, "autoUpdate", auto_update, auto_update), .planned = true,
          .doc = "Whether new images are taken by itself.", .example = "{policy: digest}" },
        { HV_NESTED(service, "stop", stop, hv_schema_stop), .doc = "How it is ended.",
          .example = "{signal: TERM, grace: 15s}" },
        { HV_NESTED(service, "hooks", hooks, hooks), .planned = true, LIVE,
          .doc = "Commands at points of the container's life.",
          .example = "{preStop: {exec: [nginx, -s, quit]}}" },
        { HV_NESTED(service, "logging", logging, hv_schema_unit_logging), RECREATE,
          .doc = "What happens to its output.", .example = "{driver: journald}" },
};
static const struct hv_group service_groups[] = {
        { HV_NAMES("network", "networks"), .exclusive = true },
};
const struct hv_schema hv_schema_service = { .name = "Service",
                                             .doc = "A container, or several, that keep running.",
                                             HV_FIELDS(service_rows),
                                             HV_GROUPS(service_groups),
                                             HV_SIZED(service),
                                             .item_word = "service",
                                             .kind = HV_KIND_SERVICE };

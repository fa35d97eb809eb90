/* spec/schema_agent.c - rows of the agent's own sections: master, trust, http, gc, logging, sources. */
#include "spec/schema_internal.h"

static const struct hv_field tls_rows[] = {
        { HV_ROW(tls, "caFile", TEXT, ca_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Certificates that the other side's must come from; none: the system's.",
          .example = "/etc/hivelet/pool-ca.pem" },
        { HV_ROW(tls, "certFile", TEXT, cert_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Certificate of this node.", .example = "/etc/hivelet/node.pem" },
        { HV_ROW(tls, "keyFile", TEXT, key_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Key of that certificate.", .example = "/etc/hivelet/node.key" },
};
const struct hv_schema hv_schema_tls = {
        .name = "Tls", .doc = "How the connection is protected.", HV_FIELDS(tls_rows), HV_SIZED(tls)
};

static const struct hv_field listen_tls_rows[] = {
        { HV_ROW(listen_tls, "certFile", TEXT, cert_file), .required = true,
          .format = HV_FORMAT_ABSOLUTE_PATH, .doc = "Certificate that callers are shown.",
          .example = "/etc/hivelet/node.pem" },
        { HV_ROW(listen_tls, "keyFile", TEXT, key_file), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Its key.", .example = "/etc/hivelet/node.key" },
        { HV_ROW(listen_tls, "clientCaFile", TEXT, client_ca_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Authorities of callers: each must show a certificate of one of them that names the host of address; none: nobody "
                 "is asked.",
          .example = "/etc/hivelet/pool-ca.pem" },
};
static const struct hv_schema listen_tls = { .name = "ListenTls",
                                             .doc = "How the port that the pool calls is protected.",
                                             HV_FIELDS(listen_tls_rows),
                                             HV_SIZED(listen_tls) };

static const struct hv_field credentials_rows[] = {
        { HV_ROW(credentials, "username", TEXT, username), .required = true, .doc = "Account at the pool.",
          .example = "alice" },
        { HV_ROW(credentials, "passwordSecret", TEXT, password_secret), .required = true,
          .format = HV_FORMAT_REF_SECRET, .doc = "Secret that holds its password.",
          .example = "pool-password" },
};
static const struct hv_schema credentials = { .name = "Credentials",
                                              .doc = "How the node logs in.",
                                              HV_FIELDS(credentials_rows),
                                              HV_SIZED(credentials) };

static const struct hv_field reconnect_rows[] = {
        { HV_ROW(reconnect, "initial", DURATION, initial_us), .value = "1s", HV_POSITIVE,
          .doc = "The first waits, at most." },
        { HV_ROW(reconnect, "factor", DECIMAL, factor_milli), .value = "2", HV_RANGE(1000, 100000),
          .code = "E0425",
          .doc = "A further try comes this many times as long after the loss as the one before, at most." },
        { HV_ROW(reconnect, "max", DURATION, max_us), .value = "5m", HV_POSITIVE, .doc = "Longest wait." },
};
static const struct hv_schema reconnect = { .name = "Reconnect",
                                            .doc = "Waits between tries to reach the pool.",
                                            HV_FIELDS(reconnect_rows),
                                            HV_SIZED(reconnect) };

static const struct hv_field accept_rows[] = {
        { HV_ROW(accept, "services", BOOL, services), .planned = true, .value = "false",
          .doc = "Whether it may assign services." },
        { HV_ROW(accept, "tasks", BOOL, tasks), .value = "true", .doc = "Whether it may assign tasks." },
        { HV_ROW(accept, "maxConcurrentTasks", INT, max_concurrent_tasks), .value = "3", HV_RANGE(0, 10000),
          .doc = "Tasks that run at the same time, those of files included; 0: no limit." },
        { HV_ROW(accept, "minPricePerHour", DECIMAL, min_price_per_hour_milli), .planned = true, .value = "0",
          HV_RANGE(0, INT64_MAX), .doc = "Offers below this are left to others." },
};
static const struct hv_schema accept = {
        .name = "Accept", .doc = "What is taken from the pool.", HV_FIELDS(accept_rows), HV_SIZED(accept)
};

static const struct hv_field outbox_rows[] = {
        { HV_ROW(outbox, "maxSize", BYTES, max_size_bytes), .value = "10Gi",
          .doc = "Bytes of results that wait, above which no more work is taken; nothing is ever dropped." },
};
static const struct hv_schema outbox = {
        .name = "Outbox", .doc = "Results that wait for the pool.", HV_FIELDS(outbox_rows), HV_SIZED(outbox)
};

static const struct hv_field master_rows[] = {
        { HV_ROW(master, "address", TEXT, address), .format = HV_FORMAT_HOST_PORT,
          .doc = "Host and port of the pool; none: no pool.", .example = "10.0.0.1:50051" },
        { HV_ROW(master, "listen", TEXT, listen), .format = HV_FORMAT_HOST_PORT,
          .doc = "Where the pool reaches this node (hivemind dialect); none: port 50053 of the tunnel's address.",
          .example = "10.0.0.17:50053" },
        { HV_ROW(master, "advertise", TEXT, advertise), .format = HV_FORMAT_ADDRESS,
          .doc = "Address that the pool is told; none: that of listen, else of a tunnel, else of 10.0.0.0/24, else of the default "
                 "route.",
          .example = "10.0.0.17" },
        { HV_NESTED(master, "listenTls", listen_tls, listen_tls),
          .doc = "How the port that the pool calls is protected (hivemind dialect); none: plain text.",
          .example =
                  "{certFile: /etc/hivelet/node.pem, keyFile: /etc/hivelet/node.key, clientCaFile: /etc/hivelet/pool-ca.pem}" },
        { HV_LIST(master, "peers", TEXT, peers), .format = HV_FORMAT_ADDRESS_CIDR,
          .doc = "Networks whose hosts may call this node (hivemind dialect); none: the pool's address only.",
          .example = "[10.0.0.0/24]" },
        { HV_ROW(master, "protocol", ENUM, protocol), HV_WORDS("v1", "hivemind"), .value = "v1",
          .doc = "Dialect that the pool speaks." },
        { HV_ROW(master, "insecure", BOOL, insecure), .value = "false",
          .doc = "Whether plain text to the pool is accepted." },
        { HV_NESTED(master, "tls", tls, hv_schema_tls), .doc = "How the connection is protected.",
          .example = "{caFile: /etc/hivelet/pool-ca.pem}" },
        { HV_NESTED(master, "credentials", credentials, credentials), .doc = "How the node logs in.",
          .example = "{username: alice, passwordSecret: pool-password}" },
        { HV_ROW(master, "heartbeat", DURATION, heartbeat_us), .value = "30s", HV_POSITIVE,
          .doc = "How often the pool hears from the node." },
        { HV_NESTED(master, "reconnect", reconnect, reconnect),
          .doc = "Waits between tries to reach the pool.", .example = "{initial: 1s, factor: 2, max: 5m}" },
        { HV_NESTED(master, "accept", accept, accept), .doc = "What is taken from the pool.",
          .example = "{tasks: true, maxConcurrentTasks: 3}" },
        { HV_NESTED(master, "outbox", outbox, outbox), .doc = "Results that wait for the pool.",
          .example = "{maxSize: 10Gi}" },
        { HV_ROW(master, "onConflict", ENUM, on_conflict), HV_WORDS("fileWins", "masterWins"),
          .value = "fileWins",
          .doc = "Whose task stays when the pool assigns an id that a task of this node has. What a file declares always stays." },
        { HV_ROW(master, "lostAfter", DURATION, lost_after_us), .value = "10m", HV_POSITIVE,
          .doc = "Silence of the pool after which onLost acts." },
        { HV_ROW(master, "onLost", ENUM, on_lost), HV_WORDS("keep", "drain", "stop"), .value = "keep",
          .doc = "What becomes of the pool's work then: it goes on; what has not begun is stopped; all of it is." },
};
const struct hv_schema hv_schema_master = { .name = "Master",
                                            .doc = "The node pool that this node works for.",
                                            HV_FIELDS(master_rows),
                                            HV_SIZED(master) };

static const struct hv_field groups_rows[] = {
        { HV_ROW(trust_groups, "high", INT, high), .value = "80", HV_RANGE(0, 100), .code = "E0505",
          .doc = "Score from which the node is in the group high." },
        { HV_ROW(trust_groups, "medium", INT, medium), .value = "50", HV_RANGE(0, 100), .code = "E0505",
          .doc = "Score from which it is in the group medium." },
};
static const struct hv_schema groups = {
        .name = "TrustGroups", .doc = "Borders of the groups.", HV_FIELDS(groups_rows), HV_SIZED(trust_groups)
};
static const struct hv_field trust_rows[] = {
        { HV_ROW(trust, "success", INT, success), .value = "2", HV_RANGE(0, 100),
          .doc = "Points for a completed task." },
        { HV_ROW(trust, "failure", INT, failure), .value = "-5", HV_RANGE(-100, 0),
          .doc = "Points for a failed one." },
        { HV_NESTED(trust, "groups", groups, groups), .doc = "Borders of the groups.",
          .example = "{high: 80, medium: 50}" },
        { HV_ROW(trust, "countTaskFaults", BOOL, count_task_faults), .value = "true",
          .doc = "Whether failures that the task itself caused count too." },
};
const struct hv_schema hv_schema_trust = {
        .name = "Trust", .doc = "How the node's score changes.", HV_FIELDS(trust_rows), HV_SIZED(trust)
};

static const struct hv_field http_group_rows[] = {
        { HV_ROW(http_group, "group", TEXT, group), .required = true, .doc = "A group of this machine.",
          .example = "hivelet" },
        { HV_ROW(http_group, "role", ENUM, role), HV_WORDS("viewer", "operator", "admin"), .required = true,
          .doc = "What its members may do.", .example = "operator" },
};
static const struct hv_schema http_group = { .name = "HttpGroup",
                                             .doc = "The role of a group on the unix socket.",
                                             HV_FIELDS(http_group_rows),
                                             HV_SIZED(http_group) };
static const struct hv_field http_auth_rows[] = {
        { HV_ROW(http_auth, "required", BOOL, required),
          .doc = "Whether nothing but probes is shown without a login; true as soon as a file lets "
                 "somebody in.",
          .example = "true" },
        { HV_ROW(http_auth, "usersFile", TEXT, users_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "File with a line NAME:ROLE:HASH for each user; hivectl user hash makes them.",
          .example = "/etc/hivelet/users" },
        { HV_ROW(http_auth, "tokenFile", TEXT, token_file), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "File with a line ROLE NAME TOKEN for each token that lets clients in.",
          .example = "/etc/hivelet/api.token" },
        { HV_ROW(http_auth, "poolRole", ENUM, pool_role), HV_WORDS("none", "viewer", "operator", "admin"),
          .value = "none",
          .doc = "What those may do whom a pool of the dialect hivemind knows by name and password, "
                 "and usersFile does not name." },
        { HV_STRUCTS(http_auth, "groups", groups, http_group),
          .doc = "Roles on the unix socket, by group; none: whoever may open it is an admin.",
          .example = "[{group: hivelet, role: operator}]" },
        { HV_ROW(http_auth, "sessionTimeout", DURATION, session_timeout_us), .value = "24h", HV_POSITIVE,
          .doc = "How long a login lasts at most." },
};
static const struct hv_schema http_auth = {
        .name = "HttpAuth", .doc = "Who may use it.", HV_FIELDS(http_auth_rows), HV_SIZED(http_auth)
};
static const struct hv_field http_tls_rows[] = {
        { HV_ROW(http_tls, "certFile", TEXT, cert_file), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Certificate.", .example = "/etc/hivelet/api.pem" },
        { HV_ROW(http_tls, "keyFile", TEXT, key_file), .required = true, .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Its key.", .example = "/etc/hivelet/api.key" },
};
static const struct hv_schema http_tls = {
        .name = "HttpTls", .doc = "How it is protected.", HV_FIELDS(http_tls_rows), HV_SIZED(http_tls)
};
static const struct hv_field metrics_rows[] = {
        { HV_ROW(metrics, "enabled", BOOL, enabled), .value = "true", .doc = "Whether /metrics is served." },
        { HV_ROW(metrics, "auth", BOOL, auth),
          .doc = "Whether it needs a login; as everything else unless it is written.", .example = "false" },
};
static const struct hv_schema metrics = {
        .name = "Metrics", .doc = "Figures for Prometheus.", HV_FIELDS(metrics_rows), HV_SIZED(metrics)
};
static const struct hv_field ui_rows[] = {
        { HV_ROW(ui, "enabled", BOOL, enabled), .value = "true",
          .doc = "Whether pages for people are served; what programs ask for is there all the same." },
        { HV_ROW(ui, "theme", ENUM, theme), HV_WORDS("auto", "light", "dark"), .value = "auto",
          .doc = "Their colours for whoever has not chosen any; auto: as his system has them." },
};
static const struct hv_schema ui = {
        .name = "Ui", .doc = "Pages for people.", HV_FIELDS(ui_rows), HV_SIZED(ui)
};
static const struct hv_field http_limits_rows[] = {
        { HV_ROW(http_limits, "connections", INT, connections), .value = "256", HV_RANGE(8, 100000),
          .doc = "Connections at once; the one that is idle for longest makes room." },
        { HV_ROW(http_limits, "connectionsPerAddress", INT, connections_per_address), .value = "32",
          HV_RANGE(1, 100000), .doc = "Of these, from one address." },
        { HV_ROW(http_limits, "streams", INT, streams), .value = "128", HV_RANGE(2, 100000),
          .doc = "Streams at once (status, events, logs); half of them may follow the status and lists, half the events." },
};
static const struct hv_schema http_limits = { .name = "HttpLimits",
                                              .doc = "What clients may take at once.",
                                              HV_FIELDS(http_limits_rows),
                                              HV_SIZED(http_limits) };
static const struct hv_field http_rows[] = {
        { HV_ROW(http, "listen", TEXT, listen), .value = "127.0.0.1:5000", .format = HV_FORMAT_HOST_PORT,
          .doc = "Address and port; one that is not loopback needs auth and tls." },
        { HV_NESTED(http, "auth", auth, http_auth), .doc = "Who may use it.",
          .example = "{tokenFile: /etc/hivelet/api.token}" },
        { HV_NESTED(http, "tls", tls, http_tls), .doc = "How it is protected.",
          .example = "{certFile: /etc/hivelet/api.pem, keyFile: /etc/hivelet/api.key}" },
        { HV_NESTED(http, "metrics", metrics, metrics), .doc = "Figures for Prometheus.",
          .example = "{enabled: true}" },
        { HV_NESTED(http, "ui", ui, ui), .doc = "Pages for people.", .example = "{theme: dark}" },
        { HV_NESTED(http, "limits", limits, http_limits),
          .doc = "What clients of the address may take at once.", .example = "{streams: 512}" },
};
const struct hv_schema hv_schema_http = {
        .name = "Http", .doc = "The agent's HTTP interface.", HV_FIELDS(http_rows), HV_SIZED(http)
};

static const struct hv_field gc_disk_rows[] = {
        { HV_ROW(gc_disk, "high", PERCENT, high_percent), .value = "85%",
          .doc = "Use at which collecting begins." },
        { HV_ROW(gc_disk, "low", PERCENT, low_percent), .value = "75%", .doc = "Use at which it ends." },
        { HV_ROW(gc_disk, "minAge", DURATION, min_age_us), .value = "10m",
          .doc = "Nothing younger is collected." },
};
static const struct hv_schema gc_disk = {
        .name = "GcDisk", .doc = "When disk space is made.", HV_FIELDS(gc_disk_rows), HV_SIZED(gc_disk)
};
static const struct hv_field gc_images_rows[] = {
        { HV_ROW(gc_images, "keepLast", INT, keep_last), .value = "2", HV_RANGE(0, 1000),
          .doc = "Last revisions whose images are kept, the one in force among them; 0: only pinned ones and those in use." },
        { HV_ROW(gc_images, "maxAge", DURATION, max_age_us), .value = "30d",
          .doc = "Unused ones go after this." },
};
static const struct hv_schema gc_images = {
        .name = "GcImages", .doc = "Unused images.", HV_FIELDS(gc_images_rows), HV_SIZED(gc_images)
};
static const struct hv_field gc_containers_rows[] = {
        { HV_ROW(gc_containers, "keepExited", INT, keep_exited), .value = "3", HV_RANGE(0, 1000),
          .doc = "Ended containers kept of each task that this node does not know any more." },
        { HV_ROW(gc_containers, "maxAge", DURATION, max_age_us), .value = "24h",
          .doc = "Ended ones go after this." },
};
static const struct hv_schema gc_containers = { .name = "GcContainers",
                                                .doc = "Ended containers.",
                                                HV_FIELDS(gc_containers_rows),
                                                HV_SIZED(gc_containers) };
static const struct hv_field gc_tasks_rows[] = {
        { HV_ROW(gc_tasks, "workspace", DURATION, workspace_us), .planned = true, .value = "24h",
          .doc = "How long the workspace of an ended task stays." },
        { HV_ROW(gc_tasks, "results", DURATION, results_us), .value = "7d",
          .doc = "How long an ended task is remembered, with its log and the list of its files." },
        { HV_ROW(gc_tasks, "maxSize", BYTES, max_size_bytes), .value = "50Gi",
          .doc = "What all results may take together; above it files and logs of the oldest go." },
        { HV_ROW(gc_tasks, "packages", DURATION, packages_us), .value = "7d",
          .doc = "How long installed Python packages stay that no task uses; 0s: for ever." },
};
static const struct hv_schema gc_tasks = {
        .name = "GcTasks", .doc = "What tasks leave.", HV_FIELDS(gc_tasks_rows), HV_SIZED(gc_tasks)
};
static const struct hv_field pressure_rows[] = {
        { HV_ROW(pressure, "memoryPsiSome10", PERCENT, memory_psi_some10_percent), .value = "40%",
          .doc = "Share of the last 10 s in which something waited for memory." },
        { HV_ROW(pressure, "memoryUsed", PERCENT, memory_used_percent), .value = "80%",
          .doc = "Use of memory above which a collection is started; 0%: it does not count." },
        { HV_ROW(pressure, "diskFree", PERCENT, disk_free_percent), .value = "5%",
          .doc = "Free disk below which the action is taken." },
        { HV_ROW(pressure, "cpuUsed", PERCENT, cpu_used_percent),
          .doc = "Use of all CPUs above which no task is admitted, nothing written: it does not count (hivemind "
                 "dialect: 90%). Nobody is stopped for it.",
          .example = "90%" },
        { HV_ROW(pressure, "maxTemperature", INT, max_celsius), HV_RANGE(0, 150), .value = "0",
          .doc = "Degrees Celsius of the hottest zone from which the action is taken; 0: it does not count." },
        { HV_ROW(pressure, "action", ENUM, action), HV_WORDS("pauseAdmission", "none"),
          .value = "pauseAdmission", .doc = "What is done under pressure." },
};
static const struct hv_schema pressure = { .name = "Pressure",
                                           .doc = "When the machine runs short.",
                                           HV_FIELDS(pressure_rows),
                                           HV_SIZED(pressure) };
static const struct hv_field gc_rows[] = {
        { HV_ROW(gc, "interval", DURATION, interval_us), .value = "5m", HV_POSITIVE,
          .doc = "Time between rounds (of what tasks leave)." },
        { HV_NESTED(gc, "disk", disk, gc_disk), .doc = "When disk space is made.",
          .example = "{high: 85%, low: 75%}" },
        { HV_NESTED(gc, "images", images, gc_images), .doc = "Unused images.", .example = "{keepLast: 2}" },
        { HV_NESTED(gc, "containers", containers, gc_containers), .doc = "Ended containers.",
          .example = "{keepExited: 3}" },
        { HV_NESTED(gc, "tasks", tasks, gc_tasks), .doc = "What tasks leave.",
          .example = "{workspace: 24h}" },
        { HV_NESTED(gc, "pressure", pressure, pressure), .doc = "When the machine runs short.",
          .example = "{diskFree: 5%}" },
        { HV_ROW(gc, "unmanaged", BOOL, unmanaged), .value = "false",
          .doc = "Whether layers that nobody uses may go though hivelet did not bring them." },
};
const struct hv_schema hv_schema_gc = {
        .name = "Gc", .doc = "What is cleaned up, and when.", HV_FIELDS(gc_rows), HV_SIZED(gc)
};

static const struct hv_field log_containers_rows[] = {
        { HV_ROW(log_containers, "driver", TEXT, driver), .value = "json-file", .cost = HV_COST_RECREATE,
          .doc = "Where the engine writes the output of containers." },
        { HV_ROW(log_containers, "maxSize", BYTES, max_size_bytes), .value = "20Mi", .cost = HV_COST_RECREATE,
          .doc = "Size at which a log file is rotated (drivers json-file and local)." },
        { HV_ROW(log_containers, "maxFiles", INT, max_files), .value = "3", HV_RANGE(1, 1000),
          .cost = HV_COST_RECREATE, .doc = "Rotated files kept (drivers json-file and local)." },
};
static const struct hv_schema log_containers = { .name = "ContainerLogs",
                                                 .doc = "Output of containers.",
                                                 HV_FIELDS(log_containers_rows),
                                                 HV_SIZED(log_containers) };
static const struct hv_field log_file_rows[] = {
        { HV_ROW(log_file, "maxSize", BYTES, max_size_bytes), .value = "10Mi", HV_RANGE(65536, INT64_MAX),
          .doc = "Size at which it is rotated." },
        { HV_ROW(log_file, "maxFiles", INT, max_files), .value = "5", HV_RANGE(1, 100),
          .doc = "Files kept, the one that is written among them." },
};
static const struct hv_schema log_file = { .name = "LogFile",
                                           .doc = "The file hivelet.log in logging.dir.",
                                           HV_FIELDS(log_file_rows),
                                           HV_SIZED(log_file) };
static const struct hv_field log_events_rows[] = {
        { HV_ROW(log_events, "keep", DURATION, keep_us), .value = "7d", HV_POSITIVE,
          .doc = "How long a file that is full is kept." },
        { HV_ROW(log_events, "maxSize", BYTES, max_size_bytes), .value = "64Mi", HV_RANGE(1048576, INT64_MAX),
          .doc = "Space that all files of events may take; one is full with an eighth of it." },
};
static const struct hv_schema log_events = { .name = "EventLog",
                                             .doc = "The files events.jsonl in logging.dir.",
                                             HV_FIELDS(log_events_rows),
                                             HV_SIZED(log_events) };
static const struct hv_field logging_rows[] = {
        { HV_ROW(logging, "level", ENUM, level), HV_WORDS("error", "warning", "info", "debug"),
          .value = "info", .doc = "What is worth a line." },
        { HV_ROW(logging, "target", ENUM, target), HV_WORDS("journal", "stderr", "file"), .value = "journal",
          .doc = "Where the agent's own log goes: journal (standard error where nobody reads it for the "
                 "journal), stderr as plain lines, or file, which is the files of dir alone." },
        { HV_ROW(logging, "dir", TEXT, dir), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Folder for the files hivelet.log and events.jsonl; none: no files.",
          .example = "/var/log/hivelet" },
        { HV_NESTED(logging, "file", file, log_file), .doc = "How large the log file grows.",
          .example = "{maxSize: 50Mi}" },
        { HV_NESTED(logging, "containers", containers, log_containers), .doc = "Output of containers.",
          .example = "{driver: journald}" },
        { HV_NESTED(logging, "events", events, log_events), .doc = "How long events are kept in their files.",
          .example = "{keep: 30d}" },
};
const struct hv_schema hv_schema_logging = { .name = "Logging",
                                             .doc = "Logs of the agent and of containers.",
                                             HV_FIELDS(logging_rows),
                                             HV_SIZED(logging) };

static const struct hv_field etcd_rows[] = {
        { HV_LIST(etcd, "endpoints", TEXT, endpoints), .required = true, .format = HV_FORMAT_URL,
          .doc = "Members of the cluster.", .example = "[\"https://10.0.0.1:2379\"]" },
        { HV_ROW(etcd, "prefix", TEXT, prefix), .required = true,
          .doc = "Keys that are watched begin with it.", .example = "/hivelet/worker-berlin-07/" },
        { HV_NESTED(etcd, "tls", tls, hv_schema_tls), .doc = "How the connection is protected.",
          .example = "{caFile: /etc/hivelet/etcd-ca.pem}" },
};
static const struct hv_schema etcd = {
        .name = "Etcd", .doc = "An etcd cluster.", HV_FIELDS(etcd_rows), HV_SIZED(etcd)
};
static const struct hv_field source_rows[] = {
        { HV_ROW(source, "name", TEXT, name), .required = true, .format = HV_FORMAT_NAME,
          .doc = "Name, unique among sources.", .example = "local" },
        { HV_ROW(source, "dir", TEXT, dir), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Folder with further files.", .example = "/etc/hivelet/conf.d" },
        { HV_ROW(source, "pattern", TEXT, pattern), .value = "*.yaml", .doc = "Files of it that are read." },
        { HV_ROW(source, "url", TEXT, url), .format = HV_FORMAT_URL, .doc = "Document to fetch.",
          .example = "\"https://fleet.example.org/nodes/worker-berlin-07.yaml\"" },
        { HV_ROW(source, "interval", DURATION, interval_us), .value = "60s", HV_POSITIVE,
          .doc = "How often." },
        { HV_ROW(source, "verifyKey", TEXT, verify_key), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Ed25519 public key that must have signed it.", .example = "/etc/hivelet/fleet.pub" },
        { HV_NESTED(source, "etcd", etcd, etcd), .doc = "An etcd cluster.",
          .example = "{endpoints: [\"https://10.0.0.1:2379\"], prefix: /hivelet/node/}" },
};
static const struct hv_group source_groups[] = {
        { HV_NAMES("dir", "url", "etcd"), .exclusive = true, .needed = true },
};
const struct hv_schema hv_schema_source = { .name = "Source",
                                            .doc = "Where further objects come from.",
                                            HV_FIELDS(source_rows),
                                            HV_GROUPS(source_groups),
                                            HV_SIZED(source),
                                            .key = "name",
                                            .item_word = "source" };

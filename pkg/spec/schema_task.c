/* spec/schema_task.c - rows of tasks, of their defaults and of cron tasks. */
#include "spec/schema_internal.h"

static const struct hv_field input_rows[] = {
        { HV_ROW(task_input, "path", TEXT, path), .required = true, .format = HV_FORMAT_RELATIVE_PATH,
          .doc = "Where it appears below the working directory.", .example = "main.py" },
        { HV_ROW(task_input, "inline", TEXT, inline_text), .doc = "Its text.", .example = "\"print(1)\\n\"" },
        { HV_ROW(task_input, "url", TEXT, url), .format = HV_FORMAT_URL, .doc = "Where it is fetched from.",
          .example = "\"https://data.example.org/set.csv\"" },
        { HV_ROW(task_input, "archive", TEXT, archive), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Archive of the host that is unpacked there (zip, tar).",
          .example = "/srv/data/bundle.zip" },
        { HV_ROW(task_input, "inbox", TEXT, inbox), .format = HV_FORMAT_SHA256,
          .doc = "What a node pool sent with the task, by its SHA-256; nobody else can name it.",
          .example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" },
        { HV_ROW(task_input, "unpack", BOOL, unpack), .value = "false",
          .doc = "With inbox: it is an archive (zip, tar) that is unpacked there." },
        { HV_ROW(task_input, "sha256", TEXT, sha256), .format = HV_FORMAT_SHA256,
          .doc = "What the fetched bytes must have; needed where the URL is plain http.",
          .example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae" },
        { HV_ROW(task_input, "maxSize", BYTES, max_size_bytes), .value = "1Gi",
          .doc = "Size at which fetching stops." },
};
static const struct hv_group input_groups[] = {
        { HV_NAMES("inline", "url", "archive", "inbox"), .exclusive = true, .needed = true },
};
static const struct hv_schema input = { .name = "Input",
                                        .doc = "A file or folder that is there before it starts.",
                                        HV_FIELDS(input_rows),
                                        HV_GROUPS(input_groups),
                                        HV_SIZED(task_input),
                                        .item_word = "input" };

static const struct hv_field outputs_rows[] = {
        { HV_ROW(outputs, "paths", LIST, paths), .item = HV_FIELD_TEXT, .value = "results",
          .format = HV_FORMAT_RELATIVE_PATH, .doc = "What is collected, relative to the working directory.",
          .example = "[results]" },
        { HV_ROW(outputs, "maxSize", BYTES, max_size_bytes), .value = "1Gi",
          .doc = "Bytes collected at most." },
        { HV_ROW(outputs, "maxFiles", INT, max_files), .value = "10000", HV_RANGE(1, 1000000),
          .doc = "Files collected at most." },
        { HV_ROW(outputs, "keep", DURATION, keep_us), .value = "24h",
          .doc = "How long the collected files stay on the node, from the end of the task." },
};
static const struct hv_schema outputs = { .name = "Outputs",
                                          .doc = "What is collected when it ends.",
                                          HV_FIELDS(outputs_rows),
                                          HV_SIZED(outputs) };

static const struct hv_field retries_rows[] = {
        { HV_ROW(retries, "limit", INT, limit), .value = "0", HV_RANGE(0, 100),
          .doc = "Further attempts at most." },
        { HV_ROW(retries, "backoff", DURATION, backoff_us), .value = "10s", .doc = "Wait before each." },
        { HV_LIST(retries, "on", ENUM, on), HV_WORDS("nodeError", "oom", "timeout", "exitCode"),
          .value = "nodeError", .doc = "What is tried again; exitCode: the codes in exitCodes.",
          .example = "[nodeError, oom]" },
        { HV_LIST(retries, "exitCodes", INT, exit_codes), HV_RANGE(1, 255),
          .doc = "Exit codes that are tried again; none: every one but 0.", .example = "[75]" },
};
static const struct hv_schema retries = { .name = "Retries",
                                          .doc = "Whether a failed attempt is followed by another.",
                                          HV_FIELDS(retries_rows),
                                          HV_SIZED(retries) };

static const struct hv_field checkpoint_rows[] = {
        { HV_ROW(checkpoint, "exitCode", INT, exit_code), .value = "85", HV_RANGE(0, 255),
          .doc = "Exit code that means: stopped in the middle, can go on." },
        { HV_ROW(checkpoint, "path", TEXT, path), .value = "checkpoint", .format = HV_FORMAT_RELATIVE_PATH,
          .doc = "Folder of the working directory that the next attempt finds as it was left." },
        { HV_ROW(checkpoint, "interval", DURATION, interval_us), .planned = true, .value = "10m", HV_POSITIVE,
          .doc = "How often it is copied aside." },
};
static const struct hv_schema checkpoint = { .name = "Checkpoint",
                                             .doc = "How a task goes on where it stopped.",
                                             HV_FIELDS(checkpoint_rows),
                                             HV_SIZED(checkpoint) };

#define TASK_ROWS                                                                                         \
        { HV_ROW(task, "labels", MAP, o.labels), .doc = "Labels of the container.",                       \
          .example = "{team: data}" },                                                                    \
                { HV_ROW(task, "annotations", MAP, o.annotations), .doc = "Notes for tools.",             \
                  .example = "{owner: ana}" },                                                            \
                { HV_ROW(task, "type", TEXT, type),                                                       \
                  .doc = "Kind of work: a file of task-types.d that says image, program and parameters.", \
                  .example = "python" },                                                                  \
                { HV_ROW(task, "parameters", ANY, parameters),                                            \
                  .doc = "Values for the type's parameters; without a type, what task.json hands on.",    \
                  .example = "{code: \"print(1)\\n\"}" },                                                 \
                { HV_LIST(task, "requirements", TEXT, requirements), .format = HV_FORMAT_REQUIREMENT,     \
                  .doc = "Python packages that are there when it starts.",                                \
                  .example = "[\"requests>=2.28,<3\"]" },                                                 \
                { HV_ROW(task, "image", TEXT, image), .format = HV_FORMAT_IMAGE,                          \
                  .doc = "Image to run; none: taskDefaults.image.",                                       \
                  .example = "docker.io/library/python:3.12-slim" },                                      \
                { HV_ROW(task, "pullPolicy", ENUM, pull_policy), HV_WORDS("missing", "always", "never"),  \
                  .value = "missing", .doc = "When the image is pulled." },                               \
                { HV_LIST(task, "command", TEXT, command),                                                \
                  .doc = "Program and arguments in place of the image's ENTRYPOINT.",                     \
                  .example = "[python, main.py]" },                                                       \
                { HV_LIST(task, "args", TEXT, args), .doc = "Arguments in place of the image's CMD.",     \
                  .example = "[--fast]" },                                                                \
                { HV_ROW(task, "workdir", TEXT, workdir), .value = "/workspace",                          \
                  .format = HV_FORMAT_ABSOLUTE_PATH,                                                      \
                  .doc = "Working directory; inputs and outputs are below it." },                         \
                { HV_STRUCTS(task, "env", env, hv_schema_env), .doc = "Environment variables.",           \
                  .example = "[{name: TZ, value: Europe/Berlin}]" },                                      \
                { HV_STRUCTS(task, "inputs", inputs, input), .doc = "What is there before it starts.",    \
                  .example = "[{path: main.py, inline: \"print(1)\\n\"}]" },                              \
                { HV_NESTED(task, "outputs", outputs, outputs), .doc = "What is collected when it ends.", \
                  .example = "{paths: [results]}" },                                                      \
                { HV_ROW(task, "timeout", DURATION, timeout_us), HV_POSITIVE,                             \
                  .doc = "How long it may run; none: taskDefaults.timeout.", .example = "30m" },          \
                { HV_NESTED(task, "stop", stop, hv_schema_stop), .doc = "How it is ended.",               \
                  .example = "{signal: TERM, grace: 10s}" },                                              \
                { HV_NESTED(task, "retries", retries, retries),                                           \
                  .doc = "Whether a failed attempt is followed by another.",                              \
                  .example = "{limit: 2, on: [nodeError, oom]}" },                                        \
                { HV_NESTED(task, "checkpoint", checkpoint, checkpoint), .is_switch = true,               \
                  .doc = "How it goes on where it stopped.",                                              \
                  .example = "{exitCode: 85, path: checkpoint}" },                                        \
                { HV_ROW(task, "network", TEXT, network),                                                 \
                  .doc = "Network it joins, none, or host; nothing written: taskDefaults.network.",       \
                  .example = "none" },                                                                    \
                { HV_STRUCTS(task, "mounts", mounts, hv_schema_mount), .doc = "Volumes and host paths.",  \
                  .example = "[{volume: data, target: /data}]" },                                         \
                { HV_STRUCTS(task, "secrets", secrets, hv_schema_secret_use), .planned = true,            \
                  .doc = "Secrets as files.", .example = "[{name: token, target: /run/secrets/token}]" }, \
                { HV_STRUCTS(task, "configs", configs, hv_schema_config_use), .planned = true,            \
                  .doc = "Texts of configs as files.",                                                    \
                  .example = "[{name: conf, key: app.ini, target: /etc/app.ini}]" },                      \
                { HV_STRUCTS(task, "dependsOn", depends_on, hv_schema_depends_on),                        \
                  .doc = "What must be there first.", .example = "[{service: db, condition: ready}]" },   \
                { HV_NESTED(task, "resources", resources, hv_schema_task_resources),                      \
                  .doc = "CPU, memory, processes; nothing written: taskDefaults.resources.",              \
                  .example = "{limits: {memory: 2Gi}}" },                                                 \
                { HV_ROW(task, "cpuQuota", INT, cpu_quota), HV_RANGE(1000, 1000000000),                   \
                  .deprecated = "resources.limits.cpu",                                                   \
                  .doc = "Microseconds of CPU in each 100 ms, as Docker counts.", .example = "100000" },  \
                { HV_NESTED(task, "security", security, hv_schema_task_security),                         \
                  .doc = "What the container may do to the host.", .example = "{user: \"1000\"}" },       \
                { HV_NESTED(task, "logging", logging, hv_schema_unit_logging),                            \
                  .doc = "What happens to its output.", .example = "{driver: journald}" },                \
                { HV_ROW(task, "priority", INT, priority), .value = "50", HV_RANGE(0, 100),               \
                  .doc = "Place in the queue: higher first, then older first." },                         \
                { .name = "restart",                                                                      \
                  .type = HV_FIELD_REFUSED,                                                               \
                  .code = "E0424",                                                                        \
                  .doc = "tasks use retries, not restart" },

static const struct hv_field task_rows[] = { { HV_ROW(task, "name", TEXT, o.name), .required = true,
                                               .format = HV_FORMAT_NAME, .doc = "Name, unique among tasks.",
                                               .example = "prime-sieve" },
                                             TASK_ROWS };
const struct hv_schema hv_schema_task = { .name = "Task",
                                          .doc = "A container that runs to its end, once.",
                                          HV_FIELDS(task_rows),
                                          HV_SIZED(task),
                                          .item_word = "task",
                                          .kind = HV_KIND_TASK };

/* What a cron task makes: a task without a name of its own. */
static const struct hv_field template_rows[] = { TASK_ROWS };
const struct hv_schema hv_schema_task_template = {
        .name = "TaskTemplate", .doc = "The task of each run.", HV_FIELDS(template_rows), HV_SIZED(task)
};

static const struct hv_field history_rows[] = {
        { HV_ROW(history, "success", INT, success), .value = "3", HV_RANGE(0, 1000),
          .doc = "Good runs remembered." },
        { HV_ROW(history, "failed", INT, failed), .value = "5", HV_RANGE(0, 1000),
          .doc = "Failed runs remembered." },
};
static const struct hv_schema history = {
        .name = "History", .doc = "How many runs are remembered.", HV_FIELDS(history_rows), HV_SIZED(history)
};

static const struct hv_field cron_task_rows[] = {
        { HV_ROW(cron_task, "name", TEXT, o.name), .required = true, .format = HV_FORMAT_NAME,
          .doc = "Name, unique among cron tasks.", .example = "nightly-backup" },
        { HV_ROW(cron_task, "labels", MAP, o.labels), .doc = "Labels of the object.",
          .example = "{team: ops}" },
        { HV_ROW(cron_task, "annotations", MAP, o.annotations), .doc = "Notes for tools.",
          .example = "{owner: ana}" },
        { HV_ROW(cron_task, "schedule", TEXT, schedule), .required = true, .format = HV_FORMAT_CRON,
          .doc = "Five fields (minute, hour, day, month, weekday) or @hourly and the like.",
          .example = "\"15 3 * * *\"" },
        { HV_ROW(cron_task, "timezone", TEXT, timezone), .value = "UTC", .format = HV_FORMAT_ZONE,
          .doc = "Zone that the schedule is read in.", .example = "Europe/Berlin" },
        { HV_ROW(cron_task, "concurrency", ENUM, concurrency), HV_WORDS("forbid", "allow", "replace"),
          .value = "forbid", .doc = "What to do when the last run still goes on." },
        { HV_ROW(cron_task, "missed", ENUM, missed), HV_WORDS("runOnce", "skip", "runAll"),
          .value = "runOnce", .doc = "What to do about runs missed while the node was off." },
        { HV_ROW(cron_task, "startingDeadline", DURATION, starting_deadline_us), .value = "1h",
          .doc = "How late a run may still begin; 0s: any time." },
        { HV_ROW(cron_task, "jitter", DURATION, jitter_us), .value = "0s",
          .doc = "Runs begin up to this much later, spread evenly." },
        { HV_NESTED(cron_task, "history", history, history), .doc = "How many runs are remembered.",
          .example = "{success: 3, failed: 5}" },
        { HV_NESTED(cron_task, "task", task, hv_schema_task_template), .required = true,
          .doc = "The task of each run.",
          .example = "{image: docker.io/library/alpine:3.20, command: [date]}" },
};
const struct hv_schema hv_schema_cron_task = { .name = "CronTask",
                                               .doc = "Makes a task at given times.",
                                               HV_FIELDS(cron_task_rows),
                                               HV_SIZED(cron_task),
                                               .item_word = "cron task",
                                               .kind = HV_KIND_CRONTASK };

static const struct hv_field python_packages_rows[] = {
        { HV_ROW(python_packages, "index", TEXT, index), .format = HV_FORMAT_URL,
          .doc = "Index that packages are fetched from.", .example = "\"https://pypi.org/simple\"" },
        { HV_ROW(python_packages, "wheels", TEXT, wheels), .format = HV_FORMAT_ABSOLUTE_PATH,
          .doc = "Folder of the host with wheels; without an index nothing is fetched.",
          .example = "/srv/wheels" },
        { HV_ROW(python_packages, "network", TEXT, network),
          .doc = "Network over which the index is reached; nothing written: bridge, the engine's own.",
          .example = "packages" },
};
static const struct hv_schema python_packages = { .name = "PythonPackages",
                                                  .doc = "Where Python packages of tasks come from.",
                                                  HV_FIELDS(python_packages_rows),
                                                  HV_SIZED(python_packages) };

static const struct hv_field task_defaults_rows[] = {
        { HV_ROW(task_defaults, "image", TEXT, image), .format = HV_FORMAT_IMAGE,
          .doc = "Image of a task that names none; nothing written: python:3.9-slim, in the hivemind dialect "
                 "justin308/hivemind-worker:latest.",
          .example = "\"python:3.9-slim\"" },
        { HV_ROW(task_defaults, "network", TEXT, network),
          .doc = "Network of a task that names none; nothing written: none (hivemind dialect: hivemind).",
          .example = "none" },
        { HV_ROW(task_defaults, "timeout", DURATION, timeout_us), .value = "1h", HV_POSITIVE,
          .doc = "How long a task may run that does not say." },
        { HV_ROW(task_defaults, "waitForResources", DURATION, wait_for_resources_us), .value = "0s",
          .doc = "How long a task waits for room before it fails; 0s: it stays in the queue." },
        { HV_NESTED(task_defaults, "resources", resources, hv_schema_default_resources),
          .doc = "Resources of a task that names none.", .example = "{limits: {cpu: \"1\", memory: 1Gi}}" },
        { HV_NESTED(task_defaults, "python", python, python_packages),
          .doc = "Where the packages in `requirements` come from.", .example = "{wheels: /srv/wheels}" },
};
const struct hv_schema hv_schema_task_defaults = { .name = "TaskDefaults",
                                                   .doc = "What a task gets that does not say.",
                                                   HV_FIELDS(task_defaults_rows),
                                                   HV_SIZED(task_defaults) };

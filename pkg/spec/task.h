/* spec/task.h - a run of a task, after lowering: everything that is needed to run one container to its end.
 *
 *      Task document ------------------.
 *      CronTask + scheduled minute -----+--> struct hv_task --> a ledger keeps `document`
 *      submitted document (API, pool) --'          |
 *                                                  '--> hv_task_unit(): attempt k as a container
 *
 * Model    A task is one promise: its `id` names it for ever, its attempts are containers `task-<id>` and, from the second
 *          on, `task-<id>.<k>`. The id of a task from a file is `<name>-<digest8>`: another content is another run; the
 *          same content runs once. A cron task's run is `<name>-<YYYYMMDDhhmm>` of its scheduled minute in UTC.
 *          `document` is the Task as JSON (which is YAML), complete in itself, variables replaced: loading it again
 *          (spec/task_load.h) with the same node-wide defaults gives the same task. It is what a ledger keeps, so that a
 *          promise outlives the file it came from.
 * Profile  `restricted`: a user that is not root (65534:65534 unless the task says otherwise), no capability but those
 *          asked for and allowed, no new privileges, a read-only root with an empty /tmp in memory (half of the task's
 *          memory, and counted to it), memory without swap, an init, no network unless asked for, HOME and working
 *          directory in the workspace, and a log in files of which the engine keeps a bounded number
 *          (`log_driver` NULL: the best one that the engine has, execute/create.h).
 * Owner    one arena each, counted: the desired state, the core and a driver may share one.
 */
#pragma once

#include "spec/desired.h"

enum hv_task_source {                    /* who asked for it */
                      HV_TASK_FROM_FILE, /* a Task document; removed from the desired state means: stop it */
                      HV_TASK_FROM_CRON,
                      HV_TASK_FROM_API,
                      HV_TASK_FROM_POOL,
};

const char *hv_task_source_name(enum hv_task_source source); /* "file", "cron", "api", "pool" */
bool hv_task_source_parse(const char *name, enum hv_task_source *ret);

/* What a task asks of the node, and what is booked for it: the limits in the engine are the same numbers. */
struct hv_booking {
        uint64_t nano_cpus, memory_bytes, disk_bytes, gpu_memory_bytes;
        unsigned n_gpus;
};

enum hv_task_input_type {
        HV_TASK_INPUT_INLINE,  /* text, len */
        HV_TASK_INPUT_URL,     /* url; sha256 may be NULL for https */
        HV_TASK_INPUT_ARCHIVE, /* archive: absolute path on the host; unpacked at `path` */
        HV_TASK_INPUT_INBOX, /* sha256: names what a pool sent; with `unpack` an archive that is unpacked at `path` */
};

struct hv_task_input {
        enum hv_task_input_type type;
        const char *
                path; /* below the working directory, normalised: no "..", no leading "/"; "." of what is unpacked */
        const char *text;
        size_t len;
        const char *url, *archive, *sha256; /* sha256: 64 lower-case hex digits or NULL */
        bool unpack;
        uint64_t max_size_bytes;
};

/* Python packages that a task finds below HV_TASK_PACKAGES, named to its program by PYTHONPATH. */
#define HV_TASK_PACKAGES "/opt/hivelet/packages"

struct hv_task_packages {
        const char *
                requirements; /* text of a requirements file, in normal form and sorted; NULL: none are wanted */
        const char *index, *wheels; /* where they come from: a URL, a folder of the host; NULL: none */
        const char *
                network; /* of whoever installs them: "none", "bridge" (the engine's own), "host", or the name of one */
};

enum hv_task_retry_on { /* bits */
                        HV_TASK_RETRY_NODE_ERROR =
                                1 << 0, /* the node's fault: fetching, engine, a lost container */
                        HV_TASK_RETRY_OOM = 1 << 1,
                        HV_TASK_RETRY_TIMEOUT = 1 << 2,
                        HV_TASK_RETRY_EXIT_CODE = 1 << 3,
};

struct hv_task {
        struct hv_arena *arena;
        unsigned n_refs;

        enum hv_task_source source;
        const char *name; /* of the Task or CronTask: what history groups by; not unique */
        const char *id;
        const char *cron; /* name of the cron task that made it; NULL: none */
        const char *document;
        const char *refused; /* NULL, or why policy forbids to start it (any more): one sentence */

        struct hv_unit unit; /* attempt 1; hv_task_unit() gives the others */
        uint32_t uid, gid;   /* of the container's processes: the workspace is theirs */
        uint64_t
                log_max_bytes; /* what a result keeps of its log, counted as in the engine's files: the end of it, when it is
                                 * longer. The engine holds more before it drops anything. */

        const char *type;       /* task type that it was made from; NULL: none */
        const char *parameters; /* what task.json hands on, as JSON; NULL: nothing */
        struct hv_task_packages packages;

        const struct hv_task_input *inputs; /* in the order written */
        size_t n_inputs;
        struct hv_strv outputs; /* paths relative to the working directory */
        uint64_t outputs_max_bytes, outputs_keep_us;
        unsigned outputs_max_files;

        uint64_t timeout_us;            /* from the start of the container; HV_TIME_NEVER: none */
        unsigned retry_limit, retry_on; /* retry_on: enum hv_task_retry_on */
        uint64_t retry_backoff_us;
        const uint8_t *retry_codes; /* empty: every code but 0 */
        size_t n_retry_codes;
        int checkpoint_code; /* -1: none */
        const char *checkpoint_path;
        uint64_t checkpoint_interval_us;

        struct hv_booking booking;
        unsigned priority;               /* 0..100, higher first */
        uint64_t wait_for_resources_us;  /* HV_TIME_NEVER: stays in the queue */
        char digest[HV_SHA256_HEX_SIZE]; /* of `document`'s meaning: same digest, same work */
};

/* [A-Za-z0-9][A-Za-z0-9_.-]{0,63}, and not ending in a dot and digits: "a.2" would want the name of the container of the
 * second attempt of "a". */
bool hv_task_id_is_valid(const char *id);

struct hv_task *hv_task_ref(struct hv_task *t);
struct hv_task *hv_task_unref(struct hv_task *t); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_task, hv_task_unref);

/* Name of the container of attempt k (1..). In `a`. */
const char *hv_task_container(const struct hv_task *t, unsigned attempt, struct hv_arena *a);

/* Name of the container that installs packages for attempt k: "packages-<id>.<k>". In `a`. */
const char *hv_task_builder(const char *id, unsigned attempt, struct hv_arena *a);

/* The unit of attempt k: replica is k. Texts are borrowed from `t` and `a`. */
void hv_task_unit(const struct hv_task *t, unsigned attempt, struct hv_arena *a, struct hv_unit *ret);

/* The run of a cron task that was scheduled for this instant (wall us; its minute in UTC is in the id), under the
 * defaults and the policy of `d`. One reference, the caller's. */
struct hv_task *hv_cron_run(const struct hv_cron_task *c, uint64_t scheduled_us, const struct hv_desired *d);

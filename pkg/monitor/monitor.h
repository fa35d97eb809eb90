/* monitor/monitor.h - what this machine and its containers use: one round of samples after the other, and the last of them.
 *
 *      agent                               monitor
 *      -----                               -------
 *      what runs, by the core  --follow--> those that are new are unknown
 *      inspects the unknown    --found-->  files are opened
 *      timer                   --round-->  machine, containers --> last samples, history --> API, metrics, pools
 *
 * Model    Containers are known by name; one that was started anew is another. One that ended is found gone by the next round and
 *          unknown until the agent says that it runs again.
 * Cost     a round costs no more CPU than reading the files does (test/bench/sample.py): some 10 for each container.
 * Bounds   history.h tells of memory; at most HV_MONITOR_CONTAINERS_MAX containers are followed, and no more than `n_files_max` allows:
 *          a process that has no descriptors left cannot do anything else either.
 */
#pragma once

#include "base/err.h"
#include "host/sample.h"
#include "monitor/container.h"
#include "monitor/gpu_use.h"
#include "monitor/history.h"
#include "spec/kind.h"

#define HV_MONITOR_CONTAINERS_MAX 1024u
#define HV_MONITOR_HOST_POINTS 720u
#define HV_MONITOR_CONTAINER_POINTS 120u
#define HV_MONITOR_TRY_AGAIN_US (60 * UINT64_C(1000000)) /* one that could not be found */

struct hv_gpu_history;
struct hv_monitor;

#define HV_MONITOR_FILES_PER_CONTAINER \
        13u /* that are kept open, where both versions of cgroups are mounted */

struct hv_monitor_options {
        const char *mountinfo, *proc; /* for tests; NULL: of this process, /proc */
        uint64_t n_files_max;         /* that may be kept open; 0: as many as it takes */
};

struct hv_monitor *hv_monitor_new(const struct hv_monitor_options *options);
struct hv_monitor *hv_monitor_free(struct hv_monitor *m); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_monitor, hv_monitor_free);

/* ---- who is followed ---- */

struct hv_monitor_ref {
        const char *container; /* its name */
        enum hv_kind kind;
        const char *object;       /* name of the service, id of the task */
        unsigned number;          /* replica, or attempt */
        uint64_t started_wall_us; /* another start, another container; 0: not known */
        const char *gpus;         /* UUIDs that it was given, commas between them; NULL: none */
        bool has_ended;           /* not followed: only what is known of the use of its GPUs is kept */
};

/* All that run, or ended and are asked about still; who is not among them is forgotten. Texts are copied. */
void hv_monitor_follow(struct hv_monitor *m, const struct hv_monitor_ref *refs, size_t n);

/* One that is followed, unknown and not asked for yet: from here on it is. NULL: there is none. Good until the next follow(). */
const char *hv_monitor_next_unknown(struct hv_monitor *m, uint64_t now_us);

/* The answer. pid 0: it does not run. An answer about one that is not followed any more is dropped. The first sample is
 * taken at once. */
void hv_monitor_found(struct hv_monitor *m, const char *container, const char *id, int pid,
                      bool has_own_network, uint64_t at_us, uint64_t wall_us);
/* Nobody could say: it is unknown for HV_MONITOR_TRY_AGAIN_US. */
void hv_monitor_not_found(struct hv_monitor *m, const char *container, uint64_t now_us);

/* Where all that hivelet runs stands: its path in the tree of cgroups. NULL: nowhere. */
void hv_monitor_follow_slice(struct hv_monitor *m, const char *path);

/* Whether the kernel ends each of them whole when its memory runs out: of those that are found later too. What somebody changed is
 * put right. */
void hv_monitor_oom_group(struct hv_monitor *m, bool whole);

struct hv_host_sampler *hv_monitor_host(struct hv_monitor *m); /* to name file systems; the monitor's */

/* ---- samples ---- */

void hv_monitor_round(struct hv_monitor *m, uint64_t at_us, uint64_t wall_us);

/* What their driver told: which container uses how much of them, until it is told anew. */
void hv_monitor_gpus(struct hv_monitor *m, const struct hv_gpus *gpus);

struct hv_monitor_container {
        const char *name;
        enum hv_kind kind;
        const char *object;
        unsigned number;
        struct hv_container_sample sample; /* at_us 0: none yet */
        const struct hv_history *history;
        const struct hv_container_gpu *gpus;
        size_t n_gpus;
};

/* Borrowed until the next call that is not const. */
struct hv_monitor_view {
        uint64_t generation;               /* moves with each new sample; 0: there is none yet */
        const struct hv_host_sample *host; /* NULL: none yet */
        const struct hv_history *history;
        const struct hv_container_sample *slice;       /* all that hivelet runs; NULL: not known */
        const struct hv_monitor_container *containers; /* by name */
        size_t n_containers;
        const struct hv_gpus *gpus; /* NULL: there are none, or nobody has looked. Not the monitor's own */
        const struct hv_gpu_history *gpu_history; /* gpu/history.h; the same */
};

void hv_monitor_look(struct hv_monitor *m, struct hv_monitor_view *ret);

/* Processes of a container were killed for want of memory, and it was seen to run after that: it was a child's end, not its own. Each
 * is told once; those of a container that ran before the first round, and of that time, are not. */
struct hv_monitor_oom {
        const char *container; /* borrowed until the next follow() */
        enum hv_kind kind;
        const char *object;
        uint64_t n;
};

bool hv_monitor_next_oom(struct hv_monitor *m,
                         struct hv_monitor_oom *ret); /* false: there is nothing to tell */

/* By the container's name; NULL: not followed, or no sample yet. */
const struct hv_container_sample *hv_monitor_sample(const struct hv_monitor *m, const char *container);
/* The same of its GPUs, together: nothing known of one that has none. */
struct hv_container_gpus_sum hv_monitor_gpus_sum(const struct hv_monitor *m, const char *container);
/* The same over all samples, also when it has ended; id NULL: of whatever container had the name last. */
struct hv_gpu_use hv_monitor_gpu_use(const struct hv_monitor *m, const char *container, const char *id);

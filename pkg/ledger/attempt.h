/* ledger/attempt.h - attempts: begun before the effect, ended with a result that is owed from then on.
 *
 * Model    An attempt is begun at most once; that record, made before the container is started, is the promise that it is
 *          started at most once. One attempt is open at a time. An attempt that failed before anything could be started
 *          (inputs, image) is ended without having been begun.
 */
#pragma once

#include "ledger/receipt.h"
#include "ledger/trust.h"

/* How an attempt, or a task without one, ended. */
struct hv_ledger_result {
        const char *cause;   /* "success", "exitCode", "oom", "timeout", "stopped", "nodeError", ... */
        const char *reason;  /* CamelCase word for conditions; NULL: none */
        const char *message; /* a sentence for people; NULL: none */
        int exit_code;       /* 0..255; -1: none */
        bool oom_killed;
        bool by_task; /* for a reason of the task itself: counts against its retries */
        uint64_t started_us, finished_us;

        bool log_truncated;
        uint64_t log_bytes, log_lines;
        const char *log_sha256; /* 64 hex digits; NULL: no log was kept */

        uint64_t n_outputs, outputs_bytes;
        const char *outputs_sha256; /* of the manifest, 64 hex digits; NULL: nothing was collected */

        uint64_t cpu_us, memory_peak_bytes; /* 0: not known */
        bool gpu_memory_is_known, gpu_use_is_known;
        uint64_t gpu_memory_peak_bytes;
        unsigned gpu_use_mean_percent, gpu_use_peak_percent; /* one GPU all the time is 100 */
};

/* An instant by two clocks: the wall's, which anybody may set, and the boot's, which nobody can. */
struct hv_ledger_instant {
        uint64_t wall_us;
        const char *boot; /* the machine's boot id; NULL: not known, and boot_us says nothing */
        uint64_t boot_us; /* since that boot (CLOCK_BOOTTIME) */
};

/* Attempt `number` (1..) is about to be started. -EEXIST: begun or ended before; it must not be started (again).
 * -EALREADY the task is ended; -EBUSY an earlier attempt is open; -EINVAL a later one exists. */
int hv_ledger_begin(struct hv_ledger *l, const char *id, unsigned number, const char *container,
                    const struct hv_ledger_instant *now, struct hv_err *err);

/* The node itself is about to stop an attempt. */
struct hv_ledger_eviction {
        const char *reason;  /* a word: "Pressure", "GpuLost", ...; NULL: it was not evicted */
        const char *message; /* a sentence; NULL: none */
        uint64_t at_us;
};

/* Durable before it is stopped. 1 noted, 0 another was noted before and stands; -ENOENT: there is no such attempt; -EALREADY: it is
 * ended. */
int hv_ledger_evict(struct hv_ledger *l, const char *id, unsigned number, const struct hv_ledger_eviction *e,
                    struct hv_err *err);

struct hv_ledger_end {
        const char *id;
        unsigned number; /* of the attempt; 0: the task ends without one (rejected, stopped in the queue) */
        uint64_t now_wall_us;
        struct hv_ledger_result result;

        const char *state; /* the task's last state: "Completed", "Failed", "TimedOut", "Stopped", "Rejected";
                            * NULL: not the last attempt, the task is Queued again */
        const struct hv_ledger_trust_change *trust;  /* NULL: none */
        const struct hv_ledger_new_receipt *receipt; /* NULL: none */
};

/* All of it in one transaction. -EALREADY the task or the attempt is ended: nothing changes; -EBUSY another attempt is
 * open; -ESTALE the receipt does not follow the last one of the chain. */
int hv_ledger_end(struct hv_ledger *l, const struct hv_ledger_end *e, struct hv_err *err);

/* An attempt as the ledger holds it. */
struct hv_ledger_attempt {
        unsigned number;
        const char *container;          /* NULL: never begun */
        uint64_t begun_us, ended_us;    /* 0: never begun; open */
        struct hv_ledger_result result; /* of an ended one */
        struct hv_ledger_eviction eviction;
};

/* Visits the attempts of a task, oldest first, until the visitor returns other than 0, which is then returned too.
 * -ENOENT: no such task. */
typedef int (*hv_ledger_attempt_visit)(const struct hv_ledger_attempt *a, void *userdata);
int hv_ledger_attempts(struct hv_ledger *l, const char *id, hv_ledger_attempt_visit visit, void *userdata,
                       struct hv_err *err);

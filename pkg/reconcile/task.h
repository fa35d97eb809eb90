/* reconcile/task.h - a task as the core sees it: its state, its end, what the ledger remembers of it.
 *
 *      Queued -> Admitted -> Fetching -> Running -> Collecting -> Completed | Failed | TimedOut | Stopped
 *         '---------------------------------------------------> Rejected
 *
 * Model    Everything that must survive a crash is an action of its own (TASK_ACCEPT, TASK_BEGIN, TASK_STOPPING,
 *          TASK_EVICTING, TASK_END): the ledger's transaction is its effect, and what follows from it is planned only after its OK.
 *
 *              accept   the promise: from here on the task is never forgotten
 *              begin    attempt k is about to be started: durable before START is sent, so that no crash starts it twice
 *              end      what became of attempt k, its log and its outputs: durable before the container is removed
 *
 *          An attempt without `begin` was certainly never started. One with it, whose container is found made and not
 *          started, may have a START on its way, and is fenced: its workspace is withheld, so that no START can mount it any
 *          more and have effect; a look that is asked for after that tells whether one had; if none had, the container is
 *          removed, the workspace restored, and the container made again. One whose container is gone may have run: the
 *          node failed it, and the task's rule for retries decides.
 * Source   docs/tasks.md, "Once" and "The fence".
 */
#pragma once

#include "base/sha256.h"
#include "spec/task.h"

enum hv_task_state {
        HV_TASK_QUEUED,
        HV_TASK_ADMITTED,
        HV_TASK_FETCHING,
        HV_TASK_RUNNING,
        HV_TASK_COLLECTING,
        /* the ends */
        HV_TASK_COMPLETED,
        HV_TASK_FAILED,
        HV_TASK_TIMED_OUT,
        HV_TASK_STOPPED,
        HV_TASK_REJECTED,
        HV_N_TASK_STATES
};

const char *hv_task_state_name(enum hv_task_state state); /* "TimedOut" */
bool hv_task_state_parse(const char *name, enum hv_task_state *ret);

static inline bool hv_task_state_is_end(enum hv_task_state state) {
        return state >= HV_TASK_COMPLETED;
}

/* Why an attempt, or the task without one, came to its end. */
enum hv_task_cause {
        HV_CAUSE_NONE,
        HV_CAUSE_SUCCESS,    /* exit code 0 */
        HV_CAUSE_EXIT_CODE,  /* another one */
        HV_CAUSE_CHECKPOINT, /* the exit code that says: stopped in the middle, goes on in another attempt */
        HV_CAUSE_OOM,
        HV_CAUSE_TIMEOUT,
        HV_CAUSE_STOPPED,    /* by somebody */
        HV_CAUSE_NODE_ERROR, /* the node's fault: engine, image, disk, a container that is gone */
        HV_CAUSE_INPUT,     /* the task's fault, before it ran: an input is wrong, its program is not there */
        HV_CAUSE_RESOURCES, /* waited for room longer than it was to */
        HV_CAUSE_DISK_LIMIT,  /* its workspace took more than it had asked for */
        HV_CAUSE_REJECTED,    /* can never fit, or policy forbids it */
        HV_CAUSE_HANDED_BACK, /* to the pool that assigned it: it was never begun here */
        HV_N_CAUSES
};

const char *hv_task_cause_name(enum hv_task_cause cause); /* "exitCode" */
bool hv_task_cause_parse(const char *name, enum hv_task_cause *ret);

/* Why the node itself stops an attempt (eviction.h): also the `reason` of its end. */
enum hv_eviction {
        HV_EVICTION_NONE,
        HV_EVICTION_PRESSURE, /* the machine runs short */
        HV_EVICTION_GPU_LOST,
        HV_EVICTION_DISK_LIMIT, /* its workspace takes more than it asked for */
        HV_N_EVICTIONS
};

const char *hv_eviction_name(enum hv_eviction why); /* "GpuLost"; NULL: NONE */
bool hv_eviction_parse(const char *name, enum hv_eviction *ret);

/* What was kept of an attempt. */
struct hv_task_collected {
        uint64_t log_bytes, outputs_bytes;
        unsigned n_outputs;
        bool log_truncated, outputs_truncated;
        char log_sha256[HV_SHA256_HEX_SIZE];      /* "" when there is no log */
        char manifest_sha256[HV_SHA256_HEX_SIZE]; /* "" when there are no outputs */
};

/* TASK_END: what the ledger records in one transaction. */
struct hv_task_end {
        unsigned attempt;         /* 0: it ended without one */
        bool final;               /* false: another attempt follows */
        enum hv_task_state state; /* with final */
        enum hv_task_cause cause;
        enum hv_eviction eviction; /* that ended it; NONE: none did */
        const char *message;       /* one sentence for people; "" */
        int exit_code;             /* -1: none */
        bool oom_killed;
        uint64_t started_wall_us, finished_wall_us; /* 0: never */
        struct hv_task_collected collected;
        const char *image_id; /* what ran; NULL: not known */
        int trust_nominal;    /* with final: what the rule says; 0: no change */
        int trust_delta;      /* as applied: less at an edge of the scale */
        int trust_score;      /* after it */
        const char *trust_group;
};

/* What the ledger remembers of one task, handed to the core before its first plan. */
struct hv_task_recalled {
        const char *id, *name; /* name: of the Task or CronTask */
        enum hv_task_source source;
        const char *digest;
        struct hv_task *
                task; /* borrowed; NULL: it ended. Of a document that cannot be read any more: what the node's
                       * defaults make of it, `refused` */
        enum hv_task_state state;
        uint64_t accepted_wall_us, ended_wall_us;
        unsigned attempt; /* the last one that began; 0: none */
        bool attempt_ended;
        /* When it began: by the wall clock, and by the core's. begun_us 0: in another boot of the machine, or nobody knows. */
        uint64_t begun_wall_us, begun_us;
        unsigned
                n_counted; /* attempts since it was reopened that ended and count against the limit of retries */
        uint64_t retry_wall_us;    /* when the last of them ended */
        enum hv_eviction eviction; /* of an attempt that has not ended: decided on; NONE: not */
        const char *eviction_text;
        uint64_t evicted_wall_us;
        bool stop_asked;
        bool is_owed; /* it ended, and the pool that assigned it has not got its result yet */
        const char *stop_by, *stop_reason, *message;
        enum hv_task_cause cause; /* of the end */
        int exit_code;
};

struct hv_task_status {
        const char *id, *name, *cron, *container, *image;
        enum hv_task_source source;
        enum hv_task_state state;
        bool accepted; /* durable; false again while it is being given anew */
        bool in_sync;  /* nothing to do for it now */
        unsigned attempt;
        unsigned priority;
        struct hv_booking booking;
        const char *gpus; /* UUIDs of its GPUs, commas between them; NULL: it holds none */
        bool is_booked;
        bool has_writable_root; /* it may write outside of its workspace */
        const char *reason;     /* a word of hv_reason_name() or hv_task_cause_name() */
        const char *message;    /* a sentence */
        uint64_t accepted_wall_us, started_wall_us, ended_wall_us; /* 0: not yet */
        uint64_t next_us; /* of the core's clock: when something becomes due; 0: nothing is dated */
        uint64_t timeout_us;
        int exit_code; /* -1: none */
        enum hv_task_cause cause;
        const char *stop_by, *stop_reason; /* NULL: nobody asked for a stop; no reason was given */
        bool stop_recorded;                /* durable */
        bool can_be_handed_back; /* of a pool, never begun, and nobody wants it stopped or back yet */
        bool is_owed;            /* the pool that assigned it has not got its result yet */
        const char *
                ledger_failure; /* what could not be made durable and is tried again: one sentence; NULL: nothing */
};

/* reconcile/status.h - one value that says how the node is; everything published is made from it.
 *
 * Model    Computed on demand from the core, plain data in one arena; it never calls anything.
 */
#pragma once

#include "reconcile/core.h"

enum hv_phase {
        HV_PHASE_PENDING,
        HV_PHASE_PULLING,
        HV_PHASE_CREATING,
        HV_PHASE_STARTING,
        HV_PHASE_RUNNING,
        HV_PHASE_BACK_OFF,
        HV_PHASE_STOPPING,
        HV_PHASE_COMPLETED, /* ended with 0 and need not come back */
        HV_PHASE_FAILED,
        HV_PHASE_SUSPENDED,
        HV_PHASE_ORPHAN, /* not wanted, being removed */
        HV_N_PHASES
};

const char *hv_phase_name(enum hv_phase phase); /* "BackOff" */

enum hv_engine_state {
        HV_ENGINE_DOWN,
        HV_ENGINE_UNRESPONSIVE,
        HV_ENGINE_CONNECTING, /* never reached yet */
        HV_ENGINE_LOOKING,    /* reached; the first listing is under way */
        HV_ENGINE_READY,
};

const char *hv_engine_state_name(enum hv_engine_state state);

struct hv_unit_status {
        enum hv_kind kind;
        const char *object, *key, *container; /* container: its name */
        unsigned replica;
        enum hv_phase phase;
        bool in_sync, ready;
        enum hv_reason reason;
        const char *message;     /* one sentence: why it is not in sync; "" when it is */
        const char *next_action; /* "start", ...; NULL when nothing is planned */
        uint64_t next_us;        /* instant of the next try; 0 = at once or none */
        uint64_t since_us;       /* phase entered at this instant of the core's clock */
        unsigned n_restarts;     /* since the agent began to look after it */
        const char *id, *image, *digest, *wanted_digest; /* digest of what is there; NULL where not */
        int exit_code;                                   /* of the last end that was seen; -1: none */
        bool oom_killed;
        const char *gpus;         /* UUIDs of its GPUs, commas between them; NULL: none */
        uint64_t started_wall_us; /* 0: not known */
};

struct hv_object_status { /* a network, a volume or a WireGuard interface */
        enum hv_kind kind;
        const char *name, *id;
        bool in_sync, exists, foreign, wanted;
        enum hv_reason reason;
        const char *message;
};

struct hv_caps_status { /* of a slice */
        const char *slice;
        struct hv_caps wanted, seen;
        bool is_capped; /* something is wanted */
        bool is_known, is_there, in_sync;
        const char *message; /* why it is not in sync; "" when it is */
};

struct hv_status {
        const char *active_revision; /* "" before the first */
        const char *parked_revision; /* NULL: none */
        const char *parked_message;
        unsigned n_parked_removals, n_parked_existing;
        const char *const *parked_removals; /* "service/web", ... */
        enum hv_engine_state engine;
        const char *engine_message;
        bool observed; /* the first complete observation was made */
        bool synced;   /* nothing to do, nothing in flight, nothing in doubt */
        unsigned n_units, n_units_in_sync, n_pulling, n_back_off, n_orphans;
        unsigned n_tasks_queued, n_tasks_running; /* running: admitted and not over */
        uint64_t out_of_sync_since_us;            /* 0 while synced */
        uint64_t n_generations;                   /* revisions activated by this core */
        const struct hv_unit_status *units;       /* sorted by key; orphans last */
        size_t n_unit_status;
        const struct hv_object_status *objects; /* by kind, then name */
        size_t n_objects;
        struct hv_caps_status caps[HV_N_CAPS];
        const char *
                pressure; /* why no task is admitted: what the machine runs short of; NULL: for no such reason */
        bool is_busy;     /* ... no more than that its CPUs are busy */
        bool is_cordoned;          /* ... no such thing: somebody wants it so */
        const char *disk_pressure; /* which disk runs short, in words; NULL: none */
};

/* One task that is known; false: it is not. Everything lives in `arena`. */
bool hv_core_task_status(const struct hv_core *c, const char *id, uint64_t now_us, struct hv_arena *arena,
                         struct hv_task_status *ret);

/* Those with something left to do, in order of arrival: what ended is the ledger's to tell. */
const struct hv_task_status *hv_core_live_tasks(const struct hv_core *c, uint64_t now_us,
                                                struct hv_arena *arena, size_t *ret_n);

/* One whose results may go by the rules of retention: it ended, and nobody is owed anything of it. */
struct hv_ended_task {
        const char *id;
        uint64_t ended_wall_us;
        unsigned attempts;
};

const struct hv_ended_task *hv_core_ended_tasks(const struct hv_core *c, struct hv_arena *arena,
                                                size_t *ret_n);

size_t hv_core_pulls(const struct hv_core *c); /* under way */

/* A container of ours that ended and that nobody looks after: of a task that is not known here any more. False also when the core
 * does not know the container, or tasks are not known yet. */
bool hv_core_is_abandoned(const struct hv_core *c, const char *container_id);
/* Whose it says that it is; "": not known. Borrowed until the next input. */
const char *hv_core_container_object(const struct hv_core *c, const char *container_id);

/* What can be given to services and tasks in all, to tasks, and what is left for them (admission.h). false: not known yet. */
bool hv_core_room(const struct hv_core *c, struct hv_room *ret_allocatable, struct hv_room *ret_for_tasks,
                  struct hv_room *ret_free);

/* What a booking lacks first, ever or now, in words in `text`; HV_RESOURCE_NONE: nothing. GPUs are judged one by one: each must have the
 * memory by itself, as admission gives them. When hv_core_room() is true. */
enum hv_resource hv_core_lacks(const struct hv_core *c, const struct hv_booking *asked, bool is_now,
                               char text[HV_ROOM_TEXT_SIZE]);
/* Why no task is admitted, whatever it asks for: the machine runs short, or is too busy, or somebody cordoned
 * it. NULL: for no such reason. */
const char *hv_core_pressure(const struct hv_core *c, struct hv_arena *arena);
int hv_core_trust(const struct hv_core *c);

/* Everything lives in `arena`. */
void hv_core_status(const struct hv_core *c, uint64_t now_us, struct hv_arena *arena, struct hv_status *ret);

/* One line for sd_notify and `hivectl status`: "12/14 in sync, 1 pulling, 1 back-off; rev 3f2a91c0". */
const char *hv_status_line(const struct hv_status *s, struct hv_arena *arena);

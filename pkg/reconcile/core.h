/* reconcile/core.h - the heart: desired and observed state in, actions out.
 *
 *          inputs                                   effects
 *      desired revision --.                     .--> actions (each with a reason)
 *      completion --------+--> hv_core_input()  |    notes (what happened, for journal and events)
 *      engine event ------+--> hv_core_plan() --+--> the instant at which to plan again at the latest
 *      time --------------'                     `--> status (hv_core_status)
 *
 * Model    Pure: no clock, I/O, log, environment or randomness; `now_us` comes with every call (any clock
 *          that never steps back; CLOCK_BOOTTIME in production), the seed with hv_core_new(). The same calls
 *          in the same order give the same actions, byte for byte: the agent, `hivectl plan` and the
 *          simulator drive this very code.
 *
 * Rules    (docs/architecture.md, "What must hold")
 *          - Level-triggered: hv_core_plan() looks at the whole state each time; inputs only change the
 *            state.
 *          - The engine is unknown until a complete listing after a connect; until then only looks are
 *            planned.
 *          - A listing is a hint about a container it knows: a difference leads to an inspect, and the
 *            inspect decides. (Engine 20.10 lists a dead container as running for up to 190 ms after its
 *            `die` event.)
 *          - An observation asked for before an event or a completion on the same object never overwrites it.
 *          - An outcome that is unknown leads to an inspect before anything else is done to the object.
 *          - What is not ours is never the target of an effect.
 *          - A volume is deleted only when the last declaration of it that is known says so; its label says what the
 *            first one said.
 *          - A revision that would remove more than its own max_prune_percent of what exists is parked, not
 *            activated.
 */
#pragma once

#include "base/err.h"
#include "reconcile/action.h"
#include "reconcile/admission.h"
#include "reconcile/orders.h"
#include "reconcile/reason.h"

struct hv_core;
struct hv_cron_recalled; /* reconcile/cron.h */
struct hv_seen_gpus;     /* reconcile/gpu.h */
struct hv_seen_pressure; /* reconcile/pressure.h */
struct hv_zone;          /* base/zone.h */

struct hv_core *hv_core_new(uint64_t seed);
struct hv_core *hv_core_free(struct hv_core *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_core, hv_core_free);

enum hv_input_type {
        HV_INPUT_DESIRED, /* desired: a valid revision; the guard decides whether it becomes active */
        HV_INPUT_RESUME,  /* desired: what was in force when the agent last ran, before any other revision: it
                               * is in force again at once, for the guard let it pass then */
        HV_INPUT_REVERT, /* desired: what was in force before a revision that was on trial: in force again at once, whatever the
                               * engine does, for the guard let it pass then; what is offered or parked is forgotten */
        HV_INPUT_REMEMBER, /* volumes: what revisions that were in force earlier said of them last; what the core knows
                            * from a revision already is newer and stays. Before the first plan */
        HV_INPUT_ACCEPT,      /* text: the parked revision (or the start of its name) may prune */
        HV_INPUT_DONE,        /* action_id, outcome, message and what was seen */
        HV_INPUT_EVENT,       /* event */
        HV_INPUT_ENGINE_LOST, /* the event stream ended; message says why */
        HV_INPUT_LOOK, /* somebody wants a fresh look now (apply, SIGHUP): containers are listed once, and pulls that
                        * failed are tried again at once: what a secret holds may be mended */
        HV_INPUT_CLOCK,       /* wall_us: the wall clock at this instant; at start, and whenever it was set */
        HV_INPUT_MACHINE,     /* machine: what this node has */
        HV_INPUT_TUNNEL,      /* tunnel: how one is now */
        HV_INPUT_CAPS,        /* caps: how a slice is now */
        HV_INPUT_PRESSURE,    /* pressure: how the machine is */
        HV_INPUT_GPUS,        /* gpus: which there are, or that nobody can say */
        HV_INPUT_ORDERS,      /* orders: all that are given by hand now */
        HV_INPUT_GPU_LOST,    /* text: id of a container that may not use its GPU any more; message */
        HV_INPUT_TASK_RECALL, /* recalled: one task of the ledger; at start, before TASKS_KNOWN */
        HV_INPUT_TASKS_KNOWN, /* trust_score; the ledger was read to its end: tasks may be accepted and planned */
        HV_INPUT_TASK_SUBMIT, /* task: a new one. -EALREADY the same is known, -EEXIST another of that id, -ENOSPC it
                               * never fits, -EPERM policy, -EAGAIN too early. 0: TASK_ACCEPT is planned; its note tells
                               * when the promise is made */
        HV_INPUT_TASK_STOP, /* text: id; message: by whom; reason. -ENOENT, -EALREADY it has ended */
        HV_INPUT_TASK_HAND_BACK, /* text: id; message: by whom; reason. It ends as handed back to its pool. -ENOENT, -EBUSY it was begun, is to
                                  * stop, or is not of a pool */
        HV_INPUT_TASK_DISK, /* text: id, attempt, disk_bytes: its workspace takes more than its booking; it is stopped. Of an
                             * attempt that does not run any more it means nothing */
        HV_INPUT_TASK_REOPEN, /* text: id; task: what ended is run again. -ENOENT, -EBUSY, -EPERM */
        HV_INPUT_TASK_FORGET, /* text: id. -ENOENT, -EBUSY it has not ended, is declared, or its result is still owed to a pool */
        HV_INPUT_TASK_DELIVERED, /* text: id; the pool that assigned it has its result. -ENOENT */
        HV_INPUT_TASK_OWED, /* text: id; that pool asks for the result once more. -ENOENT, -EBUSY it has not ended, or is being forgotten */
        HV_INPUT_CRON_RECALL, /* cron: one of the ledger's; before TASKS_KNOWN */
        HV_INPUT_ZONE,        /* text: a zone's IANA name; zone: the core takes it */
        HV_INPUT_CRON_TRIGGER, /* text: name; a run now. -ENOENT, -EEXIST this minute has one, -EAGAIN too early */
        HV_INPUT_CRON_SUSPEND, /* text: name; order: by whom, why, since when. -ENOENT, -EALREADY, -EAGAIN */
        HV_INPUT_CRON_RESUME,
};

enum hv_event_type {
        HV_EVENT_CONTAINER,
        HV_EVENT_NETWORK,
        HV_EVENT_VOLUME,
        HV_EVENT_IMAGE,
};

/* A hint from the engine. Whatever it says, the object is looked at before anything is decided. */
struct hv_engine_event {
        enum hv_event_type type;
        const char *action;    /* "die", "start", "destroy", "disconnect", ... */
        const char *id;        /* of the object; for networks the network's id */
        const char *name;      /* may be NULL */
        const char *container; /* network connect and disconnect: the container's id; may be NULL */
        bool ours;             /* the event carries our labels */
        uint64_t time_us;      /* the engine's wall clock; 0: it did not say; for display only */
};

/* What a revision says of a volume's data. */
struct hv_volume_word {
        const char *name;
        bool reclaim_delete;
};

struct hv_input {
        enum hv_input_type type;
        struct hv_desired *desired; /* the core takes a reference of its own */
        const char *text;
        const struct hv_volume_word *volumes;
        size_t n_volumes;
        struct hv_engine_event event;
        /* HV_INPUT_DONE */
        uint64_t action_id;
        enum hv_outcome outcome;
        const char *message;                       /* the engine's words for people; may be NULL */
        const char *created_id;                    /* CREATE, NETWORK_CREATE */
        const struct hv_listing *listing;          /* LIST */
        const struct hv_seen_container *container; /* INSPECT, OK; NULL: certainly not there */
        const struct hv_task_collected *collected; /* TASK_COLLECT, OK */
        /* tasks */
        uint64_t wall_us;
        const struct hv_room *machine;
        const struct hv_seen_tunnel *tunnel;
        const struct hv_seen_caps *caps;
        const struct hv_seen_pressure *pressure;
        const struct hv_seen_gpus *gpus;
        const struct hv_orders *orders;
        const struct hv_order *order; /* CRON_SUSPEND, CRON_RESUME */
        const struct hv_task_recalled *recalled;
        int trust_score;
        struct hv_task *task; /* the core takes a reference of its own */
        const char *reason;   /* TASK_STOP; NULL: none was given */
        unsigned attempt;
        uint64_t disk_bytes;
        const struct hv_cron_recalled *cron;
        struct hv_zone *zone;
};

/* Something worth telling: the shell logs it and keeps it for /api/v1/events. */
enum hv_note_type {
        HV_NOTE_REVISION_ACTIVE,
        HV_NOTE_PRUNE_BLOCKED,
        HV_NOTE_ENGINE_UP,
        HV_NOTE_ENGINE_DOWN,
        HV_NOTE_CREATED,
        HV_NOTE_STARTED,
        HV_NOTE_STOPPED,
        HV_NOTE_REMOVED,
        HV_NOTE_UPDATED,
        HV_NOTE_EXITED,   /* ended without being told to */
        HV_NOTE_VANISHED, /* removed by somebody else */
        HV_NOTE_PULLED,
        HV_NOTE_FAILED, /* an action failed; reason and message say how */
        HV_NOTE_NAME_CONFLICT,
        HV_NOTE_CONFLICT,
        HV_NOTE_BACK_OFF,    /* it failed or ended again, and the next try waits */
        HV_NOTE_WAITING,     /* something that it needs is not there yet */
        HV_NOTE_OUT_OF_SYNC, /* something is not as wished, and was before */
        HV_NOTE_SYNCED,      /* everything is as wished, and was not before */
        HV_NOTE_TASK_ACCEPTED,
        HV_NOTE_TASK_ADMITTED,
        HV_NOTE_TASK_STOPPING,
        HV_NOTE_TASK_RETRY, /* an attempt failed, another follows */
        HV_NOTE_TASK_ENDED,
        HV_NOTE_TRUST_CHANGED,
        HV_NOTE_CRON_SKIPPED, /* a scheduled time made no run */
        HV_NOTE_CRON_ORDER,   /* somebody suspended or resumed it, durably */
        HV_NOTE_CAPPED,       /* a slice was given other caps */
        HV_NOTE_PRESSURE,     /* the machine runs short, or does not any more */
        HV_N_NOTES
};

struct hv_note {
        enum hv_note_type type;
        enum hv_reason reason;
        enum hv_kind kind;        /* HV_KIND_NONE: about the node */
        char *object, *container; /* may be NULL */
        char *message;            /* a sentence for people */
};

struct hv_effects {
        const struct hv_action **actions; /* borrowed; each until its outcome was fed back */
        size_t n_actions;
        struct hv_note *notes; /* owned */
        size_t n_notes;
        uint64_t deadline_us; /* plan again at this instant at the latest; HV_TIME_NEVER */
        bool changed; /* what status.h, cron.h and gpu.h tell may be another than after the plan before. false: it certainly is
                       * the same, so nobody needs to be told: a look of the routine found all as it was */
};

void hv_effects_done(struct hv_effects *e); /* frees what it owns, leaves it empty */

/* Takes one input in. -ENOENT for an ACCEPT that matches no parked revision, or a DONE whose action is not in
 * flight (a driver's bug; nothing is changed); 0 otherwise. */
int hv_core_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err);

/* Compares everything and hands out what is to be done now. *ret is overwritten; hv_effects_done() ends it.
 */
void hv_core_plan(struct hv_core *c, uint64_t now_us, struct hv_effects *ret);

/* The active revision (NULL before the first), borrowed until the next input. */
const struct hv_desired *hv_core_active(const struct hv_core *c);

/* The revision that the guard holds; NULL: none. Borrowed likewise. */
const struct hv_desired *hv_core_parked(const struct hv_core *c);

/* What the guard would say of a revision that somebody wants to roll back to; nothing is parked or changed. -EDQUOT: it would
 * remove too much, in words; -ENOTCONN: it cannot count yet. */
int hv_core_ask_guard(struct hv_core *c, const struct hv_desired *desired, struct hv_err *err);

/* What it asked for has come to pass: the container runs anew, or is gone. */
bool hv_core_restart_is_over(const struct hv_core *c, const struct hv_restart_order *o);

/* Gives c what `other` remembers of volumes, its orders, and what it has seen of the slices: for a plan that should come out as the other core would act. */
void hv_core_remember_like(struct hv_core *c, const struct hv_core *other);

/* A revision was offered, and the guard has not decided about it yet. */
bool hv_core_is_deciding(const struct hv_core *c);

/* The engine answers and was seen completely: revisions are decided on, effects are planned. With Docker switched off
 * this is never so, and not needed. */
bool hv_core_is_engine_ready(const struct hv_core *c);

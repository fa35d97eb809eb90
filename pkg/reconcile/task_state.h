/* reconcile/task_state.h - what the core remembers of each task. Private to pkg/reconcile.
 *
 *      ACCEPT -> QUEUED -> PREPARE -> MAKE -> RUN -> COLLECT -> END -> TIDY -> DONE
 *                   ^                                                   |
 *                   '------------------- another attempt ---------------'
 *
 * Memory   Ended tasks are remembered for as long as their results are kept, thousands of them: what only an attempt needs
 *          hangs off the struct as `live` and is freed by hv_task_shed().
 * Model    A step says what is to be done next; facts about the container are the slot's, as for a service. Steps move on
 *          in hv_task_advance() (facts) and hv_task_done() (completions); hv_assess_task() says what is due now and
 *          changes nothing.
 */
#pragma once

#include "reconcile/admission.h"
#include "reconcile/state.h"
#include "reconcile/task.h"

enum task_step {
        TASK_STEP_ACCEPT, /* the promise is not durable yet */
        TASK_STEP_QUEUED, /* waits for dependencies, for its back-off, for room */
        TASK_STEP_PREPARE,
        TASK_STEP_MAKE, /* image, container, networks, `begin` */
        TASK_STEP_RUN,  /* `begin` is durable: it may run, or have run */
        TASK_STEP_COLLECT,
        TASK_STEP_END,
        TASK_STEP_TIDY, /* container and workspace go */
        TASK_STEP_DONE,
        TASK_STEP_FORGET,
        TASK_STEP_GONE,
};

enum start_state {                 /* of the present attempt */
                   START_NOT_SENT, /* certainly no START is under way, or ever took place */
                   START_SENT,     /* or may have been, by a process before this one */
                   START_FAILED,   /* the engine said no */
                   START_LOST, /* the engine went away while it was under way, or may have: what it says afterwards proves nothing */
};

enum workspace_state { /* of the present attempt, where the engine would look for it */
                       WORKSPACE_UNKNOWN, /* of a process before this one, or an errand failed: the next errand makes it certain */
                       WORKSPACE_THERE,
                       WORKSPACE_WITHHELD,
};

/* How the attempt ended, as far as it is remembered: what the record of it says besides is made when it is written. */
struct end {
        unsigned attempt; /* 0: it ended without one */
        enum hv_task_state state;
        enum hv_task_cause cause;
        enum hv_eviction eviction; /* that ended it */
        int exit_code;             /* -1: none */
        bool oom_killed;
};

/* What only a task that has not ended needs. */
struct task_live {
        struct failure failure;
        uint64_t queued_since_us, not_before_us;
        enum hv_resource lacks; /* while queued: what it waits for */
        char *lacks_text;       /* ... in words */

        /* the attempt */
        struct hv_arena *arena;
        struct hv_unit *unit; /* in `arena`; NULL: never bound */
        bool packaged;        /* its Python packages are there */
        bool begun, cleaned;
        bool is_recalled; /* it was begun by a process before this one */
        enum start_state start;
        enum workspace_state workspace;
        /* Its workspace is withheld, and a look that was asked for afterwards showed its container never started: whatever
         * START is under way has not had effect and cannot have one. */
        bool barred;
        char *start_message;
        bool start_refused;  /* the engine says that the task is at fault */
        bool was_stopped;    /* a STOP of ours ended it */
        bool may_be_stopped; /* ... or may have: what became of it is not known */
        uint64_t missed; /* seq at which its container was not found under its name; 0: it is not sought */
        bool was_made; /* a container of it was there, or may have been: under another name it may be still */
        char *started_id;                 /* the container to which this process sent a START; NULL: none */
        uint64_t begun_us, begun_wall_us; /* its `begin`; begun_us 0: in another boot, or not known */
        uint64_t started_us;              /* of the core's clock; 0: not known to have started */
        uint64_t finished_wall_us;
        enum hv_task_cause ending; /* TIMEOUT, STOPPED or an eviction's: it is being stopped for this */
        enum hv_eviction eviction; /* eviction.h; `ending` is set once it is durable */
        bool eviction_durable;
        uint64_t evicted_wall_us; /* when it became durable */
        char *eviction_text;
        struct hv_task_collected *collected; /* NULL: nothing */
        char *end_message;
};

struct task {
        char *id, *name;
        struct task_live *
                live; /* never NULL; of what has ended a constant, all zero, that faults where it is written to */
        char *digest;
        struct hv_task *task;    /* reference; NULL for what ended before this core began */
        struct slot *slot;       /* bound from PREPARE to TIDY */
        struct flight *effect;   /* what is under way for the task itself; its container's is the slot's */
        struct flight *stopping; /* beside it: recording a stop, or cancelling what takes long */
        char *stop_by;           /* in words: "ana (the rack moves)" */
        char *stop_asker, *stop_reason; /* what they are made of; the reason may be NULL */
        char *message;                  /* of the end; NULL: none */
        uint64_t number;                /* order of arrival */
        uint64_t accepted_wall_us, started_wall_us, ended_wall_us;
        uint64_t cron_until_us; /* scheduled time that it is the run of; 0: none */
        enum hv_task_source source;
        enum task_step step;
        enum hv_task_state end_state; /* with step >= TIDY of the last attempt */
        unsigned attempt, n_counted;
        struct end end;
        bool is_declared;                          /* source file: the active revision names it */
        bool accepted, reopened, again, is_listed; /* is_listed: in live_tasks */
        bool is_owed; /* it ended, and the pool that assigned it has not got its result yet: it is not forgotten */
        bool stop_asked, stop_durable, cancel_sent, wait_told;
        bool hand_back;    /* asked for: it goes back as long as it can */
        bool forget_asked; /* by somebody, not by how long things are kept */
};

/* task_state.c */
struct task *hv_task_get(const struct hv_core *c, const char *id); /* NULL: not known */
struct task *hv_task_add(struct hv_core *c, const char *id, const char *name, enum hv_task_source source);
void hv_task_free(void *task);
void hv_task_list(struct hv_core *c, struct task *t); /* among those with something left to do; once */
void hv_task_bind(struct hv_core *c, struct task *t); /* its slot, for the present attempt */
void hv_task_unbind(struct hv_core *c, struct task *t);
/* It ended, and nothing of it is in flight: frees what only its attempts needed. What is told of it, and what makes it known
 * again, stays. */
void hv_task_shed(struct task *t);
void hv_task_revive(struct task *t);                    /* something is to be done for it again */
void hv_task_forget(struct hv_core *c, struct task *t); /* it ended: the ledger is told to forget it */
/* It was to be forgotten, which has not come to pass yet: whether it still is, is asked again. Not of what somebody asked for, unless
 * it is declared: forgotten, that would run again. */
void hv_task_keep_after_all(struct task *t);
/* Its container goes by another name: somebody renamed it. */
void hv_task_follow(struct hv_core *c, struct task *t, struct slot *s);
void hv_task_queue(struct hv_core *c, struct task *t, uint64_t now_us, uint64_t not_before_us);
void hv_task_over(struct hv_core *c, struct task *t, enum hv_task_cause cause, const char *fmt, ...)
        _hv_printf_(4, 5);
bool hv_task_is_alive(const struct task *t); /* a container of it runs, or may */
/* A START may be under way to its container, or have been: nobody knows what became of it. */
bool hv_task_is_in_doubt(const struct task *t);
/* A container that no START can have started is gone: none ever will. (After START_LOST one may have taken place before,
 * in an engine that has forgotten it.) False: nothing kept the START from its effect. */
bool hv_task_fence_held(struct task *t);
const struct image *hv_task_image(const struct hv_core *c, const struct task *t); /* NULL: not known yet */
uint64_t hv_wall_us(const struct hv_core *c, uint64_t now_us);
void hv_note_task(struct hv_core *c, const struct task *t, enum hv_note_type type, enum hv_reason reason,
                  const char *fmt, ...) _hv_printf_(5, 6);

/* Its pool can give it to another node without anybody running it twice: no attempt of it was ever begun, here and now. */
bool hv_task_can_be_handed_back(const struct task *t);
bool hv_task_goes_back(const struct task *t); /* asked for besides */
void hv_task_over_by_hand_back(struct hv_core *c, struct task *t);

/* task_status.c */
void hv_task_count(const struct hv_core *c, unsigned *ret_queued, unsigned *ret_running);

/* task_input.c */
void hv_task_ask_to_stop(struct task *t, const char *by, const char *reason); /* reason: NULL, none */
void hv_task_want(struct hv_core *c, const struct hv_desired *d);             /* a revision became active */
int hv_task_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err);

/* task_advance.c */
void hv_task_advance(struct hv_core *c, struct task *t, uint64_t now_us);

/* task_assess.c */
/* A stop is recorded at once, beside whatever else is under way, and cuts short what may take long. False: nothing of the
 * kind is due. */
bool hv_assess_task_stop(const struct task *t, uint64_t now_us, struct verdict *ret);
/* What is due apart from that. `*ret_on_slot`: the action is one of the container's. */
struct verdict hv_assess_task(const struct hv_core *c, const struct task *t, uint64_t now_us,
                              bool *ret_on_slot);

/* task_queue.c */
bool hv_task_holds_room(const struct task *t);
struct hv_room hv_task_allocatable(const struct hv_core *c);
struct hv_room hv_task_room(const struct hv_core *c); /* for tasks in all */
struct hv_room hv_task_free_room(const struct hv_core *c);
enum hv_reason hv_task_waiting_reason(const struct hv_core *c, enum hv_resource lacks);
/* Bigger than what there is for tasks in all; says in what. */
bool hv_task_never_fits(const struct hv_core *c, const struct hv_booking *b, const struct hv_room *all,
                        char text[HV_ROOM_TEXT_SIZE]);
bool hv_task_wait_ends(const struct task *t); /* what it lacks is not waited for without end */
void hv_task_admit(struct hv_core *c, uint64_t now_us);

/* task_done.c */
void hv_task_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in);
/* The engine went away: a START that is under way may have taken place, and an engine that was killed forgets that. */
void hv_task_engine_lost(struct hv_core *c);
/* After the container's own completion was taken in. */
void hv_task_container_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                            const struct hv_input *in);
/* The container in this slot installs packages, and nobody waits for it. */
bool hv_task_is_idle_builder(const struct hv_core *c, const struct slot *s);
/* An ended attempt's container that a crash left behind. */
bool hv_task_is_left_over(const struct hv_core *c, const struct slot *s);
bool hv_task_dependency_is_met(const struct hv_core *c, const struct hv_dependency *d);

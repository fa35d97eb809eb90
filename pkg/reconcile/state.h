/* reconcile/state.h - what the core remembers between two calls. Private to pkg/reconcile.
 *
 *      active revision ---- want --.            .-- have ---- what the engine was seen to hold
 *                                  +-- slot ----+
 *      back-off, failures, --------'            '-- effect -- what is in flight for it
 *      doubt, history
 *
 * Model    A *slot* is the name of a container: the engine keeps names unique, so wish, fact and flight meet
 *          there. An *item* is the same for a network or a volume, an *image* for an image reference. `seq`
 *          counts inputs. `touched` is the seq at which something certain was last learnt about an object,
 *          `doubt` the seq at which it became uncertain (0: it is not); a look that was asked for before
 *          either is older than what is known and is dropped.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/vec.h"
#include "reconcile/caps.h"
#include "reconcile/core.h"
#include "reconcile/gpu.h"
#include "reconcile/pressure.h"
#include "reconcile/status.h"
#include "retry/backoff.h"

struct flight {                     /* one action that was handed out */
        struct hv_action action;    /* first: the shell holds a pointer to it */
        uint64_t issued;            /* seq */
        struct hv_arena *arena;     /* the action's texts */
        struct hv_desired *desired; /* reference: unit, network, volume point into it */
        struct slot *slot;          /* the one it is about, or NULL */
        struct item *item;
        struct image *image;
        struct task *task;
        struct hv_task *task_value; /* reference: what the action's `task` points to */
        struct cron *cron;
        bool is_routine; /* a look that nothing gave rise to: neither that it is under way nor that it ended is shown */
};

struct endpoint {
        char *network, *network_id; /* id may be NULL */
};

struct container {
        char *id;
        bool ours;
        enum hv_kind kind;
        char *object, *digest, *image;
        unsigned replica;
        bool is_builder; /* installs packages for the task `object`; kind is HV_KIND_NONE */
        enum hv_container_state state;
        HV_VEC(struct endpoint) endpoints;
        HV_VEC(char *) volumes;
        bool detailed;
        int exit_code;
        bool oom_killed, restart_policy_set, never_ran;
        uint64_t started_wall_us, finished_wall_us;
        struct hv_limits limits;
        char *gpus;                /* UUIDs that it was made with, commas between them; NULL: none */
        bool tells_gpu_memory;     /* false: with how much of each is not written on it */
        uint64_t gpu_memory_bytes; /* ... with so much; 0: all of it */
};

struct failure {
        struct hv_backoff backoff;
        enum hv_action_type type; /* what failed last */
        enum hv_reason reason;    /* HV_REASON_SYNCED: nothing did */
        bool asked_anew;          /* somebody asked again: what they are told is how the next try ends */
        char *message;
};

struct slot {
        char *name;                 /* of the container */
        const struct hv_unit *want; /* in the active revision, or of `task`; NULL: not wanted */
        struct task *task;          /* whose attempt this is; NULL: a service's, or nobody's */
        struct container *have;     /* who holds the name, ours or not; NULL: nobody, as far as is known */
        struct flight *effect, *look;
        uint64_t touched, doubt;
        bool audited;             /* the doubt is the audit's: nothing speaks against what is known */
        uint64_t endpoints_doubt; /* seq at which it left a network while it was looked at */
        struct hv_backoff restart, look_retry;
        struct failure failure;
        uint64_t needs_pull;       /* pullPolicy always: seq at which this creation began; 0: no creation */
        uint64_t running_since_us; /* when it was first known to run; 0 while it does not */
        uint64_t retry_at_us;      /* look again then (a removal under way) */
        bool stopped_by_us;        /* the present end is our doing */
        char *made_id;             /* the container that was made here last, ... */
        struct hv_limits made_limits;   /* ... and with what */
        char *gpus;                     /* given to the container that is to be made; gpu.h */
        uint64_t gpu_memory_bytes;      /* ... with so much of each; 0: all of it */
        char *gpus_before;              /* what was given by the pass before; NULL outside of a pass */
        bool had_gpus;                  /* its last container did, and none was made since */
        char *gpu_fault_id, *gpu_fault; /* the container that lost its GPU, and how */
        bool conflict_told, wait_told;
        uint64_t back_off_told_us; /* the end of the wait that was told last */
        bool event_dropped;        /* an event came that the effect in flight may have caused */
        unsigned n_restarts;
        int last_exit_code; /* -1: no end seen */
        bool last_oom_killed;
        enum hv_phase phase;
        uint64_t phase_since_us;
};

struct item { /* a network or a volume */
        enum hv_kind kind;
        char *name;
        const struct hv_network *network; /* wanted; NULL: not */
        const struct hv_volume *volume;
        bool exists, ours;
        bool label_delete; /* a volume's label says "delete": what its first declaration said */
        char *id, *digest, *driver;
        struct flight *effect;
        uint64_t touched, doubt;
        struct failure failure;
        bool conflict_told;
};

enum image_state {
        IMAGE_UNKNOWN, /* creating a container will tell */
        IMAGE_PRESENT,
        IMAGE_MISSING,
};

struct image {
        char *ref;
        enum image_state state;
        uint64_t pulled; /* seq of the last successful pull */
        struct flight *effect, *look;
        struct failure failure;
};

struct tunnel { /* a WireGuard interface */
        char *name;
        const struct hv_tunnel *want; /* in the active revision; NULL: not wanted */
        enum hv_tunnel_state state;
        bool healthy;
        enum hv_reason reason; /* what was last said of it */
        char *digest, *message;
};

struct caps {                     /* of a slice */
        char *slice;              /* NULL: it was never looked at */
        struct hv_seen_caps seen; /* its texts are NULL: here and in `message` */
        struct hv_caps_machine machine;
        uint64_t quiet_nano_cpus; /* of tasks: what the calendar leaves them; 0: all */
        bool has_quiet_gpus;      /* ... and of GPUs n_quiet_gpus */
        unsigned n_quiet_gpus;
        struct flight *effect;
        struct failure failure;
        bool is_refused;      /* this machine does not let us: nothing waits for it */
        char *message, *told; /* why it is not known; what was last told of a failure */
};

struct pressure { /* pressure.h */
        struct hv_seen_pressure seen;
        bool is_closed, is_short;
        uint64_t calm_since_us, next_stop_us; /* 0: it is not calm */
        char *text;                           /* what it is short of, while it is closed */
        bool is_busy, is_cpu_awaited; /* the CPUs keep new tasks away; nobody knows yet whether they do */
        char *busy_text;
};

struct gpu {
        char *uuid, *name;
        uint64_t memory_bytes;
        bool is_whole, works;
};

struct gpus {                   /* gpu.h */
        bool is_told, is_known; /* is_told: somebody looks for them; is_known: they were seen once */
        bool is_silent;         /* nobody can say now: what was seen last stays, and none is given */
        char *message;          /* why they are not known now */
        char *withheld;         /* why the engine gives a container none; NULL: it does */
        HV_VEC(struct gpu) v;
};

struct engine {
        enum hv_engine_state state;
        struct flight *connect, *list;
        struct hv_backoff retry, list_retry;
        bool no_update; /* since the connect it said that it changes no container in place */
        uint64_t ready_since_us;
        char *message;
        unsigned look_parts; /* enum hv_look that should be listed */
        uint64_t listed;     /* seq at which the last complete listing of containers was asked for */
        uint64_t look_doubt; /* seq at which it was asked for */
        uint64_t resync_at_us;
        uint64_t n_resyncs;
        bool audit_due;       /* the listing under way is a resync's */
        bool list_is_routine; /* ... and nothing else asked for it: until it answers, what is known holds */
        size_t audit_cursor;  /* the slot whose details are checked next */
};

struct hv_core {
        uint64_t seq, next_id;
        struct hv_rng rng;
        struct hv_desired *active, *pending, *parked;
        char *parked_message;
        HV_VEC(char *) parked_removals;
        unsigned n_parked_existing;
        uint64_t n_generations;
        struct engine engine;
        bool observed;
        struct hv_map *slots; /* by container name; struct slot */
        struct hv_map *ids;   /* container id to struct slot, borrowed */
        struct hv_map *networks, *volumes, *images, *tunnels;
        struct caps caps[HV_N_CAPS];
        struct pressure pressure;
        struct gpus gpus;
        struct hv_orders orders; /* orders.h; in orders_arena */
        struct hv_arena *orders_arena;
        const char *orders_closed_text; /* why they let nobody be admitted; NULL: they do */
        struct hv_map *
                reclaims; /* by volume; enum reclaim: what was last said, also of volumes that are not there */
        HV_VEC(struct flight *) flights;
        HV_VEC(struct hv_note) notes;         /* since the last plan */
        unsigned n_effects, n_looks, n_pulls; /* in flight */
        bool synced;
        uint64_t out_of_sync_since_us;
        bool changed; /* something that is shown may be another than after the last plan; core.h, hv_effects */
        uint64_t
                due_us; /* the deadline of the last plan without the next look of the routine: from then on time decides otherwise */

        /* tasks: task_state.h */
        struct hv_map *tasks;             /* by id; struct task */
        HV_VEC(struct task *) live_tasks; /* those with something left to do, in order of arrival */
        uint64_t n_tasks_seen;
        struct hv_map *crons, *zones; /* by name; struct cron, struct hv_zone */
        bool tasks_known, machine_known;
        uint64_t
                forget_at_wall_us; /* when the oldest ended task is to be forgotten; 0: they are to be looked through */
        bool cron_ended;           /* a run of a cron task ended: its history is to be trimmed */
        struct hv_room machine;
        int trust_score;
        uint64_t wall_us, wall_at_us; /* the wall clock, and the instant of the core's clock it was told at */
};

/* How many single objects are looked at at the same time. Inspects are cheap (0.1 to 0.4 ms each on the
 * engine); 8 is the number of connections the engine client keeps. */
#define HV_MAX_LOOKS 8u

/* For what has no schedule of its own: orphans, networks, volumes, images, looks. */
extern const struct hv_backoff_spec hv_default_backoff;
/* Reconnecting: engines restart in seconds; 0.1 s to 5 s keeps the repair quick and the socket quiet. */
extern const struct hv_backoff_spec hv_connect_backoff;

/* state.c: objects */
struct slot *hv_slot_get(struct hv_core *c, const char *name); /* made when absent */
void hv_slot_set_have(struct hv_core *c, struct slot *s,
                      struct container *have); /* takes have; NULL: nobody */
void hv_slot_free(void *slot);
struct container *hv_container_copy(const struct hv_seen_container *seen);
struct container *hv_container_free(struct container *k);
HV_DEFINE_CLEANUP(struct container, hv_container_free);
void hv_container_add_endpoint(struct container *k, const char *network, const char *network_id);
bool hv_limits_equal(const struct hv_limits *a, const struct hv_limits *b);
bool hv_container_equal(const struct container *a, const struct container *b); /* NULL: nobody */
void hv_container_drop_endpoint(struct container *k, const char *network);
const struct endpoint *hv_container_endpoint(const struct container *k, const char *network);
struct item *hv_item_get(struct hv_core *c, enum hv_kind kind, const char *name);
void hv_item_free(void *item);
void hv_item_set(struct item *o, bool exists, bool ours, const char *id, const char *driver,
                 const char *digest);
struct image *hv_image_get(struct hv_core *c, const char *ref);
void hv_image_free(void *image);
void hv_failure_set(struct failure *f, const struct hv_backoff_spec *spec, uint64_t now_us,
                    enum hv_action_type type, enum hv_reason reason, const char *message);
void hv_failure_reset(struct failure *f);
void hv_failure_ask_anew(struct failure *f); /* of the ledger: it is tried at once */
bool hv_failure_is_of_ledger(const struct failure *f);
void hv_set_text(char **where, const char *text);

/* state.c: flights */
struct flight *hv_flight_new(struct hv_core *c, enum hv_action_type type, const char *key, const char *name,
                             const char *why);
struct flight *hv_flight_take(struct hv_core *c, uint64_t action_id); /* NULL when it is not in flight */
struct flight *hv_flight_free(struct flight *f);
HV_DEFINE_CLEANUP(struct flight, hv_flight_free);

/* state.c: notes */
void hv_note(struct hv_core *c, enum hv_note_type type, enum hv_reason reason, enum hv_kind kind,
             const char *object, const char *container, const char *fmt, ...) _hv_printf_(7, 8);
void hv_note_slot(struct hv_core *c, const struct slot *s, enum hv_note_type type, enum hv_reason reason,
                  const char *fmt, ...) _hv_printf_(5, 6);

/* observe.c: facts coming in */
void hv_observe_listing(struct hv_core *c, uint64_t now_us, uint64_t issued, const struct hv_listing *l);
void hv_observe_container(struct hv_core *c, uint64_t now_us, struct slot *s, uint64_t issued,
                          const struct hv_seen_container *seen);
void hv_observe_event(struct hv_core *c, const struct hv_engine_event *e);
void hv_doubt_slot(struct hv_core *c, struct slot *s);
void hv_audit_slot(struct hv_core *c,
                   struct slot *s); /* it is looked at, and what is known holds until then */
void hv_doubt_item(struct hv_core *c, struct item *o);

/* done.c: what a completion means */
void hv_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in);
void hv_engine_down(struct hv_core *c, uint64_t now_us, enum hv_engine_state state, const char *message);

/* guard.c: which revision is the active one */
void hv_guard_offer(struct hv_core *c, struct hv_desired *d);
void hv_guard_resume(struct hv_core *c, struct hv_desired *d);
void hv_guard_revert(struct hv_core *c, struct hv_desired *d);
int hv_guard_accept(struct hv_core *c, const char *revision, struct hv_err *err);
int hv_guard_ask(struct hv_core *c, const struct hv_desired *d, struct hv_err *err); /* core.h */
void hv_guard_decide(struct hv_core *c, uint64_t now_us); /* activates or parks what is pending */

/* What should happen to an object and how it stands: made for planning, shown by status. */
struct verdict {
        enum hv_phase phase;
        enum hv_reason reason;
        bool in_sync, ready;
        bool act;              /* `action` is due now */
        bool puts_off_restart; /* assess_order.c says for what */
        enum hv_action_type action;
        const char *why;   /* for the action; static text or in the slot */
        const char *about; /* network or dependency that it is about; NULL */
        uint64_t next_us;  /* HV_TIME_NEVER, or when something becomes due */
};

/* assess.c (containers), assess_item.c (networks, volumes, images): pure, they change nothing */
struct verdict hv_assess_slot(const struct hv_core *c, const struct slot *s, uint64_t now_us);
struct verdict hv_assess_item(const struct hv_core *c, const struct item *o, uint64_t now_us);
struct verdict hv_assess_image(const struct hv_core *c, const struct image *i, const struct hv_unit *u,
                               uint64_t needs_pull, uint64_t now_us);
/* Parts of hv_assess_slot() that a task's container shares with a service's. */
struct verdict hv_retry(const struct slot *s, uint64_t now_us, enum hv_phase phase,
                        enum hv_action_type action, const char *why);
struct verdict hv_look(const struct slot *s, uint64_t now_us, enum hv_phase phase);
struct verdict hv_clear_away(const struct slot *s, uint64_t now_us, enum hv_phase phase, const char *why);
struct verdict hv_assess_creation(const struct hv_core *c, const struct slot *s, uint64_t now_us);
struct verdict hv_assess_running(const struct hv_core *c, const struct slot *s, uint64_t now_us);
bool hv_assess_networks(const struct hv_core *c, const struct slot *s, uint64_t now_us, enum hv_phase phase,
                        struct verdict *ret);
bool hv_assess_before_start(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                            enum hv_phase phase, struct verdict *ret);
/* It is made of a specification of before, and somebody wants it to stay so: it is neither made anew nor brought half the way. */
bool hv_slot_is_paused(const struct hv_core *c, const struct slot *s);
bool hv_slot_lacks_item(const struct hv_core *c,
                        const struct slot *s); /* a network, volume or tunnel that it stands on */
bool hv_slot_is_finished(const struct hv_core *c,
                         const struct slot *s); /* a service's container; it ended for good */
bool hv_item_is_usable(const struct hv_core *c, const struct item *o);
bool hv_item_is_outdated(const struct hv_core *c,
                         const struct item *o); /* ours, certainly there, and wanted otherwise */
bool hv_dependency_is_met(const struct hv_core *c, const struct hv_dependency *d);

/* caps.c */
void hv_caps_input(struct hv_core *c, const struct hv_seen_caps *seen);
void hv_caps_done(struct hv_core *c, uint64_t now_us, const struct flight *f, const struct hv_input *in);
void hv_caps_like(struct hv_core *c, const struct hv_core *other);
void hv_caps_end(struct hv_core *c); /* frees what it keeps */
/* False: the slices that the revision in force names are still to be looked at. Who is told of none waits for none. */
bool hv_caps_are_known(const struct hv_core *c);
bool hv_caps_are_in_sync(const struct hv_core *c);
void hv_caps_status(const struct hv_core *c, struct hv_arena *a, struct hv_caps_status ret[HV_N_CAPS]);
/* The limits that a container of this unit is given: the unit's own, but where the kernel would refuse them. */
struct hv_limits hv_caps_limits(const struct hv_core *c, const struct hv_unit *u);

/* pressure.c */
void hv_pressure_input(struct hv_core *c, const struct hv_seen_pressure *seen);
enum hv_resource hv_pressure_lacks(
        const struct hv_core *c);                      /* why nobody is admitted; NONE: for no such reason */
const char *hv_pressure_text(const struct hv_core *c); /* ... in words */

/* gpu.c */
#define HV_GPU_FAULT_SIZE 160
void hv_gpus_input(struct hv_core *c, const struct hv_seen_gpus *seen);
void hv_gpu_access_lost(struct hv_core *c, uint64_t now_us, const char *container_id, const char *text);
void hv_gpus_like(struct hv_core *c, const struct hv_core *other);
void hv_gpus_end(struct hv_core *c);
const char *hv_slot_gpus(const struct slot *s); /* that its container has, or will have; NULL: none */
bool hv_slot_has_gpu_fault(const struct slot *s);
bool hv_gpus_are_anothers(const struct hv_core *c,
                          const struct slot *s); /* who runs with those of its container */

/* orders.c */
void hv_orders_input(struct hv_core *c, const struct hv_orders *orders);
void hv_orders_like(struct hv_core *c, const struct hv_core *other);
void hv_orders_end(struct hv_core *c);
/* What is asked of this slot by hand; NULL: nothing of the kind. */
const struct hv_order *hv_order_to_hold(const struct hv_core *c, const struct slot *s);
const struct hv_order *hv_order_to_stop(const struct hv_core *c, const struct slot *s);
const struct hv_order *hv_order_to_pause(const struct hv_core *c, const struct slot *s);
const struct hv_restart_order *hv_order_to_restart(const struct hv_core *c, const struct slot *s);

/* assess_order.c */
extern const char hv_why_restart[];
bool hv_container_is_up(const struct container *k); /* paused ones are */
/* It is to be restarted, and runs on meanwhile; *ret says for what it waits. */
bool hv_restart_is_put_off(const struct hv_core *c, const struct slot *s, uint64_t now_us,
                           struct verdict *ret);
struct verdict hv_assess_stopped(const struct slot *s, uint64_t now_us);
struct verdict hv_assess_held(const struct slot *s, uint64_t now_us);

/* tunnel.c */
void hv_tunnel_free(void *tunnel);
void hv_tunnels_want(struct hv_core *c, const struct hv_desired *d); /* a revision became active */
void hv_tunnel_input(struct hv_core *c, const struct hv_seen_tunnel *seen);
bool hv_tunnels_are_in_sync(const struct hv_core *c);
/* It is there as the active revision has it; `healthy`: and its peers are heard. */
bool hv_tunnel_is_up(const struct hv_core *c, const char *name, bool healthy);

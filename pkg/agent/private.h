/* agent/private.h - what the parts of the agent share. Private to pkg/agent.
 *
 *      revision.c      sources --> candidate --> core; what became active --> store
 *      trial.c         a revision on trial: its clock, the yes, the way back
 *      remember.c      what older revisions said of volumes --> core
 *      pass.c          core --> actions, notes, deadline: the pass of the loop
 *      publish.c       status --> sd_notify
 *      engine.c        the container engine: client, driver, secrets, policy
 *      tasks.c         the ledger, workspaces and results: what tasks need of this machine
 *      disk_watch.c    what running tasks take of the disk
 *      pressure.c      whether the machine runs short
 *      retention.c     what tasks left, removed when its time is over
 *      caps.c          when the caps of the node's slices are read
 *      monitor.c       what the machine and its containers use (agent/monitor.h)
 *      gpus.c          GPUs, and whether containers can still use theirs (agent/gpus.h)
 *      gpu_users.c     which of them are looked at, and when (agent/gpu_users.h)
 *      images.c        images: how they come, which are hivelet's (agent/images.h)
 *      preload*.c archives.c  images that are there beforehand (agent/preload.h)
 *      gc*.c           garbage collection (agent/gc.h)
 *      log_files.c     the agent's log in files (agent/log_files.h)
 *      tunnels.c       WireGuard interfaces (agent/tunnels.h)
 *      tunnel_calls.c  what the API asks of one of them: another key, do its peers answer
 *      join*.c         what VPN services give them (agent/joins.h)
 *      pool*.c         the link to a node pool (agent/pool.h)
 *      access.c        who may use it
 *      listen.c        the API's server: the unix socket, and the loopback address of http.listen
 *      backend*.c      what the API asks for: snapshot, change, plan, logs
 *      runs.c          where in its log each run of a service begins (agent/runs.h)
 *      shutdown.c      the end, and what is stopped before it (agent/shutdown.h)
 *      agent.c         life: begin, signals, end
 */
#pragma once

#include <systemd/sd-event.h>

#include "agent/agent.h"
#include "agent/runs.h"
#include "base/vec.h"
#include "docker/client.h"
#include "execute/executor.h"
#include "execute/plan_once.h"
#include "http/api.h"
#include "http/server.h"
#include "ledger/attempt.h"
#include "ledger/recall.h"
#include "notify/notify.h"
#include "reconcile/pressure.h"
#include "reconcile/status.h"
#include "retry/backoff.h"
#include "source/set.h"

struct plan_call; /* backend_plan.c */
struct kill;      /* backend_secret.c */
int hv_agent_secrets(void *userdata, struct hv_arena *arena, struct hv_api_secrets *ret, struct hv_err *err);
int hv_agent_secret_put(void *userdata, const struct hv_api_secret_wish *wish, struct hv_arena *arena,
                        struct hv_api_secret_put *ret, struct hv_err *err);
int hv_agent_secret_remove(void *userdata, const char *name, const char *by, struct hv_err *err);

/* backend_kill.c */
struct change;            /* backend_change.c: a change that waits for the guard */
struct root_look;         /* disk_watch.c */
struct hv_agent_gc;       /* gc.h */
struct hv_agent_gpus;     /* gpus.h */
struct hv_agent_images;   /* images.h */
struct hv_agent_archives; /* archives.c */
struct hv_agent_asked;    /* preload_asked.c */
struct hv_agent_shutdown; /* shutdown.c */
struct hv_agent_preload;  /* preload.h */
struct hv_agent_pool;     /* pool.h */
struct hv_agent_tunnels;  /* tunnels.h */
struct hv_agent_monitor;  /* monitor.h */
struct hv_auth;           /* auth/auth.h */
struct hv_http_access;    /* http/access.h */
struct hv_agent_joins;    /* joins.h */
struct hv_join_store;     /* join_store.h */
struct hv_agent_log_files;
struct hv_ledger_assignment;
struct hv_ledger_task;
struct task_call;   /* backend_task.c: somebody waits until a change of a task is durable */
struct tunnel_call; /* tunnel_calls.c: somebody waits for what becomes of an interface */

struct hv_agent {
        const struct hv_agent_options *options;
        sd_event *event;
        uint64_t started_wall_us;
        int64_t wall_ahead_us; /* hv_api_steady_wall_us() */
        int exit_code;
        bool ready, reloading, stopping;
        unsigned n_farewells; /* while it stops: what is still waited for */

        struct hv_core *core;
        sd_event_source *pass, *deadline; /* the next pass: at the end of this turn, or at an instant */
        bool has_moved; /* something that the API shows did, beside the core: the next pass tells it */
        sd_event_source *publish, *turn, *once_timeout, *hangup, *terminate, *interrupt;

        struct hv_source_set *sources;
        struct hv_source_load *latest;  /* the newest attempt to read the sources, good or not */
        struct hv_source_load *offered; /* what the core was given last */
        struct hv_source_load *active;  /* what is in force: its secrets are the ones in use */
        bool is_kept;                   /* `active` is in the store of revisions */
        uint64_t keep_after_us;         /* not tried again before */
        uint64_t loaded_wall_us, good_wall_us, failed_wall_us, active_wall_us;
        uint64_t n_load_errors;
        const struct hv_source_load
                *saved;        /* the newest load that the watch of the files gave; only compared */
        bool active_was_saved; /* `active` is one */
        uint64_t active_us;    /* since when its revision is in force */
        char revision_before[HV_SHA256_HEX_SIZE]; /* what was in force before it in this run; "": nothing */
        sd_event_source *trial_timer;
        char source_revisions[2][HV_SHA256_HEX_SIZE]; /* of what each source gave last; "": nothing */

        struct hv_docker *docker; /* NULL: node.docker.enabled is false */
        struct hv_executor *executor;
        const char *docker_url;
        struct hv_attempt_cgroups *cgroups; /* NULL as long as the engine is */
        struct hv_driver *caps;             /* the executor's; NULL likewise */
        sd_event_source *caps_timer;
        char caps_revision[HV_SHA256_HEX_SIZE]; /* for which the slices were read; "": they are to be read */

        struct hv_ledger *ledger; /* NULL: not opened yet, or it cannot be; no task is accepted */
        struct hv_worker *worker;
        struct hv_receipt_key *receipt_key; /* NULL as long as the ledger is */
        struct hv_transfer *inputs;         /* what tasks' inputs are fetched with */
        struct hv_package_builder *builder; /* NULL as long as the ledger is */
        char *work_root, *results_root, *packages_root;
        struct hv_disk_watch *disk_watch;      /* a look under way */
        struct hv_worker *disk_worker;         /* large trees take long: beside what tasks wait for */
        HV_VEC(struct root_look *) root_looks; /* calls of the engine for what tasks wrote elsewhere */
        sd_event_source *disk_timer;
        uint64_t disk_looked_us;
        bool pressure_is_followed, pressure_is_told;
        struct hv_seen_pressure pressure; /* as the core was told last */
        bool memory_is_above;             /* gc.pressure.memoryUsed, at the last sample */
        struct hv_agent_images *images;   /* NULL as long as the engine is */
        struct hv_agent_gc *gc;           /* NULL before a revision is in force */
        struct hv_agent_preload *preload;
        struct hv_agent_archives *archives;
        struct hv_agent_asked *asked;   /* NULL: nobody ever asked for an image */
        struct hv_retention *retention; /* a round under way */
        void (*retention_done)(struct hv_agent *a);
        bool retention_begun; /* tasks are known */
        bool results_known;
        uint64_t results_bytes; /* of all results, after the last round */

        struct hv_agent_pool *pool;       /* NULL: none was ever asked for */
        struct hv_agent_tunnels *tunnels; /* NULL: there was never one to look after */
        struct hv_agent_joins *joins;     /* NULL: no VPN service was ever to be asked */
        struct hv_join_store *join_store;

        struct hv_agent_log_files *log_files;
        struct hv_agent_gpus *gpus;
        struct hv_agent_monitor *monitor; /* NULL: nobody will ask (--once) */

        struct hv_notify *notify;
        struct hv_api *api;
        struct hv_auth *auth;
        struct hv_http_access *access;
        char access_revision[HV_SHA256_HEX_SIZE]; /* that it follows */
        struct hv_http_server *socket_server, *tcp_server;
        char *tcp_listen;         /* what tcp_server was asked to listen on */
        char *tcp_cert, *tcp_key; /* and with which files; NULL: no TLS */
        struct hv_http_limits tcp_limits;
        char *tcp_error;            /* why it cannot be had; NULL: it is served */
        sd_event_source *tcp_retry; /* it could not be had, and is tried again */
        struct hv_backoff tcp_backoff;
        struct change *change;   /* one at a time */
        struct hv_orders orders; /* in force: backend_order.c */
        struct hv_api_drain drain;
        sd_event_source *drain_timer;
        struct hv_arena *orders_arena;      /* of both */
        struct hv_agent_shutdown *shutdown; /* NULL: nobody asked for it */
        HV_VEC(struct kill *) kills;
        HV_VEC(struct plan_call *) plans;
        HV_VEC(struct task_call *) task_calls;
        HV_VEC(struct tunnel_call *) tunnel_calls;
        struct hv_api_log *waiting_logs; /* of tasks that do not run yet */
        struct hv_runs runs;             /* of services */
};

/* pass.c */
uint64_t hv_agent_now_us(void); /* CLOCK_BOOTTIME: goes on while the machine sleeps, never steps */
uint64_t hv_agent_wall_us(void);
const char *hv_agent_boot(void);                 /* the machine's boot id; NULL: it could not be read */
struct hv_ledger_instant hv_agent_instant(void); /* now, by all of them */
int hv_agent_pass_init(struct hv_agent *a, struct hv_err *err);
/* Something happened here, beside the core: a pass is due, at the end of this turn of the loop, and the API tells of it. */
void hv_agent_poke(struct hv_agent *a);
/* Into the core, which knows whether it is news; a pass is due. */
int hv_agent_input(struct hv_agent *a, const struct hv_input *in, struct hv_err *err);
void hv_agent_look(struct hv_agent *a); /* somebody wants everything to be looked at now */

/* publish.c */
int hv_agent_publish_init(struct hv_agent *a, struct hv_err *err);
void hv_agent_publish_soon(struct hv_agent *a);

/* remember.c */
void hv_agent_remember_volumes(struct hv_agent *a); /* before the newest of them is resumed */

/* revision.c */
int hv_agent_sources_init(struct hv_agent *a, struct hv_err *err);
/* Takes a load: offers it to the core when it is good, tells what is wrong with it when it is not. 0, or -EINVAL. */
int hv_agent_take(struct hv_agent *a, struct hv_source_load *load);
/* look_only: nothing is written (--check). */
int hv_agent_source_set_new(const struct hv_agent_options *o, struct hv_join_store *joins, bool look_only,
                            struct hv_source_set **ret, struct hv_err *err);
int hv_agent_reload(struct hv_agent *a); /* reads all sources and takes the result */
void hv_agent_joined(
        struct hv_agent *a); /* a VPN service gave something: what is in force is made anew with it */
void hv_agent_revision_passed(
        struct hv_agent *a); /* after each pass: keeps the store, engine and listener true */
/* Why the newest sources were refused, in one line; NULL: they were not. */
const char *hv_agent_refusal(const struct hv_agent *a);
const struct hv_secret *hv_agent_secret(const struct hv_agent *a, const char *name);

/* Takes a load that is in force at once, whatever the guard and the engine: the way back of a trial. */
void hv_agent_put_back(struct hv_agent *a, struct hv_source_load *load);

/* trial.c */
int hv_agent_trial_init(struct hv_agent *a,
                        struct hv_err *err); /* before the last good revision is resumed */
/* What `change` wishes; `tried` is left to the sources. Gives hv_source_change.trial_before. */
const char *hv_agent_trial_wish(struct hv_agent *a, const struct hv_api_change *change,
                                struct hv_trial_wish *ret);
/* A change was tried on trial; one that could not be made to its end (a disk that is full) may have begun it all the same. */
void hv_agent_trial_began(struct hv_agent *a, bool is_good);
/* Goes back to change->activate, a kept revision. */
void hv_agent_roll_back(struct hv_agent *a, const struct hv_api_change *change, struct hv_api_call *call);
void hv_agent_trial_verdict(struct hv_agent *a, const struct hv_api_change *change, struct hv_api_call *call);
void hv_agent_trial_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_trial *ret);
void hv_agent_trial_end(struct hv_agent *a);

/* engine.c */
int hv_agent_engine_init(struct hv_agent *a, struct hv_err *err);
/* Makes client and driver the first time an engine is wanted. */
int hv_agent_engine_need(struct hv_agent *a, const struct hv_desired *d, struct hv_err *err);
void hv_agent_engine_policy(struct hv_agent *a, const struct hv_desired *d);
/* The agent's own directories: never mounted into a container, whatever a policy says. */
void hv_agent_private_paths(const struct hv_agent_options *o, const char *ret[2]);

/* tasks.c */
/* A promise as it was made, under the policy of today. A document that means nothing to this version gives a task that is
 * refused: what runs of it goes on to its end under the node's defaults, and nothing of it is started. One reference. */
struct hv_task *hv_agent_task_kept(const struct hv_ledger_task *kept, const struct hv_desired *d);
/* Opens the ledger, tells the core what it holds, adds the driver: the first time an engine is wanted, and until it worked. */
void hv_agent_tasks_need(struct hv_agent *a, const struct hv_desired *d);
void hv_agent_tasks_note(struct hv_agent *a, const struct hv_note *note);
const char *hv_agent_work_root(struct hv_agent *a, const struct hv_desired *d);
char *hv_agent_inbox(const struct hv_agent *a); /* where what pools sent lies; the caller frees */
void hv_agent_tell_clock(struct hv_agent *a); /* the core counts in a clock that never steps; people do not */
void hv_agent_tasks_end(struct hv_agent *a);  /* after the executor */

/* disk_watch.c */
int hv_agent_disk_begin(struct hv_agent *a, struct hv_err *err);
void hv_agent_disk_passed(struct hv_agent *a); /* after each pass: does a task run that has a limit? */
void hv_agent_disk_end(struct hv_agent *a);

/* pressure.c */
void hv_agent_pressure_begin(struct hv_agent *a);   /* tasks can be run: from now on the core is told */
void hv_agent_pressure_sampled(struct hv_agent *a); /* after each round of samples */

/* retention.c */
int hv_agent_retention_begin(struct hv_agent *a, struct hv_err *err); /* once tasks are known */
/* A round; `done` comes once, never from inside. False: tasks are not known. */
bool hv_agent_retention_run(struct hv_agent *a, void (*done)(struct hv_agent *a));
void hv_agent_retention_end(struct hv_agent *a); /* before the worker */

/* caps.c */
int hv_agent_caps_begin(struct hv_agent *a, struct hv_err *err); /* with the engine's client */
void hv_agent_caps_follow(struct hv_agent *a); /* around each pass: is there another revision? */
void hv_agent_caps_look(struct hv_agent *a);

/* pool.c */
void hv_agent_pool_follow(struct hv_agent *a, struct hv_desired *d); /* a revision is in force */
void hv_agent_pool_passed(struct hv_agent *a);                       /* after each pass */
void hv_agent_pool_note(struct hv_agent *a, const struct hv_note *note);
/* Under what a task is being assigned; 0: a pool is not about to. For the driver. */
int hv_agent_pool_assignment(void *userdata, const char *id, struct hv_ledger_assignment *ret);
void hv_agent_pool_look(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_pool *ret);
/* Tells the pool that the agent ends. True: `done` is called once, within seconds. */
bool hv_agent_pool_leave(struct hv_agent *a, void (*done)(void *userdata), void *userdata);
void hv_agent_pool_end(struct hv_agent *a); /* before the executor and the tasks' parts */

/* zones.c: gives the core the time zones that the cron tasks and quiet hours of a revision name. */
void hv_agent_zones_need(struct hv_agent *a, const struct hv_desired *d);
struct hv_zone *hv_agent_zone_read(
        const char *name, struct hv_err *err); /* name NULL: the node's own; NULL: it cannot be read */

/* access.c */
void hv_agent_access_init(struct hv_agent *a); /* before any server */
void hv_agent_access_follow(struct hv_agent *a, const struct hv_desired *d);
void hv_agent_access_end(struct hv_agent *a); /* after all servers */

/* listen.c */
int hv_agent_listen_init(struct hv_agent *a, struct hv_err *err);
int hv_agent_make_run_dir(const char *dir, struct hv_err *err); /* 0 also when it is there */
void hv_agent_listen_end(struct hv_agent *a);                   /* no further try */
void hv_agent_listen_follow(struct hv_agent *a, const struct hv_desired *d);

/* backend.c */
extern const struct hv_api_backend hv_agent_backend;
void hv_agent_sources_changed(struct hv_agent *a, const struct hv_source_load *l); /* l is good */
void hv_agent_snapshot(void *userdata, struct hv_arena *arena, struct hv_api_snapshot *ret);

/* backend_change.c */
void hv_agent_change(void *userdata, const struct hv_api_change *change, struct hv_api_call *call);
/* backend_service.c: the document of a service as somebody wants it. -ENOENT, -EEXIST a file declares it, -EINVAL, in words. */
int hv_agent_service_text(struct hv_agent *a, const struct hv_api_service_change *s, struct hv_buf *ret,
                          struct hv_err *err);
void hv_agent_change_passed(struct hv_agent *a); /* after each pass: is the guard's decision there? */
void hv_agent_change_abandon(struct hv_agent *a);

/* backend_plan.c */
void hv_agent_plan(void *userdata, const struct hv_api_file *files, size_t n_files, struct hv_api_call *call);
void hv_agent_plans_abandon(struct hv_agent *a);

/* backend_logs.c */
struct hv_api_log *hv_agent_logs_open(void *userdata, const struct hv_api_log_options *options,
                                      struct hv_api_call *call, struct hv_err *err);
void hv_agent_logs_resume(struct hv_api_log *log);
void hv_agent_logs_close(struct hv_api_log *log);
void hv_agent_logs_passed(struct hv_agent *a); /* after each pass: does a task run whose log is waited for? */

/* backend_copy.c */
struct hv_api_copy *hv_agent_copy_open(void *userdata, const struct hv_api_copy_wish *wish,
                                       struct hv_api_call *call, struct hv_err *err);
void hv_agent_copy_resume(struct hv_api_copy *copy);
size_t hv_agent_copy_input(struct hv_api_copy *copy, const void *data, size_t len);
void hv_agent_copy_end_input(struct hv_api_copy *copy);
void hv_agent_copy_close(struct hv_api_copy *copy);

/* backend_session.c */
/* One replica of a service, or a task. */
struct hv_agent_place {
        enum hv_kind kind;
        const char *name;
        unsigned replica;
};
/* The id of its container, and in *ret_shown how people call that. NULL: there is none, it does not run (with `runs`), or there is no
 * engine. */
const char *hv_agent_container_of(struct hv_agent *a, const struct hv_agent_place *place, bool runs,
                                  struct hv_arena *arena, const char **ret_shown, struct hv_err *err);
struct hv_api_session *hv_agent_session_open(void *userdata, const struct hv_api_exec *asked,
                                             struct hv_api_call *call, struct hv_err *err);
size_t hv_agent_session_room(const struct hv_api_session *session);
void hv_agent_session_input(struct hv_api_session *session, const void *data, size_t len);
void hv_agent_session_end_input(struct hv_api_session *session);
void hv_agent_session_resize(struct hv_api_session *session, unsigned rows, unsigned columns);
void hv_agent_session_resume(struct hv_api_session *session);
void hv_agent_session_close(struct hv_api_session *session);

/* backend_task.c */
void hv_agent_tasks(void *userdata, struct hv_arena *arena, struct hv_api_tasks *ret);
void hv_agent_task_change(void *userdata, const struct hv_api_task_change *change, struct hv_api_call *call);
void hv_agent_fit(void *userdata, const struct hv_api_file *file, struct hv_arena *arena,
                  struct hv_api_fit *ret);
/* The idempotency key with which a task is being submitted; NULL: none. */
const char *hv_agent_task_key(void *userdata, const char *id);
void hv_agent_task_calls_passed(struct hv_agent *a); /* after each pass: is a change durable? */
void hv_agent_task_calls_abandon(struct hv_agent *a);
/* The call is answered after the pass in which the change is durable. Takes diags. */
void hv_agent_task_wait(struct hv_agent *a, struct hv_api_call *call, enum hv_api_task_change_type type,
                        const char *id, struct hv_diags *diags, bool was_so);
void hv_agent_task_refuse(struct hv_api_call *call, const struct hv_err *err);

/* tunnel_calls.c */
void hv_agent_tunnel_rotate(void *userdata, const char *interface, enum hv_api_rotation how,
                            struct hv_api_call *call);
void hv_agent_tunnel_ping(void *userdata, const char *interface, const char *peer, struct hv_api_call *call);
void hv_agent_tunnel_calls_abandon(struct hv_agent *a);

/* backend_order.c */
void hv_agent_orders_init(struct hv_agent *a); /* before the first plan */
int hv_agent_order(void *userdata, const struct hv_api_order *asked, struct hv_err *err);
void hv_agent_orders_passed(struct hv_agent *a);    /* after each pass: are some over? */
void hv_agent_orders_laid_over(struct hv_agent *a); /* what a shutdown asks for is another */
size_t hv_agent_running_tasks(struct hv_agent *a);
/* Each that runs is stopped, as by somebody who wants it so. */
void hv_agent_end_tasks(struct hv_agent *a, const char *by, const char *reason);
void hv_agent_orders_end(struct hv_agent *a);

/* backend_kill.c */
void hv_agent_kill(void *userdata, const struct hv_api_kill *asked, struct hv_api_call *call);
void hv_agent_kills_abandon(struct hv_agent *a);

/* backend_cron.c */
void hv_agent_cron_trigger(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call);
void hv_agent_cron_suspend(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call);
/* 1 it is durable, 0 not yet, < 0 it cannot be. */
int hv_agent_cron_check(struct hv_agent *a, const char *name, bool suspend, struct hv_arena *arena,
                        struct hv_err *err);

/* once.c */
void hv_agent_once(struct hv_agent *a, const struct hv_status *s); /* --once: is it time to end? */
int hv_agent_once_init(struct hv_agent *a, struct hv_err *err);

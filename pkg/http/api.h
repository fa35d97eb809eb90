/* http/api.h - the agent's API: the routes of docs/http-api.md over the server mechanism (http/server.h).
 *
 *      agent                                          http
 *      -----                                          ----
 *      struct hv_api_backend  <---- asks -----------  handlers --> reply, stream, SSE
 *      hv_api_changed()       ----- status moved -->  conditions, ETag, /api/v1/watch
 *      hv_api_event()         ----- a log record -->  ring of events, /api/v1/events
 *      hv_api_metrics()       ----- counts -------->  /metrics
 *
 * Model    Reading is synchronous: one snapshot (http/snapshot.h) per request, rendered by pure functions.
 *          What takes time (apply, plan, logs) is a call that the backend ends later, exactly once, with
 *          hv_api_*_done(); a client that left meanwhile makes no difference to it.
 * Layer    http knows no agent: everything it needs is in the table below. All on the loop's thread.
 */
#pragma once

#include "base/err.h"
#include "http/copies.h"
#include "http/metrics.h"
#include "http/orders.h"
#include "http/sessions.h"
#include "http/snapshot.h"
#include "http/tasks.h"
#include "http/tunnels.h"
#include "monitor/monitor.h"

typedef struct sd_event sd_event; /* systemd/sd-event.h */
struct hv_http_server;
struct hv_log_record;

struct hv_api;
struct hv_api_call; /* an operation under way; belongs to the backend until its _done() */

/* --- changes and plans ------------------------------------------------------------------------------- */

/* One file of documents, as the client read it. Good until the call is done and the function that was asked has
 * returned, as the change below. */
struct hv_api_file {
        const char *name; /* for messages: as the user wrote it, "-" for standard input */
        const char *path; /* absolute, symbolic links resolved; NULL: not a file */
        const char *text;
        size_t len;
};

enum hv_api_verdict {
        HV_API_VERDICT_NONE,
        HV_API_VERDICT_CONFIRM, /* what is on trial stays */
        HV_API_VERDICT_REVERT,  /* it goes, now */
};

/* Of a service that the API was given: its document with a few values changed, or as it was before. */
struct hv_api_service_change {
        const char *name;
        bool undo; /* the newest kept document of it that says something else; the rest means nothing then */
        const char *image;   /* NULL: as it is */
        struct hv_pairs env; /* to be added, or put in the place of those of the same name */
};

/* A change of the desired state. One of: files to apply, an object to forget, a service to change, neither (the sources are
 * read again, as on SIGHUP), the verdict about a revision on trial, or a kept revision to go back to.
 *
 * Files    Objects (Service, Network, ...) become part of the source `api`, which outlives restarts. A
 *          NodeState is taken only where `path` is the primary file, which is then read anew; from elsewhere
 *          it is refused. In a dry run a NodeState from anywhere stands in for the primary file.
 * Result   hv_api_change_done() once the new revision is active, parked by the guard, equal to the active
 *          one, or refused: not when the machine has converged on it. From then on a snapshot shows it. */
struct hv_api_change {
        const struct hv_api_file *files;
        size_t n_files;
        enum hv_kind forget_kind; /* HV_KIND_NONE: nothing to forget */
        const char *forget_name;
        const struct hv_api_service_change *service; /* NULL: none */
        const char *accept_prune; /* parked revision (or the start of its name) that may prune; or NULL */
        const char *activate; /* kept revision, in full; NULL: none. What the guard would park is not begun */
        bool dry_run;         /* judge, change nothing */
        bool is_reload;       /* files that are held off since a trial stay so */
        uint64_t confirm_us;  /* on trial: taken back after this time without a yes; 0: for good */
        enum hv_api_verdict verdict; /* not NONE: nothing else is said */
        const char *by;              /* who asks, for the audit: "unix:uid=0" */
};

enum hv_api_outcome {
        HV_API_ACTIVATED,   /* the new revision is in force */
        HV_API_UNCHANGED,   /* what was given means what is in force already */
        HV_API_PARKED,      /* valid, but the guard waits for consent; hv_status tells what it would remove */
        HV_API_REFUSED,     /* `diags` says why; nothing was changed */
        HV_API_CONFIRMED,   /* what was on trial stays */
        HV_API_REVERTED,    /* what was on trial went; `after` is in force again */
        HV_API_ROLLED_BACK, /* `after`, a revision of before, is in force again */
        HV_API_FAILED,      /* `err` says why (not found, cannot be stored, ...); nothing was changed */
};

/* All borrowed for the length of hv_api_change_done(). */
struct hv_api_changed {
        enum hv_api_outcome outcome;     /* of a dry run: what it would have been */
        const struct hv_desired *before; /* in force before; NULL: nothing was */
        const struct hv_desired *after;  /* what the sources say now; NULL when refused or failed */
        struct hv_diags *diags;          /* errors and warnings, sorted; NULL: none */
        const struct hv_err *err; /* HV_API_FAILED; the HTTP status follows from err->code (http/reply.h) */
};

void hv_api_change_done(struct hv_api_call *call, const struct hv_api_changed *result);

/* What would be done, in the order in which it would be done. */
struct hv_api_step {
        enum hv_action_type type;
        const char *key;  /* "service/web/1", "network/backend" */
        const char *name; /* for people: the engine's name of it, "hive-web" */
        const char *why;  /* "image changed", ... */
};

struct hv_api_plan {
        const struct hv_err
                *err;           /* not NULL: there is no plan (engine down, too late); the rest is ignored */
        bool refused;           /* the files have errors: `diags` */
        struct hv_diags *diags; /* NULL: none */
        const struct hv_desired *before, *after; /* as above */
        bool parked; /* the guard would hold this revision; the steps are those after consent */
        unsigned n_removals, n_existing; /* what the guard counted */
        const struct hv_api_step *steps; /* effects only, no looks */
        size_t n_steps;
};

void hv_api_plan_done(struct hv_api_call *call, const struct hv_api_plan *plan);

/* --- logs of a container ----------------------------------------------------------------------------- */

enum hv_api_stream {
        HV_API_STDOUT = 1 << 0,
        HV_API_STDERR = 1 << 1,
};

struct hv_api_log_options {
        enum hv_kind kind;      /* of a task: that of its present attempt; with `follow` it is waited for */
        const char *name;       /* of a task: its id */
        unsigned replica;       /* 1.. */
        unsigned streams;       /* enum hv_api_stream, at least one */
        bool follow;            /* go on until the client leaves or the container ends */
        bool previous;          /* of a service: the last run that is over; never with `follow` */
        bool timestamps;        /* each line begins with its time, RFC 3339 with nanoseconds */
        uint64_t tail;          /* last lines; UINT64_MAX: all */
        uint64_t since_wall_us; /* 0: from the start */
};

struct hv_api_log; /* the backend's own: one open log */

/* More text, in order, without the engine's framing. False: the client is slower than the container. This
 * text was taken, but hold the rest back until logs_resume() is called. */
bool hv_api_logs_write(struct hv_api_call *call, const void *data, size_t len);
/* The end; err NULL: the container has no more to say. The call is over, and the hv_api_log with it. */
void hv_api_logs_done(struct hv_api_call *call, const struct hv_err *err);

/* --- garbage collection ------------------------------------------------------------------------------ */

struct hv_api_gc_step {
        const char *what; /* "container", "results", "image", "layer" */
        const char *name, *why;
        uint64_t bytes; /* freed; of a dry run: at most, 0 when that is not known */
};

/* A round, or what one would do. */
struct hv_api_gc {
        const struct hv_err *err; /* not NULL: it could not be done; the steps before that stand */
        bool dry_run;
        bool is_stuck; /* above `low`, and nothing more may go */
        const struct hv_api_gc_step *steps;
        size_t n_steps;
        uint64_t bytes;                   /* of all steps */
        uint64_t total_bytes, free_bytes; /* of the engine's disk, afterwards; total 0: not known */
        unsigned high_percent, low_percent;
};

void hv_api_gc_done(struct hv_api_call *call, const struct hv_api_gc *result);

/* --- images of the engine --------------------------------------------------------------------------- */

struct hv_api_engine_image {
        const char *id, *name; /* name NULL: it has none */
        uint64_t size_bytes, created_wall_us;
        const char *const *users; /* containers, ended ones too */
        size_t n_users;
        bool is_pinned;
        bool is_ours; /* hivelet brought it */
        bool goes;    /* the next round of garbage collection removes it */
        const char *why;
};

struct hv_api_engine_images {
        const struct hv_err *err; /* not NULL: they could not be looked at */
        const struct hv_api_engine_image *images;
        size_t n_images;
};

void hv_api_engine_images_done(struct hv_api_call *call, const struct hv_api_engine_images *result);

/* --- images by hand -------------------------------------------------------------------------------- */

#define HV_API_PRELOAD_MAX 64 /* images of one wish */

struct hv_api_preload_wish {
        const char *const *images; /* as somebody wrote them */
        size_t n_images;
        const char *by;
};

enum hv_api_preload_phase {
        HV_API_PRELOAD_WAITING,
        HV_API_PRELOAD_PULLING,
        HV_API_PRELOAD_READY,
        HV_API_PRELOAD_FAILED,
};

struct hv_api_preload {
        const char *image; /* normal form (spec/value_image.h) */
        const char *by;
        enum hv_api_preload_phase phase;
        const char *message;                   /* why it waits or failed; "" */
        uint64_t came_bytes, total_bytes;      /* while it is pulled; total 0: not known */
        uint64_t asked_wall_us, ended_wall_us; /* ended 0: it did not */
};

struct hv_api_preloads { /* in the order in which they were asked for, those that ended not long ago among them */
        const struct hv_api_preload *v;
        size_t n;
};

/* --- secrets ---------------------------------------------------------------------------------------- */

struct hv_api_secret {
        const char *name;
        const char *source;   /* "fromFile", "fromCredential", "generate"; "none": no document names it */
        const char *location; /* file or credential; NULL: the agent's own */
        bool is_declared, is_known; /* known: it could be read, and has a size */
        uint64_t size_bytes;
        const char *const *users; /* ends with NULL */
};

struct hv_api_secrets {
        const struct hv_api_secret *v;
        size_t n;
};

struct hv_api_secret_wish {
        const char *name;
        const void *data; /* never told to anybody */
        size_t len;
        const char *by;
};

struct hv_api_secret_put {
        const char *path;
        bool is_declared;
};

/* --- by hand ---------------------------------------------------------------------------------------- */

void hv_api_kill_done(struct hv_api_call *call, const struct hv_api_killed *result);

/* --- what the agent gives ---------------------------------------------------------------------------- */

/* All functions are required. */
struct hv_api_backend {
        /* `arena` ends with the request. */
        void (*snapshot)(void *userdata, struct hv_arena *arena, struct hv_api_snapshot *ret);

        /* What a kept revision says; the caller ends the reference. NULL: it is not kept, or cannot be read any more. */
        struct hv_desired *(*kept)(void *userdata, const char *revision);

        /* Ends with hv_api_change_done(), also from inside. Changes are taken one after the other. */
        void (*change)(void *userdata, const struct hv_api_change *change, struct hv_api_call *call);

        /* Plans the files as a dry run would take them, or without files the sources as they are now. Nothing
         * is changed, the engine sees GET and HEAD only. Ends with hv_api_plan_done(), also from inside. */
        void (*plan)(void *userdata, const struct hv_api_file *files, size_t n_files,
                     struct hv_api_call *call);

        /* Opens the log of a replica. NULL and err when it cannot be (-ENOENT: no such object, or no
         * container yet, or no run before; -ENOTCONN: no engine): the call is over. Else text comes by hv_api_logs_write() in
         * later turns of the loop, and the end by hv_api_logs_done(); or logs_close() comes first, because
         * the client left: then no _done(). `options` are borrowed for the length of this call. */
        struct hv_api_log *(*logs_open)(void *userdata, const struct hv_api_log_options *options,
                                        struct hv_api_call *call, struct hv_err *err);
        void (*logs_resume)(struct hv_api_log *log); /* there is room again */
        void (*logs_close)(struct hv_api_log *log);  /* frees it; the call is over */

        /* `arena` ends with the request. */
        void (*tasks)(void *userdata, struct hv_arena *arena, struct hv_api_tasks *ret);

        /* Ends with hv_api_task_done(), also from inside. */
        void (*task_change)(void *userdata, const struct hv_api_task_change *change,
                            struct hv_api_call *call);

        /* Gives an interface another key; NOW ends when the interface has it. Ends with hv_api_rotate_done(). */
        void (*rotate)(void *userdata, const char *interface, enum hv_api_rotation how,
                       struct hv_api_call *call);

        /* Asks the peers of an interface, or the one of this name, whether they answer: within seconds. Changes nothing. Ends
         * with hv_api_ping_done(). */
        void (*ping)(void *userdata, const char *interface, const char *peer, struct hv_api_call *call);

        /* Changes nothing. */
        void (*fit)(void *userdata, const struct hv_api_file *file, struct hv_arena *arena,
                    struct hv_api_fit *ret);

        /* The last samples; all zero: there are none yet. Good until the loop turns. */
        void (*usage)(void *userdata, struct hv_monitor_view *ret);

        /* Collects garbage, or (dry_run) tells what would be. Ends with hv_api_gc_done(), also from inside. */
        void (*gc)(void *userdata, bool dry_run, struct hv_api_call *call);

        /* Looks at the images of the engine; changes nothing. Ends with hv_api_engine_images_done(), also from inside. */
        void (*engine_images)(void *userdata, struct hv_api_call *call);

        /* Has images pulled, one after the other. 0; ret[i] is the normal form of each, in `arena`. -EINVAL: one is no reference; -EPERM:
         * it is not allowed here; -ENOTCONN: no engine; -EAGAIN: too many wait already. Then nothing is begun. */
        int (*preload)(void *userdata, const struct hv_api_preload_wish *wish, struct hv_arena *arena,
                       const char **ret, struct hv_err *err);
        void (*preloads)(void *userdata, struct hv_arena *arena, struct hv_api_preloads *ret);

        /* Takes an order, durably: 1; 0: it is so already. -EBUSY: it makes no sense beside another one; else why it cannot be kept.
         * The snapshot shows it from then on. */
        int (*order)(void *userdata, const struct hv_api_order *order, struct hv_err *err);

        /* Ends the agent, after this turn of the loop, or once what runs is stopped. 0; -ENOTCONN: without an engine nothing can be
         * stopped. The snapshot shows it from then on. */
        int (*shutdown)(void *userdata, const struct hv_api_shutdown_wish *wish, struct hv_err *err);

        /* Without a value of any. */
        int (*secrets)(void *userdata, struct hv_arena *arena, struct hv_api_secrets *ret,
                       struct hv_err *err);
        /* Durable, and in use where it is declared. -EINVAL: no name of a secret; -EEXIST: it comes from elsewhere. */
        int (*secret_put)(void *userdata, const struct hv_api_secret_wish *wish, struct hv_arena *arena,
                          struct hv_api_secret_put *ret, struct hv_err *err);
        /* -EBUSY: it is used, or declared; -ENOENT: there is none. */
        int (*secret_remove)(void *userdata, const char *name, const char *by, struct hv_err *err);

        /* Ends with hv_api_kill_done(), also from inside. */
        void (*kill)(void *userdata, const struct hv_api_kill *kill, struct hv_api_call *call);

        /* Looks at a path in a container, or begins to copy it out or into it. NULL and err when it cannot be (-ENOENT: no such object,
         * -EBUSY: it has no container, -ENOTCONN: no engine): the call is over. Else see http/copies.h; nothing is called from
         * inside. */
        struct hv_api_copy *(*copy_open)(void *userdata, const struct hv_api_copy_wish *wish,
                                         struct hv_api_call *call, struct hv_err *err);
        void (*copy_resume)(struct hv_api_copy *copy); /* OUT: there is room again */
        size_t (*copy_input)(struct hv_api_copy *copy, const void *data,
                             size_t len); /* IN: how much was taken */
        void (*copy_end_input)(struct hv_api_copy *copy);
        void (*copy_close)(struct hv_api_copy *copy); /* frees it; the call is over */

        /* Begins a process in a container. NULL and err when it cannot be (-ENOENT: no such object, -EBUSY: it does not run,
         * -ENOTCONN: no engine): the call is over. Else see http/sessions.h; nothing is called from inside. */
        struct hv_api_session *(*session_open)(void *userdata, const struct hv_api_exec *exec,
                                               struct hv_api_call *call, struct hv_err *err);
        size_t (*session_room)(const struct hv_api_session *session); /* for input, bytes */
        void (*session_input)(struct hv_api_session *session, const void *data, size_t len);
        void (*session_end_input)(struct hv_api_session *session);
        void (*session_resize)(struct hv_api_session *session, unsigned rows, unsigned columns);
        void (*session_resume)(struct hv_api_session *session); /* there is room for output again */
        void (*session_close)(struct hv_api_session *session);  /* frees it; the call is over */
};

/* --- life -------------------------------------------------------------------------------------------- */

/* The table is borrowed until hv_api_free(). */
int hv_api_new(sd_event *event, const struct hv_api_backend *backend, void *userdata, struct hv_api **ret,
               struct hv_err *err);
/* After the server was freed. Calls that are still open are to be ended all the same; they answer nobody. */
struct hv_api *hv_api_free(struct hv_api *api); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_api, hv_api_free);

/* Registers every route at a server that is not started yet; several servers may serve one API, and come and
 * go before it. */
int hv_api_attach(struct hv_api *api, struct hv_http_server *server, struct hv_err *err);

/* How many streams the servers have together: half of them may follow the status, half the events. 128 until it is said. */
void hv_api_limit_streams(struct hv_api *api, unsigned streams_max);

/* http.ui, from now on: whether there are pages for people, and their colours for whoever has not chosen any ("dark"; static text;
 * NULL: as his system has them). Shown until it is said. Takes NULL, as hv_api_changed() does. */
void hv_api_show_pages(struct hv_api *api, bool shown, const char *theme);

/* Something that a snapshot shows may have changed: told to whoever watches, and what was answered before is no answer any more
 * (ETag). Cheap: the work is done once, at the end of the loop's turn. Takes NULL. */
void hv_api_changed(struct hv_api *api);

/* Takes a record of the log's observer: into the ring of the log when it is urgent enough for the log, into the ring of events
 * when it is an event. */
void hv_api_event(struct hv_api *api, const struct hv_log_record *record);

/* A line of the log of an earlier run, older than all that is there, for /api/logs. False: there is no room for more. */
bool hv_api_log_past(struct hv_api *api, uint64_t wall_us, int level, const char *message);

struct hv_metrics *hv_api_metrics(struct hv_api *api); /* where to count; belongs to the api */

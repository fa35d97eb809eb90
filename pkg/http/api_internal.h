/* http/api_internal.h - what the files of the API share among themselves. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "http/accept.h"
#include "http/api.h"
#include "http/conditions.h"
#include "http/event_ring.h"
#include "http/list_watch.h"
#include "http/log_ring.h"
#include "http/page.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/sse.h"
#include "http/view.h"
#include "json/write.h"

#define HV_API_EVENTS_KEPT 1000                  /* of the ring of events: about 400 KiB when full */
#define HV_API_BODY_MAX_BYTES ((size_t) 8 << 20) /* several files of 1 MiB each (E0003), escaped as JSON */

typedef struct sd_event_source sd_event_source;

/* An answer that is sent again while nothing has changed, for a second at most: times that move by themselves stand in it, too. */
struct hv_api_kept {
        struct hv_buf text;
        uint64_t generation, wall_us; /* that it is of */
};

/* A list that somebody watches, or watched. */
struct hv_api_watched {
        struct hv_http_sse_hub *hub; /* NULL: nobody did yet */
        struct hv_list_watch *memory;
};

struct hv_api {
        sd_event *event;
        const struct hv_api_backend *backend;
        void *userdata;
        struct hv_api_listener *listeners;
        struct hv_metrics *metrics;
        struct hv_event_ring *events;
        struct hv_log_ring *log;
        struct hv_http_sse_hub *event_hub, *watch_hub;
        struct hv_api_watched watched[HV_N_KINDS];
        struct hv_http_sse_hub *preload_hub;
        struct hv_buf preload_told; /* what its clients were told last */
        size_t watchers_max;        /* of the status, of lists and of preloads, together */
        struct hv_conditions conditions;
        uint64_t run;        /* tells one run of the agent from another, in ETags and event ids */
        uint64_t generation; /* counts what hv_api_changed() told */
        bool pages_are_off;
        const char *page_theme;
        struct hv_api_kept status[2]; /* without the lines of files, and with them */
        sd_event_source *tell;        /* defer: conditions, watchers, abandoned logs; once a turn */
        struct hv_api_call *calls;    /* the open ones */
        unsigned n_sessions;          /* of these */
        unsigned n_copies;
};

/* Made once, kept. */
struct hv_api_text {
        char *text; /* NULL: not made yet */
        size_t len;
        char digest[HV_SHA256_HEX_SIZE];
};

/* One server that serves the API: what /metrics tells about HTTP is about the server it was asked of. */
struct hv_api_listener {
        struct hv_api *api;
        struct hv_http_server *server;
        struct hv_api_listener *next;
        struct hv_api_text openapi_json, openapi_yaml; /* of its routes */
        struct hv_api_text schema_json;
};

/* A snapshot with what every answer needs around it. */
struct hv_api_view {
        struct hv_arena *arena;
        struct hv_api_snapshot snapshot;
        struct hv_condition conditions[HV_N_CONDITIONS];
};

/* Of the status as it is now, for streams: another run of the agent has other ids. */
#define HV_API_WATCH_ID_SIZE 48
void hv_api_watch_id(const struct hv_api *api, char ret[HV_API_WATCH_ID_SIZE]);

void hv_api_look(struct hv_api *api, struct hv_api_view *ret);
void hv_api_view_done(struct hv_api_view *v);

uint64_t hv_api_now_wall_us(void);

/* Sends what the writer wrote, and ends the request. */
void hv_api_reply(struct hv_http_request *req, unsigned status, struct hv_buf *json);

/* A list up to its items: what it is, and which page of it. False: 400 or 410 was sent. */
bool hv_api_begin_list(struct hv_http_request *req, const struct hv_http_list *list, struct hv_json_writer *w,
                       struct hv_http_page *ret);

/* ETag of the present generation; true: 304 was sent. */
bool hv_api_not_modified(struct hv_api *api, struct hv_http_request *req);

/* For hv_http_server_heed_if_match(). userdata: struct hv_api. */
bool hv_api_is_current(const char *tag, size_t len, void *userdata);

/* As hv_api_not_modified(), of an answer that shows samples too. */
bool hv_api_usage_not_modified(struct hv_api *api, struct hv_http_request *req, uint64_t generation);

/* Ends logs that were abandoned inside hv_api_logs_write(), where the backend must not be called. */
void hv_api_close_abandoned_logs(struct hv_api *api);

/* One status document, as /api/v1/watch gives it, and /api/v1/status to whoever is no admin: without lines of the files. */
void hv_api_write_status(struct hv_api *api, struct hv_api_view *v, struct hv_buf *ret);

/* ---- calls ---- */

/* Made by the handler, ended by the backend. `req` is NULL once the client left. */
struct hv_api_call {
        struct hv_api *api; /* NULL once the api is gone */
        struct hv_api_call *next, **link;
        struct hv_http_request *req;
        struct hv_arena *arena; /* holds the request's files and the change */
        bool in_handler;        /* the backend is being asked: what it was given outlives its _done() */
        bool over;              /* _done() was called meanwhile */
        const void *answer_as;  /* the handler's own mark for the _done() function */
        struct hv_api_exchange *exchange;            /* of a session: api_session.c */
        struct hv_api_transfer *transfer;            /* of a copy: api_copy.c */
        struct hv_api_log *log;                      /* of a log: open at the backend */
        struct hv_http_stream *stream;               /* of a log or a copy: NULL before the first bytes */
        bool (*otherwise)(struct hv_api_call *call); /* of a log: see hv_api_open_log() */
        bool held;                                   /* of a log: the backend was told to wait */
        bool abandoned; /* of a log or a copy: nobody reads it; closed at the end of the turn */
};

struct hv_api_call *hv_api_call_new(struct hv_api *api, struct hv_http_request *req);
/* Ends it; inside hv_api_call_ask() and hv_api_call_asked() only once the latter comes. */
void hv_api_call_free(struct hv_api_call *call);
/* Around the call of a backend's function, which may end the call from inside and still look at what it was given. */
void hv_api_call_ask(struct hv_api_call *call);
void hv_api_call_asked(struct hv_api_call *call);
void hv_api_at_end_of_turn(struct hv_api *api); /* wakes `tell` */

/* ---- handlers, by file ---- */

/* api_probe.c */
void hv_api_get_livez(struct hv_http_request *req, void *userdata);
void hv_api_get_readyz(struct hv_http_request *req, void *userdata);
void hv_api_get_metrics(struct hv_http_request *req, void *userdata); /* userdata: struct hv_api_listener */

/* api_health.c */
void hv_api_get_health(struct hv_http_request *req, void *userdata);

/* api_openapi.c; userdata: struct hv_api_listener */
void hv_api_get_openapi_json(struct hv_http_request *req, void *userdata);
void hv_api_get_openapi_yaml(struct hv_http_request *req, void *userdata);
void hv_api_get_schema(struct hv_http_request *req, void *userdata);

/* api_settings.c */
void hv_api_get_settings(struct hv_http_request *req, void *userdata);
void hv_api_post_settings(struct hv_http_request *req, void *userdata);

/* api_read.c */
void hv_api_get_version(struct hv_http_request *req, void *userdata);
void hv_api_get_status(struct hv_http_request *req, void *userdata);
void hv_api_get_node(struct hv_http_request *req, void *userdata);
void hv_api_get_why(struct hv_http_request *req, void *userdata);
void hv_api_get_sources(struct hv_http_request *req, void *userdata);
void hv_api_get_revisions(struct hv_http_request *req, void *userdata);
void hv_api_get_revision(struct hv_http_request *req, void *userdata);
/* The one that the path names; NULL: answered with 404 or 409. */
const struct hv_api_revision *hv_api_wanted_revision(struct hv_http_request *req,
                                                     const struct hv_api_view *v);
void hv_api_get_sync(struct hv_http_request *req, void *userdata);
enum hv_api_part {
        HV_API_WHOLE,
        HV_API_STATUS,
        HV_API_WHY,
};
void hv_api_get_list(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);
void hv_api_get_one(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind,
                    enum hv_api_part part);
/* The item that {name} means; NULL: 404 was sent. */
const struct hv_view_item *hv_api_wanted_item(struct hv_http_request *req, struct hv_api_view *v,
                                              enum hv_kind kind);

/* api_settings.c */
void hv_api_get_origin(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);
void hv_api_get_document(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);

/* api_exposure.c */
void hv_api_get_exposure(struct hv_http_request *req, void *userdata);

/* api_usage.c */
void hv_api_usage(struct hv_api *api, struct hv_monitor_view *ret);
void hv_api_get_usage(struct hv_http_request *req, void *userdata);
void hv_api_get_service_stats(struct hv_http_request *req, void *userdata);
void hv_api_get_task_stats(struct hv_http_request *req, void *userdata);

/* api_events.c */
void hv_api_get_events(struct hv_http_request *req, void *userdata);
void hv_api_get_object_events(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);
void hv_api_get_watch(struct hv_http_request *req, void *userdata);

/* api_list_watch.c */
/* Whether what comes of a list is wanted, and not the list. */
bool hv_api_wants_watch(const struct hv_http_request *req);
void hv_api_watch_list(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);
void hv_api_tell_list_watchers(struct hv_api *api); /* something may have changed */
void hv_api_close_list_watches(struct hv_api *api);
/* For one more who watches anything. False: 503 was sent. */
bool hv_api_has_room_for_watcher(struct hv_api *api, struct hv_http_request *req);

/* api_change.c */
bool hv_api_is_type(const char *content_type, const char *type);
void hv_api_reply_refused(struct hv_http_request *req, const char *code, struct hv_diags *diags); /* 422 */
void hv_api_post_update(struct hv_http_request *req, void *userdata);
void hv_api_post_undo(struct hv_http_request *req, void *userdata);
void hv_api_post_validate(struct hv_http_request *req, void *userdata);
void hv_api_post_plan(struct hv_http_request *req, void *userdata);
void hv_api_post_apply(struct hv_http_request *req, void *userdata);
void hv_api_post_confirm(struct hv_http_request *req, void *userdata);
void hv_api_post_activate(struct hv_http_request *req, void *userdata);
void hv_api_post_reload(struct hv_http_request *req, void *userdata);
void hv_api_delete_object(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind);

/* api_wireguard.c */
void hv_api_post_wireguard_rotate(struct hv_http_request *req, void *userdata);
void hv_api_post_wireguard_ping(struct hv_http_request *req, void *userdata);

/* api_order.c */
/* The body that orders have. NULL: there is none. False: 400 was sent. */
bool hv_api_read_order(struct hv_http_request *req, struct hv_json **ret);
void hv_api_get_orders(struct hv_http_request *req, void *userdata);
void hv_api_post_cordon(struct hv_http_request *req, void *userdata);
void hv_api_post_drain(struct hv_http_request *req, void *userdata);
void hv_api_post_shutdown(struct hv_http_request *req, void *userdata);
void hv_api_post_uncordon(struct hv_http_request *req, void *userdata);
void hv_api_post_pause(struct hv_http_request *req, void *userdata);
void hv_api_post_resume(struct hv_http_request *req, void *userdata);
void hv_api_post_hold(struct hv_http_request *req, void *userdata);
void hv_api_post_release(struct hv_http_request *req, void *userdata);
void hv_api_post_stop(struct hv_http_request *req, void *userdata);
void hv_api_post_start(struct hv_http_request *req, void *userdata);
void hv_api_post_restart(struct hv_http_request *req, void *userdata);
void hv_api_post_kill(struct hv_http_request *req, void *userdata);

/* api_session.c */
void hv_api_post_exec(struct hv_http_request *req, void *userdata);
void hv_api_post_task_exec(struct hv_http_request *req, void *userdata);

/* api_copy.c */
void hv_api_copy_service(struct hv_http_request *req, void *userdata);
void hv_api_copy_task(struct hv_http_request *req, void *userdata);
void hv_api_copy_close_abandoned(struct hv_api_call *call);

/* api_gc.c */
void hv_api_get_gc(struct hv_http_request *req, void *userdata);
void hv_api_post_gc(struct hv_http_request *req, void *userdata);

/* api_images.c */
void hv_api_get_engine_images(struct hv_http_request *req, void *userdata);

/* api_secret.c */
void hv_api_get_node_secrets(struct hv_http_request *req, void *userdata);
void hv_api_put_node_secret(struct hv_http_request *req, void *userdata);
void hv_api_delete_node_secret(struct hv_http_request *req, void *userdata);

/* api_preload.c */
void hv_api_get_preload(struct hv_http_request *req, void *userdata);
void hv_api_post_preload(struct hv_http_request *req, void *userdata);
void hv_api_tell_preload_watchers(struct hv_api *api); /* something may have changed */

/* api_logs.c */
bool hv_api_read_log_options(struct hv_http_request *req,
                             struct hv_api_log_options *ret); /* false: 400 was sent */
/* Opens the log at the backend. `otherwise` (may be NULL) is asked when it ends before a text came: true, it answered. */
void hv_api_open_log(struct hv_http_request *req, struct hv_api *api,
                     const struct hv_api_log_options *options, bool (*otherwise)(struct hv_api_call *call));
void hv_api_get_logs(struct hv_http_request *req, void *userdata);

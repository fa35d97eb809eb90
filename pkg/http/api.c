/* Life of the API, its table of routes, and what is told to watchers. Handlers: api_*.c. */
#include "http/api_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "http/api_web.h"
#include "http/server.h"
#include "log/log.h"

#define WATCHERS_MAX 64

uint64_t hv_api_now_wall_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* ---- looking ---- */

void hv_api_look(struct hv_api *api, struct hv_api_view *ret) {
        ret->arena = hv_arena_new();
        memset(&ret->snapshot, 0, sizeof ret->snapshot);
        api->backend->snapshot(api->userdata, ret->arena, &ret->snapshot);
        hv_conditions_update(&api->conditions, &ret->snapshot, ret->arena, ret->conditions);
}

void hv_api_view_done(struct hv_api_view *v) {
        v->arena = hv_arena_free(v->arena);
}

bool hv_api_not_modified(struct hv_api *api, struct hv_http_request *req) {
        char tag[48];

        (void) snprintf(tag, sizeof tag, "%" PRIx64 "-%" PRIu64, api->run, api->generation);
        return hv_http_not_modified(req, tag);
}

bool hv_api_usage_not_modified(struct hv_api *api, struct hv_http_request *req, uint64_t generation) {
        char tag[72];

        (void) snprintf(tag, sizeof tag, "%" PRIx64 "-%" PRIu64 "-%" PRIu64, api->run, api->generation,
                        generation);
        return hv_http_not_modified(req, tag);
}

/* ---- telling ---- */

void hv_api_at_end_of_turn(struct hv_api *api) {
        (void) sd_event_source_set_enabled(api->tell, SD_EVENT_ONESHOT);
}

void hv_api_changed(struct hv_api *api) {
        api->generation++;
        hv_api_at_end_of_turn(api);
}

static int on_end_of_turn(sd_event_source *source, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        char id[24];

        (void) source;
        hv_api_close_abandoned_logs(api);
        hv_api_look(api, &v);
        if (hv_http_sse_hub_size(api->watch_hub) == 0)
                return 0;
        hv_api_write_status(api, &v, &buf);
        (void) snprintf(id, sizeof id, "%" PRIu64, api->generation);
        hv_http_sse_broadcast(api->watch_hub, id, "status", hv_buf_str(&buf));
        return 0;
}

void hv_api_event(struct hv_api *api, const struct hv_log_record *record) {
        const struct hv_ring_event *e = hv_event_ring_add(api->events, record);
        char id[HV_EVENT_ID_SIZE];

        if (!e)
                return;
        hv_event_ring_id(api->events, e, id);
        hv_http_sse_broadcast(api->event_hub, id, e->type, e->json);
}

struct hv_metrics *hv_api_metrics(struct hv_api *api) {
        return api->metrics;
}

/* ---- calls ---- */

static void on_gone(void *userdata) {
        struct hv_api_call *call = userdata;

        call->req = NULL;
}

struct hv_api_call *hv_api_call_new(struct hv_api *api, struct hv_http_request *req) {
        struct hv_api_call *call = HV_NEW(struct hv_api_call);

        call->api = api;
        call->req = req;
        call->arena = hv_arena_new();
        call->next = api->calls;
        call->link = &api->calls;
        if (call->next)
                call->next->link = &call->next;
        api->calls = call;
        hv_http_on_gone(req, on_gone, call);
        return call;
}

void hv_api_call_ask(struct hv_api_call *call) {
        call->in_handler = true;
}

void hv_api_call_asked(struct hv_api_call *call) {
        call->in_handler = false;
        if (call->over)
                hv_api_call_free(call);
}

void hv_api_call_free(struct hv_api_call *call) {
        if (call->in_handler) {
                call->over = true;
                call->req = NULL;
                return;
        }
        if (call->link)
                *call->link = call->next;
        if (call->next)
                call->next->link = call->link;
        call->arena = hv_arena_free(call->arena);
        free(call);
}

/* ---- life ---- */

int hv_api_new(sd_event *event, const struct hv_api_backend *backend, void *userdata, struct hv_api **ret,
               struct hv_err *err) {
        _hv_cleanup_(hv_api_freep) struct hv_api *api = HV_NEW(struct hv_api);
        int r;

        api->backend = backend;
        api->userdata = userdata;
        api->run = hv_api_now_wall_us();
        api->metrics = hv_metrics_new();
        api->events = hv_event_ring_new(HV_API_EVENTS_KEPT, api->run);
        r = hv_http_sse_hub_new(event, WATCHERS_MAX, &api->event_hub, err);
        if (r < 0)
                return r;
        r = hv_http_sse_hub_new(event, WATCHERS_MAX, &api->watch_hub, err);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &api->tell, on_end_of_turn, api);
        if (r < 0)
                return hv_err_errno(err, r, "cannot watch the end of a turn of the loop");
        (void) sd_event_source_set_enabled(api->tell, SD_EVENT_OFF);
        (void) sd_event_source_set_priority(api->tell, SD_EVENT_PRIORITY_IDLE);
        *ret = HV_STEAL(api);
        return 0;
}

struct hv_api *hv_api_free(struct hv_api *api) {
        struct hv_api_call *next;

        if (!api)
                return NULL;
        for (struct hv_api_call *call = api->calls; call; call = next) {
                next = call->next;
                call->api = NULL;
                call->req = NULL;
                call->next = NULL;
                call->link = NULL;
        }
        while (api->listeners) {
                struct hv_api_listener *listener = api->listeners;

                api->listeners = listener->next;
                free(listener);
        }
        sd_event_source_disable_unref(api->tell);
        hv_http_sse_hub_free(api->event_hub);
        hv_http_sse_hub_free(api->watch_hub);
        hv_event_ring_free(api->events);
        hv_metrics_free(api->metrics);
        free(api);
        return NULL;
}

/* ---- routes ---- */

/* Handlers of every kind: the table below names each path of its own, so nothing is open by accident. */
#define KIND_HANDLERS(id, KIND)                                                      \
        static void get_##id(struct hv_http_request *req, void *userdata) {          \
                hv_api_get_list(req, userdata, KIND);                                \
        }                                                                            \
        static void get_##id##_one(struct hv_http_request *req, void *userdata) {    \
                hv_api_get_one(req, userdata, KIND, HV_API_WHOLE);                   \
        }                                                                            \
        static void get_##id##_status(struct hv_http_request *req, void *userdata) { \
                hv_api_get_one(req, userdata, KIND, HV_API_STATUS);                  \
        }                                                                            \
        static void get_##id##_why(struct hv_http_request *req, void *userdata) {    \
                hv_api_get_one(req, userdata, KIND, HV_API_WHY);                     \
        }                                                                            \
        static void get_##id##_events(struct hv_http_request *req, void *userdata) { \
                hv_api_get_object_events(req, userdata, KIND);                       \
        }                                                                            \
        static void delete_##id(struct hv_http_request *req, void *userdata) {       \
                hv_api_delete_object(req, userdata, KIND);                           \
        }

KIND_HANDLERS(service, HV_KIND_SERVICE)
KIND_HANDLERS(network, HV_KIND_NETWORK)
KIND_HANDLERS(volume, HV_KIND_VOLUME)
KIND_HANDLERS(secret, HV_KIND_SECRET)
KIND_HANDLERS(config, HV_KIND_CONFIG)
KIND_HANDLERS(image, HV_KIND_IMAGE)
KIND_HANDLERS(registry, HV_KIND_REGISTRY)
KIND_HANDLERS(crontask, HV_KIND_CRONTASK)
KIND_HANDLERS(wireguard, HV_KIND_WIREGUARD)

#define GET(path_, role_, handle_, summary_)                                                               \
        {                                                                                                  \
                .method = HV_HTTP_GET, .path = (path_), .role = HV_HTTP_ROLE_##role_, .handle = (handle_), \
                .summary = (summary_)                                                                      \
        }
#define POST(path_, role_, handle_, max_, summary_)                                                         \
        {                                                                                                   \
                .method = HV_HTTP_POST, .path = (path_), .role = HV_HTTP_ROLE_##role_, .handle = (handle_), \
                .body_max_bytes = (max_), .summary = (summary_)                                             \
        }
#define JUDGE(path_, role_, handle_, summary_)                                                              \
        {                                                                                                   \
                .method = HV_HTTP_POST, .path = (path_), .role = HV_HTTP_ROLE_##role_, .handle = (handle_), \
                .body_max_bytes = HV_API_BODY_MAX_BYTES, .flags = HV_HTTP_JUDGES, .summary = (summary_)     \
        }
#define DELETE(path_, role_, handle_, summary_)                                          \
        {                                                                                \
                .method = HV_HTTP_DELETE, .path = (path_), .role = HV_HTTP_ROLE_##role_, \
                .handle = (handle_), .summary = (summary_)                               \
        }

#define KIND_ROUTES(plural, id, word)                                                                      \
        GET("/api/v1/" plural, VIEWER, get_##id, "list of " plural),                                       \
                GET("/api/v1/" plural "/{name}", VIEWER, get_##id##_one, "one " word),                     \
                GET("/api/v1/" plural "/{name}/status", VIEWER, get_##id##_status, "status of one " word), \
                GET("/api/v1/" plural "/{name}/why", VIEWER, get_##id##_why,                               \
                    "why one " word " is as it is"),                                                       \
                GET("/api/v1/" plural "/{name}/events", VIEWER, get_##id##_events,                         \
                    "events about one " word),                                                             \
                DELETE("/api/v1/" plural "/{name}", ADMIN, delete_##id,                                    \
                       "forget one " word " of the source api")

static const struct hv_http_route routes[] = {
        GET("/livez", ANYONE, hv_api_get_livez, "the agent's loop turns"),
        GET("/healthz", ANYONE, hv_api_get_livez, "the same as /livez"),
        GET("/readyz", ANYONE, hv_api_get_readyz, "the agent does its work"),
        GET("/health", ANYONE, hv_api_get_health, "health in the shape of HiveMind's worker"),
        GET("/api/v1/version", VIEWER, hv_api_get_version, "version of the agent"),
        GET("/api/v1/node", VIEWER, hv_api_get_node, "the node and its engine"),
        GET("/api/v1/usage", VIEWER, hv_api_get_usage, "what the machine and its containers use"),
        GET("/api/v1/status", VIEWER, hv_api_get_status, "how the node is"),
        GET("/api/v1/why", VIEWER, hv_api_get_why, "why the node is as it is"),
        GET("/api/v1/watch", VIEWER, hv_api_get_watch, "the status now and whenever it changes, as events"),
        GET("/api/v1/events", VIEWER, hv_api_get_events, "events, as a list or as a stream"),
        GET("/api/v1/sources", VIEWER, hv_api_get_sources, "where desired state comes from"),
        GET("/api/v1/revisions", VIEWER, hv_api_get_revisions, "revisions of the desired state"),
        GET("/api/v1/services/{name}/logs", OPERATOR, hv_api_get_logs, "log of one replica"),
        GET("/api/v1/services/{name}/stats", VIEWER, hv_api_get_service_stats,
            "what the containers of one service use"),
        KIND_ROUTES("services", service, "service"),
        KIND_ROUTES("networks", network, "network"),
        KIND_ROUTES("volumes", volume, "volume"),
        KIND_ROUTES("secrets", secret, "secret"),
        KIND_ROUTES("configs", config, "config"),
        KIND_ROUTES("images", image, "image"),
        KIND_ROUTES("registries", registry, "registry"),
        GET("/api/v1/tasks", VIEWER, hv_api_get_tasks, "list of tasks"),
        POST("/api/v1/tasks", ADMIN, hv_api_post_task, HV_API_BODY_MAX_BYTES, "submit a task"),
        GET("/api/v1/tasks/{name}", VIEWER, hv_api_get_task, "one task"),
        DELETE("/api/v1/tasks/{name}", ADMIN, hv_api_delete_task,
               "forget a task that ended, or a Task of the source api"),
        GET("/api/v1/tasks/{name}/status", VIEWER, hv_api_get_task_status, "status of one task"),
        GET("/api/v1/tasks/{name}/why", VIEWER, hv_api_get_task_why, "why one task is as it is"),
        GET("/api/v1/tasks/{name}/events", VIEWER, hv_api_get_task_events, "events about one task"),
        GET("/api/v1/tasks/{name}/logs", OPERATOR, hv_api_get_task_logs, "log of one task"),
        GET("/api/v1/tasks/{name}/stats", VIEWER, hv_api_get_task_stats, "what one task uses now"),
        GET("/api/v1/tasks/{name}/results", OPERATOR, hv_api_get_task_results,
            "files that a task left: a list, or all of them as tar or zip"),
        GET("/api/v1/tasks/{name}/results/{path...}", OPERATOR, hv_api_get_task_result,
            "one file that a task left"),
        GET("/api/v1/tasks/{name}/receipt", VIEWER, hv_api_get_task_receipt, "receipt of one task"),
        GET("/api/v1/receipt-key", VIEWER, hv_api_get_receipt_key, "key that receipts are signed with"),
        POST("/api/v1/tasks/{name}/stop", OPERATOR, hv_api_post_task_stop, 4096, "stop a task"),
        POST("/api/v1/tasks/{name}/retry", ADMIN, hv_api_post_task_retry, 4096,
             "run a task that ended again"),
        JUDGE("/api/v1/fit", OPERATOR, hv_api_post_fit, "would a task fit, change nothing"),
        GET("/api/v1/trust", VIEWER, hv_api_get_trust, "trust score of the node"),
        GET("/api/v1/trust/ledger", VIEWER, hv_api_get_trust_ledger, "every change of the trust score"),
        GET("/api/status", VIEWER, hv_api_get_legacy_status, "the node, in the shape of HiveMind's worker"),
        GET("/api/tasks", VIEWER, hv_api_get_legacy_tasks, "tasks, in the shape of HiveMind's worker"),
        GET("/api/resources", VIEWER, hv_api_get_legacy_resources,
            "what is free, in the shape of HiveMind's worker"),
        POST("/api/stop_task/{name}", OPERATOR, hv_api_post_legacy_stop, 4096,
             "stop a task, in the shape of HiveMind's worker"),
        KIND_ROUTES("crontasks", crontask, "cron task"),
        POST("/api/v1/crontasks/{name}/trigger", OPERATOR, hv_api_post_cron_trigger, 4096,
             "a run of a cron task now"),
        POST("/api/v1/crontasks/{name}/suspend", OPERATOR, hv_api_post_cron_suspend, 4096,
             "no runs of a cron task for now"),
        POST("/api/v1/crontasks/{name}/resume", OPERATOR, hv_api_post_cron_resume, 4096,
             "runs of a cron task again"),
        KIND_ROUTES("wireguard", wireguard, "WireGuard interface"),
        POST("/api/v1/wireguard/{name}/rotate", ADMIN, hv_api_post_wireguard_rotate, 4096,
             "another key for a WireGuard interface"),
        POST("/api/v1/wireguard/{name}/ping", OPERATOR, hv_api_post_wireguard_ping, 4096,
             "ask the peers of a WireGuard interface whether they answer"),
        JUDGE("/api/v1/validate", OPERATOR, hv_api_post_validate, "judge documents, change nothing"),
        JUDGE("/api/v1/plan", OPERATOR, hv_api_post_plan, "what would be done, change nothing"),
        POST("/api/v1/apply", ADMIN, hv_api_post_apply, HV_API_BODY_MAX_BYTES,
             "take documents into the desired state, or read the sources again"),
        POST("/api/v1/confirm", ADMIN, hv_api_post_confirm, 0,
             "the revision on trial stays, or with ?revert goes"),
        POST("/api/v1/reload", OPERATOR, hv_api_post_reload, 0, "read the sources again"),
        GET("/api/v1/gc", VIEWER, hv_api_get_gc, "what garbage collection would remove, change nothing"),
        POST("/api/v1/gc", OPERATOR, hv_api_post_gc, 0, "collect garbage now"),
};

static const struct hv_http_route metrics_routes[] = {
        { .method = HV_HTTP_GET,
          .path = "/metrics",
          .role = HV_HTTP_ROLE_VIEWER,
          .handle = hv_api_get_metrics,
          .flags = HV_HTTP_SCRAPE,
          .summary = "metrics for Prometheus" },
};

int hv_api_attach(struct hv_api *api, struct hv_http_server *server, struct hv_err *err) {
        struct hv_api_listener *listener = HV_NEW(struct hv_api_listener);
        int r;

        *listener = (struct hv_api_listener){ api, server, api->listeners };
        api->listeners = listener;
        r = hv_http_server_add_routes(server, routes, HV_ARRAY_SIZE(routes), api, err);
        if (r < 0)
                return r;
        r = hv_api_attach_web(server, err);
        if (r < 0)
                return r;
        return hv_http_server_add_routes(server, metrics_routes, HV_ARRAY_SIZE(metrics_routes), listener,
                                         err);
}

/* Life of the API, and what is told to watchers. Its table of routes: api_routes.c; handlers: api_*.c. */
#include "http/api_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "http/server.h"
#include "log/log.h"

#define STREAMS_MAX 128 /* as the servers have it (http/server.h) */

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

static void make_tag(const struct hv_api *api, char ret[static 48]) {
        (void) snprintf(ret, 48, "%" PRIx64 "-%" PRIu64, api->run, api->generation);
}

bool hv_api_not_modified(struct hv_api *api, struct hv_http_request *req) {
        char tag[48];

        make_tag(api, tag);
        return hv_http_not_modified(req, tag);
}

/* A tag of this generation, in whatever form and with whatever samples beside; or the revision that is in force. */
bool hv_api_is_current(const char *tag, size_t len, void *userdata) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_api *api = userdata;
        char now[48];
        size_t now_len;

        make_tag(api, now);
        now_len = strlen(now);
        if (len >= now_len && memcmp(tag, now, now_len) == 0 && (len == now_len || tag[now_len] == '-'))
                return true;
        hv_api_look(api, &v);
        return v.snapshot.desired && len == strlen(v.snapshot.desired->revision) &&
               memcmp(tag, v.snapshot.desired->revision, len) == 0;
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
        if (!api)
                return;
        api->generation++;
        hv_api_at_end_of_turn(api);
}

void hv_api_watch_id(const struct hv_api *api, char ret[HV_API_WATCH_ID_SIZE]) {
        (void) snprintf(ret, HV_API_WATCH_ID_SIZE, "%" PRIx64 "-%" PRIu64, api->run, api->generation);
}

static int on_end_of_turn(sd_event_source *source, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        char id[HV_API_WATCH_ID_SIZE];

        (void) source;
        hv_api_close_abandoned_logs(api);
        hv_api_tell_list_watchers(api);
        hv_api_tell_preload_watchers(api);
        hv_api_look(api, &v);
        if (hv_http_sse_hub_size(api->watch_hub) == 0)
                return 0;
        hv_api_write_status(api, &v, &buf);
        hv_api_watch_id(api, id);
        hv_http_sse_broadcast(api->watch_hub, id, "status", hv_buf_str(&buf));
        return 0;
}

void hv_api_event(struct hv_api *api, const struct hv_log_record *record) {
        const struct hv_ring_event *e = hv_event_ring_add(api->events, record);
        char id[HV_EVENT_ID_SIZE];

        if (record->level <= hv_log_level())
                hv_log_ring_add(api->log, record);

        if (!e)
                return;
        hv_metrics_event(api->metrics, record->event);
        hv_event_ring_id(api->events, e, id);
        hv_http_sse_broadcast(api->event_hub, id, e->type, e->json);
}

bool hv_api_log_past(struct hv_api *api, uint64_t wall_us, int level, const char *message) {
        return hv_log_ring_add_past(api->log, wall_us, level, message);
}

void hv_api_limit_streams(struct hv_api *api, unsigned streams_max) {
        hv_http_sse_hub_set_max(api->event_hub, streams_max / 2);
        api->watchers_max = streams_max / 2;
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

        api->event = event;
        api->backend = backend;
        api->watchers_max = STREAMS_MAX / 2;
        api->userdata = userdata;
        api->run = hv_api_now_wall_us();
        api->metrics = hv_metrics_new();
        api->events = hv_event_ring_new(HV_API_EVENTS_KEPT, api->run);
        api->log = hv_log_ring_new();
        r = hv_http_sse_hub_new(event, STREAMS_MAX / 2, &api->event_hub, err);
        if (r < 0)
                return r;
        r = hv_http_sse_hub_new(event, SIZE_MAX, &api->watch_hub, err);
        if (r < 0)
                return r;
        r = hv_http_sse_hub_new(event, SIZE_MAX, &api->preload_hub, err);
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
                free(listener->openapi_json.text);
                free(listener->openapi_yaml.text);
                free(listener->schema_json.text);
                free(listener);
        }
        sd_event_source_disable_unref(api->tell);
        hv_http_sse_hub_free(api->event_hub);
        hv_http_sse_hub_free(api->watch_hub);
        hv_http_sse_hub_free(api->preload_hub);
        hv_buf_done(&api->preload_told);
        hv_api_close_list_watches(api);
        hv_event_ring_free(api->events);
        hv_log_ring_free(api->log);
        hv_buf_done(&api->status[0].text);
        hv_buf_done(&api->status[1].text);
        hv_metrics_free(api->metrics);
        free(api);
        return NULL;
}

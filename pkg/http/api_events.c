/* Events as a list and as a stream, and the stream of the node's status. */
#include "http/api_internal.h"

#define EVENT_LIST "EventList"
#define EVENT_FRAME_BYTES 128 /* at most what stands around one event: id, name, line ends */

static bool wants_stream(const struct hv_http_request *req) {
        const char *accept = hv_http_header(req, "Accept");

        return hv_http_query_is_true(req, "follow") || (accept && strstr(accept, "text/event-stream"));
}

static bool is_about(const struct hv_ring_event *e, enum hv_kind kind, const char *name) {
        return kind == HV_KIND_NONE || (e->kind && hv_kind_parse(e->kind) == kind && hv_streq(e->name, name));
}

/* Index of the first event of the last `tail` ones that are about the object. */
static size_t start_of_tail(const struct hv_event_ring *r, size_t first, uint64_t tail, enum hv_kind kind,
                            const char *name) {
        size_t i = hv_event_ring_size(r);

        while (i > first && tail > 0) {
                i--;
                tail -= is_about(hv_event_ring_at(r, i), kind, name);
        }
        return i;
}

/* A page begins behind the event that the one before ended with; of one that the ring has dropped, with the oldest there is. */
static bool find_page(struct hv_http_request *req, const struct hv_event_ring *r, size_t *first,
                      uint64_t *ret_limit) {
        struct hv_err err = {};
        const char *after;

        if (hv_http_query_u64(req, "limit", 1, HV_API_EVENTS_KEPT, HV_API_EVENTS_KEPT, ret_limit) < 0 ||
            !hv_http_page_after(req, EVENT_LIST, &after))
                return false;
        if (after && hv_event_ring_since(r, after, 0, first, &err) < 0) {
                hv_http_page_refuse(req);
                return false;
        }
        return true;
}

static void reply_list(struct hv_http_request *req, const struct hv_event_ring *r, size_t first,
                       enum hv_kind kind, const char *name) {
        struct hv_http_page page = {};
        struct hv_buf items = {}, buf = {};
        struct hv_json_writer w = { .buf = &buf };
        const struct hv_ring_event *last = NULL;
        char id[HV_EVENT_ID_SIZE];
        uint64_t limit;

        if (!find_page(req, r, &first, &limit))
                return;
        for (size_t i = first; i < hv_event_ring_size(r); i++) {
                const struct hv_ring_event *e = hv_event_ring_at(r, i);

                if (!is_about(e, kind, name))
                        continue;
                if (page.end >= limit) {
                        page.n_more++;
                        continue;
                }
                hv_buf_puts(&items, page.end++ ? "," : "");
                hv_buf_puts(&items, e->json);
                last = e;
        }
        if (page.n_more > 0) {
                hv_event_ring_id(r, last, id);
                page.next = hv_http_page_token(req, EVENT_LIST, id);
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", EVENT_LIST);
        hv_http_page_write(&w, &page);
        /* The events are JSON already. */
        hv_buf_printf(&buf, ",\"items\":[%s]", hv_buf_str(&items));
        hv_json_end(&w);
        hv_buf_done(&items);
        hv_api_reply(req, 200, &buf);
}

/* What follows the newest events must find room behind all that is sent at once. */
static size_t size_of_past(const struct hv_event_ring *r, size_t first) {
        size_t n_bytes = 0;

        for (size_t i = first; i < hv_event_ring_size(r); i++)
                n_bytes += strlen(hv_event_ring_at(r, i)->json) + EVENT_FRAME_BYTES;
        return n_bytes;
}

static void reply_stream(struct hv_http_request *req, struct hv_api *api, size_t first) {
        struct hv_http_sse *client = hv_http_sse_join(api->event_hub, req, size_of_past(api->events, first));

        for (size_t i = first; client && i < hv_event_ring_size(api->events); i++) {
                const struct hv_ring_event *e = hv_event_ring_at(api->events, i);
                char id[HV_EVENT_ID_SIZE];

                hv_event_ring_id(api->events, e, id);
                if (!hv_http_sse_send(client, id, e->type, e->json))
                        return;
        }
}

/* False: the request was refused. */
static bool find_start(struct hv_http_request *req, struct hv_api *api, const char *since, enum hv_kind kind,
                       const char *name, size_t *ret) {
        struct hv_err err = {};
        uint64_t tail;
        size_t first;

        if (hv_http_query_u64(req, "tail", 0, HV_API_EVENTS_KEPT, HV_API_EVENTS_KEPT, &tail) < 0)
                return false;
        if (hv_event_ring_since(api->events, since, hv_api_now_wall_us(), &first, &err) < 0) {
                hv_http_reply_err(req, "BadQuery", &err);
                return false;
        }
        *ret = start_of_tail(api->events, first, tail, kind, name);
        return true;
}

void hv_api_get_events(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        bool stream = wants_stream(req);
        const char *last_id = hv_http_sse_last_id(req);
        size_t first;

        if (!find_start(req, api, last_id, HV_KIND_NONE, NULL, &first))
                return;
        if (!stream) {
                reply_list(req, api->events, first, HV_KIND_NONE, NULL);
                return;
        }
        /* Who names no starting point gets what comes, unless some of the past is asked for. */
        if (!last_id && !hv_http_query(req, "tail"))
                first = hv_event_ring_size(api->events);
        reply_stream(req, api, first);
}

void hv_api_get_object_events(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        const char *name = hv_http_param(req, "name");
        size_t first;

        /* Objects that are gone have a past too, so nothing asks whether this one exists. */
        if (find_start(req, api, hv_http_query(req, "since"), kind, name, &first))
                reply_list(req, api->events, first, kind, name);
}

void hv_api_get_watch(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        char id[HV_API_WATCH_ID_SIZE];
        struct hv_http_sse *client;

        if (!hv_api_has_room_for_watcher(api, req))
                return;
        /* Each event is the whole status, so whoever resumes has missed nothing once he has the first one. */
        hv_api_watch_id(api, id);
        hv_api_look(api, &v);
        hv_api_write_status(api, &v, &buf);
        client = hv_http_sse_join(api->watch_hub, req, buf.len);
        if (client)
                (void) hv_http_sse_send(client, id, "status", hv_buf_str(&buf));
}

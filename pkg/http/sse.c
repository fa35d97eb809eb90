#include "http/sse.h"

#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "http/reply.h"

#define QUEUE_BYTES ((size_t) 256 << 10)

struct hv_http_sse {
        struct hv_http_sse_hub *hub;
        struct hv_http_sse *next, *previous;
        struct hv_http_stream *stream;
};

struct hv_http_sse_hub {
        struct hv_http_sse *clients;
        size_t n, max;
        uint64_t heartbeat_us;
        sd_event_source *heartbeat;
};

static void client_free(struct hv_http_sse *c) {
        if (c->previous)
                c->previous->next = c->next;
        else
                c->hub->clients = c->next;
        if (c->next)
                c->next->previous = c->previous;
        c->hub->n--;
        free(c);
}

static void on_gone(const char *reason, void *userdata) {
        (void) reason;
        client_free(userdata);
}

static int on_heartbeat(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hv_http_sse_hub *hub = userdata;

        (void) usec;
        for (struct hv_http_sse *c = hub->clients; c; c = c->next)
                (void) hv_http_stream_write(c->stream, ":\n\n", 3);
        (void) sd_event_source_set_time_relative(source, hub->heartbeat_us);
        (void) sd_event_source_set_enabled(source, hub->clients ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        return 0;
}

int hv_http_sse_hub_new(sd_event *event, size_t clients_max, struct hv_http_sse_hub **ret,
                        struct hv_err *err) {
        struct hv_http_sse_hub *hub = HV_NEW(struct hv_http_sse_hub);
        int r;

        hub->max = clients_max;
        hub->heartbeat_us = HV_HTTP_SSE_HEARTBEAT_US;
        r = sd_event_add_time(event, &hub->heartbeat, CLOCK_MONOTONIC, 0, 0, on_heartbeat, hub);
        if (r < 0) {
                free(hub);
                return hv_err_errno(err, r, "cannot add the heartbeat of event streams to the loop");
        }
        (void) sd_event_source_set_enabled(hub->heartbeat, SD_EVENT_OFF);
        *ret = hub;
        return 0;
}

struct hv_http_sse_hub *hv_http_sse_hub_free(struct hv_http_sse_hub *hub) {
        if (!hub)
                return NULL;
        while (hub->clients) {
                hv_http_stream_end(hub->clients->stream);
                client_free(hub->clients);
        }
        (void) sd_event_source_disable_unref(hub->heartbeat);
        free(hub);
        return NULL;
}

void hv_http_sse_hub_set_heartbeat(struct hv_http_sse_hub *hub, uint64_t every_us) {
        hub->heartbeat_us = every_us;
}

void hv_http_sse_hub_set_max(struct hv_http_sse_hub *hub, size_t clients_max) {
        hub->max = clients_max;
}

size_t hv_http_sse_hub_size(const struct hv_http_sse_hub *hub) {
        return hub->n;
}

struct hv_http_sse *hv_http_sse_join(struct hv_http_sse_hub *hub, struct hv_http_request *req,
                                     size_t past_bytes) {
        struct hv_http_sse *c;

        if (hub->n >= hub->max && !hv_http_request_is_head(req)) {
                hv_http_reply_header(req, "Retry-After", "10");
                hv_http_reply_problem(req, 503, "TooManyStreams", "%zu clients follow these events already",
                                      hub->n);
                return NULL;
        }
        c = HV_NEW(struct hv_http_sse);
        hv_http_reply_header(req, "X-Accel-Buffering",
                             "no"); /* proxies that would collect events before passing them on */
        c->stream = hv_http_stream_open(req, &(struct hv_http_stream_options){
                                                     .content_type = "text/event-stream",
                                                     .queue_max_bytes = QUEUE_BYTES + past_bytes,
                                                     .gone = on_gone,
                                                     .userdata = c,
                                             });
        if (!c->stream) {
                free(c);
                return NULL;
        }
        c->hub = hub;
        c->next = hub->clients;
        if (c->next)
                c->next->previous = c;
        else
                (void) sd_event_source_set_time_relative(hub->heartbeat, hub->heartbeat_us);
        hub->clients = c;
        hub->n++;
        (void) sd_event_source_set_enabled(hub->heartbeat, SD_EVENT_ONESHOT);
        /* The head of the answer is on its way now, not with the first event: a browser's `onopen` waits for it. */
        (void) hv_http_stream_write(c->stream, ":\n\n", 3);
        return c;
}

/* A field of the event; line ends inside `value` begin a new line of the same field. */
static void add_field(struct hv_buf *out, const char *field, const char *value) {
        const char *p = value;

        do {
                size_t len = strcspn(p, "\r\n");

                hv_buf_printf(out, "%s: ", field);
                hv_buf_add(out, p, len);
                hv_buf_putc(out, '\n');
                p += len;
                if (*p == '\r' && p[1] == '\n')
                        p++;
        } while (*p++);
}

static void make_event(struct hv_buf *out, const char *id, const char *event, const char *data) {
        if (id)
                add_field(out, "id", id);
        if (event)
                add_field(out, "event", event);
        add_field(out, "data", data);
        hv_buf_putc(out, '\n');
}

bool hv_http_sse_send(struct hv_http_sse *client, const char *id, const char *event, const char *data) {
        struct hv_buf text = {};
        bool sent;

        make_event(&text, id, event, data);
        sent = hv_http_stream_write(client->stream, text.data, text.len);
        hv_buf_done(&text);
        return sent;
}

void hv_http_sse_broadcast(struct hv_http_sse_hub *hub, const char *id, const char *event, const char *data) {
        struct hv_buf text = {};

        make_event(&text, id, event, data);
        for (struct hv_http_sse *c = hub->clients; c; c = c->next)
                (void) hv_http_stream_write(c->stream, text.data, text.len);
        hv_buf_done(&text);
}

const char *hv_http_sse_last_id(const struct hv_http_request *req) {
        const char *id = hv_http_header(req, "Last-Event-ID");

        return id ?: hv_http_query(req, "since");
}

/* The log of a container as plain text, as it comes.
 *
 *      logs_open() --> waiting --first text--> streaming --end--> over
 *                         |                        |
 *                         '--- end with an error --|--> a problem with a proper status, while nothing was sent
 *
 * The answer begins with the first text, so an error that the engine reports late still has a status code. */
#include "http/api_internal.h"

#include <errno.h>

#include "base/duration.h"
#include "base/rfc3339.h"
#include "http/stream.h"

#define QUEUE_MAX_BYTES ((size_t) 1 << 20)
#define ROOM_MIN_BYTES (QUEUE_MAX_BYTES / 2) /* below it the backend holds back: far more than one read */

static void on_request_gone(void *userdata) {
        struct hv_api_call *call = userdata;

        call->req = NULL;
        call->api->backend->logs_close(call->log);
        hv_api_call_free(call);
}

static void on_stream_gone(const char *reason, void *userdata) {
        struct hv_api_call *call = userdata;

        (void) reason;
        call->stream = NULL;
        call->api->backend->logs_close(call->log);
        hv_api_call_free(call);
}

static void on_drained(void *userdata) {
        struct hv_api_call *call = userdata;

        if (!call->held)
                return;
        call->held = false;
        call->api->backend->logs_resume(call->log);
}

static bool begin_stream(struct hv_api_call *call) {
        const struct hv_http_stream_options options = {
                .content_type = "text/plain; charset=utf-8",
                .queue_max_bytes = QUEUE_MAX_BYTES,
                .drained = on_drained,
                .gone = on_stream_gone,
                .userdata = call,
        };

        call->stream = hv_http_stream_open(HV_STEAL(call->req), &options);
        return call->stream != NULL;
}

bool hv_api_logs_write(struct hv_api_call *call, const void *data, size_t len) {
        if (!call->stream && call->req && !begin_stream(call)) {
                /* Too many streams: the client was told so. The backend is inside its own callback. */
                call->abandoned = true;
                hv_api_at_end_of_turn(call->api);
        }
        if (!call->stream || !hv_http_stream_write(call->stream, data, len))
                return false;
        call->held = hv_http_stream_room(call->stream) < ROOM_MIN_BYTES;
        return !call->held;
}

void hv_api_logs_done(struct hv_api_call *call, const struct hv_err *err) {
        if (call->stream)
                hv_http_stream_end(call->stream);
        else if (call->req && call->otherwise && call->otherwise(call))
                ; /* answered from what was kept */
        else if (call->req && err)
                hv_http_reply_err(call->req, "LogsFailed", err);
        else if (call->req)
                hv_http_reply_data(call->req, 200, "text/plain; charset=utf-8", "", 0);
        hv_api_call_free(call);
}

void hv_api_close_abandoned_logs(struct hv_api *api) {
        struct hv_api_call *next;

        for (struct hv_api_call *call = api->calls; call; call = next) {
                next = call->next;
                if (!call->abandoned)
                        continue;
                if (call->transfer) {
                        hv_api_copy_close_abandoned(call);
                        continue;
                }
                api->backend->logs_close(call->log);
                hv_api_call_free(call);
        }
}

/* ---- the request ---- */

/* ?stream=stdout|stderr|all. False: 400 was sent. */
static bool read_streams(struct hv_http_request *req, unsigned *ret) {
        const char *text = hv_http_query(req, "stream");

        if (!text || hv_streq(text, "all"))
                *ret = HV_API_STDOUT | HV_API_STDERR;
        else if (hv_streq(text, "stdout"))
                *ret = HV_API_STDOUT;
        else if (hv_streq(text, "stderr"))
                *ret = HV_API_STDERR;
        else {
                hv_http_reply_problem(req, 400, "BadQuery", "stream: expected stdout, stderr or all");
                return false;
        }
        return true;
}

static bool read_since(struct hv_http_request *req, uint64_t *ret_wall_us) {
        const char *text = hv_http_query(req, "since");
        uint64_t us, now_us = hv_api_now_wall_us();

        *ret_wall_us = 0;
        if (hv_str_empty(text) || hv_rfc3339_parse(text, ret_wall_us))
                return true;
        if (hv_duration_parse(text, &us) == HV_PARSE_OK) {
                *ret_wall_us = us < now_us ? now_us - us : 0;
                return true;
        }
        hv_http_reply_problem(
                req, 400, "BadQuery",
                "since: expected an instant such as 2026-01-31T08:00:00Z, or a span such as 10m");
        return false;
}

bool hv_api_read_log_options(struct hv_http_request *req, struct hv_api_log_options *ret) {
        const char *tail = hv_http_query(req, "tail");
        uint64_t replica;

        if (hv_http_query_u64(req, "replica", 1, 1000, 1, &replica) < 0 ||
            !read_streams(req, &ret->streams) || !read_since(req, &ret->since_wall_us))
                return false;
        ret->replica = (unsigned) replica;
        ret->follow = hv_http_query_is_true(req, "follow");
        ret->previous = hv_http_query_is_true(req, "previous");
        ret->timestamps = hv_http_query_is_true(req, "timestamps");
        if (ret->previous && ret->follow) {
                hv_http_reply_problem(
                        req, 400, "BadQuery",
                        "previous: what is over cannot be followed; leave out one of follow and previous");
                return false;
        }
        ret->tail = UINT64_MAX;
        if (tail && !hv_streq(tail, "all") &&
            hv_http_query_u64(req, "tail", 0, UINT64_MAX - 1, UINT64_MAX, &ret->tail) < 0)
                return false;
        return true;
}

void hv_api_open_log(struct hv_http_request *req, struct hv_api *api,
                     const struct hv_api_log_options *options, bool (*otherwise)(struct hv_api_call *call)) {
        struct hv_api_call *call;
        struct hv_err err = {};

        if (hv_http_request_is_head(req)) {
                hv_http_reply_empty(req, 200);
                return;
        }
        call = hv_api_call_new(api, req);
        call->otherwise = otherwise;
        hv_http_on_gone(req, on_request_gone, call);
        call->log = api->backend->logs_open(api->userdata, options, call, &err);
        if (call->log)
                return;
        if (!otherwise || !otherwise(call))
                hv_http_reply_err(req, "LogsFailed", &err);
        hv_api_call_free(call);
}

void hv_api_get_logs(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_api_log_options options = { .kind = HV_KIND_SERVICE };
        const struct hv_view_item *item;

        if (!hv_api_read_log_options(req, &options))
                return;
        hv_api_look(api, &v);
        item = hv_api_wanted_item(req, &v, HV_KIND_SERVICE);
        if (!item)
                return;
        if (item->n_units > 0 && options.replica > item->n_units) {
                hv_http_reply_problem(req, 404, "NotFound", "service %s has %zu replicas, and no replica %u",
                                      item->name, item->n_units, options.replica);
                return;
        }
        options.name = item->name;
        hv_api_open_log(req, api, &options, NULL);
}

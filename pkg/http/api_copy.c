/* Files out of a container and into one, for hivectl cp (docs/http-api.md, "Files").
 *
 *      GET   asked -> the backend looks, or opens -> JSON, or a tar as it comes
 *      PUT   head came -> the backend opens -> the body goes on to it as it takes it -> 204
 *
 * Why so   What goes through is a stranger's, and as long as he likes: nothing of it is kept or looked at here. A problem that is
 *          known before the first byte has its status; behind it a download breaks, so that nobody takes it for whole. */
#include "http/api_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/rfc3339.h"
#include "http/copies.h"
#include "http/intake.h"
#include "http/stream.h"

#define QUEUE_MAX_BYTES ((size_t) 512 << 10)
#define ROOM_MIN_BYTES (QUEUE_MAX_BYTES / 2) /* below it the engine is held back: far more than one read */
#define COPIES_MAX 16
#define PATH_MAX_BYTES 4096

struct hv_api_transfer {
        struct hv_api_call *call;
        struct hv_api_copy *copy;
        bool is_held; /* of a download: the backend waits */
};

/* ---- the end ---- */

static void transfer_free(struct hv_api_transfer *t) {
        struct hv_api_call *call = t->call;

        if (call->api)
                call->api->n_copies--;
        free(t);
        hv_api_call_free(call);
}

static void on_request_gone(void *userdata) {
        struct hv_api_transfer *t = userdata;

        t->call->req = NULL;
        t->call->api->backend->copy_close(t->copy);
        transfer_free(t);
}

static void on_stream_gone(const char *reason, void *userdata) {
        struct hv_api_transfer *t = userdata;

        (void) reason;
        t->call->stream = NULL;
        t->call->api->backend->copy_close(t->copy);
        transfer_free(t);
}

void hv_api_copy_done(struct hv_api_call *call, const struct hv_err *err) {
        struct hv_api_transfer *t = call->transfer;

        if (call->stream && err)
                hv_http_stream_abort(call->stream);
        else if (call->stream)
                hv_http_stream_end(call->stream);
        else if (call->req && err)
                hv_http_reply_err(call->req, "CopyFailed", err);
        else if (call->req)
                hv_http_reply_empty(call->req, 204);
        transfer_free(t);
}

void hv_api_copy_close_abandoned(struct hv_api_call *call) {
        call->api->backend->copy_close(call->transfer->copy);
        transfer_free(call->transfer);
}

/* ---- what there is ---- */

static const char *type_of(unsigned mode) {
        return S_ISDIR(mode) ? "directory" : S_ISREG(mode) ? "file" : S_ISLNK(mode) ? "link" : "other";
}

void hv_api_copy_looked(struct hv_api_call *call, const struct hv_api_path *path) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        char changed[HV_RFC3339_SIZE];

        if (call->req) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "apiVersion", "hivelet/v1");
                hv_json_put_str(&w, "kind", "Path");
                hv_json_put_str(&w, "name", path->name);
                hv_json_put_str(&w, "type", type_of(path->mode));
                hv_json_put_uint(&w, "size", path->size_bytes);
                hv_json_put_printf(&w, "mode", "%04o", path->mode & 07777);
                hv_rfc3339_format(path->changed_us, changed);
                hv_json_put_str(&w, "modified", changed);
                if (path->link)
                        hv_json_put_str(&w, "target", path->link);
                else
                        hv_json_put_null(&w, "target");
                hv_json_end(&w);
                hv_api_reply(call->req, 200, &buf);
        }
        transfer_free(call->transfer);
}

/* ---- out ---- */

static void on_drained(void *userdata) {
        struct hv_api_transfer *t = userdata;

        if (!t->is_held)
                return;
        t->is_held = false;
        t->call->api->backend->copy_resume(t->copy);
}

/* False: there are too many streams, and the client was told so. */
static bool begin_stream(struct hv_api_transfer *t) {
        const struct hv_http_stream_options options = {
                .content_type = "application/x-tar",
                .queue_max_bytes = QUEUE_MAX_BYTES,
                .drained = on_drained,
                .gone = on_stream_gone,
                .userdata = t,
        };

        t->call->stream = hv_http_stream_open(HV_STEAL(t->call->req), &options);
        return t->call->stream != NULL;
}

bool hv_api_copy_data(struct hv_api_call *call, const void *data, size_t len) {
        struct hv_api_transfer *t = call->transfer;

        if (!call->stream && call->req && !begin_stream(t)) {
                /* Too many streams: the client was told so. The backend is inside its own callback. */
                call->abandoned = true;
                hv_api_at_end_of_turn(call->api);
        }
        if (!call->stream || !hv_http_stream_write(call->stream, data, len))
                return false;
        t->is_held = hv_http_stream_room(call->stream) < ROOM_MIN_BYTES;
        return !t->is_held;
}

/* ---- in ---- */

static size_t take(void *userdata, const void *data, size_t len) {
        const struct hv_api_transfer *t = userdata;

        return t->call->api->backend->copy_input(t->copy, data, len);
}

static void whole(void *userdata) {
        const struct hv_api_transfer *t = userdata;

        t->call->api->backend->copy_end_input(t->copy);
}

void hv_api_copy_drained(struct hv_api_call *call) {
        if (call->req)
                hv_http_intake_resume(call->req);
}

/* ---- the request ---- */

/* False: it is answered. */
static bool read_wish(struct hv_http_request *req, struct hv_api_copy_wish *ret) {
        const char *path = hv_http_query(req, "path"), *format = hv_http_query(req, "format");
        uint64_t replica;

        if (!path || *path != '/' || strlen(path) > PATH_MAX_BYTES) {
                hv_http_reply_problem(req, 400, "BadQuery",
                                      "path: expected an absolute path of at most %d bytes", PATH_MAX_BYTES);
                return false;
        }
        if (hv_http_query_u64(req, "replica", 1, 1000, 1, &replica) < 0)
                return false;
        if (!hv_str_empty(format) && !hv_streq(format, "tar") && !hv_streq(format, "json")) {
                hv_http_reply_problem(req, 400, "BadQuery", "format: expected json or tar");
                return false;
        }
        ret->path = path;
        ret->replica = (unsigned) replica;
        ret->what = hv_http_request_method(req) == HV_HTTP_PUT                             ? HV_API_COPY_IN
                    : hv_http_request_is_head(req) || (format && hv_streq(format, "json")) ? HV_API_COPY_LOOK
                                                                                           : HV_API_COPY_OUT;
        return true;
}

static void copy(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind, const char *name) {
        struct hv_api_copy_wish wish = { .kind = kind, .name = name, .by = hv_http_request_caller(req)->by };
        struct hv_http_intake intake = { .take = take, .whole = whole };
        struct hv_api_transfer *t;
        struct hv_err err = {};

        if (!read_wish(req, &wish))
                return;
        if (api->n_copies >= COPIES_MAX) {
                hv_http_reply_header(req, "Retry-After", "10");
                hv_http_reply_problem(req, 503, "TooManyCopies", "%u copies are under way already",
                                      api->n_copies);
                return;
        }
        t = HV_NEW(struct hv_api_transfer);
        t->call = hv_api_call_new(api, req);
        t->call->transfer = t;
        api->n_copies++;
        hv_http_on_gone(req, on_request_gone, t);
        t->copy = api->backend->copy_open(api->userdata, &wish, t->call, &err);
        intake.userdata = t;
        if (t->copy && wish.what == HV_API_COPY_IN)
                hv_http_intake(req, &intake);
        if (t->copy)
                return;
        hv_http_reply_err(req, "CopyFailed", &err);
        transfer_free(t);
}

void hv_api_copy_service(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;

        hv_api_look(userdata, &v);
        item = hv_api_wanted_item(req, &v, HV_KIND_SERVICE);
        if (item)
                copy(req, userdata, HV_KIND_SERVICE, item->name);
}

void hv_api_copy_task(struct hv_http_request *req, void *userdata) {
        copy(req, userdata, HV_KIND_TASK, hv_http_param(req, "name"));
}

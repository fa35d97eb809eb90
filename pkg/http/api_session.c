/* A process in a container, for hivectl exec (docs/http-api.md, "Sessions").
 *
 *      asked -> opening at the backend -> 101 -> frames both ways (base/frame.h) -> the frame that ends it
 *                        '-- a problem with a proper status, while it is still HTTP
 *
 * Why so   The older upgrade of HTTP/1.1, and not chunks both ways: a request's body and its answer at the same time is what many
 *          proxies and libmicrohttpd do not do, and a break of either could not be told from its end. The command stands in the
 *          body and never in the path: paths are logged. */
#include "http/api_internal.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/frame.h"
#include "http/upgrade.h"
#include "json/json.h"

#define PROTOCOL "hivelet-session"
#define SESSIONS_MAX 16
#define QUEUE_MAX_BYTES ((size_t) 512 << 10)
/* Below it output is held back: more than one piece of the engine's, which may still come, and the last words. */
#define ROOM_MIN_BYTES (QUEUE_MAX_BYTES / 2)
#define WORDS_MAX 4096

struct hv_api_exchange {
        struct hv_api_call *call;
        struct hv_api_session *session;
        struct hv_http_upgrade *upgrade; /* NULL before the 101 */
        struct hv_frames frames;
        struct hv_frame waiting; /* input for which there is no room yet; data NULL: none */
        struct hv_buf rest;      /* came behind it */
        bool is_output_held, is_input_ended;
};

/* ---- the end ---- */

static void exchange_free(struct hv_api_exchange *x) {
        struct hv_api_call *call = x->call;

        if (call->api)
                call->api->n_sessions--;
        hv_frames_done(&x->frames);
        hv_buf_wipe(&x->rest);
        free(x);
        hv_api_call_free(call);
}

/* There is room, by the rule of ROOM_MIN_BYTES; a backend that breaks it is stopped there. */
static void put(struct hv_api_exchange *x, const struct hv_buf *frames) {
        hv_http_upgrade_write(x->upgrade, frames->data, frames->len);
}

static void put_end(struct hv_api_exchange *x, const struct hv_api_session_end *end) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (end->err)
                hv_frame_put(&b, HV_FRAME_FAILED, end->err->msg, strlen(end->err->msg));
        else if (end->is_detached)
                hv_frame_put(&b, HV_FRAME_DETACHED, NULL, 0);
        else
                hv_frame_put_exit(&b, end->code);
        put(x, &b);
}

static void on_request_gone(void *userdata) {
        struct hv_api_exchange *x = userdata;

        x->call->req = NULL;
        x->call->api->backend->session_close(x->session);
        exchange_free(x);
}

static void on_upgrade_gone(const char *reason, void *userdata) {
        struct hv_api_exchange *x = userdata;
        struct hv_err err = {};

        (void) hv_err_set(&err, -EPIPE, "%s", reason);
        put_end(x, &(struct hv_api_session_end){ .err = &err });
        x->call->api->backend->session_close(x->session);
        exchange_free(x);
}

void hv_api_session_ended(struct hv_api_call *call, const struct hv_api_session_end *end) {
        struct hv_api_exchange *x = call->exchange;

        if (x->upgrade) {
                put_end(x, end);
                hv_http_upgrade_end(x->upgrade);
        } else if (call->req && end->err)
                hv_http_reply_err(call->req, "ExecFailed", end->err);
        else if (call->req)
                hv_http_reply_problem(call->req, 500, "ExecFailed", "it ended before it began");
        exchange_free(x);
}

/* ---- input ---- */

/* False: there is no room for it yet. */
static bool take_frame(struct hv_api_exchange *x, const struct hv_frame *f) {
        const struct hv_api_backend *backend = x->call->api->backend;
        unsigned rows, columns;

        if (f->type == HV_FRAME_INPUT && !x->is_input_ended && f->len == 0) {
                x->is_input_ended = true;
                backend->session_end_input(x->session);
        } else if (f->type == HV_FRAME_INPUT && !x->is_input_ended) {
                if (f->len > backend->session_room(x->session))
                        return false;
                backend->session_input(x->session, f->data, f->len);
        } else if (hv_frame_size(f, &rows, &columns) && rows > 0 && columns > 0)
                backend->session_resize(x->session, rows, columns);
        return true;
}

/* What a client that breaks the rules sent is not looked at any further. */
static void refuse(struct hv_api_exchange *x) {
        struct hv_err err = {};

        (void) hv_err_set(&err, -EBADMSG, "what came is no frame of a session");
        x->call->api->backend->session_close(x->session);
        put_end(x, &(struct hv_api_session_end){ .err = &err });
        hv_http_upgrade_end(x->upgrade);
        exchange_free(x);
}

/* Gives frames as long as there is room; what is left waits in `rest`, and the client is held back. */
static void take(struct hv_api_exchange *x, const char *data, size_t len) {
        struct hv_frame frame;
        size_t used;

        for (;;) {
                int r = hv_frames_take(&x->frames, data, len, &used, &frame);

                data += used;
                len -= used;
                if (r < 0) {
                        refuse(x);
                        return;
                }
                if (r == 0)
                        return;
                if (!take_frame(x, &frame)) {
                        x->waiting = frame;
                        hv_buf_add(&x->rest, data, len);
                        hv_http_upgrade_hold(x->upgrade, true);
                        return;
                }
        }
}

static void on_data(const void *data, size_t len, void *userdata) {
        take(userdata, data, len);
}

void hv_api_session_drained(struct hv_api_call *call) {
        struct hv_api_exchange *x = call->exchange;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf rest = {};

        if (!x->waiting.data || !take_frame(x, &x->waiting))
                return;
        x->waiting.data = NULL;
        rest = x->rest;
        x->rest = (struct hv_buf){};
        hv_http_upgrade_hold(x->upgrade, false);
        take(x, rest.data, rest.len);
}

/* ---- output ---- */

static void on_drained(void *userdata) {
        struct hv_api_exchange *x = userdata;

        if (!x->is_output_held)
                return;
        x->is_output_held = false;
        x->call->api->backend->session_resume(x->session);
}

bool hv_api_session_output(struct hv_api_call *call, bool is_error_output, const void *data, size_t len) {
        struct hv_api_exchange *x = call->exchange;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf b = {};

        hv_frame_put(&b, is_error_output ? HV_FRAME_ERRORS : HV_FRAME_OUTPUT, data, len);
        put(x, &b);
        x->is_output_held = hv_http_upgrade_room(x->upgrade) < ROOM_MIN_BYTES;
        return !x->is_output_held;
}

void hv_api_session_opened(struct hv_api_call *call) {
        struct hv_api_exchange *x = call->exchange;
        const struct hv_http_upgrade_options options = {
                .protocol = PROTOCOL,
                .queue_max_bytes = QUEUE_MAX_BYTES,
                .data = on_data,
                .drained = on_drained,
                .gone = on_upgrade_gone,
                .userdata = x,
        };

        if (!call->req)
                return;
        x->upgrade = hv_http_upgrade_open(HV_STEAL(call->req), &options);
        if (x->upgrade)
                return;
        call->api->backend->session_close(x->session);
        exchange_free(x);
}

/* ---- the request ---- */

/* An array of texts; absent: none. */
static bool read_words(struct hv_http_request *req, struct hv_arena *arena, const struct hv_json *body,
                       const char *key, struct hv_strv *ret) {
        const struct hv_json *j = hv_json_get(body, key);
        size_t n = hv_json_size(j);
        const char **v;

        if (hv_json_type(j) == HV_JSON_ABSENT || hv_json_type(j) == HV_JSON_NULL)
                return true;
        v = HV_ARENA_NEW_N(arena, const char *, HV_MIN(n, WORDS_MAX) + 1);
        for (size_t i = 0; i < n && n <= WORDS_MAX && hv_json_type(j) == HV_JSON_ARRAY; i++)
                v[i] = hv_arena_strdup(arena, hv_json_as_str(hv_json_at(j, i)));
        for (size_t i = 0; i < n; i++)
                if (n > WORDS_MAX || hv_json_type(j) != HV_JSON_ARRAY || !v[i])
                        n = WORDS_MAX + 1;
        *ret = (struct hv_strv){ v, n };
        if (hv_json_type(j) == HV_JSON_ARRAY && n <= WORDS_MAX)
                return true;
        hv_http_reply_problem(req, 400, "BadBody", "%s: expected a list of at most %d texts", key, WORDS_MAX);
        return false;
}

static bool has_names(struct hv_http_request *req, const struct hv_strv *env) {
        for (size_t i = 0; i < env->n; i++)
                if (strcspn(env->v[i], "=") == 0 || !strchr(env->v[i], '=')) {
                        hv_http_reply_problem(req, 400, "BadBody", "env: expected NAME=VALUE in entry %zu",
                                              i + 1);
                        return false;
                }
        return true;
}

/* False: 400 was sent. */
static bool read_exec(struct hv_http_request *req, struct hv_arena *arena, struct hv_api_exec *ret) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_err err = {};
        const char *text;
        int64_t replica;
        size_t len;

        text = hv_http_body(req, &len);
        if (hv_json_parse(text, len, HV_API_BODY_MAX_BYTES, &body, &err) < 0) {
                hv_http_reply_err(req, "BadBody", &err);
                return false;
        }
        if (!read_words(req, arena, body, "command", &ret->command) ||
            !read_words(req, arena, body, "env", &ret->env) || !has_names(req, &ret->env))
                return false;
        if (ret->command.n == 0 || hv_str_empty(ret->command.v[0])) {
                hv_http_reply_problem(req, 400, "BadBody", "command: what is to be run?");
                return false;
        }
        replica = hv_json_int(body, "replica", 1);
        if (replica < 1 || replica > 1000) {
                hv_http_reply_problem(req, 400, "BadBody", "replica: expected a number from 1 to 1000");
                return false;
        }
        ret->user = hv_arena_strdup(arena, hv_json_str(body, "user"));
        ret->directory = hv_arena_strdup(arena, hv_json_str(body, "workdir"));
        if (ret->directory && *ret->directory != '/') {
                hv_http_reply_problem(req, 400, "BadBody", "workdir: expected an absolute path");
                return false;
        }
        ret->replica = (unsigned) replica;
        ret->tty = hv_json_bool(body, "tty", false);
        ret->input = hv_json_bool(body, "stdin", false);
        ret->rows = (unsigned) HV_MIN((uint64_t) hv_json_int(body, "rows", 0), UINT64_C(65535));
        ret->columns = (unsigned) HV_MIN((uint64_t) hv_json_int(body, "columns", 0), UINT64_C(65535));
        return true;
}

static void exec(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind, const char *name) {
        struct hv_api_call *call;
        struct hv_api_exchange *x;
        struct hv_api_exec asked = { .kind = kind, .by = hv_http_request_caller(req)->by };
        struct hv_err err = {};

        if (!hv_http_upgrade_wanted(req, PROTOCOL))
                return;
        call = hv_api_call_new(api, req);
        asked.name = hv_arena_strdup(call->arena, name);
        if (!read_exec(req, call->arena, &asked)) {
                hv_api_call_free(call);
                return;
        }
        if (api->n_sessions >= SESSIONS_MAX) {
                hv_http_reply_header(req, "Retry-After", "10");
                hv_http_reply_problem(req, 503, "TooManySessions", "%u sessions are open already",
                                      api->n_sessions);
                hv_api_call_free(call);
                return;
        }
        x = HV_NEW(struct hv_api_exchange);
        x->call = call;
        call->exchange = x;
        api->n_sessions++;
        hv_http_on_gone(req, on_request_gone, x);
        x->session = api->backend->session_open(api->userdata, &asked, call, &err);
        if (x->session)
                return;
        hv_http_reply_err(req, "ExecFailed", &err);
        exchange_free(x);
}

void hv_api_post_exec(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;

        hv_api_look(userdata, &v);
        item = hv_api_wanted_item(req, &v, HV_KIND_SERVICE);
        if (item)
                exec(req, userdata, HV_KIND_SERVICE, item->name);
}

void hv_api_post_task_exec(struct hv_http_request *req, void *userdata) {
        exec(req, userdata, HV_KIND_TASK, hv_http_param(req, "name"));
}

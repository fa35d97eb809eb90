/* WireGuard interfaces, acted on: another key, and do the peers answer? They are looked at as every kind is (api_read.c). */
#include <errno.h>

#include "base/arena.h"
#include "http/api_internal.h"
#include "http/render.h"

/* ---- answers ---- */

static void reply_err(struct hv_http_request *req, const struct hv_err *err) {
        if (err->code == -ENOENT)
                hv_http_reply_problem(req, 404, "NotFound", "%s", err->msg);
        else if (err->code == -EOPNOTSUPP || err->code == -EALREADY)
                hv_http_reply_problem(req, 409, "Conflict", "%s", err->msg);
        else
                hv_http_reply_err(req, "WireGuardFailed", err);
}

void hv_api_rotate_done(struct hv_api_call *call, const struct hv_api_rotated *result) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (call->req && result->err)
                reply_err(call->req, result->err);
        else if (call->req) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "publicKey", result->public_key);
                hv_json_put_str(&w, "before", result->before);
                hv_json_put_bool(&w, "changed", !hv_streq(result->public_key, result->before));
                hv_json_end(&w);
                hv_api_reply(call->req, 200, &buf);
        }
        hv_api_call_free(call);
}

static void put_peer(struct hv_json_writer *w, const struct hv_api_pinged *p) {
        static const char *const answers[] = { "Echo", "Handshake", "None" };

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "name", p->peer);
        hv_json_put_str(w, "publicKey", p->public_key);
        hv_json_put_str(w, "endpoint", p->endpoint);
        hv_json_put_str(w, "address", p->address);
        hv_json_put_str(w, "answer", answers[p->answer]);
        if (p->answer == HV_API_ANSWER_ECHO)
                hv_json_put_real(w, "roundTripMs", (double) p->took_us / 1000);
        else
                hv_json_put_null(w, "roundTripMs");
        hv_render_time(w, "handshakeAt", p->handshake_wall_us);
        hv_json_put_str(w, "message", p->message);
        hv_json_end(w);
}

void hv_api_ping_done(struct hv_api_call *call, const struct hv_api_ping *result) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        bool all = true;

        if (call->req && result->err)
                reply_err(call->req, result->err);
        else if (call->req) {
                hv_json_begin_object(&w, NULL);
                hv_json_begin_array(&w, "peers");
                for (size_t i = 0; i < result->n_peers; i++) {
                        put_peer(&w, &result->peers[i]);
                        all = all && result->peers[i].answer != HV_API_ANSWER_NONE;
                }
                hv_json_end(&w);
                hv_json_put_bool(&w, "allAnswer", all);
                hv_json_end(&w);
                hv_api_reply(call->req, 200, &buf);
        }
        hv_api_call_free(call);
}

/* ---- asking ---- */

void hv_api_post_wireguard_rotate(struct hv_http_request *req, void *userdata) {
        bool prepare = hv_http_query_is_true(req, "prepare"), undo = hv_http_query_is_true(req, "undo");
        struct hv_api *api = userdata;
        struct hv_api_call *call;

        if (prepare && undo) {
                hv_http_reply_problem(req, 400, "BadQuery", "prepare and undo exclude each other");
                return;
        }
        call = hv_api_call_new(api, req);
        hv_api_call_ask(call);
        api->backend->rotate(api->userdata, hv_arena_strdup(call->arena, hv_http_param(req, "name")),
                             prepare ? HV_API_ROTATE_PREPARE
                             : undo  ? HV_API_ROTATE_UNDO
                                     : HV_API_ROTATE,
                             call);
        hv_api_call_asked(call);
}

void hv_api_post_wireguard_ping(struct hv_http_request *req, void *userdata) {
        const char *peer = hv_http_query(req, "peer");
        struct hv_api *api = userdata;
        struct hv_api_call *call = hv_api_call_new(api, req);

        hv_api_call_ask(call);
        api->backend->ping(api->userdata, hv_arena_strdup(call->arena, hv_http_param(req, "name")),
                           hv_str_empty(peer) ? NULL : hv_arena_strdup(call->arena, peer), call);
        hv_api_call_asked(call);
}

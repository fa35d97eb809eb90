/* What people ask of the node by hand: cordon, hold, stop, start, restart, pause, signals (docs/http-api.md, "By hand").
 *
 * Body     {"reason": "..."}, optional, as is the body; it is shown until the order is taken back.
 * Answer   comes when the order is durable and in force: of a service the service as it is now, else the orders of the node. */
#include <errno.h>

#include "base/arena.h"
#include "base/duration.h"
#include "http/api_internal.h"
#include "http/render.h"
#include "spec/value_process.h"
#include "json/json.h"

/* ---- looking ---- */

void hv_render_order(struct hv_json_writer *w, const char *key, const struct hv_order *o) {
        if (!o || !o->by) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "by", o->by);
        hv_json_put_str(w, "reason", o->reason);
        hv_render_time(w, "since", o->since_wall_us);
        hv_json_end(w);
}

static void put_drain(struct hv_json_writer *w, const char *key, const struct hv_api_drain *d) {
        if (!d->order.by) {
                hv_json_put_null(w, key);
                return;
        }
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "by", d->order.by);
        hv_json_put_str(w, "reason", d->order.reason);
        hv_render_time(w, "since", d->order.since_wall_us);
        hv_render_time(w, "deadline", d->deadline_wall_us == HV_TIME_NEVER ? 0 : d->deadline_wall_us);
        hv_json_end(w);
}

void hv_render_orders(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s) {
        const struct hv_orders *o = &s->orders;

        hv_json_begin_object(w, key);
        put_drain(w, "shutdown", &s->shutdown);
        put_drain(w, "drain", &s->drain);
        hv_render_order(w, "cordon", &o->cordon);
        hv_render_order(w, "hold", &o->hold);
        hv_json_begin_array(w, "services");
        for (size_t i = 0; i < o->n_services; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", o->services[i].name);
                hv_render_order(w, "stop", &o->services[i].stop);
                hv_render_order(w, "hold", &o->services[i].hold);
                hv_render_order(w, "pause", &o->services[i].pause);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_begin_array(w, "cronTasks");
        for (size_t i = 0; i < s->n_crons; i++) {
                if (!s->crons[i].suspend.by)
                        continue;
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", s->crons[i].name);
                hv_render_order(w, "suspend", &s->crons[i].suspend);
                hv_json_end(w);
        }
        hv_json_end(w);
        hv_json_put_uint(w, "restarts", o->n_restarts);
        hv_json_end(w);
}

static void reply_orders(struct hv_http_request *req, struct hv_api *api, unsigned status) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        hv_render_orders(&w, NULL, &v.snapshot);
        hv_api_reply(req, status, &buf);
}

static void reply_service(struct hv_http_request *req, struct hv_api *api) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        item = hv_api_wanted_item(req, &v, HV_KIND_SERVICE);
        if (!item)
                return;
        hv_render_item(&w, NULL, &v.snapshot, item);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_orders(struct hv_http_request *req, void *userdata) {
        if (!hv_api_not_modified(userdata, req))
                reply_orders(req, userdata, 200);
}

/* ---- asking ---- */

bool hv_api_read_order(struct hv_http_request *req, struct hv_json **ret) {
        struct hv_err err = {};
        size_t len;
        const char *body = hv_http_body(req, &len);

        if (len == 0 || hv_json_parse(body, len, HV_API_BODY_MAX_BYTES, ret, &err) == 0)
                return true;
        hv_http_reply_err(req, "BadBody", &err);
        return false;
}

static void reply_err(struct hv_http_request *req, const struct hv_err *err) {
        if (err->code == -EBUSY)
                hv_http_reply_problem(req, 409, "StoppedByUser", "%s", err->msg);
        else
                hv_http_reply_err(req, "OrderFailed", err);
}

/* Of what is declared: no order is kept for what nobody knows. An order is taken back whatever became of the service. */
static bool is_known(struct hv_http_request *req, struct hv_api *api, const char *service) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};

        hv_api_look(api, &v);
        return hv_orders_of(&v.snapshot.orders, service) ||
               hv_api_wanted_item(req, &v, HV_KIND_SERVICE) != NULL;
}

static void give(struct hv_http_request *req, struct hv_api *api, enum hv_api_order_type type) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_api_order order = { .type = type,
                                      .service = hv_http_param(req, "name"),
                                      .now = hv_http_query_is_true(req, "now"),
                                      .by = hv_http_request_caller(req)->by };
        struct hv_err err = {};

        if (!hv_api_read_order(req, &body) || (order.service && !is_known(req, api, order.service)))
                return;
        order.reason = hv_json_str(body, "reason");
        if (api->backend->order(api->userdata, &order, &err) < 0)
                reply_err(req, &err);
        else if (order.service)
                reply_service(req, api);
        else
                reply_orders(req, api, 200);
}

void hv_api_post_cordon(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_CORDON);
}

/* False: 400 was sent. */
static bool read_deadline(struct hv_http_request *req, const struct hv_json *body, uint64_t *ret_us) {
        const char *text = hv_json_str(body, "deadline");

        *ret_us = HV_TIME_NEVER;
        if (!text || hv_duration_parse(text, ret_us) == HV_PARSE_OK)
                return true;
        hv_http_reply_problem(req, 400, "BadBody", "deadline: expected a time such as 10m");
        return false;
}

void hv_api_post_drain(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_api_order order = { .type = HV_API_ORDER_DRAIN, .by = hv_http_request_caller(req)->by };
        struct hv_api *api = userdata;
        struct hv_err err = {};

        if (!hv_api_read_order(req, &body) || !read_deadline(req, body, &order.deadline_us))
                return;
        order.reason = hv_json_str(body, "reason");
        if (api->backend->order(api->userdata, &order, &err) < 0)
                reply_err(req, &err);
        else
                reply_orders(req, api, 200);
}

void hv_api_post_uncordon(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_UNCORDON);
}

void hv_api_post_hold(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_HOLD);
}

void hv_api_post_release(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_RELEASE);
}

void hv_api_post_stop(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_STOP);
}

void hv_api_post_start(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_START);
}

void hv_api_post_restart(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_RESTART);
}

void hv_api_post_pause(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_PAUSE);
}

void hv_api_post_resume(struct hv_http_request *req, void *userdata) {
        give(req, userdata, HV_API_ORDER_RESUME);
}

/* What is no true and no false is no wish to end without stopping anything. */
static bool read_stop_workloads(struct hv_http_request *req, const struct hv_json *body, bool *ret) {
        const struct hv_json *value = hv_json_get(body, "stopWorkloads");

        *ret = hv_json_bool(body, "stopWorkloads", false);
        if (!value || hv_json_type(value) == HV_JSON_NULL || hv_json_type(value) == HV_JSON_BOOL)
                return true;
        hv_http_reply_problem(req, 400, "BadBody", "stopWorkloads: expected true or false");
        return false;
}

/* Answered before it ends. */
void hv_api_post_shutdown(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_api_shutdown_wish wish = { .by = hv_http_request_caller(req)->by };
        struct hv_api *api = userdata;
        struct hv_err err = {};

        if (!hv_api_read_order(req, &body) || !read_deadline(req, body, &wish.deadline_us) ||
            !read_stop_workloads(req, body, &wish.stop_workloads))
                return;
        wish.reason = hv_json_str(body, "reason");
        if (api->backend->shutdown(api->userdata, &wish, &err) < 0)
                reply_err(req, &err);
        else
                reply_orders(req, api, 202);
}

/* ---- signals ---- */

void hv_api_kill_done(struct hv_api_call *call, const struct hv_api_killed *result) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (call->req && result->err && result->err->code == -ENOENT)
                hv_http_reply_problem(call->req, 404, "NotFound", "%s", result->err->msg);
        else if (call->req && result->err)
                hv_http_reply_err(call->req, "SignalFailed", result->err);
        else if (call->req) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_uint(&w, "signalled", result->n_signalled);
                hv_json_end(&w);
                hv_api_reply(call->req, 200, &buf);
        }
        hv_api_call_free(call);
}

void hv_api_post_kill(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_api *api = userdata;
        struct hv_api_kill *kill;
        struct hv_api_call *call;
        const char *signal;
        struct hv_fault fault = {};

        if (!hv_api_read_order(req, &body) || !is_known(req, api, hv_http_param(req, "name")))
                return;
        signal = hv_json_str(body, "signal");
        if (signal && hv_value_signal(signal, &signal, &fault) < 0) {
                hv_http_reply_problem(req, 400, "BadBody", "signal: %s", fault.message);
                return;
        }
        call = hv_api_call_new(api, req);
        kill = HV_ARENA_NEW(call->arena, struct hv_api_kill);
        *kill = (struct hv_api_kill){ hv_arena_strdup(call->arena, hv_http_param(req, "name")),
                                      hv_arena_strdup(call->arena, signal ? signal : "SIGKILL"),
                                      (unsigned) hv_json_int(body, "replica", 0) };
        hv_api_call_ask(call);
        api->backend->kill(api->userdata, kill, call);
        hv_api_call_asked(call);
}

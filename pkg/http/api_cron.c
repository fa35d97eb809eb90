/* Cron tasks, changed: a run now, suspend, resume. They are looked at as every kind is (api_read.c).
 *
 * Body     of suspend and resume that of every order (api_order.c): why; it may be left out.
 * Answer   comes when the change is durable: of a trigger the run, as a submitted task is answered, else the cron task. */
#include "http/api_task.h"

#include "base/arena.h"
#include "http/render.h"
#include "json/json.h"

const char hv_api_as_cron[] = "cron";

void hv_api_reply_cron(struct hv_api_call *call, const struct hv_api_task_changed *c) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_view_item *item;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(call->api, &v);
        item = hv_view_find(v.arena, &v.snapshot, HV_KIND_CRONTASK, c->id, NULL);
        if (!item) { /* a revision without it came between */
                hv_http_reply_problem(call->req, 404, "NotFound", "cron task %s is not declared any more",
                                      c->id);
                return;
        }
        hv_render_item(&w, NULL, &v.snapshot, item);
        hv_api_reply(call->req, 200, &buf);
}

static void change(struct hv_http_request *req, struct hv_api *api, enum hv_api_task_change_type type,
                   const void *answer_as) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        struct hv_api_task_change c = { .type = type,
                                        .id = hv_http_param(req, "name"),
                                        .by = hv_http_request_caller(req)->by };

        if (type != HV_API_CRON_TRIGGER && !hv_api_read_order(req, &body))
                return;
        c.reason = hv_json_str(body, "reason");
        hv_api_look(api, &v);
        if (hv_api_wanted_item(req, &v, HV_KIND_CRONTASK))
                hv_api_ask_task(api, hv_api_call_new(api, req), answer_as, &c);
}

void hv_api_post_cron_trigger(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_CRON_TRIGGER, hv_api_as_submitted);
}

void hv_api_post_cron_suspend(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_CRON_SUSPEND, hv_api_as_cron);
}

void hv_api_post_cron_resume(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_CRON_RESUME, hv_api_as_cron);
}

/* The log of a task: from the engine while it runs, from what was kept of it afterwards. */
#include "http/api_task.h"

#include <errno.h>

#include "http/kept_log.h"
#include "http/pull.h"

static ssize_t fill(void *source, char *buf, size_t cap) {
        return hv_kept_log_fill(source, buf, cap);
}

static void done(void *source) {
        hv_kept_log_free(source);
}

/* False: nothing was kept of that attempt. */
static bool try_kept(struct hv_http_request *req, const struct hv_api_tasks *t,
                     const struct hv_task_item *item, unsigned attempt, const struct hv_api_log_options *o) {
        const struct hv_kept_log_options options = {
                .out = o->streams & HV_API_STDOUT,
                .err = o->streams & HV_API_STDERR,
                .tail_lines = o->tail,
        };
        struct hv_results *results;
        struct hv_kept_log *log;
        struct hv_err err = {};
        unsigned found;

        if (hv_api_open_results(t, item, attempt, &found, &results, NULL) < 0)
                return false;
        if (hv_kept_log_new(results, &options, &log, &err) < 0)
                hv_http_reply_err(req, "LogsFailed", &err);
        else
                hv_http_pull(req, &(struct hv_http_pull){ .content_type = "text/plain; charset=utf-8",
                                                          .fill = fill,
                                                          .done = done,
                                                          .source = log });
        return true;
}

/* ?attempt=, or of ?previous the one before the newest. False: answered. */
static bool read_attempt(struct hv_http_request *req, const struct hv_task_item *item, bool previous,
                         unsigned *ret) {
        if (!hv_api_read_attempt(req, ret))
                return false;
        if (!previous)
                return true;
        if (*ret != 0) {
                hv_http_reply_problem(req, 400, "BadQuery",
                                      "previous: attempt says already which; leave out one of them");
                return false;
        }
        if (item->attempt < 2) {
                hv_http_reply_problem(req, 404, "NotFound", "task %s has no attempt before its %s", item->id,
                                      item->attempt ? "first" : "first, which has not begun");
                return false;
        }
        *ret = item->attempt - 1;
        return true;
}

/* It ended before its log was opened, or while it was waited for: what was kept is what there is. */
static bool otherwise(struct hv_api_call *call) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_api_log_options options = {};
        struct hv_task_item item;
        unsigned attempt;

        hv_api_look_at_tasks(call->api, &v);
        return hv_api_read_log_options(call->req, &options) && hv_api_read_attempt(call->req, &attempt) &&
               hv_task_find(&v.tasks, hv_http_param(call->req, "name"), v.view.arena, &item, NULL) >= 0 &&
               try_kept(call->req, &v.tasks, &item, attempt, &options);
}

void hv_api_get_task_logs(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_api_log_options options = {};
        struct hv_task_item item;
        unsigned attempt;

        if (!hv_api_read_log_options(req, &options))
                return;
        hv_api_look_at_tasks(api, &v);
        if (hv_api_wanted_task(req, &v, &item) < 0 || !read_attempt(req, &item, options.previous, &attempt))
                return;
        options.kind = HV_KIND_TASK;
        options.name = item.id;
        if (!hv_task_state_is_end(item.state) && (attempt == 0 || attempt == item.attempt)) {
                hv_api_open_log(req, api, &options, otherwise);
                return;
        }
        if (!try_kept(req, &v.tasks, &item, attempt, &options))
                hv_http_reply_problem(req, 404, "NotFound", "nothing was kept of task %s%s: %s", item.id,
                                      attempt ? " in that attempt" : "",
                                      item.attempt ? "it ended without a log, or its time is over"
                                                   : "it never ran");
}

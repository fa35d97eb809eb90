/* The agent tells whenever its status changes; each telling is the moment to look at the task. Its log is followed beside
 * that: the agent holds the request until an attempt runs, and ends it when the attempt does. */
#include "cli/task_wait.h"

#include <errno.h>

#include "cli/client.h"
#include "cli/event_stream.h"
#include "cli/log_lines.h"

struct waiter {
        struct hv_cli *cli;
        const char *id;
        bool follow, log_is_open;
        int64_t log_of; /* attempt whose log was shown; 0: none */
        int64_t attempt;
        struct hv_event_stream events;
        struct hv_buf status;
        struct hv_log_lines lines;
        bool looking, told_meanwhile;
        struct hv_json *end;
        int result;
};

static void finish(struct waiter *w, int result) {
        w->result = result;
        hv_client_stop(w->cli->client);
}

static void start(struct waiter *w, const char *what, struct hv_client_stream *stream, bool *is_open) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_err err = {};

        hv_buf_puts(&path, "/api/v1/tasks/");
        hv_cli_escape_path(&path, w->id);
        hv_buf_puts(&path, what);
        stream->path = hv_buf_str(&path);
        stream->userdata = w;
        *is_open = hv_client_stream_start(w->cli->client, stream, &err) >= 0;
        if (!*is_open)
                finish(w, hv_cli_fail(w->cli, HV_EXIT_ERROR, "%s", err.msg));
}

static void look(struct waiter *w);

/* ---- the log ---- */

static void on_log_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_log_lines_add(&w->lines, data, len);
}

/* A task that ended without a log has none to show: that is no trouble. */
static void on_log_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;

        hv_log_lines_end(&w->lines);
        w->log_is_open = false;
        if (answer && answer->status != 404)
                finish(w, hv_cli_problem(w->cli, answer->status, answer->json));
        else if (err)
                finish(w, hv_cli_fail(w->cli, HV_EXIT_UNREACHABLE, "%s", err->msg));
        else
                look(w);
}

static void follow(struct waiter *w) {
        struct hv_client_stream stream = { .on_data = on_log_data, .on_end = on_log_end };

        w->log_of = w->attempt;
        start(w, "/logs?follow=1", &stream, &w->log_is_open);
}

/* ---- the status ---- */

static void on_status_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_buf_add(&w->status, data, len);
}

/* Another attempt is shown once it has begun; the number is that of the one before until it is admitted. */
static void judge(struct waiter *w, struct hv_json *status) {
        bool ended = hv_json_bool(status, "ended", false);

        w->attempt = hv_json_int(status, "attempt", 0);
        if (w->follow && !w->log_is_open && (w->log_of == 0 ? w->attempt > 0 : w->attempt > w->log_of)) {
                follow(w);
                return;
        }
        if (!ended || w->log_is_open)
                return;
        w->end = hv_json_ref(status);
        finish(w, HV_EXIT_OK);
}

static void on_status_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;

        w->looking = false;
        if (answer && answer->status == 404) {
                finish(w, hv_cli_problem(w->cli, answer->status, answer->json));
                return;
        }
        if (!answer && !err && hv_json_parse(hv_buf_str(&w->status), w->status.len, SIZE_MAX, &j, NULL) == 0)
                judge(w, j);
        if (w->told_meanwhile && !w->end)
                look(w);
}

static void look(struct waiter *w) {
        struct hv_client_stream stream = { .on_data = on_status_data, .on_end = on_status_end };

        w->told_meanwhile = w->looking;
        if (w->looking)
                return;
        hv_buf_clear(&w->status);
        start(w, "/status", &stream, &w->looking);
}

/* ---- events ---- */

static void on_event(void *userdata, const char *id, const char *event, const char *data) {
        (void) id;
        (void) event;
        (void) data;
        look(userdata);
}

static void on_watch_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_event_stream_add(&w->events, data, len);
}

static void on_watch_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;

        if (answer)
                finish(w, hv_cli_problem(w->cli, answer->status, answer->json));
        else
                finish(w,
                       hv_cli_fail(w->cli, HV_EXIT_UNREACHABLE, "%s; task %s goes on without it",
                                   err ? err->msg : "the agent ended while the task was waited for", w->id));
}

int hv_cli_task_wait(struct hv_cli *cli, const char *id, bool follow_log, struct hv_json **ret_status) {
        struct waiter w = { .cli = cli, .id = id, .follow = follow_log, .lines = { .cli = cli } };
        const struct hv_client_stream watch = {
                .path = "/api/v1/watch",
                .accept = "text/event-stream",
                .on_data = on_watch_data,
                .on_end = on_watch_end,
                .userdata = &w,
        };
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        if (r != HV_EXIT_OK)
                return r;
        w.events.on_event = on_event;
        w.events.userdata = &w;
        r = hv_client_stream_start(cli->client, &watch, &err);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        r = hv_client_run(cli->client,
                          hv_option_is_given(&cli->options, HV_OPT_TIMEOUT) ? cli->options.timeout_us : 0);
        hv_event_stream_done(&w.events);
        hv_buf_done(&w.status);
        hv_log_lines_done(&w.lines);
        *ret_status = w.end;
        if (r == -ETIMEDOUT)
                return hv_cli_fail(cli, HV_EXIT_TIMED_OUT, "waited long enough; task %s goes on", id);
        return r < 0 ? hv_cli_fail(cli, HV_EXIT_ERROR, "cannot wait: %s", strerror(-r)) : w.result;
}

int hv_cli_task_exit_code(const struct hv_json *status) {
        const char *phase = hv_json_str(status, "phase");
        int64_t code = hv_json_int(status, "exitCode", -1);

        if (hv_streq(phase, "TimedOut"))
                return HV_EXIT_TASK_TIMED_OUT;
        return code >= 0 && code <= 255 ? (int) code : HV_EXIT_TASK_NONE;
}

/* The agent tells whenever its status changes (/api/v1/watch). For a node that status says it all; for an object
 * each telling is the moment to look at it, once more when it was told again meanwhile. */
#include "cli/wait.h"

#include <errno.h>

#include "cli/client.h"
#include "cli/event_stream.h"
#include "cli/progress.h"

struct waiter {
        struct hv_cli *cli;
        const struct hv_wait *wait;
        struct hv_event_stream events;
        struct hv_buf object;         /* status of the object, as it comes */
        bool looking, told_meanwhile; /* at the object; and then it changed again */
        int result;
        char last[512]; /* what was said last: for progress, and for whoever waited in vain */
        struct hv_progress progress;
};

static void finish(struct waiter *w, int result) {
        w->result = result;
        hv_client_stop(w->cli->client);
}

static bool node_is_there(const struct waiter *w, const struct hv_json *status) {
        if (w->wait->revision && !hv_streq(hv_json_str(status, "revision"), w->wait->revision))
                return false;
        return hv_json_bool(status, w->wait->revision ? "synced" : "converged", false);
}

static bool node_is_ready(const struct hv_json *status) {
        const struct hv_json *conditions = hv_json_get(status, "conditions");

        for (size_t i = 0; i < hv_json_size(conditions); i++) {
                const struct hv_json *c = hv_json_at(conditions, i);

                if (hv_streq(hv_json_str(c, "type"), "Ready"))
                        return hv_streq(hv_json_str(c, "status"), "True");
        }
        return false;
}

static bool node_is_as_wished(const struct waiter *w, const struct hv_json *status) {
        if (w->wait->drained)
                return hv_json_int(hv_json_get(status, "tasks"), "running", 1) == 0;
        return w->wait->ready ? node_is_ready(status) : node_is_there(w, status);
}

/* The exit code, or -1: not yet. */
static int judge_object(struct waiter *w, const struct hv_json *j) {
        const char *message = hv_json_str(j, "message");
        bool is_there;

        (void) snprintf(w->last, sizeof w->last, "%s/%s: %s%s%s", hv_kind_label(w->wait->object->kind),
                        w->wait->object->name, hv_json_str(j, "phase"), hv_str_empty(message) ? "" : ": ",
                        message ? message : "");
        if (w->wait->judge)
                return w->wait->judge(w->wait->userdata, j);
        if (w->wait->object->kind == HV_KIND_TASK) /* what is waited for is its end */
                is_there = hv_json_bool(j, "ended", false);
        else if (w->wait->ready && hv_json_get(j, "replicas"))
                is_there = hv_json_int(j, "replicasReady", 0) >= hv_json_int(j, "replicas", 1);
        else
                is_there = hv_json_bool(j, "inSync", false);
        return is_there ? HV_EXIT_OK : -1;
}

static void look_at_object(struct waiter *w);

static void on_object_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_buf_add(&w->object, data, len);
}

/* What nobody declares cannot come; no answer just now, or not as wished yet: the next telling decides. */
static void on_object_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        int code = -1;

        w->looking = false;
        if (answer && answer->status == 404) {
                hv_progress_clear(&w->progress);
                finish(w, hv_cli_problem(w->cli, answer->status, answer->json));
                return;
        }
        if (!answer && !err && hv_json_parse(hv_buf_str(&w->object), w->object.len, SIZE_MAX, &j, NULL) == 0)
                code = judge_object(w, j);
        if (code >= 0) {
                finish(w, code);
                return;
        }
        hv_progress_show(&w->progress, w->last, strlen(w->last));
        if (w->told_meanwhile)
                look_at_object(w);
}

static void look_at_object(struct waiter *w) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_client_stream look = { .on_data = on_object_data, .on_end = on_object_end, .userdata = w };
        struct hv_err err = {};

        w->told_meanwhile = w->looking;
        if (w->looking)
                return;
        hv_buf_clear(&w->object);
        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(w->wait->object->kind));
        hv_cli_escape_path(&path, w->wait->object->name);
        hv_buf_puts(&path, "/status");
        look.path = hv_buf_str(&path);
        w->looking = hv_client_stream_start(w->cli->client, &look, &err) >= 0;
}

static void on_event(void *userdata, const char *id, const char *event, const char *data) {
        struct waiter *w = userdata;
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;

        (void) id;
        if (!hv_streq(event, "status") || hv_json_parse(data, strlen(data), SIZE_MAX, &j, NULL) < 0)
                return;
        if (!w->wait->object)
                (void) snprintf(w->last, sizeof w->last, "%s",
                                hv_json_str(j, "summary") ? hv_json_str(j, "summary") : "");
        if (w->wait->object)
                look_at_object(w);
        else if (!w->wait->gone && node_is_as_wished(w, j))
                finish(w, HV_EXIT_OK);
        else
                hv_progress_show(&w->progress, w->last, strlen(w->last));
}

static void on_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_event_stream_add(&w->events, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;

        hv_progress_clear(&w->progress);
        if (w->wait->gone && !answer)
                finish(w, HV_EXIT_OK);
        else
                finish(w, hv_cli_stream_end(w->cli, answer, err, "the agent ended while it was waited for"));
}

int hv_cli_wait(struct hv_cli *cli, const struct hv_wait *wait) {
        struct waiter w = { .cli = cli, .wait = wait, .progress.cli = cli };
        const struct hv_client_stream stream = {
                .path = "/api/v1/watch",
                .accept = "text/event-stream",
                .on_data = on_data,
                .on_end = on_end,
                .userdata = &w,
        };
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        if (r != HV_EXIT_OK)
                return r;
        w.events.on_event = on_event;
        w.events.userdata = &w;
        r = hv_client_stream_start(cli->client, &stream, &err);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        r = hv_client_run(cli->client, wait->timeout_us);
        hv_progress_clear(&w.progress);
        hv_event_stream_done(&w.events);
        hv_buf_done(&w.object);
        if (r == -ETIMEDOUT)
                return hv_cli_fail(cli, HV_EXIT_TIMED_OUT, "waited long enough; last seen: %s", w.last);
        return r < 0 ? hv_cli_fail(cli, HV_EXIT_ERROR, "cannot wait: %s", strerror(-r)) : w.result;
}

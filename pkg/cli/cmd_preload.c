/* hivectl preload: images that are pulled now. With --wait each telling of the agent (/api/v1/preload as a stream) is the moment to look
 * whether all have ended. */
#include <errno.h>

#include "base/quantity.h"
#include "cli/cli_internal.h"
#include "cli/client.h"
#include "cli/event_stream.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "json/write.h"

#define PATH "/api/v1/preload"

struct waiter {
        struct hv_cli *cli;
        const struct hv_json *asked; /* the agent's answer: names as the agent has them */
        struct hv_event_stream events;
        struct hv_buf last; /* how far it is: for progress, and for whoever waited in vain */
        struct hv_progress progress;
        int result;
};

static bool has_ended(const char *phase) {
        return hv_streq(phase, "Ready") || hv_streq(phase, "Failed");
}

/* "docker.io/library/redis:7 is being pulled: 12Mi of 40Mi" */
static void put_state(struct hv_buf *buf, const struct hv_json *i) {
        const char *image = hv_json_str(i, "image"), *phase = hv_json_str(i, "phase");
        uint64_t total = (uint64_t) hv_json_int(i, "totalBytes", 0);
        char came_text[HV_QUANTITY_SIZE], total_text[HV_QUANTITY_SIZE];

        hv_buf_printf(buf, "%s ", hv_output_image(image ? image : ""));
        if (hv_streq(phase, "Ready"))
                hv_buf_puts(buf, "is there");
        else if (hv_streq(phase, "Failed"))
                hv_buf_printf(buf, "cannot be pulled: %s", hv_json_str(i, "message"));
        else if (hv_streq(phase, "Waiting"))
                hv_buf_printf(buf, "waits: %s", hv_json_str(i, "message"));
        else
                hv_buf_puts(buf, "is being pulled");
        if (!hv_streq(phase, "Pulling") || total == 0)
                return;
        hv_quantity_format_bytes((uint64_t) hv_json_int(i, "cameBytes", 0), came_text);
        hv_quantity_format_bytes(total, total_text);
        hv_buf_printf(buf, ": %s of %s", came_text, total_text);
}

/* What `all` has of the image; NULL: the agent does not know it any more. */
static const struct hv_json *find(const struct hv_json *all, const char *image) {
        const struct hv_json *images = hv_json_get(all, "images");

        for (size_t i = 0; i < hv_json_size(images); i++)
                if (hv_streq(hv_json_str(hv_json_at(images, i), "image"), image))
                        return hv_json_at(images, i);
        return NULL;
}

/* ---- waiting ---- */

static void finish(struct waiter *w, int result) {
        hv_progress_clear(&w->progress);
        w->result = result;
        hv_client_stop(w->cli->client);
}

/* All have ended: how each did. */
static int tell_end(struct waiter *w, const struct hv_json *all) {
        const struct hv_json *asked = hv_json_get(w->asked, "images");
        int result = HV_EXIT_OK;

        hv_progress_clear(&w->progress);
        for (size_t i = 0; i < hv_json_size(asked); i++) {
                const char *image = hv_json_str(hv_json_at(asked, i), "image");
                const struct hv_json *now = find(all, image);
                _hv_cleanup_(hv_buf_done) struct hv_buf line = {};

                if (now)
                        put_state(&line, now);
                if (now && hv_streq(hv_json_str(now, "phase"), "Ready"))
                        hv_cli_note(w->cli, "%s", hv_buf_str(&line));
                else
                        result = hv_cli_fail(w->cli, HV_EXIT_ERROR, "%s",
                                             now ? hv_buf_str(&line)
                                                 : "the agent has forgotten what it was asked for");
        }
        return result;
}

static void on_event(void *userdata, const char *id, const char *event, const char *data) {
        struct waiter *w = userdata;
        const struct hv_json *asked = hv_json_get(w->asked, "images");
        _hv_cleanup_(hv_json_freep) struct hv_json *all = NULL;
        size_t n_open = 0;

        (void) id;
        if (!hv_streq(event, "preload") || hv_json_parse(data, strlen(data), SIZE_MAX, &all, NULL) < 0)
                return;
        hv_buf_clear(&w->last);
        for (size_t i = 0; i < hv_json_size(asked); i++) {
                const struct hv_json *now = find(all, hv_json_str(hv_json_at(asked, i), "image"));

                if (!now || has_ended(hv_json_str(now, "phase")))
                        continue;
                if (n_open++ > 0)
                        hv_buf_puts(&w->last, "; ");
                put_state(&w->last, now);
        }
        if (n_open == 0)
                finish(w, tell_end(w, all));
        else
                hv_progress_show(&w->progress, hv_buf_str(&w->last), w->last.len);
}

static void on_data(void *userdata, const char *data, size_t len) {
        struct waiter *w = userdata;

        hv_event_stream_add(&w->events, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct waiter *w = userdata;

        hv_progress_clear(&w->progress);
        finish(w, hv_cli_stream_end(w->cli, answer, err,
                                    "the agent ended, and has forgotten what it was asked for"));
}

static int wait_for(struct hv_cli *cli, const struct hv_json *asked) {
        struct waiter w = { .cli = cli, .asked = asked, .progress.cli = cli };
        const struct hv_client_stream stream = {
                .path = PATH "?watch=1",
                .accept = "text/event-stream",
                .on_data = on_data,
                .on_end = on_end,
                .userdata = &w,
        };
        struct hv_err err = {};
        int r;

        w.events.on_event = on_event;
        w.events.userdata = &w;
        r = hv_client_stream_start(cli->client, &stream, &err);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        r = hv_client_run(cli->client,
                          hv_option_is_given(&cli->options, HV_OPT_TIMEOUT) ? cli->options.timeout_us : 0);
        hv_progress_clear(&w.progress);
        if (r == -ETIMEDOUT)
                w.result = hv_cli_fail(cli, HV_EXIT_TIMED_OUT, "waited long enough; the agent goes on: %s",
                                       hv_buf_str(&w.last));
        else if (r < 0)
                w.result = hv_cli_fail(cli, HV_EXIT_ERROR, "cannot wait: %s", strerror(-r));
        hv_event_stream_done(&w.events);
        hv_buf_done(&w.last);
        return w.result;
}

/* ---- asking ---- */

int hv_cmd_preload(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "which image? For example: hivectl preload redis:7.4-alpine");
        hv_json_begin_object(&w, NULL);
        hv_json_begin_array(&w, "images");
        for (size_t i = 0; i < o->n_args; i++)
                hv_json_put_str(&w, NULL, o->args[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        r = hv_cli_post(cli, PATH, &body, &answer);
        if (r != HV_EXIT_OK)
                return r;
        if (hv_option_is_given(o, HV_OPT_WAIT))
                return wait_for(cli, answer);
        hv_cli_note(cli, "%zu %s asked for: hivectl images shows what is there, and what is on its way",
                    o->n_args, o->n_args == 1 ? "image is" : "images are");
        return HV_EXIT_OK;
}

void hv_cli_note_preloads(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *all = NULL;
        const struct hv_json *images;

        if (hv_cli_get(cli, PATH, &all) != HV_EXIT_OK)
                return;
        images = hv_json_get(all, "images");
        for (size_t i = 0; i < hv_json_size(images); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf line = {};

                if (hv_streq(hv_json_str(hv_json_at(images, i), "phase"), "Ready"))
                        continue;
                put_state(&line, hv_json_at(images, i));
                hv_cli_note(cli, "%s", hv_buf_str(&line));
        }
}

/* hivectl events: what happened, as a table, and what happens, line by line. */
#include "cli/cli_internal.h"

#include <errno.h>

#include "cli/client.h"
#include "cli/event_stream.h"
#include "cli/output.h"
#include "cli/terminal.h"

#define FOLLOW_TAIL 10 /* lines of the past that `events -f` begins with, as tail -f does */

struct follower {
        struct hv_cli *cli;
        struct hv_event_stream events;
        const struct hv_cli_object *object; /* NULL: all */
        int result;
};

static void put_object(struct hv_buf *buf, const struct hv_json *e) {
        const char *kind = hv_json_str(e, "kind"), *name = hv_json_str(e, "name");

        if (kind && name)
                hv_buf_printf(buf, "%s/%s", hv_kind_label(hv_kind_parse(kind)), name);
        else
                hv_buf_puts(buf, "node");
}

static void print_line(struct hv_cli *cli, const struct hv_json *e) {
        _hv_cleanup_(hv_buf_done) struct hv_buf line = {};

        hv_buf_printf(&line, "%s %s ", hv_json_str(e, "time"), hv_json_str(e, "event"));
        put_object(&line, e);
        hv_buf_printf(&line, ": %s\n", hv_json_str(e, "message"));
        hv_output_text(cli, &line);
        (void) fflush(stdout);
}

static void print_table(struct hv_cli *cli, const struct hv_json *items) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        bool wide = hv_cli_output(cli, HV_OUTPUT_TABLE) == HV_OUTPUT_WIDE;

        hv_table_column(t, wide ? "TIME" : "AGE", wide ? 0 : HV_TABLE_RIGHT);
        hv_table_column(t, "LEVEL", 0);
        hv_table_column(t, "EVENT", 0);
        hv_table_column(t, "OBJECT", 0);
        hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf object = {};
                const struct hv_json *e = hv_json_at(items, i);
                const char *time = hv_json_str(e, "time");
                char age[HV_AGE_SIZE];

                put_object(&object, e);
                hv_table_row(t);
                hv_table_cell(t, wide ? time : hv_output_age(time, age));
                hv_table_cell(t, hv_json_str(e, "level"));
                hv_table_cell(t, hv_json_str(e, "event"));
                hv_table_cell(t, hv_buf_str(&object));
                hv_table_cell(t, hv_json_str(e, "message"));
        }
        hv_output_table(cli, t);
}

static void add_query(struct hv_buf *path, const char *name, const char *value) {
        hv_buf_printf(path, "%c%s=", strchr(hv_buf_str(path), '?') ? '&' : '?', name);
        hv_cli_escape_path(path, value);
}

static void on_event(void *userdata, const char *id, const char *event, const char *data) {
        struct follower *f = userdata;
        _hv_cleanup_(hv_json_freep) struct hv_json *e = NULL;

        (void) id;
        (void) event;
        if (hv_json_parse(data, strlen(data), SIZE_MAX, &e, NULL) < 0)
                return;
        if (f->object && (hv_kind_parse(hv_json_str(e, "kind")) != f->object->kind ||
                          (f->object->name && !hv_streq(hv_json_str(e, "name"), f->object->name))))
                return;
        if (hv_output_is_document(hv_cli_output(f->cli, HV_OUTPUT_TABLE))) {
                enum hv_output_format format = hv_cli_output(f->cli, HV_OUTPUT_JSON);

                /* One event a line: what a list would be is not known before its end. */
                hv_output_document(f->cli, e, format == HV_OUTPUT_JSON ? HV_OUTPUT_JSONL : format);
                (void) fflush(stdout);
        } else
                print_line(f->cli, e);
}

static void on_data(void *userdata, const char *data, size_t len) {
        struct follower *f = userdata;

        hv_event_stream_add(&f->events, data, len);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct follower *f = userdata;

        f->result = hv_cli_stream_end(f->cli, answer, err, "the agent has ended");
        hv_client_stop(f->cli->client);
}

static int follow(struct hv_cli *cli, const struct hv_cli_object *object, const char *path) {
        struct follower f = { .cli = cli, .object = object };
        const struct hv_client_stream stream = {
                .path = path,
                .accept = "text/event-stream",
                .on_data = on_data,
                .on_end = on_end,
                .userdata = &f,
        };
        const struct hv_cli_options *o = &cli->options;
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        if (r != HV_EXIT_OK)
                return r;
        f.events.on_event = on_event;
        f.events.userdata = &f;
        if (hv_client_stream_start(cli->client, &stream, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        r = hv_client_run(cli->client, hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0);
        hv_event_stream_done(&f.events);
        return r == -ETIMEDOUT ? HV_EXIT_TIMED_OUT : f.result;
}

static int list(struct hv_cli *cli, const char *path) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        int r = hv_cli_get(cli, path, &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format))
                hv_output_document(cli, j, format);
        else if (hv_json_size(hv_json_get(j, "items")) > 0)
                print_table(cli, hv_json_get(j, "items"));
        else
                hv_cli_note(cli, "there are no events");
        return HV_EXIT_OK;
}

int hv_cmd_events(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        bool following = hv_option_is_given(o, HV_OPT_FOLLOW);
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_cli_object object = {};
        char tail[24];
        int r;

        hv_buf_puts(&path, "/api/v1/events");
        if (o->n_args > 0) {
                r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
                if (r != HV_EXIT_OK)
                        return r;
                if (!object.name)
                        return hv_cli_usage(cli, "which %s? For example: hivectl events %s/NAME",
                                            hv_kind_label(object.kind), hv_kind_label(object.kind));
        }
        if (object.name && !following) {
                hv_buf_clear(&path);
                hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(object.kind));
                hv_cli_escape_path(&path, object.name);
                hv_buf_puts(&path, "/events");
        }
        if (o->since)
                add_query(&path, "since", o->since);
        if (hv_option_is_given(o, HV_OPT_TAIL) || (following && !o->since)) {
                (void) snprintf(tail, sizeof tail, "%llu",
                                hv_option_is_given(o, HV_OPT_TAIL)
                                        ? (unsigned long long) HV_MIN(o->tail, 1000u)
                                        : FOLLOW_TAIL);
                add_query(&path, "tail", tail);
        }
        if (following)
                add_query(&path, "follow", "1");
        return following ? follow(cli, object.name ? &object : NULL, hv_buf_str(&path))
                         : list(cli, hv_buf_str(&path));
}

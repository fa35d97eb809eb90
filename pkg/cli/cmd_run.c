/* hivectl run: a document, or an image and what the options say, becomes one promise. */
#include "cli/cli_internal.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/text.h"
#include "cli/change.h"
#include "cli/files.h"
#include "cli/output.h"
#include "cli/task_wait.h"
#include "json/write.h"

/* ---- a document from the command line ---- */

/* "docker.io/library/python:3.12" -> "python"; what is no name gives "task". */
static void name_of_image(const char *image, char ret[64]) {
        const char *slash = strrchr(image, '/');
        size_t n = 0;

        for (const char *p = slash ? slash + 1 : image; *p && *p != ':' && *p != '@' && n < 50; p++)
                ret[n++] = isalnum((unsigned char) *p) ? (char) tolower((unsigned char) *p) : '-';
        while (n > 0 && ret[n - 1] == '-')
                n--;
        ret[n] = '\0';
        if (n == 0 || !isalpha((unsigned char) ret[0]))
                strcpy(ret, "task");
}

static bool is_archive(const char *path) {
        static const char *const ends[] = { ".zip", ".tar", ".tar.gz", ".tgz", ".gz" };
        size_t len = strlen(path);

        for (size_t i = 0; i < HV_ARRAY_SIZE(ends); i++)
                if (len > strlen(ends[i]) && hv_streq(path + len - strlen(ends[i]), ends[i]))
                        return true;
        return false;
}

/* SOURCE:PATH; a URL holds colons of its own, so the last one counts. */
static int put_input(struct hv_cli *cli, struct hv_json_writer *w, const char *text) {
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        _hv_cleanup_free_ char *source = hv_strdup(text), *real = NULL;
        char *colon = strrchr(source, ':');
        const char *names[1];
        struct hv_err err = {};

        if (!colon || colon == source || !colon[1] || hv_has_prefix(colon, "://"))
                return hv_cli_usage(cli, "--input %s: expected SOURCE:PATH, such as main.py:main.py", text);
        *colon = '\0';
        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "path", colon + 1);
        if (hv_has_prefix(source, "https://") || hv_has_prefix(source, "http://"))
                hv_json_put_str(w, "url", source);
        else if (is_archive(source)) {
                real = realpath(source, NULL);
                if (!real)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "--input %s: %s", source, strerror(errno));
                hv_json_put_str(w, "archive", real);
        } else {
                names[0] = source;
                if (hv_cli_files_read(names, 1, &files, &err) < 0)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "--input: %s", err.msg);
                if (files.n != 1 || !hv_utf8_is_valid(files.v[0].text, files.v[0].len, NULL) ||
                    memchr(files.v[0].text, '\0', files.v[0].len))
                        return hv_cli_fail(cli, HV_EXIT_ERROR,
                                           "--input %s: only one text at a time goes with a document; pack "
                                           "other files into an archive",
                                           source);
                hv_json_put_strn(w, "inline", files.v[0].text, files.v[0].len);
        }
        hv_json_end(w);
        return HV_EXIT_OK;
}

static int put_env(struct hv_cli *cli, struct hv_json_writer *w, const char *text) {
        const char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return hv_cli_usage(cli, "--env %s: expected NAME=VALUE", text);
        hv_json_begin_object(w, NULL);
        hv_json_put_strn(w, "name", text, (size_t) (equals - text));
        hv_json_put_str(w, "value", equals + 1);
        hv_json_end(w);
        return HV_EXIT_OK;
}

static int put_lists(struct hv_cli *cli, struct hv_json_writer *w) {
        const struct hv_cli_options *o = &cli->options;
        int r = HV_EXIT_OK;

        if (o->n_args > 1) {
                hv_json_begin_array(w, "args");
                for (size_t i = 1; i < o->n_args; i++)
                        hv_json_put_str(w, NULL, o->args[i]);
                hv_json_end(w);
        }
        if (o->n_env > 0) {
                hv_json_begin_array(w, "env");
                for (size_t i = 0; i < o->n_env && r == HV_EXIT_OK; i++)
                        r = put_env(cli, w, o->env[i]);
                if (r != HV_EXIT_OK)
                        return r;
                hv_json_end(w);
        }
        if (o->n_inputs > 0) {
                hv_json_begin_array(w, "inputs");
                for (size_t i = 0; i < o->n_inputs && r == HV_EXIT_OK; i++)
                        r = put_input(cli, w, o->inputs[i]);
                if (r != HV_EXIT_OK)
                        return r;
                hv_json_end(w);
        }
        return r;
}

/* What is asked for is what it gets: request and limit are the same. */
static void put_resources(const struct hv_cli_options *o, struct hv_json_writer *w) {
        static const char *const both[] = { "requests", "limits" };

        if (!o->memory && !o->cpu)
                return;
        hv_json_begin_object(w, "resources");
        for (size_t i = 0; i < HV_ARRAY_SIZE(both); i++) {
                hv_json_begin_object(w, both[i]);
                if (o->cpu)
                        hv_json_put_str(w, "cpu", o->cpu);
                if (o->memory)
                        hv_json_put_str(w, "memory", o->memory);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static int make_document(struct hv_cli *cli, uint64_t timeout_us, struct hv_buf *ret) {
        const struct hv_cli_options *o = &cli->options;
        struct hv_json_writer w = { .buf = ret };
        char text[HV_DURATION_SIZE], name[64];
        int r;

        name_of_image(o->args[0], name);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "Task");
        hv_json_begin_object(&w, "metadata");
        hv_json_put_str(&w, "name", o->name ? o->name : name);
        hv_json_end(&w);
        hv_json_begin_object(&w, "spec");
        hv_json_put_str(&w, "image", o->args[0]);
        r = put_lists(cli, &w);
        if (r != HV_EXIT_OK)
                return r;
        if (o->network)
                hv_json_put_str(&w, "network", o->network);
        if (timeout_us) {
                hv_duration_format(timeout_us, text);
                hv_json_put_str(&w, "timeout", text);
        }
        put_resources(o, &w);
        hv_json_end(&w);
        hv_json_end(&w);
        return HV_EXIT_OK;
}

/* ---- the verb ---- */

static bool is_about_an_image(const struct hv_cli_options *o) {
        return o->name || o->memory || o->cpu || o->network || o->n_env || o->n_inputs ||
               hv_option_is_given(o, HV_OPT_TIMEOUT);
}

static int read_document(struct hv_cli *cli, struct hv_buf *document, struct hv_buf *path) {
        struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        uint64_t timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0;
        struct hv_err err = {};

        if ((o->n_files == 0) == (o->n_args == 0))
                return hv_cli_usage(cli, "what is to be run? An image, or one document with -f");
        if (o->n_files == 0) {
                o->given &= ~HV_OPT_BIT(HV_OPT_TIMEOUT); /* it was the task's */
                hv_buf_puts(path, "?again=1&file=command%20line");
                return make_document(cli, timeout_us, document);
        }
        if (o->n_files > 1 || is_about_an_image(o))
                return hv_cli_usage(cli, o->n_files > 1 ? "one document at a time"
                                                        : "with -f the document says it all");
        if (hv_cli_files_read(o->files, 1, &files, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        if (files.n != 1)
                return hv_cli_usage(cli, "one document at a time: %s is a directory", o->files[0]);
        hv_buf_add(document, files.v[0].text, files.v[0].len);
        hv_buf_puts(path, hv_option_is_given(o, HV_OPT_AGAIN) ? "?again=1&file=" : "?file=");
        hv_cli_escape_path(path, files.v[0].name);
        return HV_EXIT_OK;
}

static void tell_end(struct hv_cli *cli, const char *id, const struct hv_json *status) {
        const char *message = hv_json_str(status, "message");
        int64_t code = hv_json_int(status, "exitCode", -1);

        if (hv_streq(hv_json_str(status, "phase"), "Completed") && code == 0)
                return;
        hv_cli_note(cli, "task %s: %s%s%s", id, hv_json_str(status, "phase"),
                    hv_str_empty(message) ? "" : ": ", message ? message : "");
}

int hv_cmd_run(struct hv_cli *cli) {
        bool follow = hv_option_is_given(&cli->options, HV_OPT_FOLLOW_TASK);
        bool wait = follow || hv_option_is_given(&cli->options, HV_OPT_WAIT);
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_buf_done) struct hv_buf document = {}, path = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *task = NULL, *end = NULL;
        const char *id;
        int r;

        hv_buf_puts(&path, "/api/v1/tasks");
        r = read_document(cli, &document, &path);
        if (r != HV_EXIT_OK)
                return r == HV_EXIT_USAGE || !wait ? r : HV_EXIT_TASK_NONE;
        r = hv_cli_post_yaml(cli, hv_buf_str(&path), &document, &task);
        if (task)
                hv_change_findings(cli, task);
        if (r != HV_EXIT_OK)
                return wait ? HV_EXIT_TASK_NONE : r;
        id = hv_json_str(hv_json_get(task, "metadata"), "name");
        if (format != HV_OUTPUT_TABLE)
                hv_output_document(cli, task, format);
        else if (!wait)
                (void) printf("%s\n", id);
        else
                hv_cli_note(cli, "task %s", id);
        if (!wait)
                return HV_EXIT_OK;
        (void) fflush(stdout);
        if (hv_cli_task_wait(cli, id, follow, &end) != HV_EXIT_OK)
                return HV_EXIT_TASK_NONE;
        tell_end(cli, id, end);
        return hv_cli_task_exit_code(end);
}

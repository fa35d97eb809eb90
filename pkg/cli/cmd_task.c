/* hivectl task ls, show, stop, retry, rm, receipt. */
#include "cli/cli_internal.h"

#include "cli/client.h"
#include "cli/task_wait.h"
#include "json/write.h"

/* False: told on standard error. */
static bool task_path(struct hv_cli *cli, const char *what, struct hv_buf *ret) {
        const char *id = cli->options.n_args > 0 ? cli->options.args[0] : NULL;

        if (!id) {
                (void) hv_cli_usage(cli, "which task? hivectl task ls lists them");
                return false;
        }
        hv_buf_puts(ret, "/api/v1/tasks/");
        hv_cli_escape_path(ret, hv_has_prefix(id, "task/") ? id + strlen("task/") : id);
        hv_buf_puts(ret, what);
        return true;
}

/* As another verb, with these arguments. */
static int as(struct hv_cli *cli, int (*verb)(struct hv_cli *), const char *type, const char *name) {
        char *args[] = { (char *) type, (char *) name, NULL };

        cli->options.args = args;
        cli->options.n_args = name ? 2 : 1;
        return verb(cli);
}

int hv_cmd_task_ls(struct hv_cli *cli) {
        return as(cli, hv_cmd_get, "tasks", NULL);
}

int hv_cmd_task_show(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "which task? hivectl task ls lists them");
        return as(cli, format == HV_OUTPUT_TABLE ? hv_cmd_describe : hv_cmd_get, "task",
                  cli->options.args[0]);
}

int hv_cmd_task_stop(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {}, body = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *task = NULL, *end = NULL;
        struct hv_json_writer w = { .buf = &body };
        const struct hv_json *status;
        const char *id;
        int r;

        if (!task_path(cli, "/stop", &path))
                return HV_EXIT_USAGE;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "reason", cli->options.reason);
        hv_json_end(&w);
        r = hv_cli_post(cli, hv_buf_str(&path), &body, &task);
        if (r != HV_EXIT_OK)
                return r;
        status = hv_json_get(task, "status");
        id = hv_json_str(hv_json_get(task, "metadata"), "name");
        if (hv_json_bool(status, "ended", false) || !hv_option_is_given(&cli->options, HV_OPT_WAIT)) {
                hv_cli_note(cli, "task %s %s", id,
                            hv_json_bool(status, "ended", false) ? "has ended" : "is being stopped");
                return HV_EXIT_OK;
        }
        return hv_cli_task_wait(cli, id, false, &end);
}

int hv_cmd_task_retry(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *task = NULL;
        int r;

        if (!task_path(cli, "/retry", &path))
                return HV_EXIT_USAGE;
        r = hv_cli_post(cli, hv_buf_str(&path), NULL, &task);
        if (r == HV_EXIT_OK)
                hv_cli_note(cli, "task %s runs again", hv_json_str(hv_json_get(task, "metadata"), "name"));
        return r;
}

int hv_cmd_task_rm(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        int r;

        if (!task_path(cli, "", &path))
                return HV_EXIT_USAGE;
        r = hv_cli_delete(cli, hv_buf_str(&path), NULL);
        if (r == HV_EXIT_OK)
                hv_cli_note(cli, "task %s is forgotten", cli->options.args[0]);
        return r;
}

/* ---- receipts ---- */

struct copy {
        struct hv_cli *cli;
        int result;
};

static void on_data(void *userdata, const char *data, size_t len) {
        (void) userdata;
        (void) fwrite(data, 1, len, stdout);
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct copy *c = userdata;

        if (answer)
                c->result = hv_cli_problem(c->cli, answer->status, answer->json);
        else if (err)
                c->result = hv_cli_fail(c->cli, HV_EXIT_UNREACHABLE, "%s", err->msg);
        hv_client_stop(c->cli->client);
}

/* Byte for byte: that is what was signed. */
int hv_cmd_task_receipt(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct copy c = { .cli = cli };
        struct hv_client_stream stream = { .on_data = on_data, .on_end = on_end, .userdata = &c };
        struct hv_err err = {};
        int r;

        if (!task_path(cli, "/receipt", &path))
                return HV_EXIT_USAGE;
        r = hv_cli_connect(cli);
        if (r != HV_EXIT_OK)
                return r;
        stream.path = hv_buf_str(&path);
        if (hv_client_stream_start(cli->client, &stream, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        if (hv_client_run(cli->client, HV_CLI_TIMEOUT_DEFAULT_US) < 0)
                return hv_cli_fail(cli, HV_EXIT_TIMED_OUT, "the agent did not answer in time");
        return c.result;
}

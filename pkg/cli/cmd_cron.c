/* hivectl cron ls, trigger, suspend, resume. */
#include "cli/cli_internal.h"

#include "json/write.h"

/* NULL: told on standard error. */
static const char *wanted_name(struct hv_cli *cli) {
        const char *name = cli->options.n_args > 0 ? cli->options.args[0] : NULL;

        if (!name)
                (void) hv_cli_usage(cli, "which cron task? hivectl cron ls lists them");
        else if (hv_has_prefix(name, "cron/"))
                name += strlen("cron/");
        return name;
}

static int post(struct hv_cli *cli, const char *name, const char *what, const struct hv_buf *body,
                struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        hv_buf_puts(&path, "/api/v1/crontasks/");
        hv_cli_escape_path(&path, name);
        hv_buf_puts(&path, what);
        return hv_cli_post(cli, hv_buf_str(&path), body, ret);
}

int hv_cmd_cron_ls(struct hv_cli *cli) {
        char type[] = "cron", *args[] = { type, NULL };

        cli->options.args = args;
        cli->options.n_args = 1;
        return hv_cmd_get(cli);
}

/* The id of the run is data: hivectl task logs $(hivectl cron trigger nightly) -f */
int hv_cmd_cron_trigger(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *run = NULL;
        const char *name = wanted_name(cli), *id;
        int r = name ? post(cli, name, "/trigger", NULL, &run) : HV_EXIT_USAGE;

        if (r != HV_EXIT_OK)
                return r;
        id = hv_json_str(hv_json_get(run, "metadata"), "name");
        (void) printf("%s\n", id ? id : "");
        return HV_EXIT_OK;
}

int hv_cmd_cron_suspend(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        const char *name = wanted_name(cli);
        int r;

        hv_cli_put_reason(cli, &body);
        r = name ? post(cli, name, "/suspend", &body, NULL) : HV_EXIT_USAGE;
        if (r == HV_EXIT_OK)
                hv_cli_note(cli, "cron task %s is suspended: hivectl cron resume %s lets it go on", name,
                            name);
        return r;
}

int hv_cmd_cron_resume(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *cron = NULL;
        const char *name = wanted_name(cli), *next;
        int r = name ? post(cli, name, "/resume", NULL, &cron) : HV_EXIT_USAGE;

        if (r != HV_EXIT_OK)
                return r;
        next = hv_json_str(hv_json_get(cron, "status"), "next");
        hv_cli_note(cli, "cron task %s goes on; next run %s", name, next ? next : "never");
        return HV_EXIT_OK;
}

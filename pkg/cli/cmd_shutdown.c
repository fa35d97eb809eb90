/* hivectl shutdown: the end of the agent. Its status tells how far it is; that it tells no more is the end of it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli_internal.h"
#include "cli/wait.h"
#include "json/write.h"

/* True: go on. Nobody is asked where nobody could answer. */
static bool is_meant(struct hv_cli *cli, bool stops_workloads) {
        char line[16];

        if (hv_option_is_given(&cli->options, HV_OPT_YES) || isatty(STDIN_FILENO) != 1 || !cli->err_is_tty)
                return true;
        (void) fprintf(stderr, "%s Go on? [y/N] ",
                       stops_workloads
                               ? "Tasks are ended, all services are stopped, and the agent ends."
                               : "The agent ends; containers keep running, and nobody looks after them.");
        (void) fflush(stderr);
        if (!fgets(line, sizeof line, stdin))
                return false;
        line[strcspn(line, "\r\n")] = '\0';
        return hv_streq(line, "y") || hv_streq(line, "Y") || hv_streq(line, "yes");
}

int hv_cmd_shutdown(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        bool stops_workloads = hv_option_is_given(o, HV_OPT_STOP_WORKLOADS);
        struct hv_wait wait = { .gone = true };
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        int r;

        if (o->deadline && !stops_workloads)
                return hv_cli_usage(cli, "--deadline is of tasks, which go on without --stop-workloads");
        if (!is_meant(cli, stops_workloads))
                return hv_cli_fail(cli, HV_EXIT_ERROR, "nothing was done");
        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "stopWorkloads", stops_workloads);
        hv_json_put_str(&w, "deadline", o->deadline);
        hv_json_put_str(&w, "reason", o->reason);
        hv_json_end(&w);
        r = hv_cli_post(cli, "/api/v1/shutdown", &body, NULL);
        if (r != HV_EXIT_OK)
                return r;
        hv_cli_note(cli, stops_workloads ? "the agent ends when tasks have ended and services are stopped"
                                         : "the agent ends; containers keep running");
        if (!hv_option_is_given(o, HV_OPT_WAIT))
                return HV_EXIT_OK;
        wait.timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0;
        return hv_cli_wait(cli, &wait);
}

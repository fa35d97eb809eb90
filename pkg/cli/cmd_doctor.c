/* hivectl doctor: what is wrong with this node, and what to do. Works with an agent and without one. */
#include "cli/doctor.h"

#include <errno.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/files.h"
#include "cli/judge.h"
#include "cli/output.h"

#define ASK_TIMEOUT_US (10 * UINT64_C(1000000))

/* One question; what is not there stays NULL. */
static int ask(struct hv_doctor *d, const char *path, struct hv_json **ret, struct hv_err *err) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        int r = hv_client_call(d->cli->client, HV_METHOD_GET, path, NULL, 0, NULL, &answer, err);

        if (r < 0)
                return r;
        if (answer.status != 200)
                return hv_err_set(err, answer.status == 401 || answer.status == 403 ? -EACCES : -EPROTO,
                                  "the agent answered with status %u: %s", answer.status,
                                  hv_json_str(answer.json, "detail") ? hv_json_str(answer.json, "detail")
                                                                     : "?");
        *ret = HV_STEAL(answer.json);
        return 0;
}

static int ask_agent(struct hv_doctor *d) {
        struct hv_err err = {};
        int r = hv_cli_connect(d->cli);

        if (r != HV_EXIT_OK)
                return r;
        d->silence = ask(d, "/api/v1/version", &d->version, &d->why_silent);
        if (d->silence >= 0)
                d->silence = ask(d, "/api/v1/status", &d->status, &d->why_silent);
        if (d->silence < 0) {
                d->version = hv_json_free(d->version);
                return HV_EXIT_OK;
        }
        (void) ask(d, "/api/v1/node", &d->node, &err);
        (void) ask(d, "/api/v1/sources", &d->sources, &err);
        (void) ask(d, "/api/v1/wireguard", &d->tunnels, &err);
        (void) ask(d, "/api/v1/why", &d->why, &err);
        return HV_EXIT_OK;
}

/* The files that the operator names, else those that the agent reads, else those that it would read. */
static void read_files(struct hv_doctor *d) {
        static const char *const standard[] = { HV_JUDGE_FILE_DEFAULT, HV_JUDGE_FOLDER_DEFAULT };
        const struct hv_json *sources = hv_json_get(d->sources, "items");
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        const char *names[HV_CLI_FILES_MAX];
        size_t n = 0;
        int r;

        for (size_t i = 0; i < hv_json_size(sources) && n < HV_CLI_FILES_MAX; i++) {
                const struct hv_json *s = hv_json_at(sources, i);
                const char *type = hv_json_str(s, "type"), *place = hv_json_str(s, "location");

                if (place && *place == '/' && (hv_streq(type, "file") || hv_streq(type, "dir")) &&
                    !hv_streq(hv_json_str(s, "state"), "Empty"))
                        names[n++] = place;
        }
        if (d->cli->options.n_files > 0)
                r = hv_cli_files_read(d->cli->options.files, d->cli->options.n_files, &files,
                                      &d->why_no_files);
        else if (n > 0)
                r = hv_cli_files_read(names, n, &files, &d->why_no_files);
        else
                r = hv_cli_files_read(standard, access(HV_JUDGE_FOLDER_DEFAULT, X_OK) == 0 ? 2 : 1, &files,
                                      &d->why_no_files);
        d->has_files = r >= 0;
        if (d->has_files)
                hv_judge(&files, true, d->diags, &d->desired);
}

static void look(struct hv_doctor *d) {
        hv_doctor_agent(d);
        if (d->is_local)
                hv_doctor_unit(d);
        hv_doctor_config(d);
        hv_doctor_engine(d);
        hv_doctor_node(d);
        hv_doctor_pool(d);
        hv_doctor_tunnels(d, "/sys/class/net", "/var/run/wireguard");
        if (d->is_local)
                hv_doctor_machine(d);
}

int hv_doctor_examine(struct hv_cli *cli, struct hv_doctor *d) {
        int r;

        *d = (struct hv_doctor){ .cli = cli, .is_local = !hv_cli_host(cli), .diags = hv_diags_new() };
        if (!hv_option_is_given(&cli->options, HV_OPT_TIMEOUT)) {
                cli->options.timeout_us = ASK_TIMEOUT_US;
                cli->options.given |= HV_OPT_BIT(HV_OPT_TIMEOUT);
        }
        r = ask_agent(d);
        if (r != HV_EXIT_OK)
                return r;
        if (d->is_local)
                read_files(d);
        look(d);
        return HV_EXIT_OK;
}

int hv_cmd_doctor(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *document = NULL;
        _hv_cleanup_(hv_doctor_done) struct hv_doctor d = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        int r = hv_doctor_examine(cli, &d);

        if (r != HV_EXIT_OK)
                return r;
        if (format == HV_OUTPUT_TABLE) {
                hv_doctor_text(&d, cli->color, cli->out_is_tty, &buf);
                (void) fwrite(hv_buf_str(&buf), 1, buf.len, stdout);
        } else {
                hv_doctor_json(&d, &buf);
                if (hv_json_parse(buf.data, buf.len, SIZE_MAX, &document, NULL) == 0)
                        hv_output_document(cli, document, format);
        }
        if (hv_doctor_worst(&d) == HV_CHECK_FAIL)
                return HV_EXIT_ERROR;
        return hv_doctor_worst(&d) == HV_CHECK_WARN && hv_option_is_given(&cli->options, HV_OPT_STRICT)
                       ? HV_EXIT_WARNINGS
                       : HV_EXIT_OK;
}

/* hivectl version: of the client, and of the agent where one answers. */
#include "cli/cli_internal.h"

#include "base/version.h"
#include "cli/client.h"
#include "cli/output.h"
#include "json/write.h"

/* The agent's version; NULL when none answers, which is no error here. */
static struct hv_json *ask_agent(struct hv_cli *cli) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        struct hv_err err = {};

        if (hv_cli_connect(cli) != HV_EXIT_OK ||
            hv_client_call(cli->client, HV_METHOD_GET, "/api/v1/version", NULL, 0, NULL, &answer, &err) < 0 ||
            answer.status != 200)
                return NULL;
        return HV_STEAL(answer.json);
}

/* An agent that is older than this says less of itself. */
static void put_line(struct hv_buf *buf, const char *who, const char *version, const char *commit,
                     const char *date) {
        hv_buf_printf(buf, "%s %s", who, version ? version : "does not answer");
        if (version && commit && date)
                hv_buf_printf(buf, " (commit %s, %s)", commit, date);
        hv_buf_putc(buf, '\n');
}

int hv_cmd_version(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *agent = NULL, *document = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        const struct hv_build *build = hv_build();
        struct hv_json_writer w = { .buf = &buf };

        if (hv_option_is_given(&cli->options, HV_OPT_VERSION)) {
                (void) printf("hivectl %s (%s)\n", hv_version(), hv_build()->commit);
                return HV_EXIT_OK;
        }
        agent = ask_agent(cli);
        if (format == HV_OUTPUT_TABLE) {
                put_line(&buf, "hivectl", hv_version(), build->commit, build->date);
                put_line(&buf, "agent  ", hv_json_str(agent, "version"), hv_json_str(agent, "commit"),
                         hv_json_str(agent, "buildDate"));
                hv_output_text(cli, &buf);
                return HV_EXIT_OK;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "version", hv_version());
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "commit", build->commit);
        hv_json_put_str(&w, "buildDate", build->date);
        if (agent)
                hv_json_put_json(&w, "agent", agent);
        else
                hv_json_put_null(&w, "agent");
        hv_json_end(&w);
        if (hv_json_parse(buf.data, buf.len, SIZE_MAX, &document, NULL) == 0)
                hv_output_document(cli, document, format);
        return HV_EXIT_OK;
}

#include "cli/change.h"

#include "cli/files.h"
#include "cli/finding.h"
#include "cli/output.h"
#include "json/write.h"

int hv_change_body(struct hv_cli *cli, struct hv_buf *ret) {
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        struct hv_json_writer w = { .buf = ret };
        struct hv_err err = {};

        if (cli->options.n_files == 0)
                return HV_EXIT_OK;
        if (hv_cli_files_read(cli->options.files, cli->options.n_files, &files, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        hv_json_begin_object(&w, NULL);
        hv_json_begin_array(&w, "files");
        for (size_t i = 0; i < files.n; i++) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "name", files.v[i].name);
                hv_json_put_str(&w, "path", files.v[i].path);
                hv_json_put_strn(&w, "text", files.v[i].text, files.v[i].len);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        return HV_EXIT_OK;
}

void hv_change_findings(struct hv_cli *cli, const struct hv_json *answer) {
        _hv_cleanup_(hv_findings_done) struct hv_findings findings = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_findings_from_json(&findings, answer);
        if (findings.n_errors == 0 && hv_option_is_given(&cli->options, HV_OPT_QUIET))
                return;
        hv_findings_text(&findings, &text);
        (void) fputs(hv_buf_str(&text), stderr); /* made safe for terminals where it was rendered */
}

void hv_change_list(const struct hv_json *answer, bool color, struct hv_buf *ret) {
        const struct hv_json *changes = hv_json_get(answer, "changes");

        for (size_t i = 0; i < hv_json_size(changes); i++) {
                const struct hv_json *c = hv_json_at(changes, i);
                const char *change = hv_json_str(c, "change");
                bool added = hv_streq(change, "added"), removed = hv_streq(change, "removed");

                hv_output_tint(ret, color,
                               added     ? HV_TINT_GOOD
                               : removed ? HV_TINT_BAD
                                         : HV_TINT_BUSY,
                               added     ? "+"
                               : removed ? "-"
                                         : "~");
                hv_buf_printf(ret, " %s/%s\n", hv_kind_label(hv_kind_parse(hv_json_str(c, "kind"))),
                              hv_json_str(c, "name") ? hv_json_str(c, "name") : "");
        }
}

/* hivectl validate: judges documents on its own, without an agent and without a look at this machine. */
#include "cli/cli_internal.h"

#include <unistd.h>

#include "cli/document.h"
#include "cli/files.h"
#include "cli/finding.h"
#include "cli/judge.h"
#include "cli/output.h"

static void print(struct hv_cli *cli, const struct hv_findings *f, const struct hv_cli_files *files) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        switch (hv_cli_output(cli, HV_OUTPUT_TEXT)) {
        case HV_OUTPUT_JSON:
                hv_findings_json(f, &buf);
                hv_buf_putc(&buf, '\n');
                break;
        case HV_OUTPUT_SARIF:
                hv_findings_sarif(f, &buf);
                hv_buf_putc(&buf, '\n');
                break;
        case HV_OUTPUT_GITHUB:
                hv_findings_github(f, &buf);
                break;
        default:
                hv_findings_text(f, &buf);
                if (f->n == 0)
                        hv_cli_note(cli, "%zu %s: valid", files->n, files->n == 1 ? "file" : "files");
                else
                        hv_cli_note(cli, "%zu %s, %zu %s", f->n_errors, f->n_errors == 1 ? "error" : "errors",
                                    f->n - f->n_errors, f->n - f->n_errors == 1 ? "warning" : "warnings");
        }
        /* The texts are safe for a terminal already, and may hold colour. */
        (void) fwrite(hv_buf_str(&buf), 1, buf.len, stdout);
}

int hv_cmd_validate(struct hv_cli *cli) {
        static const char *const standard[] = { HV_JUDGE_FILE_DEFAULT, HV_JUDGE_FOLDER_DEFAULT };
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_findings_done) struct hv_findings findings = {};
        const struct hv_cli_options *o = &cli->options;
        struct hv_err err = {};
        size_t n = o->n_files;
        int r;

        if (n > 0 && o->n_args > 0)
                return hv_cli_usage(cli, "name the files either with --filename or as they are, not both");
        if (n == 0 && o->n_args > 0)
                r = hv_cli_files_read((const char *const *) o->args, o->n_args, &files, &err);
        else if (n > 0)
                r = hv_cli_files_read(o->files, n, &files, &err);
        else
                r = hv_cli_files_read(standard, access(HV_JUDGE_FOLDER_DEFAULT, X_OK) == 0 ? 2 : 1, &files,
                                      &err);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);

        hv_judge(&files, false, diags, NULL);
        hv_findings_from_diags(&findings, diags, cli->color);
        print(cli, &findings, &files);
        if (findings.n_errors > 0)
                return HV_EXIT_ERROR;
        return findings.n > 0 && hv_option_is_given(o, HV_OPT_STRICT) ? HV_EXIT_WARNINGS : HV_EXIT_OK;
}

/* hivectl fit, hivectl trust: may more come, and how far is this node to be trusted. */
#include "cli/cli_internal.h"

#include "base/alloc.h"
#include "base/quantity.h"
#include "cli/change.h"
#include "cli/files.h"
#include "cli/output.h"

/* ---- fit ---- */

static void put_row(struct hv_table *t, const char *what, const struct hv_json *j, const char *key,
                    bool bytes) {
        static const char *const rooms[] = { "asked", "free", "forTasks" };

        hv_table_row(t);
        hv_table_cell(t, what);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rooms); i++) {
                const struct hv_json *value = hv_json_get(hv_json_get(j, rooms[i]), key);
                char text[HV_QUANTITY_SIZE];

                if (hv_json_type(value) == HV_JSON_ABSENT || hv_json_type(value) == HV_JSON_NULL)
                        hv_table_cell(t, NULL);
                else if (bytes) {
                        hv_quantity_format_bytes((uint64_t) hv_json_as_int(value, 0), text);
                        hv_table_cell(t, text);
                } else
                        hv_table_cellf(t, "%g", hv_json_as_real(value, 0));
        }
}

static void print_fit(struct hv_cli *cli, const struct hv_json *j) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        const char *message = hv_json_str(j, "message"), *fits = hv_json_str(j, "fits");

        (void) printf("%s%s%s\n",
                      hv_streq(fits, "now")     ? "it fits now"
                      : hv_streq(fits, "later") ? "it fits later"
                      : hv_streq(fits, "never") ? "it never fits"
                                                : "nobody knows yet whether it fits",
                      hv_str_empty(message) ? "" : ": ", message ? message : "");
        hv_table_column(t, "RESOURCE", 0);
        hv_table_column(t, "ASKED", HV_TABLE_RIGHT);
        hv_table_column(t, "FREE", HV_TABLE_RIGHT);
        hv_table_column(t, "FOR TASKS", HV_TABLE_RIGHT);
        put_row(t, "cpu", j, "cpu", false);
        put_row(t, "memory", j, "memory", true);
        put_row(t, "disk", j, "disk", true);
        put_row(t, "gpus", j, "gpus", false);
        put_row(t, "tasks", j, "tasks", false);
        hv_output_table(cli, t);
}

int hv_cmd_fit(struct hv_cli *cli) {
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_buf_done) struct hv_buf document = {}, path = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_err err = {};
        const char *fits;
        int r;

        if (cli->options.n_files != 1)
                return hv_cli_usage(cli, "which task? One document, with -f");
        if (hv_cli_files_read(cli->options.files, 1, &files, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        if (files.n != 1)
                return hv_cli_usage(cli, "one document at a time");
        hv_buf_add(&document, files.v[0].text, files.v[0].len);
        hv_buf_puts(&path, "/api/v1/fit?file=");
        hv_cli_escape_path(&path, files.v[0].name);
        r = hv_cli_post_yaml(cli, hv_buf_str(&path), &document, &j);
        if (j)
                hv_change_findings(cli, j);
        if (r != HV_EXIT_OK)
                return r;
        if (format == HV_OUTPUT_TABLE)
                print_fit(cli, j);
        else
                hv_output_document(cli, j, format);
        fits = hv_json_str(j, "fits");
        return hv_streq(fits, "now") ? HV_EXIT_OK : hv_streq(fits, "never") ? HV_EXIT_ERROR : HV_EXIT_PENDING;
}

/* ---- trust ---- */

#define LEDGER_PATH "/api/v1/trust/ledger?limit=1000"

static struct hv_table *new_ledger_table(void) {
        struct hv_table *t = hv_table_new();

        hv_table_column(t, "AGE", HV_TABLE_RIGHT);
        hv_table_column(t, "CHANGE", HV_TABLE_RIGHT);
        hv_table_column(t, "RULE", HV_TABLE_RIGHT);
        hv_table_column(t, "SCORE", HV_TABLE_RIGHT);
        hv_table_column(t, "GROUP", 0);
        hv_table_column(t, "CAUSE", 0);
        hv_table_column(t, "TASK", HV_TABLE_CUT);
        return t;
}

static void add_changes(struct hv_table *t, const struct hv_json *items) {
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *c = hv_json_at(items, i);
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cell(t, hv_output_age(hv_json_str(c, "at"), age));
                hv_table_cellf(t, "%+d", (int) hv_json_int(c, "change", 0));
                hv_table_cellf(t, "%+d", (int) hv_json_int(c, "nominal", 0));
                hv_table_cellf(t, "%d", (int) hv_json_int(c, "score", 0));
                hv_table_cell(t, hv_json_str(c, "group"));
                hv_table_cell(t, hv_json_str(c, "cause"));
                hv_table_cell(t, hv_json_str(c, "task"));
        }
}

/* All pages: only the whole ledger adds up to the score. */
static int print_ledger(struct hv_cli *cli, const struct hv_json *first) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = new_ledger_table();
        _hv_cleanup_(hv_json_freep) struct hv_json *page = NULL;
        const struct hv_json *j = first;
        const char *next;

        add_changes(t, hv_json_get(j, "items"));
        while ((next = hv_json_str(hv_json_get(j, "metadata"), "continue")) != NULL) {
                _hv_cleanup_free_ char *path = hv_asprintf("%s&continue=%s", LEDGER_PATH, next);
                struct hv_json *more = NULL;
                int r = hv_cli_get(cli, path, &more);

                if (r != HV_EXIT_OK)
                        return r;
                hv_json_free(page);
                j = page = more;
                add_changes(t, hv_json_get(j, "items"));
        }
        hv_output_table(cli, t);
        return HV_EXIT_OK;
}

int hv_cmd_trust(struct hv_cli *cli) {
        bool ledger = hv_option_is_given(&cli->options, HV_OPT_LEDGER);
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        int r = hv_cli_get(cli, ledger ? LEDGER_PATH : "/api/v1/trust", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (format != HV_OUTPUT_TABLE)
                hv_output_document(cli, j, format);
        else if (!ledger)
                (void) printf("%d (%s)\n", (int) hv_json_int(j, "score", 0), hv_json_str(j, "group"));
        else if (hv_json_size(hv_json_get(j, "items")) > 0)
                return print_ledger(cli, j);
        else
                hv_cli_note(cli, "nothing has changed the score yet");
        return HV_EXIT_OK;
}

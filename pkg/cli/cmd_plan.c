/* hivectl plan: what would be done. Nothing is changed, and the engine sees GET and HEAD only. */
#include "cli/change.h"
#include "cli/output.h"

static void print_steps(struct hv_cli *cli, const struct hv_json *steps) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "ACTION", 0);
        hv_table_column(t, "OBJECT", HV_TABLE_CUT_START);
        hv_table_column(t, "NAME", HV_TABLE_CUT_START);
        hv_table_column(t, "WHY", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(steps); i++) {
                const struct hv_json *s = hv_json_at(steps, i);

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(s, "action"));
                hv_table_cell(t, hv_json_str(s, "object"));
                hv_table_cell(t, hv_json_str(s, "name"));
                hv_table_cell(t, hv_json_str(s, "why"));
        }
        hv_output_table(cli, t);
}

int hv_cmd_plan(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {}, changes = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        const struct hv_json *steps;
        bool pending;
        int r = hv_change_body(cli, &body);

        if (r != HV_EXIT_OK)
                return r;
        r = hv_cli_post(cli, "/api/v1/plan", body.len > 0 ? &body : NULL, &j);
        if (hv_output_is_document(format)) {
                if (j)
                        hv_output_document(cli, j, format);
        } else if (j)
                hv_change_findings(cli, j);
        if (r != HV_EXIT_OK)
                return r;
        pending = hv_json_bool(j, "pending", false);
        if (hv_output_is_document(format))
                return pending ? HV_EXIT_PENDING : HV_EXIT_OK;

        hv_change_list(j, cli->color, &changes);
        (void) fputs(hv_buf_str(&changes), stdout);
        steps = hv_json_get(j, "steps");
        if (hv_json_size(steps) > 0) {
                if (changes.len > 0)
                        (void) putchar('\n');
                print_steps(cli, steps);
        }
        if (hv_json_bool(j, "parked", false))
                hv_cli_note(
                        cli,
                        "the guard would park this: it removes %d of %d objects, and needs --accept-prune",
                        (int) hv_json_int(j, "removals", 0), (int) hv_json_int(j, "existing", 0));
        hv_cli_note_orders(cli, hv_json_get(j, "orders"));
        if (!pending)
                hv_cli_note(cli, "nothing is to be done");
        return pending ? HV_EXIT_PENDING : HV_EXIT_OK;
}

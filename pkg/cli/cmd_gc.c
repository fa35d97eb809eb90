/* hivectl gc: a round of garbage collection now, or with --dry-run what one would remove. */
#include "base/quantity.h"
#include "cli/cli_internal.h"
#include "cli/output.h"

static void print_steps(struct hv_cli *cli, const struct hv_json *steps, bool dry_run) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "WHAT", 0);
        hv_table_column(t, "NAME", HV_TABLE_CUT_START);
        hv_table_column(t, dry_run ? "AT MOST" : "FREED", HV_TABLE_RIGHT);
        hv_table_column(t, "WHY", HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(steps); i++) {
                const struct hv_json *s = hv_json_at(steps, i);
                uint64_t bytes = (uint64_t) hv_json_int(s, "bytes", 0);
                char size[HV_QUANTITY_SIZE];

                hv_quantity_format_bytes(bytes, size);
                hv_table_row(t);
                hv_table_cell(t, hv_json_str(s, "what"));
                hv_table_cell(t, hv_json_str(s, "name"));
                hv_table_cell(t, dry_run && bytes == 0 ? "-" : size);
                hv_table_cell(t, hv_json_str(s, "why"));
        }
        hv_output_table(cli, t);
}

static void note_disk(struct hv_cli *cli, const struct hv_json *j) {
        const struct hv_json *disk = hv_json_get(j, "disk");
        uint64_t total = (uint64_t) hv_json_int(disk, "totalBytes", 0);
        uint64_t used = total - (uint64_t) hv_json_int(disk, "freeBytes", 0);

        if (total > 0)
                hv_cli_note(cli, "the engine's disk is used to %llu %% (gc.disk: high %lld %%, low %lld %%)",
                            (unsigned long long) ((used * 100 + total - 1) / total),
                            (long long) hv_json_int(disk, "highPercent", 0),
                            (long long) hv_json_int(disk, "lowPercent", 0));
        if (hv_json_bool(j, "stuck", false))
                hv_cli_note(
                        cli,
                        "nothing more may be collected: the rest is used, pinned, needed by a revision, too young, "
                        "or not hivelet's");
}

int hv_cmd_gc(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        bool dry_run = hv_option_is_given(&cli->options, HV_OPT_DRY_RUN);
        const struct hv_json *steps;
        int r = dry_run ? hv_cli_get(cli, "/api/v1/gc", &j) : hv_cli_post(cli, "/api/v1/gc", NULL, &j);

        if (hv_output_is_document(format)) {
                if (j)
                        hv_output_document(cli, j, format);
                return r;
        }
        if (r != HV_EXIT_OK)
                return r;
        steps = hv_json_get(j, "steps");
        if (hv_json_size(steps) > 0)
                print_steps(cli, steps, dry_run);
        else
                hv_cli_note(cli, dry_run ? "nothing would be removed" : "nothing was to be removed");
        note_disk(cli, j);
        return HV_EXIT_OK;
}

/* hivectl sources, hivectl revisions: lists of what is no object. */
#include "cli/cli_internal.h"

#include "cli/output.h"

#define REVISION_SHOWN 12 /* digits of a revision in a table */

int hv_cmd_sources(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        const struct hv_json *items;
        int r = hv_cli_get(cli, "/api/v1/sources", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        hv_table_column(t, "NAME", 0);
        hv_table_column(t, "STATE", 0);
        hv_table_column(t, "OBJECTS", HV_TABLE_RIGHT);
        hv_table_column(t, "REVISION", HV_TABLE_CUT);
        hv_table_column(t, "READ", HV_TABLE_RIGHT);
        hv_table_column(t, "LOCATION", HV_TABLE_CUT_START);
        hv_table_column(t, "ERROR", HV_TABLE_CUT);
        if (format == HV_OUTPUT_WIDE) {
                hv_table_column(t, "TYPE", 0);
                hv_table_column(t, "FAILURES", HV_TABLE_RIGHT);
        }
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *s = hv_json_at(items, i);
                const char *revision = hv_json_str(s, "revision");
                char age[HV_AGE_SIZE];

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(s, "name"));
                hv_table_cell(t, hv_json_str(s, "state"));
                hv_table_cellf(t, "%d", (int) hv_json_int(s, "objects", 0));
                hv_table_cellf(t, "%.*s", REVISION_SHOWN, revision ? revision : "");
                hv_table_cell(t, hv_output_age(hv_json_str(s, "readAt"), age));
                hv_table_cell(t, hv_json_str(s, "location"));
                hv_table_cell(t, hv_json_str(s, "error"));
                if (format == HV_OUTPUT_WIDE) {
                        hv_table_cell(t, hv_json_str(s, "type"));
                        hv_table_cellf(t, "%d", (int) hv_json_int(s, "failures", 0));
                }
        }
        hv_output_table(cli, t);
        return HV_EXIT_OK;
}

int hv_cmd_revisions(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        const struct hv_json *items;
        int r = hv_cli_get(cli, "/api/v1/revisions", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        items = hv_json_get(j, "items");
        hv_table_column(t, "REVISION", 0);
        hv_table_column(t, "STATE", 0);
        hv_table_column(t, "SINCE", HV_TABLE_RIGHT);
        hv_table_column(t, "OBJECTS", HV_TABLE_RIGHT);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *s = hv_json_at(items, i);
                const char *revision = hv_json_str(s, "revision");
                char age[HV_AGE_SIZE];

                if (format == HV_OUTPUT_NAME) {
                        (void) printf("%s\n", revision);
                        continue;
                }
                hv_table_row(t);
                hv_table_cellf(t, "%.*s", format == HV_OUTPUT_WIDE ? 64 : REVISION_SHOWN,
                               revision ? revision : "");
                hv_table_cell(t, hv_json_str(s, "state"));
                hv_table_cell(t, hv_output_age(hv_json_str(s, "since"), age));
                hv_table_cellf(t, "%d", (int) hv_json_int(s, "objects", 0));
        }
        if (hv_json_size(items) == 0)
                hv_cli_note(cli, "there are no revisions");
        else if (format != HV_OUTPUT_NAME)
                hv_output_table(cli, t);
        return HV_EXIT_OK;
}

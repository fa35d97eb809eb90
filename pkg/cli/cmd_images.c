/* hivectl images: what the engine holds, and why it stays. */
#include "base/quantity.h"
#include "cli/cli_internal.h"
#include "cli/output.h"

#define ID_SHOWN 19 /* "sha256:" and 12 digits */

static void cell_users(struct hv_table *t, const struct hv_json *users) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        for (size_t i = 0; i < hv_json_size(users); i++)
                hv_buf_printf(&text, "%s%s", i ? "," : "", hv_json_as_str(hv_json_at(users, i)));
        hv_table_cell(t, hv_buf_str(&text));
}

static void put_row(struct hv_table *t, const struct hv_json *i, bool wide) {
        const char *id = hv_json_str(i, "id"), *name = hv_json_str(i, "name");
        char size[HV_QUANTITY_SIZE], age[HV_AGE_SIZE];

        hv_quantity_format_bytes((uint64_t) hv_json_int(i, "sizeBytes", 0), size);
        hv_table_row(t);
        if (name)
                hv_table_cell(t, hv_output_image(name));
        else
                hv_table_cellf(t, "%.*s", ID_SHOWN, id ? id : "");
        hv_table_cell(t, size);
        hv_table_cell(t, hv_output_age(hv_json_str(i, "createdAt"), age));
        cell_users(t, hv_json_get(i, "usedBy"));
        hv_table_cell(t, hv_json_bool(i, "pinned", false) ? "yes" : "no");
        hv_table_cell(t, hv_json_bool(i, "kept", true) ? "yes" : "no");
        hv_table_cell(t, hv_json_str(i, "why"));
        if (wide) {
                hv_table_cell(t, hv_json_bool(i, "brought", false) ? "yes" : "no");
                hv_table_cell(t, id);
        }
}

int hv_cmd_images(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *items;
        bool wide = format == HV_OUTPUT_WIDE;
        int r = hv_cli_get(cli, "/api/v1/node/images", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        hv_table_column(t, "NAME", HV_TABLE_CUT_START);
        hv_table_column(t, "SIZE", HV_TABLE_RIGHT);
        hv_table_column(t, "AGE", HV_TABLE_RIGHT);
        hv_table_column(t, "USED BY", HV_TABLE_CUT);
        hv_table_column(t, "PINNED", 0);
        hv_table_column(t, "STAYS", 0);
        hv_table_column(t, "WHY", HV_TABLE_CUT);
        if (wide) {
                hv_table_column(t, "BROUGHT", 0);
                hv_table_column(t, "ID", 0);
        }
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < hv_json_size(items); i++)
                put_row(t, hv_json_at(items, i), wide);
        if (hv_json_size(items) == 0)
                hv_cli_note(cli, "the engine holds no images");
        else
                hv_output_table(cli, t);
        hv_cli_note_preloads(cli);
        return HV_EXIT_OK;
}

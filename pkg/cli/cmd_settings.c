/* hivectl settings: what the node is set to, and which line, variable or flag says so. */
#include "cli/cli_internal.h"

#include "base/text.h"
#include "cli/output.h"
#include "json/write.h"

/* "http" has "http.listen" below it. */
static bool is_below(const char *field, const char *of) {
        size_t n = strlen(of);

        return strncmp(field, of, n) == 0 && (!field[n] || field[n] == '.');
}

static bool is_wanted(const struct hv_cli_options *o, const struct hv_json *s) {
        if (hv_option_is_given(o, HV_OPT_WRITTEN) && hv_streq(hv_json_str(s, "origin"), "default"))
                return false;
        return o->n_args == 0 || is_below(hv_json_str(s, "field"), o->args[0]);
}

static int no_such_setting(struct hv_cli *cli, const struct hv_json *settings) {
        const char *wished = cli->options.args[0];
        struct hv_suggestion near = { .text = wished };
        char quoted[HV_TEXT_QUOTE_SIZE];

        for (size_t i = 0; i < hv_json_size(settings); i++)
                hv_suggestion_add(&near, hv_json_str(hv_json_at(settings, i), "field"));
        hv_text_quote(wished, quoted);
        if (near.best)
                return hv_cli_fail(cli, HV_EXIT_NOT_FOUND, "there is no setting %s; did you mean %s?", quoted,
                                   near.best);
        return hv_cli_fail(cli, HV_EXIT_NOT_FOUND, "there is no setting %s; hivectl settings lists them",
                           quoted);
}

static void cell_value(struct hv_table *t, const struct hv_json *s, const char *key) {
        const struct hv_json *value = hv_json_get(s, key);
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (!value || hv_json_type(value) == HV_JSON_NULL) {
                hv_table_cell(t, NULL);
                return;
        }
        if (hv_json_type(value) == HV_JSON_STR) {
                hv_table_cell(t, hv_json_str(s, key));
                return;
        }
        hv_json_put_json(&w, NULL, value);
        hv_table_cell(t, hv_buf_str(&buf));
}

static void put_table(struct hv_cli *cli, const struct hv_json *settings, bool is_wide) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "SETTING", HV_TABLE_CUT_START);
        hv_table_column(t, "VALUE", HV_TABLE_CUT);
        hv_table_column(t, "FROM", 0);
        hv_table_column(t, "WHERE", HV_TABLE_CUT_START);
        if (is_wide) {
                hv_table_column(t, "DEFAULT", HV_TABLE_CUT);
                hv_table_column(t, "MEANING", HV_TABLE_CUT);
        }
        for (size_t i = 0; i < hv_json_size(settings); i++) {
                const struct hv_json *s = hv_json_at(settings, i);

                if (!is_wanted(&cli->options, s))
                        continue;
                hv_table_row(t);
                hv_table_cell(t, hv_json_str(s, "field"));
                cell_value(t, s, "value");
                hv_table_cell(t, hv_json_str(s, "origin"));
                hv_table_cell(t, hv_json_str(s, "where"));
                if (is_wide) {
                        cell_value(t, s, "default");
                        hv_table_cell(t, hv_json_str(s, "doc"));
                }
        }
        hv_output_table(cli, t);
}

/* As other lists are: the settings are its items. */
static void put_document(struct hv_cli *cli, const struct hv_json *answer, const struct hv_json *settings,
                         enum hv_output_format format) {
        _hv_cleanup_(hv_json_freep) struct hv_json *list = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "SettingList");
        hv_json_put_str(&w, "nodeId", hv_json_str(answer, "node_id"));
        hv_json_put_str(&w, "file", hv_json_str(answer, "file"));
        hv_json_put_str(&w, "revision", hv_json_str(answer, "revision"));
        hv_json_begin_array(&w, "items");
        for (size_t i = 0; i < hv_json_size(settings); i++)
                if (is_wanted(&cli->options, hv_json_at(settings, i)))
                        hv_json_put_json(&w, NULL, hv_json_at(settings, i));
        hv_json_end(&w);
        hv_json_end(&w);
        if (hv_json_parse(buf.data, buf.len, SIZE_MAX, &list, NULL) == 0)
                hv_output_document(cli, list, format);
}

int hv_cmd_settings(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        size_t n_below = 0, n_wanted = 0;
        const struct hv_json *settings;
        int r = hv_cli_get(cli, "/api/settings", &j);

        if (r != HV_EXIT_OK)
                return r;
        settings = hv_json_get(j, "settings");
        for (size_t i = 0; i < hv_json_size(settings); i++) {
                const struct hv_json *s = hv_json_at(settings, i);

                n_below += o->n_args == 0 || is_below(hv_json_str(s, "field"), o->args[0]);
                n_wanted += is_wanted(o, s);
        }
        if (n_below == 0)
                return no_such_setting(cli, settings);
        if (hv_output_is_document(format))
                put_document(cli, j, settings, format);
        else if (n_wanted == 0)
                hv_cli_note(cli, "nobody wrote any: they are the defaults");
        else
                put_table(cli, settings, format == HV_OUTPUT_WIDE);
        return HV_EXIT_OK;
}

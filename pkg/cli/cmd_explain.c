/* hivectl explain: the documentation of a field, from the table that also reads it; and who set it, from the agent. */
#include "cli/cli_internal.h"

#include "base/text.h"
#include "cli/output.h"
#include "spec/schema.h"

static void put_field_line(struct hv_table *t, const struct hv_field *f) {
        hv_table_row(t);
        hv_table_cellf(t, "%s%s", f->name, f->required ? "*" : "");
        hv_table_cell(t, hv_field_type_name(f));
        hv_table_cell(t, f->value);
        hv_table_cell(t, f->doc);
}

static void print_fields(struct hv_cli *cli, const struct hv_schema *s) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();

        hv_table_column(t, "FIELD", 0);
        hv_table_column(t, "TYPE", 0);
        hv_table_column(t, "DEFAULT", 0);
        hv_table_column(t, "MEANING", HV_TABLE_CUT);
        for (size_t i = 0; i < s->n_fields; i++)
                put_field_line(t, &s->fields[i]);
        (void) putchar('\n');
        hv_output_table(cli, t);
}

static void put_row(struct hv_buf *buf, const char *label, const char *text) {
        if (!hv_str_empty(text))
                hv_buf_printf(buf, "  %-9s %s\n", label, text);
}

static void put_words(struct hv_buf *buf, const struct hv_field *f) {
        if (!f->words)
                return;
        hv_buf_printf(buf, "  %-9s ", "one of");
        for (size_t i = 0; f->words[i]; i++)
                hv_buf_printf(buf, "%s%s", i > 0 ? ", " : "", f->words[i]);
        hv_buf_putc(buf, '\n');
}

static void put_groups(struct hv_buf *buf, const struct hv_schema *s) {
        for (size_t i = 0; i < s->n_groups; i++) {
                const struct hv_group *g = &s->groups[i];

                hv_buf_printf(buf, "  %-9s %s of: ", "rule",
                              g->exclusive && g->needed ? "exactly one"
                              : g->exclusive            ? "at most one"
                                                        : "at least one");
                for (size_t j = 0; g->names[j]; j++)
                        hv_buf_printf(buf, "%s%s", j > 0 ? ", " : "", g->names[j]);
                hv_buf_putc(buf, '\n');
        }
}

static void explain_field(struct hv_cli *cli, const char *path, const struct hv_field *f) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        hv_buf_printf(&buf, "%s: %s\n  %s\n\n", path, hv_field_type_name(f), f->doc);
        put_words(&buf, f);
        put_row(&buf, "form", hv_format_name(f->format));
        put_row(&buf, "default", f->value);
        put_row(&buf, "required", f->required ? "yes" : NULL);
        put_row(&buf, "example", f->example);
        put_row(&buf, "instead", f->deprecated);
        if (f->cost != HV_COST_NONE)
                put_row(&buf, "change", hv_cost_name(f->cost));
        put_row(&buf, "note", f->planned ? "checked, but not acted on by this version (W040)" : NULL);
        if (f->schema)
                put_groups(&buf, f->schema);
        hv_output_text(cli, &buf);
        if (f->schema)
                print_fields(cli, f->schema);
}

/* The nearest field, where only the last part of the path is wrong. */
static int not_found(struct hv_cli *cli, const char *path) {
        char quoted[HV_TEXT_QUOTE_SIZE], parent[256];
        const char *dot = strrchr(path, '.'), *last = dot ? dot + 1 : path;
        const struct hv_schema *s = hv_schema_of(HV_KIND_NODESTATE);
        struct hv_suggestion near = { .text = last };

        if (dot && (size_t) (dot - path) < sizeof parent) {
                const struct hv_field *f;
                enum hv_kind kind;

                (void) snprintf(parent, sizeof parent, "%.*s", (int) (dot - path), path);
                kind = hv_kind_parse(parent);
                f = hv_schema_find(parent, NULL);
                s = kind != HV_KIND_NONE && !f ? hv_schema_of(kind) : f ? f->schema : NULL;
        }
        for (size_t i = 0; s && i < s->n_fields; i++)
                hv_suggestion_add(&near, s->fields[i].name);
        if (near.best)
                return hv_cli_fail(cli, HV_EXIT_NOT_FOUND, "there is no field %s; did you mean %.*s%s?",
                                   hv_text_quote(path, quoted), (int) (last - path), path, near.best);
        return hv_cli_fail(cli, HV_EXIT_NOT_FOUND,
                           "there is no field %s; hivectl explain lists the first ones",
                           hv_text_quote(path, quoted));
}

/* A whole kind: what its documents hold. */
static void explain_kind(struct hv_cli *cli, enum hv_kind kind) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        const struct hv_schema *s = hv_schema_of(kind);

        hv_buf_printf(&buf, "%s: %s\n", hv_kind_name(kind), s->doc);
        put_groups(&buf, s);
        hv_output_text(cli, &buf);
        print_fields(cli, s);
        hv_cli_note(cli, "\n* required. More: hivectl explain %s",
                    kind == HV_KIND_NODESTATE ? "services.ports" : "PATH");
}

/* ---- who set it ---- */

static void put_value(struct hv_buf *buf, const char *label, const struct hv_json *value) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        if (hv_json_as_str(value))
                hv_buf_puts(&text, hv_json_as_str(value));
        else if (hv_json_type(value) != HV_JSON_NULL)
                hv_json_dump(value, &text);
        put_row(buf, label, hv_buf_str(&text));
}

static void put_origin(struct hv_buf *buf, const struct hv_json *j) {
        const char *file = hv_json_str(j, "file"), *by = hv_json_str(j, "by");

        hv_buf_printf(buf, "  %-9s ", "set by");
        if (file)
                hv_buf_printf(buf, "%s:%d:%d\n", file, (int) hv_json_int(j, "line", 0),
                              (int) hv_json_int(j, "column", 0));
        else if (by)
                hv_buf_printf(buf, "%s%s\n", hv_streq(hv_json_str(j, "origin"), "variable") ? "$" : "", by);
        else
                hv_buf_puts(buf, "nobody: the default\n");
}

static int explain_origin(struct hv_cli *cli, const char *word) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {}, text = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_cli_object object;
        int r = word ? hv_cli_object(cli, word, NULL, &object)
                     : hv_cli_usage(cli, "of which object? hivectl explain service/web --field %s",
                                    cli->options.field);

        if (r != HV_EXIT_OK)
                return r;
        if (!object.name)
                return hv_cli_usage(cli, "which %s? hivectl explain %s/NAME --field %s",
                                    hv_kind_label(object.kind), hv_kind_label(object.kind),
                                    cli->options.field);
        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(object.kind));
        hv_cli_escape_path(&path, object.name);
        hv_buf_puts(&path, "/origin?field=");
        hv_cli_escape_path(&path, cli->options.field);
        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r != HV_EXIT_OK)
                return r;
        hv_buf_printf(&text, "%s/%s %s: %s\n", hv_kind_label(object.kind), object.name, cli->options.field,
                      hv_json_str(j, "type"));
        put_value(&text, "value", hv_json_get(j, "value"));
        put_origin(&text, j);
        put_value(&text, "default", hv_json_get(j, "default"));
        hv_output_text(cli, &text);
        return HV_EXIT_OK;
}

/* "svc.ports" and "service.spec.ports" are "Service.ports": a type by any of its names, as elsewhere. `path` where it is none of these. */
static const char *of_kind(const char *path, char *buf, size_t size) {
        static const char spec[] = "spec.";
        const char *rest = strchr(path, '.');
        char type[40];
        enum hv_kind kind;

        if (!rest || hv_schema_find(path, NULL))
                return path;
        (void) snprintf(type, sizeof type, "%.*s", (int) HV_MIN((size_t) (rest - path), sizeof type - 1),
                        path);
        kind = hv_kind_parse(type);
        rest++;
        if (kind == HV_KIND_NONE || hv_schema_find(type, NULL))
                return path;
        if (strncmp(rest, spec, sizeof spec - 1) == 0)
                rest += sizeof spec - 1;
        (void) snprintf(buf, size, "%s.%s", hv_kind_name(kind), rest);
        return buf;
}

int hv_cmd_explain(struct hv_cli *cli) {
        const char *path = cli->options.n_args > 0 ? cli->options.args[0] : "spec";
        const struct hv_field *f;
        char whole[256];

        if (hv_option_is_given(&cli->options, HV_OPT_FIELD))
                return explain_origin(cli, cli->options.n_args > 0 ? path : NULL);
        path = of_kind(path, whole, sizeof whole);
        f = hv_schema_find(path, NULL);
        if (strchr(path, '/'))
                return hv_cli_usage(cli, "which field of it? hivectl explain %s --field image", path);
        if (f)
                explain_field(cli, path, f);
        else if (hv_streq(path, "spec"))
                explain_kind(cli, HV_KIND_NODESTATE);
        else if (hv_kind_parse(path) != HV_KIND_NONE)
                explain_kind(cli, hv_kind_parse(path));
        else
                return not_found(cli, path);
        return HV_EXIT_OK;
}

/* hivectl history: what came into force when, by whom, and what it changed. */
#include "cli/change.h"
#include "cli/output.h"
#include "json/write.h"

#define REVISION_SHOWN 12
#define EVENTS_SHOWN "20"

/* What the tables and the document are made of. */
struct history {
        struct hv_cli *cli;
        const struct hv_cli_object *object; /* NULL: all */
        struct hv_table *table;
        struct hv_buf document;
        struct hv_json_writer writer;
        size_t n;
};

static bool touches(const struct hv_json *changes, const struct hv_cli_object *o) {
        for (size_t i = 0; i < hv_json_size(changes); i++) {
                const struct hv_json *c = hv_json_at(changes, i);

                if (hv_kind_parse(hv_json_str(c, "kind")) == o->kind &&
                    hv_streq(hv_json_str(c, "name"), o->name))
                        return true;
        }
        return false;
}

/* "+service/web ~network/net" */
static void put_changes(struct hv_buf *text, const struct hv_json *revision,
                        const struct hv_cli_object *object) {
        const struct hv_json *changes = hv_json_get(revision, "changes");

        if (!changes)
                hv_buf_puts(text, "not known: the revision before it is not kept");
        for (size_t i = 0; i < hv_json_size(changes); i++) {
                const struct hv_json *c = hv_json_at(changes, i);
                const char *change = hv_json_str(c, "change"), *name = hv_json_str(c, "name");
                enum hv_kind kind = hv_kind_parse(hv_json_str(c, "kind"));

                if (object && (kind != object->kind || !hv_streq(name, object->name)))
                        continue;
                hv_buf_printf(text, "%s%s%s/%s", text->len ? " " : "",
                              hv_streq(change, "added")     ? "+"
                              : hv_streq(change, "removed") ? "-"
                                                            : "~",
                              hv_kind_label(kind), name ? name : "");
        }
        if (text->len == 0)
                hv_buf_puts(text, "no object: settings of the node");
}

static void put_row(struct history *h, const struct hv_json *revision) {
        bool wide = hv_cli_output(h->cli, HV_OUTPUT_TABLE) == HV_OUTPUT_WIDE;
        const char *id = hv_json_str(revision, "revision"), *since = hv_json_str(revision, "since"),
                   *by = hv_json_str(revision, "by");
        _hv_cleanup_(hv_buf_done) struct hv_buf changes = {};
        char when[HV_AGE_SIZE];

        put_changes(&changes, revision, h->object);
        hv_table_row(h->table);
        hv_table_cell(h->table, wide ? hv_output_instant(since, when) : hv_output_age(since, when));
        hv_table_cellf(h->table, "%.*s", wide ? 64 : REVISION_SHOWN, id ? id : "");
        hv_table_cell(h->table, hv_json_str(revision, "state"));
        hv_table_cell(h->table, by);
        hv_table_cell(h->table, hv_buf_str(&changes));
}

static int add_revision(struct history *h, const struct hv_json *listed) {
        _hv_cleanup_(hv_json_freep) struct hv_json *revision = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        int r;

        if (hv_streq(hv_json_str(listed, "state"), "Parked"))
                return HV_EXIT_OK; /* it never was in force */
        hv_buf_puts(&path, "/api/v1/revisions/");
        hv_cli_escape_path(&path, hv_json_str(listed, "revision"));
        r = hv_cli_get(h->cli, hv_buf_str(&path), &revision);
        if (r != HV_EXIT_OK)
                return r;
        if (h->object && !touches(hv_json_get(revision, "changes"), h->object))
                return HV_EXIT_OK;
        h->n++;
        hv_json_put_json(&h->writer, NULL, revision);
        put_row(h, revision);
        return HV_EXIT_OK;
}

static int get_events(struct hv_cli *cli, const struct hv_cli_object *o, struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(o->kind));
        hv_cli_escape_path(&path, o->name);
        hv_buf_puts(&path, "/events?tail=" EVENTS_SHOWN);
        return hv_cli_get(cli, hv_buf_str(&path), ret);
}

static void print_events(struct hv_cli *cli, const struct hv_json *events) {
        const struct hv_json *items = hv_json_get(events, "items");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *e = hv_json_at(items, i);
                char when[HV_AGE_SIZE];

                hv_buf_printf(&text, "%s%s %s: %s\n", i ? "" : "\n",
                              hv_output_instant(hv_json_str(e, "time"), when), hv_json_str(e, "event"),
                              hv_json_str(e, "message"));
        }
        hv_output_text(cli, &text);
}

static int show(struct history *h, const struct hv_json *revisions) {
        enum hv_output_format format = hv_cli_output(h->cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *events = NULL, *document = NULL;
        const struct hv_json *items = hv_json_get(revisions, "items");
        int r = h->object ? get_events(h->cli, h->object, &events) : HV_EXIT_OK;

        hv_table_column(h->table, format == HV_OUTPUT_WIDE ? "TIME" : "AGE", 0);
        hv_table_column(h->table, "REVISION", 0);
        hv_table_column(h->table, "STATE", 0);
        hv_table_column(h->table, "BY", 0);
        hv_table_column(h->table, "CHANGES", HV_TABLE_CUT);
        hv_json_begin_object(&h->writer, NULL);
        hv_json_begin_array(&h->writer, "items");
        for (size_t i = 0; i < hv_json_size(items) && r == HV_EXIT_OK; i++)
                r = add_revision(h, hv_json_at(items, i));
        hv_json_end(&h->writer);
        if (events)
                hv_json_put_json(&h->writer, "events", hv_json_get(events, "items"));
        hv_json_end(&h->writer);
        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                if (hv_json_parse(h->document.data, h->document.len, HV_JSON_MAX_BYTES, &document, NULL) == 0)
                        hv_output_document(h->cli, document, format);
                return HV_EXIT_OK;
        }
        if (h->n == 0)
                hv_cli_note(h->cli, h->object ? "no revision that is kept is known to have changed it"
                                              : "there are no revisions");
        else
                hv_output_table(h->cli, h->table);
        if (events)
                print_events(h->cli, events);
        return HV_EXIT_OK;
}

int hv_cmd_history(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_table_freep) struct hv_table *table = hv_table_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *revisions = NULL;
        struct history h = { .cli = cli, .table = table };
        struct hv_cli_object object;
        int r = HV_EXIT_OK;

        if (o->n_args > 0) {
                r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
                if (r == HV_EXIT_OK && !object.name)
                        r = hv_cli_usage(cli, "which %s? For example: hivectl history %s/NAME",
                                         hv_kind_label(object.kind), hv_kind_label(object.kind));
                h.object = &object;
        }
        if (r == HV_EXIT_OK)
                r = hv_cli_get(cli, "/api/v1/revisions", &revisions);
        h.writer.buf = &h.document;
        if (r == HV_EXIT_OK)
                r = show(&h, revisions);
        hv_buf_done(&h.document);
        return r;
}

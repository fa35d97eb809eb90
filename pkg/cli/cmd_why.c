/* hivectl why: what is wished, what is seen, what is in the way, what happens next. */
#include "cli/cli_internal.h"

#include "cli/output.h"

static void put_label(struct hv_buf *buf, const char *label, const char *text) {
        if (text)
                hv_buf_printf(buf, "  %-9s %s\n", label, text);
}

static void put_unit(struct hv_buf *buf, const struct hv_json *u) {
        const char *blocking = hv_json_str(u, "blocking"), *next = hv_json_str(u, "next");
        int64_t restarts = hv_json_int(u, "restarts", 0);

        hv_buf_printf(buf, "  %-9s %s", "seen", hv_json_str(u, "seen"));
        if (restarts > 0)
                hv_buf_printf(buf, ", after %lld %s", (long long) restarts,
                              restarts == 1 ? "restart" : "restarts");
        hv_buf_putc(buf, '\n');
        put_label(buf, "blocking", blocking);
        put_label(buf, "next", next);
}

void hv_why_text(const struct hv_json *j, struct hv_buf *buf) {
        const struct hv_json *units = hv_json_get(j, "units"), *notes = hv_json_get(j, "node");
        const char *kind = hv_kind_label(hv_kind_parse(hv_json_str(j, "kind"))),
                   *name = hv_json_str(j, "name");
        enum hv_json_type in_sync = hv_json_type(hv_json_get(j, "inSync"));

        hv_buf_printf(buf, "%s/%s %s\n", kind, name ? name : "",
                      in_sync != HV_JSON_BOOL            ? "is declared, and nothing acts on it"
                      : hv_json_bool(j, "inSync", false) ? "is as wished"
                                                         : "is not as wished");
        put_label(buf, "wanted", hv_json_str(j, "wanted"));
        put_label(buf, "declared", hv_json_str(j, "declaredAt"));
        for (size_t i = 0; i < hv_json_size(units); i++)
                put_unit(buf, hv_json_at(units, i));
        put_label(buf, "seen", hv_json_str(j, "seen"));
        put_label(buf, "blocking", hv_json_str(j, "blocking"));
        put_label(buf, "next", hv_json_str(j, "next"));
        for (size_t i = 0; i < hv_json_size(notes); i++)
                put_label(buf, "node", hv_json_as_str(hv_json_at(notes, i)));
}

static void node_text(const struct hv_json *j, struct hv_buf *buf) {
        const struct hv_json *items = hv_json_get(j, "items"), *notes = hv_json_get(j, "node"),
                             *caps = hv_json_get(j, "caps");

        hv_buf_printf(buf, "node %s %s\n", hv_json_str(j, "name"),
                      hv_json_bool(j, "inSync", false) ? "is as wished" : "is not as wished");
        if (!hv_json_bool(j, "inSync", false))
                hv_buf_printf(buf, "  %-9s %s: %s\n", "blocking", hv_json_str(j, "reason"),
                              hv_json_str(j, "message"));
        for (size_t i = 0; i < hv_json_size(notes); i++)
                put_label(buf, "node", hv_json_as_str(hv_json_at(notes, i)));
        for (size_t i = 0; i < hv_json_size(caps); i++)
                put_label(buf, "caps", hv_json_as_str(hv_json_at(caps, i)));
        for (size_t i = 0; i < hv_json_size(items); i++) {
                hv_buf_putc(buf, '\n');
                hv_why_text(hv_json_at(items, i), buf);
        }
}

int hv_cmd_why(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {}, text = {};
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        struct hv_cli_object object = {};
        int r;

        if (o->n_args > 0 && !(o->n_args == 1 && hv_streq(o->args[0], "node"))) {
                r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
                if (r != HV_EXIT_OK)
                        return r;
                if (!object.name)
                        return hv_cli_usage(cli, "which %s? For example: hivectl why %s/NAME",
                                            hv_kind_label(object.kind), hv_kind_label(object.kind));
                hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(object.kind));
                hv_cli_escape_path(&path, object.name);
                hv_buf_puts(&path, "/why");
        } else
                hv_buf_puts(&path, "/api/v1/why");

        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        if (object.name)
                hv_why_text(j, &text);
        else
                node_text(j, &text);
        hv_output_text(cli, &text);
        return HV_EXIT_OK;
}

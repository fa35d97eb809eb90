#include "cli/declared.h"

#include "cli/cli_internal.h"
#include "cli/output.h"
#include "json/write.h"
#include "json/yaml.h"

static void tell_withheld(struct hv_cli *cli, const struct hv_json *withheld) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};

        for (size_t i = 0; i < hv_json_size(withheld); i++)
                hv_buf_printf(&names, "%s%s", i > 0 ? ", " : "", hv_json_as_str(hv_json_at(withheld, i)));
        if (names.len > 0)
                hv_cli_note(cli, "not shown, and missing here: %s", hv_buf_str(&names));
}

int hv_cli_print_declared(struct hv_cli *cli, enum hv_kind kind, const char *name,
                          const struct hv_json *status) {
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = NULL, *last = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {}, text = {}, yaml = {};
        struct hv_json_writer w = { .buf = &text };
        int r;

        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(kind));
        hv_cli_escape_path(&path, name);
        hv_buf_puts(&path, "/document");
        r = hv_cli_get(cli, hv_buf_str(&path), &answer);
        if (r != HV_EXIT_OK)
                return r;
        hv_json_begin_object(&w, NULL);
        hv_json_put_json(&w, "status", status);
        hv_json_end(&w);
        hv_json_write_yaml(hv_json_get(answer, "document"), &yaml);
        if (hv_json_parse(hv_buf_str(&text), text.len, SIZE_MAX, &last, NULL) == 0)
                hv_json_write_yaml(last, &yaml);
        hv_output_text(cli, &yaml);
        tell_withheld(cli, hv_json_get(answer, "withheld"));
        return HV_EXIT_OK;
}

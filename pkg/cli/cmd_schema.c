/* hivectl schema: the JSON Schema of the documents. */
#include "cli/cli_internal.h"

#include "cli/output.h"
#include "schema/json_schema.h"

int hv_cmd_schema(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_err err = {};

        hv_json_schema_write(&text);
        if (hv_json_parse(text.data, text.len, SIZE_MAX, &j, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        hv_output_document(cli, j, HV_OUTPUT_JSON);
        return HV_EXIT_OK;
}

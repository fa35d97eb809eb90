/* hivectl ports: who listens where. */
#include "base/alloc.h"
#include "cli/cli_internal.h"
#include "cli/output.h"
#include "spec/value_net.h"

/* The agent's own: "127.0.0.1:5000", "[::1]:5000". */
static void put_agent(struct hv_table *t, const char *listen) {
        const char *colon = strrchr(listen, ':');
        _hv_cleanup_free_ char *address = NULL;
        struct hv_address a;
        bool is_bracketed = *listen == '[';
        size_t len;

        if (!colon)
                return;
        len = (size_t) (colon - listen);
        address = is_bracketed && len > 2 ? hv_strndup(listen + 1, len - 2) : hv_strndup(listen, len);
        hv_table_row(t);
        hv_table_cell(t, address);
        hv_table_cell(t, colon + 1);
        hv_table_cell(t, "tcp");
        hv_table_cell(t, "hivelet");
        hv_table_cell(t, "agent");
        hv_table_cell(t,
                      hv_address_parse(address, &a) && hv_address_is_loopback(&a) ? "loopback" : "reachable");
        hv_table_cell(t, "http.listen");
}

static void cell_number(struct hv_table *t, const struct hv_json *item, const char *key) {
        hv_table_cellf(t, "%d", (int) hv_json_int(item, key, 0));
}

static void put_port(struct hv_table *t, const struct hv_json *p) {
        const char *name = hv_json_str(p, "port"), *reach = hv_json_str(p, "reach");
        bool is_published = hv_streq(hv_json_str(p, "mode"), "published");

        hv_table_row(t);
        hv_table_cell(t, is_published ? hv_json_str(p, "address") : "*");
        if (!is_published)
                hv_table_cell(t, "*");
        else if (hv_json_int(p, "hostPort", 0) > 0)
                cell_number(t, p, "hostPort");
        else
                hv_table_cell(t, "any");
        hv_table_cell(t, is_published ? hv_json_str(p, "protocol") : "*");
        hv_table_cellf(t, "%s/%d", hv_json_str(p, "name"), (int) hv_json_int(p, "replica", 0));
        hv_table_cell(t, is_published ? "published" : "host network");
        hv_table_cell(t, reach ? reach : "no address yet");
        if (!is_published)
                hv_table_cell(t, NULL);
        else if (name)
                hv_table_cellf(t, "%d (%s)", (int) hv_json_int(p, "containerPort", 0), name);
        else
                cell_number(t, p, "containerPort");
}

int hv_cmd_ports(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *items;
        const char *listen;
        int r = hv_cli_get(cli, "/api/v1/exposure", &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        hv_table_column(t, "ADDRESS", 0);
        hv_table_column(t, "PORT", HV_TABLE_RIGHT);
        hv_table_column(t, "PROTOCOL", 0);
        hv_table_column(t, "SERVICE", HV_TABLE_CUT_START);
        hv_table_column(t, "MODE", 0);
        hv_table_column(t, "REACH", 0);
        hv_table_column(t, "INSIDE", HV_TABLE_CUT);
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < hv_json_size(items); i++)
                put_port(t, hv_json_at(items, i));
        listen = hv_json_str(j, "listen");
        if (listen)
                put_agent(t, listen);
        if (hv_json_size(items) == 0 && !listen)
                hv_cli_note(cli, "nothing is open to the outside");
        else
                hv_output_table(cli, t);
        return HV_EXIT_OK;
}

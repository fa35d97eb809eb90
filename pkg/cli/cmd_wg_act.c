/* hivectl wg rotate, ping. */
#include <stdio.h>

#include "cli/cli_internal.h"
#include "cli/output.h"
#include "cli/table.h"

/* NULL: told on standard error. */
static const char *wanted_name(struct hv_cli *cli) {
        const char *name = cli->options.n_args > 0 ? cli->options.args[0] : NULL;

        if (!name)
                (void) hv_cli_usage(cli, "which WireGuard interface? hivectl wg show lists them");
        else if (hv_has_prefix(name, "wireguard/"))
                name += strlen("wireguard/");
        return name;
}

static int post(struct hv_cli *cli, const char *name, const char *what, const char *peer,
                struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        hv_buf_puts(&path, "/api/v1/wireguard/");
        hv_cli_escape_path(&path, name);
        hv_buf_puts(&path, what);
        if (peer) {
                hv_buf_puts(&path, "?peer=");
                hv_cli_escape_path(&path, peer);
        }
        return hv_cli_post(cli, hv_buf_str(&path), NULL, ret);
}

/* The public key is data: ssh hub wg-change-peer $(hivectl wg rotate hive0 --prepare) */
int hv_cmd_wg_rotate(struct hv_cli *cli) {
        bool prepare = hv_option_is_given(&cli->options, HV_OPT_PREPARE);
        bool undo = hv_option_is_given(&cli->options, HV_OPT_UNDO);
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const char *name, *before;
        int r;

        if (prepare && undo)
                return hv_cli_usage(cli, "--prepare and --undo exclude each other");
        name = wanted_name(cli);
        if (!name)
                return HV_EXIT_USAGE;
        r = post(cli, name, prepare ? "/rotate?prepare=1" : undo ? "/rotate?undo=1" : "/rotate", NULL, &j);
        if (r != HV_EXIT_OK)
                return r;
        (void) printf("%s\n", hv_json_str(j, "publicKey"));
        before = hv_json_str(j, "before");
        if (prepare)
                hv_cli_note(
                        cli,
                        "the public key of %s will be this one: tell the other side, then hivectl wg rotate %s",
                        name, name);
        else if (!hv_json_bool(j, "changed", true))
                hv_cli_note(cli, "%s has the key that it had: where it comes from nothing else was found",
                            name);
        else
                hv_cli_note(
                        cli,
                        "on the other side this public key comes in the place of %s; until then nothing goes through "
                        "%s",
                        before ? before : "the old one", name);
        return HV_EXIT_OK;
}

static void show(struct hv_cli *cli, const struct hv_json *peers) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        char span[HV_AGE_SIZE];

        hv_table_column(t, "PEER", 0);
        hv_table_column(t, "ENDPOINT", 0);
        hv_table_column(t, "ADDRESS", 0);
        hv_table_column(t, "ANSWER", 0);
        hv_table_column(t, "TIME", HV_TABLE_RIGHT);
        hv_table_column(t, "HEARD", HV_TABLE_RIGHT);
        for (size_t i = 0; i < hv_json_size(peers); i++) {
                const struct hv_json *p = hv_json_at(peers, i), *time = hv_json_get(p, "roundTripMs");
                const char *at = hv_json_str(p, "handshakeAt"), *answer = hv_json_str(p, "answer");

                hv_table_row(t);
                hv_table_cell(t, hv_json_str(p, "name"));
                hv_table_cell(t, hv_json_str(p, "endpoint"));
                hv_table_cell(t, hv_json_str(p, "address"));
                hv_table_cell(t, hv_streq(answer, "Echo")        ? "echo"
                                 : hv_streq(answer, "Handshake") ? "handshake"
                                                                 : "none");
                if (hv_streq(answer, "Echo"))
                        hv_table_cellf(t, "%.1f ms", hv_json_as_real(time, 0));
                else
                        hv_table_cell(t, NULL);
                hv_table_cell(t, at ? hv_output_age(at, span) : "never");
        }
        hv_output_table(cli, t);
}

int hv_cmd_wg_ping(struct hv_cli *cli) {
        const char *name = wanted_name(cli), *peer = cli->options.n_args > 1 ? cli->options.args[1] : NULL;
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *peers;
        int r = name ? post(cli, name, "/ping", peer, &j) : HV_EXIT_USAGE;

        if (r != HV_EXIT_OK)
                return r;
        peers = hv_json_get(j, "peers");
        if (format != HV_OUTPUT_TABLE)
                hv_output_document(cli, j, format);
        else
                show(cli, peers);
        for (size_t i = 0; i < hv_json_size(peers); i++) {
                const char *message = hv_json_str(hv_json_at(peers, i), "message");

                if (format == HV_OUTPUT_TABLE && !hv_str_empty(message))
                        hv_cli_note(cli, "%s: %s", hv_json_str(hv_json_at(peers, i), "name"), message);
        }
        return hv_json_bool(j, "allAnswer", false) ? HV_EXIT_OK : HV_EXIT_ERROR;
}

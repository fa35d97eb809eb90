/* hivectl wg show, genkey, pubkey. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/secret.h"
#include "cli/cli_internal.h"
#include "cli/output.h"
#include "cli/table.h"
#include "wireguard/keypair.h"

static void add_rows(struct hv_table *t, const struct hv_json *item) {
        const char *name = hv_json_str(hv_json_get(item, "metadata"), "name");
        const struct hv_json *status = hv_json_get(item, "status"), *peers = hv_json_get(status, "peers");
        char span[HV_AGE_SIZE];

        for (size_t i = 0; i < hv_json_size(peers); i++) {
                const struct hv_json *p = hv_json_at(peers, i);
                const char *at = hv_json_str(p, "handshakeAt"), *fault = hv_json_str(p, "fault");

                hv_table_row(t);
                hv_table_cell(t, name);
                hv_table_cell(t, hv_json_str(p, "name"));
                hv_table_cell(t, fault ? fault : hv_json_str(p, "endpoint"));
                hv_table_cell(t, at ? hv_output_age(at, span) : "never");
                hv_table_cellf(t, "%llu", (unsigned long long) hv_json_int(p, "receivedBytes", 0));
                hv_table_cellf(t, "%llu", (unsigned long long) hv_json_int(p, "sentBytes", 0));
                hv_table_cell(t, hv_json_str(p, "publicKey"));
        }
}

static struct hv_table *new_table(void) {
        struct hv_table *t = hv_table_new();

        hv_table_column(t, "INTERFACE", 0);
        hv_table_column(t, "PEER", 0);
        hv_table_column(t, "ENDPOINT", 0);
        hv_table_column(t, "HEARD", HV_TABLE_RIGHT);
        hv_table_column(t, "RECEIVED", HV_TABLE_RIGHT);
        hv_table_column(t, "SENT", HV_TABLE_RIGHT);
        hv_table_column(t, "PUBLIC KEY", 0);
        return t;
}

static void introduce(const struct hv_json *item) {
        const struct hv_json *status = hv_json_get(item, "status");
        const char *key = hv_json_str(status, "publicKey"), *backend = hv_json_str(status, "backend");
        const char *message = hv_json_str(status, "message");

        (void) printf("%s: %s%s%s\n", hv_json_str(hv_json_get(item, "metadata"), "name"),
                      hv_json_str(status, "phase"), hv_str_empty(message) ? "" : ", ",
                      message ? message : "");
        if (key)
                (void) printf("  public key %s\n", key);
        if (backend)
                (void) printf("  port %d, %s\n", (int) hv_json_int(status, "listenPort", 0), backend);
}

int hv_cmd_wg_show(struct hv_cli *cli) {
        const char *name = cli->options.n_args > 0 ? cli->options.args[0] : NULL;
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_table_freep) struct hv_table *t = new_table();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        const struct hv_json *items;
        size_t n_peers = 0;
        int r;

        hv_buf_puts(&path, "/api/v1/wireguard");
        if (name) {
                hv_buf_puts(&path, "/");
                hv_cli_escape_path(&path,
                                   hv_has_prefix(name, "wireguard/") ? name + strlen("wireguard/") : name);
        }
        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r != HV_EXIT_OK)
                return r;
        if (format != HV_OUTPUT_TABLE) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < (name ? 1 : hv_json_size(items)); i++) {
                const struct hv_json *item = name ? j : hv_json_at(items, i);

                introduce(item);
                add_rows(t, item);
                n_peers += hv_json_size(hv_json_get(hv_json_get(item, "status"), "peers"));
        }
        if (n_peers > 0) {
                (void) printf("\n");
                hv_output_table(cli, t);
        } else if (!name && hv_json_size(items) == 0)
                hv_cli_note(cli, "no WireGuard interface is declared");
        return HV_EXIT_OK;
}

/* ---- keys ---- */

static void print_key(const unsigned char key[HV_WG_KEY_SIZE]) {
        char text[HV_WG_KEY_TEXT_SIZE];

        hv_base64_encode(key, HV_WG_KEY_SIZE, text);
        (void) printf("%s\n", text);
        explicit_bzero(text, sizeof text);
}

int hv_cmd_wg_genkey(struct hv_cli *cli) {
        unsigned char key[HV_WG_KEY_SIZE];
        struct hv_err err = {};

        if (hv_wg_private_key_make(key, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        if (isatty(STDOUT_FILENO))
                hv_cli_note(cli,
                            "this is a secret: hivectl wg genkey >FILE keeps it off the screen (umask 077)");
        print_key(key);
        explicit_bzero(key, sizeof key);
        return HV_EXIT_OK;
}

/* The private key comes by standard input: an argument would be seen by everybody. */
int hv_cmd_wg_pubkey(struct hv_cli *cli) {
        unsigned char key[HV_WG_KEY_SIZE], public[HV_WG_KEY_SIZE];
        char line[HV_WG_KEY_TEXT_SIZE + 2] = "";
        struct hv_fault fault = {};
        int r;

        if (isatty(STDIN_FILENO))
                hv_cli_note(cli, "reading the private key from standard input");
        (void) !fgets(line, sizeof line, stdin);
        line[strcspn(line, "\r\n")] = '\0';
        r = hv_value_wg_key(line, "private key", key, &fault);
        explicit_bzero(line, sizeof line);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR,
                                   "standard input is no private key: 44 characters of base64 were expected");
        hv_wg_public_key(key, public);
        explicit_bzero(key, sizeof key);
        print_key(public);
        return HV_EXIT_OK;
}

/* hivectl secret ls, set, rm: names, and where from; a value goes one way only. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/quantity.h"
#include "cli/cli_internal.h"
#include "cli/output.h"

#define PATH "/api/v1/node/secrets"
#define VALUE_MAX_BYTES ((size_t) 512 << 10) /* as the agent reads them */

/* ---- ls ---- */

static void put_row(struct hv_table *t, const struct hv_json *s) {
        const struct hv_json *users = hv_json_get(s, "usedBy"), *size = hv_json_get(s, "sizeBytes");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        char size_text[HV_QUANTITY_SIZE];

        for (size_t i = 0; i < hv_json_size(users); i++)
                hv_buf_printf(&text, "%s%s", i ? "," : "", hv_json_as_str(hv_json_at(users, i)));
        hv_quantity_format_bytes((uint64_t) hv_json_int(s, "sizeBytes", 0), size_text);
        hv_table_row(t);
        hv_table_cell(t, hv_json_str(s, "name"));
        hv_table_cell(t, hv_json_bool(s, "declared", false) ? hv_json_str(s, "source") : "not declared");
        hv_table_cell(t, hv_json_str(s, "location"));
        hv_table_cell(t, hv_json_type(size) == HV_JSON_NULL ? NULL : size_text);
        hv_table_cell(t, hv_buf_str(&text));
}

int hv_cmd_secret_ls(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *items;
        int r = hv_cli_get(cli, PATH, &j);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_output_is_document(format)) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        hv_table_column(t, "NAME", 0);
        hv_table_column(t, "FROM", 0);
        hv_table_column(t, "WHERE", HV_TABLE_CUT_START);
        hv_table_column(t, "SIZE", HV_TABLE_RIGHT);
        hv_table_column(t, "USED BY", HV_TABLE_CUT);
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < hv_json_size(items); i++)
                put_row(t, hv_json_at(items, i));
        if (hv_json_size(items) == 0)
                hv_cli_note(cli, "there are no secrets");
        else
                hv_output_table(cli, t);
        return HV_EXIT_OK;
}

/* ---- set ---- */

/* All of it; the buffer has room for the largest, so that no copy is left behind. */
static int read_all(struct hv_cli *cli, int fd, const char *what, struct hv_buf *ret) {
        for (;;) {
                char piece[4096];
                ssize_t n = read(fd, piece, sizeof piece);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: %s", what, strerror(errno));
                if (n > 0 && ret->len + (size_t) n > VALUE_MAX_BYTES)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: larger than 512Ki", what);
                if (n > 0)
                        hv_buf_add(ret, piece, (size_t) n);
                explicit_bzero(piece, sizeof piece);
                if (n == 0)
                        return HV_EXIT_OK;
        }
}

static int read_file(struct hv_cli *cli, const char *path, struct hv_buf *ret) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), r;

        if (fd < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: %s", path, strerror(errno));
        r = read_all(cli, fd, path, ret);
        (void) close(fd);
        return r;
}

static int read_line(struct hv_cli *cli, struct hv_buf *ret) {
        char line[HV_CLI_LINE_MAX];
        int r = hv_cli_read_hidden(cli, "secret", line);

        if (r == HV_EXIT_OK)
                hv_buf_puts(ret, line);
        explicit_bzero(line, sizeof line);
        return r;
}

static void path_to(struct hv_buf *buf, const char *name) {
        hv_buf_puts(buf, PATH "/");
        hv_cli_escape_path(buf, name);
}

int hv_cmd_secret_set(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = NULL;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf value = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "which secret? For example: hivectl secret set db-password <FILE");
        hv_buf_reserve(&value, VALUE_MAX_BYTES + 1);
        r = o->from_file                ? read_file(cli, o->from_file, &value)
            : isatty(STDIN_FILENO) == 1 ? read_line(cli, &value)
                                        : read_all(cli, STDIN_FILENO, "standard input", &value);
        if (r != HV_EXIT_OK)
                return r;
        if (value.len == 0)
                return hv_cli_usage(cli,
                                    "a secret is not empty: it is read from standard input or --from-file");
        path_to(&path, o->args[0]);
        r = hv_cli_put(cli, hv_buf_str(&path), &value, "application/octet-stream", &answer);
        if (r != HV_EXIT_OK)
                return r;
        if (hv_json_bool(answer, "declared", false))
                hv_cli_note(cli, "secret %s is written, and in use", o->args[0]);
        else
                hv_cli_note(
                        cli,
                        "secret %s is written; a document names it with\n  secrets: [{name: %s, fromFile: %s}]",
                        o->args[0], o->args[0], hv_json_str(answer, "path"));
        return HV_EXIT_OK;
}

/* ---- rm ---- */

int hv_cmd_secret_rm(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "which secret? hivectl secret ls lists them");
        path_to(&path, o->args[0]);
        r = hv_cli_delete(cli, hv_buf_str(&path), NULL);
        if (r == HV_EXIT_OK)
                hv_cli_note(cli, "secret %s is removed", o->args[0]);
        return r;
}

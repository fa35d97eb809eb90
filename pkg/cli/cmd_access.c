/* hivectl login, logout, session, token, user: who may use the agent. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli_internal.h"
#include "cli/client.h"
#include "cli/keyring.h"
#include "cli/output.h"
#include "password/password.h"
#include "json/write.h"

#define LINE_MAX_BYTES HV_CLI_LINE_MAX

/* ---- what is typed and not shown ---- */

int hv_cli_read_hidden(struct hv_cli *cli, const char *question, char ret[HV_CLI_LINE_MAX]) {
        bool is_tty = isatty(STDIN_FILENO) == 1;
        struct termios before, hidden;
        char *line;

        if (is_tty && tcgetattr(STDIN_FILENO, &before) == 0) {
                hidden = before;
                hidden.c_lflag &= ~(tcflag_t) ECHO;
                (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
                (void) fprintf(stderr, "%s: ", question);
        }
        line = fgets(ret, LINE_MAX_BYTES, stdin);
        if (is_tty) {
                (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
                (void) fputc('\n', stderr);
        }
        if (!line || !*line || *line == '\n')
                return hv_cli_fail(cli, HV_EXIT_USAGE, "%s: expected a line on standard input", question);
        ret[strcspn(ret, "\r\n")] = '\0';
        return HV_EXIT_OK;
}

/* ---- login ---- */

/* The file by its whole name: another run stands elsewhere. */
static char *absolute(const char *path) {
        return path ? realpath(path, NULL) : NULL;
}

static int keep(struct hv_cli *cli, const struct hv_json *session) {
        _hv_cleanup_free_ char *ca_file = absolute(cli->options.ca_file);
        const char *key = hv_json_str(session, "token");
        struct hv_err err = {};

        if (!key)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "the agent gave no session");
        if (hv_keyring_put(hv_cli_host(cli), key, ca_file, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "logged in, but the session cannot be kept: %s",
                                   err.msg);
        hv_cli_note(cli, "logged in to %s as %s (%s)", hv_cli_host(cli), hv_json_str(session, "user"),
                    hv_json_str(session, "role"));
        return HV_EXIT_OK;
}

int hv_cmd_login(struct hv_cli *cli) {
        const char *name = cli->options.n_args > 0 ? cli->options.args[0] : NULL;
        _hv_cleanup_(hv_json_freep) struct hv_json *session = NULL;
        _hv_cleanup_(hv_buf_wipe) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        char line[LINE_MAX_BYTES];
        int r;

        if (!hv_cli_host(cli))
                return hv_cli_usage(cli, "to which agent? -H https://NAME:PORT; the socket needs no login");
        r = hv_cli_read_hidden(cli, name ? "password" : "token", line);
        if (r != HV_EXIT_OK)
                return r;
        hv_buf_reserve(&body, 8 * sizeof line);
        hv_json_begin_object(&w, NULL);
        if (name)
                hv_json_put_str(&w, "username", name);
        hv_json_put_str(&w, name ? "password" : "token", line);
        hv_json_put_bool(&w, "bearer", true);
        hv_json_end(&w);
        explicit_bzero(line, sizeof line);
        cli->without_session = true;
        r = hv_cli_post(cli, "/login", &body, &session);
        return r == HV_EXIT_OK ? keep(cli, session) : r;
}

int hv_cmd_logout(struct hv_cli *cli) {
        struct hv_err err = {};
        int r;

        if (!hv_cli_host(cli))
                return hv_cli_usage(cli, "of which agent? -H https://NAME:PORT; the socket needs no login");
        r = hv_cli_post(cli, "/logout", NULL, NULL);
        /* One that has ended already (5: denied) is forgotten just the same. */
        if (r != HV_EXIT_OK && r != HV_EXIT_DENIED)
                return r;
        if (hv_keyring_forget(hv_cli_host(cli), &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        return HV_EXIT_OK;
}

int hv_cmd_whoami(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *me = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        const struct hv_json *session;
        const char *user;
        int r = hv_cli_get(cli, "/api/v1/session", &me);

        if (r != HV_EXIT_OK)
                return r;
        if (format != HV_OUTPUT_TABLE) {
                hv_output_document(cli, me, format);
                return HV_EXIT_OK;
        }
        user = hv_json_str(me, "user");
        session = hv_json_get(me, "session");
        /* The socket has no names, only numbers: as in the audit. */
        if (!user && hv_streq(hv_json_str(me, "via"), "socket"))
                hv_buf_printf(&text, "User     unix:uid=%u\n", (unsigned) geteuid());
        else
                hv_buf_printf(&text, "User     %s\n", user ? user : "nobody");
        hv_buf_printf(&text, "Role     %s\nBy       %s\n", hv_json_str(me, "role"), hv_json_str(me, "via"));
        if (hv_json_type(session) == HV_JSON_OBJECT)
                hv_buf_printf(&text, "Session  %s, of %s; ends %s\n", hv_json_str(session, "id"),
                              hv_json_str(session, "beganAt"), hv_json_str(session, "expiresAt"));
        hv_output_text(cli, &text);
        return HV_EXIT_OK;
}

/* ---- lists ---- */

struct column {
        const char *title, *field;
        unsigned flags;
};

static int list(struct hv_cli *cli, const char *path, const char *what, const struct column *columns,
                size_t n) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_table_freep) struct hv_table *t = NULL;
        const struct hv_json *items;
        int r = hv_cli_get(cli, path, &j);

        if (r != HV_EXIT_OK)
                return r;
        if (format != HV_OUTPUT_TABLE) {
                hv_output_document(cli, j, format);
                return HV_EXIT_OK;
        }
        t = hv_table_new();
        items = hv_json_get(j, "items");
        for (size_t i = 0; i < n; i++)
                hv_table_column(t, columns[i].title, columns[i].flags);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                hv_table_row(t);
                for (size_t k = 0; k < n; k++) {
                        const char *text = hv_json_str(hv_json_at(items, i), columns[k].field);

                        hv_table_cell(t, hv_str_empty(text) ? "-" : text);
                }
        }
        if (hv_json_size(items) == 0)
                hv_cli_note(cli, "there are no %s", what);
        else
                hv_output_table(cli, t);
        return HV_EXIT_OK;
}

static int remove_one(struct hv_cli *cli, const char *folder, const char *what) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "which %s? hivectl %s ls lists them", what, what);
        hv_buf_puts(&path, folder);
        hv_cli_escape_path(&path, cli->options.args[0]);
        return hv_cli_delete(cli, hv_buf_str(&path), NULL);
}

int hv_cmd_session_ls(struct hv_cli *cli) {
        static const struct column COLUMNS[] = { { "ID", "id", 0 },
                                                 { "USER", "user", 0 },
                                                 { "ROLE", "role", 0 },
                                                 { "BY", "by", 0 },
                                                 { "FROM", "address", 0 },
                                                 { "BEGAN", "beganAt", 0 },
                                                 { "LAST USED", "usedAt", 0 },
                                                 { "CLIENT", "agent", HV_TABLE_CUT } };

        return list(cli, "/api/v1/sessions", "sessions", COLUMNS, HV_ARRAY_SIZE(COLUMNS));
}

int hv_cmd_session_revoke(struct hv_cli *cli) {
        return remove_one(cli, "/api/v1/sessions/", "session");
}

/* ---- tokens ---- */

int hv_cmd_token_ls(struct hv_cli *cli) {
        static const struct column COLUMNS[] = {
                { "NAME", "name", 0 },         { "ROLE", "role", 0 },
                { "CREATED", "createdAt", 0 }, { "EXPIRES", "expiresAt", 0 },
                { "LAST USED", "usedAt", 0 },  { "BY", "createdBy", HV_TABLE_CUT }
        };

        return list(cli, "/api/v1/tokens", "tokens", COLUMNS, HV_ARRAY_SIZE(COLUMNS));
}

/* The text is data: hivectl token create ci --role viewer > file */
int hv_cmd_token_create(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *made = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        int r;

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "a token needs a name, by which it is revoked");
        if (!cli->options.role)
                return hv_cli_usage(cli, "a token needs --role viewer, operator or admin");
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "name", cli->options.args[0]);
        hv_json_put_str(&w, "role", cli->options.role);
        if (cli->options.expires)
                hv_json_put_str(&w, "expiresIn", cli->options.expires);
        hv_json_end(&w);
        r = hv_cli_post(cli, "/api/v1/tokens", &body, &made);
        if (r != HV_EXIT_OK)
                return r;
        if (format != HV_OUTPUT_TABLE) {
                hv_output_document(cli, made, format);
                return HV_EXIT_OK;
        }
        (void) printf("%s\n", hv_json_str(made, "token"));
        hv_cli_note(cli, "shown this once; hivectl token revoke %s takes it back", cli->options.args[0]);
        return HV_EXIT_OK;
}

int hv_cmd_token_revoke(struct hv_cli *cli) {
        return remove_one(cli, "/api/v1/tokens/", "token");
}

/* ---- users ---- */

/* A line for http.auth.usersFile. Asks no agent. */
int hv_cmd_user_hash(struct hv_cli *cli) {
        _hv_cleanup_free_ char *hash = NULL;
        char line[LINE_MAX_BYTES];
        struct hv_err err = {};
        int r;

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "a user needs a name");
        if (!cli->options.role)
                return hv_cli_usage(cli, "a user needs --role viewer, operator or admin");
        r = hv_cli_read_hidden(cli, "password", line);
        if (r != HV_EXIT_OK)
                return r;
        r = hv_password_hash(line, &hash, &err);
        explicit_bzero(line, sizeof line);
        if (r < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        (void) printf("%s:%s:%s\n", cli->options.args[0], cli->options.role, hash);
        return HV_EXIT_OK;
}

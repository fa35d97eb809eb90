/* One run of hivectl: options, the verb, and what all verbs share. */
#include "cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/cli_internal.h"
#include "cli/client.h"
#include "cli/client_config.h"
#include "cli/columns.h"
#include "cli/jsonpath.h"
#include "cli/keyring.h"
#include "cli/pager.h"
#include "cli/terminal.h"

/* ---- telling ---- */

static void say(struct hv_cli *cli, const char *prefix, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        hv_terminal_puts(&buf, cli->err_is_tty, text);
        (void) fprintf(stderr, "%s%s\n", prefix, hv_buf_str(&buf));
}

_hv_printf_(3, 0) static void vsay(struct hv_cli *cli, const char *prefix, const char *fmt, va_list ap) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        hv_buf_vprintf(&buf, fmt, ap);
        say(cli, prefix, hv_buf_str(&buf));
}

int hv_cli_fail(struct hv_cli *cli, int code, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        vsay(cli, "hivectl: ", fmt, ap);
        va_end(ap);
        return code;
}

void hv_cli_note(struct hv_cli *cli, const char *fmt, ...) {
        va_list ap;

        if (hv_option_is_given(&cli->options, HV_OPT_QUIET))
                return;
        va_start(ap, fmt);
        vsay(cli, "", fmt, ap);
        va_end(ap);
}

int hv_cli_usage(struct hv_cli *cli, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        vsay(cli, "hivectl: ", fmt, ap);
        va_end(ap);
        if (cli->verb)
                (void) fprintf(stderr, "usage: hivectl %s %s\nmore: hivectl %s --help\n", cli->verb->name,
                               cli->verb->usage, cli->verb->name);
        else
                (void) fprintf(stderr, "more: hivectl help\n");
        return HV_EXIT_USAGE;
}

enum hv_output_format hv_cli_output(const struct hv_cli *cli, enum hv_output_format otherwise) {
        return hv_option_is_given(&cli->options, HV_OPT_OUTPUT) ? cli->options.output : otherwise;
}

/* ---- asking the agent ---- */

static const char *socket_path(const struct hv_cli *cli) {
        const char *from_environment = getenv("HIVELET_SOCKET");

        if (cli->options.socket)
                return cli->options.socket;
        if (!hv_str_empty(from_environment))
                return from_environment;
        return cli->config && cli->config->socket ? cli->config->socket : HV_CLI_SOCKET_DEFAULT;
}

/* A socket that is named says more than an address of the environment, and that more than the user's own file. */
const char *hv_cli_host(const struct hv_cli *cli) {
        const char *from_environment = getenv("HIVELET_HOST");

        if (cli->options.host || cli->options.socket)
                return cli->options.host;
        if (!hv_str_empty(from_environment))
                return from_environment;
        return cli->config && hv_str_empty(getenv("HIVELET_SOCKET")) ? cli->config->host : NULL;
}

/* What the user's own file says of its host; NULL: another one is asked. */
static const struct hv_client_config *config_of_host(const struct hv_cli *cli, const char *host) {
        return cli->config && cli->config->host && hv_streq(cli->config->host, host) ? cli->config : NULL;
}

static int exit_code_of_error(int r) {
        switch (r) {
        case -EACCES:
                return HV_EXIT_DENIED;
        case -ETIMEDOUT:
                return HV_EXIT_TIMED_OUT;
        case -ENOENT:
        case -ECONNREFUSED:
        case -EPIPE: /* it was reached, and is gone */
                return HV_EXIT_UNREACHABLE;
        default:
                return HV_EXIT_ERROR;
        }
}

int hv_cli_connect(struct hv_cli *cli) {
        struct hv_err err = {};
        uint64_t timeout_us = hv_option_is_given(&cli->options, HV_OPT_TIMEOUT) ? cli->options.timeout_us
                                                                                : HV_CLI_TIMEOUT_DEFAULT_US;
        const char *host = hv_cli_host(cli);
        const struct hv_client_config *config = config_of_host(cli, host);
        struct hv_keyring_entry kept = {};
        struct hv_client_target target;
        int r = 0;

        if (cli->client)
                return HV_EXIT_OK;
        if (host && !cli->without_session)
                r = hv_keyring_get(host, &kept, &err);
        /* Who logged in meant that session. */
        if (r == 0 && config && config->token_file && !cli->without_session) {
                r = hv_client_config_token(config, &kept.key, &err);
                cli->has_token = true;
        }
        if (r < 0) {
                hv_keyring_entry_done(&kept);
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        }
        target = (struct hv_client_target){ .socket_path = host ? NULL : socket_path(cli),
                                            .host = host,
                                            .ca_file = cli->options.ca_file ? cli->options.ca_file
                                                       : kept.ca_file       ? kept.ca_file
                                                       : config             ? config->ca_file
                                                                            : NULL,
                                            .key = kept.key };
        r = hv_client_new(&target, timeout_us, &cli->client, &err);
        hv_keyring_entry_done(&kept);
        return r < 0 ? hv_cli_fail(cli, r == -EINVAL ? HV_EXIT_USAGE : HV_EXIT_ERROR, "%s", err.msg)
                     : HV_EXIT_OK;
}

int hv_cli_problem(struct hv_cli *cli, unsigned status, const struct hv_json *problem) {
        const char *detail = hv_json_str(problem, "detail");
        int code = status == 404                                            ? HV_EXIT_NOT_FOUND
                   : status == 401 || status == 403                         ? HV_EXIT_DENIED
                   : status == 408 || status == 504                         ? HV_EXIT_TIMED_OUT
                   : hv_streq(hv_json_str(problem, "code"), "PruneBlocked") ? HV_EXIT_PENDING
                                                                            : HV_EXIT_ERROR;

        if (status == 401 && cli->has_token)
                return hv_cli_fail(cli, code, "%s does not take the token of %s (%s)", hv_cli_host(cli),
                                   cli->config->token_file, cli->config->path);
        if (status == 401 && hv_cli_host(cli) && !cli->without_session)
                return hv_cli_fail(cli, code, "%s does not know you (any more): hivectl login -H %s",
                                   hv_cli_host(cli), hv_cli_host(cli));
        if (detail)
                return hv_cli_fail(cli, code, "%s", detail);
        return hv_cli_fail(cli, code, "the agent answered with status %u", status);
}

int hv_cli_stream_end(struct hv_cli *cli, const struct hv_client_answer *answer, const struct hv_err *err,
                      const char *ended) {
        if (answer)
                return hv_cli_problem(cli, answer->status, answer->json);
        return hv_cli_fail(cli, HV_EXIT_UNREACHABLE, "%s", err ? err->msg : ended);
}

static int ask(struct hv_cli *cli, enum hv_method method, const char *path, const struct hv_buf *body,
               const char *content_type, struct hv_json **ret) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        if (r != HV_EXIT_OK)
                return r;
        r = hv_client_call(cli->client, method, path, body ? hv_buf_str(body) : NULL, body ? body->len : 0,
                           content_type, &answer, &err);
        if (r < 0)
                return hv_cli_fail(cli, exit_code_of_error(r), "%s", err.msg);
        if (answer.status / 100 != 2) {
                if (ret && answer.status == 422)
                        *ret = HV_STEAL(answer.json);
                return hv_cli_problem(cli, answer.status, ret && *ret ? *ret : answer.json);
        }
        if (!answer.json && (ret || answer.status != 204))
                return hv_cli_fail(cli, HV_EXIT_ERROR, "the agent's answer is no JSON");
        if (ret)
                *ret = HV_STEAL(answer.json);
        return HV_EXIT_OK;
}

int hv_cli_get(struct hv_cli *cli, const char *path, struct hv_json **ret) {
        return ask(cli, HV_METHOD_GET, path, NULL, NULL, ret);
}

int hv_cli_post(struct hv_cli *cli, const char *path, const struct hv_buf *json_body, struct hv_json **ret) {
        return ask(cli, HV_METHOD_POST, path, json_body, NULL, ret);
}

int hv_cli_post_yaml(struct hv_cli *cli, const char *path, const struct hv_buf *yaml_body,
                     struct hv_json **ret) {
        return ask(cli, HV_METHOD_POST, path, yaml_body, "application/yaml", ret);
}

int hv_cli_put(struct hv_cli *cli, const char *path, const struct hv_buf *body, const char *content_type,
               struct hv_json **ret) {
        return ask(cli, HV_METHOD_PUT, path, body, content_type, ret);
}

int hv_cli_delete(struct hv_cli *cli, const char *path, struct hv_json **ret) {
        return ask(cli, HV_METHOD_DELETE, path, NULL, NULL, ret);
}

/* ---- objects ---- */

static const struct {
        enum hv_kind kind;
        const char *folder;
} folders[] = {
        { HV_KIND_SERVICE, "services" },    { HV_KIND_TASK, "tasks" },     { HV_KIND_CRONTASK, "crontasks" },
        { HV_KIND_NETWORK, "networks" },    { HV_KIND_VOLUME, "volumes" }, { HV_KIND_SECRET, "secrets" },
        { HV_KIND_CONFIG, "configs" },      { HV_KIND_IMAGE, "images" },   { HV_KIND_REGISTRY, "registries" },
        { HV_KIND_WIREGUARD, "wireguard" },
};

const char *hv_cli_folder(enum hv_kind kind) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(folders); i++) {
                if (folders[i].kind == kind)
                        return folders[i].folder;
        }
        return NULL;
}

void hv_cli_escape_path(struct hv_buf *buf, const char *segment) {
        for (const char *p = segment; *p; p++) {
                bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                             (*p >= '0' && *p <= '9') || strchr("-._~", *p);

                if (plain)
                        hv_buf_putc(buf, *p);
                else
                        hv_buf_printf(buf, "%%%02X", (unsigned char) *p);
        }
}

int hv_cli_object(struct hv_cli *cli, const char *word, const char *name, struct hv_cli_object *ret) {
        char type[40], quoted[HV_TEXT_QUOTE_SIZE];
        size_t len = strcspn(word, "/");
        struct hv_suggestion near = { .text = type };
        bool is_alone = !name && !word[len];

        (void) snprintf(type, sizeof type, "%.*s", (int) HV_MIN(len, sizeof type - 1), word);
        *ret = (struct hv_cli_object){ .kind = hv_kind_parse(type), .name = name };
        if (word[len] == '/') {
                if (name)
                        return hv_cli_usage(cli, "%s already names an object: one word too many",
                                            hv_text_quote(word, quoted));
                ret->name = word + len + 1;
                if (!*ret->name)
                        return hv_cli_usage(cli, "%s: the name is missing", hv_text_quote(word, quoted));
        }
        if (ret->kind != HV_KIND_NONE && hv_cli_folder(ret->kind))
                return HV_EXIT_OK;
        for (size_t i = 0; i < HV_ARRAY_SIZE(folders); i++) {
                hv_suggestion_add(&near, hv_kind_label(folders[i].kind));
                hv_suggestion_add(&near, folders[i].folder);
        }
        if (near.best)
                return hv_cli_usage(cli, "there is no type %s; did you mean %s?", hv_text_quote(type, quoted),
                                    near.best);
        return hv_cli_usage(
                cli,
                "there is no type %s%s%s%s; types: service (svc), task, cronTask (cron), network (net), "
                "volume (vol), secret (sec), config (cfg), image (img), registry, wireguard (wg)",
                hv_text_quote(type, quoted), is_alone ? " (an object is named with its type: service/" : "",
                is_alone ? type : "", is_alone ? ")" : "");
}

/* ---- the run ---- */

static hv_option_set allowed_options(const char *name) {
        const struct hv_verb *verb = name ? hv_verb_find(name) : NULL;

        return verb ? hv_verb_options(verb) : HV_OPTS_GLOBAL | HV_OPT_BIT(HV_OPT_VERSION);
}

static void set_up(struct hv_cli *cli) {
        cli->out_is_tty = isatty(STDOUT_FILENO);
        cli->err_is_tty = isatty(STDERR_FILENO);
        cli->color = hv_terminal_has_color(cli->options.color, cli->out_is_tty);
        cli->error_color = hv_terminal_has_color(cli->options.color, cli->err_is_tty);
        cli->width = hv_terminal_width(STDOUT_FILENO);
}

static int check_format(struct hv_cli *cli) {
        const struct hv_option *o = &hv_options[HV_OPT_OUTPUT];
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_err err = {};

        if (cli->options.output == HV_OUTPUT_JSONPATH &&
            hv_jsonpath(cli->options.jsonpath, NULL, NULL, &err) < 0)
                return hv_cli_usage(cli, "%s", err.msg);
        if (cli->options.output == HV_OUTPUT_COLUMNS &&
            hv_columns_new(cli->options.columns ? cli->options.columns : "", &cli->columns, &err) < 0)
                return hv_cli_usage(cli, "%s", err.msg);
        if (!hv_option_is_given(&cli->options, HV_OPT_OUTPUT) ||
            (cli->verb->formats & (1u << cli->options.output)))
                return HV_EXIT_OK;
        for (size_t i = 0; o->words[i]; i++) {
                if (cli->verb->formats & (1u << i))
                        hv_buf_printf(&buf, "%s%s", buf.len > 0 ? ", " : "", o->words[i]);
        }
        return hv_cli_usage(cli, "%s has no output form %s; it has: %s", cli->verb->name,
                            o->words[cli->options.output], hv_buf_str(&buf));
}

/* Where the verb has the form that the user wants of every verb, and none was asked for. */
static void take_output_of_config(struct hv_cli *cli) {
        const struct hv_option *o = &hv_options[HV_OPT_OUTPUT];

        if (!cli->config->output || hv_option_is_given(&cli->options, HV_OPT_OUTPUT))
                return;
        for (size_t i = 0; o->words[i]; i++) {
                if (hv_streq(o->words[i], cli->config->output) && (cli->verb->formats & (1u << i))) {
                        cli->options.output = (enum hv_output_format) i;
                        cli->options.given |= HV_OPT_BIT(HV_OPT_OUTPUT);
                }
        }
}

const struct hv_verb *hv_cli_verb(const struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf line = {};

        for (size_t i = 0; i < o->n_args && i < 2; i++)
                hv_buf_printf(&line, "%s%s", i ? " " : "", o->args[i]);
        return o->n_args > 0 ? hv_verb_find(hv_buf_str(&line)) : NULL;
}

bool hv_cli_is_family(const char *word) {
        const struct hv_verb *v;

        for (size_t i = 0; (v = hv_verb_at(i)); i++)
                if (hv_verb_is_in(v, word))
                        return true;
        return false;
}

int hv_cli_no_such_verb(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf line = {};
        bool in_family = hv_cli_is_family(o->args[0]);
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *near;

        hv_buf_puts(&line, o->args[0]);
        if (in_family && o->n_args > 1)
                hv_buf_printf(&line, " %s", o->args[1]);
        near = in_family && o->n_args == 1 ? NULL : hv_verb_suggest(hv_buf_str(&line));
        if (near)
                return hv_cli_usage(cli, "there is no command %s; did you mean %s?",
                                    hv_text_quote(hv_buf_str(&line), quoted), near);
        if (in_family)
                return hv_cli_usage(cli, "%s: which of them? hivectl help %s lists them", hv_buf_str(&line),
                                    o->args[0]);
        return hv_cli_usage(cli, "there is no command %s", hv_text_quote(hv_buf_str(&line), quoted));
}

/* What goes on is not for a pager. */
static int run_paged(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        bool is_paged = cli->out_is_tty && (cli->verb->options & HV_OPT_BIT(HV_OPT_NO_PAGER)) &&
                        !hv_option_is_given(o, HV_OPT_NO_PAGER) && !hv_option_is_given(o, HV_OPT_FOLLOW) &&
                        !hv_option_is_given(o, HV_OPT_WATCH);
        pid_t pager = is_paged ? hv_pager_begin() : 0;
        int r = cli->verb->run(cli);

        hv_pager_end(pager);
        return r;
}

static int run_verb(struct hv_cli *cli) {
        struct hv_cli_options *o = &cli->options;
        struct hv_err err = {};
        int r;

        if (o->n_args > 0) {
                size_t n;

                cli->verb = hv_cli_verb(cli);
                if (!cli->verb && hv_option_is_given(o, HV_OPT_HELP) && o->n_args == 1 &&
                    hv_cli_is_family(o->args[0]))
                        return hv_cmd_help(cli);
                if (!cli->verb)
                        return hv_cli_no_such_verb(cli);
                n = hv_verb_words(cli->verb);
                o->args += n;
                o->n_args -= n;
        }
        if (hv_option_is_given(o, HV_OPT_HELP))
                return hv_cmd_help(cli);
        if (hv_option_is_given(o, HV_OPT_VERSION))
                return hv_cmd_version(cli);
        if (!cli->verb) {
                (void) hv_cmd_help(cli);
                return HV_EXIT_USAGE;
        }
        if (o->n_args > cli->verb->args_max) {
                char quoted[HV_TEXT_QUOTE_SIZE];

                return hv_cli_usage(cli, "one word too many: %s",
                                    hv_text_quote(o->args[cli->verb->args_max], quoted));
        }
        if (cli->verb->run != hv_cmd_help) {
                if (hv_client_config_read(&cli->config, &err) < 0)
                        return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
                take_output_of_config(cli);
        }
        r = check_format(cli);
        return r == HV_EXIT_OK ? run_paged(cli) : r;
}

/* The command line, as it is read. */
struct line {
        char **args;    /* of the options */
        char *expanded; /* words of a verb that is short for others, */
        char **argv;    /* and the line with them in its place; NULL: it is none */
        int argc;
};

static void line_done(struct line *line) {
        free(line->args);
        free(line->expanded);
        free(line->argv);
}

/* "ps -o wide" is read as "get tasks -o wide": in front what it is short for, behind that the line without the verb. What is
 * said last holds, so "inspect svc/web -o yaml" is YAML. */
static int parse(int argc, char *const argv[], struct line *line, struct hv_cli_options *ret,
                 struct hv_err *err) {
        struct hv_cli cli = {};
        const struct hv_verb *verb;
        int r;

        line->args = HV_NEW_N(char *, (size_t) argc + 2);
        r = hv_options_parse(argc, argv, allowed_options, line->args, ret, err);
        cli.options = *ret;
        verb = r < 0 ? NULL : hv_cli_verb(&cli);
        if (!verb || !verb->expands || hv_option_is_given(ret, HV_OPT_HELP))
                return r;
        line->expanded = hv_strdup(verb->expands);
        line->argv = HV_NEW_N(char *, (size_t) argc + strlen(verb->expands) + 2);
        line->argv[line->argc++] = argv[0];
        for (char *rest = line->expanded, *word; (word = strsep(&rest, " "));)
                line->argv[line->argc++] = word;
        for (int i = 1; i < argc; i++)
                if (argv[i] != ret->args[0] && (hv_verb_words(verb) == 1 || argv[i] != ret->args[1]))
                        line->argv[line->argc++] = argv[i];
        free(line->args);
        line->args = HV_NEW_N(char *, (size_t) line->argc + 2);
        return hv_options_parse(line->argc, line->argv, allowed_options, line->args, ret, err);
}

int hv_cli_main(int argc, char *const argv[]) {
        _hv_cleanup_(line_done) struct line line = {};
        struct hv_cli cli = {};
        struct hv_err err = {};
        int code;

        /* A reader that went away ends us without a word, whoever started us. */
        (void) signal(SIGPIPE, SIG_DFL);
        if (!setlocale(LC_CTYPE, ""))
                (void) setlocale(LC_CTYPE, "C.UTF-8");
        if (parse(argc, argv, &line, &cli.options, &err) < 0) {
                set_up(&cli);
                cli.verb = hv_cli_verb(&cli);
                code = hv_cli_usage(&cli, "%s", err.msg);
        } else {
                set_up(&cli);
                code = run_verb(&cli);
        }
        cli.client = hv_client_free(cli.client);
        cli.config = hv_client_config_free(cli.config);
        cli.columns = hv_columns_free(cli.columns);
        if (fflush(stdout) != 0 || ferror(stdout)) {
                if (errno == EPIPE)
                        return code;
                return hv_cli_fail(&cli, HV_EXIT_ERROR, "cannot write the output: %s", strerror(errno));
        }
        return code;
}

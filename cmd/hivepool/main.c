/* hivepool - a small node pool for one site: the server, and the commands for people. What it does: pkg/hivepool. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/heap.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/terminal.h"
#include "command.h"

const struct command commands[] = {
        { "serve", "[OPTION]...", "be the pool: take nodes, give them tasks, keep their results",
          "What it knows is in --data-dir. Nodes must show certificates unless --insecure is said. SIGHUP reads certificates\n"
          "again; SIGTERM ends it: nodes go on with what they have, and report when it is back.",
          BIT(OPT_DATA_DIR) | BIT(OPT_LISTEN) | BIT(OPT_TLS_CERT) | BIT(OPT_TLS_KEY) | BIT(OPT_CLIENT_CA) |
                  BIT(OPT_SHARED_CERTIFICATE) | BIT(OPT_INSECURE) | BIT(OPT_TOKEN_FILE) | BIT(OPT_LEASE) |
                  BIT(OPT_MAX_TASKS) | BIT(OPT_MAX_RESULT) | BIT(OPT_KEEP) | BIT(OPT_HIVEMIND_LISTEN) |
                  BIT(OPT_ACCOUNTS) | BIT(OPT_TOKEN_LIFE) | BIT(OPT_HIVEMIND_ROUND) | BIT(OPT_NODE_NETWORK) |
                  BIT(OPT_LIKE_DEPLOYED),
          0, 0, run_serve },
        { "submit", "[OPTION]... [-- COMMAND [ARG]...]", "hand in a task; prints its id",
          "From options, or from a file with the fields of api/nodepool/v1.proto; options win over the file. Handing in the\n"
          "same task under the same --id again changes nothing.",
          OPTIONS_CLIENT | BIT(OPT_JSON) | BIT(OPT_FILE) | BIT(OPT_ID) | BIT(OPT_IMAGE) | BIT(OPT_TYPE) |
                  BIT(OPT_CODE) | BIT(OPT_MEMORY) | BIT(OPT_CPU) | BIT(OPT_GPU) | BIT(OPT_TASK_TIMEOUT) |
                  BIT(OPT_ENV) | BIT(OPT_INPUT) | BIT(OPT_RETRIES) | BIT(OPT_PRIORITY) | BIT(OPT_TRUST) |
                  BIT(OPT_ZIP) | BIT(OPT_WAIT),
          0, 1000, run_submit },
        { "ls", "[OPTION]...", "tasks, newest first", NULL, OPTIONS_SHOW | BIT(OPT_STATE) | BIT(OPT_LIMIT), 0,
          0, run_ls },
        { "show", "ID", "all about a task, with its attempts", NULL, OPTIONS_SHOW, 1, 1, run_show },
        { "result", "ID", "bring the files of a task here, as a zip", NULL,
          OPTIONS_CLIENT | BIT(OPT_ATTEMPT) | BIT(OPT_OUTPUT), 1, 1, run_result },
        { "logs", "ID", "what a task wrote", NULL, OPTIONS_CLIENT | BIT(OPT_ATTEMPT), 1, 1, run_logs },
        { "cancel", "ID", "stop a task, or take it out of the queue", NULL, OPTIONS_CLIENT | BIT(OPT_REASON),
          1, 1, run_cancel },
        { "rm", "ID", "forget a task that is over, with its result and log", NULL, OPTIONS_CLIENT, 1, 1,
          run_rm },
        { "nodes", "[OPTION]...", "nodes, and what they have", NULL, OPTIONS_SHOW, 0, 0, run_nodes },
        { "forget", "NODE", "forget a node that has no tasks", NULL, OPTIONS_CLIENT, 1, 1, run_forget },
        { "status", "[OPTION]...", "how the pool is", NULL, OPTIONS_SHOW, 0, 0, run_status },
        { "completion", "SHELL", "completion for bash, zsh or fish", "  source <(hivepool completion bash)",
          0, 1, 1, run_completion },
        {},
};

/* --- telling --- */

_hv_printf_(1, 0) static void say(const char *fmt, va_list ap) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {}, safe = {};

        hv_buf_vprintf(&text, fmt, ap);
        hv_terminal_puts(&safe, isatty(STDERR_FILENO), hv_buf_str(&text));
        (void) fprintf(stderr, "hivepool: %s\n", hv_buf_str(&safe));
}

int fail(int code, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        say(fmt, ap);
        va_end(ap);
        return code;
}

int usage_error(const struct cli *cli, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        say(fmt, ap);
        va_end(ap);
        if (cli->command)
                (void) fprintf(stderr, "usage: hivepool %s %s\nmore: hivepool %s --help\n",
                               cli->command->name, cli->command->usage, cli->command->name);
        else
                (void) fprintf(stderr, "more: hivepool --help\n");
        return HV_EXIT_USAGE;
}

/* --- help --- */

void help_overview(FILE *to) {
        (void) fputs(
                "A small node pool, for one site and for tests: hands tasks to hivelet nodes and keeps their results.\n"
                "A fleet uses HiveMind's own pool, or etcd as the source of its nodes' desired state.\n"
                "\n"
                "Usage: hivepool COMMAND [OPTION]... [ARG]...\n"
                "\n"
                "Examples:\n"
                "  hivepool serve --data-dir pool --insecure\n"
                "  hivepool submit --image busybox --wait -- echo hello\n"
                "  hivepool ls --state Pending\n"
                "\n"
                "Commands:\n",
                to);
        for (const struct command *c = commands; c->name; c++)
                (void) fprintf(to, "  %-12s %s\n", c->name, c->summary);
        (void) fputs("\nhivepool COMMAND --help tells more; hivepool --version shows the version.\n", to);
}

void help_command(FILE *to, const struct command *c) {
        (void) fprintf(to, "%s\n\nUsage: hivepool %s %s\n", c->summary, c->name, c->usage);
        if (c->details)
                (void) fprintf(to, "\n%s\n", c->details);
        (void) fputs("\nOptions:\n", to);
        for (size_t i = 0; i < N_OPTIONS; i++) {
                const struct option_row *o = &option_rows[i];
                char left[64];

                if (!((c->options | BIT(OPT_HELP)) & BIT(i)))
                        continue;
                (void) snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
                                o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
                                o->argument ? " " : "", o->argument ? o->argument : "");
                (void) fprintf(to, "  %-30s %s\n", left, o->help);
        }
}

/* --- the run --- */

const struct command *command_find(const char *name) {
        for (const struct command *c = commands; c->name; c++)
                if (hv_streq(c->name, name))
                        return c;
        return NULL;
}

static int no_such_command(struct cli *cli, const char *name) {
        struct hv_suggestion near = { .text = name };
        char quoted[HV_TEXT_QUOTE_SIZE];

        for (const struct command *c = commands; c->name; c++)
                hv_suggestion_add(&near, c->name);
        return usage_error(
                cli, near.best ? "there is no command %s; did you mean %s?" : "there is no command %s%s",
                hv_text_quote(name, quoted), near.best ? near.best : "");
}

static int run_command(struct cli *cli, int argc, char *argv[]) {
        int code = options_parse(cli, argc, argv);

        if (code != HV_EXIT_OK)
                return code;
        if (option_is_given(cli, OPT_HELP)) {
                help_command(stdout, cli->command);
                return HV_EXIT_OK;
        }
        if (cli->n_args < cli->command->args_min)
                return usage_error(cli, "%s: a word is missing", cli->command->name);
        if (cli->n_args > cli->command->args_max)
                return usage_error(cli, "one word too many: %s", cli->args[cli->command->args_max]);
        return cli->command->run(cli);
}

int main(int argc, char *argv[]) {
        struct cli cli = {};
        int code;

        hv_heap_bound();
        if (!setlocale(LC_CTYPE, ""))
                (void) setlocale(LC_CTYPE, "C.UTF-8");
        if (argc < 2) {
                help_overview(stderr);
                return HV_EXIT_USAGE;
        }
        if (hv_streq(argv[1], "--help") || hv_streq(argv[1], "-h") || hv_streq(argv[1], "help")) {
                cli.command = argc > 2 ? command_find(argv[2]) : NULL;
                if (cli.command)
                        help_command(stdout, cli.command);
                else
                        help_overview(stdout);
                return HV_EXIT_OK;
        }
        if (hv_streq(argv[1], "--version") || hv_streq(argv[1], "-V")) {
                (void) printf("hivepool %s (%s)\n", hv_version(), hv_build()->commit);
                return HV_EXIT_OK;
        }
        cli.command = command_find(argv[1]);
        code = cli.command ? run_command(&cli, argc - 1, argv + 1) : no_such_command(&cli, argv[1]);
        hv_vec_done(&cli.env);
        hv_vec_done(&cli.inputs);
        hv_vec_done(&cli.states);
        hv_vec_done(&cli.networks);
        if (fflush(stdout) != 0 || ferror(stdout))
                return errno == EPIPE ? code
                                      : fail(HV_EXIT_ERROR, "cannot write the output: %s", strerror(errno));
        return code;
}

/* hivepool/option.c - the options of all commands, in one table. */
#include <getopt.h>
#include <string.h>

#include "base/duration.h"
#include "base/parse.h"
#include "base/text.h"
#include "command.h"

const struct option_row option_rows[N_OPTIONS] = {
        [OPT_HELP] = { 'h', "help", NULL, "show this help" },
        [OPT_DATA_DIR] = { 0, "data-dir", "DIR",
                           "folder of the pool; default $HIVEPOOL_DATA_DIR, then " DATA_DIR_DEFAULT },
        [OPT_SERVER] = { 0, "server", "ADDRESS", "socket of the pool, such as unix:/run/pool.sock" },
        [OPT_JSON] = { 0, "json", NULL, "as JSON, for programs" },
        [OPT_FORMAT] = { 'o', "output", "FORMAT", "table, or json as --json" },
        [OPT_TIMEOUT] = { 0, "timeout", "TIME", "give up after this time, such as 30s or 5m" },
        [OPT_LISTEN] = { 0, "listen", "HOST:PORT",
                         "take nodes of dialect v1 here; default 127.0.0.1:50051; none: do not" },
        [OPT_TLS_CERT] = { 0, "tls-cert", "FILE", "certificate of the pool, PEM" },
        [OPT_TLS_KEY] = { 0, "tls-key", "FILE", "its key" },
        [OPT_CLIENT_CA] = { 0, "client-ca", "FILE",
                            "authority of the nodes' certificates; each must name its node" },
        [OPT_SHARED_CERTIFICATE] = { 0, "shared-certificate", NULL,
                                     "any certificate of --client-ca is good for any node" },
        [OPT_INSECURE] = { 0, "insecure", NULL, "plain text: whoever reaches the port may be any node" },
        [OPT_TOKEN_FILE] = { 0, "token-file", "FILE",
                             "nodes of dialect v1 must say this when they register" },
        [OPT_LEASE] = { 0, "lease", "TIME",
                        "a node that is silent for this long loses its tasks; default 2m" },
        [OPT_MAX_TASKS] = { 0, "max-tasks", "N", "tasks of one node at a time; default 64" },
        [OPT_MAX_RESULT] = { 0, "max-result", "SIZE", "largest input or result; default 4Gi" },
        [OPT_KEEP] = { 0, "keep", "TIME",
                       "forget tasks that ended this long ago, such as 30d; default: keep them" },
        [OPT_HIVEMIND_LISTEN] = { 0, "hivemind-listen", "HOST:PORT",
                                  "take nodes and users of dialect hivemind here" },
        [OPT_ACCOUNTS] = { 0, "accounts", "FILE",
                           "who may log in there: a line NAME:HASH each, as of crypt(3); mode 0600" },
        [OPT_TOKEN_LIFE] = { 0, "token-life", "TIME", "how long a login is good; default 60m" },
        [OPT_HIVEMIND_ROUND] = { 0, "hivemind-round", "TIME", "offer tasks to them this often; default 10s" },
        [OPT_NODE_NETWORK] = { 0, "node-network", "NETWORK",
                               "call such nodes in this network, such as 10.0.0.0/24; may be repeated; default: private addresses" },
        [OPT_LIKE_DEPLOYED] = { 0, "like-deployed", NULL, "for tests: with the traps of the deployed pool" },
        [OPT_FILE] = { 'f', "file", "FILE", "task as YAML or JSON; -: standard input" },
        [OPT_ID] = { 0, "id", "ID", "name of the task, letters, digits, - and _; default: a new one" },
        [OPT_IMAGE] = { 0, "image", "IMAGE", "container image" },
        [OPT_TYPE] = { 0, "type", "TYPE", "task type of the nodes, such as python; default: container" },
        [OPT_CODE] = { 0, "code", "FILE", "program of the task, for types that take one" },
        [OPT_MEMORY] = { 0, "memory", "SIZE", "memory limit, such as 512m or 2g" },
        [OPT_CPU] = { 0, "cpu", "CPUS", "processors, such as 0.5 or 2" },
        [OPT_GPU] = { 0, "gpu", "N", "GPUs" },
        [OPT_TASK_TIMEOUT] = { 0, "task-timeout", "TIME", "the node stops it after this time" },
        [OPT_ENV] = { 'e', "env", "NAME=VALUE", "environment variable; may be repeated" },
        [OPT_INPUT] = { 'i', "input", "[NAME=]FILE", "file that is there before it starts; may be repeated" },
        [OPT_RETRIES] = { 0, "retries", "N",
                          "given again this often after a failure or the loss of its node; default 0" },
        [OPT_PRIORITY] = { 0, "priority", "N", "higher first; default 0" },
        [OPT_TRUST] = { 0, "trust", "GROUP", "only nodes of this group or above: low, medium, high" },
        [OPT_ZIP] = { 0, "zip", "FILE", "a task of dialect hivemind: this zip" },
        [OPT_WAIT] = { 0, "wait", NULL, "wait for its end; exit with 0 only when it completed" },
        [OPT_STATE] = { 0, "state", "STATE", "only tasks in it, such as Pending; may be repeated" },
        [OPT_LIMIT] = { 'n', "limit", "N", "at most so many; default 100" },
        [OPT_ATTEMPT] = { 0, "attempt", "N", "of this attempt; default: the newest" },
        [OPT_OUTPUT] = { 'o', "output", "DIR", "where the file goes; -: standard output; default: here" },
        [OPT_REASON] = { 0, "reason", "TEXT", "why; it is shown with the task" },
};

bool option_is_given(const struct cli *cli, enum option_id id) {
        return (cli->given & BIT(id)) != 0;
}

static void store(struct cli *cli, enum option_id id, const char *value) {
        cli->given |= BIT(id);
        cli->values[id] = value;
        if (id == OPT_ENV)
                hv_vec_push(&cli->env, value);
        else if (id == OPT_INPUT)
                hv_vec_push(&cli->inputs, value);
        else if (id == OPT_NODE_NETWORK)
                hv_vec_push(&cli->networks, value);
        else if (id == OPT_STATE)
                hv_vec_push(&cli->states, value);
}

int options_parse(struct cli *cli, int argc, char *argv[]) {
        struct option longs[N_OPTIONS + 1] = {};
        char letters[3 * N_OPTIONS + 2] = "", *end = letters;
        size_t n = 0;
        int c;

        for (size_t i = 0; i < N_OPTIONS; i++) {
                const struct option_row *row = &option_rows[i];

                if (!((cli->command->options | BIT(OPT_HELP)) & BIT(i)))
                        continue;
                longs[n++] = (struct option){ row->name, row->argument ? required_argument : no_argument,
                                              NULL, 256 + (int) i };
                if (row->letter)
                        end += sprintf(end, "%c%s", row->letter, row->argument ? ":" : "");
        }
        while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
                if (c == '?') {
                        (void) fprintf(stderr, "more: hivepool %s --help\n", cli->command->name);
                        return HV_EXIT_USAGE;
                }
                for (size_t i = 0; i < N_OPTIONS; i++)
                        if (c == 256 + (int) i || (option_rows[i].letter && c == option_rows[i].letter &&
                                                   (cli->command->options | BIT(OPT_HELP)) & BIT(i)))
                                store(cli, (enum option_id) i, optarg);
        }
        cli->args = argv + optind;
        cli->n_args = (size_t) (argc - optind);
        return option_duration(cli, OPT_TIMEOUT, 0, &cli->timeout_us);
}

int option_number(const struct cli *cli, enum option_id id, uint64_t min, uint64_t max, uint64_t otherwise,
                  uint64_t *ret) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        *ret = otherwise;
        if (!option_is_given(cli, id) || hv_parse_uint(cli->values[id], min, max, ret))
                return HV_EXIT_OK;
        return usage_error(cli, "--%s: expected a number from %llu to %llu, found %s", option_rows[id].name,
                           (unsigned long long) min, (unsigned long long) max,
                           hv_text_quote(cli->values[id], quoted));
}

int option_duration(const struct cli *cli, enum option_id id, uint64_t otherwise_us, uint64_t *ret_us) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        *ret_us = otherwise_us;
        if (!option_is_given(cli, id) ||
            (hv_duration_parse(cli->values[id], ret_us) == HV_PARSE_OK && *ret_us > 0))
                return HV_EXIT_OK;
        return usage_error(cli, "--%s: expected a time such as 30s or 5m, found %s", option_rows[id].name,
                           hv_text_quote(cli->values[id], quoted));
}

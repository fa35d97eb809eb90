/* hivepool - the commands of the small node pool: one table for dispatch, help and completion.
 *
 *      argv -> option.c -> a command's function -> client.c (unix socket) -> table or JSON on standard output
 *
 * Exit codes are hivectl's (cli/exit_code.h): 0 ok, 1 an error, 4 no such object, 6 too late, 7 no pool answers, 64 usage.
 */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "cli/exit_code.h"

#define DATA_DIR_DEFAULT "/var/lib/hivepool"

enum option_id {
        OPT_HELP,
        OPT_DATA_DIR,
        OPT_SERVER,
        OPT_JSON,
        OPT_FORMAT,
        OPT_TIMEOUT,
        /* serve */
        OPT_LISTEN,
        OPT_TLS_CERT,
        OPT_TLS_KEY,
        OPT_CLIENT_CA,
        OPT_SHARED_CERTIFICATE,
        OPT_INSECURE,
        OPT_TOKEN_FILE,
        OPT_LEASE,
        OPT_MAX_TASKS,
        OPT_MAX_RESULT,
        OPT_KEEP,
        OPT_HIVEMIND_LISTEN,
        OPT_ACCOUNTS,
        OPT_TOKEN_LIFE,
        OPT_HIVEMIND_ROUND,
        OPT_NODE_NETWORK,
        OPT_LIKE_DEPLOYED,
        /* submit */
        OPT_FILE,
        OPT_ID,
        OPT_IMAGE,
        OPT_TYPE,
        OPT_CODE,
        OPT_MEMORY,
        OPT_CPU,
        OPT_GPU,
        OPT_TASK_TIMEOUT,
        OPT_ENV,
        OPT_INPUT,
        OPT_RETRIES,
        OPT_PRIORITY,
        OPT_TRUST,
        OPT_ZIP,
        OPT_WAIT,
        /* the rest */
        OPT_STATE,
        OPT_LIMIT,
        OPT_ATTEMPT,
        OPT_OUTPUT,
        OPT_REASON,
        N_OPTIONS
};

#define BIT(id) (UINT64_C(1) << (id))
#define OPTIONS_CLIENT (BIT(OPT_DATA_DIR) | BIT(OPT_SERVER) | BIT(OPT_TIMEOUT))

#define OPTIONS_SHOW (OPTIONS_CLIENT | BIT(OPT_JSON) | BIT(OPT_FORMAT))

struct option_row {
        char letter; /* 0: none */
        const char *name, *argument, *help;
};
extern const struct option_row option_rows[N_OPTIONS];

struct cli;

struct command {
        const char *name, *usage, *summary, *details;
        uint64_t options; /* BIT()s; --help is added */
        unsigned args_min, args_max;
        int (*run)(struct cli *cli);
};
extern const struct command commands[];
const struct command *command_find(const char *name);

struct cli {
        const struct command *command;
        uint64_t given;
        const char *values[N_OPTIONS]; /* the last one said */
        HV_VEC(const char *) env, inputs, states, networks;
        char *const *args;
        size_t n_args;
        uint64_t timeout_us;
};

/* HV_EXIT_OK, or an exit code: told. */
int options_parse(struct cli *cli, int argc, char *argv[]);
bool option_is_given(const struct cli *cli, enum option_id id);
/* A number from min to max, `otherwise` where it was not given. HV_EXIT_OK or HV_EXIT_USAGE, told. */
int option_number(const struct cli *cli, enum option_id id, uint64_t min, uint64_t max, uint64_t otherwise,
                  uint64_t *ret);
int option_duration(const struct cli *cli, enum option_id id, uint64_t otherwise_us, uint64_t *ret_us);

/* "hivepool: TEXT" on standard error; gives code. */
int fail(int code, const char *fmt, ...) _hv_printf_(2, 3);
int usage_error(const struct cli *cli, const char *fmt, ...) _hv_printf_(2, 3);

void help_overview(FILE *to);
void help_command(FILE *to, const struct command *c);

int run_serve(struct cli *cli);
int run_submit(struct cli *cli);
int run_ls(struct cli *cli);
int run_show(struct cli *cli);
int run_result(struct cli *cli);
int run_logs(struct cli *cli);
int run_cancel(struct cli *cli);
int run_rm(struct cli *cli);
int run_nodes(struct cli *cli);
int run_forget(struct cli *cli);
int run_status(struct cli *cli);
int run_completion(struct cli *cli);

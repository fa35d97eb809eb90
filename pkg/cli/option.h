/* cli/option.h - the options of all verbs, in one table.
 *
 * Model    One row an option. The rows drive parsing, --help, shell completion and the check of the man page;
 *          each verb names the ids of the rows that it takes (cli/verb.h).
 */
#pragma once

#include "base/err.h"

enum hv_option_id {
        HV_OPT_HELP,
        HV_OPT_SOCKET,
        HV_OPT_HOST,
        HV_OPT_CA_FILE,
        HV_OPT_TIMEOUT,
        HV_OPT_COLOR,
        HV_OPT_NO_COLOR,
        HV_OPT_QUIET,
        HV_OPT_OUTPUT,
        HV_OPT_NO_HEADERS,
        HV_OPT_FILENAME,
        HV_OPT_STRICT,
        HV_OPT_ACCEPT_PRUNE,
        HV_OPT_DRY_RUN,
        HV_OPT_CONFIRM,
        HV_OPT_REVERT,
        HV_OPT_WAIT,
        HV_OPT_FOR,
        HV_OPT_CHECK,
        HV_OPT_ONCE,
        HV_OPT_FOLLOW,
        HV_OPT_SINCE,
        HV_OPT_TAIL,
        HV_OPT_STREAM,
        HV_OPT_TIMESTAMPS,
        HV_OPT_PREVIOUS,
        HV_OPT_FOLLOW_TASK,
        HV_OPT_AGAIN,
        HV_OPT_NAME,
        HV_OPT_ENV,
        HV_OPT_MEMORY,
        HV_OPT_CPU,
        HV_OPT_NETWORK,
        HV_OPT_INPUT,
        HV_OPT_DIRECTORY,
        HV_OPT_INTO,
        HV_OPT_ENV_FILE,
        HV_OPT_PROFILE,
        HV_OPT_REASON,
        HV_OPT_LEDGER,
        HV_OPT_KEY,
        HV_OPT_CHAIN,
        HV_OPT_PREPARE,
        HV_OPT_UNDO,
        HV_OPT_ROLE,
        HV_OPT_EXPIRES,
        HV_OPT_NOW,
        HV_OPT_SIGNAL,
        HV_OPT_SELECTOR,
        HV_OPT_WATCH,
        HV_OPT_NO_PAGER,
        HV_OPT_DEADLINE,
        HV_OPT_TASKS,
        HV_OPT_FIELD,
        HV_OPT_STDIN,
        HV_OPT_TTY,
        HV_OPT_USER,
        HV_OPT_WORKDIR,
        HV_OPT_STOP_WORKLOADS,
        HV_OPT_YES,
        HV_OPT_ARCHIVE,
        HV_OPT_IMAGE,
        HV_OPT_FROM_FILE,
        HV_OPT_WRITTEN,
        HV_OPT_STATE,
        HV_OPT_CRON,
        HV_OPT_SEARCH,
        HV_OPT_HISTORY,
        HV_OPT_VERSION,
        HV_N_OPTIONS
};

typedef unsigned __int128 hv_option_set; /* there are more than 64 */

#define HV_OPT_BIT(id) ((hv_option_set) 1 << (id))
#define HV_OPTS_GLOBAL                                                                        \
        (HV_OPT_BIT(HV_OPT_HELP) | HV_OPT_BIT(HV_OPT_SOCKET) | HV_OPT_BIT(HV_OPT_HOST) |      \
         HV_OPT_BIT(HV_OPT_CA_FILE) | HV_OPT_BIT(HV_OPT_TIMEOUT) | HV_OPT_BIT(HV_OPT_COLOR) | \
         HV_OPT_BIT(HV_OPT_NO_COLOR) | HV_OPT_BIT(HV_OPT_QUIET))

struct hv_option {
        enum hv_option_id id;
        char letter;              /* 0: none. Two rows may share one, and a name: no verb takes both */
        const char *name;         /* without the dashes */
        const char *argument;     /* NULL: it takes none */
        const char *const *words; /* the values it takes, for help and completion; NULL: any */
        const char *help;         /* one line */
};

extern const struct hv_option hv_options[HV_N_OPTIONS];

enum hv_output_format {
        HV_OUTPUT_TABLE,
        HV_OUTPUT_WIDE,
        HV_OUTPUT_JSON,
        HV_OUTPUT_YAML,
        HV_OUTPUT_NAME,
        HV_OUTPUT_TEXT,     /* validate: as compilers do; its default */
        HV_OUTPUT_SARIF,    /* validate */
        HV_OUTPUT_GITHUB,   /* validate */
        HV_OUTPUT_JSONL,    /* an item a line */
        HV_OUTPUT_JSONPATH, /* with a template: jsonpath=TEMPLATE */
        HV_OUTPUT_COLUMNS,  /* with paths: custom-columns=HEADING:PATH,... */
};

enum hv_color_mode {
        HV_COLOR_AUTO,
        HV_COLOR_ALWAYS,
        HV_COLOR_NEVER,
};

#define HV_CLI_FILES_MAX 64

/* What the command line says. Texts are argv's. */
struct hv_cli_options {
        hv_option_set given; /* HV_OPT_BIT() of each that was there */
        const char *socket, *host, *ca_file;
        const char *selector, *jsonpath, *columns; /* jsonpath, columns: what follows the = of --output */
        const char *role, *expires;                /* expires: a time, as it was given */
        uint64_t timeout_us;
        const char *confirm; /* a time, as it was given */
        enum hv_color_mode color;
        enum hv_output_format output;
        const char *files[HV_CLI_FILES_MAX]; /* --filename, as often as it was there */
        size_t n_files;
        const char *env[HV_CLI_FILES_MAX], *inputs[HV_CLI_FILES_MAX]; /* as often as they were there */
        size_t n_env, n_inputs;
        const char *env_files[HV_CLI_FILES_MAX], *profiles[HV_CLI_FILES_MAX];
        size_t n_env_files, n_profiles;
        const char *accept_prune, *wait_for, *since, *stream, *key;
        const char *name, *memory, *cpu, *network, *directory, *reason, *into, *signal, *deadline, *field;
        const char *user, *workdir, *image, *from_file;
        const char *state, *cron, *search;
        uint64_t tail;
        char *const *args; /* what is no option; NULL-terminated */
        size_t n_args;
};

bool hv_option_is_given(const struct hv_cli_options *o, enum hv_option_id id);

/* Takes argv apart: options may stand anywhere, "--" ends them. `allowed` tells the options of a verb once its name
 * (the first argument) is known: called once with the first two words, or with NULL when there is none. args of *ret is in
 * memory of the caller's that outlives it: `args` has room for argc + 1.
 * -EINVAL: err is a sentence for people, with a suggestion where there is one. */
int hv_options_parse(int argc, char *const argv[], hv_option_set (*allowed)(const char *verb), char **args,
                     struct hv_cli_options *ret, struct hv_err *err);

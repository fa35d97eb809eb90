#include "cli/option.h"

#include <errno.h>
#include <stdio.h>

#include "base/duration.h"
#include "base/parse.h"
#include "base/text.h"

#define JSONPATH "jsonpath="
#define COLUMNS "custom-columns="
#define VERB_SIZE 80 /* two words; no verb is nearly as long */

static const char *const color_words[] = { "auto", "always", "never", NULL };
static const char *const output_words[] = { "table", "wide",   "json",  "yaml",     "name",           "text",
                                            "sarif", "github", "jsonl", "jsonpath", "custom-columns", NULL };
static const char *const stream_words[] = { "all", "stdout", "stderr", NULL };
static const char *const role_words[] = { "viewer", "operator", "admin", NULL };
static const char *const for_words[] = { "synced", "ready", NULL };

_Static_assert(HV_N_OPTIONS <= 128, "a set of options is one number: HV_OPT_BIT()");

const struct hv_option hv_options[HV_N_OPTIONS] = {
        { HV_OPT_HELP, 'h', "help", NULL, NULL, "show this help" },
        { HV_OPT_SOCKET, 0, "socket", "PATH", NULL,
          "socket of the agent; default $HIVELET_SOCKET, then /run/hivelet/hivelet.sock" },
        { HV_OPT_HOST, 'H', "host", "URL", NULL,
          "agent elsewhere, https://NAME:PORT, in place of the socket; default $HIVELET_HOST" },
        { HV_OPT_CA_FILE, 0, "ca-file", "FILE", NULL,
          "authorities that its certificate may be of, as PEM; kept by login" },
        { HV_OPT_TIMEOUT, 0, "timeout", "TIME", NULL, "give up after this time, such as 30s or 5m" },
        { HV_OPT_COLOR, 0, "color", "WHEN", color_words, "colour: auto (on a terminal), always or never" },
        { HV_OPT_NO_COLOR, 0, "no-color", NULL, NULL, "the same as --color never" },
        { HV_OPT_QUIET, 'q', "quiet", NULL, NULL, "no progress and no remarks; errors are still shown" },
        { HV_OPT_OUTPUT, 'o', "output", "FORMAT", output_words, "form of the output" },
        { HV_OPT_NO_HEADERS, 0, "no-headers", NULL, NULL, "leave out the heading of tables" },
        { HV_OPT_FILENAME, 'f', "filename", "FILE", NULL,
          "file, directory (its *.yaml and *.yml), or - for standard input; may be repeated" },
        { HV_OPT_STRICT, 0, "strict", NULL, NULL, "exit with 3 when there are warnings" },
        { HV_OPT_ACCEPT_PRUNE, 0, "accept-prune", "REVISION", NULL,
          "let the parked revision of this name, or the start of it, remove what it removes" },
        { HV_OPT_DRY_RUN, 0, "dry-run", NULL, NULL, "judge only, change nothing" },
        { HV_OPT_CONFIRM, 0, "confirm", "TIME", NULL,
          "on trial: taken back by itself after this time, such as 10m, unless hivectl confirm comes before" },
        { HV_OPT_REVERT, 0, "revert", NULL, NULL, "take it back now" },
        { HV_OPT_WAIT, 0, "wait", NULL, NULL, "wait until the machine runs what was applied" },
        { HV_OPT_FOR, 0, "for", "STATE", for_words, "what to wait for; default synced" },
        { HV_OPT_CHECK, 0, "check", NULL, NULL, "exit with 2 when the node is not in sync" },
        { HV_OPT_ONCE, 0, "once", NULL, NULL, "one table, also on a terminal" },
        { HV_OPT_FOLLOW, 'f', "follow", NULL, NULL, "go on with what comes, until interrupted" },
        { HV_OPT_SINCE, 0, "since", "TIME", NULL,
          "only what is newer: a span such as 10m, or an instant such as 2026-01-31T08:00:00Z" },
        { HV_OPT_TAIL, 0, "tail", "N", NULL, "only the last N lines" },
        { HV_OPT_STREAM, 0, "stream", "NAME", stream_words,
          "what the container writes to: all, stdout or stderr" },
        { HV_OPT_TIMESTAMPS, 0, "timestamps", NULL, NULL, "begin each line with its time" },
        { HV_OPT_PREVIOUS, 'p', "previous", NULL, NULL,
          "of the run before the present one; of a task the attempt before the newest" },
        { HV_OPT_FOLLOW_TASK, 0, "follow", NULL, NULL, "show what it writes, and wait for its end" },
        { HV_OPT_AGAIN, 0, "again", NULL, NULL, "run it even if the same ran before" },
        { HV_OPT_NAME, 0, "name", "NAME", NULL, "name of the task; default: that of the image" },
        { HV_OPT_ENV, 'e', "env", "NAME=VALUE", NULL, "environment variable; may be repeated" },
        { HV_OPT_MEMORY, 0, "memory", "SIZE", NULL, "memory that it gets, such as 512Mi" },
        { HV_OPT_CPU, 0, "cpu", "CPUS", NULL, "CPUs that it gets, such as 500m or 2" },
        { HV_OPT_NETWORK, 0, "network", "NAME", NULL, "network that it joins; none: none" },
        { HV_OPT_INPUT, 0, "input", "SOURCE:PATH", NULL, "what is there before it starts; may be repeated" },
        { HV_OPT_DIRECTORY, 'o', "output", "DIR", NULL, "directory that the files are brought to" },
        { HV_OPT_INTO, 0, "into", "FOLDER", NULL, "where keys are written, a file each; it must be there" },
        { HV_OPT_ENV_FILE, 0, "env-file", "FILE", NULL,
          "variables of a compose file, in place of .env beside it; may be repeated" },
        { HV_OPT_PROFILE, 0, "profile", "NAME", NULL,
          "its services of this profile, too; * for all; may be repeated" },
        { HV_OPT_REASON, 0, "reason", "TEXT", NULL, "why; it is recorded" },
        { HV_OPT_LEDGER, 0, "ledger", NULL, NULL, "every change, newest first" },
        { HV_OPT_KEY, 0, "signer", "KEY", NULL, "key of the node that must have signed it, 64 hex digits" },
        { HV_OPT_CHAIN, 0, "chain", NULL, NULL, "each receipt must follow the one before it" },
        { HV_OPT_PREPARE, 0, "prepare", NULL, NULL, "make the next one and show it; nothing uses it yet" },
        { HV_OPT_UNDO, 0, "undo", NULL, NULL, "back to the one of before" },
        { HV_OPT_ROLE, 0, "role", "ROLE", role_words, "what it may do: viewer, operator or admin" },
        { HV_OPT_EXPIRES, 0, "expires", "TIME", NULL,
          "for how long it is good, such as 90d; default: for good" },
        { HV_OPT_NOW, 0, "now", NULL, NULL,
          "all replicas at once, whether others run meanwhile or not, whatever is missing" },
        { HV_OPT_SIGNAL, 's', "signal", "SIGNAL", NULL, "signal, such as HUP; default KILL" },
        { HV_OPT_SELECTOR, 'l', "selector", "LABELS", NULL,
          "only what has these labels: app=web,tier!=test,canary" },
        { HV_OPT_WATCH, 'w', "watch", NULL, NULL, "go on with what changes, until interrupted" },
        { HV_OPT_NO_PAGER, 0, "no-pager", NULL, NULL, "do not show it with $PAGER" },
        { HV_OPT_DEADLINE, 0, "deadline", "TIME", NULL, "stop what still runs after this time, such as 10m" },
        { HV_OPT_TASKS, 0, "tasks", NULL, NULL, "tasks only, as always: services belong to the node" },
        { HV_OPT_FIELD, 0, "field", "PATH", NULL,
          "who set this field of the object, such as restart.policy" },
        { HV_OPT_STDIN, 'i', "stdin", NULL, NULL, "give it standard input" },
        { HV_OPT_TTY, 't', "tty", NULL, NULL, "give it a terminal" },
        { HV_OPT_USER, 'u', "user", "USER", NULL,
          "user it runs as: NAME or UID, and :GROUP; default: the container's" },
        { HV_OPT_WORKDIR, 0, "workdir", "PATH", NULL, "its working directory; default: the container's" },
        { HV_OPT_STOP_WORKLOADS, 0, "stop-workloads", NULL, NULL, "end tasks and stop services first" },
        { HV_OPT_YES, 'y', "yes", NULL, NULL, "do not ask" },
        { HV_OPT_ARCHIVE, 'a', "archive", NULL, NULL,
          "keep the owners of files, by number; otherwise they are root's there and yours here" },
        { HV_OPT_IMAGE, 0, "image", "IMAGE", NULL, "image that its containers are made of" },
        { HV_OPT_FROM_FILE, 0, "from-file", "FILE", NULL, "file that holds it; default standard input" },
        { HV_OPT_WRITTEN, 0, "written", NULL, NULL, "only what somebody wrote, not the defaults" },
        { HV_OPT_STATE, 0, "state", "STATES", NULL,
          "only those in these states: live, ended, or names such as running,failed" },
        { HV_OPT_CRON, 0, "cron", "NAME", NULL, "only runs of this cron task" },
        { HV_OPT_SEARCH, 0, "search", "TEXT", NULL,
          "only those whose id or name has this part, in any case" },
        { HV_OPT_HISTORY, 0, "history", NULL, NULL, "the samples of the last hour, oldest first" },
        { HV_OPT_VERSION, 0, "version", NULL, NULL, "show the version" },
};

bool hv_option_is_given(const struct hv_cli_options *o, enum hv_option_id id) {
        return (o->given & HV_OPT_BIT(id)) != 0;
}

/* ---- values ---- */

static int bad_value(const struct hv_option *o, const char *value, const char *expected, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(err, -EINVAL, "--%s: expected %s, found %s", o->name, expected,
                          hv_text_quote(value, quoted));
}

static int read_word(const struct hv_option *o, const char *value, unsigned *ret, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        size_t n = 0;
        const char *near;

        for (; o->words[n]; n++) {
                if (hv_streq(o->words[n], value)) {
                        *ret = (unsigned) n;
                        return 0;
                }
        }
        near = hv_text_suggest(value, o->words, n);
        if (near)
                return hv_err_set(err, -EINVAL, "--%s: %s is none of its values; did you mean %s?", o->name,
                                  hv_text_quote(value, quoted), near);
        hv_err_set(err, -EINVAL, "--%s: %s is none of its values:", o->name, hv_text_quote(value, quoted));
        for (size_t i = 0; i < n; i++)
                (void) snprintf(err->msg + strlen(err->msg), sizeof err->msg - strlen(err->msg), "%s %s",
                                i > 0 ? "," : "", o->words[i]);
        return err->code;
}

static int read_time(const struct hv_option *o, const char *value, uint64_t *ret_us, struct hv_err *err) {
        char guess[HV_DURATION_SIZE];

        if (hv_duration_parse(value, ret_us) == HV_PARSE_OK && *ret_us > 0)
                return 0;
        if (hv_duration_suggest(value, guess))
                return hv_err_set(err, -EINVAL, "--%s: \"%s\" is no time; did you mean %s?", o->name, value,
                                  guess);
        return bad_value(o, value, "a time such as 30s or 5m", err);
}

static int add(const struct hv_option *o, const char *value, const char *list[HV_CLI_FILES_MAX], size_t *n,
               struct hv_err *err) {
        if (*n == HV_CLI_FILES_MAX)
                return hv_err_set(err, -EINVAL, "--%s: at most %d times", o->name, HV_CLI_FILES_MAX);
        list[(*n)++] = value;
        return 0;
}

static int store(struct hv_cli_options *ret, const struct hv_option *o, const char *value,
                 struct hv_err *err) {
        uint64_t ignored_us;
        unsigned word = 0;
        int r;

        ret->given |= HV_OPT_BIT(o->id);
        if (o->id == HV_OPT_OUTPUT && value && hv_has_prefix(value, JSONPATH)) {
                ret->output = HV_OUTPUT_JSONPATH;
                ret->jsonpath = value + strlen(JSONPATH);
                return 0;
        }
        if (o->id == HV_OPT_OUTPUT && value && hv_has_prefix(value, COLUMNS)) {
                ret->output = HV_OUTPUT_COLUMNS;
                ret->columns = value + strlen(COLUMNS);
                return 0;
        }
        if (o->words) {
                r = read_word(o, value, &word, err);
                if (r < 0)
                        return r;
        }
        switch (o->id) {
        case HV_OPT_SOCKET:
                ret->socket = value;
                break;
        case HV_OPT_HOST:
                ret->host = value;
                break;
        case HV_OPT_CA_FILE:
                ret->ca_file = value;
                break;
        case HV_OPT_ROLE:
                ret->role = o->words[word];
                break;
        case HV_OPT_EXPIRES:
                ret->expires = value;
                return read_time(o, value, &ignored_us, err);
        case HV_OPT_TIMEOUT:
                return read_time(o, value, &ret->timeout_us, err);
        case HV_OPT_CONFIRM:
                ret->confirm = value;
                return read_time(o, value, &ignored_us, err);
        case HV_OPT_COLOR:
                ret->color = (enum hv_color_mode) word;
                break;
        case HV_OPT_NO_COLOR:
                ret->color = HV_COLOR_NEVER;
                break;
        case HV_OPT_OUTPUT:
                ret->output = (enum hv_output_format) word;
                break;
        case HV_OPT_SELECTOR:
                ret->selector = value;
                break;
        case HV_OPT_FILENAME:
                return add(o, value, ret->files, &ret->n_files, err);
        case HV_OPT_ACCEPT_PRUNE:
                ret->accept_prune = value;
                break;
        case HV_OPT_KEY:
                ret->key = value;
                break;
        case HV_OPT_FOR:
                ret->wait_for = o->words[word];
                break;
        case HV_OPT_SINCE:
                ret->since = value;
                break;
        case HV_OPT_DEADLINE:
                ret->deadline = value;
                return read_time(o, value, &ignored_us, err);
        case HV_OPT_FIELD:
                ret->field = value;
                break;
        case HV_OPT_USER:
                ret->user = value;
                break;
        case HV_OPT_WORKDIR:
                ret->workdir = value;
                break;
        case HV_OPT_IMAGE:
                ret->image = value;
                break;
        case HV_OPT_FROM_FILE:
                ret->from_file = value;
                break;
        case HV_OPT_SIGNAL:
                ret->signal = value;
                break;
        case HV_OPT_STREAM:
                ret->stream = o->words[word];
                break;
        case HV_OPT_ENV:
                return add(o, value, ret->env, &ret->n_env, err);
        case HV_OPT_ENV_FILE:
                return add(o, value, ret->env_files, &ret->n_env_files, err);
        case HV_OPT_PROFILE:
                return add(o, value, ret->profiles, &ret->n_profiles, err);
        case HV_OPT_INPUT:
                return add(o, value, ret->inputs, &ret->n_inputs, err);
        case HV_OPT_NAME:
                ret->name = value;
                break;
        case HV_OPT_MEMORY:
                ret->memory = value;
                break;
        case HV_OPT_CPU:
                ret->cpu = value;
                break;
        case HV_OPT_NETWORK:
                ret->network = value;
                break;
        case HV_OPT_DIRECTORY:
                ret->directory = value;
                break;
        case HV_OPT_REASON:
                ret->reason = value;
                break;
        case HV_OPT_INTO:
                ret->into = value;
                break;
        case HV_OPT_STATE:
                ret->state = value;
                break;
        case HV_OPT_CRON:
                ret->cron = value;
                break;
        case HV_OPT_SEARCH:
                ret->search = value;
                break;
        case HV_OPT_TAIL:
                if (!hv_parse_uint(value, 0, UINT32_MAX, &ret->tail))
                        return bad_value(o, value, "a number of lines", err);
                break;
        default:
                break;
        }
        return 0;
}

/* ---- words of the command line ---- */

static const struct hv_option *by_name(const char *name, size_t len, hv_option_set allowed) {
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                if ((allowed & HV_OPT_BIT(i)) && strlen(hv_options[i].name) == len &&
                    strncmp(hv_options[i].name, name, len) == 0)
                        return &hv_options[i];
        }
        return NULL;
}

static const struct hv_option *by_letter(char letter, hv_option_set allowed) {
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                if ((allowed & HV_OPT_BIT(i)) && hv_options[i].letter == letter)
                        return &hv_options[i];
        }
        return NULL;
}

static int unknown_option(const char *name, size_t len, hv_option_set allowed, struct hv_err *err) {
        char text[64];
        struct hv_suggestion near = { .text = text };

        (void) snprintf(text, sizeof text, "%.*s", (int) HV_MIN(len, sizeof text - 1), name);
        if (by_name(name, len, ~(hv_option_set) 0))
                return hv_err_set(err, -EINVAL, "this command has no option --%s", text);
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                if (allowed & HV_OPT_BIT(i))
                        hv_suggestion_add(&near, hv_options[i].name);
        }
        if (near.best)
                return hv_err_set(err, -EINVAL, "unknown option --%s; did you mean --%s?", text, near.best);
        return hv_err_set(err, -EINVAL, "unknown option --%s", text);
}

struct parser {
        int argc, next;
        char *const *argv;
        hv_option_set allowed;
        struct hv_cli_options *ret;
};

static int take_value(struct parser *p, const struct hv_option *o, const char *attached, struct hv_err *err) {
        if (!attached) {
                if (p->next >= p->argc)
                        return hv_err_set(err, -EINVAL, "--%s needs a value: %s", o->name, o->argument);
                attached = p->argv[p->next++];
        }
        return store(p->ret, o, attached, err);
}

static int take_long(struct parser *p, const char *word, struct hv_err *err) {
        size_t len = strcspn(word, "=");
        const struct hv_option *o = by_name(word, len, p->allowed);

        if (!o)
                return unknown_option(word, len, p->allowed, err);
        if (o->argument)
                return take_value(p, o, word[len] == '=' ? word + len + 1 : NULL, err);
        if (word[len] == '=')
                return hv_err_set(err, -EINVAL, "--%s takes no value", o->name);
        return store(p->ret, o, NULL, err);
}

/* "-q", "-qf", "-oyaml", "-o=yaml", "-o yaml" */
static int take_short(struct parser *p, const char *word, struct hv_err *err) {
        for (; *word; word++) {
                const struct hv_option *o = by_letter(*word, p->allowed);
                int r;

                if (!o) {
                        const char text[2] = { *word, '\0' };
                        char quoted[HV_TEXT_QUOTE_SIZE];

                        return hv_err_set(
                                err, -EINVAL,
                                by_letter(*word, ~(hv_option_set) 0) ? "this command has no option -%s"
                                                                     : "unknown option %s",
                                by_letter(*word, ~(hv_option_set) 0) ? text : hv_text_quote(text, quoted));
                }
                if (o->argument)
                        return take_value(p, o, word[1] ? word + 1 + (word[1] == '=') : NULL, err);
                r = store(p->ret, o, NULL, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The verb is the first word, or the first two, that are neither an option nor the value of one. A letter that means
 * different options to different verbs is read as the one with a value here; no verb follows it by accident. NULL: there is
 * none. */
static const char *find_verb(int argc, char *const argv[], char ret[VERB_SIZE]) {
        bool only_words = false;
        size_t n = 0;

        for (int i = 1; i < argc && n < 2; i++) {
                const char *word = argv[i];
                const struct hv_option *o = NULL;

                if (only_words || word[0] != '-' || !word[1]) {
                        size_t len = n ? strlen(ret) : 0;

                        (void) snprintf(ret + len, VERB_SIZE - len, "%s%s", n ? " " : "", word);
                        n++;
                } else if (hv_streq(word, "--"))
                        only_words = true;
                else if (word[1] != '-')
                        o = word[2] ? NULL : by_letter(word[1], ~(hv_option_set) 0);
                else if (!strchr(word, '='))
                        o = by_name(word + 2, strlen(word + 2), ~(hv_option_set) 0);
                i += o && o->argument;
        }
        return n ? ret : NULL;
}

int hv_options_parse(int argc, char *const argv[], hv_option_set (*allowed)(const char *verb), char **args,
                     struct hv_cli_options *ret, struct hv_err *err) {
        struct parser p = { .argc = argc, .argv = argv, .next = 1, .ret = ret };
        bool only_args = false;
        char verb[VERB_SIZE];

        *ret = (struct hv_cli_options){ .args = args };
        p.allowed = allowed(find_verb(argc, argv, verb));
        while (p.next < argc) {
                const char *word = argv[p.next++];
                int r = 0;

                if (only_args || word[0] != '-' || !word[1])
                        args[ret->n_args++] = argv[p.next - 1];
                else if (hv_streq(word, "--"))
                        only_args = true;
                else
                        r = word[1] == '-' ? take_long(&p, word + 2, err) : take_short(&p, word + 1, err);
                if (r < 0)
                        return r;
        }
        args[ret->n_args] = NULL;
        return 0;
}

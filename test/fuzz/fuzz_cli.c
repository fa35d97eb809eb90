/* fuzz_cli.c - hivectl's command line, a word a line; and, after a first byte of 'e', the stream of events that the agent
 * sends it, in pieces of as many bytes as the second byte says. */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "cli/event_stream.h"
#include "cli/verb.h"

#define WORDS_MAX 40

static hv_option_set allowed;

/* As cli.c does it. */
static hv_option_set allow(const char *name) {
        const struct hv_verb *verb = name ? hv_verb_find(name) : NULL;

        allowed = verb ? hv_verb_options(verb) : HV_OPTS_GLOBAL | HV_OPT_BIT(HV_OPT_VERSION);
        return allowed;
}

static void check_options(const struct hv_cli_options *o, char *const *args, char *const *argv, int argc) {
        FUZZ_CHECK((o->given & ~allowed) == 0);
        FUZZ_CHECK(o->args == args && o->n_args < (size_t) argc && !o->args[o->n_args]);
        for (size_t i = 0, at = 1; i < o->n_args; i++) { /* words of the line, in their order */
                while (at < (size_t) argc && argv[at] != o->args[i])
                        at++;
                FUZZ_CHECK(at++ < (size_t) argc);
        }
        FUZZ_CHECK(o->n_files <= HV_CLI_FILES_MAX);
        FUZZ_CHECK((o->n_files > 0) == hv_option_is_given(o, HV_OPT_FILENAME));
        FUZZ_CHECK(!hv_option_is_given(o, HV_OPT_SOCKET) || o->socket);
        FUZZ_CHECK(!hv_option_is_given(o, HV_OPT_TIMEOUT) || o->timeout_us > 0);
        FUZZ_CHECK(o->output <= HV_OUTPUT_GITHUB && o->color <= HV_COLOR_NEVER);
        FUZZ_CHECK(o->tail <= UINT32_MAX);
}

static void command_line(char *text) {
        char name[] = "hivectl", *argv[WORDS_MAX + 2] = { name }, *args[WORDS_MAX + 2];
        struct hv_cli_options options;
        struct hv_err err = {};
        int argc = 1, r;

        for (char *word = text; word && argc <= WORDS_MAX; argc++)
                argv[argc] = strdup(strsep(&word, "\n")); /* each its own: a step behind its end is seen */
        r = hv_options_parse(argc, argv, allow, args, &options, &err);
        FUZZ_CHECK(r == 0 || (r < 0 && *err.msg && strlen(err.msg) < sizeof err.msg));
        if (r == 0) {
                check_options(&options, args, argv, argc);
                if (options.n_args > 0 && !hv_verb_find(options.args[0]))
                        (void) hv_verb_suggest(options.args[0]);
        }
        for (int i = 1; i < argc; i++)
                free(argv[i]);
}

static void on_event(void *told, const char *id, const char *event, const char *data) {
        hv_buf_printf(told, "%s|%s|%s;", id, event, data);
}

static void events(const char *text, size_t size, size_t piece, struct hv_buf *told) {
        struct hv_event_stream s = { .on_event = on_event, .userdata = told };

        for (size_t at = 0; at < size; at += piece)
                hv_event_stream_add(&s, text + at, HV_MIN(piece, size - at));
        hv_event_stream_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_(hv_buf_done) struct hv_buf first = {}, again = {};
        char *text;

        if (size < 2)
                return 0;
        text = strndup((const char *) data + 1, size - 1);
        if (*data == 'e') {
                events((const char *) data + 2, size - 2, size, &first);
                events((const char *) data + 2, size - 2, data[1] % 64 + 1, &again);
                FUZZ_CHECK(strcmp(hv_buf_str(&first), hv_buf_str(&again)) == 0);
        } else
                command_line(text);
        free(text);
        return 0;
}

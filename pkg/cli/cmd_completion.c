/* hivectl completion: scripts that ask hivectl itself (`hivectl __complete WORDS`), so that they never go out of
 * date and know the names of objects. */
#include "cli/cli_internal.h"

#include "cli/client.h"
#include "spec/schema.h"

#define REVISION_SHOWN 12                      /* as hivectl revisions shows them */
#define ASK_TIMEOUT_US (2 * UINT64_C(1000000)) /* a shell must not hang on a tab */

static const char bash_script[] =
        "# bash completion for hivectl: source <(hivectl completion bash)\n"
        "_hivectl() {\n"
        "        local cur=${COMP_WORDS[COMP_CWORD]} words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\") line\n"
        "        COMPREPLY=()\n"
        "        while IFS= read -r line; do\n"
        "                if [ \"$line\" = :file ]; then\n"
        "                        compopt -o default 2>/dev/null\n"
        "                        return\n"
        "                fi\n"
        "                COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
        "        done < <(\"${COMP_WORDS[0]}\" __complete -- \"${words[@]}\" 2>/dev/null)\n"
        "        if [ ${#COMPREPLY[@]} -eq 1 ] && [[ ${COMPREPLY[0]} == *[/=] ]]; then\n"
        "                compopt -o nospace 2>/dev/null\n"
        "        fi\n"
        "}\n"
        "complete -F _hivectl hivectl\n";

static const char zsh_script[] =
        "#compdef hivectl\n"
        "# zsh completion for hivectl: hivectl completion zsh > \"${fpath[1]}/_hivectl\"\n"
        "_hivectl() {\n"
        "        local line name about\n"
        "        local -a found\n"
        "        while IFS= read -r line; do\n"
        "                if [ \"$line\" = :file ]; then\n"
        "                        _files\n"
        "                        return\n"
        "                fi\n"
        "                name=${line%%$'\\t'*} about=${line#*$'\\t'}\n"
        "                found+=(\"${name//:/\\\\:}${about:+:$about}\")\n"
        "        done < <(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
        "        _describe hivectl found\n"
        "}\n"
        "if [ \"$funcstack[1]\" = _hivectl ]; then\n"
        "        _hivectl \"$@\"\n"
        "else\n"
        "        compdef _hivectl hivectl\n"
        "fi\n";

static const char fish_script[] =
        "# fish completion for hivectl: hivectl completion fish > ~/.config/fish/completions/hivectl.fish\n"
        "function __hivectl_complete\n"
        "        set -l words (commandline -opc) (commandline -ct)\n"
        "        set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)\n"
        "        if test \"$found\" = \":file\"\n"
        "                __fish_complete_path (commandline -ct)\n"
        "        else\n"
        "                printf '%s\\n' $found\n"
        "        end\n"
        "end\n"
        "complete -c hivectl -f -a '(__hivectl_complete)'\n";

int hv_cmd_completion(struct hv_cli *cli) {
        static const struct {
                const char *shell, *script;
        } scripts[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };
        const struct hv_cli_options *o = &cli->options;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "for which shell: bash, zsh or fish?");
        for (size_t i = 0; i < HV_ARRAY_SIZE(scripts); i++) {
                if (hv_streq(o->args[0], scripts[i].shell)) {
                        (void) fputs(scripts[i].script, stdout);
                        return HV_EXIT_OK;
                }
        }
        return hv_cli_usage(cli, "there is no completion for that shell; there is for bash, zsh and fish");
}

/* ---- what comes next ---- */

struct completer {
        struct hv_cli *cli;
        const char *word; /* the one that is being typed */
};

static void offer(const struct completer *c, const char *text, const char *about) {
        if (hv_has_prefix(text, c->word))
                (void) printf("%s\t%s\n", text, about ? about : "");
}

static void offer_files(void) {
        (void) puts(":file");
}

/* Of a family its first word, once; with `family` the second words of that one. */
static void offer_verbs(const struct completer *c, const char *family) {
        const struct hv_verb *v;
        char last[40] = "", word[40];

        for (size_t i = 0; (v = hv_verb_at(i)); i++) {
                size_t first = strcspn(v->name, " ");

                if (!v->group)
                        continue;
                (void) snprintf(word, sizeof word, "%.*s", (int) first, v->name);
                if (family && hv_verb_is_in(v, family))
                        offer(c, v->name + first + 1, v->summary);
                else if (!family && hv_verb_words(v) == 1)
                        offer(c, v->name, v->summary);
                else if (!family && !hv_streq(word, last))
                        offer(c, word, "more commands");
                strcpy(last, word);
        }
}

static void offer_options(const struct completer *c, const struct hv_verb *v) {
        hv_option_set set = hv_verb_options(v);

        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                char text[40];

                if (!(set & HV_OPT_BIT(i)))
                        continue;
                (void) snprintf(text, sizeof text, "--%s", hv_options[i].name);
                offer(c, text, hv_options[i].help);
        }
}

/* What is typed of a form of output: more follows some. */
static const char *form(size_t i) {
        switch ((enum hv_output_format) i) {
        case HV_OUTPUT_JSONPATH:
                return "jsonpath=";
        case HV_OUTPUT_COLUMNS:
                return "custom-columns=";
        default:
                return hv_options[HV_OPT_OUTPUT].words[i];
        }
}

/* The value of an option; false: it has none that could be offered. */
static void offer_values(const struct completer *c, const struct hv_verb *v, const struct hv_option *o) {
        if (o->id == HV_OPT_FILENAME || o->id == HV_OPT_SOCKET || o->id == HV_OPT_CA_FILE ||
            o->id == HV_OPT_DIRECTORY || o->id == HV_OPT_INPUT) {
                offer_files();
                return;
        }
        for (size_t i = 0; o->words && o->words[i]; i++) {
                if (o->id != HV_OPT_OUTPUT || (hv_verb_target(v)->formats & (1u << i)))
                        offer(c, o->id == HV_OPT_OUTPUT ? form(i) : o->words[i], NULL);
        }
}

/* The items of a list of the agent's; silently NULL when it does not answer. */
static const struct hv_json *ask_items(const struct completer *c, const char *path,
                                       struct hv_client_answer *ret) {
        struct hv_err err = {};

        if (hv_cli_connect(c->cli) != HV_EXIT_OK ||
            hv_client_call(c->cli->client, HV_METHOD_GET, path, NULL, 0, NULL, ret, &err) < 0)
                return NULL;
        return hv_json_get(ret->json, "items");
}

static void offer_revisions(const struct completer *c) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        const struct hv_json *items = ask_items(c, "/api/v1/revisions", &answer);

        for (size_t i = 0; i < hv_json_size(items); i++) {
                const char *revision = hv_json_str(hv_json_at(items, i), "revision");
                char text[REVISION_SHOWN + 1];

                (void) snprintf(text, sizeof text, "%s", revision ? revision : "");
                offer(c, text, hv_json_str(hv_json_at(items, i), "state"));
        }
}

/* Names of a kind, as the agent knows them. */
static void offer_names(const struct completer *c, enum hv_kind kind, bool with_type) {
        _hv_cleanup_(hv_client_answer_done) struct hv_client_answer answer = {};
        const struct hv_json *items;
        char path[64];

        (void) snprintf(path, sizeof path, "/api/v1/%s", hv_cli_folder(kind));
        items = ask_items(c, path, &answer);
        for (size_t i = 0; i < hv_json_size(items); i++) {
                const struct hv_json *item = hv_json_at(items, i);
                const char *name = hv_json_str(hv_json_get(item, "metadata"), "name");
                char text[160];

                if (!name)
                        continue;
                (void) snprintf(text, sizeof text, "%s%s%s", with_type ? hv_kind_label(kind) : "",
                                with_type ? "/" : "", name);
                offer(c, text, hv_json_str(hv_json_get(item, "status"), "phase"));
        }
}

/* "serv" -> service/, "service/w" -> service/web */
static void offer_objects(const struct completer *c, bool plural) {
        const char *slash = strchr(c->word, '/');
        char type[40];

        if (slash) {
                enum hv_kind kind;

                (void) snprintf(type, sizeof type, "%.*s", (int) (slash - c->word), c->word);
                kind = hv_kind_parse(type);
                if (kind != HV_KIND_NONE && hv_cli_folder(kind))
                        offer_names(c, kind, true);
                return;
        }
        for (int k = HV_KIND_SERVICE; k < HV_N_KINDS; k++) {
                if (plural)
                        offer(c, hv_cli_folder((enum hv_kind) k), NULL);
                (void) snprintf(type, sizeof type, "%s/", hv_kind_label((enum hv_kind) k));
                offer(c, type, NULL);
        }
        if (plural)
                offer(c, "all", NULL);
}

static void offer_fields(const struct completer *c) {
        const char *dot = strrchr(c->word, '.');
        const struct hv_schema *s = hv_schema_of(HV_KIND_NODESTATE);
        char parent[200], text[260];

        if (dot) {
                const struct hv_field *f;

                (void) snprintf(parent, sizeof parent, "%.*s", (int) (dot - c->word), c->word);
                f = hv_schema_find(parent, NULL);
                s = f ? f->schema : hv_schema_of(hv_kind_parse(parent));
        }
        for (size_t i = 0; s && i < s->n_fields; i++) {
                (void) snprintf(text, sizeof text, "%.*s%s", dot ? (int) (dot - c->word) + 1 : 0, c->word,
                                s->fields[i].name);
                offer(c, text, s->fields[i].doc);
        }
}

static void offer_args(const struct completer *c, const struct hv_verb *v, const char *before) {
        static const char *const shells[] = { "bash", "zsh", "fish" };
        enum hv_kind kind = before ? hv_kind_parse(before) : HV_KIND_NONE;

        switch (v->args) {
        case HV_ARGS_OBJECT:
        case HV_ARGS_TYPES:
                if (kind != HV_KIND_NONE && hv_cli_folder(kind))
                        offer_names(c, kind, false);
                else
                        offer_objects(c, v->args == HV_ARGS_TYPES);
                break;
        case HV_ARGS_SERVICE:
                offer_names(c, HV_KIND_SERVICE, false);
                break;
        case HV_ARGS_TASK:
                offer_names(c, HV_KIND_TASK, false);
                break;
        case HV_ARGS_CRON:
                offer_names(c, HV_KIND_CRONTASK, false);
                break;
        case HV_ARGS_REVISION:
                offer_revisions(c);
                break;
        case HV_ARGS_FIELD:
                if (strchr(c->word, '/'))
                        offer_objects(c, false);
                else
                        offer_fields(c);
                break;
        case HV_ARGS_SHELL:
                for (size_t i = 0; i < HV_ARRAY_SIZE(shells); i++)
                        offer(c, shells[i], NULL);
                break;
        case HV_ARGS_VERB:
                offer_verbs(c, before && hv_cli_is_family(before) ? before : NULL);
                break;
        case HV_ARGS_NONE:
                if (hv_verb_options(v) & HV_OPT_BIT(HV_OPT_FILENAME))
                        offer_files();
                break;
        }
}

static const struct hv_option *option_of(const struct hv_verb *v, const char *word) {
        hv_option_set set = hv_verb_options(v);

        if (!word || word[0] != '-' || !word[1])
                return NULL;
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                bool same = word[1] == '-' ? hv_streq(word + 2, hv_options[i].name)
                                           : word[1] == hv_options[i].letter && !word[2];

                if ((set & HV_OPT_BIT(i)) && same)
                        return &hv_options[i];
        }
        return NULL;
}

/* Words as the shell has them, the one being typed last (empty when a new one begins). */
int hv_cmd_complete(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        struct completer c = { .cli = cli };
        const struct hv_verb *v = NULL;
        const struct hv_option *previous;
        const char *first = NULL, *family = NULL;
        size_t n = o->n_args;

        if (n == 0)
                return HV_EXIT_OK;
        cli->options.timeout_us = ASK_TIMEOUT_US;
        cli->options.given |= HV_OPT_BIT(HV_OPT_TIMEOUT);
        c.word = o->args[n - 1];
        for (size_t i = 0; i + 1 < n; i++) {
                if (!v && family) {
                        char line[80];

                        (void) snprintf(line, sizeof line, "%s %s", family, o->args[i]);
                        v = hv_verb_find(line);
                } else if (!v && hv_cli_is_family(o->args[i]))
                        family = o->args[i];
                else if (!v)
                        v = hv_verb_find(o->args[i]);
                else if (o->args[i][0] != '-' && !first)
                        first = o->args[i];
        }
        if (!v) {
                offer_verbs(&c, family);
                return HV_EXIT_OK;
        }
        previous = option_of(v, n > 1 ? o->args[n - 2] : NULL);
        if (previous && previous->argument)
                offer_values(&c, v, previous);
        else if (c.word[0] == '-')
                offer_options(&c, v);
        else
                offer_args(&c, v, first);
        return HV_EXIT_OK;
}

/* hivepool completion - scripts made of the tables of commands and options, one for each shell. */
#include "command.h"

static void put_options(uint64_t options) {
        for (size_t i = 0; i < N_OPTIONS; i++)
                if ((options | BIT(OPT_HELP)) & BIT(i))
                        (void) printf(" --%s", option_rows[i].name);
}

static void put_names(void) {
        for (const struct command *c = commands; c->name; c++)
                (void) printf(" %s", c->name);
}

static void put_bash(void) {
        (void) printf("# bash completion for hivepool: source <(hivepool completion bash)\n"
                      "_hivepool() {\n"
                      "        local word=${COMP_WORDS[COMP_CWORD]} words\n"
                      "        if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                      "                words='");
        put_names();
        (void) printf("'\n        else\n                case ${COMP_WORDS[1]} in\n");
        for (const struct command *c = commands; c->name; c++) {
                (void) printf("                %s) words='", c->name);
                put_options(c->options);
                (void) printf("' ;;\n");
        }
        (void) printf("                *) words= ;;\n"
                      "                esac\n"
                      "        fi\n"
                      "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                      "}\n"
                      "complete -o default -F _hivepool hivepool\n");
}

static void put_zsh(void) {
        (void) printf("#compdef hivepool\n"
                      "# zsh completion for hivepool: hivepool completion zsh > \"${fpath[1]}/_hivepool\"\n"
                      "_hivepool() {\n"
                      "        if (( CURRENT == 2 )); then\n"
                      "                compadd --");
        put_names();
        (void) printf("\n                return\n        fi\n        case $words[2] in\n");
        for (const struct command *c = commands; c->name; c++) {
                (void) printf("        %s) compadd --", c->name);
                put_options(c->options);
                (void) printf(" ;;\n");
        }
        (void) printf("        esac\n        _files\n}\n_hivepool \"$@\"\n");
}

static void put_fish(void) {
        (void) printf("# fish completion for hivepool: hivepool completion fish > "
                      "~/.config/fish/completions/hivepool.fish\n");
        for (const struct command *c = commands; c->name; c++) {
                (void) printf("complete -c hivepool -n __fish_use_subcommand -f -a %s -d '%s'\n", c->name,
                              c->summary);
                for (size_t i = 0; i < N_OPTIONS; i++)
                        if ((c->options | BIT(OPT_HELP)) & BIT(i))
                                (void) printf(
                                        "complete -c hivepool -n '__fish_seen_subcommand_from %s' -l %s%s\n",
                                        c->name, option_rows[i].name, option_rows[i].argument ? " -r" : "");
        }
}

int run_completion(struct cli *cli) {
        static const struct {
                const char *shell;
                void (*put)(void);
        } rows[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_streq(cli->args[0], rows[i].shell)) {
                        rows[i].put();
                        return HV_EXIT_OK;
                }
        return usage_error(cli, "there is no completion for that shell; there is for bash, zsh and fish");
}

/* cli/verb_learn.c - rows of the table of commands (verb.h): help, and what programs that complete ask. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_learn[] = {
        { .name = "explain",
          .group = "Learn",
          .usage = "[PATH] | TYPE/NAME --field PATH",
          .summary = "what a field of a document means",
          .details =
                  "With --field: which line of which file, variable or flag set that field of an object, or that it is the default.\n"
                  "That is asked of the agent; what a field means needs none.",
          .examples =
                  "explain services\nexplain services.ports.host\nexplain Service.restart\nexplain svc/web --field restart.policy\n",
          .args = HV_ARGS_FIELD,
          .args_max = 1,
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_FIELD),
          .run = hv_cmd_explain },
        { .name = "schema",
          .group = "Learn",
          .usage = "",
          .summary = "JSON Schema (draft-07) of the documents, for editors",
          .examples = "schema > hivelet.schema.json\n",
          .options = BIT(HV_OPT_NO_PAGER),
          .run = hv_cmd_schema },
        { .name = "version",
          .group = "Learn",
          .usage = "",
          .summary = "versions of hivectl and of the agent: commit, date, what they hold",
          .details =
                  "As JSON or YAML also the versions of the engine's API that the agent speaks, the protocols of pools, and its\n"
                  "features. Without git, a build knows no commit: unknown.",
          .examples = "version\nversion -o json\n",
          .formats = TABLE,
          .run = hv_cmd_version },
        { .name = "completion",
          .group = "Learn",
          .usage = "bash|zsh|fish",
          .summary = "completion for a shell, with the names of objects",
          .details = "bash: source <(hivectl completion bash)\n"
                     "zsh:  hivectl completion zsh > \"${fpath[1]}/_hivectl\"\n"
                     "fish: hivectl completion fish > ~/.config/fish/completions/hivectl.fish",
          .examples = "completion bash\n",
          .args = HV_ARGS_SHELL,
          .args_max = 1,
          .run = hv_cmd_completion },
        { .name = "help",
          .group = "Learn",
          .usage = "[COMMAND]",
          .summary = "this overview, or the help of a command",
          .examples = "help\nhelp apply\nhelp task\n",
          .args = HV_ARGS_VERB,
          .args_max = 2,
          .options = BIT(HV_OPT_NO_PAGER),
          .run = hv_cmd_help },
        /* What the completion scripts ask; not shown. */
        { .name = "__complete", .usage = "WORD...", .args_max = 128, .run = hv_cmd_complete },
        {},
};

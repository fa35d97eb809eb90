/* cli/verb_rollout.c - rows of the table of commands (verb.h): how a service comes to be as it is declared. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_rollout[] = {
        { .name = "rollout status",
          .group = "By hand",
          .usage = "SERVICE [--wait | --watch]",
          .summary = "how far the containers of a service are made as it is declared now",
          .details =
                  "Exit code 0: all are, and as wished; 2: it is under way, or paused; 1: it failed or goes wrong just now, or the node went\n"
                  "back to a revision of before while the files say something else. With --wait, or with --watch, which shows each step, it\n"
                  "ends when it is done (0), when a container ended for good (1), or after --timeout (6): what goes wrong is tried again.",
          .examples =
                  "rollout status web\nrollout status svc/web --wait --timeout 5m\nrollout status web -o json\n",
          .options = BIT(HV_OPT_WAIT) | BIT(HV_OPT_WATCH),
          .formats = DOCUMENT | (1u << HV_OUTPUT_TEXT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_rollout_status },
        { .name = "rollout pause",
          .group = "By hand",
          .usage = "SERVICE [--reason TEXT]",
          .summary =
                  "make no container of a service anew because it is declared otherwise, before hivectl rollout resume",
          .details =
                  "Its containers stay as they were made, whatever its document says, over restarts of the agent and of the machine. All\n"
                  "else goes on: what ends is started again as it is; what is not there any more is made as the document says now.",
          .examples = "rollout pause web --reason \"the first replica looks slow\"\n",
          .options = BIT(HV_OPT_REASON),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_rollout_pause },
        { .name = "rollout resume",
          .group = "By hand",
          .usage = "SERVICE [--wait]",
          .summary = "make the containers of a service as it is declared now",
          .examples = "rollout resume web\nrollout resume web --wait --timeout 5m\n",
          .options = BIT(HV_OPT_WAIT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_rollout_resume },
        { .name = "rollout undo",
          .group = "By hand",
          .usage = "SERVICE [--wait]",
          .summary = "a service that was applied with hivectl apply -f, as it was declared before",
          .details =
                  "Its newest document in the kept revisions that says something else is applied once more; all else stays as it is. Said\n"
                  "twice it is undone. What a file declares is put back in that file, or with hivectl rollback the whole node goes back.\n"
                  "Exit code 4: no other document of it is kept.",
          .examples = "rollout undo web\nrollout undo svc/web --wait\n",
          .options = BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_rollout_undo },
        {},
};

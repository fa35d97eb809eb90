/* cli/verb_change.c - rows of the table of commands (verb.h): documents into the desired state. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_change[] = {
        { .name = "validate",
          .group = "Change",
          .usage = "[FILE...] [-f FILE] [--strict]",
          .summary = "judge documents; needs no agent",
          .details =
                  "Without a file: /etc/hivelet/node.yaml and /etc/hivelet/conf.d. All files are one set. The\n"
                  "text alone is judged, so the answer is the same on every machine.",
          .examples = "validate node.yaml\nvalidate -f conf.d --strict\nvalidate node.yaml -o github\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_STRICT),
          .formats = (1u << HV_OUTPUT_TEXT) | (1u << HV_OUTPUT_JSON) | (1u << HV_OUTPUT_SARIF) |
                     (1u << HV_OUTPUT_GITHUB),
          .args_max = 64,
          .run = hv_cmd_validate },
        { .name = "convert",
          .group = "Change",
          .usage = "FILE [--env-file FILE] [--profile NAME] [--into FOLDER]",
          .summary = "files of compose, Kubernetes, quadlet, wg-quick as documents; needs no agent",
          .details =
                  "By what it is: a compose file (its services, and the networks, volumes, secrets and configs that they name), Pods\n"
                  "and Deployments of Kubernetes (.yaml, .yml), a unit of quadlet (.container). All else is a file of wg-quick, and\n"
                  "becomes a WireGuard. What is not carried over is told, each key with its line; so is what the node's policy has to\n"
                  "allow, and what hivelet would refuse. A compose file that cannot be expressed is refused as a whole.\n"
                  "Variables of a compose file come from .env beside it, or --env-file; the environment goes before both, and is told.\n"
                  "Keys of wg-quick do not belong into documents: with --into each is written into a file of its own, which the document\n"
                  "names; else it names secrets.",
          .examples =
                  "convert compose.yaml >shop.yaml\nconvert compose.yaml --env-file prod.env --profile debug\nconvert pod.yaml >web.yaml\n"
                  "convert /etc/containers/systemd/web.container\nconvert /etc/wireguard/wg0.conf\n"
                  "convert wg0.conf --into /etc/hivelet/keys >/etc/hivelet/conf.d/wg0.yaml\n",
          .options = BIT(HV_OPT_INTO) | BIT(HV_OPT_ENV_FILE) | BIT(HV_OPT_PROFILE),
          .formats = DOCUMENT,
          .args_max = 1,
          .run = hv_cmd_convert },
        { .name = "plan",
          .alias = "diff",
          .group = "Change",
          .usage = "[-f FILE]",
          .summary = "what would be done; changes nothing",
          .details =
                  "Without a file: what the sources say now. The exit code is 0 when nothing is to be done, 2\n"
                  "when something is.",
          .examples = "plan\nplan -f node.yaml\nplan -f web.yaml -o json\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_plan },
        { .name = "apply",
          .group = "Change",
          .usage = "[-f FILE] [--confirm TIME] [--accept-prune REVISION] [--wait]",
          .summary = "take documents into the desired state, or read the sources again",
          .details =
                  "Objects go to a source of their own that outlives restarts; a NodeState is taken only from the\n"
                  "agent's own file. Without a file the sources are read again. Exit code 2: parked by the guard.\n"
                  "With --confirm (10s to 24h) it is on trial: what was in force comes back by itself, unless hivectl\n"
                  "confirm is said in time; also after a restart of the agent or the machine, and without a network.",
          .examples = "apply\napply -f web.yaml --wait --timeout 5m\napply --accept-prune 3f2a91c0\n"
                      "apply -f web.yaml -o json\napply -f tunnel.yaml --confirm 10m\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_ACCEPT_PRUNE) | BIT(HV_OPT_DRY_RUN) |
                     BIT(HV_OPT_WAIT) | BIT(HV_OPT_CONFIRM),
          .formats = TABLE,
          .run = hv_cmd_apply },
        { .name = "update",
          .group = "Change",
          .usage = "SERVICE [--image IMAGE] [--env NAME=VALUE]... [--wait]",
          .summary = "another image or other variables for a service that was applied with hivectl apply -f",
          .details =
                  "As its document with that changed, applied once more; comments in it are not kept. What a file declares is changed in\n"
                  "that file: the error names it and the line. hivectl rollout undo takes it back.",
          .examples =
                  "update web --image nginx:1.28 --wait\nupdate svc/web --env LOG=debug --env WORKERS=4\n",
          .options = BIT(HV_OPT_IMAGE) | BIT(HV_OPT_ENV) | BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_update },
        { .name = "confirm",
          .group = "Change",
          .usage = "[--revert] [--wait]",
          .summary = "keep what was applied with --confirm, or take it back now",
          .details =
                  "Exit code 4: nothing waits to be confirmed. Exit code 1: it was too late, or it is not in force.",
          .examples = "confirm\nconfirm --revert\n",
          .options = BIT(HV_OPT_REVERT) | BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .run = hv_cmd_confirm },
        { .name = "rollback",
          .group = "Change",
          .usage = "[REVISION] [--accept-prune REVISION] [--wait]",
          .summary = "go back to a revision that was in force before",
          .details =
                  "Without one: to the newest that hivectl revisions shows beside the one in force; said twice it is undone. What was\n"
                  "applied is as it was then. Files are not written to: what they say is held off, over restarts, until they change,\n"
                  "or until hivectl apply (without a file) takes them as they are. Exit code 2: the guard holds it; nothing was begun.\n"
                  "Exit code 4: there is no such revision.",
          .examples = "rollback\nrollback 3f2a91c0 --wait\nrollback 3f2a91c0 --accept-prune 3f2a91c0\n",
          .options = BIT(HV_OPT_ACCEPT_PRUNE) | BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .args = HV_ARGS_REVISION,
          .args_max = 1,
          .run = hv_cmd_rollback },
        { .name = "gc",
          .group = "Change",
          .usage = "[--dry-run]",
          .summary = "collect garbage now: ended containers, results, full logs, images that nothing needs",
          .details =
                  "Only what hivelet itself made or brought, by the rules under gc and logging of the desired state. With\n"
                  "--dry-run: what would go, in that order, and why. Images share layers, so what becomes free\n"
                  "may be less.",
          .examples = "gc --dry-run\ngc\ngc -o json\n",
          .options = BIT(HV_OPT_DRY_RUN) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_gc },
        { .name = "preload",
          .group = "Change",
          .usage = "IMAGE... [--wait]",
          .summary = "have images pulled now, before anybody needs them",
          .details =
                  "As images.preload of the desired state does it: from mirrors, with the logins and inside the policy of the\n"
                  "documents, images.pull.parallel at a time, but whatever images.pull.window says. All names are judged before\n"
                  "the first is pulled. It is no order: an agent that ends forgets what has not come; what should be there for good\n"
                  "belongs into images.preload. Garbage collection leaves it for gc.disk.minAge.\n"
                  "Exit code 5: an image is not allowed. With --wait, 1: one could not be pulled; 6: --timeout; the rest comes.",
          .examples = "preload redis:7.4-alpine\npreload redis:7.4-alpine postgres:17 --wait --timeout 10m\n",
          .options = BIT(HV_OPT_WAIT),
          .args_max = 64,
          .run = hv_cmd_preload },
        { .name = "secret ls",
          .group = "Change",
          .usage = "",
          .summary = "secrets: where they come from, how large they are, who uses them; never a value",
          .examples = "secret ls\nsecret ls -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_secret_ls },
        { .name = "secret set",
          .group = "Change",
          .usage = "NAME [--from-file FILE]",
          .summary = "write a secret of this node, from standard input or a file",
          .details =
                  "Its bytes as they are, a newline at the end too; on a terminal one line is asked for, and not shown. It lies in\n"
                  "the state directory of the agent, with mode 0600, and a document names that file with fromFile. Where one does, it is\n"
                  "in use at once. What a document has from another file, from a credential or from the agent is not written here.",
          .examples =
                  "secret set db-password --from-file /root/db-password\nsecret set registry-login <config.json\n",
          .options = BIT(HV_OPT_FROM_FILE),
          .args_max = 1,
          .run = hv_cmd_secret_set },
        { .name = "secret rm",
          .group = "Change",
          .usage = "NAME",
          .summary = "remove a secret that was written, and that nothing uses",
          .details =
                  "Exit code 1: it is used or declared, and the sentence says by whom. Exit code 4: there is none.",
          .examples = "secret rm db-password\n",
          .args_max = 1,
          .run = hv_cmd_secret_rm },
        { .name = "delete",
          .group = "Change",
          .usage = "TYPE/NAME [--wait]",
          .summary = "take back an object that was applied with hivectl apply -f",
          .details = "What a file declares is deleted in that file.",
          .examples = "delete service/web\ndelete svc web --wait\n",
          .options = BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_delete },
        { .name = "reload",
          .group = "Change",
          .usage = "[--wait]",
          .summary = "read the sources again, as SIGHUP does",
          .examples = "reload\nreload --wait\n",
          .options = BIT(HV_OPT_WAIT),
          .formats = TABLE,
          .run = hv_cmd_reload },
        {},
};

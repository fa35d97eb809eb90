/* cli/verb_look.c - rows of the table of commands (verb.h): what shows and changes nothing. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_look[] = {
        { .name = "status",
          .group = "Look",
          .usage = "[--check]",
          .summary = "how the node is: in sync or not, conditions, what is in the way",
          .details =
                  "With --check the exit code tells: 0 in sync, 2 not in sync or parked by the guard, 1 the\n"
                  "sources were refused.",
          .examples = "status\nstatus --check -q\nstatus -o json\n",
          .options = BIT(HV_OPT_CHECK) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_status },
        { .name = "top",
          .group = "Look",
          .usage = "[node|services|tasks|gpus] [--once]",
          .summary = "what the machine and its containers use",
          .details =
                  "On a terminal it goes on with each sample until interrupted; the busiest container comes first.\n"
                  "CPU of a container: one processor is 100 %. MEMORY is what cannot be taken away without loss.",
          .examples = "top\ntop tasks\ntop gpu\ntop --once\ntop -o json\n",
          .options = BIT(HV_OPT_ONCE) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .args_max = 1,
          .run = hv_cmd_top },
        { .name = "get",
          .group = "Look",
          .usage = "TYPE[,TYPE] [NAME...] | TYPE/NAME... | all",
          .summary = "list objects",
          .details =
                  "Types: service (svc), task, cronTask (cron), network (net), volume (vol), secret (sec),\n"
                  "config (cfg), image (img), registry, wireguard (wg).\n"
                  "-o jsonpath=TEMPLATE is kubectl's: fields, [n], [*], ['name'], {range ...}{end}, {\"\\n\"}.\n"
                  "-o custom-columns=HEADING:PATH,... makes a table of such paths, a row for each object.",
          .examples =
                  "get services\nget svc web -o yaml\nget service/web network/backend\nget all -o wide\nget svc -l app=web --watch\n"
                  "get svc -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'\n"
                  "get svc -o custom-columns=NAME:.metadata.name,PHASE:.status.phase\n",
          .options = BIT(HV_OPT_SELECTOR) | BIT(HV_OPT_WATCH) | BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .args = HV_ARGS_TYPES,
          .args_max = 64,
          .run = hv_cmd_get },
        { .name = "describe",
          .group = "Look",
          .usage = "TYPE/NAME",
          .summary = "all about one object: why it is so, spec, containers, events",
          .examples = "describe service/web\ndescribe net backend\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_describe },
        { .name = "why",
          .group = "Look",
          .usage = "[TYPE/NAME]",
          .summary = "why it is as it is: wished, seen, in the way, next",
          .details =
                  "Without an object, or of \"node\": the node, what its workloads are capped to, and everything\nthat is not as wished.",
          .examples = "why node\nwhy service/web\nwhy svc web -o json\n",
          .formats = TABLE,
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .options = BIT(HV_OPT_NO_PAGER),
          .run = hv_cmd_why },
        { .name = "events",
          .group = "Look",
          .usage = "[TYPE/NAME] [--follow] [--since TIME]",
          .summary = "what happened, and with --follow what happens",
          .examples = "events --since 1h\nevents -f\nevents service/web --tail 20\nevents -f -o json\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_FOLLOW) | BIT(HV_OPT_SINCE) | BIT(HV_OPT_TAIL) |
                     BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_events },
        { .name = "logs",
          .group = "Look",
          .usage = "SERVICE[/REPLICA] | task/ID [--follow | --previous] [--tail N] [--since TIME]",
          .summary = "what the containers of a service, or a task, write",
          .details =
                  "All replicas unless one is named; then each line begins with its replica. On a terminal\n"
                  "control characters are shown as escapes; into a pipe bytes go as they are.\n"
                  "--previous shows the run that came before the present start, or of what does not run the last one: why it\n"
                  "ended. Of a run that the agent did not start itself, as after a restart of the agent, nobody knows the\n"
                  "beginning: then all is shown that was written before the present start. A container that was made anew\n"
                  "has no run before; exit code 4.",
          .examples =
                  "logs web --tail 100\nlogs web/2 -f\nlogs web --previous\nlogs task/resize-7 -f\nlogs web --since 10m --stream stderr\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_FOLLOW) | BIT(HV_OPT_SINCE) | BIT(HV_OPT_TAIL) |
                     BIT(HV_OPT_STREAM) | BIT(HV_OPT_TIMESTAMPS) | BIT(HV_OPT_PREVIOUS),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_logs },
        { .name = "wait",
          .group = "Look",
          .usage = "[--for STATE] [TYPE/NAME] [--timeout TIME]",
          .summary = "wait until the node, or one object, is in sync or ready",
          .details = "Without --timeout it waits without end.",
          .examples = "wait --timeout 5m\nwait --for ready service/web\n",
          .options = BIT(HV_OPT_FOR),
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_wait },
        { .name = "doctor",
          .group = "Look",
          .usage = "[-f FILE] [--strict]",
          .summary = "what is wrong with this node, and what to do; works without an agent too",
          .details =
                  "Agent, unit, desired state, secrets' files, engine, workloads, ports, pool (name, route, port, TLS, token),\n"
                  "tunnels, work directory, disk, clock, cgroups. Changes nothing. The desired state is judged from the files that\n"
                  "the agent reads, or -f names. Exit code 1: something failed; 3 with --strict: there are warnings.",
          .examples = "doctor\ndoctor -f node.yaml\ndoctor -o json\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_STRICT),
          .formats = TABLE,
          .run = hv_cmd_doctor },
        { .name = "bundle",
          .group = "Look",
          .usage = "[FILE]",
          .summary = "one file for a bug report: status, plan, doctor, events, metrics, logs; no secrets",
          .details =
                  "A tar.gz that nobody else may read; what is in it is listed. Values behind names that speak of secrets, users in\n"
                  "URLs and private keys are cut out of every file; look through it all the same before you send it.",
          .examples = "bundle\nbundle /tmp/node7.tar.gz\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .args_max = 1,
          .run = hv_cmd_bundle },
        { .name = "images",
          .group = "Look",
          .usage = "",
          .summary = "images that the engine holds: size, who uses them, why they stay",
          .details =
                  "STAYS: no is what the next round of garbage collection removes. BROUGHT (-o wide) is what hivelet pulled or loaded;\n"
                  "the rest is somebody else's, and never removed. Images share layers: sizes do not add up.",
          .examples = "images\nimages -o wide\nimages -o json\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .run = hv_cmd_images },
        { .name = "ports",
          .alias = "exposure",
          .group = "Look",
          .usage = "",
          .summary = "who listens where: published ports, the host's network, the agent itself",
          .details =
                  "Of the revision in force. REACH is loopback where only this machine gets there. A container in the host's network\n"
                  "may open any port on any address: shown as *.",
          .examples = "ports\nports -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_ports },
        { .name = "net ls",
          .group = "Look",
          .usage = "",
          .summary = "list networks; the same as get networks",
          .examples = "net ls\nnet ls -o wide\n",
          .options = BIT(HV_OPT_SELECTOR) | BIT(HV_OPT_WATCH) | BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .run = hv_cmd_net_ls },
        { .name = "sources",
          .group = "Look",
          .usage = "",
          .summary = "where the desired state comes from, and how old it is",
          .examples = "sources\nsources -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .run = hv_cmd_sources },
        { .name = "revisions",
          .group = "Look",
          .usage = "",
          .summary = "revisions of the desired state: active, parked, kept",
          .examples = "revisions\nrevisions -o wide\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .run = hv_cmd_revisions },
        { .name = "history",
          .group = "Look",
          .usage = "[TYPE/NAME]",
          .summary = "which revisions came into force, when, by whom, and what each changed",
          .details =
                  "Newest first, as many as node.safety.keepRevisions keeps. BY is empty where a file was saved. Of an object: those that\n"
                  "changed it, and its newest events. What a revision changed is known while the one before it is kept, too.",
          .examples = "history\nhistory svc/web\nhistory -o json\n",
          .options = BIT(HV_OPT_NO_PAGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_history },
        {},
};

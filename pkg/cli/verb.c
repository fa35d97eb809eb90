#include "cli/verb.h"

#include "base/text.h"
#include "cli/cli_internal.h"

#define BIT HV_OPT_BIT
#define DOCUMENT ((1u << HV_OUTPUT_JSON) | (1u << HV_OUTPUT_YAML))
#define TABLE ((1u << HV_OUTPUT_TABLE) | DOCUMENT)

static const struct hv_verb verbs[] = {
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
          .usage = "[node|services|tasks] [--once]",
          .summary = "what the machine and its containers use",
          .details =
                  "On a terminal it goes on with each sample until interrupted; the busiest container comes first.\n"
                  "CPU of a container: one processor is 100 %. MEMORY is what cannot be taken away without loss.",
          .examples = "top\ntop tasks\ntop --once\ntop -o json\n",
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
                  "config (cfg), image (img), registry, wireguard (wg).",
          .examples = "get services\nget svc web -o yaml\nget service/web network/backend\nget all -o wide\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .args = HV_ARGS_TYPES,
          .args_max = 64,
          .run = hv_cmd_get },
        { .name = "describe",
          .group = "Look",
          .usage = "TYPE/NAME",
          .summary = "all about one object: why it is so, spec, containers, events",
          .examples = "describe service/web\ndescribe net backend\n",
          .options = BIT(HV_OPT_NO_HEADERS),
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
          .run = hv_cmd_why },
        { .name = "events",
          .group = "Look",
          .usage = "[TYPE/NAME] [--follow] [--since TIME]",
          .summary = "what happened, and with --follow what happens",
          .examples = "events --since 1h\nevents -f\nevents service/web --tail 20\nevents -f -o json\n",
          .options = BIT(HV_OPT_FOLLOW) | BIT(HV_OPT_SINCE) | BIT(HV_OPT_TAIL) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE),
          .args = HV_ARGS_OBJECT,
          .args_max = 2,
          .run = hv_cmd_events },
        { .name = "logs",
          .group = "Look",
          .usage = "SERVICE[/REPLICA] | task/ID [--follow] [--tail N] [--since TIME]",
          .summary = "what the containers of a service, or a task, write",
          .details =
                  "All replicas unless one is named; then each line begins with its replica. On a terminal\n"
                  "control characters are shown as escapes; into a pipe bytes go as they are.",
          .examples =
                  "logs web --tail 100\nlogs web/2 -f\nlogs task/resize-7 -f\nlogs web --since 10m --stream stderr\n",
          .options = BIT(HV_OPT_FOLLOW) | BIT(HV_OPT_SINCE) | BIT(HV_OPT_TAIL) | BIT(HV_OPT_STREAM) |
                     BIT(HV_OPT_TIMESTAMPS),
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
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .run = hv_cmd_revisions },
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
        { .name = "gc",
          .group = "Change",
          .usage = "[--dry-run]",
          .summary = "collect garbage now: ended containers, results, images that nothing needs",
          .details =
                  "Only what hivelet itself made or brought, by the rules under gc of the desired state. With\n"
                  "--dry-run: what would go, in that order, and why. Images share layers, so what becomes free\n"
                  "may be less.",
          .examples = "gc --dry-run\ngc\ngc -o json\n",
          .options = BIT(HV_OPT_DRY_RUN) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_gc },
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
        { .name = "run",
          .group = "Tasks",
          .usage = "IMAGE [-- COMMAND...] | -f FILE",
          .summary = "run something to its end, once",
          .details =
                  "The answer comes when the promise is durable: from then on the task runs, whatever becomes of hivectl.\n"
                  "An IMAGE is run anew each time. A document is run once: the same again is the same task, unless --again.\n"
                  "--timeout is the time that the task may run. --input SOURCE:PATH puts a text file, an archive (zip, tar,\n"
                  "gzip) or what a URL gives below its working directory; an archive is unpacked at PATH.\n"
                  "With --wait or --follow the exit code is the task's own; 124: its time was over; 125: it never ended by\n"
                  "itself, or was not accepted.",
          .examples = "run busybox -- echo hello\nrun -f task.yaml --wait\n"
                      "run python:3.12 --input main.py:main.py --memory 2Gi --follow -- python main.py\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_WAIT) | BIT(HV_OPT_FOLLOW_TASK) | BIT(HV_OPT_AGAIN) |
                     BIT(HV_OPT_NAME) | BIT(HV_OPT_ENV) | BIT(HV_OPT_MEMORY) | BIT(HV_OPT_CPU) |
                     BIT(HV_OPT_NETWORK) | BIT(HV_OPT_INPUT),
          .formats = TABLE,
          .args_max = 64,
          .run = hv_cmd_run },
        { .name = "task ls",
          .group = "Tasks",
          .usage = "",
          .summary = "list tasks, newest first",
          .examples = "task ls\ntask ls -o wide\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .run = hv_cmd_task_ls },
        { .name = "task show",
          .group = "Tasks",
          .usage = "ID",
          .summary = "all about one task: why it is so, attempts, places of its files",
          .examples = "task show resize-7\ntask show resize-7 -o yaml\n",
          .formats = TABLE,
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_show },
        { .name = "task logs",
          .group = "Tasks",
          .usage = "ID [--follow] [--tail N]",
          .summary = "what a task wrote, or writes",
          .details = "With --follow a task that does not run yet is waited for.",
          .examples = "task logs resize-7\ntask logs resize-7 -f\n",
          .options = BIT(HV_OPT_FOLLOW) | BIT(HV_OPT_SINCE) | BIT(HV_OPT_TAIL) | BIT(HV_OPT_STREAM) |
                     BIT(HV_OPT_TIMESTAMPS),
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_logs },
        { .name = "task results",
          .group = "Tasks",
          .usage = "ID [-o DIR]",
          .summary = "list the files that a task left, or bring them into a directory",
          .details =
                  "Each file is checked against its SHA-256. Nothing is overwritten, and nothing leaves DIR.",
          .examples = "task results resize-7\ntask results resize-7 -o out\n",
          .options = BIT(HV_OPT_DIRECTORY) | BIT(HV_OPT_NO_HEADERS),
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_results },
        { .name = "task stop",
          .group = "Tasks",
          .usage = "ID [--reason TEXT]",
          .summary = "stop a task: signal, grace time, kill",
          .examples = "task stop resize-7\ntask stop resize-7 --reason maintenance --wait\n",
          .options = BIT(HV_OPT_REASON) | BIT(HV_OPT_WAIT),
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_stop },
        { .name = "task retry",
          .group = "Tasks",
          .usage = "ID",
          .summary = "run a task that ended again, under the same id",
          .examples = "task retry resize-7\n",
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_retry },
        { .name = "task rm",
          .group = "Tasks",
          .usage = "ID",
          .summary = "forget a task that ended, with its results",
          .examples = "task rm resize-7\n",
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_rm },
        { .name = "task receipt",
          .group = "Tasks",
          .usage = "ID",
          .summary = "the signed receipt of a task that ended",
          .examples = "task receipt resize-7 > resize-7.receipt\n",
          .args = HV_ARGS_TASK,
          .args_max = 1,
          .run = hv_cmd_task_receipt },
        { .name = "cron ls",
          .group = "Tasks",
          .usage = "",
          .summary = "list cron tasks, and when they run next",
          .examples = "cron ls\ncron ls -o wide\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE | (1u << HV_OUTPUT_WIDE) | (1u << HV_OUTPUT_NAME),
          .run = hv_cmd_cron_ls },
        { .name = "cron trigger",
          .group = "Tasks",
          .usage = "NAME",
          .summary = "a run of a cron task now",
          .details = "Prints the id of the run once it is promised. A minute has one run at most.",
          .examples = "cron trigger nightly\n",
          .args = HV_ARGS_CRON,
          .args_max = 1,
          .run = hv_cmd_cron_trigger },
        { .name = "cron suspend",
          .group = "Tasks",
          .usage = "NAME",
          .summary = "no runs of a cron task before it is resumed",
          .details = "It outlives restarts and new revisions. What runs goes on.",
          .examples = "cron suspend nightly\n",
          .args = HV_ARGS_CRON,
          .args_max = 1,
          .run = hv_cmd_cron_suspend },
        { .name = "cron resume",
          .group = "Tasks",
          .usage = "NAME",
          .summary = "runs of a cron task again",
          .details = "Times that came while it was suspended are not made up for.",
          .examples = "cron resume nightly\n",
          .args = HV_ARGS_CRON,
          .args_max = 1,
          .run = hv_cmd_cron_resume },
        { .name = "fit",
          .group = "Tasks",
          .usage = "-f FILE",
          .summary = "would a task fit: now, later, never; changes nothing",
          .details = "The exit code tells: 0 now, 2 later, 1 never.",
          .examples = "fit -f task.yaml\n",
          .options = BIT(HV_OPT_FILENAME) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_fit },
        { .name = "trust",
          .group = "Tasks",
          .usage = "[--ledger]",
          .summary = "trust score of the node, and every change of it",
          .examples = "trust\ntrust --ledger\n",
          .options = BIT(HV_OPT_LEDGER) | BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .run = hv_cmd_trust },
        { .name = "convert",
          .group = "Tunnels",
          .usage = "FILE [--into FOLDER]",
          .summary = "a file of wg-quick as a document. Needs no agent",
          .details =
                  "Prints a document of kind WireGuard, named after the file. Keys do not belong into documents: with --into each is\n"
                  "written into a file of its own, which the document names; else it names secrets. What has no counterpart (DNS,\n"
                  "PostUp and others) is told by line.",
          .examples =
                  "convert /etc/wireguard/wg0.conf\nconvert wg0.conf --into /etc/hivelet/keys >/etc/hivelet/conf.d/wg0.yaml\n",
          .options = BIT(HV_OPT_INTO),
          .formats = DOCUMENT,
          .args_max = 1,
          .run = hv_cmd_convert },
        { .name = "wg show",
          .group = "Tunnels",
          .usage = "[NAME]",
          .summary =
                  "WireGuard interfaces and their peers: who was heard, when, and how much went to and fro",
          .details =
                  "HEARD is the time since the last handshake. Peers that talk shake hands every two minutes.",
          .examples = "wg show\nwg show hive0 -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .args_max = 1,
          .run = hv_cmd_wg_show },
        { .name = "wg ping",
          .group = "Tunnels",
          .usage = "NAME [PEER]",
          .summary = "do the peers of a WireGuard interface answer?",
          .details =
                  "The agent asks through the interface: the first address of each peer's allowedIPs gets an ICMP echo. What answers is\n"
                  "told as echo; a peer that is there while nobody behind it answers, as handshake. Takes up to 12 s where nothing comes.\n"
                  "Exit code 1 when a peer does not answer at all.",
          .examples = "wg ping hive0\nwg ping hive0 hub -o json\n",
          .options = BIT(HV_OPT_NO_HEADERS),
          .formats = TABLE,
          .args_max = 2,
          .run = hv_cmd_wg_ping },
        { .name = "wg rotate",
          .group = "Tunnels",
          .usage = "NAME [--prepare | --undo]",
          .summary = "another key for a WireGuard interface; shows its public key",
          .details =
                  "Of a secret with generate: wireguard a new key is made, kept, and set; nothing is taken down, and the key of before is\n"
                  "kept for --undo. Of a key in a file or a credential what is there now is read and set.\n"
                  "The other side must put the new public key in the place of the old one: until then nothing goes through. Who manages\n"
                  "the node through this very tunnel runs --prepare first, which shows the public key that will be, and tells the other side.",
          .examples = "wg rotate hive0 --prepare\nwg rotate hive0\nwg rotate hive0 --undo\n",
          .options = BIT(HV_OPT_PREPARE) | BIT(HV_OPT_UNDO),
          .args_max = 1,
          .run = hv_cmd_wg_rotate },
        { .name = "wg genkey",
          .group = "Tunnels",
          .usage = "",
          .summary = "a new private key. Needs no agent",
          .examples = "wg genkey >/etc/hivelet/wg.key\n",
          .run = hv_cmd_wg_genkey },
        { .name = "wg pubkey",
          .group = "Tunnels",
          .usage = "",
          .summary = "the public key of a private one, which is read from standard input. Needs no agent",
          .examples = "wg pubkey </etc/hivelet/wg.key\n",
          .run = hv_cmd_wg_pubkey },
        { .name = "receipt verify",
          .group = "Tasks",
          .usage = "FILE|FOLDER... [--signer KEY] [--chain]",
          .summary = "is a receipt whole, and of this node? Needs no agent",
          .details =
                  "A file holds one receipt, or one a line; a folder gives its *.json. With --chain they must follow each\n"
                  "other without a gap: lines in their order, files of a folder in any.",
          .examples = "receipt verify resize-7.json --signer $KEY\nreceipt verify receipts/ --chain\n",
          .options = BIT(HV_OPT_KEY) | BIT(HV_OPT_CHAIN),
          .args_max = 64,
          .run = hv_cmd_receipt_verify },
        { .name = "receipt key",
          .group = "Tasks",
          .usage = "",
          .summary = "the public key that the node signs receipts with",
          .examples = "receipt key\n",
          .run = hv_cmd_receipt_key },
        { .name = "explain",
          .group = "Learn",
          .usage = "[PATH]",
          .summary = "what a field of a document means",
          .examples = "explain services\nexplain services.ports.host\nexplain Service.restart\n",
          .args = HV_ARGS_FIELD,
          .args_max = 1,
          .run = hv_cmd_explain },
        { .name = "schema",
          .group = "Learn",
          .usage = "",
          .summary = "JSON Schema (draft-07) of the documents, for editors",
          .examples = "schema > hivelet.schema.json\n",
          .run = hv_cmd_schema },
        { .name = "version",
          .group = "Learn",
          .usage = "",
          .summary = "versions of hivectl and of the agent",
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
          .run = hv_cmd_help },
        /* What the completion scripts ask; not shown. */
        { .name = "__complete", .usage = "WORD...", .args_max = 128, .run = hv_cmd_complete },
};

const struct hv_verb *hv_verb_at(size_t i) {
        return i < HV_ARRAY_SIZE(verbs) ? &verbs[i] : NULL;
}

static bool begins_with(const char *line, const char *words) {
        size_t n = words ? strlen(words) : 0;

        return n > 0 && strncmp(line, words, n) == 0 && (!line[n] || line[n] == ' ');
}

const struct hv_verb *hv_verb_find(const char *line) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(verbs); i++) {
                if (begins_with(line, verbs[i].name) || begins_with(line, verbs[i].alias))
                        return &verbs[i];
        }
        return NULL;
}

size_t hv_verb_words(const struct hv_verb *v) {
        return strchr(v->name, ' ') ? 2 : 1;
}

bool hv_verb_is_in(const struct hv_verb *v, const char *family) {
        return hv_verb_words(v) == 2 && begins_with(v->name, family);
}

const char *hv_verb_suggest(const char *name) {
        struct hv_suggestion near = { .text = name };

        for (size_t i = 0; i < HV_ARRAY_SIZE(verbs); i++) {
                if (!verbs[i].group)
                        continue;
                hv_suggestion_add(&near, verbs[i].name);
                if (verbs[i].alias)
                        hv_suggestion_add(&near, verbs[i].alias);
        }
        return near.best;
}

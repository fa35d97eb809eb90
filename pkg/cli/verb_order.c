/* cli/verb_order.c - rows of the table of commands (verb.h): what people ask for by hand, beside the documents. */
#include "cli/cli_internal.h"
#include "cli/verb_table.h"

const struct hv_verb hv_verbs_order[] = {
        { .name = "restart",
          .group = "By hand",
          .usage = "SERVICE [--now] [--wait]",
          .summary = "restart the containers of a service, one after the other",
          .details =
                  "Each is stopped and started when no other of the service is on its way; what ended, or waits to be\n"
                  "tried again, is started at once. It goes on after a restart of the agent. Nothing is stopped before\n"
                  "what it needs to start again is there (a network, a volume, a GPU, the address of a port): until then\n"
                  "it runs on, and its status and --wait say for what its restart waits. --now restarts all at once,\n"
                  "and waits for nothing.",
          .examples = "restart web\nrestart web --now --wait\n",
          .options = BIT(HV_OPT_NOW) | BIT(HV_OPT_REASON) | BIT(HV_OPT_WAIT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_restart },
        { .name = "stop",
          .group = "By hand",
          .usage = "SERVICE | task/ID [--reason TEXT] [--wait]",
          .summary = "stop a service until hivectl start; or a task",
          .details =
                  "It stays stopped whatever its document says, over restarts of the agent and of the machine, until\n"
                  "hivectl start, or until it is not declared any more. Its containers stay, with their logs.",
          .examples = "stop web --reason \"the disk is being moved\"\nstop task/resize-7\n",
          .options = BIT(HV_OPT_REASON) | BIT(HV_OPT_WAIT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_stop },
        { .name = "start",
          .group = "By hand",
          .usage = "SERVICE [--wait]",
          .summary = "start a service that was stopped by hand, or that ended",
          .examples = "start web\nstart web --wait --timeout 1m\n",
          .options = BIT(HV_OPT_WAIT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_start },
        { .name = "kill",
          .group = "By hand",
          .usage = "SERVICE[/REPLICA] [--signal SIGNAL]",
          .summary = "send a signal to the containers of a service",
          .details = "What becomes of one that ends of it is for its restart policy to say.",
          .examples = "kill web -s HUP\nkill web/2\n",
          .options = BIT(HV_OPT_SIGNAL),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_kill },
        { .name = "exec",
          .group = "By hand",
          .usage =
                  "[-i] [-t] [--user USER] [--workdir PATH] [--env NAME=VALUE] SERVICE[/REPLICA] | task/ID [-- COMMAND...]",
          .summary = "run a command in a container that runs",
          .details =
                  "Without a COMMAND: sh. The exit code is the command's; 7 when the connection broke, and then the command may go\n"
                  "on: its standard input has ended, and nothing else is done to it. With -it keys go to the command as they are,\n"
                  "Ctrl-C too; Ctrl-P Ctrl-Q leaves it alone. Needs the role admin; who ran what is recorded, without arguments.",
          .examples = "exec -it web -- sh\nexec web/2 --user 0 -- ls -l /data\n"
                      "exec -i db -- psql -f - <dump.sql\nexec task/resize-7 -- ps\n",
          .options = BIT(HV_OPT_STDIN) | BIT(HV_OPT_TTY) | BIT(HV_OPT_USER) | BIT(HV_OPT_WORKDIR) |
                     BIT(HV_OPT_ENV),
          .args = HV_ARGS_SERVICE,
          .args_max = 4096,
          .run = hv_cmd_exec },
        { .name = "cp",
          .group = "By hand",
          .usage =
                  "[-a] SERVICE[/REPLICA]:PATH | task/ID:PATH LOCAL   |   LOCAL SERVICE[/REPLICA]:PATH | task/ID:PATH",
          .summary = "copy files out of a container, or into one",
          .details =
                  "A folder that is there gets the source inside; what is not there is the new name of the source. With /. behind\n"
                  "a folder its contents are copied. LOCAL may be -: a tar, on standard output or from standard input. LOCAL that\n"
                  "holds a colon begins with ./ or /. The container need not run. Devices, fifos and sockets are left out, and the\n"
                  "exit code is 1 then. Needs the role admin; who copied what is recorded.",
          .examples = "cp web:/etc/nginx/nginx.conf .\ncp ./site/. web/2:/usr/share/nginx/html\n"
                      "cp db:/var/lib/data - >data.tar\ncp notes.txt task/resize-7:/tmp/\n",
          .options = BIT(HV_OPT_ARCHIVE),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_cp },
        { .name = "hold",
          .group = "By hand",
          .usage = "SERVICE | node [--reason TEXT]",
          .summary = "do nothing to a service, or to anything declared, before hivectl release",
          .details =
                  "What is held is looked at and left as it is: not started, stopped, changed or removed, whatever the\n"
                  "documents say. Of the node: services, networks and volumes are, and no task is admitted; tasks that\n"
                  "run go on. It outlives restarts.",
          .examples = "hold web --reason \"looking at it by hand\"\nhold node\n",
          .options = BIT(HV_OPT_REASON),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_hold },
        { .name = "release",
          .group = "By hand",
          .usage = "SERVICE | node [--wait]",
          .summary = "bring about again what a service, or the node, should be",
          .examples = "release web\nrelease node --wait\n",
          .options = BIT(HV_OPT_WAIT),
          .args = HV_ARGS_SERVICE,
          .args_max = 2,
          .run = hv_cmd_release },
        { .name = "cordon",
          .group = "By hand",
          .usage = "[--reason TEXT]",
          .summary = "admit no task; those that run go on",
          .details = "What is submitted waits. Pools are told, and give no more. It outlives restarts.",
          .examples = "cordon --reason \"the rack moves\"\n",
          .options = BIT(HV_OPT_REASON),
          .run = hv_cmd_cordon },
        { .name = "drain",
          .group = "By hand",
          .usage = "[--tasks] [--deadline TIME] [--reason TEXT] [--wait]",
          .summary = "admit no task, and end those that run at a deadline",
          .details =
                  "A cordon; tasks that run may end by themselves until the deadline, and without one for as long as they\n"
                  "want. At the deadline each is stopped as by hivectl stop: its log and its outputs are kept, and trust does\n"
                  "not change. Services go on. What a pool assigned and nothing here has begun goes back to it. It outlives\n"
                  "restarts; hivectl uncordon ends it.",
          .examples = "drain --deadline 10m --wait\ndrain --wait --timeout 1h\n",
          .options = BIT(HV_OPT_TASKS) | BIT(HV_OPT_DEADLINE) | BIT(HV_OPT_REASON) | BIT(HV_OPT_WAIT),
          .run = hv_cmd_drain },
        { .name = "shutdown",
          .group = "By hand",
          .usage = "[--stop-workloads [--deadline TIME]] [--reason TEXT] [--yes] [--wait]",
          .summary = "end the agent; its containers keep running",
          .details =
                  "As SIGTERM does. With --stop-workloads no task is admitted from now on, those that run may end by themselves\n"
                  "until the deadline, then each service is stopped when none that needs it is left, and then the agent ends.\n"
                  "Nothing stays stopped: an agent that starts again, after that or because it was cut short, brings about what\n"
                  "is declared. What is held is left as it is. systemd does not start it again by itself: systemctl start hivelet.\n"
                  "Said again without --stop-workloads it ends at once. On a terminal it asks first. Needs the role admin.",
          .examples = "shutdown --wait\nshutdown --stop-workloads --deadline 10m --yes --wait\n",
          .options = BIT(HV_OPT_STOP_WORKLOADS) | BIT(HV_OPT_DEADLINE) | BIT(HV_OPT_REASON) |
                     BIT(HV_OPT_YES) | BIT(HV_OPT_WAIT),
          .run = hv_cmd_shutdown },
        { .name = "uncordon",
          .group = "By hand",
          .usage = "",
          .summary = "admit tasks again",
          .examples = "uncordon\n",
          .run = hv_cmd_uncordon },
        {},
};

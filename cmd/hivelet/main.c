/* hivelet - the agent's command line. Arguments in, hv_agent_run() or hv_agent_check() out; no domain rule lives here. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/duration.h"
#include "base/heap.h"
#include "base/version.h"
#include "gpu/helper.h"

static const char usage[] =
        "Usage: hivelet [OPTION]...\n"
        "Keep this machine as its desired state says: services, tasks, networks, volumes.\n"
        "\n"
        "Examples:\n"
        "  hivelet --config node.yaml --check       what is wrong with this file, on this machine?\n"
        "  hivelet --config node.yaml --once        converge, then end (for Ansible and image builds)\n"
        "  hivelet                                  run as the node agent\n"
        "\n"
        "Options:\n"
        "      --config FILE        desired state of the node [" HV_AGENT_CONFIG "]\n"
        "      --config-dir DIR     more of it, *.yaml in the order of names [" HV_AGENT_CONFIG_DIR "]\n"
        "      --state-dir DIR      what must survive a restart [" HV_AGENT_STATE_DIR "]\n"
        "      --run-dir DIR        socket and run-time files [" HV_AGENT_RUN_DIR "]\n"
        "      --docker URL         container engine [$DOCKER_HOST, unix:///var/run/docker.sock]\n"
        "      --node-id ID         id of this node [$NODE_ID, the file, the host name]\n"
        "      --change-node-id     let the id change; containers of the old one become strangers\n"
        "      --node-pool HOST:PORT  address of the node pool [$NODE_POOL_ADDRESS]\n"
        "      --check              validate, with what depends on this machine, then end\n"
        "      --once               converge, then end\n"
        "      --timeout DURATION   with --once: give up after this long [5m]\n"
        "  -h, --help               show this text\n"
        "  -V, --version            show the version\n"
        "\n"
        "Exit status: 0 ok; 1 could not start, or the desired state was refused; 2 --once did not converge in\n"
        "time; 64 wrong usage. Signals: SIGHUP reads the desired state again; SIGTERM ends the agent and leaves\n"
        "every container running.\n"
        "See also: hivelet(8), hivelet.yaml(5), hivectl(1).\n";

enum {
        OPT_CONFIG = 256,
        OPT_CONFIG_DIR,
        OPT_STATE_DIR,
        OPT_RUN_DIR,
        OPT_DOCKER,
        OPT_NODE_ID,
        OPT_CHANGE_NODE_ID,
        OPT_NODE_POOL,
        OPT_CHECK,
        OPT_ONCE,
        OPT_TIMEOUT,
};

static const struct option long_options[] = {
        { "config", required_argument, NULL, OPT_CONFIG },
        { "config-dir", required_argument, NULL, OPT_CONFIG_DIR },
        { "state-dir", required_argument, NULL, OPT_STATE_DIR },
        { "run-dir", required_argument, NULL, OPT_RUN_DIR },
        { "docker", required_argument, NULL, OPT_DOCKER },
        { "node-id", required_argument, NULL, OPT_NODE_ID },
        { "change-node-id", no_argument, NULL, OPT_CHANGE_NODE_ID },
        { "node-pool", required_argument, NULL, OPT_NODE_POOL },
        { "check", no_argument, NULL, OPT_CHECK },
        { "once", no_argument, NULL, OPT_ONCE },
        { "timeout", required_argument, NULL, OPT_TIMEOUT },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        {},
};

static int bad_usage(const char *text, const char *what) {
        fprintf(stderr, "hivelet: %s%s\nTry: hivelet --help\n", text, what);
        return HV_AGENT_EXIT_USAGE;
}

int main(int argc, char **argv) {
        struct hv_agent_options options = { .once_timeout_us = 5 * HV_USEC_PER_MIN };
        bool check = false, has_timeout = false;
        int c;

        hv_heap_bound();
        if (argc > 0 && hv_streq(argv[0], HV_GPU_HELPER)) /* started by the agent */
                return hv_gpu_helper_run(STDIN_FILENO, STDOUT_FILENO);
        while ((c = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
                switch (c) {
                case OPT_CONFIG:
                        options.config = optarg;
                        break;
                case OPT_CONFIG_DIR:
                        options.config_dir = optarg;
                        break;
                case OPT_STATE_DIR:
                        options.state_dir = optarg;
                        break;
                case OPT_RUN_DIR:
                        options.run_dir = optarg;
                        break;
                case OPT_DOCKER:
                        options.docker_url = optarg;
                        break;
                case OPT_NODE_ID:
                        options.node_id = optarg;
                        break;
                case OPT_CHANGE_NODE_ID:
                        options.change_node_id = true;
                        break;
                case OPT_NODE_POOL:
                        options.node_pool = optarg;
                        break;
                case OPT_CHECK:
                        check = true;
                        break;
                case OPT_ONCE:
                        options.once = true;
                        break;
                case OPT_TIMEOUT:
                        if (hv_duration_parse(optarg, &options.once_timeout_us) != HV_PARSE_OK)
                                return bad_usage("--timeout wants a duration such as 90s or 5m, found ",
                                                 optarg);
                        has_timeout = true;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return HV_AGENT_EXIT_OK;
                case 'V':
                        printf("hivelet %s (%s)\n", hv_version(), hv_build()->commit);
                        return HV_AGENT_EXIT_OK;
                default:
                        return bad_usage("see the message above", "");
                }
        }
        if (optind < argc)
                return bad_usage("no argument is expected, found ", argv[optind]);
        if (check && options.once)
                return bad_usage("--check and --once exclude each other", "");
        if (has_timeout && !options.once)
                return bad_usage("--timeout goes with --once", "");
        return check ? hv_agent_check(&options) : hv_agent_run(&options);
}

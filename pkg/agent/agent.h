/* agent/agent.h - the daemon: one loop that wires sources, core, drivers and publishers.
 *
 *      sources --> core --> executor --> engine
 *                   |  ^________________________|  completions, events
 *                   '--> status --> sd_notify, journal, HTTP
 *
 * Model    Everything runs on one sd-event loop and one thread. Handlers only record and arm the next pass; the pass
 *          plans, hands out actions and publishes. The core decides, the agent carries.
 * Life     READY=1 after the first full observation, or when the engine is known to be down (STATUS says so). SIGHUP reads
 *          the sources again; SIGTERM and SIGINT end the agent and leave every container running.
 */
#pragma once

#include "base/err.h"

struct hv_agent_options {
        const char *config;     /* NULL: HV_AGENT_CONFIG, which may be missing when a pool is given */
        const char *config_dir; /* NULL: HV_AGENT_CONFIG_DIR */
        const char *state_dir, *run_dir; /* NULL: HV_AGENT_STATE_DIR, HV_AGENT_RUN_DIR */
        const char *docker_url;          /* NULL: $DOCKER_HOST, or the default socket */
        const char *node_id;             /* --node-id; NULL: not given */
        const char *node_pool;           /* --node-pool; NULL: not given */
        bool change_node_id;
        bool once; /* converge, then end */
        uint64_t once_timeout_us;
};

#define HV_AGENT_CONFIG "/etc/hivelet/node.yaml"
#define HV_AGENT_CONFIG_DIR "/etc/hivelet/conf.d"
#define HV_AGENT_STATE_DIR "/var/lib/hivelet"
#define HV_AGENT_RUN_DIR "/run/hivelet"

/* Exit codes of `hivelet`: hivelet(8). */
enum {
        HV_AGENT_EXIT_OK = 0,
        HV_AGENT_EXIT_REFUSED = 1,       /* could not start, or the desired state was refused */
        HV_AGENT_EXIT_NOT_CONVERGED = 2, /* --once: not converged in time */
        HV_AGENT_EXIT_USAGE = 64,
};

/* Runs until a signal (or, with `once`, until converged); returns the exit code. */
int hv_agent_run(const struct hv_agent_options *options);

/* `hivelet --check`: validates what the agent would load, with what depends on this machine; prints findings to stderr and
 * returns the exit code. Touches nothing. */
int hv_agent_check(const struct hv_agent_options *options);

/* schedule.h - one history from its seed to its verdict.
 *
 *      safety     faults, people and changes of mind, for minutes to an hour of virtual time
 *      liveness   all of that stops; the node must reach the fixed point within the bound (I9)
 *      silence    a hundred deadlines pass: nothing is changed (I10)
 *      restart    the agent dies and starts: nothing is changed, and the status is the same (I11)
 */
#pragma once

#include "sim/sim.h"

struct sim_result {
        bool failed;
        char invariant[16];
        char message[512];
        uint64_t hash, n_lines, virtual_us, n_effects;
        uint64_t converge_us, n_rounds; /* what the liveness phase took */
        double bound_used;              /* converge_us as a share of the bound */
        struct sim_faults faults;
        unsigned n_services;
        unsigned n_crash_points, n_calls; /* of a scenario */
};

/* The same configuration gives the same result. print_last: after a failure, so many lines of the trace. */
struct sim_result sim_run(const struct sim_config *config, unsigned print_last);

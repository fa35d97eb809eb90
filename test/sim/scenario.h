/* scenario.h - standard histories of tasks, and each of them with the agent dying at each point, or with each two faults.
 *
 * Model    A scenario has no chance but its latencies: a machine, a few jobs, and what is asked for when. Whoever asks goes on
 * asking until somebody answers. The oracle is that of every history: the crash is the only fault.
 */
#pragma once

#include "sim/sim.h"

#define SIM_N_SCENARIOS 20 /* numbered from 1 */

const char *sim_scenario_name(unsigned scenario);
void sim_scenario_wish(struct sim *s);  /* the model of the first document */
void sim_scenario_begin(struct sim *s); /* what is asked for, and when */

/* Each scenario with a crash before, after and (at the engine) late at each point; with pairs: and another one at each of
 * the next points. Number of failures; reported on stdout. */
unsigned sim_crash_points_run(bool pairs);

/* The first scenario with each fault of each call, and each two of them. Number of failures. */
unsigned sim_two_faults_run(void);

/* shrink.h - makes a failing configuration small: what is left out did not matter.
 *
 * Model    Switches the kinds of fault off one by one, then halves the workload, as long as the same invariant still
 * breaks. The seed stays, so the result is one command line away.
 */
#pragma once

#include "sim/schedule.h"

/* Returns the smallest configuration found; tells on stdout how many runs it took. */
struct sim_config sim_shrink(const struct sim_config *failing, const struct sim_result *result);

void sim_print_command(const struct sim_config *config); /* how to see it again */

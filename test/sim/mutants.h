/* mutants.h - the seeded bugs of reconcile/mutant.h: the simulator must find each of them. */
#pragma once

#include "sim/batch.h"

/* Runs seeds with each mutant until one fails; prints a table. Number of mutants that survived. */
unsigned sim_mutants_run(uint64_t max_seeds, unsigned jobs);
const char *sim_mutant_name(int mutant); /* NULL: there is none of that number */
void sim_mutant_set(int mutant);         /* without HV_MUTANTS: nothing */

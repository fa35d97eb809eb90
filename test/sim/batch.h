/* batch.h - many seeds, over several processes, and what they add up to. */
#pragma once

#include "sim/schedule.h"

struct sim_batch {
        uint64_t first, last; /* seeds */
        unsigned jobs;
        int mutant;
        bool dense, pressure;
        bool twice;            /* each seed runs two times and must leave the same trace */
        bool shrink;           /* failures are made small */
        bool brief;            /* one line a failure */
        unsigned max_failures; /* of one process, then it stops */
};

struct sim_totals {
        uint64_t n_runs, n_failed, n_lines, n_effects, virtual_us, n_rounds;
        uint64_t most_rounds, most_rounds_seed, longest_us, longest_seed;
        double most_of_bound;
        uint64_t n_hit[SIM_N_FAULTS];
        uint64_t matrix[HV_N_ACTIONS][SIM_N_BASE_FAULTS + 1];
        uint64_t n_calls[HV_N_ACTIONS];
};

/* Failures are reported on stdout as they come. */
struct sim_totals sim_batch_run(const struct sim_batch *b);

void sim_totals_print(const struct sim_totals *t);
unsigned sim_totals_empty_cells(const struct sim_totals *t, bool print);

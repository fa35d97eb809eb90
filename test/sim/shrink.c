/* shrink.c - see shrink.h. */
#include "sim/shrink.h"

#include <stdio.h>

#define MAX_SHIFT 4u

/* True, and *ret is the run, when the invariant still breaks. */
static bool still_fails(const struct sim_config *config, const char *invariant, struct sim_result *ret) {
        struct sim_result r = sim_run(config, 0);

        if (!r.failed || !hv_streq(r.invariant, invariant))
                return false;
        *ret = r;
        return true;
}

struct sim_config sim_shrink(const struct sim_config *failing, const struct sim_result *result) {
        struct sim_config best = *failing, trial;
        struct sim_result last = *result;
        unsigned n_runs = 0;
        bool better = true;

        while (better) {
                better = false;
                for (unsigned f = 0; f < SIM_N_FAULTS; f++) {
                        if (!(last.faults.enabled & UINT64_C(1) << f))
                                continue;
                        trial = best;
                        trial.disabled_faults |= UINT64_C(1) << f;
                        n_runs++;
                        if (still_fails(&trial, result->invariant, &last)) {
                                best = trial;
                                better = true;
                        }
                }
                trial = best;
                trial.workload_shift++;
                n_runs++;
                if (trial.workload_shift <= MAX_SHIFT && still_fails(&trial, result->invariant, &last)) {
                        best = trial;
                        better = true;
                }
        }
        printf("shrunk in %u runs; left are %u services and:", n_runs, last.n_services);
        for (unsigned f = 0; f < SIM_N_FAULTS; f++)
                if (last.faults.enabled & UINT64_C(1) << f)
                        printf(" %s", sim_fault_name(f));
        printf("\n");
        return best;
}

void sim_print_command(const struct sim_config *config) {
        const char *comma = "";

        printf("simtest --seed %" PRIu64, config->seed);
        if (config->mutant)
                printf(" --mutant %d", config->mutant);
        if (config->dense)
                printf(" --dense");
        if (config->pressure)
                printf(" --pressure");
        if (config->workload_shift)
                printf(" --halve %u", config->workload_shift);
        if (config->disabled_faults)
                printf(" --without ");
        for (unsigned f = 0; f < SIM_N_FAULTS; f++)
                if (config->disabled_faults & UINT64_C(1) << f) {
                        printf("%s%s", comma, sim_fault_name(f));
                        comma = ",";
                }
        printf(" --trace\n");
}

/* main.c - simtest: runs histories of the core against a simulated engine; docs/testing-simulator.md. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "sim/batch.h"
#include "sim/mutants.h"
#include "sim/scenario.h"
#include "sim/shrink.h"

static const char usage[] =
        "usage: simtest --seeds A-B [--jobs N] [--twice] [--matrix] [--dense] [--pressure] [--no-shrink | --brief]\n"
        "       simtest --seed N [--dense] [--pressure] [--trace] [--without FAULT,...] [--halve N] [--mutant N]\n"
        "       simtest --mutants [--max-seeds N]      (in the build with seeded bugs)\n"
        "       simtest --crash-points [--pairs]       (tasks, and the agent dies at each point)\n"
        "       simtest --two-faults                   (one task, each two faults)\n"
        "       simtest --faults                       (names the kinds of fault)\n";

struct options {
        struct sim_batch batch;
        struct sim_config config;
        bool one, trace, mutants, matrix, faults, crash_points, pairs, two_faults;
        uint64_t max_seeds;
};

static bool parse_faults(char *text, uint64_t *ret) {
        char *rest = text;

        for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
                unsigned f = 0;

                while (f < SIM_N_FAULTS && !hv_streq(sim_fault_name(f), name))
                        f++;
                if (f == SIM_N_FAULTS) {
                        (void) fprintf(stderr, "simtest: no fault \"%s\"; simtest --faults lists them\n",
                                       name);
                        return false;
                }
                *ret |= UINT64_C(1) << f;
        }
        return true;
}

static bool parse_options(int argc, char **argv, struct options *o) {
        static const struct option longs[] = {
                { "seeds", required_argument, NULL, 's' },     { "seed", required_argument, NULL, '1' },
                { "jobs", required_argument, NULL, 'j' },      { "twice", no_argument, NULL, '2' },
                { "matrix", no_argument, NULL, 'm' },          { "no-shrink", no_argument, NULL, 'n' },
                { "brief", no_argument, NULL, 'b' },           { "trace", no_argument, NULL, 't' },
                { "without", required_argument, NULL, 'w' },   { "halve", required_argument, NULL, 'h' },
                { "mutant", required_argument, NULL, 'M' },    { "mutants", no_argument, NULL, 'a' },
                { "max-seeds", required_argument, NULL, 'x' }, { "faults", no_argument, NULL, 'f' },
                { "crash-points", no_argument, NULL, 'c' },    { "pairs", no_argument, NULL, 'p' },
                { "two-faults", no_argument, NULL, 'T' },      { "dense", no_argument, NULL, 'd' },
                { "pressure", no_argument, NULL, 'P' },        {},
        };
        int c;

        *o = (struct options){ .batch = { .jobs = 1, .shrink = true, .max_failures = 3 }, .max_seeds = 5000 };
        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                switch (c) {
                case 's':
                        if (sscanf(optarg, "%" SCNu64 "-%" SCNu64, &o->batch.first, &o->batch.last) != 2)
                                return false;
                        break;
                case '1':
                        o->one = true;
                        o->config.seed = strtoull(optarg, NULL, 10);
                        break;
                case 'j':
                        o->batch.jobs = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case '2':
                        o->batch.twice = true;
                        break;
                case 'm':
                        o->matrix = true;
                        break;
                case 'n':
                        o->batch.shrink = false;
                        break;
                case 'b': /* every failure, a line each */
                        o->batch.brief = true;
                        o->batch.max_failures = 1000000;
                        break;
                case 't':
                        o->trace = true;
                        break;
                case 'w':
                        if (!parse_faults(optarg, &o->config.disabled_faults))
                                return false;
                        break;
                case 'h':
                        o->config.workload_shift = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case 'M':
                        o->config.mutant = o->batch.mutant = (int) strtol(optarg, NULL, 10);
                        break;
                case 'a':
                        o->mutants = true;
                        break;
                case 'x':
                        o->max_seeds = strtoull(optarg, NULL, 10);
                        break;
                case 'c':
                        o->crash_points = true;
                        break;
                case 'p':
                        o->pairs = true;
                        break;
                case 'T':
                        o->two_faults = true;
                        break;
                case 'd':
                        o->config.dense = o->batch.dense = true;
                        break;
                case 'P':
                        o->config.pressure = o->batch.pressure = true;
                        break;
                case 'f':
                        o->faults = true;
                        break;
                default:
                        return false;
                }
        return optind == argc && o->batch.jobs >= 1 && o->batch.jobs <= 64 &&
               (o->one || o->mutants || o->faults || o->crash_points || o->two_faults ||
                (o->batch.first && o->batch.last >= o->batch.first));
}

static int run_one(const struct options *o) {
        struct sim_config config = o->config;
        struct sim_result r;

        config.verbose = o->trace;
        r = sim_run(&config, o->trace ? 0 : 60);
        printf("seed %" PRIu64 ": trace %016" PRIx64 ", %" PRIu64 " lines, %.1f virtual hours, %" PRIu64
               " effects\n",
               config.seed, r.hash, r.n_lines, (double) r.virtual_us / HV_USEC_PER_HOUR, r.n_effects);
        if (r.failed)
                printf("FAILED %s: %s\n", r.invariant, r.message);
        else
                printf("ok: fixed point %.1f s after the last fault (%.0f %% of the bound), %" PRIu64
                       " rounds\n",
                       (double) r.converge_us / HV_USEC_PER_SEC, 100 * r.bound_used, r.n_rounds);
        return r.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static double seconds_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int run_batch(const struct options *o) {
        double begin = seconds_now();
        struct sim_totals t = sim_batch_run(&o->batch);
        double took = seconds_now() - begin;
        unsigned n_empty = o->matrix ? sim_totals_empty_cells(&t, true) : 0;

        if (o->matrix)
                sim_totals_print(&t);
        printf("%" PRIu64 " schedules%s, %" PRIu64 " failed; %.0f a second; %.2f virtual years, %" PRIu64
               " effects, %" PRIu64 " lines\n",
               t.n_runs, o->batch.twice ? " (each twice)" : "", t.n_failed, (double) t.n_runs / took,
               (double) t.virtual_us / HV_USEC_PER_DAY / 365, t.n_effects, t.n_lines);
        printf("slowest to the fixed point: %.0f s (seed %" PRIu64
               "), at most %.0f %% of the bound; most rounds: %" PRIu64 " (seed %" PRIu64 ")\n",
               (double) t.longest_us / HV_USEC_PER_SEC, t.longest_seed, 100 * t.most_of_bound, t.most_rounds,
               t.most_rounds_seed);
        return t.n_failed || n_empty ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        struct options o;

        if (!parse_options(argc, argv, &o)) {
                (void) fputs(usage, stderr);
                return 64;
        }
        if (o.faults) {
                for (unsigned f = 0; f < SIM_N_FAULTS; f++)
                        printf("%s\n", sim_fault_name(f));
                return EXIT_SUCCESS;
        }
        if (o.mutants)
                return sim_mutants_run(o.max_seeds, o.batch.jobs) ? EXIT_FAILURE : EXIT_SUCCESS;
        if (o.crash_points)
                return sim_crash_points_run(o.pairs) ? EXIT_FAILURE : EXIT_SUCCESS;
        if (o.two_faults)
                return sim_two_faults_run() ? EXIT_FAILURE : EXIT_SUCCESS;
        return o.one ? run_one(&o) : run_batch(&o);
}

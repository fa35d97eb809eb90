/* batch.c - see batch.h. */
#include "sim/batch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/shrink.h"

static void add_faults(struct sim_totals *t, const struct sim_faults *f) {
        for (unsigned i = 0; i < SIM_N_FAULTS; i++)
                t->n_hit[i] += f->n_hit[i];
        for (unsigned a = 0; a < HV_N_ACTIONS; a++) {
                t->n_calls[a] += f->n_calls[a];
                for (unsigned b = 1; b <= SIM_N_BASE_FAULTS; b++)
                        t->matrix[a][b] += f->matrix[a][b];
        }
}

static void add_result(struct sim_totals *t, uint64_t seed, const struct sim_result *r) {
        t->n_runs++;
        t->n_failed += r->failed;
        t->n_lines += r->n_lines;
        t->n_effects += r->n_effects;
        t->virtual_us += r->virtual_us;
        t->n_rounds += r->n_rounds;
        t->most_of_bound = HV_MAX(t->most_of_bound, r->bound_used);
        if (r->n_rounds > t->most_rounds) {
                t->most_rounds = r->n_rounds;
                t->most_rounds_seed = seed;
        }
        if (r->converge_us > t->longest_us) {
                t->longest_us = r->converge_us;
                t->longest_seed = seed;
        }
        add_faults(t, &r->faults);
}

static void add_totals(struct sim_totals *t, const struct sim_totals *o) {
        const bool longer = o->longest_us > t->longest_us, more = o->most_rounds > t->most_rounds;

        t->n_runs += o->n_runs;
        t->n_failed += o->n_failed;
        t->n_lines += o->n_lines;
        t->n_effects += o->n_effects;
        t->virtual_us += o->virtual_us;
        t->n_rounds += o->n_rounds;
        t->most_of_bound = HV_MAX(t->most_of_bound, o->most_of_bound);
        t->longest_us = longer ? o->longest_us : t->longest_us;
        t->longest_seed = longer ? o->longest_seed : t->longest_seed;
        t->most_rounds = more ? o->most_rounds : t->most_rounds;
        t->most_rounds_seed = more ? o->most_rounds_seed : t->most_rounds_seed;
        for (unsigned i = 0; i < SIM_N_FAULTS; i++)
                t->n_hit[i] += o->n_hit[i];
        for (unsigned a = 0; a < HV_N_ACTIONS; a++) {
                t->n_calls[a] += o->n_calls[a];
                for (unsigned b = 0; b <= SIM_N_BASE_FAULTS; b++)
                        t->matrix[a][b] += o->matrix[a][b];
        }
}

/* ---- one seed ---- */

static void report(const struct sim_batch *b, const struct sim_config *config, const struct sim_result *r) {
        struct sim_config small = *config;

        printf("%sFAILED seed %" PRIu64 ": %s: %s\n", b->brief ? "" : "\n", config->seed, r->invariant,
               r->message);
        (void) fflush(stdout);
        if (b->brief)
                return;
        printf("faults:");
        for (unsigned f = 0; f < SIM_N_FAULTS; f++)
                if (r->faults.enabled & UINT64_C(1) << f)
                        printf(" %s", sim_fault_name(f));
        printf("\n");
        if (b->shrink)
                small = sim_shrink(config, r);
        printf("its last events:\n");
        (void) sim_run(&small, 40);
        printf("to see all of it: ");
        sim_print_command(&small);
        (void) fflush(stdout);
}

static void run_seed(const struct sim_batch *b, uint64_t seed, struct sim_totals *t) {
        struct sim_config config = {
                .seed = seed, .mutant = b->mutant, .dense = b->dense, .pressure = b->pressure
        };
        struct sim_result r = sim_run(&config, 0), again;

        if (b->twice && !r.failed) {
                again = sim_run(&config, 0);
                if (again.hash != r.hash) {
                        r.failed = true;
                        (void) snprintf(r.invariant, sizeof r.invariant, "R21");
                        (void) snprintf(r.message, sizeof r.message,
                                        "traces %016" PRIx64 " and %016" PRIx64 " differ", r.hash,
                                        again.hash);
                }
        }
        add_result(t, seed, &r);
        if (r.failed)
                report(b, &config, &r);
}

static struct sim_totals run_share(const struct sim_batch *b, unsigned job) {
        struct sim_totals t = {};

        for (uint64_t seed = b->first + job; seed <= b->last; seed += b->jobs) {
                run_seed(b, seed, &t);
                if (t.n_failed >= b->max_failures)
                        break;
        }
        return t;
}

/* ---- several processes ---- */

static pid_t start_job(const struct sim_batch *b, unsigned job, int *ret_fd) {
        struct sim_totals t;
        int fds[2];
        pid_t pid;

        if (pipe(fds) < 0)
                return -1;
        (void) fflush(stdout);
        pid = fork();
        if (pid == 0) {
                (void) close(fds[0]);
                t = run_share(b, job);
                (void) fflush(stdout);
                if (write(fds[1], &t, sizeof t) != (ssize_t) sizeof t)
                        exit(EXIT_FAILURE);
                exit(EXIT_SUCCESS);
        }
        (void) close(fds[1]);
        *ret_fd = fds[0];
        return pid;
}

static void collect_job(pid_t pid, int fd, struct sim_totals *total) {
        struct sim_totals t;
        size_t n = 0;
        ssize_t r;
        int status;

        while (n < sizeof t && (r = read(fd, (char *) &t + n, sizeof t - n)) > 0)
                n += (size_t) r;
        (void) close(fd);
        if (waitpid(pid, &status, 0) < 0 || status != 0 || n != sizeof t) {
                printf("FAILED a process of the simulator ended early (its report is above)\n");
                total->n_failed++;
                return;
        }
        add_totals(total, &t);
}

struct sim_totals sim_batch_run(const struct sim_batch *b) {
        struct sim_totals total = {};
        pid_t pids[64];
        int fds[64];

        if (b->jobs <= 1)
                return run_share(b, 0);
        for (unsigned i = 0; i < b->jobs; i++)
                pids[i] = start_job(b, i, &fds[i]);
        for (unsigned i = 0; i < b->jobs; i++)
                collect_job(pids[i], fds[i], &total);
        return total;
}

/* ---- report ---- */

void sim_totals_print(const struct sim_totals *t) {
        printf("\n%-20s %9s", "operation \\ fault", "calls");
        for (unsigned b = 1; b <= SIM_N_BASE_FAULTS; b++)
                printf(" %6u", b);
        for (unsigned a = 0; a < HV_N_ACTIONS; a++) {
                printf("\n%-20s %9" PRIu64, hv_action_name(a), t->n_calls[a]);
                for (unsigned b = 1; b <= SIM_N_BASE_FAULTS; b++)
                        if (sim_fault_cell_exists(a, b))
                                printf(" %6" PRIu64, t->matrix[a][b]);
                        else
                                printf(" %6s", "-");
        }
        printf("\n\n");
        for (unsigned i = SIM_N_CALL_FAULTS; i < SIM_N_FAULTS; i++)
                printf("%-22s %9" PRIu64 "%s", sim_fault_name(i), t->n_hit[i], i % 3 == 0 ? "\n" : "   ");
        printf("\n");
}

unsigned sim_totals_empty_cells(const struct sim_totals *t, bool print) {
        unsigned n = 0;

        for (unsigned a = 0; a < HV_N_ACTIONS; a++)
                for (unsigned b = 1; b <= SIM_N_BASE_FAULTS; b++) {
                        if (!sim_fault_cell_exists(a, b) || t->matrix[a][b])
                                continue;
                        if (print)
                                printf("never hit: fault %u on %s\n", b, hv_action_name(a));
                        n++;
                }
        for (unsigned i = SIM_N_CALL_FAULTS; i < SIM_N_FAULTS; i++) {
                if (t->n_hit[i])
                        continue;
                if (print)
                        printf("never hit: %s\n", sim_fault_name(i));
                n++;
        }
        return n;
}

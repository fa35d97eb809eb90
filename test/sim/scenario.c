/* scenario.c - see scenario.h. */
#include "sim/scenario.h"

#include <stdio.h>

#include "sim/agent.h"
#include "sim/crash.h"
#include "sim/desk.h"
#include "sim/job.h"
#include "sim/pressure.h"
#include "sim/schedule.h"
#include "sim/workload.h"

#define SEC HV_USEC_PER_SEC

enum deed {
        SUBMIT,
        STOP,
        RUN_AGAIN,
        FORGET,
        LEAVE_OUT,
        TRIGGER,
        SUSPEND,
        RESUME,
        CLOCK_ON,
        SHORT,
        ENOUGH,
        FILL
};

struct step {
        uint64_t at_us; /* after the beginning */
        enum deed deed;
        unsigned job;
};

static const struct {
        const char *name;
        struct sim_job jobs[2]; /* run_us 0: none */
        bool declared;
        struct step steps[4];
        struct sim_cron cron; /* of each minute; the first is due after 40 s */
} scenarios[SIM_N_SCENARIOS] = {
#define JOB .there = true
        { "accepted, runs, succeeds", { { JOB, .run_us = 2 * SEC } }, .steps = { { 1, SUBMIT, 0 } } },
        { "fails and is tried again",
          { { JOB, .run_us = SEC, .fails = 1000, .retry_limit = 2, .retry_on = HV_TASK_RETRY_EXIT_CODE } },
          .steps = { { 1, SUBMIT, 0 } } },
        { "runs out of memory",
          { { JOB, .run_us = SEC, .ooms = 1000, .retry_limit = 1, .retry_on = HV_TASK_RETRY_OOM } },
          .steps = { { 1, SUBMIT, 0 } } },
        { "stops at checkpoints",
          { { JOB, .run_us = SEC, .checkpoint_code = 85, .checkpoints = 700 } },
          .steps = { { 1, SUBMIT, 0 } } },
        { "is stopped while it runs",
          { { JOB, .run_us = SEC, .endless = true } },
          .steps = { { 1, SUBMIT, 0 }, { 40 * SEC, STOP, 0 } } },
        { "is stopped while it fetches",
          { { JOB, .run_us = SEC } },
          .steps = { { 1, SUBMIT, 0 }, { 30 * HV_USEC_PER_MSEC, STOP, 0 } } },
        { "its time is over",
          { { JOB, .run_us = SEC, .endless = true, .timeout_us = 20 * SEC } },
          .steps = { { 1, SUBMIT, 0 } } },
        { "two that do not fit together",
          { { JOB, .run_us = 3 * SEC, .memory = 10 }, { JOB, .run_us = 3 * SEC, .memory = 10 } },
          .steps = { { 1, SUBMIT, 0 }, { 2, SUBMIT, 1 } } },
        { "leaves the file while it runs",
          { { JOB, .run_us = SEC, .endless = true } },
          .declared = true,
          .steps = { { 40 * SEC, LEAVE_OUT, 0 } } },
        { "one after the other, from a file",
          { { JOB, .run_us = 2 * SEC }, { JOB, .run_us = 2 * SEC, .jobs = 1 } },
          .declared = true },
        { "has ended and is run again",
          { { JOB, .run_us = SEC } },
          .steps = { { 1, SUBMIT, 0 }, { 40 * SEC, RUN_AGAIN, 0 } } },
        { "has ended and is forgotten",
          { { JOB, .run_us = SEC } },
          .steps = { { 1, SUBMIT, 0 }, { 40 * SEC, FORGET, 0 } } },
#define CRON .there = true, .keep_success = 1, .keep_failed = 1, .job.run_us
        { "a cron task, twice", .cron = { CRON = 2 * SEC } },
        { "a run of a cron task goes on too long", .cron = { CRON = 80 * SEC } },
        { "a run of a cron task is replaced", .cron = { CRON = 300 * SEC, .concurrency = HV_CRON_REPLACE } },
        { "a cron task is suspended and resumed", .cron = { CRON = 2 * SEC },
          .steps = { { 20 * SEC, SUSPEND, 0 }, { 60 * SEC, RESUME, 0 } } },
        { "a run is asked for, and then due", .cron = { CRON = SEC }, .steps = { { 41 * SEC, TRIGGER, 0 } } },
        { "missed runs, each made up for",
          .cron = { CRON = 2 * SEC, .missed = HV_CRON_RUN_ALL, .concurrency = HV_CRON_ALLOW },
          .steps = { { 50 * SEC, CLOCK_ON, 0 } } },
#undef CRON
        { "the machine runs short while it runs",
          { { JOB, .run_us = SEC, .endless = true, .retry_limit = 1, .retry_on = HV_TASK_RETRY_NODE_ERROR } },
          .steps = { { 1, SUBMIT, 0 }, { 20 * SEC, SHORT, 0 }, { 70 * SEC, ENOUGH, 0 } } },
        { "it takes too much of the disk",
          { { JOB, .run_us = SEC, .endless = true, .disk = 1 } },
          .steps = { { 1, SUBMIT, 0 }, { 40 * SEC, FILL, 0 } } },
#undef JOB
};

/* A job of the present scenario, with what it does not say. */
static struct sim_job job_of(const struct sim *s, unsigned i) {
        struct sim_job j = scenarios[s->config->scenario - 1].jobs[i];

        j.memory = j.memory ? j.memory : 4;
        j.cpus = 2;
        j.timeout_us = j.timeout_us ? j.timeout_us : HV_TIME_NEVER;
        j.wait_us = HV_TIME_NEVER;
        j.retry_backoff_us = SEC;
        j.stop_grace_us = 2 * SEC;
        j.checkpoint_code = j.checkpoint_code ? j.checkpoint_code : -1;
        return j;
}

static struct sim_cron cron_of(const struct sim *s) {
        struct sim_cron c = scenarios[s->config->scenario - 1].cron;

        c.job.memory = 4;
        c.job.cpus = 2;
        c.job.disk = 1;
        c.job.timeout_us = HV_TIME_NEVER;
        c.job.stop_grace_us = 2 * SEC;
        c.job.retry_backoff_us = SEC;
        return c;
}

const char *sim_scenario_name(unsigned scenario) {
        return scenarios[scenario - 1].name;
}

void sim_scenario_wish(struct sim *s) {
        struct sim_model *m = &s->workload->now;

        m->settings.workers = 4;
        m->settings.parallel_pulls = 2;
        m->settings.max_prune_percent = 100;
        m->settings.allow_empty = true;
        m->settings.max_concurrent_tasks = 0;
        m->settings.reserved = m->settings.limits = (struct hv_amounts){};
        s->desk->machine = (struct hv_room){ .nano_cpus = 4 * UINT64_C(1000000000),
                                             .memory_bytes = UINT64_C(4) << 30,
                                             .disk_bytes = UINT64_C(10) << 30 };
        for (unsigned i = 0; i < 2 && scenarios[s->config->scenario - 1].declared; i++)
                m->jobs[i] = job_of(s, i);
        m->crons[0] = cron_of(s);
}

static void ask_again_after(struct sim *s, int answer, void *step);

static void take_step(struct sim *s, void *arg) {
        static const enum hv_input_type inputs[] = {
                [SUBMIT] = HV_INPUT_TASK_SUBMIT,    [STOP] = HV_INPUT_TASK_STOP,
                [RUN_AGAIN] = HV_INPUT_TASK_REOPEN, [FORGET] = HV_INPUT_TASK_FORGET,
                [TRIGGER] = HV_INPUT_CRON_TRIGGER,  [SUSPEND] = HV_INPUT_CRON_SUSPEND,
                [RESUME] = HV_INPUT_CRON_RESUME
        };
        const struct step *step = arg;
        const char *id = sim_text(s, "s-%u", step->job + 1);
        struct sim_job job = job_of(s, step->job);
        struct hv_task *t;
        int r;

        switch (step->deed) {
        case LEAVE_OUT:
                (void) sim_workload_leave_out(s, step->job);
                sim_agent_offer(s);
                return;
        case SHORT:
        case ENOUGH:
                sim_pressure_set(s, step->deed == SHORT ? 9000 : 0, 0);
                return;
        case FILL:
                if (!sim_desk_fill(s, sim_job_find(s, id)))
                        ask_again_after(s, -11, arg); /* EAGAIN: it does not run */
                return;
        case CLOCK_ON:
                sim_desk_move_clock(s, 3 * (int64_t) HV_USEC_PER_MIN);
                return;
        case TRIGGER:
        case SUSPEND:
        case RESUME:
                r = sim_cron_ask(s, inputs[step->deed], sim_cron_name(0));
                ask_again_after(s, r, arg);
                return;
        default:
                break;
        }
        t = sim_job_task(s, &s->workload->now, &job, "job", id, HV_TASK_FROM_API);
        r = sim_desk_ask(s, inputs[step->deed], id, t);
        sim_trace(s, "DESK asks for %s, %d: %d", id, (int) step->deed, r);
        ask_again_after(s, r, arg);
}

/* Nobody was there, or it is too early. */
static void ask_again_after(struct sim *s, int answer, void *step) {
        if (!s->calm && (!s->agent->core || answer == -11 || answer == -16)) /* EAGAIN, EBUSY */
                sim_after(s, 500 * HV_USEC_PER_MSEC, take_step, step);
}

void sim_scenario_begin(struct sim *s) {
        const struct step *steps = scenarios[s->config->scenario - 1].steps;

        for (size_t i = 0; i < 4 && steps[i].at_us; i++)
                sim_after(s, steps[i].at_us, take_step, (void *) &steps[i]);
}

/* ---- all of them ---- */

static bool try(const struct sim_config *config, unsigned *n_runs, unsigned *n_failed) {
        struct sim_result r = sim_run(config, 0);

        (*n_runs)++;
        if (!r.failed)
                return true;
        printf("FAILED scenario %u (%s), crashes %u.%d %u.%d, faults %u.%s %u.%s: %s: %s\n", config->scenario,
               sim_scenario_name(config->scenario), config->crashes[0].point, config->crashes[0].side,
               config->crashes[1].point, config->crashes[1].side, config->forced[0].call,
               sim_fault_name(config->forced[0].fault), config->forced[1].call,
               sim_fault_name(config->forced[1].fault), r.invariant, r.message);
        if (++*n_failed <= 1)
                (void) sim_run(config, 50);
        (void) fflush(stdout);
        return false;
}

static struct sim_config config_of(unsigned scenario) {
        return (struct sim_config){ .seed = scenario,
                                    .scenario = scenario,
                                    .disabled_faults = UINT64_MAX,
                                    .forced = { { 0, SIM_N_FAULTS }, { 0, SIM_N_FAULTS } } };
}

static void try_second(struct sim_config config, unsigned *n_runs, unsigned *n_failed) {
        unsigned first = config.crashes[0].point;

        for (unsigned point = first + 1; point <= first + 6; point++)
                for (int side = SIM_CRASH_BEFORE; side <= SIM_CRASH_AFTER; side++) {
                        config.crashes[1].point = point;
                        config.crashes[1].side = side;
                        (void) try(&config, n_runs, n_failed);
                }
}

unsigned sim_crash_points_run(bool pairs) {
        unsigned n_runs = 0, n_failed = 0, n_points = 0;

        for (unsigned i = 1; i <= SIM_N_SCENARIOS; i++) {
                struct sim_config config = config_of(i);
                struct sim_result r = sim_run(&config, 0);

                if (!try(&config, &n_runs, &n_failed))
                        continue;
                printf("%2u %-34s %3u points\n", i, sim_scenario_name(i), r.n_crash_points);
                n_points += r.n_crash_points;
                for (unsigned point = 1; point <= r.n_crash_points; point++)
                        for (int side = 0; side < SIM_N_CRASH_SIDES; side++) {
                                config.crashes[0].point = point;
                                config.crashes[0].side = side;
                                config.crashes[1].point = 0;
                                (void) try(&config, &n_runs, &n_failed);
                                if (pairs)
                                        try_second(config, &n_runs, &n_failed);
                        }
        }
        printf("%u scenarios, %u points, %u runs, %u failed\n", SIM_N_SCENARIOS, n_points, n_runs, n_failed);
        return n_failed;
}

unsigned sim_two_faults_run(void) {
        struct sim_config config = config_of(1);
        unsigned n_runs = 0, n_failed = 0, n_calls = sim_run(&config, 0).n_calls;

        for (unsigned a = 1; a <= n_calls; a++)
                for (unsigned f = 0; f < SIM_N_CALL_FAULTS; f++) {
                        config.forced[0].call = a;
                        config.forced[0].fault = f;
                        config.forced[1].call = 0;
                        if (!try(&config, &n_runs, &n_failed))
                                continue;
                        for (unsigned b = a + 1; b <= n_calls + 2; b++)
                                for (unsigned g = 0; g < SIM_N_CALL_FAULTS; g++) {
                                        config.forced[1].call = b;
                                        config.forced[1].fault = g;
                                        (void) try(&config, &n_runs, &n_failed);
                                }
                }
        printf("one task, %u calls, each two faults: %u runs, %u failed\n", n_calls, n_runs, n_failed);
        return n_failed;
}

/* schedule.c - see schedule.h. */
#include "sim/schedule.h"

#include <stdio.h>

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/desk.h"
#include "sim/driver.h"
#include "sim/expect.h"
#include "sim/gpu.h"
#include "sim/job.h"
#include "sim/ledger.h"
#include "sim/mutants.h"
#include "sim/oracle.h"
#include "sim/oracle_task.h"
#include "sim/orders.h"
#include "sim/people.h"
#include "sim/pool.h"
#include "sim/pressure.h"
#include "sim/scenario.h"
#include "sim/status_text.h"
#include "sim/stream.h"
#include "sim/workload.h"

#define SILENT_ROUNDS 100u
/* Until then the last events may arrive and a resync may find whose a name is now: that is told, and nothing done. */
#define ROUNDS_TO_SETTLE 12u

/* A network or volume is one call, a replacement four: inspect, stop, remove, create and start, with the slowest latency
 * of driver.c each; a pull is 60 s at most and there may be one for each image. */
#define WORK_PER_UNIT_US (5 * HV_USEC_PER_SEC)
#define WORK_PER_ITEM_US HV_USEC_PER_SEC
#define WORK_PER_IMAGE_US HV_USEC_PER_MIN

/* ---- the safety phase ---- */

static void change_comes(struct sim *s, void *arg) {
        (void) arg;
        if (s->calm)
                return;
        sim_trace(s, "WISH %s", sim_workload_step(s));
        sim_agent_offer(s);
}

static void person_comes(struct sim *s, void *arg) {
        (void) arg;
        if (!s->calm)
                sim_people_act(s);
}

static void look_is_wanted(struct sim *s, void *arg) {
        struct hv_input in = { .type = HV_INPUT_LOOK };

        (void) arg;
        if (!s->calm)
                sim_agent_input(s, &in);
}

/* The operator lets the parked revision prune; sometimes he mistypes its name. */
static void accept_comes(struct sim *s, void *arg) {
        char name[13] = "zzzz";
        struct hv_input in = { .type = HV_INPUT_ACCEPT, .text = name };

        (void) arg;
        if (!s->agent->core)
                return;
        if (!sim_chance(s, SIM_CHANCE_WORKLOAD, 100))
                (void) snprintf(name, sizeof name, "%.12s", s->workload->source->revision);
        sim_trace(s, "ACCEPT %s", name);
        sim_agent_input(s, &in);
}

static void engine_trouble(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_ENGINE_RESTART))
                sim_engine_restart(s, false, sim_span(s, SIM_CHANCE_FAULT, 500000, 3 * HV_USEC_PER_MIN));
        else if (sim_fault_hits(s, SIM_FAULT_ENGINE_LIVE_RESTART))
                sim_engine_restart(s, true, sim_span(s, SIM_CHANCE_FAULT, 500000, 3 * HV_USEC_PER_MIN));
        else if (sim_fault_hits(s, SIM_FAULT_ENGINE_HANG))
                s->truth->hangs_until_us =
                        s->now_us + sim_span(s, SIM_CHANCE_FAULT, 100000, 3 * HV_USEC_PER_MIN);
}

static void agent_trouble(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_CRASH))
                sim_agent_crash(s, sim_span(s, SIM_CHANCE_AGENT, 100000, HV_USEC_PER_MIN));
}

/* Tasks are handed in, stopped, run again; the machine grows and shrinks; the disk is full for a while. */
static void desk_is_asked(struct sim *s, void *arg) {
        static void (*const requests[])(struct sim *) = {
                sim_desk_submit, sim_desk_submit,    sim_desk_submit,      sim_desk_stop,
                sim_desk_stop,   sim_desk_ask_again, sim_desk_set_machine,
        };

        (void) arg;
        if (!s->calm)
                requests[sim_below(s, SIM_CHANCE_TASKS, HV_ARRAY_SIZE(requests))](s);
}

static void disk_trouble(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_DISK_FULL))
                s->ledger->full_until_us =
                        s->now_us + sim_span(s, SIM_CHANCE_TASKS, HV_USEC_PER_SEC, 5 * HV_USEC_PER_MIN);
        if (sim_fault_hits(s, SIM_FAULT_CLOCK))
                sim_desk_set_clock(s);
}

static void machine_changes(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_PRESSURE))
                sim_pressure_changes(s);
}

static void crowd_comes(struct sim *s, void *arg) {
        (void) arg;
        if (!s->calm)
                sim_desk_submit_crowd(s);
}

static void memory_is_short(struct sim *s, void *arg) {
        bool is_short = !arg;

        if (!s->calm)
                sim_pressure_set(s, is_short ? 9000 : 0, 100);
        if (is_short)
                sim_after(s, sim_between(s, SIM_CHANCE_PRESSURE, 20 * HV_USEC_PER_SEC, 3 * HV_USEC_PER_MIN),
                          memory_is_short, s);
}

/* Several tasks run by the time that memory runs short, for long enough that some of them have to go. */
static void press(struct sim *s, uint64_t span_us) {
        for (unsigned i = 0; i < 2; i++) {
                uint64_t at_us = sim_below(s, SIM_CHANCE_PRESSURE, span_us);

                sim_after(s, at_us, crowd_comes, NULL);
                sim_after(s,
                          at_us + sim_between(s, SIM_CHANCE_PRESSURE, 30 * HV_USEC_PER_SEC,
                                              3 * HV_USEC_PER_MIN),
                          memory_is_short, NULL);
        }
}

static void order_comes(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_ORDERS))
                sim_orders_change(s);
}

static void workspace_grows(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_GREEDY))
                sim_desk_fill_any(s);
}

static void gpu_trouble(struct sim *s, void *arg) {
        (void) arg;
        if (sim_fault_hits(s, SIM_FAULT_GPU))
                sim_gpus_change(s);
}

static void cron_is_asked(struct sim *s, void *arg) {
        (void) arg;
        if (!s->calm)
                sim_cron_request(s);
}

static void machine_sleeps(struct sim *s, void *arg) {
        (void) arg;
        if (!s->calm)
                sim_cron_sleep(s);
}

static void pool_changes(struct sim *s, void *arg) {
        (void) arg;
        if (!s->calm)
                sim_pool_changes(s);
}

static void scatter(struct sim *s, uint64_t within_us, unsigned n, sim_ring_fn *ring) {
        for (; n > 0; n--)
                sim_after(s, sim_below(s, SIM_CHANCE_SWARM, within_us), ring, NULL);
}

static void live_through_scenario(struct sim *s) {
        uint64_t until_us = s->now_us + 2 * HV_USEC_PER_MIN;

        sim_scenario_begin(s);
        sim_agent_start(s);
        while (!s->failed && sim_step(s, until_us))
                ;
}

static void live_through_faults(struct sim *s) {
        uint64_t span_us = sim_span(s, SIM_CHANCE_SWARM, HV_USEC_PER_MIN, 40 * HV_USEC_PER_MIN);
        unsigned shift = s->config->workload_shift, often = s->config->dense ? 4 : 1;
        uint64_t until_us = s->now_us + span_us;

        if (s->config->pressure)
                press(s, span_us);
        scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_SWARM, 13) >> shift, change_comes);
        scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_SWARM, 40) >> shift, person_comes);
        scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_SWARM, 6) >> shift, accept_comes);
        scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_SWARM, 3) >> shift, look_is_wanted);
        if (s->desk->wants_tasks) {
                scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_TASKS, 20) >> shift, desk_is_asked);
                scatter(s, span_us, 8u >> shift, disk_trouble);
                for (unsigned i = 0; i < (12u * often) >> shift; i++)
                        sim_after(s, sim_below(s, SIM_CHANCE_PRESSURE, span_us), machine_changes, NULL);
                for (unsigned i = 0; i < 80u >> shift; i++)
                        sim_after(s, sim_below(s, SIM_CHANCE_PRESSURE, span_us), workspace_grows, NULL);
        }
        for (unsigned i = 0;
             s->faults.enabled & UINT64_C(1) << SIM_FAULT_ORDERS && i < (14u * often) >> shift; i++)
                sim_after(s, sim_below(s, SIM_CHANCE_ORDERS, span_us), order_comes, NULL);
        for (unsigned i = 0; s->gpus->wanted && i < (24u * often) >> shift; i++)
                sim_after(s, sim_below(s, SIM_CHANCE_GPU, span_us), gpu_trouble, NULL);
        for (unsigned i = 0; s->pool->wanted && i < (14u * often) >> shift; i++)
                sim_after(s, sim_below(s, SIM_CHANCE_POOL, span_us), pool_changes, NULL);
        if (s->crons->wanted) {
                scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_CRON, 16), cron_is_asked);
                scatter(s, span_us, (unsigned) sim_below(s, SIM_CHANCE_CRON, 4), machine_sleeps);
        }
        scatter(s, span_us, 12u >> shift, engine_trouble);
        scatter(s, span_us, 12u >> shift, agent_trouble);
        sim_agent_start(s);
        while (!s->failed && sim_step(s, until_us + s->crons->slept_us))
                ;
}

/* ---- the liveness phase ---- */

/* What the fixed point is measured against: the active revision, or nothing where the guard holds the only one. */
static bool has_reached(struct sim *s, bool hidden_too) {
        const struct hv_desired *active = s->agent->core ? hv_core_active(s->agent->core) : NULL;
        struct sim_differences l;

        if (!s->agent->core || sim_call_in_flight(s) || s->oracle->offered ||
            !hv_core_is_engine_ready(s->agent->core))
                return false; /* not before the newest revision was decided on */
        if (!active)
                return s->oracle->parked;
        if (!sim_tasks_are_settled(s, NULL) || !sim_orders_are_done(s))
                return false;
        sim_compare(s, active, &l);
        /* What stands in the way must have been told of: until then the core tries. */
        for (unsigned i = 0; hidden_too && i < l.n; i++)
                if (l.v[i].excused && !l.v[i].known && !l.v[i].hidden)
                        return false;
        return hidden_too ? l.n_unexcused == 0 && !s->oracle->busy && s->oracle->synced == (l.n == 0)
                          : l.n_unexcused_shown == 0;
}

static void say_what_differs(struct sim *s, uint64_t bound_us) {
        const struct hv_desired *active = s->agent->core ? hv_core_active(s->agent->core) : NULL;
        struct sim_differences l = {};
        const char *what = "nothing differs, and status does not say so";

        if (active) {
                sim_compare(s, active, &l);
                if (l.n_unexcused == 0 && !sim_orders_are_done(s))
                        what = "a restart that was asked for has not come to pass";
                else if (l.n_unexcused == 0)
                        (void) sim_tasks_are_settled(s, &what);
        }
        for (unsigned i = 0; i < l.n; i++) {
                if (!l.v[i].excused)
                        what = l.v[i].what;
                sim_trace(s, "  differs: %s%s%s", l.v[i].what, l.v[i].excused ? " (excused)" : "",
                          l.v[i].known ? " (known)" : "");
        }
        sim_trace_status(s);
        sim_fail(s, "I9", "no fixed point %" PRIu64 " s after the last fault: %s%s",
                 bound_us / HV_USEC_PER_SEC, active ? what : "no revision is active",
                 s->oracle->synced ? " (status says synced)" : "");
}

/* See docs/testing-simulator.md, "The bounds". */
static uint64_t bound_us(const struct sim *s, bool hidden_too) {
        const struct hv_desired *d = s->workload->source;
        const struct hv_desired *active = s->agent->core ? hv_core_active(s->agent->core) : NULL;
        uint64_t resync_us = d->settings.resync_us, backoff_us = sim_longest_backoff_us(d), bound;
        size_t n_units = HV_MAX(d->n_units, (size_t) 1);

        if (active) {
                resync_us = HV_MAX(resync_us, active->settings.resync_us);
                backoff_us = HV_MAX(backoff_us, sim_longest_backoff_us(active));
                n_units = HV_MAX(n_units, active->n_units);
        }
        n_units += s->truth->containers.n > 60 ? 60 : s->truth->containers.n;
        bound = 2 * backoff_us + 2 * (resync_us + resync_us / 10) + n_units * WORK_PER_UNIT_US +
                SIM_N_IMAGES * WORK_PER_IMAGE_US + (SIM_N_NETWORKS + SIM_N_VOLUMES) * WORK_PER_ITEM_US +
                2 * HV_USEC_PER_MIN + sim_tasks_bound_us(s);
        return hidden_too ? bound + 11 * (resync_us + resync_us / 10) : bound;
}

static void calm_down(struct sim *s) {
        sim_trace(s, "CALM: no fault, no person, no new wish from here on");
        s->calm = true;
        s->calm_us = s->now_us;
        sim_engine_heal(s);
        sim_driver_calm(s);
        sim_people_leave(s);
        sim_pressure_ends(s);
        sim_gpus_heal(s);
        sim_orders_end(s);
        sim_pool_ends(s);
        sim_agent_start(s);
        if (sim_chance(s, SIM_CHANCE_SWARM, 500))
                accept_comes(s, NULL);
}

static bool wait_until_reached(struct sim *s, uint64_t from_us, bool hidden_too) {
        uint64_t until_us = from_us + bound_us(s, hidden_too);

        while (!s->failed && s->now_us < until_us) {
                uint64_t next_us = HV_MIN(until_us, s->now_us + HV_USEC_PER_SEC);

                if (has_reached(s, hidden_too))
                        return true;
                while (!s->failed && sim_step(s, next_us))
                        ;
        }
        if (!s->failed && has_reached(s, hidden_too))
                return true;
        if (!s->failed)
                say_what_differs(s, bound_us(s, hidden_too));
        return false;
}

static void converge(struct sim *s, struct sim_result *ret) {
        uint64_t from_us, rounds;

        calm_down(s);
        sim_cron_rest(s);
        from_us = s->now_us;
        rounds = s->agent->n_rounds;
        if (!wait_until_reached(s, from_us, false))
                return;
        ret->converge_us = s->now_us - from_us;
        ret->bound_used = (double) ret->converge_us / (double) bound_us(s, false);
        if (!wait_until_reached(s, from_us, true))
                return;
        ret->n_rounds = s->agent->n_rounds - rounds;
}

/* ---- silence and restart ---- */

static void judge_silence(struct sim *s, uint64_t n_effects, const char *invariant, const char *when) {
        if (s->driver->n_effects != n_effects)
                sim_fail(s, invariant, "%" PRIu64 " effects %s", s->driver->n_effects - n_effects, when);
        else if (!s->failed && !has_reached(s, true))
                sim_fail(s, invariant, "the fixed point was left %s", when);
}

static void settle_looks(struct sim *s) {
        uint64_t until_us = s->now_us + HV_USEC_PER_MIN;

        while (!s->failed && s->now_us < until_us && (!s->oracle->observed || !has_reached(s, true))) {
                uint64_t next_us = s->now_us + 100 * HV_USEC_PER_MSEC;

                while (!s->failed && sim_step(s, next_us))
                        ;
        }
}

/* One round: the core's own deadline passes, and what it asked for then is answered. */
static void pass_deadline(struct sim *s) {
        uint64_t until_us = s->agent->deadline_us;

        if (until_us == HV_TIME_NEVER)
                until_us = s->now_us + HV_USEC_PER_MIN;
        until_us = HV_MAX(until_us, s->now_us) + 100 * HV_USEC_PER_MSEC;
        while (!s->failed && sim_step(s, until_us))
                ;
}

static void be_silent(struct sim *s) {
        uint64_t n_effects = s->driver->n_effects, n_notes = 0;

        for (unsigned i = 0; i < SILENT_ROUNDS && !s->failed && s->driver->n_effects == n_effects; i++) {
                if (i == ROUNDS_TO_SETTLE)
                        n_notes = s->agent->n_notes;
                pass_deadline(s);
        }
        settle_looks(s);
        judge_silence(s, n_effects, "I10", "at the fixed point");
        if (s->agent->n_notes != n_notes)
                sim_fail(s, "I10", "%" PRIu64 " notes at the fixed point", s->agent->n_notes - n_notes);
}

static void restart(struct sim *s) {
        _hv_cleanup_(hv_freep) char *before = sim_status_text(s), *after = NULL;
        uint64_t n_effects = s->driver->n_effects;

        sim_agent_crash(s, HV_USEC_PER_SEC);
        sim_agent_start(s);
        settle_looks(s);
        after = sim_status_text(s);
        judge_silence(s, n_effects, "I11", "after a restart at the fixed point");
        if (!s->failed && strcmp(before, after) != 0)
                sim_fail(s, "I11", "status after a restart is another: %s",
                         sim_text_difference(s, before, after));
}

/* ---- one run ---- */

static void make(struct sim *s) {
        struct hv_rng seeds = { s->config->seed };

        s->arena = hv_arena_new();
        s->trace.hash = UINT64_C(0xcbf29ce484222325);
        s->now_us = HV_USEC_PER_HOUR; /* a machine that has been up for a while */
        for (unsigned i = 0; i < SIM_N_CHANCES; i++)
                s->chance[i].state = hv_rng_next(&seeds);
        sim_faults_draw(s);
        s->truth = sim_truth_new(s);
        s->driver = sim_driver_new(s);
        s->stream = sim_stream_new(s);
        s->oracle = sim_oracle_new(s);
        s->agent = sim_agent_new(s);
        s->ledger = sim_ledger_new(s);
        s->tries = sim_tries_new(s);
        s->jobs = sim_jobs_new(s);
        s->gpus = sim_gpus_new(s);
        s->desk = sim_desk_new(s);
        s->pressure = sim_pressure_new(s);
        s->orders = sim_orders_new(s);
        s->pool = sim_pool_new(s);
        s->crons = sim_crons_new(s);
        s->workload = sim_workload_new(s);
        if (s->config->scenario)
                sim_image_set(s, sim_image_get(s, sim_image_name(0)), true);
        else
                sim_people_arrive(s);
}

static void end(struct sim *s) {
        sim_agent_done(s->agent);
        sim_driver_done(s->driver);
        sim_oracle_done(s->oracle);
        sim_truth_done(s->truth);
        sim_workload_done(s->workload);
        sim_ledger_done(s->ledger);
        sim_tries_done(s->tries);
        sim_gpus_done(s->gpus);
        sim_jobs_done(s->jobs);
        sim_crons_done(s->crons);
        sim_alarms_done(&s->alarms);
        hv_arena_free(s->arena);
}

struct sim_result sim_run(const struct sim_config *config, unsigned print_last) {
        struct sim s = { .config = config };
        struct sim_result r = {};
        void (*const phases[])(struct sim *) = { be_silent, restart };

        sim_mutant_set(config->mutant);
        make(&s);
        if (config->scenario)
                live_through_scenario(&s);
        else
                live_through_faults(&s);
        r.n_crash_points = s.n_crash_points;
        r.n_calls = s.n_calls;
        if (!s.failed)
                converge(&s, &r);
        for (unsigned i = 0; i < HV_ARRAY_SIZE(phases) && !s.failed; i++)
                phases[i](&s);
        r.failed = s.failed != NULL;
        if (s.failed) {
                (void) snprintf(r.invariant, sizeof r.invariant, "%s", s.failed);
                (void) snprintf(r.message, sizeof r.message, "%s", s.failure);
        }
        r.hash = s.trace.hash;
        r.n_lines = s.trace.n_lines;
        r.virtual_us = s.now_us - HV_USEC_PER_HOUR;
        r.n_effects = s.driver->n_effects;
        r.faults = s.faults;
        r.n_services = s.workload->n_services;
        if (s.failed && print_last)
                sim_trace_print_last(&s, print_last);
        end(&s);
        return r;
}

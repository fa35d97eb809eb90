/* sim.h - one simulated node: a clock, chance, an engine, people, and the core under test.
 *
 *        workload --> revisions --.                        .--> actions --> driver --> engine (ground truth)
 *                                 +--> agent: hv_core_* ---+                   |          |  ^
 *        faults, people ----------'         ^              '--> status         |          |  '- people
 *                                           |                    |             |          v
 *                                           '---- completions, events --------'--------stream
 *                                                                |
 *                                                             oracle: compares with the ground truth
 *
 * Model    One 64-bit seed is one history. Everything random comes from streams that hang on the seed, one a
 * subsystem, so that a draw more in one place does not change the others. Time is virtual: it jumps from one
 * alarm to the next. Whatever a run makes lives in one arena; what is handed to the core lives in short-lived
 * memory, so that a sanitizer sees a core that keeps what it was only lent.
 */
#pragma once

#include <inttypes.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/vec.h"
#include "reconcile/status.h"
#include "sim/alarm.h"
#include "sim/fault.h"
#include "sim/trace.h"

enum sim_stream_of_chance {
        SIM_CHANCE_SWARM, /* which faults a seed has, how big its workload is */
        SIM_CHANCE_WORKLOAD,
        SIM_CHANCE_LATENCY,
        SIM_CHANCE_FAULT,
        SIM_CHANCE_EVENTS,
        SIM_CHANCE_PEOPLE,
        SIM_CHANCE_LIFE,
        SIM_CHANCE_AGENT,
        SIM_CHANCE_IDS,
        SIM_CHANCE_TASKS,
        SIM_CHANCE_CRON,
        SIM_CHANCE_PRESSURE,
        SIM_CHANCE_ORDERS,
        SIM_CHANCE_GPU,
        SIM_CHANCE_POOL,
        SIM_N_CHANCES
};

/* What one run is to be; a run depends on nothing else. */
struct sim_config {
        uint64_t seed;
        uint64_t disabled_faults; /* bits of enum sim_fault, on top of what the seed leaves out */
        unsigned workload_shift;  /* each halves the workload; for the shrinker */
        int mutant;               /* 0: none */
        bool dense;               /* pressure, orders by hand and trouble of GPUs come four times as often */
        bool pressure;            /* several tasks run, none as important as another, and memory runs short */
        bool verbose;             /* prints every line of the trace */
        unsigned scenario;        /* 0: a history of chance; else one of scenario.h, without any */
        struct {
                unsigned point; /* crash.h; 0: none */
                int side;
        } crashes[2];
        struct {
                unsigned call; /* number of the call that meets it; 0: none */
                int fault;
        } forced[2];
};

struct sim_truth;
struct sim_driver;
struct sim_stream;
struct sim_workload;
struct sim_agent;
struct sim_oracle;
struct sim_ledger;
struct sim_tries;
struct sim_jobs;
struct sim_desk;
struct sim_crons;
struct sim_pressure;
struct sim_gpus;
struct sim_orders;
struct sim_pool;

struct sim {
        const struct sim_config *config;
        struct hv_arena *arena;
        struct hv_rng chance[SIM_N_CHANCES];
        uint64_t now_us;
        struct sim_alarms alarms;
        struct sim_trace trace;
        struct sim_faults faults;
        struct sim_truth *truth;
        struct sim_driver *driver;
        struct sim_stream *stream;
        struct sim_workload *workload;
        struct sim_agent *agent;
        struct sim_oracle *oracle;
        struct sim_ledger *ledger;
        struct sim_tries *tries;
        struct sim_jobs *jobs;
        struct sim_desk *desk;
        struct sim_crons *crons;
        struct sim_pressure *pressure;
        struct sim_gpus *gpus;
        struct sim_orders *orders;
        struct sim_pool *pool;
        unsigned n_crash_points, n_calls; /* of a scenario, until it is calm */
        uint64_t calm_us;                 /* when it began */
        bool calm;                        /* the liveness phase: no fault, no person, no new wish */

        const char *failed; /* the invariant that broke first; NULL: none */
        char failure[512];
        uint64_t failed_at_us;
};

/* Chance, always from the stream of the subsystem that asks. */
uint64_t sim_below(struct sim *s, enum sim_stream_of_chance stream, uint64_t bound);
uint64_t sim_between(struct sim *s, enum sim_stream_of_chance stream, uint64_t low, uint64_t high);
/* As sim_between(), but each order of magnitude is as likely as the next: how latencies are spread. low > 0. */
uint64_t sim_span(struct sim *s, enum sim_stream_of_chance stream, uint64_t low, uint64_t high);
bool sim_chance(struct sim *s, enum sim_stream_of_chance stream, unsigned permille);

/* Records the first broken invariant; the run ends with the present alarm. */
void sim_fail(struct sim *s, const char *invariant, const char *fmt, ...) _hv_printf_(3, 4);

/* printf into the run's arena. */
const char *sim_text(struct sim *s, const char *fmt, ...) _hv_printf_(2, 3);

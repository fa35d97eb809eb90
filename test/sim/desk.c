/* desk.c - see desk.h. */
#include "sim/desk.h"

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/cron.h"
#include "sim/gpu.h"
#include "sim/job.h"
#include "sim/ledger.h"
#include "sim/oracle.h"
#include "sim/orders.h"
#include "sim/pool.h"
#include "sim/pressure.h"
#include "sim/sim.h"
#include "sim/workload.h"

/* The wall clock of the simulated machine; only shown, and compared with itself. */
#define WALL_US UINT64_C(1790000000000000)

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_TASKS, bound);
}

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_TASKS, permille);
}

uint64_t sim_wall_us(const struct sim *s) {
        return WALL_US + s->now_us + s->desk->wall_offset_us;
}

static void draw_machine(struct sim *s) {
        s->desk->machine = (struct hv_room){
                .nano_cpus = (1 + below(s, 8)) * UINT64_C(1000000000),
                .memory_bytes = (1 + below(s, 8)) << 30,
                .disk_bytes = (2 + below(s, 20)) << 30,
        };
        if (s->config->pressure)
                s->desk->machine.nano_cpus = s->desk->machine.memory_bytes = UINT64_C(16) << 30;
}

struct sim_desk *sim_desk_new(struct sim *s) {
        s->desk = HV_ARENA_NEW(s->arena, struct sim_desk);
        s->desk->wants_tasks = chance(s, 700) || s->config->pressure;
        draw_machine(s);
        return s->desk;
}

void sim_desk_agent_starts(struct sim *s) {
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = sim_wall_us(s) });
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_MACHINE, .machine = &s->desk->machine });
        sim_pressure_agent_starts(s);
        sim_gpus_agent_starts(s);
        sim_orders_agent_starts(s);
}

struct hv_order sim_desk_order(const struct sim *s) {
        bool is_ana = sim_wall_us(s) / HV_USEC_PER_SEC % 2;

        return (struct hv_order){ is_ana ? "ana" : "ben", is_ana ? "the disk moves" : NULL, sim_wall_us(s) };
}

int sim_desk_ask(struct sim *s, enum hv_input_type type, const char *id, struct hv_task *task) {
        struct hv_order order = sim_desk_order(s);
        struct hv_input in = { .type = type, .text = id, .message = order.by, .task = task, .order = &order };

        if (!s->agent->core)
                return -1;
        sim_agent_input(s, &in);
        return s->agent->last_answer;
}

static const struct sim_known *any_known(struct sim *s) {
        return s->jobs->known.n ? s->jobs->known.v[below(s, s->jobs->known.n)] : NULL;
}

void sim_desk_submit(struct sim *s) {
        const struct sim_known *again = chance(s, 200) ? any_known(s) : NULL;
        struct sim_job job = sim_job_draw(s, SIM_N_JOBS);
        struct hv_task *t;

        if (again)
                t = again->task;
        else
                t = sim_job_task(s, &s->workload->now, &job, "job",
                                 sim_text(s, "t-%u", ++s->jobs->n_submitted), sim_pool_source(s));
        /* A task of a file belongs to its file: handed in as well, it would be the same promise. */
        if (t->source != HV_TASK_FROM_API && t->source != HV_TASK_FROM_POOL)
                return;
        if (again && !sim_ledger_find(s, t->id))
                return; /* forgotten, or never accepted: another one, by the same name, is another story */
        sim_trace(s, "DESK submits %s: %d", t->id, sim_desk_ask(s, HV_INPUT_TASK_SUBMIT, NULL, t));
}

void sim_desk_submit_crowd(struct sim *s) {
        unsigned n = 3 + (unsigned) below(s, 4), first = (unsigned) below(s, 7);

        for (unsigned i = 0; i < n; i++) {
                struct sim_job job = sim_job_draw(s, SIM_N_JOBS);

                job.memory = job.cpus = 1;
                job.disk = job.gpus = job.services = 0;
                job.priority = 10 * ((first + 3 * i) % 7); /* 7 and 3: each of them once */
                job.timeout_us = job.wait_us = HV_TIME_NEVER;
                job.packages = false;
                job.run_us = sim_between(s, SIM_CHANCE_TASKS, 3 * HV_USEC_PER_MIN, 12 * HV_USEC_PER_MIN);
                (void) sim_desk_ask(s, HV_INPUT_TASK_SUBMIT, NULL,
                                    sim_job_task(s, &s->workload->now, &job, "job",
                                                 sim_text(s, "t-%u", ++s->jobs->n_submitted),
                                                 HV_TASK_FROM_API));
        }
}

void sim_desk_stop(struct sim *s) {
        const struct sim_known *k = any_known(s);
        struct sim_promise *p = k ? sim_ledger_find(s, k->task->id) : NULL;
        int r;

        if (!k)
                return;
        if (p && !p->ended && s->agent->core)
                p->stop_asked_of = s->agent->core_number;
        r = sim_desk_ask(s, HV_INPUT_TASK_STOP, k->task->id, NULL);
        if (p && r < 0)
                p->stop_asked_of = 0;
        sim_trace(s, "DESK stops %s: %d", k->task->id, r);
}

void sim_desk_ask_again(struct sim *s) {
        const struct sim_known *k = any_known(s);
        bool forget = chance(s, 600);

        if (!k)
                return;
        if (forget)
                hv_vec_push(&s->crons->requests,
                            ((struct sim_cron_request){ .id = k->task->id, .forgotten = true }));
        sim_trace(
                s, "DESK wants %s %s: %d", k->task->id, forget ? "forgotten" : "run again",
                sim_desk_ask(s, forget ? HV_INPUT_TASK_FORGET : HV_INPUT_TASK_REOPEN, k->task->id, k->task));
}

bool sim_desk_fill(struct sim *s, const struct sim_known *k) {
        const struct sim_container *c = k ? sim_attempt_alive(s, k->task->id, 0) : NULL;

        if (!c || !s->agent->core)
                return false;
        sim_try_get(s, c->object, c->replica)->took_too_much = true;
        sim_trace(s, "DISK %s takes too much", c->name);
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_TASK_DISK,
                                               .text = c->object,
                                               .attempt = c->replica,
                                               .disk_bytes = k->task->booking.disk_bytes + 1 });
        return true;
}

void sim_desk_fill_any(struct sim *s) {
        const struct sim_known *k = NULL;
        unsigned n = 0;

        for (size_t i = 0; i < s->jobs->known.n; i++)
                if (s->jobs->known.v[i]->task->booking.disk_bytes &&
                    sim_attempt_alive(s, s->jobs->known.v[i]->task->id, 0) &&
                    sim_below(s, SIM_CHANCE_PRESSURE, ++n) == 0)
                        k = s->jobs->known.v[i];
        (void) sim_desk_fill(s, k);
}

void sim_desk_set_machine(struct sim *s) {
        draw_machine(s);
        sim_trace(s, "MACHINE has %" PRIu64 " CPUs and %" PRIu64 " GiB",
                  s->desk->machine.nano_cpus / 1000000000, s->desk->machine.memory_bytes >> 30);
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_MACHINE, .machine = &s->desk->machine });
}

void sim_desk_set_clock(struct sim *s) {
        static const int64_t steps_us[] = { -(int64_t) HV_USEC_PER_HOUR, -(int64_t) HV_USEC_PER_SEC,
                                            (int64_t) HV_USEC_PER_SEC, (int64_t) HV_USEC_PER_HOUR,
                                            24 * (int64_t) HV_USEC_PER_HOUR };

        sim_desk_move_clock(s, steps_us[below(s, HV_ARRAY_SIZE(steps_us))]);
}

void sim_desk_move_clock(struct sim *s, int64_t by_us) {
        s->desk->wall_offset_us += (uint64_t) by_us;
        sim_attempt_clock_was_set(s);
        sim_trace(s, "CLOCK is set");
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = sim_wall_us(s) });
}

/* pressure.c - see pressure.h. */
#include "sim/pressure.h"

#include <string.h>

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/truth.h"

#define MEMORY_PERCENT 50u
#define CPU_PERCENT 90u
#define CALM_US (10 * HV_USEC_PER_SEC)
#define STOP_AFTER_US (30 * HV_USEC_PER_SEC)

struct hv_pressure_rules sim_pressure_rules(void) {
        return (struct hv_pressure_rules){ .memory_some10_percent = MEMORY_PERCENT,
                                           .cpu_used_percent = CPU_PERCENT };
}

struct sim_pressure *sim_pressure_new(struct sim *s) {
        struct sim_pressure *p = HV_ARENA_NEW(s->arena, struct sim_pressure);

        p->seen = (struct hv_seen_pressure){ .has_memory = true, .has_cpu = true };
        return p;
}

static bool is_short(const struct sim_pressure *p) {
        return p->seen.memory_some10_centi >= MEMORY_PERCENT * 100;
}

static bool is_calm(const struct sim_pressure *p) {
        return p->seen.memory_some10_centi < MEMORY_PERCENT * 75;
}

static void tell(struct sim *s) {
        s->pressure->changed_us = s->now_us;
        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_PRESSURE, .pressure = &s->pressure->seen });
}

void sim_pressure_agent_starts(struct sim *s) {
        s->pressure->closed_us = 0;
        s->pressure->calm_us = s->now_us;
        tell(s);
}

void sim_pressure_changes(struct sim *s) {
        static const unsigned memory_centi[] = {
                0, 1000, 4000, 4999, 5000, 9000
        }; /* 4000: between calm and short */
        static const unsigned cpu_permille[] = { 100, 850, 900, 901, 1000 };

        unsigned centi = memory_centi[sim_below(s, SIM_CHANCE_PRESSURE, HV_ARRAY_SIZE(memory_centi))];

        sim_pressure_set(s, centi,
                         cpu_permille[sim_below(s, SIM_CHANCE_PRESSURE, HV_ARRAY_SIZE(cpu_permille))]);
}

void sim_pressure_set(struct sim *s, unsigned memory_centi, unsigned cpu_permille) {
        bool was_calm = is_calm(s->pressure);

        s->pressure->seen.memory_some10_centi = memory_centi;
        s->pressure->seen.cpu_permille = cpu_permille;
        sim_trace(s, "MACHINE waits for memory in %u.%02u %% of the time, uses %u.%u %% of its CPUs",
                  s->pressure->seen.memory_some10_centi / 100, s->pressure->seen.memory_some10_centi % 100,
                  s->pressure->seen.cpu_permille / 10, s->pressure->seen.cpu_permille % 10);
        if (!was_calm)
                s->pressure->calm_us = s->now_us;
        tell(s);
}

void sim_pressure_ends(struct sim *s) {
        if (!is_calm(s->pressure))
                s->pressure->calm_us = s->now_us;
        s->pressure->seen.memory_some10_centi = s->pressure->seen.cpu_permille = 0;
        tell(s);
}

/* The core counts the calm from the plan that first saw it: one that was on its way when the machine changed may be late. */
bool sim_pressure_may_be_felt(const struct sim *s) {
        return s->now_us < s->pressure->changed_us + SIM_PLAN_LATE_US + CALM_US + HV_USEC_PER_SEC;
}

/* ---- what may be done then ---- */

void sim_pressure_told(struct sim *s, const struct hv_note *note) {
        struct sim_pressure *p = s->pressure;

        if (note->reason == HV_REASON_WAITING_PRESSURE) {
                if (!is_short(p))
                        sim_fail(s, "P2", "nobody is admitted for want of memory, and there is enough");
                p->closed_us = s->now_us;
        } else if (strstr(note->message, "run short")) { /* the CPUs have words of their own */
                if (!p->closed_us || !is_calm(p) || s->now_us - p->calm_us < CALM_US)
                        sim_fail(s, "P2", "memory is called enough before it was for ten seconds");
                p->closed_us = 0;
        }
}

void sim_pressure_admitted(struct sim *s, const char *id) {
        if (is_short(s->pressure))
                sim_fail(s, "P1", "%s is admitted while the machine runs short of memory", id);
        else if (s->pressure->seen.cpu_permille > CPU_PERCENT * 10)
                sim_fail(s, "P1", "%s is admitted while the CPUs are busy", id);
}

/* The core was told, though a full disk may keep that from being recorded for long: it ends anyway. */
static bool is_to_stop(const struct sim *s, const struct sim_promise *p) {
        return p->stop_asked || p->stop_asked_of == s->agent->core_number;
}

static const char *less_important(struct sim *s, const struct sim_promise *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_task_status *t;
        size_t n;

        t = hv_core_live_tasks(s->agent->core, s->now_us, arena, &n);
        for (size_t i = 0; i < n; i++) {
                const struct sim_promise *other = sim_ledger_find(s, t[i].id);

                if (other && other != p && !is_to_stop(s, other) && t[i].state == HV_TASK_RUNNING &&
                    t[i].started_wall_us && other->task->priority < p->task->priority &&
                    sim_attempt_alive(s, other->id, t[i].attempt))
                        return other->id;
        }
        return NULL;
}

void sim_pressure_stopped(struct sim *s, const char *id) {
        const struct sim_promise *p = sim_ledger_find(s, id);
        const char *other;

        if (!is_short(s->pressure) || !s->pressure->closed_us ||
            s->now_us - s->pressure->closed_us < STOP_AFTER_US)
                sim_fail(s, "P2", "%s is stopped for want of memory, and it was not so for half a minute",
                         id);
        other = p ? less_important(s, p) : NULL;
        if (other)
                sim_fail(s, "P2", "%s is stopped for want of memory, and %s matters less and runs on", id,
                         other);
}

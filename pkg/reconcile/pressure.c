/* reconcile/pressure.c - see pressure.h. */
#include "reconcile/pressure.h"

#include <stdio.h>

#include "reconcile/eviction.h"
#include "reconcile/mutant.h"
#include "reconcile/pass.h"
#include "reconcile/task_state.h"

#define CALM_US (10 * HV_USEC_PER_SEC) /* the span that avg10 looks back on */
#define STOP_AFTER_US (30 * HV_USEC_PER_SEC)
#define COOLER_DECICELSIUS 50u

/* ---- the judgement ---- */

static enum hv_pressure_level judge_memory(unsigned percent, const struct hv_seen_pressure *seen) {
        if (!percent || !seen->has_memory)
                return HV_PRESSURE_CALM;
        if (seen->memory_some10_centi >= percent * 100)
                return HV_PRESSURE_SHORT;
        return seen->memory_some10_centi >= percent * 75 ? HV_PRESSURE_BETWEEN : HV_PRESSURE_CALM;
}

static enum hv_pressure_level judge_disk(unsigned percent, const struct hv_seen_pressure *seen) {
        uint64_t least = seen->disk_bytes / 100 * percent;

        if (!percent || !seen->disk_bytes)
                return HV_PRESSURE_CALM;
        if (seen->disk_free_bytes < least)
                return HV_PRESSURE_SHORT;
        return seen->disk_free_bytes < HV_MIN(least + least / 5, seen->disk_bytes) ? HV_PRESSURE_BETWEEN
                                                                                   : HV_PRESSURE_CALM;
}

static enum hv_pressure_level judge_engine_disk(unsigned percent, const struct hv_seen_pressure *seen) {
        if (!percent || !seen->is_gc_stuck)
                return HV_PRESSURE_CALM;
        return seen->engine_disk_percent > percent ? HV_PRESSURE_SHORT : HV_PRESSURE_BETWEEN;
}

static enum hv_pressure_level judge_temperature(unsigned celsius, const struct hv_seen_pressure *seen) {
        if (!celsius || !seen->has_temperature)
                return HV_PRESSURE_CALM;
        if (seen->decicelsius >= celsius * 10)
                return HV_PRESSURE_SHORT;
        return seen->decicelsius + COOLER_DECICELSIUS > celsius * 10 ? HV_PRESSURE_BETWEEN : HV_PRESSURE_CALM;
}

static void say_memory(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                       char buf[HV_PRESSURE_TEXT_SIZE]) {
        (void) snprintf(
                buf, HV_PRESSURE_TEXT_SIZE,
                "something waited for memory in %u.%02u %% of the last 10 s (gc.pressure.memoryPsiSome10 is %u %%)",
                seen->memory_some10_centi / 100, seen->memory_some10_centi % 100,
                rules->memory_some10_percent);
}

static void say_disk(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                     char buf[HV_PRESSURE_TEXT_SIZE]) {
        unsigned permille = (unsigned) (seen->disk_free_bytes / (seen->disk_bytes / 1000 + 1));

        (void) snprintf(buf, HV_PRESSURE_TEXT_SIZE,
                        "%u.%u %% of the disk are free, less than %u %% (gc.pressure.diskFree)",
                        permille / 10, permille % 10, rules->disk_free_percent);
}

static void say_engine_disk(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                            char buf[HV_PRESSURE_TEXT_SIZE]) {
        (void) snprintf(
                buf, HV_PRESSURE_TEXT_SIZE,
                "the disk of the engine is used to %u %%, above gc.disk.high (%u %%), and nothing more may be collected",
                seen->engine_disk_percent, rules->engine_disk_percent);
}

static void say_temperature(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                            char buf[HV_PRESSURE_TEXT_SIZE]) {
        (void) snprintf(buf, HV_PRESSURE_TEXT_SIZE,
                        "the machine is at %u.%u degrees Celsius (gc.pressure.maxTemperature is %u)",
                        seen->decicelsius / 10, seen->decicelsius % 10, rules->max_celsius);
}

enum hv_pressure_level hv_pressure_judge(const struct hv_pressure_rules *rules,
                                         const struct hv_seen_pressure *seen,
                                         char buf[HV_PRESSURE_TEXT_SIZE]) {
        const struct {
                enum hv_pressure_level level;
                void (*say)(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                            char buf[HV_PRESSURE_TEXT_SIZE]);
        } all[] = {
                { judge_memory(rules->memory_some10_percent, seen), say_memory },
                { judge_disk(rules->disk_free_percent, seen), say_disk },
                { judge_engine_disk(rules->engine_disk_percent, seen), say_engine_disk },
                { judge_temperature(rules->max_celsius, seen), say_temperature },
        };
        enum hv_pressure_level level = HV_PRESSURE_CALM;

        *buf = '\0';
        for (size_t i = 0; i < HV_ARRAY_SIZE(all); i++) {
                if (all[i].level == HV_PRESSURE_SHORT && !*buf)
                        all[i].say(rules, seen, buf);
                level = HV_MAX(level, all[i].level);
        }
        return level;
}

bool hv_pressure_is_disk_short(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                               char buf[HV_PRESSURE_TEXT_SIZE]) {
        const struct hv_pressure_rules of_disks = { .disk_free_percent = rules->disk_free_percent,
                                                    .engine_disk_percent = rules->engine_disk_percent };

        return hv_pressure_judge(&of_disks, seen, buf) == HV_PRESSURE_SHORT;
}

bool hv_pressure_is_busy(const struct hv_pressure_rules *rules, const struct hv_seen_pressure *seen,
                         bool was_busy, char buf[HV_PRESSURE_TEXT_SIZE]) {
        unsigned least = rules->cpu_used_percent * (was_busy ? 9 : 10); /* permille */

        *buf = '\0';
        if (!rules->cpu_used_percent)
                return false;
        if (!seen->has_cpu)
                (void) snprintf(buf, HV_PRESSURE_TEXT_SIZE, "how busy the CPUs are is not known yet");
        else if (seen->cpu_permille > rules->cpu_used_percent * 10)
                (void) snprintf(buf, HV_PRESSURE_TEXT_SIZE,
                                "%u.%u %% of the CPUs are used, more than %u %% (gc.pressure.cpuUsed)",
                                seen->cpu_permille / 10, seen->cpu_permille % 10, rules->cpu_used_percent);
        else if (seen->cpu_permille > least)
                (void) snprintf(
                        buf, HV_PRESSURE_TEXT_SIZE,
                        "%u.%u %% of the CPUs are used: tasks are admitted from %u.%u %% down (gc.pressure.cpuUsed is %u %%)",
                        seen->cpu_permille / 10, seen->cpu_permille % 10, least / 10, least % 10,
                        rules->cpu_used_percent);
        return *buf != '\0';
}

/* ---- the core ---- */

/* Nothing is said of a machine like this, so no figure of it is shown. */
static bool is_at_ease(const struct hv_core *c, const struct hv_seen_pressure *seen) {
        const struct hv_pressure_rules *rules = &c->active->settings.pressure;
        char text[HV_PRESSURE_TEXT_SIZE];

        return !c->pressure.is_closed && !c->pressure.is_busy && !c->pressure.is_cpu_awaited &&
               hv_pressure_judge(rules, seen, text) != HV_PRESSURE_SHORT &&
               !hv_pressure_is_busy(rules, seen, false, text);
}

/* A shortage between two passes ends the calm as well. */
void hv_pressure_input(struct hv_core *c, const struct hv_seen_pressure *seen) {
        char text[HV_PRESSURE_TEXT_SIZE];

        c->changed |= !c->active || !is_at_ease(c, &c->pressure.seen) || !is_at_ease(c, seen) ||
                      c->pressure.seen.disk_bytes != seen->disk_bytes ||
                      c->pressure.seen.disk_free_bytes != seen->disk_free_bytes; /* room for tasks is shown */
        c->pressure.seen = *seen;
        if (c->active && hv_pressure_judge(&c->active->settings.pressure, seen, text) != HV_PRESSURE_CALM)
                c->pressure.calm_since_us = 0;
}

static void open_up(struct hv_core *c, struct pressure *s) {
        s->is_closed = s->is_short = false;
        s->calm_since_us = s->next_stop_us = 0;
        hv_set_text(&s->text, NULL);
        hv_note(c, HV_NOTE_PRESSURE, HV_REASON_SYNCED, HV_KIND_NODESTATE, NULL, NULL,
                "the machine does not run short any more: tasks are admitted");
}

static void close_up(struct hv_core *c, struct pressure *s, uint64_t now_us, const char *text) {
        s->is_closed = true;
        s->next_stop_us = now_us + (HV_MUTANT(HV_MUTANT_SHORT_STOPS_AT_ONCE) ? 0 : STOP_AFTER_US);
        hv_set_text(&s->text, text);
        hv_note(c, HV_NOTE_PRESSURE, HV_REASON_WAITING_PRESSURE, HV_KIND_NODESTATE, NULL, NULL,
                "no task is admitted: %s", text);
}

static void judge(struct pass *p) {
        struct pressure *s = &p->c->pressure;
        const struct hv_settings *settings = &p->c->active->settings;
        char text[HV_PRESSURE_TEXT_SIZE];
        enum hv_pressure_level level = hv_pressure_judge(&settings->pressure, &s->seen, text);

        s->is_short = level == HV_PRESSURE_SHORT;
        if (s->is_short) {
                if (!s->is_closed)
                        close_up(p->c, s, p->now_us, text);
                hv_set_text(&s->text, text);
        }
        if (!s->is_closed || level != HV_PRESSURE_CALM) {
                s->calm_since_us = 0;
                return;
        }
        if (!s->calm_since_us)
                s->calm_since_us = HV_MAX(p->now_us, 1u);
        if (p->now_us - s->calm_since_us >= CALM_US)
                open_up(p->c, s);
        else
                hv_pass_not_later_than(p, s->calm_since_us + CALM_US);
}

/* A task that runs, and that nobody has asked to end. */
static bool may_be_stopped(const struct task *t) {
        return hv_task_may_be_evicted(t) && !t->stop_asked &&
               (t->live->eviction == HV_EVICTION_NONE || t->live->eviction == HV_EVICTION_PRESSURE);
}

static bool matters_less(const struct task *a, const struct task *b) {
        if (HV_MUTANT(HV_MUTANT_SHORT_STOPS_FIRST))
                return a->task->priority > b->task->priority;
        if (a->task->priority != b->task->priority)
                return a->task->priority < b->task->priority;
        return a->number > b->number;
}

/* What was decided on and is not durable is decided anew: the ledger may have been away for long. */
static void give_up_all_but(struct hv_core *c, const struct task *chosen) {
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                struct task *t = c->live_tasks.v[i];

                if (t != chosen && hv_task_is_being_evicted(t, HV_EVICTION_PRESSURE))
                        hv_task_give_up_eviction(t);
        }
}

/* One at a time: what it gives back is felt before the next one has to go. */
static struct task *choose(struct pass *p) {
        struct pressure *s = &p->c->pressure;
        struct task *least = NULL;

        for (size_t i = 0; i < p->c->live_tasks.n; i++) {
                struct task *t = p->c->live_tasks.v[i];

                if (hv_task_is_being_evicted(t, HV_EVICTION_PRESSURE) && !hv_task_may_be_evicted(t)) {
                        if (t->live->eviction_durable)
                                s->next_stop_us = p->now_us + STOP_AFTER_US;
                        return NULL;
                }
                if (may_be_stopped(t) && (!least || matters_less(t, least)))
                        least = t;
        }
        if (!least || p->now_us >= s->next_stop_us)
                return least;
        hv_pass_not_later_than(p, s->next_stop_us);
        return NULL;
}

static void relieve(struct pass *p) {
        struct pressure *s = &p->c->pressure;
        struct task *least = s->is_closed && s->is_short ? choose(p) : NULL;

        give_up_all_but(p->c, least);
        if (least)
                hv_task_evict(least, HV_EVICTION_PRESSURE, s->text);
}

/* One word at the beginning and one at the end, however the figures move in between; and none while nobody knows yet. */
static void judge_cpu(struct pass *p) {
        struct pressure *s = &p->c->pressure;
        char text[HV_PRESSURE_TEXT_SIZE];
        bool was_busy = s->is_busy;

        s->is_cpu_awaited = false;
        if (!hv_pressure_is_busy(&p->c->active->settings.pressure, &s->seen, was_busy, text)) {
                s->is_busy = false;
                hv_set_text(&s->busy_text, NULL);
                if (was_busy)
                        hv_note(p->c, HV_NOTE_PRESSURE, HV_REASON_SYNCED, HV_KIND_NODESTATE, NULL, NULL,
                                "the CPUs are not too busy any more: tasks are admitted");
                return;
        }
        hv_set_text(&s->busy_text, text);
        s->is_cpu_awaited = !s->seen.has_cpu;
        s->is_busy = s->seen.has_cpu;
        if (s->is_busy && !was_busy)
                hv_note(p->c, HV_NOTE_PRESSURE, HV_REASON_WAITING_CPU, HV_KIND_NODESTATE, NULL, NULL,
                        "no task is admitted: %s", text);
}

enum hv_resource hv_pressure_lacks(const struct hv_core *c) {
        const struct pressure *s = &c->pressure;

        if (c->orders_closed_text && !HV_MUTANT(HV_MUTANT_CORDON_ADMITS))
                return HV_RESOURCE_CONSENT;
        if (s->is_closed && !HV_MUTANT(HV_MUTANT_SHORT_ADMITS))
                return HV_RESOURCE_PRESSURE;
        return s->is_busy || s->is_cpu_awaited ? HV_RESOURCE_CPU_USE : HV_RESOURCE_NONE;
}

const char *hv_pressure_text(const struct hv_core *c) {
        if (c->orders_closed_text)
                return c->orders_closed_text;
        return c->pressure.is_closed ? c->pressure.text : c->pressure.busy_text;
}

void hv_pass_pressure(struct pass *p) {
        judge(p);
        judge_cpu(p);
        relieve(p);
}

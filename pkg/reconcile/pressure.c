/* reconcile/pressure.c - see pressure.h. */
#include "reconcile/pressure.h"

#include <stdio.h>

#include "reconcile/pass.h"
#include "reconcile/task_state.h"

#define CALM_US (10 * HV_USEC_PER_SEC) /* the span that avg10 looks back on */
#define STOP_AFTER_US (30 * HV_USEC_PER_SEC)

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

enum hv_pressure_level hv_pressure_judge(const struct hv_pressure_rules *rules,
                                         const struct hv_seen_pressure *seen,
                                         char buf[HV_PRESSURE_TEXT_SIZE]) {
        enum hv_pressure_level memory = judge_memory(rules->memory_some10_percent, seen);
        enum hv_pressure_level disk = judge_disk(rules->disk_free_percent, seen);
        unsigned permille;

        *buf = '\0';
        if (memory == HV_PRESSURE_SHORT)
                (void) snprintf(
                        buf, HV_PRESSURE_TEXT_SIZE,
                        "something waited for memory in %u.%02u %% of the last 10 s (gc.pressure.memoryPsiSome10 is %u %%)",
                        seen->memory_some10_centi / 100, seen->memory_some10_centi % 100,
                        rules->memory_some10_percent);
        else if (disk == HV_PRESSURE_SHORT) {
                permille = (unsigned) (seen->disk_free_bytes / (seen->disk_bytes / 1000 + 1));
                (void) snprintf(buf, HV_PRESSURE_TEXT_SIZE,
                                "%u.%u %% of the disk are free, less than %u %% (gc.pressure.diskFree)",
                                permille / 10, permille % 10, rules->disk_free_percent);
        }
        return HV_MAX(memory, disk);
}

/* ---- the core ---- */

void hv_pressure_input(struct hv_core *c, const struct hv_seen_pressure *seen) {
        c->pressure.seen = *seen;
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
        s->next_stop_us = now_us + STOP_AFTER_US;
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

static bool is_being_stopped(const struct task *t) {
        return t->live->is_relief && t->step == TASK_STEP_RUN;
}

/* A task that runs, and that nobody has asked to end. */
static bool may_be_stopped(const struct task *t) {
        return t->task && t->step == TASK_STEP_RUN && t->live->started_us && !t->stop_asked &&
               t->live->ending == HV_CAUSE_NONE;
}

static bool matters_less(const struct task *a, const struct task *b) {
        if (a->task->priority != b->task->priority)
                return a->task->priority < b->task->priority;
        return a->number > b->number;
}

/* One at a time: what it gives back is felt before the next one has to go. */
static void relieve(struct pass *p) {
        struct pressure *s = &p->c->pressure;
        struct task *least = NULL;

        for (size_t i = 0; i < p->c->live_tasks.n; i++) {
                struct task *t = p->c->live_tasks.v[i];

                if (is_being_stopped(t)) {
                        s->next_stop_us = p->now_us + STOP_AFTER_US;
                        return;
                }
                if (may_be_stopped(t) && (!least || matters_less(t, least)))
                        least = t;
        }
        if (!least)
                return;
        hv_pass_not_later_than(p, s->next_stop_us);
        if (p->now_us < s->next_stop_us)
                return;
        least->live->ending = HV_CAUSE_NODE_ERROR;
        least->live->is_relief = true;
        hv_set_text(&least->live->relief_text, s->text);
        s->next_stop_us = p->now_us + STOP_AFTER_US;
        hv_note_task(p->c, least, HV_NOTE_TASK_STOPPING, HV_REASON_WAITING_PRESSURE, "is stopped: %s",
                     s->text);
}

void hv_pass_pressure(struct pass *p) {
        judge(p);
        if (p->c->pressure.is_closed && p->c->pressure.is_short)
                relieve(p);
}

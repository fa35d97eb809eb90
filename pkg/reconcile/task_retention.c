/* reconcile/task_retention.c - what ended long ago is forgotten: its record, and with it the results of all its attempts.
 *
 * Rules    gc.tasks.results after its end. Never what is still declared (forgotten, it would run again) or whose result a pool
 *          is still owed, and of a cron task that is still declared the history limits decide (cron.c).
 * Model    All of them are looked at once something has changed or the oldest is due, not in each pass: there may be many. */
#include "reconcile/cron_state.h"
#include "reconcile/task_state.h"

static bool is_kept_by_cron(const struct hv_core *c, const struct task *t) {
        const struct cron *k = t->source == HV_TASK_FROM_CRON ? hv_map_get(c->crons, t->name) : NULL;

        return k && k->want;
}

static uint64_t end_of_keeping(const struct hv_core *c, const struct task *t) {
        if (t->step != TASK_STEP_DONE || t->stopping || !t->accepted || t->is_declared || t->is_owed ||
            !t->ended_wall_us || is_kept_by_cron(c, t))
                return HV_TIME_NEVER;
        return hv_time_add(t->ended_wall_us, c->active->settings.keep_results_us);
}

static void look(struct hv_core *c, uint64_t wall_us) {
        size_t it = 0;
        struct task *t;

        c->forget_at_wall_us = HV_TIME_NEVER;
        while (hv_map_next(c->tasks, &it, NULL, (void **) &t)) {
                uint64_t until_us = end_of_keeping(c, t);

                if (until_us <= wall_us) {
                        hv_task_forget(c, t);
                } else
                        c->forget_at_wall_us = HV_MIN(c->forget_at_wall_us, until_us);
        }
}

void hv_pass_forget_tasks(struct pass *p) {
        struct hv_core *c = p->c;
        uint64_t wall_us = hv_wall_us(c, p->now_us);

        if (c->active->settings.keep_results_us == 0 || wall_us == 0)
                return;
        if (wall_us >= c->forget_at_wall_us)
                look(c, wall_us);
        if (c->forget_at_wall_us != HV_TIME_NEVER)
                hv_pass_not_later_than(p, hv_time_add(p->now_us, c->forget_at_wall_us - wall_us));
}

const struct hv_ended_task *hv_core_ended_tasks(const struct hv_core *c, struct hv_arena *arena,
                                                size_t *ret_n) {
        struct hv_ended_task *v = HV_ARENA_NEW_N(arena, struct hv_ended_task, hv_map_size(c->tasks) + 1);
        const struct task *t;
        size_t it = 0, n = 0;

        while (hv_map_next(c->tasks, &it, NULL, (void **) &t))
                if (t->step == TASK_STEP_DONE && t->accepted && t->ended_wall_us && t->attempt && !t->is_owed)
                        v[n++] = (struct hv_ended_task){ .id = hv_arena_strdup(arena, t->id),
                                                         .ended_wall_us = t->ended_wall_us,
                                                         .attempts = t->attempt };
        *ret_n = n;
        return v;
}

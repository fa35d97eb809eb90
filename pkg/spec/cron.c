/* spec/cron.c - cron tasks, and the task of one run. */
#include "base/arena.h"
#include "base/rfc3339.h"
#include "spec/digest.h"
#include "spec/task_internal.h"

static int compare_crons(const void *a, const void *b) {
        return strcmp(((const struct hv_cron_task *) a)->name, ((const struct hv_cron_task *) b)->name);
}

static void lower_cron_task(const struct hv_lowering *l, const struct hv_spec_cron_task *s,
                            struct hv_cron_task *ret) {
        struct hv_spec_task work = s->task;

        work.o.name = s->o.name;
        *ret = (struct hv_cron_task){
                .name = s->o.name,
                .schedule_text = s->schedule,
                .zone = s->timezone,
                .concurrency = (enum hv_cron_concurrency) s->concurrency,
                .missed = (enum hv_cron_missed) s->missed,
                .starting_deadline_us = s->starting_deadline_us ? s->starting_deadline_us : HV_TIME_NEVER,
                .jitter_us = s->jitter_us,
                .keep_success = (unsigned) s->history.success,
                .keep_failed = (unsigned) s->history.failed,
                .labels = s->task.o.labels,
                .annotations = s->task.o.annotations,
                .tree = s->task.o.node,
                .document = hv_task_document(s->o.name, &s->task.o.labels, &s->task.o.annotations,
                                             s->task.o.node, l->arena),
                .suspended = !l->state->host.docker.enabled,
                .origin = hv_lower_origin(l, &s->o),
        };
        (void) hv_value_cron(s->schedule, &ret->schedule, NULL);
        hv_spec_task_digest(&work, ret->digest);
}

void hv_lower_cron_tasks(const struct hv_lowering *l, struct hv_desired *d) {
        size_t n = l->state->cron_tasks.n;
        struct hv_cron_task *v = HV_ARENA_NEW_N(l->arena, struct hv_cron_task, n);

        for (size_t i = 0; i < n; i++)
                lower_cron_task(l, &l->state->cron_tasks.v[i], &v[i]);
        if (n)
                qsort(v, n, sizeof *v, compare_crons);
        d->cron_tasks = v;
        d->n_cron_tasks = n;
}

/* "202611220315" of "2026-11-22T03:15:00Z". */
static const char *minute_of(uint64_t wall_us, struct hv_arena *a) {
        char text[HV_RFC3339_SIZE];

        hv_rfc3339_format(HV_MIN(wall_us, HV_RFC3339_MAX_US), text);
        return hv_arena_printf(a, "%.4s%.2s%.2s%.2s%.2s", text, text + 5, text + 8, text + 11, text + 14);
}

struct hv_task *hv_cron_run(const struct hv_cron_task *c, uint64_t scheduled_us, const struct hv_desired *d) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *scratch = hv_arena_new();

        return hv_task_make(
                hv_task_context(d, scratch),
                &(struct hv_task_recipe){
                        .name = c->name,
                        .labels = &c->labels,
                        .annotations = &c->annotations,
                        .fields = c->tree,
                        .source = HV_TASK_FROM_CRON,
                        .id = hv_arena_printf(scratch, "%s-%s", c->name, minute_of(scheduled_us, scratch)),
                        .cron = c->name,
                        .origin = c->origin,
                });
}

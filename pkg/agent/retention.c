/* agent/retention.c - what tasks left: what has been kept long enough goes (task/retention.h). A part of each round of garbage
 * collection (agent/gc.h), and of the first one as soon as tasks are known. */
#include "task/retention.h"
#include "agent/gc.h"
#include "agent/private.h"
#include "base/arena.h"
#include "base/quantity.h"
#include "log/log.h"

static void on_done(void *userdata, const struct hv_retained *result) {
        struct hv_agent *a = userdata;
        char size[HV_QUANTITY_SIZE];

        a->retention = NULL;
        a->results_known = true;
        a->results_bytes = result->bytes;
        hv_quantity_format_bytes(result->bytes, size);
        if (result->n_expired > 0)
                hv_log_info("files of %u results removed: they were kept as long as outputs.keep says",
                            result->n_expired);
        if (result->n_evicted > 0)
                hv_log_notice("files and logs of the oldest %u results removed: all together were above "
                              "gc.tasks.maxSize; %s are left",
                              result->n_evicted, size);
        if (result->error < 0)
                (void) hv_log_error(result->error, "results that should go stay: %s", result->message);
        a->retention_done(a);
}

bool hv_agent_retention_run(struct hv_agent *a, void (*done)(struct hv_agent *a)) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_desired *d = hv_core_active(a->core);
        struct hv_retention_options options = { .worker = a->worker,
                                                .results_root = a->results_root,
                                                .now_us = hv_agent_wall_us(),
                                                .done = on_done,
                                                .userdata = a };
        const struct hv_ended_task *ended;
        struct hv_retention_task *tasks;

        if (!d || !a->retention_begun || a->retention)
                return false;
        options.max_bytes = d->settings.results_max_bytes;
        ended = hv_core_ended_tasks(a->core, arena, &options.n_tasks);
        tasks = HV_ARENA_NEW_N(arena, struct hv_retention_task, options.n_tasks + 1);
        for (size_t i = 0; i < options.n_tasks; i++)
                tasks[i] = (struct hv_retention_task){ .id = ended[i].id,
                                                       .ended_us = ended[i].ended_wall_us,
                                                       .attempts = ended[i].attempts };
        options.tasks = tasks;
        a->retention_done = done;
        a->retention = hv_retention_new(&options);
        return true;
}

int hv_agent_retention_begin(struct hv_agent *a, struct hv_err *err) {
        (void) err;
        a->retention_begun = true;
        hv_agent_gc_soon(a);
        return 0;
}

void hv_agent_retention_end(struct hv_agent *a) {
        a->retention_begun = false;
        a->retention = hv_retention_free(a->retention);
}

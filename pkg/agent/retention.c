/* agent/retention.c - every gc.interval, and when tasks are known: what has been kept long enough goes (task/retention.h). */
#include <time.h>

#include "agent/private.h"
#include "base/arena.h"
#include "base/quantity.h"
#include "log/log.h"
#include "task/retention.h"

static void arm(struct hv_agent *a, uint64_t in_us) {
        (void) sd_event_source_set_time_relative(a->retention_timer, in_us);
        (void) sd_event_source_set_enabled(a->retention_timer, SD_EVENT_ONESHOT);
}

static void on_done(void *userdata, const struct hv_retained *result) {
        struct hv_agent *a = userdata;
        const struct hv_desired *d = hv_core_active(a->core);
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
        arm(a, d->settings.gc_interval_us);
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent *a = userdata;
        const struct hv_desired *d = hv_core_active(a->core);
        struct hv_retention_options options = { .worker = a->worker,
                                                .results_root = a->results_root,
                                                .now_us = hv_agent_wall_us(),
                                                .done = on_done,
                                                .userdata = a };
        const struct hv_ended_task *ended;
        struct hv_retention_task *tasks;

        (void) s;
        (void) at_us;
        if (!d) { /* the rules are not known yet */
                arm(a, HV_USEC_PER_SEC);
                return 0;
        }
        options.max_bytes = d->settings.results_max_bytes;
        ended = hv_core_ended_tasks(a->core, arena, &options.n_tasks);
        tasks = HV_ARENA_NEW_N(arena, struct hv_retention_task, options.n_tasks + 1);
        for (size_t i = 0; i < options.n_tasks; i++)
                tasks[i] = (struct hv_retention_task){ .id = ended[i].id,
                                                       .ended_us = ended[i].ended_wall_us,
                                                       .attempts = ended[i].attempts };
        options.tasks = tasks;
        a->retention = hv_retention_new(&options);
        return 0;
}

int hv_agent_retention_begin(struct hv_agent *a, struct hv_err *err) {
        int r;

        if (a->retention_timer)
                return 0;
        r = sd_event_add_time_relative(a->event, &a->retention_timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

void hv_agent_retention_end(struct hv_agent *a) {
        a->retention_timer = sd_event_source_disable_unref(a->retention_timer);
        a->retention = hv_retention_free(a->retention);
}

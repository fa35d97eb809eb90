/* agent/disk_watch.c - tasks that run with resources.disk are looked at in turns (task/disk_watch.h); who takes more is told to the
 * core, which stops it.
 *
 * Pace     a second after a look, or twenty times as long as it took: at most a twentieth of one processor, whatever the trees are.
 *          Not at all while no task has a limit. */
#include <time.h>

#include "agent/private.h"
#include "base/arena.h"
#include "task/disk_watch.h"
#include "task/worker.h"

#define PAUSE_MIN_US HV_USEC_PER_SEC
#define PAUSE_FACTOR 20u

static void arm(struct hv_agent *a, uint64_t in_us) {
        (void) sd_event_source_set_time_relative(a->disk_timer, in_us);
        (void) sd_event_source_set_enabled(a->disk_timer, SD_EVENT_ONESHOT);
}

static void on_done(void *userdata, const struct hv_disk_use *uses, size_t n_uses) {
        struct hv_agent *a = userdata;

        a->disk_watch = NULL;
        arm(a, HV_MAX(PAUSE_MIN_US, (hv_agent_now_us() - a->disk_looked_us) * PAUSE_FACTOR));
        for (size_t i = 0; i < n_uses; i++) {
                const struct hv_input in = { .type = HV_INPUT_TASK_DISK,
                                             .text = uses[i].attempt.id,
                                             .attempt = uses[i].attempt.attempt,
                                             .disk_bytes = uses[i].bytes };

                if (uses[i].is_over)
                        (void) hv_agent_input(a, &in, NULL);
        }
}

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent *a = userdata;

        (void) s;
        (void) at_us;
        hv_agent_disk_passed(a);
        return 0;
}

/* A task that begins to run is a change that a pass follows. */
void hv_agent_disk_passed(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        struct hv_disk_watch_options options = {
                .worker = a->disk_worker, .work_root = a->work_root, .done = on_done, .userdata = a
        };
        const struct hv_task_status *live;
        struct hv_disk_use *uses;
        int enabled = SD_EVENT_OFF;
        size_t n;

        if (!a->disk_timer || a->disk_watch)
                return;
        (void) sd_event_source_get_enabled(a->disk_timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        arena = hv_arena_new();
        live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);
        uses = HV_ARENA_NEW_N(arena, struct hv_disk_use, n + 1);
        for (size_t i = 0; i < n; i++)
                if (live[i].state == HV_TASK_RUNNING && live[i].started_wall_us && live[i].booking.disk_bytes)
                        uses[options.n_uses++] =
                                (struct hv_disk_use){ .attempt = { live[i].id, live[i].attempt },
                                                      .limit_bytes = live[i].booking.disk_bytes };
        if (options.n_uses == 0)
                return;
        options.uses = uses;
        a->disk_looked_us = hv_agent_now_us();
        a->disk_watch = hv_disk_watch_new(&options);
}

int hv_agent_disk_begin(struct hv_agent *a, struct hv_err *err) {
        int r = 0;

        if (!a->disk_worker)
                r = hv_worker_new(a->event, &a->disk_worker, err);
        if (r < 0 || a->disk_timer)
                return r;
        r = sd_event_add_time(a->event, &a->disk_timer, CLOCK_BOOTTIME, 0, 0, on_timer, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->disk_timer, SD_EVENT_OFF);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

void hv_agent_disk_end(struct hv_agent *a) {
        a->disk_timer = sd_event_source_disable_unref(a->disk_timer);
        a->disk_watch = hv_disk_watch_free(a->disk_watch);
        a->disk_worker = hv_worker_free(a->disk_worker);
}

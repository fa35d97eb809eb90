/* agent/disk_watch.c - tasks that run with resources.disk are looked at in turns (task/disk_watch.h); who takes more is told to the
 * core, which stops it. Of one whose root is not read-only the engine is asked what it wrote there.
 *
 * Pace     a second after a look, or twenty times as long as it took: at most a twentieth of one processor, whatever the trees are.
 *          Not at all while no task has a limit. */
#include <time.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "docker/container.h"
#include "task/disk_watch.h"
#include "task/worker.h"

#define PAUSE_MIN_US HV_USEC_PER_SEC
#define PAUSE_FACTOR 20u

static void arm(struct hv_agent *a, uint64_t in_us) {
        (void) sd_event_source_set_time_relative(a->disk_timer, in_us);
        (void) sd_event_source_set_enabled(a->disk_timer, SD_EVENT_ONESHOT);
}

static void tell(struct hv_agent *a, const char *id, unsigned attempt, uint64_t bytes) {
        const struct hv_input in = {
                .type = HV_INPUT_TASK_DISK, .text = id, .attempt = attempt, .disk_bytes = bytes
        };

        (void) hv_agent_input(a, &in, NULL);
}

/* ---- outside of the workspace ---- */

struct root_look {
        struct hv_agent *agent;
        struct hv_docker_call *call;
        struct hv_disk_use use; /* of the workspace */
        char *id;
};

static void root_look_free(struct root_look *look) {
        free(look->id);
        free(look);
}

static void on_root(void *userdata, struct hv_docker_result *result) {
        struct root_look *look = userdata;
        struct hv_agent *a = look->agent;

        for (size_t i = 0; i < a->root_looks.n; i++)
                if (a->root_looks.v[i] == look)
                        a->root_looks.v[i] = a->root_looks.v[--a->root_looks.n];
        if (result->outcome == HV_DOCKER_OK && result->container &&
            look->use.bytes + result->container->written_bytes > look->use.limit_bytes)
                tell(a, look->id, look->use.attempt.attempt,
                     look->use.bytes + result->container->written_bytes);
        root_look_free(look);
}

static void look_at_root(struct hv_agent *a, const struct hv_disk_use *use) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct root_look *look;
        struct hv_task_status s;

        if (!hv_core_task_status(a->core, use->attempt.id, hv_agent_now_us(), arena, &s) ||
            !s.has_writable_root || !s.container || s.attempt != use->attempt.attempt)
                return;
        look = HV_NEW(struct root_look);
        look->agent = a;
        look->use = *use;
        look->id = hv_strdup(use->attempt.id);
        hv_vec_push(&a->root_looks, look);
        look->call = hv_docker_container_measure(a->docker, s.container,
                                                 (struct hv_docker_then){ .fn = on_root, .userdata = look });
}

/* ---- the workspaces ---- */

static void on_done(void *userdata, const struct hv_disk_use *uses, size_t n_uses) {
        struct hv_agent *a = userdata;
        bool is_asked = a->root_looks.n > 0; /* an engine that is slow is not asked again meanwhile */

        a->disk_watch = NULL;
        arm(a, HV_MAX(PAUSE_MIN_US, (hv_agent_now_us() - a->disk_looked_us) * PAUSE_FACTOR));
        for (size_t i = 0; i < n_uses; i++)
                if (uses[i].is_over)
                        tell(a, uses[i].attempt.id, uses[i].attempt.attempt, uses[i].bytes);
                else if (!is_asked)
                        look_at_root(a, &uses[i]);
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
        for (size_t i = 0; i < a->root_looks.n; i++) {
                hv_docker_call_cancel(a->root_looks.v[i]->call);
                root_look_free(a->root_looks.v[i]);
        }
        hv_vec_done(&a->root_looks);
}

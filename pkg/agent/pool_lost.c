/* agent/pool_lost.c - what becomes of a pool's work when the pool has been silent for master.lostAfter. See pool.h.
 *
 *      keep    nothing: it goes on, and its results wait
 *      drain   what has begun goes on; what has not is stopped: somebody else may have it
 *      stop    all of it is stopped
 *
 * Silence begins with the last answer, or with this agent: what an agent before it heard is not known. What is stopped ends as anything
 * that is stopped, and its result waits for the pool. Looked at in every pass, so that what a retry brings back is not forgotten. */
#include "agent/pool.h"
#include "base/arena.h"
#include "base/duration.h"
#include "log/log.h"

static bool has_begun(const struct hv_task_status *s) {
        return s->state == HV_TASK_RUNNING || s->state == HV_TASK_COLLECTING;
}

static void stop_what_is_lost(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        bool drains = p->master->on_lost == HV_LOST_DRAIN;
        char after[HV_DURATION_SIZE];
        size_t n;
        const struct hv_task_status *live = hv_core_live_tasks(p->agent->core, hv_agent_now_us(), arena, &n);
        struct hv_input in = { .type = HV_INPUT_TASK_STOP, .message = "this node" };

        hv_duration_format(p->master->lost_after_us, after);
        in.reason = hv_arena_printf(arena, "the pool has been silent for %s: master.onLost is %s", after,
                                    drains ? "drain" : "stop");
        for (size_t i = 0; i < n; i++) {
                if (live[i].source != HV_TASK_FROM_POOL || !live[i].accepted || live[i].stop_by ||
                    hv_task_state_is_end(live[i].state) || (drains && has_begun(&live[i])))
                        continue;
                in.text = live[i].id;
                (void) hv_agent_input(p->agent, &in, NULL);
        }
}

static int on_silence(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_agent_pool *p = userdata;

        (void) s;
        (void) usec;
        if (!p->agent->stopping)
                hv_agent_pool_lost_passed(p);
        return 0;
}

static void look_at(struct hv_agent_pool *p, uint64_t at_us) {
        int r = 0;

        if (!p->silence)
                r = sd_event_add_time(p->agent->event, &p->silence, CLOCK_BOOTTIME, at_us, 0, on_silence, p);
        if (r < 0) {
                (void) hv_log_error(r, "nobody looks whether the pool is silent: %s", strerror(-r));
                return;
        }
        (void) sd_event_source_set_time(p->silence, at_us);
        (void) sd_event_source_set_enabled(p->silence, SD_EVENT_ONESHOT);
}

void hv_agent_pool_lost_passed(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        uint64_t now_us = hv_agent_now_us(), lost_us;
        struct hv_pool_state state = {};

        if (p->master->on_lost == HV_LOST_KEEP)
                return;
        if (p->link) {
                arena = hv_arena_new();
                hv_pool_state(p->link, arena, &state);
        }
        p->heard_us = HV_MAX(p->heard_us ? p->heard_us : now_us, state.answered_us);
        lost_us = hv_time_add(p->heard_us, p->master->lost_after_us);
        if (now_us < lost_us)
                look_at(p, lost_us);
        else
                stop_what_is_lost(p);
}

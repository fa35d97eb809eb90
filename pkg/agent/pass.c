/* agent/pass.c - the pass: whatever happened in this turn of the loop, the core plans once and its actions are handed
 * out. A pass is a deferred event source. It has the priority of everything else: the loop takes what has waited longest,
 * so completions that were there before it are taken in first, and a log that streams without end cannot keep it waiting. */
#include <time.h>

#include "agent/notes.h"
#include "agent/preload.h"
#include "agent/private.h"
#include "agent/shutdown.h"
#include "agent/tunnels.h"
#include "base/boot.h"
#include "log/log.h"

/* Instants of the core are met this closely. The loop's default of 250 ms would show in every restart. */
#define DEADLINE_ACCURACY_US (1 * HV_USEC_PER_MSEC)

static uint64_t clock_us(clockid_t clock) {
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * HV_USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

uint64_t hv_agent_now_us(void) {
        return clock_us(CLOCK_BOOTTIME);
}

uint64_t hv_agent_wall_us(void) {
        return clock_us(CLOCK_REALTIME);
}

const char *hv_agent_boot(void) {
        static char id[HV_BOOT_ID_SIZE];

        return *id || hv_boot_id(id, NULL) >= 0 ? id : NULL;
}

struct hv_ledger_instant hv_agent_instant(void) {
        return (struct hv_ledger_instant){ hv_agent_wall_us(), hv_agent_boot(), hv_agent_now_us() };
}

static void pass_soon(struct hv_agent *a) {
        (void) sd_event_source_set_enabled(a->pass, SD_EVENT_ONESHOT);
}

void hv_agent_poke(struct hv_agent *a) {
        a->has_moved = true;
        pass_soon(a);
}

int hv_agent_input(struct hv_agent *a, const struct hv_input *in, struct hv_err *err) {
        int r = hv_core_input(a->core, hv_agent_now_us(), in, err);

        pass_soon(a); /* the core knows whether this is news */
        return r;
}

void hv_agent_look(struct hv_agent *a) {
        const struct hv_input look = { .type = HV_INPUT_LOOK };

        (void) hv_agent_input(a, &look, NULL);
        hv_agent_tunnels_look(a);
        hv_agent_caps_look(a);
        hv_agent_preload_look(a);
}

static void tell(struct hv_agent *a, const struct hv_effects *fx) {
        const struct hv_desired *d = hv_core_active(a->core);

        for (size_t i = 0; i < fx->n_notes; i++) {
                hv_agent_log_note(&fx->notes[i], d ? d->revision : NULL);
                hv_metrics_note(hv_api_metrics(a->api), &fx->notes[i]);
                hv_agent_pool_note(a, &fx->notes[i]);
                hv_agent_tasks_note(a, &fx->notes[i]);
        }
}

static void arm_deadline(struct hv_agent *a, uint64_t deadline_us) {
        if (deadline_us == HV_TIME_NEVER) {
                (void) sd_event_source_set_enabled(a->deadline, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(a->deadline, deadline_us);
        (void) sd_event_source_set_enabled(a->deadline, SD_EVENT_ONESHOT);
}

static int on_pass(sd_event_source *s, void *userdata) {
        struct hv_agent *a = userdata;
        uint64_t begin_us = hv_agent_now_us();
        bool has_moved = a->has_moved;
        struct hv_effects fx;

        (void) s;
        a->has_moved = false;
        hv_agent_tell_clock(a);
        hv_agent_caps_follow(a);
        hv_core_plan(a->core, begin_us, &fx);
        tell(a, &fx);
        for (size_t i = 0; i < fx.n_actions; i++) {
                if (fx.actions[i]->type == HV_ACTION_START && hv_has_prefix(fx.actions[i]->key, "service/"))
                        hv_runs_begin(&a->runs, fx.actions[i]->target, hv_agent_wall_us());
                hv_executor_submit(a->executor, fx.actions[i]);
        }
        arm_deadline(a, fx.deadline_us);
        hv_metrics_pass(hv_api_metrics(a->api), hv_agent_now_us() - begin_us, fx.n_actions);
        has_moved |= fx.changed;
        hv_effects_done(&fx);
        hv_agent_revision_passed(a);
        hv_agent_orders_passed(a);
        hv_agent_shutdown_passed(a);
        hv_agent_task_calls_passed(a);
        hv_agent_logs_passed(a);
        hv_agent_disk_passed(a);
        hv_agent_caps_follow(a);
        hv_agent_preload_passed(a);
        hv_agent_pool_passed(a);
        hv_agent_publish_soon(a);
        if (has_moved) /* a look of the routine that found all as it was is no news to anybody */
                hv_api_changed(a->api);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        pass_soon(userdata);
        return 0;
}

int hv_agent_pass_init(struct hv_agent *a, struct hv_err *err) {
        int r = sd_event_add_defer(a->event, &a->pass, on_pass, a);

        if (r >= 0)
                r = sd_event_add_time(a->event, &a->deadline, CLOCK_BOOTTIME, 0, DEADLINE_ACCURACY_US,
                                      on_deadline, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->deadline, SD_EVENT_OFF);
        return r < 0 ? hv_err_errno(err, r, "cannot set up the event loop") : 0;
}

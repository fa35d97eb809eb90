/* agent/backend_cron.c - what the API asks about cron tasks: a run now, suspend, resume. They wait as a task does: for the pass
 * in which the change is durable. */
#include <errno.h>

#include "agent/private.h"
#include "base/arena.h"
#include "reconcile/cron.h"

void hv_agent_cron_trigger(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call) {
        const struct hv_input in = { .type = HV_INPUT_CRON_TRIGGER, .text = c->id };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        uint64_t now_us = hv_agent_now_us(); /* one instant, so one minute: the run has its name from it */
        struct hv_err err = {};

        hv_agent_tell_clock(a);
        if (hv_core_input(a->core, now_us, &in, &err) < 0)
                hv_agent_task_refuse(call, &err);
        else
                hv_agent_task_wait(a, call, HV_API_TASK_SUBMIT,
                                   hv_core_cron_run_now(a->core, c->id, now_us, arena), NULL, false);
}

void hv_agent_cron_suspend(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call) {
        const struct hv_order order = { c->by, hv_str_empty(c->reason) ? NULL : c->reason,
                                        hv_agent_wall_us() };
        const struct hv_input in = {
                .type = c->type == HV_API_CRON_SUSPEND ? HV_INPUT_CRON_SUSPEND : HV_INPUT_CRON_RESUME,
                .text = c->id,
                .order = &order,
        };
        struct hv_err err = {};
        int r = hv_agent_input(a, &in, &err);

        if (r < 0 && r != -EALREADY)
                hv_agent_task_refuse(call, &err);
        else
                hv_agent_task_wait(a, call, c->type, c->id, NULL, r == -EALREADY);
}

int hv_agent_cron_check(struct hv_agent *a, const char *name, bool suspend, struct hv_arena *arena,
                        struct hv_err *err) {
        struct hv_cron_status s;

        if (!hv_core_cron_status(a->core, name, hv_agent_now_us(), arena, &s))
                return hv_err_set(err, -ENOENT, "cron task %s is not declared any more", name);
        if (s.ledger_failure)
                return hv_err_set(err, -EAGAIN, "nothing is recorded yet, ask again for the same: %s",
                                  s.ledger_failure);
        if (!s.is_recorded)
                return 0;
        if ((s.suspend.by != NULL) == suspend)
                return 1;
        return hv_err_set(err, -EAGAIN, "somebody asked for the opposite meanwhile");
}

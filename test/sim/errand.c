/* errand.c - see errand.h. */
#include "sim/errand.h"

#include <stdio.h>

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/builder.h"
#include "sim/crash.h"
#include "sim/ledger.h"
#include "sim/sim.h"

static struct sim_reply ok(void) {
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK };
}

static struct sim_reply answer(enum hv_outcome outcome, const char *message) {
        return (struct sim_reply){ .outcome = outcome, .message = message };
}

/* It takes long, and can be cut short. */
static bool fetches(enum hv_action_type type) {
        return type == HV_ACTION_TASK_PREPARE || type == HV_ACTION_TASK_PACKAGES;
}

/* ---- what they do ---- */

static struct sim_reply prepare(struct sim *s, const struct hv_action *a) {
        struct sim_try *t = sim_try_get(s, a->task_id, a->attempt);

        t->has_workspace = true;
        t->is_withheld = false;
        return ok();
}

static struct sim_reply withhold(struct sim *s, const struct hv_action *a) {
        struct sim_try *t = sim_try_get(s, a->task_id, a->attempt);

        if (a->type == HV_ACTION_TASK_RESTORE && !t->has_workspace)
                return answer(HV_OUTCOME_NOT_FOUND, "no such directory");
        t->is_withheld = a->type == HV_ACTION_TASK_WITHHOLD;
        return ok();
}

/* Beside the workspace, which goes with a crash before the container is there. */
static struct sim_reply install(struct sim *s, struct sim_call *c) {
        const struct hv_action *a = &c->action;

        if (!sim_try_get(s, a->task_id, a->attempt)->has_workspace)
                sim_fail(s, "I4", "packages of %s are installed beside no workspace", a->task_id);
        return sim_builder_end(s, c) ? ok()
                                     : answer(HV_OUTCOME_FAILED, "who was to install packages is gone");
}

/* The log and the outputs: a text that only this collection can have given. */
static struct sim_reply collect(struct sim *s, struct sim_call *c) {
        const struct hv_action *a = &c->action;
        struct sim_try *t = sim_try_get(s, a->task_id, a->attempt);

        if (a->target && !s->truth->engine_up)
                return answer(HV_OUTCOME_UNREACHABLE, "connection refused");
        t->collected = true;
        t->kept = (struct hv_task_collected){ .log_bytes = s->now_us % 100000 };
        (void) snprintf(t->kept.log_sha256, sizeof t->kept.log_sha256, "%064" PRIx64, a->id + s->now_us);
        c->collected = t->kept;
        return ok();
}

/* Cuts short what is being fetched; that one fails. */
static struct sim_reply cancel(struct sim *s, const struct hv_action *a) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (!c->worked && fetches(c->action.type) && hv_streq(c->action.task_id, a->task_id)) {
                        c->worked = true;
                        c->reply = answer(HV_OUTCOME_FAILED, "cancelled");
                        sim_driver_reply(s, c, HV_USEC_PER_MSEC);
                }
        }
        return ok();
}

static struct sim_reply perform(struct sim *s, struct sim_call *c) {
        const struct hv_action *a = &c->action;

        switch (a->type) {
        case HV_ACTION_TASK_PREPARE:
                return prepare(s, a);
        case HV_ACTION_TASK_PACKAGES:
                return install(s, c);
        case HV_ACTION_TASK_COLLECT:
                return collect(s, c);
        case HV_ACTION_TASK_CANCEL:
                return cancel(s, a);
        case HV_ACTION_TASK_WITHHOLD:
        case HV_ACTION_TASK_RESTORE:
                return withhold(s, a);
        case HV_ACTION_TASK_CLEAN:
                sim_attempt_cleaned(s, a->task_id, a->attempt);
                return ok();
        default:
                return sim_ledger_write(s, a);
        }
}

/* ---- how it goes ---- */

static bool needs_disk(enum hv_action_type type) {
        return sim_action_is_write(type) || fetches(type) || type == HV_ACTION_TASK_COLLECT;
}

static struct sim_reply half(struct sim *s, const struct hv_action *a) {
        if (sim_action_is_write(a->type))
                return sim_ledger_fail_to_flush(s, a);
        if (a->type == HV_ACTION_TASK_WITHHOLD || a->type == HV_ACTION_TASK_RESTORE)
                (void) withhold(s, a);
        return answer(HV_OUTCOME_FAILED, "the disk: input/output error");
}

static void power_cut(struct sim *s) {
        sim_agent_crash(s, sim_span(s, SIM_CHANCE_AGENT, 100000, HV_USEC_PER_MIN));
}

static void do_it(struct sim *s, struct sim_call *c) {
        c->reply = perform(s, c);
        sim_trace(s, "  effect of #%" PRIu64 " %s %s%s", c->action.id, hv_action_name(c->action.type),
                  c->action.name, c->done ? " (nobody will know)" : "");
        if (c->action.type == HV_ACTION_TASK_WITHHOLD || c->action.type == HV_ACTION_TASK_RESTORE)
                sim_driver_start_between(s);
}

static void work(struct sim *s, void *arg) {
        struct sim_call *c = arg;
        const struct hv_action *a = &c->action;

        if (c->worked)
                return;
        c->worked = true;
        if (c->fault < SIM_N_CALL_FAULTS)
                sim_fault_count(s, c->fault, a->type);
        switch (c->fault) {
        case SIM_FAULT_LOST_NOT_DONE:
                power_cut(s);
                return;
        case SIM_FAULT_5XX:
                c->reply = answer(HV_OUTCOME_FAILED, "the disk: input/output error");
                break;
        case SIM_FAULT_5XX_DONE:
                c->reply = half(s, a);
                break;
        case SIM_FAULT_REFUSED:
                c->reply = answer(HV_OUTCOME_REFUSED, "it is wrong, and always will be");
                break;
        default:
                if (needs_disk(a->type) && s->now_us < s->ledger->full_until_us) {
                        c->reply = answer(HV_OUTCOME_FAILED, "no space left on device");
                        break;
                }
                if (sim_crash_point(s, SIM_CRASH_BEFORE, a))
                        return;
                do_it(s, c);
                if (c->fault == SIM_FAULT_LOST_DONE)
                        power_cut(s);
                else
                        (void) sim_crash_point(s, SIM_CRASH_AFTER, a);
        }
        if (!c->done)
                sim_driver_reply(s, c, sim_span(s, SIM_CHANCE_LATENCY, 20, 500));
}

void sim_errand_issue(struct sim *s, struct sim_call *c) {
        const enum hv_action_type type = c->action.type;
        uint64_t span_us = sim_span(s, SIM_CHANCE_LATENCY, 100, 10 * HV_USEC_PER_MSEC);

        if (fetches(type))
                span_us = sim_span(s, SIM_CHANCE_LATENCY, HV_USEC_PER_MSEC, 20 * HV_USEC_PER_SEC);
        if (type == HV_ACTION_TASK_COLLECT || type == HV_ACTION_TASK_CLEAN)
                span_us = sim_span(s, SIM_CHANCE_LATENCY, HV_USEC_PER_MSEC, 2 * HV_USEC_PER_SEC);
        if (c->fault == SIM_FAULT_SECONDS)
                span_us += sim_span(s, SIM_CHANCE_FAULT, HV_USEC_PER_SEC, 5 * HV_USEC_PER_MIN);
        if (sim_action_is_write(type)) { /* one after the other, as one thread makes them */
                s->ledger->busy_until_us = HV_MAX(s->now_us, s->ledger->busy_until_us) + span_us;
                span_us = s->ledger->busy_until_us - s->now_us;
        }
        if (type == HV_ACTION_TASK_PACKAGES)
                sim_builder_issue(s, c, span_us);
        sim_after(s, span_us, work, c);
}

/* The disk works in order: once something was not done, nothing that was asked for later was. */
void sim_errand_agent_died(struct sim *s) {
        bool goes_on = true;

        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (c->worked || !hv_action_is_task(c->action.type))
                        continue;
                c->worked = true;
                goes_on = goes_on && sim_chance(s, SIM_CHANCE_TASKS, 500);
                if (goes_on && c->action.type != HV_ACTION_TASK_CANCEL &&
                    s->now_us >= s->ledger->full_until_us)
                        do_it(s, c);
        }
        sim_ledger_power_cut(s);
        s->ledger->busy_until_us = 0;
}

void sim_errand_calm(struct sim *s) {
        s->ledger->full_until_us = s->ledger->busy_until_us = 0;
        hv_vec_clear(&s->ledger->limbo); /* by now it is on the disk or written over */
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                struct sim_call *c = s->driver->calls.v[i];

                if (!c->worked && hv_action_is_task(c->action.type)) {
                        c->fault = SIM_N_FAULTS;
                        sim_after(s, HV_USEC_PER_SEC, work, c);
                        /* What is written from now on does not overtake it. */
                        s->ledger->busy_until_us = s->now_us + HV_USEC_PER_SEC;
                }
        }
}

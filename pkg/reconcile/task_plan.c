/* reconcile/task_plan.c - the tasks' part of a pass: who is admitted, and each one's next action.
 *
 * The ledger needs no engine: promises are recorded, and stops, while it is away. */
#include <stdio.h>

#include "reconcile/cron_state.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"
#include "reconcile/trust.h"

/* TASK_END says it all, so that the ledger can do it in one transaction: what became of the attempt, and with it of the
 * task and of the trust in this node. */
static const struct hv_task_end *describe_end(const struct hv_core *c, const struct task *t,
                                              struct flight *f) {
        struct hv_task_end *e = HV_ARENA_NEW(f->arena, struct hv_task_end);
        const struct hv_trust_settings *rules = &c->active->settings.trust;

        *e = (struct hv_task_end){
                .attempt = t->end.attempt,
                .final = !t->again,
                .state = t->end.state,
                .cause = t->end.cause,
                .eviction = t->end.eviction,
                .message = hv_arena_strdup(f->arena, t->live->end_message ? t->live->end_message : ""),
                .exit_code = t->end.exit_code,
                .oom_killed = t->end.oom_killed,
                .started_wall_us = t->started_wall_us,
                .finished_wall_us = t->live->finished_wall_us,
                .collected = t->live->collected ? *t->live->collected : (struct hv_task_collected){},
        };
        e->trust_nominal = e->final ? hv_trust_delta(rules, e->cause) : 0;
        e->trust_score = hv_trust_after(c->trust_score, e->trust_nominal);
        e->trust_delta = e->trust_score - c->trust_score;
        e->trust_group = hv_trust_group(rules, e->trust_score);
        return e;
}

static void hand_out(struct pass *p, struct task *t, const struct verdict *v) {
        char key[100];
        struct flight *f;

        (void) snprintf(key, sizeof key, "task/%s", t->id);
        f = hv_flight_new(p->c, v->action, key, t->id, v->why);
        f->task = t;
        f->task_value = t->task ? hv_task_ref(t->task) : NULL;
        f->action.task = f->task_value;
        f->action.attempt = t->attempt;
        f->action.target = hv_arena_strdup(f->arena, t->slot && t->slot->have ? t->slot->have->id : NULL);
        f->action.task_id = hv_arena_strdup(f->arena, t->id);
        f->action.stop_by = hv_arena_strdup(f->arena, t->stop_asker);
        f->action.stop_reason = hv_arena_strdup(f->arena, t->stop_reason);
        f->action.reopen = t->reopened;
        f->action.cron_until_us = t->cron_until_us;
        f->action.final = !t->again;
        f->action.is_checkpoint = t->end.cause == HV_CAUSE_CHECKPOINT;
        f->action.unit = t->slot ? t->live->unit : NULL;
        if (v->action == HV_ACTION_TASK_EVICTING) {
                f->action.eviction = t->live->eviction;
                f->action.eviction_text = hv_arena_strdup(f->arena, t->live->eviction_text);
        }
        if (v->action == HV_ACTION_TASK_END)
                f->action.end = describe_end(p->c, t, f);
        if (v->action == HV_ACTION_TASK_STOPPING || v->action == HV_ACTION_TASK_CANCEL) {
                t->stopping = f;
                t->cancel_sent |= v->action == HV_ACTION_TASK_CANCEL;
        } else
                t->effect = f;
        hv_pass_hand_out(p, f);
}

/* While inputs are fetched the image may come, too. */
static void plan_image_early(struct pass *p, struct task *t) {
        struct verdict v;

        if (t->step != TASK_STEP_PREPARE || !t->slot || p->c->engine.state != HV_ENGINE_READY ||
            t->slot->have || t->slot->effect)
                return;
        v = hv_assess_image(p->c, hv_task_image(p->c, t), t->live->unit, t->slot->needs_pull, p->now_us);
        if (!v.in_sync && v.act)
                (void) hv_pass_act(p, t->slot, &v, true);
        hv_pass_not_later_than(p, v.next_us);
}

/* Each end says what the trust in the node is after it: one after the other. */
static bool another_end_is_recorded(const struct hv_core *c) {
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                const struct flight *f = c->live_tasks.v[i]->effect;

                if (f && f->action.type == HV_ACTION_TASK_END)
                        return true;
        }
        return false;
}

static void plan_stop(struct pass *p, struct task *t) {
        struct verdict v;

        if (!hv_assess_task_stop(t, p->now_us, &v))
                return;
        p->settled = false;
        hv_pass_not_later_than(p, v.next_us);
        if (v.act)
                hand_out(p, t, &v);
}

static void plan_task(struct pass *p, struct task *t) {
        bool on_slot = false;
        struct verdict v;

        plan_stop(p, t);
        plan_image_early(p, t);
        v = hv_assess_task(p->c, t, p->now_us, &on_slot);
        if (!v.in_sync || t->effect || t->stopping || (t->slot && t->slot->effect))
                p->settled = false;
        hv_pass_not_later_than(p, v.next_us);
        if (t->slot)
                hv_pass_note_phase(p, t->slot, &v);
        if (!v.act || (v.action == HV_ACTION_TASK_END && another_end_is_recorded(p->c)))
                return;
        if (!on_slot) {
                hand_out(p, t, &v);
                return;
        }
        if (hv_pass_act(p, t->slot, &v, true) && v.action == HV_ACTION_START) {
                t->live->start = START_SENT;
                hv_set_text(&t->live->started_id, t->slot->have->id);
        }
}

/* What is done with leaves the list that is walked; what the ledger knows of it stays known. */
static void drop_done(struct hv_core *c) {
        bool is_wanted_again = false;
        size_t kept = 0;

        for (size_t i = 0; i < c->live_tasks.n; i++) {
                struct task *t = c->live_tasks.v[i];

                if ((t->step != TASK_STEP_DONE && t->step != TASK_STEP_GONE) || t->stopping) {
                        c->live_tasks.v[kept++] = t;
                        continue;
                }
                t->is_listed = false;
                hv_task_unbind(c, t);
                hv_task_shed(t);
                hv_cron_run_dropped(c, t);
                is_wanted_again |= t->step == TASK_STEP_GONE && t->is_declared;
                if (t->step == TASK_STEP_GONE || !t->accepted)
                        (void) hv_map_remove(c->tasks, t->id);
                else {
                        c->forget_at_wall_us = 0;
                        c->cron_ended |= t->source == HV_TASK_FROM_CRON;
                }
        }
        c->live_tasks.n = kept;
        if (is_wanted_again) /* declared while it was being forgotten: it is new */
                hv_task_want(c, c->active);
}

static bool tasks_are_run(const struct hv_core *c) {
        return c->tasks_known && c->active && c->active->settings.docker_enabled;
}

void hv_pass_advance_tasks(struct pass *p) {
        struct hv_core *c = p->c;

        for (size_t i = 0; tasks_are_run(c) && i < c->live_tasks.n; i++)
                hv_task_advance(c, c->live_tasks.v[i], p->now_us);
}

void hv_pass_tasks(struct pass *p) {
        struct hv_core *c = p->c;

        if (!tasks_are_run(c))
                return;
        hv_pass_crons(p);
        drop_done(c);
        if (c->cron_ended)
                hv_cron_trim_all(c);
        hv_pass_forget_tasks(p);
        hv_pass_pressure(p);
        hv_task_admit(c, p->now_us);
        for (size_t i = 0; i < c->live_tasks.n; i++)
                plan_task(p, c->live_tasks.v[i]);
}

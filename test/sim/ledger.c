/* ledger.c - see ledger.h. */
#include "sim/ledger.h"

#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/cron.h"
#include "sim/desk.h"
#include "sim/job.h"
#include "sim/pool.h"
#include "sim/sim.h"

struct sim_ledger *sim_ledger_new(struct sim *s) {
        struct sim_ledger *l = HV_ARENA_NEW(s->arena, struct sim_ledger);

        l->trust_score = 50;
        return l;
}

void sim_ledger_done(struct sim_ledger *l) {
        for (size_t i = 0; i < l->promises.n; i++)
                hv_vec_done(&l->promises.v[i]->attempts);
        hv_vec_done(&l->promises);
        hv_vec_done(&l->limbo);
}

struct sim_promise *sim_ledger_find(const struct sim *s, const char *id) {
        for (size_t i = s->ledger->promises.n; i-- > 0;)
                if (hv_streq(s->ledger->promises.v[i]->id, id))
                        return s->ledger->promises.v[i]->forgotten ? NULL : s->ledger->promises.v[i];
        return NULL;
}

bool sim_ledger_forgot(const struct sim *s, const char *id) {
        for (size_t i = 0; i < s->ledger->promises.n; i++)
                if (hv_streq(s->ledger->promises.v[i]->id, id) && s->ledger->promises.v[i]->forgotten)
                        return true;
        return false;
}

struct sim_attempt *sim_ledger_attempt(const struct sim_promise *p, unsigned number) {
        for (size_t i = 0; i < p->attempts.n; i++)
                if (p->attempts.v[i].number == number)
                        return &p->attempts.v[i];
        return NULL;
}

static struct sim_attempt *last_attempt(const struct sim_promise *p) {
        return p->attempts.n ? &p->attempts.v[p->attempts.n - 1] : NULL;
}

bool sim_ledger_is_evicted(const struct sim_promise *p) {
        return p->attempts.n && p->attempts.v[p->attempts.n - 1].eviction != HV_EVICTION_NONE;
}

bool sim_action_is_write(enum hv_action_type type) {
        switch (type) {
        case HV_ACTION_TASK_ACCEPT:
        case HV_ACTION_TASK_STOPPING:
        case HV_ACTION_TASK_EVICTING:
        case HV_ACTION_TASK_BEGIN:
        case HV_ACTION_TASK_END:
        case HV_ACTION_TASK_FORGET:
        case HV_ACTION_CRON_ADVANCE:
        case HV_ACTION_CRON_SUSPEND:
                return true;
        default:
                return false;
        }
}

static struct sim_reply ok(void) {
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK };
}

static struct sim_reply broken(struct sim *s, const char *invariant, const struct hv_action *a,
                               const char *why) {
        sim_fail(s, invariant, "%s %s (attempt %u): %s", hv_action_name(a->type), a->task_id, a->attempt,
                 why);
        return (struct sim_reply){ HV_OUTCOME_REFUSED, why, NULL };
}

/* ---- the transactions ---- */

static struct sim_reply accept(struct sim *s, const struct hv_action *a) {
        const struct sim_known *known = sim_job_find(s, a->task_id);
        struct sim_promise *p = sim_ledger_find(s, a->task_id);

        if (!known || !a->task)
                return broken(s, "I3", a, "nobody ever wanted it");
        sim_cron_accepted(s, a);
        if (p && !a->reopen)
                return ok(); /* the first promise stands */
        if (p) {
                if (!p->ended)
                        return broken(s, "I3", a, "run again while it has not ended");
                p->ended = p->stop_asked = false;
                p->back_asked_of = p->stop_asked_of = 0;
                p->n_counted = 0;
                return ok();
        }
        p = HV_ARENA_NEW(s->arena, struct sim_promise);
        p->id = known->task->id;
        p->task = known->task;
        p->accepted_wall_us = sim_wall_us(s);
        hv_vec_push(&s->ledger->promises, p);
        p->order = s->ledger->promises.n;
        return ok();
}

static struct sim_reply begin(struct sim *s, const struct hv_action *a, struct sim_promise *p) {
        const struct sim_attempt *last = last_attempt(p);

        if (p->stop_asked)
                return broken(s, "I3", a, "an attempt begins although somebody wants it stopped");
        if (p->ended)
                return broken(s, "I3", a, "an attempt begins after the task's end");
        if (last && !last->ended)
                return broken(s, "I2", a, "an attempt begins before the last one ended");
        if (last && a->attempt <= last->number)
                return broken(s, "I1", a, "the attempt was begun before");
        hv_vec_push(&p->attempts, ((struct sim_attempt){ a->attempt, s->now_us, sim_wall_us(s) }));
        return ok();
}

static struct sim_reply evict(struct sim *s, const struct hv_action *a, struct sim_promise *p) {
        struct sim_attempt *t = sim_ledger_attempt(p, a->attempt);

        if (!t || t->ended)
                return broken(s, "I3", a, t ? "it has ended" : "the attempt was never begun");
        if (t->eviction != HV_EVICTION_NONE) /* the first one stands */
                return ok();
        t->eviction = a->eviction;
        t->eviction_text = hv_arena_strdup(s->arena, a->eviction_text);
        t->evicted_wall_us = sim_wall_us(s);
        return ok();
}

static struct sim_reply end(struct sim *s, const struct hv_action *a, struct sim_promise *p) {
        const struct hv_task_end *e = a->end;
        struct sim_attempt *t = sim_ledger_attempt(p, e->attempt);

        if (p->ended)
                return broken(s, "I3", a, "a second end of the task");
        if (e->attempt && (!t || t->ended))
                return broken(s, "I3", a,
                              t ? "a second end of the attempt" : "the end of an attempt without a begin");
        if (!e->attempt && last_attempt(p) && !last_attempt(p)->ended)
                return broken(s, "I3", a, "the task ends, and its last attempt does not");
        if (!e->attempt && !e->final)
                return broken(s, "I3", a, "the record of nothing");
        sim_attempt_judge_end(s, p, e);
        sim_pool_ended(s, p, e);
        if (t) {
                t->ended = true;
                t->end = *e;
                p->attempt_ended_wall_us = sim_wall_us(s);
                p->n_counted += !e->final && e->cause != HV_CAUSE_CHECKPOINT;
        }
        if (e->final) {
                p->ended = true;
                p->end = *e;
                p->ended_wall_us = sim_wall_us(s);
                p->is_owed = p->task->source == HV_TASK_FROM_POOL;
                if (e->trust_score != HV_MAX(0, HV_MIN(100, s->ledger->trust_score + e->trust_nominal)) ||
                    e->trust_score != s->ledger->trust_score + e->trust_delta)
                        return broken(s, "I5", a, "the trust in the node does not follow from what it was");
                s->ledger->trust_score = e->trust_score;
        }
        return ok();
}

static struct sim_reply forget(struct sim *s, const struct hv_action *a, struct sim_promise *p) {
        if (!p->ended)
                return broken(s, "I4", a, "it has not ended");
        p->forgotten = true;
        sim_attempt_forget(s, p->id);
        return ok();
}

struct sim_reply sim_ledger_write(struct sim *s, const struct hv_action *a) {
        struct sim_promise *p = sim_ledger_find(s, a->task_id);

        s->ledger->n_writes++;
        hv_vec_clear(&s->ledger->limbo); /* what comes after a failed flush writes over it */
        if (a->type == HV_ACTION_TASK_ACCEPT)
                return accept(s, a);
        if (a->type == HV_ACTION_CRON_ADVANCE || a->type == HV_ACTION_CRON_SUSPEND)
                return sim_cron_write(s, a);
        if (!p && sim_ledger_forgot(s, a->task_id))
                return (struct sim_reply){ HV_OUTCOME_NOT_FOUND, "no such task", NULL };
        if (!p)
                return broken(s, "I3", a, "the ledger does not know the task");
        switch (a->type) {
        case HV_ACTION_TASK_STOPPING:
                if (p->ended) /* it was faster */
                        return ok();
                p->stop_by = p->stop_asked ? p->stop_by : a->stop_by;
                p->stop_asked = true;
                return ok();
        case HV_ACTION_TASK_EVICTING:
                return evict(s, a, p);
        case HV_ACTION_TASK_BEGIN:
                return begin(s, a, p);
        case HV_ACTION_TASK_END:
                return end(s, a, p);
        default:
                return forget(s, a, p);
        }
}

struct sim_reply sim_ledger_fail_to_flush(struct sim *s, const struct hv_action *a) {
        hv_vec_push(&s->ledger->limbo, ((struct sim_limbo){ *a, s->ledger->n_writes }));
        return (struct sim_reply){ HV_OUTCOME_FAILED, "the disk: input/output error", NULL };
}

/* Only the newest of the file's tail can be there: the older ones were tried again and written over. */
void sim_ledger_power_cut(struct sim *s) {
        struct sim_limbo last;

        if (s->ledger->limbo.n == 0)
                return;
        last = s->ledger->limbo.v[s->ledger->limbo.n - 1];
        if (sim_chance(s, SIM_CHANCE_TASKS, 500)) {
                sim_trace(s, "  found after all: %s %s", hv_action_name(last.action.type),
                          last.action.task_id);
                (void) sim_ledger_write(s, &last.action);
        }
        hv_vec_clear(&s->ledger->limbo);
}

/* ---- the start of an agent ---- */

static void recall(struct sim *s, const struct sim_promise *p) {
        const struct sim_attempt *last = last_attempt(p);
        const struct hv_task_recalled r = {
                .id = p->id,
                .name = p->task->name,
                .source = p->task->source,
                .digest = p->task->digest,
                .task = p->ended ? NULL : p->task,
                .state = p->ended               ? p->end.state
                         : last && !last->ended ? HV_TASK_RUNNING
                                                : HV_TASK_QUEUED,
                .accepted_wall_us = p->accepted_wall_us,
                .ended_wall_us = p->ended ? p->ended_wall_us : 0,
                .attempt = last ? last->number : 0,
                .attempt_ended = last && last->ended,
                .begun_us = last ? last->begun_us : 0,
                .begun_wall_us = last ? last->begun_wall_us : 0,
                .n_counted = p->n_counted,
                .retry_wall_us = last && last->ended ? p->attempt_ended_wall_us : 0,
                .eviction = last && !last->ended ? last->eviction : HV_EVICTION_NONE,
                .eviction_text = last ? last->eviction_text : NULL,
                .evicted_wall_us = last ? last->evicted_wall_us : 0,
                .stop_asked = p->stop_asked,
                .stop_by = p->stop_by,
                .is_owed = p->is_owed,
                .message = p->ended ? p->end.message : NULL,
                .cause = p->ended ? p->end.cause : HV_CAUSE_NONE,
                .exit_code = p->ended ? p->end.exit_code : -1,
        };

        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_TASK_RECALL, .recalled = &r });
}

void sim_ledger_recall(struct sim *s) {
        for (size_t i = 0; i < s->ledger->promises.n; i++)
                if (!s->ledger->promises.v[i]->forgotten)
                        recall(s, s->ledger->promises.v[i]);
        sim_cron_recall(s);
        sim_agent_input(
                s, &(struct hv_input){ .type = HV_INPUT_TASKS_KNOWN, .trust_score = s->ledger->trust_score });
}

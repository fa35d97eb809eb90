/* oracle_cron.c - see oracle_cron.h. */
#include "sim/oracle_cron.h"

#include "base/rfc3339.h"
#include "reconcile/cron.h"
#include "sim/agent.h"
#include "sim/calendar.h"
#include "sim/cron.h"
#include "sim/desk.h"
#include "sim/driver.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/workload.h"

/* What ended so long ago is forgotten by now, when nothing goes wrong. */
#define TIME_TO_FORGET_US (3 * HV_USEC_PER_MIN)

struct subject { /* one cron task, as its declaration in force says */
        const struct hv_cron_task *k;
        struct sim_cron_record *r;
        unsigned schedule, zone;
        uint64_t wall_us;
};

static const char *minute(struct sim *s, uint64_t wall_us) {
        char at[HV_RFC3339_SIZE];

        hv_rfc3339_format(wall_us, at);
        return sim_text(s, "%.16sZ", at);
}

static void bad(struct sim *s, const struct subject *c, uint64_t scheduled_us, const char *why) {
        sim_fail(s, "CRON", "%s (%s, %s), %s, dealt with until %s, now %s: %s", c->r->name,
                 c->k->schedule_text, c->k->zone, minute(s, scheduled_us), minute(s, c->r->until_us),
                 minute(s, c->wall_us), why);
}

/* False: the revision in force does not declare it. */
static bool find(struct sim *s, const char *name, struct subject *ret) {
        const struct hv_desired *d = s->agent->core ? hv_core_active(s->agent->core) : NULL;

        for (size_t i = 0; d && i < d->n_cron_tasks; i++)
                if (hv_streq(d->cron_tasks[i].name, name)) {
                        *ret = (struct subject){ .k = &d->cron_tasks[i],
                                                 .r = sim_cron_record(s, name),
                                                 .schedule =
                                                         sim_schedule_find(d->cron_tasks[i].schedule_text),
                                                 .zone = sim_zone_find(d->cron_tasks[i].zone),
                                                 .wall_us = sim_wall_us(s) };
                        return true;
                }
        return false;
}

static bool next(const struct subject *c, uint64_t after_us, uint64_t until_us, uint64_t *ret_us) {
        return sim_calendar_next(c->schedule, c->zone, after_us, until_us, ret_us);
}

static const char *run_id(struct sim *s, const char *name, uint64_t wall_us) {
        const char *at = minute(s, wall_us);

        return sim_text(s, "%s-%.4s%.2s%.2s%.2s%.2s", name, at, at + 5, at + 8, at + 11, at + 14);
}

static const struct sim_cron_request *request_of(const struct sim *s, const char *id, bool forgotten) {
        for (size_t i = 0; i < s->crons->requests.n; i++)
                if (hv_streq(s->crons->requests.v[i].id, id) &&
                    s->crons->requests.v[i].forgotten == forgotten)
                        return &s->crons->requests.v[i];
        return NULL;
}

/* ---- runs that go on ---- */

static bool is_run_of(const struct hv_task *t, const char *name) {
        return t->source == HV_TASK_FROM_CRON && hv_streq(t->name, name);
}

static const struct sim_promise *live_run(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                const struct sim_promise *p = s->ledger->promises.v[i];

                if (!p->forgotten && !p->ended && is_run_of(p->task, name))
                        return p;
        }
        return NULL;
}

/* Or one whose end the core was not told of. What is not promised yet leaves nothing out: it may never be. */
static bool may_believe_in_a_run(const struct sim *s, const char *name) {
        if (live_run(s, name))
                return true;
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];
                const struct sim_promise *p = sim_ledger_find(s, c->action.task_id);

                if (!c->done && c->action.type == HV_ACTION_TASK_END && p && is_run_of(p->task, name))
                        return true;
        }
        return false;
}

/* ---- one time ---- */

static bool is_missed(const struct subject *c, uint64_t scheduled_us) {
        return c->wall_us - scheduled_us >= HV_USEC_PER_MIN;
}

static bool is_missed_for_certain(const struct subject *c, uint64_t scheduled_us) {
        return c->wall_us - scheduled_us >= HV_USEC_PER_MIN + c->k->jitter_us;
}

static bool is_too_late(const struct subject *c, uint64_t scheduled_us) {
        return c->k->starting_deadline_us != HV_TIME_NEVER &&
               c->wall_us - scheduled_us > c->k->starting_deadline_us;
}

/* Somebody wanted a run of that very minute. */
static bool has_another_run(struct sim *s, const struct subject *c, uint64_t scheduled_us) {
        const char *id = run_id(s, c->r->name, scheduled_us);

        return sim_ledger_find(s, id) || request_of(s, id, false);
}

static bool may_be_left_out(struct sim *s, const struct subject *c, uint64_t scheduled_us) {
        uint64_t later_us;

        if (is_too_late(c, scheduled_us) || has_another_run(s, c, scheduled_us))
                return true;
        if (is_missed(c, scheduled_us) && c->k->missed == HV_CRON_SKIP)
                return true;
        if (is_missed(c, scheduled_us) && c->k->missed == HV_CRON_RUN_ONCE &&
            next(c, scheduled_us, c->wall_us, &later_us))
                return true;
        return c->k->concurrency == HV_CRON_FORBID && may_believe_in_a_run(s, c->r->name);
}

/* Why the time may not make a run now; NULL: it may. */
static const char *why_no_run(struct sim *s, const struct subject *c, uint64_t scheduled_us) {
        const uint64_t certain_us = c->wall_us - HV_MIN(c->wall_us, c->k->jitter_us);
        uint64_t first_us, later_us;

        if (c->r->until_us == 0)
                return "it makes a run, and begins only now";
        if (scheduled_us <= c->r->until_us)
                return "it makes a run, and was dealt with before";
        if (scheduled_us > c->wall_us)
                return "it makes a run before its time";
        if (!next(c, c->r->until_us, c->wall_us, &first_us))
                return "it makes a run, and nothing is due";
        if (scheduled_us != first_us)
                return sim_text(s, "it makes a run, and %s is due", minute(s, first_us));
        if (is_too_late(c, scheduled_us))
                return "it makes a run after its starting deadline";
        if (is_missed_for_certain(c, scheduled_us) && c->k->missed == HV_CRON_SKIP)
                return "it makes a run, and was missed";
        if (is_missed_for_certain(c, scheduled_us) && c->k->missed == HV_CRON_RUN_ONCE &&
            next(c, scheduled_us, certain_us, &later_us))
                return sim_text(s, "it makes a run, and %s is the one to be made up for",
                                minute(s, later_us));
        if (c->k->concurrency == HV_CRON_FORBID && live_run(s, c->r->name))
                return sim_text(s, "it makes a run, and %s goes on", live_run(s, c->r->name)->id);
        return c->r->suspended.by ? "it makes a run, and is suspended" : NULL;
}

/* What replaces a run is promised only when the stop of that one is durable. */
static const char *judge_replacement(struct sim *s, const struct subject *c, const char *id) {
        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                const struct sim_promise *p = s->ledger->promises.v[i];

                if (!p->forgotten && !p->ended && !p->stop_asked && is_run_of(p->task, c->r->name) &&
                    !hv_streq(p->id, id))
                        return sim_text(s, "it replaces %s, which nobody stops", p->id);
        }
        return NULL;
}

/* The second time around it is the same decision, handed out again. */
static bool was_judged(struct sim *s, struct sim_cron_record *r, uint64_t us) {
        bool same = r->judged_us == us && r->judged_core == s->agent->core_number && us > r->until_us;

        r->judged_us = us;
        r->judged_core = s->agent->core_number;
        return same;
}

/* ---- what is handed out ---- */

static void judge_one(struct sim *s, const struct hv_action *a) {
        for (size_t i = 0; i < s->driver->calls.n; i++) {
                const struct sim_call *c = s->driver->calls.v[i];

                if (!c->done && c->core == s->agent->core_number && hv_streq(c->action.key, a->key))
                        sim_fail(s, "ONE", "%s %s while another action of it is in flight",
                                 hv_action_name(a->type), a->name);
        }
}

static void judge_advance(struct sim *s, const struct hv_action *a, const struct subject *c) {
        const bool again =
                was_judged(s, c->r, a->cron_until_us); /* the clock may have been set back meanwhile */
        uint64_t at_us = c->r->until_us;

        if (a->cron_until_us > c->wall_us && !again)
                bad(s, c, a->cron_until_us, "the schedule is called followed up to what is still to come");
        if (c->r->until_us == 0 || again)
                return; /* it begins: what was before was never promised */
        if (a->cron_until_us <= c->r->until_us)
                bad(s, c, a->cron_until_us, "the schedule is followed, and goes nowhere");
        while (next(c, at_us, a->cron_until_us, &at_us))
                if (!may_be_left_out(s, c, at_us)) {
                        bad(s, c, at_us, "it is left out, and nothing speaks against it");
                        return;
                }
}

static bool is_same(const struct hv_order *a, const struct hv_order *b) {
        return hv_streq(a->by, b->by) && hv_streq(a->reason, b->reason) &&
               a->since_wall_us == b->since_wall_us;
}

static bool was_asked_for(const struct sim_cron_record *r, const struct hv_order *o) {
        for (size_t i = 0; i < r->asked.n; i++)
                if (is_same(&r->asked.v[i], o))
                        return true;
        return false;
}

void sim_oracle_before_cron(struct sim *s, const struct hv_action *a) {
        struct sim_cron_record *r = sim_cron_record(s, a->name);
        struct subject c;

        judge_one(s, a);
        if (a->type == HV_ACTION_CRON_SUSPEND && !was_asked_for(r, a->order))
                sim_fail(s, "CRON", "%s is %s by %s, who did not ask for it then", a->name,
                         a->suspend ? "suspended" : "resumed", a->order->by);
        if (!find(s, a->name, &c))
                return;
        if (a->type == HV_ACTION_CRON_ADVANCE)
                judge_advance(s, a, &c);
        else if (a->suspend && a->cron_until_us)
                bad(s, &c, a->cron_until_us, "a suspension moves the schedule on");
        else if (!a->suspend && a->cron_until_us != c.wall_us)
                bad(s, &c, a->cron_until_us, "it is resumed, and not from now on");
}

void sim_oracle_before_run(struct sim *s, const struct hv_action *a) {
        const char *why = NULL;
        struct subject c;

        if (!find(s, a->task->name, &c))
                return; /* it left the file while its promise was tried again */
        if (!a->cron_until_us) {
                if (!request_of(s, a->task_id, false))
                        bad(s, &c, c.wall_us,
                            "a run that nobody asked for, and that no time is recorded with");
                return;
        }
        if (was_judged(s, c.r, a->cron_until_us))
                return;
        if (!hv_streq(a->task_id, run_id(s, c.r->name, a->cron_until_us)))
                why = "the run bears another minute";
        why = why ? why : why_no_run(s, &c, a->cron_until_us);
        if (!why && c.k->concurrency == HV_CRON_REPLACE)
                why = judge_replacement(s, &c, a->task_id);
        if (why)
                bad(s, &c, a->cron_until_us, why);
}

/* Who suspended it, why and since when is what the ledger has of it, also after a restart. */
void sim_oracle_crons_after_plan(struct sim *s) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;

        for (size_t i = 0; i < s->crons->records.n; i++) {
                const struct sim_cron_record *r = s->crons->records.v[i];
                struct hv_cron_status k;

                if (r->asked.n == 0)
                        continue;
                arena = arena ? arena : hv_arena_new();
                if (!hv_core_cron_status(s->agent->core, r->name, s->now_us, arena, &k) || !k.is_recorded)
                        continue;
                if (!is_same(&k.suspend, &r->suspended))
                        sim_fail(s, "CRON",
                                 "status says that %s is suspended by %s since %" PRIu64
                                 ", the ledger by %s since %" PRIu64,
                                 r->name, k.suspend.by ? k.suspend.by : "nobody", k.suspend.since_wall_us,
                                 r->suspended.by ? r->suspended.by : "nobody", r->suspended.since_wall_us);
        }
}

/* ---- history ---- */

static unsigned count_ended(const struct sim *s, const char *name, bool completed, uint64_t until_wall_us) {
        unsigned n = 0;

        for (size_t i = 0; i < s->ledger->promises.n; i++) {
                const struct sim_promise *p = s->ledger->promises.v[i];

                n += !p->forgotten && p->ended && is_run_of(p->task, name) &&
                     p->ended_wall_us <= until_wall_us && completed == (p->end.state == HV_TASK_COMPLETED);
        }
        return n;
}

void sim_oracle_before_forgetting(struct sim *s, const struct hv_action *a) {
        const struct sim_promise *p = sim_ledger_find(s, a->task_id);
        bool completed = p && p->end.state == HV_TASK_COMPLETED;
        struct subject c;

        if (!p || !p->ended || p->task->source != HV_TASK_FROM_CRON || request_of(s, p->id, true) ||
            !find(s, p->task->name, &c))
                return;
        if (count_ended(s, c.r->name, completed, HV_TIME_NEVER) <=
            (completed ? c.k->keep_success : c.k->keep_failed))
                bad(s, &c, p->accepted_wall_us, "a run is forgotten that its history still has room for");
}

/* ---- the end ---- */

static void judge_caught_up(struct sim *s, const struct subject *c) {
        const uint64_t until_us = c->wall_us - c->k->jitter_us - HV_USEC_PER_MIN;
        const uint64_t ended_us = c->wall_us - TIME_TO_FORGET_US;
        uint64_t at_us;

        if (!c->r->suspended.by && c->r->until_us == 0)
                bad(s, c, c->wall_us, "its schedule was never taken up");
        else if (!c->r->suspended.by && next(c, c->r->until_us, until_us, &at_us))
                bad(s, c, at_us, "it was never dealt with");
        if (count_ended(s, c->r->name, true, ended_us) > c->k->keep_success)
                bad(s, c, c->wall_us, "more runs that succeeded are kept than its history says");
        if (count_ended(s, c->r->name, false, ended_us) > c->k->keep_failed)
                bad(s, c, c->wall_us, "more runs that failed are kept than its history says");
}

void sim_oracle_crons_caught_up(struct sim *s) {
        const struct hv_desired *d = s->agent->core ? hv_core_active(s->agent->core) : NULL;
        struct subject c;

        for (size_t i = 0; d && !s->failed && i < d->n_cron_tasks; i++)
                if (find(s, d->cron_tasks[i].name, &c))
                        judge_caught_up(s, &c);
}

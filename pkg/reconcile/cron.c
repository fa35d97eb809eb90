/* reconcile/cron.c - see cron.h. */
#include <errno.h>
#include <stdio.h>

#include "base/rfc3339.h"
#include "base/zone.h"
#include "reconcile/cron_state.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"
#include "spec/cron_next.h"

static const struct hv_backoff_spec record_backoff = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = HV_USEC_PER_MIN,
        .reset_after_us = 10 * HV_USEC_PER_MIN,
};

/* ---- life ---- */

struct cron *hv_cron_get(struct hv_core *c, const char *name) {
        struct cron *k = hv_map_get(c->crons, name);

        if (k)
                return k;
        k = HV_NEW(struct cron);
        k->name = hv_strdup(name);
        hv_map_put(c->crons, name, k);
        return k;
}

static void set_word(struct cron_word *w, const struct hv_order *o) {
        hv_set_text(&w->by, o->by);
        hv_set_text(&w->reason, o->reason);
        w->since_wall_us = o->since_wall_us;
}

static void free_word(struct cron_word *w) {
        free(w->by);
        free(w->reason);
}

void hv_cron_free(void *cron) {
        struct cron *k = cron;

        free_word(&k->suspended);
        free_word(&k->asked);
        free(k->failure.message);
        free(k->message);
        free(k->name);
        free(k);
}

void hv_cron_want(struct hv_core *c, const struct hv_desired *d) {
        struct cron *k;
        size_t it = 0;

        while (hv_map_next(c->crons, &it, NULL, (void **) &k))
                k->want = NULL;
        for (size_t i = 0; i < d->n_cron_tasks; i++)
                hv_cron_get(c, d->cron_tasks[i].name)->want = &d->cron_tasks[i];
        c->cron_ended = true; /* the history may be shorter now */
}

/* ---- time ---- */

static bool is_utc(const char *zone) {
        return hv_str_empty(zone) || hv_streq(zone, "UTC");
}

static bool has_zone(const struct hv_core *c, const struct cron *k) {
        return is_utc(k->want->zone) || hv_map_get(c->zones, k->want->zone) != NULL;
}

static const struct hv_zone *zone_of(const struct hv_core *c, const struct cron *k) {
        if (HV_MUTANT(HV_MUTANT_CRON_IN_UTC))
                return NULL;
        return hv_map_get(c->zones, k->want->zone);
}

/* A number that depends on the name and the time alone: spread evenly, and the same after a restart. */
static uint64_t jitter(const struct cron *k, uint64_t scheduled_us) {
        uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

        if (k->want->jitter_us == 0)
                return 0;
        for (const char *p = k->name; *p; p++)
                h = (h ^ (unsigned char) *p) * UINT64_C(1099511628211);
        for (unsigned i = 0; i < 64; i += 8)
                h = (h ^ (scheduled_us >> i & 0xff)) * UINT64_C(1099511628211);
        return h % (k->want->jitter_us + 1);
}

/* The oldest scheduled time that has not been dealt with, its jitter over; HV_TIME_NEVER: none. *ret_next_us: when there may be
 * one. */
static uint64_t oldest_due(const struct hv_core *c, const struct cron *k, uint64_t wall_us,
                           uint64_t *ret_next_us) {
        uint64_t at_us = hv_cron_next(&k->want->schedule, zone_of(c, k), k->until_wall_us), due_us;

        *ret_next_us = HV_TIME_NEVER;
        if (at_us == HV_TIME_NEVER)
                return HV_TIME_NEVER;
        due_us = at_us + jitter(k, at_us);
        if (due_us <= wall_us)
                return at_us;
        *ret_next_us = due_us;
        return HV_TIME_NEVER;
}

/* ---- runs ---- */

static bool is_run_of(const struct task *t, const struct cron *k) {
        return t->source == HV_TASK_FROM_CRON && hv_streq(t->name, k->name);
}

/* Between two attempts it goes on. */
static bool is_live(const struct task *t) {
        return t->step < TASK_STEP_TIDY ||
               (t->step == TASK_STEP_TIDY && t->again && !HV_MUTANT(HV_MUTANT_CRON_REST_IS_END));
}

/* NULL: none. One that is promised rather than one that is not yet. */
static const struct task *live_run(const struct hv_core *c, const struct cron *k) {
        const struct task *unpromised = NULL;

        for (size_t i = 0; i < c->live_tasks.n; i++) {
                const struct task *t = c->live_tasks.v[i];

                if (!is_run_of(t, k) || !is_live(t))
                        continue;
                if (t->step != TASK_STEP_ACCEPT)
                        return t;
                unpromised = t;
        }
        return unpromised;
}

/* True when each run but this one has ended or is recorded as one that stops: an agent that dies after the promise of the next
 * run would not know any more that it replaces them. Else their stop is asked for, and its record leads here again. */
static bool has_stopped_others(struct hv_core *c, const struct cron *k, const char *id) {
        bool stopped = true;

        for (size_t i = 0; i < c->live_tasks.n; i++) {
                struct task *t = c->live_tasks.v[i];

                if (!is_run_of(t, k) || !is_live(t) || t->stop_durable || hv_streq(t->id, id))
                        continue;
                hv_task_ask_to_stop(t, "the next run of its cron task, which replaces it", NULL);
                stopped = false;
        }
        return stopped;
}

/* Adds the run of this scheduled time; false: it is known already. */
static bool add_run(struct hv_core *c, struct cron *k, struct hv_task *made, uint64_t scheduled_us,
                    bool moves_on) {
        struct task *t;

        if (hv_task_get(c, made->id))
                return false;
        t = hv_task_add(c, made->id, k->name, HV_TASK_FROM_CRON);
        hv_set_text(&t->digest, made->digest);
        t->task = hv_task_ref(made);
        if (moves_on) {
                t->cron_until_us = scheduled_us;
                k->run = t;
        }
        return true;
}

static void leave_out(struct hv_core *c, struct cron *k, uint64_t scheduled_us, const char *why) {
        char at[HV_RFC3339_SIZE];

        hv_rfc3339_format(scheduled_us, at);
        free(k->message);
        k->message = hv_asprintf("the run of %s is left out: %s", at, why);
        k->advance_to_us = scheduled_us;
        hv_note(c, HV_NOTE_CRON_SKIPPED, HV_REASON_SYNCED, HV_KIND_CRONTASK, k->name, NULL, "%s", k->message);
}

/* ---- what one pass decides ---- */

/* The latest time whose jitter is over; none later than `scheduled_us`, which is due: that one. */
static uint64_t latest_due(const struct hv_core *c, const struct cron *k, uint64_t wall_us,
                           uint64_t scheduled_us) {
        uint64_t at_us = hv_cron_previous(&k->want->schedule, zone_of(c, k), wall_us);

        while (at_us != HV_TIME_NEVER && at_us > scheduled_us && at_us + jitter(k, at_us) > wall_us)
                at_us = hv_cron_previous(&k->want->schedule, zone_of(c, k), at_us - 1);
        return at_us == HV_TIME_NEVER ? scheduled_us : HV_MAX(at_us, scheduled_us);
}

static void make_run(struct hv_core *c, struct cron *k, uint64_t scheduled_us) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *made = hv_cron_run(k->want, scheduled_us, c->active);

        if (k->want->concurrency == HV_CRON_REPLACE && !has_stopped_others(c, k, made->id) &&
            !HV_MUTANT(HV_MUTANT_CRON_PROMISED_FIRST))
                return;
        hv_set_text(&k->message, "");
        if (!add_run(c, k, made, scheduled_us, true))
                k->advance_to_us = scheduled_us;
}

static void decide(struct hv_core *c, struct cron *k, uint64_t wall_us, uint64_t scheduled_us) {
        const struct hv_cron_task *w = k->want;
        uint64_t latest_us = latest_due(c, k, wall_us, scheduled_us);
        bool is_late = wall_us - scheduled_us >= HV_USEC_PER_MIN + jitter(k, scheduled_us);
        const struct task *other = NULL;

        if (w->concurrency == HV_CRON_FORBID && !HV_MUTANT(HV_MUTANT_CRON_OVERLAPS))
                other = live_run(c, k);
        if (w->starting_deadline_us != HV_TIME_NEVER && wall_us - scheduled_us > w->starting_deadline_us) {
                /* However many there are: none of them may begin any more. */
                uint64_t from_us = wall_us - w->starting_deadline_us;
                uint64_t last_us = hv_cron_previous(&w->schedule, zone_of(c, k), from_us - 1);

                leave_out(c, k, last_us != HV_TIME_NEVER ? HV_MAX(last_us, scheduled_us) : scheduled_us,
                          "its starting deadline is over");
        } else if (is_late && w->missed == HV_CRON_SKIP)
                leave_out(c, k, scheduled_us, "it was missed");
        else if (is_late && w->missed == HV_CRON_RUN_ONCE && latest_us > scheduled_us &&
                 !HV_MUTANT(HV_MUTANT_CRON_RUNS_ALL))
                leave_out(c, k, hv_cron_previous(&w->schedule, zone_of(c, k), latest_us - 1),
                          "it was missed, and only the latest one is made up for");
        else if (other && other->step == TASK_STEP_ACCEPT)
                return; /* it may never be promised, and then this time has its run: its record leads here again */
        else if (other)
                leave_out(c, k, scheduled_us, "the last run still goes on");
        else
                make_run(c, k, scheduled_us);
}

static const struct hv_order *order_of(const struct cron_word *w, struct hv_arena *a) {
        struct hv_order *o = HV_ARENA_NEW(a, struct hv_order);

        *o = (struct hv_order){ hv_arena_strdup(a, w->by), hv_arena_strdup(a, w->reason), w->since_wall_us };
        return o;
}

static void hand_out(struct pass *p, struct cron *k, enum hv_action_type type, const char *why) {
        char key[100];
        struct flight *f;

        (void) snprintf(key, sizeof key, "cronTask/%s", k->name);
        f = hv_flight_new(p->c, type, key, k->name, why);
        f->cron = k;
        f->action.cron_until_us = k->advance_to_us;
        if (type == HV_ACTION_CRON_SUSPEND) {
                f->action.suspend = k->suspend_wanted;
                f->action.order = order_of(&k->asked, f->arena);
                /* What came while it was suspended is not made up for, nor by an agent that died right after this. */
                f->action.cron_until_us = k->suspend_wanted || HV_MUTANT(HV_MUTANT_CRON_MAKES_UP)
                                                  ? 0
                                                  : hv_wall_us(p->c, p->now_us);
        }
        k->effect = f;
        p->settled = false;
        hv_pass_hand_out(p, f);
}

static void plan_cron(struct pass *p, struct cron *k) {
        struct hv_core *c = p->c;
        uint64_t wall_us = hv_wall_us(c, p->now_us), at_us, next_us = HV_TIME_NEVER;

        if (k->effect || !hv_backoff_is_over(&k->failure.backoff, p->now_us, &p->out->deadline_us)) {
                p->settled = false;
                return;
        }
        if (k->suspend_asked) {
                hand_out(p, k, HV_ACTION_CRON_SUSPEND, "somebody asked");
                return;
        }
        if (!k->want || k->want->suspended || k->run || wall_us == 0)
                return;
        if (HV_MUTANT(HV_MUTANT_CRON_GOES_BACK) && wall_us < k->until_wall_us)
                k->until_wall_us = wall_us;
        if (k->advance_to_us <= k->until_wall_us)
                k->advance_to_us = 0; /* a resume went further meanwhile */
        if (!k->advance_to_us && k->until_wall_us == 0)
                k->advance_to_us = wall_us; /* seen for the first time: it begins now */
        if (!k->advance_to_us && !k->suspended.by && has_zone(c, k)) {
                at_us = oldest_due(c, k, wall_us, &next_us);
                if (at_us != HV_TIME_NEVER)
                        decide(c, k, wall_us, at_us);
                else if (next_us != HV_TIME_NEVER)
                        hv_pass_not_later_than(p, p->now_us + (next_us - wall_us));
        }
        if (k->advance_to_us)
                hand_out(p, k, HV_ACTION_CRON_ADVANCE, "its schedule was followed up to here");
}

void hv_pass_crons(struct pass *p) {
        struct hv_core *c = p->c;
        struct cron *k;
        size_t it = 0;

        if (!c->tasks_known || !c->active)
                return;
        while (hv_map_next(c->crons, &it, NULL, (void **) &k))
                plan_cron(p, k);
}

/* ---- completions ---- */

static void suspend_is_recorded(struct hv_core *c, struct cron *k, const struct hv_action *a) {
        const struct hv_order *o = a->order;

        set_word(&k->suspended, a->suspend ? o : &(const struct hv_order){});
        k->suspend_asked = k->suspend_wanted != a->suspend;
        hv_note(c, HV_NOTE_CRON_ORDER, HV_REASON_SYNCED, HV_KIND_CRONTASK, k->name, NULL, "%s by %s%s%s; %s",
                a->suspend ? "suspended" : "resumed", o->by, o->reason ? ": " : "",
                o->reason ? o->reason : "",
                a->suspend ? "no run comes before hivectl cron resume" : "runs come from now on");
}

/* A resume deals with all that came before it: also with a run that nobody could promise yet. */
static void drop_overtaken_run(struct cron *k) {
        struct task *t = k->run;

        if (t && t->step == TASK_STEP_ACCEPT && !t->effect && t->cron_until_us <= k->until_wall_us)
                t->step = TASK_STEP_DONE;
}

void hv_cron_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in) {
        struct cron *k = f->cron;

        k->effect = NULL;
        if (in->outcome != HV_OUTCOME_OK) {
                hv_failure_set(&k->failure, &record_backoff, now_us, f->action.type, HV_REASON_LEDGER_FAILED,
                               in->message);
                hv_note(c, HV_NOTE_FAILED, HV_REASON_LEDGER_FAILED, HV_KIND_CRONTASK, k->name, NULL,
                        "cannot %s: %s", hv_action_name(f->action.type),
                        in->message ? in->message : "no reason given");
                return;
        }
        hv_failure_reset(&k->failure);
        if (f->action.type == HV_ACTION_CRON_SUSPEND) {
                suspend_is_recorded(c, k, &f->action);
                k->until_wall_us = HV_MAX(k->until_wall_us, f->action.cron_until_us);
                drop_overtaken_run(k);
                return;
        }
        k->until_wall_us = HV_MAX(k->until_wall_us, f->action.cron_until_us);
        k->advance_to_us = 0;
}

void hv_cron_run_accepted(struct hv_core *c, const struct task *t) {
        struct cron *k = hv_map_get(c->crons, t->name);

        if (!k || k->run != t)
                return;
        k->until_wall_us = HV_MAX(k->until_wall_us, t->cron_until_us);
        k->run = NULL;
}

/* The ledger holds another promise of that id: the time has been dealt with. */
void hv_cron_run_dropped(struct hv_core *c, const struct task *t) {
        struct cron *k = t->cron_until_us ? hv_map_get(c->crons, t->name) : NULL;

        if (!k || k->run != t)
                return;
        k->run = NULL;
        k->advance_to_us = t->cron_until_us;
}

/* ---- history ---- */

static int newest_first(const void *pa, const void *pb) {
        const struct task *const *a = pa, *const *b = pb;

        if ((*a)->accepted_wall_us != (*b)->accepted_wall_us)
                return (*a)->accepted_wall_us > (*b)->accepted_wall_us ? -1 : 1;
        return (*a)->number > (*b)->number ? -1 : (*a)->number < (*b)->number;
}

static void trim(struct hv_core *c, const struct cron *k) {
        HV_VEC(struct task *) ended = {};
        size_t it = 0, n_good = 0, n_other = 0;
        struct task *t;

        if (!k->want || HV_MUTANT(HV_MUTANT_CRON_KEEPS_ALL))
                return;
        while (hv_map_next(c->tasks, &it, NULL, (void **) &t))
                if (is_run_of(t, k) && t->step == TASK_STEP_DONE && t->accepted)
                        hv_vec_push(&ended, t);
        if (ended.n)
                qsort(ended.v, ended.n, sizeof *ended.v, newest_first);
        for (size_t i = 0; i < ended.n; i++) {
                t = ended.v[i];
                if (t->end_state == HV_TASK_COMPLETED ? n_good++ < k->want->keep_success
                                                      : n_other++ < k->want->keep_failed)
                        continue;
                hv_task_forget(c, t);
        }
        hv_vec_done(&ended);
}

void hv_cron_trim_all(struct hv_core *c) {
        const struct cron *k;
        size_t it = 0;

        c->cron_ended = false;
        while (hv_map_next(c->crons, &it, NULL, (void **) &k))
                trim(c, k);
}

/* ---- inputs ---- */

static struct cron *declared(struct hv_core *c, const char *name, struct hv_err *err) {
        struct cron *k = hv_map_get(c->crons, name);

        if (k && k->want)
                return k;
        (void) hv_err_set(err, -ENOENT, "cron task %s is not declared", name);
        return NULL;
}

static uint64_t this_minute(const struct hv_core *c, uint64_t now_us) {
        return hv_wall_us(c, now_us) / HV_USEC_PER_MIN * HV_USEC_PER_MIN;
}

static int trigger(struct hv_core *c, uint64_t now_us, const char *name, struct hv_err *err) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *made = NULL;
        struct cron *k = declared(c, name, err);
        uint64_t wall_us = hv_wall_us(c, now_us);

        if (!k)
                return -ENOENT;
        if (!c->tasks_known || wall_us == 0 || k->want->suspended)
                return hv_err_set(err, -EAGAIN, "no task can be accepted: %s",
                                  k->want->suspended ? "node.docker.enabled is false"
                                                     : "the ledger is not there");
        made = hv_cron_run(k->want, this_minute(c, now_us), c->active);
        if (!add_run(c, k, made, this_minute(c, now_us), false))
                return hv_err_set(err, -EEXIST, "cron task %s has a run of this minute already", name);
        return 0;
}

static int suspend(struct hv_core *c, const struct hv_input *in, bool on, struct hv_err *err) {
        struct cron *k = declared(c, in->text, err);

        if (!k)
                return -ENOENT;
        if (!c->tasks_known || k->want->suspended)
                return hv_err_set(err, -EAGAIN, "nothing can be recorded: %s",
                                  k->want->suspended ? "node.docker.enabled is false"
                                                     : "the ledger is not there");
        if (!k->suspend_asked && (k->suspended.by != NULL) == on)
                return hv_err_set(err, -EALREADY,
                                  on ? "cron task %s is suspended already" : "cron task %s is not suspended",
                                  in->text);
        if (!k->suspend_asked ||
            k->suspend_wanted != on) /* who asks for the same once more was not the first */
                set_word(&k->asked, in->order);
        k->suspend_asked = true;
        k->suspend_wanted = on;
        hv_failure_ask_anew(&k->failure);
        return 0;
}

int hv_cron_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err) {
        struct cron *k;

        switch (in->type) {
        case HV_INPUT_CRON_RECALL:
                k = hv_cron_get(c, in->cron->name);
                k->until_wall_us = HV_MUTANT(HV_MUTANT_CRON_FROM_START) ? 0 : in->cron->until_wall_us;
                if (!HV_MUTANT(HV_MUTANT_CRON_UNSUSPENDED))
                        set_word(&k->suspended, &in->cron->suspend);
                if (HV_MUTANT(HV_MUTANT_CRON_SUSPENDED_ANEW) && k->suspended.by)
                        k->suspended.since_wall_us = hv_wall_us(c, now_us);
                return 0;
        case HV_INPUT_ZONE:
                hv_map_put(c->zones, in->text, in->zone);
                return 0;
        case HV_INPUT_CRON_TRIGGER:
                return trigger(c, now_us, in->text, err);
        case HV_INPUT_CRON_SUSPEND:
                return suspend(c, in, true, err);
        case HV_INPUT_CRON_RESUME:
                return suspend(c, in, false, err);
        default:
                return hv_err_set(err, -EINVAL, "input of unknown type %d", (int) in->type);
        }
}

/* ---- status ---- */

/* NULL: nothing. */
static const char *what_keeps_it(const struct hv_core *c, const struct cron *k, struct hv_arena *a) {
        if (k->want->suspended)
                return "node.docker.enabled is false: nothing runs";
        if (!c->tasks_known)
                return "the ledger is not there: nothing runs";
        if (!has_zone(c, k))
                return hv_arena_printf(a, "this machine has no file of the time zone %s", k->want->zone);
        return NULL;
}

static const char *suspended_text(const struct hv_order *o, struct hv_arena *a) {
        char since[HV_RFC3339_SIZE] = "";

        if (o->since_wall_us)
                hv_rfc3339_format(o->since_wall_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, since);
        return hv_arena_printf(a, "suspended by %s%s%s%s%s; until hivectl cron resume", o->by,
                               *since ? " since " : "", since, o->reason ? ": " : "",
                               o->reason ? o->reason : "");
}

/* HV_TIME_NEVER: none. */
static uint64_t next_shown(const struct hv_core *c, const struct cron *k, uint64_t now_us) {
        if (k->want->suspended || !c->tasks_known || !has_zone(c, k) || k->suspended.by || !c->wall_us)
                return HV_TIME_NEVER;
        return hv_cron_next(&k->want->schedule, zone_of(c, k),
                            HV_MAX(k->until_wall_us, hv_wall_us(c, now_us)));
}

/* No deadline tells of it: a time that has come and whose run must wait is not shown any more, nor is one in its jitter. */
bool hv_crons_show_another_time(struct hv_core *c, uint64_t now_us, bool changed) {
        bool another = changed;
        struct cron *k;
        size_t it = 0;

        while (hv_map_next(c->crons, &it, NULL, (void **) &k)) {
                uint64_t next_us = changed || !k->want ? 0 : next_shown(c, k, now_us);

                another |= next_us != k->shown_next_us;
                k->shown_next_us = next_us;
        }
        return another;
}

static void describe(const struct hv_core *c, const struct cron *k, uint64_t now_us, struct hv_arena *a,
                     struct hv_cron_status *ret) {
        const char **live = HV_ARENA_NEW_N(a, const char *, c->live_tasks.n + 1);
        const struct hv_order *suspend = order_of(&k->suspended, a);
        const char *obstacle = what_keeps_it(c, k, a);
        uint64_t next_us = next_shown(c, k, now_us);
        size_t n = 0;

        for (size_t i = 0; i < c->live_tasks.n; i++)
                if (is_run_of(c->live_tasks.v[i], k) && c->live_tasks.v[i]->step < TASK_STEP_TIDY)
                        live[n++] = hv_arena_strdup(a, c->live_tasks.v[i]->id);
        *ret = (struct hv_cron_status){
                .name = hv_arena_strdup(a, k->name),
                .schedule = hv_arena_strdup(a, k->want->schedule_text),
                .zone = hv_arena_strdup(a, k->want->zone),
                .concurrency = k->want->concurrency,
                .suspend = *suspend,
                .can_run = !obstacle,
                .until_wall_us = k->until_wall_us,
                .next_wall_us = next_us == HV_TIME_NEVER ? 0 : next_us,
                .live = live,
                .n_live = n,
                .message = obstacle      ? obstacle
                           : suspend->by ? suspended_text(suspend, a)
                                         : hv_arena_strdup(a, k->message ? k->message : ""),
                .is_recorded = c->tasks_known && !k->suspend_asked,
                .ledger_failure =
                        hv_failure_is_of_ledger(&k->failure) ? hv_arena_strdup(a, k->failure.message) : NULL,
        };
}

bool hv_core_cron_status(const struct hv_core *c, const char *name, uint64_t now_us, struct hv_arena *arena,
                         struct hv_cron_status *ret) {
        const struct cron *k = hv_map_get(c->crons, name);

        if (k && k->want)
                describe(c, k, now_us, arena, ret);
        return k && k->want;
}

const char *hv_core_cron_run_now(const struct hv_core *c, const char *name, uint64_t now_us,
                                 struct hv_arena *arena) {
        const struct cron *k = hv_map_get(c->crons, name);
        _hv_cleanup_(hv_task_unrefp) struct hv_task *made =
                k && k->want ? hv_cron_run(k->want, this_minute(c, now_us), c->active) : NULL;

        return made ? hv_arena_strdup(arena, made->id) : NULL;
}

const struct hv_cron_status *hv_core_crons(const struct hv_core *c, uint64_t now_us, struct hv_arena *arena,
                                           size_t *ret_n) {
        size_t n = c->active ? c->active->n_cron_tasks : 0;
        struct hv_cron_status *v = HV_ARENA_NEW_N(arena, struct hv_cron_status, n + 1);

        for (size_t i = 0; i < n; i++)
                describe(c, hv_map_get(c->crons, c->active->cron_tasks[i].name), now_us, arena, &v[i]);
        *ret_n = n;
        return v;
}

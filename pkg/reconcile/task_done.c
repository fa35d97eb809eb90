/* reconcile/task_done.c - what the outcome of a task's action means.
 *
 * The ledger's actions and those on disk answer for themselves: OK took place, all else did not. REFUSED means that the
 * same again would fail again; FAILED is tried again after a wait. */
#include "reconcile/cron_state.h"
#include "reconcile/eviction.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

#define PREPARE_TRIES 5u
#define RESTORE_TRIES 5u

/* Fetching and disks recover in seconds or in hours. */
static const struct hv_backoff_spec work_backoff = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = HV_USEC_PER_MIN,
        .reset_after_us = 10 * HV_USEC_PER_MIN,
};

static enum hv_reason reason_of(enum hv_action_type type) {
        switch (type) {
        case HV_ACTION_TASK_PREPARE:
        case HV_ACTION_TASK_PACKAGES:
                return HV_REASON_INPUT_FAILED;
        case HV_ACTION_TASK_COLLECT:
                return HV_REASON_COLLECT_FAILED;
        case HV_ACTION_TASK_CLEAN:
                return HV_REASON_REMOVE_FAILED;
        case HV_ACTION_TASK_WITHHOLD:
        case HV_ACTION_TASK_RESTORE:
                return HV_REASON_WORKSPACE_FAILED;
        default:
                return HV_REASON_LEDGER_FAILED;
        }
}

static void failed(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                   const struct hv_input *in) {
        bool again = t->live->failure.reason == reason_of(f->action.type);

        hv_failure_set(&t->live->failure, &work_backoff, now_us, f->action.type, reason_of(f->action.type),
                       in->message ? in->message : "no reason given");
        if (!again)
                hv_note_task(c, t, HV_NOTE_FAILED, t->live->failure.reason, "cannot %s: %s",
                             hv_action_name(f->action.type), t->live->failure.message);
}

static void accept_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                        const struct hv_input *in) {
        if (in->outcome == HV_OUTCOME_OK) {
                t->accepted = true;
                t->reopened = false;
                hv_cron_run_accepted(c, t);
                t->accepted_wall_us = t->accepted_wall_us ? t->accepted_wall_us : hv_wall_us(c, now_us);
                hv_task_queue(c, t, now_us, 0);
                hv_note_task(c, t, HV_NOTE_TASK_ACCEPTED, HV_REASON_SYNCED, "accepted from %s",
                             hv_task_source_name(t->source));
        } else if (in->outcome == HV_OUTCOME_REFUSED || in->outcome == HV_OUTCOME_CONFLICT) {
                /* Nothing was promised, so nothing is owed. */
                hv_set_text(&t->message, in->message ? in->message : "the ledger refuses it");
                t->end_state = HV_TASK_REJECTED;
                t->step = TASK_STEP_DONE;
                hv_note_task(c, t, HV_NOTE_FAILED, HV_REASON_LEDGER_FAILED, "not accepted: %s", t->message);
        } else
                failed(c, t, now_us, f, in);
}

static void prepare_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                         const struct hv_input *in) {
        if (in->outcome == HV_OUTCOME_OK) {
                hv_failure_reset(&t->live->failure);
                t->live->workspace = WORKSPACE_THERE;
                t->step = TASK_STEP_MAKE;
        } else if (in->outcome == HV_OUTCOME_REFUSED)
                hv_task_over(c, t, HV_CAUSE_INPUT, "%s", in->message ? in->message : "an input is wrong");
        else {
                failed(c, t, now_us, f, in);
                if (t->live->failure.backoff.n >= PREPARE_TRIES)
                        hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "cannot prepare it: %s",
                                     in->message ? in->message : "");
        }
}

static void packages_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                          const struct hv_input *in) {
        struct image *i = hv_image_get(c, t->live->unit->image);

        switch (in->outcome) {
        case HV_OUTCOME_OK:
                hv_failure_reset(&t->live->failure);
                t->live->packaged = true;
                return;
        case HV_OUTCOME_REFUSED:
                hv_task_over(c, t, HV_CAUSE_INPUT, "%s",
                             in->message ? in->message : "its packages cannot be installed");
                return;
        case HV_OUTCOME_NOT_FOUND: /* the image went away meanwhile */
                t->slot->needs_pull = 0;
                i->state = IMAGE_MISSING;
                break;
        default:
                break;
        }
        failed(c, t, now_us, f, in);
        if (t->live->failure.backoff.n >= PREPARE_TRIES)
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "cannot install its packages: %s",
                             in->message ? in->message : "");
}

static void begin_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                       const struct hv_input *in) {
        const struct container *k = t->slot->have;

        if (in->outcome != HV_OUTCOME_OK) {
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        t->live->begun = true;
        t->live->begun_us = HV_MAX(now_us, 1u);
        t->live->begun_wall_us = hv_wall_us(c, now_us);
        t->step = TASK_STEP_RUN;
        /* What runs already was started by somebody else: should it vanish, it has run. */
        t->live->start = k && k->state != HV_CONTAINER_CREATED ? START_SENT : START_NOT_SENT;
}

/* A START that finds no workspace fails. Whether one found it before has to be asked, and only now can the answer last. */
static void withhold_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                          const struct hv_input *in) {
        if (in->outcome != HV_OUTCOME_OK) {
                t->live->workspace = WORKSPACE_UNKNOWN;
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        t->live->workspace = WORKSPACE_WITHHELD;
        if (!HV_MUTANT(HV_MUTANT_NOT_LOOKED_AT))
                hv_doubt_slot(c, t->slot);
}

static void restore_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                         const struct hv_input *in) {
        if (in->outcome == HV_OUTCOME_OK) {
                hv_failure_reset(&t->live->failure);
                t->live->workspace = WORKSPACE_THERE;
                return;
        }
        t->live->workspace = WORKSPACE_UNKNOWN;
        failed(c, t, now_us, f, in);
        if (in->outcome == HV_OUTCOME_NOT_FOUND || t->live->failure.backoff.n >= RESTORE_TRIES)
                hv_task_over(c, t, HV_CAUSE_NODE_ERROR, "its workspace cannot be used: %s",
                             in->message ? in->message : "no reason given");
}

static void collect_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                         const struct hv_input *in) {
        if (in->outcome != HV_OUTCOME_OK) {
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        if (in->collected) {
                free(t->live->collected);
                t->live->collected = HV_NEW(struct hv_task_collected);
                *t->live->collected = *in->collected;
        }
        if (in->message) /* it is there all the same */
                hv_note_task(c, t, HV_NOTE_FAILED, HV_REASON_COLLECT_FAILED, "%s", in->message);
        t->step = TASK_STEP_END;
}

static void end_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                     const struct hv_input *in) {
        const struct hv_task_end *e = f->action.end;

        if (in->outcome != HV_OUTCOME_OK) {
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        t->step = TASK_STEP_TIDY;
        if (!e->final) {
                t->n_counted += e->cause != HV_CAUSE_CHECKPOINT;
                hv_note_task(c, t, HV_NOTE_TASK_RETRY, HV_REASON_BACK_OFF,
                             "attempt %u failed and is followed by another: %s", e->attempt, e->message);
                return;
        }
        t->end_state = e->state;
        t->ended_wall_us = hv_wall_us(c, now_us);
        t->is_owed = t->source == HV_TASK_FROM_POOL; /* the ledger recorded that with the end */
        hv_set_text(&t->message, hv_str_empty(e->message) ? NULL : e->message);
        if (e->trust_nominal) {
                c->trust_score = e->trust_score;
                hv_note_task(c, t, HV_NOTE_TRUST_CHANGED, HV_REASON_SYNCED,
                             "trust %d (%s): %+d because of %s", e->trust_score, e->trust_group,
                             e->trust_delta, hv_task_cause_name(e->cause));
        }
        hv_note_task(c, t, HV_NOTE_TASK_ENDED, HV_REASON_SYNCED, "%s%s%s", hv_task_state_name(e->state),
                     hv_str_empty(e->message) ? "" : ": ", e->message);
}

/* Nothing of the attempt is left. */
static void tidied(struct hv_core *c, struct task *t, uint64_t now_us) {
        unsigned attempt = t->attempt;
        bool again = t->again, begun = t->live->begun;

        hv_task_unbind(c, t);
        if (!again) {
                t->step = TASK_STEP_DONE;
                return;
        }
        hv_task_queue(c, t, now_us, now_us + t->task->retry_backoff_us);
        t->attempt = begun ? attempt : attempt - 1; /* what never began keeps its number */
}

static void clean_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                       const struct hv_input *in) {
        if (in->outcome != HV_OUTCOME_OK) {
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        t->live->cleaned = true;
        tidied(c, t, now_us);
}

static void forget_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                        const struct hv_input *in) {
        if (in->outcome == HV_OUTCOME_OK || in->outcome == HV_OUTCOME_NOT_FOUND)
                t->step = TASK_STEP_GONE;
        else {
                failed(c, t, now_us, f, in);
                if (t->is_declared)
                        hv_task_keep_after_all(t);
        }
}

static void evicting_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                          const struct hv_input *in) {
        if (in->outcome != HV_OUTCOME_OK && !HV_MUTANT(HV_MUTANT_EVICTED_TOO_EARLY)) {
                failed(c, t, now_us, f, in);
                return;
        }
        hv_failure_reset(&t->live->failure);
        hv_task_eviction_recorded(c, t, hv_wall_us(c, now_us), false);
}

static void stopping_done(struct hv_core *c, struct task *t, uint64_t now_us, const struct flight *f,
                          const struct hv_input *in) {
        t->stopping = NULL;
        if (f->action.type == HV_ACTION_TASK_CANCEL)
                return;
        if (in->outcome != HV_OUTCOME_OK) {
                failed(c, t, now_us, f, in);
                return;
        }
        t->stop_durable = true;
        hv_note_task(c, t, HV_NOTE_TASK_STOPPING, HV_REASON_SYNCED, "is to stop: asked by %s",
                     t->stop_by ? t->stop_by : "somebody");
}

void hv_task_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in) {
        struct task *t = f->task;

        if (t->stopping == f) {
                stopping_done(c, t, now_us, f, in);
                return;
        }
        t->effect = NULL;
        switch (f->action.type) {
        case HV_ACTION_TASK_ACCEPT:
                accept_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_PREPARE:
                prepare_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_PACKAGES:
                packages_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_EVICTING:
                evicting_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_BEGIN:
                begin_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_COLLECT:
                collect_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_END:
                end_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_CLEAN:
                clean_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_WITHHOLD:
                withhold_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_RESTORE:
                restore_done(c, t, now_us, f, in);
                break;
        case HV_ACTION_TASK_FORGET:
                forget_done(c, t, now_us, f, in);
                break;
        default:
                break;
        }
}

/* ---- its container ---- */

bool hv_task_is_idle_builder(const struct hv_core *c, const struct slot *s) {
        const struct container *k = s->have;
        const struct task *t = k->is_builder && c->tasks_known ? hv_task_get(c, k->object) : NULL;

        if (!k->is_builder || !c->tasks_known || HV_MUTANT(HV_MUTANT_BUILDER_LEFT))
                return false;
        if (HV_MUTANT(HV_MUTANT_BUILDER_TAKEN))
                return true;
        return !t || !t->effect || t->effect->action.type != HV_ACTION_TASK_PACKAGES ||
               t->effect->action.attempt != k->replica;
}

/* What runs belongs to an attempt that somebody may still want; what has ended, or never started, does not. */
bool hv_task_is_left_over(const struct hv_core *c, const struct slot *s) {
        const struct task *t = c->tasks_known ? hv_task_get(c, s->have->object) : NULL;

        if (!t)
                return false;
        return t->step == TASK_STEP_DONE ||
               (t->step == TASK_STEP_QUEUED && s->have->state != HV_CONTAINER_RUNNING &&
                s->have->state != HV_CONTAINER_PAUSED && s->have->state != HV_CONTAINER_RESTARTING);
}

void hv_task_engine_lost(struct hv_core *c) {
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                struct task *t = c->live_tasks.v[i];

                if (t->step == TASK_STEP_RUN && t->live->start == START_SENT && !t->live->barred && t->slot &&
                    (!t->slot->have || t->slot->have->state == HV_CONTAINER_CREATED))
                        t->live->start = START_LOST;
        }
}

void hv_task_container_done(struct hv_core *c, uint64_t now_us, const struct flight *f,
                            const struct hv_input *in) {
        struct slot *s = f->slot;
        struct task *t = s->task;
        bool is_gone = (in->outcome == HV_OUTCOME_OK || in->outcome == HV_OUTCOME_NOT_FOUND) && !s->have;

        (void) now_us;
        if (!t || (t->step != TASK_STEP_MAKE && t->step != TASK_STEP_RUN))
                return;
        if (f->action.type == HV_ACTION_CREATE)
                t->live->was_made |= in->outcome == HV_OUTCOME_OK || in->outcome == HV_OUTCOME_UNKNOWN ||
                                     in->outcome == HV_OUTCOME_FAILED;
        else if (f->action.type == HV_ACTION_REMOVE && is_gone)
                t->live->was_made = false;
        if (t->step != TASK_STEP_RUN)
                return;
        switch (f->action.type) {
        case HV_ACTION_START:
                if (in->outcome == HV_OUTCOME_UNREACHABLE)
                        t->live->start = START_NOT_SENT; /* certainly no effect */
                else if (in->outcome == HV_OUTCOME_REFUSED || in->outcome == HV_OUTCOME_FAILED) {
                        t->live->start = START_FAILED;
                        t->live->start_refused = in->outcome == HV_OUTCOME_REFUSED;
                        hv_set_text(&t->live->start_message,
                                    in->message ? in->message : "the engine gives no reason");
                }
                break;
        case HV_ACTION_REMOVE:
                if (is_gone)
                        hv_task_fence_held(t);
                break;
        case HV_ACTION_STOP:
                t->live->was_stopped |= in->outcome == HV_OUTCOME_OK;
                t->live->may_be_stopped |=
                        in->outcome == HV_OUTCOME_UNKNOWN || in->outcome == HV_OUTCOME_FAILED;
                /* How it ended has to be asked. */
                hv_doubt_slot(c, s);
                break;
        default:
                break;
        }
}

/* ---- dependencies ---- */

bool hv_task_dependency_is_met(const struct hv_core *c, const struct hv_dependency *d) {
        const struct hv_desired *a = c->active;

        for (size_t i = 0; i < a->n_tasks; i++) {
                const struct task *t;

                if (!hv_streq(a->tasks[i]->name, d->name))
                        continue;
                t = hv_task_get(c, a->tasks[i]->id);
                return t && t->step >= TASK_STEP_TIDY && !t->again && t->end_state == HV_TASK_COMPLETED;
        }
        return false;
}

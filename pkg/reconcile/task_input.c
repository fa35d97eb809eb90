/* reconcile/task_input.c - how tasks come in: from a revision, from the ledger at start, from somebody who asks. */
#include <errno.h>
#include <stdio.h>

#include "base/quantity.h"
#include "reconcile/cron_state.h"
#include "reconcile/eviction.h"
#include "reconcile/mutant.h"
#include "reconcile/task_state.h"

static void name_who_stops(struct task *t, const char *by, const char *reason) {
        hv_set_text(&t->stop_asker, by);
        hv_set_text(&t->stop_reason, hv_str_empty(reason) ? NULL : reason);
        free(t->stop_by);
        t->stop_by = t->stop_reason && by ? hv_asprintf("%s (%s)", by, t->stop_reason) : hv_strdup(by);
}

void hv_task_ask_to_stop(struct task *t, const char *by, const char *reason) {
        if (t->stop_asked)
                return;
        t->stop_asked = true;
        name_who_stops(t, by, reason);
}

/* Its end is certain; another attempt is not, as long as nobody wants it stopped. */
static bool is_over(const struct task *t) {
        return t->step >= TASK_STEP_COLLECT && !(t->again && t->step <= TASK_STEP_TIDY);
}

/* ---- from a revision ---- */

static void declare(struct hv_core *c, struct hv_task *wanted) {
        struct task *t = hv_task_get(c, wanted->id);

        if (!t) {
                t = hv_task_add(c, wanted->id, wanted->name, HV_TASK_FROM_FILE);
                hv_set_text(&t->digest, wanted->digest);
        }
        t->is_declared = true;
        /* What stands on the older reading goes on with it; the defaults of the node are only taken up before. */
        if (!t->slot && t->step < TASK_STEP_TIDY) {
                hv_task_unref(t->task);
                t->task = hv_task_ref(wanted);
        }
}

void hv_task_want(struct hv_core *c, const struct hv_desired *d) {
        struct task *t;
        size_t it = 0;

        if (!c->tasks_known)
                return;
        c->forget_at_wall_us = 0; /* what is kept, and how long, may be another */
        while (hv_map_next(c->tasks, &it, NULL, (void **) &t))
                t->is_declared = false; /* of what has ended, too: it may be forgotten now */
        for (size_t i = 0; i < d->n_tasks; i++)
                declare(c, d->tasks[i]);
        for (size_t i = 0; i < c->live_tasks.n; i++) {
                t = c->live_tasks.v[i];
                hv_task_keep_after_all(t);
                if (t->source != HV_TASK_FROM_FILE || t->is_declared || is_over(t))
                        continue;
                if (t->step == TASK_STEP_ACCEPT && !t->effect)
                        t->step = TASK_STEP_DONE; /* nothing was promised yet */
                else
                        hv_task_ask_to_stop(t, "the desired state, which no longer names it", NULL);
        }
}

/* ---- from the ledger ---- */

static void recall_eviction(struct hv_core *c, struct task *t, const struct hv_task_recalled *r) {
        if (r->eviction == HV_EVICTION_NONE || HV_MUTANT(HV_MUTANT_EVICTION_FORGOTTEN))
                return;
        t->live->eviction = r->eviction;
        hv_set_text(&t->live->eviction_text, r->eviction_text ? r->eviction_text : "");
        hv_task_eviction_recorded(c, t, r->evicted_wall_us, true);
}

static void recall_attempt(struct hv_core *c, struct task *t, uint64_t now_us,
                           const struct hv_task_recalled *r) {
        uint64_t wall_us = hv_wall_us(c, now_us), due_wall_us;

        t->attempt = r->attempt;
        t->n_counted = r->n_counted;
        if (r->attempt && !r->attempt_ended) {
                hv_task_bind(c, t);
                t->live->begun = t->live->is_recalled = true;
                t->live->begun_us = HV_MIN(r->begun_us, now_us);
                t->live->begun_wall_us = r->begun_wall_us;
                t->step = TASK_STEP_RUN;
                t->live->start = HV_MUTANT(HV_MUTANT_RECALLED_IS_FRESH) ? START_NOT_SENT : START_SENT;
                recall_eviction(c, t, r);
                return;
        }
        due_wall_us = r->retry_wall_us ? r->retry_wall_us + t->task->retry_backoff_us : 0;
        /* However the clock was set meanwhile, it waits no longer than it ever would have. */
        hv_task_queue(c, t, now_us,
                      due_wall_us > wall_us
                              ? now_us + HV_MIN(due_wall_us - wall_us, t->task->retry_backoff_us)
                              : 0);
}

static int recall(struct hv_core *c, uint64_t now_us, const struct hv_task_recalled *r, struct hv_err *err) {
        struct task *t;

        if (hv_task_get(c, r->id))
                return hv_err_set(err, -EEXIST, "task %s was recalled twice", r->id);
        if (!r->task && !hv_task_state_is_end(r->state))
                return hv_err_set(err, -EINVAL, "task %s has not ended and was recalled without its content",
                                  r->id);
        t = hv_task_add(c, r->id, r->name, r->source);
        t->accepted = true;
        t->accepted_wall_us = r->accepted_wall_us;
        t->ended_wall_us = r->ended_wall_us;
        hv_set_text(&t->digest, r->digest);
        hv_set_text(&t->message, r->message);
        t->task = r->task ? hv_task_ref(r->task) : NULL;
        t->stop_asked = t->stop_durable = r->stop_asked && !HV_MUTANT(HV_MUTANT_STOP_FORGOTTEN);
        name_who_stops(t, r->stop_by, r->stop_reason);
        if (hv_task_state_is_end(r->state)) {
                t->step = TASK_STEP_DONE;
                t->end_state = r->state;
                t->attempt = r->attempt;
                t->end.cause = r->cause;
                t->end.exit_code = r->exit_code;
                t->is_owed = r->is_owed;
                return 0;
        }
        recall_attempt(c, t, now_us, r);
        return 0;
}

/* ---- from somebody ---- */

static int submit(struct hv_core *c, struct hv_task *wanted, struct hv_err *err) {
        struct task *t = hv_task_get(c, wanted->id);
        char text[HV_ROOM_TEXT_SIZE];
        struct hv_room all;

        if (t && HV_MUTANT(HV_MUTANT_SUBMITTED_TWICE) && t->step == TASK_STEP_DONE && t->accepted) {
                t->task = hv_task_ref(wanted);
                hv_task_queue(c, t, 0, 0);
                hv_task_list(c, t);
                return 0;
        }
        if (t && !hv_streq(t->digest, wanted->digest))
                return hv_err_set(err, -EEXIST, "task %s is known already, with another content", wanted->id);
        if (t) {
                hv_failure_ask_anew(&t->live->failure);
                return hv_err_set(err, -EALREADY, "task %s is known already", wanted->id);
        }
        if (!c->tasks_known || !c->active)
                return hv_err_set(
                        err, -EAGAIN,
                        "no task can be accepted yet: the ledger or the desired state is not there");
        if (wanted->refused)
                return hv_err_set(err, -EPERM, "%s", wanted->refused);
        if (c->machine_known) {
                all = hv_task_room(c);
                if (hv_task_never_fits(c, &wanted->booking, &all, text))
                        return hv_err_set(err, -ENOSPC, "never fits: %s", text);
        }
        t = hv_task_add(c, wanted->id, wanted->name, wanted->source);
        hv_set_text(&t->digest, wanted->digest);
        t->task = hv_task_ref(wanted);
        if (HV_MUTANT(HV_MUTANT_TOLD_BEFORE_DURABLE))
                hv_note_task(c, t, HV_NOTE_TASK_ACCEPTED, HV_REASON_SYNCED, "accepted");
        return 0;
}

static int stop(struct hv_core *c, const char *id, const char *by, const char *reason, struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t)
                return hv_err_set(err, -ENOENT, "task %s is not known", id);
        if (is_over(t))
                return hv_err_set(err, -EALREADY, "task %s has already ended", id);
        hv_task_ask_to_stop(t, by, reason);
        hv_failure_ask_anew(&t->live->failure);
        return 0;
}

/* Nothing is recorded of the wish: until the end is, that says it, an agent that dies has to be asked again. */
static int hand_back(struct hv_core *c, const char *id, const char *by, const char *reason,
                     struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t)
                return hv_err_set(err, -ENOENT, "task %s is not known", id);
        if (!hv_task_can_be_handed_back(t))
                return hv_err_set(
                        err, -EBUSY,
                        "task %s cannot be handed back: it was begun, is to stop, or is not of a pool", id);
        t->hand_back = true;
        name_who_stops(t, by, reason);
        hv_failure_ask_anew(&t->live->failure);
        return 0;
}

static void above_disk(struct hv_core *c, const struct hv_input *in) {
        char taken[HV_QUANTITY_SIZE], limit[HV_QUANTITY_SIZE], text[100 + 2 * HV_QUANTITY_SIZE];
        struct task *t = hv_task_get(c, in->text);

        if (!t || !t->task || t->attempt != in->attempt)
                return;
        hv_quantity_format_bytes(in->disk_bytes, taken);
        hv_quantity_format_bytes(t->task->booking.disk_bytes, limit);
        if (in->disk_bytes > t->task->booking.disk_bytes)
                (void) snprintf(text, sizeof text, "its workspace took %s, more than its %s of disk", taken,
                                limit);
        else
                (void) snprintf(text, sizeof text,
                                "its workspace was too deep to be measured against its %s of disk", limit);
        hv_task_evict(t, HV_EVICTION_DISK_LIMIT, text);
}

static int reopen(struct hv_core *c, const char *id, struct hv_task *again, struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t)
                return hv_err_set(err, -ENOENT, "task %s is not known", id);
        if (t->step != TASK_STEP_DONE || t->stopping)
                return hv_err_set(err, -EBUSY, "task %s has not ended: only what ended can be run again", id);
        if (!t->accepted)
                return hv_err_set(err, -ENOENT, "task %s was never accepted", id);
        if (t->is_owed)
                return hv_err_set(err, -EBUSY,
                                  "the result of task %s is still owed to the pool that assigned it", id);
        if (t->source == HV_TASK_FROM_FILE && !t->is_declared)
                return hv_err_set(err, -EPERM,
                                  "task %s is not in the desired state any more: it would be stopped", id);
        hv_task_unref(t->task);
        t->task = hv_task_ref(again);
        hv_task_revive(t);
        t->step = TASK_STEP_ACCEPT;
        t->reopened = true;
        t->stop_asked = t->stop_durable = t->cancel_sent = t->hand_back = false;
        name_who_stops(t, NULL, NULL);
        hv_set_text(&t->message, NULL);
        t->n_counted = 0;
        hv_task_list(c, t);
        return 0;
}

static int forget(struct hv_core *c, const char *id, struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t)
                return hv_err_set(err, -ENOENT, "task %s is not known", id);
        if (t->step != TASK_STEP_DONE || t->stopping)
                return hv_err_set(err, -EBUSY, "task %s has not ended: stop it first", id);
        if (t->is_declared)
                return hv_err_set(err, -EBUSY,
                                  "task %s is declared in the desired state: forgotten, it would run again",
                                  id);
        if (t->is_owed)
                return hv_err_set(err, -EBUSY,
                                  "the result of task %s is still owed to the pool that assigned it", id);
        t->forget_asked = true;
        hv_task_forget(c, t);
        return 0;
}

static int delivered(struct hv_core *c, const char *id, struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t)
                return hv_err_set(err, -ENOENT, "task %s is not known", id);
        t->is_owed = false;
        c->forget_at_wall_us = 0; /* it may be forgotten now */
        return 0;
}

static int owed(struct hv_core *c, const char *id, struct hv_err *err) {
        struct task *t = hv_task_get(c, id);

        if (!t || t->source != HV_TASK_FROM_POOL || !t->accepted)
                return hv_err_set(err, -ENOENT, "task %s was not assigned by a pool", id);
        if (t->step != TASK_STEP_DONE || t->stopping)
                return hv_err_set(err, -EBUSY, "task %s %s", id,
                                  t->step == TASK_STEP_FORGET ? "is being forgotten" : "has not ended");
        t->is_owed = true;
        return 0;
}

int hv_task_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err) {
        if (in->type == HV_INPUT_CLOCK) { /* no news about anything but the time */
                c->wall_us = in->wall_us;
                c->wall_at_us = now_us;
                return 0;
        }
        c->seq++;
        switch (in->type) {
        case HV_INPUT_MACHINE:
                c->machine = *in->machine;
                c->machine_known = true;
                return 0;
        case HV_INPUT_TASK_RECALL:
                return recall(c, now_us, in->recalled, err);
        case HV_INPUT_TASKS_KNOWN:
                c->tasks_known = true;
                c->trust_score = in->trust_score;
                if (c->active)
                        hv_task_want(c, c->active);
                return 0;
        case HV_INPUT_TASK_SUBMIT:
                return submit(c, in->task, err);
        case HV_INPUT_TASK_STOP:
                return stop(c, in->text, in->message, in->reason, err);
        case HV_INPUT_TASK_HAND_BACK:
                return hand_back(c, in->text, in->message, in->reason, err);
        case HV_INPUT_TASK_DISK:
                above_disk(c, in);
                return 0;
        case HV_INPUT_TASK_REOPEN:
                return reopen(c, in->text, in->task, err);
        case HV_INPUT_TASK_FORGET:
                return forget(c, in->text, err);
        case HV_INPUT_TASK_DELIVERED:
                return delivered(c, in->text, err);
        case HV_INPUT_TASK_OWED:
                return owed(c, in->text, err);
        default:
                return hv_cron_input(c, now_us, in, err);
        }
}

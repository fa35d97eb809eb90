/* agent/trial.c - a revision on trial (source/trial.h): its clock, the yes, the way back.
 *
 * Rolling back is the same way without a trial before it; the guard is asked, since nobody let that revision pass beside what
 * runs now.
 *
 * The way back is the way of every revision: what was in force before is given to the core and is wanted again. Only the guard
 * is not asked, for it let it pass then, and an engine that is down must not keep a tunnel from being as it was. */
#include <errno.h>
#include <stdio.h>

#include "agent/private.h"
#include "base/duration.h"
#include "log/log.h"

#define ACCURACY_US (1 * HV_USEC_PER_MSEC)
#define TRY_AGAIN_US (1 * HV_USEC_PER_MIN)
/* A file that was saved this long ago and is in force already is on trial all the same, as one who saves it and then asks
 * for a trial means it. */
#define JUST_SAVED_US (5 * HV_USEC_PER_MIN)
#define REVISION_SHOWN 8

static struct hv_trial_now now(void) {
        struct hv_trial_now n = { .boot_us = hv_agent_now_us(), .wall_us = hv_agent_wall_us() };

        (void) hv_boot_id(n.boot_id, NULL);
        return n;
}

static const struct hv_trial *trial_of(const struct hv_agent *a) {
        return hv_source_set_trial(a->sources);
}

/* ---- its clock ---- */

static void arm(struct hv_agent *a, uint64_t at_us) {
        (void) sd_event_source_set_time(a->trial_timer, at_us);
        (void) sd_event_source_set_enabled(a->trial_timer, SD_EVENT_ONESHOT);
}

static void arm_deadline(struct hv_agent *a) {
        if (trial_of(a)->phase == HV_TRIAL_PENDING)
                arm(a, trial_of(a)->deadline_us);
        else
                (void) sd_event_source_set_enabled(a->trial_timer, SD_EVENT_OFF);
}

/* A revision that this version of the agent has another opinion about would leave nothing in force at all. */
static int check_usable(struct hv_agent *a, const struct hv_trial *t, struct hv_err *err) {
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l = NULL;

        if (t->phase != HV_TRIAL_PENDING)
                return 0;
        l = hv_source_set_kept(a->sources, t->base);
        if (l->desired)
                return 0;
        return hv_err_set(err, l->err.code ? l->err.code : -EBADMSG,
                          "revision %.*s cannot be used any more: %s", REVISION_SHOWN, t->base,
                          l->err.code ? l->err.msg : "it has errors by now");
}

/* From now on what was in force before is what the sources say. False: it cannot be. */
static bool decide_to_revert(struct hv_agent *a, enum hv_trial_cause cause, const char *by,
                             struct hv_err *err) {
        struct hv_log_fields fields = { .reason = hv_reason_name(HV_REASON_REVERTED) };
        struct hv_trial was = *trial_of(a);
        int r = check_usable(a, &was, err);

        if (r < 0)
                return false;
        r = hv_source_set_revert(a->sources, cause, hv_agent_wall_us(), err);

        if (trial_of(a)->phase != HV_TRIAL_REVERTING)
                return false;
        if (r < 0)
                (void) hv_log_warn(r, "the way back cannot be written down yet: %s", err->msg);
        fields.revision = was.base;
        hv_log_event(HV_EVENT_REVERTED, &fields,
                     "revision %.*s is taken back, because %s%s%s: revision %.*s is wanted again",
                     REVISION_SHOWN, was.tried, hv_trial_cause_text(cause), by ? ", " : "", by ? by : "",
                     REVISION_SHOWN, was.base);
        return true;
}

static void go_back(struct hv_agent *a, const char *by) {
        struct hv_source_load *l = hv_source_set_last_good(a->sources);

        (void) snprintf(l->by, sizeof l->by, "%s", by ? by : "");
        hv_agent_put_back(a, l);
        (void) hv_agent_reload(a);
        hv_agent_look(a);
}

static int on_deadline(sd_event_source *s, uint64_t at_us, void *userdata) {
        struct hv_agent *a = userdata;
        const struct hv_trial_now n = now();
        enum hv_trial_cause cause = hv_trial_due(trial_of(a), &n);
        struct hv_err err = {};

        (void) s;
        (void) at_us;
        if (cause == HV_TRIAL_NOT_DUE) {
                arm_deadline(a);
                return 0;
        }
        if (decide_to_revert(a, cause, NULL, &err)) {
                go_back(a, "hivelet");
                return 0;
        }
        (void) hv_log_error(err.code, "the revision on trial cannot be taken back, and is tried again: %s",
                            err.msg);
        arm(a, hv_agent_now_us() + TRY_AGAIN_US);
        return 0;
}

int hv_agent_trial_init(struct hv_agent *a, struct hv_err *err) {
        const struct hv_trial_now n = now();
        enum hv_trial_cause cause = hv_trial_due(trial_of(a), &n);
        struct hv_err why = {};
        int r = sd_event_add_time(a->event, &a->trial_timer, CLOCK_BOOTTIME, 0, ACCURACY_US, on_deadline, a);

        if (r < 0)
                return hv_err_errno(err, r, "cannot set up the clock of a trial");
        if (cause != HV_TRIAL_NOT_DUE && !decide_to_revert(a, cause, NULL, &why)) {
                (void) hv_log_error(why.code,
                                    "the revision on trial cannot be taken back, and is tried again: %s",
                                    why.msg);
                arm(a, hv_agent_now_us() + TRY_AGAIN_US);
                return 0;
        }
        arm_deadline(a);
        return 0;
}

/* ---- what somebody asks for ---- */

const char *hv_agent_trial_wish(struct hv_agent *a, const struct hv_api_change *change,
                                struct hv_trial_wish *ret) {
        *ret = (struct hv_trial_wish){
                .base = a->active ? a->active->desired->revision : NULL,
                .by = change->by,
                .window_us = change->confirm_us,
                .now = now(),
        };
        if (!a->active_was_saved || ret->now.boot_us - a->active_us > JUST_SAVED_US)
                return NULL;
        return hv_str_empty(a->revision_before) ? NULL : a->revision_before;
}

void hv_agent_trial_began(struct hv_agent *a, bool is_good) {
        const struct hv_trial *t = trial_of(a);
        const struct hv_log_fields fields = { .revision = t->tried,
                                              .reason = hv_reason_name(HV_REASON_CONFIRM_PENDING) };
        const struct hv_trial_now n = now();
        char left[HV_DURATION_SIZE];

        arm_deadline(a);
        if (!is_good)
                return;
        hv_duration_format(
                (t->deadline_us - n.boot_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC * HV_USEC_PER_SEC, left);
        hv_log_event(
                HV_EVENT_CONFIRM_PENDING, &fields,
                "revision %.*s is on trial, asked for by %s: without hivectl confirm, revision %.*s is back in %s",
                REVISION_SHOWN, t->tried, hv_str_empty(t->by) ? "somebody" : t->by, REVISION_SHOWN, t->base,
                left);
}

/* What is not in force, nobody can have looked at. */
static int check_in_force(struct hv_agent *a, struct hv_err *err) {
        const struct hv_desired *wanted = a->latest ? a->latest->desired : NULL,
                                *active = hv_core_active(a->core);

        if (trial_of(a)->phase != HV_TRIAL_PENDING || !wanted ||
            (active && hv_streq(active->revision, wanted->revision)))
                return 0;
        return hv_err_set(err, -EBUSY, "revision %.*s is not in force, so it cannot be confirmed: %s",
                          REVISION_SHOWN, wanted->revision,
                          hv_core_parked(a->core)
                                  ? "the guard holds it; let it (hivectl apply --accept-prune REVISION), "
                                    "or take it back (hivectl confirm --revert)"
                                  : "it waits for the container engine");
}

static int confirm(struct hv_agent *a, const char *by, struct hv_err *err) {
        struct hv_trial was = *trial_of(a);
        const struct hv_log_fields fields = { .revision = was.tried };
        const struct hv_trial_now n = now();
        int r;

        if (hv_trial_due(&was, &n) != HV_TRIAL_NOT_DUE) /* this very turn of the loop takes it back */
                return hv_err_set(err, -EBUSY, "too late: the time of revision %.*s is over", REVISION_SHOWN,
                                  was.tried);
        r = check_in_force(a, err);
        if (r >= 0)
                r = hv_source_set_confirm(a->sources, err);
        if (r < 0)
                return r;
        arm_deadline(a);
        hv_log_event(HV_EVENT_CONFIRMED, &fields, "revision %.*s is confirmed by %s and stays",
                     REVISION_SHOWN, was.tried, hv_str_empty(by) ? "somebody" : by);
        return 0;
}

void hv_agent_trial_verdict(struct hv_agent *a, const struct hv_api_change *change,
                            struct hv_api_call *call) {
        struct hv_desired *before = (struct hv_desired *) hv_core_active(a->core);
        struct hv_api_changed result = { .outcome = HV_API_CONFIRMED };
        struct hv_err err = {};

        before = before ? hv_desired_ref(before) : NULL;
        if (change->verdict == HV_API_VERDICT_CONFIRM) {
                if (confirm(a, change->by, &err) < 0)
                        result = (struct hv_api_changed){ .outcome = HV_API_FAILED, .err = &err };
        } else if (decide_to_revert(a, HV_TRIAL_ASKED, change->by, &err)) {
                result.outcome = HV_API_REVERTED;
                arm_deadline(a);
                go_back(a, change->by);
        } else
                result = (struct hv_api_changed){ .outcome = HV_API_FAILED, .err = &err };
        if (result.outcome != HV_API_FAILED) {
                result.before = before;
                result.after = hv_core_active(a->core);
        }
        hv_api_change_done(call, &result);
        hv_desired_unref(before);
        hv_api_changed(a->api);
}

/* ---- rolling back ---- */

#define CONSENT_MIN 4 /* digits */

/* Whether the guard, or the operator, lets it. */
static int check_guard(struct hv_agent *a, const struct hv_api_change *change, const struct hv_desired *to,
                       struct hv_err *err) {
        const char *accept = change->accept_prune;

        if (!accept)
                return hv_core_ask_guard(a->core, to, err);
        if (strlen(accept) >= CONSENT_MIN && hv_has_prefix(to->revision, accept))
                return 0;
        return hv_err_set(err, -EINVAL, "accept-prune: \"%s\" is not revision %.*s, which is gone back to",
                          accept, REVISION_SHOWN, to->revision);
}

static int roll_back(struct hv_agent *a, const struct hv_api_change *change, const struct hv_desired *to,
                     struct hv_err *err) {
        const struct hv_desired *active = hv_core_active(a->core);
        const struct hv_log_fields fields = { .revision = to->revision,
                                              .reason = hv_reason_name(HV_REASON_ROLLED_BACK) };
        const struct hv_trial_wish wish = {
                .base = to->revision, .tried = active->revision, .by = change->by, .now = now()
        };
        int r = check_guard(a, change, to, err);

        if (r >= 0)
                r = hv_source_set_roll_back(a->sources, &wish, err);
        if (r < 0)
                return r;
        hv_log_event(HV_EVENT_ROLLED_BACK, &fields, "%s went back from revision %.*s to revision %.*s",
                     hv_str_empty(change->by) ? "somebody" : change->by, REVISION_SHOWN, wish.tried,
                     REVISION_SHOWN, wish.base);
        arm_deadline(a);
        go_back(a, change->by);
        return 0;
}

void hv_agent_roll_back(struct hv_agent *a, const struct hv_api_change *change, struct hv_api_call *call) {
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l =
                hv_source_set_kept(a->sources, change->activate);
        struct hv_desired *before = (struct hv_desired *) hv_core_active(a->core);
        struct hv_err err = {};
        struct hv_api_changed result = { .outcome = HV_API_FAILED, .err = &err };

        before = before ? hv_desired_ref(before) : NULL;
        if (l->err.code != 0)
                err = l->err;
        else if (!l->desired)
                result = (struct hv_api_changed){ .outcome = HV_API_REFUSED, .diags = l->diags };
        else if (!before)
                (void) hv_err_set(&err, -ENOENT, "no revision is in force yet");
        else if (hv_streq(before->revision, change->activate))
                result.outcome = HV_API_UNCHANGED;
        else if (roll_back(a, change, l->desired, &err) >= 0)
                result.outcome = HV_API_ROLLED_BACK;
        if (result.outcome == HV_API_UNCHANGED || result.outcome == HV_API_ROLLED_BACK) {
                result.before = before;
                result.after = hv_core_active(a->core);
        }
        hv_api_change_done(call, &result);
        hv_desired_unref(before);
        hv_api_changed(a->api);
}

/* ---- shown ---- */

static enum hv_api_trial_state state_of(const struct hv_trial *t) {
        if (t->phase == HV_TRIAL_NONE)
                return HV_API_TRIAL_NONE;
        if (t->phase == HV_TRIAL_PENDING)
                return HV_API_TRIAL_PENDING;
        return t->cause == HV_TRIAL_ROLLED_BACK ? HV_API_TRIAL_ROLLED_BACK : HV_API_TRIAL_REVERTED;
}

void hv_agent_trial_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_trial *ret) {
        const struct hv_trial *t = trial_of(a);

        *ret = (struct hv_api_trial){
                .state = state_of(t),
                .revision = hv_arena_strdup(arena, t->tried),
                .base = hv_arena_strdup(arena, t->base),
                .by = hv_str_empty(t->by) ? NULL : hv_arena_strdup(arena, t->by),
                .why = hv_trial_cause_text(t->cause),
                .deadline_us = t->phase == HV_TRIAL_PENDING ? t->deadline_us : 0,
                .began_wall_us = t->began_wall_us,
                .ended_wall_us = t->ended_wall_us,
                .holds_files = t->phase == HV_TRIAL_REVERTED && a->latest && a->latest->held,
        };
}

void hv_agent_trial_end(struct hv_agent *a) {
        a->trial_timer = sd_event_source_disable_unref(a->trial_timer);
}

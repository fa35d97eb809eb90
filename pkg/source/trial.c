/* source/trial.c - see trial.h. */
#include "source/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/macros.h"
#include "base/rfc3339.h"

#define HEAD "hivelet-trial 1\n"
#define NOTHING "-" /* of a text that is empty */
#define REVISION_SHOWN 8

static const char *const phases[] = {
        [HV_TRIAL_NONE] = "None",
        [HV_TRIAL_PENDING] = "Pending",
        [HV_TRIAL_REVERTING] = "Reverting",
        [HV_TRIAL_REVERTED] = "Reverted",
};

static const char *const causes[] = {
        [HV_TRIAL_NOT_DUE] = "None", [HV_TRIAL_DEADLINE] = "Deadline",      [HV_TRIAL_REBOOT] = "Reboot",
        [HV_TRIAL_ASKED] = "Asked",  [HV_TRIAL_ROLLED_BACK] = "RolledBack",
};

const char *hv_trial_phase_name(enum hv_trial_phase phase) {
        return phases[phase];
}

const char *hv_trial_cause_text(enum hv_trial_cause cause) {
        static const char *const texts[] = {
                [HV_TRIAL_NOT_DUE] = "it is on trial",
                [HV_TRIAL_DEADLINE] = "nobody confirmed it in time",
                [HV_TRIAL_REBOOT] = "the machine was started anew before anybody confirmed it",
                [HV_TRIAL_ASKED] = "somebody asked for it",
                [HV_TRIAL_ROLLED_BACK] = "somebody rolled it back",
        };

        return texts[cause];
}

/* --- steps --- */

int hv_trial_check_window(uint64_t window_us, struct hv_err *err) {
        char found[HV_DURATION_SIZE], limit[HV_DURATION_SIZE];
        bool is_short = window_us < HV_TRIAL_MIN_US;

        if (!is_short && window_us <= HV_TRIAL_MAX_US)
                return 0;
        hv_duration_format(window_us, found);
        hv_duration_format(is_short ? HV_TRIAL_MIN_US : HV_TRIAL_MAX_US, limit);
        return hv_err_set(err, -EINVAL, "confirm: %s is %s %s", found,
                          is_short ? "too short to look at what was done; at least" : "above the limit of",
                          limit);
}

static void set_text(char *ret, size_t size, const char *text) {
        (void) snprintf(ret, size, "%s", text ? text : "");
}

/* Nothing is begun while something is taken back. */
static int check_not_reverting(const struct hv_trial *t, struct hv_err *err) {
        if (t->phase != HV_TRIAL_REVERTING)
                return 0;
        return hv_err_set(err, -EAGAIN, "revision %.*s is being taken back; try again in a moment",
                          REVISION_SHOWN, t->tried);
}

int hv_trial_begin(struct hv_trial *t, const struct hv_trial_wish *wish, struct hv_err *err) {
        struct hv_trial next = { .phase = HV_TRIAL_PENDING };
        int r = check_not_reverting(t, err);

        if (r < 0)
                return r;
        r = hv_trial_check_window(wish->window_us, err);
        if (r < 0)
                return r;
        if (hv_str_empty(wish->now.boot_id))
                return hv_err_set(err, -EIO, "confirm: it cannot be told which boot this is");
        set_text(next.base, sizeof next.base, t->phase == HV_TRIAL_PENDING ? t->base : wish->base);
        set_text(next.tried, sizeof next.tried, wish->tried);
        set_text(next.by, sizeof next.by, wish->by);
        set_text(next.boot_id, sizeof next.boot_id, wish->now.boot_id);
        next.deadline_us = wish->now.boot_us + wish->window_us;
        next.began_wall_us = wish->now.wall_us;
        *t = next;
        return 0;
}

/* 0 when something is pending; else in words why nothing can be decided about any more. */
static int check_pending(const struct hv_trial *t, struct hv_err *err) {
        char when[HV_RFC3339_SIZE];

        if (t->phase == HV_TRIAL_PENDING)
                return 0;
        if (t->phase == HV_TRIAL_NONE)
                return hv_err_set(err, -ENOENT, "nothing waits to be confirmed");
        hv_rfc3339_format(t->ended_wall_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, when);
        return hv_err_set(
                err, -EBUSY,
                "too late: revision %.*s was taken back at %s, because %s; revision %.*s is in force "
                "again. Apply it once more",
                REVISION_SHOWN, t->tried, when, hv_trial_cause_text(t->cause), REVISION_SHOWN, t->base);
}

int hv_trial_confirm(struct hv_trial *t, struct hv_err *err) {
        int r = check_pending(t, err);

        if (r >= 0)
                *t = (struct hv_trial){};
        return r;
}

enum hv_trial_cause hv_trial_due(const struct hv_trial *t, const struct hv_trial_now *now) {
        if (t->phase != HV_TRIAL_PENDING)
                return HV_TRIAL_NOT_DUE;
        if (!hv_streq(t->boot_id, now->boot_id))
                return HV_TRIAL_REBOOT;
        return now->boot_us >= t->deadline_us ? HV_TRIAL_DEADLINE : HV_TRIAL_NOT_DUE;
}

int hv_trial_revert(struct hv_trial *t, enum hv_trial_cause cause, const char *held, uint64_t now_wall_us,
                    struct hv_err *err) {
        int r = check_pending(t, err);

        if (r < 0)
                return r;
        t->phase = HV_TRIAL_REVERTING;
        t->cause = cause;
        t->ended_wall_us = now_wall_us;
        set_text(t->held, sizeof t->held, held);
        return 0;
}

int hv_trial_roll_back(struct hv_trial *t, const struct hv_trial_wish *wish, const char *held,
                       struct hv_err *err) {
        struct hv_trial next = { .phase = HV_TRIAL_REVERTING, .cause = HV_TRIAL_ROLLED_BACK };
        int r = check_not_reverting(t, err);

        if (r < 0)
                return r;
        if (t->phase == HV_TRIAL_PENDING)
                return hv_err_set(err, -EBUSY,
                                  "revision %.*s is on trial: confirm it (hivectl confirm), or take it back "
                                  "(hivectl confirm --revert), then roll back",
                                  REVISION_SHOWN, t->tried);
        set_text(next.base, sizeof next.base, wish->base);
        set_text(next.tried, sizeof next.tried, wish->tried);
        set_text(next.by, sizeof next.by, wish->by);
        set_text(next.boot_id, sizeof next.boot_id, wish->now.boot_id);
        set_text(next.held, sizeof next.held, held);
        next.began_wall_us = next.ended_wall_us = wish->now.wall_us;
        *t = next;
        return 0;
}

void hv_trial_reverted(struct hv_trial *t, bool holds_files) {
        t->phase = HV_TRIAL_REVERTED;
        if (!holds_files)
                memset(t->held, 0, sizeof t->held);
}

/* --- on the disk --- */

static const char *shown(const char *text) {
        return *text ? text : NOTHING;
}

void hv_trial_write(const struct hv_trial *t, struct hv_buf *ret) {
        hv_buf_printf(ret,
                      HEAD "phase %s\ncause %s\nbase %s\ntried %s\nboot %s\ndeadline_us %" PRIu64
                           "\nbegan_us %" PRIu64 "\nended_us %" PRIu64 "\nheld %s\nby %s\n",
                      phases[t->phase], causes[t->cause], shown(t->base), shown(t->tried), shown(t->boot_id),
                      t->deadline_us, t->began_wall_us, t->ended_wall_us, shown(t->held), shown(t->by));
}

static bool find(const char *const *names, size_t n, const char *name, unsigned *ret) {
        for (size_t i = 0; i < n; i++)
                if (hv_streq(names[i], name)) {
                        *ret = (unsigned) i;
                        return true;
                }
        return false;
}

static bool is_digest(const char *text) {
        return strlen(text) == HV_SHA256_HEX_SIZE - 1 &&
               strspn(text, "0123456789abcdef") == HV_SHA256_HEX_SIZE - 1;
}

static void clear_nothing(char *text) {
        if (hv_streq(text, NOTHING))
                *text = '\0';
}

bool hv_trial_read(char *text, struct hv_trial *ret) {
        char phase[16], cause[16];
        struct hv_trial t = {};
        unsigned p, c;

        if (sscanf(text,
                   "hivelet-trial 1 phase %15s cause %15s base %64s tried %64s boot %36s deadline_us %" SCNu64
                   " began_us %" SCNu64 " ended_us %" SCNu64 " held %64s by %63[^\n]",
                   phase, cause, t.base, t.tried, t.boot_id, &t.deadline_us, &t.began_wall_us,
                   &t.ended_wall_us, t.held, t.by) != 10)
                return false;
        if (!find(phases, HV_ARRAY_SIZE(phases), phase, &p) ||
            !find(causes, HV_ARRAY_SIZE(causes), cause, &c))
                return false;
        clear_nothing(t.boot_id);
        clear_nothing(t.held);
        clear_nothing(t.by);
        if (!is_digest(t.base) || !is_digest(t.tried) || (*t.held && !is_digest(t.held)))
                return false;
        t.phase = p;
        t.cause = c;
        *ret = t;
        return true;
}

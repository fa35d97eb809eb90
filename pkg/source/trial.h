/* source/trial.h - a revision on trial: in force, and taken back by itself unless somebody says yes in time.
 *
 *                   begin                       confirm
 *          NONE -----------------> PENDING ---------------> NONE
 *           ^                    ^  |   ^ |
 *           | the files changed  |  |   '-' begin: a new deadline, the same base
 *           |                    |  | the deadline, another boot, or asked for
 *        REVERTED <-------- REVERTING <------ NONE, REVERTED
 *                 base is kept as       roll back: to any kept revision, without a trial before it
 *                 the revision in force
 *
 * Model    Pure: the time comes with each call. The deadline is an instant of CLOCK_BOOTTIME of one boot: a wall clock that is set
 *          moves nothing. After another boot it is not known how much time has passed, so what is on trial is taken back.
 * File     <state>/trial, sealed (source/sealed.h); there is none in NONE. It is durable before anything of the trial is,
 *          and goes after the yes.
 * Held     What the files say when the trial ends is what was not confirmed: they are held off, and what base said stands in for
 *          them, until they say something else. `held` is the digest of their texts; "": nothing is held off.
 */
#pragma once

#include "base/boot.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "base/time.h"

/* Time enough to look at what was done; and not so long that it is forgotten. */
#define HV_TRIAL_MIN_US (10 * HV_USEC_PER_SEC)
#define HV_TRIAL_MAX_US (24 * HV_USEC_PER_HOUR)

enum hv_trial_phase {
        HV_TRIAL_NONE,
        HV_TRIAL_PENDING,   /* in force until the deadline */
        HV_TRIAL_REVERTING, /* base is the wanted revision again; not all of it is on the disk yet */
        HV_TRIAL_REVERTED,  /* it is; what is known of the trial is kept for people, and for `held` */
};

enum hv_trial_cause {
        HV_TRIAL_NOT_DUE,
        HV_TRIAL_DEADLINE,
        HV_TRIAL_REBOOT, /* the machine was started anew meanwhile */
        HV_TRIAL_ASKED,
        HV_TRIAL_ROLLED_BACK, /* nothing was on trial: somebody wants a revision of before again */
};

struct hv_trial_now {
        char boot_id[HV_BOOT_ID_SIZE]; /* "": it cannot be had */
        uint64_t boot_us;              /* CLOCK_BOOTTIME */
        uint64_t wall_us;              /* for display only */
};

struct hv_trial {
        enum hv_trial_phase phase;
        enum hv_trial_cause cause;      /* from REVERTING on */
        char base[HV_SHA256_HEX_SIZE];  /* the revision that is gone back to */
        char tried[HV_SHA256_HEX_SIZE]; /* the one that was applied */
        char boot_id[HV_BOOT_ID_SIZE];
        uint64_t deadline_us;                  /* CLOCK_BOOTTIME of that boot */
        uint64_t began_wall_us, ended_wall_us; /* for display only; ended: from REVERTING on */
        char by[64];                           /* who began it, as the audit calls them */
        char held[HV_SHA256_HEX_SIZE];         /* from REVERTING on */
};

/* What somebody asks for with `apply --confirm`. */
struct hv_trial_wish {
        const char *base; /* a revision that is kept; as long as one is pending, its base stays */
        const char *tried;
        const char *by;
        uint64_t window_us;
        struct hv_trial_now now;
};

/* -EINVAL in words for a window that is too short or too long. */
int hv_trial_check_window(uint64_t window_us, struct hv_err *err);

/* From each phase but REVERTING (-EAGAIN). */
int hv_trial_begin(struct hv_trial *t, const struct hv_trial_wish *wish, struct hv_err *err);

/* The yes. -ENOENT nothing is pending and nothing was reverted; -EBUSY it is too late, and the sentence says since when. */
int hv_trial_confirm(struct hv_trial *t, struct hv_err *err);

/* Why it is time to go back; NOT_DUE: it is not, or nothing is pending. */
enum hv_trial_cause hv_trial_due(const struct hv_trial *t, const struct hv_trial_now *now);

/* PENDING to REVERTING; errors as hv_trial_confirm(). */
int hv_trial_revert(struct hv_trial *t, enum hv_trial_cause cause, const char *held, uint64_t now_wall_us,
                    struct hv_err *err);

/* To REVERTING at once, from each phase but PENDING (-EBUSY) and REVERTING (-EAGAIN). Of the wish the window means nothing. */
int hv_trial_roll_back(struct hv_trial *t, const struct hv_trial_wish *wish, const char *held,
                       struct hv_err *err);

/* REVERTING to REVERTED. */
void hv_trial_reverted(struct hv_trial *t, bool holds_files);

const char *hv_trial_phase_name(enum hv_trial_phase phase); /* "None", "Pending", "Reverting", "Reverted" */
const char *hv_trial_cause_text(enum hv_trial_cause cause); /* "nobody confirmed it in time" */

/* The form on the disk. Reading takes the text apart; false: it is none, and *ret is as it was. */
void hv_trial_write(const struct hv_trial *t, struct hv_buf *ret);
bool hv_trial_read(char *text, struct hv_trial *ret);

/* reconcile/cron_state.h - what the core remembers of each cron task. Private to pkg/reconcile. */
#pragma once

#include "reconcile/cron.h"
#include "reconcile/pass.h"

struct cron_word { /* somebody's, with texts of its own */
        char *by, *reason;
        uint64_t since_wall_us;
};

struct cron {
        char *name;
        const struct hv_cron_task *want; /* in the active revision; NULL: not declared (any more) */
        uint64_t until_wall_us;
        struct cron_word suspended;         /* durable; by NULL: it is not */
        bool suspend_asked, suspend_wanted; /* asked for, and to be made durable */
        struct cron_word asked;             /* ... by whom */
        struct flight *effect;              /* ADVANCE or SUSPEND */
        struct task *run;                   /* whose acceptance is under way; it moves `until_wall_us` on */
        uint64_t advance_to_us;             /* 0: nothing to record */
        struct failure failure;
        char *message;
        uint64_t
                shown_next_us; /* next_shown() at the last plan that changed nothing else; 0: none since a change */
};

struct cron *hv_cron_get(struct hv_core *c, const char *name); /* made when absent */
void hv_cron_free(void *cron);
void hv_cron_want(struct hv_core *c, const struct hv_desired *d);
int hv_cron_input(struct hv_core *c, uint64_t now_us, const struct hv_input *in, struct hv_err *err);
void hv_cron_done(struct hv_core *c, uint64_t now_us, struct flight *f, const struct hv_input *in);
void hv_cron_run_accepted(struct hv_core *c, const struct task *t);
void hv_cron_run_dropped(struct hv_core *c, const struct task *t); /* t is about to go */
/* Runs ended: which older ones need not be remembered any more. */
void hv_cron_trim_all(struct hv_core *c);
void hv_pass_crons(struct pass *p);
/* After each plan: another next time is shown, only because time went by. `changed`: so much else is told that nobody has to look. */
bool hv_crons_show_another_time(struct hv_core *c, uint64_t now_us, bool changed);

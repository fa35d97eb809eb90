/* ledger/cron.h - what is remembered of cron tasks: how far the schedule was followed, and which were told to wait, by whom. */
#pragma once

#include "ledger/ledger.h"

struct hv_ledger_suspension {
        const char *by, *reason; /* NULL: a ledger of before did not say; none was given */
        uint64_t since_us;       /* 0: not known */
};

struct hv_ledger_cron {
        const char *name;
        uint64_t until_us; /* last scheduled minute that was dealt with; 0: none */
        bool is_suspended;
        struct hv_ledger_suspension suspension;
};

typedef int (*hv_ledger_cron_visit)(const struct hv_ledger_cron *c, void *userdata);
/* All of them by name, until the visitor returns other than 0, which is then returned too. */
int hv_ledger_crons(struct hv_ledger *l, hv_ledger_cron_visit visit, void *userdata, struct hv_err *err);

/* The schedule was followed up to here without a run (missed, or forbidden beside a run that goes on). Never goes back.
 * A run advances it in hv_ledger_accept(). */
int hv_ledger_cron_advance(struct hv_ledger *l, const char *name, uint64_t until_us, struct hv_err *err);

/* `s` NULL: it is resumed. 1 changed, 0 it was so already. until_us other than 0: in the same transaction the schedule is called followed up to there, so
 * that what came while it was suspended is never made up for. */
int hv_ledger_cron_suspend(struct hv_ledger *l, const char *name, const struct hv_ledger_suspension *s,
                           uint64_t until_us, struct hv_err *err);

/* Its document is gone for good: 1 removed, 0 there was none. Its runs stay. */
int hv_ledger_cron_forget(struct hv_ledger *l, const char *name, struct hv_err *err);

/* Ids of ended runs beyond the newest `keep_completed` completed and `keep_other` other ones, oldest first: what the
 * history limits ask to forget. */
typedef int (*hv_ledger_id_visit)(const char *id, void *userdata);
int hv_ledger_cron_excess(struct hv_ledger *l, const char *name, unsigned keep_completed, unsigned keep_other,
                          hv_ledger_id_visit visit, void *userdata, struct hv_err *err);

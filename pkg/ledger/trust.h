/* ledger/trust.h - every change of the node's trust score with its cause. Written by hv_ledger_end(); kept for ever.
 *
 * Model    A node begins at 0, and the deltas of all rows add up to the score. At an edge of the scale less is applied than the
 *          rule says (`nominal`), down to nothing; that is a row all the same, for its cause. */
#pragma once

#include "ledger/ledger.h"

struct hv_ledger_trust_change {
        int delta;         /* as applied */
        unsigned score;    /* after it, 0..100 */
        const char *group; /* "high", "medium", "low" */
        const char *cause; /* in words: whose fault it was */
        int nominal;       /* what the rule says */
};

struct hv_ledger_trust {
        uint64_t seq; /* 1, 2, ...: place in the ledger */
        uint64_t at_us;
        const char *task; /* id; the task itself may be forgotten */
        unsigned number;  /* of the attempt; 0: none */
        struct hv_ledger_trust_change change;
};

/* The score in force: 1 and *ret_score; 0: nothing has changed it yet. */
int hv_ledger_trust_score(struct hv_ledger *l, unsigned *ret_score, struct hv_err *err);

/* Visits changes, newest first, from before place `before` (0: from the newest), at most `limit`, until the visitor
 * returns other than 0, which is then returned too. *ret_next (may be NULL): `before` of the next page, 0 at the end. */
typedef int (*hv_ledger_trust_visit)(const struct hv_ledger_trust *t, void *userdata);
int hv_ledger_trust_page(struct hv_ledger *l, uint64_t before, unsigned limit, hv_ledger_trust_visit visit,
                         void *userdata, uint64_t *ret_next, struct hv_err *err);

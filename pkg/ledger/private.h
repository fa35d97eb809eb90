/* ledger/private.h - what the parts of the ledger share. */
#pragma once

#include "ledger/debt.h"
#include "ledger/receipt.h"
#include "ledger/trust.h"
#include "sqlite/db.h"

struct hv_ledger {
        struct hv_db db;
};

/* Calls a visitor; no change is let in until it returns. */
#define HV_WALK(l, call)           \
        do {                       \
                (l)->db.n_walks++; \
                (call);            \
                (l)->db.n_walks--; \
        } while (0)

/* The row of a task that is written next. */
struct hv_task_row {
        int64_t seq;
        bool is_ended;
};

/* -ENOENT: no such task. */
int hv_ledger_find(struct hv_ledger *l, const char *id, struct hv_task_row *ret, struct hv_err *err);

/* hv_ledger_cron_advance() inside a transaction. */
int hv_ledger_advance(struct hv_ledger *l, const char *name, uint64_t until_us, struct hv_err *err);

/* Key of a task that is accepted now, in the same transaction; of one that is forgotten now. */
int hv_ledger_add_key(struct hv_ledger *l, const char *key, const char *id, const char *digest,
                      uint64_t now_wall_us, struct hv_err *err);
int hv_ledger_keep_keys(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err);

/* Inside a transaction: the assignment of a task; the debt of a task that a pool assigned (of others there is none: 0); -EBUSY
 * while one is open. */
int hv_ledger_add_assignment(struct hv_ledger *l, const char *id, const struct hv_ledger_assignment *a,
                             struct hv_err *err);
int hv_ledger_add_debt(struct hv_ledger *l, int64_t task, unsigned number, uint64_t now_wall_us,
                       struct hv_err *err);
int hv_ledger_expect_no_debt(struct hv_ledger *l, int64_t task, struct hv_err *err);

/* Their parts of hv_ledger_end(), inside its transaction. `number` 0: of no attempt. */
int hv_ledger_add_trust(struct hv_ledger *l, const char *id, unsigned number, uint64_t at_us,
                        const struct hv_ledger_trust_change *t, struct hv_err *err);
int hv_ledger_add_receipt(struct hv_ledger *l, const char *id, unsigned number, uint64_t at_us,
                          const struct hv_ledger_new_receipt *r, struct hv_err *err);

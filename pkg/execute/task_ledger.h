/* execute/task_ledger.h - a task's action as a transaction of the ledger. Private to the module. */
#pragma once

#include "base/err.h"
#include "ledger/attempt.h"
#include "reconcile/action.h"
#include "task/usage.h"

struct hv_ledger_assignment;
struct hv_receipt_key;
struct hv_receipt_input;

/* How a task was asked for: what an ACCEPT records beside it. */
struct hv_task_asked {
        const char *key;                               /* the asker's idempotency key; NULL: none */
        const struct hv_ledger_assignment *assignment; /* of a node pool; NULL: none */
};

/* What the record and the receipt of an attempt's end say beside the action. */
struct hv_task_end_facts {
        const struct hv_receipt_key *key; /* NULL: no receipt */
        const char *node_id;
        const char *image_id; /* NULL: not known */
        const struct hv_receipt_input *inputs;
        size_t n_inputs;
        bool inputs_known;
        struct hv_task_usage usage;
};

/* ACCEPT (`asked`), STOPPING, BEGIN, END (`facts`), FORGET; CRON_ADVANCE, CRON_SUSPEND. */
enum hv_outcome hv_task_ledger_do(struct hv_ledger *l, const struct hv_action *a,
                                  const struct hv_task_asked *asked, const struct hv_task_end_facts *facts,
                                  struct hv_ledger_instant now, struct hv_err *err);

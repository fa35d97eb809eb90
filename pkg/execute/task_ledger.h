/* execute/task_ledger.h - a task's action as a transaction of the ledger. Private to the module. */
#pragma once

#include "base/err.h"
#include "reconcile/action.h"

struct hv_ledger;

/* ACCEPT (key: the asker's idempotency key, or NULL), STOPPING, BEGIN, END, FORGET; CRON_ADVANCE, CRON_SUSPEND. */
enum hv_outcome hv_task_ledger_do(struct hv_ledger *l, const struct hv_action *a, const char *key,
                                  uint64_t now_wall_us, struct hv_err *err);

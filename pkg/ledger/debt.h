/* ledger/debt.h - what a node pool assigned, and the result that it is owed from the end of the task until it has it.
 *
 *      accept (promise.h) --> assignment ... end (attempt.h) --> debt --> paid: committed | unwanted
 *                                                                 ^                    |
 *                                                                 '--- assigned again -'
 *
 * Model    The last end of a task from a pool leaves a debt in the same transaction. An open debt keeps its task from being
 *          forgotten, and the task's result with it. The lease under which it is paid is that of the newest assignment: a pool
 *          that gives the same work to this node again takes what is there, also when it had it before and lost it.
 * Source   docs/pool.md, "Results".
 */
#pragma once

#include "ledger/ledger.h"

struct hv_ledger_assignment {
        unsigned attempt;     /* as the pool counts; 0: it does not */
        uint64_t lease_epoch; /* 0: none */
};

/* The pool assigned a known task again: 1 noted, 0 it was so. -ENOENT: no such task, or not a pool's;
 * -ESTALE: of an older attempt or lease than the one that is known. */
int hv_ledger_assign(struct hv_ledger *l, const char *id, const struct hv_ledger_assignment *a,
                     struct hv_err *err);

/* The newest assignment of a task. 1; 0: there is none. */
int hv_ledger_assignment(struct hv_ledger *l, const char *id, struct hv_ledger_assignment *ret,
                         struct hv_err *err);

struct hv_ledger_debt { /* texts live until the visitor returns */
        uint64_t seq;   /* grows, never used twice */
        const char *id;
        struct hv_ledger_assignment assignment;
        unsigned number; /* attempt of the result; 0: it never ran */
        uint64_t since_us, log_sent;
        const char *state, *cause, *message;
        int exit_code; /* -1: none */
        uint64_t accepted_us, started_us, finished_us;
        bool log_truncated;
        uint64_t log_bytes, outputs_bytes;
        const char *log_sha256; /* NULL: there is no log */
        const char *receipt;    /* JSON; NULL: none */
};

/* Open debts above `after`, oldest first, until the visitor returns other than 0, which is then returned too. */
typedef int (*hv_ledger_debt_visit)(const struct hv_ledger_debt *d, void *userdata);
int hv_ledger_debts(struct hv_ledger *l, uint64_t after, hv_ledger_debt_visit visit, void *userdata,
                    struct hv_err *err);

/* How many are open, and the bytes of their logs and outputs. */
int hv_ledger_count_debts(struct hv_ledger *l, uint64_t *ret_n, uint64_t *ret_bytes, struct hv_err *err);

/* The pool has the log up to here. -ENOENT: no open debt of that number. */
int hv_ledger_debt_log(struct hv_ledger *l, uint64_t seq, uint64_t log_sent, struct hv_err *err);

/* The pool that has the last result of a task asks for it once more: it is owed from now on, under the number that it had, with all
 * of its log. 1; 0: it is owed already. -ENOENT: nothing was ever owed for it; -EBUSY: it is live again. */
int hv_ledger_owe_again(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err);

/* outcome: "committed", or "unwanted" with the pool's words. 1 now, 0 it was paid before (the first word stands);
 * -ENOENT: no debt of that number. */
int hv_ledger_pay(struct hv_ledger *l, uint64_t seq, const char *outcome, const char *message,
                  uint64_t now_wall_us, struct hv_err *err);

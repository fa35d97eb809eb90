/* ledger/promise.h - a task as a promise: given once, asked to stop, given anew, forgotten.
 *
 *      accept --> Queued ... (attempt.h) ... ended --> forget
 *                   ^                          |
 *                   '---------- retry ---------'
 */
#pragma once

#include "ledger/debt.h"
#include "ledger/key.h"

struct hv_ledger_promise {
        const char *id;     /* 1..64 characters */
        const char *name;   /* of the document; of a submitted one its id */
        const char *source; /* "file", "cron", "api", "pool" */
        const char *cron;   /* name of the cron task that made it; NULL: none */
        const char *document;
        const char *digest; /* 64 hex digits: same digest, same work */
        unsigned priority;  /* 0..100 */
        uint64_t accepted_us;

        const char *key;                               /* the asker's idempotency key; NULL: none */
        const struct hv_ledger_assignment *assignment; /* of a pool, debt.h; NULL: none */
        uint64_t
                cron_until_us; /* scheduled minute that `cron` is done with, in the same transaction; 0: none */
};

/* 1 accepted now; 0 accepted before, with the same digest: the first promise stands. *ret_id (may be NULL) is the id of
 * the promise that stands: with a known key that of the first asking, whatever id is asked for now.
 * -EEXIST: the id or the key stands for other content; -ESTALE: the key stands for a task that was forgotten. */
int hv_ledger_accept(struct hv_ledger *l, const struct hv_ledger_promise *p, char ret_id[HV_LEDGER_ID_SIZE],
                     struct hv_err *err);

/* Somebody asks for its end. 1 noted, 0 it was asked for before (the first asking stands); -EALREADY: ended. */
int hv_ledger_stop(struct hv_ledger *l, const char *id, const char *by, const char *reason,
                   uint64_t now_wall_us, struct hv_err *err);

/* An ended task becomes Queued again; attempt numbers go on, counts and the stop request begin anew. -EBUSY: not ended, or
 * its result is still owed to a pool. */
int hv_ledger_retry(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err);

/* Removes an ended task with its attempts. Its trust changes and receipts stay, its keys for a while (key.h). Also forgotten is
 * that its content ran: whoever asks for it again without a key (a file that still holds it) gets a new run. -EBUSY: not
 * ended. */
int hv_ledger_forget(struct hv_ledger *l, const char *id, uint64_t now_wall_us, struct hv_err *err);

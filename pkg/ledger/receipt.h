/* ledger/receipt.h - receipts of finished tasks, each naming the one before it. Written by hv_ledger_end(); kept for ever.
 *
 * Model    The ledger keeps texts and their hashes and guards only the order: a receipt names the hash of the last one, so
 *          that the chain has neither gap nor fork. What a receipt says and who signs it is the caller's.
 */
#pragma once

#include "base/sha256.h"
#include "ledger/ledger.h"

struct hv_ledger_new_receipt {
        const char *text;
        const char *sha256;   /* its place in the chain, 64 hex digits */
        const char *previous; /* that of the receipt before it; NULL: it is the first */
};

struct hv_ledger_receipt {
        uint64_t seq; /* 1, 2, ...: place in the chain */
        uint64_t at_us;
        const char *task; /* id; the task itself may be forgotten */
        unsigned number;  /* of the attempt; 0: none */
        const char *text, *sha256, *previous;
};

/* Hash of the last receipt: 1 and the hash; 0: there is none yet. */
int hv_ledger_receipt_last(struct hv_ledger *l, char ret_sha256[HV_SHA256_HEX_SIZE], struct hv_err *err);

/* Visits the receipts of a task (of all when `id` is NULL) from place `from` on, oldest first, at most `limit`, until the
 * visitor returns other than 0, which is then returned too. A task that was retried has several; one without any is no
 * error. */
typedef int (*hv_ledger_receipt_visit)(const struct hv_ledger_receipt *r, void *userdata);
int hv_ledger_receipts(struct hv_ledger *l, const char *id, uint64_t from, unsigned limit,
                       hv_ledger_receipt_visit visit, void *userdata, struct hv_err *err);

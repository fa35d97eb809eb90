/* ledger/key.h - idempotency keys: whoever asks again with the same key means the task of the first asking.
 *
 *      accepted under a key ---> the task is known ---> forgotten ---> HV_LEDGER_KEY_KEPT_US later the key is free
 *
 * Model    A key is written with the promise (hv_ledger_promise.key), in the same transaction. It stands for its task as long as
 *          that is known and for a day longer, so that an answer that came late, or never, is not the reason for a second run.
 *          Old ones go with the next change that has to do with keys: a node that is in sync writes nothing.
 */
#pragma once

#include "base/sha256.h"
#include "base/time.h"
#include "ledger/ledger.h"

#define HV_LEDGER_KEY_KEPT_US (HV_USEC_PER_DAY) /* after its task was forgotten */

struct hv_ledger_key {
        char id[HV_LEDGER_ID_SIZE];      /* of the task */
        char digest[HV_SHA256_HEX_SIZE]; /* of its content */
        uint64_t forgotten_us;           /* 0: the task is known */
};

/* What a key stands for: 1 and *ret; 0: nothing. */
int hv_ledger_key(struct hv_ledger *l, const char *key, uint64_t now_wall_us, struct hv_ledger_key *ret,
                  struct hv_err *err);

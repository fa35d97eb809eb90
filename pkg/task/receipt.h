/* task/receipt.h - what a node says about a finished task, signed, each receipt naming the one before it.
 *
 *      {"receipt":{"attempt":1,"cause":"success",...,"previous":"<hash>",...},"signature":"<128 hex digits>"}
 *
 * Model    One line of JSON. Signed are the bytes of the member `receipt` as they stand; the hash of a receipt, which the next
 *          one names as `previous`, is the SHA-256 of the whole line without its newline. Both are in canonical form (no
 *          blanks, keys sorted, whole numbers only), and what is not is refused: a receipt has one way to be written.
 *          Somebody who lacks the key can neither change a receipt nor leave one out between two others. Whoever has the
 *          key can; and the end of a chain can be cut off, so keep the newest hash elsewhere if that matters.
 * Source   docs/receipts.md, which holds a verifier of 20 lines. Ed25519: RFC 8032.
 */
#pragma once

#include "base/buf.h"
#include "base/sha256.h"
#include "task/receipt_key.h"
#include "task/usage.h"

struct hv_receipt_input {
        const char *path, *sha256;
        uint64_t size_bytes;
};

/* NULL and 0 are "not known", which the receipt says as null. */
struct hv_receipt {
        const char *node, *task, *name, *source; /* source: "file", "cron", "api", "pool" */
        const char *digest, *document_sha256;    /* of the task's meaning, and of its document's text */
        unsigned attempt;                        /* 0: it ended without one */
        const char *image, *image_id;
        const struct hv_receipt_input *inputs;
        size_t n_inputs;
        bool inputs_known;
        const char *outputs_sha256; /* of the manifest */
        uint64_t n_outputs, outputs_bytes;
        const char *log_sha256;
        uint64_t log_bytes;
        bool log_truncated, oom_killed;
        int exit_code;                              /* -1: none */
        const char *cause, *reason, *state;         /* reason: why the node itself stopped it, "GpuLost" */
        uint64_t started_us, finished_us, ended_us; /* wall clock; ended: when it was recorded */
        struct hv_task_usage usage;
        const char *previous; /* NULL: the first of its chain */
};

/* The line without a newline, appended; and its hash. */
void hv_receipt_make(const struct hv_receipt *r, const struct hv_receipt_key *key, struct hv_buf *ret,
                     char ret_sha256[HV_SHA256_HEX_SIZE]);

struct hv_receipt_checked {
        char task[65], state[16], key[HV_RECEIPT_KEY_HEX_SIZE];
        unsigned attempt;
        uint64_t ended_us;
        char sha256[HV_SHA256_HEX_SIZE];   /* its own */
        char previous[HV_SHA256_HEX_SIZE]; /* "": the first */
};

/* One line (a newline at its end is passed over). `key`: 64 hex digits that it must be signed with; NULL: the key that it
 * names itself, which shows that it is whole and not who made it. -EBADMSG: it is no receipt, or changed; -EKEYREJECTED:
 * another key; -EINVAL: `key` is none. */
int hv_receipt_check(const char *text, size_t len, const char *key, struct hv_receipt_checked *ret,
                     struct hv_err *err);

/* The next of a chain, after `before` (NULL: there is nothing before it to compare with). -EPROTO: it does not follow. */
int hv_receipt_check_next(const struct hv_receipt_checked *before, const struct hv_receipt_checked *next,
                          struct hv_err *err);

/* task/receipt_key.h - the key that a node signs its receipts with: Ed25519, made once.
 *
 * Model    <state>/receipt.key holds the seed (RFC 8032, 32 bytes) in hex, 0600. It is made on first use and never replaced:
 *          a file that is there and is no key is an error, because a new key would make every receipt of before a stranger's.
 * Owner    the caller ends it with hv_receipt_key_free(), which zeroes it.
 */
#pragma once

#include "base/err.h"

#define HV_RECEIPT_KEY_SIZE 32
#define HV_RECEIPT_KEY_HEX_SIZE 65 /* 64 digits and the terminator */
#define HV_RECEIPT_SIGNATURE_SIZE 64

struct hv_receipt_key;

/* -EBADMSG: the file is no key. */
int hv_receipt_key_open(const char *state_dir, struct hv_receipt_key **ret, struct hv_err *err);
struct hv_receipt_key *hv_receipt_key_new(const unsigned char seed[HV_RECEIPT_KEY_SIZE]); /* for tests */
struct hv_receipt_key *hv_receipt_key_free(struct hv_receipt_key *k); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_receipt_key, hv_receipt_key_free);

const char *hv_receipt_key_public(const struct hv_receipt_key *k); /* 64 lower-case hex digits */

void hv_receipt_key_sign(const struct hv_receipt_key *k, const void *data, size_t len,
                         unsigned char ret[HV_RECEIPT_SIGNATURE_SIZE]);
bool hv_receipt_key_verify(const unsigned char public_key[HV_RECEIPT_KEY_SIZE], const void *data, size_t len,
                           const unsigned char signature[HV_RECEIPT_SIGNATURE_SIZE]);

/* Lower-case hex digits and nothing else, exactly 2 * size of them. */
bool hv_receipt_hex_decode(const char *text, unsigned char *ret, size_t size);

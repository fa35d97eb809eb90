/* base/secret.h - bytes that must not be seen.
 *
 * Model    Opaque, so that no printf takes it by accident; zeroed before it is freed; kept out of core dumps
 *          where the kernel allows. Whoever needs the bytes asks for them by name (hv_secret_bytes) and keeps
 *          no copy.
 */
#pragma once

#include "base/macros.h"

struct hv_secret;

struct hv_secret *hv_secret_new(const void *data, size_t len);
struct hv_secret *hv_secret_free(struct hv_secret *s); /* zeroes; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_secret, hv_secret_free);

const void *hv_secret_bytes(const struct hv_secret *s); /* good until free; a terminator follows the bytes */
size_t hv_secret_len(const struct hv_secret *s);

/* First 12 hex digits of the SHA-256 of the bytes: enough to see that a secret changed, not to guess it
 * offline (secrets of low entropy would be guessable from more; plans and the API show only this). */
void hv_secret_fingerprint(const struct hv_secret *s, char ret_hex[13]);

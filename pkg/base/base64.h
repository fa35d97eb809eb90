/* base/base64.h - bytes as text: keys, logins, registry headers.
 *
 * Source   RFC 4648: section 4 (the usual alphabet), section 5 (safe in URLs). Decoding takes both alphabets, with or
 *          without padding, and nothing else: no blanks, no stray bits in the last digit.
 */
#pragma once

#include "base/macros.h"

#define HV_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1) /* room for the text of n bytes, terminated */

void hv_base64_encode(const void *data, size_t len, char *ret); /* HV_BASE64_SIZE(len) */
void hv_base64url_encode(const void *data, size_t len,
                         char *ret); /* the other alphabet, padded all the same */

/* `ret` has room for len / 4 * 3 + 2 bytes. False, with *ret_len left alone, for what is not base64. */
bool hv_base64_decode(const char *text, size_t len, void *ret, size_t *ret_len);

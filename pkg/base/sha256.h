/* base/sha256.h - SHA-256, for digests made in pure modules (which link no library).
 *
 * Source   FIPS 180-4. Not for passwords or signatures: those use nettle, in the modules that own them.
 */
#pragma once

#include "base/macros.h"

#define HV_SHA256_SIZE 32
#define HV_SHA256_HEX_SIZE 65 /* 64 digits and the terminator */

struct hv_sha256 {
        uint32_t h[8];
        uint64_t n_bytes;
        unsigned char block[64];
};

void hv_sha256_init(struct hv_sha256 *s);
void hv_sha256_add(struct hv_sha256 *s, const void *data, size_t len);
void hv_sha256_finish(struct hv_sha256 *s, unsigned char ret_digest[HV_SHA256_SIZE]);
void hv_sha256_finish_hex(struct hv_sha256 *s, char ret_hex[HV_SHA256_HEX_SIZE]);
void hv_sha256_hex(const void *data, size_t len, char ret_hex[HV_SHA256_HEX_SIZE]);

/* base/crc32.h - the checksum of gzip and zip. Finds accidents, not attacks: for those there is SHA-256.
 *
 * Source   RFC 1952, section 8 (polynomial 0xedb88320, reflected).
 */
#pragma once

#include "base/macros.h"

/* Goes on from `crc`, which is 0 in the beginning. */
uint32_t hv_crc32(uint32_t crc, const void *data, size_t len);

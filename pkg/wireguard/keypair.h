/* wireguard/keypair.h - keys of WireGuard: Curve25519, 32 bytes, in base64 for people.
 *
 * Source   RFC 7748, sections 5 and 6.1; wg(8), genkey and pubkey.
 */
#pragma once

#include "base/err.h"
#include "spec/value_name.h"

#define HV_WG_KEY_TEXT_SIZE 45 /* base64, terminated */

/* From the kernel's random numbers, clamped. The caller zeroes it. */
int hv_wg_private_key_make(unsigned char ret[HV_WG_KEY_SIZE], struct hv_err *err);
void hv_wg_public_key(const unsigned char private_key[HV_WG_KEY_SIZE], unsigned char ret[HV_WG_KEY_SIZE]);

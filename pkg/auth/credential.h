/* auth/credential.h - the texts that let somebody in: tokens and session keys.
 *
 * Model    A prefix that says what it is (so that scanners for leaked secrets find it), and 256 random bits. Only the digest of a
 *          text is ever kept: what is looked up is the digest, so neither a look-up that takes longer nor a file that was read tells
 *          anything about the text.
 */
#pragma once

#include "base/sha256.h"

#define HV_CREDENTIAL_TOKEN "hvt_"   /* hivectl token create */
#define HV_CREDENTIAL_SESSION "hvs_" /* a login */
#define HV_CREDENTIAL_FIRST "hvf_"   /* the first login of a node that has no users */
#define HV_CREDENTIAL_CSRF "hvc_"    /* what pages send along with each change */

#define HV_CREDENTIAL_SIZE 48 /* prefix, 43 letters and the terminator */

void hv_credential_make(const char *prefix, char ret[HV_CREDENTIAL_SIZE]);

/* Of any text. */
void hv_credential_digest(const char *text, char ret_hex[HV_SHA256_HEX_SIZE]);

/* Whether both are the same, in a time that does not tell where they differ. */
bool hv_credential_is_same(const char *a, const char *b);

/* rpc/pem.h - judges certificates and keys before gRPC gets them; private.
 *
 * Why      gRPC takes any text and says at the first handshake that something was wrong with one of them.
 * Source   the same library that gRPC's TLS is made of, so both agree on what is well-formed.
 */
#pragma once

#include "base/err.h"

/* At least one certificate, and each well-formed. `file` names it in errors. */
int rpc_pem_check_authorities(const char *file, const char *pem, size_t len, struct hv_err *err);

/* A chain of certificates, and the key of the first one. *ret_not_after_us: when that ends, CLOCK_REALTIME. */
int rpc_pem_check_pair(const char *cert_file, const char *cert, size_t cert_len, const char *key_file,
                       const char *key, size_t key_len, uint64_t *ret_not_after_us, struct hv_err *err);

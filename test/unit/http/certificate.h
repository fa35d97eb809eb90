/* certificate.h - pairs of certificate and key, made by GnuTLS for a test. */
#pragma once

#include <gnutls/gnutls.h>

#include "../source/scratch.h"

/* Writes NAME.pem, signed by itself, of the DNS name NAME, of 192.0.2.7 and of 2001:db8::7, and its NAME.key. */
void certificate_make(const struct scratch *s, const char *name, gnutls_pk_algorithm_t algorithm);

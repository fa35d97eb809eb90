#include "certificate.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <time.h>

#include "base/alloc.h"

static void must(int r) {
        if (r < 0)
                fail_msg("%s", gnutls_strerror(r));
}

static void add_address(gnutls_x509_crt_t cert, int family, const char *address) {
        unsigned char bytes[16];

        assert_int_equal(inet_pton(family, address, bytes), 1);
        must(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, bytes,
                                                  family == AF_INET ? 4 : 16, GNUTLS_FSAN_APPEND));
}

static void write_out(const struct scratch *s, const char *name, const char *suffix, gnutls_datum_t *text) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s.%s", name, suffix);

        scratch_write(s, file, (const char *) text->data);
        gnutls_free(text->data);
}

void certificate_make(const struct scratch *s, const char *name, gnutls_pk_algorithm_t algorithm) {
        static unsigned char serial;
        gnutls_x509_privkey_t key;
        gnutls_x509_crt_t cert;
        gnutls_datum_t text;

        serial++;
        must(gnutls_x509_privkey_init(&key));
        must(gnutls_x509_privkey_generate(
                key, algorithm,
                algorithm == GNUTLS_PK_RSA ? 2048 : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
        must(gnutls_x509_crt_init(&cert));
        must(gnutls_x509_crt_set_version(cert, 3));
        must(gnutls_x509_crt_set_serial(cert, &serial, 1));
        must(gnutls_x509_crt_set_activation_time(cert, time(NULL) - 3600));
        must(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + 3600));
        must(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name, (unsigned) strlen(name),
                                                  GNUTLS_FSAN_SET));
        add_address(cert, AF_INET, "192.0.2.7");
        add_address(cert, AF_INET6, "2001:db8::7");
        must(gnutls_x509_crt_set_key(cert, key));
        must(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0));
        must(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &text));
        write_out(s, name, "pem", &text);
        must(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text));
        write_out(s, name, "key", &text);
        gnutls_x509_crt_deinit(cert);
        gnutls_x509_privkey_deinit(key);
}

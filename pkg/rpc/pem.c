/* rpc/pem.c - see pem.h. */
#include "rpc/pem.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/time.h"

static void bio_freep(BIO **bio) {
        (void) BIO_free(*bio);
}

static void x509_freep(X509 **cert) {
        X509_free(*cert);
}

static void key_freep(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static const char *reason(void) {
        const char *text = ERR_reason_error_string(ERR_peek_last_error());

        return text ? text : "malformed";
}

/* Sets *ret_first to the first certificate where asked. `what` is "authorities" or "certificate". */
static int read_chain(const char *what, const char *file, const char *pem, size_t len, X509 **ret_first,
                      struct hv_err *err) {
        _hv_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int) len);
        unsigned n = 0;

        ERR_clear_error();
        for (;; n++) {
                X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

                if (!cert)
                        break;
                if (n == 0 && ret_first)
                        *ret_first = cert;
                else
                        X509_free(cert);
        }
        if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                return hv_err_set(err, -EINVAL, "%s %s: certificate %u of it is broken: %s", what, file,
                                  n + 1, reason());
        ERR_clear_error();
        if (n == 0)
                return hv_err_set(err, -EINVAL,
                                  "%s %s: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", what,
                                  file);
        return 0;
}

int rpc_pem_check_authorities(const char *file, const char *pem, size_t len, struct hv_err *err) {
        int r = read_chain("authorities", file, pem, len, NULL, err);

        ERR_clear_error();
        return r;
}

/* Nobody is there to be asked for a password. */
static int no_password(char *buf, int size, int for_writing, void *userdata) {
        bool *asked = userdata;

        (void) buf;
        (void) size;
        (void) for_writing;
        *asked = true;
        return -1;
}

static int read_key(const char *file, const char *pem, size_t len, EVP_PKEY **ret, struct hv_err *err) {
        _hv_cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int) len);
        bool asked = false;

        ERR_clear_error();
        *ret = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
        if (*ret)
                return 0;
        if (asked)
                return hv_err_set(err, -EINVAL, "key %s: is encrypted; a key without a password is expected",
                                  file);
        if (!memmem(pem, len, " PRIVATE KEY-----", strlen(" PRIVATE KEY-----")))
                return hv_err_set(err, -EINVAL,
                                  "key %s: holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", file);
        return hv_err_set(err, -EINVAL, "key %s: is broken: %s", file, reason());
}

static uint64_t not_after_us(const X509 *cert) {
        struct tm tm = {};
        time_t end;

        if (!ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
                return HV_TIME_NEVER;
        end = timegm(&tm);
        return end < 0 ? 0 : (uint64_t) end * HV_USEC_PER_SEC;
}

int rpc_pem_check_pair(const char *cert_file, const char *cert, size_t cert_len, const char *key_file,
                       const char *key, size_t key_len, uint64_t *ret_not_after_us, struct hv_err *err) {
        _hv_cleanup_(x509_freep) X509 *first = NULL;
        _hv_cleanup_(key_freep) EVP_PKEY *secret = NULL;
        int r = read_chain("certificate", cert_file, cert, cert_len, &first, err);

        if (r == 0)
                r = read_key(key_file, key, key_len, &secret, err);
        if (r == 0 && X509_check_private_key(first, secret) != 1)
                r = hv_err_set(err, -EINVAL, "key %s: is not the key of the first certificate in %s",
                               key_file, cert_file);
        if (r == 0)
                *ret_not_after_us = not_after_us(first);
        ERR_clear_error();
        return r;
}

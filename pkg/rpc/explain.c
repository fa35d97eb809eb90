/* rpc/explain.c - see explain.h. */
#include "rpc/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "rpc/credentials_core.h"
#include "rpc/target.h"

#define CONNECT_S 1 /* it was reachable a moment ago, or there is nothing to explain */
#define ANSWER_S 2
#define NAMES_MAX 4

static const unsigned char alpn_h2[] = { 2, 'h', '2' };

/* The first thing that the verification did not like. */
struct finding {
        int error; /* X509_V_ERR_*; X509_V_OK: none */
        X509 *cert;
};

static void ctx_freep(SSL_CTX **ctx) {
        SSL_CTX_free(*ctx);
}

static void ssl_freep(SSL **ssl) {
        SSL_free(*ssl);
}

static void bio_freep(BIO **bio) {
        (void) BIO_free(*bio);
}

static void names_freep(GENERAL_NAMES **names) {
        GENERAL_NAMES_free(*names);
}

static void finding_done(struct finding *f) {
        X509_free(f->cert);
}

/* --- words --- */

/* What stands in a certificate is the other side's: escaped, and cut. */
static void say_bio(struct hv_buf *b, BIO *bio) {
        char *text, quoted[HV_TEXT_QUOTE_SIZE];

        (void) BIO_write(bio, "", 1);
        (void) BIO_get_mem_data(bio, &text);
        hv_buf_printf(b, "%s", hv_text_quote(text, quoted));
}

static void say_name(struct hv_buf *b, const X509_NAME *name) {
        _hv_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());

        (void) X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
        say_bio(b, bio);
}

static void say_time(struct hv_buf *b, const ASN1_TIME *at) {
        char text[32] = "an unreadable date";
        struct tm tm;

        if (ASN1_TIME_to_tm(at, &tm))
                (void) strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
        hv_buf_printf(b, "%s", text);
}

static void say_now(struct hv_buf *b) {
        time_t now = time(NULL);
        char text[32];
        struct tm tm;

        (void) strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &tm));
        hv_buf_printf(b, "; this machine's clock says %s", text);
}

static void say_names(struct hv_buf *b, const X509 *cert) {
        _hv_cleanup_(names_freep) GENERAL_NAMES *names =
                X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        int n = names ? sk_GENERAL_NAME_num(names) : 0;

        if (n == 0) {
                hv_buf_printf(b, " names no host (it has no subjectAltName)");
                return;
        }
        hv_buf_printf(b, " is for ");
        for (int i = 0; i < HV_MIN(n, NAMES_MAX); i++) {
                _hv_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_mem());

                (void) GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, i));
                hv_buf_printf(b, i ? ", " : "");
                say_bio(b, bio);
        }
        if (n > NAMES_MAX)
                hv_buf_printf(b, " and %d more", n - NAMES_MAX);
}

static void say_finding(struct hv_buf *b, const struct finding *f, const char *host, const char *ca_file) {
        hv_buf_printf(b, "the certificate that %s shows, of ", host);
        say_name(b, X509_get_subject_name(f->cert));
        switch (f->error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
                hv_buf_printf(b, ", ended at ");
                say_time(b, X509_get0_notAfter(f->cert));
                say_now(b);
                break;
        case X509_V_ERR_CERT_NOT_YET_VALID:
                hv_buf_printf(b, ", begins at ");
                say_time(b, X509_get0_notBefore(f->cert));
                say_now(b);
                break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                hv_buf_printf(b, ",");
                say_names(b, f->cert);
                hv_buf_printf(b, ", expected one for %s", host);
                break;
        case X509_V_ERR_INVALID_PURPOSE:
                hv_buf_printf(b, ", is not meant for a server (extendedKeyUsage)");
                break;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
                hv_buf_printf(b, ", is signed by itself, expected one of an authority of %s", ca_file);
                break;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
                hv_buf_printf(b, ", is signed by ");
                say_name(b, X509_get_issuer_name(f->cert));
                hv_buf_printf(b, ", expected an authority of %s", ca_file);
                break;
        default:
                hv_buf_printf(b, ", is not good enough: %s", X509_verify_cert_error_string(f->error));
        }
}

static bool is_alert(unsigned long e) {
        return ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) >= SSL_AD_REASON_OFFSET;
}

/* Many servers, gRPC's among them, close without a word. */
static void say_refusal(struct hv_buf *b, const char *reason, const char *host, SSL *ssl,
                        const char *cert_file) {
        const X509 *own = SSL_get_certificate(ssl);

        if (!own) {
                hv_buf_printf(
                        b,
                        "%s ends the connection at the handshake (%s): it expects a certificate of this side, "
                        "and there is none",
                        host, reason);
                return;
        }
        hv_buf_printf(
                b, "%s ends the connection at the handshake (%s): it does not take the certificate %s, of ",
                host, reason, cert_file);
        say_name(b, X509_get_subject_name(own));
        hv_buf_printf(b, " by ");
        say_name(b, X509_get_issuer_name(own));
        hv_buf_printf(b, ", valid from ");
        say_time(b, X509_get0_notBefore(own));
        hv_buf_printf(b, " to ");
        say_time(b, X509_get0_notAfter(own));
}

/* --- the handshake --- */

static int on_verify(int ok, X509_STORE_CTX *store) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct finding *f = SSL_get_app_data(ssl);

        if (!ok && !f->cert) {
                f->error = X509_STORE_CTX_get_error(store);
                f->cert = X509_STORE_CTX_get_current_cert(store);
                if (f->cert)
                        (void) X509_up_ref(f->cert);
        }
        return ok;
}

static int dial(const char *host, const char *port) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        const struct timeval patience = { .tv_sec = CONNECT_S }, answer = { .tv_sec = ANSWER_S };
        struct addrinfo *all = NULL;
        int fd = -1;

        if (getaddrinfo(host, port, &hints, &all) != 0)
                return -1;
        for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
                fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
                if (fd < 0)
                        continue;
                (void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof answer);
                if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
                        (void) close(fd);
                        fd = -1;
                }
        }
        freeaddrinfo(all);
        return fd;
}

static SSL *new_session(SSL_CTX *ctx, const char *host, const struct hv_rpc_tls_files *files) {
        struct in6_addr address;
        SSL *ssl;

        (void) SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
        (void) SSL_CTX_set_alpn_protos(ctx, alpn_h2, sizeof alpn_h2);
        /* Files that cannot be read are told by whoever made credentials of them. */
        if (SSL_CTX_load_verify_file(ctx, files->ca_file) != 1 ||
            (files->cert_file && (SSL_CTX_use_certificate_chain_file(ctx, files->cert_file) != 1 ||
                                  SSL_CTX_use_PrivateKey_file(ctx, files->key_file, SSL_FILETYPE_PEM) != 1)))
                return NULL;
        ssl = SSL_new(ctx);
        if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1) {
                (void) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
        } else {
                (void) SSL_set_tlsext_host_name(ssl, host);
                (void) SSL_set1_host(ssl, host);
        }
        return ssl;
}

/* The handshake failed here. */
static void say_failure(struct hv_buf *b, unsigned long e, const char *host) {
        const char *reason = ERR_reason_error_string(e);

        if (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_WRONG_VERSION_NUMBER)
                hv_buf_printf(b, "%s does not speak TLS, expected a server with a certificate", host);
        else if (ERR_GET_LIB(e) == ERR_LIB_SSL)
                hv_buf_printf(b, "no TLS with %s: %s", host, reason ? reason : "the handshake failed");
}

/* With TLS 1.3 a server says what it thinks of us after our side is through. A gRPC server that is content sends its settings;
 * one that says nothing yet may be slow. */
static void say_answer(struct hv_buf *b, SSL *ssl, const char *host, const char *cert_file) {
        const unsigned char *protocol;
        unsigned len;
        char first;
        int r, error;

        SSL_get0_alpn_selected(ssl, &protocol, &len);
        if (len == 0) {
                hv_buf_printf(b, "%s speaks TLS, but chose no HTTP/2 (ALPN), as a gRPC server does", host);
                return;
        }
        r = SSL_read(ssl, &first, 1);
        error = SSL_get_error(ssl, r);
        if (is_alert(ERR_peek_error()))
                say_refusal(b, ERR_reason_error_string(ERR_peek_error()), host, ssl, cert_file);
        else if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SSL ||
                 (error == SSL_ERROR_SYSCALL && errno == ECONNRESET))
                say_refusal(b, "without a reason", host, ssl, cert_file);
}

static void shake_hands(struct hv_buf *b, int fd, const char *host, const struct hv_rpc_tls_files *files) {
        _hv_cleanup_(ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        _hv_cleanup_(finding_done) struct finding f = {};
        _hv_cleanup_(ssl_freep) SSL *ssl = new_session(ctx, host, files);

        if (!ssl)
                return;
        (void) SSL_set_app_data(ssl, &f);
        (void) SSL_set_fd(ssl, fd);
        ERR_clear_error();
        if (SSL_connect(ssl) > 0)
                say_answer(b, ssl, host, files->cert_file);
        else if (f.cert)
                say_finding(b, &f, host, files->ca_file);
        else if (is_alert(ERR_peek_error()))
                say_refusal(b, ERR_reason_error_string(ERR_peek_error()), host, ssl, files->cert_file);
        else
                say_failure(b, ERR_peek_error(), host);
}

char *hv_rpc_explain_tls(const char *target, const struct hv_rpc_tls_files *files) {
        struct hv_rpc_tls_files with = *files;
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        _hv_cleanup_free_ char *host = NULL, *port = NULL;

        if (!with.ca_file)
                with.ca_file = RPC_SYSTEM_AUTHORITIES;
        if (!rpc_target_split(target, &host, &port))
                return NULL;
        fd = dial(host, port);
        if (fd >= 0)
                shake_hands(&b, fd, host, &with);
        ERR_clear_error();
        return b.len ? hv_buf_steal(&b) : NULL;
}

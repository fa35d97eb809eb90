/* rpc/credentials.c - see credentials.h. */
#include "rpc/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/time.h"
#include "rpc/credentials_core.h"
#include "rpc/pem.h"

#define FILE_BYTES_MAX (4u << 20) /* the system's bundle has 0.2 MiB */

/* What the files held. The certificates are no secret, but one type is enough. */
struct material {
        struct hv_secret *ca, *cert, *key; /* NULL: not there */
        uint64_t expire_us;
};

struct hv_rpc_credentials {
        unsigned n_refs;
        bool is_insecure, is_server;
        char *ca_file, *cert_file, *key_file;
        struct material now;
        TAILQ_HEAD(, rpc_credentials_watch) watches;

        pthread_mutex_t lock; /* `now` and `generation`: gRPC asks for them on its threads */
        unsigned generation;
};

static void material_done(struct material *m) {
        m->ca = hv_secret_free(m->ca);
        m->cert = hv_secret_free(m->cert);
        m->key = hv_secret_free(m->key);
}

/* --- files --- */

static int read_file(const char *what, const char *path, struct hv_secret **ret, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        size_t len = 0;
        char *text;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s %s", what, path);
        if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
                return hv_err_set(err, -EINVAL, "%s %s: a file of at most %u bytes is expected", what, path,
                                  FILE_BYTES_MAX);
        text = hv_malloc((size_t) st.st_size + 1);
        while (len < (size_t) st.st_size && (n = read(fd, text + len, (size_t) st.st_size - len)) > 0)
                len += (size_t) n;
        *ret = hv_secret_new(text, len);
        explicit_bzero(text, len);
        free(text);
        return 0;
}

static int load(const struct hv_rpc_credentials *c, struct material *ret, struct hv_err *err) {
        _hv_cleanup_(material_done) struct material m = { .expire_us = HV_TIME_NEVER };
        const char *ca_file = c->ca_file ? c->ca_file : c->is_server ? NULL : RPC_SYSTEM_AUTHORITIES;
        int r = 0;

        if (ca_file)
                r = read_file("authorities", ca_file, &m.ca, err);
        if (r == 0 && ca_file)
                r = rpc_pem_check_authorities(ca_file, hv_secret_bytes(m.ca), hv_secret_len(m.ca), err);
        if (r == 0 && c->cert_file) {
                r = read_file("certificate", c->cert_file, &m.cert, err);
                if (r == 0)
                        r = read_file("key", c->key_file, &m.key, err);
                if (r == 0)
                        r = rpc_pem_check_pair(c->cert_file, hv_secret_bytes(m.cert), hv_secret_len(m.cert),
                                               c->key_file, hv_secret_bytes(m.key), hv_secret_len(m.key),
                                               &m.expire_us, err);
        }
        if (r == 0) {
                *ret = m;
                m = (struct material){};
        }
        return r;
}

static bool is_same_secret(const struct hv_secret *a, const struct hv_secret *b) {
        if (!a || !b)
                return a == b;
        return hv_secret_len(a) == hv_secret_len(b) &&
               memcmp(hv_secret_bytes(a), hv_secret_bytes(b), hv_secret_len(a)) == 0;
}

/* --- life --- */

static struct hv_rpc_credentials *new_credentials(void) {
        struct hv_rpc_credentials *c = HV_NEW(struct hv_rpc_credentials);

        c->n_refs = 1;
        c->generation = 1;
        c->now.expire_us = HV_TIME_NEVER;
        (void) pthread_mutex_init(&c->lock, NULL);
        TAILQ_INIT(&c->watches);
        return c;
}

struct hv_rpc_credentials *hv_rpc_credentials_new_insecure(void) {
        struct hv_rpc_credentials *c = new_credentials();

        c->is_insecure = true;
        return c;
}

static int new_tls(const struct hv_rpc_tls_files *files, bool is_server, struct hv_rpc_credentials **ret,
                   struct hv_err *err) {
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *c = new_credentials();
        int r;

        if (!files->cert_file != !files->key_file)
                return hv_err_set(
                        err, -EINVAL,
                        "%s %s: a certificate and its key belong together, the other one is not named",
                        files->cert_file ? "certificate" : "key",
                        files->cert_file ? files->cert_file : files->key_file);
        if (is_server && !files->cert_file)
                return hv_err_set(err, -EINVAL, "a server with TLS needs a certificate and its key");
        c->is_server = is_server;
        c->ca_file = hv_strdup(files->ca_file);
        c->cert_file = hv_strdup(files->cert_file);
        c->key_file = hv_strdup(files->key_file);
        r = load(c, &c->now, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(c);
        return 0;
}

int hv_rpc_credentials_new_client(const struct hv_rpc_tls_files *files, struct hv_rpc_credentials **ret,
                                  struct hv_err *err) {
        return new_tls(files, false, ret, err);
}

int hv_rpc_credentials_new_server(const struct hv_rpc_tls_files *files, struct hv_rpc_credentials **ret,
                                  struct hv_err *err) {
        return new_tls(files, true, ret, err);
}

struct hv_rpc_credentials *hv_rpc_credentials_ref(struct hv_rpc_credentials *c) {
        c->n_refs++;
        return c;
}

struct hv_rpc_credentials *hv_rpc_credentials_free(struct hv_rpc_credentials *c) {
        if (!c || --c->n_refs > 0)
                return NULL;
        material_done(&c->now);
        (void) pthread_mutex_destroy(&c->lock);
        free(c->ca_file);
        free(c->cert_file);
        free(c->key_file);
        free(c);
        return NULL;
}

int hv_rpc_credentials_reload(struct hv_rpc_credentials *c, bool *ret_changed, struct hv_err *err) {
        _hv_cleanup_(material_done) struct material m = {};
        struct rpc_credentials_watch *w, *next;
        bool changed;
        int r;

        if (!c->is_insecure) {
                r = load(c, &m, err);
                if (r < 0)
                        return r;
        }
        changed = !c->is_insecure &&
                  (!is_same_secret(m.ca, c->now.ca) || !is_same_secret(m.cert, c->now.cert) ||
                   !is_same_secret(m.key, c->now.key));
        if (changed) {
                struct material before = c->now;

                (void) pthread_mutex_lock(&c->lock);
                c->now = m;
                c->generation++;
                (void) pthread_mutex_unlock(&c->lock);
                m = before;
                for (w = TAILQ_FIRST(&c->watches); w; w = next) {
                        next = TAILQ_NEXT(w, entry);
                        w->fn(w->owner);
                }
        }
        if (ret_changed)
                *ret_changed = changed;
        return 0;
}

bool hv_rpc_credentials_is_insecure(const struct hv_rpc_credentials *c) {
        return c->is_insecure;
}

bool rpc_credentials_fit(const struct hv_rpc_credentials *c, bool is_server) {
        return c->is_insecure || c->is_server == is_server;
}

uint64_t hv_rpc_credentials_expire_us(const struct hv_rpc_credentials *c) {
        return c->now.expire_us;
}

void rpc_credentials_watch(struct hv_rpc_credentials *c, struct rpc_credentials_watch *w) {
        TAILQ_INSERT_TAIL(&c->watches, w, entry);
}

void rpc_credentials_unwatch(struct hv_rpc_credentials *c, struct rpc_credentials_watch *w) {
        TAILQ_REMOVE(&c->watches, w, entry);
}

/* --- to gRPC --- */

static const char *text_of(const struct hv_secret *s) {
        return s ? hv_secret_bytes(s) : NULL;
}

grpc_channel_credentials *rpc_credentials_for_channel(struct hv_rpc_credentials *c) {
        grpc_ssl_pem_key_cert_pair pair = { .private_key = text_of(c->now.key),
                                            .cert_chain = text_of(c->now.cert) };

        if (c->is_insecure)
                return grpc_insecure_credentials_create();
        return grpc_ssl_credentials_create_ex(text_of(c->now.ca), c->now.cert ? &pair : NULL, NULL, NULL);
}

/* On a thread of gRPC, at each handshake and once when the server is made. */
static grpc_ssl_certificate_config_reload_status on_fetch(void *userdata,
                                                          grpc_ssl_server_certificate_config **config) {
        struct rpc_server_credentials *s = userdata;
        struct hv_rpc_credentials *c = s->credentials;
        grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;

        (void) pthread_mutex_lock(&c->lock);
        if (s->seen != c->generation) {
                grpc_ssl_pem_key_cert_pair pair = { .private_key = text_of(c->now.key),
                                                    .cert_chain = text_of(c->now.cert) };

                /* gRPC insists on authorities also where it asks no client for a certificate, and then makes no use of them. */
                *config = grpc_ssl_server_certificate_config_create(
                        text_of(c->now.ca ? c->now.ca : c->now.cert), &pair, 1);
                s->seen = c->generation;
                status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
        }
        (void) pthread_mutex_unlock(&c->lock);
        return status;
}

grpc_server_credentials *rpc_credentials_for_server(struct rpc_server_credentials *s,
                                                    struct hv_rpc_credentials *c) {
        grpc_ssl_client_certificate_request_type ask;

        *s = (struct rpc_server_credentials){ .credentials = hv_rpc_credentials_ref(c) };
        if (c->is_insecure)
                return grpc_insecure_server_credentials_create();
        ask = c->ca_file ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                         : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
        return grpc_ssl_server_credentials_create_with_options(
                grpc_ssl_server_credentials_create_options_using_config_fetcher(ask, on_fetch, s));
}

void rpc_server_credentials_done(struct rpc_server_credentials *s) {
        s->credentials = hv_rpc_credentials_free(s->credentials);
}

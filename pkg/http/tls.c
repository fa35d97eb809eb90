/* http/tls.c - certificate and key: read, judged, read again. The streams are tls_stream.c. */
#include "http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "http/tls_internal.h"
#include "log/log.h"

#define FILE_MAX_BYTES ((size_t) 256 << 10)
#define PRIORITY                                                                                     \
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-AES-128-CBC:-AES-256-CBC:-AES-128-CCM:" \
        "-AES-256-CCM:%SERVER_PRECEDENCE"
/* Whoever writes a pair writes two files: the second is there by then. */
#define SETTLE_US (200 * HV_USEC_PER_MSEC)
#define LOOK_EVERY_US HV_USEC_PER_MIN

/* ---- files ---- */

static int read_file(const char *path, bool is_secret, struct stat *st, struct hv_buf *ret,
                     struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t n;

        if (fd < 0 || fstat(fd, st) < 0)
                return hv_err_errno(err, -errno, "%s", path);
        if (!S_ISREG(st->st_mode) || (size_t) st->st_size > FILE_MAX_BYTES)
                return hv_err_set(err, -EINVAL, "%s: expected a file of at most %zu bytes", path,
                                  FILE_MAX_BYTES);
        if (is_secret && ((st->st_mode & 077) || (st->st_uid != 0 && st->st_uid != geteuid())))
                return hv_err_set(err, -EPERM,
                                  "%s: expected a file of root or of the agent's user with mode 0600 or "
                                  "stricter, found mode %04o of user %u",
                                  path, (unsigned) st->st_mode & 07777, (unsigned) st->st_uid);
        hv_buf_reserve(ret, FILE_MAX_BYTES + 1);
        n = read(fd, ret->data, FILE_MAX_BYTES);
        if (n < 0)
                return hv_err_errno(err, -errno, "%s", path);
        ret->len = (size_t) n;
        ret->data[n] = '\0';
        return 0;
}

/* ---- pairs ---- */

struct hv_tls_pair *hv_tls_pair_ref(struct hv_tls_pair *pair) {
        pair->n_refs++;
        return pair;
}

struct hv_tls_pair *hv_tls_pair_unref(struct hv_tls_pair *pair) {
        if (!pair || --pair->n_refs > 0)
                return NULL;
        if (pair->credentials)
                gnutls_certificate_free_credentials(pair->credentials);
        if (pair->leaf)
                gnutls_x509_crt_deinit(pair->leaf);
        free(pair);
        return NULL;
}

HV_DEFINE_CLEANUP(struct hv_tls_pair, hv_tls_pair_unref);

static void warn_of_time(const char *path, gnutls_x509_crt_t leaf) {
        time_t now = time(NULL);

        if (gnutls_x509_crt_get_expiration_time(leaf) <= now)
                (void) hv_log_warn(0, "%s: the certificate has expired; clients will refuse it", path);
        else if (gnutls_x509_crt_get_activation_time(leaf) > now)
                (void) hv_log_warn(0, "%s: the certificate is not valid yet; clients will refuse it", path);
}

static int pair_load(const char *cert_file, const char *key_file, struct stat *cert_seen,
                     struct stat *key_seen, struct hv_tls_pair **ret, struct hv_err *err) {
        _hv_cleanup_(hv_tls_pair_unrefp) struct hv_tls_pair *pair = HV_NEW(struct hv_tls_pair);
        _hv_cleanup_(hv_buf_done) struct hv_buf cert_text = {};
        _hv_cleanup_(hv_buf_wipe) struct hv_buf key_text = {};
        gnutls_datum_t cert, key;
        int r;

        pair->n_refs = 1;
        r = read_file(cert_file, false, cert_seen, &cert_text, err);
        if (r >= 0)
                r = read_file(key_file, true, key_seen, &key_text, err);
        if (r < 0)
                return r;
        cert = (gnutls_datum_t){ (unsigned char *) cert_text.data, (unsigned) cert_text.len };
        key = (gnutls_datum_t){ (unsigned char *) key_text.data, (unsigned) key_text.len };
        if (gnutls_certificate_allocate_credentials(&pair->credentials) < 0 ||
            gnutls_x509_crt_init(&pair->leaf) < 0)
                return hv_err_set(err, -ENOMEM, "TLS: there is no memory for a certificate");
        r = gnutls_x509_crt_import(pair->leaf, &cert, GNUTLS_X509_FMT_PEM);
        if (r < 0)
                return hv_err_set(err, -EINVAL, "%s: expected a certificate in PEM form: %s", cert_file,
                                  gnutls_strerror(r));
        r = gnutls_certificate_set_x509_key_mem2(pair->credentials, &cert, &key, GNUTLS_X509_FMT_PEM, NULL,
                                                 0);
        if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
                return hv_err_set(err, -EINVAL, "%s is not the key of %s", key_file, cert_file);
        if (r < 0)
                return hv_err_set(err, -EINVAL,
                                  "%s with %s: expected a certificate and its key, both in PEM form: %s",
                                  cert_file, key_file, gnutls_strerror(r));
        warn_of_time(cert_file, pair->leaf);
        *ret = HV_STEAL(pair);
        return 0;
}

int hv_tls_check(const char *cert_file, const char *key_file, struct hv_err *err) {
        _hv_cleanup_(hv_tls_pair_unrefp) struct hv_tls_pair *pair = NULL;
        struct stat cert_seen, key_seen;

        return pair_load(cert_file, key_file, &cert_seen, &key_seen, &pair, err);
}

/* ---- again ---- */

static bool is_same(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mode == b->st_mode && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
               a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(struct hv_tls *tls) {
        struct stat cert_now = {}, key_now = {}, cert_seen, key_seen;
        struct hv_tls_pair *pair = NULL;
        struct hv_err err = {};

        (void) stat(tls->cert_file, &cert_now);
        (void) stat(tls->key_file, &key_now);
        if (is_same(&cert_now, &tls->cert_seen) && is_same(&key_now, &tls->key_seen))
                return;
        tls->cert_seen = cert_now;
        tls->key_seen = key_now;
        if (pair_load(tls->cert_file, tls->key_file, &cert_seen, &key_seen, &pair, &err) < 0) {
                (void) hv_log_event_error(HV_EVENT_CERTIFICATE_REFUSED, err.code, NULL,
                                          "http.tls: %s; the pair of before stays in use", err.msg);
                return;
        }
        (void) hv_tls_pair_unref(tls->pair);
        tls->pair = pair;
        hv_log_event(HV_EVENT_CERTIFICATE_LOADED, NULL, "http.tls: %s is in use from now on", tls->cert_file);
}

static int on_look(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) usec;
        look(userdata);
        (void) sd_event_source_set_time_relative(s, LOOK_EVERY_US);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static int on_changed(sd_event_source *s, const struct inotify_event *event, void *userdata) {
        struct hv_tls *tls = userdata;

        (void) s;
        (void) event;
        (void) sd_event_source_set_time_relative(tls->look, SETTLE_US);
        (void) sd_event_source_set_enabled(tls->look, SD_EVENT_ONESHOT);
        return 0;
}

/* Where it cannot be watched, the minute finds it. */
static void watch(struct hv_tls *tls, size_t which, const char *file) {
        _hv_cleanup_free_ char *dir = hv_strdup(file);
        char *slash = strrchr(dir, '/');

        if (!slash)
                return;
        slash[slash == dir] = '\0';
        (void) sd_event_add_inotify(tls->event, &tls->watch[which], dir,
                                    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB, on_changed, tls);
}

/* ---- life ---- */

int hv_tls_new(sd_event *event, const char *cert_file, const char *key_file, struct hv_tls **ret,
               struct hv_err *err) {
        _hv_cleanup_(hv_tls_freep) struct hv_tls *tls = HV_NEW(struct hv_tls);
        int r;

        tls->event = sd_event_ref(event);
        tls->cert_file = hv_strdup(cert_file);
        tls->key_file = hv_strdup(key_file);
        r = pair_load(cert_file, key_file, &tls->cert_seen, &tls->key_seen, &tls->pair, err);
        if (r < 0)
                return r;
        r = gnutls_priority_init(&tls->priority, PRIORITY, NULL);
        if (r >= 0)
                r = gnutls_session_ticket_key_generate(&tls->ticket_key);
        if (r < 0)
                return hv_err_set(err, -EIO, "TLS: %s", gnutls_strerror(r));
        r = sd_event_add_time_relative(event, &tls->look, CLOCK_BOOTTIME, LOOK_EVERY_US, HV_USEC_PER_SEC,
                                       on_look, tls);
        if (r < 0)
                return hv_err_errno(err, r, "cannot watch the files of http.tls");
        watch(tls, 0, cert_file);
        watch(tls, 1, key_file);
        *ret = HV_STEAL(tls);
        return 0;
}

struct hv_tls *hv_tls_free(struct hv_tls *tls) {
        if (!tls)
                return NULL;
        hv_tls_streams_end(tls);
        sd_event_source_disable_unref(tls->watch[0]);
        sd_event_source_disable_unref(tls->watch[1]);
        sd_event_source_disable_unref(tls->look);
        (void) hv_tls_pair_unref(tls->pair);
        if (tls->priority)
                gnutls_priority_deinit(tls->priority);
        if (tls->ticket_key.data)
                gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
        gnutls_free(tls->ticket_key.data);
        (void) sd_event_unref(tls->event);
        free(tls->cert_file);
        free(tls->key_file);
        free(tls);
        return NULL;
}

int hv_tls_accept(struct hv_tls *tls, int client_fd) {
        return hv_tls_stream_new(tls, client_fd);
}

bool hv_tls_is_named(const struct hv_tls *tls, const char *host) {
        size_t len = strlen(host);
        char name[256];

        if (host[0] == '[' && host[len - 1] == ']') {
                host++;
                len -= 2;
        }
        (void) snprintf(name, sizeof name, "%.*s", (int) len, host);
        return gnutls_x509_crt_check_hostname(tls->pair->leaf, name) != 0;
}

/* TLS before HTTP: which pairs are taken, what is agreed on, what becomes of clients that stop (http/tls.h). Clients are GnuTLS, over
 * socketpairs, on the same loop. */
#include "testing.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "certificate.h"
#include "http/tls_internal.h"
#include "log/log.h"
#include "web.h"

/* ---- a server of one pair, and its clients ---- */

struct place {
        const struct scratch *scratch;
        sd_event *event;
        struct hv_tls *tls;
        struct hv_buf log;
};

struct client {
        int fd, inner_fd; /* inner: what a connection would have */
        gnutls_session_t session;
        gnutls_certificate_credentials_t credentials;
};

static void keep_log(const struct hv_log_record *record, void *userdata) {
        hv_buf_printf(userdata, "%s\n", record->message);
}

static void place_open(struct place *p, const struct scratch *scratch, gnutls_pk_algorithm_t algorithm) {
        struct hv_err err = {};

        *p = (struct place){ .scratch = scratch };
        hv_log_set_sink(keep_log, &p->log);
        assert_true(sd_event_new(&p->event) >= 0);
        certificate_make(scratch, "node.test", algorithm);
        if (hv_tls_new(p->event, scratch_path(scratch, "node.test.pem"),
                       scratch_path(scratch, "node.test.key"), &p->tls, &err) < 0)
                fail_msg("%s", err.msg);
}

static void place_close(struct place *p) {
        p->tls = hv_tls_free(p->tls);
        p->event = sd_event_unref(p->event);
        hv_log_set_sink(NULL, NULL);
        hv_buf_done(&p->log);
}

#define wait_until(p, condition)                                           \
        do {                                                               \
                uint64_t give_up_us = web_now_us() + 20 * HV_USEC_PER_SEC; \
                while (!(condition)) {                                     \
                        if (web_now_us() > give_up_us)                     \
                                fail_msg("never: %s", #condition);         \
                        (void) sd_event_run((p)->event, 1000);             \
                }                                                          \
        } while (0)

/* Connected; nobody has said anything. */
static void client_open(struct place *p, struct client *c, const char *priority) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        *c = (struct client){ .fd = pair[0], .inner_fd = hv_tls_accept(p->tls, pair[1]) };
        assert_true(c->inner_fd >= 0);
        assert_true(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) >= 0);
        assert_true(gnutls_certificate_allocate_credentials(&c->credentials) >= 0);
        assert_true(gnutls_priority_set_direct(c->session, priority, NULL) >= 0);
        assert_true(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials) >= 0);
        gnutls_transport_set_int(c->session, c->fd);
}

static void client_close(struct client *c) {
        gnutls_deinit(c->session);
        gnutls_certificate_free_credentials(c->credentials);
        hv_fd_closep(&c->fd);
        hv_fd_closep(&c->inner_fd);
}

static bool has_to_wait(ssize_t r) {
        return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

static int shake(struct place *p, struct client *c) {
        int r;

        wait_until(p, !has_to_wait(r = gnutls_handshake(c->session)));
        return r;
}

static void client_in(struct place *p, struct client *c) {
        client_open(p, c, "NORMAL");
        assert_int_equal(shake(p, c), GNUTLS_E_SUCCESS);
}

static bool is_ended(int fd) {
        char byte;
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* What one side says arrives at the other. */
static void talk(struct place *p, struct client *c) {
        char got[8] = "";
        ssize_t r;

        assert_int_equal(gnutls_record_send(c->session, "ask", 3), 3);
        wait_until(p, recv(c->inner_fd, got, sizeof got, MSG_DONTWAIT) == 3);
        assert_memory_equal(got, "ask", 3);
        assert_int_equal(send(c->inner_fd, "tell", 4, MSG_NOSIGNAL), 4);
        wait_until(p, !has_to_wait(r = gnutls_record_recv(c->session, got, sizeof got)));
        assert_int_equal(r, 4);
        assert_memory_equal(got, "tell", 4);
}

/* ---- clients that are gone ---- */

static int connect_tcp(int *ret_client) {
        struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof sa;
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

        assert_int_equal(bind(listener, (struct sockaddr *) &sa, sizeof sa), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *) &sa, &len), 0);
        assert_int_equal(listen(listener, 1), 0);
        *ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(*ret_client, (struct sockaddr *) &sa, sizeof sa), 0);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(fd >= 0);
        (void) close(listener);
        return fd;
}

static unsigned unconfirmed_max_ms(int fd) {
        unsigned ms = 0;
        socklen_t len = sizeof ms;

        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len), 0);
        return ms;
}

/* Of three, the second: it alone is a stream. */
static void who_confirms_nothing_is_missed(void **state) {
        int clients[3], outer[3], inner[3];
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        for (size_t i = 0; i < 3; i++) {
                outer[i] = connect_tcp(&clients[i]);
                inner[i] = hv_tls_accept(p.tls, outer[i]);
                assert_true(inner[i] >= 0);
        }
        hv_tls_expect_acks(p.tls, inner[1]);
        assert_int_equal(unconfirmed_max_ms(outer[0]), 0);
        assert_int_equal(unconfirmed_max_ms(outer[1]), 90000);
        assert_int_equal(unconfirmed_max_ms(outer[2]), 0);
        for (size_t i = 0; i < 3; i++) {
                (void) close(clients[i]);
                (void) close(inner[i]);
        }
        place_close(&p);
}

/* ---- pairs ---- */

static void pairs_that_are_taken(void **state) {
        static const struct {
                const char *what, *cert, *key;
                mode_t mode; /* of the key */
                const char *says;
        } rows[] = {
                { "good", "a.test.pem", "a.test.key", 0600, NULL },
                { "read-only", "a.test.pem", "a.test.key", 0400, NULL },
                { "a key that the group reads", "a.test.pem", "a.test.key", 0640,
                  "with mode 0600 or stricter" },
                { "a key that all may write", "a.test.pem", "a.test.key", 0602,
                  "with mode 0600 or stricter" },
                { "another one's key", "a.test.pem", "b.test.key", 0600, "b.test.key is not the key of" },
                { "of another kind", "a.test.pem", "rsa.test.key", 0600, "a.test.pem" },
                { "no certificate", "none", "a.test.key", 0600, "No such file" },
                { "no key", "a.test.pem", "none", 0600, "No such file" },
                { "empty", "empty", "a.test.key", 0600, "expected a certificate in PEM form" },
                { "the two the wrong way round", "a.test.key", "a.test.pem", 0600,
                  "expected a certificate in PEM form" },
                { "a certificate as key", "a.test.pem", "a.test.pem", 0600, "and its key, both in PEM form" },
                { "a directory", ".", "a.test.key", 0600, "expected a file of at most" },
                { "endless", "/dev/zero", "a.test.key", 0600, "expected a file of at most" },
                { "too long", "long", "a.test.key", 0600, "expected a file of at most" },
        };
        const struct scratch *s = *state;

        certificate_make(s, "a.test", GNUTLS_PK_ECDSA);
        certificate_make(s, "b.test", GNUTLS_PK_ECDSA);
        certificate_make(s, "rsa.test", GNUTLS_PK_RSA);
        scratch_write(s, "empty", "");
        scratch_write(s, "long", "");
        assert_int_equal(truncate(scratch_path(s, "long"), 300 << 10), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const char *cert = *rows[i].cert == '/' ? rows[i].cert : scratch_path(s, rows[i].cert);
                const char *key = scratch_path(s, rows[i].key);
                struct hv_err err = {};
                int r;

                (void) chmod(key, rows[i].mode);
                r = hv_tls_check(cert, key, &err);
                if ((r < 0) != (rows[i].says != NULL) || (r < 0 && !strstr(err.msg, rows[i].says)))
                        fail_msg("%s: %d, \"%s\"", rows[i].what, r, err.msg);
                assert_null(strstr(err.msg, "PRIVATE KEY"));
        }
}

static void names_of_a_certificate(void **state) {
        static const struct {
                const char *host;
                bool is_named;
        } rows[] = {
                { "node.test", true },
                { "NODE.test", true },
                { "192.0.2.7", true },
                { "2001:db8::7", true },
                { "[2001:db8::7]", true },
                { "[2001:db8:0:0::7]", true },
                { "other.test", false },
                { "node.test.evil.test", false },
                { "x.node.test", false },
                { "192.0.2.8", false },
                { "[2001:db8::8]", false },
                { "", false },
                { "[]", false },
                { "[", false },
                { "localhost", false },
        };
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_tls_is_named(p.tls, rows[i].host) != rows[i].is_named)
                        fail_msg("\"%s\"", rows[i].host);
        place_close(&p);
}

static void copy(const struct scratch *s, const char *from, const char *to) {
        _hv_cleanup_free_ char *text = scratch_read(s, from);

        scratch_write(s, to, text);
}

/* The certificate comes before its key: what is between is no pair, and the old one goes on. */
static void a_new_pair_is_taken_when_it_is_one(void **state) {
        struct client before, between, after;
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_in(&p, &before);
        certificate_make(*state, "next.test", GNUTLS_PK_ECDSA);
        copy(*state, "next.test.pem", "node.test.pem");
        wait_until(&p, strstr(hv_buf_str(&p.log), "the pair of before stays in use"));
        assert_true(hv_tls_is_named(p.tls, "node.test"));
        client_in(&p, &between);
        copy(*state, "next.test.key", "node.test.key");
        wait_until(&p, strstr(hv_buf_str(&p.log), "is in use from now on"));
        assert_true(hv_tls_is_named(p.tls, "next.test"));
        assert_false(hv_tls_is_named(p.tls, "node.test"));
        client_in(&p, &after);
        talk(&p, &before);
        talk(&p, &between);
        talk(&p, &after);
        client_close(&before);
        client_close(&between);
        client_close(&after);
        place_close(&p);
}

/* ---- handshakes ---- */

static void what_is_agreed_on(void **state) {
        static const struct {
                const char *what, *priority;
                gnutls_protocol_t version; /* 0: nothing */
        } rows[] = {
                { "1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3", GNUTLS_TLS1_3 },
                { "1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2", GNUTLS_TLS1_2 },
                { "both", "NORMAL", GNUTLS_TLS1_3 },
                { "1.1", "NORMAL:-VERS-ALL:+VERS-TLS1.1", 0 },
                { "1.0", "NORMAL:-VERS-ALL:+VERS-TLS1.0", 0 },
                { "forward secrecy", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA", GNUTLS_TLS1_2 },
                { "none", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", 0 },
                { "GCM", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM", GNUTLS_TLS1_2 },
                { "ChaCha20", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305", GNUTLS_TLS1_2 },
                { "CBC of 128 bits", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", 0 },
                { "CBC of 256 bits", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-CBC", 0 },
        };
        struct place p;

        place_open(&p, *state, GNUTLS_PK_RSA);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct client c;
                int r;

                client_open(&p, &c, rows[i].priority);
                r = shake(&p, &c);
                if ((r == GNUTLS_E_SUCCESS) != (rows[i].version != 0))
                        fail_msg("%s: %s", rows[i].what, gnutls_strerror(r));
                if (rows[i].version) {
                        assert_int_equal(gnutls_protocol_get_version(c.session), rows[i].version);
                        talk(&p, &c);
                } else { /* told, and cut, and the connection hears of it */
                        assert_int_equal(r, GNUTLS_E_FATAL_ALERT_RECEIVED);
                        wait_until(&p, is_ended(c.inner_fd) && is_ended(c.fd));
                }
                client_close(&c);
                wait_until(&p, p.tls->n_streams == 0);
        }
        place_close(&p);
}

static void the_protocol_is_http_1(void **state) {
        static const gnutls_datum_t offers[] = { { (unsigned char *) "h2", 2 },
                                                 { (unsigned char *) "http/1.1", 8 } };
        gnutls_datum_t chosen = {};
        struct client c;
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_open(&p, &c, "NORMAL");
        assert_true(gnutls_alpn_set_protocols(c.session, offers, 2, 0) >= 0);
        assert_int_equal(shake(&p, &c), GNUTLS_E_SUCCESS);
        assert_int_equal(gnutls_alpn_get_selected_protocol(c.session, &chosen), 0);
        assert_int_equal(chosen.size, 8);
        assert_memory_equal(chosen.data, "http/1.1", 8);
        client_close(&c);
        place_close(&p);
}

/* Whoever stops in his handshake is cut when the connection's time is over: it closes its end. */
static void clients_that_stop_in_their_handshake(void **state) {
        static const char *const said[] = { "", "\x16\x03\x01", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\n\r\n",
                                            "\x16\x03\x01\xff\xff\x01" };
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        for (size_t i = 0; i < HV_ARRAY_SIZE(said); i++) {
                struct client c;

                client_open(&p, &c, "NORMAL");
                assert_int_equal(send(c.fd, said[i], strlen(said[i]), MSG_NOSIGNAL), strlen(said[i]));
                (void) sd_event_run(p.event, 1000);
                hv_fd_closep(&c.inner_fd);
                wait_until(&p, p.tls->n_streams == 0);
                client_close(&c);
        }
        place_close(&p);
}

/* ---- streams ---- */

static void a_second_handshake_is_not_granted(void **state) {
        struct client c;
        struct place p;
        int r;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_open(&p, &c, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
        assert_int_equal(shake(&p, &c), GNUTLS_E_SUCCESS);
        talk(&p, &c);
        r = shake(&p, &c);
        assert_true(r < 0);
        wait_until(&p, p.tls->n_streams == 0);
        assert_true(is_ended(c.inner_fd));
        client_close(&c);
        place_close(&p);
}

/* Byte number n of what is sent; 251 is no part of the sizes of pieces and records. */
static unsigned char byte_at(size_t n) {
        return (unsigned char) (n % 251);
}

/* Turns the loop until both the sender and the stream have to wait; gives how much was taken. */
static size_t send_until_stuck(struct place *p, struct client *c,
                               ssize_t (*send_piece)(struct client *c, const void *piece, size_t len)) {
        unsigned char piece[12345];
        size_t sent = 0;

        for (unsigned n_idle = 0; n_idle < 3 && sent < (size_t) 64 << 20;) {
                ssize_t n;

                for (size_t i = 0; i < sizeof piece; i++)
                        piece[i] = byte_at(sent + i);
                n = send_piece(c, piece, sizeof piece);
                sent += n > 0 ? (size_t) n : 0;
                n_idle = sd_event_run(p->event, 0) == 0 && n <= 0 ? n_idle + 1 : 0;
        }
        assert_true(
                sent <
                (size_t) 8 << 20); /* what the buffers of the sockets hold: nothing is gathered in between */
        return sent;
}

static ssize_t connection_sends(struct client *c, const void *piece, size_t len) {
        return send(c->inner_fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t client_sends(struct client *c, const void *piece, size_t len) {
        return gnutls_record_send(c->session, piece, len);
}

static void check(const unsigned char *piece, ssize_t n, size_t *got) {
        for (ssize_t i = 0; i < n; i++)
                if (piece[i] != byte_at(*got + (size_t) i))
                        fail_msg("byte %zu is %u", *got + (size_t) i, piece[i]);
        *got += n > 0 ? (size_t) n : 0;
}

/* A client that reads nothing for long: then all arrives, and an end that nobody could have forged. */
static void what_was_written_before_the_end_arrives(void **state) {
        unsigned char piece[16384];
        size_t sent, got = 0;
        struct client c;
        struct place p;
        ssize_t r;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_in(&p, &c);
        sent = send_until_stuck(&p, &c, connection_sends);
        hv_fd_closep(&c.inner_fd);
        do {
                wait_until(&p, !has_to_wait(r = gnutls_record_recv(c.session, piece, sizeof piece)));
                check(piece, r, &got);
        } while (r > 0);
        assert_int_equal(r, 0); /* not GNUTLS_E_PREMATURE_TERMINATION */
        assert_int_equal(got, sent);
        client_close(&c);
        wait_until(&p, p.tls->n_streams == 0);
        place_close(&p);
}

/* A connection that reads nothing for long: its client can send no more, and later all arrives. */
static void what_could_not_be_taken_arrives_later(void **state) {
        unsigned char piece[16384];
        size_t sent, got = 0;
        struct client c;
        struct place p;
        ssize_t n;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_in(&p, &c);
        sent = send_until_stuck(&p, &c, client_sends);
        while (got < sent) {
                wait_until(&p, (n = recv(c.inner_fd, piece, sizeof piece, MSG_DONTWAIT)) >= 0);
                assert_true(n > 0);
                check(piece, n, &got);
        }
        client_close(&c);
        place_close(&p);
}

static void the_end_of_a_client_is_heard(void **state) {
        char got[8];
        struct client c;
        ssize_t r;
        struct place p;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        client_in(&p, &c);
        talk(&p, &c);
        assert_true(gnutls_bye(c.session, GNUTLS_SHUT_WR) >= 0);
        wait_until(&p, is_ended(c.inner_fd));
        assert_int_equal(send(c.inner_fd, "late", 4, MSG_NOSIGNAL), 4); /* it may still be answered */
        hv_fd_closep(&c.inner_fd);
        wait_until(&p, !has_to_wait(r = gnutls_record_recv(c.session, got, sizeof got)));
        assert_int_equal(r, 4);
        wait_until(&p, !has_to_wait(r = gnutls_record_recv(c.session, got, sizeof got)));
        assert_int_equal(r, 0);
        assert_int_equal(p.tls->n_streams, 0); /* who has said that he goes is not waited for */
        client_close(&c);
        place_close(&p);
}

/* Clients that do not go when they were answered: 64 are waited for, for some seconds; of more the oldest is cut. */
static void not_many_are_waited_for(void **state) {
        struct client c[70];
        struct place p;
        unsigned char end;

        place_open(&p, *state, GNUTLS_PK_ECDSA);
        for (size_t i = 0; i < HV_ARRAY_SIZE(c); i++)
                client_in(&p, &c[i]);
        for (size_t i = 0; i < HV_ARRAY_SIZE(c); i++) {
                hv_fd_closep(&c[i].inner_fd);
                wait_until(&p, gnutls_record_recv(c[i].session, &end, 1) == 0);
        }
        assert_true(p.tls->n_streams <= 64);
        for (size_t i = 0; i < HV_ARRAY_SIZE(c); i++)
                client_close(&c[i]);
        wait_until(&p, p.tls->n_streams == 0);
        place_close(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(who_confirms_nothing_is_missed),
                TEST(pairs_that_are_taken),
                TEST(names_of_a_certificate),
                TEST(a_new_pair_is_taken_when_it_is_one),
                TEST(what_is_agreed_on),
                TEST(the_protocol_is_http_1),
                TEST(clients_that_stop_in_their_handshake),
                TEST(a_second_handshake_is_not_granted),
                TEST(what_was_written_before_the_end_arrives),
                TEST(what_could_not_be_taken_arrives_later),
                TEST(the_end_of_a_client_is_heard),
                TEST(not_many_are_waited_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

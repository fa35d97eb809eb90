/* With gRPC for Python on the other side (peer.py), as client and as server, in plain text and with TLS. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stage.h"

static char certs[] = "/tmp/hv-rpc-certs-XXXXXX";

static int make_certificates(void **state) {
        _hv_cleanup_free_ char *command = NULL;

        (void) state;
        assert_non_null(mkdtemp(certs));
        command = hv_asprintf("/usr/bin/python3 %s/test/unit/rpc/certificates.py %s", HV_SOURCE_DIR, certs);
        return system(command);
}

static int remove_certificates(void **state) {
        _hv_cleanup_free_ char *command = hv_asprintf("rm -r %s", certs);

        (void) state;
        return system(command);
}

static const char *file(const char *name) {
        static char paths[3][128];
        static unsigned n;
        char *path = paths[n++ % 3];

        (void) snprintf(path, sizeof paths[0], "%s/%s", certs, name);
        return path;
}

/* --- the other side --- */

struct peer {
        FILE *out;
        struct hv_buf said;
        bool ended;
        pid_t pid;
        unsigned port;
        char target[32];
};

static void peer_start(struct peer *p, const char *what, const char *target, const char *certificates) {
        _hv_cleanup_free_ char *command =
                hv_asprintf("exec /usr/bin/python3 %s/test/unit/rpc/peer.py %s %s %s", HV_SOURCE_DIR, what,
                            target ? target : "", certificates ? certificates : "");

        *p = (struct peer){ .out = popen(command, "re") };
        assert_non_null(p->out);
}

/* What it printed; true at its end. */
static bool peer_listen(struct peer *p) {
        char buf[1024];
        ssize_t n;

        (void) fcntl(fileno(p->out), F_SETFL, O_NONBLOCK);
        while ((n = read(fileno(p->out), buf, sizeof buf)) > 0)
                hv_buf_add(&p->said, buf, (size_t) n);
        p->ended = n == 0;
        return p->ended;
}

static void peer_serve(struct peer *p, const char *what, const char *certificates) {
        peer_start(p, what, NULL, certificates);
        assert_int_equal(fscanf(p->out, "%d %u", &p->pid, &p->port), 2);
        (void) snprintf(p->target, sizeof p->target, "127.0.0.1:%u", p->port);
}

static int peer_end(struct peer *p) {
        int status;

        if (p->pid)
                (void) kill(p->pid, SIGKILL);
        status = pclose(p->out);
        hv_buf_done(&p->said);
        return status;
}

/* Runs a client to its end. */
static void peer_calls(struct stage *x, const char *what, const char *certificates) {
        struct peer p;

        peer_start(&p, what, stage_target(x), certificates);
        hv_test_run_until(x->event, peer_listen(&p));
        if (p.said.len > 0)
                print_message("%s", hv_buf_str(&p.said));
        assert_int_equal(peer_end(&p), 0);
}

static struct hv_rpc_credentials *tls(bool is_server) {
        struct hv_rpc_tls_files files = { .ca_file = file("ca.pem"),
                                          .cert_file = file(is_server ? "server.pem" : "client.pem"),
                                          .key_file = file(is_server ? "server.key" : "client.key") };
        struct hv_rpc_credentials *c = NULL;
        struct hv_err err = {};

        if ((is_server ? hv_rpc_credentials_new_server : hv_rpc_credentials_new_client)(&files, &c, &err) < 0)
                fail_msg("%s", err.msg);
        return c;
}

/* --- Python calls us --- */

static void test_called(void **state) {
        struct stage *x = *state;

        stage_serve(x, NULL);
        peer_calls(x, "call", NULL);
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 0);
        for (size_t i = 0; i < x->requests.n; i++)
                x->requests.v[i] = hv_rpc_bytes_free(x->requests.v[i]);
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 0);
        assert_int_equal(x->n_done, x->n_requests); /* each call that a method saw has ended once */
}

static void test_called_with_tls(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server = tls(true);

        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
        peer_calls(x, "call", certs);
        assert_string_equal(x->names, "pool.test spiffe://test/pool");
}

static void test_called_slowly(void **state) {
        struct stage *x = *state;

        stage_serve(x, &(struct hv_rpc_server_options){ .request_us = 500 * HV_USEC_PER_MSEC });
        peer_calls(x, "slow", NULL);
        assert_int_equal(x->n_requests, 1);
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 0);
}

/* --- we call Python --- */

static void call_all(struct stage *x, struct peer *p) {
        static const size_t sizes[] = { 0, 1, 1u << 20, 5u << 20, 16u << 20, 64u << 20 };
        struct outcome many[64] = {};

        for (size_t i = 0; i < HV_ARRAY_SIZE(sizes); i++) {
                _hv_cleanup_(outcome_done) struct outcome o;

                call_expecting(&o, x, "/test.Test/Echo", message_of(sizes[i], 'x'), HV_RPC_OK);
                assert_true(is_filled(o.reply, sizes[i], 'x'));
        }
        {
                _hv_cleanup_(outcome_done) struct outcome late = {}, unknown, failed, header;

                start_call(&late, x, "/test.Test/Sleep", message("20000", 5), 200 * HV_USEC_PER_MSEC);
                wait_end(&late);
                assert_int_equal(late.status, HV_RPC_DEADLINE_EXCEEDED);
                call_expecting(&unknown, x, "/test.Test/None", NULL, HV_RPC_UNIMPLEMENTED);
                call_expecting(&failed, x, "/test.Test/Fail", NULL, HV_RPC_INTERNAL);
                assert_string_equal(failed.text, "Exception deserializing request!");
                call_expecting(&header, x, "/test.Test/Header", NULL, HV_RPC_OK);
                hv_rpc_bytes_add(header.reply, "", 1);
                assert_non_null(
                        strstr(hv_rpc_bytes_flat(header.reply),
                               "('authorization', 'Bearer t0ken'), ('user-agent', 'hivelet/1 grpc-c/"));
                assert_non_null(strstr(hv_rpc_bytes_flat(header.reply), "('x-test', 'seen')"));
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(many); i++)
                start_call(&many[i], x, "/test.Test/Sleep", message("50", 2), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(many); i++) {
                wait_end(&many[i]);
                assert_int_equal(many[i].status, HV_RPC_OK);
                outcome_done(&many[i]);
        }
        {
                _hv_cleanup_(outcome_done) struct outcome small = { .greedy = true },
                                                          large = { .greedy = true },
                                                          mid = { .greedy = true },
                                                          gone = { .cancel_in_message = true };

                start_stream(&small, x, "/test.Test/Stream", message("1000 1024", 9), 0);
                wait_end(&small);
                assert_int_equal(small.status, HV_RPC_OK);
                assert_int_equal(small.n_bytes, 1024000);
                start_stream(&large, x, "/test.Test/Stream", message("8 5242880", 9), 0);
                wait_end(&large);
                assert_int_equal(large.n_bytes, 8 * 5242880);
                start_stream(&mid, x, "/test.Test/Tick", NULL,
                             2 * HV_USEC_PER_SEC); /* a deadline in the middle */
                wait_end(&mid);
                assert_int_equal(mid.status, HV_RPC_DEADLINE_EXCEEDED);
                assert_int_equal(mid.n_messages, 1);
                start_stream(&gone, x, "/test.Test/Tick", NULL, HV_TIME_NEVER);
                hv_rpc_call_next(gone.call);
                hv_test_run_until(x->event, (peer_listen(p), strstr(hv_buf_str(&p->said), "gone\ngone\n")));
                assert_int_equal(gone.n_messages, 1);
        }
}

static void test_calls(void **state) {
        struct stage *x = *state;
        struct peer p;

        peer_serve(&p, "serve", NULL);
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = p.target, .user_agent = "hivelet/1" });
        call_all(x, &p);
        (void) peer_end(&p);
}

static void test_calls_with_tls(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client = tls(false);
        struct peer p;

        peer_serve(&p, "serve", certs);
        stage_connect(x, &(struct hv_rpc_channel_options){
                                 .target = p.target, .credentials = client, .user_agent = "hivelet/1" });
        call_all(x, &p);
        (void) peer_end(&p);
}

/* A server that stands still is found out by keepalive, on a stream that has no deadline. */
static void test_server_stands_still(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = { .greedy = true };
        struct peer p;

        peer_serve(&p, "serve", NULL);
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = p.target,
                                                           .keepalive_us = HV_USEC_PER_SEC,
                                                           .keepalive_timeout_us = 3 * HV_USEC_PER_SEC });
        start_stream(&o, x, "/test.Test/Tick", NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, o.n_messages == 1);
        assert_int_equal(kill(p.pid, SIGSTOP), 0);
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_UNAVAILABLE);
        assert_non_null(strstr(o.text, "keepalive"));
        (void) peer_end(&p);
}

/* A client that stands still is found out by the server's: its call ends. */
static void test_client_stands_still(void **state) {
        struct stage *x = *state;
        struct peer p;

        stage_serve(x, &(struct hv_rpc_server_options){ .keepalive_us = HV_USEC_PER_SEC,
                                                        .keepalive_timeout_us = HV_USEC_PER_SEC });
        peer_start(&p, "hold", stage_target(x), NULL);
        assert_int_equal(fscanf(p.out, "%d", &p.pid), 1);
        hv_test_run_until(x->event, x->kept.n == 1);
        assert_int_equal(kill(p.pid, SIGSTOP), 0);
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 0);
        (void) peer_end(&p);
}

static void test_nonsense(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        struct peer p;

        peer_serve(&p, "nonsense", NULL);
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = p.target });
        call_expecting(&o, x, ECHO, message("x", 1), HV_RPC_UNAVAILABLE);
        (void) peer_end(&p);
}

/* The server dies with a call in hand: unavailable, which is not "did not happen". */
static void test_server_dies(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = {}, s = { .greedy = true };
        struct peer p;

        peer_serve(&p, "serve", NULL);
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = p.target });
        start_call(&o, x, "/test.Test/Sleep", message("20000", 5), 0);
        start_stream(&s, x, "/test.Test/Tick", NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, s.n_messages == 1);
        (void) peer_end(&p);
        wait_end(&o);
        wait_end(&s);
        assert_int_equal(o.status, HV_RPC_UNAVAILABLE);
        assert_int_equal(s.status, HV_RPC_UNAVAILABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_called),
                TEST(test_called_with_tls),
                TEST(test_called_slowly),
                TEST(test_calls),
                TEST(test_calls_with_tls),
                TEST(test_server_stands_still),
                TEST(test_client_stands_still),
                TEST(test_nonsense),
                TEST(test_server_dies),
        };

        return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}

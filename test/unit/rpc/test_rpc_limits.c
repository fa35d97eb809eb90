/* What a peer may take of this process: bytes, calls, connections, time. */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stage.h"

/* --- bytes --- */

static void test_largest_message(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome fits, above, far_above, reply;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&fits, x, SMALL, message_of(1024, 'x'), HV_RPC_OK);
        call_expecting(&above, x, SMALL, message_of(1025, 'x'), HV_RPC_RESOURCE_EXHAUSTED);
        assert_string_equal(above.text, "a message of 1025 bytes; this method takes at most 1024");
        call_expecting(&far_above, x, ECHO, message_of((64u << 20) + 1, 'x'), HV_RPC_RESOURCE_EXHAUSTED);
        assert_int_equal(x->n_requests, 1);

        stage_connect(x, &(struct hv_rpc_channel_options){ .max_reply_bytes = 1000 });
        call_expecting(&reply, x, ECHO, message_of(1001, 'x'), HV_RPC_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(reply.text, "larger than max (1001 vs. 1000)"));
        hv_test_run_until(x->event, hv_rpc_server_held_bytes(x->server) == 0);
}

/* Who may not call is told so before anything is read, and learns nothing of what there is. */
static void test_refused_unread(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome big, unknown, allowed;

        x->refuse = HV_RPC_PERMISSION_DENIED;
        stage_serve(x, &(struct hv_rpc_server_options){ .max_held_bytes = 1 });
        stage_connect(x, NULL);
        call_expecting(&big, x, ECHO, message_of(64u << 20, 'x'), HV_RPC_PERMISSION_DENIED);
        assert_string_equal(big.text, "not from here");
        call_expecting(&unknown, x, "/test.Test/None", NULL, HV_RPC_PERMISSION_DENIED);
        assert_int_equal(x->n_requests, 0);
        assert_int_equal(x->n_accepts, 2);
        assert_int_equal(x->peer.address.ss_family, AF_INET);
        assert_int_equal(((struct sockaddr_in *) &x->peer.address)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
        x->refuse = HV_RPC_OK;
        call_expecting(&allowed, x, ECHO, NULL, HV_RPC_OK);
}

/* One large message at a time, while small ones pass; who waits is read when the memory is free again. */
static void test_large_messages_wait(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome first = {}, second = {}, small;

        stage_serve(x, &(struct hv_rpc_server_options){ .max_held_bytes = 66u << 20 });
        stage_connect(x, NULL);
        start_call(&first, x, LATER, message_of(10u << 20, '1'), 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 10u << 20); /* not what it might have been */
        start_call(&second, x, LATER, message_of(20u << 20, '2'), 0);
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 2);
        for (int i = 0; i < 3; i++) {
                call_expecting(&small, x, SMALL, message_of(100, 's'), HV_RPC_OK);
                outcome_done(&small);
        }
        assert_int_equal(x->kept.n, 1);
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 10u << 20);
        x->requests.v[0] = hv_rpc_bytes_free(x->requests.v[0]); /* the call itself goes on */
        hv_test_run_until(x->event, x->kept.n == 2);
        assert_true(is_filled(x->requests.v[1], 20u << 20, '2'));
        hv_rpc_server_call_reply(x->kept.v[0], NULL);
        hv_rpc_server_call_reply(x->kept.v[1], NULL);
        wait_end(&first);
        wait_end(&second);
        assert_int_equal(first.status, HV_RPC_OK);
        assert_int_equal(second.status, HV_RPC_OK);
}

static void test_waiting_has_an_end(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome first = {}, second = {};

        stage_serve(x, &(struct hv_rpc_server_options){ .max_held_bytes = 64u << 20,
                                                        .request_us = HV_USEC_PER_SEC });
        stage_connect(x, NULL);
        start_call(&first, x, LATER, message_of(1, '1'), 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        start_call(&second, x, LATER, message_of(1, '2'), 0);
        wait_end(&second);
        assert_int_equal(second.status, HV_RPC_RESOURCE_EXHAUSTED);
        assert_string_equal(second.text, "busy with other large messages");
        hv_rpc_server_call_reply(x->kept.v[0], NULL);
        wait_end(&first);
        assert_int_equal(first.status, HV_RPC_OK); /* one that was read is not late any more */
}

/* A call that was cancelled while it waited leaves its place. */
static void test_waiting_is_left(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome first = {}, second = {}, third = {};

        stage_serve(x, &(struct hv_rpc_server_options){ .max_held_bytes = 64u << 20 });
        stage_connect(x, NULL);
        start_call(&first, x, LATER, message_of(1, '1'), 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        start_call(&second, x, LATER, message_of(1, '2'), 0);
        start_call(&third, x, LATER, message_of(1, '3'), 0);
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 3);
        hv_rpc_call_cancel(HV_STEAL(second.call));
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 2);
        x->requests.v[0] = hv_rpc_bytes_free(x->requests.v[0]);
        hv_test_run_until(x->event, x->kept.n == 2);
        assert_true(is_filled(x->requests.v[1], 1, '3'));
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 1);
}

#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory, to see who still uses it */
static size_t resident_bytes(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long pages = 0;

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
        fclose(f);
        return pages * (size_t) sysconf(_SC_PAGESIZE);
}

/* Several at once, so that each thread and heap gets its share; taken and answered, or refused when they are complete. */
static void send_large_messages(struct stage *x, bool taken) {
        struct outcome o[6] = {};

        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++)
                start_call(&o[i], x, taken ? ECHO : SMALL, message_of(30u << 20, 'x'), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++) {
                wait_end(&o[i]);
                assert_int_equal(o[i].status, taken ? HV_RPC_OK : HV_RPC_RESOURCE_EXHAUSTED);
                outcome_done(&o[i]);
        }
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 0);
}

/* Large messages leave nothing: the memory goes back to the system. */
static void test_memory_goes_back(void **state) {
        _hv_cleanup_(outcome_done) struct outcome o;
        struct stage *x = *state;
        size_t before;

        stage_serve(x, &(struct hv_rpc_server_options){ .max_held_bytes = 1u << 30 });
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, message_of(1000, 'x'), HV_RPC_OK);
        before = resident_bytes();
        for (int round = 0; round < 4; round++) {
                send_large_messages(x, round % 2 == 0);
                /* Of 180 MB on either side. gRPC's connections keep some for what they read next, 50 MB at most (measured). */
                hv_test_run_until(x->event, resident_bytes() < before + (90u << 20));
        }
}
#endif

/* A file is sent from the page cache. */
static void test_file_is_sent(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        struct hv_rpc_bytes *m = message("head", 4);
        char path[] = "/tmp/hv-rpc-file-XXXXXX", block[65536], tail[8];
        int fd = mkostemp(path, O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        memset(block, 'f', sizeof block);
        for (int i = 0; i < 480; i++)
                assert_int_equal(write(fd, block, sizeof block), sizeof block);
        assert_int_equal(write(fd, "tail", 4), 4);
        assert_int_equal(hv_rpc_bytes_add_file(m, fd, 0, sizeof block * 480 + 4, NULL), 0);
        close(fd);
        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, m, HV_RPC_OK);
        assert_int_equal(hv_rpc_bytes_len(o.reply), 4 + sizeof block * 480 + 4);
        assert_int_equal(hv_rpc_bytes_read(o.reply, 4 + sizeof block * 480 - 4, tail, 8), 8);
        assert_memory_equal(tail, "fffftail", 8);
}

/* --- calls and connections --- */

static void test_too_many_calls(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome above, after;
        struct outcome o[4] = {};
        struct hv_rpc_channel *first;

        stage_serve(x, &(struct hv_rpc_server_options){ .max_calls = 4 });
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++)
                start_call(&o[i], x, LATER, NULL, 0);
        hv_test_run_until(x->event, x->kept.n == HV_ARRAY_SIZE(o));
        first = HV_STEAL(x->channel); /* on the same connection a fifth one would wait on its own side */
        stage_connect(x, NULL);
        call_expecting(&above, x, SMALL, NULL, HV_RPC_RESOURCE_EXHAUSTED);
        assert_string_equal(above.text, "too many calls at once");
        hv_rpc_server_call_reply(x->kept.v[0], NULL);
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 3);
        call_expecting(&after, x, SMALL, NULL, HV_RPC_OK);
        hv_rpc_channel_free(first);
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++)
                o[i].reply = hv_rpc_bytes_free(o[i].reply);
}

static int dial(struct stage *x) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(hv_rpc_server_port(x->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_true(fd >= 0);
        assert_true(connect(fd, (struct sockaddr *) &to, sizeof to) == 0 || errno == EINPROGRESS);
        return fd;
}

/* Has the other side closed it? What it said before is thrown away. */
static bool is_closed(int fd) {
        char buf[4096];
        ssize_t n;

        while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
                ;
        return n == 0 || (errno != EAGAIN && errno != ENOTCONN);
}

/* Connections that say nothing, or nonsense, are closed, and nobody else notices them. */
static void test_raw_connections(void **state) {
        static const char *const says[] = {
                "",
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /* and no SETTINGS */
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x01\x04\x80\x00\x00\x01",
                "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /* TLS */
                "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        };
        struct stage *x = *state;
        int fds[60];

        stage_serve(x, &(struct hv_rpc_server_options){ .handshake_us = 2 * HV_USEC_PER_SEC });
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(fds); i++) {
                const char *text = says[i % HV_ARRAY_SIZE(says)];
                _hv_cleanup_(outcome_done) struct outcome o;

                fds[i] = dial(x);
                call_expecting(&o, x, SMALL, NULL, HV_RPC_OK);
                assert_int_equal(send(fds[i], text, strlen(text), MSG_NOSIGNAL), strlen(text));
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(fds); i++) {
                hv_test_run_until(x->event, is_closed(fds[i]));
                close(fds[i]);
        }
        assert_int_equal(x->n_requests, HV_ARRAY_SIZE(fds));
}

static void test_idle_connection_is_closed(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o, again;

        stage_serve(x, &(struct hv_rpc_server_options){ .idle_us = 500 * HV_USEC_PER_MSEC });
        stage_connect(x, NULL);
        call_expecting(&o, x, SMALL, NULL, HV_RPC_OK);
        hv_test_run_until(x->event, hv_rpc_channel_state(x->channel) == HV_RPC_IDLE);
        call_expecting(&again, x, SMALL, NULL, HV_RPC_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        // clang-format off
        const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__
                TEST(test_memory_goes_back),
#endif
                TEST(test_largest_message),
                TEST(test_refused_unread),
                TEST(test_large_messages_wait),
                TEST(test_waiting_has_an_end),
                TEST(test_waiting_is_left),
                TEST(test_file_is_sent),
                TEST(test_too_many_calls),
                TEST(test_raw_connections),
                TEST(test_idle_connection_is_closed),
        };
        // clang-format on

        return cmocka_run_group_tests(tests, NULL, NULL);
}

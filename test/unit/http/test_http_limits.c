/* What hostile and broken clients can do to the server: raw bytes, idle sockets, slow ones, too much of everything. */
#include "testing.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web.h"

#define H "Host: localhost\r\n"
#define LITERAL(s) s, sizeof(s) - 1
#define GET_HELLO "GET /hello HTTP/1.1\r\n" H "\r\n"
#define FAST_US UINT64_C(1000000)

static int set_up(void **state) {
        *state = web_start(NULL);
        return 0;
}

/* Time-outs short enough to be waited for, and long enough for a machine that does much else. */
static int set_up_fast(void **state) {
        *state = web_start(&(struct hv_http_limits){
                .head_timeout_us = FAST_US, .body_timeout_us = FAST_US, .send_timeout_us = FAST_US });
        return 0;
}

static int set_up_small(void **state) {
        *state =
                web_start(&(struct hv_http_limits){ .connections_max = 8, .connections_per_address_max = 4 });
        return 0;
}

static struct hv_http_stats stats(struct web *w) {
        struct hv_http_stats s;

        hv_http_server_stats(w->server, &s);
        return s;
}

/* Each is answered with a refusal or closed at once; the handler sees nothing; the next client is served. What the head
 * check alone can tell is in test_http_head.c; these go through all of it, byte by byte and at once. */
static void test_raw_requests(void **state) {
        static const struct {
                const char *what, *data;
                size_t len;
                unsigned status;
        } ROWS[] = {
                { "HTTP/0.9", LITERAL("GET /hello\r\n"), 400 },
                { "bare line feeds", LITERAL("GET /hello HTTP/1.1\nHost: localhost\n\n"), 400 },
                { "folded header", LITERAL("GET /hello HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), 400 },
                { "NUL", LITERAL("GET /hello HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), 400 },
                { "TLS", LITERAL("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
                { "length and chunked",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                  400 },
                { "two lengths",
                  LITERAL("POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
                  400 },
                { "two encodings",
                  LITERAL("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
                { "chunk size is no number",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\n\r\nzz\r\nabcd\r\n0\r\n\r\n"),
                  400 },
                { "chunk size is negative",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\n\r\n-4\r\nabcd\r\n0\r\n\r\n"),
                  400 },
                { "chunk size with 0x",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n"),
                  400 },
                { "chunk size overflows",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabcd\r\n"),
                  413 },
                { "chunk is longer than its size",
                  LITERAL("POST /echo HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n"),
                  400 },
                { "body too large, announced",
                  LITERAL("POST /echo HTTP/1.1\r\n" H "Content-Length: 65537\r\n\r\n"), 413 },
                { "body where none is taken",
                  LITERAL("POST /later HTTP/1.1\r\n" H "Content-Length: 1025\r\n\r\n"), 413 },
        };
        struct web *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++)
                for (unsigned piecewise = 0; piecewise < 2; piecewise++) {
                        int fd = web_connect_unix(w);
                        struct hv_buf answer = {};

                        if (piecewise)
                                for (size_t k = 0; k < ROWS[i].len; k++) {
                                        /* The server may have refused it already. */
                                        if (send(fd, ROWS[i].data + k, 1, MSG_NOSIGNAL) < 0)
                                                break;
                                        web_turn(w, UINT64_MAX, ROWS[i].what);
                                }
                        else
                                web_send(fd, ROWS[i].data, ROWS[i].len);
                        answer = web_read_all(w, fd);
                        if (web_status(&answer) != ROWS[i].status)
                                fail_msg("%s: want %u, got %s", ROWS[i].what, ROWS[i].status,
                                         hv_buf_str(&answer));
                        hv_buf_done(&answer);
                }
        assert_int_equal(w->n_handled, 0);
        assert_int_equal(web_ask(w, false, GET_HELLO, NULL), 200);
        web_wait(w, stats(w).connections == 0);
}

/* The library must never see what follows a request: it would not have been checked. */
static void test_nothing_follows_a_request(void **state) {
        struct web *w = *state;
        struct hv_buf answer;

        assert_int_equal(web_ask(w, true, GET_HELLO "GET /admin HTTP/1.1\nHost: x\n\n", &answer), 200);
        assert_null(strstr(hv_buf_str(&answer) + 5, "HTTP/1."));
        assert_int_equal(w->n_handled, 1);
        hv_buf_done(&answer);
}

static void test_sizes(void **state) {
        struct web *w = *state;
        char *request = calloc(1, 100000);
        int n;

        assert_non_null(request);
        n = sprintf(request, "GET /files/");
        memset(request + n, 'a', 7000);
        strcpy(request + n + 7000, " HTTP/1.1\r\n" H "\r\n");
        assert_int_equal(web_ask(w, true, request, NULL),
                         200); /* what the limit allows goes through all of it */
        memset(request + n, 'a', 9000);
        strcpy(request + n + 9000, " HTTP/1.1\r\n" H "\r\n");
        assert_int_equal(web_ask(w, true, request, NULL), 414);

        n = sprintf(request, "GET /hello HTTP/1.1\r\n" H);
        for (unsigned i = 0; i < 63; i++)
                n += sprintf(request + n, "X-Header-Number-%u: %0*d\r\n", i, 90, 0);
        strcpy(request + n, "\r\n");
        assert_int_equal(web_ask(w, true, request, NULL), 200);
        n += sprintf(request + n, "One-Too-Many: 1\r\n\r\n");
        assert_int_equal(web_ask(w, true, request, NULL), 431);

        n = sprintf(request, "GET /hello HTTP/1.1\r\n" H "X: ");
        memset(request + n, 'x', 9000);
        strcpy(request + n + 9000, "\r\n\r\n");
        assert_int_equal(web_ask(w, true, request, NULL), 431);
        free(request);
}

static void send_chunks(struct web *w, int fd, size_t total, bool finish) {
        char chunk[1024 + 8];
        int head = sprintf(chunk, "400\r\n");

        memset(chunk + head, 'c', 1024);
        memcpy(chunk + head + 1024, "\r\n", 2);
        for (size_t sent = 0; sent < total; sent += 1024) {
                ssize_t n;

                web_wait(w, (n = send(fd, chunk, (size_t) head + 1026, MSG_NOSIGNAL)) > 0 || errno != EAGAIN);
                if (n < 0)
                        return;
                assert_int_equal(n, head + 1026);
        }
        if (finish)
                web_send_text(fd, "0\r\n\r\n");
}

/* A body of unknown length: 413 when it ends soon, cut off when it does not. */
static void test_endless_body(void **state) {
        struct web *w = *state;
        struct hv_buf answer;
        int fd = web_connect_unix(w);

        web_send_text(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
        send_chunks(w, fd, 64 << 10, true);
        answer = web_read_all(w, fd);
        assert_int_equal(web_status(&answer), 201);
        hv_buf_done(&answer);

        fd = web_connect_unix(w);
        web_send_text(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
        send_chunks(w, fd, 65 << 10, true);
        answer = web_read_all(w, fd);
        assert_int_equal(web_status(&answer), 413);
        hv_buf_done(&answer);

        fd = web_connect_unix(w);
        web_send_text(fd, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
        send_chunks(w, fd, 8 << 20, false);
        answer = web_read_all(w, fd);
        assert_int_equal(web_status(&answer), 0);
        hv_buf_done(&answer);
}

/* 300 clients that connect and say nothing, or half a head: whoever has a request is served at once, from their address too. */
static void test_idle_sockets_lock_nobody_out(void **state) {
        struct web *w = *state;
        int fds[300];

        for (size_t i = 0; i < HV_ARRAY_SIZE(fds); i++) {
                fds[i] = web_connect(w);
                if (i % 2)
                        web_send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: local");
                if (i % 50 == 0)
                        assert_int_equal(web_ask(w, false, GET_HELLO, NULL), 200);
        }
        assert_int_equal(web_ask(w, false, GET_HELLO, NULL), 200);
        assert_int_equal(web_ask(w, true, GET_HELLO, NULL), 200);
        assert_true(stats(w).connections <= 32);
        assert_true(stats(w).evicted >= 268);
        for (size_t i = 0; i < HV_ARRAY_SIZE(fds); i++)
                (void) close(fds[i]);
}

/* When all places are busy with requests, the next is told so and is not kept waiting; another listener is not touched. */
static void test_busy_connections(void **state) {
        struct web *w = *state;
        int fds[4], unix_fds[8];
        struct hv_http_request *kept[12];

        for (size_t i = 0; i < 4; i++) {
                fds[i] = web_connect(w);
                web_send_text(fds[i], "GET /later HTTP/1.1\r\n" H "\r\n");
                web_wait(w, w->kept);
                kept[i] = HV_STEAL(w->kept);
        }
        assert_int_equal(web_ask(w, false, GET_HELLO, NULL), 503); /* this address has its four */
        for (size_t i = 0; i < 8; i++) {
                unix_fds[i] = web_connect_unix(w);
                web_send_text(unix_fds[i], "GET /later HTTP/1.1\r\n" H "\r\n");
                web_wait(w, w->kept);
                kept[4 + i] = HV_STEAL(w->kept);
        }
        assert_int_equal(web_ask(w, true, GET_HELLO, NULL), 503);
        for (size_t i = 0; i < 12; i++)
                hv_http_reply_empty(kept[i], 204);
        web_wait(w, stats(w).connections == 0);
        assert_int_equal(web_ask(w, true, GET_HELLO, NULL), 200);
        for (size_t i = 0; i < 8; i++)
                (void) close(unix_fds[i]);
        for (size_t i = 0; i < 4; i++)
                (void) close(fds[i]);
}

/* Half a head stays readable in its socket; the loop must not come back to it before there is more. */
static void test_half_a_head_costs_nothing(void **state) {
        struct web *w = *state;
        int fd = web_connect(w);
        unsigned turns = 0;

        web_send_text(fd, "GET /hello HTTP/1.1\r\n");
        web_wait(w, stats(w).connections == 1);
        while (sd_event_run(w->event, 0) > 0)
                assert_true(++turns < 20);
        web_send_text(fd, H "\r\n");
        (void) close(fd);
        web_wait(w, w->n_handled == 1);
}

/* A refusal ends with the end of the stream. On a unix socket a close with bytes unread would be told as a reset. */
static void test_refusals_end_in_order(void **state) {
        struct web *w = *state;

        for (unsigned on_unix = 0; on_unix < 2; on_unix++) {
                int fd = on_unix ? web_connect_unix(w) : web_connect(w);
                struct hv_buf got = {};
                char data[512];
                ssize_t n;

                web_send_text(fd, "GET /hello HTTP/1.1\nand what follows\r\n\r\n");
                web_read_until(w, fd, &got, "bare line feed");
                web_wait(w, stats(w).connections == 0);
                do
                        n = recv(fd, data, sizeof data, 0);
                while (n > 0);
                assert_int_equal(n, 0);
                hv_buf_done(&got);
                (void) close(fd);
        }
}

/* Slow clients: of the head, of the body, of the answer. */
static void test_slow_clients(void **state) {
        struct web *w = *state;
        int idle = web_connect(w), head = web_connect(w), body = web_connect_unix(w),
            answer_fd = web_connect(w);
        struct hv_buf answer;

        web_send_text(head, "GET /hello HT");
        web_send_text(body, "POST /echo HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nhal");
        web_send_text(answer_fd, "GET /big HTTP/1.1\r\n" H "\r\n"); /* and never reads */
        answer = web_read_all(w, head);
        assert_int_equal(web_status(&answer), 408);
        hv_buf_done(&answer);
        answer = web_read_all(w, idle);
        assert_int_equal(web_status(&answer), 408);
        hv_buf_done(&answer);
        answer = web_read_all(w, body);
        assert_int_equal(web_status(&answer), 0);
        hv_buf_done(&answer);
        web_wait(w, stats(w).connections == 0);
        (void) close(answer_fd);
}

/* Out of descriptors: the server neither spins nor dies, and goes on when there are some again. */
static void test_no_descriptors(void **state) {
        struct web *w = *state;
        struct rlimit before, none;
        int fd = web_connect(w);
        struct hv_buf answer;

        web_send_text(fd, GET_HELLO);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){ 0, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        for (unsigned i = 0; i < 5; i++)
                web_turn(w, UINT64_MAX, "five turns");
        assert_int_equal(stats(w).connections, 0);
        assert_int_equal(sd_event_run(w->event, 0), 0); /* nothing is pending: no spinning */
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        answer = web_read_all(w, fd);
        assert_int_equal(web_status(&answer), 200);
        hv_buf_done(&answer);
}

/* The last descriptors are held by clients that say nothing: the oldest of them makes room. */
static void test_last_descriptors_are_with_idle_clients(void **state) {
        struct web *w = *state;
        struct rlimit before, few;
        int idle = web_connect(w), fd = web_connect(w), used[64];
        size_t n_used = 0;
        struct hv_buf answer;

        web_wait(w, stats(w).connections == 2);
        (void) close(fd);
        web_wait(w, stats(w).connections == 1);
        fd = web_connect(w);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = (struct rlimit){ 64, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        while ((used[n_used] = dup(STDERR_FILENO)) >= 0)
                n_used++;
        web_send_text(fd, GET_HELLO);
        answer = web_read_all(w, fd);
        assert_int_equal(web_status(&answer), 200);
        assert_int_equal(stats(w).evicted, 1);
        while (n_used > 0)
                (void) close(used[--n_used]);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        hv_buf_done(&answer);
        (void) close(idle);
}

/* Clients that vanish at every point of a request. */
static void test_torn_requests(void **state) {
        static const char REQUEST[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello";
        struct web *w = *state;

        for (size_t n = 0; n < sizeof REQUEST; n++) {
                int fd = web_connect_unix(w);

                web_send(fd, REQUEST, n);
                web_turn(w, UINT64_MAX, "a turn");
                (void) close(fd);
                web_wait(w, stats(w).connections == 0);
        }
        assert_int_equal(stats(w).in_flight, 0);
        assert_int_equal(web_ask(w, true, GET_HELLO, NULL), 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_raw_requests, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_nothing_follows_a_request, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_sizes, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_endless_body, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_idle_sockets_lock_nobody_out, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_busy_connections, set_up_small, web_tear_down),
                cmocka_unit_test_setup_teardown(test_half_a_head_costs_nothing, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_refusals_end_in_order, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_slow_clients, set_up_fast, web_tear_down),
                cmocka_unit_test_setup_teardown(test_no_descriptors, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_last_descriptors_are_with_idle_clients, set_up,
                                                web_tear_down),
                cmocka_unit_test_setup_teardown(test_torn_requests, set_up, web_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

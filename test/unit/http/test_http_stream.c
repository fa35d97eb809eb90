/* Answers without a known end: chunked streams and server-sent events (http/stream.h, http/sse.h). */
#include "testing.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web.h"

#define H "Host: localhost\r\n"
#define GET_STREAM "GET /stream HTTP/1.1\r\n" H "\r\n"
#define GET_EVENTS "GET /events HTTP/1.1\r\n" H

static int set_up(void **state) {
        *state = web_start(NULL);
        return 0;
}

static struct hv_http_stats stats(struct web *w) {
        struct hv_http_stats s;

        hv_http_server_stats(w->server, &s);
        return s;
}

static int open_stream(struct web *w) {
        int fd = web_connect(w);

        web_send_text(fd, GET_STREAM);
        web_wait(w, w->stream);
        return fd;
}

static void test_stream(void **state) {
        struct web *w = *state;
        int fd = open_stream(w);
        struct hv_buf got = {};

        assert_true(hv_http_stream_write(w->stream, "first", 5));
        web_read_until(w, fd, &got, "first\r\n");
        assert_non_null(strstr(hv_buf_str(&got), "Transfer-Encoding: chunked"));
        web_wait(w, w->n_drained == 1);
        /* It slept in between: writing must wake it. */
        assert_true(hv_http_stream_write(w->stream, "second", 6));
        assert_true(hv_http_stream_write(w->stream, " third", 6));
        web_read_until(w, fd, &got, "second third\r\n");
        web_wait(w, w->n_drained == 2);
        hv_http_stream_end(HV_STEAL(w->stream));
        web_read_until(w, fd, &got, "\r\n0\r\n\r\n");
        web_wait(w, stats(w).connections == 0);
        assert_string_equal(w->stream_reason, ""); /* no `gone` after an end of our own */
        (void) close(fd);
        hv_buf_done(&got);
}

static void test_http_1_0(void **state) {
        struct web *w = *state;
        int fd = web_connect_unix(w);
        struct hv_buf answer;

        web_send_text(fd, "GET /stream HTTP/1.0\r\n\r\n");
        web_wait(w, w->stream);
        assert_true(hv_http_stream_write(w->stream, "text", 4));
        hv_http_stream_end(HV_STEAL(w->stream));
        answer = web_read_all(w, fd);
        assert_string_equal(web_body(&answer),
                            "text"); /* not chunked: the end of the connection is the end */
        hv_buf_done(&answer);
}

/* A producer that can wait sees the room, and is called when there is some again. */
static void test_producer_waits(void **state) {
        struct web *w = *state;
        int fd = open_stream(w);
        char block[4096];
        struct hv_buf got = {};
        size_t sent = 0;

        memset(block, 'x', sizeof block);
        while (sent < (16 << 20)) { /* more than all buffers on the way hold */
                unsigned drained = w->n_drained;

                while (hv_http_stream_room(w->stream) >= sizeof block) {
                        assert_true(hv_http_stream_write(w->stream, block, sizeof block));
                        sent += sizeof block;
                }
                web_wait(w, w->n_drained > drained || ({
                                    char data[65536];
                                    ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);

                                    if (n > 0)
                                            hv_buf_add(&got, data, (size_t) n);
                                    false;
                            }));
        }
        hv_http_stream_end(HV_STEAL(w->stream));
        web_read_until(w, fd, &got, "\r\n0\r\n\r\n");
        assert_true(got.len > sent);
        (void) close(fd);
        hv_buf_done(&got);
}

/* One that cannot wait writes on; the client is dropped, with a reason, and memory stays bounded. */
static void test_slow_reader_is_dropped(void **state) {
        struct web *w = *state;
        int fd = open_stream(w);
        char block[4096] = "";
        bool took = true;

        for (size_t sent = 0; took; sent += sizeof block) {
                assert_true(sent < (64 << 20));
                took = hv_http_stream_write(w->stream, block, sizeof block);
                if (took)
                        web_turn(w, UINT64_MAX, "a turn");
        }
        assert_non_null(w->stream); /* `gone` does not come from inside the write */
        assert_int_equal(hv_http_stream_room(w->stream), 0);
        assert_false(hv_http_stream_write(w->stream, "x", 1));
        web_wait(w, !w->stream);
        assert_string_equal(w->stream_reason, "the client reads too slowly");
        web_wait(w, stats(w).connections == 0);
        assert_int_equal(stats(w).dropped_streams, 1);
        (void) close(fd);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        *(bool *) userdata = true;
        return 0;
}

/* Longer than the time-out of those who do not read: nothing was there to be read. */
static void test_silent_stream_lives(void **state) {
        struct web *w = web_start(&(struct hv_http_limits){ .send_timeout_us = 1000000 });
        int fd = open_stream(w);
        struct hv_buf got = {};

        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                bool is_later = false;

                assert_true(sd_event_add_time_relative(w->event, NULL, CLOCK_MONOTONIC, 1500000, 1, on_time,
                                                       &is_later) >= 0);
                web_wait(w, is_later);
                assert_non_null(w->stream);
                assert_true(hv_http_stream_write(w->stream, i ? "second" : "first", i ? 6 : 5));
                web_read_until(w, fd, &got, i ? "second" : "first");
        }
        (void) close(fd);
        web_wait(w, !w->stream);
        hv_buf_done(&got);
        web_stop(w);
}

/* A reader that stops reading while little is queued would otherwise keep its place for ever. */
static void test_stalled_reader_is_dropped(void **state) {
        struct web *w = web_start(&(struct hv_http_limits){ .send_timeout_us = 100000 });
        int fd = open_stream(w);
        char block[4096] = "";

        /* The way is full, the queue begins to fill; on a slow machine the time is over by then. */
        while (w->stream && hv_http_stream_room(w->stream) > 200 << 10) {
                assert_true(hv_http_stream_write(w->stream, block, sizeof block));
                web_turn(w, UINT64_MAX, "a turn");
        }
        web_wait(w, !w->stream);
        assert_string_equal(w->stream_reason, "the client takes no data");
        (void) close(fd);
        web_stop(w);
        (void) state;
}

static void test_client_leaves(void **state) {
        struct web *w = *state;

        for (unsigned busy = 0; busy < 2; busy++) {
                int fd = open_stream(w);

                if (busy)
                        assert_true(hv_http_stream_write(w->stream, "x", 1));
                else
                        web_wait(w, stats(w).streams == 1);
                (void) close(fd);
                web_wait(w, !w->stream);
                assert_string_equal(w->stream_reason, "the client left");
                web_wait(w, stats(w).connections == 0 && stats(w).streams == 0);
        }
}

static void test_cap_of_streams(void **state) {
        struct web *w = web_start(&(struct hv_http_limits){ .streams_max = 1 });
        int fd = open_stream(w), fds[2];
        struct hv_buf answer;

        (void) state;
        assert_int_equal(web_ask(w, true, GET_EVENTS "\r\n", &answer), 503);
        assert_true(web_has_header(&answer, "Retry-After: 10"));
        hv_buf_done(&answer);
        (void) close(fd);
        web_wait(w, !w->stream && stats(w).streams == 0);
        fd = open_stream(w);
        (void) close(fd);
        web_wait(w, !w->stream && stats(w).streams == 0);
        /* Other limits hold at once. */
        hv_http_server_limit(w->server,
                             &(struct hv_http_limits){ .connections_per_address_max = 8, .streams_max = 2 });
        for (int i = 0; i < 2; i++) {
                fds[i] = web_connect(w);
                web_send_text(fds[i], GET_EVENTS "\r\n");
                web_wait(w, stats(w).streams == (unsigned) i + 1);
        }
        assert_int_equal(web_ask(w, true, GET_EVENTS "\r\n", &answer), 503);
        hv_buf_done(&answer);
        (void) close(fds[0]);
        (void) close(fds[1]);
        web_wait(w, stats(w).streams == 0);
        web_stop(w);
}

/* --- events -------------------------------------------------------------------------------------------------------- */

static void test_event_form(void **state) {
        struct web *w = *state;
        int fd = web_connect(w);
        struct hv_buf got = {};

        web_send_text(fd, GET_EVENTS "\r\n");
        web_read_until(w, fd, &got, ":\n\n");
        assert_true(web_has_header(&got, "Content-Type: text/event-stream"));
        hv_http_sse_broadcast(w->hub, "7", "status", "{\"a\":1}");
        web_read_until(w, fd, &got, "id: 7\nevent: status\ndata: {\"a\":1}\n\n");
        hv_http_sse_broadcast(w->hub, NULL, NULL, "two\nlines\r\nthree\r");
        web_read_until(w, fd, &got, "data: two\ndata: lines\ndata: three\ndata: \n\n");
        (void) close(fd);
        web_wait(w, hv_http_sse_hub_size(w->hub) == 0);
        hv_buf_done(&got);
}

static void test_heartbeat(void **state) {
        struct web *w = *state;
        int fds[2] = { web_connect(w), web_connect_unix(w) };
        struct hv_buf got = {};

        hv_http_sse_hub_set_heartbeat(w->hub, 1000);
        for (size_t i = 0; i < 2; i++)
                web_send_text(fds[i], GET_EVENTS "\r\n");
        for (size_t i = 0; i < 2; i++) {
                web_read_until(w, fds[i], &got,
                               "3\r\n:\n\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n\r\n"); /* the first is the greeting */
                hv_buf_done(&got);
                (void) close(fds[i]);
        }
        web_wait(w, hv_http_sse_hub_size(w->hub) == 0);
}

/* The server's end of a client's connection: both live in this process. */
static int other_end(int client) {
        struct sockaddr_in mine = {}, theirs;
        socklen_t len = sizeof mine;

        assert_int_equal(getsockname(client, (struct sockaddr *) &mine, &len), 0);
        for (int fd = 3; fd < 256; fd++) {
                len = sizeof theirs;
                if (getpeername(fd, (struct sockaddr *) &theirs, &len) == 0 && theirs.sin_family == AF_INET &&
                    theirs.sin_port == mine.sin_port)
                        return fd;
        }
        fail_msg("the server has no such connection");
        return -1;
}

/* An event for somebody without power is never confirmed: two minutes, not the quarter of an hour that TCP tries. */
static void test_who_confirms_nothing_is_missed(void **state) {
        struct web *w = *state;
        int fd = web_connect(w);
        struct hv_buf got = {};
        unsigned within_ms = 0;
        socklen_t len = sizeof within_ms;

        web_send_text(fd, GET_EVENTS "\r\n");
        web_read_until(w, fd, &got, ":\n\n");
        assert_int_equal(getsockopt(other_end(fd), IPPROTO_TCP, TCP_USER_TIMEOUT, &within_ms, &len), 0);
        assert_in_range(within_ms, 90000, 120000);
        (void) close(fd);
        web_wait(w, hv_http_sse_hub_size(w->hub) == 0);
        hv_buf_done(&got);
}

static void test_resume(void **state) {
        static const struct {
                const char *what, *request;
                bool old_2, old_3;
        } ROWS[] = {
                { "from now", GET_EVENTS "\r\n", false, false },
                { "header", GET_EVENTS "Last-Event-ID: 2\r\n\r\n", false, true },
                { "query", "GET /events?since=1 HTTP/1.1\r\n" H "\r\n", true, true },
                { "the header wins", "GET /events?since=1 HTTP/1.1\r\n" H "Last-Event-ID: 2\r\n\r\n", false,
                  true },
        };
        struct web *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                int fd = web_connect(w);
                struct hv_buf got = {};

                web_send_text(fd, ROWS[i].request);
                web_wait(w, hv_http_sse_hub_size(w->hub) == 1);
                hv_http_sse_broadcast(w->hub, "4", NULL, "new 4");
                web_read_until(w, fd, &got, "data: new 4\n\n");
                if (!!strstr(hv_buf_str(&got), "data: old 2") != ROWS[i].old_2 ||
                    !!strstr(hv_buf_str(&got), "data: old 3") != ROWS[i].old_3)
                        fail_msg("%s: got %s", ROWS[i].what, hv_buf_str(&got));
                (void) close(fd);
                web_wait(w, hv_http_sse_hub_size(w->hub) == 0);
                hv_buf_done(&got);
        }
}

/* A hundred clients, of which some leave and one does not read: everybody else gets every event, in order. */
static void test_hundred_clients(void **state) {
        enum { N = 100, EVENTS = 200 };
        struct web *w = web_start(&(struct hv_http_limits){ .connections_per_address_max = 200 });
        static struct hv_buf got[N];
        int fds[N];
        char id[16], data[2048];
        struct hv_http_stats s;

        (void) state;
        for (size_t i = 0; i < N; i++) {
                fds[i] = i % 2 ? web_connect(w) : web_connect_unix(w);
                web_send_text(fds[i], GET_EVENTS "\r\n");
        }
        web_wait(w, hv_http_sse_hub_size(w->hub) == N);
        assert_int_equal(web_ask(w, true, GET_EVENTS "\r\n", NULL), 503); /* the hub's own cap */
        for (size_t i = 0; i < 10; i++)
                (void) close(fds[i]);
        web_wait(w, hv_http_sse_hub_size(w->hub) == N - 10);

        memset(data, 'd', sizeof data);
        data[sizeof data - 1] = '\0';
        for (unsigned e = 0; e < EVENTS; e++) {
                (void) snprintf(id, sizeof id, "%u", e);
                hv_http_sse_broadcast(w->hub, id, NULL, data);
                web_turn(w, UINT64_MAX, "a turn");
                for (size_t i = 11; i < N; i++) /* number 10 never reads */
                        (void) web_receive(fds[i], &got[i]);
        }
        for (size_t i = 11; i < N; i++) {
                const char *p;

                web_read_until(w, fds[i], &got[i], "\nid: 199\n");
                p = hv_buf_str(&got[i]);
                for (unsigned e = 0; e < EVENTS; e++) {
                        char want[32];

                        (void) snprintf(want, sizeof want, "\nid: %u\n", e);
                        p = strstr(p, want);
                        assert_non_null(p);
                }
                (void) close(fds[i]);
                hv_buf_done(&got[i]);
        }
        (void) close(fds[10]);
        web_wait(w, hv_http_sse_hub_size(w->hub) == 0);
        web_wait(w, (hv_http_server_stats(w->server, &s), s.connections == 0));
        web_stop(w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_stream, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_http_1_0, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_producer_waits, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_slow_reader_is_dropped, set_up, web_tear_down),
                cmocka_unit_test(test_silent_stream_lives),
                cmocka_unit_test(test_stalled_reader_is_dropped),
                cmocka_unit_test_setup_teardown(test_client_leaves, set_up, web_tear_down),
                cmocka_unit_test(test_cap_of_streams),
                cmocka_unit_test_setup_teardown(test_event_form, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_heartbeat, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_who_confirms_nothing_is_missed, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_resume, set_up, web_tear_down),
                cmocka_unit_test(test_hundred_clients),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

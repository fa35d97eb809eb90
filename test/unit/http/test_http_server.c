/* Requests and answers over real sockets (http/server.h, http/request.h, http/reply.h). */
#include "testing.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/secret.h"
#include "log/redact.h"
#include "web.h"

#define H "Host: localhost\r\n"

static int set_up(void **state) {
        *state = web_start(NULL);
        return 0;
}

static void test_answers(void **state) {
        static const struct {
                const char *what;
                bool on_unix;
                const char *request;
                unsigned status;
                const char *body; /* NULL: whatever */
        } ROWS[] = {
                { "TCP", false, "GET /hello HTTP/1.1\r\n" H "\r\n", 200, "{\"hello\":\"127.0.0.1\"}" },
                { "unix", true, "GET /hello HTTP/1.1\r\nHost: whatever\r\n\r\n", 200, NULL },
                { "HTTP/1.0", true, "GET /hello HTTP/1.0\r\n\r\n", 200, NULL },
                { "no such path", true, "GET /none HTTP/1.1\r\n" H "\r\n", 404, NULL },
                { "other method", true, "POST /hello HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 405, NULL },
                { "unknown method", true, "BREW /hello HTTP/1.1\r\n" H "\r\n", 405, NULL },
                { "body", true, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 201, "hello" },
                { "empty body", true, "POST /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 201, "" },
                { "chunked body", true,
                  "POST /echo HTTP/1.1\r\n" H
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
                  201, "hello" },
                { "parameters", false,
                  "GET /items/a%20b%2Fc/logs?follow&since=1%3A2&since=9 HTTP/1.1\r\n" H "\r\n", 200,
                  "id=a b/c follow=1 since=1:2 none=(absent)" },
                { "plus in a query", false, "GET /items/x/logs?since=a+b HTTP/1.1\r\n" H "\r\n", 200,
                  "id=x follow=0 since=a b none=(absent)" },
                { "what the route does not declare", false,
                  "GET /items/x/logs?undeclared=1&follow HTTP/1.1\r\n" H "\r\n", 200,
                  "id=x follow=1 since=(absent) none=(absent)" },
                { "false flag", false, "GET /items/x/logs?follow=0 HTTP/1.1\r\n" H "\r\n", 200,
                  "id=x follow=0 since=(absent) none=(absent)" },
                { "rest of the path", false, "GET /files/a/b%2e/c HTTP/1.1\r\n" H "\r\n", 200, "a/b./c" },
                { "dots in the path", false, "GET /files/a/%2e%2e/c HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "NUL in the path", false, "GET /files/a%00b HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "NUL in a query", false, "GET /items/x/logs?since=%00 HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "half an escape in a query", false, "GET /items/x/logs?since=%4 HTTP/1.1\r\n" H "\r\n", 400,
                  NULL },
                { "bad name in a query", false, "GET /items/x/logs?%ff=1 HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "a number", false, "GET /tail?n=7 HTTP/1.1\r\n" H "\r\n", 200, "7" },
                { "the number's default", false, "GET /tail HTTP/1.1\r\n" H "\r\n", 200, "100" },
                { "no number", false, "GET /tail?n=7x HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "empty number", false, "GET /tail?n= HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "too large a number", false, "GET /tail?n=1001 HTTP/1.1\r\n" H "\r\n", 400, NULL },
                { "negative number", false, "GET /tail?n=-1 HTTP/1.1\r\n" H "\r\n", 400, NULL },
        };
        struct web *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_buf answer;
                unsigned status = web_ask(w, ROWS[i].on_unix, ROWS[i].request, &answer);

                if (status != ROWS[i].status || (ROWS[i].body && !hv_streq(web_body(&answer), ROWS[i].body)))
                        fail_msg("%s: want %u %s, got %s", ROWS[i].what, ROWS[i].status, ROWS[i].body ?: "",
                                 hv_buf_str(&answer));
                if (status >= 400 && !web_has_header(&answer, "Content-Type: application/problem+json"))
                        fail_msg("%s: is no problem document: %s", ROWS[i].what, hv_buf_str(&answer));
                hv_buf_done(&answer);
        }
}

/* The gate: each kind of route, from each side, with each method. */
static void test_roles_and_methods(void **state) {
        static const struct {
                const char *path;
                unsigned tcp_get, tcp_post, unix_get, unix_post;
        } ROWS[] = {
                { "/hello", 200, 405, 200, 405 }, { "/etag", 200, 405, 200, 405 },
                { "/admin", 403, 405, 200, 405 }, { "/debug", 404, 405, 200, 405 },
                { "/echo", 405, 405, 405, 201 },  { "/none", 404, 405, 404, 404 },
        };
        static const char *const OTHERS[] = { "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT" };
        struct web *w = *state;
        char request[200];

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++)
                for (unsigned k = 0; k < 4; k++) {
                        unsigned want = k == 0   ? ROWS[i].tcp_get
                                        : k == 1 ? ROWS[i].tcp_post
                                        : k == 2 ? ROWS[i].unix_get
                                                 : ROWS[i].unix_post;

                        (void) snprintf(request, sizeof request, "%s %s HTTP/1.1\r\n" H "%s\r\n",
                                        k % 2 ? "POST" : "GET", ROWS[i].path,
                                        k % 2 ? "Content-Length: 0\r\n" : "");
                        if (web_ask(w, k >= 2, request, NULL) != want)
                                fail_msg("%s, %s, %s: want %u", ROWS[i].path, k >= 2 ? "unix" : "TCP",
                                         k % 2 ? "POST" : "GET", want);
                }
        for (size_t i = 0; i < HV_ARRAY_SIZE(OTHERS); i++)
                for (unsigned on_unix = 0; on_unix < 2; on_unix++) {
                        struct hv_buf answer;

                        (void) snprintf(request, sizeof request, "%s /hello HTTP/1.1\r\n" H "\r\n",
                                        OTHERS[i]);
                        assert_int_equal(web_ask(w, on_unix, request, &answer), 405);
                        assert_true(web_has_header(&answer, "Allow: GET, HEAD"));
                        hv_buf_done(&answer);
                }
}

static void test_host(void **state) {
        static const struct {
                const char *host;
                unsigned status;
        } ROWS[] = {
                { "localhost", 200 },
                { "127.0.0.1:5000", 200 },
                { "[::1]", 200 },
                { "evil.example", 421 },
                { "localhost.evil.example", 421 },
                { "10.0.0.1", 421 },
                { "", 421 },
        };
        struct web *w = *state;
        char request[200];

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                (void) snprintf(request, sizeof request, "GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n",
                                ROWS[i].host);
                if (web_ask(w, false, request, NULL) != ROWS[i].status)
                        fail_msg("Host: %s: want %u", ROWS[i].host, ROWS[i].status);
        }
        assert_int_equal(web_ask(w, false, "GET /hello HTTP/1.0\r\n\r\n", NULL), 421); /* nor without any */
        assert_int_equal(w->n_handled, 3);
}

/* Of an answer, also of one that is given before there is a request, and of a page. */
static void test_headers(void **state) {
#define FOR_ALL                                                            \
        "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", \
                "Cross-Origin-Opener-Policy: same-origin", "Connection: close"
#define OF_DATA \
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'", "Cache-Control: no-store"
#define CSP_OF_PAGES                                                                                                \
        ("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
         "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
#define OF_PAGES CSP_OF_PAGES, "Cache-Control: public, max-age=60"
        static const struct {
                const char *request;
                const char *headers[8];
        } ROWS[] = {
                { "GET /hello HTTP/1.1\r\n" H "Origin: https://evil.example\r\n\r\n", { FOR_ALL, OF_DATA } },
                { "GET /none HTTP/1.1\r\n" H "\r\n", { FOR_ALL, OF_DATA } },
                { "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", { FOR_ALL, OF_DATA } },
                { "HEAD /hello HTTP/1.1\r\n" H "\r\n", { FOR_ALL, OF_DATA } },
                { "no request\r\n\r\n", { FOR_ALL, OF_DATA } },
                { "GET /page HTTP/1.1\r\n" H "\r\n", { FOR_ALL, OF_PAGES } },
        };
        struct web *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_buf answer;

                (void) web_ask(w, false, ROWS[i].request, &answer);
                for (size_t k = 0; k < HV_ARRAY_SIZE(ROWS[i].headers) && ROWS[i].headers[k]; k++) {
                        const char *header = ROWS[i].headers[k];
                        size_t name = strcspn(header, ":") + 1;
                        _hv_cleanup_free_ char *line = hv_asprintf("\r\n%s\r\n", header),
                                               *start = hv_asprintf("\r\n%.*s", (int) name, header);
                        const char *first = strstr(hv_buf_str(&answer), start);

                        if (!strstr(hv_buf_str(&answer), line) || strstr(first + 2, start))
                                fail_msg("%s: not \"%s\" once: %s", ROWS[i].request, header,
                                         hv_buf_str(&answer));
                }
                if (strcasestr(hv_buf_str(&answer), "access-control"))
                        fail_msg("%s: there is a CORS header: %s", ROWS[i].request, hv_buf_str(&answer));
                hv_buf_done(&answer);
        }
}

static void test_head(void **state) {
        struct web *w = *state;
        struct hv_buf answer;

        assert_int_equal(web_ask(w, false, "HEAD /big HTTP/1.1\r\n" H "\r\n", &answer), 200);
        assert_true(web_has_header(&answer, "Content-Length: 8388608"));
        assert_string_equal(web_body(&answer), "");
        hv_buf_done(&answer);
        assert_int_equal(web_ask(w, false, "HEAD /stream HTTP/1.1\r\n" H "\r\n", NULL), 200);
        assert_null(w->stream);
        assert_int_equal(web_ask(w, false, "HEAD /events HTTP/1.1\r\n" H "\r\n", NULL), 200);
        assert_int_equal(hv_http_sse_hub_size(w->hub), 0);
}

static void test_big_answer(void **state) {
        struct web *w = *state;
        struct hv_buf answer;

        assert_int_equal(web_ask(w, false, "GET /big HTTP/1.1\r\n" H "\r\n", &answer), 200);
        assert_int_equal(strlen(web_body(&answer)), 8 << 20);
        hv_buf_done(&answer);
}

static void test_etag(void **state) {
        static const struct {
                const char *match;
                unsigned status;
        } ROWS[] = {
                { "\"rev-7\"", 304 },
                { "W/\"rev-7\"", 304 },
                { "*", 304 },
                { "\"a\", \"rev-7\"", 304 },
                { "\"rev-8\"", 200 },
                { "rev-7", 200 },
                { "\"rev-7", 200 },
                { "\"rev-77\"", 200 },
                { "\"\"", 200 },
                { ",", 200 },
                { "\"a\",W/\"rev-7\"", 304 },
        };
        struct web *w = *state;
        struct hv_buf answer;
        char request[200];

        assert_int_equal(web_ask(w, false, "GET /etag HTTP/1.1\r\n" H "\r\n", &answer), 200);
        assert_true(web_has_header(&answer, "ETag: \"rev-7\""));
        hv_buf_done(&answer);
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                (void) snprintf(request, sizeof request,
                                "GET /etag HTTP/1.1\r\n" H "If-None-Match: %s\r\n\r\n", ROWS[i].match);
                if (web_ask(w, false, request, NULL) != ROWS[i].status)
                        fail_msg("If-None-Match: %s: want %u", ROWS[i].match, ROWS[i].status);
        }
}

static void test_problem(void **state) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *secret = hv_secret_new("is not there", 12);
        struct web *w = *state;
        struct hv_buf answer;

        assert_int_equal(web_ask(w, false, "GET /error HTTP/1.1\r\n" H "\r\n", &answer), 404);
        assert_non_null(strstr(web_body(&answer),
                               "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":"
                               "\"service \\\"\\\"\xef\xbf\xbd\\n\\\" is not there\",\"code\":\"NotFound\","
                               "\"instance\":\"urn:hivelet:request:"));
        hv_buf_done(&answer);

        assert_true(hv_log_redact_add(secret));
        (void) web_ask(w, false, "GET /error HTTP/1.1\r\n" H "\r\n", &answer);
        assert_null(strstr(hv_buf_str(&answer), "is not there"));
        hv_buf_done(&answer);
        hv_log_redact_clear();
}

/* --- answers that come later -------------------------------------------------------------------------------------- */

static void test_later(void **state) {
        struct web *w = *state;
        int fd = web_connect(w), fd2 = web_connect_unix(w);
        struct hv_buf answer;

        web_send_text(fd, "GET /later HTTP/1.1\r\n" H "\r\n");
        web_wait(w, w->kept);
        hv_http_reply_json(HV_STEAL(w->kept), 200, strdup("[1]"));
        answer = web_read_all(w, fd);
        assert_string_equal(web_body(&answer), "[1]");
        hv_buf_done(&answer);

        web_send_text(fd2, "POST /later HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        web_wait(w, w->kept);
        hv_http_reply_problem(HV_STEAL(w->kept), 409, "Conflict", "no");
        answer = web_read_all(w, fd2);
        assert_int_equal(web_status(&answer), 409);
        hv_buf_done(&answer);
        assert_int_equal(w->n_gone, 0);
}

/* The answer is given while the library runs, from a callback of another connection that then falls asleep: nothing else
 * happens that could wake the first. */
static void test_answered_from_inside_the_library(void **state) {
        struct web *w = *state;
        int later = web_connect_unix(w), stream = web_connect(w);
        struct hv_buf answer, got = {};

        web_send_text(stream, "GET /stream HTTP/1.1\r\n" H "\r\n");
        web_send_text(later, "GET /later HTTP/1.1\r\n" H "\r\n");
        web_wait(w, w->kept && w->stream);
        w->answer_on_drain = true;
        assert_true(hv_http_stream_write(w->stream, "x", 1));
        web_wait(w, !w->kept);
        answer = web_read_all(w, later);
        assert_int_equal(web_status(&answer), 204);
        hv_buf_done(&answer);
        web_read_until(w, stream, &got, "x");
        hv_buf_done(&got);
        (void) close(stream);
        web_wait(w, !w->stream);
}

/* A suspended connection is in nobody's epoll: that its client left must be seen all the same. */
static void test_client_leaves_while_it_waits(void **state) {
        struct web *w = *state;

        for (unsigned i = 0; i < 4; i++) {
                int fd = i % 2 ? web_connect(w) : web_connect_unix(w);
                struct hv_http_stats stats;

                web_send_text(fd, "GET /later HTTP/1.1\r\n" H "\r\n");
                web_wait(w, w->kept);
                (void) close(fd);
                web_wait(w, w->n_gone == i + 1);
                web_wait(w, (hv_http_server_stats(w->server, &stats),
                             stats.connections == 0 && stats.in_flight == 0));
        }
}

static void done(void *userdata) {
        *(bool *) userdata = true;
}

static void test_drain(void **state) {
        struct web *w = *state;
        int waiting = web_connect(w), idle = web_connect(w), stream = web_connect(w);
        bool drained = false;
        struct hv_buf answer;

        web_send_text(waiting, "GET /later HTTP/1.1\r\n" H "\r\n");
        web_send_text(stream, "GET /stream HTTP/1.1\r\n" H "\r\n");
        web_wait(w, w->kept && w->stream);
        assert_true(hv_http_stream_write(w->stream, "last words", 10));
        hv_http_server_drain(w->server, 60 * UINT64_C(1000000), done, &drained);
        assert_null(w->stream);
        assert_string_equal(w->stream_reason, "the server stops");
        assert_int_equal(access(w->path, F_OK), -1); /* a successor may listen already */

        answer = web_read_all(w, stream);
        assert_non_null(strstr(hv_buf_str(&answer), "last words"));
        assert_non_null(strstr(hv_buf_str(&answer), "\r\n0\r\n\r\n")); /* a proper end, not a torn one */
        hv_buf_done(&answer);
        answer = web_read_all(w, idle);
        assert_int_equal(answer.len, 0);
        hv_buf_done(&answer);
        assert_false(drained);

        hv_http_reply_empty(HV_STEAL(w->kept), 204);
        answer = web_read_all(w, waiting);
        assert_int_equal(web_status(&answer), 204);
        hv_buf_done(&answer);
        web_wait(w, drained);
}

static void test_drain_has_an_end(void **state) {
        struct web *w = *state;
        int fd = web_connect(w);
        bool drained = false;

        web_send_text(fd, "GET /later HTTP/1.1\r\n" H "\r\n");
        web_wait(w, w->kept);
        hv_http_server_drain(w->server, 1000, done, &drained);
        web_wait(w, drained);
        assert_non_null(w->kept); /* web_stop() sees that it is told */
        (void) close(fd);
}

/* Everything at once is open when the server ends: nobody is forgotten, nothing leaks. */
static void test_free_with_everything_open(void **state) {
        struct web *w = web_start(NULL);
        struct hv_http_stats s;
        int fds[7];

        (void) state;
        for (unsigned i = 0; i < 6; i++)
                fds[i] = i % 2 ? web_connect(w) : web_connect_unix(w);
        web_send_text(fds[0], "GET /later HTTP/1.1\r\n" H "\r\n");
        web_send_text(fds[1], "GET /stream HTTP/1.1\r\n" H "\r\n");
        web_send_text(fds[2], "GET /events HTTP/1.1\r\n" H "\r\n");
        web_send_text(fds[3], "GET /hel");
        web_send_text(fds[4], "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nhal");
        web_wait(w, w->kept && w->stream && hv_http_sse_hub_size(w->hub) == 1);
        web_wait(w, (hv_http_server_stats(w->server, &s), s.connections == 6));
        fds[6] = web_connect(w); /* given to the library, which has not looked at it yet */
        web_send_text(fds[6], "GET /later HTTP/1.1\r\n" H "\r\n");
        web_wait(w, (hv_http_server_stats(w->server, &s), s.connections == 7));
        web_stop(w);
        for (unsigned i = 0; i < 7; i++)
                (void) close(fds[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_answers, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_roles_and_methods, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_host, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_headers, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_head, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_big_answer, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_etag, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_problem, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_later, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_answered_from_inside_the_library, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_client_leaves_while_it_waits, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_drain, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_drain_has_an_end, set_up, web_tear_down),
                cmocka_unit_test(test_free_with_everything_open),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

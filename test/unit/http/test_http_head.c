/* Which request heads are taken (http/head.h): every row is what a hostile or broken client can send. */
#include "testing.h"

#include <stdlib.h>

#include "http/head.h"

#define H "Host: localhost\r\n"
#define LITERAL(s) s, sizeof(s) - 1

static const struct hv_http_head_limits LIMITS = { 1024, 4096, 8 };

static void test_heads(void **state) {
        static const struct {
                const char *what, *data;
                size_t len;
                unsigned status; /* 200: good, 0: more is needed */
        } ROWS[] = {
                { "plain", LITERAL("GET /a?x=1 HTTP/1.1\r\n" H "\r\n"), 200 },
                { "with a body behind it", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab\n"),
                  200 },
                { "HTTP/1.0 without Host", LITERAL("GET / HTTP/1.0\r\n\r\n"), 200 },
                { "chunked", LITERAL("POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"), 200 },
                { "spaces around a value", LITERAL("GET / HTTP/1.1\r\nHost: \t localhost \r\n\r\n"), 200 },
                { "empty value", LITERAL("GET / HTTP/1.1\r\n" H "X:\r\n\r\n"), 200 },
                { "bytes above 127 in a value", LITERAL("GET / HTTP/1.1\r\n" H "X: \xc3\xa4\r\n\r\n"), 200 },

                { "nothing", LITERAL(""), 0 },
                { "half a line", LITERAL("GET / HT"), 0 },
                { "cut inside CRLF", LITERAL("GET / HTTP/1.1\r"), 0 },
                { "no empty line yet", LITERAL("GET / HTTP/1.1\r\n" H), 0 },

                { "HTTP/0.9", LITERAL("GET /\r\n"), 400 },
                { "HTTP/2.0", LITERAL("GET / HTTP/2.0\r\n" H "\r\n"), 505 },
                { "HTTP/2 preface", LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400 },
                { "version not in capitals", LITERAL("GET / HTTp/1.1\r\n" H "\r\n"), 400 },
                { "no version but text", LITERAL("GET / FTP/1.1\r\n" H "\r\n"), 400 },
                { "TLS", LITERAL("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
                { "two spaces", LITERAL("GET  / HTTP/1.1\r\n" H "\r\n"), 400 },
                { "tabs", LITERAL("GET\t/\tHTTP/1.1\r\n" H "\r\n"), 400 },
                { "an empty line first", LITERAL("\r\nGET / HTTP/1.1\r\n" H "\r\n"), 400 },
                { "method in small letters", LITERAL("get / HTTP/1.1\r\n" H "\r\n"), 400 },
                { "control byte in the method", LITERAL("GE\x01T / HTTP/1.1\r\n" H "\r\n"), 400 },
                { "absolute form", LITERAL("GET http://other.example/ HTTP/1.1\r\n" H "\r\n"), 400 },
                { "asterisk", LITERAL("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 400 },
                { "fragment", LITERAL("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400 },
                { "space in the path", LITERAL("GET /a b HTTP/1.1\r\n" H "\r\n"), 400 },
                { "raw UTF-8 in the path", LITERAL("GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"), 400 },
                { "NUL in the path", LITERAL("GET /a\0b HTTP/1.1\r\n" H "\r\n"), 400 },

                { "bare line feeds", LITERAL("GET / HTTP/1.1\nHost: localhost\n\n"), 400 },
                { "one bare line feed", LITERAL("GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"), 400 },
                { "bare carriage return", LITERAL("GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n"), 400 },
                { "folded header", LITERAL("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n"), 400 },
                { "NUL in a value", LITERAL("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n"), 400 },
                { "NUL in a name", LITERAL("GET / HTTP/1.1\r\n" H "X\0Y: a\r\n\r\n"), 400 },
                { "control byte in a value", LITERAL("GET / HTTP/1.1\r\n" H "X: \x1b[31m\r\n\r\n"), 400 },
                { "DEL in a value", LITERAL("GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n"), 400 },
                { "space before the colon", LITERAL("GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"), 400 },
                { "no colon", LITERAL("GET / HTTP/1.1\r\n" H "foo\r\n\r\n"), 400 },
                { "no name", LITERAL("GET / HTTP/1.1\r\n" H ": foo\r\n\r\n"), 400 },

                { "no Host", LITERAL("GET / HTTP/1.1\r\n\r\n"), 400 },
                { "two Hosts", LITERAL("GET / HTTP/1.1\r\n" H "hOST: x\r\n\r\n"), 400 },
                { "length and chunked",
                  LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"),
                  400 },
                { "two lengths",
                  LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 4\r\n\r\n"), 400 },
                { "length list", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 4, 4\r\n\r\n"), 400 },
                { "negative length", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: -4\r\n\r\n"), 400 },
                { "length with a plus", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: +4\r\n\r\n"), 400 },
                { "hex length", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 0x4\r\n\r\n"), 400 },
                { "empty length", LITERAL("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), 400 },
                { "length that overflows",
                  LITERAL("POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n"), 400 },
                { "gzip, chunked",
                  LITERAL("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
                { "identity", LITERAL("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n"), 501 },
                { "xchunked", LITERAL("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
                { "chunked twice",
                  LITERAL("POST / HTTP/1.1\r\n" H
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
                  400 },
                { "chunked in HTTP/1.0", LITERAL("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
                  400 },
                { "nine headers of eight",
                  LITERAL("GET / HTTP/1.1\r\n" H
                          "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\nf: 1\r\ng: 1\r\nh: 1\r\n\r\n"),
                  431 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_http_head head = {};
                enum hv_http_head_result r = hv_http_head_check(ROWS[i].data, ROWS[i].len, &LIMITS, &head);
                unsigned got = r == HV_HTTP_HEAD_GOOD ? 200 : r == HV_HTTP_HEAD_MORE ? 0 : head.status;

                if (got != ROWS[i].status)
                        fail_msg("%s: got %u (%s), want %u", ROWS[i].what, got, head.problem ?: "",
                                 ROWS[i].status);
                if (r == HV_HTTP_HEAD_REFUSED && !head.problem)
                        fail_msg("%s: refused without a reason", ROWS[i].what);
        }
}

/* Whatever is refused as a whole is refused or incomplete at each shorter length, and never good. */
static void test_every_prefix(void **state) {
        static const char GOOD[] = "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
        size_t head_len = sizeof GOOD - 1 - 3;
        struct hv_http_head head;

        (void) state;
        for (size_t n = 0; n < head_len; n++)
                assert_int_equal(hv_http_head_check(GOOD, n, &LIMITS, &head), HV_HTTP_HEAD_MORE);
        for (size_t n = head_len; n < sizeof GOOD; n++) {
                assert_int_equal(hv_http_head_check(GOOD, n, &LIMITS, &head), HV_HTTP_HEAD_GOOD);
                assert_int_equal(head.length_bytes, head_len);
        }
        assert_int_equal(head.method_len, 4);
        assert_memory_equal(head.method, "POST", 4);
        assert_int_equal(head.host_len, 9);
        assert_memory_equal(head.host, "localhost", 9);
}

static void test_sizes(void **state) {
        struct hv_http_head head;
        char data[8192];
        int n;

        (void) state;
        memset(data, 'a', sizeof data);
        memcpy(data, "GET /", 5);
        assert_int_equal(hv_http_head_check(data, 1024, &LIMITS, &head), HV_HTTP_HEAD_MORE);
        assert_int_equal(hv_http_head_check(data, 1030, &LIMITS, &head), HV_HTTP_HEAD_REFUSED);
        assert_int_equal(head.status, 414);

        n = snprintf(data, sizeof data, "GET / HTTP/1.1\r\n" H "X: ");
        memset(data + n, 'a', sizeof data - (size_t) n);
        assert_int_equal(hv_http_head_check(data, (size_t) n + 1000, &LIMITS, &head), HV_HTTP_HEAD_MORE);
        assert_int_equal(hv_http_head_check(data, (size_t) n + 1100, &LIMITS, &head), HV_HTTP_HEAD_REFUSED);
        assert_int_equal(head.status, 431);

        n = snprintf(data, sizeof data, "GET / HTTP/1.1\r\n" H);
        for (int i = 0; i < 6; i++)
                n += snprintf(data + n, sizeof data - (size_t) n, "X%d: %0900d\r\n", i, 0);
        assert_int_equal(hv_http_head_check(data, (size_t) n, &LIMITS, &head), HV_HTTP_HEAD_REFUSED);
        assert_int_equal(head.status, 431);
}

static void test_hosts(void **state) {
        static const struct {
                const char *host;
                bool is_local;
        } ROWS[] = {
                { "localhost", true },
                { "LocalHost:5000", true },
                { "127.0.0.1", true },
                { "127.0.0.1:80", true },
                { "[::1]", true },
                { "[::1]:5000", true },
                { "127.0.0.9:1", true },
                { "", false },
                { "localhost.evil.example", false },
                { "evil.example", false },
                { "localhost:", false },
                { "localhost:x", false },
                { "localhost:123456", false },
                { "127.0.0.10", false },
                { "[::1", false },
                { "[::1]x", false },
                { "::1", false },
                { "localhost:80:80", false },
                { "local", false },
                { "10.0.0.1", false },
                { ":80", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++)
                if (hv_http_host_is_local(ROWS[i].host, strlen(ROWS[i].host), "127.0.0.9") !=
                    ROWS[i].is_local)
                        fail_msg("Host \"%s\": want %d", ROWS[i].host, ROWS[i].is_local);
}

static void test_host_names(void **state) {
        static const struct {
                const char *host, *name; /* "": it is none */
        } ROWS[] = {
                { "node.test", "node.test" },
                { "node.test:5000", "node.test" },
                { "node.test:0", "node.test" },
                { "node.test:65535", "node.test" },
                { "192.0.2.7:443", "192.0.2.7" },
                { "[2001:db8::7]", "[2001:db8::7]" },
                { "[2001:db8::7]:443", "[2001:db8::7]" },
                { "", "" },
                { ":443", "" },
                { "node.test:", "" },
                { "node.test:123456", "" },
                { "node.test:44x", "" },
                { "node.test:-1", "" },
                { "node.test:80:80", "" },
                { "2001:db8::7", "" },
                { "[2001:db8::7", "" },
                { "[2001:db8::7]443", "" },
                { "[2001:db8::7].evil.test", "" },
                { "[2001:db8::7]:", "" },
                { "[2001:db8::7]:443x", "" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                size_t len = strlen(ROWS[i].host), n;
                char *alone = malloc(len + !len); /* no terminator: sanitizers see who goes on */

                memcpy(alone, ROWS[i].host, len);
                n = hv_http_host_name_len(alone, len);
                if (n != strlen(ROWS[i].name))
                        fail_msg("Host \"%s\": %zu, expected %zu", ROWS[i].host, n, strlen(ROWS[i].name));
                free(alone);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_heads),      cmocka_unit_test(test_every_prefix),
                cmocka_unit_test(test_sizes),      cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_host_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

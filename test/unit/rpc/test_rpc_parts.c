/* Messages in pieces, statuses, addresses: what needs no connection. */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "rpc/bytes.h"
#include "rpc/status.h"
#include "rpc/target.h"

static unsigned n_released;

static void release(void *userdata) {
        assert_ptr_equal(userdata, &n_released);
        n_released++;
}

/* "0123456789", in pieces of 3, 4, 2 and 1. */
static struct hv_rpc_bytes *digits(void) {
        struct hv_rpc_bytes *b = hv_rpc_bytes_new();

        hv_rpc_bytes_add(b, "012", 3);
        memcpy(hv_rpc_bytes_extend(b, 4), "3456", 4);
        hv_rpc_bytes_add_borrowed(b, "78", 2, NULL, NULL);
        hv_rpc_bytes_add_borrowed(b, "9", 1, release, &n_released);
        return b;
}

static void test_pieces(void **state) {
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *b = digits(), *empty = hv_rpc_bytes_new();
        const size_t lengths[] = { 3, 4, 2, 1 };
        const void *piece;
        size_t it = 0, len, n = 0;
        char text[16] = "";

        (void) state;
        assert_int_equal(hv_rpc_bytes_len(b), 10);
        assert_int_equal(hv_rpc_bytes_len(NULL), 0);
        while (hv_rpc_bytes_next(b, &it, &piece, &len))
                assert_int_equal(len, lengths[n++]);
        assert_int_equal(n, 4);
        it = 0;
        assert_false(hv_rpc_bytes_next(empty, &it, &piece, &len));
        assert_non_null(hv_rpc_bytes_flat(empty));

        /* Every range, across every border. */
        for (size_t from = 0; from <= 11; from++) {
                for (size_t want = 0; want <= 11; want++) {
                        size_t there = from >= 10 ? 0 : HV_MIN(want, 10 - from);

                        assert_int_equal(hv_rpc_bytes_read(b, from, text, want), there);
                        assert_memory_equal(text, "0123456789" + HV_MIN(from, (size_t) 10), there);
                }
        }
        assert_memory_equal(hv_rpc_bytes_flat(b), "0123456789", 10);
        assert_int_equal(hv_rpc_bytes_len(b), 10);
}

static void test_drop(void **state) {
        (void) state;
        for (size_t first = 0; first <= 11; first++) {
                for (size_t second = 0; second <= 11; second++) {
                        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *b = digits();
                        size_t gone = HV_MIN(first + second, (size_t) 10);
                        char text[16] = "";

                        n_released = 0;
                        hv_rpc_bytes_drop(b, first);
                        hv_rpc_bytes_drop(b, second);
                        assert_int_equal(hv_rpc_bytes_len(b), 10 - gone);
                        assert_int_equal(hv_rpc_bytes_read(b, 0, text, 10), 10 - gone);
                        assert_string_equal(text, "0123456789" + gone);
                        assert_int_equal(n_released, gone == 10);
                        assert_memory_equal(hv_rpc_bytes_flat(b), "0123456789" + gone, 10 - gone);
                        hv_rpc_bytes_add(b, "x", 1);
                        assert_int_equal(hv_rpc_bytes_len(b), 11 - gone);
                }
        }
}

static void test_borrowed_is_released_once(void **state) {
        struct hv_rpc_bytes *b = digits();

        (void) state;
        n_released = 0;
        hv_rpc_bytes_add_borrowed(b, "", 0, release, &n_released);
        assert_int_equal(n_released, 1);
        b = hv_rpc_bytes_free(b);
        assert_null(b);
        assert_int_equal(n_released, 2);
}

static int scratch_file(const char *text) {
        char path[] = "/tmp/hv-rpc-file-XXXXXX";
        int fd = mkostemp(path, O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static void test_file(void **state) {
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *b = hv_rpc_bytes_new();
        _hv_cleanup_free_ char *text = hv_calloc(1, 10001);
        struct hv_err err = {};
        char back[10000];
        int fd, pipes[2];

        (void) state;
        for (size_t i = 0; i < 10000; i++)
                text[i] = (char) ('a' + i % 23);
        fd = scratch_file(text);
        assert_int_equal(hv_rpc_bytes_add_file(b, fd, 0, 0, &err), 0);
        assert_int_equal(hv_rpc_bytes_add_file(b, fd, 4099, 5901, &err), 0); /* not at the begin of a page */
        assert_int_equal(hv_rpc_bytes_add_file(b, fd, 0, 4099, &err), 0);
        assert_int_equal(hv_rpc_bytes_add_file(b, fd, 1, 10000, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "10000 bytes from 1 on were expected, it has 10000"));
        assert_int_equal(hv_rpc_bytes_add_file(b, fd, UINT64_MAX, 2, &err), -EINVAL);
        close(fd); /* the mapping stays */
        assert_int_equal(hv_rpc_bytes_read(b, 0, back, sizeof back), 10000);
        assert_memory_equal(back, text + 4099, 5901);
        assert_memory_equal(back + 5901, text, 4099);
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(hv_rpc_bytes_add_file(b, pipes[0], 0, 1, &err), -EINVAL);
        close(pipes[0]);
        close(pipes[1]);
}

/* --- statuses --- */

static void test_status(void **state) {
        char text[HV_RPC_TEXT_SIZE], big[2000];

        (void) state;
        assert_string_equal(hv_rpc_status_name(HV_RPC_OK), "OK");
        assert_string_equal(hv_rpc_status_name(HV_RPC_UNAUTHENTICATED), "UNAUTHENTICATED");
        for (int i = 0; i < HV_RPC_STATUS_COUNT; i++)
                assert_non_null(hv_rpc_status_name(hv_rpc_status_from_number(i)));
        assert_int_equal(hv_rpc_status_from_number(17), HV_RPC_UNKNOWN);
        assert_int_equal(hv_rpc_status_from_number(-1), HV_RPC_UNKNOWN);

        assert_string_equal(hv_rpc_status_text("", 0, text), "");
        assert_string_equal(hv_rpc_status_text("a\0b\n\x1b[0m\xff\xe5\xa5\xbd", 12, text),
                            "a?b??[0m?\xe5\xa5\xbd");
        assert_string_equal(hv_rpc_status_text("\xe2\x80\xae", 3, text),
                            "?"); /* turns the writing direction */
        memset(big, 'x', sizeof big);
        assert_int_equal(strlen(hv_rpc_status_text(big, sizeof big, text)), HV_RPC_TEXT_SIZE - 1);
        assert_string_equal(text + HV_RPC_TEXT_SIZE - 5, "x...");
        for (size_t i = 0; i + 3 <= sizeof big; i += 3)
                memcpy(big + i, "\xe5\xa5\xbd", 3);
        (void) hv_rpc_status_text(big, 1998, text); /* never half a character */
        assert_string_equal(text + strlen(text) - 6, "\xe5\xa5\xbd...");
}

/* --- addresses --- */

static void test_targets(void **state) {
        static const struct {
                const char *text, *want; /* NULL: refused */
        } rows[] = {
                { "pool.example.org:50051", "dns:///pool.example.org:50051" },
                { "10.0.0.1:1", "dns:///10.0.0.1:1" },
                { "[2001:db8::1]:65535", "[2001:db8::1]:65535" },
                { "unix:/run/pool.sock", "unix:/run/pool.sock" },
                { "unix:80", "dns:///unix:80" }, /* a host of that name */
                { "", NULL },
                { "pool", NULL },
                { ":80", NULL },
                { "pool:", NULL },
                { "pool:0", NULL },
                { "pool:65536", NULL },
                { "pool:+1", NULL },
                { "2001:db8::1:80", NULL },
                { "[2001:db8::1]", NULL },
                { "[pool]:80", NULL },
                { "[]:80", NULL },
                { "unix:relative", NULL },
                { "unix-abstract:x", NULL },
                { "dns:///pool:80", NULL },
                { "xds:pool:80", NULL },
                { "http://pool:80", NULL },
                { "pool/x:80", NULL },
                { "a b:80", NULL },
                { "user@pool:80", NULL },
                { "pool\n:80", NULL },
        };
        char long_path[300] = "unix:/";

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *got = NULL;
                struct hv_err err = {};
                int r = rpc_target_parse(rows[i].text, &got, &err);

                if (r != (rows[i].want ? 0 : -EINVAL) || (got && !hv_streq(got, rows[i].want)))
                        fail_msg("%s: %d %s %s", rows[i].text, r, got ? got : "", err.msg);
                assert_true(r == 0 || strstr(err.msg, "host:port"));
        }
        memset(long_path + 6, 'x', 200);
        assert_int_equal(rpc_target_parse(long_path, NULL, NULL), -EINVAL);
}

static void test_listen(void **state) {
        static const struct {
                const char *text;
                int family; /* 0: refused */
        } rows[] = {
                { "127.0.0.1:0", AF_INET },  { "0.0.0.0:50053", AF_INET },
                { "[::1]:50053", AF_INET6 }, { "unix:/run/x", AF_UNIX },
                { "localhost:50053", 0 },    { "::1:50053", 0 },
                { "127.1:50053", 0 },        { ":50053", 0 },
                { "[127.0.0.1]:50053", 0 },  { "127.0.0.1", 0 },
                { "127.0.0.1:99999", 0 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct sockaddr_storage a = {};
                struct hv_err err = {};
                socklen_t len = 0;
                int r = rpc_listen_parse(rows[i].text, &a, &len, &err);

                if (r != (rows[i].family ? 0 : -EINVAL) || a.ss_family != rows[i].family)
                        fail_msg("%s: %d, family %d: %s", rows[i].text, r, a.ss_family, err.msg);
                assert_true(r < 0 || len > 0);
        }
}

static void test_peers(void **state) {
        static const struct {
                const char *text, *address; /* NULL: not understood */
                unsigned port;
                int family;
        } rows[] = {
                { "ipv4:10.1.2.3:4711", "10.1.2.3", 4711, AF_INET },
                { "ipv6:%5B2001:db8::1%5D:1", "2001:db8::1", 1, AF_INET6 },
                { "ipv6:[2001:db8::1]:1", "2001:db8::1", 1, AF_INET6 },
                { "ipv6:%5Bfe80::1%252%5D:1", "fe80::1", 1, AF_INET6 },
                { "ipv6:%5B::ffff:10.1.2.3%5D:99", "10.1.2.3", 99,
                  AF_INET }, /* or an allow-list would be passed by */
                { "unix:", NULL, 0, AF_UNIX },
                { "unix:/run/x", NULL, 0, AF_UNIX },
                { "", NULL, 0, AF_UNSPEC },
                { "unknown", NULL, 0, AF_UNSPEC },
                { "ipv4:10.1.2.3", NULL, 0, AF_UNSPEC },
                { "ipv4:10.1.2.300:1", NULL, 0, AF_UNSPEC },
                { "ipv6:::1:1", NULL, 0, AF_UNSPEC },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct sockaddr_storage a = {};
                char text[INET6_ADDRSTRLEN] = "";
                unsigned port = 0;

                rpc_peer_parse(rows[i].text, &a);
                if (a.ss_family == AF_INET) {
                        (void) inet_ntop(AF_INET, &((struct sockaddr_in *) &a)->sin_addr, text, sizeof text);
                        port = ntohs(((struct sockaddr_in *) &a)->sin_port);
                } else if (a.ss_family == AF_INET6) {
                        (void) inet_ntop(AF_INET6, &((struct sockaddr_in6 *) &a)->sin6_addr, text,
                                         sizeof text);
                        port = ntohs(((struct sockaddr_in6 *) &a)->sin6_port);
                }
                if (a.ss_family != rows[i].family || port != rows[i].port ||
                    !hv_streq(text, rows[i].address ? rows[i].address : ""))
                        fail_msg("%s: family %d, %s, port %u", rows[i].text, a.ss_family, text, port);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pieces),
                cmocka_unit_test(test_drop),
                cmocka_unit_test(test_borrowed_is_released_once),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_targets),
                cmocka_unit_test(test_listen),
                cmocka_unit_test(test_peers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

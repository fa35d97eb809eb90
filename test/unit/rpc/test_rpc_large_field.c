/* A message of which one field is very large, taken apart without unpacking it. */
#include <errno.h>

#include "testing.h"

#include "rpc/large_field.h"

#define ZIP 2
/* task_id=1 "ab"; zip=2 "ZIPPED"; cpu_usage=3 as fixed32; a number of field 5; a fixed64 of field 6. */
static const unsigned char message[] = {
        0x0a, 2,    'a',  'b',  0x12, 6,    'Z', 'I', 'P', 'P', 'E', 'D', 0x1d, 0, 0,
        0x48, 0x42, 0x28, 0x96, 0x01, 0x31, 1,   2,   3,   4,   5,   6,   7,    8,
};

static int apart(const void *data, size_t len, size_t piece, size_t rest_max, struct hv_buf *rest, size_t *at,
                 size_t *n) {
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *b = hv_rpc_bytes_new();

        hv_buf_clear(rest);
        for (size_t i = 0; i < len; i += piece)
                hv_rpc_bytes_add(b, (const char *) data + i, HV_MIN(piece, len - i));
        return hv_rpc_large_field(b, ZIP, rest_max, rest, at, n);
}

static void the_rest_is_what_it_was(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf rest = {};
        size_t at, n;

        (void) state;
        for (size_t piece = 1; piece <= sizeof message; piece++) {
                assert_int_equal(apart(message, sizeof message, piece, 100, &rest, &at, &n), 0);
                assert_int_equal(at, 6);
                assert_int_equal(n, 6);
                assert_int_equal(rest.len, sizeof message - 8);
                assert_memory_equal(rest.data, message, 4);
                assert_memory_equal(rest.data + 4, message + 12, sizeof message - 12);
        }
}

static void a_cut_message_is_none(void **state) {
        static const size_t whole[] = {
                0, 4, 12, 17, 20, 29
        }; /* between two records it is a shorter message */
        _hv_cleanup_(hv_buf_done) struct hv_buf rest = {};
        size_t at, n;

        (void) state;
        for (size_t len = 0; len <= sizeof message; len++) {
                bool is_whole = false;

                for (size_t i = 0; i < HV_ARRAY_SIZE(whole); i++)
                        is_whole |= whole[i] == len;
                assert_int_equal(apart(message, len, 7, 100, &rest, &at, &n), is_whole ? 0 : -EBADMSG);
        }
}

static void lengths_that_lie_are_refused(void **state) {
        static const struct {
                const char *what;
                unsigned char bytes[12];
                size_t len;
                int r;
        } rows[] = {
                { "longer than the message", { 0x12, 0x7f, 'x' }, 3, -EBADMSG },
                { "2^64 - 1",
                  { 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 },
                  11,
                  -EBADMSG },
                { "a varint without an end",
                  { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0 },
                  12,
                  -EBADMSG },
                { "a group, which nobody uses any more", { 0x13 }, 1, -EBADMSG },
                { "more of the rest than is let in", { 0x0a, 6, 1, 2, 3, 4, 5, 6 }, 8, -EFBIG },
        };
        _hv_cleanup_(hv_buf_done) struct hv_buf rest = {};
        size_t at, n;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (apart(rows[i].bytes, rows[i].len, 5, 7, &rest, &at, &n) != rows[i].r)
                        fail_msg("%s", rows[i].what);
}

static void the_last_one_counts(void **state) {
        static const unsigned char twice[] = { 0x12, 1, 'a', 0x12, 2, 'b', 'c' };
        _hv_cleanup_(hv_buf_done) struct hv_buf rest = {};
        size_t at, n;

        (void) state;
        assert_int_equal(apart(twice, sizeof twice, 7, 100, &rest, &at, &n), 0);
        assert_int_equal(at, 5);
        assert_int_equal(n, 2);
        assert_int_equal(rest.len, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_rest_is_what_it_was),
                cmocka_unit_test(a_cut_message_is_none),
                cmocka_unit_test(lengths_that_lie_are_refused),
                cmocka_unit_test(the_last_one_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Frames: what is put comes out the same however it is cut, and what is none ends the stream. */
#include "testing.h"

#include <errno.h>

#include "base/frame.h"

struct taken {
        struct hv_buf said;
        unsigned code, rows, columns;
};

/* Gives `len` bytes in pieces of `piece`; the last answer of hv_frames_take(). */
static int give(const struct hv_buf *all, size_t piece, struct taken *t) {
        struct hv_frames frames = {};
        int r = 0;

        for (size_t at = 0; at < all->len && r >= 0;) {
                size_t n = HV_MIN(piece, all->len - at), used;
                struct hv_frame f;

                r = hv_frames_take(&frames, all->data + at, n, &used, &f);
                assert_true(used <= n && (r != 0 || used == n));
                at += used;
                if (r <= 0)
                        continue;
                if (!hv_frame_exit(&f, &t->code) && !hv_frame_size(&f, &t->rows, &t->columns)) {
                        hv_buf_printf(&t->said, "%u:", (unsigned) f.type);
                        hv_buf_add(&t->said, f.data, f.len);
                        hv_buf_putc(&t->said, ';');
                }
        }
        hv_frames_done(&frames);
        return r;
}

static void they_survive_any_cut(void **state) {
        struct hv_buf all = {};

        (void) state;
        hv_frame_put(&all, HV_FRAME_INPUT, "one", 3);
        hv_frame_put(&all, HV_FRAME_INPUT, NULL, 0);
        hv_frame_put(&all, HV_FRAME_ERRORS, "a\0b", 3);
        hv_frame_put_size(&all, 300, 65535);
        hv_frame_put_exit(&all, 0x80000102);
        for (size_t piece = 1; piece <= all.len; piece++) {
                struct taken t = {};

                assert_true(give(&all, piece, &t) >= 0);
                assert_int_equal(t.said.len, 15);
                assert_memory_equal(t.said.data, "0:one;0:;2:a\0b;", 15);
                assert_int_equal(t.code, 0x80000102);
                assert_int_equal(t.rows, 300);
                assert_int_equal(t.columns, 65535);
                hv_buf_done(&t.said);
        }
        hv_buf_done(&all);
}

static void what_is_long_goes_in_several(void **state) {
        static char data[3 * HV_FRAME_MAX_BYTES + 7];
        struct hv_frames frames = {};
        struct hv_buf all = {};
        size_t at = 0, sum = 0, n = 0, used;
        struct hv_frame f;

        (void) state;
        hv_frame_put(&all, HV_FRAME_OUTPUT, data, sizeof data);
        while (at < all.len && hv_frames_take(&frames, all.data + at, all.len - at, &used, &f) > 0) {
                at += used;
                sum += f.len;
                n++;
        }
        assert_int_equal(sum, sizeof data);
        assert_int_equal(n, 4);
        /* What fits into some room is what it says, and one byte more would not fit. */
        for (size_t room = 0; room < 2 * HV_FRAME_MAX_BYTES + 100; room += 41) {
                size_t fits = hv_frame_fits(room);

                hv_buf_clear(&all);
                if (fits > 0)
                        hv_frame_put(&all, HV_FRAME_OUTPUT, data, fits);
                assert_true(all.len <= room);
                hv_buf_clear(&all);
                hv_frame_put(&all, HV_FRAME_OUTPUT, data, fits + 1);
                assert_true(all.len > room);
        }
        hv_frames_done(&frames);
        hv_buf_done(&all);
}

static void what_is_none_ends_the_stream(void **state) {
        static const struct {
                const char *what, *data;
                size_t len;
        } rows[] = {
                { "another type", "\x07\0\0\0\0", 5 },
                { "too long", "\x01\0\0\x80\x01", 5 },
                { "far too long", "\x01\xff\xff\xff\xff", 5 },
                { "HTTP", "GET / HTTP/1.1\r\n", 16 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                for (size_t piece = 1; piece <= rows[i].len; piece++) {
                        struct hv_buf all = {};
                        struct taken t = {};

                        hv_buf_add(&all, rows[i].data, rows[i].len);
                        if (give(&all, piece, &t) != -EBADMSG)
                                fail_msg("%s in pieces of %zu", rows[i].what, piece);
                        hv_buf_done(&all);
                        hv_buf_done(&t.said);
                }
}

static void an_end_is_of_its_type_and_size(void **state) {
        unsigned code, rows, columns;
        struct hv_frame f = { .type = HV_FRAME_EXIT, .data = "\0\0\0\x05", .len = 4 };

        (void) state;
        assert_true(hv_frame_exit(&f, &code));
        assert_int_equal(code, 5);
        assert_false(hv_frame_size(&f, &rows, &columns));
        f.len = 3;
        assert_false(hv_frame_exit(&f, &code));
        f.type = HV_FRAME_RESIZE;
        assert_false(hv_frame_size(&f, &rows, &columns));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(they_survive_any_cut),
                cmocka_unit_test(what_is_long_goes_in_several),
                cmocka_unit_test(what_is_none_ends_the_stream),
                cmocka_unit_test(an_end_is_of_its_type_and_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* base: containers and digests that everything else stands on. */
#include "testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32.h"
#include "base/err.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/vec.h"

static void crc32_matches_the_published_value(void **state) {
        (void) state;
        assert_int_equal(hv_crc32(0, "123456789", 9), 0xcbf43926);
        assert_int_equal(hv_crc32(hv_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
        assert_int_equal(hv_crc32(0, "", 0), 0);
}

static void sha256_matches_the_published_vectors(void **state) {
        /* FIPS 180-4 examples, and the lengths around the padding border. */
        static const struct {
                const char *what, *text, *hex;
        } rows[] = {
                { "empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
                { "abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
                { "448 bits", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        };
        char hex[HV_SHA256_HEX_SIZE];
        struct hv_sha256 s;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                hv_sha256_hex(rows[i].text, strlen(rows[i].text), hex);
                assert_string_equal(hex, rows[i].hex);
        }
        hv_sha256_init(&s);
        for (int i = 0; i < 1000000; i++)
                hv_sha256_add(&s, "a", 1);
        hv_sha256_finish_hex(&s, hex);
        assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void map_keeps_order_and_survives_churn(void **state) {
        _hv_cleanup_(hv_map_freep) struct hv_map *m = hv_map_new(free);
        char key[16], last[16] = "";
        const char *k;
        size_t it = 0, n = 0;

        (void) state;
        for (int round = 0; round < 3; round++)
                for (int i = 0; i < 1000; i++) {
                        (void) snprintf(key, sizeof key, "k%04d", i);
                        hv_map_put(m, key, hv_strdup(key));
                        if (i % 3 == 0)
                                assert_true(hv_map_remove(m, key));
                }
        assert_int_equal(hv_map_size(m), 666);
        assert_null(hv_map_get(m, "k0003"));
        assert_string_equal(hv_map_get(m, "k0004"), "k0004");
        assert_null(hv_map_get(NULL, "x"));
        while (hv_map_next(m, &it, &k, NULL)) {
                assert_true(strcmp(last, k) < 0);
                (void) snprintf(last, sizeof last, "%s", k);
                n++;
        }
        assert_int_equal(n, 666);
}

static void arena_gives_zeroed_aligned_memory(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char *first = hv_arena_strdup(a, "first");

        (void) state;
        for (size_t i = 1; i < 3000; i += 7) {
                char *p = hv_arena_alloc(a, i);

                assert_int_equal((uintptr_t) p % _Alignof(max_align_t), 0);
                for (size_t j = 0; j < i; j++)
                        assert_int_equal(p[j], 0);
                memset(p, 0xff, i);
        }
        assert_string_equal(first, "first");
        assert_string_equal(hv_arena_printf(a, "%s-%d", "x", 7), "x-7");
        assert_null(hv_arena_strdup(a, NULL));
}

static void buffer_and_vector_grow(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        HV_VEC(int) v = {};

        (void) state;
        assert_string_equal(hv_buf_str(&b), "");
        for (int i = 0; i < 500; i++) {
                hv_buf_printf(&b, "%d,", i);
                hv_vec_push(&v, i);
        }
        assert_int_equal(b.len, 10 * 2 + 90 * 3 + 400 * 4);
        assert_int_equal(v.n, 500);
        assert_int_equal(v.v[499], 499);
        hv_vec_done(&v);
}

static void a_buffer_with_room_does_not_move_and_is_wiped(void **state) {
        struct hv_buf b = {};
        const char *before;

        (void) state;
        hv_buf_puts(&b, "a");
        hv_buf_reserve(&b, 5000);
        before = b.data;
        for (int i = 0; i < 5000; i++)
                hv_buf_putc(&b, 'x');
        assert_ptr_equal(b.data, before);
        assert_int_equal(b.len, 5001);
        hv_buf_wipe(&b);
        assert_null(b.data);
        hv_buf_wipe(&b);
}

static void error_text_is_prefixed_and_marked_when_cut(void **state) {
        struct hv_err e = {};
        char big[1000];

        (void) state;
        memset(big, 'x', sizeof big);
        big[sizeof big - 1] = '\0';
        assert_int_equal(hv_err_set(&e, -22, "bad %s", "thing"), -22);
        assert_int_equal(hv_err_prefix(&e, -22, "service \"%s\"", "web"), -22);
        assert_string_equal(e.msg, "service \"web\": bad thing");
        (void) hv_err_set(&e, -22, "%s", big);
        assert_string_equal(e.msg + sizeof e.msg - 4, "...");
        assert_int_equal(hv_err_set(NULL, -5, "nobody listens"), -5);
}

static void secret_holds_and_fingerprints(void **state) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *s = hv_secret_new("abc", 3);
        char print[13];

        (void) state;
        hv_secret_fingerprint(s, print);
        assert_string_equal(print, "ba7816bf8f01");
        assert_string_equal(hv_secret_bytes(s), "abc");
}

static void random_numbers_repeat(void **state) {
        struct hv_rng a = { 7 }, b = { 7 };

        (void) state;
        for (int i = 0; i < 100; i++)
                assert_int_equal(hv_rng_next(&a), hv_rng_next(&b));
        assert_int_equal(hv_rng_below(&a, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(crc32_matches_the_published_value),
                cmocka_unit_test(sha256_matches_the_published_vectors),
                cmocka_unit_test(map_keeps_order_and_survives_churn),
                cmocka_unit_test(arena_gives_zeroed_aligned_memory),
                cmocka_unit_test(buffer_and_vector_grow),
                cmocka_unit_test(a_buffer_with_room_does_not_move_and_is_wiped),
                cmocka_unit_test(error_text_is_prefixed_and_marked_when_cut),
                cmocka_unit_test(secret_holds_and_fingerprints),
                cmocka_unit_test(random_numbers_repeat),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

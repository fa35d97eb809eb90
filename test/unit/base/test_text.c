/* base: edit distance and suggestions, UTF-8, names. */
#include "testing.h"

#include "base/text.h"

static void distance_counts_edits(void **state) {
        static const struct {
                const char *a, *b;
                size_t distance;
        } rows[] = {
                { "", "", 0 },
                { "web", "web", 0 },
                { "Web", "wEB", 0 },
                { "web", "wbe", 1 },
                { "alway", "always", 1 },
                { "Servce", "Service", 1 },
                { "hivemnd", "hivemind", 1 },
                { "ca", "abc", 3 },
                { "kitten", "sitting", 3 },
                { "abcdef", "badcfe", 3 },
                { "xxabc", "abcxx", 4 },
                { "", "abc", 3 },
                { "abcdefgh", "", 8 },
                { "abcdefghi", "", 9 },
        };
        char big[200];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                assert_int_equal(hv_text_distance(rows[i].a, rows[i].b, 8), rows[i].distance);
                assert_int_equal(hv_text_distance(rows[i].b, rows[i].a, 8), rows[i].distance);
                if (rows[i].distance > 2)
                        assert_int_equal(hv_text_distance(rows[i].a, rows[i].b, 2), 3);
        }
        for (size_t limit = 0; limit <= 8; limit++) /* giving up early changes nothing but the time */
                for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                        assert_int_equal(hv_text_distance(rows[i].a, rows[i].b, limit),
                                         HV_MIN(rows[i].distance, limit + 1));
        memset(big, 'x', sizeof big);
        big[sizeof big - 1] = '\0';
        assert_int_equal(hv_text_distance(big, big, 2), 3); /* not worth the time */
}

static void the_nearest_name_is_suggested(void **state) {
        static const char *const names[] = { "image", "pullPolicy", "env", "args",
                                             "ports", "always",     "tcp", "on" };
        static const char *const rows[][2] = {
                { "imge", "image" },
                { "IMAGE", "image" },
                { "imagePullPolicy", "pullPolicy" },
                { "envs", "env" },
                { "alway", "always" },
                { "tpc", "tcp" },
                { "udp", NULL },
                { "no", "on" },
                { "xy", NULL },
                { "configurations", NULL },
                { "", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const char *best = hv_text_suggest(rows[i][0], names, HV_ARRAY_SIZE(names));

                if (rows[i][1])
                        assert_string_equal(best, rows[i][1]);
                else
                        assert_null(best);
        }
}

static void utf8_is_checked_by_the_table_of_rfc_3629(void **state) {
        static const struct {
                const char *what, *bytes;
                size_t n, bad_at, characters;
        } rows[] = {
                { "empty", "", 0, SIZE_MAX, 0 },
                { "ascii with NUL", "a\0b", 3, SIZE_MAX, 3 },
                { "two to four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, SIZE_MAX, 3 },
                { "highest", "\xf4\x8f\xbf\xbf", 4, SIZE_MAX, 1 },
                { "lone continuation", "ab\x80", 3, 2, 3 },
                { "overlong slash", "\xc0\xaf", 2, 0, 2 },
                { "overlong three", "\xe0\x9f\xbf", 3, 0, 3 },
                { "overlong four", "\xf0\x8f\xbf\xbf", 4, 0, 4 },
                { "surrogate", "\xed\xa0\x80", 3, 0, 3 },
                { "above the last", "\xf4\x90\x80\x80", 4, 0, 4 },
                { "0xff", "a\xff", 2, 1, 2 },
                { "cut off", "a\xe2\x82", 3, 1, 3 },
                { "third byte bad", "\xe2\x82q", 3, 0, 3 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char *exact = malloc(rows[i].n + 1); /* the sanitizer sees a read behind the end */
                size_t at = SIZE_MAX;

                assert_non_null(exact);
                memcpy(exact, rows[i].bytes, rows[i].n);
                exact = realloc(exact, rows[i].n ? rows[i].n : 1);
                assert_int_equal(hv_utf8_is_valid(exact, rows[i].n, &at), rows[i].bad_at == SIZE_MAX);
                assert_int_equal(at, rows[i].bad_at);
                assert_int_equal(hv_utf8_count(exact, rows[i].n), rows[i].characters);
                free(exact);
        }
}

static void names_follow_rfc_1123(void **state) {
        char label[65];

        (void) state;
        assert_true(hv_text_is_dns_label("web"));
        assert_true(hv_text_is_dns_label("a"));
        assert_true(hv_text_is_dns_label("web-1"));
        assert_false(hv_text_is_dns_label(""));
        assert_false(hv_text_is_dns_label("1web"));
        assert_false(hv_text_is_dns_label("web-"));
        assert_false(hv_text_is_dns_label("-web"));
        assert_false(hv_text_is_dns_label("Web_1"));
        assert_false(hv_text_is_dns_label("web.1"));
        memset(label, 'a', 64);
        label[64] = '\0';
        assert_false(hv_text_is_dns_label(label));
        label[63] = '\0';
        assert_true(hv_text_is_dns_label(label));

        assert_true(hv_text_is_dns_name("vpn.example.org"));
        assert_true(hv_text_is_dns_name("3com.COM"));
        assert_false(hv_text_is_dns_name("vpn..org"));
        assert_false(hv_text_is_dns_name("vpn.org."));
        assert_false(hv_text_is_dns_name("-a.org"));
        assert_false(hv_text_is_dns_name("a-.org"));
        assert_false(hv_text_is_dns_name("a_b.org"));
        assert_false(hv_text_is_dns_name(""));
}

static void quoting_makes_any_bytes_harmless(void **state) {
        static const char *const rows[][2] = {
                { "", "\"\"" },
                { "web", "\"web\"" },
                { "a\"b\\c", "\"a\\\"b\\\\c\"" },
                { "a\nb\033[31m", "\"a\\nb\\x1b[31m\"" },
                { "\xff\xe2\x82", "\"\\xff\\xe2\\x82\"" },
                { "gr\xc3\xb6\xc3\x9f"
                  "e",
                  "\"gr\xc3\xb6\xc3\x9f"
                  "e\"" },
                { "a\xe2\x80\xae"
                  "b",
                  "\"a\\u{202e}b\"" },
                { "\xc2\x9b", "\"\\u{9b}\"" },
        };
        char quoted[HV_TEXT_QUOTE_SIZE], big[400];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                assert_string_equal(hv_text_quote(rows[i][0], quoted), rows[i][1]);
        for (size_t i = 0; i + 4 < sizeof big; i += 4)
                memcpy(big + i, "\xf3\xa0\x81\x81", 5); /* U+E0041: the longest escape */
        assert_int_equal(strlen(hv_text_quote(big, quoted)), 60 * strlen("\\u{e0041}") + strlen("\"...\""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(distance_counts_edits),
                cmocka_unit_test(the_nearest_name_is_suggested),
                cmocka_unit_test(utf8_is_checked_by_the_table_of_rfc_3629),
                cmocka_unit_test(names_follow_rfc_1123),
                cmocka_unit_test(quoting_makes_any_bytes_harmless),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

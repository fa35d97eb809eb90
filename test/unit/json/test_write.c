/* Writing: what comes out always parses, and says what was put in. */
#include "testing.h"

#include <math.h>

#include "base/rng.h"
#include "base/text.h"
#include "json/json.h"
#include "json/write.h"

static void test_document(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_json *inner = NULL;

        (void) state;
        assert_int_equal(hv_json_parse("{\"y\":1,\"x\":2}", 13, 100, &inner, NULL), 0);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "name", "web");
        hv_json_begin_array(&w, "ports");
        hv_json_put_int(&w, NULL, -80);
        hv_json_put_uint(&w, NULL, UINT64_MAX);
        hv_json_begin_object(&w, NULL);
        hv_json_end(&w);
        hv_json_begin_array(&w, NULL);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_json_put_bool(&w, "up", true);
        hv_json_put_null(&w, "none");
        hv_json_put_str(&w, "also", NULL);
        hv_json_put_printf(&w, "text", "%d of \"%s\"", 3, "x");
        hv_json_put_json(&w, "inner", inner);
        hv_json_end(&w);
        hv_json_free(inner);
        assert_string_equal(
                hv_buf_str(&buf),
                "{\"name\":\"web\",\"ports\":[-80,18446744073709551615,{},[]],\"up\":true,\"none\":null,"
                "\"also\":null,\"text\":\"3 of \\\"x\\\"\",\"inner\":{\"x\":2,\"y\":1}}");
}

static void test_text(void **state) {
        static const struct {
                const char *what, *text;
                size_t len;
                const char *json;
        } rows[] = {
                { "plain", "abc", 3, "\"abc\"" },
                { "empty", "", 0, "\"\"" },
                { "no pointer", NULL, 0, "\"\"" },
                { "quotes", "a\"b\\", 4, "\"a\\\"b\\\\\"" },
                { "controls", "\b\f\n\r\t\x01\x1f", 7, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\"" },
                { "NUL", "a\0b", 3, "\"a\\u0000b\"" },
                { "DEL is plain", "\x7f", 1, "\"\x7f\"" },
                { "umlaut", "\xc3\xa4", 2, "\"\xc3\xa4\"" },
                { "four bytes", "\xf0\x9f\x90\x9d", 4, "\"\xf0\x9f\x90\x9d\"" },
                { "lone continuation", "a\x80z", 3, "\"a\xef\xbf\xbdz\"" },
                { "cut sequence", "a\xc3", 2, "\"a\xef\xbf\xbd\"" },
                { "overlong slash", "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
                { "above U+10FFFF", "\xf4\x90\x80\x80", 4,
                  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
                struct hv_json_writer w = { .buf = &buf };

                hv_json_put_strn(&w, NULL, rows[i].text, rows[i].len);
                if (!hv_streq(hv_buf_str(&buf), rows[i].json))
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&buf));
        }
}

static void test_random_bytes_always_parse(void **state) {
        struct hv_rng rng = { 1 };

        (void) state;
        for (int round = 0; round < 5000; round++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
                _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
                struct hv_json_writer w = { .buf = &buf };
                char text[12];
                size_t len = hv_rng_below(&rng, sizeof text + 1);
                struct hv_err err = {};

                for (size_t i = 0; i < len; i++)
                        text[i] = (char) (1 + hv_rng_below(&rng, 255));
                hv_json_put_strn(&w, NULL, text, len);
                if (hv_json_parse(buf.data, buf.len, 1000, &j, &err) < 0)
                        fail_msg("%s: %s", buf.data, err.msg);
                if (hv_utf8_is_valid(text, len, NULL)) {
                        assert_int_equal(strlen(hv_json_as_str(j)), len);
                        assert_memory_equal(hv_json_as_str(j), text, len);
                }
        }
}

static void put_real(double value, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_json_writer w = { .buf = &buf };

        hv_json_put_real(&w, NULL, value);
        assert_string_equal(hv_buf_str(&buf), expected);
        assert_int_equal(hv_json_parse(buf.data, buf.len, 100, &j, NULL), 0);
        if (isfinite(value))
                assert_true(hv_json_as_real(j, 0) == value);
}

static void test_real(void **state) {
        (void) state;
        put_real(0.1, "0.1");
        put_real(0.5, "0.5");
        put_real(1.0 / 3, "0.33333333333333331");
        put_real(1e300, "1e300");
        put_real(3, "3.0");
        put_real(INFINITY, "null");
        put_real(NAN, "null");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_document),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_random_bytes_always_parse),
                cmocka_unit_test(test_real),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reading: what is no JSON is refused with its place, what is not as expected reads as absent. */
#include "testing.h"

#include <errno.h>

#include "json/json.h"

static struct hv_json *parse(const char *text) {
        struct hv_json *j = NULL;
        struct hv_err err = {};

        if (hv_json_parse(text, strlen(text), HV_JSON_MAX_BYTES, &j, &err) < 0)
                fail_msg("%s: %s", text, err.msg);
        return j;
}

static void test_refused(void **state) {
        static const struct {
                const char *what, *text;
                size_t len;
                const char *says;
        } rows[] = {
                { "nothing", "", 0, "1:0" },
                { "trailing data", "{} x", 0, "end of file expected" },
                { "cut object", "{\"a\":", 0, "not JSON at 1:5" },
                { "position", "{\n \"a\": tru }", 0, "not JSON at 2:9" },
                { "same key twice", "{\"a\":1,\"a\":2}", 0, "duplicate" },
                { "bad UTF-8", "\"\xff\"", 0, "unable to decode byte 0xff" },
                { "lone surrogate", "\"\\ud800\"", 0, "\\uD800" },
                { "NUL in a text", "\"a\\u0000b\"", 0, "\\u0000" },
                { "NUL byte", "\"a\0b\"", 5, "control character 0x0" },
                { "NaN", "[NaN]", 0, "not JSON at 1" },
                { "integer above 64 bits", "[9223372036854775808]", 0, "too big integer" },
                { "comment", "/* x */ {}", 0, "not JSON at 1" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_json *j = (struct hv_json *) 1;
                struct hv_err err = {};
                size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);

                if (hv_json_parse(rows[i].text, len, 1000, &j, &err) != -EBADMSG ||
                    !strstr(err.msg, rows[i].says) || j != (struct hv_json *) 1)
                        fail_msg("%s: %s", rows[i].what, err.msg);
        }
}

static void test_limits(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf deep = {};
        struct hv_json *j;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_json_parse("[1,2]", 5, 4, &j, &err), -EMSGSIZE);
        assert_string_equal(err.msg, "JSON of 5 bytes is above the limit of 4");
        for (int i = 0; i < 100000; i++)
                hv_buf_putc(&deep, '[');
        assert_int_equal(hv_json_parse(deep.data, deep.len, HV_JSON_MAX_BYTES, &j, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "depth"));
}

static void test_tolerant_getters(void **state) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse(
                "{\"s\":\"text\",\"i\":-7,\"r\":2.75,\"big\":1e300,\"low\":-1e300,\"t\":true,\"n\":null,\"a\":[1,\"x\"],"
                "\"o\":{\"z\":1,\"a\":2}}");
        static const char *const not_text[] = { "i", "r", "t", "n", "a", "o", "absent" };
        static const char *const not_number[] = { "s", "t", "n", "a", "o", "absent" };
        static const char *const not_bool[] = { "s", "i", "r", "n", "a", "o", "absent" };

        (void) state;
        assert_string_equal(hv_json_str(j, "s"), "text");
        for (size_t i = 0; i < HV_ARRAY_SIZE(not_text); i++)
                assert_null(hv_json_str(j, not_text[i]));
        assert_int_equal(hv_json_int(j, "i", 5), -7);
        assert_int_equal(hv_json_int(j, "r", 5), 2);
        assert_true(hv_json_int(j, "big", 5) == INT64_MAX);
        assert_true(hv_json_int(j, "low", 5) == INT64_MIN);
        for (size_t i = 0; i < HV_ARRAY_SIZE(not_number); i++) {
                assert_int_equal(hv_json_int(j, not_number[i], 5), 5);
                assert_true(hv_json_real(j, not_number[i], 0.5) == 0.5);
        }
        assert_true(hv_json_real(j, "i", 0) == -7.0 && hv_json_real(j, "r", 0) == 2.75);
        assert_true(hv_json_bool(j, "t", false));
        for (size_t i = 0; i < HV_ARRAY_SIZE(not_bool); i++)
                assert_true(hv_json_bool(j, not_bool[i], true) && !hv_json_bool(j, not_bool[i], false));

        /* Through what is not there. */
        assert_null(hv_json_str(hv_json_get(hv_json_get(j, "absent"), "x"), "y"));
        assert_null(hv_json_get(hv_json_get(j, "s"), "x"));
        assert_int_equal(hv_json_size(hv_json_get(j, "s")), 0);
        assert_null(hv_json_at(hv_json_get(j, "o"), 0));
        assert_null(hv_json_at(NULL, 0));

        assert_int_equal(hv_json_size(hv_json_get(j, "a")), 2);
        assert_string_equal(hv_json_as_str(hv_json_at(hv_json_get(j, "a"), 1)), "x");
        assert_null(hv_json_at(hv_json_get(j, "a"), 2));
}

static void test_types(void **state) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse("[null,false,1,1.5,\"\",[],{}]");

        (void) state;
        assert_int_equal(hv_json_type(NULL), HV_JSON_ABSENT);
        for (size_t i = 0; i < hv_json_size(j); i++)
                assert_int_equal(hv_json_type(hv_json_at(j, i)), HV_JSON_NULL + i);
}

static void test_walk_keeps_the_order(void **state) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = parse("{\"z\":1,\"a\":2,\"m\":3}");
        _hv_cleanup_(hv_buf_done) struct hv_buf keys = {};
        const struct hv_json *value;
        const char *key;
        void *it = NULL;
        int64_t sum = 0;

        (void) state;
        while (hv_json_next(j, &it, &key, &value)) {
                hv_buf_puts(&keys, key);
                sum += hv_json_as_int(value, 0);
        }
        assert_string_equal(hv_buf_str(&keys), "zam");
        assert_int_equal(sum, 6);
        it = NULL;
        assert_false(hv_json_next(hv_json_get(j, "z"), &it, &key, &value));
        it = NULL;
        assert_false(hv_json_next(NULL, &it, NULL, NULL));
}

static void test_canonical(void **state) {
        _hv_cleanup_(hv_json_freep) struct hv_json *a =
                parse(" { \"b\" : [ 1, 2.5 , null ],\n\"a\" : \"\\u00e4/\" } ");
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        (void) state;
        hv_json_dump(a, &buf);
        assert_string_equal(hv_buf_str(&buf), "{\"a\":\"\xc3\xa4/\",\"b\":[1,2.5,null]}");
        hv_buf_clear(&buf);
        hv_json_dump(NULL, &buf);
        hv_json_dump(hv_json_get(a, "a"), &buf);
        assert_string_equal(hv_buf_str(&buf), "null\"\xc3\xa4/\"");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_tolerant_getters),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_walk_keeps_the_order),
                cmocka_unit_test(test_canonical),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

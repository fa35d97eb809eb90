/* base64: the published vectors, both alphabets, and what is refused. */
#include "testing.h"

#include "base/base64.h"

static void vectors_go_there_and_back(void **state) {
        /* RFC 4648, section 10. */
        static const struct {
                const char *plain, *text;
        } rows[] = {
                { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "fooba", "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" },
        };
        char text[64], plain[64];
        size_t len;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                hv_base64_encode(rows[i].plain, strlen(rows[i].plain), text);
                assert_string_equal(text, rows[i].text);
                assert_true(hv_base64_decode(text, strlen(text), plain, &len));
                assert_int_equal(len, strlen(rows[i].plain));
                assert_memory_equal(plain, rows[i].plain, len);
        }
}

static void every_byte_survives_in_both_alphabets(void **state) {
        unsigned char bytes[256], back[HV_BASE64_SIZE(256)];
        char text[HV_BASE64_SIZE(256)];
        size_t len;

        (void) state;
        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (unsigned char) i;
        for (size_t n = 0; n <= sizeof bytes; n++) {
                hv_base64_encode(bytes, n, text);
                assert_true(hv_base64_decode(text, strlen(text), back, &len));
                assert_int_equal(len, n);
                assert_memory_equal(back, bytes, n);
                hv_base64url_encode(bytes, n, text);
                assert_null(strpbrk(text, "+/"));
                assert_true(hv_base64_decode(text, strlen(text), back, &len));
                assert_int_equal(len, n);
                assert_memory_equal(back, bytes, n);
        }
}

static void padding_may_be_left_out_and_junk_is_refused(void **state) {
        static const struct {
                const char *what, *text;
                bool good;
        } rows[] = {
                { "no padding", "Zg", true },
                { "no padding, two bytes", "Zm8", true },
                { "one digit", "Z", false },
                { "half a padding", "Zg=", false },
                { "too much padding", "Zg===", false },
                { "padding alone", "====", false },
                { "padding inside", "Zg==Zg==", false },
                { "a blank", "Zm 9v", false },
                { "a line end", "Zm9v\n", false },
                { "stray bits", "Zh==", false },
                { "not a digit", "Zm9*", false },
        };
        char plain[64];
        size_t len;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_base64_decode(rows[i].text, strlen(rows[i].text), plain, &len) != rows[i].good)
                        fail_msg("%s: \"%s\"", rows[i].what, rows[i].text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(vectors_go_there_and_back),
                cmocka_unit_test(every_byte_survives_in_both_alphabets),
                cmocka_unit_test(padding_may_be_left_out_and_junk_is_refused),
        };

        return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}

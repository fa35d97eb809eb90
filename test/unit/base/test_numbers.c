/* base: durations, quantities and plain numbers as users write them. */
#include "testing.h"

#include "base/duration.h"
#include "base/quantity.h"
#include "base/rng.h"

static void durations_are_read(void **state) {
        static const struct {
                const char *text;
                enum hv_parse result;
                uint64_t us;
                const char *canonical;
        } rows[] = {
                { "90s", HV_PARSE_OK, 90 * HV_USEC_PER_SEC, "1m30s" },
                { "1h30m", HV_PARSE_OK, 90 * HV_USEC_PER_MIN, "1h30m" },
                { "1.5h", HV_PARSE_OK, 90 * HV_USEC_PER_MIN, "1h30m" },
                { "7d", HV_PARSE_OK, 7 * HV_USEC_PER_DAY, "7d" },
                { "1w", HV_PARSE_OK, 7 * HV_USEC_PER_DAY, "7d" },
                { "250ms", HV_PARSE_OK, 250 * HV_USEC_PER_MSEC, "250ms" },
                { "1w2d3h4m5s6ms7us", HV_PARSE_OK, UINT64_C(788645006007), "9d3h4m5s6ms7us" },
                { "0s", HV_PARSE_OK, 0, "0s" },
                { "0.1us", HV_PARSE_OK, 1, "1us" },
                { "106751991d", HV_PARSE_OK, 106751991 * HV_USEC_PER_DAY, "106751991d" },
                { "106751992d", HV_PARSE_OVERFLOW, 0, NULL },
                { "99999999999999999999s", HV_PARSE_OVERFLOW, 0, NULL },
                { "106751991d106751991h", HV_PARSE_OVERFLOW, 0, NULL },
                { "30", HV_PARSE_NO_UNIT, 0, NULL },
                { "-30", HV_PARSE_NO_UNIT, 0, NULL },
                { "1.5", HV_PARSE_NO_UNIT, 0, NULL },
                { "-5s", HV_PARSE_NEGATIVE, 0, NULL },
                { "5 min", HV_PARSE_BAD, 0, NULL },
                { "5min", HV_PARSE_BAD, 0, NULL },
                { "1m1h", HV_PARSE_BAD, 0, NULL },
                { "1m1m", HV_PARSE_BAD, 0, NULL },
                { "1h30", HV_PARSE_BAD, 0, NULL },
                { "", HV_PARSE_BAD, 0, NULL },
                { "-", HV_PARSE_BAD, 0, NULL },
                { "s", HV_PARSE_BAD, 0, NULL },
                { "5S", HV_PARSE_BAD, 0, NULL },
                { ".5s", HV_PARSE_BAD, 0, NULL },
                { "5.s", HV_PARSE_BAD, 0, NULL },
                { " 5s", HV_PARSE_BAD, 0, NULL },
                { "forever", HV_PARSE_BAD, 0, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char canonical[HV_DURATION_SIZE];
                uint64_t us = 12345;

                if (hv_duration_parse(rows[i].text, &us) != rows[i].result)
                        fail_msg("\"%s\" is read as something else", rows[i].text);
                if (rows[i].result != HV_PARSE_OK) {
                        assert_int_equal(us, 12345);
                        continue;
                }
                assert_int_equal(us, rows[i].us);
                hv_duration_format(us, canonical);
                assert_string_equal(canonical, rows[i].canonical);
        }
}

static void every_duration_comes_back(void **state) {
        struct hv_rng rng = { 7 };

        (void) state;
        for (int i = 0; i < 20000; i++) {
                uint64_t us = hv_rng_next(&rng) >> (1 + hv_rng_below(&rng, 60)), back;
                char text[HV_DURATION_SIZE];

                hv_duration_format(us, text);
                assert_int_equal(hv_duration_parse(text, &back), HV_PARSE_OK);
                assert_int_equal(back, us);
        }
}

static void a_bad_duration_gets_a_guess(void **state) {
        static const char *const rows[][2] = {
                { "30", "30s" },     { "5 min", "5m" }, { "5min", "5m" },   { "2 hours", "2h" },
                { "1.5 h", "1.5h" }, { "10S", "10s" },  { "soon", NULL },   { "5 parsecs", NULL },
                { "", NULL },        { "-", NULL },     { "1h 30m", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char guess[HV_DURATION_SIZE];
                bool has = hv_duration_suggest(rows[i][0], guess);

                assert_int_equal(has, rows[i][1] != NULL);
                if (has)
                        assert_string_equal(guess, rows[i][1]);
        }
}

static void bytes_are_read(void **state) {
        static const struct {
                const char *text;
                enum hv_parse result;
                uint64_t bytes;
                const char *canonical;
        } rows[] = {
                { "512Mi", HV_PARSE_OK, UINT64_C(512) << 20, "512Mi" },
                { "2Gi", HV_PARSE_OK, UINT64_C(2) << 30, "2Gi" },
                { "1.5Gi", HV_PARSE_OK, UINT64_C(1536) << 20, "1536Mi" },
                { "512M", HV_PARSE_OK, 512000000, "500000Ki" },
                { "1k", HV_PARSE_OK, 1000, "1k" },
                { "1001", HV_PARSE_OK, 1001, "1001" },
                { "0", HV_PARSE_OK, 0, "0" },
                { "0.5", HV_PARSE_OK, 1, "1" },
                { "0.0000000000000000001Ki", HV_PARSE_OK, 1, "1" },
                { "1e3", HV_PARSE_OK, 1000, "1k" },
                { "1E+9", HV_PARSE_OK, 1000000000, "1G" },
                { "2E", HV_PARSE_OK, UINT64_C(2000000000000000000), NULL },
                { "7Ei", HV_PARSE_OK, UINT64_C(7) << 60, "7Ei" },
                { "8Ei", HV_PARSE_OVERFLOW, 0, NULL },
                { "9223372036854775807", HV_PARSE_OK, INT64_MAX, "9223372036854775807" },
                { "9223372036854775808", HV_PARSE_OVERFLOW, 0, NULL },
                { "99999999999999999999999", HV_PARSE_OVERFLOW, 0, NULL },
                { "-1Gi", HV_PARSE_NEGATIVE, 0, NULL },
                { "512MB", HV_PARSE_BAD_UNIT, 0, NULL },
                { "512m", HV_PARSE_BAD_UNIT, 0, NULL },
                { "1K", HV_PARSE_BAD_UNIT, 0, NULL },
                { "1 Gi", HV_PARSE_BAD_UNIT, 0, NULL },
                { "1e", HV_PARSE_BAD_UNIT, 0, NULL },
                { "1e99", HV_PARSE_BAD_UNIT, 0, NULL },
                { "", HV_PARSE_BAD, 0, NULL },
                { "Gi", HV_PARSE_BAD, 0, NULL },
                { "--1", HV_PARSE_BAD, 0, NULL },
                { "1.", HV_PARSE_BAD, 0, NULL },
                { "much", HV_PARSE_BAD, 0, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char canonical[HV_QUANTITY_SIZE];
                uint64_t bytes = 12345, back;

                if (hv_quantity_parse_bytes(rows[i].text, &bytes) != rows[i].result)
                        fail_msg("\"%s\" is read as something else", rows[i].text);
                if (rows[i].result != HV_PARSE_OK) {
                        assert_int_equal(bytes, 12345);
                        continue;
                }
                assert_int_equal(bytes, rows[i].bytes);
                hv_quantity_format_bytes(bytes, canonical);
                if (rows[i].canonical)
                        assert_string_equal(canonical, rows[i].canonical);
                assert_int_equal(hv_quantity_parse_bytes(canonical, &back), HV_PARSE_OK);
                assert_int_equal(back, bytes);
        }
}

static void bytes_are_said_as_docker_says_them(void **state) {
        static const struct {
                const char *text;
                uint64_t bytes; /* 0: refused */
        } rows[] = {
                { "1g", 1 << 30 },
                { "1G", 1 << 30 },
                { "512m", 512 << 20 },
                { "1.5g", 3 << 29 },
                { "64k", 64 << 10 },
                { "1048576", 1 << 20 },
                { "1048576b", 1 << 20 },
                { "2GiB", UINT64_C(2) << 30 },
                { "1gb", 1 << 30 },
                { "1t", UINT64_C(1) << 40 },
                { "", 0 },
                { "0", 0 },
                { "-1g", 0 },
                { "1 g", 0 },
                { "g", 0 },
                { "1e9", 0 },
                { "1gg", 0 },
                { "99999999999g", 0 },
                { "lots", 0 },
                { "0x10", 0 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t bytes = 0;

                if ((hv_quantity_parse_docker_bytes(rows[i].text, &bytes) == HV_PARSE_OK) !=
                            (rows[i].bytes != 0) ||
                    bytes != rows[i].bytes)
                        fail_msg("%s: %llu", rows[i].text, (unsigned long long) bytes);
        }
}

static void cpus_are_read(void **state) {
        static const struct {
                const char *text;
                enum hv_parse result;
                uint64_t nano;
                const char *canonical;
        } rows[] = {
                { "500m", HV_PARSE_OK, 500000000, "500m" },
                { "1.5", HV_PARSE_OK, 1500000000, "1500m" },
                { "2", HV_PARSE_OK, 2000000000, "2" },
                { "0", HV_PARSE_OK, 0, "0" },
                { "0.000001", HV_PARSE_OK, 1000, "0.000001" },
                { "0.5m", HV_PARSE_OK, 500000, "0.0005" },
                { "0.0000000001", HV_PARSE_OK, 1, "0.000000001" },
                { "9223372036", HV_PARSE_OK, UINT64_C(9223372036000000000), "9223372036" },
                { "9223372037", HV_PARSE_OVERFLOW, 0, NULL },
                { "-1", HV_PARSE_NEGATIVE, 0, NULL },
                { "500M", HV_PARSE_BAD_UNIT, 0, NULL },
                { "2 cores", HV_PARSE_BAD_UNIT, 0, NULL },
                { "1,5", HV_PARSE_BAD_UNIT, 0, NULL },
                { "", HV_PARSE_BAD, 0, NULL },
                { "m", HV_PARSE_BAD, 0, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char canonical[HV_QUANTITY_SIZE];
                uint64_t nano = 12345;

                if (hv_quantity_parse_cpu(rows[i].text, &nano) != rows[i].result)
                        fail_msg("\"%s\" is read as something else", rows[i].text);
                if (rows[i].result != HV_PARSE_OK) {
                        assert_int_equal(nano, 12345);
                        continue;
                }
                assert_int_equal(nano, rows[i].nano);
                hv_quantity_format_cpu(nano, canonical);
                assert_string_equal(canonical, rows[i].canonical);
        }
}

static void a_bad_quantity_gets_a_guess(void **state) {
        static const struct {
                const char *text, *bytes, *cpu;
        } rows[] = {
                { "512MB", "512M or 512Mi", NULL },
                { "512m", "512M or 512Mi", "512m" },
                { "1 GiB", "1Gi", NULL },
                { "1kb", "1k or 1Ki", NULL },
                { "100B", "100", NULL },
                { "2gi", "2Gi", NULL },
                { "2 cores", NULL, "2" },
                { "500M", "500M or 500Mi", "500m" },
                { "much", NULL, NULL },
                { "", NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char guess[2 * HV_QUANTITY_SIZE];

                assert_int_equal(hv_quantity_suggest_bytes(rows[i].text, guess), rows[i].bytes != NULL);
                if (rows[i].bytes)
                        assert_string_equal(guess, rows[i].bytes);
                assert_int_equal(hv_quantity_suggest_cpu(rows[i].text, guess), rows[i].cpu != NULL);
                if (rows[i].cpu)
                        assert_string_equal(guess, rows[i].cpu);
        }
}

static void plain_numbers_have_a_range(void **state) {
        uint64_t n = 0;

        (void) state;
        assert_true(hv_parse_uint("65535", 1, 65535, &n));
        assert_int_equal(n, 65535);
        assert_true(hv_parse_uint("18446744073709551615", 0, UINT64_MAX, &n));
        assert_true(n == UINT64_MAX);
        assert_false(hv_parse_uint("18446744073709551616", 0, UINT64_MAX, &n));
        assert_false(hv_parse_uint("0", 1, 65535, &n));
        assert_false(hv_parse_uint("65536", 1, 65535, &n));
        assert_false(hv_parse_uint("", 0, 9, &n));
        assert_false(hv_parse_uint("+1", 0, 9, &n));
        assert_false(hv_parse_uint("1 ", 0, 9, &n));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(durations_are_read),
                cmocka_unit_test(every_duration_comes_back),
                cmocka_unit_test(a_bad_duration_gets_a_guess),
                cmocka_unit_test(bytes_are_read),
                cmocka_unit_test(bytes_are_said_as_docker_says_them),
                cmocka_unit_test(cpus_are_read),
                cmocka_unit_test(a_bad_quantity_gets_a_guess),
                cmocka_unit_test(plain_numbers_have_a_range),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "testing.h"

#include "base/macros.h"
#include "base/rfc3339.h"

static void instants_are_written_and_read_back(void **state) {
        static const struct {
                uint64_t us;
                const char *text;
        } rows[] = {
                { 0, "1970-01-01T00:00:00Z" },
                { 1, "1970-01-01T00:00:00.000001Z" },
                { 951782400 * HV_USEC_PER_SEC, "2000-02-29T00:00:00Z" },
                { 1582934400 * HV_USEC_PER_SEC, "2020-02-29T00:00:00Z" },
                { 1582934399 * HV_USEC_PER_SEC, "2020-02-28T23:59:59Z" },
                { 4107542399 * HV_USEC_PER_SEC + 500000, "2100-02-28T23:59:59.5Z" },
                { 4107542400 * HV_USEC_PER_SEC, "2100-03-01T00:00:00Z" },
                { HV_RFC3339_MAX_US, "9999-12-31T23:59:59.999999Z" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char text[HV_RFC3339_SIZE];
                uint64_t us = 7;

                hv_rfc3339_format(rows[i].us, text);
                assert_string_equal(text, rows[i].text);
                assert_true(hv_rfc3339_parse(text, &us));
                assert_int_equal(us, rows[i].us);
        }
        for (uint64_t day = 0; day < 366 * 500; day += 13) {
                char text[HV_RFC3339_SIZE];
                uint64_t us = 7, wall_us = day * HV_USEC_PER_DAY + day * 7919;

                hv_rfc3339_format(wall_us, text);
                assert_true(hv_rfc3339_parse(text, &us));
                assert_int_equal(us, wall_us);
        }
}

static void every_form_of_the_rfc_is_read(void **state) {
        static const struct {
                const char *text;
                uint64_t us;
        } rows[] = {
                { "2020-02-29T01:30:00+01:30", 1582934400 * HV_USEC_PER_SEC },
                { "2020-02-28T19:00:00-05:00", 1582934400 * HV_USEC_PER_SEC },
                { "2020-02-29 00:00:00z", 1582934400 * HV_USEC_PER_SEC },
                { "2020-02-29t00:00:00.123456789Z", 1582934400 * HV_USEC_PER_SEC + 123456 },
                { "2016-12-31T23:59:60Z", 1483228799 * HV_USEC_PER_SEC },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t us = 7;

                assert_true(hv_rfc3339_parse(rows[i].text, &us));
                assert_int_equal(us, rows[i].us);
        }
}

static void what_is_no_instant_is_refused(void **state) {
        static const char *const rows[] = {
                "",
                "now",
                "2020-02-29",
                "2020-02-29T00:00:00",
                "2021-02-29T00:00:00Z",
                "2100-02-29T00:00:00Z",
                "2020-00-10T00:00:00Z",
                "2020-13-10T00:00:00Z",
                "2020-01-00T00:00:00Z",
                "2020-01-01T24:00:00Z",
                "2020-01-01T00:60:00Z",
                "2020-01-01T00:00:61Z",
                "2020-01-01T00:00:00.Z",
                "2020-01-01T00:00:00Zx",
                "2020-01-01T00:00:00+0100",
                "2020-01-01T00:00:00+24:00",
                "1969-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59-01:00",
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t us = 7;

                if (hv_rfc3339_parse(rows[i], &us))
                        fail_msg("\"%s\" was taken as an instant", rows[i]);
                assert_int_equal(us, 7);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(instants_are_written_and_read_back),
                cmocka_unit_test(every_form_of_the_rfc_is_read),
                cmocka_unit_test(what_is_no_instant_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

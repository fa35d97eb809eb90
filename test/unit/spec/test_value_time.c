/* spec: cron schedules, time zones, windows. */
#include "testing.h"

#include "fault.h"

#include "base/arena.h"
#include "spec/value_cron.h"
#include "spec/value_time.h"

static void bad_schedules_name_the_field(void **state) {
        static const char *const rows[][3] = {
                { "", "E0228", "found 0" },
                { "* * * *", "E0228",
                  "expected 5 fields (minute, hour, day of month, month, day of week), found 4" },
                { "* * * * * *", "E0228", "found 6; seconds and years are not supported" },
                { "0 25 * * *", "E0228", "field 2 (hour): 25 is above 23" },
                { "60 * * * *", "E0228", "field 1 (minute): 60 is above 59" },
                { "* * 0 * *", "E0228", "field 3 (day of month): 0 is below 1" },
                { "* * * 13 *", "E0228", "field 4 (month): 13 is above 12" },
                { "* * * * 8", "E0228", "field 5 (day of week): 8 is above 7" },
                { "* * * foo *", "E0228", "field 4 (month): \"foo\" is not a number or a name" },
                { "* mon * * *", "E0228", "field 2 (hour): \"mon\" is not a number" },
                { "5-1 * * * *", "E0228", "field 1 (minute): range 5-1 is reversed" },
                { "*/0 * * * *", "E0228", "field 1 (minute): a step after \"/\" is a number from 1 to 59" },
                { "*/ * * * *", "E0228", "a step after" },
                { "*/99 * * * *", "E0228", "a step after" },
                { "1, * * * *", "E0228", "field 1 (minute): expected a number or *" },
                { ",1 * * * *", "E0228", "expected a number" },
                { "1- * * * *", "E0228", "expected a number" },
                { "1--2 * * * *", "E0228", "expected a number" },
                { "1-2-3 * * * *", "E0228", "field 1 (minute): \"-\" is not understood here" },
                { "** * * * *", "E0228", "\"*\" is not understood here" },
                { "-1 * * * *", "E0228", "expected a number" },
                { "* * ? * *", "E0228", "\"?\" is not a number" },
                { "* * L * *", "E0228", "\"L\" is not a number" },
                { "99999999999999999999 * * * *", "E0228", "is not a number" },
                { "@hourl", "E0228", "did you mean @hourly?" },
                { "@reboot", "E0228", "is none of @hourly" },
                { "0 0 30 2 *", "E0229", "\"0 0 30 2 *\" never happens" },
                { "0 0 31 2,4,6,9,11 *", "E0229", "never happens" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                struct hv_cron c;

                assert_true(hv_value_cron(rows[i][0], &c, &fault) < 0);
                expect_fault(rows[i][0], &fault, rows[i][1], rows[i][2]);
        }
}

static void schedules_match_as_cron_would(void **state) {
        static const struct {
                const char *schedule;
                unsigned minute, hour, day, month, weekday;
                bool matches;
        } rows[] = {
                { "15 3 * * *", 15, 3, 9, 5, 2, true },
                { "15 3 * * *", 16, 3, 9, 5, 2, false },
                { "15 3 * * *", 15, 4, 9, 5, 2, false },
                { "*/20 * * * *", 40, 4, 9, 5, 2, true },
                { "*/20 * * * *", 50, 4, 9, 5, 2, false },
                { "10/20 * * * *", 50, 4, 9, 5, 2, true },
                { "10/20 * * * *", 0, 4, 9, 5, 2, false },
                { "0-10/5,30 * * * *", 10, 0, 1, 1, 0, true },
                { "0-10/5,30 * * * *", 30, 0, 1, 1, 0, true },
                { "0-10/5,30 * * * *", 15, 0, 1, 1, 0, false },
                { "0 0 * * 7", 0, 0, 3, 3, 0, true },
                { "0 0 * * sun", 0, 0, 3, 3, 0, true },
                { "0 0 * * MON-fri", 0, 0, 3, 3, 5, true },
                { "0 0 * * mon-fri", 0, 0, 3, 3, 6, false },
                { "0 0 * * fri-7", 0, 0, 3, 3, 0, true },
                { "0 0 * jan,dec *", 0, 0, 3, 12, 1, true },
                { "0 0 * jan,dec *", 0, 0, 3, 11, 1, false },
                { "0 0 13 * fri", 0, 0, 13, 3, 1, true }, /* either day is enough */
                { "0 0 13 * fri", 0, 0, 12, 3, 5, true },
                { "0 0 13 * fri", 0, 0, 12, 3, 4, false },
                { "0 0 */2 * fri", 0, 0, 3, 3, 5,
                  true }, /* a star with a step does not restrict: both are needed */
                { "0 0 */2 * fri", 0, 0, 3, 3, 4, false },
                { "0 0 30 2 mon", 0, 0, 3, 2, 1, true },
                { "0 0 29 2 *", 0, 0, 29, 2, 1, true },
                { "  0\t0  1 1 * ", 0, 0, 1, 1, 4, true },
                { "@hourly", 0, 7, 9, 9, 3, true },
                { "@Daily", 0, 0, 9, 9, 3, true },
                { "@weekly", 0, 0, 9, 9, 0, true },
                { "@weekly", 0, 0, 9, 9, 1, false },
                { "@monthly", 0, 0, 1, 9, 1, true },
                { "@yearly", 0, 0, 1, 1, 1, true },
                { "@annually", 0, 0, 1, 2, 1, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                struct hv_cron c;

                if (hv_value_cron(rows[i].schedule, &c, &fault) < 0)
                        fail_msg("%s: %s", rows[i].schedule, fault.message);
                if (hv_cron_matches(&c, rows[i].minute, rows[i].hour, rows[i].day, rows[i].month,
                                    rows[i].weekday) != rows[i].matches)
                        fail_msg("%s at %02u:%02u", rows[i].schedule, rows[i].hour, rows[i].minute);
        }
}

static void zones_are_those_of_iana(void **state) {
        static const char *const good[] = { "Europe/Berlin", "UTC",
                                            "Etc/UTC",       "America/Argentina/Buenos_Aires",
                                            "Asia/Tokyo",    "Asia/Calcutta" };
        static const char *const bad[][2] = {
                { "Europe/Berln", "time zone \"Europe/Berln\" not found; did you mean Europe/Berlin?" },
                { "europe/berlin", "did you mean Europe/Berlin?" },
                { "Berlin", "did you mean Europe/Berlin?" },
                { "Germany/Berlin", "did you mean Europe/Berlin?" },
                { "Mars/Olympus_Mons", "time zone \"Mars/Olympus_Mons\" not found" },
                { "Factory", "not found" },
                { "../../etc/passwd", "not found" },
                { "", "time zone \"\" not found" },
        };

        (void) state;
        for (size_t i = 1; i < hv_n_zone_names; i++)
                assert_true(strcmp(hv_zone_names[i - 1], hv_zone_names[i]) < 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(good); i++)
                assert_int_equal(hv_value_zone(good[i], NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                struct hv_fault fault = {};

                assert_true(hv_value_zone(bad[i][0], &fault) < 0);
                expect_fault(bad[i][0], &fault, "E0230", bad[i][1]);
        }
}

static void windows_have_two_ends(void **state) {
        static const struct {
                const char *text;
                unsigned from, to;
                const char *zone, *code, *says;
        } rows[] = {
                { "01:00-05:00 Europe/Berlin", 60, 300, "Europe/Berlin", NULL, NULL },
                { "22:30-06:00", 1350, 360, NULL, NULL, NULL },
                { "00:00-24:00", 0, 1440, NULL, NULL, NULL },
                { "05:00-05:00", 0, 0, NULL, "E0231", "window end equals its start" },
                { "24:00-00:00", 0, 0, NULL, "E0231", "window end equals its start" },
                { "01:00", 0, 0, NULL, "E0231", "is not a window" },
                { "01:00 - 05:00", 0, 0, NULL, "E0231", "is not a window" },
                { "1:00-5:00", 0, 0, NULL, "E0231", "\"1:00\" is not a time of day" },
                { "01:00-25:00", 0, 0, NULL, "E0231", "\"25:00\" is not a time of day" },
                { "01:60-02:00", 0, 0, NULL, "E0231", "\"01:60\" is not a time of day" },
                { "01:00-24:01", 0, 0, NULL, "E0231", "\"24:01\" is not a time of day" },
                { "01:00-05:00 Europe/Berln", 0, 0, NULL, "E0230", "did you mean Europe/Berlin?" },
                { "01:00-05:00 ", 0, 0, NULL, "E0230", "not found" },
                { "", 0, 0, NULL, "E0231", "is not a window" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_fault fault = {};
                struct hv_window w = {};
                int r = hv_value_window(rows[i].text, a, &w, &fault);

                assert_int_equal(r == 0, rows[i].code == NULL);
                if (r < 0) {
                        expect_fault(rows[i].text, &fault, rows[i].code, rows[i].says);
                        continue;
                }
                assert_int_equal(w.from, rows[i].from);
                assert_int_equal(w.to, rows[i].to);
                if (rows[i].zone)
                        assert_string_equal(w.zone, rows[i].zone);
                else
                        assert_null(w.zone);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bad_schedules_name_the_field),
                cmocka_unit_test(schedules_match_as_cron_would),
                cmocka_unit_test(zones_are_those_of_iana),
                cmocka_unit_test(windows_have_two_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec: when schedules come, against a reckoning that knows nothing of this one (cron_table.py), and by hand. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "spec/cron_next.h"

#define INSTANTS_MAX 4000

static struct hv_zone *zone_of(const char *path) {
        _hv_cleanup_(hv_buf_done) struct hv_buf data = {};
        FILE *f = fopen(path, "re");
        struct hv_zone *z = NULL;
        struct hv_err err = {};
        char block[4096];
        size_t n;

        if (!f)
                fail_msg("%s: cannot open", path);
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(&data, block, n);
        (void) fclose(f);
        if (hv_zone_parse(data.data, data.len, &z, &err) < 0)
                fail_msg("%s: %s", path, err.msg);
        return z;
}

static struct hv_cron schedule_of(const char *text) {
        struct hv_fault fault;
        struct hv_cron c;

        if (hv_value_cron(text, &c, &fault) < 0)
                fail_msg("%s: %s", text, fault.message);
        return c;
}

static uint64_t seconds(const char *p, char **end) {
        return strtoull(p, end, 10) * HV_USEC_PER_SEC;
}

/* One line of the table: the instants forwards, in pieces, and each of them backwards. */
static void check_window(const struct hv_cron *c, const struct hv_zone *z, const char *where,
                         const char *line) {
        static uint64_t want[INSTANTS_MAX], got[INSTANTS_MAX];
        char *p;
        uint64_t after = seconds(line + 1, &p), until = seconds(p, &p), at;
        size_t n = 0;

        while (*p == ' ') {
                assert_true(n < INSTANTS_MAX);
                want[n++] = seconds(p, &p);
        }
        assert_int_equal(hv_cron_between(c, z, after, until, got, INSTANTS_MAX) == n, true);
        for (size_t i = 0; i < n; i++) {
                if (got[i] != want[i])
                        fail_msg("%s: %llu, not %llu", where, (unsigned long long) (got[i] / HV_USEC_PER_SEC),
                                 (unsigned long long) (want[i] / HV_USEC_PER_SEC));
                at = i + 1 < n ? want[i + 1] - 1 : until;
                if (hv_cron_previous(c, z, at) != want[i] || hv_cron_previous(c, z, want[i]) != want[i])
                        fail_msg("%s: before %llu comes %llu", where,
                                 (unsigned long long) (at / HV_USEC_PER_SEC),
                                 (unsigned long long) (hv_cron_previous(c, z, at) / HV_USEC_PER_SEC));
        }
        if (n > 2) { /* capped: the oldest */
                assert_int_equal(hv_cron_between(c, z, after, until, got, 2), 2);
                assert_int_equal(got[1], want[1]);
        }
}

static void schedules_come_as_another_reckoning_says(void **state) {
        FILE *f = popen("python3 " HV_SOURCE_DIR "/test/unit/spec/cron_table.py", "re");
        struct hv_zone *z = NULL;
        struct hv_cron c = {};
        _hv_cleanup_free_ char *line = NULL;
        char name[80], path[400], where[240] = "", schedule[100] = "";
        unsigned n = 0;
        size_t size = 0;

        (void) state;
        assert_non_null(f);
        while (getline(&line, &size, f) > 0) {
                line[strcspn(line, "\n")] = '\0';
                if (*line == 'Z') {
                        assert_int_equal(sscanf(line, "Z %79s %399s", name, path), 2);
                        (void) hv_zone_free(z);
                        z = zone_of(path);
                } else if (*line == 'S') {
                        (void) snprintf(schedule, sizeof schedule, "%s", line + 2);
                        c = schedule_of(schedule);
                } else {
                        (void) snprintf(where, sizeof where, "%s: %s", name, schedule);
                        check_window(&c, z, where, line);
                        n++;
                }
        }
        assert_int_equal(pclose(f), 0);
        (void) hv_zone_free(z);
        assert_true(n > 1500);
}

static void by_hand(void **state) {
        static const struct {
                const char *what, *zone, *schedule, *after, *next; /* next NULL: never */
        } rows[] = {
                { "the same instant does not count", NULL, "15 3 * * *", "2026-11-22T03:15:00Z",
                  "2026-11-23T03:15:00Z" },
                { "an instant before it does", NULL, "15 3 * * *", "2026-11-22T03:14:59.999999Z",
                  "2026-11-22T03:15:00Z" },
                { "a skipped time comes after the gap", "Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z",
                  "2026-03-29T01:00:00Z" },
                { "and is not made up for again", "Europe/Berlin", "30 2 * * *", "2026-03-29T01:00:00Z",
                  "2026-03-30T00:30:00Z" },
                { "a time shown twice comes the first time", "Europe/Berlin", "30 2 * * *",
                  "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z" },
                { "and not the second", "Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z",
                  "2026-10-26T01:30:00Z" },
                { "nothing comes in the hour that is repeated", "Europe/Berlin", "*/15 * * * *",
                  "2026-10-25T00:45:00Z", "2026-10-25T02:00:00Z" },
                { "a day that was left out", "Pacific/Apia", "0 12 30 12 *", "2011-12-29T00:00:00Z",
                  "2011-12-30T10:00:00Z" },
                { "half an hour forward", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z",
                  "2026-10-03T15:30:00Z" },
                { "two hours forward", "Antarctica/Troll", "0 2 * * *", "2026-03-28T12:00:00Z",
                  "2026-03-29T01:00:00Z" },
                { "the leap day of 2100 is none", NULL, "0 0 29 2 *", "2096-02-29T00:00:00Z",
                  "2104-02-29T00:00:00Z" },
                { "a leap day on a Sunday", NULL, "0 0 29 2 */7", "2088-03-01T00:00:00Z",
                  "2128-02-29T00:00:00Z" },
                { "one day or the other", NULL, "0 0 13 * 5", "2026-11-13T00:00:00Z",
                  "2026-11-20T00:00:00Z" },
                { "the year 9999", NULL, "0 0 1 1 *", "9999-06-01T00:00:00Z", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *path =
                        rows[i].zone ? hv_asprintf("/usr/share/zoneinfo/%s", rows[i].zone) : NULL;
                _hv_cleanup_(hv_zone_freep) struct hv_zone *z = path ? zone_of(path) : NULL;
                struct hv_cron c = schedule_of(rows[i].schedule);
                uint64_t after, next, want = HV_TIME_NEVER;
                char text[HV_RFC3339_SIZE] = "never";

                assert_true(hv_rfc3339_parse(rows[i].after, &after));
                assert_true(!rows[i].next || hv_rfc3339_parse(rows[i].next, &want));
                next = hv_cron_next(&c, z, after);
                if (next != HV_TIME_NEVER)
                        hv_rfc3339_format(next, text);
                if (next != want)
                        fail_msg("%s: %s", rows[i].what, text);
        }
}

static void the_past_begins_in_1970(void **state) {
        struct hv_cron c = schedule_of("0 0 1 1 *");

        (void) state;
        assert_int_equal(hv_cron_previous(&c, NULL, 5), HV_TIME_NEVER);
        assert_int_equal(hv_cron_previous(&c, NULL, 400 * HV_USEC_PER_DAY), 365 * HV_USEC_PER_DAY);
        assert_int_equal(hv_cron_next(&c, NULL, 0), 365 * HV_USEC_PER_DAY);
        assert_int_equal(hv_cron_next(&c, NULL, HV_TIME_NEVER), HV_TIME_NEVER);
        assert_true(hv_cron_previous(&c, NULL, HV_TIME_NEVER) < HV_ZONE_MAX_US);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(schedules_come_as_another_reckoning_says),
                cmocka_unit_test(by_hand),
                cmocka_unit_test(the_past_begins_in_1970),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec: when a window of the day is open, and when it opens next, by the clock on the wall. */
#include "testing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/rfc3339.h"
#include "base/zone.h"
#include "spec/window_next.h"

static struct hv_zone *zone_of(const char *path) {
        _hv_cleanup_(hv_buf_done) struct hv_buf data = {};
        FILE *f = fopen(path, "re");
        struct hv_zone *z = NULL;
        char block[4096];
        size_t n;

        assert_non_null(f);
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(&data, block, n);
        (void) fclose(f);
        assert_int_equal(hv_zone_parse(data.data, data.len, &z, NULL), 0);
        return z;
}

static const struct {
        const char *window, *now;
        bool is_open;
        const char *next;
} rows[] = {
        { "01:00-05:00", "2026-01-10T00:59:59Z", false, "2026-01-10T01:00:00Z" },
        { "01:00-05:00", "2026-01-10T01:00:00Z", true, "2026-01-11T01:00:00Z" },
        { "01:00-05:00", "2026-01-10T04:59:59Z", true, "2026-01-11T01:00:00Z" },
        { "01:00-05:00", "2026-01-10T05:00:00Z", false, "2026-01-11T01:00:00Z" },
        { "22:00-06:00", "2026-12-31T21:59:00Z", false, "2026-12-31T22:00:00Z" },
        { "22:00-06:00", "2026-12-31T23:30:00Z", true, "2027-01-01T22:00:00Z" },
        { "22:00-06:00", "2027-01-01T05:59:00Z", true, "2027-01-01T22:00:00Z" },
        { "22:00-06:00", "2027-01-01T06:00:00Z", false, "2027-01-01T22:00:00Z" },
        { "00:00-24:00", "2026-01-10T13:00:00Z", true, "2026-01-11T00:00:00Z" },
        { "18:00-24:00", "2026-01-10T23:59:00Z", true, "2026-01-11T18:00:00Z" },
        { "18:00-24:00", "2026-01-11T00:00:00Z", false, "2026-01-11T18:00:00Z" },
        { "01:00-05:00 Europe/Berlin", "2026-01-10T00:00:00Z", true, "2026-01-11T00:00:00Z" },
        { "01:00-05:00 Europe/Berlin", "2026-07-10T00:00:00Z", true, "2026-07-10T23:00:00Z" },
        { "01:00-05:00 Europe/Berlin", "2026-07-10T03:00:00Z", false, "2026-07-10T23:00:00Z" },
        /* 02:30 is skipped on 2026-03-29: the gap ends at 03:00, which is 01:00 UTC. */
        { "02:30-03:30 Europe/Berlin", "2026-03-29T00:59:59Z", false, "2026-03-29T01:00:00Z" },
        { "02:30-03:30 Europe/Berlin", "2026-03-29T01:00:00Z", true, "2026-03-30T00:30:00Z" },
        /* 02:30 comes twice on 2026-10-25. */
        { "02:30-02:45 Europe/Berlin", "2026-10-25T00:50:00Z", false, "2026-10-25T01:30:00Z" },
};

static void windows_follow_the_clock_on_the_wall(void **state) {
        struct hv_zone *berlin = zone_of("/usr/share/zoneinfo/Europe/Berlin");

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                uint64_t now_us = 0, next_us = 0;
                struct hv_fault fault;
                struct hv_window w;

                assert_int_equal(hv_value_window(rows[i].window, arena, &w, &fault), 0);
                assert_true(hv_rfc3339_parse(rows[i].now, &now_us));
                assert_true(hv_rfc3339_parse(rows[i].next, &next_us));
                if (hv_window_is_open(&w, w.zone ? berlin : NULL, now_us) != rows[i].is_open ||
                    hv_window_next(&w, w.zone ? berlin : NULL, now_us) != next_us)
                        fail_msg("%s at %s: row %zu", rows[i].window, rows[i].now, i);
        }
        hv_zone_free(berlin);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(windows_follow_the_clock_on_the_wall),
        };

        return cmocka_run_group_tests_name("window_next", tests, NULL, NULL);
}

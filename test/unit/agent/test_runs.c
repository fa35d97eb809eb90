/* Where in a container's log its runs begin and end. */
#include "testing.h"

#include "agent/runs.h"
#include "base/macros.h"
#include "base/time.h"

#define S HV_USEC_PER_SEC

/* What the engine shows of a container, and the part of its log that the last run which is over wrote. */
static void the_last_run_that_is_over(void **state) {
        static const struct {
                const char *what;
                uint64_t begun_s[4]; /* as noted; 0: no more */
                bool is_running;
                uint64_t started_us, finished_us;
                bool is_there;
                struct hv_run_span span;
        } rows[] = {
                { "made only", { 0 }, false, 0, 0, false, {} },
                { "runs for the first time", { 10 }, true, 10 * S + 1, 0, false, {} },
                { "the second run", { 10, 20 }, true, 20 * S + 1, 15 * S, true, { 10 * S, 20 * S } },
                { "the third", { 10, 20, 30 }, true, 30 * S + 1, 25 * S, true, { 20 * S, 30 * S } },
                { "a start that failed between",
                  { 10, 20, 22 },
                  true,
                  22 * S + 1,
                  15 * S,
                  true,
                  { 10 * S, 20 * S } },
                { "one that failed before",
                  { 8, 10, 20 },
                  true,
                  20 * S + 1,
                  15 * S,
                  true,
                  { 10 * S, 20 * S } },
                { "over now", { 10, 20 }, false, 20 * S + 1, 25 * S, true, { 20 * S, 0 } },
                { "over, and not started again yet",
                  { 10, 20, 27 },
                  false,
                  20 * S + 1,
                  25 * S,
                  true,
                  { 20 * S, 0 } },
                { "nothing is noted", { 0 }, true, 20 * S, 16 * S, true, { 0, 18 * S } },
                { "nothing, and it is over", { 0 }, false, 20 * S, 25 * S, true, { 19 * S, 0 } },
                { "only this start", { 20 }, true, 20 * S + 1, 15 * S, true, { 0, 20 * S } },
                { "somebody else's run is over", { 10 }, false, 20 * S, 25 * S, true, { 19 * S, 0 } },
                { "a clock that was put back", { 0 }, true, 10 * S, 15 * S, true, { 0, 15 * S } },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_runs_done) struct hv_runs r = {};
                struct hv_run_span span = {};

                hv_runs_begin(&r, "other", 17 * S);
                for (size_t k = 0; k < HV_ARRAY_SIZE(rows[i].begun_s) && rows[i].begun_s[k]; k++)
                        hv_runs_begin(&r, "this", rows[i].begun_s[k] * S);
                if (hv_runs_last_over(&r, "this", rows[i].is_running, rows[i].started_us, rows[i].finished_us,
                                      &span) != rows[i].is_there ||
                    span.since_us != rows[i].span.since_us || span.until_us != rows[i].span.until_us)
                        fail_msg("%s: %llu to %llu", rows[i].what, (unsigned long long) span.since_us,
                                 (unsigned long long) span.until_us);
        }
}

/* Of one container the newest, of many those that were started last. */
static void notes_are_bounded(void **state) {
        _hv_cleanup_(hv_runs_done) struct hv_runs r = {};
        struct hv_run_span span;
        char name[16];

        (void) state;
        for (unsigned i = 1; i <= 100; i++)
                hv_runs_begin(&r, "busy", i * S);
        assert_true(hv_runs_last_over(&r, "busy", true, 100 * S, 99 * S + 1, &span));
        assert_true(span.since_us == 99 * S && span.until_us == 100 * S);
        hv_runs_begin(&r, "old", S);
        for (unsigned i = 0; i < 10000; i++) {
                (void) snprintf(name, sizeof name, "c%u", i);
                hv_runs_begin(&r, name, (200 + i) * S);
        }
        assert_int_equal(r.n, 4096);
        assert_true(hv_runs_last_over(&r, "c9999", false, 10199 * S, 10200 * S, &span));
        assert_true(span.since_us == 10199 * S);
        assert_true(hv_runs_last_over(&r, "old", true, 3 * S, 2 * S, &span));
        assert_true(span.since_us == 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_run_that_is_over),
                cmocka_unit_test(notes_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

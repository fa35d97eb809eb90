/* retry: the schedules of docs/architecture.md, in numbers. */
#include "testing.h"

#include "retry/backoff.h"

#define S HV_USEC_PER_SEC

static const struct hv_backoff_spec spec = {
        .initial_us = 1 * S,
        .factor_milli = 2000,
        .max_us = 120 * S,
        .reset_after_us = 600 * S,
};

static void delays_grow_to_the_maximum(void **state) {
        static const uint64_t seconds[] = { 0, 1, 2, 4, 8, 16, 32, 64, 120, 120 };
        struct hv_backoff_spec flat = spec, none = {}, wild = spec;

        (void) state;
        for (unsigned n = 0; n < HV_ARRAY_SIZE(seconds); n++)
                assert_int_equal(hv_backoff_delay(&spec, n), seconds[n] * S);
        assert_int_equal(hv_backoff_delay(&spec, 4000000000u), 120 * S);
        flat.factor_milli = 1000;
        assert_int_equal(hv_backoff_delay(&flat, 4000000000u), S);
        assert_int_equal(hv_backoff_delay(&none, 5), 0);
        wild.max_us = UINT64_MAX;
        wild.factor_milli = UINT32_MAX;
        assert_int_equal(hv_backoff_delay(&wild, 100), UINT64_MAX);
}

static void the_first_restart_comes_at_once(void **state) {
        struct hv_backoff b = {};
        uint64_t deadline = HV_TIME_NEVER;

        (void) state;
        hv_backoff_exited(&b, &spec, 100 * S, 5 * S, false);
        assert_true(hv_backoff_is_over(&b, 100 * S, &deadline));
        assert_int_equal(deadline, HV_TIME_NEVER);
        hv_backoff_exited(&b, &spec, 101 * S, 1 * S, false);
        assert_false(hv_backoff_is_over(&b, 101 * S, &deadline));
        assert_int_equal(deadline, 102 * S);
        hv_backoff_exited(&b, &spec, 103 * S, 1 * S, false);
        assert_int_equal(b.not_before_us, 105 * S);
}

static void a_long_run_starts_the_count_anew(void **state) {
        struct hv_backoff b = { .n = 9 };

        (void) state;
        hv_backoff_exited(&b, &spec, 1000 * S, 600 * S - 1, false);
        assert_int_equal(b.not_before_us, 1120 * S);
        hv_backoff_exited(&b, &spec, 2000 * S, 600 * S, false);
        assert_int_equal(b.not_before_us, 2000 * S);
        assert_int_equal(b.n, 1);
}

static void a_clean_end_never_waits_longer_than_initial(void **state) {
        struct hv_backoff b = { .n = 9 };

        (void) state;
        hv_backoff_exited(&b, &spec, 1000 * S, 0, true);
        assert_int_equal(b.not_before_us, 1001 * S);
}

static void a_failed_attempt_waits_from_the_first_on(void **state) {
        struct hv_backoff b = {};
        uint64_t deadline = 7 * S;

        (void) state;
        hv_backoff_failed(&b, &spec, 10 * S);
        assert_int_equal(b.not_before_us, 11 * S);
        hv_backoff_failed(&b, &spec, 11 * S);
        assert_int_equal(b.not_before_us, 13 * S);
        assert_false(hv_backoff_is_over(&b, 12 * S, &deadline));
        assert_int_equal(deadline, 7 * S); /* only ever lowered */
        hv_backoff_reset(&b);
        assert_true(hv_backoff_is_over(&b, 12 * S, &deadline));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(delays_grow_to_the_maximum),
                cmocka_unit_test(the_first_restart_comes_at_once),
                cmocka_unit_test(a_long_run_starts_the_count_anew),
                cmocka_unit_test(a_clean_end_never_waits_longer_than_initial),
                cmocka_unit_test(a_failed_attempt_waits_from_the_first_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

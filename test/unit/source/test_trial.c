/* trial: when a revision on trial is over, who may still say yes, and what is read back of it. Pure. */
#include <errno.h>
#include <stdlib.h>

#include "testing.h"

#include "base/alloc.h"
#include "source/trial.h"

#define MIN HV_USEC_PER_MIN
#define BOOT "11111111-2222-3333-4444-555555555555"
#define BASE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEW "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NEWER "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct hv_trial_now at(const char *boot_id, uint64_t boot_us) {
        struct hv_trial_now n = { .boot_us = boot_us, .wall_us = 1000 * MIN };

        (void) snprintf(n.boot_id, sizeof n.boot_id, "%s", boot_id);
        return n;
}

static int begin(struct hv_trial *t, const char *base, const char *tried, uint64_t now_us, uint64_t window_us,
                 struct hv_err *err) {
        const struct hv_trial_wish wish = { .base = base,
                                            .tried = tried,
                                            .by = "unix:uid=0",
                                            .window_us = window_us,
                                            .now = at(BOOT, now_us) };

        return hv_trial_begin(t, &wish, err);
}

static void it_is_over_at_its_deadline_and_not_before(void **state) {
        static const struct {
                const char *what, *boot_id;
                uint64_t boot_us;
                enum hv_trial_cause cause;
        } rows[] = {
                { "at once", BOOT, 5 * MIN, HV_TRIAL_NOT_DUE },
                { "just before", BOOT, 15 * MIN - 1, HV_TRIAL_NOT_DUE },
                { "to the instant", BOOT, 15 * MIN, HV_TRIAL_DEADLINE },
                { "after a long sleep", BOOT, 90 * MIN, HV_TRIAL_DEADLINE },
                { "another boot, its clock earlier", "other", 1 * MIN, HV_TRIAL_REBOOT },
                { "another boot, its clock later", "other", 90 * MIN, HV_TRIAL_REBOOT },
                { "a boot that is not known", "", 6 * MIN, HV_TRIAL_REBOOT },
        };
        struct hv_trial t = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 5 * MIN, 10 * MIN, NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_trial_now now = at(rows[i].boot_id, rows[i].boot_us);

                if (hv_trial_due(&t, &now) != rows[i].cause)
                        fail_msg("%s: %s", rows[i].what, hv_trial_cause_text(hv_trial_due(&t, &now)));
        }
}

static void a_wall_clock_that_is_set_moves_no_deadline(void **state) {
        struct hv_trial_now now = at(BOOT, 10 * MIN);
        struct hv_trial t = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 5 * MIN, 10 * MIN, NULL), 0);
        now.wall_us += 10 * HV_USEC_PER_DAY;
        assert_int_equal(hv_trial_due(&t, &now), HV_TRIAL_NOT_DUE);
        now.boot_us = 15 * MIN;
        now.wall_us = 0;
        assert_int_equal(hv_trial_due(&t, &now), HV_TRIAL_DEADLINE);
}

static void the_window_has_limits(void **state) {
        struct hv_trial t = {};
        struct hv_err err = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 0, HV_TRIAL_MIN_US - 1, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "at least 10s"));
        assert_int_equal(begin(&t, BASE, NEW, 0, HV_TRIAL_MAX_US + 1, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "above the limit of 1d"));
        assert_int_equal(t.phase, HV_TRIAL_NONE);
        assert_int_equal(begin(&t, BASE, NEW, 0, HV_TRIAL_MIN_US, &err), 0);
        assert_int_equal(begin(&t, BASE, NEW, 0, HV_TRIAL_MAX_US, &err), 0);
}

static void a_second_one_has_a_new_deadline_and_the_first_base(void **state) {
        struct hv_trial_now now = at(BOOT, 15 * MIN);
        struct hv_trial t = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 5 * MIN, 10 * MIN, NULL), 0);
        assert_int_equal(begin(&t, NEW, NEWER, 12 * MIN, 10 * MIN, NULL), 0);
        assert_string_equal(t.base, BASE);
        assert_string_equal(t.tried, NEWER);
        assert_int_equal(hv_trial_due(&t, &now), HV_TRIAL_NOT_DUE);
        now.boot_us = 22 * MIN;
        assert_int_equal(hv_trial_due(&t, &now), HV_TRIAL_DEADLINE);
}

static void a_yes_in_time_ends_it_and_a_late_one_says_so(void **state) {
        struct hv_trial_now now = at(BOOT, 60 * MIN);
        struct hv_trial t = {};
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_trial_confirm(&t, &err), -ENOENT);
        assert_int_equal(begin(&t, BASE, NEW, 0, 10 * MIN, &err), 0);
        assert_int_equal(hv_trial_confirm(&t, &err), 0);
        assert_int_equal(t.phase, HV_TRIAL_NONE);
        assert_int_equal(hv_trial_due(&t, &now), HV_TRIAL_NOT_DUE);

        assert_int_equal(begin(&t, BASE, NEW, 0, 10 * MIN, &err), 0);
        assert_int_equal(hv_trial_revert(&t, HV_TRIAL_DEADLINE, NEWER, 1000 * MIN, &err), 0);
        assert_int_equal(hv_trial_confirm(&t, &err), -EBUSY);
        assert_non_null(
                strstr(err.msg, "too late: revision bbbbbbbb was taken back at 1970-01-01T16:40:00Z"));
        assert_int_equal(hv_trial_revert(&t, HV_TRIAL_ASKED, NEWER, 0, &err), -EBUSY);
        assert_int_equal(begin(&t, BASE, NEW, 0, 10 * MIN, &err), -EAGAIN);
        hv_trial_reverted(&t, true);
        assert_string_equal(t.held, NEWER);
        assert_int_equal(hv_trial_confirm(&t, &err), -EBUSY);
        assert_int_equal(begin(&t, BASE, NEW, 0, 10 * MIN, &err), 0);
        assert_string_equal(t.held, "");
}

static void it_is_read_as_it_was_written(void **state) {
        struct hv_trial t = {}, read = {};
        struct hv_buf text = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 5 * MIN, 10 * MIN, NULL), 0);
        for (int step = 0; step < 3; step++) {
                read = (struct hv_trial){};
                hv_trial_write(&t, &text);
                assert_true(hv_trial_read(text.data, &read));
                assert_memory_equal(&read, &t, sizeof t);
                hv_buf_done(&text);
                if (step == 0)
                        assert_int_equal(hv_trial_revert(&t, HV_TRIAL_REBOOT, NEWER, 7, NULL), 0);
                else
                        hv_trial_reverted(&t, false);
        }
}

static void what_is_no_trial_is_not_read(void **state) {
        struct hv_trial t = {}, read = {};
        struct hv_buf text = {};

        (void) state;
        assert_int_equal(begin(&t, BASE, NEW, 5 * MIN, 10 * MIN, NULL), 0);
        hv_trial_write(&t, &text);
        for (size_t len = 0; len + sizeof "by unix:uid=0" < text.len; len++) {
                char *cut = hv_strndup(text.data, len);

                if (hv_trial_read(cut, &read))
                        fail_msg("read after a cut at %zu", len);
                free(cut);
        }
        hv_buf_done(&text);
        assert_int_equal(read.phase, HV_TRIAL_NONE);
}

static void going_back_needs_no_trial_and_ends_none(void **state) {
        const struct hv_trial_wish wish = {
                .base = BASE, .tried = NEW, .by = "unix:uid=0", .now = at(BOOT, 1)
        };
        struct hv_trial t = {}, read;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_trial_roll_back(&t, &wish, NEWER, NULL), 0);
        assert_int_equal(t.phase, HV_TRIAL_REVERTING);
        hv_trial_write(&t, &text);
        assert_true(hv_trial_read(text.data, &read));
        assert_int_equal(read.cause, HV_TRIAL_ROLLED_BACK);
        assert_string_equal(read.base, BASE);
        assert_string_equal(read.tried, NEW);
        assert_string_equal(read.held, NEWER);
        assert_int_equal(hv_trial_roll_back(&t, &wish, NEWER, &err), -EAGAIN);
        hv_trial_reverted(&t, true);
        assert_int_equal(hv_trial_roll_back(&t, &wish, NEW, NULL), 0); /* and once more, from there */
        assert_string_equal(t.held, NEW);

        t = (struct hv_trial){};
        assert_int_equal(begin(&t, BASE, NEW, 1, 10 * MIN, NULL), 0);
        assert_int_equal(hv_trial_roll_back(&t, &wish, NEWER, &err), -EBUSY);
        assert_non_null(strstr(err.msg, "hivectl confirm"));
        assert_int_equal(t.phase, HV_TRIAL_PENDING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_over_at_its_deadline_and_not_before),
                cmocka_unit_test(a_wall_clock_that_is_set_moves_no_deadline),
                cmocka_unit_test(the_window_has_limits),
                cmocka_unit_test(a_second_one_has_a_new_deadline_and_the_first_base),
                cmocka_unit_test(a_yes_in_time_ends_it_and_a_late_one_says_so),
                cmocka_unit_test(it_is_read_as_it_was_written),
                cmocka_unit_test(what_is_no_trial_is_not_read),
                cmocka_unit_test(going_back_needs_no_trial_and_ends_none),
        };

        return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}

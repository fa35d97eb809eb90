/* How full a disk is, against what the kernel says. */
#include "testing.h"

#include <sys/statvfs.h>

#include "host/disk_space.h"

static void it_agrees_with_the_kernel(void **state) {
        struct hv_disk_space s, missing;
        struct statvfs fs;

        (void) state;
        assert_int_equal(hv_disk_space_read("/proc", &s, NULL), 0);
        assert_int_equal(s.total_bytes, 0);
        assert_int_equal(statvfs("/", &fs), 0);
        assert_int_equal(hv_disk_space_read("/", &s, NULL), 0);
        assert_int_equal(s.total_bytes, (fs.f_blocks - fs.f_bfree + fs.f_bavail) * fs.f_frsize);
        assert_int_equal(hv_disk_space_read("/hivelet-is-not-here/nor-this", &missing, NULL), 0);
        assert_int_equal(missing.file_system, s.file_system);
        assert_int_equal(missing.total_bytes, s.total_bytes);
}

static void a_path_that_cannot_be_asked_is_an_error(void **state) {
        struct hv_disk_space s = { .total_bytes = 7 };
        struct hv_err err = {};

        (void) state;
        assert_true(hv_disk_space_read("/etc/passwd/x", &s, &err) < 0);
        assert_non_null(strstr(err.msg, "/etc/passwd/x"));
        assert_int_equal(s.total_bytes, 7);
}

static void shares_are_rounded_up(void **state) {
        static const struct {
                uint64_t total, free;
                unsigned percent;
        } rows[] = { { 0, 0, 0 },     { 100, 100, 0 },   { 100, 0, 100 },
                     { 100, 15, 85 }, { 1000, 149, 86 }, { 1000, 999, 1 } };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                assert_int_equal(
                        hv_disk_space_used_percent(&(struct hv_disk_space){ rows[i].total, rows[i].free, 0 }),
                        rows[i].percent);
        /* More than anybody has, without running over. */
        assert_int_equal(hv_disk_space_used_percent(&(struct hv_disk_space){ UINT64_MAX, UINT64_MAX / 2, 0 }),
                         51);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_agrees_with_the_kernel),
                cmocka_unit_test(a_path_that_cannot_be_asked_is_an_error),
                cmocka_unit_test(shares_are_rounded_up),
        };

        return cmocka_run_group_tests_name("disk_space", tests, NULL, NULL);
}

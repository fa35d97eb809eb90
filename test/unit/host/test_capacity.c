/* What the machine has, against what the kernel's own files say. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "testing.h"

#include "host/capacity.h"

static void it_agrees_with_the_kernel(void **state) {
        struct hv_capacity c;
        unsigned long kib = 0;
        struct statvfs fs;
        char line[200];
        FILE *f;

        (void) state;
        assert_int_equal(hv_capacity_read("/var/lib", &c, NULL), 0);
        f = fopen("/proc/meminfo", "re");
        assert_non_null(f);
        while (fgets(line, sizeof line, f) && sscanf(line, "MemTotal: %lu kB", &kib) != 1)
                ;
        (void) fclose(f);
        assert_int_equal(c.memory_bytes, (uint64_t) kib * 1024);
        assert_int_equal(statvfs("/var/lib", &fs), 0);
        assert_int_equal(c.disk_bytes, (uint64_t) fs.f_blocks * fs.f_frsize);
}

static void only_the_processors_that_may_be_used_count(void **state) {
        struct hv_capacity c;
        cpu_set_t all, one;

        (void) state;
        assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
        assert_int_equal(hv_capacity_read("/", &c, NULL), 0);
        assert_int_equal(c.nano_cpus, CPU_COUNT(&all) * UINT64_C(1000000000));
        CPU_ZERO(&one);
        for (size_t i = 0; i < CPU_SETSIZE; i++)
                if (CPU_ISSET(i, &all)) {
                        CPU_SET(i, &one);
                        break;
                }
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        assert_int_equal(hv_capacity_read("/", &c, NULL), 0);
        assert_int_equal(c.nano_cpus, UINT64_C(1000000000));
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

static void a_directory_that_is_yet_to_be_made_has_a_disk(void **state) {
        struct hv_capacity made, not_yet;

        (void) state;
        assert_int_equal(hv_capacity_read("/var/lib", &made, NULL), 0);
        assert_int_equal(hv_capacity_read("/var/lib/hivelet-is-not-here/tasks/and/below", &not_yet, NULL), 0);
        assert_int_equal(made.disk_bytes, not_yet.disk_bytes);
        assert_int_equal(hv_capacity_read("/hivelet-is-not-here", &not_yet, NULL), 0);
}

static void a_path_that_cannot_be_asked_is_an_error(void **state) {
        struct hv_err err = {};
        struct hv_capacity c;

        (void) state;
        assert_int_equal(hv_capacity_read("/dev/null/x", &c, &err), -ENOTDIR);
        assert_non_null(strstr(err.msg, "/dev/null/x"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_agrees_with_the_kernel),
                cmocka_unit_test(only_the_processors_that_may_be_used_count),
                cmocka_unit_test(a_directory_that_is_yet_to_be_made_has_a_disk),
                cmocka_unit_test(a_path_that_cannot_be_asked_is_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

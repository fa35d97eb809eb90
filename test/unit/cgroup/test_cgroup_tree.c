/* The tree of cgroups: on made folders of version 1, of version 2 and of both, as their kernels show them. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../source/scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "cgroup/tree.h"

#define PLACE "/a.slice/a-b.slice"

/* One mount a line, as in proc_pid_mountinfo(5); "%s" is the scratch directory. */
#define CPUACCT "33 31 0:30 / %s/cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define MEMORY "35 31 0:32 / %s/memory rw,relatime - cgroup cgroup rw,memory\n"
#define NAMED "40 31 0:37 / %s/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
#define UNIFIED "41 31 0:38 / %s/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define PART "35 31 0:32 /docker/4f3a %s/memory rw,relatime - cgroup cgroup rw,memory\n"
#define OTHER                                    \
        "23 1 0:21 / %s rw - ext4 /dev/vda rw\n" \
        "a line that is none\n"

static struct hv_cgroup_tree *mounted(const struct scratch *s, const char *const *lines, size_t n) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_cgroup_tree *t = NULL;
        struct hv_err err = {};

        for (size_t i = 0; i < n; i++) {
                const char *mark = strstr(lines[i], "%s");

                hv_buf_add(&text, lines[i], (size_t) (mark - lines[i]));
                hv_buf_puts(&text, s->path);
                hv_buf_puts(&text, mark + 2);
        }
        scratch_write(s, "mountinfo", hv_buf_str(&text));
        if (hv_cgroup_tree_new(scratch_path(s, "mountinfo"), &t, &err) < 0)
                fail_msg("%s", err.msg);
        return t;
}
#define MOUNTED(s, ...)                                  \
        mounted(s, (const char *const[]){ __VA_ARGS__ }, \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void make(const struct scratch *s, const char *hierarchy) {
        static const char *const steps[] = { "", "/a.slice", PLACE };

        for (size_t i = 0; i < HV_ARRAY_SIZE(steps); i++) {
                _hv_cleanup_free_ char *name = hv_asprintf("%s%s", hierarchy, steps[i]);

                scratch_mkdir(s, name);
        }
}

static void put(const struct scratch *s, const char *hierarchy, const char *file, const char *text) {
        _hv_cleanup_free_ char *name = hv_asprintf("%s" PLACE "/%s", hierarchy, file);

        scratch_write(s, name, text);
}

static void version_1_is_read(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t =
                MOUNTED(s, OTHER, NAMED, CPUACCT, MEMORY);
        uint64_t cpu_us, peak;
        struct hv_err err = {};

        make(s, "cpuacct");
        make(s, "memory");
        put(s, "cpuacct", "cpuacct.usage", "612623690\n");
        put(s, "memory", "memory.max_usage_in_bytes", "54550528\n");
        put(s, "memory", "memory.use_hierarchy", "1\n");
        assert_int_equal(hv_cgroup_cpu(t, PLACE, &cpu_us, &err), 0);
        assert_int_equal(cpu_us, 612623);
        assert_int_equal(hv_cgroup_memory_peak(t, PLACE, &peak, &err), 0);
        assert_int_equal(peak, 54550528);

        /* An old kernel that was not asked to charge a parent with what is below it. */
        put(s, "memory", "memory.use_hierarchy", "0\n");
        assert_int_equal(hv_cgroup_memory_peak(t, PLACE, &peak, &err), -EOPNOTSUPP);
        assert_non_null(strstr(err.msg, "use_hierarchy"));
}

static void version_2_is_read(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = MOUNTED(s, UNIFIED);
        struct hv_err err = {};
        uint64_t cpu_us, peak;

        make(s, "unified");
        put(s, "unified", "cpu.stat",
            "nr_periods 0\nusage_usec 1034567\nuser_usec 900000\nsystem_usec 134567\n");
        put(s, "unified", "memory.peak", "52428800\n");
        assert_int_equal(hv_cgroup_cpu(t, PLACE, &cpu_us, &err), 0);
        assert_int_equal(cpu_us, 1034567);
        assert_int_equal(hv_cgroup_memory_peak(t, PLACE, &peak, &err), 0);
        assert_int_equal(peak, 52428800);
}

/* Linux before 5.19: one figure is not known, the other one is. */
static void a_kernel_without_a_peak_says_so(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = MOUNTED(s, UNIFIED);
        uint64_t cpu_us, peak = 7;
        struct hv_err err = {};

        make(s, "unified");
        put(s, "unified", "cpu.stat", "usage_usec 5\n");
        assert_int_equal(hv_cgroup_cpu(t, PLACE, &cpu_us, NULL), 0);
        assert_int_equal(hv_cgroup_memory_peak(t, PLACE, &peak, &err), -EOPNOTSUPP);
        assert_non_null(strstr(err.msg, "memory.peak"));
        assert_int_equal(peak, 7);
        put(s, "unified", "cpu.stat", "user_usec 5\n");
        assert_int_equal(hv_cgroup_cpu(t, PLACE, &cpu_us, &err), -EOPNOTSUPP);
}

/* A controller is in one of the two: what version 1 has is read there. */
static void where_both_are_mixed_each_figure_has_its_place(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = MOUNTED(s, UNIFIED, CPUACCT);
        uint64_t cpu_us, peak;

        make(s, "unified");
        make(s, "cpuacct");
        put(s, "unified", "cpu.stat", "usage_usec 1\n");
        put(s, "cpuacct", "cpuacct.usage", "2000\n");
        put(s, "unified", "memory.peak", "3\n");
        assert_int_equal(hv_cgroup_cpu(t, PLACE, &cpu_us, NULL), 0);
        assert_int_equal(cpu_us, 2);
        assert_int_equal(hv_cgroup_memory_peak(t, PLACE, &peak, NULL), 0);
        assert_int_equal(peak, 3);
}

static void what_is_not_there_is_told_apart(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *v2 = MOUNTED(s, UNIFIED),
                                                                 *none = MOUNTED(s, OTHER),
                                                                 *part = MOUNTED(s, PART),
                                                                 *v1 = MOUNTED(s, MEMORY);
        struct hv_err err = {};
        uint64_t n = 7;

        make(s, "unified");
        make(s, "memory");
        assert_int_equal(hv_cgroup_cpu(v2, "/gone.slice", &n, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "/unified/gone.slice/cpu.stat"));
        assert_int_equal(hv_cgroup_cpu(none, PLACE, &n, &err), -ENODEV);
        assert_non_null(strstr(err.msg, "mountinfo"));
        put(s, "memory", "memory.max_usage_in_bytes", "1\n");
        assert_int_equal(hv_cgroup_memory_peak(part, PLACE, &n, &err), -ENODEV);
        put(s, "memory", "memory.max_usage_in_bytes", "max\n");
        assert_int_equal(hv_cgroup_memory_peak(v1, PLACE, &n, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "\"max\""));
        assert_int_equal(n, 7);
        assert_int_equal(hv_cgroup_tree_new("/nowhere/mountinfo", &none, &err), -ENOENT);
}

static bool is_there(const struct scratch *s, const char *name) {
        return access(scratch_path(s, name), F_OK) == 0;
}

/* A folder that holds something is what the kernel does not let go: here a child stands for whatever it may be. */
static void a_folder_goes_where_it_is_empty(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = MOUNTED(s, CPUACCT, MEMORY, UNIFIED);
        struct hv_err err = {};

        make(s, "cpuacct");
        make(s, "memory");
        scratch_mkdir(s, "memory" PLACE "/docker-1.scope");
        assert_true(hv_cgroup_is_there(t, PLACE));
        assert_true(hv_cgroup_remove(t, PLACE, &err) < 0);
        assert_non_null(strstr(err.msg, "/memory" PLACE));
        assert_false(is_there(s, "cpuacct" PLACE));
        assert_true(is_there(s, "memory" PLACE "/docker-1.scope"));
        assert_int_equal(rmdir(scratch_path(s, "memory" PLACE "/docker-1.scope")), 0);
        assert_int_equal(hv_cgroup_remove(t, PLACE, &err), 0);
        assert_false(is_there(s, "memory" PLACE));
        assert_false(hv_cgroup_is_there(t, PLACE));
        assert_true(hv_cgroup_is_there(t, "/a.slice"));
        assert_true(is_there(s, "memory/a.slice"));
        assert_int_equal(hv_cgroup_remove(t, PLACE, &err), 0); /* there is none any more */
}

static void note(const char *name, void *userdata) {
        hv_buf_printf(userdata, "%s;", name);
}

static void children_are_folders(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = MOUNTED(s, CPUACCT, MEMORY);
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};

        make(s, "cpuacct");
        make(s, "memory");
        put(s, "memory", "tasks", "");
        hv_cgroup_children(t, "/a.slice", note, &seen);
        assert_string_equal(hv_buf_str(&seen), "a-b.slice;a-b.slice;");
        hv_buf_clear(&seen);
        hv_cgroup_children(t, PLACE, note, &seen);
        hv_cgroup_children(t, "/nowhere", note, &seen);
        assert_string_equal(hv_buf_str(&seen), "");
}

/* The hierarchies of the machine that this runs on: nobody has such a cgroup. */
static void the_machines_own_mounts_are_read(void **state) {
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = NULL;
        uint64_t n;
        int r;

        (void) state;
        assert_int_equal(hv_cgroup_tree_new(NULL, &t, NULL), 0);
        r = hv_cgroup_cpu(t, "/hivelet-is-not-here.slice", &n, NULL);
        assert_true(r == -ENOENT || r == -ENODEV);
        assert_int_equal(hv_cgroup_remove(t, "/hivelet-is-not-here.slice", NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(version_1_is_read),
                TEST(version_2_is_read),
                TEST(a_kernel_without_a_peak_says_so),
                TEST(where_both_are_mixed_each_figure_has_its_place),
                TEST(what_is_not_there_is_told_apart),
                TEST(a_folder_goes_where_it_is_empty),
                TEST(children_are_folders),
                TEST(the_machines_own_mounts_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

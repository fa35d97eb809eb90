/* Caps: what is written, on folders made like those of version 1 and of version 2; and on this machine's own kernel. */
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../source/scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "cgroup/caps.h"

#define V1_CPU "33 31 0:30 / %s/cpu rw,relatime - cgroup cgroup rw,cpu\n"
#define V1_MEMORY "35 31 0:32 / %s/memory rw,relatime - cgroup cgroup rw,memory\n"
#define V1_PIDS "36 31 0:33 / %s/pids rw,relatime - cgroup cgroup rw,pids\n"
#define V2 "41 31 0:38 / %s/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define SLICE "/a.slice/a-b.slice"
#define MIB (UINT64_C(1) << 20)

static const struct hv_cgroup_caps some = { 1500000000, 512 * MIB, 480 * MIB, 100 }, none;

static struct hv_cgroup_tree *mounted(const struct scratch *s, const char *lines) {
        struct hv_cgroup_tree *t = NULL;
        struct hv_err err = {};
        struct hv_buf text = {};

        for (const char *mark; (mark = strstr(lines, "%s")); lines = mark + 2) {
                hv_buf_add(&text, lines, (size_t) (mark - lines));
                hv_buf_puts(&text, s->path);
        }
        hv_buf_puts(&text, lines);
        scratch_write(s, "mountinfo", hv_buf_str(&text));
        hv_buf_done(&text);
        if (hv_cgroup_tree_new(scratch_path(s, "mountinfo"), &t, &err) < 0)
                fail_msg("%s", err.msg);
        return t;
}

static void put(const struct scratch *s, const char *hierarchy, const char *file, const char *text) {
        _hv_cleanup_free_ char *name = hv_asprintf("%s" SLICE "/%s", hierarchy, file);

        scratch_write(s, name, text);
}

static void make(const struct scratch *s, const char *hierarchy) {
        static const char *const steps[] = { "", "/a.slice", SLICE };

        for (size_t i = 0; i < HV_ARRAY_SIZE(steps); i++) {
                _hv_cleanup_free_ char *name = hv_asprintf("%s%s", hierarchy, steps[i]);

                scratch_mkdir(s, name);
        }
}

static void holds(const struct scratch *s, const char *hierarchy, const char *file, const char *text) {
        _hv_cleanup_free_ char *name = hv_asprintf("%s" SLICE "/%s", hierarchy, file);
        char found[128] = "";
        FILE *f = fopen(scratch_path(s, name), "re");

        if (!f || !fgets(found, sizeof found, f))
                fail_msg("%s cannot be read", name);
        if (f)
                (void) fclose(f);
        /* A file of a disk keeps what is behind what was written; one of the kernel does not. */
        if (strncmp(found, text, strlen(text)) != 0)
                fail_msg("%s holds \"%s\", not \"%s\"", name, found, text);
}

static void version_2(const struct scratch *s, const char *current) {
        make(s, "unified");
        scratch_write(s, "unified/cgroup.subtree_control", "");
        scratch_write(s, "unified/a.slice/cgroup.subtree_control", "");
        put(s, "unified", "cpu.max", "max 100000\n");
        put(s, "unified", "memory.max", "max\n");
        put(s, "unified", "memory.high", "max\n");
        put(s, "unified", "memory.current", current);
        put(s, "unified", "pids.max", "max\n");
}

static void version_2_is_capped(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, V2);
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};

        version_2(s, "1000\n");
        assert_int_equal(hv_cgroup_caps_read(t, SLICE, &is, &err), 0);
        assert_memory_equal(&is.caps, &none, sizeof none);
        assert_true(is.has_memory_high);
        assert_false(hv_cgroup_cpu_is_v1(t));
        assert_int_equal(is.memory_used_bytes, 1000);
        if (hv_cgroup_caps_write(t, SLICE, &some, &err) < 0)
                fail_msg("%s", err.msg);
        holds(s, "unified", "cpu.max", "150000 100000");
        holds(s, "unified", "memory.max", "536870912");
        holds(s, "unified", "memory.high", "503316480");
        holds(s, "unified", "pids.max", "100");
        put(s, "unified", "cpu.max", "150000 100000\n");
        put(s, "unified", "pids.max", "100\n");
        assert_int_equal(hv_cgroup_caps_read(t, SLICE, &is, &err), 0);
        assert_memory_equal(&is.caps, &some, sizeof some);
        assert_int_equal(hv_cgroup_caps_write(t, SLICE, &none, &err), 0);
        holds(s, "unified", "cpu.max", "max");
        holds(s, "unified", "memory.max", "max");
        holds(s, "unified", "memory.high", "max");
        holds(s, "unified", "pids.max", "max");
}

/* Version 2 kills until what is left fits: the soft cap is set, the hard one waits. */
static void memory_in_use_is_not_capped_away(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, V2);
        struct hv_err err = {};

        version_2(s, "536870913\n");
        assert_int_equal(hv_cgroup_caps_write(t, SLICE, &some, &err), -EBUSY);
        assert_non_null(strstr(err.msg, "536870913"));
        holds(s, "unified", "memory.max", "max");
        holds(s, "unified", "memory.high", "503316480");
        holds(s, "unified", "cpu.max", "150000 100000");
        put(s, "unified", "memory.current", "536870912\n");
        assert_int_equal(hv_cgroup_caps_write(t, SLICE, &some, &err), 0);
        holds(s, "unified", "memory.max", "536870912");
}

static unsigned count_open_files(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        (void) closedir(dir);
        return n;
}

/* Whoever opens a file by its name again finds another one. */
static void files_that_are_read_again_are_opened_once(void **state) {
        static const char *const names[] = { "cpu.max", "memory.max", "memory.high", "memory.current",
                                             "pids.max" };
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, V2);
        _hv_cleanup_(hv_cgroup_caps_files_freep) struct hv_cgroup_caps_files *files =
                hv_cgroup_caps_files_new(t);
        unsigned before = count_open_files();
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};

        version_2(s, "1000\n");
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(hv_cgroup_caps_read_again(files, SLICE, &is, &err), 0);
                assert_int_equal(is.memory_used_bytes, 1000);
                assert_memory_equal(&is.caps, &none, sizeof none);
                assert_int_equal(count_open_files(), before + HV_ARRAY_SIZE(names));
                for (size_t k = 0; i == 0 && k < HV_ARRAY_SIZE(names); k++) {
                        _hv_cleanup_free_ char *name = hv_asprintf("unified" SLICE "/%s", names[k]);

                        assert_int_equal(unlink(scratch_path(s, name)), 0);
                        scratch_write(s, name, "17\n");
                }
        }
        assert_int_equal(hv_cgroup_caps_read_again(files, "/b.slice", &is, &err), -ENOENT);
        assert_int_equal(count_open_files(), before); /* what is gone is not held on to */
        assert_int_equal(hv_cgroup_caps_read_again(files, SLICE, &is, &err), -EBADMSG); /* it is read anew */
}

static void version_1_is_capped(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, V1_CPU V1_MEMORY V1_PIDS V2);
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};

        make(s, "cpu");
        make(s, "memory");
        make(s, "pids");
        make(s, "unified");
        put(s, "cpu", "cpu.cfs_quota_us", "-1\n");
        put(s, "cpu", "cpu.cfs_period_us", "100000\n");
        put(s, "memory", "memory.limit_in_bytes", "9223372036854771712\n");
        put(s, "memory", "memory.usage_in_bytes", "7\n");
        put(s, "pids", "pids.max", "max\n");
        assert_int_equal(hv_cgroup_caps_read(t, SLICE, &is, &err), 0);
        assert_memory_equal(&is.caps, &none, sizeof none);
        assert_true(hv_cgroup_cpu_is_v1(t));
        assert_false(is.has_memory_high);
        assert_int_equal(hv_cgroup_caps_write(t, SLICE, &some, &err), 0);
        holds(s, "cpu", "cpu.cfs_quota_us", "150000");
        holds(s, "cpu", "cpu.cfs_period_us", "100000");
        holds(s, "memory", "memory.limit_in_bytes", "536870912");
        holds(s, "pids", "pids.max", "100");
        put(s, "memory", "memory.limit_in_bytes", "536870912\n");
        put(s, "cpu", "cpu.cfs_quota_us", "5000\n");
        put(s, "cpu", "cpu.cfs_period_us", "10000\n"); /* somebody else's period */
        assert_int_equal(hv_cgroup_caps_read(t, SLICE, &is, &err), 0);
        assert_int_equal(is.caps.nano_cpus, 500000000);
        assert_int_equal(hv_cgroup_caps_write(t, SLICE, &none, &err), 0);
        holds(s, "cpu", "cpu.cfs_quota_us", "-1");
        holds(s, "memory", "memory.limit_in_bytes", "-1");
}

static void what_is_not_there_is_told_apart(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *v2 = mounted(s, V2),
                                                                 *nothing = mounted(s, "");
        struct hv_cgroup_capped is = { .memory_used_bytes = 7 };
        struct hv_err err = {};

        scratch_mkdir(s, "unified");
        assert_int_equal(hv_cgroup_caps_read(v2, SLICE, &is, &err), -ENOENT);
        assert_int_equal(hv_cgroup_caps_read(nothing, SLICE, &is, &err), -ENODEV);
        assert_int_equal(is.memory_used_bytes, 7);
        scratch_mkdir(s, "unified/a.slice");
        scratch_mkdir(s, "unified" SLICE);
        /* Controllers that are off cap nothing. */
        assert_int_equal(hv_cgroup_caps_read(v2, SLICE, &is, &err), 0);
        assert_memory_equal(&is.caps, &none, sizeof none);
        put(s, "unified", "cpu.max", "five 100000\n");
        assert_int_equal(hv_cgroup_caps_read(v2, SLICE, &is, &err), -EBADMSG);
}

/* ---- this machine's own kernel ---- */

struct own {
        struct hv_cgroup_tree *tree;
        char *top, *path;
};

static int own_set_up(void **state) {
        struct own *o = HV_NEW(struct own);

        o->top = hv_asprintf("/hvcaps%d.slice", (int) getpid());
        o->path = hv_asprintf("%s/hvcaps%d-tasks.slice", o->top, (int) getpid());
        *state = o;
        return hv_cgroup_tree_new(NULL, &o->tree, NULL);
}

static int own_tear_down(void **state) {
        struct own *o = *state;
        struct hv_err err = {};
        int r = hv_cgroup_remove(o->tree, o->path, &err);

        if (r >= 0)
                r = hv_cgroup_remove(o->tree, o->top, &err);
        if (r < 0)
                print_error("%s\n", err.msg);
        (void) hv_cgroup_tree_free(o->tree);
        free(o->top);
        free(o->path);
        free(o);
        return r;
}

/* False: nobody may make cgroups here, and that is told. */
static bool may_cap(const struct own *o, const struct hv_cgroup_caps *caps) {
        struct hv_err err = {};
        int r = hv_cgroup_caps_write(o->tree, o->path, caps, &err);

        if (r == -ENODEV || r == -EROFS || r == -EACCES) {
                assert_true(err.msg[0] != '\0');
                return false;
        }
        if (r < 0)
                fail_msg("%s", err.msg);
        return true;
}

static void the_kernel_keeps_a_cap(void **state) {
        const struct hv_cgroup_caps lower = { .nano_cpus = 500000000 };
        const struct own *o = *state;
        struct hv_cgroup_caps caps = some;
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};

        if (!may_cap(o, &caps))
                return;
        assert_int_equal(hv_cgroup_caps_read(o->tree, o->path, &is, &err), 0);
        if (!is.has_memory_high)
                caps.memory_high_bytes = 0;
        assert_memory_equal(&is.caps, &caps, sizeof caps);
        if (hv_cgroup_cpu_is_v1(o->tree)) { /* a cap above it that is lower is refused, and says why */
                assert_int_equal(hv_cgroup_caps_write(o->tree, o->top, &lower, &err), -EINVAL);
                assert_non_null(strstr(err.msg, "version 1"));
        } else
                assert_int_equal(hv_cgroup_caps_write(o->tree, o->top, &lower, &err), 0);
        assert_int_equal(hv_cgroup_caps_write(o->tree, o->path, &none, &err), 0);
        assert_int_equal(hv_cgroup_caps_read(o->tree, o->path, &is, &err), 0);
        assert_memory_equal(&is.caps, &none, sizeof none);
}

static void one_that_was_made_anew_is_read_anew(void **state) {
        const struct hv_cgroup_caps other = { .memory_bytes = 256 * MIB };
        const struct own *o = *state;
        _hv_cleanup_(hv_cgroup_caps_files_freep) struct hv_cgroup_caps_files *files =
                hv_cgroup_caps_files_new(o->tree);
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};

        if (!may_cap(o, &some))
                return;
        assert_int_equal(hv_cgroup_caps_read_again(files, o->path, &is, &err), 0);
        assert_int_equal(is.caps.memory_bytes, 512 * MIB);
        assert_int_equal(hv_cgroup_remove(o->tree, o->path, &err), 0);
        assert_int_equal(hv_cgroup_caps_write(o->tree, o->path, &other, &err), 0);
        assert_int_equal(hv_cgroup_caps_read_again(files, o->path, &is, &err), 0);
        assert_int_equal(is.caps.memory_bytes, 256 * MIB);
}

/* Stands in the cgroup and holds 32 MiB until its end of the pipe is closed. */
static pid_t hold_memory(const struct own *o, int *ret_fd) {
        struct hv_cgroup_place at = {};
        char *memory, byte = 'x';
        int there[2], gone[2];
        pid_t pid;

        assert_int_equal(hv_cgroup_find(o->tree, "memory", o->path, &at, NULL), 0);
        assert_int_equal(pipe(there) | pipe(gone), 0);
        pid = fork();
        if (pid == 0) {
                _hv_cleanup_free_ char *procs = hv_asprintf("%s/cgroup.procs", at.dir);
                FILE *f = fopen(procs, "we");

                (void) close(gone[1]);
                if (!f || fprintf(f, "%d", (int) getpid()) < 0 || fclose(f) != 0)
                        _exit(1);
                memory = malloc(32 * MIB);
                memset(memory, 7, 32 * MIB);
                if (write(there[1], &memory[MIB], 1) != 1 || read(gone[0], &byte, 1) < 0)
                        _exit(1);
                _exit(memory[2 * MIB] == 7 ? 0 : 1);
        }
        (void) close(there[1]);
        (void) close(gone[0]);
        assert_int_equal(read(there[0], &byte, 1), 1);
        (void) close(there[0]);
        free(at.dir);
        *ret_fd = gone[1];
        return pid;
}

/* Who runs there runs on; the cap comes when he is gone. */
static void the_kernel_kills_nobody_for_a_cap(void **state) {
        const struct hv_cgroup_caps less = { .memory_bytes = 16 * MIB, .memory_high_bytes = 15 * MIB };
        const struct own *o = *state;
        struct hv_cgroup_capped is = {};
        struct hv_err err = {};
        int fd, status;
        pid_t pid;

        if (!may_cap(o, &none))
                return;
        pid = hold_memory(o, &fd);
        assert_int_equal(hv_cgroup_caps_write(o->tree, o->path, &less, &err), -EBUSY);
        assert_non_null(strstr(err.msg, "before it uses less"));
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        (void) close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        if (hv_cgroup_caps_write(o->tree, o->path, &less, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(hv_cgroup_caps_read(o->tree, o->path, &is, &err), 0);
        assert_int_equal(is.caps.memory_bytes, 16 * MIB);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(version_2_is_capped),
                TEST(memory_in_use_is_not_capped_away),
                TEST(files_that_are_read_again_are_opened_once),
                TEST(version_1_is_capped),
                TEST(what_is_not_there_is_told_apart),
                cmocka_unit_test_setup_teardown(the_kernel_keeps_a_cap, own_set_up, own_tear_down),
                cmocka_unit_test_setup_teardown(one_that_was_made_anew_is_read_anew, own_set_up,
                                                own_tear_down),
                cmocka_unit_test_setup_teardown(the_kernel_kills_nobody_for_a_cap, own_set_up, own_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

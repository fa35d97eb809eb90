/* workspace and tree: who may look in, what is removed, and what is not: links, mounts, neighbours. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "spec/task.h"
#include "task/tree.h"
#include "task/workspace.h"

static const struct hv_owner nobody = { 65534, 65533 };

static void ids_are_checked_by_grammar(void **state) {
        static const struct {
                const char *id;
                bool good;
        } rows[] = {
                { "a", true },
                { "prime-2c26b46b", true },
                { "nightly-202611220315", true },
                { "t-0123456789ab", true },
                { "A_b.c-9", true },
                { "0", true },
                { "", false },
                { ".", false },
                { "..", false },
                { ".a", false },
                { "-a", false },
                { "_a", false },
                { "a/b", false },
                { "../a", false },
                { "a b", false },
                { "a\n", false },
                { "\xc3\xa4", false },
                { "a:b", false },
                { "0123456789012345678901234567890123456789012345678901234567890123", true },
                { "01234567890123456789012345678901234567890123456789012345678901234", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_task_id_is_valid(rows[i].id) != rows[i].good)
                        fail_msg("\"%s\" should be %s", rows[i].id, rows[i].good ? "good" : "refused");
}

static void a_bad_id_makes_no_path(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = HV_WORKSPACE_NONE;
        struct hv_err err = {};

        assert_int_equal(
                hv_workspace_make(b->work, &(struct hv_attempt){ "../x", 1 }, &nobody, NULL, &w, &err),
                -EINVAL);
        assert_non_null(strstr(err.msg, "\"../x\" is no id of a task"));
        assert_int_equal(hv_workspace_make(b->work, &(struct hv_attempt){ "x", 0 }, &nobody, NULL, &w, &err),
                         -EINVAL);
        assert_int_equal(hv_workspace_open(b->work, &(struct hv_attempt){ "..", 1 }, &w, &err), -EINVAL);
        assert_int_equal(hv_workspace_remove(b->work, &(struct hv_attempt){ "a/..", 1 }, NULL, &err),
                         -EINVAL);
        assert_int_equal(bench_count(b->path), 0);
}

static void expect_mode(const char *path, mode_t mode, uid_t uid, gid_t gid) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        if ((st.st_mode & 07777) != mode || st.st_uid != uid || st.st_gid != gid)
                fail_msg("%s has %04o %u:%u", path, st.st_mode & 07777, st.st_uid, st.st_gid);
}

static void only_the_container_s_user_gets_in(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = HV_WORKSPACE_NONE;

        assert_int_equal(hv_workspace_make(b->work, &(struct hv_attempt){ "t", 3 }, &nobody, NULL, &w, NULL),
                         0);
        assert_string_equal(w.path, bench_path(b, "work/t/3/workspace"));
        expect_mode(b->work, 0700, 0, 0);
        expect_mode(bench_path(b, "work/t"), 0700, 0, 0);
        expect_mode(bench_path(b, "work/t/3"), 0700, 0, 0);
        expect_mode(w.path, 0770, nobody.uid, nobody.gid);
}

static void what_a_crash_left_is_removed_first(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");

        bench_write(bench_path(b, "work/t/1/workspace/old"), "x");
        bench_write(bench_path(b, "work/t/1/fetch-0"), "x");
        bench_mkdir(bench_path(b, "work/t/2/workspace"));
        hv_workspace_close(&w);
        w = bench_workspace(b, "t");
        assert_int_equal(bench_count(w.path), 0);
        assert_false(bench_exists(bench_path(b, "work/t/1/fetch-0")));
        assert_true(bench_exists(bench_path(b, "work/t/2/workspace")));
        hv_workspace_close(&w);
}

static int clean(const struct bench *b, struct hv_err *err) {
        return hv_workspace_remove(b->work, &(struct hv_attempt){ "t", 1 }, NULL, err);
}

static void the_last_attempt_takes_the_task_s_directory_along(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");

        hv_workspace_close(&w);
        bench_mkdir(bench_path(b, "work/t/2"));
        assert_int_equal(clean(b, NULL), 1);
        assert_int_equal(bench_count(bench_path(b, "work/t")), 1);
        assert_int_equal(clean(b, NULL), 0);
        assert_int_equal(rmdir(bench_path(b, "work/t/2")), 0);
        assert_int_equal(clean(b, NULL), 0);
        assert_int_equal(bench_count(b->work), 0);
        assert_int_equal(clean(b, NULL), 0);
}

/* ---- withheld ---- */

static const struct hv_attempt first = { "t", 1 };

/* An engine that is to mount it finds nothing; who has it open, or mounted, keeps it. */
static void what_is_withheld_is_found_by_the_agent_alone(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t"), again = HV_WORKSPACE_NONE;
        _hv_cleanup_free_ char *mounted = hv_workspace_path(b->work, &first);
        struct stat before, now;

        bench_write(bench_path(b, "work/t/1/workspace/out"), "x");
        for (int twice = 0; twice < 2; twice++) {
                assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
                assert_int_equal(stat(mounted, &now), -1);
                assert_int_equal(errno, ENOENT);
                assert_int_equal(mkdir(mounted, 0700), -1);
                assert_int_equal(errno, EEXIST);
                assert_int_equal(hv_workspace_open(b->work, &first, &again, NULL), 0);
                assert_int_equal(fstat(w.fd, &before) + fstat(again.fd, &now), 0);
                assert_int_equal(before.st_ino, now.st_ino);
                hv_workspace_close(&again);
        }
        for (int twice = 0; twice < 2; twice++) {
                assert_int_equal(hv_workspace_restore(b->work, &first, NULL), 0);
                assert_true(bench_exists(bench_path(b, "work/t/1/workspace/out")));
        }
        assert_string_equal(mounted, w.path);
        expect_mode(mounted, 0770, 65534, 65534);
        assert_int_equal(bench_count(bench_path(b, "work/t/1")), 1);
        hv_workspace_close(&w);
}

static void what_is_not_there_can_be_withheld_and_not_restored(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = HV_WORKSPACE_NONE;
        struct hv_err err = {};

        assert_int_equal(hv_workspace_restore(b->work, &first, &err), -ENOENT);
        w = bench_workspace(b, "t");
        assert_int_equal(rmdir(w.path), 0);
        assert_int_equal(hv_workspace_restore(b->work, &first, &err), -ENOENT);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
                assert_int_equal(mkdir(w.path, 0700), -1);
                assert_int_equal(hv_workspace_restore(b->work, &first, &err), -ENOENT);
                if (i == 1)
                        assert_int_equal(hv_workspace_remove_all(b->work, "t", NULL, NULL), 1);
        }
        hv_workspace_close(&w);
}

static void instead(const char *path) {
        assert_int_equal(unlink(path), 0);
        bench_mkdir(path);
}

static void what_somebody_makes_in_its_place_is_not_it(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t"), found = HV_WORKSPACE_NONE;
        struct hv_err err = {};

        bench_write(bench_path(b, "work/t/1/workspace/out"), "x");
        assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
        instead(w.path);
        assert_int_equal(hv_workspace_open(b->work, &first, &found, NULL), 0);
        assert_string_equal(found.path, bench_path(b, "work/t/1/workspace.withheld"));
        hv_workspace_close(&found);
        assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
        assert_int_equal(mkdir(w.path, 0700), -1);
        instead(w.path);
        assert_int_equal(hv_workspace_restore(b->work, &first, NULL), 0);
        assert_true(bench_exists(bench_path(b, "work/t/1/workspace/out")));

        assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
        instead(w.path);
        bench_write(bench_path(b, "work/t/1/workspace/strange"), "x");
        assert_int_equal(hv_workspace_withhold(b->work, &first, &err), -ENOTEMPTY);
        assert_non_null(strstr(err.msg, "work/t/1/workspace cannot be withheld from the engine"));
        assert_int_equal(hv_workspace_restore(b->work, &first, &err), -ENOTEMPTY);
        assert_true(bench_exists(bench_path(b, "work/t/1/workspace/strange")));
        assert_true(bench_exists(bench_path(b, "work/t/1/workspace.withheld/out")));
        hv_workspace_close(&w);
}

static void what_is_withheld_is_removed_with_the_attempt(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");

        assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
        hv_workspace_close(&w);
        w = bench_workspace(b, "t"); /* made anew for the same attempt */
        assert_false(bench_exists(bench_path(b, "work/t/1/workspace.withheld")));
        assert_int_equal(hv_workspace_withhold(b->work, &first, NULL), 0);
        assert_int_equal(hv_workspace_remove(b->work, &first, NULL, NULL), 1);
        assert_int_equal(bench_count(b->work), 0);
        hv_workspace_close(&w);
}

/* S55: a farm of links to everything that must stay. */
static void links_are_removed_and_never_followed(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");
        _hv_cleanup_(hv_buf_done) struct hv_buf before = {}, after = {};
        static const char *const targets[] = { "/", "/etc", "..", "../..", "../../..", ".", "nowhere" };

        bench_mkdir(bench_path(b, "precious/dir"));
        bench_write(bench_path(b, "precious/dir/file"), "keep");
        bench_digest(bench_path(b, "precious"), &before);
        for (unsigned i = 0; i < 700; i++) {
                char name[32];

                (void) snprintf(name, sizeof name, "link-%u", i);
                assert_int_equal(
                        symlinkat(i % 8 == 7 ? bench_path(b, "precious") : targets[i % 8 % 7], w.fd, name),
                        0);
        }
        assert_int_equal(linkat(AT_FDCWD, bench_path(b, "precious/dir/file"), w.fd, "hard", 0), 0);
        assert_int_equal(mknodat(w.fd, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
        assert_int_equal(mkfifoat(w.fd, "fifo", 0600), 0);
        hv_workspace_close(&w);
        assert_int_equal(clean(b, NULL), 1);
        assert_int_equal(bench_count(b->work), 0);
        bench_digest(bench_path(b, "precious"), &after);
        assert_string_equal(after.data, before.data);
}

static void the_workspace_itself_may_have_become_a_link(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t"), again;
        struct hv_err err = {};

        hv_workspace_close(&w);
        bench_mkdir(bench_path(b, "precious"));
        bench_write(bench_path(b, "precious/file"), "keep");
        assert_int_equal(rmdir(bench_path(b, "work/t/1/workspace")), 0);
        assert_int_equal(symlink(bench_path(b, "precious"), bench_path(b, "work/t/1/workspace")), 0);
        assert_int_equal(hv_workspace_open(b->work, &(struct hv_attempt){ "t", 1 }, &again, &err), -ELOOP);
        assert_int_equal(clean(b, NULL), 1);
        assert_true(bench_exists(bench_path(b, "precious/file")));
}

static void mounts_are_left_alone_and_named(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");
        const char *target = bench_path(b, "work/t/1/workspace/a/mounted");
        struct hv_err err = {};

        bench_mkdir(bench_path(b, "precious"));
        bench_write(bench_path(b, "precious/file"), "keep");
        bench_mkdir(target);
        bench_write(bench_path(b, "work/t/1/workspace/a/other"), "x");
        hv_workspace_close(&w);
        assert_int_equal(mount(bench_path(b, "precious"), target, NULL, MS_BIND, NULL), 0);
        assert_int_equal(clean(b, &err), -EXDEV);
        assert_non_null(strstr(err.msg, "1 entry could not be removed, first \"mounted\""));
        assert_true(bench_exists(bench_path(b, "precious/file")));
        assert_false(bench_exists(bench_path(b, "work/t/1/workspace/a/other")));
        bench_unmount(target);
        assert_int_equal(clean(b, NULL), 1);
        assert_true(bench_exists(bench_path(b, "precious/file")));
}

/* In memory: a disk needs half a minute for so many directories, and that is all that it adds. */
static void a_tree_of_ten_thousand_levels_is_removed(void **state) {
        struct bench *b = *state;
        struct hv_workspace w;
        int at;

        bench_mount_small(b->work, "64m");
        w = bench_workspace(b, "t");
        at = w.fd;

        for (unsigned i = 0; i < 10000; i++) {
                int next;

                assert_int_equal(mkdirat(at, "d", 0), 0);
                if (i % 1000 == 0)
                        assert_int_equal(mkdirat(at, ".hivelet-0", 0700),
                                         0); /* the name that is used for moving up */
                next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                if (at != w.fd)
                        (void) close(at);
                at = next;
        }
        (void) close(at);
        hv_workspace_close(&w);
        assert_int_equal(clean(b, NULL), 1);
        assert_int_equal(bench_count(b->work), 0);
        bench_unmount(b->work);
}

static void immutable_files_are_named(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = bench_workspace(b, "t");
        int flags = FS_IMMUTABLE_FL, none = 0, fd;
        struct hv_err err = {};

        bench_write(bench_path(b, "work/t/1/workspace/stone"), "x");
        bench_write(bench_path(b, "work/t/1/workspace/sand"), "x");
        hv_workspace_close(&w);
        fd = open(bench_path(b, "work/t/1/workspace/stone"), O_RDONLY | O_CLOEXEC);
        if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
                fail_msg("/tmp's file system knows no immutable files: %s", strerror(errno));
        assert_int_equal(clean(b, &err), -EPERM);
        assert_non_null(strstr(err.msg, "\"stone\": Operation not permitted (immutable?"));
        assert_int_equal(bench_count(bench_path(b, "work/t/1/workspace")), 1);
        assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &none), 0);
        (void) close(fd);
        assert_int_equal(clean(b, NULL), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_are_checked_by_grammar),
                cmocka_unit_test_setup_teardown(a_bad_id_makes_no_path, bench_set_up, bench_tear_down),
                cmocka_unit_test_setup_teardown(only_the_container_s_user_gets_in, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(what_a_crash_left_is_removed_first, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(the_last_attempt_takes_the_task_s_directory_along,
                                                bench_set_up, bench_tear_down),
                cmocka_unit_test_setup_teardown(what_is_withheld_is_found_by_the_agent_alone, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(what_is_not_there_can_be_withheld_and_not_restored,
                                                bench_set_up, bench_tear_down),
                cmocka_unit_test_setup_teardown(what_somebody_makes_in_its_place_is_not_it, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(what_is_withheld_is_removed_with_the_attempt, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(links_are_removed_and_never_followed, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(the_workspace_itself_may_have_become_a_link, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(mounts_are_left_alone_and_named, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(a_tree_of_ten_thousand_levels_is_removed, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(immutable_files_are_named, bench_set_up, bench_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

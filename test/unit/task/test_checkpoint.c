/* checkpoint: what the next attempt gets is whole, is what was left, and leads nowhere else. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "task/checkpoint.h"
#include "task/measure.h"

static const struct hv_owner nobody = { 65534, 65534 };

static struct hv_workspace attempt(struct bench *b, unsigned n) {
        struct hv_workspace w = HV_WORKSPACE_NONE;

        assert_int_equal(hv_workspace_make(b->work, &(struct hv_attempt){ "t", n }, &nobody, NULL, &w, NULL),
                         0);
        return w;
}

static int keep(struct bench *b, unsigned n) {
        return hv_checkpoint_keep(b->work, &(struct hv_attempt){ "t", n }, "a/save", &nobody, NULL, NULL);
}

static int give(struct bench *b, const struct hv_workspace *w, unsigned n) {
        return hv_checkpoint_give(b->work, &(struct hv_attempt){ "t", n }, "a/save", &nobody, w->fd, NULL,
                                  NULL);
}

static const char *at(struct bench *b, unsigned n, const char *name) {
        return bench_path(b, "work/t/%u/workspace/a/save/%s", n, name);
}

static void expect_text(const char *path, const char *text) {
        _hv_cleanup_free_ char *found = bench_read(path);

        if (!found || !hv_streq(found, text))
                fail_msg("%s: \"%s\", expected \"%s\"", path, found ? found : "(not there)", text);
}

static void it_is_the_one_of_the_newest_attempt(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = attempt(b, 1);

        assert_int_equal(give(b, &w, 1), 0);
        assert_int_equal(keep(b, 1), 0); /* there is no folder */
        bench_mkdir(at(b, 1, "deep"));
        bench_write(at(b, 1, "deep/n"), "one");
        assert_int_equal(keep(b, 1), 1);
        bench_write(at(b, 1, "deep/n"), "later");
        assert_int_equal(keep(b, 1), 1); /* and is what it was the first time */
        hv_workspace_close(&w);
        assert_int_equal(hv_workspace_remove(b->work, &(struct hv_attempt){ "t", 1 }, NULL, NULL), 1);

        w = attempt(b, 2);
        bench_mkdir(at(b, 2, ""));
        bench_write(at(b, 2, "input"), "where it began");
        assert_int_equal(give(b, &w, 2), 1);
        expect_text(at(b, 2, "deep/n"), "one");
        assert_false(bench_exists(at(b, 2, "input")));
        bench_write(at(b, 2, "deep/n"), "spoilt"); /* it fails: nothing is kept of it */
        hv_workspace_close(&w);

        w = attempt(b, 3);
        assert_int_equal(give(b, &w, 3), 1);
        expect_text(at(b, 3, "deep/n"), "one");
        bench_write(at(b, 3, "deep/n"), "three");
        assert_int_equal(keep(b, 3), 1);
        hv_workspace_close(&w);
        assert_false(bench_exists(bench_path(b, "work/t/checkpoint.1"))); /* one is enough */

        w = attempt(b, 4);
        assert_int_equal(give(b, &w, 4), 1);
        expect_text(at(b, 4, "deep/n"), "three");
        hv_workspace_close(&w);
        assert_int_equal(hv_workspace_remove_all(b->work, "t", NULL, NULL), 1);
        assert_int_equal(bench_count(b->work), 0);
}

static void what_was_cut_short_is_none(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = attempt(b, 1);

        bench_mkdir(at(b, 1, ""));
        bench_write(at(b, 1, "n"), "whole");
        bench_mkdir(bench_path(b, "work/t/checkpoint.1.tmp"));
        bench_write(bench_path(b, "work/t/checkpoint.1.tmp/half"), "half");
        hv_workspace_close(&w);
        w = attempt(b, 2);
        assert_int_equal(give(b, &w, 2), 0);
        assert_int_equal(keep(b, 1), 1);
        assert_int_equal(give(b, &w, 2), 1);
        expect_text(at(b, 2, "n"), "whole");
        assert_false(bench_exists(at(b, 2, "half")));
        hv_workspace_close(&w);
}

static void what_is_carried_and_what_is_not(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = attempt(b, 1);
        char target[64] = "";
        struct stat st;
        int fd;

        bench_write(bench_path(b, "secret"), "of the host");
        bench_mkdir(at(b, 1, "shut"));
        bench_write(at(b, 1, "shut/file"), "x");
        assert_int_equal(chmod(at(b, 1, "shut"), 0500), 0);
        assert_int_equal(chmod(at(b, 1, "shut/file"), 06751), 0);
        assert_int_equal(link(at(b, 1, "shut/file"), at(b, 1, "twice")), 0);
        assert_int_equal(symlink("shut/file", at(b, 1, "inside")), 0);
        assert_int_equal(symlink(bench_path(b, "secret"), at(b, 1, "outside")), 0);
        assert_int_equal(symlink(b->path, at(b, 1, "outside-dir")), 0);
        assert_int_equal(mkfifo(at(b, 1, "fifo"), 0600), 0);
        assert_int_equal(mknod(at(b, 1, "device"), S_IFCHR | 0600, makedev(1, 3)), 0);
        fd = open(at(b, 1, "hole"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(pwrite(fd, "end", 3, UINT64_C(1) << 34), 3); /* 16 GiB */
        (void) close(fd);
        bench_mount_small(at(b, 1, "mounted"), "1m");
        bench_write(at(b, 1, "mounted/file"), "elsewhere");
        assert_int_equal(keep(b, 1), 1);
        bench_unmount(at(b, 1, "mounted"));
        hv_workspace_close(&w);

        w = attempt(b, 2);
        assert_int_equal(give(b, &w, 2), 1);
        assert_int_equal(lstat(at(b, 2, "shut"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0500);
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(lstat(at(b, 2, "shut/file"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0751); /* never setuid */
        assert_int_equal(st.st_nlink, 1);
        expect_text(at(b, 2, "twice"), "x");
        assert_true(readlink(at(b, 2, "outside"), target, sizeof target - 1) > 0);
        assert_string_equal(target,
                            bench_path(b, "secret")); /* a link, as it was; nobody of the agent follows it */
        assert_int_equal(lstat(at(b, 2, "outside-dir"), &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_false(bench_exists(at(b, 2, "fifo")));
        assert_false(bench_exists(at(b, 2, "device")));
        assert_false(bench_exists(at(b, 2, "mounted/file")));
        assert_int_equal(lstat(at(b, 2, "hole"), &st), 0);
        assert_int_equal(st.st_size, (INT64_C(1) << 34) + 3);
        assert_in_range(st.st_blocks, 1, 64);
        hv_workspace_close(&w);
}

static void what_cannot_be_kept_is_refused(void **state) {
        struct bench *b = *state;
        struct hv_workspace w = attempt(b, 1);
        char path[4096];
        size_t len;

        bench_mkdir(bench_path(b, "elsewhere/save"));
        bench_write(bench_path(b, "elsewhere/save/secret"), "of the host");
        assert_int_equal(symlink(bench_path(b, "elsewhere"), bench_path(b, "work/t/1/workspace/a")), 0);
        assert_int_equal(keep(b, 1), -ELOOP);
        assert_int_equal(unlink(bench_path(b, "work/t/1/workspace/a")), 0);

        bench_mkdir(at(b, 1, ""));
        len = (size_t) snprintf(path, sizeof path, "%s", at(b, 1, ""));
        for (unsigned i = 0; i < HV_MEASURE_DEPTH_MAX + 2; i++) {
                len += (size_t) snprintf(path + len, sizeof path - len, "/d");
                assert_int_equal(mkdir(path, 0755), 0);
        }
        assert_int_equal(keep(b, 1), -ELOOP);
        assert_int_equal(bench_count(bench_path(b, "work/t")), 1); /* no draft is left */
        hv_workspace_close(&w);
}

static void a_full_disk_leaves_no_half_of_it(void **state) {
        struct bench *b = *state;
        struct hv_workspace w;
        char block[65536];
        int fd, r;

        bench_mount_small(b->work, "1m");
        w = attempt(b, 1);
        bench_mkdir(at(b, 1, ""));
        memset(block, 'x', sizeof block);
        fd = open(at(b, 1, "big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(write(fd, block, sizeof block), sizeof block);
        (void) close(fd);
        r = keep(b, 1);
        assert_true(r == -ENOSPC || r == -EDQUOT);
        assert_int_equal(bench_count(bench_path(b, "work/t")), 1);
        hv_workspace_close(&w);
        bench_unmount(b->work);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(it_is_the_one_of_the_newest_attempt), ROW(what_was_cut_short_is_none),
                ROW(what_is_carried_and_what_is_not),     ROW(what_cannot_be_kept_is_refused),
                ROW(a_full_disk_leaves_no_half_of_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

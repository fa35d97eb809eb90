/* python_packages: what a set is called by, how it becomes complete, who keeps it, and when it goes. As root, on a real file system. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/python_packages.h"

#define BENCH struct bench *b = *state
#define DAY (24 * HV_USEC_PER_HOUR)
#define IMAGE "sha256:aa"
#define NAMES_OF_A_FILE 30000u /* a file may have 65,000 on ext4 */

static const struct hv_owner nobody = { 65534, 65534 };
static const struct hv_attempt t1 = { "t1", 1 };
static const struct hv_strv nothing = {};

static const char *root_of(const struct bench *b) {
        return bench_path(b, "packages");
}

static void key_of(const char *image, const struct hv_task_packages *p, char ret[HV_SHA256_HEX_SIZE]) {
        struct hv_err err = {};

        if (hv_packages_key(image, p, ret, &err) < 0)
                fail_msg("%s", err.msg);
}

static void everything_that_goes_in_is_in_the_key(void **state) {
        BENCH;
        const char *wheels = bench_path(b, "wheels"), *others = bench_path(b, "others");
        const struct {
                const char *what, *image;
                struct hv_task_packages p;
        } rows[] = {
                { "another image", "sha256:bb", { .requirements = "a\n", .wheels = wheels } },
                { "other requirements", IMAGE, { .requirements = "a\nb\n", .wheels = wheels } },
                { "an index, too", IMAGE, { .requirements = "a\n", .wheels = wheels, .index = "https://i" } },
                { "another folder", IMAGE, { .requirements = "a\n", .wheels = others } },
                { "no folder", IMAGE, { .requirements = "a\n" } },
                { "what could be taken for it", IMAGE, { .requirements = "a\nindex -\n", .wheels = wheels } },
        };
        const struct hv_task_packages same = { .requirements = "a\n", .wheels = wheels, .network = "none" };
        char key[HV_SHA256_HEX_SIZE], other[HV_SHA256_HEX_SIZE];

        bench_mkdir(wheels);
        bench_mkdir(others);
        bench_write(bench_path(b, "wheels/a.whl"), "1");
        key_of(IMAGE, &same, key);
        key_of(IMAGE, &same, other);
        assert_string_equal(key, other);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                key_of(rows[i].image, &rows[i].p, other);
                if (hv_streq(key, other))
                        fail_msg("%s: the same key", rows[i].what);
        }
        bench_write(bench_path(b, "wheels/b.whl"), "2");
        key_of(IMAGE, &same, other);
        assert_string_not_equal(key, other);
        assert_int_equal(unlink(bench_path(b, "wheels/b.whl")), 0);
        key_of(IMAGE, &same, other);
        assert_string_equal(key, other);
        bench_write(bench_path(b, "wheels/a.whl"), "12");
        key_of(IMAGE, &same, other);
        assert_string_not_equal(key, other);
}

static void a_folder_of_wheels_that_is_not_there_is_told(void **state) {
        const struct hv_task_packages p = { .requirements = "a\n", .wheels = "/nowhere" };
        char key[HV_SHA256_HEX_SIZE];
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_packages_key(IMAGE, &p, key, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "/nowhere"));
}

/* ---- making ---- */

static const char *key_number(const struct bench *b, unsigned n) {
        const char *path = bench_path(b, "%064u", n);

        return path + strlen(path) - 64;
}

static char *begin(const struct bench *b, const struct hv_attempt *a) {
        struct hv_err err = {};
        char *path;

        if (hv_packages_begin(root_of(b), a, &nobody, "a\nb==1\n", NULL, &path, &err) < 0)
                fail_msg("%s", err.msg);
        return path;
}

static int commit(const struct bench *b, const char *key, struct hv_err *err) {
        return hv_packages_commit(root_of(b), &t1, key, NULL, err);
}

static void expect(const char *path, mode_t mode, uid_t uid) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        if ((st.st_mode & 07777) != mode || st.st_uid != uid || st.st_gid != uid)
                fail_msg("%s has %04o %u:%u", path, st.st_mode & 07777, st.st_uid, st.st_gid);
}

static void a_build_belongs_to_the_tasks_user_and_begins_empty(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1), *again = NULL, *text = NULL;

        assert_string_equal(path, bench_path(b, "packages/build-t1.1"));
        expect(path, 0700, 65534);
        expect(bench_path(b, "packages/build-t1.1/packages"), 0700, 65534);
        expect(bench_path(b, "packages/build-t1.1/tmp"), 0700, 65534);
        text = bench_read(bench_path(b, "packages/build-t1.1/requirements.txt"));
        assert_string_equal(text, "a\nb==1\n");
        bench_write(bench_path(b, "packages/build-t1.1/packages/left"), "by a crash");
        again = begin(b, &t1);
        assert_int_equal(bench_count(bench_path(b, "packages/build-t1.1/packages")), 0);
}

static void what_was_installed_becomes_the_agents_own(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1);
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = bench_workspace(b, "t1");
        const char *key = key_number(b, 1);
        _hv_cleanup_free_ char *linked = NULL;
        struct hv_err err = {};

        bench_mkdir(bench_path(b, "packages/build-t1.1/packages/pkg/sub"));
        bench_write(bench_path(b, "packages/build-t1.1/packages/pkg/sub/a.py"), "a");
        bench_write(bench_path(b, "packages/build-t1.1/packages/run"), "#!");
        assert_int_equal(chmod(bench_path(b, "packages/build-t1.1/packages/run"), 06777), 0);
        assert_int_equal(chmod(bench_path(b, "packages/build-t1.1/packages/pkg"), 0777), 0);
        assert_int_equal(chown(bench_path(b, "packages/build-t1.1/packages/pkg"), 65534, 65534), 0);
        assert_int_equal(hv_packages_use(root_of(b), key, b->work, &t1, &err), 0);
        if (commit(b, key, &err) < 0)
                fail_msg("%s", err.msg);
        expect(bench_path(b, "packages/%s", key), 0755, 0);
        expect(bench_path(b, "packages/%s/pkg", key), 0755, 0);
        expect(bench_path(b, "packages/%s/pkg/sub/a.py", key), 0644, 0);
        expect(bench_path(b, "packages/%s/run", key), 0755, 0);
        assert_int_equal(hv_packages_use(root_of(b), key, b->work, &t1, &err), 1);
        assert_int_equal(hv_packages_use(root_of(b), key, b->work, &t1, &err),
                         1); /* a try that was cut short */
        assert_int_equal(hv_workspace_packages(b->work, &t1, &linked, &err), 0);
        assert_string_equal(linked, bench_path(b, "packages/%s", key));
}

static void what_leads_elsewhere_is_refused(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1), *second = NULL;
        struct hv_err err = {};

        assert_int_equal(symlink("/etc", bench_path(b, "packages/build-t1.1/packages/link")), 0);
        assert_int_equal(commit(b, key_number(b, 1), &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "link, which is neither a file nor a folder"));
        assert_false(bench_exists(bench_path(b, "packages/%s", key_number(b, 1))));
        second = begin(b, &t1);
        assert_int_equal(mkfifo(bench_path(b, "packages/build-t1.1/packages/fifo"), 0600), 0);
        assert_int_equal(commit(b, key_number(b, 1), &err), -EBADMSG);
        expect("/etc", 0755, 0);
}

static void a_directory_that_was_exchanged_for_a_link_is_not_followed(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1);
        struct hv_err err = {};

        assert_int_equal(rmdir(bench_path(b, "packages/build-t1.1/packages")), 0);
        assert_int_equal(symlink("/etc", bench_path(b, "packages/build-t1.1/packages")), 0);
        assert_true(commit(b, key_number(b, 1), &err) < 0);
        assert_false(bench_exists(bench_path(b, "packages/%s", key_number(b, 1))));
}

static void endless_depth_ends(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1);
        _hv_cleanup_(hv_fd_closep) int fd =
                open(bench_path(b, "packages/build-t1.1/packages"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct hv_err err = {};

        for (unsigned i = 0; i < 100; i++) {
                int next;

                assert_int_equal(mkdirat(fd, "d", 0700), 0);
                next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                (void) close(fd);
                fd = next;
        }
        assert_int_equal(commit(b, key_number(b, 1), &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "levels"));
}

static void too_much_is_seen_while_it_is_written(void **state) {
        BENCH;
        _hv_cleanup_free_ char *path = begin(b, &t1);
        struct hv_err err = {};

        bench_write(bench_path(b, "packages/build-t1.1/tmp/a"), "a");
        assert_int_equal(hv_packages_check_size(root_of(b), &t1, NULL, &err), 0);
        for (unsigned i = 0; i < HV_PACKAGES_MAX_ENTRIES; i++) {
                unsigned first = i - i % NAMES_OF_A_FILE;

                if (i == first)
                        bench_write(bench_path(b, "packages/build-t1.1/tmp/%u", i), "a");
                else
                        assert_int_equal(link(bench_path(b, "packages/build-t1.1/tmp/%u", first),
                                              bench_path(b, "packages/build-t1.1/tmp/%u", i)),
                                         0);
        }
        assert_int_equal(hv_packages_check_size(root_of(b), &t1, NULL, &err), -EBADMSG);
}

/* ---- going ---- */

static void set(const struct bench *b, unsigned n, time_t age_s) {
        const char *key = key_number(b, n);
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = time(NULL) - age_s } };

        bench_mkdir(bench_path(b, "packages/%s", key));
        bench_write(bench_path(b, "packages/%s/a.py", key), "a");
        assert_int_equal(utimensat(AT_FDCWD, bench_path(b, "packages/%s", key), times, 0), 0);
}

static bool is_there(const struct bench *b, unsigned n) {
        return bench_exists(bench_path(b, "packages/%s", key_number(b, n)));
}

static void sweep(const struct bench *b, uint64_t keep_us) {
        struct hv_err err = {};

        if (hv_packages_sweep(root_of(b), b->work, &nothing, keep_us, NULL, &err) < 0)
                fail_msg("%s", err.msg);
}

static void what_nobody_wanted_for_long_goes(void **state) {
        BENCH;

        set(b, 1, 2 * 86400);
        set(b, 2, 3600);
        set(b, 3, -86400); /* the clock was set back */
        sweep(b, 0);
        assert_true(is_there(b, 1));
        sweep(b, DAY);
        assert_false(is_there(b, 1));
        assert_true(is_there(b, 2));
        assert_true(is_there(b, 3));
        assert_int_equal(bench_count(root_of(b)), 2);
}

static void what_was_wanted_a_moment_ago_stays_whatever_is_set(void **state) {
        BENCH;

        set(b, 1, 10);
        sweep(b, 1);
        assert_true(is_there(b, 1));
}

static void what_an_attempt_is_linked_to_stays(void **state) {
        BENCH;
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = bench_workspace(b, "t1");
        struct hv_err err = {};

        set(b, 1, 0);
        assert_int_equal(hv_packages_use(root_of(b), key_number(b, 1), b->work, &t1, &err), 1);
        set(b, 1, 900 * 86400);
        sweep(b, DAY);
        assert_true(is_there(b, 1));
        hv_workspace_close(&w);
        assert_int_equal(hv_workspace_remove(b->work, &t1, NULL, &err), 1);
        sweep(b, DAY);
        assert_false(is_there(b, 1));
}

static void what_cannot_be_looked_at_takes_nothing_away(void **state) {
        BENCH;
        struct hv_err err = {};

        set(b, 1, 900 * 86400);
        bench_write(bench_path(b, "file"), "no folder");
        assert_true(hv_packages_sweep(root_of(b), bench_path(b, "file"), &nothing, DAY, NULL, &err) < 0);
        assert_true(is_there(b, 1));
}

static void what_a_crash_left_goes_and_what_is_under_way_stays(void **state) {
        BENCH;
        static const char *const names[] = { "build-t1.1", NULL };
        const struct hv_strv under_way = { names, 1 };
        const struct hv_attempt t2 = { "t2", 1 };
        _hv_cleanup_free_ char *one = begin(b, &t1), *two = begin(b, &t2);
        struct hv_err err = {};

        bench_mkdir(bench_path(b, "packages/gone-%s/half", key_number(b, 1)));
        bench_mkdir(bench_path(b, "packages/somebodys"));
        assert_int_equal(hv_packages_sweep(root_of(b), b->work, &under_way, DAY, NULL, &err), 0);
        assert_true(bench_exists(one));
        assert_false(bench_exists(two));
        assert_true(bench_exists(bench_path(b, "packages/somebodys")));
        assert_int_equal(bench_count(root_of(b)), 2);
}

static void where_nothing_was_ever_kept_nothing_is_made(void **state) {
        BENCH;

        sweep(b, DAY);
        assert_false(bench_exists(root_of(b)));
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
        const struct CMUnitTest tests[] = {
                RULE(everything_that_goes_in_is_in_the_key),
                RULE(a_folder_of_wheels_that_is_not_there_is_told),
                RULE(a_build_belongs_to_the_tasks_user_and_begins_empty),
                RULE(what_was_installed_becomes_the_agents_own),
                RULE(what_leads_elsewhere_is_refused),
                RULE(a_directory_that_was_exchanged_for_a_link_is_not_followed),
                RULE(endless_depth_ends),
                RULE(too_much_is_seen_while_it_is_written),
                RULE(what_nobody_wanted_for_long_goes),
                RULE(what_was_wanted_a_moment_ago_stays_whatever_is_set),
                RULE(what_an_attempt_is_linked_to_stays),
                RULE(what_cannot_be_looked_at_takes_nothing_away),
                RULE(what_a_crash_left_goes_and_what_is_under_way_stays),
                RULE(where_nothing_was_ever_kept_nothing_is_made),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

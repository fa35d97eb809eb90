/* disk: files that are old or new; who may look; what fails and where. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "scratch.h"

#include "source/disk.h"
#include "source/sealed.h"

static struct hv_disk open_disk(const struct scratch *s, const char *name) {
        struct hv_disk d;
        struct hv_err err = {};

        if (hv_disk_open(scratch_path(s, name), &d, &err) < 0)
                fail_msg("%s", err.msg);
        return d;
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

static void a_file_goes_there_and_back(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "a/b/state");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_disk_names names;

        assert_int_equal(hv_disk_replace(&d, "one", "old", 3, NULL), 0);
        assert_int_equal(hv_disk_replace(&d, "one", "a\0b", 3, NULL), 0);
        assert_int_equal(hv_disk_replace(&d, "two.x", "", 0, NULL), 0);
        assert_int_equal(hv_disk_read(&d, "one", 100, &text, NULL), 0);
        assert_int_equal(text.len, 3);
        assert_memory_equal(text.data, "a\0b", 3);
        assert_int_equal(hv_disk_read(&d, "one", 2, &text, NULL), -EFBIG);
        assert_int_equal(hv_disk_read(&d, "none", 100, &text, NULL), -ENOENT);
        assert_int_equal(hv_disk_list(&d, "", &names, NULL), 0);
        assert_int_equal(names.n, 2);
        assert_string_equal(names.v[0], "one");
        hv_disk_names_done(&names);
        assert_int_equal(hv_disk_list(&d, ".x", &names, NULL), 0);
        assert_int_equal(names.n, 1);
        assert_string_equal(names.v[0], "two");
        hv_disk_names_done(&names);
        assert_int_equal(hv_disk_remove(&d, "one", NULL), 1);
        assert_int_equal(hv_disk_remove(&d, "one", NULL), 0);
}

/* S45, with a umask of 0. */
static void nobody_else_may_look(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");
        _hv_cleanup_(hv_disk_close) struct hv_disk below = HV_DISK_NONE;

        assert_int_equal(hv_disk_open_below(&d, "sub", &below, NULL), 0);
        assert_int_equal(hv_disk_replace(&below, "file", "x", 1, NULL), 0);
        assert_int_equal(mode_of(scratch_path(*state, "state")), 0700);
        assert_int_equal(mode_of(scratch_path(*state, "state/sub")), 0700);
        assert_int_equal(mode_of(scratch_path(*state, "state/sub/file")), 0600);
}

static void a_directory_that_others_can_read_is_closed(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;

        scratch_mkdir(*state, "state");
        assert_int_equal(chmod(scratch_path(*state, "state"), 0755), 0);
        d = open_disk(*state, "state");
        assert_int_equal(mode_of(scratch_path(*state, "state")), 0700);
}

static void a_directory_of_somebody_else_is_refused(void **state) {
        struct hv_err err = {};
        struct hv_disk d;

        scratch_mkdir(*state, "open");
        assert_int_equal(chmod(scratch_path(*state, "open"), 0777), 0);
        assert_int_equal(hv_disk_open(scratch_path(*state, "open"), &d, &err), -EPERM);
        assert_non_null(strstr(err.msg, "0777"));
        scratch_mkdir(*state, "real");
        assert_int_equal(symlink("real", scratch_path(*state, "link")), 0);
        assert_int_equal(hv_disk_open(scratch_path(*state, "link"), &d, &err), -ENOTDIR);
        scratch_write(*state, "file", "");
        assert_int_equal(hv_disk_open(scratch_path(*state, "file"), &d, &err), -ENOTDIR);
        assert_int_equal(hv_disk_open("relative", &d, &err), -EINVAL);
        assert_int_equal(hv_disk_open_existing(scratch_path(*state, "none"), &d, &err), -ENOENT);
        if (geteuid() == 0) {
                assert_int_equal(chown(scratch_path(*state, "real"), 1234, 0), 0);
                assert_int_equal(hv_disk_open(scratch_path(*state, "real"), &d, &err), -EPERM);
                assert_non_null(strstr(err.msg, "1234"));
        }
}

static void names_are_single_components(void **state) {
        static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/x", ".hidden" };
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");

        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++)
                if (hv_disk_replace(&d, bad[i], "x", 1, NULL) != -EINVAL ||
                    hv_disk_remove(&d, bad[i], NULL) != -EINVAL)
                        fail_msg("\"%s\" was taken", bad[i]);
}

static void links_are_replaced_not_followed(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_free_ char *victim = NULL;

        scratch_write(*state, "victim", "precious");
        assert_int_equal(symlink("../victim", scratch_path(*state, "state/file")), 0);
        assert_int_equal(symlink("../victim", scratch_path(*state, "state/.file.new")), 0);
        assert_int_equal(hv_disk_read(&d, "file", 100, &text, NULL), -ELOOP);
        assert_int_equal(hv_disk_replace(&d, "file", "mine", 4, NULL), 0);
        victim = scratch_read(*state, "victim");
        assert_string_equal(victim, "precious");
        assert_int_equal(hv_disk_read(&d, "file", 100, &text, NULL), 0);
}

/* What makes a replacement durable: the file is flushed before the rename, the directory after it. */
static void a_replacement_is_flushed_in_order(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");

        fault_arm(FAULT_NONE, 0);
        assert_int_equal(hv_disk_replace(&d, "file", "x", 1, NULL), 0);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "uowsrs");
}

/* --- G10 --- */

struct replacing {
        const struct scratch *scratch;
        struct hv_disk d;
        struct hv_err err;
};

static void prepare_old(void *userdata) {
        struct replacing *x = userdata;

        hv_disk_clean(&x->d);
        assert_int_equal(hv_disk_replace(&x->d, "file", "the old text", 12, NULL), 0);
}

static int replace_it(void *userdata) {
        struct replacing *x = userdata;

        return hv_disk_replace(&x->d, "file", "the new, longer text", 20, &x->err);
}

static void is_old_or_new(void *userdata, bool crashed, int code) {
        struct replacing *x = userdata;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        assert_int_equal(hv_disk_read(&x->d, "file", 100, &text, NULL), 0);
        if (!hv_streq(text.data, "the old text") && !hv_streq(text.data, "the new, longer text"))
                fail_msg("torn: \"%s\"", text.data);
        if (crashed)
                return;
        assert_true(code < 0);
        assert_non_null(strstr(x->err.msg, "state"));
}

static void whatever_fails_leaves_old_or_new(void **state) {
        struct replacing x = { .scratch = *state, .d = open_disk(*state, "state") };
        const struct fault_run run = { prepare_old, replace_it, is_old_or_new, &x };

        assert_int_equal(fault_everywhere(&run, FAULT_ENOSPC), 5);
        assert_int_equal(fault_everywhere(&run, FAULT_EIO), 6);
        assert_int_equal(fault_everywhere(&run, FAULT_CRASH), 6);
        hv_disk_close(&x.d);
}

static void left_overs_are_cleaned_up(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");

        scratch_write(*state, "state/.file.new", "half");
        scratch_write(*state, "state/.other", "not ours to judge");
        hv_disk_clean(&d);
        assert_null(scratch_read(*state, "state/.file.new"));
        assert_int_equal(access(scratch_path(*state, "state/.other"), F_OK), 0);
}

static void one_process_at_a_time(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk a = open_disk(*state, "state"),
                                                   b = open_disk(*state, "state");
        struct hv_err err = {};

        assert_int_equal(hv_disk_lock(&a, &err), 0);
        assert_int_equal(hv_disk_lock(&b, &err), -EBUSY);
        hv_disk_close(&a);
        assert_int_equal(hv_disk_lock(&b, &err), 0);
}

/* `pid` waits in the kernel for something. */
static bool is_asleep(int pid) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        char line[256] = "";
        const char *after;
        FILE *f;

        hv_buf_printf(&path, "/proc/self/task/%d/stat", pid);
        f = fopen(hv_buf_str(&path), "re");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof line, f));
        (void) fclose(f);
        after = strrchr(line, ')');
        return after && after[2] == 'S';
}

struct leaver {
        struct hv_disk *disk;
        int waits; /* the thread that wants the lock */
};

static void *leave_when_waited_for(void *userdata) {
        struct leaver *l = userdata;

        while (!is_asleep(l->waits))
                (void) sched_yield();
        hv_disk_close(l->disk);
        return NULL;
}

/* As a child does that a killed agent was about to start, when it gets to its exec. */
static void a_lock_that_is_about_to_end_is_waited_for(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk a = open_disk(*state, "state"),
                                                   b = open_disk(*state, "state");
        struct leaver leaver = { &a, (int) gettid() };
        struct hv_err err = {};
        pthread_t thread;

        assert_int_equal(hv_disk_lock(&a, &err), 0);
        assert_int_equal(pthread_create(&thread, NULL, leave_when_waited_for, &leaver), 0);
        assert_int_equal(hv_disk_lock(&b, &err), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- sealed files --- */

static void any_damage_to_a_sealed_file_shows(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = open_disk(*state, "state");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {}, whole = {};

        hv_buf_puts(&text, "some\nlines\n");
        assert_int_equal(hv_sealed_write(&d, "file", &text, NULL), 0);
        assert_int_equal(hv_sealed_read(&d, "file", 1000, &text, NULL), 0);
        assert_string_equal(text.data, "some\nlines\n");
        assert_int_equal(hv_disk_read(&d, "file", 1000, &whole, NULL), 0);
        for (size_t i = 0; i < whole.len; i++) {
                struct hv_err err = {};

                assert_int_equal(hv_disk_replace(&d, "file", whole.data, i, NULL), 0);
                if (hv_sealed_read(&d, "file", 1000, &text, &err) != -EBADMSG || !strstr(err.msg, "damaged"))
                        fail_msg("cut after %zu bytes: not noticed", i);
                whole.data[i] ^= 1;
                assert_int_equal(hv_disk_replace(&d, "file", whole.data, whole.len, NULL), 0);
                if (hv_sealed_read(&d, "file", 1000, &text, NULL) != -EBADMSG)
                        fail_msg("byte %zu changed: not noticed", i);
                whole.data[i] ^= 1;
        }
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)
        const struct CMUnitTest tests[] = {
                T(a_file_goes_there_and_back),
                T(nobody_else_may_look),
                T(a_directory_that_others_can_read_is_closed),
                T(a_directory_of_somebody_else_is_refused),
                T(names_are_single_components),
                T(links_are_replaced_not_followed),
                T(a_replacement_is_flushed_in_order),
                T(whatever_fails_leaves_old_or_new),
                T(left_overs_are_cleaned_up),
                T(one_process_at_a_time),
                T(a_lock_that_is_about_to_end_is_waited_for),
                T(any_damage_to_a_sealed_file_shows),
        };

        return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}

/* files, watch: what is read, when, and what is not. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/loop.h"
#include "scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "source/files.h"
#include "source/watch.h"

struct fixture {
        struct scratch *scratch;
        sd_event *event;
        struct hv_files *files;
        unsigned n_changes;
        char *seen; /* what the last pass gave: "node.yaml=text conf.d/10.yaml=text", and findings */
};

static void on_change(void *userdata) {
        struct fixture *x = userdata;

        x->n_changes++;
}

static const char *short_name(const struct fixture *x, const char *path) {
        return hv_has_prefix(path, x->scratch->path) ? path + strlen(x->scratch->path) + 1 : path;
}

/* One pass, in words. */
static const char *read_all(struct fixture *x) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        const struct hv_diag *d;
        bool missing;
        size_t n;

        hv_files_read(x->files, &missing, diags);
        if (missing)
                hv_buf_puts(&out, "missing ");
        for (size_t i = 0; i < hv_files_count(x->files); i++) {
                struct hv_spec_file f = hv_files_get(x->files, i);

                assert_int_equal(f.primary, hv_streq(short_name(x, f.name), "node.yaml"));
                hv_buf_printf(&out, "%s=%.*s ", short_name(x, f.name), (int) f.len, f.text);
        }
        d = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                hv_buf_printf(&out, "%s:%s ", short_name(x, d[i].file), d[i].code);
        free(x->seen);
        x->seen = hv_buf_steal(&out);
        if (*x->seen)
                x->seen[strlen(x->seen) - 1] = '\0';
        return x->seen;
}

static void make_files(struct fixture *x, bool watched) {
        struct hv_err err = {};

        x->files = hv_files_free(x->files);
        x->files =
                hv_files_new(&(struct hv_files_options){ .config = scratch_path(x->scratch, "node.yaml"),
                                                         .config_dir = scratch_path(x->scratch, "conf.d") });
        if (watched && hv_files_watch(x->files, x->event, on_change, x, &err) < 0)
                fail_msg("%s", err.msg);
}

/* Waits for one word of the watch, and for no more than one. */
static const char *settle(struct fixture *x) {
        unsigned before = x->n_changes;

        hv_test_run_until(x->event, x->n_changes > before);
        return read_all(x);
}

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        (void) scratch_set_up((void **) &x->scratch);
        assert_true(sd_event_new(&x->event) >= 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        (void) hv_files_free(x->files);
        (void) sd_event_unref(x->event);
        (void) scratch_tear_down((void **) &x->scratch);
        free(x->seen);
        free(x);
        return 0;
}

static int set_up_watched(void **state) {
        struct fixture *x;

        (void) set_up(state);
        x = *state;
        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "node.yaml", "N");
        scratch_write(x->scratch, "conf.d/10.yaml", "A");
        make_files(x, true);
        assert_string_equal(read_all(x), "node.yaml=N conf.d/10.yaml=A");
        return 0;
}

/* --- without a watch --- */

static void files_come_in_order_and_others_do_not(void **state) {
        static const char *const others[] = { "20.yml",           "20.yaml~",  ".20.yaml",  ".20.yaml.swp",
                                              "#20.yaml",         "#20.yaml#", ".#20.yaml", "20.yaml.bak",
                                              "20.yaml.dpkg-new", "README",    ".yaml" };
        struct fixture *x = *state;

        scratch_mkdir(x->scratch, "conf.d");
        for (size_t i = 0; i < HV_ARRAY_SIZE(others); i++) {
                _hv_cleanup_free_ char *name = hv_asprintf("conf.d/%s", others[i]);

                scratch_write(x->scratch, name, "no");
        }
        scratch_write(x->scratch, "conf.d/b.yaml", "B");
        scratch_write(x->scratch, "conf.d/a.yaml", "A");
        scratch_write(x->scratch, "node.yaml", "N");
        make_files(x, false);
        assert_string_equal(read_all(x), "node.yaml=N conf.d/a.yaml=A conf.d/b.yaml=B");
}

static void what_cannot_be_read_is_a_finding_each(void **state) {
        struct fixture *x = *state;

        scratch_mkdir(x->scratch, "conf.d");
        scratch_mkdir(x->scratch, "conf.d/dir.yaml");
        scratch_write_mode(x->scratch, "conf.d/open.yaml", "no", 0666);
        scratch_write(x->scratch, "conf.d/good.yaml", "A");
        assert_int_equal(symlink("good.yaml", scratch_path(x->scratch, "conf.d/link.yaml")), 0);
        make_files(x, false);
        assert_string_equal(read_all(x),
                            "missing conf.d/good.yaml=A conf.d/dir.yaml:E0001 conf.d/link.yaml:E0001 "
                            "conf.d/open.yaml:E0009");
}

static void a_directory_that_others_can_write_to_is_refused(void **state) {
        struct fixture *x = *state;

        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "conf.d/a.yaml", "A");
        scratch_write(x->scratch, "node.yaml", "N");
        assert_int_equal(chmod(scratch_path(x->scratch, "conf.d"), 0777), 0);
        make_files(x, false);
        assert_string_equal(read_all(x), "node.yaml=N conf.d:E0009");
}

static void a_directory_may_be_missing_until_it_was_there(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", "N");
        make_files(x, false);
        assert_string_equal(read_all(x), "node.yaml=N");
        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "conf.d/a.yaml", "A");
        assert_string_equal(read_all(x), "node.yaml=N conf.d/a.yaml=A");
        assert_int_equal(rename(scratch_path(x->scratch, "conf.d"), scratch_path(x->scratch, "elsewhere")),
                         0);
        /* what it held is kept, and told */
        assert_string_equal(read_all(x), "node.yaml=N conf.d:E0001");
        make_files(x, false);
        hv_files_expect_dir(x->files);
        assert_string_equal(read_all(x), "node.yaml=N conf.d:E0001");
}

/* --- watched --- */

static void each_way_to_change_a_file_is_noticed(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "conf.d/10.yaml", "A2");
        assert_string_equal(settle(x), "node.yaml=N conf.d/10.yaml=A2");
        scratch_write(x->scratch, "new", "N2");
        assert_int_equal(rename(scratch_path(x->scratch, "new"), scratch_path(x->scratch, "node.yaml")), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=A2");
        scratch_write(x->scratch, "conf.d/20.yaml", "B");
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=A2 conf.d/20.yaml=B");
        assert_int_equal(rename(scratch_path(x->scratch, "conf.d/10.yaml"), scratch_path(x->scratch, "x")),
                         0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/20.yaml=B");
        assert_int_equal(link(scratch_path(x->scratch, "x"), scratch_path(x->scratch, "conf.d/15.yaml")), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/15.yaml=A2 conf.d/20.yaml=B");
        assert_int_equal(unlink(scratch_path(x->scratch, "conf.d/20.yaml")), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/15.yaml=A2");
        assert_int_equal(chmod(scratch_path(x->scratch, "conf.d/15.yaml"), 0666), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/15.yaml:E0009");
        assert_int_equal(chmod(scratch_path(x->scratch, "conf.d/15.yaml"), 0600), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/15.yaml=A2");
        assert_int_equal(unlink(scratch_path(x->scratch, "node.yaml")), 0);
        assert_string_equal(settle(x), "missing conf.d/15.yaml=A2");
}

static void a_file_is_never_read_while_it_is_written(void **state) {
        struct fixture *x = *state;
        int fd;

        fd = open(scratch_path(x->scratch, "conf.d/10.yaml"), O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, "half", 4), 4);
        scratch_write(x->scratch, "node.yaml", "N2"); /* something else changes meanwhile */
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=A");
        assert_int_equal(write(fd, "+half", 5), 5);
        assert_int_equal(close(fd), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=half+half");
}

static void a_new_file_is_not_read_before_it_is_closed(void **state) {
        struct fixture *x = *state;
        int fd = open(scratch_path(x->scratch, "conf.d/20.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, "half", 4), 4);
        scratch_write(x->scratch, "node.yaml", "N2");
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=A");
        assert_int_equal(close(fd), 0);
        assert_string_equal(settle(x), "node.yaml=N2 conf.d/10.yaml=A conf.d/20.yaml=half");
}

/* What else happens beside the files: no reason to read, long after it would have settled. */
static int set_flag(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        *(bool *) userdata = true;
        return 0;
}

static void neighbours_do_not_matter(void **state) {
        struct fixture *x = *state;
        sd_event_source *s = NULL;
        bool later = false;

        scratch_write(x->scratch, "other.yaml", "x");
        scratch_write(x->scratch, "conf.d/.10.yaml.swp", "x");
        scratch_write(x->scratch, "conf.d/10.yaml~", "x");
        assert_true(sd_event_add_time_relative(x->event, &s, CLOCK_MONOTONIC,
                                               3 * HV_WATCH_QUIET_MS * HV_USEC_PER_MSEC, 1, set_flag,
                                               &later) >= 0);
        hv_test_run_until(x->event, later);
        (void) sd_event_source_disable_unref(s);
        assert_int_equal(x->n_changes, 0);
}

static void a_burst_is_one_change(void **state) {
        struct fixture *x = *state;

        for (int i = 0; i < 50; i++)
                scratch_write(x->scratch, "conf.d/10.yaml", i % 2 ? "odd" : "even");
        assert_string_equal(settle(x), "node.yaml=N conf.d/10.yaml=odd");
        assert_int_equal(x->n_changes, 1);
}

/* Somebody touches a file for ever, more often than the quiet time: the cap still lets the change through. */
static int touch_again(sd_event_source *s, uint64_t usec, void *userdata) {
        struct fixture *x = userdata;

        scratch_write(x->scratch, "conf.d/10.yaml", "again");
        (void) sd_event_source_set_time(s, usec + 20 * HV_USEC_PER_MSEC);
        (void) sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static void a_change_without_end_is_let_through(void **state) {
        struct fixture *x = *state;
        sd_event_source *s = NULL;

        assert_true(sd_event_add_time_relative(x->event, &s, CLOCK_MONOTONIC, 0, 1, touch_again, x) >= 0);
        assert_string_equal(settle(x), "node.yaml=N conf.d/10.yaml=again");
        (void) sd_event_source_disable_unref(s);
}

static void what_is_not_there_yet_is_noticed_when_it_comes(void **state) {
        struct fixture *x = *state;
        struct hv_err err = {};

        x->files =
                hv_files_new(&(struct hv_files_options){ .config = scratch_path(x->scratch, "a/b/node.yaml"),
                                                         .config_dir = scratch_path(x->scratch, "a/c/d") });
        assert_int_equal(hv_files_watch(x->files, x->event, on_change, x, &err), 0);
        scratch_mkdir(x->scratch, "a");
        (void) settle(x);
        scratch_mkdir(x->scratch, "a/c");
        scratch_mkdir(x->scratch, "a/c/d");
        scratch_write(x->scratch, "a/c/d/1.yaml", "D");
        assert_string_equal(settle(x), "missing a/c/d/1.yaml=D");
        scratch_write(x->scratch, "a/c/d/2.yaml", "E");
        assert_string_equal(settle(x), "missing a/c/d/1.yaml=D a/c/d/2.yaml=E");
}

static void a_directory_that_is_replaced_is_followed(void **state) {
        struct fixture *x = *state;

        scratch_mkdir(x->scratch, "next");
        scratch_write(x->scratch, "next/30.yaml", "C");
        assert_int_equal(rename(scratch_path(x->scratch, "conf.d"), scratch_path(x->scratch, "old")), 0);
        assert_int_equal(rename(scratch_path(x->scratch, "next"), scratch_path(x->scratch, "conf.d")), 0);
        assert_string_equal(settle(x), "node.yaml=N conf.d/30.yaml=C");
        scratch_write(x->scratch, "conf.d/40.yaml", "D");
        assert_string_equal(settle(x), "node.yaml=N conf.d/30.yaml=C conf.d/40.yaml=D");
        scratch_write(x->scratch, "old/50.yaml", "not ours any more");
        hv_test_drain(x->event);
        assert_string_equal(read_all(x), "node.yaml=N conf.d/30.yaml=C conf.d/40.yaml=D");
}

static void a_parent_that_is_replaced_is_followed(void **state) {
        struct fixture *x = *state;
        struct hv_err err = {};

        scratch_mkdir(x->scratch, "etc");
        scratch_mkdir(x->scratch, "etc/d");
        x->files =
                hv_files_new(&(struct hv_files_options){ .config = scratch_path(x->scratch, "etc/node.yaml"),
                                                         .config_dir = scratch_path(x->scratch, "etc/d") });
        assert_int_equal(hv_files_watch(x->files, x->event, on_change, x, &err), 0);
        assert_string_equal(read_all(x), "missing");
        scratch_mkdir(x->scratch, "etc2");
        scratch_mkdir(x->scratch, "etc2/d");
        scratch_write(x->scratch, "etc2/d/1.yaml", "A");
        assert_int_equal(renameat2(AT_FDCWD, scratch_path(x->scratch, "etc"), AT_FDCWD,
                                   scratch_path(x->scratch, "etc2"), RENAME_EXCHANGE),
                         0);
        assert_string_equal(settle(x), "missing etc/d/1.yaml=A");
        scratch_write(x->scratch, "etc/d/2.yaml", "B");
        assert_string_equal(settle(x), "missing etc/d/1.yaml=A etc/d/2.yaml=B");
}

/* The kernel drops what does not fit into its queue: then everything is read again. */
static void a_flood_loses_nothing(void **state) {
        struct fixture *x = *state;
        FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
        int max = 0;

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%d", &max), 1);
        (void) fclose(f);
        /* Two names by turns, for equal events in a row are one. */
        scratch_write(x->scratch, "one", "");
        scratch_write(x->scratch, "two", "");
        for (int i = 0; i < max + 10; i++)
                assert_int_equal(chmod(scratch_path(x->scratch, i % 2 ? "one" : "two"), 0600), 0);
        scratch_write(x->scratch, "conf.d/10.yaml", "lost");
        scratch_write(x->scratch, "conf.d/20.yaml", "lost too");
        assert_string_equal(settle(x), "node.yaml=N conf.d/10.yaml=lost conf.d/20.yaml=lost too");
}

static void forgetting_reads_everything(void **state) {
        struct fixture *x = *state;
        int fd = open(scratch_path(x->scratch, "conf.d/10.yaml"), O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_int_equal(write(fd, "by force", 8), 8);
        hv_test_drain(x->event);
        assert_string_equal(read_all(x), "node.yaml=N conf.d/10.yaml=A");
        hv_files_forget(x->files);
        assert_string_equal(read_all(x), "node.yaml=N conf.d/10.yaml=by force");
        assert_int_equal(close(fd), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define W(f) cmocka_unit_test_setup_teardown(f, set_up_watched, tear_down)
        const struct CMUnitTest tests[] = {
                T(files_come_in_order_and_others_do_not),
                T(what_cannot_be_read_is_a_finding_each),
                T(a_directory_that_others_can_write_to_is_refused),
                T(a_directory_may_be_missing_until_it_was_there),
                W(each_way_to_change_a_file_is_noticed),
                W(a_file_is_never_read_while_it_is_written),
                W(a_new_file_is_not_read_before_it_is_closed),
                W(neighbours_do_not_matter),
                W(a_burst_is_one_change),
                W(a_change_without_end_is_let_through),
                T(what_is_not_there_yet_is_noticed_when_it_comes),
                W(a_directory_that_is_replaced_is_followed),
                T(a_parent_that_is_replaced_is_followed),
                W(a_flood_loses_nothing),
                W(forgetting_reads_everything),
        };

        return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}

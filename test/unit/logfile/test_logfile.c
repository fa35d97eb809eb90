/* logfile: every line is in one file, whatever is full, moved or in the way; and nothing else in the folder is touched. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "log/log.h"
#include "logfile/folder.h"
#include "logfile/form.h"
#include "logfile/logfile.h"
#include "logfile/rotated.h"
#include "logfile/tail.h"
#include "json/json.h"

#define NOW (UINT64_C(1800000000) * HV_USEC_PER_SEC)
#define LINE_BYTES 10 /* "line 0001\n" */

struct bench {
        char top[64], folder[80];
        struct hv_logfile *f;
};

static int set_up(void **state) {
        struct bench *b = HV_NEW(struct bench);

        (void) snprintf(b->top, sizeof b->top, "/tmp/hivelet-test-logfile-XXXXXX");
        assert_non_null(mkdtemp(b->top));
        (void) snprintf(b->folder, sizeof b->folder, "%s/log", b->top);
        (void) umask(077); /* the agent's */
        *state = b;
        return 0;
}

static int tear_down(void **state) {
        struct bench *b = *state;
        char command[128];

        (void) snprintf(command, sizeof command, "rm -rf %s", b->top);
        assert_int_equal(system(command), 0);
        hv_logfile_free(b->f);
        free(b);
        return 0;
}

static void begin(struct bench *b, const struct hv_logfile_limits *limits) {
        hv_logfile_free(b->f);
        b->f = hv_logfile_new(b->folder, "x.log", limits);
}

static int write_line(struct bench *b, unsigned number, struct hv_err *err) {
        char line[LINE_BYTES + 1];

        (void) snprintf(line, sizeof line, "line %04u\n", number % 10000);
        return hv_logfile_write(b->f, NOW, line, LINE_BYTES, err);
}

static void write_lines(struct bench *b, unsigned from, unsigned to) {
        struct hv_err err = {};

        for (unsigned i = from; i <= to; i++)
                if (write_line(b, i, &err) < 0)
                        fail_msg("line %u: %s", i, err.msg);
}

static char *path_of(const struct bench *b, const char *name) {
        return hv_asprintf("%s/%s", b->folder, name);
}

static char *text_of(const struct bench *b, const char *name) {
        _hv_cleanup_free_ char *path = path_of(b, name);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct hv_buf text = {};
        char buf[4096];
        ssize_t n;

        if (fd < 0)
                return NULL;
        while ((n = read(fd, buf, sizeof buf)) > 0)
                hv_buf_add(&text, buf, (size_t) n);
        return hv_buf_steal(&text);
}

static void put(const struct bench *b, const char *name, const char *text) {
        _hv_cleanup_free_ char *path = path_of(b, name);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(hv_fd_write(fd, text, strlen(text)), 0);
}

static void holds(const struct bench *b, const char *name, const char *expected) {
        _hv_cleanup_free_ char *text = text_of(b, name);

        if (!hv_streq(text, expected))
                fail_msg("%s: \"%s\", expected \"%s\"", name, text ?: "(none)", expected ?: "(none)");
}

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

/* ---- writing and rotating ---- */

static void folder_and_files_are_made_for_those_who_read_logs(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *log = path_of(b, "x.log"), *full = path_of(b, "x.log.1");

        begin(b, &(struct hv_logfile_limits){ .file_bytes = LINE_BYTES });
        write_lines(b, 1, 2);
        assert_int_equal(mode_of(b->folder), 0750);
        assert_int_equal(mode_of(log), 0640);
        assert_int_equal(mode_of(full), 0640);
}

static void nothing_is_lost_at_the_edge(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf all = {};
        const size_t n_lines = 500, at_most = 7 * LINE_BYTES + 3;
        struct hv_err err = {};

        begin(b, &(struct hv_logfile_limits){ .file_bytes = at_most });
        for (unsigned i = 1; i <= n_lines; i++) {
                write_lines(b, i, i);
                if (i % 50 == 0) /* another run of the agent */
                        begin(b, &(struct hv_logfile_limits){ .file_bytes = at_most });
        }
        assert_int_equal(hv_logfile_tail(b->folder, "x.log", SIZE_MAX, 1 << 20, &all, &err), 0);
        assert_int_equal(all.len, n_lines * LINE_BYTES);
        for (unsigned i = 1; i <= n_lines; i++) {
                char line[LINE_BYTES + 1];

                (void) snprintf(line, sizeof line, "line %04u\n", i);
                assert_memory_equal(all.data + (size_t) (i - 1) * LINE_BYTES, line, LINE_BYTES);
        }
        holds(b, "x.log.1", "line 0491\nline 0492\nline 0493\nline 0494\nline 0495\nline 0496\nline 0497\n");
        holds(b, "x.log", "line 0498\nline 0499\nline 0500\n");
}

static void the_oldest_go(void **state) {
        struct bench *b = *state;

        begin(b, &(struct hv_logfile_limits){ .file_bytes = LINE_BYTES, .files = 3 });
        write_lines(b, 1, 9);
        holds(b, "x.log", "line 0009\n");
        holds(b, "x.log.1", "line 0008\n");
        holds(b, "x.log.2", "line 0007\n");
        holds(b, "x.log.3", NULL);
        /* By size: the one that is written may become full. */
        hv_logfile_set_limits(b->f, &(struct hv_logfile_limits){ .file_bytes = (uint64_t) 2 * LINE_BYTES,
                                                                 .total_bytes = (uint64_t) 5 * LINE_BYTES });
        write_lines(b, 10, 16);
        holds(b, "x.log", "line 0015\nline 0016\n");
        holds(b, "x.log.1", "line 0013\nline 0014\n");
        holds(b, "x.log.2", NULL);
}

static void age_fills_a_file_too(void **state) {
        struct bench *b = *state;
        const uint64_t now_us = (uint64_t) time(NULL) * HV_USEC_PER_SEC;

        begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000, .age_us = HV_USEC_PER_DAY });
        assert_int_equal(hv_logfile_write(b->f, now_us, "a\n", 2, NULL), 0);
        assert_int_equal(hv_logfile_write(b->f, now_us + HV_USEC_PER_DAY / 2, "b\n", 2, NULL), 0);
        holds(b, "x.log", "a\nb\n");
        assert_int_equal(hv_logfile_write(b->f, now_us + 2 * HV_USEC_PER_DAY, "c\n", 2, NULL), 0);
        holds(b, "x.log.1", "a\nb\n");
        holds(b, "x.log", "c\n");
}

static void a_line_that_the_end_of_the_machine_cut_is_ended(void **state) {
        struct bench *b = *state;

        assert_int_equal(mkdir(b->folder, 0700), 0);
        put(b, "x.log", "whole\ncut in the mid");
        begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000 });
        write_lines(b, 1, 1);
        holds(b, "x.log", "whole\ncut in the mid\nline 0001\n");
}

/* ---- faults ---- */

static void a_full_disk_leaves_no_half_of_a_line(void **state) {
        struct bench *b = *state;
        struct rlimit before, tight;
        struct hv_err err = {};

        begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000 });
        write_lines(b, 1, 2);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        tight = (struct rlimit){ 2 * LINE_BYTES + 4, before.rlim_max };
        (void) signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        assert_int_equal(write_line(b, 3, &err), -EFBIG);
        assert_non_null(strstr(err.msg, b->folder));
        assert_int_equal(write_line(b, 4, &err), -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        write_lines(b, 5, 5);
        holds(b, "x.log", "line 0001\nline 0002\nline 0005\n");
}

static void what_was_moved_away_is_made_anew(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *log = path_of(b, "x.log"), *away = path_of(b, "away"),
                               *other = hv_asprintf("%s/other", b->top),
                               *gone = hv_asprintf("%s.gone", b->top);
        struct hv_err err = {};
        int r;

        begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000 });
        write_lines(b, 1, 1);
        assert_int_equal(rename(log, away), 0);
        write_lines(b, 2, 2);
        holds(b, "away", "line 0001\n");
        holds(b, "x.log", "line 0002\n");
        assert_int_equal(rename(b->folder, other), 0);
        write_lines(b, 3, 3);
        holds(b, "x.log", "line 0003\n");
        /* Not more than the folder itself is made. */
        assert_int_equal(rename(b->top, gone), 0);
        r = write_line(b, 4, &err);
        assert_int_equal(rename(gone, b->top), 0);
        assert_int_equal(r, -ENOENT);
        assert_non_null(strstr(err.msg, b->folder));
        write_lines(b, 5, 5);
        holds(b, "x.log", "line 0003\nline 0005\n");
}

static void what_is_no_log_of_ours_is_not_written(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *log = path_of(b, "x.log"), *other = path_of(b, "other");
        struct hv_err err = {};

        assert_int_equal(mkdir(b->folder, 0700), 0);
        begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000 });
        put(b, "other", "precious\n");
        assert_int_equal(symlink("other", log), 0);
        assert_int_equal(write_line(b, 1, &err), -ELOOP);
        assert_int_equal(unlink(log), 0);
        assert_int_equal(link(other, log), 0);
        assert_int_equal(write_line(b, 1, &err), -EPERM);
        assert_int_equal(unlink(log), 0);
        assert_int_equal(mkfifo(log, 0600), 0);
        assert_true(write_line(b, 1, &err) < 0);
        assert_int_equal(unlink(log), 0);
        assert_int_equal(chmod(b->folder, 0770), 0);
        assert_int_equal(write_line(b, 1, &err), -EPERM);
        assert_non_null(strstr(err.msg, "chmod go-w"));
        assert_int_equal(chmod(b->folder, 0755), 0);
        write_lines(b, 1, 1);
        holds(b, "other", "precious\n");
        if (geteuid() == 0) {
                assert_int_equal(chown(b->folder, 1, 1), 0);
                begin(b, &(struct hv_logfile_limits){ .file_bytes = 1000 });
                assert_int_equal(write_line(b, 2, &err), -EPERM);
                assert_non_null(strstr(err.msg, "uid 1"));
        }
}

static void strangers_stay(void **state) {
        static const char *const strangers[] = { "x.log.1.gz", "x.log.old", "x.log.01",
                                                 "x.log.1000", "x.log.",    "x.logs.1" };
        struct bench *b = *state;
        _hv_cleanup_free_ char *in_the_way = path_of(b, "x.log.3"), *first = path_of(b, "x.log.1");
        _hv_cleanup_(hv_fd_closep) int folder = -1;
        struct hv_rotated_files files;
        struct hv_err err = {};

        assert_int_equal(mkdir(b->folder, 0700), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(strangers); i++)
                put(b, strangers[i], strangers[i]);
        assert_int_equal(mkdir(in_the_way, 0700), 0);
        begin(b, &(struct hv_logfile_limits){ .file_bytes = LINE_BYTES });
        write_lines(b, 1, 6);
        holds(b, "x.log", "line 0006\n");
        holds(b, "x.log.1", "line 0005\n");
        holds(b, "x.log.2", "line 0004\n"); /* the oldest gave way, not what stands there */
        for (size_t i = 0; i < HV_ARRAY_SIZE(strangers); i++)
                holds(b, strangers[i], strangers[i]);
        assert_int_equal(mode_of(in_the_way), 0700);

        folder = hv_log_folder_open(b->folder, false, NULL);
        hv_rotated_list(folder, "x.log", &files);
        assert_int_equal(files.n, 2);
        assert_int_equal(files.v[0].number, 1);
        assert_int_equal(files.v[1].bytes, LINE_BYTES);
        hv_rotated_files_done(&files);
        assert_int_equal(hv_rotated_remove(folder, "x.log", 3, &err), -EPERM);
        assert_int_equal(hv_rotated_remove(folder, "x.log", 0, &err), -EPERM);
        assert_int_equal(hv_rotated_remove(folder, "x.log", 2, &err), 0);
        assert_int_equal(hv_rotated_remove(folder, "x.log", 2, &err), 0);

        /* At the very first name it cannot be helped: told, and the log stays as it is. */
        assert_int_equal(unlink(first), 0);
        assert_int_equal(mkdir(first, 0700), 0);
        assert_int_equal(write_line(b, 7, &err), -EEXIST);
        holds(b, "x.log", "line 0006\n");
}

/* A shift that the machine's end broke off left a gap; the next one closes it, and moves no more than it must. */
static void a_gap_is_closed(void **state) {
        struct bench *b = *state;

        assert_int_equal(mkdir(b->folder, 0700), 0);
        put(b, "x.log", "c\n");
        put(b, "x.log.1", "b\n");
        put(b, "x.log.3", "a\n");
        begin(b, &(struct hv_logfile_limits){ .file_bytes = 2 });
        write_lines(b, 1, 1);
        holds(b, "x.log", "line 0001\n");
        holds(b, "x.log.1", "c\n");
        holds(b, "x.log.2", "b\n");
        holds(b, "x.log.3", "a\n");
}

/* ---- reading ---- */

static void tail_is(const struct bench *b, size_t max_lines, size_t max_bytes, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        assert_int_equal(hv_logfile_tail(b->folder, "x.log", max_lines, max_bytes, &text, NULL), 0);
        assert_string_equal(hv_buf_str(&text), expected);
}

static void the_last_lines_are_read_over_all_files(void **state) {
        struct bench *b = *state;
        struct hv_buf none = {};
        struct hv_err err = {};

        assert_int_equal(hv_logfile_tail(b->folder, "x.log", 10, 100, &none, &err), -ENOENT);
        assert_int_equal(mkdir(b->folder, 0700), 0);
        assert_int_equal(hv_logfile_tail(b->folder, "x.log", 10, 100, &none, &err), -ENOENT);
        put(b, "x.log.2", "one\ntwo\n");
        put(b, "x.log.1", "three\n");
        put(b, "x.log", "");
        tail_is(b, 10, 1000, "one\ntwo\nthree\n");
        tail_is(b, 2, 1000, "two\nthree\n");
        tail_is(b, 0, 1000, "");
        tail_is(b, 10, 12, "two\nthree\n"); /* "ne\n" and so on: what is cut is left out */
        tail_is(b, 10, 6, "three\n");
        tail_is(b, 10, 3, "");
        put(b, "x.log", "four\nbeing wri");
        tail_is(b, 2, 1000, "four\nbeing wri");
        tail_is(b, 3, 1000, "three\nfour\nbeing wri");
}

/* ---- form ---- */

static void an_event_is_one_line_with_the_documented_keys(void **state) {
        struct hv_log_record r = { .event = HV_EVENT_TASK_ENDED,
                                   .level = LOG_NOTICE,
                                   .realtime_us = NOW,
                                   .message = "it \"ended\"\nso",
                                   .node_id = "node-7",
                                   .fields = { .kind = "Task", .name = "resize-7", .reason = "Completed" } };
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        (void) state;
        hv_logfile_event(&r, &text);
        assert_string_equal(
                hv_buf_str(&text),
                "{\"timestamp\":\"2027-01-15T08:00:00Z\",\"event_type\":\"TaskEnded\",\"task_id\":\"resize-7\","
                "\"node_id\":\"node-7\",\"details\":{\"level\":\"notice\",\"kind\":\"Task\",\"name\":\"resize-7\","
                "\"reason\":\"Completed\",\"message\":\"it \\\"ended\\\"\\nso\"}}\n");
        hv_buf_clear(&text);
        r.fields = (struct hv_log_fields){ .kind = "Service", .name = "web" };
        r.node_id = NULL;
        hv_logfile_event(&r, &text);
        assert_non_null(strstr(hv_buf_str(&text), "\"task_id\":null,\"node_id\":null,"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(folder_and_files_are_made_for_those_who_read_logs, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(nothing_is_lost_at_the_edge, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_oldest_go, set_up, tear_down),
                cmocka_unit_test_setup_teardown(age_fills_a_file_too, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_line_that_the_end_of_the_machine_cut_is_ended, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_half_of_a_line, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_was_moved_away_is_made_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_no_log_of_ours_is_not_written, set_up, tear_down),
                cmocka_unit_test_setup_teardown(strangers_stay, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_gap_is_closed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_last_lines_are_read_over_all_files, set_up, tear_down),
                cmocka_unit_test(an_event_is_one_line_with_the_documented_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

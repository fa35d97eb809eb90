/* archive: what make_archives.py makes is refused for the reason that its list names, and nothing is touched. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "base/vec.h"
#include "task/archive.h"
#include "task/prepare.h"
#include "transfer/transfer.h"

static const struct hv_task_input_limits small = {
        .max_entries = 300, .max_bytes = 32 << 20, .max_ratio = 200, .ratio_from_bytes = 1 << 20
};

struct told {
        bool done;
        enum hv_prepare_outcome outcome;
        char message[480];
        char sha256[HV_SHA256_HEX_SIZE];
};

static void on_done(void *userdata, const struct hv_prepared *result) {
        struct told *t = userdata;

        t->done = true;
        t->outcome = result->outcome;
        (void) snprintf(t->message, sizeof t->message, "%s", result->message);
        strcpy(t->sha256, result->inputs[0].sha256);
}

/* A whole preparation with this archive as its only input. */
static void prepare(struct bench *b, const char *archive, struct told *ret) {
        struct hv_task *task = HV_NEW(struct hv_task);
        struct hv_task_input in = {
                .type = HV_TASK_INPUT_ARCHIVE, .path = "in", .archive = archive, .max_size_bytes = 1 << 30
        };
        struct hv_prepare_options o = { .event = b->event,
                                        .worker = b->worker,
                                        .task = task,
                                        .attempt = 1,
                                        .owner = { 65534, 65534 },
                                        .work_root = b->work,
                                        .limits = &small,
                                        .done = on_done,
                                        .userdata = ret };

        *task = (struct hv_task){
                .arena = hv_arena_new(), .n_refs = 2, .id = "t", .inputs = &in, .n_inputs = 1
        };
        *ret = (struct told){};
        (void) hv_task_prepare(&o);
        hv_test_run_until(b->event, ret->done);
        (void) hv_arena_free(task->arena);
        free(task);
}

static void run_python(const char *script, const char *argument) {
        _hv_cleanup_free_ char *command =
                hv_asprintf("exec python3 %s/%s %s", HV_SOURCE_DIR, script, argument);

        assert_int_equal(system(command), 0);
}

/* False, and said, when an archive is treated in another way than its list wants. */
static bool is_as_expected(struct bench *b, const char *name, const char *expected, const char *what) {
        bool should_work = hv_streq(expected, "ok");
        struct told told;

        prepare(b, bench_path(b, "archives/%s", name), &told);
        if (told.outcome == HV_PREPARE_OK)
                (void) hv_workspace_remove(b->work, &(struct hv_attempt){ "t", 1 }, NULL, NULL);
        if (should_work != (told.outcome == HV_PREPARE_OK))
                print_error("%s (%s): %s\n", name, what,
                            told.outcome == HV_PREPARE_OK ? "it was taken" : told.message);
        else if (!should_work && (told.outcome != HV_PREPARE_REFUSED || !strstr(told.message, expected)))
                print_error("%s (%s): expected \"%s\", found \"%s\"\n", name, what, expected, told.message);
        else if (!should_work &&
                 (!hv_has_prefix(told.message, "input in: /tmp/") || !strstr(told.message, name)))
                print_error("%s (%s): the input is not named in \"%s\"\n", name, what, told.message);
        else if (bench_count(b->work) != 0)
                print_error("%s (%s) left something in the work directory\n", name, what);
        else
                return true;
        return false;
}

static void hostile_archives_are_refused_with_the_reason(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf before = {}, after = {};
        _hv_cleanup_free_ char *list = NULL;
        unsigned n = 0, n_refused = 0, n_wrong = 0;
        char *save = NULL;

        bench_mkdir(bench_path(b, "archives"));
        run_python("test/unit/task/make_archives.py", bench_path(b, "archives"));
        list = bench_read(bench_path(b, "archives/cases.txt"));
        assert_non_null(list);
        bench_mkdir(b->work);
        bench_write(bench_path(b, "evil"), "as it was");
        bench_digest(b->path, &before);
        for (char *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *expected = strchr(line, '\t'), *what = strchr(expected + 1, '\t');

                *expected++ = *what++ = '\0';
                n_wrong += !is_as_expected(b, line, expected, what);
                n++;
                n_refused += !hv_streq(expected, "ok");
        }
        bench_digest(b->path, &after);
        assert_string_equal(after.data, before.data);
        assert_int_equal(n_wrong, 0);
        assert_true(n_refused >= 120);
        print_message("%u archives, %u of them refused\n", n, n_refused);
}

static void expect_file(const char *path, const char *text, mode_t mode) {
        _hv_cleanup_free_ char *found = bench_read(path);
        struct stat st;

        if (!found || lstat(path, &st) < 0)
                fail_msg("%s is not there", path);
        assert_string_equal(found, text);
        assert_int_equal(st.st_mode & 07777, mode);
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(st.st_gid, 65534);
}

static void honest_archives_come_out_as_they_went_in(void **state) {
        static const char *const archives[] = { "good.tar", "good.tar.gz", "good.tgz" };
        struct bench *b = *state;
        struct told told;

        bench_mkdir(bench_path(b, "archives"));
        run_python("test/unit/task/make_archives.py", bench_path(b, "archives"));
        for (size_t i = 0; i < HV_ARRAY_SIZE(archives); i++) {
                prepare(b, bench_path(b, "archives/%s", archives[i]), &told);
                assert_int_equal(told.outcome, HV_PREPARE_OK);
                expect_file(bench_path(b, "work/t/1/workspace/in/dir/a.txt"), "hello\n", 0644);
                expect_file(bench_path(b, "work/t/1/workspace/in/run"), "#!/bin/sh\n", 0755);
                assert_int_equal(bench_count(bench_path(b, "work/t/1")), 2); /* and inputs.json */
        }
        prepare(b, bench_path(b, "archives/good.txt.gz"), &told);
        expect_file(bench_path(b, "work/t/1/workspace/in/good.txt"), "one file\n", 0644);
        prepare(b, bench_path(b, "archives/good.zip"), &told);
        assert_true(bench_exists(bench_path(b, "work/t/1/workspace/in/übung.txt")));
        expect_file(bench_path(b, "work/t/1/workspace/in/stored"), "y", 0644);
        prepare(b, bench_path(b, "archives/good-utf8.tar"), &told);
        expect_file(bench_path(b, "work/t/1/workspace/in/übung/日本.txt"), "1", 0644);
        prepare(b, bench_path(b, "archives/good-setuid.tar"), &told);
        expect_file(bench_path(b, "work/t/1/workspace/in/su"), "x", 0755);
        prepare(b, bench_path(b, "archives/zip-setuid.zip"), &told);
        expect_file(bench_path(b, "work/t/1/workspace/in/su"), "x", 0755);
}

static void an_archive_is_opened_without_tricks(void **state) {
        struct bench *b = *state;
        struct told told;

        bench_mkdir(bench_path(b, "archives"));
        run_python("test/unit/task/make_archives.py", bench_path(b, "archives"));
        prepare(b, bench_path(b, "archives/none.zip"), &told);
        assert_non_null(strstr(told.message, "none.zip is not there"));
        assert_int_equal(told.outcome, HV_PREPARE_REFUSED);
        assert_int_equal(symlink("good.zip", bench_path(b, "archives/link.zip")), 0);
        prepare(b, bench_path(b, "archives/link.zip"), &told);
        assert_non_null(strstr(told.message, "a symbolic link is on the way"));
        assert_int_equal(mkfifo(bench_path(b, "archives/fifo.zip"), 0600), 0);
        prepare(b, bench_path(b, "archives/fifo.zip"), &told);
        assert_non_null(strstr(told.message, "is not a regular file"));
        prepare(b, "/dev/zero", &told);
        assert_non_null(strstr(told.message, "is not a regular file"));
        prepare(b, bench_path(b, "archives"), &told);
        assert_non_null(strstr(told.message, "is not a regular file"));
}

static void a_full_disk_is_not_the_archive_s_fault(void **state) {
        struct bench *b = *state;
        struct told told;

        bench_mkdir(bench_path(b, "archives"));
        run_python("test/unit/task/make_archives.py", bench_path(b, "archives"));
        bench_mount_small(b->work, "1m");
        prepare(b, bench_path(b, "archives/nested-42.zip"), &told);
        assert_int_equal(told.outcome, HV_PREPARE_OK);
        prepare(b, bench_path(b, "archives/full.tar"), &told);
        assert_int_equal(told.outcome, HV_PREPARE_REFUSED);
        bench_write(bench_path(b, "archives/full.tar"), "x");
        assert_int_equal(truncate(bench_path(b, "archives/full.tar"), 4 << 20), 0);
        prepare(b, bench_path(b, "archives/full.tar"), &told);
        assert_int_equal(told.outcome, HV_PREPARE_FAILED);
        assert_non_null(strstr(told.message, "full.tar cannot be copied: No space left on device"));
        assert_int_equal(bench_count(b->work), 0);
        bench_unmount(b->work);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(hostile_archives_are_refused_with_the_reason),
                ROW(honest_archives_come_out_as_they_went_in),
                ROW(an_archive_is_opened_without_tricks),
                ROW(a_full_disk_is_not_the_archive_s_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

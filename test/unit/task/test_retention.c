/* retention: what was kept long enough goes, and of too much the oldest; nothing else does. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "task/collect.h"
#include "task/kept.h"
#include "task/measure.h"
#include "task/results.h"
#include "task/retention.h"
#include "json/json.h"

#define HOUR HV_USEC_PER_HOUR
#define BIG_BYTES (256u << 10)

static void on_collected(void *userdata, const struct hv_collected *result) {
        bool *done = userdata;

        assert_int_equal(result->error, 0);
        *done = true;
}

/* A result with one file of BIG_BYTES and a log of one line. */
static void make(struct bench *b, const char *id, unsigned attempt, uint64_t keep_us) {
        static const char *const outputs[] = { "out" };
        struct hv_owner nobody = { 65534, 65534 };
        struct hv_workspace w = HV_WORKSPACE_NONE;
        bool is_done = false;
        struct hv_collect_options o = { .worker = b->worker,
                                        .work_root = b->work,
                                        .results_root = b->results,
                                        .attempt = { id, attempt },
                                        .outputs = { (const char **) outputs, 1 },
                                        .max_bytes = UINT64_MAX,
                                        .max_files = 10,
                                        .keep_us = keep_us,
                                        .done = on_collected,
                                        .userdata = &is_done };
        _hv_cleanup_free_ char *text = hv_malloc(BIG_BYTES + 1);
        struct hv_collect *c;
        int fd;

        assert_int_equal(hv_workspace_make(b->work, &o.attempt, &nobody, NULL, &w, NULL), 0);
        memset(text, 'x', BIG_BYTES);
        fd = openat(w.fd, "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, text, BIG_BYTES), BIG_BYTES);
        (void) close(fd);
        hv_workspace_close(&w);
        c = hv_collect_new(&o);
        (void) hv_collect_log(c, HV_LOG_FROM_STDOUT, "said\n", 5);
        hv_collect_finish(c);
        hv_test_run_until(b->event, is_done);
}

struct round {
        bool done;
        struct hv_retained r;
};

static void on_round(void *userdata, const struct hv_retained *result) {
        struct round *round = userdata;

        round->done = true;
        round->r = *result;
        round->r.message = NULL;
}

static struct hv_retained look(struct bench *b, const struct hv_retention_task *tasks, size_t n,
                               uint64_t now_us, uint64_t max_bytes) {
        struct round round = {};
        const struct hv_retention_options o = { .worker = b->worker,
                                                .results_root = b->results,
                                                .tasks = tasks,
                                                .n_tasks = n,
                                                .now_us = now_us,
                                                .max_bytes = max_bytes,
                                                .done = on_round,
                                                .userdata = &round };

        (void) hv_retention_new(&o);
        hv_test_run_until(b->event, round.done);
        return round.r;
}

static bool has(struct bench *b, const char *path) {
        return bench_exists(bench_path(b, "results/%s", path));
}

static void files_go_when_their_time_is_over(void **state) {
        static const struct hv_retention_task tasks[] = { { "early", 1 * HOUR, 2 }, { "late", 5 * HOUR, 1 } };
        _hv_cleanup_(hv_results_freep) struct hv_results *results = NULL;
        struct hv_result_file file = { .fd = -1 };
        struct hv_result_stream *stream;
        struct bench *b = *state;
        struct hv_retained r;
        struct hv_err err = {};

        make(b, "early", 1, 2 * HOUR);
        make(b, "early", 2, 9 * HOUR);
        make(b, "late", 1, 2 * HOUR);
        make(b, "lives", 1, 0);
        r = look(b, tasks, 2, 3 * HOUR - 1, 0);
        assert_int_equal(r.n_expired, 0);
        assert_true(r.bytes > 4 * BIG_BYTES);
        r = look(b, tasks, 2, 3 * HOUR, 0);
        assert_int_equal(r.error, 0);
        assert_int_equal(r.n_expired, 1);
        assert_in_range(r.bytes, 3 * BIG_BYTES, 4 * BIG_BYTES);
        assert_false(has(b, "early/1/files"));
        assert_true(has(b, "early/1/manifest.json"));
        assert_true(has(b, "early/1/log"));
        assert_true(has(b, "early/2/files/out"));
        assert_true(has(b, "late/1/files/out"));
        assert_true(has(b, "lives/1/files/out")); /* nobody said that it ended */
        assert_int_equal(look(b, tasks, 2, 3 * HOUR, 0).n_expired, 0);

        assert_int_equal(hv_results_open(b->results, &(struct hv_attempt){ "early", 1 }, &results, NULL), 0);
        assert_string_equal(hv_results_removed(results), "they were kept for 2h (outputs.keep)");
        assert_int_equal(hv_results_open_file(results, "out", &file, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "outputs.keep"));
        assert_int_equal(hv_result_stream_new(results, HV_RESULT_TAR, &stream, &err), -ENOENT);
        assert_int_equal(hv_json_size(hv_json_get(hv_results_manifest(results), "files")), 1);
        assert_int_equal(hv_results_open_log(results, &file, NULL), 0);
        (void) close(file.fd);
}

static void of_too_much_the_oldest_goes(void **state) {
        static const struct hv_retention_task tasks[] = { { "third", 30 * HOUR, 1 },
                                                          { "first", 10 * HOUR, 1 },
                                                          { "second", 20 * HOUR, 1 } };
        struct bench *b = *state;
        struct hv_retained r;

        make(b, "third", 1, 1000 * HOUR);
        make(b, "second", 1, 1000 * HOUR);
        make(b, "first", 1, 1000 * HOUR);
        make(b, "lives", 1, 1000 * HOUR);
        assert_int_equal(look(b, tasks, 3, 31 * HOUR, 5 * BIG_BYTES).n_evicted, 0);
        r = look(b, tasks, 3, 31 * HOUR, 3 * BIG_BYTES);
        assert_int_equal(r.n_evicted, 2); /* manifests and directories take some, too */
        assert_true(r.bytes <= 3 * BIG_BYTES);
        assert_false(has(b, "first/1/files"));
        assert_false(has(b, "first/1/log"));
        assert_true(has(b, "first/1/manifest.json"));
        assert_false(has(b, "second/1/files"));
        assert_true(has(b, "third/1/files/out"));
        assert_true(has(b, "lives/1/files/out"));
        /* What nobody may touch may be above the cap: it stays. */
        r = look(b, tasks, 3, 31 * HOUR, 1);
        assert_false(has(b, "third/1/files"));
        assert_true(has(b, "lives/1/files/out"));
        assert_true(r.bytes > 1);
}

static void a_removal_cut_short_is_finished(void **state) {
        static const struct hv_retention_task task = { "t", HOUR, 1 };
        struct bench *b = *state;
        struct hv_kept k = { .outputs_us = HOUR, .removed = "for a reason" };
        int fd;

        make(b, "t", 1, HOUR);
        fd = open(bench_path(b, "results/t/1"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(hv_kept_write(fd, &k, NULL), 0); /* and there it was killed */
        assert_int_equal(look(b, &task, 1, HOUR, 0).n_expired, 1);
        assert_false(has(b, "t/1/files"));
        assert_true(hv_kept_read(fd, &k));
        assert_string_equal(k.removed, "for a reason");
        (void) close(fd);
}

static void what_a_tree_takes(void **state) {
        struct hv_measured sum = {};
        struct bench *b = *state;
        char path[4096];
        size_t len;
        int fd;

        bench_mkdir(bench_path(b, "m/deep"));
        bench_write(bench_path(b, "m/deep/file"), "x");
        assert_int_equal(symlink("/", bench_path(b, "m/out")), 0);
        assert_int_equal(link(bench_path(b, "m/deep/file"), bench_path(b, "m/again")), 0);
        fd = open(bench_path(b, "m/hole"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(ftruncate(fd, 1 << 30), 0);
        (void) close(fd);
        fd = open(bench_path(b, "m"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(hv_measure_tree(fd, NULL, &sum), 0);
        assert_int_equal(sum.n_entries, 5);
        assert_in_range(sum.bytes, 1, 64 << 10);
        assert_false(sum.is_too_deep);
        len = (size_t) snprintf(path, sizeof path, "%s", bench_path(b, "m"));
        for (unsigned i = 0; i < HV_MEASURE_DEPTH_MAX + 2; i++) {
                len += (size_t) snprintf(path + len, sizeof path - len, "/d");
                assert_int_equal(mkdir(path, 0755), 0);
        }
        assert_int_equal(hv_measure_tree(fd, NULL, &sum), 0);
        assert_true(sum.is_too_deep);
        (void) close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(files_go_when_their_time_is_over),
                ROW(of_too_much_the_oldest_goes),
                ROW(a_removal_cut_short_is_finished),
                ROW(what_a_tree_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

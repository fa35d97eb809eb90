/* results: what can be read of a result, and that nothing else can. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/collect.h"
#include "task/result_zip.h"
#include "task/results.h"
#include "json/json.h"

static const struct hv_attempt first = { "t", 1 };
static const char *const results_only[] = { "results", NULL };

static void on_done(void *userdata, const struct hv_collected *result) {
        assert_int_equal(result->error, 0);
        *(bool *) userdata = true;
}

static void make_result(struct bench *b) {
        struct hv_workspace w = bench_workspace(b, "t");
        bool done = false;
        struct hv_collect_options o = { .worker = b->worker,
                                        .work_root = b->work,
                                        .results_root = b->results,
                                        .attempt = first,
                                        .outputs = { results_only, 1 },
                                        .max_bytes = 64 << 20,
                                        .max_files = 100,
                                        .done = on_done,
                                        .userdata = &done };
        _hv_cleanup_free_ char *big = hv_malloc((3 << 20) + 1);
        struct hv_collect *c;

        hv_workspace_close(&w);
        memset(big, 'b', 3 << 20);
        big[3 << 20] = '\0';
        bench_mkdir(bench_path(b, "work/t/1/workspace/results/sub"));
        bench_write(bench_path(b, "work/t/1/workspace/results/big"), big);
        bench_write(bench_path(b, "work/t/1/workspace/results/empty"), "");
        bench_write(bench_path(b, "work/t/1/workspace/results/sub/a.txt"), "hello");
        bench_write(bench_path(b, "work/t/1/workspace/results/sub/\xc3\xbc"), "utf8");
        bench_write(bench_path(b, "work/t/1/workspace/results/sub/\xff"), "raw");
        assert_int_equal(chmod(bench_path(b, "work/t/1/workspace/results/sub/a.txt"), 0755), 0);
        c = hv_collect_new(&o);
        (void) hv_collect_log(c, HV_LOG_FROM_STDOUT, "out 1\n", 6);
        (void) hv_collect_log(c, HV_LOG_FROM_STDERR, "err 1\n", 6);
        (void) hv_collect_log(c, HV_LOG_FROM_STDOUT, "out 2\n", 6);
        hv_collect_finish(c);
        hv_test_run_until(b->event, done);
}

static struct hv_results *open_result(struct bench *b) {
        struct hv_results *r = NULL;
        struct hv_err err = {};

        if (hv_results_open(b->results, &first, &r, &err) < 0)
                fail_msg("%s", err.msg);
        return r;
}

static void expect_content(struct hv_result_file *file, const char *content) {
        char hex[HV_SHA256_HEX_SIZE], text[64] = {};

        assert_int_equal(read(file->fd, text, sizeof text - 1), strlen(content));
        (void) close(file->fd);
        assert_string_equal(text, content);
        assert_int_equal(file->size_bytes, strlen(content));
        hv_sha256_hex(content, strlen(content), hex);
        assert_string_equal(file->sha256, hex);
}

static void files_and_log_can_be_read(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_results_freep) struct hv_results *r = NULL;
        struct hv_result_file file;
        uint64_t bytes = 0;

        make_result(b);
        r = open_result(b);
        assert_int_equal(hv_json_int(hv_results_manifest(r), "filesTotal", -1), 5);
        assert_int_equal(hv_results_open_file(r, "results/sub/a.txt", &file, NULL), 0);
        expect_content(&file, "hello");
        assert_int_equal(hv_results_open_file(r, "results/empty", &file, NULL), 0);
        expect_content(&file, "");
        assert_int_equal(hv_results_open_file(r, "results/sub/\xff", &file, NULL), 0);
        expect_content(&file, "raw");
        assert_int_equal(hv_results_open_log(r, &file, NULL), 0);
        expect_content(&file, "out 1\nerr 1\nout 2\n");
        assert_int_equal(hv_results_usage(b->results, NULL, &bytes, NULL), 0);
        assert_in_range(bytes, 3 << 20, 4 << 20);
}

static void nothing_else_can_be_read(void **state) {
        static const char *const paths[] = { "",
                                             "/etc/passwd",
                                             "..",
                                             "../manifest.json",
                                             "../log",
                                             "../../../secret",
                                             "results/../../log",
                                             "results/../../../../secret",
                                             "results",
                                             "results/sub",
                                             "results/none",
                                             "results/empty/x",
                                             "results/link",
                                             "results/linked/file",
                                             "results/fifo",
                                             "." };
        struct bench *b = *state;
        _hv_cleanup_(hv_results_freep) struct hv_results *r = NULL;
        struct hv_result_file file;

        make_result(b);
        bench_mkdir(bench_path(b, "host"));
        bench_write(bench_path(b, "host/file"), "secret");
        bench_write(bench_path(b, "results/secret"), "secret");
        assert_int_equal(symlink("../../../../host/file", bench_path(b, "results/t/1/files/results/link")),
                         0);
        assert_int_equal(symlink(bench_path(b, "host"), bench_path(b, "results/t/1/files/results/linked")),
                         0);
        assert_int_equal(mkfifo(bench_path(b, "results/t/1/files/results/fifo"), 0600), 0);
        r = open_result(b);
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                int e = hv_results_open_file(r, paths[i], &file, NULL);

                if (e != -ENOENT && e != -EINVAL)
                        fail_msg("\"%s\": %d", paths[i], e);
        }
        hv_results_free(HV_STEAL(r));
        assert_int_equal(hv_results_open(b->results, &(struct hv_attempt){ "t", 2 }, &r, NULL), -ENOENT);
        assert_int_equal(hv_results_open(b->results, &(struct hv_attempt){ "..", 1 }, &r, NULL), -EINVAL);
        assert_int_equal(hv_results_open(b->results, &(struct hv_attempt){ "none", 1 }, &r, NULL), -ENOENT);
}

static void one_stream_of_the_log_can_be_read(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_results_freep) struct hv_results *r = NULL;

        make_result(b);
        r = open_result(b);
        for (size_t cap = 1; cap < 20; cap++)
                for (unsigned stream = HV_LOG_FROM_STDOUT; stream <= HV_LOG_FROM_STDERR; stream++) {
                        struct hv_log_reader *l;
                        struct hv_buf text = {};
                        char piece[20];
                        ssize_t n;

                        assert_int_equal(hv_log_reader_new(r, stream, &l, NULL), 0);
                        while ((n = hv_log_reader_fill(l, piece, cap, NULL)) > 0)
                                hv_buf_add(&text, piece, (size_t) n);
                        assert_int_equal(n, 0);
                        assert_string_equal(text.data,
                                            stream == HV_LOG_FROM_STDOUT ? "out 1\nout 2\n" : "err 1\n");
                        hv_log_reader_free(l);
                        hv_buf_done(&text);
                }
}

/* Into a file by odd pieces; what another program makes of it must be the very files. */
static void pack(struct bench *b, enum hv_result_format format, const char *file) {
        _hv_cleanup_(hv_results_freep) struct hv_results *r = open_result(b);
        struct hv_result_stream *s;
        char piece[7777];
        ssize_t n;
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_int_equal(hv_result_stream_new(r, format, &s, NULL), 0);
        while ((n = hv_result_stream_fill(s, piece, sizeof piece, NULL)) > 0)
                assert_int_equal(hv_fd_write(fd, piece, (size_t) n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(hv_result_stream_fill(s, piece, sizeof piece, NULL), 0);
        hv_result_stream_free(s);
        (void) close(fd);
}

static void all_comes_as_tar_or_zip(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *command = NULL;

        make_result(b);
        pack(b, HV_RESULT_TAR, bench_path(b, "all.tar"));
        pack(b, HV_RESULT_ZIP, bench_path(b, "all.zip"));
        bench_mkdir(bench_path(b, "from-tar"));
        command =
                hv_asprintf("cd %s && tar -xpf all.tar -C from-tar && diff -r results/t/1/files from-tar && "
                            "test -x from-tar/results/sub/a.txt && "
                            "python3 -c \"import zipfile; z = zipfile.ZipFile('all.zip'); "
                            "assert z.testzip() is None and len(z.namelist()) == 5; "
                            "assert z.read('results/big') == b'b' * (3 << 20); "
                            "assert z.read('results/sub/\xc3\xbc') == b'utf8'\"",
                            b->path);
        if (system(command) != 0)
                fail_msg("%s", command);
}

static void a_stream_may_be_dropped_half_way(void **state) {
        struct bench *b = *state;
        _hv_cleanup_(hv_results_freep) struct hv_results *r = NULL;

        make_result(b);
        r = open_result(b);
        for (unsigned format = HV_RESULT_TAR; format <= HV_RESULT_ZIP; format++)
                for (unsigned n_fills = 0; n_fills < 4; n_fills++) {
                        struct hv_result_stream *s;
                        char piece[600];

                        assert_int_equal(hv_result_stream_new(r, format, &s, NULL), 0);
                        for (unsigned i = 0; i < n_fills; i++)
                                assert_true(hv_result_stream_fill(s, piece, sizeof piece, NULL) > 0);
                        hv_result_stream_free(s);
                }
}

struct packaged {
        bool done;
        struct hv_result_zip_made result;
        char message[300];
};

static void on_packaged(void *userdata, const struct hv_result_zip_made *result) {
        struct packaged *p = userdata;

        p->done = true;
        p->result = *result;
        (void) snprintf(p->message, sizeof p->message, "%s", result->message);
}

static void package(struct bench *b, struct packaged *p, unsigned attempt) {
        const struct hv_result_zip_extra extras[] = {
                { .name = "execution_log.txt", .text = "Status: Success\n" },
                { .name = "task_logs.txt", .before = "=== begin\n", .after = "=== end\n" },
                { .name = "results/empty", .text = "not empty" },
        };
        const struct hv_result_zip_options o = { .worker = b->worker,
                                                 .results_root = b->results,
                                                 .attempt = { "t", attempt },
                                                 .extras = extras,
                                                 .n_extras = 3,
                                                 .done = on_packaged,
                                                 .userdata = p };

        *p = (struct packaged){};
        (void) hv_result_zip_new(&o);
        assert_false(p->done);
        hv_test_run_until(b->event, p->done);
}

/* What another program reads in the zip: name, size, mode, the beginning of the content. */
static void expect_zip(struct bench *b, const struct packaged *p, const char *expected) {
        static const char script[] =
                "import sys, zipfile, hashlib\n"
                "data = open(sys.argv[1], 'rb').read()\n"
                "z = zipfile.ZipFile(sys.argv[1])\n"
                "assert z.testzip() is None\n"
                "for i in sorted(z.infolist(), key=lambda i: i.filename):\n"
                "    print(ascii(i.filename), i.file_size, oct(i.external_attr >> 16 & 0o777), z.read(i)[:40])\n"
                "print(len(data), hashlib.sha256(data).hexdigest())\n";
        _hv_cleanup_free_ char *command = hv_asprintf("python3 %s/script /proc/%d/fd/%d >%s/told", b->path,
                                                      (int) getpid(), p->result.fd, b->path);
        _hv_cleanup_free_ char *told = NULL, *wanted = NULL;

        bench_write(bench_path(b, "script"), script);
        assert_int_equal(system(command), 0);
        told = bench_read(bench_path(b, "told"));
        wanted = hv_asprintf("%s%llu %s\n", expected, (unsigned long long) p->result.size_bytes,
                             p->result.sha256);
        assert_string_equal(told, wanted);
        (void) close(p->result.fd);
}

static void a_result_becomes_one_zip_file(void **state) {
        struct bench *b = *state;
        struct packaged p;

        make_result(b);
        package(b, &p, 1);
        if (p.result.error)
                fail_msg("%s", p.message);
        expect_zip(b, &p,
                   "'execution_log.txt' 16 0o644 b'Status: Success\\n'\n"
                   "'results/big' 3145728 0o644 b'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'\n"
                   "'results/empty' 9 0o644 b'not empty'\n"
                   "'results/sub/a.txt' 5 0o755 b'hello'\n"
                   "'results/sub/\\xfc' 4 0o644 b'utf8'\n"
                   "'results/sub/\\ufffd' 3 0o644 b'raw'\n"
                   "'task_logs.txt' 36 0o644 b'=== begin\\nout 1\\nerr 1\\nout 2\\n=== end\\n'\n");
        package(b, &p, 0); /* it never ran */
        expect_zip(b, &p,
                   "'execution_log.txt' 16 0o644 b'Status: Success\\n'\n"
                   "'results/empty' 9 0o644 b'not empty'\n"
                   "'task_logs.txt' 18 0o644 b'=== begin\\n=== end\\n'\n");
        package(b, &p, 7);
        assert_int_equal(p.result.error, -ENOENT);
        assert_int_equal(p.result.fd, -1);
        assert_non_null(strstr(p.message, "/t/7"));
}

static void a_package_that_nobody_wants_any_more_is_gone(void **state) {
        struct bench *b = *state;
        struct packaged p = {};
        const struct hv_result_zip_options o = { .worker = b->worker,
                                                 .results_root = b->results,
                                                 .attempt = first,
                                                 .done = on_packaged,
                                                 .userdata = &p };

        make_result(b);
        (void) hv_result_zip_free(hv_result_zip_new(&o));
        (void) hv_result_zip_new(&o);
        b->worker = hv_worker_free(b->worker);
        assert_false(p.done);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(files_and_log_can_be_read),
                ROW(nothing_else_can_be_read),
                ROW(one_stream_of_the_log_can_be_read),
                ROW(all_comes_as_tar_or_zip),
                ROW(a_stream_may_be_dropped_half_way),
                ROW(a_result_becomes_one_zip_file),
                ROW(a_package_that_nobody_wants_any_more_is_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

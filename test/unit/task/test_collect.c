/* collect: what is in a result, what is not, and that it is complete or absent. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/collect.h"
#include "json/json.h"

#define SECRET "root:secret-of-the-host"

struct ended {
        struct bench *b;
        struct hv_collect *collect;
        struct hv_collect_options options;
        bool done, room;
        int error;
        char message[480];
        struct hv_log_summary log;
        struct hv_manifest_summary sum;
        struct hv_json *manifest;
};

static const char *const results_only[] = { "results", NULL };

static void on_room(void *userdata) {
        struct ended *e = userdata;

        e->room = true;
}

static void on_done(void *userdata, const struct hv_collected *result) {
        struct ended *e = userdata;

        e->done = true;
        e->error = result->error;
        (void) snprintf(e->message, sizeof e->message, "%s", result->message);
        e->log = result->log;
        e->sum = result->manifest;
}

static void begin(struct ended *e, struct bench *b) {
        *e = (struct ended){ .b = b };
        e->options = (struct hv_collect_options){ .worker = b->worker,
                                                  .work_root = b->work,
                                                  .results_root = b->results,
                                                  .attempt = { "t", 1 },
                                                  .outputs = { results_only, 1 },
                                                  .max_bytes = 1 << 20,
                                                  .max_files = 100,
                                                  .log_room = on_room,
                                                  .done = on_done,
                                                  .userdata = e };
}

static void finish(struct ended *e) {
        _hv_cleanup_free_ char *text = NULL;
        struct hv_err err = {};
        char hex[HV_SHA256_HEX_SIZE];

        hv_collect_finish(e->collect);
        hv_test_run_until(e->b->event, e->done);
        text = bench_read(bench_path(e->b, "results/t/1/manifest.json"));
        assert_false(bench_exists(bench_path(e->b, "results/t/1.tmp")));
        if (!text)
                return;
        hv_sha256_hex(text, strlen(text), hex);
        if (e->error == 0)
                assert_string_equal(hex, e->sum.sha256);
        if (hv_json_parse(text, strlen(text), HV_JSON_MAX_BYTES, &e->manifest, &err) < 0)
                fail_msg("%s: %s", err.msg, text);
}

static void collect(struct ended *e) {
        e->collect = hv_collect_new(&e->options);
        finish(e);
        if (e->error < 0)
                fail_msg("%s", e->message);
}

static void end(struct ended *e) {
        hv_json_free(e->manifest);
}

/* The reason why `path` was left out; NULL: it was not. */
static const char *left_out(const struct ended *e, const char *path) {
        const struct hv_json *notes = hv_json_get(e->manifest, "leftOut");

        for (size_t i = 0; i < hv_json_size(notes); i++)
                if (hv_streq(hv_json_str(hv_json_at(notes, i), "path"), path))
                        return hv_json_str(hv_json_at(notes, i), "reason");
        return NULL;
}

static void expect_left_out(const struct ended *e, const char *path, const char *reason) {
        const char *found = left_out(e, path);

        if (!hv_streq(found, reason))
                fail_msg("%s: expected \"%s\", found \"%s\"", path, reason, found ? found : "nothing");
        assert_false(bench_exists(bench_path(e->b, "results/t/1/files/%s", path)));
}

static const struct hv_json *file_of(const struct ended *e, const char *path) {
        const struct hv_json *files = hv_json_get(e->manifest, "files");

        for (size_t i = 0; i < hv_json_size(files); i++)
                if (hv_streq(hv_json_str(hv_json_at(files, i), "path"), path))
                        return hv_json_at(files, i);
        return NULL;
}

static void expect_file(const struct ended *e, const char *path, const char *text, const char *mode) {
        _hv_cleanup_free_ char *found = bench_read(bench_path(e->b, "results/t/1/files/%s", path));
        const struct hv_json *file = file_of(e, path);
        char hex[HV_SHA256_HEX_SIZE];

        if (!found || !file)
                fail_msg("%s is not there", path);
        assert_string_equal(found, text);
        hv_sha256_hex(text, strlen(text), hex);
        assert_string_equal(hv_json_str(file, "sha256"), hex);
        assert_string_equal(hv_json_str(file, "mode"), mode);
        assert_int_equal(hv_json_int(file, "size", -1), strlen(text));
}

static const char *in_workspace(const struct bench *b, const char *name) {
        return bench_path(b, "work/t/1/workspace/%s", name);
}

static void make_workspace(const struct bench *b) {
        struct hv_workspace w = bench_workspace(b, "t");

        hv_workspace_close(&w);
        bench_mkdir(in_workspace(b, "results"));
}

static void files_and_log_are_kept_as_they_are(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        bench_write(in_workspace(b, "results/out.txt"), "hello");
        bench_mkdir(in_workspace(b, "results/deep/er"));
        bench_write(in_workspace(b, "results/deep/er/run"), "#!");
        assert_int_equal(chmod(in_workspace(b, "results/deep/er/run"), 06755), 0);
        bench_write(in_workspace(b, "not-declared"), "x");
        begin(&e, b);
        e.collect = hv_collect_new(&e.options);
        assert_true(hv_collect_log(e.collect, HV_LOG_FROM_STDOUT, "out\n", 4));
        assert_true(hv_collect_log(e.collect, HV_LOG_FROM_STDERR, "e\xff\0\n", 4));
        finish(&e);
        assert_int_equal(e.error, 0);
        expect_file(&e, "results/out.txt", "hello", "0644");
        expect_file(&e, "results/deep/er/run", "#!", "0755");
        assert_int_equal(e.sum.n_files, 2);
        assert_int_equal(e.sum.size_bytes, 7);
        assert_false(e.sum.truncated);
        assert_int_equal(e.log.size_bytes, 8);
        assert_false(e.log.truncated);
        assert_int_equal(hv_json_int(hv_json_get(e.manifest, "log"), "size", -1), 8);
        assert_int_equal(bench_count(bench_path(b, "results/t/1/files")), 1);
        assert_int_equal(bench_count(bench_path(b, "results/t/1")), 5);
        end(&e);
}

static void nothing_there_is_no_error(void **state) {
        struct bench *b = *state;
        struct ended e;

        begin(&e, b); /* not even a workspace */
        collect(&e);
        assert_int_equal(e.sum.n_files, 0);
        end(&e);
        make_workspace(b);
        assert_int_equal(rmdir(in_workspace(b, "results")), 0);
        begin(&e, b);
        collect(&e);
        assert_int_equal(e.sum.n_files, 0);
        assert_int_equal(e.sum.n_left_out, 0);
        end(&e);
}

static void doing_it_again_replaces_the_result(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        bench_write(in_workspace(b, "results/a"), "1");
        begin(&e, b);
        collect(&e);
        end(&e);
        assert_int_equal(rename(in_workspace(b, "results/a"), in_workspace(b, "results/b")), 0);
        bench_mkdir(bench_path(b, "results/t/1.tmp/left/by/a/crash"));
        begin(&e, b);
        collect(&e);
        expect_file(&e, "results/b", "1", "0644");
        assert_int_equal(bench_count(bench_path(b, "results/t/1/files/results")), 1);
        end(&e);
}

/* --- reading the host's files through the outputs --- */

static void plant_links(const struct bench *b) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        bench_write(bench_path(b, "shadow"), SECRET);
        assert_int_equal(symlink("/etc/shadow", in_workspace(b, "results/absolute")), 0);
        assert_int_equal(symlink("../../../../../shadow", in_workspace(b, "results/relative")), 0);
        assert_int_equal(symlink("/", in_workspace(b, "results/root")), 0);
        assert_int_equal(symlink(".", in_workspace(b, "results/loop")), 0);
        assert_int_equal(symlink("/proc/self/root", in_workspace(b, "results/magic")), 0);
        assert_int_equal(link(bench_path(b, "shadow"), in_workspace(b, "results/hard")), 0);
        assert_int_equal(mkfifo(in_workspace(b, "results/fifo"), 0666), 0);
        assert_int_equal(mknod(in_workspace(b, "results/device"), S_IFCHR | 0666, makedev(1, 5)), 0);
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", in_workspace(b, "results/sock"));
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        (void) close(fd);
}

static void nothing_of_the_host_is_read_through_links(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        plant_links(b);
        bench_write(in_workspace(b, "results/zzz"), "good");
        begin(&e, b);
        collect(&e);
        expect_left_out(&e, "results/absolute", "a symbolic link");
        expect_left_out(&e, "results/relative", "a symbolic link");
        expect_left_out(&e, "results/root", "a symbolic link");
        expect_left_out(&e, "results/loop", "a symbolic link");
        expect_left_out(&e, "results/magic", "a symbolic link");
        expect_left_out(&e, "results/hard", "a hard link to a file outside of the outputs");
        expect_left_out(&e, "results/fifo", "a fifo");
        expect_left_out(&e, "results/device", "a device");
        expect_left_out(&e, "results/sock", "a socket");
        expect_file(&e, "results/zzz", "good", "0644");
        assert_int_equal(e.sum.n_files, 1);
        assert_int_equal(e.sum.n_left_out, 9);
        assert_false(e.sum.truncated);
        end(&e);
}

static void declared_paths_that_are_links_lead_nowhere(void **state) {
        static const char *const outputs[] = { "link",  "to/file",   "dir/../../x", "plain",
                                               "plain", "plain/sub", "/abs" };
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        bench_mkdir(bench_path(b, "host"));
        bench_write(bench_path(b, "host/file"), SECRET);
        assert_int_equal(symlink(bench_path(b, "host"), in_workspace(b, "link")), 0);
        assert_int_equal(symlink(bench_path(b, "host"), in_workspace(b, "to")), 0);
        bench_mkdir(in_workspace(b, "plain/sub"));
        bench_write(in_workspace(b, "plain/sub/x"), "x");
        begin(&e, b);
        e.options.outputs = (struct hv_strv){ outputs, 2 };
        collect(&e);
        expect_left_out(&e, "link", "a symbolic link");
        expect_left_out(&e, "to/file", "a symbolic link");
        end(&e);
        begin(&e, b);
        e.options.outputs = (struct hv_strv){ outputs + 3, 3 }; /* each file once */
        collect(&e);
        assert_int_equal(e.sum.n_files, 1);
        end(&e);
        for (unsigned i = 2; i < 7; i += 4) {
                begin(&e, b);
                e.options.outputs = (struct hv_strv){ outputs + i, 1 };
                e.collect = hv_collect_new(&e.options);
                finish(&e);
                assert_int_equal(e.error, -EINVAL);
                end(&e);
        }
}

static void a_mounted_directory_is_not_entered(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        bench_mount_small(in_workspace(b, "results/mounted"), "1m");
        bench_write(in_workspace(b, "results/mounted/file"), SECRET);
        begin(&e, b);
        collect(&e);
        expect_left_out(&e, "results/mounted", "something is mounted there");
        bench_unmount(in_workspace(b, "results/mounted"));
        end(&e);
}

/* Exchanges a directory and a link to the host without a pause, while it is collected. */
struct racer {
        char dir[256], link[256];
        atomic_bool stop;
        atomic_uint n_swaps;
};

static void *race(void *userdata) {
        struct racer *r = userdata;

        while (!atomic_load(&r->stop)) {
                if (renameat2(AT_FDCWD, r->dir, AT_FDCWD, r->link, RENAME_EXCHANGE) == 0)
                        r->n_swaps++;
        }
        return NULL;
}

static void expect_no_secret(const char *path) {
        _hv_cleanup_(hv_buf_done) struct hv_buf all = {};
        _hv_cleanup_free_ char *command = hv_asprintf("! grep -rq 'secret-of-the-host' %s", path);

        if (system(command) != 0)
                fail_msg("a file of the host was read through a swapped directory");
}

static void a_swapped_directory_never_leads_out(void **state) {
        struct bench *b = *state;
        struct racer r = {};
        unsigned n_seen = 0;
        pthread_t thread;

        make_workspace(b);
        bench_mkdir(bench_path(b, "host/sub"));
        bench_write(bench_path(b, "host/file"), SECRET);
        bench_write(bench_path(b, "host/sub/file"), SECRET);
        bench_mkdir(in_workspace(b, "results/a/sub"));
        bench_write(in_workspace(b, "results/a/file"), "own");
        bench_write(in_workspace(b, "results/a/sub/file"), "own");
        assert_int_equal(symlink(bench_path(b, "host"), in_workspace(b, "link")), 0);
        (void) snprintf(r.dir, sizeof r.dir, "%s", in_workspace(b, "results/a"));
        (void) snprintf(r.link, sizeof r.link, "%s", in_workspace(b, "link"));
        assert_int_equal(pthread_create(&thread, NULL, race, &r), 0);
        for (unsigned i = 0; i < 150 || (r.n_swaps < 10000 && i < 100000); i++) {
                struct ended e;

                begin(&e, b);
                collect(&e);
                n_seen += file_of(&e, "results/a/file") != NULL;
                end(&e);
                expect_no_secret(b->results);
        }
        atomic_store(&r.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(r.n_swaps >= 10000);
        assert_true(n_seen > 0);
}

/* --- caps --- */

static void what_is_over_the_cap_is_left_out_and_said(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        bench_write(in_workspace(b, "results/a"), "12345");
        bench_write(in_workspace(b, "results/b"), "1234567890");
        bench_write(in_workspace(b, "results/c"), "12345");
        bench_write(in_workspace(b, "results/d"), "");
        begin(&e, b);
        e.options.max_bytes = 10;
        e.options.max_files = 3;
        collect(&e);
        expect_file(&e, "results/a", "12345", "0644");
        expect_left_out(&e, "results/b", "more bytes than are collected");
        expect_file(&e, "results/c", "12345", "0644");
        expect_file(&e, "results/d", "", "0644");
        assert_true(e.sum.truncated);
        assert_true(hv_json_bool(e.manifest, "truncated", false));
        end(&e);
        begin(&e, b);
        e.options.max_files = 2;
        collect(&e);
        expect_left_out(&e, "results/c", "more files than are collected");
        expect_left_out(&e, "results/d", "more files than are collected");
        end(&e);
}

static void sparse_files_count_by_their_size_and_stay_sparse(void **state) {
        struct bench *b = *state;
        struct ended e;
        struct stat st;

        make_workspace(b);
        bench_write(in_workspace(b, "results/bomb"), "");
        assert_int_equal(truncate(in_workspace(b, "results/bomb"), (off_t) 1 << 40), 0);
        bench_write(in_workspace(b, "results/holes"), "x");
        assert_int_equal(truncate(in_workspace(b, "results/holes"), 512 << 10), 0);
        begin(&e, b);
        collect(&e);
        expect_left_out(&e, "results/bomb", "more bytes than are collected");
        assert_int_equal(stat(bench_path(b, "results/t/1/files/results/holes"), &st), 0);
        assert_int_equal(st.st_size, 512 << 10);
        assert_true(st.st_blocks < 64);
        end(&e);
}

static void names_of_one_file_are_copied_once(void **state) {
        struct bench *b = *state;
        struct ended e;
        struct stat st;

        make_workspace(b);
        bench_write(in_workspace(b, "results/b"), "123456");
        assert_int_equal(link(in_workspace(b, "results/b"), in_workspace(b, "results/a")), 0);
        begin(&e, b);
        e.options.max_bytes = 6;
        collect(&e);
        expect_file(&e, "results/a", "123456", "0644");
        expect_file(&e, "results/b", "123456", "0644");
        assert_int_equal(stat(bench_path(b, "results/t/1/files/results/a"), &st), 0);
        assert_int_equal(st.st_nlink, 2);
        assert_false(e.sum.truncated);
        end(&e);
}

static void odd_names_are_kept_and_escaped(void **state) {
        struct bench *b = *state;
        const struct hv_json *files;
        struct ended e;

        make_workspace(b);
        bench_write(in_workspace(b, "results/\x1b[31m\n"), "esc");
        bench_write(in_workspace(b, "results/\xff\xfe"), "raw");
        begin(&e, b);
        collect(&e);
        assert_true(bench_exists(bench_path(b, "results/t/1/files/results/\x1b[31m\n")));
        assert_true(bench_exists(bench_path(b, "results/t/1/files/results/\xff\xfe")));
        files = hv_json_get(e.manifest, "files");
        assert_string_equal(hv_json_str(hv_json_at(files, 0), "path"), "results/\x1b[31m\n");
        assert_string_equal(hv_json_str(hv_json_at(files, 1), "pathBase64"), "cmVzdWx0cy///g==");
        end(&e);
}

static void what_lies_too_deep_is_left_out(void **state) {
        struct bench *b = *state;
        struct hv_buf path = {};
        struct ended e;

        make_workspace(b);
        hv_buf_puts(&path, in_workspace(b, "results"));
        for (unsigned i = 0; i < 100; i++)
                hv_buf_puts(&path, "/d");
        bench_mkdir(path.data);
        begin(&e, b);
        collect(&e);
        assert_int_equal(e.sum.n_left_out, 1);
        hv_buf_done(&path);
        end(&e);
}

/* --- when it does not work --- */

static void a_full_disk_leaves_nothing_half(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *big = hv_malloc((2 << 20) + 1);
        struct ended e;

        make_workspace(b);
        memset(big, 'x', 2 << 20);
        big[2 << 20] = '\0';
        bench_write(in_workspace(b, "results/big"), big);
        bench_mount_small(b->results, "1m");
        begin(&e, b);
        e.options.max_bytes = 8 << 20;
        e.collect = hv_collect_new(&e.options);
        finish(&e);
        assert_int_equal(e.error, -ENOSPC);
        assert_non_null(
                strstr(e.message, "output \"results/big\" cannot be copied: No space left on device"));
        assert_int_equal(bench_count(bench_path(b, "results/t")), 0);
        end(&e);
        begin(&e, b); /* the log alone */
        e.collect = hv_collect_new(&e.options);
        for (unsigned i = 0; i < 4; i++)
                (void) hv_collect_log(e.collect, HV_LOG_FROM_STDOUT, big, 1 << 20);
        finish(&e);
        assert_int_equal(e.error, -ENOSPC);
        assert_non_null(strstr(e.message, "the log cannot be written"));
        assert_int_equal(bench_count(bench_path(b, "results/t")), 0);
        end(&e);
        bench_unmount(b->results);
}

static void a_freed_collection_tells_nobody_and_leaves_nothing(void **state) {
        struct bench *b = *state;
        struct ended e;

        make_workspace(b);
        begin(&e, b);
        e.collect = hv_collect_new(&e.options);
        (void) hv_collect_log(e.collect, HV_LOG_FROM_STDOUT, "x", 1);
        hv_collect_finish(e.collect);
        hv_collect_free(e.collect);
        b->worker = hv_worker_free(b->worker); /* waits */
        assert_false(e.done);
        assert_false(bench_exists(bench_path(b, "results/t/1.tmp")));
        end(&e);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(files_and_log_are_kept_as_they_are),
                ROW(nothing_there_is_no_error),
                ROW(doing_it_again_replaces_the_result),
                ROW(nothing_of_the_host_is_read_through_links),
                ROW(declared_paths_that_are_links_lead_nowhere),
                ROW(a_mounted_directory_is_not_entered),
                ROW(a_swapped_directory_never_leads_out),
                ROW(what_is_over_the_cap_is_left_out_and_said),
                ROW(sparse_files_count_by_their_size_and_stay_sparse),
                ROW(names_of_one_file_are_copied_once),
                ROW(odd_names_are_kept_and_escaped),
                ROW(what_lies_too_deep_is_left_out),
                ROW(a_full_disk_leaves_nothing_half),
                ROW(a_freed_collection_tells_nobody_and_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

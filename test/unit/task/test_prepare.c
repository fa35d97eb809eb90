/* prepare: the workspace as a task finds it, and what happens when an input is not right. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "task/prepare.h"
#include "task/remove.h"

struct told {
        struct bench *b;
        struct hv_task *task;
        struct hv_prepare *prepare;
        bool done;
        enum hv_prepare_outcome outcome;
        int error;
        char message[480], path[256];
        struct hv_prepared_input inputs[4];
};

static void on_done(void *userdata, const struct hv_prepared *result) {
        struct told *t = userdata;

        t->done = true;
        t->outcome = result->outcome;
        t->error = result->error;
        (void) snprintf(t->message, sizeof t->message, "%s", result->message);
        (void) snprintf(t->path, sizeof t->path, "%s", result->path ? result->path : "");
        memcpy(t->inputs, result->inputs, t->task->n_inputs * sizeof t->inputs[0]);
}

static void begin(struct told *t, struct bench *b, const struct hv_task_input *inputs, size_t n) {
        struct hv_task_input_limits limits = hv_task_input_limits_default;
        struct hv_prepare_options o = { .event = b->event,
                                        .worker = b->worker,
                                        .attempt = 2,
                                        .owner = { 65534, 65533 },
                                        .work_root = b->work,
                                        .inbox = bench_path(b, "inbox"),
                                        .limits = &limits,
                                        .done = on_done,
                                        .userdata = t };

        limits.max_bytes = 1 << 20;
        *t = (struct told){ .b = b };
        t->task = HV_NEW(struct hv_task);
        *t->task = (struct hv_task){
                .arena = hv_arena_new(),
                .n_refs = 2,
                .id = "prime-1",
                .name = "prime",
                .type = "python",
                .parameters = "{\"n\":[1,\"x\"]}",
                .inputs = inputs,
                .n_inputs = n,
                .booking = { .nano_cpus = 1500000000, .memory_bytes = 1 << 30, .n_gpus = 1 }
        };
        o.task = t->task;
        t->prepare = hv_task_prepare(&o);
        assert_false(t->done);
}

static void end(struct told *t) {
        assert_int_equal(t->task->n_refs, 2); /* what was held is given back */
        (void) hv_arena_free(t->task->arena);
        free(t->task);
}

static void prepare(struct told *t, struct bench *b, const struct hv_task_input *inputs, size_t n) {
        begin(t, b, inputs, n);
        hv_test_run_until(b->event, t->done);
        end(t);
}

static struct hv_task_input text(const char *path, const char *content) {
        return (struct hv_task_input){ .path = path, .text = content, .len = strlen(content) };
}

static void expect_file(const char *path, const char *content) {
        _hv_cleanup_free_ char *found = bench_read(path);
        struct stat st;

        if (!found)
                fail_msg("%s is not there", path);
        assert_string_equal(found, content);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(st.st_gid, 65533);
}

static void inline_files_and_task_json_are_there(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { text("main.py", "print(1)\n"), text("data/deep/set.bin", "") };
        struct told t;

        inputs[1].text = "a\0b";
        inputs[1].len = 3;
        prepare(&t, b, inputs, 2);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        assert_string_equal(t.path, bench_path(b, "work/prime-1/2/workspace"));
        expect_file(bench_path(b, "work/prime-1/2/workspace/main.py"), "print(1)\n");
        expect_file(bench_path(b, "work/prime-1/2/workspace/data/deep/set.bin"), "a");
        expect_file(
                bench_path(b, "work/prime-1/2/workspace/task.json"),
                "{\"id\":\"prime-1\",\"name\":\"prime\",\"attempt\":2,\"type\":\"python\",\"parameters\":{\"n\":[1,\"x\"]},"
                "\"inputs\":[\"main.py\",\"data/deep/set.bin\"],\"resources\":{\"cpu\":1.5,\"memoryBytes\":1073741824,"
                "\"diskBytes\":0,\"gpus\":1,\"gpuMemoryBytes\":0}}\n");
        assert_int_equal(t.inputs[0].size_bytes, 9);
        assert_string_equal(t.inputs[0].sha256,
                            "cc42155088fca5730758db72b2a5bca33112a941dfaa2d43098ec422ce4ea213");
}

static void no_input_is_fine(void **state) {
        struct told t;

        prepare(&t, *state, NULL, 0);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        assert_int_equal(bench_count(t.path), 1);
}

static void an_input_named_task_json_is_kept(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { text("task.json", "{}") };
        struct told t;

        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        expect_file(bench_path(b, "work/prime-1/2/workspace/task.json"), "{}");
}

static void what_cannot_be_made_is_refused(void **state) {
        static const struct {
                const char *first, *second, *message;
        } rows[] = {
                { "a", "a", "input a: \"a\" is there already" },
                { "a", "a/b", "input a/b: \"a/b\" lies below a file" },
                { "a/b", "a", "input a: \"a\" is there already" },
                { "a", "/etc/cron.d/x", "\"/etc/cron.d/x\" is absolute" },
                { "a", "../x", "\"../x\" holds \"..\"" },
                { "a", "x/../../y", "holds \"..\"" },
                { "a", "x\ny", "holds a control character" },
                { "a", "", "is empty" },
        };
        struct bench *b = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_task_input inputs[] = { text(rows[i].first, "1"), text(rows[i].second, "2") };
                struct told t;

                prepare(&t, b, inputs, 2);
                if (t.outcome != HV_PREPARE_REFUSED || !strstr(t.message, rows[i].message))
                        fail_msg("expected \"%s\", found \"%s\"", rows[i].message, t.message);
                assert_int_equal(bench_count(b->work), 0);
        }
}

/* "foo", as a pool sent it. */
#define FOO "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

static struct hv_task_input sent(const char *path, const char *sha256, bool unpack) {
        return (struct hv_task_input){ .type = HV_TASK_INPUT_INBOX,
                                       .path = path,
                                       .sha256 = sha256,
                                       .unpack = unpack,
                                       .max_size_bytes = 1 << 30 };
}

static void what_a_pool_sent_is_copied_into_its_place(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { sent("a/b.bin", FOO, false), sent("c", FOO, false) };
        struct told t;

        bench_mkdir(bench_path(b, "inbox"));
        bench_write(bench_path(b, "inbox/" FOO), "foo");
        prepare(&t, b, inputs, 2);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        expect_file(bench_path(b, "work/prime-1/2/workspace/a/b.bin"), "foo");
        expect_file(bench_path(b, "work/prime-1/2/workspace/c"), "foo");
        assert_string_equal(t.inputs[1].sha256, FOO);
        assert_int_equal(t.inputs[1].size_bytes, 3);
        assert_int_equal(bench_count(bench_path(b, "inbox")), 1); /* for the next attempt */
}

static void an_archive_that_a_pool_sent_is_unpacked(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { sent(".", NULL, true), text("z", "2") };
        _hv_cleanup_free_ char *make = hv_asprintf(
                "cd %s && mkdir -p inbox in/sub && printf 1 >in/main.py && printf 2 >in/sub/x && "
                "tar -C in -cf t main.py sub && d=$(sha256sum t | cut -c1-64) && mv t inbox/$d && printf %%s $d >digest",
                b->path);
        _hv_cleanup_free_ char *digest = NULL;
        struct told t;

        assert_int_equal(system(make), 0);
        digest = bench_read(bench_path(b, "digest"));
        inputs[0].sha256 = digest;
        prepare(&t, b, inputs, 2);
        if (t.outcome != HV_PREPARE_OK)
                fail_msg("%s", t.message);
        expect_file(bench_path(b, "work/prime-1/2/workspace/main.py"), "1");
        expect_file(bench_path(b, "work/prime-1/2/workspace/sub/x"), "2");
        expect_file(bench_path(b, "work/prime-1/2/workspace/z"), "2");
        assert_string_equal(t.inputs[0].sha256, digest);
        /* As a file it is a file. */
        inputs[0] = sent("t.tar", digest, false);
        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        assert_int_equal(bench_count(t.path), 2);
}

static void an_inbox_that_lost_something_is_the_nodes_fault(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { sent("a", FOO, false) };
        struct told t;

        prepare(&t, b, inputs, 1); /* there is no inbox */
        assert_int_equal(t.outcome, HV_PREPARE_FAILED);
        assert_non_null(strstr(t.message, "input a: what the pool sent is not in the inbox any more"));
        bench_mkdir(bench_path(b, "inbox"));
        bench_write(bench_path(b, "inbox/" FOO), "fool");
        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_FAILED);
        assert_non_null(strstr(t.message, "the inbox: what the pool sent has sha256 "));
        bench_write(bench_path(b, "secret"), "foo");
        assert_int_equal(unlink(bench_path(b, "inbox/" FOO)), 0);
        assert_int_equal(symlink("../secret", bench_path(b, "inbox/" FOO)), 0);
        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_FAILED);
        inputs[0].max_size_bytes = 2;
        assert_int_equal(unlink(bench_path(b, "inbox/" FOO)), 0);
        bench_write(bench_path(b, "inbox/" FOO), "foo");
        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_REFUSED);
        assert_string_equal(t.message, "input a: what the pool sent has more than 2 bytes");
        assert_int_equal(bench_count(b->work), 0);
}

static void all_inputs_together_have_a_limit(void **state) {
        _hv_cleanup_free_ char *big = hv_calloc(1, (1 << 20) + 1);
        struct hv_task_input inputs[] = { text("a", "1"), { .path = "b", .text = big, .len = 1 << 20 } };
        struct told t;

        prepare(&t, *state, inputs, 2);
        assert_int_equal(t.outcome, HV_PREPARE_REFUSED);
        assert_string_equal(t.message, "input b: with it the inputs have more than 1048576 bytes");
}

static void a_full_disk_fails_and_leaves_nothing(void **state) {
        struct bench *b = *state;
        _hv_cleanup_free_ char *big = hv_calloc(1, 512 << 10);
        struct hv_task_input inputs[] = { { .path = "big", .text = big, .len = 512 << 10 } };
        struct told t;

        bench_mount_small(b->work, "256k");
        prepare(&t, b, inputs, 1);
        assert_int_equal(t.outcome, HV_PREPARE_FAILED);
        assert_int_equal(t.error, -ENOSPC);
        assert_string_equal(t.message, "input big: big cannot be written: No space left on device");
        assert_int_equal(bench_count(b->work), 0);
        bench_unmount(b->work);
}

static void a_freed_preparation_tells_nobody_and_leaves_nothing(void **state) {
        struct bench *b = *state;
        struct hv_task_input inputs[] = { text("a", "1") };
        struct told t;

        begin(&t, b, inputs, 1);
        hv_prepare_free(t.prepare);
        hv_test_run_until(b->event, t.task->n_refs == 2);
        assert_false(t.done);
        assert_int_equal(bench_count(b->work), 0);
        end(&t);
        begin(&t, b, inputs, 1); /* and with the worker gone */
        hv_prepare_free(t.prepare);
        b->worker = hv_worker_free(b->worker);
        assert_false(t.done);
        end(&t);
}

/* --- removal --- */

struct removed {
        bool done;
        int error;
        char message[480];
};

static void on_removed(void *userdata, int error, const char *message) {
        struct removed *r = userdata;

        r->done = true;
        r->error = error;
        (void) snprintf(r->message, sizeof r->message, "%s", message);
}

static void workspaces_and_results_are_removed(void **state) {
        struct bench *b = *state;
        struct removed r = {};
        struct hv_removal_options o = { .worker = b->worker,
                                        .work_root = b->work,
                                        .results_root = b->results,
                                        .attempt = { "prime-1", 2 },
                                        .done = on_removed,
                                        .userdata = &r };
        struct told t;

        prepare(&t, b, NULL, 0);
        bench_mkdir(bench_path(b, "results/prime-1/2/files/a"));
        bench_mkdir(bench_path(b, "results/prime-1/2.tmp/files"));
        bench_mkdir(bench_path(b, "results/prime-1/1/files"));
        (void) hv_task_remove(&o);
        hv_test_run_until(b->event, r.done);
        assert_int_equal(r.error, 0);
        assert_int_equal(bench_count(b->work), 0);
        assert_int_equal(bench_count(bench_path(b, "results/prime-1")), 1);
        o.attempt.attempt = 0; /* of all attempts */
        bench_mkdir(bench_path(b, "work/prime-1/1/workspace/a"));
        bench_mkdir(bench_path(b, "work/prime-1/2/workspace"));
        assert_true(hv_workspace_any(b->work, "prime-1"));
        r.done = false;
        (void) hv_task_remove(&o);
        hv_test_run_until(b->event, r.done);
        assert_int_equal(r.error, 0);
        assert_false(hv_workspace_any(b->work, "prime-1"));
        assert_int_equal(bench_count(bench_path(b, "results/prime-1")), 1);
        o.attempt.id = "../x";
        r.done = false;
        (void) hv_task_remove(&o);
        hv_test_run_until(b->event, r.done);
        assert_int_equal(r.error, -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(inline_files_and_task_json_are_there),
                ROW(no_input_is_fine),
                ROW(an_input_named_task_json_is_kept),
                ROW(what_cannot_be_made_is_refused),
                ROW(what_a_pool_sent_is_copied_into_its_place),
                ROW(an_archive_that_a_pool_sent_is_unpacked),
                ROW(an_inbox_that_lost_something_is_the_nodes_fault),
                ROW(all_inputs_together_have_a_limit),
                ROW(a_full_disk_fails_and_leaves_nothing),
                ROW(a_freed_preparation_tells_nobody_and_leaves_nothing),
                ROW(workspaces_and_results_are_removed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

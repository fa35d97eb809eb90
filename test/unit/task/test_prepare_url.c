/* prepare: inputs from URLs, from the request to the file in the workspace. The server is a real one, with HTTPS and a
 * certificate of its own, at an address that is public: the test has a network to itself in which 8.8.4.4 is its own, and a
 * view of the files in which the system trusts that certificate. Nothing of it is seen outside. */
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/sha256.h"
#include "task/prepare.h"
#include "transfer/transfer.h"

#define PUBLIC "8.8.4.4"
#define OTHER_PUBLIC "8.8.8.8" /* ours too, and in no certificate */
#define PRIVATE "10.1.2.3"
#define BODY_BYTES 300000u
#define TRUSTED "/etc/ssl/certs" /* Debian's store of certificates, where libcurl looks */

struct server {
        pid_t pid;
        char dir[32], port[16];
};

static struct server trusted, stranger;
static char body_sha256[HV_SHA256_HEX_SIZE];

/* It is there when its file of the port is. */
static int start(struct server *s) {
        _hv_cleanup_free_ char *script = hv_asprintf("%s/test/unit/task/input_server.py", HV_SOURCE_DIR);
        _hv_cleanup_free_ char *file = NULL, *certificate = NULL, *port = NULL;
        struct inotify_event event[16];
        int watch;

        strcpy(s->dir, "/tmp/hv-server-XXXXXX");
        if (!mkdtemp(s->dir) || chmod(s->dir, 0755) < 0)
                return -1;
        file = hv_asprintf("%s/port", s->dir);
        certificate = hv_asprintf("%s/ca-certificates.crt", s->dir);
        watch = inotify_init1(IN_CLOEXEC);
        if (watch < 0 || inotify_add_watch(watch, s->dir, IN_MOVED_TO) < 0)
                return -1;
        s->pid = fork();
        if (s->pid == 0) {
                (void) execlp("python3", "python3", script, file, PUBLIC, certificate, (char *) NULL);
                _exit(127);
        }
        if (read(watch, event, sizeof event) <= 0)
                return -1;
        (void) close(watch);
        port = bench_read(file);
        (void) snprintf(s->port, sizeof s->port, "%s", port);
        return 0;
}

static void stop(struct server *s) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s/port", s->dir);
        _hv_cleanup_free_ char *certificate = hv_asprintf("%s/ca-certificates.crt", s->dir);

        (void) kill(s->pid, SIGKILL);
        (void) waitpid(s->pid, NULL, 0);
        (void) unlink(file);
        (void) unlink(certificate);
        (void) rmdir(s->dir);
}

static int set_up_world(void **state) {
        _hv_cleanup_free_ char *body = hv_malloc(BODY_BYTES);

        (void) state;
        for (unsigned i = 0; i < BODY_BYTES; i++)
                body[i] = (char) (i * 31 + (i >> 8));
        hv_sha256_hex(body, BODY_BYTES, body_sha256);
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            system("ip link set lo up && ip addr add " PUBLIC "/32 dev lo && ip addr add " OTHER_PUBLIC
                   "/32 dev lo && ip addr add " PRIVATE "/32 dev lo") != 0)
                return -1;
        if (start(&trusted) < 0 || start(&stranger) < 0)
                return -1;
        return mount(trusted.dir, TRUSTED, NULL, MS_BIND, NULL);
}

static int tear_down_world(void **state) {
        (void) state;
        (void) umount2(TRUSTED, MNT_DETACH);
        stop(&trusted);
        stop(&stranger);
        return 0;
}

/* --- one preparation --- */

struct told {
        struct hv_transfer *transfer;
        bool done;
        enum hv_prepare_outcome outcome;
        char message[480];
        struct hv_prepared_input inputs[4];
        size_t n_inputs;
};

static void on_done(void *userdata, const struct hv_prepared *result) {
        struct told *t = userdata;

        t->done = true;
        t->outcome = result->outcome;
        (void) snprintf(t->message, sizeof t->message, "%s", result->message);
        memcpy(t->inputs, result->inputs, t->n_inputs * sizeof t->inputs[0]);
}

static uint64_t fetch_timeout_us;

static void prepare(struct told *t, struct bench *b, const struct hv_task_input *inputs, size_t n) {
        struct hv_task_input_limits limits = hv_task_input_limits_default;
        struct hv_task task = { .arena = hv_arena_new(),
                                .n_refs = 2,
                                .id = "fetch-1",
                                .name = "fetch",
                                .checkpoint_code = -1,
                                .inputs = inputs,
                                .n_inputs = n };
        struct hv_prepare_options o = { .event = b->event,
                                        .worker = b->worker,
                                        .task = &task,
                                        .attempt = 1,
                                        .owner = { 65534, 65533 },
                                        .fetch_timeout_us = fetch_timeout_us,
                                        .work_root = b->work,
                                        .limits = &limits,
                                        .done = on_done,
                                        .userdata = t };

        limits.max_bytes = 700000;
        *t = (struct told){ .n_inputs = n };
        assert_int_equal(hv_transfer_new(b->event, &(struct hv_transfer_options){}, &t->transfer, NULL), 0);
        o.transfer = t->transfer;
        (void) hv_task_prepare(&o);
        hv_test_run_until(b->event, t->done);
        t->transfer = hv_transfer_free(t->transfer);
        assert_int_equal(task.n_refs, 2);
        (void) hv_arena_free(task.arena);
}

/* In a ring: good for the next 8 calls. */
static const char *url(const char *host, const struct server *s, const char *path) {
        static char ring[8][128];
        static unsigned at;
        char *text = ring[at++ % 8];

        (void) snprintf(text, sizeof ring[0], "https://%s:%s%s", host, s->port, path);
        return text;
}

static struct hv_task_input from(const char *path, const char *address, const char *sha256) {
        return (struct hv_task_input){ .type = HV_TASK_INPUT_URL,
                                       .path = path,
                                       .url = address,
                                       .sha256 = sha256,
                                       .max_size_bytes = 1 << 20 };
}

static void expect_file(struct bench *b, const char *path, size_t size) {
        struct stat st;

        if (lstat(bench_path(b, "work/fetch-1/1/workspace/%s", path), &st) < 0)
                fail_msg("%s is not there", path);
        assert_int_equal(st.st_mode, S_IFREG | 0644);
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(st.st_gid, 65533);
        assert_int_equal(st.st_size, size);
}

/* How the trusted server was asked for a path: "4 - bytes=70000- ..." */
static void expect_asked(struct bench *b, const char *name, const char *expected) {
        _hv_cleanup_free_ char *path = hv_asprintf("/count/%s", name);
        const struct hv_task_input in = from("count", url(PUBLIC, &trusted, path), NULL);
        _hv_cleanup_free_ char *found = NULL;
        struct told t;

        prepare(&t, b, &in, 1);
        assert_int_equal(t.outcome, HV_PREPARE_OK);
        found = bench_read(bench_path(b, "work/fetch-1/1/workspace/count"));
        assert_string_equal(found, expected);
}

static void expect_not(struct bench *b, const struct hv_task_input *inputs, size_t n,
                       enum hv_prepare_outcome outcome, const char *message) {
        struct told t;

        prepare(&t, b, inputs, n);
        if (t.outcome != outcome || !strstr(t.message, message))
                fail_msg("found %d \"%s\", expected %d \"%s\"", (int) t.outcome, t.message, (int) outcome,
                         message);
        assert_int_equal(bench_count(b->work), 0); /* nothing of it is left */
}

/* --- what comes --- */

static void what_is_fetched_lies_in_the_workspace(void **state) {
        struct bench *b = *state;
        const struct hv_task_input inputs[] = {
                { .path = "main.py", .text = "print(1)\n", .len = 9 },
                from("data/set.bin", url(PUBLIC, &trusted, "/good"), body_sha256),
                from("data/redirected.bin", url(PUBLIC, &trusted, "/to-good"), NULL),
        };
        struct told t;

        prepare(&t, b, inputs, 3);
        if (t.outcome != HV_PREPARE_OK)
                fail_msg("%s", t.message);
        expect_file(b, "main.py", 9);
        expect_file(b, "data/set.bin", BODY_BYTES);
        expect_file(b, "data/redirected.bin", BODY_BYTES);
        for (size_t i = 1; i < 3; i++) {
                assert_string_equal(t.inputs[i].sha256, body_sha256);
                assert_int_equal(t.inputs[i].size_bytes, BODY_BYTES);
        }
        /* What it was fetched into is gone: the workspace and the notes about the inputs are all there is. */
        assert_int_equal(bench_count(bench_path(b, "work/fetch-1/1")), 2);
}

static void what_is_cut_goes_on_where_it_was(void **state) {
        struct bench *b = *state;
        const struct hv_task_input in = from("set.bin", url(PUBLIC, &trusted, "/cut"), body_sha256);
        struct told t;

        prepare(&t, b, &in, 1);
        if (t.outcome != HV_PREPARE_OK)
                fail_msg("%s", t.message);
        expect_file(b, "set.bin", BODY_BYTES);
        expect_asked(b, "cut", "4 - bytes=70000- bytes=140000- bytes=210000-");
}

/* --- what does not --- */

static void what_is_wrong_is_refused(void **state) {
        static const char other[] = "0000000000000000000000000000000000000000000000000000000000000000";
        struct bench *b = *state;
        struct hv_task_input in = from("set.bin", url(PUBLIC, &trusted, "/good"), other);
        const struct hv_task_input three[] = {
                from("a", url(PUBLIC, &trusted, "/good"), NULL),
                from("b", url(PUBLIC, &trusted, "/good"), NULL),
                from("c", url(PUBLIC, &trusted, "/good"), NULL),
        };

        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "input set.bin: ");
        in.sha256 = NULL;
        in.max_size_bytes = BODY_BYTES - 1;
        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "299999");
        in = from("set.bin", url(PUBLIC, &trusted, "/endless"), NULL); /* it says no size before */
        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "700000");
        expect_not(b, three, 3, HV_PREPARE_REFUSED,
                   "input c: with it the inputs have more than 700000 bytes");
        in = from("set.bin", url(PUBLIC, &trusted, "/missing"), NULL);
        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "404");
        in = from("set.bin", url(PUBLIC, &trusted, "/to-file"), NULL);
        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "redirect");
        in = from("set.bin", url(PUBLIC, &trusted, "/to-good-absolute"), NULL); /* from https to http */
        expect_not(b, &in, 1, HV_PREPARE_REFUSED, "redirect");
}

/* The server is there at all of these addresses, and is asked at none of them. */
static void local_addresses_are_refused(void **state) {
        static const char *const hosts[] = { "127.0.0.1", "127.1", "localhost",       PRIVATE,
                                             "0.0.0.0",   "[::1]", "[::ffff:8.8.4.4]" };
        struct bench *b = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(hosts); i++) {
                const struct hv_task_input in = from("set.bin", url(hosts[i], &trusted, "/local"), NULL);
                struct told t;

                prepare(&t, b, &in, 1);
                if (t.outcome == HV_PREPARE_OK || !strstr(t.message, "address"))
                        fail_msg("%s: %s", hosts[i], t.message);
                assert_int_equal(bench_count(b->work), 0);
        }
        expect_asked(b, "local", "0 ");
}

/* It may be mended: what cannot be trusted is asked again until the time is over, and is the node's fault. */
static void only_a_certificate_that_is_trusted_and_fits_is_good(void **state) {
        struct bench *b = *state;
        struct hv_task_input in = from("set.bin", url(PUBLIC, &stranger, "/good"), body_sha256);

        fetch_timeout_us = 2 * HV_USEC_PER_SEC;
        expect_not(b, &in, 1, HV_PREPARE_FAILED, "the time for it is over");
        in = from("set.bin", url(OTHER_PUBLIC, &trusted, "/other"), body_sha256);
        expect_not(b, &in, 1, HV_PREPARE_FAILED, "the time for it is over");
        fetch_timeout_us = 0;
        expect_asked(b, "other", "0 ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_fetched_lies_in_the_workspace, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(what_is_cut_goes_on_where_it_was, bench_set_up,
                                                bench_tear_down),
                cmocka_unit_test_setup_teardown(what_is_wrong_is_refused, bench_set_up, bench_tear_down),
                cmocka_unit_test_setup_teardown(local_addresses_are_refused, bench_set_up, bench_tear_down),
                cmocka_unit_test_setup_teardown(only_a_certificate_that_is_trusted_and_fits_is_good,
                                                bench_set_up, bench_tear_down),
        };

        return cmocka_run_group_tests(tests, set_up_world, tear_down_world);
}

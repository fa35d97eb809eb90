/* The real helper, with a driver's library of the tests (lib/nvml/stub.c): what it tells, and what becomes of it when the driver
 * hangs, fails, or loses a GPU. */
#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "gpu/access.h"
#include "gpu/helper.h"
#include "gpu/history.h"
#include "gpu/watch.h"
#include "lib/loop.h"

#define ONE "gpu GPU-aaaa 0 24576 1024 35 61 NVIDIA A100\n"
#define TWO "gpu GPU-bbbb 1 81920 0 0 30 NVIDIA H100 80GB HBM3\n"

struct bed {
        char dir[64];
        sd_event *event;
        struct hv_gpu_watch *watch;
        struct hv_gpus *last;
        unsigned n_told;
};

static void put(const struct bed *b, const char *text) {
        char path[128], made[128];
        FILE *f;

        (void) snprintf(made, sizeof made, "%s/gpus.new", b->dir);
        (void) snprintf(path, sizeof path, "%s/gpus", b->dir);
        f = fopen(made, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(rename(made, path), 0);
}

static void told(void *userdata, const struct hv_gpus *gpus) {
        struct bed *b = userdata;

        memcpy(b->last, gpus, sizeof *gpus);
        b->n_told++;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk) {
        (void) st;
        (void) flag;
        (void) walk;
        return remove(path);
}

static int set_up(void **state) {
        struct bed *b = HV_NEW(struct bed);
        char link[128];

        (void) snprintf(b->dir, sizeof b->dir, "/tmp/hv-gpu-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        (void) snprintf(link, sizeof link, "%s/libnvidia-ml.so.1", b->dir);
        assert_int_equal(symlink(HV_BINARY_DIR "/test/lib/nvml/libnvidia-ml.so.1", link), 0);
        b->last = HV_NEW(struct hv_gpus);
        assert_true(sd_event_new(&b->event) >= 0);
        *state = b;
        return 0;
}

static int tear_down(void **state) {
        struct bed *b = *state;

        (void) hv_gpu_watch_free(b->watch);
        sd_event_unref(b->event);
        (void) nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(b->last);
        free(b);
        return 0;
}

static void watch(struct bed *b, uint64_t timeout_us) {
        const struct hv_gpu_watch_options o = { .interval_us = 10 * HV_USEC_PER_MSEC,
                                                .timeout_us = timeout_us,
                                                .library_path = b->dir,
                                                .told = told,
                                                .userdata = b };

        assert_int_equal(hv_gpu_watch_new(b->event, &o, &b->watch, NULL), 0);
}

static void until_told(struct bed *b) {
        unsigned before = b->n_told;

        hv_test_run_until(b->event, b->n_told > before);
}

static void test_what_the_driver_tells(void **state) {
        struct bed *b = *state;
        const struct hv_gpu *g;

        put(b, "driver 550.54.14\n" ONE TWO "process GPU-aaaa 4711 512\nmig GPU-bbbb\nslowdown GPU-aaaa 90\n"
               "process GPU-aaaa 4712 100\nuse GPU-aaaa 4711 70\nuse GPU-aaaa 99 30\n");
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_true(b->last->is_known);
        assert_string_equal(b->last->driver, "550.54.14");
        assert_int_equal(b->last->n, 2);
        g = hv_gpus_find(b->last, "GPU-aaaa");
        assert_non_null(g);
        assert_string_equal(g->name, "NVIDIA A100");
        assert_int_equal(g->state, HV_GPU_WORKS);
        assert_int_equal(g->minor, 0);
        assert_int_equal(g->memory_bytes, 24576ull << 20);
        assert_int_equal(g->memory_used_bytes, 1024ll << 20);
        assert_int_equal(g->use_percent, 35);
        assert_int_equal(g->temperature_c, 61);
        assert_int_equal(g->slowdown_c, 90);
        assert_int_equal(g->n_processes, 2);
        assert_true(g->processes_are_listed);
        assert_int_equal(g->processes[0].pid, 4711);
        assert_int_equal(g->processes[0].memory_bytes, 512ll << 20);
        assert_int_equal(g->processes[0].use_percent, 70);
        assert_int_equal(g->processes[1].use_percent, 0); /* of whom nothing is told, did nothing */
        g = hv_gpus_find(b->last, "GPU-bbbb");
        assert_non_null(g);
        assert_int_equal(g->state, HV_GPU_MIG);
        assert_int_equal(g->slowdown_c, -1);
        assert_string_equal(g->name, "NVIDIA H100 80GB HBM3");
        assert_null(hv_gpus_find(b->last, "GPU-cccc"));
}

static void test_a_lost_gpu_keeps_its_name(void **state) {
        struct bed *b = *state;
        const struct hv_gpu *g;

        put(b, "driver 1\n" ONE TWO);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        put(b, "driver 1\n" ONE TWO "lost GPU-aaaa\n");
        hv_test_run_until(b->event, b->last->v[0].state == HV_GPU_LOST);
        g = hv_gpus_find(b->last, "GPU-aaaa");
        assert_ptr_equal(g, &b->last->v[0]);
        assert_int_equal(g->memory_bytes, 24576ull << 20);
        assert_int_equal(g->use_percent, -1);
        assert_int_equal(b->last->v[1].state, HV_GPU_WORKS);
        assert_true(b->last->is_known);
        put(b, "driver 1\n" ONE TWO);
        hv_test_run_until(b->event, b->last->v[0].state == HV_GPU_WORKS);
        put(b, "driver 1\n" ONE "fail nvmlDeviceGetMemoryInfo 16\n"); /* it must be reset first */
        hv_test_run_until(b->event, b->last->v[0].state == HV_GPU_LOST);
        assert_true(b->last->is_known);
}

#define CUT                                                                       \
        "mig GPU-bbbb\ninstance GPU-bbbb MIG-1111 9728 NVIDIA H100 MIG 1g.10gb\n" \
        "instance GPU-bbbb MIG-2222 40192 NVIDIA H100 MIG 3g.40gb\n"

/* They stand behind their GPU, and are lost with it. */
static void test_instances_of_a_gpu_that_was_cut(void **state) {
        struct bed *b = *state;
        const struct hv_gpu *g;

        put(b, "driver 1\n" TWO ONE CUT "process MIG-2222 4711 512\n");
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_true(b->last->is_known);
        assert_int_equal(b->last->n, 4);
        assert_int_equal(b->last->v[0].state, HV_GPU_MIG);
        assert_string_equal(b->last->v[0].parent, "");
        assert_string_equal(b->last->v[3].uuid, "GPU-aaaa");
        g = &b->last->v[2];
        assert_string_equal(g->uuid, "MIG-2222");
        assert_string_equal(g->parent, "GPU-bbbb");
        assert_string_equal(g->name, "NVIDIA H100 MIG 3g.40gb");
        assert_int_equal(g->state, HV_GPU_WORKS);
        assert_int_equal(g->memory_bytes, 40192ull << 20);
        assert_int_equal(g->minor, 1); /* through its device they are reached */
        assert_int_equal(g->use_percent, -1);
        assert_int_equal(g->n_processes, 1);
        assert_int_equal(g->processes[0].use_percent, -1);
        put(b, "driver 1\n" TWO ONE CUT "lost GPU-bbbb\n");
        hv_test_run_until(b->event, b->last->v[0].state == HV_GPU_LOST);
        assert_int_equal(b->last->n, 4);
        assert_string_equal(b->last->v[1].uuid, "MIG-1111");
        assert_string_equal(b->last->v[1].parent, "GPU-bbbb");
        assert_int_equal(b->last->v[1].state, HV_GPU_LOST);
        assert_int_equal(b->last->v[2].state, HV_GPU_LOST);
        assert_int_equal(b->last->v[3].state, HV_GPU_WORKS);
        hv_test_run_until(b->event, b->n_told > 3); /* lost once, lost until it is back */
        assert_int_equal(b->last->n, 4);
        put(b, "driver 1\n" TWO ONE "mig GPU-bbbb\n");
        hv_test_run_until(b->event, b->last->n == 2); /* there are none any more */
        put(b, "driver 1\n" TWO ONE CUT "fail nvmlDeviceGetMaxMigDeviceCount 3\n");
        until_told(b);
        assert_true(b->last->is_known);
        put(b, "driver 1\n" TWO ONE CUT "fail nvmlDeviceGetMigDeviceHandleByIndex 999\n");
        hv_test_run_until(b->event, !b->last->is_known);
        assert_string_equal(b->last->problem, "GPU 0 does not answer: Unknown Error");
}

static void test_uuids_may_change(void **state) {
        struct bed *b = *state;

        put(b, "driver 1\n" ONE);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        put(b, "driver 1\n" TWO);
        hv_test_run_until(b->event, hv_gpus_find(b->last, "GPU-bbbb"));
        assert_int_equal(b->last->n, 1);
        assert_null(hv_gpus_find(b->last, "GPU-aaaa"));
}

static void test_no_library_is_no_gpu(void **state) {
        struct bed *b = *state;
        char link[128];

        (void) snprintf(link, sizeof link, "%s/libnvidia-ml.so.1", b->dir);
        assert_int_equal(unlink(link), 0);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_true(b->last->is_known);
        assert_string_equal(b->last->driver, "");
        assert_int_equal(b->last->n, 0);
        hv_test_run_until(b->event, hv_gpu_watch_pid(b->watch) == 0); /* nobody is kept for it */
}

static void test_the_driver_is_not_loaded(void **state) {
        struct bed *b = *state;

        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_false(b->last->is_known);
        assert_string_equal(b->last->problem, "the NVIDIA driver does not answer: Driver Not Loaded");
}

/* Every call of the driver can hang: the helper is killed, and the loop never waited for it. */
static void test_a_driver_that_hangs(void **state) {
        static const char *const calls[] = {
                "nvmlInit_v2",
                "nvmlSystemGetDriverVersion",
                "nvmlDeviceGetCount_v2",
                "nvmlDeviceGetUUID",
                "nvmlDeviceGetHandleByIndex_v2",
                "nvmlDeviceGetName",
                "nvmlDeviceGetMemoryInfo",
                "nvmlDeviceGetMinorNumber",
                "nvmlDeviceGetUtilizationRates",
                "nvmlDeviceGetTemperature",
                "nvmlDeviceGetMigMode",
                "nvmlDeviceGetComputeRunningProcesses_v3",
                "nvmlDeviceGetProcessUtilization",
        };
        struct bed *b = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(calls); i++) {
                char text[256];

                (void) snprintf(text, sizeof text, "driver 1\n" ONE "hang %s\n", calls[i]);
                put(b, text);
                b->n_told = 0;
                watch(b, 20 * HV_USEC_PER_MSEC);
                until_told(b);
                print_message("%s\n", calls[i]);
                assert_false(b->last->is_known);
                assert_non_null(strstr(b->last->problem, "does not answer within"));
                hv_test_run_until(b->event, hv_gpu_watch_pid(b->watch) == 0);
                b->watch = hv_gpu_watch_free(b->watch);
        }
}

static void test_a_driver_that_fails(void **state) {
        struct bed *b = *state;

        put(b, "driver 1\n" ONE "fail nvmlDeviceGetMemoryInfo 999\n");
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_false(b->last->is_known);
        assert_string_equal(b->last->problem, "GPU 0 does not answer: Unknown Error");
}

static void test_what_is_not_told_of_a_model(void **state) {
        struct bed *b = *state;

        put(b, "driver 1\n" ONE "fail nvmlDeviceGetUtilizationRates 3\nfail nvmlDeviceGetTemperature 3\n"
               "process GPU-aaaa 4711 4294967295\n");
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_true(b->last->is_known);
        assert_int_equal(b->last->v[0].use_percent, -1);
        assert_int_equal(b->last->v[0].temperature_c, -1);
        assert_int_equal(b->last->v[0].memory_used_bytes, 1024ll << 20);
        assert_int_equal(b->last->v[0].n_processes, 1);
        assert_int_equal(b->last->v[0].processes[0].memory_bytes, -1);
}

/* The C library is one that is there, and is none of the driver's. */
static void test_a_library_that_lacks_a_function(void **state) {
        struct bed *b = *state;
        char link[128];
        Dl_info libc;

        assert_true(dladdr((void *) fopen, &libc));
        (void) snprintf(link, sizeof link, "%s/libnvidia-ml.so.1", b->dir);
        assert_int_equal(unlink(link) | symlink(libc.dli_fname, link), 0);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_false(b->last->is_known);
        assert_string_equal(b->last->problem, "libnvidia-ml.so.1 has no nvmlInit_v2: the driver is too old");
}

/* More than any answer has, and no end of it: see be_helper(). */
static void test_a_helper_that_does_not_stop(void **state) {
        struct bed *b = *state;
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof path, "%s/babble", b->dir);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_string_equal(b->last->problem, "the GPU helper says what nobody asked for");
        hv_test_run_until(b->event, hv_gpu_watch_pid(b->watch) == 0);
}

/* What is told of processes, and what each of them is known to have used: 3 is "not supported", 7 "more than there is room for". */
static void test_what_processes_do_may_not_be_told(void **state) {
        static const struct {
                const char *what, *more;
                bool are_listed;
                int use_percent;
        } rows[] = {
                { "nobody computes", "", true, 0 },
                { "no use of processes", "fail nvmlDeviceGetProcessUtilization 3\n", true, -1 },
                { "more use than there is room for", "fail nvmlDeviceGetProcessUtilization 7\n", true, -1 },
                { "no processes", "fail nvmlDeviceGetComputeRunningProcesses_v3 3\n", false, 0 },
                { "too many processes", "fail nvmlDeviceGetComputeRunningProcesses_v3 7\n", false, 0 },
                { "a use that was told before", "use GPU-aaaa 4711 70\nstale GPU-aaaa\n", true, 0 },
        };
        struct bed *b = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char text[256];

                print_message("%s\n", rows[i].what);
                (void) snprintf(text, sizeof text, "driver 1\n" ONE "process GPU-aaaa 4711 512\n%s",
                                rows[i].more);
                put(b, text);
                watch(b, 20 * HV_USEC_PER_SEC);
                until_told(b);
                assert_true(b->last->is_known);
                assert_int_equal(b->last->v[0].processes_are_listed, rows[i].are_listed);
                assert_int_equal(b->last->v[0].processes[0].use_percent, rows[i].use_percent);
                b->watch = hv_gpu_watch_free(b->watch);
        }
}

/* Somebody killed it: it is told, and another one is started later. */
static void test_a_helper_that_dies(void **state) {
        struct bed *b = *state;

        put(b, "driver 1\n" ONE);
        watch(b, 20 * HV_USEC_PER_SEC);
        until_told(b);
        assert_int_equal(kill(hv_gpu_watch_pid(b->watch), SIGKILL), 0);
        hv_test_run_until(b->event, !b->last->is_known);
        /* That it does not listen may be seen before its end. */
        hv_test_run_until(b->event, hv_gpu_watch_pid(b->watch) == 0);
        hv_test_run_until(b->event, b->last->is_known);
}

struct answer {
        bool is_there;
        int r;
};

static void on_access(void *userdata, int r) {
        *(struct answer *) userdata = (struct answer){ true, r };
}

static void test_access_is_asked_of_the_helper(void **state) {
        struct bed *b = *state;
        struct answer a = {};

        put(b, "driver 1\n" ONE);
        watch(b, 20 * HV_USEC_PER_SEC);
        assert_int_equal(hv_gpu_watch_access(b->watch, "/", "/dev/null", on_access, &a), -ENOTCONN);
        until_told(b);
        assert_int_equal(hv_gpu_watch_access(b->watch, "/no\twhere", "/dev/null", on_access, &a), -EINVAL);
        assert_int_equal(hv_gpu_watch_access(b->watch, "/nowhere", "/dev/nu\nll", on_access, &a), -EINVAL);
        assert_int_equal(hv_gpu_watch_access(b->watch, "/nowhere", "/dev/null", on_access, &a), 0);
        assert_int_equal(hv_gpu_watch_access(b->watch, "/nowhere", "/dev/null", on_access, &a), -EBUSY);
        hv_test_run_until(b->event, a.is_there);
        assert_int_equal(a.r, -ENOENT);
        assert_true(b->last->is_known);
}

static void test_rules_of_devices(void **state) {
        static const struct {
                const char *what, *list;
                bool allowed;
        } rows[] = {
                { "what a runtime gives everybody", "c 1:3 rwm\nc 136:* rwm\nb *:* m\nc *:* m\n", false },
                { "all", "a *:* rwm\n", true },
                { "its major", "c 1:3 rwm\nc 195:* rwm\n", true },
                { "itself", "c 195:2 rwm\n", true },
                { "itself, without mknod", "c 195:2 rw\n", true },
                { "another of its major", "c 195:0 rwm\nc 195:22 rwm\n", false },
                { "to read only", "c 195:2 r\n", false },
                { "to write only", "c 195:2 w\n", false },
                { "a block device", "b 195:2 rwm\n", false },
                { "nothing", "", false },
                { "something else", "no rule\n195:2\n", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                print_message("%s\n", rows[i].what);
                assert_int_equal(hv_gpu_rules_allow(rows[i].list, HV_GPU_MAJOR, 2), rows[i].allowed);
        }
}

/* What is listed is listed whole, and has room. */
static void test_processes_that_are_none(void **state) {
        static const struct {
                const char *what;
                unsigned n_processes, n_numbers;
                bool are_listed;
        } rows[] = {
                { "as many as there is room for", HV_GPU_PROCESSES_MAX, 3 * HV_GPU_PROCESSES_MAX, true },
                { "one more", HV_GPU_PROCESSES_MAX + 1, 3 * (HV_GPU_PROCESSES_MAX + 1), false },
                { "a number too few", 2, 5, false },
                { "none", 0, 0, true },
        };
        _hv_cleanup_free_ struct hv_gpus *g = HV_NEW(struct hv_gpus);

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

                print_message("%s\n", rows[i].what);
                hv_buf_printf(
                        &b,
                        "{\"driver\":\"1\",\"gpus\":[{\"state\":\"works\",\"nProcesses\":%u,\"processes\":[",
                        rows[i].n_processes);
                for (unsigned k = 0; k < rows[i].n_numbers; k++)
                        hv_buf_puts(&b, k ? ",7" : "7");
                hv_buf_puts(&b, "]}]}");
                assert_int_equal(hv_gpus_parse(hv_buf_str(&b), b.len, g, NULL), 0);
                assert_int_equal(g->v[0].processes_are_listed, rows[i].are_listed);
        }
}

static void test_lines_that_are_none(void **state) {
        static const char *const rows[] = {
                "", "{}", "[]", "{\"gpus\":1}", "{\"gpus\":[{}]}", "{\"gpus\":[{\"state\":\"x\"}]}"
        };
        _hv_cleanup_free_ struct hv_gpus *g = HV_NEW(struct hv_gpus);

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                assert_int_equal(hv_gpus_parse(rows[i], strlen(rows[i]), g, NULL), -EBADMSG);
        assert_int_equal(hv_gpus_parse("{\"absent\":true}", 15, g, NULL), 0);
        assert_true(g->is_known);
}

static void test_the_last_hour(void **state) {
        _hv_cleanup_(hv_gpu_history_freep) struct hv_gpu_history *h = hv_gpu_history_new();
        _hv_cleanup_free_ struct hv_gpus *g = HV_NEW(struct hv_gpus);

        (void) state;
        *g = (struct hv_gpus){ .is_known = true,
                               .v = { { .uuid = "GPU-a", .memory_used_bytes = 7 }, {}, { .uuid = "GPU-b" } },
                               .n = 3 };
        for (unsigned i = 1; i <= HV_GPU_POINTS + 2; i++) {
                g->v[0].use_percent = (int) (i % 100);
                g->v[0].temperature_c = i == HV_GPU_POINTS + 2 ? -1 : 61;
                hv_gpu_history_add(h, g, i);
                if (i < HV_GPU_POINTS) { /* it is not full yet */
                        assert_int_equal(hv_gpu_history_size(h, "GPU-a"), i);
                        assert_int_equal(hv_gpu_history_at(h, "GPU-a", 0)->wall_us, 1);
                }
        }
        assert_int_equal(hv_gpu_history_size(h, "GPU-a"), HV_GPU_POINTS);
        assert_int_equal(hv_gpu_history_size(h, ""), 0); /* one without a name */
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", 0)->wall_us, 3);
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", 0)->use_percent, 3);
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", 0)->memory_used_bytes, 7);
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", 0)->temperature_c, 61);
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", HV_GPU_POINTS - 1)->wall_us, HV_GPU_POINTS + 2);
        assert_int_equal(hv_gpu_history_at(h, "GPU-a", HV_GPU_POINTS - 1)->temperature_c, -1);

        g->is_known = false; /* a driver that hangs has told of none */
        g->n = 0;
        hv_gpu_history_add(h, g, 9000);
        assert_int_equal(hv_gpu_history_size(h, "GPU-a"), HV_GPU_POINTS);
        g->is_known = true;
        g->n = 1;
        g->v[0] = (struct hv_gpu){ .uuid = "GPU-b" };
        hv_gpu_history_add(h, g, 9001);
        assert_int_equal(hv_gpu_history_size(h, "GPU-a"), 0);
        assert_int_equal(hv_gpu_history_at(h, "GPU-b", HV_GPU_POINTS - 1)->wall_us, 9001);
}

static int be_helper(void) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/babble", getenv("LD_LIBRARY_PATH"));
        char text[4096];

        memset(text, 'x', sizeof text);
        while (access(path, F_OK) == 0 && write(STDOUT_FILENO, text, sizeof text) > 0)
                ;
        return hv_gpu_helper_run(STDIN_FILENO, STDOUT_FILENO);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_the_driver_tells, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_lost_gpu_keeps_its_name, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_instances_of_a_gpu_that_was_cut, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_uuids_may_change, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_library_is_no_gpu, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_the_driver_is_not_loaded, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_driver_that_hangs, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_driver_that_fails, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_is_not_told_of_a_model, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_processes_do_may_not_be_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_helper_that_dies, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_access_is_asked_of_the_helper, set_up, tear_down),
                cmocka_unit_test(test_rules_of_devices),
                cmocka_unit_test_setup_teardown(test_a_library_that_lacks_a_function, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_helper_that_does_not_stop, set_up, tear_down),
                cmocka_unit_test(test_processes_that_are_none),
                cmocka_unit_test(test_lines_that_are_none),
                cmocka_unit_test(test_the_last_hour),
        };

        if (argc > 0 && hv_streq(argv[0], HV_GPU_HELPER))
                return be_helper();
        return cmocka_run_group_tests(tests, NULL, NULL);
}

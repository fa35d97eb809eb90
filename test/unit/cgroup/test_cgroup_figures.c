/* What is counted for a cgroup: files of both versions as kernels wrote them, on made folders, and whose cgroup it is. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../source/scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cgroup/counters.h"

#define ID "4f3a9c0d"
#define KIB UINT64_C(1024)

struct text {
        const char *controller, *file, *text;
};

/* Linux 6.1, cgroup version 1: a container with a limit of 512 MiB. */
static const struct text version_1[] = {
        { "cpuacct", "cpuacct.usage", "1234567890\n" },
        { "cpu", "cpu.stat", "nr_periods 10\nnr_throttled 3\nthrottled_time 5000000\n" },
        { "memory", "memory.usage_in_bytes", "10485760\n" },
        { "memory", "memory.stat",
          "cache 4096\nrss 1\ninactive_file 1\nhierarchical_memory_limit 536870912\nhierarchical_memsw_limit 1\n"
          "total_cache 8192\ntotal_rss 3145728\ntotal_inactive_file 1048576\n" },
        { "memory", "memory.max_usage_in_bytes", "20971520\n" },
        { "memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n" },
        { "pids", "pids.current", "7\n" },
        { "blkio", "blkio.throttle.io_service_bytes_recursive",
          "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\n8:0 Async 12288\n8:0 Discard 5\n8:0 Total 12288\n"
          "8:16 Read 1\n8:16 Write 2\nTotal 12291\n" },
};

/* Linux 6.1, cgroup version 2. */
static const struct text version_2[] = {
        { "", "cpu.stat",
          "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 10\nnr_throttled 3\n"
          "throttled_usec 5000\n" },
        { "", "memory.current", "10485760\n" },
        { "", "memory.stat",
          "anon 3145728\nfile 8192\ninactive_anon 9\ninactive_file 1048576\nactive_file 1\n" },
        { "", "memory.peak", "20971520\n" },
        { "", "memory.max", "536870912\n" },
        { "", "memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n" },
        { "", "pids.current", "7\n" },
        { "", "io.stat",
          "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=5 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n" },
        { "", "cpu.pressure",
          "some avg10=12.50 avg60=0.00 avg300=0.00 total=99\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=9\n" },
        { "", "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n" },
        { "", "io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=2\n" },
};

static void put_all(const struct scratch *s, const char *path, const struct text *texts, size_t n,
                    bool is_v2) {
        for (size_t i = 0; i < n; i++) {
                _hv_cleanup_free_ char *top = hv_strdup(is_v2 ? "unified" : texts[i].controller);
                _hv_cleanup_free_ char *dir = hv_asprintf("%s%s", top, path), *name = NULL;

                if (access(scratch_path(s, top), F_OK) < 0)
                        scratch_mkdir(s, top);
                if (access(scratch_path(s, dir), F_OK) < 0)
                        scratch_mkdir(s, dir);
                name = hv_asprintf("%s/%s", dir, texts[i].file);
                scratch_write(s, name, texts[i].text);
        }
}

static struct hv_cgroup_tree *mounted(const struct scratch *s, bool has_v1, bool has_v2) {
        static const char *const controllers[] = { "cpuacct", "cpu", "memory", "pids", "blkio" };
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_cgroup_tree *t;

        for (size_t i = 0; has_v1 && i < HV_ARRAY_SIZE(controllers); i++)
                hv_buf_printf(&text, "33 31 0:30 / %s/%s rw - cgroup cgroup rw,%s\n", s->path, controllers[i],
                              controllers[i]);
        if (has_v2)
                hv_buf_printf(&text, "41 31 0:38 / %s/unified rw - cgroup2 cgroup2 rw\n", s->path);
        scratch_write(s, "mountinfo", hv_buf_str(&text));
        assert_int_equal(hv_cgroup_tree_new(scratch_path(s, "mountinfo"), &t, NULL), 0);
        return t;
}

static void check(const struct hv_cgroup_figures *f) {
        assert_int_equal(f->known, HV_CGROUP_CPU | HV_CGROUP_THROTTLED | HV_CGROUP_MEMORY |
                                           HV_CGROUP_MEMORY_STAT | HV_CGROUP_MEMORY_PEAK |
                                           HV_CGROUP_MEMORY_LIMIT | HV_CGROUP_OOM | HV_CGROUP_PIDS |
                                           HV_CGROUP_IO);
        assert_int_equal(f->cpu_us, 1234567);
        assert_int_equal(f->throttled_us, 5000);
        assert_int_equal(f->memory_bytes, 10240 * KIB);
        assert_int_equal(hv_cgroup_working_set(f), 9216 * KIB);
        assert_int_equal(f->anonymous_bytes, 3072 * KIB);
        assert_int_equal(f->memory_peak_bytes, 20480 * KIB);
        assert_int_equal(f->memory_limit_bytes, 524288 * KIB);
        assert_int_equal(f->n_oom_kills, 2);
        assert_int_equal(f->n_pids, 7);
        assert_int_equal(f->read_bytes, 4097);
        assert_int_equal(f->written_bytes, 8194);
}

static void both_versions_tell_the_same(void **state) {
        const struct scratch *s = *state;
        struct hv_cgroup_figures f;

        put_all(s, "/one", version_1, HV_ARRAY_SIZE(version_1), false);
        put_all(s, "/one", version_2, HV_ARRAY_SIZE(version_2), true);
        for (unsigned i = 1; i <= 2; i++) {
                _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, i == 1, i == 2);
                _hv_cleanup_(hv_cgroup_counters_freep) struct hv_cgroup_counters *c = NULL;

                assert_int_equal(hv_cgroup_counters_of_path(t, "/one", &c, NULL), 0);
                assert_int_equal(hv_cgroup_counters_read(c, &f, NULL), 0);
                check(&f);
                assert_int_equal(f.cpu_pressure.is_known, i == 2);
        }
        assert_true(f.cpu_pressure.some_percent == 12.5);
        assert_int_equal(f.io_pressure.some_total_us, 2);
}

/* Where both are mounted version 1 has the controllers, and version 2 still tells how work waits. */
static void a_mixed_tree_gives_each_figure_once(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, true, true);
        _hv_cleanup_(hv_cgroup_counters_freep) struct hv_cgroup_counters *c = NULL;
        struct hv_cgroup_figures f;

        put_all(s, "/one", version_1, HV_ARRAY_SIZE(version_1), false);
        put_all(s, "/one", version_2 + 8, 3, true);
        assert_int_equal(hv_cgroup_counters_of_path(t, "/one", &c, NULL), 0);
        assert_int_equal(hv_cgroup_counters_read(c, &f, NULL), 0);
        check(&f);
        assert_true(f.cpu_pressure.is_known && f.memory_pressure.is_known);
}

static void what_is_read_again_is_new(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, false, true);
        _hv_cleanup_(hv_cgroup_counters_freep) struct hv_cgroup_counters *c = NULL;
        struct hv_cgroup_figures f;

        put_all(s, "/one", version_2, HV_ARRAY_SIZE(version_2), true);
        assert_int_equal(hv_cgroup_counters_of_path(t, "/one", &c, NULL), 0);
        scratch_write(s, "unified/one/pids.current", "4096\n");
        scratch_write(s, "unified/one/memory.max", "max\n");
        scratch_write(s, "unified/one/memory.current", "nonsense\n");
        assert_int_equal(hv_cgroup_counters_read(c, &f, NULL), 0);
        assert_int_equal(f.n_pids, 4096);
        assert_int_equal(f.memory_limit_bytes, 0);
        assert_true(f.known & HV_CGROUP_MEMORY_LIMIT);
        assert_false(f.known & HV_CGROUP_MEMORY);
        assert_int_equal(hv_cgroup_working_set(&f), 0); /* and not less than nothing */
}

/* What is not read is not forgotten either. */
static void what_seldom_moves_is_read_less_often(void **state) {
        static const struct {
                double pressure;
                uint64_t n_oom_kills, n_pids;
        } told[] = { { 12.5, 3, 5 }, { 12.5, 3, 6 }, { 12.5, 9, 6 }, { 12.5, 9, 6 }, { 7, 9, 6 } };
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, false, true);
        _hv_cleanup_(hv_cgroup_counters_freep) struct hv_cgroup_counters *c = NULL;
        struct hv_cgroup_figures f;

        put_all(s, "/one", version_2, HV_ARRAY_SIZE(version_2), true);
        scratch_write(s, "unified/one/memory.events", "oom_kill 3\n");
        scratch_write(s, "unified/one/pids.current", "5\n");
        assert_int_equal(hv_cgroup_counters_of_path(t, "/one", &c, NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(told); i++) {
                assert_int_equal(hv_cgroup_counters_read(c, &f, NULL), 0);
                assert_true(f.cpu_pressure.is_known && f.cpu_pressure.some_percent == told[i].pressure);
                assert_int_equal(f.n_oom_kills, told[i].n_oom_kills);
                assert_int_equal(f.n_pids, told[i].n_pids);
                assert_true(f.known & HV_CGROUP_OOM);
                scratch_write(s, "unified/one/cpu.pressure",
                              "some avg10=7.00 avg60=0.00 avg300=0.00 total=1\n");
                scratch_write(s, "unified/one/memory.events", "oom_kill 9\n");
                scratch_write(s, "unified/one/pids.current", "6\n");
        }
}

static void there_must_be_a_cgroup(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, true, true);
        struct hv_cgroup_counters *c = NULL;
        struct hv_err err = {};

        put_all(s, "", version_1, HV_ARRAY_SIZE(version_1), false);
        assert_int_equal(hv_cgroup_counters_of_path(t, "/none", &c, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "/none"));
        /* The root's figures are the machine's. */
        assert_int_equal(hv_cgroup_counters_of_path(t, "/", &c, &err), -ENOENT);
        assert_null(c);
}

/* ---- whose ---- */

static void paths_of_processes(void **state) {
        static const char text[] = "12:pids:/a/docker-" ID ".scope\n"
                                   "4:cpu,cpuacct:/docker/" ID "\n"
                                   "3:memory:/libpod-" ID ".scope/container/of/its/own\n"
                                   "1:name=systemd:/init.scope\n"
                                   "nonsense\n"
                                   "2:blkio:\n"
                                   "0::/x/libpod-" ID ".scope/container\n"
                                   "9:net_cls:/cut/" ID;
        static const struct {
                const char *controller, *id, *path;
        } rows[] = {
                { "pids", ID, "/a/docker-" ID ".scope" },
                { "cpu", ID, "/docker/" ID },
                { "cpuacct", ID, "/docker/" ID },
                { "acct", ID, NULL },
                { "memory", ID, "/libpod-" ID ".scope" },
                { "memory", NULL, "/libpod-" ID ".scope/container/of/its/own" },
                { "", ID, "/x/libpod-" ID ".scope" },
                { "name=systemd", ID, NULL }, /* another's */
                { "name=systemd", NULL, "/init.scope" },
                { "blkio", NULL, NULL },
                { "net_cls", ID, NULL },
                { "pids", "", NULL }, /* of no container is everything */
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *path =
                        hv_cgroup_path_of_process(text, rows[i].controller, rows[i].id);

                if (!hv_streq(path, rows[i].path))
                        fail_msg("%s of %s: %s", rows[i].controller, rows[i].id ? rows[i].id : "any",
                                 path ? path : "none");
        }
}

/* A number may mean another process by the time it is looked at. */
static void a_process_of_somebody_else_is_not_taken(void **state) {
        const struct scratch *s = *state;
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *t = mounted(s, false, true);
        _hv_cleanup_(hv_cgroup_counters_freep) struct hv_cgroup_counters *c = NULL;
        _hv_cleanup_(hv_fd_closep) int dir = -1;
        struct hv_cgroup_figures f;
        struct hv_err err = {};

        put_all(s, "/docker-" ID ".scope", version_2, HV_ARRAY_SIZE(version_2), true);
        scratch_mkdir(s, "1");
        dir = open(scratch_path(s, "1"), O_PATH | O_CLOEXEC);
        assert_int_equal(hv_cgroup_counters_of_process(t, dir, ID, &c, &err), -ENOENT);
        scratch_write(s, "1/cgroup", "0::/docker-ffff.scope\n");
        assert_int_equal(hv_cgroup_counters_of_process(t, dir, ID, &c, &err), -ESRCH);
        assert_non_null(strstr(err.msg, ID));
        scratch_write(s, "1/cgroup", "0::/docker-" ID ".scope/own\n");
        assert_int_equal(hv_cgroup_counters_of_process(t, dir, ID, &c, &err), 0);
        assert_int_equal(hv_cgroup_counters_read(c, &f, NULL), 0);
        check(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(both_versions_tell_the_same, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test_setup_teardown(a_mixed_tree_gives_each_figure_once, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test_setup_teardown(what_is_read_again_is_new, scratch_set_up, scratch_tear_down),
                cmocka_unit_test_setup_teardown(what_seldom_moves_is_read_less_often, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test_setup_teardown(there_must_be_a_cgroup, scratch_set_up, scratch_tear_down),
                cmocka_unit_test(paths_of_processes),
                cmocka_unit_test_setup_teardown(a_process_of_somebody_else_is_not_taken, scratch_set_up,
                                                scratch_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

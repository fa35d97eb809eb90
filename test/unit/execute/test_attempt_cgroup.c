/* attempt_cgroup: whose figures are read, by what the container says of its parent; what is removed on real engines shows
 * test/e2e/test_usage.py. */
#include <systemd/sd-event.h>
#include <unistd.h>

#include "../source/scratch.h"

#include "base/alloc.h"
#include "docker/client.h"
#include "docker/container.h"
#include "execute/attempt_cgroup.h"

#define NODES "/hivelet.slice/hivelet-tasks.slice/hivelet-tasks-n1.slice"
#define OWN NODES "/hivelet-tasks-n1-prime\\x2d1.2"

struct world {
        struct scratch *scratch;
        sd_event *event;
        struct hv_docker *docker; /* never asked: an engine of which nothing is known */
        struct hv_attempt_cgroups *cgroups;
};

static const struct hv_attempt_ref ref = { "hivelet.slice", "prime-1", 2 };

static void make(const struct scratch *s, const char *path) {
        _hv_cleanup_free_ char *text = hv_strdup(path);

        for (char *p = text + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = '\0';
                if (access(scratch_path(s, text), F_OK) < 0)
                        scratch_mkdir(s, text);
        }
        scratch_mkdir(s, text);
}

/* Figures differ by place, so that they tell where they were read. */
static void put(const struct scratch *s, const char *place, unsigned figure) {
        _hv_cleanup_free_ char *stat = hv_asprintf("cgroup%s/cpu.stat", place),
                               *peak = hv_asprintf("cgroup%s/memory.peak", place),
                               *cpu = hv_asprintf("usage_usec %u\n", figure),
                               *bytes = hv_asprintf("%u\n", figure + 1);

        scratch_write(s, stat, cpu);
        scratch_write(s, peak, bytes);
}

static int set_up(void **state) {
        struct world *w = HV_NEW(struct world);
        const struct hv_docker_options docker = { .url = "unix:///nowhere/docker.sock" };
        struct hv_attempt_cgroups_options options = { .node_id = "n1" };
        _hv_cleanup_free_ char *mount = NULL;
        void *scratch = NULL;

        if (scratch_set_up(&scratch) < 0 || sd_event_new(&w->event) < 0 ||
            hv_docker_new(w->event, &docker, &w->docker, NULL) < 0)
                return -1;
        w->scratch = scratch;
        mount = hv_asprintf("41 31 0:38 / %s/cgroup rw,relatime - cgroup2 cgroup2 rw\n", w->scratch->path);
        scratch_write(w->scratch, "mountinfo", mount);
        make(w->scratch, "cgroup" OWN ".slice");
        scratch_mkdir(w->scratch, "cgroup" OWN);
        put(w->scratch, "/hivelet.slice", 100);
        put(w->scratch, OWN ".slice", 200);
        put(w->scratch, OWN, 300);
        options.event = w->event;
        options.docker = w->docker;
        options.mountinfo = scratch_path(w->scratch, "mountinfo");
        w->cgroups = hv_attempt_cgroups_new(&options);
        *state = w;
        return 0;
}

static int tear_down(void **state) {
        struct world *w = *state;
        void *scratch = w->scratch;

        (void) hv_attempt_cgroups_free(w->cgroups);
        hv_docker_free(w->docker);
        sd_event_unref(w->event);
        free(w);
        return scratch_tear_down(&scratch);
}

static void figures_are_of_the_attempts_own_cgroup_or_of_none(void **state) {
        struct world *w = *state;
        static const struct {
                const char *what, *parent;
                unsigned cpu_us; /* 0: not known */
        } rows[] = {
                { "cgroupfs", OWN ".slice", 200 },
                { "systemd", "hivelet-tasks-n1-prime\\x2d1.2.slice", 200 },
                { "podman on cgroupfs", OWN, 300 },
                { "made by an older version: it has all containers' parent", "/hivelet.slice", 0 },
                { "the same, of systemd", "hivelet.slice", 0 },
                { "of another attempt", NODES "/hivelet-tasks-n1-prime\\x2d1.1.slice", 0 },
                { "leads elsewhere", "/../hivelet-tasks-n1-prime\\x2d1.2.slice", 0 },
                { "none", NULL, 0 },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_container k = { .cgroup_parent = rows[i].parent };
                struct hv_task_usage u = hv_attempt_cgroups_read(w->cgroups, &ref, &k);

                if (u.cpu_us != rows[i].cpu_us ||
                    u.memory_peak_bytes != (rows[i].cpu_us ? rows[i].cpu_us + 1 : 0))
                        fail_msg("%s: %llu us", rows[i].what, (unsigned long long) u.cpu_us);
        }
}

/* Of an engine whose driver is not known nobody can say what its folders are. */
static void without_a_known_driver_nothing_is_looked_for(void **state) {
        struct world *w = *state;
        struct hv_task_usage u = hv_attempt_cgroups_read(w->cgroups, &ref, NULL);
        const char *leftover = "cgroup" NODES "/hivelet-tasks-n1-old.1.slice";

        assert_int_equal(u.cpu_us, 0);
        scratch_mkdir(w->scratch, leftover);
        hv_attempt_cgroups_sweep(w->cgroups, "hivelet.slice", NULL, 0);
        hv_attempt_cgroups_remove(w->cgroups, &(struct hv_attempt_ref){ "hivelet.slice", "old", 1 });
        assert_int_equal(access(scratch_path(w->scratch, leftover), F_OK), 0);
}

static void nobody_needs_it(void **state) {
        const struct hv_docker_container k = { .cgroup_parent = OWN };
        const struct hv_attempt_ref nowhere = { NULL, "prime-1", 2 };
        const struct hv_unit u = { .kind = HV_KIND_TASK, .object = "prime-1", .replica = 2 };
        struct world *w = *state;

        assert_int_equal(hv_attempt_cgroups_read(NULL, &ref, &k).cpu_us, 0);
        assert_int_equal(hv_attempt_cgroups_read(w->cgroups, &nowhere, &k).cpu_us, 0);
        hv_attempt_cgroups_make_room(NULL, &u);
        hv_attempt_cgroups_make_room(w->cgroups, &u);
        hv_attempt_cgroups_remove(NULL, &ref);
        hv_attempt_cgroups_remove(w->cgroups, &nowhere);
        hv_attempt_cgroups_sweep(NULL, "hivelet.slice", NULL, 0);
        hv_attempt_cgroups_sweep(w->cgroups, NULL, NULL, 0);
        assert_null(hv_attempt_cgroups_free(NULL));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void what_no_start_has_touched(void **state) {
        static const struct {
                const char *parent;
                bool is_untouched;
        } rows[] = {
                { OWN ".slice", false },
                { OWN, false }, /* podman's name for it */
                { NODES "/hivelet-tasks-n1-prime\\x2d1.3.slice", true },
                { "hivelet-tasks-n1-other.1.slice", true }, /* systemd's: the same folder */
                { "/hivelet.slice/hivelet-tasks.slice/hivelet-tasks-n2.slice/hivelet-tasks-n2-t.1.slice",
                  false },
                { "/hivelet.slice", false }, /* made before attempts had a place of their own */
                { "/elsewhere", false },
                { "../up", false },
                { "", false },
                { NULL, false },
        };
        struct world *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_container k = { .cgroup_parent = rows[i].parent };

                if (hv_attempt_cgroups_untouched(w->cgroups, &k) != rows[i].is_untouched)
                        fail_msg("row %zu: %s", i, rows[i].parent);
        }
        assert_false(
                hv_attempt_cgroups_untouched(NULL, &(struct hv_docker_container){ .cgroup_parent = OWN }));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(figures_are_of_the_attempts_own_cgroup_or_of_none),
                TEST(without_a_known_driver_nothing_is_looked_for),
                TEST(nobody_needs_it),
                TEST(what_no_start_has_touched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

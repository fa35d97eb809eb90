/* Whose GPUs the agent looks after, and when; and what is said of all GPUs together. */
#include "testing.h"

#include "agent/gpu_users.h"
#include "agent/gpus.h"
#include "base/alloc.h"
#include "base/vec.h"
#include "reconcile/status.h"

#define S UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

static struct hv_unit_status runs(const char *container, const char *gpus, uint64_t started_us) {
        return (struct hv_unit_status){ .kind = HV_KIND_SERVICE,
                                        .container = container,
                                        .phase = HV_PHASE_RUNNING,
                                        .gpus = gpus,
                                        .started_wall_us = started_us };
}

static void follow(struct hv_gpu_users *u, const struct hv_unit_status *units, size_t n) {
        const struct hv_status status = { .units = (struct hv_unit_status *) units, .n_unit_status = n };

        hv_gpu_users_follow(u, &status, NULL, 0);
}

static void assert_due(struct hv_gpu_users *u, uint64_t now_us, const char *container) {
        const struct hv_gpu_user *k = hv_gpu_users_next_due(u, 30 * S, now_us);

        if (!hv_streq(k ? k->container : NULL, container))
                fail_msg("at %llu s %s is due, expected %s", (unsigned long long) (now_us / S),
                         k ? k->container : "nobody", container ? container : "nobody");
}

static void each_start_is_looked_at_and_then_each_interval(void **state) {
        struct hv_unit_status units[] = { runs("a", "GPU-1", 5), runs("b", "GPU-2", 6) };
        _hv_cleanup_(hv_gpu_users_done) struct hv_gpu_users u = {};

        (void) state;
        assert_due(&u, S, NULL);
        follow(&u, units, 2);
        assert_due(&u, S, "a");
        assert_due(&u, S, "b");
        assert_due(&u, S, NULL);
        follow(&u, units, 2);
        assert_due(&u, 31 * S - 1, NULL);
        assert_due(&u, 31 * S, "a");
        assert_due(&u, 31 * S, "b");
        units[1].started_wall_us = 7; /* started anew */
        follow(&u, units, 2);
        assert_due(&u, 32 * S, "b");
        assert_due(&u, 32 * S, NULL);
        units[0].gpus = "GPU-3"; /* given another */
        follow(&u, units, 2);
        assert_due(&u, 32 * S, "a");
        assert_due(&u, 32 * S, NULL);
        follow(&u, units, 1);
        follow(&u, units, 2); /* it was away meanwhile */
        assert_due(&u, 32 * S, "b");
        assert_due(&u, 32 * S, NULL);
}

static void only_who_runs_with_gpus_is_looked_at(void **state) {
        static const struct {
                const char *what;
                struct hv_unit_status unit;
                struct hv_task_status task;
                bool is_due;
        } rows[] = {
                { "a service",
                  { .kind = HV_KIND_SERVICE, .container = "c", .phase = HV_PHASE_RUNNING, .gpus = "G" },
                  {},
                  true },
                { "one without GPUs",
                  { .kind = HV_KIND_SERVICE, .container = "c", .phase = HV_PHASE_RUNNING },
                  {},
                  false },
                { "one that has no container",
                  { .kind = HV_KIND_SERVICE, .phase = HV_PHASE_RUNNING, .gpus = "G" },
                  {},
                  false },
                { "one that is being made",
                  { .kind = HV_KIND_SERVICE, .container = "c", .phase = HV_PHASE_CREATING, .gpus = "G" },
                  {},
                  false },
                { "a task's container, which is the task's",
                  { .kind = HV_KIND_TASK, .container = "c", .phase = HV_PHASE_RUNNING, .gpus = "G" },
                  {},
                  false },
                { "a task", {}, { .container = "c", .state = HV_TASK_RUNNING, .gpus = "G" }, true },
                { "a task without GPUs", {}, { .container = "c", .state = HV_TASK_RUNNING }, false },
                { "a task before its container", {}, { .state = HV_TASK_RUNNING, .gpus = "G" }, false },
                { "a task that has ended",
                  {},
                  { .container = "c", .state = HV_TASK_COLLECTING, .gpus = "G" },
                  false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_status status = { .units = (struct hv_unit_status *) &rows[i].unit,
                                                  .n_unit_status = 1 };
                _hv_cleanup_(hv_gpu_users_done) struct hv_gpu_users u = {};

                hv_gpu_users_follow(&u, &status, &rows[i].task, 1);
                if ((hv_gpu_users_next_due(&u, S, S) != NULL) != rows[i].is_due)
                        fail_msg("%s", rows[i].what);
        }
}

/* An instance's memory is its GPU's, and what is not told of one is no 0. */
static void all_together_are_what_is_known_of_each(void **state) {
        _hv_cleanup_free_ struct hv_gpus *g = HV_NEW(struct hv_gpus);

        (void) state;
        assert_true(hv_gpus_use_percent(NULL) < 0);
        assert_true(hv_gpus_memory_percent(NULL) < 0);
        g->n = 3;
        g->v[0] = (struct hv_gpu){ .use_percent = 90,
                                   .memory_bytes = 100 * MIB,
                                   .memory_used_bytes = 50 * MIB };
        g->v[1] = (struct hv_gpu){ .use_percent = -1, .memory_bytes = 700 * MIB, .memory_used_bytes = -1 };
        g->v[2] = (struct hv_gpu){ .use_percent = 30,
                                   .memory_bytes = 300 * MIB,
                                   .memory_used_bytes = 300 * MIB,
                                   .parent = "GPU-a" };
        assert_int_equal(hv_gpus_use_percent(g), 60);
        assert_int_equal(hv_gpus_memory_percent(g), 50);
        g->v[0] = g->v[1];
        g->v[2] = g->v[1];
        assert_true(hv_gpus_use_percent(g) < 0);
        assert_true(hv_gpus_memory_percent(g) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_start_is_looked_at_and_then_each_interval),
                cmocka_unit_test(only_who_runs_with_gpus_is_looked_at),
                cmocka_unit_test(all_together_are_what_is_known_of_each),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* evictions: the node itself stops an attempt. Why is durable before it does, and counts after a restart. */
#include <errno.h>

#include "task_bed.h"

/* ---- rules ---- */

static void take(struct bed *b, const char *id, unsigned attempt, uint64_t bytes) {
        const struct hv_input in = {
                .type = HV_INPUT_TASK_DISK, .text = id, .attempt = attempt, .disk_bytes = bytes
        };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

static void who_takes_too_much_of_the_disk_is_stopped(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        take(b, "t1", 2, UINT64_C(5) << 30); /* another attempt */
        take(b, "t9", 1, UINT64_C(5) << 30); /* another task */
        assert_string_equal(bed_log(b), "");
        take(b, "t1", 1, UINT64_C(5) << 30);
        assert_string_equal(
                bed_log(b),
                "record the eviction of t1; stop task-t1; collect the results of t1; record the end of t1; "
                "remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t1").cause, HV_CAUSE_DISK_LIMIT);
        assert_true(hv_has_prefix(status_of(b, "t1").message, "its workspace took 5Gi, more than its"));
        take(b, "t1", 1, UINT64_C(6) << 30); /* a look that comes late */
        assert_string_equal(bed_log(b), "");
}

/* A task that runs, and whose eviction for its disk is being recorded. */
static void evict_t1(struct bed *b) {
        assert_int_equal(submit(b, &(struct job){ "t1", .retries = 1, .retry_on = HV_TASK_RETRY_NODE_ERROR }),
                         0);
        bed_run(b);
        (void) bed_log(b);
        b->hold = true;
        take(b, "t1", 1, UINT64_C(5) << 30);
        assert_string_equal(bed_log(b), "record the eviction of t1");
}

static void nothing_is_stopped_before_the_reason_is_durable(void **state) {
        BED;

        evict_t1(b);
        answer(b, HV_ACTION_TASK_EVICTING, HV_OUTCOME_FAILED); /* the disk is full */
        assert_string_equal(bed_log(b), "");
        bed_wait(b, 5 * S);
        assert_string_equal(bed_log(b), "record the eviction of t1");
        assert_string_equal(status_of(b, "t1").ledger_failure ? "told" : "", "told");
        answer(b, HV_ACTION_TASK_EVICTING, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "stop task-t1");
        assert_true(hv_has_prefix(status_of(b, "t1").message, "is being stopped: its workspace took 5Gi"));
}

/* What is not durable counts for nothing: it ended by itself. */
static void an_end_before_that_is_its_own(void **state) {
        BED;

        evict_t1(b);
        ends(b, "task-t1", 0);
        assert_string_equal(bed_log(b), "");
        b->hold = false;
        answer(b, HV_ACTION_TASK_EVICTING, HV_OUTCOME_FAILED);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

static void a_timeout_does_not_wait_for_it(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1", .timeout = 60 * S }), 0);
        bed_run(b);
        b->hold = true;
        take(b, "t1", 1, UINT64_C(5) << 30);
        (void) bed_log(b);
        bed_wait(b, 61 * S);
        answer(b, HV_ACTION_TASK_EVICTING, HV_OUTCOME_FAILED);
        assert_string_equal(bed_log(b), "stop task-t1");
        b->hold = false;
        answer(b, HV_ACTION_STOP, HV_OUTCOME_OK);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_TIMED_OUT);
}

/* ---- by another process ---- */

static const struct job job = {
        .id = "t1", .source = HV_TASK_FROM_API, .retries = 1, .retry_on = HV_TASK_RETRY_NODE_ERROR
};

static void recall_evicted(struct bed *b, enum hv_eviction why, enum hv_container_state s, int exit_code,
                           int64_t ended_after_us) {
        struct hv_seen_container *k;
        uint64_t evicted_us;

        bed_wait(b, 60 * S);
        evicted_us = b->now_us - 30 * S;
        recall(b, &job,
               (struct hv_task_recalled){ .state = HV_TASK_RUNNING,
                                          .attempt = 1,
                                          .begun_wall_us = b->now_us - 40 * S,
                                          .begun_us = b->now_us - 40 * S,
                                          .eviction = why,
                                          .eviction_text = "so and so",
                                          .evicted_wall_us = evicted_us });
        k = task_container(b, "t1", s);
        k->exit_code = exit_code;
        k->started_us = b->now_us - 39 * S;
        if (s == HV_CONTAINER_EXITED)
                k->finished_us = evicted_us + (uint64_t) ended_after_us;
        go(b);
}

static void what_still_runs_after_a_restart_is_stopped(void **state) {
        struct bed *b = again(state);

        recall_evicted(b, HV_EVICTION_PRESSURE, HV_CONTAINER_RUNNING, 0, 0);
        assert_string_equal(bed_log(b), "stop task-t1; collect the results of t1; record the end of t1; "
                                        "remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED); /* its next attempt */
        assert_int_equal(hv_core_trust(b->core), 0);
}

/* Found ended: the stop may have been asked for, or not. */
static void what_ended_meanwhile_is_judged_by_what_is_durable(void **state) {
        static const struct {
                enum hv_eviction why;
                int exit_code;
                int64_t ended_after_us;
                enum hv_task_state state;
                const char *message;
        } rows[] = {
                { HV_EVICTION_PRESSURE, 143, 1, HV_TASK_QUEUED, "" },
                { HV_EVICTION_GPU_LOST, 137, 1, HV_TASK_QUEUED, "" },
                { HV_EVICTION_PRESSURE, 1, 1, HV_TASK_QUEUED, "" },  /* it answered the signal so */
                { HV_EVICTION_PRESSURE, 1, -1, HV_TASK_QUEUED, "" }, /* a clock may have been set */
                { HV_EVICTION_PRESSURE, 0, 1, HV_TASK_QUEUED, "" },  /* it may have been interrupted */
                { HV_EVICTION_PRESSURE, 0, -1, HV_TASK_COMPLETED, "" },
                { HV_EVICTION_DISK_LIMIT, 143, 1, HV_TASK_FAILED, "so and so" },
                { HV_EVICTION_NONE, 143, 1, HV_TASK_FAILED, "ended with exit code 143" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct bed *b = again(state);
                struct hv_task_status t;

                recall_evicted(b, rows[i].why, HV_CONTAINER_EXITED, rows[i].exit_code,
                               rows[i].ended_after_us);
                t = status_of(b, "t1");
                if (t.state != rows[i].state ||
                    (t.state != HV_TASK_QUEUED && !hv_streq(t.message, rows[i].message)))
                        fail_msg("row %zu: %s, %s", i, hv_task_state_name(t.state), t.message);
        }
}

static void words_are_read_back(void **state) {
        enum hv_eviction why = HV_EVICTION_NONE;

        (void) state;
        for (unsigned i = 1; i < HV_N_EVICTIONS; i++) {
                assert_true(hv_eviction_parse(hv_eviction_name((enum hv_eviction) i), &why));
                assert_int_equal(why, i);
        }
        assert_null(hv_eviction_name(HV_EVICTION_NONE));
        assert_false(hv_eviction_parse("Whim", &why));
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(who_takes_too_much_of_the_disk_is_stopped),
                RULE(nothing_is_stopped_before_the_reason_is_durable),
                RULE(an_end_before_that_is_its_own),
                RULE(a_timeout_does_not_wait_for_it),
                RULE(what_still_runs_after_a_restart_is_stopped),
                RULE(what_ended_meanwhile_is_judged_by_what_is_durable),
                cmocka_unit_test(words_are_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

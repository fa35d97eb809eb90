/* A task's life in the core, one rule a test. The simulator shakes all of them together; here each can be read. */
#include <errno.h>

#include "task_bed.h"

static void a_task_goes_from_promise_to_result(void **state) {
        BED;
        struct hv_task_status s;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b),
                            "accept t1; prepare t1; create task-t1; record the start of t1; start task-t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_true(bed_status(b).synced);
        ends(b, "task-t1", 0);
        assert_string_equal(
                bed_log(b),
                "collect the results of t1; record the end of t1; remove task-t1; clean up after t1");
        s = status_of(b, "t1");
        assert_int_equal(s.state, HV_TASK_COMPLETED);
        assert_int_equal(s.exit_code, 0);
        assert_string_equal(s.reason, "success");
        bed_wait(b, 3600 * S);
        assert_string_equal(bed_log(b), "");
}

static void an_exit_code_is_a_failure_with_its_number(void **state) {
        BED;
        struct hv_task_status s;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        ends(b, "task-t1", 3);
        s = status_of(b, "t1");
        assert_int_equal(s.state, HV_TASK_FAILED);
        assert_int_equal(s.exit_code, 3);
        assert_string_equal(s.message, "ended with exit code 3");
}

static void nothing_starts_before_its_begin_is_durable(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1; create task-t1; record the start of t1");
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_FAILED); /* the disk is full */
        bed_run(b);
        assert_int_equal(b->n_starts, 0);
        assert_string_equal(bed_log(b), "");
        assert_string_equal(status_of(b, "t1").message,
                            "cannot record the start of (try 1): the engine said no");
        b->hold = false;
        bed_wait(b, 2 * S);
        assert_string_equal(bed_log(b), "record the start of t1; start task-t1");
}

static void a_container_goes_only_after_its_result_is_durable(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        b->hold = true;
        ends(b, "task-t1", 0);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_COLLECT, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "collect the results of t1; record the end of t1");
        answer(b, HV_ACTION_TASK_END, HV_OUTCOME_FAILED);
        b->hold = false;
        assert_string_equal(bed_log(b), "");
        assert_non_null(bed_container(b, "task-t1"));
        bed_wait(b, 2 * S);
        assert_string_equal(bed_log(b), "record the end of t1; remove task-t1; clean up after t1");
}

static void after_a_restart_what_runs_is_adopted(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_RUNNING);
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        ends(b, "task-t1", 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
        assert_int_equal(b->n_starts, 0);
}

static void after_a_restart_what_ended_is_collected(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_EXITED)->exit_code = 4;
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(
                bed_log(b),
                "collect the results of t1; record the end of t1; remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").exit_code, 4);
        assert_int_equal(b->n_starts, 0);
}

/* Policy got stricter, or the document cannot be read any more: what runs goes on to its end, and an attempt of which nothing
 * started ends as what it is. */
static const struct job refused_t1 = { .id = "t1",
                                       .source = HV_TASK_FROM_API,
                                       .refused = "it is forbidden now" };

static void after_a_restart_what_is_refused_and_runs_goes_on(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_RUNNING);
        recall(b, &refused_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(bed_log(b), "");
        ends(b, "task-t1", 3);
        assert_string_equal(
                bed_log(b),
                "collect the results of t1; record the end of t1; remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t1").exit_code, 3);
}

static unsigned ended_attempt;

static enum hv_outcome look_at_the_end(struct bed *b, const struct hv_action *a) {
        (void) b;
        if (a->type == HV_ACTION_TASK_END)
                ended_attempt = a->end->attempt;
        return HV_OUTCOME_OK;
}

static void after_a_restart_what_is_refused_and_never_started_is_rejected(void **state) {
        struct bed *b = again(state);

        ended_attempt = 99;
        b->mood = look_at_the_end;
        task_container(b, "t1", HV_CONTAINER_CREATED);
        recall(b, &refused_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(
                bed_log(b),
                "withhold the workspace of t1; remove task-t1; collect the results of t1; record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_REJECTED);
        assert_string_equal(status_of(b, "t1").message, "it is forbidden now");
        assert_int_equal(ended_attempt, 1); /* its own record is ended with it */
        assert_int_equal(b->n_starts, 0);
}

static void after_a_restart_what_is_gone_counts_as_run(void **state) {
        struct bed *b = again(state);

        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(bed_log(b), "collect the results of t1; record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
        assert_int_equal(b->n_starts, 0);
}

static void after_a_restart_a_promise_is_kept(void **state) {
        struct bed *b = again(state);

        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_QUEUED });
        go(b);
        assert_string_equal(bed_log(b), "prepare t1; create task-t1; record the start of t1; start task-t1");
}

static void after_a_restart_what_a_crash_left_is_tidied(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_EXITED);
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_COMPLETED, .attempt = 1 });
        go(b);
        assert_string_equal(bed_log(b), "remove task-t1");
        assert_int_equal(submit(b, &api_t1), -EALREADY);
}

static void a_container_of_an_unknown_task_is_left_alone(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_RUNNING);
        task_container(b, "t2", HV_CONTAINER_EXITED);
        go(b);
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
}

static void a_retry_rule_decides_about_another_attempt(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1", .retries = 1, .retry_on = HV_TASK_RETRY_EXIT_CODE }),
                         0);
        bed_run(b);
        (void) bed_log(b);
        ends(b, "task-t1", 3);
        assert_string_equal(
                bed_log(b),
                "collect the results of t1; record the end of t1; remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED);
        bed_wait(b, 11 * S);
        assert_string_equal(bed_log(b),
                            "prepare t1; create task-t1.2; record the start of t1; start task-t1.2");
        ends(b, "task-t1.2", 3);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t1").attempt, 2);
}

static void a_checkpoint_goes_on_without_counting(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1", .checkpoint = 85 }), 0);
        bed_run(b);
        for (unsigned i = 2; i < 5; i++) {
                ends(b, i == 2 ? "task-t1" : hv_arena_printf(b->arena, "task-t1.%u", i - 1), 85);
                bed_wait(b, 11 * S);
                assert_int_equal(status_of(b, "t1").attempt, i);
                assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        }
        ends(b, "task-t1.4", 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

static void its_time_is_counted_from_the_start(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1", .timeout = 60 * S }), 0);
        bed_run(b);
        (void) bed_log(b);
        bed_wait(b, 59 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, 2 * S);
        assert_string_equal(
                bed_log(b),
                "stop task-t1; collect the results of t1; record the end of t1; remove task-t1; clean up "
                "after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_TIMED_OUT);
        assert_int_equal(status_of(b, "t1").exit_code, 143);
}

static void a_stop_is_durable_before_anything_stops(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        bed_run(b);
        assert_string_equal(
                bed_log(b),
                "record the stop of t1; stop task-t1; collect the results of t1; record the end of t1; "
                "remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
        assert_string_equal(status_of(b, "t1").message, "stopped by ana");
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), -EALREADY);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t9"), -ENOENT);
}

static void a_stop_cuts_fetching_short(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_STOPPING, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1; record the stop of t1; cancel t1");
        answer(b, HV_ACTION_TASK_CANCEL, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        b->hold = false;
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_FAILED);
        assert_string_equal(bed_log(b), "record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
        assert_int_equal(b->n_starts, 0);
}

static void what_somebody_started_by_hand_is_not_begun_when_it_is_to_stop(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        bed_container(b, "task-t1")->state = HV_CONTAINER_RUNNING;
        bed_event(b, "start", "task-t1");
        bed_run(b);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        b->hold = false;
        answer(b, HV_ACTION_TASK_STOPPING, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b),
                            "accept t1; prepare t1; create task-t1; record the stop of t1; "
                            "record the end of t1; stop task-t1; remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
}

static enum hv_outcome input_is_wrong(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_PREPARE ? HV_OUTCOME_REFUSED : HV_OUTCOME_OK;
}

static void a_wrong_input_fails_it_before_it_runs(void **state) {
        BED;

        b->mood = input_is_wrong;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "accept t1; prepare t1; record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "input");
}

static enum hv_outcome start_is_refused(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_START ? HV_OUTCOME_REFUSED : HV_OUTCOME_OK;
}

static void a_program_that_is_not_there_is_the_tasks_fault(void **state) {
        BED;

        b->mood = start_is_refused;
        assert_int_equal(submit(b, &(struct job){ "t1", .retries = 3, .retry_on = HV_TASK_RETRY_NODE_ERROR }),
                         0);
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t1").attempt, 1);
        assert_string_equal(status_of(b, "t1").message, "cannot start: the engine said no");
}

static enum hv_outcome nothing_is_durable(struct bed *b, const struct hv_action *a) {
        return a->type == HV_ACTION_TASK_END ? HV_OUTCOME_FAILED : start_is_refused(b, a);
}

/* An agent after this one would find it begun and never started, and start it: beside whoever has its room by then. */
static void its_room_is_free_when_its_end_is_durable(void **state) {
        BED;

        b->mood = nothing_is_durable;
        assert_int_equal(submit(b, &(struct job){ "t1", .memory = 8 * GIB }), 0);
        assert_int_equal(submit(b, &(struct job){ "t2", .memory = 8 * GIB }), 0);
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "t2").state, HV_TASK_QUEUED);
        b->mood = NULL;
        bed_wait(b, 600 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t2").state, HV_TASK_RUNNING);
}

static void promises_are_kept_while_the_engine_is_away(void **state) {
        struct bed *b = again(state);

        b->mood = NULL;
        known(b);
        b->hold = true;
        bed_desire(b, desire("r1", (struct wish[]){ {} }));
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_UNREACHABLE);
        assert_int_equal(submit(b, &(struct job){ "t1" }), -EAGAIN); /* no revision is in force */
}

static void trust_goes_by_the_documents(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "good" }), 0);
        bed_run(b);
        ends(b, "task-good", 0);
        assert_int_equal(hv_core_trust(b->core), 2);
        assert_int_equal(submit(b, &(struct job){ "bad" }), 0);
        bed_run(b);
        ends(b, "task-bad", 1);
        assert_int_equal(hv_core_trust(b->core), 0); /* never below */
        assert_int_equal(submit(b, &(struct job){ "stopped" }), 0);
        bed_run(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "stopped"), 0);
        bed_run(b);
        assert_int_equal(hv_core_trust(b->core), 0);
}

static void what_was_renamed_is_not_lost(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1", .retries = 1, .retry_on = HV_TASK_RETRY_NODE_ERROR }),
                         0);
        bed_run(b);
        (void) bed_log(b);
        rename_to(b, "task-t1", "elsewhere");
        assert_string_equal(bed_log(b), "");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_string_equal(status_of(b, "t1").container, "elsewhere");
        ends(b, "elsewhere", 0);
        assert_string_equal(
                bed_log(b),
                "collect the results of t1; record the end of t1; remove elsewhere; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

static void what_was_removed_is_lost(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        bed_event(b, "destroy", "task-t1");
        bed_drop(b, "task-t1");
        bed_run(b);
        assert_string_equal(bed_log(b), "collect the results of t1; record the end of t1; clean up after t1");
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
}

static void what_was_paused_goes_on(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        bed_container(b, "task-t1")->state = HV_CONTAINER_PAUSED;
        bed_event(b, "pause", "task-t1");
        bed_run(b);
        assert_string_equal(bed_log(b), "unpause task-t1");
}

static enum hv_outcome stopped_already(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_STOP ? HV_OUTCOME_NOT_MODIFIED : HV_OUTCOME_OK;
}

static void an_end_in_time_is_no_timeout(void **state) {
        BED;
        struct hv_seen_container *k;

        assert_int_equal(submit(b, &(struct job){ "t1", .timeout = 60 * S }), 0);
        bed_run(b);
        b->mood = stopped_already;
        b->now_us += 10 * S; /* it ends, and the event is lost */
        k = bed_container(b, "task-t1");
        k->state = HV_CONTAINER_EXITED;
        k->exit_code = 0;
        k->finished_us = b->now_us;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

static void a_clock_that_was_set_back_delays_no_retry(void **state) {
        static const struct job again_t1 = { .id = "t1", .source = HV_TASK_FROM_API };
        struct bed *b = again(state);

        recall(b, &again_t1,
               (struct hv_task_recalled){ .state = HV_TASK_QUEUED,
                                          .attempt = 1,
                                          .attempt_ended = true,
                                          .retry_wall_us = b->now_us + 3600 * S });
        go(b);
        bed_wait(b, 11 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_int_equal(status_of(b, "t1").attempt, 2);
}

/* Each end says what the trust is after it: two at the same time would both start from the same. */
static void ends_are_recorded_one_after_the_other(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        assert_int_equal(submit(b, &(struct job){ "t2" }), 0);
        bed_run(b);
        (void) bed_log(b);
        bed_container(b, "task-t1")->state = HV_CONTAINER_EXITED;
        bed_container(b, "task-t2")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "task-t1");
        bed_event(b, "die", "task-t2");
        bed_run(b);
        assert_int_equal(hv_core_trust(b->core), 4);
}

static enum hv_outcome stop_cannot_be_recorded(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_STOPPING ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void a_stop_that_cannot_be_recorded_blinds_nobody(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        b->mood = stop_cannot_be_recorded;
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        bed_run(b);
        ends(b, "task-t1", 0);
        bed_wait(b, 120 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

static enum hv_outcome the_disk_is_full(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_ACCEPT || a->type == HV_ACTION_TASK_STOPPING ? HV_OUTCOME_FAILED
                                                                                      : HV_OUTCOME_OK;
}

/* Who asks again gets no answer of an earlier try, which may be long past: the disk may have room by now. */
static void what_cannot_be_recorded_is_tried_when_somebody_asks_again(void **state) {
        BED;

        b->mood = the_disk_is_full;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_wait(b, 60 * S);
        assert_non_null(status_of(b, "t1").ledger_failure);
        (void) bed_log(b);
        assert_int_equal(submit(b, &(struct job){ "t1" }), -EALREADY);
        assert_null(status_of(b, "t1").ledger_failure);
        bed_run(b);
        assert_non_null(status_of(b, "t1").ledger_failure);
        b->mood = NULL;
        assert_int_equal(submit(b, &(struct job){ "t1" }), -EALREADY);
        bed_run(b);
        assert_true(status_of(b, "t1").accepted);

        b->mood = the_disk_is_full;
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        bed_wait(b, 60 * S);
        assert_non_null(status_of(b, "t1").ledger_failure);
        b->mood = NULL;
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        assert_null(status_of(b, "t1").ledger_failure);
        bed_run(b);
        assert_true(status_of(b, "t1").stop_recorded);
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(a_task_goes_from_promise_to_result),
                RULE(what_cannot_be_recorded_is_tried_when_somebody_asks_again),
                RULE(an_exit_code_is_a_failure_with_its_number),
                RULE(nothing_starts_before_its_begin_is_durable),
                RULE(a_container_goes_only_after_its_result_is_durable),
                RULE(after_a_restart_what_runs_is_adopted),
                RULE(after_a_restart_what_ended_is_collected),
                RULE(after_a_restart_what_is_refused_and_runs_goes_on),
                RULE(after_a_restart_what_is_refused_and_never_started_is_rejected),
                RULE(after_a_restart_what_is_gone_counts_as_run),
                RULE(after_a_restart_a_promise_is_kept),
                RULE(after_a_restart_what_a_crash_left_is_tidied),
                RULE(a_container_of_an_unknown_task_is_left_alone),
                RULE(a_retry_rule_decides_about_another_attempt),
                RULE(a_checkpoint_goes_on_without_counting),
                RULE(its_time_is_counted_from_the_start),
                RULE(a_stop_is_durable_before_anything_stops),
                RULE(a_stop_cuts_fetching_short),
                RULE(what_somebody_started_by_hand_is_not_begun_when_it_is_to_stop),
                RULE(a_wrong_input_fails_it_before_it_runs),
                RULE(a_program_that_is_not_there_is_the_tasks_fault),
                RULE(its_room_is_free_when_its_end_is_durable),
                RULE(promises_are_kept_while_the_engine_is_away),
                RULE(trust_goes_by_the_documents),
                RULE(what_was_renamed_is_not_lost),
                RULE(what_was_removed_is_lost),
                RULE(what_was_paused_goes_on),
                RULE(an_end_in_time_is_no_timeout),
                RULE(a_clock_that_was_set_back_delays_no_retry),
                RULE(ends_are_recorded_one_after_the_other),
                RULE(a_stop_that_cannot_be_recorded_blinds_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

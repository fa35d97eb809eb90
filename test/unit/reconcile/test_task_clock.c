/* task_assess.c, the clocks: how long a task has run is no business of the wall clock, whoever sets it, whenever, and whether an
 * agent was there or not. */
#include "task_bed.h"

#define WALL (UINT64_C(1800000000) * S)

static const struct job timed_t1 = { .id = "t1", .source = HV_TASK_FROM_API, .timeout = 60 * S };

static void tell_wall(struct bed *b, uint64_t wall_us) {
        const struct hv_input in = { .type = HV_INPUT_CLOCK, .wall_us = wall_us };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

/* Begun 20 s ago, when the clock said WALL, and started a second later; now the clock says `wall_us`, and an agent begins. */
static struct bed *begin_again(void **state, enum hv_container_state container, uint64_t wall_us) {
        struct bed *b = again(state);
        struct hv_seen_container *k = task_container(b, "t1", container);

        k->started_us = WALL + S;
        recall(b, &timed_t1,
               (struct hv_task_recalled){ .state = HV_TASK_RUNNING,
                                          .attempt = 1,
                                          .begun_us = b->now_us - 20 * S,
                                          .begun_wall_us = WALL });
        known(b);
        tell_wall(b, wall_us);
        return b;
}

static void take_up(struct bed *b) {
        bed_desire(b, desire("r1", (struct wish[]){ {} }));
        bed_run(b);
        (void) bed_log(b);
}

static void expect_an_end_after(struct bed *b, uint64_t span_us) {
        take_up(b);
        bed_wait(b, span_us - S);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        bed_wait(b, 2 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_TIMED_OUT);
}

static void over_a_restart_its_time_goes_on(void **state) {
        expect_an_end_after(begin_again(state, HV_CONTAINER_RUNNING, WALL + 20 * S), 41 * S);
}

static void a_clock_set_forward_over_a_restart_ends_nothing(void **state) {
        expect_an_end_after(begin_again(state, HV_CONTAINER_RUNNING, WALL + 3600 * S), 41 * S);
}

static void a_clock_set_back_over_a_restart_gives_no_time(void **state) {
        expect_an_end_after(begin_again(state, HV_CONTAINER_RUNNING, WALL - 3600 * S), 41 * S);
}

/* Between `begin` and the start: that the start was at once is the worst that can be said against the task. */
static void a_clock_set_forward_before_the_start_ends_nothing(void **state) {
        struct bed *b = begin_again(state, HV_CONTAINER_RUNNING, WALL + 3620 * S);

        bed_container(b, "task-t1")->started_us = WALL + 3601 * S;
        expect_an_end_after(b, 60 * S);
}

static void a_clock_set_back_before_the_start_gives_no_time(void **state) {
        struct bed *b = begin_again(state, HV_CONTAINER_RUNNING, WALL - 3580 * S);

        bed_container(b, "task-t1")->started_us = WALL - 3599 * S;
        expect_an_end_after(b, 40 * S);
}

/* It ran for a second, and the clock was set forward by an hour meanwhile. */
static void what_ended_while_the_clock_was_set_has_ended_in_time(void **state) {
        struct bed *b = begin_again(state, HV_CONTAINER_EXITED, WALL + 3620 * S);

        bed_container(b, "task-t1")->finished_us = WALL + 3602 * S;
        take_up(b);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

/* The agent before this one ended it for its time, and did not live to say so. */
static void what_ran_for_its_time_ended_for_it(void **state) {
        struct bed *b = begin_again(state, HV_CONTAINER_EXITED, WALL + 3620 * S);

        bed_container(b, "task-t1")->finished_us = WALL + 62 * S;
        bed_container(b, "task-t1")->exit_code = 137;
        b->now_us += 3600 * S;
        take_up(b);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_TIMED_OUT);
}

/* The start that was not answered: the agent sees what runs a while later, and the clock was set in between. */
static void a_clock_set_forward_before_it_is_seen_ends_nothing(void **state) {
        BED;

        tell_wall(b, WALL);
        assert_int_equal(submit(b, &timed_t1), 0);
        b->mood = NULL;
        b->hold = true;
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_OK);
        bed_container(b, "task-t1")->state = HV_CONTAINER_RUNNING;
        bed_container(b, "task-t1")->started_us = WALL + S;
        b->now_us += 10 * S;
        tell_wall(b, WALL + 3600 * S);
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        b->hold = false;
        bed_run(b);
        bed_wait(b, 49 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        bed_wait(b, 3 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_TIMED_OUT);
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(over_a_restart_its_time_goes_on),
                RULE(a_clock_set_forward_over_a_restart_ends_nothing),
                RULE(a_clock_set_back_over_a_restart_gives_no_time),
                RULE(a_clock_set_forward_before_the_start_ends_nothing),
                RULE(a_clock_set_back_before_the_start_gives_no_time),
                RULE(what_ended_while_the_clock_was_set_has_ended_in_time),
                RULE(what_ran_for_its_time_ended_for_it),
                RULE(a_clock_set_forward_before_it_is_seen_ends_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tasks that have ended: run again, declared again, forgotten, owed to a pool. */
#include <errno.h>

#include "task_bed.h"

/* ---- rules ---- */

static void what_ended_can_be_run_again_and_forgotten(void **state) {
        BED;
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = task_of(&api_t1);
        struct hv_task_status s;

        assert_int_equal(submit(b, &api_t1), 0);
        bed_run(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_FORGET, "t1"), -EBUSY);
        ends(b, "task-t1", 1);
        (void) bed_log(b);
        assert_int_equal(
                hv_core_input(b->core, b->now_us,
                              &(struct hv_input){ .type = HV_INPUT_TASK_REOPEN, .text = "t1", .task = t },
                              NULL),
                0);
        bed_run(b);
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; create task-t1.2; record the start of t1; start task-t1.2");
        ends(b, "task-t1.2", 0);
        (void) bed_log(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_FORGET, "t1"), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget t1");
        assert_false(hv_core_task_status(b->core, "t1", b->now_us, b->arena, &s));
}

/* Between the last completion and the next pass it is over and still in the list: twice in it, it would be admitted twice. */
static void what_is_wanted_again_at_once_is_admitted_once(void **state) {
        BED;
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = task_of(&api_t1);
        const struct hv_input reopen = { .type = HV_INPUT_TASK_REOPEN, .text = "t1", .task = t };

        assert_int_equal(submit(b, &api_t1), 0);
        bed_run(b);
        b->hold = true;
        ends(b, "task-t1", 1);
        while (b->held.v[0]->type != HV_ACTION_TASK_CLEAN) {
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
                bed_run(b);
        }
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        assert_int_equal(hv_core_input(b->core, b->now_us, &reopen, NULL), 0);
        b->hold = false;
        (void) bed_log(b);
        bed_run(b);
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; create task-t1.2; record the start of t1; start task-t1.2");
        assert_int_equal(status_of(b, "t1").attempt, 2);
}

static void tell_wall(struct bed *b, uint64_t wall_us) {
        const struct hv_input in = { .type = HV_INPUT_CLOCK, .wall_us = wall_us };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

static void what_ended_long_ago_is_forgotten(void **state) {
        struct hv_desired *d = desire("r2", (const struct wish[]){ {} });
        struct hv_task_status s;
        BED;

        tell_wall(b, UINT64_C(1800000000) * S);
        d->settings.keep_results_us = 1000 * S;
        bed_desire(b, d);
        assert_int_equal(submit(b, &(struct job){ "first" }), 0);
        bed_run(b);
        ends(b, "task-first", 0);
        bed_wait(b, 500 * S);
        assert_int_equal(submit(b, &(struct job){ "second" }), 0);
        bed_run(b);
        ends(b, "task-second", 1);
        bed_log(b);
        bed_wait(b, 499 * S);
        assert_string_equal(bed_log(b), "");
        bed_wait(b, 2 * S); /* by a deadline of its own */
        assert_string_equal(bed_log(b), "forget first");
        assert_false(hv_core_task_status(b->core, "first", b->now_us, b->arena, &s));
        assert_true(hv_core_task_status(b->core, "second", b->now_us, b->arena, &s));
        bed_wait(b, 500 * S);
        assert_string_equal(bed_log(b), "forget second");
}

/* A revision with the one task "file", and what ended is kept for 1,000 s. */
static struct hv_desired *with_file(const char *revision) {
        struct hv_task *declared[] = { task_of(&(struct job){ "file", .source = HV_TASK_FROM_FILE }) };
        struct hv_desired *d = desire(revision, (const struct wish[]){ {} });

        d->settings.keep_results_us = 1000 * S;
        d->tasks = (struct hv_task *const *) hv_arena_memdup(d->arena, declared, sizeof declared);
        d->n_tasks = 1;
        return d;
}

static void what_is_declared_is_not_forgotten(void **state) {
        struct hv_desired *without = desire("r3", (const struct wish[]){ {} });
        BED;

        tell_wall(b, UINT64_C(1800000000) * S);
        bed_desire(b, with_file("r2"));
        bed_run(b);
        ends(b, "task-file", 0);
        bed_log(b);
        bed_wait(b, 3000 * S);
        assert_string_equal(bed_log(b), "");
        without->settings.keep_results_us = 1000 * S;
        bed_desire(b, without);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget file");
}

static enum hv_outcome nothing_is_forgotten(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_FORGET ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

/* The task "file" ended, and is kept for no reason but that it is declared. */
static void end_long_ago(struct bed *b) {
        tell_wall(b, UINT64_C(1800000000) * S);
        bed_desire(b, with_file("r2"));
        bed_run(b);
        ends(b, "task-file", 0);
        bed_wait(b, 3000 * S);
}

/* Its time was over, the disk was full, and before it could be forgotten it is declared again. */
static void what_is_declared_again_in_time_is_not_forgotten(void **state) {
        struct hv_desired *without = desire("r3", (const struct wish[]){ {} });
        BED;

        end_long_ago(b);
        b->mood = nothing_is_forgotten;
        without->settings.keep_results_us = 1000 * S;
        bed_log(b);
        bed_desire(b, without);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget file");
        bed_desire(b, with_file("r4"));
        b->mood = NULL;
        bed_wait(b, 5000 * S);
        assert_string_equal(bed_log(b), ""); /* neither forgotten nor run a second time */
        assert_int_equal(status_of(b, "file").state, HV_TASK_COMPLETED);
}

static void what_is_declared_while_it_is_forgotten_is_new(void **state) {
        struct hv_desired *without = desire("r3", (const struct wish[]){ {} });
        BED;

        end_long_ago(b);
        bed_log(b);
        b->hold = true;
        without->settings.keep_results_us = 1000 * S;
        bed_desire(b, without);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget file");
        bed_desire(b, with_file("r4"));
        bed_run(b);
        b->hold = false;
        answer(b, HV_ACTION_TASK_FORGET, HV_OUTCOME_OK);
        bed_run(b);
        assert_int_equal(status_of(b, "file").state, HV_TASK_RUNNING);
}

/* What somebody asked for stays asked for. */
static void what_is_to_be_forgotten_stays_so(void **state) {
        BED;

        assert_int_equal(submit(b, &api_t1), 0);
        bed_run(b);
        ends(b, "task-t1", 0);
        b->mood = nothing_is_forgotten;
        assert_int_equal(ask(b, HV_INPUT_TASK_FORGET, "t1"), 0);
        bed_run(b);
        bed_desire(b, desire("r2", (const struct wish[]){ {} }));
        bed_run(b);
        (void) bed_log(b);
        b->mood = NULL;
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "forget t1");
}

static void what_a_pool_is_owed_is_not_forgotten(void **state) {
        struct hv_desired *d = desire("r2", (const struct wish[]){ {} });
        static const struct job job = { .id = "t1", .source = HV_TASK_FROM_POOL };
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = task_of(&job);
        BED;

        tell_wall(b, UINT64_C(1800000000) * S);
        d->settings.keep_results_us = 1000 * S;
        bed_desire(b, d);
        assert_int_equal(submit(b, &job), 0);
        bed_run(b);
        assert_false(status_of(b, "t1").is_owed);
        ends(b, "task-t1", 0);
        (void) bed_log(b);
        assert_true(status_of(b, "t1").is_owed);
        assert_int_equal(ask(b, HV_INPUT_TASK_FORGET, "t1"), -EBUSY);
        assert_int_equal(
                hv_core_input(b->core, b->now_us,
                              &(struct hv_input){ .type = HV_INPUT_TASK_REOPEN, .text = "t1", .task = t },
                              NULL),
                -EBUSY);
        bed_wait(b, 5000 * S);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(ask(b, HV_INPUT_TASK_DELIVERED, "nobody"), -ENOENT);
        assert_int_equal(ask(b, HV_INPUT_TASK_DELIVERED, "t1"), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget t1");
}

static void what_a_pool_asks_for_again_is_owed_again(void **state) {
        struct hv_desired *d = desire("r2", (const struct wish[]){ {} });
        static const struct job pools = { .id = "t1", .source = HV_TASK_FROM_POOL }, mine = { .id = "mine" };
        BED;

        tell_wall(b, UINT64_C(1800000000) * S);
        d->settings.keep_results_us = 1000 * S;
        bed_desire(b, d);
        assert_int_equal(submit(b, &pools), 0);
        assert_int_equal(submit(b, &mine), 0);
        bed_run(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_OWED, "t1"), -EBUSY); /* it runs */
        ends(b, "task-t1", 0);
        ends(b, "task-mine", 0);
        assert_int_equal(ask(b, HV_INPUT_TASK_OWED, "mine"), -ENOENT);
        assert_int_equal(ask(b, HV_INPUT_TASK_OWED, "nobody"), -ENOENT);
        assert_int_equal(ask(b, HV_INPUT_TASK_DELIVERED, "t1"), 0);
        bed_wait(b, 500 * S);
        assert_int_equal(ask(b, HV_INPUT_TASK_OWED, "t1"), 0);
        (void) bed_log(b);
        bed_wait(b, 5000 * S);
        assert_string_equal(bed_log(b), "forget mine"); /* and not the other */
        assert_true(status_of(b, "t1").is_owed);
        assert_int_equal(ask(b, HV_INPUT_TASK_FORGET, "t1"), -EBUSY);
        assert_int_equal(ask(b, HV_INPUT_TASK_DELIVERED, "t1"), 0);
        bed_run(b);
        assert_string_equal(bed_log(b), "forget t1");
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(what_ended_can_be_run_again_and_forgotten),
                RULE(what_is_wanted_again_at_once_is_admitted_once),
                RULE(what_ended_long_ago_is_forgotten),
                RULE(what_a_pool_is_owed_is_not_forgotten),
                RULE(what_a_pool_asks_for_again_is_owed_again),
                RULE(what_is_declared_is_not_forgotten),
                RULE(what_is_declared_again_in_time_is_not_forgotten),
                RULE(what_is_declared_while_it_is_forgotten_is_new),
                RULE(what_is_to_be_forgotten_stays_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

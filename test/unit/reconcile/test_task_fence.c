/* The fence of docs/tasks.md, "Once": what becomes of a start whose answer never came. */
#include "task_bed.h"

#define MADE "accept t1; prepare t1; create task-t1; record the start of t1; start task-t1"
#define FENCED "withhold the workspace of t1; remove task-t1"
#define ANEW "create task-t1; start task-t1"

/* Submits t1 to an engine of this mood. */
static void run_t1(struct bed *b, enum hv_outcome (*mood)(struct bed *b, const struct hv_action *a)) {
        b->mood = mood;
        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
}

static enum hv_outcome start_is_lost(struct bed *b, const struct hv_action *a) {
        return a->type == HV_ACTION_START && b->n_asked++ == 0 ? HV_OUTCOME_UNKNOWN : HV_OUTCOME_OK;
}

static void a_start_without_an_answer_is_fenced(void **state) {
        BED;

        run_t1(b, start_is_lost);
        assert_string_equal(bed_log(b), MADE "; " FENCED "; restore the workspace of t1");
        bed_wait(b, 5 * S);
        assert_string_equal(bed_log(b), ANEW);
        assert_int_equal(status_of(b, "t1").attempt, 1);
        assert_int_equal(b->n_starts, 1);
}

static enum hv_outcome start_is_late(struct bed *b, const struct hv_action *a) {
        struct hv_seen_container *k;

        if (a->type != HV_ACTION_START || b->n_asked++)
                return HV_OUTCOME_OK;
        k = bed_container(b, a->target);
        k->state = HV_CONTAINER_RUNNING; /* done, and the answer lost */
        return HV_OUTCOME_UNKNOWN;
}

static void a_start_that_took_place_is_adopted(void **state) {
        BED;

        run_t1(b, start_is_late);
        bed_wait(b, 5 * S);
        assert_string_equal(bed_log(b),
                            "accept t1; prepare t1; create task-t1; record the start of t1; start task-t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

static void after_a_restart_what_was_made_is_fenced(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_CREATED);
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        assert_string_equal(bed_log(b), FENCED "; restore the workspace of t1; " ANEW);
        assert_int_equal(status_of(b, "t1").attempt, 1);
}

static void expect_made_anew(void **state, enum hv_container_state left) {
        struct bed *b = again(state);

        task_container(b, "t1", left);
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_QUEUED });
        b->hold = true;
        go(b);
        while (b->held.n > 0) {
                const bool is_prepared = b->held.v[0]->type == HV_ACTION_TASK_PREPARE;

                /* The removal of what was left over is not answered. */
                bed_answer(b, b->held.v[0],
                           b->held.v[0]->type == HV_ACTION_REMOVE ? HV_OUTCOME_UNKNOWN : HV_OUTCOME_OK);
                b->hold = !is_prepared;
                bed_run(b);
        }
        bed_wait(b, 60 * S);
        assert_non_null(
                strstr(bed_log(b), "remove task-t1; create task-t1; record the start of t1; start task-t1"));
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_int_equal(b->n_starts, 1);
}

/* An agent before this one may have been about to remove it: that removal could come when it has run. */
static void what_another_agent_made_is_made_anew(void **state) {
        expect_made_anew(state, HV_CONTAINER_CREATED);
}

/* A task of that id ended, and an agent died and was started anew between its end and the removal of its container; it was forgotten
 * and asked for again. */
static void what_a_forgotten_task_left_is_no_attempt(void **state) {
        expect_made_anew(state, HV_CONTAINER_EXITED);
}

/* Whatever the start does before its workspace is withheld, it is found afterwards. */
static enum hv_outcome starts_meanwhile(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_TASK_WITHHOLD)
                bed_container(b, "task-t1")->state = HV_CONTAINER_RUNNING;
        return start_is_lost(b, a);
}

static void what_started_before_it_was_withheld_is_adopted(void **state) {
        BED;

        run_t1(b, starts_meanwhile);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), MADE "; withhold the workspace of t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_string_equal(status_of(b, "t1").message, "");
        ends(b, "task-t1", 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
        assert_int_equal(b->n_starts, 0);
}

static enum hv_outcome runs_and_ends_meanwhile(struct bed *b, const struct hv_action *a) {
        struct hv_seen_container *k;

        if (a->type == HV_ACTION_TASK_WITHHOLD) {
                k = bed_container(b, "task-t1");
                k->state = HV_CONTAINER_EXITED;
                k->exit_code = 5;
        }
        return start_is_lost(b, a);
}

static void what_ran_and_ended_before_it_was_withheld_is_collected(void **state) {
        BED;

        run_t1(b, runs_and_ends_meanwhile);
        bed_wait(b, 10 * S);
        assert_string_equal(
                bed_log(b),
                MADE "; withhold the workspace of t1; collect the results of t1; record the end of t1; "
                     "remove task-t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").exit_code, 5);
        assert_int_equal(b->n_starts, 0);
}

/* Submits t1 and holds everything up from its start on, which was not answered. */
static void hold_from_start(struct bed *b) {
        b->hold = true;
        run_t1(b, NULL);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_OK);
}

static void what_was_seen_before_it_was_withheld_proves_nothing(void **state) {
        BED;

        hold_from_start(b);
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), MADE "; withhold the workspace of t1");
        assert_string_equal(
                status_of(b, "t1").message,
                "nobody knows whether its start is under way: its workspace is withheld until that is certain");
        answer(b, HV_ACTION_TASK_WITHHOLD, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "");
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "remove task-t1");
        answer(b, HV_ACTION_REMOVE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "restore the workspace of t1");
}

static enum hv_outcome removal_is_lost(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_REMOVE && b->n_asked == 1) {
                b->n_asked++;
                bed_drop(b, a->target);
                return HV_OUTCOME_UNKNOWN;
        }
        return start_is_lost(b, a);
}

static void a_removal_without_an_answer_loses_nothing(void **state) {
        BED;

        run_t1(b, removal_is_lost);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), MADE "; " FENCED "; restore the workspace of t1; " ANEW);
        assert_int_equal(status_of(b, "t1").attempt, 1);
        assert_int_equal(b->n_starts, 1);
}

static enum hv_outcome removal_fails(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_REMOVE && b->n_asked == 1) {
                b->n_asked++;
                return HV_OUTCOME_FAILED;
        }
        return start_is_lost(b, a);
}

/* Under its other name it is the same container, and the start may still be on its way to it. */
static void what_was_renamed_behind_the_fence_is_removed(void **state) {
        BED;

        run_t1(b, removal_fails);
        assert_string_equal(bed_log(b), MADE "; " FENCED);
        rename_to(b, "task-t1", "elsewhere");
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "remove elsewhere; restore the workspace of t1; "
                                        "create elsewhere; start elsewhere");
        assert_int_equal(b->n_starts, 1);
}

static enum hv_outcome removal_leaves_it_dead(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_REMOVE && b->n_asked == 1)
                bed_container(b, "task-t1")->state = HV_CONTAINER_DEAD;
        return removal_fails(b, a);
}

static void what_a_removal_left_dead_is_no_run(void **state) {
        BED;

        run_t1(b, removal_leaves_it_dead);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b),
                            MADE "; " FENCED "; remove task-t1; restore the workspace of t1; " ANEW);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

static enum hv_outcome cannot_withhold(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_TASK_WITHHOLD && b->n_asked == 1) {
                b->n_asked++;
                return HV_OUTCOME_FAILED;
        }
        return start_is_lost(b, a);
}

static void what_cannot_be_withheld_is_not_removed(void **state) {
        BED;

        run_t1(b, cannot_withhold);
        assert_string_equal(bed_log(b), MADE "; withhold the workspace of t1");
        assert_string_equal(status_of(b, "t1").reason, "WorkspaceFailed");
        assert_string_equal(status_of(b, "t1").message,
                            "cannot withhold the workspace of (try 1): the engine said no");
        bed_wait(b, 10 * S);
        assert_string_equal(bed_log(b), FENCED "; restore the workspace of t1; " ANEW);
}

static enum hv_outcome workspace_is_gone(struct bed *b, const struct hv_action *a) {
        return a->type == HV_ACTION_TASK_RESTORE ? HV_OUTCOME_NOT_FOUND : start_is_lost(b, a);
}

static void what_has_no_workspace_any_more_is_not_started(void **state) {
        BED;

        run_t1(b, workspace_is_gone);
        bed_wait(b, 60 * S);
        assert_int_equal(b->n_starts, 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
        assert_string_equal(status_of(b, "t1").message, "its workspace cannot be used: the engine said no");
}

static void what_is_stopped_behind_the_fence_is_not_made_again(void **state) {
        BED;

        hold_from_start(b);
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        b->hold = false;
        answer(b, HV_ACTION_TASK_WITHHOLD, HV_OUTCOME_OK);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b),
                            MADE "; withhold the workspace of t1; record the stop of t1; remove task-t1; "
                                 "collect the results of t1; record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
        assert_string_equal(status_of(b, "t1").message, "stopped by ana before it started");
}

static enum hv_outcome fence_and_stranger(struct bed *b, const struct hv_action *a) {
        if (a->type == HV_ACTION_START && b->n_asked++ == 0)
                return HV_OUTCOME_UNKNOWN;
        if (a->type == HV_ACTION_CREATE && b->n_asked == 1 && !bed_container(b, "task-t1"))
                (void) bed_add(b, "task-t1", false, HV_CONTAINER_CREATED);
        return HV_OUTCOME_OK;
}

static void a_stranger_under_its_name_is_never_started(void **state) {
        BED;

        run_t1(b, fence_and_stranger);
        bed_wait(b, 300 * S);
        assert_int_equal(b->n_starts, 0);
        assert_int_equal(bed_container(b, "task-t1")->state, HV_CONTAINER_CREATED);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
}

/* An engine that was killed in the middle of a start says "created" of a container whose program ran. */
static void a_start_that_the_engine_did_not_survive_counts_as_run(void **state) {
        BED;
        const struct hv_input lost = { .type = HV_INPUT_ENGINE_LOST, .message = "cut" };

        hold_from_start(b);
        assert_int_equal(hv_core_input(b->core, b->now_us, &lost, NULL), 0);
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(b->n_starts, 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
        assert_string_equal(status_of(b, "t1").message,
                            "the engine went away while it was starting: it may have run");
}

static void expect_run_unseen(struct bed *b) {
        assert_string_equal(
                bed_log(b),
                "withhold the workspace of t1; collect the results of t1; record the end of t1; remove task-t1; "
                "clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
        assert_string_equal(
                status_of(b, "t1").message,
                "the agent ended while it was starting, and nothing tells what became of that: it may "
                "have run");
}

/* The same, and nobody was there to hear that the engine went away: the kernel knows that something was begun. */
static void a_start_of_before_the_restart_that_left_a_trace_counts_as_run(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_CREATED)->never_ran = false;
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        expect_run_unseen(b);
}

/* The kernel knows nothing of what was before it was booted. */
static void a_start_of_another_boot_counts_as_run(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_CREATED);
        recall(b, &api_t1,
               (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1, .begun_wall_us = 900 * S });
        go(b);
        expect_run_unseen(b);
}

/* Its own starts an agent hears of: that the kernel began one says nothing then. */
static void a_trace_of_a_start_of_its_own_changes_nothing(void **state) {
        BED;

        hold_from_start(b);
        bed_container(b, "task-t1")->never_ran = false;
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_int_equal(b->n_starts, 1);
}

/* What was seen after the withholding holds, whatever becomes of the engine. */
static void an_engine_that_goes_away_behind_the_fence_changes_nothing(void **state) {
        BED;
        const struct hv_input lost = { .type = HV_INPUT_ENGINE_LOST, .message = "cut" };

        hold_from_start(b);
        answer(b, HV_ACTION_START, HV_OUTCOME_UNKNOWN);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_WITHHOLD, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        assert_int_equal(hv_core_input(b->core, b->now_us, &lost, NULL), 0);
        answer(b, HV_ACTION_REMOVE, HV_OUTCOME_UNKNOWN);
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_int_equal(status_of(b, "t1").attempt, 1);
        assert_int_equal(b->n_starts, 1);
}

/* ---- two containers of one attempt ---- */

/* t1 is made, and its `begin` is on its way while somebody renames its container, and lets it run and end before that. */
static void rename_before_begin(struct bed *b, bool runs) {
        struct hv_seen_container *k;

        assert_int_equal(submit(b, &api_t1), 0);
        b->hold = true;
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        k = bed_container(b, "task-t1");
        k->name = "elsewhere"; /* its event is lost */
        k->state = runs ? HV_CONTAINER_EXITED : k->state;
        bed_event(b, "update", "task-t1");
        b->hold = false;
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_OK);
        bed_wait(b, 60 * S);
}

static void what_was_renamed_before_its_begin_is_not_made_twice(void **state) {
        BED;

        rename_before_begin(b, false);
        assert_string_equal(bed_log(b),
                            "accept t1; prepare t1; create task-t1; record the start of t1; start elsewhere");
        assert_int_equal(b->n_starts, 1);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

static void what_somebody_ran_and_renamed_before_its_begin_has_run(void **state) {
        BED;

        rename_before_begin(b, true);
        assert_int_equal(b->n_starts, 0);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_COMPLETED);
}

/* The START of an agent before this one went to a container that is gone; that another one never started says nothing of it. */
static void what_never_started_under_another_name_proves_nothing(void **state) {
        struct bed *b = again(state);

        task_container(b, "t1", HV_CONTAINER_CREATED)->name = "elsewhere";
        recall(b, &api_t1, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        go(b);
        bed_wait(b, 60 * S);
        assert_int_equal(b->n_starts, 0);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
        assert_null(bed_container(b, "elsewhere"));
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(a_start_without_an_answer_is_fenced),
                RULE(a_start_that_took_place_is_adopted),
                RULE(after_a_restart_what_was_made_is_fenced),
                RULE(what_another_agent_made_is_made_anew),
                RULE(what_a_forgotten_task_left_is_no_attempt),
                RULE(what_started_before_it_was_withheld_is_adopted),
                RULE(what_ran_and_ended_before_it_was_withheld_is_collected),
                RULE(what_was_seen_before_it_was_withheld_proves_nothing),
                RULE(a_removal_without_an_answer_loses_nothing),
                RULE(what_was_renamed_behind_the_fence_is_removed),
                RULE(what_a_removal_left_dead_is_no_run),
                RULE(what_cannot_be_withheld_is_not_removed),
                RULE(what_has_no_workspace_any_more_is_not_started),
                RULE(what_is_stopped_behind_the_fence_is_not_made_again),
                RULE(a_stranger_under_its_name_is_never_started),
                RULE(a_start_that_the_engine_did_not_survive_counts_as_run),
                RULE(a_start_of_before_the_restart_that_left_a_trace_counts_as_run),
                RULE(a_start_of_another_boot_counts_as_run),
                RULE(a_trace_of_a_start_of_its_own_changes_nothing),
                RULE(an_engine_that_goes_away_behind_the_fence_changes_nothing),
                RULE(what_was_renamed_before_its_begin_is_not_made_twice),
                RULE(what_somebody_ran_and_renamed_before_its_begin_has_run),
                RULE(what_never_started_under_another_name_proves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

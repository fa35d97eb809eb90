/* A task that needs Python packages, in the core: when they are installed, and what becomes of who installs them. */
#include "task_bed.h"

#define BUILDER "packages-t1.1"

static void submit_with_packages(struct bed *b) {
        struct hv_task *t = task_of(&api_t1);

        t->packages = (struct hv_task_packages){ .requirements = "numpy\n",
                                                 .index = "https://i.example.org",
                                                 .network = "bridge" };
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_TASK_SUBMIT, .task = t }, NULL),
                         0);
        hv_task_unref(t);
        bed_run(b);
}

/* As the driver makes it. */
static void builder(struct bed *b, enum hv_container_state container_state) {
        struct hv_seen_container *k = bed_add(b, BUILDER, true, container_state);

        k->kind = "packages";
        k->object = "t1";
        k->is_builder = true;
        bed_event(b, "create", BUILDER);
        bed_run(b);
}

/* A listing that anybody asks for sees all there is. */
static void answer_looks(struct bed *b) {
        for (size_t i = 0; i < b->held.n;)
                if (hv_action_is_look(b->held.v[i]->type)) {
                        bed_answer(b, b->held.v[i], HV_OUTCOME_OK);
                        bed_run(b);
                        i = 0;
                } else
                        i++;
}

/* Held until somebody answers for it. */
static void up_to_packages(struct bed *b) {
        b->hold = true;
        submit_with_packages(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1; install the packages of t1");
}

static void packages_come_between_image_and_container(void **state) {
        BED;

        submit_with_packages(b);
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; install the packages of t1; create task-t1; record the start of t1; "
                "start task-t1");
}

static void it_is_fetching_meanwhile_and_says_so(void **state) {
        BED;

        up_to_packages(b);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FETCHING);
        assert_string_equal(status_of(b, "t1").message, "its Python packages are being installed");
}

static enum hv_outcome packages_are_wrong(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_PACKAGES ? HV_OUTCOME_REFUSED : HV_OUTCOME_OK;
}

static void what_is_refused_is_the_tasks_fault_and_not_tried_again(void **state) {
        BED;

        b->mood = packages_are_wrong;
        submit_with_packages(b);
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; install the packages of t1; record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").reason, "input");
}

static enum hv_outcome index_is_away(struct bed *b, const struct hv_action *a) {
        if (a->type != HV_ACTION_TASK_PACKAGES)
                return HV_OUTCOME_OK;
        b->n_asked++;
        return HV_OUTCOME_FAILED;
}

static void what_fails_is_tried_five_times_with_growing_pauses(void **state) {
        BED;

        b->mood = index_is_away;
        submit_with_packages(b);
        assert_int_equal(b->n_asked, 1);
        assert_string_equal(status_of(b, "t1").message,
                            "cannot install the packages of (try 1): the engine said no");
        bed_wait(b, 14 * S);
        assert_int_equal(b->n_asked, 4);
        bed_wait(b, 3600 * S);
        assert_int_equal(b->n_asked, 5);
        assert_string_equal(status_of(b, "t1").reason, "nodeError");
}

static enum hv_outcome image_goes_away(struct bed *b, const struct hv_action *a) {
        return a->type == HV_ACTION_TASK_PACKAGES && b->n_asked++ == 0 ? HV_OUTCOME_NOT_FOUND : HV_OUTCOME_OK;
}

static void an_image_that_went_away_is_pulled_again(void **state) {
        BED;

        b->mood = image_goes_away;
        submit_with_packages(b);
        bed_wait(b, 5 * S);
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; install the packages of t1; pull img:1; install the packages of t1; "
                "create task-t1; record the start of t1; start task-t1");
}

static void who_installs_is_left_alone_while_it_does(void **state) {
        BED;

        up_to_packages(b);
        builder(b, HV_CONTAINER_RUNNING);
        answer_looks(b);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(bed_status(b).n_orphans, 0);
        bed_container(b, BUILDER)->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", BUILDER);
        bed_run(b);
        answer_looks(b);
        assert_string_equal(bed_log(b), "");
        b->hold = false;
        answer(b, HV_ACTION_TASK_PACKAGES, HV_OUTCOME_OK);
        assert_null(bed_container(b, BUILDER));
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        for (size_t i = 0; i < b->notes.n; i++)
                assert_null(strstr(b->notes.v[i], "by somebody else"));
}

static void a_stop_ends_an_installation(void **state) {
        BED;

        up_to_packages(b);
        builder(b, HV_CONTAINER_RUNNING);
        answer_looks(b);
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "t1"), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_STOPPING, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "record the stop of t1; cancel t1");
        answer(b, HV_ACTION_TASK_CANCEL, HV_OUTCOME_OK);
        b->hold = false;
        answer(b, HV_ACTION_TASK_PACKAGES, HV_OUTCOME_FAILED);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
        assert_null(bed_container(b, BUILDER));
}

/* By an agent before this one. */
static void what_a_crash_left_is_removed_before_it_begins_anew(void **state) {
        BED;

        builder(b, HV_CONTAINER_RUNNING);
        bed_wait(b, S);
        assert_string_equal(bed_log(b), "stop " BUILDER "; remove " BUILDER);
        builder(b, HV_CONTAINER_EXITED);
        b->hold = true;
        submit_with_packages(b);
        b->hold = false;
        bed_wait(b, S);
        for (size_t i = 0; i < b->held.n; i++)
                bed_answer(b, b->held.v[i], HV_OUTCOME_OK);
        bed_run(b);
        bed_wait(b, S);
        assert_null(bed_container(b, BUILDER));
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

/* The name is taken: to begin would be to fail. */
static void nobody_begins_while_another_one_is_there(void **state) {
        BED;

        b->hold = true;
        builder(b, HV_CONTAINER_RUNNING);
        answer_looks(b);
        assert_string_equal(bed_log(b), "stop " BUILDER);
        submit_with_packages(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1");
        answer(b, HV_ACTION_STOP, HV_OUTCOME_OK);
        answer(b, HV_ACTION_REMOVE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "remove " BUILDER "; install the packages of t1");
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(packages_come_between_image_and_container),
                RULE(it_is_fetching_meanwhile_and_says_so),
                RULE(what_is_refused_is_the_tasks_fault_and_not_tried_again),
                RULE(what_fails_is_tried_five_times_with_growing_pauses),
                RULE(an_image_that_went_away_is_pulled_again),
                RULE(who_installs_is_left_alone_while_it_does),
                RULE(a_stop_ends_an_installation),
                RULE(what_a_crash_left_is_removed_before_it_begins_anew),
                RULE(nobody_begins_while_another_one_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A task that needs Python packages, in the core: when they are installed, and what becomes of who installs them. */
#include <stdio.h>

#include "bed.h"

#define BED struct bed *b = *state
#define CPU UINT64_C(1000000000)
#define GIB (UINT64_C(1) << 30)
#define BUILDER "packages-t1.1"

static struct hv_task *task_of(const char *id, const char *network, enum hv_pull_policy pull) {
        struct hv_arena *a = hv_arena_new();
        struct hv_task *t = HV_ARENA_NEW(a, struct hv_task);

        *t = (struct hv_task){
                .arena = a,
                .n_refs = 1,
                .source = HV_TASK_FROM_API,
                .name = id,
                .id = id,
                .document = "{}",
                .timeout_us = HV_TIME_NEVER,
                .wait_for_resources_us = HV_TIME_NEVER,
                .checkpoint_code = -1,
                .packages = { .requirements = "numpy\n",
                              .index = "https://i.example.org",
                              .network = network },
                .booking = { .nano_cpus = CPU, .memory_bytes = GIB },
                .unit = { .kind = HV_KIND_TASK,
                          .object = id,
                          .replica = 1,
                          .key = hv_arena_printf(a, "task/%s/1", id),
                          .container = hv_arena_printf(a, "task-%s", id),
                          .image = "img:1",
                          .pull_policy = pull,
                          .restart = HV_RESTART_NEVER,
                          .network_mode = "none",
                          .stop_signal = "SIGTERM",
                          .limits = { .nano_cpus = CPU, .memory_bytes = GIB, .pids = 64 },
                          .digest = "d" },
                .digest = "d",
        };
        return t;
}

static void submit(struct bed *b, const char *network) {
        struct hv_task *t = task_of("t1", network, HV_PULL_MISSING);

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_TASK_SUBMIT, .task = t }, NULL),
                         0);
        hv_task_unref(t);
        bed_run(b);
}

static void stop(struct bed *b) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){
                                               .type = HV_INPUT_TASK_STOP, .text = "t1", .message = "ana" },
                                       NULL),
                         0);
        bed_run(b);
}

static struct hv_task_status status(struct bed *b) {
        struct hv_task_status s;

        if (!hv_core_task_status(b->core, "t1", b->now_us, b->arena, &s))
                fail_msg("the task is not known");
        return s;
}

static void answer(struct bed *b, enum hv_action_type type, enum hv_outcome outcome) {
        for (size_t i = 0; i < b->held.n; i++)
                if (b->held.v[i]->type == type) {
                        bed_answer(b, b->held.v[i], outcome);
                        bed_run(b);
                        return;
                }
        fail_msg("nobody asked to %s", hv_action_name(type));
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

static int setup(void **state) {
        struct bed *b = *state = bed_new();
        struct hv_room room = { .nano_cpus = 4 * CPU, .memory_bytes = 8 * GIB };

        (void) hv_core_input(b->core, b->now_us,
                             &(struct hv_input){ .type = HV_INPUT_MACHINE, .machine = &room }, NULL);
        (void) hv_core_input(b->core, b->now_us,
                             &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = b->now_us }, NULL);
        (void) hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_TASKS_KNOWN }, NULL);
        bed_desire(b, desire("r1", (struct wish[]){ {} }));
        bed_run(b);
        (void) bed_log_all(b);
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

/* Held until somebody answers for it. */
static void up_to_packages(struct bed *b) {
        b->hold = true;
        submit(b, "bridge");
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1; install the packages of t1");
}

static void packages_come_between_image_and_container(void **state) {
        BED;

        submit(b, "bridge");
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; install the packages of t1; create task-t1; record the start of t1; "
                "start task-t1");
}

static void it_is_fetching_meanwhile_and_says_so(void **state) {
        BED;

        up_to_packages(b);
        assert_int_equal(status(b).state, HV_TASK_FETCHING);
        assert_string_equal(status(b).message, "its Python packages are being installed");
}

static enum hv_outcome packages_are_wrong(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_TASK_PACKAGES ? HV_OUTCOME_REFUSED : HV_OUTCOME_OK;
}

static void what_is_refused_is_the_tasks_fault_and_not_tried_again(void **state) {
        BED;

        b->mood = packages_are_wrong;
        submit(b, "bridge");
        assert_string_equal(
                bed_log(b),
                "accept t1; prepare t1; install the packages of t1; record the end of t1; clean up after t1");
        assert_int_equal(status(b).state, HV_TASK_FAILED);
        assert_string_equal(status(b).reason, "input");
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
        submit(b, "bridge");
        assert_int_equal(b->n_asked, 1);
        assert_string_equal(status(b).message, "cannot install the packages of (try 1): the engine said no");
        bed_wait(b, 14 * S);
        assert_int_equal(b->n_asked, 4);
        bed_wait(b, 3600 * S);
        assert_int_equal(b->n_asked, 5);
        assert_string_equal(status(b).reason, "nodeError");
}

static enum hv_outcome image_goes_away(struct bed *b, const struct hv_action *a) {
        return a->type == HV_ACTION_TASK_PACKAGES && b->n_asked++ == 0 ? HV_OUTCOME_NOT_FOUND : HV_OUTCOME_OK;
}

static void an_image_that_went_away_is_pulled_again(void **state) {
        BED;

        b->mood = image_goes_away;
        submit(b, "bridge");
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
        assert_int_equal(status(b).state, HV_TASK_RUNNING);
        for (size_t i = 0; i < b->notes.n; i++)
                assert_null(strstr(b->notes.v[i], "by somebody else"));
}

static void a_stop_ends_an_installation(void **state) {
        BED;

        up_to_packages(b);
        builder(b, HV_CONTAINER_RUNNING);
        answer_looks(b);
        stop(b);
        answer(b, HV_ACTION_TASK_STOPPING, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "record the stop of t1; cancel t1");
        answer(b, HV_ACTION_TASK_CANCEL, HV_OUTCOME_OK);
        b->hold = false;
        answer(b, HV_ACTION_TASK_PACKAGES, HV_OUTCOME_FAILED);
        assert_int_equal(status(b).state, HV_TASK_STOPPED);
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
        submit(b, "bridge");
        b->hold = false;
        bed_wait(b, S);
        for (size_t i = 0; i < b->held.n; i++)
                bed_answer(b, b->held.v[i], HV_OUTCOME_OK);
        bed_run(b);
        bed_wait(b, S);
        assert_null(bed_container(b, BUILDER));
        assert_int_equal(status(b).state, HV_TASK_RUNNING);
}

/* The name is taken: to begin would be to fail. */
static void nobody_begins_while_another_one_is_there(void **state) {
        BED;

        b->hold = true;
        builder(b, HV_CONTAINER_RUNNING);
        answer_looks(b);
        assert_string_equal(bed_log(b), "stop " BUILDER);
        submit(b, "bridge");
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "accept t1; prepare t1");
        answer(b, HV_ACTION_STOP, HV_OUTCOME_OK);
        answer(b, HV_ACTION_REMOVE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "remove " BUILDER "; install the packages of t1");
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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

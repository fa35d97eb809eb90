/* Services that ask for GPUs: for whom one is set aside before his container is made, who waits, and who keeps his turn. */
#include "task_bed.h"

#include <errno.h>

#include "reconcile/gpu.h"

#define ONE "GPU-one"

static void tell_one(struct bed *b, bool works) {
        const struct hv_seen_gpu v[] = { { .uuid = ONE,
                                           .name = "NVIDIA T4",
                                           .memory_bytes = 8 * GIB,
                                           .is_whole = true,
                                           .works = works } };
        const struct hv_seen_gpus seen = { .is_known = true, .v = v, .n = 1 };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen }, NULL),
                         0);
        bed_run(b);
}

/* Each of them asks for one GPU. */
static void want(struct bed *b, const char *revision, const struct wish *wishes) {
        struct hv_desired *d = desire(revision, wishes);

        for (size_t i = 0; i < d->n_units; i++)
                ((struct hv_unit *) d->units)[i].n_gpus = 1;
        bed_desire(b, d);
        bed_run(b);
}

static void order(struct bed *b, const struct hv_service_orders *s) {
        const struct hv_orders orders = { .services = s, .n_services = s ? 1 : 0 };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &orders },
                                       NULL),
                         0);
        bed_run(b);
}

static void may_not_use_it(struct bed *b, const char *container) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPU_LOST,
                                                           .text = bed_container(b, container)->id,
                                                           .message = "denied" },
                                       NULL),
                         0);
}

static void vanishes(struct bed *b, const char *container) {
        bed_event(b, "destroy", container);
        bed_drop(b, container);
        bed_run(b);
}

static unsigned times_noted(const struct bed *b, const char *text) {
        unsigned n = 0;

        for (size_t i = 0; i < b->notes.n; i++)
                n += strstr(b->notes.v[i], text) != NULL;
        return n;
}

static void assert_reason(struct bed *b, const char *container, enum hv_reason reason) {
        struct hv_status status = bed_status(b);

        assert_string_equal(hv_reason_name(bed_unit(&status, container)->reason), hv_reason_name(reason));
}

static void assert_has_it(struct bed *b, const char *container) {
        const struct hv_seen_container *k = bed_container(b, container);

        if (!k)
                fail_msg("%s was not made", container);
        assert_string_equal(k->gpus, ONE);
}

static void in_the_order_of_their_names(void **state) {
        BED;

        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "zebra" }, { .name = "model" }, {} });
        assert_has_it(b, "hive-model");
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
}

static enum hv_outcome makes_no_network(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_NETWORK_CREATE ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

/* It stands nowhere that one is set aside: an agent that is started anew would give it in the order of names. */
static void who_waits_for_something_else_keeps_it_from_nobody_before_him(void **state) {
        BED;

        b->mood = makes_no_network;
        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model", .network = "n" }, {} });
        assert_reason(b, "hive-model", HV_REASON_WAITING_DEPENDENCY);
        want(b, "r3", (struct wish[]){ { .name = "alpha" }, { .name = "model", .network = "n" }, {} });
        assert_has_it(b, "hive-alpha");
}

static void but_from_those_after_him(void **state) {
        BED;

        b->mood = makes_no_network;
        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model", .network = "n" }, { .name = "zebra" }, {} });
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
        assert_int_equal(submit(b, &(struct job){ .id = "t", .n_gpus = 1 }), -ENOSPC);
}

static void who_is_not_wanted_any_more_keeps_it_from_nobody(void **state) {
        BED;

        (void) bed_add(b, "hive-model", false, HV_CONTAINER_RUNNING);
        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} });
        bed_wait(b, 120 * S);
        assert_reason(b, "hive-model", HV_REASON_NAME_CONFLICT);
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
        want(b, "r3", (struct wish[]){ { .name = "zebra" }, {} });
        assert_has_it(b, "hive-zebra");
}

/* The one of before was enough for what was declared before. */
static void what_is_set_aside_is_as_much_as_is_asked_for(void **state) {
        struct hv_desired *d;
        BED;

        b->mood = makes_no_network;
        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model", .network = "n" }, {} });
        d = desire("r3", (struct wish[]){ { .name = "model" }, {} });
        ((struct hv_unit *) d->units)[0].n_gpus = 2;
        bed_desire(b, d);
        bed_run(b);
        assert_null(bed_container(b, "hive-model"));
        assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
}

static void who_waits_by_hand_keeps_it_from_nobody(void **state) {
        static const struct {
                const char *what;
                struct hv_service_orders orders;
                enum hv_reason reason;
        } rows[] = {
                { "stopped", { .name = "model", .stop = { .by = "ana" } }, HV_REASON_STOPPED_BY_USER },
                { "held", { .name = "model", .hold = { .by = "ana" } }, HV_REASON_SUSPENDED },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct bed *b;

                print_message("%s\n", rows[i].what);
                assert_int_equal(task_bed_setup(state), 0);
                b = *state;
                order(b, &rows[i].orders);
                tell_one(b, true);
                want(b, "r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} });
                assert_reason(b, "hive-model", rows[i].reason);
                assert_has_it(b, "hive-zebra");
                order(b, NULL);
                assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
                assert_int_equal(task_bed_teardown(state), 0);
        }
}

/* What runs with another specification, and without a GPU, is to stay as it is: it needs none. */
static void nor_does_who_is_not_to_be_made_anew(void **state) {
        const struct hv_service_orders pause = { .name = "model", .pause = { .by = "ana" } };
        BED;

        tell_one(b, true);
        bed_desire(b, desire("r2", (struct wish[]){ { .name = "model", .digest = "old" }, {} }));
        bed_run(b);
        order(b, &pause);
        want(b, "r3", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} });
        assert_has_it(b, "hive-zebra");
        assert_reason(b, "hive-model", HV_REASON_ROLLOUT_PAUSED);
}

/* "alpha" waits all the time, and comes first by its name. */
static void begin_with_one_that_has_it(struct bed *b, const char *network) {
        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model", .network = network }, {} });
        assert_has_it(b, "hive-model");
        want(b, "r3", (struct wish[]){ { .name = "alpha" }, { .name = "model", .network = network }, {} });
        assert_reason(b, "hive-alpha", HV_REASON_WAITING_GPU);
}

static void who_is_made_anew_keeps_his_turn(void **state) {
        BED;

        begin_with_one_that_has_it(b, NULL);
        want(b, "r4", (struct wish[]){ { .name = "alpha" }, { .name = "model", .digest = "new" }, {} });
        assert_has_it(b, "hive-model");
        assert_string_equal(bed_container(b, "hive-model")->digest, "new");
        vanishes(b, "hive-model");
        assert_has_it(b, "hive-model");
        may_not_use_it(b, "hive-model");
        bed_wait(b, 10 * S);
        assert_has_it(b, "hive-model");
        assert_reason(b, "hive-alpha", HV_REASON_WAITING_GPU);
}

static void but_not_while_he_waits_for_something_else(void **state) {
        BED;

        begin_with_one_that_has_it(b, "n");
        b->mood = makes_no_network;
        b->networks.n = 0;
        bed_drop(b, "hive-model");
        bed_wait(b, 120 * S);
        assert_reason(b, "hive-model", HV_REASON_WAITING_DEPENDENCY);
        assert_has_it(b, "hive-alpha");
}

static void nor_while_a_stranger_has_his_name(void **state) {
        BED;

        begin_with_one_that_has_it(b, NULL);
        bed_drop(b, "hive-model");
        (void) bed_add(b, "hive-model", false, HV_CONTAINER_RUNNING);
        bed_wait(b, 120 * S);
        assert_reason(b, "hive-model", HV_REASON_NAME_CONFLICT);
        assert_has_it(b, "hive-alpha");
}

static void nor_who_had_none(void **state) {
        BED;

        tell_one(b, false);
        bed_desire(b, desire("r2", (struct wish[]){ { .name = "model", .digest = "old" }, {} }));
        bed_run(b);
        want(b, "r3", (struct wish[]){ { .name = "alpha" }, { .name = "model" }, {} });
        vanishes(b, "hive-model");
        assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
        tell_one(b, true);
        assert_has_it(b, "hive-alpha");
}

static void nor_for_what_a_stranger_of_his_name_had(void **state) {
        BED;

        bed_add(b, "hive-model", false, HV_CONTAINER_RUNNING)->gpus = ONE;
        tell_one(b, false);
        want(b, "r2", (struct wish[]){ { .name = "alpha" }, { .name = "model" }, {} });
        bed_wait(b, 120 * S);
        assert_reason(b, "hive-model", HV_REASON_NAME_CONFLICT);
        vanishes(b, "hive-model");
        assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
        tell_one(b, true);
        assert_has_it(b, "hive-alpha");
}

static void nor_who_was_made_without_since(void **state) {
        BED;

        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model" }, {} });
        bed_desire(b, desire("r3", (struct wish[]){ { .name = "model", .digest = "plain" }, {} }));
        bed_run(b);
        assert_null(bed_container(b, "hive-model")->gpus);
        want(b, "r4", (struct wish[]){ { .name = "alpha" }, { .name = "model" }, {} });
        assert_has_it(b, "hive-alpha");
}

/* It is being made with what was set aside for it; then nobody answered, and whether it is there nobody knows. */
static void who_may_have_been_made_with_it_has_it(void **state) {
        BED;

        tell_one(b, true);
        b->hold = true;
        want(b, "r2", (struct wish[]){ { .name = "model" }, {} });
        assert_string_equal(bed_log(b), "create hive-model");
        want(b, "r3", (struct wish[]){ { .name = "alpha" }, { .name = "model" }, {} });
        assert_string_equal(bed_log(b), "");
        bed_add(b, "hive-model", true, HV_CONTAINER_CREATED)->gpus = ONE;
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_UNKNOWN);
        assert_string_equal(bed_log(b), "");
        b->hold = false;
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        bed_wait(b, 10 * S);
        assert_reason(b, "hive-alpha", HV_REASON_WAITING_GPU);
        assert_reason(b, "hive-model", HV_REASON_SYNCED);
}

/* An agent before this one gave up on its creation, and it came true when another had what it was made with. */
static void who_comes_too_late_with_it_is_made_anew(void **state) {
        BED;

        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} });
        bed_add(b, "hive-zebra", true, HV_CONTAINER_CREATED)->gpus = ONE;
        bed_event(b, "create", "hive-zebra");
        b->n_starts = 0;
        bed_run(b);
        assert_int_equal(b->n_starts, 0);
        assert_null(bed_container(b, "hive-zebra"));
        assert_has_it(b, "hive-model");
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
}

static void but_not_where_both_may_have_it(void **state) {
        BED;

        for (int is_shared = 0; is_shared < 2; is_shared++) {
                struct hv_desired *d =
                        desire("r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} });

                (void) task_bed_teardown(state);
                (void) task_bed_setup(state);
                b = *state;
                d->settings.gpus.is_shared = is_shared;
                for (size_t i = 0; i < 2; i++) {
                        ((struct hv_unit *) d->units)[i].n_gpus = 1;
                        ((struct hv_unit *) d->units)[i].gpu_memory_bytes = 2 * GIB;
                }
                tell_one(b, true);
                bed_desire(b, d);
                bed_add(b, "hive-zebra", true, HV_CONTAINER_CREATED)->gpus = ONE;
                bed_event(b, "create", "hive-zebra");
                bed_run(b);
                assert_int_equal(b->n_starts, is_shared ? 2 : 1);
                assert_reason(b, "hive-model", HV_REASON_SYNCED);
                assert_reason(b, "hive-zebra", is_shared ? HV_REASON_SYNCED : HV_REASON_WAITING_GPU);
        }
}

/* Each of them asks for a part of one GPU. */
static void want_shares(struct bed *b, const char *revision, const struct wish *wishes, const unsigned *gib) {
        struct hv_desired *d = desire(revision, wishes);

        d->settings.gpus.is_shared = true;
        for (size_t i = 0; i < d->n_units; i++) { /* in the order of their names */
                ((struct hv_unit *) d->units)[i].n_gpus = 1;
                ((struct hv_unit *) d->units)[i].gpu_memory_bytes = gib[i] * GIB;
        }
        bed_desire(b, d);
        bed_run(b);
}

static uint64_t shown_as_held(struct bed *b) {
        struct hv_gpus_status gpus;

        hv_core_gpus(b->core, b->arena, &gpus);
        return gpus.v[0].held_bytes;
}

static const struct hv_service_orders model_is_paused = { .name = "model", .pause = { .by = "ana" } };

/* What it is to be made with does not tell what it runs with. */
static void who_runs_has_the_share_that_he_was_made_with(void **state) {
        BED;

        tell_one(b, true);
        want_shares(b, "r2", (struct wish[]){ { .name = "model" }, {} }, (unsigned[]){ 6 });
        assert_has_it(b, "hive-model");
        order(b, &model_is_paused);
        want_shares(b, "r3", (struct wish[]){ { .name = "model", .digest = "new" }, { .name = "zebra" }, {} },
                    (unsigned[]){ 2, 6 });
        assert_string_equal(bed_container(b, "hive-model")->digest, "d");
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
        assert_int_equal(shown_as_held(b), 6 * GIB);
        /* A task that fits one day is taken. */
        assert_int_equal(submit(b, &(struct job){ .id = "one-day", .n_gpus = 1, .gpu_memory = 6 * GIB }), 0);
        order(b, NULL);
        assert_int_equal(bed_container(b, "hive-model")->gpu_memory_bytes, 2 * GIB);
        assert_has_it(b, "hive-zebra");
        assert_int_equal(shown_as_held(b), 8 * GIB);
}

/* Whoever has another put beside him before he is made anew would find no room then. */
static void nor_is_what_he_is_made_anew_with_anothers(void **state) {
        BED;

        tell_one(b, true);
        want_shares(b, "r2", (struct wish[]){ { .name = "model" }, {} }, (unsigned[]){ 2 });
        order(b, &model_is_paused);
        want_shares(b, "r3", (struct wish[]){ { .name = "model", .digest = "new" }, { .name = "zebra" }, {} },
                    (unsigned[]){ 6, 6 });
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
        order(b, NULL);
        assert_int_equal(bed_container(b, "hive-model")->gpu_memory_bytes, 6 * GIB);
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
}

/* An agent that is started anew beside it: zebra is to have 6 GiB of 8, and 2 are wanted of what runs. */
static void the_share_is_read_from_what_runs(void **state) {
        static const struct {
                const char *what;
                bool is_told, fits;
                unsigned gib;
        } rows[] = {
                { "it was made with more", true, false, 6 },
                { "it has all of it", true, false, 0 },
                { "it was made with as much", true, true, 2 },
                { "an agent before wrote nothing of it", false, true, 0 },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_seen_container *k;
                struct bed *b;

                print_message("%s\n", rows[i].what);
                assert_int_equal(task_bed_setup(state), 0);
                b = again(state);
                known(b);
                k = bed_add(b, "hive-model", true, HV_CONTAINER_RUNNING);
                k->digest = "old";
                k->gpus = ONE;
                k->tells_gpu_memory = rows[i].is_told;
                k->gpu_memory_bytes = rows[i].gib * GIB;
                order(b, &model_is_paused);
                tell_one(b, true);
                want_shares(b, "r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} },
                            (unsigned[]){ 2, 6 });
                assert_reason(b, "hive-zebra", rows[i].fits ? HV_REASON_SYNCED : HV_REASON_WAITING_GPU);
                assert_string_equal(bed_container(b, "hive-model")->digest, "old");
                assert_int_equal(task_bed_teardown(state), 0);
        }
}

/* An agent before gave up on its creation; what may run beside who runs is what was made, not what would be made now. */
static void so_it_is_from_what_is_to_start(void **state) {
        struct hv_seen_container *k;
        BED;

        tell_one(b, true);
        want_shares(b, "r2", (struct wish[]){ { .name = "model" }, { .name = "zebra" }, {} },
                    (unsigned[]){ 4, 5 });
        assert_reason(b, "hive-zebra", HV_REASON_WAITING_GPU);
        k = bed_add(b, "hive-zebra", true, HV_CONTAINER_CREATED);
        k->gpus = ONE;
        k->tells_gpu_memory = true;
        k->gpu_memory_bytes = 3 * GIB;
        bed_event(b, "create", "hive-zebra");
        bed_run(b);
        assert_reason(b, "hive-zebra", HV_REASON_SYNCED);
}

/* What it is being made with was wanted a moment ago; whether it is there nobody knows. */
static void who_is_being_made_has_the_share_that_he_is_made_with(void **state) {
        BED;

        tell_one(b, true);
        b->hold = true;
        want_shares(b, "r2", (struct wish[]){ { .name = "model" }, {} }, (unsigned[]){ 6 });
        assert_string_equal(bed_log(b), "create hive-model");
        want_shares(b, "r3", (struct wish[]){ { .name = "model", .digest = "new" }, { .name = "zebra" }, {} },
                    (unsigned[]){ 2, 6 });
        assert_string_equal(bed_log(b), "");
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_UNKNOWN);
        assert_string_equal(bed_log(b), "");
        b->hold = false;
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        bed_wait(b, 10 * S);
        assert_reason(b, "hive-model", HV_REASON_SYNCED);
        assert_reason(b, "hive-zebra", HV_REASON_SYNCED);
}

static enum hv_outcome removes_nothing(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_REMOVE ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

/* An agent before this one made its container with another GPU and died; until that goes it does not hide what is given now. */
static void what_is_given_counts_beside_what_an_agent_before_left(void **state) {
        const struct job a = { .id = "a", .source = HV_TASK_FROM_API, .n_gpus = 1 };
        struct bed *b = again(state);

        recall(b, &a, (struct hv_task_recalled){ .state = HV_TASK_QUEUED });
        task_container(b, "a", HV_CONTAINER_CREATED)->gpus = "GPU-of-before";
        b->mood = removes_nothing;
        tell_one(b, true);
        go(b);
        want(b, "r2", (struct wish[]){ { .name = "model" }, {} });
        assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
        b->mood = NULL;
        bed_wait(b, 60 * S);
        assert_has_it(b, "task-a");
        assert_null(bed_container(b, "hive-model"));
}

/* It has done its work, and would do it again. Whether it lost its GPU after that or a moment before does not matter. */
static void what_is_finished_is_not_run_again_for_a_lost_gpu(void **state) {
        for (int lost_first = 0; lost_first < 2; lost_first++) {
                struct bed *b;

                assert_int_equal(task_bed_setup(state), 0);
                b = *state;
                tell_one(b, true);
                want(b, "r2", (struct wish[]){ { .name = "model", .restart = HV_RESTART_ON_FAILURE }, {} });
                if (lost_first)
                        may_not_use_it(b, "hive-model");
                ends(b, "hive-model", 0);
                tell_one(b, false);
                b->n_starts = 0;
                bed_wait(b, 600 * S);
                tell_one(b, true);
                bed_wait(b, 600 * S);
                assert_int_equal(b->n_starts, 0);
                assert_reason(b, "hive-model", HV_REASON_EXITED);
                assert_int_equal(times_noted(b, "lost its GPU"), lost_first);
                assert_int_equal(task_bed_teardown(state), 0);
        }
}

static void what_failed_is_made_anew_with_another(void **state) {
        BED;

        tell_one(b, true);
        want(b, "r2", (struct wish[]){ { .name = "model", .restart = HV_RESTART_ON_FAILURE }, {} });
        ends(b, "hive-model", 1);
        tell_one(b, false);
        bed_wait(b, 600 * S);
        assert_null(bed_container(b, "hive-model"));
        assert_reason(b, "hive-model", HV_REASON_WAITING_GPU);
        tell_one(b, true);
        assert_has_it(b, "hive-model");
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, task_bed_setup, task_bed_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BED(in_the_order_of_their_names),
                WITH_BED(who_waits_for_something_else_keeps_it_from_nobody_before_him),
                WITH_BED(but_from_those_after_him),
                WITH_BED(who_is_not_wanted_any_more_keeps_it_from_nobody),
                WITH_BED(what_is_set_aside_is_as_much_as_is_asked_for),
                cmocka_unit_test(who_waits_by_hand_keeps_it_from_nobody),
                WITH_BED(nor_does_who_is_not_to_be_made_anew),
                WITH_BED(who_is_made_anew_keeps_his_turn),
                WITH_BED(but_not_while_he_waits_for_something_else),
                WITH_BED(nor_while_a_stranger_has_his_name),
                WITH_BED(nor_who_had_none),
                WITH_BED(nor_for_what_a_stranger_of_his_name_had),
                WITH_BED(nor_who_was_made_without_since),
                WITH_BED(who_may_have_been_made_with_it_has_it),
                WITH_BED(who_comes_too_late_with_it_is_made_anew),
                WITH_BED(but_not_where_both_may_have_it),
                WITH_BED(who_runs_has_the_share_that_he_was_made_with),
                WITH_BED(nor_is_what_he_is_made_anew_with_anothers),
                cmocka_unit_test(the_share_is_read_from_what_runs),
                WITH_BED(so_it_is_from_what_is_to_start),
                WITH_BED(who_is_being_made_has_the_share_that_he_is_made_with),
                WITH_BED(what_is_given_counts_beside_what_an_agent_before_left),
                cmocka_unit_test(what_is_finished_is_not_run_again_for_a_lost_gpu),
                WITH_BED(what_failed_is_made_anew_with_another),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

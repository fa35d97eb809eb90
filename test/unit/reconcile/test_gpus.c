/* Who is given which GPU, who waits, and what becomes of who loses one. */
#include "task_bed.h"

#include <errno.h>

#include "reconcile/gpu.h"

#define SMALL "GPU-small"
#define LARGE "GPU-large"

static void tell_as(struct bed *b, bool is_known, bool small_works, bool large_works, const char *withheld) {
        const struct hv_seen_gpu v[] = {
                { .uuid = LARGE,
                  .name = "NVIDIA A100",
                  .memory_bytes = 24 * GIB,
                  .is_whole = true,
                  .works = large_works },
                { .uuid = SMALL,
                  .name = "NVIDIA T4",
                  .memory_bytes = 8 * GIB,
                  .is_whole = true,
                  .works = small_works },
                { .uuid = "GPU-cut", .name = "NVIDIA A100", .memory_bytes = 4 * GIB, .works = true },
        };
        const struct hv_seen_gpus seen = {
                .is_known = is_known, .message = "it hangs", .withheld = withheld, .v = v, .n = 3
        };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen }, NULL),
                         0);
        bed_run(b);
}

static void tell(struct bed *b, bool is_known, bool small_works, bool large_works) {
        tell_as(b, is_known, small_works, large_works, NULL);
}

static void give(struct bed *b, const char *id, unsigned n, uint64_t memory) {
        assert_int_equal(submit(b, &(struct job){ .id = id, .n_gpus = n, .gpu_memory = memory }), 0);
        bed_run(b);
}

static void shared(struct bed *b) {
        struct hv_desired *d = desire("r2", (struct wish[]){ {} });

        d->settings.gpus.is_shared = true;
        bed_desire(b, d);
        bed_run(b);
}

#define assert_gpus(b, id, uuids) assert_string_equal(status_of(b, id).gpus, uuids)
#define assert_waits(b, id) assert_string_equal(status_of(b, id).reason, "WaitingGpu")

static void the_smallest_that_fits_and_each_to_one(void **state) {
        BED;

        tell(b, true, true, true);
        give(b, "a", 1, 0);
        assert_gpus(b, "a", SMALL);
        assert_string_equal(bed_container(b, "task-a")->gpus, SMALL);
        give(b, "b", 1, 8 * GIB);
        assert_gpus(b, "b", LARGE);
        give(b, "c", 1, 0);
        assert_waits(b, "c");
        ends(b, "task-b", 0);
        assert_gpus(b, "c", LARGE);
}

static void never_fits_is_told_at_once(void **state) {
        BED;

        tell(b, true, true, true);
        assert_int_equal(submit(b, &(struct job){ .id = "three", .n_gpus = 3 }), -ENOSPC);
        assert_int_equal(submit(b, &(struct job){ .id = "large", .n_gpus = 2, .gpu_memory = 9 * GIB }),
                         -ENOSPC);
        give(b, "two", 2, 8 * GIB);
        assert_gpus(b, "two", SMALL "," LARGE);
}

/* 32 GiB in all are no 25 GiB of one, nor two of 12. */
static void what_would_fit_is_judged_by_device(void **state) {
        static const struct {
                const char *what;
                unsigned n;
                uint64_t memory;
                const char *ever, *now; /* ""; or what it lacks, while the small one is held */
        } rows[] = {
                { "any", 1, 0, "", "" },
                { "the large one", 1, 24 * GIB, "", "" },
                { "larger than each", 1, 25 * GIB,
                  "asks for 1 GPU with 25Gi, 0 such can be given to tasks on this node",
                  "asks for 1 GPU with 25Gi, 0 such are left now" },
                { "both, as large as one", 2, 12 * GIB,
                  "asks for 2 GPUs with 12Gi, 1 such can be given to tasks on this node",
                  "asks for 2 GPUs with 12Gi, 1 such are left now" },
                { "both", 2, 8 * GIB, "", "asks for 2 GPUs with 8Gi, 1 such are left now" },
                { "none", 0, 0, "", "" },
        };
        BED;

        tell(b, true, true, true);
        give(b, "a", 1, 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_booking asked = { .n_gpus = rows[i].n, .gpu_memory_bytes = rows[i].memory };
                char text[HV_ROOM_TEXT_SIZE] = "";

                print_message("%s\n", rows[i].what);
                assert_int_equal(hv_core_lacks(b->core, &asked, false, text),
                                 *rows[i].ever ? HV_RESOURCE_GPU : HV_RESOURCE_NONE);
                assert_string_equal(text, rows[i].ever);
                *text = '\0';
                assert_int_equal(hv_core_lacks(b->core, &asked, true, text),
                                 *rows[i].now ? HV_RESOURCE_GPU : HV_RESOURCE_NONE);
                assert_string_equal(text, rows[i].now);
        }
}

/* What is lost may come back: it is waited for. */
static void a_lost_gpu_is_nobodys(void **state) {
        BED;

        tell(b, true, true, false);
        give(b, "a", 1, 9 * GIB);
        assert_waits(b, "a");
        tell(b, true, true, true);
        assert_gpus(b, "a", LARGE);
}

static void tell_large_alone(struct bed *b) {
        const struct hv_seen_gpu v[] = { { .uuid = LARGE,
                                           .name = "NVIDIA A100",
                                           .memory_bytes = 24 * GIB,
                                           .is_whole = true,
                                           .works = true } };
        const struct hv_seen_gpus seen = { .is_known = true, .v = v, .n = 1 };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen }, NULL),
                         0);
        bed_run(b);
}

/* Admitted, and before its container is made one of its GPUs is taken out of the machine: it does not keep its room for ever.
 * What has one left that will do goes on with that. */
static void a_gpu_that_went_before_the_start_ends_who_cannot_do_without(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        assert_gpus(b, "two", SMALL "," LARGE);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_FAILED); /* the next try is a while off */
        tell_large_alone(b);
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "two").state, HV_TASK_REJECTED);
        assert_non_null(strstr(status_of(b, "two").message, "never fits: asks for 2 GPUs"));
        give(b, "one", 1, 0);
        assert_gpus(b, "one", LARGE);
}

/* What it holds works, though the node gives none of the kind any more: nothing was lost. */
static void who_has_them_before_the_start_goes_on_though_they_are_given_no_more(void **state) {
        static const struct hv_gpu_selector large_alone = { .uuid = LARGE };
        struct hv_desired *d = desire("r2", (struct wish[]){ {} });
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_FAILED);
        d->settings.gpus.select = &large_alone;
        d->settings.gpus.n_select = 1;
        bed_desire(b, d);
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "two").state, HV_TASK_RUNNING);
        assert_gpus(b, "two", SMALL "," LARGE);
}

/* Whether its container was made nobody knows, and meanwhile its GPU is gone: that is looked at before it is called off. */
static void one_in_doubt_is_looked_at_before_it_is_called_off(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_UNKNOWN);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_FAILED); /* the next look is a while off */
        tell_large_alone(b);
        assert_null(strstr(bed_log_all(b), hv_action_name(HV_ACTION_TASK_END)));
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "two").state, HV_TASK_REJECTED);
        assert_null(bed_container(b, "task-two"));
}

/* What is under way has its end first: a stop that is being recorded is what it ended by. */
static void one_that_is_being_stopped_ends_so(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_FAILED); /* the next try is a while off */
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_NOT_FOUND);
        answer(b, HV_ACTION_LIST, HV_OUTCOME_OK); /* nor was it made and renamed */
        assert_int_equal(ask(b, HV_INPUT_TASK_STOP, "two"), 0);
        bed_run(b);
        tell_large_alone(b);
        b->hold = false;
        answer(b, HV_ACTION_TASK_STOPPING, HV_OUTCOME_OK);
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "two").state, HV_TASK_STOPPED);
}

/* Nor does it wait for a stranger to leave its name. */
static void one_with_a_stranger_in_its_way_ends_and_leaves_him(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        (void) bed_add(b, "task-two", false, HV_CONTAINER_RUNNING);
        bed_event(b, "create", "task-two");
        b->hold = false;
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        assert_false(hv_task_state_is_end(status_of(b, "two").state));
        tell_large_alone(b);
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "two").state, HV_TASK_REJECTED);
        assert_non_null(bed_container(b, "task-two"));
}

/* Its container is being made with them; whether they work is a question to what was made. */
static void who_is_being_made_with_them_keeps_them(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "two", 2, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        tell_large_alone(b);
        assert_gpus(b, "two", SMALL "," LARGE);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        assert_string_equal(bed_container(b, "task-two")->gpus, SMALL "," LARGE);
        b->hold = false;
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_OK);
        bed_wait(b, 60 * S);
        assert_string_equal(status_of(b, "two").message, "GpuLost: " SMALL " is gone");
}

/* A GPU of one holder has no room left, whatever part of its memory he named. */
static void one_of_an_exclusive_holder_is_no_room(void **state) {
        struct hv_room all, for_tasks, available;
        struct hv_gpus_status gpus;
        BED;

        tell(b, true, true, true);
        give(b, "a", 1, 10 * GIB);
        assert_gpus(b, "a", LARGE);
        assert_true(hv_core_room(b->core, &all, &for_tasks, &available));
        assert_int_equal(all.n_gpus, 2);
        assert_int_equal(all.gpu_memory_bytes, 32 * GIB);
        assert_int_equal(available.n_gpus, 1);
        assert_int_equal(available.gpu_memory_bytes, 8 * GIB);
        hv_core_gpus(b->core, b->arena, &gpus);
        assert_string_equal(gpus.v[0].uuid, LARGE);
        assert_int_equal(gpus.v[0].held_bytes, 24 * GIB);
        shared(b);
        assert_true(hv_core_room(b->core, &all, &for_tasks, &available));
        assert_int_equal(available.n_gpus, 2);
        assert_int_equal(available.gpu_memory_bytes, 22 * GIB);
}

/* The engine has no means to give one: it is told at admission, and not by a container that cannot be made. */
static void an_engine_that_gives_none(void **state) {
        const struct hv_booking asked = { .n_gpus = 1 };
        struct hv_room all, for_tasks, available;
        char text[HV_ROOM_TEXT_SIZE];
        struct hv_gpus_status gpus;
        BED;

        tell_as(b, true, true, true, "it has no such option");
        assert_int_equal(submit(b, &(struct job){ .id = "a", .n_gpus = 1 }), -ENOSPC);
        give(b, "none", 0, 0);
        assert_int_equal(status_of(b, "none").state, HV_TASK_RUNNING);
        assert_int_equal(hv_core_lacks(b->core, &asked, false, text), HV_RESOURCE_GPU);
        assert_string_equal(text, "asks for 1 GPU: it has no such option");
        assert_int_equal(hv_core_lacks(b->core, &asked, true, text), HV_RESOURCE_GPU);
        assert_string_equal(text, "asks for 1 GPU: it has no such option");
        assert_true(hv_core_room(b->core, &all, &for_tasks, &available));
        assert_int_equal(all.n_gpus + available.n_gpus, 0);
        hv_core_gpus(b->core, b->arena, &gpus);
        assert_int_equal(gpus.n, 2 + 1);
        assert_false(gpus.v[0].is_given);
        tell(b, true, true, true); /* another engine answers there */
        give(b, "a", 1, 0);
        assert_gpus(b, "a", SMALL);
}

/* So it is where nobody knows yet which GPUs there are. */
static void an_engine_that_gives_none_of_what_is_not_known(void **state) {
        BED;

        tell_as(b, false, true, true, "it has no such option");
        assert_int_equal(submit(b, &(struct job){ .id = "a", .n_gpus = 1 }), -ENOSPC);
}

/* It was admitted before the engine was reached. */
static void an_engine_that_gives_none_after_all(void **state) {
        BED;

        tell(b, true, true, true);
        b->hold = true;
        give(b, "a", 1, 0);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_FAILED);
        tell_as(b, true, true, true, "it has no such option");
        b->hold = false;
        bed_wait(b, 60 * S);
        assert_int_equal(status_of(b, "a").state, HV_TASK_REJECTED);
        assert_string_equal(status_of(b, "a").message, "never fits: asks for 1 GPU: it has no such option");
}

static void a_service_says_that_the_engine_gives_none(void **state) {
        struct hv_desired *d = desire("r2", (struct wish[]){ { .name = "model" }, {} });
        const struct hv_unit_status *u;
        struct hv_status status;
        BED;

        ((struct hv_unit *) d->units)[0].n_gpus = 1;
        tell_as(b, true, true, true, "it has no such option");
        bed_desire(b, d);
        bed_run(b);
        status = bed_status(b);
        u = bed_unit(&status, "hive-model");
        assert_int_equal(u->reason, HV_REASON_WAITING_GPU);
        assert_string_equal(u->message, "it has no such option");
        assert_null(bed_container(b, "hive-model"));
}

static void while_nobody_can_say_all_stays(void **state) {
        BED;

        tell(b, false, true, true);
        give(b, "a", 1, 0);
        assert_waits(b, "a");
        assert_non_null(strstr(status_of(b, "a").message, "it hangs"));
        tell(b, true, true, true);
        assert_gpus(b, "a", SMALL);
        tell(b, false, false, false);
        assert_int_equal(status_of(b, "a").state, HV_TASK_RUNNING);
        assert_gpus(b, "a", SMALL);
        give(b, "b", 1, 0); /* the other one is free; whether it still works nobody knows */
        assert_waits(b, "b");
        assert_non_null(strstr(status_of(b, "b").message, "it hangs"));
        tell(b, true, true, true);
        assert_gpus(b, "b", LARGE);
}

/* Since when it runs has to be asked first; the loss is not forgotten over that. */
static void what_was_lost_while_the_agent_was_away_is_found_out(void **state) {
        struct bed *b = again(state);
        const struct job a = { .id = "a", .source = HV_TASK_FROM_API, .n_gpus = 1 };

        recall(b, &a, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        task_container(b, "a", HV_CONTAINER_RUNNING)->gpus = LARGE;
        tell(b, true, true, false);
        go(b);
        assert_string_equal(status_of(b, "a").message, "GpuLost: " LARGE " does not work any more");
}

static void shared_memory_adds_up(void **state) {
        BED;

        shared(b);
        tell(b, true, false, true);
        give(b, "a", 1, 10 * GIB);
        give(b, "b", 1, 10 * GIB);
        give(b, "c", 1, 10 * GIB);
        assert_gpus(b, "a", LARGE);
        assert_gpus(b, "b", LARGE);
        assert_waits(b, "c");
        ends(b, "task-a", 0);
        assert_gpus(b, "c", LARGE);
}

static void who_names_no_memory_shares_with_nobody(void **state) {
        BED;

        shared(b);
        tell(b, true, false, true);
        give(b, "a", 1, 0);
        give(b, "b", 1, GIB);
        assert_gpus(b, "a", LARGE);
        assert_waits(b, "b");
}

static void nor_with_who_does(void **state) {
        BED;

        shared(b);
        tell(b, true, false, true);
        give(b, "a", 1, GIB);
        give(b, "b", 1, 0);
        assert_gpus(b, "a", LARGE);
        assert_waits(b, "b");
}

/* A GPU that was lost before anybody saw it has no name by which it could be given. */
static void what_was_never_seen_is_nobodys(void **state) {
        const struct hv_seen_gpu v[] = {
                { .uuid = "", .name = "", .memory_bytes = 24 * GIB, .is_whole = true }
        };
        const struct hv_seen_gpus seen = { .is_known = true, .v = v, .n = 1 };
        BED;

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen }, NULL),
                         0);
        assert_int_equal(submit(b, &(struct job){ .id = "a", .n_gpus = 1 }), -ENOSPC);
}

static void an_attempt_that_loses_its_gpu_is_the_nodes_fault(void **state) {
        BED;

        tell(b, true, true, true);
        give(b, "a", 1, 0);
        tell(b, true, false, true);
        assert_int_equal(status_of(b, "a").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "a").reason, "nodeError");
        assert_string_equal(status_of(b, "a").message, "GpuLost: " SMALL " does not work any more");
}

static void so_is_a_device_that_it_may_not_use(void **state) {
        BED;

        tell(b, true, true, true);
        give(b, "a", 1, 0);
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPU_LOST,
                                                           .text = bed_container(b, "task-a")->id,
                                                           .message = "denied" },
                                       NULL),
                         0);
        bed_run(b);
        assert_string_equal(status_of(b, "a").message, "GpuLost: denied");
}

static void lost(struct bed *b, const char *container) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPU_LOST,
                                                           .text = bed_container(b, container)->id,
                                                           .message = "denied" },
                                       NULL),
                         0);
        bed_run(b);
}

static unsigned times_noted(const struct bed *b, const char *text) {
        unsigned n = 0;

        for (size_t i = 0; i < b->notes.n; i++)
                n += strstr(b->notes.v[i], text) != NULL;
        return n;
}

/* A loss is one fault of one start, and none of who does not run, or has none to lose. */
static void a_loss_counts_once_and_for_who_runs_with_one(void **state) {
        struct hv_desired *d = desire("r2", (struct wish[]){ { .name = "model" }, { .name = "plain" }, {} });
        BED;

        ((struct hv_unit *) d->units)[0].n_gpus = 1;
        tell(b, true, true, true);
        bed_desire(b, d);
        bed_run(b);
        lost(b, "hive-plain");
        assert_int_equal(times_noted(b, "lost its GPU"), 0);
        b->hold = true;
        lost(b, "hive-model");
        lost(b, "hive-model");
        assert_int_equal(times_noted(b, "lost its GPU"), 1);
}

static void who_has_ended_loses_nothing(void **state) {
        struct hv_desired *d = desire("r2", (struct wish[]){ { .name = "model" }, {} });
        BED;

        ((struct hv_unit *) d->units)[0].n_gpus = 1;
        tell(b, true, true, true);
        bed_desire(b, d);
        bed_run(b);
        b->hold = true;
        ends(b, "hive-model", 1);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        lost(b, "hive-model");
        assert_int_equal(times_noted(b, "lost its GPU"), 0);
}

/* The label on the container is all that an agent that was started anew knows. */
static void what_runs_keeps_its_own_over_a_restart(void **state) {
        struct bed *b = again(state);
        const struct job a = { .id = "a", .source = HV_TASK_FROM_API, .n_gpus = 1 };
        struct hv_seen_container *k;

        recall(b, &a, (struct hv_task_recalled){ .state = HV_TASK_RUNNING, .attempt = 1 });
        k = task_container(b, "a", HV_CONTAINER_RUNNING);
        k->gpus = LARGE;
        tell(b, true, true, true);
        go(b);
        assert_gpus(b, "a", LARGE);
        give(b, "b", 1, 9 * GIB);
        assert_waits(b, "b");
}

static void what_is_selected(void **state) {
        static const struct {
                const char *what;
                struct hv_gpu_selector selector;
                bool is_selected;
        } rows[] = {
                { "anything", {}, true },
                { "its maker", { .vendor = "nvidia" }, true },
                { "another maker", { .vendor = "amd" }, false },
                { "a part of its name", { .model = "a100" }, true },
                { "another name", { .model = "H100" }, false },
                { "the start of its UUID", { .uuid = "GPU-12" }, true },
                { "another UUID", { .uuid = "GPU-2" }, false },
                { "as much memory", { .min_memory_bytes = 8 * GIB }, true },
                { "more memory", { .min_memory_bytes = 9 * GIB }, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_gpu_rules rules = { .select = &rows[i].selector, .n_select = 1 };

                if (hv_gpu_is_selected(&rules, "GPU-1234", "NVIDIA A100", 8 * GIB) != rows[i].is_selected)
                        fail_msg("%s", rows[i].what);
        }
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, task_bed_setup, task_bed_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BED(the_smallest_that_fits_and_each_to_one),
                WITH_BED(never_fits_is_told_at_once),
                WITH_BED(what_would_fit_is_judged_by_device),
                WITH_BED(a_lost_gpu_is_nobodys),
                WITH_BED(a_gpu_that_went_before_the_start_ends_who_cannot_do_without),
                WITH_BED(who_has_them_before_the_start_goes_on_though_they_are_given_no_more),
                WITH_BED(one_in_doubt_is_looked_at_before_it_is_called_off),
                WITH_BED(one_that_is_being_stopped_ends_so),
                WITH_BED(one_with_a_stranger_in_its_way_ends_and_leaves_him),
                WITH_BED(who_is_being_made_with_them_keeps_them),
                WITH_BED(one_of_an_exclusive_holder_is_no_room),
                WITH_BED(an_engine_that_gives_none),
                WITH_BED(an_engine_that_gives_none_of_what_is_not_known),
                WITH_BED(an_engine_that_gives_none_after_all),
                WITH_BED(a_service_says_that_the_engine_gives_none),
                WITH_BED(while_nobody_can_say_all_stays),
                WITH_BED(shared_memory_adds_up),
                WITH_BED(who_names_no_memory_shares_with_nobody),
                WITH_BED(nor_with_who_does),
                WITH_BED(what_was_never_seen_is_nobodys),
                WITH_BED(an_attempt_that_loses_its_gpu_is_the_nodes_fault),
                WITH_BED(so_is_a_device_that_it_may_not_use),
                WITH_BED(a_loss_counts_once_and_for_who_runs_with_one),
                WITH_BED(who_has_ended_loses_nothing),
                WITH_BED(what_runs_keeps_its_own_over_a_restart),
                WITH_BED(what_was_lost_while_the_agent_was_away_is_found_out),
                cmocka_unit_test(what_is_selected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tasks: the queue: who is let in, who waits, who never fits, and when room is free again. */
#include <errno.h>

#include "task_bed.h"

/* ---- rules ---- */

static void the_books_are_never_overdrawn(void **state) {
        BED;
        struct hv_room all, for_tasks, left;

        for (unsigned i = 0; i < 6; i++)
                assert_int_equal(
                        submit(b, &(struct job){ hv_arena_printf(b->arena, "t%u", i), .memory = 3 * GIB }),
                        0);
        bed_run(b);
        assert_int_equal(b->n_starts, 2);
        assert_true(hv_core_room(b->core, &all, &for_tasks, &left));
        assert_int_equal(left.memory_bytes, 2 * GIB);
        assert_string_equal(status_of(b, "t2").reason, "WaitingMemory");
        assert_string_equal(status_of(b, "t2").message, "waits for room: asks for 3Gi memory, 2Gi are left");
        ends(b, "task-t0", 0);
        assert_int_equal(b->n_starts, 3);
        assert_int_equal(status_of(b, "t2").state, HV_TASK_RUNNING);
}

static void services_hold_their_room(void **state) {
        struct hv_desired *d = desire("r2", (const struct wish[]){ { "web", "img:1" }, {} });
        struct hv_room all, for_tasks, left;
        BED;

        d->services = (struct hv_amounts){ .nano_cpus = CPU, .memory_bytes = 5 * GIB };
        bed_desire(b, d);
        bed_run(b);
        assert_int_equal(submit(b, &(struct job){ "small", .memory = GIB }), 0);
        assert_int_equal(submit(b, &(struct job){ "big", .memory = 3 * GIB }), 0);
        bed_run(b);
        assert_true(hv_core_room(b->core, &all, &for_tasks, &left));
        assert_int_equal(all.memory_bytes, 8 * GIB);
        assert_int_equal(for_tasks.memory_bytes, 3 * GIB);
        assert_int_equal(left.memory_bytes, 2 * GIB);
        assert_int_equal(status_of(b, "small").state, HV_TASK_RUNNING);
        assert_string_equal(status_of(b, "big").message, "waits for room: asks for 3Gi memory, 2Gi are left");
}

/* They are declared, so what they ask for is never free: who would wait for it is told at once, whenever they came. */
static void what_never_fits_beside_the_services_is_refused(void **state) {
        struct hv_desired *d = desire("r2", (const struct wish[]){ { "web", "img:1" }, {} });
        BED;

        assert_int_equal(submit(b, &(struct job){ "full", .memory = 8 * GIB }), 0);
        bed_run(b);
        assert_int_equal(submit(b, &(struct job){ "big", .memory = 4 * GIB }), 0);
        bed_run(b);
        assert_int_equal(status_of(b, "big").state, HV_TASK_QUEUED);
        d->services = (struct hv_amounts){ .nano_cpus = CPU, .memory_bytes = 5 * GIB };
        bed_desire(b, d);
        bed_run(b);
        assert_int_equal(status_of(b, "big").state, HV_TASK_REJECTED);
        assert_string_equal(status_of(b, "big").message,
                            "never fits: asks for 4Gi memory, 3Gi can be given to tasks on this node");
        assert_int_equal(submit(b, &(struct job){ "later", .memory = 4 * GIB }), -ENOSPC);
        assert_int_equal(status_of(b, "full").state, HV_TASK_RUNNING); /* what runs is let run */
}

static void the_queue_goes_by_priority_then_age(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &(struct job){ "full", .memory = 8 * GIB }), 0);
        b->hold = false;
        bed_run(b);
        assert_int_equal(submit(b, &(struct job){ "late", .memory = 8 * GIB, .priority = 10 }), 0);
        assert_int_equal(submit(b, &(struct job){ "later", .memory = 8 * GIB, .priority = 10 }), 0);
        assert_int_equal(submit(b, &(struct job){ "urgent", .memory = 8 * GIB, .priority = 90 }), 0);
        bed_run(b);
        ends(b, "task-full", 0);
        assert_int_equal(status_of(b, "urgent").state, HV_TASK_RUNNING);
        ends(b, "task-urgent", 0);
        assert_int_equal(status_of(b, "late").state, HV_TASK_RUNNING);
        assert_int_equal(status_of(b, "later").state, HV_TASK_QUEUED);
}

static void a_big_task_is_not_starved(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "a", .memory = 4 * GIB }), 0);
        assert_int_equal(submit(b, &(struct job){ "big", .memory = 6 * GIB }), 0);
        bed_run(b);
        b->now_us += S;
        assert_int_equal(submit(b, &(struct job){ "small", .memory = 3 * GIB }), 0);
        bed_run(b);
        assert_int_equal(status_of(b, "small").state,
                         HV_TASK_QUEUED); /* it would take what `big` waits for */
        ends(b, "task-a", 0);
        assert_int_equal(status_of(b, "big").state, HV_TASK_RUNNING);
}

static void what_never_fits_is_refused_at_once(void **state) {
        BED;
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t =
                task_of(&(struct job){ "t1", .memory = 9 * GIB, .source = HV_TASK_FROM_API });
        struct hv_err err = {};

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_TASK_SUBMIT, .task = t }, &err),
                         -ENOSPC);
        assert_string_equal(err.msg,
                            "never fits: asks for 9Gi memory, 8Gi can be given to tasks on this node");
        bed_run(b);
        assert_string_equal(bed_log(b), "");
}

static void waiting_for_room_has_an_end(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "a", .memory = 8 * GIB }), 0);
        assert_int_equal(submit(b, &(struct job){ "t1", .memory = GIB, .wait = 300 * S }), 0);
        bed_wait(b, 299 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED);
        bed_wait(b, 2 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_FAILED);
        assert_string_equal(status_of(b, "t1").message,
                            "Insufficient resources: asks for 1Gi memory, 0 are left");
}

static void what_waited_too_long_sets_nothing_aside(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "a", .memory = 6 * GIB }), 0);
        assert_int_equal(submit(b, &(struct job){ "big", .memory = 4 * GIB, .wait = 30 * S }), 0);
        assert_int_equal(submit(b, &(struct job){ "small", .memory = 2 * GIB }), 0);
        bed_run(b);
        assert_int_equal(status_of(b, "small").state, HV_TASK_QUEUED);
        bed_wait(b, 31 * S);
        assert_int_equal(status_of(b, "big").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "small").state, HV_TASK_RUNNING);
}

int main(void) {
#define RULE(f) cmocka_unit_test_setup_teardown(f, task_bed_setup, task_bed_teardown)
        const struct CMUnitTest tests[] = {
                RULE(the_books_are_never_overdrawn),
                RULE(services_hold_their_room),
                RULE(what_never_fits_beside_the_services_is_refused),
                RULE(the_queue_goes_by_priority_then_age),
                RULE(a_big_task_is_not_starved),
                RULE(what_never_fits_is_refused_at_once),
                RULE(waiting_for_room_has_an_end),
                RULE(what_waited_too_long_sets_nothing_aside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What an ended task costs for as long as its result is kept. */
#include <malloc.h>
#include <stdio.h>

#include "task_bed.h"

#define N_TASKS 200
/* A name, an id and a digest, each with its head of malloc(), the struct itself and its place in the map: about 500 bytes
 * here. The unit of an attempt alone would take 4 KiB. */
#define MAX_BYTES_PER_TASK 640

static void an_ended_task_takes_little_memory(void **state) {
        BED;
        size_t in_use;

        for (unsigned i = 0; i < N_TASKS; i++) {
                char id[16], container[32];

                (void) snprintf(id, sizeof id, "t%u", i);
                (void) snprintf(container, sizeof container, "task-t%u", i);
                assert_int_equal(submit(b, &(struct job){ id }), 0);
                bed_run(b);
                ends(b, container, (int) i % 2);
        }
        assert_int_equal(status_of(b, "t0").state, HV_TASK_COMPLETED);
        assert_int_equal(status_of(b, "t199").state, HV_TASK_FAILED);
        assert_int_equal(status_of(b, "t199").exit_code, 1);
        in_use = mallinfo2().uordblks;
        b->core = hv_core_free(b->core);
        assert_in_range((in_use - mallinfo2().uordblks) / N_TASKS, 0, MAX_BYTES_PER_TASK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_ended_task_takes_little_memory, task_bed_setup,
                                                task_bed_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

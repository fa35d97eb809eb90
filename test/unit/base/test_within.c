/* within: what comes back in time, what does not, and that a name which hangs costs one thread and one wait. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/time.h"
#include "base/within.h"

#define LONG_US (60 * HV_USEC_PER_SEC) /* nobody waits for that */

static int gate[2]; /* who reads from it waits until something is written */
static int arrived[2];

struct answer {
        int in, out;
};

static void at_once(const char *name, void *result) {
        struct answer *a = result;
        sigset_t blocked;

        (void) pthread_sigmask(SIG_BLOCK, NULL, &blocked);
        a->out = a->in + (name[0] == 'a') + sigismember(&blocked, SIGTERM);
}

static void at_the_gate(const char *name, void *result) {
        struct answer *a = result;
        char c;

        (void) name;
        assert_int_equal(read(gate[0], &c, 1), 1);
        a->out = 7;
        assert_int_equal(write(arrived[1], &c, 1), 1);
}

static void what_comes_back_in_time_is_given(void **state) {
        struct answer a = { .in = 3 };

        (void) state;
        assert_int_equal(hv_within(LONG_US, "a", at_once, &a, sizeof a), 0);
        assert_int_equal(a.out, 5); /* with every signal blocked: they belong to the loop */
        assert_int_equal(hv_within_n_waiting(), 0);
}

static void what_hangs_is_left_alone(void **state) {
        struct answer a = { .in = 3 };
        char c = 'x';

        (void) state;
        assert_int_equal(pipe(gate), 0);
        assert_int_equal(pipe(arrived), 0);
        assert_int_equal(hv_within(1000, "/dead", at_the_gate, &a, sizeof a), -ETIMEDOUT);
        assert_int_equal(a.out, 0);
        /* The same name again: no second thread, and no wait however long it might be. */
        assert_int_equal(hv_within(LONG_US, "/dead", at_once, &a, sizeof a), -ETIMEDOUT);
        assert_int_equal(hv_within_n_waiting(), 1);
        /* Others are asked all the same. */
        assert_int_equal(hv_within(LONG_US, "a", at_once, &a, sizeof a), 0);

        /* It answers after all: what it found is of no use any more, and it may be asked again. */
        a.out = 0;
        assert_int_equal(write(gate[1], &c, 1), 1);
        assert_int_equal(read(arrived[0], &c, 1), 1);
        while (hv_within_n_waiting() > 0)
                (void) usleep(1000); /* its last step is after the sign that it gave */
        assert_int_equal(a.out, 0);
        assert_int_equal(hv_within(LONG_US, "/dead", at_once, &a, sizeof a), 0);
        assert_int_equal(a.out, 4);
        for (int i = 0; i < 2; i++) {
                (void) close(gate[i]);
                (void) close(arrived[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_comes_back_in_time_is_given),
                cmocka_unit_test(what_hangs_is_left_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

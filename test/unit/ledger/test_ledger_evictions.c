/* evictions: why the node stops an attempt is there before it does, once, and after a restart. */
#include <errno.h>

#include "helpers.h"

#include "base/buf.h"

static int evict(struct fixture *x, unsigned number, const char *reason, const char *message) {
        const struct hv_ledger_eviction e = { reason, message, NOW + 7 };

        return hv_ledger_evict(x->ledger, "t-1", number, &e, &x->err);
}

static int tell(const struct hv_ledger_task *t, void *userdata) {
        const struct hv_ledger_eviction *e = &t->last_eviction;

        hv_buf_printf(userdata, "%u %s/%s/%llu", t->last_attempt, e->reason ? e->reason : "-",
                      e->message ? e->message : "-", (unsigned long long) e->at_us);
        return 0;
}

static int tell_attempt(const struct hv_ledger_attempt *a, void *userdata) {
        hv_buf_printf(userdata, "; %u %s/%s", a->number, a->eviction.reason ? a->eviction.reason : "-",
                      a->eviction.message ? a->eviction.message : "-");
        return 0;
}

static void expect(struct fixture *x, const char *wanted) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        assert_int_equal(hv_ledger_task(x->ledger, "t-1", tell, &out, NULL), 0);
        assert_int_equal(hv_ledger_attempts(x->ledger, "t-1", tell_attempt, &out, NULL), 0);
        assert_string_equal(hv_buf_str(&out), wanted);
}

static void the_first_reason_is_kept(void **state) {
        struct fixture *x = *state;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        expect(x, "1 -/-/0; 1 -/-");
        assert_int_equal(evict(x, 1, "GpuLost", "GPU-1 is gone"), 1);
        assert_int_equal(evict(x, 1, "Pressure", NULL), 0);
        reopen(x);
        expect(x, "1 GpuLost/GPU-1 is gone/1000000007; 1 GpuLost/GPU-1 is gone");
}

static void it_belongs_to_one_attempt(void **state) {
        struct fixture *x = *state;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        assert_int_equal(evict(x, 1, "Pressure", NULL), 1);
        end_attempt(x, "t-1", 1, NULL);
        begin_attempt(x, "t-1", 2);
        expect(x, "2 -/-/0; 1 Pressure/-; 2 -/-");
        assert_int_equal(evict(x, 2, "DiskLimit", "5Gi"), 1);
        expect(x, "2 DiskLimit/5Gi/1000000007; 1 Pressure/-; 2 DiskLimit/5Gi");
}

static void what_has_ended_is_not_evicted(void **state) {
        struct fixture *x = *state;
        int r;

        r = evict(x, 1, "Pressure", NULL);
        expect_error(&x->err, r, -ENOENT, "cannot evict attempt 1 of task t-1");
        accept_task(x, "t-1");
        r = evict(x, 1, "Pressure", NULL);
        expect_error(&x->err, r, -ENOENT, "it was never begun");
        begin_attempt(x, "t-1", 1);
        r = evict(x, 1, NULL, "no word");
        expect_error(&x->err, r, -EINVAL, "without a reason");
        end_attempt(x, "t-1", 1, "Completed");
        r = evict(x, 1, "Pressure", NULL);
        expect_error(&x->err, r, -EALREADY, "it is ended");
        expect(x, "1 -/-/0; 1 -/-");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_first_reason_is_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(it_belongs_to_one_attempt, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_has_ended_is_not_evicted, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

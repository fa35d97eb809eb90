/* ledger: what a pool assigned is owed from its end until the pool has it, and not forgotten before. */
#include "helpers.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "ledger/debt.h"

static void assign_new(struct fixture *x, const char *id, unsigned attempt, uint64_t lease) {
        const struct hv_ledger_assignment a = { .attempt = attempt, .lease_epoch = lease };
        struct hv_ledger_promise p = promise(id);

        p.source = "pool";
        p.assignment = &a;
        if (hv_ledger_accept(x->ledger, &p, NULL, &x->err) != 1)
                fail_msg("%s", x->err.msg);
}

static int finish(struct fixture *x, const char *id, unsigned number, const char *state) {
        const struct hv_ledger_end e = { .id = id,
                                         .number = number,
                                         .now_wall_us = NOW,
                                         .state = state,
                                         .result = { .cause = "success",
                                                     .log_bytes = 100,
                                                     .log_sha256 = DIGEST_A,
                                                     .outputs_bytes = 1000 } };

        return hv_ledger_end(x->ledger, &e, &x->err);
}

static void run(struct fixture *x, const char *id) {
        assert_int_equal(hv_ledger_begin(x->ledger, id, 1, "c", AT(NOW), &x->err), 0);
        assert_int_equal(finish(x, id, 1, "Completed"), 0);
}

static int list(const struct hv_ledger_debt *d, void *userdata) {
        hv_buf_printf(userdata, "%llu:%s.%u as %u/%llu log %llu; ", (unsigned long long) d->seq, d->id,
                      d->number, d->assignment.attempt, (unsigned long long) d->assignment.lease_epoch,
                      (unsigned long long) d->log_sent);
        return 0;
}

static void expect_debts(struct fixture *x, uint64_t after, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf found = {};

        assert_int_equal(hv_ledger_debts(x->ledger, after, list, &found, &x->err), 0);
        assert_string_equal(hv_buf_str(&found), expected);
}

static bool owed;

static int see_owed(const struct hv_ledger_task *t, void *userdata) {
        (void) userdata;
        owed = t->is_owed;
        return 0;
}

static bool is_owed(struct fixture *x, const char *id) {
        assert_int_equal(hv_ledger_task(x->ledger, id, see_owed, NULL, &x->err), 0);
        return owed;
}

static void the_end_of_what_a_pool_assigned_is_owed(void **state) {
        struct fixture *x = *state;
        uint64_t n, bytes;

        assign_new(x, "a", 1, 5);
        assign_new(x, "b", 0, 0);
        accept_task(x, "mine");
        expect_debts(x, 0, "");
        run(x, "a");
        run(x, "mine");
        assert_int_equal(finish(x, "b", 0, "Rejected"), 0);
        expect_debts(x, 0, "1:a.1 as 1/5 log 0; 2:b.0 as 0/0 log 0; ");
        expect_debts(x, 1, "2:b.0 as 0/0 log 0; ");
        assert_int_equal(hv_ledger_count_debts(x->ledger, &n, &bytes, &x->err), 0);
        assert_int_equal(n, 2);
        assert_int_equal(bytes, 1100);
        assert_true(is_owed(x, "a"));
        assert_false(is_owed(x, "mine"));
        reopen(x);
        expect_debts(x, 0, "1:a.1 as 1/5 log 0; 2:b.0 as 0/0 log 0; ");
}

static void only_the_last_end_is_owed(void **state) {
        struct fixture *x = *state;

        assign_new(x, "a", 1, 5);
        assert_int_equal(hv_ledger_begin(x->ledger, "a", 1, "c", AT(NOW), &x->err), 0);
        assert_int_equal(finish(x, "a", 1, NULL), 0);
        expect_debts(x, 0, "");
        assert_int_equal(hv_ledger_begin(x->ledger, "a", 2, "c.2", AT(NOW), &x->err), 0);
        assert_int_equal(finish(x, "a", 2, "Completed"), 0);
        expect_debts(x, 0, "1:a.2 as 1/5 log 0; ");
}

static void what_is_owed_is_not_forgotten(void **state) {
        struct fixture *x = *state;

        assign_new(x, "a", 1, 5);
        run(x, "a");
        assert_int_equal(hv_ledger_forget(x->ledger, "a", NOW, &x->err), -EBUSY);
        assert_string_equal(x->err.msg, "cannot forget task a: its result is still owed to the pool");
        assert_int_equal(hv_ledger_retry(x->ledger, "a", NOW, &x->err), -EBUSY);
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "committed", NULL, NOW, &x->err), 1);
        assert_false(is_owed(x, "a"));
        assert_int_equal(hv_ledger_forget(x->ledger, "a", NOW, &x->err), 0);
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "committed", NULL, NOW, &x->err), -ENOENT);
}

static void a_debt_is_paid_once(void **state) {
        struct fixture *x = *state;

        assign_new(x, "a", 1, 5);
        run(x, "a");
        assert_int_equal(hv_ledger_debt_log(x->ledger, 1, 60, &x->err), 0);
        expect_debts(x, 0, "1:a.1 as 1/5 log 60; ");
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "unwanted", "somebody else has it", NOW, &x->err), 1);
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "committed", NULL, NOW, &x->err), 0);
        assert_int_equal(hv_ledger_debt_log(x->ledger, 1, 70, &x->err), -ENOENT);
        assert_int_equal(hv_ledger_pay(x->ledger, 7, "committed", NULL, NOW, &x->err), -ENOENT);
        assert_true(hv_ledger_pay(x->ledger, 7, "perhaps", NULL, NOW, &x->err) < 0);
        expect_debts(x, 0, "");
        /* Run again, it is owed again, under a number of its own. */
        assert_int_equal(hv_ledger_retry(x->ledger, "a", NOW, &x->err), 0);
        assert_int_equal(hv_ledger_begin(x->ledger, "a", 2, "c", AT(NOW), &x->err), 0);
        assert_int_equal(finish(x, "a", 2, "Completed"), 0);
        expect_debts(x, 0, "2:a.2 as 1/5 log 0; ");
}

static void what_was_paid_is_owed_again(void **state) {
        struct fixture *x = *state;

        accept_task(x, "mine");
        assert_int_equal(hv_ledger_owe_again(x->ledger, "nobody", NOW, &x->err), -ENOENT);
        assign_new(x, "a", 1, 5);
        assert_int_equal(hv_ledger_owe_again(x->ledger, "a", NOW, &x->err), -ENOENT); /* it has no result */
        run(x, "a");
        run(x, "mine");
        assert_int_equal(hv_ledger_owe_again(x->ledger, "mine", NOW, &x->err), -ENOENT);
        assert_int_equal(hv_ledger_owe_again(x->ledger, "a", NOW, &x->err), 0); /* it is owed */
        assert_int_equal(hv_ledger_debt_log(x->ledger, 1, 60, &x->err), 0);
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "unwanted", "somebody else has it", NOW, &x->err), 1);
        assert_false(is_owed(x, "a"));
        assert_int_equal(hv_ledger_owe_again(x->ledger, "a", NOW, &x->err), 1);
        assert_true(is_owed(x, "a"));
        expect_debts(x, 0, "1:a.1 as 1/5 log 0; ");
        assert_int_equal(hv_ledger_forget(x->ledger, "a", NOW, &x->err), -EBUSY);
        assert_int_equal(hv_ledger_pay(x->ledger, 1, "committed", NULL, NOW, &x->err), 1);
        expect_debts(x, 0, "");
        /* The last one of two; and none while it runs again. */
        assert_int_equal(hv_ledger_retry(x->ledger, "a", NOW, &x->err), 0);
        assert_int_equal(hv_ledger_owe_again(x->ledger, "a", NOW, &x->err), -EBUSY);
        assert_int_equal(hv_ledger_begin(x->ledger, "a", 2, "c", AT(NOW), &x->err), 0);
        assert_int_equal(finish(x, "a", 2, "Completed"), 0);
        assert_int_equal(hv_ledger_pay(x->ledger, 2, "committed", NULL, NOW, &x->err), 1);
        assert_int_equal(hv_ledger_owe_again(x->ledger, "a", NOW, &x->err), 1);
        expect_debts(x, 0, "2:a.2 as 1/5 log 0; ");
}

static void the_newest_lease_counts(void **state) {
        static const struct {
                struct hv_ledger_assignment a;
                int r;
        } rows[] = {
                { { 1, 5 }, 0 },       /* as it was */
                { { 1, 6 }, 1 },       /* another lease */
                { { 1, 5 }, -ESTALE }, /* a message that was late */
                { { 2, 1 }, 1 },       /* another attempt counts its leases anew */
                { { 1, 9 }, -ESTALE }, { { 2, 1 }, 0 },
        };
        struct fixture *x = *state;
        struct hv_ledger_assignment a;

        assign_new(x, "a", 1, 5);
        run(x, "a");
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                assert_int_equal(hv_ledger_assign(x->ledger, "a", &rows[i].a, &x->err), rows[i].r);
        expect_debts(x, 0, "1:a.1 as 2/1 log 0; ");
        assert_int_equal(hv_ledger_assignment(x->ledger, "a", &a, &x->err), 1);
        assert_int_equal(a.attempt, 2);
        accept_task(x, "mine");
        assert_int_equal(hv_ledger_assign(x->ledger, "mine", &rows[0].a, &x->err), -ENOENT);
        assert_int_equal(hv_ledger_assign(x->ledger, "nobody", &rows[0].a, &x->err), -ENOENT);
        assert_int_equal(hv_ledger_assignment(x->ledger, "mine", &a, &x->err), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
                ROW(the_end_of_what_a_pool_assigned_is_owed),
                ROW(only_the_last_end_is_owed),
                ROW(what_is_owed_is_not_forgotten),
                ROW(a_debt_is_paid_once),
                ROW(what_was_paid_is_owed_again),
                ROW(the_newest_lease_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

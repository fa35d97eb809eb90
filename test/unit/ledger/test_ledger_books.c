/* what outlives a task: trust changes, the chain of receipts, cron tasks and the history of their runs. */
#include <errno.h>

#include "helpers.h"

#include "base/buf.h"

/* --- trust --- */

static int end_with(struct fixture *x, const char *id, const struct hv_ledger_trust_change *trust,
                    const struct hv_ledger_new_receipt *receipt) {
        struct hv_ledger_end e = ending(id, 1, "Completed");

        e.trust = trust;
        e.receipt = receipt;
        x->err.msg[0] = '\0';
        return hv_ledger_end(x->ledger, &e, &x->err);
}

static int tell_trust(const struct hv_ledger_trust *t, void *userdata) {
        hv_buf_printf(userdata, "%d %s.%u %+d of %+d=%u %s (%s)\n", (int) t->seq, t->task, t->number,
                      t->change.delta, t->change.nominal, t->change.score, t->change.group, t->change.cause);
        return 0;
}

static void expect_trust(struct fixture *x, uint64_t before, unsigned limit, uint64_t next,
                         const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        uint64_t found = 99;

        assert_int_equal(hv_ledger_trust_page(x->ledger, before, limit, tell_trust, &out, &found, NULL), 0);
        assert_string_equal(hv_buf_str(&out), expected);
        assert_int_equal(found, next);
}

static void trust_changes_with_the_end_of_a_task(void **state) {
        static const struct hv_ledger_trust_change up = { 52, 52, "medium", "success", 60 };
        static const struct hv_ledger_trust_change down = { -5, 47, "low", "nodeError", -5 };
        struct fixture *x = *state;
        struct hv_ledger_end rejected = ending("c", 0, "Rejected");
        unsigned score = 0;

        assert_int_equal(hv_ledger_trust_score(x->ledger, &score, NULL), 0);
        for (const char *id = "abc"; *id; id++)
                accept_task(x, (const char[]){ *id, '\0' });
        assert_int_equal(end_with(x, "a", &up, NULL), 0);
        assert_int_equal(end_with(x, "b", &down, NULL), 0);
        rejected.trust = &up;
        assert_int_equal(hv_ledger_end(x->ledger, &rejected, NULL), 0);
        reopen(x);
        assert_int_equal(hv_ledger_trust_score(x->ledger, &score, NULL), 1);
        assert_int_equal(score, 52);
        expect_trust(x, 0, 2, 2, "3 c.0 +52 of +60=52 medium (success)\n2 b.1 -5 of -5=47 low (nodeError)\n");
        expect_trust(x, 2, 2, 0, "1 a.1 +52 of +60=52 medium (success)\n");
        expect_trust(x, 1, 2, 0, "");
}

static void a_refused_change_of_trust_ends_nothing(void **state) {
        static const struct {
                const char *what;
                struct hv_ledger_trust_change change;
        } refused[] = {
                { "score above the scale", { 2, 101, "high", "success" } },
                { "unknown group", { 2, 52, "best", "success" } },
                { "no cause", { 2, 52, "medium", NULL } },
                { "delta beyond the scale", { -101, 0, "low", "x" } },
                { "a rule beyond the scale", { 0, 0, "low", "x", -101 } },
        };
        struct fixture *x = *state;
        _hv_cleanup_free_ char *before = NULL;
        _hv_cleanup_free_ char *after = NULL;

        accept_task(x, "a");
        begin_attempt(x, "a", 1);
        before = dump(x->scratch->path);
        for (size_t i = 0; i < HV_ARRAY_SIZE(refused); i++)
                if (end_with(x, "a", &refused[i].change, NULL) != -EINVAL)
                        fail_msg("%s was taken", refused[i].what);
        after = dump(x->scratch->path);
        assert_string_equal(before, after);
}

/* --- receipts --- */

static int tell_receipt(const struct hv_ledger_receipt *r, void *userdata) {
        hv_buf_printf(userdata, "%d %s.%u %.1s<%.1s %s\n", (int) r->seq, r->task, r->number,
                      r->previous ? r->previous : "-", r->sha256, r->text);
        return 0;
}

static void expect_receipts(struct fixture *x, const char *id, uint64_t from, unsigned limit,
                            const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        assert_int_equal(hv_ledger_receipts(x->ledger, id, from, limit, tell_receipt, &out, NULL), 0);
        assert_string_equal(hv_buf_str(&out), expected);
}

static void receipts_make_one_chain(void **state) {
        struct fixture *x = *state;
        char last[HV_SHA256_HEX_SIZE] = "";
        int r;

        assert_int_equal(hv_ledger_receipt_last(x->ledger, last, NULL), 0);
        accept_task(x, "t");
        r = end_with(x, "t", NULL, &(struct hv_ledger_new_receipt){ "one", DIGEST_A, DIGEST_B });
        expect_error(&x->err, r, -ESTALE, "but the last one is none");
        assert_int_equal(end_with(x, "t", NULL, &(struct hv_ledger_new_receipt){ "one", DIGEST_A, NULL }), 0);
        assert_int_equal(hv_ledger_retry(x->ledger, "t", NOW, NULL), 0);

        r = end_with(x, "t", NULL, &(struct hv_ledger_new_receipt){ "fork", DIGEST_B, NULL });
        expect_error(&x->err, r, -EALREADY, "it is ended"); /* attempt 1 */
        accept_task(x, "u");
        r = end_with(x, "u", NULL, &(struct hv_ledger_new_receipt){ "fork", DIGEST_B, NULL });
        expect_error(&x->err, r, -ESTALE, "follows none, but the last one is " DIGEST_A);
        r = end_with(x, "u", NULL, &(struct hv_ledger_new_receipt){ "again", DIGEST_A, DIGEST_A });
        expect_error(&x->err, r, -EINVAL, "UNIQUE");
        r = end_with(x, "u", NULL, &(struct hv_ledger_new_receipt){ "short", "abc", DIGEST_A });
        expect_error(&x->err, r, -EINVAL, "CHECK");
        assert_int_equal(end_with(x, "u", NULL, &(struct hv_ledger_new_receipt){ "two", DIGEST_B, DIGEST_A }),
                         0);

        reopen(x);
        assert_int_equal(hv_ledger_receipt_last(x->ledger, last, NULL), 1);
        assert_string_equal(last, DIGEST_B);
        expect_receipts(x, NULL, 0, 9, "1 t.1 -<a one\n2 u.1 a<b two\n");
        expect_receipts(x, NULL, 2, 9, "2 u.1 a<b two\n");
        expect_receipts(x, NULL, 0, 1, "1 t.1 -<a one\n");
        expect_receipts(x, "u", 0, 9, "2 u.1 a<b two\n");
        expect_receipts(x, "z", 0, 9, "");
}

/* --- cron --- */

static int tell_cron(const struct hv_ledger_cron *c, void *userdata) {
        hv_buf_printf(userdata, "%s %d %s", c->name, (int) c->until_us, c->is_suspended ? "suspended" : "on");
        if (c->suspension.by)
                hv_buf_printf(userdata, " by %s %d", c->suspension.by, (int) c->suspension.since_us);
        if (c->suspension.reason)
                hv_buf_printf(userdata, ": %s", c->suspension.reason);
        hv_buf_putc(userdata, '\n');
        return 0;
}

static void expect_crons(struct fixture *x, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        assert_int_equal(hv_ledger_crons(x->ledger, tell_cron, &out, NULL), 0);
        assert_string_equal(hv_buf_str(&out), expected);
}

static void a_schedule_never_goes_back(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise run = promise("nightly-1");
        int r;

        run.source = "cron";
        run.cron = "nightly";
        run.cron_until_us = 100;
        assert_int_equal(hv_ledger_accept(x->ledger, &run, NULL, NULL), 1);
        assert_int_equal(hv_ledger_cron_advance(x->ledger, "hourly", 7, NULL), 0);
        expect_crons(x, "hourly 7 on\nnightly 100 on\n");
        assert_int_equal(hv_ledger_cron_advance(x->ledger, "nightly", 50, NULL), 0);
        assert_int_equal(hv_ledger_cron_advance(x->ledger, "hourly", 8, NULL), 0);
        reopen(x);
        expect_crons(x, "hourly 8 on\nnightly 100 on\n");

        /* The run stands already, the schedule goes on all the same. */
        run.cron_until_us = 200;
        assert_int_equal(hv_ledger_accept(x->ledger, &run, NULL, NULL), 0);
        expect_crons(x, "hourly 8 on\nnightly 200 on\n");
        /* A run that is refused leaves the schedule where it was. */
        run.cron_until_us = 300;
        run.digest = DIGEST_B;
        assert_int_equal(hv_ledger_accept(x->ledger, &run, NULL, NULL), -EEXIST);
        run.id = "nightly-2";
        run.cron_until_us = UINT64_MAX - 1;
        r = hv_ledger_accept(x->ledger, &run, NULL, &x->err);
        expect_error(&x->err, r, -EINVAL, "no such minute");
        expect_crons(x, "hourly 8 on\nnightly 200 on\n");
        r = hv_ledger_cron_advance(x->ledger, NULL, 1, &x->err);
        expect_error(&x->err, r, -EINVAL, "cannot advance cron task");
}

static void a_cron_task_is_suspended_until_it_is_resumed(void **state) {
        struct fixture *x = *state;
        const struct hv_ledger_suspension ana = { "ana", "the disk moves", 70 }, ben = { "ben", NULL, 80 };
        int r;

        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", NULL, 0, NULL), 0); /* as it is */
        expect_crons(x, "");
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", &ana, 0, NULL), 1);
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", &ana, 0, NULL), 0);
        reopen(x);
        expect_crons(x, "nightly 0 suspended by ana 70: the disk moves\n");
        assert_int_equal(hv_ledger_cron_advance(x->ledger, "nightly", 9, NULL), 0);
        expect_crons(x, "nightly 9 suspended by ana 70: the disk moves\n");
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", NULL, 0, NULL), 1);
        expect_crons(x, "nightly 9 on\n");
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", &ana, 0, NULL), 1);
        /* Somebody asked for a resume that never came to be recorded, and then somebody else for this. */
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", &ben, 0, NULL), 1);
        expect_crons(x, "nightly 9 suspended by ben 80\n");
        assert_int_equal(hv_ledger_cron_suspend(x->ledger, "nightly", NULL, 50, NULL), 1);
        expect_crons(x, "nightly 50 on\n"); /* what came meanwhile is dealt with, in the same record */
        r = hv_ledger_cron_suspend(x->ledger, "nightly", &ben, UINT64_MAX, &x->err);
        expect_error(&x->err, r, -EINVAL, "no such minute");
        expect_crons(x, "nightly 50 on\n");
        assert_int_equal(hv_ledger_cron_forget(x->ledger, "nightly", NULL), 1);
        assert_int_equal(hv_ledger_cron_forget(x->ledger, "nightly", NULL), 0);
        expect_crons(x, "");
        r = hv_ledger_cron_suspend(x->ledger, NULL, &ana, 0, &x->err);
        expect_error(&x->err, r, -EINVAL, "cannot suspend cron task");
}

static int tell_id(const char *id, void *userdata) {
        hv_buf_printf(userdata, "%s ", id);
        return 0;
}

static void expect_excess(struct fixture *x, unsigned completed, unsigned other, const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        assert_int_equal(hv_ledger_cron_excess(x->ledger, "nightly", completed, other, tell_id, &out, NULL),
                         0);
        assert_string_equal(hv_buf_str(&out), expected);
}

static void runs_beyond_the_history_are_named(void **state) {
        static const char *const ends[] = {
                "Completed", "Failed", "Completed", "TimedOut", "Completed", NULL
        };
        struct fixture *x = *state;

        for (unsigned i = 0; i < HV_ARRAY_SIZE(ends); i++) {
                const char id[] = { 'r', (char) ('1' + i), '\0' };
                struct hv_ledger_promise run = promise(id);

                run.source = "cron";
                run.cron = "nightly";
                assert_int_equal(hv_ledger_accept(x->ledger, &run, NULL, NULL), 1);
                if (ends[i])
                        end_attempt(x, id, 1, ends[i]);
        }
        accept_task(x, "other");
        end_attempt(x, "other", 1, "Completed");
        expect_excess(x, 3, 2, "");
        expect_excess(x, 1, 1, "r1 r2 r3 ");
        expect_excess(x, 0, 2, "r1 r3 r5 ");
        expect_excess(x, 3, 0, "r2 r4 ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(trust_changes_with_the_end_of_a_task, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_refused_change_of_trust_ends_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(receipts_make_one_chain, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_schedule_never_goes_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_cron_task_is_suspended_until_it_is_resumed, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(runs_beyond_the_history_are_named, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* worker and spool: order, hand-over, cancelling, the end. */
#include "lib/loop.h"

#include <errno.h>
#include <semaphore.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "task/spool.h"
#include "task/worker.h"

struct fixture {
        sd_event *event;
        struct hv_worker *worker;
};

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        assert_true(sd_event_new(&x->event) >= 0);
        assert_int_equal(hv_worker_new(x->event, &x->worker, NULL), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        hv_worker_free(x->worker);
        sd_event_unref(x->event);
        free(x);
        return 0;
}

struct counted {
        struct hv_job job;
        unsigned *n_run, *n_done;
        unsigned number, ran_as, done_as;
        bool was_cancelled, was_dropped, runs_until_cancelled;
        sem_t *started;
};

static void count_run(struct hv_job *job) {
        struct counted *c = (struct counted *) job;

        if (c->started)
                (void) sem_post(c->started);
        while (c->runs_until_cancelled && !hv_job_is_cancelled(job))
                ;
        c->was_cancelled = hv_job_is_cancelled(job);
        c->ran_as = ++*c->n_run;
}

static void count_done(struct hv_job *job) {
        struct counted *c = (struct counted *) job;

        c->was_dropped = job->dropped;
        c->done_as = ++*c->n_done;
}

static void jobs_run_and_end_in_order(void **state) {
        struct fixture *x = *state;
        struct counted jobs[100] = {};
        unsigned n_run = 0, n_done = 0;

        for (unsigned i = 0; i < 100; i++) {
                jobs[i] = (struct counted){ .job = { .run = count_run, .done = count_done },
                                            .n_run = &n_run,
                                            .n_done = &n_done };
                hv_worker_add(x->worker, &jobs[i].job);
        }
        hv_test_run_until(x->event, n_done == 100);
        for (unsigned i = 0; i < 100; i++) {
                assert_int_equal(jobs[i].ran_as, i + 1);
                assert_int_equal(jobs[i].done_as, i + 1);
        }
}

static void a_running_job_sees_that_it_is_cancelled(void **state) {
        struct fixture *x = *state;
        unsigned n_run = 0, n_done = 0;
        struct counted c = { .job = { .run = count_run, .done = count_done },
                             .n_run = &n_run,
                             .n_done = &n_done,
                             .runs_until_cancelled = true };

        hv_worker_add(x->worker, &c.job);
        hv_job_cancel(&c.job);
        hv_test_run_until(x->event, n_done == 1);
        assert_true(c.was_cancelled);
        assert_false(c.was_dropped);
}

static void the_end_waits_for_what_runs_and_drops_the_rest(void **state) {
        struct fixture *x = *state;
        unsigned n_run = 0, n_done = 0;
        struct counted jobs[3];
        sem_t started;

        assert_int_equal(sem_init(&started, 0, 0), 0);
        for (unsigned i = 0; i < 3; i++) {
                jobs[i] = (struct counted){ .job = { .run = count_run, .done = count_done },
                                            .n_run = &n_run,
                                            .n_done = &n_done,
                                            .runs_until_cancelled = true,
                                            .started = &started };
                hv_worker_add(x->worker, &jobs[i].job);
        }
        assert_int_equal(sem_wait(&started), 0);
        x->worker = hv_worker_free(x->worker);
        assert_int_equal(n_run, 1);
        assert_int_equal(n_done, 3);
        for (unsigned i = 0; i < 3; i++)
                assert_true(jobs[i].was_dropped);
        (void) sem_destroy(&started);
}

/* --- spool --- */

struct spooled {
        struct hv_spool *spool;
        struct hv_buf got;
        unsigned n_drained, n_ended, n_last, n_clean;
        int error, fail_with;
        bool dropped, holds;
        uint64_t n_bytes;
        sem_t go;
};

static int use(void *userdata, unsigned tag, const char *data, size_t len) {
        struct spooled *s = userdata;

        if (s->holds)
                (void) sem_wait(&s->go);
        s->holds = false;
        s->n_bytes += len;
        if (s->got.len < 100)
                hv_buf_printf(&s->got, "%u%.*s", tag, (int) HV_MIN(len, 10u), data);
        return s->fail_with;
}

static int last(void *userdata) {
        struct spooled *s = userdata;

        s->n_last++;
        return 0;
}

static void clean_up(void *userdata) {
        struct spooled *s = userdata;

        s->n_clean++;
}

static void drained(void *userdata) {
        struct spooled *s = userdata;

        s->n_drained++;
}

static void ended(void *userdata, int error, bool dropped) {
        struct spooled *s = userdata;

        s->n_ended++;
        s->error = error;
        s->dropped = dropped;
}

static void spool(struct fixture *x, struct spooled *s) {
        struct hv_spool_options o = { .worker = x->worker,
                                      .use = use,
                                      .last = last,
                                      .clean_up = clean_up,
                                      .drained = drained,
                                      .ended = ended,
                                      .userdata = s };

        assert_int_equal(sem_init(&s->go, 0, 0), 0);
        s->spool = hv_spool_new(&o);
}

static void pieces_keep_order_and_tag(void **state) {
        struct spooled s = {};

        spool(*state, &s);
        assert_true(hv_spool_add(s.spool, 1, "one", 3));
        assert_true(hv_spool_add(s.spool, 2, "two", 3));
        assert_true(hv_spool_add(s.spool, 2, "", 0));
        assert_true(hv_spool_add(s.spool, 1, "three", 5));
        hv_spool_end(s.spool);
        hv_test_run_until(((struct fixture *) *state)->event, s.n_ended == 1);
        assert_string_equal(s.got.data, "1one2two1three");
        assert_int_equal(s.error, 0);
        assert_int_equal(s.n_last, 1);
        assert_int_equal(s.n_clean, 1);
        hv_buf_done(&s.got);
}

static void a_slow_thread_asks_for_a_pause(void **state) {
        struct fixture *x = *state;
        struct spooled s = { .holds = true };
        char block[4096] = {};
        unsigned n = 0;

        spool(x, &s);
        while (hv_spool_add(s.spool, 1, block, sizeof block))
                n++;
        assert_in_range(n * sizeof block, 1 << 20, 2 << 20);
        (void) sem_post(&s.go);
        hv_test_run_until(x->event, s.n_drained == 1);
        assert_true(hv_spool_add(s.spool, 1, block, sizeof block));
        hv_spool_end(s.spool);
        hv_test_run_until(x->event, s.n_ended == 1);
        assert_int_equal(s.n_bytes, (n + 2) * sizeof block);
        hv_buf_done(&s.got);
}

static void an_error_ends_the_use(void **state) {
        struct spooled s = { .fail_with = -ENOSPC };

        spool(*state, &s);
        (void) hv_spool_add(s.spool, 1, "a", 1);
        (void) hv_spool_add(s.spool, 1, "b", 1);
        hv_spool_end(s.spool);
        hv_test_run_until(((struct fixture *) *state)->event, s.n_ended == 1);
        assert_int_equal(s.error, -ENOSPC);
        assert_int_equal(s.n_last, 0);
        assert_int_equal(s.n_clean, 1);
        assert_string_equal(s.got.data, "1a");
        hv_buf_done(&s.got);
}

static void a_cancelled_spool_is_cleaned_up(void **state) {
        struct spooled s = {};

        spool(*state, &s);
        (void) hv_spool_add(s.spool, 1, "a", 1);
        hv_spool_cancel(s.spool);
        hv_test_run_until(((struct fixture *) *state)->event, s.n_ended == 1);
        assert_int_equal(s.error, -ECANCELED);
        assert_int_equal(s.n_last, 0);
        assert_int_equal(s.n_clean, 1);
        hv_buf_done(&s.got);
}

static void a_spool_ends_with_the_worker(void **state) {
        struct fixture *x = *state;
        struct spooled s = {};

        spool(x, &s);
        hv_spool_cancel(s.spool);
        x->worker = hv_worker_free(x->worker);
        assert_int_equal(s.n_ended, 1);
        assert_true(s.dropped);
        assert_int_equal(s.n_clean, 1);
        hv_buf_done(&s.got);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(jobs_run_and_end_in_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_running_job_sees_that_it_is_cancelled, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_waits_for_what_runs_and_drops_the_rest, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(pieces_keep_order_and_tag, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_slow_thread_asks_for_a_pause, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_error_ends_the_use, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_cancelled_spool_is_cleaned_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_spool_ends_with_the_worker, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* the life of a task in the ledger: accepted once, begun once, ended once, and what is read back of it. */
#include <errno.h>

#include "helpers.h"

#include "base/buf.h"

/* --- reading back --- */

struct seen {
        unsigned n;
        struct hv_ledger_task t; /* the last one; texts below */
        char state[16], cause[16], stop_by[16], document[64], ids[256];
};

static void copy(char *to, size_t size, const char *text) {
        (void) snprintf(to, size, "%s", text ? text : "-");
}

static int see(const struct hv_ledger_task *t, void *userdata) {
        struct seen *s = userdata;
        size_t len = strlen(s->ids);

        s->n++;
        s->t = *t;
        copy(s->state, sizeof s->state, t->state);
        copy(s->cause, sizeof s->cause, t->cause);
        copy(s->stop_by, sizeof s->stop_by, t->stop_by);
        copy(s->document, sizeof s->document, t->document);
        (void) snprintf(s->ids + len, sizeof s->ids - len, "%s%s", len > 0 ? " " : "", t->id);
        return 0;
}

static struct seen task(struct fixture *x, const char *id) {
        struct seen s = {};

        if (hv_ledger_task(x->ledger, id, see, &s, &x->err) != 0)
                fail_msg("%s", x->err.msg);
        return s;
}

/* --- accept --- */

static void a_promise_is_kept_over_a_restart(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise p = promise("t-1");
        struct seen s;

        p.source = "cron";
        p.cron = "nightly";
        assert_int_equal(hv_ledger_accept(x->ledger, &p, NULL, NULL), 1);
        reopen(x);
        s = task(x, "t-1");
        assert_string_equal(s.state, "Queued");
        assert_string_equal(s.document, p.document);
        assert_int_equal(s.t.priority, 50);
        assert_int_equal(s.t.accepted_us, NOW);
        assert_int_equal(s.t.last_attempt, 0);
        assert_int_equal(s.t.exit_code, -1);
        assert_int_equal(s.t.ended_us, 0);
        assert_false(s.t.last_ended);
        assert_string_equal(s.cause, "-");
}

static void the_same_promise_stands_once(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise p = promise("t-1");
        char id[HV_LEDGER_ID_SIZE] = "";
        int r;

        assert_int_equal(hv_ledger_accept(x->ledger, &p, id, NULL), 1);
        assert_string_equal(id, "t-1");
        assert_int_equal(hv_ledger_accept(x->ledger, &p, id, NULL), 0);
        p.digest = DIGEST_B;
        r = hv_ledger_accept(x->ledger, &p, NULL, &x->err);
        expect_error(&x->err, r, -EEXIST, "task t-1 is there already, with other content");
}

static void a_key_names_the_first_promise(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise p = promise("t-1"), again = promise("t-2");
        char id[HV_LEDGER_ID_SIZE] = "";
        int r;

        p.key = again.key = "k";
        assert_int_equal(hv_ledger_accept(x->ledger, &p, id, NULL), 1);
        assert_int_equal(hv_ledger_accept(x->ledger, &again, id, NULL), 0);
        assert_string_equal(id, "t-1");
        again.digest = DIGEST_B;
        r = hv_ledger_accept(x->ledger, &again, NULL, &x->err);
        expect_error(&x->err, r, -EEXIST, "stands for task t-1, with other content");
        r = hv_ledger_task(x->ledger, "t-2", see, &(struct seen){}, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-2");
}

static void a_key_outlives_its_task_by_a_day(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise p = promise("t-1"), again = promise("t-2");
        char id[HV_LEDGER_ID_SIZE] = "";
        struct hv_ledger_key key = {};
        int r;

        p.key = again.key = "k";
        assert_int_equal(hv_ledger_key(x->ledger, "k", NOW, &key, NULL), 0);
        assert_int_equal(hv_ledger_accept(x->ledger, &p, id, NULL), 1);
        assert_int_equal(hv_ledger_key(x->ledger, "k", NOW + 9 * HV_LEDGER_KEY_KEPT_US, &key, NULL), 1);
        assert_string_equal(key.id, "t-1");
        assert_string_equal(key.digest, DIGEST_A);
        assert_int_equal(key.forgotten_us, 0);
        end_attempt(x, "t-1", 0, "Rejected");
        assert_int_equal(hv_ledger_forget(x->ledger, "t-1", NOW + 5, NULL), 0);
        reopen(x);

        /* One microsecond before the day is over, and at its end. */
        again.accepted_us = NOW + 5 + HV_LEDGER_KEY_KEPT_US - 1;
        assert_int_equal(hv_ledger_key(x->ledger, "k", again.accepted_us, &key, NULL), 1);
        assert_int_equal(key.forgotten_us, NOW + 5);
        r = hv_ledger_accept(x->ledger, &again, id, &x->err);
        expect_error(&x->err, r, -ESTALE, "stands for task t-1, which was forgotten");
        again.digest = DIGEST_B;
        r = hv_ledger_accept(x->ledger, &again, id, &x->err);
        expect_error(&x->err, r, -EEXIST, "stands for task t-1, with other content");
        again.accepted_us++;
        assert_int_equal(hv_ledger_key(x->ledger, "k", again.accepted_us, &key, NULL), 0);
        assert_int_equal(hv_ledger_accept(x->ledger, &again, id, NULL), 1);
        assert_string_equal(id, "t-2");
        assert_int_equal(hv_ledger_key(x->ledger, "k", again.accepted_us, &key, NULL), 1);
        assert_string_equal(key.id, "t-2");
        assert_int_equal(key.forgotten_us, 0);
}

/* What is forgotten later takes with it what was forgotten a day before. */
static void old_keys_do_not_pile_up(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *content = NULL;

        for (unsigned i = 0; i < 3; i++) {
                const char id[] = { 't', (char) ('0' + i), '\0' };
                struct hv_ledger_promise p = promise(id);

                p.key = id;
                assert_int_equal(hv_ledger_accept(x->ledger, &p, NULL, NULL), 1);
                end_attempt(x, id, 0, "Rejected");
                assert_int_equal(
                        hv_ledger_forget(x->ledger, id, NOW + 1 + i * (HV_LEDGER_KEY_KEPT_US / 2), NULL), 0);
        }
        content = dump(x->scratch->path);
        assert_null(strstr(content, "idempotency_key|t0|"));
        assert_non_null(strstr(content, "idempotency_key|t1|"));
        assert_non_null(strstr(content, "idempotency_key|t2|"));
}

static void a_new_key_may_name_a_standing_promise(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_promise p = promise("t-1"), other = promise("t-9");
        char id[HV_LEDGER_ID_SIZE] = "";

        assert_int_equal(hv_ledger_accept(x->ledger, &p, NULL, NULL), 1);
        p.key = other.key = "k";
        assert_int_equal(hv_ledger_accept(x->ledger, &p, NULL, NULL), 0);
        assert_int_equal(hv_ledger_accept(x->ledger, &other, id, NULL), 0);
        assert_string_equal(id, "t-1");
}

static const struct {
        const char *what;
        struct hv_ledger_promise p;
} refused_promises[] = {
        { "no id", { NULL, "n", "api", NULL, "{}", DIGEST_A, 0, NOW } },
        { "empty id", { "", "n", "api", NULL, "{}", DIGEST_A, 0, NOW } },
        { "long id", { DIGEST_A "x", "n", "api", NULL, "{}", DIGEST_A, 0, NOW } },
        { "no name", { "t", NULL, "api", NULL, "{}", DIGEST_A, 0, NOW } },
        { "unknown source", { "t", "n", "moon", NULL, "{}", DIGEST_A, 0, NOW } },
        { "no document", { "t", "n", "api", NULL, NULL, DIGEST_A, 0, NOW } },
        { "short digest", { "t", "n", "api", NULL, "{}", "abc", 0, NOW } },
        { "priority", { "t", "n", "api", NULL, "{}", DIGEST_A, 101, NOW } },
        { "no instant", { "t", "n", "api", NULL, "{}", DIGEST_A, 0, UINT64_MAX } },
};

static void the_schema_refuses_what_it_does_not_know(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *before = dump(x->scratch->path);
        _hv_cleanup_free_ char *after = NULL;

        for (size_t i = 0; i < HV_ARRAY_SIZE(refused_promises); i++) {
                x->err.msg[0] = '\0';
                if (hv_ledger_accept(x->ledger, &refused_promises[i].p, NULL, &x->err) != -EINVAL)
                        fail_msg("%s was taken", refused_promises[i].what);
                assert_non_null(strstr(x->err.msg, x->scratch->path));
        }
        after = dump(x->scratch->path);
        assert_string_equal(before, after);
}

/* --- attempts --- */

static void an_attempt_is_begun_at_most_once(void **state) {
        struct fixture *x = *state;
        struct seen s;
        int r;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        r = hv_ledger_begin(x->ledger, "t-1", 1, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EEXIST, "attempt 1 of task t-1: it was begun before");
        r = hv_ledger_begin(x->ledger, "t-1", 2, "task-x.2", AT(NOW), &x->err);
        expect_error(&x->err, r, -EBUSY, "attempt 1 is open");
        reopen(x);
        r = hv_ledger_begin(x->ledger, "t-1", 1, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EEXIST, "begun before");
        s = task(x, "t-1");
        assert_string_equal(s.state, "Running");
        assert_int_equal(s.t.last_attempt, 1);
        assert_int_equal(s.t.last_begun_us, NOW + 1);
        assert_false(s.t.last_ended);
        r = hv_ledger_begin(x->ledger, "t-9", 1, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -ENOENT, "t-9");
}

static void an_attempt_that_ended_is_not_begun_again(void **state) {
        struct fixture *x = *state;
        int r;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        end_attempt(x, "t-1", 1, NULL);
        r = hv_ledger_begin(x->ledger, "t-1", 1, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EEXIST, "ended before");
        begin_attempt(x, "t-1", 4); /* a gap does no harm ... */
        end_attempt(x, "t-1", 4, NULL);
        r = hv_ledger_begin(x->ledger, "t-1", 3, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EINVAL, "attempt 4 is there"); /* ... a step back would */
        r = hv_ledger_begin(x->ledger, "t-1", 0, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EINVAL, "attempt 4 is there");
        r = hv_ledger_begin(x->ledger, "t-1", 5, NULL, AT(NOW), &x->err);
        expect_error(&x->err, r, -EINVAL, "CHECK");
}

static int check_full_result(const struct hv_ledger_attempt *a, void *userdata) {
        const struct hv_ledger_result *want = userdata;

        assert_int_equal(a->number, 1);
        assert_string_equal(a->container, "task-x");
        assert_int_equal(a->begun_us, NOW + 1);
        assert_int_equal(a->ended_us, NOW + 100);
        assert_string_equal(a->result.cause, want->cause);
        assert_string_equal(a->result.reason, want->reason);
        assert_string_equal(a->result.message, want->message);
        assert_int_equal(a->result.exit_code, want->exit_code);
        assert_true(a->result.oom_killed);
        assert_true(a->result.by_task);
        assert_int_equal(a->result.started_us, want->started_us);
        assert_int_equal(a->result.finished_us, want->finished_us);
        assert_true(a->result.log_truncated);
        assert_int_equal(a->result.log_bytes, want->log_bytes);
        assert_int_equal(a->result.log_lines, want->log_lines);
        assert_string_equal(a->result.log_sha256, want->log_sha256);
        assert_int_equal(a->result.n_outputs, want->n_outputs);
        assert_int_equal(a->result.outputs_bytes, want->outputs_bytes);
        assert_string_equal(a->result.outputs_sha256, want->outputs_sha256);
        assert_int_equal(a->result.cpu_us, want->cpu_us);
        assert_int_equal(a->result.memory_peak_bytes, want->memory_peak_bytes);
        assert_int_equal(a->result.gpu_memory_is_known, want->gpu_memory_is_known);
        assert_int_equal(a->result.gpu_memory_peak_bytes, want->gpu_memory_peak_bytes);
        assert_int_equal(a->result.gpu_use_is_known, want->gpu_use_is_known);
        assert_int_equal(a->result.gpu_use_mean_percent, want->gpu_use_mean_percent);
        assert_int_equal(a->result.gpu_use_peak_percent, want->gpu_use_peak_percent);
        return 42;
}

static void a_result_comes_back_as_it_was_given(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_result result = { .cause = "oom",
                                           .reason = "OutOfMemory",
                                           .message = "used 64 MiB",
                                           .exit_code = 137,
                                           .oom_killed = true,
                                           .by_task = true,
                                           .started_us = 1,
                                           .finished_us = 2,
                                           .log_truncated = true,
                                           .log_bytes = 3,
                                           .log_lines = 4,
                                           .log_sha256 = DIGEST_A,
                                           .n_outputs = 5,
                                           .outputs_bytes = UINT64_C(6) << 40,
                                           .outputs_sha256 = DIGEST_B,
                                           .cpu_us = 7,
                                           .memory_peak_bytes = 8,
                                           .gpu_memory_is_known = true,
                                           .gpu_use_is_known = true,
                                           .gpu_memory_peak_bytes = 0,
                                           .gpu_use_mean_percent = 9,
                                           .gpu_use_peak_percent = 100 };
        struct hv_ledger_end e = ending("t-1", 1, "Failed");
        struct seen s;
        int r;

        e.result = result;
        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        assert_int_equal(hv_ledger_end(x->ledger, &e, NULL), 0);
        reopen(x);
        assert_int_equal(hv_ledger_attempts(x->ledger, "t-1", check_full_result, &result, NULL), 42);
        s = task(x, "t-1");
        assert_string_equal(s.state, "Failed");
        assert_string_equal(s.cause, "oom");
        assert_int_equal(s.t.exit_code, 137);
        assert_int_equal(s.t.ended_us, NOW + 100);
        assert_int_equal(s.t.started_us, 1);
        assert_int_equal(s.t.finished_us, 2);
        assert_int_equal(s.t.n_ended_by_task, 1);
        r = hv_ledger_attempts(x->ledger, "t-9", check_full_result, &result, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-9");
}

static void an_end_is_written_once(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_end e = ending("t-1", 1, NULL);
        _hv_cleanup_free_ char *before = NULL;
        _hv_cleanup_free_ char *after = NULL;
        int r;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        end_attempt(x, "t-1", 1, NULL);
        assert_string_equal(task(x, "t-1").state, "Queued");
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EALREADY, "attempt 1 of task t-1: it is ended");
        end_attempt(x, "t-1", 2, "Completed"); /* never begun: the image was gone, say */
        before = dump(x->scratch->path);
        e.number = 3;
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EALREADY, "the task is ended");
        e = ending("t-1", 0, "Stopped");
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EALREADY, "the task is ended");
        r = hv_ledger_begin(x->ledger, "t-1", 3, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EALREADY, "the task is ended");
        r = hv_ledger_stop(x->ledger, "t-1", "admin", NULL, NOW, &x->err);
        expect_error(&x->err, r, -EALREADY, "cannot stop task t-1: it is ended");
        after = dump(x->scratch->path);
        assert_string_equal(before, after);
}

static void a_running_attempt_is_not_passed_over(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_end e = ending("t-1", 0, "Stopped");
        int r;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EBUSY, "attempt 1 is open");
        e = ending("t-1", 2, "Failed");
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EBUSY, "attempt 1 is open");
        assert_string_equal(task(x, "t-1").state, "Running");
}

static void an_end_needs_a_last_state_and_a_cause(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_end e = ending("t-1", 0, NULL);
        int r;

        accept_task(x, "t-1");
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EINVAL, "is no last state");
        e.state = "Running";
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EINVAL, "\"Running\" is no last state");
        e.state = "Rejected";
        e.result.cause = NULL;
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EINVAL, "without a cause");
        e.result.cause = "rejected";
        e.result.exit_code = 256;
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -EINVAL, "CHECK");
        e.result.exit_code = -1;
        assert_int_equal(hv_ledger_end(x->ledger, &e, NULL), 0);
        assert_int_equal(task(x, "t-1").t.exit_code, -1);
        e.id = "t-9";
        r = hv_ledger_end(x->ledger, &e, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-9");
}

static void attempts_are_counted_by_whose_fault_it_was(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_end e = ending("t-1", 1, NULL);
        struct seen s;

        accept_task(x, "t-1");
        begin_attempt(x, "t-1", 1);
        e.result = (struct hv_ledger_result){ .cause = "nodeError", .exit_code = -1 };
        assert_int_equal(hv_ledger_end(x->ledger, &e, NULL), 0);
        e.number = 2; /* never begun */
        assert_int_equal(hv_ledger_end(x->ledger, &e, NULL), 0);
        begin_attempt(x, "t-1", 3);
        s = task(x, "t-1");
        assert_int_equal(s.t.n_ended_by_node, 2);
        assert_int_equal(s.t.n_ended_by_task, 0);
        assert_string_equal(s.cause, "nodeError");
        end_attempt(x, "t-1", 3, "Failed");
        s = task(x, "t-1");
        assert_int_equal(s.t.n_ended_by_node, 2);
        assert_int_equal(s.t.n_ended_by_task, 1);
}

/* --- stop, retry, forget --- */

static void the_first_to_ask_for_a_stop_is_kept(void **state) {
        struct fixture *x = *state;
        struct seen s;
        int r;

        accept_task(x, "t-1");
        assert_int_equal(hv_ledger_stop(x->ledger, "t-1", "alice", "too slow", NOW + 5, NULL), 1);
        assert_int_equal(hv_ledger_stop(x->ledger, "t-1", "bob", NULL, NOW + 6, NULL), 0);
        reopen(x);
        s = task(x, "t-1");
        assert_string_equal(s.stop_by, "alice");
        assert_int_equal(s.t.stop_us, NOW + 5);
        r = hv_ledger_stop(x->ledger, "t-9", "bob", NULL, NOW, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-9");
        accept_task(x, "t-2");
        r = hv_ledger_stop(x->ledger, "t-2", NULL, NULL, NOW, &x->err);
        expect_error(&x->err, r, -EINVAL, "nobody");
}

static void a_retry_is_a_new_promise(void **state) {
        struct fixture *x = *state;
        struct seen s;
        int r;

        accept_task(x, "t-1");
        r = hv_ledger_retry(x->ledger, "t-1", NOW, &x->err);
        expect_error(&x->err, r, -EBUSY, "cannot retry task t-1: it is not ended");
        begin_attempt(x, "t-1", 1);
        assert_int_equal(hv_ledger_stop(x->ledger, "t-1", "alice", NULL, NOW, NULL), 1);
        end_attempt(x, "t-1", 1, "Stopped");
        assert_int_equal(hv_ledger_retry(x->ledger, "t-1", NOW + 9, NULL), 0);
        reopen(x);
        s = task(x, "t-1");
        assert_string_equal(s.state, "Queued");
        assert_string_equal(s.cause, "-");
        assert_string_equal(s.stop_by, "-");
        assert_int_equal(s.t.retried_us, NOW + 9);
        assert_int_equal(s.t.ended_us, 0);
        assert_int_equal(s.t.last_attempt, 1);
        assert_true(s.t.last_ended);
        assert_int_equal(s.t.n_ended_by_task, 0);
        r = hv_ledger_begin(x->ledger, "t-1", 1, "task-x", AT(NOW), &x->err);
        expect_error(&x->err, r, -EEXIST, "ended before");
        begin_attempt(x, "t-1", 2);
        end_attempt(x, "t-1", 2, "Failed");
        assert_int_equal(task(x, "t-1").t.n_ended_by_task, 1);
        r = hv_ledger_retry(x->ledger, "t-9", NOW, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-9");
}

static void only_an_ended_task_is_forgotten(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_end e = ending("t-1", 1, "Completed");
        const struct hv_ledger_trust_change trust = { 2, 52, "medium", "the task succeeded", 2 };
        const struct hv_ledger_new_receipt receipt = { "{}", DIGEST_A, NULL };
        _hv_cleanup_free_ char *after = NULL;
        uint64_t all, live;
        int r;

        e.trust = &trust;
        e.receipt = &receipt;
        accept_task(x, "t-1");
        r = hv_ledger_forget(x->ledger, "t-1", NOW, &x->err);
        expect_error(&x->err, r, -EBUSY, "cannot forget task t-1: it is not ended");
        begin_attempt(x, "t-1", 1);
        assert_int_equal(hv_ledger_end(x->ledger, &e, NULL), 0);
        assert_int_equal(hv_ledger_count(x->ledger, &all, &live, NULL), 0);
        assert_int_equal(all, 1);
        assert_int_equal(live, 0);
        assert_int_equal(hv_ledger_forget(x->ledger, "t-1", NOW, NULL), 0);
        r = hv_ledger_forget(x->ledger, "t-1", NOW, &x->err);
        expect_error(&x->err, r, -ENOENT, "t-1");
        after = dump(x->scratch->path);
        assert_null(strstr(after, "task|"));
        assert_null(strstr(after, "attempt|"));
        assert_non_null(strstr(after, "trust|1|"));
        assert_non_null(strstr(after, "receipt|1|"));
        accept_task(x, "t-1"); /* the name is free, its place in the order is new */
        assert_int_equal(task(x, "t-1").t.seq, 2);
}

/* --- recall and pages --- */

static int stop_at_first(const struct hv_ledger_task *t, void *userdata) {
        (void) t;
        (*(unsigned *) userdata)++;
        return 7;
}

static void live_tasks_are_recalled_first(void **state) {
        struct fixture *x = *state;
        struct seen s = {};
        unsigned n = 0;

        for (unsigned i = 0; i < 6; i++) {
                const char id[] = { (char) ('a' + i), '\0' };

                accept_task(x, id);
                if (i % 2 == 0)
                        end_attempt(x, id, 0, "Rejected");
        }
        assert_int_equal(hv_ledger_recall(x->ledger, see, &s, NULL), 0);
        assert_string_equal(s.ids, "b d f a c e");
        assert_string_equal(s.document, "{\"kind\":\"Task\"}");
        assert_int_equal(hv_ledger_recall(x->ledger, stop_at_first, &n, NULL), 7);
        assert_int_equal(n, 1);
}

static int change_in_a_walk(const struct hv_ledger_task *t, void *userdata) {
        struct fixture *x = userdata;
        int r = hv_ledger_stop(x->ledger, t->id, "me", NULL, NOW, &x->err);

        expect_error(&x->err, r, -EDEADLK, "in the middle of a walk");
        return 0;
}

static void a_walk_lets_no_change_in(void **state) {
        struct fixture *x = *state;

        accept_task(x, "t-1");
        assert_int_equal(hv_ledger_recall(x->ledger, change_in_a_walk, x, NULL), 0);
        assert_int_equal(hv_ledger_stop(x->ledger, "t-1", "me", NULL, NOW, NULL), 1);
}

static const char *page(struct fixture *x, struct hv_ledger_filter *f) {
        static struct seen s;

        s = (struct seen){};
        if (hv_ledger_page(x->ledger, f, see, &s, &f->before, &x->err) != 0)
                fail_msg("%s", x->err.msg);
        return s.ids;
}

static void pages_stay_in_step_with_what_comes(void **state) {
        struct fixture *x = *state;
        struct hv_ledger_filter f = { .limit = 2 };

        for (const char *id = "abcde"; *id; id++)
                accept_task(x, (const char[]){ *id, '\0' });
        assert_string_equal(page(x, &f), "e d");
        accept_task(x, "f");
        end_attempt(x, "d", 0, "Rejected");
        assert_int_equal(hv_ledger_forget(x->ledger, "d", NOW, NULL), 0);
        assert_string_equal(page(x, &f), "c b");
        assert_string_equal(page(x, &f), "a");
        assert_int_equal(f.before, 0);
        f.limit = 5;
        assert_string_equal(page(x, &f), "f e c b a");
        assert_int_equal(f.before, 0); /* exactly full is the end too */
}

static void pages_are_filtered(void **state) {
        static const char *const ended[] = { "Rejected", "Failed" }, *const queued[] = { "Queued" };
        struct fixture *x = *state;
        struct hv_ledger_promise run = promise("run-1");

        run.name = run.cron = "nightly";
        run.source = "cron";
        assert_int_equal(hv_ledger_accept(x->ledger, &run, NULL, NULL), 1);
        accept_task(x, "a");
        accept_task(x, "b");
        accept_task(x, "c");
        end_attempt(x, "a", 0, "Rejected");
        end_attempt(x, "c", 0, "Failed");
        assert_string_equal(page(x, &(struct hv_ledger_filter){ .states = ended, .n_states = 2, .limit = 9 }),
                            "c a");
        assert_string_equal(
                page(x, &(struct hv_ledger_filter){ .states = queued, .n_states = 1, .limit = 9 }),
                "b run-1");
        assert_string_equal(page(x, &(struct hv_ledger_filter){ .name = "b", .limit = 9 }), "b");
        assert_string_equal(page(x, &(struct hv_ledger_filter){ .cron = "nightly", .limit = 9 }), "run-1");
        assert_string_equal(page(x, &(struct hv_ledger_filter){ .name = "z", .limit = 9 }), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_promise_is_kept_over_a_restart, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_same_promise_stands_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_key_names_the_first_promise, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_key_outlives_its_task_by_a_day, set_up, tear_down),
                cmocka_unit_test_setup_teardown(old_keys_do_not_pile_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_new_key_may_name_a_standing_promise, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_schema_refuses_what_it_does_not_know, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_attempt_is_begun_at_most_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_attempt_that_ended_is_not_begun_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_result_comes_back_as_it_was_given, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_end_is_written_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_running_attempt_is_not_passed_over, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_end_needs_a_last_state_and_a_cause, set_up, tear_down),
                cmocka_unit_test_setup_teardown(attempts_are_counted_by_whose_fault_it_was, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(the_first_to_ask_for_a_stop_is_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_retry_is_a_new_promise, set_up, tear_down),
                cmocka_unit_test_setup_teardown(only_an_ended_task_is_forgotten, set_up, tear_down),
                cmocka_unit_test_setup_teardown(live_tasks_are_recalled_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_walk_lets_no_change_in, set_up, tear_down),
                cmocka_unit_test_setup_teardown(pages_stay_in_step_with_what_comes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(pages_are_filtered, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What an engine sends as it happens: events and logs; and what becomes of it, and of calls, when the engine dies. */
#include "harness.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "transfer/transfer.h"

/* --- events --- */

struct seen_events {
        struct hv_buf text; /* "container create web;..." */
        uint64_t last_ns;
        int exit_code;
        char label[32], id[80];
        bool open;
        unsigned n_ended, n;
        enum hv_docker_outcome outcome;
        char message[200];
};

static void on_open(void *userdata) {
        ((struct seen_events *) userdata)->open = true;
}

static void on_event(void *userdata, const struct hv_docker_event *e) {
        struct seen_events *s = userdata;

        hv_buf_printf(&s->text, "%s %s %s;", e->type, e->action, e->name);
        s->n++;
        s->last_ns = e->time_ns;
        if (e->has_exit_code)
                s->exit_code = e->exit_code;
        if (!hv_streq(e->type, "container"))
                return;
        (void) snprintf(s->id, sizeof s->id, "%s", e->id);
        for (size_t i = 0; i < e->attributes.n; i++)
                if (hv_streq(e->attributes.v[i].name, "note"))
                        (void) snprintf(s->label, sizeof s->label, "%s", e->attributes.v[i].value);
}

static void on_events_end(void *userdata, struct hv_docker_result *r) {
        struct seen_events *s = userdata;

        s->n_ended++;
        s->outcome = r->outcome;
        (void) snprintf(s->message, sizeof s->message, "%s", r->message);
}

static struct hv_docker_call *watch(struct fixture *x, struct seen_events *s, uint64_t since_ns) {
        static const char *const types[] = { "container", "network", NULL };
        const struct hv_docker_events events = {
                .since_ns = since_ns,
                .types = { types, 2 },
                .on_open = on_open,
                .on_event = on_event,
                .userdata = s,
        };
        struct hv_docker_call *call =
                hv_docker_events(x->d, &events, (struct hv_docker_then){ on_events_end, s, 0 });

        hv_test_run_until(x->event, s->open);
        return call;
}

static void seen_done(struct seen_events *s) {
        hv_buf_done(&s->text);
}

static void test_events(void **state) {
        static const struct hv_pair labels[] = { { "note", "x=y" } };
        const struct hv_docker_create more = { .labels = { labels, 1 }, .stop_grace_us = HV_TIME_NEVER };
        _hv_cleanup_(seen_done) struct seen_events live = { .exit_code = -1 }, again = { .exit_code = -1 };
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-ev", "exit 3", &more);
        struct hv_docker_call *call = watch(x, &live, 0);
        const struct hv_docker_result *r;
        char gone[64];
        uint64_t died_ns;

        r = CALL(x, hv_docker_container_create, &c);
        expect(r, HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "hive-ev"), HV_DOCKER_OK);
        hv_test_run_until(x->event, strstr(hv_buf_str(&live.text), "container die hive-ev;"));
        assert_non_null(strstr(hv_buf_str(&live.text), "container create hive-ev;"));
        assert_non_null(strstr(hv_buf_str(&live.text), "container start hive-ev;"));
        assert_int_equal(live.exit_code, 3);
        assert_string_equal(live.label, "x=y");
        assert_string_equal(live.id, r->created->id);
        died_ns = live.last_ns;
        assert_true(died_ns > UINT64_C(1500000000000000000));

        /* The inspect after the event is right; a list may still say "running" (20.10). */
        assert_int_equal(inspect(x, "hive-ev")->state, HV_DOCKER_STATE_EXITED);

        expect(CALL(x, hv_docker_container_remove, "hive-ev", false, false), HV_DOCKER_OK);
        (void) snprintf(gone, sizeof gone, "container %s hive-ev;", x->differs->gone_event);
        hv_test_run_until(x->event, strstr(hv_buf_str(&live.text), gone));

        /* Who was away asks from the last instant on: nothing before it, everything after. */
        struct hv_docker_call *resumed = watch(x, &again, died_ns);

        hv_test_run_until(x->event, strstr(hv_buf_str(&again.text), gone));
        assert_null(strstr(hv_buf_str(&again.text), "container create hive-ev;"));
        hv_docker_call_cancel(call);
        hv_docker_call_cancel(resumed);
        hv_test_drain(x->event);
        assert_int_equal(live.n_ended + again.n_ended, 0);
        assert_int_equal(hv_docker_events_junk_total(x->d), 0);
}

/* --- logs --- */

struct seen_logs {
        struct hv_buf out, err;
        unsigned n, n_stamped, n_ended;
        uint64_t last_us;
        struct hv_docker_call *cancel_at_first;
        enum hv_docker_outcome outcome;
};

static void logs_done(struct seen_logs *s) {
        hv_buf_done(&s->out);
        hv_buf_done(&s->err);
}

static void on_log(void *userdata, const struct hv_docker_log *log) {
        struct seen_logs *s = userdata;

        s->n++;
        s->n_stamped += log->time_us != 0;
        s->last_us = log->time_us;
        hv_buf_add(log->output == HV_DOCKER_STDOUT ? &s->out : &s->err, log->data, log->len);
        if (s->cancel_at_first)
                hv_docker_call_cancel(HV_STEAL(s->cancel_at_first));
}

static void on_logs_end(void *userdata, struct hv_docker_result *r) {
        struct seen_logs *s = userdata;

        s->n_ended++;
        s->outcome = r->outcome;
}

static void read_logs(struct fixture *x, const char *id, struct hv_docker_logs logs, struct seen_logs *s) {
        logs.fn = on_log;
        logs.userdata = s;
        (void) hv_docker_container_logs(x->d, id, &logs, (struct hv_docker_then){ on_logs_end, s, 0 });
        hv_test_run_until(x->event, s->n_ended);
        assert_int_equal(s->n_ended, 1);
}

static void test_logs(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(logs_done) struct seen_logs all = {}, errors = {}, last = {}, stamped = {}, later = {},
                                                 none = {};
        const struct hv_docker_result *r;
        const char *tail = x->differs->adds_newline ? "tail\n" : "tail";

        run(x, "hive-log",
            "echo one; echo two >&2; printf 'a\\0b\\n'; i=0; while [ $i -lt 3000 ]; do printf 0123456789; "
            "i=$((i+1)); done; echo; printf tail");
        r = CALL(x, hv_docker_container_wait, "hive-log", HV_DOCKER_WAIT_NOT_RUNNING);
        expect(r, HV_DOCKER_OK);

        read_logs(x, "hive-log", (struct hv_docker_logs){ .tail = -1 }, &all);
        assert_int_equal(all.outcome, HV_DOCKER_OK);
        assert_int_equal(all.out.len, strlen("one\na.b\n") + 30000 + strlen("\ntail"));
        assert_memory_equal(all.out.data, "one\na\0b\n0123", 12);
        assert_string_equal(hv_buf_str(&all.err), "two\n");

        read_logs(x, "hive-log", (struct hv_docker_logs){ .err = true, .tail = -1 }, &errors);
        assert_int_equal(errors.out.len, 0);
        assert_string_equal(hv_buf_str(&errors.err), "two\n");

        read_logs(x, "hive-log", (struct hv_docker_logs){ .tail = 1 }, &last);
        assert_true(last.out.len >= 4 && last.out.len < 30010);
        assert_string_equal(last.out.data + last.out.len - strlen(tail), tail);

        read_logs(x, "hive-log", (struct hv_docker_logs){ .out = true, .timestamps = true, .tail = -1 },
                  &stamped);
        assert_memory_equal(stamped.out.data, "one\na\0b\n0123", 12);
        assert_int_equal(stamped.n_stamped, stamped.n);
        assert_int_equal(stamped.out.len, all.out.len); /* no stamp is left inside a long line */

        read_logs(x, "hive-log",
                  (struct hv_docker_logs){ .tail = -1, .since_us = stamped.last_us + 2 * HV_USEC_PER_SEC },
                  &later);
        assert_int_equal(later.n, 0);
        read_logs(x, "absent", (struct hv_docker_logs){ .tail = -1 }, &none);
        assert_int_equal(none.outcome, HV_DOCKER_NOT_FOUND);
}

static void test_logs_follow(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(logs_done) struct seen_logs s = {}, cancelled = {};
        struct hv_docker_logs follow = { .follow = true, .tail = -1, .fn = on_log, .userdata = &s };
        struct hv_docker_then then = { on_logs_end, &s, 0 };

        run(x, "hive-follow", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
        (void) hv_docker_container_logs(x->d, "hive-follow", &follow, then);
        hv_test_run_until(x->event, hv_streq(hv_buf_str(&s.out), "ready\n"));
        follow.userdata = then.userdata = &cancelled;
        cancelled.cancel_at_first = hv_docker_container_logs(x->d, "hive-follow", &follow, then);
        hv_test_run_until(x->event, cancelled.n == 1);
        expect(CALL(x, hv_docker_container_stop, "hive-follow", NULL, 60 * HV_USEC_PER_SEC), HV_DOCKER_OK);
        hv_test_run_until(x->event, s.n_ended);
        assert_string_equal(hv_buf_str(&s.out), "ready\nbye\n");
        assert_int_equal(s.outcome, HV_DOCKER_OK);
        assert_int_equal(cancelled.n, 1);
        assert_int_equal(cancelled.n_ended, 0);
}

/* hivelet creates no container with a terminal, but an operator may look at somebody else's. */
static void on_posted(void *userdata, const struct hv_reply *reply) {
        *(unsigned *) userdata = reply->status;
}

static void test_logs_of_a_terminal(void **state) {
        static const char body[] =
                "{\"Image\":\"hv/busybox:1\",\"Tty\":true,\"Cmd\":[\"/bin/sh\",\"-c\",\"echo one; echo two >&2\"]"
                ",\"HostConfig\":{\"NetworkMode\":\"none\"}}";
        struct fixture *x = *state;
        _hv_cleanup_(logs_done) struct seen_logs s = {};
        unsigned status = 0;
        const struct hv_request_options options = {
                .method = HV_METHOD_POST,
                .url = "http://docker/v1.41/containers/create?name=hive-tty",
                .unix_socket = hv_engine_url(x->engine) + strlen("unix://"),
                .content_type = "application/json",
                .body = body,
                .body_len = strlen(body),
                .on_done = on_posted,
                .userdata = &status,
        };
        struct hv_transfer *t;

        assert_int_equal(hv_transfer_new(x->event, NULL, &t, NULL), 0);
        assert_int_equal(hv_transfer_start(t, &options, NULL, NULL), 0);
        hv_test_run_until(x->event, status);
        hv_transfer_free(t);
        assert_int_equal(status, 201);
        assert_true(inspect(x, "hive-tty")->tty);
        expect(CALL(x, hv_docker_container_start, "hive-tty"), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_wait, "hive-tty", HV_DOCKER_WAIT_NOT_RUNNING), HV_DOCKER_OK);
        read_logs(x, "hive-tty", (struct hv_docker_logs){ .tail = -1, .tty = true, .timestamps = true }, &s);
        assert_string_equal(hv_buf_str(&s.out), "one\r\ntwo\r\n");
        assert_int_equal(s.n_stamped, 2);
}

/* --- the engine dies --- */

static void on_ended(void *userdata, struct hv_docker_result *r) {
        struct hv_docker_result *copy = userdata;

        *copy = *r;
        copy->message = NULL;
        copy->arena = NULL;
}

#define NOT_YET HV_DOCKER_N_OUTCOMES

static void lose(struct fixture *x, struct hv_engine *engine, void (*how)(struct hv_engine *)) {
        _hv_cleanup_(seen_done) struct seen_events events = {}, resumed = {};
        _hv_cleanup_(logs_done) struct seen_logs logs = {};
        struct hv_docker_logs follow = { .follow = true, .tail = -1, .fn = on_log, .userdata = &logs };
        struct hv_docker_result waiting = { .outcome = NOT_YET }, stopping = { .outcome = NOT_YET };
        const struct hv_docker_result *r;
        struct hv_docker_call *again;

        (void) watch(x, &events, 0);
        run(x, "hive-lost", "trap '' TERM; echo ready; while :; do sleep 0.1; done");
        hv_test_run_until(x->event, strstr(hv_buf_str(&events.text), "container start hive-lost;"));
        (void) hv_docker_container_logs(x->d, "hive-lost", &follow,
                                        (struct hv_docker_then){ on_logs_end, &logs, 0 });
        (void) hv_docker_container_wait(x->d, "hive-lost", HV_DOCKER_WAIT_NOT_RUNNING,
                                        (struct hv_docker_then){ on_ended, &waiting, 0 });
        (void) hv_docker_container_stop(x->d, "hive-lost", NULL, 60 * HV_USEC_PER_SEC,
                                        (struct hv_docker_then){ on_ended, &stopping, 0 });
        hv_test_run_until(x->event, logs.out.len);
        how(engine);

        /* What was sent has an unknown end; what was only watched had no effect. */
        hv_test_run_until(x->event, events.n_ended && logs.n_ended && waiting.outcome != NOT_YET &&
                                            stopping.outcome != NOT_YET);
        assert_int_not_equal(stopping.outcome, HV_DOCKER_UNREACHABLE);
        assert_true(waiting.no_effect);
        if (how == hv_engine_kill) {
                assert_int_equal(events.outcome, HV_DOCKER_UNKNOWN);
                assert_true(*events.message);
                assert_int_equal(waiting.outcome, HV_DOCKER_UNKNOWN);
                assert_int_equal(stopping.outcome, HV_DOCKER_UNKNOWN);
                assert_false(stopping.no_effect);
        }

        /* Nothing is sent to an engine that is not there. One that is just ending may close its listener last: who got in
         * until then is cut. */
        do
                r = CALL(x, hv_docker_container_list, false);
        while (r->outcome == HV_DOCKER_UNKNOWN && r->error == -ECONNRESET);
        expect(r, HV_DOCKER_UNREACHABLE);
        assert_true(r->no_effect && (r->error == -ECONNREFUSED || r->error == -ENOENT));
        expect(CALL(x, hv_docker_connect), HV_DOCKER_UNREACHABLE);
        expect(CALL(x, hv_docker_container_start, "hive-lost"), HV_DOCKER_UNREACHABLE);

        hv_engine_restart(engine);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        again = watch(x, &resumed, events.last_ns);
        r = CALL(x, hv_docker_container_list, false);
        expect(r, HV_DOCKER_OK);
        assert_non_null(find(r->containers, "hive-lost"));
        expect(CALL(x, hv_docker_container_remove, "hive-lost", true, true), HV_DOCKER_OK);
        hv_test_run_until(x->event, strstr(hv_buf_str(&resumed.text), x->differs->gone_event));
        hv_docker_call_cancel(again); /* it writes to what ends here */
}

static void test_engine_loss(void **state) {
        struct fixture *x = *state;

        x->own = hv_engine_start(HV_ENGINE_KIND, HV_ENGINE_KIND "-2");
        hv_docker_free(x->d);
        x->d = new_client(x, x->own, false);
        expect(CALL(x, hv_docker_container_list, false),
               HV_DOCKER_UNREACHABLE); /* before the first greeting */
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        lose(x, x->own, hv_engine_kill);
        lose(x, x->own, hv_engine_term);
}

/* A client that is freed while everything is under way says nothing more. */
static void test_free_under_way(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(seen_done) struct seen_events events = {};
        struct hv_docker_result pending = { .outcome = NOT_YET };
        struct hv_docker *shared = x->d;

        run(x, "hive-free", "sleep 600");
        x->d = new_client(x, x->engine, false);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        (void) watch(x, &events, 0);
        for (int i = 0; i < 20; i++)
                (void) hv_docker_container_inspect(x->d, "hive-free",
                                                   (struct hv_docker_then){ on_ended, &pending, 0 });
        (void) hv_docker_container_wait(x->d, "hive-free", HV_DOCKER_WAIT_NOT_RUNNING,
                                        (struct hv_docker_then){ on_ended, &pending, 0 });
        (void) hv_docker_container_inspect(x->d, "", (struct hv_docker_then){ on_ended, &pending, 0 });
        hv_docker_free(x->d);
        x->d = shared;
        expect(CALL(x, hv_docker_container_list, false), HV_DOCKER_OK);
        assert_int_equal(pending.outcome, NOT_YET);
        assert_int_equal(events.n_ended, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_events),      TEST(test_logs),
                TEST(test_logs_follow), TEST(test_logs_of_a_terminal),
                TEST(test_engine_loss), TEST(test_free_under_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

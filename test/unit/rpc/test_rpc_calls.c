/* A client and a server of this module, over TCP and over a unix socket: what is answered, who is told, what is left. */
#include "testing.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stage.h"

static void test_unary(void **state) {
        static const size_t sizes[] = { 0, 1, 1000, 1u << 20, 5u << 20, 16u << 20, 64u << 20 };
        struct stage *x = *state;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(sizes); i++) {
                _hv_cleanup_(outcome_done) struct outcome o;

                call_expecting(&o, x, ECHO, message_of(sizes[i], 'x'), HV_RPC_OK);
                assert_true(is_filled(o.reply, sizes[i], 'x'));
                assert_string_equal(o.text, "");
                hv_test_run_until(x->event, x->n_done == i + 1);
        }
        assert_int_equal(x->n_written, HV_ARRAY_SIZE(sizes));
        assert_string_equal(x->header, "seen");
        assert_in_range(x->time_left_us, 1, 2 * HV_TEST_PATIENCE_US); /* on the wire it is rounded up */
        assert_int_equal(x->peer.address.ss_family, AF_INET);
        hv_test_run_until(x->event, hv_rpc_server_calls(x->server) == 0);
        assert_int_equal(hv_rpc_server_held_bytes(x->server), 0);
}

static void test_statuses(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome failed, unknown;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&failed, x, FAIL, NULL, HV_RPC_NOT_FOUND);
        assert_string_equal(failed.text, "no ?[31mthing?\xe5\xa5\xbd?");
        assert_null(failed.reply);
        call_expecting(&unknown, x, "/test.Test/None", NULL, HV_RPC_UNIMPLEMENTED);
        assert_string_equal(unknown.text, "unknown method");
        assert_int_equal(x->n_requests, 1);
}

static void test_later_and_in_any_order(void **state) {
        struct stage *x = *state;
        struct outcome o[64] = {};

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++)
                start_call(&o[i], x, LATER, message_of(i + 1, 'l'), 0);
        hv_test_run_until(x->event, x->kept.n == HV_ARRAY_SIZE(o));
        assert_int_equal(hv_rpc_server_calls(x->server), HV_ARRAY_SIZE(o));
        for (size_t i = HV_ARRAY_SIZE(o); i-- > 0;)
                hv_rpc_server_call_reply(x->kept.v[i], HV_STEAL(x->requests.v[i]));
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++) {
                wait_end(&o[i]);
                assert_int_equal(o[i].status, HV_RPC_OK);
                assert_true(is_filled(o[i].reply, i + 1, 'l'));
                outcome_done(&o[i]);
        }
        hv_test_run_until(x->event, x->n_done == HV_ARRAY_SIZE(o));
        assert_int_equal(x->n_written, HV_ARRAY_SIZE(o));
}

/* Long enough for the other side to hear of the call, on a machine that does much else. */
#define DEADLINE_US (2 * HV_USEC_PER_SEC)

/* The deadline ends a call on both sides. */
static void test_deadline(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = {};

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&o, x, LATER, NULL, DEADLINE_US);
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_DEADLINE_EXCEEDED);
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 0);
        assert_in_range(x->time_left_us, 0, 2 * DEADLINE_US);
}

static void test_cancel_by_the_client(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome at_once = {}, running = {};

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&at_once, x, ECHO, NULL, 0);
        hv_rpc_call_cancel(HV_STEAL(at_once.call));
        start_call(&running, x, LATER, NULL, 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        hv_rpc_call_cancel(HV_STEAL(running.call));
        hv_test_run_until(x->event, x->kept.v[0] == NULL); /* on_done came */
        assert_int_equal(x->n_written, 0);
        assert_int_equal(at_once.n_ends + running.n_ends, 0);
        hv_rpc_call_cancel(NULL);
}

/* An answer that is cut off on its way was not written. */
static void test_cancel_of_the_answer(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = {};

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&o, x, LATER, NULL, 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        hv_rpc_server_call_reply(x->kept.v[0], message_of(64u << 20, 'x'));
        hv_rpc_call_cancel(HV_STEAL(o.call));
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 0);
}

static void test_unreachable(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;

        stage_connect(x, &(struct hv_rpc_channel_options){ .target = "127.0.0.1:1" });
        call_expecting(&o, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
        assert_non_null(strstr(o.text, "refused"));
        assert_int_equal(hv_rpc_channel_state(x->channel), HV_RPC_UNREACHABLE);
}

static void test_unix_socket(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        _hv_cleanup_free_ char *address = hv_asprintf("unix:%s/sock", x->dir);

        stage_serve(x, &(struct hv_rpc_server_options){ .listen = address });
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = address });
        call_expecting(&o, x, ECHO, message("hello", 5), HV_RPC_OK);
        assert_memory_equal(hv_rpc_bytes_flat(o.reply), "hello", 5);
        assert_int_equal(x->peer.address.ss_family, AF_UNIX);
        assert_int_equal(hv_rpc_server_port(x->server), 0);
        (void) unlink(address + strlen("unix:"));
}

/* What start refuses has no side effect, and uses the request up. */
static void test_calls_that_cannot_be(void **state) {
        const struct hv_rpc_header upper = { "X-Test", "1" }, binary = { "x-bin", "1" },
                                   reserved = { "grpc-timeout", "1H" }, control = { "x-test", "secret\n" };
        const struct {
                const char *what;
                struct hv_rpc_call_options o;
                const char *says;
        } rows[] = {
                { "no slash", { .method = "test.Test/Echo", .timeout_us = 1 }, "/package.Service/Method" },
                { "one slash", { .method = "/Echo", .timeout_us = 1 }, "/package.Service/Method" },
                { "no deadline", { .method = ECHO }, "deadline" },
                { "unary for ever", { .method = ECHO, .timeout_us = HV_TIME_NEVER }, "deadline" },
                { "upper case",
                  { .method = ECHO, .timeout_us = 1, .headers = &upper, .n_headers = 1 },
                  "X-Test" },
                { "binary",
                  { .method = ECHO, .timeout_us = 1, .headers = &binary, .n_headers = 1 },
                  "x-bin" },
                { "reserved",
                  { .method = ECHO, .timeout_us = 1, .headers = &reserved, .n_headers = 1 },
                  "grpc-timeout" },
                { "control",
                  { .method = ECHO, .timeout_us = 1, .headers = &control, .n_headers = 1 },
                  "x-test is not" },
        };
        struct stage *x = *state;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_rpc_call_options o = rows[i].o;
                struct hv_err err = {};

                o.request = message("abc", 3);
                if (hv_rpc_call_start(x->channel, &o, NULL, &err) != -EINVAL ||
                    !strstr(err.msg, rows[i].says))
                        fail_msg("%s: %s", rows[i].what, err.msg);
                assert_null(strstr(err.msg, "secret"));
        }
}

/* --- streams --- */

static void test_stream(void **state) {
        static const struct {
                const char *request;
                unsigned n;
                size_t size;
        } rows[] = {
                { "0 0", 0, 0 }, { "3 0", 3, 0 }, { "1000 1024", 1000, 1024 }, { "8 5242880", 8, 5u << 20 }
        };
        struct stage *x = *state;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(outcome_done) struct outcome o = { .greedy = true };

                start_stream(&o, x, STREAM, message(rows[i].request, strlen(rows[i].request)), 0);
                wait_end(&o);
                assert_int_equal(o.status, HV_RPC_OK);
                assert_int_equal(o.n_messages, rows[i].n);
                assert_int_equal(o.n_bytes, rows[i].n * rows[i].size);
                hv_test_run_until(x->event, x->n_done == i + 1);
        }
        assert_int_equal(x->n_written, HV_ARRAY_SIZE(rows));
}

/* Turns of the loop in which everything that can happen without the client's asking happens. */
static void let_happen(struct stage *x) {
        for (int i = 0; i < 20; i++)
                (void) sd_event_run(x->event, 10 * HV_USEC_PER_MSEC);
}

static void test_stream_waits_to_be_asked(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = {};
        unsigned n_sent;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_stream(&o, x, STREAM, message("100 1000000", 11), 0);
        let_happen(x);
        assert_int_equal(o.n_messages, 0);
        n_sent = x->n_sent;
        assert_in_range(n_sent, 0, 10); /* of 100 MB, what the window of HTTP/2 takes */
        for (unsigned i = 1; i <= 5; i++) {
                hv_rpc_call_next(o.call);
                hv_rpc_call_next(o.call);
                hv_test_run_until(x->event, o.n_messages == i);
        }
        let_happen(x);
        assert_int_equal(o.n_messages, 5);
        assert_in_range(x->n_sent, n_sent, 20);
        o.greedy = true;
        hv_rpc_call_next(o.call);
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_OK);
        assert_int_equal(o.n_bytes, 100000000);
}

static void test_stream_is_cancelled(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = { .cancel_in_message = true };

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_stream(&o, x, STREAM, message("1000 100000", 11), HV_TIME_NEVER);
        hv_rpc_call_next(o.call);
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 0);
        assert_int_equal(o.n_messages, 1);
        assert_int_equal(o.n_ends, 0);
}

/* The server sends when it likes; ends while the last message is not on its way yet; and says so to whom comes late. */
static void test_stream_from_the_server(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = { .greedy = true };
        struct hv_rpc_server_call *call;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_stream(&o, x, TICK, NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, x->kept.n == 1);
        call = x->kept.v[0];
        assert_int_equal(hv_rpc_server_call_send(call, message("a", 1)), 0);
        assert_int_equal(hv_rpc_server_call_send(call, message("b", 1)), -EBUSY);
        hv_test_run_until(x->event, x->n_sent == 1 && o.n_messages == 1);
        assert_int_equal(hv_rpc_server_call_send(call, message_of(2u << 20, 'c')), 0);
        hv_rpc_server_call_reply(call, message("last", 4));
        hv_rpc_server_call_end(call, HV_RPC_INTERNAL, "too late");
        assert_int_equal(hv_rpc_server_call_send(call, message("d", 1)), -EPIPE);
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_OK);
        assert_int_equal(o.n_messages, 3);
        assert_int_equal(o.n_bytes, 1 + (2u << 20) + 4);
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 1);
}

static void test_stream_past_its_deadline(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = { .greedy = true };

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_stream(&o, x, TICK, NULL, DEADLINE_US);
        hv_test_run_until(x->event, x->kept.n == 1);
        (void) hv_rpc_server_call_send(x->kept.v[0], message("a", 1));
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_DEADLINE_EXCEEDED);
        assert_int_equal(o.n_messages, 1);
        hv_test_run_until(x->event, x->n_done == 1);
}

/* A stream asked of a method with one answer, and the other way round. */
static void test_wrong_kind(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome one = { .greedy = true }, none, many;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_stream(&one, x, ECHO, message("x", 1), 0);
        wait_end(&one);
        assert_int_equal(one.status, HV_RPC_OK);
        assert_int_equal(one.n_messages, 1);
        call_expecting(&none, x, STREAM, message("0 0", 3), HV_RPC_INTERNAL);
        assert_non_null(strstr(none.text, "no reply"));
        /* A second reply is never looked at, so gRPC keeps the status behind it: the deadline ends it. */
        many = (struct outcome){};
        start_call(&many, x, STREAM, message("2 5", 3), 300 * HV_USEC_PER_MSEC);
        wait_end(&many);
        assert_int_equal(many.status, HV_RPC_DEADLINE_EXCEEDED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_unary),
                TEST(test_statuses),
                TEST(test_later_and_in_any_order),
                TEST(test_deadline),
                TEST(test_cancel_by_the_client),
                TEST(test_cancel_of_the_answer),
                TEST(test_unreachable),
                TEST(test_unix_socket),
                TEST(test_calls_that_cannot_be),
                TEST(test_stream),
                TEST(test_stream_waits_to_be_asked),
                TEST(test_stream_is_cancelled),
                TEST(test_stream_from_the_server),
                TEST(test_stream_past_its_deadline),
                TEST(test_wrong_kind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

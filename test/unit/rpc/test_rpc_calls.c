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

/* The deadline ends a call on both sides. */
static void test_deadline(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o = {};

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&o, x, LATER, NULL, 200 * HV_USEC_PER_MSEC);
        wait_end(&o);
        assert_int_equal(o.status, HV_RPC_DEADLINE_EXCEEDED);
        hv_test_run_until(x->event, x->n_done == 1);
        assert_int_equal(x->n_written, 0);
        assert_in_range(x->time_left_us, 0, 400 * HV_USEC_PER_MSEC);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_unary),
                TEST(test_statuses),
                TEST(test_later_and_in_any_order),
                TEST(test_deadline),
                TEST(test_cancel_by_the_client),
                TEST(test_unreachable),
                TEST(test_unix_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

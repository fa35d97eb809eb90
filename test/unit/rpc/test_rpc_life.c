/* Beginnings and ends: what exists when, what is called when something is freed in the middle of it, and that nothing stays. */
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stage.h"

static unsigned count(const char *folder) {
        DIR *d = opendir(folder);
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

static bool is_named(const char *thread, const char *name) {
        _hv_cleanup_free_ char *path = hv_asprintf("/proc/self/task/%s/comm", thread);
        FILE *f = fopen(path, "re");
        char line[32] = "";

        if (f) {
                (void) !fgets(line, sizeof line, f);
                fclose(f);
        }
        return !name || hv_has_prefix(line, name);
}

/* Bits of SigBlk that all threads of that name have (NULL: all threads). */
static uint64_t blocked_in_all(const char *name) {
        uint64_t all = UINT64_MAX, mask;
        struct dirent *entry;
        char line[256];
        DIR *d = opendir("/proc/self/task");

        assert_non_null(d);
        while ((entry = readdir(d))) {
                _hv_cleanup_free_ char *path = hv_asprintf("/proc/self/task/%s/status", entry->d_name);
                FILE *f =
                        entry->d_name[0] == '.' || !is_named(entry->d_name, name) ? NULL : fopen(path, "re");

                while (f && fgets(line, sizeof line, f)) {
                        if (sscanf(line, "SigBlk: %lx", &mask) == 1)
                                all &= mask;
                }
                if (f)
                        fclose(f);
        }
        closedir(d);
        return all;
}

/* gRPC keeps its epoll and eventfd for the next time, sd-event its timerfd. */
#define KEPT_FDS 3

/* Before the first channel or server there is nothing, and after the end there is nothing again. */
static void test_costs_nothing_until_used(void **state) {
        struct stage *x = *state;
        unsigned n_threads = count("/proc/self/task"), n_fds = count("/proc/self/fd");
        struct hv_rpc *rpc = hv_rpc_new(x->event, NULL);
        _hv_cleanup_(outcome_done) struct outcome o;

        assert_false(hv_rpc_is_running(rpc));
        assert_null(hv_rpc_free(rpc));
        assert_int_equal(count("/proc/self/task"), n_threads);
        assert_int_equal(count("/proc/self/fd"), n_fds);

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, NULL, HV_RPC_OK);
        assert_true(hv_rpc_is_running(x->rpc));
        assert_true(count("/proc/self/task") > n_threads);
        outcome_done(&o);

        x->channel = hv_rpc_channel_free(x->channel);
        stage_free_server(x);
        x->rpc = hv_rpc_free(x->rpc);
        /* The last threads that gRPC ends close what they had a moment later. */
        hv_test_run_until(x->event, count("/proc/self/task") == n_threads);
        hv_test_run_until(x->event, count("/proc/self/fd") <= n_fds + KEPT_FDS);
}

static void test_begins_again_after_its_end(void **state) {
        struct stage *x = *state;
        unsigned n_threads = count("/proc/self/task"), n_fds = count("/proc/self/fd");

        for (int i = 0; i < 5; i++) {
                _hv_cleanup_(outcome_done) struct outcome o;

                stage_serve(x, NULL);
                stage_connect(x, NULL);
                call_expecting(&o, x, ECHO, message("x", 1), HV_RPC_OK);
                outcome_done(&o);
                x->channel = hv_rpc_channel_free(x->channel);
                stage_free_server(x);
                hv_rpc_free(x->rpc);
                x->rpc = hv_rpc_new(x->event, NULL);
                hv_test_run_until(x->event, count("/proc/self/task") == n_threads);
                hv_test_run_until(x->event, count("/proc/self/fd") <= n_fds + KEPT_FDS);
        }
}

/* A signal that the loop waits for must not be taken by a thread of gRPC's. */
static void test_signals_stay_with_the_loop(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        const uint64_t bits = UINT64_C(1) << (SIGTERM - 1) | UINT64_C(1) << (SIGCHLD - 1);
        sigset_t ours, before;

        (void) sigemptyset(&ours);
        (void) sigaddset(&ours, SIGTERM);
        (void) sigaddset(&ours, SIGCHLD);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &ours, &before), 0);
        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, message_of(1u << 20, 'x'), HV_RPC_OK);
        assert_int_equal(blocked_in_all(NULL) & bits, bits);
        assert_int_equal(blocked_in_all("grpc-cq") & 1u << (SIGUSR1 - 1), 1u << (SIGUSR1 - 1));
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- free in the middle --- */

static void test_free_with_calls_in_flight(void **state) {
        struct stage *x = *state;
        struct outcome o[10] = {}, stream = { .greedy = true };

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(o); i++)
                start_call(&o[i], x, LATER, message_of(100000, 'l'), HV_USEC_PER_HOUR);
        start_stream(&stream, x, TICK, NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, x->kept.n == HV_ARRAY_SIZE(o) + 1);
        stage_free_server(x); /* each call hears of it, once */
        assert_int_equal(x->n_done, HV_ARRAY_SIZE(o) + 1);
        assert_int_equal(x->n_written, 0);
        hv_test_run_until(x->event, o[0].n_ends + o[9].n_ends + stream.n_ends == 3);
        assert_int_equal(o[0].status, HV_RPC_UNAVAILABLE);
        assert_int_equal(x->n_done, HV_ARRAY_SIZE(o) + 1);
}

static void test_end_with_calls_in_flight(void **state) {
        struct stage *x = *state;
        struct outcome call = {}, stream = { .greedy = true };

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&call, x, LATER, message_of(10u << 20, 'l'), HV_USEC_PER_HOUR);
        start_stream(&stream, x, TICK, NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, x->kept.n == 2);
        start_call(&call, x, ECHO, message_of(10u << 20, 'l'), HV_USEC_PER_HOUR); /* on its way only */
        x->channel = hv_rpc_channel_free(x->channel);
        stage_free_server(x);
        x->rpc = hv_rpc_free(x->rpc); /* waits for nobody: a call of an hour is on its way */
        assert_int_equal(call.n_ends + stream.n_ends, 0);
        assert_int_equal(x->n_done, 2);
}

static void test_free_in_callbacks(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome a = {}, b = { .free_channel_in_end = true }, c = {};

        x->free_in_request = true;
        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&a, x, ECHO, NULL, 0);
        wait_end(&a);
        assert_null(x->server);
        assert_int_equal(a.status, HV_RPC_UNAVAILABLE);
        assert_int_equal(x->n_done, 1);

        x->free_in_request = false;
        stage_serve(x, NULL);
        stage_connect(x, NULL);
        start_call(&c, x, LATER, NULL, 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        start_call(&b, x, ECHO, NULL, 0);
        wait_end(&b);
        assert_null(x->channel);
        assert_int_equal(c.n_ends, 0); /* freed with its channel */
        hv_test_run_until(x->event, x->kept.v[0] == NULL);

        x->free_in_done = true;
        stage_connect(x, NULL);
        start_call((c = (struct outcome){}, &c), x, ECHO, NULL, 0);
        hv_test_run_until(x->event, !x->server);
}

static unsigned n_drained;

static void on_drained(void *userdata) {
        (void) userdata;
        n_drained++;
}

static void test_drain(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome running = {}, late;
        uint16_t port;

        n_drained = 0;
        stage_serve(x, NULL);
        stage_connect(x, NULL);
        port = hv_rpc_server_port(x->server);
        start_call(&running, x, LATER, message("abc", 3), 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        hv_rpc_server_drain(x->server, on_drained);
        hv_test_run_until(x->event,
                          hv_rpc_channel_state(x->channel) != HV_RPC_READY); /* was told to go away */
        call_expecting(&late, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
        assert_int_equal(n_drained, 0);
        hv_rpc_server_call_reply(x->kept.v[0], HV_STEAL(x->requests.v[0]));
        wait_end(&running);
        assert_int_equal(running.status, HV_RPC_OK);
        assert_int_equal(hv_rpc_bytes_len(running.reply), 3);
        hv_test_run_until(x->event, n_drained == 1);
        assert_int_equal(port, hv_rpc_server_port(x->server));
}

/* --- the connection --- */

static struct {
        unsigned n;
        enum hv_rpc_state last;
        bool was[4];
} states;

static void on_state(void *userdata, enum hv_rpc_state s) {
        (void) userdata;
        states.n++;
        states.last = s;
        states.was[s] = true;
}

/* The channel finds the server when it comes, and comes back to it when it was away. */
static void test_states_and_reconnect(void **state) {
        struct stage *x = *state;
        _hv_cleanup_free_ char *address = NULL;

        memset(&states, 0, sizeof states);
        stage_serve(x, NULL);
        address = hv_strdup(stage_target(x));
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = address,
                                                           .on_state = on_state,
                                                           .reconnect_min_us = HV_USEC_PER_HOUR });
        assert_int_equal(hv_rpc_channel_state(x->channel), HV_RPC_IDLE);
        for (int i = 0; i < 3; i++) {
                _hv_cleanup_(outcome_done) struct outcome o, away;

                hv_rpc_channel_connect(x->channel);
                hv_test_run_until(x->event, states.last == HV_RPC_READY);
                call_expecting(&o, x, ECHO, NULL, HV_RPC_OK);
                stage_free_server(x);
                hv_test_run_until(x->event, states.last == HV_RPC_IDLE);
                hv_rpc_channel_connect(x->channel);
                hv_test_run_until(x->event, states.last == HV_RPC_UNREACHABLE);
                call_expecting(&away, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
                stage_serve(x, &(struct hv_rpc_server_options){ .listen = address });
        }
        assert_true(states.was[HV_RPC_IDLE] && states.was[HV_RPC_READY] && states.was[HV_RPC_UNREACHABLE]);
        assert_string_equal(hv_rpc_state_name(HV_RPC_UNREACHABLE), "unreachable");
}

/* The second one on a port is told, and the first goes on alone. */
static void test_busy_port(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        struct hv_rpc_server *other = NULL;
        struct hv_err err = {};

        stage_serve(x, NULL);
        assert_int_equal(hv_rpc_server_new(x->rpc,
                                           &(struct hv_rpc_server_options){ .listen = stage_target(x),
                                                                            .credentials = x->plain },
                                           &other, &err),
                         -EADDRINUSE);
        assert_non_null(strstr(err.msg, "cannot listen on 127.0.0.1:"));
        assert_non_null(strstr(err.msg, "Address already in use"));
        assert_int_equal(hv_rpc_server_new(x->rpc,
                                           &(struct hv_rpc_server_options){ .listen = "192.0.2.1:0",
                                                                            .credentials = x->plain },
                                           &other, &err),
                         -EADDRNOTAVAIL);
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, NULL, HV_RPC_OK);
}

/* The port is free again as soon as the server is freed: an agent that reloads its address gets it. */
static void test_port_comes_back(void **state) {
        struct stage *x = *state;
        _hv_cleanup_free_ char *address = NULL;

        stage_serve(x, NULL);
        address = hv_strdup(stage_target(x));
        for (int i = 0; i < 20; i++) {
                stage_free_server(x);
                stage_serve(x, &(struct hv_rpc_server_options){ .listen = address });
        }
}

/* A program is started while gRPC runs: nothing of it is inherited. */
static void test_started_programs_inherit_nothing(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(outcome_done) struct outcome o;
        int status;

        stage_serve(x, NULL);
        stage_connect(x, NULL);
        call_expecting(&o, x, ECHO, NULL, HV_RPC_OK);
        status = system("test $(ls -l /proc/self/fd | grep -c -e socket: -e eventpoll -e eventfd) = 0");
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_costs_nothing_until_used),
                TEST(test_begins_again_after_its_end),
                TEST(test_signals_stay_with_the_loop),
                TEST(test_free_with_calls_in_flight),
                TEST(test_end_with_calls_in_flight),
                TEST(test_free_in_callbacks),
                TEST(test_drain),
                TEST(test_states_and_reconnect),
                TEST(test_busy_port),
                TEST(test_port_comes_back),
                TEST(test_started_programs_inherit_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A process in a container: what the engine is asked, its streams cut at every place and spoilt, and how it ended. */
#include "fixture.h"

#include <errno.h>

#include "base/buf.h"
#include "docker/exec.h"

#define ID "0123abcd"
#define OPENED \
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n\r\n"

struct seen {
        struct hv_buf out, err;
        struct hv_docker_streams *streams;
        bool is_open, has_ended, frees_itself, holds;
        struct hv_err how; /* code 0: in order */
        unsigned n_rooms;
};

static void on_opened(void *userdata) {
        ((struct seen *) userdata)->is_open = true;
}

static void on_output(void *userdata, enum hv_docker_output output, const char *data, size_t len) {
        struct seen *s = userdata;

        hv_buf_add(output == HV_DOCKER_STDERR ? &s->err : &s->out, data, len);
        if (s->holds)
                hv_docker_streams_hold(s->streams, true);
        if (s->frees_itself)
                s->streams = hv_docker_streams_free(s->streams);
}

static void on_room(void *userdata) {
        ((struct seen *) userdata)->n_rooms++;
}

static void on_ended(void *userdata, const struct hv_err *err) {
        struct seen *s = userdata;

        assert_false(s->has_ended);
        s->has_ended = true;
        if (err)
                s->how = *err;
}

static void start(struct fixture *x, bool tty, struct seen *s) {
        const struct hv_docker_streams_hooks hooks = { on_opened, on_output, on_room, on_ended, s };
        const struct hv_docker_exec exec = { .tty = tty, .rows = 31, .columns = 101 };
        struct hv_err err = {};

        if (hv_docker_exec_start(x->d, ID, &exec, &hooks, &s->streams, &err) < 0)
                fail_msg("%s", err.msg);
}

static void seen_done(struct seen *s) {
        (void) hv_docker_streams_free(s->streams);
        hv_buf_done(&s->out);
        hv_buf_done(&s->err);
}

static void the_engine_is_asked_for_it(void **state) {
        static const char *const command[] = { "sh", "-c", "echo \"$A\"" }, *const env[] = { "A=1" };
        const struct hv_docker_exec exec = { .command = { (const char **) command, 3 },
                                             .env = { (const char **) env, 1 },
                                             .user = "1000:1000",
                                             .directory = "/srv",
                                             .tty = true,
                                             .input = true };
        struct fixture *x = *state;
        const struct hv_docker_result *r;

        hv_fake_reply(x->fake, "POST /containers/web/exec", 201, "{\"Id\": \"" ID "\"}");
        r = CALL(x, hv_docker_exec_create, "web", &exec);
        assert_int_equal(r->outcome, HV_DOCKER_OK);
        assert_string_equal(r->created->id, ID);
        assert_string_equal(
                hv_fake_body(x->fake, hv_fake_requests(x->fake) - 1),
                "{\"AttachStdin\":true,\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":true,"
                "\"Cmd\":[\"sh\",\"-c\",\"echo \\\"$A\\\"\"],\"Env\":[\"A=1\"],\"User\":\"1000:1000\","
                "\"WorkingDir\":\"/srv\"}");
        hv_fake_reply(x->fake, "POST /exec/" ID "/resize?h=31&w=101", 200, "");
        assert_int_equal(CALL(x, hv_docker_exec_resize, ID, 31, 101)->outcome, HV_DOCKER_OK);
        hv_fake_reply(x->fake, "POST /containers/web/exec", 409, "{\"message\": \"it does not run\"}");
        r = CALL(x, hv_docker_exec_create, "web", &exec);
        assert_int_equal(r->outcome, HV_DOCKER_CONFLICT);
        assert_string_equal(r->message, "it does not run");
}

static void how_it_ended_is_read(void **state) {
        static const struct {
                const char *body;
                bool is_running;
                int code;
        } rows[] = {
                { "{\"Running\": true, \"ExitCode\": null}", true, 0 },
                { "{\"Running\": false, \"ExitCode\": null}", true, 0 }, /* about to be known */
                { "{\"Running\": false, \"ExitCode\": 42}", false, 42 },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_result *r;

                hv_fake_reply(x->fake, "GET /exec/" ID "/json", 200, rows[i].body);
                r = CALL(x, hv_docker_exec_look, ID);
                assert_int_equal(r->outcome, HV_DOCKER_OK);
                assert_int_equal(r->exec->is_running, rows[i].is_running);
                assert_int_equal(r->exec->code, rows[i].code);
        }
        hv_fake_reply(x->fake, "GET /exec/" ID "/json", 200, "{}");
        assert_int_equal(CALL(x, hv_docker_exec_look, ID)->outcome, HV_DOCKER_ENGINE_ERROR);
}

/* "ab" on standard output, "c" on standard error, "" and "d" on standard output. */
static const char framed[] = "\1\0\0\0\0\0\0\2ab\2\0\0\0\0\0\0\1c\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1d";

static void streams_are_taken_apart_wherever_they_are_cut(void **state) {
        struct fixture *x = *state;

        for (size_t cut = 0; cut < sizeof framed - 1; cut++) {
                _hv_cleanup_(seen_done) struct seen s = {};
                _hv_cleanup_(hv_buf_done) struct hv_buf raw = {};

                hv_buf_puts(&raw, OPENED);
                hv_buf_add(&raw, framed, cut);
                hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /exec/" ID "/start",
                                                             .raw = raw.data,
                                                             .raw_len = raw.len,
                                                             .then = HV_FAKE_HANG });
                start(x, false, &s);
                hv_test_run_until(x->event, s.is_open);
                hv_fake_push(x->fake, framed + cut, sizeof framed - 1 - cut);
                hv_test_run_until(x->event, s.out.len == 3 && s.err.len == 1);
                assert_memory_equal(s.out.data, "abd", 3);
                assert_false(s.has_ended);
                hv_fake_push(x->fake, NULL, 0);
                hv_test_run_until(x->event, s.has_ended);
                assert_int_equal(s.how.code, 0);
        }
        assert_non_null(strstr(hv_fake_head(x->fake, hv_fake_requests(x->fake) - 1), "Upgrade: tcp"));
}

static void a_terminal_has_no_frames_and_what_is_held_waits(void **state) {
        _hv_cleanup_(seen_done) struct seen s = {};
        struct fixture *x = *state;
        static char data[40000] = "\1\2\3"; /* more than is read at once */

        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /exec/" ID "/start",
                                                     .raw = OPENED,
                                                     .then = HV_FAKE_HANG });
        start(x, true, &s);
        hv_test_run_until(x->event, s.is_open);
        hv_docker_streams_hold(s.streams, true);
        hv_test_drain(x->event);
        hv_fake_push(x->fake, data, sizeof data);
        hv_fake_push(x->fake, NULL, 0);
        hv_test_drain(x->event);
        assert_int_equal(s.out.len, 0);
        assert_false(s.has_ended);
        s.holds = true; /* anew, with the first of it */
        hv_docker_streams_hold(s.streams, false);
        hv_test_run_until(x->event, s.out.len > 0);
        hv_test_drain(x->event);
        assert_true(s.out.len < sizeof data);
        assert_false(s.has_ended);
        s.holds = false;
        hv_docker_streams_hold(s.streams, false);
        hv_test_run_until(x->event, s.has_ended);
        assert_int_equal(s.out.len, sizeof data);
        assert_memory_equal(s.out.data, data, sizeof data);
        assert_string_equal(hv_fake_body(x->fake, hv_fake_requests(x->fake) - 1),
                            "{\"Detach\":false,\"Tty\":true,\"h\":31,\"w\":101}");
        assert_int_equal(s.how.code, 0);
}

static void what_is_wrong_is_told(void **state) {
        static const struct {
                const char *what, *raw, *says;
                size_t len;
                int code;
        } rows[] = {
                { "no frame", OPENED "\3\0\0\0\0\0\0\1x", "not framed", sizeof OPENED - 1 + 9, -EBADMSG },
                { "it does not run",
                  "HTTP/1.1 409 Conflict\r\nContent-Length: 27\r\n\r\n{\"message\":\"it is stopped\"}",
                  "it is stopped", 0, -EBUSY },
                { "unknown", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "does not begin", 0,
                  -ENOENT },
                { "no answer", "", "closed without an answer", 0, -ECONNRESET },
                { "no HTTP", "hello\r\n\r\nHTTP", "no HTTP", 0, -EBADMSG },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(seen_done) struct seen s = {};

                hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /exec/" ID "/start",
                                                             .raw = rows[i].raw,
                                                             .raw_len = rows[i].len,
                                                             .then = HV_FAKE_CLOSE });
                start(x, false, &s);
                hv_test_run_until(x->event, s.has_ended);
                if (s.how.code != rows[i].code || !strstr(s.how.msg, rows[i].says))
                        fail_msg("%s: %d %s", rows[i].what, s.how.code, s.how.msg);
        }
}

static void whoever_hears_of_output_may_end_it(void **state) {
        _hv_cleanup_(seen_done) struct seen s = { .frees_itself = true };
        struct fixture *x = *state;
        struct hv_err err = {};

        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "POST /exec/" ID "/start",
                                                     .raw = OPENED "\1\0\0\0\0\0\0\1a\1\0\0\0\0\0\0\1b",
                                                     .raw_len = sizeof OPENED - 1 + 18,
                                                     .then = HV_FAKE_HANG });
        start(x, false, &s);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 1 && s.out.len > 0);
        assert_int_equal(s.out.len, 1);
        assert_false(s.has_ended);
        /* Its own name for a process never becomes another path. */
        assert_int_equal(hv_docker_exec_start(x->d, "a/../b", &(struct hv_docker_exec){},
                                              &(struct hv_docker_streams_hooks){}, &s.streams, &err),
                         -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_engine_is_asked_for_it),
                TEST(how_it_ended_is_read),
                TEST(streams_are_taken_apart_wherever_they_are_cut),
                TEST(a_terminal_has_no_frames_and_what_is_held_waits),
                TEST(what_is_wrong_is_told),
                TEST(whoever_hears_of_output_may_end_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A process in a container, over the API: who may, what reaches the backend, frames both ways, and each way to the end. */
#include "testing.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "base/frame.h"
#include "lib/loop.h"

#define UPGRADE "Connection: Upgrade\r\nUpgrade: hivelet-session\r\n"

static void what_is_asked_is_judged_first(void **state) {
        static const struct {
                const char *path, *headers, *body;
                unsigned status;
                const char *says;
        } rows[] = {
                { "/api/v1/services/web/exec", NULL, "{\"command\": [\"sh\"]}", 426, "hivelet-session" },
                { "/api/v1/services/web/exec", "Upgrade: websocket\r\n", "{\"command\": [\"sh\"]}", 426,
                  "hivelet-session" },
                { "/api/v1/services/wep/exec", UPGRADE, "{\"command\": [\"sh\"]}", 404, "wep" },
                { "/api/v1/services/web/exec", UPGRADE, "{", 400, "BadBody" },
                { "/api/v1/services/web/exec", UPGRADE, "{}", 400, "what is to be run" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": []}", 400, "what is to be run" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"\"]}", 400, "what is to be run" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": \"sh\"}", 400, "list" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\", 1]}", 400, "list" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\"], \"env\": [\"A\"]}", 400,
                  "NAME=VALUE" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\"], \"env\": [\"=x\"]}", 400,
                  "NAME=VALUE" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\"], \"replica\": 0}", 400,
                  "replica" },
                { "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\"], \"workdir\": \"tmp\"}", 400,
                  "absolute" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, false, "POST", rows[i].path, rows[i].headers, rows[i].body);

                if (a.status != rows[i].status || !strstr(hv_buf_str(&a.text), rows[i].says))
                        fail_msg("%s %s: %u %s", rows[i].path, rows[i].body, a.status, hv_buf_str(&a.text));
        }
        assert_int_equal(s->n_sessions, 0);
}

static void what_the_backend_refuses_has_its_status(void **state) {
        static const struct {
                int code;
                unsigned status;
        } rows[] = { { -ENOENT, 404 }, { -EBUSY, 409 }, { -ENOTCONN, 503 } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) hv_err_set(&s->err, rows[i].code, "no such luck");
                a = ask(s, false, "POST", "/api/v1/tasks/train-1/exec", UPGRADE,
                        "{\"command\": [\"sh\", \"-c\", \"x\"], \"env\": [\"A=\"], \"tty\": true, \"stdin\": true, "
                        "\"rows\": 24, \"columns\": 80, \"replica\": 1}");
                assert_int_equal(a.status, rows[i].status);
                assert_string_equal(text_at(a.json, "detail"), "no such luck");
                assert_string_equal(s->last_exec, "task/train-1.1 sh (3 words, 1 variables) tty stdin 24x80");
        }
        s->err.code = 0;
}

/* ---- one that is open ---- */

struct session {
        struct stage *stage;
        int fd;
        struct hv_frames frames;
        struct hv_buf rest, said; /* said: "1:text;4:;" */
        bool has_ended;
};

static void session_done(struct session *c) {
        hv_frames_done(&c->frames);
        hv_buf_done(&c->rest);
        hv_buf_done(&c->said);
        (void) close(c->fd);
}

/* key: of a token or session, over TCP; NULL: over the unix socket. */
static void begin_as(struct stage *s, const char *key, struct session *c) {
        static const char body[] = "{\"command\": [\"cat\"], \"stdin\": true}";
        _hv_cleanup_(hv_buf_done) struct hv_buf request = {}, head = {};
        struct web w = { .event = s->event, .server = s->server };
        const char *end;

        strcpy(w.path, s->socket);
        *c = (struct session){ .stage = s, .fd = key ? web_connect(&w) : web_connect_unix(&w) };
        hv_buf_printf(&request,
                      "POST /api/v1/services/web/exec HTTP/1.1\r\nHost: localhost\r\n%s%s%s"
                      "Content-Length: %zu\r\n" UPGRADE "\r\n%s",
                      key ? "Authorization: Bearer " : "", key ? key : "", key ? "\r\n" : "", sizeof body - 1,
                      body);
        web_send_text(c->fd, hv_buf_str(&request));
        wait_for(s, c->fd, &head, "\r\n\r\n");
        assert_true(hv_has_prefix(head.data, "HTTP/1.1 101 "));
        assert_non_null(strstr(head.data, "Upgrade: hivelet-session"));
        end = strstr(head.data, "\r\n\r\n") + 4;
        hv_buf_add(&c->rest, end, head.len - (size_t) (end - head.data));
        assert_non_null(s->open_session);
}

static void begin(struct stage *s, struct session *c) {
        begin_as(s, NULL, c);
}

static void look(struct session *c) {
        char piece[4096];
        ssize_t n;

        while ((n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
                hv_buf_add(&c->rest, piece, (size_t) n);
        if (n == 0)
                c->has_ended = true;
        for (;;) {
                struct hv_frame f;
                size_t used;
                int r = hv_frames_take(&c->frames, hv_buf_str(&c->rest), c->rest.len, &used, &f);

                assert_true(r >= 0);
                if (c->rest.data) {
                        memmove(c->rest.data, c->rest.data + used, c->rest.len - used);
                        c->rest.len -= used;
                }
                if (r == 0)
                        return;
                hv_buf_printf(&c->said, "%u:", (unsigned) f.type);
                for (size_t i = 0; i < f.len && i < 100; i++)
                        hv_buf_putc(&c->said, f.data[i] ? f.data[i] : '0');
                hv_buf_putc(&c->said, ';');
        }
}

static bool hears(struct session *c, const char *text) {
        look(c);
        return strstr(hv_buf_str(&c->said), text) != NULL;
}

static bool has_ended(struct session *c) {
        look(c);
        return c->has_ended;
}

static void send_frames(struct session *c, const struct hv_buf *b) {
        for (size_t at = 0; at < b->len;) {
                ssize_t n = send(c->fd, b->data + at, b->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n > 0)
                        at += (size_t) n;
                else
                        (void) sd_event_run(c->stage->event, HV_USEC_PER_MSEC);
        }
}

static void frames_go_both_ways_and_the_end_has_a_code(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        _hv_cleanup_(session_done) struct session c;

        (void) state;
        s->session_room = 1000;
        begin(s, &c);
        assert_string_equal(s->last_exec, "service/web.1 cat (1 words, 0 variables) stdin 0x0");
        hv_frame_put(&b, HV_FRAME_INPUT, "hello", 5);
        hv_frame_put_size(&b, 31, 101);
        hv_frame_put(&b, HV_FRAME_OUTPUT, "nonsense", 8); /* not for a client to say: it means nothing */
        hv_frame_put(&b, HV_FRAME_INPUT, NULL, 0);
        hv_frame_put(&b, HV_FRAME_INPUT, "late", 4); /* behind its own end */
        send_frames(&c, &b);
        hv_test_run_until(s->event, hv_streq(hv_buf_str(&s->session_said), "hello<31x101><end>"));
        assert_true(stage_say(s, false, "out", 3));
        assert_true(stage_say(s, true, "err", 3));
        hv_test_run_until(s->event, hears(&c, "1:out;2:err;"));
        stage_end_session(s, &(struct hv_api_session_end){ .code = 42 });
        hv_test_run_until(s->event, hears(&c, "4:000*;"));
        hv_test_run_until(s->event, has_ended(&c));
        assert_int_equal(s->n_sessions_closed, 0);
}

static void input_waits_for_room(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        _hv_cleanup_(session_done) struct session c;
        static char data[30000];

        (void) state;
        memset(data, 'x', sizeof data);
        s->session_room = 10;
        begin(s, &c);
        hv_frame_put(&b, HV_FRAME_INPUT, "12345", 5);
        hv_frame_put(&b, HV_FRAME_INPUT, "678901", 6); /* one too many */
        hv_frame_put(&b, HV_FRAME_INPUT, data, sizeof data);
        hv_frame_put(&b, HV_FRAME_INPUT, NULL, 0);
        send_frames(&c, &b);
        hv_test_run_until(s->event, s->session_said.len == 5);
        turn_until_idle(s);
        assert_string_equal(hv_buf_str(&s->session_said), "12345");
        stage_make_room(s, 3);
        turn_until_idle(s);
        assert_string_equal(hv_buf_str(&s->session_said), "12345");
        stage_make_room(s, 6);
        turn_until_idle(s);
        assert_string_equal(hv_buf_str(&s->session_said), "12345678901");
        stage_make_room(s, sizeof data);
        hv_test_run_until(s->event, s->session_said.len == 11 + sizeof data + 5);
        stage_end_session(s, &(struct hv_api_session_end){ .is_detached = true });
        hv_test_run_until(s->event, hears(&c, "5:;"));
}

static void output_that_nobody_reads_is_held_back(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(session_done) struct session c;
        static char data[16384];
        size_t n = 1;

        (void) state;
        begin(s, &c);
        while (stage_say(s, false, data, sizeof data)) {
                turn_until_idle(s);
                assert_true(++n < 1000);
        }
        assert_int_equal(s->n_sessions_resumed, 0);
        hv_test_run_until(s->event, (look(&c), s->n_sessions_resumed == 1));
        /* Its last words are heard, however much stands before them. */
        while (stage_say(s, false, data, sizeof data))
                turn_until_idle(s);
        stage_end_session(s, &(struct hv_api_session_end){});
        hv_test_run_until(s->event, hears(&c, "4:0000;"));
        hv_test_run_until(s->event, has_ended(&c));
}

static void whoever_leaves_ends_it(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned i = 0; i < 3; i++) {
                struct session c;
                _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

                s->session_room = 0;
                begin(s, &c);
                hv_frame_put(&b, HV_FRAME_INPUT, "held back", 9);
                if (i > 0)
                        send_frames(&c, &b);
                if (i > 1)
                        turn_until_idle(s);
                session_done(&c);
                hv_test_run_until(s->event, s->n_sessions_closed == i + 1);
                assert_null(s->open_session);
        }
}

/* A token that goes takes along what was opened with it, and with the sessions that it began; also where nobody reads. */
static void a_revoked_token_cuts_it(void **state) {
        static const struct hv_token wish = { .name = (char *) "ops", .role = HV_ROLE_ADMIN };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned i = 0; i < 4; i++) {
                bool by_session = i & 1, is_held = i & 2;
                _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
                _hv_cleanup_(session_done) struct session c, other;
                _hv_cleanup_(answer_done) struct answer in = {}, out = {};
                char token[HV_CREDENTIAL_SIZE], body[160];

                assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
                (void) snprintf(body, sizeof body, "{\"token\": \"%s\", \"bearer\": true}", token);
                in = ask(s, true, "POST", "/login", "Content-Type: application/json\r\n", body);
                begin(s, &other);
                s->session_room = is_held ? 0 : 100;
                begin_as(s, by_session ? text_at(in.json, "token") : token, &c);
                hv_frame_put(&b, HV_FRAME_INPUT, "hello", 5);
                send_frames(&c, &b);
                turn_until_idle(s);
                out = ask(s, false, "DELETE", "/api/v1/tokens/ops", NULL, NULL);
                assert_int_equal(out.status, 204);
                hv_test_run_until(s->event, s->n_sessions_closed == 2 * i + 1);
                hv_test_run_until(s->event, has_ended(&c));
                assert_false(has_ended(&other));
                session_done(&other);
                hv_test_run_until(s->event, s->n_sessions_closed == 2 * i + 2);
                other = (struct session){ .fd = -1 };
        }
}

static void what_is_no_frame_ends_it(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(session_done) struct session c;

        (void) state;
        begin(s, &c);
        web_send_text(c.fd, "GET / HTTP/1.1\r\n\r\n");
        hv_test_run_until(s->event, s->n_sessions_closed == 1);
        hv_test_run_until(s->event, hears(&c, "6:what came is no frame of a session;"));
        hv_test_run_until(s->event, has_ended(&c));
}

static void there_is_room_for_so_many(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct session c[16];
        struct answer a;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(c); i++)
                begin(s, &c[i]);
        a = ask(s, false, "POST", "/api/v1/services/web/exec", UPGRADE, "{\"command\": [\"sh\"]}");
        assert_int_equal(a.status, 503);
        assert_non_null(strstr(hv_buf_str(&a.text), "Retry-After"));
        answer_done(&a);
        /* The newest ends, and makes room. */
        stage_end_session(s, &(struct hv_api_session_end){});
        session_done(&c[15]);
        begin(s, &c[15]);
        for (size_t i = 0; i < HV_ARRAY_SIZE(c); i++)
                session_done(&c[i]);
        hv_test_run_until(s->event, s->n_sessions_closed == 16);
}

static void a_server_that_ends_says_so(void **state) {
        struct stage *s = stage_new();
        struct session c;

        (void) state;
        begin(s, &c);
        s->server = hv_http_server_free(s->server);
        assert_int_equal(s->n_sessions_closed, 1);
        look(&c);
        assert_string_equal(hv_buf_str(&c.said), "6:the server stops;");
        assert_true(c.has_ended);
        session_done(&c);
        stage_free(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_asked_is_judged_first),
                cmocka_unit_test(what_the_backend_refuses_has_its_status),
                cmocka_unit_test(frames_go_both_ways_and_the_end_has_a_code),
                cmocka_unit_test(input_waits_for_room),
                cmocka_unit_test(output_that_nobody_reads_is_held_back),
                cmocka_unit_test(whoever_leaves_ends_it),
                cmocka_unit_test(a_revoked_token_cuts_it),
                cmocka_unit_test(what_is_no_frame_ends_it),
                cmocka_unit_test(there_is_room_for_so_many),
                cmocka_unit_test(a_server_that_ends_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

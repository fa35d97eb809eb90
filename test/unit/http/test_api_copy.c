/* Files out of a container and into one, over the API: what is refused, both directions with nobody at their end, and each way to
 * the end. */
#include "testing.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask.h"
#include "lib/loop.h"

#define WEB "/api/v1/services/web/archive"

static void what_is_asked_is_judged_first(void **state) {
        static const struct {
                const char *method, *path;
                unsigned status;
                const char *says;
        } rows[] = {
                { "GET", WEB, 400, "absolute path" },
                { "GET", WEB "?path=etc", 400, "absolute path" },
                { "PUT", WEB "?path=", 400, "absolute path" },
                { "GET", WEB "?path=/etc&replica=0", 400, "replica" },
                { "GET", WEB "?path=/etc&format=zip", 400, "json or tar" },
                { "GET", "/api/v1/services/wep/archive?path=/etc", 404, "wep" },
                { "PUT", "/api/v1/services/wep/archive?path=/etc", 404, "wep" },
                { "POST", WEB "?path=/etc", 405, "POST" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, false, rows[i].method, rows[i].path, NULL, NULL);

                if (a.status != rows[i].status || !strstr(hv_buf_str(&a.text), rows[i].says))
                        fail_msg("%s %s: %u %s", rows[i].method, rows[i].path, a.status, hv_buf_str(&a.text));
        }
        assert_int_equal(s->n_copies, 0);
}

static void what_the_backend_refuses_has_its_status(void **state) {
        static const struct {
                int code;
                unsigned status;
        } rows[] = { { -ENOENT, 404 }, { -EBUSY, 409 }, { -ENOTCONN, 503 } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < 2 * HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) hv_err_set(&s->err, rows[i / 2].code, "no such luck");
                a = ask(s, false, i % 2 ? "PUT" : "GET", "/api/v1/tasks/train-1/archive?path=/a%20b", NULL,
                        NULL);
                assert_int_equal(a.status, rows[i / 2].status);
                assert_string_equal(text_at(a.json, "detail"), "no such luck");
                assert_string_equal(s->last_copy,
                                    i % 2 ? "in task/train-1.1 /a b" : "out task/train-1.1 /a b");
        }
        s->err.code = 0;
}

static void a_copy_into_what_has_changed_is_not_made(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a =
                ask(s, false, "PUT", WEB "?path=/etc", "If-Match: \"of-before\"\r\n", NULL);

        (void) state;
        assert_int_equal(a.status, 412);
        assert_string_equal(text_at(a.json, "code"), "Changed");
        assert_int_equal(s->n_copies, 0);
}

static void a_path_is_looked_at(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, WEB "?path=/etc/hosts&format=json&replica=2");

        (void) state;
        assert_int_equal(a.status, 200);
        assert_string_equal(s->last_copy, "look service/web.2 /etc/hosts");
        assert_string_equal(text_at(a.json, "name"), "hosts");
        assert_string_equal(text_at(a.json, "type"), "link");
        assert_string_equal(text_at(a.json, "mode"), "0640");
        assert_string_equal(text_at(a.json, "target"), "../run/hosts");
        assert_int_equal(hv_json_int(a.json, "size", 0), 174);
}

/* ---- out ---- */

static void what_comes_out_is_held_back_and_ends(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        struct web w = { .event = s->event, .server = s->server };
        static char data[16384];
        size_t n = 1;

        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                int fd = open_get(s, WEB "?path=/data", NULL);

                hv_test_run_until(s->event, s->open_copy != NULL);
                while (stage_copy_out(s, data, sizeof data)) {
                        turn_until_idle(s);
                        assert_true(++n < 1000);
                }
                assert_int_equal(s->n_copies_resumed, i);
                web_read_until(&w, fd, &got, "application/x-tar");
                hv_buf_done(&got);
                hv_test_run_until(s->event,
                                  (recv(fd, data, sizeof data, MSG_DONTWAIT), s->n_copies_resumed == i + 1));
                memset(data, 0, sizeof data);
                stage_end_copy(s, i == 0 ? NULL : &(struct hv_err){ .code = -EIO, .msg = "cut" });
                got = web_read_all(&w, fd);
                /* Only one that is whole has a proper end. */
                assert_int_equal(got.len >= 5 && memcmp(got.data + got.len - 5, "0\r\n\r\n", 5) == 0, i == 0);
                hv_buf_done(&got);
        }
        assert_int_equal(s->n_copies_closed, 0);
}

static void whoever_leaves_ends_it(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned i = 0; i < 2; i++) { /* before the first byte, and after it */
                int fd = open_get(s, WEB "?path=/data", NULL);

                hv_test_run_until(s->event, s->open_copy != NULL);
                if (i > 0)
                        assert_true(stage_copy_out(s, "abc", 3));
                turn_until_idle(s);
                (void) close(fd);
                hv_test_run_until(s->event, s->n_copies_closed == i + 1);
        }
}

/* ---- in ---- */

static int begin_upload(struct stage *s, size_t len) {
        _hv_cleanup_(hv_buf_done) struct hv_buf head = {};
        struct web w = { .event = s->event, .server = s->server };
        int fd;

        strcpy(w.path, s->socket);
        fd = web_connect_unix(&w);
        hv_buf_printf(&head,
                      "PUT " WEB "?path=/tmp HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                      len);
        web_send_text(fd, hv_buf_str(&head));
        hv_buf_clear(&s->copied);
        return fd;
}

static void what_goes_in_waits_for_room(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        struct hv_buf got;
        static char data[300000];
        size_t sent = 0;
        ssize_t n;
        int fd;

        (void) state;
        memset(data, 'x', sizeof data);
        s->copy_room = 10;
        fd = begin_upload(s, sizeof data);
        hv_test_run_until(s->event, s->open_copy != NULL); /* with the head alone */
        assert_string_equal(s->last_copy, "in service/web.1 /tmp");
        while ((n = send(fd, data + sent, sizeof data - sent, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
                sent += (size_t) n;
        turn_until_idle(s);
        assert_int_equal(s->copied.len, 10);
        stage_make_room_for_copy(s, 90);
        turn_until_idle(s);
        assert_int_equal(s->copied.len, 100);
        stage_make_room_for_copy(s, SIZE_MAX);
        hv_test_run_until(s->event,
                          ((n = send(fd, data + sent, sizeof data - sent, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0
                                   ? sent += (size_t) n
                                   : 0,
                           s->copied.len == sizeof data + 5));
        assert_string_equal(hv_buf_str(&s->copied) + sizeof data, "<end>");
        stage_end_copy(s, NULL);
        got = web_read_all(&w, fd);
        assert_int_equal(web_status(&got), 204);
        hv_buf_done(&got);
}

/* An error before the body has come, while nobody takes it: the rest is thrown away, and then it is told. */
static void an_early_error_is_told_behind_the_body(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        struct hv_err err = { .code = -EBUSY, .msg = "a folder is in the way" };
        struct hv_buf got;
        static char data[20000];
        int fd;

        (void) state;
        s->copy_room = 5;
        fd = begin_upload(s, sizeof data);
        web_send_text(fd, "0123456789");
        hv_test_run_until(s->event, s->copied.len == 5);
        turn_until_idle(s);
        stage_end_copy(s, &err);
        assert_int_equal(send(fd, data, sizeof data - 10, MSG_NOSIGNAL), sizeof data - 10);
        got = web_read_all(&w, fd);
        assert_int_equal(web_status(&got), 409);
        assert_non_null(strstr(hv_buf_str(&got), "a folder is in the way"));
        assert_int_equal(s->copied.len, 5);
        assert_int_equal(s->n_copies_closed, 0);
        hv_buf_done(&got);
}

static void a_body_that_breaks_ends_it(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned i = 0; i < 3; i++) { /* while it is read, while it is held, when it was whole */
                int fd;

                s->copy_room = i == 1 ? 5 : SIZE_MAX;
                fd = begin_upload(s, i == 2 ? 10 : 1000);
                web_send_text(fd, "0123456789");
                hv_test_run_until(s->event, s->copied.len >= 5);
                turn_until_idle(s);
                (void) close(fd);
                hv_test_run_until(s->event, s->n_copies_closed == i + 1);
                assert_null(s->open_copy);
        }
}

static void too_much_is_refused(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        int fd = begin_upload(s, ((size_t) 16 << 30) + 1);
        struct hv_buf got = web_read_all(&w, fd);

        (void) state;
        assert_int_equal(web_status(&got), 413);
        assert_int_equal(s->n_copies, 0);
        hv_buf_done(&got);
}

static void there_is_room_for_so_many(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct answer a;
        int fd[16];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(fd); i++) {
                fd[i] = open_get(s, WEB "?path=/data", NULL);
                hv_test_run_until(s->event, s->n_copies == i + 1);
        }
        a = get(s, WEB "?path=/data");
        assert_int_equal(a.status, 503);
        answer_done(&a);
        for (size_t i = 0; i < HV_ARRAY_SIZE(fd); i++)
                (void) close(fd[i]);
        hv_test_run_until(s->event, s->n_copies_closed == 16);
}

/* A server that ends takes along what is half way in. */
static void a_server_that_ends_ends_it(void **state) {
        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                struct stage *s = stage_new();
                int fd;

                s->copy_room = i == 0 ? 5 : SIZE_MAX;
                fd = begin_upload(s, 1000);
                web_send_text(fd, "0123456789");
                hv_test_run_until(s->event, s->copied.len >= 5);
                s->server = hv_http_server_free(s->server);
                assert_int_equal(s->n_copies_closed, 1);
                (void) close(fd);
                stage_free(s);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_asked_is_judged_first),
                cmocka_unit_test(what_the_backend_refuses_has_its_status),
                cmocka_unit_test(a_copy_into_what_has_changed_is_not_made),
                cmocka_unit_test(a_path_is_looked_at),
                cmocka_unit_test(what_comes_out_is_held_back_and_ends),
                cmocka_unit_test(whoever_leaves_ends_it),
                cmocka_unit_test(what_goes_in_waits_for_room),
                cmocka_unit_test(an_early_error_is_told_behind_the_body),
                cmocka_unit_test(a_body_that_breaks_ends_it),
                cmocka_unit_test(too_much_is_refused),
                cmocka_unit_test(there_is_room_for_so_many),
                cmocka_unit_test(a_server_that_ends_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Events, the status as it changes, and logs: what comes bit by bit. */
#include "testing.h"

#include <errno.h>
#include <unistd.h>

#include "ask.h"

static void events_are_listed_and_filtered(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {}, c = {}, d = {}, e = {};
        char path[120];

        (void) state;
        stage_event(s, "Service", "web", "started hive-web");
        stage_event(s, "Service", "db", "started hive-db");
        stage_event(s, NULL, NULL, "everything is in sync");
        a = get(s, "/api/v1/events");
        assert_int_equal(hv_json_size(at(a.json, "items")), 3);
        assert_string_equal(text_at(a.json, "items.0.event"), "ContainerStarted");
        assert_string_equal(text_at(a.json, "items.0.level"), "notice");
        assert_string_equal(text_at(a.json, "items.0.kind"), "Service");
        assert_string_equal(text_at(a.json, "items.0.name"), "web");
        assert_string_equal(text_at(a.json, "items.0.message"), "started hive-web");
        assert_string_equal(text_at(a.json, "items.2.event"), "Synced");
        (void) snprintf(path, sizeof path, "/api/v1/events?since=%s", text_at(a.json, "items.1.id"));
        b = get(s, path);
        assert_int_equal(hv_json_size(at(b.json, "items")), 1);
        c = get(s, "/api/v1/services/db/events");
        assert_int_equal(hv_json_size(at(c.json, "items")), 1);
        assert_string_equal(text_at(c.json, "items.0.name"), "db");
        d = get(s, "/api/v1/events?tail=2");
        assert_int_equal(hv_json_size(at(d.json, "items")), 2);
        assert_string_equal(text_at(d.json, "items.0.name"), "db");
        e = get(s, "/api/v1/services/web/events?tail=1");
        assert_int_equal(hv_json_size(at(e.json, "items")), 1);
}

static void since_takes_ids_spans_and_instants(void **state) {
        static const struct {
                const char *since;
                unsigned status;
                size_t n;
        } rows[] = {
                { "1h", 200, 1 },
                { "1s", 200, 0 },
                { "abc-7", 200, 1 }, /* of another run: everything */
                { "2001-01-01T00:00:00Z", 200, 1 },
                { "2999-01-01T00:00:00Z", 200, 0 },
                { "yesterday", 400, 0 },
                { "5", 400, 0 },
                { "5x", 400, 0 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        stage_event(s, NULL, NULL, "in sync");
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char path[120];
                struct answer a;

                (void) snprintf(path, sizeof path, "/api/v1/events?since=%s", rows[i].since);
                a = get(s, path);
                if (a.status != rows[i].status || hv_json_size(at(a.json, "items")) != rows[i].n)
                        fail_msg("%s: %u, %zu events", rows[i].since, a.status,
                                 hv_json_size(at(a.json, "items")));
                answer_done(&a);
        }
}

static void events_follow(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, all = {}, resumed = {};
        _hv_cleanup_(answer_done) struct answer list = {};
        char header[120];
        int fd, fd2, fd3;

        (void) state;
        stage_event(s, "Service", "web", "before");
        fd = open_get(s, "/api/v1/events", "Accept: text/event-stream\r\n");
        wait_for(s, fd, &got, "text/event-stream");
        stage_event(s, "Service", "web", "after");
        wait_for(s, fd, &got, "\"message\":\"after\"");
        assert_null(strstr(hv_buf_str(&got), "before"));
        assert_non_null(strstr(hv_buf_str(&got), "event: ContainerStarted"));

        fd2 = open_get(s, "/api/v1/events?follow=1&tail=10", NULL);
        wait_for(s, fd2, &all, "\"message\":\"after\"");
        assert_non_null(strstr(hv_buf_str(&all), "\"message\":\"before\""));

        list = get(s, "/api/v1/events");
        (void) snprintf(header, sizeof header, "Accept: text/event-stream\r\nLast-Event-ID: %s\r\n",
                        text_at(list.json, "items.0.id"));
        fd3 = open_get(s, "/api/v1/events", header);
        wait_for(s, fd3, &resumed, "\"message\":\"after\"");
        assert_null(strstr(hv_buf_str(&resumed), "before"));
        (void) close(fd);
        (void) close(fd2);
        (void) close(fd3);
}

static void the_ring_forgets_the_oldest(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        for (unsigned i = 0; i < 1005; i++) {
                char message[32];

                (void) snprintf(message, sizeof message, "event %u", i);
                stage_event(s, NULL, NULL, message);
        }
        a = get(s, "/api/v1/events");
        assert_int_equal(hv_json_size(at(a.json, "items")), 1000);
        assert_string_equal(text_at(a.json, "items.0.message"), "event 5");
        assert_string_equal(text_at(a.json, "items.999.message"), "event 1004");
}

/* Who comes back after a long time gets all that is kept, however much: the queue of a stream has room for it. */
static void a_long_past_is_sent_whole(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        char message[600];
        int fd;

        (void) state;
        memset(message, 'm', sizeof message - 1);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(message + 500, sizeof message - 500, "event %u.", i);
                stage_event(s, NULL, NULL, message);
        }
        fd = open_get(s, "/api/v1/events?follow=1&tail=1000", NULL);
        wait_for(s, fd, &got, "mevent 999.");
        assert_non_null(strstr(hv_buf_str(&got), "mevent 0."));
        stage_event(s, NULL, NULL, "and then");
        wait_for(s, fd, &got, "\"message\":\"and then\"");
        (void) close(fd);
}

static void watchers_see_the_status_change(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        int fd = open_get(s, "/api/v1/watch", NULL);

        (void) state;
        wait_for(s, fd, &got, "\"converged\":true");
        assert_non_null(strstr(hv_buf_str(&got), "\nid: "));
        stage_break_web(s);
        for (unsigned i = 0; i < 50; i++)
                stage_changed(s); /* many changes in one turn are told once */
        hv_buf_clear(&got);
        wait_for(s, fd, &got, "\"converged\":false");
        turn_until_idle(s);
        (void) web_receive(fd, &got);
        assert_null(strstr(strstr(hv_buf_str(&got), "event: status") + 1, "event: status"));
        (void) close(fd);
}

/* Half of the streams are for those who watch, so that logs and events find some. */
static void watchers_have_half_of_the_streams(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer refused = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        int fd, more;

        (void) state;
        hv_api_limit_streams(s->api, 2);
        fd = open_get(s, "/api/v1/watch", NULL);
        wait_for(s, fd, &got, "data: ");
        refused = get(s, "/api/v1/watch");
        assert_int_equal(refused.status, 503);
        assert_string_equal(text_at(refused.json, "code"), "TooManyStreams");
        hv_api_limit_streams(s->api, 4);
        more = open_get(s, "/api/v1/watch", NULL);
        hv_buf_done(&got);
        wait_for(s, more, &got, "data: ");
        (void) close(fd);
        (void) close(more);
}

static void a_log_is_plain_text(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, before = {};

        (void) state;
        s->log_text = "one\ntwo \033[31m\n";
        a = get(s,
                "/api/v1/services/web/logs?replica=2&tail=7&stream=stderr&since=2020-01-01T00:00:00Z&timestamps=1");
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(web_body(&a.text), "one\ntwo \033[31m\n"));
        assert_int_equal(s->last_log.replica, 2);
        assert_int_equal(s->last_log.tail, 7);
        assert_int_equal(s->last_log.streams, HV_API_STDERR);
        assert_true(s->last_log.timestamps);
        assert_false(s->last_log.follow);
        assert_false(s->last_log.previous);
        assert_true(s->last_log.since_wall_us == 1577836800 * HV_USEC_PER_SEC);
        before = get(s, "/api/v1/services/web/logs?previous=1&tail=3");
        assert_int_equal(before.status, 200);
        assert_true(s->last_log.previous);
        assert_int_equal(s->last_log.tail, 3);
}

static void a_log_that_cannot_be_read_says_so(void **state) {
        static const struct {
                const char *what, *path;
                const char *text;
                int error;
                unsigned status;
        } rows[] = {
                { "no container", "/api/v1/services/web/logs", NULL, 0, 404 },
                { "late error", "/api/v1/services/web/logs", "", -ENOTCONN, 503 },
                { "no service", "/api/v1/services/nope/logs", "x", 0, 404 },
                { "no such replica", "/api/v1/services/web/logs?replica=3", "x", 0, 404 },
                { "bad replica", "/api/v1/services/web/logs?replica=0", "x", 0, 400 },
                { "bad stream", "/api/v1/services/web/logs?stream=both", "x", 0, 400 },
                { "bad tail", "/api/v1/services/web/logs?tail=-1", "x", 0, 400 },
                { "bad since", "/api/v1/services/web/logs?since=noon", "x", 0, 400 },
                { "what is over, followed", "/api/v1/services/web/logs?previous=1&follow=1", "x", 0, 400 },
                { "no run before", "/api/v1/services/web/logs?previous=1", "", -ENOENT, 404 },
                { "nothing written", "/api/v1/services/web/logs", "", 0, 200 },
                { "all lines", "/api/v1/services/web/logs?tail=all", "x", 0, 200 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                s->log_text = rows[i].text;
                if (rows[i].error)
                        hv_err_set(&s->err, rows[i].error, "the engine does not answer");
                a = get(s, rows[i].path);
                if (a.status != rows[i].status)
                        fail_msg("%s: %u: %s", rows[i].what, a.status, web_body(&a.text));
                assert_null(s->open_log);
        }
}

static void a_followed_log_ends_with_its_reader(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, rest = {};
        struct web w = { .event = s->event, .server = s->server };
        int fd;

        (void) state;
        strcpy(w.path, s->socket);
        s->log_text = "line\n";
        s->log_stays_open = true;
        fd = open_get(s, "/api/v1/services/web/logs?follow=1", NULL);
        wait_for(s, fd, &got, "line\n");
        assert_int_equal(s->n_logs_closed, 0);
        (void) close(fd);
        web_wait(&w, s->n_logs_closed == 1);
        assert_null(s->open_log);

        fd = open_get(s, "/api/v1/services/web/logs?follow=1", "Connection: close\r\n");
        wait_for(s, fd, &rest, "line\n");
        stage_end_log(s, 0); /* the container has ended */
        web_wait(&w, web_receive(fd, &rest) < 0);
        assert_int_equal(s->n_logs_closed, 1);
        (void) close(fd);
}

static void a_reader_may_leave_before_the_first_word(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        int fd;

        (void) state;
        strcpy(w.path, s->socket);
        s->log_text = "";
        s->log_is_silent = true;
        fd = open_get(s, "/api/v1/services/web/logs?follow=1", NULL);
        web_wait(&w, s->open_log != NULL);
        turn_until_idle(s);
        (void) close(fd);
        web_wait(&w, s->n_logs_closed == 1);
        assert_null(s->open_log);
}

/* A reader that is slow holds the container's log back; when it goes on, so does the log, and nothing is lost. */
static void a_slow_reader_holds_the_log_back(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        struct web w = { .event = s->event, .server = s->server };
        static char chunk[64 * 1024 + 1];
        int fd;

        (void) state;
        strcpy(w.path, s->socket);
        memset(chunk, 'x', sizeof chunk - 1);
        s->log_text = chunk;
        s->log_room = 64; /* 4 MiB: more than queue and socket take */
        fd = open_get(s, "/api/v1/services/web/logs", "Connection: close\r\n");
        web_wait(&w, s->open_log != NULL);
        turn_until_idle(s);
        assert_non_null(s->open_log);
        assert_int_equal(s->n_logs_resumed, 0);
        assert_true(s->log_room > 0); /* not all was taken */
        web_wait(&w, web_receive(fd, &got) < 0);
        assert_true(s->n_logs_resumed > 0);
        assert_null(s->open_log);
        assert_true(got.len > 64 * (sizeof chunk - 1));
        (void) close(fd);
}

static void heads_of_streams_open_nothing(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        s->log_text = "x";
        a = ask(s, false, "HEAD", "/api/v1/services/web/logs?follow=1", NULL, NULL);
        assert_int_equal(a.status, 200);
        assert_int_equal(s->n_logs_opened, 0);
}

/* Connections that may be quiet streams get little memory: heads that need more are not among them. */
static void heads_of_every_size_are_answered(void **state) {
        static const size_t lengths[] = { 0, 900, 1023, 1024, 1025, 3000, 8000 };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned n_headers = 0; n_headers <= 60; n_headers += 4)
                for (unsigned n_values = 0; n_values <= 60; n_values += 20)
                        for (size_t i = 0; i < HV_ARRAY_SIZE(lengths); i++) {
                                _hv_cleanup_(hv_buf_done) struct hv_buf path = {}, headers = {}, got = {};
                                int fd;

                                hv_buf_puts(&path, "/api/v1/watch?a");
                                for (unsigned k = 0; k < n_values; k++)
                                        hv_buf_puts(&path, "&b");
                                for (unsigned k = 0; k < n_headers; k++)
                                        hv_buf_puts(&headers, "X: y\r\n");
                                if (lengths[i] > path.len + headers.len + 60) {
                                        hv_buf_puts(&headers, "Y: ");
                                        while (path.len + headers.len + 60 < lengths[i])
                                                hv_buf_putc(&headers, 'y');
                                        hv_buf_puts(&headers, "\r\n");
                                }
                                fd = open_get(s, hv_buf_str(&path), hv_buf_str(&headers));
                                wait_for(s, fd, &got, "event: status\n");
                                (void) close(fd);
                        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(heads_of_every_size_are_answered),
                cmocka_unit_test(events_are_listed_and_filtered),
                cmocka_unit_test(since_takes_ids_spans_and_instants),
                cmocka_unit_test(events_follow),
                cmocka_unit_test(the_ring_forgets_the_oldest),
                cmocka_unit_test(a_long_past_is_sent_whole),
                cmocka_unit_test(watchers_see_the_status_change),
                cmocka_unit_test(watchers_have_half_of_the_streams),
                cmocka_unit_test(a_log_is_plain_text),
                cmocka_unit_test(a_log_that_cannot_be_read_says_so),
                cmocka_unit_test(a_followed_log_ends_with_its_reader),
                cmocka_unit_test(a_reader_may_leave_before_the_first_word),
                cmocka_unit_test(a_slow_reader_holds_the_log_back),
                cmocka_unit_test(heads_of_streams_open_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists that are watched: http/list_watch.h, and ?watch=1 over it. */
#include "testing.h"

#include <stdio.h>
#include <unistd.h>

#include "ask.h"
#include "base/alloc.h"
#include "http/list_watch.h"
#include "ledger/attempt.h"

/* ---- the memory ---- */

struct told {
        char text[400];
};

static void tell(void *userdata, enum hv_list_news news, const char *name, const char *text) {
        struct told *t = userdata;
        size_t len = strlen(t->text);

        (void) snprintf(t->text + len, sizeof t->text - len, "%s %s%s%s;", hv_list_news_name(news), name,
                        text ? "=" : "", text ? text : "");
}

static void look(struct hv_list_watch *w, uint64_t generation, const char *list, const char *expected) {
        struct hv_list_thing things[8] = {};
        _hv_cleanup_free_ char *copy = hv_strdup(list);
        struct told told = {};
        char *rest = NULL;
        size_t n = 0;

        for (char *p = strtok_r(copy, " ", &rest); p; p = strtok_r(NULL, " ", &rest)) {
                char *sign = strchr(p, '=');

                *sign = '\0';
                things[n++] = (struct hv_list_thing){ p, sign + 1 };
        }
        hv_list_watch_look(w, generation, things, n, tell, &told);
        assert_string_equal(told.text, expected);
}

static void since(struct hv_list_watch *w, uint64_t generation, const struct hv_list_thing *things, size_t n,
                  const char *expected) {
        struct told told = {};
        bool known = hv_list_watch_since(w, generation, things, n, tell, &told);

        assert_int_equal(known, expected != NULL);
        assert_string_equal(told.text, expected ? expected : "");
}

static void news_are_what_differs(void **state) {
        _hv_cleanup_(hv_list_watch_freep) struct hv_list_watch *w = hv_list_watch_new();
        static const struct hv_list_thing now[] = { { "a", "2" }, { "c", "1" }, { "d", "1" } };

        (void) state;
        since(w, 5, now, 3, NULL); /* nobody looked yet */
        look(w, 10, "a=1 b=1 c=1", "ADDED a=1;ADDED b=1;ADDED c=1;");
        look(w, 11, "a=1 b=1 c=1", "");
        look(w, 12, "a=2 b=1 c=1", "MODIFIED a=2;");
        look(w, 13, "a=2 c=1", "DELETED b;");
        look(w, 14, "a=2 c=1 d=1", "ADDED d=1;");
        since(w, 9, now, 3, NULL);
        since(w, 10, now, 3, "DELETED b;MODIFIED a=2;ADDED d=1;");
        since(w, 12, now, 3, "DELETED b;ADDED d=1;");
        since(w, 13, now, 3, "ADDED d=1;");
        since(w, 14, now, 3, "");
        look(w, 15, "a=2 b=7 c=1 d=1", "ADDED b=7;");
        since(w, 10, (const struct hv_list_thing[]){ { "a", "2" }, { "b", "7" } }, 2,
              "MODIFIED a=2;ADDED b=7;"); /* it is back: nobody hears that it went */
}

static void of_those_that_went_the_newest_are_remembered(void **state) {
        _hv_cleanup_(hv_list_watch_freep) struct hv_list_watch *w = hv_list_watch_new();
        struct hv_list_thing things[HV_LIST_WATCH_GONE_MAX + 2];
        char names[HV_ARRAY_SIZE(things)][8];
        struct told told;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(things); i++) {
                (void) snprintf(names[i], sizeof names[i], "n%zu", i);
                things[i] = (struct hv_list_thing){ names[i], "1" };
        }
        hv_list_watch_look(w, 1, things, HV_ARRAY_SIZE(things), tell, &told);
        /* One goes in each generation: 2, 3, ... */
        for (size_t i = 1; i <= HV_ARRAY_SIZE(things); i++) {
                told.text[0] = '\0';
                hv_list_watch_look(w, 1 + i, things + i, HV_ARRAY_SIZE(things) - i, tell, &told);
        }
        told.text[0] = '\0';
        assert_false(hv_list_watch_since(w, 1, NULL, 0, tell, &told));
        assert_false(hv_list_watch_since(w, 2, NULL, 0, tell, &told)); /* 2 and 3 are forgotten */
        assert_string_equal(told.text, "");
        assert_true(hv_list_watch_since(w, 3, NULL, 0, tell, &told));
        assert_true(hv_has_prefix(told.text, "DELETED n2;DELETED n3;"));
}

/* ---- over HTTP ---- */

static size_t count(const struct hv_buf *got, const char *word) {
        size_t n = 0;

        for (const char *p = hv_buf_str(got); (p = strstr(p, word)); p += strlen(word))
                n++;
        return n;
}

static void last_id(const struct hv_buf *got, char ret[64]) {
        const char *id = NULL;

        for (const char *p = hv_buf_str(got); (p = strstr(p, "\nid: ")); p++)
                id = p + 5;
        assert_non_null(id);
        (void) snprintf(ret, 64, "%.*s", (int) strcspn(id, "\n"), id);
}

static int watch(struct stage *s, const char *path, const char *id) {
        _hv_cleanup_free_ char *header = id ? hv_asprintf("Last-Event-ID: %s\r\n", id) : NULL;

        return open_get(s, path, header);
}

static void a_list_is_told_and_what_becomes_of_it(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, more = {}, less = {}, other = {}, none = {};
        char id[64], newer[64];
        int fd, fd2, fd3, fd4;

        (void) state;
        fd = watch(s, "/api/v1/services?watch=1", NULL);
        wait_for(s, fd, &got, "\"name\":\"web\"");
        turn_until_idle(s);
        wait_for(s, fd, &got, "\nid: ");
        assert_non_null(strstr(hv_buf_str(&got), "Content-Type: text/event-stream"));
        assert_non_null(
                strstr(hv_buf_str(&got), "event: RESET\ndata: {\"kind\":\"ServiceList\",\"items\":4}\n"));
        assert_int_equal(count(&got, "event: ADDED\n"), 4);
        assert_int_equal(count(&got, "\nid: "), 1); /* of the last: who was cut off before it begins anew */
        last_id(&got, id);

        stage_changed(s); /* nothing that one could see */
        turn_until_idle(s);
        stage_break_web(s); /* and proxy */
        stage_changed(s);
        wait_for(s, fd, &more, "\"name\":\"web\"");
        assert_int_equal(count(&more, "event: "), 2);
        assert_int_equal(count(&more, "event: MODIFIED\n"), 2);
        assert_int_equal(count(&more, "id: "), 1);
        assert_non_null(strstr(hv_buf_str(&more), "OOMKilled"));
        last_id(&more, newer);

        /* Who was away hears what he missed, and nothing else. */
        fd2 = watch(s, "/api/v1/services?watch=1", id);
        wait_for(s, fd2, &less, "\"name\":\"web\"");
        assert_int_equal(count(&less, "event: "), 2);
        assert_int_equal(count(&less, "event: MODIFIED\n"), 2);
        (void) snprintf(id, sizeof id, "%s", newer);
        fd4 = watch(s, "/api/v1/services?watch=1", id);
        wait_for(s, fd4, &none, "\r\n\r\n");
        turn_until_idle(s);
        assert_null(strstr(hv_buf_str(&none), "event: "));
        /* Of another run nothing is known. */
        fd3 = watch(s, "/api/v1/services?watch=1", "abc-1");
        wait_for(s, fd3, &other, "event: RESET\n");
        (void) close(fd);
        (void) close(fd2);
        (void) close(fd3);
        (void) close(fd4);
}

static void what_goes_is_told_by_its_name(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, gone = {};
        size_t n = s->n_images;
        const struct hv_api_image image = {
                .name = "extra", .phase = "Ready", .is_ready = true, .message = ""
        };
        int fd;

        (void) state;
        s->images = &image;
        s->n_images = 1;
        fd = watch(s, "/api/v1/images?watch=1", NULL);
        wait_for(s, fd, &got, "\"name\":\"extra\"");
        s->images = NULL;
        s->n_images = n;
        stage_changed(s);
        wait_for(
                s, fd, &gone,
                "event: DELETED\ndata: {\"apiVersion\":\"hivelet/v1\",\"kind\":\"Image\",\"metadata\":{\"name\":\"extra\"}}");
        (void) close(fd);
}

static void a_task_ends_before_the_eyes_of_who_watches(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, end = {};
        const struct hv_ledger_end completed = { .id = "train-1",
                                                 .number = 1,
                                                 .now_wall_us = s->wall_us,
                                                 .state = "Completed",
                                                 .result = { .cause = "success" } };
        struct hv_err err = {};
        int fd;

        (void) state;
        stage_tasks(s);
        fd = watch(s, "/api/v1/tasks?watch=1", NULL);
        wait_for(s, fd, &got, "{\"kind\":\"TaskList\",\"items\":2}");
        wait_for(s, fd, &got, "\nid: ");
        assert_null(strstr(hv_buf_str(&got), "sieve-0a1b2c3d")); /* it had ended before */
        assert_int_equal(hv_ledger_end(s->ledger, &completed, &err), 0);
        s->live[0] = s->live[1];
        s->n_live = 1;
        stage_changed(s);
        wait_for(s, fd, &end, "Completed");
        assert_int_equal(count(&end, "event: "), 1);
        assert_non_null(strstr(hv_buf_str(&end), "event: MODIFIED\n"));
        assert_non_null(strstr(hv_buf_str(&end), "\"name\":\"train-1\""));
        (void) close(fd);
}

static void watching_has_its_limits(void **state) {
        static const char *const bad[] = { "/api/v1/services?watch=1&limit=3",
                                           "/api/v1/tasks?watch=1&state=live",
                                           "/api/v1/networks?watch=1&continue=x" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {}, status = {};
        int fd, fd2;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, bad[i]);

                assert_int_equal(a.status, 400);
        }
        /* All who watch anything count together. */
        hv_api_limit_streams(s->api, 4);
        fd = open_get(s, "/api/v1/networks", "Accept: text/event-stream\r\n");
        wait_for(s, fd, &got, "event: RESET\n");
        fd2 = open_get(s, "/api/v1/watch", NULL);
        wait_for(s, fd2, &status, "event: status\n");
        static const char *const full[] = { "/api/v1/networks?watch=1", "/api/v1/volumes?watch=1",
                                            "/api/v1/tasks?watch=1", "/api/v1/watch" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(full); i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, full[i]);

                assert_int_equal(a.status, 503);
                assert_true(web_has_header(&a.text, "Retry-After: 10"));
        }
        (void) close(fd);
        (void) close(fd2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(news_are_what_differs),
                cmocka_unit_test(of_those_that_went_the_newest_are_remembered),
                cmocka_unit_test(a_list_is_told_and_what_becomes_of_it),
                cmocka_unit_test(what_goes_is_told_by_its_name),
                cmocka_unit_test(a_task_ends_before_the_eyes_of_who_watches),
                cmocka_unit_test(watching_has_its_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

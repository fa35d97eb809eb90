/* Apply, validate, plan, reload, delete: bodies in, verdicts out, and clients that leave. */
#include "testing.h"

#include <errno.h>
#include <unistd.h>

#include "ask.h"

#define YAML_TYPE "Content-Type: application/yaml\r\n"
#define FILES "{\"files\":[{\"name\":\"web.yaml\",\"path\":\"/tmp/web.yaml\",\"text\":\"kind: Service\\n\"}]}"

static void an_apply_tells_what_changed(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        s->outcome = HV_API_ACTIVATED;
        a = post(s, "/api/v1/apply", FILES);
        assert_int_equal(a.status, 200);
        assert_string_equal(s->last_change,
                            "forget=/ accept= dry=0 file=web.yaml path=1 text=kind: Service\n");
        assert_string_equal(text_at(a.json, "outcome"), "Activated");
        assert_true(hv_json_bool(a.json, "changed", false));
        assert_string_equal(text_at(a.json, "revision"), s->desired->revision);
        assert_int_equal(hv_json_type(at(a.json, "before")), HV_JSON_NULL);
        assert_string_equal(text_at(a.json, "changes.0.change"), "added");
        assert_string_equal(text_at(a.json, "changes.0.kind"), "Service");
        assert_string_equal(text_at(a.json, "changes.0.name"), "cache");
        assert_string_equal(text_at(a.json, "diff.before"), "");
        assert_non_null(
                strstr(text_at(a.json, "diff.after"), "service/web docker.io/library/nginx:1.27-alpine x2 "));
        assert_int_equal(hv_json_size(at(a.json, "warnings")), 0);
        assert_null(strstr(hv_buf_str(&a.text), "hunter2"));
}

static void nothing_new_is_no_change(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        s->outcome = HV_API_UNCHANGED;
        a = post(s, "/api/v1/apply", NULL);
        assert_int_equal(a.status, 200);
        assert_false(hv_json_bool(a.json, "changed", true));
        assert_string_equal(text_at(a.json, "outcome"), "Unchanged");
        assert_int_equal(hv_json_size(at(a.json, "changes")), 0);
        assert_string_equal(text_at(a.json, "diff.before"), text_at(a.json, "diff.after"));
        assert_string_equal(s->last_change, "forget=/ accept= dry=0");
}

static void a_trial_is_begun_and_ended(void **state) {
        static const struct {
                const char *path, *seen, *outcome;
                enum hv_api_outcome given;
                bool changed;
        } rows[] = {
                { "/api/v1/apply?confirm=10m", "confirm=600s verdict=0 by=unix", "Activated",
                  HV_API_ACTIVATED, true },
                { "/api/v1/confirm", "confirm=0s verdict=1 by=unix", "Confirmed", HV_API_CONFIRMED, false },
                { "/api/v1/confirm?revert=1", "confirm=0s verdict=2 by=unix", "Reverted", HV_API_REVERTED,
                  true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                s->outcome = rows[i].given;
                stage_try_out(s);
                a = post(s, rows[i].path, NULL);
                assert_int_equal(a.status, 200);
                assert_non_null(strstr(s->last_change, rows[i].seen));
                assert_string_equal(text_at(a.json, "outcome"), rows[i].outcome);
                assert_int_equal(hv_json_bool(a.json, "changed", !rows[i].changed), rows[i].changed);
                assert_string_equal(text_at(a.json, "confirm.state"), "Pending");
        }
}

static void a_trial_needs_a_time_and_may_be_refused(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {};

        (void) state;
        a = post(s, "/api/v1/apply?confirm=10", FILES);
        assert_int_equal(a.status, 400);
        assert_non_null(strstr(text_at(a.json, "detail"), "expected a time such as 10m, found \"10\""));
        assert_int_equal(s->n_changes, 0);
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -EBUSY, "too late");
        b = post(s, "/api/v1/confirm", NULL);
        assert_int_equal(b.status, 409);
        assert_string_equal(text_at(b.json, "detail"), "too late");
}

static void a_kept_revision_is_gone_back_to(void **state) {
        static const struct {
                const char *path;
                unsigned status;
                const char *seen; /* NULL: the agent was not asked */
        } rows[] = {
                { "/api/v1/revisions/aa000000/activate", 200, "accept= dry=0 activate=aa000000 by=unix" },
                { "/api/v1/revisions/previous/activate", 200, "accept= dry=0 activate=aa000000 by=unix" },
                { "/api/v1/revisions/aa/activate?accept-prune=aa00", 200,
                  "accept=aa00 dry=0 activate=aa000000" },
                { "/api/v1/revisions/zz/activate", 404, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = {};

                s->outcome = HV_API_ROLLED_BACK;
                a = post(s, rows[i].path, NULL);
                assert_int_equal(a.status, rows[i].status);
                assert_int_equal(s->n_changes, rows[i].seen ? 1 : 0);
                if (!rows[i].seen)
                        continue;
                assert_non_null(strstr(s->last_change, rows[i].seen));
                assert_string_equal(text_at(a.json, "outcome"), "RolledBack");
                assert_true(hv_json_bool(a.json, "changed", false));
        }
}

static void one_service_is_changed(void **state) {
        static const struct {
                const char *path, *body;
                unsigned status;
                const char *seen; /* NULL: the agent was not asked */
        } rows[] = {
                { "/api/v1/services/web/update",
                  "{\"image\": \"nginx:2\", \"env\": [{\"name\": \"A\", \"value\": \"\"}]}", 200,
                  "service=web undo=0 image=nginx:2 A=" },
                { "/api/v1/services/web/update", "{\"env\": [{\"name\": \"A\", \"value\": \"b\"}]}", 200,
                  "service=web undo=0 image= A=b" },
                { "/api/v1/services/web/update", "{\"env\": [{\"name\": \"A\"}]}", 400, NULL },
                { "/api/v1/services/web/update", "{}", 400, NULL },
                { "/api/v1/services/web/update", NULL, 400, NULL },
                { "/api/v1/services/web/rollback", NULL, 200, "service=web undo=1 image=" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_(answer_done) struct answer a = post(s, rows[i].path, rows[i].body);

                if (a.status != rows[i].status || s->n_changes != (rows[i].seen != NULL))
                        fail_msg("row %zu: %u, %u changes", i, a.status, s->n_changes);
                if (rows[i].seen)
                        assert_non_null(strstr(s->last_change, rows[i].seen));
        }
}

static void what_a_file_declares_is_changed_there(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -EEXIST, "service web is declared in /etc/hivelet/node.yaml:30");
        a = post(s, "/api/v1/services/web/rollback", NULL);
        assert_int_equal(a.status, 409);
        assert_string_equal(text_at(a.json, "code"), "DeclaredInFile");
}

static void going_back_is_refused_in_words(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new(), *parked = stage_new(), *only = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {}, c = {}, d = {}, e = {};
        _hv_cleanup_free_ char *path = NULL;

        (void) state;
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -EDQUOT, "would remove 5 of 5 objects");
        a = post(s, "/api/v1/revisions/previous/activate", NULL);
        assert_int_equal(a.status, 409);
        assert_string_equal(text_at(a.json, "code"), "PruneBlocked");
        assert_string_equal(text_at(a.json, "detail"), "would remove 5 of 5 objects");
        s->outcome = HV_API_REFUSED;
        b = post(s, "/api/v1/revisions/previous/activate", NULL);
        assert_int_equal(b.status, 422);
        assert_string_equal(text_at(b.json, "code"), "RevisionRejected");
        stage_park(parked);
        path = hv_asprintf("/api/v1/revisions/%s/activate", parked->status.parked_revision);
        c = post(parked, path, NULL);
        assert_int_equal(c.status, 409);
        assert_string_equal(text_at(c.json, "code"), "PruneBlocked");
        assert_int_equal(parked->n_changes, 0);
        parked->revisions[2].revision = parked->status.parked_revision; /* it was in force once */
        e = post(parked, path, NULL);
        assert_int_equal(e.status, 200);
        assert_int_equal(parked->n_changes, 1);
        only->revisions[1].state = HV_API_REVISION_ACTIVE;
        d = post(only, "/api/v1/revisions/previous/activate", NULL);
        assert_int_equal(d.status, 404);
        assert_non_null(strstr(text_at(d.json, "detail"), "before this one"));
}

static void a_parked_revision_names_its_victims(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {};

        (void) state;
        s->outcome = HV_API_PARKED;
        stage_park(s);
        a = post(s, "/api/v1/apply?accept-prune=bb11", NULL);
        assert_int_equal(a.status, 200);
        assert_string_equal(s->last_change, "forget=/ accept=bb11 dry=0");
        assert_string_equal(text_at(a.json, "outcome"), "Parked");
        assert_false(hv_json_bool(a.json, "changed", true));
        assert_int_equal(hv_json_as_int(at(a.json, "parked.removals"), 0), 3);
        assert_string_equal(text_at(a.json, "parked.objects.1"), "service/db");
        b = get(s, "/api/v1/status");
        assert_string_equal(text_at(b.json, "parked.objects.2"), "service/proxy");
}

static void refused_documents_come_back_with_every_reason(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {}, c = {}, d = {};
        const struct hv_json *e;

        (void) state;
        stage_refuse(s);
        s->outcome = HV_API_REFUSED;
        a = post(s, "/api/v1/apply", FILES);
        assert_int_equal(a.status, 422);
        assert_true(web_has_header(&a.text, "Content-Type: application/problem+json"));
        assert_string_equal(text_at(a.json, "code"), "RevisionRejected");
        assert_int_equal(hv_json_as_int(at(a.json, "status"), 0), 422);
        assert_int_equal(hv_json_size(at(a.json, "errors")), 2);
        e = at(a.json, "errors.0");
        assert_string_equal(hv_json_str(e, "code"), "E0201");
        assert_string_equal(hv_json_str(e, "file"), "/etc/hivelet/node.yaml");
        assert_int_equal(hv_json_int(e, "line", 0), 6);
        assert_string_equal(hv_json_str(e, "path"), "spec.services[0].pullPolcy");
        assert_non_null(strstr(hv_json_str(e, "source"), "pullPolcy: always"));
        assert_true(hv_has_prefix(hv_json_str(e, "text"), "/etc/hivelet/node.yaml:6:"));
        assert_non_null(strstr(hv_json_str(e, "text"), "^^^^^^^^^"));

        b = post(s, "/api/v1/validate", FILES); /* to judge is what was asked for: no error of the request */
        assert_int_equal(b.status, 200);
        assert_false(hv_json_bool(b.json, "valid", true));
        assert_int_equal(hv_json_size(at(b.json, "errors")), 2);
        assert_non_null(strstr(s->last_change, "dry=1"));

        c = post(s, "/api/v1/plan", FILES);
        assert_int_equal(c.status, 422);
        d = get(s, "/api/v1/status");
        assert_int_equal(hv_json_size(at(d.json, "errors")), 2);
        assert_true(hv_json_bool(d.json, "refused", false));
}

static void a_plan_is_a_list_of_steps(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {}, c = {};

        (void) state;
        s->steps[0] = (struct hv_api_step){ HV_ACTION_PULL, "service/web/1", "docker.io/library/nginx:1.28",
                                            "image changed" };
        s->steps[1] = (struct hv_api_step){ HV_ACTION_STOP, "service/web/1", "hive-web", "image changed" };
        s->n_steps = 2;
        s->later = true;
        a = post(s, "/api/v1/plan", FILES);
        assert_int_equal(a.status, 200);
        assert_string_equal(s->last_change, "plan 1 kind: Service\n");
        assert_true(hv_json_bool(a.json, "pending", false));
        assert_int_equal(hv_json_size(at(a.json, "steps")), 2);
        assert_string_equal(text_at(a.json, "steps.1.action"), "stop");
        assert_string_equal(text_at(a.json, "steps.1.object"), "service/web/1");
        assert_string_equal(text_at(a.json, "steps.1.name"), "hive-web");
        assert_string_equal(text_at(a.json, "steps.1.why"), "image changed");

        s->n_steps = 0;
        b = post(s, "/api/v1/plan", NULL);
        assert_false(hv_json_bool(b.json, "pending", true));
        assert_string_equal(s->last_change, "plan 0 ");

        hv_err_set(&s->err, -ENOTCONN, "the engine does not answer");
        c = post(s, "/api/v1/plan", NULL);
        assert_int_equal(c.status, 503);
        assert_string_equal(text_at(c.json, "detail"), "the engine does not answer");
}

static void bodies_are_yaml_or_a_set_of_files(void **state) {
        static const struct {
                const char *what, *path, *headers, *body;
                unsigned status;
                const char *seen;
        } rows[] = {
                { "yaml", "/api/v1/apply", YAML_TYPE, "kind: X\n", 200,
                  "file=request path=0 text=kind: X\n" },
                { "named yaml", "/api/v1/apply?name=a.yaml", "Content-Type: text/yaml; charset=utf-8\r\n",
                  "k: 1\n", 200, "file=a.yaml path=0 text=k: 1\n" },
                { "two files", "/api/v1/apply", "Content-Type: application/json\r\n",
                  "{\"files\":[{\"name\":\"a\",\"text\":\"1\"},{\"name\":\"b\",\"text\":\"2\"}]}", 200,
                  "file=a path=0 text=1 file=b path=0 text=2" },
                { "no files at all", "/api/v1/apply", "Content-Type: application/json\r\n", "{\"files\":[]}",
                  200, "dry=0" },
                { "no content type", "/api/v1/apply", "", "kind: X\n", 415, NULL },
                { "form", "/api/v1/apply", "Content-Type: application/x-www-form-urlencoded\r\n", "a=b", 415,
                  NULL },
                { "broken JSON", "/api/v1/apply", "Content-Type: application/json\r\n", "{\"files\":", 400,
                  NULL },
                { "other JSON", "/api/v1/apply", "Content-Type: application/json\r\n", "[]", 400, NULL },
                { "a file without text", "/api/v1/apply", "Content-Type: application/json\r\n",
                  "{\"files\":[{\"name\":\"a\"}]}", 400, NULL },
                { "nothing to judge", "/api/v1/validate", "", "", 400, NULL },
                { "dry run", "/api/v1/apply?dry-run=1", YAML_TYPE, "k: 1\n", 200, "dry=1" },
                { "reload takes no body", "/api/v1/reload", YAML_TYPE, "k: 1\n", 413, NULL },
                { "reload", "/api/v1/reload", "", "", 200, "forget=/ accept= dry=0" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                unsigned asked = s->n_changes;
                struct answer a = ask(s, false, "POST", rows[i].path, rows[i].headers, rows[i].body);

                if (a.status != rows[i].status)
                        fail_msg("%s: %u, not %u: %s", rows[i].what, a.status, rows[i].status,
                                 web_body(&a.text));
                assert_int_equal(s->n_changes, asked + (rows[i].seen != NULL));
                if (rows[i].seen && !strstr(s->last_change, rows[i].seen))
                        fail_msg("%s: %s", rows[i].what, s->last_change);
                answer_done(&a);
        }
}

static void an_object_is_forgotten_by_its_path(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {};

        (void) state;
        s->outcome = HV_API_ACTIVATED;
        a = ask(s, false, "DELETE", "/api/v1/services/web", NULL, NULL);
        assert_int_equal(a.status, 200);
        assert_string_equal(s->last_change, "forget=service/web accept= dry=0");
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -ENOENT, "service web is declared in a file, not by hivectl apply");
        b = ask(s, false, "DELETE", "/api/v1/crontasks/nightly", NULL, NULL);
        assert_int_equal(b.status, 404);
        assert_string_equal(s->last_change, "forget=cronTask/nightly accept= dry=0");
        assert_string_equal(text_at(b.json, "detail"),
                            "service web is declared in a file, not by hivectl apply");
}

static void a_client_may_leave_before_the_answer(void **state) {
        static const char request[] =
                "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        struct hv_http_stats stats;
        int fd;

        (void) state;
        strcpy(w.path, s->socket);
        s->later = true;
        fd = web_connect_unix(&w);
        web_send_text(fd, request);
        web_wait(&w, s->n_changes == 1);
        assert_non_null(s->waiting);
        (void) sd_event_source_set_enabled(s->deferred, SD_EVENT_OFF); /* the backend takes its time */
        (void) close(fd);
        web_wait(&w, (hv_http_server_stats(s->server, &stats), stats.in_flight == 0));
        assert_non_null(s->waiting);
        (void) sd_event_source_set_enabled(s->deferred, SD_EVENT_ONESHOT);
        web_wait(&w, s->waiting == NULL);
        _hv_cleanup_(answer_done) struct answer a = get(s, "/livez");

        assert_int_equal(a.status, 200);
}

static void the_api_may_end_before_the_answer(void **state) {
        static const char request[] =
                "POST /api/v1/plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct web w = { .event = s->event, .server = s->server };
        int fd;

        (void) state;
        strcpy(w.path, s->socket);
        s->later = true;
        fd = web_connect_unix(&w);
        web_send_text(fd, request);
        web_wait(&w, s->n_plans == 1);
        (void) close(fd);
        /* stage_free() ends server and API first, and answers then. */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_apply_tells_what_changed),
                cmocka_unit_test(a_trial_is_begun_and_ended),
                cmocka_unit_test(a_kept_revision_is_gone_back_to),
                cmocka_unit_test(one_service_is_changed),
                cmocka_unit_test(what_a_file_declares_is_changed_there),
                cmocka_unit_test(going_back_is_refused_in_words),
                cmocka_unit_test(a_trial_needs_a_time_and_may_be_refused),
                cmocka_unit_test(nothing_new_is_no_change),
                cmocka_unit_test(a_parked_revision_names_its_victims),
                cmocka_unit_test(refused_documents_come_back_with_every_reason),
                cmocka_unit_test(a_plan_is_a_list_of_steps),
                cmocka_unit_test(bodies_are_yaml_or_a_set_of_files),
                cmocka_unit_test(an_object_is_forgotten_by_its_path),
                cmocka_unit_test(a_client_may_leave_before_the_answer),
                cmocka_unit_test(the_api_may_end_before_the_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

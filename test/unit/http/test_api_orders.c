/* What people ask for by hand, over the API: what reaches the backend, and how it is shown. */
#include "testing.h"

#include <errno.h>

#include "ask.h"

static void what_is_asked_for_reaches_the_backend(void **state) {
        static const struct {
                const char *method, *path, *body;
                unsigned status;
                const char *told; /* NULL: nothing */
        } rows[] = {
                { "POST", "/api/v1/cordon", "{\"reason\": \"the rack moves\"}", 200,
                  "cordon node by=unix:uid=0 reason=the rack moves" },
                { "POST", "/api/v1/cordon", NULL, 200, "cordon node by=unix:uid=0 reason=" },
                { "DELETE", "/api/v1/cordon", NULL, 200, "uncordon node by=unix:uid=0 reason=" },
                { "POST", "/api/v1/node/hold", NULL, 200, "hold node by=unix:uid=0 reason=" },
                { "POST", "/api/v1/node/release", NULL, 200, "release node by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/stop", "{\"reason\": null}", 200,
                  "stop web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/start", NULL, 200, "start web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/hold", NULL, 200, "hold web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/release", NULL, 200, "release web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/restart", NULL, 200, "restart web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/restart?now", NULL, 200,
                  "restart web now by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/web/pause", "{\"reason\": \"r\"}", 200,
                  "pause web by=unix:uid=0 reason=r" },
                { "POST", "/api/v1/services/web/resume", NULL, 200, "resume web by=unix:uid=0 reason=" },
                { "POST", "/api/v1/services/wep/pause", NULL, 404, NULL },
                { "POST", "/api/v1/services/web/kill", "{\"signal\": \"hup\", \"replica\": 2}", 200,
                  "kill web/2 SIGHUP" },
                { "POST", "/api/v1/services/web/kill", NULL, 200, "kill web/0 SIGKILL" },
                { "POST", "/api/v1/services/web/kill", "{\"signal\": \"SIGKIL\"}", 400, NULL },
                { "POST", "/api/v1/services/web/stop", "{", 400, NULL },
                { "POST", "/api/v1/drain", "{\"deadline\": \"10m\", \"reason\": \"r\"}", 200,
                  "drain node by=unix:uid=0 reason=r" },
                { "POST", "/api/v1/drain", "{\"deadline\": \"soon\"}", 400, NULL },
                { "POST", "/api/v1/preload", "{\"images\": [\"redis:7\", \"nginx\"]}", 202,
                  "preload redis:7 nginx" },
                { "POST", "/api/v1/preload", "{\"images\": []}", 400, NULL },
                { "PUT", "/api/v1/node/secrets/db", "value", 200, "secret db=value by=unix:uid=0" },
                { "PUT", "/api/v1/node/secrets/db", NULL, 400, NULL },
                { "DELETE", "/api/v1/node/secrets/db", NULL, 200, "no secret db by=unix:uid=0" },
                { "POST", "/api/v1/shutdown", NULL, 202, "shutdown deadline=-1 by=unix:uid=0 reason=" },
                { "POST", "/api/v1/shutdown",
                  "{\"stopWorkloads\": true, \"deadline\": \"10m\", \"reason\": \"r\"}", 202,
                  "shutdown workloads deadline=600 by=unix:uid=0 reason=r" },
                { "POST", "/api/v1/shutdown", "{\"stopWorkloads\": \"yes\"}", 400, NULL },
                { "POST", "/api/v1/shutdown", "{\"deadline\": \"soon\"}", 400, NULL },
                { "POST", "/api/v1/preload", "{\"images\": \"redis:7\"}", 400, NULL },
                { "POST", "/api/v1/preload", "{\"images\": [7]}", 400, NULL },
                { "POST", "/api/v1/preload", NULL, 400, NULL },
                { "POST", "/api/v1/services/wep/stop", NULL, 404, NULL },
                { "POST", "/api/v1/services/wep/kill", NULL, 404, NULL },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a = {};

                *s->last_change = '\0';
                a = ask(s, false, rows[i].method, rows[i].path,
                        rows[i].body ? "Content-Type: application/json\r\n" : NULL, rows[i].body);
                if (a.status != rows[i].status || !hv_streq(s->last_change, rows[i].told ? rows[i].told : ""))
                        fail_msg("%s %s: %u \"%s\"", rows[i].method, rows[i].path, a.status, s->last_change);
        }
}

/* The ETag of an answer, with its quotes. */
static char *etag_of(struct stage *s, const char *path, const char *headers) {
        _hv_cleanup_(answer_done) struct answer a = ask(s, false, "GET", path, headers, NULL);
        const char *tag = strstr(hv_buf_str(&a.text), "ETag: ");

        assert_non_null(tag);
        tag += strlen("ETag: ");
        return hv_strndup(tag, strcspn(tag, "\r"));
}

static void a_change_is_made_to_what_was_seen(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *before = etag_of(s, "/api/v1/services/web", NULL), *now = NULL, *yaml = NULL,
                               *node = NULL, *any = NULL, *weak = NULL, *revision = NULL, *part = NULL,
                               *later = NULL;
        struct {
                const char *what, *list;
                unsigned status;
        } rows[] = {
                { "what was seen before", before, 412 },
                { "what is there", (stage_changed(s), now = etag_of(s, "/api/v1/services/web", NULL)), 200 },
                { "the same as YAML",
                  yaml = etag_of(s, "/api/v1/services/web", "Accept: application/yaml\r\n"), 200 },
                { "the node with what it uses", node = etag_of(s, "/api/v1/node", NULL), 200 },
                { "one of several", any = hv_asprintf("%s, %s", before, now), 200 },
                { "a weak tag is no match", weak = hv_asprintf("W/%s", now), 412 },
                { "a part of it", part = hv_asprintf("\"%.*s\"", (int) strlen(now) - 3, now + 1), 412 },
                { "a later one, which begins like it",
                  later = hv_asprintf("%.*s0\"", (int) strlen(now) - 1, now), 412 },
                { "whatever is there", "*", 200 },
                { "the revision in force", revision = hv_asprintf("\"%s\"", s->desired->revision), 200 },
                { "another revision", "\"aa11\"", 412 },
                { "an empty tag", "\"\"", 412 },
                { "no tag at all", "", 412 },
                { "without quotes", "1", 400 },
                { "without an end", "\"1", 400 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *header = hv_asprintf("If-Match: %s\r\n", rows[i].list);
                _hv_cleanup_(answer_done) struct answer a = {}, judged = {};

                *s->last_change = '\0';
                a = ask(s, false, "POST", "/api/v1/services/web/hold", header, NULL);
                if (a.status != rows[i].status || (*s->last_change == '\0') != (a.status != 200))
                        fail_msg("%s (%s): %u \"%s\"", rows[i].what, rows[i].list, a.status, s->last_change);
                judged = ask(s, false, "GET", "/api/v1/services/web", header, NULL); /* nothing is changed */
                assert_int_equal(judged.status, 200);
        }
}

static void they_are_shown(void **state) {
        static const struct hv_service_orders services[] = { { "web", { "ana", "it leaks", 1 }, {} } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer none = {}, some = {}, status = {}, why = {}, one = {},
                                                admitting = {};
        struct hv_unit_status *u = stage_unit(s, "hive-web-2");

        (void) state;
        none = get(s, "/api/v1/cordon");
        assert_int_equal(hv_json_type(at(none.json, "cordon")), HV_JSON_NULL);
        assert_int_equal(hv_json_size(at(none.json, "services")), 0);
        s->orders = (struct hv_orders){ .cordon = { "bob", NULL, 2 }, .services = services, .n_services = 1 };
        s->status.pressure = "the node is cordoned by bob";
        s->status.is_cordoned = true;
        for (int i = 1; i <= 2; i++) {
                u = stage_unit(s, i == 1 ? "hive-web" : "hive-web-2");
                u->phase = HV_PHASE_SUSPENDED;
                u->reason = HV_REASON_STOPPED_BY_USER;
                u->message = "stopped by ana: it leaks; until hivectl start";
        }
        stage_changed(s);
        some = get(s, "/api/v1/cordon");
        assert_string_equal(text_at(some.json, "cordon.by"), "bob");
        assert_string_equal(text_at(some.json, "services.0.stop.reason"), "it leaks");
        assert_int_equal(hv_json_type(at(some.json, "services.0.hold")), HV_JSON_NULL);
        status = get(s, "/api/v1/status");
        assert_string_equal(text_at(status.json, "orders.services.0.name"), "web");
        admitting = get(s, "/api/v1/why");
        assert_non_null(
                strstr(hv_buf_str(&admitting.text), "no task is admitted: the node is cordoned by bob"));
        one = get(s, "/api/v1/services/web/status");
        assert_string_equal(text_at(one.json, "phase"), "Suspended");
        assert_string_equal(text_at(one.json, "reason"), "StoppedByUser");
        assert_true(hv_json_bool(one.json, "inSync", false));
        why = get(s, "/api/v1/services/web/why");
        assert_string_equal(text_at(why.json, "units.0.blocking"),
                            "StoppedByUser: stopped by ana: it leaks; until hivectl start");
        assert_string_equal(text_at(why.json, "units.0.next"),
                            "nothing before somebody starts it: hivectl start");
        assert_non_null(strstr(hv_buf_str(&status.text), "\"reason\":\"Cordoned\""));
}

static void a_pause_is_shown_with_what_is_made_anew(void **state) {
        static const struct hv_service_orders services[] = { { .name = "web",
                                                               .pause = { "ana", "it is slow", 1 } } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer before = {}, all = {}, one = {}, why = {};
        struct hv_unit_status *u = stage_unit(s, "hive-web-2");

        (void) state;
        before = get(s, "/api/v1/services/web/status");
        assert_int_equal(hv_json_type(at(before.json, "paused")), HV_JSON_NULL);
        assert_int_equal(hv_json_as_int(at(before.json, "replicasUpdated"), -1), 2);
        s->orders = (struct hv_orders){ .services = services, .n_services = 1 };
        u->digest = "of before";
        u->reason = HV_REASON_ROLLOUT_PAUSED;
        u->message =
                "made as it was declared before, and paused by ana: it is slow; until hivectl rollout resume";
        stage_changed(s);
        all = get(s, "/api/v1/cordon");
        assert_string_equal(text_at(all.json, "services.0.pause.by"), "ana");
        one = get(s, "/api/v1/services/web/status");
        assert_string_equal(text_at(one.json, "paused.reason"), "it is slow");
        assert_string_equal(text_at(one.json, "phase"), "Running");
        assert_string_equal(text_at(one.json, "reason"), "RolloutPaused");
        assert_true(hv_json_bool(one.json, "inSync", false));
        assert_int_equal(hv_json_as_int(at(one.json, "replicasUpdated"), -1), 1);
        why = get(s, "/api/v1/services/web/why");
        assert_string_equal(text_at(why.json, "units.1.next"),
                            "it is not made anew before somebody resumes it: hivectl rollout resume");
}

/* Whoever asks is told of what he asked for, and whoever looks of everything. */
static void asked_images_are_shown(void **state) {
        static const struct hv_api_preload v[] = {
                { .image = "docker.io/library/old:1",
                  .by = "bob",
                  .phase = HV_API_PRELOAD_FAILED,
                  .message = "manifest unknown",
                  .asked_wall_us = 1,
                  .ended_wall_us = 2 },
                { .image = "docker.io/library/redis:7",
                  .by = "ana",
                  .phase = HV_API_PRELOAD_PULLING,
                  .message = "",
                  .came_bytes = 5,
                  .total_bytes = 9,
                  .asked_wall_us = 3 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer asked = {}, all = {}, refused = {};

        (void) state;
        s->preloads = (struct hv_api_preloads){ v, HV_ARRAY_SIZE(v) };
        asked = post(s, "/api/v1/preload", "{\"images\": [\"redis:7\"]}");
        assert_int_equal(hv_json_size(at(asked.json, "images")), 1);
        assert_string_equal(text_at(asked.json, "images.0.image"), "docker.io/library/redis:7");
        assert_string_equal(text_at(asked.json, "images.0.phase"), "Pulling");
        assert_int_equal(hv_json_type(at(asked.json, "images.0.endedAt")), HV_JSON_NULL);
        all = get(s, "/api/v1/preload");
        assert_int_equal(hv_json_size(at(all.json, "images")), 2);
        assert_string_equal(text_at(all.json, "images.0.message"), "manifest unknown");
        (void) hv_err_set(&s->err, -EPERM, "\"evil:1\" matches none of node.policy.images.allow");
        refused = post(s, "/api/v1/preload", "{\"images\": [\"evil:1\"]}");
        assert_int_equal(refused.status, 403);
        assert_string_equal(text_at(refused.json, "code"), "ImageNotAllowed");
}

static void what_cannot_be_is_said(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer stopped = {}, gone = {}, full = {};

        (void) state;
        (void) hv_err_set(&s->err, -EBUSY, "service web is stopped by ana: hivectl start web starts it");
        stopped = post(s, "/api/v1/services/web/restart", NULL);
        assert_int_equal(stopped.status, 409);
        assert_string_equal(text_at(stopped.json, "code"), "StoppedByUser");
        (void) hv_err_set(&s->err, -ENOENT, "service web has no container to signal");
        gone = post(s, "/api/v1/services/web/kill", NULL);
        assert_int_equal(gone.status, 404);
        (void) hv_err_set(&s->err, -ENOSPC, "/var/lib/hivelet/orders: No space left on device");
        full = post(s, "/api/v1/cordon", NULL);
        assert_int_equal(full.status, 500);
        assert_non_null(strstr(text_at(full.json, "detail"), "No space left"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_asked_for_reaches_the_backend),
                cmocka_unit_test(a_change_is_made_to_what_was_seen),
                cmocka_unit_test(they_are_shown),
                cmocka_unit_test(a_pause_is_shown_with_what_is_made_anew),
                cmocka_unit_test(asked_images_are_shown),
                cmocka_unit_test(what_cannot_be_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The documented paths of HiveMind's worker: each key of each shape, and each word. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "ask.h"
#include "base/alloc.h"
#include "http/render_task.h"
#include "log/log.h"
#include "spec/load.h"
#include "spec/yaml.h"

struct key {
        const char *path;
        enum hv_json_type type;
};

static void has(const struct answer *a, const struct key *keys, size_t n) {
        assert_int_equal(a->status, 200);
        for (size_t i = 0; i < n; i++) {
                const struct hv_json *value = at(a->json, keys[i].path);
                enum hv_json_type type = hv_json_type(value);

                /* A number that happens to be whole is a number. */
                if (type != keys[i].type && !(type == HV_JSON_INT && keys[i].type == HV_JSON_REAL))
                        fail_msg("%s: type %d, expected %d", keys[i].path, type, keys[i].type);
        }
}

static void api_status(void **state) {
        static const struct key keys[] = {
                { "node_id", HV_JSON_STR },
                { "status", HV_JSON_STR },
                { "is_registered", HV_JSON_BOOL },
                { "docker_available", HV_JSON_BOOL },
                { "cpu_percent", HV_JSON_REAL },
                { "memory_percent", HV_JSON_REAL },
                { "available_resources.cpu", HV_JSON_REAL },
                { "available_resources.memory_gb", HV_JSON_REAL },
                { "available_resources.gpu", HV_JSON_REAL },
                { "available_resources.gpu_memory_gb", HV_JSON_REAL },
                { "total_resources.cpu", HV_JSON_REAL },
                { "total_resources.memory_gb", HV_JSON_REAL },
                { "total_resources.gpu", HV_JSON_REAL },
                { "total_resources.gpu_memory_gb", HV_JSON_REAL },
                { "running_tasks", HV_JSON_INT },
                { "trust_score", HV_JSON_INT },
                { "trust_group", HV_JSON_STR },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, down = {};
        double percent;

        (void) state;
        stage_tasks(s);
        a = ask(s, true, "GET", "/api/status", NULL, NULL);
        has(&a, keys, HV_ARRAY_SIZE(keys));
        assert_string_equal(text_at(a.json, "node_id"), "worker-1");
        assert_string_equal(text_at(a.json, "status"), "BUSY");
        assert_true(hv_json_bool(a.json, "docker_available", false));
        assert_int_equal(hv_json_int(a.json, "running_tasks", -1), 1);
        assert_int_equal(hv_json_int(a.json, "trust_score", -1), 7);
        assert_true(hv_json_as_real(at(a.json, "available_resources.memory_gb"), 0) == 6.0);
        assert_true(hv_json_as_real(at(a.json, "available_resources.cpu"), 0) == 2.5);
        percent = hv_json_real(a.json, "cpu_percent", -1);
        assert_true(percent >= 0 && percent <= 100);
        percent = hv_json_real(a.json, "memory_percent", -1);
        assert_true(percent > 0 && percent < 100);
        stage_lose_engine(s);
        down = get(s, "/api/status");
        assert_false(hv_json_bool(down.json, "docker_available", true));
        assert_string_equal(text_at(down.json, "status"), "ERROR");
}

static void api_tasks(void **state) {
        static const struct key keys[] = {
                { "tasks.0.task_id", HV_JSON_STR },
                { "tasks.0.status", HV_JSON_STR },
                { "tasks.1.start_time", HV_JSON_STR },
                { "tasks.0.start_time", HV_JSON_NULL }, /* not started yet */
                { "tasks.0.elapsed", HV_JSON_REAL },
                { "tasks.0.resources.cpu", HV_JSON_REAL },
                { "tasks.0.resources.memory_gb", HV_JSON_REAL },
                { "tasks.0.resources.gpu", HV_JSON_REAL },
                { "tasks.0.resources.gpu_memory_gb", HV_JSON_REAL },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        stage_tasks(s);
        a = ask(s, true, "GET", "/api/tasks", NULL, NULL);
        has(&a, keys, HV_ARRAY_SIZE(keys));
        assert_int_equal(hv_json_size(at(a.json, "tasks")), 5);
        assert_string_equal(text_at(a.json, "tasks.0.task_id"), "big-1");
        assert_string_equal(text_at(a.json, "tasks.0.status"), "ALLOCATED");
        assert_string_equal(text_at(a.json, "tasks.1.status"), "RUNNING");
        assert_true(hv_json_as_real(at(a.json, "tasks.1.elapsed"), 0) == 25 * 60.0);
        assert_string_equal(text_at(a.json, "tasks.2.status"), "FAILED");
        assert_string_equal(text_at(a.json, "tasks.3.status"), "COMPLETED");
        assert_true(hv_json_as_real(at(a.json, "tasks.3.elapsed"), 0) == 90.0);
        assert_string_equal(text_at(a.json, "tasks.4.status"), "FAILED"); /* it took too long */
}

static void words_of_the_states(void **state) {
        static const char *const words[] = {
                [HV_TASK_QUEUED] = "ALLOCATED",   [HV_TASK_ADMITTED] = "ALLOCATED",
                [HV_TASK_FETCHING] = "ALLOCATED", [HV_TASK_RUNNING] = "RUNNING",
                [HV_TASK_COLLECTING] = "RUNNING", [HV_TASK_COMPLETED] = "COMPLETED",
                [HV_TASK_FAILED] = "FAILED",      [HV_TASK_TIMED_OUT] = "FAILED",
                [HV_TASK_STOPPED] = "FAILED",     [HV_TASK_REJECTED] = "FAILED",
        };

        (void) state;
        assert_int_equal(HV_ARRAY_SIZE(words), HV_N_TASK_STATES);
        for (unsigned i = 0; i < HV_N_TASK_STATES; i++)
                assert_string_equal(hv_legacy_task_state((enum hv_task_state) i), words[i]);
}

static void api_resources(void **state) {
        static const struct key keys[] = {
                { "cpu_available", HV_JSON_REAL },
                { "memory_available", HV_JSON_REAL },
                { "disk_available", HV_JSON_REAL },
                { "running_tasks", HV_JSON_INT },
                { "system.timestamp", HV_JSON_STR },
                { "system.cpu_percent", HV_JSON_REAL },
                { "system.cpu_count", HV_JSON_INT },
                { "system.cpu_frequency", HV_JSON_INT },
                { "system.memory_percent", HV_JSON_REAL },
                { "system.disk_percent", HV_JSON_REAL },
                { "system.network_rx", HV_JSON_INT },
                { "system.network_tx", HV_JSON_INT },
                { "system.process_count", HV_JSON_INT },
                { "system.load_average.2", HV_JSON_REAL },
                { "containers.hive-web-1.cpu_percent", HV_JSON_REAL },
                { "containers.hive-web-1.memory_usage", HV_JSON_INT },
                { "containers.hive-web-1.memory_limit", HV_JSON_INT },
                { "containers.hive-web-1.memory_percent", HV_JSON_REAL },
                { "containers.hive-web-1.network_rx", HV_JSON_INT },
                { "containers.hive-web-1.network_tx", HV_JSON_INT },
                { "containers.hive-web-1.timestamp", HV_JSON_STR },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, none = {};

        (void) state;
        stage_tasks(s);
        s->host.cpu_percent = 61;
        a = ask(s, true, "GET", "/api/resources", NULL, NULL);
        has(&a, keys, HV_ARRAY_SIZE(keys));
        assert_true(hv_json_as_real(at(a.json, "cpu_available"), 0) == 39); /* free, not used */
        assert_true(hv_json_as_real(at(a.json, "memory_available"), 0) == 6);
        assert_int_equal(hv_json_as_int(at(a.json, "containers.hive-web-1.memory_usage"), 0), 3072);
        assert_true(hv_json_as_real(at(a.json, "containers.hive-web-1.memory_percent"), 0) == 37.5);
        /* Without a limit: the machine's memory. */
        assert_int_equal(hv_json_as_int(at(a.json, "containers.task-train-1.memory_limit"), 0),
                         INT64_C(8) << 30);
        s->usage = (struct hv_monitor_view){};
        none = ask(s, true, "GET", "/api/resources", NULL, NULL);
        assert_int_equal(hv_json_type(at(none.json, "cpu_available")),
                         HV_JSON_NULL); /* not: all of it is free */
        assert_int_equal(hv_json_type(at(none.json, "memory_available")), HV_JSON_NULL);
        assert_int_equal(hv_json_type(at(none.json, "disk_available")), HV_JSON_NULL);
}

static void api_stop_task(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer stopped = {}, ended = {}, none = {}, odd = {}, tcp = {};

        (void) state;
        stage_tasks(s);
        stopped = post(s, "/api/stop_task/train-1", NULL);
        assert_int_equal(stopped.status, 200);
        assert_true(hv_json_bool(stopped.json, "success", false));
        assert_string_equal(text_at(stopped.json, "message"), "Task train-1 stopped");
        s->task_outcome = HV_API_TASK_SAME;
        ended = post(s, "/api/stop_task/resize-7", NULL);
        assert_int_equal(ended.status, 200);
        assert_true(hv_json_bool(ended.json, "success", false));
        assert_string_equal(text_at(ended.json, "message"), "Task resize-7 has already ended");
        s->task_outcome = HV_API_TASK_FAILED;
        (void) hv_err_set(&s->err, -ENOENT, "task x is not known");
        odd = post(s, "/api/stop_task/%2e%2e",
                   NULL); /* a path that cannot be read is refused in this shape, too */
        assert_int_equal(odd.status, 400);
        assert_true(web_has_header(&odd.text, "Content-Type: application/json"));
        assert_non_null(text_at(odd.json, "error"));
        none = post(s, "/api/stop_task/x", NULL);
        assert_int_equal(none.status, 404);
        assert_false(hv_json_bool(none.json, "success", true));
        assert_string_equal(text_at(none.json, "error"), "Task not found");
        s->n_changes = 0;
        tcp = ask(s, true, "POST", "/api/stop_task/train-1", NULL, NULL);
        assert_int_equal(tcp.status, 401);
        assert_string_equal(text_at(tcp.json, "error"), "Unauthorized");
        assert_int_equal(s->n_changes, 0);
}

/* The setting of this name; NULL: none. */
static const struct hv_json *setting(const struct answer *a, const char *field) {
        const struct hv_json *all = hv_json_get(a->json, "settings");

        for (size_t i = 0; i < hv_json_size(all); i++)
                if (hv_streq(hv_json_str(hv_json_at(all, i), "field"), field))
                        return hv_json_at(all, i);
        return NULL;
}

static void api_settings(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, refused = {};
        const struct hv_json *one;

        (void) state;
        stage_settings(s);
        a = get(s, "/api/settings");
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "file"), "/etc/hivelet/node.yaml");
        one = setting(&a, "gc.interval"); /* written */
        assert_string_equal(hv_json_str(one, "value"), "7m");
        assert_string_equal(hv_json_str(one, "origin"), "file");
        assert_string_equal(hv_json_str(one, "where"), "/etc/hivelet/node.yaml:4");
        one = setting(&a, "http.listen"); /* not written */
        assert_string_equal(hv_json_str(one, "value"), "127.0.0.1:5000");
        assert_string_equal(hv_json_str(one, "origin"), "default");
        assert_null(hv_json_str(one, "where"));
        one = setting(&a, "master.heartbeat");
        assert_string_equal(hv_json_str(one, "origin"), "variable");
        assert_string_equal(hv_json_str(one, "where"), "HEARTBEAT_INTERVAL");
        assert_string_equal(hv_json_str(one, "value"), "10s");
        one = setting(&a, "node.id");
        assert_string_equal(hv_json_str(one, "origin"), "flag");
        assert_string_equal(hv_json_str(one, "where"), "--node-id");
        /* Objects are none, and no secret is among them. */
        assert_null(setting(&a, "services"));
        assert_null(strstr(hv_buf_str(&a.text), "hunter2"));

        refused = ask(s, false, "POST", "/api/settings", "Content-Type: application/json\r\n",
                      "{\"gc.interval\":\"2m\",\"http.listen\":1,\"nonsense\":2}");
        assert_int_equal(refused.status, 405);
        assert_true(web_has_header(&refused.text, "Allow: GET, HEAD"));
        assert_string_equal(
                text_at(refused.json, "error"),
                "settings are changed in /etc/hivelet/node.yaml, not here; gc.interval stands "
                "at /etc/hivelet/node.yaml:4; nobody wrote http.listen yet; there is no field nonsense");
}

static void log_a_line(struct stage *s, unsigned number) {
        char message[40];
        const struct hv_log_record record = { .level = LOG_WARNING,
                                              .realtime_us = s->wall_us,
                                              .message = message };

        (void) snprintf(message, sizeof message, "line %u", number);
        hv_api_event(s->api, &record);
}

/* 1000 lines are kept; one more, and the newest 500 are. */
static void api_logs(void **state) {
        static const struct key keys[] = { { "logs.0.timestamp", HV_JSON_STR },
                                           { "logs.0.level", HV_JSON_STR },
                                           { "logs.0.message", HV_JSON_STR } };
        const struct hv_log_record debug = { .level = LOG_DEBUG, .message = "not urgent enough" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer full = {}, trimmed = {}, viewer = {};

        (void) state;
        for (unsigned i = 1; i <= 1000; i++)
                log_a_line(s, i);
        hv_api_event(s->api, &debug);
        full = get(s, "/api/logs");
        has(&full, keys, HV_ARRAY_SIZE(keys));
        assert_int_equal(hv_json_size(at(full.json, "logs")), 1000);
        assert_string_equal(text_at(full.json, "logs.0.message"), "line 1");
        assert_string_equal(text_at(full.json, "logs.0.level"), "WARNING");
        assert_string_equal(text_at(full.json, "logs.999.message"), "line 1000");
        log_a_line(s, 1001);
        trimmed = get(s, "/api/logs");
        assert_int_equal(hv_json_size(at(trimmed.json, "logs")), 500);
        assert_string_equal(text_at(trimmed.json, "logs.0.message"), "line 502");
        assert_string_equal(text_at(trimmed.json, "logs.499.message"), "line 1001");
        viewer = ask(s, true, "GET", "/api/logs", NULL, NULL);
        assert_int_equal(viewer.status, 401);
}

/* What an earlier run logged stands before what this one did, as far as there is room. */
static void api_logs_of_earlier_runs(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};
        char message[32];

        (void) state;
        for (unsigned i = 1; i <= 990; i++)
                log_a_line(s, i);
        for (unsigned i = 1; i <= 10; i++) {
                (void) snprintf(message, sizeof message, "before %u", i);
                assert_true(hv_api_log_past(s->api, i, LOG_ERR, message));
        }
        assert_false(hv_api_log_past(s->api, 11, LOG_ERR, "too far back"));
        a = get(s, "/api/logs");
        assert_int_equal(hv_json_size(at(a.json, "logs")), 1000);
        assert_string_equal(text_at(a.json, "logs.0.message"), "before 10");
        assert_string_equal(text_at(a.json, "logs.0.level"), "ERROR");
        assert_string_equal(text_at(a.json, "logs.9.message"), "before 1");
        assert_string_equal(text_at(a.json, "logs.10.message"), "line 1");
}

static void api_metrics(void **state) {
        static const struct key keys[] = {
                { "node_id", HV_JSON_STR },
                { "running_tasks", HV_JSON_INT },
                { "trust_score", HV_JSON_INT },
                { "available_resources.cpu", HV_JSON_REAL },
                { "total_resources.memory_gb", HV_JSON_REAL },
                { "system.cpu_percent", HV_JSON_REAL },
                { "containers.hive-web-1.memory_usage", HV_JSON_INT },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        stage_tasks(s);
        a = ask(s, true, "GET", "/api/metrics", NULL, NULL);
        has(&a, keys, HV_ARRAY_SIZE(keys));
        assert_true(web_has_header(&a.text, "Content-Type: application/json")); /* Prometheus has /metrics */
}

/* What controlled a worker from outside is not there, and it is told what is. */
static void paths_of_the_worker(void **state) {
        static const struct {
                const char *path, *word;
        } gone[] = {
                { "/api/login", "POST /login" },
                { "/api/register-worker", "master.address" },
                { "/api/update_location", "no pool" },
        };
        static const struct key keys[] = { { "node_id", HV_JSON_STR },
                                           { "version", HV_JSON_STR },
                                           { "is_registered", HV_JSON_BOOL },
                                           { "docker_available", HV_JSON_BOOL },
                                           { "total_resources.cpu", HV_JSON_REAL } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer info = {}, none = {};

        (void) state;
        stage_tasks(s);
        info = get(s, "/api/worker-info");
        has(&info, keys, HV_ARRAY_SIZE(keys));
        for (size_t i = 0; i < HV_ARRAY_SIZE(gone); i++) {
                _hv_cleanup_(answer_done) struct answer a = post(s, gone[i].path, "{}");

                assert_int_equal(a.status, 410);
                assert_non_null(strstr(text_at(a.json, "error"), gone[i].word));
        }
        none = get(s, "/api/nothing");
        assert_int_equal(none.status, 404);
        assert_string_equal(text_at(none.json, "error"), "there is nothing at /api/nothing");
}

/* Without a login that is needed, and with one that is not enough. */
static void who_may_not_is_told_in_their_shape(void **state) {
        static const struct {
                const char *method, *path;
                bool is_viewers;
        } rows[] = {
                { "GET", "/api/status", true },      { "GET", "/api/tasks", true },
                { "GET", "/api/resources", true },   { "GET", "/api/metrics", true },
                { "GET", "/api/settings", true },    { "POST", "/api/settings", true },
                { "GET", "/api/worker-info", true }, { "POST", "/api/register-worker", true },
                { "GET", "/api/logs", false },       { "POST", "/api/stop_task/train-1", false },
        };
        static const struct hv_auth_settings settings = { .is_required = true,
                                                          .session_life_us = HV_USEC_PER_DAY };
        const struct hv_token wish = { .name = (char *) "grafana", .role = HV_ROLE_VIEWER };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *bearer = NULL;
        char token[HV_CREDENTIAL_SIZE];

        (void) state;
        stage_tasks(s);
        assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
        assert_int_equal(hv_auth_configure(s->auth, &settings, NULL), 0);
        bearer = hv_asprintf("Authorization: Bearer %s\r\n", token);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer none =
                        ask(s, true, rows[i].method, rows[i].path, NULL, NULL);
                _hv_cleanup_(answer_done) struct answer viewer =
                        ask(s, true, rows[i].method, rows[i].path, bearer, NULL);

                if (none.status != 401 || !hv_streq(web_body(&none.text), "{\"error\":\"Unauthorized\"}\n"))
                        fail_msg("%s %s: %u %s", rows[i].method, rows[i].path, none.status,
                                 web_body(&none.text));
                if ((viewer.status != 403) != rows[i].is_viewers ||
                    (!rows[i].is_viewers && !hv_streq(web_body(&viewer.text), "{\"error\":\"Forbidden\"}\n")))
                        fail_msg("%s %s: %u %s", rows[i].method, rows[i].path, viewer.status,
                                 web_body(&viewer.text));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(api_status),
                cmocka_unit_test(api_tasks),
                cmocka_unit_test(words_of_the_states),
                cmocka_unit_test(api_resources),
                cmocka_unit_test(api_stop_task),
                cmocka_unit_test(api_settings),
                cmocka_unit_test(api_logs),
                cmocka_unit_test(api_logs_of_earlier_runs),
                cmocka_unit_test(api_metrics),
                cmocka_unit_test(paths_of_the_worker),
                cmocka_unit_test(who_may_not_is_told_in_their_shape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

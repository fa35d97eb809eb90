/* Metrics: what they say, and that every scraper can read them. */
#include "testing.h"

#include "ask.h"
#include "exposition.h"

static void do_some_work(struct stage *s) {
        struct hv_metrics *m = hv_api_metrics(s->api);
        const struct hv_action create = { .type = HV_ACTION_CREATE, .key = "service/web/1" };
        const struct hv_action connect = { .type = HV_ACTION_CONNECT, .key = "engine" };
        const struct hv_action pull = { .type = HV_ACTION_PULL, .key = "image/nginx" };
        const struct hv_task_end ends[] = {
                { .final = true,
                  .state = HV_TASK_COMPLETED,
                  .cause = HV_CAUSE_SUCCESS,
                  .started_wall_us = 1000000,
                  .finished_wall_us = 31000000 },
                { .final = false, .cause = HV_CAUSE_OOM, .started_wall_us = 1, .finished_wall_us = 2 },
                { .final = true, .state = HV_TASK_FAILED, .cause = HV_CAUSE_OOM },
        };
        struct hv_note oom = { .type = HV_NOTE_EXITED,
                               .reason = HV_REASON_OOM_KILLED,
                               .container = (char *) "hive-proxy" };
        struct hv_note end = { .type = HV_NOTE_EXITED,
                               .reason = HV_REASON_BACK_OFF,
                               .container = (char *) "hive-web" };

        hv_metrics_pass(m, 50, 3);
        hv_metrics_pass(m, 51, 0);
        hv_metrics_pass(m, 999999, 0);
        hv_metrics_action(m, &connect, HV_OUTCOME_OK, 1000);
        hv_metrics_action(m, &create, HV_OUTCOME_OK, 30000);
        hv_metrics_action(m, &create, HV_OUTCOME_CONFLICT, 99000000);
        hv_metrics_action(m, &pull, HV_OUTCOME_OK, 4000000);
        for (size_t i = 0; i < HV_ARRAY_SIZE(ends); i++) {
                const struct hv_action task_end = { .type = HV_ACTION_TASK_END,
                                                    .key = "task/sieve",
                                                    .end = &ends[i] };

                hv_metrics_action(m, &task_end, HV_OUTCOME_OK, 900);
                hv_metrics_action(m, &task_end, HV_OUTCOME_FAILED, 900);
        }
        hv_metrics_gc(m, "image", 1 << 20);
        hv_metrics_note(m, &oom);
        hv_metrics_note(m, &oom);
        hv_metrics_note(m, &end);
}

/* A pool and a tunnel. */
static void connect_node(struct stage *s) {
        static const struct hv_api_peer peers[] = {
                { .name = "hub",
                  .public_key = "k=",
                  .handshake_wall_us = 1500000,
                  .rx_bytes = 7,
                  .tx_bytes = 8 },
                { .public_key = "m=" },
        };
        static const struct hv_api_tunnel tunnel = {
                .name = "hive0", .backend = "kernel", .public_key = "o=", .peers = peers, .n_peers = 2
        };

        s->pool = (struct hv_api_pool){ .address = "10.0.0.1:50051",
                                        .dialect = "v1",
                                        .phase = "Online",
                                        .message = "",
                                        .online = true,
                                        .answered_us = STAGE_NOW_US - 5 * HV_USEC_PER_SEC,
                                        .n_calls = 9,
                                        .n_failures = 1,
                                        .has_balance = true,
                                        .balance = -3,
                                        .n_owed = 2,
                                        .owed_bytes = 4096 };
        s->tunnel = &tunnel;
}

/* All that a kernel and a driver can tell. */
static void see_more(struct stage *s) {
        static struct hv_gpus gpus;
        struct hv_cgroup_figures *web = &s->containers[0].sample.figures;

        gpus = *s->usage.gpus;
        gpus.v[0].temperature_c = 61;
        s->gpus = s->usage.gpus = &gpus;
        web->known |= HV_CGROUP_IO;
        web->read_bytes = 7;
        web->written_bytes = 8;
}

/* For hack/check-monitoring, which has promtool read them. */
static void keep(const char *text, size_t row, size_t make, bool open_metrics) {
        const char *folder = getenv("HV_METRICS_TO");
        _hv_cleanup_free_ char *path = NULL;
        FILE *f;

        if (!folder)
                return;
        path = hv_asprintf("%s/%zu-%zu.%s", folder, row, make, open_metrics ? "openmetrics" : "prom");
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* Whoever scrapes sees names of objects, and nothing of what they hold: images, variables and their values, secrets, labels, places. */
static void tells_no_more_than_names(const char *text) {
        static const char *const hidden[] = { "docker.io", "hunter2", "POSTGRES_PASSWORD", "TOKEN",
                                              "tier",      "main.py", "10.0.0.1" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(hidden); i++)
                if (strstr(text, hidden[i]))
                        fail_msg("%s stands in the metrics: %s", hidden[i], strstr(text, hidden[i]));
}

static void both_formats_are_clean(void **state) {
        static const struct {
                const char *accept, *type;
                bool open_metrics;
        } rows[] = {
                { NULL, "Content-Type: text/plain; version=0.0.4; charset=utf-8", false },
                { "Accept: text/plain;version=0.0.4\r\n",
                  "Content-Type: text/plain; version=0.0.4; charset=utf-8", false },
                { "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n",
                  "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8", true },
        };
        static void (*const makes[])(struct stage *) = { NULL,         stage_break_web, stage_lose_engine,
                                                         stage_park,   stage_refuse,    stage_tasks,
                                                         connect_node, see_more };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                for (size_t j = 0; j < HV_ARRAY_SIZE(makes); j++) {
                        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                        _hv_cleanup_(answer_done) struct answer a = {};

                        if (makes[j])
                                makes[j](s);
                        if (j > 0)
                                do_some_work(s);
                        a = ask(s, true, "GET", "/metrics", rows[i].accept, NULL);
                        assert_int_equal(a.status, 200);
                        assert_true(web_has_header(&a.text, rows[i].type));
                        exposition_check(web_body(&a.text), rows[i].open_metrics);
                        tells_no_more_than_names(web_body(&a.text));
                        keep(web_body(&a.text), i, j, rows[i].open_metrics);
                }
        }
}

static void figures_are_right(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};
        const char *t;

        (void) state;
        stage_break_web(s);
        do_some_work(s);
        stage_event(s, "service", "web", "started");
        hv_metrics_pulled(hv_api_metrics(s->api), 4096);
        a = get(s, "/metrics");
        t = web_body(&a.text);
        assert_true(exposition_value(t, "hivelet_ready") == 1);
        assert_true(exposition_value(t, "hivelet_image_pull_bytes_total") == 4096);
        assert_true(exposition_value(t, "hivelet_events_total{event=\"ContainerStarted\"}") == 1);
        assert_true(exposition_value(t, "hivelet_events_total{event=\"InvariantViolated\"}") == 0);
        assert_true(exposition_value(t, "hivelet_converged") == 0);
        assert_true(exposition_value(t, "hivelet_docker_up") == 1);
        assert_true(exposition_value(t, "hivelet_config_valid") == 1);
        assert_true(exposition_value(t, "hivelet_out_of_sync_seconds{kind=\"node\",name=\"worker-1\"}") ==
                    90);
        assert_true(exposition_value(t, "hivelet_source_age_seconds{source=\"file\"}") == 7290);
        assert_true(exposition_value(t, "hivelet_source_errors_total{source=\"api\"}") == 0);
        assert_true(exposition_value(t, "hivelet_objects{kind=\"service\",phase=\"Running\"}") == 2);
        assert_true(exposition_value(t, "hivelet_objects{kind=\"service\",phase=\"BackOff\"}") == 2);
        assert_true(exposition_value(t, "hivelet_blocked{reason=\"PullFailed\"}") == 1);
        assert_true(exposition_value(t, "hivelet_blocked{reason=\"OOMKilled\"}") == 1);
        assert_true(exposition_value(t, "hivelet_container_restarts_total{name=\"hive-proxy\"}") == 4);
        assert_true(exposition_value(t, "hivelet_oom_kills_total{name=\"hive-proxy\",scope=\"container\"}") ==
                    2);
        assert_false(exposition_has(t, "hivelet_oom_kills_total{name=\"hive-web\",scope=\"container\"}"));
        assert_true(exposition_value(t, "hivelet_reconcile_total{result=\"acted\"}") == 1);
        assert_true(exposition_value(t, "hivelet_reconcile_total{result=\"idle\"}") == 2);
        assert_true(exposition_value(t, "hivelet_reconcile_duration_seconds_bucket{le=\"5e-05\"}") == 1);
        assert_true(exposition_value(t, "hivelet_reconcile_duration_seconds_bucket{le=\"0.0001\"}") == 2);
        assert_true(exposition_value(t, "hivelet_reconcile_duration_seconds_bucket{le=\"+Inf\"}") == 3);
        assert_true(
                exposition_value(
                        t, "hivelet_actions_total{kind=\"service\",action=\"create\",result=\"conflict\"}") ==
                1);
        assert_true(exposition_value(
                            t, "hivelet_actions_total{kind=\"node\",action=\"connect\",result=\"ok\"}") == 1);
        assert_true(exposition_value(t, "hivelet_docker_call_duration_seconds_count{call=\"create\"}") == 2);
        assert_true(exposition_value(t, "hivelet_image_pull_duration_seconds_sum") == 4);
        assert_true(exposition_value(t, "process_resident_memory_bytes") > 1e6);
        assert_true(exposition_value(t, "process_open_fds") > 3);
        assert_true(exposition_value(t, "hivelet_http_requests_total") >= 1);
        assert_null(strstr(t, "hunter2"));
}

#define WEB "{name=\"hive-web-1\",kind=\"service\",object=\"web\"}"
#define TRAIN "{name=\"task-train-1\",kind=\"task\",object=\"train-1\"}"
#define TRAIN_GPU(id) "{name=\"task-train-1\",kind=\"task\",object=\"train-1\",acc_id=\"GPU-" id "\"}"

static void what_is_used_has_cadvisors_names(void **state) {
        static const struct {
                const char *series;
                double value;
        } rows[] = {
                { "container_cpu_usage_seconds_total" WEB, 1.5 },
                { "container_memory_usage_bytes" WEB, 4096 },
                { "container_memory_working_set_bytes" WEB, 3072 },
                { "container_spec_memory_limit_bytes" WEB, 8192 },
                { "container_oom_events_total" WEB, 2 },
                { "container_network_receive_bytes_total" WEB, 3000 },
                { "container_memory_usage_bytes" TRAIN, 2048 },
                { "container_accelerator_memory_used_bytes" TRAIN_GPU("aaaa"), 2147483648 },
                { "container_accelerator_memory_total_bytes" TRAIN_GPU("aaaa"), 25769803776 },
                { "container_accelerator_duty_cycle" TRAIN_GPU("aaaa"), 45 },
                { "hivelet_node_cpu_ratio", 0.5 },
                { "hivelet_node_cpu_busy_seconds_total", 1 }, /* 100 ticks */
                { "hivelet_node_memory_bytes{state=\"available\"}", 6442450944 },
                { "hivelet_node_filesystem_bytes{use=\"work\",state=\"available\"}", 500 },
                { "hivelet_node_network_receive_bytes_total", 10 },
                { "hivelet_node_pressure_waiting_seconds_total{resource=\"cpu\"}", 3 },
                { "hivelet_node_processes", 40 },
        };
        /* Not known is not 0. */
        static const char *const missing[] = { "container_cpu_usage_seconds_total" TRAIN,
                                               "container_accelerator_memory_used_bytes" TRAIN_GPU("gone"),
                                               "container_accelerator_memory_total_bytes" TRAIN_GPU("gone"),
                                               "container_accelerator_duty_cycle" TRAIN_GPU("gone"),
                                               "container_network_receive_bytes_total" TRAIN,
                                               "container_memory_max_usage_bytes" WEB,
                                               "container_pressure_cpu_waiting_seconds_total" WEB,
                                               "hivelet_node_pressure_waiting_seconds_total{resource=\"io\"}",
                                               "hivelet_node_temperature_celsius" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/metrics"), none = {};

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (exposition_value(web_body(&a.text), rows[i].series) != rows[i].value)
                        fail_msg("%s: %f", rows[i].series,
                                 exposition_value(web_body(&a.text), rows[i].series));
        for (size_t i = 0; i < HV_ARRAY_SIZE(missing); i++)
                if (exposition_has(web_body(&a.text), missing[i]))
                        fail_msg("%s is told", missing[i]);
        s->usage = (struct hv_monitor_view){};
        none = get(s, "/metrics");
        assert_null(strstr(web_body(&none.text), "hivelet_node_"));
        assert_null(strstr(web_body(&none.text), "accelerator"));
}

static void links_are_told(void **state) {
        static const struct {
                const char *series;
                double value;
        } rows[] = {
                { "hivelet_pool_up", 1 },
                { "hivelet_pool_calls_total", 9 },
                { "hivelet_pool_failures_total", 1 },
                { "hivelet_pool_balance", -3 },
                { "hivelet_outbox_results", 2 },
                { "hivelet_outbox_bytes", 4096 },
                { "hivelet_wireguard_peer_handshake_seconds{interface=\"hive0\",peer=\"hub\"}", 1.5 },
                { "hivelet_wireguard_peer_handshake_seconds{interface=\"hive0\",peer=\"m=\"}", 0 },
                { "hivelet_wireguard_peer_received_bytes_total{interface=\"hive0\",peer=\"hub\"}", 7 },
                { "hivelet_wireguard_peer_sent_bytes_total{interface=\"hive0\",peer=\"hub\"}", 8 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer none = get(s, "/metrics"), a = {};
        double age;

        (void) state;
        assert_null(strstr(web_body(&none.text), "hivelet_pool_"));
        assert_null(strstr(web_body(&none.text), "hivelet_wireguard_"));
        connect_node(s);
        a = get(s, "/metrics");
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (exposition_value(web_body(&a.text), rows[i].series) != rows[i].value)
                        fail_msg("%s: %f", rows[i].series,
                                 exposition_value(web_body(&a.text), rows[i].series));
        age = (double) s->wall_us / 1e6 -
              exposition_value(web_body(&a.text), "hivelet_pool_last_answer_timestamp_seconds");
        assert_true(age > 4.999 && age < 5.001);
}

static void metrics_can_be_switched_off(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {};

        (void) state;
        s->desired->settings.http_metrics = false;
        a = get(s, "/metrics");
        assert_int_equal(a.status, 404);
        b = get(s, "/livez");
        assert_int_equal(b.status, 200);
}

static void tasks_are_counted(void **state) {
        static const char *const lines[] = {
                "\nhivelet_tasks{state=\"Queued\"} 1\n",
                "\nhivelet_tasks{state=\"Running\"} 1\n",
                "\nhivelet_tasks{state=\"Collecting\"} 0\n",
                "\nhivelet_task_queue_depth 1\n",
                "\nhivelet_task_total{state=\"Completed\",cause=\"success\"} 1\n",
                "\nhivelet_task_total{state=\"Failed\",cause=\"oom\"} 1\n",
                "\nhivelet_task_duration_seconds_bucket{le=\"15\"} 1\n",
                "\nhivelet_task_duration_seconds_bucket{le=\"60\"} 2\n",
                "\nhivelet_task_duration_seconds_count 2\n",
                "\nhivelet_trust_score 7\n",
                "\nhivelet_resource_allocatable{resource=\"cpu\"} 4.000000\n",
                "\nhivelet_resource_reserved{resource=\"cpu\"} 1.500000\n",
                "\nhivelet_resource_reserved{resource=\"memory\"} 2147483648\n",
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, status = {};

        (void) state;
        stage_tasks(s);
        do_some_work(s);
        a = get(s, "/metrics");
        for (size_t i = 0; i < HV_ARRAY_SIZE(lines); i++)
                if (!strstr(web_body(&a.text), lines[i]))
                        fail_msg("missing: %s", lines[i]);
        assert_null(strstr(web_body(&a.text), "call=\"task end\""));
        assert_null(strstr(web_body(&a.text), "hivelet_objects{kind=\"task\""));
        status = get(s, "/api/v1/status");
        assert_int_equal(hv_json_as_int(at(status.json, "tasks.queued"), 0), 1);
        assert_int_equal(hv_json_as_int(at(status.json, "tasks.running"), 0), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_formats_are_clean), cmocka_unit_test(tasks_are_counted),
                cmocka_unit_test(figures_are_right),      cmocka_unit_test(what_is_used_has_cadvisors_names),
                cmocka_unit_test(links_are_told),         cmocka_unit_test(metrics_can_be_switched_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

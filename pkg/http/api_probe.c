/* What monitors ask: probes for machines (the status code decides), /health in the inherited shape, metrics.
 *
 * None of these names an object, an image or a variable, /metrics excepted. */
#include "http/api_task.h"

#include <stdio.h>

#include "http/metrics.h"
#include "http/render.h"
#include "http/server.h"

/* That it answers is the proof: handlers run on the very loop that must turn. */
void hv_api_get_livez(struct hv_http_request *req, void *userdata) {
        (void) userdata;
        hv_http_reply_data(req, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

struct check {
        const char *name;
        bool ok;
        const char *message;
};

/* ?exclude=engine,revision */
static bool is_excluded(const struct hv_http_request *req, const char *name) {
        const char *list = hv_http_query(req, "exclude");
        size_t len = strlen(name);

        while (list && *list) {
                size_t n = strcspn(list, ",");

                if (n == len && strncmp(list, name, len) == 0)
                        return true;
                list += n + (list[n] == ',');
        }
        return false;
}

void hv_api_get_readyz(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        bool verbose = hv_http_query_is_true(req, "verbose"), ready = true;

        hv_api_look(api, &v);
        const struct check checks[] = {
                { "loop", true, "" },
                { "engine", v.conditions[HV_CONDITION_ENGINE_REACHABLE].status == HV_CONDITION_TRUE,
                  v.conditions[HV_CONDITION_ENGINE_REACHABLE].reason },
                { "observation", v.snapshot.status->observed,
                  "the first look at the engine is not complete" },
                { "revision", v.snapshot.desired != NULL, "no revision of the desired state is in force" },
        };
        for (size_t i = 0; i < HV_ARRAY_SIZE(checks); i++) {
                bool excluded = is_excluded(req, checks[i].name);

                ready = ready && (checks[i].ok || excluded);
                if (excluded)
                        hv_buf_printf(&buf, "[+]%s excluded\n", checks[i].name);
                else if (checks[i].ok)
                        hv_buf_printf(&buf, "[+]%s ok\n", checks[i].name);
                else
                        hv_buf_printf(&buf, "[-]%s failed: %s\n", checks[i].name, checks[i].message);
        }
        if (ready && !verbose)
                hv_buf_clear(&buf);
        hv_buf_puts(&buf, ready ? (verbose ? "readyz check passed\n" : "ok\n") : "readyz check failed\n");
        hv_http_reply_text(req, ready ? 200 : 503, "text/plain; charset=utf-8", hv_buf_steal(&buf));
}

#define BUSY_PERCENT 95.0
#define DISK_LOW_PERCENT 90.0
#define CHECK_SIZE 80

static void put_check(struct hv_json_writer *w, const char *name, bool healthy, const char *message) {
        hv_json_begin_object(w, name);
        hv_json_put_str(w, "status", healthy ? "healthy" : "unhealthy");
        hv_json_put_str(w, "message", message);
        hv_json_end(w);
}

/* What the documents call too much. CPU counts once two samples tell it. */
static bool check_resources(const struct hv_host_sample *s, char ret[CHECK_SIZE]) {
        double memory = hv_host_memory_percent(&s->memory);

        if (s->cpu_is_known && s->cpu_percent > BUSY_PERCENT)
                (void) snprintf(ret, CHECK_SIZE, "High CPU usage: %.0f%%", s->cpu_percent);
        else if (memory > BUSY_PERCENT)
                (void) snprintf(ret, CHECK_SIZE, "High memory usage: %.0f%%", memory);
        else {
                (void) snprintf(ret, CHECK_SIZE, "CPU: %.0f%%, Memory: %.0f%%", s->cpu_percent, memory);
                return true;
        }
        return false;
}

static bool check_disks(const struct hv_host_sample *s, char ret[CHECK_SIZE]) {
        const struct hv_file_system *fullest = NULL;
        double used = hv_host_disk_percent(s, &fullest);
        bool is_low = used > DISK_LOW_PERCENT;

        (void) snprintf(ret, CHECK_SIZE, is_low ? "Low disk space: %.0f%% used (%s)" : "%.0f%% used (%s)",
                        used, fullest ? fullest->use : "none");
        return !is_low;
}

/* The shape that HiveMind's worker documentation gives, answered from the last samples. Its check `vpn` comes with the part that
 * joins one: what is not looked at is not called healthy. */
void hv_api_get_health(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_condition *engine = &v.conditions[HV_CONDITION_ENGINE_REACHABLE];
        const struct hv_condition *config = &v.conditions[HV_CONDITION_CONFIG_VALID];
        bool docker_enabled, docker_ok, config_ok, pool_ok, resources_ok, disks_ok, healthy;
        char resources[CHECK_SIZE] = "no sample yet", disks[CHECK_SIZE] = "no sample yet";
        struct hv_monitor_view usage;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        hv_api_usage(api, &usage);
        resources_ok = !usage.host || check_resources(usage.host, resources);
        disks_ok = !usage.host || check_disks(usage.host, disks);
        docker_enabled = !v.snapshot.desired || v.snapshot.desired->settings.docker_enabled;
        docker_ok = !docker_enabled || engine->status == HV_CONDITION_TRUE;
        config_ok = config->status != HV_CONDITION_FALSE;
        pool_ok = !v.snapshot.pool.address || v.snapshot.pool.online;
        healthy = docker_ok && config_ok && pool_ok && resources_ok && disks_ok;

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "status", healthy ? "healthy" : "unhealthy");
        hv_json_begin_object(&w, "checks");
        put_check(&w, "docker", docker_ok, docker_enabled ? engine->message : "not configured");
        put_check(&w, "node_pool", pool_ok,
                  !v.snapshot.pool.address   ? "not configured"
                  : v.snapshot.pool.online   ? "online"
                  : *v.snapshot.pool.message ? v.snapshot.pool.message
                                             : v.snapshot.pool.phase);
        put_check(&w, "resources", resources_ok, resources);
        put_check(&w, "disk_space", disks_ok, disks);
        put_check(&w, "desired_state", config_ok, config->reason);
        hv_json_end(&w);
        hv_render_time(&w, "timestamp", v.snapshot.now_wall_us);
        hv_json_end(&w);
        hv_api_reply(req, healthy ? 200 : 503, &buf);
}

void hv_api_get_metrics(struct hv_http_request *req, void *userdata) {
        const struct hv_api_listener *listener = userdata;
        struct hv_api *api = listener->api;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        const char *accept = hv_http_header(req, "Accept");
        bool open_metrics = accept && strstr(accept, "application/openmetrics-text");
        struct hv_monitor_view usage;
        struct hv_http_stats stats;
        struct hv_buf buf = {};

        hv_api_look_at_tasks(api, &v);
        if (v.view.snapshot.desired && !v.view.snapshot.desired->settings.http_metrics) {
                hv_http_reply_problem(req, 404, "NotFound",
                                      "metrics are switched off by http.metrics.enabled");
                return;
        }
        hv_http_server_stats(listener->server, &stats);
        hv_api_usage(api, &usage);
        hv_metrics_render(api->metrics, &v.view.snapshot, &v.tasks, &usage, &stats,
                          open_metrics ? HV_METRICS_OPENMETRICS : HV_METRICS_PROMETHEUS, &buf);
        hv_http_reply_text(req, 200,
                           open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8",
                           hv_buf_steal(&buf));
}

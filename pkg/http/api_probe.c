/* What monitors ask: probes for machines (the status code decides), metrics. /health: api_health.c.
 *
 * None of these names an object, an image or a variable, /metrics excepted. */
#include "http/api_task.h"

#include "http/metrics.h"
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

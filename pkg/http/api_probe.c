/* What monitors ask: probes for machines (the status code decides), metrics. /health: api_health.c.
 *
 * None of these names an object, an image or a variable, /metrics excepted. */
#include "http/api_task.h"

#include <stdio.h>

#include "base/text.h"
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
static bool is_excluded(const char *list, const char *name) {
        size_t len = strlen(name);

        while (list && *list) {
                size_t n = strcspn(list, ",");

                if (n == len && strncmp(list, name, len) == 0)
                        return true;
                list += n + (list[n] == ',');
        }
        return false;
}

/* What is to be left out and is no check: whoever wrote it believes that it is left out. */
static void put_unknown(struct hv_buf *buf, const char *list, const struct check *checks, size_t n_checks) {
        while (list && *list) {
                char name[64], quoted[HV_TEXT_QUOTE_SIZE];
                size_t n = strcspn(list, ",");
                bool is_known = n == 0;

                (void) snprintf(name, sizeof name, "%.*s", (int) HV_MIN(n, sizeof name - 1), list);
                for (size_t i = 0; i < n_checks; i++)
                        is_known = is_known || hv_streq(checks[i].name, name);
                if (!is_known) {
                        hv_buf_printf(buf, "[!]no check is called %s; there are",
                                      hv_text_quote(name, quoted));
                        for (size_t i = 0; i < n_checks; i++)
                                hv_buf_printf(buf, "%s %s", i > 0 ? "," : "", checks[i].name);
                        hv_buf_putc(buf, '\n');
                }
                list += n + (list[n] == ',');
        }
}

void hv_api_get_readyz(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        bool verbose = hv_http_query_is_true(req, "verbose"), ready = true;
        const char *exclude = hv_http_query(req, "exclude");

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
                bool excluded = is_excluded(exclude, checks[i].name);

                ready = ready && (checks[i].ok || excluded);
                if (excluded)
                        hv_buf_printf(&buf, "[+]%s excluded\n", checks[i].name);
                else if (checks[i].ok)
                        hv_buf_printf(&buf, "[+]%s ok\n", checks[i].name);
                else
                        hv_buf_printf(&buf, "[-]%s failed: %s\n", checks[i].name, checks[i].message);
        }
        put_unknown(&buf, exclude, checks, HV_ARRAY_SIZE(checks));
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

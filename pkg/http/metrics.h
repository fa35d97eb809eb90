/* http/metrics.h - what is counted as it happens, and the exposition of all metrics.
 *
 * Model    Gauges are read from the snapshot at the moment of the scrape; counters and histograms have to be
 *          told, here, by whoever sees the thing happen. A scrape calls nothing and nobody.
 * Names    prefix hivelet_, base units, HELP and TYPE each. Labels are bounded: kinds, actions, results and
 *          declared names, never ids.
 * Formats  Prometheus text 0.0.4 and OpenMetrics 1.0.0.
 */
#pragma once

#include "base/macros.h"
#include "log/events.h"
#include "reconcile/action.h"

struct hv_api_snapshot;
struct hv_api_tasks;
struct hv_buf;
struct hv_http_stats;
struct hv_monitor_view;
struct hv_note;

struct hv_metrics;

struct hv_metrics *hv_metrics_new(void);
struct hv_metrics *hv_metrics_free(struct hv_metrics *m); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_metrics, hv_metrics_free);

/* One pass of the planner: how long it took, and how many actions it handed out. */
void hv_metrics_pass(struct hv_metrics *m, uint64_t duration_us, size_t n_actions);
/* The outcome of an action that was performed, looks included. */
void hv_metrics_action(struct hv_metrics *m, const struct hv_action *action, enum hv_outcome outcome,
                       uint64_t duration_us);
/* So many bytes of images were downloaded. */
void hv_metrics_pulled(struct hv_metrics *m, uint64_t bytes);
void hv_metrics_event(struct hv_metrics *m, enum hv_event event);
/* Something was collected ("image", ...), and so many bytes are free again. */
void hv_metrics_gc(struct hv_metrics *m, const char *what, uint64_t bytes);
void hv_metrics_gc_stuck(struct hv_metrics *m, bool is_stuck); /* after a round */
/* So many processes of a container were killed for want of memory, and it runs on. */
void hv_metrics_oom_child(struct hv_metrics *m, const char *container, uint64_t n);
/* A note of the core: OOM kills are counted from it. */
void hv_metrics_note(struct hv_metrics *m, const struct hv_note *note);

enum hv_metrics_format {
        HV_METRICS_PROMETHEUS,
        HV_METRICS_OPENMETRICS,
};

/* Writes everything. `http` may be NULL. */
void hv_metrics_render(const struct hv_metrics *m, const struct hv_api_snapshot *snapshot,
                       const struct hv_api_tasks *tasks, const struct hv_monitor_view *usage,
                       const struct hv_http_stats *http, enum hv_metrics_format format, struct hv_buf *ret);

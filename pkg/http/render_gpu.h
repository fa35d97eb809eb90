/* http/render_gpu.h - GPUs as JSON: what they do, and who holds which. Private to the module. */
#pragma once

#include "gpu/gpu.h"
#include "http/snapshot.h"
#include "monitor/monitor.h"

struct hv_exposition;
struct hv_gpu_history;
struct hv_json_writer;

/* gpus NULL: there are none; history NULL: without. null where a driver does not tell. */
void hv_render_gpu_usage(struct hv_json_writer *w, const char *key, const struct hv_gpus *gpus,
                         const struct hv_gpu_history *history);
/* Of one container. */
void hv_render_container_gpus(struct hv_json_writer *w, const char *key, const struct hv_container_gpu *v,
                              size_t n);
/* {"known": true, "message": null, "driver": "550.54", "items": [...]}: what there is, what is given away, and to whom. */
void hv_render_node_gpus(struct hv_json_writer *w, const char *key, const struct hv_gpus_status *status,
                         const struct hv_gpus *gpus);
void hv_metrics_gpus(struct hv_exposition *e, const struct hv_gpus *gpus);
void hv_metrics_container_gpus(struct hv_exposition *e, const struct hv_monitor_view *usage);

/* http/render_usage.h - samples as JSON: what the machine and its containers use (docs/resources.md).
 *
 * Units    bytes, seconds, percent. CPU of the machine is of all its processors; of a container one processor is 100.
 * Rules    null is not known: no sample yet, a rate before the second one, or what this kernel does not tell.
 */
#pragma once

#include "monitor/monitor.h"

struct hv_json_writer;

/* What the machine uses; null as long as there is no sample. */
void hv_render_host_usage(struct hv_json_writer *w, const char *key, const struct hv_host_sample *s,
                          const struct hv_history *history);
/* history NULL: without. */
void hv_render_container_usage(struct hv_json_writer *w, const struct hv_monitor_container *c,
                               bool with_history);
/* All of it. */
void hv_render_usage(struct hv_json_writer *w, const struct hv_monitor_view *v, bool with_history);

/* What the documented worker's get_container_stats() gives, by container's name, and its system sample. */
void hv_render_legacy_containers(struct hv_json_writer *w, const char *key, const struct hv_monitor_view *v);
void hv_render_legacy_system(struct hv_json_writer *w, const char *key, const struct hv_host_sample *s);

/* http/metrics_usage.h - families about the last samples: containers under the names that cAdvisor gave them, the machine under
 * hivelet_node_. Private to the module.
 *
 * Labels   of a container its name, kind and declared name, for as long as it runs: a task's series end with it.
 */
#pragma once

struct hv_exposition;
struct hv_monitor_view;

void hv_metrics_usage(struct hv_exposition *e, const struct hv_monitor_view *usage);

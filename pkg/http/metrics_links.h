/* http/metrics_links.h - metrics of what the node is connected to: its pool, the peers of its tunnels. Private to the module. */
#pragma once

#include "http/exposition.h"

struct hv_api_snapshot;

/* Nothing of a link that is not configured. */
void hv_metrics_links(struct hv_exposition *e, const struct hv_api_snapshot *s);

/* agent/gpus.h - the GPUs of this machine, for the parts of the agent. Private to pkg/agent.
 *
 *      helper (gpu/watch.h) --sample--> core: which there are, which are lost
 *                             '-------> API, metrics, pools: the last one
 *      what runs with a GPU, after its start and every resources.gpus.healthInterval:
 *          one inspect --> its cgroup --> may it still use the device? (gpu/access.h) --no--> core
 */
#pragma once

#include "gpu/gpu.h"

struct hv_agent;

int hv_agent_gpus_init(struct hv_agent *a, struct hv_err *err); /* before anybody can be admitted */
void hv_agent_gpus_end(struct hv_agent *a);                     /* before the engine and the core */

/* The last sample; NULL: there is none, or there are no GPUs. */
const struct hv_gpus *hv_agent_gpus_last(const struct hv_agent *a);
/* Of all of them that work, -1: not known. */
double hv_gpus_use_percent(const struct hv_gpus *gpus);
double hv_gpus_memory_percent(const struct hv_gpus *gpus);

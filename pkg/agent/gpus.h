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
struct hv_gpu_history;
struct hv_source_set;

int hv_agent_gpus_init(struct hv_agent *a, struct hv_err *err); /* before anybody can be admitted */
void hv_agent_gpus_end(struct hv_agent *a);                     /* before the engine and the core */

/* Another engine may have answered: what it gives, the core and the judgement of a desired state are told. */
void hv_agent_gpus_engine(struct hv_agent *a);

/* What they are to the judgement of a desired state: whole ones that work. Nothing where nobody can say. */
void hv_gpus_as_facts(const struct hv_gpus *gpus, struct hv_source_set *sources);
/* The same for a process that has no loop: asks the driver, and waits for HV_GPUS_CHECK_US at most. */
#define HV_GPUS_CHECK_US (10 * UINT64_C(1000000))
void hv_gpus_ask_once(struct hv_source_set *sources);

/* What the helper told last; NULL: nothing yet. */
const struct hv_gpus *hv_agent_gpus_told(const struct hv_agent *a);
/* The same; NULL also where there are no GPUs, or nobody can say. */
const struct hv_gpus *hv_agent_gpus_last(const struct hv_agent *a);
/* Of each of them, the last hour; NULL: there are none to be asked about. */
const struct hv_gpu_history *hv_agent_gpus_history(const struct hv_agent *a);
/* Of all of them that work, -1: not known. */
double hv_gpus_use_percent(const struct hv_gpus *gpus);
double hv_gpus_memory_percent(const struct hv_gpus *gpus);

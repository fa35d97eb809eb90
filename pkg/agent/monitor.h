/* agent/monitor.h - the last samples of this machine and its containers, for the parts of the agent. Private to pkg/agent. */
#pragma once

#include "monitor/monitor.h"
#include "task/usage.h"

struct hv_agent;

int hv_agent_monitor_init(struct hv_agent *a, struct hv_err *err); /* takes the first samples */
void hv_agent_monitor_end(struct hv_agent *a);                     /* before the engine and the core */

void hv_agent_usage(void *userdata, struct hv_monitor_view *ret); /* struct hv_agent; of the API's backend */

/* By the container's name; NULL: there is none (yet), or it cannot be seen from here. Good until the loop turns. */
const struct hv_container_sample *hv_agent_monitor_sample(const struct hv_agent *a, const char *container);
/* What it uses of its GPUs, together. */
struct hv_container_gpus_sum hv_agent_monitor_gpus(const struct hv_agent *a, const char *container);
/* The same over all samples, also when it has ended: struct hv_agent; of the driver of tasks. */
struct hv_task_gpu_use hv_agent_monitor_gpu_use(void *userdata, const char *container, const char *id);
void hv_agent_monitor_gpus_told(struct hv_agent *a,
                                const struct hv_gpus *gpus); /* a sample of the driver's */
/* What the last round, or look_at_disks(), saw of "work", "engine" or "state"; NULL: nothing. */
const struct hv_file_system *hv_agent_monitor_disk(const struct hv_agent *a, const char *use);
void hv_agent_monitor_look_at_disks(struct hv_agent *a); /* now: a place is known that was not */
/* NULL: there is none. Its `cpu_is_known` is false until the second round. */
const struct hv_host_sample *hv_agent_monitor_host(const struct hv_agent *a);

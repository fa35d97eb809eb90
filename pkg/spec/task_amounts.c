/* spec/task_amounts.c - what a task asks of the node, in numbers; see task_internal.h. */
#include "spec/task_internal.h"

#define NANO_CPUS_PER_QUOTA_US 10000 /* a quota counts microseconds in each 100 ms */

static uint64_t first_of(uint64_t a, uint64_t b, uint64_t c) {
        return a ? a : b ? b : c;
}

void hv_task_amounts(const struct hv_spec_unit_resources *r, int64_t cpu_quota,
                     const struct hv_spec_task_defaults *d, struct hv_booking *ret) {
        const struct hv_spec_requests *q = &r->requests, *dq = &d->resources.requests;
        uint64_t quota = (uint64_t) cpu_quota * NANO_CPUS_PER_QUOTA_US;
        int64_t gpus = hv_node_get(q->node, "gpus") ? q->gpus : dq->gpus;

        *ret = (struct hv_booking){
                .nano_cpus = first_of(r->limits.nano_cpus ? r->limits.nano_cpus : quota, q->nano_cpus,
                                      d->resources.limits.nano_cpus),
                .memory_bytes =
                        first_of(r->limits.memory_bytes, q->memory_bytes, d->resources.limits.memory_bytes),
                .disk_bytes = q->disk_bytes ? q->disk_bytes : dq->disk_bytes,
                .n_gpus = (unsigned) gpus,
                .gpu_memory_bytes = q->gpu_memory_bytes ? q->gpu_memory_bytes : dq->gpu_memory_bytes,
        };
}

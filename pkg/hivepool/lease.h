/* hivepool/lease.h - what becomes of a task when the node that has it stops talking, or says how it ended.
 *
 * Model    Pure. A lease is one node's right to one attempt of one task. Leases are numbered over the whole life of the pool
 *          (the epoch), so that what belongs to an old one is known for what it is. A node keeps its leases as long as it beats.
 *
 *            pending --given, lease n--> assigned --result--------------------------> completed | failed
 *               ^                          |  '--cancel--> cancelling --result, lost--> cancelled
 *               '---- lost, refused, failed, while attempts are left
 */
#pragma once

#include "base/macros.h"
#include "base/time.h"

enum hv_lease_task {
        HV_LEASE_PENDING,
        HV_LEASE_ASSIGNED,
        HV_LEASE_CANCELLING, /* the node was told, and has not said yet that it ended */
        HV_LEASE_COMPLETED,
        HV_LEASE_FAILED,
        HV_LEASE_CANCELLED,
        HV_N_LEASE_TASKS
};

enum hv_lease_end {
        HV_LEASE_END_COMPLETED,
        HV_LEASE_END_FAILED,
        HV_LEASE_END_LOST, /* the node was not heard of for too long */
        HV_N_LEASE_ENDS
};

const char *hv_lease_task_name(enum hv_lease_task state); /* "Pending" */
const char *hv_lease_end_name(enum hv_lease_end end);     /* "Completed", "Failed", "Lost" */
/* false: no such word; case does not matter. */
bool hv_lease_task_parse(const char *name, enum hv_lease_task *ret);
bool hv_lease_task_is_over(enum hv_lease_task state);

/* State of a task when the lease of its attempt number `attempt` (from 1) ended; it may have retries + 1 of them. */
enum hv_lease_task hv_lease_next(enum hv_lease_task state, enum hv_lease_end end, unsigned attempt,
                                 unsigned retries);

/* heard_us: the last sign of life. */
bool hv_lease_is_over(uint64_t heard_us, uint64_t lease_us, uint64_t now_us);

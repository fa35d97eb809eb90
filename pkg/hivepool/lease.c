/* hivepool/lease.c - see lease.h. */
#include "hivepool/lease.h"

#include <strings.h>

static const char *const task_names[HV_N_LEASE_TASKS] = {
        [HV_LEASE_PENDING] = "Pending",       [HV_LEASE_ASSIGNED] = "Assigned",
        [HV_LEASE_CANCELLING] = "Cancelling", [HV_LEASE_COMPLETED] = "Completed",
        [HV_LEASE_FAILED] = "Failed",         [HV_LEASE_CANCELLED] = "Cancelled",
};
static const char *const end_names[HV_N_LEASE_ENDS] = {
        [HV_LEASE_END_COMPLETED] = "Completed",
        [HV_LEASE_END_FAILED] = "Failed",
        [HV_LEASE_END_LOST] = "Lost",
};

const char *hv_lease_task_name(enum hv_lease_task state) {
        return task_names[state];
}

const char *hv_lease_end_name(enum hv_lease_end end) {
        return end_names[end];
}

bool hv_lease_task_parse(const char *name, enum hv_lease_task *ret) {
        for (size_t i = 0; i < HV_N_LEASE_TASKS; i++)
                if (strcasecmp(name, task_names[i]) == 0) {
                        *ret = (enum hv_lease_task) i;
                        return true;
                }
        return false;
}

bool hv_lease_task_is_over(enum hv_lease_task state) {
        return state == HV_LEASE_COMPLETED || state == HV_LEASE_FAILED || state == HV_LEASE_CANCELLED;
}

enum hv_lease_task hv_lease_next(enum hv_lease_task state, enum hv_lease_end end, unsigned attempt,
                                 unsigned retries) {
        if (end == HV_LEASE_END_COMPLETED) /* it was done before the cancel came */
                return HV_LEASE_COMPLETED;
        if (state == HV_LEASE_CANCELLING)
                return HV_LEASE_CANCELLED;
        return attempt <= retries ? HV_LEASE_PENDING : HV_LEASE_FAILED;
}

bool hv_lease_is_over(uint64_t heard_us, uint64_t lease_us, uint64_t now_us) {
        return now_us >= hv_time_add(heard_us, lease_us);
}

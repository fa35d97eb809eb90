/* reconcile/trust.c - see trust.h. */
#include "reconcile/trust.h"

#define HIGHEST 100

int hv_trust_delta(const struct hv_trust_settings *r, enum hv_task_cause cause) {
        switch (cause) {
        case HV_CAUSE_SUCCESS:
                return r->success;
        case HV_CAUSE_NODE_ERROR:
                return r->failure;
        case HV_CAUSE_EXIT_CODE:
        case HV_CAUSE_OOM:
        case HV_CAUSE_TIMEOUT:
        case HV_CAUSE_DISK_LIMIT:
        case HV_CAUSE_INPUT:
                return r->count_task_faults ? r->failure : 0;
        default:
                return 0;
        }
}

int hv_trust_after(int score, int delta) {
        return HV_MAX(0, HV_MIN(HIGHEST, score + delta));
}

const char *hv_trust_group(const struct hv_trust_settings *r, int score) {
        return score >= (int) r->high ? "high" : score >= (int) r->medium ? "medium" : "low";
}

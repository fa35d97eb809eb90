#include "http/snapshot.h"

#include "base/time.h"

const char *hv_api_trial_state_name(enum hv_api_trial_state state) {
        static const char *const names[] = {
                [HV_API_TRIAL_NONE] = "None",
                [HV_API_TRIAL_PENDING] = "Pending",
                [HV_API_TRIAL_REVERTED] = "Reverted",
                [HV_API_TRIAL_ROLLED_BACK] = "RolledBack",
        };

        return (size_t) state < HV_ARRAY_SIZE(names) ? names[state] : "";
}

const char *hv_api_source_state_name(enum hv_api_source_state state) {
        static const char *const names[] = {
                [HV_API_SOURCE_OK] = "Ok",
                [HV_API_SOURCE_STALE] = "Stale",
                [HV_API_SOURCE_HELD_OFF] = "HeldOff",
                [HV_API_SOURCE_EMPTY] = "Empty",
        };

        return (size_t) state < HV_ARRAY_SIZE(names) ? names[state] : "";
}

const char *hv_api_revision_state_name(enum hv_api_revision_state state) {
        static const char *const names[] = {
                [HV_API_REVISION_ACTIVE] = "Active",
                [HV_API_REVISION_PARKED] = "Parked",
                [HV_API_REVISION_PREVIOUS] = "Previous",
                [HV_API_REVISION_ROLLED_BACK] = "RolledBack",
        };

        return (size_t) state < HV_ARRAY_SIZE(names) ? names[state] : "";
}

/* Less than that is the time between two readings, or a clock that is being slewed. */
#define CLOCK_SET_US (100 * (int64_t) HV_USEC_PER_MSEC)

uint64_t hv_api_steady_wall_us(int64_t *ahead_us, uint64_t now_us, uint64_t wall_us) {
        int64_t ahead = (int64_t) (wall_us - now_us), moved = ahead - *ahead_us;

        if (*ahead_us == 0 || moved > CLOCK_SET_US || moved < -CLOCK_SET_US)
                *ahead_us = ahead;
        return now_us + (uint64_t) *ahead_us;
}

uint64_t hv_api_wall_us(const struct hv_api_snapshot *s, uint64_t core_us) {
        if (core_us == 0 || core_us == HV_TIME_NEVER)
                return 0;
        if (core_us >= s->now_us)
                return hv_time_add(s->now_wall_us, core_us - s->now_us);
        return s->now_us - core_us < s->now_wall_us ? s->now_wall_us - (s->now_us - core_us) : 0;
}

bool hv_api_is_by_hand(const struct hv_unit_status *u) {
        return u->in_sync && (u->reason == HV_REASON_SUSPENDED || u->reason == HV_REASON_STOPPED_BY_USER ||
                              u->reason == HV_REASON_ROLLOUT_PAUSED);
}

/* pool/hivemind_dues.c - see hivemind_dues.h. */
#include "pool/hivemind_dues.h"

#include "base/time.h"

static const uint64_t every_us[HIVEMIND_N_DUES] = {
        [HIVEMIND_DUE_BALANCE] = HV_USEC_PER_MIN,
        [HIVEMIND_DUE_USAGE] = 15 * HV_USEC_PER_SEC,
        [HIVEMIND_DUE_TASK_USAGE] = 5 * HV_USEC_PER_SEC,
};

bool hivemind_dues_take(struct hivemind_dues *dues, enum hivemind_due which, uint64_t now_us) {
        uint64_t *at_us = &dues->at_us[which];

        if (now_us < *at_us)
                return false;
        /* After a first time, or an outage, there is nothing to catch up with. */
        *at_us = *at_us && *at_us + every_us[which] > now_us ? *at_us + every_us[which]
                                                             : now_us + every_us[which];
        return true;
}

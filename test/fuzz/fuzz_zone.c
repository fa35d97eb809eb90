/* fuzz_zone.c - TZif files from anywhere. Whatever is taken gives offsets of at most a day, changes that ascend, and local
 * times that lead back to where they came from. */
#include "fuzz.h"

#include <string.h>

#include "base/err.h"
#include "base/zone.h"

#define CHANGES_MAX 300
#define DAY_S 93600

static void check_local(const struct hv_zone *z, uint64_t us) {
        struct hv_civil shown;
        uint64_t at[2];

        hv_zone_to_local(z, us, &shown);
        FUZZ_CHECK(shown.month >= 1 && shown.month <= 12 && shown.day >= 1 && shown.day <= 31 &&
                   shown.hour < 24);
        /* What is shown at an instant is no gap, and the first time that it is shown is not later. */
        if (us > 4 * HV_USEC_PER_DAY)
                FUZZ_CHECK(hv_zone_from_local(z, &shown, at) != HV_ZONE_GAP && at[0] <= us && at[0] <= at[1]);
        shown.minute = 30;
        (void) hv_zone_from_local(z, &shown, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_(hv_zone_freep) struct hv_zone *z = NULL;
        struct hv_err err = {};
        uint64_t us = 0, next;
        int32_t offset = 0;

        if (hv_zone_parse(data, size, &z, &err) < 0) {
                FUZZ_CHECK(err.code < 0 && *err.msg);
                return 0;
        }
        for (unsigned i = 0; i < CHANGES_MAX; i++) {
                offset = hv_zone_offset(z, us);
                FUZZ_CHECK(offset > -DAY_S && offset < DAY_S);
                check_local(z, us);
                if (!hv_zone_next_change(z, us, &next, &offset))
                        break;
                FUZZ_CHECK(next > us && hv_zone_offset(z, next) == offset);
                check_local(z, next - 1);
                us = next;
        }
        return 0;
}

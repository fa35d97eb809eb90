/* base/time.h - units of time. Instants and spans are uint64_t microseconds; HV_TIME_NEVER is no instant at
 * all. */
#pragma once

#include <stdint.h>

#define HV_USEC_PER_MSEC UINT64_C(1000)
#define HV_USEC_PER_SEC UINT64_C(1000000)
#define HV_USEC_PER_MIN (60 * HV_USEC_PER_SEC)
#define HV_USEC_PER_HOUR (60 * HV_USEC_PER_MIN)
#define HV_USEC_PER_DAY (24 * HV_USEC_PER_HOUR)
#define HV_TIME_NEVER UINT64_MAX

/* a + b that stays at HV_TIME_NEVER instead of wrapping. */
static inline uint64_t hv_time_add(uint64_t a_us, uint64_t b_us) {
        return a_us > HV_TIME_NEVER - b_us ? HV_TIME_NEVER : a_us + b_us;
}

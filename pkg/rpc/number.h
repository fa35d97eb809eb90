/* rpc/number.h - sizes and spans as gRPC takes them: int, milliseconds, gpr_timespec; private. */
#pragma once

#include <limits.h>

#include <grpc/support/time.h>

#include "base/macros.h"
#include "base/time.h"

static inline int rpc_int_of(size_t n) {
        return n > INT_MAX ? INT_MAX : (int) n;
}

/* Rounded up; HV_TIME_NEVER is INT_MAX, which gRPC reads as never. */
static inline int rpc_ms_of(uint64_t span_us) {
        uint64_t ms = span_us / HV_USEC_PER_MSEC + (span_us % HV_USEC_PER_MSEC > 0);

        return ms > INT_MAX ? INT_MAX : (int) ms;
}

/* On the clock that nobody sets. */
static inline gpr_timespec rpc_deadline_after(uint64_t span_us) {
        if (span_us > INT64_MAX)
                return gpr_inf_future(GPR_CLOCK_MONOTONIC);
        return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                            gpr_time_from_micros((int64_t) span_us, GPR_TIMESPAN));
}

/* lib/loop.h - run an event loop until something became true; fails the test when it does not within two minutes. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"
#include "base/time.h"
#include "testing.h"

static inline uint64_t hv_test_now_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

#define HV_TEST_PATIENCE_US (120 * HV_USEC_PER_SEC)

#define hv_test_run_until(event, condition)                                                          \
        do {                                                                                         \
                uint64_t _end = hv_test_now_us() + HV_TEST_PATIENCE_US;                              \
                while (!(condition)) {                                                               \
                        if (hv_test_now_us() > _end)                                                 \
                                fail_msg("waited %d s for: %s",                                      \
                                         (int) (HV_TEST_PATIENCE_US / HV_USEC_PER_SEC), #condition); \
                        if (sd_event_run(event, 100 * HV_USEC_PER_MSEC) < 0)                         \
                                fail_msg("the event loop failed");                                   \
                }                                                                                    \
        } while (false)

/* Runs what is ready now, and what that makes ready, without waiting. */
static inline void hv_test_drain(sd_event *event) {
        while (sd_event_run(event, 0) > 0)
                ;
}

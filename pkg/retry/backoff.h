/* retry/backoff.h - how long to wait before trying again.
 *
 * Model    Pure. Two schedules share one specification (initial, factor, max, reset after):
 *
 *          restarts   the first comes at once, the n-th after it waits initial x factor^(n-1), at most max;
 *                     running for `reset_after` without a break starts the count anew
 *          failures   of an attempt (create, start, pull, connect): the first retry already waits `initial`
 *
 * Units    microseconds of any one monotonic clock. No jitter here: a node's own containers do not stampede.
 */
#pragma once

#include "base/macros.h"
#include "spec/desired.h"

struct hv_backoff {
        unsigned n;             /* tries so far that count */
        uint64_t not_before_us; /* 0: at once */
};

/* initial x factor^(n-1), at most max; 0 for n = 0. Never overflows. */
uint64_t hv_backoff_delay(const struct hv_backoff_spec *spec, unsigned n);

/* A run ended by itself at now_us after ran_us: arms the wait before the next start. exit 0 under `always`
 * never waits longer than `initial` (clean says so). */
void hv_backoff_exited(struct hv_backoff *b, const struct hv_backoff_spec *spec, uint64_t now_us,
                       uint64_t ran_us, bool clean);

/* An attempt failed at now_us: arms the wait before the next attempt. */
void hv_backoff_failed(struct hv_backoff *b, const struct hv_backoff_spec *spec, uint64_t now_us);

void hv_backoff_reset(struct hv_backoff *b);

/* False while waiting; *deadline_us is then lowered to the end of the wait. */
bool hv_backoff_is_over(const struct hv_backoff *b, uint64_t now_us, uint64_t *deadline_us);

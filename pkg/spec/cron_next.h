/* spec/cron_next.h - when a schedule comes next, and when it came.
 *
 * Rule     A scheduled minute of local time comes at the first instant at which the zone's clock shows that minute or a later
 *          one. So a time that the clock skips comes at the first minute after the gap (several such together: one run), and
 *          one that it shows twice comes once, the first time. Between the two, in the hour that is repeated, nothing comes.
 * Units    Instants are wall-clock microseconds. A zone of NULL is UTC. Where an offset has seconds (before 1973), so has an
 *          instant.
 * Bounds   The calendar repeats after 400 years: what does not come in so many never comes (HV_TIME_NEVER).
 */
#pragma once

#include "base/zone.h"
#include "spec/value_cron.h"

/* The first one after the instant; HV_TIME_NEVER: none until the end of the year 9999. */
uint64_t hv_cron_next(const struct hv_cron *c, const struct hv_zone *z, uint64_t after_us);

/* The last one at or before the instant; HV_TIME_NEVER: none since 1970. */
uint64_t hv_cron_previous(const struct hv_cron *c, const struct hv_zone *z, uint64_t until_us);

/* Those after `after_us` and not after `until_us`, oldest first, `max` at most: what was missed. Returns how many are in ret. The
 * latest one alone is hv_cron_previous(until_us), where that is after `after_us`. */
size_t hv_cron_between(const struct hv_cron *c, const struct hv_zone *z, uint64_t after_us, uint64_t until_us,
                       uint64_t *ret, size_t max);

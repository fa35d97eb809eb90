/* base/zone_rule.h - the rule of a time zone for the years that its table does not hold.
 *
 * Source   POSIX.1-2017, XBD 8.3 "TZ"; RFC 8536 section 3.3.1: hours of -167 to 167 in the time of a change. Both the
 *          names of the zone and the form ":file" are passed over.
 */
#pragma once

#include "base/macros.h"

struct hv_zone_change { /* when in a year, in the local time that ends then */
        enum {
                HV_ZONE_DAY_WITHOUT_LEAP, /* Jn: 1..365, 29 February is never counted */
                HV_ZONE_DAY_FROM_ZERO,    /* n: 0..365 */
                HV_ZONE_DAY_OF_WEEK,      /* Mm.w.d: week 5 is the last one */
        } form;
        int day, month, week, weekday;
        int32_t time_s; /* after midnight */
};

struct hv_zone_rule {
        int32_t standard_s, daylight_s; /* east of UTC */
        bool has_daylight;
        struct hv_zone_change start, end; /* of the daylight time */
};

bool hv_zone_rule_parse(const char *text, size_t len, struct hv_zone_rule *ret);

/* Seconds east of UTC at the instant. */
int32_t hv_zone_rule_offset(const struct hv_zone_rule *r, int64_t utc_s);

/* The first change after the instant, and the offset from then on; false: there is none. */
bool hv_zone_rule_next(const struct hv_zone_rule *r, int64_t utc_s, int64_t *ret_utc_s,
                       int32_t *ret_offset_s);

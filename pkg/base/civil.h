/* base/civil.h - days and dates of the Gregorian calendar, reckoned before 1582 too. Days count from 1970-01-01.
 *
 * Source   Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day is
 *          the last one. Good for years -32768 to 32767.
 */
#pragma once

#include "base/macros.h"

struct hv_civil {
        int year;
        unsigned month, day;           /* 1..12, 1..31 */
        unsigned hour, minute, second; /* 0..23, 0..59, 0..59 */
};

int64_t hv_civil_days(int year, unsigned month, unsigned day);
void hv_civil_date(int64_t days, struct hv_civil *ret); /* the time of day is 0 */
unsigned hv_civil_weekday(int64_t days);                /* 0..6 from Sunday */
unsigned hv_civil_month_length(int year, unsigned month);

/* Seconds since 1970-01-01 00:00:00 of the same clock. */
int64_t hv_civil_seconds(const struct hv_civil *c);
void hv_civil_from_seconds(int64_t seconds, struct hv_civil *ret);

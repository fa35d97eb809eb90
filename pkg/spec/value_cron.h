/* spec/value_cron.h - the schedule of a cron task.
 *
 * Form     minute hour day-of-month month day-of-week, each `*`, a number, a name (jan..dec, sun..sat), a
 *          range, a list, with a step: crontab(5) of Debian. Or @hourly, @daily (@midnight), @weekly,
 *          @monthly, @yearly (@annually). Sunday is 0 and 7. When both days are restricted, one of them is
 *          enough (as in cron). Not      seconds, years, L, W, #, ?, @reboot.
 */
#pragma once

#include "spec/value.h"

struct hv_cron {                   /* bit n of a set is the value n */
        uint64_t minutes;          /* 0..59 */
        uint32_t hours;            /* 0..23 */
        uint32_t days;             /* 1..31 */
        uint16_t months;           /* 1..12 */
        uint8_t weekdays;          /* 0..6, Sunday is 0 */
        bool any_day, any_weekday; /* written as "*" or a step of it */
};

/* E0228 for the form, E0229 for a schedule that never comes ("0 0 30 2 *"). */
int hv_value_cron(const char *text, struct hv_cron *ret, struct hv_fault *fault);

/* Does the schedule name this minute of local time? month 1..12, weekday 0..6 from Sunday. */
bool hv_cron_matches(const struct hv_cron *c, unsigned minute, unsigned hour, unsigned day, unsigned month,
                     unsigned weekday);
bool hv_cron_matches_day(const struct hv_cron *c, unsigned day, unsigned month, unsigned weekday);

/* spec/cron_next.c - see cron_next.h. Minutes of local time are walked day by day, forwards or backwards, and each that matches
 * is turned into its instant. The instants of ascending local minutes never descend, so the first one that lies on the wanted
 * side of the limit is the answer. */
#include "spec/cron_next.h"

#define MINUTES_OF_DAY 1440
#define DAYS_MAX (146097 + 2)
#define CLOCK_REACH_US \
        (27 * HV_USEC_PER_HOUR) /* how far a clock is set back at most: from +14 to -12 hours */

/* The first instant at which the clock shows this minute or a later one. */
static uint64_t instant_of(const struct hv_zone *z, int64_t day, unsigned minute) {
        struct hv_civil c, shown;
        uint64_t at[2];

        hv_civil_date(day, &c);
        c.hour = minute / 60;
        c.minute = minute % 60;
        if (hv_zone_from_local(z, &c, at) != HV_ZONE_GAP)
                return at[0];
        hv_zone_to_local(z, at[0], &shown); /* a gap may end within a minute */
        return at[0] + (shown.second ? (60 - shown.second) * HV_USEC_PER_SEC : 0);
}

static bool is_on(const struct hv_cron *c, int64_t day) {
        struct hv_civil date;

        hv_civil_date(day, &date);
        return hv_cron_matches_day(c, date.day, date.month, hv_civil_weekday(day));
}

/* The first matching minute of a day at or after `from`, the last one at or before it; MINUTES_OF_DAY: none. */
static unsigned minute_from(const struct hv_cron *c, unsigned from) {
        for (unsigned m = from; m < MINUTES_OF_DAY; m++) {
                if (!(c->hours >> m / 60 & 1))
                        m = m / 60 * 60 + 59;
                else if (c->minutes >> m % 60 & 1)
                        return m;
        }
        return MINUTES_OF_DAY;
}

static unsigned minute_until(const struct hv_cron *c, unsigned until) {
        for (unsigned m = until + 1; m-- > 0;) {
                if (!(c->hours >> m / 60 & 1))
                        m = m / 60 * 60;
                else if (c->minutes >> m % 60 & 1)
                        return m;
        }
        return MINUTES_OF_DAY;
}

uint64_t hv_cron_next(const struct hv_cron *c, const struct hv_zone *z, uint64_t after_us) {
        struct hv_civil now;
        unsigned from;
        int64_t day;

        hv_zone_to_local(z, after_us, &now);
        day = hv_civil_days(now.year, now.month, now.day);
        from = now.hour * 60 + now.minute; /* this minute too: the instant may lie before its first second */
        for (unsigned n = 0; n < DAYS_MAX; n++, day++, from = 0) {
                if (!is_on(c, day))
                        continue;
                for (unsigned m = minute_from(c, from); m < MINUTES_OF_DAY; m = minute_from(c, m + 1)) {
                        uint64_t at = instant_of(z, day, m);

                        if (at >= HV_ZONE_MAX_US)
                                return HV_TIME_NEVER;
                        if (at > after_us)
                                return at;
                }
        }
        return HV_TIME_NEVER;
}

/* The latest minute that the clock has shown until the instant: a clock that was set back has shown later ones. */
static int64_t latest_shown(const struct hv_zone *z, uint64_t until_us) {
        int64_t until_s = (int64_t) (HV_MIN(until_us, HV_ZONE_MAX_US) / HV_USEC_PER_SEC);
        int64_t latest = until_s + hv_zone_offset(z, until_us);
        uint64_t at = until_us > CLOCK_REACH_US ? until_us - CLOCK_REACH_US : 0;
        int32_t offset = hv_zone_offset(z, at), next;

        while (hv_zone_next_change(z, at, &at, &next) && at <= until_us) {
                latest = HV_MAX(latest, (int64_t) (at / HV_USEC_PER_SEC) - 1 + offset);
                offset = next;
        }
        return latest;
}

uint64_t hv_cron_previous(const struct hv_cron *c, const struct hv_zone *z, uint64_t until_us) {
        struct hv_civil shown;
        unsigned until;
        int64_t day;

        hv_civil_from_seconds(latest_shown(z, until_us), &shown);
        day = hv_civil_days(shown.year, shown.month, shown.day);
        until = shown.hour * 60 + shown.minute;
        for (; day >= 0; day--, until = MINUTES_OF_DAY - 1) {
                if (!is_on(c, day))
                        continue;
                for (unsigned m = minute_until(c, until); m < MINUTES_OF_DAY;
                     m = m ? minute_until(c, m - 1) : MINUTES_OF_DAY) {
                        uint64_t at = instant_of(z, day, m);

                        if (at > 0 && at <= until_us)
                                return at;
                }
        }
        return HV_TIME_NEVER;
}

size_t hv_cron_between(const struct hv_cron *c, const struct hv_zone *z, uint64_t after_us, uint64_t until_us,
                       uint64_t *ret, size_t max) {
        size_t n = 0;

        while (n < max) {
                uint64_t at = hv_cron_next(c, z, after_us);

                if (at == HV_TIME_NEVER || at > until_us)
                        break;
                ret[n++] = after_us = at;
        }
        return n;
}

#include "base/zone_rule.h"

#include "base/civil.h"

#define SECONDS_OF_DAY 86400
#define SECONDS_MAX \
        INT64_C(300000000000) /* in the year 11476: farther out every year is alike to whoever asks */
#define HOURS_MAX 167
#define OFFSET_HOURS_MAX 24

struct reader {
        const char *p, *end;
};

static char look(const struct reader *r) {
        return r->p < r->end ? *r->p : '\0';
}

static bool take(struct reader *r, char c) {
        if (look(r) != c || r->p == r->end)
                return false;
        r->p++;
        return true;
}

static bool read_number(struct reader *r, int min, int max, int *ret) {
        int n = 0;

        if (look(r) < '0' || look(r) > '9')
                return false;
        while (look(r) >= '0' && look(r) <= '9') {
                n = n * 10 + (*r->p++ - '0');
                if (n > max)
                        return false;
        }
        *ret = n;
        return n >= min;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(struct reader *r, int max_hours, int32_t *ret) {
        bool negative = take(r, '-');
        int hours, minutes = 0, seconds = 0;

        if (!negative)
                (void) take(r, '+');
        if (!read_number(r, 0, max_hours, &hours))
                return false;
        if (take(r, ':')) {
                if (!read_number(r, 0, 59, &minutes))
                        return false;
                if (take(r, ':') && !read_number(r, 0, 59, &seconds))
                        return false;
        }
        *ret = (negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
        return true;
}

/* "CET" or "<+0330>". */
static bool skip_name(struct reader *r) {
        const char *start = r->p;
        bool quoted = take(r, '<');

        while (r->p < r->end) {
                char c = *r->p;
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                bool other = (c >= '0' && c <= '9') || c == '+' || c == '-';

                if (!letter && !(quoted && other))
                        break;
                r->p++;
        }
        if (!quoted)
                return r->p - start >= 3;
        return r->p - start >= 2 && take(r, '>');
}

static bool read_change(struct reader *r, struct hv_zone_change *ret) {
        *ret = (struct hv_zone_change){ .time_s = 2 * 3600 };
        if (!take(r, ','))
                return false;
        if (take(r, 'M')) {
                ret->form = HV_ZONE_DAY_OF_WEEK;
                if (!read_number(r, 1, 12, &ret->month) || !take(r, '.') ||
                    !read_number(r, 1, 5, &ret->week) || !take(r, '.') ||
                    !read_number(r, 0, 6, &ret->weekday))
                        return false;
        } else if (take(r, 'J')) {
                ret->form = HV_ZONE_DAY_WITHOUT_LEAP;
                if (!read_number(r, 1, 365, &ret->day))
                        return false;
        } else {
                ret->form = HV_ZONE_DAY_FROM_ZERO;
                if (!read_number(r, 0, 365, &ret->day))
                        return false;
        }
        return !take(r, '/') || read_time(r, HOURS_MAX, &ret->time_s);
}

bool hv_zone_rule_parse(const char *text, size_t len, struct hv_zone_rule *ret) {
        struct reader r = { text, text + len };
        struct hv_zone_rule rule = {};

        /* West of Greenwich is positive here, and nowhere else. */
        if (!skip_name(&r) || !read_time(&r, OFFSET_HOURS_MAX, &rule.standard_s))
                return false;
        rule.standard_s = -rule.standard_s;
        if (r.p < r.end) {
                rule.has_daylight = true;
                rule.daylight_s = rule.standard_s + 3600;
                if (!skip_name(&r))
                        return false;
                if (look(&r) != ',') {
                        if (!read_time(&r, OFFSET_HOURS_MAX, &rule.daylight_s))
                                return false;
                        rule.daylight_s = -rule.daylight_s;
                }
                if (!read_change(&r, &rule.start) || !read_change(&r, &rule.end))
                        return false;
        }
        if (r.p != r.end)
                return false;
        *ret = rule;
        return true;
}

/* Days of the change in the year, since 1970. */
static int64_t day_of(const struct hv_zone_change *c, int year) {
        int64_t first = hv_civil_days(year, 1, 1);
        unsigned length;
        int day;

        switch (c->form) {
        case HV_ZONE_DAY_WITHOUT_LEAP:
                return first + c->day - 1 + (c->day >= 60 && hv_civil_month_length(year, 2) == 29);
        case HV_ZONE_DAY_FROM_ZERO:
                return first + c->day;
        case HV_ZONE_DAY_OF_WEEK:
                break;
        }
        first = hv_civil_days(year, (unsigned) c->month, 1);
        length = hv_civil_month_length(year, (unsigned) c->month);
        day = (c->weekday + 7 - (int) hv_civil_weekday(first)) % 7 + 7 * (c->week - 1);
        while (day >= (int) length)
                day -= 7;
        return first + day;
}

struct event {
        int64_t at;
        int32_t offset;
};

#define YEARS 3
#define EVENTS (2 * YEARS)

/* The changes of the year of an instant and of its neighbours, in order: a time of -167 hours on 1 January is in December. Of
 * two at once the start of the daylight time counts: that is how a zone says that it never ends. */
static void events_around(const struct hv_zone_rule *r, int64_t utc_s, struct event ret[EVENTS]) {
        struct hv_civil c;
        size_t n = 0;

        hv_civil_from_seconds(HV_MIN(HV_MAX(utc_s, -SECONDS_MAX), SECONDS_MAX), &c);
        for (int year = c.year - 1; year <= c.year + 1; year++) {
                const struct event two[] = {
                        { day_of(&r->end, year) * SECONDS_OF_DAY + r->end.time_s - r->daylight_s,
                          r->standard_s },
                        { day_of(&r->start, year) * SECONDS_OF_DAY + r->start.time_s - r->standard_s,
                          r->daylight_s },
                };

                for (size_t i = 0; i < 2; i++) {
                        size_t at = n++;

                        for (; at > 0 && (ret[at - 1].at > two[i].at ||
                                          (ret[at - 1].at == two[i].at && two[i].offset == r->standard_s));
                             at--)
                                ret[at] = ret[at - 1];
                        ret[at] = two[i];
                }
        }
}

int32_t hv_zone_rule_offset(const struct hv_zone_rule *r, int64_t utc_s) {
        struct event events[EVENTS];
        int32_t offset = r->standard_s;

        if (!r->has_daylight)
                return r->standard_s;
        events_around(r, utc_s, events);
        for (size_t i = 0; i < EVENTS && events[i].at <= utc_s; i++)
                offset = events[i].offset;
        return offset;
}

bool hv_zone_rule_next(const struct hv_zone_rule *r, int64_t utc_s, int64_t *ret_utc_s,
                       int32_t *ret_offset_s) {
        struct event events[EVENTS];

        if (!r->has_daylight)
                return false;
        events_around(r, utc_s, events);
        for (size_t i = 0; i < EVENTS; i++) {
                if (events[i].at <= utc_s || (i + 1 < EVENTS && events[i + 1].at == events[i].at))
                        continue;
                *ret_utc_s = events[i].at;
                *ret_offset_s = events[i].offset;
                return true;
        }
        return false;
}

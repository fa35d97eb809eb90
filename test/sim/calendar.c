/* calendar.c - see calendar.h. */
#include "sim/calendar.h"

#include "base/time.h"

/* Whoever looks for the highest minute that was shown so far looks back this far: no clock here is set back by more. */
#define MINUTES_BACK 180

static const struct {
        const char *text;
        unsigned every, at; /* minutes of the hour: all that leave `at` */
        int hour, weekday;  /* -1: any */
} schedules[SIM_N_SCHEDULES] = {
        { "* * * * *", 1, 0, -1, -1 },     { "*/2 * * * *", 2, 0, -1, -1 },  { "*/5 * * * *", 5, 0, -1, -1 },
        { "*/15 * * * *", 15, 0, -1, -1 }, { "30 * * * *", 60, 30, -1, -1 }, { "30 2 * * *", 60, 30, 2, -1 },
        { "0 3 * * sun", 60, 0, 3, 0 },
};

static const struct {
        const char *name, *rule;
        int offsets_min[3]; /* before, between and after the changes */
        uint64_t changes_s[2];
} zones[SIM_N_ZONES] = {
        { "UTC", NULL, { 0, 0, 0 }, { 0, 0 } },
        /* 25 October 2026 and 28 March 2027, 01:00 UTC */
        { "Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", { 120, 60, 120 }, { 1792890000, 1806195600 } },
        /* 1 November 2026, 06:00 UTC, and 14 March 2027, 07:00 UTC */
        { "America/New_York", "EST5EDT,M3.2.0,M11.1.0", { -240, -300, -240 }, { 1793512800, 1805007600 } },
        /* by half an hour: 3 October 2026, 15:30 UTC, and 3 April 2027, 15:00 UTC */
        { "Australia/Lord_Howe",
          "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
          { 630, 660, 630 },
          { 1791041400, 1806764400 } },
        { "Asia/Kathmandu", "<+0545>-5:45", { 345, 345, 345 }, { 0, 0 } },
};

const char *sim_schedule_text(unsigned schedule) {
        return schedules[schedule].text;
}

uint64_t sim_schedule_interval_us(unsigned schedule) {
        return schedules[schedule].every * HV_USEC_PER_MIN;
}

unsigned sim_schedule_find(const char *text) {
        unsigned i = 0;

        while (i < SIM_N_SCHEDULES && !hv_streq(schedules[i].text, text))
                i++;
        return i;
}

const char *sim_zone_name(unsigned zone) {
        return zones[zone].name;
}

unsigned sim_zone_find(const char *name) {
        unsigned i = 0;

        while (name && i < SIM_N_ZONES && !hv_streq(zones[i].name, name))
                i++;
        return i;
}

const char *sim_zone_rule(unsigned zone) {
        return zones[zone].rule;
}

bool sim_zone_change(unsigned zone, unsigned i, uint64_t *ret_us) {
        *ret_us = zones[zone].changes_s[i] * HV_USEC_PER_SEC;
        return *ret_us != 0;
}

/* What the clock on the wall shows at a minute of UTC, in minutes since 1970. */
static int64_t shown(unsigned zone, int64_t minute) {
        unsigned n = 0;

        while (n < 2 && zones[zone].changes_s[n] && minute * 60 >= (int64_t) zones[zone].changes_s[n])
                n++;
        return minute + zones[zone].offsets_min[n];
}

static bool is_named(unsigned schedule, int64_t local) {
        const unsigned minute = (unsigned) (local % 60), hour = (unsigned) (local / 60 % 24);
        const unsigned weekday = (unsigned) ((local / 1440 + 4) % 7); /* 1 January 1970 was a Thursday */

        return minute % schedules[schedule].every == schedules[schedule].at &&
               (schedules[schedule].hour < 0 || hour == (unsigned) schedules[schedule].hour) &&
               (schedules[schedule].weekday < 0 || weekday == (unsigned) schedules[schedule].weekday);
}

bool sim_calendar_next(unsigned schedule, unsigned zone, uint64_t after_us, uint64_t until_us,
                       uint64_t *ret_us) {
        const int64_t first = (int64_t) (after_us / HV_USEC_PER_MIN) + 1;
        const int64_t last = (int64_t) (until_us / HV_USEC_PER_MIN);
        int64_t highest = 0;

        for (int64_t m = first - MINUTES_BACK; m < first; m++)
                highest = HV_MAX(highest, shown(zone, m));
        for (int64_t m = first; m <= last; m++)
                for (const int64_t now = shown(zone, m); highest < now;)
                        if (is_named(schedule, ++highest)) {
                                *ret_us = (uint64_t) m * HV_USEC_PER_MIN;
                                return true;
                        }
        return false;
}

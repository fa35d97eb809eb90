/* spec/window_next.c - see window_next.h. */
#include "spec/window_next.h"

#include "base/zone.h"

#define MINUTES_PER_DAY 1440u

bool hv_window_is_open(const struct hv_window *w, const struct hv_zone *zone, uint64_t wall_us) {
        struct hv_civil local;
        unsigned minute;

        hv_zone_to_local(zone, wall_us, &local);
        minute = local.hour * 60 + local.minute;
        if (w->from < w->to)
                return minute >= w->from && minute < w->to;
        return minute >= w->from || minute < w->to;
}

uint64_t hv_window_next(const struct hv_window *w, const struct hv_zone *zone, uint64_t wall_us) {
        unsigned from = w->from % MINUTES_PER_DAY;
        struct hv_civil today;
        int64_t days;

        hv_zone_to_local(zone, wall_us, &today);
        days = hv_civil_days(today.year, today.month, today.day);
        /* A time that the clock skips is the end of the gap, so two days ahead there is one at the latest. */
        for (int64_t ahead = 0; ahead < 2; ahead++) {
                struct hv_civil local;
                uint64_t at_us[2];

                hv_civil_date(days + ahead, &local);
                local.hour = from / 60;
                local.minute = from % 60;
                (void) hv_zone_from_local(zone, &local, at_us);
                for (size_t i = 0; i < 2; i++)
                        if (at_us[i] > wall_us)
                                return at_us[i];
        }
        return hv_time_add(wall_us, HV_USEC_PER_DAY);
}

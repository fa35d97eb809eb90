/* spec/value_time.h - clock times, time zones, windows of the day.
 *
 * Model    Zones are looked up in a table made from the IANA database (hack/gen-zones), not on the machine,
 *          so that a document is judged alike everywhere. Whether the machine has the zone's file shows when
 *          it is used.
 */
#pragma once

#include "spec/value.h"

struct hv_arena;

struct hv_window { /* minutes of the day, 0..1440; to < from runs over midnight */
        unsigned from, to;
        const char *zone; /* in the arena; NULL: the node's */
};

/* "08:00", 24-hour clock; "24:00" is the end of the day (E0231). */
int hv_value_clock(const char *text, unsigned *ret_minutes, struct hv_fault *fault);

/* IANA name such as Europe/Berlin (E0230). */
int hv_value_zone(const char *text, struct hv_fault *fault);

/* "01:00-05:00" or "01:00-05:00 Europe/Berlin" (E0231, E0230). */
int hv_value_window(const char *text, struct hv_arena *a, struct hv_window *ret, struct hv_fault *fault);

/* The table: sorted by strcmp(). */
extern const char *const hv_zone_names[];
extern const size_t hv_n_zone_names;

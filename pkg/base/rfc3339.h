/* base/rfc3339.h - instants as text: "2026-11-21T22:50:11.123456Z".
 *
 * Units    microseconds since the epoch, UTC, 0..HV_RFC3339_MAX_US (the end of the year 9999).
 * Source   RFC 3339 section 5.6; the calendar is the civil one counted by days (Howard Hinnant,
 *          "chrono-compatible low-level date algorithms"), so neither locale nor time zone data is asked.
 */
#pragma once

#include "base/macros.h"
#include "base/time.h"

#define HV_RFC3339_SIZE 28 /* enough for any text that hv_rfc3339_format() makes */
#define HV_RFC3339_MAX_US UINT64_C(253402300799999999)

/* With as many digits of a second as are not zero, at most six: "...:11Z", "...:11.5Z". */
void hv_rfc3339_format(uint64_t wall_us, char ret[HV_RFC3339_SIZE]);

/* Any offset, any number of digits (those after the sixth are cut), 'T' or a space, 'Z' in any case. A leap
 * second counts as the second before. False: no such instant, or before 1970; *ret_us is left alone. */
bool hv_rfc3339_parse(const char *text, uint64_t *ret_us);

/* base/duration.h - spans of time as users write them: "90s", "1h30m", "7d", "250ms".
 *
 * Form     one or more of <number><unit>, units from large to small, each at most once: w d h m s ms us. A
 *          number may have a decimal fraction ("1.5h"). There is always a unit: "30" would mean seconds to
 *          one reader and minutes to the next.
 * Units    microseconds, 0..INT64_MAX.
 */
#pragma once

#include "base/parse.h"
#include "base/time.h"

#define HV_DURATION_SIZE 48 /* enough for any text that hv_duration_format() makes */

/* NO_UNIT for "30", BAD for "5 min" or "", NEGATIVE for "-5s", OVERFLOW for what does not fit. *ret_us is
 * written only on OK. */
enum hv_parse hv_duration_parse(const char *text, uint64_t *ret_us);

/* The shortest text that parses back to the same value: "1h30m", "250ms", "7d"; "0s" for 0. Weeks are never
 * written. */
void hv_duration_format(uint64_t us, char ret[HV_DURATION_SIZE]);

/* What the author of a bad duration may have meant: "30" -> "30s", "5 min" -> "5m", "2 hours" -> "2h". false
 * when there is no good guess. */
bool hv_duration_suggest(const char *text, char ret[HV_DURATION_SIZE]);

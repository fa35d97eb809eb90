/* docker/parse.h - engine JSON into plain data in an arena. Private to the module; pure.
 *
 * Every helper takes what is absent, null or of another type for "nothing": "", 0, an empty array.
 */
#pragma once

#include "base/arena.h"
#include "spec/desired.h"
#include "json/json.h"

const char *hv_parse_text(struct hv_arena *arena, const struct hv_json *j, const char *key); /* never NULL */
uint64_t hv_parse_u64(const struct hv_json *j, const char *key);                             /* negative: 0 */
int hv_parse_int(const struct hv_json *j, const char *key);                        /* what does not fit: 0 */
struct hv_strv hv_parse_strv(struct hv_arena *arena, const struct hv_json *array); /* texts only, in order */
struct hv_pairs hv_parse_pairs(struct hv_arena *arena, const struct hv_json *object); /* texts only, sorted */
struct hv_strv hv_parse_keys(struct hv_arena *arena, const struct hv_json *object);   /* sorted */

/* "2026-11-21T10:00:00.123456789+01:00" (RFC 3339) to microseconds since the epoch; 0 for anything else, and for Go's zero
 * time of the year 1. */
uint64_t hv_parse_time(const char *text);
/* A member that is such a text or a number of seconds. */
uint64_t hv_parse_time_of(const struct hv_json *j, const char *key);

/* base/zone.h - a time zone: what a clock on the wall shows at an instant, and when it shows a given time.
 *
 *      02:00          03:00                      02:00          03:00  02:00          03:00
 *        |  (nothing)   |                          |  first       |      |  second      |
 *      --'              '-------- gap            --'              '------'              '-- twice
 *
 * Model    Made of the bytes of a TZif file (the caller reads it): its table of transitions, and its rule for the time
 *          after them. Nothing is looked up. Version 1 files have no rule; then the last offset stays.
 * Units    Instants are wall-clock microseconds (Unix time); offsets are seconds east of UTC, not always whole minutes.
 * Source   RFC 8536. A file that counts leap seconds ("right/...") is refused, because Unix time does not.
 */
#pragma once

#include "base/civil.h"
#include "base/err.h"
#include "base/time.h"

/* End of the year 9999: later instants are taken for this one. */
#define HV_ZONE_MAX_US UINT64_C(253402300799999999)

struct hv_zone;

/* -EBADMSG not TZif, damaged, or with leap seconds; err says what. */
int hv_zone_parse(const void *data, size_t len, struct hv_zone **ret, struct hv_err *err);
struct hv_zone *hv_zone_free(struct hv_zone *z); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_zone, hv_zone_free);

/* In all functions below a NULL zone is UTC. */
int32_t hv_zone_offset(const struct hv_zone *z, uint64_t wall_us);
void hv_zone_to_local(const struct hv_zone *z, uint64_t wall_us, struct hv_civil *ret);

enum hv_zone_times {
        HV_ZONE_ONCE,
        HV_ZONE_GAP,   /* the clock was set forward over it */
        HV_ZONE_TWICE, /* the clock was set back to before it */
};

/* When the clock shows this local time. ret[0] is the (first) instant, in a gap that at which the gap ends; ret[1] the
 * second one of HV_ZONE_TWICE, else the same as ret[0]. What would be before 1970 is 0. */
enum hv_zone_times hv_zone_from_local(const struct hv_zone *z, const struct hv_civil *local, uint64_t ret[2]);

/* The first change of the offset after an instant; false: there is none. */
bool hv_zone_next_change(const struct hv_zone *z, uint64_t wall_us, uint64_t *ret_us, int32_t *ret_offset_s);

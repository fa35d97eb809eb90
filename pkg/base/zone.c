#include "base/zone.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/zone_rule.h"

#define HEADER_SIZE 44u
#define TYPE_SIZE 6u

/* RFC 8536 section 3.2: offsets are between -25 and +26 hours. A local time is looked for that far around. */
#define OFFSET_MIN (-89999)
#define OFFSET_MAX 93599
#define REACH_S 97200 /* 27 hours */

/* A rule repeats itself each year: what changes nothing for three never does. */
#define SEARCH_S (INT64_C(3) * 366 * 86400)

struct change {
        int64_t at; /* Unix seconds */
        int32_t offset;
};

struct hv_zone {
        int32_t first; /* before the first change */
        struct change *changes;
        size_t n_changes;
        bool has_rule;
        int64_t rule_from; /* last transition of the table, one that changes nothing too */
        struct hv_zone_rule rule;
};

/* Number of changes at or before the instant. */
static size_t changes_until(const struct hv_zone *z, int64_t utc_s) {
        size_t low = 0, high = z->n_changes;

        while (low < high) {
                size_t mid = (low + high) / 2;

                if (z->changes[mid].at <= utc_s)
                        low = mid + 1;
                else
                        high = mid;
        }
        return low;
}

static int32_t offset_at(const struct hv_zone *z, int64_t utc_s) {
        size_t n = z ? changes_until(z, utc_s) : 0;

        if (!z)
                return 0;
        if (z->has_rule && utc_s >= z->rule_from)
                return hv_zone_rule_offset(&z->rule, utc_s);
        return n ? z->changes[n - 1].offset : z->first;
}

/* --- the file --- */

struct counts {
        size_t n_ut, n_std, n_leaps, n_times, n_types, n_chars;
};

static uint32_t read_32(const unsigned char *p) {
        return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

static int64_t read_64(const unsigned char *p) {
        return (int64_t) ((uint64_t) read_32(p) << 32 | read_32(p + 4));
}

static int bad(struct hv_err *err, const char *what) {
        return hv_err_set(err, -EBADMSG, "time zone data: %s", what);
}

static int read_header(const unsigned char *p, size_t len, struct counts *ret, struct hv_err *err) {
        if (len < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
                return bad(err, "it does not begin with a TZif header");
        *ret = (struct counts){ read_32(p + 20), read_32(p + 24), read_32(p + 28),
                                read_32(p + 32), read_32(p + 36), read_32(p + 40) };
        if (ret->n_types == 0 || ret->n_types > 256 || ret->n_chars == 0)
                return bad(err, "it has no type of local time, or more than 256");
        if ((ret->n_ut && ret->n_ut != ret->n_types) || (ret->n_std && ret->n_std != ret->n_types))
                return bad(err, "its indicators do not fit its types");
        return 0;
}

/* Size of the data behind a header; each count is below 2^32, so nothing wraps. */
static uint64_t data_size(const struct counts *c, size_t time_size) {
        return (uint64_t) c->n_times * (time_size + 1) + (uint64_t) c->n_types * TYPE_SIZE + c->n_chars +
               (uint64_t) c->n_leaps * (time_size + 4) + c->n_std + c->n_ut;
}

static int read_types(const unsigned char *p, const struct counts *c, int32_t offsets[256],
                      struct hv_err *err) {
        for (size_t i = 0; i < c->n_types; i++) {
                offsets[i] = (int32_t) read_32(p + i * TYPE_SIZE);
                if (offsets[i] < OFFSET_MIN || offsets[i] > OFFSET_MAX)
                        return bad(err, "an offset is more than a day");
        }
        return 0;
}

static int read_data(struct hv_zone *z, const unsigned char *p, const struct counts *c, size_t time_size,
                     struct hv_err *err) {
        const unsigned char *indices = p + c->n_times * time_size;
        int32_t offsets[256], offset;
        int r;

        if (c->n_leaps)
                return bad(err, "it counts leap seconds, which Unix time does not");
        r = read_types(indices + c->n_times, c, offsets, err);
        if (r < 0)
                return r;
        z->first = offset = offsets[0];
        z->rule_from = INT64_MIN;
        z->changes = HV_NEW_N(struct change, c->n_times);
        for (size_t i = 0; i < c->n_times; i++) {
                int64_t at = time_size == 8 ? read_64(p + i * 8) : (int32_t) read_32(p + i * 4);

                if (indices[i] >= c->n_types)
                        return bad(err, "a transition has no type");
                if (at > (int64_t) (HV_ZONE_MAX_US / HV_USEC_PER_SEC))
                        return bad(err, "a transition is after the year 9999");
                if (i > 0 &&
                    at <= (time_size == 8 ? read_64(p + i * 8 - 8) : (int32_t) read_32(p + i * 4 - 4)))
                        return bad(err, "its transitions are not in order");
                z->rule_from = at;
                if (offsets[indices[i]] == offset)
                        continue; /* another name of the same time */
                offset = offsets[indices[i]];
                z->changes[z->n_changes++] = (struct change){ at, offset };
        }
        return 0;
}

/* "\n" TZ "\n" */
static int read_footer(struct hv_zone *z, const unsigned char *p, size_t len, struct hv_err *err) {
        const unsigned char *end = len >= 2 && *p == '\n' ? memchr(p + 1, '\n', len - 1) : NULL;

        if (!end)
                return bad(err, "its footer is missing");
        if (end == p + 1)
                return 0;
        if (!hv_zone_rule_parse((const char *) p + 1, (size_t) (end - p - 1), &z->rule))
                return bad(err, "the rule in its footer is not understood");
        if (z->rule_from > INT64_MIN &&
            hv_zone_rule_offset(&z->rule, z->rule_from) != offset_at(z, z->rule_from))
                return bad(err, "the rule in its footer contradicts its last transition");
        z->has_rule = true;
        return 0;
}

int hv_zone_parse(const void *data, size_t len, struct hv_zone **ret, struct hv_err *err) {
        _hv_cleanup_(hv_zone_freep) struct hv_zone *z = HV_NEW(struct hv_zone);
        const unsigned char *p = data;
        struct counts c;
        uint64_t size;
        int r;

        r = read_header(p, len, &c, err);
        if (r < 0)
                return r;
        size = data_size(&c, 4);
        if (size > len - HEADER_SIZE)
                return bad(err, "it is cut short");
        if (p[4] == 0) {
                r = read_data(z, p + HEADER_SIZE, &c, 4, err);
                if (r < 0)
                        return r;
                *ret = HV_STEAL(z);
                return 0;
        }
        p += HEADER_SIZE + size;
        len -= HEADER_SIZE + size;
        r = read_header(p, len, &c, err);
        if (r < 0)
                return r;
        size = data_size(&c, 8);
        if (size > len - HEADER_SIZE)
                return bad(err, "it is cut short");
        r = read_data(z, p + HEADER_SIZE, &c, 8, err);
        if (r < 0)
                return r;
        r = read_footer(z, p + HEADER_SIZE + size, len - HEADER_SIZE - size, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(z);
        return 0;
}

struct hv_zone *hv_zone_free(struct hv_zone *z) {
        if (z)
                free(z->changes);
        free(z);
        return NULL;
}

/* --- instants to local time --- */

/* After the table the rule goes on; its first change is one that changes something. */
static bool next_change(const struct hv_zone *z, int64_t utc_s, struct change *ret) {
        size_t n = z ? changes_until(z, utc_s) : 0;
        int32_t before = offset_at(z, utc_s);

        if (!z)
                return false;
        if (n < z->n_changes) {
                *ret = z->changes[n];
                return true;
        }
        if (!z->has_rule)
                return false;
        ret->at = HV_MAX(utc_s, z->rule_from);
        ret->offset = hv_zone_rule_offset(&z->rule, ret->at);
        if (ret->at > utc_s && ret->offset != before)
                return true; /* the rule takes over with another offset than the table ended with */
        do {
                if (!hv_zone_rule_next(&z->rule, ret->at, &ret->at, &ret->offset))
                        return false;
        } while (ret->offset == before && ret->at - utc_s < SEARCH_S);
        return ret->offset != before;
}

static int64_t seconds_of(uint64_t wall_us) {
        return (int64_t) (HV_MIN(wall_us, HV_ZONE_MAX_US) / HV_USEC_PER_SEC);
}

static uint64_t instant_of(int64_t utc_s) {
        return utc_s < 0 ? 0 : (uint64_t) utc_s * HV_USEC_PER_SEC;
}

int32_t hv_zone_offset(const struct hv_zone *z, uint64_t wall_us) {
        return offset_at(z, seconds_of(wall_us));
}

void hv_zone_to_local(const struct hv_zone *z, uint64_t wall_us, struct hv_civil *ret) {
        int64_t utc_s = seconds_of(wall_us);

        hv_civil_from_seconds(utc_s + offset_at(z, utc_s), ret);
}

bool hv_zone_next_change(const struct hv_zone *z, uint64_t wall_us, uint64_t *ret_us, int32_t *ret_offset_s) {
        struct change c;

        if (!next_change(z, seconds_of(wall_us), &c) || c.at < 0 || instant_of(c.at) > HV_ZONE_MAX_US)
                return false;
        *ret_us = instant_of(c.at);
        *ret_offset_s = c.offset;
        return true;
}

/* --- local time to instants --- */

/* Walks the stretches of one offset around the time: within each there is at most one instant that shows it. */
enum hv_zone_times hv_zone_from_local(const struct hv_zone *z, const struct hv_civil *local,
                                      uint64_t ret[2]) {
        int64_t wanted = hv_civil_seconds(local), found[2] = { 0, 0 }, from = wanted - REACH_S,
                gap_end = from;
        int32_t offset = offset_at(z, from);
        unsigned n = 0;
        bool more = true;

        while (more && n < 2 && from <= wanted + REACH_S) {
                struct change c;
                int64_t shown_at = wanted - offset;

                more = next_change(z, from, &c);
                if (shown_at >= from && (!more || shown_at < c.at))
                        found[n++] = shown_at;
                if (!more)
                        break;
                if (c.at + offset <= wanted && wanted < c.at + c.offset && n == 0)
                        gap_end = c.at;
                from = c.at;
                offset = c.offset;
        }
        ret[0] = instant_of(n ? found[0] : gap_end);
        ret[1] = n == 2 ? instant_of(found[1]) : ret[0];
        return n == 0 ? HV_ZONE_GAP : n == 1 ? HV_ZONE_ONCE : HV_ZONE_TWICE;
}

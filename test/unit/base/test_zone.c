/* base: time zones against another reader of the same files (Python's zoneinfo), and files that are none. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/zone.h"
#include "base/zone_rule.h"

static struct hv_zone *load(const char *path, struct hv_buf *ret) {
        FILE *f = fopen(path, "re");
        struct hv_zone *z = NULL;
        struct hv_err err = {};
        char block[4096];
        size_t n;

        assert_non_null(f);
        hv_buf_clear(ret);
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(ret, block, n);
        (void) fclose(f);
        if (hv_zone_parse(ret->data, ret->len, &z, &err) < 0)
                fail_msg("%s: %s", path, err.msg);
        return z;
}

struct checked {
        struct hv_zone *zone;
        char name[80];
        uint64_t last; /* transition */
        unsigned n_zones, n_transitions, n_times[3];
};

/* What lies between two lines of the table changes nothing: hv_zone_next_change() walks exactly over them. */
static void check_transition(struct checked *c, const char *line) {
        long long at;
        int offset, next_offset;
        uint64_t next;

        if (sscanf(line, "T %lld %d", &at, &offset) != 2)
                fail_msg("%s", line);
        if (hv_zone_offset(c->zone, (uint64_t) at * HV_USEC_PER_SEC) != offset)
                fail_msg("%s: at %lld the offset is %d, not %d", c->name, at, offset,
                         hv_zone_offset(c->zone, (uint64_t) at * HV_USEC_PER_SEC));
        if (at > 0 && (!hv_zone_next_change(c->zone, c->last, &next, &next_offset) ||
                       next != (uint64_t) at * HV_USEC_PER_SEC || next_offset != offset))
                fail_msg("%s: after %llu comes %llu, not %lld", c->name, (unsigned long long) c->last,
                         (unsigned long long) next, at);
        c->last = (uint64_t) at * HV_USEC_PER_SEC;
        c->n_transitions++;
}

static void check_local(struct checked *c, const char *line) {
        struct hv_civil l, back;
        long long first, second;
        enum hv_zone_times times, want;
        uint64_t at[2];
        char kind[8];

        if (sscanf(line, "L %d %u %u %u %u %u %7s %lld %lld", &l.year, &l.month, &l.day, &l.hour, &l.minute,
                   &l.second, kind, &first, &second) != 9)
                fail_msg("%s", line);
        want = *kind == 'g' ? HV_ZONE_GAP : *kind == 'o' ? HV_ZONE_ONCE : HV_ZONE_TWICE;
        times = hv_zone_from_local(c->zone, &l, at);
        if (times != want || at[0] != (uint64_t) first * HV_USEC_PER_SEC ||
            at[1] != (uint64_t) second * HV_USEC_PER_SEC)
                fail_msg("%s: %s gives %d %llu %llu", c->name, line, times,
                         (unsigned long long) (at[0] / HV_USEC_PER_SEC),
                         (unsigned long long) (at[1] / HV_USEC_PER_SEC));
        c->n_times[times]++;
        if (times == HV_ZONE_GAP)
                return;
        for (size_t i = 0; i < 2; i++) {
                hv_zone_to_local(c->zone, at[i], &back);
                assert_memory_equal(&back, &l, sizeof l);
        }
}

static void the_zones_are_those_of_another_reader(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf data = {};
        FILE *f = popen("python3 " HV_SOURCE_DIR "/test/unit/base/zone_table.py", "re");
        struct checked c = {};
        char line[512], path[400];

        (void) state;
        assert_non_null(f);
        while (fgets(line, sizeof line, f))
                if (*line == 'Z') {
                        assert_int_equal(sscanf(line, "Z %79s %399s", c.name, path), 2);
                        (void) hv_zone_free(c.zone);
                        c.zone = load(path, &data);
                        c.last = 0;
                        c.n_zones++;
                } else if (*line == 'T')
                        check_transition(&c, line);
                else
                        check_local(&c, line);
        assert_int_equal(pclose(f), 0);
        (void) hv_zone_free(c.zone);
        assert_true(c.n_zones > 250);
        assert_true(c.n_transitions > 10000);
        assert_true(c.n_times[HV_ZONE_GAP] > 1000 && c.n_times[HV_ZONE_TWICE] > 1000);
}

static void without_a_zone_it_is_utc(void **state) {
        struct hv_civil c = { 2026, 11, 22, 2, 15, 0 }, back;
        uint64_t at[2];
        int32_t offset;

        (void) state;
        assert_int_equal(hv_zone_offset(NULL, 0), 0);
        assert_int_equal(hv_zone_from_local(NULL, &c, at), HV_ZONE_ONCE);
        assert_int_equal(at[0], UINT64_C(1795313700000000));
        hv_zone_to_local(NULL, at[0] + 59999999, &back);
        assert_int_equal(back.second, 59);
        assert_false(hv_zone_next_change(NULL, 0, at, &offset));
        c.year = 1969;
        assert_int_equal(hv_zone_from_local(NULL, &c, at), HV_ZONE_ONCE);
        assert_int_equal(at[0], 0);
}

static void rules_of_posix(void **state) {
        static const struct {
                const char *text;
                int64_t at;
                int32_t offset; /* INT32_MIN: refused */
        } rows[] = {
                { "UTC0", 0, 0 },
                { "EST5", 0, -18000 },
                { "<+0330>-3:30", 0, 12600 },
                { "<-00>0", 0, 0 },
                { "XXX-1:02:03", 0, 3723 },
                { "EST5EDT,M3.2.0,M11.1.0", 1772953199, -18000 }, /* 2026-03-08T06:59:59Z */
                { "EST5EDT,M3.2.0,M11.1.0", 1772953200, -14400 },
                { "CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600 }, /* 2026-03-29T00:59:59Z */
                { "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200 }, /* 2026-03-29T01:00:00Z */
                { "IST-2IDT,M3.4.4/26,M10.5.0", 1774569599, 7200 }, /* 2026-03-26T23:59:59Z, Friday 02:00 */
                { "IST-2IDT,M3.4.4/26,M10.5.0", 1774569600, 10800 },
                { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200 }, /* Saturday 23:00 */
                { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600 },
                { "XXX3EDT4,0/0,J365/23", 1767236400, -14400 }, /* daylight time all the year */
                { "XXX3EDT4,0/0,J365/23", 1767236399, -14400 },
                { "AAA0BBB,J59,J61/2", 1709164800, 3600 },   /* 2024-02-29T00:00Z: between J59 and J60 */
                { "AAA0BBB,J60/0,J61/0", 1709164800, 0 },    /* 29 February is not counted */
                { "AAA0BBB,J60/0,J61/0", 1709251200, 3600 }, /* 1 March is J60 */
                { "AAA0BBB,59/0,60/0", 1709164800, 3600 },   /* here it is day 59 */
                { "", 0, INT32_MIN },
                { "UT0", 0, INT32_MIN },
                { "UTC", 0, INT32_MIN },
                { "UTC25", 0, INT32_MIN },
                { "UTC0:60", 0, INT32_MIN },
                { "<+1-1", 0, INT32_MIN },
                { "CET-1CEST", 0, INT32_MIN },
                { "CET-1CEST,M3.5.0", 0, INT32_MIN },
                { "CET-1CEST,M13.5.0,M10.5.0", 0, INT32_MIN },
                { "CET-1CEST,M3.6.0,M10.5.0", 0, INT32_MIN },
                { "CET-1CEST,M3.5.7,M10.5.0", 0, INT32_MIN },
                { "CET-1CEST,J0,J366", 0, INT32_MIN },
                { "CET-1CEST,366,1", 0, INT32_MIN },
                { "CET-1CEST,M3.5.0/168,M10.5.0", 0, INT32_MIN },
                { "CET-1CEST,M3.5.0,M10.5.0x", 0, INT32_MIN },
                { "CET-99999999999", 0, INT32_MIN },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_zone_rule r;
                bool good = hv_zone_rule_parse(rows[i].text, strlen(rows[i].text), &r);

                if (good != (rows[i].offset != INT32_MIN))
                        fail_msg("%s is %s", rows[i].text, good ? "taken" : "refused");
                if (good && hv_zone_rule_offset(&r, rows[i].at) != rows[i].offset)
                        fail_msg("%s: %d at %lld", rows[i].text, hv_zone_rule_offset(&r, rows[i].at),
                                 (long long) rows[i].at);
        }
}

/* A file of one type of local time, cut and bent in every way. */
static void damaged_files_are_refused(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf data = {};
        struct hv_zone *z = load("/usr/share/zoneinfo/Europe/Berlin", &data);
        struct hv_err err;

        (void) state;
        (void) hv_zone_free(z);
        for (size_t n = 0; n < data.len; n++) {
                _hv_cleanup_free_ char *cut = n ? malloc(n) : malloc(1);

                memcpy(cut, data.data, n);
                assert_int_equal(hv_zone_parse(cut, n, &z, &err), -EBADMSG);
                assert_true(hv_has_prefix(err.msg, "time zone data: "));
        }
        data.data[0] = 't';
        assert_int_equal(hv_zone_parse(data.data, data.len, &z, &err), -EBADMSG);
        assert_int_equal(hv_zone_parse("", 0, &z, NULL), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_zones_are_those_of_another_reader),
                cmocka_unit_test(without_a_zone_it_is_utc),
                cmocka_unit_test(rules_of_posix),
                cmocka_unit_test(damaged_files_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

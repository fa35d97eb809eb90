/* base/duration.c - see duration.h. */
#include "base/duration.h"

#include <stdio.h>
#include <strings.h>

struct unit {
        const char *name;
        uint64_t us;
};

static const struct unit units[] = {
        { "w", 7 * HV_USEC_PER_DAY },
        { "d", HV_USEC_PER_DAY },
        { "h", HV_USEC_PER_HOUR },
        { "m", HV_USEC_PER_MIN },
        { "s", HV_USEC_PER_SEC },
        { "ms", HV_USEC_PER_MSEC },
        { "us", 1 },
};

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The unit at *p, read as far as letters go so that "m" is not found in "ms" or "min". */
static const struct unit *unit_read(const char **p) {
        size_t n = 0;

        while (is_letter((*p)[n]))
                n++;
        for (size_t i = 0; i < HV_ARRAY_SIZE(units); i++)
                if (strlen(units[i].name) == n && memcmp(units[i].name, *p, n) == 0) {
                        *p += n;
                        return &units[i];
                }
        return NULL;
}

enum hv_parse hv_duration_parse(const char *text, uint64_t *ret_us) {
        const struct unit *last = NULL;
        bool negative = *text == '-', overflow = false;
        const char *p = text + negative;
        uint64_t sum = 0;

        do {
                struct hv_decimal d;
                const struct unit *u;
                uint64_t part = 0;
                enum hv_parse r = hv_decimal_read(&p, &d);

                if (r == HV_PARSE_OVERFLOW)
                        return r;
                if (r != HV_PARSE_OK)
                        return HV_PARSE_BAD;
                if (!*p && !last)
                        return HV_PARSE_NO_UNIT;
                u = unit_read(&p);
                if (!u || (last && u <= last)) /* the table runs from large to small */
                        return HV_PARSE_BAD;
                last = u;
                overflow = hv_decimal_times(&d, u->us, &part) != HV_PARSE_OK ||
                           __builtin_add_overflow(sum, part, &sum) || sum > INT64_MAX || overflow;
        } while (*p);
        if (negative)
                return HV_PARSE_NEGATIVE;
        if (overflow)
                return HV_PARSE_OVERFLOW;
        *ret_us = sum;
        return HV_PARSE_OK;
}

void hv_duration_format(uint64_t us, char ret[HV_DURATION_SIZE]) {
        size_t len = 0;

        if (us == 0)
                (void) snprintf(ret, HV_DURATION_SIZE, "0s");
        for (size_t i = 1; i < HV_ARRAY_SIZE(units) && us > 0; i++) {
                uint64_t n = us / units[i].us;

                if (n == 0)
                        continue;
                len += (size_t) snprintf(ret + len, HV_DURATION_SIZE - len, "%llu%s", (unsigned long long) n,
                                         units[i].name);
                us -= n * units[i].us;
        }
}

bool hv_duration_suggest(const char *text, char ret[HV_DURATION_SIZE]) {
        static const struct {
                const char *word, *unit;
        } words[] = {
                { "", "s" },
                { "sec", "s" },
                { "secs", "s" },
                { "second", "s" },
                { "seconds", "s" },
                { "min", "m" },
                { "mins", "m" },
                { "minute", "m" },
                { "minutes", "m" },
                { "hr", "h" },
                { "hrs", "h" },
                { "hour", "h" },
                { "hours", "h" },
                { "day", "d" },
                { "days", "d" },
                { "week", "w" },
                { "weeks", "w" },
                { "msec", "ms" },
                { "milliseconds", "ms" },
                { "usec", "us" },
                { "H", "h" },
                { "S", "s" },
                { "D", "d" },
                { "M", "m" },
                { "s", "s" },
                { "m", "m" },
                { "h", "h" },
                { "d", "d" },
                { "ms", "ms" },
        };
        const char *p = text;
        struct hv_decimal d;
        size_t n;

        while (*p == ' ')
                p++;
        text = p;
        if (hv_decimal_read(&p, &d) != HV_PARSE_OK || (size_t) (p - text) > 20)
                return false;
        n = (size_t) (p - text);
        while (*p == ' ')
                p++;
        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++)
                if (strcmp(p, words[i].word) == 0) {
                        (void) snprintf(ret, HV_DURATION_SIZE, "%.*s%s", (int) n, text, words[i].unit);
                        return true;
                }
        return false;
}

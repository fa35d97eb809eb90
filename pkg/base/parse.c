/* base/parse.c - see parse.h. */
#include "base/parse.h"

#define FRACTION_DIGITS 18

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

enum hv_parse hv_decimal_read(const char **p, struct hv_decimal *ret) {
        struct hv_decimal d = { .scale = 1 };
        const char *s = *p;
        unsigned n_fraction = 0;

        if (!is_digit(*s))
                return HV_PARSE_BAD;
        for (; is_digit(*s); s++)
                if (__builtin_mul_overflow(d.whole, 10u, &d.whole) ||
                    __builtin_add_overflow(d.whole, (uint64_t) (*s - '0'), &d.whole))
                        return HV_PARSE_OVERFLOW;
        if (*s == '.') {
                if (!is_digit(s[1]))
                        return HV_PARSE_BAD;
                for (s++; is_digit(*s); s++) {
                        if (n_fraction++ >= FRACTION_DIGITS) {
                                d.rest = d.rest || *s != '0';
                                continue;
                        }
                        d.fraction = d.fraction * 10 + (uint64_t) (*s - '0');
                        d.scale *= 10;
                }
        }
        *ret = d;
        *p = s;
        return HV_PARSE_OK;
}

enum hv_parse hv_decimal_times(const struct hv_decimal *d, uint64_t unit, uint64_t *ret) {
        unsigned __int128 fraction = (unsigned __int128) d->fraction * unit;
        unsigned __int128 v = (unsigned __int128) d->whole * unit + fraction / d->scale;

        if (fraction % d->scale != 0 || (d->rest && unit > 0))
                v++;
        if (v > INT64_MAX)
                return HV_PARSE_OVERFLOW;
        *ret = (uint64_t) v;
        return HV_PARSE_OK;
}

bool hv_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (!*text)
                return false;
        for (const char *s = text; *s; s++)
                if (!is_digit(*s) || __builtin_mul_overflow(v, 10u, &v) ||
                    __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v))
                        return false;
        if (v < min || v > max)
                return false;
        *ret = v;
        return true;
}

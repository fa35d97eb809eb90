#include "base/rfc3339.h"

#include <stdio.h>

#include "base/civil.h"

#define USEC_DIGITS 6

void hv_rfc3339_format(uint64_t wall_us, char ret[HV_RFC3339_SIZE]) {
        uint64_t us = HV_MIN(wall_us, HV_RFC3339_MAX_US);
        unsigned fraction = (unsigned) (us % HV_USEC_PER_SEC);
        struct hv_civil c;
        int n;

        hv_civil_from_seconds((int64_t) (us / HV_USEC_PER_SEC), &c);
        n = snprintf(ret, HV_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned) c.year % 10000,
                     c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100);
        if (fraction) {
                n += snprintf(ret + n, HV_RFC3339_SIZE - (size_t) n, ".%06u", fraction);
                while (ret[n - 1] == '0')
                        n--;
        }
        ret[n++] = 'Z';
        ret[n] = '\0';
}

/* Reads exactly `width` digits. */
static bool read_digits(const char **p, unsigned width, unsigned max, unsigned *ret) {
        unsigned value = 0;

        for (unsigned i = 0; i < width; i++, (*p)++) {
                if (**p < '0' || **p > '9')
                        return false;
                value = value * 10 + (unsigned) (**p - '0');
        }
        *ret = value;
        return value <= max;
}

static bool read_char(const char **p, const char *any_of) {
        if (!**p || !strchr(any_of, **p))
                return false;
        (*p)++;
        return true;
}

static bool read_date(const char **p, int64_t *ret_days) {
        unsigned year, month, day;

        if (!read_digits(p, 4, 9999, &year) || !read_char(p, "-") || !read_digits(p, 2, 12, &month) ||
            !read_char(p, "-") || !read_digits(p, 2, 31, &day) || month == 0 || day == 0)
                return false;
        if (day > hv_civil_month_length((int) year, month))
                return false;
        *ret_days = hv_civil_days((int) year, month, day);
        return true;
}

static bool read_fraction(const char **p, unsigned *ret_us) {
        unsigned us = 0, n = 0;

        *ret_us = 0;
        if (!read_char(p, ".,"))
                return true;
        for (; **p >= '0' && **p <= '9'; (*p)++, n++) {
                if (n < USEC_DIGITS)
                        us = us * 10 + (unsigned) (**p - '0');
        }
        for (unsigned i = n; i < USEC_DIGITS; i++)
                us *= 10;
        *ret_us = us;
        return n > 0;
}

static bool read_offset(const char **p, int64_t *ret_seconds) {
        unsigned hours, minutes;
        bool west;

        *ret_seconds = 0;
        if (read_char(p, "Zz"))
                return true;
        west = **p == '-';
        if (!read_char(p, "+-") || !read_digits(p, 2, 23, &hours) || !read_char(p, ":") ||
            !read_digits(p, 2, 59, &minutes))
                return false;
        *ret_seconds = (int64_t) (hours * 3600 + minutes * 60) * (west ? -1 : 1);
        return true;
}

bool hv_rfc3339_parse(const char *text, uint64_t *ret_us) {
        const char *p = text;
        unsigned hour, minute, second, us;
        int64_t days, offset_s, seconds;

        if (!read_date(&p, &days) || !read_char(&p, "Tt ") || !read_digits(&p, 2, 23, &hour) ||
            !read_char(&p, ":") || !read_digits(&p, 2, 59, &minute) || !read_char(&p, ":") ||
            !read_digits(&p, 2, 60, &second) || !read_fraction(&p, &us) || !read_offset(&p, &offset_s) || *p)
                return false;
        seconds = days * 86400 + hour * 3600 + minute * 60 + HV_MIN(second, 59U) - offset_s;
        if (seconds < 0 || (uint64_t) seconds > HV_RFC3339_MAX_US / HV_USEC_PER_SEC)
                return false;
        *ret_us = (uint64_t) seconds * HV_USEC_PER_SEC + us;
        return true;
}

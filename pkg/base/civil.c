#include "base/civil.h"

#define DAYS_OF_ERA 146097 /* 400 years */
#define SECONDS_OF_DAY 86400

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

int64_t hv_civil_days(int year, unsigned month, unsigned day) {
        int64_t y = (int64_t) year - (month <= 2), era = floor_div(y, 400), day_of_era;
        unsigned year_of_era = (unsigned) (y - era * 400);
        unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

        day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * DAYS_OF_ERA + day_of_era - 719468;
}

void hv_civil_date(int64_t days, struct hv_civil *ret) {
        int64_t z = days + 719468, era = floor_div(z, DAYS_OF_ERA);
        unsigned day_of_era = (unsigned) (z - era * DAYS_OF_ERA);
        unsigned year_of_era =
                (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        unsigned month = (5 * day_of_year + 2) / 153;

        *ret = (struct hv_civil){
                .day = day_of_year - (153 * month + 2) / 5 + 1,
                .month = month < 10 ? month + 3 : month - 9,
        };
        ret->year = (int) (year_of_era + era * 400) + (ret->month <= 2);
}

unsigned hv_civil_weekday(int64_t days) {
        return (unsigned) (days + 4 - floor_div(days + 4, 7) * 7); /* 1970-01-01 was a Thursday */
}

unsigned hv_civil_month_length(int year, unsigned month) {
        static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return lengths[month - 1] + (unsigned) (month == 2 && leap);
}

int64_t hv_civil_seconds(const struct hv_civil *c) {
        return hv_civil_days(c->year, c->month, c->day) * SECONDS_OF_DAY + c->hour * 3600 + c->minute * 60 +
               c->second;
}

void hv_civil_from_seconds(int64_t seconds, struct hv_civil *ret) {
        int64_t days = floor_div(seconds, SECONDS_OF_DAY);
        unsigned rest = (unsigned) (seconds - days * SECONDS_OF_DAY);

        hv_civil_date(days, ret);
        ret->hour = rest / 3600;
        ret->minute = rest / 60 % 60;
        ret->second = rest % 60;
}

/* spec/value_cron.c - see value_cron.h. */
#include "spec/value_cron.h"

#include <strings.h>

#include "base/parse.h"
#include "base/text.h"

#define N_FIELDS 5

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
                                           "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

struct field {
        const char *name;
        unsigned min, max;
        const char *const *names; /* of min, min + 1, ...; NULL: numbers only */
};

static const struct field fields[N_FIELDS] = {
        { "minute", 0, 59, NULL },
        { "hour", 0, 23, NULL },
        { "day of month", 1, 31, NULL },
        { "month", 1, 12, month_names },
        { "day of week", 0, 7, weekday_names },
};

struct reader {
        const char *p;
        unsigned index; /* of the field */
        struct hv_fault *fault;
};

static bool is_end(char c) {
        return c == '\0' || c == ' ' || c == '\t';
}

/* A fault about field n, 1-based as people count. */
#define field_fault(r, fmt, ...)                                                                          \
        hv_fault_set((r)->fault, "E0228", "field %u (%s): " fmt, (r)->index + 1, fields[(r)->index].name, \
                     __VA_ARGS__)

static int value_read(struct reader *r, unsigned *ret) {
        const struct field *f = &fields[r->index];
        char word[12], quoted[HV_TEXT_QUOTE_SIZE];
        size_t n = strcspn(r->p, " \t,-/");
        uint64_t number;

        if (n == 0)
                return field_fault(r, "expected a number%s", f->names ? ", a name or *" : " or *");
        if (n >= sizeof word)
                n = sizeof word - 1;
        memcpy(word, r->p, n);
        word[n] = '\0';
        r->p += n;
        for (unsigned i = 0; f->names && f->names[i]; i++)
                if (strcasecmp(word, f->names[i]) == 0) {
                        *ret = f->min + i;
                        return 0;
                }
        if (!hv_parse_uint(word, 0, UINT32_MAX, &number))
                return field_fault(r, "%s is not a number%s", hv_text_quote(word, quoted),
                                   f->names ? " or a name" : "");
        if (number > f->max)
                return field_fault(r, "%llu is above %u", (unsigned long long) number, f->max);
        if (number < f->min)
                return field_fault(r, "%llu is below %u", (unsigned long long) number, f->min);
        *ret = (unsigned) number;
        return 0;
}

/* One element of a list: `*`, a value or a range, with or without a step. */
static int element_read(struct reader *r, uint64_t *set, bool *ret_any) {
        const struct field *f = &fields[r->index];
        unsigned first = f->min, last = f->max, step = 1;
        int e;

        *ret_any = *r->p == '*';
        if (*ret_any)
                r->p++;
        else {
                e = value_read(r, &first);
                if (e < 0)
                        return e;
                last = first;
                if (*r->p == '-') {
                        r->p++;
                        e = value_read(r, &last);
                        if (e < 0)
                                return e;
                        if (last < first)
                                return field_fault(r, "range %u-%u is reversed", first, last);
                } else if (*r->p == '/')
                        last = f->max;
        }
        if (*r->p == '/') {
                uint64_t number = 0;
                char digits[4];
                size_t n = strspn(++r->p, "0123456789");

                if (n > 0 && n < sizeof digits) {
                        memcpy(digits, r->p, n);
                        digits[n] = '\0';
                        (void) hv_parse_uint(digits, 0, 999, &number);
                }
                r->p += n;
                if (number < 1 || number > f->max)
                        return field_fault(r, "a step after \"/\" is a number from 1 to %u", f->max);
                step = (unsigned) number;
        }
        for (unsigned v = first; v <= last; v += step)
                *set |= UINT64_C(1) << v;
        return 0;
}

static int field_read(struct reader *r, uint64_t *ret_set, bool *ret_any) {
        uint64_t set = 0;
        bool all_any = true, any;

        for (;;) {
                int e = element_read(r, &set, &any);

                if (e < 0)
                        return e;
                all_any = all_any && any;
                if (is_end(*r->p))
                        break;
                if (*r->p != ',')
                        return field_fault(r, "\"%c\" is not understood here",
                                           *r->p > ' ' && *r->p < 0x7f ? *r->p : '?');
                r->p++;
        }
        *ret_set = set;
        *ret_any = all_any;
        return 0;
}

static int macro_read(const char *text, struct hv_cron *ret, struct hv_fault *fault) {
        static const struct {
                const char *name, *fields;
        } macros[] = {
                { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
                { "@weekly", "0 0 * * 0" },   { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
                { "@annually", "0 0 1 1 *" },
        };
        struct hv_suggestion s = { .text = text };
        char quoted[HV_TEXT_QUOTE_SIZE];

        for (size_t i = 0; i < HV_ARRAY_SIZE(macros); i++) {
                if (strcasecmp(text, macros[i].name) == 0)
                        return hv_value_cron(macros[i].fields, ret, fault);
                hv_suggestion_add(&s, macros[i].name);
        }
        return hv_fault_set(fault, "E0228", "%s is none of @hourly, @daily, @weekly, @monthly, @yearly%s%s%s",
                            hv_text_quote(text, quoted), s.best ? "; did you mean " : "",
                            s.best ? s.best : "", s.best ? "?" : "");
}

static unsigned count_fields(const char *text) {
        unsigned n = 0;

        for (const char *p = text; *p; p++)
                n += !is_end(*p) && (p == text || is_end(p[-1]));
        return n;
}

/* With the day of the week open, a day of the month must exist in one of the months; else any week has its
 * day. */
static bool ever_fires(const struct hv_cron *c) {
        static const unsigned char lengths[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        if (!c->any_weekday)
                return true;
        for (unsigned month = 1; month <= 12; month++)
                for (unsigned day = 1; c->months >> month & 1 && day <= lengths[month]; day++)
                        if (c->days >> day & 1)
                                return true;
        return false;
}

int hv_value_cron(const char *text, struct hv_cron *ret, struct hv_fault *fault) {
        struct reader r = { .p = text, .fault = fault };
        char quoted[HV_TEXT_QUOTE_SIZE];
        uint64_t sets[N_FIELDS];
        bool any[N_FIELDS];
        struct hv_cron c;
        unsigned n;

        if (*text == '@')
                return macro_read(text, ret, fault);
        n = count_fields(text);
        if (n != N_FIELDS)
                return hv_fault_set(
                        fault, "E0228",
                        "expected %d fields (minute, hour, day of month, month, day of week), found %u%s",
                        N_FIELDS, n, n == N_FIELDS + 1 ? "; seconds and years are not supported" : "");
        for (; r.index < N_FIELDS; r.index++) {
                int e;

                r.p += strspn(r.p, " \t");
                e = field_read(&r, &sets[r.index], &any[r.index]);
                if (e < 0)
                        return e;
        }
        c = (struct hv_cron){
                .minutes = sets[0],
                .hours = (uint32_t) sets[1],
                .days = (uint32_t) sets[2],
                .months = (uint16_t) sets[3],
                .weekdays = (uint8_t) ((sets[4] & 0x7f) | (sets[4] >> 7 & 1)),
                .any_day = any[2],
                .any_weekday = any[4],
        };
        if (!ever_fires(&c))
                return hv_fault_set(fault, "E0229", "%s never happens", hv_text_quote(text, quoted));
        *ret = c;
        return 0;
}

bool hv_cron_matches_day(const struct hv_cron *c, unsigned day, unsigned month, unsigned weekday) {
        bool on_day = c->days >> day & 1, on_weekday = c->weekdays >> weekday & 1;

        if (!(c->months >> month & 1))
                return false;
        return c->any_day || c->any_weekday ? on_day && on_weekday : on_day || on_weekday;
}

bool hv_cron_matches(const struct hv_cron *c, unsigned minute, unsigned hour, unsigned day, unsigned month,
                     unsigned weekday) {
        return (c->minutes >> minute & 1) && (c->hours >> hour & 1) &&
               hv_cron_matches_day(c, day, month, weekday);
}

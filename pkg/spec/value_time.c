/* spec/value_time.c - see value_time.h. */
#include "spec/value_time.h"

#include "base/arena.h"
#include "base/parse.h"
#include "base/text.h"

#define MINUTES_PER_DAY 1440

static int compare_name(const void *key, const void *element) {
        return strcmp(key, *(const char *const *) element);
}

int hv_value_clock(const char *text, unsigned *ret_minutes, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE], hours[3] = "", minutes[3] = "";
        uint64_t h, m;

        if (strlen(text) == 5 && text[2] == ':') {
                memcpy(hours, text, 2);
                memcpy(minutes, text + 3, 2);
        }
        if (!hv_parse_uint(hours, 0, 24, &h) || !hv_parse_uint(minutes, 0, 59, &m) || (h == 24 && m > 0))
                return hv_fault_set(fault, "E0231",
                                    "%s is not a time of day such as 08:00, from 00:00 to 24:00",
                                    hv_text_quote(text, quoted));
        *ret_minutes = (unsigned) (h * 60 + m);
        return 0;
}

/* The whole name first; then the part after the last '/' alone, so that "Berlin" and "Germany/Berlin" are
 * found. */
static const char *zone_suggest(const char *text) {
        const char *slash = strrchr(text, '/'), *city = slash ? slash + 1 : text, *best = NULL;
        struct hv_suggestion whole = { .text = text };
        size_t nearest = 2;

        for (size_t i = 0; i < hv_n_zone_names; i++)
                hv_suggestion_add(&whole, hv_zone_names[i]);
        if (whole.best)
                return whole.best;
        for (size_t i = 0; i < hv_n_zone_names; i++) {
                const char *last = strrchr(hv_zone_names[i], '/');
                size_t distance = last && strlen(city) > 3 ? hv_text_distance(city, last + 1, 1) : nearest;

                if (distance < nearest) {
                        nearest = distance;
                        best = hv_zone_names[i];
                }
        }
        return best;
}

int hv_value_zone(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        const char *best;

        if (bsearch(text, hv_zone_names, hv_n_zone_names, sizeof *hv_zone_names, compare_name))
                return 0;
        best = zone_suggest(text);
        return hv_fault_set(fault, "E0230", "time zone %s not found%s%s%s", hv_text_quote(text, quoted),
                            best ? "; did you mean " : "", best ? best : "", best ? "?" : "");
}

int hv_value_window(const char *text, struct hv_arena *a, struct hv_window *ret, struct hv_fault *fault) {
        const char *space = strchr(text, ' '), *dash = strchr(text, '-');
        char quoted[HV_TEXT_QUOTE_SIZE];
        size_t n = space ? (size_t) (space - text) : strlen(text);
        struct hv_window w = {};
        int r;

        if (!dash || dash > text + n)
                return hv_fault_set(fault, "E0231",
                                    "%s is not a window such as \"01:00-05:00 Europe/Berlin\"",
                                    hv_text_quote(text, quoted));
        r = hv_value_clock(hv_arena_strndup(a, text, (size_t) (dash - text)), &w.from, fault);
        if (r < 0)
                return r;
        r = hv_value_clock(hv_arena_strndup(a, dash + 1, n - (size_t) (dash + 1 - text)), &w.to, fault);
        if (r < 0)
                return r;
        if (w.from % MINUTES_PER_DAY == w.to % MINUTES_PER_DAY && !(w.from == 0 && w.to == MINUTES_PER_DAY))
                return hv_fault_set(fault, "E0231", "window end equals its start");
        if (space) {
                w.zone = hv_arena_strdup(a, space + 1 + strspn(space + 1, " "));
                r = hv_value_zone(w.zone, fault);
                if (r < 0)
                        return r;
        }
        *ret = w;
        return 0;
}

/* base/kernel_text.c - see kernel_text.h. Written by hand where sscanf() would do: what is read for each of a hundred containers in
 * each round should cost little more than the reading. */
#include "base/kernel_text.h"

#define INTERFACE_COLUMNS 16u /* eight of what came in, eight of what went out */

/* Digits at *p; *p moves behind them. */
static bool digits(const char **p, uint64_t *ret) {
        uint64_t v = 0;
        const char *s = *p;

        if (*s < '0' || *s > '9')
                return false;
        for (; *s >= '0' && *s <= '9'; s++) {
                uint64_t digit = (uint64_t) (*s - '0');

                if (v > (UINT64_MAX - digit) / 10)
                        return false;
                v = v * 10 + digit;
        }
        *p = s;
        *ret = v;
        return true;
}

static const char *skip_blanks(const char *s) {
        while (*s == ' ' || *s == '\t')
                s++;
        return s;
}

/* Behind the end of the line; NULL: it has none, it was cut. */
static const char *next_line(const char *s) {
        const char *end = strchr(s, '\n');

        return end ? end + 1 : NULL;
}

bool hv_kernel_number(const char *text, uint64_t *ret) {
        const char *p = text;
        uint64_t v = UINT64_MAX;

        if (hv_has_prefix(p, "max"))
                p += strlen("max");
        else if (!digits(&p, &v))
                return false;
        if (*p && !hv_streq(p, "\n"))
                return false;
        *ret = v;
        return true;
}

static const char *find_line(const char *text, const char *key) {
        size_t n = strlen(key);

        for (const char *line = text, *next; (next = next_line(line)); line = next)
                if (strncmp(line, key, n) == 0 && strchr(" :\t", line[n]) && line[n])
                        return line + n;
        return NULL;
}

bool hv_kernel_keyed(const char *text, const char *key, uint64_t *ret) {
        const char *p = find_line(text, key);

        if (!p)
                return false;
        p = skip_blanks(p + (*p == ':'));
        return digits(&p, ret);
}

/* "0.12", two digits behind the point. */
static bool percent(const char **p, double *ret) {
        uint64_t whole, hundredths;
        const char *s = *p;

        if (!digits(&s, &whole) || *s++ != '.' || !digits(&s, &hundredths) || hundredths > 99 || whole > 100)
                return false;
        *p = s;
        *ret = (double) whole + (double) hundredths / 100.0;
        return true;
}

static bool pressure_line(const char *p, double *ret_percent, uint64_t *ret_total_us) {
        static const char average[] = " avg10=", total[] = " total=";
        const char *end = p ? strchr(p, '\n') : NULL, *at;
        double of_10_s;

        if (!end || !hv_has_prefix(p, average))
                return false;
        p += strlen(average);
        if (!percent(&p, &of_10_s))
                return false;
        at = strstr(p, total);
        if (!at || at > end)
                return false;
        at += strlen(total);
        if (!digits(&at, ret_total_us))
                return false;
        *ret_percent = of_10_s;
        return true;
}

bool hv_kernel_pressure(const char *text, struct hv_pressure *ret) {
        struct hv_pressure p = { .is_known = true };

        if (!pressure_line(find_line(text, "some"), &p.some_percent, &p.some_total_us))
                return false;
        (void) pressure_line(find_line(text, "full"), &p.full_percent, &p.full_total_us);
        *ret = p;
        return true;
}

static bool take_interface(const char *line, const char *end, struct hv_interface_counters *ret) {
        const char *name = skip_blanks(line), *colon = memchr(name, ':', (size_t) (end - name));
        uint64_t v[INTERFACE_COLUMNS];
        const char *p;

        if (!colon || colon == name || (size_t) (colon - name) >= sizeof ret->name)
                return false;
        p = colon + 1;
        for (size_t i = 0; i < INTERFACE_COLUMNS; i++) {
                p = skip_blanks(p);
                if (!digits(&p, &v[i]))
                        return false;
        }
        *ret = (struct hv_interface_counters){ .rx_bytes = v[0],
                                               .rx_packets = v[1],
                                               .rx_errors = v[2],
                                               .rx_dropped = v[3],
                                               .tx_bytes = v[8],
                                               .tx_packets = v[9],
                                               .tx_errors = v[10],
                                               .tx_dropped = v[11] };
        (void) memcpy(ret->name, name, (size_t) (colon - name));
        return true;
}

bool hv_kernel_interface(const char **at, struct hv_interface_counters *ret) {
        for (const char *line = *at, *next; (next = next_line(line)); line = next) {
                if (take_interface(line, next - 1, ret)) {
                        *at = next;
                        return true;
                }
        }
        return false;
}

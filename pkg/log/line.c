#include "log/line.h"

#include <time.h>

#include "base/time.h"
#include "log/log.h"

#define TIME_FORMAT "[%Y-%m-%d %H:%M:%S] "
#define LEVEL_MAX 16

static void add_escaped(struct hv_buf *out, const char *text) {
        for (const unsigned char *p = (const unsigned char *) text; *p; p++) {
                if (*p == '\n')
                        hv_buf_puts(out, "\\n");
                else if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
                        hv_buf_printf(out, "\\x%02x", *p);
                else
                        hv_buf_putc(out, (char) *p);
        }
}

void hv_log_line(const struct hv_log_record *record, struct hv_buf *ret) {
        time_t seconds = (time_t) (record->realtime_us / HV_USEC_PER_SEC);
        struct tm tm = {};
        char when[32];

        (void) localtime_r(&seconds, &tm);
        (void) strftime(when, sizeof when, TIME_FORMAT, &tm);
        hv_buf_printf(ret, "%s%s: ", when, hv_log_level_name(record->level));
        add_escaped(ret, record->message);
        hv_buf_putc(ret, '\n');
}

bool hv_log_line_parse(const char *line, uint64_t *ret_realtime_us, int *ret_level,
                       const char **ret_message) {
        struct tm tm = { .tm_isdst = -1 };
        const char *level = strptime(line, TIME_FORMAT, &tm), *end = level ? strstr(level, ": ") : NULL;
        char name[LEVEL_MAX];
        time_t seconds;
        int r;

        if (!end || (size_t) (end - level) >= sizeof name)
                return false;
        memcpy(name, level, (size_t) (end - level));
        name[end - level] = '\0';
        r = hv_log_level_from_name(name);
        seconds = mktime(&tm);
        if (r < 0 || seconds < 0)
                return false;
        *ret_realtime_us = (uint64_t) seconds * HV_USEC_PER_SEC;
        *ret_level = r;
        *ret_message = end + 2;
        return true;
}

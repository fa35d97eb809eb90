/* task/log_form.c - see log_form.h. */
#include "task/log_form.h"

#include "base/macros.h"

/* {"log":" ","stream":"stdout" ,"time":"2026-11-21T10:00:00.123456789Z" }\n */
#define JSON_AROUND_BYTES 69u

/* Lengths 4 + 4, source 8, time 11, line 1 + up to 3 for its length; measured: 29. */
#define LOCAL_AROUND_BYTES 32u
/* What a part of a long line has besides: flag, id of 64 digits, number; measured: 72. The last part may be short: the one in
 * front of it, which is never, pays for both. */
#define LOCAL_PART_BYTES 160u
#define PART_FROM_BYTES ((size_t) 8 << 10)

enum hv_log_form hv_log_form_of(const char *driver) {
        if (hv_streq(driver, "json-file"))
                return HV_LOG_FORM_JSON;
        return hv_streq(driver, "local") ? HV_LOG_FORM_LOCAL : HV_LOG_FORM_BYTES;
}

/* What a byte becomes inside of a JSON string: \u0001 and \u003c, or \n, or itself. U+FFFD, U+2028 and U+2029 are six
 * characters for three bytes; they begin with 0xef and 0xe2. */
static unsigned json_bytes(unsigned char c) {
        switch (c) {
        case '\n':
        case '\r':
        case '"':
        case '\\':
                return 2;
        case '<':
        case '>':
        case '&':
                return 6;
        case 0xe2:
        case 0xef:
                return 4;
        default:
                return c < 0x20 ? 6 : 1;
        }
}

static uint64_t json_cost(const unsigned char *p, size_t len) {
        uint64_t sum = JSON_AROUND_BYTES;

        for (size_t i = 0; i < len; i++)
                sum += json_bytes(p[i]);
        return sum;
}

uint64_t hv_log_form_cost(enum hv_log_form form, const void *data, size_t len) {
        switch (form) {
        case HV_LOG_FORM_JSON:
                return json_cost(data, len);
        case HV_LOG_FORM_LOCAL:
                return len + LOCAL_AROUND_BYTES + (len >= PART_FROM_BYTES ? LOCAL_PART_BYTES : 0);
        case HV_LOG_FORM_BYTES:
                break;
        }
        return len;
}

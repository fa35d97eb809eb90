/* json/write.c - see write.h. */
#include "json/write.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include <jansson.h>

#include "base/text.h"
#include "json/json.h"

static void put_escaped(struct hv_buf *buf, unsigned char c) {
        static const char *const named[] = {
                ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
                ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t",
        };

        if (c < HV_ARRAY_SIZE(named) && named[c])
                hv_buf_puts(buf, named[c]);
        else
                hv_buf_printf(buf, "\\u%04x", c);
}

/* Bytes of valid UTF-8. */
static void put_valid(struct hv_buf *buf, const char *s, size_t len) {
        size_t begin = 0; /* of what goes out as it is */

        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char) s[i];

                if (c >= 0x20 && c != '"' && c != '\\')
                        continue;
                hv_buf_add(buf, s + begin, i - begin);
                put_escaped(buf, c);
                begin = i + 1;
        }
        hv_buf_add(buf, s + begin, len - begin);
}

static void put_quoted(struct hv_buf *buf, const char *s, size_t len) {
        size_t bad;

        hv_buf_putc(buf, '"');
        while (!hv_utf8_is_valid(s, len, &bad)) {
                put_valid(buf, s, bad);
                hv_buf_puts(buf, "\xef\xbf\xbd");
                s += bad + 1;
                len -= bad + 1;
        }
        put_valid(buf, s, len);
        hv_buf_putc(buf, '"');
}

/* The comma and the key before a value. */
static void before_value(struct hv_json_writer *w, const char *key) {
        assert(!key == (w->depth == 0 || w->closing[w->depth - 1] == ']'));
        if (w->has_members && w->depth)
                hv_buf_putc(w->buf, ',');
        w->has_members = true;
        if (key) {
                put_quoted(w->buf, key, strlen(key));
                hv_buf_putc(w->buf, ':');
        }
}

static void begin(struct hv_json_writer *w, const char *key, char opening, char closing) {
        before_value(w, key);
        if (w->depth == HV_JSON_MAX_NESTING)
                abort();
        w->closing[w->depth++] = closing;
        w->has_members = false;
        hv_buf_putc(w->buf, opening);
}

void hv_json_begin_object(struct hv_json_writer *w, const char *key) {
        begin(w, key, '{', '}');
}

void hv_json_begin_array(struct hv_json_writer *w, const char *key) {
        begin(w, key, '[', ']');
}

void hv_json_end(struct hv_json_writer *w) {
        if (w->depth == 0)
                abort();
        hv_buf_putc(w->buf, w->closing[--w->depth]);
        w->has_members = true;
}

void hv_json_put_strn(struct hv_json_writer *w, const char *key, const char *text, size_t len) {
        before_value(w, key);
        put_quoted(w->buf, text ? text : "", text ? len : 0);
}

void hv_json_put_str(struct hv_json_writer *w, const char *key, const char *text) {
        if (text)
                hv_json_put_strn(w, key, text, strlen(text));
        else
                hv_json_put_null(w, key);
}

void hv_json_put_printf(struct hv_json_writer *w, const char *key, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        hv_json_put_strn(w, key, hv_buf_str(&text), text.len);
}

void hv_json_put_int(struct hv_json_writer *w, const char *key, int64_t value) {
        before_value(w, key);
        hv_buf_printf(w->buf, "%" PRId64, value);
}

void hv_json_put_uint(struct hv_json_writer *w, const char *key, uint64_t value) {
        before_value(w, key);
        hv_buf_printf(w->buf, "%" PRIu64, value);
}

static int append(const char *data, size_t len, void *buf) {
        hv_buf_add(buf, data, len);
        return 0;
}

void hv_json_put_real(struct hv_json_writer *w, const char *key, double value) {
        char text[32];
        json_t *real;

        if (!isfinite(value)) {
                hv_json_put_null(w, key);
                return;
        }
        /* Fifteen digits read well and nearly always suffice; where they do not, seventeen always do. jansson
         * writes them, for it knows that a decimal point is no comma whatever the locale says. */
        (void) snprintf(text, sizeof text, "%.15g", value);
        real = json_real(value);
        before_value(w, key);
        (void) json_dump_callback(real, append, w->buf,
                                  JSON_ENCODE_ANY |
                                          JSON_REAL_PRECISION(strtod(text, NULL) == value ? 15 : 17));
        json_decref(real);
}

void hv_json_put_bool(struct hv_json_writer *w, const char *key, bool value) {
        before_value(w, key);
        hv_buf_puts(w->buf, value ? "true" : "false");
}

void hv_json_put_null(struct hv_json_writer *w, const char *key) {
        before_value(w, key);
        hv_buf_puts(w->buf, "null");
}

void hv_json_put_json(struct hv_json_writer *w, const char *key, const struct hv_json *value) {
        before_value(w, key);
        hv_json_dump(value, w->buf);
}

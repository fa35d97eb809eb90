/* json/write.h - JSON that is written, straight into a buffer.
 *
 *     struct hv_json_writer w = { .buf = &buf };
 *     hv_json_begin_object(&w, NULL);
 *     hv_json_put_str(&w, "name", "web");
 *     hv_json_begin_array(&w, "ports");
 *     hv_json_put_int(&w, NULL, 80);
 *     hv_json_end(&w);
 *     hv_json_end(&w);                                         {"name":"web","ports":[80]}
 *
 * Model    A key inside an object, NULL inside an array and at the top. No blanks, members in the order in
 *          which they are put; commas and escapes are the writer's. Text that is no valid UTF-8 (a log line,
 *          a name from outside) is made valid with U+FFFD, so what comes out always parses; where the
 *          difference matters the caller checks first (base/text.h). Nesting that does not fit is a bug of
 *          the caller and ends the process.
 */
#pragma once

#include "base/buf.h"

struct hv_json;

#define HV_JSON_MAX_NESTING 64

struct hv_json_writer {
        struct hv_buf *buf;
        unsigned depth;
        bool has_members;
        char closing[HV_JSON_MAX_NESTING];
};

void hv_json_begin_object(struct hv_json_writer *w, const char *key);
void hv_json_begin_array(struct hv_json_writer *w, const char *key);
void hv_json_end(struct hv_json_writer *w); /* of the innermost one */

void hv_json_put_str(struct hv_json_writer *w, const char *key, const char *text); /* NULL: null */
void hv_json_put_strn(struct hv_json_writer *w, const char *key, const char *text, size_t len);
void hv_json_put_printf(struct hv_json_writer *w, const char *key, const char *fmt, ...) _hv_printf_(3, 4);
void hv_json_put_int(struct hv_json_writer *w, const char *key, int64_t value);
void hv_json_put_uint(struct hv_json_writer *w, const char *key, uint64_t value);
void hv_json_put_real(struct hv_json_writer *w, const char *key, double value); /* not finite: null */
void hv_json_put_bool(struct hv_json_writer *w, const char *key, bool value);
void hv_json_put_null(struct hv_json_writer *w, const char *key);
void hv_json_put_json(struct hv_json_writer *w, const char *key, const struct hv_json *value); /* canonical */

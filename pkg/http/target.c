#include "http/target.h"

#include <errno.h>

#include "base/arena.h"
#include "base/text.h"

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

int hv_http_percent_decode(struct hv_arena *arena, const char *raw, size_t len, const char **ret,
                           struct hv_err *err) {
        char *out = hv_arena_alloc(arena, len + 1);
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                unsigned char byte = (unsigned char) raw[i];

                if (raw[i] == '%') {
                        int high = i + 2 < len ? hex_digit(raw[i + 1]) : -1;
                        int low = i + 2 < len ? hex_digit(raw[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return hv_err_set(err, -EINVAL, "a %% is not followed by two hex digits");
                        byte = (unsigned char) (high << 4 | low);
                        i += 2;
                }
                if (byte < ' ' || byte == 0x7f)
                        return hv_err_set(err, -EINVAL, "an encoded byte is a control character (%%%02X)",
                                          byte);
                out[n++] = (char) byte;
        }
        if (!hv_utf8_is_valid(out, n, NULL))
                return hv_err_set(err, -EINVAL, "it is not valid UTF-8");
        *ret = out;
        return 0;
}

int hv_http_path_read(struct hv_arena *arena, const char *raw, struct hv_http_path *ret, struct hv_err *err) {
        struct hv_http_path path = {};
        int r;

        r = hv_http_percent_decode(arena, raw, strlen(raw), &path.text, err);
        if (r < 0)
                return hv_err_prefix(err, r, "path");
        for (const char *p = raw + 1; raw[1];) {
                size_t len = strcspn(p, "/");

                if (path.n == HV_HTTP_SEGMENTS_MAX)
                        return hv_err_set(err, -EINVAL, "path: more than %d segments", HV_HTTP_SEGMENTS_MAX);
                r = hv_http_percent_decode(arena, p, len, &path.segment[path.n], err);
                if (r < 0)
                        return hv_err_prefix(err, r, "path");
                if (hv_streq(path.segment[path.n], ".") || hv_streq(path.segment[path.n], ".."))
                        return hv_err_set(err, -EINVAL, "path: the segment \"%s\" is not taken",
                                          path.segment[path.n]);
                path.n++;
                if (p[len] == '\0')
                        break;
                p += len + 1;
        }
        *ret = path;
        return 0;
}

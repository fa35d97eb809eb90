/* docker/lines.c - see lines.h. */
#include "docker/lines.h"

#include <ctype.h>

void hv_lines_done(struct hv_lines *l) {
        hv_buf_done(&l->rest);
}

static bool is_blank(const char *line, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (!isspace((unsigned char) line[i]))
                        return false;
        return true;
}

static bool give(const char *line, size_t len, bool (*fn)(void *, const struct hv_json *), void *userdata) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;

        if (is_blank(line, len))
                return true;
        (void) hv_json_parse(line, len, HV_LINES_MAX_BYTES, &j, NULL);
        return fn(userdata, j);
}

bool hv_lines_add(struct hv_lines *l, const char *data, size_t len,
                  bool (*fn)(void *userdata, const struct hv_json *document), void *userdata) {
        const char *end = data + len, *newline;

        for (; (newline = memchr(data, '\n', (size_t) (end - data))); data = newline + 1) {
                /* Taken out of `l` first: fn may end what `l` lives in. */
                _hv_cleanup_(hv_buf_done) struct hv_buf line = l->rest;
                bool overlong = l->overlong;

                l->rest = (struct hv_buf){};
                l->overlong = false;
                if (!overlong)
                        hv_buf_add(&line, data, (size_t) (newline - data));
                if (overlong ? !fn(userdata, NULL) : !give(hv_buf_str(&line), line.len, fn, userdata))
                        return false;
        }
        if (l->overlong)
                return true;
        hv_buf_add(&l->rest, data, (size_t) (end - data));
        if (l->rest.len > HV_LINES_MAX_BYTES) {
                hv_buf_done(&l->rest);
                l->overlong = true;
        }
        return true;
}

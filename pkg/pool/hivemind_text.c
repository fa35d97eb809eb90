/* pool/hivemind_text.c - see hivemind_text.h. */
#include "pool/hivemind_text.h"

#include "base/buf.h"
#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define CHARACTER_MAX 4 /* bytes */

/* Without the beginning of a character that is cut at the end. */
static size_t whole_characters(const char *data, size_t len) {
        for (size_t back = 1; back < CHARACTER_MAX && back < len; back++) {
                unsigned char c = (unsigned char) data[len - back];
                size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

                if ((c & 0xc0) == 0x80)
                        continue;
                return size > back ? len - back : len;
        }
        return len;
}

size_t hivemind_text_take(const char *data, size_t len, bool is_last) {
        const char *newline = is_last || len == 0 ? NULL : memrchr(data, '\n', len);

        if (is_last)
                return len;
        return newline ? (size_t) (newline - data) + 1 : whole_characters(data, len);
}

const char *hivemind_text_valid(const char *data, size_t len, struct hv_arena *arena) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (len > 0 && data[len - 1] == '\n')
                len--;
        for (size_t i = 0; i < len;) {
                struct hv_character c = hv_text_character(data + i, len - i);

                if (c.is_valid && c.code != 0)
                        hv_buf_add(&b, data + i, c.len);
                else
                        hv_buf_add(&b, REPLACEMENT, strlen(REPLACEMENT));
                i += c.len;
        }
        return hv_arena_strndup(arena, hv_buf_str(&b), b.len);
}

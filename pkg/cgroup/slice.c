/* cgroup/slice.c - see slice.h. */
#include "cgroup/slice.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/sha256.h"

#define HASH_DIGITS 32

static bool stays(char c, bool is_first) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
               c == '_' || (c == '.' && !is_first);
}

char *hv_slice_escape(const char *text) {
        struct hv_buf out = {};

        for (const char *p = text; *p; p++)
                if (stays(*p, p == text))
                        hv_buf_putc(&out, *p);
                else
                        hv_buf_printf(&out, "\\x%02x", (unsigned char) *p);
        return hv_buf_steal(&out);
}

static size_t len_of_stem(const char *slice) {
        size_t len = strlen(slice), suffix = strlen(HV_SLICE_SUFFIX);

        return len > suffix && hv_streq(slice + len - suffix, HV_SLICE_SUFFIX) ? len - suffix : len;
}

char *hv_slice_child(const char *parent, const char *part) {
        _hv_cleanup_free_ char *escaped = hv_slice_escape(part);
        size_t stem = len_of_stem(parent);
        char hash[HV_SHA256_HEX_SIZE];

        if (stem + 1 + strlen(escaped) + strlen(HV_SLICE_SUFFIX) > HV_SLICE_NAME_MAX) {
                hv_sha256_hex(part, strlen(part), hash);
                hash[HASH_DIGITS] = '\0';
                free(escaped);
                escaped = hv_strdup(hash);
        }
        return hv_asprintf("%.*s-%s" HV_SLICE_SUFFIX, (int) stem, parent, escaped);
}

char *hv_slice_path(const char *slice) {
        size_t stem = len_of_stem(slice);
        struct hv_buf out = {};

        for (size_t i = 1; i <= stem; i++)
                if (i == stem || slice[i] == '-')
                        hv_buf_printf(&out, "/%.*s" HV_SLICE_SUFFIX, (int) i, slice);
        return hv_buf_steal(&out);
}

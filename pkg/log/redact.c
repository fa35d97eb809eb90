#include "log/redact.h"

#include "base/buf.h"
#include "base/secret.h"
#include "base/vec.h"

/* Longest first, so that a secret which holds another one is replaced as a whole. */
static HV_VEC(struct hv_secret *) markers;

static bool is_known(const char *data, size_t len) {
        for (size_t i = 0; i < markers.n; i++)
                if (hv_secret_len(markers.v[i]) == len &&
                    memcmp(hv_secret_bytes(markers.v[i]), data, len) == 0)
                        return true;
        return false;
}

static bool add_marker(const char *data, size_t len) {
        size_t at;

        while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
                len--;
        if (len < HV_REDACT_MIN_BYTES)
                return false;
        if (is_known(data, len))
                return true;
        (void) hv_vec_add(&markers);
        for (at = markers.n - 1; at > 0 && hv_secret_len(markers.v[at - 1]) < len; at--)
                markers.v[at] = markers.v[at - 1];
        markers.v[at] = hv_secret_new(data, len);
        return true;
}

bool hv_log_redact_add(const struct hv_secret *secret) {
        const char *data = hv_secret_bytes(secret), *end = data + hv_secret_len(secret);
        bool added = add_marker(data, (size_t) (end - data));

        for (const char *line = data; line < end;) {
                const char *nl = memchr(line, '\n', (size_t) (end - line));
                size_t len = (size_t) ((nl ? nl : end) - line);

                (void) add_marker(line, len);
                line += len + 1;
        }
        return added;
}

void hv_log_redact_clear(void) {
        for (size_t i = 0; i < markers.n; i++)
                (void) hv_secret_free(markers.v[i]);
        hv_vec_done(&markers);
}

/* The marker that text begins with, or NULL. */
static const struct hv_secret *marker_at(const char *text, size_t len) {
        for (size_t i = 0; i < markers.n; i++) {
                size_t n = hv_secret_len(markers.v[i]);

                if (n <= len && memcmp(hv_secret_bytes(markers.v[i]), text, n) == 0)
                        return markers.v[i];
        }
        return NULL;
}

static bool holds_marker(const char *text, size_t len) {
        for (size_t i = 0; i < markers.n; i++)
                if (memmem(text, len, hv_secret_bytes(markers.v[i]), hv_secret_len(markers.v[i])))
                        return true;
        return false;
}

char *hv_log_redact(const char *text) {
        struct hv_buf out = {};
        size_t len;

        if (markers.n == 0 || !text)
                return NULL;
        len = strlen(text);
        if (!holds_marker(text, len))
                return NULL;
        for (size_t i = 0; i < len;) {
                const struct hv_secret *m = marker_at(text + i, len - i);

                if (m)
                        hv_buf_puts(&out, HV_REDACTED);
                else
                        hv_buf_putc(&out, text[i]);
                i += m ? hv_secret_len(m) : 1;
        }
        return hv_buf_steal(&out);
}

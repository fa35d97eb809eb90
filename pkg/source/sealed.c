/* source/sealed.c - see sealed.h.
 */
#include "source/sealed.h"

#include <errno.h>
#include <stdio.h>

#include "base/sha256.h"

#define WORD "sha256 "
#define LINE_BYTES (sizeof WORD - 1 + HV_SHA256_HEX_SIZE - 1 + 1)

int hv_sealed_write(const struct hv_disk *d, const char *name, struct hv_buf *content, struct hv_err *err) {
        char hex[HV_SHA256_HEX_SIZE];

        hv_sha256_hex(hv_buf_str(content), content->len, hex);
        hv_buf_printf(content, WORD "%s\n", hex);
        return hv_disk_replace(d, name, content->data, content->len, err);
}

int hv_sealed_read(const struct hv_disk *d, const char *name, size_t max, struct hv_buf *ret,
                   struct hv_err *err) {
        char hex[HV_SHA256_HEX_SIZE], line[LINE_BYTES + 1];
        size_t len;
        int r;

        r = hv_disk_read(d, name, max, ret, err);
        if (r < 0)
                return r;
        len = ret->len < LINE_BYTES ? 0 : ret->len - LINE_BYTES;
        hv_sha256_hex(hv_buf_str(ret), len, hex);
        (void) snprintf(line, sizeof line, WORD "%s\n", hex);
        if (ret->len < LINE_BYTES || memcmp(ret->data + len, line, LINE_BYTES) != 0)
                return hv_err_set(err, -EBADMSG, "%s/%s is damaged: its content does not match its SHA-256",
                                  d->path, name);
        ret->len = len;
        ret->data[len] = '\0';
        return 0;
}

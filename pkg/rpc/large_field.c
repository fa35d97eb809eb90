/* rpc/large_field.c - see large_field.h. */
#include "rpc/large_field.h"

#include <errno.h>

#include "base/alloc.h"

static int read_varint(const struct hv_rpc_bytes *b, size_t *at, uint64_t *ret) {
        unsigned char bytes[10];
        size_t n = hv_rpc_bytes_read(b, *at, bytes, sizeof bytes);

        *ret = 0;
        for (size_t i = 0; i < n; i++) {
                *ret |= (uint64_t) (bytes[i] & 0x7f) << (7 * i);
                if (!(bytes[i] & 0x80)) {
                        *at += i + 1;
                        return 0;
                }
        }
        return -EBADMSG;
}

/* Behind a record's tag: where its content begins, and how long it is. */
static int measure(const struct hv_rpc_bytes *b, uint64_t tag, size_t *at, uint64_t *ret_len) {
        uint64_t value;

        *ret_len = 0;
        switch (tag & 7) {
        case 0:
                return read_varint(b, at, &value);
        case 1:
                *ret_len = 8;
                return 0;
        case 2:
                return read_varint(b, at, ret_len);
        case 5:
                *ret_len = 4;
                return 0;
        default:
                return -EBADMSG;
        }
}

static int keep(const struct hv_rpc_bytes *b, size_t from, size_t to, size_t max, struct hv_buf *rest) {
        _hv_cleanup_free_ char *copy = NULL;

        if (to - from > max - HV_MIN(rest->len, max))
                return -EFBIG;
        copy = hv_malloc(to - from);
        (void) hv_rpc_bytes_read(b, from, copy, to - from);
        hv_buf_add(rest, copy, to - from);
        return 0;
}

int hv_rpc_large_field(const struct hv_rpc_bytes *message, unsigned field, size_t rest_max,
                       struct hv_buf *rest, size_t *ret_at, size_t *ret_len) {
        size_t total = hv_rpc_bytes_len(message), at = 0;

        *ret_at = *ret_len = 0;
        while (at < total) {
                uint64_t tag, len = 0;
                size_t from = at;
                int r = read_varint(message, &at, &tag);

                if (r == 0)
                        r = measure(message, tag, &at, &len);
                if (r < 0 || len > total - at)
                        return -EBADMSG;
                at += len;
                if (tag == ((uint64_t) field << 3 | 2)) {
                        *ret_at = at - len;
                        *ret_len = len;
                        continue;
                }
                r = keep(message, from, at, rest_max, rest);
                if (r < 0)
                        return r;
        }
        return 0;
}

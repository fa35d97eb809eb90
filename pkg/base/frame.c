#include "base/frame.h"

#include <errno.h>

void hv_frames_done(struct hv_frames *f) {
        hv_buf_wipe(&f->payload);
        *f = (struct hv_frames){};
}

static uint32_t length_of(const unsigned char *header) {
        return (uint32_t) header[1] << 24 | (uint32_t) header[2] << 16 | (uint32_t) header[3] << 8 |
               header[4];
}

int hv_frames_take(struct hv_frames *f, const void *data, size_t len, size_t *ret_used,
                   struct hv_frame *ret) {
        const char *at = data;
        size_t n, left = len;

        *ret_used = 0;
        if (f->n_header == 0)
                hv_buf_clear(&f->payload); /* of the frame before */
        n = HV_MIN(left, HV_FRAME_HEADER_BYTES - f->n_header);
        if (n > 0)
                memcpy(f->header + f->n_header, at, n);
        f->n_header += n;
        at += n;
        left -= n;
        *ret_used = len - left;
        if (f->n_header < HV_FRAME_HEADER_BYTES)
                return 0;
        if (f->header[0] >= HV_FRAME_N_TYPES || length_of(f->header) > HV_FRAME_MAX_BYTES)
                return -EBADMSG;
        n = HV_MIN(left, length_of(f->header) - f->payload.len);
        hv_buf_add(&f->payload, at, n);
        *ret_used += n;
        if (f->payload.len < length_of(f->header))
                return 0;
        f->n_header = 0;
        *ret = (struct hv_frame){ .type = f->header[0],
                                  .data = hv_buf_str(&f->payload),
                                  .len = f->payload.len };
        return 1;
}

static void put_one(struct hv_buf *buf, enum hv_frame_type type, const void *data, size_t len) {
        const unsigned char header[HV_FRAME_HEADER_BYTES] = {
                (unsigned char) type,       (unsigned char) (len >> 24), (unsigned char) (len >> 16),
                (unsigned char) (len >> 8), (unsigned char) len,
        };

        hv_buf_add(buf, header, sizeof header);
        hv_buf_add(buf, data, len);
}

void hv_frame_put(struct hv_buf *buf, enum hv_frame_type type, const void *data, size_t len) {
        const char *at = data;

        do {
                size_t n = HV_MIN(len, HV_FRAME_MAX_BYTES);

                put_one(buf, type, n > 0 ? at : "", n);
                at += n;
                len -= n;
        } while (len > 0);
}

size_t hv_frame_fits(size_t room) {
        size_t whole = HV_FRAME_HEADER_BYTES + HV_FRAME_MAX_BYTES, rest = room % whole;

        return room / whole * HV_FRAME_MAX_BYTES +
               (rest > HV_FRAME_HEADER_BYTES ? rest - HV_FRAME_HEADER_BYTES : 0);
}

void hv_frame_put_exit(struct hv_buf *buf, unsigned code) {
        const unsigned char text[4] = { (unsigned char) (code >> 24), (unsigned char) (code >> 16),
                                        (unsigned char) (code >> 8), (unsigned char) code };

        put_one(buf, HV_FRAME_EXIT, text, sizeof text);
}

void hv_frame_put_size(struct hv_buf *buf, unsigned rows, unsigned columns) {
        const unsigned char text[4] = { (unsigned char) (rows >> 8), (unsigned char) rows,
                                        (unsigned char) (columns >> 8), (unsigned char) columns };

        put_one(buf, HV_FRAME_RESIZE, text, sizeof text);
}

bool hv_frame_exit(const struct hv_frame *f, unsigned *ret_code) {
        const unsigned char *p = (const unsigned char *) f->data;

        if (f->type != HV_FRAME_EXIT || f->len != 4)
                return false;
        *ret_code = (unsigned) p[0] << 24 | (unsigned) p[1] << 16 | (unsigned) p[2] << 8 | p[3];
        return true;
}

bool hv_frame_size(const struct hv_frame *f, unsigned *ret_rows, unsigned *ret_columns) {
        const unsigned char *p = (const unsigned char *) f->data;

        if (f->type != HV_FRAME_RESIZE || f->len != 4)
                return false;
        *ret_rows = (unsigned) p[0] << 8 | p[1];
        *ret_columns = (unsigned) p[2] << 8 | p[3];
        return true;
}

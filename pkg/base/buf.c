/* base/buf.c - see buf.h. */
#include "base/buf.h"

#include <stdio.h>

#include "base/alloc.h"

void hv_buf_reserve(struct hv_buf *b, size_t more) {
        size_t need = b->len + more + 1;

        if (need <= b->cap)
                return;
        b->cap = HV_MAX(need, b->cap ? b->cap * 2 : 64);
        b->data = hv_realloc(b->data, b->cap);
}

void hv_buf_done(struct hv_buf *b) {
        free(b->data);
        *b = (struct hv_buf){};
}

void hv_buf_wipe(struct hv_buf *b) {
        if (b->data)
                explicit_bzero(b->data, b->cap);
        hv_buf_done(b);
}

void hv_buf_clear(struct hv_buf *b) {
        b->len = 0;
        if (b->data)
                b->data[0] = '\0';
}

void hv_buf_add(struct hv_buf *b, const void *data, size_t len) {
        hv_buf_reserve(b, len);
        if (len)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void hv_buf_puts(struct hv_buf *b, const char *s) {
        hv_buf_add(b, s, strlen(s));
}

void hv_buf_putc(struct hv_buf *b, char c) {
        hv_buf_add(b, &c, 1);
}

void hv_buf_vprintf(struct hv_buf *b, const char *fmt, va_list ap) {
        size_t room = b->cap - b->len; /* what fits is formatted once */
        va_list again;
        int n;

        va_copy(again, ap);
        n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
        if (n > 0 && (size_t) n >= room) {
                hv_buf_reserve(b, (size_t) n);
                (void) vsnprintf(b->data + b->len, (size_t) n + 1, fmt, again);
        }
        if (n > 0)
                b->len += (size_t) n;
        va_end(again);
}

void hv_buf_printf(struct hv_buf *b, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(b, fmt, ap);
        va_end(ap);
}

const char *hv_buf_str(const struct hv_buf *b) {
        return b->data ? b->data : "";
}

char *hv_buf_steal(struct hv_buf *b) {
        char *s = b->data ? b->data : hv_strdup("");

        *b = (struct hv_buf){};
        return s;
}

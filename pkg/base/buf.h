/* base/buf.h - a growing string.
 *
 * Owner    the caller: `struct hv_buf b = {};` and hv_buf_done(&b), or _hv_cleanup_(hv_buf_done).
 *          `data` is terminated as soon as anything was added; it is NULL before.
 */
#pragma once

#include <stdarg.h>

#include "base/macros.h"

struct hv_buf {
        char *data;
        size_t len, cap;
};

void hv_buf_done(struct hv_buf *b);  /* frees, leaves it empty and usable */
void hv_buf_wipe(struct hv_buf *b);  /* the same for what held a secret: zeroed first */
void hv_buf_clear(struct hv_buf *b); /* empties, keeps the memory */
/* Room for so many more bytes: until they are there, nothing moves, and no copy of a secret stays in freed memory. */
void hv_buf_reserve(struct hv_buf *b, size_t more);
void hv_buf_add(struct hv_buf *b, const void *data, size_t len);
void hv_buf_puts(struct hv_buf *b, const char *s);
void hv_buf_putc(struct hv_buf *b, char c);
void hv_buf_printf(struct hv_buf *b, const char *fmt, ...) _hv_printf_(2, 3);
void hv_buf_vprintf(struct hv_buf *b, const char *fmt, va_list ap) _hv_printf_(2, 0);
const char *hv_buf_str(const struct hv_buf *b); /* never NULL; good until the next change */
char *hv_buf_steal(struct hv_buf *b);           /* caller frees; never NULL */

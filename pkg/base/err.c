/* base/err.c - see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

/* What does not fit is marked, never silently cut. */
static void mark_cut(char *msg, size_t size, int would_be) {
        if (would_be >= (int) size)
                memcpy(msg + size - 4, "...", 4);
}

int hv_err_set(struct hv_err *err, int code, const char *fmt, ...) {
        va_list ap;
        int n;

        if (!err)
                return code;
        err->code = code;
        va_start(ap, fmt);
        n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        mark_cut(err->msg, sizeof err->msg, n);
        return code;
}

int hv_err_errno(struct hv_err *err, int code, const char *fmt, ...) {
        char text[sizeof err->msg];
        va_list ap;

        if (!err)
                return code;
        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return hv_err_set(err, code, "%s: %s", text, strerror(-code));
}

int hv_err_prefix(struct hv_err *err, int code, const char *fmt, ...) {
        char text[sizeof err->msg], old[sizeof err->msg];
        va_list ap;

        if (!err)
                return code;
        memcpy(old, err->msg, sizeof old);
        va_start(ap, fmt);
        (void) vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return hv_err_set(err, code, "%s: %s", text, old);
}

/* spec/value.c - see value.h. */
#include "spec/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int hv_fault_set(struct hv_fault *fault, const char *code, const char *fmt, ...) {
        va_list ap;

        if (!fault)
                return -EINVAL;
        fault->code = code;
        va_start(ap, fmt);
        (void) vsnprintf(fault->message, sizeof fault->message, fmt, ap);
        va_end(ap);
        return -EINVAL;
}

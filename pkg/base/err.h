/* base/err.h - an error: a code for the program, a sentence for the operator.
 *
 * Model    A fallible function returns 0 or -errno and, where it takes a `struct hv_err *err` (its last
 *          argument, NULL allowed), leaves the sentence there: the object, what was expected, what to do.
 *          Callers put context in front on the way up; the top logs it once.
 */
#pragma once

#include "base/macros.h"

struct hv_err {
        int code;      /* -errno, 0 when nothing went wrong */
        char msg[480]; /* always terminated; longer text ends in "..." */
};

/* Writes code and text, returns code: `return hv_err_set(err, -EINVAL, "...")`. */
int hv_err_set(struct hv_err *err, int code, const char *fmt, ...) _hv_printf_(3, 4);

/* As hv_err_set(), and adds ": " and strerror(-code). */
int hv_err_errno(struct hv_err *err, int code, const char *fmt, ...) _hv_printf_(3, 4);

/* Puts "TEXT: " in front of the message, returns err's code (or code where err is NULL). */
int hv_err_prefix(struct hv_err *err, int code, const char *fmt, ...) _hv_printf_(3, 4);

/* hack/lib/analyzer.h - read before each source that clang-tidy looks at, and by nothing else.
 *
 * The analyzer sees one file at a time. It does not know that a function which reports an error returns the
 * negative code that it was given, and follows the path on which that was a success and the outputs are unset.
 * These macros tell it.
 */
#pragma once

#include <errno.h>

#include "base/err.h"
#include "spec/value.h"

#define hv_err_set(err, code, ...) ((void) hv_err_set(err, code, __VA_ARGS__), (code))
#define hv_err_errno(err, code, ...) ((void) hv_err_errno(err, code, __VA_ARGS__), (code))
#define hv_err_prefix(err, code, ...) ((void) hv_err_prefix(err, code, __VA_ARGS__), (code))
#define hv_fault_set(...) ((void) hv_fault_set(__VA_ARGS__), -EINVAL)

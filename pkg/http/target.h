/* http/target.h - the request target in pieces: path segments and query values, decoded.
 *
 * Rules    A percent-encoded byte counts as that byte; `%` without two hex digits, control characters
 *          (NUL first of all) and what is not UTF-8 are refused. Segments are cut before they are
 *          decoded, so `%2F` never cuts. `.` and `..`, also when encoded, are refused: nobody who asks
 *          for them means us.
 * Source   RFC 3986 sections 2.1, 3.3, 5.2.4; `+` for a blank in queries:
 *          application/x-www-form-urlencoded.
 */
#pragma once

#include "base/err.h"

struct hv_arena;

#define HV_HTTP_SEGMENTS_MAX 32

struct hv_http_path {
        const char *segment
                [HV_HTTP_SEGMENTS_MAX]; /* decoded, in the arena; an empty one for each doubled slash */
        size_t n;                       /* 0 for "/" */
        const char *text;               /* decoded as a whole, for logs */
};

/* raw begins with a slash and holds no query. -EINVAL: what it is, in err. */
int hv_http_path_read(struct hv_arena *arena, const char *raw, struct hv_http_path *ret, struct hv_err *err);

/* One piece of text, in the arena. -EINVAL. */
int hv_http_percent_decode(struct hv_arena *arena, const char *raw, size_t len, const char **ret,
                           struct hv_err *err);

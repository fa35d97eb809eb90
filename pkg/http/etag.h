/* http/etag.h - lists of entity tags, as If-Match and If-None-Match hold them (RFC 9110, sections 8.8.3 and 13.1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct hv_http_etag {
        const char *text; /* without quotes, not terminated; NULL: `*`, whatever there is */
        size_t len;
        bool is_weak;
};

/* 1: *ret is the next tag, and *list goes on behind it. 0: no more. -EINVAL: that is no list of tags. */
int hv_http_etag_next(const char **list, struct hv_http_etag *ret);

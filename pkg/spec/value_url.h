/* spec/value_url.h - addresses of things to fetch.
 *
 * Source   RFC 3986, narrowed: no user information (a password in a URL ends up in logs), no fragment, ASCII
 *          only.
 */
#pragma once

#include "spec/value.h"

struct hv_arena;

enum hv_url_scheme {
        HV_URL_HTTPS = 1,
        HV_URL_HTTP = 2,
        HV_URL_FILE = 4,
};

struct hv_url { /* in the arena */
        enum hv_url_scheme scheme;
        const char *host; /* without brackets; "" for file */
        uint16_t port;    /* the scheme's own when none is written; 0 for file */
        const char *path; /* begins with '/'; "/" when none is written */
};

/* `schemes` says which are taken; E0506. The text is never quoted whole: it may hold a password. */
int hv_value_url(const char *text, unsigned schemes, struct hv_arena *a, struct hv_url *ret,
                 struct hv_fault *fault);

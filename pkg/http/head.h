/* http/head.h - is this the head of a request that we take?
 *
 * Model    Pure: looks at the bytes that a client has sent so far and says "more", "good" or "refused,
 *          and why". It runs before the HTTP library sees a byte, because the library (libmicrohttpd
 *          0.9.75) is lax where lax is dangerous: it takes bare line feeds, folded headers, texts that
 *          end at a NUL, Content-Length beside Transfer-Encoding. What is good here means the same to
 *          every parser. Framing of bodies stays with the library.
 * Source   RFC 9112 (sections 2.2, 3, 5, 6.1), RFC 9110 (5.5, 5.6.2, 7.2).
 */
#pragma once

#include "base/macros.h"

struct hv_http_head_limits {
        size_t line_max_bytes, head_max_bytes;
        unsigned headers_max;
};

enum hv_http_head_result {
        HV_HTTP_HEAD_MORE, /* good so far, but not whole */
        HV_HTTP_HEAD_GOOD,
        HV_HTTP_HEAD_REFUSED,
};

struct hv_http_head {
        /* REFUSED: what to answer. */
        unsigned status;
        const char *problem;
        /* GOOD: into the data given. */
        size_t length_bytes;                /* with the empty line */
        const char *method, *target, *host; /* host NULL: none (HTTP/1.0) */
        size_t method_len, target_len, host_len;
        unsigned n_headers;
};

/* `data` begins where the connection begins. *ret is written for GOOD and REFUSED. */
enum hv_http_head_result hv_http_head_check(const char *data, size_t len,
                                            const struct hv_http_head_limits *limits,
                                            struct hv_http_head *ret);

/* The name in a Host value ("name", "name:port", "[::1]:port"), brackets included: its length. 0: it is none. */
size_t hv_http_host_name_len(const char *host, size_t len);

/* The Host value ("name", "name:port", "[::1]:port", any case) is localhost, 127.0.0.1, [::1], or `also` (NULL: nothing). */
bool hv_http_host_is_local(const char *host, size_t len, const char *also);

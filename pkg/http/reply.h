/* http/reply.h - answers. Each function but hv_http_reply_header() and hv_http_not_modified() ends the
 * request.
 *
 * Always   Every answer carries `X-Content-Type-Options: nosniff`, `Referrer-Policy: no-referrer`, a
 *          Content-Security-Policy (`default-src 'none'` for everything but HTML pages, the web UI's own
 *          for those), and `Cache-Control: no-store` unless the handler set another. No CORS header is
 *          ever sent. HEAD gets the headers only.
 * Errors   are problem details (RFC 9457): {type, title, status, detail, code, instance},
 *          application/problem+json; on the older paths {error}, application/json. The text runs through log/redact.h.
 */
#pragma once

#include "http/request.h"

/* The content security policy of a page. Answers that are text/html have it anyway; a handler sets it where a 304 may come instead, whose
 * headers a browser takes over into the page that it kept. */
extern const char HV_HTTP_CSP_PAGE[];

/* Adds a header to the answer that follows. Names are tokens, values without control characters (asserted:
 * both are the program's, not the client's). */
void hv_http_reply_header(struct hv_http_request *req, const char *name, const char *value);

/* Take `text`, which was malloced; _json is `application/json`. */
void hv_http_reply_json(struct hv_http_request *req, unsigned status, char *text);
void hv_http_reply_text(struct hv_http_request *req, unsigned status, const char *content_type, char *text);
/* _data copies; _static does not: its data lives as long as the process. */
void hv_http_reply_data(struct hv_http_request *req, unsigned status, const char *content_type,
                        const void *data, size_t len_bytes);
void hv_http_reply_static(struct hv_http_request *req, unsigned status, const char *content_type,
                          const void *data, size_t len_bytes);
void hv_http_reply_empty(struct hv_http_request *req, unsigned status); /* 204, 202, ... */

/* status 400..599; code is a stable word for programs ("NotFound", "E0504"); the text is for people. */
void hv_http_reply_problem(struct hv_http_request *req, unsigned status, const char *code, const char *fmt,
                           ...) _hv_printf_(4, 5);
/* As above with the text of err; the status follows from err->code: ENOENT 404, EINVAL and EBADMSG 400,
 * EEXIST and EBUSY 409, EACCES and EPERM 403, EAGAIN and ENOTCONN 503, ETIMEDOUT 504, E2BIG and EFBIG 413,
 * others 500. */
void hv_http_reply_err(struct hv_http_request *req, const char *code, const struct hv_err *err);

/* Sets `ETag: "tag"`. True when If-None-Match names it (or is `*`; weak comparison, RFC 9110 section 13.1.2):
 * 304 was sent and the request is over. tag is the bare text without quotes, e.g. a revision. */
bool hv_http_not_modified(struct hv_http_request *req, const char *tag);

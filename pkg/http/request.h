/* http/request.h - one request, as its handler sees it.
 *
 * Life     From the call of the handler until one of: a reply function was called (http/reply.h), a
 *          stream was opened (http/stream.h), or the `gone` function was called. After any of these
 *          `req` must not be used. Texts are good as long as `req`. A handler that returns without
 *          having replied keeps the request: the connection sleeps until the answer comes.
 * Decoding Path parameters and query values are percent-decoded, valid UTF-8, without control
 *          characters; requests that are not so are refused with 400 before any handler.
 */
#pragma once

#include <sys/types.h>

#include "http/route.h"

struct hv_http_request;

struct hv_http_caller {
        bool is_local_socket; /* the unix socket; else TCP */
        pid_t pid;            /* SO_PEERCRED at the time of connect; 0, -1, -1 for TCP */
        uid_t uid;
        gid_t gid;
        char address[64];      /* "127.0.0.1", "::1", or "unix:uid=0" */
        char connected_to[64]; /* TCP: this machine's address, "[::1]" with brackets */
        bool is_tls;
        enum hv_http_role role;
        bool is_anonymous;   /* TCP, and nobody said who he is: what he may not do gets 401 and not 403 */
        char name[65];       /* of the user or token; "": none */
        char session[65];    /* digest of the session's key; "": none */
        char credential[65]; /* the same, or digest of the token that came by itself; "": none */
        char by[160];        /* for audits: "unix:uid=0", "ana from 192.0.2.7", "127.0.0.1" */
};

enum hv_http_method hv_http_request_method(const struct hv_http_request *req); /* HEAD is shown as GET */
bool hv_http_request_is_head(const struct hv_http_request *req);
const char *hv_http_request_path(const struct hv_http_request *req); /* decoded; for logs, not for routing */
/* What `{name}` of the pattern stands for; NULL: the pattern has no such name. */
const char *hv_http_param(const struct hv_http_request *req, const char *name);
/* Query values: the first of that name, "" for `?x`, NULL when absent, or when the route does not declare it. True is `?x`, `?x=1`, `?x=true`. */
const char *hv_http_query(const struct hv_http_request *req, const char *name);
bool hv_http_query_is_true(const struct hv_http_request *req, const char *name);
const char *hv_http_header(const struct hv_http_request *req, const char *name); /* any case; NULL: absent */
/* The whole body; never NULL, a terminator follows that is not counted. */
const void *hv_http_body(const struct hv_http_request *req, size_t *ret_len_bytes);
const struct hv_http_caller *hv_http_request_caller(const struct hv_http_request *req);
/* All groups of whoever connected to the unix socket, at the time of connect. -errno: there is none, or it cannot be told. The caller
 * frees. */
int hv_http_request_groups(const struct hv_http_request *req, gid_t **ret, size_t *ret_n);
/* The port that was connected to; 0: the unix socket. */
uint16_t hv_http_request_port(const struct hv_http_request *req);
/* What the route of the request declares. */
const struct hv_http_route *hv_http_request_route(const struct hv_http_request *req);
uint64_t hv_http_request_id(const struct hv_http_request *req); /* unique in this process */

/* Query value as a number in [min, max]; *ret is `otherwise` when absent. When it is no such number, 400 is
 * sent, the request is over and -EINVAL is returned. */
int hv_http_query_u64(struct hv_http_request *req, const char *name, uint64_t min, uint64_t max,
                      uint64_t otherwise, uint64_t *ret);

/* For a handler that answers later: `gone` is called once if the client leaves, or the server ends, before an
 * answer was given; the request is over then. Needed by every handler that keeps `req`. */
void hv_http_on_gone(struct hv_http_request *req, void (*gone)(void *userdata), void *userdata);

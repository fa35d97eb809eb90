/* http/route.h - which request goes where, and who may send it.
 *
 * Model    One table. A pattern is a path whose segments are text or `{name}`; a last segment
 *          `{name...}` takes the rest of the path, slashes included. Text beats a parameter where both
 *          fit. Segments are compared after percent-decoding, one by one, so an encoded slash never
 *          makes a new segment. A route for GET answers HEAD as well.
 * Deny     Everything not registered is 404, another method 405. Each route declares the least role that
 *          may call it; a route that declares none is refused at registration (the zero value means "not
 *          declared"), so a forgotten line cannot open anything. Roles come from the caller
 *          (http/request.h, struct hv_http_caller).
 */
#pragma once

#include "base/err.h"

struct hv_http_request;

enum hv_http_method {
        HV_HTTP_GET = 1 << 0,
        HV_HTTP_POST = 1 << 1,
        HV_HTTP_PUT = 1 << 2,
        HV_HTTP_DELETE = 1 << 3,
};

enum hv_http_role {
        HV_HTTP_ROLE_UNDECLARED =
                0,             /* as a route's role: does not register. As a caller's role: may do nothing */
        HV_HTTP_ROLE_ANYONE,   /* probes that tell nothing about the node's workloads */
        HV_HTTP_ROLE_VIEWER,   /* sees state, changes nothing */
        HV_HTTP_ROLE_OPERATOR, /* restarts, stops, reloads, validates */
        HV_HTTP_ROLE_ADMIN,    /* changes the desired state, sees configuration */
};

enum hv_http_route_flags {
        HV_HTTP_SOCKET_ONLY = 1 << 0, /* 404 on TCP, whoever asks: debug and dump routes */
        HV_HTTP_JUDGES = 1 << 1,      /* a POST that changes nothing: no audit record */
        HV_HTTP_SCRAPE = 1 << 2,      /* metrics: open to everybody where the node says so */
        HV_HTTP_LOGIN = 1 << 3,       /* begins a session: needs none, and proves none */
        HV_HTTP_VERBATIM = 1 << 4,    /* its very bytes count: never as YAML */
        HV_HTTP_QUIET =
                1 << 5, /* may be a stream that says little for long: its connections get little memory */
        HV_HTTP_INTAKE = 1 << 6, /* its body is not kept, but handed on as it comes (http/intake.h) */
};

/* Answers the request before it returns, or keeps `req` and answers later (http/reply.h, http/stream.h).
 * `userdata` is the table's. Runs on the loop: it must not block. */
typedef void (*hv_http_handler)(struct hv_http_request *req, void *userdata);

/* A value of the query, or a header, that a route understands. What its route does not declare, a handler does not get to
 * see (http/request.h), so that the description leaves nothing out. */
struct hv_http_parameter {
        const char *name;
        const char *schema; /* JSON Schema in YAML's flow form: "{type: integer, minimum: 1}" */
        const char *text;   /* NULL: the name says it all */
        bool is_header;
};

struct hv_http_route {
        enum hv_http_method method;
        const char *path; /* "/api/v1/services/{name}/logs"; static, as is the whole table */
        enum hv_http_role role;
        hv_http_handler handle;
        size_t body_max_bytes; /* larger bodies get 413; 0: any body is too large */
        unsigned flags;        /* enum hv_http_route_flags */
        const char *summary;   /* one line for the API's description */

        /* What the description says beside (http/openapi.h). */
        const char *tag;                            /* the group that it stands in */
        const char *answers;                        /* "200 Node, 304, 404" */
        const char *body;                           /* name of a request body; NULL: none is read */
        const struct hv_http_parameter *parameters; /* an empty row ends them; NULL: none */
        const char *details;                        /* sentences; NULL: the summary says it all */
};

/* It changes something that others see: is audited, and heeds If-Match. Not a login, nor what only judges. */
bool hv_http_route_changes(const struct hv_http_route *route);

const char *hv_http_method_name(enum hv_http_method method);
const char *hv_http_role_name(enum hv_http_role role);

/* HiveMind's worker documents it: errors have the shape of that worker there. */
bool hv_http_is_older_path(const char *path);

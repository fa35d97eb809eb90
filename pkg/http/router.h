/* http/router.h - the table of routes, and the search in it. Rules: http/route.h. */
#pragma once

#include "http/route.h"
#include "http/target.h"

#define HV_HTTP_PARAMS_MAX 8

struct hv_http_router;

struct hv_http_match {
        const struct hv_http_route *route; /* NULL: none for this method */
        void *userdata;
        unsigned allowed; /* methods that the path knows; 0: no such path */
        size_t n_params;
        struct {
                const char *name, *value; /* value in the arena */
        } param[HV_HTTP_PARAMS_MAX];
};

struct hv_http_router *hv_http_router_new(void);
struct hv_http_router *hv_http_router_free(struct hv_http_router *router); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_http_router, hv_http_router_free);

int hv_http_router_add(struct hv_http_router *router, const struct hv_http_route *route, void *userdata,
                       struct hv_err *err);
const struct hv_http_route *hv_http_router_at(const struct hv_http_router *router, size_t index);

/* with_socket_only: routes that only the unix socket has are there too. */
void hv_http_router_match(const struct hv_http_router *router, enum hv_http_method method,
                          const struct hv_http_path *path, bool with_socket_only, struct hv_arena *arena,
                          struct hv_http_match *ret);

/* "GET, HEAD, POST": the value of an Allow header. */
const char *hv_http_allow_text(struct hv_arena *arena, unsigned methods);

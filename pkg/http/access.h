/* http/access.h - logins, sessions and tokens over HTTP: who sends a request, and the routes that begin and end it.
 *
 *      unix socket        SO_PEERCRED and the groups of the caller                                (auth/auth.h)
 *      Authorization      Bearer TOKEN, or the key of a session
 *      Cookie             the key of a session; then, for whatever changes something:
 *                           Sec-Fetch-Site: same-origin or none, else an Origin that is this very address,
 *                           X-CSRF-Token of GET /api/v1/session, and no body of a type that a form can send
 *      none of them       anonymous: 401 for what needs more than it may see
 *
 * Model    A wrong Authorization is 401 whatever the route; a cookie that means nothing (any more) is as if there were none. A page
 *          of another site gets nothing at all, but may link to pages.
 * Cookie   __Host-hivelet over TLS; hivelet-PORT without (browsers send cookies to each port of a host). HttpOnly, SameSite=Strict,
 *          Path=/, gone when the browser ends.
 * Routes   POST /login and /logout, GET /api/v1/session, /api/v1/sessions, /api/v1/tokens: docs/http-api.md.
 */
#pragma once

#include "auth/auth.h"
#include "http/server.h"

struct hv_http_access;

struct hv_http_access *hv_http_access_new(struct hv_auth *auth); /* borrowed until the end */
struct hv_http_access *hv_http_access_free(
        struct hv_http_access *access); /* after all servers; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_http_access, hv_http_access_free);

/* Fills identify, closed and userdata: before hv_http_server_new(). */
void hv_http_access_guard(struct hv_http_access *access, struct hv_http_options *options);
/* Adds the routes, and cuts the connections of sessions and tokens that end. */
int hv_http_access_attach(struct hv_http_access *access, struct hv_http_server *server, struct hv_err *err);

/* http/access.c - who sends a request. */
#include "http/access.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/rfc3339.h"
#include "http/access_internal.h"
#include "json/json.h"

#define BODY_MAX_BYTES 8192

/* ---- of the head ---- */

const char *hv_http_access_cookie_name(const struct hv_http_request *req, char ret[HV_ACCESS_COOKIE_SIZE]) {
        if (hv_http_request_caller(req)->is_tls)
                return "__Host-hivelet";
        (void) snprintf(ret, HV_ACCESS_COOKIE_SIZE, "hivelet-%u", hv_http_request_port(req));
        return ret;
}

/* The value of the cookie in *ret. False: there is none, one that is too long, or more than one, and nobody can say which is ours. */
static bool read_cookie(const struct hv_http_request *req, char ret[HV_CREDENTIAL_SIZE]) {
        const char *header = hv_http_header(req, "Cookie");
        char buf[HV_ACCESS_COOKIE_SIZE];
        const char *name = hv_http_access_cookie_name(req, buf);
        size_t n = 0, len, value_len = 0;

        for (const char *p = header; p && *p; p += len) {
                p += strspn(p, "; ");
                len = strcspn(p, ";");
                if (strncmp(p, name, strlen(name)) == 0 && p[strlen(name)] == '=' && n++ == 0) {
                        value_len = len - strlen(name) - 1;
                        (void) snprintf(ret, HV_CREDENTIAL_SIZE, "%.*s", (int) value_len,
                                        p + strlen(name) + 1);
                }
        }
        return n == 1 && value_len < HV_CREDENTIAL_SIZE;
}

static bool is_origin_ours(const struct hv_http_request *req, const char *origin) {
        const char *host = hv_http_header(req, "Host"), *scheme = "http://";

        if (hv_http_request_caller(req)->is_tls)
                scheme = "https://";
        return host && strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
               strcasecmp(origin + strlen(scheme), host) == 0;
}

/* Whether a page of ours, or no page at all, sent it. `in_doubt`: what to say of a client that does not tell. */
static bool is_from_here(const struct hv_http_request *req, bool in_doubt) {
        const char *site = hv_http_header(req, "Sec-Fetch-Site"), *origin = hv_http_header(req, "Origin");

        if (site)
                return hv_streq(site, "same-origin") || hv_streq(site, "none");
        return origin ? is_origin_ours(req, origin) : in_doubt;
}

/* Somebody followed a link to one of our pages. */
static bool is_navigation(const struct hv_http_request *req) {
        const char *mode = hv_http_header(req, "Sec-Fetch-Mode"),
                   *dest = hv_http_header(req, "Sec-Fetch-Dest");

        return hv_http_request_method(req) == HV_HTTP_GET && mode && hv_streq(mode, "navigate") &&
               (!dest || hv_streq(dest, "document"));
}

/* What a form of any page can send without asking first. */
static bool is_form_type(const char *content_type) {
        static const char *const TYPES[] = { "application/x-www-form-urlencoded", "multipart/form-data",
                                             "text/plain" };

        for (size_t i = 0; content_type && i < HV_ARRAY_SIZE(TYPES); i++)
                if (strncasecmp(content_type, TYPES[i], strlen(TYPES[i])) == 0)
                        return true;
        return false;
}

/* ---- callers ---- */

static enum hv_http_role as_http(enum hv_role role) {
        static const enum hv_http_role ROLES[] = { HV_HTTP_ROLE_ANYONE, HV_HTTP_ROLE_VIEWER,
                                                   HV_HTTP_ROLE_OPERATOR, HV_HTTP_ROLE_ADMIN };

        return ROLES[role];
}

static void identify_socket(const struct hv_http_access *access, const struct hv_http_request *req,
                            struct hv_http_caller *caller) {
        _hv_cleanup_free_ gid_t *groups = NULL;
        size_t n = 0;

        if (hv_http_request_groups(req, &groups, &n) < 0)
                n = 0;
        caller->role = as_http(hv_auth_socket_role(access->auth, caller->uid, groups, n));
}

static void is_known(struct hv_http_caller *caller, const struct hv_identity *who) {
        caller->role = as_http(who->role);
        (void) snprintf(caller->name, sizeof caller->name, "%s", who->name);
        (void) snprintf(caller->session, sizeof caller->session, "%s",
                        who->session ? who->session->digest : "");
        (void) snprintf(caller->credential, sizeof caller->credential, "%s", who->digest);
        (void) snprintf(caller->by, sizeof caller->by, "%s from %s", who->name, caller->address);
}

/* -1: it has answered; 0: no credential, or one that means nothing; 1: known. */
static int identify_bearer(const struct hv_http_access *access, struct hv_http_request *req,
                           struct hv_http_caller *caller) {
        const char *said = hv_http_header(req, "Authorization");
        struct hv_identity who;

        if (!said)
                return 0;
        if (strncasecmp(said, "Bearer ", 7) == 0 && hv_auth_judge(access->auth, said + 7, &who)) {
                is_known(caller, &who);
                return 1;
        }
        hv_http_reply_header(req, "WWW-Authenticate", "Bearer realm=\"hivelet\", error=\"invalid_token\"");
        hv_http_reply_problem(req, 401, "Unauthorized",
                              "the Authorization header holds no token or session that is good (any more)");
        return -1;
}

/* A session that a browser sends by itself: whoever made it send the request must be a page of ours. */
static bool is_meant(struct hv_http_request *req, const struct hv_session *s) {
        const char *csrf = hv_http_header(req, "X-CSRF-Token");

        if (hv_http_request_method(req) == HV_HTTP_GET || (hv_http_request_route(req)->flags & HV_HTTP_LOGIN))
                return true;
        if (!is_from_here(req, false)) {
                hv_http_reply_problem(req, 403, "CrossSite",
                                      "a session changes things from its own pages only");
                return false;
        }
        if (!csrf || !hv_credential_is_same(csrf, s->csrf)) {
                hv_http_reply_problem(req, 403, "CsrfToken",
                                      "X-CSRF-Token is not the csrfToken of GET /api/v1/session");
                return false;
        }
        if (is_form_type(hv_http_header(req, "Content-Type"))) {
                hv_http_reply_problem(req, 415, "MediaType",
                                      "forms are not taken; expected application/json");
                return false;
        }
        return true;
}

/* As above. */
static int identify_cookie(const struct hv_http_access *access, struct hv_http_request *req,
                           struct hv_http_caller *caller) {
        char key[HV_CREDENTIAL_SIZE];
        struct hv_identity who;
        int r;

        if (!read_cookie(req, key))
                return 0;
        r = hv_auth_judge(access->auth, key, &who) && who.session ? 1 : 0;
        explicit_bzero(key, sizeof key);
        if (r == 0)
                return 0;
        if (!is_meant(req, who.session))
                return -1;
        is_known(caller, &who);
        return 1;
}

static void identify_nobody(const struct hv_http_access *access, const struct hv_http_request *req,
                            struct hv_http_caller *caller) {
        bool is_open =
                !hv_auth_is_required(access->auth) || ((hv_http_request_route(req)->flags & HV_HTTP_SCRAPE) &&
                                                       hv_auth_metrics_is_open(access->auth));

        caller->is_anonymous = true;
        caller->role = is_open ? HV_HTTP_ROLE_VIEWER : HV_HTTP_ROLE_ANYONE;
}

static bool identify(struct hv_http_request *req, struct hv_http_caller *caller, void *userdata) {
        const struct hv_http_access *access = userdata;
        int r;

        if (caller->is_local_socket) {
                identify_socket(access, req, caller);
                return true;
        }
        if (!is_from_here(req, true) && !is_navigation(req)) {
                hv_http_reply_problem(req, 403, "CrossSite", "another site's page asked for it");
                return false;
        }
        r = identify_bearer(access, req, caller);
        if (r == 0)
                r = identify_cookie(access, req, caller);
        if (r == 0)
                identify_nobody(access, req, caller);
        return r >= 0;
}

const struct hv_session *hv_http_access_session(const struct hv_http_access *access,
                                                const struct hv_http_request *req) {
        const struct hv_http_caller *caller = hv_http_request_caller(req);
        const struct hv_session *s;
        size_t it = 0;

        while (caller->session[0] && (s = hv_auth_session_next(access->auth, &it)))
                if (hv_streq(s->digest, caller->session))
                        return s;
        return NULL;
}

/* ---- bodies and answers ---- */

struct hv_json *hv_http_access_body(struct hv_http_request *req) {
        const char *type = hv_http_header(req, "Content-Type");
        struct hv_json *json = NULL;
        struct hv_err err = {};
        const void *body;
        size_t len;

        if (!type || strncasecmp(type, "application/json", strlen("application/json")) != 0 ||
            !strchr("; \t", type[strlen("application/json")])) {
                hv_http_reply_problem(req, 415, "MediaType", "expected a body of the type application/json");
                return NULL;
        }
        body = hv_http_body(req, &len);
        if (hv_json_parse(body, len, BODY_MAX_BYTES, &json, &err) < 0 ||
            hv_json_type(json) != HV_JSON_OBJECT) {
                /* What the parser saw is not told: it may be half a password. */
                hv_http_reply_problem(req, 400, "BadRequest", "the body is not a JSON object");
                return hv_json_free(json);
        }
        return json;
}

void hv_http_access_put_time(struct hv_json_writer *w, const char *key, uint64_t wall_us) {
        char text[HV_RFC3339_SIZE];

        if (wall_us == 0) {
                hv_json_put_null(w, key);
                return;
        }
        hv_rfc3339_format(wall_us / HV_USEC_PER_SEC * HV_USEC_PER_SEC, text);
        hv_json_put_str(w, key, text);
}

void hv_http_access_reply(struct hv_http_request *req, unsigned status, struct hv_buf *json) {
        hv_buf_putc(json, '\n');
        hv_http_reply_json(req, status, hv_buf_steal(json));
}

/* ---- life ---- */

#define ROW(method_, path_, role_, handle_, answers_, ...)                                                   \
        {                                                                                                    \
                .method = HV_HTTP_##method_, .tag = "access", .path = (path_), .role = HV_HTTP_ROLE_##role_, \
                .handle = hv_http_access_##handle_, .answers = (answers_), .summary = __VA_ARGS__            \
        }

static const struct hv_http_parameter PAGE[] = {
        { "limit", "{type: integer, minimum: 1, maximum: 10000}", "items of one answer" },
        { "continue", "{type: string}", "metadata.continue of the page before" },
        {},
};

static const struct hv_http_route routes[] = {
        ROW(POST, "/login", ANYONE, post_login, "200 Caller, 400, 401, 429, 503", "begin a session",
            .body = "Login", .body_max_bytes = BODY_MAX_BYTES, .flags = HV_HTTP_LOGIN,
            .details =
                    "The answer sets a cookie; with `bearer` it holds the key of the session as `token` instead, for a "
                    "header Authorization. A session that the request had ends. What was wrong is not told."),
        ROW(POST, "/logout", ANYONE, post_logout, "204, 403", "end the session that the request has",
            .body_max_bytes = BODY_MAX_BYTES,
            .details = "With a cookie the header X-CSRF-Token is needed, as for every change."),
        ROW(GET, "/api/v1/session", ANYONE, get_session, "200 Caller", "who the caller is, and what he may"),
        ROW(GET, "/api/v1/sessions", VIEWER, get_sessions, "200 SessionList, 400, 410",
            "sessions: one's own, of admins all", .parameters = PAGE),
        ROW(DELETE, "/api/v1/sessions/{id}", VIEWER, delete_session, "204, 404", "end a session"),
        ROW(GET, "/api/v1/tokens", ADMIN, get_tokens, "200 TokenList, 400, 410", "list of tokens",
            .parameters = PAGE),
        ROW(POST, "/api/v1/tokens", ADMIN, post_token, "201 Token, 400, 409", "create a token",
            .body = "NewToken", .body_max_bytes = BODY_MAX_BYTES,
            .details = "The answer is the one place where its text is ever shown."),
        ROW(DELETE, "/api/v1/tokens/{name}", ADMIN, delete_token, "204, 403, 404", "revoke a token",
            .details = "Nobody gets in with it any more."),
};

struct hv_http_access *hv_http_access_new(struct hv_auth *auth) {
        struct hv_http_access *access = HV_NEW(struct hv_http_access);

        access->auth = auth;
        return access;
}

struct hv_http_access *hv_http_access_free(struct hv_http_access *access) {
        free(access);
        return NULL;
}

static void on_ended(void *userdata, const char *digest) {
        hv_http_server_cut(userdata, digest);
}

static void on_closed(struct hv_http_server *server, void *userdata) {
        const struct hv_http_access *access = userdata;

        hv_auth_off_ended(access->auth, server);
}

void hv_http_access_guard(struct hv_http_access *access, struct hv_http_options *options) {
        options->identify = identify;
        options->closed = on_closed;
        options->userdata = access;
}

int hv_http_access_attach(struct hv_http_access *access, struct hv_http_server *server, struct hv_err *err) {
        int r = hv_http_server_add_routes(server, routes, HV_ARRAY_SIZE(routes), access, err);

        if (r >= 0)
                hv_auth_on_ended(access->auth, on_ended, server);
        return r;
}

/* Sessions over HTTP: begin, end, list. */
#include <inttypes.h>
#include <stdio.h>

#include "http/access_internal.h"
#include "password/password.h"
#include "json/json.h"

/* ---- who ---- */

static const char *way_in(const struct hv_http_caller *caller) {
        return caller->is_local_socket ? "socket"
               : caller->session[0]    ? "session"
               : caller->is_anonymous  ? "none"
                                       : "token";
}

static const char *origin_name(enum hv_session_origin origin) {
        static const char *const NAMES[] = { "password", "token", "first", "pool" };

        return NAMES[origin];
}

static void put_session(struct hv_json_writer *w, const char *key, const struct hv_session *s,
                        const char *own_digest) {
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "id", s->id);
        hv_json_put_str(w, "user", s->owner);
        hv_json_put_str(w, "role", hv_role_name(s->role));
        hv_json_put_str(w, "by", origin_name(s->origin));
        hv_json_put_str(w, "address", s->address);
        hv_json_put_str(w, "agent", s->agent);
        hv_http_access_put_time(w, "beganAt", s->began_wall_us);
        hv_http_access_put_time(w, "usedAt", s->used_wall_us);
        hv_http_access_put_time(w, "expiresAt", s->until_wall_us);
        hv_json_put_bool(w, "current", hv_streq(s->digest, own_digest));
        hv_json_end(w);
}

/* As GET /api/v1/session gives it; `key` of a session that has just begun, for clients that keep it themselves. */
static void reply_session(const struct hv_http_access *access, struct hv_http_request *req,
                          const struct hv_session *s, const char *role, const char *via, const char *key) {
        const struct hv_http_caller *caller = hv_http_request_caller(req);
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "user", s ? s->owner : caller->name[0] ? caller->name : NULL);
        hv_json_put_str(&w, "role", role);
        hv_json_put_str(&w, "via", via);
        hv_json_put_bool(&w, "loginRequired", hv_auth_is_required(access->auth));
        hv_json_put_bool(&w, "hasUsers", hv_auth_has_users(access->auth));
        hv_json_put_bool(&w, "secure", caller->is_tls || caller->is_local_socket);
        hv_json_put_str(&w, "csrfToken", s ? s->csrf : NULL);
        if (s)
                put_session(&w, "session", s, s->digest);
        else
                hv_json_put_null(&w, "session");
        if (key)
                hv_json_put_str(&w, "token", key);
        hv_json_end(&w);
        hv_http_access_reply(req, 200, &buf);
}

void hv_http_access_get_session(struct hv_http_request *req, void *userdata) {
        const struct hv_http_caller *caller = hv_http_request_caller(req);

        reply_session(userdata, req, hv_http_access_session(userdata, req),
                      caller->role == HV_HTTP_ROLE_ANYONE ? "nobody" : hv_http_role_name(caller->role),
                      way_in(caller), NULL);
}

/* ---- login ---- */

struct login {
        struct hv_http_access *access;
        struct hv_http_request *req; /* NULL: the client left */
        bool wants_key;
        char before[HV_SHA256_HEX_SIZE]; /* a session that the client had; "": none */
};

static void on_gone(void *userdata) {
        struct login *l = userdata;

        l->req = NULL;
}

static void set_cookie(struct hv_http_request *req, const char *key) {
        char name[HV_ACCESS_COOKIE_SIZE];
        _hv_cleanup_free_ char *text =
                hv_asprintf("%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                            hv_http_access_cookie_name(req, name), key ? key : "",
                            hv_http_request_caller(req)->is_tls ? "; Secure" : "", key ? "" : "; Max-Age=0");

        hv_http_reply_header(req, "Set-Cookie", text);
        explicit_bzero(text, strlen(text));
}

static void reply_wait(struct hv_http_request *req, unsigned status, uint64_t wait_us, const char *code,
                       const char *what) {
        char seconds[24];

        (void) snprintf(seconds, sizeof seconds, "%" PRIu64,
                        (wait_us + HV_USEC_PER_SEC - 1) / HV_USEC_PER_SEC);
        hv_http_reply_header(req, "Retry-After", seconds);
        hv_http_reply_problem(req, status, code, "%s; try again in %s s", what, seconds);
}

static const struct hv_session *find(const struct hv_auth *auth, const char *digest) {
        const struct hv_session *s;
        size_t it = 0;

        while ((s = hv_auth_session_next(auth, &it)))
                if (hv_streq(s->digest, digest))
                        return s;
        return NULL;
}

static void on_login(void *userdata, const struct hv_login_result *result) {
        struct login *l = userdata;
        const struct hv_session *before = l->before[0] ? find(l->access->auth, l->before) : NULL;

        switch (l->req ? result->end : HV_LOGIN_GOOD) {
        case HV_LOGIN_GOOD:
                if (!l->req) {
                        if (result->session) /* nobody has its key */
                                hv_auth_logout(l->access->auth, result->session,
                                               "its own client, which left");
                        break;
                }
                if (!l->wants_key)
                        set_cookie(l->req, result->key);
                reply_session(l->access, l->req, result->session, hv_role_name(result->session->role),
                              "session", l->wants_key ? result->key : NULL);
                if (before)
                        hv_auth_logout(l->access->auth, before, "a new login of the same client");
                break;
        case HV_LOGIN_WRONG:
                hv_http_reply_problem(l->req, 401, "LoginFailed", "name, password or token are not right");
                break;
        case HV_LOGIN_WAIT:
                reply_wait(l->req, 429, result->wait_us, "TooManyLogins",
                           "there were too many logins that failed");
                break;
        case HV_LOGIN_BUSY:
                reply_wait(l->req, 503, HV_USEC_PER_SEC, "Busy", "too many others log in just now");
                break;
        }
        free(l);
}

void hv_http_access_post_login(struct hv_http_request *req, void *userdata) {
        struct hv_http_access *access = userdata;
        struct hv_json *body = hv_http_access_body(req);
        struct hv_login_wish wish;
        struct login *l;

        if (!body)
                return;
        wish = (struct hv_login_wish){ .name = hv_json_str(body, "username"),
                                       .password = hv_json_str(body, "password"),
                                       .token = hv_json_str(body, "token"),
                                       .address = hv_http_request_caller(req)->address,
                                       .agent = hv_http_header(req, "User-Agent") };
        if (!wish.agent)
                wish.agent = "";
        if (!wish.token && (!wish.name || !wish.password)) {
                hv_http_reply_problem(req, 400, "BadRequest", "expected username and password, or token");
        } else if (!wish.token && strlen(wish.password) > HV_PASSWORD_MAX_BYTES) {
                hv_http_reply_problem(req, 400, "BadRequest", "the password is longer than %d bytes",
                                      HV_PASSWORD_MAX_BYTES);
        } else {
                l = HV_NEW(struct login);
                l->access = access;
                l->req = req;
                l->wants_key = hv_json_bool(body, "bearer", false);
                strcpy(l->before, hv_http_request_caller(req)->session);
                hv_http_on_gone(req, on_gone, l);
                hv_auth_login(access->auth, &wish, on_login, l);
        }
        (void) hv_json_free(body);
}

/* ---- the end ---- */

void hv_http_access_post_logout(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        const struct hv_session *s = hv_http_access_session(access, req);

        set_cookie(req, NULL);
        if (s)
                hv_auth_logout(access->auth, s, hv_http_request_caller(req)->by);
        hv_http_reply_empty(req, 204);
}

/* Those of one's own token or user; of admins all. */
static bool may_see(const struct hv_http_request *req, const struct hv_session *own,
                    const struct hv_session *s) {
        if (hv_http_request_caller(req)->role >= HV_HTTP_ROLE_ADMIN)
                return true;
        return own && own->origin == s->origin && hv_streq(own->owner, s->owner);
}

void hv_http_access_get_sessions(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        const struct hv_session *own = hv_http_access_session(access, req), *s;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        HV_VEC(const struct hv_session *) seen = {};
        HV_VEC(const char *) ids = {};
        struct hv_http_page page;
        size_t it = 0;

        while ((s = hv_auth_session_next(access->auth, &it)))
                if (may_see(req, own, s)) {
                        hv_vec_push(&seen, s);
                        hv_vec_push(&ids, s->id);
                }
        if (hv_http_page_cut(req, &(struct hv_http_list){ "SessionList", ids.v, ids.n, false }, &page)) {
                hv_json_begin_object(&w, NULL);
                hv_http_page_write(&w, &page);
                hv_json_begin_array(&w, "items");
                for (size_t i = page.first; i < page.end; i++)
                        put_session(&w, NULL, seen.v[i], hv_http_request_caller(req)->session);
                hv_json_end(&w);
                hv_json_end(&w);
                hv_http_access_reply(req, 200, &buf);
        }
        hv_vec_done(&seen);
        hv_vec_done(&ids);
}

void hv_http_access_delete_session(struct hv_http_request *req, void *userdata) {
        const struct hv_http_access *access = userdata;
        const struct hv_session *s = hv_auth_session(access->auth, hv_http_param(req, "id"));

        if (!s || !may_see(req, hv_http_access_session(access, req), s)) {
                hv_http_reply_problem(req, 404, "NotFound", "there is no such session");
                return;
        }
        hv_auth_logout(access->auth, s, hv_http_request_caller(req)->by);
        hv_http_reply_empty(req, 204);
}

/* Logins, sessions and tokens over HTTP: http/access.h. */
#include "testing.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/alloc.h"
#include "password/password.h"

#define ANA "{\"username\":\"ana\",\"password\":\"correct horse\"}"
#define LETTERS_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LETTERS_256 LETTERS_64 LETTERS_64 LETTERS_64 LETTERS_64
#define LETTERS_512 LETTERS_256 LETTERS_256 /* a password has one less at most */
#define JSON "Content-Type: application/json\r\n"

static char *ana_hash; /* made once: it takes its time */

static int make_hash(void **state) {
        (void) state;
        return hv_password_hash("correct horse", &ana_hash, NULL);
}

static int free_hash(void **state) {
        (void) state;
        free(ana_hash);
        return 0;
}

static void write_users(const struct stage *s, const char *role, char ret_path[80]) {
        FILE *f;

        (void) snprintf(ret_path, 80, "%s/users", s->dir);
        (void) unlink(ret_path);
        (void) umask(077);
        f = fopen(ret_path, "we");
        assert_non_null(f);
        (void) fprintf(f, "# users\nana:%s:%s\n", role, ana_hash);
        assert_int_equal(fclose(f), 0);
}

static struct stage *stage_with_ana(void) {
        struct stage *s = stage_new();
        char path[80];
        const struct hv_auth_settings settings = { .is_required = true,
                                                   .users_file = path,
                                                   .session_life_us = HV_USEC_PER_DAY };
        struct hv_err err = {};

        write_users(s, "operator", path);
        if (hv_auth_configure(s->auth, &settings, &err) < 0)
                fail_msg("%s", err.msg);
        return s;
}

static struct answer login(struct stage *s, const char *body) {
        return ask(s, true, "POST", "/login", JSON, body);
}

/* "Cookie: hivelet-PORT=KEY\r\n" of an answer that set it. */
static char *cookie_of(const struct answer *a) {
        const char *set = strcasestr(hv_buf_str(&a->text), "\r\nSet-Cookie: ");

        assert_non_null(set);
        set += strlen("\r\nSet-Cookie: ");
        return hv_asprintf("Cookie: %.*s\r\n", (int) strcspn(set, ";"), set);
}

static void a_session_begins_is_used_and_ends(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer none = ask(s, true, "GET", "/api/v1/status", NULL, NULL),
                                                in = login(s, ANA), me = {}, who = {}, out = {}, after = {};
        _hv_cleanup_free_ char *cookie = cookie_of(&in), *with_csrf = NULL;

        (void) state;
        assert_int_equal(none.status, 401);
        assert_true(web_has_header(&none.text, "WWW-Authenticate: Bearer realm=\"hivelet\""));
        assert_int_equal(in.status, 200);
        assert_string_equal(text_at(in.json, "user"), "ana");
        assert_string_equal(text_at(in.json, "role"), "operator");
        assert_null(hv_json_get(in.json, "token"));
        assert_non_null(strstr(hv_buf_str(&in.text), "; Path=/; HttpOnly; SameSite=Strict\r\n"));
        me = ask(s, true, "GET", "/api/v1/status", cookie, NULL);
        assert_int_equal(me.status, 200);
        who = ask(s, true, "GET", "/api/v1/session", cookie, NULL);
        assert_string_equal(text_at(who.json, "via"), "session");
        assert_string_equal(text_at(who.json, "csrfToken"), text_at(in.json, "csrfToken"));
        assert_string_equal(text_at(who.json, "session.address"), "127.0.0.1");
        with_csrf = hv_asprintf("%sSec-Fetch-Site: same-origin\r\nX-CSRF-Token: %s\r\n", cookie,
                                text_at(in.json, "csrfToken"));
        out = ask(s, true, "POST", "/logout", with_csrf, NULL);
        assert_int_equal(out.status, 204);
        assert_non_null(strstr(hv_buf_str(&out.text), "Max-Age=0"));
        after = ask(s, true, "GET", "/api/v1/status", cookie, NULL);
        assert_int_equal(after.status, 401);
}

/* What a request with a cookie must show before it changes something. */
static void a_cookie_alone_changes_nothing(void **state) {
        static const struct {
                const char *what, *headers;
                bool csrf;
                unsigned status;
        } rows[] = {
                { "nothing", "", false, 403 },
                { "the token, from nowhere", "", true, 403 },
                { "own page without the token", "Sec-Fetch-Site: same-origin\r\n", false, 403 },
                { "own page with a token of another session",
                  "Sec-Fetch-Site: same-origin\r\nX-CSRF-Token: hvc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
                  false, 403 },
                { "own page with an empty token", "Sec-Fetch-Site: same-origin\r\nX-CSRF-Token: \r\n", false,
                  403 },
                { "own page", "Sec-Fetch-Site: same-origin\r\n", true, 200 },
                { "typed in", "Sec-Fetch-Site: none\r\n", true, 200 },
                { "another port of this host", "Sec-Fetch-Site: same-site\r\n", true, 403 },
                { "another site", "Sec-Fetch-Site: cross-site\r\n", true, 403 },
                { "a word that is none", "Sec-Fetch-Site: same-origin, none\r\n", true, 403 },
                { "Origin of this address", "Origin: http://localhost\r\n", true, 200 },
                { "Origin with another scheme", "Origin: https://localhost\r\n", true, 403 },
                { "Origin with a scheme that nobody has", "Origin: evil://localhost\r\n", true, 403 },
                { "Origin with a port", "Origin: http://localhost:81\r\n", true, 403 },
                { "foreign Origin", "Origin: http://evil.example\r\n", true, 403 },
                { "Origin null", "Origin: null\r\n", true, 403 },
                { "own page, foreign Origin: the newer header counts",
                  "Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n", true, 200 },
                { "a form",
                  "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n", true,
                  415 },
                { "a form with parts",
                  "Sec-Fetch-Site: same-origin\r\nContent-Type: multipart/form-data; x=y\r\n", true, 415 },
                { "plain text", "Sec-Fetch-Site: same-origin\r\nContent-Type: text/plain\r\n", true, 415 },
                { "plain text, shouted",
                  "Sec-Fetch-Site: same-origin\r\nContent-Type: TEXT/PLAIN; charset=utf-8\r\n", true, 415 },
                { "JSON", "Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n", true, 200 },
                { "JSON of another site", "Sec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n",
                  true, 403 },
                { "typed in, without the token", "Sec-Fetch-Site: none\r\n", false, 403 },
                { "another site without the token", "Sec-Fetch-Site: cross-site\r\n", false, 403 },
                { "an empty word", "Sec-Fetch-Site: \r\n", true, 403 },
                { "the word in capitals", "Sec-Fetch-Site: Same-Origin\r\n", true, 403 },
                { "another site, Origin of this address",
                  "Sec-Fetch-Site: cross-site\r\nOrigin: http://localhost\r\n", true, 403 },
                { "Origin of this address without the token", "Origin: http://localhost\r\n", false, 403 },
                { "Origin in capitals: hosts know none", "Origin: HTTP://LOCALHOST\r\n", true, 200 },
                { "Origin of another name of this machine", "Origin: http://127.0.0.1\r\n", true, 403 },
                { "Origin with a path", "Origin: http://localhost/\r\n", true, 403 },
                { "Origin that begins like this address", "Origin: http://localhost.evil.example\r\n", true,
                  403 },
                { "Origin with a user", "Origin: http://localhost@evil.example\r\n", true, 403 },
                { "a list of Origins", "Origin: http://localhost http://evil.example\r\n", true, 403 },
                { "an empty Origin", "Origin: \r\n", true, 403 },
                { "a Referer is no Origin", "Referer: http://localhost/tasks\r\n", true, 403 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer in = login(s, ANA);
        _hv_cleanup_free_ char *cookie = cookie_of(&in);

        (void) state;
        s->task_outcome = HV_API_TASK_DONE;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *headers = hv_asprintf(
                        "%s%s%s%s%s", cookie, rows[i].headers, rows[i].csrf ? "X-CSRF-Token: " : "",
                        rows[i].csrf ? text_at(in.json, "csrfToken") : "", rows[i].csrf ? "\r\n" : "");
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, true, "POST", "/api/stop_task/train-1", headers, NULL);

                if (a.status != rows[i].status)
                        fail_msg("%s: %u, expected %u", rows[i].what, a.status, rows[i].status);
        }
}

/* Reading from the page of another site is refused too, but a link may be followed. */
static void other_sites_get_nothing(void **state) {
        static const struct {
                const char *headers;
                unsigned status;
        } rows[] = {
                { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403 },
                { "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n", 403 },
                { "Origin: http://evil.example\r\n", 403 },
                { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
                  200 },
                { "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
                  403 },
                { "Sec-Fetch-Site: same-origin\r\n", 200 },
                { "", 200 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, true, "GET", "/api/v1/version", rows[i].headers, NULL);

                if (a.status != rows[i].status)
                        fail_msg("%s: %u, expected %u", rows[i].headers, a.status, rows[i].status);
        }
}

/* Counted, not timed. */
static void an_unknown_user_costs_what_a_known_one_does(void **state) {
        static const char *const bodies[] = { ANA, "{\"username\":\"ana\",\"password\":\"wrong horse\"}",
                                              "{\"username\":\"bob\",\"password\":\"correct horse\"}",
                                              "{\"username\":\"\",\"password\":\"\"}" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();

        uint64_t first = 0;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(bodies); i++) {
                uint64_t before = hv_password_works();
                _hv_cleanup_(answer_done) struct answer a = login(s, bodies[i]);

                assert_int_equal(a.status, i == 0 ? 200 : 401);
                if (i > 0)
                        assert_non_null(strstr(web_body(&a.text), "name, password or token are not right"));
                if (i == 0)
                        first = hv_password_works() - before;
                assert_true(first > 0);
                assert_int_equal(hv_password_works() - before, first);
                stage_go_on(2 * HV_USEC_PER_MIN); /* each failure makes its address wait */
        }
}

/* N, K and T in a pattern: the cookie's name, the session's key and a token. */
static char *cookie_header(const char *pattern, const char *name, const char *key, const char *token) {
        struct hv_buf text = {};

        hv_buf_puts(&text, "Cookie: ");
        for (const char *p = pattern; *p; p++)
                if (strchr("NKT", *p))
                        hv_buf_puts(&text, *p == 'N' ? name : *p == 'K' ? key : token);
                else
                        hv_buf_putc(&text, *p);
        hv_buf_puts(&text, "\r\n");
        return hv_buf_steal(&text);
}

static void of_our_cookies_there_is_one_and_it_holds_a_session(void **state) {
        static const struct {
                const char *cookies;
                unsigned status;
        } rows[] = {
                { "N=K", 200 },      { "a=b; N=K; c=d", 200 }, { "xN=x; N=K; Nx=x", 200 },
                { "N=K; N=x", 401 }, { "N=x; N=K", 401 },      { "N=K; N=K", 401 },
                { "N=\"K\"", 401 },  { "N=Kx", 401 },          { "N=", 401 },
                { "N=T", 401 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer in = login(s, ANA);
        _hv_cleanup_free_ char *cookie = cookie_of(&in);
        const struct hv_token wish = { .name = (char *) "deploy", .role = HV_ROLE_ADMIN };
        char token[HV_CREDENTIAL_SIZE], name[32], key[HV_CREDENTIAL_SIZE];

        (void) state;
        assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
        assert_int_equal(sscanf(cookie, "Cookie: %31[^=]=%47s", name, key), 2);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *header = cookie_header(rows[i].cookies, name, key, token);
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, true, "GET", "/api/v1/status", header, NULL);

                if (a.status != rows[i].status)
                        fail_msg("%s: %u, expected %u", rows[i].cookies, a.status, rows[i].status);
        }
}

static void who_fails_too_often_waits(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer late = {}, good = {};
        uint64_t works;

        (void) state;
        for (unsigned i = 0; i < 5; i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        login(s, "{\"username\":\"ana\",\"password\":\"wrong horse\"}");

                assert_int_equal(a.status, 401);
                stage_go_on(20 * HV_USEC_PER_SEC);
        }
        works = hv_password_works();
        late = login(s, ANA);
        assert_int_equal(late.status, 429);
        assert_non_null(strcasestr(hv_buf_str(&late.text), "\r\nRetry-After: "));
        assert_int_equal(hv_password_works(), works);
        stage_go_on(15 * HV_USEC_PER_MIN);
        good = login(s, ANA);
        assert_int_equal(good.status, 200);
}

static void sessions_end_by_time(void **state) {
        static const struct {
                const char *what;
                uint64_t step_us;
                unsigned steps;
        } rows[] = { { "unused for half an hour", 30 * HV_USEC_PER_MIN, 1 },
                     { "used for a day", 29 * HV_USEC_PER_MIN, 50 } };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
                _hv_cleanup_(answer_done) struct answer in = login(s, ANA);
                _hv_cleanup_free_ char *cookie = cookie_of(&in);
                unsigned status = 200;

                for (unsigned n = 0; n < rows[i].steps; n++) {
                        _hv_cleanup_(answer_done) struct answer a = {};

                        if (status != 200)
                                fail_msg("%s: over after %u steps", rows[i].what, n);
                        stage_go_on(rows[i].step_us);
                        a = ask(s, true, "GET", "/api/v1/version", cookie, NULL);
                        status = a.status;
                }
                assert_int_equal(status, 401);
        }
}

static void two_users_at_once_see_their_own(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        const struct hv_token wish = { .name = (char *) "deploy", .role = HV_ROLE_ADMIN };
        char token[HV_CREDENTIAL_SIZE];
        _hv_cleanup_free_ char *body = NULL, *cookie = NULL, *bearer = NULL, *path = NULL;
        _hv_cleanup_(answer_done) struct answer ana = login(s, ANA), deploy = {}, own = {}, all = {},
                                                not_mine = {}, gone = {}, ended = {};

        (void) state;
        assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
        body = hv_asprintf("{\"token\":\"%s\",\"bearer\":true}", token);
        deploy = login(s, body);
        assert_int_equal(deploy.status, 200);
        assert_null(strcasestr(hv_buf_str(&deploy.text), "\r\nSet-Cookie: "));
        cookie = cookie_of(&ana);
        bearer = hv_asprintf("Authorization: Bearer %s\r\n", text_at(deploy.json, "token"));
        own = ask(s, true, "GET", "/api/v1/sessions", cookie, NULL);
        assert_int_equal(hv_json_size(hv_json_get(own.json, "items")), 1);
        assert_string_equal(text_at(own.json, "items.0.user"), "ana");
        all = ask(s, true, "GET", "/api/v1/sessions", bearer, NULL);
        assert_int_equal(hv_json_size(hv_json_get(all.json, "items")), 2);
        path = hv_asprintf("/api/v1/sessions/%s", text_at(ana.json, "session.id"));
        ended = ask(s, true, "DELETE", path, bearer, NULL);
        assert_int_equal(ended.status, 204);
        gone = ask(s, true, "GET", "/api/v1/sessions", cookie, NULL);
        assert_int_equal(gone.status, 401);
        not_mine = ask(s, true, "DELETE", path, bearer, NULL);
        assert_int_equal(not_mine.status, 404);
}

static struct answer login_with_token(struct stage *s, const char *name) {
        const struct hv_token wish = { .name = (char *) name, .role = HV_ROLE_VIEWER };
        _hv_cleanup_free_ char *body = NULL;
        char token[HV_CREDENTIAL_SIZE];

        assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
        body = hv_asprintf("{\"token\":\"%s\",\"bearer\":true}", token);
        return login(s, body);
}

/* Sessions of somebody else are neither seen nor ended, also where a token has the name of a user. */
static void sessions_of_others_are_not_there(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer ana = login(s, ANA), token = login_with_token(s, "ana"),
                                                other = login_with_token(s, "other"), seen = {};
        const struct answer *not_hers[] = { &token, &other };
        _hv_cleanup_free_ char *cookie = cookie_of(&ana), *headers = NULL;

        (void) state;
        headers = hv_asprintf("%sSec-Fetch-Site: same-origin\r\nX-CSRF-Token: %s\r\n", cookie,
                              text_at(ana.json, "csrfToken"));
        seen = ask(s, true, "GET", "/api/v1/sessions", headers, NULL);
        assert_int_equal(hv_json_size(hv_json_get(seen.json, "items")), 1);
        assert_string_equal(text_at(seen.json, "items.0.id"), text_at(ana.json, "session.id"));
        for (size_t i = 0; i < HV_ARRAY_SIZE(not_hers); i++) {
                const char *id = text_at(not_hers[i]->json, "session.id");
                _hv_cleanup_free_ char *path = hv_asprintf("/api/v1/sessions/%s", id);
                _hv_cleanup_(answer_done) struct answer a = ask(s, true, "DELETE", path, headers, NULL);

                assert_int_equal(a.status, 404);
                assert_non_null(hv_auth_session(s->auth, id));
        }
}

static void a_login_ends_the_session_before(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer first = login(s, ANA), second = {}, old = {}, new = {};
        _hv_cleanup_free_ char *cookie = cookie_of(&first), *headers = hv_asprintf("%s%s", JSON, cookie),
                               *next = NULL;

        (void) state;
        second = ask(s, true, "POST", "/login", headers, ANA);
        assert_int_equal(second.status, 200);
        next = cookie_of(&second);
        old = ask(s, true, "GET", "/api/v1/status", cookie, NULL);
        assert_int_equal(old.status, 401);
        new = ask(s, true, "GET", "/api/v1/status", next, NULL);
        assert_int_equal(new.status, 200);
}

/* Whoever is taken out of the file, or has another role, is out; whatever he has open is cut. */
static void a_session_ends_with_its_user(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer in = login(s, ANA), other = {}, after = {};
        _hv_cleanup_free_ char *cookie = cookie_of(&in);
        char path[80];

        (void) state;
        write_users(s, "viewer", path);
        other = login(s, "{\"username\":\"bob\",\"password\":\"correct horse\"}"); /* looks at the files */
        after = ask(s, true, "GET", "/api/v1/session", cookie, NULL);
        assert_string_equal(text_at(after.json, "via"), "none");
}

static void a_stream_is_cut_with_its_session(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();
        _hv_cleanup_(answer_done) struct answer in = login(s, ANA);
        _hv_cleanup_free_ char *cookie = cookie_of(&in), *request = NULL;
        struct hv_buf got = {};
        size_t it = 0;
        struct web w = { .event = s->event, .server = s->server };
        int fd = web_connect(&w);

        (void) state;
        request = hv_asprintf("GET /api/v1/watch HTTP/1.1\r\nHost: localhost\r\n%s\r\n", cookie);
        web_send_text(fd, request);
        web_read_until(&w, fd, &got, "event: status");
        hv_auth_logout(s->auth, hv_auth_session_next(s->auth, &it), "the test");
        hv_buf_done(&got);
        got = web_read_all(&w, fd);
        hv_buf_done(&got);
}

static int watch_as(struct stage *s, const char *token) {
        _hv_cleanup_free_ char *request = hv_asprintf(
                "GET /api/v1/watch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", token);
        struct web w = { .event = s->event, .server = s->server };
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        int fd = web_connect(&w);

        web_send_text(fd, request);
        web_read_until(&w, fd, &got, "event: status");
        return fd;
}

static void write_tokens(const struct stage *s, const char *text) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/tokens", s->dir);
        FILE *f;

        (void) unlink(path);
        (void) umask(077);
        f = fopen(path, "we");
        assert_non_null(f);
        (void) fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

/* A token that came by itself: revoked, over, out of the file, or of another role there. */
static void a_stream_is_cut_with_its_token(void **state) {
        static const char TEXT[] = "hvt_0123456789abcdefghijklmnopqrstuvwxyz0123456";
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *path = hv_asprintf("%s/tokens", s->dir),
                               *viewer = hv_asprintf("viewer grafana %s\n", TEXT),
                               *operator= hv_asprintf("operator grafana %s\n", TEXT);
        const struct hv_auth_settings settings = { .token_file = path, .session_life_us = HV_USEC_PER_DAY };
        struct hv_token wish = { .name = (char *) "grafana", .role = HV_ROLE_VIEWER };
        struct web w = { .event = s->event, .server = s->server };
        char made[HV_CREDENTIAL_SIZE];
        struct hv_err err = {};
        struct hv_buf got;

        (void) state;
        for (unsigned i = 0; i < 4; i++) {
                struct answer nobody;
                int fd, other;

                wish.until_wall_us = i == 1 ? s->wall_us + 1000 * HV_USEC_PER_DAY : 0;
                write_tokens(s, i < 2 ? "" : viewer);
                if (hv_auth_configure(s->auth, &settings, &err) < 0)
                        fail_msg("%s", err.msg);
                if (i < 2)
                        assert_int_equal(hv_auth_token_create(s->auth, &wish, made, NULL), 0);
                fd = watch_as(s, i < 2 ? made : TEXT);
                other = open_get(s, "/api/v1/watch", NULL);
                if (i == 0)
                        assert_int_equal(hv_auth_token_revoke(s->auth, "grafana", "the test", &err), 0);
                if (i == 1)
                        stage_go_on(1000 * HV_USEC_PER_DAY);
                if (i >= 2)
                        write_tokens(s, i == 2 ? "# none\n" : operator);
                nobody = login(s, ANA); /* looks at the files */
                answer_done(&nobody);
                got = web_read_all(&w, fd);
                hv_buf_done(&got);
                turn_until_idle(s);
                assert_int_equal(recv(other, made, 1, MSG_DONTWAIT | MSG_PEEK), 1);
                (void) close(other);
                if (i == 1)
                        assert_int_equal(hv_auth_token_revoke(s->auth, "grafana", "the test", &err), 0);
        }
}

static void tokens_are_made_listed_and_revoked(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer made =
                post(s, "/api/v1/tokens", "{\"name\":\"grafana\",\"role\":\"viewer\",\"expiresIn\":\"90d\"}");
        _hv_cleanup_(answer_done) struct answer twice =
                post(s, "/api/v1/tokens", "{\"name\":\"grafana\",\"role\":\"viewer\"}");
        _hv_cleanup_(answer_done) struct answer no_role = post(s, "/api/v1/tokens", "{\"name\":\"x\"}"),
                                                list = {}, used = {}, revoked = {}, after = {}, nothing = {};
        _hv_cleanup_free_ char *bearer = NULL;

        (void) state;
        assert_int_equal(made.status, 201);
        assert_true(hv_has_prefix(text_at(made.json, "token"), "hvt_"));
        assert_int_equal(twice.status, 409);
        assert_int_equal(no_role.status, 400);
        bearer = hv_asprintf("Authorization: Bearer %s\r\n", text_at(made.json, "token"));
        used = ask(s, true, "GET", "/api/v1/session", bearer, NULL);
        assert_string_equal(text_at(used.json, "via"), "token");
        assert_string_equal(text_at(used.json, "user"), "grafana");
        list = get(s, "/api/v1/tokens");
        assert_string_equal(text_at(list.json, "items.0.name"), "grafana");
        assert_true(hv_has_prefix(text_at(list.json, "items.0.createdBy"), "unix:uid="));
        assert_null(strstr(hv_buf_str(&list.text), "hvt_"));
        revoked = ask(s, false, "DELETE", "/api/v1/tokens/grafana", NULL, NULL);
        assert_int_equal(revoked.status, 204);
        after = ask(s, true, "GET", "/api/v1/session", bearer, NULL);
        assert_int_equal(after.status, 401); /* a wrong header is told, whatever the route */
        nothing = ask(s, false, "DELETE", "/api/v1/tokens/grafana", NULL, NULL);
        assert_int_equal(nothing.status, 404);
}

/* Bodies of the login that are none, and who sends them. */
static void logins_that_are_none(void **state) {
        static const struct {
                const char *headers, *body;
                unsigned status;
        } rows[] = {
                { JSON, "", 400 },
                { JSON, "[]", 400 },
                { JSON, "{\"username\":\"ana\"", 400 },
                { JSON, "{\"username\":\"ana\"}", 400 },
                { JSON, "{\"username\":1,\"password\":2}", 400 },
                { JSON, "{\"username\":\"ana\",\"password\":\"" LETTERS_512 "\"}", 400 },
                { "Content-Type: text/plain\r\n", ANA, 415 },
                { "Content-Type: application/jsonp\r\n", ANA, 415 },
                { "", ANA, 415 },
                { JSON "Sec-Fetch-Site: cross-site\r\n", ANA, 403 },
                { JSON "Origin: http://evil.example\r\n", ANA, 403 },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_with_ana();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, true, "POST", "/login", rows[i].headers, rows[i].body);

                if (a.status != rows[i].status)
                        fail_msg("row %zu: %u, expected %u", i, a.status, rows[i].status);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_session_begins_is_used_and_ends),
                cmocka_unit_test(a_cookie_alone_changes_nothing),
                cmocka_unit_test(other_sites_get_nothing),
                cmocka_unit_test(an_unknown_user_costs_what_a_known_one_does),
                cmocka_unit_test(of_our_cookies_there_is_one_and_it_holds_a_session),
                cmocka_unit_test(who_fails_too_often_waits),
                cmocka_unit_test(sessions_end_by_time),
                cmocka_unit_test(two_users_at_once_see_their_own),
                cmocka_unit_test(sessions_of_others_are_not_there),
                cmocka_unit_test(a_login_ends_the_session_before),
                cmocka_unit_test(a_session_ends_with_its_user),
                cmocka_unit_test(a_stream_is_cut_with_its_session),
                cmocka_unit_test(tokens_are_made_listed_and_revoked),
                cmocka_unit_test(logins_that_are_none),
                cmocka_unit_test(a_stream_is_cut_with_its_token), /* the last: it is years later then */
        };

        return cmocka_run_group_tests(tests, make_hash, free_hash);
}

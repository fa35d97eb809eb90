/* The table of routes: who may call what from where. */
#include "testing.h"

#include <stdio.h>
#include <unistd.h>

#include "ask.h"
#include "http/route.h"

/* "/api/v1/services/{name}/logs" -> ".../web/logs" */
static void fill_in(const char *pattern, char *ret, size_t size) {
        const char *brace = strchr(pattern, '{');

        if (brace)
                (void) snprintf(ret, size, "%.*sweb%s", (int) (brace - pattern), pattern,
                                strchr(brace, '}') + 1);
        else
                (void) snprintf(ret, size, "%s", pattern);
}

/* The route for a method of this very path; NULL: none. */
static const struct hv_http_route *route_of(const struct stage *s, enum hv_http_method method,
                                            const char *path) {
        const struct hv_http_route *route;

        for (size_t i = 0; (route = hv_http_server_route(s->server, i)); i++)
                if (route->method == method && hv_streq(route->path, path))
                        return route;
        return NULL;
}

static void configure(struct stage *s, bool is_required) {
        const struct hv_auth_settings settings = { .is_required = is_required,
                                                   .session_life_us = HV_USEC_PER_DAY };

        assert_int_equal(hv_auth_configure(s->auth, &settings, NULL), 0);
}

/* As each of those who may ask: nobody, where a login is needed and where not, and a token of each role. */
static const struct who {
        const char *what;
        bool is_required;
        enum hv_role token; /* NOBODY: none */
        enum hv_http_role role;
} WHO[] = {
        { "nobody, a login is required", true, HV_ROLE_NOBODY, HV_HTTP_ROLE_ANYONE },
        { "nobody", false, HV_ROLE_NOBODY, HV_HTTP_ROLE_VIEWER },
        { "viewer", true, HV_ROLE_VIEWER, HV_HTTP_ROLE_VIEWER },
        { "operator", true, HV_ROLE_OPERATOR, HV_HTTP_ROLE_OPERATOR },
        { "admin", true, HV_ROLE_ADMIN, HV_HTTP_ROLE_ADMIN },
};

static void check_row(struct stage *s, const struct who *who, const char *method, enum hv_http_method as,
                      const struct hv_http_route *route, const char *headers) {
        const struct hv_http_route *asked = route_of(s, as, route->path);
        struct answer a;
        char path[120];

        fill_in(route->path, path, sizeof path);
        if (asked && asked->role <= who->role && strstr(path, "/watch"))
                return; /* never ends; its role is in the table as any other */
        a = ask(s, true, method, path, headers, NULL);
        if (!asked && a.status != 405 && a.status != 501 && a.status != 404)
                fail_msg("%s: %s %s, which is not there: %u", who->what, method, path, a.status);
        if (asked && hv_streq(route->path, "/api/settings") && asked->method == HV_HTTP_POST)
                assert_int_equal(a.status,
                                 asked->role <= who->role ? 405 : 401); /* nothing is changed there */
        else if (asked && asked->role <= who->role && (a.status == 401 || a.status == 403 || a.status == 405))
                fail_msg("%s: %s %s, which he may: %u", who->what, method, path, a.status);
        if (asked && asked->role > who->role && a.status != (who->token == HV_ROLE_NOBODY ? 401 : 403))
                fail_msg("%s: %s %s, which he may not: %u", who->what, method, path, a.status);
        assert_null(strstr(hv_buf_str(&a.text), "Access-Control"));
        answer_done(&a);
}

/* Every route x every method x every role, over TCP. */
static void roles_hold_for_every_route_and_method(void **state) {
        static const struct {
                const char *name;
                enum hv_http_method method;
        } methods[] = { { "GET", HV_HTTP_GET },
                        { "HEAD", HV_HTTP_GET },
                        { "POST", HV_HTTP_POST },
                        { "PUT", HV_HTTP_PUT },
                        { "DELETE", HV_HTTP_DELETE },
                        { "OPTIONS", 0 },
                        { "PATCH", 0 },
                        { "TRACE", 0 } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        const struct hv_http_route *route;

        (void) state;
        s->log_text = "x";
        for (size_t w = 0; w < HV_ARRAY_SIZE(WHO); w++) {
                _hv_cleanup_free_ char *headers = NULL;
                char token[HV_CREDENTIAL_SIZE];

                if (WHO[w].token != HV_ROLE_NOBODY) {
                        const struct hv_token wish = { .name = (char *) WHO[w].what, .role = WHO[w].token };

                        assert_int_equal(hv_auth_token_create(s->auth, &wish, token, NULL), 0);
                        headers = hv_asprintf("Authorization: Bearer %s\r\n", token);
                }
                configure(s, WHO[w].is_required);
                for (size_t i = 0; (route = hv_http_server_route(s->server, i)); i++) {
                        assert_non_null(route->summary);
                        assert_true(route->role != HV_HTTP_ROLE_UNDECLARED);
                        for (size_t m = 0; m < HV_ARRAY_SIZE(methods); m++)
                                check_row(s, &WHO[w], methods[m].name, methods[m].method, route, headers);
                }
                if (WHO[w].role ==
                    HV_HTTP_ROLE_VIEWER) { /* he, and nobody before him, reached what changes */
                        assert_int_equal(s->n_changes, 0);
                        assert_int_equal(s->n_plans, 0);
                        assert_int_equal(s->n_logs_opened, 0);
                }
        }
}

/* What ends the agent, runs something as root or shows or changes a secret is an admin's, whatever the table may say one day. */
static void what_only_an_admin_may(void **state) {
        static const struct {
                enum hv_http_method method;
                const char *path;
        } rows[] = {
                { HV_HTTP_POST, "/api/v1/shutdown" },
                { HV_HTTP_POST, "/api/v1/services/{name}/exec" },
                { HV_HTTP_POST, "/api/v1/tasks/{name}/exec" },
                { HV_HTTP_GET, "/api/v1/services/{name}/archive" },
                { HV_HTTP_PUT, "/api/v1/services/{name}/archive" },
                { HV_HTTP_GET, "/api/v1/tasks/{name}/archive" },
                { HV_HTTP_PUT, "/api/v1/tasks/{name}/archive" },
                { HV_HTTP_PUT, "/api/v1/node/secrets/{name}" },
                { HV_HTTP_DELETE, "/api/v1/node/secrets/{name}" },
                { HV_HTTP_POST, "/api/v1/tokens" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_http_route *route = route_of(s, rows[i].method, rows[i].path);

                if (!route || route->role != HV_HTTP_ROLE_ADMIN)
                        fail_msg("%s: %s", rows[i].path, route ? "not an admin's" : "no such route");
        }
}

static void what_is_not_in_the_table_is_not_there(void **state) {
        static const char *const paths[] = { "/api/v1/", "/api/v1/nothing", "/api/v1/services/web/commit",
                                             "/debug",   "/api/v2/status",  "/api/v1/services/web/why/more" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, paths[i]);

                assert_int_equal(a.status, 404);
                assert_true(web_has_header(&a.text, "Content-Type: application/problem+json"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(roles_hold_for_every_route_and_method),
                cmocka_unit_test(what_only_an_admin_may),
                cmocka_unit_test(what_is_not_in_the_table_is_not_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

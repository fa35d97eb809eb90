/* Paths, queries and the table of routes (http/target.h, http/router.h). */
#include "testing.h"

#include <errno.h>

#include "base/arena.h"
#include "http/router.h"

static void nothing(struct hv_http_request *req, void *userdata) {
        (void) req;
        (void) userdata;
}

static const struct hv_http_route TABLE[] = {
        { HV_HTTP_GET, "/", HV_HTTP_ROLE_ANYONE, nothing, .summary = "root" },
        { HV_HTTP_GET, "/api/v1/services", HV_HTTP_ROLE_VIEWER, nothing, .summary = "list" },
        { HV_HTTP_GET, "/api/v1/services/{name}", HV_HTTP_ROLE_VIEWER, nothing, .summary = "one" },
        { HV_HTTP_GET, "/api/v1/services/{name}/logs", HV_HTTP_ROLE_VIEWER, nothing, .summary = "logs" },
        { HV_HTTP_POST, "/api/v1/services/{name}/restart", HV_HTTP_ROLE_OPERATOR, nothing,
          .summary = "restart" },
        { HV_HTTP_GET, "/api/v1/services/all", HV_HTTP_ROLE_VIEWER, nothing, .summary = "all" },
        { HV_HTTP_DELETE, "/api/v1/services/{name}", HV_HTTP_ROLE_ADMIN, nothing, .summary = "delete" },
        { HV_HTTP_GET, "/files/{path...}", HV_HTTP_ROLE_VIEWER, nothing, .summary = "files" },
        { HV_HTTP_GET, "/files/index", HV_HTTP_ROLE_VIEWER, nothing, .summary = "index" },
        { HV_HTTP_GET, "/debug", HV_HTTP_ROLE_ADMIN, nothing, .flags = HV_HTTP_SOCKET_ONLY,
          .summary = "debug" },
};

static struct hv_http_router *make(void) {
        struct hv_http_router *router = hv_http_router_new();
        struct hv_err err = {};

        for (size_t i = 0; i < HV_ARRAY_SIZE(TABLE); i++)
                if (hv_http_router_add(router, &TABLE[i], NULL, &err) < 0)
                        fail_msg("%s", err.msg);
        return router;
}

static void test_match(void **state) {
        static const struct {
                enum hv_http_method method;
                const char *path, *want, *param, *allow; /* want NULL: none; param: the first one's value */
        } ROWS[] = {
                { HV_HTTP_GET, "/", "root", NULL, "GET, HEAD" },
                { HV_HTTP_GET, "/api/v1/services", "list", NULL, "GET, HEAD" },
                { HV_HTTP_GET, "/api/v1/services/web", "one", "web", "GET, HEAD, DELETE" },
                { HV_HTTP_GET, "/api/v1/services/all", "all", NULL, "GET, HEAD, DELETE" },
                { HV_HTTP_DELETE, "/api/v1/services/all", "delete", "all", "GET, HEAD, DELETE" },
                { HV_HTTP_GET, "/api/v1/services/a%2Fb", "one", "a/b", "GET, HEAD, DELETE" },
                { HV_HTTP_GET, "/api/v1/services/a%2flogs", "one", "a/logs", "GET, HEAD, DELETE" },
                { HV_HTTP_GET, "/api/v1/%73ervices", "list", NULL, "GET, HEAD" },
                { HV_HTTP_GET, "/api/v1/services/web/logs", "logs", "web", "GET, HEAD" },
                { HV_HTTP_POST, "/api/v1/services/web/restart", "restart", "web", "POST" },
                { HV_HTTP_GET, "/api/v1/services/web/restart", NULL, NULL, "POST" },
                { HV_HTTP_POST, "/api/v1/services", NULL, NULL, "GET, HEAD" },
                { HV_HTTP_GET, "/files/a/b/c.txt", "files", "a/b/c.txt", "GET, HEAD" },
                { HV_HTTP_GET, "/files/index", "index", NULL, "GET, HEAD" },
                { HV_HTTP_GET, "/files", NULL, NULL, "" },
                { HV_HTTP_GET, "/api/v1/services/", NULL, NULL, "" }, /* no empty name */
                { HV_HTTP_GET, "/api/v1//services", NULL, NULL, "" },
                { HV_HTTP_GET, "//", NULL, NULL, "" },
                { HV_HTTP_GET, "/api/v1/service", NULL, NULL, "" },
                { HV_HTTP_GET, "/api/v1/servicesx", NULL, NULL, "" },
                { HV_HTTP_GET, "/API/v1/services", NULL, NULL, "" },
                { HV_HTTP_GET, "/debug", NULL, NULL, "" },
                { 0, "/api/v1/services", NULL, NULL, "GET, HEAD" }, /* a method that nobody has */
        };
        _hv_cleanup_(hv_http_router_freep) struct hv_http_router *router = make();
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_http_path path;
                struct hv_http_match match;
                struct hv_err err = {};

                if (hv_http_path_read(arena, ROWS[i].path, &path, &err) < 0)
                        fail_msg("%s: %s", ROWS[i].path, err.msg);
                hv_http_router_match(router, ROWS[i].method, &path, false, arena, &match);
                if (!hv_streq(match.route ? match.route->summary : NULL, ROWS[i].want))
                        fail_msg("%s: got %s, want %s", ROWS[i].path,
                                 match.route ? match.route->summary : "nothing", ROWS[i].want ?: "nothing");
                if (!hv_streq(match.n_params ? match.param[0].value : NULL, ROWS[i].param))
                        fail_msg("%s: parameter is %s, want %s", ROWS[i].path,
                                 match.n_params ? match.param[0].value : "absent", ROWS[i].param ?: "absent");
                if (!hv_streq(hv_http_allow_text(arena, match.allowed), ROWS[i].allow))
                        fail_msg("%s: allows \"%s\", want \"%s\"", ROWS[i].path,
                                 hv_http_allow_text(arena, match.allowed), ROWS[i].allow);
        }
}

static void test_socket_only(void **state) {
        _hv_cleanup_(hv_http_router_freep) struct hv_http_router *router = make();
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_http_path path;
        struct hv_http_match match;

        (void) state;
        assert_int_equal(hv_http_path_read(arena, "/debug", &path, NULL), 0);
        hv_http_router_match(router, HV_HTTP_GET, &path, true, arena, &match);
        assert_non_null(match.route);
}

#define ROUTE(m, p, r, h) \
        { .method = (m), .path = (p), .role = (r), .handle = (h) }

static void test_bad_routes(void **state) {
        static const struct {
                const char *what;
                struct hv_http_route route;
        } ROWS[] = {
                { "no role", ROUTE(HV_HTTP_GET, "/x", HV_HTTP_ROLE_UNDECLARED, nothing) },
                { "a role that is none", ROUTE(HV_HTTP_GET, "/x", HV_HTTP_ROLE_ADMIN + 1, nothing) },
                { "no method", ROUTE(0, "/x", HV_HTTP_ROLE_ADMIN, nothing) },
                { "two methods", ROUTE(HV_HTTP_GET | HV_HTTP_POST, "/x", HV_HTTP_ROLE_ADMIN, nothing) },
                { "no handler", ROUTE(HV_HTTP_GET, "/x", HV_HTTP_ROLE_ADMIN, NULL) },
                { "no path", ROUTE(HV_HTTP_GET, NULL, HV_HTTP_ROLE_ADMIN, nothing) },
                { "no slash", ROUTE(HV_HTTP_GET, "x", HV_HTTP_ROLE_ADMIN, nothing) },
                { "empty segment", ROUTE(HV_HTTP_GET, "/x//y", HV_HTTP_ROLE_ADMIN, nothing) },
                { "ends in a slash", ROUTE(HV_HTTP_GET, "/x/", HV_HTTP_ROLE_ADMIN, nothing) },
                { "open brace", ROUTE(HV_HTTP_GET, "/{x", HV_HTTP_ROLE_ADMIN, nothing) },
                { "no name", ROUTE(HV_HTTP_GET, "/{}", HV_HTTP_ROLE_ADMIN, nothing) },
                { "text behind a parameter", ROUTE(HV_HTTP_GET, "/{x}y", HV_HTTP_ROLE_ADMIN, nothing) },
                { "text before a parameter", ROUTE(HV_HTTP_GET, "/y{x}", HV_HTTP_ROLE_ADMIN, nothing) },
                { "rest in the middle", ROUTE(HV_HTTP_GET, "/{x...}/y", HV_HTTP_ROLE_ADMIN, nothing) },
                { "there already",
                  ROUTE(HV_HTTP_GET, "/api/v1/services/{other}", HV_HTTP_ROLE_ADMIN, nothing) },
        };
        _hv_cleanup_(hv_http_router_freep) struct hv_http_router *router = make();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_err err = {};

                if (hv_http_router_add(router, &ROWS[i].route, NULL, &err) != -EINVAL || !*err.msg)
                        fail_msg("%s: was taken", ROWS[i].what);
        }
        assert_null(hv_http_router_at(router, HV_ARRAY_SIZE(TABLE)));
}

static void test_bad_paths(void **state) {
        static const char *const ROWS[] = {
                "/%",
                "/%4",
                "/%zz",
                "/a%00b",
                "/a%0ab",
                "/a%7f",
                "/%ff",
                "/%c3",
                "/..",
                "/a/../b",
                "/%2e%2e/etc",
                "/a/.",
                "/%2e",
                "/.%2e/",
                "/%ed%a0%80",
                "/%C0%AF",
                "/%1b[31m",
                "/a/b/%",
                "/%f5%80%80%80",
                "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct hv_http_path path;
                struct hv_err err = {};

                if (hv_http_path_read(arena, ROWS[i], &path, &err) != -EINVAL)
                        fail_msg("%s: was taken", ROWS[i]);
                assert_true(hv_has_prefix(err.msg, "path"));
        }
}

static void test_good_paths(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_http_path path;

        (void) state;
        assert_int_equal(hv_http_path_read(arena, "/a%20b/%C3%A4/...", &path, NULL), 0);
        assert_int_equal(path.n, 3);
        assert_string_equal(path.segment[0], "a b");
        assert_string_equal(path.segment[1], "\xc3\xa4");
        assert_string_equal(path.segment[2], "...");
        assert_string_equal(path.text, "/a b/\xc3\xa4/...");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_match),      cmocka_unit_test(test_socket_only),
                cmocka_unit_test(test_bad_routes), cmocka_unit_test(test_bad_paths),
                cmocka_unit_test(test_good_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* registry_auth: which login of a Docker config.json is meant, and what is said without telling it. */
#include <errno.h>

#include "testing.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "execute/registry_auth.h"

static int parse(const char *json, const char *host, struct hv_registry_auth **ret, struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *s = hv_secret_new(json, strlen(json));

        return hv_registry_auth_parse(s, host, ret, err);
}

static void logins_are_found(void **state) {
        static const struct {
                const char *what, *json, *host, *user, *password, *server;
        } rows[] = {
                { "auth", "{\"auths\": {\"r.example.org\": {\"auth\": \"dXNlcjpwYXNz\"}}}", "r.example.org",
                  "user", "pass", "r.example.org" },
                { "a port", "{\"auths\": {\"r.example.org:5000\": {\"auth\": \"dXNlcjpwYXNz\"}}}",
                  "r.example.org:5000", "user", "pass", "r.example.org:5000" },
                { "colons in the password", "{\"auths\": {\"r\": {\"auth\": \"dTphOmI6Yw==\"}}}", "r", "u",
                  "a:b:c", "r" },
                { "in two fields", "{\"auths\": {\"r\": {\"username\": \"u\", \"password\": \"p\"}}}", "r",
                  "u", "p", "r" },
                { "a URL as key",
                  "{\"auths\": {\"https://r.example.org/v2/\": {\"auth\": \"dXNlcjpwYXNz\"}}}",
                  "r.example.org", "user", "pass", "r.example.org" },
                { "Docker Hub",
                  "{\"auths\": {\"https://index.docker.io/v1/\": {\"auth\": \"dXNlcjpwYXNz\"}}}", "docker.io",
                  "user", "pass", "https://index.docker.io/v1/" },
                { "one of several",
                  "{\"auths\": {\"a\": {\"auth\": \"YTph\"}, \"b\": {\"auth\": \"YjpC\"}}, \"credsStore\": \"x\"}",
                  "b", "b", "B", "b" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_registry_auth_freep) struct hv_registry_auth *a = NULL;
                struct hv_err err = {};

                if (parse(rows[i].json, rows[i].host, &a, &err) < 0)
                        fail_msg("%s: %s", rows[i].what, err.msg);
                assert_string_equal(a->auth.username, rows[i].user);
                assert_string_equal(hv_secret_bytes(a->auth.password), rows[i].password);
                assert_string_equal(a->auth.server, rows[i].server);
                assert_null(a->auth.identity_token);
        }
}

static void a_token_stands_for_a_password(void **state) {
        _hv_cleanup_(hv_registry_auth_freep) struct hv_registry_auth *a = NULL;

        (void) state;
        assert_int_equal(
                parse("{\"auths\": {\"r\": {\"auth\": \"dXNlcjpwYXNz\", \"identitytoken\": \"tok\"}}}", "r",
                      &a, NULL),
                0);
        assert_null(a->auth.password);
        assert_string_equal(hv_secret_bytes(a->auth.identity_token), "tok");
}

static void what_is_no_login_is_told_without_its_content(void **state) {
        static const struct {
                const char *what, *json;
                int code;
        } rows[] = {
                { "another host", "{\"auths\": {\"hunter2.example.org\": {\"auth\": \"aHVudGVyMg==\"}}}",
                  -ENOENT },
                { "a longer host", "{\"auths\": {\"r.evil\": {\"auth\": \"dXNlcjpwYXNz\"}}}", -ENOENT },
                { "no JSON", "user:hunter2", -EBADMSG },
                { "an unfinished text", "{\"auths\": {\"r\": {\"auth\": \"hunter2", -EBADMSG },
                { "no auths", "{\"hunter2\": 1}", -EBADMSG },
                { "auths of another type", "{\"auths\": [\"hunter2\"]}", -EBADMSG },
                { "no base64", "{\"auths\": {\"r\": {\"auth\": \"hunter2!\"}}}", -EBADMSG },
                { "no colon", "{\"auths\": {\"r\": {\"auth\": \"aHVudGVyMg==\"}}}", -EBADMSG },
                { "no user", "{\"auths\": {\"r\": {\"auth\": \"Omh1bnRlcjI=\"}}}", -EBADMSG },
                { "only a user", "{\"auths\": {\"r\": {\"username\": \"hunter2\"}}}", -EBADMSG },
                { "nothing", "{\"auths\": {\"r\": {}}}", -EBADMSG },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_registry_auth *a = NULL;
                struct hv_err err = {};
                int r = parse(rows[i].json, "r", &a, &err);

                if (r != rows[i].code || strstr(err.msg, "hunter2"))
                        fail_msg("%s: %d %s", rows[i].what, r, err.msg);
        }
}

static void an_image_names_its_registry(void **state) {
        static const struct {
                const char *image, *host;
        } rows[] = {
                { "docker.io/library/nginx:1.27", "docker.io" },
                { "nginx", "docker.io" },
                { "library/nginx", "docker.io" },
                { "justin308/hivemind-worker:latest", "docker.io" },
                { "index.docker.io/library/nginx", "docker.io" },
                { "quay.io/x/y@sha256:00", "quay.io" },
                { "localhost/x", "localhost" },
                { "registry:5000/x", "registry:5000" },
                { "10.0.0.1:5005/a/b:1", "10.0.0.1:5005" },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                assert_string_equal(hv_registry_host(rows[i].image, arena), rows[i].host);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(logins_are_found),
                cmocka_unit_test(a_token_stands_for_a_password),
                cmocka_unit_test(what_is_no_login_is_told_without_its_content),
                cmocka_unit_test(an_image_names_its_registry),
        };

        return cmocka_run_group_tests_name("registry_auth", tests, NULL, NULL);
}

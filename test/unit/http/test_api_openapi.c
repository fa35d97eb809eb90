/* The description that the API gives of itself: it is the table of routes, it is complete, and the tree's copy is true. */
#include "testing.h"

#include <ctype.h>
#include <stdio.h>

#include "ask.h"
#include "http/openapi.h"
#include "http/route.h"

static char *read_file(const char *path) {
        FILE *f = fopen(path, "re");
        struct hv_buf buf = {};
        char chunk[8192];
        size_t n;

        if (!f)
                fail_msg("cannot open %s", path);
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                hv_buf_add(&buf, chunk, n);
        (void) fclose(f);
        return hv_buf_steal(&buf);
}

static void the_copy_in_the_tree_is_what_the_agent_serves(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *copy = read_file(HV_SOURCE_DIR "/api/openapi.yaml");
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/openapi.yaml");
        const char *served = web_body(&a.text);
        size_t same = 0, line = 1;

        (void) state;
        assert_int_equal(a.status, 200);
        assert_true(web_has_header(&a.text, "Content-Type: application/yaml"));
        for (; copy[same] && copy[same] == served[same]; same++)
                line += copy[same] == '\n';
        if (copy[same] != served[same])
                fail_msg("api/openapi.yaml, line %zu, is not what the agent says: run hack/gen-openapi BUILD",
                         line);
}

/* "get /api/v1/tasks/{name}/results/{path...}" is "get" of "/api/v1/tasks/{name}/results/{path}". */
static const struct hv_json *operation_of(const struct hv_json *paths, const struct hv_http_route *route) {
        char path[160] = "", method[16] = "";
        size_t n = 0;

        for (const char *p = route->path; *p; p++)
                if (hv_has_prefix(p, "...}"))
                        p += 2;
                else
                        path[n++] = *p;
        n = 0;
        for (const char *p = hv_http_method_name(route->method); *p; p++)
                method[n++] = (char) tolower(*p);
        return hv_json_get(hv_json_get(paths, path), method);
}

static size_t count_operations(const struct hv_json *paths) {
        const struct hv_json *path, *operation;
        const char *key;
        size_t n = 0;

        for (void *i = NULL; hv_json_next(paths, &i, &key, &path);)
                for (void *j = NULL; hv_json_next(path, &j, &key, &operation);)
                        n += !hv_streq(key, "parameters");
        return n;
}

static void every_route_is_in_it_and_no_other(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/openapi.json");
        const struct hv_json *paths = hv_json_get(a.json, "paths"), *operation;
        const struct hv_http_route *route;
        size_t n = 0;

        (void) state;
        assert_int_equal(a.status, 200);
        assert_string_equal(hv_json_str(a.json, "openapi"), "3.1.0");
        for (; (route = hv_http_server_route(s->server, n)); n++) {
                assert_non_null(route->summary);
                assert_non_null(route->tag);
                assert_non_null(route->answers);
                operation = operation_of(paths, route);
                if (!operation)
                        fail_msg("%s %s is not in it", hv_http_method_name(route->method), route->path);
                assert_string_equal(hv_json_str(operation, "summary"), route->summary);
                assert_string_equal(hv_json_str(operation, "x-role"), hv_http_role_name(route->role));
                assert_int_equal(hv_json_size(hv_json_get(operation, "security")),
                                 route->role == HV_HTTP_ROLE_ANYONE ? 0 : 2);
                if (route->body && route->body_max_bytes == 0)
                        fail_msg("%s %s takes no body, and %s is described",
                                 hv_http_method_name(route->method), route->path, route->body);
        }
        assert_int_equal(count_operations(paths), n);
}

/* Every {"$ref": "#/a/b"} means something. */
static void check_references(const struct hv_json *root, const struct hv_json *j, size_t *n) {
        const struct hv_json *child;
        const char *key, *to;

        if (hv_json_type(j) == HV_JSON_ARRAY)
                for (size_t i = 0; i < hv_json_size(j); i++)
                        check_references(root, hv_json_at(j, i), n);
        if (hv_json_type(j) != HV_JSON_OBJECT)
                return;
        for (void *it = NULL; hv_json_next(j, &it, &key, &child);)
                check_references(root, child, n);
        to = hv_json_str(j, "$ref");
        if (!to)
                return;
        child = root;
        for (const char *p = to + 1; child && *p == '/'; p += strcspn(p, "/")) {
                char part[80];

                (void) snprintf(part, sizeof part, "%.*s", (int) strcspn(p + 1, "/"), p + 1);
                child = hv_json_get(child, part);
                p++;
        }
        if (to[0] != '#' || !child)
                fail_msg("%s means nothing", to);
        ++*n;
}

static void references_mean_something(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/openapi.json");
        size_t n = 0;

        (void) state;
        check_references(a.json, a.json, &n);
        assert_true(n > 400);
}

static void parameters_and_answers_are_told_with_their_types(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/openapi.json");
        const struct hv_json *paths = hv_json_get(a.json, "paths"), *path, *get_list;

        (void) state;
        path = hv_json_get(paths, "/api/v1/services");
        get_list = hv_json_get(path, "get");
        assert_string_equal(text_at(get_list, "parameters.0.name"), "limit");
        assert_string_equal(text_at(get_list, "parameters.0.in"), "query");
        assert_int_equal(hv_json_as_int(at(get_list, "parameters.0.schema.maximum"), 0), 10000);
        assert_string_equal(text_at(get_list, "security.0.bearer.0"), "viewer");
        assert_non_null(hv_json_get(hv_json_get(get_list, "responses"), "304"));
        assert_non_null(hv_json_get(hv_json_get(get_list, "responses"), "default"));
        path = hv_json_get(paths, "/api/v1/tasks/{name}/results/{path}");
        assert_string_equal(text_at(path, "parameters.1.name"), "path");
        assert_string_equal(text_at(hv_json_get(path, "get"), "parameters.1.in"), "header");
        path = hv_json_get(paths, "/api/status");
        assert_string_equal(text_at(hv_json_get(path, "get"), "responses.default.$ref"),
                            "#/components/responses/OlderProblem");
}

static void the_documents_have_a_schema(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = get(s, "/api/v1/schema.json");

        (void) state;
        assert_int_equal(a.status, 200);
        assert_string_equal(hv_json_str(a.json, "$schema"), "http://json-schema.org/draft-07/schema#");
        assert_non_null(hv_json_get(hv_json_get(a.json, "definitions"), "Port"));
}

static void it_is_sent_once(void **state) {
        static const char *const paths[] = { "/api/v1/openapi.json", "/api/v1/openapi.yaml",
                                             "/api/v1/schema.json" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer first = get(s, paths[i]), again = {};
                _hv_cleanup_free_ char *headers = NULL;
                char tag[80] = "";

                assert_int_equal(sscanf(strstr(hv_buf_str(&first.text), "ETag: ") ?: "", "ETag: %79s", tag),
                                 1);
                headers = hv_asprintf("If-None-Match: %s\r\n", tag);
                again = ask(s, true, "GET", paths[i], headers, NULL);
                assert_int_equal(again.status, 304);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_copy_in_the_tree_is_what_the_agent_serves),
                cmocka_unit_test(every_route_is_in_it_and_no_other),
                cmocka_unit_test(references_mean_something),
                cmocka_unit_test(parameters_and_answers_are_told_with_their_types),
                cmocka_unit_test(the_documents_have_a_schema),
                cmocka_unit_test(it_is_sent_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lists in pages, and the form in which they come. */
#include "testing.h"

#include <stdio.h>

#include "ask.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "http/route.h"
#include "spec/node.h"
#include "spec/yaml.h"

/* A stage on which every list has something in it. */
static struct stage *full_stage(void) {
        static const char *const tokens[] = { "deploy", "backup", "grafana" };
        struct stage *s = stage_new();

        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(tokens); i++) {
                const struct hv_token wish = { .name = (char *) tokens[i], .role = HV_ROLE_ADMIN };
                _hv_cleanup_(answer_done) struct answer in = {};
                _hv_cleanup_free_ char *body = NULL;
                char text[HV_CREDENTIAL_SIZE];

                assert_int_equal(hv_auth_token_create(s->auth, &wish, text, NULL), 0);
                body = hv_asprintf("{\"token\":\"%s\",\"bearer\":true}", text);
                in = ask(s, true, "POST", "/login", "Content-Type: application/json\r\n", body);
                assert_int_equal(in.status, 200);
                stage_event(s, "Service", "web", "started hive-web");
        }
        return s;
}

static bool is_declared(const struct hv_http_route *route, const char *name) {
        for (const struct hv_http_parameter *p = route->parameters; p && p->name; p++)
                if (hv_streq(p->name, name))
                        return true;
        return false;
}

/* Lists are those routes that take `continue`. */
static const struct hv_http_route *next_list(const struct stage *s, size_t *i) {
        const struct hv_http_route *route;

        while ((route = hv_http_server_route(s->server, (*i)++)))
                if (is_declared(route, "continue"))
                        return route;
        return NULL;
}

static char *path_of(const struct hv_http_route *route) {
        const char *brace = strchr(route->path, '{');

        return brace ? hv_asprintf("%.*s%s%s", (int) (brace - route->path), route->path,
                                   strstr(brace, "/results") ? "sieve-0a1b2c3d" : "web",
                                   strchr(brace, '}') + 1)
                     : hv_strdup(route->path);
}

static const struct hv_json *items_of(const struct answer *a) {
        const struct hv_json *items = hv_json_get(a->json, "items");

        return items ? items : hv_json_get(a->json, "files");
}

static void check_same(const char *path, const struct hv_json *a, const struct hv_json *b) {
        _hv_cleanup_(hv_buf_done) struct hv_buf x = {}, y = {};

        hv_json_dump(a, &x);
        hv_json_dump(b, &y);
        if (!hv_streq(hv_buf_str(&x), hv_buf_str(&y)))
                fail_msg("%s: %s, expected %s", path, hv_buf_str(&y), hv_buf_str(&x));
}

/* Each item alone, by the `continue` of the one before, are the items of the whole list in its order. */
static void walk(struct stage *s, const char *path, const struct answer *whole) {
        size_t n = hv_json_size(items_of(whole));
        _hv_cleanup_free_ char *next = hv_asprintf("%s?limit=1", path);

        for (size_t i = 0; i < n; i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, next);
                const char *token = text_at(a.json, "metadata.continue");

                if (a.status != 200 || hv_json_size(items_of(&a)) != 1)
                        fail_msg("%s: %u %s", next, a.status, web_body(&a.text));
                check_same(next, hv_json_at(items_of(whole), i), hv_json_at(items_of(&a), 0));
                if (at(a.json, "metadata.remaining"))
                        assert_int_equal(hv_json_as_int(at(a.json, "metadata.remaining"), -1), n - i - 1);
                assert_int_equal(token != NULL, i + 1 < n);
                free(next);
                next = hv_asprintf("%s?limit=1&continue=%s", path, token ? token : "");
        }
}

static void every_list_comes_in_pages(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = full_stage();
        const struct hv_http_route *route;
        size_t n_lists = 0, n_long = 0;

        (void) state;
        for (size_t i = 0; (route = next_list(s, &i)); n_lists++) {
                _hv_cleanup_free_ char *path = path_of(route);
                _hv_cleanup_(answer_done) struct answer whole = get(s, path);

                if (whole.status != 200)
                        fail_msg("%s: %u %s", path, whole.status, web_body(&whole.text));
                assert_int_equal(hv_json_type(at(whole.json, "metadata.continue")), HV_JSON_NULL);
                n_long += hv_json_size(items_of(&whole)) > 1;
                walk(s, path, &whole);
        }
        assert_true(n_lists >= 28);
        assert_true(n_long >= 10);
}

static char *token_for(const char *text) {
        char *token = hv_malloc(HV_BASE64_SIZE(strlen(text)));

        hv_base64url_encode(text, strlen(text), token);
        token[strcspn(token, "=")] = '\0';
        return token;
}

static void what_no_page_gave_is_refused(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = full_stage();
        _hv_cleanup_free_ char *other = token_for("NobodysList\nweb"), *no_key = token_for("ServiceList\n"),
                               *bare = token_for("ServiceList");
        const char *const tokens[] = { "web", "17", "%00", "a", "!!!!", other, no_key, bare };
        const struct hv_http_route *route;

        (void) state;
        for (size_t i = 0; (route = next_list(s, &i));)
                for (size_t k = 0; k < HV_ARRAY_SIZE(tokens); k++) {
                        _hv_cleanup_free_ char *path = path_of(route),
                                               *asked = hv_asprintf("%s?continue=%s", path, tokens[k]);
                        _hv_cleanup_(answer_done) struct answer a = get(s, asked);

                        if (a.status != 400)
                                fail_msg("%s: %u", asked, a.status);
                        assert_true(web_has_header(&a.text, "Content-Type: application/problem+json"));
                        if (k != 2) /* the request itself is bad there */
                                assert_string_equal(text_at(a.json, "code"), "BadContinue");
                }
}

/* A number that is none, in the token of a list of which the ledger knows the places by number. */
static void a_number_is_a_number(void **state) {
        static const char *const lists[][2] = { { "TaskList", "/api/v1/tasks" },
                                                { "TrustChangeList", "/api/v1/trust/ledger" } };
        _hv_cleanup_(stage_freep) struct stage *s = full_stage();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(lists); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf("%s\nweb", lists[i][0]), *token = token_for(text),
                                       *path = hv_asprintf("%s?continue=%s", lists[i][1], token);
                _hv_cleanup_(answer_done) struct answer a = get(s, path);

                assert_int_equal(a.status, 400);
        }
}

static void a_place_may_go(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = full_stage();
        _hv_cleanup_(answer_done) struct answer services = get(s, "/api/v1/services?limit=2"),
                                                revisions = get(s, "/api/v1/revisions?limit=1"), gone = {},
                                                rest = {};
        _hv_cleanup_free_ char *path = hv_asprintf("/api/v1/revisions?continue=%s",
                                                   text_at(revisions.json, "metadata.continue")),
                               *behind = hv_asprintf("/api/v1/services?continue=%s",
                                                     text_at(services.json, "metadata.continue"));

        (void) state;
        s->revisions[0].revision = "eeeeeeee";
        stage_changed(s);
        gone = get(s, path);
        assert_int_equal(gone.status, 410);
        assert_string_equal(text_at(gone.json, "code"), "Expired");
        /* Names are in order: what comes behind one is known without it. */
        rest = get(s, behind);
        assert_int_equal(hv_json_size(items_of(&rest)), 2);
}

/* ---- forms ---- */

static struct hv_json *read_yaml(const char *text) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){ 0 });
        _hv_cleanup_(hv_buf_done) struct hv_buf json = {};
        struct hv_json *j = NULL;

        hv_yaml_read(a, d, hv_diags_add_file(d, "answer", text, strlen(text)), text, strlen(text), documents);
        assert_int_equal(documents->n, 1);
        hv_node_write_json(documents->items[0], &json);
        assert_int_equal(hv_json_parse(json.data, json.len, SIZE_MAX, &j, NULL), 0);
        return j;
}

static void what_is_json_is_yaml_where_it_is_asked_for(void **state) {
        static const char *const paths[] = {
                "/api/v1/version",      "/api/v1/node",   "/api/v1/status",   "/api/v1/sources",
                "/api/v1/services",     "/api/v1/tasks",  "/api/v1/exposure", "/api/v1/revisions?limit=1",
                "/api/v1/services/web", "/api/v1/events", "/api/v1/tokens",   "/api/v1/sync"
        };
        _hv_cleanup_(stage_freep) struct stage *s = full_stage();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer json = get(s, paths[i]),
                                                        yaml = ask(s, false, "GET", paths[i],
                                                                   "Accept: application/yaml\r\n", NULL);
                _hv_cleanup_(hv_json_freep) struct hv_json *read = NULL;

                assert_int_equal(yaml.status, 200);
                assert_true(web_has_header(&json.text, "Content-Type: application/json"));
                assert_true(web_has_header(&yaml.text, "Content-Type: application/yaml"));
                assert_true(web_has_header(&json.text, "Vary: Accept"));
                assert_true(web_has_header(&yaml.text, "Vary: Accept"));
                read = read_yaml(web_body(&yaml.text));
                check_same(paths[i], json.json, read);
        }
}

static void tag_of(const struct answer *a, char ret[80]) {
        assert_int_equal(sscanf(strstr(hv_buf_str(&a->text), "ETag: ") ?: "", "ETag: %79s", ret), 1);
}

static void each_form_has_its_tag(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        static const char path[] = "/api/v1/services", yaml[] = "Accept: application/yaml\r\n";
        _hv_cleanup_(answer_done) struct answer as_json = get(s, path),
                                                as_yaml = ask(s, false, "GET", path, yaml, NULL), same = {},
                                                other = {};
        _hv_cleanup_free_ char *known = NULL, *of_json = NULL;
        char tag[80], yaml_tag[80];

        (void) state;
        tag_of(&as_json, tag);
        tag_of(&as_yaml, yaml_tag);
        assert_string_not_equal(tag, yaml_tag);
        known = hv_asprintf("%sIf-None-Match: %s\r\n", yaml, yaml_tag);
        of_json = hv_asprintf("%sIf-None-Match: %s\r\n", yaml, tag);
        same = ask(s, false, "GET", path, known, NULL);
        assert_int_equal(same.status, 304);
        other = ask(s, false, "GET", path, of_json, NULL);
        assert_int_equal(other.status, 200);
}

static void what_fits_nobody_is_406(void **state) {
        static const struct {
                const char *path, *accept, *detail;
        } rows[] = {
                { "/api/v1/status", "text/html",
                  "/api/v1/status is there as application/json, application/yaml; Accept names none of these" },
                { "/api/v1/openapi.json", "application/yaml",
                  "/api/v1/openapi.json is there as application/json; Accept names none of these" },
                { "/api/v1/services/web/logs", "application/yaml",
                  "/api/v1/services/web/logs is there as text/plain; Accept names none of these" },
                { "/api/v1/watch", "application/json",
                  "/api/v1/watch is there as text/event-stream; Accept names none of these" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *header = hv_asprintf("Accept: %s\r\n", rows[i].accept);
                _hv_cleanup_(answer_done) struct answer a = ask(s, false, "GET", rows[i].path, header, NULL);

                assert_int_equal(a.status, 406);
                assert_true(web_has_header(&a.text, "Content-Type: application/problem+json"));
                assert_string_equal(text_at(a.json, "code"), "NotAcceptable");
                assert_string_equal(text_at(a.json, "detail"), rows[i].detail);
        }
        assert_int_equal(s->n_logs_opened, 0);
}

static void problems_stay_json(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a =
                ask(s, false, "GET", "/api/v1/services/nobody", "Accept: application/yaml\r\n", NULL);

        (void) state;
        assert_int_equal(a.status, 404);
        assert_true(web_has_header(&a.text, "Content-Type: application/problem+json"));
        assert_string_equal(text_at(a.json, "code"), "NotFound");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_list_comes_in_pages),
                cmocka_unit_test(what_no_page_gave_is_refused),
                cmocka_unit_test(a_number_is_a_number),
                cmocka_unit_test(a_place_may_go),
                cmocka_unit_test(what_is_json_is_yaml_where_it_is_asked_for),
                cmocka_unit_test(each_form_has_its_tag),
                cmocka_unit_test(what_fits_nobody_is_406),
                cmocka_unit_test(problems_stay_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which form a client takes: http/accept.h. */
#include "testing.h"

#include "base/buf.h"
#include "http/accept.h"
#include "http/route.h"

static void the_closest_range_counts(void **state) {
        static const struct {
                const char *accept, *type;
                unsigned milli;
        } rows[] = {
                { NULL, "application/json", 1000 },
                { "", "application/json", 1000 },
                { "  ", "application/json", 1000 },
                { "*/*", "application/json", 1000 },
                { "application/*", "application/json", 1000 },
                { "Application/JSON", "application/json", 1000 },
                { "application/json", "application/json", 1000 },
                { "application/json; charset=utf-8", "application/json", 1000 },
                { "application/json;q=0.5", "application/json", 500 },
                { "application/json ; q=0.25 , */*", "application/json", 250 },
                { "*/*, application/json;q=0", "application/json", 0 },
                { "*/*;q=0.1,application/*;q=0.2,application/json;q=0.3", "application/json", 300 },
                { "application/json;q=0.3,application/*;q=0.2,*/*;q=0.1", "application/json", 300 },
                { "application/*;q=0.2,*/*;q=0.1", "application/json", 200 },
                { "text/html,*/*;q=0.8", "application/json", 800 },
                { "application/jsonp", "application/json", 0 },
                { "application/jso", "application/json", 0 },
                { "text/*", "application/json", 0 },
                { "*", "application/json", 0 },
                { ",,", "application/json", 0 },
                { "application/json;q=7", "application/json", 1000 },
                { "application/json;q=-1", "application/json", 0 },
                { "application/json;quality=0", "application/json", 1000 },
                { "application/json;v=1;q=0.7", "application/json", 700 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                unsigned milli = hv_http_accept_milli(rows[i].accept, rows[i].type);

                if (milli != rows[i].milli)
                        fail_msg("\"%s\" takes %s: %u", rows[i].accept, rows[i].type, milli);
        }
}

static void a_form_is_chosen_of_what_the_route_gives(void **state) {
        static const struct hv_http_route object = { .method = HV_HTTP_GET,
                                                     .path = "/api/v1/status",
                                                     .answers = "200 Status, 304, 404" },
                                          verbatim = { .method = HV_HTTP_GET,
                                                       .path = "/api/v1/receipt",
                                                       .flags = HV_HTTP_VERBATIM,
                                                       .answers = "200 Receipt" },
                                          events = { .method = HV_HTTP_GET,
                                                     .path = "/api/v1/events",
                                                     .answers = "200 EventList text/event-stream, 400" },
                                          log = { .method = HV_HTTP_GET,
                                                  .path = "/api/v1/logs",
                                                  .answers = "304, 200 text/plain, 400 Problem" },
                                          older = { .method = HV_HTTP_GET,
                                                    .path = "/api/status",
                                                    .answers = "200 OlderStatus" },
                                          change = { .method = HV_HTTP_POST,
                                                     .path = "/api/v1/apply",
                                                     .answers = "200 Change" };
        static const struct {
                const struct hv_http_route *route;
                const char *accept;
                enum hv_http_form form;
        } rows[] = {
                { &object, NULL, HV_HTTP_FORM_AS_IT_IS },
                { &object, "*/*", HV_HTTP_FORM_AS_IT_IS },
                { &object, "application/json, application/yaml", HV_HTTP_FORM_AS_IT_IS },
                { &object, "application/yaml", HV_HTTP_FORM_YAML },
                { &object, "application/json;q=0.9, application/yaml", HV_HTTP_FORM_YAML },
                { &object, "application/yaml, */*;q=0.1", HV_HTTP_FORM_YAML },
                { &object, "text/html", HV_HTTP_FORM_NONE },
                { &object, "text/event-stream", HV_HTTP_FORM_NONE },
                { &object, "application/problem+json", HV_HTTP_FORM_NONE },
                { &verbatim, "application/yaml", HV_HTTP_FORM_NONE },
                { &verbatim, "application/json", HV_HTTP_FORM_AS_IT_IS },
                { &events, "text/event-stream", HV_HTTP_FORM_AS_IT_IS },
                { &events, "application/yaml", HV_HTTP_FORM_YAML },
                { &events, "text/plain", HV_HTTP_FORM_NONE },
                { &log, "text/plain", HV_HTTP_FORM_AS_IT_IS },
                { &log, "application/yaml", HV_HTTP_FORM_NONE },
                { &log, "application/json", HV_HTTP_FORM_NONE },
                { &older, "application/yaml", HV_HTTP_FORM_AS_IT_IS },
                { &change, "application/yaml", HV_HTTP_FORM_AS_IT_IS },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                enum hv_http_form form = hv_http_accept_form(rows[i].accept, rows[i].route);

                if (form != rows[i].form)
                        fail_msg("%s as \"%s\": %d", rows[i].route->path, rows[i].accept, form);
        }
}

static void the_types_of_a_route_are_told(void **state) {
        static const struct hv_http_route route = { .method = HV_HTTP_GET,
                                                    .path = "/api/v1/x",
                                                    .answers = "200 A text/event-stream, 201 B, 304, 404" };
        _hv_cleanup_(hv_buf_done) struct hv_buf types = {};

        (void) state;
        hv_http_route_types(&route, &types);
        assert_string_equal(hv_buf_str(&types), "application/json, application/yaml, text/event-stream");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_closest_range_counts),
                cmocka_unit_test(a_form_is_chosen_of_what_the_route_gives),
                cmocka_unit_test(the_types_of_a_route_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

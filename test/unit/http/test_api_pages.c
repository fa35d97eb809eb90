/* http.ui: pages for people can be switched off, and have colours, while the agent runs. */
#include "testing.h"

#include <stdio.h>

#include "ask.h"
#include "base/alloc.h"
#include "web/assets.h"

static void without_pages_the_api_stays(void **state) {
        static const char *const pages[] = { "/",        "/dashboard", "/dashboard/web", "/tasks",
                                             "/tasks/x", "/monitor",   "/settings",      "/login" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (unsigned round = 0; round < 3; round++) {
                bool shown = round != 1;

                hv_api_show_pages(s->api, shown, NULL);
                for (size_t i = 0; i < HV_ARRAY_SIZE(pages); i++) {
                        _hv_cleanup_(answer_done) struct answer a =
                                ask(s, true, "GET", pages[i], "Accept: text/html\r\n", NULL);

                        if (a.status != (shown ? 200 : 404))
                                fail_msg("round %u, %s: %u", round, pages[i], a.status);
                        if (!shown)
                                assert_non_null(strstr(text_at(a.json, "detail"), "http.ui.enabled"));
                }
                for (size_t i = 0; i < hv_web_n_assets; i++) {
                        _hv_cleanup_free_ char *path = hv_asprintf("/assets/%s", hv_web_assets[i].path);
                        _hv_cleanup_(answer_done) struct answer a = {};

                        if (!*hv_web_assets[i].path)
                                continue;
                        a = ask(s, true, "GET", path, NULL, NULL);
                        assert_int_equal(a.status, shown ? 200 : 404);
                }
                _hv_cleanup_(answer_done) struct answer api = ask(s, true, "GET", "/api/v1/status", NULL,
                                                                  NULL),
                                                        health = ask(s, true, "GET", "/health", NULL, NULL);

                assert_int_equal(api.status, 200);
                assert_int_equal(health.status, 200);
        }
}

static void a_page_wears_the_colours_of_the_node(void **state) {
        static const struct {
                const char *theme, *shown;
        } rows[] = { { NULL, "<html lang=\"en\">" },
                     { "dark", "<html lang=\"en\" data-theme=\"dark\">" },
                     { "light", "<html lang=\"en\" data-theme=\"light\">" } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char before[80] = "none";

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a = {}, other = {}, same = {};
                _hv_cleanup_free_ char *old = hv_asprintf("If-None-Match: %s\r\n", before), *known = NULL;
                char tag[80] = "";

                hv_api_show_pages(s->api, true, rows[i].theme);
                a = ask(s, true, "GET", "/", NULL, NULL);
                assert_int_equal(a.status, 200);
                assert_non_null(strstr(web_body(&a.text), rows[i].shown));
                assert_true(web_has_header(&a.text, "Content-Type: text/html; charset=utf-8"));
                assert_int_equal(sscanf(strstr(hv_buf_str(&a.text), "ETag: "), "ETag: %79s", tag), 1);
                other = ask(s, true, "GET", "/", old, NULL);
                assert_int_equal(other.status, 200);
                known = hv_asprintf("If-None-Match: %s\r\n", tag);
                same = ask(s, true, "GET", "/", known, NULL);
                assert_int_equal(same.status, 304);
                memcpy(before, tag, sizeof before);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_pages_the_api_stays),
                cmocka_unit_test(a_page_wears_the_colours_of_the_node),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

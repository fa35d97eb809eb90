/* The table of files of the web interface, with it or without it, and who gets gzip. */
#include "testing.h"

#include <string.h>

#include "base/macros.h"
#include "http/api_web.h"
#include "web/assets.h"

static void there_is_a_page_and_every_file_is_found(void **state) {
        const struct hv_web_asset *page = hv_web_find("");

        (void) state;
        assert_non_null(page);
        assert_string_equal(page->content_type, "text/html; charset=utf-8");
        for (size_t i = 0; i < hv_web_n_assets; i++) {
                const struct hv_web_asset *a = &hv_web_assets[i];

                assert_ptr_equal(hv_web_find(a->path), a);
                assert_true(a->plain.len_bytes > 0);
                assert_true(strlen(a->plain.tag) > 0);
                if (!a->gzip.bytes)
                        continue;
                assert_memory_equal(a->gzip.bytes, "\x1f\x8b", 2);
                assert_true(a->gzip.len_bytes < a->plain.len_bytes);
                assert_string_not_equal(a->gzip.tag, a->plain.tag);
        }
        assert_null(hv_web_find("app.js"));
        assert_null(hv_web_find("../assets.c"));
}

/* What the page asks for must be in the table, and it asks nobody else. */
static void the_page_names_only_files_that_are_there(void **state) {
        const struct hv_web_asset *page = hv_web_find("");
        _hv_cleanup_free_ char *text = strndup(page->plain.bytes, page->plain.len_bytes);

        (void) state;
        assert_null(strstr(text, "<script>"));
        assert_null(strstr(text, "src=\"http"));
        for (const char *p = text; (p = strstr(p, "\"/assets/"));) {
                char name[80];
                size_t len;

                p += strlen("\"/assets/");
                len = strcspn(p, "\"");
                assert_true(len < sizeof name);
                memcpy(name, p, len);
                name[len] = '\0';
                assert_non_null(hv_web_find(name));
        }
}

/* Built without Node.js (HV_WEB=OFF, as the sanitizers' build is) there is one page, and it says so. */
static void what_is_missing_is_said(void **state) {
        const struct hv_web_asset *page = hv_web_find("");
        bool is_whole = hv_web_n_assets > 1;

        (void) state;
        assert_int_equal(!!memmem(page->plain.bytes, page->plain.len_bytes, "/assets/", 8), is_whole);
        assert_int_equal(!!memmem(page->plain.bytes, page->plain.len_bytes, "HV_WEB=OFF", 10), !is_whole);
        assert_int_equal(!!memmem(page->plain.bytes, page->plain.len_bytes, "/api/v1/status", 14), !is_whole);
}

static void gzip_goes_to_who_takes_it(void **state) {
        static const struct {
                const char *what, *accept;
                bool takes;
        } rows[] = {
                { "no header", NULL, false },
                { "empty", "", false },
                { "gzip", "gzip", true },
                { "among others", "br, deflate, gzip", true },
                { "in capitals", "GZIP", true },
                { "anything", "*", true },
                { "others only", "br, zstd", false },
                { "with a weight", "br;q=1.0, gzip;q=0.5", true },
                { "refused", "gzip;q=0", false },
                { "refused in full", "br, gzip ; q=0.000", false },
                { "the weight of the next one", "gzip, br;q=0", true },
                { "a longer name", "gzipped", false },
                { "spaces and empty members", " , ,\tgzip ,", true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_http_accepts_gzip(rows[i].accept) != rows[i].takes)
                        fail_msg("%s", rows[i].what);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(there_is_a_page_and_every_file_is_found),
                cmocka_unit_test(the_page_names_only_files_that_are_there),
                cmocka_unit_test(what_is_missing_is_said),
                cmocka_unit_test(gzip_goes_to_who_takes_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

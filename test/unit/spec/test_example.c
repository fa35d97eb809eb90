/* spec: the shipped files load, and no cut of them does any harm. */
#include "testing.h"

#include "set.h"

static char *read_file(const char *path) {
        FILE *f = fopen(path, "re");
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        char chunk[4096];
        size_t n;

        if (!f)
                fail_msg("%s cannot be opened", path);
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                hv_buf_add(&b, chunk, n);
        (void) fclose(f);
        return hv_buf_steal(&b);
}

static void the_example_has_no_error(void **state) {
        _hv_cleanup_free_ char *text = read_file(HV_SOURCE_DIR "/config/example.yaml");
        struct set s = {};
        const struct hv_diag *all;
        size_t n;

        (void) state;
        if (set_load_text(&s, text) < 0)
                fail_msg("%s", s.said.data);
        all = hv_diags_all(s.diags, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(all[i].code, "W040") != 0)
                        fail_msg("%s", s.said.data);
        assert_int_equal(s.desired->n_units, 3);
        assert_string_equal(s.desired->settings.node_id, "worker-berlin-07");
        assert_string_equal(hv_desired_unit(s.desired, "service/web/2")->ports[0].address, "10.0.0.17");
        assert_int_equal(hv_desired_unit(s.desired, "service/web/2")->ports[0].host, 8081);
        set_done(&s);
}

/* Written by somebody who was stopped in the middle: whatever comes of it, it is judged, and nothing breaks.
 * What is still accepted names only objects of the whole file. */
static void every_cut_is_survived(const char *path) {
        _hv_cleanup_free_ char *text = read_file(path);
        size_t len = strlen(text), accepted = 0;
        struct set whole = {};

        if (set_load_text(&whole, text) < 0)
                fail_msg("%s", whole.said.data);
        for (size_t cut = 0; cut < len; cut++) {
                _hv_cleanup_free_ char *part =
                        hv_strndup(text, cut); /* of its own, so that reading behind it is seen */
                struct set s = {};

                if (set_load_text(&s, part) == 0) {
                        accepted++;
                        for (size_t i = 0; i < s.desired->n_units; i++)
                                if (!hv_desired_unit(whole.desired, s.desired->units[i].key))
                                        fail_msg("%s cut at %zu: %s came from nowhere", path, cut,
                                                 s.desired->units[i].key);
                } else
                        assert_true(hv_diags_errors(s.diags) > 0);
                set_done(&s);
        }
        print_message("%s: %zu cuts, %zu accepted\n", path, len, accepted);
        set_done(&whole);
}

static void cuts_of_the_quickstart(void **state) {
        (void) state;
        every_cut_is_survived(HV_SOURCE_DIR "/config/quickstart.yaml");
}

static void cuts_of_the_example(void **state) {
        (void) state;
        every_cut_is_survived(HV_SOURCE_DIR "/config/example.yaml");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_example_has_no_error),
                cmocka_unit_test(cuts_of_the_quickstart),
                cmocka_unit_test(cuts_of_the_example),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

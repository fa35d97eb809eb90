/* A document of a service with a few values changed. */
#include "testing.h"

#include <errno.h>

#include "base/alloc.h"
#include "source/edit.h"

#define HEAD "apiVersion: hivelet/v1\nkind: Service\nmetadata:\n  name: web\nspec:\n"

static void the_values_are_changed_and_the_rest_stays(void **state) {
        static const struct hv_pair one[] = { { "A", "b: 1" } }, both[] = { { "A", "1" }, { "B", "" } };
        static const struct {
                const char *what, *spec, *image;
                struct hv_pairs env;
                const char *after;
        } rows[] = {
                { "another image",
                  "  image: nginx:1 # old\n  replicas: 2\n",
                  "nginx:2",
                  {},
                  "  image: nginx:2\n  replicas: 2\n" },
                { "a first variable",
                  "  image: a\n",
                  NULL,
                  { one, 1 },
                  "  image: a\n  env:\n    - name: A\n      value: \"b: 1\"\n" },
                { "one changes, one comes, one stays",
                  "  image: a\n  env: [{name: B, value: x}, {name: C, value: \"${HOME}\"}]\n",
                  NULL,
                  { both, 2 },
                  "  image: a\n  env:\n    - name: B\n      value: \"\"\n    - name: C\n      value: \"${HOME}\"\n"
                  "    - name: A\n      value: \"1\"\n" },
                { "nothing there to hold them",
                  "  image: a\n  env:\n",
                  NULL,
                  { one, 1 },
                  "  image: a\n  env:\n    - name: A\n      value: \"b: 1\"\n" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf(HEAD "%s", rows[i].spec),
                                       *after = hv_asprintf(HEAD "%s", rows[i].after);
                const struct hv_service_edit edit = { rows[i].image, rows[i].env };
                _hv_cleanup_(hv_buf_done) struct hv_buf made = {};
                struct hv_err err = {};

                if (hv_source_edit_service(text, strlen(text), &edit, &made, &err) < 0)
                        fail_msg("%s: %s", rows[i].what, err.msg);
                if (!hv_streq(hv_buf_str(&made), after))
                        fail_msg("%s:\n%s", rows[i].what, hv_buf_str(&made));
        }
}

static void what_cannot_be_changed_is_said(void **state) {
        static const char *const texts[] = { "", "a: [", HEAD "  image: a\n  env: {A: b}\n",
                                             "kind: Service\n" };
        static const struct hv_pair env[] = { { "A", "b" } };
        const struct hv_service_edit edit = { NULL, { env, 1 } };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf made = {};
                struct hv_err err = {};

                assert_int_equal(hv_source_edit_service(texts[i], strlen(texts[i]), &edit, &made, &err),
                                 -EINVAL);
                assert_int_equal(made.len, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_values_are_changed_and_the_rest_stays),
                cmocka_unit_test(what_cannot_be_changed_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

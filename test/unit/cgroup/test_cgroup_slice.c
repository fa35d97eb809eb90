/* Names of slices, and where they stand: what systemd-escape(1) and `systemctl show -p ControlGroup` say. */
#include "testing.h"

#include "base/alloc.h"
#include "cgroup/place.h"
#include "cgroup/slice.h"

static void a_text_is_escaped_as_systemd_does(void **state) {
        static const struct {
                const char *text, *want;
        } rows[] = {
                { "prime", "prime" },         { "prime-1", "prime\\x2d1" }, { "a_b:c.d", "a_b:c.d" },
                { ".hidden", "\\x2ehidden" }, { "a/b c", "a\\x2fb\\x20c" }, /* systemd-escape would make a slash a dash, which is a step here */
                { "a\\b", "a\\x5cb" },        { "\xc3\xa4", "\\xc3\\xa4" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *got = hv_slice_escape(rows[i].text);

                assert_string_equal(got, rows[i].want);
        }
}

static void a_name_says_where_the_slice_stands(void **state) {
        static const struct {
                const char *slice, *want;
        } rows[] = {
                { "hivelet.slice", "/hivelet.slice" },
                { "a-b.slice", "/a.slice/a-b.slice" },
                { "a-b-c\\x2dd.1.slice", "/a.slice/a-b.slice/a-b-c\\x2dd.1.slice" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *got = hv_slice_path(rows[i].slice);

                assert_string_equal(got, rows[i].want);
        }
}

static void an_attempt_has_a_place_of_its_own(void **state) {
        _hv_cleanup_free_ char *first = hv_cgroup_attempt_slice("hivelet.slice", "node-1", "prime-1", 1);
        _hv_cleanup_free_ char *second = hv_cgroup_attempt_slice("hivelet.slice", "node-1", "prime-1", 2);
        _hv_cleanup_free_ char *tasks = hv_cgroup_tasks_slice("hivelet.slice", "node-1");
        _hv_cleanup_free_ char *path = hv_slice_path(first);

        (void) state;
        assert_string_equal(tasks, "hivelet-tasks-node\\x2d1.slice");
        assert_string_equal(first, "hivelet-tasks-node\\x2d1-prime\\x2d1.1.slice");
        assert_string_equal(second, "hivelet-tasks-node\\x2d1-prime\\x2d1.2.slice");
        assert_string_equal(path, "/hivelet.slice/hivelet-tasks.slice/hivelet-tasks-node\\x2d1.slice/"
                                  "hivelet-tasks-node\\x2d1-prime\\x2d1.1.slice");
}

/* The worst that ids may be: 63 letters of a node, 64 of a task, all of them escaped. */
static void a_name_is_never_too_long(void **state) {
        char node[64] = "", task[65] = "";
        _hv_cleanup_free_ char *a = NULL, *b = NULL, *again = NULL;

        (void) state;
        memset(node, '-', sizeof node - 1);
        memset(task, '-', sizeof task - 1);
        a = hv_cgroup_attempt_slice("hivelet.slice", node, task, 1);
        again = hv_cgroup_attempt_slice("hivelet.slice", node, task, 1);
        task[0] = 'x';
        b = hv_cgroup_attempt_slice("hivelet.slice", node, task, 1);
        assert_true(strlen(a) <= HV_SLICE_NAME_MAX);
        assert_string_equal(a, again);
        assert_string_not_equal(a, b);
}

static void a_parent_is_told_as_the_engine_was(void **state) {
        static const struct {
                const char *parent, *want;
        } rows[] = {
                { "/hivelet.slice", "/hivelet.slice" },
                { "/a/b", "/a/b" },
                { "a-b.slice", "/a.slice/a-b.slice" },
                { NULL, NULL },
                { "", NULL },
                { "/", NULL },
                { "hivelet", NULL },
                { "/a/../b", NULL },
                { "/..", NULL },
                { "/a//b", NULL },
                { "/a/", NULL },
                { "a/b.slice", NULL },
                { "-.slice", NULL },
                { ".slice", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *got = hv_cgroup_path_of_parent(rows[i].parent);

                if (rows[i].want)
                        assert_string_equal(got, rows[i].want);
                else if (got)
                        fail_msg("%s: taken as %s", rows[i].parent, got);
        }
}

static void a_slice_is_known_by_its_last_name(void **state) {
        (void) state;
        assert_true(hv_cgroup_is_slice("/a.slice/a-b.slice", "a-b.slice"));
        assert_true(hv_cgroup_is_slice("/a.slice/a-b", "a-b.slice")); /* as podman has it */
        assert_false(hv_cgroup_is_slice("/a.slice", "a-b.slice"));
        assert_false(hv_cgroup_is_slice("/a-b.slice/c", "a-b.slice"));
        assert_false(hv_cgroup_is_slice("/xa-b.slice", "a-b.slice"));
        assert_false(hv_cgroup_is_slice(NULL, "a-b.slice"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_is_escaped_as_systemd_does),
                cmocka_unit_test(a_name_says_where_the_slice_stands),
                cmocka_unit_test(an_attempt_has_a_place_of_its_own),
                cmocka_unit_test(a_name_is_never_too_long),
                cmocka_unit_test(a_parent_is_told_as_the_engine_was),
                cmocka_unit_test(a_slice_is_known_by_its_last_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec: ${VAR} in values. */
#include "testing.h"

#include "base/arena.h"
#include "set.h"

static const char *const variables[] = { "A",     "apple", "EMPTY", "",     "YAML", "x: [1",
                                         "LATIN", "\xe4",  "SELF",  "${A}", NULL };

static const char *expanded(struct hv_arena *a, struct hv_diags *d, const char *text) {
        struct hv_node *n = hv_node_new_text(a, text, NULL);

        hv_spec_interpolate(a, d, n, set_env, (void *) variables);
        return n->text;
}

static void forms(void **state) {
        static const struct {
                const char *text, *value;
        } rows[] = {
                { "${A}", "apple" },
                { "x${A}y${A}z", "xappleyapplez" },
                { "$$", "$" },
                { "$${A}", "${A}" },
                { "$HOME", "$HOME" },
                { "$(A)", "$(A)" },
                { "cost: $5", "cost: $5" },
                { "$", "$" },
                { "${NONE:-d}", "d" },
                { "${EMPTY:-d}", "d" },
                { "${A:-d}", "apple" },
                { "${NONE:-}", "" },
                { "${NONE:-${A}}", "apple" },
                { "${NONE:-a}b}", "ab}" },
                { "${A:?must be set}", "apple" },
                { "${YAML}", "x: [1" },
                { "${SELF}", "${A}" }, /* what a variable holds is never looked at again */
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();

                assert_string_equal(expanded(a, d, rows[i].text), rows[i].value);
                assert_int_equal(hv_diags_errors(d), 0);
        }
}

static void mistakes(void **state) {
        static const struct {
                const char *what, *text, *said;
        } rows[] = {
                { "unset", "${NONE}", "E0370: variable NONE is not set and has no default" },
                { "empty is unset", "${EMPTY}", "E0370: variable EMPTY is not set and has no default" },
                { "own message", "${NONE:?give me one}", "E0370: variable NONE is not set: give me one" },
                { "not UTF-8", "${LATIN}", "E0002: the value of variable LATIN is not UTF-8" },
                { "not closed", "a${A", "E0371: \"${A\" is not closed" },
                { "default not closed", "${A:-${A}", "E0371: \"${A:-${A}\" is not closed" },
                { "no name", "${}", "E0371: \"${}\" names no variable" },
                { "bad name", "${1X}", "E0371: \"${1X}\" names no variable" },
                { "other operator", "${A+x}",
                  "E0371: expected \"}\", \":-default\" or \":?message\" after ${A, found \"+x\"" },
                { "nested too deeply", "${N:-${N:-${N:-${N:-${N:-${N:-${N:-${N:-${N:-${N:-x}}}}}}}}}}",
                  "E0371: \"${N:-${N:-x}}\" is nested too deeply" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
                _hv_cleanup_free_ char *said = NULL;
                const struct hv_diag *all;
                size_t n;

                (void) expanded(a, d, rows[i].text);
                all = hv_diags_all(d, &n);
                if (n != 1)
                        fail_msg("%s: %zu findings", rows[i].what, n);
                said = hv_asprintf("%s: %s", all[0].code, all[0].message);
                assert_string_equal(said, rows[i].said);
        }
}

static void a_variable_cannot_become_yaml_and_is_named_in_messages(void **state) {
        static const char *const env[] = { "N", "{workers: 9}", "W", "many", NULL };
        struct set s = { .env = env };

        (void) state;
        assert_int_equal(
                set_load_text(
                        &s, SET_HEAD
                        "  node:\n    location: ${N}\n    reconcile: {workers: \"${W}\"}\n    ${N}: x\n"),
                -EINVAL);
        assert_true(set_says(
                &s,
                "f:7:26: error[E0202]: spec.node.reconcile.workers: expected a whole number, found \"many\" "
                "(from $W)"));
        assert_true(set_says(&s, "f:8:5: error[E0201]: spec.node.${N}: unknown field \"${N}\""));
        assert_int_equal(hv_diags_errors(s.diags), 2);
        set_done(&s);
}

/* A small file with a big variable, many times. */
static void growth_is_bounded(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf value = {}, text = {};
        const char *env[] = { "V", NULL, NULL };
        struct set s = { .env = env };

        (void) state;
        for (int i = 0; i < 100000; i++)
                hv_buf_putc(&value, 'x');
        env[1] = value.data;
        hv_buf_puts(&text, SET_HEAD "  node: {location: \"");
        for (int i = 0; i < 1000; i++)
                hv_buf_puts(&text, "${V}");
        hv_buf_puts(&text, "\"}\n");
        assert_int_equal(set_load_text(&s, text.data), -EINVAL);
        assert_true(set_says(
                &s,
                "f:5:20: error[E0003]: spec.node.location: too large: variables expand to more than 4 MiB"));
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(forms),
                cmocka_unit_test(mistakes),
                cmocka_unit_test(a_variable_cannot_become_yaml_and_is_named_in_messages),
                cmocka_unit_test(growth_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

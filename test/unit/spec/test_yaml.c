/* spec: what is wrong with the text of a file, and where. */
#include "testing.h"

#include "base/arena.h"
#include "set.h"
#include "spec/yaml.h"

#define DOC "apiVersion: hivelet/v1\nkind: NodeState\nspec:\n"

static void mistakes_have_code_place_and_cure(void **state) {
        static const struct {
                const char *what, *text, *said;
        } rows[] = {
                { "tab", DOC "\tnode: {}\n",
                  "f:4:1: error[E0004]: tab character in indentation; use spaces" },
                { "tab after spaces", DOC "  node:\n    id: a\n  \tlocation: b\n",
                  "f:6:3: error[E0004]: tab character" },
                { "list not closed", DOC "  x: [a, b\n  y: {}\n",
                  "f:5:4: error[E0005]: expected ',' or ']' in the list that starts at 4:6" },
                { "mapping not closed", DOC "  x: {a: b\n",
                  "f:5:1: error[E0005]: expected ',' or '}' in the mapping that starts at 4:6" },
                { "key out of line", DOC "  node:\n    id: a\n   x: b\n",
                  "f:6:4: error[E0005]: expected a key of the mapping that starts at 4:3" },
                { "item out of line", DOC "  services:\n    - name: a\n     image: b\n",
                  "f:6:6: error[E0005]: expected '-' of the list that starts at 5:5" },
                { "quote not closed", DOC "  x: \"abc\n",
                  "f:4:6: error[E0005]: the quoted text that starts here is not closed" },
                { "second colon", DOC "  x: a: b\n", "f:4:7: error[E0005]: a ':' is not allowed here" },
                { "reserved character", DOC "  x: @a\n",
                  "f:4:6: error[E0005]: this character cannot start a value" },
                { "list as key", DOC "  x: {? [a] : b}\n", "f:4:9: error[E0005]: a list cannot be a key" },
                { "key twice", DOC "  node: {}\n  node: {}\n",
                  "f:5:3: error[E0006]: key \"node\" repeated; first at 4:3" },
                { "unknown anchor", DOC "  node: *web-env\n",
                  "f:4:9: error[E0007]: unknown anchor \"web-env\"" },
                { "recursive alias", DOC "  node: &a {id: *a}\n",
                  "f:4:17: error[E0007]: alias \"a\" stands inside its own anchor" },
                { "tag that runs code", DOC "  node: !!python/object:os.system {}\n",
                  "f:4:9: error[E0008]: tags are not supported, found \"python/object:os.system\"" },
                { "local tag", DOC "  node: {id: !vault x}\n",
                  "f:4:14: error[E0008]: tags are not supported, found \"!vault\"" },
                { "undefined handle", DOC "  node: {id: !a!b x}\n",
                  "f:4:14: error[E0008]: tags are not supported" },
                { "not UTF-8", DOC "  node: \xff\n", "f:4:9: error[E0002]: invalid UTF-8 at byte 53" },
                { "column in characters", "x: \"\xe6\x97\xa5\xe6\x9c\xac\" \xff",
                  "f:1:9: error[E0002]: invalid UTF-8 at byte 12" },
                { "control character", DOC "  node: \x01\n",
                  "f:4:9: error[E0002]: control character 0x01 at byte 53" },
                { "escaped NUL", DOC "  node: {id: \"a\\0b\"}\n",
                  "f:4:14: error[E0002]: NUL character in a value" },
                { "byte order mark inside",
                  "a: b\n\xef\xbb\xbf"
                  "c: d\n",
                  "f:2:1: error[E0002]: byte order mark in the middle" },
                { "nothing", "", "f:1:1: warning[W001]: document is empty, ignored" },
                { "comments only", "# later\n", "f:1:1: warning[W001]: document is empty, ignored" },
                { "empty second document", DOC "  {}\n---\n# nothing\n",
                  "f:5:1: warning[W001]: document is empty, ignored" },
                { "merge of text", DOC "  node: {<<: a}\n",
                  "f:4:14: error[E0005]: << takes a mapping or a list of mappings, found text" },
                { "after the end", DOC "  {}\n...\nfoo\n",
                  "f:6:1: error[E0005]: expected '---' or the end of the file" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};

                (void) set_load_text(&s, rows[i].text);
                if (!set_says(&s, rows[i].said))
                        fail_msg("%s", rows[i].what);
                set_done(&s);
        }
}

/* The first mistake does not hide the rest: documents before it, and the other files, are judged all the
 * same. */
static void other_documents_and_files_are_checked_too(void **state) {
        struct set s = {};

        (void) state;
        set_add(&s, "a.yaml", SET_HEAD "  node: {idd: x}\n---\nkind: [\n");
        set_add(&s, "b.yaml",
                "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: web}\nspec: {imag: x}\n");
        assert_int_equal(set_load(&s), -EINVAL);
        assert_true(set_says(&s, "a.yaml:5:10: error[E0201]: spec.node.idd: unknown field"));
        assert_true(set_says(&s, "a.yaml:8:1: error[E0005]: "));
        assert_true(set_says(
                &s, "b.yaml:4:8: error[E0201]: spec.imag: unknown field \"imag\"; did you mean \"image\"?"));
        set_done(&s);
}

static void limits_hold(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf deep = {}, wide = {}, bomb = {}, chain = {};
        struct set s = {};

        (void) state;
        hv_buf_puts(&deep, DOC "  x: ");
        for (int i = 0; i < 70; i++)
                hv_buf_putc(&deep, '[');
        (void) set_load_text(&s, deep.data);
        assert_true(set_says(&s, "f:4:68: error[E0003]: too deep: more than 64 levels"));
        set_done(&s);

        for (size_t i = 0; i < 1024 * 1024 / 2 + 1; i++)
                hv_buf_puts(&wide, "#\n");
        (void) set_load_text(&s, wide.data);
        assert_true(set_says(&s, "f:1:1: error[E0003]: too large: 1.1 MiB, limit 1 MiB"));
        set_done(&s);

        /* CVE-2019-11253: nine lines that would be 9^9 nodes. */
        hv_buf_puts(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 9; i++) {
                hv_buf_printf(&bomb, "a%d: &a%d [", i, i);
                for (int j = 0; j < 9; j++)
                        hv_buf_printf(&bomb, "%s*a%d", j ? ", " : "", i - 1);
                hv_buf_puts(&bomb, "]\n");
        }
        (void) set_load_text(&s, bomb.data);
        assert_true(set_says(&s, "f:5:"));
        assert_non_null(
                strstr(s.said.data, "error[E0003]: too large: aliases expand to more than 20000 nodes"));
        set_done(&s);

        /* Each alias adds a level: depth grows without any deep text. */
        hv_buf_puts(&chain, "a0: &a0 [x]\n");
        for (int i = 1; i < 100; i++)
                hv_buf_printf(&chain, "a%d: &a%d [*a%d]\n", i, i, i - 1);
        (void) set_load_text(&s, chain.data);
        assert_non_null(strstr(s.said.data, "error[E0003]: too deep: more than 64 levels"));
        set_done(&s);
}

static const struct hv_node *read_one(struct hv_arena *a, struct hv_diags *d, const char *text) {
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){});
        unsigned file = hv_diags_add_file(d, "f", text, strlen(text));

        hv_yaml_read(a, d, file, text, strlen(text), documents);
        assert_int_equal(documents->n, 1);
        return documents->items[0];
}

static void nodes_know_where_they_stand(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        const struct hv_node *root = read_one(a, d,
                                              "\xef\xbb\xbf"
                                              "a: {\xe6\x97\xa5: \"\xe6\x9c\xac\", c:\t'x'}\n"
                                              "l:\n- one\n- {k: v}\n");
        const struct hv_node *n = hv_node_at(root, "a.c");

        (void) state;
        assert_int_equal(n->at.line, 1);
        assert_int_equal(n->at.column, 16); /* characters, the tab being one, the byte order mark none */
        assert_int_equal(n->end_column, 19);
        n = hv_node_at(root, "l[1].k");
        assert_int_equal(n->at.line, 4);
        assert_int_equal(n->at.column, 7);
        assert_string_equal(hv_node_path(n, a), "l[1].k");
        assert_null(hv_node_at(root, "l[2]"));
        assert_ptr_equal(hv_node_nearest(root, "l[1].x.y"), hv_node_at(root, "l[1]"));
        assert_string_equal(hv_node_path(hv_node_key(hv_node_at(root, "l[1]"), "k"), a), "l[1].k");
}

static void merges_and_aliases_keep_both_places(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        const struct hv_node *root = read_one(a, d,
                                              "base: &b {x: 1, y: 2}\n"
                                              "more: &m {y: 3, z: 4}\n"
                                              "one: {<<: *b, x: 9}\n"
                                              "two: {<<: [*b, *m]}\n"
                                              "'<<': {quoted: is a key}\n");
        const struct hv_node *y = hv_node_at(root, "one.y");

        (void) state;
        assert_int_equal(hv_diags_errors(d), 0);
        assert_int_equal(hv_node_get(root, "one")->n, 2); /* a key is there once, whoever brought it */
        assert_int_equal(hv_node_get(root, "two")->n, 3);
        assert_string_equal(hv_node_at(root, "one.x")->text, "9");
        assert_string_equal(y->text, "2");
        assert_int_equal(y->at.line, 3); /* where it is used */
        assert_int_equal(y->at.column, 11);
        assert_int_equal(y->anchor.line, 1); /* where it is written */
        assert_int_equal(y->anchor.column, 20);
        assert_string_equal(hv_node_path(y, a), "one.y");
        assert_string_equal(hv_node_at(root, "two.y")->text, "2");
        assert_string_equal(hv_node_at(root, "two.z")->text, "4");
        assert_non_null(hv_node_get(root, "<<"));
}

static void the_first_of_two_keys_stays(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        const struct hv_node *root = read_one(a, d, "{k: 1, k: 2}\n");
        _hv_cleanup_(hv_buf_done) struct hv_buf many = {};

        (void) state;
        assert_int_equal(hv_diags_errors(d), 1);
        assert_int_equal(root->n, 1);
        assert_string_equal(hv_node_get(root, "k")->text, "1");

        for (int i = 0; i < 100; i++) /* more than are looked through one by one */
                hv_buf_printf(&many, "k%d: x\n", i);
        hv_buf_puts(&many, "k7: y\nk99: y\n");
        root = read_one(a, d, many.data);
        assert_int_equal(hv_diags_errors(d), 3);
        assert_int_equal(root->n, 100);
}

static void scalars_stay_text(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        const struct hv_node *root =
                read_one(a, d, "{a: 1.10, b: no, c: 22:22, d: ~, e: '~', f: !!str null, g: 0644}\n");

        (void) state;
        assert_string_equal(hv_node_get(root, "a")->text, "1.10");
        assert_string_equal(hv_node_get(root, "b")->text, "no");
        assert_string_equal(hv_node_get(root, "c")->text, "22:22");
        assert_int_equal(hv_node_get(root, "d")->type, HV_NODE_NULL);
        assert_int_equal(hv_node_get(root, "e")->type, HV_NODE_SCALAR);
        assert_int_equal(hv_node_get(root, "f")->type, HV_NODE_SCALAR);
        assert_string_equal(hv_node_describe(hv_node_get(root, "g")), "a number");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mistakes_have_code_place_and_cure),
                cmocka_unit_test(other_documents_and_files_are_checked_too),
                cmocka_unit_test(limits_hold),
                cmocka_unit_test(nodes_know_where_they_stand),
                cmocka_unit_test(merges_and_aliases_keep_both_places),
                cmocka_unit_test(the_first_of_two_keys_stays),
                cmocka_unit_test(scalars_stay_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

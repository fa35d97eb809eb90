/* Parts of hivectl by themselves: documents, escapes, event streams, findings, options. */
#include "testing.h"

#include <errno.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/document.h"
#include "cli/event_stream.h"
#include "cli/finding.h"
#include "cli/jsonpath.h"
#include "cli/option.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "schema/json_schema.h"
#include "spec/yaml.h"
#include "json/json.h"
#include "json/yaml.h"

/* ---- YAML ---- */

/* Does the tree of the YAML reader mean the same as the JSON? Scalars of the reader are text: quoting tells texts apart. */
static void compare(const struct hv_json *j, const struct hv_node *n, const char *yaml) {
        const struct hv_json *value;
        const char *key;
        void *it = NULL;
        size_t i = 0;

        switch (hv_json_type(j)) {
        case HV_JSON_OBJECT:
                /* An empty one is written as {} or [], which the reader gives as what it is. */
                assert_int_equal(n->type, HV_NODE_MAPPING);
                assert_int_equal(n->n, hv_json_size(j));
                for (; hv_json_next(j, &it, &key, &value); i++) {
                        assert_string_equal(n->pairs[i].key->text, key);
                        compare(value, n->pairs[i].value, yaml);
                }
                break;
        case HV_JSON_ARRAY:
                assert_int_equal(n->type, HV_NODE_SEQUENCE);
                assert_int_equal(n->n, hv_json_size(j));
                for (; i < n->n; i++)
                        compare(hv_json_at(j, i), n->items[i], yaml);
                break;
        case HV_JSON_STR:
                assert_int_equal(n->type, HV_NODE_SCALAR);
                if (!hv_streq(n->text, hv_json_as_str(j)))
                        fail_msg("\"%s\" came back as \"%s\" from:\n%s", hv_json_as_str(j), n->text, yaml);
                break;
        case HV_JSON_NULL:
                assert_int_equal(n->type, HV_NODE_NULL);
                break;
        default:
                assert_int_equal(n->type, HV_NODE_SCALAR);
                assert_false(n->quoted);
                break;
        }
}

static void comes_back(const char *json) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf yaml = {}, pretty = {}, before = {}, after = {};
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){ 0 });
        struct hv_json *again = NULL;
        struct hv_err err = {};
        size_t n;

        if (hv_json_parse(json, strlen(json), SIZE_MAX, &j, &err) < 0)
                fail_msg("%s: %s", json, err.msg);
        hv_json_write_yaml(j, &yaml);
        hv_yaml_read(a, d, hv_diags_add_file(d, "out", yaml.data, yaml.len), yaml.data, yaml.len, documents);
        if (hv_diags_errors(d) > 0 || documents->n != 1)
                fail_msg("%s in:\n%s", hv_diags_errors(d) ? hv_diags_all(d, &n)->message : "not one document",
                         hv_buf_str(&yaml));
        compare(j, documents->items[0], hv_buf_str(&yaml));

        hv_document_json(j, &pretty);
        assert_int_equal(hv_json_parse(pretty.data, pretty.len, SIZE_MAX, &again, &err), 0);
        hv_json_dump(j, &before);
        hv_json_dump(again, &after);
        assert_string_equal(hv_buf_str(&before), hv_buf_str(&after));
        hv_json_free(again);
}

static void yaml_reads_back_as_the_same(void **state) {
        static const char *const rows[] = {
                "{\"a\":1}",
                "[1,-2,3.5,true,false,null]",
                "{\"a\":{},\"b\":[],\"c\":{\"d\":[[1,2],[],[{}]]}}",
                "[{\"a\":1,\"b\":[{\"c\":null}]},{\"d\":\"x\"}]",
                "[\"\",\" \",\"a b\",\" lead\",\"trail \",\"a: b\",\"a:\",\"a #b\",\"#x\",\"- x\",\"-\",\"?\",\"? x\",\":\"]",
                "[\"yes\",\"No\",\"ON\",\"off\",\"true\",\"False\",\"null\",\"~\",\"y\",\"n\",\".nan\",\".inf\",\"=\",\"<<\"]",
                "[\"1\",\"1.5\",\"-1\",\"0x1f\",\"0o7\",\"1e3\",\"22:22\",\"2026-01-31\",\"1_000\",\"+1\",\".5\"]",
                "[\"&a\",\"*a\",\"!x\",\"|\",\">\",\"%x\",\"@x\",\"`x\",\"'x'\",\"\\\"x\\\"\",\"{a}\",\"[a]\",\"a,b\",\"a]\",\"a}\"]",
                "[\"---\",\"...\",\"--- a\",\"a\\n---\\nb\\n\",\"...\\n\"]",
                "[\"one\\ntwo\\n\",\"one\\ntwo\",\"one\\n\\ntwo\\n\",\"one\\n\",\"\\n\",\"\\n\\n\",\" one\\ntwo\\n\",\"one \\ntwo\\n\"]",
                "[\"one\\n  two\\n\\tthree\\n\",\"a\\r\\nb\\n\",\"tab\\t\",\"bell\\u0007\",\"\\u001b[31m\",\"\\u0085\",\"\\u2028x\"]",
                "[\"gr\xc3\xbc\xc3\x9f\",\"\xe6\xbc\xa2\xe5\xad\x97\",\"\xf0\x9f\x98\x80\",\"\xef\xbb\xbf\",\"\xe2\x80\xae\"]",
                "{\"yes\":1,\"1\":2,\"a b\":3,\"a: b\":4,\"\":5,\"- x\":6,\"\\n\":7,\"~\":8,\"key\\nwith lines\\n\":9}",
                "{\"deep\":[{\"text\":\"one\\ntwo\\n\",\"next\":1},[\"one\\ntwo\\n\"]]}",
                "\"text\"",
                "[]",
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                comes_back(rows[i]);
}

/* Every short text over an alphabet of what means something in YAML. */
static void no_text_is_taken_for_something_else(void **state) {
        static const char *const letters[] = { "a", " ", ":", "#", "-", "\\n", "\\\"", "'", "{", "[",
                                               ",", "&", "*", "!", "|", "%",   "1",    "~", "?", "." };
        const size_t n = HV_ARRAY_SIZE(letters);

        (void) state;
        for (size_t i = 0; i < n * n * n; i++) {
                char json[64];

                (void) snprintf(json, sizeof json, "{\"k\":\"%s%s%s\",\"%s%s\":[\"%s%s%s\"]}", letters[i % n],
                                letters[i / n % n], letters[i / n / n], letters[i / n % n], letters[i % n],
                                letters[i / n / n], letters[i % n], letters[i / n % n]);
                comes_back(json);
        }
}

static void yaml_is_as_people_write_it(void **state) {
        static const char json[] =
                "{\"apiVersion\":\"hivelet/v1\",\"on\":\"no\",\"image\":\"docker.io/library/nginx:1.27\","
                "\"ports\":[{\"host\":8080,\"bind\":null},80],\"empty\":[],\"text\":\"one\\ntwo\\n\"}";
        static const char yaml[] = "apiVersion: hivelet/v1\n"
                                   "\"on\": \"no\"\n"
                                   "image: docker.io/library/nginx:1.27\n"
                                   "ports:\n"
                                   "  - host: 8080\n"
                                   "    bind: null\n"
                                   "  - 80\n"
                                   "empty: []\n"
                                   "text: |\n"
                                   "  one\n"
                                   "  two\n";
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};

        (void) state;
        assert_int_equal(hv_json_parse(json, strlen(json), SIZE_MAX, &j, NULL), 0);
        hv_json_write_yaml(j, &buf);
        assert_string_equal(hv_buf_str(&buf), yaml);
}

/* ---- terminal ---- */

static void whatever_could_harm_a_terminal_is_escaped(void **state) {
        static const char *const rows[][2] = {
                { "plain text\n\twith a tab", "plain text\n\twith a tab" },
                { "\033[31mred\033[0m", "\\x1b[31mred\\x1b[0m" },
                { "\033]8;;http://x\033\\link", "\\x1b]8;;http://x\\x1b\\link" },
                { "a\rb\bc\007", "a\\x0db\\x08c\\x07" },
                { "\xc2\x9b"
                  "31m",
                  "\\u{9b}31m" },
                { "abc\xe2\x80\xae"
                  "def",
                  "abc\\u{202e}def" },
                { "zero\xe2\x80\x8bwidth", "zero\\u{200b}width" },
                { "\xff\xfe", "\\xff\\xfe" },
                { "cut \xe2\x82", "cut \\xe2\\x82" },
                { "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2", "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2" },
                { "\x7f", "\\x7f" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf buf = {}, raw = {};

                hv_terminal_puts(&buf, true, rows[i][0]);
                assert_string_equal(hv_buf_str(&buf), rows[i][1]);
                hv_terminal_puts(&raw, false, rows[i][0]);
                assert_string_equal(hv_buf_str(&raw), rows[i][0]);
        }
}

static void a_pipe_gets_one_line_a_row(void **state) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        _hv_cleanup_free_ char *text = NULL, *bare = NULL;

        (void) state;
        hv_table_column(t, "NAME", 0);
        hv_table_column(t, "N", HV_TABLE_RIGHT);
        hv_table_column(t, "TEXT", HV_TABLE_CUT);
        hv_table_row(t);
        hv_table_cell(t, "a");
        hv_table_cellf(t, "%d", 1);
        hv_table_cell(t, "tab\there\nand a line");
        hv_table_row(t);
        hv_table_cell(t, "b"); /* ends early */
        hv_table_row(t);
        hv_table_cell(t, "");
        hv_table_cell(t, NULL);
        hv_table_cell(t, "end");
        text = hv_table_text(t, &(struct hv_table_style){ .headings = true });
        assert_string_equal(text, "NAME\tN\tTEXT\na\t1\ttab here and a line\nb\t-\t-\n-\t-\tend\n");
        bare = hv_table_text(t, &(struct hv_table_style){ .headings = false });
        assert_string_equal(bare, "a\t1\ttab here and a line\nb\t-\t-\n-\t-\tend\n");
}

/* ---- event streams ---- */

static void keep_event(void *userdata, const char *id, const char *event, const char *data) {
        struct hv_buf *all = userdata;

        hv_buf_printf(all, "[%s|%s|%s]", id, event, data);
}

static void events_come_in_any_pieces(void **state) {
        static const char text[] =
                ": heartbeat\n\nid: 1\nevent: status\ndata: {\"a\":\ndata: 1}\n\n"
                "data:no space\r\n\r\nretry: 5\nunknown: x\nnocolon\n\nid: 2\ndata\n\nevent: end\ndata: last\n\n";
        static const char wanted[] = "[1|status|{\"a\":\n1}][1||no space][2||][2|end|last]";

        (void) state;
        for (size_t piece = 1; piece < sizeof text; piece++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf all = {};
                struct hv_event_stream s = { .on_event = keep_event, .userdata = &all };

                for (size_t i = 0; i < sizeof text - 1; i += piece)
                        hv_event_stream_add(&s, text + i, HV_MIN(piece, sizeof text - 1 - i));
                hv_event_stream_done(&s);
                assert_string_equal(hv_buf_str(&all), wanted);
        }
}

/* ---- findings ---- */

static void findings_have_four_forms(void **state) {
        static const char answer[] =
                "{\"errors\":[{\"code\":\"E0201\",\"file\":\"a,b.yaml\",\"line\":3,\"column\":5,\"endColumn\":9,\"path\":\"spec.x\","
                "\"message\":\"50% wrong\",\"hint\":\"write y\",\"source\":\"  x: 1\",\"text\":\"a,b.yaml:3:5: error\\n\"}],"
                "\"warnings\":[{\"code\":\"W001\",\"file\":null,\"line\":0,\"path\":\"\",\"message\":\"empty\",\"text\":\"warning\\n\"}]}";
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL, *sarif = NULL;
        _hv_cleanup_(hv_findings_done) struct hv_findings f = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {}, github = {}, json = {}, buf = {};
        const struct hv_json *run, *result;

        (void) state;
        assert_int_equal(hv_json_parse(answer, strlen(answer), SIZE_MAX, &j, NULL), 0);
        hv_findings_from_json(&f, j);
        assert_int_equal(f.n, 2);
        assert_int_equal(f.n_errors, 1);
        hv_findings_text(&f, &text);
        assert_string_equal(hv_buf_str(&text), "a,b.yaml:3:5: error\nwarning\n");
        hv_findings_github(&f, &github);
        assert_string_equal(
                hv_buf_str(&github),
                "::error title=E0201,file=a%2Cb.yaml,line=3,col=5::spec.x: 50%25 wrong; hint: write y\n"
                "::warning title=W001::empty\n");
        hv_findings_json(&f, &json);
        assert_non_null(strstr(hv_buf_str(&json), "\"valid\":false"));
        hv_findings_sarif(&f, &buf);
        assert_int_equal(hv_json_parse(buf.data, buf.len, SIZE_MAX, &sarif, NULL), 0);
        assert_string_equal(hv_json_str(sarif, "version"), "2.1.0");
        run = hv_json_at(hv_json_get(sarif, "runs"), 0);
        assert_string_equal(hv_json_str(hv_json_get(hv_json_get(run, "tool"), "driver"), "version"),
                            hv_version());
        result = hv_json_at(hv_json_get(run, "results"), 0);
        assert_string_equal(hv_json_str(result, "ruleId"), "E0201");
        assert_string_equal(hv_json_str(result, "level"), "error");
        assert_string_equal(hv_json_str(hv_json_get(result, "message"), "text"),
                            "spec.x: 50% wrong; hint: write y");
        assert_int_equal(hv_json_size(hv_json_get(hv_json_at(hv_json_get(run, "results"), 1), "locations")),
                         0);
}

/* ---- options ---- */

static hv_option_set all_options(const char *verb) {
        return hv_streq(verb, "logs") ? ~HV_OPT_BIT(HV_OPT_FILENAME) : ~HV_OPT_BIT(HV_OPT_FOLLOW);
}

static void a_template_takes_what_it_names(void **state) {
        static const char document[] =
                "{\"items\":[{\"name\":\"web\",\"n\":1,\"l\":{\"a.b/c\":\"x\"}},{\"name\":\"db\",\"ok\":true,\"none\":null}]}";
        static const struct {
                const char *template, *text; /* NULL: it is refused */
        } rows[] = {
                { "{.items[0].name}", "web" },
                { ".items[0].name", "web" },
                { "items[1].name", "db" },
                { "{.items[*].name}", "web db" },
                { "{$.items[-1].name}", "db" },
                { "{.items[7].name}", "" },
                { "{.items[-3].name}", "" },
                { "{.absent.name}", "" },
                { "{.items[0].l['a.b/c']}", "x" },
                { "{.items[0].l.*}", "x" },
                { "{.items[*].n}{.items[*].ok}", "1true" },
                { "{.items[1].none}", "" },
                { "{.items[0].l}", "{\"a.b/c\":\"x\"}" },
                { "n={.items[0].n}!", "n=1!" },
                { "{range .items[*]}{.name}{\"\\t\"}{@.n}{'\\n'}{end}.", "web\t1\ndb\t\n." },
                { "{range .absent[*]}{.name}{end}x", "x" },
                { "{range .items[*]}{range .l.*}{@}{end};{end}", "x;;" },
                { "{.}",
                  "{\"items\":[{\"l\":{\"a.b/c\":\"x\"},\"n\":1,\"name\":\"web\"},{\"name\":\"db\",\"none\":null,\"ok\":true}]}" },
                { "", NULL },
                { "{.items", NULL },
                { "{.items[}", NULL },
                { "{.items[0}", NULL },
                { "{.items['a}", NULL },
                { "{.a..b}", NULL },
                { "{end}", NULL },
                { "{range .items[*]}", NULL },
                { "{\"x}", NULL },
                { "{items}", NULL },
                { "{", NULL },
                { "{.items[99999999999999999999]}", NULL },
        };
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;

        (void) state;
        assert_int_equal(hv_json_parse(document, strlen(document), SIZE_MAX, &j, NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
                struct hv_err err = {};
                int judged = hv_jsonpath(rows[i].template, NULL, NULL, &err), r;

                r = hv_jsonpath(rows[i].template, j, &got, &err);
                if (r != judged || (r < 0) != !rows[i].text ||
                    (r >= 0 && !hv_streq(hv_buf_str(&got), rows[i].text)))
                        fail_msg("%s: %d %d %s %s", rows[i].template, judged, r, hv_buf_str(&got), err.msg);
        }
}

static void options_stand_anywhere(void **state) {
        static const struct {
                const char *words[8];
                size_t n_args;
                const char *last_arg;
                hv_option_set given;
        } rows[] = {
                { { "get", "svc" }, 2, "svc", 0 },
                { { "-o", "json", "get", "svc" }, 2, "svc", HV_OPT_BIT(HV_OPT_OUTPUT) },
                { { "--output=json", "get", "svc" }, 2, "svc", HV_OPT_BIT(HV_OPT_OUTPUT) },
                { { "get", "-qojson", "svc" },
                  2,
                  "svc",
                  HV_OPT_BIT(HV_OPT_OUTPUT) | HV_OPT_BIT(HV_OPT_QUIET) },
                { { "apply", "-f", "x", "-f", "y" }, 1, "apply", HV_OPT_BIT(HV_OPT_FILENAME) },
                { { "logs", "-f", "x" }, 2, "x", HV_OPT_BIT(HV_OPT_FOLLOW) },
                { { "get", "--", "-o", "json" }, 3, "json", 0 },
                { { "apply", "-f", "-" }, 1, "apply", HV_OPT_BIT(HV_OPT_FILENAME) },
                { { "--socket", "/x", "--timeout", "5s", "get", "-" },
                  2,
                  "-",
                  HV_OPT_BIT(HV_OPT_SOCKET) | HV_OPT_BIT(HV_OPT_TIMEOUT) },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char *argv[10] = { (char *) "hivectl" }, *args[10];
                struct hv_cli_options o;
                struct hv_err err = {};
                int argc = 1;

                for (; rows[i].words[argc - 1]; argc++)
                        argv[argc] = (char *) rows[i].words[argc - 1];
                if (hv_options_parse(argc, argv, all_options, args, &o, &err) < 0)
                        fail_msg("row %zu: %s", i, err.msg);
                assert_int_equal(o.n_args, rows[i].n_args);
                assert_string_equal(o.args[o.n_args - 1], rows[i].last_arg);
                assert_null(o.args[o.n_args]);
                assert_true(o.given == rows[i].given);
        }
}

/* No secret is ever an argument: it would be in the process list. */
static void no_option_takes_a_secret(void **state) {
        static const char *const words[] = { "password", "token", "secret", "key" };

        (void) state;
        for (size_t i = 0; i < HV_N_OPTIONS; i++) {
                assert_int_equal(hv_options[i].id, i);
                for (size_t j = 0; j < HV_ARRAY_SIZE(words); j++)
                        assert_null(strstr(hv_options[i].name, words[j]));
        }
}

/* One letter never means two things to one command. */
/* Each heading of the overview stands there once: rows of a group are neighbours. */
static void headings_stand_once(void **state) {
        const struct hv_verb *v, *before;

        (void) state;
        for (size_t i = 1; (v = hv_verb_at(i)); i++) {
                before = hv_verb_at(i - 1);
                for (size_t k = 0; v->group && !hv_streq(v->group, before->group) && k < i; k++)
                        if (hv_streq(hv_verb_at(k)->group, v->group))
                                fail_msg("%s: the heading %s comes a second time", v->name, v->group);
        }
}

static void letters_are_unambiguous(void **state) {
        const struct hv_verb *v;

        (void) state;
        for (size_t i = 0; (v = hv_verb_at(i)); i++) {
                hv_option_set set = hv_verb_options(v);

                for (size_t a = 0; a < HV_N_OPTIONS; a++) {
                        for (size_t b = 0; b < a; b++) {
                                if (hv_options[a].letter && hv_options[a].letter == hv_options[b].letter &&
                                    (set & HV_OPT_BIT(a)) && (set & HV_OPT_BIT(b)))
                                        fail_msg("%s: -%c", v->name, hv_options[a].letter);
                        }
                }
                assert_true(!v->group || (v->summary && v->examples && v->usage));
                assert_true(!v->expands == (v->run != NULL));
                if (!hv_verb_target(v) || !hv_verb_target(v)->run)
                        fail_msg("%s is short for nothing that there is: %s", v->name, v->expands);
                if (v->expands && (v->options || v->formats))
                        fail_msg("%s: its options are those of %s", v->name, v->expands);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(yaml_reads_back_as_the_same),
                cmocka_unit_test(no_text_is_taken_for_something_else),
                cmocka_unit_test(yaml_is_as_people_write_it),
                cmocka_unit_test(whatever_could_harm_a_terminal_is_escaped),
                cmocka_unit_test(a_pipe_gets_one_line_a_row),
                cmocka_unit_test(events_come_in_any_pieces),
                cmocka_unit_test(findings_have_four_forms),
                cmocka_unit_test(a_template_takes_what_it_names),
                cmocka_unit_test(options_stand_anywhere),
                cmocka_unit_test(no_option_takes_a_secret),
                cmocka_unit_test(headings_stand_once),
                cmocka_unit_test(letters_are_unambiguous),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

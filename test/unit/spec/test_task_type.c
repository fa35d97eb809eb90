/* spec: a task and its type become a task: what each shipped type makes, what a type may do, what is refused; packages. */
#include "testing.h"

#include "base/arena.h"
#include "corpus.h"
#include "set.h"
#include "spec/task_load.h"
#include "spec/value_package.h"
#include "spec/yaml.h"

/* Everything about a task that a type decides, a line each. */
static char *told(const struct hv_task *t) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        const struct hv_unit *u = &t->unit;

        hv_buf_printf(&b, "type %s\nimage %s\ncommand", t->type ? t->type : "none", u->image);
        for (size_t i = 0; i < u->command.n; i++)
                hv_buf_printf(&b, " %s", u->command.v[i]);
        hv_buf_printf(&b, "\nnetwork %s\ncpu %llum memory %lluMi\n", u->network_mode ? u->network_mode : "-",
                      (unsigned long long) (t->booking.nano_cpus / 1000000),
                      (unsigned long long) (t->booking.memory_bytes >> 20));
        for (size_t i = 0; i < u->env.n; i++)
                hv_buf_printf(&b, "env %s=%s\n", u->env.v[i].name, u->env.v[i].value);
        for (size_t i = 0; i < t->n_inputs; i++)
                hv_buf_printf(&b, "input %s %s\n", t->inputs[i].path,
                              t->inputs[i].url        ? t->inputs[i].url
                              : t->inputs[i].archive  ? t->inputs[i].archive
                              : t->inputs[i].len > 40 ? "program"
                                                      : t->inputs[i].text);
        for (size_t i = 0; i < t->outputs.n; i++)
                hv_buf_printf(&b, "output %s\n", t->outputs.v[i]);
        hv_buf_printf(&b, "parameters %s\nrequirements %s\n", t->parameters ? t->parameters : "none",
                      t->packages.requirements ? t->packages.requirements : "none");
        return hv_buf_steal(&b);
}

struct golden {
        const char *what, *task, *made;
};

#define AS_USUAL "network none\ncpu 1000m memory 1024Mi\nenv HOME=/workspace\n"
#define LARGE "network none\ncpu 2000m memory 4096Mi\nenv HOME=/workspace\n"
#define WITH_PACKAGES "env PYTHONPATH=/opt/hivelet/packages\n"
#define IMAGE "image docker.io/library/python:3.9-slim\n"

static const struct golden goldens[] = {
        { "python", "{name: t, type: python, parameters: {code: \"print(1)\"}}",
          "type python\n" IMAGE "command python task.py\n" AS_USUAL
          "input task.py print(1)\noutput results\nparameters none\nrequirements none\n" },
        { "python with packages",
          "{name: t, type: python, parameters: {code: x, requirements: [\"Numpy == 1.2\", numpy==1.2, \"a.B_c[z, Y]\"]}}",
          "type python\n" IMAGE "command python task.py\n" AS_USUAL WITH_PACKAGES
          "input task.py x\noutput results\nparameters none\nrequirements a-b-c[y,z]\nnumpy==1.2\n\n" },
        { "python with an empty list of packages",
          "{name: t, type: python, parameters: {code: x, requirements: []}}",
          "type python\n" IMAGE "command python task.py\n" AS_USUAL
          "input task.py x\noutput results\nparameters none\nrequirements none\n" },
        { "tensorflow", "{name: t, type: ml, parameters: {model_type: tensorflow, training_data: \"a,b\"}}",
          "type ml\n" IMAGE "command python task.py\n" LARGE WITH_PACKAGES
          "input table.py program\ninput task.py program\ninput training_data a,b\noutput results\n"
          "parameters {\"model_type\": \"tensorflow\", \"epochs\": 50, \"learning_rate\": 0.01, \"test_share\": 0.25, \"seed\": 0}\n"
          "requirements tensorflow\n\n" },
        { "pytorch",
          "{name: t, type: ml, parameters: {model_type: pytorch, epochs: 3, training_data: {archive: /srv/data/x.zip}}}",
          "type ml\n" IMAGE "command python task.py\n" LARGE WITH_PACKAGES
          "input table.py program\ninput task.py program\ninput training_data /srv/data/x.zip\noutput results\n"
          "parameters {\"model_type\": \"pytorch\", \"epochs\": 3, \"learning_rate\": 0.01, \"test_share\": 0.25, \"seed\": 0}\n"
          "requirements torch\n\n" },
        { "scikit-learn that the image has",
          "{name: t, type: ml, image: \"box.example.org/sk:1\", resources: {limits: {memory: 2Gi}}, parameters: {model_type: "
          "scikit-learn, training_data: {url: \"https://x.example.org/t.csv\"}, requirements: [], target: y}}",
          "type ml\nimage box.example.org/sk:1\ncommand python task.py\n"
          "network none\ncpu 2000m memory 2048Mi\nenv HOME=/workspace\n"
          "input table.py program\ninput task.py program\ninput training_data https://x.example.org/t.csv\noutput results\n"
          "parameters {\"model_type\": \"scikit-learn\", \"target\": \"y\", \"epochs\": 50, \"learning_rate\": 0.01, "
          "\"test_share\": 0.25, \"seed\": 0}\nrequirements none\n" },
        { "csv_analysis",
          "{name: t, type: data_processing, parameters: {processing_type: csv_analysis, input_data: \"a\"}}",
          "type data_processing\n" IMAGE "command python task.py\n" AS_USUAL
          "input work.py program\ninput task.py program\ninput input_data a\noutput results\n"
          "parameters {\"processing_type\": \"csv_analysis\", \"max_size\": 256, \"top\": 20}\nrequirements none\n" },
        { "image_processing",
          "{name: t, type: data_processing, parameters: {processing_type: image_processing, input_data: \"a\", max_size: 9}}",
          "type data_processing\n" IMAGE "command python task.py\n" AS_USUAL WITH_PACKAGES
          "input work.py program\ninput task.py program\ninput input_data a\noutput results\n"
          "parameters {\"processing_type\": \"image_processing\", \"max_size\": 9, \"top\": 20}\nrequirements pillow\n\n" },
        { "text_analysis",
          "{name: t, type: data_processing, inputs: [{path: more.txt, inline: m}], parameters: {processing_type: "
          "text_analysis, input_data: \"a\"}}",
          "type data_processing\n" IMAGE "command python task.py\n" AS_USUAL
          "input work.py program\ninput task.py program\ninput more.txt m\ninput input_data a\noutput results\n"
          "parameters {\"processing_type\": \"text_analysis\", \"max_size\": 256, \"top\": 20}\nrequirements none\n" },
        { "no type: parameters are handed on", "{name: t, parameters: {n: [1, {a: \"$5\"}], on: true}}",
          "type none\n" IMAGE "command\n" AS_USUAL
          "output results\nparameters {\"n\": [1, {\"a\": \"$5\"}], \"on\": true}\nrequirements none\n" },
};

static void load_task(struct set *s, const char *task) {
        _hv_cleanup_free_ char *text = hv_asprintf(
                SET_HEAD "  node: {policy: {hostPaths: [/srv/data]}}\n  tasks:\n    - %s\n", task);

        (void) set_load_text(s, text);
}

static void what_each_type_makes(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(goldens); i++) {
                _hv_cleanup_free_ char *made = NULL;
                struct set s = {};

                load_task(&s, goldens[i].task);
                if (!s.desired)
                        fail_msg("%s: %s", goldens[i].what, hv_buf_str(&s.said));
                made = told(s.desired->tasks[0]);
                if (!hv_streq(made, goldens[i].made))
                        fail_msg("%s:\n%s\nexpected:\n%s", goldens[i].what, made, goldens[i].made);
                set_done(&s);
        }
}

/* The ledger's copy needs no type, and means the same. */
static void what_is_kept_needs_no_type(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(goldens); i++) {
                _hv_cleanup_free_ char *made = NULL;
                _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
                _hv_cleanup_(hv_task_unrefp) struct hv_task *again = NULL;
                struct hv_task_request r = { .read = hv_yaml_read,
                                             .source = HV_TASK_FROM_FILE,
                                             .kept = true };
                const struct hv_task *t;
                struct hv_desired without;
                struct set s = {};

                load_task(&s, goldens[i].task);
                t = s.desired->tasks[0];
                assert_null(strstr(t->document, "\"type\""));
                r.document = t->document;
                r.len = strlen(t->document);
                r.id = t->id;
                without = *s.desired;
                without.types = NULL;
                assert_int_equal(hv_task_load(&r, &without, &again, diags), 0);
                assert_null(again->refused);
                made = told(again);
                assert_string_equal(made, goldens[i].made);
                assert_string_equal(again->digest, t->digest);
                assert_string_equal(again->document, t->document);
                set_done(&s);
        }
}

static void a_submitted_task_and_a_cron_task_have_types_too(void **state) {
        static const char document[] =
                "{apiVersion: hivelet/v1, kind: Task, metadata: {name: x}, spec: {type: python, "
                "parameters: {code: \"print('${HOME}')\"}}}";
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL, *run = NULL;
        struct hv_task_request r = { .document = document,
                                     .len = sizeof document - 1,
                                     .read = hv_yaml_read,
                                     .source = HV_TASK_FROM_API,
                                     .id = "t-1" };
        struct set s = {};

        (void) state;
        if (set_load_text(
                    &s, SET_HEAD
                    "  cronTasks: [{name: c, schedule: \"@daily\", task: {type: python, parameters: {code: "
                    "\"print(2)\"}}}]\n") < 0)
                fail_msg("%s", s.said.data);
        run = hv_cron_run(&s.desired->cron_tasks[0], 0, s.desired);
        assert_string_equal(run->type, "python");
        assert_string_equal(run->inputs[0].text, "print(2)");
        assert_int_equal(hv_task_load(&r, s.desired, &t, diags),
                         -EINVAL); /* no variable is set for a stranger */
        (void) hv_diags_free(diags);
        diags = hv_diags_new();
        r.document =
                "{apiVersion: hivelet/v1, kind: Task, metadata: {name: x}, spec: {type: python, parameters: {code: a}}}";
        r.len = strlen(r.document);
        assert_int_equal(hv_task_load(&r, s.desired, &t, diags), 0);
        assert_string_equal(t->inputs[0].text, "a");
        assert_string_equal(t->type, "python");
        set_done(&s);
}

/* --- types of one's own --- */

#define TYPE_HEAD "apiVersion: hivelet/v1\nkind: TaskType\nmetadata: {name: own}\nspec:\n"

static const struct {
        const char *what, *spec, *task, *says; /* says: NULL where it is made */
} own_types[] = {
        { "a variable, a list, anything",
          "  task: {image: box:1, env: [{name: N, value: type}, {name: K, value: kept}]}\n  parameters:\n"
          "    - {name: n, type: int, env: COUNT}\n    - {name: l, type: list}\n    - {name: a, type: any, file: a.json}\n",
          "{name: t, type: own, env: [{name: N, value: task}], parameters: {n: -3, l: [x, 1.10], a: {k: [1, no]}}}",
          NULL },
        { "a type of a type", "  task: {type: python}\n", "{name: t, type: own}",
          "own.yaml:5:10: error[E0465]: spec.task.type: a type is not made of another type" },
        { "a field that no task has", "  task: {imagee: x}\n", "{name: t, type: own}",
          "own.yaml:5:10: error[E0201]: spec.task.imagee: unknown field \"imagee\"; did you mean \"image\"?" },
        { "fixed: no field", "  fixed: [colour]\n", "{name: t, type: own}",
          "own.yaml:5:10: error[E0465]: spec.fixed: \"colour\" is not a field of a task" },
        { "a file outside", "  parameters: [{name: x, file: ../x}]\n", "{name: t}",
          "own.yaml:5:32: error[E0451]: spec.parameters[0].file: \"../x\" leaves the workspace" },
        { "a variable of a list", "  parameters: [{name: x, type: list, env: X}]\n", "{name: t}",
          "own.yaml:5:43: error[E0465]: spec.parameters[0].env: a variable holds text" },
        { "a variable without a name", "  parameters: [{name: x, env: \"A B\"}]\n", "{name: t}",
          "own.yaml:5:31: error[E0429]: spec.parameters[0].env: " },
        { "file and variable", "  parameters: [{name: x, file: x, env: X}]\n", "{name: t}",
          "own.yaml:5:35: error[E0205]: " },
        { "a file that is nowhere", "  parameters: [{name: x, type: file}]\n", "{name: t}",
          "own.yaml:5:16: error[E0465]: spec.parameters[0]: a parameter of the type file needs `file`" },
        { "packages as a file", "  parameters: [{name: x, type: packages, file: x}]\n", "{name: t}",
          "own.yaml:5:16: error[E0465]: spec.parameters[0]: packages become" },
        { "choices of a number", "  parameters: [{name: x, type: int, choices: [{value: 1}]}]\n", "{name: t}",
          "own.yaml:5:46: error[E0465]: spec.parameters[0].choices: only a text has choices" },
        { "needed, and a default", "  parameters: [{name: x, required: true, default: 1}]\n", "{name: t}",
          "own.yaml:5:42: error[E0465]: spec.parameters[0].default: what is required has no default" },
        { "a parameter with a strange name", "  parameters: [{name: \"x y\"}]\n", "{name: t}",
          "own.yaml:5:23: error[E0465]: spec.parameters[0].name: \"x y\" is not the name of a parameter" },
        { "twice", "  parameters: [{name: x}, {name: x}]\n", "{name: t}", "own.yaml:5:34: error[E0210]: " },
        { "parameters are no mapping", "  task: {}\n", "{name: t, type: own, parameters: [1]}",
          "f:7:40: error[E0202]: spec.tasks[0].parameters: expected a mapping, found a list" },
        { "a mapping for a text", "  parameters: [{name: x}]\n",
          "{name: t, type: own, parameters: {x: {a: 1}}}",
          "f:7:44: error[E0462]: spec.tasks[0].parameters.x: parameter x of the type own: expected text, found a mapping" },
        { "half a number", "  parameters: [{name: x, type: number}]\n",
          "{name: t, type: own, parameters: {x: 1.5e}}",
          "f:7:44: error[E0462]: spec.tasks[0].parameters.x: parameter x of the type own: expected a number, found \"1.5e\"" },
        { "no truth", "  parameters: [{name: x, type: bool}]\n",
          "{name: t, type: own, parameters: {x: maybe}}",
          "f:7:44: error[E0462]: spec.tasks[0].parameters.x: parameter x of the type own: expected true or false" },
        { "an input that is not one", "  parameters: [{name: x, type: file, file: d}]\n",
          "{name: t, type: own, parameters: {x: {ulr: \"https://a.example.org\"}}}",
          "f:7:45: error[E0201]: spec.tasks[0].parameters.x.ulr: unknown field \"ulr\"; did you mean \"url\"?" },
        { "the task's file in the place of the type's", "  task: {inputs: [{path: a, inline: b}]}\n",
          "{name: t, type: own, inputs: [{path: ./a, inline: c}]}", "f:7:44: error[E0454]: " },
        { "what the type brings is judged", "  task: {image: \"UPPER\"}\n", "{name: t, type: own}",
          "f:7:23: error[E0341]: spec.tasks[0].image: " },
        { "another version", NULL, "{name: t}",
          "own.yaml:1:13: error[E0101]: apiVersion: unknown apiVersion \"hivelet/v2\"" },
};

static void load_own(struct set *s, size_t i) {
        _hv_cleanup_free_ char *spec =
                own_types[i].spec
                        ? hv_asprintf(TYPE_HEAD "%s", own_types[i].spec)
                        : hv_strdup(
                                  "apiVersion: hivelet/v2\nkind: TaskType\nmetadata: {name: own}\nspec: {}\n");
        const struct hv_spec_file file = {
                .name = "own.yaml", .text = spec, .len = strlen(spec), .source = "own"
        };

        s->type_files = &file;
        s->n_type_files = 1;
        load_task(s, own_types[i].task);
}

static void types_of_ones_own(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(own_types); i++) {
                struct set s = {};

                load_own(&s, i);
                if (own_types[i].says ? s.desired || !set_says(&s, own_types[i].says) : !s.desired)
                        fail_msg("%s: %s", own_types[i].what, hv_buf_str(&s.said));
                set_done(&s);
        }
}

static void how_a_parameter_reaches_the_program(void **state) {
        _hv_cleanup_free_ char *made = NULL;
        struct set s = {};

        (void) state;
        load_own(&s, 0);
        made = told(s.desired->tasks[0]);
        assert_string_equal(
                made,
                "type own\nimage docker.io/library/box:1\ncommand\nnetwork none\ncpu 1000m memory 1024Mi\n"
                "env COUNT=-3\nenv HOME=/workspace\nenv K=kept\nenv N=task\n"
                "input a.json {\"k\": [1, \"no\"]}\noutput results\n"
                "parameters {\"l\": [\"x\", 1.10]}\nrequirements none\n");
        set_done(&s);
}

static void the_operators_type_wins_and_two_of_one_origin_clash(void **state) {
        static const char first[] = TYPE_HEAD "  task: {image: one:1}\n",
                          second[] = TYPE_HEAD "  task: {image: two:2}\n";
        struct hv_spec_file files[] = {
                { .name = "a.yaml", .text = first, .len = sizeof first - 1, .source = "shipped" },
                { .name = "b.yaml", .text = second, .len = sizeof second - 1, .source = "own" },
        };
        struct set s = { .type_files = files, .n_type_files = 2 },
                   t = { .type_files = files, .n_type_files = 2 };

        (void) state;
        load_task(&s, "{name: t, type: own}");
        assert_string_equal(s.desired->tasks[0]->unit.image, "docker.io/library/two:2");
        set_done(&s);
        files[1].source = "shipped";
        load_task(&t, "{name: t, type: own}");
        assert_null(t.desired);
        assert_true(set_says(
                &t,
                "b.yaml:3:18: error[E0107]: metadata.name: type \"own\" is already defined at a.yaml:1:1"));
        set_done(&t);
}

/* --- packages --- */

static void packages(void **state) {
        static const struct {
                const char *text, *normal; /* NULL: refused */
        } rows[] = {
                { "numpy", "numpy" },
                { " Foo.Bar_-baz ", "foo-bar-baz" },
                { "a", "a" },
                { "requests[socks,Use_Chardet]>=2.28, <3 ,!=2.30.*",
                  "requests[socks,use-chardet]>=2.28,<3,!=2.30.*" },
                { "x[]", "x" },
                { "x [ b , a , b ]", "x[a,b]" },
                { "x===1.0+local.1", "x===1.0+local.1" },
                { "x~=1!2.0", "x~=1!2.0" },
                { "", NULL },
                { "-r", NULL },
                { "-e .", NULL },
                { "--index-url http://x", NULL },
                { "x --hash=sha256:00", NULL },
                { "x @ https://example.org/x.whl", NULL },
                { "https://example.org/x.whl", NULL },
                { "git+https://example.org/x", NULL },
                { "./x", NULL },
                { "/x", NULL },
                { "../x", NULL },
                { "x; python_version < \"3\"", NULL },
                { "x ; extra == \"y\"", NULL },
                { "x==", NULL },
                { "x==1,", NULL },
                { "x=1", NULL },
                { "x 1", NULL },
                { "x>=1 <2", NULL },
                { "x[", NULL },
                { "x[a", NULL },
                { "x[a,]", NULL },
                { "x[-a]", NULL },
                { "x==1\ny", NULL },
                { "x\n-r y", NULL },
                { "x\\", NULL },
                { "x # note", NULL },
                { "${X}", NULL },
                { "x==$X", NULL },
                { "x==1'", NULL },
                { "_x", NULL },
                { "x-", NULL },
                { "\xc3\xa9", NULL },
                { "x==-1", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_fault fault = {};
                const char *found = NULL;
                int r = hv_value_requirement(rows[i].text, a, &found, &fault);

                if (r == 0 ? !hv_streq(found, rows[i].normal) : rows[i].normal != NULL)
                        fail_msg("%s: %s", rows[i].text, found ? found : fault.message);
                if (r < 0)
                        assert_string_equal(fault.code, "E0464");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_each_type_makes),
                cmocka_unit_test(what_is_kept_needs_no_type),
                cmocka_unit_test(a_submitted_task_and_a_cron_task_have_types_too),
                cmocka_unit_test(types_of_ones_own),
                cmocka_unit_test(how_a_parameter_reaches_the_program),
                cmocka_unit_test(the_operators_type_wins_and_two_of_one_origin_clash),
                cmocka_unit_test(packages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

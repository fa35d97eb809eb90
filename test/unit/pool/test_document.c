/* What a pool says of a task, and what becomes of it: words, amounts, documents, and bytes that are no message at all. */
#include "pool/document.h"

#include <errno.h>
#include <math.h>

#include "base/buf.h"
#include "pool/wire.h"
#include "pool/words.h"
#include "spec/task_load.h"
#include "spec/yaml.h"
#include "testing.h"

#define HEX "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define BYTES(text) \
        { .len = sizeof(text) - 1, .data = (uint8_t *) (text) }

/* --- words --- */

static void test_words_are_those_of_a_shell(void **state) {
        static const struct {
                const char *text, *words; /* separated by |; NULL: refused */
        } rows[] = {
                { "python task.py", "python|task.py" },
                { "  a\t b\n", "a|b" },
                { "", "" },
                { "''", "" },
                { "a '' b", "a||b" },
                { "sh -c 'echo \"$HOME\" > x; ls *'", "sh|-c|echo \"$HOME\" > x; ls *" },
                { "echo $HOME > out; rm -rf * && `id`", "echo|$HOME|>|out;|rm|-rf|*|&&|`id`" },
                { "a\\ b c\\\"d", "a b|c\"d" },
                { "\"a\\\"b\\$c\\n\"", "a\"b$c\\n" },
                { "'a'\"b\"c", "abc" },
                { "# no comment", "#|no|comment" },
                { "a\\\nb", "ab" },
                { "\"a\\\nb\"", "ab" },
                { "it's", NULL },
                { "\"open", NULL },
                { "back\\", NULL },
                { "\"back\\", NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                _hv_cleanup_(hv_buf_done) struct hv_buf joined = {};
                const char *const *words;
                struct hv_err err = {};
                size_t n;
                int r = hv_words_split(rows[i].text, a, &words, &n, &err);

                if ((r == 0) != (rows[i].words != NULL))
                        fail_msg("%s: %d %s", rows[i].text, r, err.msg);
                for (size_t j = 0; r == 0 && j < n; j++)
                        hv_buf_printf(&joined, "%s%s", j ? "|" : "", words[j]);
                if (r == 0)
                        assert_string_equal(hv_buf_str(&joined), rows[i].words);
        }
}

/* --- a task --- */

static void blank(V1__Task *t) {
        v1__task__init(t);
        t->id = (char *) "job-1";
}

static const char *document_of(const V1__Task *t, struct hv_arena *a, struct hv_pool_document *d) {
        struct hv_err err = {};

        if (hv_pool_document(t, a, d, &err) < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(d->assignment.len, strlen(d->assignment.document));
        return d->assignment.document;
}

static void test_a_task_that_says_nothing(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        struct hv_pool_document d;
        V1__Task t;

        (void) state;
        blank(&t);
        assert_string_equal(
                document_of(&t, a, &d),
                "{\"apiVersion\":\"hivelet/v1\",\"kind\":\"Task\",\"metadata\":{\"name\":\"job-1\"},"
                "\"spec\":{\"resources\":{\"limits\":{}}}}");
        assert_string_equal(d.assignment.id, "job-1");
        assert_null(d.assignment.required_trust);
        assert_int_equal(d.n_blobs, 0);
}

static void test_a_task_that_says_all(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        V1__Task__EnvironmentEntry e1 = V1__TASK__ENVIRONMENT_ENTRY__INIT, e2 = e1, *env[] = { &e1, &e2 };
        V1__Task__InputFilesEntry f1 = V1__TASK__INPUT_FILES_ENTRY__INIT, f2 = f1, *files[] = { &f1, &f2 };
        V1__InputUrl u = V1__INPUT_URL__INIT, *urls[] = { &u };
        V1__InputFile r = V1__INPUT_FILE__INIT, *refs[] = { &r };
        V1__Resources q = V1__RESOURCES__INIT;
        struct hv_pool_document d;
        V1__Task t;

        (void) state;
        blank(&t);
        t.docker_image = (char *) "docker.io/library/python:3.12-slim";
        t.command = (char *) "python 'my task.py' $${HOME}";
        t.memory_limit = (char *) "1g";
        t.cpu_quota = 150000;
        t.timeout = 90;
        e1.key = (char *) "B", e1.value = (char *) "${NODE_ID}";
        e2.key = (char *) "A", e2.value = (char *) "x\"y";
        t.environment = env, t.n_environment = 2;
        f1.key = (char *) "z.bin", f1.value = (ProtobufCBinaryData) BYTES("a\0b");
        f2.key = (char *) "a.txt", f2.value = (ProtobufCBinaryData) BYTES("text\n");
        t.input_files = files, t.n_input_files = 2;
        u.name = (char *) "u", u.url = (char *) "https://example.org/u", u.sha256 = (char *) HEX;
        t.input_urls = urls, t.n_input_urls = 1;
        r.name = (char *) "big/data.zip", r.size = 77, r.sha256 = (char *) HEX;
        t.input_refs = refs, t.n_input_refs = 1;
        q.cpu = 0.5, q.memory_gb = 0.25, q.disk_gb = 2;
        t.required_resources = &q;
        t.attempt = 3, t.lease_epoch = 9, t.required_trust = (char *) "medium";
        t.priority_is_case = V1__TASK__PRIORITY_IS_PRIORITY, t.priority = 0;
        t.retries_is_case = V1__TASK__RETRIES_IS_RETRIES, t.retries = 2;
        t.network = (char *) "none";
        assert_string_equal(
                document_of(&t, a, &d),
                "{\"apiVersion\":\"hivelet/v1\",\"kind\":\"Task\",\"metadata\":{\"name\":\"job-1\"},\"spec\":{"
                "\"image\":\"docker.io/library/python:3.12-slim\","
                "\"args\":[\"python\",\"my task.py\",\"$$$${HOME}\"],"
                "\"env\":[{\"name\":\"A\",\"value\":\"x\\\"y\"},{\"name\":\"B\",\"value\":\"$${NODE_ID}\"}],"
                "\"inputs\":[{\"path\":\"a.txt\",\"inline\":\"text\\n\"},"
                "{\"path\":\"z.bin\",\"inbox\":\"59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138\"},"
                "{\"path\":\"u\",\"url\":\"https://example.org/u\",\"sha256\":\"" HEX "\"},"
                "{\"path\":\"big/data.zip\",\"inbox\":\"" HEX "\"}],"
                "\"resources\":{\"limits\":{\"cpu\":\"1500m\",\"memory\":\"1073741824\"},"
                "\"requests\":{\"cpu\":\"500m\",\"memory\":\"268435456\",\"disk\":\"2147483648\"}},"
                "\"timeout\":\"90s\",\"priority\":0,\"retries\":{\"limit\":2},\"network\":\"none\"}}");
        assert_int_equal(d.assignment.attempt, 3);
        assert_int_equal(d.assignment.lease_epoch, 9);
        assert_string_equal(d.assignment.required_trust, "medium");
        assert_int_equal(d.n_blobs, 2);
        assert_null(d.blobs[0].name);
        assert_memory_equal(d.blobs[0].data, "a\0b", 3);
        assert_string_equal(d.blobs[1].name, "big/data.zip");
        assert_int_equal(d.blobs[1].size_bytes, 77);

        /* maps have no order on the wire */
        files[0] = &f2, files[1] = &f1, env[0] = &e2, env[1] = &e1;
        struct hv_pool_document other;
        assert_string_equal(document_of(&t, a, &other), d.assignment.document);
}

/* The document means to the loader what the task meant: no variable, no word is lost on the way. */
static void test_the_loader_reads_what_was_meant(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_task_unrefp) struct hv_task *task = NULL;
        V1__Task__EnvironmentEntry e = V1__TASK__ENVIRONMENT_ENTRY__INIT, *env[] = { &e };
        V1__Task__InputFilesEntry f = V1__TASK__INPUT_FILES_ENTRY__INIT, *files[] = { &f };
        struct hv_pool_document d;
        V1__Task t;

        (void) state;
        blank(&t);
        t.id = (char *) "Job_1";
        t.docker_image = (char *) "docker.io/library/busybox:1.36";
        t.command = (char *) "sh -c 'echo $$ ${PATH} \"$1\"' -- ''";
        t.memory_limit = (char *) "64m";
        e.key = (char *) "DOLLARS", e.value = (char *) "$ $$ ${X} $${Y} $";
        t.environment = env, t.n_environment = 1;
        f.key = (char *) "run.sh",
        f.value = (ProtobufCBinaryData) BYTES("#!/bin/sh\n\techo ${A:-b} \xc3\xa9\n");
        t.input_files = files, t.n_input_files = 1;
        (void) document_of(&t, a, &d);
        const struct hv_task_request request = { .document = d.assignment.document,
                                                 .len = d.assignment.len,
                                                 .read = hv_yaml_read,
                                                 .id = d.assignment.id,
                                                 .source = HV_TASK_FROM_POOL };
        const struct hv_diag *all;
        size_t n;

        if (hv_task_load(&request, NULL, &task, diags) < 0) {
                all = hv_diags_all(diags, &n);
                fail_msg("%s: %s", all[0].code, all[0].message);
        }
        assert_string_equal(task->id, "Job_1");
        assert_int_equal(task->unit.args.n, 5);
        assert_string_equal(task->unit.args.v[2], "echo $$ ${PATH} \"$1\"");
        assert_string_equal(task->unit.args.v[4], "");
        assert_int_equal(task->booking.memory_bytes, 64 << 20);
        assert_string_equal(task->inputs[0].text, "#!/bin/sh\n\techo ${A:-b} \xc3\xa9\n");
        for (size_t i = 0; i < task->unit.env.n; i++)
                if (hv_streq(task->unit.env.v[i].name, "DOLLARS")) {
                        assert_string_equal(task->unit.env.v[i].value, "$ $$ ${X} $${Y} $");
                        return;
                }
        fail_msg("the variable is not there");
}

static void test_names_are_made_of_ids(void **state) {
        static const char *const rows[][2] = {
                { "job-1", "job-1" },
                { "JOB_1", "job-1" },
                { "1", "t-1" },
                { "4f3c", "t-4f3c" },
                { "a-", "a" },
                { "0123456789012345678901234567890123456789012345678901234567890123",
                  "t-01234567890123456789012345678901234567890123456789012" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                char wanted[128];
                struct hv_pool_document d;
                V1__Task t;

                blank(&t);
                t.id = (char *) rows[i][0];
                (void) snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", rows[i][1]);
                if (!strstr(document_of(&t, a, &d), wanted))
                        fail_msg("%s: %s", rows[i][0], d.assignment.document);
        }
}

static void test_a_type_gets_its_parameters(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char *requirements[] = { (char *) "requests", (char *) "numpy" };
        struct hv_pool_document d;
        V1__Task t;

        (void) state;
        blank(&t);
        t.type = (char *) "ml";
        t.model_type = (char *) "keras";
        t.training_data = (ProtobufCBinaryData) BYTES("a,b\n1,2\n");
        t.input_data = (ProtobufCBinaryData) BYTES("\x89PNG");
        t.requirements = requirements, t.n_requirements = 2;
        assert_non_null(strstr(
                document_of(&t, a, &d),
                "\"type\":\"ml\",\"parameters\":{\"model_type\":\"keras\",\"training_data\":\"a,b\\n1,2\\n\","
                "\"input_data\":{\"inbox\":\""));
        assert_non_null(strstr(d.assignment.document, "\"requirements\":[\"requests\",\"numpy\"]"));
        assert_int_equal(d.n_blobs, 1);
}

static void test_much_text_does_not_stand_in_the_document(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        static char text[HV_POOL_INLINE_MAX];
        V1__Task__InputFilesEntry entries[40], *files[40];
        struct hv_pool_document d;
        char names[40][8];
        V1__Task t;

        (void) state;
        memset(text, 'x', sizeof text);
        blank(&t);
        for (size_t i = 0; i < HV_ARRAY_SIZE(files); i++) {
                v1__task__input_files_entry__init(files[i] = &entries[i]);
                (void) snprintf(names[i], sizeof names[i], "f%zu", i);
                entries[i].key = names[i];
                entries[i].value = (ProtobufCBinaryData){ .len = sizeof text, .data = (uint8_t *) text };
        }
        t.input_files = files, t.n_input_files = HV_ARRAY_SIZE(files);
        (void) document_of(&t, a, &d);
        assert_int_equal(d.n_blobs, 40 - HV_POOL_INLINE_TOTAL_MAX / HV_POOL_INLINE_MAX);
        assert_true(d.assignment.len < 300000);
}

/* --- what is refused --- */

struct hostile {
        const char *what, *says;
        void (*make)(V1__Task *t);
};

static V1__Resources resources = V1__RESOURCES__INIT;
static ProtobufCMessageUnknownField unknown = { .tag = 6, .wire_type = PROTOBUF_C_WIRE_TYPE_64BIT };
static V1__Task__InputFilesEntry file = V1__TASK__INPUT_FILES_ENTRY__INIT, *two_files[] = { &file, &file };
static V1__Task__EnvironmentEntry variable = V1__TASK__ENVIRONMENT_ENTRY__INIT,
                                  *two_variables[] = { &variable, &variable };
static V1__InputUrl url = V1__INPUT_URL__INIT, *urls[] = { &url };
static V1__InputFile ref = V1__INPUT_FILE__INIT, *refs[] = { &ref }, *many_refs[1001];
static char long_text[140000];

#define ID(name, text)                   \
        static void name(V1__Task *t) {  \
                t->id = (char *) (text); \
        }
ID(id_empty, "")
ID(id_dots, "../../etc/passwd")
ID(id_slash, "a/b")
ID(id_space, "a b")
ID(id_newline, "a\nb")
ID(id_dash, "-rf")
ID(id_dot, "a.2")
ID(id_utf8, "\xc3\xa9")
ID(id_long, "01234567890123456789012345678901234567890123456789012345678901234")
ID(id_escape, "\x1b[31mred")
ID(id_shell, "$(id)")

#define AMOUNT(name, field, value)                  \
        static void name(V1__Task *t) {             \
                v1__resources__init(&resources);    \
                resources.field = (value);          \
                t->required_resources = &resources; \
        }
AMOUNT(cpu_negative, cpu, -1)
AMOUNT(cpu_nan, cpu, (double) NAN)
AMOUNT(cpu_infinite, cpu, (double) INFINITY)
AMOUNT(cpu_huge, cpu, 1e300)
AMOUNT(memory_negative, memory_gb, -0.001)
AMOUNT(memory_nan, memory_gb, (double) NAN)
AMOUNT(memory_huge, memory_gb, 1e18)
AMOUNT(gpu_many, gpu, 65)
AMOUNT(gpu_negative, gpu, -2)
AMOUNT(gpu_memory_infinite, gpu_memory_gb, (double) INFINITY)
AMOUNT(disk_nan, disk_gb, (double) NAN)
AMOUNT(disk_minus_infinite, disk_gb, (double) -INFINITY)

static void resource_unknown(V1__Task *t) {
        v1__resources__init(&resources);
        resources.base.n_unknown_fields = 1;
        resources.base.unknown_fields = &unknown;
        t->required_resources = &resources;
}

#define FIELD(name, field, value)       \
        static void name(V1__Task *t) { \
                t->field = (value);     \
        }
FIELD(quota_negative, cpu_quota, -1)
FIELD(quota_huge, cpu_quota, INT64_MAX)
FIELD(timeout_negative, timeout, -1)
FIELD(timeout_huge, timeout, INT64_MAX)
FIELD(timeout_least, timeout, INT64_MIN)
FIELD(memory_words, memory_limit, (char *) "all of it")
FIELD(memory_minus, memory_limit, (char *) "-1")
FIELD(trust_word, required_trust, (char *) "absolute")
FIELD(trust_case, required_trust, (char *) "HIGH")
FIELD(command_open, command, (char *) "echo 'open")
FIELD(command_backslash, command, (char *) "echo \\")
FIELD(command_long, command, long_text)
FIELD(image_long, docker_image, long_text)
FIELD(network_long, network, long_text)
FIELD(code_without_type, code, (char *) "print(1)")
FIELD(model_without_type, model_type, (char *) "pytorch")
FIELD(processing_without_type, processing_type, (char *) "csv_analysis")

static void type_long(V1__Task *t) {
        t->type = long_text;
}
static void data_in_container(V1__Task *t) {
        t->type = (char *) "container";
        t->training_data = (ProtobufCBinaryData) BYTES("1");
}
static void model_long(V1__Task *t) {
        t->type = (char *) "ml";
        t->model_type = long_text;
}
static void command_words(V1__Task *t) {
        static char words[4096];

        memset(words, ' ', sizeof words - 1);
        for (size_t i = 0; i < sizeof words - 1; i += 2)
                words[i] = 'a';
        t->command = words;
}
static void file_twice(V1__Task *t) {
        file.key = (char *) "a";
        t->input_files = two_files, t->n_input_files = 2;
}
static void file_name_long(V1__Task *t) {
        file.key = long_text;
        t->input_files = two_files, t->n_input_files = 1;
}
static void variable_twice(V1__Task *t) {
        variable.key = (char *) "A", variable.value = (char *) "1";
        t->environment = two_variables, t->n_environment = 2;
}
static void url_long(V1__Task *t) {
        url = (V1__InputUrl) V1__INPUT_URL__INIT;
        url.name = (char *) "a", url.url = long_text;
        t->input_urls = urls, t->n_input_urls = 1;
}
static void url_digest(V1__Task *t) {
        url = (V1__InputUrl) V1__INPUT_URL__INIT;
        url.name = (char *) "a", url.url = (char *) "https://e.org/", url.sha256 = (char *) "../../x";
        t->input_urls = urls, t->n_input_urls = 1;
}
static void reference(V1__Task *t, const char *name, const char *sha256) {
        ref = (V1__InputFile) V1__INPUT_FILE__INIT;
        ref.name = (char *) name, ref.sha256 = (char *) sha256;
        t->input_refs = refs, t->n_input_refs = 1;
}
static void reference_without_digest(V1__Task *t) {
        reference(t, "a", "");
}
static void reference_path(V1__Task *t) {
        reference(t, "a", "../../../../../../../../../../../../../../../../../../../../etc/shadow");
}
static void reference_upper(V1__Task *t) {
        reference(t, "a", "2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE");
}
static void reference_short(V1__Task *t) {
        reference(t, "a", "2c26");
}
static void reference_endless(V1__Task *t) {
        reference(t, "a", HEX);
        ref.size = UINT64_MAX;
}
static void reference_name_long(V1__Task *t) {
        reference(t, long_text, HEX);
}
static void references_many(V1__Task *t) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(many_refs); i++)
                many_refs[i] = &ref;
        t->input_refs = many_refs, t->n_input_refs = HV_ARRAY_SIZE(many_refs);
}

static void test_what_cannot_be_said_is_refused(void **state) {
        static const struct hostile rows[] = {
                { "no id", "is not the id of a task", id_empty },
                { "an id that leaves", "is not the id of a task", id_dots },
                { "an id with a slash", "is not the id of a task", id_slash },
                { "an id with a space", "is not the id of a task", id_space },
                { "an id of two lines", "is not the id of a task", id_newline },
                { "an id that is an option", "is not the id of a task", id_dash },
                { "an id of a second attempt", "is not the id of a task", id_dot },
                { "an id beyond ASCII", "is not the id of a task", id_utf8 },
                { "a long id", "is not the id of a task", id_long },
                { "an id for a terminal", "is not the id of a task", id_escape },
                { "an id for a shell", "is not the id of a task", id_shell },
                { "less than no CPU", "required_resources.cpu is -1", cpu_negative },
                { "CPU that is no number", "required_resources.cpu", cpu_nan },
                { "CPU without end", "required_resources.cpu", cpu_infinite },
                { "much CPU", "required_resources.cpu", cpu_huge },
                { "less than no memory", "required_resources.memory_gb", memory_negative },
                { "memory that is no number", "required_resources.memory_gb", memory_nan },
                { "much memory", "required_resources.memory_gb", memory_huge },
                { "many GPUs", "required_resources.gpu is 65", gpu_many },
                { "less than no GPU", "required_resources.gpu", gpu_negative },
                { "GPU memory without end", "required_resources.gpu_memory_gb", gpu_memory_infinite },
                { "disk that is no number", "required_resources.disk_gb", disk_nan },
                { "disk below all", "required_resources.disk_gb", disk_minus_infinite },
                { "an unknown resource", "a resource that is not known here (field 6)", resource_unknown },
                { "less than no quota", "cpu_quota is -1", quota_negative },
                { "a huge quota", "cpu_quota", quota_huge },
                { "less than no time", "timeout is -1 s", timeout_negative },
                { "all time", "timeout", timeout_huge },
                { "time before all", "timeout", timeout_least },
                { "memory in words", "memory_limit \"all of it\"", memory_words },
                { "memory without limit", "memory_limit", memory_minus },
                { "an unknown trust", "required_trust is \"absolute\"", trust_word },
                { "trust in capitals", "required_trust", trust_case },
                { "an open quote", "command cannot be split into words: a quote", command_open },
                { "a backslash at the end", "command cannot be split into words", command_backslash },
                { "a long command", "command has 139999 bytes", command_long },
                { "many words", "more than 1024 words", command_words },
                { "a long image", "docker_image has", image_long },
                { "a long network", "network has", network_long },
                { "a long type", "type has", type_long },
                { "code without a type", "code is given", code_without_type },
                { "a model without a type", "model_type is given", model_without_type },
                { "processing without a type", "processing_type is given", processing_without_type },
                { "data of a container", "training_data is given", data_in_container },
                { "a long model", "model_type has", model_long },
                { "a file twice", "names a file twice", file_twice },
                { "a long name of a file", "a name in input_files has", file_name_long },
                { "a variable twice", "names a variable twice", variable_twice },
                { "a long URL", "a URL in input_urls has", url_long },
                { "a digest of a URL that is a path", "input_urls: sha256 is not 64", url_digest },
                { "a reference without a digest", "input_refs: sha256 is not 64", reference_without_digest },
                { "a reference that is a path", "input_refs: sha256 is not 64", reference_path },
                { "a reference in capitals", "input_refs: sha256 is not 64", reference_upper },
                { "a reference of no size", "are the size of nothing", reference_endless },
                { "a short reference", "input_refs: sha256 is not 64", reference_short },
                { "a long name of a reference", "a name in input_refs has", reference_name_long },
                { "many references", "1001 input files", references_many },
        };

        (void) state;
        memset(long_text, 'x', sizeof long_text - 1);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_pool_document d;
                struct hv_err err = {};
                V1__Task t;
                int r;

                blank(&t);
                rows[i].make(&t);
                r = hv_pool_document(&t, a, &d, &err);
                if (r != -EINVAL || !strstr(err.msg, rows[i].says))
                        fail_msg("%s: %d: %s", rows[i].what, r, err.msg);
                assert_null(strchr(err.msg, '\x1b'));
                assert_null(strchr(err.msg, '\n'));
                if (strstr(rows[i].says, "id of a task")) /* nothing is told about what has no name */
                        assert_null(d.assignment.id);
        }
}

/* --- bytes --- */

static void test_bytes_that_are_no_message(void **state) {
        static const struct {
                const char *what, *bytes, *says; /* says NULL: taken */
                size_t len;
        } rows[] = {
#define ROW(what, bytes, says) { what, bytes, says, sizeof(bytes) - 1 }
                ROW("nothing", "", NULL),
                ROW("an id",
                    "\x0a\x01"
                    "a",
                    NULL),
                ROW("a field of the future", "\xfa\x7f\x01z", NULL),
                ROW("a length beyond the end",
                    "\x0a\x05"
                    "a",
                    "cut or not a message"),
                ROW("a length without an end", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                    "cut or not a message"),
                ROW("half a tag", "\x8a", "cut or not a message"),
                ROW("a tag of zero",
                    "\x02\x01"
                    "a",
                    "cut or not a message"),
                ROW("a group", "\x0b\x0c", "cut or not a message"),
                ROW("an unknown wire type", "\x0f\x01", "cut or not a message"),
                ROW("a NUL in an id",
                    "\x0a\x03"
                    "a\0b",
                    "field id of Task holds a NUL"),
                ROW("an id that is no UTF-8", "\x0a\x02\xc3\x28", "field id of Task is not valid UTF-8"),
                ROW("an overlong form", "\x0a\x02\xc0\xaf", "not valid UTF-8"),
                ROW("a surrogate", "\x0a\x03\xed\xa0\x80", "not valid UTF-8"),
                ROW("a NUL in a variable",
                    "\x3a\x06\x0a\x01"
                    "A\x12\x01\0",
                    "field value of"),
                ROW("a variable that is cut",
                    "\x3a\x03\x0a\x07"
                    "A",
                    "cut or not a message"),
                ROW("a NUL in a file is none of ours",
                    "\x42\x06\x0a\x01"
                    "f\x12\x01\0",
                    NULL),
                ROW("a text where a number is", "\x2a\x01x", "is not a message of this kind"),
                ROW("a number where a text is", "\x08\x01", "is not a message of this kind"),
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                V1__Task *t;
                struct hv_err err = {};
                int r = hv_wire_unpack(&v1__task__descriptor, rows[i].bytes, rows[i].len, a, &t, &err);

                if ((r == 0) != !rows[i].says || (r < 0 && !strstr(err.msg, rows[i].says)))
                        fail_msg("%s: %d: %s", rows[i].what, r, err.msg);
        }
}

static void test_a_list_without_end_is_refused(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_err err = {};

        (void) state;
        for (int i = 0; i <= HV_WIRE_MAX_ELEMENTS; i++)
                hv_buf_add(&b, "\x62\x00", 2);
        assert_int_equal(hv_wire_check(&v1__task__descriptor, b.data, b.len, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "field requirements of Task has more than 10000 elements"));
        assert_int_equal(hv_wire_check(&v1__task__descriptor, b.data, b.len - 2, &err), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_are_those_of_a_shell),
                cmocka_unit_test(test_a_task_that_says_nothing),
                cmocka_unit_test(test_a_task_that_says_all),
                cmocka_unit_test(test_the_loader_reads_what_was_meant),
                cmocka_unit_test(test_names_are_made_of_ids),
                cmocka_unit_test(test_a_type_gets_its_parameters),
                cmocka_unit_test(test_much_text_does_not_stand_in_the_document),
                cmocka_unit_test(test_what_cannot_be_said_is_refused),
                cmocka_unit_test(test_bytes_that_are_no_message),
                cmocka_unit_test(test_a_list_without_end_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

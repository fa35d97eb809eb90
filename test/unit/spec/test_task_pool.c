/* spec: what a node pool assigns is a task of a stranger, whatever its document says. */
#include "testing.h"

#include "corpus.h"
#include "set.h"
#include "spec/task_load.h"
#include "spec/yaml.h"

#define CONTEXT                                                                                                    \
        "  node: {policy: {images: {allow: [\"docker.io/library/*\"]}, hostNetwork: allow,\n"                      \
        "                  privileged: allow, hostPaths: [/srv/data], capabilities: [NET_ADMIN]}}\n"               \
        "  volumes: [{name: data}]\n"                                                                              \
        "  networks: [{name: backend, internal: true}, {name: work}]\n"                                            \
        "  services: [{name: db, image: db, mounts: [{volume: data, target: /d}], networks: [{name: backend}]}]\n" \
        "  taskDefaults: {network: work}\n"
#define TASK(fields) "{apiVersion: hivelet/v1, kind: Task, metadata: {name: job}, spec: {" fields "}}"
#define DIGEST "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

static void load(struct set *s) {
        _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, CONTEXT);

        if (set_load_text(s, text) < 0)
                fail_msg("%s", s->said.data);
}

struct row {
        const char *document, *says; /* the first error; NULL: it is taken */
};

static char *judge(const struct set *s, const char *document, const char *id, enum hv_task_source source,
                   struct hv_task **ret) {
        static const struct hv_spec_facts nothing = {};
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        const struct hv_task_request request = { .document = document,
                                                 .len = strlen(document),
                                                 .read = hv_yaml_read,
                                                 .id = id,
                                                 .source = source,
                                                 .facts = &nothing };
        const struct hv_diag *all;
        size_t n;

        (void) hv_task_load(&request, s->desired, ret, diags);
        hv_diags_sort(diags);
        all = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i].severity == HV_SEVERITY_ERROR)
                        return hv_asprintf("%s: %s", all[i].code, all[i].message);
        return NULL;
}

static void a_pool_says_what_a_strangers_task_needs(void **state) {
        static const struct row rows[] = {
                { TASK("image: alpine"), NULL },
                { TASK("image: alpine, args: [a, b], env: [{name: A, value: b}], timeout: 5m"), NULL },
                { TASK("image: alpine, network: none"), NULL },
                { TASK("image: alpine, network: work"), NULL },
                { TASK("image: alpine, inputs: [{path: a/b, inbox: " DIGEST "}]"), NULL },
                { TASK("image: alpine, inputs: [{path: ., inbox: " DIGEST
                       ", unpack: true}, {path: a, inline: b}]"),
                  NULL },
                { TASK("image: alpine, inputs: [{path: a, url: \"https://example.org/a\"}]"), NULL },
                { TASK("image: alpine, retries: {limit: 1}, priority: 90, outputs: {paths: [.]}"), NULL },
                { TASK("type: python, parameters: {code: \"print(1)\"}"), NULL },
                { TASK("type: ml, requirements: [], parameters: {model_type: pytorch, training_data: {inbox: " DIGEST
                       "}}"),
                  NULL },
                { TASK("type: ml, requirements: [], parameters: {model_type: pytorch, training_data: {archive: /srv/data/x.zip}}"),
                  "E0466: \"archive\" is not for a node pool" },

                /* what is the owner's */
                { TASK("image: alpine, mounts: [{volume: data, target: /d}]"), "E0466: \"mounts\" is not" },
                { TASK("image: alpine, mounts: [{hostPath: /srv/data, target: /d}]"), "E0466: \"mounts\"" },
                { TASK("image: alpine, secrets: [{name: a, target: /s}]"), "E0466: \"secrets\"" },
                { TASK("image: alpine, configs: [{name: a, key: b, target: /s}]"), "E0466: \"configs\"" },
                { TASK("image: alpine, security: {privileged: true}"), "E0466: \"security\"" },
                { TASK("image: alpine, security: {user: \"0\"}"), "E0466: \"security\"" },
                { TASK("image: alpine, security: {capabilities: {add: [NET_ADMIN]}}"),
                  "E0466: \"security\"" },
                { TASK("image: alpine, labels: {a: b}"), "E0466: \"labels\"" },
                { TASK("image: alpine, annotations: {hivelet/adopt: \"true\"}"), "E0466: \"annotations\"" },
                { TASK("image: alpine, dependsOn: [{service: db}]"), "E0466: \"dependsOn\"" },
                { TASK("image: alpine, logging: {driver: none}"), "E0466: \"logging\"" },
                { TASK("image: alpine, workdir: /etc"), "E0466: \"workdir\"" },
                { TASK("image: alpine, pullPolicy: never"), "E0466: \"pullPolicy\"" },
                { TASK("image: alpine, stop: {grace: 24h}"), "E0466: \"stop\"" },
                { TASK("image: alpine, network: host"), "E0466: the network \"host\" is not" },
                { TASK("image: alpine, network: backend"),
                  "E0466: the network \"backend\" is not for a node pool to give; expected none or work" },
                { TASK("image: alpine, network: bridge"), "E0466: the network \"bridge\"" },
                { TASK("image: alpine, inputs: [{path: a, archive: /srv/data/a.zip}]"),
                  "E0466: \"archive\"" },
                { TASK("image: alpine, inputs: [{path: a, archive: /etc/shadow}]"), "E0466: \"archive\"" },
                { "{apiVersion: hivelet/v1, kind: Task, metadata: {name: a, labels: {io.hivelet.node: x}}, "
                  "spec: {image: alpine}}",
                  "E0466: \"labels\"" },
                { "{apiVersion: hivelet/v1, kind: Task, metadata: {name: a, annotations: {hivelet/adopt: \"true\"}}, "
                  "spec: {image: alpine}}",
                  "E0466: \"annotations\"" },
                { "{apiVersion: hivelet/v1, kind: Task, metadata: {name: a}, status: {}, spec: {image: alpine}}",
                  "E0466: \"status\"" },
                { "{apiVersion: hivelet/v1, kind: NodeState, metadata: {name: a}, spec: {}}",
                  "E0106: a NodeState is allowed only in the primary file" },
                { "{apiVersion: hivelet/v1, kind: Service, metadata: {name: a}, spec: {image: alpine}}",
                  "E0102: expected the kind Task, found Service" },
                { TASK("image: alpine") "\n---\n" TASK("image: alpine"), "E0102: expected one document" },

                /* what anybody may not */
                { TASK("image: quay.io/a/b"), "E0342: " },
                { TASK("image: alpine, inputs: [{path: ../a, inbox: " DIGEST "}]"), "E0451: " },
                { TASK("image: alpine, inputs: [{path: /etc/a, inbox: " DIGEST "}]"), "E0451: " },
                { TASK("image: alpine, inputs: [{path: ., inbox: " DIGEST "}]"),
                  "E0451: \".\" is the workspace" },
                { TASK("image: alpine, inputs: [{path: a, inbox: ../../etc/shadow}]"), "E0452: " },
                { TASK("image: alpine, inputs: [{path: a, inbox: " DIGEST ", url: \"https://a.org/\"}]"),
                  "E0205: " },
                { TASK("image: alpine, inputs: [{path: a, url: \"http://example.org/a\"}]"), "E0452: " },
                { TASK("image: alpine, inputs: [{path: a, url: \"file:///etc/shadow\"}]"), "E0" },
                { TASK("image: alpine, env: [{name: A, value: \"${HOME}\"}]"), "E0370: " },
        };
        struct set s = {};

        (void) state;
        load(&s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
                _hv_cleanup_free_ char *said = judge(&s, rows[i].document, "t-1", HV_TASK_FROM_POOL, &t);

                if (rows[i].says ? !said || strncmp(said, rows[i].says, strlen(rows[i].says)) != 0
                                 : said != NULL)
                        fail_msg("%s\nsays %s", rows[i].document, said ? said : "nothing");
        }
        set_done(&s);
}

/* The pool's ids need not be names; what is kept of them is read again under the same id. */
static void a_pools_id_names_the_task(void **state) {
        static const char *const ids[] = { "A_b", "_", "-x-", "0", "ABCdef_0123456789-ABCdef_0123456789" };
        struct set s = {};

        (void) state;
        load(&s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(ids); i++) {
                _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL, *again = NULL;
                _hv_cleanup_free_ char *said = NULL;

                if (!hv_task_id_is_valid(ids[i]))
                        continue;
                said = judge(&s, TASK("image: alpine"), ids[i], HV_TASK_FROM_POOL, &t);
                assert_null(said);
                assert_string_equal(t->id, ids[i]);
                assert_string_equal(t->name, ids[i]);
                said = judge(&s, t->document, ids[i], HV_TASK_FROM_POOL, &again);
                assert_null(said);
                assert_string_equal(again->digest, t->digest);
                assert_string_equal(again->document, t->document);
        }
        set_done(&s);
}

static void only_a_pool_names_what_it_sent(void **state) {
        static const enum hv_task_source sources[] = { HV_TASK_FROM_API, HV_TASK_FROM_FILE };
        struct set s = {};

        (void) state;
        load(&s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(sources); i++) {
                _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
                _hv_cleanup_free_ char *said =
                        judge(&s, TASK("image: alpine, inputs: [{path: a, inbox: " DIGEST "}]"), "t-1",
                              sources[i], &t);

                assert_string_equal(
                        said, "E0459: only a node pool names what it sent; expected inline, url or archive");
        }
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pool_says_what_a_strangers_task_needs),
                cmocka_unit_test(a_pools_id_names_the_task),
                cmocka_unit_test(only_a_pool_names_what_it_sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

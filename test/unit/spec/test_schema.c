/* spec: the table is consistent with itself, and decoding does what it says. */
#include "testing.h"

#include "base/arena.h"
#include "base/map.h"
#include "set.h"
#include "spec/schema.h"
#include "spec/yaml.h"

static void each_schema(const struct hv_schema *s, const char *path, struct hv_map *seen,
                        void (*visit)(const struct hv_schema *s, const struct hv_field *f,
                                      const char *path)) {
        if (hv_map_get(seen, path))
                return;
        hv_map_put(seen, path, (void *) s);
        for (size_t i = 0; i < s->n_fields; i++) {
                _hv_cleanup_free_ char *below =
                        hv_asprintf("%s%s%s", path, *path ? "." : "", s->fields[i].name);

                visit(s, &s->fields[i], below);
                if (s->fields[i].schema)
                        each_schema(s->fields[i].schema, below, seen, visit);
        }
}

static void each_field(void (*visit)(const struct hv_schema *, const struct hv_field *, const char *)) {
        _hv_cleanup_(hv_map_freep) struct hv_map *seen = hv_map_new(NULL);

        each_schema(hv_schema_of(HV_KIND_NODESTATE), "", seen, visit);
}

static void check_row(const struct hv_schema *s, const struct hv_field *f, const char *path) {
        if (f->type == HV_FIELD_REFUSED) {
                assert_non_null(f->code);
                return;
        }
        if (f->offset >= s->size || f->offset == 0)
                fail_msg("%s: stands outside of its struct, or on its node", path);
        if (!f->doc || f->doc[strlen(f->doc) - 1] != '.' || !(f->doc[0] >= 'A' && f->doc[0] <= 'Z'))
                if (strncmp(f->doc, "none ", 5) != 0 && strncmp(f->doc, "auto ", 5) != 0)
                        fail_msg("%s: doc is no sentence", path);
        if (!f->value && !f->example)
                fail_msg("%s: neither default nor example", path);
        if (f->required && f->value)
                fail_msg("%s: required, and yet with a default", path);
        if ((f->type == HV_FIELD_ENUM || f->item == HV_FIELD_ENUM) && !f->words)
                fail_msg("%s: without words", path);
        if ((f->type == HV_FIELD_STRUCT || f->item == HV_FIELD_STRUCT) && !f->schema)
                fail_msg("%s: without a schema", path);
        for (const struct hv_field *g = s->fields; g < f; g++)
                if (strcmp(g->name, f->name) == 0)
                        fail_msg("%s: twice", path);
        assert_ptr_equal(hv_schema_find(path, NULL), f);
}

static void rows_are_complete(void **state) {
        (void) state;
        each_field(check_row);
}

/* Default and example of every row, decoded by that row: {field: example} must fit its own schema. */
static void check_text(const struct hv_schema *s, const struct hv_field *f, const char *path,
                       const char *value) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        _hv_cleanup_free_ char *text = hv_asprintf("%s: %s\n", f->name, value);
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){});
        unsigned file = hv_diags_add_file(d, path, text, strlen(text));
        const struct hv_diag *all;
        size_t n;

        hv_yaml_read(a, d, file, text, strlen(text), documents);
        assert_int_equal(documents->n, 1);
        hv_schema_decode(s, documents->items[0], a, d, hv_arena_alloc(a, s->size));
        all = hv_diags_all(d, &n);
        for (size_t i = 0; i < n; i++)
                /* The other fields of the mapping are not there; everything else must be right. */
                if (all[i].severity == HV_SEVERITY_ERROR && strcmp(all[i].path, "") != 0)
                        fail_msg("%s: \"%s\" is refused by its own row: %s", path, value, all[i].message);
}

static void check_samples(const struct hv_schema *s, const struct hv_field *f, const char *path) {
        if (f->type == HV_FIELD_REFUSED)
                return;
        if (f->example)
                check_text(s, f, path, f->example);
        if (f->value && f->type == HV_FIELD_MODE) {
                _hv_cleanup_free_ char *quoted = hv_asprintf("\"%s\"", f->value);

                check_text(s, f, path, quoted);
        } else if (f->value && f->type == HV_FIELD_LIST) {
                _hv_cleanup_free_ char *list = hv_asprintf("[%s]", f->value);

                check_text(s, f, path, list);
        } else if (f->value && f->value[0] != '\0' && f->value[0] != '*')
                check_text(s, f, path, f->value);
}

static void defaults_and_examples_fit_their_rows(void **state) {
        (void) state;
        each_field(check_samples);
}

/* The revision keeps the defaults of each schema by its name. */
static struct hv_map *schema_names;

static void check_name(const struct hv_schema *s, const struct hv_field *f, const char *path) {
        const struct hv_schema *other = hv_map_get(schema_names, s->name);

        (void) f;
        if (other && other != s)
                fail_msg("%s: a second schema is called %s", path, s->name);
        hv_map_put(schema_names, s->name, (void *) s);
}

static void names_of_schemas_are_unique(void **state) {
        (void) state;
        schema_names = hv_map_new(NULL);
        each_field(check_name);
        schema_names = hv_map_free(schema_names);
}

static void paths_are_found(void **state) {
        static const struct {
                const char *path, *name;
        } rows[] = {
                { "services.ports.host", "host" },      { "spec.services[1].ports[0].host", "host" },
                { "Service.ports.host", "host" },       { "Service.spec.image", "image" },
                { "CronTask.task.timeout", "timeout" }, { "images.preload.ref", "ref" },
                { "node.reconcile", "reconcile" },      { "services.restart.backoff.max", "max" },
        };
        const struct hv_schema *in = NULL;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_field *f = hv_schema_find(rows[i].path, NULL);

                if (!f || strcmp(f->name, rows[i].name) != 0)
                        fail_msg("%s", rows[i].path);
        }
        assert_null(hv_schema_find("services.prots", NULL));
        assert_null(hv_schema_find("services.image.x", NULL));
        assert_non_null(hv_schema_find("services.ports.host", &in));
        assert_string_equal(in->name, "Port");
}

/* Documented figures that people rely on, read back from a state that says nothing. */
static void defaults_are_the_documented_ones(void **state) {
        struct set s = {};
        const struct hv_spec_state *t;

        (void) state;
        assert_int_equal(
                set_load_text(
                        &s, SET_HEAD
                        "  services: [{name: a, image: b, liveness: {tcp: {port: 1}}, startup: {tcp: {port: 1}, period: 500ms}}]\n  tasks: [{name: t, command: [x]}]\n"),
                0);
        t = &s.desired->tree->state;
        assert_int_equal(t->host.reconcile.resync_us, 60 * HV_USEC_PER_SEC);
        assert_int_equal(t->host.reconcile.jitter_percent, 10);
        assert_int_equal(t->host.reconcile.workers, 4);
        assert_int_equal(t->host.reconcile.call_timeout_us, 20 * HV_USEC_PER_SEC);
        assert_int_equal(t->host.safety.max_prune_percent, 50);
        assert_int_equal(t->host.policy.privileged, HV_DENY);
        assert_int_equal(t->host.policy.host_network, HV_DENY);
        assert_int_equal(t->host.policy.capabilities.n, 0);
        assert_int_equal(t->host.policy.publish.n, 1);
        assert_int_equal(t->host.policy.publish.v[0], HV_PUBLISH_LOOPBACK);
        assert_int_equal(t->services.v[0].liveness.period_us, 10 * HV_USEC_PER_SEC);
        assert_int_equal(t->services.v[0].liveness.timeout_us, HV_USEC_PER_SEC);
        assert_int_equal(t->services.v[0].liveness.failure_threshold, 3);
        assert_int_equal(t->services.v[0].liveness.success_threshold, 1);
        assert_int_equal(t->services.v[0].liveness.initial_delay_us, 0);
        assert_int_equal(t->services.v[0].startup.timeout_us,
                         HV_USEC_PER_SEC / 2); /* never more than the period */
        assert_null(t->services.v[0].readiness.node);
        assert_string_equal(t->services.v[0].stop.signal, "TERM");
        assert_int_equal(t->services.v[0].stop.grace_us, 10 * HV_USEC_PER_SEC);
        assert_int_equal(t->services.v[0].restart.backoff.initial_us, HV_USEC_PER_SEC);
        assert_int_equal(t->services.v[0].restart.backoff.factor_milli, 2000);
        assert_int_equal(t->services.v[0].restart.backoff.max_us, 2 * HV_USEC_PER_MIN);
        assert_int_equal(t->services.v[0].restart.backoff.reset_after_us, 10 * HV_USEC_PER_MIN);
        assert_int_equal(t->services.v[0].resources.limits.pids, 1024);
        assert_int_equal(t->logging.containers.max_size_bytes, 20 * 1024 * 1024);
        assert_int_equal(t->logging.containers.max_files, 3);
        assert_int_equal(t->tasks.v[0].outputs.max_size_bytes, 1024 * 1024 * 1024);
        assert_int_equal(t->tasks.v[0].outputs.max_files, 10000);
        assert_int_equal(t->tasks.v[0].outputs.keep_us, 24 * HV_USEC_PER_HOUR);
        assert_string_equal(t->tasks.v[0].outputs.paths.v[0], "results");
        assert_int_equal(t->tasks.v[0].retries.on.n, 1);
        assert_int_equal(t->tasks.v[0].retries.on.v[0], HV_RETRY_NODE_ERROR);
        assert_int_equal(t->task_defaults.resources.limits.memory_bytes, 1024 * 1024 * 1024);
        assert_int_equal(t->master.heartbeat_us, 30 * HV_USEC_PER_SEC);
        assert_string_equal(t->http.listen, "127.0.0.1:5000");
        assert_int_equal(t->trust.failure, -5);
        set_done(&s);
}

static void values_are_typed_by_the_table(void **state) {
        static const struct {
                const char *what, *yaml, *said; /* yaml: below spec */
        } rows[] = {
                { "text that looks like a number", "  node: {location: 1.10}\n", NULL },
                { "text that looks like a boolean", "  node: {location: no}\n", NULL },
                { "number in quotes", "  node: {reconcile: {workers: \"7\"}}\n", NULL },
                { "boolean in capitals", "  node: {docker: {enabled: True}}\n", NULL },
                { "not acted on, from a variable", "  node: {location: \"${X:-y}\"}\n",
                  "f:5:10: warning[W040]: spec.node.location: \"location\" is checked but not acted on yet" },
                { "yes", "  node: {docker: {enabled: yes}}\n",
                  "f:5:28: error[E0208]: spec.node.docker.enabled: expected true or false, found \"yes\"" },
                { "null", "  node: {location: }\n",
                  "f:5:10: error[E0203]: spec.node.location: has no value" },
                { "null section", "  node:\n", "f:5:3: error[E0203]: spec.node: has no value" },
                { "mapping for text", "  node: {id: {}}\n",
                  "f:5:14: error[E0202]: spec.node.id: expected text, found a mapping" },
                { "list for mapping", "  node: []\n",
                  "f:5:9: error[E0202]: spec.node: expected a mapping, found a list" },
                { "mapping for list", "  services: {web: {}}\n",
                  "f:5:13: error[E0202]: spec.services: expected a list, found a mapping" },
                { "text in a list of mappings", "  services: [web]\n",
                  "f:5:14: error[E0202]: spec.services[0]: expected a mapping, found text" },
                { "octal-looking number", "  node: {reconcile: {workers: 010}}\n",
                  "f:5:31: error[E0209]: spec.node.reconcile.workers: 010 may be read as an octal number; write 10" },
                { "number with text", "  node: {reconcile: {workers: 4x}}\n",
                  "f:5:31: error[E0202]: spec.node.reconcile.workers: expected a whole number, found \"4x\"" },
                { "number out of any range", "  node: {reconcile: {workers: 99999999999999999999}}\n",
                  "f:5:31: error[E0211]: spec.node.reconcile.workers: \"99999999999999999999\" is too large" },
                { "above", "  node: {reconcile: {workers: 65}}\n",
                  "f:5:31: error[E0211]: spec.node.reconcile.workers: 65 is above the maximum 64" },
                { "duration below", "  node: {reconcile: {resync: 10ms}}\n",
                  "f:5:30: error[E0211]: spec.node.reconcile.resync: 10ms is below the minimum 1s" },
                { "decimal", "  resources: {overcommit: {cpu: 1,5}}\n",
                  "f:5:35: error[E0201]: spec.resources.overcommit.5: unknown field \"5\"" },
                { "word list item", "  node: {policy: {publish: [loopbak]}}\n",
                  "f:5:29: error[E0207]: spec.node.policy.publish[0]: \"loopbak\" is not one of: loopback, wireguard, public; did you mean \"loopback\"?" },
                { "text or list", "  wireguard: [{name: a, privateKey: {file: /k}, routes: {}}]\n",
                  "f:5:57: error[E0202]: spec.wireguard[0].routes: expected text or a list, found a mapping" },
                { "mode without quotes",
                  "  services: [{name: a, image: b, secrets: [{name: s, target: /t, mode: 0400}]}]\n",
                  "f:5:72: error[E0209]: spec.services[0].secrets[0].mode: write the mode as a quoted string: \"0400\"" },
                { "mode that is none",
                  "  services: [{name: a, image: b, secrets: [{name: s, target: /t, mode: \"0999\"}]}]\n",
                  "f:5:72: error[E0209]: spec.services[0].secrets[0].mode: \"0999\" is not a file mode such as \"0400\"" },
                { "map value", "  configs: [{name: a, data: {k: [1]}}]\n",
                  "f:5:33: error[E0202]: spec.configs[0].data.k: expected text, found a list" },
                { "zero", "  services: [{name: a, image: b, resources: {limits: {memory: 0}}}]\n",
                  "f:5:63: error[E0221]: spec.services[0].resources.limits.memory: \"0\" must be greater than 0" },
                { "anchor", "  node: {docker: &d {enabled: 1}}\n  resources: {monitor: *d}\n",
                  "f:6:24: error[E0201]: spec.resources.monitor.enabled: unknown field \"enabled\" (anchor defined at 5:22)" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, rows[i].yaml);
                struct set s = {};
                int r = set_load_text(&s, text);

                if (rows[i].said ? !set_says(&s, rows[i].said) : r < 0)
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&s.said));
                set_done(&s);
        }
}

static void secrets_written_in_place_are_never_shown(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
        struct set s = {};

        (void) state;
        (void) set_load_text(
                &s, SET_HEAD
                "  wireguard: [{name: w, privateKey: MARKER1, mtu: 1, peers: [{name: p, presharedKey: MARKER2}]}]\n"
                "  services: [{name: a, image: B, env: [{name: X, value: MARKER3, valeu: x}]}]\n"
                "  x: &k MARKER4\n  y: {wireguard: *k}\n");
        assert_true(set_says(
                &s, "f:5:37: error[E0322]: spec.wireguard[0].privateKey: private keys may not be written"));
        assert_true(set_says(
                &s, "f:5:86: error[E0322]: spec.wireguard[0].peers[0].presharedKey: preshared keys may not"));
        hv_diags_render(s.diags, false, &shown);
        assert_null(strstr(shown.data, "MARKER1"));
        assert_null(strstr(shown.data, "MARKER2"));
        assert_null(strstr(shown.data, "MARKER3"));
        set_done(&s);
}

static void sensitive_values_are_described_and_not_quoted(void **state) {
        static const enum hv_field_type types[] = { HV_FIELD_BOOL, HV_FIELD_INT,      HV_FIELD_DECIMAL,
                                                    HV_FIELD_CPU,  HV_FIELD_DURATION, HV_FIELD_PERCENT,
                                                    HV_FIELD_MODE, HV_FIELD_ENUM };
        static const char *const words[] = { "a", NULL };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(types); i++) {
                _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
                const struct hv_field f = {
                        .name = "f", .type = types[i], .sensitive = true, .words = words
                };
                struct hv_node *n = hv_node_new_text(a, "MARKER", NULL);
                const struct hv_diag *all;
                union hv_value v;
                size_t count;

                n->quoted = true;
                assert_false(hv_schema_scalar(&f, f.type, n, d, &v));
                all = hv_diags_all(d, &count);
                assert_int_equal(count, 1);
                assert_null(strstr(all[0].message, "MARKER"));
        }
}

static void the_same_finding_twice_is_one(void **state) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        size_t n;

        (void) state;
        (void) hv_diags_add_file(d, "f", "a\nb\n", 4);
        for (int i = 0; i < 2; i++) {
                (void) hv_diag_error_pos(d, (struct hv_pos){ 0, 2, 1 }, 0, "E0001", "x");
                (void) hv_diag_warn_pos(d, (struct hv_pos){ 0, 1, 1 }, 0, "W001", "y");
        }
        (void) hv_diag_error_pos(d, (struct hv_pos){ 0, 2, 1 }, 0, "E0001", "z");
        hv_diags_sort(d);
        assert_string_equal(hv_diags_all(d, &n)[0].code, "W001");
        assert_int_equal(n, 3);
        assert_int_equal(hv_diags_errors(d), 2);
        assert_int_equal(hv_diags_warnings(d), 1);
}

static void renders_as_compilers_do(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
        struct set s = {};

        (void) state;
        (void) set_load_text(&s,
                             SET_HEAD "  logging: {containers: {driver: \"\u65e5\u672c\",\tmaxSize: 5MB}}\n"
                                      "  node: {docker: {enabled: yes}}\n");
        hv_diags_render(s.diags, false, &shown);
        assert_string_equal(
                shown.data,
                "f:5:49: error[E0220]: spec.logging.containers.maxSize: \"5MB\" is not a quantity; did you "
                "mean 5M or 5Mi?\n"
                "    5 |   logging: {containers: {driver: \"\u65e5\u672c\", maxSize: 5MB}}\n"
                "      |                                                 ^^^\n"
                "f:6:28: error[E0208]: spec.node.docker.enabled: expected true or false, found \"yes\"\n"
                "    6 |   node: {docker: {enabled: yes}}\n"
                "      |                            ^^^\n"
                "  hint: write true\n");
        set_done(&s);
}

static void shows_a_hundred_and_counts_the_rest(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {}, shown = {};
        struct set s = {};

        (void) state;
        hv_buf_puts(&text, SET_HEAD);
        for (int i = 0; i < 9000; i++)
                hv_buf_printf(&text, "  xx%d: y\n", i);
        (void) set_load_text(&s, text.data);
        hv_diags_render(s.diags, false, &shown);
        assert_int_equal(hv_diags_errors(s.diags), 9000);
        assert_non_null(strstr(shown.data, "f:104:3: error[E0201]: spec.xx99: unknown field"));
        assert_null(strstr(shown.data, "xx100"));
        assert_non_null(strstr(shown.data, "\n... and 8900 more\n"));
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_complete),
                cmocka_unit_test(defaults_and_examples_fit_their_rows),
                cmocka_unit_test(names_of_schemas_are_unique),
                cmocka_unit_test(paths_are_found),
                cmocka_unit_test(defaults_are_the_documented_ones),
                cmocka_unit_test(values_are_typed_by_the_table),
                cmocka_unit_test(secrets_written_in_place_are_never_shown),
                cmocka_unit_test(sensitive_values_are_described_and_not_quoted),
                cmocka_unit_test(the_same_finding_twice_is_one),
                cmocka_unit_test(renders_as_compilers_do),
                cmocka_unit_test(shows_a_hundred_and_counts_the_rest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

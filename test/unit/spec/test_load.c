/* spec: several files, who may say what, environment and flags. */
#include "testing.h"

#include "base/arena.h"
#include "set.h"

#define SERVICE(name, more) \
        "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: " name "}\nspec: {image: b" more "}\n"
#define OVERRIDING(name, more)                                          \
        "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: " name \
        ", annotations: {hivelet/override: \"true\"}}\nspec: {image: b" more "}\n"

static const struct hv_object *object(const struct hv_desired *d, enum hv_kind kind, const char *name) {
        for (size_t i = 0; i < d->n_objects; i++)
                if (d->objects[i].kind == kind && strcmp(d->objects[i].name, name) == 0)
                        return &d->objects[i];
        return NULL;
}

/* An entry of NodeState and a document of its own are the same thing written in two places. */
static void a_document_of_its_own_equals_a_list_entry(void **state) {
        struct set a = {}, b = {};

        (void) state;
        assert_int_equal(
                set_load_text(&a, SET_HEAD "  services: [{name: web, image: b, labels: {x: y, z: w}}]\n"), 0);
        set_add(&b, "node.yaml", SET_HEAD "  {}\n");
        set_add(&b, "conf.d/web.yaml",
                "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: web, labels: {x: y, z: q}}\n"
                "spec: {image: b, labels: {z: w}}\n");
        assert_int_equal(set_load(&b), 0);
        assert_string_equal(a.desired->units[0].digest, b.desired->units[0].digest);
        assert_string_equal(a.desired->revision, b.desired->revision);
        assert_string_equal(b.desired->units[0].origin.file, "conf.d/web.yaml");
        assert_int_equal(b.desired->units[0].origin.line, 3);
        set_done(&a);
        set_done(&b);
}

static void every_kind_stands_alone(void **state) {
        struct set s = {};

        (void) state;
        set_add(&s, "f",
                "apiVersion: hivelet/v1\nkind: Task\nmetadata: {name: t}\nspec: {command: [x]}\n---\n"
                "apiVersion: hivelet/v1\nkind: CronTask\nmetadata: {name: c}\nspec: {schedule: '@daily', task: {command: [x]}}\n---\n"
                "apiVersion: hivelet/v1\nkind: Network\nmetadata: {name: n}\n---\n"
                "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: v}\nspec:\n---\n"
                "apiVersion: hivelet/v1\nkind: Secret\nmetadata: {name: s}\nspec: {fromCredential: s}\n---\n"
                "apiVersion: hivelet/v1\nkind: Config\nmetadata: {name: g}\nspec: {data: {k: v}}\n---\n"
                "apiVersion: hivelet/v1\nkind: Image\nmetadata: {name: i}\nspec: {ref: redis:7}\n---\n"
                "apiVersion: hivelet/v1\nkind: Registry\nmetadata: {name: r}\nspec: {host: registry.example.org}\n---\n"
                "apiVersion: hivelet/v1\nkind: WireGuard\nmetadata: {name: w}\nspec: {privateKey: {file: /k}}\n---\n" SERVICE(
                        "a", ""));
        if (set_load(&s) < 0)
                fail_msg("%s", s.said.data);
        for (enum hv_kind k = HV_KIND_SERVICE; k < HV_N_KINDS; k++) {
                size_t n = 0;

                for (size_t i = 0; i < s.desired->n_objects; i++)
                        n += s.desired->objects[i].kind == k;
                if (n != 1)
                        fail_msg("%s: %zu", hv_kind_name(k), n);
        }
        assert_non_null(object(s.desired, HV_KIND_IMAGE, "i"));
        assert_int_equal(s.desired->n_tasks, 1);
        assert_int_equal(s.desired->n_cron_tasks, 1);
        assert_false(set_says(&s, "f:31:7: warning[W040]")); /* every kind is acted on */
        set_done(&s);
}

static void who_may_define_what(void **state) {
        static const struct {
                const char *what, *primary, *drop_in, *said; /* said NULL: fine */
        } rows[] = {
                { "a drop-in adds", SET_HEAD "  services: [{name: a, image: b}]\n", SERVICE("c", ""), NULL },
                { "a drop-in replaces nothing by itself", SET_HEAD "  services: [{name: a, image: b}]\n",
                  SERVICE("a", ""),
                  "d:3:18: error[E0107]: metadata.name: Service \"a\" is already defined at f:5:21" },
                { "unless it says so", SET_HEAD "  services: [{name: a, image: b}]\n",
                  OVERRIDING("a", ", replicas: 2"), NULL },
                { "the primary cannot override", OVERRIDING("a", "") "---\n" OVERRIDING("a", ""), "",
                  "f:8:18: error[E0107]: metadata.name: Service \"a\" is already defined at f:3:18" },
                { "same name, other kind", SET_HEAD "  services: [{name: a, image: b}]\n",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: a}\n", NULL },
                { "twice in one list", SET_HEAD "  services: [{name: a, image: b}, {name: a, image: c}]\n",
                  "",
                  "f:5:42: error[E0107]: spec.services[1].name: Service \"a\" is already defined at f:5:21" },
                { "two NodeStates", SET_HEAD "  {}\n---\n" SET_HEAD "  {}\n", "",
                  "f:8:7: error[E0106]: kind: second NodeState; the first is f:1:1" },
                { "NodeState in a drop-in", SET_HEAD "  {}\n", SET_HEAD "  {}\n",
                  "d:2:7: error[E0106]: kind: a NodeState is allowed only in the primary file, f" },
                { "image twice", SET_HEAD "  images: {preload: [{ref: redis:7}, {ref: redis:7}]}\n", "",
                  "f:5:38: error[E0107]: spec.images.preload[1]: Image \"redis:7\" is already defined at f:5:22" },
                { "container names that meet",
                  SET_HEAD "  services: [{name: web, image: b, replicas: 2}, {name: web-2, image: b}]\n", "",
                  "f:5:57: error[E0107]: spec.services[1].name: container \"hive-web-2\" is already that of replica 2 of service \"web\" (5:21)" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};
                int r;

                set_add(&s, "f", rows[i].primary);
                if (*rows[i].drop_in)
                        set_add(&s, "d", rows[i].drop_in);
                r = set_load(&s);
                if (rows[i].said ? r == 0 || !set_says(&s, rows[i].said) : r < 0)
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&s.said));
                set_done(&s);
        }
}

static void an_override_takes_the_whole_place(void **state) {
        struct set s = {};

        (void) state;
        set_add(&s, "f", SET_HEAD "  services: [{name: a, image: b, env: [{name: X, value: y}]}]\n");
        set_add(&s, "d", OVERRIDING("a", ", replicas: 2"));
        assert_int_equal(set_load(&s), 0);
        assert_int_equal(s.desired->n_units, 2);
        assert_int_equal(s.desired->units[0].env.n, 0);
        assert_string_equal(s.desired->units[0].origin.file, "d");
        assert_int_equal(object(s.desired, HV_KIND_SERVICE, "a")->n_units, 2);
        set_done(&s);
}

static void envelopes(void **state) {
        static const struct {
                const char *what, *text, *said;
        } rows[] = {
                { "no apiVersion", "kind: Service\n",
                  "f:1:1: error[E0101]: apiVersion is missing; this agent knows hivelet/v1" },
                { "other apiVersion", "apiVersion: hivelet/v2\nkind: Service\n",
                  "f:1:13: error[E0101]: apiVersion: unknown apiVersion \"hivelet/v2\"; this agent knows hivelet/v1" },
                { "no kind", "apiVersion: hivelet/v1\n", "f:1:1: error[E0102]: kind is missing" },
                { "kind misspelled", "apiVersion: hivelet/v1\nkind: Servce\n",
                  "f:2:7: error[E0102]: kind: unknown kind \"Servce\"; did you mean \"Service\"?" },
                { "compose file", "services: {web: {image: x}}\n",
                  "f:1:1: error[E0103]: services: this is a compose file; convert it with: hivectl convert f" },
                { "Kubernetes", "apiVersion: apps/v1\nkind: Deployment\n",
                  "f:2:7: error[E0103]: kind: Deployment is a kind of Kubernetes; convert it with: hivectl convert f" },
                { "no name", "apiVersion: hivelet/v1\nkind: Volume\n",
                  "f:1:1: error[E0104]: metadata.name is required" },
                { "bad name", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: A_b}\n",
                  "f:3:18: error[E0105]: metadata.name: \"A_b\"" },
                { "bad node name", "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: A_b}\n",
                  "f:3:18: error[E0105]: metadata.name: \"A_b\"" },
                { "name in spec",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: a}\nspec: {name: a}\n",
                  "f:4:8: error[E0201]: spec.name: unknown field \"name\"; the name is written in metadata.name" },
                { "field beside spec",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: a}\nspek: {}\n",
                  "f:4:1: error[E0201]: spek: unknown field \"spek\"; did you mean \"spec\"?" },
                { "status", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: a}\nstatus: {}\n",
                  "f:4:1: warning[W002]: status: " },
                { "a list", "- a\n",
                  "f:1:1: error[E0202]: expected a mapping with apiVersion, kind and spec, found a list" },
                { "metadata that is text", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: a\n",
                  "f:3:11: error[E0202]: metadata: expected a mapping, found text" },
                { "spec that is text", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: a}\nspec: a\n",
                  "f:4:7: error[E0202]: spec: expected a mapping, found text" },
                { "spec of a NodeState that is text", "apiVersion: hivelet/v1\nkind: NodeState\nspec: a\n",
                  "f:3:7: error[E0202]: spec: expected a mapping, found text" },
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

static void node_id_comes_from_the_nearest_place(void **state) {
        static const struct {
                const char *what, *text, *flag, *id;
        } rows[] = {
                { "flag", SET_HEAD "  node: {id: from-file}\n", "from-flag", "from-flag" },
                { "file", SET_HEAD "  node: {id: from-file}\n", NULL, "from-file" },
                { "metadata", SET_HEAD "  {}\n", NULL, "node-1" },
                { "host name", "apiVersion: hivelet/v1\nkind: NodeState\n", NULL, "box" },
                { "nothing at all", NULL, NULL, "box" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};

                if (rows[i].flag)
                        hv_spec_overrides_add(&s.overrides, "node.id", rows[i].flag, "--node-id");
                if (rows[i].text)
                        set_add(&s, "f", rows[i].text);
                if (set_load(&s) < 0)
                        fail_msg("%s: %s", rows[i].what, s.said.data);
                assert_string_equal(s.desired->settings.node_id, rows[i].id);
                set_done(&s);
        }
}

/* hivemind-contract: each documented variable, by itself, over an empty state. */
static void documented_variables_reach_their_fields(void **state) {
        static const struct {
                const char *name, *value, *field, *text; /* text: as the override is written */
        } rows[] = {
                { "NODE_ID", "w-1", "node.id", "w-1" },
                { "NODE_PORT", "50060", "master.listen", ":50060" },
                { "FLASK_PORT", "5001", "http.listen", ":5001" },
                { "MASTER_ADDRESS", "10.0.0.1:50051", "master.address", "10.0.0.1:50051" },
                { "NODE_POOL_ADDRESS", "pool.example.org:50051", "master.address", "pool.example.org:50051" },
                { "MASTER_INSECURE", "TRUE", "master.insecure", "true" },
                { "DOCKER_ENABLED", "False", "node.docker.enabled", "false" },
                { "DOCKER_NETWORK", "hivemind", "taskDefaults.network", "hivemind" },
                { "MAX_CPU_CORES", "1.5", "resources.limits.cpu", "1.500000000" },
                { "MAX_CPU_CORES", "0", "resources.limits.cpu", "0.000000000" },
                { "MAX_MEMORY_GB", "0.5", "resources.limits.memory", "536870912" },
                { "MAX_DISK_GB", "100", "resources.limits.disk", "107374182400" },
                { "MAX_CONCURRENT_TASKS", "0", "master.accept.maxConcurrentTasks", "0" },
                { "TASK_TIMEOUT", "3600", "taskDefaults.timeout", "3600s" },
                { "HEARTBEAT_INTERVAL", "30", "master.heartbeat", "30s" },
                { "SESSION_TIMEOUT", "24", "http.auth.sessionTimeout", "24h" },
                { "TRUST_THRESHOLD", "50", "trust.groups.medium", "50" },
                { "WORK_DIR", "/srv/work", "node.paths.work", "/srv/work" },
                { "TEMP_DIR", "/srv/tmp", "node.paths.temp", "/srv/tmp" },
                { "LOG_DIR", "/var/log/hive", "logging.dir", "/var/log/hive" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const char *env[] = { rows[i].name, rows[i].value, NULL };
                struct set s = { .diags = hv_diags_new() };

                hv_spec_environment(&s.overrides, set_env, env, s.diags);
                if (s.overrides.list.n != 1 || strcmp(s.overrides.list.v[0].field, rows[i].field) != 0 ||
                    strcmp(s.overrides.list.v[0].text, rows[i].text) != 0)
                        fail_msg("%s=%s", rows[i].name, rows[i].value);
                /* Plain text to a pool far away is refused by the check, and is no concern here. */
                if (set_load(&s) < 0 && strstr(s.said.data, "E0502") == NULL)
                        fail_msg("%s=%s: %s", rows[i].name, rows[i].value, s.said.data);
                set_done(&s);

                env[1] = "";
                s.diags = hv_diags_new();
                hv_spec_environment(&s.overrides, set_env, env, s.diags);
                assert_int_equal(s.overrides.list.n, 0); /* empty counts as unset */
                set_done(&s);
        }
}

static void malformed_variables_are_named_all_at_once(void **state) {
        static const char *const env[] = {
                "NODE_PORT",
                "70000",
                "FLASK_PORT",
                "http",
                "MASTER_ADDRESS",
                "10.0.0.1",
                "DOCKER_ENABLED",
                "yes",
                "MAX_CPU_CORES",
                "four",
                "MAX_MEMORY_GB",
                "-1",
                "MAX_DISK_GB",
                "1,5",
                "MAX_CONCURRENT_TASKS",
                "1.5",
                "TASK_TIMEOUT",
                "0",
                "HEARTBEAT_INTERVAL",
                "30s",
                "SESSION_TIMEOUT",
                "0",
                "TRUST_THRESHOLD",
                "101",
                "WORK_DIR",
                "tasks",
                "TEMP_DIR",
                "../x",
                "LOG_DIR",
                "~/log",
                "MASTER_INSECURE",
                "1",
                NULL,
        };
        struct set s = { .diags = hv_diags_new() };
        const struct hv_diag *all;
        size_t n;

        (void) state;
        hv_spec_environment(&s.overrides, set_env, (void *) env, s.diags);
        all = hv_diags_all(s.diags, &n);
        assert_int_equal(n, HV_ARRAY_SIZE(env) / 2);
        for (size_t i = 0; i < n; i++) {
                assert_string_equal(all[i].code, "E0372");
                assert_non_null(strstr(all[i].message, "; expected "));
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(env) - 1; i += 2) {
                _hv_cleanup_free_ char *start = hv_asprintf("$%s is \"%s\"; expected ", env[i], env[i + 1]);
                bool said = false;

                for (size_t j = 0; j < n; j++)
                        said |= strncmp(all[j].message, start, strlen(start)) == 0;
                if (!said)
                        fail_msg("%s", start);
        }
        assert_int_equal(set_load(&s), -EINVAL);
        set_done(&s);
}

static void two_addresses_of_the_pool_must_agree(void **state) {
        static const char *const differ[] = { "MASTER_ADDRESS", "a:1", "NODE_POOL_ADDRESS", "b:1", NULL };
        static const char *const agree[] = { "MASTER_ADDRESS", "a:1", "NODE_POOL_ADDRESS", "a:1", NULL };
        struct set s = { .diags = hv_diags_new() };

        (void) state;
        hv_spec_environment(&s.overrides, set_env, (void *) differ, s.diags);
        assert_int_equal(set_load(&s), -EINVAL);
        assert_true(set_says(
                &s, ":0:0: error[E0373]: $MASTER_ADDRESS is \"a:1\" and $NODE_POOL_ADDRESS is \"b:1\""));
        set_done(&s);

        s.diags = hv_diags_new();
        hv_spec_environment(&s.overrides, set_env, (void *) agree, s.diags);
        assert_int_equal(hv_diags_errors(s.diags), 0);
        set_done(&s);
}

static void environment_is_over_the_file_and_flags_over_both(void **state) {
        static const char *const env[] = { "NODE_ID",       "from-env", "FLASK_PORT", "5009",
                                           "MAX_MEMORY_GB", "2",        NULL };
        struct set s = { .diags = hv_diags_new() };
        const struct hv_node *id;

        (void) state;
        hv_spec_environment(&s.overrides, set_env, (void *) env, s.diags);
        hv_spec_overrides_add(&s.overrides, "node.id", "from-flag", "--node-id");
        set_add(&s, "f",
                SET_HEAD
                "  node: {id: from-file}\n  http: {listen: \"127.0.0.2:5000\"}\n  resources: {limits: {memory: 2Gi}}\n");
        if (set_load(&s) < 0)
                fail_msg("%s", s.said.data);
        assert_string_equal(s.desired->settings.node_id, "from-flag");
        assert_string_equal(s.desired->settings.http_listen, "127.0.0.2:5009");
        assert_true(set_says(
                &s,
                "f:5:14: warning[W010]: spec.node.id: \"from-env\" from the environment ($NODE_ID) overrides "
                "the \"from-file\" written here"));
        assert_true(set_says(&s, "f:6:18: warning[W010]: spec.http.listen: "));
        assert_null(strstr(s.said.data, "MAX_MEMORY_GB")); /* 2 and 2Gi are the same amount */
        id = hv_node_at(s.desired->tree->state.node, "node.id");
        assert_string_equal(id->from, "--node-id"); /* what `explain` shows */
        assert_int_equal(id->at.line, 0);
        set_done(&s);
}

static void a_bad_flag_names_itself(void **state) {
        struct set s = {};

        (void) state;
        hv_spec_overrides_add(&s.overrides, "master.address", "10.0.0.1", "--node-pool");
        assert_int_equal(set_load_text(&s, "apiVersion: hivelet/v1\nkind: NodeState\nspec:\n"), -EINVAL);
        assert_non_null(strstr(s.said.data, "spec.master.address: "));
        assert_non_null(strstr(s.said.data, "(from --node-pool)"));
        set_done(&s);
}

/* A fleet or a pool must not read the agent's environment, nor take the place of what the node's own files
 * say. */
static void documents_from_elsewhere_have_fewer_rights(void **state) {
        static const char *const env[] = { "TOKEN", "MARKER", NULL };
        struct set s = { .env = env };

        (void) state;
        set_add(&s, "f", SET_HEAD "  services: [{name: a, image: b, hostname: \"${TOKEN:-x}\"}]\n");
        set_add(&s, "fleet", OVERRIDING("a", ", hostname: \"${TOKEN}\""));
        s.files[1].source = "fleet";
        assert_int_equal(set_load(&s), -EINVAL);
        assert_true(set_says(
                &s, "fleet:4:28: error[E0370]: spec.hostname: variable TOKEN is not set and has no default"));
        assert_true(set_says(
                &s, "fleet:3:18: error[E0107]: metadata.name: Service \"a\" is already defined at f:5:21"));
        assert_null(strstr(s.said.data, "MARKER"));
        set_done(&s);
}

/* A reference to something that stands where nobody could read is not called unknown; one mistake in a field
 * does not hide the unknown ones. */
static void unknown_is_said_only_of_what_was_read_whole(void **state) {
        static const struct {
                const char *what, *second;
                bool said;
        } rows[] = {
                { "all read", "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: w}\n", true },
                { "a mistake in a field",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: w}\nspec: {reclaim: x}\n", true },
                { "an unset variable",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: w}\nspec: {driver: \"${X}\"}\n",
                  true },
                { "a syntax error", "apiVersion: hivelet/v1\nkind: [\n", false },
                { "an unknown kind", "apiVersion: hivelet/v1\nkind: Volum\nmetadata: {name: v}\n", false },
                { "a name that is not known",
                  "apiVersion: hivelet/v1\nkind: Volume\nmetadata: {name: \"${X}\"}\n", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};

                set_add(&s, "f",
                        SET_HEAD "  services: [{name: a, image: b, mounts: [{volume: v, target: /d}]}]\n");
                set_add(&s, "d", rows[i].second);
                assert_int_equal(set_load(&s), -EINVAL);
                if ((strstr(s.said.data, "error[E0361]") != NULL) != rows[i].said)
                        fail_msg("%s: %s", rows[i].what, s.said.data);
                set_done(&s);
        }
}

static void node_ids_are_plain(void **state) {
        static const struct {
                const char *id;
                bool good;
        } rows[] = {
                { "worker-Berlin_07.example", true },
                { "a b", false },
                { "a\nb", false },
                { "", false },
                { "a=b", false },
                { "\u00e4", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};

                hv_spec_overrides_add(&s.overrides, "node.id", rows[i].id, "--node-id");
                if ((set_load_text(&s, SET_HEAD "  {}\n") == 0) != rows[i].good)
                        fail_msg("%s: %s", rows[i].id, hv_buf_str(&s.said));
                set_done(&s);
        }
}

static void objects_are_found_by_name(void **state) {
        struct set s = {};

        (void) state;
        assert_int_equal(
                set_load_text(
                        &s, SET_HEAD
                        "  services: [{name: b, image: x}, {name: a, image: y}]\n  volumes: [{name: a}]\n"),
                0);
        assert_string_equal(
                ((const struct hv_spec_service *) hv_spec_find(s.desired->tree, HV_KIND_SERVICE, "a"))->image,
                "y");
        assert_int_equal(hv_spec_find(s.desired->tree, HV_KIND_VOLUME, "a")->kind, HV_KIND_VOLUME);
        assert_null(hv_spec_find(s.desired->tree, HV_KIND_TASK, "a"));
        assert_null(hv_spec_find(s.desired->tree, HV_KIND_SERVICE, "c"));
        set_done(&s);
}

/* A mistake of the caller's (a file that cannot be opened) refuses the state, too. */
static void findings_that_were_there_count(void **state) {
        struct set s = { .diags = hv_diags_new() };

        (void) state;
        (void) hv_diag_error(s.diags, NULL, "E0001", "cannot open");
        assert_int_equal(set_load_text(&s, SET_HEAD "  {}\n"), -EINVAL);
        assert_null(s.desired);
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_document_of_its_own_equals_a_list_entry),
                cmocka_unit_test(every_kind_stands_alone),
                cmocka_unit_test(who_may_define_what),
                cmocka_unit_test(an_override_takes_the_whole_place),
                cmocka_unit_test(envelopes),
                cmocka_unit_test(node_id_comes_from_the_nearest_place),
                cmocka_unit_test(documented_variables_reach_their_fields),
                cmocka_unit_test(malformed_variables_are_named_all_at_once),
                cmocka_unit_test(two_addresses_of_the_pool_must_agree),
                cmocka_unit_test(environment_is_over_the_file_and_flags_over_both),
                cmocka_unit_test(a_bad_flag_names_itself),
                cmocka_unit_test(documents_from_elsewhere_have_fewer_rights),
                cmocka_unit_test(unknown_is_said_only_of_what_was_read_whole),
                cmocka_unit_test(node_ids_are_plain),
                cmocka_unit_test(objects_are_found_by_name),
                cmocka_unit_test(findings_that_were_there_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

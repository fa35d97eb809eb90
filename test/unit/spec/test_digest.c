/* spec: a digest changes when a container must be replaced, and only then; a revision when the meaning
 * changes. */
#include "testing.h"

#include "set.h"
#include "spec/schema.h"

/* A service with every field that has a cost, so that each can be changed by itself. */
#define POLICY                                                                                                                     \
        "  node: {policy: {capabilities: [CHOWN, NET_ADMIN, SETUID], hostPaths: [/srv], hostNetwork: allow, privileged: allow}}\n" \
        "  volumes: [{name: v}, {name: w}]\n  networks: [{name: n}, {name: m}]\n"

static void digests(const char *service, char unit[HV_SHA256_HEX_SIZE], char revision[HV_SHA256_HEX_SIZE]) {
        _hv_cleanup_free_ char *text =
                hv_asprintf("%s%s  services:\n    - name: a\n%s", SET_HEAD, POLICY, service);
        struct set s = {};

        if (set_load_text(&s, text) < 0)
                fail_msg("%s\n%s", service, s.said.data);
        strcpy(unit, s.desired->units[0].digest);
        strcpy(revision, s.desired->revision);
        set_done(&s);
}

#define BASE "      image: nginx\n"

static void meaning_counts_and_not_the_writing(void **state) {
        static const struct {
                const char *what, *a, *b;
                bool same_revision;
        } rows[] = {
                { "order of fields", BASE "      workdir: /w\n      hostname: h\n",
                  "      hostname: h\n      workdir: /w\n" BASE, true },
                { "comments and quotes", BASE, "      # hello\n      image: \"nginx\"   # there\n", true },
                { "flow and block", BASE "      args: [a, b]\n",
                  BASE "      args:\n        - a\n        - b\n", true },
                { "image in full", BASE, "      image: docker.io/library/nginx:latest\n", true },
                { "order of variables", BASE "      env: [{name: A, value: x}, {name: B, value: y}]\n",
                  BASE "      env: [{name: B, value: y}, {name: A, value: x}]\n", true },
                { "order of networks", BASE "      networks: [{name: n}, {name: m}]\n",
                  BASE "      networks: [{name: m}, {name: n}]\n", true },
                { "order of mounts",
                  BASE "      mounts: [{volume: v, target: /a}, {volume: w, target: /b}]\n",
                  BASE "      mounts: [{volume: w, target: /b}, {volume: v, target: /a}]\n", true },
                { "order of ports", BASE "      ports: [{container: 80}, {container: 79, protocol: udp}]\n",
                  BASE "      ports: [{container: 79, protocol: udp}, {container: 80}]\n", true },
                { "order of labels", BASE "      labels: {a: b, c: d}\n", BASE "      labels: {c: d, a: b}\n",
                  true },
                { "signal by another name", BASE "      stop: {signal: TERM}\n",
                  BASE "      stop: {signal: SIGTERM}\n", true },
                { "defaults written out", BASE,
                  BASE
                  "      pullPolicy: missing\n      replicas: 1\n      stop: {signal: TERM, grace: 10s}\n"
                  "      restart: {policy: always, backoff: {initial: 1s, factor: 2, max: 2m, resetAfter: 10m}}\n"
                  "      security: {readOnlyRoot: false, noNewPrivileges: true, privileged: false, init: true}\n"
                  "      resources: {limits: {pids: 1024}}\n",
                  true },
                { "network written out", BASE, BASE "      networks: [{name: hivemind}]\n", false },
                { "log caps written out", BASE,
                  BASE "      logging: {driver: json-file, maxSize: 20Mi, maxFiles: 3}\n", false },
                { "quota as limit", BASE "      resources: {limits: {cpu: 500m}}\n",
                  BASE "      cpuQuota: 50000\n", false },
                { "port's own defaults", BASE "      ports: [{container: 80}]\n",
                  BASE "      ports: [{container: 80, protocol: tcp, bind: loopback}]\n", true },
                { "capability by another name", BASE "      security: {addCapabilities: [NET_ADMIN]}\n",
                  BASE "      security: {addCapabilities: [cap_net_admin]}\n", true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char unit_a[HV_SHA256_HEX_SIZE], unit_b[HV_SHA256_HEX_SIZE], revision_a[HV_SHA256_HEX_SIZE],
                        revision_b[HV_SHA256_HEX_SIZE];

                digests(rows[i].a, unit_a, revision_a);
                digests(rows[i].b, unit_b, revision_b);
                if (strcmp(unit_a, unit_b) != 0)
                        fail_msg("%s: another unit", rows[i].what);
                if (rows[i].same_revision && strcmp(revision_a, revision_b) != 0)
                        fail_msg("%s: another revision", rows[i].what);
        }
}

/* One row for every scalar field of a service that the table gives a cost; the test below sees that none is
 * missing. */
static const struct change {
        const char *field, *a, *b;
} changes[] = {
        { "labels", "labels: {x: a}", "labels: {x: b}" },
        { "image", "image: nginx:1", "image: nginx:2" },
        { "command", "command: [a]", "command: [b]" },
        { "command", "command: [a, b]", "command: [\"a b\"]" },
        { "args", "args: []", "" },
        { "args", "args: [a]", "args: [a, \"\"]" },
        { "workdir", "workdir: /a", "workdir: /b" },
        { "hostname", "hostname: a", "hostname: b" },
        { "env.name", "env: [{name: A, value: x}]", "env: [{name: B, value: x}]" },
        { "env.value", "env: [{name: A, value: x}]", "env: [{name: A, value: y}]" },
        { "network", "network: none", "network: host" },
        { "networks.name", "networks: [{name: n}]", "networks: [{name: m}]" },
        { "networks.aliases", "networks: [{name: n}]", "networks: [{name: n, aliases: [x]}]" },
        { "mounts.volume", "mounts: [{volume: v, target: /d}]", "mounts: [{volume: w, target: /d}]" },
        { "mounts.hostPath", "mounts: [{hostPath: /srv/a, target: /d}]",
          "mounts: [{hostPath: /srv/b, target: /d}]" },
        { "mounts.tmpfs", "mounts: [{tmpfs: 1Mi, target: /d}]", "mounts: [{tmpfs: 2Mi, target: /d}]" },
        { "mounts.target", "mounts: [{volume: v, target: /d}]", "mounts: [{volume: v, target: /e}]" },
        { "mounts.readOnly", "mounts: [{volume: v, target: /d}]",
          "mounts: [{volume: v, target: /d, readOnly: true}]" },
        { "ports.container", "ports: [{container: 80}]", "ports: [{container: 81}]" },
        { "ports.host", "ports: [{container: 80, host: 8080}]", "ports: [{container: 80, host: 8081}]" },
        { "ports.bind", "ports: [{container: 80}]", "ports: [{container: 80, bind: 127.0.0.2}]" },
        { "ports.protocol", "ports: [{container: 80}]", "ports: [{container: 80, protocol: udp}]" },
        { "security.readOnlyRoot", "", "security: {readOnlyRoot: true}" },
        { "security.noNewPrivileges", "", "security: {noNewPrivileges: false}" },
        { "security.dropCapabilities", "", "security: {dropCapabilities: [CHOWN]}" },
        { "security.addCapabilities", "", "security: {addCapabilities: [NET_ADMIN]}" },
        { "security.privileged", "", "security: {privileged: true}" },
        { "security.user", "security: {user: \"1\"}", "security: {user: \"2\"}" },
        { "security.init", "", "security: {init: false}" },
        { "stop.signal", "", "stop: {signal: INT}" },
        { "stop.grace", "", "stop: {grace: 11s}" },
        { "logging.driver", "", "logging: {driver: journald}" },
        { "logging.maxSize", "", "logging: {maxSize: 21Mi}" },
        { "logging.maxFiles", "", "logging: {maxFiles: 4}" },
        { "logging.options", "", "logging: {options: {tag: x}}" },
        { "resources.limits.cpu", "", "resources: {limits: {cpu: 1}}" },
        { "resources.limits.memory", "", "resources: {limits: {memory: 1Gi}}" },
        { "resources.limits.pids", "", "resources: {limits: {pids: 9}}" },
        { "cpuQuota", "", "cpuQuota: 1000" },
        { "restart.policy", "", "restart: {policy: never}" },
        { "restart.backoff.initial", "", "restart: {backoff: {initial: 2s}}" },
        { "restart.backoff.factor", "", "restart: {backoff: {factor: 3}}" },
        { "restart.backoff.max", "", "restart: {backoff: {max: 3m}}" },
        { "restart.backoff.resetAfter", "", "restart: {backoff: {resetAfter: 3m}}" },
        { "pullPolicy", "", "pullPolicy: always" },
        { "annotations", "", "annotations: {a: b}" },
};

static void a_change_costs_what_the_table_says(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(changes); i++) {
                const struct change *c = &changes[i];
                bool image = strncmp(c->a, "image", 5) == 0;
                _hv_cleanup_free_ char *a = hv_asprintf("%s      %s\n", image ? "" : BASE, c->a);
                _hv_cleanup_free_ char *b = hv_asprintf("%s      %s\n", image ? "" : BASE, c->b);
                _hv_cleanup_free_ char *path = hv_asprintf("services.%s", c->field);
                const struct hv_field *f = hv_schema_find(path, NULL);
                char unit_a[HV_SHA256_HEX_SIZE], unit_b[HV_SHA256_HEX_SIZE], revision_a[HV_SHA256_HEX_SIZE],
                        revision_b[HV_SHA256_HEX_SIZE];
                bool replaced;

                if (!f)
                        fail_msg("%s is no field", path);
                digests(a, unit_a, revision_a);
                digests(b, unit_b, revision_b);
                replaced = strcmp(unit_a, unit_b) != 0;
                if (replaced != (f->cost == HV_COST_RECREATE))
                        fail_msg("%s: the table says %s, the container is %s", path, hv_cost_name(f->cost),
                                 replaced ? "replaced" : "kept");
                if (strcmp(revision_a, revision_b) == 0)
                        fail_msg("%s: no new revision", path);
        }
}

static bool is_covered(const char *path) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(changes); i++)
                if (strcmp(path, changes[i].field) == 0)
                        return true;
        return false;
}

static void see_covered(const struct hv_schema *s, const char *path, bool planned) {
        for (size_t i = 0; i < s->n_fields; i++) {
                const struct hv_field *f = &s->fields[i];
                _hv_cleanup_free_ char *below = hv_asprintf("%s%s%s", path, *path ? "." : "", f->name);

                if (f->type == HV_FIELD_REFUSED || planned || f->planned || strcmp(below, "name") == 0)
                        continue;
                if (f->schema)
                        see_covered(f->schema, below, planned || f->planned);
                else if (f->cost == HV_COST_RECREATE && !is_covered(below))
                        fail_msg("%s costs a new container, and no test changes it", below);
        }
}

static void every_field_that_costs_a_container_is_tested(void **state) {
        (void) state;
        see_covered(hv_schema_of(HV_KIND_SERVICE), "", false);
}

/* What the node allows is part of what a container gets. */
static void policy_and_slice_reach_the_digest(void **state) {
        static const char *const texts[] = {
                "  node: {policy: {capabilities: [CHOWN]}}\n  services: [{name: a, image: b}]\n",
                "  node: {policy: {capabilities: [SETUID]}}\n  services: [{name: a, image: b}]\n",
                "  resources: {cgroup: {slice: x.slice}}\n  services: [{name: a, image: b}]\n",
                "  logging: {containers: {driver: journald}}\n  services: [{name: a, image: b}]\n",
                "  services: [{name: a, image: b}]\n",
        };
        char seen[HV_ARRAY_SIZE(texts)][HV_SHA256_HEX_SIZE];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, texts[i]);
                struct set s = {};

                if (set_load_text(&s, text) < 0)
                        fail_msg("%s", s.said.data);
                strcpy(seen[i], s.desired->units[0].digest);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(seen[i], seen[j]);
                set_done(&s);
        }
}

/* The canonical form is a promise: another one would replace every container on upgrade. Change these only
 * together with the version in the form ("unit 1"), and say so in the change log. */
static void the_form_is_frozen(void **state) {
        struct set s = {};

        (void) state;
        if (set_load_text(
                    &s, SET_HEAD
                    "  networks: [{name: n, subnet: 172.30.0.0/24, options: {a: b}}]\n  volumes: [{name: v}]\n"
                    "  services: [{name: a, image: nginx, args: [x], env: [{name: A, value: b}], networks: [{name: n}], "
                    "mounts: [{volume: v, target: /d}], ports: [{container: 80, host: 8080}]}]\n") < 0)
                fail_msg("%s", s.said.data);
        assert_string_equal(s.desired->units[0].digest,
                            "aad980a3d99af4ef7387516cdb7dacb2e2ae9c28fb91b8130174283c8b917ee9");
        assert_string_equal(s.desired->networks[0].digest,
                            "edf3d40ade21cdc4a13d5a021deb3f549ed9647321d6874ade8126b8e1e5ab72");
        assert_string_equal(s.desired->volumes[0].digest,
                            "39a186c445bb7926825cf9c922d479831ebe36d2b347276b1122a319093abe7a");
        set_done(&s);

        /* What is as the defaults have it is not written down: a state that says nothing is its node's id. */
        assert_int_equal(set_load_text(&s, SET_HEAD "  {}\n"), 0);
        assert_string_equal(s.desired->revision,
                            "a587540b0586b7116beb9765be9440345969a8aa6ec3713c17a906d48d1e08f4");
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(meaning_counts_and_not_the_writing),
                cmocka_unit_test(a_change_costs_what_the_table_says),
                cmocka_unit_test(every_field_that_costs_a_container_is_tested),
                cmocka_unit_test(policy_and_slice_reach_the_digest),
                cmocka_unit_test(the_form_is_frozen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* hivectl convert: what comes out is a document that hivelet takes, and what does not come out is told. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run.h"
#include "spec/load.h"
#include "spec/yaml.h"

#define DATA HV_SOURCE_DIR "/test/unit/cli/data/convert/"

static void expect_all(const char *what, const char *text, const char *const *parts) {
        for (size_t i = 0; parts[i]; i++)
                if (!strstr(text, parts[i]))
                        fail_msg("%s: \"%s\" is not in:\n%s", what, parts[i], text);
}

/* The notes are these and no others. */
static void expect_notes(const char *file, const struct run *r, const char *const *notes) {
        _hv_cleanup_(hv_buf_done) struct hv_buf wanted = {};

        for (size_t i = 0; notes[i]; i++)
                hv_buf_printf(&wanted, "%s%s\n", file, notes[i]);
        assert_string_equal(hv_buf_str(&r->err), hv_buf_str(&wanted));
}

static void expect_valid(const struct run *converted) {
        struct run r = run(NULL, "validate -", &(struct run_options){ .input = hv_buf_str(&converted->out) });

        if (r.code != 0)
                fail_msg("validate: %s%s\n%s", hv_buf_str(&r.out), hv_buf_str(&r.err),
                         hv_buf_str(&converted->out));
        run_done(&r);
}

static void a_deployment_becomes_a_service(void **state) {
        static const char file[] = DATA "deployment.yaml";
        static const char *const parts[] = {
                "kind: Service\nmetadata:\n  name: web-shop\n  labels:\n    app: shop\n",
                "  image: nginx:1.27-alpine\n  pullPolicy: missing\n  replicas: 2\n",
                "  args:\n    - nginx\n    - \"-g\"\n    - \"daemon off;\"\n",
                "  env:\n    - name: TZ\n      value: Europe/Berlin\n  mounts:\n",
                "    - volume: shop-data\n      target: /data\n    - volume: web-shop-scratch\n      target: /scratch\n    - tmpfs: \"32Mi\"\n      target: /fast\n  readiness:\n",
                "  readiness:\n    http:\n      port: \"80\"\n      path: /healthz\n    period: \"5s\"\n    timeout: \"2s\"\n",
                "  liveness:\n    exec:\n      - cat\n      - /tmp/alive\n",
                "    requests:\n      cpu: \"250m\"\n      memory: \"64Mi\"\n    limits:\n      memory: \"128Mi\"\n",
                "  restart:\n    policy: always\n",
                "    user: \"101:101\"\n    readOnlyRoot: true\n    noNewPrivileges: true\n    dropCapabilities:\n      - ALL\n",
                "  stop:\n    grace: \"20s\"\n",
                "---\napiVersion: hivelet/v1\nkind: Volume\nmetadata:\n  name: shop-data\n",
                "kind: Volume\nmetadata:\n  name: web-shop-scratch\n",
                NULL,
        };
        static const char *const notes[] = {
                ":5: metadata.annotations is not carried over",
                ":8: spec.selector is not carried over",
                ":15: spec.template.spec.securityContext.fsGroup is not carried over",
                ":16: spec.template.spec.initContainers is not carried over",
                ":20: spec.template.spec.volumes[1] becomes a volume: what is in it outlives the containers",
                ":24: spec.template.spec.volumes[3] is not carried over: nothing mounts it",
                ":25: spec.template.spec.volumes[3].configMap is not carried over",
                ":26: spec.template.spec.volumes[4] is not carried over: nothing mounts it",
                ":35: spec.template.spec.containers[0].env[1].valueFrom is not carried over",
                ":37: spec.template.spec.containers[0].ports[0] has no hostPort: it is not published",
                ":45: spec.template.spec.containers[0].resources.requests.ephemeral-storage is not carried over",
                ":52: spec.template.spec.containers[0].volumeMounts[0].subPath is not carried over",
                ":55: spec.template.spec.containers[0].volumeMounts[3] is not carried over: volume conf is no hostPath, claim or emptyDir",
                ":56: spec.template.spec.containers[0].tty is not carried over",
                ":58: kind Service is not carried over; Pod and Deployment are",
                ": the result: W040: \"readiness\" is checked but not acted on yet",
                ": the result: W040: \"liveness\" is checked but not acted on yet",
                NULL,
        };
        struct run r = run(NULL, "convert " DATA "deployment.yaml", NULL);

        (void) state;
        assert_int_equal(r.code, 0);
        expect_all("deployment", hv_buf_str(&r.out), parts);
        expect_notes(file, &r, notes);
        expect_valid(&r);
        run_done(&r);
}

static void a_unit_of_quadlet_becomes_a_service(void **state) {
        static const char file[] = DATA "web.container";
        static const char *const parts[] = {
                "kind: Service\nmetadata:\n  name: web\n",
                "  image: docker.io/library/nginx:1.27-alpine\n  labels:\n    app: shop\n  args:\n    - nginx\n    - \"-g\"\n    - \"daemon off;\"\n",
                "    - name: GREETING\n      value: good day\n    - name: EMPTY\n      value: \"\"\n",
                "    - volume: shop-data\n      target: /data\n      readOnly: true\n",
                "    - container: 80\n      host: \"8080\"\n      bind: \"127.0.0.1\"\n    - container: 5353\n      bind: \"127.0.0.1\"\n      protocol: udp\n",
                "    limits:\n      memory: \"512Mi\"\n",
                "  restart:\n    policy: onFailure\n  stop:\n    grace: \"20s\"\n",
                "    user: \"101\"\n    readOnlyRoot: true\n    dropCapabilities:\n      - CHOWN\n      - SETUID\n",
                "kind: Volume\nmetadata:\n  name: shop-data\n",
                NULL,
        };
        static const char *const notes[] = {
                ":3: [Unit] Description is not carried over",
                ":21: [Container] AutoUpdate is not carried over",
                ":25: [Service] TimeoutStartSec is not carried over",
                ":28: [Install] WantedBy is not carried over",
                ": option Z of Volume=shop-data.volume:/data:ro,Z is not carried over",
                NULL,
        };
        struct run r = run(NULL, "convert " DATA "web.container", NULL);

        (void) state;
        assert_int_equal(r.code, 0);
        expect_all("quadlet", hv_buf_str(&r.out), parts);
        expect_notes(file, &r, notes);
        expect_valid(&r);
        run_done(&r);
}

static void what_hivelet_would_refuse_is_told(void **state) {
        static const struct {
                const char *words;
                int code;
                const char *err;
        } rows[] = {
                { "convert " HV_SOURCE_DIR "/test/unit/cli/data/task.yaml", 1,
                  "there is no container of a Pod or a Deployment in it" },
                { "convert " DATA "web.container --into /tmp", 64,
                  "--into is for the keys of a file of wg-quick" },
                { "convert " DATA "public.container", 0,
                  "the node has to allow it: node.policy: {publish: [loopback, public]}" },
                { "convert " DATA "elsewhere.container", 0,
                  "line 8 of the result: E0307: spec.networks[0].name: network \"backend\" is not defined" },
                { "convert /nowhere/pod.yaml", 1, "cannot open /nowhere/pod.yaml" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct run r = run(NULL, rows[i].words, NULL);

                if (r.code != rows[i].code || !strstr(hv_buf_str(&r.err), rows[i].err))
                        fail_msg("%s: code %d: %s", rows[i].words, r.code, hv_buf_str(&r.err));
                assert_int_equal(r.out.len > 0, r.code == 0);
                run_done(&r);
        }
}

/* ---- compose files ---- */

#define COMPOSE DATA "compose/"

/* Where this tree lies is not part of what must come. */
static void add_portable(struct hv_buf *b, const char *text) {
        for (const char *at; (at = strstr(text, HV_SOURCE_DIR)); text = at + strlen(HV_SOURCE_DIR)) {
                hv_buf_add(b, text, (size_t) (at - text));
                hv_buf_puts(b, "/SOURCE");
        }
        hv_buf_puts(b, text);
}

static char *read_whole(const char *path) {
        struct hv_buf text = {};
        FILE *f = fopen(path, "re");
        char chunk[4096];
        size_t n;

        if (!f)
                fail_msg("%s: %s; HV_GOLDEN=write makes it", path, strerror(errno));
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                hv_buf_add(&text, chunk, n);
        (void) fclose(f);
        return hv_buf_steal(&text);
}

static void write_whole(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* On a node that allows what the notes say it has to, and with no word more. */
static void expect_valid_there(const char *what, const struct run *converted) {
        static const char wanted[] = "node.policy: ";
        const char *policy = strstr(hv_buf_str(&converted->err), wanted);
        char node[] = "/tmp/hv-convert-XXXXXX";
        _hv_cleanup_free_ char *text = NULL, *words = NULL;
        int fd = mkstemp(node);
        struct run r;

        assert_true(fd >= 0);
        (void) close(fd);
        policy = policy ? policy + strlen(wanted) : "{}";
        text = hv_asprintf(
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: n}\nspec: {node: {policy: %.*s}}\n",
                (int) strcspn(policy, "\n"), policy);
        write_whole(node, text);
        words = hv_asprintf("validate %s -", node);
        r = run(NULL, words, &(struct run_options){ .input = hv_buf_str(&converted->out) });
        (void) unlink(node);
        if (r.code != 0)
                fail_msg("%s: validate: %s%s\n%s%s", what, hv_buf_str(&r.out), hv_buf_str(&r.err), text,
                         hv_buf_str(&converted->out));
        run_done(&r);
}

static void compose_files_become_documents(void **state) {
        static const struct {
                const char *folder, *file;
        } rows[] = {
                { "wordpress", "compose.yaml" }, { "monitoring", "docker-compose.yml" },
                { "cloud", "compose.yaml" },     { "voting", "compose.yaml" },
                { "inference", "compose.yaml" }, { "forge", "docker-compose.yaml" },
                { "swarm", "stack.yml" },
        };
        static const char *const environment[] = { "BANNER_TEXT=hello there", "HOME=/home/ana", NULL };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *words = hv_asprintf("convert " COMPOSE "%s/%s", rows[i].folder,
                                                            rows[i].file),
                                       *path = hv_asprintf(COMPOSE "%s/golden", rows[i].folder),
                                       *wanted = NULL;
                _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
                struct run r = run(NULL, words, &(struct run_options){ .environment = environment });

                if (r.code != 0)
                        fail_msg("%s: %s", rows[i].folder, hv_buf_str(&r.err));
                add_portable(&got, hv_buf_str(&r.err));
                hv_buf_puts(&got, "\n");
                add_portable(&got, hv_buf_str(&r.out));
                if (getenv("HV_GOLDEN"))
                        write_whole(path, hv_buf_str(&got));
                wanted = read_whole(path);
                assert_string_equal(hv_buf_str(&got), wanted);
                expect_valid_there(rows[i].folder, &r);
                run_done(&r);
        }
}

static void profiles_and_variables_are_chosen(void **state) {
        static const struct {
                const char *what, *words, *const environment[2], *out, *err;
        } rows[] = {
                { "a profile", "--profile debug " COMPOSE "cloud/compose.yaml", {}, "  name: adminer\n", "" },
                { "another profile",
                  "--profile seed " COMPOSE "cloud/compose.yaml",
                  {},
                  "  name: app\n",
                  "services.adminer is not carried over" },
                { "every profile",
                  "--profile * " COMPOSE "voting/compose.yaml",
                  {},
                  "  dependsOn:\n    - service: vote\n",
                  "" },
                { "the environment goes first",
                  COMPOSE "wordpress/compose.yaml",
                  { "DB_PASSWORD=other" },
                  "      value: other\n",
                  "variable DB_PASSWORD comes from the environment of this command" },
                { "a file in place of .env",
                  "--env-file " COMPOSE "wordpress/prod.env " COMPOSE "wordpress/compose.yaml",
                  {},
                  "      value: prod-root\n",
                  "variable DB_PASSWORD is not set" },
                { "set or not",
                  COMPOSE "forge/docker-compose.yaml",
                  { "INITDB=1" },
                  "      value: \"--data-checksums\"\n",
                  "variables INITDB, HOME come from the environment" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *words = hv_asprintf("convert %s", rows[i].words);
                struct run r = run(NULL, words, &(struct run_options){ .environment = rows[i].environment });

                if (r.code != 0 || !strstr(hv_buf_str(&r.out), rows[i].out) ||
                    !strstr(hv_buf_str(&r.err), rows[i].err))
                        fail_msg("%s: code %d: %s\n%s", rows[i].what, r.code, hv_buf_str(&r.err),
                                 hv_buf_str(&r.out));
                run_done(&r);
        }
}

/* Nothing of it is printed, and no value of a variable is in what is said. */
static void what_cannot_be_expressed_is_refused(void **state) {
        static const struct {
                const char *what, *text, *err;
        } rows[] = {
                { "nothing but build", "services: {web: {build: .}}\n",
                  "services.web has no image, only build: hivelet builds none; build it, push it, and name it with image:" },
                { "no image", "services: {web: {command: x}}\n", "line 1: services.web has no image:" },
                { "the network of another",
                  "services:\n  web:\n    image: x\n    network_mode: service:vpn\n",
                  "services.web.network_mode service:vpn: hivelet has no containers that share a network" },
                { "the engine's socket",
                  "services: {web: {image: \"x:1\", volumes: [\"/var/run/docker.sock:/var/run/docker.sock\"]}}\n",
                  "E0367: spec.mounts[0].hostPath: " },
                { "a value of two lines",
                  "services: {web: {image: \"x:1\", environment: {A: \"hunter1\\nhunter2\"}}}\n",
                  "E0429: spec.env[0].value: the value holds a line break" },
                { "must be set", "services:\n  web:\n    image: ${TAG_OF_NONE:?say which}\n",
                  "line 3: variable TAG_OF_NONE is not set: say which" },
                { "no variable", "services: {web: {image: \"x\", environment: {A: \"hunter$\"}}}\n",
                  "line 1: a $ begins no variable; expected ${NAME} and the like, or $$ for a dollar sign" },
                { "not closed", "services: {web: {image: \"x${A\"}}\n", "line 1: a $ begins no variable" },
                { "unknown volume",
                  "services: {web: {image: \"x:1\", volumes: [\"dta:/data\"]}}\nvolumes: {data: }\n",
                  "volumes.dta is not declared at the top of the file; did you mean data?" },
                { "unknown network", "services: {web: {image: \"x:1\", networks: [front]}}\n",
                  "networks.front is not declared at the top of the file" },
                { "a config without text",
                  "services: {web: {image: \"x:1\", configs: [a]}}\nconfigs: {a: {external: true}}\n",
                  "configs.a has no text here: expected file, content, or a variable that is set" },
                { "a missing file", "services: {web: {image: \"x:1\", env_file: none.env}}\n",
                  "line 1: services.web.env_file: cannot open " },
                { "no service", "services: {}\n", "there is no service in it" },
                { "a circle",
                  "services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n",
                  "E0368: spec.dependsOn[0].service: cycle: a -> b -> a" },
        };
        char folder[] = "/tmp/hv-compose-XXXXXX";
        _hv_cleanup_free_ char *path = NULL, *words = NULL;

        (void) state;
        assert_non_null(mkdtemp(folder));
        path = hv_asprintf("%s/compose.yaml", folder);
        words = hv_asprintf("convert %s", path);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct run r;

                write_whole(path, rows[i].text);
                r = run(NULL, words, NULL);
                if (r.code != 1 || r.out.len > 0 || !strstr(hv_buf_str(&r.err), rows[i].err) ||
                    strstr(hv_buf_str(&r.err), "hunter"))
                        fail_msg("%s: code %d: %s\n%s", rows[i].what, r.code, hv_buf_str(&r.err),
                                 hv_buf_str(&r.out));
                run_done(&r);
        }
        (void) unlink(path);
        assert_int_equal(rmdir(folder), 0);
}

/* ---- and back: what hivelet runs, as documents ---- */

#define SHARED                                                                         \
        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: worker-1}\nspec:\n" \
        "  secrets:\n    - {name: wg-key, generate: wireguard}\n"
#define BACKEND "  networks:\n    - {name: backend, internal: true, options: {a: \"1\"}}\n"
#define KEPT "  volumes:\n    - {name: data, labels: {tier: back}, reclaim: delete, access: exclusive}\n"

/* What was declared before, which the stage's status still tells of: it has to outlive the stage. */
static struct hv_desired *declare(struct stage *s, const char *text) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        const struct hv_spec_file file = { .name = "/etc/hivelet/node.yaml",
                                           .text = text,
                                           .len = strlen(text),
                                           .source = "file",
                                           .primary = true };
        const struct hv_spec_input in = {
                .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "n"
        };
        struct hv_desired *before = HV_STEAL(s->desired);

        if (hv_spec_load(&in, &s->desired, diags) < 0)
                fail_msg("%s", hv_diags_all(diags, &(size_t){ 0 })->message);
        stage_changed(s);
        return before;
}

/* `hivectl get TYPE/NAME -o yaml | hivectl validate -f shared.yaml -f -` */
static void what_is_got_can_be_applied(void **state) {
        static const struct {
                const char *object, *shared, *out, *err;
                int code; /* of validate */
        } rows[] = {
                { "network/backend", SHARED, "spec:\n  internal: true\n  options:\n    a: \"1\"\n", "" },
                { "volume/data", SHARED,
                  "  labels:\n    tier: back\nspec:\n  reclaim: delete\n  access: exclusive\n", "" },
                { "wg/hive0", SHARED,
                  "spec:\n  privateKey:\n    secret: wg-key\n  addresses:\n    - \"10.0.0.17/24\"\n  listenPort: 51820\n  peers:\n"
                  "    - name: hub\n",
                  "" },
                { "cron/nightly", SHARED KEPT, "  task:\n    image: alpine:3.20\n    command:\n      - sh\n",
                  "not shown, and missing here: spec.task.env[0].value\n" },
                /* what would be another task without it is not taken */
                { "cron/hourly", SHARED, "    inputs:\n      - path: a\n",
                  "not shown, and missing here: spec.task.inputs[0].inline\n", 1 },
                { "registry/private", SHARED, "spec:\n  host: registry.example.org\n", "" },
                { "image/redis", SHARED, "spec:\n  ref: redis:7.4\n  pin: true\n", "" },
                { "service/web", SHARED BACKEND KEPT, "  ports:\n    - container: 80\n      host: \"8080\"\n",
                  "not shown, and missing here: spec.env[0].value\n" },
                /* a form of ours that was text stays text */
                { "service/web", SHARED BACKEND KEPT, "  args:\n    - \"echo $${HOME} $$$ $x\"\n", "" },
        };
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *before = NULL;
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char shared[] = "/tmp/hv-shared-XXXXXX";
        _hv_cleanup_free_ char *validate = NULL;
        int fd = mkstemp(shared);

        (void) state;
        assert_true(fd >= 0);
        (void) close(fd);
        validate = hv_asprintf("validate %s -", shared);
        before = declare(
                s, SHARED BACKEND KEPT
                "  registries:\n    - {name: private, host: registry.example.org}\n"
                "  images: {preload: [{name: redis, ref: \"redis:7.4\", pin: true}]}\n"
                "  wireguard:\n    - name: hive0\n      privateKey: {secret: wg-key}\n      addresses: [10.0.0.17/24]\n"
                "      listenPort: 51820\n"
                "      peers: [{name: hub, publicKey: r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw=, allowedIPs: [10.0.0.0/24]}]\n"
                "  cronTasks:\n    - name: nightly\n      schedule: \"15 3 * * *\"\n"
                "      task:\n        image: alpine:3.20\n        command: [sh, -c, date]\n        env: [{name: KEY, value: hunter2}]\n"
                "        mounts: [{volume: data, target: /data}]\n"
                "    - name: hourly\n      schedule: \"@hourly\"\n"
                "      task: {image: \"alpine:3.20\", inputs: [{path: a, inline: hunter2}]}\n"
                "  services:\n    - name: web\n      image: nginx:1.27\n      networks: [{name: backend, aliases: [www]}]\n"
                "      args: [\"echo $${HOME} $$$$ $x\"]\n      env: [{name: KEY, value: hunter2}]\n"
                "      ports: [{container: 80, host: \"8080\"}]\n      restart: {backoff: {factor: 1.5}}\n"
                "      resources: {limits: {memory: 64Mi}}\n");
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *words = hv_asprintf("get %s -o yaml", rows[i].object);
                struct run r = run(s, words, NULL), judged;

                write_whole(shared, rows[i].shared);
                judged = run(NULL, validate, &(struct run_options){ .input = hv_buf_str(&r.out) });
                if (r.code != 0 || judged.code != rows[i].code || !strstr(hv_buf_str(&r.out), rows[i].out) ||
                    !strstr(hv_buf_str(&r.err), rows[i].err) || strstr(hv_buf_str(&r.out), "hunter2"))
                        fail_msg("%s: %d, %d: %s%s%s\n%s", rows[i].object, r.code, judged.code,
                                 hv_buf_str(&r.err), hv_buf_str(&judged.out), hv_buf_str(&judged.err),
                                 hv_buf_str(&r.out));
                run_done(&r);
                run_done(&judged);
        }
        (void) unlink(shared);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_deployment_becomes_a_service),
                cmocka_unit_test(a_unit_of_quadlet_becomes_a_service),
                cmocka_unit_test(what_hivelet_would_refuse_is_told),
                cmocka_unit_test(compose_files_become_documents),
                cmocka_unit_test(profiles_and_variables_are_chosen),
                cmocka_unit_test(what_cannot_be_expressed_is_refused),
                cmocka_unit_test(what_is_got_can_be_applied),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

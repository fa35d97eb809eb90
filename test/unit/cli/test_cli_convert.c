/* hivectl convert: what comes out is a document that hivelet takes, and what does not come out is told. */
#include "testing.h"

#include "base/alloc.h"
#include "run.h"

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
                ":35: spec.template.spec.containers[0].env[1].valueFrom is not carried over",
                ":52: spec.template.spec.containers[0].volumeMounts[0].subPath is not carried over",
                ":55: spec.template.spec.containers[0].volumeMounts[3] is not carried over: volume conf is no hostPath, claim or emptyDir",
                ":37: spec.template.spec.containers[0].ports[0] has no hostPort: it is not published",
                ":45: spec.template.spec.containers[0].resources.requests.ephemeral-storage is not carried over",
                ":56: spec.template.spec.containers[0].tty is not carried over",
                ":20: spec.template.spec.volumes[1] becomes a volume: what is in it outlives the containers",
                ":24: spec.template.spec.volumes[3] is not carried over: nothing mounts it",
                ":25: spec.template.spec.volumes[3].configMap is not carried over",
                ":26: spec.template.spec.volumes[4] is not carried over: nothing mounts it",
                ":15: spec.template.spec.securityContext.fsGroup is not carried over",
                ":5: metadata.annotations is not carried over",
                ":8: spec.selector is not carried over",
                ":16: spec.template.spec.initContainers is not carried over",
                ":58: kind Service is not carried over; Pod and Deployment are",
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
                  "the result, by itself: E0303: spec.ports[0].bind: bind \"public\" is not in node.policy.publish" },
                { "convert " DATA "compose.yaml", 1, "this is a compose file; those are not converted yet" },
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_deployment_becomes_a_service),
                cmocka_unit_test(a_unit_of_quadlet_becomes_a_service),
                cmocka_unit_test(what_hivelet_would_refuse_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

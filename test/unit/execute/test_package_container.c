/* packages: the container that installs them, byte for byte, and what is made of pip's last words. */
#include <errno.h>

#include "golden.h"
#include "testing.h"
#include "wish.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "docker/client.h"
#include "execute/package_container.h"
#include "execute/package_judge.h"
#include "json/json.h"

#define GOLDEN HV_SOURCE_DIR "/test/unit/execute/golden/packages.txt"

static const struct hv_docker_engine engine = { .cgroup_driver = HV_DOCKER_CGROUP_SYSTEMD };
static const struct hv_create_for who = { .node_id = "node-1", .revision = "r1", .engine = &engine };

/* ---- the container ---- */

static void add_body(const char *python, const char *task, struct hv_buf *out) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *text = hv_arena_printf(
                arena,
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: n}\nspec:\n"
                "  taskDefaults: {python: %s}\n"
                "  tasks:\n    - {name: t, image: \"img:1\", resources: {limits: {cpu: 2, memory: 1Gi}}, %s}\n",
                python, task);
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = wish(text);
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *json = NULL;
        const struct hv_docker_policy policy = {};
        const struct hv_strv private_paths = {};
        const struct hv_package_container c = {
                .task = d->tasks[0],
                .attempt = 2,
                .image_id = "sha256:0123",
                .key = "(key)",
                .path = "/var/lib/hivelet/packages/build-t.2",
        };
        _hv_cleanup_(hv_buf_done) struct hv_buf one = {};
        struct hv_docker_create create;
        struct hv_err err = {};

        ((struct hv_task *) d->tasks[0])->id = "t-0000"; /* not its digest: that is tested with spec */
        if (hv_package_container(&c, &who, arena, &create, &err) < 0 ||
            hv_docker_create_body(&create, &policy, &private_paths, &body, &err) < 0)
                fail_msg("%s: %s", python, err.msg);
        assert_int_equal(hv_json_parse(body.data, body.len, HV_JSON_MAX_BYTES, &json, &err), 0);
        hv_json_dump(json, &one);
        assert_null(strcasestr(one.data, "numpy")); /* nothing of a task's texts */
        hv_buf_printf(out, "%s %s\nPOST /containers/create?name=%s\n", python, task, create.name);
        golden_add_lines(one.data, out);
}

static void each_source_makes_this_container(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        (void) state;
        add_body("{wheels: /usr/share}", "requirements: [\"Numpy==1\", \"a[b]\"]", &out);
        add_body("{index: \"https://pypi.org/simple\"}", "requirements: [x], security: {user: \"1000:1001\"}",
                 &out);
        add_body("{index: \"http://10.0.0.1:3141/root/simple\", network: fetch, wheels: /usr/share}",
                 "requirements: [x]", &out);
        golden_expect(GOLDEN, &out);
}

static void root_installs_nothing(void **state) {
        const struct hv_task root = {};
        const struct hv_owner owner = hv_package_owner(&root);

        (void) state;
        assert_int_equal(owner.uid, 65534);
        assert_int_equal(owner.gid, 65534);
}

static void wheels_that_are_not_there_are_told(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_task task = {
                .id = "t",
                .packages = { .requirements = "x\n", .wheels = "/nowhere/at/all", .network = "none" },
        };
        const struct hv_package_container c = {
                .task = &task, .attempt = 1, .image_id = "i", .key = "k", .path = "/p"
        };
        struct hv_docker_create create;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_package_container(&c, &who, arena, &create, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "the folder of wheels: "));
        assert_non_null(strstr(err.msg, "/nowhere"));
}

/* ---- what pip says ---- */

#define RETRY "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
#define NONE                                                                                       \
        "ERROR: Could not find a version that satisfies the requirement x (from versions: none)\n" \
        "ERROR: No matching distribution found for x\n"

static void last_words_say_whose_fault_it_is(void **state) {
        static const struct {
                const char *what, *log;
                int exit_code;
                bool oom_killed;
                enum hv_outcome outcome;
                const char *message;
        } rows[] = {
                { "nothing there", "Looking in links: /opt/hivelet/wheels\n" NONE, 1, false,
                  HV_OUTCOME_REFUSED,
                  "its packages cannot be installed: Could not find a version that satisfies the requirement x (from "
                  "versions: none); No matching distribution found for x" },
                { "a conflict",
                  "ERROR: Cannot install a and b because these package versions have conflicting dependencies.\n\n"
                  "The conflict is caused by:\n    a 1 depends on c>2\n"
                  "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io\n",
                  1, false, HV_OUTCOME_REFUSED,
                  "its packages cannot be installed: Cannot install a and b because these package versions have "
                  "conflicting dependencies.; ResolutionImpossible: for help visit https://pip.pypa.io" },
                { "refused connection",
                  RETRY
                  "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f52>: Failed "
                  "to establish a new connection: [Errno 111] Connection refused')': /simple/x/\n" NONE,
                  1, false, HV_OUTCOME_FAILED,
                  "the index of packages cannot be reached: [Errno 111] Connection refused" },
                { "silent index",
                  RETRY "'ReadTimeoutError(\"HTTPConnectionPool(host='h', port=80): Read timed out. (read "
                        "timeout=15)\")': /simple/x/\n" NONE,
                  1, false, HV_OUTCOME_FAILED,
                  "the index of packages cannot be reached: Could not find a version that satisfies the requirement x "
                  "(from versions: none); No matching distribution found for x" },
                { "an index in trouble",
                  RETRY "'ResponseError('too many 503 error responses')': /simple/x/\n" NONE, 1, false,
                  HV_OUTCOME_FAILED,
                  "the index of packages cannot be reached: too many 503 error responses" },
                { "full disk",
                  "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
                  1, false, HV_OUTCOME_FAILED,
                  "no room to install packages: Could not install packages due to an OSError: [Errno 28] No space left "
                  "on device" },
                { "no pip", "/usr/bin/python: No module named pip\n", 1, false, HV_OUTCOME_REFUSED,
                  "the image img:1 has no pip: take one that has, or one that has the packages and write requirements: "
                  "[]" },
                { "no python", "[FATAL tini (7)] exec python failed: No such file or directory\n", 127, false,
                  HV_OUTCOME_REFUSED,
                  "the image img:1 has no program \"python\", which would install its packages: take one that has, or "
                  "one that has the packages and write requirements: []" },
                { "out of memory", "Installing collected packages: x\n", 137, true, HV_OUTCOME_REFUSED,
                  "its packages cannot be installed: pip ran out of the task's memory (256Mi)" },
                { "killed by somebody", "Installing collected packages: x\n", 137, false, HV_OUTCOME_FAILED,
                  "its packages cannot be installed: Installing collected packages: x" },
                { "another failure", "Traceback:\n  File x\nAssertionError\n\n", 2, false, HV_OUTCOME_REFUSED,
                  "its packages cannot be installed: AssertionError" },
                { "silence", "", 1, false, HV_OUTCOME_REFUSED,
                  "its packages cannot be installed: it said nothing" },
                { "what a terminal would act on", "ERROR: a\x1b[31mb\xff\tc\r\n", 1, false,
                  HV_OUTCOME_REFUSED, "its packages cannot be installed: a?[31mb? c" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_package_end end = {
                        .exit_code = rows[i].exit_code,
                        .oom_killed = rows[i].oom_killed,
                        .memory_bytes = UINT64_C(256) << 20,
                        .image = "img:1",
                        .log = rows[i].log,
                };
                _hv_cleanup_(hv_buf_done) struct hv_buf message = {};
                enum hv_outcome outcome = hv_package_judge(&end, &message);

                if (outcome != rows[i].outcome || !hv_streq(hv_buf_str(&message), rows[i].message))
                        fail_msg("%s: %d: %s", rows[i].what, outcome, hv_buf_str(&message));
        }
}

static void many_lines_and_long_ones_are_cut(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf log = {}, message = {};
        const struct hv_package_end end = { .exit_code = 1, .image = "i" };
        struct hv_package_end with_log = end;

        (void) state;
        for (unsigned i = 0; i < 1000; i++)
                hv_buf_printf(&log, "ERROR: line %u %0400u\n", i, i);
        with_log.log = hv_buf_str(&log);
        assert_int_equal(hv_package_judge(&with_log, &message), HV_OUTCOME_REFUSED);
        assert_true(message.len < 1000);
        assert_null(strstr(message.data, "line 996"));
        assert_non_null(strstr(message.data, "line 997"));
        assert_non_null(strstr(message.data, "line 999"));
}

static void an_engine_that_cannot_start_it_says_why(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf message = {};

        (void) state;
        assert_int_equal(hv_package_judge_start(
                                 "img:1",
                                 "OCI runtime create failed: exec: \"python\": executable file not found "
                                 "in $PATH: unknown",
                                 &message),
                         HV_OUTCOME_REFUSED);
        assert_non_null(strstr(message.data, "no program \"python\""));
        hv_buf_clear(&message);
        assert_int_equal(hv_package_judge_start("img:1", "cgroups: cannot be made", &message),
                         HV_OUTCOME_FAILED);
        assert_non_null(strstr(message.data, "cgroups: cannot be made"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_source_makes_this_container),
                cmocka_unit_test(root_installs_nothing),
                cmocka_unit_test(wheels_that_are_not_there_are_told),
                cmocka_unit_test(last_words_say_whose_fault_it_is),
                cmocka_unit_test(many_lines_and_long_ones_are_cut),
                cmocka_unit_test(an_engine_that_cannot_start_it_says_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

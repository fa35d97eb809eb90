/* create: the request that makes each object of the example, byte for byte, and what it must never hold (S1, S2). */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "golden.h"
#include "testing.h"
#include "wish.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "docker/client.h"
#include "execute/create.h"
#include "reconcile/labels.h"
#include "spec/types.h"
#include "json/json.h"

#define EXAMPLE HV_SOURCE_DIR "/config/example.yaml"
#define GOLDEN HV_SOURCE_DIR "/test/unit/execute/golden/example.txt"

static const struct hv_docker_engine engine = { .cgroup_driver = HV_DOCKER_CGROUP_SYSTEMD };
static const struct hv_create_for who = { .node_id = "node-1", .revision = "r1", .engine = &engine };

static struct hv_docker_policy policy_of(const struct hv_desired *d) {
        const struct hv_spec_policy *p = &d->tree->state.host.policy;

        return (struct hv_docker_policy){
                .privileged = p->privileged == HV_ALLOW,
                .host_network = p->host_network == HV_ALLOW,
                .host_paths = p->host_paths,
                .capabilities = p->capabilities,
        };
}

/* The body of one unit, as canonical JSON. */
static void body_of(const struct hv_desired *d, const struct hv_unit *u, struct hv_buf *ret) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *json = NULL;
        const struct hv_docker_policy policy = policy_of(d);
        const struct hv_strv private_paths = {};
        struct hv_docker_create create;
        struct hv_unit same = *u;
        struct hv_err err = {};

        (void) snprintf(same.digest, sizeof same.digest,
                        "(digest)"); /* what goes into it is tested with spec */

        if (hv_create_container(&same, &who, arena, &create, &err) < 0 ||
            hv_docker_create_body(&create, &policy, &private_paths, &body, &err) < 0)
                fail_msg("%s: %s", u->key, err.msg);
        assert_int_equal(hv_json_parse(body.data, body.len, HV_JSON_MAX_BYTES, &json, &err), 0);
        hv_json_dump(json, ret);
}

static void the_example_makes_these_containers(void **state) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = wish_file(EXAMPLE);
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        (void) state;
        assert_true(d->n_units > 0);
        for (size_t i = 0; i < d->n_units; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf json = {};

                body_of(d, &d->units[i], &json);
                hv_buf_printf(&out, "POST /containers/create?name=%s\n", d->units[i].container);
                golden_add_lines(json.data, &out);
        }
        golden_expect(GOLDEN, &out);
}

/* S2, the profile of a service: what every container must have, whatever its document says. */
static void every_container_has_the_baseline(void **state) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = wish_file(EXAMPLE);

        (void) state;
        for (size_t i = 0; i < d->n_units; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
                const struct hv_json *host, *list;

                body_of(d, &d->units[i], &text);
                assert_int_equal(hv_json_parse(text.data, text.len, HV_JSON_MAX_BYTES, &body, NULL), 0);
                host = hv_json_get(body, "HostConfig");
                assert_false(hv_json_bool(host, "Privileged", false));
                assert_true(hv_json_bool(host, "Init", false));
                assert_true(hv_json_int(host, "PidsLimit", 0) > 0);
                assert_int_equal(hv_json_int(host, "Memory", 0), hv_json_int(host, "MemorySwap", -1));
                assert_true(hv_json_size(hv_json_get(host, "CapDrop")) > 0);
                assert_string_equal(hv_json_str(hv_json_get(host, "RestartPolicy"), "Name"), "no");
                assert_non_null(hv_json_str(hv_json_get(host, "LogConfig"), "Type"));
                assert_string_equal(hv_json_str(host, "CgroupParent"), "hivelet-services.slice");
                list = hv_json_get(host, "SecurityOpt");
                assert_int_equal(hv_json_size(list), 1);
                assert_true(hv_has_prefix(hv_json_as_str(hv_json_at(list, 0)), "no-new-privileges"));
                assert_null(strstr(text.data, "unconfined"));
        }
}

/* S1: keys that an engine knows and hivelet never sends. */
static void no_container_asks_for_more(void **state) {
        static const char *const never[] = {
                "\"Binds\"",       "\"Devices\"",           "\"DeviceRequests\"", "\"Sysctls\"",
                "\"VolumesFrom\"", "\"PidMode\"",           "\"IpcMode\"",        "\"UTSMode\"",
                "\"UsernsMode\"",  "\"CgroupnsMode\"",      "\"Runtime\"",        "\"Links\"",
                "\"ExtraHosts\"",  "\"DeviceCgroupRules\"", "\"GroupAdd\"",       "\"Propagation\""
        };
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *d = wish_file(EXAMPLE);

        (void) state;
        for (size_t i = 0; i < d->n_units; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

                body_of(d, &d->units[i], &text);
                for (size_t k = 0; k < HV_ARRAY_SIZE(never); k++)
                        if (strstr(text.data, never[k]))
                                fail_msg("%s: %s", d->units[i].key, never[k]);
        }
}

/* S53: what is made a second time is made the same. */
static void a_container_is_made_again_as_it_was(void **state) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *a = wish_file(EXAMPLE), *b = wish_file(EXAMPLE);

        (void) state;
        for (size_t i = 0; i < a->n_units; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf first = {}, second = {};

                body_of(a, &a->units[i], &first);
                body_of(b, &b->units[i], &second);
                assert_string_equal(first.data, second.data);
        }
}

static const char *value_of(const struct hv_pairs *p, const char *name) {
        for (size_t i = 0; i < p->n; i++) {
                if (i > 0)
                        assert_true(strcmp(p->v[i - 1].name, p->v[i].name) < 0);
                if (hv_streq(p->v[i].name, name))
                        return p->v[i].value;
        }
        return NULL;
}

static void our_labels_win(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_pair users[] = { { "a", "1" }, { HV_LABEL_NAME, "forged" }, { "z", "2" } };
        const struct hv_unit u = { .kind = HV_KIND_SERVICE,
                                   .object = "web",
                                   .replica = 3,
                                   .digest = "d",
                                   .labels = { users, 3 },
                                   .stop_grace_us = 1 };
        const struct hv_volume v = { .name = "data", .reclaim_delete = true, .digest = "v" };
        const struct hv_network n = { .name = "net", .digest = "n", .driver = "bridge", .internal = true };
        struct hv_docker_create create;
        struct hv_docker_volume_create volume;
        struct hv_docker_network_create network;

        (void) state;
        assert_int_equal(hv_create_container(&u, &who, arena, &create, NULL), 0);
        assert_int_equal(create.labels.n, 9);
        assert_string_equal(value_of(&create.labels, HV_LABEL_NAME), "web");
        assert_string_equal(value_of(&create.labels, HV_LABEL_REPLICA), "3");
        assert_string_equal(value_of(&create.labels, HV_LABEL_NODE), "node-1");
        assert_string_equal(value_of(&create.labels, HV_LABEL_REVISION), "r1");
        assert_string_equal(value_of(&create.labels, "z"), "2");
        hv_create_volume(&v, &who, arena, &volume);
        assert_string_equal(value_of(&volume.labels, HV_LABEL_RECLAIM), "delete");
        assert_string_equal(value_of(&volume.labels, HV_LABEL_KIND), "volume");
        hv_create_network(&n, &who, arena, &network);
        assert_string_equal(value_of(&network.labels, HV_LABEL_DIGEST), "n");
        assert_true(network.internal);
}

/* A task has the most labels of ours. */
static void who_has_gpus_is_told_so_with_his_share_of_each(void **state) {
        static const struct {
                const char *what, *gpus;
                uint64_t memory_bytes;
                const char *label, *share;
                size_t n;
        } rows[] = {
                { "none", NULL, UINT64_C(20) << 30, NULL, NULL, 8 },
                { "a share", "GPU-a,GPU-b", UINT64_C(20) << 30, "GPU-a,GPU-b", "21474836480", 10 },
                { "alone", "GPU-a", 0, "GPU-a", "0", 10 },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_create_for by = { .node_id = "node-1",
                                                  .revision = "r1",
                                                  .gpus = rows[i].gpus };
                const struct hv_unit u = { .kind = HV_KIND_TASK,
                                           .object = "prime",
                                           .replica = 1,
                                           .digest = "d",
                                           .n_gpus = rows[i].gpus ? 1 : 0,
                                           .gpu_memory_bytes = rows[i].memory_bytes };
                struct hv_docker_create create;

                print_message("%s\n", rows[i].what);
                assert_int_equal(hv_create_container(&u, &by, arena, &create, NULL), 0);
                assert_int_equal(create.labels.n, rows[i].n);
                assert_true(hv_streq(value_of(&create.labels, HV_LABEL_GPUS), rows[i].label));
                assert_true(hv_streq(value_of(&create.labels, HV_LABEL_GPU_MEMORY), rows[i].share));
        }
}

static void a_slice_is_written_as_the_engine_wants_it(void **state) {
        static const struct {
                const char *slice;
                enum hv_docker_cgroup_driver driver;
                const char *parent;
                enum hv_docker_kind kind;
        } rows[] = {
                { "hivelet.slice", HV_DOCKER_CGROUP_SYSTEMD, "hivelet.slice" },
                { "hivelet.slice", HV_DOCKER_CGROUP_CGROUPFS, "/hivelet.slice" },
                { "hivelet.slice", HV_DOCKER_CGROUP_SYSTEMD, "hivelet.slice", HV_DOCKER_KIND_PODMAN },
                { "hivelet.slice", HV_DOCKER_CGROUP_CGROUPFS, "/hivelet", HV_DOCKER_KIND_PODMAN },
                { "a.slice/b", HV_DOCKER_CGROUP_CGROUPFS, "/a.slice/b", HV_DOCKER_KIND_PODMAN },
                { "/hivelet.slice/hivelet-web.slice", HV_DOCKER_CGROUP_SYSTEMD, "hivelet-web.slice" },
                { "/hivelet.slice/hivelet-web.slice", HV_DOCKER_CGROUP_CGROUPFS,
                  "/hivelet.slice/hivelet-web.slice" },
                { "hivelet.slice", HV_DOCKER_CGROUP_NONE, NULL },
                { "hivelet.slice", HV_DOCKER_CGROUP_UNKNOWN, NULL },
                { "", HV_DOCKER_CGROUP_CGROUPFS, NULL },
                { NULL, HV_DOCKER_CGROUP_SYSTEMD, NULL },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_engine e = { .kind = rows[i].kind, .cgroup_driver = rows[i].driver };
                const char *parent = hv_create_cgroup_parent(rows[i].slice, &e, arena);

                if (!hv_streq(parent, rows[i].parent))
                        fail_msg("%s: %s", rows[i].slice ? rows[i].slice : "(none)",
                                 parent ? parent : "(none)");
        }
}

/* Under the node's slice services and tasks apart, and an attempt alone: the same place with both drivers. */
static void services_and_attempts_have_their_places(void **state) {
        static const struct {
                enum hv_kind kind;
                enum hv_docker_cgroup_driver driver;
                const char *parent;
                enum hv_docker_kind engine;
        } rows[] = {
                { HV_KIND_TASK, HV_DOCKER_CGROUP_SYSTEMD, "hivelet-tasks-node\\x2d1-prime\\x2d1.2.slice" },
                { HV_KIND_TASK, HV_DOCKER_CGROUP_CGROUPFS,
                  "/hivelet.slice/hivelet-tasks.slice/hivelet-tasks-node\\x2d1.slice/"
                  "hivelet-tasks-node\\x2d1-prime\\x2d1.2.slice" },
                { HV_KIND_TASK, HV_DOCKER_CGROUP_CGROUPFS,
                  "/hivelet.slice/hivelet-tasks.slice/hivelet-tasks-node\\x2d1.slice/"
                  "hivelet-tasks-node\\x2d1-prime\\x2d1.2",
                  HV_DOCKER_KIND_PODMAN },
                { HV_KIND_TASK, HV_DOCKER_CGROUP_NONE, NULL },
                { HV_KIND_SERVICE, HV_DOCKER_CGROUP_CGROUPFS, "/hivelet.slice/hivelet-services.slice" },
                { HV_KIND_SERVICE, HV_DOCKER_CGROUP_SYSTEMD, "hivelet-services.slice" },
                { HV_KIND_SERVICE, HV_DOCKER_CGROUP_CGROUPFS, "/hivelet.slice/hivelet-services",
                  HV_DOCKER_KIND_PODMAN },
                { HV_KIND_SERVICE, HV_DOCKER_CGROUP_NONE, NULL },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_engine e = { .kind = rows[i].engine, .cgroup_driver = rows[i].driver };
                const struct hv_create_for by = { .node_id = "node-1", .revision = "r1", .engine = &e };
                const struct hv_unit u = { .kind = rows[i].kind,
                                           .object = "prime-1",
                                           .container = "task-prime-1.2",
                                           .replica = 2,
                                           .image = "docker.io/library/busybox:1",
                                           .network_mode = "none",
                                           .cgroup_parent = "hivelet.slice" };
                const struct hv_docker_policy policy = {};
                const struct hv_strv private_paths = {};
                _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
                struct hv_docker_create create;
                struct hv_err err = {};

                if (hv_create_container(&u, &by, arena, &create, &err) < 0 ||
                    hv_docker_create_body(&create, &policy, &private_paths, &body, &err) < 0)
                        fail_msg("row %zu: %s", i, err.msg);
                if (!hv_streq(create.cgroup_parent, rows[i].parent))
                        fail_msg("row %zu: %s", i, create.cgroup_parent ? create.cgroup_parent : "(none)");
        }
}

static void what_is_not_there_yet_is_no_container_yet(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_mount mount = { .type = HV_MOUNT_HOST_PATH,
                                               .source = "/nonexistent",
                                               .target = "/data" };
        static const struct hv_port port = { .container = 80, .protocol = "tcp", .bind = "wireguard" };
        struct hv_unit u = {
                .kind = HV_KIND_SERVICE, .object = "web", .replica = 1, .mounts = &mount, .n_mounts = 1
        };
        struct hv_docker_create create;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_create_container(&u, &who, arena, &create, &err), -ENOENT);
        assert_string_equal(err.msg, "mount /data: /nonexistent: No such file or directory");
        u.n_mounts = 0;
        u.ports = &port;
        u.n_ports = 1;
        assert_int_equal(hv_create_container(&u, &who, arena, &create, &err), -EAGAIN);
        assert_non_null(strstr(err.msg, "wireguard"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_example_makes_these_containers),
                cmocka_unit_test(every_container_has_the_baseline),
                cmocka_unit_test(no_container_asks_for_more),
                cmocka_unit_test(a_container_is_made_again_as_it_was),
                cmocka_unit_test(our_labels_win),
                cmocka_unit_test(who_has_gpus_is_told_so_with_his_share_of_each),
                cmocka_unit_test(a_slice_is_written_as_the_engine_wants_it),
                cmocka_unit_test(services_and_attempts_have_their_places),
                cmocka_unit_test(what_is_not_there_yet_is_no_container_yet),
        };

        return cmocka_run_group_tests_name("create", tests, NULL, NULL);
}

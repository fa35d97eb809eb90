/* observe: whose an object is, and what its state is called. */
#include "testing.h"

#include "base/arena.h"
#include "base/vec.h"
#include "execute/observe.h"
#include "reconcile/labels.h"

#define MAX_LABELS 9

/* Labels as an engine gives them: sorted by name. */
struct labels {
        struct hv_pair v[MAX_LABELS];
        size_t n;
};

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

static struct hv_pairs sorted(struct labels *l) {
        qsort(l->v, l->n, sizeof *l->v, by_name);
        return (struct hv_pairs){ .v = l->v, .n = l->n };
}

static struct labels ours(const char *kind) {
        return (struct labels){ .v = { { HV_LABEL_MANAGED, "true" },
                                       { HV_LABEL_NODE, "node-1" },
                                       { HV_LABEL_KIND, kind },
                                       { HV_LABEL_NAME, "web" },
                                       { HV_LABEL_REPLICA, "2" },
                                       { HV_LABEL_DIGEST, "d1" },
                                       { HV_LABEL_REVISION, "r1" } },
                                .n = 7 };
}

static void set(struct labels *l, const char *name, const char *value) {
        for (size_t i = 0; i < l->n; i++)
                if (hv_streq(l->v[i].name, name)) {
                        if (value)
                                l->v[i].value = value;
                        else
                                l->v[i] = l->v[--l->n];
                        return;
                }
}

static void a_container_is_ours_by_all_of_its_marks(void **state) {
        static const struct {
                const char *what, *label, *value;
                bool ours;
        } rows[] = {
                { "all marks", "none", NULL, true },
                { "not managed", HV_LABEL_MANAGED, NULL, false },
                { "managed, somehow", HV_LABEL_MANAGED, "yes", false },
                { "of another node", HV_LABEL_NODE, "node-2", false },
                { "of no node", HV_LABEL_NODE, NULL, false },
                { "of a longer node", HV_LABEL_NODE, "node-10", false },
                { "of no kind", HV_LABEL_KIND, NULL, false },
                { "of an unknown kind", HV_LABEL_KIND, "deployment", false },
                { "of a kind that runs nothing", HV_LABEL_KIND, "volume", false },
                { "of a kind in another spelling", HV_LABEL_KIND, "svc", false },
                { "a task", HV_LABEL_KIND, "task", true },
                { "who installs packages", HV_LABEL_KIND, HV_LABEL_KIND_BUILDER, true },
                { "without a name", HV_LABEL_NAME, NULL, false },
                { "with an empty name", HV_LABEL_NAME, "", false },
                { "replica 0", HV_LABEL_REPLICA, "0", false },
                { "replica x", HV_LABEL_REPLICA, "x", false },
                { "without a digest", HV_LABEL_DIGEST, NULL, true },
                { "without a revision", HV_LABEL_REVISION, NULL, true },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct labels l = ours("service");
                struct hv_docker_container c = { .id = "id", .name = "hive-web-2" };
                struct hv_seen_container seen;

                set(&l, rows[i].label, rows[i].value);
                c.labels = sorted(&l);
                hv_observe_docker_container(&c, "node-1", arena, &seen);
                if (seen.ours != rows[i].ours)
                        fail_msg("%s: %s", rows[i].what, seen.ours ? "ours" : "not ours");
                assert_int_equal(seen.is_builder, hv_streq(rows[i].value, HV_LABEL_KIND_BUILDER));
                if (seen.ours)
                        assert_int_equal(seen.replica, 2);
                else if (seen.kind || seen.object || seen.digest || seen.revision)
                        fail_msg("%s: a stranger's labels are passed on", rows[i].what);
        }
}

static void nothing_is_ours_before_the_node_has_an_id(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct labels l = ours("service");
        struct hv_docker_container c = { .id = "id", .name = "x" };
        struct hv_seen_container seen;

        (void) state;
        set(&l, HV_LABEL_NODE, "");
        c.labels = sorted(&l);
        hv_observe_docker_container(&c, "", arena, &seen);
        assert_false(seen.ours);
        hv_observe_docker_container(&c, NULL, arena, &seen);
        assert_false(seen.ours);
}

static void what_a_container_has_of_its_gpus(void **state) {
        static const struct {
                const char *what, *gpus, *memory;
                bool tells;
                uint64_t memory_bytes;
        } rows[] = {
                { "a share", "GPU-a", "21474836480", true, UINT64_C(20) << 30 },
                { "all of it", "GPU-a", "0", true, 0 },
                { "an agent before wrote none", "GPU-a", NULL },
                { "a word", "GPU-a", "20Gi" },
                { "nothing", "GPU-a", "" },
                { "less than nothing", "GPU-a", "-1" },
                { "a space", "GPU-a", " 1" },
                { "more than there is a number for", "GPU-a", "18446744073709551616" },
                { "of none", NULL, "5" },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct labels l = ours("service");
                struct hv_docker_container c = { .id = "id", .name = "hive-web-2" };
                struct hv_seen_container seen;

                print_message("%s\n", rows[i].what);
                if (rows[i].gpus)
                        l.v[l.n++] = (struct hv_pair){ HV_LABEL_GPUS, rows[i].gpus };
                if (rows[i].memory)
                        l.v[l.n++] = (struct hv_pair){ HV_LABEL_GPU_MEMORY, rows[i].memory };
                c.labels = sorted(&l);
                hv_observe_docker_container(&c, "node-1", arena, &seen);
                assert_true(seen.ours);
                assert_true(hv_streq(seen.gpus, rows[i].gpus));
                assert_int_equal(seen.tells_gpu_memory, rows[i].tells);
                assert_int_equal(seen.gpu_memory_bytes, rows[i].memory_bytes);
                hv_observe_docker_container(&c, "node-2", arena, &seen); /* a stranger's */
                assert_false(seen.tells_gpu_memory || seen.gpu_memory_bytes);
        }
}

static void states_have_their_names(void **state) {
        static const struct {
                enum hv_docker_state engine;
                enum hv_container_state core;
        } rows[] = {
                { HV_DOCKER_STATE_CREATED, HV_CONTAINER_CREATED },
                { HV_DOCKER_STATE_RUNNING, HV_CONTAINER_RUNNING },
                { HV_DOCKER_STATE_PAUSED, HV_CONTAINER_PAUSED },
                { HV_DOCKER_STATE_RESTARTING, HV_CONTAINER_RESTARTING },
                { HV_DOCKER_STATE_REMOVING, HV_CONTAINER_REMOVING },
                { HV_DOCKER_STATE_EXITED, HV_CONTAINER_EXITED },
                { HV_DOCKER_STATE_DEAD, HV_CONTAINER_DEAD },
                { HV_DOCKER_STATE_UNKNOWN, HV_CONTAINER_REMOVING }, /* hands off */
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_docker_container c = { .id = "id", .name = "x", .state = rows[i].engine };
                struct hv_seen_container seen;

                hv_observe_docker_container(&c, "node-1", arena, &seen);
                assert_int_equal(seen.state, rows[i].core);
        }
}

static void details_are_known_from_an_inspect_only(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        static const struct hv_docker_endpoint endpoints[] = { { .network = "none", .network_id = "" },
                                                               { .network = "web", .network_id = "n1" } };
        static const struct hv_docker_mount_seen mounts[] = {
                { .type = "bind", .name = "", .source = "/srv", .target = "/a" },
                { .type = "volume", .name = "data", .target = "/b" },
        };
        struct hv_docker_container c = {
                .id = "id",
                .name = "x",
                .endpoints = endpoints,
                .n_endpoints = 2,
                .mounts = mounts,
                .n_mounts = 2,
                .exit_code = 3,
                .oom_killed = true,
                .error = "",
                .restart_policy = "always",
                .limits = { .memory_bytes = 5 },
        };
        struct hv_seen_container seen;

        (void) state;
        hv_observe_docker_container(&c, "node-1", arena, &seen);
        assert_false(seen.detailed || seen.oom_killed || seen.restart_policy_set || seen.limits.memory_bytes);
        assert_int_equal(seen.n_endpoints, 2);
        assert_null(seen.endpoints[0].network_id);
        assert_string_equal(seen.endpoints[1].network_id, "n1");
        assert_int_equal(seen.n_volumes, 1);
        assert_string_equal(seen.volumes[0], "data");
        c.detailed = true;
        hv_observe_docker_container(&c, "node-1", arena, &seen);
        assert_true(seen.detailed && seen.oom_killed && seen.restart_policy_set);
        assert_int_equal(seen.exit_code, 3);
        assert_null(seen.error);
        c.restart_policy = "no";
        hv_observe_docker_container(&c, "node-1", arena, &seen);
        assert_false(seen.restart_policy_set);
}

static void a_listing_knows_which_parts_it_has(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct labels net = ours("network"), vol = ours("volume"), wrong = ours("service");
        struct hv_docker_network networks[] = { { .id = "1", .name = "a" }, { .id = "2", .name = "b" } };
        struct hv_docker_volume volumes[] = { { .name = "v" } };
        struct hv_listing l = {};

        (void) state;
        networks[0].labels = sorted(&net);
        networks[1].labels = sorted(&wrong); /* the mark of another kind of thing */
        vol.v[vol.n++] = (struct hv_pair){ HV_LABEL_RECLAIM, "delete" };
        volumes[0].labels = sorted(&vol);
        hv_observe_docker_networks(&(struct hv_docker_networks){ networks, 2 }, "node-1", arena, &l);
        assert_int_equal(l.parts, HV_LOOK_NETWORKS);
        assert_true(l.networks[0].ours);
        assert_false(l.networks[1].ours);
        hv_observe_docker_volumes(&(struct hv_docker_volumes){ volumes, 1 }, "node-1", arena, &l);
        hv_observe_docker_containers(&(struct hv_docker_containers){ NULL, 0 }, "node-1", arena, &l);
        assert_int_equal(l.parts, HV_LOOK_ALL);
        assert_true(l.volumes[0].ours && l.volumes[0].reclaim_delete);
}

static void events_are_told_apart(void **state) {
        struct labels l = ours("service");
        struct hv_docker_event e = {
                .type = "container", .action = "die", .id = "c1", .name = "hive-web", .container = ""
        };
        struct hv_engine_event seen;

        (void) state;
        e.attributes = sorted(&l);
        assert_true(hv_observe_docker_event(&e, "node-1", &seen));
        assert_true(seen.ours);
        assert_null(seen.container);
        assert_true(hv_observe_docker_event(&e, "node-2", &seen));
        assert_false(seen.ours);
        e = (struct hv_docker_event){
                .type = "network", .action = "disconnect", .id = "n1", .name = "web", .container = "c1"
        };
        assert_true(hv_observe_docker_event(&e, "node-1", &seen));
        assert_int_equal(seen.type, HV_EVENT_NETWORK);
        assert_string_equal(seen.container, "c1");
        e.type = "plugin";
        assert_false(hv_observe_docker_event(&e, "node-1", &seen));
        e = (struct hv_docker_event){
                .type = "container", .action = "die", .id = "", .name = "x", .container = ""
        };
        assert_false(hv_observe_docker_event(&e, "node-1", &seen));
}

static void only_a_pull_can_be_denied(void **state) {
        (void) state;
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_DENIED, HV_ACTION_PULL), HV_OUTCOME_DENIED);
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_DENIED, HV_ACTION_NETWORK_REMOVE),
                         HV_OUTCOME_REFUSED);
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_UNKNOWN, HV_ACTION_CREATE), HV_OUTCOME_UNKNOWN);
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_UNREACHABLE, HV_ACTION_CREATE),
                         HV_OUTCOME_UNREACHABLE);
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_ENGINE_ERROR, HV_ACTION_CREATE),
                         HV_OUTCOME_FAILED);
        assert_int_equal(hv_observe_docker_outcome(HV_DOCKER_NOT_MODIFIED, HV_ACTION_START),
                         HV_OUTCOME_NOT_MODIFIED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_container_is_ours_by_all_of_its_marks),
                cmocka_unit_test(nothing_is_ours_before_the_node_has_an_id),
                cmocka_unit_test(what_a_container_has_of_its_gpus),
                cmocka_unit_test(states_have_their_names),
                cmocka_unit_test(details_are_known_from_an_inspect_only),
                cmocka_unit_test(a_listing_knows_which_parts_it_has),
                cmocka_unit_test(events_are_told_apart),
                cmocka_unit_test(only_a_pull_can_be_denied),
        };

        return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}

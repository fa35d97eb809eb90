/* converge: the driver on a real engine, driven by the real core. */
#include "world.h"

#include "base/arena.h"
#include "base/sha256.h"
#include "reconcile/labels.h"
#include "spec/types.h"

#define SLEEP \
        "image: " IMAGE ", command: [sh, -c, \"trap 'exit 0' TERM; sleep 1000 & wait\"], stop: {grace: 2s}"
#define TWO_NETWORKS \
        "  networks: [{name: front}, {name: back, internal: true}]\n  volumes: [{name: data, reclaim: delete}]\n"
#define WEB(more) "[{name: web, " SLEEP more "}]"

static const char *label(const struct hv_docker_container *c, const char *name) {
        for (size_t i = 0; i < c->labels.n; i++)
                if (hv_streq(c->labels.v[i].name, name))
                        return c->labels.v[i].value;
        return "";
}

static bool is_in(const struct hv_docker_container *c, const char *network) {
        for (size_t i = 0; i < c->n_endpoints; i++)
                if (hv_streq(c->endpoints[i].network, network))
                        return true;
        return false;
}

static char *id_of(struct world *w, const char *name) {
        const struct hv_docker_container *c = inspect(w, name);

        assert_non_null(c);
        return hv_arena_strdup(w->arena, c->id);
}

static void a_wish_becomes_containers(void **state) {
        struct world *w = *state;
        const struct hv_docker_container *c;

        wish_for(
                w,
                WEB(", replicas: 2, networks: [{name: front}, {name: back, aliases: [db]}], mounts: [{volume: data, "
                    "target: /data}], resources: {limits: {memory: 32Mi, cpu: 500m, pids: 50}}, env: [{name: A, value: "
                    "\"x=y,z\"}]"),
                TWO_NETWORKS);
        converge(w);
        c = inspect(w, "hive-web-2");
        assert_int_equal(c->state, HV_DOCKER_STATE_RUNNING);
        assert_string_equal(label(c, HV_LABEL_NODE), NODE_ID);
        assert_string_equal(label(c, HV_LABEL_REPLICA), "2");
        assert_int_equal(strlen(label(c, HV_LABEL_DIGEST)), HV_SHA256_HEX_SIZE - 1);
        assert_true(is_in(c, "front") && is_in(c, "back"));
        assert_int_equal(c->n_endpoints, 2);
        assert_int_equal(c->limits.memory_bytes, 32 << 20);
        assert_int_equal(c->memory_swap_bytes, 32 << 20);
        assert_int_equal(c->limits.nano_cpus, 500000000);
        assert_int_equal(c->limits.pids, 50);
        assert_string_equal(c->restart_policy, "no");
        assert_true(c->init && c->no_new_privileges && !c->privileged);
        assert_non_null(strstr(c->cgroup_parent, "hivelet-services"));
        assert_string_equal(c->mounts[0].name, "data");
        for (size_t i = 0; i < c->n_endpoints; i++)
                if (hv_streq(c->endpoints[i].network, "back"))
                        assert_string_equal(c->endpoints[i].aliases.v[0], "db");
}

static void limits_change_in_place_and_the_rest_anew(void **state) {
        struct world *w = *state;
        const char *before;

        wish_for(w, WEB(", resources: {limits: {memory: 32Mi}}"), NULL);
        converge(w);
        before = id_of(w, "hive-web");
        forget_effects(w);
        wish_for(w, WEB(", resources: {limits: {memory: 48Mi, pids: 77}}"), NULL);
        converge(w);
        assert_string_equal(id_of(w, "hive-web"), before);
        assert_int_equal(inspect(w, "hive-web")->limits.memory_bytes, 48 << 20);
        assert_int_equal(inspect(w, "hive-web")->limits.pids, 77);
        assert_int_equal(w->effects.n, 1);
        wish_for(w, WEB(", resources: {limits: {memory: 48Mi, pids: 77}}, env: [{name: A, value: b}]"), NULL);
        converge(w);
        assert_string_not_equal(id_of(w, "hive-web"), before);
        assert_int_equal(inspect(w, "hive-web")->limits.pids, 77);
}

static void what_is_not_wanted_any_more_goes_in_order(void **state) {
        struct world *w = *state;

        wish_for(w, WEB(", networks: [{name: front}], mounts: [{volume: data, target: /data}]"),
                 TWO_NETWORKS);
        converge(w);
        wish_for(w, "[{name: other, " SLEEP "}]", "  node: {safety: {maxPrune: 100%}}\n");
        converge(w);
        assert_null(inspect(w, "hive-web"));
        assert_int_equal(OWN(w, hv_docker_volume_inspect, "data")->outcome, HV_DOCKER_NOT_FOUND);
        assert_int_equal(OWN(w, hv_docker_network_inspect, "front")->outcome, HV_DOCKER_NOT_FOUND);
        assert_int_equal(inspect(w, "hive-other")->state, HV_DOCKER_STATE_RUNNING);
}

/* Somebody else does something; events tell, and it is put right. */
static void drift_is_put_right_by_event(void **state) {
        static const struct {
                const char *what, *command, *effect;
        } rows[] = {
                { "kill", "kill hive-web", "start service/web/1" },
                { "stop", "stop -t 0 hive-web", "start service/web/1" },
                { "rm", "rm -f hive-web", "create service/web/1" },
                { "pause", "pause hive-web", "unpause service/web/1" },
                { "update", "update --pids-limit 5 hive-web", "update service/web/1" },
                { "restart policy", "update --restart always hive-web", "update service/web/1" },
                { "disconnect", "network disconnect front hive-web", "connect network service/web/1" },
                { "connect", "network connect back hive-web", "disconnect network service/web/1" },
                { "rename", "rename hive-web stolen", "create service/web/1" },
        };
        struct world *w = *state;

        wish_for(w,
                 "[{name: web, " SLEEP ", networks: [{name: front}], restart: {backoff: {initial: 10ms}}}]",
                 TWO_NETWORKS);
        converge(w);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                print_message("%s\n", rows[i].what);
                forget_effects(w);
                sh("docker -H %s %s >/dev/null", hv_engine_url(w->engine), rows[i].command);
                hv_test_run_until(w->event, has_effect(w, rows[i].effect));
                converge(w);
                assert_int_equal(inspect(w, "hive-web")->state, HV_DOCKER_STATE_RUNNING);
                assert_true(is_in(inspect(w, "hive-web"), "front"));
                assert_string_equal(inspect(w, "hive-web")->restart_policy, "no");
                assert_int_equal(inspect(w, "hive-web")->n_endpoints, 1);
        }
        assert_null(inspect(w, "stolen"));
}

static void a_stranger_is_left_alone(void **state) {
        struct world *w = *state;
        const char *id;

        sh("docker -H %s run -d --name hive-web hv/busybox:1 sleep 1000 >/dev/null",
           hv_engine_url(w->engine));
        id = id_of(w, "hive-web");
        wish_for(w, "[{name: web, " SLEEP "}, {name: other, " SLEEP "}]", NULL);
        hv_test_run_until(w->event, inspect(w, "hive-other") &&
                                            inspect(w, "hive-other")->state == HV_DOCKER_STATE_RUNNING);
        hv_test_drain(w->event);
        assert_string_equal(id_of(w, "hive-web"), id);
        assert_int_equal(inspect(w, "hive-web")->state, HV_DOCKER_STATE_RUNNING);
        assert_false(is_synced(w));
        sh("docker -H %s rm -f hive-web >/dev/null", hv_engine_url(w->engine));
        converge(w);
        assert_string_not_equal(id_of(w, "hive-web"), id);
}

static void a_restarted_agent_finds_everything_as_it_was(void **state) {
        struct world *w = *state;
        const char *id;

        wish_for(w, WEB(", networks: [{name: front}, {name: back}], mounts: [{volume: data, target: /data}]"),
                 TWO_NETWORKS);
        converge(w);
        id = id_of(w, "hive-web");
        stop_agent(w);
        assert_int_equal(inspect(w, "hive-web")->state, HV_DOCKER_STATE_RUNNING);
        forget_effects(w);
        start_agent(w);
        converge(w);
        assert_int_equal(w->effects.n, 0);
        assert_int_equal(hv_docker_mutations_total(w->docker), 0);
        assert_string_equal(id_of(w, "hive-web"), id);
}

static void an_engine_that_dies_and_comes_back_is_found_again(void **state) {
        struct world *w = *state;

        wish_for(w, WEB(", restart: {backoff: {initial: 10ms}}"), NULL);
        converge(w);
        hv_engine_kill(w->engine);
        hv_test_run_until(w->event, w->n_lost > 0 && !is_synced(w));
        hv_engine_restart(w->engine);
        converge(w);
        assert_int_equal(OWN(w, hv_docker_connect)->outcome, HV_DOCKER_OK);
        assert_int_equal(inspect(w, "hive-web")->state, HV_DOCKER_STATE_RUNNING);
}

static void a_host_path_is_mounted_as_it_was_resolved(void **state) {
        struct world *w = *state;
        char path[] = "/tmp/hv-mount-XXXXXX", services[512];
        const struct hv_spec_policy *p;
        struct hv_docker_policy policy = {};

        assert_non_null(mkdtemp(path));
        (void) snprintf(services, sizeof services, WEB(", mounts: [{hostPath: %s, target: /data}]"), path);
        wish_for(w, services, "  node: {policy: {hostPaths: [/tmp]}}\n");
        p = &w->desired->tree->state.host.policy;
        policy.host_paths = p->host_paths;
        hv_docker_set_policy(w->docker, &policy);
        converge(w);
        assert_string_equal(inspect(w, "hive-web")->mounts[0].source, path);
        sh("rmdir %s", path);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(a_wish_becomes_containers),
                T(limits_change_in_place_and_the_rest_anew),
                T(what_is_not_wanted_any_more_goes_in_order),
                T(drift_is_put_right_by_event),
                T(a_stranger_is_left_alone),
                T(a_restarted_agent_finds_everything_as_it_was),
                cmocka_unit_test_setup_teardown(an_engine_that_dies_and_comes_back_is_found_again, set_up_own,
                                                tear_down),
                T(a_host_path_is_mounted_as_it_was_resolved),
        };

        return cmocka_run_group_tests_name("converge", tests, NULL, NULL);
}

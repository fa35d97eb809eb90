/* spec: services become units, with every default settled. */
#include "testing.h"

#include "set.h"

static void load(struct set *s, const char *below) {
        _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, below);

        if (set_load_text(s, text) < 0)
                fail_msg("%s", s->said.data);
}

static void a_service_that_says_nothing(void **state) {
        const struct hv_unit *u;
        struct set s = {};

        (void) state;
        load(&s, "  services: [{name: web, image: nginx}]\n");
        assert_int_equal(s.desired->n_units, 1);
        u = hv_desired_unit(s.desired, "service/web/1");
        assert_non_null(u);
        assert_string_equal(u->container, "hive-web");
        assert_string_equal(u->image, "docker.io/library/nginx:latest");
        assert_false(u->has_command);
        assert_false(u->has_args);
        assert_int_equal(u->n_networks, 1);
        assert_string_equal(u->networks[0].name, "hivemind");
        assert_int_equal(u->limits.pids, 1024);
        assert_int_equal(u->limits.memory_bytes, 0);
        assert_int_equal(u->limits.nano_cpus, 0);
        assert_true(u->security.drop_all);
        assert_int_equal(u->security.add_capabilities.n, 0);
        assert_true(u->security.no_new_privileges);
        assert_true(u->security.init);
        assert_false(u->security.read_only_root);
        assert_false(u->security.privileged);
        assert_null(u->security.user);
        assert_string_equal(u->stop_signal, "SIGTERM");
        assert_int_equal(u->stop_grace_us, 10 * HV_USEC_PER_SEC);
        assert_string_equal(u->log_driver, "json-file");
        assert_int_equal(u->log_options.n, 2);
        assert_string_equal(u->log_options.v[0].name, "max-file");
        assert_string_equal(u->log_options.v[0].value, "3");
        assert_string_equal(u->log_options.v[1].name, "max-size");
        assert_string_equal(u->log_options.v[1].value, "20971520");
        assert_string_equal(u->cgroup_parent, "hivelet.slice");
        assert_int_equal(u->restart, HV_RESTART_ALWAYS);
        assert_false(u->adopt);
        assert_false(u->suspended);
        assert_true(set_says(
                &s,
                "f:5:21: warning[W020]: spec.services[0].name: service \"web\" names neither requests nor "
                "limits of cpu and memory: it counts as cpu 100m, memory 64Mi"));
        set_done(&s);
}

static void a_limit_is_no_less_than_the_kernel_can_hold(void **state) {
        static const struct {
                const char *text;
                uint64_t nano_cpus;
        } rows[] = {
                { "resources: {limits: {cpu: 1m}}", 10000000 },
                { "resources: {limits: {cpu: 11m}}", 11000000 },
                { "cpuQuota: 1000", 10000000 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text =
                        hv_asprintf("  services: [{name: web, image: nginx, %s}]\n", rows[i].text);
                struct set s = {};

                load(&s, text);
                assert_int_equal(hv_desired_unit(s.desired, "service/web/1")->limits.nano_cpus,
                                 rows[i].nano_cpus);
                set_done(&s);
        }
}

/* As E0601 adds them up: requests, else limits, else what W020 says; for each replica. */
static void services_count_in_the_books(void **state) {
        struct set s = {};

        (void) state;
        load(&s, "  services:\n"
                 "    - {name: a, image: x, replicas: 2}\n"
                 "    - {name: b, image: x, resources: {limits: {cpu: 2, memory: 1Gi}}}\n"
                 "    - {name: c, image: x, replicas: 3, resources: {requests: {cpu: 500m, memory: 128Mi}, "
                 "limits: {cpu: 2, memory: 1Gi}}}\n"
                 "    - {name: d, image: x, cpuQuota: 50000}\n");
        assert_int_equal(s.desired->services.nano_cpus, UINT64_C(4200000000));
        assert_int_equal(s.desired->services.memory_bytes, UINT64_C(1600) << 20);
        set_done(&s);
}

static void the_default_network_is_made_on_demand(void **state) {
        const struct hv_network *n;
        struct set s = {};

        (void) state;
        load(&s, "  services: [{name: a, image: b}]\n");
        n = hv_desired_network(s.desired, "hivemind");
        assert_non_null(n);
        assert_true(n->implicit);
        assert_true(n->use_foreign);
        assert_string_equal(n->driver, "bridge");
        assert_int_equal(n->options.n, 1);
        assert_string_equal(n->options.v[0].name, "com.docker.network.bridge.enable_icc");
        assert_string_equal(n->options.v[0].value, "true");
        set_done(&s);

        load(&s,
             "  networks: [{name: hivemind, subnet: 172.30.0.0/24}]\n  services: [{name: a, image: b}]\n");
        n = hv_desired_network(s.desired, "hivemind");
        assert_false(n->implicit);
        assert_true(n->use_foreign);
        assert_string_equal(n->subnet, "172.30.0.0/24");
        assert_int_equal(s.desired->n_networks, 1);
        set_done(&s);

        hv_spec_overrides_add(&s.overrides, "taskDefaults.network", "hive-tasks", "$DOCKER_NETWORK");
        load(&s, "  {}\n");
        n = hv_desired_network(s.desired, "hive-tasks");
        assert_non_null(n);
        assert_true(n->implicit);
        set_done(&s);

        load(&s, "  taskDefaults: {network: none}\n  services: [{name: a, image: b, network: none}]\n");
        assert_int_equal(s.desired->n_networks, 0);
        assert_string_equal(s.desired->units[0].network_mode, "none");
        assert_int_equal(s.desired->units[0].n_networks, 0);
        set_done(&s);
}

static void replicas_share_a_range_of_ports(void **state) {
        struct set s = {};

        (void) state;
        load(&s,
             "  services: [{name: web, image: b, replicas: 3, ports: [{container: 80, host: 8080-8082}, {container: 81}]}]\n");
        assert_int_equal(s.desired->n_units, 3);
        for (unsigned r = 1; r <= 3; r++) {
                _hv_cleanup_free_ char *key = hv_asprintf("service/web/%u", r);
                const struct hv_unit *u = hv_desired_unit(s.desired, key);

                assert_int_equal(u->replica, r);
                assert_int_equal(u->ports[0].host, 8079 + r);
                assert_int_equal(u->ports[1].host, 0);
                assert_string_equal(u->ports[0].address, "127.0.0.1");
                assert_string_equal(u->ports[0].protocol, "tcp");
        }
        assert_string_equal(hv_desired_unit(s.desired, "service/web/1")->container, "hive-web");
        assert_string_equal(hv_desired_unit(s.desired, "service/web/3")->container, "hive-web-3");
        assert_int_equal(s.desired->objects[0].n_units, 3);
        set_done(&s);
}

static void bind_classes_become_addresses(void **state) {
        static const struct {
                const char *bind, *address;
        } rows[] = {
                { "loopback", "127.0.0.1" },
                { "public", "0.0.0.0" },
                { "wireguard", "10.0.0.17" },
                { "127.0.0.1", "127.0.0.1" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf(
                        "  node: {policy: {publish: [loopback, wireguard, public]}}\n"
                        "  wireguard:\n"
                        "    - {name: m, privateKey: {file: /k}, addresses: [10.0.0.17/24, 10.1.0.1/24]}\n"
                        "    - {name: a, privateKey: {file: /k}, addresses: [10.2.0.1/24]}\n"
                        "    - {name: z, privateKey: {file: /k}, addresses: [10.3.0.1/24]}\n"
                        "  services: [{name: web, image: b, ports: [{container: 80, host: 8080, bind: \"%s\"}]}]\n",
                        rows[i].bind);
                struct set s = {};

                load(&s, text);
                assert_string_equal(s.desired->units[0].ports[0].address, rows[i].address);
                assert_string_equal(s.desired->units[0].ports[0].bind, rows[i].bind);
                set_done(&s);
        }
}

static void joined(const struct hv_strv *l, char *ret, size_t size) {
        ret[0] = '\0';
        for (size_t i = 0; i < l->n; i++)
                (void) snprintf(ret + strlen(ret), size - strlen(ret), "%s%s", i ? " " : "", l->v[i]);
}

static void capabilities_are_the_engines_cut_to_the_policy(void **state) {
        static const struct {
                const char *what, *policy, *security, *added;
        } rows[] = {
                { "none allowed", "[]", "{}", "" },
                { "allowed ones that an engine gives", "[chown, CAP_SETUID, NET_ADMIN]", "{}",
                  "CHOWN SETUID" },
                { "one dropped", "[CHOWN, SETUID]", "{dropCapabilities: [CAP_CHOWN]}", "SETUID" },
                { "all dropped", "[CHOWN, SETUID]", "{dropCapabilities: [ALL]}", "" },
                { "one added", "[CHOWN, NET_ADMIN]", "{addCapabilities: [NET_ADMIN]}", "CHOWN NET_ADMIN" },
                { "all dropped, one added", "[CHOWN, NET_ADMIN]",
                  "{dropCapabilities: [ALL], addCapabilities: [net_admin]}", "NET_ADMIN" },
                { "added twice", "[CHOWN]", "{addCapabilities: [CHOWN, CAP_CHOWN]}", "CHOWN" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf(
                        "  node: {policy: {capabilities: %s}}\n  services: [{name: a, image: b, security: %s}]\n",
                        rows[i].policy, rows[i].security);
                struct set s = {};
                char added[256];

                load(&s, text);
                joined(&s.desired->units[0].security.add_capabilities, added, sizeof added);
                assert_true(s.desired->units[0].security.drop_all);
                assert_string_equal(added, rows[i].added);
                set_done(&s);
        }
}

static void what_is_written_arrives(void **state) {
        const struct hv_unit *u;
        struct set s = {};

        (void) state;
        load(&s,
             "  node: {docker: {enabled: false}, policy: {hostPaths: [/srv]}}\n"
             "  volumes: [{name: v, reclaim: delete, access: exclusive}]\n"
             "  networks: [{name: z, internal: true}, {name: b}]\n"
             "  logging: {containers: {driver: journald}}\n"
             "  services:\n"
             "    - name: a\n"
             "      image: r.example.org:5000/x@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n"
             "      annotations: {hivelet/adopt: \"true\"}\n"
             "      command: []\n"
             "      args: [a, \"b c\"]\n"
             "      workdir: /w\n"
             "      hostname: h\n"
             "      pullPolicy: always\n"
             "      env: [{name: Z, value: 1.10}, {name: A, value: no}]\n"
             "      networks: [{name: z, aliases: [q]}, {name: b}]\n"
             "      mounts: [{tmpfs: 1Mi, target: /t}, {volume: v, target: /d, readOnly: true}, {hostPath: /srv/x, target: /h}]\n"
             "      cpuQuota: 50000\n"
             "      resources: {limits: {memory: 64Mi, pids: 5}}\n"
             "      restart: {policy: onFailure, backoff: {initial: 2s, factor: 1.5, max: 3s, resetAfter: 4s}}\n"
             "      security: {readOnlyRoot: true, init: false, noNewPrivileges: false, user: \"1:1\"}\n"
             "      stop: {signal: int, grace: 1s}\n"
             "      dependsOn: [{service: c, condition: ready}]\n"
             "    - {name: c, image: b, logging: {driver: local, maxFiles: 2, options: {max-size: 5m}}}\n");
        u = hv_desired_unit(s.desired, "service/a/1");
        assert_string_equal(
                u->image,
                "r.example.org:5000/x@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
        assert_true(u->adopt);
        assert_true(u->suspended);
        assert_true(u->has_command);
        assert_int_equal(u->command.n, 0);
        assert_int_equal(u->args.n, 2);
        assert_string_equal(u->args.v[1], "b c");
        assert_null(u->args.v[2]);
        assert_string_equal(u->workdir, "/w");
        assert_string_equal(u->hostname, "h");
        assert_int_equal(u->pull_policy, HV_PULL_ALWAYS);
        assert_string_equal(u->env.v[0].name, "A");
        assert_string_equal(u->env.v[0].value, "no");
        assert_string_equal(u->env.v[1].value, "1.10");
        assert_string_equal(u->networks[0].name, "b");
        assert_string_equal(u->networks[1].aliases.v[0], "q");
        assert_string_equal(u->mounts[0].target, "/d");
        assert_int_equal(u->mounts[0].type, HV_MOUNT_VOLUME);
        assert_true(u->mounts[0].read_only);
        assert_int_equal(u->mounts[1].type, HV_MOUNT_HOST_PATH);
        assert_int_equal(u->mounts[2].type, HV_MOUNT_TMPFS);
        assert_int_equal(u->mounts[2].size_bytes, 1024 * 1024);
        assert_int_equal(u->limits.nano_cpus, 500000000);
        assert_int_equal(u->limits.memory_bytes, 64 * 1024 * 1024);
        assert_int_equal(u->limits.pids, 5);
        assert_int_equal(u->restart, HV_RESTART_ON_FAILURE);
        assert_int_equal(u->backoff.factor_milli, 1500);
        assert_int_equal(u->backoff.max_us, 3 * HV_USEC_PER_SEC);
        assert_true(u->security.read_only_root);
        assert_false(u->security.init);
        assert_false(u->security.no_new_privileges);
        assert_string_equal(u->security.user, "1:1");
        assert_string_equal(u->stop_signal, "SIGINT");
        assert_string_equal(u->log_driver, "journald");
        assert_int_equal(u->log_options.n, 0);
        assert_int_equal(u->n_depends_on, 1);
        assert_int_equal(u->depends_on[0].condition, HV_WANT_READY);
        u = hv_desired_unit(s.desired, "service/c/1");
        assert_int_equal(u->log_options.n, 2);
        assert_string_equal(u->log_options.v[0].value, "2");
        assert_string_equal(u->log_options.v[1].value, "5m");
        assert_true(hv_desired_volume(s.desired, "v")->reclaim_delete);
        assert_true(hv_desired_volume(s.desired, "v")->exclusive);
        assert_true(hv_desired_network(s.desired, "z")->internal);
        assert_false(hv_desired_network(s.desired, "z")->use_foreign);
        set_done(&s);
}

static void a_small_file_cannot_ask_for_everything(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct set s = {};

        (void) state;
        hv_buf_puts(&text, SET_HEAD "  services:\n");
        for (int i = 0; i < 201; i++)
                hv_buf_printf(&text, "    - {name: s%03d, image: b, replicas: 100}\n", i);
        assert_int_equal(set_load_text(&s, text.data), -EINVAL);
        assert_true(set_says(
                &s, "f:206:14: error[E0003]: spec.services[200].name: too large: the services make more than "
                    "20000 containers"));
        set_done(&s);
}

static void settings_are_taken_over(void **state) {
        struct set s = {};

        (void) state;
        load(&s,
             "  node: {reconcile: {resync: 5s, jitter: 0%, workers: 9, callTimeout: 3s}, safety: {maxPrune: 10%, allowEmpty: true, keepRevisions: 2}}\n"
             "  images: {pull: {parallel: 3, stallTimeout: 1s, retries: 1}}\n"
             "  resources: {cgroup: {slice: x.slice}}\n"
             "  http: {listen: \"127.0.0.1:9\", metrics: {enabled: false}}\n"
             "  logging: {level: debug}\n");
        assert_int_equal(s.desired->settings.resync_us, 5 * HV_USEC_PER_SEC);
        assert_int_equal(s.desired->settings.jitter_percent, 0);
        assert_int_equal(s.desired->settings.workers, 9);
        assert_int_equal(s.desired->settings.call_timeout_us, 3 * HV_USEC_PER_SEC);
        assert_int_equal(s.desired->settings.max_prune_percent, 10);
        assert_true(s.desired->settings.allow_empty);
        assert_int_equal(s.desired->settings.keep_revisions, 2);
        assert_int_equal(s.desired->settings.parallel_pulls, 3);
        assert_int_equal(s.desired->settings.pull_retries, 1);
        assert_string_equal(s.desired->settings.slice, "x.slice");
        assert_string_equal(s.desired->settings.http_listen, "127.0.0.1:9");
        assert_false(s.desired->settings.http_metrics);
        assert_string_equal(s.desired->settings.log.level, "debug");
        assert_string_equal(s.desired->settings.node_name, "node-1");
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_service_that_says_nothing),
                cmocka_unit_test(a_limit_is_no_less_than_the_kernel_can_hold),
                cmocka_unit_test(services_count_in_the_books),
                cmocka_unit_test(the_default_network_is_made_on_demand),
                cmocka_unit_test(replicas_share_a_range_of_ports),
                cmocka_unit_test(bind_classes_become_addresses),
                cmocka_unit_test(capabilities_are_the_engines_cut_to_the_policy),
                cmocka_unit_test(what_is_written_arrives),
                cmocka_unit_test(a_small_file_cannot_ask_for_everything),
                cmocka_unit_test(settings_are_taken_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

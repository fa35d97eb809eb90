/* spec: a task becomes one container with everything around it settled; its document is the task. */
#include "testing.h"

#include "base/arena.h"
#include "corpus.h"
#include "set.h"
#include "spec/check.h"
#include "spec/secret_users.h"
#include "spec/task_load.h"
#include "spec/value_image.h"
#include "spec/yaml.h"

static void load(struct set *s, const char *below) {
        _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, below);

        if (set_load_text(s, text) < 0)
                fail_msg("%s", s->said.data);
}

static const char *env_of(const struct hv_unit *u, const char *name) {
        for (size_t i = 0; i < u->env.n; i++)
                if (hv_streq(u->env.v[i].name, name))
                        return u->env.v[i].value;
        return NULL;
}

static const char *log_option(const struct hv_unit *u, const char *name) {
        for (size_t i = 0; i < u->log_options.n; i++)
                if (hv_streq(u->log_options.v[i].name, name))
                        return u->log_options.v[i].value;
        return NULL;
}

static void a_task_that_says_nothing(void **state) {
        const struct hv_task *t;
        const struct hv_unit *u;
        struct set s = {};

        (void) state;
        load(&s, "  tasks: [{name: t}]\n");
        assert_int_equal(s.desired->n_tasks, 1);
        t = s.desired->tasks[0];
        u = &t->unit;
        assert_string_equal(t->name, "t");
        assert_memory_equal(t->id, "t-", 2);
        assert_memory_equal(t->id + 2, t->digest, 8);
        assert_int_equal(strlen(t->id), 10);
        assert_ptr_equal(hv_desired_task(s.desired, t->id), t);
        assert_null(hv_desired_task(s.desired, "t"));
        assert_int_equal(t->source, HV_TASK_FROM_FILE);
        assert_null(t->cron);
        assert_null(t->refused);
        assert_int_equal(u->kind, HV_KIND_TASK);
        assert_string_equal(u->object, t->id);
        assert_int_equal(u->replica, 1);
        assert_memory_equal(u->key, "task/t-", 7);
        assert_memory_equal(u->container, "task-t-", 7);
        assert_string_equal(u->image, "docker.io/library/python:3.9-slim");
        assert_false(u->has_command);
        assert_int_equal(u->args.n, 2);
        assert_string_equal(u->args.v[1], "task.py");
        assert_string_equal(u->workdir, "/workspace");
        assert_string_equal(env_of(u, "HOME"), "/workspace");
        assert_string_equal(u->network_mode, "none");
        assert_int_equal(u->n_networks, 0);
        assert_int_equal(u->n_mounts, 2);
        assert_string_equal(u->mounts[0].target, "/tmp");
        assert_int_equal(u->mounts[0].type, HV_MOUNT_TMPFS);
        assert_int_equal(u->mounts[0].size_bytes, UINT64_C(512) << 20);
        assert_string_equal(u->mounts[1].target, "/workspace");
        assert_int_equal(u->mounts[1].type, HV_MOUNT_WORKSPACE);
        assert_null(u->mounts[1].source);
        assert_false(u->mounts[1].read_only);
        assert_int_equal(u->limits.memory_bytes, UINT64_C(1) << 30);
        assert_int_equal(u->limits.nano_cpus, 1000000000);
        assert_int_equal(u->limits.pids, 1024);
        assert_int_equal(t->booking.memory_bytes, UINT64_C(1) << 30);
        assert_int_equal(t->booking.nano_cpus, 1000000000);
        assert_int_equal(t->booking.disk_bytes, 0);
        assert_int_equal(t->booking.n_gpus, 0);
        assert_string_equal(u->security.user, "65534:65534");
        assert_int_equal(t->uid, 65534);
        assert_int_equal(t->gid, 65534);
        assert_true(u->security.drop_all);
        assert_int_equal(u->security.add_capabilities.n, 0);
        assert_true(u->security.no_new_privileges);
        assert_true(u->security.read_only_root);
        assert_true(u->security.init);
        assert_false(u->security.privileged);
        assert_int_equal(u->restart, HV_RESTART_NEVER);
        assert_string_equal(u->stop_signal, "SIGTERM");
        assert_int_equal(u->stop_grace_us, 10 * HV_USEC_PER_SEC);
        assert_null(u->log_driver);
        assert_string_equal(log_option(u, "max-file"), "10");
        assert_string_equal(log_option(u, "max-size"), "6990507"); /* above 20Mi x 3 / 9 */
        assert_int_equal(t->log_max_bytes, UINT64_C(60) << 20);
        assert_string_equal(u->cgroup_parent, "hivelet.slice");
        assert_int_equal(t->timeout_us, HV_USEC_PER_HOUR);
        assert_int_equal(t->wait_for_resources_us, HV_TIME_NEVER);
        assert_int_equal(t->priority, 50);
        assert_int_equal(t->retry_limit, 0);
        assert_int_equal(t->retry_on, HV_TASK_RETRY_NODE_ERROR);
        assert_int_equal(t->checkpoint_code, -1);
        assert_int_equal(t->n_inputs, 0);
        assert_int_equal(t->outputs.n, 1);
        assert_string_equal(t->outputs.v[0], "results");
        assert_int_equal(t->outputs_max_bytes, UINT64_C(1) << 30);
        assert_int_equal(t->outputs_max_files, 10000);
        assert_int_equal(t->outputs_keep_us, HV_USEC_PER_DAY);
        assert_int_equal(s.desired->n_networks, 0);
        set_done(&s);
}

static void attempts_have_names_of_their_own(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        const struct hv_task *t;
        struct hv_unit u;
        struct set s = {};

        (void) state;
        load(&s, "  tasks: [{name: t}]\n");
        t = s.desired->tasks[0];
        hv_task_unit(t, 3, a, &u);
        assert_int_equal(u.replica, 3);
        assert_string_equal(u.key, hv_arena_printf(a, "task/%s/3", t->id));
        assert_string_equal(u.container, hv_arena_printf(a, "task-%s.3", t->id));
        assert_string_equal(u.digest, t->unit.digest);
        assert_string_equal(hv_task_container(t, 1, a), t->unit.container);
        hv_task_unit(t, 1, a, &u);
        assert_string_equal(u.key, t->unit.key);
        set_done(&s);
}

/* Loads the document of a task again: everything that is derived from it must be as it was. */
static void assert_round_trip(const struct hv_task *t, const struct hv_desired *d) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_task_unrefp) struct hv_task *again = NULL;
        const struct hv_task_request request = {
                .document = t->document,
                .len = strlen(t->document),
                .read = hv_yaml_read,
                .id = t->id,
                .cron = t->cron,
                .source = t->source,
        };
        const struct hv_diag *all;
        size_t n;

        if (hv_task_load(&request, d, &again, diags) < 0) {
                all = hv_diags_all(diags, &n);
                fail_msg("%s: %s: %s\n%s", t->id, all[0].path, all[0].message, t->document);
        }
        assert_string_equal(again->digest, t->digest);
        assert_string_equal(again->document, t->document);
        assert_string_equal(again->unit.digest, t->unit.digest);
        assert_string_equal(again->id, t->id);
        assert_string_equal(again->name, t->name);
        assert_memory_equal(&again->booking, &t->booking, sizeof t->booking);
        assert_int_equal(again->timeout_us, t->timeout_us);
        assert_int_equal(again->n_inputs, t->n_inputs);
        for (size_t i = 0; i < t->n_inputs; i++) {
                assert_string_equal(again->inputs[i].path, t->inputs[i].path);
                assert_int_equal(again->inputs[i].len, t->inputs[i].len);
                assert_memory_equal(again->inputs[i].text ? again->inputs[i].text : "",
                                    t->inputs[i].text ? t->inputs[i].text : "", t->inputs[i].len);
        }
        assert_int_equal(again->unit.env.n, t->unit.env.n);
        for (size_t i = 0; i < t->unit.env.n; i++)
                assert_string_equal(again->unit.env.v[i].value, t->unit.env.v[i].value);
}

static size_t all_round_trips(const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_tasks; i++)
                assert_round_trip(d->tasks[i], d);
        for (size_t i = 0; i < d->n_cron_tasks; i++) {
                _hv_cleanup_(hv_task_unrefp) struct hv_task *run =
                        hv_cron_run(&d->cron_tasks[i], UINT64_C(1795317300000000), d);

                assert_string_equal(run->digest, d->cron_tasks[i].digest);
                assert_string_equal(run->document, d->cron_tasks[i].document);
                assert_round_trip(run, d);
        }
        return d->n_tasks + d->n_cron_tasks;
}

static void documents_of_the_corpus_come_back(void **state) {
        struct corpus_list names;
        size_t n = 0;

        (void) state;
        corpus_folders(&names);
        for (size_t i = 0; i < names.n; i++) {
                _hv_cleanup_free_ char *folder = hv_asprintf(CORPUS_DIR "/%s", names.v[i]);
                _hv_cleanup_(hv_desired_unrefp) struct hv_desired *fixed = NULL, *bad = NULL;
                _hv_cleanup_(hv_buf_done) struct hv_buf said = {};

                (void) corpus_load(folder, "fixed", &said, &fixed);
                (void) corpus_load(folder, "bad", &said, &bad);
                n += fixed ? all_round_trips(fixed) : 0;
                n += bad ? all_round_trips(bad) : 0;
        }
        corpus_list_done(&names);
        if (n < 30)
                fail_msg("only %zu tasks", n);
}

static void scalars_stay_as_they_were_written(void **state) {
        static const char *const values[] = {
                "1.10",
                "\"1.10\"",
                "no",
                "0644",
                "22:22",
                "1e400",
                "12345678901234567890",
                "true",
                "\"true\"",
                "'a\"b\\c'",
                "\"a \\u2028 b\\u2029 \\u0085\\x01\\U0001F600\\ufeff\"",
                "\"$$HOME $${X} $$$$\"",
                "$HOME",
                "~x",
                "\" lead\"",
                "'#no'",
                "-0",
                "0.10",
                "\"null\"",
                "\"\"",
        };
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct set s = {};

        (void) state;
        hv_buf_puts(&text, "  tasks:\n    - name: t\n      env:\n");
        for (size_t i = 0; i < HV_ARRAY_SIZE(values); i++)
                hv_buf_printf(&text, "        - {name: V%zu, value: %s}\n", i, values[i]);
        hv_buf_puts(&text, "      inputs:\n        - path: a\n          inline: \"a\\r\\n\\tb \\n\\n\"\n");
        load(&s, hv_buf_str(&text));
        assert_int_equal(all_round_trips(s.desired), 1);
        assert_string_equal(env_of(&s.desired->tasks[0]->unit, "V0"), "1.10");
        assert_string_equal(env_of(&s.desired->tasks[0]->unit, "V11"), "$HOME ${X} $$");
        assert_non_null(strstr(s.desired->tasks[0]->document, "\"value\": 1.10}"));
        set_done(&s);
}

/* The same work, written in two ways, is one run; other work is another. */
static void the_digest_is_of_the_meaning(void **state) {
        static const struct {
                const char *what, *task;
                bool same;
        } rows[] = {
                { "the task itself",
                  "{name: t, image: alpine, env: [{name: A, value: 1}, {name: B, value: x}]}", true },
                { "order of fields and variables",
                  "{env: [{value: x, name: B}, {name: A, value: \"1\"}], image: alpine, name: t}", true },
                { "the full name of the image",
                  "{name: t, image: docker.io/library/alpine:latest, env: [{name: A, value: 1}, {name: B, value: x}]}",
                  true },
                { "defaults written out",
                  "{name: t, image: alpine, pullPolicy: missing, workdir: /workspace, priority: 50, stop: {signal: "
                  "SIGTERM}, env: [{name: A, value: 1}, {name: B, value: x}]}",
                  true },
                { "a note",
                  "{name: t, image: alpine, annotations: {owner: ana}, env: [{name: A, value: 1}, {name: B, value: x}]}",
                  true },
                { "another name", "{name: u, image: alpine, env: [{name: A, value: 1}, {name: B, value: x}]}",
                  false },
                { "another image",
                  "{name: t, image: alpine:3, env: [{name: A, value: 1}, {name: B, value: x}]}", false },
                { "another value",
                  "{name: t, image: alpine, env: [{name: A, value: 2}, {name: B, value: x}]}", false },
                { "resources",
                  "{name: t, image: alpine, env: [{name: A, value: 1}, {name: B, value: x}], resources: {limits: {cpu: "
                  "2}}}",
                  false },
                { "a label",
                  "{name: t, image: alpine, labels: {a: b}, env: [{name: A, value: 1}, {name: B, value: x}]}",
                  false },
                { "inputs",
                  "{name: t, image: alpine, inputs: [{path: a, inline: b}], env: [{name: A, value: 1}, {name: B, value: "
                  "x}]}",
                  false },
        };
        char digest[HV_SHA256_HEX_SIZE] = "";

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *below = hv_asprintf("  tasks:\n    - %s\n", rows[i].task);
                struct set s = {};

                load(&s, below);
                if (i == 0)
                        memcpy(digest, s.desired->tasks[0]->digest, sizeof digest);
                if ((strcmp(digest, s.desired->tasks[0]->digest) == 0) != rows[i].same)
                        fail_msg("%s", rows[i].what);
                set_done(&s);
        }
}

static void everything_that_is_written_arrives(void **state) {
        const struct hv_task *t;
        const struct hv_unit *u;
        struct set s = {};

        (void) state;
        load(&s,
             "  node: {policy: {capabilities: [CHOWN, KILL], hostPaths: [/srv]}}\n"
             "  networks: [{name: lab}]\n"
             "  services: [{name: db, image: db, dependsOn: [{task: prepare, condition: completed}]}]\n"
             "  tasks:\n"
             "    - name: prepare\n"
             "    - name: t\n"
             "      image: alpine\n"
             "      command: [run]\n"
             "      args: []\n"
             "      workdir: /job//\n"
             "      env: [{name: HOME, value: /nowhere}, {name: A, value: b}]\n"
             "      inputs:\n"
             "        - {path: ./a//b, inline: xyz}\n"
             "        - {path: c, url: \"https://example.org/c\", sha256: "
             "2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE, maxSize: 1Mi}\n"
             "        - {path: d, archive: /srv//d.zip}\n"
             "      outputs: {paths: [out/, .], maxSize: 2Mi, maxFiles: 3, keep: 5m}\n"
             "      timeout: 30m\n"
             "      stop: {signal: INT, grace: 3s}\n"
             "      retries: {limit: 2, backoff: 1s, on: [oom, exitCode], exitCodes: [75, 3]}\n"
             "      checkpoint: {exitCode: 85, path: ./ck}\n"
             "      network: lab\n"
             "      mounts: [{tmpfs: 1Mi, target: /tmp}, {hostPath: /srv/x, target: /x, readOnly: true}]\n"
             "      dependsOn: [{service: db, condition: ready}, {task: prepare, condition: completed}]\n"
             "      resources: {requests: {cpu: 500m, disk: 4Gi}, limits: {memory: 64Mi, pids: 7}}\n"
             "      security: {user: \"7:8\", addCapabilities: [cap_chown], dropCapabilities: [ALL], readOnlyRoot: "
             "false}\n"
             "      logging: {maxSize: 900, maxFiles: 1}\n"
             "      priority: 99\n");
        assert_int_equal(s.desired->n_tasks, 2);
        t = s.desired->tasks[1];
        u = &t->unit;
        assert_string_equal(t->name, "t");
        assert_true(u->has_command && u->has_args && u->args.n == 0);
        assert_string_equal(u->workdir, "/job");
        assert_string_equal(env_of(u, "HOME"), "/nowhere");
        assert_int_equal(t->n_inputs, 3);
        assert_string_equal(t->inputs[0].path, "a/b");
        assert_int_equal(t->inputs[0].len, 3);
        assert_memory_equal(t->inputs[1].sha256, "2c26b46b", 8);
        assert_int_equal(t->inputs[1].max_size_bytes, 1 << 20);
        assert_string_equal(t->inputs[2].archive, "/srv/d.zip");
        assert_string_equal(t->outputs.v[0], "out");
        assert_string_equal(t->outputs.v[1], ".");
        assert_null(t->outputs.v[2]);
        assert_int_equal(t->outputs_max_bytes, 2 << 20);
        assert_int_equal(t->outputs_max_files, 3);
        assert_int_equal(t->outputs_keep_us, 5 * HV_USEC_PER_MIN);
        assert_int_equal(t->timeout_us, 30 * HV_USEC_PER_MIN);
        assert_string_equal(u->stop_signal, "SIGINT");
        assert_int_equal(u->stop_grace_us, 3 * HV_USEC_PER_SEC);
        assert_int_equal(t->retry_limit, 2);
        assert_int_equal(t->retry_on, HV_TASK_RETRY_OOM | HV_TASK_RETRY_EXIT_CODE);
        assert_int_equal(t->retry_backoff_us, HV_USEC_PER_SEC);
        assert_int_equal(t->n_retry_codes, 2);
        assert_int_equal(t->retry_codes[0], 75);
        assert_int_equal(t->checkpoint_code, 85);
        assert_string_equal(t->checkpoint_path, "ck");
        assert_null(u->network_mode);
        assert_string_equal(u->networks[0].name, "lab");
        assert_int_equal(u->n_mounts, 3);
        assert_int_equal(u->mounts[0].type, HV_MOUNT_WORKSPACE);
        assert_int_equal(u->mounts[1].size_bytes, 1 << 20);
        assert_string_equal(u->mounts[2].source, "/srv/x");
        assert_true(u->mounts[2].read_only);
        assert_int_equal(u->n_depends_on, 2);
        assert_int_equal(u->depends_on[0].kind, HV_KIND_SERVICE);
        assert_int_equal(u->depends_on[0].condition, HV_WANT_READY);
        assert_int_equal(u->depends_on[1].kind, HV_KIND_TASK);
        assert_int_equal(u->depends_on[1].condition, HV_WANT_COMPLETED);
        assert_int_equal(t->booking.nano_cpus, 500000000);
        assert_int_equal(u->limits.nano_cpus, 500000000);
        assert_int_equal(t->booking.memory_bytes, 64 << 20);
        assert_int_equal(t->booking.disk_bytes, UINT64_C(4) << 30);
        assert_int_equal(u->limits.pids, 7);
        assert_string_equal(u->security.user, "7:8");
        assert_int_equal(t->gid, 8);
        assert_int_equal(u->security.add_capabilities.n, 1);
        assert_string_equal(u->security.add_capabilities.v[0], "CHOWN");
        assert_false(u->security.read_only_root);
        assert_string_equal(log_option(u, "max-size"), "101"); /* nine of them are above the cap */
        assert_int_equal(t->log_max_bytes, 900);
        assert_int_equal(t->priority, 99);
        assert_string_equal(u->origin.file, "f");
        assert_int_equal(u->origin.line, 10);

        u = hv_desired_unit(s.desired, "service/db/1");
        assert_int_equal(u->n_depends_on, 1);
        assert_int_equal(u->depends_on[0].kind, HV_KIND_TASK);
        assert_string_equal(u->depends_on[0].name, "prepare");
        set_done(&s);
}

static void amounts_come_from_the_nearest_place(void **state) {
        static const struct {
                const char *what, *resources;
                uint64_t nano_cpus, memory_mib;
                uint64_t pids, limit_nano_cpus; /* 0: what is booked */
        } rows[] = {
                { "nothing", "{}", 2000000000, 128, 9 },
                { "limits", "{limits: {cpu: 3, memory: 64Mi, pids: 5}}", 3000000000, 64, 5 },
                { "requests", "{requests: {cpu: 3, memory: 64Mi}}", 3000000000, 64, 9 },
                { "both", "{requests: {cpu: 1, memory: 32Mi}, limits: {cpu: 3, memory: 64Mi}}", 3000000000,
                  64, 9 },
                { "one of each", "{requests: {cpu: 1}, limits: {memory: 64Mi}}", 1000000000, 64, 9 },
                { "less than the kernel knows", "{requests: {cpu: 1m}}", 1000000, 128, 9, 10000000 },
                { "a limit of less", "{limits: {cpu: 9m}}", 9000000, 128, 9, 10000000 },
                { "just as much", "{limits: {cpu: 10m}}", 10000000, 128, 9 },
                { "the default, written", "{limits: {pids: 1024}}", 2000000000, 128, 1024 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *below = hv_asprintf(
                        "  taskDefaults: {resources: {limits: {cpu: 2, memory: 128Mi, pids: 9}}}\n"
                        "  tasks: [{name: t, resources: %s}]\n",
                        rows[i].resources);
                const struct hv_task *t;
                struct set s = {};
                uint64_t limit = rows[i].limit_nano_cpus ? rows[i].limit_nano_cpus : rows[i].nano_cpus;

                load(&s, below);
                t = s.desired->tasks[0];
                if (t->booking.nano_cpus != rows[i].nano_cpus || t->unit.limits.nano_cpus != limit ||
                    t->booking.memory_bytes != rows[i].memory_mib << 20 ||
                    t->unit.limits.memory_bytes != t->booking.memory_bytes ||
                    t->unit.limits.pids != rows[i].pids)
                        fail_msg("%s", rows[i].what);
                set_done(&s);
        }
}

static void the_dialect_of_the_pool_chooses_whether_busy_cpus_count(void **state) {
        static const struct {
                const char *text;
                unsigned cpu_used_percent, memory_some10_percent;
        } rows[] = {
                { "  tasks: [{name: t}]\n", 0, 40 },
                { "  master: {protocol: hivemind}\n", 90, 40 },
                { "  master: {protocol: hivemind}\n  gc: {pressure: {cpuUsed: 0%}}\n", 0, 40 },
                { "  master: {protocol: hivemind}\n  gc: {pressure: {cpuUsed: 75%}}\n", 75, 40 },
                { "  gc: {pressure: {cpuUsed: 80%}}\n", 80, 40 },
                { "  master: {protocol: hivemind}\n  gc: {pressure: {action: none}}\n", 0, 0 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct set s = {};

                load(&s, rows[i].text);
                if (s.desired->settings.pressure.cpu_used_percent != rows[i].cpu_used_percent ||
                    s.desired->settings.pressure.memory_some10_percent != rows[i].memory_some10_percent)
                        fail_msg("%s", rows[i].text);
                set_done(&s);
        }
}

static void the_dialect_of_the_pool_chooses_network_and_image(void **state) {
        struct set s = {};

        (void) state;
        load(&s, "  master: {protocol: hivemind}\n  tasks: [{name: t}]\n");
        assert_string_equal(s.desired->tasks[0]->unit.image, "docker.io/justin308/hivemind-worker:latest");
        assert_string_equal(s.desired->tasks[0]->unit.networks[0].name, "hivemind");
        assert_true(hv_desired_network(s.desired, "hivemind")->implicit);
        set_done(&s);

        load(&s,
             "  master: {protocol: hivemind}\n  taskDefaults: {network: none, image: alpine}\n  tasks: [{name: t}]\n");
        assert_string_equal(s.desired->tasks[0]->unit.image, "docker.io/library/alpine:latest");
        assert_string_equal(s.desired->tasks[0]->unit.network_mode, "none");
        assert_int_equal(s.desired->n_networks, 0);
        set_done(&s);

        load(&s, "  cronTasks: [{name: c, schedule: \"@daily\", task: {network: hivemind}}]\n");
        assert_true(hv_desired_network(s.desired, "hivemind")->implicit);
        set_done(&s);
}

static void a_cron_task_makes_runs(void **state) {
        const struct hv_cron_task *c;
        struct hv_task *run;
        struct set s = {};

        (void) state;
        load(&s, "  cronTasks:\n"
                 "    - name: backup\n"
                 "      schedule: \"15 3 * * mon\"\n"
                 "      timezone: Europe/Berlin\n"
                 "      concurrency: replace\n"
                 "      missed: runAll\n"
                 "      startingDeadline: 0s\n"
                 "      jitter: 5m\n"
                 "      history: {success: 1, failed: 2}\n"
                 "      labels: {of: cron}\n"
                 "      task: {image: alpine, labels: {of: run}}\n"
                 "    - {name: b, schedule: \"@hourly\", task: {image: alpine}}\n");
        assert_int_equal(s.desired->n_cron_tasks, 2);
        c = hv_desired_cron_task(s.desired, "b");
        assert_string_equal(c->zone, "UTC");
        assert_int_equal(c->starting_deadline_us, HV_USEC_PER_HOUR);
        assert_int_equal(c->concurrency, HV_CRON_FORBID);
        c = hv_desired_cron_task(s.desired, "backup");
        assert_string_equal(c->zone, "Europe/Berlin");
        assert_true(hv_cron_matches(&c->schedule, 15, 3, 20, 4, 1));
        assert_int_equal(c->concurrency, HV_CRON_REPLACE);
        assert_int_equal(c->missed, HV_CRON_RUN_ALL);
        assert_int_equal(c->starting_deadline_us, HV_TIME_NEVER);
        assert_int_equal(c->jitter_us, 5 * HV_USEC_PER_MIN);
        assert_int_equal(c->keep_success, 1);
        assert_int_equal(c->keep_failed, 2);
        run = hv_cron_run(c, UINT64_C(1795317300000000), s.desired);
        set_done(&s); /* a run outlives the state that it was made from */
        assert_string_equal(run->id, "backup-202611220315");
        assert_string_equal(run->unit.container, "task-backup-202611220315");
        assert_string_equal(run->name, "backup");
        assert_string_equal(run->cron, "backup");
        assert_int_equal(run->source, HV_TASK_FROM_CRON);
        assert_string_equal(run->unit.image, "docker.io/library/alpine:latest");
        assert_int_equal(run->unit.labels.n, 1);
        assert_string_equal(run->unit.labels.v[0].value, "run");
        assert_int_equal(run->unit.origin.line, 6);
        assert_null(hv_task_unref(run));
}

/* A task outlives the desired state that it came with. */
static void a_task_is_counted(void **state) {
        struct hv_task *t;
        struct set s = {};

        (void) state;
        load(&s, "  tasks: [{name: t, image: alpine, env: [{name: A, value: b}]}]\n");
        t = hv_task_ref(s.desired->tasks[0]);
        set_done(&s);
        assert_string_equal(env_of(&t->unit, "A"), "b");
        assert_string_equal(t->unit.cgroup_parent, "hivelet.slice");
        assert_string_equal(t->unit.origin.source, "file");
        assert_null(hv_task_unref(t));
        assert_null(hv_task_unref(NULL));
}

#define CONTEXT                                                                                      \
        "  node: {policy: {images: {allow: [\"docker.io/library/*\"]}, maxTaskTimeout: 2h}}\n"       \
        "  volumes: [{name: data}]\n"                                                                \
        "  services: [{name: db, image: db, mounts: [{volume: data, target: /d}], network: none}]\n" \
        "  taskDefaults: {timeout: 7m}\n"
#define TASK(fields) "{apiVersion: hivelet/v1, kind: Task, metadata: {name: job}, spec: {" fields "}}"

static void a_submitted_document_is_judged_by_the_node(void **state) {
        static const struct {
                const char *id, *document, *says; /* says: code and start of the message; NULL: taken */
        } rows[] = {
                { "t-1", TASK("image: alpine"), NULL },
                { NULL, TASK("image: alpine, mounts: [{volume: data, target: /d}]"), NULL },
                { "t-1", TASK("image: alpine, dependsOn: [{service: db}]"), NULL },
                { "t-1", "{apiVersion: hivelet/v1, kind: Task, spec: {image: alpine}}", NULL },
                { "T_1", "{apiVersion: hivelet/v1, kind: Task, spec: {image: alpine}}", "E0104: " },
                { "t-1", TASK("image: quay.io/a/b"),
                  "E0342: \"quay.io/a/b\" matches none of node.policy.images.allow (f:5:35)" },
                { "t-1", TASK("image: alpine, timeout: 3h"),
                  "E0457: timeout 3h is above the cap 2h (f:5:77)" },
                { "t-1", TASK("image: alpine, mounts: [{volume: date, target: /d}]"),
                  "E0361: volume \"date\" is not defined; did you mean \"data\"?" },
                { "t-1", TASK("image: alpine, mounts: [{hostPath: /srv, target: /d}]"), "E0365: " },
                { "t-1", TASK("image: alpine, dependsOn: [{service: dc}]"), "E0369: " },
                { "t-1", TASK("image: alpine, network: lab"), "E0307: " },
                { "t-1", TASK("image: alpine, network: hivemind"),
                  "E0307: network \"hivemind\" is not there" },
                { "t-1", TASK("image: alpine, network: host"), "E0310: " },
                { "t-1", TASK("image: alpine, security: {privileged: true}"), "E0427: " },
                { "t-1", TASK("image: alpine, security: {user: \"0\"}"), "E0427: " },
                { "t-1", TASK("image: alpine, labels: {io.hivelet.node: x}"), "E0108: " },
                { "t-1", TASK("image: alpine, colour: red"), "E0201: " },
                { "t-1", TASK("image: \"${HOME}\""), "E0370: " },
                { "t-1", TASK("image: \"${X:-alpine}\""), NULL },
                { "t-1", "{apiVersion: hivelet/v1, kind: Service, metadata: {name: a}, spec: {image: b}}",
                  "E0102: expected the kind Task, found Service" },
                { "t-1", "", "E0102: expected one document of the kind Task, found 0" },
                { "t-1", TASK("image: alpine") "\n---\n" TASK("image: alpine"),
                  "E0102: expected one document of the kind Task, found 2" },
                { "t-1", "[", "E0005: " },
                { "t-1", "just text", "E0202: " },
                { "a.2", TASK("image: alpine"), "E0105: \"a.2\" is not the id of a task" },
        };
        struct set s = {};

        (void) state;
        load(&s, CONTEXT);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
                _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
                struct hv_task_request request = { .document = rows[i].document,
                                                   .len = strlen(rows[i].document),
                                                   .read = hv_yaml_read,
                                                   .id = rows[i].id,
                                                   .source = HV_TASK_FROM_API };
                _hv_cleanup_free_ char *said = NULL;
                const struct hv_diag *all;
                size_t n;
                int r = hv_task_load(&request, s.desired, &t, diags);

                hv_diags_sort(diags);
                all = hv_diags_all(diags, &n);
                while (n > 1 && all[0].severity == HV_SEVERITY_WARNING) {
                        all++;
                        n--;
                }
                said = n ? hv_asprintf("%s: %s", all[0].code, all[0].message) : hv_strdup("");
                assert_int_equal(r, rows[i].says ? -EINVAL : 0);
                if (rows[i].says && strncmp(said, rows[i].says, strlen(rows[i].says)) != 0)
                        fail_msg("%s\nsays %s", rows[i].document, said);
                if (r < 0) {
                        assert_string_equal(all[0].file, rows[i].id);
                        /* What was accepted before is a task in any case, with the reason in it. */
                        request.kept = true;
                        assert_int_equal(hv_task_load(&request, s.desired, &t, NULL), 0);
                        assert_non_null(t->refused);
                        assert_string_equal(t->id, rows[i].id);
                        continue;
                }
                assert_null(t->refused);
                assert_int_equal(t->timeout_us, 7 * HV_USEC_PER_MIN);
                assert_int_equal(t->source, HV_TASK_FROM_API);
                assert_string_equal(t->unit.origin.source, "api");
        }
        set_done(&s);
}

static void a_stricter_policy_refuses_what_was_promised(void **state) {
        static const char document[] = TASK("image: alpine, network: none, timeout: 3h");
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
        const struct hv_task_request request = { .document = document,
                                                 .len = sizeof document - 1,
                                                 .read = hv_yaml_read,
                                                 .id = "t-1",
                                                 .source = HV_TASK_FROM_POOL,
                                                 .kept = true };
        struct set s = {};

        (void) state;
        load(&s, CONTEXT);
        assert_int_equal(hv_task_load(&request, s.desired, &t, NULL), 0);
        assert_string_equal(t->refused, "spec.timeout: timeout 3h is above the cap 2h (f:5:77) (E0457)");
        assert_string_equal(t->name, "t-1");
        assert_string_equal(t->unit.image, "docker.io/library/alpine:latest");
        (void) hv_task_unref(t);
        set_done(&s);

        /* Without a desired state there are the defaults. */
        assert_int_equal(hv_task_load(&request, NULL, &t, NULL), 0);
        assert_null(t->refused);
        assert_int_equal(t->unit.limits.memory_bytes, UINT64_C(1) << 30);
}

static void ids_are_names_of_files_and_containers(void **state) {
        static const char *const good[] = {
                "a",   "A-1", "t-0f3a9c21",
                "0",   "a.b", "a.2b",
                "a..", "x_y", "0123456789012345678901234567890123456789012345678901234567890123"
        };
        static const char *const bad[] = {
                "",
                ".",
                "..",
                "-a",
                "_a",
                ".a",
                "a/b",
                "a b",
                "a\n",
                "\xc3\xa4",
                "a.2",
                "a.b.10",
                "01234567890123456789012345678901234567890123456789012345678901234"
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(good); i++)
                if (!hv_task_id_is_valid(good[i]))
                        fail_msg("refused: %s", good[i]);
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++)
                if (hv_task_id_is_valid(bad[i]))
                        fail_msg("taken: %s", bad[i]);
}

static void sources_have_names(void **state) {
        static const char *const names[] = { "file", "cron", "api", "pool" };
        enum hv_task_source source;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                assert_true(hv_task_source_parse(names[i], &source));
                assert_int_equal(source, i);
                assert_string_equal(hv_task_source_name(source), names[i]);
        }
        assert_false(hv_task_source_parse("master", &source));
}

/* What would be too long for the reader when it is read again is refused at once: six bytes for each of these. */
static void what_cannot_be_kept_is_refused(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct set s = {};

        (void) state;
        hv_buf_puts(&text, SET_HEAD "  tasks:\n    - name: t\n      inputs: [{path: a, inline: \"");
        for (size_t i = 0; i < 200 * 1024; i++)
                hv_buf_puts(&text, "\\x01");
        hv_buf_puts(&text, "\"}]\n");
        assert_int_equal(set_load_text(&s, hv_buf_str(&text)), -EINVAL);
        assert_true(set_says(
                &s, "f:6:13: error[E0003]: spec.tasks[0].name: too large to be kept: written as a document"));
        set_done(&s);

        hv_buf_clear(&text);
        hv_buf_puts(&text, SET_HEAD "  tasks:\n    - name: t\n      annotations: {\"");
        for (size_t i = 0; i < 200; i++)
                hv_buf_putc(&text, 'k');
        hv_buf_puts(&text, "\": v}\n");
        assert_int_equal(set_load_text(&s, hv_buf_str(&text)), -EINVAL);
        assert_true(set_says(
                &s, "f:6:13: error[E0003]: spec.tasks[0].name: too large to be kept: a key has more than"));
        set_done(&s);
}

/* An image that no document names, by the policy of the documents. */
static void an_image_by_hand_obeys_the_policy(void **state) {
        static const struct {
                const char *policy, *text;
                int r;
                const char *said; /* what it is called, or why it may not come */
        } rows[] = {
                { "{}", "redis:7", 0, "docker.io/library/redis:7" },
                { "{}", "Redis:7", -EINVAL, "lower case" },
                { "{images: {allow: [\"docker.io/library/*\"]}}", "redis", 0,
                  "docker.io/library/redis:latest" },
                { "{images: {allow: [\"docker.io/library/*\"]}}", "quay.io/a/b", -EPERM,
                  "\"quay.io/a/b\" matches none of node.policy.images.allow" },
                { "{images: {allow: []}}", "redis:7", -EPERM, "matches none of" },
                { "{images: {requireDigest: true}}", "redis:7", -EPERM, "\"redis:7\" needs @sha256:" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = hv_asprintf("  node: {policy: %s}\n", rows[i].policy);
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_image_ref ref = {};
                struct hv_err err = {};
                struct set s = {};
                int r;

                load(&s, text);
                r = hv_spec_check_image(s.desired->tree, rows[i].text, a, &ref, &err);
                if (r != rows[i].r || !strstr(r < 0 ? err.msg : ref.full, rows[i].said))
                        fail_msg("%s under %s: %d %s", rows[i].text, rows[i].policy, r,
                                 r < 0 ? err.msg : ref.full);
                set_done(&s);
        }
}

/* Each once, by its object; what is none by its path. */
static void who_uses_a_secret(void **state) {
        static const char documents[] =
                "  secrets: [{name: a, fromFile: /etc/a}, {name: b, fromFile: /etc/b}, {name: c, fromFile: /etc/c}]\n"
                "  registries: [{name: hub, host: docker.io, auth: {secret: a}}]\n"
                "  services: [{name: web, image: nginx, secrets: [{name: a, target: /run/a}, {name: a, target: /run/b}]}]\n"
                "  master: {address: \"p:1\", insecure: true, credentials: {username: u, passwordSecret: b}}\n";
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        const char *const *users;
        struct set s = {};

        (void) state;
        load(&s, documents);
        users = hv_spec_secret_users(s.desired->tree, "a", a);
        assert_string_equal(users[0], "registry/hub");
        assert_string_equal(users[1], "service/web");
        assert_null(users[2]);
        users = hv_spec_secret_users(s.desired->tree, "b", a);
        assert_non_null(users[0]);
        assert_non_null(strstr(users[0], "master.credentials.passwordSecret"));
        assert_null(hv_spec_secret_users(s.desired->tree, "c", a)[0]);
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_task_that_says_nothing),
                cmocka_unit_test(everything_that_is_written_arrives),
                cmocka_unit_test(amounts_come_from_the_nearest_place),
                cmocka_unit_test(the_dialect_of_the_pool_chooses_network_and_image),
                cmocka_unit_test(the_dialect_of_the_pool_chooses_whether_busy_cpus_count),
                cmocka_unit_test(attempts_have_names_of_their_own),
                cmocka_unit_test(documents_of_the_corpus_come_back),
                cmocka_unit_test(scalars_stay_as_they_were_written),
                cmocka_unit_test(the_digest_is_of_the_meaning),
                cmocka_unit_test(a_cron_task_makes_runs),
                cmocka_unit_test(a_task_is_counted),
                cmocka_unit_test(a_submitted_document_is_judged_by_the_node),
                cmocka_unit_test(a_stricter_policy_refuses_what_was_promised),
                cmocka_unit_test(ids_are_names_of_files_and_containers),
                cmocka_unit_test(sources_have_names),
                cmocka_unit_test(what_cannot_be_kept_is_refused),
                cmocka_unit_test(an_image_by_hand_obeys_the_policy),
                cmocka_unit_test(who_uses_a_secret),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

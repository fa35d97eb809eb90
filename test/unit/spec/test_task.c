/* spec: a task becomes one container with everything around it settled; its document is the task. */
#include "testing.h"

#include "base/arena.h"
#include "corpus.h"
#include "set.h"
#include "spec/task_load.h"
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
        assert_string_equal(u->log_driver, "json-file");
        assert_string_equal(log_option(u, "max-file"), "10");
        assert_string_equal(log_option(u, "max-size"), "6990506"); /* 20Mi x 3 / 9 */
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
                "\"\\u2028\\u0085\\x01\\U0001F600\\ufeff\"",
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_task_that_says_nothing),
                cmocka_unit_test(attempts_have_names_of_their_own),
                cmocka_unit_test(documents_of_the_corpus_come_back),
                cmocka_unit_test(scalars_stay_as_they_were_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

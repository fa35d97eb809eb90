/* Containers of a real engine: every call, and every answer that an agent has to tell apart. */
#include "harness.h"

#include <errno.h>

static void test_connect(void **state) {
        struct fixture *x = *state;
        const struct hv_docker_result *r = CALL(x, hv_docker_connect);
        bool is_podman = hv_streq(HV_ENGINE_KIND, "podman");

        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->engine->kind, is_podman ? HV_DOCKER_KIND_PODMAN : HV_DOCKER_KIND_DOCKER);
        assert_string_equal(r->engine->api_version, "1.41");
        assert_string_equal(hv_docker_engine(x->d)->id, "");

        r = CALL(x, hv_docker_info);
        expect(r, HV_DOCKER_OK);
        assert_true(*r->engine->id && *r->engine->name && *r->engine->version && *r->engine->root_dir);
        assert_int_equal(r->engine->cgroup_driver, HV_DOCKER_CGROUP_CGROUPFS);
        assert_true(r->engine->cgroup_version == 1 || r->engine->cgroup_version == 2);
        assert_false(r->engine->live_restore);
        assert_string_equal(hv_docker_engine(x->d)->id, r->engine->id);
        assert_string_equal(r->engine->api_version, "1.41");
}

static void test_life(void **state) {
        struct fixture *x = *state;
        const struct hv_docker_result *r;
        const struct hv_docker_container *c;
        const char *id =
                create(x, "hive-life", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");

        c = inspect(x, "hive-life");
        assert_string_equal(c->id, id);
        assert_string_equal(c->name, "hive-life");
        assert_int_equal(c->state, HV_DOCKER_STATE_CREATED);
        assert_true(c->detailed && c->created_us > UINT64_C(1500000000000000) && c->started_us == 0);

        r = CALL(x, hv_docker_container_start, "hive-life");
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->status, 204);
        r = CALL(x, hv_docker_container_start, "hive-life");
        expect(r, HV_DOCKER_NOT_MODIFIED);
        assert_int_equal(r->error, 0);
        c = inspect(x, id);
        assert_int_equal(c->state, HV_DOCKER_STATE_RUNNING);
        assert_true(c->pid > 0 && c->started_us >= c->created_us && c->finished_us == 0);

        r = CALL(x, hv_docker_container_list, false);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->containers->n, 1);
        assert_string_equal(r->containers->v[0].id, id);
        assert_int_equal(r->containers->v[0].state, HV_DOCKER_STATE_RUNNING);
        assert_false(r->containers->v[0].detailed);

        wait_said(x, id, "ready"); /* before that it does not heed the signal */
        expect(CALL(x, hv_docker_container_stop, id, NULL, 60 * HV_USEC_PER_SEC), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_stop, id, NULL, 10 * HV_USEC_PER_SEC), HV_DOCKER_NOT_MODIFIED);
        c = inspect(x, id);
        assert_int_equal(c->state, HV_DOCKER_STATE_EXITED);
        assert_int_equal(c->exit_code, 7);
        assert_true(c->finished_us >= c->started_us);

        expect(CALL(x, hv_docker_container_remove, id, false, false), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_inspect, id), HV_DOCKER_NOT_FOUND);
        r = CALL(x, hv_docker_container_list, false);
        assert_int_equal(r->containers->n, 0);
}

/* All that a container can be created with, as the engine shows it afterwards. */
static struct hv_docker_create full(const char *volume) {
        static const char *const all[] = { "ALL", NULL }, *const added[] = { "CHOWN", "NET_BIND_SERVICE",
                                                                             NULL };
        static const struct hv_pair env[] = { { "A", "1" }, { "B", "x=y, z" } };
        static const struct hv_pair labels[] = { { "io.hivelet.managed", "true" },
                                                 { "note", "a \"b\" \\ \xc3\xa4" } };
        static const struct hv_pair log[] = { { "max-size", "1m" } };
        static struct hv_mount mounts[2];
        static const struct hv_docker_ulimit ulimits[] = { { "nofile", 100, 200 }, { "nproc", 1000, 1000 } };

        mounts[0] = (struct hv_mount){
                .type = HV_MOUNT_VOLUME, .source = volume, .target = "/data", .read_only = true
        };
        mounts[1] = (struct hv_mount){ .type = HV_MOUNT_TMPFS, .target = "/tmp", .size_bytes = 1 << 20 };
        return (struct hv_docker_create){
                .workdir = "/tmp",
                .hostname = "node",
                .user = "1000:1000",
                .env = { env, 2 },
                .labels = { labels, 2 },
                .mounts = mounts,
                .n_mounts = 2,
                .limits = { .memory_bytes = 64 << 20, .nano_cpus = 500000000, .pids = 50 },
                .ulimits = ulimits,
                .n_ulimits = 2,
                .read_only_root = true,
                .no_new_privileges = true,
                .init = hv_streq(HV_ENGINE_KIND, "docker"), /* podman's needs catatonit */
                .cap_drop = { all, 1 },
                .cap_add = { added, 2 },
                .stop_signal = "SIGUSR1",
                .stop_grace_us = 3500000,
                .log_driver = "json-file",
                .log_options = { log, 1 },
        };
}

static void check_full(struct fixture *x, const struct hv_docker_container *c) {
        (void) x;
        assert_string_equal(c->user, "1000:1000");
        assert_string_equal(c->hostname, "node");
        assert_string_equal(c->stop_signal, hv_streq(HV_ENGINE_KIND, "podman") ? "10" : "SIGUSR1");
        assert_int_equal(c->labels.n, 2);
        assert_string_equal(c->labels.v[1].value, "a \"b\" \\ \xc3\xa4");
        assert_int_equal(c->limits.memory_bytes, 64 << 20);
        assert_int_equal(c->memory_swap_bytes, 64 << 20);
        assert_int_equal(c->limits.nano_cpus, 500000000);
        assert_int_equal(c->limits.pids, 50);
        assert_true(c->read_only_root && c->no_new_privileges && !c->privileged && !c->tty);
        assert_string_equal(c->restart_policy, "no");
        assert_string_equal(c->network_mode, "none");
        assert_string_equal(c->log_driver, "json-file");
}

/* S53: a container that was restarted has the same user, capabilities and limits as at its first start. */
static void test_everything_asked_for(void **state) {
        static const char script[] =
                "test $(id -u) = 1000 && test \"$A$B\" = '1x=y, z' && ! touch /x && touch /tmp/y "
                "&& ! touch /data/z && test $(pwd) = /tmp && test $(ulimit -n) = 100 "
                "&& grep -q 'CapBnd:.*0000000000000401' /proc/self/status "
                "&& grep -q 'NoNewPrivs:.*1' /proc/self/status";
        struct fixture *x = *state;
        const struct hv_docker_volume_create volume = { .name = "hive-full" };
        struct hv_docker_create more = full("hive-full"), c = container("hive-full", script, &more);
        const struct hv_docker_result *r;

        expect(CALL(x, hv_docker_volume_create, &volume), HV_DOCKER_OK);
        r = CALL(x, hv_docker_container_create, &c);
        expect(r, HV_DOCKER_OK);
        check_full(x, inspect(x, "hive-full"));
        for (int round = 0; round < 2; round++) {
                expect(CALL(x, hv_docker_container_start, "hive-full"), HV_DOCKER_OK);
                r = CALL(x, hv_docker_container_wait, "hive-full", HV_DOCKER_WAIT_NOT_RUNNING);
                expect(r, HV_DOCKER_OK);
                assert_int_equal(r->exit->code, 0);
                check_full(x, inspect(x, "hive-full"));
        }
        r = CALL(x, hv_docker_container_list, true); /* by its label */
        assert_int_equal(r->containers->n, 1);
        assert_int_equal(inspect(x, "hive-full")->n_mounts >= 1, true);
        expect(CALL(x, hv_docker_container_remove, "hive-full", false, false), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_volume_remove, "hive-full"), HV_DOCKER_OK);
}

static void test_conflicts(void **state) {
        struct fixture *x = *state;
        struct hv_docker_create again = container("hive-a", "true", NULL);
        const struct hv_docker_result *r;

        run(x, "hive-a", "sleep 600");
        create(x, "hive-b", "true");
        r = CALL(x, hv_docker_container_create, &again);
        expect(r, HV_DOCKER_CONFLICT);
        assert_true(r->no_effect);
        assert_non_null(strstr(r->message, "hive-a"));
        expect(CALL(x, hv_docker_container_remove, "hive-a", false, false), HV_DOCKER_CONFLICT);
        expect(CALL(x, hv_docker_container_kill, "hive-b", NULL), HV_DOCKER_CONFLICT);
        expect(CALL(x, hv_docker_container_rename, "hive-b", "hive-a"), HV_DOCKER_CONFLICT);
        expect(CALL(x, hv_docker_container_rename, "hive-b", "hive-c"), HV_DOCKER_OK);
        assert_string_equal(inspect(x, "hive-c")->name, "hive-c");
        expect(CALL(x, hv_docker_container_kill, "hive-a", "SIGKILL"), HV_DOCKER_OK);
        r = CALL(x, hv_docker_container_wait, "hive-a", HV_DOCKER_WAIT_NOT_RUNNING);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->exit->code, 137);
}

static void test_not_there(void **state) {
        struct fixture *x = *state;
        struct hv_docker_create no_image = container("hive-x", "true", NULL);
        const struct hv_limits limits = { .pids = 5 };
        const struct hv_docker_result *r;

        no_image.image = "hv/absent:1";
        r = CALL(x, hv_docker_container_create, &no_image);
        expect(r, HV_DOCKER_NOT_FOUND);
        assert_non_null(strstr(r->message, "hv/absent"));
        assert_int_equal(r->error, -ENOENT);
        expect(CALL(x, hv_docker_container_inspect, "hive-x"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_start, "hive-x"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_stop, "hive-x", NULL, 0), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_kill, "hive-x", NULL), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_remove, "hive-x", true, false), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_wait, "hive-x", HV_DOCKER_WAIT_NOT_RUNNING), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_stats, "hive-x"), HV_DOCKER_NOT_FOUND);
        expect(CALL(x, hv_docker_container_update, "hive-x", &limits),
               x->differs->update == HV_DOCKER_OK ? HV_DOCKER_NOT_FOUND : x->differs->update);
}

/* What no engine is asked. */
static void test_names_that_are_none(void **state) {
        static const char *const names[] = { "", ".", "..", "a/b", "../json", NULL };
        struct fixture *x = *state;
        uint64_t before = hv_docker_calls_total(x->d, HV_DOCKER_N_OPS);

        for (size_t i = 0; names[i]; i++) {
                const struct hv_docker_result *r = CALL(x, hv_docker_container_remove, names[i], true, true);

                expect(r, HV_DOCKER_REFUSED);
                assert_true(r->no_effect && r->status == 0);
        }
        expect(CALL(x, hv_docker_container_inspect, NULL), HV_DOCKER_REFUSED);
        assert_int_equal(hv_docker_calls_total(x->d, HV_DOCKER_N_OPS), before);
        /* What looks like a query or an escape stays a name. */
        expect(CALL(x, hv_docker_container_inspect, "a?b=c&d%2e#e f"), HV_DOCKER_NOT_FOUND);
}

static void test_start_that_fails(void **state) {
        static const char *const nonsense[] = { "/no/such/file", NULL };
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-bad", "", NULL);
        const struct hv_docker_result *r;

        c.command = (struct hv_strv){ nonsense, 1 };
        c.has_args = false;
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        r = CALL(x, hv_docker_container_start, "hive-bad");
        expect(r, x->differs->start_of_nonsense);
        assert_non_null(strstr(r->message, "no such file"));
        assert_int_not_equal(inspect(x, "hive-bad")->state, HV_DOCKER_STATE_RUNNING);
}

static void test_update(void **state) {
        const struct hv_limits limits = { .memory_bytes = 128 << 20, .nano_cpus = 250000000, .pids = 77 };
        const struct hv_limits no_pids = {};
        struct fixture *x = *state;
        const struct hv_docker_container *c;
        const struct hv_docker_result *r;
        int pid;

        run(x, "hive-u", "sleep 600");
        pid = inspect(x, "hive-u")->pid;
        r = CALL(x, hv_docker_container_update, "hive-u", &limits);
        expect(r, x->differs->update);
        if (r->outcome != HV_DOCKER_OK) {
                assert_int_equal(r->error, -EOPNOTSUPP);
                return;
        }
        c = inspect(x, "hive-u");
        assert_int_equal(c->limits.memory_bytes, 128 << 20);
        assert_int_equal(c->memory_swap_bytes, 128 << 20);
        assert_int_equal(c->limits.nano_cpus, 250000000);
        assert_int_equal(c->limits.pids, 77);
        assert_int_equal(c->pid, pid); /* without a restart */
        expect(CALL(x, hv_docker_container_update, "hive-u", &no_pids), HV_DOCKER_OK);
        c = inspect(x, "hive-u");
        assert_int_equal(c->limits.pids, 0);
        assert_int_equal(c->limits.memory_bytes, 128 << 20);
}

static void test_pause(void **state) {
        struct fixture *x = *state;

        run(x, "hive-p", "sleep 600");
        expect(CALL(x, hv_docker_container_pause, "hive-p"), HV_DOCKER_OK);
        assert_int_equal(inspect(x, "hive-p")->state, HV_DOCKER_STATE_PAUSED);
        expect(CALL(x, hv_docker_container_unpause, "hive-p"), HV_DOCKER_OK);
        assert_int_equal(inspect(x, "hive-p")->state, HV_DOCKER_STATE_RUNNING);
}

static void test_stats(void **state) {
        struct fixture *x = *state;
        const struct hv_docker_result *r;

        run(x, "hive-s", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 600");
        r = CALL(x, hv_docker_container_stats, "hive-s");
        expect(r, HV_DOCKER_OK);
        assert_true(r->usage->cpu_ns > 0);
        assert_true(r->usage->memory_limit_bytes > 0 && r->usage->pids >= 1);
        assert_true(r->usage->read_us > UINT64_C(1500000000000000));
}

static void test_out_of_memory(void **state) {
        struct fixture *x = *state;
        struct hv_docker_create c = container("hive-oom", "x=a; while :; do x=$x$x; done", NULL);
        const struct hv_docker_result *r;

        c.limits.memory_bytes = 16 << 20;
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "hive-oom"), HV_DOCKER_OK);
        r = CALL(x, hv_docker_container_wait, "hive-oom", HV_DOCKER_WAIT_NOT_RUNNING);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->exit->code, 137);
        assert_int_equal(inspect(x, "hive-oom")->oom_killed, x->differs->knows_oom);
}

/* A client that may only look sends nothing else. */
static void test_read_only(void **state) {
        struct fixture *x = *state;
        struct hv_docker *writer = x->d;
        struct hv_docker_create c = container("hive-ro", "true", NULL);
        const struct hv_docker_result *r;

        create(x, "hive-there", "true");
        x->d = new_client(x, x->engine, true);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        r = CALL(x, hv_docker_container_create, &c);
        expect(r, HV_DOCKER_REFUSED);
        assert_int_equal(r->error, -EPERM);
        expect(CALL(x, hv_docker_container_remove, "hive-there", true, true), HV_DOCKER_REFUSED);
        expect(CALL(x, hv_docker_container_start, "hive-there"), HV_DOCKER_REFUSED);
        r = CALL(x, hv_docker_container_list, false);
        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->containers->n, 1);
        assert_int_equal(hv_docker_mutations_total(x->d), 0);
        hv_docker_free(x->d);
        x->d = writer;
}

/* Sixteen creations and starts at once, over eight connections. */
struct wave {
        struct fixture *x;
        unsigned n_ended, n_ok;
};

static void on_wave_started(void *userdata, struct hv_docker_result *r) {
        struct wave *w = userdata;

        w->n_ended++;
        w->n_ok += r->outcome == HV_DOCKER_OK;
}

static void on_wave_created(void *userdata, struct hv_docker_result *r) {
        struct wave *w = userdata;

        if (r->outcome != HV_DOCKER_OK)
                w->n_ended++;
        else
                (void) hv_docker_container_start(w->x->d, r->created->id,
                                                 (struct hv_docker_then){ on_wave_started, w, 0 });
}

static void test_many_at_once(void **state) {
        struct fixture *x = *state;
        struct wave w = { .x = x };
        const struct hv_docker_result *r;

        for (int i = 0; i < 16; i++) {
                char name[32];
                struct hv_docker_create c;

                (void) snprintf(name, sizeof name, "hive-many-%02d", i);
                c = container(name, "sleep 600", NULL);
                (void) hv_docker_container_create(x->d, &c,
                                                  (struct hv_docker_then){ on_wave_created, &w, 0 });
        }
        hv_test_run_until(x->event, w.n_ended == 16);
        assert_int_equal(w.n_ok, 16);
        r = CALL(x, hv_docker_container_list, false);
        assert_int_equal(r->containers->n, 16);
        for (int i = 0; i < 16; i++) {
                assert_int_equal(strtol(r->containers->v[i].name + strlen("hive-many-"), NULL, 10),
                                 i); /* sorted */
                assert_int_equal(r->containers->v[i].state, HV_DOCKER_STATE_RUNNING);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_connect),
                TEST(test_life),
                TEST(test_everything_asked_for),
                TEST(test_conflicts),
                TEST(test_not_there),
                TEST(test_names_that_are_none),
                TEST(test_start_that_fails),
                TEST(test_update),
                TEST(test_pause),
                TEST(test_stats),
                TEST(test_out_of_memory),
                TEST(test_read_only),
                TEST(test_many_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

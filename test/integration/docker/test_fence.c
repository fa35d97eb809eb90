/* What the fence of docs/tasks.md stands on: no start without the workspace, and no look or removal in the middle of one. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "base/alloc.h"
#include "docker/peer.h"
#include "task/workspace.h"

static const struct hv_attempt attempt = { "t", 1 };

struct place {
        char root[64];
        struct hv_workspace w;
        struct hv_mount mount;
};

static void place_done(struct place *p) {
        hv_workspace_close(&p->w);
        (void) hv_workspace_remove_all(p->root, "t", NULL, NULL);
        (void) rmdir(p->root);
}

static void place_make(struct place *p) {
        const struct hv_owner root = {};

        *p = (struct place){ .root = "/tmp/hv-fence-XXXXXX", .w = HV_WORKSPACE_NONE };
        assert_non_null(mkdtemp(p->root));
        assert_int_equal(hv_workspace_make(p->root, &attempt, &root, NULL, &p->w, NULL), 0);
        p->mount =
                (struct hv_mount){ .type = HV_MOUNT_WORKSPACE, .source = p->w.path, .target = "/workspace" };
}

static struct hv_docker_create task(const struct place *p, const char *script) {
        struct hv_docker_create more = {
                .stop_grace_us = HV_TIME_NEVER, .workdir = "/workspace", .mounts = &p->mount, .n_mounts = 1
        };

        return container("task-t", script, &more);
}

static void withhold(const struct place *p) {
        assert_int_equal(hv_workspace_withhold(p->root, &attempt, NULL), 0);
}

static bool has(const struct place *p, const char *name) {
        return faccessat(p->w.fd, name, F_OK, 0) == 0;
}

static void expect_ended(struct fixture *x, const char *id) {
        const struct hv_docker_result *r = CALL(x, hv_docker_container_wait, id, HV_DOCKER_WAIT_NOT_RUNNING);

        expect(r, HV_DOCKER_OK);
        assert_int_equal(r->exit->code, 0);
}

static void test_what_is_withheld_is_not_started(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(place_done) struct place p;
        const struct hv_docker_container *seen;
        struct hv_docker_create c;

        place_make(&p);
        c = task(&p, "echo ran >>ran");
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        withhold(&p);
        for (int twice = 0; twice < 2; twice++) {
                assert_int_not_equal(CALL(x, hv_docker_container_start, "task-t")->outcome, HV_DOCKER_OK);
                seen = inspect(x, "task-t");
                assert_int_equal(seen->state, HV_DOCKER_STATE_CREATED);
                assert_int_equal(seen->started_us, 0);
                /* One that is to be made late, of the same name, makes no workspace for it either. */
                assert_int_not_equal(CALL(x, hv_docker_container_create, &c)->outcome, HV_DOCKER_OK);
        }
        assert_false(has(&p, "ran"));
        expect(CALL(x, hv_docker_container_remove, "task-t", false, false), HV_DOCKER_OK);
        assert_int_equal(hv_workspace_restore(p.root, &attempt, NULL), 0);
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "task-t"), HV_DOCKER_OK);
        expect_ended(x, "task-t");
        assert_true(has(&p, "ran"));
}

static void test_what_runs_keeps_its_workspace(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(place_done) struct place p;
        struct hv_docker_create c;
        int fd;

        place_make(&p);
        c = task(&p, "until [ -e go ]; do sleep 0.05; done; echo done >out");
        expect(CALL(x, hv_docker_container_create, &c), HV_DOCKER_OK);
        expect(CALL(x, hv_docker_container_start, "task-t"), HV_DOCKER_OK);
        withhold(&p);
        fd = openat(p.w.fd, "go", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        close(fd);
        expect_ended(x, "task-t");
        assert_true(has(&p, "out"));
}

/* ---- in the middle of a start ---- */

struct answer {
        bool is_there;
        enum hv_docker_outcome outcome;
        enum hv_docker_state state; /* of an inspect */
};

static void on_answer(void *userdata, struct hv_docker_result *r) {
        struct answer *a = userdata;

        a->outcome = r->outcome;
        a->state = r->outcome == HV_DOCKER_OK && r->container ? r->container->state : HV_DOCKER_STATE_UNKNOWN;
        a->is_there = true;
}

static struct hv_docker_then into(struct answer *a) {
        return (struct hv_docker_then){ .fn = on_answer, .userdata = a };
}

/* Docker's own runtime below it: who stops that holds each start in the middle. */
static pid_t pid_of_containerd(const struct fixture *x) {
        _hv_cleanup_free_ char *path =
                hv_asprintf("%s/exec/containerd/containerd.pid", hv_engine_dir(x->own));
        FILE *f = fopen(path, "re");
        int pid = 0;

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%d", &pid), 1);
        (void) fclose(f);
        return pid;
}

/* Written when a start has the container's lock and its network is made. */
static bool is_in_the_middle(const struct fixture *x, const char *id) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/data/containers/%s/hosts", hv_engine_dir(x->own), id);

        return access(path, F_OK) == 0;
}

struct middle {
        struct answer start, look, removal;
};

/* A start that is held in the middle, with a look and a removal on its heels. */
static void hold_in_the_middle(struct fixture *x, struct place *p, bool withheld, struct middle *ret) {
        struct hv_docker_create c = task(p, "echo ran >>ran; sleep 600");
        const char *id;
        pid_t containerd;

        x->own = hv_engine_start("docker", "docker-3");
        hv_docker_free(x->d);
        x->d = new_client(x, x->own, false);
        expect(CALL(x, hv_docker_connect), HV_DOCKER_OK);
        id = CALL(x, hv_docker_container_create, &c)->created->id;
        containerd = pid_of_containerd(x);
        assert_int_equal(kill(containerd, SIGSTOP), 0);
        (void) hv_docker_container_start(x->d, id, into(&ret->start));
        hv_test_run_until(x->event, is_in_the_middle(x, id));
        if (withheld)
                withhold(p);
        (void) hv_docker_container_inspect(x->d, id, into(&ret->look));
        /* A list does not wait: it says what was. */
        assert_int_equal(find(CALL(x, hv_docker_container_list, false)->containers, "task-t")->state,
                         HV_DOCKER_STATE_CREATED);
        assert_false(ret->start.is_there || ret->look.is_there);
        (void) hv_docker_container_remove(x->d, id, false, false, into(&ret->removal));
        assert_int_equal(kill(containerd, SIGCONT), 0);
        hv_test_run_until(x->event, ret->start.is_there && ret->look.is_there && ret->removal.is_there);
}

static void test_a_look_waits_for_a_start(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(place_done) struct place p;
        struct middle m = {};

        place_make(&p);
        hold_in_the_middle(x, &p, false, &m);
        assert_int_equal(m.start.outcome, HV_DOCKER_OK);
        assert_int_equal(m.look.outcome, HV_DOCKER_OK);
        assert_int_equal(m.look.state, HV_DOCKER_STATE_RUNNING);
        assert_int_equal(m.removal.outcome, HV_DOCKER_CONFLICT);
}

static void test_what_is_withheld_in_the_middle_of_a_start_does_not_run(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(place_done) struct place p;
        struct middle m = {};

        place_make(&p);
        hold_in_the_middle(x, &p, true, &m);
        assert_int_not_equal(m.start.outcome, HV_DOCKER_OK);
        assert_int_equal(m.removal.outcome, HV_DOCKER_OK);
        assert_int_not_equal(m.look.state, HV_DOCKER_STATE_RUNNING);
        assert_false(has(&p, "ran"));
}

/* What execute/attempt_cgroup.h concludes from the kernel's tree holds for this engine. */
static void test_the_engine_is_a_neighbour(void **state) {
        struct fixture *x = *state;

        assert_true(hv_docker_is_neighbour(x->d));
}

int main(void) {
        const struct CMUnitTest every[] = {
                TEST(test_what_is_withheld_is_not_started),
                TEST(test_what_runs_keeps_its_workspace),
                TEST(test_the_engine_is_a_neighbour),
        };
        const struct CMUnitTest dockers[] = {
                TEST(test_a_look_waits_for_a_start),
                TEST(test_what_is_withheld_in_the_middle_of_a_start_does_not_run),
        };
        int n = cmocka_run_group_tests(every, NULL, NULL);

        return hv_streq(HV_ENGINE_KIND, "docker") ? n + cmocka_run_group_tests(dockers, NULL, NULL) : n;
}

/* pool: leases, results and logs under everything that nodes and crashes do, on a real store. */
#include "../source/scratch.h"

#include <errno.h>
#include <nodepool_v1.pb-c.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "hivepool/pool.h"
#include "hivepool/shape.h"

#define S HV_USEC_PER_SEC
#define LEASE (60 * S)

/* --- tools --- */

static struct hv_hivepool *open_pool(const struct scratch *s, uint64_t now_us) {
        const struct hv_hivepool_options options = { .dir = s->path,
                                                     .lease_us = LEASE,
                                                     .max_tasks = 4,
                                                     .max_blob_bytes = 1 << 20,
                                                     .max_log_bytes = 100 };
        struct hv_hivepool *p = NULL;
        struct hv_err err = {};

        if (hv_hivepool_new(&options, now_us, &p, &err) < 0)
                fail_msg("%s", err.msg);
        return p;
}

static int submit_task(struct hv_hivepool *p, V1__Task *t, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        unsigned char spec[4096];
        size_t len = v1__task__pack(t, spec);
        struct hv_hivepool_wish wish = {};
        int r = hv_shape_task(HV_STORE_V1, spec, len, arena, &wish, err);

        return r < 0 ? r : hv_hivepool_submit(p, &wish, err);
}

static void submit(struct hv_hivepool *p, const char *id, unsigned retries) {
        V1__Resources asked = V1__RESOURCES__INIT;
        V1__Task t = V1__TASK__INIT;
        struct hv_err err = {};

        asked.cpu = 1;
        t.id = (char *) id;
        t.docker_image = (char *) "busybox";
        t.required_resources = &asked;
        t.retries_is_case = V1__TASK__RETRIES_IS_RETRIES;
        t.retries = retries;
        if (submit_task(p, &t, &err) != 1)
                fail_msg("%s", err.msg);
}

static void join(struct hv_hivepool *p, const char *id, uint64_t now_us) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__RegisterNodeRequest m = V1__REGISTER_NODE_REQUEST__INIT;
        unsigned char said[512];
        struct hv_hivepool_node n = {};
        struct hv_err err = {};
        uint64_t epoch = 0;

        m.node_id = (char *) id;
        m.cpu_cores = 2;
        m.memory_gb = 4;
        if (hv_shape_node(HV_STORE_V1, said, v1__register_node_request__pack(&m, said), arena, &n, &err) <
                    0 ||
            hv_hivepool_register(p, now_us, &n, &epoch, &err) < 0)
                fail_msg("%s", err.msg);
}

static void pass(struct hv_hivepool *p, uint64_t now_us) {
        struct hv_err err = {};
        uint64_t next;

        if (hv_hivepool_pass(p, now_us, &next, &err) < 0)
                fail_msg("%s", err.msg);
}

static void beat(struct hv_hivepool *p, const char *node, uint64_t now_us) {
        const struct hv_hivepool_beat b = { .node = node, .is_open = true, .status = "IDLE" };
        struct hv_err err = {};
        bool pending;

        if (hv_hivepool_beat(p, now_us, &b, &pending, &err) < 0)
                fail_msg("%s", err.msg);
}

struct list {
        size_t n;
        char ids[64][HV_HIVEPOOL_ID_MAX + 1];
        unsigned attempts[64];
        uint64_t leases[64];
        bool cancelled[64];
};

static void note(void *userdata, const struct hv_hivepool_assigned *a) {
        struct list *l = userdata;

        (void) snprintf(l->ids[l->n], sizeof l->ids[0], "%s", a->id);
        l->attempts[l->n] = a->attempt;
        l->leases[l->n] = a->lease;
        l->cancelled[l->n++] = a->is_cancelled;
}

static struct list assigned(struct hv_hivepool *p, const char *node) {
        struct list l = {};
        struct hv_err err = {};

        if (hv_hivepool_assigned(p, node, note, &l, &err) < 0)
                fail_msg("%s", err.msg);
        return l;
}

static int report(struct hv_hivepool *p, const char *task, const char *node, uint64_t lease, const char *key,
                  enum hv_lease_end end, struct hv_err *err) {
        const struct hv_hivepool_result r = { .claim = { .task = task, .node = node, .lease = lease },
                                              .end = end,
                                              .key = key,
                                              .data = key ? key : "same",
                                              .len = strlen(key ? key : "same") };
        uint64_t next;

        return hv_hivepool_report(p, 0, &r, &next, err);
}

struct row {
        enum hv_lease_task state;
        unsigned n_attempts;
        uint64_t seq;
        char message[200];
};

static int see(void *userdata, const struct hv_store_task *t) {
        struct row *row = userdata;

        row->state = t->state;
        row->n_attempts = t->n_attempts;
        row->seq = t->seq;
        (void) snprintf(row->message, sizeof row->message, "%s", t->message ? t->message : "");
        return 0;
}

static struct row row_of(struct hv_hivepool *p, const char *id) {
        struct row row = {};
        struct hv_err err = {};

        assert_int_equal(hv_store_find_task(hv_hivepool_store(p), id, see, &row, &err), 1);
        return row;
}

/* --- the rules --- */

static void a_task_is_given_run_and_done(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        struct list l;

        submit(p, "t1", 0);
        pass(p, 0);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_PENDING);
        join(p, "a", S);
        pass(p, S);
        l = assigned(p, "a");
        assert_int_equal(l.n, 1);
        assert_string_equal(l.ids[0], "t1");
        assert_int_equal(l.attempts[0], 1);
        /* only whoever has it speaks for it */
        assert_int_equal(report(p, "t1", "b", 0, "k1", HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_REFUSED);
        assert_int_equal(report(p, "t1", "a", l.leases[0] + 1, "k1", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_REFUSED);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k1", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_COMMITTED);
        assert_int_equal(assigned(p, "a").n, 0);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_COMPLETED);
        /* again: it has it. Another one: refused */
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k1", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_COMMITTED);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k2", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_REFUSED);
        assert_string_equal(err.msg, "attempt 1 of task t1 has another result already");
        assert_int_equal(report(p, "t1", "b", 0, "k1", HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_REFUSED);
        assert_int_equal(report(p, "t9", "a", 0, "k1", HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_REFUSED);
        assert_string_equal(err.msg, "this pool knows no task t9");
        (void) hv_hivepool_free(p);
}

static void a_silent_node_loses_its_tasks(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        struct list a, b;
        struct hv_hivepool_result empty = { .claim = { .task = "t1", .node = "a" } };
        uint64_t next;

        join(p, "a", 0);
        submit(p, "t1", 1);
        pass(p, 0);
        a = assigned(p, "a");
        assert_int_equal(a.n, 1);
        beat(p, "a", 30 * S);
        pass(p, 89 * S);
        assert_int_equal(assigned(p, "a").n, 1);
        join(p, "b", 89 * S);
        pass(p, 90 * S);
        assert_int_equal(assigned(p, "a").n, 0);
        b = assigned(p, "b");
        assert_int_equal(b.n, 1);
        assert_int_equal(b.attempts[0], 2);
        assert_true(b.leases[0] > a.leases[0]);
        /* the late result is of no use, and is told why */
        assert_int_equal(report(p, "t1", "a", a.leases[0], "k", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_REFUSED);
        assert_string_equal(
                err.msg, "attempt 1 of task t1 was taken from node a, which was not heard of for too long; "
                         "the task is Assigned, with node b");
        empty.claim.lease = a.leases[0];
        /* nor is one that brings nothing the same as nothing */
        assert_int_equal(hv_hivepool_report(p, 90 * S, &empty, &next, &err), HV_HIVEPOOL_REFUSED);
        assert_int_equal(report(p, "t1", "b", b.leases[0], "k", HV_LEASE_END_FAILED, &err),
                         HV_HIVEPOOL_COMMITTED);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_FAILED); /* retries + 1 attempts, and no more */
        assert_int_equal(row_of(p, "t1").n_attempts, 2);
        (void) hv_hivepool_free(p);
}

static void a_documented_node_says_less(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};

        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        assert_int_equal(report(p, "t1", "a", 0, NULL, HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_COMMITTED);
        assert_int_equal(report(p, "t1", "a", 0, NULL, HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_COMMITTED);
        (void) hv_hivepool_free(p);
}

static void a_cancel_waits_for_the_node(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        struct list l;
        uint64_t before;

        submit(p, "t0", 3);
        assert_int_equal(hv_hivepool_cancel(p, "t0", "by hand", &err), 0);
        assert_int_equal(row_of(p, "t0").state, HV_LEASE_CANCELLED);
        join(p, "a", 0);
        submit(p, "t1", 3);
        pass(p, 0);
        before = hv_hivepool_revision(p, "a");
        assert_int_equal(hv_hivepool_cancel(p, "t1", "by hand", &err), 0);
        assert_true(hv_hivepool_revision(p, "a") > before);
        l = assigned(p, "a");
        assert_true(l.n == 1 && l.cancelled[0]);
        assert_int_equal(hv_hivepool_remove(p, "t1", &err), -EBUSY);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k", HV_LEASE_END_FAILED, &err),
                         HV_HIVEPOOL_COMMITTED);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_CANCELLED);
        assert_int_equal(hv_hivepool_cancel(p, "t1", "by hand", &err), 0);
        assert_int_equal(hv_hivepool_cancel(p, "t2", "by hand", &err), -ENOENT);
        (void) hv_hivepool_free(p);
}

static void the_same_task_twice_is_one(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        V1__Task t = V1__TASK__INIT;
        struct hv_err err = {};

        t.id = (char *) "t1";
        t.docker_image = (char *) "busybox";
        assert_int_equal(submit_task(p, &t, &err), 1);
        assert_int_equal(submit_task(p, &t, &err), 0);
        t.docker_image = (char *) "alpine";
        assert_int_equal(submit_task(p, &t, &err), -EEXIST);
        (void) hv_hivepool_free(p);
}

static void what_is_promised_outlives_the_process(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        struct list l;
        uint64_t revision;

        join(p, "a", 0);
        submit(p, "t1", 0);
        submit(p, "t2", 0);
        pass(p, 0);
        submit(p, "t3", 0);
        revision = hv_hivepool_revision(p, "a");
        (void) hv_hivepool_free(p);

        p = open_pool(*state, 1000 * S);
        assert_int_equal(hv_hivepool_revision(p, "a"), revision);
        l = assigned(p, "a");
        assert_int_equal(l.n, 2);
        pass(p, 1000 * S + LEASE - 1); /* that nobody listened was not the node's fault */
        assert_int_equal(assigned(p, "a").n, 2);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_COMMITTED);
        beat(p, "a", 1001 * S);
        pass(p, 1001 * S);
        assert_int_equal(assigned(p, "a").n, 2); /* t2 and t3 */
        (void) hv_hivepool_free(p);
        p = open_pool(*state, 2000 * S);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_COMMITTED);
        pass(p, 2000 * S + LEASE);
        assert_int_equal(row_of(p, "t2").state, HV_LEASE_FAILED);
        assert_string_equal(row_of(p, "t2").message, "its node was not heard of for too long");
        (void) hv_hivepool_free(p);
}

static void two_pools_do_not_share_a_folder(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0), *other = NULL;
        const struct hv_hivepool_options options = { .dir = ((const struct scratch *) *state)->path };
        struct hv_err err = {};

        assert_int_equal(hv_hivepool_new(&options, 0, &other, &err), -EAGAIN);
        (void) hv_hivepool_free(p);
}

static void a_refused_offer_does_not_count(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        struct list l;

        join(p, "a", 0);
        submit(p, "t1", 0);
        for (unsigned i = 0; i < 5; i++) {
                pass(p, 0);
                l = assigned(p, "a");
                assert_int_equal(l.attempts[0], 1);
                assert_int_equal(hv_hivepool_give_back(p, "t1", l.leases[0], "full", &err), 0);
                assert_int_equal(row_of(p, "t1").state, HV_LEASE_PENDING);
        }
        assert_int_equal(hv_hivepool_give_back(p, "t1", l.leases[0], "full", &err), -ENOENT);
        assert_int_equal(report(p, "t1", "a", l.leases[0], "k", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_REFUSED);
        (void) hv_hivepool_free(p);
}

static int hand_back(struct hv_hivepool *p, const char *node, uint64_t lease) {
        const struct hv_hivepool_result r = { .claim = { .task = "t1", .node = node, .lease = lease },
                                              .end = HV_LEASE_END_FAILED,
                                              .is_handed_back = true,
                                              .reason = "drained" };
        struct hv_err err = {};
        uint64_t next;

        return hv_hivepool_report(p, 0, &r, &next, &err);
}

static void a_drained_node_hands_back(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        uint64_t first, second;

        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        first = assigned(p, "a").leases[0];
        assert_int_equal(hand_back(p, "b", first), HV_HIVEPOOL_COMMITTED); /* which it never had */
        assert_int_equal(assigned(p, "a").n, 1);
        assert_int_equal(hand_back(p, "a", first), HV_HIVEPOOL_COMMITTED);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_PENDING);
        pass(p, 0);
        assert_int_equal(assigned(p, "a").n, 0); /* not before it says that it is open */
        beat(p, "a", 0);
        pass(p, 0);
        assert_int_equal(assigned(p, "a").attempts[0], 1);
        second = assigned(p, "a").leases[0];
        assert_int_equal(hand_back(p, "a", first), HV_HIVEPOOL_COMMITTED); /* its answer was lost */
        assert_int_equal(assigned(p, "a").leases[0], second);
        join(p, "b", 0);
        assert_int_equal(hand_back(p, "a", second), HV_HIVEPOOL_COMMITTED);
        beat(p, "a", 0);
        pass(p, 0);
        assert_int_equal(assigned(p, "b").n, 1); /* somebody else rather */
        (void) hv_hivepool_free(p);
}

static void logs_go_on_where_they_were(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_hivepool_claim c = { .task = "t1", .node = "a" };
        struct hv_err err = {};
        char text[200] = {}, many[150];
        uint64_t next = 0;
        int fd;

        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        c.lease = assigned(p, "a").leases[0];
        assert_int_equal(hv_hivepool_log(p, 0, &c, 0, "one\n", 4, &next, &err), 0);
        assert_int_equal(next, 4);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 9, "far\n", 4, &next, &err), 0); /* a gap */
        assert_int_equal(next, 4);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 2, "e\ntwo\n", 6, &next, &err), 0); /* known, and more */
        assert_int_equal(next, 8);
        assert_int_equal(report(p, "t1", "a", c.lease, "k", HV_LEASE_END_COMPLETED, &err),
                         HV_HIVEPOOL_COMMITTED);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 8, "end\n", 4, &next, &err), 0); /* its rest comes later */
        fd = hv_hivepool_open_log(p, row_of(p, "t1").seq, 1);
        assert_true(read(fd, text, sizeof text) == 12);
        assert_string_equal(text, "one\ntwo\nend\n");
        (void) close(fd);
        c.node = "b";
        assert_int_equal(hv_hivepool_log(p, 0, &c, 12, "x", 1, &next, &err), -ESTALE);
        c.node = "a";
        memset(many, 'x', sizeof many);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 12, many, 150, &next, &err), 0);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 162, many, 150, &next, &err), 0); /* taken, and not kept */
        assert_int_equal(next, 312);
        (void) hv_hivepool_free(p);
}

static void what_is_old_expires(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_err err = {};
        char id[16];

        join(p, "a", 0);
        for (unsigned i = 0; i < 40; i++) { /* more than a turn takes */
                (void) snprintf(id, sizeof id, "t%u", i);
                submit(p, id, 0);
                assert_int_equal(hv_hivepool_cancel(p, id, "test", &err), 0);
        }
        submit(p, "lives", 0);
        assert_int_equal(hv_hivepool_expire(p, 1000, &err), 0);
        assert_int_equal(row_of(p, "t0").state, HV_LEASE_CANCELLED);
        assert_int_equal(hv_hivepool_expire(p, UINT64_MAX >> 1, &err), 1);
        assert_int_equal(hv_hivepool_expire(p, UINT64_MAX >> 1, &err), 0);
        assert_int_equal(hv_store_find_task(hv_hivepool_store(p), "t39", NULL, NULL, &err), 0);
        assert_int_equal(row_of(p, "lives").state, HV_LEASE_PENDING);
        (void) hv_hivepool_free(p);
}

static void what_a_lost_attempt_had_sent_goes(void **state) {
        const struct scratch *s = *state;
        struct hv_hivepool *p = open_pool(s, 0);
        char sha256[HV_SHA256_HEX_SIZE];
        _hv_cleanup_free_ char *path = NULL;
        struct hv_hivepool_result r = { .claim = { .task = "t1", .node = "a" }, .data = "half", .len = 4 };
        struct hv_err err = {};
        uint64_t next = 0;

        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        hv_sha256_hex("halfhalf", 8, sha256);
        r.sha256 = sha256;
        r.total = 8;
        r.claim.lease = assigned(p, "a").leases[0];
        path = hv_asprintf("%s/uploads/%s.%llx", s->path, sha256, (unsigned long long) r.claim.lease);
        assert_int_equal(hv_hivepool_report(p, 0, &r, &next, &err), HV_HIVEPOOL_GO_ON);
        assert_int_equal(access(path, F_OK), 0);
        pass(p, 2 * LEASE);
        assert_int_equal(row_of(p, "t1").state, HV_LEASE_FAILED);
        assert_int_equal(access(path, F_OK), -1);
        (void) hv_hivepool_free(p);
}

static void a_second_try_of_the_node_has_a_log_of_its_own(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_hivepool_claim c = { .task = "t1", .node = "a", .number = 1 };
        struct hv_err err = {};
        char text[200] = {};
        uint64_t next = 0;
        int fd, old;

        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        c.lease = assigned(p, "a").leases[0];
        assert_int_equal(hv_hivepool_log(p, 0, &c, 0, "a long first try\n", 17, &next, &err), 0);
        (void) hv_hivepool_free(p);
        p = open_pool(*state, 0);
        old = hv_hivepool_open_log(p, row_of(p, "t1").seq, 1);
        c.number = 2;
        assert_int_equal(hv_hivepool_log(p, 0, &c, 0, "", 0, &next, &err), 0); /* where is it? */
        assert_int_equal(next, 0);
        assert_int_equal(hv_hivepool_log(p, 0, &c, 0, "second\n", 7, &next, &err), 0);
        assert_int_equal(next, 7);
        c.number = 1;
        assert_int_equal(hv_hivepool_log(p, 0, &c, 17, "late\n", 5, &next, &err), -ESTALE);
        fd = hv_hivepool_open_log(p, row_of(p, "t1").seq, 1);
        assert_true(read(fd, text, sizeof text) == 7);
        assert_string_equal(text, "second\n");
        (void) close(fd);
        assert_true(read(old, text, sizeof text) == 17); /* whoever read it reads on */
        (void) close(old);
        (void) hv_hivepool_free(p);
}

static void what_is_removed_is_gone(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        char sha256[HV_SHA256_HEX_SIZE];
        struct hv_err err = {};
        uint64_t size;
        int fd;

        join(p, "a", 0);
        submit(p, "t1", 0);
        submit(p, "t2", 0);
        pass(p, 0);
        hv_sha256_hex("same", 4, sha256);
        assert_int_equal(report(p, "t1", "a", 0, NULL, HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_COMMITTED);
        assert_int_equal(report(p, "t2", "a", 0, NULL, HV_LEASE_END_COMPLETED, &err), HV_HIVEPOOL_COMMITTED);
        assert_int_equal(hv_hivepool_remove(p, "t1", &err), 0);
        fd = hv_blobs_open(hv_hivepool_blobs(p), sha256, &size);
        assert_true(fd >= 0); /* t2 has the same bytes */
        (void) close(fd);
        assert_int_equal(hv_hivepool_remove(p, "t2", &err), 0);
        assert_int_equal(hv_blobs_open(hv_hivepool_blobs(p), sha256, &size), -1);
        assert_int_equal(hv_hivepool_remove(p, "t2", &err), -ENOENT);
        (void) hv_hivepool_free(p);
}

/* A node may say that it has anything; it takes no word away from the others. */
static void a_node_of_many_words_is_one_node(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_hivepool *p = open_pool(*state, 0);
        V1__RegisterNodeRequest m = V1__REGISTER_NODE_REQUEST__INIT;
        struct hv_hivepool_node n = {};
        unsigned char said[4096];
        char *words[64];
        uint64_t epoch;
        struct hv_err err = {};

        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++)
                words[i] = hv_arena_printf(arena, "word-%zu", i);
        m.node_id = (char *) "talker";
        m.capabilities = words;
        m.n_capabilities = HV_ARRAY_SIZE(words);
        assert_int_equal(
                hv_shape_node(HV_STORE_V1, said, v1__register_node_request__pack(&m, said), arena, &n, &err),
                0);
        assert_int_equal(hv_hivepool_register(p, 0, &n, &epoch, &err), 0);
        join(p, "a", 0);
        submit(p, "t1", 0);
        pass(p, 0);
        assert_int_equal(assigned(p, "a").n, 1);
        (void) hv_hivepool_free(p);
}

static void a_pending_task_says_why(void **state) {
        struct hv_hivepool *p = open_pool(*state, 0);
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__Resources asked = V1__RESOURCES__INIT;
        V1__Task t = V1__TASK__INIT;
        struct hv_err err = {};

        t.id = (char *) "t1";
        t.required_resources = &asked;
        asked.cpu = 64;
        assert_int_equal(submit_task(p, &t, &err), 1);
        assert_string_equal(hv_hivepool_why_pending(p, "t1", arena), "no node is there");
        join(p, "a", 0);
        assert_string_equal(hv_hivepool_why_pending(p, "t1", arena),
                            "it asks for more than any of the 1 nodes that could do it has");
        t.id = (char *) "t2";
        asked.cpu = 1;
        t.required_trust = (char *) "high";
        assert_int_equal(submit_task(p, &t, &err), 1);
        assert_string_equal(hv_hivepool_why_pending(p, "t2", arena),
                            "none of the 1 nodes that could do it is trusted enough");
        (void) hv_hivepool_free(p);
}

/* --- partitions --- */

struct partition {
        const char *what;
        uint64_t length_us;
        bool other_is_first; /* the node that got the task meanwhile is done before the first one is back */
};

/* Node a takes a task and is not heard of for a while, in which it does it; b is there all the time. */
static void cut_off(const struct scratch *s, const struct partition *row) {
        struct hv_hivepool *p = open_pool(s, 0);
        bool is_lost = row->length_us > LEASE;
        struct list mine, others = {};
        struct hv_err err = {};
        uint64_t now = 0;

        submit(p, row->what, 5);
        join(p, "a", 0);
        pass(p, 0);
        mine = assigned(p, "a");
        assert_int_equal(mine.n, 1);
        join(p, "b", 0);
        for (; now < row->length_us; now += HV_MIN(row->length_us - now, 20 * S)) {
                beat(p, "b", now);
                pass(p, now);
        }
        others = assigned(p, "b");
        assert_int_equal(others.n, is_lost ? 1 : 0);
        if (is_lost && row->other_is_first)
                assert_int_equal(
                        report(p, row->what, "b", others.leases[0], "b", HV_LEASE_END_COMPLETED, &err),
                        HV_HIVEPOOL_COMMITTED);
        beat(p, "a", now);
        pass(p, now);
        for (int i = 0; i < 2; i++) /* the answer is lost once */
                assert_int_equal(report(p, row->what, "a", mine.leases[0], "a", HV_LEASE_END_COMPLETED, &err),
                                 is_lost ? HV_HIVEPOOL_REFUSED : HV_HIVEPOOL_COMMITTED);
        if (is_lost && !row->other_is_first)
                assert_int_equal(
                        report(p, row->what, "b", others.leases[0], "b", HV_LEASE_END_COMPLETED, &err),
                        HV_HIVEPOOL_COMMITTED);
        assert_int_equal(row_of(p, row->what).state, HV_LEASE_COMPLETED);
        assert_int_equal(row_of(p, row->what).n_attempts, is_lost ? 2 : 1);
        (void) hv_hivepool_free(p);
}

static void a_partition_of_any_length_leaves_one_result(void **state) {
        static const struct partition rows[] = {
                { "1s", S, false },
                { "10s", 10 * S, false },
                { "59s", 59 * S, false },
                { "61s", 61 * S, false },
                { "61s-other", 61 * S, true },
                { "10m", 600 * S, false },
                { "10m-other", 600 * S, true },
                { "6h", 21600 * S, false },
                { "6h-other", 21600 * S, true },
                { "72h", 259200 * S, false },
                { "72h-other", 259200 * S, true },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                print_message("%s\n", rows[i].what);
                cut_off(*state, &rows[i]);
        }
}

/* --- anything, in any order --- */

struct seen_attempt {
        unsigned n_live, n;
};

static int count_attempt(void *userdata, const struct hv_store_attempt *a) {
        struct seen_attempt *c = userdata;

        c->n++;
        c->n_live += a->is_over ? 0 : 1;
        return 0;
}

/* Nodes that come, die and report late, cancels, and a pool that is opened anew: no task ever has two live leases or more
 * attempts than it may, and each ends with one result at most. */
static void no_task_has_two_leases(void **state) {
        static const char *const nodes[] = { "a", "b", "c" };
        struct hv_hivepool *p = open_pool(*state, 0);
        struct hv_rng rng = { 7 };
        struct hv_err err = {};
        struct list lists[3] = {};
        unsigned done[40] = {};
        uint64_t now = 0;
        char id[16];

        for (unsigned i = 0; i < 40; i++) {
                (void) snprintf(id, sizeof id, "t%u", i);
                submit(p, id, 2);
        }
        for (unsigned step = 0; step < 1500; step++) {
                size_t n = hv_rng_below(&rng, 3);
                size_t k = lists[n].n ? hv_rng_below(&rng, lists[n].n) : 0;

                now += hv_rng_below(&rng, 10) * S;
                switch (hv_rng_below(&rng, 8)) {
                case 0:
                        join(p, nodes[n], now);
                        break;
                case 1:
                case 2:
                        if (hv_hivepool_revision(p, nodes[n]) > 0)
                                lists[n] = assigned(p, nodes[n]);
                        break;
                case 3:
                case 4:
                        if (lists[n].n > 0 &&
                            report(p, lists[n].ids[k], nodes[n], lists[n].leases[k], "k",
                                   hv_rng_below(&rng, 2) ? HV_LEASE_END_COMPLETED : HV_LEASE_END_FAILED,
                                   &err) == HV_HIVEPOOL_COMMITTED &&
                            row_of(p, lists[n].ids[k]).state == HV_LEASE_COMPLETED)
                                done[atoi(lists[n].ids[k] + 1)] = 1;
                        break;
                case 5:
                        (void) snprintf(id, sizeof id, "t%u", (unsigned) hv_rng_below(&rng, 40));
                        if (hv_rng_below(&rng, 20) == 0)
                                assert_int_equal(hv_hivepool_cancel(p, id, "by hand", &err), 0);
                        break;
                case 6:
                        pass(p, now);
                        break;
                default:
                        if (hv_rng_below(&rng, 30) == 0) {
                                (void) hv_hivepool_free(p);
                                p = open_pool(*state, now);
                        }
                }
                for (unsigned i = 0; step % 50 == 0 && i < 40; i++) {
                        struct seen_attempt c = {};
                        struct row row;

                        (void) snprintf(id, sizeof id, "t%u", i);
                        row = row_of(p, id);
                        assert_int_equal(
                                hv_store_attempts(hv_hivepool_store(p), row.seq, count_attempt, &c, &err), 0);
                        assert_true(c.n <= 3);
                        assert_int_equal(c.n, row.n_attempts);
                        assert_int_equal(c.n_live,
                                         row.state == HV_LEASE_ASSIGNED || row.state == HV_LEASE_CANCELLING);
                        assert_true(!done[i] || row.state == HV_LEASE_COMPLETED); /* an end stays the end */
                }
        }
        (void) hv_hivepool_free(p);
}

static int64_t balance(struct hv_hivepool *p, const char *account) {
        struct hv_err err = {};
        int64_t found = -1;

        if (hv_hivepool_balance(p, account, &found, &err) < 0)
                fail_msg("%s", err.msg);
        return found;
}

static void accounts_give_what_they_have(void **state) {
        static const struct {
                const char *what, *from, *to;
                int64_t amount;
                int expected;
                int64_t ann, bob;
        } rows[] = {
                { "a part", "ann", "bob", 300, 0, 700, 1300 },
                { "nothing", "ann", "bob", 0, -EINVAL, 700, 1300 },
                { "less than nothing", "ann", "bob", -1, -EINVAL, 700, 1300 },
                { "the least there is", "ann", "bob", INT64_MIN, -EINVAL, 700, 1300 },
                { "to itself", "ann", "ann", 1, -EINVAL, 700, 1300 },
                { "more than it has", "ann", "bob", 701, -EINVAL, 700, 1300 },
                { "far more", "ann", "bob", INT64_MAX, -EINVAL, 700, 1300 },
                { "all", "ann", "bob", 700, 0, 0, 2000 },
                { "one more", "ann", "bob", 1, -EINVAL, 0, 2000 },
                { "back", "bob", "ann", 2000, 0, 2000, 0 },
        };
        struct hv_hivepool *p = open_pool(*state, 0);

        assert_int_equal(balance(p, "ann"), 1000);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_err err = {};

                if (hv_hivepool_transfer(p, rows[i].from, rows[i].to, rows[i].amount, &err) !=
                            rows[i].expected ||
                    balance(p, "ann") != rows[i].ann || balance(p, "bob") != rows[i].bob)
                        fail_msg("%s: %s; ann has %lld, bob %lld", rows[i].what, err.msg,
                                 (long long) balance(p, "ann"), (long long) balance(p, "bob"));
        }
        (void) hv_hivepool_free(p);
        p = open_pool(*state, 0);
        assert_int_equal(balance(p, "ann"), 2000);
        assert_int_equal(balance(p, "bob"), 0);
        (void) hv_hivepool_free(p);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_task_is_given_run_and_done),
                TEST(a_silent_node_loses_its_tasks),
                TEST(a_documented_node_says_less),
                TEST(a_cancel_waits_for_the_node),
                TEST(the_same_task_twice_is_one),
                TEST(what_is_promised_outlives_the_process),
                TEST(two_pools_do_not_share_a_folder),
                TEST(a_refused_offer_does_not_count),
                TEST(a_drained_node_hands_back),
                TEST(logs_go_on_where_they_were),
                TEST(what_is_removed_is_gone),
                TEST(a_second_try_of_the_node_has_a_log_of_its_own),
                TEST(what_is_old_expires),
                TEST(what_a_lost_attempt_had_sent_goes),
                TEST(a_node_of_many_words_is_one_node),
                TEST(a_pending_task_says_why),
                TEST(a_partition_of_any_length_leaves_one_result),
                TEST(no_task_has_two_leases),
                TEST(accounts_give_what_they_have),
        };

        return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}

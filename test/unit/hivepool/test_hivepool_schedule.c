/* schedule and lease: what must hold of every plan, over many random ones, and the rules one by one. */
#include "testing.h"

#include "base/rng.h"
#include "hivepool/lease.h"
#include "hivepool/schedule.h"

#define N_TASKS 60
#define N_NODES 8

/* --- random worlds --- */

struct world {
        struct hv_schedule_task tasks[N_TASKS];
        const struct hv_schedule_task *order[N_TASKS];
        struct hv_schedule_node nodes[N_NODES], before[N_NODES];
        size_t n_tasks, n_nodes, n_given;
        struct hv_schedule_assignment given[N_TASKS];
};

static int by_order(const void *a, const void *b) {
        const struct hv_schedule_task *x = *(const struct hv_schedule_task *const *) a;
        const struct hv_schedule_task *y = *(const struct hv_schedule_task *const *) b;

        return hv_schedule_before(x, y) ? -1 : 1;
}

static void make_world(struct hv_rng *rng, struct world *w) {
        *w = (struct world){ .n_tasks = hv_rng_below(rng, N_TASKS + 1),
                             .n_nodes = hv_rng_below(rng, N_NODES + 1) };
        for (size_t i = 0; i < w->n_nodes; i++) {
                struct hv_schedule_node *n = &w->nodes[i];

                for (size_t k = 0; k < HV_N_ROOMS; k++) {
                        n->total.of[k] = hv_rng_below(rng, 20);
                        n->taken.of[k] = hv_rng_below(rng, 4) ? 0 : hv_rng_below(rng, 25);
                }
                n->has = hv_rng_next(rng) & 7;
                n->trust = (enum hv_trust_group) hv_rng_below(rng, HV_N_TRUST_GROUPS);
                n->max_tasks = (unsigned) hv_rng_below(rng, 10);
                n->n_tasks = (unsigned) hv_rng_below(rng, 4);
                n->is_open = hv_rng_below(rng, 5) > 0;
        }
        for (size_t i = 0; i < w->n_tasks; i++) {
                struct hv_schedule_task *t = &w->tasks[i];

                for (size_t k = 0; k < HV_N_ROOMS; k++)
                        t->asked.of[k] = hv_rng_below(rng, 3) ? 0 : hv_rng_below(rng, 10);
                t->needs = hv_rng_below(rng, 2) ? 0 : hv_rng_next(rng) & 7;
                t->trust = (enum hv_trust_group) hv_rng_below(rng, HV_N_TRUST_GROUPS);
                t->priority = (int) hv_rng_below(rng, 3) - 1;
                t->seq = i + 1;
                t->had_it = hv_rng_below(rng, 3) ? SIZE_MAX : hv_rng_below(rng, N_NODES);
                w->order[i] = t;
        }
        qsort(w->order, w->n_tasks, sizeof *w->order, by_order);
        memcpy(w->before, w->nodes, sizeof w->nodes);
}

/* Without the help of what is tested. */
static bool has_room(const struct hv_schedule_node *n, const struct hv_schedule_task *t) {
        for (size_t k = 0; k < HV_N_ROOMS; k++)
                if (t->asked.of[k] > 0 && n->taken.of[k] + t->asked.of[k] > n->total.of[k])
                        return false;
        return true;
}

static bool could_take(const struct hv_schedule_node *n, const struct hv_schedule_task *t) {
        return n->is_open && n->n_tasks < n->max_tasks && n->trust >= t->trust &&
               (n->has & t->needs) == t->needs && has_room(n, t);
}

static void check_world(const struct world *w) {
        struct hv_schedule_node nodes[N_NODES];
        bool is_given[N_TASKS] = {};
        size_t last = SIZE_MAX;

        memcpy(nodes, w->before, sizeof nodes);
        for (size_t i = 0; i < w->n_given; i++) {
                const struct hv_schedule_task *t = w->order[w->given[i].task];
                struct hv_schedule_node *n = &nodes[w->given[i].node];

                /* in their order, hence each once; and nobody gets what it has not */
                assert_true(last == SIZE_MAX || w->given[i].task > last);
                last = w->given[i].task;
                assert_true(could_take(n, t));
                for (size_t k = 0; k < HV_N_ROOMS; k++)
                        n->taken.of[k] += t->asked.of[k];
                n->n_tasks++;
                is_given[w->given[i].task] = true;
        }
        assert_memory_equal(nodes, w->nodes, sizeof nodes);
        /* nothing waits that has room, and so none that comes later took the room of one before it */
        for (size_t i = 0; i < w->n_tasks; i++)
                for (size_t k = 0; !is_given[i] && k < w->n_nodes; k++)
                        assert_false(could_take(&w->nodes[k], w->order[i]));
}

static void every_plan_is_sound(void **state) {
        struct hv_rng rng = { 42 };
        struct world w;
        size_t n_given = 0;

        (void) state;
        for (unsigned i = 0; i < 20000; i++) {
                make_world(&rng, &w);
                w.n_given = hv_schedule_run(w.order, w.n_tasks, w.nodes, w.n_nodes, w.given, N_TASKS);
                check_world(&w);
                n_given += w.n_given;
        }
        assert_true(n_given > 20000); /* the worlds are not empty ones */
}

/* --- one by one --- */

#define ROOM(cpu, memory)                \
        {                                \
                .of = {(cpu), (memory) } \
        }

static void the_best_node_gets_it(void **state) {
        static const struct {
                const char *what;
                struct hv_schedule_node nodes[3];
                struct hv_schedule_task task;
                size_t expected; /* SIZE_MAX: none */
        } rows[] = {
                { "the emptier one",
                  { { .total = ROOM(4000, 100), .taken = ROOM(3000, 0), .max_tasks = 9, .is_open = true },
                    { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true } },
                  { .asked = ROOM(1000, 1), .had_it = SIZE_MAX },
                  1 },
                { "the more trusted one, even if it is fuller",
                  { { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true, .trust = HV_TRUST_MEDIUM },
                    { .total = ROOM(4000, 100),
                      .taken = ROOM(2000, 0),
                      .max_tasks = 9,
                      .is_open = true,
                      .trust = HV_TRUST_HIGH } },
                  { .asked = ROOM(1000, 1), .had_it = SIZE_MAX },
                  1 },
                { "another one than had it",
                  { { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true },
                    { .total = ROOM(4000, 100), .taken = ROOM(3000, 0), .max_tasks = 9, .is_open = true } },
                  { .asked = ROOM(1000, 1), .had_it = 0 },
                  1 },
                { "the one that had it, where there is no other",
                  { { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true } },
                  { .asked = ROOM(1000, 1), .had_it = 0 },
                  0 },
                { "nobody who takes no tasks",
                  { { .total = ROOM(4000, 100), .max_tasks = 9 } },
                  { .asked = ROOM(1000, 1), .had_it = SIZE_MAX },
                  SIZE_MAX },
                { "nobody who is not trusted enough",
                  { { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true, .trust = HV_TRUST_LOW } },
                  { .asked = ROOM(1000, 1), .had_it = SIZE_MAX, .trust = HV_TRUST_MEDIUM },
                  SIZE_MAX },
                { "nobody who lacks what it needs",
                  { { .total = ROOM(4000, 100), .max_tasks = 9, .is_open = true, .has = 5 } },
                  { .asked = ROOM(1000, 1), .had_it = SIZE_MAX, .needs = 6 },
                  SIZE_MAX },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_schedule_node nodes[3];
                const struct hv_schedule_task *order[] = { &rows[i].task };
                struct hv_schedule_assignment given = { .node = SIZE_MAX };

                memcpy(nodes, rows[i].nodes, sizeof nodes);
                (void) hv_schedule_run(order, 1, nodes, 3, &given, 1);
                if (given.node != rows[i].expected)
                        fail_msg("%s: node %zu, expected %zu", rows[i].what, given.node, rows[i].expected);
        }
}

static void a_large_task_lets_the_small_ones_pass(void **state) {
        const struct hv_schedule_task large = {
                .asked = ROOM(9000, 0), .priority = 5, .seq = 1, .had_it = SIZE_MAX
        };
        const struct hv_schedule_task small = { .asked = ROOM(1000, 0), .seq = 2, .had_it = SIZE_MAX };
        const struct hv_schedule_task *order[] = { &large, &small };
        struct hv_schedule_node node = { .total = ROOM(4000, 0), .max_tasks = 9, .is_open = true };
        struct hv_schedule_assignment given[2];

        (void) state;
        assert_int_equal(hv_schedule_run(order, 2, &node, 1, given, 2), 1);
        assert_int_equal(given[0].task, 1);
}

static void rooms_do_not_wrap(void **state) {
        struct hv_room full = ROOM(UINT64_MAX - 1, 0);
        const struct hv_room more = ROOM(5, 0), total = ROOM(10, 0), taken = ROOM(12, 0), one = ROOM(1, 0),
                             all = ROOM(UINT64_MAX, 0);

        (void) state;
        hv_room_add(&full, &more);
        assert_true(full.of[0] == UINT64_MAX);
        hv_room_take(&full, &all);
        assert_true(full.of[0] == 0);
        hv_room_take(&full, &more);
        assert_true(full.of[0] == 0);
        assert_false(hv_room_fits(&one, &total, &taken)); /* a node that shrank */
        assert_false(hv_room_fits(&all, &total, &one));
}

/* --- leases --- */

static void an_attempt_that_ends_leads_on(void **state) {
        static const struct {
                const char *what;
                enum hv_lease_task state;
                enum hv_lease_end end;
                unsigned attempt, retries;
                enum hv_lease_task expected;
        } rows[] = {
                { "done", HV_LEASE_ASSIGNED, HV_LEASE_END_COMPLETED, 1, 3, HV_LEASE_COMPLETED },
                { "lost, attempts left", HV_LEASE_ASSIGNED, HV_LEASE_END_LOST, 1, 1, HV_LEASE_PENDING },
                { "lost, none left", HV_LEASE_ASSIGNED, HV_LEASE_END_LOST, 2, 1, HV_LEASE_FAILED },
                { "failed, attempts left", HV_LEASE_ASSIGNED, HV_LEASE_END_FAILED, 1, 1, HV_LEASE_PENDING },
                { "failed, none at all", HV_LEASE_ASSIGNED, HV_LEASE_END_FAILED, 1, 0, HV_LEASE_FAILED },
                { "cancelled, and the node says so", HV_LEASE_CANCELLING, HV_LEASE_END_FAILED, 1, 3,
                  HV_LEASE_CANCELLED },
                { "cancelled, and the node is gone", HV_LEASE_CANCELLING, HV_LEASE_END_LOST, 1, 3,
                  HV_LEASE_CANCELLED },
                { "cancelled, too late", HV_LEASE_CANCELLING, HV_LEASE_END_COMPLETED, 1, 3,
                  HV_LEASE_COMPLETED },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                if (hv_lease_next(rows[i].state, rows[i].end, rows[i].attempt, rows[i].retries) !=
                    rows[i].expected)
                        fail_msg("%s", rows[i].what);
}

static void a_lease_is_over_when_it_is(void **state) {
        (void) state;
        assert_false(hv_lease_is_over(100, 50, 149));
        assert_true(hv_lease_is_over(100, 50, 150));
        assert_false(hv_lease_is_over(100, HV_TIME_NEVER, UINT64_MAX - 1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_plan_is_sound),
                cmocka_unit_test(the_best_node_gets_it),
                cmocka_unit_test(a_large_task_lets_the_small_ones_pass),
                cmocka_unit_test(rooms_do_not_wrap),
                cmocka_unit_test(an_attempt_that_ends_leads_on),
                cmocka_unit_test(a_lease_is_over_when_it_is),
        };

        return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}

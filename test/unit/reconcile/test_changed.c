/* When the core says that something changed, and when it says that nothing did (struct hv_effects): who watches a node that is in
 * sync is not told the same again and again, and hears of everything else. That a plan which says so shows nothing new is judged by the
 * simulator (QUIET); here it is what counts as news at all. */
#include "bed.h"

#include "reconcile/caps.h"
#include "reconcile/pressure.h"

#define BED struct bed *b = *state
#define GIB (UINT64_C(1) << 30)
#define A_LOOK_AT_ALL (20 * 70 * S) /* each container is audited at every tenth resync at the latest */

/* A node with all that is looked at, in sync, everything seen and told. */
static int setup(void **state) {
        struct bed *b = *state = bed_new();

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net", .volume = "data" }, {} }));
        bed_run(b);
        bed_wait(b, A_LOOK_AT_ALL);
        assert_true(bed_status(b).synced);
        assert_true(bed_changed(b));
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

static void takes(struct bed *b, const struct hv_input *in) {
        assert_int_equal(hv_core_input(b->core, b->now_us, in, NULL), 0);
        bed_run(b);
}

/* ---- no news ---- */

static void a_look_that_finds_all_as_it_was_is_none(void **state) {
        BED;

        (void) bed_log_all(b);
        bed_wait(b, A_LOOK_AT_ALL);
        assert_non_null(strstr(bed_log_all(b), "inspect hive-web"));
        assert_false(bed_changed(b));
}

static void what_others_do_is_none(void **state) {
        static const struct hv_engine_event rows[] = {
                { HV_EVENT_CONTAINER, "create", "s1", "stranger", NULL, false, 0 },
                { HV_EVENT_CONTAINER, "die", "s1", "stranger", NULL, false, 0 },
                { HV_EVENT_CONTAINER, "exec_start: true", "s1", "hive-web", NULL, true, 0 },
                { HV_EVENT_CONTAINER, "health_status: healthy", "s1", "hive-web", NULL, true, 0 },
                { HV_EVENT_NETWORK, "create", "n1", "theirs", NULL, false, 0 },
                { HV_EVENT_NETWORK, "connect", "n1", "theirs", "s1", false, 0 },
                { HV_EVENT_VOLUME, "destroy", "v1", "theirs", NULL, false, 0 },
        };
        BED;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_input in = { .type = HV_INPUT_EVENT, .event = rows[i] };

                if (hv_streq(rows[i].name, "hive-web"))
                        in.event.id = bed_container(b, "hive-web")->id;
                takes(b, &in);
                if (bed_changed(b))
                        fail_msg("%s of %s is news", rows[i].action, rows[i].name);
        }
}

static void the_time_of_day_is_none(void **state) {
        BED;

        for (unsigned i = 0; i < 3; i++) {
                b->now_us += S;
                takes(b, &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = 1000000 * S + i * 60 * S });
                assert_false(bed_changed(b));
        }
}

/* ---- readings: news when they say something else ---- */

static void a_slice_is_one_when_it_is_another_than_before(void **state) {
        static const struct {
                struct hv_seen_caps seen;
                bool is_news;
        } rows[] = {
                { { .state = HV_CAPS_THERE, .slice = "hivelet.slice", .machine_memory_bytes = GIB }, true },
                { { .state = HV_CAPS_THERE, .slice = "hivelet.slice", .machine_memory_bytes = GIB }, false },
                { { .state = HV_CAPS_THERE, .slice = "hivelet.slice", .machine_memory_bytes = 2 * GIB },
                  true },
                { { .state = HV_CAPS_UNKNOWN, .slice = "hivelet.slice", .message = "no" }, true },
                { { .state = HV_CAPS_UNKNOWN, .slice = "hivelet.slice", .message = "no" }, false },
                { { .state = HV_CAPS_UNKNOWN, .slice = "hivelet.slice", .message = "never" }, true },
                { { .state = HV_CAPS_THERE,
                    .slice = "hivelet.slice",
                    .foreign = HV_CAP_PIDS,
                    .caps.limits.pids = 9 },
                  true },
                { { .state = HV_CAPS_THERE,
                    .slice = "hivelet.slice",
                    .foreign = HV_CAP_PIDS,
                    .caps.limits.pids = 8 },
                  true },
                { { .state = HV_CAPS_THERE,
                    .slice = "hivelet.slice",
                    .foreign = HV_CAP_PIDS,
                    .caps.limits.pids = 8 },
                  false },
        };
        BED;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                takes(b, &(struct hv_input){ .type = HV_INPUT_CAPS, .caps = &rows[i].seen });
                if (bed_changed(b) != rows[i].is_news)
                        fail_msg("row %zu: %s", i, rows[i].is_news ? "is no news" : "is news");
        }
}

static void pressure_is_one_when_somebody_is_told_of_it(void **state) {
        static const struct {
                const char *what;
                struct hv_seen_pressure seen;
                bool is_news;
        } rows[] = {
                { "the first word",
                  { .has_memory = true,
                    .memory_some10_centi = 10,
                    .disk_bytes = GIB,
                    .disk_free_bytes = GIB },
                  true },
                { "little waits",
                  { .has_memory = true,
                    .memory_some10_centi = 999,
                    .disk_bytes = GIB,
                    .disk_free_bytes = GIB },
                  false },
                { "nothing waits",
                  { .has_memory = true, .memory_some10_centi = 0, .disk_bytes = GIB, .disk_free_bytes = GIB },
                  false },
                { "there is less room",
                  { .has_memory = true,
                    .memory_some10_centi = 0,
                    .disk_bytes = GIB,
                    .disk_free_bytes = GIB / 2 },
                  true },
                { "it runs short",
                  { .has_memory = true,
                    .memory_some10_centi = 7000,
                    .disk_bytes = GIB,
                    .disk_free_bytes = GIB / 2 },
                  true },
                { "as much as before, and that is told",
                  { .has_memory = true,
                    .memory_some10_centi = 7001,
                    .disk_bytes = GIB,
                    .disk_free_bytes = GIB / 2 },
                  true },
        };
        BED;
        struct hv_desired *d =
                desire("r2", (struct wish[]){ { "web", .network = "net", .volume = "data" }, {} });

        d->settings.pressure = (struct hv_pressure_rules){ .memory_some10_percent = 40 };
        bed_desire(b, d);
        bed_run(b);
        (void) bed_changed(b);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                takes(b, &(struct hv_input){ .type = HV_INPUT_PRESSURE, .pressure = &rows[i].seen });
                if (bed_changed(b) != rows[i].is_news)
                        fail_msg("%s: %s", rows[i].what, rows[i].is_news ? "is no news" : "is news");
        }
        bed_wait(b, S);
}

/* ---- what a look of the routine finds ---- */

static void other_start(struct bed *b) {
        bed_container(b, "hive-web")->started_us = 5;
}

static void other_end(struct bed *b) {
        bed_container(b, "hive-web")->finished_us = 5;
}

static void other_image(struct bed *b) {
        bed_container(b, "hive-web")->image = "docker.io/library/other:1";
}

static void other_exit_code(struct bed *b) {
        bed_container(b, "hive-web")->exit_code = 3;
}

static void other_memory_death(struct bed *b) {
        bed_container(b, "hive-web")->oom_killed = true;
}

static void never_ran(struct bed *b) {
        bed_container(b, "hive-web")->never_ran = true;
}

static void other_replica(struct bed *b) {
        bed_container(b, "hive-web")->replica = 7;
}

static void other_volumes(struct bed *b) {
        static const char *const volumes[] = { "theirs" };

        bed_container(b, "hive-web")->volumes = volumes;
        bed_container(b, "hive-web")->n_volumes = 1;
}

static void other_limits(struct bed *b) {
        bed_container(b, "hive-web")->limits.memory_bytes = GIB;
}

static void ended(struct bed *b) {
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
}

static void gone(struct bed *b) {
        bed_drop(b, "hive-web");
}

static void other_driver(struct bed *b) {
        b->networks.v[0].driver = "macvlan";
}

static void other_network(struct bed *b) {
        b->networks.v[0].id = "another";
}

static void no_network(struct bed *b) {
        b->networks.n = 0;
}

static void other_label(struct bed *b) {
        b->volumes.v[0].reclaim_delete = true;
}

static void no_volume(struct bed *b) {
        b->volumes.n = 0;
}

static void all_that_it_finds_is_news(void **state) {
        static const struct {
                const char *what;
                void (*make)(struct bed *b);
        } rows[] = {
#define ROW(x) { #x, x }
                ROW(other_start),        ROW(other_end),  ROW(other_image),   ROW(other_exit_code),
                ROW(other_memory_death), ROW(never_ran),  ROW(other_replica), ROW(other_volumes),
                ROW(other_limits),       ROW(ended),      ROW(gone),          ROW(other_driver),
                ROW(other_network),      ROW(no_network), ROW(other_label),   ROW(no_volume),
        };

        teardown(state);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                setup(state);
                rows[i].make(*state);
                bed_wait(*state, A_LOOK_AT_ALL);
                if (!bed_changed(*state))
                        fail_msg("%s is no news", rows[i].what);
                teardown(state);
        }
        setup(state);
}

static enum hv_outcome refuses_looks(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_INSPECT ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static enum hv_outcome refuses_lists(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_LIST ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void a_look_that_fails_is_news(void **state) {
        BED;

        b->mood = refuses_looks;
        bed_wait(b, A_LOOK_AT_ALL);
        assert_true(bed_changed(b));
        b->mood = NULL;
        bed_wait(b, A_LOOK_AT_ALL);
        assert_true(bed_changed(b));
        bed_wait(b, A_LOOK_AT_ALL);
        assert_false(bed_changed(b));
        b->mood = refuses_lists;
        bed_wait(b, 70 * S);
        assert_true(bed_changed(b));
}

/* Eight others are being looked at and the engine does not answer, so the audit has to wait. */
static void a_look_of_the_routine_that_waits_is_not_shown(void **state) {
        BED;
        struct wish wishes[11] = { { "web", .network = "net", .volume = "data" } };
        static const char *const names[] = { "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8" };
        struct hv_status s;

        for (unsigned i = 0; i < 9; i++)
                wishes[i + 1].name = names[i];
        bed_desire(b, desire("r2", wishes));
        bed_run(b);
        bed_wait(b, A_LOOK_AT_ALL);
        b->hold = true;
        for (unsigned i = 0; i < 8; i++)
                bed_event(b, "die", hv_arena_printf(b->arena, "hive-%s", names[i]));
        bed_run(b);
        assert_int_equal(b->held.n, 8);
        for (unsigned i = 0; i < 12; i++) {
                while (b->held.n == 8)
                        bed_wait(b, S);
                assert_int_equal(b->held.v[8]->type, HV_ACTION_LIST);
                bed_answer(b, b->held.v[8], HV_OUTCOME_OK);
                bed_run(b);
                s = bed_status(b);
                assert_null(bed_unit(&s, "hive-s8")->next_action);
        }
}

/* ---- what happens ---- */

static void an_event_about_ours_is_news(void **state) {
        BED;
        const struct hv_engine_event start = { .type = HV_EVENT_CONTAINER,
                                               .action = "start",
                                               .id = bed_container(b, "hive-web")->id,
                                               .name = "hive-web",
                                               .ours = true,
                                               .time_us = 77 };

        takes(b, &(struct hv_input){ .type = HV_INPUT_EVENT, .event = start });
        assert_true(bed_changed(b)); /* it says since when it runs */
        takes(b, &(struct hv_input){ .type = HV_INPUT_EVENT, .event = start });
        assert_false(bed_changed(b));
        bed_event(b, "die", "hive-web");
        bed_run(b);
        assert_true(bed_changed(b));
}

static void a_wish_and_an_order_are_news(void **state) {
        static const struct hv_orders none = {};
        BED;

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net", .volume = "data" }, {} }));
        bed_run(b);
        assert_true(bed_changed(b));
        takes(b, &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &none });
        assert_true(bed_changed(b));
        takes(b, &(struct hv_input){ .type = HV_INPUT_LOOK });
        assert_true(bed_changed(b));
        bed_wait(b, A_LOOK_AT_ALL);
        assert_false(bed_changed(b));
}

/* Each try to reach it is told: what is shown of units goes by the time then, and no deadline says when. */
static void without_the_engine_all_is_news(void **state) {
        BED;

        takes(b, &(struct hv_input){ .type = HV_INPUT_ENGINE_LOST, .message = "gone" });
        assert_true(bed_changed(b));
        bed_wait(b, A_LOOK_AT_ALL);
        assert_true(bed_status(b).synced);
        (void) bed_changed(b);
        bed_wait(b, A_LOOK_AT_ALL);
        assert_false(bed_changed(b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
                TEST(a_look_that_finds_all_as_it_was_is_none),
                TEST(what_others_do_is_none),
                TEST(the_time_of_day_is_none),
                TEST(a_slice_is_one_when_it_is_another_than_before),
                TEST(pressure_is_one_when_somebody_is_told_of_it),
                TEST(all_that_it_finds_is_news),
                TEST(a_look_that_fails_is_news),
                TEST(a_look_of_the_routine_that_waits_is_not_shown),
                TEST(an_event_about_ours_is_news),
                TEST(a_wish_and_an_order_are_news),
                TEST(without_the_engine_all_is_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

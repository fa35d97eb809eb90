/* What people ask for by hand: cordon, hold, stop, restart, pause. */
#include <errno.h>

#include "task_bed.h"

#include "reconcile/orders.h"

static const struct hv_order ana = { .by = "ana", .reason = "the rack moves" };

static void give(struct bed *b, const struct hv_orders *orders) {
        const struct hv_input in = { .type = HV_INPUT_ORDERS, .orders = orders };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

static void stop(struct bed *b, const char *service) {
        const struct hv_service_orders s = { .name = service, .stop = ana };

        give(b, &(struct hv_orders){ .services = &s, .n_services = 1 });
}

static void hold(struct bed *b, const char *service) {
        const struct hv_service_orders s = { .name = service, .hold = ana };

        give(b, &(struct hv_orders){ .services = &s, .n_services = 1 });
}

static void nothing(struct bed *b) {
        give(b, &(struct hv_orders){});
}

static int setup(void **state) {
        struct bed *b = bed_new();

        bed_desire(b, desire("r1", (struct wish[]){ { "api", "api:1" }, { "web", "nginx:1" }, {} }));
        bed_run(b);
        bed_wait(b, 1200 * S); /* each was looked at: when it was started is known */
        (void) bed_log(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

static struct hv_unit_status unit(struct bed *b, const char *container) {
        struct hv_status s = bed_status(b);

        return *bed_unit(&s, container);
}

static void a_stopped_service_stays_stopped(void **state) {
        BED;

        stop(b, "web");
        assert_string_equal(bed_log(b), "stop hive-web");
        assert_string_equal(hv_phase_name(unit(b, "hive-web").phase), "Suspended");
        assert_int_equal(unit(b, "hive-web").reason, HV_REASON_STOPPED_BY_USER);
        assert_string_equal(unit(b, "hive-web").message,
                            "stopped by ana: the rack moves; until hivectl start");
        assert_true(bed_status(b).synced); /* it is as somebody wants it */
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        bed_desire(b, desire("r2", (struct wish[]){
                                           { "api", "api:1" }, { "web", "nginx:2", .digest = "d2" }, {} }));
        bed_run(b);
        assert_string_equal(bed_log(b), "");                        /* whatever its document says */
        bed_container(b, "hive-web")->state = HV_CONTAINER_RUNNING; /* somebody starts it behind our back */
        bed_event(b, "start", "hive-web");
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-web");
        nothing(b);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "remove hive-web; create hive-web; start hive-web");
}

static void a_held_service_is_left_alone(void **state) {
        BED;

        hold(b, "web");
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        assert_int_equal(unit(b, "hive-web").reason, HV_REASON_SUSPENDED);
        assert_string_equal(unit(b, "hive-web").message,
                            "held by ana: the rack moves; until hivectl release");
        bed_desire(b, desire("r2", (struct wish[]){ { "api", "api:1" }, {} }));
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), ""); /* nor is it removed when it leaves the documents */
        nothing(b);
        assert_string_equal(bed_log(b), "remove hive-web");
}

static void want_on_net(struct bed *b, const char *revision, const char *digest, const struct wish *wishes) {
        struct hv_desired *d = desire(revision, wishes);

        (void) snprintf(((struct hv_network *) d->networks)[0].digest, sizeof d->networks->digest, "%s",
                        digest);
        bed_desire(b, d);
        bed_run(b);
}

/* The network cannot be made anew under who is held; whoever else is on it would be cut off for as long as that lasts. */
static void who_is_held_keeps_nobody_off_their_network(void **state) {
        static const struct wish two[] = { { "api", "api:1", .network = "net" },
                                           { "web", "nginx:1", .network = "net" },
                                           {} };
        BED;

        want_on_net(b, "r2", "before", two);
        bed_wait(b, 1200 * S);
        hold(b, "web");
        (void) bed_log(b);
        want_on_net(b, "r3", "changed", two);
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        want_on_net(b, "r4", "changed",
                    (struct wish[]){ { "api", "api:1", .network = "net" },
                                     { "new", "new:1", .network = "net" },
                                     { "web", "nginx:1", .network = "net" },
                                     {} });
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "create hive-new; start hive-new");
        assert_string_equal(bed_status(b).objects[0].message,
                            "a service on it is held by hand: it is made anew after hivectl release");
        assert_true(bed_status(b).objects[0].in_sync);
        nothing(b);
        bed_wait(b, 60 * S);
        assert_non_null(
                strstr(bed_log(b), "remove network net; create network net; connect network hive-api"));
        assert_string_equal(bed_status(b).objects[0].message, "");
}

static void but_who_is_held_and_not_on_it_does_not_matter(void **state) {
        static const struct {
                const char *what, *network; /* of who is held */
                bool has_ended;
        } rows[] = { { "he is on none", NULL, false }, { "he does not run", "net", true } };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct wish two[] = { { "api", "api:1", .network = "net" },
                                            { "web", "nginx:1", .network = rows[i].network },
                                            {} };
                struct bed *b;

                print_message("%s\n", rows[i].what);
                assert_int_equal(setup(state), 0);
                b = *state;
                want_on_net(b, "r2", "before", two);
                bed_wait(b, 1200 * S);
                hold(b, "web");
                if (rows[i].has_ended)
                        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
                bed_event(b, "die", "hive-web");
                bed_run(b);
                (void) bed_log(b);
                want_on_net(b, "r3", "changed", two);
                bed_wait(b, 60 * S);
                assert_string_equal(bed_log(b), "disconnect network hive-api; remove network net; "
                                                "create network net; connect network hive-api");
                assert_int_equal(teardown(state), 0);
        }
}

static void a_held_node_changes_nothing(void **state) {
        BED;

        give(b, &(struct hv_orders){ .hold = ana });
        bed_desire(b, desire("r2", (struct wish[]){ { "api", "api:1", .network = "net" },
                                                    { "new", "new:1", .volume = "data" },
                                                    { "web", "nginx:2", .digest = "d2" },
                                                    {} }));
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        assert_string_equal(bed_status(b).pressure, "the node is held by ana: the rack moves");
        nothing(b);
        bed_wait(b, 60 * S);
        assert_true(hv_has_prefix(bed_log(b), "create network net"));
}

static void put_off(struct bed *b, const char *service) {
        const struct hv_service_orders s = { .name = service, .pause = ana };

        give(b, &(struct hv_orders){ .services = &s, .n_services = 1 });
}

static void a_paused_service_stays_as_it_was_made(void **state) {
        BED;

        put_off(b, "web");
        assert_int_equal(unit(b, "hive-web").reason, HV_REASON_SYNCED); /* there is nothing to be made anew */
        bed_desire(b, desire("r2", (struct wish[]){ { "api", "api:2", .digest = "d2" },
                                                    { "web", "nginx:2", .digest = "d2", .network = "net",
                                                      .memory = 9 },
                                                    {} }));
        bed_wait(b, 600 * S);
        assert_string_equal(
                bed_log(b),
                "create network net; stop hive-api; connect network hive-web; remove hive-api; create hive-api; start hive-api");
        assert_int_equal(unit(b, "hive-web").reason, HV_REASON_ROLLOUT_PAUSED);
        assert_string_equal(unit(b, "hive-web").message,
                            "made as it was declared before, and paused by ana: the rack moves; "
                            "until hivectl rollout resume");
        assert_true(unit(b, "hive-web").ready);
        assert_true(bed_status(b).synced); /* it is as somebody wants it */
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "start hive-web"); /* all else goes on */
        nothing(b);
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "stop hive-web; remove hive-web; create hive-web; start hive-web");
}

/* What is not there is made as it is declared: how it was is known to nobody. */
static void a_paused_service_is_made_where_it_is_missing(void **state) {
        BED;

        put_off(b, "web");
        bed_desire(b, desire("r2", (struct wish[]){
                                           { "api", "api:1" }, { "web", "nginx:2", .digest = "d2" }, {} }));
        bed_drop(b, "hive-web");
        bed_event(b, "destroy", "hive-web");
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "create hive-web; start hive-web");
        assert_int_equal(unit(b, "hive-web").reason, HV_REASON_SYNCED);
}

/* A service that begins now and needs it does not wait for what somebody put off. */
static void a_paused_service_is_there_for_others(void **state) {
        BED;

        put_off(b, "web");
        bed_desire(b, desire("r2", (struct wish[]){ { "api", "api:1" },
                                                    { "late", "late:1", .depends_on = "web" },
                                                    { "web", "nginx:2", .digest = "d2" },
                                                    {} }));
        bed_wait(b, 60 * S);
        assert_string_equal(bed_log(b), "create hive-late; start hive-late");
}

/* The network that it stands on stays until it is made anew, also while it does not run. */
static void what_a_paused_service_stands_on_stays(void **state) {
        BED;

        bed_desire(b, desire("r2", (struct wish[]){
                                           { "api", "api:1" }, { "web", "nginx:1", .network = "net" }, {} }));
        bed_wait(b, 1200 * S);
        put_off(b, "web");
        (void) bed_log(b);
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_run(b);
        bed_desire(b, desire("r3", (struct wish[]){
                                           { "api", "api:1" }, { "web", "nginx:2", .digest = "d2" }, {} }));
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "start hive-web");
        nothing(b);
        bed_wait(b, 60 * S);
        assert_non_null(strstr(bed_log(b), "remove network net"));
}

static void restart_orders(struct bed *b, bool now, struct hv_restart_order v[2]) {
        v[0] = (struct hv_restart_order){ bed_container(b, "hive-web")->id,
                                          bed_container(b, "hive-web")->started_us, now };
        v[1] = (struct hv_restart_order){ bed_container(b, "hive-api")->id,
                                          bed_container(b, "hive-api")->started_us, now };
        bed_wait(b, S); /* the next start is another instant */
}

static void a_restart_is_one_of_this_run(void **state) {
        struct hv_restart_order v[2];
        struct hv_orders orders = { .restarts = v, .n_restarts = 1 };
        BED;

        restart_orders(b, false, v);
        assert_false(hv_core_restart_is_over(b->core, &v[0]));
        give(b, &orders);
        assert_string_equal(bed_log(b), "stop hive-web; start hive-web");
        assert_true(hv_core_restart_is_over(b->core, &v[0]));
        give(b, &orders);
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), ""); /* said again it is no other one */
}

/* Two replicas of one service on one network. */
static struct hv_desired *two_of_one(const char *revision, const char *network_digest) {
        struct hv_desired *d = desire(revision, (struct wish[]){ { "api", "api:1", .network = "net" },
                                                                 { "web", "api:1", .network = "net" },
                                                                 {} });
        struct hv_unit *units = (struct hv_unit *) d->units;
        struct hv_network *net = (struct hv_network *) d->networks;

        units[1].object = units[0].object;
        units[1].replica = 2;
        (void) snprintf(net->digest, sizeof net->digest, "%s", network_digest);
        return d;
}

/* A network that has to be made anew waits until nobody is on it: also for the one that waits for its turn. */
static void a_replica_that_waits_for_its_turn_keeps_nobody_waiting(void **state) {
        struct hv_restart_order v[2];
        struct hv_orders orders = { .restarts = v, .n_restarts = 2 };
        BED;

        bed_desire(b, two_of_one("r2", "one"));
        bed_wait(b, 1200 * S);
        (void) bed_log(b);
        restart_orders(b, false, v);
        b->hold = true;
        give(b, &orders);
        assert_string_equal(bed_log(b), "stop hive-api");
        bed_desire(b, two_of_one("r3", "two"));
        bed_run(b);
        b->hold = false;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_wait(b, 600 * S);
        assert_true(bed_status(b).synced);
        assert_true(hv_core_restart_is_over(b->core, &v[0]));
        assert_true(hv_core_restart_is_over(b->core, &v[1]));
}

/* Of its sibling counts how it is now, not how it was in the pass before. */
static void a_restart_goes_on_in_the_pass_in_which_its_sibling_is_up(void **state) {
        struct hv_restart_order v[2];
        BED;

        bed_desire(b, two_of_one("r2", "one"));
        bed_wait(b, 1200 * S);
        restart_orders(b, false, v);
        b->hold = true;
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_run(b);
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        bed_wait(b, 2 * S);
        give(b, &(struct hv_orders){ .restarts = &v[1], .n_restarts = 1 });
        (void) bed_log(b);
        answer(b, HV_ACTION_START, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "stop hive-api");
}

/* What its policy leaves alone, and what waits to be tried again, is started at once. */
static void a_restart_starts_what_ended(void **state) {
        struct hv_restart_order v;
        BED;

        bed_desire(b, desire("r2", (struct wish[]){ { "api", "api:1" },
                                                    { "job", "job:1", .restart = HV_RESTART_NEVER },
                                                    { "web", "nginx:1" },
                                                    {} }));
        bed_wait(b, 10 * S);
        bed_container(b, "hive-job")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-job");
        bed_wait(b, 600 * S);
        (void) bed_log(b);
        v = (struct hv_restart_order){ bed_container(b, "hive-job")->id,
                                       bed_container(b, "hive-job")->started_us, false };
        give(b, &(struct hv_orders){ .restarts = &v, .n_restarts = 1 });
        assert_string_equal(bed_log(b), "start hive-job");
}

static void a_restart_of_what_is_gone_is_over(void **state) {
        struct hv_restart_order v[2];
        BED;

        restart_orders(b, false, v);
        bed_drop(b, "hive-web");
        bed_event(b, "destroy", "hive-web");
        bed_wait(b, 60 * S);
        assert_true(hv_core_restart_is_over(b->core, &v[0]));
        assert_false(hv_core_restart_is_over(b->core, &v[1]));
}

/* ---- tasks ---- */

static void cordon(struct bed *b) {
        give(b, &(struct hv_orders){ .cordon = ana });
}

static void nobody_is_admitted_to_a_cordoned_node(void **state) {
        BED;

        assert_int_equal(submit(b, &(struct job){ "t1" }), 0);
        bed_run(b);
        (void) bed_log(b);
        cordon(b);
        assert_int_equal(submit(b, &(struct job){ "t2" }), 0); /* waits for resources: not at all */
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "accept t2");
        assert_string_equal(status_of(b, "t2").reason, "Cordoned");
        assert_string_equal(status_of(b, "t2").message, "waits: the node is cordoned by ana: the rack moves");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
        assert_true(bed_status(b).is_cordoned);
        nothing(b);
        assert_int_equal(status_of(b, "t2").state, HV_TASK_RUNNING);
        assert_false(bed_status(b).is_cordoned);
}

/* Its pool can give it to another node: it waits no longer than its rule says. */
static void a_task_of_a_pool_goes_back(void **state) {
        BED;

        cordon(b);
        assert_int_equal(submit(b, &(struct job){ "t1", .source = HV_TASK_FROM_POOL, .wait = 10 * S }), 0);
        bed_wait(b, 9 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_QUEUED);
        bed_wait(b, 2 * S);
        assert_int_equal(status_of(b, "t1").cause, HV_CAUSE_RESOURCES);
        assert_non_null(strstr(status_of(b, "t1").message, "the node is cordoned by ana"));
}

/* ---- handed back ---- */

static int hand_back(struct bed *b, const char *id) {
        int r = ask(b, HV_INPUT_TASK_HAND_BACK, id);

        bed_run(b);
        return r;
}

static const struct job pools = { "t1", .source = HV_TASK_FROM_POOL };

static void what_waits_is_handed_back(void **state) {
        BED;

        cordon(b);
        assert_int_equal(submit(b, &pools), 0);
        assert_int_equal(submit(b, &(struct job){ "mine" }), 0);
        bed_run(b);
        (void) bed_log(b);
        assert_true(status_of(b, "t1").can_be_handed_back);
        assert_false(status_of(b, "mine").can_be_handed_back);
        assert_int_equal(hand_back(b, "mine"), -EBUSY);
        assert_int_equal(hand_back(b, "t9"), -ENOENT);
        assert_int_equal(hand_back(b, "t1"), 0);
        assert_string_equal(bed_log(b), "record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").state, HV_TASK_STOPPED);
        assert_int_equal(status_of(b, "t1").cause, HV_CAUSE_HANDED_BACK);
        assert_string_equal(status_of(b, "t1").message,
                            "handed back to its pool before it started: asked by ana");
        assert_true(status_of(b, "t1").is_owed);
        nothing(b);
        assert_null(bed_container(b, "task-t1"));
}

static void what_is_fetched_is_handed_back(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &pools), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        assert_int_equal(hand_back(b, "t1"), 0);
        assert_int_equal(hand_back(b, "t1"), 0); /* whoever drains looks again and again */
        assert_string_equal(bed_log(b), "accept t1; prepare t1; cancel t1");
        answer(b, HV_ACTION_TASK_CANCEL, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        b->hold = false;
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        assert_string_equal(bed_log(b), "record the end of t1; clean up after t1");
        assert_int_equal(status_of(b, "t1").cause, HV_CAUSE_HANDED_BACK);
}

static void what_was_begun_is_not_handed_back(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &pools), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        assert_true(status_of(b, "t1").stop_by == NULL);
        assert_int_equal(hand_back(b, "t1"), -EBUSY); /* its begin is on its way */
        b->hold = false;
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_OK);
        assert_int_equal(hand_back(b, "t1"), -EBUSY);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

static void what_was_started_by_hand_is_not_handed_back(void **state) {
        BED;

        b->hold = true;
        assert_int_equal(submit(b, &pools), 0);
        bed_run(b);
        answer(b, HV_ACTION_TASK_ACCEPT, HV_OUTCOME_OK);
        answer(b, HV_ACTION_INSPECT_IMAGE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_TASK_PREPARE, HV_OUTCOME_OK);
        answer(b, HV_ACTION_CREATE, HV_OUTCOME_OK);
        bed_container(b, "task-t1")->state = HV_CONTAINER_RUNNING;
        bed_event(b, "start", "task-t1");
        bed_run(b);
        answer(b, HV_ACTION_TASK_BEGIN, HV_OUTCOME_FAILED); /* the disk is full */
        answer(b, HV_ACTION_INSPECT, HV_OUTCOME_OK);
        assert_int_equal(hand_back(b, "t1"), -EBUSY);
        b->hold = false;
        bed_wait(b, 10 * S);
        assert_int_equal(status_of(b, "t1").state, HV_TASK_RUNNING);
}

/* ---- the value ---- */

static void it_says_why_it_is_closed(void **state) {
        static const struct {
                struct hv_orders orders;
                const char *text;
        } rows[] = {
                { {}, NULL },
                { { .cordon = { "ana" } }, "the node is cordoned by ana" },
                { { .hold = { "ana", "x" } }, "the node is held by ana: x" },
                { { .cordon = { "ana", "a" }, .hold = { "bob", "b" } }, "the node is cordoned by ana: a" },
        };
        struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const char *text = hv_orders_closed_text(&rows[i].orders, arena);

                if (!hv_streq(text, rows[i].text))
                        fail_msg("row %zu: %s", i, text ? text : "NULL");
        }
        hv_arena_free(arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_stopped_service_stays_stopped, setup, teardown),
                cmocka_unit_test_setup_teardown(a_held_service_is_left_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(who_is_held_keeps_nobody_off_their_network, setup, teardown),
                cmocka_unit_test(but_who_is_held_and_not_on_it_does_not_matter),
                cmocka_unit_test_setup_teardown(a_held_node_changes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(a_paused_service_stays_as_it_was_made, setup, teardown),
                cmocka_unit_test_setup_teardown(a_paused_service_is_made_where_it_is_missing, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_paused_service_is_there_for_others, setup, teardown),
                cmocka_unit_test_setup_teardown(what_a_paused_service_stands_on_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(a_restart_is_one_of_this_run, setup, teardown),
                cmocka_unit_test_setup_teardown(a_restart_starts_what_ended, setup, teardown),
                cmocka_unit_test_setup_teardown(a_replica_that_waits_for_its_turn_keeps_nobody_waiting, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_restart_goes_on_in_the_pass_in_which_its_sibling_is_up,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(a_restart_of_what_is_gone_is_over, setup, teardown),
                cmocka_unit_test_setup_teardown(nobody_is_admitted_to_a_cordoned_node, task_bed_setup,
                                                task_bed_teardown),
                cmocka_unit_test_setup_teardown(a_task_of_a_pool_goes_back, task_bed_setup,
                                                task_bed_teardown),
                cmocka_unit_test_setup_teardown(what_waits_is_handed_back, task_bed_setup, task_bed_teardown),
                cmocka_unit_test_setup_teardown(what_is_fetched_is_handed_back, task_bed_setup,
                                                task_bed_teardown),
                cmocka_unit_test_setup_teardown(what_was_begun_is_not_handed_back, task_bed_setup,
                                                task_bed_teardown),
                cmocka_unit_test_setup_teardown(what_was_started_by_hand_is_not_handed_back, task_bed_setup,
                                                task_bed_teardown),
                cmocka_unit_test(it_says_why_it_is_closed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What events say while something is looked at, and of containers that stand still. */
#include "bed.h"

#include "reconcile/orders.h"

#define BED struct bed *b = *state

static int setup(void **state) {
        struct bed *b = bed_new();

        bed_desire(b, desire("r1", (struct wish[]){ { "web", .network = "net", .volume = "data" }, {} }));
        bed_run(b);
        (void) bed_log_all(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

static void network_event(struct bed *b, const char *action, const char *network) {
        const struct hv_input in = { .type = HV_INPUT_EVENT,
                                     .event = { .type = HV_EVENT_NETWORK,
                                                .action = action,
                                                .id = "net9",
                                                .name = network,
                                                .container = bed_container(b, "hive-web")->id } };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

/* Its start took effect and the answer was lost: it is known as ended still when it ends for the second time, and the look that is
 * under way saw it between the two. */
static void an_end_that_overtakes_a_look_is_looked_at(void **state) {
        BED;
        struct hv_seen_container *k = bed_container(b, "hive-web");

        k->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        b->hold = true;
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; start hive-web; ");
        bed_answer(b, b->held.v[0], HV_OUTCOME_UNKNOWN);
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
        bed_event(b, "die", "hive-web");
        k->state = HV_CONTAINER_RUNNING; /* as the look saw it */
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        k->state = HV_CONTAINER_EXITED;
        bed_run(b);
        assert_false(bed_status(b).synced);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
        b->hold = false;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_wait(b, 5 * S);
        assert_string_equal(bed_log(b), "start hive-web");
}

/* A paused container keeps its networks. One that is held stays paused for long, and goes on as it was when it is let go. */
static void joining_a_network_while_paused_is_looked_at(void **state) {
        BED;
        const struct hv_service_orders web = { .name = "web", .hold = { .by = "ana" } };
        const struct hv_orders held = { .services = &web, .n_services = 1 }, none = {};
        const struct hv_seen_endpoint both[] = { { "net", NULL }, { "other", NULL } };
        struct hv_seen_container *k = bed_container(b, "hive-web");

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &held }, NULL),
                         0);
        k->state = HV_CONTAINER_PAUSED;
        bed_event(b, "pause", "hive-web");
        bed_run(b);
        (void) bed_log_all(b);
        k->endpoints = both;
        k->n_endpoints = 2;
        network_event(b, "connect", "other");
        bed_run(b);
        assert_string_equal(bed_log_all(b), "inspect hive-web; ");
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &none }, NULL),
                         0);
        b->hold = true;
        bed_run(b);
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_run(b);
        assert_string_equal(bed_log(b), "unpause hive-web; disconnect network hive-web");
}

/* It is on and off a network again before the look's answer is read, which saw the state between. */
static void a_network_that_changes_twice_is_looked_at_twice(void **state) {
        static const struct hv_seen_endpoint endpoints[] = { { "net", NULL }, { "other", NULL } };
        static const struct {
                const char *network, *first, *then;
                size_t n_between;
        } cases[] = { { "other", "connect", "disconnect", 2 }, { "net", "disconnect", "connect", 0 } };
        BED;
        struct hv_seen_container *k = bed_container(b, "hive-web");

        k->endpoints = endpoints;
        for (size_t i = 0; i < HV_ARRAY_SIZE(cases); i++) {
                b->hold = true;
                network_event(b, cases[i].first, cases[i].network);
                bed_run(b);
                network_event(b, cases[i].then, cases[i].network);
                k->n_endpoints = cases[i].n_between;
                bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
                k->n_endpoints = 1;
                b->hold = false;
                bed_run(b);
                assert_string_equal(bed_log_all(b), "inspect hive-web; inspect hive-web; ");
        }
}

/* Somebody removed it and made it again; the list was read between the two. */
static void a_volume_that_is_made_while_it_is_listed_is_listed_again(void **state) {
        BED;
        struct hv_input event = { .type = HV_INPUT_EVENT,
                                  .event = { .type = HV_EVENT_VOLUME, .id = "data", .name = "data" } };

        b->hold = true;
        event.event.action = "destroy";
        assert_int_equal(hv_core_input(b->core, b->now_us, &event, NULL), 0);
        bed_run(b);
        event.event.action = "create";
        assert_int_equal(hv_core_input(b->core, b->now_us, &event, NULL), 0);
        b->volumes.n = 0;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        b->volumes.n = 1;
        b->volumes.v[0].ours = false;
        b->hold = false;
        bed_run(b);
        assert_string_equal(bed_log_all(b), "list engine; list engine; ");
        assert_false(bed_status(b).synced); /* its name is a stranger's now */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(an_end_that_overtakes_a_look_is_looked_at),
                T(joining_a_network_while_paused_is_looked_at),
                T(a_network_that_changes_twice_is_looked_at_twice),
                T(a_volume_that_is_made_while_it_is_listed_is_listed_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

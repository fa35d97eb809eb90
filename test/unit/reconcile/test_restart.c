/* A restart that is put off: what runs is stopped when all that its next start needs is there, or when somebody said `now`. */
#include "task_bed.h"

#include "reconcile/gpu.h"
#include "reconcile/orders.h"

static int setup(void **state) {
        *state = bed_new();
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

/* Each was looked at: when it was started is known, and the next start is another instant. */
static void settle(struct bed *b, struct hv_desired *d) {
        bed_desire(b, d);
        bed_wait(b, 1200 * S);
        assert_true(bed_status(b).synced);
        (void) bed_log(b);
}

static struct hv_restart_order of(struct bed *b, const char *container, bool now) {
        const struct hv_seen_container *k = bed_container(b, container);

        return (struct hv_restart_order){ k->id, k->started_us, now };
}

static void give(struct bed *b, const struct hv_restart_order *v, size_t n) {
        const struct hv_orders orders = { .restarts = v, .n_restarts = n };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_ORDERS, .orders = &orders },
                                       NULL),
                         0);
        bed_run(b);
}

static void restart_web(struct bed *b, bool now) {
        const struct hv_restart_order o = of(b, "hive-web", now);

        give(b, &o, 1);
}

static void assert_put_off(struct bed *b, const char *container, enum hv_reason reason, const char *text) {
        struct hv_status s = bed_status(b);
        const struct hv_unit_status *u = bed_unit(&s, container);

        assert_string_equal(u->message, text);
        assert_string_equal(hv_reason_name(u->reason), hv_reason_name(reason));
        assert_string_equal(hv_phase_name(u->phase), "Running");
        assert_true(u->ready);
        assert_false(u->in_sync);
}

/* ---- networks ---- */

/* Somebody took it off its network, and made one of his own under that name. */
static void loses_its_network(struct bed *b) {
        settle(b, desire("r1", (struct wish[]){ { "web", "nginx:1", .network = "net" }, {} }));
        b->networks.v[0].ours = false;
        b->networks.v[0].digest = NULL;
        bed_container(b, "hive-web")->n_endpoints = 0;
        bed_wait(b, 120 * S); /* the next look shows it */
        assert_string_equal(bed_log(b), "");
}

static void it_waits_for_its_network(void **state) {
        BED;

        loses_its_network(b);
        restart_web(b, false);
        bed_wait(b, 600 * S);
        assert_string_equal(bed_log(b), "");
        assert_put_off(b, "hive-web", HV_REASON_WAITING_DEPENDENCY,
                       "its restart is put off: waits for network net");
        b->networks.n = 0;
        bed_wait(b, 120 * S);
        assert_string_equal(bed_log(b),
                            "create network net; connect network hive-web; stop hive-web; start hive-web");
        assert_true(bed_status(b).synced);
}

static void who_said_now_does_not_wait(void **state) {
        BED;

        loses_its_network(b);
        restart_web(b, true);
        assert_string_equal(bed_log(b), "stop hive-web");
}

static void who_waits_may_be_told_not_to(void **state) {
        struct hv_restart_order v[2];
        BED;

        loses_its_network(b);
        v[0] = of(b, "hive-web", false);
        v[1] = of(b, "hive-web", true);
        give(b, v, 1);
        assert_string_equal(bed_log(b), "");
        give(b, v, 2);
        assert_string_equal(bed_log(b), "stop hive-web");
}

/* It has ended already, and loses nothing. */
static void one_that_does_not_run_waits_for_nothing_new(void **state) {
        struct hv_restart_order o;
        BED;

        settle(b, desire("r1",
                         (struct wish[]){ { "web", "nginx:1", .volume = "data", .restart = HV_RESTART_NEVER },
                                          {} }));
        bed_container(b, "hive-web")->state = HV_CONTAINER_EXITED;
        bed_event(b, "die", "hive-web");
        bed_run(b);
        b->volumes.n = 0;
        o = of(b, "hive-web", false);
        give(b, &o, 1);
        assert_string_equal(bed_log(b), "start hive-web");
}

static enum hv_outcome connects_nothing(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_NETWORK_CONNECT ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void it_waits_until_it_is_connected(void **state) {
        struct hv_status s;
        BED;

        settle(b, desire("r1", (struct wish[]){ { "web", "nginx:1", .network = "net" }, {} }));
        bed_container(b, "hive-web")->n_endpoints = 0;
        b->mood = connects_nothing;
        bed_event(b, "update", "hive-web"); /* it is looked at */
        restart_web(b, false);
        s = bed_status(b);
        assert_string_equal(bed_unit(&s, "hive-web")->message,
                            "its restart is put off: cannot connect network (try 1): the engine said no");
        assert_string_equal(bed_log(b), "connect network hive-web");
        b->mood = NULL;
        bed_wait(b, 10 * S);
        assert_string_equal(bed_log(b), "connect network hive-web; stop hive-web; start hive-web");
}

/* ---- what else a start needs ---- */

static enum hv_outcome stops_no_twin(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_STOP && hv_streq(a->name, "hive-old") ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void it_waits_for_its_twin(void **state) {
        struct hv_seen_container *twin;
        BED;

        settle(b, desire("r1", (struct wish[]){ { "web", "nginx:1" }, {} }));
        twin = bed_add(b, "hive-old", true, HV_CONTAINER_RUNNING);
        twin->object = "web";
        bed_event(b, "start", "hive-old");
        b->mood = stops_no_twin;
        bed_run(b);
        assert_string_equal(bed_log(b), "stop hive-old");
        restart_web(b, false);
        assert_string_equal(bed_log(b), "");
        assert_put_off(b, "hive-web", HV_REASON_WAITING_DEPENDENCY,
                       "its restart is put off: waits for hive-old to end: it is the same replica under "
                       "another name");
        b->mood = NULL;
        bed_wait(b, 10 * S);
        assert_string_equal(bed_log(b), "stop hive-old; remove hive-old; stop hive-web; start hive-web");
}

static enum hv_outcome makes_no_volume(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_VOLUME_CREATE ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static void it_waits_for_its_volume(void **state) {
        static const char *const volumes[] = { "data" };
        struct hv_seen_container *k;
        BED;

        settle(b, desire("r1", (struct wish[]){ { "web", "nginx:1", .volume = "data" }, {} }));
        k = bed_container(b, "hive-web");
        k->volumes = volumes;
        k->n_volumes = 1;
        b->volumes.n = 0;
        b->mood = makes_no_volume;
        bed_wait(b, 1200 * S);
        (void) bed_log(b);
        restart_web(b, false);
        assert_put_off(b, "hive-web", HV_REASON_WAITING_DEPENDENCY,
                       "its restart is put off: waits for volume data");
        assert_null(strstr(bed_log(b), "stop"));
        b->mood = NULL;
        bed_wait(b, 300 * S);
        assert_string_equal(bed_log(b), "create volume data; stop hive-web; start hive-web");
}

static void tell_tunnel(struct bed *b, const struct hv_seen_tunnel *tunnel) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_TUNNEL, .tunnel = tunnel }, NULL),
                         0);
        bed_run(b);
}

static struct hv_desired *bound_to_tunnel(void) {
        struct hv_desired *d = desire("r1", (struct wish[]){ { "web", "nginx:1" }, {} });
        struct hv_tunnel *t = HV_ARENA_NEW(d->arena, struct hv_tunnel);
        struct hv_port *port = HV_ARENA_NEW(d->arena, struct hv_port);
        struct hv_unit *u = (struct hv_unit *) &d->units[0];

        t->name = "hive0";
        (void) snprintf(t->digest, sizeof t->digest, "t1");
        d->tunnels = t;
        d->n_tunnels = 1;
        d->n_objects = 2;
        *port = (struct hv_port){
                .container = 80, .host = 80, .protocol = "tcp", .address = "10.0.0.17", .tunnel = "hive0"
        };
        u->ports = port;
        u->n_ports = 1;
        return d;
}

static void it_waits_for_the_address_of_its_port(void **state) {
        static const struct hv_seen_tunnel up = { .name = "hive0", .state = HV_TUNNEL_OURS, .digest = "t1" },
                                           gone = { .name = "hive0", .state = HV_TUNNEL_ABSENT };
        BED;

        bed_desire(b, bound_to_tunnel());
        tell_tunnel(b, &up);
        bed_wait(b, 1200 * S);
        (void) bed_log(b);
        tell_tunnel(b, &gone);
        restart_web(b, false);
        assert_string_equal(bed_log(b), "");
        assert_put_off(b, "hive-web", HV_REASON_WAITING_DEPENDENCY,
                       "its restart is put off: waits for WireGuard interface hive0");
        tell_tunnel(b, &up);
        assert_string_equal(bed_log(b), "stop hive-web; start hive-web");
}

static void tell_gpus(struct bed *b, bool is_known, const char *withheld) {
        const struct hv_seen_gpu v[] = { { .uuid = "GPU-one",
                                           .name = "NVIDIA T4",
                                           .memory_bytes = 8 * GIB,
                                           .is_whole = true,
                                           .works = true } };
        const struct hv_seen_gpus seen = { .is_known = is_known,
                                           .message = "the driver does not answer",
                                           .withheld = withheld,
                                           .v = v,
                                           .n = is_known };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_GPUS, .gpus = &seen }, NULL),
                         0);
        bed_run(b);
}

static void it_waits_for_its_gpu(void **state) {
        static const struct {
                const char *what, *withheld, *text;
                bool is_known;
        } rows[] = {
                { "the driver is silent", NULL,
                  "its restart is put off: waits for GPUs: the driver does not answer", false },
                { "the engine gives none", "this engine gives no GPUs",
                  "its restart is put off: this engine gives no GPUs", true },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_desired *d = desire("r1", (struct wish[]){ { "web", "nginx:1" }, {} });
                struct bed *b;

                print_message("%s\n", rows[i].what);
                assert_int_equal(setup(state), 0);
                b = *state;
                ((struct hv_unit *) d->units)[0].n_gpus = 1;
                tell_gpus(b, true, NULL);
                settle(b, d);
                tell_gpus(b, rows[i].is_known, rows[i].withheld);
                restart_web(b, false);
                assert_string_equal(bed_log(b), "");
                assert_put_off(b, "hive-web", HV_REASON_WAITING_GPU, rows[i].text);
                tell_gpus(b, true, NULL);
                assert_string_equal(bed_log(b), "stop hive-web; start hive-web");
                assert_int_equal(teardown(state), 0);
        }
}

/* podman, before it could. */
static enum hv_outcome changes_nothing_and_has_no_image(struct bed *b, const struct hv_action *a) {
        (void) b;
        switch (a->type) {
        case HV_ACTION_UPDATE:
                return HV_OUTCOME_UNSUPPORTED;
        case HV_ACTION_INSPECT_IMAGE:
                return HV_OUTCOME_NOT_FOUND;
        case HV_ACTION_PULL:
                return HV_OUTCOME_FAILED;
        default:
                return HV_OUTCOME_OK;
        }
}

/* ... and then it is not restarted, but made of what is there by then. */
static void one_that_is_made_anew_waits_for_its_image(void **state) {
        BED;

        settle(b, desire("r1", (struct wish[]){ { "web", "nginx:1", .memory = 8 }, {} }));
        b->mood = changes_nothing_and_has_no_image;
        bed_desire(b, desire("r2", (struct wish[]){ { "web", "nginx:1", .memory = 9 }, {} }));
        bed_run(b);
        restart_web(b, false);
        bed_wait(b, 300 * S);
        assert_null(strstr(bed_log(b), "stop"));
        b->mood = NULL;
        bed_wait(b, 300 * S);
        assert_non_null(
                strstr(bed_log(b), "stop hive-web; remove hive-web; create hive-web; start hive-web"));
}

/* ---- replicas ---- */

static enum hv_outcome starts_nothing(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_START ? HV_OUTCOME_FAILED : HV_OUTCOME_OK;
}

static struct hv_desired *two_of_one(void) {
        struct hv_desired *d = desire("r1", (struct wish[]){ { "api", "api:1" }, { "web", "api:1" }, {} });
        struct hv_unit *units = (struct hv_unit *) d->units;

        units[1].object = units[0].object;
        units[1].replica = 2;
        return d;
}

/* What the engine alone knows, as of a folder that is gone, costs one replica and not all of them. */
static void one_that_cannot_be_started_takes_no_other_with_it(void **state) {
        struct hv_restart_order v[2];
        BED;

        settle(b, two_of_one());
        v[0] = of(b, "hive-api", false);
        v[1] = of(b, "hive-web", false);
        b->hold = true;
        give(b, v, 2);
        assert_put_off(b, "hive-web", HV_REASON_PENDING, "its restart is put off: hive-api is on its way");
        b->hold = false;
        b->mood = starts_nothing;
        bed_answer(b, b->held.v[0], HV_OUTCOME_OK);
        bed_wait(b, 600 * S);
        assert_null(strstr(bed_log(b), "stop hive-web"));
        assert_put_off(b, "hive-web", HV_REASON_WAITING_DEPENDENCY,
                       "its restart is put off: hive-api cannot be started");
        b->mood = NULL;
        bed_wait(b, 300 * S);
        assert_string_equal(bed_log(b), "start hive-api; stop hive-web; start hive-web");
        assert_true(hv_core_restart_is_over(b->core, &v[0]));
        assert_true(hv_core_restart_is_over(b->core, &v[1]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(it_waits_for_its_network, setup, teardown),
                cmocka_unit_test_setup_teardown(who_said_now_does_not_wait, setup, teardown),
                cmocka_unit_test_setup_teardown(who_waits_may_be_told_not_to, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_does_not_run_waits_for_nothing_new, setup, teardown),
                cmocka_unit_test_setup_teardown(it_waits_until_it_is_connected, setup, teardown),
                cmocka_unit_test_setup_teardown(it_waits_for_its_twin, setup, teardown),
                cmocka_unit_test_setup_teardown(it_waits_for_its_volume, setup, teardown),
                cmocka_unit_test_setup_teardown(it_waits_for_the_address_of_its_port, setup, teardown),
                cmocka_unit_test(it_waits_for_its_gpu),
                cmocka_unit_test_setup_teardown(one_that_is_made_anew_waits_for_its_image, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_cannot_be_started_takes_no_other_with_it, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

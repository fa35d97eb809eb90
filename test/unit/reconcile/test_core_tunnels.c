/* Who waits for a WireGuard interface, and what is told of it. The interface itself is somebody else's to keep. */
#include "bed.h"

#define BED struct bed *b = *state

static int setup(void **state) {
        *state = bed_new();
        return 0;
}

static int teardown(void **state) {
        bed_free(*state);
        return 0;
}

struct gate {
        const char *tunnel, *digest;        /* declared; NULL: none is */
        const char *other;                  /* a second one; NULL */
        enum hv_condition_wanted condition; /* of service a's dependency, where `depends` */
        bool depends, binds, no_engine;
};

/* Service a, which waits for the tunnel or binds a port to it. */
static struct hv_desired *with(const char *revision, struct gate g) {
        struct hv_desired *d = desire(revision, (struct wish[]){ { "a" }, {} });
        struct hv_unit *u = (struct hv_unit *) &d->units[0];
        struct hv_tunnel *t = HV_ARENA_NEW_N(d->arena, struct hv_tunnel, 2);
        struct hv_dependency *on = HV_ARENA_NEW(d->arena, struct hv_dependency);
        struct hv_port *port = HV_ARENA_NEW(d->arena, struct hv_port);

        if (g.tunnel) {
                t[d->n_tunnels].name = g.tunnel;
                (void) snprintf(t[d->n_tunnels++].digest, sizeof t->digest, "%s", g.digest);
        }
        if (g.other)
                t[d->n_tunnels++].name = g.other;
        d->tunnels = t;
        *on = (struct hv_dependency){ HV_KIND_WIREGUARD, "hive0", g.condition };
        *port = (struct hv_port){
                .container = 80, .host = 80, .protocol = "tcp", .address = "10.0.0.17", .tunnel = "hive0"
        };
        if (g.depends) {
                u->depends_on = on;
                u->n_depends_on = 1;
        }
        if (g.binds) {
                u->ports = port;
                u->n_ports = 1;
        }
        d->settings.docker_enabled = !g.no_engine;
        d->n_objects = d->n_units + d->n_tunnels;
        return d;
}

static void seen(struct bed *b, const struct hv_seen_tunnel *tunnel) {
        const struct hv_input in = { .type = HV_INPUT_TUNNEL, .tunnel = tunnel };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        bed_run(b);
}

#define SEEN(...) seen(b, &(struct hv_seen_tunnel){ .name = "hive0", __VA_ARGS__ })

static const struct hv_object_status *tunnel(struct bed *b) {
        static struct hv_status s;

        s = bed_status(b);
        for (size_t i = 0; i < s.n_objects; i++)
                if (s.objects[i].kind == HV_KIND_WIREGUARD)
                        return &s.objects[i];
        return NULL;
}

static bool was_told(const struct bed *b, const char *words) {
        for (size_t i = 0; i < b->notes.n; i++)
                if (strstr(b->notes.v[i], words))
                        return true;
        return false;
}

static void a_service_waits_until_the_interface_is_there(void **state) {
        BED;
        struct hv_status s;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1", .depends = true }));
        bed_run(b);
        assert_string_equal(bed_log(b), "create hive-a");
        s = bed_status(b);
        assert_int_equal(bed_unit(&s, "hive-a")->reason, HV_REASON_WAITING_DEPENDENCY);
        assert_string_equal(bed_unit(&s, "hive-a")->message, "waits for WireGuard interface hive0");
        assert_false(s.synced);
        SEEN(.state = HV_TUNNEL_ABSENT, .reason = HV_REASON_WIREGUARD_FAILED,
             .message = "there is no /dev/net/tun");
        assert_string_equal(bed_log(b), "");
        s = bed_status(b);
        assert_string_equal(bed_unit(&s, "hive-a")->message,
                            "waits for WireGuard interface hive0: there is no /dev/net/tun");
        assert_true(was_told(b, "there is no /dev/net/tun"));
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t0"); /* as it was before it was declared otherwise */
        assert_string_equal(bed_log(b), "");
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1");
        assert_string_equal(bed_log(b), "start hive-a");
        assert_true(bed_status(b).synced);
}

static void one_that_runs_goes_on_when_the_interface_goes(void **state) {
        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1", .depends = true, .binds = true }));
        bed_run(b);
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1");
        assert_string_equal(bed_log(b), "create hive-a; start hive-a");
        SEEN(.state = HV_TUNNEL_ABSENT);
        assert_string_equal(bed_log(b), "");
        assert_false(bed_status(b).synced);
        assert_int_equal(tunnel(b)->reason, HV_REASON_PENDING);
        assert_false(tunnel(b)->exists);
}

static void healthy_is_more_than_started(void **state) {
        BED;

        bed_desire(b,
                   with("r1", (struct gate){ "hive0", "t1", .depends = true, .condition = HV_WANT_HEALTHY }));
        bed_run(b);
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1", .reason = HV_REASON_WIREGUARD_STALE,
             .message = "no handshake with hub");
        assert_string_equal(bed_log(b), "create hive-a");
        assert_true(tunnel(b)->in_sync);
        assert_int_equal(tunnel(b)->reason, HV_REASON_WIREGUARD_STALE);
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1", .healthy = true);
        assert_string_equal(bed_log(b), "start hive-a");
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1", .reason = HV_REASON_WIREGUARD_STALE,
             .message = "hub is silent");
        assert_true(was_told(b, "hub is silent"));
        assert_true(bed_status(b).synced); /* it is as it is wanted; nothing that this node can do is left */
}

static void a_port_waits_for_the_interface_that_has_its_address(void **state) {
        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1", .binds = true }));
        bed_run(b);
        assert_string_equal(bed_log(b), "");
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1");
        assert_string_equal(bed_log(b), "create hive-a; start hive-a");
}

static void a_strangers_interface_is_told_of_and_nobody_starts(void **state) {
        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1", .depends = true }));
        bed_run(b);
        SEEN(.state = HV_TUNNEL_FOREIGN, .reason = HV_REASON_NAME_CONFLICT,
             .message = "hive0 is not hivelet's");
        assert_string_equal(bed_log(b), "create hive-a");
        assert_true(tunnel(b)->foreign);
        assert_true(was_told(b, "hive0 is not hivelet's"));
}

static void one_that_is_not_wanted_any_more_is_out_of_sync_until_it_is_gone(void **state) {
        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1" }));
        bed_run(b);
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1");
        assert_true(bed_status(b).synced);
        bed_desire(b, with("r2", (struct gate){}));
        bed_run(b);
        assert_false(bed_status(b).synced);
        assert_int_equal(tunnel(b)->reason, HV_REASON_NOT_WANTED);
        SEEN(.state = HV_TUNNEL_ABSENT);
        assert_null(tunnel(b));
        assert_true(was_told(b, "interface hive0 was removed"));
        assert_true(bed_status(b).synced);
}

static void a_typo_that_removes_all_interfaces_is_parked_without_an_engine_too(void **state) {
        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1", .other = "hive1", .no_engine = true }));
        bed_run(b);
        SEEN(.state = HV_TUNNEL_OURS, .digest = "t1");
        seen(b, &(struct hv_seen_tunnel){ .name = "hive1", .state = HV_TUNNEL_OURS, .digest = "" });
        bed_desire(b, with("r2", (struct gate){ .no_engine = true }));
        bed_run(b);
        assert_string_equal(bed_status(b).parked_revision, "r2");
        assert_int_equal(bed_status(b).n_parked_removals, 2);
        assert_string_equal(bed_status(b).active_revision, "r1");
}

static enum hv_outcome engine_is_away(struct bed *b, const struct hv_action *a) {
        (void) b;
        return a->type == HV_ACTION_CONNECT ? HV_OUTCOME_UNREACHABLE : HV_OUTCOME_OK;
}

/* What a VPN service gave changes the content of the revision that is in force, and the way to the engine may be this very tunnel. */
static void what_was_joined_waits_for_no_engine(void **state) {
        const struct hv_input lost = { .type = HV_INPUT_ENGINE_LOST, .message = "cut" };

        BED;

        bed_desire(b, with("r1", (struct gate){ "hive0", "t1" }));
        bed_run(b);
        b->mood = engine_is_away;
        assert_int_equal(hv_core_input(b->core, b->now_us, &lost, NULL), 0);
        bed_desire(b, with("r1", (struct gate){ "hive0", "t2" }));
        bed_run(b);
        assert_string_equal(hv_core_active(b->core)->tunnels[0].digest, "t2");
        bed_desire(b, with("r2", (struct gate){ "hive0", "t3" }));
        bed_run(b);
        assert_string_equal(bed_status(b).active_revision, "r1"); /* another one does */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_was_joined_waits_for_no_engine, setup, teardown),
                cmocka_unit_test_setup_teardown(a_service_waits_until_the_interface_is_there, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(one_that_runs_goes_on_when_the_interface_goes, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(healthy_is_more_than_started, setup, teardown),
                cmocka_unit_test_setup_teardown(a_port_waits_for_the_interface_that_has_its_address, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_strangers_interface_is_told_of_and_nobody_starts, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(
                        one_that_is_not_wanted_any_more_is_out_of_sync_until_it_is_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_typo_that_removes_all_interfaces_is_parked_without_an_engine_too, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The plan: tables of single changes, and any two interfaces of a small world. */
#include "testing.h"

#include "base/buf.h"
#include "made.h"
#include "wireguard/effect.h"

#define BASE "up mtu=1420 key=k alias=x "

static char *plan_text(const struct hv_wg_plan *plan) {
        struct hv_buf b = {};
        char line[300];

        for (size_t i = 0; i < plan->steps.n; i++) {
                hv_wg_step_describe(&plan->steps.v[i], line, sizeof line);
                hv_buf_printf(&b, "%s%s", i ? "; " : "", line);
        }
        return hv_buf_steal(&b);
}

static void single_changes(void **state) {
        static const struct {
                const char *what, *want, *seen, *plan;
        } rows[] = {
                { "in sync", BASE "10.0.0.1/24 a:10.1.0.0/16", BASE "10.0.0.1/24 a:10.1.0.0/16", "" },
                { "from nothing", BASE "port=5 10.0.0.1/24 a:10.1.0.0/16 a@192.0.2.1:5 >10.1.0.0/16", "none",
                  "make the interface; mark the interface as ours; MTU 1420; device: private key listen port; "
                  "peer YWFhYWFh... new endpoint +10.1.0.0/16; add address 10.0.0.1/24; bring the interface up; "
                  "add route 10.1.0.0/16" },
                { "to nothing", "none", BASE "10.0.0.1/24", "remove the interface" },
                { "nothing to nothing", "none", "none", "" },
                { "taken down", BASE, "mtu=1420 key=k alias=x", "bring the interface up" },
                { "another key", BASE, "up mtu=1420 key=z alias=x", "device: private key" },
                { "any port is fine", BASE, BASE "port=40001", "" },
                { "a firewall mark that nobody asked for", BASE, BASE "mark=7", "device: firewall mark" },
                { "any MTU is fine", "up key=k alias=x", BASE, "" },
                { "a peer comes, one goes", BASE "b:10.2.0.0/16", BASE "a:10.1.0.0/16",
                  "peer YmJiYmJi... new +10.2.0.0/16; remove peer YWFhYWFh..." },
                { "a network moves between peers that stay", BASE "a: b:10.1.0.0/16,10.2.0.0/16",
                  BASE "a:10.1.0.0/16 b:10.2.0.0/16", "peer YmJiYmJi... +10.1.0.0/16" },
                { "a network moves off a peer that goes", BASE "b:10.1.0.0/16", BASE "a:10.1.0.0/16",
                  "peer YmJiYmJi... new +10.1.0.0/16; remove peer YWFhYWFh..." },
                { "a network that nobody wants", BASE "a:10.1.0.0/16", BASE "a:10.1.0.0/16,10.2.0.0/16",
                  "networks -10.2.0.0/16" },
                { "a peer roams", BASE "a@192.0.2.1:5", BASE "a@198.51.100.7:999", "" },
                { "a peer does not roam", BASE "a@192.0.2.1:5 a!", BASE "a@198.51.100.7:999",
                  "peer YWFhYWFh... endpoint" },
                { "an endpoint for a peer without", BASE "a@192.0.2.1:5",
                  BASE "a:", "peer YWFhYWFh... endpoint" },
                { "a preshared key comes", BASE "a*p", BASE "a:", "peer YWFhYWFh... preshared key" },
                { "a preshared key goes", BASE "a:", BASE "a*p", "peer YWFhYWFh... preshared key" },
                { "keepalive", BASE "a+25", BASE "a:", "peer YWFhYWFh... keepalive" },
                { "another network: first come, then go", BASE "10.0.1.1/24", BASE "10.0.0.1/24",
                  "add address 10.0.1.1/24; remove address 10.0.0.1/24" },
                { "the same network: first go, then come", BASE "10.0.0.2/24", BASE "10.0.0.1/24",
                  "remove address 10.0.0.1/24; add address 10.0.0.2/24" },
                { "the primary address goes, the secondary is made again", BASE "10.0.0.2/24",
                  BASE "10.0.0.1/24 ^10.0.0.2/24", "remove address 10.0.0.1/24; add address 10.0.0.2/24" },
                { "the secondary address goes", BASE "10.0.0.1/24", BASE "10.0.0.1/24 ^10.0.0.2/24",
                  "remove address 10.0.0.2/24" },
                { "a route that goes with the last address", BASE ">10.1.0.0/16 10.0.0.2/24",
                  BASE ">10.1.0.0/16 10.0.0.1/24",
                  "remove address 10.0.0.1/24; add address 10.0.0.2/24; add route 10.1.0.0/16" },
                { "IPv6 takes no route along", BASE ">fd05::/64 fd01::2/64", BASE ">fd05::/64 fd01::1/64",
                  "remove address fd01::1/64; add address fd01::2/64" },
                { "foreign address and route stay", BASE, BASE "~10.0.7.1/24 ~>10.8.0.0/16", "" },
                { "what went with the primary one is not removed twice", BASE "10.0.1.1/24",
                  BASE "10.0.0.1/24 ^10.0.0.2/24 10.0.1.1/24", "remove address 10.0.0.1/24" },
                { "a foreign secondary address is made again", BASE "10.0.1.1/24",
                  BASE "10.0.0.1/24 ~^10.0.0.2/24 10.0.1.1/24",
                  "remove address 10.0.0.1/24; add address 10.0.0.2/24" },
                { "a foreign route is as good as ours", BASE ">10.8.0.0/16", BASE "~>10.8.0.0/16", "" },
                { "another route: first come, then go", BASE ">10.1.0.0/16", BASE ">10.1.2.0/24",
                  "add route 10.1.0.0/16; remove route 10.1.2.0/24" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_interface want, seen;
                _hv_cleanup_free_ char *text = NULL;
                struct hv_wg_plan plan;

                made(rows[i].want, &want);
                made(rows[i].seen, &seen);
                hv_wg_diff(&want, &seen, &plan);
                text = plan_text(&plan);
                if (strcmp(text, rows[i].plan) != 0)
                        fail_msg("%s:\n is %s\nnot %s", rows[i].what, text, rows[i].plan);
                hv_wg_plan_done(&plan);
                hv_wg_interface_done(&want);
                hv_wg_interface_done(&seen);
        }
}

/* --- any two --- */

static bool holds(const struct hv_wg_peer *p, const struct hv_cidr *network) {
        for (size_t i = 0; i < p->networks.n; i++)
                if (hv_wg_cidr_compare(&p->networks.v[i], network) == 0)
                        return true;
        return false;
}

/* What is wanted of a peer, and it has now, it has through every step. */
static void check_nothing_is_lost(const struct hv_wg_interface *want, const struct hv_wg_interface *seen,
                                  const struct hv_wg_interface *now) {
        for (size_t i = 0; i < want->peers.n; i++) {
                const struct hv_wg_peer *w = &want->peers.v[i], *s = hv_wg_peer_find(seen, &w->public_key),
                                        *n = hv_wg_peer_find(now, &w->public_key);

                assert_true(!s || n);
                for (size_t k = 0; s && k < w->networks.n; k++)
                        assert_true(!holds(s, &w->networks.v[k]) || holds(n, &w->networks.v[k]));
        }
}

/* A network that had an owner and is to have one has one. */
static void check_no_gap(const struct hv_wg_interface *want, const struct hv_wg_interface *seen,
                         const struct hv_wg_interface *now) {
        for (size_t i = 0; i < want->peers.n; i++)
                for (size_t k = 0; k < want->peers.v[i].networks.n; k++) {
                        const struct hv_cidr *network = &want->peers.v[i].networks.v[k];
                        bool had = false, has = false;

                        for (size_t m = 0; m < seen->peers.n; m++)
                                had |= holds(&seen->peers.v[m], network);
                        for (size_t m = 0; m < now->peers.n; m++)
                                has |= holds(&now->peers.v[m], network);
                        assert_true(!had || has);
                }
}

static void check_foreign_stays(const struct hv_wg_interface *seen, const struct hv_wg_interface *now) {
        for (size_t i = 0; i < seen->addresses.n; i++)
                assert_true(seen->addresses.v[i].is_ours ||
                            hv_wg_address_find(now, &seen->addresses.v[i].cidr));
}

static void chance(void **state) {
        const char *given = getenv("HV_SEED");
        struct hv_rng rng = { given ? strtoull(given, NULL, 0) : 20260501 };

        (void) state;
        for (unsigned round = 0; round < 4000; round++) {
                struct hv_wg_interface want, seen, now;
                struct hv_wg_plan plan, again;
                _hv_cleanup_free_ char *left = NULL;

                made_by_chance(&rng, true, &want);
                made_by_chance(&rng, false, &seen);
                made_copy(&seen, &now);
                hv_wg_diff(&want, &seen, &plan);
                for (size_t i = 0; i < plan.steps.n; i++) {
                        hv_wg_effect(&now, &plan.steps.v[i]);
                        check_nothing_is_lost(&want, &seen, &now);
                        check_no_gap(&want, &seen, &now);
                }
                check_foreign_stays(&seen, &now);
                hv_wg_diff(&want, &now, &again);
                left = plan_text(&again);
                if (again.steps.n)
                        fail_msg("round %u: left to do: %s", round, left);
                for (size_t i = 0; i < now.peers.n; i++)
                        assert_non_null(hv_wg_peer_find(&want, &now.peers.v[i].public_key));
                assert_int_equal(now.peers.n, want.peers.n);
                hv_wg_plan_done(&plan);
                hv_wg_plan_done(&again);
                hv_wg_interface_done(&want);
                hv_wg_interface_done(&seen);
                hv_wg_interface_done(&now);
        }
}

static void owners(void **state) {
        static const struct {
                const char *what, *seen;
                enum hv_wg_link_kind kind;
                enum hv_wg_owner owner;
        } rows[] = {
                { "nothing", "", HV_WG_LINK_NONE, HV_WG_ABSENT },
                { "our mark", "up alias=ours", HV_WG_LINK_KERNEL, HV_WG_OURS },
                { "our mark on a bridge", "up alias=ours", HV_WG_LINK_OTHER, HV_WG_FOREIGN },
                { "another mark", "alias=theirs", HV_WG_LINK_KERNEL, HV_WG_FOREIGN },
                { "made and not marked", "", HV_WG_LINK_KERNEL, HV_WG_BLANK },
                { "somebody's", "key=k", HV_WG_LINK_KERNEL, HV_WG_FOREIGN },
                { "somebody's peer", "a:", HV_WG_LINK_TUN, HV_WG_FOREIGN },
                { "somebody's address", "10.0.0.1/24", HV_WG_LINK_TUN, HV_WG_FOREIGN },
                { "somebody's, in use", "up", HV_WG_LINK_TUN, HV_WG_FOREIGN },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_interface seen;

                made(rows[i].seen, &seen);
                seen.kind = rows[i].kind;
                if (hv_wg_owner(&seen, "ours") != rows[i].owner)
                        fail_msg("%s: is %d", rows[i].what, hv_wg_owner(&seen, "ours"));
                hv_wg_interface_done(&seen);
        }
}

static void endpoints(void **state) {
        static const char *const good[] = { "192.0.2.1:51820", "[2001:db8::1]:1", "[fe80::1%3]:65535" };
        static const char *const bad[] = { "",
                                           "192.0.2.1",
                                           "192.0.2.1:0",
                                           "192.0.2.1:65536",
                                           "2001:db8::1:5",
                                           "[192.0.2.1]:5",
                                           "[2001:db8::1:5",
                                           "host:5",
                                           "192.0.2.1%3:5",
                                           "[fe80::1%]:5",
                                           "[]:5",
                                           ":5",
                                           "]:5",
                                           "[:5" };
        struct hv_wg_endpoint e = {};
        char text[HV_WG_ENDPOINT_SIZE];

        (void) state;
        assert_string_equal(hv_wg_endpoint_format(&e, text), "(none)");
        for (size_t i = 0; i < HV_ARRAY_SIZE(good); i++) {
                assert_true(hv_wg_endpoint_parse(good[i], &e));
                assert_string_equal(hv_wg_endpoint_format(&e, text), good[i]);
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++)
                if (hv_wg_endpoint_parse(bad[i], &e))
                        fail_msg("\"%s\" was taken", bad[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(single_changes),
                cmocka_unit_test(chance),
                cmocka_unit_test(owners),
                cmocka_unit_test(endpoints),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Does a tunnel lead to an address, and through which peer? */
#include "base/arena.h"
#include "spec/types.h"
#include "testing.h"
#include "wireguard/want.h"

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define KEY_B "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="

static void where_a_tunnel_leads(void **state) {
        static const char *const addresses[] = { "10.0.0.17/24" };
        static const char *const hub[] = { "10.0.0.0/24", "10.7.0.0/16", "0.0.0.0/0" }, *const near[] = {
                "10.0.0.9/32"
        };
        static const char *const none[] = { "none" }, *const listed[] = { "10.7.3.0/24" };
        static const struct {
                const char *what, *address;
                const char *const *routes;
                int bits;
                const char *peer;
        } rows[] = {
                { "its own network", "10.0.0.1", NULL, 24, "hub" },
                { "one peer is closer", "10.0.0.9", NULL, 24, "near" },
                { "a route of its own making", "10.7.1.1", NULL, 16, "hub" },
                { "everything is not routed", "192.0.2.1", NULL, -1, "hub" },
                { "no routes", "10.7.1.1", none, -1, "hub" },
                { "no routes, its own network", "10.0.0.1", none, 24, "hub" },
                { "a route that is listed", "10.7.3.9", listed, 24, "hub" },
                { "beside what is listed", "10.7.1.1", listed, -1, "hub" },
                { "the other family", "fd00::1", NULL, -1, NULL },
        };
        const struct hv_spec_peer peers[] = {
                { .name = "hub", .public_key = KEY_A, .allowed_ips = { hub, 3 } },
                { .name = "near", .public_key = KEY_B, .allowed_ips = { near, 1 } }
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_spec_wireguard spec = { .addresses = { addresses, 1 },
                                                        .routes = { rows[i].routes, rows[i].routes ? 1 : 0 },
                                                        .peers = { peers, HV_ARRAY_SIZE(peers) } };
                const struct hv_spec_peer *peer = &peers[0];
                struct hv_address a;
                int bits;

                assert_true(hv_address_parse(rows[i].address, &a));
                bits = hv_wg_leads_to(&spec, &a, &peer);
                if (bits != rows[i].bits || !hv_streq(peer ? peer->name : NULL, rows[i].peer))
                        fail_msg("%s: %d bits, peer %s", rows[i].what, bits, peer ? peer->name : "none");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(where_a_tunnel_leads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* spec: an interface that a VPN service gave, filled in, checked and waited for as a declared one; and what it cannot change. */
#include "testing.h"

#include <errno.h>

#include "base/arena.h"
#include "set.h"

#define KEY "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw="
#define OTHER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define URL "join: {url: \"https://pool.example.org/api/vpn/join\"}"
#define TEXTS(...)                                                                 \
        {                                                                          \
                .v = (const char *const[]){ __VA_ARGS__ },                         \
                .n = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) \
        }

static const struct hv_spec_peer hub = { .name = "peer-1",
                                         .public_key = KEY,
                                         .endpoint = "vpn.example.org:51820",
                                         .allowed_ips = TEXTS("10.0.0.0/24"),
                                         .persistent_keepalive_us = 25 * HV_USEC_PER_SEC };
static const struct hv_spec_wireguard plain = { .addresses = TEXTS("10.0.0.17/24"),
                                                .mtu = 1380,
                                                .peers = { &hub, 1 } };

static const struct hv_spec_wireguard *give(void *userdata, const struct hv_spec_wireguard *declared) {
        return hv_streq(declared->o.name, "hive0") ? userdata : NULL;
}

static void load(struct set *s, const char *below, const struct hv_spec_wireguard *given) {
        _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, below);

        s->given = given ? give : NULL;
        s->given_userdata = (void *) (uintptr_t) given;
        if (set_load_text(s, text) < 0)
                fail_msg("%s", s->said.data);
}

static const struct hv_spec_wireguard *hive0(const struct set *s) {
        return hv_desired_tunnel(s->desired, "hive0")->spec;
}

static void is_as_declared(void **state) {
        static const char below[] =
                "  wireguard:\n    - name: hive0\n      " URL "\n      listenPort: 51820\n";
        const struct hv_spec_wireguard *w;
        struct set s = {}, before = {};

        (void) state;
        load(&before, below, NULL);
        load(&s, below, &plain);
        w = hive0(&s);
        assert_true(w->is_joined);
        assert_string_equal(w->addresses.v[0], "10.0.0.17/24");
        assert_int_equal(w->mtu, 1380);
        assert_int_equal(w->listen_port, 51820);
        assert_int_equal(w->peers.n, 1);
        assert_string_equal(w->peers.v[0].endpoint, "vpn.example.org:51820");
        assert_int_equal(w->peers.v[0].persistent_keepalive_us, 25 * HV_USEC_PER_SEC);
        assert_false(hive0(&before)->is_joined);
        assert_string_equal(s.desired->revision, before.desired->revision); /* what was written is the same */
        assert_string_not_equal(hv_desired_tunnel(s.desired, "hive0")->digest,
                                hv_desired_tunnel(before.desired, "hive0")->digest);
        set_done(&before);
        set_done(&s);
}

static void the_document_has_the_last_word(void **state) {
        struct set s = {};

        (void) state;
        load(&s, "  wireguard: [{name: hive0, " URL ", mtu: 1300}]\n", &plain);
        assert_int_equal(hive0(&s)->mtu, 1300);
        set_done(&s);
        load(&s, "  wireguard: [{name: hive0, privateKey: {file: /k}, addresses: [10.9.0.1/24]}]\n", &plain);
        assert_false(hive0(&s)->is_joined);
        assert_string_equal(hive0(&s)->addresses.v[0], "10.9.0.1/24");
        set_done(&s);
}

static void networks_are_cut(void **state) {
        const struct {
                const char *what, *routes;
                struct hv_strv allowed;
                const char *kept;
        } rows[] = {
                { "its own", "auto", TEXTS("10.0.0.0/24"), "10.0.0.0/24" },
                { "a part of it", "auto", TEXTS("10.0.0.1/32", "10.0.0.64/26"), "10.0.0.1/32 10.0.0.64/26" },
                { "everything", "auto", TEXTS("0.0.0.0/0"), "10.0.0.0/24" },
                { "everything, in halves", "auto", TEXTS("0.0.0.0/1", "128.0.0.0/1"), "10.0.0.0/24" },
                { "everything of IPv6", "auto", TEXTS("::/0"), "" },
                { "somebody else's", "auto", TEXTS("10.0.0.0/24", "192.168.1.0/24", "8.8.8.8/32"),
                  "10.0.0.0/24" },
                { "what the document lists", "[10.7.0.0/16]",
                  TEXTS("10.0.0.0/24", "10.7.3.0/24", "10.8.0.0/16"), "10.0.0.0/24 10.7.3.0/24" },
                { "everything, where the document lists some", "[10.7.0.0/16]", TEXTS("0.0.0.0/0"),
                  "10.0.0.0/24 10.7.0.0/16" },
                { "no routes", "none", TEXTS("0.0.0.0/0"), "10.0.0.0/24" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *below =
                        hv_asprintf("  wireguard: [{name: hive0, " URL ", routes: %s}]\n", rows[i].routes);
                struct hv_spec_peer peer = hub;
                const struct hv_spec_wireguard given = { .addresses = plain.addresses,
                                                         .peers = { &peer, 1 } };
                _hv_cleanup_(hv_buf_done) struct hv_buf kept = {};
                const struct hv_strv *ips;
                struct set s = {};

                peer.allowed_ips = rows[i].allowed;
                load(&s, below, &given);
                ips = &hive0(&s)->peers.v[0].allowed_ips;
                for (size_t k = 0; k < ips->n; k++)
                        hv_buf_printf(&kept, "%s%s", k ? " " : "", ips->v[k]);
                if (!hv_streq(hv_buf_str(&kept), rows[i].kept))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].what, rows[i].kept,
                                 hv_buf_str(&kept));
                set_done(&s);
        }
}

#define WEB "  services: [{name: web, image: x, ports: [{container: 80, host: \"8080\", bind: wireguard}]}]\n"
#define PUBLISH "  node: {policy: {publish: [loopback, wireguard]}}\n"

static const struct hv_port *port_of(const struct set *s) {
        return &hv_desired_unit(s->desired, "service/web/1")->ports[0];
}

static void a_port_waits_for_its_address(void **state) {
        struct set s = {};

        (void) state;
        load(&s,
             PUBLISH "  wireguard:\n    - {name: hive0, " URL
                     "}\n    - {name: hive1, privateKey: {file: /k}, addresses: [10.9.0.1/24]}\n" WEB,
             NULL);
        assert_null(port_of(&s)->address); /* and is nobody else's meanwhile */
        set_done(&s);
        load(&s,
             PUBLISH "  wireguard:\n    - {name: hive0, " URL
                     "}\n    - {name: hive1, privateKey: {file: /k}, addresses: [10.9.0.1/24]}\n" WEB,
             &plain);
        assert_string_equal(port_of(&s)->address, "10.0.0.17");
        assert_string_equal(port_of(&s)->tunnel, "hive0");
        set_done(&s);
}

static void what_does_not_fit_is_found_before(void **state) {
        const struct hv_spec_peer twice[] = {
                { .name = "peer-1", .public_key = KEY, .allowed_ips = TEXTS("10.0.0.0/24") },
                { .name = "peer-2", .public_key = OTHER, .allowed_ips = TEXTS("0.0.0.0/0") },
        };
        const struct hv_spec_peer nothing = { .name = "peer-1",
                                              .public_key = KEY,
                                              .allowed_ips = TEXTS("10.77.0.0/16") };
        const struct {
                const char *what, *more;
                struct hv_spec_wireguard given;
                const char *says; /* NULL: it fits */
        } rows[] = {
                { "it fits", "", { .addresses = TEXTS("10.0.0.17/24"), .peers = { &hub, 1 } }, NULL },
                { "a network of the desired state",
                  "  networks: [{name: back, subnet: 10.0.0.0/25}]\n",
                  { .addresses = TEXTS("10.0.0.17/24"), .peers = { &hub, 1 } },
                  "f:5:35: spec.networks[0].subnet: 10.0.0.0/25 overlaps WireGuard hive0 10.0.0.0/24" },
                { "another interface of it",
                  "    - {name: hive1, privateKey: {file: /k}, addresses: [10.0.0.1/16]}\n",
                  { .addresses = TEXTS("10.0.0.17/24"), .peers = { &hub, 1 } },
                  "overlaps WireGuard hive0 10.0.0.0/24" },
                { "a network of two peers, one of them everything",
                  "",
                  { .addresses = TEXTS("10.0.0.17/24"), .peers = { twice, 2 } },
                  "10.0.0.0/24 is already routed to peer \"peer-1\"" },
                { "nothing to reach",
                  "",
                  { .addresses = TEXTS("10.0.0.17/24"), .peers = { &nothing, 1 } },
                  "none of the networks" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *below =
                        hv_asprintf("  wireguard:\n%s    - {name: hive0, " URL "}\n",
                                    hv_has_prefix(rows[i].more, "   ") ? rows[i].more : "");
                _hv_cleanup_free_ char *all =
                        hv_asprintf("%s%s", hv_has_prefix(rows[i].more, "  n") ? rows[i].more : "", below);
                struct hv_err err = {};
                struct set s = {};
                int r;

                load(&s, all, NULL);
                r = hv_spec_join_check(s.desired->tree, "hive0", &rows[i].given, &err);
                if (!rows[i].says != (r == 0) || (rows[i].says && !strstr(err.msg, rows[i].says)))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].what,
                                 rows[i].says ? rows[i].says : "", err.msg);
                assert_false(hive0(&s)->is_joined); /* only a trial */
                assert_int_equal(hv_spec_join_check(s.desired->tree, "hive9", &rows[i].given, &err), -EINVAL);
                set_done(&s);
        }
}

/* Before it is joined nobody knows its peers; afterwards a name that is none of them is a mistake. */
static void names_of_peers_are_judged_when_they_are_known(void **state) {
        static const char below[] = "  wireguard: [{name: hive0, " URL ", healthy: {peers: [hub]}}]\n";
        _hv_cleanup_free_ char *text = hv_asprintf("%s%s", SET_HEAD, below);
        struct set s = {};

        (void) state;
        load(&s, below, NULL);
        set_done(&s);
        s.given = give;
        s.given_userdata = (void *) (uintptr_t) &plain;
        assert_int_equal(set_load_text(&s, text), -EINVAL);
        assert_true(set_says(&s, "f:5:101: error[E0361]"));
        set_done(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_as_declared),
                cmocka_unit_test(the_document_has_the_last_word),
                cmocka_unit_test(networks_are_cut),
                cmocka_unit_test(a_port_waits_for_its_address),
                cmocka_unit_test(what_does_not_fit_is_found_before),
                cmocka_unit_test(names_of_peers_are_judged_when_they_are_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

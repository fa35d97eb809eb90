/* A tunnel that is kept as it is wanted, between two nodes, with the real programs: wireguard-go below it, ip(8), wg(8) and ping(8) to
 * look at it and to spoil it. With HV_TEST_BACKEND=kernel (test/vm) the kernel's WireGuard is below it. */
#include <errno.h>
#include <unistd.h>

#include "base/base64.h"
#include "lib/loop.h"
#include "wireguard/effect.h"
#include "wireguard/kernel.h"
#include "wireguard/names.h"
#include "wireguard/program.h"
#include "wireguard/tunnel.h"
#include "wireguard/uapi.h"
#include "world.h"

#define ALIAS "hivelet:node-a"
#define SOCKET HV_WG_UAPI_DIRECTORY "/wga.sock"

struct node {
        sd_event *event;
        struct hv_wg_links *links;
        struct hv_wg_kernel *kernel;
        struct hv_wg_program *program;
        struct hv_wg_tunnel *tunnel;
        struct hv_wg_names *names; /* NULL: endpoints are addresses */
        const struct hv_wg_backend *backends[2];

        unsigned n_looks;
        size_t n_changes; /* of all looks */
        enum hv_wg_state state;
        char error[512], backend[32];
};

static struct {
        unsigned char key[HV_WG_KEY_SIZE]; /* of a, private */
        struct hv_wg_key peer;             /* of b, public */
        bool by_kernel;                    /* HV_TEST_BACKEND=kernel: both ends are the kernel's */
        bool has_kernel;
} world;

/* --- node a --- */

static void looked(void *userdata, const struct hv_wg_status *status) {
        struct node *n = userdata;

        n->n_looks++;
        n->n_changes += status->n_changes;
        n->state = status->state;
        (void) snprintf(n->backend, sizeof n->backend, "%s", status->backend ? status->backend : "");
        if (n->names)
                hv_wg_names_looked(n->names, status->seen);
        (void) snprintf(n->error, sizeof n->error, "%s", status->error ? status->error->msg : "");
}

static void notice(void *userdata, int index, const char *name) {
        struct node *n = userdata;

        if (n->tunnel)
                hv_wg_tunnel_notice(n->tunnel, index, name);
}

/* Where the kernel has no WireGuard it is asked all the same, as the agent does: the program comes behind it. */
static size_t choose_backends(struct node *n) {
        size_t count = 0;

        if (world.by_kernel || !world.has_kernel)
                n->backends[count++] = hv_wg_kernel_backend(n->kernel);
        if (!world.by_kernel)
                n->backends[count++] = hv_wg_program_backend(n->program);
        return count;
}

static void node_start(struct node *n) {
        struct hv_wg_program_setup program = { .way = HV_WG_LAUNCH_DETACHED };
        struct hv_wg_tunnel_setup setup = { .backends = n->backends, .looked = looked };
        struct hv_err err = {};

        *n = (struct node){};
        assert_true(sd_event_new(&n->event) >= 0);
        if (hv_wg_links_new(n->event, notice, n, &n->links, &err) < 0)
                fail_msg("%s", err.msg);
        program.event = setup.event = n->event;
        n->kernel = hv_wg_kernel_new(n->links);
        n->program = hv_wg_program_new(&program);
        setup.n_backends = choose_backends(n);
        setup.links = n->links;
        setup.userdata = n;
        assert_int_equal(hv_wg_tunnel_new(&setup, "wga", &n->tunnel, &err), 0);
}

static void node_stop(struct node *n) {
        n->tunnel = hv_wg_tunnel_free(n->tunnel);
        n->kernel = hv_wg_kernel_free(n->kernel);
        n->links = hv_wg_links_free(n->links);
        n->program = hv_wg_program_free(n->program);
        n->event = sd_event_unref(n->event);
}

static void add_address(struct hv_wg_interface *i, const char *text) {
        struct hv_wg_address *a = hv_vec_add(&i->addresses);

        assert_int_equal(hv_value_address_cidr(text, &a->cidr, NULL), 0);
        a->is_ours = true;
}

static void add_route(struct hv_wg_interface *i, const char *text) {
        struct hv_wg_route *route = hv_vec_add(&i->routes);

        assert_int_equal(hv_value_cidr(text, &route->network, NULL), 0);
        route->is_ours = true;
}

static void add_network(struct hv_wg_peer *p, const char *text) {
        assert_int_equal(hv_value_cidr(text, hv_vec_add(&p->networks), NULL), 0);
}

/* The tunnel to b, as every test begins with it. */
static void want_base(struct hv_wg_interface *want) {
        struct hv_wg_peer *p;

        *want = (struct hv_wg_interface){
                .name = "wga", .kind = HV_WG_LINK_TUN, .alias = ALIAS, .mtu = 1400, .listen_port = 51820
        };
        want->private_key = hv_secret_new(world.key, sizeof world.key);
        want->private_seal = hv_wg_seal(world.key);
        add_address(want, "10.98.0.1/24");
        add_address(want, "fd98::1/64");
        add_route(want, "10.97.0.0/16");
        p = hv_vec_add(&want->peers);
        p->public_key = world.peer;
        p->keepalive_s = 25;
        assert_true(hv_wg_endpoint_parse("10.99.0.2:51821", &p->endpoint));
        add_network(p, "10.98.0.2/32");
        add_network(p, "10.97.0.0/16");
}

/* Looks, and again as long as notices of that come, until a look finds nothing to do. */
static void settle(struct node *n) {
        for (;;) {
                unsigned before = n->n_looks;
                size_t changes = n->n_changes;

                hv_wg_tunnel_look(n->tunnel);
                hv_test_run_until(n->event, n->n_looks > before);
                if (n->state != HV_WG_STATE_IN_SYNC)
                        fail_msg("not in sync: %s", n->error);
                if (n->n_changes == changes)
                        return;
        }
}

static void want(struct node *n, struct hv_wg_interface *interface) {
        hv_wg_tunnel_want(n->tunnel, interface);
        settle(n);
}

static void node_start_base(struct node *n) {
        struct hv_wg_interface base;

        node_start(n);
        want_base(&base);
        want(n, &base);
}

static bool ping(const char *address) {
        return sh_ok("ping -n -q -c 1 -W 30 %s >/dev/null 2>&1", address);
}

static bool reaches(const char *address) {
        for (unsigned tries = 0; tries < 5; tries++)
                if (ping(address))
                        return true;
        return false;
}

/* --- the tests --- */

static void from_nothing(void **state) {
        _hv_cleanup_free_ char *route = NULL, *alias = NULL;
        struct node n;

        (void) state;
        node_start_base(&n);
        assert_true(n.n_changes >= 8);
        assert_string_equal(n.backend, world.by_kernel ? "kernel" : "wireguard-go");
        assert_true(reaches("10.98.0.2"));
        assert_true(reaches("10.97.0.2"));
        assert_true(sh_ok("ip link show wga | grep -q 'mtu 1400 '"));
        route = sh_output("ip route show 10.97.0.0/16 proto %d", HV_WG_PROTOCOL);
        assert_string_equal(route, "10.97.0.0/16 dev wga scope link ");
        alias = sh_output("ip link show wga | sed -n 's/.*alias //p'");
        assert_string_equal(alias, ALIAS);
        node_stop(&n);
}

static void found_again(void **state) {
        _hv_cleanup_free_ char *before = sh_output("wg show wga latest-handshakes"), *after = NULL;
        struct node n;

        (void) state;
        node_start_base(&n);
        assert_int_equal(n.n_changes, 0); /* not one step: all is found as the agent before left it */
        after = sh_output("wg show wga latest-handshakes");
        assert_string_equal(before, after);
        assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 1);
        assert_true(hv_wg_tunnel_seen(n.tunnel)->peers.v[0].handshake_us > 0);
        assert_true(hv_wg_tunnel_seen(n.tunnel)->peers.v[0].rx_bytes > 0);
        node_stop(&n);
}

static void drift_that_the_kernel_tells(void **state) {
        static const struct {
                const char *what, *command;
        } rows[] = {
                { "an address", "ip addr del 10.98.0.1/24 dev wga" },
                { "an IPv6 address", "ip addr del fd98::1/64 dev wga" },
                { "a route", "ip route del 10.97.0.0/16" },
                { "down", "ip link set wga down" },
                { "MTU", "ip link set wga mtu 1300" },
                { "the interface, and with it the program", "ip link del wga" },
        };
        struct node n;

        (void) state;
        node_start_base(&n);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                size_t changes = n.n_changes;

                sh("%s", rows[i].command);
                hv_test_run_until(n.event, n.n_changes > changes && n.state == HV_WG_STATE_IN_SYNC);
                settle(&n);
                if (!reaches("10.98.0.2") || !reaches("10.97.0.2"))
                        fail_msg("%s: not mended", rows[i].what);
        }
        node_stop(&n);
}

static void drift_that_nobody_tells(void **state) {
        static const struct {
                const char *what, *command, *check;
        } rows[] = {
                { "a peer that nobody wants",
                  "wg set wga peer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE= allowed-ips 10.55.0.0/16",
                  "test $(wg show wga peers | wc -l) = 1" },
                { "a network that nobody wants",
                  "wg set wga peer $(wg show wga peers) allowed-ips 10.98.0.2/32,10.97.0.0/16,10.56.0.0/16",
                  "test \"$(wg show wga allowed-ips | cut -f2 | tr ' ' '\\n' | sort | tr '\\n' ' ')\" = "
                  "'10.97.0.0/16 10.98.0.2/32 '" },
                { "the port", "wg set wga listen-port 40000", "test $(wg show wga listen-port) = 51820" },
                { "the mark", "wg set wga fwmark 5", "test $(wg show wga fwmark) = off" },
                { "keepalive", "wg set wga peer $(wg show wga peers) persistent-keepalive 0",
                  "test $(wg show wga persistent-keepalive | cut -f2) = 25" },
                { "a preshared key",
                  "wg genpsk >/run/psk; wg set wga peer $(wg show wga peers) preshared-key /run/psk",
                  "test $(wg show wga preshared-keys | cut -f2) = '(none)'" },
                { "the peer", "wg set wga peer $(wg show wga peers) remove",
                  "test $(wg show wga peers | wc -l) = 1" },
                { "the private key", "wg genkey >/run/other; wg set wga private-key /run/other", "true" },
        };
        struct node n;

        (void) state;
        node_start_base(&n);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                size_t changes = n.n_changes;

                sh("%s", rows[i].command);
                settle(&n);
                if (n.n_changes == changes || !sh_ok("%s", rows[i].check) || !reaches("10.98.0.2"))
                        fail_msg("%s: not mended", rows[i].what);
        }
        node_stop(&n);
}

/* What others did on the interface stays; what is no longer wanted of ours goes. */
static void foreign_things_stay(void **state) {
        struct hv_wg_interface w;
        struct node n;

        (void) state;
        node_start_base(&n);
        sh("ip addr add 10.60.0.1/24 dev wga && ip route add 10.61.0.0/16 dev wga && "
           "ip addr add 10.98.0.77/24 dev wga && ip route add 10.62.0.0/16 dev wga proto 99");
        want_base(&w);
        w.addresses.n = w.routes.n = 0;
        add_address(&w, "10.98.3.1/24");
        want(&n, &w);
        assert_true(sh_ok("ip -4 addr show dev wga | grep -q 10.60.0.1/24"));
        assert_true(
                sh_ok("ip -4 addr show dev wga | grep -q 10.98.0.77/24")); /* was secondary to one of ours */
        assert_true(sh_ok("ip route show dev wga | grep -q ^10.61.0.0/16"));
        assert_true(sh_ok("ip route show dev wga | grep -q ^10.62.0.0/16"));
        assert_false(sh_ok("ip addr show dev wga | grep -q 10.98.0.1/24"));
        assert_false(sh_ok("ip addr show dev wga | grep -q fd98::1"));
        assert_false(sh_ok("ip route show dev wga | grep -q ^10.97.0.0/16"));
        sh("ip addr del 10.60.0.1/24 dev wga; ip route del 10.61.0.0/16; ip addr del 10.98.0.77/24 dev wga; "
           "ip route del 10.62.0.0/16");
        want_base(&w);
        want(&n, &w);
        assert_true(reaches("10.97.0.2"));
        node_stop(&n);
}

static void foreign_route_in_the_way(void **state) {
        struct hv_wg_interface w;
        struct node n;

        (void) state;
        node_start_base(&n);
        sh("ip route add 10.63.0.0/16 dev cable");
        want_base(&w);
        add_route(&w, "10.63.0.0/16");
        add_route(&w, "10.64.0.0/16");
        n.n_looks = 0;
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_test_run_until(n.event, n.n_looks > 0);
        assert_int_equal(n.state, HV_WG_STATE_FAILED);
        assert_non_null(
                strstr(n.error, "add route 10.63.0.0/16: there is a route to this network that is not ours"));
        assert_true(sh_ok("ip route show 10.63.0.0/16 | grep -q 'dev cable'"));
        assert_true(sh_ok("ip route show 10.64.0.0/16 | grep -q 'dev wga'")); /* the rest is done */
        sh("ip route del 10.63.0.0/16 dev cable");
        settle(&n);
        assert_true(sh_ok("ip route show 10.63.0.0/16 | grep -q 'dev wga'"));
        want_base(&w);
        want(&n, &w);
        node_stop(&n);
}

/* --- edits under traffic --- */

static void other_peer(struct hv_wg_interface *w, unsigned n, unsigned generation) {
        struct hv_wg_peer *p = hv_vec_add(&w->peers);
        unsigned char psk[HV_WG_KEY_SIZE] = { 1, (unsigned char) generation };
        char network[32];

        memset(p->public_key.bytes, 7, sizeof p->public_key.bytes);
        p->public_key.bytes[3] = (unsigned char) n;
        p->public_key.bytes[4] = (unsigned char) (n >> 8);
        if (n % 2) /* every second one is another peer with the network of the one before it */
                p->public_key.bytes[5] = (unsigned char) generation;
        p->preshared_key = hv_secret_new(psk, sizeof psk);
        p->preshared_seal = hv_wg_seal(psk);
        (void) snprintf(network, sizeof network, "10.%u.%u.0/24", 70 + n / 256, n % 256);
        add_network(p, network);
}

#define STREAM_PACKETS "1000" /* 100 a second */

/* Two hundred peers come, get other preshared and other public keys, lose and change networks with the peer that is talked to, and go:
 * for as long as the stream of pings lasts, and all of it at least once. */
static void edits_lose_no_packet(void **state) {
        static const char *const lists[][4] = { { "10.98.0.2/32", "10.97.0.0/16" },
                                                { "10.98.0.2/32", "10.97.0.0/16", "10.71.0.0/16" },
                                                { "10.98.0.2/32", "10.72.0.0/16" },
                                                { "10.98.0.2/32" } };
        _hv_cleanup_free_ char *out = NULL;
        struct child *stream;
        struct node n;
        int status;

        (void) state;
        node_start_base(&n);
        assert_true(reaches("10.98.0.2"));
        stream = child_start("ping -n -q -c " STREAM_PACKETS
                             " -i 0.01 -W 20 10.98.0.2 2>&1 & echo $! >/run/ping.pid; wait $!");
        for (unsigned round = 0; round < 8 || sh_ok("kill -0 $(cat /run/ping.pid) 2>/dev/null"); round++) {
                struct hv_wg_interface w;

                want_base(&w);
                w.peers.v[0].networks.n = 0;
                for (size_t i = 0; i < 4 && lists[round % 4][i]; i++)
                        add_network(&w.peers.v[0], lists[round % 4][i]);
                for (unsigned k = 0; k < (round % 3) * 100; k++)
                        other_peer(&w, k, round);
                w.addresses.n = 1;
                if (round % 2)
                        add_address(&w, "10.98.7.1/24");
                want(&n, &w);
                assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 1 + (round % 3) * 100);
                assert_null(hv_wg_peer_find(hv_wg_tunnel_seen(n.tunnel), &hv_wg_drop_key));
        }
        out = child_end(stream, n.event, &status);
        if (!strstr(out, " " STREAM_PACKETS " received, 0% packet loss"))
                fail_msg("packets were lost:\n%s", out);
        node_stop(&n);
}

/* A list that no message of netlink holds, on the way there and back; one network after the other is dropped again. */
static void a_long_list(void **state) {
        struct hv_wg_interface w;
        struct node n;

        (void) state;
        node_start_base(&n);
        want_base(&w);
        other_peer(&w, 1, 1);
        for (unsigned i = 0; i < 2000; i++) {
                char network[32];

                (void) snprintf(network, sizeof network, "10.%u.%u.0/24", 80 + i / 250, i % 250);
                add_network(&w.peers.v[1], network);
        }
        want(&n, &w);
        assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 2);
        assert_true(sh_ok("test $(wg show wga allowed-ips | tr ' ' '\\n' | grep -c '^10.8.*/24') -ge 2000"));
        want_base(&w);
        other_peer(&w, 1, 1);
        want(&n, &w);
        assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 2);
        assert_true(reaches("10.98.0.2"));
        want_base(&w);
        want(&n, &w);
        node_stop(&n);
}

/* As many as a hub has. Looked at again they cost questions only: not one step, so not one message that sets. */
static void a_thousand_peers(void **state) {
        struct hv_wg_interface w;
        struct node n;

        (void) state;
        node_start_base(&n);
        for (unsigned again = 0; again < 2; again++) {
                n.n_changes = 0;
                want_base(&w);
                for (unsigned k = 0; k < 1000; k++)
                        other_peer(&w, k, 1);
                want(&n, &w);
                assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 1001);
                assert_int_equal(n.n_changes, again ? 0 : 1000);
        }
        assert_true(reaches("10.98.0.2"));
        want_base(&w);
        want(&n, &w);
        assert_int_equal(hv_wg_tunnel_seen(n.tunnel)->peers.n, 1);
        node_stop(&n);
}

/* --- where the peer is --- */

static bool seen_at(struct node *n, const char *endpoint) {
        char text[HV_WG_ENDPOINT_SIZE];
        const struct hv_wg_peer *p = hv_wg_peer_find(hv_wg_tunnel_seen(n->tunnel), &world.peer);

        return p && hv_streq(hv_wg_endpoint_format(&p->endpoint, text), endpoint);
}

static void a_peer_roams(void **state) {
        struct hv_wg_endpoint e;
        struct node n;

        (void) state;
        node_start_base(&n);
        assert_true(reaches("10.98.0.2"));
        sh("ip netns exec b wg set wgb listen-port 51999");
        assert_true(sh_ok("ip netns exec b ping -n -q -c 1 -W 30 10.98.0.1"));
        settle(&n);
        assert_true(seen_at(&n, "10.99.0.2:51999")); /* the want says :51821; nobody writes it back */
        assert_true(reaches("10.98.0.2"));
        sh("ip netns exec b wg set wgb listen-port 51821"); /* silently: a still sends to 51999 */
        assert_true(hv_wg_endpoint_parse("10.99.0.2:51821", &e));
        hv_wg_tunnel_endpoint(n.tunnel, &world.peer, &e, true);
        settle(&n);
        assert_true(seen_at(&n, "10.99.0.2:51821"));
        assert_true(reaches("10.98.0.2"));
        node_stop(&n);
}

/* b goes to another address and its name with it: nothing tells a but the name and the silence. */
static void a_name_leads_elsewhere(void **state) {
        char key[HV_WG_KEY_TEXT_SIZE];
        const struct hv_spec_peer peer = { .public_key = hv_wg_key_text(&world.peer, key),
                                           .endpoint = "b.example.test:51821",
                                           .resolve = { .interval_us = HV_USEC_PER_SEC,
                                                        .on_stale_handshake_us = 150 * HV_USEC_PER_SEC } };
        const struct hv_spec_wireguard spec = { .peers = { &peer, 1 } };
        _hv_cleanup_(hv_wg_resolver_freep) struct hv_wg_resolver *resolver = NULL;
        struct hv_wg_interface w;
        struct hv_err err = {};
        struct node n;

        (void) state;
        sh("ip link del wga; echo '10.99.0.2 b.example.test' >/run/hosts && mount --bind /run/hosts /etc/hosts");
        node_start(&n);
        assert_int_equal(hv_wg_resolver_new(n.event, &resolver, &err), 0);
        assert_int_equal(hv_wg_names_new(n.event, resolver, n.tunnel, &n.names, &err), 0);
        want_base(&w);
        w.peers.v[0].endpoint = (struct hv_wg_endpoint){};
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_wg_names_want(n.names, &spec);
        hv_test_run_until(n.event, seen_at(&n, "10.99.0.2:51821"));
        assert_true(reaches("10.98.0.2"));
        sh("ip -n b addr del 10.99.0.2/24 dev cable && ip -n b addr add 10.99.0.3/24 dev cable");
        sh("echo '10.99.0.3 b.example.test' >/run/hosts");
        hv_test_run_until(n.event, seen_at(&n, "10.99.0.3:51821"));
        assert_true(reaches("10.98.0.2"));
        /* The same document again, and a peer that stays where it is: nothing is written. */
        settle(&n);
        n.n_changes = 0;
        want_base(&w);
        w.peers.v[0].endpoint = (struct hv_wg_endpoint){};
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_wg_names_want(n.names, &spec);
        settle(&n);
        assert_int_equal(n.n_changes, 0);
        sh(": >/run/hosts"); /* a name that leads nowhere changes nothing */
        settle(&n);
        assert_true(seen_at(&n, "10.99.0.3:51821"));
        assert_null(hv_wg_names_fault(n.names, &world.peer));
        n.names = hv_wg_names_free(n.names);
        sh("umount /etc/hosts; ip -n b addr del 10.99.0.3/24 dev cable && ip -n b addr add 10.99.0.2/24 dev cable");
        node_stop(&n);
        node_start_base(&n);
        node_stop(&n);
}

/* --- the end --- */

static void a_name_of_somebody_else(void **state) {
        struct hv_wg_interface w;
        struct node n;

        (void) state;
        sh("ip link set wga alias theirs");
        node_start(&n);
        want_base(&w);
        hv_wg_peer_done(&w.peers.v[--w.peers.n]);
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_test_run_until(n.event, n.n_looks > 0);
        assert_int_equal(n.state, HV_WG_STATE_FOREIGN);
        assert_int_equal(n.n_changes, 0);
        w = (struct hv_wg_interface){ .alias = ALIAS };
        n.n_looks = 0;
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_test_run_until(n.event, n.n_looks > 0);
        assert_true(sh_ok("test $(wg show wga peers | wc -l) = 1"));
        sh("ip link set wga alias " ALIAS);
        node_stop(&n);
}

static void no_longer_wanted(void **state) {
        struct hv_wg_interface w = { .alias = ALIAS };
        struct node n;

        (void) state;
        node_start(&n);
        hv_wg_tunnel_want(n.tunnel, &w);
        hv_test_run_until(n.event, n.n_looks > 0 && n.state == HV_WG_STATE_IN_SYNC);
        assert_false(sh_ok("ip link show wga 2>/dev/null"));
        hv_test_run_until(n.event,
                          hv_wg_uapi_probe(SOCKET) != HV_WG_SOCKET_LIVE); /* the program ends with it */
        assert_false(sh_ok("ip route | grep -q wga"));
        node_stop(&n);
}

/* Killed, a program takes its interface along and leaves its socket behind. */
static void a_program_that_was_killed(void **state) {
        struct node n;
        size_t changes;

        (void) state;
        if (world.by_kernel)
                return; /* there is none */
        node_start_base(&n);
        changes = n.n_changes;
        sh("for p in $(pidof wireguard-go); do "
           "tr '\\0' ' ' </proc/$p/cmdline | grep -q ' wga $' && kill -KILL $p; done; true");
        hv_test_run_until(n.event, n.n_changes > changes && n.state == HV_WG_STATE_IN_SYNC);
        settle(&n);
        assert_true(reaches("10.98.0.2"));
        assert_int_equal(hv_wg_uapi_probe(SOCKET), HV_WG_SOCKET_LIVE);
        node_stop(&n);
}

static int make_world(void **state) {
        _hv_cleanup_free_ char *key = NULL, *public = NULL, *peer = NULL;
        size_t len;

        (void) state;
        sh("umask 077; wg genkey >/run/a.key");
        key = sh_output("cat /run/a.key");
        public = sh_output("wg pubkey </run/a.key");
        assert_true(hv_base64_decode(key, strlen(key), world.key, &len));
        world.has_kernel = sh_ok("ip link add probe type wireguard 2>/dev/null && ip link del probe");
        world.by_kernel = hv_streq(getenv("HV_TEST_BACKEND"), "kernel");
        if (world.by_kernel && !world.has_kernel)
                fail_msg("HV_TEST_BACKEND=kernel, and the kernel has no WireGuard");
        world_make(public, world.by_kernel, &peer);
        assert_true(hv_base64_decode(peer, strlen(peer), world.peer.bytes, &len));
        return 0;
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(from_nothing),
                cmocka_unit_test(found_again),
                cmocka_unit_test(drift_that_the_kernel_tells),
                cmocka_unit_test(drift_that_nobody_tells),
                cmocka_unit_test(foreign_things_stay),
                cmocka_unit_test(foreign_route_in_the_way),
                cmocka_unit_test(edits_lose_no_packet),
                cmocka_unit_test(a_long_list),
                cmocka_unit_test(a_thousand_peers),
                cmocka_unit_test(a_peer_roams),
                cmocka_unit_test(a_name_leads_elsewhere),
                cmocka_unit_test(a_program_that_was_killed),
                cmocka_unit_test(a_name_of_somebody_else),
                cmocka_unit_test(no_longer_wanted),
        };

        (void) argc;
        world_enter(argv);
        return cmocka_run_group_tests(tests, make_world, NULL);
}

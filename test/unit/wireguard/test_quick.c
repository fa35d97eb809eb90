/* wg-quick's files: what is taken, what is refused and where, and that no key shows. What a document says, as an interface. */
#include "testing.h"

#include <errno.h>

#include "base/buf.h"
#include "wireguard/effect.h"
#include "wireguard/quick.h"
#include "wireguard/want.h"

#define PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUBLIC "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define OTHER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define PRESHARED "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="

/* As HiveMind's VPN service writes it. */
#define JOINED                                                                                         \
        "[Interface]\nPrivateKey = " PRIVATE                                                           \
        "\nAddress = 10.0.0.17/24\nDNS = 8.8.8.8, 1.1.1.1\nMTU = 1420\n\n"                             \
        "[Peer]\nPublicKey = " PUBLIC "\nEndpoint = vpn.example.org:51820\nAllowedIPs = 10.0.0.0/24\n" \
        "PersistentKeepalive = 25\n"

static void put_list(struct hv_buf *b, const char *name, const struct hv_strv *list) {
        hv_buf_printf(b, " %s=", name);
        for (size_t i = 0; i < list->n; i++)
                hv_buf_printf(b, "%s%s", i ? "," : "", list->v[i]);
        assert_null(list->v[list->n]);
}

/* All of it in one line, keys left out. */
static char *shown(const struct hv_wg_quick *q) {
        struct hv_buf b = {};

        hv_buf_printf(&b, "%s port=%lld mtu=%lld mark=%u", q->spec.o.name, (long long) q->spec.listen_port,
                      (long long) q->spec.mtu, (unsigned) q->spec.firewall_mark);
        put_list(&b, "addresses", &q->spec.addresses);
        put_list(&b, "routes", &q->spec.routes);
        for (size_t i = 0; i < q->spec.peers.n; i++) {
                const struct hv_spec_peer *p = &q->spec.peers.v[i];

                hv_buf_printf(&b, " %s{%.4s endpoint=%s keepalive=%llu%s", p->name, p->public_key,
                              p->endpoint ? p->endpoint : "-",
                              (unsigned long long) (p->persistent_keepalive_us / HV_USEC_PER_SEC),
                              q->preshared.v[i] ? " preshared" : "");
                put_list(&b, "networks", &p->allowed_ips);
                hv_buf_puts(&b, "}");
        }
        for (size_t i = 0; i < q->notes.n; i++)
                hv_buf_printf(&b, " %u:%.5s", q->notes.v[i].line, q->notes.v[i].text);
        return hv_buf_steal(&b);
}

static void taken(void **state) {
        static const struct {
                const char *what, *text, *shown;
        } rows[] = {
                { "what the VPN service sends", JOINED,
                  "wg0 port=0 mtu=1420 mark=0 addresses=10.0.0.17/24 routes=auto peer-1{xTIB "
                  "endpoint=vpn.example.org:51820 keepalive=25 networks=10.0.0.0/24} 4:DNS i" },
                { "no peer", "[Interface]\nPrivateKey=" PRIVATE,
                  "wg0 port=0 mtu=0 mark=0 addresses= routes=auto" },
                { "carriage returns, blanks, comments, any case",
                  "# made by hand\r\n  [interface]  # ours\r\nPRIVATEKEY=" PRIVATE
                  " # secret\r\n\tlistenport = 5\r\n\r\n",
                  "wg0 port=5 mtu=0 mark=0 addresses= routes=auto" },
                { "lists over lines, single hosts, host bits",
                  "[Interface]\nPrivateKey=" PRIVATE
                  "\nAddress=10.0.0.1, fd00::1/64\nAddress=10.0.1.1/24\n[Peer]\nPublicKey=" PUBLIC
                  "\nAllowedIPs = 10.1.2.3/16,10.9.9.9\nAllowedIPs=::/0, fd05::5\nAllowedIPs =\n",
                  "wg0 port=0 mtu=0 mark=0 addresses=10.0.0.1/32,fd00::1/64,10.0.1.1/24 routes=auto peer-1{xTIB "
                  "endpoint=- keepalive=0 networks=10.1.0.0/16,10.9.9.9/32,::/0,fd05::5/128}" },
                { "two peers, one with a preshared key",
                  "[Interface]\nPrivateKey=" PRIVATE "\n[Peer]\nPublicKey=" PUBLIC
                  "\nPersistentKeepalive=off\n[Peer]\nPublicKey=" OTHER "\nPresharedKey=" PRESHARED
                  "\nEndpoint=[2001:db8::1]:51820\n",
                  "wg0 port=0 mtu=0 mark=0 addresses= routes=auto peer-1{xTIB endpoint=- keepalive=0 networks=} "
                  "peer-2{TrMv endpoint=[2001:db8::1]:51820 keepalive=0 preshared networks=}" },
                { "no routes, a mark", "[Interface]\nPrivateKey=" PRIVATE "\nTable=off\nFwMark=0xca6c\n",
                  "wg0 port=0 mtu=0 mark=51820 addresses= routes=none" },
                { "a mark that is off", "[Interface]\nPrivateKey=" PRIVATE "\nFwMark=off\n",
                  "wg0 port=0 mtu=0 mark=0 addresses= routes=auto" },
                { "commands are named and not run",
                  "[Interface]\nPrivateKey=" PRIVATE
                  "\nPostUp=iptables -A FORWARD -i %i -j ACCEPT\nPreDown=x=y\nSaveConfig=true\n"
                  "Table=77\n",
                  "wg0 port=0 mtu=0 mark=0 addresses= routes=auto 3:PostU 4:PreDo 5:SaveC 6:Table" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = NULL;
                struct hv_wg_quick q;
                struct hv_err err = {};

                if (hv_wg_quick_read(rows[i].text, strlen(rows[i].text), "wg0", &q, &err) < 0)
                        fail_msg("%s: %s", rows[i].what, err.msg);
                text = shown(&q);
                if (strcmp(text, rows[i].shown) != 0)
                        fail_msg("%s:\n is %s\nnot %s", rows[i].what, text, rows[i].shown);
                assert_memory_equal(hv_secret_bytes(q.private_key), PRIVATE, sizeof PRIVATE - 1);
                hv_wg_quick_done(&q);
        }
}

static void refused(void **state) {
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "", "there is no [Interface]: not a file of wg-quick" },
                { "apiVersion: hivelet/v1\n", "line 1: expected a section or \"Name = value\"" },
                { "PrivateKey=" PRIVATE "\n", "line 1: stands before [Interface]" },
                { "[Interface]\n", "line 1: [Interface] has no PrivateKey" },
                { "[Interface]\nPrivateKey=" PRIVATE "\n[Interface]\n",
                  "line 3: second [Interface]; the first is in line 1" },
                { "[Server]\n", "line 1: unknown section \"[Server]\", expected [Interface] or [Peer]" },
                { "[Interface]\nPrivateKey=yAnz5TF\n",
                  "line 2: PrivateKey is not a key: 7 characters, expected 44" },
                { "[Interface]\nPrivateKey=" PRIVATE "\nPrivateKey=" PRIVATE "\n",
                  "line 3: PrivateKey stands twice" },
                { "[Interface]\nPublicKey=" PUBLIC "\n",
                  "line 2: unknown setting \"PublicKey\" in [Interface]" },
                { "[Interface]\n" PRIVATE "\n", "line 2: unknown setting of 43 characters" },
                { "[Interface]\nyAnz5TF+lXXJte14tji3zlMNq\n",
                  "line 2: expected a section or \"Name = value\"" },
                { "[Interface]\nListenPort=65536\n",
                  "line 2: ListenPort is \"65536\", expected a number from 0 to 65535" },
                { "[Interface]\nListenPort=\n", "line 2: ListenPort is \"\"" },
                { "[Interface]\nMTU=1420x\n", "line 2: MTU is \"1420x\"" },
                { "[Interface]\nFwMark=0xzz\n", "line 2: FwMark is \"0xzz\"" },
                { "[Interface]\nAddress=10.0.0.256/24\n", "line 2: Address has \"10.0.0.256/24\"" },
                { "[Interface]\nAddress=10.0.0.1/24,,10.0.0.2/24\n", "line 2: Address has an empty entry" },
                { "[Interface]\nAddress=10.0.0.1/24,\n", "line 2: Address has an empty entry" },
                { "[Interface]\nPrivateKey=" PRIVATE "\n[Peer]\nAllowedIPs=10.0.0.0/24\n",
                  "line 3: [Peer] has no PublicKey" },
                { "[Peer]\nPublicKey=" PUBLIC "\nPublicKey=" OTHER "\n",
                  "line 3: PublicKey stands twice in this section" },
                { "[Peer]\nPublicKey=abc\n", "line 2: PublicKey has 3 characters" },
                { "[Peer]\nEndpoint=vpn.example.org\n", "line 2: Endpoint: " },
                { "[Peer]\nAllowedIPs=10.0.0.0/33\n", "line 2: AllowedIPs has \"10.0.0.0/33\"" },
                { "[Peer]\nPersistentKeepalive=65536\n", "line 2: PersistentKeepalive" },
                { "[Interface]\nPrivateKey=" PRIVATE "\n[Peer]\nPublicKey=" PUBLIC
                  "\n[Peer]\nPublicKey=" PUBLIC "\n",
                  "line 5: same PublicKey as the [Peer] in line 3" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_quick q;
                struct hv_err err = {};

                assert_int_equal(hv_wg_quick_read(rows[i].text, strlen(rows[i].text), "wg0", &q, &err),
                                 -EINVAL);
                if (!hv_has_prefix(err.msg, rows[i].says))
                        fail_msg("%s\n says %s", rows[i].text, err.msg);
                assert_null(strstr(err.msg, "yAnz5TF"));
        }
}

static void a_nul_byte(void **state) {
        static const char text[] = "[Interface]\nPrivateKey=\0x\n";
        struct hv_wg_quick q;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_wg_quick_read(text, sizeof text - 1, "wg0", &q, &err), -EINVAL);
        assert_string_equal(err.msg, "line 2: a NUL byte; expected text");
}

/* --- as an interface --- */

static char *routes_of(const struct hv_wg_interface *i) {
        struct hv_buf b = {};
        char text[HV_ADDRESS_SIZE];

        for (size_t k = 0; k < i->routes.n; k++)
                hv_buf_printf(&b, "%s%s", k ? " " : "", hv_cidr_format(&i->routes.v[k].network, text));
        return hv_buf_steal(&b);
}

static void want(const char *text, const struct hv_strv *routes, struct hv_wg_interface *ret) {
        struct hv_wg_keys keys = { .preshared_key = hv_wg_quick_preshared };
        char alias[HV_WG_ALIAS_SIZE];
        struct hv_wg_quick q;
        struct hv_err err = {};

        assert_int_equal(hv_wg_quick_read(text, strlen(text), "wg0", &q, &err), 0);
        keys.private_key = q.private_key;
        keys.userdata = &q;
        for (size_t i = 0; i < q.spec.peers.n; i++) /* as a document refers to it */
                if (q.preshared.v[i])
                        ((struct hv_spec_peer *) (uintptr_t) &q.spec.peers.v[i])->preshared_key.secret =
                                "psk";
        if (routes)
                q.spec.routes = *routes;
        hv_wg_alias("n", alias);
        if (hv_wg_want(&q.spec, &keys, alias, ret, &err) < 0)
                fail_msg("%s", err.msg);
        hv_wg_quick_done(&q);
}

static void wanted(void **state) {
        static const char text[] =
                "[Interface]\nPrivateKey=" PRIVATE "\nAddress=10.0.0.17/24\nListenPort=7\nMTU=1300\n"
                "[Peer]\nPublicKey=" PUBLIC "\nPresharedKey=" PRESHARED
                "\nAllowedIPs=10.0.0.0/24,10.0.0.9,10.1.0.0/16,0.0.0.0/0,::/0,fd05::/64\n"
                "Endpoint=192.0.2.1:5\nPersistentKeepalive=25\n"
                "[Peer]\nPublicKey=" OTHER "\nEndpoint=vpn.example.org:5\nAllowedIPs=10.2.0.0/16\n";
        static const char *const listed[] = { "0.0.0.0/0", "10.7.0.0/16", NULL }, *const none[] = { "none",
                                                                                                    NULL };
        struct hv_strv list = { listed, 2 }, nothing = { none, 1 };
        _hv_cleanup_free_ char *routes = NULL, *chosen = NULL;
        struct hv_wg_interface i;
        char endpoint[HV_WG_ENDPOINT_SIZE];

        (void) state;
        want(text, NULL, &i);
        assert_string_equal(i.alias, "hivelet:n");
        assert_int_equal(i.listen_port, 7);
        assert_int_equal(i.mtu, 1300);
        assert_true(hv_wg_seal_is_set(&i.private_seal) && i.private_key);
        assert_int_equal(hv_secret_len(i.private_key), HV_WG_KEY_SIZE);
        assert_int_equal(i.peers.n, 2);
        assert_int_equal(i.peers.v[0].keepalive_s, 25);
        assert_int_equal(i.peers.v[0].networks.n, 6);
        assert_true(hv_wg_seal_is_set(&i.peers.v[0].preshared_seal));
        assert_false(hv_wg_seal_is_set(&i.peers.v[1].preshared_seal));
        assert_string_equal(hv_wg_endpoint_format(&i.peers.v[0].endpoint, endpoint), "192.0.2.1:5");
        assert_int_equal(i.peers.v[1].endpoint.port, 0); /* a name */
        routes = routes_of(&i);
        assert_string_equal(routes, "10.1.0.0/16 fd05::/64 10.2.0.0/16");
        hv_wg_interface_done(&i);
        want(text, &list, &i);
        chosen = routes_of(&i);
        assert_string_equal(chosen, "0.0.0.0/0 10.7.0.0/16");
        hv_wg_interface_done(&i);
        want(text, &nothing, &i);
        assert_int_equal(i.routes.n, 0);
        hv_wg_interface_done(&i);
}

static void not_wanted(void **state) {
        struct hv_wg_keys keys = {};
        struct hv_wg_interface i;
        struct hv_wg_quick q;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_wg_quick_read(JOINED, strlen(JOINED), "wg0", &q, &err), 0);
        assert_int_equal(hv_wg_want(&q.spec, &keys, "x", &i, &err), -ENOKEY);
        assert_string_equal(err.msg, "WireGuard wg0: its private key cannot be had");
        keys.private_key = hv_secret_new("yAnz5TFnope\n", 12);
        assert_int_equal(hv_wg_want(&q.spec, &keys, "x", &i, &err), -EINVAL);
        assert_string_equal(
                err.msg,
                "WireGuard wg0: privateKey: not a WireGuard key: 11 characters, expected 44 of base64 that "
                "end in \"=\"");
        (void) hv_secret_free((struct hv_secret *) (uintptr_t) keys.private_key);
        keys.private_key = q.private_key;
        ((struct hv_spec_peer *) (uintptr_t) &q.spec.peers.v[0])->preshared_key.secret = "psk";
        assert_int_equal(hv_wg_want(&q.spec, &keys, "x", &i, &err), -ENOKEY);
        assert_string_equal(err.msg, "WireGuard wg0: peer peer-1: its preshared key cannot be had");
        hv_wg_quick_done(&q);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(taken),  cmocka_unit_test(refused),    cmocka_unit_test(a_nul_byte),
                cmocka_unit_test(wanted), cmocka_unit_test(not_wanted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

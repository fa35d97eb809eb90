/* Answers of a VPN service: what is taken, and what a service that is broken, strange or hostile achieves, which is nothing. */
#include "testing.h"

#include <errno.h>

#include "base/time.h"
#include "wireguard/join.h"

#define PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define OWN "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define PUBLIC "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define OTHER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define PRESHARED "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="

#define INTERFACE(more) "[Interface]\nPrivateKey = " PRIVATE "\n" more "\n"
#define PEER(more) "[Peer]\nPublicKey = " PUBLIC "\n" more "\n"
#define ADDRESS "Address = 10.0.0.17/24\n"
#define REST "Endpoint = vpn.example.org:51820\nAllowedIPs = 10.0.0.0/24\nPersistentKeepalive = 25\n"

static void taken(void **state) {
        static const struct {
                const char *what, *text;
        } rows[] = {
                { "as the service writes it",
                  INTERFACE(ADDRESS "DNS = 8.8.8.8, 1.1.1.1\nMTU = 1420") PEER(REST) },
                { "hooks, which are never run",
                  INTERFACE(ADDRESS "PostUp = rm -rf /\nPreDown = reboot\nSaveConfig = true") PEER(REST) },
                { "IPv6 beside IPv4", INTERFACE("Address = 10.0.0.17/24, fd00:5::17/64") PEER(REST) },
                { "each private range",
                  INTERFACE("Address = 172.31.0.2/16, 192.168.7.2/24, 100.64.0.2/10, fd12::2/48")
                          PEER(REST) },
                { "a second peer that only listens",
                  INTERFACE(ADDRESS) PEER(REST) "[Peer]\nPublicKey = " OTHER "\n" },
                { "everything as allowed: it is cut where it is put in",
                  INTERFACE(ADDRESS) PEER("Endpoint = 192.0.2.1:1\nAllowedIPs = 0.0.0.0/0, ::/0") },
                { "a preshared key", INTERFACE(ADDRESS) PEER(REST "PresharedKey = " PRESHARED) },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_quick q;
                struct hv_err err = {};

                if (hv_wg_join_config(rows[i].text, strlen(rows[i].text), "hive0", &q, &err) != 0)
                        fail_msg("%s: %s", rows[i].what, err.msg);
                assert_string_equal(q.spec.o.name, "hive0");
                hv_wg_quick_done(&q);
        }
}

/* Each of them would widen what the service may do, or could not work. */
static void refused(void **state) {
        static const struct {
                const char *what, *text, *says;
        } rows[] = {
                { "nothing", "", "there is no [Interface]" },
                { "something else", "hello\n", "expected a section" },
                { "no key", "[Interface]\n" ADDRESS PEER(REST), "has no PrivateKey" },
                { "a key that is none", "[Interface]\nPrivateKey = abc\n" ADDRESS PEER(REST),
                  "PrivateKey is not a key: 3 characters" },
                { "no address", INTERFACE("") PEER(REST), "0 addresses, expected 1 to 4" },
                { "five addresses",
                  INTERFACE("Address = 10.0.0.1/32, 10.0.0.2/32, 10.0.0.3/32, 10.0.0.4/32, 10.0.0.5/32")
                          PEER(REST),
                  "5 addresses, expected 1 to 4" },
                { "one address twice", INTERFACE("Address = 10.0.0.17/24, 10.0.0.17/32") PEER(REST),
                  "10.0.0.17/32 stands twice" },
                { "all of IPv4", INTERFACE("Address = 10.0.0.17/0") PEER(REST),
                  "10.0.0.17/0 is not in a private network" },
                { "half of IPv4", INTERFACE("Address = 10.0.0.17/1") PEER(REST), "not in a private network" },
                { "more than the private range", INTERFACE("Address = 172.16.0.2/11") PEER(REST),
                  "not in a private network" },
                { "somebody's network", INTERFACE("Address = 8.8.8.9/24") PEER(REST),
                  "8.8.8.9/24 is not in a private network" },
                { "somebody's IPv6 network", INTERFACE("Address = 2001:4860::9/64") PEER(REST),
                  "not in a private network" },
                { "the loopback", INTERFACE("Address = 127.0.0.2/8") PEER(REST), "not in a private network" },
                { "a link", INTERFACE("Address = 169.254.169.254/16") PEER(REST),
                  "not in a private network" },
                { "an IPv6 link", INTERFACE("Address = fe80::1/64") PEER(REST), "not in a private network" },
                { "all hosts", INTERFACE("Address = 224.0.0.1/4") PEER(REST), "not in a private network" },
                { "no network", INTERFACE("Address = 10.0.0.0/24") PEER(REST),
                  "10.0.0.0/24 is no address of a host" },
                { "no address at all", INTERFACE("Address = everywhere") PEER(REST),
                  "Address has \"everywhere\"" },
                { "a large packet", INTERFACE(ADDRESS "MTU = 70000") PEER(REST), "MTU is \"70000\"" },
                { "a small packet", INTERFACE(ADDRESS "MTU = 100") PEER(REST),
                  "MTU is 100, expected 576 to 65535" },
                { "no peer", INTERFACE(ADDRESS), "0 peers, expected 1 to 8" },
                { "a peer without a key", INTERFACE(ADDRESS) "[Peer]\n" REST, "has no PublicKey" },
                { "one peer twice", INTERFACE(ADDRESS) PEER(REST) PEER(REST), "same PublicKey" },
                { "this node as its own peer", INTERFACE(ADDRESS) "[Peer]\nPublicKey = " OWN "\n" REST,
                  "is this node's own" },
                { "nobody to speak to", INTERFACE(ADDRESS) PEER("AllowedIPs = 10.0.0.0/24"),
                  "none of its peers has an Endpoint" },
                { "an endpoint that is none", INTERFACE(ADDRESS) PEER("Endpoint = $(reboot):1"), "Endpoint" },
                { "an endpoint without a port", INTERFACE(ADDRESS) PEER("Endpoint = vpn.example.org"),
                  "has no port" },
                { "a network that is none", INTERFACE(ADDRESS) PEER("AllowedIPs = 10.0.0.0/99"),
                  "AllowedIPs has" },
                { "a setting that nobody knows", INTERFACE(ADDRESS "Execute = x") PEER(REST),
                  "unknown setting \"Execute\"" },
                { "a second interface", INTERFACE(ADDRESS) PEER(REST) "[Interface]\n", "second [Interface]" },
                { "a section that nobody knows", INTERFACE(ADDRESS) PEER(REST) "[Hooks]\n",
                  "unknown section" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_quick q = {};
                struct hv_err err = {};

                if (hv_wg_join_config(rows[i].text, strlen(rows[i].text), "hive0", &q, &err) == 0)
                        fail_msg("%s: taken", rows[i].what);
                if (!strstr(err.msg, rows[i].says))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].what, rows[i].says, err.msg);
                assert_null(strstr(err.msg, PRIVATE));
                assert_null(q.arena);
        }
}

static void is_measured(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf peers = {}, networks = {}, comment = {};
        const struct {
                const char *what;
                const struct hv_buf *text;
                const char *says;
        } rows[] = {
                { "nine peers", &peers, "9 peers, expected 1 to 8" },
                { "65 networks", &networks, "65 networks in AllowedIPs, expected at most 64" },
                { "more than 16 KiB", &comment, "expected at most 16384" },
        };

        (void) state;
        hv_buf_puts(&peers, INTERFACE(ADDRESS));
        for (unsigned i = 0; i < 9; i++)
                hv_buf_printf(
                        &peers,
                        "[Peer]\nPublicKey = %cTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nEndpoint = 192.0.2.1:1\n",
                        'a' + i);
        hv_buf_puts(&networks, INTERFACE(ADDRESS) PEER("Endpoint = 192.0.2.1:1"));
        for (unsigned i = 0; i < 65; i++)
                hv_buf_printf(&networks, "AllowedIPs = 10.%u.0.0/16\n", i);
        hv_buf_puts(&comment, INTERFACE(ADDRESS) PEER(REST));
        while (comment.len <= HV_WG_JOIN_CONFIG_BYTES)
                hv_buf_puts(&comment, "# and so on\n");
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_quick q;
                struct hv_err err = {};

                assert_int_equal(hv_wg_join_config(rows[i].text->data, rows[i].text->len, "hive0", &q, &err),
                                 -EINVAL);
                if (!strstr(err.msg, rows[i].says))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].what, rows[i].says, err.msg);
        }
}

#define CONFIG                                                     \
        "\"config\": \"[Interface]\\nPrivateKey = " PRIVATE        \
        "\\nAddress = 10.0.0.17/24\\n[Peer]\\nPublicKey = " PUBLIC \
        "\\nEndpoint = vpn.example.org:51820\\nAllowedIPs = 10.0.0.0/24\\n\""

static void answers(void **state) {
        static const struct {
                const char *what;
                unsigned status;
                const char *retry_after, *body;
                enum hv_wg_join_end end;
                uint64_t pause_s;
                const char *says;
        } rows[] = {
                { "given", 200, NULL,
                  "{\"success\": true, " CONFIG ", \"client_name\": \"berlin_1732300000\"}", HV_WG_JOIN_GIVEN,
                  0, "" },
                { "too often", 429, NULL,
                  "{\"error\": \"slow down\", \"rate_limit_seconds\": 5, \"client_ip\": \"192.0.2.7\"}",
                  HV_WG_JOIN_FAILED, 5, "(429): \"slow down\"" },
                { "too often, by the header", 429, "7", "{\"error\": \"slow down\"}", HV_WG_JOIN_FAILED, 7,
                  "(429)" },
                { "both: the longer one", 429, "7", "{\"rate_limit_seconds\": 9}", HV_WG_JOIN_FAILED, 9,
                  "(429)" },
                { "a pause for ever", 429, "999999999999", "", HV_WG_JOIN_FAILED, 3600, "(429)" },
                { "a pause below nothing", 429, "-1", "{\"rate_limit_seconds\": -5}", HV_WG_JOIN_FAILED, 0,
                  "(429)" },
                { "a date", 429, "Fri, 31 Dec 1999 23:59:59 GMT", "", HV_WG_JOIN_FAILED, 0, "(429)" },
                { "no", 403, NULL, "{\"error\": \"blocked\"}", HV_WG_JOIN_REFUSED, 0,
                  "does not let this node in (403): \"blocked\"; ask" },
                { "who", 401, NULL, "", HV_WG_JOIN_REFUSED, 0, "(401); ask" },
                { "failed", 500, NULL, "{\"success\": false, \"error\": \"no address left\"}",
                  HV_WG_JOIN_FAILED, 0, "failed (500): \"no address left\"" },
                { "a proxy's words", 502, NULL, "<html>", HV_WG_JOIN_FAILED, 0, "failed (502)" },
                { "elsewhere", 301, NULL, "", HV_WG_JOIN_REFUSED, 0,
                  "elsewhere (301), to \"https://evil.example.org/\", which is not followed" },
                { "wrong path", 404, NULL, "<html>", HV_WG_JOIN_REFUSED, 0,
                  "answers 404; join.url must be the whole address" },
                { "another good status", 204, NULL, "", HV_WG_JOIN_REFUSED, 0, "answers 204" },
                { "no JSON", 200, NULL, "PrivateKey = " PRIVATE, HV_WG_JOIN_REFUSED, 0, "no JSON" },
                { "JSON that goes on", 200, NULL, "{\"success\": true} x", HV_WG_JOIN_REFUSED, 0, "no JSON" },
                { "a key twice", 200, NULL, "{\"success\": false, \"success\": true, " CONFIG "}",
                  HV_WG_JOIN_REFUSED, 0, "no JSON" },
                { "a list", 200, NULL, "[1]", HV_WG_JOIN_REFUSED, 0, "without success: true" },
                { "not success", 200, NULL, "{\"success\": false, " CONFIG ", \"error\": \"full\"}",
                  HV_WG_JOIN_REFUSED, 0, "without success: true: \"full\"" },
                { "success as a word", 200, NULL, "{\"success\": \"true\", " CONFIG "}", HV_WG_JOIN_REFUSED,
                  0, "without success: true" },
                { "no config", 200, NULL, "{\"success\": true}", HV_WG_JOIN_REFUSED, 0, "without a config" },
                { "a config that is no text", 200, NULL, "{\"success\": true, \"config\": {\"a\": 1}}",
                  HV_WG_JOIN_REFUSED, 0, "without a config" },
                { "a config with a NUL", 200, NULL, "{\"success\": true, \"config\": \"[Interface]\\u0000\"}",
                  HV_WG_JOIN_REFUSED, 0, "no JSON" },
                { "a config that is none", 200, NULL, "{\"success\": true, \"config\": \"" PRIVATE "\"}",
                  HV_WG_JOIN_REFUSED, 0, "cannot be taken: line 1" },
                { "words for a terminal", 403, NULL, "{\"error\": \"\\u001b[2Jx\\n\\ny\"}",
                  HV_WG_JOIN_REFUSED, 0, "\\x1b[2Jx" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_wg_join_answer answer = { .status = rows[i].status,
                                                          .retry_after = rows[i].retry_after,
                                                          .location = "https://evil.example.org/",
                                                          .body = rows[i].body,
                                                          .body_len = strlen(rows[i].body) };
                struct hv_wg_join join;
                struct hv_err err = {};

                if (hv_wg_join_read(&answer, "hive0", &join, &err) != rows[i].end)
                        fail_msg("%s: another end: %s", rows[i].what, err.msg);
                if (!strstr(err.msg, rows[i].says) || strchr(err.msg, '\n'))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].what, rows[i].says, err.msg);
                if (join.pause_us != rows[i].pause_s * HV_USEC_PER_SEC)
                        fail_msg("%s: pause of %llu us", rows[i].what, (unsigned long long) join.pause_us);
                assert_null(strstr(err.msg, PRIVATE));
                assert_int_equal(join.config != NULL, rows[i].end == HV_WG_JOIN_GIVEN);
                if (join.config) {
                        assert_string_equal(join.client_name, "berlin_1732300000");
                        assert_int_equal(hv_secret_len(join.quick.private_key), strlen(PRIVATE));
                        assert_memory_equal(hv_secret_bytes(join.config), "[Interface]\n", 12);
                }
                hv_wg_join_done(&join);
        }
}

static void asks(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        (void) state;
        hv_wg_join_ask("a\"b", &b);
        assert_string_equal(hv_buf_str(&b), "{\"client_name\":\"a\\\"b\"}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(taken),   cmocka_unit_test(refused), cmocka_unit_test(is_measured),
                cmocka_unit_test(answers), cmocka_unit_test(asks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

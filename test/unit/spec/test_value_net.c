/* spec: addresses, networks, endpoints, ports, binds, URLs. */
#include "testing.h"

#include "fault.h"

#include "base/arena.h"
#include "spec/value_net.h"
#include "spec/value_url.h"

static void networks_have_no_host_bits(void **state) {
        static const struct {
                const char *text, *canonical, *says;
        } rows[] = {
                { "172.30.0.0/24", "172.30.0.0/24", NULL },
                { "0.0.0.0/0", "0.0.0.0/0", NULL },
                { "10.0.0.1/32", "10.0.0.1/32", NULL },
                { "10.128.0.0/9", "10.128.0.0/9", NULL },
                { "2001:DB8:0::/48", "2001:db8::/48", NULL },
                { "::/0", "::/0", NULL },
                { "172.30.0.5/24", NULL, "172.30.0.5/24 has host bits set; did you mean 172.30.0.0/24?" },
                { "10.129.0.0/9", NULL, "did you mean 10.128.0.0/9?" },
                { "2001:db8::1/64", NULL, "did you mean 2001:db8::/64?" },
                { "10.0.0.0", NULL, "has no prefix length, expected ADDRESS/BITS such as 10.0.0.0/24" },
                { "2001:db8::", NULL, "such as 2001:db8::/64" },
                { "10.0.0.0/33", NULL, "from 0 to 32" },
                { "::/129", NULL, "from 0 to 128" },
                { "10.0.0.0/", NULL, "from 0 to 32" },
                { "10.0.0.0/-1", NULL, "from 0 to 32" },
                { "10.0.0.0/255.255.255.0", NULL, "from 0 to 32" },
                { "10.0.0/24", NULL, "is not ADDRESS/BITS" },
                { "10.0.0.256/24", NULL, "is not ADDRESS/BITS" },
                { "010.0.0.0/24", NULL, "is not ADDRESS/BITS" },
                { "10.0.0.0 /24", NULL, "is not ADDRESS/BITS" },
                { "", NULL, "is not ADDRESS/BITS" },
                { "/24", NULL, "is not ADDRESS/BITS" },
                { "fe80::%eth0/64", NULL, "is not ADDRESS/BITS" },
                { "1111111111111111111111111111111111111111111111111111111111111111111/1", NULL,
                  "is not ADDRESS/BITS" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                char canonical[HV_ADDRESS_SIZE];
                struct hv_cidr c;
                int r = hv_value_cidr(rows[i].text, &c, &fault);

                if (!rows[i].canonical) {
                        assert_true(r < 0);
                        expect_fault(rows[i].text, &fault, "E0308", rows[i].says);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(hv_cidr_format(&c, canonical), rows[i].canonical);
        }
}

static void addresses_are_told_apart(void **state) {
        static const char *const bad[] = { "",    "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/24",
                                           "web", "::g",    "[::1]" };
        struct hv_address a, b;

        (void) state;
        assert_int_equal(hv_value_address("127.0.0.53", &a, NULL), 0);
        assert_true(hv_address_is_loopback(&a) && !hv_address_is_any(&a));
        assert_int_equal(hv_value_address("::1", &b, NULL), 0);
        assert_true(hv_address_is_loopback(&b) && !hv_address_is_any(&b) && !hv_address_equal(&a, &b));
        assert_int_equal(hv_value_address("0.0.0.0", &a, NULL), 0);
        assert_int_equal(hv_value_address("::", &b, NULL), 0);
        assert_true(hv_address_is_any(&a) && hv_address_is_any(&b) && !hv_address_equal(&a, &b));
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                struct hv_fault fault = {};

                assert_true(hv_value_address(bad[i], &a, &fault) < 0);
                expect_fault(bad[i], &fault, "E0308", "is not an IPv4 or IPv6 address");
        }
}

static void overlap_is_seen_both_ways(void **state) {
        static const struct {
                const char *a, *b;
                bool overlap;
        } rows[] = {
                { "10.0.0.0/16", "10.0.0.0/24", true },
                { "10.0.0.0/24", "10.0.1.0/24", false },
                { "0.0.0.0/0", "10.0.0.0/8", true },
                { "10.0.0.0/9", "10.128.0.0/9", false },
                { "10.0.0.0/31", "10.0.0.1/32", true },
                { "10.0.0.0/24", "::/0", false },
                { "2001:db8::/32", "2001:db8:1::/48", true },
                { "2001:db8::/33", "2001:db8:8000::/33", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_cidr a, b;

                assert_int_equal(hv_value_cidr(rows[i].a, &a, NULL), 0);
                assert_int_equal(hv_value_cidr(rows[i].b, &b, NULL), 0);
                assert_int_equal(hv_cidr_overlaps(&a, &b), rows[i].overlap);
                assert_int_equal(hv_cidr_overlaps(&b, &a), rows[i].overlap);
                assert_true(hv_cidr_equal(&a, &a));
                assert_false(hv_cidr_equal(&a, &b));
        }
}

static void endpoints_have_host_and_port(void **state) {
        static const struct {
                const char *text, *host;
                uint16_t port;
                bool is_address;
                const char *says;
        } rows[] = {
                { "vpn.example.org:51820", "vpn.example.org", 51820, false, NULL },
                { "10.0.0.1:50051", "10.0.0.1", 50051, true, NULL },
                { "[2001:db8::1]:1", "2001:db8::1", 1, true, NULL },
                { "localhost:65535", "localhost", 65535, false, NULL },
                { "vpn.example.org", NULL, 0, false, "\"vpn.example.org\" has no port" },
                { "10.0.0.1", NULL, 0, false, "\"10.0.0.1\" has no port" },
                { "2001:db8::1", NULL, 0, false, "goes in brackets: [2001:db8::1]:PORT" },
                { "2001:db8::1:51820", NULL, 0, false, "brackets" },
                { "a:b:51820", NULL, 0, false, "has more than one ':', expected HOST:PORT" },
                { "[2001:db8::1]", NULL, 0, false, "has no port" },
                { "2001:db8::1:http", NULL, 0, false, "goes in brackets: [2001:db8::1]:PORT" },
                { "\033[2J:x:1", NULL, 0, false, "\"\\x1b[2J:x:1\" has more than one" },
                { "[10.0.0.1]:1", NULL, 0, false, "without an IPv6 address" },
                { "[]:1", NULL, 0, false, "without an IPv6 address" },
                { "[::1:1", NULL, 0, false, "without an IPv6 address" },
                { "host:0", NULL, 0, false, "from 1 to 65535" },
                { "host:65536", NULL, 0, false, "from 1 to 65535" },
                { "host:", NULL, 0, false, "from 1 to 65535" },
                { "host:http", NULL, 0, false, "from 1 to 65535" },
                { ":51820", NULL, 0, false, "has no host" },
                { "300.1.1.1:1", NULL, 0, false, "does not name a host" },
                { "ho st:1", NULL, 0, false, "does not name a host" },
                { "https://host:1", NULL, 0, false, "is a URL" },
                { "", NULL, 0, false, "has no port" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_fault fault = {};
                struct hv_endpoint e;
                int r = hv_value_endpoint(rows[i].text, "E0326", a, &e, &fault);

                if (!rows[i].host) {
                        assert_true(r < 0);
                        expect_fault(rows[i].text, &fault, "E0326", rows[i].says);
                        continue;
                }
                if (r < 0)
                        fail_msg("%s", fault.message);
                assert_string_equal(e.host, rows[i].host);
                assert_int_equal(e.port, rows[i].port);
                assert_int_equal(e.is_address, rows[i].is_address);
        }
}

static void registries_are_hosts(void **state) {
        static const char *const good[] = { "registry.example.org", "localhost:5000", "10.0.0.1",
                                            "[::1]:5000", "[::1]" };
        static const char *const bad[] = { "",           "https://registry.example.org",
                                           "registry/x", "reg istry",
                                           "registry:0", "::1" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(good); i++)
                assert_int_equal(hv_value_host(good[i], NULL), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                struct hv_fault fault = {};

                assert_true(hv_value_host(bad[i], &fault) < 0);
                expect_fault(bad[i], &fault, "E0501", "");
        }
}

static void port_ranges_run_upwards(void **state) {
        static const struct {
                const char *text;
                uint16_t first, last;
                const char *says;
        } rows[] = {
                { "8080", 8080, 8080, NULL },
                { "8080-8081", 8080, 8081, NULL },
                { "1-65535", 1, 65535, NULL },
                { "8081-8080", 0, 0, "port range 8081-8080 is reversed; did you mean 8080-8081?" },
                { "0", 0, 0, "from 1 to 65535" },
                { "65536", 0, 0, "from 1 to 65535" },
                { "80-", 0, 0, "from 1 to 65535" },
                { "-80", 0, 0, "from 1 to 65535" },
                { "80-81-82", 0, 0, "from 1 to 65535" },
                { "80,81", 0, 0, "from 1 to 65535" },
                { "http", 0, 0, "from 1 to 65535" },
                { "", 0, 0, "from 1 to 65535" },
                { "8080:80", 0, 0, "from 1 to 65535" },
                { "00000080", 0, 0, "from 1 to 65535" },
                { "8080-00000080", 0, 0, "is reversed" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                struct hv_port_range p = {};
                int r = hv_value_port_range(rows[i].text, &p, &fault);

                assert_int_equal(r == 0, rows[i].says == NULL);
                assert_int_equal(p.first, rows[i].first);
                assert_int_equal(p.last, rows[i].last);
                if (r < 0)
                        expect_fault(rows[i].text, &fault, "E0301", rows[i].says);
        }
}

static void binds_are_classes_or_addresses(void **state) {
        static const struct {
                const char *text;
                enum hv_bind bind;
        } rows[] = {
                { "loopback", HV_BIND_LOOPBACK }, { "wireguard", HV_BIND_WIREGUARD },
                { "public", HV_BIND_PUBLIC },     { "0.0.0.0", HV_BIND_PUBLIC },
                { "::", HV_BIND_PUBLIC },         { "127.0.0.53", HV_BIND_LOOPBACK },
                { "::1", HV_BIND_LOOPBACK },      { "10.0.0.17", HV_BIND_ADDRESS },
        };
        struct hv_fault fault = {};
        struct hv_address address;
        enum hv_bind bind;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                assert_int_equal(hv_value_bind(rows[i].text, &bind, &address, NULL), 0);
                assert_int_equal(bind, rows[i].bind);
        }
        assert_true(hv_value_bind("pubic", &bind, &address, &fault) < 0);
        expect_fault("pubic", &fault, "E0303", "did you mean \"public\"?");
        assert_true(hv_value_bind("eth0", &bind, &address, &fault) < 0);
        expect_fault("eth0", &fault, "E0303", "is not loopback, wireguard, public or an address");
}

static void urls_are_taken_apart_and_hold_no_secret(void **state) {
        static const struct {
                const char *text;
                unsigned schemes;
                const char *host;
                uint16_t port;
                const char *path, *says;
        } rows[] = {
                { "https://fleet.example.org/nodes/a.yaml?x=1", 7, "fleet.example.org", 443,
                  "/nodes/a.yaml?x=1", NULL },
                { "http://10.0.0.1:5005", 3, "10.0.0.1", 5005, "/", NULL },
                { "https://[2001:db8::1]/x", 1, "2001:db8::1", 443, "/x", NULL },
                { "https://h?q", 1, "h", 443, "/?q", NULL },
                { "file:///etc/hivelet/x.yaml", 7, "", 0, "/etc/hivelet/x.yaml", NULL },
                { "ftp://x/y", 7, NULL, 0, NULL, "\"ftp\" is not supported: use https, http, file" },
                { "file:///etc/passwd", 3, NULL, 0, NULL, "\"file\" is not supported: use https, http" },
                { "http://x/", 1, NULL, 0, NULL, "\"http\" is not supported: use https" },
                { "HTTPS://x/", 1, NULL, 0, NULL, "is not supported" },
                { "ext::sh -c id", 7, NULL, 0, NULL, "no scheme" },
                { "git@github.com:a/b", 7, NULL, 0, NULL, "no scheme" },
                { "https://user:hunter2@x/", 7, NULL, 0, NULL, "a user or a password" },
                { "https://hunter2@x/", 7, NULL, 0, NULL, "a user or a password" },
                { "https:///x", 7, NULL, 0, NULL, "names no host" },
                { "https://x:0/", 7, NULL, 0, NULL, "from 1 to 65535" },
                { "https://a b/", 7, NULL, 0, NULL, "must be written as %20" },
                { "https://x/a\nb", 7, NULL, 0, NULL, "must be written as %0A" },
                { "https://x/\xc3\xa4", 7, NULL, 0, NULL, "must be written as %C3" },
                { "https://x\\@y/", 7, NULL, 0, NULL, "must be written as %5C" },
                { "https://x/#top", 7, NULL, 0, NULL, "fragment" },
                { "file://host/x", 7, NULL, 0, NULL, "file:///PATH" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_fault fault = {};
                struct hv_url url;
                int r = hv_value_url(rows[i].text, rows[i].schemes, a, &url, &fault);

                if (rows[i].says) {
                        assert_true(r < 0);
                        expect_fault(rows[i].text, &fault, "E0506", rows[i].says);
                        assert_null(strstr(fault.message, "hunter2"));
                        continue;
                }
                if (r < 0)
                        fail_msg("%s: %s", rows[i].text, fault.message);
                assert_string_equal(url.host, rows[i].host);
                assert_int_equal(url.port, rows[i].port);
                assert_string_equal(url.path, rows[i].path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(networks_have_no_host_bits),
                cmocka_unit_test(addresses_are_told_apart),
                cmocka_unit_test(overlap_is_seen_both_ways),
                cmocka_unit_test(endpoints_have_host_and_port),
                cmocka_unit_test(registries_are_hosts),
                cmocka_unit_test(port_ranges_run_upwards),
                cmocka_unit_test(binds_are_classes_or_addresses),
                cmocka_unit_test(urls_are_taken_apart_and_hold_no_secret),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where a pool calls nodes: nowhere that a node could only name to make use of the pool. */
#include "testing.h"

#include <errno.h>

#include "hivepool/reach.h"

static struct hv_reach *make(const char *const *networks, size_t n) {
        struct hv_reach *r = NULL;
        struct hv_err err = {};

        if (hv_reach_new(networks, n, &r, &err) < 0)
                fail_msg("%s", err.msg);
        return r;
}

static void private_addresses_and_no_others(void **state) {
        static const struct {
                const char *host;
                int port;
                const char *why; /* part of it; NULL: it may be called */
        } rows[] = {
                { "10.0.0.17", 50053, NULL },
                { "10.0.0.17", 0, NULL },
                { "172.16.0.1", 1, NULL },
                { "172.31.255.255", 65535, NULL },
                { "192.168.1.1", 50053, NULL },
                { "100.64.0.1", 50053, NULL },
                { "fd00::17", 50053, NULL },
                { "127.0.0.1", 50053, "no network" },
                { "127.0.0.2", 50053, "no network" },
                { "::1", 50053, "no network" },
                { "0.0.0.0", 50053, "no network" },
                { "::", 50053, "no network" },
                { "169.254.169.254", 80, "no network" },
                { "fe80::1", 50053, "no network" },
                { "224.0.0.1", 50053, "no network" },
                { "255.255.255.255", 50053, "no network" },
                { "172.32.0.1", 50053, "no network" },
                { "172.15.255.255", 50053, "no network" },
                { "100.128.0.1", 50053, "no network" },
                { "8.8.8.8", 443, "no network" },
                { "2001:db8::1", 50053, "no network" },
                { "::ffff:127.0.0.1", 50053, "no network" },
                { "::ffff:10.0.0.17", 50053, "no network" },
                { "64:ff9b::7f00:1", 50053, "no network" },
                { "", 50053, "expected an address" },
                { "localhost", 50053, "expected an address" },
                { "metadata.google.internal", 80, "expected an address" },
                { "10.0.0.17:22", 50053, "expected an address" },
                { "[fd00::17]", 50053, "expected an address" },
                { "010.0.0.17", 50053, "expected an address" },
                { "10.17", 50053, "expected an address" },
                { "0x0a000011", 50053, "expected an address" },
                { "10.0.0.17/24", 50053, "expected an address" },
                { "unix:/run/docker.sock", 50053, "expected an address" },
                { "10.0.0.17", -1, "port" },
                { "10.0.0.17", 65536, "port" },
        };
        _hv_cleanup_(hv_reach_freep) struct hv_reach *r = make(NULL, 0);

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_err err = {};
                int found = hv_reach_check(r, rows[i].host, rows[i].port, &err);

                if ((found < 0) != (rows[i].why != NULL) || (rows[i].why && !strstr(err.msg, rows[i].why)))
                        fail_msg("%s, port %d: %d: %s", rows[i].host, rows[i].port, found, err.msg);
        }
}

static void what_is_given_stands_alone(void **state) {
        static const char *const networks[] = { "192.0.2.0/24", "127.0.0.2", "2001:db8::/32" };
        static const char *const good[] = { "192.0.2.200", "127.0.0.2", "2001:db8::1" }, *const bad[] = {
                "10.0.0.17", "127.0.0.1", "192.0.3.1", "fd00::17"
        };
        _hv_cleanup_(hv_reach_freep) struct hv_reach *r = make(networks, HV_ARRAY_SIZE(networks));
        struct hv_err err = {};

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(good); i++)
                assert_int_equal(hv_reach_check(r, good[i], 50053, &err), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++)
                assert_int_equal(hv_reach_check(r, bad[i], 50053, &err), -EINVAL);
}

static void what_is_no_network_is_said(void **state) {
        static const char *const networks[] = { "10.0.0.0/24", "example.org" };
        struct hv_reach *r = NULL;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_reach_new(networks, 2, &r, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "example.org"));
        assert_null(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(private_addresses_and_no_others),
                cmocka_unit_test(what_is_given_stands_alone),
                cmocka_unit_test(what_is_no_network_is_said),
        };

        return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}

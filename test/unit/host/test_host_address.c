/* host: under which address a node is found, from tables of interface lists and from this machine. */
#include "testing.h"

#include <stdio.h>

#include "base/parse.h"
#include "host/address.h"

/* "eth0=192.0.2.7!" : "!" the default route, "*" a tunnel. */
static void make(struct hv_host_addresses *ret, const char *list) {
        _hv_cleanup_free_ char *copy = hv_strdup(list);
        char *save = NULL;

        *ret = (struct hv_host_addresses){};
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                struct hv_host_address *a = hv_vec_add(&ret->v);

                *a = (struct hv_host_address){};
                assert_int_equal(sscanf(word, "%15[^=]=%45[^!*]", a->interface, a->text), 2);
                a->is_default = strchr(word, '!');
                a->is_tunnel = strchr(word, '*');
        }
}

static void the_best_address_is_told(void **state) {
        static const struct {
                const char *list, *address, *tunnel;
        } rows[] = {
                { "", NULL, NULL },
                { "lo=127.0.0.1", NULL, NULL },
                { "lo=127.0.0.1 eth0=192.0.2.7!", "192.0.2.7", NULL },
                { "lo=127.0.0.1! eth0=192.0.2.7", NULL, NULL },
                { "eth0=192.0.2.7! wg0=10.9.0.4*", "10.9.0.4", "10.9.0.4" },
                { "wg0=10.0.0.1*", "10.0.0.1", "10.0.0.1" }, /* what a tunnel has is right, whatever it is */
                { "eth0=192.0.2.7! eth1=10.0.0.9", "10.0.0.9", NULL },
                { "eth0=192.0.2.7! eth1=10.0.0.1", "192.0.2.7", NULL }, /* the pool's own */
                { "eth0=192.0.2.7! eth1=10.0.1.9", "192.0.2.7", NULL },
                { "eth1=10.0.0.9 wg0=10.9.0.4* eth0=192.0.2.7!", "10.9.0.4", "10.9.0.4" },
                { "eth0=169.254.1.2!", NULL, NULL },
                { "eth0=fe80::1!", NULL, NULL },
                { "lo=::1!", NULL, NULL },
                { "eth0=2001:db8::7!", "2001:db8::7", NULL },
                { "eth0=2001:db8::7! eth0=192.0.2.7!", "192.0.2.7", NULL },
                { "eth0=192.0.2.7! wg0=fd00::7*", "fd00::7", "fd00::7" },
                { "wg0=fe80::7* eth0=192.0.2.7!", "192.0.2.7", NULL },
                { "eth1=192.0.2.9 eth0=192.0.2.7!", "192.0.2.7", NULL },
                { "eth0=0.0.0.0!", NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_host_address *found, *tunnel;
                struct hv_host_addresses a;

                make(&a, rows[i].list);
                found = hv_host_address_choose(&a);
                tunnel = hv_host_address_tunnel(&a);
                if (!hv_streq(found ? found->text : NULL, rows[i].address) ||
                    !hv_streq(tunnel ? tunnel->text : NULL, rows[i].tunnel))
                        fail_msg("%s: %s, tunnel %s", rows[i].list, found ? found->text : "none",
                                 tunnel ? tunnel->text : "none");
                hv_host_addresses_done(&a);
        }
}

static void this_machine_has_a_loopback(void **state) {
        struct hv_host_addresses a;
        bool found = false;

        (void) state;
        assert_int_equal(hv_host_addresses_read(&a, NULL), 0);
        for (size_t i = 0; i < a.v.n; i++)
                found |= hv_streq(a.v.v[i].interface, "lo") && hv_streq(a.v.v[i].text, "127.0.0.1") &&
                         !a.v.v[i].is_tunnel && !a.v.v[i].is_default;
        assert_true(found);
        hv_host_addresses_done(&a);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_best_address_is_told),
                cmocka_unit_test(this_machine_has_a_loopback),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

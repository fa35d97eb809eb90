/* Who may call a node of dialect hivemind: nothing in the calls says who makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "pool/hivemind.h"

static struct {
        void (*run)(void *data);
        void (*done)(void *data);
        void *data;
} asked; /* of the thread for work that blocks */

static void work(void *userdata, void (*run)(void *), void (*done)(void *), void *data) {
        (void) userdata;
        asked.run = run;
        asked.done = done;
        asked.data = data;
}

static void do_work(void) {
        asked.run(asked.data);
        asked.done(asked.data);
}

static const struct hv_pool_backend backend = { .work = work };

static struct hivemind_peers *make(const struct hv_pool_options *options) {
        struct hivemind_peers *p;
        struct hv_err err = {};

        if (hivemind_peers_new(options, &p, &err) < 0)
                fail_msg("%s", err.msg);
        return p;
}

static bool allows(const struct hivemind_peers *p, const char *text) {
        struct sockaddr_storage a = {};
        struct sockaddr_in *in = (struct sockaddr_in *) &a;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &a;

        if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
                a.ss_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
                a.ss_family = AF_INET6;
        else
                a.ss_family = AF_UNIX;
        return hivemind_peers_allow(p, &a);
}

static void test_allow(void **state) {
        static const struct {
                const char *what, *peer, *caller;
                bool expected;
        } rows[] = {
                { "no list: the pool's address", NULL, "10.0.0.1", true },
                { "no list: its neighbour", NULL, "10.0.0.2", false },
                { "no list: this machine", NULL, "127.0.0.1", false },
                { "no list: the same bytes in another family", NULL, "a00:1::", false },
                { "a list: the pool's address is not in it", "192.168.7.0/24", "10.0.0.1", false },
                { "a network", "192.168.7.0/24", "192.168.7.255", true },
                { "beside it", "192.168.7.0/24", "192.168.8.1", false },
                { "one address", "192.168.7.9", "192.168.7.9", true },
                { "one address, another", "192.168.7.9", "192.168.7.8", false },
                { "everybody, on purpose", "0.0.0.0/0", "203.0.113.5", true },
                { "everybody of one family", "0.0.0.0/0", "2001:db8::1", false },
                { "a network of version 6", "2001:db8::/32", "2001:db8:1::9", true },
                { "beside that", "2001:db8::/32", "2001:db9::9", false },
                { "no address at all", "0.0.0.0/0", "/run/socket", false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_pool_options o = { .backend = &backend,
                                                   .address = "10.0.0.1:50051",
                                                   .peers = &rows[i].peer,
                                                   .n_peers = rows[i].peer ? 1 : 0 };
                struct hivemind_peers *p = make(&o);

                if (allows(p, rows[i].caller) != rows[i].expected)
                        fail_msg("%s", rows[i].what);
                (void) hivemind_peers_free(p);
        }
}

static void test_a_name_is_looked_up(void **state) {
        const struct hv_pool_options o = { .backend = &backend, .address = "localhost:50051" };
        struct hivemind_peers *p = make(&o);

        (void) state;
        assert_false(allows(p, "127.0.0.1")); /* nobody, until it is known */
        hivemind_peers_look(p);
        do_work();
        assert_true(allows(p, "127.0.0.1"));
        assert_false(allows(p, "10.0.0.1"));
        /* It goes while a name is looked up: nobody is told. */
        hivemind_peers_look(p);
        (void) hivemind_peers_free(p);
        do_work();
}

static void test_a_name_that_leads_nowhere(void **state) {
        const struct hv_pool_options o = { .backend = &backend, .address = "pool.invalid:50051" };
        struct hivemind_peers *p = make(&o);

        (void) state;
        hivemind_peers_look(p);
        do_work();
        assert_false(allows(p, "127.0.0.1"));
        hivemind_peers_look(p); /* and again, for the next try */
        do_work();
        (void) hivemind_peers_free(p);
}

static void test_what_is_no_address(void **state) {
        static const char *const bad[] = { "pool.example.org", "10.0.0.0/33", "", "10.0.0" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                const struct hv_pool_options o = {
                        .backend = &backend, .address = "10.0.0.1:50051", .peers = &bad[i], .n_peers = 1
                };
                struct hivemind_peers *p = NULL;
                struct hv_err err = {};

                assert_true(hivemind_peers_new(&o, &p, &err) < 0);
                assert_non_null(strstr(err.msg, "neither an address nor a network"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_allow),
                cmocka_unit_test(test_a_name_is_looked_up),
                cmocka_unit_test(test_a_name_that_leads_nowhere),
                cmocka_unit_test(test_what_is_no_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

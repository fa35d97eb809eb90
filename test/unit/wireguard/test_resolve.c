/* Names beside the loop. getaddrinfo() is the real one, except for the name "slow", which waits until the test lets it go: no real
 * server can be made to be slow on demand. */
#include "testing.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>

#include "lib/loop.h"
#include "wireguard/resolve.h"

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        unsigned n_inside, n_left;
        bool is_open;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, false };

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret) {
        if (hv_streq(node, "slow")) {
                pthread_mutex_lock(&gate.lock);
                gate.n_inside++;
                pthread_cond_broadcast(&gate.changed);
                while (!gate.is_open)
                        pthread_cond_wait(&gate.changed, &gate.lock);
                gate.n_inside--;
                gate.n_left++;
                pthread_cond_broadcast(&gate.changed);
                pthread_mutex_unlock(&gate.lock);
                return EAI_AGAIN;
        }
        return __real_getaddrinfo(node, service, hints, ret);
}

static void wait_for(unsigned *counter, unsigned value) {
        pthread_mutex_lock(&gate.lock);
        while (*counter < value)
                pthread_cond_wait(&gate.changed, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
}

static void open_gate(bool open) {
        pthread_mutex_lock(&gate.lock);
        gate.is_open = open;
        pthread_cond_broadcast(&gate.changed);
        pthread_mutex_unlock(&gate.lock);
}

struct told {
        unsigned n;
        struct hv_wg_found found;
        struct hv_err err;
};

static void on_found(void *userdata, const struct hv_wg_found *found, const struct hv_err *err) {
        struct told *t = userdata;

        t->n++;
        t->found = found ? *found : (struct hv_wg_found){};
        t->err = *err;
}

static void names(void **state) {
        struct hv_wg_resolver *r;
        struct told good = {}, bad = {}, given_up = {};
        char text[HV_ADDRESS_SIZE];
        sd_event *event;

        (void) state;
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(hv_wg_resolver_new(event, &r, NULL), 0);
        assert_non_null(hv_wg_resolve(r, "192.0.2.7", on_found, &good));
        assert_non_null(hv_wg_resolve(r, "no host", on_found, &bad)); /* refused without asking a server */
        hv_wg_lookup_cancel(hv_wg_resolve(r, "192.0.2.8", on_found, &given_up));
        assert_int_equal(good.n, 0); /* not from inside */
        hv_test_run_until(event, good.n && bad.n);
        assert_int_equal(good.found.n, 1);
        assert_string_equal(hv_address_format(&good.found.v[0], text), "192.0.2.7");
        assert_int_equal(bad.found.n, 0);
        assert_non_null(strstr(bad.err.msg, "the name \"no host\" leads nowhere: "));
        assert_null(hv_wg_resolver_free(r));
        assert_int_equal(given_up.n, 0);
        sd_event_unref(event);
}

/* As many as there are threads hang: the others wait, the loop turns, the resolver can go, and what was left behind ends. */
static void slow_servers(void **state) {
        struct hv_wg_resolver *r;
        struct told slow = {}, behind = {};
        sd_event *event;

        (void) state;
        open_gate(false);
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(hv_wg_resolver_new(event, &r, NULL), 0);
        for (unsigned i = 0; i < HV_WG_LOOKUPS_MAX; i++)
                assert_non_null(hv_wg_resolve(r, "slow", on_found, &slow));
        assert_non_null(hv_wg_resolve(r, "192.0.2.7", on_found, &behind));
        wait_for(&gate.n_inside, HV_WG_LOOKUPS_MAX);
        hv_test_drain(event);
        assert_int_equal(slow.n + behind.n, 0);
        open_gate(true);
        hv_test_run_until(event, slow.n == HV_WG_LOOKUPS_MAX && behind.n == 1);
        assert_int_equal(slow.err.code, -EAGAIN);

        open_gate(false);
        gate.n_left = 0;
        assert_non_null(hv_wg_resolve(r, "slow", on_found, &slow));
        wait_for(&gate.n_inside, 1);
        assert_null(hv_wg_resolver_free(r)); /* does not wait */
        slow.n = 0;
        open_gate(true);
        wait_for(&gate.n_left, 1);
        assert_int_equal(slow.n, 0);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names),
                cmocka_unit_test(slow_servers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Orders are kept as they are, and a file that is not whole is told. */
#include "testing.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/order_store.h"
#include "base/alloc.h"

static char dir[] = "/tmp/hv-orders-XXXXXX";

static int setup(void **state) {
        (void) state;
        return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s/orders", dir);

        (void) state;
        (void) unlink(file);
        return rmdir(dir);
}

static void what_was_given_is_read(void **state) {
        static const struct hv_service_orders services[] = {
                { "api", { "ana", "the disk \"moves\"\n", 7 }, {} },
                { "web", {}, { "unix:uid=0", NULL, 8 }, { "cyd", "slow", 9 } },
        };
        static const struct hv_restart_order restarts[] = { { "c0ffee", 1795379512345678, true } };
        static const struct hv_orders orders = { { "ana", "x", 5 }, { "bob", NULL, 6 },
                                                 services,          2,
                                                 restarts,          1 };
        _hv_cleanup_free_ char *file = hv_asprintf("%s/orders", dir);
        struct hv_arena *a = hv_arena_new();
        const struct hv_api_drain drained = { { "ana", "x", 5 }, 99 };
        struct hv_api_drain drain = {};
        struct hv_orders read = {};
        struct hv_err err = {};
        struct stat st;

        (void) state;
        assert_int_equal(hv_order_store_read(dir, a, &read, &drain, &err), -ENOENT);
        assert_int_equal(hv_order_store_write(dir, &orders, &drained, &err), 0);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(hv_order_store_read(dir, a, &read, &drain, &err), 0);
        assert_string_equal(read.cordon.by, "ana");
        assert_string_equal(read.cordon.reason, "x");
        assert_int_equal(read.cordon.since_wall_us, 5);
        assert_string_equal(read.hold.by, "bob");
        assert_null(read.hold.reason);
        assert_int_equal(read.n_services, 2);
        assert_string_equal(hv_orders_of(&read, "api")->stop.reason, "the disk \"moves\"\n");
        assert_null(hv_orders_of(&read, "api")->hold.by);
        assert_null(hv_orders_of(&read, "web")->stop.by);
        assert_string_equal(hv_orders_of(&read, "web")->hold.by, "unix:uid=0");
        assert_string_equal(hv_orders_of(&read, "web")->pause.by, "cyd");
        assert_null(hv_orders_of(&read, "api")->pause.by);
        assert_null(hv_orders_of(&read, "db"));
        assert_int_equal(read.n_restarts, 1);
        assert_string_equal(read.restarts[0].container_id, "c0ffee");
        assert_int_equal(read.restarts[0].started_wall_us, 1795379512345678);
        assert_true(read.restarts[0].now);
        assert_string_equal(drain.order.by, "ana");
        assert_int_equal(drain.deadline_wall_us, 99);
        hv_arena_free(a);
}

static void damage_is_told(void **state) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s/orders", dir);
        struct hv_arena *a = hv_arena_new();
        struct hv_orders orders = { .cordon = { "ana" } };
        struct hv_api_drain drain = {};
        struct hv_err err = {};

        (void) state;
        assert_int_equal(hv_order_store_write(dir, &orders, &drain, &err), 0);
        assert_int_equal(truncate(file, 20), 0);
        orders = (struct hv_orders){};
        assert_int_equal(hv_order_store_read(dir, a, &orders, &drain, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, file));
        assert_null(orders.cordon.by); /* nothing was written */
        hv_arena_free(a);
}

static void what_cannot_be_kept_is_told(void **state) {
        const struct hv_orders orders = {};
        const struct hv_api_drain drain = {};
        struct hv_err err = {};

        (void) state;
        assert_true(hv_order_store_write("/proc/self/nowhere", &orders, &drain, &err) < 0);
        assert_non_null(strstr(err.msg, "/proc/self/nowhere"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_given_is_read),
                cmocka_unit_test(damage_is_told),
                cmocka_unit_test(what_cannot_be_kept_is_told),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

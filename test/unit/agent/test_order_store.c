/* Orders are kept as they are, and a file that is not whole is told. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/order_store.h"
#include "base/alloc.h"
#include "source/sealed.h"

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
        struct stat st;

        (void) state;
        assert_int_equal(hv_order_store_write(dir, &orders, &drain, &err), 0);
        assert_int_equal(stat(file, &st), 0);
        orders = (struct hv_orders){};
        for (off_t len = st.st_size - 1; len >= 0; len--) { /* whatever a crash leaves of it */
                assert_int_equal(truncate(file, len), 0);
                assert_int_equal(hv_order_store_read(dir, a, &orders, &drain, &err), -EBADMSG);
                assert_non_null(strstr(err.msg, file));
                assert_null(orders.cordon.by); /* nothing was written */
        }
        hv_arena_free(a);
}

/* Whole, as its SHA-256 says, and all the same not to be understood. */
static void what_another_version_wrote_is_told(void **state) {
        static const struct {
                const char *content, *said;
        } rows[] = {
                { "{\"version\": 2, \"cordon\": {\"by\": \"ana\"}}", "its version is 2, expected 1" },
                { "{\"cordon\": {\"by\": \"ana\"}}", "its version is 0, expected 1" },
                { "[]", "its version is 0, expected 1" },
                { "{\"version\": 1", "orders" },
                { "", "orders" },
                { "{\"version\": 1, \"cordon\": {\"by\": \"ana\"}, \"services\": [{\"name\": \"web\"}, {}]}",
                  "service 2 has no name" },
                { "{\"version\": 1, \"cordon\": {\"by\": \"ana\"}, \"restarts\": [{\"now\": true}]}",
                  "restart 1 names no container" },
        };
        struct hv_arena *a = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
                _hv_cleanup_(hv_buf_done) struct hv_buf content = {};
                struct hv_api_drain drain = {};
                struct hv_orders orders = {};
                struct hv_err err = {};

                hv_buf_puts(&content, rows[i].content);
                hv_buf_putc(&content, '\n');
                assert_int_equal(hv_disk_open_existing(dir, &d, &err), 0);
                assert_int_equal(hv_sealed_write(&d, "orders", &content, &err), 0);
                assert_int_equal(hv_order_store_read(dir, a, &orders, &drain, &err), -EBADMSG);
                if (!strstr(err.msg, rows[i].said) || !strstr(err.msg, dir))
                        fail_msg("%s: %s", rows[i].content, err.msg);
                assert_null(orders.cordon.by);
        }
        hv_arena_free(a);
}

/* More than any node can have been asked for is not read into memory. */
static void a_file_that_grew_is_told(void **state) {
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_done) struct hv_buf content = {};
        struct hv_arena *a = hv_arena_new();
        struct hv_api_drain drain = {};
        struct hv_orders orders = {};
        struct hv_err err = {};

        (void) state;
        hv_buf_printf(&content, "{\"version\": 1%*s}\n", 4 << 20, "");
        assert_int_equal(hv_disk_open_existing(dir, &d, &err), 0);
        assert_int_equal(hv_sealed_write(&d, "orders", &content, &err), 0);
        assert_int_equal(hv_order_store_read(dir, a, &orders, &drain, &err), -EFBIG);
        assert_non_null(strstr(err.msg, "orders"));
        hv_arena_free(a);
}

/* A disk that takes no more leaves what was there. */
static void what_cannot_be_written_leaves_the_file_of_before(void **state) {
        const struct hv_orders before = { .cordon = { "ana" } }, after = { .cordon = { "bob" } };
        const struct hv_api_drain drain = {};
        struct rlimit limit, small;
        struct hv_arena *a = hv_arena_new();
        struct hv_api_drain read_drain = {};
        struct hv_orders read = {};
        struct hv_err err = {};
        int r;

        (void) state;
        assert_int_equal(hv_order_store_write(dir, &before, &drain, &err), 0);
        (void) signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        small = (struct rlimit){ 30, limit.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        r = hv_order_store_write(dir, &after, &drain, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(r, -EFBIG);
        assert_non_null(strstr(err.msg, dir));
        assert_int_equal(hv_order_store_read(dir, a, &read, &read_drain, &err), 0);
        assert_string_equal(read.cordon.by, "ana");
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
                cmocka_unit_test(what_another_version_wrote_is_told),
                cmocka_unit_test(a_file_that_grew_is_told),
                cmocka_unit_test(what_cannot_be_written_leaves_the_file_of_before),
                cmocka_unit_test(what_cannot_be_kept_is_told),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

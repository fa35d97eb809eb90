/* Figures in the kernel's text files: as it writes them, and as nobody should. */
#include "testing.h"

#include "base/kernel_text.h"

static void numbers(void **state) {
        static const struct {
                const char *text;
                bool is_taken;
                uint64_t value;
        } rows[] = {
                { "0\n", true, 0 },
                { "9223372036854771712\n", true, 9223372036854771712u },
                { "18446744073709551615", true, UINT64_MAX },
                { "max\n", true, UINT64_MAX },
                { "18446744073709551616\n", false, 0 },
                { "", false, 0 },
                { "\n", false, 0 },
                { "-1\n", false, 0 },
                { " 1\n", false, 0 },
                { "1 2\n", false, 0 },
                { "maximum\n", false, 0 },
                { "12\n13\n", false, 0 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t v = 77;

                if (hv_kernel_number(rows[i].text, &v) != rows[i].is_taken ||
                    v != (rows[i].is_taken ? rows[i].value : 77))
                        fail_msg("\"%s\": %llu", rows[i].text, (unsigned long long) v);
        }
}

static void keys(void **state) {
        static const char stat[] = "usage_usec 123\nuser_usec 45\nMemTotal:       24684092 kB\nempty\nlast 9";
        static const struct {
                const char *key;
                bool is_found;
                uint64_t value;
        } rows[] = {
                { "usage_usec", true, 123 },    { "user_usec", true, 45 },
                { "MemTotal", true, 24684092 }, { "usage", false, 0 }, /* the start of another */
                { "usec", false, 0 },           { "empty", false, 0 },
                { "last", false, 0 }, /* cut: the number may go on */
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t v = 77;

                if (hv_kernel_keyed(stat, rows[i].key, &v) != rows[i].is_found ||
                    v != (rows[i].is_found ? rows[i].value : 77))
                        fail_msg("%s: %llu", rows[i].key, (unsigned long long) v);
        }
}

static void pressure(void **state) {
        struct hv_pressure p = {};

        (void) state;
        assert_true(hv_kernel_pressure("some avg10=1.25 avg60=2.00 avg300=3.00 total=4000000\n"
                                       "full avg10=0.50 avg60=0.00 avg300=0.00 total=2000000\n",
                                       &p));
        assert_true(p.is_known && p.some_percent == 1.25 && p.full_percent == 0.5);
        assert_int_equal(p.some_total_us, 4000000);
        assert_int_equal(p.full_total_us, 2000000);
        /* CPUs before Linux 5.13 */
        assert_true(hv_kernel_pressure("some avg10=100.00 avg60=0.00 avg300=0.00 total=7\n", &p));
        assert_true(p.some_percent == 100 && p.full_total_us == 0 && p.some_total_us == 7);
        p.some_total_us = 1;
        assert_false(hv_kernel_pressure("", &p));
        assert_false(hv_kernel_pressure("some avg10=1.25 avg60=2.00\nfull total=9\n", &p));
        assert_false(hv_kernel_pressure("some avg10=101.00 total=9\n", &p));
        assert_false(hv_kernel_pressure("some avg10=1.25 avg60=2.00 avg300=3.00 total=4000000", &p));
        assert_int_equal(p.some_total_us, 1);
}

static void interfaces(void **state) {
        static const char text[] =
                "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
                "colls carrier compressed\n"
                "    lo: 1000       2    0    0    0     0          0         0 1000 2 0 0 0 0 0 0\n"
                "eth0:  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16\n"
                "a-name-that-is-too-long: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                "short: 1 2 3\n"
                "wg0: 18446744073709551615 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n"
                "cut: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 1";
        static const char *const names[] = { "lo", "eth0", "wg0" };
        struct hv_interface_counters c;
        const char *at = text;
        size_t n = 0;

        (void) state;
        while (hv_kernel_interface(&at, &c)) {
                assert_true(n < HV_ARRAY_SIZE(names));
                assert_string_equal(c.name, names[n]);
                if (n == 1)
                        assert_true(c.rx_bytes == 1 && c.rx_packets == 2 && c.rx_errors == 3 &&
                                    c.rx_dropped == 4 && c.tx_bytes == 9 && c.tx_packets == 10 &&
                                    c.tx_errors == 11 && c.tx_dropped == 12);
                n++;
        }
        assert_int_equal(n, HV_ARRAY_SIZE(names));
        assert_int_equal(c.rx_bytes, UINT64_MAX);
        assert_int_equal(c.tx_bytes, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers),
                cmocka_unit_test(keys),
                cmocka_unit_test(pressure),
                cmocka_unit_test(interfaces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

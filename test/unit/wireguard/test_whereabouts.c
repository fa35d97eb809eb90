/* Which address of a name is used, and when it is looked up: one peer through a table of moments. */
#include "testing.h"

#include "wireguard/whereabouts.h"

#define S HV_USEC_PER_SEC
#define START_US (1000 * S)

static struct hv_wg_found found_of(const char *addresses) {
        struct hv_wg_found found = {};
        char *all = strdup(addresses), *rest = all, *one;

        while ((one = strsep(&rest, " ")))
                assert_true(hv_address_parse(one, &found.v[found.n++]));
        free(all);
        return found;
}

struct moment {
        unsigned at_s;
        const char *found;            /* a lookup that ended; "-": it failed; NULL: none */
        unsigned tx, rx, handshake_s; /* what was seen, before that; handshake at this second, 0: never */
        const char *written;          /* NULL: nothing */
        bool is_due;                  /* afterwards */
};

static void play(const char *what, const struct moment *m, size_t n) {
        struct hv_wg_whereabouts w = { .interval_us = 60 * S, .on_stale_us = 150 * S, .port = 5 };

        assert_true(hv_wg_whereabouts_is_due(&w, START_US));
        for (size_t i = 0; i < n; i++) {
                uint64_t now = START_US + m[i].at_s * S;
                struct hv_wg_peer seen = { .tx_bytes = m[i].tx, .rx_bytes = m[i].rx };
                struct hv_wg_endpoint e = {};
                char text[HV_WG_ENDPOINT_SIZE];
                bool is_written = false;

                seen.handshake_us = m[i].handshake_s ? START_US + m[i].handshake_s * S : 0;
                hv_wg_whereabouts_seen(&w, &seen, now, now);
                if (m[i].found && !hv_streq(m[i].found, "-")) {
                        struct hv_wg_found found = found_of(m[i].found);

                        is_written = hv_wg_whereabouts_found(&w, &found, now, &e);
                } else if (m[i].found)
                        is_written = hv_wg_whereabouts_found(&w, NULL, now, &e);
                if (is_written != (m[i].written != NULL) ||
                    (is_written && strcmp(hv_wg_endpoint_format(&e, text), m[i].written) != 0))
                        fail_msg("%s, second %u: writes %s", what, m[i].at_s,
                                 is_written ? hv_wg_endpoint_format(&e, text) : "nothing");
                if (hv_wg_whereabouts_is_due(&w, now) != m[i].is_due)
                        fail_msg("%s, second %u: is %sdue", what, m[i].at_s, m[i].is_due ? "not " : "");
        }
}

static void one_address(void **state) {
        static const struct moment m[] = {
                { 0, "192.0.2.1", 0, 0, 0, "192.0.2.1:5", false },
                { 5, NULL, 148, 92, 5, NULL, false },
                { 60, NULL, 900, 900, 5, NULL, true }, /* the interval */
                { 60, "192.0.2.1", 900, 900, 5, NULL, false },
                { 120, "192.0.2.7", 950, 950, 120, "192.0.2.7:5", false }, /* moved */
                { 180, "-", 990, 990, 120, NULL, false },                  /* what was known stays */
        };

        (void) state;
        play("one address", m, HV_ARRAY_SIZE(m));
}

static void failing_name(void **state) {
        static const struct moment m[] = {
                { 0, "-", 0, 0, 0, NULL, false },
                { 14, NULL, 0, 0, 0, NULL, false },
                { 15, NULL, 0, 0, 0, NULL, true }, /* sooner than the interval */
                { 15, "192.0.2.1", 0, 0, 0, "192.0.2.1:5", false },
        };

        (void) state;
        play("a name that fails at first", m, HV_ARRAY_SIZE(m));
}

static void several_in_turn(void **state) {
        static const struct moment m[] = {
                { 0, "2001:db8::1 192.0.2.1 192.0.2.2", 0, 0, 0, "[2001:db8::1]:5", false },
                { 5, NULL, 148, 0, 0, NULL, false }, /* a handshake goes out */
                { 10, NULL, 296, 0, 0, NULL, false },
                { 20, NULL, 592, 0, 0, NULL, true }, /* 15 s without an answer */
                { 20, "2001:db8::1 192.0.2.1 192.0.2.2", 592, 0, 0, "192.0.2.1:5", false },
                { 25, NULL, 740, 0, 0, NULL, false },
                { 40, NULL, 999, 0, 0, NULL, true },
                { 40, "2001:db8::1 192.0.2.1 192.0.2.2", 999, 0, 0, "192.0.2.2:5", false },
                { 45, NULL, 1500, 92, 44, NULL, false },                               /* answers */
                { 90, "2001:db8::1 192.0.2.1 192.0.2.2", 1600, 200, 44, NULL, false }, /* and is kept */
        };

        (void) state;
        play("several addresses", m, HV_ARRAY_SIZE(m));
}

static void idle_is_not_silent(void **state) {
        static const struct moment m[] = {
                { 0, "192.0.2.1 192.0.2.2", 0, 0, 0, "192.0.2.1:5", false },
                { 5, NULL, 148, 92, 5, NULL, false },
                { 59, NULL, 148, 92, 5, NULL, false },
                { 400, "192.0.2.1 192.0.2.2", 148, 92, 5, NULL,
                  false },                              /* nothing was sent: nothing is missing */
                { 405, NULL, 300, 92, 5, NULL, false }, /* now something is */
                { 419, NULL, 600, 92, 5, NULL, false },
                { 420, NULL, 600, 92, 5, NULL, true },
                { 420, "192.0.2.1 192.0.2.2", 600, 92, 5, "192.0.2.2:5", false },
        };

        (void) state;
        play("idle", m, HV_ARRAY_SIZE(m));
}

/* The one address is written again, also where the name cannot be looked up at the moment: wireguard-go's local address may be gone. */
static void silent_at_the_only_one(void **state) {
        static const struct moment m[] = {
                { 0, "192.0.2.1", 0, 0, 0, "192.0.2.1:5", false },
                { 5, NULL, 148, 92, 5, NULL, false },
                { 100, "192.0.2.1", 500, 92, 5, NULL, false }, /* the handshake is not stale yet */
                { 154, NULL, 700, 92, 5, NULL, false },
                { 160, "-", 800, 92, 5, "192.0.2.1:5", false },
        };
        static const struct moment kept[] = {
                { 0, "192.0.2.1", 0, 0, 0, "192.0.2.1:5", false },
                { 5, NULL, 148, 92, 5, NULL, false },
                { 10, NULL, 300, 92, 5, NULL, false },
                { 40, "192.0.2.1", 500, 92, 5, NULL,
                  false }, /* sent, nothing back, but the handshake is young */
        };

        (void) state;
        play("young", kept, HV_ARRAY_SIZE(kept));
        play("silent", m, HV_ARRAY_SIZE(m));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_address),
                cmocka_unit_test(failing_name),
                cmocka_unit_test(several_in_turn),
                cmocka_unit_test(idle_is_not_silent),
                cmocka_unit_test(silent_at_the_only_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

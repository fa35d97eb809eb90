/* When a tunnel counts as healthy. */
#include "testing.h"

#include "wireguard/health.h"

#define S HV_USEC_PER_SEC
#define NOW (1000 * S)
#define HUB "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw="
#define EDGE "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

static void its_own_rule_decides(void **state) {
        static const struct {
                const char *what;
                const char *counted[3];
                uint64_t max_age_us;
                uint64_t hub_us, edge_us; /* their last handshakes; 0: none */
                bool healthy;
                uint64_t until_us;
                const char *silent;
        } rows[] = {
                { "no rule, nobody heard", {}, 0, 0, 0, false, 0, "hub" },
                { "no rule, one heard", {}, 0, 0, NOW - 10 * S, true, NOW + 170 * S, NULL },
                { "no rule, heard too long ago", {}, 0, NOW - 180 * S, 0, false, 0, "hub" },
                { "any, within its age", {}, 30 * S, NOW - 29 * S, 0, true, NOW + S, NULL },
                { "any, beyond its age", {}, 30 * S, NOW - 31 * S, 0, false, 0, "hub" },
                { "the one that counts is silent", { "edge" }, 30 * S, NOW, 0, false, 0, "edge" },
                { "the one that counts is heard", { "hub" }, 30 * S, NOW, 0, true, NOW + 30 * S, NULL },
                { "all that count must be heard",
                  { "hub", "edge" },
                  30 * S,
                  NOW,
                  NOW - 40 * S,
                  false,
                  0,
                  "edge" },
                { "the oldest one says until when",
                  { "hub", "edge" },
                  30 * S,
                  NOW,
                  NOW - 20 * S,
                  true,
                  NOW + 10 * S,
                  NULL },
                { "a handshake of tomorrow, by a clock that was set back",
                  {},
                  30 * S,
                  NOW + 86400 * S,
                  0,
                  false,
                  0,
                  "hub" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_spec_peer peers[] = { { .name = "hub", .public_key = HUB },
                                                { .name = "edge", .public_key = EDGE } };
                struct hv_spec_wireguard w = { .peers = { peers, 2 } };
                struct hv_wg_interface seen = {};
                struct hv_wg_health h;
                size_t n = 0;

                while (rows[i].counted[n])
                        n++;
                w.healthy.peers = (struct hv_strv){ rows[i].counted, n };
                w.healthy.max_handshake_age_us = rows[i].max_age_us;
                for (size_t k = 0; k < 2; k++) {
                        struct hv_wg_peer *p = hv_vec_add(&seen.peers);

                        assert_int_equal(
                                hv_value_wg_key(peers[k].public_key, "public key", p->public_key.bytes, NULL),
                                0);
                        p->handshake_us = k == 0 ? rows[i].hub_us : rows[i].edge_us;
                }
                h = hv_wg_health(&w, &seen, NOW);
                hv_wg_interface_done(&seen);
                if (h.is_healthy != rows[i].healthy || (h.is_healthy && h.until_us != rows[i].until_us) ||
                    !hv_streq(h.silent, rows[i].silent))
                        fail_msg("%s: %s until %llu, silent %s", rows[i].what,
                                 h.is_healthy ? "healthy" : "not", (unsigned long long) h.until_us,
                                 h.silent ? h.silent : "none");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(its_own_rule_decides) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

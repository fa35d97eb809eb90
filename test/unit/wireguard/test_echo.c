/* Echoes: whom to ask of a peer, the request, what counts as its answer. That one comes and goes: test/e2e/test_tunnel_acts.py. */
#include "wireguard/echo.h"

#include <stdlib.h>

#include "testing.h"

static const unsigned char nonce[HV_WG_ECHO_NONCE_SIZE] = "0123456789abcdef";

static void whom_to_ask(void **state) {
        static const struct {
                const char *what, *networks[3], *own[2], *asked;
                bool is_host;
        } rows[] = {
                { "one host", { "10.0.0.9/32" }, { "10.0.0.17/24" }, "10.0.0.9", true },
                { "a host behind a network", { "10.7.0.0/16", "10.0.0.9/32" }, { NULL }, "10.0.0.9", true },
                { "a network: its first address", { "10.0.0.0/24" }, { "10.0.0.17/24" }, "10.0.0.1", false },
                { "which is this node's own", { "10.0.0.0/24" }, { "10.0.0.1/24" }, "10.0.0.2", false },
                { "a host that is this node's own",
                  { "10.0.0.1/32", "10.8.0.0/24" },
                  { "10.0.0.1/24" },
                  "10.8.0.1",
                  false },
                { "everything says nothing", { "0.0.0.0/0", "::/0" }, { NULL }, NULL, false },
                { "everything and a network", { "0.0.0.0/0", "10.8.0.0/24" }, { NULL }, "10.8.0.1", false },
                { "IPv6", { "fd00:1::/64" }, { "fd00:1::2/64" }, "fd00:1::1", false },
                { "an IPv6 host", { "fd00::5/128" }, { NULL }, "fd00::5", true },
                { "two addresses, one is own", { "10.0.0.0/31" }, { "10.0.0.1/31" }, NULL, false },
                { "no network", { NULL }, { NULL }, NULL, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_interface own = {};
                struct hv_wg_peer peer = {};
                struct hv_address asked;
                char text[HV_ADDRESS_SIZE] = "";
                bool is_host = false, any;

                for (size_t k = 0; k < 3 && rows[i].networks[k]; k++)
                        assert_int_equal(hv_value_cidr(rows[i].networks[k], hv_vec_add(&peer.networks), NULL),
                                         0);
                for (size_t k = 0; k < 2 && rows[i].own[k]; k++)
                        assert_int_equal(hv_value_address_cidr(rows[i].own[k],
                                                               &hv_vec_add(&own.addresses)->cidr, NULL),
                                         0);
                any = hv_wg_echo_target(&peer, &own, &asked, &is_host);
                if (any)
                        (void) hv_address_format(&asked, text);
                if (any != (rows[i].asked != NULL) ||
                    (any && (!hv_streq(text, rows[i].asked) || is_host != rows[i].is_host)))
                        fail_msg("%s: found %s%s", rows[i].what, any ? text : "nobody",
                                 is_host ? ", a host" : "");
                hv_wg_peer_done(&peer);
                hv_wg_interface_done(&own);
        }
}

/* The checksum of all, itself included, is zero (RFC 1071). */
static void a_request_is_whole(void **state) {
        unsigned char request[HV_WG_ECHO_SIZE];
        uint32_t sum = 0;

        (void) state;
        hv_wg_echo_write(false, 0x1234, nonce, request);
        assert_int_equal(request[0], 8);
        assert_int_equal(request[6] << 8 | request[7], 0x1234);
        for (size_t i = 0; i < sizeof request; i += 2)
                sum += (uint32_t) request[i] << 8 | request[i + 1];
        assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
        hv_wg_echo_write(true, 1, nonce, request);
        assert_int_equal(request[0], 128);
}

static void only_its_answer_counts(void **state) {
        unsigned char packet[20 + HV_WG_ECHO_SIZE] = { 0x45 }, *reply = packet + 20;
        uint16_t sequence = 0;

        (void) state;
        hv_wg_echo_write(false, 7, nonce, reply);
        assert_false(hv_wg_echo_read(reply, HV_WG_ECHO_SIZE, false, false, nonce, &sequence)); /* a request */
        reply[0] = 0;
        assert_true(hv_wg_echo_read(reply, HV_WG_ECHO_SIZE, false, false, nonce, &sequence));
        assert_int_equal(sequence, 7);
        assert_true(hv_wg_echo_read(packet, sizeof packet, false, true, nonce, &sequence));
        for (size_t len = 0; len < sizeof packet; len++) { /* cut anywhere, and in memory of just that size */
                unsigned char *cut = hv_malloc(len + 1);

                memcpy(cut, packet, len);
                assert_false(hv_wg_echo_read(cut, len, false, true, nonce, &sequence));
                free(cut);
        }
        packet[0] = 0x41; /* a header of 4 bytes */
        assert_false(hv_wg_echo_read(packet, sizeof packet, false, true, nonce, &sequence));
        packet[0] = 0x4f; /* of 60: longer than the packet */
        assert_false(hv_wg_echo_read(packet, sizeof packet, false, true, nonce, &sequence));
        reply[HV_WG_ECHO_SIZE - 1] ^= 1; /* somebody else's */
        assert_false(hv_wg_echo_read(reply, HV_WG_ECHO_SIZE, false, false, nonce, &sequence));
        hv_wg_echo_write(true, 9, nonce, reply);
        reply[0] = 129;
        assert_true(hv_wg_echo_read(reply, HV_WG_ECHO_SIZE, true, false, nonce, &sequence));
        assert_false(hv_wg_echo_read(reply, HV_WG_ECHO_SIZE, false, false, nonce, &sequence));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(whom_to_ask),
                cmocka_unit_test(a_request_is_whole),
                cmocka_unit_test(only_its_answer_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

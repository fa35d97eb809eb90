/* wireguard/echo_message.c - the pure half of echo.h: whom to ask, the request, the answer. */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "wireguard/echo.h"

static unsigned whole_bits(const struct hv_cidr *c) {
        return c->address.is_v6 ? 128 : 32;
}

static bool is_own(const struct hv_wg_interface *own, const struct hv_address *a) {
        for (size_t i = 0; i < own->addresses.n; i++)
                if (hv_address_equal(&own->addresses.v[i].cidr.address, a))
                        return true;
        return false;
}

/* The address behind `a`; where all bits are set, the first of all. */
static void step(struct hv_address *a) {
        for (size_t i = a->is_v6 ? 16 : 4; i > 0; i--)
                if (++a->bytes[i - 1] != 0)
                        return;
}

bool hv_wg_echo_target(const struct hv_wg_peer *peer, const struct hv_wg_interface *own,
                       struct hv_address *ret, bool *ret_is_host) {
        for (size_t i = 0; i < peer->networks.n; i++) {
                const struct hv_cidr *c = &peer->networks.v[i];

                if (c->bits == whole_bits(c) && !is_own(own, &c->address)) {
                        *ret = c->address;
                        *ret_is_host = true;
                        return true;
                }
        }
        for (size_t i = 0; i < peer->networks.n; i++) {
                const struct hv_cidr c = hv_wg_network(&peer->networks.v[i]);
                struct hv_address first = c.address;

                if (c.bits == 0 || c.bits == whole_bits(&c))
                        continue;
                step(&first);
                if (is_own(own, &first))
                        step(&first);
                *ret = first;
                *ret_is_host = false;
                return hv_cidr_contains(&c, ret);
        }
        return false;
}

/* RFC 1071. The kernel makes that of ICMPv6 itself. */
static uint16_t checksum(const unsigned char *data, size_t len) {
        uint32_t sum = 0;

        for (size_t i = 0; i + 1 < len; i += 2)
                sum += (uint32_t) data[i] << 8 | data[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        return (uint16_t) ~sum;
}

void hv_wg_echo_write(bool is_v6, uint16_t sequence, const unsigned char nonce[HV_WG_ECHO_NONCE_SIZE],
                      unsigned char ret[HV_WG_ECHO_SIZE]) {
        uint16_t sum;

        memset(ret, 0, HV_WG_ECHO_SIZE);
        ret[0] = is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
        ret[4] = nonce[0]; /* the number of the asker; a ping socket puts its own here */
        ret[5] = nonce[1];
        ret[6] = (unsigned char) (sequence >> 8);
        ret[7] = (unsigned char) sequence;
        memcpy(ret + 8, nonce, HV_WG_ECHO_NONCE_SIZE);
        sum = is_v6 ? 0 : checksum(ret, HV_WG_ECHO_SIZE);
        ret[2] = (unsigned char) (sum >> 8);
        ret[3] = (unsigned char) sum;
}

bool hv_wg_echo_read(const unsigned char *data, size_t len, bool is_v6, bool with_ip,
                     const unsigned char nonce[HV_WG_ECHO_NONCE_SIZE], uint16_t *ret_sequence) {
        if (with_ip) {
                size_t header = len > 0 ? (size_t) (data[0] & 15) * 4 : 0;

                if (header < 20 || header > len)
                        return false;
                data += header;
                len -= header;
        }
        if (len < HV_WG_ECHO_SIZE || data[0] != (is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || data[1] != 0 ||
            memcmp(data + 8, nonce, HV_WG_ECHO_NONCE_SIZE) != 0)
                return false;
        *ret_sequence = (uint16_t) (data[6] << 8 | data[7]);
        return true;
}

/* task/address_policy.c - see address_policy.h. */
#include "task/address_policy.h"

#include <netinet/in.h>

struct range {
        unsigned char prefix[16];
        unsigned bits;
        const char *what;
};

static const struct range v4_ranges[] = {
        { { 0 }, 8, "this network" },
        { { 10 }, 8, "private" },
        { { 100, 64 }, 10, "carrier-grade NAT" }, /* also the metadata service at 100.100.100.200 */
        { { 127 }, 8, "loopback" },
        { { 169, 254 }, 16, "link-local" }, /* also the metadata service at 169.254.169.254 */
        { { 172, 16 }, 12, "private" },
        { { 192, 0, 0 }, 24, "reserved for protocols" }, /* also the metadata service at 192.0.0.192 */
        { { 192, 0, 2 }, 24, "documentation" },
        { { 192, 88, 99 }, 24, "a 6to4 relay" },
        { { 192, 168 }, 16, "private" },
        { { 198, 18 }, 15, "for benchmarks" },
        { { 198, 51, 100 }, 24, "documentation" },
        { { 203, 0, 113 }, 24, "documentation" },
        { { 168, 63, 129, 16 }, 32, "a metadata service" },
        { { 224 }, 4, "multicast" },
        { { 240 }, 4, "reserved" }, /* and broadcast */
};

static const struct range v6_ranges[] = {
        { { 0 }, 96, "unspecified, loopback or IPv4-compatible" },
        { { [10] = 0xff, [11] = 0xff }, 96, "an IPv4-mapped address" },
        { { [8] = 0xff, [9] = 0xff }, 96, "an IPv4-translated address" },
        { { 0x00, 0x64, 0xff, 0x9b }, 32, "NAT64" },
        { { 0x01, 0x00 }, 64, "for discarding" },
        { { 0x20, 0x01, 0x00, 0x00 }, 32, "Teredo" },
        { { 0x20, 0x01, 0x00 }, 23, "reserved for protocols" },
        { { 0x20, 0x01, 0x0d, 0xb8 }, 32, "documentation" },
        { { 0x20, 0x02 }, 16, "6to4" },
        { { 0x3f, 0xff }, 20, "documentation" },
        { { 0x5f, 0x00 }, 16, "segment routing" },
        { { 0xfc }, 7, "private" }, /* also the metadata service at fd00:ec2::254 */
        { { 0xfe, 0x80 }, 10, "link-local" },
        { { 0xfe, 0xc0 }, 10, "site-local" },
        { { 0xff }, 8, "multicast" },
};

static bool is_in(const unsigned char *address, const struct range *r) {
        unsigned whole = r->bits / 8, rest = r->bits % 8;

        if (memcmp(address, r->prefix, whole) != 0)
                return false;
        return rest == 0 || (address[whole] ^ r->prefix[whole]) >> (8 - rest) == 0;
}

static const char *find(const unsigned char *address, const struct range *ranges, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_in(address, &ranges[i]))
                        return ranges[i].what;
        return NULL;
}

const char *hv_address_policy_fault(const struct sockaddr *address) {
        if (address->sa_family == AF_INET) {
                struct sockaddr_in v4;

                memcpy(&v4, address, sizeof v4);
                return find((const unsigned char *) &v4.sin_addr, v4_ranges, HV_ARRAY_SIZE(v4_ranges));
        }
        if (address->sa_family == AF_INET6) {
                struct sockaddr_in6 v6;
                const char *what;

                memcpy(&v6, address, sizeof v6);
                what = find((const unsigned char *) &v6.sin6_addr, v6_ranges, HV_ARRAY_SIZE(v6_ranges));
                /* Of all of IPv6 only 2000::/3 is given out. */
                return what ? what : (v6.sin6_addr.s6_addr[0] & 0xe0) == 0x20 ? NULL : "not a public address";
        }
        return "not an internet address";
}

/* agent/join_fit.c - see join_fit.h. */
#include "agent/join_fit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

#include "spec/join.h"
#include "spec/value_net.h"

static unsigned count_bits(const unsigned char *mask, size_t n) {
        unsigned bits = 0;

        for (size_t i = 0; i < n; i++)
                bits += (unsigned) __builtin_popcount(mask[i]);
        return bits;
}

static bool network_of(const struct ifaddrs *i, struct hv_cidr *ret) {
        char text[INET6_ADDRSTRLEN];
        const void *address, *mask;
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

        if ((family != AF_INET && family != AF_INET6) || !i->ifa_netmask)
                return false;
        address =
                family == AF_INET
                        ? (const void *) &((const struct sockaddr_in *) (const void *) i->ifa_addr)->sin_addr
                        : &((const struct sockaddr_in6 *) (const void *) i->ifa_addr)->sin6_addr;
        mask = family == AF_INET
                       ? (const void *) &((const struct sockaddr_in *) (const void *) i->ifa_netmask)
                                 ->sin_addr
                       : &((const struct sockaddr_in6 *) (const void *) i->ifa_netmask)->sin6_addr;
        ret->bits = count_bits(mask, family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr));
        return inet_ntop(family, address, text, sizeof text) && hv_address_parse(text, &ret->address);
}

static int clash(const struct ifaddrs *i, const struct hv_spec_wireguard *given, struct hv_err *err) {
        char network[HV_ADDRESS_SIZE];
        struct hv_cidr there, mine;

        if (!network_of(i, &there))
                return 0;
        for (size_t k = 0; k < given->addresses.n; k++)
                if (hv_value_address_cidr(given->addresses.v[k], &mine, NULL) == 0 &&
                    hv_cidr_overlaps(&mine, &there))
                        return hv_err_set(
                                err, -EADDRINUSE,
                                "%s overlaps %s, which interface %s of this machine has; take that down, or ask for another "
                                "network",
                                given->addresses.v[k], hv_cidr_format(&there, network), i->ifa_name);
        return 0;
}

int hv_agent_join_fits(const struct hv_spec_tree *tree, const char *interface,
                       const struct hv_spec_wireguard *given, struct hv_err *err) {
        struct ifaddrs *all;
        int r = hv_spec_join_check(tree, interface, given, err);

        if (r < 0)
                return r;
        if (getifaddrs(&all) < 0)
                return hv_err_errno(err, -errno, "cannot tell the addresses of this machine");
        for (const struct ifaddrs *i = all; i && r >= 0; i = i->ifa_next)
                if (!hv_streq(i->ifa_name, interface) && i->ifa_flags & IFF_UP)
                        r = clash(i, given, err);
        freeifaddrs(all);
        return r;
}

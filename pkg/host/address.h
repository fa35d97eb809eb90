/* host/address.h - under which address others find this machine.
 *
 *      getifaddrs() --> list --> choose (pure): a WireGuard tunnel's, else one of 10.0.0.0/24 that is not .1, else the default
 *                                               route's; never a loopback or link-local one
 *
 * Rules    IPv4 before IPv6 of the same rank: HiveMind's nodes meet in 10.0.0.0/24. Interfaces that are down do not count.
 * Source   the worker's documentation (a tunnel, then 10.0.0.x; .1 is the pool's). It ends with 127.0.0.1, at which nobody finds
 *          a node; the address of the default route takes that place.
 */
#pragma once

#include <netinet/in.h>

#include "base/err.h"
#include "base/vec.h"

#define HV_HOST_ADDRESS_SIZE INET6_ADDRSTRLEN

struct hv_host_address {
        char interface[16], text[HV_HOST_ADDRESS_SIZE];
        bool is_tunnel;  /* WireGuard, of the kernel or of a program */
        bool is_default; /* the default route leads out of its interface */
};

struct hv_host_addresses {
        HV_VEC(struct hv_host_address) v;
};

/* Of all interfaces that are up. */
int hv_host_addresses_read(struct hv_host_addresses *ret, struct hv_err *err);
void hv_host_addresses_done(struct hv_host_addresses *a);

/* NULL: there is none fit to be told. */
const struct hv_host_address *hv_host_address_choose(const struct hv_host_addresses *a);
/* The tunnel's alone; NULL: there is no tunnel. */
const struct hv_host_address *hv_host_address_tunnel(const struct hv_host_addresses *a);

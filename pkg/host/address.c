/* host/address.c - see address.h. */
#include "host/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/macros.h"

/* --- choosing --- */

enum rank { /* the lower, the better */
            RANK_TUNNEL,
            RANK_HIVEMIND, /* 10.0.0.0/24, and not the pool's own 10.0.0.1 */
            RANK_DEFAULT_ROUTE,
            RANK_UNFIT,
};

static bool is_v6(const struct hv_host_address *a) {
        return strchr(a->text, ':') != NULL;
}

/* Loopback, link-local, unspecified: nobody else finds anything there. */
static bool is_unfit(const struct hv_host_address *a) {
        struct in6_addr v6;
        struct in_addr v4;

        if (inet_pton(AF_INET, a->text, &v4) == 1) {
                uint32_t n = ntohl(v4.s_addr);

                return n >> 24 == 127 || n >> 16 == 0xa9fe || n == 0;
        }
        return inet_pton(AF_INET6, a->text, &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6) ||
               IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6);
}

static bool is_hivemind(const struct hv_host_address *a) {
        struct in_addr v4;
        uint32_t n;

        if (inet_pton(AF_INET, a->text, &v4) != 1)
                return false;
        n = ntohl(v4.s_addr);
        return n >> 8 == 0x0a0000 && (n & 0xff) != 1;
}

static unsigned rank_of(const struct hv_host_address *a) {
        enum rank rank = is_unfit(a)      ? RANK_UNFIT
                         : a->is_tunnel   ? RANK_TUNNEL
                         : is_hivemind(a) ? RANK_HIVEMIND
                         : a->is_default  ? RANK_DEFAULT_ROUTE
                                          : RANK_UNFIT;

        return rank == RANK_UNFIT ? UINT32_MAX : 2 * (unsigned) rank + is_v6(a);
}

static const struct hv_host_address *best(const struct hv_host_addresses *a, unsigned worst_rank) {
        const struct hv_host_address *found = NULL;
        unsigned rank = worst_rank + 1;

        for (size_t i = 0; i < a->v.n; i++)
                if (rank_of(&a->v.v[i]) < rank) {
                        found = &a->v.v[i];
                        rank = rank_of(found);
                }
        return found;
}

const struct hv_host_address *hv_host_address_choose(const struct hv_host_addresses *a) {
        return best(a, 2 * RANK_DEFAULT_ROUTE + 1);
}

const struct hv_host_address *hv_host_address_tunnel(const struct hv_host_addresses *a) {
        return best(a, 2 * RANK_TUNNEL + 1);
}

/* --- reading --- */

/* /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ... (proc(5)); numbers in the machine's byte order. */
static void find_default_v4(char ret[IF_NAMESIZE]) {
        char line[512], interface[IF_NAMESIZE];
        unsigned long destination, gateway, flags, mask, metric, lowest = ULONG_MAX;
        FILE *f = fopen("/proc/net/route", "re");

        *ret = '\0';
        while (f && fgets(line, sizeof line, f))
                if (sscanf(line, "%15s %lx %lx %lx %*s %*s %lu %lx", interface, &destination, &gateway,
                           &flags, &metric, &mask) == 6 &&
                    destination == 0 && mask == 0 && metric < lowest) {
                        lowest = metric;
                        (void) snprintf(ret, IF_NAMESIZE, "%s", interface);
                }
        if (f)
                (void) fclose(f);
}

/* /proc/net/ipv6_route: destination length source length next-hop metric refs uses flags device, in hex. */
static void find_default_v6(char ret[IF_NAMESIZE]) {
        char line[512], destination[33], interface[IF_NAMESIZE];
        unsigned long metric, lowest = ULONG_MAX;
        FILE *f = fopen("/proc/net/ipv6_route", "re");
        unsigned bits;

        *ret = '\0';
        while (f && fgets(line, sizeof line, f))
                if (sscanf(line, "%32s %x %*s %*s %*s %lx %*s %*s %*s %15s", destination, &bits, &metric,
                           interface) == 4 &&
                    bits == 0 && strcmp(interface, "lo") != 0 && metric < lowest) {
                        lowest = metric;
                        (void) snprintf(ret, IF_NAMESIZE, "%s", interface);
                }
        if (f)
                (void) fclose(f);
}

/* A WireGuard interface of hivelet's own bears its mark as its alias (docs/wireguard.md, "What is ours"). */
static bool is_marked(const char *interface) {
        _hv_cleanup_free_ char *path = hv_asprintf("/sys/class/net/%s/ifalias", interface);
        FILE *f = fopen(path, "re");
        char line[sizeof "hivelet:"] = "";

        if (!f)
                return false;
        (void) !fgets(line, sizeof line, f);
        (void) fclose(f);
        return hv_streq(line, "hivelet:");
}

/* The kernel's module says what it is; a program's device is a tun that bears the mark, or that is called as these tunnels are. */
static bool is_wireguard(const char *interface) {
        _hv_cleanup_free_ char *path = hv_asprintf("/sys/class/net/%s/uevent", interface);
        FILE *f = fopen(path, "re");
        bool by_kernel = false;
        char line[128];

        while (f && fgets(line, sizeof line, f))
                by_kernel |= strcmp(line, "DEVTYPE=wireguard\n") == 0;
        if (f)
                (void) fclose(f);
        if (by_kernel)
                return true;
        free(path);
        path = hv_asprintf("/sys/class/net/%s/tun_flags", interface);
        f = is_marked(interface) || strncmp(interface, "wg", 2) == 0 || strncmp(interface, "hive", 4) == 0
                    ? fopen(path, "re")
                    : NULL;
        if (f)
                (void) fclose(f);
        return f != NULL;
}

int hv_host_addresses_read(struct hv_host_addresses *ret, struct hv_err *err) {
        char default_v4[IF_NAMESIZE], default_v6[IF_NAMESIZE];
        struct ifaddrs *all;

        *ret = (struct hv_host_addresses){};
        if (getifaddrs(&all) < 0)
                return hv_err_errno(err, -errno, "cannot tell the addresses of this machine");
        find_default_v4(default_v4);
        find_default_v6(default_v6);
        for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
                int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
                struct hv_host_address *a;

                if ((family != AF_INET && family != AF_INET6) || !(i->ifa_flags & IFF_UP))
                        continue;
                a = hv_vec_add(&ret->v);
                *a = (struct hv_host_address){};
                (void) snprintf(a->interface, sizeof a->interface, "%s", i->ifa_name);
                (void) inet_ntop(
                        family,
                        family == AF_INET
                                ? (const void *) &((const struct sockaddr_in *) (const void *) i->ifa_addr)
                                          ->sin_addr
                                : &((const struct sockaddr_in6 *) (const void *) i->ifa_addr)->sin6_addr,
                        a->text, sizeof a->text);
                a->is_default = hv_streq(a->interface, family == AF_INET ? default_v4 : default_v6);
                a->is_tunnel = is_wireguard(a->interface);
        }
        freeifaddrs(all);
        return 0;
}

void hv_host_addresses_done(struct hv_host_addresses *a) {
        hv_vec_done(&a->v);
}

/* wireguard/resolve.h - looks up names without holding up the loop.
 *
 *      loop:     hv_wg_resolve() --> at most HV_WG_LOOKUPS_MAX threads, the rest waits --> done()
 *      thread:                       getaddrinfo(3)                              (eventfd)
 *
 * Model    A lookup has a thread of its own: getaddrinfo() can be neither interrupted nor bounded (with two servers that do not
 *          answer it takes 20 s), and one slow name must hold up neither the others nor the end of the agent. So what is
 *          given up is left behind: its thread ends by itself, and touches nothing but what it shares with the others that
 *          were left behind.
 * Order    Addresses come as RFC 6724 sorts them, IPv4 and IPv6 as this machine has them (AI_ADDRCONFIG).
 */
#pragma once

#include "base/err.h"
#include "spec/value_net.h"

#define HV_WG_LOOKUPS_MAX 8
#define HV_WG_ADDRESSES_MAX 16 /* of one name; what comes behind them is not used */

struct sd_event;
struct hv_wg_resolver;
struct hv_wg_lookup;

struct hv_wg_found {
        struct hv_address v[HV_WG_ADDRESSES_MAX];
        size_t n; /* at least one */
};

/* On the loop. `found` is NULL where err says why. The lookup ends with the call. */
typedef void (*hv_wg_found_fn)(void *userdata, const struct hv_wg_found *found, const struct hv_err *err);

int hv_wg_resolver_new(struct sd_event *event, struct hv_wg_resolver **ret, struct hv_err *err);
/* Gives up all lookups; nobody is told. Takes NULL, gives NULL. */
struct hv_wg_resolver *hv_wg_resolver_free(struct hv_wg_resolver *r);
HV_DEFINE_CLEANUP(struct hv_wg_resolver, hv_wg_resolver_free);

/* The name is copied. Whatever is wrong is told by done(), never before this returned. */
struct hv_wg_lookup *hv_wg_resolve(struct hv_wg_resolver *r, const char *host, hv_wg_found_fn done,
                                   void *userdata);
void hv_wg_lookup_cancel(struct hv_wg_lookup *l); /* done() is not called; takes NULL */

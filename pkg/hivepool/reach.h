/* hivepool/reach.h - where nodes that are called may be.
 *
 * Why      A node of dialect hivemind says itself at which address and port it is to be called. Whoever may log in would otherwise
 *          have the pool speak to any port that the pool can reach: its own loopback, the metadata service of a cloud, a neighbour.
 * Rule     An address as a number, never a name (which may lead elsewhere the next time), in one of the networks. Without any given:
 *          those that no address of the internet is in (RFC 1918, RFC 6598, RFC 4193), which are also what tunnels use.
 */
#pragma once

#include "base/err.h"
#include "base/macros.h"

struct hv_reach;

/* networks: addresses or CIDR; n 0: the private ones. -EINVAL names what is neither. */
int hv_reach_new(const char *const *networks, size_t n, struct hv_reach **ret, struct hv_err *err);
struct hv_reach *hv_reach_free(struct hv_reach *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_reach, hv_reach_free);

/* -EINVAL with the reason. port 0: the usual one. */
int hv_reach_check(const struct hv_reach *r, const char *host, int port, struct hv_err *err);

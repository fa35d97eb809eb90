/* wireguard/netlink.h - a netlink socket: one request, all of its answer.
 *
 * Model    The kernel works on a request while it is sent, so the answer is there when sendmsg(2) returns; a time limit covers
 *          what has no business to happen. A dump that the kernel says was interrupted by a change (NLM_F_DUMP_INTR) is asked
 *          for again.
 * Source   netlink(7); Documentation/userspace-api/netlink/intro.rst of the kernel.
 */
#pragma once

#include <linux/netlink.h>

#include "base/err.h"

#define HV_WG_MESSAGE_SIZE 16384 /* of one request; a dump's messages come in up to 32 KiB */

struct hv_wg_netlink;

/* Of a family: NETLINK_ROUTE, NETLINK_GENERIC. */
int hv_wg_netlink_open(int family, struct hv_wg_netlink **ret, struct hv_err *err);
struct hv_wg_netlink *hv_wg_netlink_free(struct hv_wg_netlink *n); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_wg_netlink, hv_wg_netlink_free);

struct hv_wg_reply {
        void (*begin)(
                void *userdata); /* a dump starts, perhaps anew: forget what came; NULL: nothing to forget */
        /* One message of the answer. -errno ends it. */
        int (*message)(const struct nlmsghdr *m, void *userdata, struct hv_err *err);
        void *userdata;
};

/* Flags beside those of the request: NLM_F_REQUEST and NLM_F_ACK (unless it is a dump) are added. `reply` may be NULL. -errno of
 * the kernel, with its own words where it has some (NETLINK_EXT_ACK). Buffers are zeroed: keys go through them. */
int hv_wg_netlink_ask(struct hv_wg_netlink *n, struct nlmsghdr *request, const struct hv_wg_reply *reply,
                      struct hv_err *err);

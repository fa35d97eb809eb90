/* wireguard/link_message.h - rtnetlink's messages about one interface: reading them, and writing a step as one.
 *
 * Model    Pure, and hard against any bytes: a message comes with its length checked by the caller (mnl_nlmsg_ok()), and every
 *          attribute is checked for its type before it is read.
 * Source   rtnetlink(7); linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h.
 */
#pragma once

#include <linux/netlink.h>

#include "base/err.h"
#include "wireguard/diff.h"

/* Requests are written to `buffer` of HV_WG_MESSAGE_SIZE, zeroed by the function. */
struct nlmsghdr *hv_wg_ask_link(void *buffer, const char *name);
struct nlmsghdr *hv_wg_ask_addresses(void *buffer, int index);
struct nlmsghdr *hv_wg_ask_routes(void *buffer, unsigned char family, int index);
struct nlmsghdr *hv_wg_make_link(void *buffer, const char *name); /* kernel WireGuard */
/* Steps of links, addresses and routes. NULL: of another kind. */
struct nlmsghdr *hv_wg_step_message(void *buffer, const struct hv_wg_step *s, int index);

/* One message of an answer; what it says of interface `into->index` (of any, when that is 0 and it is a link) goes into *into. */
int hv_wg_read_link(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err);
int hv_wg_read_address(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err);
int hv_wg_read_route(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err);

/* What a notification is about. False: about nothing of ours to know. `ret_name` is "" unless it is about a link. */
bool hv_wg_read_notice(const struct nlmsghdr *m, int *ret_index, char ret_name[HV_WG_INTERFACE_SIZE]);

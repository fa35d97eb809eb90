/* wireguard/genl_message.h - the messages of the kernel's generic netlink family "wireguard".
 *
 * Model    Pure, and hard against any bytes: every attribute is checked for its size before it is read.
 * Size     What does not fit into one message goes on in the next: a dump of the kernel continues a peer by naming it again, and so
 *          does a set here (with UPDATE_ONLY, so that a peer that went meanwhile is not made of its second half).
 * Source   linux/wireguard.h, whose comments are the specification.
 */
#pragma once

#include <linux/netlink.h>

#include "base/err.h"
#include "wireguard/diff.h"

/* The number of the family, which the kernel gives it when the module is loaded. */
struct nlmsghdr *hv_wg_genl_ask_family(void *buffer); /* buffers are of HV_WG_MESSAGE_SIZE */
int hv_wg_genl_read_family(const struct nlmsghdr *m, uint16_t *ret);

struct nlmsghdr *hv_wg_genl_ask_device(void *buffer, uint16_t family, const char *interface);
/* One message of the dump into *into; a peer that is there already as the last one goes on. */
int hv_wg_genl_read_device(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err);

/* Steps as messages, each handed to send(), whose first fault ends it. `buffer` holds keys: zero it afterwards. */
struct hv_wg_genl_set {
        void *buffer;
        uint16_t family;
        const char *interface;
        int (*send)(struct nlmsghdr *m, void *userdata, struct hv_err *err);
        void *userdata;
};
int hv_wg_genl_set(const struct hv_wg_genl_set *to, const struct hv_wg_step *steps, size_t n,
                   struct hv_err *err);

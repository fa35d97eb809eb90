/* wireguard/links.h - links, addresses and routes of the kernel: looked at, changed, and told when they change.
 *
 * Blocking Reading and applying work at once (netlink.h says how long that may take).
 * Notices  Any change of a link, an address or a route is told by interface; what gets lost because more came than the socket
 *          holds (ENOBUFS) is told as "any interface", and whoever listens looks at all of his. They are hints: what a notice
 *          says is never believed, only that there is something to look at. WireGuard's own settings give none.
 */
#pragma once

#include "base/err.h"
#include "wireguard/diff.h"

struct sd_event;
struct hv_wg_links;

/* `index` 0: any may have changed. `name` is "" where it is not known. */
typedef void (*hv_wg_notice_fn)(void *userdata, int index, const char *name);

/* `event` NULL: nobody listens. */
int hv_wg_links_new(struct sd_event *event, hv_wg_notice_fn notice, void *userdata, struct hv_wg_links **ret,
                    struct hv_err *err);
struct hv_wg_links *hv_wg_links_free(struct hv_wg_links *l); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_wg_links, hv_wg_links_free);

/* Link, addresses and routes of the interface of this name into an empty *into; kind NONE where there is none. */
int hv_wg_links_read(struct hv_wg_links *l, const char *name, struct hv_wg_interface *into,
                     struct hv_err *err);

/* Makes a WireGuard interface in the kernel. -EOPNOTSUPP: this kernel has none. */
int hv_wg_links_make(struct hv_wg_links *l, const char *name, struct hv_err *err);

/* A step of LINK_MARK, LINK_MTU, LINK_UP, LINK_REMOVE, ADDRESS_* or ROUTE_*, on the interface of this index. What is to go and is
 * gone is done. */
int hv_wg_links_apply(struct hv_wg_links *l, const struct hv_wg_step *s, int index, struct hv_err *err);

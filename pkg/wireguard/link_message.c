/* wireguard/link_message.c - see link_message.h. */
#include "wireguard/link_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

#include "wireguard/netlink.h"

/* --- writing --- */

/* Every message of rtnetlink has a header of its family behind netlink's. */
static struct nlmsghdr *begin(void *buffer, uint16_t type, uint16_t flags, size_t header, void **ret_header) {
        struct nlmsghdr *m;

        memset(buffer, 0, HV_WG_MESSAGE_SIZE);
        m = mnl_nlmsg_put_header(buffer);
        m->nlmsg_type = type;
        m->nlmsg_flags = flags;
        *ret_header = mnl_nlmsg_put_extra_header(m, header);
        return m;
}

struct nlmsghdr *hv_wg_ask_link(void *buffer, const char *name) {
        struct ifinfomsg *i;
        struct nlmsghdr *m = begin(buffer, RTM_GETLINK, 0, sizeof *i, (void **) &i);

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        return m;
}

struct nlmsghdr *hv_wg_ask_addresses(void *buffer, int index) {
        struct ifaddrmsg *a;
        struct nlmsghdr *m = begin(buffer, RTM_GETADDR, NLM_F_DUMP, sizeof *a, (void **) &a);

        a->ifa_index = (uint32_t) index;
        return m;
}

/* The kernel leaves out what leads elsewhere, so that a host with a full routing table costs nothing. */
struct nlmsghdr *hv_wg_ask_routes(void *buffer, unsigned char family, int index) {
        struct rtmsg *r;
        struct nlmsghdr *m = begin(buffer, RTM_GETROUTE, NLM_F_DUMP, sizeof *r, (void **) &r);

        r->rtm_family = family;
        mnl_attr_put_u32(m, RTA_TABLE, RT_TABLE_MAIN);
        mnl_attr_put_u32(m, RTA_OIF, (uint32_t) index);
        return m;
}

struct nlmsghdr *hv_wg_make_link(void *buffer, const char *name) {
        struct ifinfomsg *i;
        struct nlmsghdr *m = begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *i, (void **) &i);
        struct nlattr *info;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_strz(m, IFLA_INFO_KIND, "wireguard");
        mnl_attr_nest_end(m, info);
        return m;
}

static struct nlmsghdr *link_message(void *buffer, const struct hv_wg_step *s, int index) {
        struct ifinfomsg *i;
        struct nlmsghdr *m = begin(buffer, s->kind == HV_WG_LINK_REMOVE ? RTM_DELLINK : RTM_NEWLINK, 0,
                                   sizeof *i, (void **) &i);

        i->ifi_index = index;
        if (s->kind == HV_WG_LINK_UP)
                i->ifi_flags = i->ifi_change = IFF_UP;
        if (s->kind == HV_WG_LINK_MTU)
                mnl_attr_put_u32(m, IFLA_MTU, s->want->mtu);
        if (s->kind == HV_WG_LINK_MARK)
                mnl_attr_put_str(m, IFLA_IFALIAS, s->want->alias);
        return m;
}

static size_t size_of(const struct hv_address *a) {
        return a->is_v6 ? 16 : 4;
}

static struct nlmsghdr *address_message(void *buffer, const struct hv_wg_step *s, int index) {
        bool add = s->kind == HV_WG_ADDRESS_ADD;
        const struct hv_address *address = &s->cidr.address;
        struct ifaddrmsg *a;
        struct nlmsghdr *m = begin(buffer, add ? RTM_NEWADDR : RTM_DELADDR,
                                   add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof *a, (void **) &a);

        a->ifa_family = address->is_v6 ? AF_INET6 : AF_INET;
        a->ifa_prefixlen = (uint8_t) s->cidr.bits;
        a->ifa_index = (uint32_t) index;
        mnl_attr_put(m, IFA_LOCAL, size_of(address), address->bytes);
        mnl_attr_put(m, IFA_ADDRESS, size_of(address), address->bytes);
        if (add && address->is_v6) /* nobody else in a tunnel can have it: usable at once */
                mnl_attr_put_u32(m, IFA_FLAGS, IFA_F_NODAD);
        if (add && s->is_ours)
                mnl_attr_put_u8(m, IFA_PROTO, HV_WG_PROTOCOL);
        return m;
}

static struct nlmsghdr *route_message(void *buffer, const struct hv_wg_step *s, int index) {
        bool add = s->kind == HV_WG_ROUTE_ADD;
        const struct hv_address *network = &s->cidr.address;
        struct rtmsg *r;
        struct nlmsghdr *m = begin(buffer, add ? RTM_NEWROUTE : RTM_DELROUTE,
                                   add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof *r, (void **) &r);

        r->rtm_family = network->is_v6 ? AF_INET6 : AF_INET;
        r->rtm_dst_len = (uint8_t) s->cidr.bits;
        r->rtm_table = RT_TABLE_MAIN;
        r->rtm_protocol = HV_WG_PROTOCOL; /* when removing, too: a foreign one is not meant */
        r->rtm_scope = network->is_v6 ? RT_SCOPE_UNIVERSE : add ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE;
        r->rtm_type = RTN_UNICAST;
        mnl_attr_put(m, RTA_DST, size_of(network), network->bytes);
        mnl_attr_put_u32(m, RTA_OIF, (uint32_t) index);
        return m;
}

struct nlmsghdr *hv_wg_step_message(void *buffer, const struct hv_wg_step *s, int index) {
        switch (s->kind) {
        case HV_WG_LINK_MARK:
        case HV_WG_LINK_MTU:
        case HV_WG_LINK_UP:
        case HV_WG_LINK_REMOVE:
                return link_message(buffer, s, index);
        case HV_WG_ADDRESS_ADD:
        case HV_WG_ADDRESS_REMOVE:
                return address_message(buffer, s, index);
        case HV_WG_ROUTE_ADD:
        case HV_WG_ROUTE_REMOVE:
                return route_message(buffer, s, index);
        default:
                return NULL;
        }
}

/* --- reading --- */

static int too_short(struct hv_err *err, const char *what) {
        return hv_err_set(err, -EBADMSG, "netlink: a message about %s is too short", what);
}

static bool has_header(const struct nlmsghdr *m, size_t size) {
        return mnl_nlmsg_get_payload_len(m) >= size;
}

static bool is_u32(const struct nlattr *a) {
        return mnl_attr_validate(a, MNL_TYPE_U32) >= 0;
}

static bool read_text(const struct nlattr *a, char *ret, size_t size) {
        size_t len = mnl_attr_get_payload_len(a);
        const char *text = mnl_attr_get_payload(a);

        len = strnlen(text, len);
        if (len >= size)
                return false;
        memcpy(ret, text, len);
        ret[len] = '\0';
        return true;
}

static enum hv_wg_link_kind kind_of(const struct nlattr *info) {
        const struct nlattr *a;
        char kind[32];

        mnl_attr_for_each_nested(a, info) {
                if (mnl_attr_get_type(a) != IFLA_INFO_KIND || !read_text(a, kind, sizeof kind))
                        continue;
                if (hv_streq(kind, "wireguard"))
                        return HV_WG_LINK_KERNEL;
                if (hv_streq(kind, "tun"))
                        return HV_WG_LINK_TUN;
        }
        return HV_WG_LINK_OTHER;
}

int hv_wg_read_link(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err) {
        const struct ifinfomsg *i = mnl_nlmsg_get_payload(m);
        const struct nlattr *a;

        if (!has_header(m, sizeof *i))
                return too_short(err, "a link");
        if (m->nlmsg_type != RTM_NEWLINK || (into->index && into->index != i->ifi_index))
                return 0;
        into->index = i->ifi_index;
        into->is_up = i->ifi_flags & IFF_UP;
        into->kind = HV_WG_LINK_OTHER;
        into->mtu = 0;
        into->alias[0] = '\0';
        mnl_attr_for_each(a, m, sizeof *i) {
                switch (mnl_attr_get_type(a)) {
                case IFLA_MTU:
                        into->mtu = is_u32(a) ? mnl_attr_get_u32(a) : 0;
                        break;
                case IFLA_IFALIAS:
                        (void) read_text(a, into->alias, sizeof into->alias);
                        break;
                case IFLA_LINKINFO:
                        into->kind = kind_of(a);
                        break;
                default:
                        break;
                }
        }
        return 0;
}

static bool read_ip(const struct nlattr *a, unsigned char family, struct hv_address *ret) {
        struct hv_address address = { .is_v6 = family == AF_INET6 };

        if (mnl_attr_get_payload_len(a) != size_of(&address))
                return false;
        memcpy(address.bytes, mnl_attr_get_payload(a), size_of(&address));
        *ret = address;
        return true;
}

static bool is_internet(unsigned char family, unsigned bits) {
        return (family == AF_INET && bits <= 32) || (family == AF_INET6 && bits <= 128);
}

int hv_wg_read_address(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err) {
        const struct ifaddrmsg *i = mnl_nlmsg_get_payload(m);
        struct hv_wg_address address = {};
        bool has_local = false, has_any = false;
        uint32_t flags;
        const struct nlattr *a;

        if (!has_header(m, sizeof *i))
                return too_short(err, "an address");
        if (m->nlmsg_type != RTM_NEWADDR || (int) i->ifa_index != into->index ||
            !is_internet(i->ifa_family, i->ifa_prefixlen))
                return 0;
        flags = i->ifa_flags;
        mnl_attr_for_each(a, m, sizeof *i) {
                switch (mnl_attr_get_type(a)) {
                case IFA_LOCAL: /* of a point-to-point link, where IFA_ADDRESS is the other end's */
                        has_local = read_ip(a, i->ifa_family, &address.cidr.address);
                        break;
                case IFA_ADDRESS:
                        has_any = has_local || read_ip(a, i->ifa_family, &address.cidr.address);
                        break;
                case IFA_FLAGS:
                        flags = is_u32(a) ? mnl_attr_get_u32(a) : flags;
                        break;
                case IFA_PROTO:
                        address.is_ours = mnl_attr_validate(a, MNL_TYPE_U8) >= 0 &&
                                          mnl_attr_get_u8(a) == HV_WG_PROTOCOL;
                        break;
                default:
                        break;
                }
        }
        if (!has_local && !has_any)
                return 0;
        address.cidr.bits = i->ifa_prefixlen;
        /* The same bit means "temporary" of IPv6, which knows no primary address. */
        address.is_secondary = i->ifa_family == AF_INET && (flags & IFA_F_SECONDARY);
        hv_vec_push(&into->addresses, address);
        return 0;
}

int hv_wg_read_route(const struct nlmsghdr *m, struct hv_wg_interface *into, struct hv_err *err) {
        const struct rtmsg *i = mnl_nlmsg_get_payload(m);
        struct hv_wg_route route = {};
        uint32_t table, out = 0;
        const struct nlattr *a;

        if (!has_header(m, sizeof *i))
                return too_short(err, "a route");
        if (m->nlmsg_type != RTM_NEWROUTE || i->rtm_type != RTN_UNICAST || (i->rtm_flags & RTM_F_CLONED) ||
            !is_internet(i->rtm_family, i->rtm_dst_len))
                return 0;
        table = i->rtm_table;
        route.network.address.is_v6 = i->rtm_family == AF_INET6; /* a default route has no RTA_DST */
        mnl_attr_for_each(a, m, sizeof *i) {
                switch (mnl_attr_get_type(a)) {
                case RTA_DST:
                        if (!read_ip(a, i->rtm_family, &route.network.address))
                                return too_short(err, "a route's network");
                        break;
                case RTA_OIF:
                        out = is_u32(a) ? mnl_attr_get_u32(a) : 0;
                        break;
                case RTA_TABLE:
                        table = is_u32(a) ? mnl_attr_get_u32(a) : table;
                        break;
                default:
                        break;
                }
        }
        if (table != RT_TABLE_MAIN || !out || (int) out != into->index)
                return 0;
        route.network.bits = i->rtm_dst_len;
        route.network = hv_wg_network(&route.network);
        route.is_ours = i->rtm_protocol == HV_WG_PROTOCOL;
        hv_vec_push(&into->routes, route);
        return 0;
}

/* --- notifications --- */

static int route_interface(const struct nlmsghdr *m) {
        const struct nlattr *a;

        mnl_attr_for_each(a, m, sizeof(struct rtmsg)) {
                if (mnl_attr_get_type(a) == RTA_OIF && is_u32(a))
                        return (int) mnl_attr_get_u32(a);
        }
        return 0;
}

static void link_name(const struct nlmsghdr *m, char ret[HV_WG_INTERFACE_SIZE]) {
        const struct nlattr *a;

        mnl_attr_for_each(a, m, sizeof(struct ifinfomsg)) {
                if (mnl_attr_get_type(a) == IFLA_IFNAME)
                        (void) read_text(a, ret, HV_WG_INTERFACE_SIZE);
        }
}

bool hv_wg_read_notice(const struct nlmsghdr *m, int *ret_index, char ret_name[HV_WG_INTERFACE_SIZE]) {
        ret_name[0] = '\0';
        switch (m->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
                if (!has_header(m, sizeof(struct ifinfomsg)))
                        return false;
                *ret_index = ((const struct ifinfomsg *) mnl_nlmsg_get_payload(m))->ifi_index;
                link_name(m, ret_name);
                return *ret_index != 0;
        case RTM_NEWADDR:
        case RTM_DELADDR:
                if (!has_header(m, sizeof(struct ifaddrmsg)))
                        return false;
                *ret_index = (int) ((const struct ifaddrmsg *) mnl_nlmsg_get_payload(m))->ifa_index;
                return *ret_index != 0;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
                if (!has_header(m, sizeof(struct rtmsg)))
                        return false;
                *ret_index = route_interface(m);
                return *ret_index != 0;
        default:
                return false;
        }
}

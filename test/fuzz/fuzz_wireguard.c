/* fuzz_wireguard.c - what tells about WireGuard from outside, by the first byte: 'u' an answer of WireGuard in user space, 'l' messages
 * of rtnetlink, 'g' a device from generic netlink, 'q' a file of wg-quick, 'j' an answer of a VPN service. */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "wireguard/genl_message.h"
#include "wireguard/join.h"
#include "wireguard/link_message.h"
#include "wireguard/quick.h"
#include "wireguard/uapi_text.h"
#include "wireguard/want.h"

static void check_networks(const struct hv_wg_peer *p) {
        for (size_t i = 0; i < p->networks.n; i++) {
                struct hv_cidr network = hv_wg_network(&p->networks.v[i]);

                FUZZ_CHECK(p->networks.v[i].bits <= (p->networks.v[i].address.is_v6 ? 128U : 32U));
                FUZZ_CHECK(hv_wg_cidr_compare(&network, &p->networks.v[i]) == 0);
        }
}

static void check_interface(const struct hv_wg_interface *i) {
        char text[HV_WG_ENDPOINT_SIZE];

        FUZZ_CHECK(!i->private_key && memchr(i->alias, '\0', sizeof i->alias));
        for (size_t k = 0; k < i->peers.n; k++) {
                struct hv_wg_endpoint again = {};

                FUZZ_CHECK(!i->peers.v[k].preshared_key);
                check_networks(&i->peers.v[k]);
                if (i->peers.v[k].endpoint.port) {
                        FUZZ_CHECK(hv_wg_endpoint_parse(hv_wg_endpoint_format(&i->peers.v[k].endpoint, text),
                                                        &again));
                        FUZZ_CHECK(hv_wg_endpoint_equal(&again, &i->peers.v[k].endpoint));
                }
        }
        for (size_t k = 0; k < i->addresses.n; k++)
                FUZZ_CHECK(i->addresses.v[k].cidr.bits <=
                           (i->addresses.v[k].cidr.address.is_v6 ? 128U : 32U));
}

static void uapi(const uint8_t *data, size_t size) {
        struct hv_wg_interface into = {};
        struct hv_err err = {};
        char *text = malloc(size + !size);
        int r;

        memcpy(text, data, size);
        r = hv_wg_uapi_parse(text, size, &into, &err);
        FUZZ_CHECK(r == 0 || (r < 0 && *err.msg));
        check_interface(&into);
        hv_wg_interface_done(&into);
        free(text);
}

/* Type, length and bytes of a message; netlink's own header is the kernel's, and checked by libmnl. */
static void links(const uint8_t *data, size_t size) {
        struct hv_wg_interface into = { .index = 1 };

        while (size >= 2) {
                size_t len = HV_MIN((size_t) data[1] * 4, size - 2);
                /* The kernel's messages are padded, and libmnl walks to the end of that. */
                struct nlmsghdr *m = calloc(1, NLMSG_ALIGN(NLMSG_HDRLEN + len));
                char name[HV_WG_INTERFACE_SIZE];
                int index;

                *m = (struct nlmsghdr){ .nlmsg_len = (uint32_t) (NLMSG_HDRLEN + len), .nlmsg_type = data[0] };
                memcpy((char *) m + NLMSG_HDRLEN, data + 2, len);
                (void) hv_wg_read_link(m, &into, NULL);
                into.index = 1;
                (void) hv_wg_read_address(m, &into, NULL);
                (void) hv_wg_read_route(m, &into, NULL);
                if (hv_wg_read_notice(m, &index, name))
                        FUZZ_CHECK(index != 0 && memchr(name, '\0', sizeof name));
                free(m);
                data += 2 + len;
                size -= 2 + len;
        }
        check_interface(&into);
        hv_wg_interface_done(&into);
}

/* Attributes behind the header of generic netlink, twice: a dump goes on where it stopped. */
static void device(const uint8_t *data, size_t size) {
        size_t len = NLMSG_HDRLEN + 4 + HV_MIN(size, (size_t) 32768);
        struct nlmsghdr *m = calloc(1, NLMSG_ALIGN(len));
        struct hv_wg_interface into = {};
        struct hv_err err = {};
        uint16_t family = 0;

        m->nlmsg_len = (uint32_t) len;
        memcpy((char *) m + NLMSG_HDRLEN + 4, data, len - NLMSG_HDRLEN - 4);
        for (unsigned i = 0; i < 2; i++)
                FUZZ_CHECK(hv_wg_genl_read_device(m, &into, &err) == 0 || *err.msg);
        (void) hv_wg_genl_read_family(m, &family);
        check_interface(&into);
        hv_wg_interface_done(&into);
        free(m);
}

/* What is taken can be wanted. */
static void quick(const uint8_t *data, size_t size) {
        struct hv_wg_interface want = {};
        struct hv_wg_quick q;
        struct hv_err err = {};
        char *text = malloc(size + !size);

        memcpy(text, data, size);
        if (hv_wg_quick_read(text, size, "wg0", &q, &err) < 0)
                FUZZ_CHECK(*err.msg);
        else {
                const struct hv_wg_keys keys = { .private_key = q.private_key };

                FUZZ_CHECK(hv_wg_want(&q.spec, &keys, "x", &want, &err) == 0);
                FUZZ_CHECK(want.peers.n == q.preshared.n && want.addresses.n == q.spec.addresses.n);
                hv_wg_interface_done(&want);
                hv_wg_quick_done(&q);
        }
        free(text);
}

/* An answer of a VPN service: what is given can be wanted. */
static void join(const uint8_t *data, size_t size) {
        const struct hv_wg_join_answer answer = { .status = 200,
                                                  .body = (const char *) data,
                                                  .body_len = size };
        struct hv_wg_interface want = {};
        struct hv_wg_join join;
        struct hv_err err = {};

        if (hv_wg_join_read(&answer, "hive0", &join, &err) != HV_WG_JOIN_GIVEN)
                FUZZ_CHECK(*err.msg && !join.config);
        else {
                const struct hv_wg_keys keys = { .private_key = join.quick.private_key };

                FUZZ_CHECK(hv_wg_want(&join.quick.spec, &keys, "x", &want, &err) == 0);
                FUZZ_CHECK(want.addresses.n >= 1 && want.addresses.n <= 4 && want.peers.n >= 1 &&
                           want.peers.n <= 8);
                hv_wg_interface_done(&want);
        }
        hv_wg_join_done(&join);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        if (*data == 'l')
                links(data + 1, size - 1);
        else if (*data == 'g')
                device(data + 1, size - 1);
        else if (*data == 'j')
                join(data + 1, size - 1);
        else if (*data == 'q')
                quick(data + 1, size - 1);
        else
                uapi(data + 1, size - 1);
        return 0;
}

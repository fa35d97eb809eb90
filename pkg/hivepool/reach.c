/* hivepool/reach.c - see reach.h. */
#include "hivepool/reach.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/vec.h"
#include "spec/value_net.h"

#define PORT_MAX 65535

struct hv_reach {
        HV_VEC(struct hv_cidr) networks;
};

static const char *const private_networks[] = {
        "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16", /* RFC 1918 */
        "100.64.0.0/10",                                    /* RFC 6598 */
        "fc00::/7",                                         /* RFC 4193 */
};

static int add(struct hv_reach *r, const char *text, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_cidr c = {};

        if (hv_value_address(text, &c.address, NULL) == 0)
                c.bits = c.address.is_v6 ? 128 : 32;
        else if (hv_value_cidr(text, &c, NULL) < 0)
                return hv_err_set(err, -EINVAL,
                                  "expected an address or a network such as 10.0.0.0/24, found %s",
                                  hv_text_quote(text, quoted));
        hv_vec_push(&r->networks, c);
        return 0;
}

int hv_reach_new(const char *const *networks, size_t n, struct hv_reach **ret, struct hv_err *err) {
        _hv_cleanup_(hv_reach_freep) struct hv_reach *reach = HV_NEW(struct hv_reach);
        int r = 0;

        if (n == 0) {
                networks = private_networks;
                n = HV_ARRAY_SIZE(private_networks);
        }
        for (size_t i = 0; i < n && r >= 0; i++)
                r = add(reach, networks[i], err);
        if (r >= 0)
                *ret = HV_STEAL(reach);
        return r;
}

struct hv_reach *hv_reach_free(struct hv_reach *r) {
        if (!r)
                return NULL;
        hv_vec_done(&r->networks);
        free(r);
        return NULL;
}

int hv_reach_check(const struct hv_reach *r, const char *host, int port, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_address a;

        if (port < 0 || port > PORT_MAX)
                return hv_err_set(err, -EINVAL, "port: expected 1 to %d, found %d", PORT_MAX, port);
        if (hv_value_address(host, &a, NULL) < 0)
                return hv_err_set(err, -EINVAL, "hostname: expected an address such as 10.0.0.17, found %s",
                                  hv_text_quote(host, quoted));
        for (size_t i = 0; i < r->networks.n; i++)
                if (hv_cidr_contains(&r->networks.v[i], &a))
                        return 0;
        return hv_err_set(err, -EINVAL,
                          "hostname: %s is in no network in which this pool calls nodes (--node-network)",
                          host);
}

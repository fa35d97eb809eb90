/* wireguard/model.c - see model.h. */
#include "wireguard/model.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/parse.h"
#include "base/sha256.h"

void hv_wg_peer_done(struct hv_wg_peer *p) {
        (void) hv_secret_free(p->preshared_key);
        hv_vec_done(&p->networks);
        *p = (struct hv_wg_peer){};
}

void hv_wg_interface_done(struct hv_wg_interface *i) {
        for (size_t k = 0; k < i->peers.n; k++)
                hv_wg_peer_done(&i->peers.v[k]);
        hv_vec_done(&i->peers);
        hv_vec_done(&i->addresses);
        hv_vec_done(&i->routes);
        (void) hv_secret_free(i->private_key);
        *i = (struct hv_wg_interface){};
}

/* --- keys --- */

struct hv_wg_seal hv_wg_seal(const void *key) {
        static const unsigned char none[HV_WG_KEY_SIZE];
        struct hv_wg_seal seal = {};
        struct hv_sha256 s;

        if (memcmp(key, none, sizeof none) == 0)
                return seal;
        hv_sha256_init(&s);
        hv_sha256_add(&s, key, HV_WG_KEY_SIZE);
        hv_sha256_finish(&s, seal.bytes);
        explicit_bzero(&s, sizeof s); /* its block holds the key */
        return seal;
}

bool hv_wg_seal_is_set(const struct hv_wg_seal *s) {
        static const struct hv_wg_seal none;

        return memcmp(s, &none, sizeof none) != 0;
}

bool hv_wg_key_equal(const struct hv_wg_key *a, const struct hv_wg_key *b) {
        return memcmp(a, b, sizeof *a) == 0;
}

const char *hv_wg_key_text(const struct hv_wg_key *k, char ret[HV_WG_KEY_TEXT_SIZE]) {
        hv_base64_encode(k->bytes, sizeof k->bytes, ret);
        return ret;
}

/* --- endpoints --- */

bool hv_wg_endpoint_equal(const struct hv_wg_endpoint *a, const struct hv_wg_endpoint *b) {
        if (a->port == 0 || b->port == 0)
                return a->port == b->port;
        return a->port == b->port && a->scope == b->scope && hv_address_equal(&a->address, &b->address);
}

const char *hv_wg_endpoint_format(const struct hv_wg_endpoint *e, char ret[HV_WG_ENDPOINT_SIZE]) {
        char address[HV_ADDRESS_SIZE], scope[sizeof "%4294967295"] = "";

        if (e->port == 0) {
                (void) snprintf(ret, HV_WG_ENDPOINT_SIZE, "(none)");
                return ret;
        }
        if (e->scope)
                (void) snprintf(scope, sizeof scope, "%%%u", e->scope);
        (void) hv_address_format(&e->address, address);
        (void) snprintf(ret, HV_WG_ENDPOINT_SIZE, e->address.is_v6 ? "[%s%s]:%u" : "%s%s:%u", address, scope,
                        e->port);
        return ret;
}

bool hv_wg_endpoint_parse(const char *text, struct hv_wg_endpoint *ret) {
        const char *colon = strrchr(text, ':');
        char address[HV_WG_ENDPOINT_SIZE], *start = address, *percent;
        struct hv_wg_endpoint e = {};
        uint64_t port, scope = 0;
        size_t len;

        if (!colon || (size_t) (colon - text) >= sizeof address ||
            !hv_parse_uint(colon + 1, 1, UINT16_MAX, &port))
                return false;
        len = (size_t) (colon - text);
        memcpy(address, text, len);
        address[len] = '\0';
        if (*address == '[') {
                if (address[len - 1] != ']')
                        return false;
                address[len - 1] = '\0';
                start++;
        }
        percent = strchr(start, '%');
        if (percent) {
                *percent = '\0';
                if (!hv_parse_uint(percent + 1, 1, UINT32_MAX, &scope))
                        return false;
        }
        if (!hv_address_parse(start, &e.address) || e.address.is_v6 != (start != address) ||
            (scope && !e.address.is_v6))
                return false;
        e.port = (uint16_t) port;
        e.scope = (uint32_t) scope;
        *ret = e;
        return true;
}

/* --- networks --- */

int hv_wg_cidr_compare(const struct hv_cidr *a, const struct hv_cidr *b) {
        int r;

        if (a->address.is_v6 != b->address.is_v6)
                return a->address.is_v6 ? 1 : -1;
        r = memcmp(a->address.bytes, b->address.bytes, a->address.is_v6 ? 16 : 4);
        if (r)
                return r;
        return (a->bits > b->bits) - (a->bits < b->bits);
}

struct hv_cidr hv_wg_network(const struct hv_cidr *c) {
        struct hv_cidr n = *c;
        size_t size = c->address.is_v6 ? 16 : 4;

        for (size_t i = 0; i < size; i++) {
                unsigned kept = c->bits > i * 8 ? HV_MIN(c->bits - (unsigned) i * 8, 8U) : 0;

                n.address.bytes[i] &= (unsigned char) (0xff00 >> kept);
        }
        return n;
}

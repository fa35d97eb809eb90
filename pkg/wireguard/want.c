/* wireguard/want.c - see want.h. */
#include "wireguard/want.h"

#include <errno.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/time.h"

void hv_wg_alias(const char *node_id, char ret[HV_WG_ALIAS_SIZE]) {
        (void) snprintf(ret, HV_WG_ALIAS_SIZE, "hivelet:%s", node_id);
}

int hv_wg_key_decode(const struct hv_secret *text, struct hv_secret **ret, struct hv_err *err) {
        const char *base64 = hv_secret_bytes(text);
        unsigned char key[HV_WG_KEY_SIZE + 2];
        size_t n = hv_secret_len(text), size = 0;
        int r = 0;

        while (n > 0 && (base64[n - 1] == '\n' || base64[n - 1] == '\r' || base64[n - 1] == ' '))
                n--;
        if (n != HV_WG_KEY_TEXT_SIZE - 1 || !hv_base64_decode(base64, n, key, &size) ||
            size != HV_WG_KEY_SIZE)
                r = hv_err_set(err, -EINVAL,
                               "not a WireGuard key: %zu characters, expected %d of base64 that end in \"=\"",
                               n, HV_WG_KEY_TEXT_SIZE - 1);
        else
                *ret = hv_secret_new(key, HV_WG_KEY_SIZE);
        explicit_bzero(key, sizeof key);
        return r;
}

static int bad_value(struct hv_err *err, const char *what, const struct hv_fault *fault) {
        return hv_err_set(err, -EINVAL, "%s: %s", what, fault->message);
}

/* --- peers --- */

static void add_network(struct hv_wg_peer *p, const struct hv_cidr *c) {
        struct hv_cidr network = hv_wg_network(c);

        for (size_t i = 0; i < p->networks.n; i++)
                if (hv_wg_cidr_compare(&p->networks.v[i], &network) == 0)
                        return;
        hv_vec_push(&p->networks, network);
}

static int want_networks(const struct hv_spec_peer *spec, struct hv_wg_peer *p, struct hv_err *err) {
        for (size_t i = 0; i < spec->allowed_ips.n; i++) {
                struct hv_fault fault;
                struct hv_cidr c;

                if (hv_value_cidr(spec->allowed_ips.v[i], &c, &fault) != 0)
                        return bad_value(err, "allowedIPs", &fault);
                add_network(p, &c);
        }
        return 0;
}

static int want_preshared_key(const struct hv_spec_peer *spec, const struct hv_wg_keys *keys,
                              struct hv_wg_peer *p, struct hv_err *err) {
        const struct hv_secret *text;
        int r;

        text = keys->preshared_key ? keys->preshared_key(keys->userdata, spec) : NULL;
        if (!text && (spec->preshared_key.secret || spec->preshared_key.file))
                return hv_err_set(err, -ENOKEY, "its preshared key cannot be had");
        if (!text)
                return 0;
        r = hv_wg_key_decode(text, &p->preshared_key, err);
        if (r < 0)
                return hv_err_prefix(err, r, "presharedKey");
        p->preshared_seal = hv_wg_seal(hv_secret_bytes(p->preshared_key));
        return 0;
}

static int want_endpoint(const struct hv_spec_peer *spec, struct hv_wg_peer *p, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        struct hv_endpoint e;
        struct hv_fault fault;

        if (hv_str_empty(spec->endpoint))
                return 0;
        if (hv_value_endpoint(spec->endpoint, "E0326", a, &e, &fault) != 0)
                return bad_value(err, "endpoint", &fault);
        if (e.is_address)
                p->endpoint = (struct hv_wg_endpoint){ .address = e.address, .port = e.port };
        return 0;
}

static int want_peer(const struct hv_spec_peer *spec, const struct hv_wg_keys *keys, struct hv_wg_peer *p,
                     struct hv_err *err) {
        struct hv_fault fault;
        int r;

        if (hv_value_wg_key(spec->public_key, "public key", p->public_key.bytes, &fault) != 0)
                return bad_value(err, "publicKey", &fault);
        p->keepalive_s = (uint16_t) (spec->persistent_keepalive_us / HV_USEC_PER_SEC);
        r = want_networks(spec, p, err);
        if (r >= 0)
                r = want_endpoint(spec, p, err);
        return r < 0 ? r : want_preshared_key(spec, keys, p, err);
}

/* --- addresses and routes --- */

static int want_addresses(const struct hv_spec_wireguard *spec, struct hv_wg_interface *i,
                          struct hv_err *err) {
        for (size_t k = 0; k < spec->addresses.n; k++) {
                struct hv_wg_address *a = hv_vec_add(&i->addresses);
                struct hv_fault fault;

                a->is_ours = true;
                if (hv_value_address_cidr(spec->addresses.v[k], &a->cidr, &fault) != 0)
                        return bad_value(err, "addresses", &fault);
        }
        return 0;
}

static void add_route(struct hv_wg_interface *i, const struct hv_cidr *c) {
        struct hv_cidr network = hv_wg_network(c);

        for (size_t k = 0; k < i->routes.n; k++)
                if (hv_wg_cidr_compare(&i->routes.v[k].network, &network) == 0)
                        return;
        hv_vec_push(&i->routes, ((struct hv_wg_route){ network, true }));
}

/* The kernel makes the routes to the networks of the interface's own addresses. */
static bool is_covered(const struct hv_wg_interface *i, const struct hv_cidr *network) {
        for (size_t k = 0; k < i->addresses.n; k++)
                if (i->addresses.v[k].cidr.bits <= network->bits &&
                    hv_cidr_contains(&i->addresses.v[k].cidr, &network->address))
                        return true;
        return false;
}

static int want_routes(const struct hv_spec_wireguard *spec, struct hv_wg_interface *i, struct hv_err *err) {
        const char *word = spec->routes.n ? spec->routes.v[0] : "auto";
        struct hv_fault fault;
        struct hv_cidr c;

        if (hv_streq(word, "none"))
                return 0;
        if (hv_streq(word, "auto")) {
                for (size_t k = 0; k < i->peers.n; k++)
                        for (size_t n = 0; n < i->peers.v[k].networks.n; n++) {
                                const struct hv_cidr *network = &i->peers.v[k].networks.v[n];

                                if (network->bits > 0 && !is_covered(i, network))
                                        add_route(i, network);
                        }
                return 0;
        }
        for (size_t k = 0; k < spec->routes.n; k++) {
                if (hv_value_cidr(spec->routes.v[k], &c, &fault) != 0)
                        return bad_value(err, "routes", &fault);
                add_route(i, &c);
        }
        return 0;
}

/* --- all --- */

static int want_private_key(const struct hv_wg_keys *keys, struct hv_wg_interface *i, struct hv_err *err) {
        int r;

        if (!keys->private_key)
                return hv_err_set(err, -ENOKEY, "its private key cannot be had");
        r = hv_wg_key_decode(keys->private_key, &i->private_key, err);
        if (r < 0)
                return hv_err_prefix(err, r, "privateKey");
        i->private_seal = hv_wg_seal(hv_secret_bytes(i->private_key));
        return 0;
}

int hv_wg_want(const struct hv_spec_wireguard *spec, const struct hv_wg_keys *keys, const char *alias,
               struct hv_wg_interface *ret, struct hv_err *err) {
        _hv_cleanup_(hv_wg_interface_done) struct hv_wg_interface i = { .kind = HV_WG_LINK_KERNEL };
        int r;

        (void) snprintf(i.name, sizeof i.name, "%s", spec->o.name);
        (void) snprintf(i.alias, sizeof i.alias, "%s", alias);
        i.mtu = (uint32_t) spec->mtu;
        i.listen_port = (uint16_t) spec->listen_port;
        i.firewall_mark = (uint32_t) spec->firewall_mark;
        r = want_private_key(keys, &i, err);
        for (size_t k = 0; r >= 0 && k < spec->peers.n; k++) {
                r = want_peer(&spec->peers.v[k], keys, hv_vec_add(&i.peers), err);
                if (r < 0)
                        (void) hv_err_prefix(err, r, "peer %s", spec->peers.v[k].name);
        }
        if (r >= 0)
                r = want_addresses(spec, &i, err);
        if (r >= 0)
                r = want_routes(spec, &i, err);
        if (r < 0)
                return hv_err_prefix(err, r, "WireGuard %s", spec->o.name);
        *ret = i;
        i = (struct hv_wg_interface){};
        return 0;
}

/* --- where it leads --- */

static int closer(int bits, const struct hv_cidr *c, const struct hv_address *a) {
        return hv_cidr_contains(c, a) ? HV_MAX(bits, (int) c->bits) : bits;
}

int hv_wg_leads_to(const struct hv_spec_wireguard *spec, const struct hv_address *address,
                   const struct hv_spec_peer **ret_peer) {
        _hv_cleanup_(hv_wg_interface_done) struct hv_wg_interface i = {};
        int bits = -1, of_peer = -1;

        *ret_peer = NULL;
        for (size_t k = 0; k < spec->peers.n; k++) {
                struct hv_wg_peer *p = hv_vec_add(&i.peers);

                *p = (struct hv_wg_peer){};
                if (want_networks(&spec->peers.v[k], p, NULL) < 0)
                        return -1;
                for (size_t n = 0; n < p->networks.n; n++)
                        if (closer(of_peer, &p->networks.v[n], address) > of_peer) {
                                of_peer = (int) p->networks.v[n].bits;
                                *ret_peer = &spec->peers.v[k];
                        }
        }
        if (want_addresses(spec, &i, NULL) < 0 || want_routes(spec, &i, NULL) < 0)
                return -1;
        for (size_t k = 0; k < i.addresses.n; k++)
                bits = closer(bits, &i.addresses.v[k].cidr, address);
        for (size_t k = 0; k < i.routes.n; k++)
                bits = closer(bits, &i.routes.v[k].network, address);
        return bits;
}

/* spec/lower_tunnel.c - WireGuard interfaces as they are to be, and which of them an address belongs to. */
#include "base/arena.h"
#include "spec/digest.h"
#include "spec/lower_internal.h"
#include "spec/value_net.h"

static struct hv_key_source key_of(const struct hv_spec_key *k) {
        return (struct hv_key_source){ k->secret, k->file };
}

static void lower_peers(const struct hv_lowering *l, const struct hv_spec_wireguard *w, struct hv_tunnel *t) {
        struct hv_tunnel_peer *v = HV_ARENA_NEW_N(l->arena, struct hv_tunnel_peer, w->peers.n);

        for (size_t i = 0; i < w->peers.n; i++) {
                const struct hv_spec_peer *p = &w->peers.v[i];

                v[i] = (struct hv_tunnel_peer){
                        .name = p->name,
                        .public_key = p->public_key,
                        .preshared_key = key_of(&p->preshared_key),
                        .endpoint = p->endpoint,
                        .resolve_us = p->resolve.interval_us,
                        .on_stale_us = p->resolve.on_stale_handshake_us,
                        .allowed_ips = p->allowed_ips,
                        .keepalive_us = p->persistent_keepalive_us,
                };
        }
        t->peers = v;
        t->n_peers = w->peers.n;
}

static void lower_routes(const struct hv_spec_wireguard *w, struct hv_tunnel *t) {
        if (w->routes.n == 1 && hv_streq(w->routes.v[0], "auto"))
                t->routes_mode = HV_TUNNEL_ROUTES_AUTO;
        else if (w->routes.n == 1 && hv_streq(w->routes.v[0], "none"))
                t->routes_mode = HV_TUNNEL_ROUTES_NONE;
        else {
                t->routes_mode = HV_TUNNEL_ROUTES_LISTED;
                t->routes = w->routes;
        }
}

void hv_lower_tunnels(const struct hv_lowering *l, struct hv_desired *d) {
        size_t n = l->state->wireguard.n; /* sorted by name */
        struct hv_tunnel *v = HV_ARENA_NEW_N(l->arena, struct hv_tunnel, n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_wireguard *w = &l->state->wireguard.v[i];

                v[i] = (struct hv_tunnel){
                        .name = w->o.name,
                        .private_key = key_of(&w->private_key),
                        .addresses = w->addresses,
                        .listen_port = (uint16_t) w->listen_port,
                        .mtu = (uint32_t) w->mtu,
                        .firewall_mark = (uint32_t) w->firewall_mark,
                        .healthy_peers = w->healthy.peers,
                        .max_handshake_age_us = w->healthy.max_handshake_age_us,
                        .join_url = w->join.url,
                        .join_name = !w->join.url          ? NULL
                                     : w->join.client_name ? w->join.client_name
                                                           : l->tree->node_id,
                        .origin = hv_lower_origin(l, &w->o),
                };
                lower_routes(w, &v[i]);
                lower_peers(l, w, &v[i]);
                hv_tunnel_digest(&v[i], v[i].digest);
        }
        d->tunnels = v;
        d->n_tunnels = n;
}

const char *hv_lower_tunnel_of(const struct hv_lowering *l, const char *address) {
        struct hv_address wanted, own;
        struct hv_cidr cidr;

        if (!hv_address_parse(address, &wanted))
                return NULL;
        for (size_t i = 0; i < l->state->wireguard.n; i++) {
                const struct hv_spec_wireguard *w = &l->state->wireguard.v[i];

                for (size_t j = 0; j < w->addresses.n; j++) {
                        if (hv_value_address_cidr(w->addresses.v[j], &cidr, NULL) < 0)
                                continue;
                        own = cidr.address;
                        if (hv_address_equal(&own, &wanted))
                                return w->o.name;
                }
        }
        return NULL;
}

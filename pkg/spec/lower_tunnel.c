/* spec/lower_tunnel.c - WireGuard interfaces as they are to be, and which of them an address belongs to. */
#include "base/arena.h"
#include "spec/digest.h"
#include "spec/lower_internal.h"
#include "spec/value_net.h"

void hv_lower_tunnels(const struct hv_lowering *l, struct hv_desired *d) {
        size_t n = l->state->wireguard.n; /* sorted by name */
        struct hv_tunnel *v = HV_ARENA_NEW_N(l->arena, struct hv_tunnel, n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_wireguard *w = &l->state->wireguard.v[i];

                v[i] = (struct hv_tunnel){ .name = w->o.name,
                                           .spec = w,
                                           .origin = hv_lower_origin(l, &w->o) };
                hv_tunnel_digest(w, v[i].digest);
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

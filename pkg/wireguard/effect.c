/* wireguard/effect.c - see effect.h. */
#include "wireguard/effect.h"

#include <stdio.h>

const struct hv_wg_address *hv_wg_address_find(const struct hv_wg_interface *i,
                                               const struct hv_cidr *address) {
        for (size_t k = 0; k < i->addresses.n; k++)
                if (hv_wg_cidr_compare(&i->addresses.v[k].cidr, address) == 0)
                        return &i->addresses.v[k];
        return NULL;
}

const struct hv_wg_route *hv_wg_route_find(const struct hv_wg_interface *i, const struct hv_cidr *network) {
        for (size_t k = 0; k < i->routes.n; k++)
                if (hv_wg_cidr_compare(&i->routes.v[k].network, network) == 0)
                        return &i->routes.v[k];
        return NULL;
}

struct hv_wg_peer *hv_wg_peer_find(const struct hv_wg_interface *i, const struct hv_wg_key *key) {
        for (size_t k = 0; k < i->peers.n; k++)
                if (hv_wg_key_equal(&i->peers.v[k].public_key, key))
                        return &i->peers.v[k];
        return NULL;
}

/* --- peers --- */

static void take_network(struct hv_wg_interface *have, const struct hv_cidr *network) {
        for (size_t i = 0; i < have->peers.n; i++) {
                struct hv_wg_peer *p = &have->peers.v[i];

                for (size_t k = 0; k < p->networks.n; k++)
                        if (hv_wg_cidr_compare(&p->networks.v[k], network) == 0)
                                p->networks.v[k--] = p->networks.v[--p->networks.n];
        }
}

static void set_peer(struct hv_wg_interface *have, const struct hv_wg_step *s) {
        struct hv_wg_peer *p = hv_wg_peer_find(have, &s->peer->public_key);

        if (!p && !(s->fields & HV_WG_NEW))
                return;
        if (!p) {
                p = hv_vec_add(&have->peers);
                p->public_key = s->peer->public_key;
        }
        if (s->fields & HV_WG_PRESHARED_KEY)
                p->preshared_seal = s->peer->preshared_seal;
        if (s->fields & HV_WG_ENDPOINT)
                p->endpoint = s->peer->endpoint;
        if (s->fields & HV_WG_KEEPALIVE)
                p->keepalive_s = s->peer->keepalive_s;
        for (size_t i = 0; i < s->n_networks; i++) {
                take_network(have, &s->networks[i]);
                hv_vec_push(&p->networks, s->networks[i]);
        }
}

static void remove_peer(struct hv_wg_interface *have, const struct hv_wg_key *key) {
        struct hv_wg_peer *p = hv_wg_peer_find(have, key);

        if (!p)
                return;
        hv_wg_peer_done(p);
        *p = have->peers.v[--have->peers.n];
}

/* --- addresses and routes --- */

static void add_address(struct hv_wg_interface *have, const struct hv_wg_step *s) {
        bool secondary = false;

        if (hv_wg_address_find(have, &s->cidr))
                return;
        for (size_t i = 0; i < have->addresses.n; i++) {
                const struct hv_wg_address *a = &have->addresses.v[i];

                secondary |= !s->cidr.address.is_v6 && !a->is_secondary && a->cidr.bits == s->cidr.bits &&
                             hv_cidr_equal(&a->cidr, &s->cidr);
        }
        hv_vec_push(&have->addresses, ((struct hv_wg_address){ s->cidr, s->is_ours, secondary }));
}

static void remove_address(struct hv_wg_interface *have, const struct hv_cidr *address) {
        const struct hv_wg_address *gone = hv_wg_address_find(have, address);
        bool with_secondaries = gone && !gone->is_secondary && !address->address.is_v6;
        size_t n = 0, n_v4 = 0;

        for (size_t i = 0; i < have->addresses.n; i++) {
                struct hv_wg_address *a = &have->addresses.v[i];

                if (hv_wg_cidr_compare(&a->cidr, address) == 0 ||
                    (with_secondaries && a->is_secondary && hv_cidr_equal(&a->cidr, address)))
                        continue;
                n_v4 += !a->cidr.address.is_v6;
                have->addresses.v[n++] = *a;
        }
        have->addresses.n = n;
        if (n_v4 > 0 || address->address.is_v6)
                return;
        n = 0;
        for (size_t i = 0; i < have->routes.n; i++)
                if (have->routes.v[i].network.address.is_v6)
                        have->routes.v[n++] = have->routes.v[i];
        have->routes.n = n;
}

static void remove_route(struct hv_wg_interface *have, const struct hv_cidr *network) {
        for (size_t i = 0; i < have->routes.n; i++)
                if (hv_wg_cidr_compare(&have->routes.v[i].network, network) == 0)
                        have->routes.v[i--] = have->routes.v[--have->routes.n];
}

void hv_wg_effect(struct hv_wg_interface *have, const struct hv_wg_step *s) {
        switch (s->kind) {
        case HV_WG_LINK_ADD:
                have->kind = s->want->kind;
                return;
        case HV_WG_LINK_MARK:
                (void) snprintf(have->alias, sizeof have->alias, "%s", s->want->alias);
                return;
        case HV_WG_LINK_MTU:
                have->mtu = s->want->mtu;
                return;
        case HV_WG_LINK_UP:
                have->is_up = true;
                return;
        case HV_WG_LINK_REMOVE:
                hv_wg_interface_done(have);
                return;
        case HV_WG_DEVICE_SET:
                if (s->fields & HV_WG_PRIVATE_KEY)
                        have->private_seal = s->want->private_seal;
                if (s->fields & HV_WG_LISTEN_PORT)
                        have->listen_port = s->want->listen_port;
                if (s->fields & HV_WG_FIREWALL_MARK)
                        have->firewall_mark = s->want->firewall_mark;
                return;
        case HV_WG_PEER_SET:
                set_peer(have, s);
                return;
        case HV_WG_NETWORKS_DROP:
                for (size_t i = 0; i < s->n_networks; i++)
                        take_network(have, &s->networks[i]);
                return;
        case HV_WG_PEER_REMOVE:
                remove_peer(have, &s->peer->public_key);
                return;
        case HV_WG_ADDRESS_ADD:
                add_address(have, s);
                return;
        case HV_WG_ADDRESS_REMOVE:
                remove_address(have, &s->cidr);
                return;
        case HV_WG_ROUTE_ADD:
                hv_vec_push(&have->routes, ((struct hv_wg_route){ s->cidr, true }));
                return;
        case HV_WG_ROUTE_REMOVE:
                remove_route(have, &s->cidr);
                return;
        case HV_WG_STEP_KINDS:
                return;
        }
}

/* agent/pool_gate.c - the tunnel that the pool is reached through. See pool.h.
 *
 *      master.address is an address that one of the declared tunnels leads to (the narrowest network wins)   --> that tunnel
 *      else, dialect hivemind, without an address to listen on or to advertise: the pool calls the tunnel's   --> the first one
 *      else                                                                                                   --> none
 *
 * Rule     Open when the interface is as it is declared, and the peer that the address belongs to is heard. A peer without
 *          persistentKeepalive is silent as long as nobody speaks to it: there the first call wakes it, so it is not waited for.
 *          A name instead of an address is dialled as it is: where it leads is known to nobody before that. */
#include "agent/pool.h"
#include "agent/tunnels.h"
#include "base/arena.h"
#include "spec/types.h"
#include "spec/value_net.h"
#include "wireguard/want.h"

static bool calls_this_node(const struct hv_spec_master *m) {
        return m->protocol == HV_DIALECT_HIVEMIND && !m->advertise && (!m->listen || *m->listen == ':');
}

void hv_agent_pool_find_gate(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_desired *d = p->desired;
        struct hv_endpoint e;
        int closest = -1;

        p->tunnel = NULL;
        p->tunnel_wakes = false;
        if (!p->master || hv_str_empty(p->master->address))
                return;
        if (hv_value_endpoint(p->master->address, "E0501", arena, &e, NULL) == 0 && e.is_address)
                for (size_t i = 0; i < d->n_tunnels; i++) {
                        const struct hv_spec_peer *peer;
                        int bits = hv_wg_leads_to(d->tunnels[i].spec, &e.address, &peer);

                        if (bits <= closest)
                                continue;
                        closest = bits;
                        p->tunnel = d->tunnels[i].name;
                        p->tunnel_wakes = peer && peer->persistent_keepalive_us;
                }
        if (!p->tunnel && calls_this_node(p->master) && d->n_tunnels)
                p->tunnel = d->tunnels[0].name;
}

const char *hv_agent_pool_gate(const struct hv_agent_pool *p, struct hv_arena *arena) {
        struct hv_agent_tunnel t;

        if (!p->tunnel)
                return NULL;
        if (!hv_agent_tunnel_get(p->agent, p->tunnel, &t) || !t.is_up)
                return hv_arena_printf(arena, "it waits for WireGuard %s, which is not as it is wanted",
                                       p->tunnel);
        if (p->tunnel_wakes && !t.is_healthy)
                return hv_arena_printf(arena, "it waits for WireGuard %s: %s", p->tunnel,
                                       *t.message ? t.message : "no peer was heard within three minutes");
        return NULL;
}

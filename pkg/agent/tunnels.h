/* agent/tunnels.h - the WireGuard interfaces of this node. Private to pkg/agent.
 *
 *      revision in force --> what each is to be (wireguard/want.h) --> wireguard/tunnel.h keeps it so --> core, status
 *
 * Model    Nothing of it exists on a node that declares no interface and has none of ours left: no socket, no timer.
 * Looks    when the kernel tells of a change, when what is wanted changes, at each node.reconcile.resync, and when somebody's health
 *          may have changed: while a handshake is missed every few seconds, else when the youngest one gets too old.
 */
#pragma once

#include "agent/private.h"
#include "wireguard/tunnel.h"

struct hv_agent_tunnels;

void hv_agent_tunnels_follow(struct hv_agent *a, const struct hv_desired *d); /* d is in force now */
void hv_agent_tunnels_told(struct hv_agent *a,
                           const char *name);   /* there is a new word about its join (agent/joins.h) */
void hv_agent_tunnels_look(struct hv_agent *a); /* somebody wants to know now */
void hv_agent_tunnels_end(struct hv_agent *a);  /* leaves every interface as it is */

/* One of those that are declared, as it was last seen; borrowed for this turn of the loop. */
struct hv_agent_tunnel {
        const struct hv_tunnel *want;
        const struct hv_wg_interface *seen;
        const char *public_key; /* of this node; "": its key cannot be had */
        enum hv_tunnel_state state;
        bool is_up;          /* as the revision in force wants it */
        bool is_healthy;     /* and its peers are heard */
        const char *message; /* what keeps it from being as it is wanted, or healthy; "" */
};
bool hv_agent_tunnel_get(const struct hv_agent *a, const char *name, struct hv_agent_tunnel *ret);
/* Why the endpoint of a peer is not known; NULL: it is. */
const char *hv_agent_tunnel_fault(const struct hv_agent *a, const char *name, const struct hv_wg_key *peer);
/* Keys are read again, of all of them, and set with the next look; err: why the keys of this one cannot be had. */
int hv_agent_tunnel_read_keys(struct hv_agent *a, const char *name, struct hv_err *err);
void hv_agent_tunnel_look(struct hv_agent *a, const char *name);

/* tunnel_calls.c: what the API asks of one interface */
void hv_agent_tunnel_looked(struct hv_agent *a, const char *name, const struct hv_wg_status *status);

/* The interfaces as they were last seen. */
void hv_agent_tunnels_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *ret);

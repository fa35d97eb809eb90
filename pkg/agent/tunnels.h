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
void hv_agent_tunnels_look(struct hv_agent *a);                               /* somebody wants to know now */
void hv_agent_tunnels_end(struct hv_agent *a); /* leaves every interface as it is */

/* The interfaces as they were last seen. */
void hv_agent_tunnels_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *ret);

/* wireguard/effect.h - what a step does to an interface, as the kernel and WireGuard do it.
 *
 * Model    Pure. Planning uses it to know what is left behind its own steps (an address that goes takes others along), tests
 *          to follow a plan. The rules are those of diff.h's heading; the tests in network namespaces hold them to the
 *          kernel's.
 */
#pragma once

#include "wireguard/diff.h"

void hv_wg_effect(struct hv_wg_interface *have, const struct hv_wg_step *step);

const struct hv_wg_address *hv_wg_address_find(const struct hv_wg_interface *i,
                                               const struct hv_cidr *address);
const struct hv_wg_route *hv_wg_route_find(const struct hv_wg_interface *i, const struct hv_cidr *network);
struct hv_wg_peer *hv_wg_peer_find(const struct hv_wg_interface *i, const struct hv_wg_key *key);

/* agent/join_fit.h - does what a VPN service gave fit this node? Private to pkg/agent.
 *
 * Rules    It must not clash with anything that the desired state in force declares (spec/join.h), nor may one of its networks meet a
 *          network of another interface of this machine: traffic for the neighbours would go into the tunnel.
 */
#pragma once

#include "base/err.h"
#include "spec/types.h"

int hv_agent_join_fits(const struct hv_spec_tree *tree, const char *interface,
                       const struct hv_spec_wireguard *given, struct hv_err *err);

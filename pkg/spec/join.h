/* spec/join.h - an interface whose keys and peers a VPN service gave.
 *
 *      declared (join: {url}) + given (what the service answered) --> as if it had been declared with addresses and peers
 *
 * Model    Pure. What was given is handed in; who fetches and keeps it is pkg/agent. Every check and the lowering see the filled
 *          interface, so that it clashes, is bound to and is waited for as a declared one; the revision is that of what was written.
 * Rules    The document has the last word: name, port, mark, routes and health rule are its own, and so is the MTU where it
 *          names one. Of the networks of a given peer only what lies in the networks of the given addresses, or in `routes` of
 *          the document, is kept: a service cannot draw other traffic into the tunnel, nor speak for other addresses.
 */
#pragma once

#include "base/err.h"
#include "spec/types.h"

/* What was given for an interface with `join`; NULL: nothing yet. Good until the load is over. */
typedef const struct hv_spec_wireguard *hv_spec_given_fn(void *userdata,
                                                         const struct hv_spec_wireguard *declared);

/* Fills every interface of the tree that was given something; its `declared` list keeps what was written. */
void hv_spec_join_all(struct hv_spec_tree *tree, hv_spec_given_fn *given, void *userdata);

/* Would the tree, which is good, still be so with this? -EINVAL says with what it clashes. The interface is one of the tree's. */
int hv_spec_join_check(const struct hv_spec_tree *tree, const char *interface,
                       const struct hv_spec_wireguard *given, struct hv_err *err);

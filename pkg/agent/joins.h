/* agent/joins.h - interfaces that a VPN service gives keys and peers to. Private to pkg/agent.
 *
 *      declared with join, nothing given for this url and clientName
 *           '--> POST --> answer (wireguard/join.h) --> fits (join_fit.h) --> kept (join_store.h) --> hv_agent_joined(): in force
 *                  ^         |
 *                  '- wait --'   longer and longer, with jitter; a revision that comes into force asks at once
 *
 * Model    Asked once: what is kept is used for ever, after every restart, until url or clientName change. Then it is asked anew, and what
 *          was given before stays in use until the new answer is kept.
 * Unknown  An answer that was lost on its way, or that a crash lost before it was kept, is asked for again: the service then knows this
 *          node twice, and the first one's key is nowhere. It does nothing there; who runs the service may delete it.
 * Loop     Nothing waits for the service: one request at a time for each interface, with a deadline of its own.
 */
#pragma once

#include "agent/private.h"

void hv_agent_joins_follow(struct hv_agent *a,
                           const struct hv_desired *d); /* d is in force now; before the tunnels follow */
void hv_agent_joins_end(struct hv_agent *a);

/* Why the interface is not as its service says, for people; NULL: it is. */
const char *hv_agent_join_word(const struct hv_agent *a, const struct hv_spec_wireguard *w,
                               enum hv_reason *ret_reason);

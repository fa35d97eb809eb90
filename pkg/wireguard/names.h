/* wireguard/names.h - keeps the endpoints of a tunnel's peers where their names lead.
 *
 *      document --> names --> resolve.h --> whereabouts.h --> hv_wg_tunnel_endpoint()
 *                     ^-- hv_wg_names_looked(): what the tunnel saw, with every look
 *
 * Model    One object a tunnel, for those of its peers whose endpoint is a name. It looks every HV_WG_CHECK_US while there is one, so
 *          that a peer that has fallen silent is found; a look in sync costs one question.
 */
#pragma once

#include "spec/types.h"
#include "wireguard/resolve.h"
#include "wireguard/tunnel.h"

#define HV_WG_CHECK_US (5 * HV_USEC_PER_SEC)

struct hv_wg_names;

/* Borrows both, which must live longer. */
int hv_wg_names_new(struct sd_event *event, struct hv_wg_resolver *resolver, struct hv_wg_tunnel *tunnel,
                    struct hv_wg_names **ret, struct hv_err *err);
struct hv_wg_names *hv_wg_names_free(struct hv_wg_names *n); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_wg_names, hv_wg_names_free);

/* The peers of a document; what is known of a name that was there before stays known. Copies what it needs. Call it behind
 * hv_wg_tunnel_want(): a new want knows no address of a name, and is told those that are known. */
void hv_wg_names_want(struct hv_wg_names *n, const struct hv_spec_wireguard *spec);
void hv_wg_names_looked(struct hv_wg_names *n, const struct hv_wg_interface *seen);

/* Why the endpoint of a peer is not known; NULL: it is, or it is no name. */
const char *hv_wg_names_fault(const struct hv_wg_names *n, const struct hv_wg_key *peer);

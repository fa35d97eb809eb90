/* wireguard/want.h - what a document says of a tunnel, as the interface that is wanted.
 *
 * Rules    Allowed IPs and routes lose their host bits. An endpoint that is an address is written at once; a name is left to whoever
 *          resolves it (resolve.h, hv_wg_tunnel_endpoint()).
 *          routes auto: to each network of a peer that no address of the interface covers, but never to 0.0.0.0/0 or ::/0, which
 *          would lead the tunnel's own packets into the tunnel; who wants that lists it.
 * Pure.
 */
#pragma once

#include "base/err.h"
#include "spec/types.h"
#include "wireguard/model.h"

struct hv_wg_keys { /* as they are kept: base64, perhaps with a line end */
        const struct hv_secret *private_key;
        /* Of any peer; NULL: it has none, or (where the document names one) it cannot be had. */
        const struct hv_secret *(*preshared_key)(void *userdata, const struct hv_spec_peer *peer);
        void *userdata;
};

/* The alias that marks interfaces of this node. */
void hv_wg_alias(const char *node_id, char ret[HV_WG_ALIAS_SIZE]);

/* 32 bytes out of base64. -EINVAL says what is wrong with it and shows nothing of it. */
int hv_wg_key_decode(const struct hv_secret *text, struct hv_secret **ret, struct hv_err *err);

/* How closely a tunnel leads to an address: the bits of the narrowest network that holds it, one of its own addresses' or one that is
 * routed into it; -1: it does not. *ret_peer: whose allowedIPs hold it; NULL: nobody's. */
int hv_wg_leads_to(const struct hv_spec_wireguard *spec, const struct hv_address *address,
                   const struct hv_spec_peer **ret_peer);

/* -EINVAL: a key is none, -ENOKEY: it is missing. *ret is written only on success. */
int hv_wg_want(const struct hv_spec_wireguard *spec, const struct hv_wg_keys *keys, const char *alias,
               struct hv_wg_interface *ret, struct hv_err *err);

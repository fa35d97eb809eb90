/* wireguard/health.h - is a tunnel healthy, by its own rule?
 *
 * Rule     healthy.peers: each of them has shaken hands less than healthy.maxHandshakeAge ago. Without names any peer will do; without
 *          a rule, any one within three minutes, after which WireGuard itself gives a session up (REJECT_AFTER_TIME).
 * Pure.
 */
#pragma once

#include "spec/types.h"
#include "wireguard/model.h"

struct hv_wg_health {
        bool is_healthy;
        uint64_t until_us; /* wall clock: when that is over if nothing happens; with is_healthy only */
        uint64_t max_age_us;
        const char *silent; /* a peer that keeps it from being so; borrowed from the spec; NULL */
};

struct hv_wg_health hv_wg_health(const struct hv_spec_wireguard *spec, const struct hv_wg_interface *seen,
                                 uint64_t now_wall_us);

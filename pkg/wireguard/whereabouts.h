/* wireguard/whereabouts.h - at which address of its name a peer is to be reached.
 *
 *      found (the name's addresses) --.
 *                                     +--> keep the one in use, or write another one
 *      seen (handshake, bytes) -------'
 *
 * Model    Pure, one for each peer whose endpoint is a name.
 * Rules    The name is looked up at once, then every `interval`, and when the handshake is stale. The address in use stays as long as
 *          the name leads to it and it answers. One that the name no longer leads to is replaced by the first. One at which
 *          nothing answers is replaced by the next in turn, and written again where it is the only one: wireguard-go before
 *          2023 sends for ever from a local address that is gone, until its endpoint is set.
 * Silence  is not idleness: a peer without traffic has an old handshake, too. Stale means that something was sent and nothing came
 *          back: for `on_stale` since the last handshake, and for HV_WG_TRY_US since the address was written (WireGuard sends a
 *          handshake every 5 s, REKEY_TIMEOUT).
 */
#pragma once

#include "base/time.h"
#include "wireguard/model.h"
#include "wireguard/resolve.h"

#define HV_WG_TRY_US (15 * HV_USEC_PER_SEC)

struct hv_wg_whereabouts {
        /* set by the owner */
        uint64_t interval_us, on_stale_us;
        uint16_t port;

        struct hv_wg_found found; /* n 0: never found */
        size_t at;
        uint64_t next_lookup_us;      /* 0: at once */
        uint64_t written_us;          /* when the address was chosen */
        uint64_t rx_bytes, tx_bytes;  /* when something came back for the last time */
        uint64_t unanswered_since_us; /* something was sent after that; 0: nothing was */
        bool is_silent;
};

/* All times are CLOCK_BOOTTIME. */
bool hv_wg_whereabouts_is_due(const struct hv_wg_whereabouts *w, uint64_t now_us);

/* A lookup ended; `found` NULL: it failed, and what was known stays. True: *ret is to be written. */
bool hv_wg_whereabouts_found(struct hv_wg_whereabouts *w, const struct hv_wg_found *found, uint64_t now_us,
                             struct hv_wg_endpoint *ret);

/* The peer as it was seen now. Makes a lookup due when it is silent. `realtime_us` is the clock of its handshake. */
void hv_wg_whereabouts_seen(struct hv_wg_whereabouts *w, const struct hv_wg_peer *seen, uint64_t now_us,
                            uint64_t realtime_us);

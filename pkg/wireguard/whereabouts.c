/* wireguard/whereabouts.c - see whereabouts.h. */
#include "wireguard/whereabouts.h"

bool hv_wg_whereabouts_is_due(const struct hv_wg_whereabouts *w, uint64_t now_us) {
        return now_us >= w->next_lookup_us;
}

static bool leads_to(const struct hv_wg_found *found, const struct hv_address *address, size_t *ret) {
        for (size_t i = 0; i < found->n; i++)
                if (hv_address_equal(&found->v[i], address)) {
                        *ret = i;
                        return true;
                }
        return false;
}

bool hv_wg_whereabouts_found(struct hv_wg_whereabouts *w, const struct hv_wg_found *found, uint64_t now_us,
                             struct hv_wg_endpoint *ret) {
        bool has_one = w->found.n > 0, stays;
        size_t at = 0;

        /* A name that cannot be looked up is asked for again sooner: the resolver may have come up after us. */
        w->next_lookup_us =
                hv_time_add(now_us, found ? w->interval_us : HV_MIN(w->interval_us, HV_WG_TRY_US));
        if (!found && !(w->is_silent && has_one))
                return false;
        stays = has_one && (!found || leads_to(found, &w->found.v[w->at], &at));
        if (!found)
                at = w->at;
        if (stays && w->is_silent)
                at = (at + 1) % (found ? found->n : w->found.n);
        if (found)
                w->found = *found;
        w->at = at;
        if (stays && !w->is_silent)
                return false;
        w->is_silent = false;
        w->written_us = now_us;
        w->unanswered_since_us = 0;
        *ret = (struct hv_wg_endpoint){ .address = w->found.v[at], .port = w->port };
        return true;
}

void hv_wg_whereabouts_seen(struct hv_wg_whereabouts *w, const struct hv_wg_peer *seen, uint64_t now_us,
                            uint64_t realtime_us) {
        uint64_t age_us = realtime_us > seen->handshake_us ? realtime_us - seen->handshake_us : 0;

        if (seen->rx_bytes != w->rx_bytes) { /* something came; or the counters began anew */
                w->rx_bytes = seen->rx_bytes;
                w->tx_bytes = seen->tx_bytes;
                w->unanswered_since_us = 0;
        } else if (seen->tx_bytes != w->tx_bytes && !w->unanswered_since_us)
                w->unanswered_since_us = now_us;
        w->is_silent = w->found.n && w->unanswered_since_us &&
                       now_us >= hv_time_add(w->unanswered_since_us, HV_WG_TRY_US) &&
                       now_us >= hv_time_add(w->written_us, HV_WG_TRY_US) &&
                       (seen->handshake_us == 0 || age_us > w->on_stale_us);
        if (w->is_silent)
                w->next_lookup_us = now_us;
}

/* wireguard/health.c - see health.h. */
#include "wireguard/health.h"

#include "base/time.h"
#include "wireguard/effect.h"

#define DEFAULT_HANDSHAKE_AGE_US (180 * HV_USEC_PER_SEC)

static bool counts(const struct hv_spec_wireguard *w, const struct hv_spec_peer *p) {
        for (size_t i = 0; i < w->healthy.peers.n; i++)
                if (hv_streq(w->healthy.peers.v[i], p->name))
                        return true;
        return w->healthy.peers.n == 0;
}

/* 0: never heard, or at a time that has not come: the clock was set back since, and nobody knows how long ago that was. */
static uint64_t heard_until(const struct hv_spec_peer *p, const struct hv_wg_interface *seen, uint64_t age_us,
                            uint64_t now_us) {
        const struct hv_wg_peer *have;
        struct hv_wg_key key;

        if (hv_value_wg_key(p->public_key, "public key", key.bytes, NULL) < 0)
                return 0;
        have = hv_wg_peer_find(seen, &key);
        return have && have->handshake_us && have->handshake_us <= now_us
                       ? hv_time_add(have->handshake_us, age_us)
                       : 0;
}

struct hv_wg_health hv_wg_health(const struct hv_spec_wireguard *spec, const struct hv_wg_interface *seen,
                                 uint64_t now_wall_us) {
        struct hv_wg_health h = { .max_age_us = spec->healthy.max_handshake_age_us };
        bool all = spec->healthy.peers.n > 0;

        if (!h.max_age_us)
                h.max_age_us = DEFAULT_HANDSHAKE_AGE_US;
        h.until_us = all ? HV_TIME_NEVER : 0;
        for (size_t i = 0; i < spec->peers.n; i++) {
                uint64_t until_us = heard_until(&spec->peers.v[i], seen, h.max_age_us, now_wall_us);

                if (!counts(spec, &spec->peers.v[i]))
                        continue;
                if (until_us <= now_wall_us && !h.silent)
                        h.silent = spec->peers.v[i].name;
                h.until_us = all ? HV_MIN(h.until_us, until_us) : HV_MAX(h.until_us, until_us);
        }
        h.is_healthy = h.until_us > now_wall_us;
        if (h.is_healthy)
                h.silent = NULL;
        return h;
}

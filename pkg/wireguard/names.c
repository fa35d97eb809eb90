/* wireguard/names.c - see names.h. */
#include "wireguard/names.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "log/log.h"
#include "wireguard/effect.h"
#include "wireguard/whereabouts.h"

struct name {
        struct hv_wg_names *owner;
        struct hv_wg_key peer;
        char *host;
        struct hv_wg_whereabouts where;
        struct hv_wg_lookup *lookup; /* NULL: none is under way */
        char *fault;                 /* of the last lookup; NULL: it went well */
        bool is_wanted;              /* by the document that is read */
};

struct hv_wg_names {
        sd_event *event;
        struct hv_wg_resolver *resolver;
        struct hv_wg_tunnel *tunnel;
        sd_event_source *timer;
        HV_VEC(struct name *) v;
};

static uint64_t now_us(const struct hv_wg_names *n, clockid_t clock) {
        uint64_t now = 0;

        (void) sd_event_now(n->event, clock, &now);
        return now;
}

static struct name *name_free(struct name *name) {
        hv_wg_lookup_cancel(name->lookup);
        free(name->host);
        free(name->fault);
        free(name);
        return NULL;
}

/* --- lookups --- */

static void on_found(void *userdata, const struct hv_wg_found *found, const struct hv_err *err) {
        struct name *name = userdata;
        struct hv_wg_endpoint endpoint;
        char text[HV_WG_ENDPOINT_SIZE];

        name->lookup = NULL;
        free(name->fault);
        name->fault = found ? NULL : hv_strdup(err->msg);
        if (!hv_wg_whereabouts_found(&name->where, found, now_us(name->owner, CLOCK_BOOTTIME), &endpoint))
                return;
        hv_log_info("WireGuard endpoint %s: %s", name->host, hv_wg_endpoint_format(&endpoint, text));
        hv_wg_tunnel_endpoint(name->owner->tunnel, &name->peer, &endpoint, true);
}

static void look_up_what_is_due(struct hv_wg_names *n) {
        uint64_t now = now_us(n, CLOCK_BOOTTIME);

        for (size_t i = 0; i < n->v.n; i++) {
                struct name *name = n->v.v[i];

                if (!name->lookup && hv_wg_whereabouts_is_due(&name->where, now))
                        name->lookup = hv_wg_resolve(n->resolver, name->host, on_found, name);
        }
}

static void arm(struct hv_wg_names *n) {
        uint64_t now = now_us(n, CLOCK_BOOTTIME), at = hv_time_add(now, HV_WG_CHECK_US);

        for (size_t i = 0; i < n->v.n; i++)
                if (!n->v.v[i]->lookup)
                        at = HV_MIN(at, HV_MAX(now, n->v.v[i]->where.next_lookup_us));
        (void) sd_event_source_set_time(n->timer, at);
        (void) sd_event_source_set_enabled(n->timer, n->v.n ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_wg_names *n = userdata;

        (void) s;
        (void) usec;
        look_up_what_is_due(n);
        hv_wg_tunnel_look(n->tunnel);
        arm(n);
        return 0;
}

void hv_wg_names_looked(struct hv_wg_names *n, const struct hv_wg_interface *seen) {
        uint64_t now = now_us(n, CLOCK_BOOTTIME), realtime = now_us(n, CLOCK_REALTIME);

        for (size_t i = 0; i < n->v.n; i++) {
                const struct hv_wg_peer *peer = hv_wg_peer_find(seen, &n->v.v[i]->peer);

                if (peer)
                        hv_wg_whereabouts_seen(&n->v.v[i]->where, peer, now, realtime);
        }
        look_up_what_is_due(n);
}

/* --- documents --- */

static struct name *find(const struct hv_wg_names *n, const struct hv_wg_key *peer) {
        for (size_t i = 0; i < n->v.n; i++)
                if (hv_wg_key_equal(&n->v.v[i]->peer, peer))
                        return n->v.v[i];
        return NULL;
}

static void want_name(struct hv_wg_names *n, const struct hv_spec_peer *spec, const struct hv_wg_key *peer,
                      const struct hv_endpoint *endpoint) {
        struct name *name = find(n, peer);

        if (name && !hv_streq(name->host, endpoint->host)) {
                hv_wg_lookup_cancel(name->lookup);
                free(name->host);
                free(name->fault);
                *name = (struct name){ .owner = n, .peer = *peer, .host = hv_strdup(endpoint->host) };
        }
        if (!name) {
                name = HV_NEW(struct name);
                *name = (struct name){ .owner = n, .peer = *peer, .host = hv_strdup(endpoint->host) };
                hv_vec_push(&n->v, name);
        }
        name->is_wanted = true;
        name->where.port = endpoint->port;
        name->where.interval_us = spec->resolve.interval_us;
        name->where.on_stale_us = spec->resolve.on_stale_handshake_us;
        if (name->where.found.n) {
                const struct hv_wg_endpoint known = { .address = name->where.found.v[name->where.at],
                                                      .port = endpoint->port };

                hv_wg_tunnel_endpoint(n->tunnel, peer, &known, false);
        }
}

void hv_wg_names_want(struct hv_wg_names *n, const struct hv_spec_wireguard *spec) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        size_t kept = 0;

        for (size_t i = 0; i < n->v.n; i++)
                n->v.v[i]->is_wanted = false;
        for (size_t i = 0; i < spec->peers.n; i++) {
                const struct hv_spec_peer *p = &spec->peers.v[i];
                struct hv_endpoint endpoint;
                struct hv_wg_key key;

                if (!hv_str_empty(p->endpoint) &&
                    hv_value_endpoint(p->endpoint, "E0326", arena, &endpoint, NULL) == 0 &&
                    !endpoint.is_address &&
                    hv_value_wg_key(p->public_key, "public key", key.bytes, NULL) == 0)
                        want_name(n, p, &key, &endpoint);
        }
        for (size_t i = 0; i < n->v.n; i++)
                if (n->v.v[i]->is_wanted)
                        n->v.v[kept++] = n->v.v[i];
                else
                        (void) name_free(n->v.v[i]);
        n->v.n = kept;
        look_up_what_is_due(n);
        arm(n);
}

const char *hv_wg_names_fault(const struct hv_wg_names *n, const struct hv_wg_key *peer) {
        const struct name *name = find(n, peer);

        return name && !name->where.found.n ? name->fault : NULL;
}

/* --- life --- */

int hv_wg_names_new(struct sd_event *event, struct hv_wg_resolver *resolver, struct hv_wg_tunnel *tunnel,
                    struct hv_wg_names **ret, struct hv_err *err) {
        _hv_cleanup_(hv_wg_names_freep) struct hv_wg_names *n = HV_NEW(struct hv_wg_names);
        int r;

        n->event = event;
        n->resolver = resolver;
        n->tunnel = tunnel;
        r = sd_event_add_time(event, &n->timer, CLOCK_BOOTTIME, 0, 100 * HV_USEC_PER_MSEC, on_timer, n);
        if (r >= 0)
                r = sd_event_source_set_enabled(n->timer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "names of endpoints cannot be followed");
        *ret = HV_STEAL(n);
        return 0;
}

struct hv_wg_names *hv_wg_names_free(struct hv_wg_names *n) {
        if (!n)
                return NULL;
        for (size_t i = 0; i < n->v.n; i++)
                (void) name_free(n->v.v[i]);
        hv_vec_done(&n->v);
        sd_event_source_disable_unref(n->timer);
        free(n);
        return NULL;
}

/* reconcile/tunnel.c - WireGuard interfaces: what is known of them, and who waits for them.
 *
 *      active revision --> (the shell: pkg/wireguard keeps each as it is wanted) --> HV_INPUT_TUNNEL --> gates, guard, status
 *
 * Model    An interface converges by a loop of its own, level-triggered as this core is and planned as purely
 *          (wireguard/diff.h). Here its word is taken in; nothing is planned. A word about another content than the active
 *          revision's does not count as "in sync".
 */
#include "reconcile/state.h"

void hv_tunnel_free(void *tunnel) {
        struct tunnel *t = tunnel;

        free(t->name);
        free(t->digest);
        free(t->message);
        free(t);
}

static struct tunnel *get(struct hv_core *c, const char *name) {
        struct tunnel *t = hv_map_get(c->tunnels, name);

        if (t)
                return t;
        t = HV_NEW(struct tunnel);
        t->name = hv_strdup(name);
        hv_map_put(c->tunnels, name, t);
        return t;
}

static bool is_nothing(const struct tunnel *t) {
        return !t->want && t->state != HV_TUNNEL_OURS;
}

static bool is_up(const struct tunnel *t) {
        return t && t->want && t->state == HV_TUNNEL_OURS && hv_streq(t->digest, t->want->digest);
}

void hv_tunnels_want(struct hv_core *c, const struct hv_desired *d) {
        struct tunnel *t;
        const char *name;
        size_t it = 0;

        for (size_t i = 0; i < d->n_tunnels; i++)
                (void) get(c, d->tunnels[i].name);
        while (hv_map_next(c->tunnels, &it, &name, (void **) &t)) {
                t->want = hv_desired_tunnel(d, name);
                if (is_nothing(t))
                        (void) hv_map_remove(c->tunnels, name);
        }
}

/* What changed, in one sentence each; the rest of what it says is status. */
static void tell(struct hv_core *c, const struct tunnel *t, bool was_up, bool was_healthy,
                 enum hv_reason before) {
        const char *words = t->message ? t->message : "";

        if (t->reason != before && t->reason == HV_REASON_NAME_CONFLICT)
                hv_note(c, HV_NOTE_NAME_CONFLICT, t->reason, HV_KIND_WIREGUARD, t->name, NULL, "%s", words);
        else if (t->reason != before &&
                 (t->reason == HV_REASON_WIREGUARD_FAILED || t->reason == HV_REASON_JOIN_FAILED))
                hv_note(c, HV_NOTE_FAILED, t->reason, HV_KIND_WIREGUARD, t->name, NULL, "%s", words);
        else if (is_up(t) && was_up && was_healthy && !t->healthy)
                hv_note(c, HV_NOTE_OUT_OF_SYNC, t->reason, HV_KIND_WIREGUARD, t->name, NULL, "%s", words);
        else if (is_up(t) && !was_up)
                hv_note(c, HV_NOTE_UPDATED, HV_REASON_SYNCED, HV_KIND_WIREGUARD, t->name, NULL,
                        "interface %s is as it is wanted", t->name);
        else if (is_up(t) && !was_healthy && t->healthy)
                hv_note(c, HV_NOTE_SYNCED, HV_REASON_SYNCED, HV_KIND_WIREGUARD, t->name, NULL,
                        "the peers of %s are heard", t->name);
}

void hv_tunnel_input(struct hv_core *c, const struct hv_seen_tunnel *seen) {
        struct tunnel *t = get(c, seen->name);
        bool was_up = is_up(t), was_healthy = t->healthy, was_ours = t->state == HV_TUNNEL_OURS;
        enum hv_reason before = t->reason;

        t->state = seen->state;
        t->healthy = seen->healthy;
        t->reason = seen->reason;
        hv_set_text(&t->digest, seen->digest);
        hv_set_text(&t->message, seen->message);
        tell(c, t, was_up, was_healthy, before);
        if (!t->want && was_ours && t->state == HV_TUNNEL_ABSENT)
                hv_note(c, HV_NOTE_REMOVED, HV_REASON_SYNCED, HV_KIND_WIREGUARD, t->name, NULL,
                        "interface %s was removed", t->name);
        if (is_nothing(t))
                (void) hv_map_remove(c->tunnels, seen->name);
}

bool hv_tunnels_are_in_sync(const struct hv_core *c) {
        const struct tunnel *t;
        size_t it = 0;

        while (hv_map_next(c->tunnels, &it, NULL, (void **) &t))
                if (!is_up(t))
                        return false;
        return true;
}

bool hv_tunnel_is_up(const struct hv_core *c, const char *name, bool healthy) {
        const struct tunnel *t = hv_map_get(c->tunnels, name);

        return is_up(t) && (!healthy || t->healthy);
}

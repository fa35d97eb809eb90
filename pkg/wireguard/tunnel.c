/* wireguard/tunnel.c - see tunnel.h.
 *
 *      IDLE --> READ --> GET --> JUDGE --> STEP, STEP, ... --> READ
 *       ^                          |                             the plan is empty, or ROUNDS_MAX: over
 *       '--------------------------'
 *
 * advance() goes from phase to phase until one has to wait for the back end; on_answer() goes on from there.
 */
#include "wireguard/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "wireguard/effect.h"

#define ROUNDS_MAX 5 /* making it, setting it up, looking: three; more only where somebody interferes */

enum phase {
        PHASE_IDLE,
        PHASE_READ,
        PHASE_GET,
        PHASE_JUDGE,
        PHASE_STEP,
};

struct hv_wg_tunnel {
        struct hv_wg_tunnel_setup setup;
        char name[HV_WG_INTERFACE_SIZE];
        sd_event_source *timer;
        uint64_t last_us; /* when the last look began */
        bool has_want, has_next, look_again;

        /* `next_want` came while a look was under way, whose plan borrows from `want`. */
        struct hv_wg_interface next_want, want, seen, last_seen;
        struct hv_wg_plan plan;
        size_t at; /* step of the plan that is next */

        enum phase phase;
        bool waiting;   /* for the back end */
        size_t n_asked; /* steps that it was asked for */
        size_t maker;   /* which back end is asked to make it */
        const struct hv_wg_backend *backend;
        struct hv_wg_answer answer;
        unsigned rounds;
        size_t n_changes;
        struct hv_err err; /* the first fault of this look */
        bool has_failed;
};

/* --- the end of a look --- */

static void arm(struct hv_wg_tunnel *t) {
        uint64_t now = 0;

        (void) sd_event_now(t->setup.event, CLOCK_MONOTONIC, &now);
        (void) sd_event_source_set_time(t->timer,
                                        t->last_us ? HV_MAX(now, t->last_us + HV_WG_LOOK_PAUSE_US) : now);
        (void) sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
}

static void remember(struct hv_wg_tunnel *t) {
        hv_wg_interface_done(&t->last_seen);
        t->last_seen = t->seen;
        t->seen = (struct hv_wg_interface){};
}

static void end(struct hv_wg_tunnel *t, enum hv_wg_state state) {
        struct hv_wg_status status = { .state = state,
                                       .seen = &t->last_seen,
                                       .backend = t->backend ? t->backend->name : NULL,
                                       .n_changes = t->n_changes,
                                       .is_outdated = t->has_next,
                                       .error = state == HV_WG_STATE_IN_SYNC ? NULL : &t->err };

        remember(t);
        hv_wg_plan_done(&t->plan);
        t->phase = PHASE_IDLE;
        if (t->look_again)
                arm(t);
        else if (state == HV_WG_STATE_IN_SYNC) /* written: from here on a peer may roam again */
                for (size_t i = 0; i < t->want.peers.n; i++)
                        t->want.peers.v[i].endpoint_wins = false;
        t->setup.looked(t->setup.userdata, &status);
}

/* The first fault of a look is the one that is told; what does not depend on it goes on. */
static void note(struct hv_wg_tunnel *t, const struct hv_err *err) {
        if (!t->has_failed)
                t->err = *err;
        t->has_failed = true;
}

static void fail(struct hv_wg_tunnel *t, const struct hv_err *err) {
        note(t, err);
        end(t, HV_WG_STATE_FAILED);
}

/* --- looking --- */

static const struct hv_wg_backend *backend_of(const struct hv_wg_tunnel *t, enum hv_wg_link_kind kind) {
        for (size_t i = 0; i < t->setup.n_backends; i++)
                if (t->setup.backends[i]->link_kind == kind)
                        return t->setup.backends[i];
        return NULL;
}

static void read_links(struct hv_wg_tunnel *t) {
        struct hv_err err = {};

        hv_wg_interface_done(&t->seen);
        hv_wg_plan_done(&t->plan);
        if (hv_wg_links_read(t->setup.links, t->name, &t->seen, &err) < 0) {
                fail(t, &err);
                return;
        }
        t->backend = backend_of(t, t->seen.kind);
        t->phase = t->backend ? PHASE_GET : PHASE_JUDGE;
        if (!t->backend && t->seen.kind != HV_WG_LINK_NONE)
                t->seen.kind = HV_WG_LINK_OTHER;
}

static void got(struct hv_wg_tunnel *t, int r, const struct hv_err *err) {
        t->phase = PHASE_JUDGE;
        if (r == -ENODEV && !hv_streq(t->seen.alias, t->want.alias))
                t->seen.kind = HV_WG_LINK_OTHER; /* a tun device that is not WireGuard's */
        else if (r == -ENODEV && t->backend->link_kind == HV_WG_LINK_KERNEL)
                t->phase = PHASE_READ; /* it went meanwhile */
        else if (r < 0)
                fail(t, err);
        if (t->phase == PHASE_READ && t->rounds++ >= ROUNDS_MAX)
                fail(t, err);
}

static void judge(struct hv_wg_tunnel *t) {
        enum hv_wg_owner owner = hv_wg_owner(&t->seen, t->want.alias);
        bool is_wanted = t->want.kind != HV_WG_LINK_NONE;

        if (owner == HV_WG_FOREIGN || (owner == HV_WG_BLANK && !is_wanted)) {
                (void) hv_err_set(
                        &t->err, -EEXIST,
                        "the interface %s is not hivelet's: its alias is \"%s\", expected \"%s\"; it is left "
                        "alone",
                        t->name, t->seen.alias, t->want.alias);
                end(t, is_wanted ? HV_WG_STATE_FOREIGN : HV_WG_STATE_IN_SYNC);
                return;
        }
        hv_wg_diff(&t->want, &t->seen, &t->plan);
        t->at = 0;
        t->phase = PHASE_STEP;
        if (t->plan.steps.n == 0)
                end(t, t->has_failed ? HV_WG_STATE_FAILED : HV_WG_STATE_IN_SYNC);
        else if (t->has_failed)
                end(t, HV_WG_STATE_FAILED); /* what is left is what failed */
        else if (t->rounds++ >= ROUNDS_MAX) {
                char what[256];
                struct hv_err err = {};

                hv_wg_step_describe(&t->plan.steps.v[0], what, sizeof what);
                (void) hv_err_set(&err, -EBUSY,
                                  "interface %s does not stay as it was set: still to do is \"%s\"", t->name,
                                  what);
                fail(t, &err);
        }
}

/* --- steps --- */

static bool is_device_step(const struct hv_wg_step *s) {
        return s->kind == HV_WG_DEVICE_SET || s->kind == HV_WG_PEER_SET || s->kind == HV_WG_NETWORKS_DROP ||
               s->kind == HV_WG_PEER_REMOVE;
}

static void made(struct hv_wg_tunnel *t, int r, const struct hv_err *err) {
        if (r == -EOPNOTSUPP && t->maker + 1 < t->setup.n_backends) {
                t->maker++;
                return; /* the step is taken again, with the next one */
        }
        if (r < 0 && r != -EEXIST) {
                fail(t, err);
                return;
        }
        t->n_changes += r >= 0;
        t->phase = PHASE_READ; /* the rest of the plan needs its index */
}

/* A device is set by several requests in the end: what the failed one left out, the next look finds. */
static void was_set(struct hv_wg_tunnel *t, int r, const struct hv_err *err) {
        if (r < 0) {
                fail(t, err);
                return;
        }
        for (size_t i = 0; i < t->n_asked; i++) {
                const struct hv_wg_step *s = &t->plan.steps.v[t->at + i];

                if (s->fields & HV_WG_ENDPOINT)
                        t->want.peers.v[s->peer - t->want.peers.v].endpoint_again = false;
        }
        t->n_changes += t->n_asked;
        t->at += t->n_asked;
}

static void ask_to_make(struct hv_wg_tunnel *t) {
        const struct hv_wg_backend *b = t->setup.backends[t->maker];
        struct hv_err err = {};
        int r = b->make(b->self, t->name, &t->answer, &err);

        t->backend = b;
        if (r == HV_WG_LATER)
                t->waiting = true;
        else
                made(t, r, &err);
}

static void ask_to_set(struct hv_wg_tunnel *t) {
        const struct hv_wg_step *first = &t->plan.steps.v[t->at];
        struct hv_err err = {};
        int r;

        t->n_asked = 0;
        while (t->at + t->n_asked < t->plan.steps.n && is_device_step(&first[t->n_asked]))
                t->n_asked++;
        r = t->backend->set(t->backend->self, t->name, first, t->n_asked, &t->answer, &err);
        if (r == HV_WG_LATER)
                t->waiting = true;
        else
                was_set(t, r, &err);
}

static void take_step(struct hv_wg_tunnel *t) {
        const struct hv_wg_step *s = &t->plan.steps.v[t->at];
        struct hv_err err = {};

        if (t->at == t->plan.steps.n) {
                t->phase = PHASE_READ;
                return;
        }
        if (s->kind == HV_WG_LINK_ADD)
                ask_to_make(t);
        else if (is_device_step(s))
                ask_to_set(t);
        else {
                if (hv_wg_links_apply(t->setup.links, s, t->seen.index, &err) < 0) {
                        (void) hv_err_prefix(&err, err.code, "interface %s", t->name);
                        note(t, &err);
                } else
                        t->n_changes++;
                t->at++;
        }
}

/* --- the machine --- */

static void ask_for_device(struct hv_wg_tunnel *t) {
        struct hv_err err = {};
        int r = t->backend->get(t->backend->self, t->name, &t->seen, &t->answer, &err);

        if (r == HV_WG_LATER)
                t->waiting = true;
        else
                got(t, r, &err);
}

static void advance(struct hv_wg_tunnel *t) {
        while (t->phase != PHASE_IDLE && !t->waiting)
                switch (t->phase) {
                case PHASE_READ:
                        read_links(t);
                        break;
                case PHASE_GET:
                        ask_for_device(t);
                        break;
                case PHASE_JUDGE:
                        judge(t);
                        break;
                case PHASE_STEP:
                        take_step(t);
                        break;
                case PHASE_IDLE:
                        break;
                }
}

static void on_answer(struct hv_wg_answer *a, int r, const struct hv_err *err) {
        struct hv_wg_tunnel *t = (void *) ((char *) a - offsetof(struct hv_wg_tunnel, answer));

        t->waiting = false;
        if (t->phase == PHASE_GET)
                got(t, r, err);
        else if (t->plan.steps.v[t->at].kind == HV_WG_LINK_ADD)
                made(t, r, err);
        else
                was_set(t, r, err);
        advance(t);
}

/* --- when --- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hv_wg_tunnel *t = userdata;

        (void) source;
        (void) usec;
        if (t->phase != PHASE_IDLE || !t->has_want)
                return 0;
        if (t->has_next) {
                hv_wg_interface_done(&t->want);
                t->want = t->next_want;
                t->next_want = (struct hv_wg_interface){};
                t->has_next = false;
        }
        (void) sd_event_now(t->setup.event, CLOCK_MONOTONIC, &t->last_us);
        t->look_again = t->has_failed = false;
        t->rounds = 0;
        t->n_changes = t->maker = 0;
        t->phase = PHASE_READ;
        advance(t);
        return 0;
}

void hv_wg_tunnel_look(struct hv_wg_tunnel *t) {
        t->look_again = true;
        if (t->phase == PHASE_IDLE && t->has_want)
                arm(t);
}

void hv_wg_tunnel_notice(struct hv_wg_tunnel *t, int index, const char *name) {
        if (index == 0 || index == t->last_seen.index || index == t->seen.index || hv_streq(name, t->name))
                hv_wg_tunnel_look(t);
}

void hv_wg_tunnel_want(struct hv_wg_tunnel *t, struct hv_wg_interface *want) {
        hv_wg_interface_done(&t->next_want);
        t->next_want = *want;
        *want = (struct hv_wg_interface){};
        t->has_next = t->has_want = true;
        hv_wg_tunnel_look(t);
}

void hv_wg_tunnel_endpoint(struct hv_wg_tunnel *t, const struct hv_wg_key *key,
                           const struct hv_wg_endpoint *endpoint, bool write) {
        struct hv_wg_peer *peer = hv_wg_peer_find(t->has_next ? &t->next_want : &t->want, key);

        if (!peer)
                return;
        peer->endpoint = *endpoint;
        peer->endpoint_wins = peer->endpoint_again = write;
        hv_wg_tunnel_look(t);
}

const struct hv_wg_interface *hv_wg_tunnel_seen(const struct hv_wg_tunnel *t) {
        return &t->last_seen;
}

/* --- life --- */

int hv_wg_tunnel_new(const struct hv_wg_tunnel_setup *setup, const char *name, struct hv_wg_tunnel **ret,
                     struct hv_err *err) {
        _hv_cleanup_(hv_wg_tunnel_freep) struct hv_wg_tunnel *t = HV_NEW(struct hv_wg_tunnel);
        int r;

        if (hv_str_empty(name) || strlen(name) >= sizeof t->name)
                return hv_err_set(err, -EINVAL, "\"%s\" is not the name of an interface: 1 to 15 characters",
                                  name);
        t->setup = *setup;
        t->answer.done = on_answer;
        memcpy(t->name, name, strlen(name) + 1);
        r = sd_event_add_time(setup->event, &t->timer, CLOCK_MONOTONIC, 0, 1, on_timer, t);
        if (r >= 0)
                r = sd_event_source_set_enabled(t->timer, SD_EVENT_OFF);
        if (r < 0)
                return hv_err_errno(err, r, "interface %s: cannot be kept", name);
        *ret = HV_STEAL(t);
        return 0;
}

struct hv_wg_tunnel *hv_wg_tunnel_free(struct hv_wg_tunnel *t) {
        if (!t)
                return NULL;
        if (t->waiting)
                t->backend->cancel(t->backend->self, &t->answer);
        sd_event_source_disable_unref(t->timer);
        hv_wg_plan_done(&t->plan);
        hv_wg_interface_done(&t->want);
        hv_wg_interface_done(&t->next_want);
        hv_wg_interface_done(&t->seen);
        hv_wg_interface_done(&t->last_seen);
        free(t);
        return NULL;
}

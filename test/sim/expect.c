/* expect.c - see expect.h. */
#include "sim/expect.h"

#include <stdarg.h>
#include <stdio.h>

#include "sim/agent.h"
#include "sim/gpu.h"
#include "sim/oracle.h"
#include "sim/orders.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/workload.h"

static struct sim_difference *differ(struct sim_differences *l, bool known, bool excused, const char *fmt,
                                     ...) _hv_printf_(4, 5);

static struct sim_difference *differ(struct sim_differences *l, bool known, bool excused, const char *fmt,
                                     ...) {
        static struct sim_difference spilled;
        struct sim_difference *d = l->n < SIM_MAX_DIFFERENCES ? &l->v[l->n++] : &spilled;
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(d->what, sizeof d->what, fmt, ap);
        va_end(ap);
        d->known = known;
        d->excused = excused;
        d->hidden = false;
        l->n_unexcused += !excused;
        l->n_unexcused_shown += !excused;
        return d;
}

/* Only an inspect shows it. */
static void hide(struct sim_differences *l, struct sim_difference *d) {
        d->hidden = true;
        l->n_unexcused_shown -= !d->excused;
}

static bool is_known(const struct sim_container *k) {
        return k->known_tick >= k->tick;
}

static bool knows_networks(const struct sim_container *k) {
        return is_known(k) && k->known_joined_tick >= k->joined_tick;
}

/* The container of this name that was there last. */
static const struct sim_container *last_of_name(const struct sim *s, const char *name) {
        const struct sim_container *last = NULL;

        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if ((hv_streq(k->name, name) || hv_streq(k->former_name, name)) &&
                    (!last || k->tick > last->tick))
                        last = k;
        }
        return last;
}

/* ---- what stands in the way of a unit ---- */

/* How long a chain of containers that wait for one another's networks is followed. */
#define BLOCK_DEPTH 3u

static bool is_stand_in(const struct sim_network *n, const struct hv_network *w) {
        return n->owner != SIM_OWNER_NODE && w->use_foreign && hv_streq(n->driver, w->driver);
}

static bool is_usable(const struct sim_network *n, const struct hv_network *w) {
        return n->owner == SIM_OWNER_NODE ? hv_streq(n->digest, w->digest) : is_stand_in(n, w);
}

static bool is_blocked(struct sim *s, const struct hv_desired *d, const struct hv_unit *u, unsigned depth);

/* Somebody who cannot be moved off: a stranger, or one of ours that itself waits for a stranger to go, or for a GPU. */
static bool network_is_held(struct sim *s, const struct hv_desired *d, const char *name, unsigned depth) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (!sim_container_is_up(k) || !sim_container_is_on(k, name))
                        continue;
                if (k->owner != SIM_OWNER_NODE)
                        return true;
                for (size_t j = 0; depth > 0 && j < d->n_units; j++)
                        if (hv_streq(d->units[j].container, k->name) &&
                            (is_blocked(s, d, &d->units[j], depth - 1) ||
                             sim_gpus_may_lack(s, d, &d->units[j])))
                                return true;
        }
        return false;
}

/* True when what it stands on is a stranger's, or cannot be made anew because of one. */
static bool is_blocked(struct sim *s, const struct hv_desired *d, const struct hv_unit *u, unsigned depth) {
        for (size_t i = 0; i < u->n_networks; i++) {
                const struct sim_network *n = sim_network_find(s, u->networks[i].name);
                const struct hv_network *w = n ? hv_desired_network(d, n->name) : NULL;

                if (n && n->owner != SIM_OWNER_NODE && !is_stand_in(n, w))
                        return true;
                if (n && n->owner == SIM_OWNER_NODE && !hv_streq(n->digest, w->digest) &&
                    network_is_held(s, d, n->name, depth))
                        return true;
        }
        for (size_t i = 0; i < u->n_mounts; i++) {
                const struct sim_volume *v = sim_volume_find(s, u->mounts[i].source);

                if (v && v->owner != SIM_OWNER_NODE)
                        return true;
        }
        return false;
}

static bool dependency_is_down(struct sim *s, const struct hv_desired *d, const struct hv_unit *u) {
        for (size_t i = 0; i < u->n_depends_on; i++)
                for (size_t j = 0; j < d->n_units; j++) {
                        const struct hv_unit *other = &d->units[j];
                        const struct sim_container *k;

                        if (!hv_streq(other->object, u->depends_on[i].name))
                                continue;
                        k = sim_container_find(s, other->container);
                        if (!k || k->owner != SIM_OWNER_NODE || k->state != HV_CONTAINER_RUNNING ||
                            !hv_streq(k->digest, other->digest))
                                return true;
                }
        return false;
}

/* ---- units ---- */

static bool same_limits(const struct hv_limits *a, const struct hv_limits *b) {
        return a->memory_bytes == b->memory_bytes && a->nano_cpus == b->nano_cpus && a->pids == b->pids;
}

bool sim_limit_is_taken_away(const struct hv_limits *now, const struct hv_limits *wanted) {
        return (now->memory_bytes && !wanted->memory_bytes) || (now->nano_cpus && !wanted->nano_cpus);
}

bool sim_limits_need_new_container(const struct sim *s, const struct hv_limits *now,
                                   const struct hv_limits *wanted) {
        return sim_limit_is_taken_away(now, wanted) || (!s->truth->has_update && !same_limits(now, wanted));
}

static bool wants_network(const struct hv_unit *u, const char *name) {
        for (size_t i = 0; i < u->n_networks; i++)
                if (hv_streq(u->networks[i].name, name))
                        return true;
        return false;
}

static void compare_running(struct sim *s, const struct hv_desired *d, const struct hv_unit *u,
                            const struct sim_container *k, bool blocked, struct sim_differences *l) {
        bool waits = false;

        if (!same_limits(&k->limits, &u->limits) || k->restart_policy)
                hide(l, differ(l, is_known(k) && k->known_detail_tick >= k->detail_tick,
                               blocked && sim_limits_need_new_container(s, &k->limits, &u->limits),
                               "%s has other limits", k->name));
        if (blocked && sim_limits_need_new_container(s, &k->limits, &u->limits))
                return; /* it is to be made anew, and waits for that */
        for (unsigned i = 0; i < k->n_networks; i++)
                if (!wants_network(u, k->networks[i]))
                        differ(l, knows_networks(k), false, "%s is on network %s", k->name, k->networks[i]);
        /* One after the other: who waits for one network is not put on those that follow. */
        for (size_t i = 0; i < u->n_networks; i++) {
                const struct sim_network *n = sim_network_find(s, u->networks[i].name);

                if (sim_container_is_on(k, u->networks[i].name))
                        continue;
                waits |= n && !is_usable(n, hv_desired_network(d, n->name));
                differ(l, knows_networks(k) && (!n || n->known_tick >= n->tick), waits && blocked,
                       "%s is not on network %s", k->name, u->networks[i].name);
        }
}

static bool is_on_right_networks(const struct hv_unit *u, const struct sim_container *k) {
        for (size_t i = 0; i < u->n_networks; i++)
                if (!sim_container_is_on(k, u->networks[i].name))
                        return false;
        return k->n_networks == u->n_networks;
}

/* A container that is there goes on by itself until the first network that it is not on cannot be joined. */
static bool waits_for_network(struct sim *s, const struct hv_desired *d, const struct hv_unit *u,
                              const struct sim_container *k) {
        for (unsigned i = 0; i < k->n_networks; i++)
                if (!wants_network(u, k->networks[i]))
                        return false; /* that one is left first */
        for (size_t i = 0; i < u->n_networks; i++) {
                const struct sim_network *n = sim_network_find(s, u->networks[i].name);

                if (n && sim_container_is_on(k, n->name) && n->owner == SIM_OWNER_NODE &&
                    !is_usable(n, hv_desired_network(d, n->name)))
                        return false; /* it is taken off first */
        }
        for (size_t i = 0; i < u->n_networks; i++) {
                const struct sim_network *n = sim_network_find(s, u->networks[i].name);

                if (!sim_container_is_on(k, u->networks[i].name))
                        return n && !is_usable(n, hv_desired_network(d, n->name));
        }
        return false;
}

static void compare_unit(struct sim *s, const struct hv_desired *d, const struct hv_unit *u,
                         struct sim_differences *l) {
        const struct sim_container *k = sim_container_find(s, u->container), *last;
        const bool blocked = is_blocked(s, d, u, BLOCK_DEPTH);
        const bool lacks = sim_gpus_may_lack(s, d, u);
        bool foreign = blocked || lacks, d_known;
        struct sim_difference *difference;

        if (sim_orders_hold(s, u->object))
                return;
        if (sim_orders_stop(s, u->object)) {
                if (k && k->owner == SIM_OWNER_NODE && sim_container_is_up(k))
                        differ(l, is_known(k), false, "%s is up, and was stopped by hand", k->name);
                return;
        }
        if (!k) {
                last = last_of_name(s, u->container);
                differ(l, !last || is_known(last), foreign, "%s is missing", u->container);
                return;
        }
        if (k->owner != SIM_OWNER_NODE) {
                differ(l, is_known(k), !u->adopt || foreign, "%s is a stranger", k->name);
                return;
        }
        if (sim_orders_pause(s, u->object) && k->state == HV_CONTAINER_RUNNING &&
            (!hv_streq(k->digest, u->digest) || sim_limits_need_new_container(s, &k->limits, &u->limits)))
                return; /* it stays as it is */
        if (!hv_streq(k->digest, u->digest) && !sim_orders_pause(s, u->object)) {
                differ(l, is_known(k), foreign, "%s has another digest", k->name);
                return;
        }
        if (k->state != HV_CONTAINER_RUNNING && !sim_orders_pause(s, u->object) &&
            sim_limit_is_taken_away(&k->limits, &u->limits)) {
                hide(l, differ(l, is_known(k) && k->known_detail_tick >= k->detail_tick, foreign,
                               "%s has a limit that it should not have", k->name));
                return;
        }
        foreign = foreign &&
                  (waits_for_network(s, d, u, k) ||
                   (k->state == HV_CONTAINER_EXITED && /* stopped to be made anew, and then blocked */
                    sim_limits_need_new_container(s, &k->limits, &u->limits)));
        if (u->n_gpus && sim_container_is_up(k) && sim_gpus_judge(s, k, k->gpus)) {
                hide(l, differ(l, false, blocked, "%s has lost a GPU", k->name)); /* no list shows it */
                return;
        }
        switch (k->state) {
        case HV_CONTAINER_RUNNING:
                compare_running(s, d, u, k, blocked, l);
                return;
        case HV_CONTAINER_EXITED:
                if (u->restart == HV_RESTART_NEVER ||
                    (u->restart == HV_RESTART_ON_FAILURE && k->exit_code == 0))
                        return;
                d_known = is_known(k) &&
                          (u->restart == HV_RESTART_ALWAYS || k->known_detail_tick >= k->detail_tick);
                difference = differ(l, d_known, foreign, "%s has ended", k->name);
                if (u->restart == HV_RESTART_ON_FAILURE)
                        hide(l, difference); /* no list shows the exit code */
                return;
        case HV_CONTAINER_CREATED:
                differ(l, is_known(k), foreign || (is_on_right_networks(u, k) && dependency_is_down(s, d, u)),
                       "%s was never started", k->name);
                return;
        default:
                differ(l, is_known(k), foreign, "%s is in state %d", k->name, (int) k->state);
        }
}

static bool is_wanted_container(const struct hv_desired *d, const char *name) {
        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].container, name))
                        return true;
        return false;
}

static void compare_orphans(struct sim *s, const struct hv_desired *d, struct sim_differences *l) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && k->owner == SIM_OWNER_NODE && k->kind == HV_KIND_SERVICE &&
                    !is_wanted_container(d, k->name) && !sim_orders_hold(s, k->object))
                        differ(l, is_known(k), false, "%s is not wanted", k->name);
        }
}

/* ---- networks and volumes ---- */

/* A container that ended and stays as its policy says keeps its networks and volumes. */
static bool volume_is_held(struct sim *s, const char *name) {
        const struct sim_volume *v = sim_volume_find(s, name);

        return v && sim_volume_is_used(s, v);
}

static bool network_is_known(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->truth->networks.n; i++) {
                const struct sim_network *n = s->truth->networks.v[i];

                if (hv_streq(n->name, name) && n->known_tick < n->tick)
                        return false;
        }
        return true;
}

static bool volume_is_known(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->truth->volumes.n; i++) {
                const struct sim_volume *v = s->truth->volumes.v[i];

                if (hv_streq(v->name, name) && v->known_tick < v->tick)
                        return false;
        }
        return true;
}

/* Nobody is moved off it while somebody on it is held by hand. One of whom the core has not heard that he is up no more counts, too. */
static bool network_is_left_alone(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->owner == SIM_OWNER_NODE && k->kind == HV_KIND_SERVICE &&
                    sim_orders_hold(s, k->object) && (sim_container_is_up(k) || !is_known(k)) &&
                    sim_container_is_on(k, name))
                        return true;
        }
        return false;
}

const char *sim_start_waits_for(const struct sim *s, const struct hv_unit *u, const struct sim_container *k) {
        const struct hv_desired *d = hv_core_active(s->agent->core);

        for (size_t i = 0; i < u->n_networks && knows_networks(k); i++) {
                const char *name = u->networks[i].name;
                const struct sim_network *n = sim_network_find(s, name);
                /* A stranger's that it is on is left as it is. */
                bool serves = n && ((n->owner != SIM_OWNER_NODE && sim_container_is_on(k, name)) ||
                                    is_usable(n, hv_desired_network(d, name)));

                if (!serves && network_is_known(s, name) && !network_is_left_alone(s, name))
                        return name;
        }
        return k->gpus && s->gpus->wanted && !s->gpus->was_told ? "GPUs" : NULL;
}

static void compare_networks(struct sim *s, const struct hv_desired *d, struct sim_differences *l) {
        for (size_t i = 0; i < d->n_networks; i++) {
                const struct hv_network *w = &d->networks[i];
                const struct sim_network *n = sim_network_find(s, w->name);

                if (!n)
                        differ(l, network_is_known(s, w->name), false, "network %s is missing", w->name);
                else if (n->owner != SIM_OWNER_NODE) {
                        if (!is_stand_in(n, w))
                                differ(l, n->known_tick >= n->tick, true, "network %s is a stranger's",
                                       w->name);
                } else if (!hv_streq(n->digest, w->digest) && !network_is_left_alone(s, n->name))
                        differ(l, n->known_tick >= n->tick, network_is_held(s, d, n->name, BLOCK_DEPTH),
                               "network %s has another digest", w->name);
        }
        for (size_t i = 0; i < s->truth->networks.n; i++) {
                const struct sim_network *n = s->truth->networks.v[i];

                if (n->exists && n->owner == SIM_OWNER_NODE && !hv_desired_network(d, n->name))
                        hide(l,
                             differ(l, n->known_tick >= n->tick, network_is_held(s, d, n->name, BLOCK_DEPTH),
                                    "network %s is not wanted", n->name));
        }
}

static void compare_volumes(struct sim *s, const struct hv_desired *d, struct sim_differences *l) {
        for (size_t i = 0; i < d->n_volumes; i++) {
                const struct hv_volume *w = &d->volumes[i];
                const struct sim_volume *v = sim_volume_find(s, w->name);

                if (!v)
                        differ(l, volume_is_known(s, w->name), false, "volume %s is missing", w->name);
                else if (v->owner != SIM_OWNER_NODE || !hv_streq(v->digest, w->digest))
                        differ(l, v->known_tick >= v->tick, true, "volume %s is not as declared", w->name);
        }
        for (size_t i = 0; i < s->truth->volumes.n; i++) {
                const struct sim_volume *v = s->truth->volumes.v[i];

                if (v->exists && v->owner == SIM_OWNER_NODE &&
                    sim_agent_word(s, v->name) == SIM_WORD_DELETE && !hv_desired_volume(d, v->name))
                        hide(l, differ(l, false, volume_is_held(s, v->name), "volume %s is not wanted",
                                       v->name));
        }
}

void sim_compare(struct sim *s, const struct hv_desired *d, struct sim_differences *ret) {
        ret->n = ret->n_unexcused = ret->n_unexcused_shown = 0;
        for (size_t i = 0; i < d->n_units; i++)
                compare_unit(s, d, &d->units[i], ret);
        compare_orphans(s, d, ret);
        if (sim_orders_hold(s, NULL))
                return;
        compare_networks(s, d, ret);
        compare_volumes(s, d, ret);
}

/* ---- the guard ---- */

static bool has_service(const struct hv_desired *d, const char *name) {
        for (size_t i = 0; i < d->n_units; i++)
                if (hv_streq(d->units[i].object, name))
                        return true;
        return false;
}

static bool service_exists(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                const struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && k->owner == SIM_OWNER_NODE && k->kind == HV_KIND_SERVICE &&
                    hv_streq(k->object, name))
                        return true;
        }
        return false;
}

void sim_count_removals(struct sim *s, const struct hv_desired *before, const struct hv_desired *d,
                        unsigned *ret_existing, unsigned *ret_removed) {
        const struct sim_truth *t = s->truth;
        unsigned existing = 0, removed = 0;

        for (unsigned i = 0; i < SIM_N_SERVICES; i++)
                if (service_exists(s, sim_service_name(i))) {
                        existing++;
                        removed += !has_service(d, sim_service_name(i));
                }
        for (size_t i = 0; i < t->networks.n; i++) {
                const struct sim_network *n = t->networks.v[i];
                const struct hv_network *w = before ? hv_desired_network(before, n->name) : NULL;

                w = w ? w : hv_desired_network(d, n->name);
                if (!n->exists || n->owner != SIM_OWNER_NODE || (w && w->implicit))
                        continue;
                existing++;
                removed += !hv_desired_network(d, n->name);
        }
        for (size_t i = 0; i < t->volumes.n; i++) {
                const struct sim_volume *v = t->volumes.v[i];
                const struct hv_volume *w = hv_desired_volume(d, v->name);
                enum sim_word word = sim_agent_word(s, v->name);

                if (!v->exists || v->owner != SIM_OWNER_NODE)
                        continue;
                if (word == SIM_WORD_DELETE || (word == SIM_WORD_NONE && w && w->reclaim_delete)) {
                        existing++;
                        removed += !hv_desired_volume(d, v->name);
                }
        }
        *ret_existing = existing;
        *ret_removed = removed;
}

bool sim_all_is_known(struct sim *s) {
        const struct sim_truth *t = s->truth;

        for (size_t i = 0; i < t->containers.n; i++)
                if (t->containers.v[i]->owner == SIM_OWNER_NODE && !is_known(t->containers.v[i]))
                        return false;
        for (size_t i = 0; i < t->networks.n; i++)
                if (t->networks.v[i]->known_tick < t->networks.v[i]->tick)
                        return false;
        for (size_t i = 0; i < t->volumes.n; i++)
                if (t->volumes.v[i]->known_tick < t->volumes.v[i]->tick)
                        return false;
        return true;
}

/* people.c - see people.h. */
#include "sim/people.h"

#include "sim/attempt.h"
#include "sim/sim.h"
#include "sim/truth.h"
#include "sim/workload.h"

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_PEOPLE, bound);
}

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_PEOPLE, permille);
}

/* ---- before the agent ---- */

static struct sim_container *stranger(struct sim *s, const char *name) {
        struct sim_container *k =
                sim_container_add(s, name, chance(s, 300) ? SIM_OWNER_OTHER_NODE : SIM_OWNER_STRANGER);

        if (k->owner == SIM_OWNER_OTHER_NODE) {
                k->object = "web";
                k->digest = sim_older_digest();
        }
        sim_container_made(s, k);
        if (chance(s, 800))
                sim_container_run(s, k);
        return k;
}

static const char *name_of_unit(struct sim *s) {
        return sim_text(s, "hive-%s", sim_service_name((unsigned) below(s, s->workload->n_services)));
}

/* Containers of an earlier life of this node: some as they should be, some older, some nobody wants. */
static void arrive_ours(struct sim *s) {
        const struct hv_desired *d = s->workload->source;

        for (size_t i = 0; i < d->n_units; i++) {
                const struct hv_unit *u = &d->units[i];
                struct sim_container *k;

                if (!chance(s, 300) || sim_container_find(s, u->container))
                        continue;
                k = sim_container_add(s, u->container, SIM_OWNER_NODE);
                k->object = hv_arena_strdup(s->arena, u->object);
                k->replica = u->replica;
                k->digest = chance(s, 700) && !u->n_gpus /* none was made without those that it asks for */
                                    ? hv_arena_strdup(s->arena, u->digest)
                                    : sim_older_digest();
                k->limits = u->limits;
                for (size_t j = 0; j < u->n_networks; j++) {
                        if (!sim_network_find(s, u->networks[j].name))
                                (void) sim_network_add(s, u->networks[j].name, "bridge", SIM_OWNER_NODE,
                                                       hv_desired_network(d, u->networks[j].name)->digest);
                        k->networks[k->n_networks++] = u->networks[j].name;
                }
                sim_container_made(s, k);
                if (chance(s, 800))
                        sim_container_run(s, k);
        }
        for (unsigned i = 0; i < SIM_N_SERVICES; i++) {
                struct sim_container *k;
                const char *name = sim_text(s, "hive-%s-9", sim_service_name(i));

                if (!chance(s, 60))
                        continue;
                k = sim_container_add(s, name, SIM_OWNER_NODE);
                k->object = sim_service_name(i);
                k->replica = 9;
                k->digest = sim_older_digest();
                sim_container_made(s, k);
                if (chance(s, 600))
                        sim_container_run(s, k);
        }
}

void sim_people_arrive(struct sim *s) {
        for (uint64_t n = below(s, 4); n > 0; n--)
                (void) stranger(s, sim_text(s, "other-%" PRIu64, n));
        if (chance(s, 150)) {
                const char *name = name_of_unit(s);

                if (!sim_container_find(s, name))
                        (void) stranger(s, name);
        }
        for (unsigned i = 0; i < SIM_N_NETWORKS; i++)
                if (chance(s, 100))
                        (void) sim_network_add(s, sim_network_name(i), chance(s, 800) ? "bridge" : "macvlan",
                                               SIM_OWNER_STRANGER, NULL);
        for (unsigned i = 0; i < SIM_N_VOLUMES; i++)
                if (chance(s, 60))
                        (void) sim_volume_add(s, sim_volume_name(i), "local", SIM_OWNER_STRANGER, NULL,
                                              false);
        for (unsigned i = 0; i < SIM_N_IMAGES; i++)
                sim_image_set(s, sim_image_get(s, sim_image_name(i)), chance(s, 400));
        if (chance(s, 500))
                arrive_ours(s);
}

/* ---- what people do ---- */

/* A container of ours that is there; NULL: none. */
static struct sim_container *victim(struct sim *s) {
        const struct sim_truth *t = s->truth;
        size_t first = t->containers.n ? below(s, t->containers.n) : 0;

        for (size_t i = 0; i < t->containers.n; i++) {
                struct sim_container *k = t->containers.v[(first + i) % t->containers.n];

                if (k->exists && k->owner == SIM_OWNER_NODE && k->state != HV_CONTAINER_REMOVING)
                        return k;
        }
        return NULL;
}

static void take_name(struct sim *s, struct sim_container *k) {
        const char *name = k ? k->name : name_of_unit(s);

        if (k)
                sim_container_remove(s, k);
        if (!sim_container_find(s, name))
                (void) stranger(s, name);
}

static bool remove_network(struct sim *s) {
        struct sim_network *n = sim_network_find(s, sim_network_name((unsigned) below(s, SIM_N_NETWORKS)));

        if (!n || n->owner != SIM_OWNER_NODE || sim_network_is_used(s, n))
                return false;
        sim_network_remove(s, n);
        return true;
}

static bool remove_volume(struct sim *s) {
        struct sim_volume *v = sim_volume_find(s, sim_volume_name((unsigned) below(s, SIM_N_VOLUMES)));

        if (!v || v->owner != SIM_OWNER_NODE || sim_volume_is_used(s, v))
                return false;
        sim_volume_remove(s, v);
        return true;
}

/* False: nothing to do it to. */
static bool act_on(struct sim *s, struct sim_container *k, enum sim_fault deed) {
        const char *network;
        struct hv_limits limits = { .memory_bytes = UINT64_C(32) << 20, .pids = 99 };

        switch (deed) {
        case SIM_PEOPLE_STOP:
        case SIM_PEOPLE_KILL:
                if (!sim_container_is_up(k))
                        return false;
                sim_container_end(s, k, deed == SIM_PEOPLE_STOP ? 0 : 137, false);
                return true;
        case SIM_PEOPLE_REMOVE:
                sim_container_remove(s, k);
                return true;
        case SIM_PEOPLE_PAUSE:
                if (k->state != HV_CONTAINER_RUNNING)
                        return false;
                sim_container_pause(s, k, true);
                return true;
        case SIM_PEOPLE_START:
                if ((k->state != HV_CONTAINER_EXITED && k->state != HV_CONTAINER_CREATED) ||
                    sim_attempt_is_withheld(s, k))
                        return false;
                for (unsigned i = 0; i < k->n_networks; i++)
                        if (!sim_network_find(s, k->networks[i]))
                                return false;
                sim_container_run(s, k);
                return true;
        case SIM_PEOPLE_LIMITS:
                if (!s->truth->has_update)
                        return false;
                sim_container_update(s, k, &limits, k->restart_policy);
                return true;
        case SIM_PEOPLE_RESTART_POLICY:
                if (!s->truth->has_update)
                        return false;
                sim_container_update(s, k, &k->limits, true);
                return true;
        case SIM_PEOPLE_DISCONNECT:
                if (k->n_networks == 0)
                        return false;
                sim_container_leave(s, k, k->networks[below(s, k->n_networks)]);
                return true;
        case SIM_PEOPLE_CONNECT:
                network = sim_network_name((unsigned) below(s, SIM_N_NETWORKS));
                /* An engine refuses it for a container without a network of its own, as tasks are. */
                if (!sim_network_find(s, network) || sim_container_is_on(k, network) ||
                    k->kind == HV_KIND_TASK)
                        return false;
                sim_container_join(s, k, network);
                return true;
        case SIM_PEOPLE_RENAME:
                if (k->former_name)
                        return false;
                sim_container_rename(s, k, sim_text(s, "renamed-%" PRIu64, s->truth->tick));
                return true;
        default:
                return false;
        }
}

void sim_people_act(struct sim *s) {
        enum sim_fault deed =
                (enum sim_fault) sim_between(s, SIM_CHANCE_PEOPLE, SIM_PEOPLE_STOP, SIM_PEOPLE_REMOVE_VOLUME);
        struct sim_container *k = victim(s);
        bool done;

        if (!s->truth->engine_up || !(s->faults.enabled & UINT64_C(1) << deed))
                return;
        sim_trace(s, "PEOPLE %s %s", sim_fault_name(deed), k ? k->name : "");
        s->truth->n_foreign_changes++;
        if (deed == SIM_PEOPLE_REMOVE_NETWORK)
                done = remove_network(s);
        else if (deed == SIM_PEOPLE_REMOVE_VOLUME)
                done = remove_volume(s);
        else if (deed == SIM_PEOPLE_TAKE_NAME) {
                take_name(s, k);
                done = true;
        } else
                done = k && act_on(s, k, deed);
        s->faults.n_hit[deed] += done;
}

void sim_people_leave(struct sim *s) {
        for (size_t i = 0; i < s->truth->containers.n; i++) {
                struct sim_container *k = s->truth->containers.v[i];

                if (k->exists && k->owner != SIM_OWNER_NODE &&
                    (hv_has_prefix(k->name, "hive-") || hv_has_prefix(k->name, "task-")) && chance(s, 600))
                        sim_container_remove(s, k);
        }
}

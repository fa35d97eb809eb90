/* view.c - see view.h. */
#include "sim/view.h"

#include "reconcile/labels.h"
#include "sim/sim.h"

static struct hv_arena *arena_of(struct sim_view *v) {
        if (!v->arena)
                v->arena = hv_arena_new();
        return v->arena;
}

static void see_container(struct hv_arena *a, const struct sim_container *k, struct hv_seen_container *ret) {
        struct hv_seen_endpoint *endpoints = HV_ARENA_NEW_N(a, struct hv_seen_endpoint, k->n_networks + 1);
        const char **volumes = HV_ARENA_NEW_N(a, const char *, k->n_volumes + 1);

        *ret = (struct hv_seen_container){
                .id = hv_arena_strdup(a, k->id),
                .name = hv_arena_strdup(a, k->name),
                .ours = k->owner == SIM_OWNER_NODE,
                .image = hv_arena_strdup(a, k->image),
                .state = k->state,
                .endpoints = endpoints,
                .n_endpoints = k->n_networks,
                .volumes = volumes,
                .n_volumes = k->n_volumes,
        };
        if (ret->ours) {
                ret->kind =
                        k->is_builder ? HV_LABEL_KIND_BUILDER : hv_arena_strdup(a, hv_kind_label(k->kind));
                ret->is_builder = k->is_builder;
                ret->object = hv_arena_strdup(a, k->object);
                ret->replica = k->replica;
                ret->digest = hv_arena_strdup(a, k->digest);
                ret->revision = hv_arena_strdup(a, k->revision);
                ret->gpus = hv_arena_strdup(a, k->gpus);
                ret->tells_gpu_memory = k->gpus;
                ret->gpu_memory_bytes = k->gpus ? k->gpu_memory_bytes : 0;
        }
        for (unsigned i = 0; i < k->n_networks; i++)
                endpoints[i] = (struct hv_seen_endpoint){ hv_arena_strdup(a, k->networks[i]),
                                                          hv_arena_strdup(a, k->network_ids[i]) };
        for (unsigned i = 0; i < k->n_volumes; i++)
                volumes[i] = hv_arena_strdup(a, k->volumes[i]);
}

static void list_containers(struct sim *s, struct sim_view *v) {
        const struct sim_truth *t = s->truth;
        struct hv_seen_container *seen =
                HV_ARENA_NEW_N(arena_of(v), struct hv_seen_container, t->containers.n + 1);
        size_t n = 0;

        for (size_t i = 0; i < t->containers.n; i++) {
                struct sim_container *k = t->containers.v[i];

                if (!k->exists)
                        continue;
                see_container(v->arena, k, &seen[n]);
                if (k->state == HV_CONTAINER_EXITED && s->now_us < k->listed_running_until_us) {
                        seen[n].state = HV_CONTAINER_RUNNING;
                        hv_vec_push(&v->stale, k);
                }
                n++;
        }
        v->listing.containers = seen;
        v->listing.n_containers = n;
}

static void list_networks(struct sim *s, struct sim_view *v) {
        const struct sim_truth *t = s->truth;
        struct hv_seen_network *seen = HV_ARENA_NEW_N(arena_of(v), struct hv_seen_network, t->networks.n + 1);
        size_t n = 0;

        for (size_t i = 0; i < t->networks.n; i++) {
                const struct sim_network *w = t->networks.v[i];

                if (w->exists)
                        seen[n++] = (struct hv_seen_network){
                                .id = hv_arena_strdup(v->arena, w->id),
                                .name = hv_arena_strdup(v->arena, w->name),
                                .driver = hv_arena_strdup(v->arena, w->driver),
                                .ours = w->owner == SIM_OWNER_NODE,
                                .digest = w->owner == SIM_OWNER_NODE ? hv_arena_strdup(v->arena, w->digest)
                                                                     : NULL,
                        };
        }
        v->listing.networks = seen;
        v->listing.n_networks = n;
}

static void list_volumes(struct sim *s, struct sim_view *v) {
        const struct sim_truth *t = s->truth;
        struct hv_seen_volume *seen = HV_ARENA_NEW_N(arena_of(v), struct hv_seen_volume, t->volumes.n + 1);
        size_t n = 0;

        for (size_t i = 0; i < t->volumes.n; i++) {
                const struct sim_volume *w = t->volumes.v[i];

                if (w->exists)
                        seen[n++] = (struct hv_seen_volume){
                                .name = hv_arena_strdup(v->arena, w->name),
                                .driver = hv_arena_strdup(v->arena, w->driver),
                                .ours = w->owner == SIM_OWNER_NODE,
                                .reclaim_delete = w->owner == SIM_OWNER_NODE && w->reclaim_delete,
                                .digest = w->owner == SIM_OWNER_NODE ? hv_arena_strdup(v->arena, w->digest)
                                                                     : NULL,
                        };
        }
        v->listing.volumes = seen;
        v->listing.n_volumes = n;
}

void sim_view_list(struct sim *s, struct sim_view *v, enum hv_look part) {
        v->listing.parts |= part;
        switch (part) {
        case HV_LOOK_CONTAINERS:
                list_containers(s, v);
                v->tick[0] = s->truth->tick;
                break;
        case HV_LOOK_NETWORKS:
                list_networks(s, v);
                v->tick[1] = s->truth->tick;
                break;
        default:
                list_volumes(s, v);
                v->tick[2] = s->truth->tick;
        }
}

void sim_view_cut(struct sim_view *v, enum hv_look part) {
        v->listing.parts &= ~(unsigned) part;
        switch (part) {
        case HV_LOOK_CONTAINERS:
                v->listing.n_containers /= 2;
                v->tick[0] = 0;
                break;
        case HV_LOOK_NETWORKS:
                v->listing.n_networks /= 2;
                v->tick[1] = 0;
                break;
        default:
                v->listing.n_volumes /= 2;
                v->tick[2] = 0;
        }
}

void sim_view_inspect(struct sim *s, struct sim_view *v, const char *id_or_name) {
        const struct sim_container *k = sim_container_find(s, id_or_name);

        v->tick[0] = s->truth->tick;
        if (!k)
                return;
        v->container = HV_ARENA_NEW(arena_of(v), struct hv_seen_container);
        see_container(v->arena, k, v->container);
        v->container->detailed = true;
        v->container->exit_code = k->exit_code;
        v->container->oom_killed = k->oom_killed;
        v->container->error = hv_arena_strdup(v->arena, k->error);
        v->container->started_us = k->started_us ? k->started_wall_us : 0;
        v->container->finished_us = k->finished_us ? k->finished_wall_us : 0;
        v->container->limits = k->limits;
        v->container->restart_policy_set = k->restart_policy;
        v->container->never_ran =
                k->state == HV_CONTAINER_CREATED && (!k->is_touched || !hv_str_empty(k->error));
}

void sim_view_done(struct sim_view *v) {
        v->arena = hv_arena_free(v->arena);
        hv_vec_done(&v->stale);
        *v = (struct sim_view){};
}

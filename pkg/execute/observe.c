/* execute/observe.c - see observe.h. */
#include "execute/observe.h"

#include "base/arena.h"
#include "base/parse.h"
#include "reconcile/labels.h"

/* What our labels say about an object. */
struct mark {
        bool ours;
        const char *kind, *name, *digest, *revision,
                *gpus; /* NULL on strangers, and where a label is missing */
        unsigned replica;
        bool is_builder;
        bool reclaim_delete;
        bool tells_gpu_memory;
        uint64_t gpu_memory_bytes;
};

static const char *label(const struct hv_pairs *labels, const char *name) {
        size_t low = 0, high = labels->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                int order = strcmp(name, labels->v[mid].name);

                if (order == 0)
                        return labels->v[mid].value;
                if (order < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

static bool runs(enum hv_kind kind) {
        return kind == HV_KIND_SERVICE || kind == HV_KIND_TASK || kind == HV_KIND_CRONTASK;
}

static bool is_of_kind(const char *kind, bool (*fits)(enum hv_kind)) {
        enum hv_kind k = kind ? hv_kind_parse(kind) : HV_KIND_NONE;

        return k != HV_KIND_NONE && hv_streq(kind, hv_kind_label(k)) && fits(k);
}

static bool is_network(enum hv_kind kind) {
        return kind == HV_KIND_NETWORK;
}

static bool is_volume(enum hv_kind kind) {
        return kind == HV_KIND_VOLUME;
}

static struct mark read_mark(const struct hv_pairs *labels, const char *node_id, bool (*fits)(enum hv_kind)) {
        const char *kind = label(labels, HV_LABEL_KIND), *name = label(labels, HV_LABEL_NAME);
        const char *replica = label(labels, HV_LABEL_REPLICA);
        const char *gpu_memory = label(labels, HV_LABEL_GPU_MEMORY);
        bool is_builder = fits == runs && hv_streq(kind, HV_LABEL_KIND_BUILDER);
        struct mark m = { .replica = 1 };
        uint64_t number;

        if (!hv_streq(label(labels, HV_LABEL_MANAGED), "true") || hv_str_empty(node_id) ||
            !hv_streq(label(labels, HV_LABEL_NODE), node_id) || hv_str_empty(name) ||
            (!is_builder && !is_of_kind(kind, fits)))
                return m;
        if (replica) {
                if (!hv_parse_uint(replica, 1, UINT32_MAX, &number))
                        return m;
                m.replica = (unsigned) number;
        }
        m.ours = true;
        m.is_builder = is_builder;
        m.kind = kind;
        m.name = name;
        m.digest = label(labels, HV_LABEL_DIGEST);
        m.revision = label(labels, HV_LABEL_REVISION);
        m.gpus = label(labels, HV_LABEL_GPUS);
        m.tells_gpu_memory =
                m.gpus && gpu_memory && hv_parse_uint(gpu_memory, 0, UINT64_MAX, &m.gpu_memory_bytes);
        m.reclaim_delete = hv_streq(label(labels, HV_LABEL_RECLAIM), "delete");
        return m;
}

/* A word that this client does not know is taken for a change under way: the one state in which nothing is
 * done to a container but to look again. */
static enum hv_container_state state_of(enum hv_docker_state state) {
        switch (state) {
        case HV_DOCKER_STATE_CREATED:
                return HV_CONTAINER_CREATED;
        case HV_DOCKER_STATE_RUNNING:
                return HV_CONTAINER_RUNNING;
        case HV_DOCKER_STATE_PAUSED:
                return HV_CONTAINER_PAUSED;
        case HV_DOCKER_STATE_RESTARTING:
                return HV_CONTAINER_RESTARTING;
        case HV_DOCKER_STATE_EXITED:
                return HV_CONTAINER_EXITED;
        case HV_DOCKER_STATE_DEAD:
                return HV_CONTAINER_DEAD;
        case HV_DOCKER_STATE_REMOVING:
        case HV_DOCKER_STATE_UNKNOWN:
                break;
        }
        return HV_CONTAINER_REMOVING;
}

static const char *non_empty(const char *text) {
        return hv_str_empty(text) ? NULL : text;
}

static void copy_endpoints(const struct hv_docker_container *c, struct hv_arena *arena,
                           struct hv_seen_container *ret) {
        struct hv_seen_endpoint *v = HV_ARENA_NEW_N(arena, struct hv_seen_endpoint, c->n_endpoints);

        for (size_t i = 0; i < c->n_endpoints; i++)
                v[i] = (struct hv_seen_endpoint){
                        .network = c->endpoints[i].network,
                        .network_id = non_empty(c->endpoints[i].network_id),
                };
        ret->endpoints = v;
        ret->n_endpoints = c->n_endpoints;
}

static void copy_volumes(const struct hv_docker_container *c, struct hv_arena *arena,
                         struct hv_seen_container *ret) {
        const char **v = HV_ARENA_NEW_N(arena, const char *, c->n_mounts);

        for (size_t i = 0; i < c->n_mounts; i++)
                if (hv_streq(c->mounts[i].type, "volume") && non_empty(c->mounts[i].name))
                        v[ret->n_volumes++] = c->mounts[i].name;
        ret->volumes = v;
}

void hv_observe_docker_container(const struct hv_docker_container *c, const char *node_id,
                                 struct hv_arena *arena, struct hv_seen_container *ret) {
        struct mark m = read_mark(&c->labels, node_id, runs);

        *ret = (struct hv_seen_container){
                .id = c->id,
                .name = c->name,
                .ours = m.ours,
                .kind = m.kind,
                .object = m.name,
                .replica = m.replica,
                .is_builder = m.is_builder,
                .digest = m.digest,
                .revision = m.revision,
                .gpus = hv_str_empty(m.gpus) ? NULL : m.gpus,
                .tells_gpu_memory = m.tells_gpu_memory,
                .gpu_memory_bytes = m.gpu_memory_bytes,
                .image = c->image,
                .state = state_of(c->state),
        };
        copy_endpoints(c, arena, ret);
        copy_volumes(c, arena, ret);
        if (!c->detailed)
                return;
        ret->detailed = true;
        ret->exit_code = c->exit_code;
        ret->oom_killed = c->oom_killed;
        ret->error = non_empty(c->error);
        ret->started_us = c->started_us;
        ret->finished_us = c->finished_us;
        ret->limits = c->limits;
        ret->restart_policy_set = non_empty(c->restart_policy) && !hv_streq(c->restart_policy, "no");
}

void hv_observe_docker_containers(const struct hv_docker_containers *list, const char *node_id,
                                  struct hv_arena *arena, struct hv_listing *listing) {
        struct hv_seen_container *v = HV_ARENA_NEW_N(arena, struct hv_seen_container, list->n);

        for (size_t i = 0; i < list->n; i++)
                hv_observe_docker_container(&list->v[i], node_id, arena, &v[i]);
        listing->containers = v;
        listing->n_containers = list->n;
        listing->parts |= HV_LOOK_CONTAINERS;
}

void hv_observe_docker_networks(const struct hv_docker_networks *list, const char *node_id,
                                struct hv_arena *arena, struct hv_listing *listing) {
        struct hv_seen_network *v = HV_ARENA_NEW_N(arena, struct hv_seen_network, list->n);

        for (size_t i = 0; i < list->n; i++) {
                const struct hv_docker_network *n = &list->v[i];
                struct mark m = read_mark(&n->labels, node_id, is_network);

                v[i] = (struct hv_seen_network){
                        .id = n->id, .name = n->name, .driver = n->driver, .ours = m.ours, .digest = m.digest
                };
        }
        listing->networks = v;
        listing->n_networks = list->n;
        listing->parts |= HV_LOOK_NETWORKS;
}

void hv_observe_docker_volumes(const struct hv_docker_volumes *list, const char *node_id,
                               struct hv_arena *arena, struct hv_listing *listing) {
        struct hv_seen_volume *v = HV_ARENA_NEW_N(arena, struct hv_seen_volume, list->n);

        for (size_t i = 0; i < list->n; i++) {
                const struct hv_docker_volume *o = &list->v[i];
                struct mark m = read_mark(&o->labels, node_id, is_volume);

                v[i] = (struct hv_seen_volume){
                        .name = o->name,
                        .driver = o->driver,
                        .ours = m.ours,
                        .reclaim_delete = m.reclaim_delete,
                        .digest = m.digest,
                };
        }
        listing->volumes = v;
        listing->n_volumes = list->n;
        listing->parts |= HV_LOOK_VOLUMES;
}

bool hv_observe_docker_event(const struct hv_docker_event *event, const char *node_id,
                             struct hv_engine_event *ret) {
        static const struct {
                const char *type;
                enum hv_event_type is;
                bool (*fits)(enum hv_kind);
        } types[] = {
                { "container", HV_EVENT_CONTAINER, runs },
                { "network", HV_EVENT_NETWORK, is_network },
                { "volume", HV_EVENT_VOLUME, is_volume },
                { "image", HV_EVENT_IMAGE, NULL },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(types); i++) {
                if (!hv_streq(event->type, types[i].type) || hv_str_empty(event->id))
                        continue;
                *ret = (struct hv_engine_event){
                        .type = types[i].is,
                        .action = event->action,
                        .id = event->id,
                        .name = non_empty(event->name),
                        .container = non_empty(event->container),
                        .time_us = event->time_ns / 1000,
                        .ours = types[i].fits && read_mark(&event->attributes, node_id, types[i].fits).ours,
                };
                return true;
        }
        return false;
}

enum hv_outcome hv_observe_docker_outcome(enum hv_docker_outcome outcome, enum hv_action_type type) {
        switch (outcome) {
        case HV_DOCKER_OK:
                return HV_OUTCOME_OK;
        case HV_DOCKER_NOT_MODIFIED:
                return HV_OUTCOME_NOT_MODIFIED;
        case HV_DOCKER_NOT_FOUND:
                return HV_OUTCOME_NOT_FOUND;
        case HV_DOCKER_CONFLICT:
                return HV_OUTCOME_CONFLICT;
        case HV_DOCKER_DENIED:
                /* Only a registry asks for another login; an engine that says 403 (a network in use on 20.10)
                 * refuses. */
                return type == HV_ACTION_PULL ? HV_OUTCOME_DENIED : HV_OUTCOME_REFUSED;
        case HV_DOCKER_UNSUPPORTED:
                return HV_OUTCOME_UNSUPPORTED;
        case HV_DOCKER_REFUSED:
                return HV_OUTCOME_REFUSED;
        case HV_DOCKER_UNREACHABLE:
                return HV_OUTCOME_UNREACHABLE;
        case HV_DOCKER_UNKNOWN:
                return HV_OUTCOME_UNKNOWN;
        case HV_DOCKER_ENGINE_ERROR:
        case HV_DOCKER_N_OUTCOMES:
                break;
        }
        return HV_OUTCOME_FAILED;
}

/* execute/shadow.c - see shadow.h. */
#include "execute/shadow.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/vec.h"

/* Ids of questions that are the shadow's own; those of a core count up from 1. */
#define OWN_ID_BIT (UINT64_C(1) << 63)

struct name_list {
        char **v;
        size_t n, cap;
};

struct container {                  /* one that something was done to */
        char *id, *name;            /* name NULL: a real one, which a look has not shown yet */
        const struct hv_unit *unit; /* made in the shadow; NULL: real */
        const struct hv_desired *desired;
        bool removed, state_set, limits_set;
        enum hv_container_state state;
        struct hv_limits limits;
        struct name_list joined, left; /* networks */
};

struct object {                           /* a network or a volume that something was done to */
        char *id;                         /* of a volume: its name */
        const struct hv_network *network; /* made; both NULL: removed */
        const struct hv_volume *volume;
};

struct question { /* is the image of this create there? */
        struct hv_action ask;
        const struct hv_action *create;
};

struct shadow {
        struct hv_driver base;
        struct hv_shadow_options o;
        struct hv_driver *engine;
        HV_VEC(struct container) containers;
        HV_VEC(struct object) networks, volumes;
        struct name_list images;                /* pulled */
        HV_VEC(const struct hv_action *) looks; /* with the engine */
        HV_VEC(struct question *) questions;
        uint64_t n_made;
};

/* --- lists of names --- */

static bool list_has(const struct name_list *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (hv_streq(l->v[i], name))
                        return true;
        return false;
}

static void list_add(struct name_list *l, const char *name) {
        if (!list_has(l, name))
                hv_vec_push(l, hv_strdup(name));
}

static void list_drop(struct name_list *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (hv_streq(l->v[i], name)) {
                        free(l->v[i]);
                        l->v[i] = l->v[--l->n];
                        return;
                }
}

static void list_done(struct name_list *l) {
        for (size_t i = 0; i < l->n; i++)
                free(l->v[i]);
        hv_vec_done(l);
}

/* --- containers --- */

static struct container *container_by_id(struct shadow *s, const char *id) {
        for (size_t i = 0; i < s->containers.n; i++)
                if (hv_streq(s->containers.v[i].id, id))
                        return &s->containers.v[i];
        return NULL;
}

static struct container *container_get(struct shadow *s, const char *id) {
        struct container *k = container_by_id(s, id);

        if (!k) {
                k = hv_vec_add(&s->containers);
                k->id = hv_strdup(id);
        }
        return k;
}

static struct container *made_by_name(struct shadow *s, const char *name) {
        for (size_t i = 0; i < s->containers.n; i++)
                if (s->containers.v[i].unit && !s->containers.v[i].removed &&
                    hv_streq(s->containers.v[i].name, name))
                        return &s->containers.v[i];
        return NULL;
}

/* A container that exists only here, as an inspect would show it. */
static void show_made(const struct container *k, struct hv_arena *arena, struct hv_seen_container *ret) {
        struct hv_seen_endpoint *endpoints = HV_ARENA_NEW_N(arena, struct hv_seen_endpoint, k->joined.n);
        const char **volumes = HV_ARENA_NEW_N(arena, const char *, k->unit->n_mounts);

        *ret = (struct hv_seen_container){
                .id = k->id,
                .name = k->name,
                .ours = true,
                .kind = hv_kind_label(k->unit->kind),
                .object = k->unit->object,
                .replica = k->unit->replica,
                .digest = k->unit->digest,
                .revision = k->desired ? k->desired->revision : NULL,
                .image = k->unit->image,
                .state = k->state,
                .endpoints = endpoints,
                .n_endpoints = k->joined.n,
                .volumes = volumes,
                .detailed = true,
                .limits = k->limits,
        };
        for (size_t i = 0; i < k->joined.n; i++)
                endpoints[i].network = k->joined.v[i];
        for (size_t i = 0; i < k->unit->n_mounts; i++)
                if (k->unit->mounts[i].type == HV_MOUNT_VOLUME)
                        volumes[ret->n_volumes++] = k->unit->mounts[i].source;
}

/* A real one, with what was done to it. */
static void show_real(const struct container *k, struct hv_arena *arena, struct hv_seen_container *c) {
        struct hv_seen_endpoint *endpoints =
                HV_ARENA_NEW_N(arena, struct hv_seen_endpoint, c->n_endpoints + k->joined.n);
        size_t n = 0;

        for (size_t i = 0; i < c->n_endpoints; i++)
                if (!list_has(&k->left, c->endpoints[i].network) &&
                    !list_has(&k->joined, c->endpoints[i].network))
                        endpoints[n++] = c->endpoints[i];
        for (size_t i = 0; i < k->joined.n; i++)
                endpoints[n++].network = k->joined.v[i];
        c->endpoints = endpoints;
        c->n_endpoints = n;
        if (k->state_set)
                c->state = k->state;
        if (k->limits_set) {
                c->limits = k->limits;
                c->restart_policy_set = false;
        }
}

/* --- networks, volumes: what was done to them, in order; the last word on an id counts --- */

static const struct object *last_word(const struct object *v, size_t n, const char *id) {
        while (n-- > 0)
                if (hv_streq(v[n].id, id))
                        return &v[n];
        return NULL;
}

static void show_networks(const struct shadow *s, struct hv_arena *arena, struct hv_listing *l) {
        struct hv_seen_network *v =
                HV_ARENA_NEW_N(arena, struct hv_seen_network, l->n_networks + s->networks.n);
        size_t n = 0;

        for (size_t i = 0; i < l->n_networks; i++)
                if (!last_word(s->networks.v, s->networks.n, l->networks[i].id))
                        v[n++] = l->networks[i];
        for (size_t i = 0; i < s->networks.n; i++) {
                const struct object *o = &s->networks.v[i];

                if (o->network && last_word(s->networks.v, s->networks.n, o->id) == o)
                        v[n++] = (struct hv_seen_network){ .id = o->id,
                                                           .name = o->network->name,
                                                           .driver = o->network->driver,
                                                           .ours = true,
                                                           .digest = o->network->digest };
        }
        l->networks = v;
        l->n_networks = n;
}

static void show_volumes(const struct shadow *s, struct hv_arena *arena, struct hv_listing *l) {
        struct hv_seen_volume *v = HV_ARENA_NEW_N(arena, struct hv_seen_volume, l->n_volumes + s->volumes.n);
        size_t n = 0;

        for (size_t i = 0; i < l->n_volumes; i++)
                if (!last_word(s->volumes.v, s->volumes.n, l->volumes[i].name))
                        v[n++] = l->volumes[i];
        for (size_t i = 0; i < s->volumes.n; i++) {
                const struct object *o = &s->volumes.v[i];

                if (o->volume && last_word(s->volumes.v, s->volumes.n, o->id) == o)
                        v[n++] = (struct hv_seen_volume){ .name = o->volume->name,
                                                          .driver = o->volume->driver,
                                                          .ours = true,
                                                          .reclaim_delete = o->volume->reclaim_delete,
                                                          .digest = o->volume->digest };
        }
        l->volumes = v;
        l->n_volumes = n;
}

static void show_containers(struct shadow *s, struct hv_arena *arena, struct hv_listing *l) {
        struct hv_seen_container *v =
                HV_ARENA_NEW_N(arena, struct hv_seen_container, l->n_containers + s->containers.n);
        size_t n = 0;

        for (size_t i = 0; i < l->n_containers; i++) {
                const struct container *k = container_by_id(s, l->containers[i].id);

                if (k && k->removed)
                        continue;
                v[n] = l->containers[i];
                if (k)
                        show_real(k, arena, &v[n]);
                n++;
        }
        for (size_t i = 0; i < s->containers.n; i++)
                if (s->containers.v[i].unit && !s->containers.v[i].removed) {
                        show_made(&s->containers.v[i], arena, &v[n]);
                        v[n++].detailed = false;
                }
        l->containers = v;
        l->n_containers = n;
}

/* --- effects --- */

static void give(struct shadow *s, const struct hv_action *a, struct hv_input *in) {
        in->type = HV_INPUT_DONE;
        in->action_id = a->id;
        s->o.input(s->o.input_userdata, in);
}

static char *made_up_id(struct shadow *s) {
        return hv_asprintf("planned-%llu", (unsigned long long) ++s->n_made);
}

static const char *make_container(struct shadow *s, const struct hv_action *a) {
        struct container *k = hv_vec_add(&s->containers);

        k->id = made_up_id(s);
        k->name = hv_strdup(a->unit->container);
        k->unit = a->unit;
        k->desired = a->desired;
        k->state = HV_CONTAINER_CREATED;
        k->state_set = true;
        k->limits = a->unit->limits;
        if (a->unit->network_mode)
                list_add(&k->joined, a->unit->network_mode);
        else if (a->unit->n_networks > 0)
                list_add(&k->joined, a->unit->networks[0].name);
        return k->id;
}

static void set_state(struct shadow *s, const struct hv_action *a, enum hv_container_state state) {
        struct container *k = container_get(s, a->target);

        k->state = state;
        k->state_set = true;
}

/* Gives the id of what was made, or NULL. */
static const char *apply(struct shadow *s, const struct hv_action *a) {
        struct container *k;
        struct object *o;

        switch (a->type) {
        case HV_ACTION_PULL:
                list_add(&s->images, a->image);
                return NULL;
        case HV_ACTION_NETWORK_CREATE:
                o = hv_vec_add(&s->networks);
                *o = (struct object){ .id = made_up_id(s), .network = a->network };
                return o->id;
        case HV_ACTION_NETWORK_REMOVE:
                hv_vec_push(&s->networks, ((struct object){ .id = hv_strdup(a->target) }));
                return NULL;
        case HV_ACTION_VOLUME_CREATE:
                *hv_vec_add(&s->volumes) =
                        (struct object){ .id = hv_strdup(a->volume->name), .volume = a->volume };
                return NULL;
        case HV_ACTION_VOLUME_REMOVE:
                hv_vec_push(&s->volumes, ((struct object){ .id = hv_strdup(a->target) }));
                return NULL;
        case HV_ACTION_CREATE:
                return make_container(s, a);
        case HV_ACTION_START:
        case HV_ACTION_UNPAUSE:
                set_state(s, a, HV_CONTAINER_RUNNING);
                return NULL;
        case HV_ACTION_STOP:
                set_state(s, a, HV_CONTAINER_EXITED);
                return NULL;
        case HV_ACTION_REMOVE:
                container_get(s, a->target)->removed = true;
                return NULL;
        case HV_ACTION_UPDATE:
                k = container_get(s, a->target);
                k->limits = a->limits;
                k->limits_set = true;
                return NULL;
        case HV_ACTION_NETWORK_CONNECT:
                k = container_get(s, a->target);
                list_drop(&k->left, a->endpoint);
                list_add(&k->joined, a->endpoint);
                return NULL;
        case HV_ACTION_NETWORK_DISCONNECT:
                k = container_get(s, a->target);
                list_drop(&k->joined, a->endpoint);
                list_add(&k->left, a->endpoint);
                return NULL;
        default:
                return NULL;
        }
}

static void take_place(struct shadow *s, const struct hv_action *a) {
        struct hv_input in = { .outcome = HV_OUTCOME_OK };

        s->o.effect(s->o.userdata, a);
        in.created_id = apply(s, a);
        give(s, a, &in);
}

/* --- looks --- */

static void look_through(struct shadow *s, const struct hv_action *a) {
        hv_vec_push(&s->looks, a);
        s->engine->ops->submit(s->engine, a);
}

static void inspect(struct shadow *s, const struct hv_action *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        struct container *k = made_by_name(s, a->target);
        struct hv_input in = { .outcome = HV_OUTCOME_OK };
        struct hv_seen_container seen;

        if (!k) {
                look_through(s, a);
                return;
        }
        arena = hv_arena_new();
        show_made(k, arena, &seen);
        in.container = &seen;
        give(s, a, &in);
}

static const struct hv_action *look_take(struct shadow *s, uint64_t id) {
        for (size_t i = 0; i < s->looks.n; i++)
                if (s->looks.v[i]->id == id) {
                        const struct hv_action *a = s->looks.v[i];

                        s->looks.v[i] = s->looks.v[--s->looks.n];
                        return a;
                }
        return NULL;
}

/* The engine's answer, as it would be after all that was "done". */
static void answer(struct shadow *s, const struct hv_action *a, const struct hv_input *real) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_seen_container seen;
        const struct container *k;
        struct hv_input in = *real;
        struct hv_listing l;

        if (a->type == HV_ACTION_LIST && in.listing) {
                l = *in.listing;
                if (l.parts & HV_LOOK_CONTAINERS)
                        show_containers(s, arena, &l);
                if (l.parts & HV_LOOK_NETWORKS)
                        show_networks(s, arena, &l);
                if (l.parts & HV_LOOK_VOLUMES)
                        show_volumes(s, arena, &l);
                in.listing = &l;
        } else if (a->type == HV_ACTION_INSPECT && in.container) {
                k = container_by_id(s, in.container->id);
                seen = *in.container;
                in.container = &seen;
                if (k && k->removed) {
                        in.outcome = HV_OUTCOME_NOT_FOUND;
                        in.container = NULL;
                } else if (k) {
                        show_real(k, arena, &seen);
                }
        } else if (a->type == HV_ACTION_INSPECT_IMAGE && list_has(&s->images, a->image)) {
                in.outcome = HV_OUTCOME_OK;
        }
        give(s, a, &in);
}

/* --- a create, and its image --- */

static void ask_for_image(struct shadow *s, const struct hv_action *create) {
        struct question *q;

        if (list_has(&s->images, create->unit->image)) {
                take_place(s, create);
                return;
        }
        q = HV_NEW(struct question);
        q->create = create;
        q->ask = (struct hv_action){
                .id = create->id | OWN_ID_BIT,
                .type = HV_ACTION_INSPECT_IMAGE,
                .image = create->unit->image,
                .desired = create->desired,
        };
        hv_vec_push(&s->questions, q);
        s->engine->ops->submit(s->engine, &q->ask);
}

static void image_answered(struct shadow *s, const struct hv_input *in) {
        for (size_t i = 0; i < s->questions.n; i++) {
                struct question *q = s->questions.v[i];
                struct hv_input missing = { .outcome = HV_OUTCOME_NOT_FOUND,
                                            .message = "the image is not there" };

                if (q->ask.id != in->action_id)
                        continue;
                s->questions.v[i] = s->questions.v[--s->questions.n];
                if (in->outcome == HV_OUTCOME_NOT_FOUND)
                        give(s, q->create, &missing);
                else
                        take_place(s, q->create);
                free(q);
                return;
        }
}

void hv_shadow_input(void *shadow, const struct hv_input *input) {
        struct shadow *s = shadow;
        const struct hv_action *a;

        if (input->type == HV_INPUT_ENGINE_LOST)
                s->o.input(s->o.input_userdata, input);
        if (input->type != HV_INPUT_DONE)
                return;
        if (input->action_id & OWN_ID_BIT) {
                image_answered(s, input);
                return;
        }
        a = look_take(s, input->action_id);
        if (a)
                answer(s, a, input);
}

/* --- the driver --- */

static bool can(const struct hv_driver *d, enum hv_action_type type) {
        (void) d;
        return type < HV_N_ACTIONS;
}

static void submit(struct hv_driver *d, const struct hv_action *a) {
        struct shadow *s = (struct shadow *) d;

        if (a->type == HV_ACTION_INSPECT)
                inspect(s, a);
        else if (hv_action_is_look(a->type))
                look_through(s, a);
        else if (a->type == HV_ACTION_CREATE)
                ask_for_image(s, a);
        else
                take_place(s, a);
}

static struct hv_driver *shadow_free(struct hv_driver *d) {
        struct shadow *s = (struct shadow *) d;

        (void) hv_driver_free(s->engine);
        for (size_t i = 0; i < s->containers.n; i++) {
                free(s->containers.v[i].id);
                free(s->containers.v[i].name);
                list_done(&s->containers.v[i].joined);
                list_done(&s->containers.v[i].left);
        }
        hv_vec_done(&s->containers);
        for (size_t i = 0; i < s->networks.n; i++)
                free(s->networks.v[i].id);
        hv_vec_done(&s->networks);
        for (size_t i = 0; i < s->volumes.n; i++)
                free(s->volumes.v[i].id);
        hv_vec_done(&s->volumes);
        for (size_t i = 0; i < s->questions.n; i++)
                free(s->questions.v[i]);
        hv_vec_done(&s->questions);
        hv_vec_done(&s->looks);
        list_done(&s->images);
        free(s);
        return NULL;
}

static const struct hv_driver_ops ops = {
        .name = "shadow", .can = can, .submit = submit, .free = shadow_free
};

struct hv_driver *hv_shadow_new(const struct hv_shadow_options *options) {
        struct shadow *s = HV_NEW(struct shadow);

        s->base.ops = &ops;
        s->o = *options;
        return &s->base;
}

void hv_shadow_look_through(struct hv_driver *shadow, struct hv_driver *engine) {
        ((struct shadow *) shadow)->engine = engine;
}

/* spec/lower_shared.c - networks, volumes, registries, and the list of all objects. */
#include "base/arena.h"
#include "base/vec.h"
#include "spec/digest.h"
#include "spec/task_internal.h"

typedef HV_VEC(struct hv_network) network_vec;

static int compare_networks(const void *a, const void *b) {
        return strcmp(((const struct hv_network *) a)->name, ((const struct hv_network *) b)->name);
}

static bool is_there(const network_vec *v, const char *name) {
        for (size_t i = 0; i < v->n; i++)
                if (hv_streq(v->v[i].name, name))
                        return true;
        return false;
}

/* A network that somebody joins and nobody declares: a bridge on which its members reach each other, as the
 * documented worker made it. One that is there already is used and never changed. */
static void declare_implicitly(network_vec *v, const char *name) {
        static const struct hv_pair options[] = { { "com.docker.network.bridge.enable_icc", "true" } };

        if (is_there(v, name))
                return;
        *hv_vec_add(v) = (struct hv_network){
                .name = name,
                .driver = "bridge",
                .implicit = true,
                .use_foreign = true,
                .options = { options, HV_ARRAY_SIZE(options) },
                .origin = { .source = "default", .file = "" },
        };
}

/* Words may stand in the place of a task's network. */
static void declare_for_task(network_vec *v, const char *name) {
        if (!hv_streq(name, "none") && !hv_streq(name, "host"))
                declare_implicitly(v, name);
}

static void lower_networks(const struct hv_lowering *l, struct hv_desired *d) {
        network_vec v = {};

        for (size_t i = 0; i < l->state->networks.n; i++) {
                const struct hv_spec_network *n = &l->state->networks.v[i];

                *hv_vec_add(&v) = (struct hv_network){
                        .name = n->o.name,
                        .driver = n->driver,
                        .internal = n->internal,
                        .use_foreign = hv_streq(n->o.name, HV_DEFAULT_NETWORK),
                        .subnet = n->subnet,
                        .gateway = n->gateway,
                        .options = n->options,
                        .labels = n->o.labels,
                        .origin = hv_lower_origin(l, &n->o),
                };
        }
        for (size_t i = 0; i < d->n_units; i++)
                for (size_t j = 0; j < d->units[i].n_networks; j++)
                        declare_implicitly(&v, d->units[i].networks[j].name);
        for (size_t i = 0; i < l->state->tasks.n; i++)
                declare_for_task(&v, hv_task_network(l->state, l->state->tasks.v[i].network));
        for (size_t i = 0; i < l->state->cron_tasks.n; i++)
                declare_for_task(&v, hv_task_network(l->state, l->state->cron_tasks.v[i].task.network));
        declare_for_task(&v, hv_task_network(l->state, NULL));
        if (!hv_streq(hv_task_packages_network(&l->state->task_defaults.python), "bridge"))
                declare_for_task(&v, hv_task_packages_network(&l->state->task_defaults.python));
        for (size_t i = 0; i < v.n; i++)
                hv_network_digest(&v.v[i], v.v[i].digest);
        if (v.n)
                qsort(v.v, v.n, sizeof *v.v, compare_networks);
        d->networks = hv_arena_memdup(l->arena, v.v, v.n * sizeof *v.v);
        d->n_networks = v.n;
        hv_vec_done(&v);
}

static void lower_volumes(const struct hv_lowering *l, struct hv_desired *d) {
        struct hv_volume *v = HV_ARENA_NEW_N(l->arena, struct hv_volume, l->state->volumes.n);

        for (size_t i = 0; i < l->state->volumes.n; i++) {
                const struct hv_spec_volume *s = &l->state->volumes.v[i];

                v[i] = (struct hv_volume){
                        .name = s->o.name,
                        .driver = s->driver,
                        .options = s->options,
                        .labels = s->o.labels,
                        .reclaim_delete = s->reclaim == HV_RECLAIM_DELETE,
                        .exclusive = s->access == HV_ACCESS_EXCLUSIVE,
                        .origin = hv_lower_origin(l, &s->o),
                };
                hv_volume_digest(&v[i], v[i].digest);
        }
        d->volumes = v;
        d->n_volumes = l->state->volumes.n;
}

static void lower_registries(const struct hv_lowering *l, struct hv_desired *d) {
        struct hv_registry *v = HV_ARENA_NEW_N(l->arena, struct hv_registry, l->state->registries.n);

        for (size_t i = 0; i < l->state->registries.n; i++) {
                const struct hv_spec_registry *s = &l->state->registries.v[i];

                v[i] = (struct hv_registry){ s->o.name, s->host, s->auth.secret, s->mirrors };
        }
        d->registries = v;
        d->n_registries = l->state->registries.n;
}

typedef HV_VEC(struct hv_object) object_vec;

static void add_object(const struct hv_lowering *l, object_vec *v, const struct hv_spec_object *o,
                       unsigned n_units) {
        *hv_vec_add(v) = (struct hv_object){
                .kind = o->kind,
                .name = o->name,
                .n_units = n_units,
                .labels = o->labels,
                .origin = hv_lower_origin(l, o),
        };
}

#define ADD_ALL(l, vec, list)                  \
        for (size_t i = 0; i < (list)->n; i++) \
        add_object(l, vec, &(list)->v[i].o, 0)

static int compare_objects(const void *pa, const void *pb) {
        const struct hv_object *a = pa, *b = pb;

        return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

static void list_objects(const struct hv_lowering *l, struct hv_desired *d) {
        const struct hv_spec_state *s = l->state;
        object_vec v = {};

        for (size_t i = 0; i < s->services.n; i++)
                add_object(l, &v, &s->services.v[i].o, (unsigned) s->services.v[i].replicas);
        ADD_ALL(l, &v, &s->tasks);
        ADD_ALL(l, &v, &s->cron_tasks);
        ADD_ALL(l, &v, &s->networks);
        ADD_ALL(l, &v, &s->volumes);
        ADD_ALL(l, &v, &s->secrets);
        ADD_ALL(l, &v, &s->configs);
        ADD_ALL(l, &v, &s->images.preload);
        ADD_ALL(l, &v, &s->registries);
        ADD_ALL(l, &v, &s->wireguard);
        if (v.n)
                qsort(v.v, v.n, sizeof *v.v, compare_objects);
        d->objects = hv_arena_memdup(l->arena, v.v, v.n * sizeof *v.v);
        d->n_objects = v.n;
        hv_vec_done(&v);
}

void hv_lower_shared(const struct hv_lowering *l, struct hv_desired *d) {
        lower_networks(l, d);
        lower_volumes(l, d);
        lower_registries(l, d);
        list_objects(l, d);
}

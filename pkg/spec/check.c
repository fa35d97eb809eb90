/* spec/check.c - runs the parts of the check; see check.h and check_internal.h. */
#include "base/arena.h"
#include "base/duration.h"
#include "base/quantity.h"
#include "base/vec.h"
#include "spec/check_internal.h"

typedef HV_VEC(struct hv_check_unit) unit_vec;

static void add_service(unit_vec *units, const struct hv_spec_service *s) {
        hv_vec_push(units, ((struct hv_check_unit){
                                   .kind = HV_KIND_SERVICE,
                                   .object = &s->o,
                                   .node = s->o.node,
                                   .service = s,
                                   .image = s->image,
                                   .network = s->network,
                                   .pull_policy = s->pull_policy,
                                   .env = s->env.v,
                                   .n_env = s->env.n,
                                   .mounts = s->mounts.v,
                                   .n_mounts = s->mounts.n,
                                   .secrets = s->secrets.v,
                                   .n_secrets = s->secrets.n,
                                   .configs = s->configs.v,
                                   .n_configs = s->configs.n,
                                   .depends_on = s->depends_on.v,
                                   .n_depends_on = s->depends_on.n,
                                   .resources = &s->resources,
                                   .security = &s->security,
                                   .replicas = (unsigned) s->replicas,
                           }));
}

static void add_task(unit_vec *units, enum hv_kind kind, const struct hv_spec_object *object,
                     const struct hv_spec_task *t) {
        hv_vec_push(units, ((struct hv_check_unit){
                                   .kind = kind,
                                   .object = object,
                                   .node = t->o.node,
                                   .task = t,
                                   .image = t->image,
                                   .network = t->network,
                                   .pull_policy = t->pull_policy,
                                   .env = t->env.v,
                                   .n_env = t->env.n,
                                   .mounts = t->mounts.v,
                                   .n_mounts = t->mounts.n,
                                   .secrets = t->secrets.v,
                                   .n_secrets = t->secrets.n,
                                   .configs = t->configs.v,
                                   .n_configs = t->configs.n,
                                   .depends_on = t->depends_on.v,
                                   .n_depends_on = t->depends_on.n,
                                   .resources = &t->resources,
                                   .security = &t->security,
                                   .replicas = 1,
                           }));
}

static void index_units(struct hv_check *c) {
        c->services = hv_map_new(NULL);
        c->tasks = hv_map_new(NULL);
        for (size_t i = 0; i < c->n_units; i++) {
                const struct hv_check_unit *u = &c->units[i];

                if (u->object->name && u->kind != HV_KIND_CRONTASK)
                        hv_map_put(u->kind == HV_KIND_SERVICE ? c->services : c->tasks, u->object->name,
                                   (void *) u);
        }
}

void hv_spec_check_all(const struct hv_spec_tree *tree, const struct hv_spec_facts *facts,
                       struct hv_diags *diags) {
        static void (*const parts[])(const struct hv_check *) = {
                hv_check_formats, hv_check_references, hv_check_dependencies, hv_check_mounts,
                hv_check_images,  hv_check_ports,      hv_check_subnets,      hv_check_wireguard,
                hv_check_units,   hv_check_services,   hv_check_tasks,        hv_check_node,
                hv_check_gpus,    hv_check_endpoints,  hv_check_files,        hv_check_containers,
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_spec_state *s = &tree->state;
        unit_vec units = {};
        struct hv_check c;

        for (size_t i = 0; i < s->services.n; i++)
                add_service(&units, &s->services.v[i]);
        for (size_t i = 0; i < s->tasks.n; i++)
                add_task(&units, HV_KIND_TASK, &s->tasks.v[i].o, &s->tasks.v[i]);
        for (size_t i = 0; i < s->cron_tasks.n; i++)
                add_task(&units, HV_KIND_CRONTASK, &s->cron_tasks.v[i].o, &s->cron_tasks.v[i].task);
        c = (struct hv_check){
                .tree = tree,
                .state = s,
                .policy = &s->host.policy,
                .facts = facts,
                .diags = diags,
                .arena = arena,
                .units = units.v,
                .n_units = units.n,
        };
        index_units(&c);
        for (size_t i = 0; i < HV_ARRAY_SIZE(parts); i++)
                parts[i](&c);
        (void) hv_map_free(c.services);
        (void) hv_map_free(c.tasks);
        hv_vec_done(&units);
}

void hv_spec_check_task(const struct hv_spec_tree *tree, const struct hv_spec_task *task,
                        const struct hv_spec_facts *facts, struct hv_diags *diags) {
        static void (*const parts[])(const struct hv_check *) = {
                hv_check_formats, hv_check_references, hv_check_dependencies, hv_check_mounts,
                hv_check_images,  hv_check_subnets,    hv_check_units,        hv_check_tasks,
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        unit_vec units = {};
        struct hv_check c;

        add_task(&units, HV_KIND_TASK, &task->o, task);
        c = (struct hv_check){
                .tree = tree,
                .state = &tree->state,
                .policy = &tree->state.host.policy,
                .facts = facts,
                .diags = diags,
                .arena = arena,
                .units = units.v,
                .n_units = 1,
                .one = true,
        };
        index_units(&c);
        for (size_t i = 0; i < HV_ARRAY_SIZE(parts); i++)
                parts[i](&c);
        (void) hv_map_free(c.services);
        (void) hv_map_free(c.tasks);
        hv_vec_done(&units);
}

const struct hv_check_unit *hv_check_find(const struct hv_check *c, enum hv_kind kind, const char *name) {
        return hv_map_get(kind == HV_KIND_SERVICE ? c->services
                          : kind == HV_KIND_TASK  ? c->tasks
                                                  : NULL,
                          name);
}

void hv_check_fault(const struct hv_check *c, const struct hv_node *at, const struct hv_fault *fault) {
        hv_diag_error(c->diags, at, fault->code, "%s", fault->message);
}

const struct hv_node *hv_check_field(const struct hv_node *mapping, const char *field) {
        const struct hv_node *n = hv_node_get(mapping, field);

        return n ? n : mapping;
}

const struct hv_node *hv_check_item(const struct hv_node *mapping, const char *field, const char *text) {
        const struct hv_node *list = hv_check_field(mapping, field);

        if (!list || list == mapping || list->type != HV_NODE_SEQUENCE)
                return list;
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i]->type == HV_NODE_SCALAR && list->items[i]->text == text)
                        return list->items[i]; /* the struct borrowed this very text */
        return list;
}

const char *hv_check_word(enum hv_kind kind) {
        static const char *const words[HV_N_KINDS] = {
                [HV_KIND_NODESTATE] = "node state",
                [HV_KIND_SERVICE] = "service",
                [HV_KIND_TASK] = "task",
                [HV_KIND_CRONTASK] = "cron task",
                [HV_KIND_NETWORK] = "network",
                [HV_KIND_VOLUME] = "volume",
                [HV_KIND_SECRET] = "secret",
                [HV_KIND_CONFIG] = "config",
                [HV_KIND_IMAGE] = "image",
                [HV_KIND_REGISTRY] = "registry",
                [HV_KIND_WIREGUARD] = "WireGuard",
        };

        return words[kind] ? words[kind] : "object";
}

const char *hv_check_bytes(const struct hv_check *c, uint64_t bytes) {
        char text[HV_QUANTITY_SIZE];

        hv_quantity_format_bytes(bytes, text);
        return hv_diag_text(c->diags, "%s", text);
}

const char *hv_check_cpus(const struct hv_check *c, uint64_t nano_cpus) {
        char text[HV_QUANTITY_SIZE];

        hv_quantity_format_cpu(nano_cpus, text);
        return hv_diag_text(c->diags, "%s", text);
}

const char *hv_check_duration(const struct hv_check *c, uint64_t us, const struct hv_node *written) {
        char text[HV_DURATION_SIZE];
        uint64_t same;

        if (written && written->type == HV_NODE_SCALAR &&
            hv_duration_parse(written->text, &same) == HV_PARSE_OK && same == us)
                return written->text;
        hv_duration_format(us, text);
        return hv_diag_text(c->diags, "%s", text);
}

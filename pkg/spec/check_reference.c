/* spec/check_reference.c - names of other objects: are they there (E0307, E0361, E0363), is anything unused (W022)? */
#include "base/map.h"
#include "base/text.h"
#include "spec/check_internal.h"
#include "spec/schema.h"

/* Made on demand: the network that services and, in HiveMind's dialect, tasks join when they name none. */
#define IMPLICIT_NETWORK "hivemind"

struct references {
        const struct hv_check *check;
        struct hv_map *defined[HV_N_KINDS]; /* name -> struct hv_spec_object */
        struct hv_map *used[HV_N_KINDS];    /* name -> anything */
};

static enum hv_kind kind_of(enum hv_format format) {
        switch (format) {
        case HV_FORMAT_REF_NETWORK:
                return HV_KIND_NETWORK;
        case HV_FORMAT_REF_VOLUME:
                return HV_KIND_VOLUME;
        case HV_FORMAT_REF_SECRET:
                return HV_KIND_SECRET;
        case HV_FORMAT_REF_CONFIG:
                return HV_KIND_CONFIG;
        case HV_FORMAT_REF_SERVICE:
                return HV_KIND_SERVICE;
        case HV_FORMAT_REF_TASK:
                return HV_KIND_TASK;
        case HV_FORMAT_REF_WIREGUARD:
                return HV_KIND_WIREGUARD;
        default:
                return HV_KIND_NONE;
        }
}

static const char *code_of(enum hv_kind kind) {
        switch (kind) {
        case HV_KIND_NETWORK:
                return "E0307";
        case HV_KIND_SERVICE:
        case HV_KIND_TASK:
        case HV_KIND_WIREGUARD:
                return "E0369";
        default:
                return "E0361";
        }
}

static const char *nearest(const struct references *r, enum hv_kind kind, const char *text) {
        struct hv_suggestion s = { .text = text };
        const char *name;
        size_t it = 0;

        while (hv_map_next(r->defined[kind], &it, &name, NULL))
                hv_suggestion_add(&s, name);
        if (kind == HV_KIND_NETWORK)
                hv_suggestion_add(&s, IMPLICIT_NETWORK);
        return s.best;
}

/* A network that exists without a declaration. What comes from DOCKER_NETWORK declares itself. */
static bool is_implicit(enum hv_kind kind, const struct hv_field *f, const struct hv_node *value) {
        if (kind != HV_KIND_NETWORK)
                return false;
        return hv_streq(value->text, IMPLICIT_NETWORK) || value->from ||
               (hv_streq(f->name, "network") &&
                (hv_streq(value->text, "none") || hv_streq(value->text, "host")));
}

static void visit(void *userdata, const struct hv_schema *s, const struct hv_field *f,
                  const struct hv_node *value, const void *object) {
        struct references *r = userdata;
        enum hv_kind kind = kind_of(f->format);
        struct hv_diags *d = r->check->diags;
        const char *near;

        (void) s;
        (void) object;
        if (kind == HV_KIND_NONE || value->type != HV_NODE_SCALAR)
                return;
        hv_map_put(r->used[kind], value->text, r);
        if (!r->check->tree->complete || hv_map_get(r->defined[kind], value->text) ||
            is_implicit(kind, f, value))
                return;
        if (kind == HV_KIND_NETWORK && hv_streq(value->text, "host")) {
                hv_diag_error(d, value, "E0310",
                              "\"host\" is no network to join; set network: host, where node.policy "
                              "allows it");
                return;
        }
        near = nearest(r, kind, value->text);
        if (near)
                hv_map_put(r->used[kind], near, r); /* one mistake, one finding: it is not unused as well */
        hv_diag_error(d, value, code_of(kind), "%s %s is not defined%s%s%s", hv_check_word(kind),
                      hv_diag_quote(d, value->text), near ? "; did you mean \"" : "", near ? near : "",
                      near ? "\"?" : "");
}

/* Fields where a word may stand in place of a network's name. */
static void check_task_network(struct references *r, const struct hv_node *owner, const char *name) {
        static const struct hv_field field = { .name = "network", .format = HV_FORMAT_REF_NETWORK };
        const struct hv_node *node = hv_node_get(owner, "network");

        if (name && node)
                visit(r, NULL, &field, node, NULL);
}

/* Services that name no network use the implicit one. */
static void mark_implicit(struct references *r) {
        const struct hv_check *c = r->check;

        for (size_t i = 0; i < c->n_units; i++)
                if (c->units[i].service && !c->units[i].service->networks.n && !c->units[i].network)
                        hv_map_put(r->used[HV_KIND_NETWORK], IMPLICIT_NETWORK, r);
        if (c->state->master.protocol == HV_DIALECT_HIVEMIND)
                hv_map_put(r->used[HV_KIND_NETWORK], IMPLICIT_NETWORK, r);
}

static void report_unused(const struct references *r, enum hv_kind kind) {
        const char *name;
        size_t it = 0;
        void *object;

        while (r->check->tree->complete && hv_map_next(r->defined[kind], &it, &name, &object))
                if (!hv_map_get(r->used[kind], name))
                        hv_diag_warn(r->check->diags, ((struct hv_spec_object *) object)->name_node, "W022",
                                     "%s %s is not used by any object", hv_check_word(kind),
                                     hv_diag_quote(r->check->diags, name));
}

static void check_config_keys(const struct references *r) {
        const struct hv_check *c = r->check;

        for (size_t i = 0; i < c->n_units; i++)
                for (size_t j = 0; j < c->units[i].n_configs; j++) {
                        const struct hv_spec_config_use *use = &c->units[i].configs[j];
                        const struct hv_spec_config *config =
                                hv_map_get(r->defined[HV_KIND_CONFIG], use->name);
                        const char *keys = "";
                        bool found = false;

                        if (!config || !use->key)
                                continue;
                        for (size_t k = 0; k < config->data.n && !found; k++) {
                                found = hv_streq(config->data.v[k].name, use->key);
                                keys = hv_diag_text(c->diags, "%s%s%s", keys, *keys ? ", " : "",
                                                    config->data.v[k].name);
                        }
                        if (!found)
                                hv_diag_error(c->diags, hv_check_field(use->node, "key"), "E0363",
                                              "config %s has no key %s; it has: %s",
                                              hv_diag_quote(c->diags, use->name),
                                              hv_diag_quote(c->diags, use->key), *keys ? keys : "none");
                }
}

#define DEFINE(r, kind, list)                 \
        for (size_t i = 0; i < (list).n; i++) \
        define(r, kind, &(list).v[i].o)

static void define(struct references *r, enum hv_kind kind, const struct hv_spec_object *o) {
        if (o->name && !hv_map_get(r->defined[kind], o->name))
                hv_map_put(r->defined[kind], o->name, (void *) o);
}

/* What only a whole state can be judged by. */
static void check_whole(struct references *r) {
        const struct hv_spec_task_defaults *d = &r->check->state->task_defaults;

        check_task_network(r, d->node, d->network);
        mark_implicit(r);
        report_unused(r, HV_KIND_NETWORK);
        report_unused(r, HV_KIND_VOLUME);
        report_unused(r, HV_KIND_SECRET);
        report_unused(r, HV_KIND_CONFIG);
}

void hv_check_references(const struct hv_check *c) {
        const struct hv_spec_state *s = c->state;
        struct references r = { .check = c };

        for (size_t i = 0; i < HV_N_KINDS; i++) {
                r.defined[i] = hv_map_new(NULL);
                r.used[i] = hv_map_new(NULL);
        }
        DEFINE(&r, HV_KIND_NETWORK, s->networks);
        DEFINE(&r, HV_KIND_VOLUME, s->volumes);
        DEFINE(&r, HV_KIND_SECRET, s->secrets);
        DEFINE(&r, HV_KIND_CONFIG, s->configs);
        DEFINE(&r, HV_KIND_SERVICE, s->services);
        DEFINE(&r, HV_KIND_TASK, s->tasks);
        DEFINE(&r, HV_KIND_WIREGUARD, s->wireguard);
        if (c->one)
                hv_schema_walk(hv_schema_of(HV_KIND_TASK), c->units->task, visit, &r);
        else
                hv_schema_walk(hv_schema_of(HV_KIND_NODESTATE), s, visit, &r);
        for (size_t i = 0; i < c->n_units; i++)
                if (c->units[i].task)
                        check_task_network(&r, c->units[i].node, c->units[i].network);
        check_config_keys(&r);
        if (!c->one)
                check_whole(&r);
        for (size_t i = 0; i < HV_N_KINDS; i++) {
                hv_map_free(r.defined[i]);
                hv_map_free(r.used[i]);
        }
}

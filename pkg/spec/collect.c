/* spec/collect.c - the objects of every document, gathered by kind: an entry in a list of NodeState and a
 * document of its own are the same thing written in two places. */
#include "base/arena.h"
#include "spec/load_internal.h"
#include "spec/task_type.h"

struct any_list {
        const void *v;
        size_t n;
};

static const struct {
        enum hv_kind kind;
        size_t offset; /* of its list in struct hv_spec_state */
} lists[] = {
        { HV_KIND_REGISTRY, offsetof(struct hv_spec_state, registries) },
        { HV_KIND_IMAGE, offsetof(struct hv_spec_state, images.preload) },
        { HV_KIND_NETWORK, offsetof(struct hv_spec_state, networks) },
        { HV_KIND_VOLUME, offsetof(struct hv_spec_state, volumes) },
        { HV_KIND_SECRET, offsetof(struct hv_spec_state, secrets) },
        { HV_KIND_CONFIG, offsetof(struct hv_spec_state, configs) },
        { HV_KIND_WIREGUARD, offsetof(struct hv_spec_state, wireguard) },
        { HV_KIND_SERVICE, offsetof(struct hv_spec_state, services) },
        { HV_KIND_TASK, offsetof(struct hv_spec_state, tasks) },
        { HV_KIND_CRONTASK, offsetof(struct hv_spec_state, cron_tasks) },
};

struct entry {
        const struct hv_node *node; /* with its name in it, wherever that was written */
        const struct hv_spec_document *document;
        bool own; /* a document of its own */
};

struct collector {
        struct hv_loader *l;
        const struct hv_schema *schema;
        bool planned; /* nothing acts on this kind yet: W040 is said once for list or document */
        HV_VEC(struct entry) entries;
        HV_VEC(void *) objects; /* struct hv_spec_<kind>, NULL where another took the place */
        struct hv_map *by_name; /* name -> index + 1 */
};

/* `spec` of a document of its own, looking like an entry of the list: a copy of the mapping that has the name
 * too. The fields keep their parent, and so their path. */
static const struct hv_node *entry_of(struct collector *c, const struct hv_spec_document *doc) {
        struct hv_node *spec = hv_node_get(doc->root, "spec"), *entry;
        struct hv_node *metadata = hv_node_get(doc->root, "metadata"), *name = hv_node_get(metadata, "name");
        const struct hv_node *key = hv_node_key(spec, "name");

        if (spec && spec->type != HV_NODE_MAPPING && spec->type != HV_NODE_NULL) {
                hv_diag_error(c->l->diags, spec, "E0202", "expected a mapping, found %s",
                              hv_node_describe(spec));
                return NULL;
        }
        entry = hv_node_new(c->l->arena, HV_NODE_MAPPING, spec && spec->n ? spec->at : doc->root->at);
        if (spec && spec->n) {
                *entry = *spec;
                entry->pairs = HV_ARENA_NEW_N(c->l->arena, struct hv_node_pair, spec->n + 1);
                memcpy(entry->pairs, spec->pairs, spec->n * sizeof *spec->pairs);
        } else
                entry->pairs = HV_ARENA_NEW(c->l->arena, struct hv_node_pair);
        if (key)
                hv_diag_error(c->l->diags, key, "E0201",
                              "unknown field \"name\"; the name is written in metadata.name");
        else if (name)
                entry->pairs[entry->n++] =
                        (struct hv_node_pair){ (struct hv_node *) hv_node_key(metadata, "name"), name };
        else
                return NULL; /* E0104 is said */
        return entry;
}

static void gather(struct collector *c) {
        enum hv_kind kind = c->schema->kind;

        for (size_t i = 0; i < c->l->documents.n; i++) {
                const struct hv_spec_document *doc = c->l->documents.v[i];

                if (doc->kind == HV_KIND_NODESTATE) {
                        const struct hv_node *list =
                                hv_node_at(c->l->primary_spec, hv_schema_list_path(kind));

                        for (size_t j = 0; list && list->type == HV_NODE_SEQUENCE && j < list->n; j++)
                                hv_vec_push(&c->entries, ((struct entry){ list->items[j], doc, false }));
                } else if (doc->kind == kind) {
                        const struct hv_node *node = entry_of(c, doc);

                        if (c->planned)
                                hv_diag_warn(c->l->diags, hv_node_get(doc->root, "kind"), "W040",
                                             "\"%s\" is checked but not acted on yet", hv_kind_name(kind));
                        if (node)
                                hv_vec_push(&c->entries, ((struct entry){ node, doc, true }));
                }
        }
}

static int compare_pairs(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

/* What stands in `metadata` and what stands in `spec`; the latter wins. */
static struct hv_pairs joined(struct hv_arena *a, const struct hv_pairs *outer,
                              const struct hv_pairs *inner) {
        struct hv_pair *v;
        size_t n = inner->n;

        if (outer->n == 0)
                return *inner;
        v = HV_ARENA_NEW_N(a, struct hv_pair, outer->n + inner->n);
        if (n)
                memcpy(v, inner->v, n * sizeof *v);
        for (size_t i = 0; i < outer->n; i++) {
                bool taken = false;

                for (size_t j = 0; j < inner->n; j++)
                        taken |= hv_streq(outer->v[i].name, inner->v[j].name);
                if (!taken)
                        v[n++] = outer->v[i];
        }
        qsort(v, n, sizeof *v, compare_pairs);
        return (struct hv_pairs){ v, n };
}

/* A second object of one name: an error, unless a drop-in says that it means to replace. False: it has no
 * place. */
static bool place(struct collector *c, const struct hv_spec_object *o, size_t at) {
        size_t first = (size_t) (uintptr_t) hv_map_get(c->by_name, o->name);
        const struct hv_spec_object *other;
        struct hv_diag *diag;

        if (first) {
                other = c->objects.v[first - 1];
                if (!o->document->overrides || o->document->primary) {
                        diag = hv_diag_error(c->l->diags, o->name_node ? o->name_node : o->node, "E0107",
                                             "%s %s is already defined at %s", hv_kind_name(o->kind),
                                             hv_diag_quote(c->l->diags, o->name),
                                             hv_diag_where(c->l->diags,
                                                           other->name_node ? other->name_node : other->node,
                                                           NULL));
                        if (!o->document->primary && hv_streq(o->document->source, "file"))
                                hv_diag_hint(c->l->diags, diag,
                                             "to replace it, set "
                                             "metadata.annotations[\"hivelet/override\"]: \"true\"");
                        return false;
                }
                c->objects.v[first - 1] = NULL;
        }
        hv_map_put(c->by_name, o->name, (void *) (uintptr_t) (at + 1));
        return true;
}

/* The one default that depends on another field: a try never lasts longer than the time between tries. */
static void settle_probe(struct hv_spec_probe *p) {
        if (p->node && !hv_node_get(p->node, "timeout"))
                p->timeout_us = HV_MIN(p->timeout_us, p->period_us);
}

static void settle(struct hv_spec_object *o) {
        struct hv_spec_service *s = (struct hv_spec_service *) o;

        if (o->kind == HV_KIND_IMAGE && !o->name)
                o->name = ((struct hv_spec_image *) o)->ref;
        if (o->kind != HV_KIND_SERVICE)
                return;
        settle_probe(&s->startup);
        settle_probe(&s->readiness);
        settle_probe(&s->liveness);
}

/* The entry with the types of its tasks put in their place; NULL: that is not possible, and said. */
static const struct hv_node *typed(struct collector *c, const struct hv_node *entry) {
        const struct hv_loader *l = c->l;

        if (c->schema->kind == HV_KIND_TASK)
                return hv_task_expand(l->types, entry, l->arena, l->diags);
        if (c->schema->kind == HV_KIND_CRONTASK)
                return hv_task_expand_within(l->types, entry, "task", l->arena, l->diags);
        return entry;
}

static void decode_entry(struct collector *c, const struct entry *e) {
        const struct hv_node *node;
        struct hv_spec_object *o;

        if (e->node->unreadable) {
                c->l->lost = true;
                return;
        }
        if (e->node->type != HV_NODE_MAPPING) {
                bool null = e->node->type == HV_NODE_NULL;

                hv_diag_error(c->l->diags, e->node, null ? "E0203" : "E0202",
                              null ? "has no value" : "expected a mapping, found %s",
                              hv_node_describe(e->node));
                return;
        }
        node = typed(c, e->node);
        if (!node) {
                c->l->lost = true;
                return;
        }
        o = hv_arena_alloc(c->l->arena, c->schema->size);
        (c->planned ? hv_schema_decode_planned : hv_schema_decode)(c->schema, node, c->l->arena, c->l->diags,
                                                                   o);
        o->kind = c->schema->kind;
        o->name_node = hv_node_get(node, "name");
        o->document = e->document;
        settle(o);
        if (e->own) {
                o->labels = joined(c->l->arena, &e->document->metadata.labels, &o->labels);
                o->annotations = joined(c->l->arena, &e->document->metadata.annotations, &o->annotations);
        }
        if (hv_str_empty(o->name))
                c->l->lost = true; /* somebody's reference may mean this one */
        else if (place(c, o, c->objects.n))
                hv_vec_push(&c->objects, (void *) o);
}

static int compare_objects(const void *a, const void *b) {
        return strcmp((*(const struct hv_spec_object *const *) a)->name,
                      (*(const struct hv_spec_object *const *) b)->name);
}

static struct any_list sorted(struct collector *c) {
        size_t n = 0;
        char *v;

        for (size_t i = 0; i < c->objects.n; i++)
                if (c->objects.v[i])
                        c->objects.v[n++] = c->objects.v[i];
        if (n == 0)
                return (struct any_list){};
        qsort(c->objects.v, n, sizeof *c->objects.v, compare_objects);
        v = hv_arena_alloc(c->l->arena, n * c->schema->size);
        for (size_t i = 0; i < n; i++)
                memcpy(v + i * c->schema->size, c->objects.v[i], c->schema->size);
        return (struct any_list){ v, n };
}

void hv_loader_collect(struct hv_loader *l) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(lists); i++) {
                struct collector c = { .l = l,
                                       .schema = hv_schema_of(lists[i].kind),
                                       .by_name = hv_map_new(NULL) };
                struct any_list list;

                c.planned = hv_schema_find(hv_schema_list_path(lists[i].kind), NULL)->planned;
                gather(&c);
                for (size_t j = 0; j < c.entries.n; j++)
                        decode_entry(&c, &c.entries.v[j]);
                list = sorted(&c);
                memcpy((char *) &l->tree->state + lists[i].offset, &list, sizeof list);
                hv_vec_done(&c.entries);
                hv_vec_done(&c.objects);
                (void) hv_map_free(c.by_name);
        }
}

const struct hv_spec_object *hv_spec_find(const struct hv_spec_tree *t, enum hv_kind kind, const char *name) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(lists); i++) {
                const struct any_list *list = (const void *) ((const char *) &t->state + lists[i].offset);
                size_t size = hv_schema_of(lists[i].kind)->size;

                for (size_t j = 0; lists[i].kind == kind && j < list->n; j++) {
                        const struct hv_spec_object *o = (const void *) ((const char *) list->v + j * size);

                        if (hv_streq(o->name, name))
                                return o;
                }
        }
        return NULL;
}

/* spec/task_load.c - see task_load.h. */
#include "spec/task_load.h"

#include <errno.h>

#include "base/arena.h"
#include "spec/load_internal.h"
#include "spec/task_internal.h"
#include "spec/value_name.h"

struct loading {
        const struct hv_task_request *request;
        const struct hv_desired *desired; /* may be NULL */
        struct hv_loader loader;
        const struct hv_spec_state *state;
        const struct hv_spec_task *spec; /* NULL: there is none */
};

const struct hv_spec_state *hv_task_context(const struct hv_desired *d, struct hv_arena *a) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *none = NULL;
        struct hv_spec_state *defaults;

        if (d && d->tree)
                return &d->tree->state;
        none = hv_diags_new();
        defaults = HV_ARENA_NEW(a, struct hv_spec_state);
        hv_schema_decode(&hv_schema_state, NULL, a, none, defaults);
        return defaults;
}

/* Names of the files of the desired state come first, so that a finding can say where in them the policy stands. */
static unsigned add_files(const struct loading *g) {
        const struct hv_task_request *r = g->request;
        const char *label = r->label ? r->label : r->id ? r->id : "task";

        for (size_t i = 0; g->desired && g->desired->tree && i < g->desired->tree->n_files; i++)
                (void) hv_diags_add_file(g->loader.diags, g->desired->tree->files[i], NULL, 0);
        return hv_diags_add_file(g->loader.diags, label, r->document, r->len);
}

/* A document without a name is named after its id, where that is a name. What a pool assigns is named by the pool, whose
 * ids need not be names (make() says which); here it only needs one. */
static void name_it(const struct loading *g, struct hv_node *root) {
        bool from_pool = g->request->source == HV_TASK_FROM_POOL;
        const char *wanted = from_pool ? "assignment" : g->request->id;
        struct hv_arena *a = g->loader.arena;
        struct hv_node *metadata = hv_node_get(root, "metadata"), *name = hv_node_get(metadata, "name");

        if (name && from_pool && name->type == HV_NODE_SCALAR)
                name->text = wanted;
        if (root->type != HV_NODE_MAPPING || name || !wanted || hv_value_name(wanted, NULL) < 0)
                return;
        if (metadata && metadata->type != HV_NODE_MAPPING && metadata->type != HV_NODE_NULL)
                return;
        if (!metadata || metadata->type != HV_NODE_MAPPING) {
                metadata = hv_node_new(a, HV_NODE_MAPPING, root->at);
                hv_node_put(a, root, hv_node_new_text(a, "metadata", NULL), metadata);
        }
        hv_node_add(a, metadata, hv_node_new_text(a, "name", NULL), hv_node_new_text(a, wanted, NULL));
}

static void read_document(struct loading *g) {
        struct hv_loader *l = &g->loader;
        const struct hv_spec_file file = { .source = hv_task_source_name(g->request->source) };
        unsigned index = add_files(g);
        struct hv_node *documents = hv_node_new(l->arena, HV_NODE_SEQUENCE, (struct hv_pos){ .file = index });
        size_t before = hv_diags_errors(l->diags);

        g->request->read(l->arena, l->diags, index, g->request->document, g->request->len, documents);
        if (hv_diags_errors(l->diags) != before)
                return;
        if (documents->n != 1) {
                hv_diag_error_pos(l->diags,
                                  documents->n ? documents->items[1]->at : (struct hv_pos){ index, 1, 1 }, 0,
                                  "E0102", "expected one document of the kind Task, found %zu", documents->n);
                return;
        }
        name_it(g, documents->items[0]);
        if (g->request->source == HV_TASK_FROM_POOL &&
            !g->request->kept) /* what was kept has its type put in */
                hv_task_check_pool(documents->items[0], g->state, l->types, l->diags);
        if (!hv_loader_add_document(l, documents->items[0], &file, index))
                return;
        if (l->documents.v[0]->kind != HV_KIND_TASK) {
                hv_diag_error(l->diags, hv_node_get(documents->items[0], "kind"), "E0102",
                              "expected the kind Task, found %s", hv_kind_name(l->documents.v[0]->kind));
                return;
        }
        hv_loader_collect(l);
        if (l->tree->state.tasks.n)
                g->spec = &l->tree->state.tasks.v[0];
}

/* A network that nobody of the desired state declares or joins is not there, whatever its name. */
static void check_network(const struct loading *g) {
        const char *name = hv_task_network(g->state, g->spec->network);

        if (!g->desired || hv_streq(name, "none") || hv_streq(name, "host") ||
            hv_desired_network(g->desired, name))
                return;
        hv_diag_error(g->loader.diags, hv_node_get(g->spec->o.node, "network"), "E0307",
                      "network %s is not there: no object of this node declares or joins it",
                      hv_diag_quote(g->loader.diags, name));
}

static void check_inbox(const struct loading *g) {
        for (size_t i = 0; g->request->source != HV_TASK_FROM_POOL && i < g->spec->inputs.n; i++)
                if (g->spec->inputs.v[i].inbox)
                        hv_diag_error(g->loader.diags, hv_node_get(g->spec->inputs.v[i].node, "inbox"),
                                      "E0459",
                                      "only a node pool names what it sent; expected inline, url or archive");
}

static void check(const struct loading *g) {
        struct hv_spec_tree context = {};
        size_t before = hv_diags_errors(g->loader.diags);

        if (g->desired && g->desired->tree)
                context = *g->desired->tree;
        context.state = *g->state;
        context.complete = true;
        hv_spec_check_task(&context, g->spec, g->request->facts, g->loader.diags);
        check_inbox(g);
        if (hv_diags_errors(g->loader.diags) == before)
                check_network(g);
        if (g->request->id && !hv_task_id_is_valid(g->request->id))
                hv_diag_error(
                        g->loader.diags, g->spec->o.name_node, "E0105",
                        "%s is not the id of a task: letters, digits, '.', '_' and '-', at most 64, not ending "
                        "in a dot and digits",
                        hv_diag_quote(g->loader.diags, g->request->id));
}

static struct hv_task *make(const struct loading *g) {
        static const struct hv_pairs nothing = {};
        const struct hv_task_request *r = g->request;
        struct hv_task_recipe recipe = {
                .name = r->id ? r->id : "task",
                .labels = &nothing,
                .annotations = &nothing,
                .source = r->source,
                .id = r->id,
                .cron = r->cron,
                .origin = { .source = hv_task_source_name(r->source), .file = "" },
        };

        if (g->spec) {
                recipe.name = r->source == HV_TASK_FROM_POOL && r->id ? r->id : g->spec->o.name;
                recipe.labels = &g->spec->o.labels;
                recipe.annotations = &g->spec->o.annotations;
                recipe.fields = g->spec->o.node;
        }
        return hv_task_make(g->state, &recipe);
}

/* The first error, as one sentence. */
static const char *first_error(const struct hv_diags *diags, struct hv_arena *a) {
        const struct hv_diag *all;
        size_t n;

        all = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i].severity == HV_SEVERITY_ERROR)
                        return hv_arena_printf(a, "%s%s%s (%s)", all[i].path, *all[i].path ? ": " : "",
                                               all[i].message, all[i].code);
        return NULL;
}

int hv_task_load(const struct hv_task_request *r, const struct hv_desired *desired, struct hv_task **ret,
                 struct hv_diags *diags) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *own = r->kept ? hv_diags_new() : NULL;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_spec_input nothing_set = {};
        struct loading g = {
                .request = r,
                .desired = desired,
                .loader = { .in = &nothing_set, .arena = arena, .diags = own ? own : diags },
                .state = hv_task_context(desired, arena),
        };
        struct hv_task *t;
        bool wrong;

        g.loader.types = desired ? desired->types : NULL;
        g.loader.tree = HV_ARENA_NEW(arena, struct hv_spec_tree);
        g.loader.primary_spec = hv_node_new(arena, HV_NODE_MAPPING, (struct hv_pos){});
        read_document(&g);
        if (g.spec)
                check(&g);
        hv_vec_done(&g.loader.documents);
        wrong = hv_diags_errors(g.loader.diags) > 0;
        if (wrong && !r->kept)
                return -EINVAL;
        t = make(&g);
        if (wrong)
                t->refused = first_error(g.loader.diags, t->arena);
        if (wrong && !g.spec) /* what was promised stays what it was, unreadable as it is */
                t->document = hv_arena_strndup(t->arena, r->document, r->len);
        *ret = t;
        return 0;
}

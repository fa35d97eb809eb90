/* spec/load.c - the steps of loading, in their order; see load.h. */
#include "spec/load.h"

#include <errno.h>

#include "base/arena.h"
#include "spec/load_internal.h"

#define NODE_ID_MAX 128u

static void read_files(struct hv_loader *l) {
        for (size_t i = 0; i < l->in->n_files; i++) {
                const struct hv_spec_file *f = &l->in->files[i];
                size_t before = hv_diags_errors(l->diags);
                unsigned index = hv_diags_add_file(l->diags, f->name, f->text, f->len);
                struct hv_node *documents =
                        hv_node_new(l->arena, HV_NODE_SEQUENCE, (struct hv_pos){ .file = index });

                l->in->read(l->arena, l->diags, index, f->text, f->len, documents);
                l->lost |= hv_diags_errors(l->diags) != before;
                for (size_t j = 0; j < documents->n; j++)
                        l->lost |= !hv_loader_add_document(l, documents->items[j], f, index);
        }
}

/* Without a NodeState an empty one is assumed: a worker that is only told of a pool needs no file. */
static void assume_primary(struct hv_loader *l) {
        struct hv_node *root = hv_node_new(l->arena, HV_NODE_MAPPING, (struct hv_pos){});

        if (!l->primary) {
                l->primary = HV_ARENA_NEW(l->arena, struct hv_spec_document);
                l->primary->kind = HV_KIND_NODESTATE;
                l->primary->source = "file";
                l->primary->primary = true;
                hv_vec_push(&l->documents, l->primary);
        } else
                root = (struct hv_node *) l->primary->root;
        l->primary_spec = hv_node_get(root, "spec");
        if (l->primary_spec && l->primary_spec->type != HV_NODE_MAPPING &&
            l->primary_spec->type != HV_NODE_NULL && !l->primary_spec->unreadable)
                hv_diag_error(l->diags, l->primary_spec, "E0202", "expected a mapping, found %s",
                              hv_node_describe(l->primary_spec));
        if (!l->primary_spec || l->primary_spec->type != HV_NODE_MAPPING) {
                l->primary_spec =
                        hv_node_new(l->arena, HV_NODE_MAPPING, (struct hv_pos){ .file = root->at.file });
                hv_node_put(l->arena, root, hv_node_new_text(l->arena, "spec", NULL), l->primary_spec);
        }
}

/* It becomes a label of every container and a word in the pool's records. */
static void check_node_id(struct hv_loader *l, const char *id) {
        size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

        if (*id && !id[len] && len <= NODE_ID_MAX)
                return;
        hv_diag_error(l->diags, hv_node_at(l->primary_spec, "node.id"), "E0105",
                      "%s is not a node id: letters, digits, '.', '_' and '-', at most %u",
                      hv_diag_quote(l->diags, id), NODE_ID_MAX);
}

static const char *node_id_of(struct hv_loader *l) {
        const char *id = l->tree->state.host.id, *name = l->primary->metadata.name;

        if (id) {
                check_node_id(l, id);
                return id;
        }
        if (name)
                return name;
        return hv_str_empty(l->in->hostname) ? "localhost" : hv_arena_strdup(l->arena, l->in->hostname);
}

static void build_tree(struct hv_loader *l) {
        struct hv_spec_tree *t = l->tree;
        struct hv_spec_document *all;
        const char **files;

        hv_schema_decode(&hv_schema_state, l->primary_spec, l->arena, l->diags, &t->state);
        hv_loader_collect(l);
        all = HV_ARENA_NEW_N(l->arena, struct hv_spec_document, l->documents.n);
        for (size_t i = 0; i < l->documents.n; i++)
                all[i] = *l->documents.v[i];
        files = HV_ARENA_NEW_N(l->arena, const char *, l->in->n_files);
        for (size_t i = 0; i < l->in->n_files; i++)
                files[i] = hv_arena_strdup(l->arena, l->in->files[i].name);
        t->arena = l->arena;
        t->files = files;
        t->n_files = l->in->n_files;
        t->documents = all;
        t->n_documents = l->documents.n;
        t->primary = l->primary;
        t->node_id = node_id_of(l);
        hv_spec_join_all(t, l->in->given, l->in->given_userdata);
}

int hv_spec_load(const struct hv_spec_input *in, struct hv_desired **ret, struct hv_diags *diags) {
        struct hv_loader l = { .in = in, .arena = hv_arena_new(), .diags = diags };
        struct hv_desired *desired = NULL;

        l.lost = hv_diags_errors(diags) > 0; /* the caller's: a file that cannot be opened */
        l.tree = HV_ARENA_NEW(l.arena, struct hv_spec_tree);
        read_files(&l);
        hv_loader_read_types(&l);
        assume_primary(&l);
        hv_loader_override(&l);
        build_tree(&l);
        l.tree->complete = !l.lost;
        hv_spec_check_all(l.tree, in->facts, diags);
        if (hv_diags_errors(diags) == 0)
                desired = hv_lower(l.tree, l.arena, diags);
        if (desired)
                desired->types = l.types;
        hv_vec_done(&l.documents);
        if (hv_diags_errors(diags)) {
                if (desired)
                        (void) hv_desired_unref(desired); /* and with it the arena */
                else
                        (void) hv_arena_free(l.arena);
                return -EINVAL;
        }
        *ret = desired;
        return 0;
}

/* spec/task_type.c - reads and judges the types that came with the desired state; see task_type.h. */
#include "spec/task_type.h"

#include "base/arena.h"
#include "spec/load_internal.h"
#include "spec/value_name.h"
#include "spec/value_path.h"

#define NAME_MAX_CHARACTERS 64u
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct reading {
        struct hv_loader *l;
        const struct hv_spec_file *file;
        HV_VEC(struct hv_spec_task_type) types;
        HV_VEC(const char *) files; /* of each */
};

static bool is_word(const char *text) {
        size_t len = strlen(text);

        return len > 0 && len <= NAME_MAX_CHARACTERS && strspn(text, WORD) == len;
}

/* --- one type --- */

/* Decoded for its findings only: what the fields hold is judged where a task uses them. */
static void check_template(const struct reading *r, const struct hv_node *task) {
        struct hv_spec_task ignored = {};
        const struct hv_node *type = hv_node_key(task, "type");

        if (!task)
                return;
        if (task->type != HV_NODE_MAPPING) {
                hv_diag_error(r->l->diags, task, "E0465", "expected the fields of a task, found %s",
                              hv_node_describe(task));
                return;
        }
        if (type)
                hv_diag_error(r->l->diags, type, "E0465", "a type is not made of another type");
        if (hv_node_key(task, "parameters"))
                hv_diag_error(r->l->diags, hv_node_key(task, "parameters"), "E0465",
                              "the parameters of a type stand beside `task`, with what they are");
        hv_schema_decode_planned(&hv_schema_task_template, task, r->l->arena, r->l->diags, &ignored);
}

static void check_fixed(const struct reading *r, const struct hv_spec_task_type *t) {
        const struct hv_node *list = hv_node_get(t->spec.node, "fixed");

        for (size_t i = 0; i < t->spec.fixed.n; i++)
                if (!hv_schema_field(&hv_schema_task_template, t->spec.fixed.v[i]))
                        hv_diag_error(r->l->diags, list, "E0465", "%s is not a field of a task",
                                      hv_diag_quote(r->l->diags, t->spec.fixed.v[i]));
}

static void check_parameter(const struct reading *r, const struct hv_spec_type_parameter *p) {
        struct hv_diags *d = r->l->diags;
        struct hv_fault fault;
        const char *path;

        if (!p->name)
                return;
        if (!is_word(p->name))
                hv_diag_error(d, hv_node_get(p->node, "name"), "E0465",
                              "%s is not the name of a parameter: letters, digits, '_' and '-', at most %u",
                              hv_diag_quote(d, p->name), NAME_MAX_CHARACTERS);
        if (p->file &&
            hv_value_relative_path(p->file, "E0451", "workspace", false, r->l->arena, &path, &fault) < 0)
                hv_diag_error(d, hv_node_get(p->node, "file"), fault.code, "%s", fault.message);
        if (p->env && hv_value_env_name(p->env, &fault) < 0)
                hv_diag_error(d, hv_node_get(p->node, "env"), fault.code, "%s", fault.message);
        if (p->type == HV_PARAMETER_FILE && !p->file)
                hv_diag_error(d, p->node, "E0465",
                              "a parameter of the type file needs `file`: where it is put");
        if (p->type == HV_PARAMETER_PACKAGES && (p->file || p->env))
                hv_diag_error(d, p->node, "E0465",
                              "packages become the task's requirements, not a file or variable");
        if (p->env &&
            (p->type == HV_PARAMETER_LIST || p->type == HV_PARAMETER_ANY || p->type == HV_PARAMETER_FILE))
                hv_diag_error(d, hv_node_get(p->node, "env"), "E0465",
                              "a variable holds text, a number or a truth value, not a list");
        if (p->choices.n && p->type != HV_PARAMETER_TEXT)
                hv_diag_error(d, hv_node_get(p->node, "choices"), "E0465", "only a text has choices");
        if (p->required && p->otherwise)
                hv_diag_error(d, hv_node_key(p->node, "default"), "E0465", "what is required has no default");
        for (size_t i = 0; i < p->choices.n; i++)
                check_template(r, p->choices.v[i].task);
}

static void check_type(const struct reading *r, const struct hv_spec_task_type *t) {
        struct hv_diags *d = r->l->diags;

        if (t->api_version && !hv_streq(t->api_version, "hivelet/v1"))
                hv_diag_error(d, hv_node_get(t->node, "apiVersion"), "E0101",
                              "unknown apiVersion %s; this agent knows hivelet/v1",
                              hv_diag_quote(d, t->api_version));
        if (t->kind && !hv_streq(t->kind, "TaskType"))
                hv_diag_error(d, hv_node_get(t->node, "kind"), "E0102",
                              "expected the kind TaskType, found %s", hv_diag_quote(d, t->kind));
        if (t->metadata.name && !is_word(t->metadata.name))
                hv_diag_error(d, hv_node_get(t->metadata.node, "name"), "E0105",
                              "%s is not the name of a type: letters, digits, '_' and '-', at most %u",
                              hv_diag_quote(d, t->metadata.name), NAME_MAX_CHARACTERS);
        check_template(r, t->spec.task);
        check_fixed(r, t);
        for (size_t i = 0; i < t->spec.parameters.n; i++)
                check_parameter(r, &t->spec.parameters.v[i]);
}

/* --- the set --- */

/* A type of the operator takes the place of a shipped one; two in files of one origin are a mistake. */
static void add(struct reading *r, const struct hv_spec_task_type *t) {
        for (size_t i = 0; i < r->types.n; i++) {
                if (!hv_streq(r->types.v[i].metadata.name, t->metadata.name))
                        continue;
                if (hv_streq(r->files.v[i], r->file->source))
                        hv_diag_error(r->l->diags, hv_node_get(t->metadata.node, "name"), "E0107",
                                      "type %s is already defined at %s",
                                      hv_diag_quote(r->l->diags, t->metadata.name),
                                      hv_diag_where(r->l->diags, r->types.v[i].node, t->node));
                r->types.v[i] = *t;
                r->files.v[i] = r->file->source;
                return;
        }
        hv_vec_push(&r->types, *t);
        hv_vec_push(&r->files, r->file->source);
}

static void read_file(struct reading *r) {
        const struct hv_spec_file *f = r->file;
        struct hv_loader *l = r->l;
        unsigned index = hv_diags_add_aside(l->diags, f->name, f->text, f->len);
        struct hv_node *documents = hv_node_new(l->arena, HV_NODE_SEQUENCE, (struct hv_pos){ .file = index });

        l->in->read(l->arena, l->diags, index, f->text, f->len, documents);
        for (size_t i = 0; i < documents->n; i++) {
                size_t before = hv_diags_errors(l->diags);
                struct hv_spec_task_type t = {};

                if (documents->items[i]->type != HV_NODE_MAPPING) {
                        hv_diag_error(l->diags, documents->items[i], "E0202",
                                      "expected a mapping with apiVersion, kind and spec, found %s",
                                      hv_node_describe(documents->items[i]));
                        continue;
                }
                hv_schema_decode(&hv_schema_task_type, documents->items[i], l->arena, l->diags, &t);
                check_type(r, &t);
                if (t.metadata.name && hv_diags_errors(l->diags) == before)
                        add(r, &t);
        }
}

static int compare(const void *a, const void *b) {
        return strcmp(((const struct hv_spec_task_type *) a)->metadata.name,
                      ((const struct hv_spec_task_type *) b)->metadata.name);
}

void hv_loader_read_types(struct hv_loader *l) {
        struct reading r = { .l = l };
        struct hv_task_types *types = HV_ARENA_NEW(l->arena, struct hv_task_types);

        for (size_t i = 0; i < l->in->n_type_files; i++) {
                r.file = &l->in->type_files[i];
                read_file(&r);
        }
        if (r.types.n)
                qsort(r.types.v, r.types.n, sizeof *r.types.v, compare);
        types->v = hv_arena_memdup(l->arena, r.types.v, r.types.n * sizeof *r.types.v);
        types->n = r.types.n;
        l->types = types;
        hv_vec_done(&r.types);
        hv_vec_done(&r.files);
}

const struct hv_spec_task_type *hv_task_types_find(const struct hv_task_types *types, const char *name) {
        for (size_t i = 0; types && i < types->n; i++)
                if (hv_streq(types->v[i].metadata.name, name))
                        return &types->v[i];
        return NULL;
}

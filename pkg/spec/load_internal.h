/* spec/load_internal.h - what the steps of loading share. */
#pragma once

#include "base/map.h"
#include "spec/load.h"
#include "spec/schema_internal.h"

struct hv_loader {
        const struct hv_spec_input *in;
        struct hv_arena *arena;
        struct hv_diags *diags;
        HV_VEC(struct hv_spec_document *) documents; /* each in the arena: objects point at them */
        struct hv_spec_document *primary;
        struct hv_node *primary_spec; /* `spec` of it, overrides included */
        struct hv_spec_tree *tree;
        const struct hv_task_types *types; /* NULL: nobody looked for any */
        bool lost; /* something that may define objects could not be read: nothing is "not defined" then */
};

/* envelope.c: apiVersion, kind, metadata of one document; adds it to the loader's, or says why not (false).
 */
bool hv_loader_add_document(struct hv_loader *l, struct hv_node *root, const struct hv_spec_file *file,
                            unsigned index);

/* override.c: puts the overrides into primary_spec. */
void hv_loader_override(struct hv_loader *l);

/* task_type.c: reads the types that came with the input. */
void hv_loader_read_types(struct hv_loader *l);

/* collect.c: decodes the objects of every document into the lists of the tree. */
void hv_loader_collect(struct hv_loader *l);

/* lower.c: the typed tree, found to be right, as units, tasks, networks, volumes. Findings: W020. */
struct hv_desired *hv_lower(const struct hv_spec_tree *tree, struct hv_arena *arena, struct hv_diags *diags);

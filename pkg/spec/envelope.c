/* spec/envelope.c - what every document begins with: apiVersion, kind, metadata, spec. */
#include "base/arena.h"
#include "base/text.h"
#include "spec/load_internal.h"
#include "spec/value_name.h"

#define API_VERSION "hivelet/v1"
#define OVERRIDE_ANNOTATION "hivelet/override"

/* Kinds of Kubernetes that people bring along; `hivectl convert` reads those that have a meaning on one node.
 */
static const char *const kubernetes_kinds[] = {
        "Pod",
        "Deployment",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "ConfigMap",
        "Namespace",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Ingress",
        "ServiceAccount",
        "List",
};

static const char *text_of(const struct hv_node *n) {
        return n && n->type == HV_NODE_SCALAR ? n->text : NULL;
}

static bool is_annotated(const struct hv_spec_metadata *m, const char *name) {
        for (size_t i = 0; i < m->annotations.n; i++)
                if (hv_streq(m->annotations.v[i].name, name))
                        return hv_streq(m->annotations.v[i].value, "true");
        return false;
}

static bool is_foreign_format(struct hv_loader *l, const struct hv_node *root, const char *file) {
        const char *version = text_of(hv_node_get(root, "apiVersion")),
                   *kind = text_of(hv_node_get(root, "kind"));
        const struct hv_node *services = hv_node_get(root, "services");

        if (services && !hv_node_get(root, "apiVersion") && !hv_node_get(root, "kind")) {
                hv_diag_error(l->diags, hv_node_key(root, "services"), "E0103",
                              "this is a compose file; convert it with: hivectl convert %s", file);
                return true;
        }
        if (!kind || hv_streq(version, API_VERSION))
                return false;
        for (size_t i = 0; i < HV_ARRAY_SIZE(kubernetes_kinds); i++)
                if (hv_streq(kind, kubernetes_kinds[i])) {
                        hv_diag_error(l->diags, hv_node_get(root, "kind"), "E0103",
                                      "%s is a kind of Kubernetes; convert it with: hivectl convert %s", kind,
                                      file);
                        return true;
                }
        return false;
}

static bool check_version(struct hv_loader *l, const struct hv_node *root) {
        const struct hv_node *version = hv_node_get(root, "apiVersion");

        if (!version)
                hv_diag_error(l->diags, root, "E0101", "apiVersion is missing; this agent knows %s",
                              API_VERSION);
        else if (version->type != HV_NODE_SCALAR)
                hv_diag_error(l->diags, version, "E0101",
                              "apiVersion must be text, found %s; this agent knows %s",
                              hv_node_describe(version), API_VERSION);
        else if (!hv_streq(version->text, API_VERSION))
                hv_diag_error(l->diags, version, "E0101", "unknown apiVersion %s; this agent knows %s",
                              hv_diag_quote(l->diags, version->text), API_VERSION);
        else
                return true;
        return false;
}

static enum hv_kind check_kind(struct hv_loader *l, const struct hv_node *root) {
        const struct hv_node *node = hv_node_get(root, "kind");
        struct hv_suggestion near = {};

        if (!node || node->type != HV_NODE_SCALAR) {
                hv_diag_error(l->diags, node ? node : root, "E0102", "kind is missing");
                return HV_KIND_NONE;
        }
        near.text = node->text;
        for (enum hv_kind k = HV_KIND_NODESTATE; k < HV_N_KINDS; k++) {
                if (hv_streq(node->text, hv_kind_name(k)))
                        return k;
                hv_suggestion_add(&near, hv_kind_name(k));
        }
        if (near.best)
                hv_diag_error(l->diags, node, "E0102", "unknown kind %s; did you mean \"%s\"?",
                              hv_diag_quote(l->diags, node->text), near.best);
        else
                hv_diag_error(l->diags, node, "E0102", "unknown kind %s",
                              hv_diag_quote(l->diags, node->text));
        return HV_KIND_NONE;
}

static void check_keys(struct hv_loader *l, const struct hv_node *root) {
        static const char *const known[] = { "apiVersion", "kind", "metadata", "spec", "status" };

        for (size_t i = 0; i < root->n; i++) {
                const struct hv_node *key = root->pairs[i].key;
                const char *near;
                bool found = false;

                for (size_t j = 0; j < HV_ARRAY_SIZE(known); j++)
                        found |= hv_streq(key->text, known[j]);
                if (hv_streq(key->text, "status"))
                        hv_diag_warn(l->diags, key, "W002",
                                     "status is reported by the agent, never read: ignored");
                if (found)
                        continue;
                near = hv_text_suggest(key->text, known, HV_ARRAY_SIZE(known) - 1);
                if (near)
                        hv_diag_error(l->diags, key, "E0201", "unknown field %s; did you mean \"%s\"?",
                                      hv_diag_quote(l->diags, key->text), near);
                else
                        hv_diag_hint(l->diags,
                                     hv_diag_error(l->diags, key, "E0201", "unknown field %s",
                                                   hv_diag_quote(l->diags, key->text)),
                                     "a document has apiVersion, kind, metadata and spec");
        }
}

static void read_metadata(struct hv_loader *l, struct hv_spec_document *doc) {
        const struct hv_node *node = hv_node_get(doc->root, "metadata"), *name;
        struct hv_fault fault;

        if (node && node->type != HV_NODE_MAPPING) {
                hv_diag_error(l->diags, node, node->type == HV_NODE_NULL ? "E0203" : "E0202",
                              "expected a mapping, found %s", hv_node_describe(node));
                node = NULL;
        }
        hv_schema_decode(hv_schema_metadata(), node, l->arena, l->diags, &doc->metadata);
        /* A word of whoever may write the node's own files: a fleet or a pool must not take the place of a
         * file's object. */
        doc->overrides = hv_streq(doc->source, "file") && is_annotated(&doc->metadata, OVERRIDE_ANNOTATION);
        name = hv_node_get(node, "name");
        if (!name && doc->kind != HV_KIND_NODESTATE)
                hv_diag_error(l->diags, node ? node : doc->root, "E0104", "metadata.name is required");
        else if (doc->kind == HV_KIND_NODESTATE && doc->metadata.name &&
                 hv_value_name(doc->metadata.name, &fault) < 0)
                hv_diag_error(l->diags, name, fault.code, "%s", fault.message);
}

/* The one NodeState, or E0106. */
static bool is_primary(struct hv_loader *l, const struct hv_spec_document *doc,
                       const struct hv_spec_file *file) {
        const struct hv_node *kind = hv_node_get(doc->root, "kind");

        if (!file->primary) {
                hv_diag_error(l->diags, kind, "E0106",
                              "a NodeState is allowed only in the primary file%s%s; "
                              "give each object a document of its own",
                              l->in->n_files && l->in->files[0].primary ? ", " : "",
                              l->in->n_files && l->in->files[0].primary ? l->in->files[0].name : "");
                return false;
        }
        if (l->primary) {
                hv_diag_error(l->diags, kind, "E0106", "second NodeState; the first is %s:%u:%u",
                              hv_diags_file(l->diags, l->primary->file), l->primary->root->at.line,
                              l->primary->root->at.column);
                return false;
        }
        return true;
}

bool hv_loader_add_document(struct hv_loader *l, struct hv_node *root, const struct hv_spec_file *file,
                            unsigned index) {
        bool is_file = !file->source || hv_streq(file->source, "file"), version;
        struct hv_spec_document *doc;

        /* The agent's environment is for the node's own files: what comes from elsewhere must not read it
         * out. */
        hv_spec_interpolate(l->arena, l->diags, root, is_file ? l->in->env : NULL, l->in->env_userdata);
        if (root->unreadable)
                return false;
        if (root->type != HV_NODE_MAPPING) {
                hv_diag_error(l->diags, root, "E0202",
                              "expected a mapping with apiVersion, kind and spec, found %s",
                              hv_node_describe(root));
                return false;
        }
        if (is_foreign_format(l, root, file->name))
                return false;
        doc = HV_ARENA_NEW(l->arena, struct hv_spec_document);
        *doc = (struct hv_spec_document){ .root = root, .file = index, .primary = file->primary };
        doc->source = hv_arena_strdup(l->arena, file->source ? file->source : "file");
        version = check_version(l, root);
        doc->kind = check_kind(l, root);
        if (!version || !doc->kind)
                return false;
        check_keys(l, root);
        if (doc->kind == HV_KIND_NODESTATE && !is_primary(l, doc, file))
                return false;
        read_metadata(l, doc);
        if (doc->kind == HV_KIND_NODESTATE)
                l->primary = doc;
        hv_vec_push(&l->documents, doc);
        return true;
}

/* spec/task_document.c - a task as a document of its own, complete in itself: what a ledger keeps. */
#include "base/arena.h"
#include "base/buf.h"
#include "spec/task_internal.h"

/* Of the reader (spec/yaml.h). */
#define DOCUMENT_MAX ((size_t) 1024 * 1024)

/* YAML finds the colon after a key within 1024 characters (YAML 1.1, section 7.3.3), and a character may be escaped by six. */
#define KEY_MAX 160u

static struct hv_node *quoted(const char *text, struct hv_arena *a) {
        struct hv_node *n = hv_node_new_text(a, text, NULL);

        n->quoted = true;
        return n;
}

static void put(struct hv_node *mapping, const char *key, struct hv_node *value, struct hv_arena *a) {
        hv_node_add(a, mapping, quoted(key, a), value);
}

static struct hv_node *mapping_of(const struct hv_pairs *pairs, struct hv_arena *a) {
        struct hv_node *n = hv_node_new(a, HV_NODE_MAPPING, (struct hv_pos){});

        for (size_t i = 0; i < pairs->n; i++)
                put(n, pairs->v[i].name, quoted(pairs->v[i].value, a), a);
        return n;
}

/* A dollar that would begin a variable, or stand for another one, when the document is read again. */
static void escape_dollars(struct hv_node *n, struct hv_arena *a) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        for (size_t i = 0; i < n->n; i++)
                escape_dollars(n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value, a);
        if (n->type != HV_NODE_SCALAR || !strchr(n->text, '$'))
                return;
        for (const char *p = n->text; *p; p++) {
                if (*p == '$' && (p[1] == '$' || p[1] == '{'))
                        hv_buf_putc(&b, '$');
                hv_buf_putc(&b, *p);
        }
        n->text = hv_arena_strdup(a, hv_buf_str(&b));
}

static bool is_in_metadata(const char *key) {
        return hv_streq(key, "name") || hv_streq(key, "labels") || hv_streq(key, "annotations");
}

const char *hv_task_document(const char *name, const struct hv_pairs *labels,
                             const struct hv_pairs *annotations, const struct hv_node *fields,
                             struct hv_arena *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *scratch = hv_arena_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_node *root = hv_node_new(scratch, HV_NODE_MAPPING, (struct hv_pos){});
        struct hv_node *metadata = hv_node_new(scratch, HV_NODE_MAPPING, (struct hv_pos){});
        struct hv_node *spec = hv_node_new(scratch, HV_NODE_MAPPING, (struct hv_pos){});

        put(metadata, "name", quoted(name, scratch), scratch);
        if (labels->n)
                put(metadata, "labels", mapping_of(labels, scratch), scratch);
        if (annotations->n)
                put(metadata, "annotations", mapping_of(annotations, scratch), scratch);
        for (size_t i = 0; fields && i < fields->n; i++)
                if (!is_in_metadata(fields->pairs[i].key->text))
                        put(spec, fields->pairs[i].key->text, hv_node_copy(fields->pairs[i].value, scratch),
                            scratch);
        put(root, "apiVersion", quoted("hivelet/v1", scratch), scratch);
        put(root, "kind", quoted("Task", scratch), scratch);
        put(root, "metadata", metadata, scratch);
        put(root, "spec", spec, scratch);
        escape_dollars(root, scratch);
        hv_node_write_json(root, &b);
        return hv_arena_strdup(a, hv_buf_str(&b));
}

static bool has_long_key(const struct hv_node *n) {
        for (size_t i = 0; n && i < n->n; i++) {
                if (n->type == HV_NODE_MAPPING && strlen(n->pairs[i].key->text) > KEY_MAX)
                        return true;
                if (has_long_key(n->type == HV_NODE_SEQUENCE ? n->items[i] : n->pairs[i].value))
                        return true;
        }
        return false;
}

const char *hv_task_document_fault(const char *document, const struct hv_node *fields, struct hv_arena *a) {
        size_t len = strlen(document);

        if (len > DOCUMENT_MAX)
                return hv_arena_printf(
                        a, "written as a document of its own it has %zu KiB, the limit is %zu KiB",
                        (len + 1023) / 1024, DOCUMENT_MAX / 1024);
        if (has_long_key(fields))
                return hv_arena_printf(a, "a key has more than %u characters", KEY_MAX);
        return NULL;
}

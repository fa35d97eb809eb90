/* source/edit.c - see edit.h. */
#include "source/edit.h"

#include <errno.h>

#include "base/arena.h"
#include "spec/node.h"
#include "spec/yaml.h"
#include "json/json.h"
#include "json/yaml.h"

static struct hv_node *key(struct hv_arena *a, const char *text) {
        return hv_node_new_text(a, text, NULL);
}

/* In quotes, whatever it looks like. */
static struct hv_node *words(struct hv_arena *a, const char *text) {
        struct hv_node *n = hv_node_new_text(a, text, NULL);

        n->quoted = true;
        return n;
}

static struct hv_node *variable(const struct hv_node *env, const char *name) {
        for (size_t i = 0; i < env->n; i++) {
                const struct hv_node *n = hv_node_get(env->items[i], "name");

                if (n && n->type == HV_NODE_SCALAR && hv_streq(n->text, name))
                        return env->items[i];
        }
        return NULL;
}

static int set_env(struct hv_arena *a, struct hv_node *spec, const struct hv_pairs *pairs,
                   struct hv_err *err) {
        struct hv_node *env = hv_node_get(spec, "env");

        if (pairs->n == 0)
                return 0;
        if (!env || env->type == HV_NODE_NULL) {
                env = hv_node_new(a, HV_NODE_SEQUENCE, spec->at);
                hv_node_put(a, spec, key(a, "env"), env);
        }
        if (env->type != HV_NODE_SEQUENCE)
                return hv_err_set(err, -EINVAL, "its env is %s, and no list", hv_node_describe(env));
        for (size_t i = 0; i < pairs->n; i++) {
                struct hv_node *v = variable(env, pairs->v[i].name);

                if (!v) {
                        v = hv_node_new(a, HV_NODE_MAPPING, env->at);
                        hv_node_put(a, v, key(a, "name"), words(a, pairs->v[i].name));
                        hv_node_append(a, env, v);
                }
                hv_node_put(a, v, key(a, "value"), words(a, pairs->v[i].value));
        }
        return 0;
}

/* The tree is JSON first: plain numbers stay numbers, and texts texts. */
static int write(const struct hv_node *document, struct hv_buf *ret, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r;

        hv_node_write_json(document, &text);
        r = hv_json_parse(text.data, text.len, HV_JSON_MAX_BYTES, &j, err);
        if (r >= 0)
                hv_json_write_yaml(j, ret);
        return r;
}

int hv_source_edit_service(const char *text, size_t len, const struct hv_service_edit *edit,
                           struct hv_buf *ret, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        unsigned file = hv_diags_add_file(diags, "", text, len);
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){ .file = file }), *spec;
        int r;

        hv_yaml_read(a, diags, file, text, len, documents);
        spec = documents->n == 1 ? hv_node_get(documents->items[0], "spec") : NULL;
        if (hv_diags_errors(diags) > 0 || !spec || spec->type != HV_NODE_MAPPING)
                return hv_err_set(err, -EINVAL, "it is not one document with a spec");
        if (edit->image)
                hv_node_put(a, spec, key(a, "image"), words(a, edit->image));
        r = set_env(a, spec, &edit->env, err);
        return r < 0 ? r : write(documents->items[0], ret, err);
}

/* spec/override.c - environment and command line over the file: values put into the tree where the file would
 * have them, so that decoding, checks and messages need not know about them ("from $NODE_ID" is a mark of the
 * value). */
#include "base/arena.h"
#include "spec/load_internal.h"

static struct hv_node *mapping_for(struct hv_loader *l, const char *path, size_t len, const char *origin) {
        struct hv_node *n = l->primary_spec;

        for (size_t at = 0; at < len;) {
                size_t step = strcspn(path + at, ".");
                const char *key = hv_arena_strndup(l->arena, path + at, step);
                struct hv_node *next = hv_node_get(n, key);

                if (!next || next->type == HV_NODE_NULL) {
                        next = hv_node_new(l->arena, HV_NODE_MAPPING, (struct hv_pos){ .file = n->at.file });
                        next->from = origin;
                        hv_node_put(l->arena, n, hv_node_new_text(l->arena, key, origin), next);
                }
                if (next->type != HV_NODE_MAPPING)
                        return NULL; /* E0202 comes from decoding */
                n = next;
                at += step + 1;
        }
        return n;
}

/* ":5001" replaces the port of what the file says, or of the default; 0.0.0.0 where there is neither. */
static const char *with_port(struct hv_loader *l, const struct hv_field *f, const struct hv_node *old,
                             const char *text) {
        const char *base = old && old->type == HV_NODE_SCALAR ? old->text : f->value, *colon;

        if (f->format != HV_FORMAT_HOST_PORT || *text != ':')
                return text;
        colon = base ? strrchr(base, ':') : NULL;
        if (!colon)
                return hv_arena_printf(l->arena, "0.0.0.0%s", text);
        return hv_arena_printf(l->arena, "%.*s%s", (int) (colon - base), base, text);
}

static bool same_value(const struct hv_field *f, const struct hv_node *a, const struct hv_node *b) {
        union hv_value x = {}, y = {};

        if (!hv_schema_scalar(f, f->type, a, NULL, &x) || !hv_schema_scalar(f, f->type, b, NULL, &y))
                return false;
        switch (f->type) {
        case HV_FIELD_TEXT:
                return hv_streq(x.text, y.text);
        case HV_FIELD_BOOL:
                return x.boolean == y.boolean;
        case HV_FIELD_CPU:
        case HV_FIELD_BYTES:
        case HV_FIELD_DURATION:
                return x.amount == y.amount;
        default:
                return x.number == y.number;
        }
}

static void apply(struct hv_loader *l, const struct hv_spec_override *o) {
        const struct hv_field *f = hv_schema_find(o->field, NULL);
        const char *dot = strrchr(o->field, '.'), *key = dot ? dot + 1 : o->field, *origin;
        struct hv_node *mapping, *old, *value;

        origin = hv_arena_strdup(l->arena, o->origin);
        mapping = mapping_for(l, o->field, dot ? (size_t) (dot - o->field) : 0, origin);
        if (!f || !mapping)
                return;
        old = hv_node_get(mapping, key);
        value = hv_node_new_text(l->arena, with_port(l, f, old, o->text), origin);
        value->at.file = mapping->at.file;
        value->quoted = true;
        if (old && old->type == HV_NODE_SCALAR && old->at.line && *origin == '$' &&
            !same_value(f, old, value))
                hv_diag_warn(
                        l->diags, old, "W010", "%s from the environment (%s) overrides the %s written here",
                        hv_diag_quote(l->diags, value->text), origin, hv_diag_quote(l->diags, old->text));
        hv_node_put(l->arena, mapping, hv_node_new_text(l->arena, key, origin), value);
}

void hv_loader_override(struct hv_loader *l) {
        for (size_t i = 0; i < l->in->n_overrides; i++)
                apply(l, &l->in->overrides[i]);
}

void hv_spec_overrides_add(struct hv_spec_overrides *o, const char *field, const char *text,
                           const char *origin) {
        if (!o->arena)
                o->arena = hv_arena_new();
        hv_vec_push(&o->list, ((struct hv_spec_override){ hv_arena_strdup(o->arena, field),
                                                          hv_arena_strdup(o->arena, text),
                                                          hv_arena_strdup(o->arena, origin) }));
}

void hv_spec_overrides_done(struct hv_spec_overrides *o) {
        hv_vec_done(&o->list);
        o->arena = hv_arena_free(o->arena);
}

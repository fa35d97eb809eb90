/* spec/decode.c - a mapping to a typed struct, by its schema. Scalars are decode_scalar.c.
 *
 * Whatever is wrong is said and skipped: the member keeps its default, and decoding goes on, so that one run
 * finds everything. Object lists of NodeState (schema->kind) are only looked at here; the loader decodes
 * their entries. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"
#include "base/vec.h"
#include "spec/schema_internal.h"

#define FIELDS_LISTED 12 /* in a hint; more than that nobody reads */

struct decoder {
        struct hv_arena *arena;
        struct hv_diags *diags;
        bool planned; /* within something that W040 was said about: once is enough */
};

struct any_list { /* what every HV_SPEC_LIST() looks like in memory */
        void *v;
        size_t n;
};

static void decode_struct(const struct decoder *c, const struct hv_schema *s, const struct hv_node *node,
                          void *ret);

static void expected(const struct decoder *c, const struct hv_field *f, const struct hv_node *node,
                     const char *what) {
        struct hv_diag *diag;

        if (f && f->sensitive) {
                hv_diags_hide(c->diags, node);
                if (f->not_text && node->type == HV_NODE_SCALAR) {
                        hv_diag_error(c->diags, node, f->code, "%s", f->not_text);
                        return;
                }
        }
        diag = hv_diag_error(c->diags, node, "E0202", "expected %s, found %s", what, hv_node_describe(node));
        if (hv_streq(what, "a list") && node->type == HV_NODE_SCALAR)
                hv_diag_hint(c->diags, diag, "write each entry on a line that begins with '- '");
}

static bool has_value(const struct decoder *c, const struct hv_node *node) {
        if (node->type != HV_NODE_NULL)
                return true;
        hv_diag_error(c->diags, node->key && node->end_column <= node->at.column + 1 ? node->key : node,
                      "E0203", "has no value");
        return false;
}

static size_t size_of_item(const struct hv_field *f) {
        switch (f->item) {
        case HV_FIELD_STRUCT:
                return f->schema->size;
        case HV_FIELD_ENUM:
                return sizeof(int);
        case HV_FIELD_INT:
                return sizeof(int64_t);
        default:
                return sizeof(const char *);
        }
}

static void check_repeats(const struct decoder *c, const struct hv_schema *s, const struct hv_node *list) {
        _hv_cleanup_(hv_map_freep) struct hv_map *seen = NULL;

        if (!s->key)
                return;
        seen = hv_map_new(NULL);
        for (size_t i = 0; i < list->n; i++) {
                const struct hv_node *key = hv_node_get(list->items[i], s->key);
                const struct hv_node *first;

                if (!key || key->type != HV_NODE_SCALAR)
                        continue;
                first = hv_map_get(seen, key->text);
                if (first)
                        hv_diag_error(c->diags, key, "E0210", "%s %s repeated; first at %s", s->item_word,
                                      hv_diag_quote(c->diags, key->text),
                                      hv_diag_where(c->diags, first, key));
                else
                        hv_map_put(seen, key->text, (void *) key);
        }
}

/* Stores a decoded scalar as the member's C type. */
static void store(enum hv_field_type type, const union hv_value *v, void *member) {
        switch (type) {
        case HV_FIELD_TEXT:
                *(const char **) member = v->text;
                break;
        case HV_FIELD_BOOL:
                *(bool *) member = v->boolean;
                break;
        case HV_FIELD_ENUM:
                *(int *) member = (int) v->number;
                break;
        case HV_FIELD_CPU:
        case HV_FIELD_BYTES:
        case HV_FIELD_DURATION:
                *(uint64_t *) member = v->amount;
                break;
        default:
                *(int64_t *) member = v->number;
                break;
        }
}

static void decode_list(const struct decoder *c, const struct hv_field *f, const struct hv_node *node,
                        void *member) {
        struct any_list *list = member;
        size_t size = size_of_item(f), n = 0;
        /* Lists of text end in NULL (struct hv_strv). */
        char *v = hv_arena_alloc(c->arena, (node->n + 1) * size);

        for (size_t i = 0; i < node->n; i++) {
                const struct hv_node *item = node->items[i];
                union hv_value value;

                if (item->unreadable || !has_value(c, item))
                        continue;
                if (f->item == HV_FIELD_STRUCT && item->type != HV_NODE_MAPPING)
                        expected(c, f, item, "a mapping");
                else if (f->item == HV_FIELD_STRUCT)
                        decode_struct(c, f->schema, item, v + n++ * size);
                else if (hv_schema_scalar(f, f->item, item, c->diags, &value))
                        store(f->item, &value, v + n++ * size);
        }
        if (f->item == HV_FIELD_STRUCT)
                check_repeats(c, f->schema, node);
        *list = (struct any_list){ v, n };
}

static int compare_pairs(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

static void decode_map(const struct decoder *c, const struct hv_field *f, const struct hv_node *node,
                       void *member) {
        struct hv_pair *v = HV_ARENA_NEW_N(c->arena, struct hv_pair, node->n);
        size_t n = 0;

        for (size_t i = 0; i < node->n; i++) {
                union hv_value value;

                if (!node->pairs[i].value->unreadable && has_value(c, node->pairs[i].value) &&
                    hv_schema_scalar(f, HV_FIELD_TEXT, node->pairs[i].value, c->diags, &value))
                        v[n++] = (struct hv_pair){ node->pairs[i].key->text, value.text };
        }
        if (n)
                qsort(v, n, sizeof *v, compare_pairs);
        *(struct hv_pairs *) member = (struct hv_pairs){ v, n };
}

static void decode_words(const struct decoder *c, const struct hv_field *f, const struct hv_node *node,
                         void *member) {
        union hv_value value;
        const char **v;

        if (node->type == HV_NODE_SEQUENCE) {
                decode_list(c, f, node, member);
                return;
        }
        if (!hv_schema_scalar(f, HV_FIELD_TEXT, node, c->diags, &value))
                return;
        v = HV_ARENA_NEW_N(c->arena, const char *, 2);
        v[0] = value.text;
        *(struct hv_strv *) member = (struct hv_strv){ v, 1 };
}

static void note_use(const struct decoder *c, const struct hv_field *f, const struct hv_node *node) {
        const struct hv_node *at = node->key ? node->key : node;

        if (f->deprecated)
                hv_diag_warn(c->diags, at, "W011", "\"%s\" is deprecated; use %s", f->name, f->deprecated);
        if (f->planned && !c->planned && node->at.line)
                hv_diag_warn(c->diags, at, "W040", "\"%s\" is checked but not acted on yet", f->name);
}

static void decode_field(const struct decoder *outer, const struct hv_field *f, const struct hv_node *node,
                         char *ret) {
        const struct decoder inner = { outer->arena, outer->diags, outer->planned || f->planned },
                             *c = &inner;
        void *member = ret + f->offset;
        union hv_value value;

        if (f->type == HV_FIELD_REFUSED) {
                hv_diag_error(c->diags, node->key, f->code, "%s", f->doc);
                return;
        }
        if (node->unreadable || !has_value(c, node))
                return;
        note_use(outer, f, node);
        switch (f->type) {
        case HV_FIELD_STRUCT:
                if (node->type != HV_NODE_MAPPING)
                        expected(c, f, node, "a mapping");
                else
                        decode_struct(c, f->schema, node, member);
                break;
        case HV_FIELD_LIST:
                if (node->type != HV_NODE_SEQUENCE)
                        expected(c, f, node, "a list");
                else if (!(f->item == HV_FIELD_STRUCT && f->schema->kind))
                        decode_list(c, f, node, member);
                break;
        case HV_FIELD_MAP:
                if (node->type != HV_NODE_MAPPING)
                        expected(c, f, node, "a mapping");
                else
                        decode_map(c, f, node, member);
                break;
        case HV_FIELD_ANY:
                *(const struct hv_node **) member = node;
                break;
        case HV_FIELD_WORDS:
                if (node->type == HV_NODE_MAPPING)
                        expected(c, f, node, "text or a list");
                else
                        decode_words(c, f, node, member);
                break;
        default:
                if (hv_schema_scalar(f, f->type, node, c->diags, &value))
                        store(f->type, &value, member);
                break;
        }
}

/* Members without a value: the table's default. A nested struct gets the defaults of its own fields. */
static void set_default(const struct decoder *c, const struct hv_field *f, char *ret) {
        void *member = ret + f->offset;
        struct hv_node text = { .type = HV_NODE_SCALAR,
                                .quoted = f->type == HV_FIELD_MODE,
                                .text = f->value };
        union hv_value value;

        if (f->type == HV_FIELD_STRUCT)
                decode_struct(c, f->schema, NULL, member);
        else if (f->value && f->type == HV_FIELD_WORDS)
                decode_words(c, f, &text, member);
        else if (f->value && f->type == HV_FIELD_LIST) {
                struct hv_node *item = HV_ARENA_NEW(c->arena, struct hv_node);
                struct hv_node *items[] = { item };
                struct hv_node list = { .type = HV_NODE_SEQUENCE, .items = items, .n = 1 };

                *item = text; /* the defaults of lists have one element */
                decode_list(c, f, &list, member);
        } else if (f->value && hv_schema_scalar(f, f->type, &text, NULL, &value))
                store(f->type, &value, member);
}

static void report_unknown(const struct decoder *c, const struct hv_schema *s, const struct hv_node *key) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};
        struct hv_suggestion near = { .text = key->text };
        struct hv_diag *diag;

        for (size_t i = 0; i < s->n_fields; i++) {
                if (s->fields[i].type == HV_FIELD_REFUSED)
                        continue;
                hv_suggestion_add(&near, s->fields[i].name);
                hv_buf_printf(&names, "%s%s", names.len ? ", " : "", s->fields[i].name);
        }
        if (near.best) {
                hv_diag_error(c->diags, key, "E0201", "unknown field %s; did you mean \"%s\"?",
                              hv_diag_quote(c->diags, key->text), near.best);
                return;
        }
        diag = hv_diag_error(c->diags, key, "E0201", "unknown field %s", hv_diag_quote(c->diags, key->text));
        if (s->n_fields <= FIELDS_LISTED)
                hv_diag_hint(c->diags, diag, "fields here: %s", hv_buf_str(&names));
}

static void check_group(const struct decoder *c, const struct hv_group *g, const struct hv_node *node) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {}, quoted = {};
        const struct hv_node *first = NULL, *second = NULL;

        for (size_t i = 0; g->names[i]; i++) {
                const struct hv_node *key = hv_node_key(node, g->names[i]);

                hv_buf_printf(&names, "%s%s", i ? ", " : "", g->names[i]);
                hv_buf_printf(&quoted, "%s\"%s\"", i ? ", " : "", g->names[i]);
                if (key && !first)
                        first = key;
                else if (key && !second)
                        second = key;
        }
        if (g->exclusive && second)
                hv_diag_error(c->diags, second, "E0205", "set only one of %s; found %s (%s) and %s (%s)",
                              hv_buf_str(&quoted), first->text, hv_diag_where(c->diags, first, second),
                              second->text, hv_diag_where(c->diags, second, second));
        if (g->needed && !first)
                hv_diag_error(c->diags, node, "E0206", "needs one of: %s", hv_buf_str(&names));
}

static void decode_struct(const struct decoder *c, const struct hv_schema *s, const struct hv_node *node,
                          void *ret) {
        *(const struct hv_node **) ret = node;
        for (size_t i = 0; i < s->n_fields; i++)
                if (s->fields[i].type != HV_FIELD_REFUSED)
                        set_default(c, &s->fields[i], ret);
        if (!node)
                return;
        for (size_t i = 0; i < node->n; i++) {
                const struct hv_field *f = hv_schema_field(s, node->pairs[i].key->text);

                if (f && f->sensitive)
                        hv_diags_hide(c->diags, node->pairs[i].value);
                if (f)
                        decode_field(c, f, node->pairs[i].value, ret);
                else
                        report_unknown(c, s, node->pairs[i].key);
        }
        for (size_t i = 0; i < s->n_fields; i++)
                if (s->fields[i].required && !hv_node_get(node, s->fields[i].name))
                        hv_diag_error(c->diags, node, "E0204",
                                      "missing required field \"%s\" (object starts here)",
                                      s->fields[i].name);
        for (size_t i = 0; i < s->n_groups; i++)
                check_group(c, &s->groups[i], node);
}

void hv_schema_decode(const struct hv_schema *s, const struct hv_node *node, struct hv_arena *a,
                      struct hv_diags *d, void *ret) {
        struct decoder c = { .arena = a, .diags = d };

        decode_struct(&c, s, node, ret);
}

void hv_schema_decode_planned(const struct hv_schema *s, const struct hv_node *node, struct hv_arena *a,
                              struct hv_diags *d, void *ret) {
        struct decoder c = { .arena = a, .diags = d, .planned = true };

        decode_struct(&c, s, node, ret);
}

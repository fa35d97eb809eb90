/* spec/task_expand.c - a task and its type become a task without a type; see task_type.h. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "spec/task_type.h"

struct expansion {
        const struct hv_spec_task_type *type;
        const struct hv_node *task;       /* as it was written */
        const struct hv_node *parameters; /* of the task; NULL: none */
        struct hv_pos at;                 /* of its `type`: where whatever the type brings is said to stand */
        struct hv_arena *arena;
        struct hv_diags *diags;
        struct hv_node *result;
        struct hv_node *told; /* parameters that task.json hands on */
};

/* --- nodes --- */

static void stand_at(struct hv_node *n, struct hv_pos at) {
        n->at = at;
        n->end_line = at.line;
        n->end_column = at.column + 1;
        n->anchor = (struct hv_pos){};
        for (size_t i = 0; i < n->n; i++) {
                if (n->type == HV_NODE_MAPPING)
                        stand_at(n->pairs[i].key, at);
                stand_at(n->type == HV_NODE_MAPPING ? n->pairs[i].value : n->items[i], at);
        }
}

static struct hv_node *copy_of(const struct expansion *e, const struct hv_node *n) {
        struct hv_node *copy = hv_node_copy(n, e->arena);

        stand_at(copy, e->at);
        return copy;
}

static struct hv_node *text_node(const struct expansion *e, const char *text) {
        struct hv_node *n = hv_node_new_text(e->arena, hv_arena_strdup(e->arena, text), NULL);

        n->quoted = true;
        stand_at(n, e->at);
        return n;
}

/* An empty mapping or list with room, that stands where `like` stands. A value keeps its parent, and so its path. */
static struct hv_node *with_room(const struct expansion *e, enum hv_node_type type,
                                 const struct hv_node *like, size_t room) {
        struct hv_node *n = hv_node_new(e->arena, type, e->at);

        if (like) {
                *n = *like;
                n->n = 0;
        }
        if (type == HV_NODE_MAPPING)
                n->pairs = HV_ARENA_NEW_N(e->arena, struct hv_node_pair, room + 1);
        else
                n->items = HV_ARENA_NEW_N(e->arena, struct hv_node *, room + 1);
        return n;
}

static void put(struct hv_node *mapping, struct hv_node *key, struct hv_node *value) {
        if (!value->parent) {
                value->parent = mapping;
                value->key = key;
        }
        mapping->pairs[mapping->n++] = (struct hv_node_pair){ key, value };
}

static void append(struct hv_node *list, struct hv_node *item) {
        if (!item->parent) {
                item->parent = list;
                item->index = list->n;
        }
        list->items[list->n++] = item;
}

/* --- one mapping over another --- */

/* Lists of a task that are joined; the key that tells entries apart, or NULL: all are kept. */
static bool is_joined(const char *field, const char **ret_key) {
        *ret_key = hv_streq(field, "env") ? "name" : NULL;
        return hv_streq(field, "env") || hv_streq(field, "inputs");
}

static bool has_entry(const struct hv_node *list, const char *key, const struct hv_node *value) {
        for (size_t i = 0; value && value->type == HV_NODE_SCALAR && i < list->n; i++) {
                const struct hv_node *own = hv_node_get(list->items[i], key);

                if (own && own->type == HV_NODE_SCALAR && hv_streq(own->text, value->text))
                        return true;
        }
        return false;
}

/* What `under` has comes first: a type's files are there before the task's. */
static struct hv_node *joined(const struct expansion *e, const struct hv_node *over,
                              const struct hv_node *under, const char *key) {
        struct hv_node *list = with_room(e, HV_NODE_SEQUENCE, over, over->n + under->n);

        for (size_t i = 0; i < under->n; i++)
                if (!key || !has_entry(over, key, hv_node_get(under->items[i], key)))
                        append(list, copy_of(e, under->items[i]));
        for (size_t i = 0; i < over->n; i++)
                append(list, over->items[i]);
        return list;
}

static struct hv_node *merged(const struct expansion *e, const struct hv_node *over,
                              const struct hv_node *under) {
        struct hv_node *m = with_room(e, HV_NODE_MAPPING, over, over->n + under->n);

        for (size_t i = 0; i < over->n; i++) {
                struct hv_node *key = over->pairs[i].key, *own = over->pairs[i].value, *value = own;
                const struct hv_node *other = hv_node_get(under, key->text);
                const char *name;

                if (other && own->type == HV_NODE_MAPPING && other->type == HV_NODE_MAPPING)
                        value = merged(e, own, other);
                else if (other && own->type == HV_NODE_SEQUENCE && other->type == HV_NODE_SEQUENCE &&
                         is_joined(key->text, &name))
                        value = joined(e, own, other, name);
                put(m, key, value);
        }
        for (size_t i = 0; i < under->n; i++)
                if (!hv_node_get(over, under->pairs[i].key->text))
                        put(m, copy_of(e, under->pairs[i].key), copy_of(e, under->pairs[i].value));
        return m;
}

/* --- parameters --- */

static const char *plain(const struct expansion *e, const char *text) {
        size_t len = strlen(text);
        bool is_plain =
                len > 0 && len <= 60 &&
                strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") == len;

        return is_plain ? text : hv_diag_quote(e->diags, text);
}

/* "model_type" as people say it. */
static const char *spoken(const struct expansion *e, const char *name) {
        char *text = hv_arena_strdup(e->arena, name);

        for (char *p = text; *p; p++)
                if (*p == '_' || *p == '-')
                        *p = ' ';
        return text;
}

static const struct hv_spec_type_choice *choice_of(const struct expansion *e,
                                                   const struct hv_spec_type_parameter *p,
                                                   const struct hv_node *value) {
        _hv_cleanup_(hv_buf_done) struct hv_buf all = {};

        for (size_t i = 0; i < p->choices.n; i++) {
                if (value->type == HV_NODE_SCALAR && hv_streq(p->choices.v[i].value, value->text))
                        return &p->choices.v[i];
                hv_buf_printf(&all, "%s%s", i ? ", " : "", p->choices.v[i].value);
        }
        hv_diag_hint(e->diags,
                     hv_diag_error(e->diags, value, "E0462", "Unsupported %s: %s", spoken(e, p->name),
                                   plain(e, value->text)),
                     "parameter %s of the type %s is one of: %s", p->name, e->type->metadata.name,
                     hv_buf_str(&all));
        return NULL;
}

static bool is_number(const char *text, bool whole) {
        char *end;

        if (!*text || strspn(text, whole ? "+-0123456789" : "+-.0123456789eE") != strlen(text))
                return false;
        if (whole)
                (void) strtoll(text, &end, 10);
        else
                (void) strtod(text, &end);
        return end != text && !*end;
}

static bool is_list_of_texts(const struct hv_node *n) {
        if (n->type != HV_NODE_SEQUENCE)
                return false;
        for (size_t i = 0; i < n->n; i++)
                if (n->items[i]->type != HV_NODE_SCALAR)
                        return false;
        return true;
}

static bool fits(const struct hv_spec_type_parameter *p, const struct hv_node *value,
                 const char **ret_expected) {
        bool scalar = value->type == HV_NODE_SCALAR;

        switch ((enum hv_parameter_type) p->type) {
        case HV_PARAMETER_TEXT:
                *ret_expected = "text";
                return scalar;
        case HV_PARAMETER_INT:
                *ret_expected = "a whole number";
                return scalar && is_number(value->text, true);
        case HV_PARAMETER_NUMBER:
                *ret_expected = "a number";
                return scalar && is_number(value->text, false);
        case HV_PARAMETER_BOOL:
                *ret_expected = "true or false";
                return scalar && (hv_streq(value->text, "true") || hv_streq(value->text, "false"));
        case HV_PARAMETER_LIST:
                *ret_expected = "a list of texts";
                return is_list_of_texts(value);
        case HV_PARAMETER_PACKAGES:
                *ret_expected = "a list of packages";
                return is_list_of_texts(value);
        case HV_PARAMETER_FILE:
                *ret_expected = "text, or an input such as {url: ...}";
                return scalar || value->type == HV_NODE_MAPPING;
        case HV_PARAMETER_ANY:
                *ret_expected = "a value";
                return value->type != HV_NODE_NULL;
        }
        return false;
}

static void judge(const struct expansion *e, const struct hv_spec_type_parameter *p,
                  const struct hv_node *value) {
        const char *expected = "another value";

        if (!fits(p, value, &expected)) {
                hv_diag_error(e->diags, value, "E0462", "parameter %s of the type %s: expected %s, found %s",
                              p->name, e->type->metadata.name, expected,
                              value->type == HV_NODE_SCALAR ? hv_diag_quote(e->diags, value->text)
                                                            : hv_node_describe(value));
                return;
        }
        if (p->choices.n)
                (void) choice_of(e, p, value);
}

/* The task's own value, or the default of the type, or NULL. */
static struct hv_node *value_of(const struct expansion *e, const struct hv_spec_type_parameter *p) {
        struct hv_node *value = hv_node_get(e->parameters, p->name);

        return value ? value : p->otherwise ? copy_of(e, p->otherwise) : NULL;
}

static void check_unknown(const struct expansion *e) {
        for (size_t i = 0; e->parameters && i < e->parameters->n; i++) {
                const struct hv_node *key = e->parameters->pairs[i].key;
                _hv_cleanup_(hv_buf_done) struct hv_buf all = {};
                struct hv_suggestion near = { .text = key->text };
                bool known = false;

                for (size_t j = 0; j < e->type->spec.parameters.n; j++) {
                        const char *name = e->type->spec.parameters.v[j].name;

                        known |= hv_streq(name, key->text);
                        hv_suggestion_add(&near, name);
                        hv_buf_printf(&all, "%s%s", j ? ", " : "", name);
                }
                if (!known && near.best)
                        hv_diag_error(e->diags, key, "E0462",
                                      "the type %s has no parameter %s; did you mean \"%s\"?",
                                      e->type->metadata.name, hv_diag_quote(e->diags, key->text), near.best);
                else if (!known)
                        hv_diag_hint(e->diags,
                                     hv_diag_error(e->diags, key, "E0462", "the type %s has no parameter %s",
                                                   e->type->metadata.name,
                                                   hv_diag_quote(e->diags, key->text)),
                                     "parameters: %s", all.len ? hv_buf_str(&all) : "none");
        }
}

static void check(const struct expansion *e) {
        const struct hv_spec_type_body *t = &e->type->spec;

        check_unknown(e);
        for (size_t i = 0; i < t->parameters.n; i++) {
                const struct hv_spec_type_parameter *p = &t->parameters.v[i];
                const struct hv_node *value = hv_node_get(e->parameters, p->name);

                if (value && !value->unreadable)
                        judge(e, p, value);
                else if (!value && p->required)
                        hv_diag_error(e->diags, e->parameters ? e->parameters : hv_node_get(e->task, "type"),
                                      "E0462", "the type %s needs the parameter %s", e->type->metadata.name,
                                      p->name);
        }
        for (size_t i = 0; i < t->fixed.n; i++)
                if (hv_node_key(e->task, t->fixed.v[i]))
                        hv_diag_error(e->diags, hv_node_key(e->task, t->fixed.v[i]), "E0463",
                                      "%s is fixed by the type %s", t->fixed.v[i], e->type->metadata.name);
}

/* --- putting them in --- */

static void add_to_list(struct expansion *e, const char *field, struct hv_node *entry) {
        struct hv_node *extra = with_room(e, HV_NODE_SEQUENCE, NULL, 1),
                       *list = hv_node_get(e->result, field);
        struct hv_node *own;

        append(extra, entry);
        if (!list) {
                put(e->result, text_node(e, field), extra);
                return;
        }
        if (list->type != HV_NODE_SEQUENCE)
                return; /* said when it is decoded */
        own = with_room(e, HV_NODE_SEQUENCE, list, list->n + 1);
        for (size_t i = 0; i < list->n; i++)
                append(own, list->items[i]);
        append(own, entry);
        for (size_t i = 0; i < e->result->n; i++)
                if (hv_streq(e->result->pairs[i].key->text, field))
                        e->result->pairs[i].value = own;
}

static void put_file(struct expansion *e, const struct hv_spec_type_parameter *p, struct hv_node *value) {
        struct hv_node *input = with_room(e, HV_NODE_MAPPING, NULL, 1 + HV_MAX(value->n, (size_t) 1));
        _hv_cleanup_(hv_buf_done) struct hv_buf json = {};

        input->at = value->at;
        put(input, text_node(e, "path"), text_node(e, p->file));
        input->pairs[0].value->at = value->at;
        if (value->type == HV_NODE_SCALAR) {
                put(input, text_node(e, "inline"), value);
        } else if (p->type == HV_PARAMETER_FILE) {
                for (size_t i = 0; i < value->n; i++)
                        put(input, value->pairs[i].key, value->pairs[i].value);
        } else {
                hv_node_write_json(value, &json);
                put(input, text_node(e, "inline"), text_node(e, hv_buf_str(&json)));
        }
        add_to_list(e, "inputs", input);
}

static void put_variable(struct expansion *e, const char *name, struct hv_node *value) {
        struct hv_node *entry = with_room(e, HV_NODE_MAPPING, NULL, 2);

        entry->at = value->at;
        put(entry, text_node(e, "name"), text_node(e, name));
        put(entry, text_node(e, "value"), value);
        add_to_list(e, "env", entry);
}

/* Takes the place of what the type or a choice names. */
static void put_packages(struct expansion *e, struct hv_node *value) {
        for (size_t i = 0; i < e->result->n; i++)
                if (hv_streq(e->result->pairs[i].key->text, "requirements")) {
                        e->result->pairs[i].value = value;
                        return;
                }
        put(e->result, text_node(e, "requirements"), value);
}

static void put_parameter(struct expansion *e, const struct hv_spec_type_parameter *p) {
        struct hv_node *value = value_of(e, p);

        if (!value)
                return;
        if (p->type == HV_PARAMETER_PACKAGES)
                put_packages(e, value);
        else if (p->file)
                put_file(e, p, value);
        else if (p->env)
                put_variable(e, p->env, value);
        else
                put(e->told, text_node(e, p->name), value);
}

/* Whose work it is stays known: task.json and people read it there. */
static void put_type_name(struct expansion *e) {
        struct hv_node *own = hv_node_get(e->result, "annotations");
        struct hv_node *all = with_room(e, HV_NODE_MAPPING, own && own->type == HV_NODE_MAPPING ? own : NULL,
                                        (own ? own->n : 0) + 1);

        if (own && own->type != HV_NODE_MAPPING)
                return; /* said when it is decoded */
        for (size_t i = 0; own && i < own->n; i++)
                if (!hv_streq(own->pairs[i].key->text, HV_TASK_TYPE_ANNOTATION))
                        put(all, own->pairs[i].key, own->pairs[i].value);
        put(all, text_node(e, HV_TASK_TYPE_ANNOTATION), text_node(e, e->type->metadata.name));
        for (size_t i = 0; i < e->result->n; i++)
                if (hv_streq(e->result->pairs[i].key->text, "annotations")) {
                        e->result->pairs[i].value = all;
                        return;
                }
        put(e->result, text_node(e, "annotations"), all);
}

/* The task over what its parameters chose, over the type. */
static void put_fields(struct expansion *e) {
        const struct hv_spec_type_body *t = &e->type->spec;
        struct hv_node *base = with_room(e, HV_NODE_MAPPING, NULL, 0), *own, *all;

        for (size_t i = 0; i < t->parameters.n; i++) {
                const struct hv_spec_type_parameter *p = &t->parameters.v[i];
                const struct hv_node *value = p->choices.n ? value_of(e, p) : NULL;
                const struct hv_spec_type_choice *c = value ? choice_of(e, p, value) : NULL;

                if (c && c->task)
                        base = merged(e, base, c->task);
        }
        if (t->task)
                base = merged(e, base, t->task);
        own = with_room(e, HV_NODE_MAPPING, e->task, e->task->n);
        for (size_t i = 0; i < e->task->n; i++)
                if (!hv_streq(e->task->pairs[i].key->text, "type") &&
                    !hv_streq(e->task->pairs[i].key->text, "parameters"))
                        put(own, e->task->pairs[i].key, e->task->pairs[i].value);
        all = merged(e, own, base);
        e->result = with_room(e, HV_NODE_MAPPING, e->task, all->n + 5); /* inputs, env, requirements, ... */
        for (size_t i = 0; i < all->n; i++)
                put(e->result, all->pairs[i].key, all->pairs[i].value);
}

/* --- the whole --- */

static bool find_type(struct expansion *e, const struct hv_task_types *types, const struct hv_node *named) {
        _hv_cleanup_(hv_buf_done) struct hv_buf all = {};
        struct hv_suggestion near = { .text = named->text };

        e->type = hv_task_types_find(types, named->text);
        if (e->type)
                return true;
        for (size_t i = 0; types && i < types->n; i++) {
                hv_suggestion_add(&near, types->v[i].metadata.name);
                hv_buf_printf(&all, "%s%s", i ? ", " : "", types->v[i].metadata.name);
        }
        if (near.best)
                hv_diag_error(e->diags, named, "E0461", "there is no task type %s; did you mean \"%s\"?",
                              hv_diag_quote(e->diags, named->text), near.best);
        else
                hv_diag_hint(e->diags,
                             hv_diag_error(e->diags, named, "E0461", "there is no task type %s",
                                           hv_diag_quote(e->diags, named->text)),
                             "types here: %s",
                             all.len ? hv_buf_str(&all) : "none; they are files of task-types.d");
        return false;
}

const struct hv_node *hv_task_expand(const struct hv_task_types *types, const struct hv_node *task,
                                     struct hv_arena *a, struct hv_diags *d) {
        const struct hv_node *named = hv_node_get(task, "type");
        struct expansion e = {
                .task = task, .parameters = hv_node_get(task, "parameters"), .arena = a, .diags = d
        };
        size_t before = hv_diags_errors(d);

        if (e.parameters && e.parameters->type != HV_NODE_MAPPING && !e.parameters->unreadable) {
                hv_diag_error(d, e.parameters, "E0202", "expected a mapping, found %s",
                              hv_node_describe(e.parameters));
                return NULL;
        }
        if (!named || named->unreadable || named->type != HV_NODE_SCALAR)
                return task; /* without one, or said when it is decoded */
        e.at = named->at;
        if (!find_type(&e, types, named))
                return NULL;
        check(&e);
        if (hv_diags_errors(d) != before)
                return NULL;
        put_fields(&e);
        e.told = with_room(&e, HV_NODE_MAPPING, e.parameters, e.type->spec.parameters.n);
        for (size_t i = 0; i < e.type->spec.parameters.n; i++)
                put_parameter(&e, &e.type->spec.parameters.v[i]);
        if (e.told->n)
                put(e.result, text_node(&e, "parameters"), e.told);
        put_type_name(&e);
        return e.result;
}

const struct hv_node *hv_task_expand_within(const struct hv_task_types *types, const struct hv_node *outer,
                                            const char *field, struct hv_arena *a, struct hv_diags *d) {
        const struct hv_node *task = hv_node_get(outer, field), *own;
        struct hv_node *copy;

        if (!task || task->type != HV_NODE_MAPPING)
                return outer;
        own = hv_task_expand(types, task, a, d);
        if (!own || own == task)
                return own ? outer : NULL;
        copy = HV_ARENA_NEW(a, struct hv_node);
        *copy = *outer;
        copy->pairs = hv_arena_memdup(a, outer->pairs, outer->n * sizeof *outer->pairs);
        for (size_t i = 0; i < copy->n; i++)
                if (copy->pairs[i].value == task)
                        copy->pairs[i].value = (struct hv_node *) own;
        return copy;
}

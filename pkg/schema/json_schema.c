/* Walks the table breadth first: each mapping becomes a definition the first time something refers to it. Objects
 * come in two forms: as an entry of a list in NodeState (with a name), and as `spec` of a document of their own
 * (whose name is in metadata). */
#include "schema/json_schema.h"

#include <stdio.h>

#include "base/vec.h"
#include "spec/schema.h"
#include "json/write.h"

#define VARIABLE "\\$\\{"
#define SCHEMA_URL "http://json-schema.org/draft-07/schema#"

struct definition {
        const struct hv_schema *schema;
        bool own_document; /* without the name */
        char name[64];
};

struct generator {
        struct hv_json_writer w;
        HV_VEC(struct definition) definitions; /* those before `done` are written */
};

static bool name_is_taken(const struct generator *g, const char *name) {
        for (size_t i = 0; i < g->definitions.n; i++) {
                if (hv_streq(g->definitions.v[i].name, name))
                        return true;
        }
        return false;
}

/* Name of the definition of a mapping, made on first use. */
static const char *definition_of(struct generator *g, const struct hv_schema *s, bool own_document) {
        struct definition *d;
        char name[64];

        for (size_t i = 0; i < g->definitions.n; i++) {
                if (g->definitions.v[i].schema == s && g->definitions.v[i].own_document == own_document)
                        return g->definitions.v[i].name;
        }
        (void) snprintf(name, sizeof name, "%s%s", s->name, own_document ? "Spec" : "");
        for (unsigned n = 2; name_is_taken(g, name); n++)
                (void) snprintf(name, sizeof name, "%s%s%u", s->name, own_document ? "Spec" : "", n);
        d = hv_vec_add(&g->definitions);
        d->schema = s;
        d->own_document = own_document;
        (void) snprintf(d->name, sizeof d->name, "%s", name);
        return d->name;
}

static void put_ref(struct generator *g, const char *key, const char *name) {
        hv_json_begin_object(&g->w, key);
        hv_json_put_printf(&g->w, "$ref", "#/definitions/%s", name);
        hv_json_end(&g->w);
}

/* ---- types ---- */

static void put_type(struct generator *g, const char *key, const char *type) {
        hv_json_begin_object(&g->w, key);
        hv_json_put_str(&g->w, "type", type);
        hv_json_end(&g->w);
}

static void put_pattern(struct generator *g, const char *pattern) {
        hv_json_begin_object(&g->w, NULL);
        hv_json_put_str(&g->w, "type", "string");
        hv_json_put_str(&g->w, "pattern", pattern);
        hv_json_end(&g->w);
}

/* Text is whatever was written: an editor that reads 1.10 or no as something else must not object. */
static void put_text_types(struct generator *g) {
        hv_json_begin_array(&g->w, "type");
        hv_json_put_str(&g->w, NULL, "string");
        hv_json_put_str(&g->w, NULL, "number");
        hv_json_put_str(&g->w, NULL, "boolean");
        hv_json_end(&g->w);
}

static void put_number(struct generator *g, const struct hv_field *f, const char *type, int64_t scale) {
        hv_json_begin_object(&g->w, NULL);
        hv_json_put_str(&g->w, "type", type);
        if (f->has_range) {
                if (scale == 1) {
                        hv_json_put_int(&g->w, "minimum", f->min);
                        if (f->max < INT64_MAX)
                                hv_json_put_int(&g->w, "maximum", f->max);
                } else {
                        hv_json_put_real(&g->w, "minimum", (double) f->min / (double) scale);
                        if (f->max < INT64_MAX)
                                hv_json_put_real(&g->w, "maximum", (double) f->max / (double) scale);
                }
        }
        hv_json_end(&g->w);
}

/* The scalar types: members of the open object. */
static void put_scalar(struct generator *g, const struct hv_field *f, enum hv_field_type type) {
        if (type == HV_FIELD_TEXT) {
                put_text_types(g);
                return;
        }
        hv_json_begin_array(&g->w, "anyOf");
        switch (type) {
        case HV_FIELD_BOOL:
                put_type(g, NULL, "boolean");
                put_pattern(g, "^(true|True|TRUE|false|False|FALSE)$");
                break;
        case HV_FIELD_INT:
                put_number(g, f, "integer", 1);
                put_pattern(g, "^-?[0-9]+$");
                break;
        case HV_FIELD_DECIMAL:
                put_number(g, f, "number", 1000);
                put_pattern(g, "^[0-9]+(\\.[0-9]+)?$");
                break;
        case HV_FIELD_CPU:
                put_type(g, NULL, "number");
                put_pattern(g, "^[0-9]+(\\.[0-9]+)?m?$");
                break;
        case HV_FIELD_BYTES:
                put_type(g, NULL, "number");
                put_pattern(g, "^[0-9]+(\\.[0-9]+)?([eE][0-9]+|k|[MGTPE]|[KMGTPE]i)?$");
                break;
        case HV_FIELD_DURATION:
                put_pattern(g, "^([0-9]+(\\.[0-9]+)?(w|d|h|ms|m|s|us))+$");
                break;
        case HV_FIELD_PERCENT:
                put_pattern(g, "^(100|[0-9]{1,2})%$");
                break;
        case HV_FIELD_MODE:
                put_pattern(g, "^[0-7]{1,4}$");
                break;
        case HV_FIELD_ENUM:
                hv_json_begin_object(&g->w, NULL);
                hv_json_begin_array(&g->w, "enum");
                for (size_t i = 0; f->words[i]; i++)
                        hv_json_put_str(&g->w, NULL, f->words[i]);
                hv_json_end(&g->w);
                hv_json_end(&g->w);
                break;
        default:
                break;
        }
        put_pattern(g, VARIABLE);
        hv_json_end(&g->w);
}

/* ---- fields ---- */

/* A default as the type of value that it is. */
static void put_default(struct generator *g, const struct hv_field *f) {
        char *end;
        double number;

        if (!f->value || f->type == HV_FIELD_STRUCT || f->type == HV_FIELD_LIST || f->type == HV_FIELD_MAP ||
            f->type == HV_FIELD_WORDS || f->type == HV_FIELD_ANY)
                return;
        if (f->type == HV_FIELD_BOOL) {
                hv_json_put_bool(&g->w, "default", hv_streq(f->value, "true"));
                return;
        }
        number = strtod(f->value, &end);
        if (!*end && f->type == HV_FIELD_INT)
                hv_json_put_int(&g->w, "default", (int64_t) number);
        else if (!*end && f->type == HV_FIELD_DECIMAL)
                hv_json_put_real(&g->w, "default", number);
        else
                hv_json_put_str(&g->w, "default", f->value);
}

/* Examples are written in YAML's flow style; only those that are plain words are the same in JSON. */
static void put_example(struct generator *g, const struct hv_field *f) {
        bool is_text = f->type == HV_FIELD_TEXT || f->type == HV_FIELD_CPU || f->type == HV_FIELD_BYTES ||
                       f->type == HV_FIELD_DURATION || f->type == HV_FIELD_PERCENT ||
                       f->type == HV_FIELD_ENUM;

        if (!f->example || !is_text || strchr("\"'[{", *f->example))
                return;
        hv_json_begin_array(&g->w, "examples");
        hv_json_put_str(&g->w, NULL, f->example);
        hv_json_end(&g->w);
}

static void put_description(struct generator *g, const struct hv_field *f) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_buf_puts(&text, f->doc);
        if (f->deprecated)
                hv_buf_printf(&text, " Deprecated: use %s.", f->deprecated);
        if (f->planned)
                hv_buf_puts(&text, " Checked, but not acted on by this version.");
        if (f->cost != HV_COST_NONE)
                hv_buf_printf(&text, " A change costs: %s.", hv_cost_name(f->cost));
        hv_json_put_str(&g->w, "description", hv_buf_str(&text));
        if (f->example)
                hv_json_put_printf(&g->w, "markdownDescription", "%s\n\nExample: `%s: %s`", hv_buf_str(&text),
                                   f->name, f->example);
}

static void put_items(struct generator *g, const struct hv_field *f) {
        hv_json_put_str(&g->w, "type", "array");
        if (f->item == HV_FIELD_STRUCT) {
                put_ref(g, "items", definition_of(g, f->schema, false));
                return;
        }
        hv_json_begin_object(&g->w, "items");
        put_scalar(g, f, f->item);
        hv_json_end(&g->w);
}

static void put_field(struct generator *g, const struct hv_field *f) {
        hv_json_begin_object(&g->w, f->name);
        put_description(g, f);
        switch (f->type) {
        case HV_FIELD_STRUCT:
                /* Beside a $ref nothing counts in draft-07, so it stands in an allOf. */
                hv_json_begin_array(&g->w, "allOf");
                put_ref(g, NULL, definition_of(g, f->schema, false));
                hv_json_end(&g->w);
                break;
        case HV_FIELD_LIST:
                put_items(g, f);
                break;
        case HV_FIELD_MAP:
                hv_json_put_str(&g->w, "type", "object");
                hv_json_begin_object(&g->w, "additionalProperties");
                put_text_types(g);
                hv_json_end(&g->w);
                break;
        case HV_FIELD_WORDS:
                hv_json_begin_array(&g->w, "anyOf");
                hv_json_begin_object(&g->w, NULL);
                put_text_types(g);
                hv_json_end(&g->w);
                hv_json_begin_object(&g->w, NULL);
                hv_json_put_str(&g->w, "type", "array");
                hv_json_begin_object(&g->w, "items");
                put_text_types(g);
                hv_json_end(&g->w);
                hv_json_end(&g->w);
                hv_json_end(&g->w);
                break;
        case HV_FIELD_ANY:
                break;
        case HV_FIELD_REFUSED:
                hv_json_begin_object(&g->w, "not");
                hv_json_end(&g->w);
                break;
        default:
                put_scalar(g, f, f->type);
        }
        put_default(g, f);
        put_example(g, f);
        if (f->deprecated)
                hv_json_put_bool(&g->w, "deprecated", true);
        hv_json_end(&g->w);
}

/* ---- mappings ---- */

static void put_required(struct generator *g, const char *name) {
        hv_json_begin_object(&g->w, NULL);
        hv_json_begin_array(&g->w, "required");
        hv_json_put_str(&g->w, NULL, name);
        hv_json_end(&g->w);
        hv_json_end(&g->w);
}

static void put_groups(struct generator *g, const struct hv_schema *s) {
        if (s->n_groups == 0)
                return;
        hv_json_begin_array(&g->w, "allOf");
        for (size_t i = 0; i < s->n_groups; i++) {
                const char *const *names = s->groups[i].names;

                if (s->groups[i].needed) {
                        hv_json_begin_object(&g->w, NULL);
                        hv_json_begin_array(&g->w, "anyOf");
                        for (size_t j = 0; names[j]; j++)
                                put_required(g, names[j]);
                        hv_json_end(&g->w);
                        hv_json_end(&g->w);
                }
                for (size_t j = 0; s->groups[i].exclusive && names[j]; j++) {
                        for (size_t k = j + 1; names[k]; k++) {
                                hv_json_begin_object(&g->w, NULL);
                                hv_json_begin_object(&g->w, "not");
                                hv_json_begin_array(&g->w, "required");
                                hv_json_put_str(&g->w, NULL, names[j]);
                                hv_json_put_str(&g->w, NULL, names[k]);
                                hv_json_end(&g->w);
                                hv_json_end(&g->w);
                                hv_json_end(&g->w);
                        }
                }
        }
        hv_json_end(&g->w);
}

static void put_mapping(struct generator *g, const char *key, const struct hv_schema *s, bool own_document) {
        bool any_required = false;

        hv_json_begin_object(&g->w, key);
        hv_json_put_str(&g->w, "title", s->name);
        hv_json_put_str(&g->w, "description", s->doc);
        hv_json_put_str(&g->w, "type", "object");
        hv_json_put_bool(&g->w, "additionalProperties", false);
        hv_json_begin_object(&g->w, "properties");
        for (size_t i = 0; i < s->n_fields; i++) {
                bool is_name = own_document && hv_streq(s->fields[i].name, "name");

                if (!is_name)
                        put_field(g, &s->fields[i]);
                any_required = any_required || (s->fields[i].required && !is_name);
        }
        hv_json_end(&g->w);
        if (any_required) {
                hv_json_begin_array(&g->w, "required");
                for (size_t i = 0; i < s->n_fields; i++) {
                        if (s->fields[i].required && !(own_document && hv_streq(s->fields[i].name, "name")))
                                hv_json_put_str(&g->w, NULL, s->fields[i].name);
                }
                hv_json_end(&g->w);
        }
        put_groups(g, s);
        hv_json_end(&g->w);
}

/* ---- documents ---- */

static void put_document(struct generator *g, enum hv_kind kind) {
        bool is_state = kind == HV_KIND_NODESTATE;

        hv_json_begin_object(&g->w, NULL);
        hv_json_put_str(&g->w, "title", hv_kind_name(kind));
        hv_json_put_str(&g->w, "type", "object");
        hv_json_put_bool(&g->w, "additionalProperties", false);
        hv_json_begin_object(&g->w, "properties");
        hv_json_begin_object(&g->w, "apiVersion");
        hv_json_put_str(&g->w, "const", "hivelet/v1");
        hv_json_end(&g->w);
        hv_json_begin_object(&g->w, "kind");
        hv_json_put_str(&g->w, "const", hv_kind_name(kind));
        hv_json_end(&g->w);
        hv_json_begin_object(&g->w, "metadata");
        hv_json_begin_array(&g->w, "allOf");
        put_ref(g, NULL, definition_of(g, hv_schema_metadata(), false));
        if (!is_state)
                put_required(g, "name");
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        put_ref(g, "spec", definition_of(g, hv_schema_of(kind), !is_state));
        hv_json_begin_object(&g->w, "status");
        hv_json_put_str(&g->w, "description", "Reported by the agent, never read.");
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        hv_json_begin_array(&g->w, "required");
        hv_json_put_str(&g->w, NULL, "apiVersion");
        hv_json_put_str(&g->w, NULL, "kind");
        if (!is_state)
                hv_json_put_str(&g->w, NULL, "metadata");
        hv_json_end(&g->w);
        hv_json_end(&g->w);
}

/* Chooses by the kind, so that an editor reports what is wrong with this kind and not that no kind fits. */
static void put_choice(struct generator *g, enum hv_kind kind) {
        hv_json_begin_object(&g->w, NULL);
        hv_json_begin_object(&g->w, "if");
        hv_json_begin_object(&g->w, "properties");
        hv_json_begin_object(&g->w, "kind");
        hv_json_put_str(&g->w, "const", hv_kind_name(kind));
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        hv_json_begin_array(&g->w, "required");
        hv_json_put_str(&g->w, NULL, "kind");
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        hv_json_begin_object(&g->w, "then");
        hv_json_begin_array(&g->w, "allOf");
        put_document(g, kind);
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        hv_json_end(&g->w);
}

static void put_kinds(struct generator *g) {
        hv_json_begin_object(&g->w, "properties");
        hv_json_begin_object(&g->w, "apiVersion");
        hv_json_put_str(&g->w, "description", "Version of the format.");
        hv_json_put_str(&g->w, "const", "hivelet/v1");
        hv_json_end(&g->w);
        hv_json_begin_object(&g->w, "kind");
        hv_json_put_str(&g->w, "description", "What the document declares.");
        hv_json_begin_array(&g->w, "enum");
        for (int kind = HV_KIND_NODESTATE; kind < HV_N_KINDS; kind++)
                hv_json_put_str(&g->w, NULL, hv_kind_name((enum hv_kind) kind));
        hv_json_end(&g->w);
        hv_json_end(&g->w);
        hv_json_end(&g->w);
}

void hv_json_schema_write(struct hv_buf *ret) {
        struct generator g = { .w = { .buf = ret } };

        hv_json_begin_object(&g.w, NULL);
        hv_json_put_str(&g.w, "$schema", SCHEMA_URL);
        hv_json_put_str(&g.w, "title", "hivelet/v1");
        hv_json_put_str(&g.w, "description", "Desired state of a hivelet node.");
        hv_json_put_str(&g.w, "type", "object");
        put_kinds(&g);
        hv_json_begin_array(&g.w, "required");
        hv_json_put_str(&g.w, NULL, "apiVersion");
        hv_json_put_str(&g.w, NULL, "kind");
        hv_json_end(&g.w);
        hv_json_begin_array(&g.w, "allOf");
        for (int kind = HV_KIND_NODESTATE; kind < HV_N_KINDS; kind++)
                put_choice(&g, (enum hv_kind) kind);
        hv_json_end(&g.w);
        hv_json_begin_object(&g.w, "definitions");
        /* Writing one may add others behind it. */
        for (size_t i = 0; i < g.definitions.n; i++) {
                const struct definition d = g.definitions.v[i];

                put_mapping(&g, d.name, d.schema, d.own_document);
        }
        hv_json_end(&g.w);
        hv_json_end(&g.w);
        hv_vec_done(&g.definitions);
}

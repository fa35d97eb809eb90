#include "http/render_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "log/redact.h"
#include "spec/desired.h"
#include "spec/schema.h"
#include "spec/types.h"
#include "json/write.h"

#define PATH_SIZE 160

/* --- where it stands ---------------------------------------------------------------------------------------------- */

static const char *origin_of(const struct hv_node *n) {
        if (!n)
                return "default";
        if (!n->from)
                return "file";
        return *n->from == '$' ? "variable" : "flag";
}

static const char *where(const struct hv_desired *d, const struct hv_node *n, char *ret, size_t size) {
        if (!n)
                return NULL;
        if (n->from)
                return n->from + (*n->from == '$');
        if (n->at.line == 0 || n->at.file >= d->tree->n_files)
                return NULL;
        (void) snprintf(ret, size, "%s:%u", d->tree->files[n->at.file], n->at.line);
        return ret;
}

static const struct hv_node *spec_of(const struct hv_desired *d) {
        return d && d->tree ? d->tree->state.node : NULL;
}

const char *hv_settings_file(const struct hv_desired *d) {
        const struct hv_spec_document *primary = d && d->tree ? d->tree->primary : NULL;

        return primary && primary->root && primary->file < d->tree->n_files ? d->tree->files[primary->file]
                                                                            : NULL;
}

const char *hv_settings_where(const struct hv_desired *d, const char *field, char *ret, size_t size,
                              bool *ret_known) {
        *ret_known = hv_schema_find(field, NULL) != NULL;
        return *ret_known ? where(d, hv_node_at(spec_of(d), field), ret, size) : NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void put_value(struct hv_json_writer *w, const char *key, const struct hv_field *f,
                      enum hv_field_type type, const struct hv_node *n);

static void put_text(struct hv_json_writer *w, const char *key, enum hv_field_type type, const char *text) {
        _hv_cleanup_free_ char *redacted = text ? hv_log_redact(text) : NULL;

        if (text && type == HV_FIELD_BOOL)
                hv_json_put_bool(w, key, strcasecmp(text, "true") == 0);
        else if (text && type == HV_FIELD_INT)
                hv_json_put_int(w, key, strtoll(text, NULL, 10));
        else if (text && type == HV_FIELD_DECIMAL)
                hv_json_put_real(w, key, strtod(text, NULL));
        else
                hv_json_put_str(w, key, redacted ?: text);
}

/* What is written of a mapping; secrets are not. */
static void put_fields(struct hv_json_writer *w, const char *key, const struct hv_schema *s,
                       const struct hv_node *n) {
        hv_json_begin_object(w, key);
        for (size_t i = 0; i < s->n_fields; i++) {
                const struct hv_node *value = hv_node_get(n, s->fields[i].name);

                if (value && !s->fields[i].sensitive)
                        put_value(w, s->fields[i].name, &s->fields[i], s->fields[i].type, value);
        }
        hv_json_end(w);
}

static void put_items(struct hv_json_writer *w, const char *key, const struct hv_field *f,
                      const struct hv_node *n) {
        enum hv_field_type item = f->type == HV_FIELD_LIST ? f->item : HV_FIELD_TEXT;

        hv_json_begin_array(w, key);
        for (size_t i = 0; i < n->n; i++)
                put_value(w, NULL, f, item, n->items[i]);
        hv_json_end(w);
}

static void put_value(struct hv_json_writer *w, const char *key, const struct hv_field *f,
                      enum hv_field_type type, const struct hv_node *n) {
        if (n->type == HV_NODE_SCALAR)
                put_text(w, key, type, n->text);
        else if (n->type == HV_NODE_SEQUENCE)
                put_items(w, key, f, n);
        else if (n->type == HV_NODE_MAPPING && f->schema)
                put_fields(w, key, f->schema, n);
        else
                hv_json_put_null(w, key);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void put_setting(struct hv_json_writer *w, const struct hv_desired *d, const char *path,
                        const struct hv_field *f, const struct hv_node *n) {
        bool is_node_id = hv_streq(path, "node.id"); /* the one whose default is not in the table */
        char place[PATH_SIZE * 8];

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "field", path);
        if (n && n->type != HV_NODE_NULL)
                put_value(w, "value", f, f->type, n);
        else
                put_text(w, "value", f->type, is_node_id && d ? d->settings.node_id : f->value);
        put_text(w, "default", f->type, f->value);
        hv_json_put_str(w, "origin", origin_of(n));
        hv_json_put_str(w, "where", where(d, n, place, sizeof place));
        hv_json_put_bool(w, "actedOn", !f->planned);
        hv_json_put_str(w, "doc", f->doc);
        hv_json_end(w);
}

static void put_schema(struct hv_json_writer *w, const struct hv_desired *d, const char *before,
                       const struct hv_schema *s, const struct hv_node *n) {
        for (size_t i = 0; i < s->n_fields; i++) {
                const struct hv_field *f = &s->fields[i];
                const struct hv_node *value = hv_node_get(n, f->name);
                char path[PATH_SIZE];

                (void) snprintf(path, sizeof path, "%s%s%s", before, *before ? "." : "", f->name);
                if (f->sensitive || f->type == HV_FIELD_REFUSED || f->type == HV_FIELD_ANY ||
                    f->type == HV_FIELD_MAP || (f->schema && f->schema->kind != HV_KIND_NONE))
                        continue;
                if (f->type == HV_FIELD_STRUCT)
                        put_schema(w, d, path, f->schema, value);
                else
                        put_setting(w, d, path, f, value);
        }
}

/* --- one field of an object --------------------------------------------------------------------------------------- */

static bool is_scalar(enum hv_field_type type) {
        return type != HV_FIELD_STRUCT && type != HV_FIELD_LIST && type != HV_FIELD_MAP &&
               type != HV_FIELD_ANY;
}

/* Below one of these stands what a program gets to know, which may be a secret whatever it is called. */
static bool is_hidden(const struct hv_field *f, const char *field) {
        static const char *const hidden[] = { "env", "data", "parameters", "inputs" };

        for (const char *p = field; *p; p += strcspn(p, ".") + (p[strcspn(p, ".")] != '\0'))
                for (size_t i = 0; i < HV_ARRAY_SIZE(hidden); i++)
                        if (strcspn(p, ".[") == strlen(hidden[i]) && hv_has_prefix(p, hidden[i]))
                                return true;
        return f->sensitive || !(is_scalar(f->type) || (f->type == HV_FIELD_LIST && is_scalar(f->item)));
}

static void put_place(struct hv_json_writer *w, const struct hv_desired *d, const struct hv_node *n) {
        bool in_file = n && !n->from && n->at.line > 0 && n->at.file < d->tree->n_files;

        hv_json_put_str(w, "by", n && n->from ? n->from + (*n->from == '$') : NULL);
        hv_json_put_str(w, "file", in_file ? d->tree->files[n->at.file] : NULL);
        hv_json_put_uint(w, "line", in_file ? n->at.line : 0);
        hv_json_put_uint(w, "column", in_file ? n->at.column : 0);
}

bool hv_render_origin(struct hv_json_writer *w, const char *key, const struct hv_desired *d,
                      const struct hv_spec_object *object, const char *field) {
        const struct hv_node *n = hv_node_at(object->node, field);
        const struct hv_field *f;
        char path[PATH_SIZE];

        if ((size_t) snprintf(path, sizeof path, "%s.%s", hv_kind_name(object->kind), field) >= sizeof path)
                return false;
        f = hv_schema_find(path, NULL);
        if (!f)
                return false;
        hv_json_begin_object(w, key);
        hv_json_put_str(w, "kind", hv_kind_name(object->kind));
        hv_json_put_str(w, "name", object->name);
        hv_json_put_str(w, "field", field);
        hv_json_put_str(w, "type", hv_field_type_name(f));
        if (is_hidden(f, field))
                hv_json_put_null(w, "value");
        else if (n && n->type != HV_NODE_NULL)
                put_value(w, "value", f, f->type, n);
        else
                put_text(w, "value", f->type, f->value);
        put_text(w, "default", f->type, f->value);
        hv_json_put_str(w, "origin", origin_of(n));
        put_place(w, d, n);
        hv_json_end(w);
        return true;
}

void hv_render_settings(struct hv_json_writer *w, const char *key, const struct hv_desired *d) {
        hv_json_begin_array(w, key);
        put_schema(w, d, "", hv_schema_of(HV_KIND_NODESTATE), spec_of(d));
        hv_json_end(w);
}

#include "http/render_document.h"

#include <stdio.h>
#include <strings.h>

#include "base/text.h"
#include "base/vec.h"
#include "http/render_spec.h"
#include "log/redact.h"
#include "spec/interpolate.h"
#include "spec/schema.h"
#include "spec/types.h"
#include "json/write.h"

#define PATH_SIZE 512

struct rendering {
        struct hv_json_writer *w;
        HV_VEC(char *) withheld; /* paths */
};

static void put_value(struct rendering *r, const char *key, const struct hv_field *f, enum hv_field_type type,
                      const struct hv_node *n, const char *path);

static void withhold(struct rendering *r, const char *path) {
        hv_vec_push(&r->withheld, hv_strdup(path));
}

/* Variables are in place already: what is left of "${" is text. */
static void put_text(struct rendering *r, const char *key, const char *text, const char *path) {
        _hv_cleanup_free_ char *redacted = hv_log_redact(text);
        _hv_cleanup_(hv_buf_done) struct hv_buf plain = {};

        if (redacted && !hv_streq(redacted, text))
                withhold(r, path);
        hv_spec_escape(redacted ? redacted : text, &plain);
        hv_json_put_str(r->w, key, hv_buf_str(&plain));
}

static void put_scalar(struct rendering *r, const char *key, enum hv_field_type type, const struct hv_node *n,
                       const char *path) {
        char *end;
        long long number = strtoll(n->text, &end, 10);

        if (type == HV_FIELD_BOOL)
                hv_json_put_bool(r->w, key, strcasecmp(n->text, "true") == 0);
        else if ((type == HV_FIELD_INT || type == HV_FIELD_DECIMAL) && *n->text && !*end)
                hv_json_put_int(r->w, key, number);
        else
                put_text(r, key, n->text, path);
}

/* Text to text. */
static void put_map(struct rendering *r, const char *key, const struct hv_node *n, const char *path) {
        hv_json_begin_object(r->w, key);
        for (size_t i = 0; i < n->n; i++)
                if (n->pairs[i].value->type == HV_NODE_SCALAR)
                        put_text(r, n->pairs[i].key->text, n->pairs[i].value->text, path);
        hv_json_end(r->w);
}

static void put_items(struct rendering *r, const char *key, const struct hv_field *f, const struct hv_node *n,
                      const char *path) {
        enum hv_field_type item = f->type == HV_FIELD_LIST ? f->item : HV_FIELD_TEXT;
        char below[PATH_SIZE];

        hv_json_begin_array(r->w, key);
        for (size_t i = 0; i < n->n; i++) {
                (void) snprintf(below, sizeof below, "%s[%zu]", path, i);
                put_value(r, NULL, f, item, n->items[i], below);
        }
        hv_json_end(r->w);
}

/* A key of WireGuard is no value but where it comes from; a value in its place was refused. */
static bool is_withheld(const struct hv_field *f, const struct hv_node *n) {
        return f->type == HV_FIELD_ANY || hv_streq(f->name, "inline") ||
               (f->sensitive && n->type == HV_NODE_SCALAR);
}

static void put_fields(struct rendering *r, const struct hv_schema *s, const struct hv_node *n,
                       const char *path, bool is_object) {
        static const char *const of_metadata[] = { "name", "labels", "annotations" };
        char below[PATH_SIZE];

        for (size_t i = 0; i < s->n_fields; i++) {
                const struct hv_field *f = &s->fields[i];
                const struct hv_node *value = hv_node_get(n, f->name);
                bool is_above = false;

                for (size_t k = 0; is_object && k < HV_ARRAY_SIZE(of_metadata); k++)
                        is_above = is_above || hv_streq(f->name, of_metadata[k]);
                if (is_above || !value || value->type == HV_NODE_NULL)
                        continue;
                (void) snprintf(below, sizeof below, "%s.%s", path, f->name);
                if (is_withheld(f, value))
                        withhold(r, below);
                else
                        put_value(r, f->name, f, f->type, value, below);
        }
}

static void put_value(struct rendering *r, const char *key, const struct hv_field *f, enum hv_field_type type,
                      const struct hv_node *n, const char *path) {
        if (n->type == HV_NODE_SCALAR)
                put_scalar(r, key, type, n, path);
        else if (n->type == HV_NODE_SEQUENCE)
                put_items(r, key, f, n, path);
        else if (n->type == HV_NODE_MAPPING && f->schema) {
                hv_json_begin_object(r->w, key);
                put_fields(r, f->schema, n, path, false);
                hv_json_end(r->w);
        } else if (n->type == HV_NODE_MAPPING)
                put_map(r, key, n, path);
        else
                hv_json_put_null(r->w, key);
}

/* An entry of images.preload need not have a name, and is called by its reference; a document of its own needs one. */
static void put_name(struct hv_json_writer *w, const struct hv_spec_object *object) {
        char label[64];
        size_t n = 0;

        if (hv_text_is_dns_label(object->name)) {
                hv_json_put_str(w, "name", object->name);
                return;
        }
        for (const char *p = object->name; *p && n < sizeof label - 1; p++) {
                bool is_letter = *p >= 'a' && *p <= 'z', is_digit = *p >= '0' && *p <= '9';

                if (is_letter || (is_digit && n > 0))
                        label[n++] = *p;
                else if (n > 0 && label[n - 1] != '-')
                        label[n++] = '-';
        }
        while (n > 0 && label[n - 1] == '-')
                n--;
        label[n] = 0;
        hv_json_put_str(w, "name", n > 0 ? label : "image");
}

void hv_render_document(struct hv_json_writer *w, const char *key, const struct hv_spec_object *object) {
        struct rendering r = { .w = w };

        hv_json_begin_object(w, key);
        hv_json_begin_object(w, "document");
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", hv_kind_name(object->kind));
        hv_json_begin_object(w, "metadata");
        put_name(w, object);
        if (object->labels.n > 0)
                hv_render_pairs(w, "labels", &object->labels);
        if (object->annotations.n > 0)
                hv_render_pairs(w, "annotations", &object->annotations);
        hv_json_end(w);
        hv_json_begin_object(w, "spec");
        put_fields(&r, hv_schema_of(object->kind), object->node, "spec", true);
        hv_json_end(w);
        hv_json_end(w);
        hv_json_begin_array(w, "withheld");
        for (size_t i = 0; i < r.withheld.n; i++) {
                hv_json_put_str(w, NULL, r.withheld.v[i]);
                free(r.withheld.v[i]);
        }
        hv_json_end(w);
        hv_json_end(w);
        hv_vec_done(&r.withheld);
}

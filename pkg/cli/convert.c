#include "cli/convert.h"

#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

#include "base/text.h"
#include "spec/interpolate.h"
#include "spec/node.h"

#define NAME_MAX_LETTERS 63

void hv_convert_begin(struct hv_convert *c) {
        c->arena = hv_arena_new();
        c->w.buf = &c->text;
        hv_json_begin_array(&c->w, NULL);
}

void hv_convert_done(struct hv_convert *c) {
        hv_buf_done(&c->text);
        hv_vec_done(&c->notes);
        hv_vec_done(&c->volumes);
        c->arena = hv_arena_free(c->arena);
}

void hv_convert_note(struct hv_convert *c, unsigned line, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        hv_vec_push(&c->notes, ((struct hv_convert_note){ line, hv_arena_strdup(c->arena, hv_buf_str(&text)),
                                                          c->notes.n }));
}

static int by_line(const void *a, const void *b) {
        const struct hv_convert_note *x = a, *y = b;

        if (x->line != y->line)
                return !x->line || (y->line && x->line > y->line) ? 1 : -1;
        return x->order > y->order ? 1 : -1;
}

void hv_convert_sort_notes(struct hv_convert *c) {
        if (c->notes.n > 0)
                qsort(c->notes.v, c->notes.n, sizeof *c->notes.v, by_line);
}

static void put_metadata(struct hv_convert *c, const char *kind, const char *name,
                         const struct hv_node *labels) {
        struct hv_json_writer *w = &c->w;

        hv_json_begin_object(w, NULL);
        hv_json_put_str(w, "apiVersion", "hivelet/v1");
        hv_json_put_str(w, "kind", kind);
        hv_json_begin_object(w, "metadata");
        hv_json_put_str(w, "name", name);
        if (labels && labels->type == HV_NODE_MAPPING && labels->n > 0) {
                hv_json_begin_object(w, "labels");
                for (size_t i = 0; i < labels->n; i++)
                        if (labels->pairs[i].value->type == HV_NODE_SCALAR)
                                hv_convert_put(w, labels->pairs[i].key->text, labels->pairs[i].value->text);
                hv_json_end(w);
        }
        hv_json_end(w);
        c->n_documents++;
}

void hv_convert_open(struct hv_convert *c, const char *kind, const char *name, const struct hv_node *labels) {
        put_metadata(c, kind, name, labels);
        hv_json_begin_object(&c->w, "spec");
}

void hv_convert_close(struct hv_convert *c) {
        hv_json_end(&c->w);
        hv_json_end(&c->w);
}

void hv_convert_volume(struct hv_convert *c, const char *name) {
        for (size_t i = 0; i < c->volumes.n; i++)
                if (hv_streq(c->volumes.v[i], name))
                        return;
        hv_vec_push(&c->volumes, name);
        hv_convert_open(c, "Volume", name, NULL);
        hv_convert_close(c);
}

const char *hv_convert_name(struct hv_convert *c, const char *text) {
        char *name = hv_arena_strndup(c->arena, text, NAME_MAX_LETTERS);
        size_t len = strlen(name);

        for (char *p = name; *p; p++)
                *p = (char) (isalnum((unsigned char) *p) ? tolower((unsigned char) *p) : '-');
        while (len > 0 && name[len - 1] == '-')
                name[--len] = '\0';
        while (*name == '-')
                name++;
        return name;
}

void hv_convert_put(struct hv_json_writer *w, const char *key, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf plain = {};

        if (!text)
                return;
        hv_spec_escape(text, &plain);
        hv_json_put_str(w, key, hv_buf_str(&plain));
}

void hv_convert_put_number(struct hv_json_writer *w, const char *key, const char *text) {
        char *end;
        long long n = text ? strtoll(text, &end, 10) : 0;

        if (text && *text && !*end)
                hv_json_put_int(w, key, n);
        else
                hv_convert_put(w, key, text);
}

void hv_convert_put_words(struct hv_json_writer *w, const char *key, const struct hv_convert_words *list) {
        if (list->v.n == 0)
                return;
        hv_json_begin_array(w, key);
        for (size_t i = 0; i < list->v.n; i++)
                hv_convert_put(w, NULL, list->v.v[i]);
        hv_json_end(w);
}

bool hv_convert_is_true(const char *text) {
        return text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 ||
                        strcasecmp(text, "on") == 0 || hv_streq(text, "1"));
}

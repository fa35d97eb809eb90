/* spec/node.c - see node.h. Arrays double whenever their length is a power of two, so no capacity is stored.
 */
#include "spec/node.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

#define PATH_KEY_MAX 64 /* a longer key is cut in a path: it was never a field's name */

struct hv_node *hv_node_new(struct hv_arena *a, enum hv_node_type type, struct hv_pos at) {
        struct hv_node *n = HV_ARENA_NEW(a, struct hv_node);

        n->type = type;
        n->at = at;
        n->end_line = at.line;
        n->end_column = at.column + 1;
        return n;
}

struct hv_node *hv_node_new_text(struct hv_arena *a, const char *text, const char *from) {
        struct hv_node *n = hv_node_new(a, HV_NODE_SCALAR, (struct hv_pos){});

        n->text = hv_arena_strdup(a, text);
        n->from = hv_arena_strdup(a, from);
        return n;
}

static void *grown(struct hv_arena *a, void *v, size_t n, size_t size) {
        void *larger;

        if (n & (n - 1))
                return v;
        larger = hv_arena_alloc(a, (n ? n * 2 : 1) * size);
        if (n)
                memcpy(larger, v, n * size);
        return larger;
}

void hv_node_append(struct hv_arena *a, struct hv_node *sequence, struct hv_node *item) {
        sequence->items = grown(a, sequence->items, sequence->n, sizeof *sequence->items);
        item->parent = sequence;
        item->index = sequence->n;
        sequence->items[sequence->n++] = item;
}

static void adopt(struct hv_node *mapping, struct hv_node *key, struct hv_node *value, size_t index) {
        key->parent = value->parent = mapping;
        key->key = value->key = key;
        key->index = value->index = index;
        mapping->pairs[index] = (struct hv_node_pair){ key, value };
}

void hv_node_add(struct hv_arena *a, struct hv_node *mapping, struct hv_node *key, struct hv_node *value) {
        mapping->pairs = grown(a, mapping->pairs, mapping->n, sizeof *mapping->pairs);
        adopt(mapping, key, value, mapping->n++);
}

void hv_node_put(struct hv_arena *a, struct hv_node *mapping, struct hv_node *key, struct hv_node *value) {
        for (size_t i = 0; i < mapping->n; i++)
                if (hv_streq(mapping->pairs[i].key->text, key->text)) {
                        adopt(mapping, key, value, i);
                        return;
                }
        hv_node_add(a, mapping, key, value);
}

/* The scalar itself; what it holds comes later. */
static struct hv_node *copy_shell(const struct hv_node *n, struct hv_arena *a) {
        struct hv_node *copy = hv_arena_memdup(a, n, sizeof *n);

        copy->text = hv_arena_strdup(a, n->text);
        copy->from = hv_arena_strdup(a, n->from);
        copy->items = NULL;
        copy->pairs = NULL;
        copy->n = 0;
        copy->parent = NULL;
        copy->key = NULL;
        return copy;
}

struct hv_node *hv_node_copy(const struct hv_node *n, struct hv_arena *a) {
        struct hv_node *copy = copy_shell(n, a);

        for (size_t i = 0; i < n->n; i++)
                if (n->type == HV_NODE_SEQUENCE)
                        hv_node_append(a, copy, hv_node_copy(n->items[i], a));
                else
                        hv_node_add(a, copy, copy_shell(n->pairs[i].key, a),
                                    hv_node_copy(n->pairs[i].value, a));
        return copy;
}

static const struct hv_node_pair *pair_of(const struct hv_node *n, const char *key, size_t len) {
        if (!n || n->type != HV_NODE_MAPPING)
                return NULL;
        for (size_t i = 0; i < n->n; i++)
                if (strncmp(n->pairs[i].key->text, key, len) == 0 && !n->pairs[i].key->text[len])
                        return &n->pairs[i];
        return NULL;
}

struct hv_node *hv_node_get(const struct hv_node *n, const char *key) {
        const struct hv_node_pair *p = pair_of(n, key, strlen(key));

        return p ? p->value : NULL;
}

const struct hv_node *hv_node_key(const struct hv_node *n, const char *key) {
        const struct hv_node_pair *p = pair_of(n, key, strlen(key));

        return p ? p->key : NULL;
}

/* One step along a path: "[3]" or a key. Moves *path behind it and behind a dot. */
static struct hv_node *step(const struct hv_node *n, const char **path) {
        const char *p = *path;
        struct hv_node *next = NULL;

        if (*p == '[') {
                char *end;
                unsigned long i = strtoul(p + 1, &end, 10);

                if (n->type == HV_NODE_SEQUENCE && i < n->n)
                        next = n->items[i];
                p = *end == ']' ? end + 1 : end;
        } else {
                size_t len = strcspn(p, ".[");
                const struct hv_node_pair *pair = pair_of(n, p, len);

                next = pair ? pair->value : NULL;
                p += len;
        }
        *path = *p == '.' ? p + 1 : p;
        return next;
}

struct hv_node *hv_node_at(const struct hv_node *n, const char *path) {
        struct hv_node *found = (struct hv_node *) n;

        while (found && *path)
                found = step(found, &path);
        return found;
}

const struct hv_node *hv_node_nearest(const struct hv_node *n, const char *path) {
        const struct hv_node *next;

        while (n && *path) {
                next = step(n, &path);
                if (!next)
                        return n;
                n = next;
        }
        return n;
}

static void add_path(const struct hv_node *n, struct hv_buf *b) {
        if (!n->parent)
                return;
        add_path(n->parent, b);
        if (!n->key) {
                hv_buf_printf(b, "[%zu]", n->index);
                return;
        }
        if (b->len)
                hv_buf_putc(b, '.');
        for (const char *p = n->key->text; *p; p++) {
                if (p - n->key->text >= PATH_KEY_MAX && ((unsigned char) *p & 0xc0) != 0x80) {
                        hv_buf_puts(b, "...");
                        return;
                }
                hv_buf_putc(b, (unsigned char) *p < 0x20 || *p == 0x7f ? '?' : *p);
        }
}

const char *hv_node_path(const struct hv_node *n, struct hv_arena *a) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};

        if (n)
                add_path(n, &b);
        return hv_arena_strdup(a, hv_buf_str(&b));
}

static bool looks_like_number(const char *s) {
        size_t digits, fraction = 0;

        if (*s == '-' || *s == '+')
                s++;
        digits = strspn(s, "0123456789");
        s += digits;
        if (*s == '.')
                fraction = strspn(++s, "0123456789");
        return !s[fraction] && digits + fraction > 0;
}

const char *hv_node_describe(const struct hv_node *n) {
        if (!n || n->type == HV_NODE_NULL)
                return "nothing";
        if (n->type == HV_NODE_SEQUENCE)
                return "a list";
        if (n->type == HV_NODE_MAPPING)
                return "a mapping";
        if (!n->quoted && looks_like_number(n->text))
                return "a number";
        if (!n->quoted && (hv_streq(n->text, "true") || hv_streq(n->text, "false")))
                return n->text;
        return "text";
}

/* spec/yaml.c - see yaml.h. Pulls libyaml's events and builds the tree by recursion (at most 64 deep). An
 * anchor is known from the moment its node begins, so that an alias inside it is seen to be recursive; an
 * alias copies the subtree, because a node has one parent and a path of its own. */
#include "spec/yaml.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "spec/yaml_internal.h"

#define MANY_KEYS 16 /* from here on a mapping's keys are looked up in a map */

struct reader {
        yaml_parser_t parser;
        struct hv_arena *arena;
        struct hv_diags *diags;
        unsigned file;
        const char *text;
        size_t len;
        struct hv_map *anchors; /* name -> struct anchor, of the document being read */
        size_t n_alias_nodes;
        bool failed; /* what comes after cannot be understood */
};

struct anchor {
        struct hv_node *node; /* NULL while it is being read */
};

static struct hv_node *read_node(struct reader *r, yaml_event_t *event, unsigned depth);

static bool next_event(struct reader *r, yaml_event_t *ret) {
        if (r->failed)
                return false;
        if (yaml_parser_parse(&r->parser, ret))
                return true;
        hv_yaml_report(&r->parser, r->diags, r->file, r->text, r->len);
        r->failed = true;
        return false;
}

static void end_at(struct hv_node *n, const yaml_mark_t *end) {
        n->end_line = (unsigned) end->line + 1;
        n->end_column = (unsigned) end->column + 1;
}

static struct hv_node *fail_depth(struct reader *r, struct hv_pos at) {
        hv_diag_error_pos(r->diags, at, 0, "E0003", "too deep: more than %u levels", HV_YAML_DEPTH_MAX);
        r->failed = true;
        return NULL;
}

/* The core tags say what the schema says anyway, but "!!str" keeps a value text. Everything else asks for
 * code. */
static bool tag_is_fine(struct reader *r, const yaml_char_t *tag, const yaml_event_t *event, bool *ret_text) {
        static const char core[] = "tag:yaml.org,2002:";
        static const char *const known[] = { "str", "int", "float", "bool", "null", "seq", "map" };
        const char *t = (const char *) tag;

        if (!t || hv_streq(t, "!"))
                return true;
        if (hv_has_prefix(t, core))
                for (size_t i = 0; i < HV_ARRAY_SIZE(known); i++)
                        if (hv_streq(t + strlen(core), known[i])) {
                                *ret_text |= i == 0;
                                return true;
                        }
        hv_diag_hint(
                r->diags,
                hv_diag_error_pos(r->diags, hv_yaml_pos(r->file, &event->start_mark), 0, "E0008",
                                  "tags are not supported, found %s",
                                  hv_diag_quote(r->diags, hv_has_prefix(t, core) ? t + strlen(core) : t)),
                "remove the tag; for text of its own use quotes");
        return false;
}

static bool is_null_text(const char *s) {
        return !*s || hv_streq(s, "~") || hv_streq(s, "null") || hv_streq(s, "Null") || hv_streq(s, "NULL");
}

static struct hv_node *read_scalar(struct reader *r, const yaml_event_t *event) {
        const char *value = (const char *) event->data.scalar.value;
        bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE, text = quoted, unreadable;
        struct hv_node *n;

        unreadable = !tag_is_fine(r, event->data.scalar.tag, event, &text);
        n = hv_node_new(r->arena, !text && is_null_text(value) ? HV_NODE_NULL : HV_NODE_SCALAR,
                        hv_yaml_pos(r->file, &event->start_mark));
        n->quoted = text;
        n->unreadable = unreadable;
        n->text = hv_arena_strndup(r->arena, value, event->data.scalar.length);
        if (strlen(n->text) != event->data.scalar.length) /* "\0" in double quotes */
                hv_diag_error_pos(r->diags, n->at, 0, "E0002", "NUL character in a value");
        end_at(n, &event->end_mark);
        return n;
}

static struct hv_node *read_sequence(struct reader *r, const yaml_event_t *start, unsigned depth) {
        struct hv_node *n = hv_node_new(r->arena, HV_NODE_SEQUENCE, hv_yaml_pos(r->file, &start->start_mark));
        yaml_event_t event;
        bool text = false;

        n->unreadable = !tag_is_fine(r, start->data.sequence_start.tag, start, &text);
        while (next_event(r, &event)) {
                bool end = event.type == YAML_SEQUENCE_END_EVENT;
                struct hv_node *item = NULL;

                if (!end)
                        item = read_node(r, &event, depth);
                else if (start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE)
                        end_at(n, &event.end_mark);
                yaml_event_delete(&event);
                if (end)
                        return n;
                if (item)
                        hv_node_append(r->arena, n, item);
        }
        return NULL;
}

/* Keys seen so far in one mapping: by looking, and by a map once there are many. */
struct keys {
        struct hv_map *map;
};

static const struct hv_node *key_seen(struct keys *keys, const struct hv_node *mapping, const char *key) {
        if (mapping->n < MANY_KEYS)
                return hv_node_key(mapping, key);
        if (!keys->map) {
                keys->map = hv_map_new(NULL);
                for (size_t i = 0; i < mapping->n; i++)
                        hv_map_put(keys->map, mapping->pairs[i].key->text, mapping->pairs[i].key);
        }
        return hv_map_get(keys->map, key);
}

static void add_pair(struct reader *r, struct keys *keys, struct hv_node *mapping, struct hv_node *key,
                     struct hv_node *value) {
        hv_node_add(r->arena, mapping, key, value);
        if (keys->map)
                hv_map_put(keys->map, key->text, key);
}

/* What `<<` brings in: keys of the mapping itself win, then those of the first of several merged ones. */
static void merge(struct reader *r, struct keys *keys, struct hv_node *mapping, struct hv_node *merged) {
        if (merged->type == HV_NODE_SEQUENCE) {
                for (size_t i = 0; i < merged->n; i++)
                        if (merged->items[i]->type == HV_NODE_MAPPING)
                                merge(r, keys, mapping, merged->items[i]);
                        else
                                hv_diag_error_pos(r->diags, merged->items[i]->at, 0, "E0005",
                                                  "<< takes mappings, found %s",
                                                  hv_node_describe(merged->items[i]));
                return;
        }
        if (merged->type != HV_NODE_MAPPING) {
                hv_diag_error_pos(r->diags, merged->at, 0, "E0005",
                                  "<< takes a mapping or a list of mappings, found %s",
                                  hv_node_describe(merged));
                return;
        }
        for (size_t i = 0; i < merged->n; i++)
                if (!key_seen(keys, mapping, merged->pairs[i].key->text))
                        add_pair(r, keys, mapping, merged->pairs[i].key, merged->pairs[i].value);
}

static bool key_is_fine(struct reader *r, struct keys *keys, const struct hv_node *mapping,
                        struct hv_node *key) {
        const struct hv_node *first;

        if (key->type == HV_NODE_SEQUENCE || key->type == HV_NODE_MAPPING) {
                hv_diag_error_pos(r->diags, key->at, 0, "E0005", "%s cannot be a key", hv_node_describe(key));
                return false;
        }
        first = key_seen(keys, mapping, key->text);
        if (first)
                hv_diag_error_pos(r->diags, key->at, key->end_line == key->at.line ? key->end_column : 0,
                                  "E0006", "key %s repeated; first at %s", hv_diag_quote(r->diags, key->text),
                                  hv_diag_where(r->diags, first, key));
        return !first;
}

static struct hv_node *read_mapping(struct reader *r, const yaml_event_t *start, unsigned depth) {
        struct hv_node *n = hv_node_new(r->arena, HV_NODE_MAPPING, hv_yaml_pos(r->file, &start->start_mark));
        struct hv_node *key = NULL, *merged = NULL;
        struct keys keys = {};
        yaml_event_t event;
        bool end = false, text = false;

        n->unreadable = !tag_is_fine(r, start->data.mapping_start.tag, start, &text);
        while (!end && next_event(r, &event)) {
                struct hv_node *child = NULL;

                end = event.type == YAML_MAPPING_END_EVENT;
                if (!end)
                        child = read_node(r, &event, depth);
                else if (start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE)
                        end_at(n, &event.end_mark);
                yaml_event_delete(&event);
                if (end)
                        break;
                if (!child) { /* an unknown alias: said already; nothing is paired with it */
                        child = hv_node_new(r->arena, HV_NODE_NULL, n->at);
                        child->text = "";
                        child->unreadable = true;
                }
                if (!key) {
                        key = child;
                        continue;
                }
                if (key->type == HV_NODE_SCALAR && !key->quoted && hv_streq(key->text, "<<") && !merged)
                        merged = child;
                else if (key_is_fine(r, &keys, n, key))
                        add_pair(r, &keys, n, key, child);
                if (n->n == 1 && n->end_line == n->at.line && n->end_column <= n->at.column + 1 &&
                    key->end_line == n->at.line)
                        n->end_column = HV_MAX(key->end_column, n->at.column + 1);
                key = NULL;
        }
        if (end && merged)
                merge(r, &keys, n, merged);
        (void) hv_map_free(keys.map);
        return end ? n : NULL;
}

/* The copy stands where the alias stands; each node of it also knows where it was written. */
static struct hv_node *copy(struct reader *r, const struct hv_node *n, const struct hv_node *alias,
                            unsigned depth) {
        struct hv_node *c;

        if (depth > HV_YAML_DEPTH_MAX)
                return fail_depth(r, alias->at);
        if (++r->n_alias_nodes > HV_YAML_ALIAS_NODES_MAX) {
                hv_diag_error_pos(r->diags, alias->at, alias->end_column, "E0003",
                                  "too large: aliases expand to more than %u nodes", HV_YAML_ALIAS_NODES_MAX);
                r->failed = true;
                return NULL;
        }
        c = hv_node_new(r->arena, n->type, alias->at);
        c->end_line = alias->end_line;
        c->end_column = alias->end_column;
        c->anchor = n->anchor.line ? n->anchor : n->at;
        c->quoted = n->quoted;
        c->unreadable = n->unreadable;
        c->text = n->text;
        for (size_t i = 0; i < n->n; i++)
                if (n->type == HV_NODE_SEQUENCE) {
                        struct hv_node *item = copy(r, n->items[i], alias, depth + 1);

                        if (!item)
                                return NULL;
                        hv_node_append(r->arena, c, item);
                } else {
                        struct hv_node *key = copy(r, n->pairs[i].key, alias, depth + 1);
                        struct hv_node *value = key ? copy(r, n->pairs[i].value, alias, depth + 1) : NULL;

                        if (!value)
                                return NULL;
                        hv_node_add(r->arena, c, key, value);
                }
        return c;
}

static struct hv_node *read_alias(struct reader *r, const yaml_event_t *event, unsigned depth) {
        const char *name = (const char *) event->data.alias.anchor;
        const struct anchor *anchor = hv_map_get(r->anchors, name);
        struct hv_node alias = { .at = hv_yaml_pos(r->file, &event->start_mark) };

        end_at(&alias, &event->end_mark);
        if (anchor && anchor->node)
                return copy(r, anchor->node, &alias, depth);
        hv_diag_error_pos(r->diags, alias.at, alias.end_column, "E0007",
                          anchor ? "alias %s stands inside its own anchor" : "unknown anchor %s",
                          hv_diag_quote(r->diags, name));
        return NULL;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event) {
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return event->data.scalar.anchor;
        case YAML_SEQUENCE_START_EVENT:
                return event->data.sequence_start.anchor;
        case YAML_MAPPING_START_EVENT:
                return event->data.mapping_start.anchor;
        default:
                return NULL;
        }
}

/* NULL: an alias to nothing, or the rest cannot be read (r->failed). */
static struct hv_node *read_node(struct reader *r, yaml_event_t *event, unsigned depth) {
        const yaml_char_t *name = anchor_of(event);
        struct anchor *anchor = NULL;
        struct hv_node *n = NULL;

        if (depth >= HV_YAML_DEPTH_MAX)
                return fail_depth(r, hv_yaml_pos(r->file, &event->start_mark));
        if (name) {
                anchor = HV_ARENA_NEW(r->arena, struct anchor);
                hv_map_put(r->anchors, (const char *) name, anchor);
        }
        if (event->type == YAML_ALIAS_EVENT)
                n = read_alias(r, event, depth);
        else if (event->type == YAML_SCALAR_EVENT)
                n = read_scalar(r, event);
        else if (event->type == YAML_SEQUENCE_START_EVENT)
                n = read_sequence(r, event, depth + 1);
        else if (event->type == YAML_MAPPING_START_EVENT)
                n = read_mapping(r, event, depth + 1);
        if (anchor)
                anchor->node = n;
        return n;
}

static void read_document(struct reader *r, const yaml_event_t *start, struct hv_node *documents) {
        struct hv_pos at = hv_yaml_pos(r->file, &start->start_mark);
        struct hv_node *root = NULL;
        yaml_event_t event;

        hv_map_clear(r->anchors);
        if (next_event(r, &event)) {
                root = read_node(r, &event, 0);
                yaml_event_delete(&event);
        }
        if (next_event(r, &event)) /* the document's end */
                yaml_event_delete(&event);
        if (r->failed || !root)
                return;
        if (root->type == HV_NODE_NULL) {
                hv_diag_warn_pos(r->diags, at, 0, "W001", "document is empty, ignored");
                return;
        }
        hv_node_append(r->arena, documents, root);
        root->parent = NULL; /* paths begin at the document */
}

void hv_yaml_read(struct hv_arena *a, struct hv_diags *d, unsigned file, const char *text, size_t len,
                  struct hv_node *documents) {
        struct reader r = { .arena = a, .diags = d, .file = file, .text = text, .len = len };
        bool any = false, end = false;
        yaml_event_t event;

        if (!hv_yaml_text_is_clean(d, file, text, len))
                return;
        if (!yaml_parser_initialize(&r.parser))
                hv_out_of_memory(sizeof r.parser);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *) text, len);
        r.anchors = hv_map_new(NULL);
        while (!end && next_event(&r, &event)) {
                end = event.type == YAML_STREAM_END_EVENT;
                if (event.type == YAML_DOCUMENT_START_EVENT) {
                        any = true;
                        read_document(&r, &event, documents);
                }
                yaml_event_delete(&event);
        }
        if (!any && !r.failed)
                hv_diag_warn_pos(d, (struct hv_pos){ file, 1, 1 }, 0, "W001", "document is empty, ignored");
        (void) hv_map_free(r.anchors);
        yaml_parser_delete(&r.parser);
}

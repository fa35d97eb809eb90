#include "cli/convert_part.h"

struct hv_part hv_part_of(struct hv_convert *c, const struct hv_node *map, const char *path) {
        bool is_map = map && map->type == HV_NODE_MAPPING;

        if (map && !is_map && map->type != HV_NODE_NULL)
                hv_convert_note(c, map->at.line, "%s is %s, expected a mapping: left out", path,
                                hv_node_describe(map));
        return (struct hv_part){ .c = c,
                                 .map = is_map ? map : NULL,
                                 .path = path,
                                 .taken = HV_ARENA_NEW_N(c->arena, bool, is_map ? map->n + 1 : 1) };
}

const struct hv_node *hv_part_take(struct hv_part *p, const char *key) {
        for (size_t i = 0; p->map && i < p->map->n; i++) {
                if (hv_streq(p->map->pairs[i].key->text, key)) {
                        p->taken[i] = true;
                        return p->map->pairs[i].value->type == HV_NODE_NULL ? NULL : p->map->pairs[i].value;
                }
        }
        return NULL;
}

const char *hv_part_path(const struct hv_part *p, const char *key) {
        return *p->path ? hv_arena_printf(p->c->arena, "%s.%s", p->path, key) : key;
}

const char *hv_part_item(const struct hv_part *p, const char *key, size_t i) {
        return hv_arena_printf(p->c->arena, "%s[%zu]", hv_part_path(p, key), i);
}

unsigned hv_part_line(const struct hv_part *p) {
        return p->map ? p->map->at.line : 0;
}

struct hv_part hv_part_below(struct hv_part *p, const char *key) {
        return hv_part_of(p->c, hv_part_take(p, key), hv_part_path(p, key));
}

static const struct hv_node *take_typed(struct hv_part *p, const char *key, enum hv_node_type type,
                                        const char *expected) {
        const struct hv_node *n = hv_part_take(p, key);

        if (!n || n->type == type)
                return n;
        hv_convert_note(p->c, n->at.line, "%s is %s, expected %s: left out", hv_part_path(p, key),
                        hv_node_describe(n), expected);
        return NULL;
}

const char *hv_part_text(struct hv_part *p, const char *key) {
        const struct hv_node *n = take_typed(p, key, HV_NODE_SCALAR, "text");

        return n ? n->text : NULL;
}

const struct hv_node *hv_part_list(struct hv_part *p, const char *key) {
        return take_typed(p, key, HV_NODE_SEQUENCE, "a list");
}

void hv_part_tell_rest(const struct hv_part *p) {
        for (size_t i = 0; p->map && i < p->map->n; i++)
                if (!p->taken[i])
                        hv_convert_note(p->c, p->map->pairs[i].key->at.line, "%s is not carried over",
                                        hv_part_path(p, p->map->pairs[i].key->text));
}

/* cli/convert_part.h - mappings whose keys are asked for one by one; the rest is told.
 *
 * Owner    The parts and what they give live in the arena of the conversion and in the tree that they were made of.
 */
#pragma once

#include "cli/convert.h"
#include "spec/node.h"

struct hv_part {
        struct hv_convert *c;
        const struct hv_node *map; /* NULL: there is none */
        const char *path;          /* "spec.containers[0]" */
        bool *taken;
};

/* map may be NULL. What is no mapping is told, and left out. */
struct hv_part hv_part_of(struct hv_convert *c, const struct hv_node *map, const char *path);

/* Each marks the key as asked for. NULL: there is none, or nothing after the colon; and, told, what is no text, no list. */
const struct hv_node *hv_part_take(struct hv_part *p, const char *key);
struct hv_part hv_part_below(struct hv_part *p, const char *key);
const char *hv_part_text(struct hv_part *p, const char *key);
const struct hv_node *hv_part_list(struct hv_part *p, const char *key);

/* "spec.replicas", "spec.containers[0]" */
const char *hv_part_path(const struct hv_part *p, const char *key);
const char *hv_part_item(const struct hv_part *p, const char *key, size_t i);
/* Of the mapping itself; 0 where there is none. */
unsigned hv_part_line(const struct hv_part *p);

/* "PATH is not carried over" for each key that was not asked for. */
void hv_part_tell_rest(const struct hv_part *p);

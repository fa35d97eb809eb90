/* spec/node.h - a document as a tree that remembers where every value was written.
 *
 * Model    The YAML reader (spec/yaml.h) builds it, decoding (spec/schema.h) and the checks read it, messages
 *          take their position and their path from it. Aliases are expanded and merges (`<<`) done, so a node
 *          has exactly one parent, and its path is found by walking up.
 * Units    Lines and columns are 1-based, columns count characters, a tab counts 1; line 0 means "not in a
 *          file" (a value from the environment or the command line).
 * Owner    An arena; nothing is freed one by one.
 */
#pragma once

#include "base/macros.h"

struct hv_arena;

enum hv_node_type {
        HV_NODE_NULL, /* nothing after the colon, `~` or plain `null` */
        HV_NODE_SCALAR,
        HV_NODE_SEQUENCE,
        HV_NODE_MAPPING,
};

struct hv_pos {
        unsigned file; /* index into the files of the set (hv_diags_file()) */
        unsigned line, column;
};

struct hv_node_pair {
        struct hv_node *key, *value; /* the key is always a scalar */
};

struct hv_node {
        enum hv_node_type type;
        bool quoted;                   /* scalar in quotes or a block: it is text, whatever it looks like */
        struct hv_pos at;              /* first character; of a value that came through an alias: the alias */
        unsigned end_line, end_column; /* one after the last character; of a block: of its first line */
        struct hv_pos anchor;          /* line 0, or where the value stands that an alias brought here */
        bool unreadable;  /* what stands here was complained about already: nobody looks at it again */
        const char *from; /* NULL, or what the value came from: "$NODE_ID", "--node-id" */

        const char *text;           /* scalar: its value, terminated; holds no NUL */
        struct hv_node **items;     /* sequence */
        struct hv_node_pair *pairs; /* mapping, in the order written; keys are unique */
        size_t n;                   /* of items or pairs */

        const struct hv_node *parent; /* NULL: root of a document */
        const struct hv_node *key;    /* value in a mapping: its key */
        size_t index;                 /* place in the parent */
};

/* Value of a key, or NULL; also NULL when `n` is NULL or no mapping. */
struct hv_node *hv_node_get(const struct hv_node *n, const char *key);

/* The key itself, for messages that point at the name of a field. */
const struct hv_node *hv_node_key(const struct hv_node *n, const char *key);

/* Walks "ports[0].host" from `n`; NULL when absent. A key with dots or brackets is not reached this way. */
struct hv_node *hv_node_at(const struct hv_node *n, const char *path);

/* The same, and where the path ends early the last node on the way: the place to point at for what is
 * missing. */
const struct hv_node *hv_node_nearest(const struct hv_node *n, const char *path);

/* "spec.services[1].ports[0].host"; "" for a root. Long keys are cut. In `a`. */
const char *hv_node_path(const struct hv_node *n, struct hv_arena *a);

/* "a list", "a mapping", "text", "nothing", "a number", "true or false": for "expected X, found Y". */
const char *hv_node_describe(const struct hv_node *n);

/* Builders, for the reader and for what comes from the environment. add: the key is known to be new; put: the
 * value takes the place of an older one. */
struct hv_node *hv_node_new(struct hv_arena *a, enum hv_node_type type, struct hv_pos at);
struct hv_node *hv_node_new_text(struct hv_arena *a, const char *text, const char *from);
void hv_node_append(struct hv_arena *a, struct hv_node *sequence, struct hv_node *item);
void hv_node_add(struct hv_arena *a, struct hv_node *mapping, struct hv_node *key, struct hv_node *value);
void hv_node_put(struct hv_arena *a, struct hv_node *mapping, struct hv_node *key, struct hv_node *value);

/* The whole tree, texts included, in another arena. */
struct hv_node *hv_node_copy(const struct hv_node *n, struct hv_arena *a);

/* The tree as JSON on one line, which is YAML too: read again it gives the same tree. A plain number (with at most 15
 * digits, so that any reader of JSON keeps it exactly) and plain true, false stand as they are, with every digit that was
 * written; all other scalars in quotes. */
struct hv_buf;
void hv_node_write_json(const struct hv_node *n, struct hv_buf *b);

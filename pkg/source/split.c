/* source/split.c - see split.h. */
#include "source/split.h"

#include <ctype.h>

#include "base/arena.h"
#include "spec/yaml.h"

static bool starts_document(const char *line, size_t len) {
        return len >= 3 && strncmp(line, "---", 3) == 0 && (len == 3 || isspace((unsigned char) line[3]));
}

static bool ends_document(const char *line, size_t len) {
        return len >= 3 && strncmp(line, "...", 3) == 0 && (len == 3 || isspace((unsigned char) line[3]));
}

static size_t line_length(const char *at, const char *end) {
        const char *lf = memchr(at, '\n', (size_t) (end - at));

        return lf ? (size_t) (lf - at) + 1 : (size_t) (end - at);
}

/* Reads one piece to see what it is. Its faults are not told here: the whole text is judged by the loader. */
static void add(struct hv_pieces *pieces, const char *text, size_t len) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        unsigned file = hv_diags_add_file(diags, "", text, len);
        struct hv_node *documents = hv_node_new(arena, HV_NODE_SEQUENCE, (struct hv_pos){ .file = file });
        const struct hv_node *kind, *name;
        struct hv_piece *p;

        hv_yaml_read(arena, diags, file, text, len, documents);
        if (documents->n == 0 && hv_diags_errors(diags) == 0)
                return;
        kind = documents->n > 0 ? hv_node_get(documents->items[0], "kind") : NULL;
        name = documents->n > 0 ? hv_node_get(hv_node_get(documents->items[0], "metadata"), "name") : NULL;
        p = hv_vec_add(pieces);
        *p = (struct hv_piece){ .text = text, .len = len };
        if (kind && kind->type == HV_NODE_SCALAR)
                for (enum hv_kind k = HV_KIND_NODESTATE; k < HV_N_KINDS; k++)
                        if (hv_streq(kind->text, hv_kind_name(k)))
                                p->kind = k;
        if (name && name->type == HV_NODE_SCALAR)
                p->name = hv_strdup(name->text);
}

void hv_split(const char *text, size_t len, struct hv_pieces *ret) {
        const char *end = text + len, *begin = text;

        *ret = (struct hv_pieces){};
        for (const char *at = text; at < end;) {
                size_t n = line_length(at, end);
                bool ends = ends_document(at, n);

                if (at > begin && starts_document(at, n)) {
                        add(ret, begin, (size_t) (at - begin));
                        begin = at;
                }
                at += n;
                if (ends) { /* what follows needs no "---" */
                        add(ret, begin, (size_t) (at - begin));
                        begin = at;
                }
        }
        if (begin < end)
                add(ret, begin, (size_t) (end - begin));
}

void hv_pieces_done(struct hv_pieces *p) {
        for (size_t i = 0; i < p->n; i++)
                free(p->v[i].name);
        hv_vec_done(p);
}

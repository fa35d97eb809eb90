/* spec/revision.c - the typed tree in a canonical form, by its schema; see digest.h.
 *
 * Only what differs from the default is written down: saying a default changes nothing, a field that a later
 * version adds changes no revision, and a service of ten lines is hashed as ten lines. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "spec/digest.h"
#include "spec/schema_internal.h"
#include "spec/value_image.h"
#include "spec/value_process.h"

struct any_list { /* what every HV_SPEC_LIST() looks like in memory */
        const char *v;
        size_t n;
};

struct hash {
        unsigned char bytes[HV_SHA256_SIZE];
};

struct canon {
        struct hv_arena *arena;
        struct hv_map *defaults; /* name of a schema -> its struct, decoded from nothing */
        struct hv_diags *diags;
};

static void put_struct(struct canon *c, const struct hv_schema *s, const void *object, struct hv_buf *b);

static void put_number(struct hv_buf *b, uint64_t n) {
        unsigned char bytes[8];

        for (unsigned i = 0; i < 8; i++)
                bytes[i] = (unsigned char) (n >> (8 * i));
        hv_buf_add(b, bytes, sizeof bytes);
}

static void put_text(struct hv_buf *b, const char *s) {
        put_number(b, s ? strlen(s) + 1 : 0);
        if (s)
                hv_buf_puts(b, s);
}

/* Two ways of writing one thing are one text: "nginx" and "docker.io/library/nginx:latest". */
static const char *normal(struct canon *c, enum hv_format format, const char *text) {
        struct hv_image_ref image;
        const char *known = text;

        if (text && format == HV_FORMAT_IMAGE && hv_value_image(text, c->arena, &image, NULL) == 0)
                return image.full;
        if (text && format == HV_FORMAT_SIGNAL)
                (void) hv_value_signal(text, &known, NULL);
        if (text && format == HV_FORMAT_CAPABILITY)
                (void) hv_value_capability(text, &known, NULL);
        return known;
}

static int compare_hashes(const void *a, const void *b) {
        return memcmp(a, b, sizeof(struct hash));
}

/* Mappings in a list are a set: the order of ports or variables means nothing. */
static void put_structs(struct canon *c, const struct hv_field *f, const struct any_list *list,
                        struct hv_buf *b) {
        _hv_cleanup_(hv_buf_done) struct hv_buf one = {};
        struct hash *hashes = HV_ARENA_NEW_N(c->arena, struct hash, list->n);

        for (size_t i = 0; i < list->n; i++) {
                struct hv_sha256 h;

                hv_buf_clear(&one);
                put_struct(c, f->schema, list->v + i * f->schema->size, &one);
                hv_sha256_init(&h);
                hv_sha256_add(&h, one.data, one.len);
                hv_sha256_finish(&h, hashes[i].bytes);
        }
        if (list->n)
                qsort(hashes, list->n, sizeof *hashes, compare_hashes);
        hv_buf_add(b, hashes, list->n * sizeof *hashes);
}

static void put_list(struct canon *c, const struct hv_field *f, const struct any_list *list,
                     struct hv_buf *b) {
        put_number(b, list->v ? list->n + 1 : 0); /* an empty list is not the same as none */
        if (f->item == HV_FIELD_STRUCT) {
                put_structs(c, f, list, b);
                return;
        }
        for (size_t i = 0; i < list->n; i++)
                if (f->item == HV_FIELD_ENUM)
                        put_number(b, (uint64_t) ((const int *) list->v)[i]);
                else if (f->item == HV_FIELD_INT)
                        put_number(b, (uint64_t) ((const int64_t *) list->v)[i]);
                else
                        put_text(b, normal(c, f->format, ((const char *const *) list->v)[i]));
}

static void put_pairs(const struct hv_pairs *p, struct hv_buf *b) {
        put_number(b, p->n);
        for (size_t i = 0; i < p->n; i++) {
                put_text(b, p->v[i].name);
                put_text(b, p->v[i].value);
        }
}

/* As it was written, with the order of its keys. */
static void put_any(const struct hv_node *n, struct hv_buf *b) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        if (n)
                hv_node_write_json(n, &text);
        put_text(b, n ? hv_buf_str(&text) : NULL);
}

static void put_value(struct canon *c, const struct hv_field *f, const void *member, struct hv_buf *b) {
        switch (f->type) {
        case HV_FIELD_TEXT:
                put_text(b, normal(c, f->format, *(const char *const *) member));
                break;
        case HV_FIELD_BOOL:
                put_number(b, *(const bool *) member);
                break;
        case HV_FIELD_ENUM:
                put_number(b, (uint64_t) * (const int *) member);
                break;
        case HV_FIELD_LIST:
        case HV_FIELD_WORDS:
                put_list(c, f, member, b);
                break;
        case HV_FIELD_MAP:
                put_pairs(member, b);
                break;
        case HV_FIELD_ANY:
                put_any(*(const struct hv_node *const *) member, b);
                break;
        case HV_FIELD_STRUCT:
        case HV_FIELD_REFUSED:
                break;
        default:
                put_number(b, *(const uint64_t *) member);
                break;
        }
}

static const char *defaults_of(struct canon *c, const struct hv_schema *s) {
        char *object = hv_map_get(c->defaults, s->name);

        if (!object) {
                object = hv_arena_alloc(c->arena, s->size);
                hv_schema_decode(s, NULL, c->arena, c->diags, object);
                hv_map_put(c->defaults, s->name, object);
        }
        return object;
}

static void cut(struct hv_buf *b, size_t len) {
        b->len = len;
        if (b->data)
                b->data[len] = '\0';
}

/* Name and value, or nothing where the value is the default: both are written, compared, and cut away again.
 */
static void put_field(struct canon *c, const struct hv_schema *s, const struct hv_field *f,
                      const void *object, struct hv_buf *b) {
        const char *member = (const char *) object + f->offset;
        size_t start = b->len, value, end;

        put_text(b, f->name);
        value = b->len;
        if (f->type == HV_FIELD_STRUCT) {
                if (f->is_switch && *(const void *const *) member)
                        put_text(b, "there");
                put_struct(c, f->schema, member, b);
                if (b->len == value)
                        cut(b, start);
                else
                        put_text(b, NULL); /* end of the mapping */
                return;
        }
        put_value(c, f, member, b);
        end = b->len;
        put_value(c, f, defaults_of(c, s) + f->offset, b);
        cut(b, b->len - end == end - value && memcmp(b->data + value, b->data + end, end - value) == 0 ? start
                                                                                                       : end);
}

static void put_struct(struct canon *c, const struct hv_schema *s, const void *object, struct hv_buf *b) {
        for (size_t i = 0; i < s->n_fields; i++)
                if (s->fields[i].type != HV_FIELD_REFUSED)
                        put_field(c, s, &s->fields[i], object, b);
}

void hv_tree_revision(const struct hv_spec_tree *t, char ret_hex[HV_SHA256_HEX_SIZE]) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_map_freep) struct hv_map *defaults = hv_map_new(NULL);
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct canon c = { arena, defaults, diags };
        struct hv_spec_state written = t->state;

        /* What a VPN service gave is not what was written: joining makes no new revision. */
        written.wireguard.v = t->declared.v;
        put_text(&b, "revision 1");
        put_text(&b, t->node_id);
        put_struct(&c, &hv_schema_state, &written, &b);
        hv_sha256_hex(b.data, b.len, ret_hex);
}

void hv_spec_task_digest(const struct hv_spec_task *t, char ret_hex[HV_SHA256_HEX_SIZE]) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_map_freep) struct hv_map *defaults = hv_map_new(NULL);
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct canon c = { arena, defaults, diags };
        struct hv_spec_task work = *t;

        work.o.annotations = (struct hv_pairs){};
        put_text(&b, "task 1");
        put_struct(&c, &hv_schema_task, &work, &b);
        hv_sha256_hex(b.data, b.len, ret_hex);
}

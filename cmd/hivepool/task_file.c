/* hivepool/task_file.c - see task_file.h. */
#include "task_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "spec/diag.h"
#include "spec/yaml.h"

#define FILE_MAX_BYTES HV_YAML_SIZE_MAX

struct reading {
        struct hv_arena *arena;
        const char *path;
        struct hv_err *err;
};

static int wrong(struct reading *r, const struct hv_node *at, const char *expected) {
        const char *path = hv_node_path(at, r->arena);

        return hv_err_set(r->err, -EINVAL, "%s:%u: %s%sexpected %s, found %s", r->path, at->at.line, path,
                          *path ? ": " : "", expected, hv_node_describe(at));
}

/* --- values --- */

static int read_int(struct reading *r, const struct hv_node *n, int64_t min, int64_t max, int64_t *ret) {
        char *end;

        errno = 0;
        *ret = n->type == HV_NODE_SCALAR && !n->quoted ? strtoll(n->text, &end, 10) : 0;
        if (n->type != HV_NODE_SCALAR || n->quoted || end == n->text || *end || errno || *ret < min ||
            *ret > max)
                return wrong(r, n, "a whole number");
        return 0;
}

static int read_real(struct reading *r, const struct hv_node *n, double *ret) {
        char *end = NULL;

        *ret = n->type == HV_NODE_SCALAR && !n->quoted ? strtod(n->text, &end) : 0;
        return !end || end == n->text || *end ? wrong(r, n, "a number") : 0;
}

static int read_bool(struct reading *r, const struct hv_node *n, protobuf_c_boolean *ret) {
        if (n->type != HV_NODE_SCALAR || n->quoted ||
            (!hv_streq(n->text, "true") && !hv_streq(n->text, "false")))
                return wrong(r, n, "true or false");
        *ret = hv_streq(n->text, "true");
        return 0;
}

static int read_message(struct reading *r, const struct hv_node *n, const ProtobufCMessageDescriptor *d,
                        void *m);

/* One value at `at`, of a type that the proto uses. */
static int read_value(struct reading *r, const struct hv_node *n, const ProtobufCFieldDescriptor *f,
                      void *at) {
        ProtobufCBinaryData *bytes = at;
        int64_t number = 0;
        int e;

        switch (f->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_BYTES:
                if (n->type != HV_NODE_SCALAR)
                        return wrong(r, n, "text");
                if (f->type == PROTOBUF_C_TYPE_STRING)
                        *(const char **) at = n->text;
                else
                        *bytes = (ProtobufCBinaryData){ .data = (uint8_t *) n->text, .len = strlen(n->text) };
                return 0;
        case PROTOBUF_C_TYPE_DOUBLE:
                return read_real(r, n, at);
        case PROTOBUF_C_TYPE_BOOL:
                return read_bool(r, n, at);
        case PROTOBUF_C_TYPE_INT32:
                e = read_int(r, n, INT32_MIN, INT32_MAX, &number);
                *(int32_t *) at = (int32_t) number;
                return e;
        case PROTOBUF_C_TYPE_UINT32:
                e = read_int(r, n, 0, UINT32_MAX, &number);
                *(uint32_t *) at = (uint32_t) number;
                return e;
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_UINT64:
                return read_int(r, n, f->type == PROTOBUF_C_TYPE_UINT64 ? 0 : INT64_MIN, INT64_MAX, at);
        case PROTOBUF_C_TYPE_MESSAGE: {
                void *m = hv_arena_alloc(
                        r->arena, ((const ProtobufCMessageDescriptor *) f->descriptor)->sizeof_message);

                ((const ProtobufCMessageDescriptor *) f->descriptor)->message_init(m);
                *(void **) at = m;
                return read_message(r, n, f->descriptor, m);
        }
        default:
                return wrong(r, n, "another field");
        }
}

/* --- lists and maps --- */

static bool is_map(const ProtobufCFieldDescriptor *f) {
        const ProtobufCMessageDescriptor *d = f->descriptor;

        return f->type == PROTOBUF_C_TYPE_MESSAGE && d->n_fields == 2 && hv_streq(d->fields[0].name, "key") &&
               hv_streq(d->fields[1].name, "value");
}

static int read_entry(struct reading *r, const struct hv_node_pair *pair, const ProtobufCFieldDescriptor *f,
                      void *at) {
        const ProtobufCMessageDescriptor *d = f->descriptor;
        char *m = hv_arena_alloc(r->arena, d->sizeof_message);

        d->message_init((ProtobufCMessage *) m);
        *(void **) at = m;
        *(const char **) (m + d->fields[0].offset) = pair->key->text;
        return read_value(r, pair->value, &d->fields[1], m + d->fields[1].offset);
}

static int read_repeated(struct reading *r, const struct hv_node *n, const ProtobufCFieldDescriptor *f,
                         char *m) {
        bool map = is_map(f);
        size_t size = sizeof(void *); /* of strings, messages: the proto has no other lists */
        char *list;

        if (n->type == HV_NODE_NULL)
                return 0;
        if (n->type != (map ? HV_NODE_MAPPING : HV_NODE_SEQUENCE))
                return wrong(r, n, map ? "a mapping" : "a list");
        list = hv_arena_alloc(r->arena, (n->n + 1) * size);
        for (size_t i = 0; i < n->n; i++) {
                int e = map ? read_entry(r, &n->pairs[i], f, list + i * size)
                            : read_value(r, n->items[i], f, list + i * size);

                if (e < 0)
                        return e;
        }
        *(size_t *) (m + f->quantifier_offset) = n->n;
        *(void **) (m + f->offset) = list;
        return 0;
}

/* --- messages --- */

static int no_such_field(struct reading *r, const struct hv_node *key, const ProtobufCMessageDescriptor *d) {
        struct hv_suggestion near = { .text = key->text };
        char quoted[HV_TEXT_QUOTE_SIZE];

        for (unsigned i = 0; i < d->n_fields; i++)
                hv_suggestion_add(&near, d->fields[i].name);
        return hv_err_set(r->err, -EINVAL, "%s:%u: there is no field %s%s%s%s", r->path, key->at.line,
                          hv_text_quote(key->text, quoted), near.best ? "; did you mean " : "",
                          near.best ? near.best : "", near.best ? "?" : "");
}

static int read_message(struct reading *r, const struct hv_node *n, const ProtobufCMessageDescriptor *d,
                        void *m) {
        if (n->type != HV_NODE_MAPPING)
                return wrong(r, n, "a mapping");
        for (size_t i = 0; i < n->n; i++) {
                const struct hv_node *key = n->pairs[i].key;
                const ProtobufCFieldDescriptor *f =
                        protobuf_c_message_descriptor_get_field_by_name(d, key->text);
                int e;

                if (!f)
                        return no_such_field(r, key, d);
                e = f->label == PROTOBUF_C_LABEL_REPEATED
                            ? read_repeated(r, n->pairs[i].value, f, m)
                            : read_value(r, n->pairs[i].value, f, (char *) m + f->offset);
                if (e < 0)
                        return e;
                if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
                        *(uint32_t *) ((char *) m + f->quantifier_offset) = f->id;
        }
        return 0;
}

/* --- the file --- */

static int read_text(const char *path, struct hv_buf *ret, struct hv_err *err) {
        bool is_stdin = hv_streq(path, "-");
        _hv_cleanup_(hv_fd_closep) int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
        char piece[16384];
        ssize_t n;

        if (fd < 0)
                return hv_err_errno(err, -errno, "%s: cannot open it", path);
        while ((n = read(fd, piece, sizeof piece)) > 0) {
                hv_buf_add(ret, piece, (size_t) n);
                if (ret->len > FILE_MAX_BYTES)
                        return hv_err_set(err, -EFBIG, "%s: expected at most %u bytes", path, FILE_MAX_BYTES);
        }
        return n < 0 ? hv_err_errno(err, -errno, "%s: cannot read it", path) : 0;
}

static int read_document(struct reading *r, struct hv_diags *diags, const struct hv_buf *text,
                         struct hv_node **ret) {
        struct hv_node *documents = hv_node_new(r->arena, HV_NODE_SEQUENCE, (struct hv_pos){});
        unsigned file = hv_diags_add_file(diags, r->path, hv_buf_str(text), text->len);
        size_t n = 0;
        const struct hv_diag *found;

        hv_yaml_read(r->arena, diags, file, hv_buf_str(text), text->len, documents);
        hv_diags_sort(diags);
        found = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (found[i].severity == HV_SEVERITY_ERROR)
                        return hv_err_set(r->err, -EINVAL, "%s:%u:%u: %s", r->path, found[i].line,
                                          found[i].column, found[i].message);
        if (documents->n != 1)
                return hv_err_set(r->err, -EINVAL, "%s: expected one task, found %zu documents", r->path,
                                  documents->n);
        *ret = documents->items[0];
        return 0;
}

/* Names to paths; paths are from the folder of the file. */
static int read_inputs(struct reading *r, const struct hv_node *n, struct task_file *ret) {
        const char *slash = strrchr(r->path, '/');
        struct task_input *inputs;

        if (n->type != HV_NODE_MAPPING)
                return wrong(r, n, "a mapping of names to files");
        inputs = HV_ARENA_NEW_N(r->arena, struct task_input, n->n + 1);
        for (size_t i = 0; i < n->n; i++) {
                const struct hv_node *value = n->pairs[i].value;

                if (value->type != HV_NODE_SCALAR)
                        return wrong(r, value, "the path of a file");
                inputs[i].name = n->pairs[i].key->text;
                inputs[i].path = *value->text == '/' || !slash
                                         ? value->text
                                         : hv_arena_printf(r->arena, "%.*s/%s", (int) (slash - r->path),
                                                           r->path, value->text);
        }
        ret->inputs = inputs;
        ret->n_inputs = n->n;
        return 0;
}

/* Everything but input_files, which are paths here. */
static struct hv_node *without_inputs(struct hv_arena *arena, const struct hv_node *root) {
        struct hv_node *copy = hv_node_new(arena, HV_NODE_MAPPING, root->at);

        for (size_t i = 0; i < root->n; i++)
                if (!hv_streq(root->pairs[i].key->text, "input_files"))
                        hv_node_add(arena, copy, root->pairs[i].key, root->pairs[i].value);
        return copy;
}

int task_file_read(const char *path, struct hv_arena *arena, struct task_file *ret, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        struct reading r = { .arena = arena, .path = path, .err = err };
        struct hv_node *root = NULL;
        int e;

        *ret = (struct task_file){ .task = HV_ARENA_NEW(arena, V1__Task) };
        v1__task__init(ret->task);
        e = read_text(path, &text, err);
        if (e >= 0)
                e = read_document(&r, diags, &text, &root);
        if (e >= 0 && root->type != HV_NODE_MAPPING)
                e = wrong(&r, root, "a mapping");
        if (e >= 0 && hv_node_get(root, "input_files"))
                e = read_inputs(&r, hv_node_get(root, "input_files"), ret);
        return e < 0 ? e : read_message(&r, without_inputs(arena, root), &v1__task__descriptor, ret->task);
}

/* pool/wire.c - see wire.h. */
#include "pool/wire.h"

#include <errno.h>
#include <protobuf-c/protobuf-c.h>

#include "base/alloc.h"
#include "base/text.h"

#define MAX_NESTING 8 /* our protos have three levels */

static int read_varint(const unsigned char **p, const unsigned char *end, uint64_t *ret) {
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 70 && *p < end; shift += 7) {
                unsigned char c = *(*p)++;

                if (shift == 63 && c > 1)
                        return -EBADMSG;
                value |= (uint64_t) (c & 0x7f) << shift;
                if (!(c & 0x80)) {
                        *ret = value;
                        return 0;
                }
        }
        return -EBADMSG;
}

int hv_wire_next(const unsigned char **p, const unsigned char *end, struct hv_wire_field *ret) {
        struct hv_wire_field f = {};
        uint64_t tag, len = 0;

        if (*p == end)
                return 0;
        if (read_varint(p, end, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
                return -EBADMSG;
        f.number = (unsigned) (tag >> 3);
        f.type = tag & 7;
        switch (f.type) {
        case 0:
                if (read_varint(p, end, &f.value) < 0)
                        return -EBADMSG;
                break;
        case 1:
                len = 8;
                break;
        case 2:
                if (read_varint(p, end, &len) < 0)
                        return -EBADMSG;
                break;
        case 5:
                len = 4;
                break;
        default:
                return -EBADMSG;
        }
        if (len > (uint64_t) (end - *p))
                return -EBADMSG;
        f.data = *p;
        f.len = (size_t) len;
        *p += len;
        *ret = f;
        return 1;
}

static int check(const ProtobufCMessageDescriptor *d, const unsigned char *data, size_t len, unsigned depth,
                 struct hv_err *err);

static int check_text(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *field,
                      const struct hv_wire_field *f, struct hv_err *err) {
        if (f->len && memchr(f->data, 0, f->len))
                return hv_err_set(err, -EBADMSG, "field %s of %s holds a NUL", field->name, d->short_name);
        if (!hv_utf8_is_valid((const char *) f->data, f->len, NULL))
                return hv_err_set(err, -EBADMSG, "field %s of %s is not valid UTF-8", field->name,
                                  d->short_name);
        return 0;
}

static int check_field(const ProtobufCMessageDescriptor *d, const struct hv_wire_field *f, unsigned *counts,
                       unsigned depth, struct hv_err *err) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(d, f->number);

        if (!field) /* of a newer pool */
                return 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED && ++counts[field - d->fields] > HV_WIRE_MAX_ELEMENTS)
                return hv_err_set(err, -EBADMSG, "field %s of %s has more than %d elements", field->name,
                                  d->short_name, HV_WIRE_MAX_ELEMENTS);
        if (field->type == PROTOBUF_C_TYPE_STRING && f->type == 2)
                return check_text(d, field, f, err);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && f->type == 2)
                return check(field->descriptor, f->data, f->len, depth + 1, err);
        return 0;
}

static int check(const ProtobufCMessageDescriptor *d, const unsigned char *data, size_t len, unsigned depth,
                 struct hv_err *err) {
        unsigned counts[64] = {};
        const unsigned char *p = data, *end = data + len;
        struct hv_wire_field f;
        int r;

        if (depth > MAX_NESTING || d->n_fields > HV_ARRAY_SIZE(counts))
                return hv_err_set(err, -EBADMSG, "%s is nested too deep", d->short_name);
        while ((r = hv_wire_next(&p, end, &f)) > 0) {
                r = check_field(d, &f, counts, depth, err);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return hv_err_set(err, r, "%s is cut or not a message", d->short_name);
        return 0;
}

int hv_wire_check(const ProtobufCMessageDescriptor *d, const void *data, size_t len, struct hv_err *err) {
        return len ? check(d, data, len, 0, err) : 0;
}

/* --- protobuf-c on an arena --- */

static void *arena_alloc(void *arena, size_t size) {
        return hv_arena_alloc(arena, size ? size : 1);
}

static void arena_free(void *arena, void *p) {
        (void) arena;
        (void) p;
}

int hv_wire_unpack(const ProtobufCMessageDescriptor *d, const void *data, size_t len, struct hv_arena *arena,
                   void *ret, struct hv_err *err) {
        ProtobufCAllocator allocator = { .alloc = arena_alloc, .free = arena_free, .allocator_data = arena };
        ProtobufCMessage *m;
        int r;

        r = hv_wire_check(d, data, len, err);
        if (r < 0)
                return r;
        m = protobuf_c_message_unpack(d, &allocator, len, data);
        if (!m)
                return hv_err_set(err, -EBADMSG, "%s is not a message of this kind", d->short_name);
        *(ProtobufCMessage **) ret = m;
        return 0;
}

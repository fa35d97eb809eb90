/* pool/wire.h - bytes of a message, looked at before anything is made of them.
 *
 * Why      protobuf-c takes what it is given: texts that are no UTF-8, texts with a NUL in them (of which C then sees the
 *          beginning only), a million elements of a list. And it takes a message whole, which for a list of 50,000 tasks is more
 *          than one turn of the loop. So the top level of such a list is walked here, entry by entry, and every entry is
 *          checked against its descriptor before protobuf-c sees it.
 * Source   protobuf.dev/programming-guides/encoding. Groups (wire types 3 and 4) are refused: no proto of ours has any.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct ProtobufCMessageDescriptor;

struct hv_wire_field {
        unsigned number;
        unsigned type;             /* wire type: 0 a number, 1 eight bytes, 2 bytes, 5 four bytes */
        uint64_t value;            /* of type 0 */
        const unsigned char *data; /* of type 2 */
        size_t len;
};

/* The next field at *p, which moves behind it. 1; 0 at the end; -EBADMSG, cut or not of this form. */
int hv_wire_next(const unsigned char **p, const unsigned char *end, struct hv_wire_field *ret);

#define HV_WIRE_MAX_ELEMENTS 10000 /* of one list or map */

/* -EBADMSG with the field's name: not well-formed, text that is no UTF-8 or holds a NUL, a list of too many elements. Messages in
 * messages are looked into. */
int hv_wire_check(const struct ProtobufCMessageDescriptor *d, const void *data, size_t len,
                  struct hv_err *err);

/* Checks, and makes the message in the arena: it is not freed for itself. Texts and bytes are copies. */
int hv_wire_unpack(const struct ProtobufCMessageDescriptor *d, const void *data, size_t len,
                   struct hv_arena *arena, void *ret,
                   struct hv_err *err); /* ret: a pointer to a pointer to the message */

/* rpc/large_field.h - a message of which one field is very large: where that lies, and all the rest of it.
 *
 *      message --> rest (small: may be unpacked)
 *             '--> at, len (of the field's content, which stays where gRPC has put it)
 *
 * Why      An unpacked message would hold a second copy of the field.
 * Source   protobuf.dev/programming-guides/encoding: records of a tag and a content; of a field that comes twice the last one counts.
 */
#pragma once

#include "base/buf.h"
#include "rpc/bytes.h"

/* `field`: its number; of wire type LEN. The records of all others are added to *rest, in their order; more than `rest_max` bytes of them
 * are refused (-EFBIG). -EBADMSG: it is cut, or no message. A message without the field: *ret_len 0. */
int hv_rpc_large_field(const struct hv_rpc_bytes *message, unsigned field, size_t rest_max,
                       struct hv_buf *rest, size_t *ret_at, size_t *ret_len);

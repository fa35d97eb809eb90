/* rpc/bytes.h - a message: memory in pieces, in order.
 *
 * Model    gRPC hands a message over in the pieces in which it came, and takes one to send in any. Nothing here copies
 *          but what says so: a message of 500 MB is walked piece by piece, and dropped from the front while it is
 *          walked; one to send is laid out of a few bytes of header and a mapped file.
 * Owner    whoever has the pointer. Functions that use a message up say so. A message is used by one thread at a time;
 *          one that came in is freed on the loop.
 * Source   grpc/slice.h, grpc/byte_buffer.h.
 */
#pragma once

#include "base/err.h"

struct hv_rpc_bytes;

#define HV_RPC_MESSAGE_BYTES_DEFAULT \
        (4u << 20) /* of what is received, where nothing else is said; gRPC's own */

struct hv_rpc_bytes *hv_rpc_bytes_new(void);                    /* empty */
struct hv_rpc_bytes *hv_rpc_bytes_free(struct hv_rpc_bytes *b); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_rpc_bytes, hv_rpc_bytes_free);

size_t hv_rpc_bytes_len(const struct hv_rpc_bytes *b); /* of all pieces that are there; NULL: 0 */

/* --- reading --- */

/* Walks the pieces: `size_t it = 0; while (hv_rpc_bytes_next(b, &it, &data, &len))`. The memory is good until the
 * message changes or ends. */
bool hv_rpc_bytes_next(const struct hv_rpc_bytes *b, size_t *it, const void **ret_data, size_t *ret_len);

/* Copies up to `len` bytes from `offset` on; gives how many there were. */
size_t hv_rpc_bytes_read(const struct hv_rpc_bytes *b, size_t offset, void *ret, size_t len);

/* The whole message as one piece, which costs a copy where it is not one already: for small messages. Never NULL; good
 * until the message changes or ends. */
const void *hv_rpc_bytes_flat(struct hv_rpc_bytes *b);

/* Gives back the memory of the first n bytes (at most all): what was read counts no longer. Only pieces that are read
 * to their end are really freed, and they are the bulk. */
void hv_rpc_bytes_drop(struct hv_rpc_bytes *b, size_t n);

/* --- writing --- */

void hv_rpc_bytes_add(struct hv_rpc_bytes *b, const void *data, size_t len); /* copies */

/* A new piece of len bytes at the end, to be written by the caller before anything else is done with the message. */
void *hv_rpc_bytes_extend(struct hv_rpc_bytes *b, size_t len);

/* Memory that stays where it is. release(userdata) is called once when nothing needs it any more: possibly on a thread
 * of gRPC, and never while this call runs unless len is 0. NULL: the memory is never to be freed. */
void hv_rpc_bytes_add_borrowed(struct hv_rpc_bytes *b, const void *data, size_t len,
                               void (*release)(void *userdata), void *userdata);

/* len bytes of a regular file from offset on (any), mapped: pages are read when they are sent and belong to the page
 * cache. The file may be closed, renamed and removed meanwhile, but not cut: that would be SIGBUS. -EINVAL when it is
 * shorter. */
int hv_rpc_bytes_add_file(struct hv_rpc_bytes *b, int fd, uint64_t offset, size_t len, struct hv_err *err);

/* pool/document.h - a task as dialect v1 says it becomes a Task document, and names the blobs that it needs.
 *
 *      v1.Task --> hv_pool_document() --> assignment {id, attempt, lease, document}
 *                                    '--> blobs: bytes that came with it, or pieces to be fetched
 *
 * Model    A translation, not a judgement: what the node allows is decided when the document is loaded (spec/task_load.h), by
 *          the rules that hold for everybody's tasks, and with their messages. Refused here is only what cannot be said in
 *          a document, or what would be misread in one. The same task gives the same document, byte for byte, whatever
 *          the order of its maps on the wire.
 *          Small texts stand in the document; other bytes become files of the inbox (inbox.h), named by their SHA-256:
 *              inputs: [{path: data.zip, inbox: <64 hex digits>}]
 * Pure     no clock, no file, no wire: the message is unpacked and checked already (wire.h).
 */
#pragma once

#include <nodepool_v1.pb-c.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"
#include "pool/pool.h"

struct hv_pool_blob {
        const char *name; /* as FetchTaskInput calls it; NULL: its bytes are here */
        const void *data;
        uint64_t size_bytes;
        char sha256[HV_SHA256_HEX_SIZE];
};

struct hv_pool_document {
        struct hv_pool_assignment assignment;
        const struct hv_pool_blob *blobs;
        size_t n_blobs;
};

#define HV_POOL_INLINE_MAX 16384        /* longest text of an input that stands in the document */
#define HV_POOL_INLINE_TOTAL_MAX 262144 /* and all of them */

/* [A-Za-z0-9_-]{1,64}, and a name that a task of this node may have. */
bool hv_pool_id_is_valid(const char *id);
/* What a task of such an id is called in its document, for history to group by: a label of DNS. */
const char *hv_pool_task_name(const char *id, struct hv_arena *arena);

/* -EINVAL: refused for good, with a sentence about the field. *ret borrows from the task and the arena. On failure
 * ret->assignment has id, attempt and lease as far as they can be used. */
int hv_pool_document(const V1__Task *task, struct hv_arena *arena, struct hv_pool_document *ret,
                     struct hv_err *err);

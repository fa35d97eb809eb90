/* rpc/queue.h - the completion queue, its thread, and the way from there to the loop; private.
 *
 * Model    A tag stands for one batch that is under way. Whoever starts the batch arms the tag first; when the batch is
 *          complete, the tag's function is called on the loop, once. Until then the tag's memory must stay. If the
 *          batch could not be started, the tag is disarmed.
 */
#pragma once

#include <stdatomic.h>

#include <grpc/grpc.h>

#include "rpc/runtime.h"

struct rpc_tag {
        void (*fn)(void *owner,
                   bool ok); /* ok: of grpc_event; says little, see grpc/grpc_types.h for each operation */
        void *owner;

        /* of the queue */
        struct rpc_tag *next;
        bool ok;
        atomic_bool armed;
};

/* Starts gRPC where it does not run yet. */
int rpc_start(struct hv_rpc *rpc, struct hv_err *err);

grpc_completion_queue *rpc_queue(struct hv_rpc *rpc);
struct sd_event *rpc_event(struct hv_rpc *rpc);

/* A message of that size was used, and its last pieces are freed on a thread of gRPC about now: a moment later what
 * large ones left is given back to the system. */
void rpc_trim_soon(struct hv_rpc *rpc, size_t len);

/* The tag as gRPC takes it. */
void *rpc_arm(struct hv_rpc *rpc, struct rpc_tag *tag);
void rpc_disarm(struct hv_rpc *rpc, struct rpc_tag *tag);

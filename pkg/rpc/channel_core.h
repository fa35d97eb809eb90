/* rpc/channel_core.h - what a call needs of its channel; private.
 *
 * Model    A `link` is one channel of gRPC: one connection. A channel has one in use, and others that new credentials
 *          replaced and that live for as long as calls run over them.
 */
#pragma once

#include <sys/queue.h>

#include "rpc/channel.h"
#include "rpc/queue.h"

struct rpc_link {
        struct hv_rpc *rpc;
        grpc_channel *channel;        /* NULL: destroyed, the watch has not come back yet */
        struct hv_rpc_channel *owner; /* NULL: replaced, or the channel is freed */
        unsigned n_users;             /* the channel, its calls */
        bool watching;
        struct rpc_tag watch;
        grpc_connectivity_state seen;
};

void rpc_link_unref(struct rpc_link *link);

/* The link in use, held. */
struct rpc_link *rpc_channel_link(struct hv_rpc_channel *c);

TAILQ_HEAD(rpc_calls, hv_rpc_call);
struct rpc_calls *rpc_channel_calls(struct hv_rpc_channel *c);

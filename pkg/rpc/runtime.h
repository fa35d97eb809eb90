/* rpc/runtime.h - gRPC on the event loop.
 *
 *     loop:      channel, call, server  --start batch-->  gRPC core
 *     grpc-cq:   completion queue  --list, eventfd-->  loop: callbacks of channel, call and server
 *
 * Model    gRPC's C core has no descriptor that a loop could wait for. One thread waits on the one completion queue and
 *          hands over what is complete; it runs nothing of hivelet's own. All functions and all callbacks of this
 *          module belong to the thread of the loop.
 * Cost     hv_rpc_new() starts nothing: a process that never opens a channel or a server has no thread, no descriptor
 *          and no memory of gRPC. The first one does, and what it started stays until hv_rpc_free().
 * Rules    Signals that the process handles are blocked before the first channel or server (threads inherit the mask).
 *          After a fork the child calls nothing of this module but exec.
 * Source   grpc/grpc.h. The only module that knows gRPC.
 */
#pragma once

#include "base/err.h"

struct sd_event;
struct hv_rpc;

struct hv_rpc_options {
        /* What gRPC would write to stderr, one line without an end; level as in syslog(3). On the loop; at most 20
         * lines a minute, then how many were left out: a peer chooses how many there are. NULL: nothing is shown. */
        void (*on_log)(void *userdata, int level, const char *line);
        void *userdata;
};

/* options may be NULL. At most one a process at a time gets on_log. */
struct hv_rpc *hv_rpc_new(struct sd_event *event, const struct hv_rpc_options *options);

/* Ends gRPC in order and its thread with it. Its channels and servers are freed before; what they left on its way ends
 * here without a callback. Takes some milliseconds, and never waits for a peer. Not from inside a callback of this
 * module. Takes NULL, gives NULL. */
struct hv_rpc *hv_rpc_free(struct hv_rpc *rpc);
HV_DEFINE_CLEANUP(struct hv_rpc, hv_rpc_free);

bool hv_rpc_is_running(const struct hv_rpc *rpc); /* gRPC was started */

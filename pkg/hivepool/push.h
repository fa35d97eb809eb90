/* hivepool/push.h - the door of dialect hivemind: nodes that are called, and their users.
 *
 * Model    Serves UserService, NodeManagerService, MasterNodeService and the pool's side of WorkerNodeService; calls ExecuteTask and
 *          StopTaskExecution on the nodes. What the pool gives to such a node is offered to it in the next round; only when it
 *          took it does it run. A refusal gives the task back. After an answer that was lost nobody knows: the task stays with
 *          the node and is offered again, and then a refusal says that it is there.
 * Deployed With like_deployed it has the traps of HiveMind's own pool that nodes must survive: bad tokens end as INTERNAL
 *          "Exception deserializing request!", a node at 127.0.0.1 is skipped, only the status "Idle" gets tasks, and a result that
 *          comes before its ExecuteTask was digested is acknowledged and lost.
 * Source   docs/hivepool.md, api/nodepool/hivemind.proto.
 */
#pragma once

#include "hivepool/accounts.h"
#include "hivepool/pool.h"
#include "rpc/server.h"

struct hv_push;
struct hv_reach;
struct sd_event;

struct hv_push_options {
        struct sd_event *event;
        struct hv_rpc *rpc;
        struct hv_hivepool *pool;
        struct hv_accounts *accounts;
        const struct hv_reach *reach; /* where nodes are called */
        uint64_t (*now_us)(void);
        uint64_t round_us;
        bool like_deployed;
};

int hv_push_new(const struct hv_push_options *options, struct hv_push **ret, struct hv_err *err);
struct hv_push *hv_push_free(struct hv_push *p); /* after its server. Takes NULL, gives NULL */

/* The server's userdata is the hv_push. */
extern const struct hv_rpc_method hv_push_methods[];
extern const size_t hv_push_n_methods;

/* A node's list has changed. Not from inside the pool. */
void hv_push_changed(struct hv_push *p, const char *node);

/* hivepool/admin.h - the door for people: service Admin of api/nodepool/admin.proto, on a unix socket. */
#pragma once

#include "base/vec.h"
#include "hivepool/pool.h"
#include "rpc/server.h"

struct hv_admin_waiter;

struct hv_admin {
        struct hv_hivepool *pool;
        uint64_t (*now_us)(void);
        uint64_t lease_us;
        const char *listen, *hivemind_listen; /* as they are; "": not served */
        HV_VEC(struct hv_admin_waiter *) waiters;
};

void hv_admin_done(struct hv_admin *a);
/* A task is over: whoever waits for it is told. Not from inside the pool. */
void hv_admin_over(struct hv_admin *a, const char *task_id);

/* The server's userdata is the hv_admin. */
extern const struct hv_rpc_method hv_admin_methods[];
extern const size_t hv_admin_n_methods;

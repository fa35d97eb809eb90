/* hivepool/v1.h - the door for nodes that ask: service NodeManager of dialect v1, in full.
 *
 * Model    Calls become calls of the pool. A list is sent as it is at that moment; who watches gets the whole of it again with each
 *          change, in slices of which all but the last say "incomplete".
 *          A node that says its agent's version fetches inputs piece by piece. One that does not is taken to know the
 *          documented fields only, and gets them with the task.
 * Who      With mutual TLS a node may only be whom its certificate names (any name of it), unless certificates are shared.
 *          A token, where one is set, is asked for at registration.
 * Source   docs/pool.md, api/nodepool/v1.proto.
 */
#pragma once

#include "base/secret.h"
#include "hivepool/pool.h"
#include "rpc/server.h"

struct hv_v1;

struct hv_v1_options {
        struct hv_hivepool *pool;
        uint64_t (*now_us)(void);
        const struct hv_secret *token; /* borrowed; NULL: none is asked for */
        bool names;                    /* the id of a node must be a name of its certificate */
        uint64_t lease_us;
};

struct hv_v1 *hv_v1_new(const struct hv_v1_options *options);
/* After its server. Takes NULL, gives NULL. */
struct hv_v1 *hv_v1_free(struct hv_v1 *v);

/* The server's userdata is the hv_v1. */
extern const struct hv_rpc_method hv_v1_methods[];
extern const size_t hv_v1_n_methods;

/* A node's list has changed: whoever watches it gets it. Not from inside the pool. */
void hv_v1_changed(struct hv_v1 *v, const char *node);

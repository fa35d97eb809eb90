/* rpc/credentials_core.h - credentials as gRPC takes them, and who hears of new ones; private. */
#pragma once

#include <sys/queue.h>

#include <grpc/grpc_security.h>

#include "rpc/credentials.h"

/* Where Debian's ca-certificates puts all of them. gRPC would look for a bundle of its own. */
#define RPC_SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

bool rpc_credentials_fit(const struct hv_rpc_credentials *c, bool is_server); /* made for this side */

/* For one channel, as they are now. The caller releases them. */
grpc_channel_credentials *rpc_credentials_for_channel(struct hv_rpc_credentials *c);

/* What a server keeps for as long as gRPC's server lives: gRPC asks through it, on its own threads. */
struct rpc_server_credentials {
        struct hv_rpc_credentials *credentials;
        unsigned seen; /* generation that gRPC has; under the lock of the credentials */
};

/* s stays until the server is destroyed; the caller releases what is returned. */
grpc_server_credentials *rpc_credentials_for_server(struct rpc_server_credentials *s,
                                                    struct hv_rpc_credentials *c);
void rpc_server_credentials_done(struct rpc_server_credentials *s);

/* Called when new ones are in force. */
struct rpc_credentials_watch {
        void (*fn)(void *owner);
        void *owner;
        TAILQ_ENTRY(rpc_credentials_watch) entry;
};

void rpc_credentials_watch(struct hv_rpc_credentials *c, struct rpc_credentials_watch *w);
void rpc_credentials_unwatch(struct hv_rpc_credentials *c, struct rpc_credentials_watch *w);

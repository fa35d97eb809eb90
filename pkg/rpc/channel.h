/* rpc/channel.h - the way to one server: connected when it is used, and again when it was lost.
 *
 * Model    A channel is made at once and connects with the first call. While the server cannot be reached calls end at
 *          once as UNAVAILABLE; between two attempts gRPC waits longer and longer, from reconnect_min_us to
 *          reconnect_max_us. Whoever keeps a schedule of its own says hv_rpc_channel_connect() before each try. New
 *          credentials (rpc/credentials.h) make a new connection; calls on the old one go on there until they end.
 * Never    a proxy of the environment, a service configuration from DNS, compression in either direction.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "rpc/bytes.h"
#include "rpc/runtime.h"

struct hv_rpc_channel;
struct hv_rpc_credentials;

enum hv_rpc_state {
        HV_RPC_IDLE, /* nothing was asked yet, or not for long */
        HV_RPC_CONNECTING,
        HV_RPC_READY,
        HV_RPC_UNREACHABLE, /* waits before the next attempt */
};

const char *hv_rpc_state_name(enum hv_rpc_state state); /* "idle", "connecting", ... */

struct hv_rpc_channel_options {
        const char *target;                     /* "host:port", "1.2.3.4:port", "[IPv6]:port", "unix:/path" */
        struct hv_rpc_credentials *credentials; /* held; needed, also for plain text */
        const char *server_name; /* that the certificate must carry; NULL: the host of target */
        const char *user_agent;  /* put in front of gRPC's own; NULL: none */

        /* A message above ends its call as RESOURCE_EXHAUSTED; 0: HV_RPC_MESSAGE_BYTES_DEFAULT. */
        size_t max_reply_bytes;
        /* Ask a silent server this often whether it is there, calls or not; 0: 30 s. Servers send away who asks too
         * often: below 5 min, where nobody told them otherwise. */
        uint64_t keepalive_us;
        uint64_t keepalive_timeout_us;               /* and give it that long to answer; 0: 10 s */
        uint64_t reconnect_min_us, reconnect_max_us; /* 0: 1 s, 2 min */

        void (*on_state)(void *userdata, enum hv_rpc_state state); /* when it changed; may be NULL */
        void *userdata;
};

/* -EINVAL: the target or the credentials are not of that kind. The texts are copied. */
int hv_rpc_channel_new(struct hv_rpc *rpc, const struct hv_rpc_channel_options *options,
                       struct hv_rpc_channel **ret, struct hv_err *err);
/* Cancels its calls, silently. Takes NULL, gives NULL. Allowed in every callback. */
struct hv_rpc_channel *hv_rpc_channel_free(struct hv_rpc_channel *c);
HV_DEFINE_CLEANUP(struct hv_rpc_channel, hv_rpc_channel_free);

enum hv_rpc_state hv_rpc_channel_state(const struct hv_rpc_channel *c);
void hv_rpc_channel_connect(struct hv_rpc_channel *c); /* now, whatever the back-off */

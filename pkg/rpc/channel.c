/* rpc/channel.c - see channel.h. */
#include "rpc/channel.h"

#include <errno.h>
#include <limits.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/alloc.h"
#include "rpc/call.h"
#include "rpc/channel_core.h"
#include "rpc/credentials_core.h"
#include "rpc/number.h"
#include "rpc/target.h"

#define KEEPALIVE_US (30 * HV_USEC_PER_SEC)
#define KEEPALIVE_TIMEOUT_US (10 * HV_USEC_PER_SEC)
#define RECONNECT_MIN_US HV_USEC_PER_SEC
#define RECONNECT_MAX_US (2 * HV_USEC_PER_MIN)

struct hv_rpc_channel {
        struct hv_rpc *rpc;
        struct hv_rpc_channel_options options; /* its texts are NULL: below */
        char *target, *server_name, *user_agent;
        struct hv_rpc_credentials *credentials;
        struct rpc_credentials_watch watch;
        struct rpc_link *link;
        struct rpc_calls calls;
};

/* --- links --- */

void rpc_link_unref(struct rpc_link *link) {
        if (--link->n_users > 0)
                return;
        grpc_channel_destroy(HV_STEAL(link->channel)); /* which wakes the watch */
        if (!link->watching)
                free(link);
}

static grpc_arg number(const char *key, int value) {
        return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *) key, .value.integer = value };
}

static grpc_arg text(const char *key, char *value) {
        return (grpc_arg){ .type = GRPC_ARG_STRING, .key = (char *) key, .value.string = value };
}

static grpc_channel *open_channel(const struct hv_rpc_channel *c) {
        const struct hv_rpc_channel_options *o = &c->options;
        grpc_channel_credentials *credentials = rpc_credentials_for_channel(c->credentials);
        grpc_channel *channel;
        grpc_arg args[16] = {
                number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, rpc_int_of(o->max_reply_bytes)),
                number(GRPC_ARG_KEEPALIVE_TIME_MS, rpc_ms_of(o->keepalive_us)),
                number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, rpc_ms_of(o->keepalive_timeout_us)),
                number(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
                number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
                number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, rpc_ms_of(o->reconnect_min_us)),
                number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, rpc_ms_of(o->reconnect_max_us)),
                number(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
                number(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
                number(GRPC_ARG_ENABLE_CHANNELZ, 0),
                /* Compressed replies are not taken: what one of them unfolds to has no limit. */
                number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1u << GRPC_COMPRESS_NONE),
                number(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
                /* Or a new link would share the connection, and the credentials, of the old one. */
                number(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        };
        grpc_channel_args all = { .args = args, .num_args = 13 };

        if (c->user_agent)
                args[all.num_args++] = text(GRPC_ARG_PRIMARY_USER_AGENT_STRING, c->user_agent);
        if (c->server_name) /* also what the certificate is held against */
                args[all.num_args++] = text(GRPC_ARG_DEFAULT_AUTHORITY, c->server_name);
        channel = grpc_channel_create(c->target, credentials, &all);
        grpc_channel_credentials_release(credentials);
        return channel;
}

static void watch_link(struct rpc_link *link) {
        link->watching = true;
        grpc_channel_watch_connectivity_state(link->channel, link->seen, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                              rpc_queue(link->rpc), rpc_arm(link->rpc, &link->watch));
}

static enum hv_rpc_state state_of(grpc_connectivity_state state) {
        switch (state) {
        case GRPC_CHANNEL_CONNECTING:
                return HV_RPC_CONNECTING;
        case GRPC_CHANNEL_READY:
                return HV_RPC_READY;
        case GRPC_CHANNEL_TRANSIENT_FAILURE:
        case GRPC_CHANNEL_SHUTDOWN:
                return HV_RPC_UNREACHABLE;
        case GRPC_CHANNEL_IDLE:
        default:
                return HV_RPC_IDLE;
        }
}

static void on_state(void *owner, bool ok) {
        struct rpc_link *link = owner;
        struct hv_rpc_channel *c = link->owner;

        (void) ok;
        link->watching = false;
        if (!link->channel)
                free(link);
        if (!c)
                return;
        link->seen = grpc_channel_check_connectivity_state(link->channel, 0);
        watch_link(link);
        c->options.on_state(c->options.userdata, state_of(link->seen));
}

static struct rpc_link *open_link(struct hv_rpc_channel *c) {
        struct rpc_link *link = HV_NEW(struct rpc_link);

        link->rpc = c->rpc;
        link->owner = c;
        link->channel = open_channel(c);
        link->n_users = 1;
        link->seen = GRPC_CHANNEL_IDLE;
        link->watch = (struct rpc_tag){ .fn = on_state, .owner = link };
        if (c->options.on_state)
                watch_link(link);
        return link;
}

static void leave_link(struct rpc_link *link) {
        link->owner = NULL;
        rpc_link_unref(link);
}

static void on_new_credentials(void *owner) {
        struct hv_rpc_channel *c = owner;

        leave_link(c->link);
        c->link = open_link(c);
}

struct rpc_link *rpc_channel_link(struct hv_rpc_channel *c) {
        c->link->n_users++;
        return c->link;
}

struct rpc_calls *rpc_channel_calls(struct hv_rpc_channel *c) {
        return &c->calls;
}

/* --- channel --- */

static uint64_t or_default(uint64_t value, uint64_t otherwise) {
        return value ? value : otherwise;
}

int hv_rpc_channel_new(struct hv_rpc *rpc, const struct hv_rpc_channel_options *options,
                       struct hv_rpc_channel **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *target = NULL;
        struct hv_rpc_channel *c;
        int r = rpc_target_parse(options->target, &target, err);

        if (r == 0 && !rpc_credentials_fit(options->credentials, false))
                r = hv_err_set(err, -EINVAL, "%s: a client was given the credentials of a server",
                               options->target);
        if (r == 0)
                r = rpc_start(rpc, err);
        if (r < 0)
                return r;
        c = HV_NEW(struct hv_rpc_channel);
        c->rpc = rpc;
        c->options = *options;
        c->options.target = c->options.server_name = c->options.user_agent = NULL;
        c->options.max_reply_bytes = or_default(options->max_reply_bytes, HV_RPC_MESSAGE_BYTES_DEFAULT);
        c->options.keepalive_us = or_default(options->keepalive_us, KEEPALIVE_US);
        c->options.keepalive_timeout_us = or_default(options->keepalive_timeout_us, KEEPALIVE_TIMEOUT_US);
        c->options.reconnect_min_us = or_default(options->reconnect_min_us, RECONNECT_MIN_US);
        c->options.reconnect_max_us = or_default(options->reconnect_max_us, RECONNECT_MAX_US);
        c->target = HV_STEAL(target);
        c->server_name = hv_strdup(options->server_name);
        c->user_agent = hv_strdup(options->user_agent);
        c->credentials = hv_rpc_credentials_ref(options->credentials);
        TAILQ_INIT(&c->calls);
        c->watch = (struct rpc_credentials_watch){ .fn = on_new_credentials, .owner = c };
        rpc_credentials_watch(c->credentials, &c->watch);
        c->link = open_link(c);
        *ret = c;
        return 0;
}

struct hv_rpc_channel *hv_rpc_channel_free(struct hv_rpc_channel *c) {
        struct hv_rpc_call *call;

        if (!c)
                return NULL;
        while ((call = TAILQ_FIRST(&c->calls)))
                hv_rpc_call_cancel(call);
        rpc_credentials_unwatch(c->credentials, &c->watch);
        leave_link(c->link);
        hv_rpc_credentials_free(c->credentials);
        free(c->target);
        free(c->server_name);
        free(c->user_agent);
        free(c);
        return NULL;
}

enum hv_rpc_state hv_rpc_channel_state(const struct hv_rpc_channel *c) {
        return state_of(grpc_channel_check_connectivity_state(c->link->channel, 0));
}

void hv_rpc_channel_connect(struct hv_rpc_channel *c) {
        grpc_channel_reset_connect_backoff(c->link->channel);
        (void) grpc_channel_check_connectivity_state(c->link->channel, 1);
}

const char *hv_rpc_state_name(enum hv_rpc_state state) {
        static const char *const names[] = {
                [HV_RPC_IDLE] = "idle",
                [HV_RPC_CONNECTING] = "connecting",
                [HV_RPC_READY] = "ready",
                [HV_RPC_UNREACHABLE] = "unreachable",
        };

        return names[state];
}

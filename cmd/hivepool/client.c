/* hivepool/client.c - see client.h: a loop of its own that runs while an answer is awaited. */
#include "client.h"

#include <protobuf-c/protobuf-c.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/time.h"
#include "hivepool/message.h"
#include "hivepool/server.h"
#include "pool/wire.h"
#include "rpc/call.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"

#define TIMEOUT_US (30 * HV_USEC_PER_SEC)
#define WAIT_US (365 * HV_USEC_PER_DAY) /* a unary call has an end */

struct client {
        struct cli *cli;
        char *target;
        sd_event *event;
        struct hv_rpc *rpc;
        struct hv_rpc_credentials *credentials;
        struct hv_rpc_channel *channel;

        struct hv_rpc_call *call;
        int (*on)(void *userdata, struct hv_rpc_bytes *message);
        void *userdata;
        struct hv_rpc_bytes *reply;
        bool is_done;
        int code;
};

struct client *client_new(struct cli *cli) {
        struct client *c = HV_NEW(struct client);
        const char *data_dir = cli->values[OPT_DATA_DIR], *environment = getenv("HIVEPOOL_DATA_DIR");

        if (!data_dir)
                data_dir = hv_str_empty(environment) ? DATA_DIR_DEFAULT : environment;
        c->cli = cli;
        c->target = cli->values[OPT_SERVER] ? hv_strdup(cli->values[OPT_SERVER])
                                            : hv_asprintf("unix:%s/" HV_HIVEPOOL_SOCKET, data_dir);
        (void) sd_event_default(&c->event);
        c->rpc = hv_rpc_new(c->event, NULL);
        c->credentials = hv_rpc_credentials_new_insecure();
        return c;
}

struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        (void) hv_rpc_channel_free(c->channel);
        (void) hv_rpc_credentials_free(c->credentials);
        (void) hv_rpc_free(c->rpc);
        (void) sd_event_unref(c->event);
        free(c->target);
        free(c);
        return NULL;
}

static int code_of(enum hv_rpc_status status) {
        switch (status) {
        case HV_RPC_NOT_FOUND:
                return HV_EXIT_NOT_FOUND;
        case HV_RPC_PERMISSION_DENIED:
        case HV_RPC_UNAUTHENTICATED:
                return HV_EXIT_DENIED;
        case HV_RPC_DEADLINE_EXCEEDED:
                return HV_EXIT_TIMED_OUT;
        default:
                return HV_EXIT_ERROR;
        }
}

static void on_end(void *userdata, const struct hv_rpc_end *end) {
        struct client *c = userdata;

        c->call = NULL;
        c->reply = end->reply;
        if (end->status == HV_RPC_UNAVAILABLE && hv_rpc_channel_state(c->channel) != HV_RPC_READY)
                c->code =
                        fail(HV_EXIT_UNREACHABLE,
                             "no pool answers at %s (%s): is `hivepool serve` running, with this --data-dir?",
                             c->target, end->text);
        else if (end->status != HV_RPC_OK)
                c->code = fail(code_of(end->status), "%s", end->text);
        c->is_done = true;
}

static void on_message(void *userdata, struct hv_rpc_bytes *message) {
        struct client *c = userdata;

        c->code = c->on(c->userdata, message);
        (void) hv_rpc_bytes_free(message);
        if (c->code == HV_EXIT_OK) {
                hv_rpc_call_next(c->call);
                return;
        }
        hv_rpc_call_cancel(HV_STEAL(c->call));
        c->is_done = true;
}

static int connect_once(struct client *c) {
        const struct hv_rpc_channel_options options = { .target = c->target,
                                                        .credentials = c->credentials,
                                                        .max_reply_bytes = (size_t) 64 << 20 };
        struct hv_err err = {};

        if (c->channel || hv_rpc_channel_new(c->rpc, &options, &c->channel, &err) >= 0)
                return HV_EXIT_OK;
        return fail(HV_EXIT_USAGE, "%s", err.msg);
}

static int run(struct client *c, const char *method, const struct ProtobufCMessage *request, bool stream,
               uint64_t timeout_us) {
        _hv_cleanup_free_ char *path = hv_asprintf("/hivepool.Admin/%s", method);
        struct hv_rpc_call_options options = { .method = path,
                                               .stream = stream,
                                               .on_message = stream ? on_message : NULL,
                                               .on_end = on_end,
                                               .userdata = c };
        struct hv_err err = {};
        int code = connect_once(c);

        if (code != HV_EXIT_OK)
                return code;
        c->code = HV_EXIT_OK;
        c->is_done = false;
        c->reply = NULL;
        options.timeout_us = c->cli->timeout_us > 0 ? c->cli->timeout_us : timeout_us;
        options.request = hv_message_write(request);
        if (hv_rpc_call_start(c->channel, &options, &c->call, &err) < 0)
                return fail(HV_EXIT_ERROR, "%s", err.msg);
        if (stream)
                hv_rpc_call_next(c->call);
        while (!c->is_done)
                if (sd_event_run(c->event, UINT64_MAX) < 0)
                        return fail(HV_EXIT_ERROR, "the loop ended");
        return c->code;
}

static int call(struct client *c, const char *method, const struct ProtobufCMessage *request,
                uint64_t timeout_us, const struct ProtobufCMessageDescriptor *answer, struct hv_arena *arena,
                void *ret) {
        struct hv_err err = {};
        int code = run(c, method, request, false, timeout_us);

        if (code == HV_EXIT_OK && hv_wire_unpack(answer, hv_rpc_bytes_flat(c->reply),
                                                 hv_rpc_bytes_len(c->reply), arena, ret, &err) < 0)
                code = fail(HV_EXIT_ERROR, "the pool's answer cannot be read: %s", err.msg);
        c->reply = hv_rpc_bytes_free(c->reply);
        return code;
}

int client_call(struct client *c, const char *method, const struct ProtobufCMessage *request,
                const struct ProtobufCMessageDescriptor *answer, struct hv_arena *arena, void *ret) {
        return call(c, method, request, TIMEOUT_US, answer, arena, ret);
}

int client_wait(struct client *c, const char *method, const struct ProtobufCMessage *request,
                const struct ProtobufCMessageDescriptor *answer, struct hv_arena *arena, void *ret) {
        return call(c, method, request, WAIT_US, answer, arena, ret);
}

int client_stream(struct client *c, const char *method, const struct ProtobufCMessage *request,
                  int (*on)(void *userdata, struct hv_rpc_bytes *message), void *userdata) {
        c->on = on;
        c->userdata = userdata;
        return run(c, method, request, true, HV_TIME_NEVER);
}

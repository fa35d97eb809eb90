/* A loop with a server of known methods and clients of it, for the tests of pkg/rpc. */
#pragma once

#include <systemd/sd-event.h>

#include "base/buf.h"
#include "base/vec.h"
#include "lib/loop.h"
#include "rpc/call.h"
#include "rpc/channel.h"
#include "rpc/credentials.h"
#include "rpc/runtime.h"
#include "rpc/server.h"

#define ECHO "/test.Test/Echo"     /* the request is the reply; up to 64 MiB */
#define SMALL "/test.Test/Small"   /* the same, up to 1 KiB */
#define LATER "/test.Test/Later"   /* kept in `kept` until the test answers */
#define FAIL "/test.Test/Fail"     /* NOT_FOUND, with a text that has to be cleaned */
#define STREAM "/test.Test/Stream" /* request "COUNT SIZE": so many messages of that size, then OK */
#define TICK "/test.Test/Tick"     /* a stream that is kept: the test sends */

struct stage {
        sd_event *event;
        struct hv_rpc *rpc;
        struct hv_rpc_server *server;
        struct hv_rpc_channel *channel;
        struct hv_rpc_credentials *plain;
        char dir[64];

        HV_VEC(struct hv_rpc_server_call *) kept;
        HV_VEC(struct hv_rpc_bytes *) requests; /* of what is kept */
        unsigned n_requests, n_done, n_written, n_sent, n_accepts;
        enum hv_rpc_status refuse; /* what accept says */
        struct hv_rpc_peer peer;   /* of the last call; names are not kept */
        char names[256];           /* of its certificate, with blanks between */
        char header[64];           /* "x-test" of the last call */
        uint64_t time_left_us;     /* of the last call */
        struct hv_buf log;         /* what gRPC said */
        unsigned n_lines;
        bool free_in_request, free_in_done;
};

int stage_set_up(void **state);
int stage_tear_down(void **state);

/* A server and a channel to it. options may be NULL; listen, methods, userdata and missing credentials are filled in. */
void stage_serve(struct stage *x, const struct hv_rpc_server_options *options);
void stage_connect(struct stage *x, const struct hv_rpc_channel_options *options);
const char *stage_target(struct stage *x); /* of the server; good until the next call */
void stage_free_server(struct stage *x);

/* A call and what became of it. */
struct outcome {
        struct stage *x;
        struct hv_rpc_call *call;
        unsigned n_ends, n_messages;
        size_t n_bytes; /* of messages */
        enum hv_rpc_status status;
        char text[HV_RPC_TEXT_SIZE];
        struct hv_rpc_bytes *reply;
        bool greedy; /* asks for the next message by itself */
        bool cancel_in_message, free_channel_in_end;
};

void outcome_done(struct outcome *o);
struct hv_rpc_bytes *message(const void *data, size_t len);
struct hv_rpc_bytes *message_of(size_t len, char fill);

/* Starts; request is used up. timeout_us 0: 30 s. */
void start_call(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                uint64_t timeout_us);
void start_stream(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                  uint64_t timeout_us);
void wait_end(struct outcome *o);
/* From start to end; fails unless the status is this. */
void call_expecting(struct outcome *o, struct stage *x, const char *method, struct hv_rpc_bytes *request,
                    enum hv_rpc_status status);

bool is_filled(const struct hv_rpc_bytes *b, size_t len, char fill);

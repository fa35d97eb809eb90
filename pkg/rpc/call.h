/* rpc/call.h - a call to a server: one request, one reply or a stream of them.
 *
 *     unary:   hv_rpc_call_start() ------------------------------------> on_end, with the reply
 *     stream:  hv_rpc_call_start() --> [hv_rpc_call_next() --> on_message]* --> on_end
 *              `-> hv_rpc_call_cancel(): nothing more is called
 *
 * Model    Callbacks come from the loop, never from inside start. A stream gives one message for each time it was asked
 *          to: what is not asked for holds the server back by HTTP/2's own flow control. on_end comes after the last
 *          message was taken, or at once when the call failed.
 * Doubt    After DEADLINE_EXCEEDED, UNAVAILABLE, CANCELLED and INTERNAL the server may or may not have acted: ask again
 *          with the same idempotency key, assume nothing.
 * Owner    The call ends itself after on_end; until then hv_rpc_call_cancel() may end it. Cancel, start and free of the
 *          channel are allowed inside every callback.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "rpc/bytes.h"
#include "rpc/status.h"

struct hv_rpc_call;
struct hv_rpc_channel;

struct hv_rpc_header {
        const char *name;  /* lower case; no "-bin" */
        const char *value; /* printable ASCII */
};

struct hv_rpc_end {
        enum hv_rpc_status status;
        const char *text; /* for people, from the server or about it; never NULL, good until on_end returns */
        struct hv_rpc_bytes *reply; /* of a unary call that ended OK; the receiver frees it, else NULL */
};

struct hv_rpc_call_options {
        const char *method;           /* "/package.Service/Method" */
        struct hv_rpc_bytes *request; /* used up by start, also when that fails; NULL: an empty message */
        const struct hv_rpc_header *headers;
        size_t n_headers;
        /* From now to the end; never 0. HV_TIME_NEVER only for a stream: keepalive finds a dead server. */
        uint64_t timeout_us;
        bool stream;

        void (*on_message)(void *userdata,
                           struct hv_rpc_bytes *message); /* of a stream; the receiver frees it */
        void (*on_end)(void *userdata, const struct hv_rpc_end *end);
        void *userdata;
};

/* -EINVAL: a call that cannot be (method, header, timeout). on_end is not called then. ret may be NULL. */
int hv_rpc_call_start(struct hv_rpc_channel *c, const struct hv_rpc_call_options *options,
                      struct hv_rpc_call **ret, struct hv_err *err);
void hv_rpc_call_next(
        struct hv_rpc_call *call); /* of a stream: the next message, please. Asking twice is asking once */
void hv_rpc_call_cancel(struct hv_rpc_call *call); /* NULL is fine */

/* rpc/call.c - see call.h.
 *
 *     started -> ended (status and, if one was asked for, message are back) -> on_end -> freed
 *            `-> silent (cancelled by its owner): waits for the same, tells nobody
 *
 * gRPC writes into a call until both of its tags are back, so it stays until then whatever its owner does.
 */
#include "rpc/call.h"

#include <errno.h>

#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include "base/alloc.h"
#include "base/text.h"
#include "rpc/bytes_core.h"
#include "rpc/channel_core.h"
#include "rpc/number.h"

struct hv_rpc_call {
        struct hv_rpc *rpc;
        struct rpc_link *link;
        struct rpc_calls *siblings; /* of the channel; NULL: silent */
        TAILQ_ENTRY(hv_rpc_call) entry;
        bool stream;
        void (*on_message)(void *userdata, struct hv_rpc_bytes *message);
        void (*on_end)(void *userdata, const struct hv_rpc_end *end);
        void *userdata;

        grpc_call *call;
        size_t largest; /* message of this call */
        struct rpc_tag status_tag, message_tag;
        bool has_status, reading;
        bool wanted; /* a message was asked for */

        /* written by gRPC */
        grpc_metadata_array initial, trailing;
        grpc_byte_buffer *message;
        grpc_status_code status;
        grpc_slice details;
};

static void call_free(struct hv_rpc_call *call) {
        if (call->message)
                grpc_byte_buffer_destroy(call->message);
        grpc_slice_unref(call->details);
        grpc_metadata_array_destroy(&call->initial);
        grpc_metadata_array_destroy(&call->trailing);
        grpc_call_unref(call->call);
        rpc_link_unref(call->link);
        rpc_trim_soon(call->rpc, call->largest);
        free(call);
}

static void leave_channel(struct hv_rpc_call *call) {
        if (call->siblings)
                TAILQ_REMOVE(call->siblings, call, entry);
        call->siblings = NULL;
}

/* --- the end --- */

/* gRPC neither unfolds a compressed message here nor minds it: see GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION in
 * channel.c. */
static bool is_compressed(const grpc_byte_buffer *message) {
        return message && message->data.raw.compression != GRPC_COMPRESS_NONE;
}

static void tell_end(struct hv_rpc_call *call) {
        char text[HV_RPC_TEXT_SIZE];
        struct hv_rpc_end end = { .status = hv_rpc_status_from_number((int) call->status) };

        if (call->message)
                call->largest = HV_MAX(call->largest, grpc_byte_buffer_length(call->message));
        end.text = hv_rpc_status_text(GRPC_SLICE_START_PTR(call->details), GRPC_SLICE_LENGTH(call->details),
                                      text);
        if (end.status == HV_RPC_OK && !call->stream) {
                if (!call->message || is_compressed(call->message)) {
                        end.status = HV_RPC_INTERNAL;
                        end.text = call->message ? "the reply is compressed, which was not offered"
                                                 : "the server says OK and sent no reply";
                } else
                        end.reply = hv_rpc_bytes_from_core(HV_STEAL(call->message));
        }
        leave_channel(call);
        call->on_end(call->userdata, &end);
}

static void end_if_complete(struct hv_rpc_call *call) {
        if (!call->has_status || call->reading)
                return;
        if (call->siblings)
                tell_end(call);
        call_free(call);
}

static void on_status(void *owner, bool ok) {
        struct hv_rpc_call *call = owner;

        (void) ok; /* says nothing: the status does */
        call->has_status = true;
        end_if_complete(call);
}

/* --- messages of a stream --- */

static void read_message(struct hv_rpc_call *call);

static void on_message(void *owner, bool ok) {
        struct hv_rpc_call *call = owner;

        (void) ok;
        call->reading = false;
        if (call->message && is_compressed(call->message)) {
                (void) grpc_call_cancel_with_status(call->call, GRPC_STATUS_INTERNAL,
                                                    "a message is compressed, which was not offered", NULL);
                grpc_byte_buffer_destroy(HV_STEAL(call->message));
        }
        if (call->message && call->siblings) {
                /* The owner may ask for more from inside, or cancel: then this call must still be there. */
                struct hv_rpc_bytes *message = hv_rpc_bytes_from_core(HV_STEAL(call->message));

                call->wanted = false;
                call->reading = true;
                call->on_message(call->userdata, message);
                call->reading = false;
                if (call->wanted && call->siblings && !call->has_status)
                        read_message(call);
        }
        end_if_complete(call);
}

static void read_message(struct hv_rpc_call *call) {
        grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->message };

        call->reading = true;
        if (grpc_call_start_batch(call->call, &op, 1, rpc_arm(call->rpc, &call->message_tag), NULL) !=
            GRPC_CALL_OK) {
                rpc_disarm(call->rpc, &call->message_tag);
                call->reading = false;
        }
}

void hv_rpc_call_next(struct hv_rpc_call *call) {
        if (!call->stream)
                return;
        call->wanted = true;
        if (!call->reading && !call->has_status)
                read_message(call);
}

void hv_rpc_call_cancel(struct hv_rpc_call *call) {
        if (!call || !call->siblings)
                return;
        leave_channel(call);
        (void) grpc_call_cancel(call->call, NULL);
}

/* --- the start --- */

static int check(const struct hv_rpc_call_options *o, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        size_t len = strlen(o->method);

        if (*o->method != '/' || !strchr(o->method + 1, '/') || len > 200)
                return hv_err_set(err, -EINVAL, "method %s: /package.Service/Method is expected",
                                  hv_text_quote(o->method, quoted));
        if (o->timeout_us == 0 || (o->timeout_us == HV_TIME_NEVER && !o->stream))
                return hv_err_set(err, -EINVAL, "%s: a call needs a deadline", o->method);
        for (size_t i = 0; i < o->n_headers; i++) {
                grpc_slice name = grpc_slice_from_static_string(o->headers[i].name);
                grpc_slice value = grpc_slice_from_static_string(o->headers[i].value);

                /* Not the value: it may be a token. */
                if (!grpc_header_key_is_legal(name) || grpc_is_binary_header(name) ||
                    hv_has_prefix(o->headers[i].name, "grpc-"))
                        return hv_err_set(err, -EINVAL, "%s: %s is no name of a header", o->method,
                                          hv_text_quote(o->headers[i].name, quoted));
                if (!grpc_header_nonbin_value_is_legal(value))
                        return hv_err_set(err, -EINVAL, "%s: the value of header %s is not printable ASCII",
                                          o->method, o->headers[i].name);
        }
        return 0;
}

static grpc_metadata *copy_headers(const struct hv_rpc_call_options *o) {
        grpc_metadata *metadata = HV_NEW_N(grpc_metadata, o->n_headers + 1);

        for (size_t i = 0; i < o->n_headers; i++) {
                metadata[i].key = grpc_slice_from_copied_string(o->headers[i].name);
                metadata[i].value = grpc_slice_from_copied_string(o->headers[i].value);
        }
        return metadata;
}

static void free_headers(grpc_metadata *metadata, size_t n) {
        for (size_t i = 0; i < n; i++) {
                grpc_slice_unref(metadata[i].key);
                grpc_slice_unref(metadata[i].value);
        }
        free(metadata);
}

static grpc_call_error start_batch(struct hv_rpc_call *call, const struct hv_rpc_call_options *o) {
        grpc_byte_buffer *request = hv_rpc_bytes_to_core(o->request);
        grpc_metadata *headers = copy_headers(o);
        grpc_op ops[] = {
                { .op = GRPC_OP_SEND_INITIAL_METADATA,
                  .data.send_initial_metadata = { .count = o->n_headers, .metadata = headers } },
                { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = request },
                { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
                { .op = GRPC_OP_RECV_INITIAL_METADATA,
                  .data.recv_initial_metadata.recv_initial_metadata = &call->initial },
                { .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                  .data.recv_status_on_client = { .trailing_metadata = &call->trailing,
                                                  .status = &call->status,
                                                  .status_details = &call->details } },
                { .op = GRPC_OP_RECV_MESSAGE,
                  .data.recv_message.recv_message = &call->message }, /* unary only */
        };
        grpc_call_error r = grpc_call_start_batch(call->call, ops, HV_ARRAY_SIZE(ops) - (o->stream ? 1 : 0),
                                                  rpc_arm(call->rpc, &call->status_tag), NULL);

        if (r != GRPC_CALL_OK)
                rpc_disarm(call->rpc, &call->status_tag);
        grpc_byte_buffer_destroy(request);
        free_headers(headers, o->n_headers);
        return r;
}

static struct hv_rpc_call *call_new(struct hv_rpc_channel *c, const struct hv_rpc_call_options *o) {
        struct hv_rpc_call *call = HV_NEW(struct hv_rpc_call);
        grpc_slice method = grpc_slice_from_copied_string(o->method);

        call->link = rpc_channel_link(c);
        call->rpc = call->link->rpc;
        call->stream = o->stream;
        call->on_message = o->on_message;
        call->on_end = o->on_end;
        call->userdata = o->userdata;
        call->largest = hv_rpc_bytes_len(o->request);
        call->status_tag = (struct rpc_tag){ .fn = on_status, .owner = call };
        call->message_tag = (struct rpc_tag){ .fn = on_message, .owner = call };
        call->details = grpc_empty_slice();
        grpc_metadata_array_init(&call->initial);
        grpc_metadata_array_init(&call->trailing);
        call->call = grpc_channel_create_call(call->link->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                              rpc_queue(call->rpc), method, NULL,
                                              rpc_deadline_after(o->timeout_us), NULL);
        grpc_slice_unref(method);
        return call;
}

int hv_rpc_call_start(struct hv_rpc_channel *c, const struct hv_rpc_call_options *options,
                      struct hv_rpc_call **ret, struct hv_err *err) {
        _hv_unused_ _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *request = options->request;
        struct hv_rpc_call *call;
        grpc_call_error e;
        int r = check(options, err);

        if (r < 0)
                return r;
        call = call_new(c, options);
        e = start_batch(call, options);
        if (e != GRPC_CALL_OK) {
                call_free(call);
                return hv_err_set(err, -EINVAL, "%s: cannot be called: %s", options->method,
                                  grpc_call_error_to_string(e));
        }
        call->siblings = rpc_channel_calls(c);
        TAILQ_INSERT_TAIL(call->siblings, call, entry);
        if (ret)
                *ret = call;
        return 0;
}

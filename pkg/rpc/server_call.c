/* rpc/server_call.c - the life of a call that came in; see server.h.
 *
 *     begin -> refused ------------------------------------------.
 *        '---> coming (waits for room, then for its message) -----+--> answered -> freed
 *                 '-> known to its method, until on_done ---------'
 *
 * Three tags of gRPC point into it and come back in any order: `close` (the call is over, armed from begin on), `read`
 * and `send`.
 * It is freed when none is on its way, so whatever a callback does to the server, the call in hand stays.
 */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/vec.h"
#include "rpc/bytes_core.h"
#include "rpc/number.h"
#include "rpc/server_core.h"
#include "rpc/target.h"

#define SMALL_REQUEST_US (30 * HV_USEC_PER_SEC)

struct hv_rpc_server_call {
        struct hv_rpc_server *server;
        const struct hv_rpc_method *method;
        void *data;
        struct hv_rpc_peer peer;
        HV_VEC(char *) names;

        grpc_call *call;
        char *path;
        gpr_timespec deadline;
        grpc_metadata_array headers;
        HV_VEC(char *) header_texts; /* those that were asked for, terminated */

        unsigned n_tags;
        struct rpc_tag close_tag, read_tag, send_tag;
        int cancelled;
        bool is_over;  /* `close` is back */
        bool is_known; /* to its method: on_done will come */

        bool is_coming; /* in the server's list of that name */
        uint64_t until_us;
        struct rpc_share *share;
        grpc_byte_buffer *message;

        bool has_headers; /* ours are sent */
        bool is_sending;  /* `send` is on its way */
        bool is_answered; /* with the status in it */
        size_t largest;   /* message of this call */
        struct {          /* the end that waits for the message before it */
                bool waits;
                enum hv_rpc_status status;
                struct hv_rpc_bytes *reply;
                char *text;
        } end;

        TAILQ_ENTRY(hv_rpc_server_call) entry, coming_entry;
};

/* --- small things --- */

static void stop_coming(struct hv_rpc_server_call *call) {
        if (!call->is_coming)
                return;
        call->is_coming = false;
        TAILQ_REMOVE(&call->server->coming, call, coming_entry);
}

static void free_texts(char **v, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(v[i]);
        free(v);
}

static void free_if_idle(struct hv_rpc_server_call *call) {
        struct hv_rpc_server *s = call->server;

        if (call->n_tags > 0)
                return;
        stop_coming(call);
        TAILQ_REMOVE(&s->calls, call, entry);
        s->n_calls--;
        if (call->message)
                grpc_byte_buffer_destroy(call->message);
        grpc_metadata_array_destroy(&call->headers);
        grpc_call_unref(call->call);
        (void) rpc_share_free(call->share);
        (void) hv_rpc_bytes_free(call->end.reply);
        free(call->end.text);
        free(call->path);
        free_texts(call->names.v, call->names.n);
        free_texts(call->header_texts.v, call->header_texts.n);
        rpc_trim_soon(s->rpc, call->largest);
        free(call);
        rpc_server_free_if_over(s);
}

static void start(struct hv_rpc_server_call *call, const grpc_op *ops, size_t n_ops, struct rpc_tag *tag) {
        call->n_tags++;
        if (grpc_call_start_batch(call->call, ops, n_ops, rpc_arm(call->server->rpc, tag), NULL) ==
            GRPC_CALL_OK)
                return;
        /* Only a fault of this file leads here. The call ends for its client, and `close` comes back. */
        rpc_disarm(call->server->rpc, tag);
        call->n_tags--;
        (void) grpc_call_cancel(call->call, NULL);
}

static void tell_done(struct hv_rpc_server_call *call, bool written) {
        if (!call->is_known)
                return;
        call->is_known = false;
        if (call->method->on_done)
                call->method->on_done(call->server->options.userdata, call, written);
}

/* --- answers --- */

/* One batch of what is given: headers where none were sent, a message (NULL: none), and the status where `last`. */
static void answer(struct hv_rpc_server_call *call, struct hv_rpc_bytes *message, bool last,
                   enum hv_rpc_status status, const char *text) {
        grpc_slice details = grpc_slice_from_copied_string(text ? text : "");
        grpc_byte_buffer *buffer = message ? hv_rpc_bytes_to_core(message) : NULL;
        grpc_op ops[3] = {};
        size_t n = 0;

        if (!call->has_headers)
                ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
        if (buffer) {
                ops[n].op = GRPC_OP_SEND_MESSAGE;
                ops[n++].data.send_message.send_message = buffer;
                call->largest = HV_MAX(call->largest, hv_rpc_bytes_len(message));
        }
        if (last) {
                ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
                ops[n].data.send_status_from_server.status = (grpc_status_code) status;
                ops[n++].data.send_status_from_server.status_details = &details;
        }
        call->has_headers = true;
        call->is_sending = true;
        call->is_answered = last;
        start(call, ops, n, &call->send_tag);
        if (buffer)
                grpc_byte_buffer_destroy(buffer);
        grpc_slice_unref(details);
        (void) hv_rpc_bytes_free(message);
}

static void refuse(struct hv_rpc_server_call *call, enum hv_rpc_status status, const char *text) {
        stop_coming(call);
        rpc_server_look_again(call->server);
        call->share = rpc_share_free(call->share);
        if (!call->is_over)
                answer(call, NULL, true, status, text);
}

static void on_send(void *owner, bool ok) {
        struct hv_rpc_server_call *call = owner;

        call->n_tags--;
        call->is_sending = false;
        if (call->is_answered || call->is_over)
                tell_done(call, ok && call->is_answered);
        else if (call->end.waits) {
                call->end.waits = false;
                answer(call, HV_STEAL(call->end.reply), true, call->end.status, call->end.text);
        } else if (ok && call->is_known && call->method->on_sent)
                call->method->on_sent(call->server->options.userdata, call);
        free_if_idle(call);
}

static void on_close(void *owner, bool ok) {
        struct hv_rpc_server_call *call = owner;

        (void) ok; /* always */
        call->n_tags--;
        call->is_over = true;
        stop_coming(call);
        rpc_server_look_again(call->server);
        if (!call->is_answered && !call->is_sending)
                tell_done(call, false);
        free_if_idle(call);
}

static void finish(struct hv_rpc_server_call *call, struct hv_rpc_bytes *reply, enum hv_rpc_status status,
                   const char *text) {
        if (call->is_answered || call->end.waits || call->is_over || !call->is_known)
                (void) hv_rpc_bytes_free(reply);
        else if (!call->is_sending)
                answer(call, reply, true, status, text);
        else {
                call->end.waits = true;
                call->end.status = status;
                call->end.reply = reply;
                call->end.text = hv_strdup(text);
        }
}

void hv_rpc_server_call_reply(struct hv_rpc_server_call *call, struct hv_rpc_bytes *reply) {
        finish(call, reply ? reply : hv_rpc_bytes_new(), HV_RPC_OK, NULL);
}

void hv_rpc_server_call_end(struct hv_rpc_server_call *call, enum hv_rpc_status status, const char *text) {
        finish(call, NULL, status, text);
}

int hv_rpc_server_call_send(struct hv_rpc_server_call *call, struct hv_rpc_bytes *message) {
        int r = call->is_answered || call->is_over || call->end.waits || !call->is_known ? -EPIPE
                : call->is_sending                                                       ? -EBUSY
                                                                                         : 0;

        if (r < 0)
                (void) hv_rpc_bytes_free(message);
        else
                answer(call, message ? message : hv_rpc_bytes_new(), false, HV_RPC_OK, NULL);
        return r;
}

/* --- the request --- */

static void hand_over(struct hv_rpc_server_call *call, grpc_byte_buffer *message) {
        struct hv_rpc_bytes *request = hv_rpc_bytes_from_core(message);

        rpc_share_attach(HV_STEAL(call->share), request);
        call->is_known = true;
        call->method->on_request(call->server->options.userdata, call, request);
}

static size_t max_request(const struct hv_rpc_method *method) {
        return method->max_request_bytes ? method->max_request_bytes : HV_RPC_MESSAGE_BYTES_DEFAULT;
}

static void on_read(void *owner, bool ok) {
        struct hv_rpc_server_call *call = owner;
        grpc_byte_buffer *message = HV_STEAL(call->message);
        char text[120];

        (void) ok;
        call->n_tags--;
        stop_coming(call);
        rpc_server_look_again(call->server);
        if (message)
                call->largest = grpc_byte_buffer_length(message);
        if (call->is_over || call->is_answered || call->server->freed)
                ;
        else if (!message)
                refuse(call, HV_RPC_INVALID_ARGUMENT, "a call needs a message");
        else if (message->data.raw.compression != GRPC_COMPRESS_NONE)
                refuse(call, HV_RPC_UNIMPLEMENTED, "compressed messages are not taken");
        else if (grpc_byte_buffer_length(message) > max_request(call->method)) {
                (void) snprintf(text, sizeof text, "a message of %zu bytes; this method takes at most %zu",
                                grpc_byte_buffer_length(message), max_request(call->method));
                refuse(call, HV_RPC_RESOURCE_EXHAUSTED, text);
        } else
                hand_over(call, HV_STEAL(message));
        if (message)
                grpc_byte_buffer_destroy(message);
        free_if_idle(call);
}

/* gRPC knows one limit for all methods of a server, so a message that is too large for its own is seen when it is
 * complete. What comes to a method of small messages therefore gets less time, which bounds what a peer can fill with
 * it. */
static uint64_t patience_us(const struct hv_rpc_server_call *call) {
        uint64_t request_us = call->server->options.request_us;

        return max_request(call->method) > HV_RPC_MESSAGE_BYTES_DEFAULT
                       ? request_us
                       : HV_MIN(request_us, SMALL_REQUEST_US);
}

static void wait_until(struct hv_rpc_server_call *call) {
        struct rpc_server_calls *coming = &call->server->coming;
        struct hv_rpc_server_call *before;

        stop_coming(call);
        call->until_us = hv_time_add(rpc_now_us(), patience_us(call));
        TAILQ_FOREACH_REVERSE(before, coming, rpc_server_calls, coming_entry) {
                if (before->until_us <= call->until_us)
                        break;
        }
        if (before)
                TAILQ_INSERT_AFTER(coming, before, call, coming_entry);
        else
                TAILQ_INSERT_HEAD(coming, call, coming_entry);
        call->is_coming = true;
        rpc_server_look_again(call->server);
}

bool rpc_server_call_try_read(struct hv_rpc_server_call *call) {
        grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->message };

        if (call->share)
                return true; /* it is read already */
        call->share = rpc_room_take(call->server->room, max_request(call->method));
        if (!call->share)
                return false;
        wait_until(call);
        start(call, &op, 1, &call->read_tag);
        return true;
}

void rpc_server_call_is_late(struct hv_rpc_server_call *call) {
        if (call->share)
                refuse(call, HV_RPC_DEADLINE_EXCEEDED, "the request did not come in time");
        else
                refuse(call, HV_RPC_RESOURCE_EXHAUSTED, "busy with other large messages");
}

uint64_t rpc_server_call_until_us(const struct hv_rpc_server_call *call) {
        return call->until_us;
}

struct hv_rpc_server_call *rpc_server_call_next_coming(struct hv_rpc_server_call *call) {
        return TAILQ_NEXT(call, coming_entry);
}

/* --- begin --- */

static char *text_of(grpc_slice slice) {
        return hv_strndup((const char *) GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
}

/* The names that the certificate of the client carries, as far as one was asked for and verified. */
static void read_names(struct hv_rpc_server_call *call) {
        grpc_auth_context *context = grpc_call_auth_context(call->call);
        grpc_auth_property_iterator it;
        const grpc_auth_property *p;

        if (!context)
                return;
        it = grpc_auth_context_find_properties_by_name(context, GRPC_X509_SAN_PROPERTY_NAME);
        while ((p = grpc_auth_property_iterator_next(&it)))
                hv_vec_push(&call->names, hv_strndup(p->value, p->value_length));
        grpc_auth_context_release(context);
}

static void read_peer(struct hv_rpc_server_call *call) {
        char *peer = grpc_call_get_peer(call->call);

        rpc_peer_parse(peer, &call->peer.address);
        gpr_free(peer);
        read_names(call);
        call->peer.names = (const char *const *) call->names.v;
        call->peer.n_names = call->names.n;
}

static const struct hv_rpc_method *find_method(const struct hv_rpc_server_options *o, const char *path) {
        for (size_t i = 0; i < o->n_methods; i++) {
                if (hv_streq(o->methods[i].path, path))
                        return &o->methods[i];
        }
        return NULL;
}

static void judge(struct hv_rpc_server_call *call) {
        struct hv_rpc_server *s = call->server;
        const struct hv_rpc_server_options *o = &s->options;
        enum hv_rpc_status status = HV_RPC_OK;
        const char *text = NULL;

        if (o->accept)
                status = o->accept(o->userdata, &call->peer, call->path, &text);
        if (status != HV_RPC_OK)
                refuse(call, status, text);
        else if (s->n_calls > o->max_calls)
                refuse(call, HV_RPC_RESOURCE_EXHAUSTED, "too many calls at once");
        else if (!call->method)
                refuse(call, HV_RPC_UNIMPLEMENTED, "unknown method");
        else {
                wait_until(call);
                (void) rpc_server_call_try_read(call);
        }
}

void rpc_server_call_begin(struct hv_rpc_server *s, struct rpc_arrival *arrival) {
        struct hv_rpc_server_call *call = HV_NEW(struct hv_rpc_server_call);
        grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                       .data.recv_close_on_server.cancelled = &call->cancelled };

        call->server = s;
        call->call = HV_STEAL(arrival->call);
        call->path = text_of(arrival->details.method);
        call->deadline = gpr_convert_clock_type(arrival->details.deadline, GPR_CLOCK_MONOTONIC);
        call->headers = arrival->headers;
        grpc_metadata_array_init(&arrival->headers);
        call->close_tag = (struct rpc_tag){ .fn = on_close, .owner = call };
        call->read_tag = (struct rpc_tag){ .fn = on_read, .owner = call };
        call->send_tag = (struct rpc_tag){ .fn = on_send, .owner = call };
        call->method = find_method(&s->options, call->path);
        TAILQ_INSERT_TAIL(&s->calls, call, entry);
        s->n_calls++;
        read_peer(call);
        start(call, &op, 1, &call->close_tag);
        judge(call);
        free_if_idle(call);
}

void rpc_server_calls_drop(struct hv_rpc_server *s) {
        struct hv_rpc_server_call *call;

        TAILQ_FOREACH (call, &s->calls, entry) {
                stop_coming(call);
                call->share = rpc_share_free(call->share);
                tell_done(call, false);
        }
}

/* --- what a receiver may ask --- */

const struct hv_rpc_peer *hv_rpc_server_call_peer(const struct hv_rpc_server_call *call) {
        return &call->peer;
}

static bool slice_is(grpc_slice slice, const char *text) {
        return GRPC_SLICE_LENGTH(slice) == strlen(text) &&
               memcmp(GRPC_SLICE_START_PTR(slice), text, GRPC_SLICE_LENGTH(slice)) == 0;
}

const char *hv_rpc_server_call_header(struct hv_rpc_server_call *call, const char *name) {
        for (size_t i = 0; i < call->headers.count; i++) {
                if (slice_is(call->headers.metadata[i].key, name)) {
                        hv_vec_push(&call->header_texts, text_of(call->headers.metadata[i].value));
                        return call->header_texts.v[call->header_texts.n - 1];
                }
        }
        return NULL;
}

uint64_t hv_rpc_server_call_time_left_us(const struct hv_rpc_server_call *call) {
        gpr_timespec left = gpr_time_sub(call->deadline, gpr_now(GPR_CLOCK_MONOTONIC));

        if (gpr_time_cmp(call->deadline, gpr_inf_future(GPR_CLOCK_MONOTONIC)) == 0)
                return HV_TIME_NEVER;
        if (left.tv_sec < 0)
                return 0;
        return (uint64_t) left.tv_sec * HV_USEC_PER_SEC + (uint64_t) left.tv_nsec / 1000;
}

void hv_rpc_server_call_set_data(struct hv_rpc_server_call *call, void *data) {
        call->data = data;
}

void *hv_rpc_server_call_data(const struct hv_rpc_server_call *call) {
        return call->data;
}

bool hv_rpc_peer_has_name(const struct hv_rpc_peer *peer, const char *name) {
        for (size_t i = 0; i < peer->n_names; i++) {
                if (strcasecmp(peer->names[i], name) == 0)
                        return true;
        }
        return false;
}

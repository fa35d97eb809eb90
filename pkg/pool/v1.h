/* pool/v1.h - the parts of dialect v1; private to v1*.c.
 *
 *      v1.c         the table of operations: register, beat, logs, results
 *      v1_call.c    one message out, one message in, with a deadline
 *      v1_list.c    what is assigned: fetched, or watched as a stream; handled a slice at a time
 *      v1_inputs.c  assignments whose inputs are still coming
 *      v1_refuse.c  assignments that are refused: the pool is told
 */
#pragma once

#include <sys/queue.h>

#include <nodepool_v1.pb-c.h>

#include "pool/dialect.h"
#include "pool/document.h"
#include "rpc/bytes.h"
#include "rpc/call.h"
#include "rpc/channel.h"

#define V1_TIMEOUT_US (10 * HV_USEC_PER_SEC)
#define V1_LIST_MAX_BYTES ((size_t) 64 << 20)
#define V1_PIECE_BYTES ((size_t) 1 << 20) /* of a result or a log; more than that goes in pieces */

struct hv_map;
struct v1_call;
struct v1_list;
struct v1_inputs;
struct v1_refusals;

struct hv_pool_peer {
        struct hv_pool_opening with;
        struct hv_rpc_credentials *credentials;
        struct hv_rpc_channel *channel;
        TAILQ_HEAD(, v1_call) calls; /* that wait for an answer */

        uint64_t node_epoch;
        bool knows_additions; /* more than the documented fields: it said a lease or an epoch */

        struct v1_list *list;
        struct v1_inputs *inputs;
        struct v1_refusals *refusals;
};

/* --- v1_call.c --- */

/* The answer as far as the status says it. With OK, `reply` is the message that came: NULL when it cannot be read, and then
 * the outcome is AGAIN. */
struct v1_caller { /* whoever waits for it; copied */
        hv_answer_fn *done;
        void *data;
        bool is_whole; /* of a result: it is all in one message */
};
typedef void v1_reply_fn(struct hv_pool_peer *peer, const struct v1_caller *caller, struct hv_answer *answer,
                         const ProtobufCMessage *reply);

struct v1_request {
        const char *method; /* "RegisterNode" */
        const ProtobufCMessage *message;
        const ProtobufCMessageDescriptor *reply;
        uint64_t timeout_us; /* 0: V1_TIMEOUT_US */
        /* Bytes of a file as one more field of the message: sent from where they lie. */
        unsigned file_field;
        int fd;
        uint64_t file_offset;
        size_t file_len; /* 0: none */
};

/* `on_reply` once, later; not after the peer is closed. */
void v1_call_start(struct hv_pool_peer *peer, const struct v1_request *request, v1_reply_fn *on_reply,
                   struct v1_caller caller);
void v1_calls_end(struct hv_pool_peer *peer); /* silently */
/* "RegisterNode: UNAVAILABLE: connection refused" */
const char *v1_say(struct hv_arena *arena, const char *method, const struct hv_rpc_end *end);
#define V1_METHOD(name) "/nodepool.NodeManager/" name

/* --- v1_list.c --- */

int v1_list_new(struct hv_pool_peer *peer, struct v1_list **ret, struct hv_err *err);
struct v1_list *v1_list_free(struct v1_list *l);
void v1_list_receive(struct v1_list *l, bool on);
void v1_list_fetch(struct v1_list *l);
void v1_list_ask_again(struct v1_list *l); /* an assignment was not taken for now: all are asked for, later */

/* --- v1_inputs.c --- */

int v1_inputs_new(struct hv_pool_peer *peer, struct v1_inputs **ret, struct hv_err *err);
struct v1_inputs *v1_inputs_free(struct v1_inputs *i);
void v1_inputs_receive(struct v1_inputs *i, bool on);
/* Brings the inputs into the inbox, then assigns. The document is borrowed. */
void v1_inputs_add(struct v1_inputs *i, const struct hv_pool_document *d);
/* Is this assignment on its way already? One of the same id that is older goes. */
bool v1_inputs_has(struct v1_inputs *i, const struct hv_pool_assignment *a);
bool v1_inputs_drop(struct v1_inputs *i, const char *id);           /* it was taken back */
void v1_inputs_keep(struct v1_inputs *i, const struct hv_map *ids); /* drops all others */

/* --- v1_refuse.c --- */

struct v1_refusals *v1_refusals_new(struct hv_pool_peer *peer);
struct v1_refusals *v1_refusals_free(struct v1_refusals *r);
/* Told once; when that is lost the pool assigns it again, and is told again. */
void v1_refuse(struct hv_pool_peer *peer, const struct hv_pool_assignment *a, const char *why);
void v1_hand_back(struct hv_pool_peer *peer, const struct hv_pool_assignment *a, const char *why);

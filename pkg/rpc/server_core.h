/* rpc/server_core.h - what a call and its server know of each other; private. */
#pragma once

#include <sys/queue.h>

#include "rpc/queue.h"
#include "rpc/room.h"
#include "rpc/server.h"

TAILQ_HEAD(rpc_server_calls, hv_rpc_server_call);

struct hv_rpc_server {
        struct hv_rpc *rpc;
        struct hv_rpc_server_options options; /* with the defaults in place; listen is NULL */
        struct rpc_server_credentials *credentials;
        grpc_server *core;
        uint16_t port;
        bool stopping; /* shutdown was asked for */
        bool stopped;  /* and is complete */
        bool freed;    /* by its owner: nothing is called any more */
        struct rpc_tag stop_tag;
        void (*on_drained)(void *userdata);

        unsigned n_slots;              /* requests for a call that gRPC has */
        struct rpc_server_calls calls; /* all */
        size_t n_calls;
        struct rpc_room *room;
        struct rpc_server_calls coming; /* wait for room, or for their message; in the order of `until_us` */
        struct sd_event_source *timer;  /* for the first of them */
};

struct rpc_arrival { /* as gRPC hands a call over; everything is used up */
        grpc_call *call;
        grpc_call_details details;
        grpc_metadata_array headers;
};

void rpc_server_call_begin(struct hv_rpc_server *s, struct rpc_arrival *arrival);
void rpc_server_calls_drop(struct hv_rpc_server *s); /* it is freed: on_done for all that wait for one */

/* By the server, for calls in `coming`. */
bool rpc_server_call_try_read(struct hv_rpc_server_call *call); /* false: no room */
uint64_t rpc_server_call_until_us(const struct hv_rpc_server_call *call);
struct hv_rpc_server_call *rpc_server_call_next_coming(struct hv_rpc_server_call *call);
void rpc_server_call_is_late(struct hv_rpc_server_call *call);

/* By the call. */
void rpc_server_look_again(struct hv_rpc_server *s);   /* `coming` changed at its head */
void rpc_server_free_if_over(struct hv_rpc_server *s); /* a call is gone */
uint64_t rpc_now_us(void);

/* rpc/server.h - takes calls: a table of methods, each with one request, and one answer or a stream of them.
 *
 *     call --> accept --> [room] --> request is read --> on_request --> reply or fail ---------> on_done(written)
 *               |           |              |               (at once       stream: send, on_sent, ..., end
 *               '-----------'--------------'--> refused     or later)
 *
 * Model    A call is judged before a byte of its message is taken: where it comes from (accept), whether there are too
 *          many, and whether the memory for the largest message of its method is free. What has to wait for that memory
 *          is held back by HTTP/2's flow control; the rest is refused with a status that says why. A method that is not
 *          in the table is UNIMPLEMENTED. on_request may answer at once or keep the call and answer later, in any
 *          order.
 * Life     After on_request comes exactly one on_done, whatever happens: the answer was written (true), or it never
 *          will be, because the client cancelled, its deadline passed, the connection broke, or the server was freed
 *          (false). Until on_done returns the call may be used, then it is gone. Answers after the first, and to a call
 *          that is over, do nothing.
 * Source   limits: gRPC has none on connections, so those that bring no call are closed: after handshake_us without a
 *          handshake, after idle_us without a call.
 */
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/time.h"
#include "rpc/bytes.h"
#include "rpc/runtime.h"
#include "rpc/status.h"

struct hv_rpc_credentials;
struct hv_rpc_server;
struct hv_rpc_server_call;

struct hv_rpc_peer {
        /* AF_INET, AF_INET6 (never a mapped IPv4), AF_UNIX; AF_UNSPEC: not known. */
        struct sockaddr_storage address;
        /* Of its certificate: DNS names, addresses, URIs. Only where one was asked for. */
        const char *const *names;
        size_t n_names;
};

/* Exactly this name, in upper or lower case. */
bool hv_rpc_peer_has_name(const struct hv_rpc_peer *peer, const char *name);

struct hv_rpc_method {
        const char *path;         /* "/package.Service/Method" */
        bool stream;              /* answers with a stream */
        size_t max_request_bytes; /* 0: HV_RPC_MESSAGE_BYTES_DEFAULT. More is refused with RESOURCE_EXHAUSTED */

        /* A whole request; the receiver frees it (on the loop), and with it the memory that it took of max_held_bytes. */
        void (*on_request)(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
        /* Of a stream: the message is on its way, the next may come. NULL: not of interest. */
        void (*on_sent)(void *userdata, struct hv_rpc_server_call *call);
        /* The end. NULL: not of interest. */
        void (*on_done)(void *userdata, struct hv_rpc_server_call *call, bool written);
};

struct hv_rpc_server_options {
        const char *listen; /* "1.2.3.4:port", "[IPv6]:port" (port 0: any), "unix:/path" */
        struct hv_rpc_credentials *credentials; /* held; needed, also for plain text */
        const struct hv_rpc_method *methods;    /* stay as long as the server */
        size_t n_methods;

        /* May this peer call this? Anything but OK is the answer, with *text (static or of userdata) to it. NULL: anybody. */
        enum hv_rpc_status (*accept)(void *userdata, const struct hv_rpc_peer *peer, const char *path,
                                     const char **text);

        unsigned max_calls; /* at once; above, RESOURCE_EXHAUSTED. 0: 100 */
        /* Of requests that are read or held by their receivers, at once: a call waits until the largest message of its
         * method fits. 0: twice the largest of all methods. */
        size_t max_held_bytes;
        /* For a call to wait for room, and again for its message to come; 0: 5 min. A method of at most
         * HV_RPC_MESSAGE_BYTES_DEFAULT has 30 s at most: only a complete message shows that it is too large. */
        uint64_t request_us;
        uint64_t handshake_us;         /* for a new connection to become one of HTTP/2; 0: 10 s */
        uint64_t keepalive_us;         /* ask a silent client whether it is there; 0: 30 s */
        uint64_t keepalive_timeout_us; /* 0: 10 s */
        uint64_t ping_min_us;          /* a client that asks more often without data is sent away; 0: 5 s */
        uint64_t idle_us;              /* a connection without a call for that long is closed; 0: 5 min */
        uint64_t age_us;               /* a connection that old takes no new call; 0: any */
        void *userdata;
};

/* Listens at once. -EINVAL; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES as of bind(2). */
int hv_rpc_server_new(struct hv_rpc *rpc, const struct hv_rpc_server_options *options,
                      struct hv_rpc_server **ret, struct hv_err *err);
uint16_t hv_rpc_server_port(const struct hv_rpc_server *s); /* 0 for unix: */

/* No new call; those that run end in peace. on_drained is called when none is left and the connections are closed. */
void hv_rpc_server_drain(struct hv_rpc_server *s, void (*on_drained)(void *userdata));

/* Ends all calls, each with on_done(false). Takes NULL, gives NULL. Not inside accept; allowed in every other callback. */
struct hv_rpc_server *hv_rpc_server_free(struct hv_rpc_server *s);
HV_DEFINE_CLEANUP(struct hv_rpc_server, hv_rpc_server_free);

size_t hv_rpc_server_calls(const struct hv_rpc_server *s);      /* in flight */
size_t hv_rpc_server_held_bytes(const struct hv_rpc_server *s); /* taken of max_held_bytes */

/* --- a call --- */

const struct hv_rpc_peer *hv_rpc_server_call_peer(const struct hv_rpc_server_call *call);
/* Of the request, by lower-case name; NULL: none. Good until on_done returns. */
const char *hv_rpc_server_call_header(struct hv_rpc_server_call *call, const char *name);
/* Until the deadline of the client; HV_TIME_NEVER: it has none. */
uint64_t hv_rpc_server_call_time_left_us(const struct hv_rpc_server_call *call);

/* Whatever the receiver wants to find again. */
void hv_rpc_server_call_set_data(struct hv_rpc_server_call *call, void *data);
void *hv_rpc_server_call_data(const struct hv_rpc_server_call *call);

/* The answer, used up (NULL: an empty message); the call ends as OK. Of a stream the last message. */
void hv_rpc_server_call_reply(struct hv_rpc_server_call *call, struct hv_rpc_bytes *reply);
/* Ends without an answer, or a stream after what was sent. OK is for streams only. text may be NULL. */
void hv_rpc_server_call_end(struct hv_rpc_server_call *call, enum hv_rpc_status status, const char *text);
/* One message of a stream, used up. -EBUSY: the one before is not on its way yet (wait for on_sent); -EPIPE: the call is
 * over. */
int hv_rpc_server_call_send(struct hv_rpc_server_call *call, struct hv_rpc_bytes *message);

/* transfer/transfer.h - HTTP requests on the event loop, over TCP and unix sockets.
 *
 *     hv_transfer_start() -> [on_open -> on_data*] -> on_done          every step on the loop, never from
 * start itself
 *              `-> hv_request_cancel(): nothing more is called
 *
 * Model    Two lanes, because a stream that lives for days must not take the place of a call that is answered
 *          in a millisecond: "calls" opens at most 8 connections to one server and queues what is above,
 *          "streams" has no limit. Connections are kept and used again. What a caller needs to know about a
 *          failure is whether the server may have acted: `sent` is false only when no byte of the request
 *          left this process.
 * Resend   libcurl sends a request again, on a new connection, when a kept one turns out dead before any byte
 *          of a reply came. The server may have acted on the first copy by then, so only GET and HEAD, and
 *          requests of which no byte was taken by the kernel, are let through a second time; any other ends
 *          as CUT. That is free, where a fresh connection for each such request would cost a round trip.
 * Owner    Options are copied or used up by hv_transfer_start(), except callbacks' userdata. A reply lives
 *          until on_done returns. Cancel, start and free are allowed inside every callback.
 * Source   libcurl-multi(3) and what it does when pushed (docs/development.md); the only module that knows
 *          libcurl.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/time.h"

struct sd_event;
struct sockaddr;
struct hv_transfer; /* connections and what runs over them */
struct hv_request;  /* one request in flight */

struct hv_transfer_options {
        bool read_only; /* nothing but GET and HEAD is ever sent */
};

int hv_transfer_new(struct sd_event *event, const struct hv_transfer_options *options,
                    struct hv_transfer **ret, struct hv_err *err);
struct hv_transfer *hv_transfer_free(struct hv_transfer *t); /* cancels all; takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_transfer, hv_transfer_free);

enum hv_method {
        HV_METHOD_GET,
        HV_METHOD_HEAD,
        HV_METHOD_POST,
        HV_METHOD_PUT,
        HV_METHOD_DELETE,
};

const char *hv_method_name(enum hv_method method); /* "GET", ... */
bool hv_method_is_safe(enum hv_method method);     /* changes nothing: GET, HEAD */

enum hv_lane {
        HV_LANE_CALLS,
        HV_LANE_STREAMS,
};

enum hv_transfer_end {
        HV_TRANSFER_DONE,        /* a complete reply, whatever its status */
        HV_TRANSFER_UNREACHABLE, /* no connection; nothing was sent */
        HV_TRANSFER_CUT,         /* connection lost or reply broken after something was sent */
        HV_TRANSFER_LATE,        /* timeout_us is over */
        HV_TRANSFER_STALLED,     /* nothing moved for idle_us */
        HV_TRANSFER_TOO_BIG,     /* the body is above max_body_bytes */
        HV_TRANSFER_ABORTED,     /* on_data or read said so */
};

struct hv_reply {
        enum hv_transfer_end end;
        bool sent;        /* false: certain that the server has seen nothing */
        unsigned status;  /* HTTP; 0: no reply came */
        const char *body; /* what was not given to on_data; terminated, never NULL */
        size_t body_len;
        int error;           /* 0 for DONE, else -errno */
        const char *message; /* for people, what went wrong; "" for DONE */
        uint64_t duration_us, bytes_in, bytes_out;
        const struct hv_request *request; /* for hv_reply_header() */
};

/* The last value of a header of the reply, any case; NULL: none. */
const char *hv_reply_header(const struct hv_reply *reply, const char *name);

struct hv_request_options {
        enum hv_method method;
        enum hv_lane lane;
        const char *url;         /* "http://..." or "https://...", the path escaped already */
        const char *unix_socket; /* path of the socket; the URL's host is then only a name. NULL: TCP */
        const char *const
                *headers; /* "Name: value", ends with NULL; may be NULL. Wiped when the request ends */

        const char *content_type; /* of the body; NULL: none is said */
        const void *body;         /* wiped when the request ends */
        size_t body_len;
        /* Instead of body: called for more until it gives 0 (the end) or -errno (abort). Never blocks for
         * long: -EAGAIN, there is nothing yet, and it is called again after hv_request_wake(). */
        ssize_t (*read)(void *userdata, void *buf, size_t size);
        int64_t read_bytes; /* how much read will give in total; -1: not known (sent in chunks) */

        uint64_t timeout_us;   /* from start to the last byte of the reply; 0: none */
        uint64_t open_us;      /* from start to the end of the reply's headers; 0: any */
        uint64_t idle_us;      /* longest silence in both directions; 0: any */
        size_t max_body_bytes; /* of what is buffered; 0: 32 MiB */

        const char *ca_file;              /* https: instead of the system's */
        const char *cert_file, *key_file; /* https: who we are; NULL: nobody */
        bool use_proxy;                   /* of the environment; never for unix sockets */

        /* May this address be connected to? Asked for each address that the host's name leads to, in the moment of the
         * connection, and again before the request goes over one that was kept: what a name server says a second time
         * changes nothing. Only with TCP and without a proxy. A refusal looks like a host that is not reachable. NULL: any. */
        bool (*may_connect)(void *userdata, const struct sockaddr *address);

        void (*on_open)(void *userdata, unsigned status); /* headers are complete; may be NULL */
        /* Body of a 2xx reply, piece by piece; any other body is buffered. -errno aborts. NULL: buffered too.
         */
        int (*on_data)(void *userdata, const char *data, size_t len);
        void (*on_done)(void *userdata, const struct hv_reply *reply);
        void *userdata;
};

/* -EINVAL a request that cannot be; -EPERM refused because of read_only. on_done is not called then. */
int hv_transfer_start(struct hv_transfer *t, const struct hv_request_options *options,
                      struct hv_request **ret, struct hv_err *err);
void hv_request_cancel(struct hv_request *r); /* its connection is closed; NULL is fine */

/* Holds back the body of a reply that comes faster than it is used: on_data is not called while paused, and the server is
 * held back by its own full socket. What libcurl has read already (at most 16 KiB) comes first when it goes on, in a later
 * turn of the loop. Deadlines run on. Allowed inside on_data. */
void hv_request_pause(struct hv_request *r, bool paused);

/* There is more to read, for a request whose `read` gave -EAGAIN; it is asked in a later turn of the loop. */
void hv_request_wake(struct hv_request *r);

/* CLOCK_MONOTONIC in us. Not sd_event_now(): that stands still while a handler works, and a request that is started late
 * in a handler would begin in the past. */
uint64_t hv_transfer_now_us(void);

/* Connections opened since the beginning: how well they are used again. */
uint64_t hv_transfer_connections_total(const struct hv_transfer *t);

/* http/internal.h - what the parts of the server share. For the mechanism only; routes use http/request.h.
 *
 *      server.c        options, start, drain, counters
 *      connection.c    accept -> head check -> MHD; makes room; sees clients leave
 *      exchange.c      MHD's callbacks: gate, body, handler, suspended answers
 *      intake.c        bodies that are handed on
 *      request.c       what a handler asks           reply.c, stream.c, upgrade.c   what it answers
 *
 * One connection carries one request (`Connection: close`): the head check (http/head.h) must see every
 * head before MHD does, and MHD reads what follows a request by itself. Local clients pay some 50 us for
 * it.
 */
#pragma once

#include <microhttpd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "http/head.h"
#include "http/intake.h"
#include "http/listener.h"
#include "http/loop.h"
#include "http/request.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls.h"

typedef struct sd_event_source sd_event_source; /* systemd/sd-event.h */

/* Half of it is MHD's buffer for reading, which a short head does not fill; a field costs 64 bytes of the other half, and the head of an
 * answer less than 1 KiB. What is left carries the answer, piece by piece. */
#define HV_HTTP_QUIET_BYTES ((size_t) 6 << 10)
#define HV_HTTP_QUIET_HEAD_BYTES 1024u
#define HV_HTTP_QUIET_FIELDS 16u

struct hv_http_conn {
        struct hv_http_server *server;
        struct hv_http_conn *next, *previous; /* server->connections, oldest first */
        const struct hv_http_listener *listener;
        int fd; /* MHD's from the moment `mhd` is set */
        bool is_with_mhd;
        struct hv_http_loop *loop;  /* that drives it */
        struct MHD_Connection *mhd; /* NULL: the head is not whole yet */
        struct hv_http_caller caller;
        struct hv_http_request *req;
        sd_event_source *watch;    /* before MHD: bytes come. Later, while nobody reads: the client leaves */
        sd_event_source *deadline; /* of the head, then of the body */
};

enum hv_http_request_state {
        HV_HTTP_READING,  /* the body */
        HV_HTTP_HANDLING, /* the handler has it, and runs */
        HV_HTTP_WAITING,  /* the handler kept it: MHD's connection is suspended */
        HV_HTTP_ANSWERED, /* `response` is made; later it is MHD's */
        HV_HTTP_GONE,     /* nobody is there to answer */
};

struct hv_http_pair {
        const char *name, *value; /* in the request's arena */
};

struct hv_http_request {
        struct hv_http_conn *conn;
        struct hv_arena *arena;
        uint64_t id;
        enum hv_http_request_state state;
        enum hv_http_method method;
        bool is_head;
        bool wants_yaml; /* in place of JSON */
        struct hv_http_path path;
        struct hv_http_match match;
        HV_VEC(struct hv_http_pair) query;
        struct hv_buf body; /* no more than the route takes */
        size_t body_received_bytes;
        struct hv_http_intake intake; /* take NULL: the body is kept, above */
        bool is_held;                 /* of it: MHD's connection is suspended until there is room */
        HV_VEC(struct hv_http_pair) reply_headers;
        unsigned status;
        struct MHD_Response *response;
        struct hv_http_stream *stream;
        struct hv_http_upgrade *upgrade;
        void (*gone)(void *userdata);
        void *gone_userdata;
};

struct hv_http_server {
        sd_event *event;
        struct hv_http_limits limits;
        struct hv_http_head_limits head_limits;
        bool (*identify)(struct hv_http_request *req, struct hv_http_caller *caller, void *userdata);
        void (*closed)(struct hv_http_server *server, void *userdata);
        void *userdata; /* of both */
        bool (*is_current)(const char *tag, size_t len, void *userdata);
        void *current_userdata;
        struct hv_http_router *router;
        struct hv_tls *tls;                   /* NULL: none */
        struct hv_http_listener *listener[2]; /* unix, TCP; either may be NULL */
        sd_event_source *accept[2];
        sd_event_source *resume_accept; /* after the process ran out of descriptors */
        struct hv_http_loop *loop,
                *quiet_loop; /* two of MHD's: each gives all its connections the same memory */
        struct hv_http_conn *connections, *last_connection;
        char *peeked; /* head_max_bytes + 1: what a client has sent, looked at and not taken */
        struct hv_http_stream *streams;
        struct hv_http_upgrade *upgrades;
        uint64_t next_request_id, last_denied_us;
        struct hv_http_stats stats;
        bool is_draining;
        void (*drained)(void *userdata);
        void *drained_userdata;
        sd_event_source *drain_deadline;
};

/* connection.c */
void hv_http_accept_all(struct hv_http_server *server, size_t which);
void hv_http_conn_attach(struct hv_http_conn *conn, struct MHD_Connection *mhd); /* MHD has taken it */
struct hv_http_conn *hv_http_conn_free(struct hv_http_conn *conn);
void hv_http_conn_watch_leaving(struct hv_http_conn *conn,
                                bool on); /* then hv_http_client_left() comes once */
void hv_http_conn_set_deadline(struct hv_http_conn *conn, uint64_t after_us); /* 0: none */
void hv_http_conn_expect_acks(struct hv_http_conn *conn); /* as hv_http_listener_expect_acks() */
void hv_http_conn_shut(struct hv_http_conn *conn);        /* nothing more is read or written; MHD notices */

/* exchange.c */
struct MHD_Daemon *hv_http_mhd_start(struct hv_http_server *server, size_t connection_memory_bytes);
void hv_http_client_left(struct hv_http_conn *conn);
void hv_http_answer(struct hv_http_request *req, unsigned status,
                    struct MHD_Response *response); /* takes response */

/* intake.c */
bool hv_http_intake_take(struct hv_http_request *req, const char *data,
                         size_t *len); /* *len: what is left of it; false: it is to be cut */
void hv_http_intake_whole(struct hv_http_request *req);
void hv_http_intake_client_left(struct hv_http_request *req);

/* reply.c */
void hv_http_reply_problem_text(struct hv_buf *out, unsigned status, const char *code, const char *detail,
                                uint64_t id);
void hv_http_add_common_headers(struct hv_http_request *req, struct MHD_Response *response,
                                const char *content_type);
extern const char HV_HTTP_RAW_HEADERS[]; /* the same headers, for answers that MHD does not write */

/* stream.c */
void hv_http_stream_client_left(struct hv_http_stream *stream);
/* The request ends; MHD may keep the rest of the stream a little. */
void hv_http_stream_detach(struct hv_http_stream *stream, bool is_timed_out);
void hv_http_streams_end(struct hv_http_server *server, const char *reason); /* all, properly */

/* upgrade.c */
void hv_http_upgrade_detach(struct hv_http_upgrade *u); /* the request ends */
void hv_http_upgrades_end(struct hv_http_server *server, const char *reason, bool at_once);

/* server.c */
void hv_http_server_check_drained(struct hv_http_server *server);

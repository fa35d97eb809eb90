/* http/server.h - the agent's HTTP server: a unix socket and a loopback address, on the agent's own loop.
 *
 * Model    libmicrohttpd parses and writes; accepting, limits, roles, routing and everything about time
 *          are ours.
 *
 *     unix socket --.                                     .-> reply   (http/reply.h)
 *                    >- accept - limits - MHD - gate - route - handler -> later   (suspended, http/request.h)
 *     127.0.0.1 ----'                                     `-> stream  (http/stream.h, http/sse.h)
 *
 * Gate     TCP: the Host header must be localhost, 127.0.0.1 or [::1] (any port), else 421 (DNS
 *          rebinding); under TLS a name of the certificate, or the address that was connected to, will do as well. Then the one place where a caller's role meets the route's. options.identify says who he is
 *          (http/access.h); without it callers of the socket are ADMIN (its file mode decided who they are), TCP callers are
 *          VIEWER and may send GET and HEAD only.
 * Limits   see struct hv_http_limits. When connections run out, the longest idle one makes room: idle
 *          clients never lock others out.
 * Loop     every handler and callback runs on the loop's thread, at the loop's default priority.
 */
#pragma once

#include "http/request.h"

typedef struct sd_event sd_event; /* systemd/sd-event.h */

struct hv_http_server;

struct hv_http_limits {                       /* 0 takes the default */
        unsigned connections_max;             /* 256 per listening socket */
        unsigned connections_per_address_max; /* 32; per address of TCP clients */
        unsigned streams_max;                 /* 128 open streams (SSE and logs) together */
        size_t head_max_bytes;                /* 8 KiB: request line and headers; larger gets 414 or 431 */
        unsigned headers_max;                 /* 64 */
        uint64_t head_timeout_us;             /* 10 s from connect to a whole request head */
        uint64_t body_timeout_us;             /* 30 s for the body */
        uint64_t send_timeout_us; /* 30 s in which a client takes nothing of what waits; whole s */
};

struct hv_http_options {
        const char *socket_path;  /* NULL: no unix socket. Mode 0660 */
        const char *socket_group; /* NULL or unknown: the process's group */
        const char *listen;       /* "127.0.0.1:5000", "[::1]:5000", "localhost:0"; NULL: no TCP */
        /* TLS on `listen`: both or neither. With it and `identify`, `listen` may be any address. */
        const char *cert_file, *key_file;
        struct hv_http_limits limits;
        /* Says who sends the request: fills role, name, session, is_anonymous and by of *caller. False: it has answered. It sees the
         * head, and the route that was found, not the body. NULL: see Gate. */
        bool (*identify)(struct hv_http_request *req, struct hv_http_caller *caller, void *userdata);
        void (*closed)(struct hv_http_server *server, void *userdata); /* the server ends; or NULL */
        void *userdata;                                                /* of both */
};

/* Binds and listens; nothing is accepted before hv_http_server_start(). Errors: -EADDRINUSE (the socket or
 * port is served by somebody; a socket file that nobody answers is replaced), -EPERM (listen is not a
 * loopback address, and not protected: code E0504), -EINVAL. */
int hv_http_server_new(sd_event *event, const struct hv_http_options *options, struct hv_http_server **ret,
                       struct hv_err *err);
struct hv_http_server *hv_http_server_free(
        struct hv_http_server *server); /* closes everything at once, removes the socket */
HV_DEFINE_CLEANUP(struct hv_http_server, hv_http_server_free);

/* The first three of the limits, from now on; who is in already stays. */
void hv_http_server_limit(struct hv_http_server *server, const struct hv_http_limits *limits);

/* Adds a table (static). -EINVAL: a route without role, a pattern that is none, or one that is there already.
 */
int hv_http_server_add_routes(struct hv_http_server *server, const struct hv_http_route *routes,
                              size_t n_routes, void *userdata, struct hv_err *err);
/* Walks all routes in the order of registration, for the API's description. NULL at the end. */
const struct hv_http_route *hv_http_server_route(const struct hv_http_server *server, size_t index);

/* Who says whether this tag (of `len` bytes) is of things as they are now: a change with If-Match is made only then, else it is
 * answered with 412 and its handler not called. Before that nobody heeds If-Match. */
void hv_http_server_heed_if_match(struct hv_http_server *server,
                                  bool (*is_current)(const char *tag, size_t len, void *userdata),
                                  void *userdata);

/* Ends what was opened with this session or token, but for the request whose handler runs and for logins. */
void hv_http_server_cut(struct hv_http_server *server, const char *digest);

int hv_http_server_start(struct hv_http_server *server, struct hv_err *err);
uint16_t hv_http_server_port(const struct hv_http_server *server); /* the bound TCP port; 0: no TCP */

/* Ends gracefully: accepts nothing new, ends streams, lets open requests finish; then, or when grace_us has
 * passed, calls `done` once from the loop. hv_http_server_free() is still the caller's. */
void hv_http_server_drain(struct hv_http_server *server, uint64_t grace_us, void (*done)(void *userdata),
                          void *userdata);

struct hv_http_stats { /* counters since start; gauges at this moment */
        uint64_t requests, refused, evicted, dropped_streams;
        unsigned connections, in_flight, streams;
        uint64_t turns; /* of the event loop: how often the process woke and did something */
};
void hv_http_server_stats(const struct hv_http_server *server, struct hv_http_stats *ret);

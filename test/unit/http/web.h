/* web.h - a real server with a few routes, and clients of it, all on one loop: the tests of pkg/http.
 *
 * Model    Clients are plain non-blocking sockets. Whatever waits (for an answer, for the end of a connection, for a condition)
 *          turns the loop, so the server works while its client waits; a wait that lasts 20 s fails the test.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/buf.h"
#include "http/reply.h"
#include "http/server.h"
#include "http/sse.h"
#include "http/stream.h"

struct web {
        sd_event *event;
        struct hv_http_server *server;
        struct hv_http_sse_hub *hub;
        char dir[40], path[64];
        /* What the handlers left for the test to look at. */
        struct hv_http_request *kept;  /* of /later */
        unsigned n_gone;               /* /later's clients that left */
        struct hv_http_stream *stream; /* of /stream; NULL: none or over */
        char stream_reason[64];
        unsigned n_drained;
        bool answer_on_drain; /* /later's request is answered when /stream has drained */
        unsigned n_handled;
};

/* /hello, /echo (POST, 64 KiB), /later, /admin, /debug (socket only), /etag, /items/{id}/logs, /files/{path...}, /tail?n=,
 * /big (8 MiB), /page (HTML), /error, /stream, /events (SSE). */
struct web *web_start(const struct hv_http_limits *limits);
void web_stop(struct web *w);
int web_tear_down(void **state);

int web_connect(struct web *w); /* TCP */
int web_connect_unix(struct web *w);
void web_send(int fd, const void *data, size_t len); /* all of it */
void web_send_text(int fd, const char *text);

/* What is there to read, once: 1 something came, 0 nothing yet, -1 the connection has ended. */
int web_receive(int fd, struct hv_buf *got);
/* What came until the server closed the connection. The caller ends it with hv_buf_done(). Closes fd. */
struct hv_buf web_read_all(struct web *w, int fd);
/* Turns the loop until `text` is in what fd has sent since the start of *got. */
void web_read_until(struct web *w, int fd, struct hv_buf *got, const char *text);
/* One request on a connection of its own; *ret may be NULL. Gives the status. */
unsigned web_ask(struct web *w, bool on_unix, const char *request, struct hv_buf *ret);
unsigned web_status(const struct hv_buf *answer);                   /* 0: it is no answer */
bool web_has_header(const struct hv_buf *answer, const char *line); /* "Name: value", the name in any case */
const char *web_body(const struct hv_buf *answer);

#define web_wait(w, condition)                                          \
        do {                                                            \
                uint64_t _give_up = web_now_us() + UINT64_C(120000000); \
                while (!(condition))                                    \
                        web_turn(w, _give_up, #condition);              \
        } while (0)
uint64_t web_now_us(void);
void web_turn(struct web *w, uint64_t give_up_us, const char *what);

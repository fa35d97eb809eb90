/* http/stream.c - see stream.h.
 *
 *      OPEN --hv_http_stream_end()--> ENDING --queue sent--> closed
 *        '--too slow, client left----> DEAD --------------> closed
 *
 * MHD asks for bytes (on_read) when the socket takes some. With nothing queued its connection is
 * suspended, and resumed by the next write. A client that is blocked in sending is not asked at all: to
 * end it the socket is shut, which MHD and our own watch both notice. MHD's time-out (send_timeout_us)
 * ends those that take nothing; it does not count suspended time, so a stream may be silent for ever.
 */
#include "http/stream.h"

#include "http/internal.h"
#include "http/reply.h"
#include "log/log.h"

#define QUEUE_DEFAULT_BYTES ((size_t) 256 << 10)

enum state {
        STREAM_OPEN,
        STREAM_ENDING,
        STREAM_DEAD,
};

struct hv_http_stream {
        struct hv_http_request *req;
        struct hv_http_stream *next, *previous; /* server->streams */
        struct hv_http_stream_options options;
        enum state state;
        const char *doom; /* why it will be dropped, once the socket's end is seen */
        struct hv_buf queue;
        size_t sent; /* of the queue */
        bool is_suspended, is_drained_told;
        bool is_broken; /* behind the queue comes a break instead of a proper end */
};

static struct hv_http_server *server_of(const struct hv_http_stream *s) {
        return s->req->conn->server;
}

static void wake(struct hv_http_stream *s) {
        if (s->is_suspended) {
                s->is_suspended = false;
                MHD_resume_connection(s->req->conn->mhd);
        }
        hv_http_loop_kick(s->req->conn->loop);
}

/* Tells the producer once, whatever the way to the end. */
static void tell_gone(struct hv_http_stream *s, const char *reason) {
        void (*gone)(const char *reason, void *userdata) = HV_STEAL(s->options.gone);

        if (gone)
                gone(reason, s->options.userdata);
}

static size_t queued(const struct hv_http_stream *s) {
        return s->queue.len - s->sent;
}

static void die(struct hv_http_stream *s) {
        if (s->state != STREAM_DEAD && s->doom) {
                server_of(s)->stats.dropped_streams++;
                hv_log_event(HV_EVENT_API_CLIENT_DROPPED, NULL, "%s was disconnected from %s: %s",
                             s->req->conn->caller.address, s->req->path.text, s->doom);
        }
        s->state = STREAM_DEAD;
        tell_gone(s, s->doom ?: "the client left");
}

/* --- MHD's side --------------------------------------------------------------------------------------------------- */

static ssize_t on_read(void *cls, uint64_t position, char *buffer, size_t max) {
        struct hv_http_stream *s = cls;
        size_t n;

        (void) position;
        if (s->state == STREAM_OPEN && queued(s) == 0 && !s->is_drained_told && s->options.drained) {
                s->is_drained_told = true;
                s->options.drained(s->options.userdata); /* may write, and may end the stream */
        }
        if (s->state == STREAM_DEAD)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        n = HV_MIN(queued(s), max);
        if (n == 0 && s->state == STREAM_ENDING)
                return s->is_broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
        if (n == 0) {
                s->is_suspended = true;
                MHD_suspend_connection(s->req->conn->mhd);
                return 0;
        }
        memcpy(buffer, s->queue.data + s->sent, n);
        s->sent += n;
        if (queued(s) == 0) {
                hv_buf_done(&s->queue); /* many streams are silent for long */
                s->sent = 0;
        }
        return (ssize_t) n;
}

void hv_http_stream_detach(struct hv_http_stream *s, bool is_timed_out) {
        struct hv_http_server *server = server_of(s);

        if (is_timed_out && !s->doom)
                s->doom = "the client takes no data";
        die(s); /* MHD may see the socket's end before our watch does */
        if (s->previous)
                s->previous->next = s->next;
        else
                server->streams = s->next;
        if (s->next)
                s->next->previous = s->previous;
        server->stats.streams--;
        s->req->stream = NULL;
        s->req = NULL;
}

/* MHD lets go of the answer after the request has ended; or before, when the answer never was under way. */
static void on_free(void *cls) {
        struct hv_http_stream *s = cls;

        if (s->req)
                hv_http_stream_detach(s, false);
        hv_buf_done(&s->queue);
        free(s);
}

/* --- clients that take nothing ------------------------------------------------------------------------------------ */

/* The socket's end is seen by the watch, from the loop: `gone` never comes from inside a write. */
static void doom(struct hv_http_stream *s, const char *reason) {
        if (s->doom || s->state == STREAM_DEAD)
                return;
        s->doom = reason;
        hv_http_conn_shut(s->req->conn);
}

void hv_http_stream_client_left(struct hv_http_stream *s) {
        if (s->state == STREAM_DEAD)
                return;
        die(s);
        wake(s);
}

/* --- the producer's side ------------------------------------------------------------------------------------------ */

struct hv_http_stream *hv_http_stream_open(struct hv_http_request *req,
                                           const struct hv_http_stream_options *options) {
        struct hv_http_server *server = req->conn->server;
        struct MHD_Response *response;
        struct hv_http_stream *s;

        if (req->is_head) {
                hv_http_reply_static(req, 200, options->content_type, "", 0);
                return NULL;
        }
        if (server->is_draining || server->stats.streams >= server->limits.streams_max) {
                hv_http_reply_header(req, "Retry-After", "10");
                hv_http_reply_problem(req, 503, "TooManyStreams", "%u streams are open already",
                                      server->stats.streams);
                return NULL;
        }
        s = HV_NEW(struct hv_http_stream);
        s->req = req;
        s->options = *options;
        if (s->options.queue_max_bytes == 0)
                s->options.queue_max_bytes = QUEUE_DEFAULT_BYTES;
        s->is_drained_told = true; /* nothing was written yet */
        s->next = server->streams;
        if (s->next)
                s->next->previous = s;
        server->streams = s;
        server->stats.streams++;
        req->stream = s;

        /* Chunks are made in the connection's own memory: MHD has no use for a block. */
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, on_read, s, on_free);
        if (!response)
                hv_out_of_memory(1);
        hv_http_add_common_headers(req, response, options->content_type);
        hv_http_answer(req, 200, response);
        hv_http_conn_watch_leaving(req->conn, true);
        hv_http_conn_expect_acks(req->conn);
        return s;
}

size_t hv_http_stream_room(const struct hv_http_stream *s) {
        return s->doom || queued(s) >= s->options.queue_max_bytes ? 0
                                                                  : s->options.queue_max_bytes - queued(s);
}

bool hv_http_stream_write(struct hv_http_stream *s, const void *data, size_t len_bytes) {
        if (len_bytes > hv_http_stream_room(s)) {
                doom(s, "the client reads too slowly");
                return false;
        }
        if (s->sent > s->queue.len / 2) {
                memmove(s->queue.data, s->queue.data + s->sent, queued(s));
                s->queue.len -= s->sent;
                s->sent = 0;
        }
        hv_buf_add(&s->queue, data, len_bytes);
        s->is_drained_told = false;
        wake(s);
        return true;
}

static void end(struct hv_http_stream *s) {
        s->state = STREAM_ENDING;
        wake(s);
}

void hv_http_stream_end(struct hv_http_stream *s) {
        s->options.gone = NULL;
        s->options.drained = NULL;
        if (s->state == STREAM_OPEN)
                end(s);
}

void hv_http_stream_abort(struct hv_http_stream *s) {
        s->is_broken = true;
        hv_http_stream_end(s);
}

void hv_http_streams_end(struct hv_http_server *server, const char *reason) {
        struct hv_http_stream *next;

        for (struct hv_http_stream *s = server->streams; s; s = next) {
                next = s->next;
                if (s->state != STREAM_OPEN)
                        continue;
                s->options.drained = NULL;
                tell_gone(s,
                          reason); /* the stream itself stays until MHD lets go of it, and so does `next` */
                end(s);
        }
}

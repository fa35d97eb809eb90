/* http/stream.h - an answer whose end is not known yet: chunked data, as for followed logs.
 *
 * Model    The producer writes, the stream queues, the client reads at its own speed. The queue is
 *          bounded: a producer that can wait asks hv_http_stream_room() and goes on when `drained` is
 *          called; one that cannot wait (events) writes anyway, and a client that is too slow is
 *          dropped, never buffered for without end. A client that takes nothing for the server's
 *          send_timeout_us while data waits is dropped too, and one that is gone without a word once the
 *          kernel has asked it in vain, or it confirmed nothing, for 90 s.
 * Life     hv_http_stream_open() ends the request and makes the stream. It lives until
 *          hv_http_stream_end(), or until `gone` was called (client left, dropped as too slow, server
 *          stops); it must not be used afterwards. `gone` never comes after hv_http_stream_end(), and
 *          never from inside hv_http_stream_write().
 */
#pragma once

#include "http/request.h"

struct hv_http_stream;

struct hv_http_stream_options {
        const char *content_type;
        size_t queue_max_bytes;                           /* 0: 256 KiB */
        void (*drained)(void *userdata);                  /* may be NULL: the queue has become empty */
        void (*gone)(const char *reason, void *userdata); /* required: the stream is over, and why */
        void *userdata;
};

/* NULL when the request is already answered: too many streams (503, Retry-After), or a HEAD. */
struct hv_http_stream *hv_http_stream_open(struct hv_http_request *req,
                                           const struct hv_http_stream_options *options);
/* Queues. False when it would exceed its bound: nothing is queued and the client will be dropped. */
bool hv_http_stream_write(struct hv_http_stream *stream, const void *data, size_t len_bytes);
size_t hv_http_stream_room(const struct hv_http_stream *stream); /* bytes that fit at this moment */
void hv_http_stream_end(struct hv_http_stream *stream); /* the client gets the queue, then a proper end */
/* As _end(), but the client sees that the connection broke: what it has is not all. */
void hv_http_stream_abort(struct hv_http_stream *stream);

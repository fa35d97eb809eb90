#include "http/pull.h"

#include <string.h>

#include "base/alloc.h"
#include "http/stream.h"
#include "log/log.h"

#define QUEUE_MAX_BYTES ((size_t) 256 << 10)
#define PIECE_BYTES ((size_t) 64 << 10)

struct pulling {
        struct hv_http_pull pull;
        struct hv_http_stream *stream;
        char buf[PIECE_BYTES];
};

static void pulling_free(struct pulling *p) {
        p->pull.done(p->pull.source);
        free(p);
}

static void on_gone(const char *reason, void *userdata) {
        (void) reason;
        pulling_free(userdata);
}

/* One queue's worth a turn: a fast client must not keep the loop to itself. */
static void fill(void *userdata) {
        struct pulling *p = userdata;

        while (hv_http_stream_room(p->stream) >= PIECE_BYTES) {
                ssize_t n = p->pull.fill(p->pull.source, p->buf, PIECE_BYTES);

                if (n > 0) {
                        (void) hv_http_stream_write(p->stream, p->buf, (size_t) n);
                        continue;
                }
                if (n == 0)
                        hv_http_stream_end(p->stream);
                else {
                        (void) hv_log_warn((int) n, "an answer was broken off: %s", strerror((int) -n));
                        hv_http_stream_abort(p->stream);
                }
                pulling_free(p);
                return;
        }
}

void hv_http_pull(struct hv_http_request *req, const struct hv_http_pull *pull) {
        struct pulling *p = HV_NEW(struct pulling);
        const struct hv_http_stream_options options = {
                .content_type = pull->content_type,
                .queue_max_bytes = QUEUE_MAX_BYTES,
                .drained = fill,
                .gone = on_gone,
                .userdata = p,
        };

        p->pull = *pull;
        p->stream = hv_http_stream_open(req, &options);
        if (p->stream)
                fill(p);
        else
                pulling_free(p);
}

/* docker/logs.c - a container's log, taken out of the engine's framing.
 *
 * Framing  Without a terminal each write comes as a frame: one byte stream (1 stdout, 2 stderr), three bytes zero, four
 *          bytes length (big endian), payload. With a terminal it is the bare bytes, cut into lines here.
 *          With timestamps every frame (or line) begins "2026-11-21T10:00:00.123456789Z ".
 * Long     Docker cuts a line of more than 16 KiB into parts; its log driver `local` (20.10) then forgets the newline behind the
 *          last one. Only what a container leaves unfinished when it ends has none otherwise: so a newline is missing where
 *          something shorter than a part is followed by more, and where a part is followed by an empty message (which has a
 *          frame only with timestamps). It is given here. Behind the very last line, when that is a long one, nobody can tell,
 *          and nothing is added.
 * Source   Docker Engine API, "Attach to a container: stream format"; moby daemon/logger/copier.go (defaultBufSize),
 *          daemon/logger/local/read.go.
 */
#include <errno.h>

#include "base/alloc.h"
#include "docker/container.h"
#include "docker/parse.h"
#include "docker/private.h"

#define HEADER_BYTES 8u
#define PART_BYTES 16384u
#define MAX_PIECE_BYTES 65536u /* what is longer is given in pieces; engines cut at 16 KiB themselves */

struct stream {
        struct hv_docker_call *call;
        struct hv_docker_logs wanted;
        unsigned char header[HEADER_BYTES];
        size_t n_header;
        uint32_t left; /* payload of the current frame that is still to come */
        enum hv_docker_output output;
        struct hv_buf piece;
        uint64_t time_us; /* of the frame or line that is arriving */
        bool stamped;     /* its timestamp was taken off */
        bool is_mended;   /* newlines are given where they are missing */
        bool in_message;  /* a piece of the present frame was given */
        struct {          /* of the last frame of each output */
                size_t len;
                bool is_open; /* without a newline at its end */
        } last[2];
};

static void free_stream(void *state) {
        struct stream *s = state;

        hv_buf_done(&s->piece);
        free(s);
}

/* See "Long" above; in front of a piece. */
static bool lacks_newline(struct stream *s, const struct hv_docker_log *log) {
        unsigned i = log->output == HV_DOCKER_STDERR;
        bool is_first = !s->in_message;

        if (!s->is_mended || !is_first || !s->last[i].is_open)
                return false;
        return log->len > 0 ? s->last[i].len < PART_BYTES : s->last[i].len >= PART_BYTES;
}

static void remember(struct stream *s, const struct hv_docker_log *log, bool complete) {
        unsigned i = log->output == HV_DOCKER_STDERR;

        s->last[i].len = log->len + (s->in_message ? s->last[i].len : 0);
        s->last[i].is_open = log->len > 0 && log->data[log->len - 1] != '\n';
        s->in_message = !complete;
}

static void give_newline(struct stream *s, const struct hv_docker_log *in_front_of) {
        struct hv_docker_log newline = *in_front_of;

        newline.data = "\n";
        newline.len = 1;
        s->wanted.fn(s->wanted.userdata, &newline);
}

/* Gives what is collected; false when the callback ended the call. */
static bool give(struct stream *s, bool complete) {
        struct hv_docker_call *c = s->call;
        _hv_cleanup_(hv_buf_done) struct hv_buf piece = s->piece;
        struct hv_docker_log log = { .output = s->output, .data = hv_buf_str(&piece), .len = piece.len };

        s->piece = (struct hv_buf){};
        if (s->wanted.timestamps && !s->stamped) {
                size_t stamp = strcspn(log.data, " ");
                char *end = piece.data + stamp;

                s->time_us = 0;
                if (stamp < piece.len && *end == ' ') {
                        *end = '\0';
                        s->time_us = hv_parse_time(log.data);
                        *end = ' ';
                }
                if (s->time_us) {
                        log.data += stamp + 1;
                        log.len -= stamp + 1;
                }
        }
        log.time_us = s->time_us;
        s->stamped = !complete;
        if (complete)
                s->time_us = 0;
        if (lacks_newline(s, &log))
                give_newline(s, &log);
        remember(s, &log, complete);
        if (log.len && !hv_call_is_dead(c))
                s->wanted.fn(s->wanted.userdata, &log);
        return !hv_call_is_dead(c);
}

static int begin_frame(struct stream *s) {
        const unsigned char *h = s->header;

        /* What is no header means that the log is not framed: nothing after it could be trusted. */
        if (h[0] > HV_DOCKER_STDERR || h[1] || h[2] || h[3])
                return -EBADMSG;
        s->output = h[0] == HV_DOCKER_STDERR ? HV_DOCKER_STDERR : HV_DOCKER_STDOUT;
        s->left = (uint32_t) h[4] << 24 | (uint32_t) h[5] << 16 | (uint32_t) h[6] << 8 | h[7];
        return 0;
}

static int on_framed(struct stream *s, const char *data, size_t len) {
        while (len) {
                size_t n;

                if (s->left == 0) {
                        n = HV_MIN(len, HEADER_BYTES - s->n_header);
                        memcpy(s->header + s->n_header, data, n);
                        s->n_header += n;
                        if (s->n_header == HEADER_BYTES) {
                                s->n_header = 0;
                                if (begin_frame(s) < 0)
                                        return -EBADMSG;
                                if (s->left == 0 && !give(s, true))
                                        return 0;
                        }
                } else {
                        n = HV_MIN(len, HV_MIN((size_t) s->left, MAX_PIECE_BYTES - s->piece.len));
                        hv_buf_add(&s->piece, data, n);
                        s->left -= (uint32_t) n;
                        if ((s->left == 0 || s->piece.len == MAX_PIECE_BYTES) && !give(s, s->left == 0))
                                return 0;
                }
                data += n;
                len -= n;
        }
        return 0;
}

static int on_raw(struct stream *s, const char *data, size_t len) {
        s->output = HV_DOCKER_STDOUT;
        while (len) {
                size_t n = HV_MIN(len, MAX_PIECE_BYTES - s->piece.len);
                const char *newline = memchr(data, '\n', n);

                if (newline)
                        n = (size_t) (newline + 1 - data);
                hv_buf_add(&s->piece, data, n);
                if ((newline || s->piece.len == MAX_PIECE_BYTES) && !give(s, newline))
                        return 0;
                data += n;
                len -= n;
        }
        return 0;
}

static int on_data(struct hv_docker_call *c, const char *data, size_t len) {
        struct stream *s = c->state;

        return s->wanted.tty ? on_raw(s, data, len) : on_framed(s, data, len);
}

/* A line without its newline is a prompt, or the last words of somebody killed. */
static void at_end(struct hv_docker_call *c, const struct hv_reply *reply, struct hv_docker_result *result) {
        struct stream *s = c->state;

        (void) reply;
        if (s->piece.len && !give(s, true))
                return;
        if (result->outcome == HV_DOCKER_OK && (s->left || s->n_header)) {
                hv_docker_judge_garbled(-EBADMSG, result);
                result->message = "the log ends in the middle of a frame";
        }
}

struct hv_docker_call *hv_docker_container_logs(struct hv_docker *d, const char *id,
                                                const struct hv_docker_logs *logs,
                                                struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_CONTAINER_LOGS, then, "/containers/");
        struct stream *s = HV_NEW(struct stream);
        bool both = !logs->out && !logs->err;

        s->call = c;
        s->wanted = *logs;
        s->is_mended = !logs->tty && hv_docker_engine(d)->kind != HV_DOCKER_KIND_PODMAN;
        c->state = s;
        c->free_state = free_stream;
        hv_call_add_name(c, "container", id);
        hv_call_add_path(c, "/logs");
        hv_call_add_query(c, "stdout", both || logs->out ? "1" : "0");
        hv_call_add_query(c, "stderr", both || logs->err ? "1" : "0");
        if (logs->follow)
                hv_call_add_query(c, "follow", "1");
        if (logs->timestamps)
                hv_call_add_query(c, "timestamps", "1");
        if (logs->since_us)
                hv_call_add_query_instant(c, "since", logs->since_us * 1000);
        if (logs->until_us)
                hv_call_add_query_instant(c, "until", logs->until_us * 1000);
        if (logs->tail >= 0)
                hv_call_add_query_int(c, "tail", logs->tail);
        c->patient = true;
        /* It may be silent for ever, but an engine that hangs does not even begin; podman begins with the first line only. */
        if (hv_docker_engine(d)->kind != HV_DOCKER_KIND_PODMAN)
                c->open_us = c->timeout_us;
        c->timeout_us = 0;
        c->on_data = on_data;
        c->at_end = at_end;
        return hv_call_send(c);
}

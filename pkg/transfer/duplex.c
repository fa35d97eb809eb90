/* transfer/duplex.c - see duplex.h.
 *
 *     CONNECTING (libcurl) -> ASKING --101--> OPEN --> OVER
 *                                `--other--> REFUSED: reads the body --^
 */
#include "transfer/duplex.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "transfer/lane.h"

#define QUEUE_DEFAULT_BYTES ((size_t) 256 << 10)
#define ANSWER_MAX_BYTES ((size_t) 64 << 10)
#define PIECE_BYTES ((size_t) 16384)
#define PIECES_PER_TURN 32 /* then others have their turn */
/* And nine tries: a peer that is gone without a word is known to be in two minutes. */
#define KEEPALIVE_IDLE_S 30L
#define KEEPALIVE_EVERY_S 10L

struct hv_duplex {
        struct hv_duplex_options options; /* texts in it are not used after hv_duplex_open() */
        sd_event *event;
        struct lane lane;
        CURL *easy;
        bool is_added;
        sd_event_source *io, *again, *deadline;
        enum { CONNECTING, ASKING, REFUSED, OPEN, OVER } state;
        struct hv_buf out, in; /* `in`: the answer's head, then the body of a refusal */
        size_t sent;
        unsigned status;
        size_t body_at, body_len; /* of a refusal, in `in` */
        bool is_held, wants_to_send, ends_writing, has_ended_writing, is_room_told, is_sent;
        unsigned busy; /* callers of callbacks on the stack */
        bool is_dead;
        char *place;
        char curl_says[CURL_ERROR_SIZE];
};

static void release(struct hv_duplex *d) {
        sd_event_source_disable_unref(d->io);
        sd_event_source_disable_unref(d->again);
        sd_event_source_disable_unref(d->deadline);
        if (d->is_added)
                (void) curl_multi_remove_handle(d->lane.multi, d->easy);
        if (d->easy)
                curl_easy_cleanup(d->easy);
        lane_done(&d->lane);
        hv_buf_wipe(&d->out);
        hv_buf_wipe(&d->in);
        sd_event_unref(d->event);
        free(d->place);
        free(d);
        curl_global_cleanup();
}

static void leave(struct hv_duplex *d) {
        if (--d->busy == 0 && d->is_dead)
                release(d);
}

struct hv_duplex *hv_duplex_free(struct hv_duplex *d) {
        if (!d)
                return NULL;
        d->is_dead = true;
        if (d->busy == 0)
                release(d);
        return NULL;
}

/* ---- the end ---- */

static void finish(struct hv_duplex *d, int error, const char *message) {
        struct hv_duplex_end end = { .status = d->state == REFUSED ? d->status : 0,
                                     .body = "",
                                     .error = error,
                                     .is_sent = d->is_sent,
                                     .message = message };

        if (d->state == OVER || d->is_dead)
                return;
        if (d->state == REFUSED) {
                end.body = hv_buf_str(&d->in) + d->body_at;
                end.body_len = d->in.len - d->body_at;
        }
        d->state = OVER;
        d->io = sd_event_source_disable_unref(d->io);
        d->again = sd_event_source_disable_unref(d->again);
        d->deadline = sd_event_source_disable_unref(d->deadline);
        d->options.on_done(d->options.userdata, &end);
}

static void fail(struct hv_duplex *d, int error, const char *what) {
        _hv_cleanup_free_ char *text = hv_asprintf("%s: %s", d->place, what);

        finish(d, error, text);
}

static int on_late(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_duplex *d = userdata;

        (void) s;
        (void) usec;
        d->busy++;
        fail(d, -ETIMEDOUT, "no answer came in time");
        leave(d);
        return 0;
}

/* ---- the answer ---- */

/* The value of a header in a head that is terminated; NULL: none. */
static const char *header(const char *head, const char *name) {
        size_t n = strlen(name);

        for (const char *p = strchr(head, '\n'); p; p = strchr(p + 1, '\n'))
                if (strncasecmp(p + 1, name, n) == 0 && p[1 + n] == ':')
                        return p + 1 + n + 1 + strspn(p + 1 + n + 1, " \t");
        return NULL;
}

static void open_it(struct hv_duplex *d, const char *rest, size_t len) {
        d->state = OPEN;
        d->deadline = sd_event_source_disable_unref(d->deadline);
        d->options.on_open(d->options.userdata);
        if (len > 0 && !d->is_dead && d->state == OPEN)
                d->options.on_data(d->options.userdata, rest, len);
}

/* Looks at what has come of the answer so far. */
static void look_at_head(struct hv_duplex *d) {
        const char *text = hv_buf_str(&d->in), *end = strstr(text, "\r\n\r\n"), *length;
        size_t len;

        if (!end) {
                if (d->in.len > ANSWER_MAX_BYTES || strlen(text) < d->in.len)
                        fail(d, -EBADMSG, "the answer is no HTTP");
                return;
        }
        if (!hv_has_prefix(text, "HTTP/1.") || strlen(text) < 12 || text[8] != ' ' ||
            !isdigit((unsigned char) text[9])) {
                fail(d, -EBADMSG, "the answer is no HTTP");
                return;
        }
        d->status = (unsigned) strtoul(text + 9, NULL, 10);
        len = (size_t) (end - text) + 4;
        if (d->status == 101) {
                _hv_cleanup_(hv_buf_wipe) struct hv_buf in = d->in;

                d->in = (struct hv_buf){};
                open_it(d, in.data + len, in.len - len);
                return;
        }
        if (d->status < 200) { /* 100: another head follows */
                memmove(d->in.data, d->in.data + len, d->in.len - len + 1);
                d->in.len -= len;
                look_at_head(d);
                return;
        }
        d->state = REFUSED;
        d->body_at = len;
        length = header(text, "Content-Length");
        d->body_len =
                length ? HV_MIN((size_t) strtoull(length, NULL, 10), ANSWER_MAX_BYTES) : ANSWER_MAX_BYTES;
}

static void take(struct hv_duplex *d, const char *data, size_t len) {
        if (d->state == OPEN) {
                d->options.on_data(d->options.userdata, data, len);
                return;
        }
        hv_buf_add(&d->in, data, len);
        if (d->state == ASKING)
                look_at_head(d);
        if (!d->is_dead && d->state == REFUSED && d->in.len - d->body_at >= d->body_len) {
                d->in.len = d->body_at + d->body_len;
                d->in.data[d->in.len] = '\0';
                finish(d, 0, "");
        }
}

/* ---- moving bytes; 1: something moved, 0: nothing can now, -1: it is over ---- */

static int receive(struct hv_duplex *d) {
        char piece[PIECE_BYTES];
        CURLcode code;
        size_t n = 0;

        if (d->is_held && d->state == OPEN)
                return 0;
        code = curl_easy_recv(d->easy, piece, sizeof piece, &n);
        if (code == CURLE_AGAIN)
                return 0;
        if (code != CURLE_OK) {
                fail(d, -ECONNRESET, "the connection broke");
                return -1;
        }
        if (n == 0 && d->state == ASKING) {
                fail(d, -ECONNRESET, "the connection was closed without an answer");
                return -1;
        }
        if (n == 0) {
                finish(d, 0, "");
                return -1;
        }
        take(d, piece, n);
        explicit_bzero(piece, n);
        return d->is_dead || d->state == OVER ? -1 : 1;
}

static int send_some(struct hv_duplex *d) {
        CURLcode code;
        size_t n = 0;

        d->wants_to_send = false;
        if (d->sent == d->out.len)
                return 0;
        code = curl_easy_send(d->easy, d->out.data + d->sent, d->out.len - d->sent, &n);
        if (code == CURLE_AGAIN) {
                d->wants_to_send = true;
                return 0;
        }
        if (code != CURLE_OK && d->state != OPEN) {
                fail(d, -ECONNRESET, "the connection broke");
                return -1;
        }
        if (code != CURLE_OK) { /* it takes no more; what it has said all the same is still to be read */
                d->has_ended_writing = true;
                n = d->out.len - d->sent;
        }
        d->sent += n;
        d->is_sent = true;
        if (d->sent < d->out.len)
                return 1;
        hv_buf_wipe(&d->out);
        d->sent = 0;
        return 1;
}

/* All that was written is sent. */
static void after_sending(struct hv_duplex *d) {
        if (d->ends_writing && !d->has_ended_writing) {
                d->has_ended_writing = true;
                (void) shutdown(sd_event_source_get_io_fd(d->io), SHUT_WR);
        } else if (d->state == OPEN && !d->is_room_told && d->options.on_room) {
                d->is_room_told = true;
                d->options.on_room(d->options.userdata);
        }
}

static void arm(struct hv_duplex *d, bool goes_on) {
        uint32_t events = (d->is_held && d->state == OPEN ? 0U : (uint32_t) EPOLLIN) |
                          (d->wants_to_send ? (uint32_t) EPOLLOUT : 0U);

        (void) sd_event_source_set_io_events(d->io, events);
        /* Without a wish it is off: a hang-up would be told again and again. */
        (void) sd_event_source_set_enabled(d->io, events ? SD_EVENT_ON : SD_EVENT_OFF);
        /* TLS may hold bytes that no epoll tells of. */
        (void) sd_event_source_set_enabled(d->again, goes_on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void turn(struct hv_duplex *d) {
        bool goes_on = true;

        d->busy++;
        for (unsigned i = 0; goes_on && i < PIECES_PER_TURN; i++) {
                int out = send_some(d), in = -1;

                if (out >= 0 && d->out.len == 0)
                        after_sending(d);
                if (out >= 0 && !d->is_dead && d->state != OVER)
                        in = receive(d);
                if (out < 0 || in < 0 || d->is_dead || d->state == OVER)
                        break;
                goes_on = out > 0 || in > 0;
        }
        if (!d->is_dead && d->state != OVER)
                arm(d, goes_on);
        leave(d);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        (void) s;
        (void) fd;
        (void) revents;
        turn(userdata);
        return 0;
}

static int on_again(sd_event_source *s, void *userdata) {
        (void) s;
        turn(userdata);
        return 0;
}

static void soon(struct hv_duplex *d) {
        if (d->again)
                (void) sd_event_source_set_enabled(d->again, SD_EVENT_ONESHOT);
}

void hv_duplex_write(struct hv_duplex *d, const void *data, size_t len) {
        assert(len <= hv_duplex_room(d));
        if (d->has_ended_writing)
                return;
        if (d->sent > d->out.len / 2) {
                memmove(d->out.data, d->out.data + d->sent, d->out.len - d->sent);
                d->out.len -= d->sent;
                d->sent = 0;
        }
        hv_buf_add(&d->out, data, len);
        d->is_room_told = false;
        soon(d);
}

size_t hv_duplex_room(const struct hv_duplex *d) {
        size_t queued = d->out.len - d->sent;

        return d->state != OPEN || d->ends_writing || queued >= d->options.queue_max_bytes
                       ? 0
                       : d->options.queue_max_bytes - queued;
}

void hv_duplex_end_writing(struct hv_duplex *d) {
        d->ends_writing = true;
        soon(d);
}

void hv_duplex_hold(struct hv_duplex *d, bool held) {
        d->is_held = held;
        soon(d);
}

/* ---- connecting ---- */

static void connected(struct hv_duplex *d) {
        curl_socket_t fd = CURL_SOCKET_BAD;
        int r;

        (void) curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &fd);
        d->state = ASKING;
        r = sd_event_add_io(d->event, &d->io, fd, EPOLLIN, on_io, d);
        if (r >= 0)
                r = sd_event_add_defer(d->event, &d->again, on_again, d);
        if (r < 0)
                fail(d, r, "cannot watch the connection");
}

static void on_wake(struct lane *lane) {
        struct hv_duplex *d = lane->userdata;
        CURLcode code;

        d->busy++;
        if (lane_next_ended(lane, &code) && d->state == CONNECTING) {
                if (code == CURLE_OK)
                        connected(d);
                else
                        fail(d, -ECONNREFUSED, *d->curl_says ? d->curl_says : curl_easy_strerror(code));
        }
        leave(d);
}

/* The whole request. What follows the host in a URL is its path. */
static void put_request(struct hv_duplex *d, const struct hv_duplex_options *o) {
        const char *host = strstr(o->url, "://") + 3, *path = strchr(host, '/');

        hv_buf_reserve(&d->out, 4096 + o->body_len); /* nothing of it is left in memory that was given back */
        hv_buf_printf(&d->out, "POST %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: hivelet\r\n", path,
                      (int) (path - host), host);
        hv_buf_printf(&d->out, "Connection: Upgrade\r\nUpgrade: %s\r\nContent-Type: application/json\r\n",
                      o->protocol);
        for (const char *const *h = o->headers; h && *h; h++)
                hv_buf_printf(&d->out, "%s\r\n", *h);
        hv_buf_printf(&d->out, "Content-Length: %zu\r\n\r\n", o->body_len);
        hv_buf_add(&d->out, o->body, o->body_len);
}

static int check(const struct hv_duplex_options *o, struct hv_err *err) {
        const char *host = strstr(o->url, "://");

        if ((!hv_has_prefix(o->url, "http://") && !hv_has_prefix(o->url, "https://")) ||
            !strchr(host + 3, '/') || strpbrk(o->url, " \r\n"))
                return hv_err_set(err, -EINVAL, "\"%s\" is not an http or https URL", o->url);
        for (const char *const *h = o->headers; h && *h; h++)
                if (strpbrk(*h, "\r\n"))
                        return hv_err_set(err, -EINVAL, "%s: a header holds a line break", o->url);
        return 0;
}

static int begin_to_connect(struct hv_duplex *d, struct hv_err *err) {
        const struct hv_duplex_options *o = &d->options;
        int r = lane_init(&d->lane, d->event, 0, on_wake, d, err);

        if (r < 0)
                return r;
        d->easy = curl_easy_init();
        if (!d->easy)
                return hv_err_set(err, -EIO, "transfer: libcurl gives no handle");
        (void) curl_easy_setopt(d->easy, CURLOPT_URL, o->url);
        (void) curl_easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR, "http,https");
        (void) curl_easy_setopt(d->easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        (void) curl_easy_setopt(d->easy, CURLOPT_CONNECT_ONLY, 1L);
        (void) curl_easy_setopt(d->easy, CURLOPT_NOSIGNAL, 1L);
        (void) curl_easy_setopt(d->easy, CURLOPT_PROXY, "");
        (void) curl_easy_setopt(d->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        (void) curl_easy_setopt(d->easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
        (void) curl_easy_setopt(d->easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
        (void) curl_easy_setopt(d->easy, CURLOPT_ERRORBUFFER, d->curl_says);
        if (o->unix_socket)
                (void) curl_easy_setopt(d->easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket);
        if (o->ca_file)
                (void) curl_easy_setopt(d->easy, CURLOPT_CAINFO, o->ca_file);
        if (o->open_us) {
                r = sd_event_add_time_relative(d->event, &d->deadline, CLOCK_MONOTONIC, o->open_us, 0,
                                               on_late, d);
                if (r < 0)
                        return hv_err_errno(err, r, "transfer: timer");
        }
        d->is_added = curl_multi_add_handle(d->lane.multi, d->easy) == CURLM_OK;
        return d->is_added ? 0 : hv_err_set(err, -EIO, "transfer: libcurl takes no handle");
}

int hv_duplex_open(struct sd_event *event, const struct hv_duplex_options *options, struct hv_duplex **ret,
                   struct hv_err *err) {
        _hv_cleanup_(hv_duplex_freep) struct hv_duplex *d = NULL;
        int r = check(options, err);

        if (r < 0)
                return r;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return hv_err_set(err, -EIO, "transfer: libcurl does not start");
        d = HV_NEW(struct hv_duplex);
        d->event = sd_event_ref(event);
        d->options = *options;
        if (d->options.queue_max_bytes == 0)
                d->options.queue_max_bytes = QUEUE_DEFAULT_BYTES;
        d->place = options->unix_socket ? hv_strdup(options->unix_socket)
                                        : hv_strndup(options->url, strcspn(options->url, "?"));
        d->is_room_told = true;
        put_request(d, options);
        r = begin_to_connect(d, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(d);
        return 0;
}

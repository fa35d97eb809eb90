/* http/tls_stream.c - moves bytes between a client that speaks TLS and the connection's end of a socketpair.
 *
 *      SHAKING -> OPEN -> (the connection has closed, all is sent) -> LINGERING -> freed
 *         `---------`--------- the client broke off, or broke the rules ----------^
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/time.h"
#include "http/listener.h"
#include "http/tls_internal.h"
#include "log/log.h"

#define PIECE_BYTES ((size_t) 16384) /* what a record holds at most */
#define PIECES_PER_TURN 16           /* then others have their turn */
#define LINGER_US (5 * HV_USEC_PER_SEC)
#define LINGERING_MAX 64 /* the oldest of more is cut: nobody gathers them */

struct hv_tls_stream {
        struct hv_tls *tls;
        struct hv_tls_stream *next, *previous;
        struct hv_tls_pair *pair;
        gnutls_session_t session;
        int client_fd, inner_fd;
        int connection_fd; /* the other end of inner_fd's pair: only a number, it is the connection's */
        sd_event_source *client, *inner, *linger;
        enum { SHAKING, OPEN, LINGERING } state;
        bool is_sending;     /* GnuTLS holds a record that the client does not take yet */
        bool is_inner_ended; /* the connection has closed */
        bool is_inner_deaf;  /* and reads no more */
        bool is_client_ended;
        struct hv_buf in; /* of the client, not taken by the connection yet */
};

static void stream_free(struct hv_tls_stream *t) {
        sd_event_source_disable_unref(t->client);
        sd_event_source_disable_unref(t->inner);
        sd_event_source_disable_unref(t->linger);
        if (t->session)
                gnutls_deinit(t->session);
        hv_fd_closep(&t->client_fd);
        hv_fd_closep(&t->inner_fd);
        hv_buf_wipe(&t->in);
        (void) hv_tls_pair_unref(t->pair);
        if (t->previous)
                t->previous->next = t->next;
        else
                t->tls->streams = t->next;
        if (t->next)
                t->next->previous = t->previous;
        t->tls->n_streams--;
        free(t);
}

void hv_tls_streams_end(struct hv_tls *tls) {
        while (tls->streams)
                stream_free(tls->streams);
}

static bool has_to_wait(ssize_t r) {
        return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

/* ---- one step; 1: something moved, 0: nothing can now, -1: the stream is over ---- */

static int shake(struct hv_tls_stream *t) {
        int r = gnutls_handshake(t->session);

        if (r == GNUTLS_E_SUCCESS) {
                t->state = OPEN;
                return 1;
        }
        if (has_to_wait(r) || r == GNUTLS_E_WARNING_ALERT_RECEIVED || r == GNUTLS_E_GOT_APPLICATION_DATA)
                return 0;
        hv_log_debug("a TLS handshake failed: %s", gnutls_strerror(r));
        (void) gnutls_alert_send_appropriate(t->session, r);
        return -1;
}

static int on_lingered(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        stream_free(userdata);
        return 0;
}

/* Closed at once, what the client has sent meanwhile would turn the end into a reset, and the answer might be lost. */
static int begin_to_linger(struct hv_tls_stream *t) {
        struct hv_tls_stream *oldest = NULL;
        unsigned n = 0;

        (void) gnutls_bye(t->session, GNUTLS_SHUT_WR);
        (void) shutdown(t->client_fd, SHUT_WR);
        for (struct hv_tls_stream *s = t->tls->streams; s; s = s->next)
                if (s->state == LINGERING) {
                        n++;
                        oldest = s;
                }
        if (oldest && n >= LINGERING_MAX)
                stream_free(oldest);
        t->state = LINGERING;
        t->inner = sd_event_source_disable_unref(t->inner);
        hv_fd_closep(&t->inner_fd);
        if (t->is_client_ended || sd_event_add_time_relative(t->tls->event, &t->linger, CLOCK_MONOTONIC,
                                                             LINGER_US, 0, on_lingered, t) < 0)
                return -1;
        return 1;
}

static int send_down(struct hv_tls_stream *t) {
        unsigned char piece[PIECE_BYTES];
        ssize_t n, r;

        if (t->is_sending) {
                r = gnutls_record_send(t->session, NULL, 0);
        } else if (t->is_inner_ended) {
                return begin_to_linger(t);
        } else {
                n = recv(t->inner_fd, piece, sizeof piece, MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n <= 0) {
                        t->is_inner_ended = true;
                        return 1;
                }
                r = gnutls_record_send(t->session, piece, (size_t) n);
        }
        t->is_sending = has_to_wait(r);
        return t->is_sending ? 0 : r < 0 ? -1 : 1;
}

static int give_up(struct hv_tls_stream *t, const void *data, size_t len) {
        ssize_t n =
                t->is_inner_deaf ? (ssize_t) len : send(t->inner_fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN && errno != EINTR) {
                t->is_inner_deaf = true;
                n = (ssize_t) len;
        }
        return n < 0 ? 0 : (int) n;
}

static int receive_up(struct hv_tls_stream *t) {
        unsigned char piece[PIECE_BYTES];
        size_t taken;
        ssize_t r;

        if (t->in.len > 0) {
                taken = (size_t) give_up(t, t->in.data, t->in.len);
                memmove(t->in.data, t->in.data + taken, t->in.len - taken);
                t->in.len -= taken;
                if (t->in.len == 0)
                        hv_buf_wipe(&t->in);
                return taken > 0;
        }
        if (t->is_client_ended)
                return 0;
        r = gnutls_record_recv(t->session, piece, sizeof piece);
        if (has_to_wait(r))
                return 0;
        if (r <= 0) {
                /* Its end, or a break; also a wish to shake hands again, which is not granted. The connection hears of it. */
                t->is_client_ended = true;
                (void) shutdown(t->inner_fd, SHUT_WR);
                return r == 0 ? 1 : -1;
        }
        taken = (size_t) give_up(t, piece, (size_t) r);
        if (taken < (size_t) r)
                hv_buf_add(&t->in, piece + taken, (size_t) r - taken);
        explicit_bzero(piece, (size_t) r);
        return 1;
}

static int drain(struct hv_tls_stream *t) {
        unsigned char piece[PIECE_BYTES];
        ssize_t n = recv(t->client_fd, piece, sizeof piece, MSG_DONTWAIT);

        return n > 0 ? 1 : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int step(struct hv_tls_stream *t) {
        int down, up;

        if (t->state == SHAKING)
                return shake(t);
        if (t->state == LINGERING)
                return drain(t);
        down = send_down(t);
        if (down < 0 || t->state == LINGERING)
                return down;
        up = receive_up(t);
        return up < 0 ? -1 : down | up;
}

/* ---- waiting ---- */

static void wait_for(sd_event_source *source, uint32_t events) {
        (void) sd_event_source_set_io_events(source, events);
        /* Without a wish it is off: a hang-up would be told again and again. */
        (void) sd_event_source_set_enabled(source, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void arm(struct hv_tls_stream *t) {
        uint32_t client = 0, inner = 0;

        if (t->state == SHAKING) {
                client = gnutls_record_get_direction(t->session) ? EPOLLOUT : EPOLLIN;
                inner = EPOLLRDHUP;
        } else if (t->state == LINGERING) {
                client = EPOLLIN;
        } else {
                if (t->is_sending)
                        client |= EPOLLOUT;
                else if (!t->is_inner_ended)
                        inner |= EPOLLIN;
                if (t->in.len > 0 && !t->is_inner_deaf)
                        inner |= EPOLLOUT;
                else if (!t->is_client_ended)
                        client |= EPOLLIN;
        }
        wait_for(t->client, client);
        if (t->inner)
                wait_for(t->inner, inner);
}

static void turn(struct hv_tls_stream *t) {
        int r = 1;

        for (unsigned i = 0; r > 0 && i < PIECES_PER_TURN; i++)
                r = step(t);
        if (r < 0)
                stream_free(t);
        else
                arm(t);
}

static int on_client(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        (void) s;
        (void) fd;
        (void) revents;
        turn(userdata);
        return 0;
}

static int on_inner(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_tls_stream *t = userdata;

        (void) s;
        (void) fd;
        if (t->state == SHAKING && (revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
                stream_free(t); /* its time is over, or somebody else needed the room */
        else
                turn(t);
        return 0;
}

/* ---- life ---- */

static int session_new(struct hv_tls_stream *t) {
        static const gnutls_datum_t http = { (unsigned char *) "http/1.1", 8 };
        int r = gnutls_init(&t->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

        if (r >= 0)
                r = gnutls_priority_set(t->session, t->tls->priority);
        if (r >= 0)
                r = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->pair->credentials);
        if (r >= 0)
                r = gnutls_session_ticket_enable_server(t->session, &t->tls->ticket_key);
        if (r >= 0)
                r = gnutls_alpn_set_protocols(t->session, &http, 1, 0);
        if (r < 0)
                return -EIO;
        gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_IGNORE);
        gnutls_handshake_set_timeout(t->session, 0); /* the connection's deadline counts */
        gnutls_transport_set_int(t->session, t->client_fd);
        return 0;
}

int hv_tls_stream_new(struct hv_tls *tls, int client_fd) {
        struct hv_tls_stream *t = HV_NEW(struct hv_tls_stream);
        int pair[2] = { -1, -1 }, r;

        t->tls = tls;
        t->client_fd = client_fd;
        t->inner_fd = -1;
        t->pair = hv_tls_pair_ref(tls->pair);
        t->next = tls->streams;
        if (t->next)
                t->next->previous = t;
        tls->streams = t;
        tls->n_streams++;
        r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ? -errno : 0;
        t->inner_fd = pair[0];
        if (r >= 0)
                r = session_new(t);
        if (r >= 0)
                r = sd_event_add_io(tls->event, &t->client, client_fd, EPOLLIN, on_client, t);
        if (r >= 0)
                r = sd_event_add_io(tls->event, &t->inner, t->inner_fd, EPOLLRDHUP, on_inner, t);
        if (r < 0) {
                hv_fd_closep(&pair[1]);
                stream_free(t);
                return r;
        }
        t->connection_fd = pair[1];
        return pair[1];
}

/* A number is used again once the connection has closed it, and newer streams come first: the first one that has it is meant. */
void hv_tls_expect_acks(struct hv_tls *tls, int connection_fd) {
        for (struct hv_tls_stream *t = tls->streams; t; t = t->next)
                if (t->connection_fd == connection_fd) {
                        hv_http_listener_expect_acks(t->client_fd);
                        return;
                }
}

/* http/connection.c - the life of a connection before and around its request.
 *
 *      accept -> [makes room] -> peek -> head check -> MHD_add_connection -> exchange.c -> closed by MHD
 *                                 ^ |        `- refused: answered here, closed
 *                                 `-' more bytes, until the deadline
 *
 * Peeked, not read: MHD finds the bytes where they were. What has not sent a whole head costs a
 * descriptor and a timer, and is the first to go when there is no room.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "http/internal.h"
#include "log/log.h"

/* One turn of the loop takes at most so many new connections: others want their turn too. */
#define ACCEPTS_PER_TURN 64
#define PAUSE_WITHOUT_DESCRIPTORS_US (100 * HV_USEC_PER_MSEC)

static void link_last(struct hv_http_server *s, struct hv_http_conn *c) {
        c->previous = s->last_connection;
        if (c->previous)
                c->previous->next = c;
        else
                s->connections = c;
        s->last_connection = c;
        s->stats.connections++;
}

static void unlink_connection(struct hv_http_server *s, struct hv_http_conn *c) {
        if (c->previous)
                c->previous->next = c->next;
        else
                s->connections = c->next;
        if (c->next)
                c->next->previous = c->previous;
        else
                s->last_connection = c->previous;
        s->stats.connections--;
}

struct hv_http_conn *hv_http_conn_free(struct hv_http_conn *c) {
        if (!c)
                return NULL;
        (void) sd_event_source_disable_unref(c->watch);
        (void) sd_event_source_disable_unref(c->deadline);
        unlink_connection(c->server, c);
        if (!c->is_with_mhd)
                (void) close(c->fd);
        free(c);
        return NULL;
}

void hv_http_conn_expect_acks(struct hv_http_conn *c) {
        if (c->caller.is_tls)
                hv_tls_expect_acks(c->server->tls, c->fd);
        else if (!c->caller.is_local_socket)
                hv_http_listener_expect_acks(c->fd);
}

void hv_http_conn_shut(struct hv_http_conn *c) {
        (void) shutdown(c->fd, SHUT_RDWR);
        hv_http_loop_kick(c->loop);
}

/* --- refusals before there is a request -------------------------------------------------------------------------- */

static void answer_raw(struct hv_http_conn *c, unsigned status, const char *code, const char *detail) {
        struct hv_buf body = {}, text = {};

        hv_http_reply_problem_text(&body, status, code, detail, ++c->server->next_request_id);
        hv_buf_printf(
                &text,
                "HTTP/1.1 %u %s\r\n%s%sContent-Type: application/problem+json\r\nContent-Length: %zu\r\n\r\n",
                status, MHD_get_reason_phrase_for(status), HV_HTTP_RAW_HEADERS,
                status == 405 ? "Allow: GET, HEAD\r\n" : "", body.len);
        hv_buf_add(&text, body.data, body.len);
        (void) send(c->fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        /* What was sent and not read would turn the close into a reset, and the client might never see the answer. */
        (void) recv(c->fd, c->server->peeked, c->server->head_limits.head_max_bytes, MSG_DONTWAIT);
        (void) shutdown(c->fd, SHUT_WR);
        c->server->stats.refused++;
        hv_buf_done(&body);
        hv_buf_done(&text);
}

/* --- the head ---------------------------------------------------------------------------------------------------- */

/* A GET of what may be a quiet stream, with a head that fits into little memory beside what MHD makes of it (http/server.c):
 * viewers who only look come by the thousand. */
static bool is_quiet(struct hv_http_conn *c, const struct hv_http_head *head) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = NULL;
        const char *query = memchr(head->target, '?', head->target_len);
        size_t path_len = query ? (size_t) (query - head->target) : head->target_len;
        unsigned n_fields = head->n_headers + 1;
        struct hv_http_match match;
        struct hv_http_path path;
        struct hv_err err;

        for (size_t i = path_len; i < head->target_len; i++)
                n_fields += head->target[i] == '&';
        if (head->method_len != 3 || memcmp(head->method, "GET", 3) != 0 ||
            head->length_bytes > HV_HTTP_QUIET_HEAD_BYTES || n_fields > HV_HTTP_QUIET_FIELDS)
                return false;
        arena = hv_arena_new();
        if (hv_http_path_read(arena, hv_arena_strndup(arena, head->target, path_len), &path, &err) < 0)
                return false;
        hv_http_router_match(c->server->router, HV_HTTP_GET, &path, c->caller.is_local_socket, arena, &match);
        return match.route && (match.route->flags & HV_HTTP_QUIET);
}

static void hand_to_mhd(struct hv_http_conn *c, const struct hv_http_head *head) {
        struct sockaddr_storage nowhere = { .ss_family = AF_UNSPEC };

        if (is_quiet(c, head))
                c->loop = c->server->quiet_loop;
        c->watch = sd_event_source_disable_unref(c->watch);
        hv_http_conn_set_deadline(c, c->server->limits.body_timeout_us);
        c->is_with_mhd = true; /* it closes the fd, whatever happens */
        if (MHD_add_connection(hv_http_loop_daemon(c->loop), c->fd, (struct sockaddr *) &nowhere,
                               sizeof nowhere) != MHD_YES) {
                hv_log_debug("a connection of %s was not taken: %s", c->caller.address, strerror(errno));
                (void) hv_http_conn_free(c);
                return;
        }
        hv_http_loop_kick(c->loop);
}

/* Behind a certificate nobody is led here under a foreign name: browsers would not go on. */
static bool is_certified(const struct hv_http_conn *c, const struct hv_http_head *head) {
        size_t len = hv_http_host_name_len(head->host, head->host_len);
        char host[256];

        if (len == 0 || len >= sizeof host)
                return false;
        (void) snprintf(host, sizeof host, "%.*s", (int) len, head->host);
        return hv_streq(host, c->caller.connected_to) || hv_tls_is_named(c->server->tls, host);
}

static bool has_good_host(const struct hv_http_conn *c, const struct hv_http_head *head) {
        return c->caller.is_local_socket ||
               (head->host && (hv_http_host_is_local(head->host, head->host_len, c->listener->host) ||
                               (c->caller.is_tls && is_certified(c, head))));
}

static bool has_good_method(const struct hv_http_conn *c, const struct hv_http_head *head) {
        return c->server->identify || c->caller.is_local_socket ||
               (head->method_len == 3 && memcmp(head->method, "GET", 3) == 0) ||
               (head->method_len == 4 && memcmp(head->method, "HEAD", 4) == 0);
}

static void judge(struct hv_http_conn *c, const struct hv_http_head *head) {
        if (!has_good_host(c, head)) {
                answer_raw(c, 421, "ForeignHost", "the Host header names another machine than this one");
                (void) hv_http_conn_free(c);
        } else if (!has_good_method(c, head)) {
                answer_raw(c, 405, "MethodNotAllowed",
                           "this address answers GET and HEAD only; changes go through the socket");
                (void) hv_http_conn_free(c);
        } else {
                hand_to_mhd(c, head);
        }
}

/* Looks at what has come; `is_all`: the client will send no more. May end the connection. */
static void look_at_head(struct hv_http_conn *c, bool is_all) {
        struct hv_http_server *s = c->server;
        struct hv_http_head head;
        ssize_t n = recv(c->fd, s->peeked, s->head_limits.head_max_bytes + 1, MSG_PEEK | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                (void) hv_http_conn_free(c);
                return;
        }
        switch (hv_http_head_check(s->peeked, (size_t) n, &s->head_limits, &head)) {
        case HV_HTTP_HEAD_MORE:
                if (is_all)
                        (void) hv_http_conn_free(c);
                return;
        case HV_HTTP_HEAD_GOOD:
                judge(c, &head);
                return;
        case HV_HTTP_HEAD_REFUSED:
                hv_log_debug("a request of %s was refused: %s", c->caller.address, head.problem);
                answer_raw(c, head.status, "BadRequest", head.problem);
                (void) hv_http_conn_free(c);
                return;
        }
}

static int on_bytes(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) source;
        (void) fd;
        look_at_head(userdata, revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
        return 0;
}

/* --- deadlines and leaving --------------------------------------------------------------------------------------- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hv_http_conn *c = userdata;

        (void) source;
        (void) usec;
        if (c->mhd) {
                hv_http_conn_shut(c); /* the body did not come: MHD sees the end and cleans up */
                return 0;
        }
        if (c->is_with_mhd) {
                (void) hv_http_conn_free(c); /* MHD dropped it before it told us of it */
                return 0;
        }
        answer_raw(c, 408, "RequestTimeout", "the request's head did not come in time");
        (void) hv_http_conn_free(c);
        return 0;
}

void hv_http_conn_set_deadline(struct hv_http_conn *c, uint64_t after_us) {
        if (after_us == 0) {
                (void) sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
                return;
        }
        if (!c->deadline)
                (void) sd_event_add_time_relative(c->server->event, &c->deadline, CLOCK_MONOTONIC, after_us,
                                                  0, on_deadline, c);
        else
                (void) sd_event_source_set_time_relative(c->deadline, after_us);
        (void) sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT);
}

static int on_leaving(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct hv_http_conn *c = userdata;

        (void) source;
        (void) fd;
        (void) revents;
        c->watch = sd_event_source_disable_unref(c->watch);
        hv_http_client_left(c);
        return 0;
}

/* A suspended connection is in nobody's epoll: without this a client that has left would hold its place for ever. A half-closed
 * one counts as left: on TCP the two look the same until we write. */
void hv_http_conn_watch_leaving(struct hv_http_conn *c, bool on) {
        if (!on)
                c->watch = sd_event_source_disable_unref(c->watch);
        else if (!c->watch)
                (void) sd_event_add_io(c->server->event, &c->watch, c->fd, EPOLLRDHUP, on_leaving, c);
}

/* --- accept ------------------------------------------------------------------------------------------------------ */

/* Ends the oldest connection that has not sent a head yet; of this address, or of this listener when address is NULL, or any
 * when both are. False: all are busy. */
static bool make_room(struct hv_http_server *s, const struct hv_http_listener *listener,
                      const char *address) {
        for (struct hv_http_conn *c = s->connections; c; c = c->next)
                if (!c->is_with_mhd && (!listener || c->listener == listener) &&
                    (!address || hv_streq(c->caller.address, address))) {
                        s->stats.evicted++;
                        (void) hv_http_conn_free(c);
                        return true;
                }
        return false;
}

static bool has_room(struct hv_http_server *s, const struct hv_http_conn *fresh) {
        unsigned n_listener = 0, n_address = 0;

        for (const struct hv_http_conn *c = s->connections; c; c = c->next) {
                n_listener += c->listener == fresh->listener;
                n_address +=
                        c->listener == fresh->listener && hv_streq(c->caller.address, fresh->caller.address);
        }
        /* `fresh` is counted, and as the youngest it is never the one that goes while an older one can. */
        if (!fresh->caller.is_local_socket && n_address > s->limits.connections_per_address_max)
                return make_room(s, fresh->listener, fresh->caller.address);
        return n_listener <= s->limits.connections_max || make_room(s, fresh->listener, NULL);
}

static void take_connection(struct hv_http_server *s, const struct hv_http_listener *listener, int fd,
                            const struct hv_http_caller *caller) {
        bool is_tls = s->tls && !caller->is_local_socket;
        struct hv_http_conn *c;

        if (is_tls)
                fd = hv_tls_accept(s->tls, fd);
        if (fd < 0)
                return;
        c = HV_NEW(struct hv_http_conn);

        c->server = s;
        c->loop = s->loop;
        c->listener = listener;
        c->fd = fd;
        c->caller = *caller;
        c->caller.is_tls = is_tls;
        (void) snprintf(c->caller.by, sizeof c->caller.by, "%s", c->caller.address);
        c->is_with_mhd = true; /* for has_room(): not to be chosen itself */
        link_last(s, c);
        if (!has_room(s, c)) {
                c->is_with_mhd = false;
                answer_raw(c, 503, "TooManyConnections", "all connections are in use; try again later");
                (void) hv_http_conn_free(c);
                return;
        }
        c->is_with_mhd = false;
        hv_http_conn_set_deadline(c, s->limits.head_timeout_us);
        /* Edge-triggered: what was peeked at stays readable. */
        if (sd_event_add_io(s->event, &c->watch, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, on_bytes, c) < 0) {
                (void) hv_http_conn_free(c);
                return;
        }
        look_at_head(c, false);
}

static int on_resume_accept(sd_event_source *source, uint64_t usec, void *userdata) {
        struct hv_http_server *s = userdata;

        (void) source;
        (void) usec;
        for (size_t i = 0; i < HV_ARRAY_SIZE(s->accept); i++)
                if (s->accept[i])
                        (void) sd_event_source_set_enabled(s->accept[i], SD_EVENT_ON);
        return 0;
}

/* No descriptor is left: the pending connection keeps the listener ready, and the loop would spin on it. */
static void pause_accept(struct hv_http_server *s, int error) {
        (void) hv_log_warn(error, "cannot accept API clients for a moment: %s", strerror(-error));
        for (size_t i = 0; i < HV_ARRAY_SIZE(s->accept); i++)
                if (s->accept[i])
                        (void) sd_event_source_set_enabled(s->accept[i], SD_EVENT_OFF);
        if (!s->resume_accept)
                (void) sd_event_add_time_relative(s->event, &s->resume_accept, CLOCK_MONOTONIC,
                                                  PAUSE_WITHOUT_DESCRIPTORS_US, 1, on_resume_accept, s);
        else
                (void) sd_event_source_set_time_relative(s->resume_accept, PAUSE_WITHOUT_DESCRIPTORS_US);
        (void) sd_event_source_set_enabled(s->resume_accept, SD_EVENT_ONESHOT);
}

void hv_http_accept_all(struct hv_http_server *s, size_t which) {
        for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
                struct hv_http_caller caller;
                int fd = hv_http_listener_accept(s->listener[which], &caller);

                if (fd >= 0)
                        take_connection(s, s->listener[which], fd, &caller);
                else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
                        if (make_room(s, NULL, NULL))
                                continue;
                        pause_accept(s, fd);
                        return;
                } else if (fd != -ECONNABORTED && fd != -EINTR) {
                        return;
                }
        }
}

void hv_http_conn_attach(struct hv_http_conn *c, struct MHD_Connection *mhd) {
        c->mhd = mhd;
}

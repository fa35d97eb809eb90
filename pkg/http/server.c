#include "http/server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/time.h"
#include "http/internal.h"

static unsigned or_default(unsigned value, unsigned otherwise) {
        return value ? value : otherwise;
}

static uint64_t or_default_us(uint64_t value, uint64_t otherwise_s) {
        return value ? value : otherwise_s * HV_USEC_PER_SEC;
}

static struct hv_http_limits with_defaults(const struct hv_http_limits *l) {
        return (struct hv_http_limits){
                .connections_max = or_default(l->connections_max, 256),
                .connections_per_address_max = or_default(l->connections_per_address_max, 32),
                .streams_max = or_default(l->streams_max, 128),
                .head_max_bytes = l->head_max_bytes ? l->head_max_bytes : 8192,
                .headers_max = or_default(l->headers_max, 64),
                .head_timeout_us = or_default_us(l->head_timeout_us, 10),
                .body_timeout_us = or_default_us(l->body_timeout_us, 30),
                .send_timeout_us = or_default_us(l->send_timeout_us, 30),
        };
}

void hv_http_server_limit(struct hv_http_server *server, const struct hv_http_limits *limits) {
        struct hv_http_limits whole = with_defaults(limits);

        server->limits.connections_max = whole.connections_max;
        server->limits.connections_per_address_max = whole.connections_per_address_max;
        server->limits.streams_max = whole.streams_max;
}

void hv_http_server_heed_if_match(struct hv_http_server *server,
                                  bool (*is_current)(const char *tag, size_t len, void *userdata),
                                  void *userdata) {
        server->is_current = is_current;
        server->current_userdata = userdata;
}

static struct hv_http_server *server_new(sd_event *event, const struct hv_http_options *options) {
        struct hv_http_server *s = HV_NEW(struct hv_http_server);

        s->event = sd_event_ref(event);
        s->limits = with_defaults(&options->limits);
        s->head_limits = (struct hv_http_head_limits){ s->limits.head_max_bytes, s->limits.head_max_bytes,
                                                       s->limits.headers_max };
        s->identify = options->identify;
        s->closed = options->closed;
        s->userdata = options->userdata;
        s->router = hv_http_router_new();
        s->peeked = hv_malloc(s->limits.head_max_bytes + 1);
        return s;
}

int hv_http_server_new(sd_event *event, const struct hv_http_options *options, struct hv_http_server **ret,
                       struct hv_err *err) {
        _hv_cleanup_(hv_http_server_freep) struct hv_http_server *s = server_new(event, options);
        int r = 0;

        if (options->socket_path)
                r = hv_http_listen_unix(options->socket_path, options->socket_group, &s->listener[0], err);
        if (r >= 0 && options->cert_file && options->key_file)
                r = hv_tls_new(event, options->cert_file, options->key_file, &s->tls, err);
        if (r >= 0 && options->listen)
                r = hv_http_listen_tcp(options->listen, s->tls && options->identify, &s->listener[1], err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(s);
        return 0;
}

int hv_http_server_add_routes(struct hv_http_server *s, const struct hv_http_route *routes, size_t n_routes,
                              void *userdata, struct hv_err *err) {
        for (size_t i = 0; i < n_routes; i++) {
                int r = hv_http_router_add(s->router, &routes[i], userdata, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

const struct hv_http_route *hv_http_server_route(const struct hv_http_server *s, size_t index) {
        return hv_http_router_at(s->router, index);
}

static int on_accept_unix(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) source;
        (void) fd;
        (void) revents;
        hv_http_accept_all(userdata, 0);
        return 0;
}

static int on_accept_tcp(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        (void) source;
        (void) fd;
        (void) revents;
        hv_http_accept_all(userdata, 1);
        return 0;
}

static int start_loop(struct hv_http_server *s, size_t connection_memory_bytes, struct hv_http_loop **ret,
                      struct hv_err *err) {
        struct MHD_Daemon *daemon = hv_http_mhd_start(s, connection_memory_bytes);

        if (!daemon)
                return hv_err_set(err, -ENOMEM, "the HTTP library did not start");
        return hv_http_loop_new(s->event, daemon, ret, err);
}

int hv_http_server_start(struct hv_http_server *s, struct hv_err *err) {
        /* A head and its parsed form fit into twice its size. */
        int r = start_loop(s, 2 * s->limits.head_max_bytes, &s->loop, err);

        if (r >= 0)
                r = start_loop(s, HV_HTTP_QUIET_BYTES, &s->quiet_loop, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < HV_ARRAY_SIZE(s->listener); i++) {
                if (!s->listener[i])
                        continue;
                r = sd_event_add_io(s->event, &s->accept[i], s->listener[i]->fd, EPOLLIN,
                                    i == 0 ? on_accept_unix : on_accept_tcp, s);
                if (r < 0)
                        return hv_err_errno(err, r, "cannot add a listening socket to the loop");
        }
        return 0;
}

uint16_t hv_http_server_port(const struct hv_http_server *s) {
        return s->listener[1] ? s->listener[1]->port : 0;
}

void hv_http_server_stats(const struct hv_http_server *s, struct hv_http_stats *ret) {
        *ret = s->stats;
        (void) sd_event_get_iteration(s->event, &ret->turns);
}

/* A login ends the session before itself, and still has to be answered. */
static bool is_spared(const struct hv_http_request *req) {
        return req->state == HV_HTTP_HANDLING ||
               (req->match.route && (req->match.route->flags & HV_HTTP_LOGIN));
}

void hv_http_server_cut(struct hv_http_server *s, const char *digest) {
        for (struct hv_http_conn *c = s->connections; c; c = c->next)
                if (c->mhd && hv_streq(c->caller.credential, digest) && !(c->req && is_spared(c->req)))
                        hv_http_conn_shut(c);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void stop_listening(struct hv_http_server *s) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(s->listener); i++) {
                s->accept[i] = sd_event_source_disable_unref(s->accept[i]);
                s->listener[i] = hv_http_listener_free(s->listener[i]);
        }
        s->resume_accept = sd_event_source_disable_unref(s->resume_accept);
}

/* Connections without a request. */
static void close_idle(struct hv_http_server *s) {
        struct hv_http_conn *next;

        for (struct hv_http_conn *c = s->connections; c; c = next) {
                next = c->next;
                if (!c->is_with_mhd)
                        (void) hv_http_conn_free(c);
        }
}

static void end_drain(struct hv_http_server *s) {
        void (*drained)(void *userdata) = HV_STEAL(s->drained);

        s->drain_deadline = sd_event_source_disable_unref(s->drain_deadline);
        if (drained)
                drained(s->drained_userdata);
}

static int on_drain_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        end_drain(userdata);
        return 0;
}

/* The last connection has gone: told from the loop, since whoever hears it will free the server. */
void hv_http_server_check_drained(struct hv_http_server *s) {
        if (!s->is_draining || s->connections || !s->drain_deadline)
                return;
        (void) sd_event_source_set_time_relative(s->drain_deadline, 0);
        (void) sd_event_source_set_enabled(s->drain_deadline, SD_EVENT_ONESHOT);
}

void hv_http_server_drain(struct hv_http_server *s, uint64_t grace_us, void (*done)(void *userdata),
                          void *userdata) {
        s->is_draining = true;
        s->drained = done;
        s->drained_userdata = userdata;
        stop_listening(s);
        close_idle(s);
        hv_http_streams_end(s, "the server stops");
        hv_http_upgrades_end(s, "the server stops", false);
        (void) sd_event_add_time_relative(s->event, &s->drain_deadline, CLOCK_MONOTONIC, grace_us, 1,
                                          on_drain_deadline, s);
        hv_http_server_check_drained(s);
}

struct hv_http_server *hv_http_server_free(struct hv_http_server *s) {
        if (!s)
                return NULL;
        if (s->closed)
                s->closed(s, s->userdata);
        s->is_draining = true;
        s->drain_deadline = sd_event_source_disable_unref(s->drain_deadline);
        stop_listening(s);
        close_idle(s);
        if (s->loop) {
                /* MHD ends the process when it is stopped with suspended connections: all are resumed. */
                hv_http_streams_end(s, "the server stops");
                hv_http_upgrades_end(s, "the server stops", true);
                for (struct hv_http_conn *c = s->connections; c; c = c->next)
                        hv_http_client_left(c);
                s->loop = hv_http_loop_free(s->loop);
                s->quiet_loop = s->quiet_loop ? hv_http_loop_free(s->quiet_loop) : NULL;
        }
        while (s->connections)
                (void) hv_http_conn_free(s->connections); /* those that MHD had not begun with */
        s->tls = hv_tls_free(s->tls);
        (void) hv_http_router_free(s->router);
        (void) sd_event_unref(s->event);
        free(s->peeked);
        free(s);
        return NULL;
}

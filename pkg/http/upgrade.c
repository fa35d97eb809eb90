/* http/upgrade.c - see upgrade.h.
 *
 *      ASKED --MHD has sent the 101--> OPEN --hv_http_upgrade_end(), queue sent--> LINGERING --client closes--> CLOSED
 *        '----------- client left ------'--------------- client left -----------------------------------------^
 *
 * MHD hands its socket over, and takes it back to close it. It lingers, because a close with something unread would turn into a
 * reset, and the client might never see the last words.
 */
#include "http/upgrade.h"

#include <assert.h>
#include <errno.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/time.h"
#include "http/internal.h"
#include "http/reply.h"

#define PIECE_BYTES ((size_t) 16384)
#define PIECES_PER_TURN 16 /* then others have their turn */
#define LINGER_US (5 * HV_USEC_PER_SEC)

enum state {
        UPGRADE_ASKED,
        UPGRADE_OPEN,
        UPGRADE_ENDING, /* the queue goes out; what comes is thrown away */
        UPGRADE_LINGERING,
        UPGRADE_CLOSED, /* MHD has it back */
};

struct hv_http_upgrade {
        struct hv_http_request *req;
        struct hv_http_upgrade *next, *previous; /* server->upgrades */
        struct hv_http_upgrade_options options;
        enum state state;
        struct MHD_UpgradeResponseHandle *handle;
        int fd;
        sd_event_source *io, *linger;
        struct hv_buf out;
        size_t sent;
        bool is_held, is_drained_told;
};

static struct hv_http_server *server_of(const struct hv_http_upgrade *u) {
        return u->req->conn->server;
}

/* ---- the end ---- */

static void tell_gone(struct hv_http_upgrade *u, const char *reason) {
        void (*gone)(const char *reason, void *userdata) = HV_STEAL(u->options.gone);

        u->options.data = NULL;
        u->options.drained = NULL;
        if (gone)
                gone(reason, u->options.userdata);
}

static void close_it(struct hv_http_upgrade *u, const char *reason) {
        u->io = sd_event_source_disable_unref(u->io);
        u->linger = sd_event_source_disable_unref(u->linger);
        u->state = UPGRADE_CLOSED;
        tell_gone(u, reason);
        if (u->handle)
                (void) MHD_upgrade_action(HV_STEAL(u->handle), MHD_UPGRADE_ACTION_CLOSE);
        hv_http_loop_kick(server_of(u)->loop);
}

void hv_http_upgrade_detach(struct hv_http_upgrade *u) {
        struct hv_http_server *server = server_of(u);

        u->io = sd_event_source_disable_unref(u->io);
        u->linger = sd_event_source_disable_unref(u->linger);
        tell_gone(u, "the client left");
        if (u->previous)
                u->previous->next = u->next;
        else
                server->upgrades = u->next;
        if (u->next)
                u->next->previous = u->previous;
        u->req->upgrade = NULL;
        hv_buf_wipe(&u->out);
        free(u);
}

static int on_lingered(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        close_it(userdata, "");
        return 0;
}

/* ---- moving bytes ---- */

static size_t queued(const struct hv_http_upgrade *u) {
        return u->out.len - u->sent;
}

static bool is_reading(const struct hv_http_upgrade *u) {
        return !u->is_held || u->state != UPGRADE_OPEN;
}

static void arm(struct hv_http_upgrade *u) {
        uint32_t events = EPOLLRDHUP;

        if (!u->io)
                return;
        if (is_reading(u))
                events |= EPOLLIN;
        if (queued(u) > 0 || u->state == UPGRADE_ENDING || (u->state == UPGRADE_OPEN && !u->is_drained_told))
                events |= EPOLLOUT;
        (void) sd_event_source_set_io_events(u->io, events);
}

static void begin_to_linger(struct hv_http_upgrade *u) {
        u->state = UPGRADE_LINGERING;
        (void) shutdown(u->fd, SHUT_WR);
        if (sd_event_add_time_relative(server_of(u)->event, &u->linger, CLOCK_MONOTONIC, LINGER_US, 0,
                                       on_lingered, u) < 0)
                close_it(u, "");
}

/* False: the client takes nothing any more. */
static bool send_queue(struct hv_http_upgrade *u) {
        while (queued(u) > 0) {
                ssize_t n = send(u->fd, u->out.data + u->sent, queued(u), MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR;
                u->sent += (size_t) n;
        }
        hv_buf_wipe(&u->out);
        u->sent = 0;
        if (u->state == UPGRADE_ENDING) {
                begin_to_linger(u);
        } else if (u->state == UPGRADE_OPEN && !u->is_drained_told) {
                u->is_drained_told = true;
                u->options.drained(u->options.userdata);
        }
        return true;
}

/* False: the client has left. */
static bool read_some(struct hv_http_upgrade *u) {
        for (unsigned i = 0; i < PIECES_PER_TURN && u->io && is_reading(u); i++) {
                char piece[PIECE_BYTES];
                ssize_t n = recv(u->fd, piece, sizeof piece, MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return true;
                if (n <= 0)
                        return false;
                if (u->state == UPGRADE_OPEN)
                        u->options.data(piece, (size_t) n, u->options.userdata);
                explicit_bzero(piece, (size_t) n);
        }
        return true;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_http_upgrade *u = userdata;
        bool has_left = false;

        (void) s;
        (void) fd;
        if (revents & EPOLLOUT)
                has_left = !send_queue(u);
        /* Nobody reads what a client that left had sent while it was held. */
        if (!has_left && u->io)
                has_left =
                        is_reading(u) ? !read_some(u) : (revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (has_left && u->io)
                close_it(u, "the client left");
        else
                arm(u);
        return 0;
}

/* ---- the way in ---- */

static void on_upgrade(void *cls, struct MHD_Connection *mhd, void *request_slot, const char *extra,
                       size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle) {
        struct hv_http_upgrade *u = cls;

        (void) mhd;
        (void) request_slot;
        u->handle = handle;
        u->fd = fd;
        if (u->state == UPGRADE_ASKED)
                u->state = UPGRADE_OPEN;
        if (sd_event_add_io(server_of(u)->event, &u->io, fd, EPOLLIN | EPOLLRDHUP, on_io, u) < 0) {
                close_it(u, "it cannot be watched");
                return;
        }
        if (extra_len > 0 && u->state == UPGRADE_OPEN)
                u->options.data(extra, extra_len, u->options.userdata);
        arm(u);
}

bool hv_http_upgrade_wanted(struct hv_http_request *req, const char *protocol) {
        const char *header = hv_http_header(req, "Upgrade");

        if (header && strcasecmp(header, protocol) == 0)
                return true;
        hv_http_reply_header(req, "Upgrade", protocol);
        hv_http_reply_problem(
                req, 426, "UpgradeRequired",
                "this is a session: ask for it with \"Connection: Upgrade\" and \"Upgrade: %s\"", protocol);
        return false;
}

struct hv_http_upgrade *hv_http_upgrade_open(struct hv_http_request *req,
                                             const struct hv_http_upgrade_options *options) {
        struct hv_http_server *server = req->conn->server;
        struct MHD_Response *response;
        struct hv_http_upgrade *u;

        if (server->is_draining) {
                hv_http_reply_problem(req, 503, "Stopping", "the agent is stopping");
                return NULL;
        }
        u = HV_NEW(struct hv_http_upgrade);
        u->req = req;
        u->options = *options;
        u->fd = -1;
        u->is_drained_told = true;
        u->next = server->upgrades;
        if (u->next)
                u->next->previous = u;
        server->upgrades = u;
        req->upgrade = u;
        response = MHD_create_response_for_upgrade(on_upgrade, u);
        if (!response || MHD_add_response_header(response, "Upgrade", options->protocol) != MHD_YES)
                hv_out_of_memory(1);
        hv_http_answer(req, 101, response);
        return u;
}

size_t hv_http_upgrade_room(const struct hv_http_upgrade *u) {
        return queued(u) >= u->options.queue_max_bytes ? 0 : u->options.queue_max_bytes - queued(u);
}

void hv_http_upgrade_write(struct hv_http_upgrade *u, const void *data, size_t len) {
        assert(len <= hv_http_upgrade_room(u));
        if (u->sent > u->out.len / 2) {
                memmove(u->out.data, u->out.data + u->sent, queued(u));
                u->out.len -= u->sent;
                u->sent = 0;
        }
        hv_buf_add(&u->out, data, len);
        u->is_drained_told = false;
        arm(u);
}

void hv_http_upgrade_hold(struct hv_http_upgrade *u, bool held) {
        u->is_held = held;
        arm(u);
}

void hv_http_upgrade_end(struct hv_http_upgrade *u) {
        u->options.gone = NULL;
        u->options.data = NULL;
        u->options.drained = NULL;
        if (u->state <= UPGRADE_OPEN)
                u->state = UPGRADE_ENDING;
        arm(u);
}

void hv_http_upgrades_end(struct hv_http_server *server, const char *reason, bool at_once) {
        struct hv_http_upgrade *next;

        for (struct hv_http_upgrade *u = server->upgrades; u; u = next) {
                next = u->next;
                if (u->state < UPGRADE_ENDING) {
                        tell_gone(u, reason); /* may write its last words */
                        u->state = UPGRADE_ENDING;
                        arm(u);
                }
                /* MHD ends the process when it is stopped with a socket that somebody else has. */
                if (at_once && u->state != UPGRADE_CLOSED) {
                        if (u->io)
                                (void) send_queue(u);
                        if (u->state != UPGRADE_CLOSED)
                                close_it(u, reason);
                }
        }
}

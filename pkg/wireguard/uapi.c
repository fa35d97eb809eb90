/* wireguard/uapi.c - see uapi.h. */
#include "wireguard/uapi.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/fd.h"

struct hv_wg_uapi_call {
        struct hv_wg_answer *answer;
        struct hv_wg_interface *into;
        struct hv_wg_text request, reply;
        size_t sent;
        char path[sizeof((struct sockaddr_un *) NULL)->sun_path];
        int fd;
        sd_event_source *io, *timer;
};

bool hv_wg_uapi_path(const char *directory, const char *interface, char *ret, size_t size) {
        int n = snprintf(ret, size, "%s/%s.sock", directory, interface);

        return n > 0 && (size_t) n < size && (size_t) n < sizeof((struct sockaddr_un *) NULL)->sun_path;
}

/* --- the connection --- */

static int connect_to(const char *path, struct hv_err *err) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _hv_cleanup_(hv_fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (fd < 0)
                return hv_err_errno(err, -errno, "cannot make a socket");
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0) {
                if (errno == ENOENT)
                        return hv_err_set(err, -ENODEV, "%s: no WireGuard in user space listens here", path);
                if (errno == ECONNREFUSED)
                        return hv_err_set(err, -ENODEV, "%s: the program behind this socket is gone", path);
                return hv_err_errno(err, -errno, "%s: cannot connect", path);
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return hv_err_errno(err, -errno, "%s: cannot tell who listens", path);
        if (peer.uid != 0 && peer.uid != geteuid())
                return hv_err_set(err, -EPERM,
                                  "%s: user %u listens here, expected root: no key is sent there", path,
                                  peer.uid);
        return hv_fd_steal(&fd);
}

enum hv_wg_socket hv_wg_uapi_probe(const char *path) {
        struct hv_err err = {};
        int fd = connect_to(path, &err);

        if (fd < 0)
                return fd != -ENODEV || access(path, F_OK) == 0 ? HV_WG_SOCKET_STALE : HV_WG_SOCKET_NONE;
        (void) close(fd);
        return HV_WG_SOCKET_LIVE;
}

static void call_free(struct hv_wg_uapi_call *c) {
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->timer);
        hv_fd_closep(&c->fd);
        hv_wg_text_done(&c->request);
        hv_wg_text_done(&c->reply);
        free(c);
}

void hv_wg_uapi_cancel(struct hv_wg_answer *a) {
        if (a->pending)
                call_free(HV_STEAL(a->pending));
}

static void end(struct hv_wg_uapi_call *c, int r, const struct hv_err *err) {
        struct hv_wg_answer *a = c->answer;

        a->pending = NULL;
        call_free(c);
        a->done(a, r, err);
}

/* --- on the loop --- */

/* 0: all is sent, or the rest waits. */
static int send_more(struct hv_wg_uapi_call *c, struct hv_err *err) {
        while (c->sent < c->request.len) {
                ssize_t n = send(c->fd, c->request.data + c->sent, c->request.len - c->sent, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return 0;
                if (n < 0)
                        return hv_err_errno(err, -errno, "%s: cannot write", c->path);
                c->sent += (size_t) n;
        }
        hv_wg_text_done(&c->request);
        c->sent = 0;
        (void) sd_event_source_set_io_events(c->io, EPOLLIN);
        return 0;
}

/* 1: the answer is there. */
static int read_more(struct hv_wg_uapi_call *c, struct hv_err *err) {
        char part[16384];
        int r = 0;

        for (;;) {
                ssize_t n = recv(c->fd, part, sizeof part, 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0)
                        r = hv_err_errno(err, -errno, "%s: cannot read", c->path);
                else if (n == 0)
                        r = hv_err_set(err, -EPIPE, "%s: the answer ends after %zu bytes", c->path,
                                       c->reply.len);
                else if (c->reply.len + (size_t) n > HV_WG_ANSWER_MAX_BYTES)
                        r = hv_err_set(err, -EMSGSIZE, "%s: the answer is longer than %u MiB", c->path,
                                       HV_WG_ANSWER_MAX_BYTES >> 20);
                else
                        hv_wg_text_add(&c->reply, part, (size_t) n);
                if (r < 0)
                        break;
        }
        explicit_bzero(part, sizeof part);
        return r < 0 ? r : c->reply.len && hv_wg_uapi_is_complete(c->reply.data, c->reply.len);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct hv_wg_uapi_call *c = userdata;
        struct hv_err err = {};
        int r = 0;

        (void) s;
        (void) fd;
        if (c->request.len)
                r = send_more(c, &err);
        if (r >= 0 && (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                r = read_more(c, &err);
        if (r == 0)
                return 0;
        if (r > 0) {
                r = hv_wg_uapi_parse(c->reply.data, c->reply.len, c->into, &err);
                if (r < 0)
                        (void) hv_err_prefix(&err, r, "%s", c->path);
        }
        end(c, r, &err);
        return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_wg_uapi_call *c = userdata;
        struct hv_err err = {};
        int r;

        (void) s;
        (void) usec;
        r = hv_err_set(&err, -ETIMEDOUT, "%s: no answer within %d s", c->path,
                       (int) (HV_WG_PROGRAM_TIMEOUT_US / HV_USEC_PER_SEC));
        end(c, r, &err);
        return 0;
}

int hv_wg_uapi_ask(struct sd_event *event, const char *path, struct hv_wg_text *request,
                   struct hv_wg_interface *into, struct hv_wg_answer *a, struct hv_err *err) {
        struct hv_wg_uapi_call *c = HV_NEW(struct hv_wg_uapi_call);
        int r;

        c->answer = a;
        c->into = into;
        c->request = *request;
        *request = (struct hv_wg_text){};
        (void) snprintf(c->path, sizeof c->path, "%s", path);
        c->fd = connect_to(path, err);
        if (c->fd < 0) {
                r = c->fd;
                call_free(c);
                return r;
        }
        r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN | EPOLLOUT, on_io, c);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC, HV_WG_PROGRAM_TIMEOUT_US, 0,
                                               on_timeout, c);
        if (r < 0) {
                call_free(c);
                return hv_err_errno(err, r, "%s: cannot wait for an answer", path);
        }
        a->pending = c;
        return HV_WG_LATER;
}

/* tap.c - see tap.h. A request without a body ends at its blank line; one with a body is remembered by its first line, and
 * what follows on that connection counts as its body. */
#include "tap.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "testing.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/vec.h"

struct wire {
        struct tap *tap;
        int fd[2]; /* client, engine */
        sd_event_source *io[2];
        struct hv_buf head; /* of the request that comes in */
        bool has_body;
        struct wire *next;
};

struct tap {
        sd_event *event;
        char dir[32], socket[64], *url, *engine;
        int fd;
        sd_event_source *io;
        struct wire *wires;
        HV_VEC(char *) requests;
};

static void wire_free(struct wire *w) {
        for (size_t i = 0; i < 2; i++) {
                (void) sd_event_source_disable_unref(w->io[i]);
                (void) close(w->fd[i]);
        }
        hv_buf_done(&w->head);
        free(w);
}

static void cut(struct wire *w) {
        for (struct wire **p = &w->tap->wires; *p; p = &(*p)->next)
                if (*p == w) {
                        *p = w->next;
                        break;
                }
        wire_free(w);
}

static void overhear(struct wire *w, const char *data, size_t len) {
        for (size_t i = 0; i < len && !w->has_body; i++) {
                hv_buf_putc(&w->head, data[i]);
                if (w->head.len < 4 || strcmp(w->head.data + w->head.len - 4, "\r\n\r\n") != 0)
                        continue;
                w->has_body = !hv_has_prefix(w->head.data, "GET ") && !hv_has_prefix(w->head.data, "HEAD ");
                hv_vec_push(&w->tap->requests, hv_strndup(w->head.data, strcspn(w->head.data, "\r")));
                hv_buf_clear(&w->head);
        }
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct wire *w = userdata;
        bool from_client = fd == w->fd[0];
        char data[65536];
        ssize_t n;

        (void) s;
        (void) revents;
        n = read(fd, data, sizeof data);
        if (n <= 0) {
                cut(w);
                return 0;
        }
        if (from_client)
                overhear(w, data, (size_t) n);
        /* The sockets block: both ends read all the time. */
        for (ssize_t at = 0; at < n;) {
                ssize_t sent = send(w->fd[from_client ? 1 : 0], data + at, (size_t) (n - at), MSG_NOSIGNAL);

                if (sent < 0) {
                        cut(w);
                        return 0;
                }
                at += sent;
        }
        return 0;
}

static int connect_to(const char *path) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
        assert_int_equal(connect(fd, (struct sockaddr *) &a, sizeof a), 0);
        return fd;
}

static int on_accept(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct tap *t = userdata;
        struct wire *w = HV_NEW(struct wire);

        (void) s;
        (void) revents;
        w->tap = t;
        w->fd[0] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(w->fd[0] >= 0);
        w->fd[1] = connect_to(t->engine);
        for (size_t i = 0; i < 2; i++)
                assert_true(sd_event_add_io(t->event, &w->io[i], w->fd[i], EPOLLIN, on_io, w) >= 0);
        w->next = t->wires;
        t->wires = w;
        return 0;
}

struct tap *tap_new(sd_event *event, const char *engine_url) {
        struct tap *t = HV_NEW(struct tap);
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        assert_true(hv_has_prefix(engine_url, "unix://"));
        t->event = event;
        t->engine = hv_strdup(engine_url + strlen("unix://"));
        (void) snprintf(t->dir, sizeof t->dir, "/tmp/hv-tap-XXXXXX");
        assert_non_null(mkdtemp(t->dir));
        (void) snprintf(t->socket, sizeof t->socket, "%s/sock", t->dir);
        t->url = hv_asprintf("unix://%s", t->socket);
        t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(a.sun_path, sizeof a.sun_path, "%s", t->socket);
        assert_int_equal(bind(t->fd, (struct sockaddr *) &a, sizeof a), 0);
        assert_int_equal(listen(t->fd, 16), 0);
        assert_true(sd_event_add_io(event, &t->io, t->fd, EPOLLIN, on_accept, t) >= 0);
        return t;
}

struct tap *tap_free(struct tap *t) {
        if (!t)
                return NULL;
        while (t->wires)
                cut(t->wires);
        (void) sd_event_source_disable_unref(t->io);
        (void) close(t->fd);
        (void) unlink(t->socket);
        (void) rmdir(t->dir);
        for (size_t i = 0; i < t->requests.n; i++)
                free(t->requests.v[i]);
        hv_vec_done(&t->requests);
        free(t->url);
        free(t->engine);
        free(t);
        return NULL;
}

const char *tap_url(const struct tap *t) {
        return t->url;
}

size_t tap_requests(const struct tap *t) {
        return t->requests.n;
}

const char *tap_request(const struct tap *t, size_t i) {
        return t->requests.v[i];
}
